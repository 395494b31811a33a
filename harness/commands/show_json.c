/* show_json.c - `kerngate show --json`. */
#include "show_json.h"

#include <jansson.h>
#include <math.h>

/* Text of a guest may hold any bytes; JSON holds UTF-8 only. */
static json_t *text(const char *value)
{
	json_t *string;

	if (!value)
		return json_null();
	string = json_string(value);
	return string ? string : json_string("(not UTF-8)");
}

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static void dump(json_t *root, FILE *file)
{
	(void)json_dumpf(root, file, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
	(void)fputc('\n', file);
	json_decref(root);
}

static const char *state_name(enum trial_state state)
{
	switch (state) {
	case TRIAL_STARTED:
		return "started";
	case TRIAL_FINISHED:
		return "finished";
	case TRIAL_PLANNED:
		break;
	}
	return "planned";
}

static json_t *trial_head(const struct stored_run *run, const struct stored_trial *trial)
{
	const struct stored_cell *cell = &run->cells[trial->cell];
	bool finished = trial->state == TRIAL_FINISHED;
	json_t *head = json_object();

	json_object_set_new(head, "trial", count(trial->order + 1));
	json_object_set_new(head, "block", count(trial->block));
	json_object_set_new(head, "variant", text(run->variants[trial->variant].label));
	json_object_set_new(head, "guest", text(cell->guest));
	json_object_set_new(head, "suite", text(cell->suite));
	json_object_set_new(head, "attempt", count(trial->attempt));
	json_object_set_new(head, "superseded", json_boolean(trial->superseded));
	json_object_set_new(head, "state", text(state_name(trial->state)));
	json_object_set_new(head, "outcome", finished ? text(outcome_name(trial->outcome)) :
							json_null());
	json_object_set_new(head, "reason", text(trial->reason));
	json_object_set_new(head, "disturbed", json_boolean(trial->disturbed));
	json_object_set_new(head, "started_wall_ns", count(trial->started_wall_ns));
	json_object_set_new(head, "duration_ns", count(trial->duration_ns));
	return head;
}

static json_t *finding_json(const struct finding *finding)
{
	json_t *object = json_object();

	json_object_set_new(object, "kind", text(finding_kind_name(finding->kind)));
	json_object_set_new(object, "title", text(finding->title));
	json_object_set_new(object, "line", count(finding->line));
	json_object_set_new(object, "excerpt", text(finding->excerpt));
	return object;
}

/* --- one trial ---------------------------------------------------------------------- */

static json_t *times_json(const struct trial_times *times)
{
	json_t *object = json_object();

	json_object_set_new(object, "create_ns", count(times->create_ns));
	json_object_set_new(object, "created_ns", count(times->created_ns));
	json_object_set_new(object, "first_byte_ns", count(times->first_byte_ns));
	json_object_set_new(object, "user_space_ns", count(times->user_space_ns));
	json_object_set_new(object, "end_marker_ns", count(times->end_marker_ns));
	json_object_set_new(object, "stopped_ns", count(times->stopped_ns));
	return object;
}

static json_t *host_json(const struct host_evidence *host)
{
	json_t *object = json_object();

	json_object_set_new(object, "steal_ratio", number(host->steal_ratio));
	json_object_set_new(object, "others_cpus", number(host->others_cpus));
	json_object_set_new(object, "pressure_memory_ratio",
			    number(host->pressure_memory_ratio));
	json_object_set_new(object, "frequency_mhz", number(host->frequency_mhz));
	json_object_set_new(object, "disturbed", json_boolean(host->disturbed));
	json_object_set_new(object, "reason", text(host->reason));
	return object;
}

static json_t *rows_json(const struct stored_cell *cell, const struct trial_result *result)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < cell->rows_count; i++) {
		json_t *row = json_object();
		bool known = i < result->rows_count;

		json_object_set_new(row, "name", text(cell->rows[i].name));
		json_object_set_new(row, "workload", text(cell->rows[i].workload));
		json_object_set_new(row, "arguments", text(cell->rows[i].arguments));
		json_object_set_new(row, "outcome",
				    known ? text(outcome_name(result->rows[i].outcome)) :
					    json_null());
		json_object_set_new(row, "reason", known ? text(result->rows[i].reason) :
							   json_null());
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *samples_json(const struct trial_result *result)
{
	json_t *samples = json_array();

	for (size_t i = 0; i < result->samples_count; i++) {
		const struct sample *sample = &result->samples[i];
		json_t *object = json_object();

		json_object_set_new(object, "row", count(sample->row));
		json_object_set_new(object, "metric", text(sample->metric));
		json_object_set_new(object, "iteration", count(sample->iteration));
		json_object_set_new(object, "value", number(sample->value));
		json_array_append_new(samples, object);
	}
	return samples;
}

void show_trial_json(const struct stored_run *run, const struct stored_trial *trial,
		     const struct trial_result *result, const char *folder, FILE *file)
{
	json_t *root = trial_head(run, trial), *findings = json_array();

	json_object_set_new(root, "run", text(run->id));
	json_object_set_new(root, "folder", text(folder));
	json_object_set_new(root, "fingerprint", text(trial->fingerprint));
	json_object_set_new(root, "kernel_release", text(result->kernel_release));
	json_object_set_new(root, "times", times_json(&result->times));
	json_object_set_new(root, "host", host_json(&result->host));
	json_object_set_new(root, "rows", rows_json(&run->cells[trial->cell], result));
	json_object_set_new(root, "samples", samples_json(result));
	for (size_t i = 0; i < result->findings_count; i++)
		json_array_append_new(findings, finding_json(&result->findings[i]));
	json_object_set_new(root, "findings", findings);
	dump(root, file);
}

/* --- a run -------------------------------------------------------------------------- */

static json_t *variants_json(const struct stored_run *run)
{
	json_t *variants = json_array();

	for (size_t i = 0; i < run->variants_count; i++) {
		const struct stored_variant *variant = &run->variants[i];
		json_t *object = json_object();

		json_object_set_new(object, "label", text(variant->label));
		json_object_set_new(object, "name", text(variant->name));
		json_object_set_new(object, "kernel_key", text(variant->kernel_key));
		json_object_set_new(object, "image_sha256", text(variant->image_sha256));
		json_object_set_new(object, "cmdline", text(variant->cmdline));
		json_array_append_new(variants, object);
	}
	return variants;
}

static void add_gate(const struct stored_run *run, json_t *root)
{
	json_t *gate = json_object();

	json_object_set_new(gate, "margin_percent", number(run->gate.margin_percent));
	json_object_set_new(gate, "alpha", number(run->gate.alpha));
	json_object_set_new(gate, "confidence", number(run->gate.confidence));
	json_object_set_new(gate, "correction", text(correction_name(run->gate.correction)));
	json_object_set_new(root, "gate", gate);
}

static int add_findings(struct run_store *store, const struct stored_run *run, json_t *root,
			struct error *err)
{
	struct stored_finding *items = NULL;
	size_t items_count = 0;
	json_t *findings = json_array();
	int rc = run_store_findings(store, run->id, &items, &items_count, err);

	for (size_t i = 0; !rc && i < items_count; i++) {
		json_t *object = finding_json(&items[i].finding);

		for (size_t j = 0; j < run->trials_count; j++)
			if (run->trials[j].id == items[i].trial_id)
				json_object_set_new(object, "trial",
						    count(run->trials[j].order + 1));
		json_array_append_new(findings, object);
	}
	stored_findings_free(items, items_count);
	json_object_set_new(root, "findings", findings);
	return rc;
}

static void add_head(const struct stored_run *run, json_t *root)
{
	json_object_set_new(root, "id", text(run->id));
	json_object_set_new(root, "campaign", text(run->campaign));
	json_object_set_new(root, "campaign_file", text(run->campaign_file));
	json_object_set_new(root, "state", text(run->state));
	json_object_set_new(root, "note", text(run->note));
	json_object_set_new(root, "started_wall_ns", count(run->started_wall_ns));
	json_object_set_new(root, "finished_wall_ns", count(run->finished_wall_ns));
	json_object_set_new(root, "seed", count(run->seed));
	json_object_set_new(root, "baseline", text(run->variants[run->baseline].label));
	json_object_set_new(root, "control", json_boolean(run->control));
	json_object_set_new(root, "accelerator", text(run->accelerator));
	json_object_set_new(root, "accelerator_reason", text(run->accelerator_reason));
}

int show_run_json(struct run_store *store, const struct stored_run *run, FILE *file,
		  struct error *err)
{
	json_t *root = json_object(), *trials = json_array();
	int rc = add_findings(store, run, root, err);

	if (rc) {
		json_decref(trials);
		json_decref(root);
		return rc;
	}
	add_head(run, root);
	add_gate(run, root);
	json_object_set_new(root, "variants", variants_json(run));
	for (size_t i = 0; i < run->trials_count; i++)
		json_array_append_new(trials, trial_head(run, &run->trials[i]));
	json_object_set_new(root, "trials", trials);
	dump(root, file);
	return 0;
}
