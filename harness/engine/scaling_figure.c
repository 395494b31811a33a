/* scaling_figure.c - stored runs > the speed-up of one row. What is drawn and
 * written of it: scaling_draw.c, scaling_render.c.
 */
#include "scaling_figure.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "canary.h"
#include "memory.h"
#include "scaling_series.h"

#define WORK_METRIC "work_instructions"
#define SPAN_METRIC "span_instructions"

void scaling_figure_release(struct scaling_figure *figure)
{
	free(figure->run_id);
	free(figure->timed_id);
	free(figure->guest);
	free(figure->suite);
	free(figure->row);
	free(figure->workload);
	free(figure->variant);
	free(figure->timed_metric);
	free(figure->timed_unit);
	free(figure->timed_accelerator);
	free(figure->points);
	free(figure->measured);
	strvec_release(&figure->inexact);
	*figure = (struct scaling_figure){ .run_id = NULL };
}

/* --- which variant ---------------------------------------------------------------------- */

static int choose_variant(const struct stored_run *run, const char *name, uint32_t *ret_variant,
			  struct error *err)
{
	cleanup_strbuf struct strbuf names = STRBUF_INIT;

	*ret_variant = (uint32_t)run->baseline;
	if (!name)
		return 0;
	for (uint32_t i = 0; i < run->variants_count; i++) {
		if ((int64_t)i == run->control_variant)
			continue;
		*ret_variant = i;
		if (!strcmp(run->variants[i].name, name))
			return 0;
		strbuf_addf(&names, "%s%s", names.length ? ", " : "", run->variants[i].name);
	}
	return error_set(err, -ENOENT, "run %s has no variant '%s'; expected one of %s", run->id,
			 name, names.data);
}

/* --- samples --------------------------------------------------------------------------- */

/* Boots of one variant; values borrowed from items. */
struct samples {
	struct stored_samples *items;   /* owned; of all variants */
	size_t items_count;
	struct boot_samples *boots;     /* owned */
	size_t count;
};

static void samples_release(struct samples *samples)
{
	stored_samples_free(samples->items, samples->items_count);
	free(samples->boots);
}

static int load_samples(struct run_store *store, const struct stored_run *run,
			const struct scaling_series_cell *at, uint32_t variant, const char *metric,
			struct samples *ret, struct error *err)
{
	int rc = run_store_samples(store, run->id, at->cell, at->row, metric, &ret->items,
				   &ret->items_count, err);

	if (rc)
		return rc;
	ret->boots = memory_alloc_array(ret->items_count, sizeof(*ret->boots));
	for (size_t i = 0; i < ret->items_count; i++) {
		const struct stored_samples *item = &ret->items[i];

		if (item->variant == variant && item->count)
			ret->boots[ret->count++] = (struct boot_samples){
				item->block, item->values, item->count };
	}
	return 0;
}

/* Samples of each count of a series, for two metrics at most. */
struct gathered {
	struct samples *items;          /* owned; 2 for each count */
	size_t count;
};

static void gathered_release(struct gathered *gathered)
{
	for (size_t i = 0; i < 2 * gathered->count; i++)
		samples_release(&gathered->items[i]);
	free(gathered->items);
}

/* second NULL: the first metric only; it is not asked of one vCPU. */
static int gather(struct run_store *store, const struct stored_run *run,
		  const struct scaling_series *series, uint32_t variant, const char *first,
		  const char *second, struct gathered *ret, struct error *err)
{
	int rc = 0;

	ret->items = memory_alloc_array(2 * series->cells_count, sizeof(*ret->items));
	ret->count = series->cells_count;
	for (size_t i = 0; !rc && i < series->cells_count; i++) {
		const struct scaling_series_cell *at = &series->cells[i];

		rc = load_samples(store, run, at, variant, first, &ret->items[2 * i], err);
		if (!rc && second && at->vcpus_count > 1)
			rc = load_samples(store, run, at, variant, second,
					  &ret->items[2 * i + 1], err);
	}
	return rc;
}

/* --- on paper --------------------------------------------------------------------------- */

static int check_exact(const struct stored_run *run, struct error *err)
{
	if (run->mode != MODE_EXACT)
		return error_set(err, -EINVAL, "run %s ran in timed mode: instructions are counted "
				 "in exact mode only", run->id);
	if (!run->exact.counts)
		return error_set(err, -EINVAL, "run %s counted no instructions (exact: {counts: "
				 "false})", run->id);
	return 0;
}

static int make_points(struct run_store *store, const struct stored_run *run,
		       const struct scaling_series *series, uint32_t variant,
		       struct scaling_figure *figure, struct error *err)
{
	cleanup_with(gathered_release) struct gathered gathered = { .items = NULL };
	size_t count = series->cells_count;
	cleanup_free struct scaling_counts *counts = memory_alloc_array(count, sizeof(*counts));
	int rc = gather(store, run, series, variant, WORK_METRIC, SPAN_METRIC, &gathered, err);

	if (!rc && count < 2)
		rc = error_set(err, -ENODATA, "run %s, row %s: a speed-up takes two numbers of "
			       "vCPUs", run->id, series->row);
	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++) {
		const struct samples *work = &gathered.items[2 * i];
		const struct samples *span = &gathered.items[2 * i + 1];

		counts[i] = (struct scaling_counts){
			series->cells[i].vcpus_count, work->boots, span->boots, work->count,
			span->count,
		};
	}
	figure->points = memory_alloc_array(count, sizeof(*figure->points));
	rc = scaling_paper(counts, count, figure->confidence, figure->points, err);
	if (rc)
		return error_prefix(err, "run %s, row %s", run->id, series->row);
	figure->points_count = count;
	figure->fit = scaling_fit_amdahl(figure->points, count);
	return 0;
}

static uint32_t blocks_of(const struct stored_run *run)
{
	uint32_t blocks = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].block >= blocks)
			blocks = run->trials[i].block + 1;
	return blocks;
}

/* The cells whose canary differs, be it still to be booted once more. */
static void note_inexact(const struct stored_run *run, const struct scaling_series *series,
			 struct strvec *inexact)
{
	uint32_t blocks = blocks_of(run);

	for (size_t i = 0; i < series->cells_count; i++) {
		const struct stored_cell *cell = &run->cells[series->cells[i].cell];
		bool holds = true;

		for (uint32_t block = 0; block < blocks; block++) {
			enum canary_state state =
				canary_look(run, series->cells[i].cell, block).state;

			holds = holds && state != CANARY_INEXACT && state != CANARY_REPEAT;
		}
		if (!holds)
			strvec_pushf(inexact, "%s/%s", cell->guest, cell->suite);
	}
}

/* --- measured ---------------------------------------------------------------------------- */

/* The first time that is not derived from another metric. */
static const struct metric_info *time_metric(const struct stored_row *row)
{
	for (size_t i = 0; i < row->metrics_count; i++)
		if (row->metrics[i].kind == METRIC_TIME && !row->metrics[i].secondary)
			return &row->metrics[i];
	return NULL;
}

/* What both runs must have alike for their points to stand in one figure. */
static int check_same_variant(const struct stored_run *run, const struct stored_run *timed,
			      uint32_t a, uint32_t b, struct error *err)
{
	const struct stored_variant *before = &run->variants[a], *now = &timed->variants[b];

	if (strcmp(before->kernel_key, now->kernel_key) != 0)
		return error_set(err, -ESTALE, "run %s measured another kernel as %s than run %s",
				 timed->id, now->name, run->id);
	if (strcmp(before->cmdline, now->cmdline) != 0)
		return error_set(err, -ESTALE, "run %s booted %s with '%s', run %s with '%s'",
				 timed->id, now->name, now->cmdline, run->id, before->cmdline);
	return 0;
}

static const struct stored_row *row_at(const struct stored_run *run,
				       const struct scaling_series_cell *at)
{
	return &run->cells[at->cell].rows[at->row];
}

static int check_same_rows(const struct stored_run *run, const struct stored_run *timed,
			   const struct scaling_series *a, const struct scaling_series *b,
			   struct error *err)
{
	for (size_t i = 0; i < b->cells_count; i++) {
		const struct stored_row *now = row_at(timed, &b->cells[i]);

		for (size_t j = 0; j < a->cells_count; j++) {
			const struct stored_row *before = row_at(run, &a->cells[j]);

			if (a->cells[j].vcpus_count != b->cells[i].vcpus_count ||
			    (!strcmp(before->workload, now->workload) &&
			     !strcmp(before->arguments, now->arguments)))
				continue;
			return error_set(err, -ESTALE, "row %s at %u vCPUs: run %s ran %s %s, "
					 "run %s %s %s", a->row, b->cells[i].vcpus_count,
					 timed->id, now->workload, now->arguments, run->id,
					 before->workload, before->arguments);
		}
	}
	return 0;
}

static int measure(struct run_store *store, const struct stored_run *timed,
		   const struct scaling_series *series, uint32_t variant,
		   struct scaling_figure *figure, struct error *err)
{
	cleanup_with(gathered_release) struct gathered gathered = { .items = NULL };
	const struct metric_info *metric = time_metric(row_at(timed, &series->cells[0]));
	size_t count = series->cells_count;
	cleanup_free struct scaling_times *times = memory_alloc_array(count, sizeof(*times));
	int rc;

	if (!metric)
		return error_set(err, -ENODATA, "row %s has no metric that is a time", series->row);
	rc = gather(store, timed, series, variant, metric->name, NULL, &gathered, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++)
		times[i] = (struct scaling_times){ series->cells[i].vcpus_count,
						   gathered.items[2 * i].boots,
						   gathered.items[2 * i].count };
	figure->measured = memory_alloc_array(count, sizeof(*figure->measured));
	rc = scaling_measure(times, count, timed->gate.confidence, timed->seed,
			     figure->measured, err);
	if (rc)
		return error_prefix(err, "run %s, row %s", timed->id, series->row);
	figure->measured_count = count;
	figure->timed_metric = string_copy(metric->name);
	figure->timed_unit = string_copy(metric->unit);
	figure->timed_accelerator = string_copy(timed->accelerator);
	return 0;
}

static int add_measured(struct run_store *store, const struct stored_run *run,
			const struct stored_run *timed, const struct scaling_series *series,
			uint32_t variant, struct scaling_figure *figure, struct error *err)
{
	cleanup_with(scaling_series_release) struct scaling_series_list list = { .items = NULL };
	const struct scaling_series *same;
	uint32_t timed_variant;
	int rc;

	if (timed->mode != MODE_TIMED)
		return error_set(err, -EINVAL, "run %s ran in exact mode: its times are "
				 "instructions", timed->id);
	scaling_series_list(timed, false, &list);
	same = scaling_series_find(&list, series->guest, series->suite, series->row);
	if (!same)
		return error_set(err, -ENOENT, "run %s has no row %s of %s/%s over vcpus_counts",
				 timed->id, series->row, series->guest, series->suite);
	rc = choose_variant(timed, run->variants[variant].name, &timed_variant, err);
	if (!rc)
		rc = check_same_variant(run, timed, variant, timed_variant, err);
	if (!rc)
		rc = check_same_rows(run, timed, series, same, err);
	if (!rc)
		rc = measure(store, timed, same, timed_variant, figure, err);
	if (!rc)
		figure->timed_id = string_copy(timed->id);
	return rc;
}

/* --- all ---------------------------------------------------------------------------------- */

int scaling_figure_make(struct run_store *store, const struct stored_run *run,
			const struct stored_run *timed, const struct scaling_request *request,
			struct scaling_figure *ret_figure, struct error *err)
{
	cleanup_with(scaling_series_release) struct scaling_series_list list = { .items = NULL };
	cleanup_with(scaling_figure_release) struct scaling_figure figure = {
		.policy = run->exact, .confidence = run->gate.confidence };
	const struct scaling_series *series = NULL;
	uint32_t variant = 0;
	int rc = check_exact(run, err);

	scaling_series_list(run, true, &list);
	if (!rc)
		rc = scaling_series_choose(run, &list, request, &series, err);
	if (!rc)
		rc = choose_variant(run, request->variant, &variant, err);
	if (!rc)
		rc = make_points(store, run, series, variant, &figure, err);
	if (!rc && timed)
		rc = add_measured(store, run, timed, series, variant, &figure, err);
	if (rc)
		return rc;
	note_inexact(run, series, &figure.inexact);
	figure.run_id = string_copy(run->id);
	figure.guest = string_copy(series->guest);
	figure.suite = string_copy(series->suite);
	figure.row = string_copy(series->row);
	figure.workload = string_copy(row_at(run, &series->cells[0])->workload);
	figure.variant = string_copy(run->variants[variant].name);
	*ret_figure = figure;
	figure = (struct scaling_figure){ .run_id = NULL };
	return 0;
}
