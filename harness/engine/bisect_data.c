/* bisect_data.c - what the runs of a bisection measured, as figures of boots. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "bisect_private.h"
#include "comparison.h"
#include "kernel_records.h"
#include "memory.h"

/* Blocks of different runs of timed mode are different blocks. */
#define RUN_BLOCKS 100000u

/* One run on its way into boots. */
struct reading {
	struct bisect *bisect;
	struct stored_run run;
	size_t ordinal;
	uint32_t row;
	struct bisection_boot *boots; size_t count; /* what it gave; owned */
};

static void reading_release(struct reading *reading)
{
	stored_run_release(&reading->run);
	free(reading->boots);
}

static int find_row(struct reading *reading, struct error *err)
{
	const struct stored_cell *cell = &reading->run.cells[0];

	for (uint32_t i = 0; i < cell->rows_count; i++) {
		if (strcmp(cell->rows[i].name, reading->bisect->suite_row))
			continue;
		reading->row = i;
		return 0;
	}
	return error_set(err, -EBADMSG, "run %s has no row %s", reading->run.id,
			 reading->bisect->suite_row);
}

static bool position_of(const struct reading *reading, uint32_t variant, size_t *ret_position)
{
	const struct bisect *bisect = reading->bisect;
	const char *name = reading->run.variants[variant].name;

	for (size_t i = 0; i <= bisect->model.last; i++) {
		if (strcmp(bisect_item(bisect, i)->name, name))
			continue;
		*ret_position = i;
		return true;
	}
	return false;
}

/* In exact mode a second boot of a seed is the same again. */
static bool is_there(const struct bisection_boot *boots, size_t count, uint32_t block,
		     size_t position)
{
	for (size_t i = 0; i < count; i++)
		if (boots[i].block == block && boots[i].position == position)
			return true;
	return false;
}

static int add_boot(struct reading *reading, const struct stored_samples *samples,
		    struct error *err)
{
	const struct bisect *bisect = reading->bisect;
	const struct boot_samples boot = { .values = samples->values, .count = samples->count };
	bool is_exact = bisect_is_exact(bisect);
	uint32_t block = is_exact ? (uint32_t)(reading->run.seed + samples->block) :
				    (uint32_t)reading->ordinal * RUN_BLOCKS + samples->block;
	size_t position;
	double figure;

	if (!samples->count || !position_of(reading, samples->variant, &position) ||
	    (is_exact && is_there(reading->boots, reading->count, block, position)))
		return 0;
	figure = statistics_boot_summary(&boot, bisect->summary);
	if (!(figure > 0) || !isfinite(figure))
		return error_set(err, -EDOM, "run %s: %s.%s of %s is %g: expected figures above 0, "
				 "since their ratios are judged", reading->run.id, bisect->suite_row,
				 bisect->metric, bisect_item(bisect, position)->name, figure);
	reading->boots[reading->count++] = (struct bisection_boot){
		.block = block, .position = position, .log_figure = log(figure),
	};
	return 0;
}

static void pair_copies(struct reading *reading, const struct stored_samples *items,
			size_t count);

static int read_samples(struct reading *reading, struct error *err)
{
	struct stored_samples *items = NULL;
	size_t count = 0;
	int code = run_store_samples(reading->bisect->store, reading->run.id, 0, reading->row,
				     reading->bisect->metric, &items, &count, err);

	if (code)
		return code;
	reading->boots = memory_alloc_array(count, sizeof(*reading->boots));
	for (size_t i = 0; !code && i < count; i++)
		code = add_boot(reading, &items[i], err);
	if (!code)
		pair_copies(reading, items, count);
	stored_samples_free(items, count);
	return code;
}

/* An exact run whose repeat gave other bytes says nothing. */
static int check_canary(struct reading *reading, struct error *err)
{
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };

	if (!bisect_is_exact(reading->bisect))
		return 0;
	comparison_count_canaries(&comparison, &reading->run);
	if (!comparison.canary_failed)
		return 0;
	return error_set(err, -EBADMSG, "run %s is not exact: a boot was made twice and gave "
			 "other bytes; `kerngate doctor --exact` looks into it", reading->run.id);
}

static void count_tries(struct reading *reading)
{
	for (size_t i = 0; i < reading->run.trials_count; i++) {
		const struct stored_trial *trial = &reading->run.trials[i];
		size_t position;

		if (trial->state == TRIAL_FINISHED && !trial->superseded &&
		    position_of(reading, trial->variant, &position))
			reading->bisect->tries[position]++;
	}
}

static int read_run(struct reading *reading, const char *run_id, struct error *err)
{
	int code = run_store_load(reading->bisect->store, run_id, &reading->run, err);

	if (!code)
		code = find_row(reading, err);
	if (!code)
		code = check_canary(reading, err);
	return code ? code : read_samples(reading, err);
}

/* --- the check ----------------------------------------------------------------------------- */

static void pair_check(struct bisect *bisect, const struct reading *reading)
{
	cleanup_free struct figure_pair *pairs = memory_alloc_array(reading->count,
								    sizeof(*pairs));
	size_t count = 0;

	for (size_t i = 0; i < reading->count; i++) {
		const struct bisection_boot *one = &reading->boots[i];

		for (size_t j = 0; j < reading->count; j++) {
			const struct bisection_boot *other = &reading->boots[j];

			/* the parent is the lower position */
			if (other->block == one->block && other->position > one->position)
				pairs[count++] = (struct figure_pair){
					.a = exp(one->log_figure), .b = exp(other->log_figure),
				};
		}
	}
	bisect->check = (struct bisect_check){ .blocks = (uint32_t)count };
	if (count)
		bisect->check.figures = statistics_paired(pairs, count, 0.95);
}

/* --- the control ----------------------------------------------------------------------------- */

static const struct stored_samples *samples_of(const struct stored_samples *items, size_t count,
					       uint32_t variant, uint32_t block)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].variant == variant && items[i].block == block && items[i].count)
			return &items[i];
	return NULL;
}

/* Good and its copy, in the blocks that have both. */
static void pair_copies(struct reading *reading, const struct stored_samples *items,
			size_t count)
{
	struct bisect *bisect = reading->bisect;
	const struct stored_run *run = &reading->run;

	for (size_t i = 0; run->mode != MODE_EXACT && run->control_variant >= 0 && i < count; i++) {
		const struct stored_samples *copy = items[i].variant == run->baseline ?
			samples_of(items, count, (uint32_t)run->control_variant, items[i].block) :
			NULL;
		const struct boot_samples one = { .values = items[i].values,
						  .count = items[i].count };
		struct boot_samples other;

		if (!copy || !items[i].count)
			continue;
		other = (struct boot_samples){ .values = copy->values, .count = copy->count };
		bisect->copies = memory_realloc_array(bisect->copies, bisect->copies_count + 1,
						      sizeof(*bisect->copies));
		bisect->copies[bisect->copies_count++] = (struct figure_pair){
			.a = statistics_boot_summary(&one, bisect->summary),
			.b = statistics_boot_summary(&other, bisect->summary),
		};
	}
}

static void judge_control(struct bisect *bisect)
{
	bisect->control = (struct bisect_check){ .blocks = (uint32_t)bisect->copies_count };
	if (bisect->copies_count)
		bisect->control.figures = statistics_paired(bisect->copies, bisect->copies_count,
							    0.95);
}

/* --- all runs --------------------------------------------------------------------------------- */

static int gather_run(struct bisect *bisect, const json_t *entry, size_t ordinal,
		      struct error *err)
{
	cleanup_with(reading_release) struct reading reading = { .bisect = bisect,
								 .ordinal = ordinal };
	int code = read_run(&reading, record_text(entry, "run"), err);

	if (code)
		return code;
	if (!strcmp(record_text(entry, "kind"), "check")) {
		pair_check(bisect, &reading);
		return 0;
	}
	count_tries(&reading);
	bisect->boots = memory_realloc_array(bisect->boots, bisect->count + reading.count + 1,
					     sizeof(*bisect->boots));
	for (size_t i = 0; i < reading.count; i++)
		if (!bisect_is_exact(bisect) ||
		    !is_there(bisect->boots, bisect->count, reading.boots[i].block,
			      reading.boots[i].position))
			bisect->boots[bisect->count++] = reading.boots[i];
	return 0;
}

int bisect_gather(struct bisect *bisect, struct error *err)
{
	const json_t *runs = bisect_state_runs(bisect), *entry;
	size_t index;

	bisect->count = 0;
	bisect->copies_count = 0;
	memset(bisect->tries, 0, (bisect->model.last + 1) * sizeof(*bisect->tries));
	json_array_foreach(runs, index, entry) {
		int code = gather_run(bisect, entry, index + 1, err);

		if (code)
			return code;
	}
	judge_control(bisect);
	return 0;
}

char *bisect_failure(struct bisect *bisect, size_t position)
{
	const json_t *runs = bisect_state_runs(bisect), *entry;
	char *why = string_copy("its boots gave no figure");
	size_t index, found;

	json_array_foreach(runs, index, entry) {
		cleanup_with(reading_release) struct reading reading = { .bisect = bisect };

		if (run_store_load(bisect->store, record_text(entry, "run"), &reading.run, NULL))
			continue;
		for (size_t i = 0; i < reading.run.trials_count; i++) {
			const struct stored_trial *trial = &reading.run.trials[i];

			if (trial->state != TRIAL_FINISHED || trial->outcome == OUTCOME_PASSED ||
			    !position_of(&reading, trial->variant, &found) || found != position)
				continue;
			free(why);
			why = string_format("%s%s%s", outcome_name(trial->outcome),
					    trial->reason ? ": " : "",
					    trial->reason ? trial->reason : "");
		}
	}
	return why;
}
