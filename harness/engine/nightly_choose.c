/* nightly_choose.c - what earlier nights say about the cells of a campaign, and which of
 * them this night measures.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "history.h"
#include "log.h"
#include "memory.h"
#include "nightly_private.h"
#include "run_store_history.h"

#define NIGHTS_MAX 100

/* What is known of one cell. */
struct cell_past {
	uint64_t measured_wall_ns;   /* the last time; 0: never */
	size_t last;                 /* index into the timeline; SIZE_MAX: none */
	bool *in_run;                /* of the timeline: measured there; owned */
};

struct past {
	struct timeline_run *timeline; size_t timeline_count;      /* owned */
	struct stored_series *series; size_t series_count;         /* owned */
	struct stored_night *nights; size_t nights_count;          /* newest first; owned */
	struct cell_past *cells; size_t cells_count;               /* as the campaign's; owned */
};

static void past_release(struct past *past)
{
	timeline_free(past->timeline, past->timeline_count);
	stored_series_free(past->series, past->series_count);
	stored_nights_free(past->nights, past->nights_count);
	for (size_t i = 0; i < past->cells_count; i++)
		free(past->cells[i].in_run);
	free(past->cells);
}

static bool is_of_cell(const struct campaign *campaign, const struct campaign_cell *cell,
		       const struct stored_series *series)
{
	return !strcmp(series->campaign, campaign->name) && series->mode == campaign->mode &&
	       !strcmp(series->guest, cell->guest.name) && !strcmp(series->suite, cell->suite.name);
}

static void mark_run(const struct past *past, struct cell_past *cell, int64_t run)
{
	for (size_t i = 0; i < past->timeline_count; i++) {
		if (past->timeline[i].run != run)
			continue;
		cell->in_run[i] = true;
		if (past->timeline[i].started_wall_ns >= cell->measured_wall_ns) {
			cell->measured_wall_ns = past->timeline[i].started_wall_ns;
			cell->last = i;
		}
	}
}

static int load_cell(struct night_work *work, struct past *past, size_t index,
		     struct error *err)
{
	struct cell_past *cell = &past->cells[index];
	int rc = 0;

	cell->last = SIZE_MAX;
	cell->in_run = memory_alloc_array(past->timeline_count, sizeof(*cell->in_run));
	for (size_t i = 0; !rc && i < past->series_count; i++) {
		cleanup_free struct stored_figure *figures = NULL;
		size_t count = 0;

		if (!is_of_cell(&work->campaign, &work->campaign.cells[index], &past->series[i]))
			continue;
		rc = run_store_series_figures(work->store, past->series[i].id, &figures, &count, err);
		for (size_t k = 0; !rc && k < count; k++)
			if (figures[k].boots_count)
				mark_run(past, cell, figures[k].run);
	}
	return rc;
}

static int load_past(struct night_work *work, struct past *past, struct error *err)
{
	const struct campaign *campaign = &work->campaign;
	int rc = work->store ? history_fill(work->store, err) : 0;

	if (!rc && work->store)
		rc = run_store_timeline(work->store, campaign->name, campaign->mode,
					&past->timeline, &past->timeline_count, err);
	if (!rc && work->store)
		rc = run_store_list_series(work->store, &past->series, &past->series_count, err);
	if (!rc && work->store)
		rc = run_store_nights(work->store, campaign->name, NIGHTS_MAX, &past->nights,
				      &past->nights_count, err);
	if (rc)
		return rc;
	past->cells = memory_alloc_array(campaign->cells_count, sizeof(*past->cells));
	for (size_t i = 0; !rc && i < campaign->cells_count; i++) {
		past->cells_count++;
		rc = load_cell(work, past, i, err);
	}
	return rc;
}

/* --- nights that left it out ------------------------------------------------------------- */

static const struct stored_night_cell *find_night_cell(const struct stored_night *night,
						       const struct campaign_cell *cell)
{
	for (size_t i = 0; i < night->cells_count; i++)
		if (!strcmp(night->cells[i].guest, cell->guest.name) &&
		    !strcmp(night->cells[i].suite, cell->suite.name))
			return &night->cells[i];
	return NULL;
}

static bool was_measured(const struct past *past, const struct cell_past *cell,
			 const struct stored_night *night)
{
	for (size_t i = 0; night->run_id && i < past->timeline_count; i++)
		if (!strcmp(past->timeline[i].id, night->run_id))
			return cell->in_run[i];
	return false;
}

/* Chosen, and then not measured, is left out too: the night was cut off. */
static uint32_t count_waited(const struct night_work *work, const struct past *past,
			     size_t index)
{
	const struct campaign_cell *cell = &work->campaign.cells[index];
	uint32_t waited = 0;

	for (size_t i = 0; i < past->nights_count; i++) {
		const struct stored_night *night = &past->nights[i];

		if (!strcmp(night->id, work->night->record.id) || !find_night_cell(night, cell))
			continue;
		if (was_measured(past, &past->cells[index], night))
			break;
		waited++;
	}
	return waited;
}

/* --- open verdicts ------------------------------------------------------------------------- */

static bool has_open_event(const struct past *past, const char *run_id,
			   const struct campaign_cell *cell)
{
	for (size_t i = 0; i < past->nights_count; i++) {
		const struct stored_night *night = &past->nights[i];

		if (!night->run_id || strcmp(night->run_id, run_id))
			continue;
		for (size_t k = 0; k < night->events_count; k++) {
			const struct stored_night_event *event = &night->events[k];

			if (event->is_worse && event->state != NIGHT_EVENT_REFUTED &&
			    !strcmp(event->guest, cell->guest.name) &&
			    !strcmp(event->suite, cell->suite.name))
				return true;
		}
	}
	return false;
}

static bool is_open_verdict(const struct metric_comparison *judged)
{
	return !judged->metric->secondary && (judged->verdict == VERDICT_REGRESSED ||
					      judged->verdict == VERDICT_INCONCLUSIVE);
}

/* Of the cells that the run was the last to measure. */
static int mark_open(struct night_work *work, const struct past *past, size_t run,
		     struct night_candidate *candidates, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run stored = { .id = NULL };
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	int rc = run_store_load(work->store, past->timeline[run].id, &stored, err);

	if (!rc)
		rc = comparison_make(work->store, &stored, NULL, &comparison, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < past->cells_count; i++) {
		const struct campaign_cell *cell = &work->campaign.cells[i];

		if (past->cells[i].last != run)
			continue;
		candidates[i].is_open = has_open_event(past, stored.id, cell);
		for (size_t k = 0; k < comparison.count; k++) {
			const struct stored_cell *of = &stored.cells[comparison.entries[k].cell];

			if (!strcmp(of->guest, cell->guest.name) &&
			    !strcmp(of->suite, cell->suite.name) &&
			    is_open_verdict(&comparison.entries[k].judged))
				candidates[i].is_open = true;
		}
	}
	return 0;
}

static int make_candidates(struct night_work *work, const struct experiment_estimate *estimate,
			   struct night_candidate *candidates, struct error *err)
{
	cleanup_with(past_release) struct past past = { .timeline = NULL };
	cleanup_free bool *is_last = NULL;
	int rc = load_past(work, &past, err);

	if (rc)
		return rc;
	is_last = memory_alloc_array(past.timeline_count, sizeof(*is_last));
	for (size_t i = 0; i < past.cells_count; i++) {
		candidates[i] = (struct night_candidate){
			.priority = work->campaign.cells[i].priority,
			.estimate_ns = estimate->cells[i].boots_ns,
			.is_guessed = !estimate->cells[i].seen_count,
			.waited_nights = count_waited(work, &past, i),
			.measured_wall_ns = past.cells[i].measured_wall_ns,
		};
		if (past.cells[i].last != SIZE_MAX)
			is_last[past.cells[i].last] = true;
	}
	for (size_t i = 0; !rc && i < past.timeline_count; i++)
		if (is_last[i])
			rc = mark_open(work, &past, i, candidates, err);
	return rc;
}

/* --- choosing --------------------------------------------------------------------------------- */

int night_choose_cells(struct night_work *work, uint64_t room_ns, uint64_t whole_ns,
		       struct night_choice **ret_choices, struct experiment_estimate *ret_estimate,
		       size_t *ret_chosen, struct error *err)
{
	size_t count = work->campaign.cells_count;
	cleanup_free struct night_candidate *candidates = memory_alloc_array(count,
									     sizeof(*candidates));
	struct experiment_estimate estimate = { .cells = NULL };
	int rc = experiment_estimate(&work->campaign, &work->options, &estimate, err);

	if (rc)
		return rc;
	rc = make_candidates(work, &estimate, candidates, err);
	if (rc) {
		experiment_estimate_release(&estimate);
		return rc;
	}
	/* of a plan that is only shown nothing is built yet */
	if (room_ns != UINT64_MAX)
		room_ns = room_ns > estimate.build_ns ? room_ns - estimate.build_ns : 0;
	*ret_chosen = night_plan_make(candidates, count, room_ns, whole_ns, ret_choices);
	*ret_estimate = estimate;
	return 0;
}

static void keep_choice(struct night_work *work, const struct night_choice *choices,
			const struct experiment_estimate *estimate)
{
	struct stored_night *record = &work->night->record;
	size_t count = work->campaign.cells_count;

	record->cells = memory_alloc_array(count, sizeof(*record->cells));
	record->cells_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct campaign_cell *cell = &work->campaign.cells[choices[i].candidate];
		const char *prefix = choices[i].place == NIGHT_NEVER_FITS ? "never fits: " : "";

		record->cells[i] = (struct stored_night_cell){
			.guest = string_copy(cell->guest.name),
			.suite = string_copy(cell->suite.name),
			.is_run = choices[i].place == NIGHT_RUNS,
			.estimate_ns = estimate->cells[choices[i].candidate].boots_ns,
			.reason = string_format("%s%s", prefix, choices[i].reason),
		};
	}
}

/* Takes out of the campaign what is not chosen. */
static void keep_chosen(struct campaign *campaign, const struct night_choice *choices)
{
	size_t count = campaign->cells_count, kept = 0;
	cleanup_free bool *is_chosen = memory_alloc_array(count, sizeof(*is_chosen));
	cleanup_free size_t *cells = memory_alloc_array(count, sizeof(*cells));

	for (size_t i = 0; i < count; i++)
		is_chosen[choices[i].candidate] = choices[i].place == NIGHT_RUNS;
	for (size_t i = 0; i < count; i++)
		if (is_chosen[i])
			cells[kept++] = i;
	campaign_keep_cells(campaign, cells, kept);
}

void night_format_cell(const struct stored_night_cell *cell, enum night_place place,
		       struct strbuf *out)
{
	cleanup_free char *name = string_format("%s/%s", cell->guest, cell->suite);
	char time[CLOCK_TEXT_MAX];

	strbuf_addf(out, "  %-6s %-28.44s %12s  %.44s\n", place == NIGHT_RUNS ? "run" :
		    place == NIGHT_WAITS ? "waits" : "never", name,
		    duration_format(cell->estimate_ns, time), cell->reason ? cell->reason : "");
}

static void print_choice(const struct night_work *work, const struct night_choice *choices)
{
	const struct stored_night *record = &work->night->record;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (work->request->is_quiet)
		return;
	strbuf_addf(&text, "cells:\n");
	for (size_t i = 0; i < record->cells_count; i++)
		night_format_cell(&record->cells[i], choices[i].place, &text);
	progress_clear();
	fputs(text.data, stdout);
	fflush(stdout);
}

int night_choose(struct night_work *work, struct error *err)
{
	char left[CLOCK_TEXT_MAX];
	struct experiment_estimate estimate = { .cells = NULL };
	struct night_choice *choices = NULL;
	size_t count = work->campaign.cells_count, chosen = 0;
	uint64_t whole_ns = work->end_ns ? work->run_end_ns - work->began_ns : UINT64_MAX;
	int rc = night_choose_cells(work, night_left_ns(work->run_end_ns), whole_ns, &choices,
				    &estimate, &chosen, err);

	if (rc)
		return rc;
	keep_choice(work, choices, &estimate);
	print_choice(work, choices);
	keep_chosen(&work->campaign, choices);
	night_choices_free(choices, count);
	experiment_estimate_release(&estimate);
	if (chosen)
		return 0;
	return error_set(err, -ENOSPC, "nothing fits into the %s that are left for boots",
			 duration_format(night_left_ns(work->run_end_ns), left));
}
