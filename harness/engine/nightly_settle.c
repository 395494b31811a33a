/* nightly_settle.c - what differs from earlier nights is settled by runs of both kernels,
 * worst first, as long as there is time. What an earlier night settled for the same kernel
 * is only told again.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "history_confirm.h"
#include "log.h"
#include "memory.h"
#include "nightly_private.h"

#define NIGHTS_BACK 30

static void replace(char **text, const char *with)
{
	char *copy = string_copy(with);

	free(*text);
	*text = copy;
}

static enum night_event_state state_of(enum change_state state)
{
	switch (state) {
	case CHANGE_CONFIRMED:
		return NIGHT_EVENT_CONFIRMED;
	case CHANGE_REFUTED:
		return NIGHT_EVENT_REFUTED;
	case CHANGE_SUSPECTED:
		break;
	}
	return NIGHT_EVENT_SUSPECTED;
}

/* Whether the run booted for this variant what tonight's did. */
static int is_same_kernel(struct night_work *work, const char *run_id, const char *label,
			  bool *ret_same, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	const struct stored_variant *a, *b = stored_run_find_variant(&work->run, label);
	int rc = run_store_load(work->store, run_id, &run, err);

	if (rc)
		return rc;
	a = stored_run_find_variant(&run, label);
	*ret_same = a && b && !strcmp(a->kernel_key, b->kernel_key) &&
		    !strcmp(a->cmdline, b->cmdline);
	return 0;
}

/* --- what is known -------------------------------------------------------------------------- */

static bool is_same_event(const struct stored_night_event *a, const struct stored_night_event *b)
{
	return a->is_worse == b->is_worse && !strcmp(a->guest, b->guest) &&
	       !strcmp(a->suite, b->suite) && !strcmp(a->row, b->row) &&
	       !strcmp(a->metric, b->metric) && !strcmp(a->variant, b->variant);
}

static int adopt(struct night_work *work, const struct stored_night *night,
		 struct night_event *event, struct error *err)
{
	for (size_t i = 0; i < night->events_count; i++) {
		const struct stored_night_event *known = &night->events[i];
		bool same = false;
		int rc;

		if (known->state != NIGHT_EVENT_CONFIRMED || !is_same_event(known, &event->stored))
			continue;
		rc = is_same_kernel(work, night->run_id, known->variant, &same, err);
		if (rc)
			return rc;
		if (!same)
			continue;
		event->stored.state = NIGHT_EVENT_CONFIRMED;
		event->is_settled = true;
		/* Nights that have it already make it look smaller than it is. */
		event->stored.ratio = known->ratio;
		event->stored.p = known->p;
		replace(&event->stored.against, known->against);
		replace(&event->stored.confirm_run, known->confirm_run);
		replace(&event->stored.culprit, known->culprit);
		free(event->stored.reason);
		event->stored.reason = string_format("known since night %s", night->id);
	}
	return 0;
}

/* The oldest night that has it is the one that is told. */
static int adopt_known(struct night_work *work, struct error *err)
{
	struct stored_night *nights = NULL;
	size_t count = 0;
	int rc = run_store_nights(work->store, work->campaign.name, NIGHTS_BACK, &nights, &count,
				  err);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < count; i++)
		for (size_t k = 0; !rc && k < work->events_count; k++)
			if (nights[i].run_id && strcmp(nights[i].id, work->night->record.id))
				rc = adopt(work, &nights[i], &work->events[k], err);
	stored_nights_free(nights, count);
	return rc;
}

/* --- which runs -------------------------------------------------------------------------------- */

/* The newest earlier run with another kernel; the newest of all where there is none, which
 * says that it was not the kernel. */
static int find_before(struct night_work *work, const struct history_series *series,
		       size_t index, size_t *ret_before, struct error *err)
{
	bool found = false;

	for (size_t i = index; i-- > 0;) {
		bool same = false;
		int rc;

		if (!series->points[i].boots_count || isnan(series->points[i].center))
			continue;
		if (!found)
			*ret_before = i;
		found = true;
		rc = is_same_kernel(work, series->points[i].run_id, series->variant, &same, err);
		if (rc)
			return rc;
		if (!same) {
			*ret_before = i;
			return 0;
		}
	}
	return found ? 0 : error_set(err, -ENOENT, "its series has no earlier point");
}

/* The change of the series that the event is about. */
static int find_change(struct night_work *work, const struct night_event *event,
		       const struct history_series *series, struct history_change *ret,
		       struct error *err)
{
	size_t index = series->points_count - 1;

	for (size_t i = 0; event->before && i < series->changes_count; i++) {
		const struct history_change *change = &series->changes[i];

		if (strcmp(series->points[change->before].run_id, event->before))
			continue;
		*ret = (struct history_change){ .before = change->before, .index = change->index,
						.ratio = change->ratio, .p = change->p };
		return 0;
	}
	if (strcmp(series->points[index].run_id, work->run.id))
		return error_set(err, -ENOENT, "its series does not end with this night");
	*ret = (struct history_change){ .index = index, .ratio = event->stored.ratio,
					.p = event->stored.p };
	return find_before(work, series, index, &ret->before, err);
}

/* --- settling ------------------------------------------------------------------------------------ */

static void not_settled(struct night_work *work, struct night_event *event, const char *why)
{
	const struct stored_night_event *stored = &event->stored;

	free(event->stored.reason);
	event->stored.reason = string_format("not settled: %.*s; kerngate history %s.%s --campaign "
					     "%s --variant '%s' --guest %s --suite %s --confirm",
					     (int)strcspn(why, "\n"), why, stored->row,
					     stored->metric, work->campaign.name, stored->variant,
					     stored->guest, stored->suite);
}

static int confirm(struct night_work *work, struct night_event *event,
		   const struct history_series *series, struct error *err)
{
	cleanup_with(history_confirmation_release) struct history_confirmation result = {
		.run_id = NULL
	};
	struct experiment_options options = work->options;
	struct history_change change = { .before = 0 };
	uint64_t needed_ns = 0;
	int rc = find_change(work, event, series, &change, err);

	if (rc)
		return rc;
	replace(&event->before, series->points[change.before].run_id);
	options.blocks_count = 0;
	options.note = NULL;
	options.deadline_ns = work->work_end_ns;
	rc = history_confirm_estimate(work->store, series, &change, &options, &needed_ns, err);
	if (!rc && needed_ns > night_left_ns(work->work_end_ns))
		rc = error_set(err, -ETIME, "no time left for a run of both kernels");
	if (!rc)
		rc = history_confirm(work->store, series, &change, &options, &result, err);
	if (rc)
		return rc;
	event->stored.state = state_of(result.state);
	event->is_settled = result.state != CHANGE_SUSPECTED;
	replace(&event->stored.confirm_run, result.run_id);
	replace(&event->stored.reason, result.reason);
	return 0;
}

static int settle_event(struct night_work *work, struct night_event *event, struct error *err)
{
	const struct stored_night_event *stored = &event->stored;
	cleanup_free char *metric = string_format("%s.%s", stored->row, stored->metric);
	const struct history_key key = {
		.metric = metric, .variant = stored->variant, .campaign = work->campaign.name,
		.guest = stored->guest, .suite = stored->suite,
	};
	struct history_series *series = NULL;
	size_t count = 0;
	int rc = history_load(work->store, &key, 0, &series, &count, err);
	bool found = false;

	if (rc)
		return rc;
	/* a metric whose unit changed has several */
	for (size_t i = 0; !rc && i < count; i++) {
		const struct history_series *one = &series[i];

		if (found || one->mode != work->run.mode || !one->points_count ||
		    !one->points[one->points_count - 1].boots_count)
			continue;
		found = true;
		rc = confirm(work, event, one, err);
	}
	if (!rc && !found)
		rc = error_set(err, -ENOENT, "it has no series");
	history_free(series, count);
	return rc;
}

static int compare_events(const void *left, const void *right)
{
	const struct night_event *a = left, *b = right;
	double one = fabs(log(a->stored.ratio)), other = fabs(log(b->stored.ratio));

	if (a->stored.is_worse != b->stored.is_worse)
		return a->stored.is_worse ? -1 : 1;
	return one > other ? -1 : one < other;
}

int night_settle(struct night_work *work, struct error *err)
{
	int rc = adopt_known(work, err);

	if (work->events_count)
		qsort(work->events, work->events_count, sizeof(*work->events),
		      compare_events);
	for (size_t i = 0; !rc && i < work->events_count; i++) {
		struct night_event *event = &work->events[i];
		struct error cause = ERROR_INIT;
		int code;

		if (event->is_settled)
			continue;
		log_info("settling %s.%s of %s in %s/%s", event->stored.row, event->stored.metric,
			 event->stored.variant, event->stored.guest, event->stored.suite);
		code = settle_event(work, event, &cause);
		if (code == -EINTR || code == -ECANCELED)
			rc = error_set(err, code, "%s", cause.message);
		else if (code)
			not_settled(work, event, cause.message);
	}
	return rc;
}
