/* bisect_go.c - looks at what is known, does what is to be done next, and looks again. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "bisect_private.h"
#include "clock.h"
#include "fleet.h"
#include "kernel_records.h"
#include "log.h"
#include "memory.h"

/* A kernel that gave no figure in so many boots does not boot. */
#define TRIES_MAX 3u
/* Two copies of good differ by no more than chance: of a thousand bisections one. */
#define CONTROL_ALPHA 0.001
#define CHECK_ALPHA 0.05
#define CHECK_POWER 0.95
#define CHECK_BLOCKS_MAX 30u

const char *bisect_answer_name(enum bisect_answer answer)
{
	static const char *const names[] = {
		[BISECT_OPEN] = "open", [BISECT_FOUND] = "found",
		[BISECT_NOT_SEEN_AGAIN] = "not seen again", [BISECT_NARROWED] = "narrowed",
		[BISECT_UNDECIDED] = "undecided", [BISECT_ALIKE] = "alike",
		[BISECT_TOO_NOISY] = "too noisy", [BISECT_CONTROL] = "control fired",
		[BISECT_BUDGET] = "budget spent",
	};

	return names[answer];
}

enum gate_exit bisect_exit(const struct bisect *bisect)
{
	return bisect->answer == BISECT_FOUND ? GATE_PASS : GATE_INCONCLUSIVE;
}

/* --- seeds ------------------------------------------------------------------------------------ */

/* Seeds that were planned for a position in runs of kind; of "check" all count. */
static uint32_t seeds_of(const struct bisect *bisect, const char *name, bool any_kind)
{
	const json_t *runs = bisect_state_runs(bisect), *run, *position;
	uint32_t count = 0;
	size_t index, at;

	json_array_foreach(runs, index, run) {
		uint64_t end = record_number(run, "seed") + record_number(run, "blocks") - 1;

		if (!any_kind && !strcmp(record_text(run, "kind"), "check"))
			continue;
		json_array_foreach(json_object_get(run, "positions"), at, position) {
			if ((any_kind || !strcmp(json_string_value(position), name)) && end > count)
				count = (uint32_t)end;
		}
	}
	return count;
}

/* --- steps -------------------------------------------------------------------------------------- */

static int boot_ends(struct bisect *bisect, uint32_t blocks, struct error *err)
{
	const size_t ends[] = { 0, bisect->model.last };
	uint32_t seeds = seeds_of(bisect, bisect_item(bisect, 0)->name, false);
	int code = bisect_step(bisect, "ends", ends, ARRAY_COUNT(ends), blocks, seeds + 1, err);

	return code > 0 ? 0 : code;
}

/* In exact mode good and bad need not be booted again in the worlds where they were. */
static int boot_position(struct bisect *bisect, size_t position, uint32_t blocks,
			 struct error *err)
{
	const size_t all[] = { 0, bisect->model.last, position };
	uint32_t ends = seeds_of(bisect, bisect_item(bisect, 0)->name, false);
	uint32_t have = seeds_of(bisect, bisect_item(bisect, position)->name, false);
	int code;

	if (!bisect_is_exact(bisect) || have >= ends) {
		code = bisect_step(bisect, "step", all, ARRAY_COUNT(all), blocks, ends + 1, err);
	} else {
		uint32_t fewer = blocks < ends - have ? blocks : ends - have;

		code = bisect_step(bisect, "step", &position, 1, fewer, have + 1, err);
	}
	return code > 0 ? 0 : code;
}

static uint32_t count_boots(const struct bisect *bisect, size_t position)
{
	uint32_t count = 0;

	for (size_t i = 0; i < bisect->count; i++)
		count += bisect->boots[i].position == position;
	return count;
}

/* Skips positions whose boots give nothing; 1 if any was. */
static int skip_dead(struct bisect *bisect, struct error *err)
{
	int skipped = 0;

	for (size_t i = 0; i <= bisect->model.last; i++) {
		cleanup_free char *why = NULL;
		int code;

		if (bisect->model.is_skipped[i] || bisect->tries[i] < TRIES_MAX ||
		    bisect->tries[i] < 2 * count_boots(bisect, i))
			continue;
		if (count_boots(bisect, i) && bisect->tries[i] < 3 * TRIES_MAX)
			continue;
		why = bisect_failure(bisect, i);
		if (i == 0 || i == bisect->model.last)
			return error_set(err, -ENODATA, "%s gave %u figures of %s.%s in %u boots: %s",
					 bisect_item(bisect, i)->name, count_boots(bisect, i),
					 bisect->suite_row, bisect->metric, bisect->tries[i], why);
		log_warning("%s is skipped: %s", bisect_item(bisect, i)->name, why);
		code = bisect_state_skip(bisect, i, why, err);
		if (code)
			return code;
		skipped = 1;
	}
	return skipped;
}

/* --- what to do next -------------------------------------------------------------------------------- */

static bool is_apart(const struct bisect *bisect)
{
	return json_is_true(json_object_get(bisect->state, "apart"));
}

static void look_at_ends(struct bisect *bisect)
{
	size_t runs = bisect_state_count(bisect, "ends");

	bisect->ends = bisection_compare_ends(&bisect->model, bisect->boots, bisect->count,
					      runs ? (uint32_t)runs - 1 : 0);
	if (bisect->ends.state == BISECTION_APART)
		json_object_set_new(bisect->state, "apart", json_true());
}

/* 1: answered. */
static int work_on_ends(struct bisect *bisect, struct error *err)
{
	switch (bisect->ends.state) {
	case BISECTION_ALIKE:
		bisect->answer = BISECT_ALIKE;
		return 1;
	case BISECTION_TOO_NOISY:
		bisect->answer = BISECT_TOO_NOISY;
		return 1;
	case BISECTION_MORE:
	case BISECTION_APART:
		break;
	}
	log_info("good against bad: %u blocks", bisect->ends.blocks_more);
	return boot_ends(bisect, bisect->ends.blocks_more, err);
}

static int check_culprit(struct bisect *bisect, struct error *err)
{
	const size_t pair[] = { bisect->next.first - 1, bisect->next.first };
	size_t blocks = statistics_blocks_needed(bisect->ends.sd, fabs(bisect->ends.ratio - 1),
						 CHECK_ALPHA, CHECK_POWER);
	int code;

	if (blocks < bisect->model.blocks_min)
		blocks = bisect->model.blocks_min;
	if (blocks > CHECK_BLOCKS_MAX)
		blocks = CHECK_BLOCKS_MAX;
	log_info("%s against %s once more: %zu blocks", bisect_item(bisect, pair[1])->name,
		 bisect_item(bisect, pair[0])->name, blocks);
	code = bisect_step(bisect, "check", pair, ARRAY_COUNT(pair), (uint32_t)blocks,
			   seeds_of(bisect, "", true) + 1, err);
	return code > 0 ? 0 : code;
}

static void judge_check(struct bisect *bisect)
{
	const struct paired_figures *figures = &bisect->check.figures;
	bool is_same_way = (figures->ratio > 1) == (bisect->ends.ratio > 1);
	bool is_seen = bisect->check.blocks > 1 && figures->p < CHECK_ALPHA && is_same_way;

	bisect->answer = is_seen ? BISECT_FOUND : BISECT_NOT_SEEN_AGAIN;
}

/* 1: answered. */
static int work_on_steps(struct bisect *bisect, struct error *err)
{
	const struct bisection_next *next = &bisect->next;

	switch (next->action) {
	case BISECTION_NARROWED:
		bisect->answer = BISECT_NARROWED;
		return 1;
	case BISECTION_UNDECIDED:
		bisect->answer = BISECT_UNDECIDED;
		return 1;
	case BISECTION_FOUND:
		if (!bisect_state_count(bisect, "check"))
			return check_culprit(bisect, err);
		judge_check(bisect);
		return 1;
	case BISECTION_MEASURE:
		break;
	}
	log_info("%s: %u blocks; the first bad is among %s..%s (%.1f %%)",
		 bisect_item(bisect, next->position)->name, next->blocks,
		 bisect_item(bisect, next->first)->name, bisect_item(bisect, next->last)->name,
		 100 * next->probability);
	return boot_position(bisect, next->position, next->blocks, err);
}

static bool is_measured(const struct bisect *bisect)
{
	return is_apart(bisect) && bisect->next.action == BISECTION_FOUND &&
	       bisect_state_count(bisect, "check");
}

static int turn(struct bisect *bisect, struct error *err)
{
	int code = bisect_finish_run(bisect, err);

	if (!code)
		code = bisect_gather(bisect, err);
	if (!code)
		code = skip_dead(bisect, err);
	if (code < 0)
		return code;
	if (bisect->control.blocks > 1 && bisect->control.figures.p < CONTROL_ALPHA &&
	    fabs(bisect->control.figures.ratio - 1) >= bisect->model.effect / 2) {
		bisect->answer = BISECT_CONTROL;
		return 1;
	}
	look_at_ends(bisect);
	if (is_apart(bisect))
		bisect->next = bisection_choose(&bisect->model, bisect->boots, bisect->count);
	if (!bisect_state_left_minutes(bisect) && !is_measured(bisect) &&
	    (is_apart(bisect) || bisect->ends.state == BISECTION_MORE)) {
		bisect->answer = BISECT_BUDGET;
		return 1;
	}
	return is_apart(bisect) ? work_on_steps(bisect, err) : work_on_ends(bisect, err);
}

int bisect_go(struct bisect *bisect, struct error *err)
{
	int code = 0, saved;

	bisect->began_ns = clock_monotonic_ns();
	bisect->answer = BISECT_OPEN;
	while (code == 0)
		code = fleet_is_interrupted() ? error_set(err, -EINTR, "interrupted") :
						turn(bisect, err);
	if (code < 0)
		return error_prefix(err, "bisection %s (go on with: %s bisect --resume %s)",
				    bisect->id, experiment_program(bisect->options),
				    bisect->id);
	json_object_set_new(bisect->state, "answer",
			    json_string(bisect_answer_name(bisect->answer)));
	bisect_state_spend(bisect);
	saved = bisect_state_save(bisect, err);
	return saved;
}
