/* run_json.c - head, variants and gate of a stored run as JSON. */
#include "run_json.h"

#include <math.h>

json_t *run_json_text(const char *value)
{
	json_t *string;

	if (!value)
		return json_null();
	string = json_string(value);
	return string ? string : json_string("(not UTF-8)");
}

json_t *run_json_number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

json_t *run_json_count(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

/* In the order of the plan, each once. */
static json_t *seeds_array(const struct stored_run *run)
{
	json_t *array = json_array();

	for (size_t i = 0; i < run->trials_count; i++) {
		bool is_known = false;

		for (size_t k = 0; k < i && !is_known; k++)
			is_known = run->trials[k].seed == run->trials[i].seed;
		if (!is_known)
			json_array_append_new(array, run_json_count(run->trials[i].seed));
	}
	return array;
}

static json_t *exact_object(const struct stored_run *run)
{
	json_t *object;

	if (run->mode != MODE_EXACT)
		return json_null();
	object = json_object();
	set(object, "shift", run_json_count(run->exact.shift));
	set(object, "counts", json_boolean(run->exact.counts));
	set(object, "by", run_json_text(run->exact.by_instruction ? "instruction" : "block"));
	set(object, "profile", json_boolean(run->exact.profile));
	set(object, "jitter_us", run_json_count(run->exact.jitter_us));
	set(object, "kaslr", json_boolean(run->exact.kaslr));
	set(object, "seeds", seeds_array(run));
	return object;
}

/* Planned ones in order; none where the number of blocks is fixed. */
static json_t *looks_array(const struct stored_run *run)
{
	json_t *array = json_array();

	for (size_t i = 0; i < run->looks_count; i++) {
		const struct stored_look *look = &run->looks[i];
		json_t *object = json_object();

		set(object, "blocks", run_json_count(look->blocks));
		set(object, "taken_wall_ns", look->taken_wall_ns ?
		    run_json_count(look->taken_wall_ns) : json_null());
		set(object, "alpha", run_json_number(look->alpha));
		set(object, "open_count", look->taken_wall_ns ?
		    run_json_count(look->open_count) : json_null());
		set(object, "stopped", json_boolean(look->stopped));
		json_array_append_new(array, object);
	}
	return array;
}

json_t *run_json_head(const struct stored_run *run)
{
	json_t *object = json_object();

	set(object, "id", run_json_text(run->id));
	set(object, "campaign", run_json_text(run->campaign));
	set(object, "campaign_file", run_json_text(run->campaign_file));
	set(object, "state", run_json_text(run->state));
	set(object, "note", run_json_text(run->note));
	set(object, "started_wall_ns", run_json_count(run->started_wall_ns));
	set(object, "finished_wall_ns", run_json_count(run->finished_wall_ns));
	set(object, "seed", run_json_count(run->seed));
	set(object, "mode", run_json_text(run_mode_name(run->mode)));
	set(object, "exact", exact_object(run));
	set(object, "looks", looks_array(run));
	set(object, "control", json_boolean(run->control));
	set(object, "baseline", run_json_text(run->variants[run->baseline].label));
	set(object, "accelerator", run_json_text(run->accelerator));
	set(object, "accelerator_reason", run_json_text(run->accelerator_reason));
	return object;
}

json_t *run_json_variants(const struct stored_run *run)
{
	json_t *array = json_array();

	for (size_t i = 0; i < run->variants_count; i++) {
		const struct stored_variant *variant = &run->variants[i];
		json_t *object = json_object();

		set(object, "label", run_json_text(variant->label));
		set(object, "name", run_json_text(variant->name));
		set(object, "kernel_key", run_json_text(variant->kernel_key));
		set(object, "image_sha256", run_json_text(variant->image_sha256));
		set(object, "cmdline", run_json_text(variant->cmdline));
		json_array_append_new(array, object);
	}
	return array;
}

json_t *run_json_policy(const struct gate_policy *policy)
{
	json_t *object = json_object();

	set(object, "margin_percent", run_json_number(policy->margin_percent));
	set(object, "alpha", run_json_number(policy->alpha));
	set(object, "confidence", run_json_number(policy->confidence));
	set(object, "correction", run_json_text(correction_name(policy->correction)));
	return object;
}
