/* against_render.c - a run against earlier ones, for people and programs. */
#include "against.h"

#include <math.h>
#include <string.h>

#include "history_render.h"
#include "memory.h"
#include "render.h"
#include "run_json.h"

static const char *why(const struct against_entry *entry)
{
	return entry->problem ? entry->problem : entry->judged.reason;
}

static void add_figures(const struct metric_comparison *judged, struct strbuf *out)
{
	strbuf_adds(out, "    ");
	render_quantity(judged->a_center, judged->metric->unit, out);
	strbuf_adds(out, " -> ");
	render_quantity(judged->b_center, judged->metric->unit, out);
	if (isnan(judged->ratio)) {
		strbuf_addc(out, '\n');
		return;
	}
	strbuf_adds(out, "  ");
	history_add_percent(out, judged->ratio);
	if (isfinite(judged->interval.low) && isfinite(judged->interval.high)) {
		strbuf_adds(out, " (");
		history_add_percent(out, judged->interval.low);
		strbuf_adds(out, " to ");
		history_add_percent(out, judged->interval.high);
		strbuf_addc(out, ')');
	}
	strbuf_addf(out, "  p %.2g\n", judged->p_adjusted);
}

static void add_entry(const struct against_entry *entry, struct strbuf *out)
{
	bool is_secondary = entry->judged.metric->secondary;

	strbuf_addf(out, "  %s%s%s  %s.%s  (%s/%s)\n", is_secondary ? "(" : "",
		    verdict_name(entry->judged.verdict), is_secondary ? ")" : "", entry->row,
		    entry->judged.metric->name, entry->guest, entry->suite);
	if (!isnan(entry->judged.a_center) && !isnan(entry->judged.b_center) && !entry->problem)
		add_figures(&entry->judged, out);
	if (why(entry))
		strbuf_addf(out, "    %s\n", why(entry));
}

/* Worst first. */
static void add_entries(const struct against *against, struct strbuf *out)
{
	static const enum verdict order[] = { VERDICT_REGRESSED, VERDICT_NOT_COMPARABLE,
					      VERDICT_INCONCLUSIVE, VERDICT_IMPROVED,
					      VERDICT_EQUIVALENT };

	for (int secondary = 0; secondary < 2; secondary++)
		for (size_t i = 0; i < ARRAY_COUNT(order); i++)
			for (size_t k = 0; k < against->count; k++)
				if (against->entries[k].judged.verdict == order[i] &&
				    against->entries[k].judged.metric->secondary == secondary)
					add_entry(&against->entries[k], out);
}

static const char *basis(const struct against *against)
{
	if (against->is_by_seed)
		return "exact mode: the same seeds are the same worlds, compared one by one";
	if (against->runs_count > 1)
		return "runs are the units: the intervals say what another run like the earlier "
		       "ones\nwould give";
	return "one run a side, nothing interleaved: how much runs differ is not known, and taken\n"
	       "to be as much as boots do; a change of the host between them would look the same";
}

void against_render_text(const struct baseline *run, const struct against *against,
			 const char *title, struct strbuf *out)
{
	strbuf_addf(out, "%s of run %s\nagainst %s\n%s\n\n", run->variant, run->run_id, title,
		    basis(against));
	add_entries(against, out);
	for (size_t i = 0; i < against->notes.count; i++)
		strbuf_addf(out, "  ! %s\n", against->notes.items[i]);
	if (against->differences.count)
		strbuf_adds(out, "conditions that differ, before -> run:\n");
	for (size_t i = 0; i < against->differences.count; i++)
		strbuf_addf(out, "  %s\n", against->differences.items[i]);
	strbuf_addf(out, "\ngate: exit code %d (%s)\n", (int)against->gate,
		    render_gate_meaning(against->gate));
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *entry_json(const struct against_entry *entry)
{
	const struct metric_comparison *judged = &entry->judged;
	json_t *object = json_object();

	set(object, "guest", run_json_text(entry->guest));
	set(object, "suite", run_json_text(entry->suite));
	set(object, "row", run_json_text(entry->row));
	set(object, "metric", run_json_text(judged->metric->name));
	set(object, "unit", run_json_text(judged->metric->unit));
	set(object, "better", run_json_text(metric_direction_name(judged->metric->better)));
	set(object, "secondary", json_boolean(judged->metric->secondary));
	set(object, "a_center", run_json_number(judged->a_center));
	set(object, "b_center", run_json_number(judged->b_center));
	set(object, "ratio", run_json_number(judged->ratio));
	set(object, "interval", json_pack("{s:o, s:o}", "low",
					  run_json_number(judged->interval.low), "high",
					  run_json_number(judged->interval.high)));
	set(object, "p", run_json_number(judged->p));
	set(object, "p_adjusted", run_json_number(judged->p_adjusted));
	set(object, "detectable_effect", run_json_number(judged->detectable_effect));
	set(object, "verdict", run_json_text(verdict_name(judged->verdict)));
	set(object, "reason", run_json_text(why(entry)));
	return object;
}

static json_t *texts_json(const struct strvec *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(array, run_json_text(texts->items[i]));
	return array;
}

json_t *against_render_json(const struct baseline *run, const struct against *against,
			    const char *title)
{
	json_t *object = json_object(), *entries = json_array();

	for (size_t i = 0; i < against->count; i++)
		json_array_append_new(entries, entry_json(&against->entries[i]));
	set(object, "run_id", run_json_text(run->run_id));
	set(object, "variant", run_json_text(run->variant));
	set(object, "against", run_json_text(title));
	set(object, "runs_count", run_json_count(against->runs_count));
	set(object, "is_by_seed", json_boolean(against->is_by_seed));
	set(object, "entries", entries);
	set(object, "differences", texts_json(&against->differences));
	set(object, "notes", texts_json(&against->notes));
	set(object, "gate", json_integer(against->gate));
	return object;
}
