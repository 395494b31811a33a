/* nightly_judge.c - the night's run: against its own baseline, and each of its variants,
 * the baseline too, against earlier nights; and where their series changed.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "against.h"
#include "history.h"
#include "log.h"
#include "memory.h"
#include "nightly_private.h"
#include "results_index.h"

/* A suspected change that began so many points ago is old news. */
#define RECENT_POINTS 7
#define DIFFERENCES_MAX 5

/* Whether its control or a canary failed: then nothing is said of it. */
static int judge_itself(struct night_work *work, bool *ret_void, struct error *err)
{
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	int rc = comparison_make(work->store, &work->run, NULL, &comparison, err);

	if (rc)
		return rc;
	work->gate = comparison.gate;
	work->is_judged = true;
	*ret_void = comparison.control_fired || comparison.canary_failed;
	if (comparison.control_fired)
		night_note(work, "the A/A control was judged different: no verdict counts");
	if (comparison.canary_failed)
		night_note(work, "a canary gave other bytes: no verdict counts");
	return 0;
}

/* --- events ------------------------------------------------------------------------------ */

static bool is_worse(const struct metric_info *metric, double ratio)
{
	return (metric->better == BETTER_LOWER) == (ratio > 1);
}

static void add_event(struct night_work *work, const struct stored_night_event *event)
{
	struct night_event *added;

	work->events = memory_realloc_array(work->events, work->events_count + 1,
					    sizeof(*work->events));
	added = &work->events[work->events_count++];
	*added = (struct night_event){ .stored = *event };
	added->stored.guest = string_copy(event->guest);
	added->stored.suite = string_copy(event->suite);
	added->stored.row = string_copy(event->row);
	added->stored.metric = string_copy(event->metric);
	added->stored.variant = string_copy(event->variant);
	added->stored.against = string_copy(event->against);
}

static bool is_event(const struct against_entry *entry)
{
	return !entry->judged.metric->secondary && (entry->judged.verdict == VERDICT_REGRESSED ||
						    entry->judged.verdict == VERDICT_IMPROVED);
}

static void take_entries(struct night_work *work, const struct against *against,
			 const char *label, const char *title)
{
	for (size_t i = 0; i < against->count; i++) {
		const struct against_entry *entry = &against->entries[i];
		const struct stored_night_event event = {
			.guest = (char *)entry->guest, .suite = (char *)entry->suite,
			.row = (char *)entry->row, .metric = entry->judged.metric->name,
			.variant = (char *)label, .against = (char *)title,
			.is_worse = entry->judged.verdict == VERDICT_REGRESSED,
			.ratio = entry->judged.ratio, .p = entry->judged.p,
		};

		if (is_event(entry))
			add_event(work, &event);
	}
}

static void take_notes(struct night_work *work, const struct against *against,
		       const char *label)
{
	for (size_t i = 0; i < against->notes.count; i++)
		night_note(work, "%s: %s", label, against->notes.items[i]);
	for (size_t i = 0; i < against->differences.count && i < DIFFERENCES_MAX; i++)
		night_note(work, "%s: other conditions than earlier: %s", label,
			   against->differences.items[i]);
	if (against->differences.count > DIFFERENCES_MAX)
		night_note(work, "%s: and %zu more differences", label,
			   against->differences.count - DIFFERENCES_MAX);
}

/* Not comparable is worse than all but regressed. */
static enum gate_exit worse_gate(enum gate_exit a, enum gate_exit b)
{
	static const int ranks[] = { [GATE_PASS] = 0, [GATE_INCONCLUSIVE] = 1,
				     [GATE_NOT_COMPARABLE] = 2, [GATE_REGRESSED] = 3 };

	return ranks[a] >= ranks[b] ? a : b;
}

/* Boots that crashed where none did before are in no entry. */
static bool has_regressed_entry(const struct against *against)
{
	for (size_t i = 0; i < against->count; i++)
		if (!against->entries[i].judged.metric->secondary &&
		    against->entries[i].judged.verdict == VERDICT_REGRESSED)
			return true;
	return false;
}

static int judge_variant(struct night_work *work, uint32_t variant, bool is_void,
			 struct error *err)
{
	const char *label = work->run.variants[variant].label;
	cleanup_with(baseline_release) struct baseline now = { .run_id = NULL };
	cleanup_with(against_earlier_release) struct against_earlier earlier = { .items = NULL };
	cleanup_with(against_release) struct against against = { .entries = NULL };
	int rc = baseline_from_run(work->store, &work->run, label, &now, err);

	if (!rc)
		rc = against_find_nights(work->store, &work->run, &now, work->request->against,
					 &earlier.items, &earlier.count, &earlier.title, err);
	if (rc)
		return error_prefix(err, "variant %s against earlier nights", label);
	if (!earlier.count) {
		night_note(work, "%s: no earlier night to compare it with", label);
		return 0;
	}
	against_make(&now, earlier.items, earlier.count, &work->run.gate, is_void, &against);
	take_notes(work, &against, label);
	if (is_void)
		return 0;
	take_entries(work, &against, label, earlier.title);
	work->against_gate = worse_gate(work->against_gate, against.gate);
	if (against.gate == GATE_REGRESSED && !has_regressed_entry(&against))
		work->boots_regressed = true;
	return results_index_keep_against(work->store, &work->run, variant, &against, err);
}

/* --- changes of series ----------------------------------------------------------------------- */

static bool has_event(const struct night_work *work, const struct history_series *series)
{
	for (size_t i = 0; i < work->events_count; i++) {
		const struct stored_night_event *event = &work->events[i].stored;

		if (!strcmp(event->guest, series->guest) && !strcmp(event->suite, series->suite) &&
		    !strcmp(event->row, series->row) && !strcmp(event->metric, series->metric) &&
		    !strcmp(event->variant, series->variant))
			return true;
	}
	return false;
}

static bool is_measured_tonight(const struct night_work *work, const struct history_series *series)
{
	const struct history_point *last = &series->points[series->points_count - 1];

	return !strcmp(last->run_id, work->run.id) && last->boots_count;
}

static void take_changes(struct night_work *work, const struct history_series *series)
{
	for (size_t i = 0; i < series->changes_count; i++) {
		const struct history_change *change = &series->changes[i];
		cleanup_free char *title = string_format("its series: changed in %s",
							 series->points[change->index].run_id);
		const struct stored_night_event event = {
			.guest = series->guest, .suite = series->suite, .row = series->row,
			.metric = series->metric, .variant = series->variant, .against = title,
			.is_worse = is_worse(&series->info, change->ratio),
			.ratio = change->ratio, .p = change->p,
		};

		if (change->state != CHANGE_SUSPECTED ||
		    change->index + RECENT_POINTS < series->points_count)
			continue;
		add_event(work, &event);
		work->events[work->events_count - 1].before =
			string_copy(series->points[change->before].run_id);
	}
}

static int judge_series(struct night_work *work, struct error *err)
{
	const struct history_key key = { .campaign = work->campaign.name };
	struct history_series *series = NULL;
	size_t count = 0;
	int rc = history_load(work->store, &key, 0, &series, &count, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++)
		if (series[i].mode == work->run.mode && series[i].points_count &&
		    !series[i].info.secondary && is_measured_tonight(work, &series[i]) &&
		    !has_event(work, &series[i]))
			take_changes(work, &series[i]);
	history_free(series, count);
	return 0;
}

int night_judge(struct night_work *work, struct error *err)
{
	bool is_void = false;
	int rc;

	log_info("judging");
	rc = judge_itself(work, &is_void, err);
	for (size_t i = 0; !rc && i < work->run.variants_count; i++)
		if ((int64_t)i != work->run.control_variant)
			rc = judge_variant(work, (uint32_t)i, is_void, err);
	if (!rc && !is_void)
		rc = judge_series(work, err);
	return rc;
}
