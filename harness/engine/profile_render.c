/* profile_render.c - which functions changed, for people and for programs. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "profile.h"
#include "render_layout.h"
#include "run_json.h"

#define NAME_WIDTH 28
#define FIGURE_MAX 1e12     /* beyond it a figure would not fit its column */

/* --- text ----------------------------------------------------------------------------- */

/* "1,234,567", with one digit behind the point where it is no whole number. */
static void add_figure(struct strbuf *out, double value, bool has_sign)
{
	cleanup_strbuf struct strbuf digits = STRBUF_INIT;
	double magnitude = fabs(value);
	bool is_whole = magnitude == floor(magnitude) || magnitude >= 1000;
	size_t whole;

	if (magnitude >= FIGURE_MAX) {
		strbuf_addf(out, has_sign ? "%+.4g" : "%.4g", value);
		return;
	}
	strbuf_addf(&digits, "%.*f", is_whole ? 0 : 1, magnitude);
	whole = strcspn(digits.data, ".");
	strbuf_adds(out, value < 0 ? "-" : has_sign && value > 0 ? "+" : "");
	for (size_t i = 0; i < digits.length; i++) {
		if (i && i < whole && (whole - i) % 3 == 0)
			strbuf_addc(out, ',');
		strbuf_addc(out, digits.data[i]);
	}
}

/* One line: name, before, after, change, and the change in percent of the whole. */
static void add_line(struct strbuf *out, const char *name, double before, double after,
		     double whole)
{
	cleanup_strbuf struct strbuf was = STRBUF_INIT, is = STRBUF_INIT, change = STRBUF_INIT,
			     share = STRBUF_INIT;
	size_t length = strlen(name);

	add_figure(&was, before, false);
	add_figure(&is, after, false);
	add_figure(&change, after - before, true);
	render_change_fine(whole > 0 ? (after - before) / whole : NAN, &share);
	if (length > NAME_WIDTH)
		strbuf_addf(out, "%.*s~", NAME_WIDTH - 1, name);
	else
		strbuf_addf(out, "%-*s", NAME_WIDTH, name);
	strbuf_addf(out, " %13s %13s %12s %10s\n", was.data, is.data, change.data,
		    share.data);
}

/* At most top functions whose change has this sign; the others in one line. */
static void add_part(struct strbuf *out, const struct profile *profile, const char *title,
		     int sign, size_t top)
{
	double rest_before = 0, rest_after = 0;
	size_t shown = 0, rest = 0;

	for (size_t i = 0; i < profile->changes_count; i++) {
		const struct plugin_function_change *change = &profile->changes[i];
		double difference = change->after - change->before;

		if ((sign > 0 ? difference : -difference) <= 0)
			continue;
		if (shown == 0 && rest == 0)
			strbuf_addf(out, "%s\n", title);
		if (shown < top) {
			add_line(out, change->name, change->before, change->after,
				 profile->before.instructions);
			shown++;
			continue;
		}
		rest_before += change->before;
		rest_after += change->after;
		rest++;
	}
	if (rest) {
		cleanup_free char *name = string_format("[%zu other%s]", rest, rest > 1 ? "s" : "");

		add_line(out, name, rest_before, rest_after, profile->before.instructions);
	}
}

static void add_head(struct strbuf *out, const struct profile *profile)
{
	const struct plugin_counts *counts = &profile->before.counts;
	cleanup_free char *own = string_format("the workload's own region %u",
					       profile->region);

	render_field(out, "run", "%s, %s/%s, row %s, seed %" PRIu64, profile->run_id,
		     profile->guest, profile->suite, profile->row, profile->seed);
	render_field(out, "before", "%s (trial %u)", profile->before.variant,
		     profile->before.trial);
	render_field(out, "after", "%s (trial %u)", profile->after.variant,
		     profile->after.trial);
	render_field(out, "counted", "%s, %" PRIu64 " visits before, %" PRIu64 " after; "
		     "figures are instructions a visit",
		     profile->region >= PLUGIN_REGION_OWN ? own : "whole rounds",
		     counts->profile_visits, profile->after.counts.profile_visits);
}

void profile_render_text(const struct profile *profile, size_t top, struct strbuf *out)
{
	size_t equal = 0;

	add_head(out, profile);
	strbuf_addf(out, "\n%-*s %13s %13s %12s %10s\n", NAME_WIDTH, "", "before", "after",
		    "change", "of total");
	add_line(out, "total", profile->before.instructions, profile->after.instructions,
		 profile->before.instructions);
	add_part(out, profile, "more", 1, top);
	add_part(out, profile, "less", -1, top);
	for (size_t i = 0; i < profile->changes_count; i++)
		equal += profile->changes[i].before == profile->changes[i].after;
	strbuf_addf(out, "%zu functions changed, %zu did not\n", profile->changes_count - equal,
		    equal);
}

/* --- JSON ------------------------------------------------------------------------------- */

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *side_json(const struct profile_side *side)
{
	json_t *object = json_object();

	set(object, "variant", run_json_text(side->variant));
	set(object, "trial", json_integer(side->trial));
	set(object, "visits", run_json_count(side->counts.profile_visits));
	set(object, "instructions", run_json_number(side->instructions));
	return object;
}

static json_t *changes_json(const struct profile *profile)
{
	json_t *array = json_array();

	for (size_t i = 0; i < profile->changes_count; i++) {
		const struct plugin_function_change *change = &profile->changes[i];
		json_t *object = json_object();

		set(object, "name", run_json_text(change->name));
		set(object, "before", run_json_number(change->before));
		set(object, "after", run_json_number(change->after));
		json_array_append_new(array, object);
	}
	return array;
}

void profile_render_json(const struct profile *profile, struct strbuf *out)
{
	json_t *root = json_object();
	char *text;

	set(root, "run", run_json_text(profile->run_id));
	set(root, "guest", run_json_text(profile->guest));
	set(root, "suite", run_json_text(profile->suite));
	set(root, "row", run_json_text(profile->row));
	set(root, "seed", run_json_count(profile->seed));
	set(root, "region", json_integer(profile->region));
	set(root, "before", side_json(&profile->before));
	set(root, "after", side_json(&profile->after));
	set(root, "functions", changes_json(profile));
	text = json_dumps(root, JSON_INDENT(2));
	strbuf_addf(out, "%s\n", text);
	free(text);
	json_decref(root);
}
