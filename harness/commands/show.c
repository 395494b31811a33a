/* show.c - `kerngate show`: what a run did, or what came of one trial. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "command.h"
#include "files.h"
#include "memory.h"
#include "render.h"
#include "run_artifacts.h"
#include "run_store.h"
#include "show_guest.h"
#include "show_json.h"

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

/* --- one trial -------------------------------------------------------------------- */

static void print_times(const struct trial_times *times)
{
	const struct { const char *name; uint64_t at_ns; } steps[] = {
		{ "domain created", times->created_ns },
		{ "first byte", times->first_byte_ns },
		{ "user space", times->user_space_ns },
		{ "end marker", times->end_marker_ns },
		{ "stopped", times->stopped_ns },
	};

	printf("times since create:\n");
	for (size_t i = 0; i < ARRAY_COUNT(steps); i++) {
		if (steps[i].at_ns < times->create_ns || !steps[i].at_ns)
			printf("  %-16s never\n", steps[i].name);
		else
			printf("  %-16s %8.3f s\n", steps[i].name,
			       (double)(steps[i].at_ns - times->create_ns) / 1e9);
	}
}

static void print_host(const struct host_evidence *host)
{
	printf("host: steal %.2f %%, others %.2f CPUs", 100 * host->steal_ratio,
	       host->others_cpus);
	if (!isnan(host->pressure_memory_ratio))
		printf(", memory pressure %.2f %%", 100 * host->pressure_memory_ratio);
	if (!isnan(host->frequency_mhz))
		printf(", %.0f MHz", host->frequency_mhz);
	printf("%s%s\n", host->disturbed ? "; disturbed: " : "",
	       host->disturbed && host->reason ? host->reason : "");
}

/* First, last and number of the samples of each metric of a row. */
static void print_samples(const struct stored_row *row, uint32_t index,
			  const struct trial_result *result)
{
	for (size_t i = 0; i < row->metrics_count; i++) {
		cleanup_strbuf struct strbuf text = STRBUF_INIT;
		const struct metric_info *metric = &row->metrics[i];
		size_t count = 0;

		for (size_t j = 0; j < result->samples_count; j++) {
			const struct sample *sample = &result->samples[j];

			if (sample->row != index || strcmp(sample->metric, metric->name))
				continue;
			if (count++ >= 5)
				continue;
			strbuf_adds(&text, count > 1 ? ", " : "");
			render_quantity(sample->value, metric->unit, &text);
		}
		printf("    %-24s %zu samples%s%s%s\n", metric->name, count, count ? ": " : "",
		       text.data, count > 5 ? " ..." : "");
	}
}

static void print_rows(const struct stored_cell *cell, const struct trial_result *result)
{
	printf("rows:\n");
	for (size_t i = 0; i < cell->rows_count; i++) {
		bool known = i < result->rows_count;
		const char *reason = known ? result->rows[i].reason : NULL;

		printf("  %s: %s%s%s\n", cell->rows[i].name,
		       known ? outcome_name(result->rows[i].outcome) : "not run",
		       reason ? ": " : "", reason ? reason : "");
		print_samples(&cell->rows[i], (uint32_t)i, result);
	}
}

static void print_indented(const char *text)
{
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		printf("    | %.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
}

static void print_findings(const struct trial_result *result)
{
	printf("findings: %zu\n", result->findings_count);
	for (size_t i = 0; i < result->findings_count; i++) {
		const struct finding *finding = &result->findings[i];

		printf("  %s, console line %" PRIu64 ": %s\n", finding_kind_name(finding->kind),
		       finding->line, finding->title);
		print_indented(finding->excerpt);
	}
}

static void print_artifacts(const char *folder, const char *pruned_when)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int rc = folder_list(folder, &names);

	printf("artifacts: %s%s%s\n", folder, pruned_when ? ", pruned " :
	       rc == -ENOENT ? ": is gone" : "", pruned_when ? pruned_when : "");
	for (size_t i = 0; !rc && i < names.count; i++)
		printf("  %s\n", names.items[i]);
}

static void print_trial(const struct stored_run *run, const struct stored_trial *trial,
			const struct trial_result *result, const char *folder,
			const char *pruned_when)
{
	const struct stored_cell *cell = &run->cells[trial->cell];

	printf("run %s, trial %u: %s in %s/%s, block %u, attempt %u%s\n", run->id,
	       trial->order + 1, run->variants[trial->variant].label, cell->guest, cell->suite,
	       trial->block + 1, trial->attempt + 1,
	       trial->superseded ? " (superseded: left out of comparisons)" : "");
	if (run->mode == MODE_EXACT)
		printf("exact mode: seed %" PRIu64 ", digest %s\n", trial->seed,
		       trial->digest ? trial->digest : "none");
	if (trial->state != TRIAL_FINISHED) {
		printf("outcome: none, it is %s\n",
		       trial->state == TRIAL_STARTED ? "started and not finished" : "planned");
		return;
	}
	printf("outcome: %s%s%s\n", outcome_name(result->outcome), result->reason ? ": " : "",
	       result->reason ? result->reason : "");
	printf("kernel: %s\n", result->kernel_release ? result->kernel_release : "unknown");
	print_times(&result->times);
	print_host(&result->host);
	print_rows(cell, result);
	print_findings(result);
	print_artifacts(folder, pruned_when);
}

static int show_trial(struct run_store *store, const struct stored_run *run, uint64_t number,
		      bool json, struct error *err)
{
	cleanup_with(trial_result_release) struct trial_result result = TRIAL_RESULT_INIT;
	cleanup_free char *folder = NULL, *pruned_when = NULL;
	const struct stored_trial *trial;
	int rc = 0;

	if (number > run->trials_count)
		return error_set(err, -ENOENT, "run %s has no trial %" PRIu64 ": expected 1 to %zu",
				 run->id, number, run->trials_count);
	trial = &run->trials[number - 1];
	if (trial->state == TRIAL_FINISHED)
		rc = run_store_load_result(store, trial->id, &result, err);
	if (rc)
		return rc;
	folder = run_store_trial_folder(store, run->id, trial->order);
	pruned_when = run_artifacts_pruned_when(store, run->id, trial->order);
	if (json)
		show_trial_json(run, trial, &result, folder, pruned_when, stdout);
	else
		print_trial(run, trial, &result, folder, pruned_when);
	return 0;
}

/* --- a run -------------------------------------------------------------------------- */

static int show_run(struct run_store *store, const struct stored_run *run, bool json,
		    struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	int rc = 0;

	if (json)
		return show_run_json(store, run, stdout, err);
	rc = render_run_text(store, run, &text, err);
	if (!rc)
		fputs(text.data, stdout);
	return rc;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run stored = { .id = NULL };
	const char *guest = NULL;
	uint64_t number = 0;
	bool json = false, xml = false;
	const struct option_info options[] = {
		{ "--json", OPTION_FLAG, &json, 0, 0 },
		{ "--trial", OPTION_NUMBER, &number, 1, UINT32_MAX },
		{ "--guest", OPTION_TEXT, &guest, 0, 0 },
		{ "--xml", OPTION_FLAG, &xml, 0, 0 },
		{ .name = NULL },
	};
	int status = command_parse_options(options, &argc, argv, err);
	int rc;

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (!status && guest && (argc > 1 || number || json))
		status = command_usage_error(err, "--guest shows a shape of configs/guests, which "
					     "goes with --xml only");
	if (!status && xml && !guest)
		status = command_usage_error(err, "--xml goes with --guest");
	if (status)
		return status;
	if (guest)
		return command_status(show_guest(globals, guest, xml, err));
	rc = run_store_open(globals->results_dir, &store, err);
	if (!rc)
		rc = run_store_load(store, argc > 1 ? argv[1] : NULL, &stored, err);
	if (!rc && number)
		rc = show_trial(store, &stored, number, json, err);
	else if (!rc)
		rc = show_run(store, &stored, json, err);
	return command_status(rc);
}

const struct command command_show = {
	.name = "show",
	.summary = "what a run did: trials, outcomes, findings, times; or a guest",
	.usage = "show [RUN] [--json] [--trial N]\n"
		 "       kerngate show --guest NAME [--xml]",
	.help = "Prints a stored run (default: results/latest; the beginning of its name is\n"
		"enough), or one of its trials with rows, samples, findings with the console\n"
		"lines around them, times and the paths of its artifacts.\n"
		"\n"
		"  --json     for programs; of a run all trials, of a trial all samples\n"
		"  --trial N  one trial, by its number in the plan\n"
		"  --guest NAME  a shape of configs/guests instead: all its values, and the CPUs\n"
		"             of this host that a guest of it would be pinned to\n"
		"  --xml      the domain XML that it becomes, as libvirt is given it\n"
		"\n"
		"examples:\n"
		"  kerngate show\n"
		"  kerngate show 20261121-21 --trial 7\n"
		"  kerngate show --guest numa2 --xml\n",
	.run = run,
};
