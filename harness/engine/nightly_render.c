/* nightly_render.c - what came of a night, for people and for programs. */
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "nightly_private.h"
#include "run_json.h"

#define FORMAT 1

/* --- text ------------------------------------------------------------------------------------ */

static void add_event(const struct stored_night_event *event, struct strbuf *out)
{
	strbuf_addf(out, "  %s: %s %s/%s %s.%s %+.2f %%\n", night_event_state_name(event->state),
		    event->variant, event->guest, event->suite, event->row, event->metric,
		    (event->ratio - 1) * 100);
	if (event->against)
		strbuf_addf(out, "    against %s\n", event->against);
	if (event->culprit)
		strbuf_addf(out, "    by %s\n", event->culprit);
	if (event->reason)
		strbuf_addf(out, "    %s\n", event->reason);
	if (event->confirm_run)
		strbuf_addf(out, "    run %s\n", event->confirm_run);
}

static void add_events(const struct stored_night *record, bool is_worse, const char *title,
		       struct strbuf *out)
{
	bool is_first = true;

	for (size_t i = 0; i < record->events_count; i++) {
		if (record->events[i].is_worse != is_worse)
			continue;
		if (is_first)
			strbuf_addf(out, "%s:\n", title);
		is_first = false;
		add_event(&record->events[i], out);
	}
}

void nightly_render_text(const struct nightly *nightly, struct strbuf *out)
{
	const struct stored_night *record = &nightly->record;

	add_events(record, true, "worse than earlier nights", out);
	add_events(record, false, "better than earlier nights", out);
	if (nightly->notes.count)
		strbuf_adds(out, "notes:\n");
	for (size_t i = 0; i < nightly->notes.count; i++)
		strbuf_addf(out, "  %s\n", nightly->notes.items[i]);
	if (nightly->report)
		strbuf_addf(out, "report: %s\n", nightly->report);
	strbuf_addf(out, "%s\n", record->summary);
}

/* --- JSON -------------------------------------------------------------------------------------- */

static void set(json_t *object, const char *name, json_t *value)
{
	(void)json_object_set_new(object, name, value);
}

static json_t *time_json(uint64_t wall_ns)
{
	char text[CLOCK_TEXT_MAX];

	return wall_ns ? json_string(clock_format_utc(wall_ns, text)) : json_null();
}

static json_t *cells_json(const struct stored_night *record)
{
	json_t *list = json_array();

	for (size_t i = 0; i < record->cells_count; i++) {
		const struct stored_night_cell *cell = &record->cells[i];
		json_t *object = json_object();

		set(object, "guest", run_json_text(cell->guest));
		set(object, "suite", run_json_text(cell->suite));
		set(object, "is_run", json_boolean(cell->is_run));
		set(object, "estimate_ns", run_json_count(cell->estimate_ns));
		set(object, "reason", run_json_text(cell->reason));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *event_json(const struct stored_night_event *event)
{
	json_t *object = json_object();

	set(object, "guest", run_json_text(event->guest));
	set(object, "suite", run_json_text(event->suite));
	set(object, "row", run_json_text(event->row));
	set(object, "metric", run_json_text(event->metric));
	set(object, "variant", run_json_text(event->variant));
	set(object, "is_worse", json_boolean(event->is_worse));
	set(object, "ratio", run_json_number(event->ratio));
	set(object, "p", run_json_number(event->p));
	set(object, "state", json_string(night_event_state_name(event->state)));
	set(object, "against", run_json_text(event->against));
	set(object, "confirm_run", run_json_text(event->confirm_run));
	set(object, "culprit", run_json_text(event->culprit));
	set(object, "reason", run_json_text(event->reason));
	return object;
}

json_t *nightly_render_json(const struct nightly *nightly, const char *results_dir)
{
	const struct stored_night *record = &nightly->record;
	json_t *object = json_object(), *events = json_array(), *notes = json_array();

	for (size_t i = 0; i < record->events_count; i++)
		json_array_append_new(events, event_json(&record->events[i]));
	for (size_t i = 0; i < nightly->notes.count; i++)
		json_array_append_new(notes, run_json_text(nightly->notes.items[i]));
	set(object, "format", json_integer(FORMAT));
	set(object, "campaign", run_json_text(record->campaign));
	set(object, "night", run_json_text(record->id));
	set(object, "run", run_json_text(record->run_id));
	set(object, "status", json_integer(record->status));
	set(object, "verdict", json_string(night_verdict(record->status)));
	set(object, "summary", run_json_text(record->summary));
	set(object, "failure", run_json_text(nightly->failure));
	set(object, "started", time_json(record->started_wall_ns));
	set(object, "finished", time_json(record->finished_wall_ns));
	set(object, "budget_minutes", run_json_count(record->budget_minutes));
	set(object, "spent_ns", run_json_count(nightly->spent_ns));
	set(object, "trials_planned", run_json_count(nightly->trials_planned));
	set(object, "trials_finished", run_json_count(nightly->trials_finished));
	set(object, "cells", cells_json(record));
	set(object, "events", events);
	set(object, "notes", notes);
	set(object, "report", run_json_text(nightly->report));
	set(object, "results", run_json_text(results_dir));
	return object;
}
