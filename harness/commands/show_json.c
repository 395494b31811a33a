/* show_json.c - `kerngate show --json`. */
#include "show_json.h"

#include <jansson.h>

#include "run_json.h"

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
	const char *label = run->variants[trial->variant].label;
	bool finished = trial->state == TRIAL_FINISHED;
	bool exact = run->mode == MODE_EXACT;
	json_t *head = json_object();

	json_object_set_new(head, "trial", run_json_count(trial->order + 1));
	json_object_set_new(head, "block", run_json_count(trial->block));
	json_object_set_new(head, "variant", run_json_text(label));
	json_object_set_new(head, "guest", run_json_text(cell->guest));
	json_object_set_new(head, "suite", run_json_text(cell->suite));
	json_object_set_new(head, "attempt", run_json_count(trial->attempt));
	json_object_set_new(head, "superseded", json_boolean(trial->superseded));
	json_object_set_new(head, "state", run_json_text(state_name(trial->state)));
	json_object_set_new(head, "outcome",
			    run_json_text(finished ? outcome_name(trial->outcome) : NULL));
	json_object_set_new(head, "reason", run_json_text(trial->reason));
	json_object_set_new(head, "disturbed", json_boolean(trial->disturbed));
	json_object_set_new(head, "seed", exact ? run_json_count(trial->seed) : json_null());
	json_object_set_new(head, "digest", run_json_text(trial->digest));
	json_object_set_new(head, "started_wall_ns", run_json_count(trial->started_wall_ns));
	json_object_set_new(head, "duration_ns", run_json_count(trial->duration_ns));
	return head;
}

static json_t *finding_json(const struct finding *finding)
{
	json_t *object = json_object();

	json_object_set_new(object, "kind", run_json_text(finding_kind_name(finding->kind)));
	json_object_set_new(object, "title", run_json_text(finding->title));
	json_object_set_new(object, "line", run_json_count(finding->line));
	json_object_set_new(object, "excerpt", run_json_text(finding->excerpt));
	return object;
}

/* --- one trial ---------------------------------------------------------------------- */

static json_t *times_json(const struct trial_times *times)
{
	json_t *object = json_object();

	json_object_set_new(object, "create_ns", run_json_count(times->create_ns));
	json_object_set_new(object, "created_ns", run_json_count(times->created_ns));
	json_object_set_new(object, "first_byte_ns", run_json_count(times->first_byte_ns));
	json_object_set_new(object, "user_space_ns", run_json_count(times->user_space_ns));
	json_object_set_new(object, "end_marker_ns", run_json_count(times->end_marker_ns));
	json_object_set_new(object, "stopped_ns", run_json_count(times->stopped_ns));
	return object;
}

static json_t *host_json(const struct host_evidence *host)
{
	json_t *object = json_object();

	json_object_set_new(object, "steal_ratio", run_json_number(host->steal_ratio));
	json_object_set_new(object, "others_cpus", run_json_number(host->others_cpus));
	json_object_set_new(object, "pressure_memory_ratio",
			    run_json_number(host->pressure_memory_ratio));
	json_object_set_new(object, "frequency_mhz", run_json_number(host->frequency_mhz));
	json_object_set_new(object, "disturbed", json_boolean(host->disturbed));
	json_object_set_new(object, "reason", run_json_text(host->reason));
	return object;
}

static json_t *rows_json(const struct stored_cell *cell, const struct trial_result *result)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < cell->rows_count; i++) {
		json_t *row = json_object();
		const struct row_result *known = i < result->rows_count ? &result->rows[i] : NULL;

		json_object_set_new(row, "name", run_json_text(cell->rows[i].name));
		json_object_set_new(row, "workload", run_json_text(cell->rows[i].workload));
		json_object_set_new(row, "arguments", run_json_text(cell->rows[i].arguments));
		json_object_set_new(row, "outcome",
				    run_json_text(known ? outcome_name(known->outcome) : NULL));
		json_object_set_new(row, "reason", run_json_text(known ? known->reason : NULL));
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

		json_object_set_new(object, "row", run_json_count(sample->row));
		json_object_set_new(object, "metric", run_json_text(sample->metric));
		json_object_set_new(object, "iteration", run_json_count(sample->iteration));
		json_object_set_new(object, "value", run_json_number(sample->value));
		json_array_append_new(samples, object);
	}
	return samples;
}

void show_trial_json(const struct stored_run *run, const struct stored_trial *trial,
		     const struct trial_result *result, const char *folder,
		     const char *pruned_when, FILE *file)
{
	json_t *root = trial_head(run, trial), *findings = json_array();

	json_object_set_new(root, "run", run_json_text(run->id));
	json_object_set_new(root, "folder", run_json_text(folder));
	json_object_set_new(root, "artifacts_pruned", run_json_text(pruned_when));
	json_object_set_new(root, "fingerprint", run_json_text(trial->fingerprint));
	json_object_set_new(root, "kernel_release", run_json_text(result->kernel_release));
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
						    run_json_count(run->trials[j].order + 1));
		json_array_append_new(findings, object);
	}
	stored_findings_free(items, items_count);
	json_object_set_new(root, "findings", findings);
	return rc;
}

int show_run_json(struct run_store *store, const struct stored_run *run, FILE *file,
		  struct error *err)
{
	json_t *root = run_json_head(run), *trials = json_array();
	int rc = add_findings(store, run, root, err);

	if (rc) {
		json_decref(trials);
		json_decref(root);
		return rc;
	}
	json_object_set_new(root, "gate", run_json_policy(&run->gate));
	json_object_set_new(root, "variants", run_json_variants(run));
	for (size_t i = 0; i < run->trials_count; i++)
		json_array_append_new(trials, trial_head(run, &run->trials[i]));
	json_object_set_new(root, "trials", trials);
	dump(root, file);
	return 0;
}
