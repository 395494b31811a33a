/* report_format_kcidb_tests.c - boots, metrics and verdicts as tests of KCIDB; bugs on
 * consoles as its issues and incidents.
 */
#include <math.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "render_parts.h"
#include "report_format_kcidb.h"

#define EXCERPT_MAX 16384 /* characters of log_excerpt */
#define ISSUE_VERSION 1

/* "kerngate.up.quick.fill": words with dots between them; the list ends with NULL.
 * Owned. */
static char *path_of(const char *const *parts)
{
	struct strbuf path = STRBUF_INIT;

	strbuf_adds(&path, "kerngate");
	for (; *parts; parts++) {
		cleanup_free char *word = format_word(*parts, "_-");

		strbuf_addf(&path, ".%s", word);
	}
	return strbuf_detach(&path);
}

static void set_owned_text(json_t *object, const char *key, char *text)
{
	kcidb_set_text(object, key, text);
	free(text);
}

static json_t *environment_of(const struct stored_run *run, uint32_t cell, uint32_t variant)
{
	json_t *misc = json_object(), *environment = json_object();
	const struct stored_cell *place = &run->cells[cell];

	kcidb_set_text(misc, "guest", place->guest);
	kcidb_set_text(misc, "suite", place->suite);
	kcidb_set_text(misc, "variant", run->variants[variant].label);
	kcidb_set_text(misc, "cmdline", run->variants[variant].cmdline);
	kcidb_set_text(misc, "accelerator", run->accelerator);
	kcidb_set_text(misc, "mode", run_mode_name(run->mode));
	set_owned_text(misc, "cpu", render_fingerprint(run, -1, "host.cpu_model"));
	set_owned_text(misc, "host_kernel", render_fingerprint(run, -1, "host.kernel_release"));
	set_owned_text(misc, "hypervisor", render_fingerprint(run, -1, "hypervisor"));
	set_owned_text(environment, "comment",
		       string_format("guest %s on %s", place->guest,
				     run->accelerator ? run->accelerator : "unknown"));
	json_object_set_new(environment, "misc", misc);
	return environment;
}

/* A test of a variant's kernel in a cell. */
static json_t *test_object(const struct stored_run *run, const char *rest, uint32_t cell,
			   uint32_t variant, const char *path, const char *status)
{
	json_t *object = kcidb_object(rest);

	kcidb_set_id(object, "build_id", run->variants[variant].kernel_key);
	json_object_set_new(object, "environment", environment_of(run, cell, variant));
	kcidb_set_text(object, "path", path);
	json_object_set_new(object, "status", json_string(status));
	return object;
}

/* --- boots --------------------------------------------------------------------------- */

static const char *outcome_status(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_PASSED:
		return "PASS";
	case OUTCOME_FAILED:
	case OUTCOME_CRASHED:
	case OUTCOME_TIMED_OUT:
		return "FAIL";
	case OUTCOME_SKIPPED:
		return "SKIP";
	case OUTCOME_BROKEN:
		break;
	}
	return "ERROR";
}

static char *boot_rest(const struct stored_run *run, const struct stored_trial *trial)
{
	return string_format("%s.boot.%u", run->id, trial->order + 1);
}

static json_t *boot_object(const struct stored_run *run, const struct stored_trial *trial)
{
	const struct stored_cell *cell = &run->cells[trial->cell];
	cleanup_free char *rest = boot_rest(run, trial);
	cleanup_free char *path =
		path_of((const char *const[]){ cell->guest, cell->suite, "boot", NULL });
	json_t *object = test_object(run, rest, trial->cell, trial->variant, path,
				     outcome_status(trial->outcome));
	json_t *misc = json_object();

	kcidb_set_time(object, "start_time", trial->started_wall_ns);
	json_object_set_new(object, "duration",
			    json_real((double)trial->duration_ns / NS_PER_SECOND));
	kcidb_set_text(object, "comment", trial->reason);
	kcidb_set_text(misc, "run", run->id);
	kcidb_set_text(misc, "outcome", outcome_name(trial->outcome));
	json_object_set_new(misc, "trial", json_integer(trial->order + (json_int_t)1));
	json_object_set_new(misc, "block", json_integer(trial->block));
	json_object_set_new(misc, "disturbed", json_boolean(trial->disturbed));
	if (run->mode == MODE_EXACT)
		json_object_set_new(misc, "seed", json_integer((json_int_t)trial->seed));
	json_object_set_new(object, "misc", misc);
	return object;
}

static bool counts(const struct stored_trial *trial)
{
	return trial && trial->state == TRIAL_FINISHED && !trial->superseded;
}

/* The first console excerpt of the trial, as much as there may be of it. */
static void set_excerpt(json_t *boot, const struct stored_finding *findings, size_t count,
			int64_t trial_id)
{
	for (size_t i = 0; i < count; i++) {
		const char *excerpt = findings[i].finding.excerpt;
		cleanup_free char *text = NULL;

		if (findings[i].trial_id != trial_id || !excerpt || !excerpt[0])
			continue;
		text = format_text(excerpt, true);
		if (strlen(text) > EXCERPT_MAX) /* cutting may halve a character */
			text[EXCERPT_MAX] = '\0';
		kcidb_set_text(boot, "log_excerpt", text);
		return;
	}
}

/* --- bugs ------------------------------------------------------------------------------ */

/* The same for the same bug, whichever run shows it. Owned. */
static char *issue_rest(const struct finding *finding)
{
	cleanup_free char *text = string_format("%s\n%s", finding_kind_name(finding->kind),
						finding->title);
	char hex[SHA256_HEX_SIZE];

	sha256_of(text, strlen(text), hex);
	return string_copy(hex);
}

static json_t *issue_object(const struct finding *finding)
{
	cleanup_free char *rest = issue_rest(finding);
	json_t *object = kcidb_object(rest), *misc = json_object();

	json_object_set_new(object, "version", json_integer(ISSUE_VERSION));
	set_owned_text(object, "report_subject",
		       string_format("%s: %s", finding_kind_name(finding->kind), finding->title));
	json_object_set_new(object, "culprit", json_pack("{s:b}", "code", 1));
	kcidb_set_text(misc, "kind", finding_kind_name(finding->kind));
	kcidb_set_text(misc, "title", finding->title);
	json_object_set_new(object, "misc", misc);
	return object;
}

static json_t *incident_object(const struct stored_run *run, const struct stored_trial *trial,
			       const struct finding *finding, size_t number)
{
	cleanup_free char *issue = issue_rest(finding);
	cleanup_free char *boot = boot_rest(run, trial);
	cleanup_free char *rest = string_format("%s.finding.%zu", run->id, number);
	json_t *object = kcidb_object(rest);

	kcidb_set_id(object, "issue_id", issue);
	json_object_set_new(object, "issue_version", json_integer(ISSUE_VERSION));
	kcidb_set_id(object, "test_id", boot);
	json_object_set_new(object, "present", json_true());
	json_object_set_new(object, "misc", json_pack("{s:I}", "console_line",
						      (json_int_t)finding->line));
	return object;
}

static bool is_same(const struct finding *a, const struct finding *b)
{
	return a->kind == b->kind && strcmp(a->title, b->title) == 0;
}

static void add_bugs(const struct stored_run *run, const struct stored_finding *findings,
		     size_t count, struct kcidb_report *report)
{
	for (size_t i = 0; i < count; i++) {
		const struct stored_trial *trial = format_trial(run, findings[i].trial_id);
		bool is_known = false, is_repeated = false;

		if (!counts(trial))
			continue;
		for (size_t k = 0; k < i; k++) {
			if (!is_same(&findings[k].finding, &findings[i].finding) ||
			    !counts(format_trial(run, findings[k].trial_id)))
				continue;
			is_known = true;
			is_repeated |= findings[k].trial_id == findings[i].trial_id;
		}
		if (!is_known)
			json_array_append_new(report->issues, issue_object(&findings[i].finding));
		if (!is_repeated)
			json_array_append_new(report->incidents,
					      incident_object(run, trial, &findings[i].finding,
							      i + 1));
	}
}

int kcidb_add_boots(const struct format_input *input, struct kcidb_report *report,
		    struct error *err)
{
	const struct stored_run *run = input->run;
	struct stored_finding *findings;
	size_t count;
	int rc = input->source->findings(input->source->context, run->id, &findings, &count, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < run->trials_count; i++) {
		json_t *boot;

		if (!counts(&run->trials[i]))
			continue;
		boot = boot_object(run, &run->trials[i]);
		set_excerpt(boot, findings, count, run->trials[i].id);
		json_array_append_new(report->tests, boot);
	}
	add_bugs(run, findings, count, report);
	stored_findings_free(findings, count);
	return 0;
}

/* --- metrics ---------------------------------------------------------------------------- */

static void set_number(json_t *object, const char *key, double value)
{
	if (isfinite(value))
		json_object_set_new(object, key, json_real(value));
}

/* "kerngate.up.quick.fill.fallocate_ns"; owned */
static char *metric_path(const struct stored_run *run, uint32_t cell, uint32_t row,
			 const char *metric, const char *last)
{
	const struct stored_cell *place = &run->cells[cell];

	return path_of((const char *const[]){ place->guest, place->suite, place->rows[row].name,
					      metric, last, NULL });
}

static json_t *number_object(const struct metric_info *metric, double value)
{
	json_t *number = json_pack("{s:f}", "value", value);

	kcidb_set_text(number, "unit", metric->unit);
	return number;
}

static void add_measurement(const struct format_input *input,
			    const struct format_metric *metric, uint32_t variant,
			    struct kcidb_report *report)
{
	const struct stored_run *run = input->run;
	struct format_mean mean = format_mean(input, metric, variant);
	cleanup_free char *rest = string_format("%s.metric.%u.%u.%u.%u", run->id, metric->cell,
						metric->row, metric->metric, variant);
	cleanup_free char *path =
		metric_path(run, metric->cell, metric->row, metric->info->name, NULL);
	json_t *object, *misc;

	if (!isfinite(mean.value))
		return;
	misc = json_object();
	object = test_object(run, rest, metric->cell, variant, path, "DONE");
	json_object_set_new(object, "number", number_object(metric->info, mean.value));
	kcidb_set_time(object, "start_time", run->started_wall_ns);
	kcidb_set_text(object, "comment", metric->info->meaning);
	kcidb_set_text(misc, "run", run->id);
	kcidb_set_text(misc, "better", metric_direction_name(metric->info->better));
	kcidb_set_text(misc, "kind", metric_kind_name(metric->info->kind));
	json_object_set_new(misc, "boots_count", json_integer((json_int_t)mean.boots_count));
	set_number(misc, "low", mean.interval.low);
	set_number(misc, "high", mean.interval.high);
	json_object_set_new(object, "misc", misc);
	json_array_append_new(report->tests, object);
}

static void write_metric(const struct format_input *input, const struct format_metric *metric,
			 void *context)
{
	for (uint32_t variant = 0; variant < input->run->variants_count; variant++)
		if (format_is_side(input->run, variant))
			add_measurement(input, metric, variant, context);
}

/* What is not settled was measured and says nothing of the code: DONE. */
static const char *verdict_status(enum format_status status)
{
	static const char *const names[] = {
		[CASE_PASS] = "PASS",
		[CASE_FAIL] = "FAIL",
		[CASE_UNSETTLED] = "DONE",
		[CASE_ERROR] = "ERROR",
	};

	return names[status];
}

static void add_verdict(const struct format_input *input, const struct comparison_entry *entry,
			struct kcidb_report *report)
{
	const struct stored_run *run = input->run;
	const struct metric_comparison *judged = &entry->judged;
	enum format_status status = format_metric_status(input->comparison, entry);
	cleanup_free char *rest = string_format("%s.verdict.%u.%u.%u.%u", run->id, entry->cell,
						entry->row, entry->metric, entry->variant);
	cleanup_free char *path =
		metric_path(run, entry->cell, entry->row, judged->metric->name, "verdict");
	cleanup_strbuf struct strbuf sentence = STRBUF_INIT;
	json_t *object = test_object(run, rest, entry->cell, entry->variant, path,
				     verdict_status(status));
	json_t *misc = json_object();

	format_add_sentence(input, entry, &sentence);
	kcidb_set_text(object, "comment", sentence.data);
	kcidb_set_time(object, "start_time", run->started_wall_ns);
	kcidb_set_text(misc, "run", run->id);
	kcidb_set_text(misc, "baseline", run->variants[run->baseline].label);
	kcidb_set_text(misc, "verdict", input->comparison->control_fired ?
					"withheld" : verdict_name(judged->verdict));
	set_number(misc, "ratio", judged->ratio);
	set_number(misc, "low", judged->interval.low);
	set_number(misc, "high", judged->interval.high);
	set_number(misc, "p_adjusted", judged->p_adjusted);
	json_object_set_new(object, "misc", misc);
	json_array_append_new(report->tests, object);
}

/* The baseline against itself, as a test of its kernel. */
static void add_control(const struct format_input *input, struct kcidb_report *report)
{
	const struct stored_run *run = input->run;
	const struct comparison *c = input->comparison;
	cleanup_free char *rest = string_format("%s.control", run->id);
	json_t *object;

	if (run->mode != MODE_EXACT && !run->control)
		return;
	object = kcidb_object(rest);
	kcidb_set_id(object, "build_id", run->variants[run->baseline].kernel_key);
	kcidb_set_text(object, "path", "kerngate.control");
	json_object_set_new(object, "status", json_string(c->control_fired || c->canary_failed ?
							  "ERROR" : "PASS"));
	kcidb_set_text(object, "comment", run->mode == MODE_EXACT ?
		       "the baseline with the same seed again gives the same bytes" :
		       "the baseline, measured twice, does not differ from itself");
	kcidb_set_time(object, "start_time", run->started_wall_ns);
	json_array_append_new(report->tests, object);
}

int kcidb_add_metrics(const struct format_input *input, struct kcidb_report *report,
		      struct error *err)
{
	const struct comparison *c = input->comparison;
	int rc = format_each_metric(input, write_metric, report, err);

	for (size_t i = 0; !rc && i < c->count; i++)
		if (!c->entries[i].judged.metric->secondary)
			add_verdict(input, &c->entries[i], report);
	if (!rc)
		add_control(input, report);
	return rc;
}
