/* history.c - stored figures > series of points, and the changes in them. Where a
 * series cannot be followed (other conditions) it is cut: what lies on both sides of a
 * cut is never compared.
 */
#include "history.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "change_points.h"
#include "memory.h"
#include "run_figures.h"
#include "run_store_history.h"

/* A gap is where two runs lie more than this times the usual distance apart. */
#define GAP_FACTOR 1.5

static const char *const state_names[] = {
	[CHANGE_SUSPECTED] = "suspected",
	[CHANGE_CONFIRMED] = "confirmed",
	[CHANGE_REFUTED] = "refuted",
};

const char *change_state_name(enum change_state state)
{
	return state_names[state];
}

static enum change_state state_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_COUNT(state_names); i++)
		if (!strcmp(state_names[i], name))
			return (enum change_state)i;
	return CHANGE_SUSPECTED;
}

bool history_change_is_worse(const struct history_series *series,
			     const struct history_change *change)
{
	return (change->ratio > 1) == (series->info.better == BETTER_LOWER);
}

void history_free(struct history_series *series, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct history_series *s = &series[i];

		for (size_t k = 0; k < s->points_count; k++)
			free(s->points[k].run_id);
		for (size_t k = 0; k < s->changes_count; k++) {
			free(s->changes[k].run_id);
			free(s->changes[k].reason);
		}
		free(s->points);
		free(s->changes);
		free(s->campaign);
		free(s->guest);
		free(s->suite);
		free(s->row);
		free(s->metric);
		free(s->variant);
		free(s->info.name);
		free(s->info.unit);
		free(s->info.meaning);
	}
	free(series);
}

/* --- the runs of a campaign ---------------------------------------------------------- */

struct timeline {
	char *campaign;              /* owned; NULL: nothing is loaded */
	enum run_mode mode;
	struct timeline_run *runs; size_t count; /* owned; those that are asked for */
	size_t first;                /* of them: older ones are left out */
	char *last_variant;          /* of the newest run; owned */
	double usual_ns;             /* between two runs; NAN for fewer than two */
};

static void timeline_release(struct timeline *timeline)
{
	timeline_free(timeline->runs, timeline->count);
	free(timeline->campaign);
	free(timeline->last_variant);
	*timeline = (struct timeline){ .campaign = NULL };
}

static int compare_doubles(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

static double usual_distance_ns(const struct timeline *timeline)
{
	size_t count = timeline->count ? timeline->count - 1 : 0;
	cleanup_free double *distances = memory_alloc_array(count, sizeof(*distances));

	if (!count)
		return NAN;
	for (size_t i = 0; i < count; i++)
		distances[i] = (double)timeline->runs[i + 1].started_wall_ns -
			       (double)timeline->runs[i].started_wall_ns;
	qsort(distances, count, sizeof(*distances), compare_doubles);
	return distances[count / 2];
}

/* Series come sorted: those of one campaign stand together. */
static int load_timeline(struct run_store *store, const struct stored_series *series,
			 uint32_t runs_max, struct timeline *timeline, struct error *err)
{
	int rc;

	if (timeline->campaign && timeline->mode == series->mode &&
	    !strcmp(timeline->campaign, series->campaign))
		return 0;
	timeline_release(timeline);
	rc = run_store_timeline(store, series->campaign, series->mode, &timeline->runs,
				&timeline->count, err);
	if (rc)
		return rc;
	timeline->campaign = string_copy(series->campaign);
	timeline->mode = series->mode;
	timeline->usual_ns = usual_distance_ns(timeline);
	if (runs_max && timeline->count > runs_max)
		timeline->first = timeline->count - runs_max;
	if (!timeline->count)
		return 0;
	return run_store_last_variant(store, timeline->runs[timeline->count - 1].id,
				      &timeline->last_variant, err);
}

static uint32_t skipped_before(const struct timeline *timeline, size_t index)
{
	double distance;

	if (index <= timeline->first || !(timeline->usual_ns > 0))
		return 0;
	distance = (double)timeline->runs[index].started_wall_ns -
		   (double)timeline->runs[index - 1].started_wall_ns;
	if (distance <= GAP_FACTOR * timeline->usual_ns)
		return 0;
	return (uint32_t)fmin(round(distance / timeline->usual_ns) - 1, 1e6);
}

/* --- points -------------------------------------------------------------------------- */

static void add_point(struct history_series *series, const struct timeline *timeline,
		      size_t index, const struct stored_figure *figure)
{
	const struct timeline_run *run = &timeline->runs[index];

	series->points[series->points_count++] = (struct history_point){
		.run_id = string_copy(run->id),
		.wall_ns = run->started_wall_ns,
		.center = figure ? figure->center : (double)NAN,
		.low = figure ? figure->low : (double)NAN,
		.high = figure ? figure->high : (double)NAN,
		.boots_count = figure ? figure->boots_count : 0,
		.skipped_count = skipped_before(timeline, index),
		.conditions = figure ? figure->conditions : 0,
	};
}

/* One point for each run of the campaign from the series' first to its last; runs
 * without a figure of it between them are points without a center. */
static void make_points(struct history_series *series, const struct timeline *timeline,
			const struct stored_figure *figures, size_t count)
{
	size_t at = 0, kept = 0;

	series->points = memory_alloc_array(timeline->count, sizeof(*series->points));
	for (size_t i = timeline->first; i < timeline->count && at < count; i++) {
		while (at < count && figures[at].run < timeline->runs[i].run)
			at++;
		if (at < count && figures[at].run == timeline->runs[i].run) {
			add_point(series, timeline, i, &figures[at++]);
			kept = series->points_count;
		} else if (series->points_count) {
			add_point(series, timeline, i, NULL);
		}
	}
	while (series->points_count > kept)
		free(series->points[--series->points_count].run_id);
}

static void mark_unlike(struct history_series *series)
{
	const struct history_point *last = NULL;

	for (size_t i = 0; i < series->points_count; i++) {
		struct history_point *point = &series->points[i];

		if (isnan(point->center))
			continue;
		point->is_unlike = !point->conditions ||
				   (last && last->conditions != point->conditions);
		last = point;
	}
}

/* --- changes --------------------------------------------------------------------------- */

static struct history_change *add_change(struct history_series *series)
{
	series->changes = memory_realloc_array(series->changes, series->changes_count + 1,
					       sizeof(*series->changes));
	series->changes[series->changes_count] = (struct history_change){ .p = NAN };
	return &series->changes[series->changes_count++];
}

/* Points that one search takes in, by their indexes in the series. */
struct stretch {
	size_t *indexes;             /* owned */
	double *centers;             /* owned */
	size_t count;
};

static void search_stretch(struct history_series *series, const struct stretch *stretch)
{
	struct change_policy policy = CHANGE_POLICY_INIT;
	cleanup_free struct change_point *found = NULL;
	size_t count = 0;

	policy.minimum_effect = series->minimum_effect;
	change_points_find(stretch->centers, stretch->count, &policy, &found, &count);
	for (size_t i = 0; i < count; i++) {
		struct history_change *change = add_change(series);

		change->before = stretch->indexes[found[i].index - 1];
		change->index = stretch->indexes[found[i].index];
		change->ratio = found[i].ratio;
		change->p = found[i].p;
	}
}

static void find_changes(struct history_series *series)
{
	cleanup_free size_t *indexes = memory_alloc_array(series->points_count,
							  sizeof(*indexes));
	cleanup_free double *centers = memory_alloc_array(series->points_count,
							  sizeof(*centers));
	struct stretch stretch = { .indexes = indexes, .centers = centers };

	for (size_t i = 0; i < series->points_count; i++) {
		if (isnan(series->points[i].center))
			continue;
		if (series->points[i].is_unlike) {
			search_stretch(series, &stretch);
			stretch.count = 0;
		}
		indexes[stretch.count] = i;
		centers[stretch.count++] = series->points[i].center;
	}
	search_stretch(series, &stretch);
}

static size_t find_point(const struct history_series *series, const char *run_id)
{
	for (size_t i = 0; i < series->points_count; i++)
		if (!strcmp(series->points[i].run_id, run_id))
			return i;
	return SIZE_MAX;
}

/* The change that was found where this confirmation says one is. A confirmed change may
 * have moved by as many points as a segment cannot be short of. */
static struct history_change *find_change(struct history_series *series, size_t before,
					  size_t after, const struct stored_confirmation *of)
{
	size_t room = state_of(of->state) == CHANGE_CONFIRMED ?
		      CHANGE_POLICY_INIT.segment_min - 1 : 0;

	for (size_t i = 0; i < series->changes_count; i++) {
		struct history_change *change = &series->changes[i];
		size_t distance = change->index > after ? change->index - after :
							  after - change->index;

		if (distance == 0 && change->before == before)
			return change;
		if (distance <= room && room && (change->ratio > 1) == (of->ratio > 1))
			return change;
	}
	return NULL;
}

/* What was confirmed stays listed, though later nights may hide it from the search. */
static void apply_confirmation(struct history_series *series,
			       const struct stored_confirmation *confirmation)
{
	size_t before = find_point(series, confirmation->run_before);
	size_t after = find_point(series, confirmation->run_after);
	enum change_state state = state_of(confirmation->state);
	struct history_change *change;

	if (before == SIZE_MAX || after == SIZE_MAX)
		return;
	change = find_change(series, before, after, confirmation);
	if (!change && state == CHANGE_CONFIRMED) {
		change = add_change(series);
		change->before = before;
		change->index = after;
		change->ratio = confirmation->ratio;
		change->p = confirmation->p;
	}
	if (!change)
		return;
	free(change->run_id);
	free(change->reason);
	change->state = state;
	change->run_id = string_copy(confirmation->run);
	change->reason = string_copy(confirmation->reason);
}

static int compare_changes(const void *a, const void *b)
{
	const struct history_change *first = a, *second = b;

	return (first->index > second->index) - (first->index < second->index);
}

static int apply_confirmations(struct run_store *store, struct history_series *series,
			       struct error *err)
{
	struct stored_confirmation *items;
	size_t count;
	int rc = run_store_confirmations(store, series->id, &items, &count, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++)
		apply_confirmation(series, &items[i]);
	stored_confirmations_free(items, count);
	if (series->changes_count)
		qsort(series->changes, series->changes_count, sizeof(*series->changes),
		      compare_changes);
	return 0;
}

/* --- loading ----------------------------------------------------------------------------- */

static bool matches(const char *wanted, const char *name)
{
	return !wanted || !strcmp(wanted, name);
}

static bool matches_metric(const char *wanted, const struct stored_series *series)
{
	size_t length = strlen(series->row);

	return matches(wanted, series->info.name) ||
	       (!strncmp(wanted, series->row, length) && wanted[length] == '.' &&
		!strcmp(wanted + length + 1, series->info.name));
}

bool history_is_passing(const char *campaign)
{
	static const char *const prefixes[] = { HISTORY_CONFIRM_PREFIX, "bisect-", "walk-", "ab-" };

	for (size_t i = 0; i < ARRAY_COUNT(prefixes); i++)
		if (!strncmp(campaign, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* Only whoever names their campaign gets them. */
static bool matches_campaign(const char *wanted, const char *campaign)
{
	return (wanted || !history_is_passing(campaign)) && matches(wanted, campaign);
}

static bool is_wanted(const struct history_key *key, const struct stored_series *series)
{
	return matches_campaign(key->campaign, series->campaign) &&
	       matches(key->guest, series->guest) && matches(key->suite, series->suite) &&
	       matches_metric(key->metric, series) &&
	       matches(key->variant, series->variant);
}

static void take_names(struct history_series *to, struct stored_series *from,
		       const struct timeline *timeline)
{
	*to = (struct history_series){
		.id = from->id,
		.campaign = take_pointer(from->campaign),
		.mode = from->mode,
		.guest = take_pointer(from->guest),
		.suite = take_pointer(from->suite),
		.row = take_pointer(from->row),
		.metric = string_copy(from->info.name),
		.variant = take_pointer(from->variant),
		.info = from->info,
		/* half the margin: where it lies, and how large it is, is uncertain as
		 * long as the nights after it are few */
		.minimum_effect = timeline->runs[timeline->count - 1].margin_percent / 200,
	};
	from->info = (struct metric_info){ .name = NULL };
}

/* Adds the series with its points and changes, unless the runs that are asked for have
 * nothing of it. */
static int load_one(struct run_store *store, struct stored_series *stored,
		    const struct timeline *timeline, struct history_series *ret, bool *ret_added,
		    struct error *err)
{
	cleanup_free struct stored_figure *figures = NULL;
	size_t count = 0;
	int rc = run_store_series_figures(store, stored->id, &figures, &count, err);

	if (rc || !count || figures[count - 1].run < timeline->runs[timeline->first].run)
		return rc;
	take_names(ret, stored, timeline);
	make_points(ret, timeline, figures, count);
	mark_unlike(ret);
	find_changes(ret);
	*ret_added = true;
	return apply_confirmations(store, ret, err);
}

struct loading {
	struct stored_series *stored; size_t stored_count; /* owned */
	struct timeline timeline;
	struct history_series *series; size_t count; /* owned */
};

static void loading_release(struct loading *loading)
{
	stored_series_free(loading->stored, loading->stored_count);
	timeline_release(&loading->timeline);
	history_free(loading->series, loading->count);
}

int history_load(struct run_store *store, const struct history_key *key, uint32_t runs_max,
		 struct history_series **ret_series, size_t *ret_count, struct error *err)
{
	cleanup_with(loading_release) struct loading loading = { .stored = NULL };
	int rc = history_fill(store, err);

	if (!rc)
		rc = run_store_list_series(store, &loading.stored, &loading.stored_count, err);
	loading.series = memory_alloc_array(loading.stored_count, sizeof(*loading.series));
	for (size_t i = 0; !rc && i < loading.stored_count; i++) {
		struct stored_series *stored = &loading.stored[i];
		struct timeline *timeline = &loading.timeline;
		bool added = false;

		if (!is_wanted(key, stored))
			continue;
		rc = load_timeline(store, stored, runs_max, timeline, err);
		if (rc || !timeline->count ||
		    (!key->variant && key->metric &&
		     !matches(timeline->last_variant, stored->variant)))
			continue;
		rc = load_one(store, stored, timeline, &loading.series[loading.count], &added, err);
		loading.count += added;
	}
	if (rc)
		return rc;
	*ret_series = take_pointer(loading.series);
	*ret_count = loading.count;
	loading.count = 0;
	return 0;
}

int history_differences(struct run_store *store, int64_t before, int64_t after,
			struct strvec *differences, struct error *err)
{
	cleanup_free char *a = NULL, *b = NULL;
	int rc;

	if (!before || !after || before == after)
		return 0;
	rc = run_store_conditions(store, before, &a, err);
	if (!rc)
		rc = run_store_conditions(store, after, &b, err);
	if (!rc)
		conditions_compare(a, b, differences);
	return rc;
}
