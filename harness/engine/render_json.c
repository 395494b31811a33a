/* render_json.c - a judged run for programs. Keys are the fields of the C
 * structs; a figure that does not exist is null.
 */
#include <jansson.h>
#include <math.h>

#include "render.h"

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text(const char *value)
{
	json_t *string = value ? json_string(value) : json_null();

	/* Not UTF-8: console text is ASCII, but names come from anywhere. */
	return string ? string : json_string("?");
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *run_object(const struct stored_run *run)
{
	json_t *object = json_object();

	set(object, "id", text(run->id));
	set(object, "campaign", text(run->campaign));
	set(object, "campaign_file", text(run->campaign_file));
	set(object, "state", text(run->state));
	set(object, "note", text(run->note));
	set(object, "started_wall_ns", json_integer((json_int_t)run->started_wall_ns));
	set(object, "finished_wall_ns", json_integer((json_int_t)run->finished_wall_ns));
	set(object, "seed", json_integer((json_int_t)run->seed));
	set(object, "control", json_boolean(run->control));
	set(object, "baseline", text(run->variants[run->baseline].label));
	set(object, "accelerator", text(run->accelerator));
	set(object, "accelerator_reason", text(run->accelerator_reason));
	return object;
}

static json_t *policy_object(const struct gate_policy *policy)
{
	json_t *object = json_object();

	set(object, "margin_percent", json_real(policy->margin_percent));
	set(object, "alpha", json_real(policy->alpha));
	set(object, "confidence", json_real(policy->confidence));
	set(object, "correction", text(correction_name(policy->correction)));
	return object;
}

static json_t *variants_array(const struct stored_run *run)
{
	json_t *array = json_array();

	for (size_t i = 0; i < run->variants_count; i++) {
		const struct stored_variant *variant = &run->variants[i];
		json_t *object = json_object();

		set(object, "label", text(variant->label));
		set(object, "name", text(variant->name));
		set(object, "kernel_key", text(variant->kernel_key));
		set(object, "image_sha256", text(variant->image_sha256));
		set(object, "cmdline", text(variant->cmdline));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *boots_array(const struct stored_run *run, const struct comparison *c)
{
	json_t *array = json_array();

	for (size_t i = 0; i < c->boots_count; i++) {
		const struct comparison_boots *boots = &c->boots[i];
		json_t *object = json_object();

		set(object, "guest", text(run->cells[boots->cell].guest));
		set(object, "suite", text(run->cells[boots->cell].suite));
		set(object, "variant", text(run->variants[boots->variant].label));
		set(object, "planned", json_integer(boots->planned));
		set(object, "finished", json_integer(boots->finished));
		set(object, "passed", json_integer(boots->passed));
		set(object, "failed", json_integer(boots->failed));
		set(object, "skipped", json_integer(boots->skipped));
		set(object, "broken", json_integer(boots->broken));
		set(object, "crashed", json_integer(boots->crashed));
		set(object, "timed_out", json_integer(boots->timed_out));
		set(object, "disturbed", json_integer(boots->disturbed));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *findings_array(const struct stored_run *run, const struct comparison *c)
{
	json_t *array = json_array();

	for (size_t i = 0; i < c->findings_count; i++) {
		const struct comparison_finding *finding = &c->findings[i];
		json_t *object = json_object();

		set(object, "variant", text(run->variants[finding->variant].label));
		set(object, "kind", text(finding_kind_name(finding->kind)));
		set(object, "title", text(finding->title));
		set(object, "boots", json_integer(finding->boots));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *samples_array(const struct boot_samples *boots, size_t count,
			     enum boot_summary summary)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();

		set(object, "block", json_integer(boots[i].block));
		set(object, "summary", number(statistics_boot_summary(&boots[i], summary)));
		set(object, "count", json_integer((json_int_t)boots[i].count));
		json_array_append_new(array, object);
	}
	return array;
}

static void set_figures(json_t *object, const struct metric_comparison *judged)
{
	json_t *interval = json_object();

	set(interval, "low", number(judged->interval.low));
	set(interval, "high", number(judged->interval.high));
	set(object, "a_center", number(judged->a_center));
	set(object, "b_center", number(judged->b_center));
	set(object, "ratio", number(judged->ratio));
	set(object, "interval", interval);
	set(object, "p", number(judged->p));
	set(object, "p_adjusted", number(judged->p_adjusted));
	set(object, "blocks", json_integer((json_int_t)judged->blocks));
	set(object, "detectable_effect", number(judged->detectable_effect));
	set(object, "blocks_needed", json_integer((json_int_t)judged->blocks_needed));
	set(object, "verdict", text(verdict_name(judged->verdict)));
	set(object, "reason", text(judged->reason));
}

static json_t *entry_object(const struct stored_run *run,
			    const struct comparison_entry *entry)
{
	const struct stored_cell *cell = &run->cells[entry->cell];
	const struct stored_row *row = &cell->rows[entry->row];
	const struct metric_comparison *judged = &entry->judged;
	enum boot_summary summary = entry->is_tail ? SUMMARY_MAXIMUM : SUMMARY_MEDIAN;
	json_t *object = json_object();

	set(object, "guest", text(cell->guest));
	set(object, "suite", text(cell->suite));
	set(object, "row", text(row->name));
	set(object, "workload", text(row->workload));
	set(object, "arguments", text(row->arguments));
	set(object, "metric", text(judged->metric->name));
	set(object, "unit", text(judged->metric->unit));
	set(object, "better", text(metric_direction_name(judged->metric->better)));
	set(object, "kind", text(metric_kind_name(judged->metric->kind)));
	set(object, "secondary", json_boolean(judged->metric->secondary));
	set(object, "is_tail", json_boolean(entry->is_tail));
	set(object, "variant", text(run->variants[entry->variant].label));
	set_figures(object, judged);
	set(object, "a", samples_array(judged->a, judged->a_count, summary));
	set(object, "b", samples_array(judged->b, judged->b_count, summary));
	return object;
}

static json_t *entries_array(const struct stored_run *run,
			     const struct comparison_entry *entries, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, entry_object(run, &entries[i]));
	return array;
}

static json_t *texts_array(const struct strvec *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(array, text(texts->items[i]));
	return array;
}

void render_comparison_json(const struct stored_run *run, const struct comparison *c,
			    struct strbuf *out)
{
	json_t *root = json_object();
	char *dumped;

	set(root, "run", run_object(run));
	set(root, "policy", policy_object(&c->policy));
	set(root, "variants", variants_array(run));
	set(root, "boots", boots_array(run, c));
	set(root, "findings", findings_array(run, c));
	set(root, "entries", entries_array(run, c->entries, c->count));
	set(root, "control", entries_array(run, c->control, c->control_count));
	set(root, "control_fired", json_boolean(c->control_fired));
	set(root, "control_can_fire", json_boolean(c->control_can_fire));
	set(root, "outcome_regressed", json_boolean(c->outcome_regressed));
	set(root, "outcome_suspect", json_boolean(c->outcome_suspect));
	set(root, "differences", texts_array(&c->differences));
	set(root, "gate", json_integer(c->gate));
	set(root, "gate_meaning", text(render_gate_meaning(c->gate)));
	dumped = json_dumps(root, JSON_INDENT(2));
	strbuf_adds(out, dumped ? dumped : "null");
	strbuf_addc(out, '\n');
	free(dumped);
	json_decref(root);
}
