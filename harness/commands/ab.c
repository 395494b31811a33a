/* ab.c - `kerngate ab`: patches against their base, from one line. */
#include "ab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command_experiment.h"
#include "files.h"
#include "log.h"
#include "memory.h"
#include "sequential.h"
#include "verdict_table.h"

#define CAMPAIGN_TIMED "quick"
#define CAMPAIGN_EXACT "quick-exact"

struct settings {
	struct ab_request request;
	struct strvec patches, suites, guests, workloads;
	struct strvec cmdline, sysctls, new_cmdline, new_sysctls, new_fragments;
	uint64_t blocks, seeds, looks, budget_minutes, jobs;
	const char *margin, *note;
	char *command;               /* owned */
	bool dry_run, resume, gate, json;
};

static void settings_release(struct settings *settings)
{
	struct strvec *const lists[] = {
		&settings->patches, &settings->suites, &settings->guests, &settings->workloads,
		&settings->cmdline, &settings->sysctls, &settings->new_cmdline,
		&settings->new_sysctls, &settings->new_fragments,
	};

	for (size_t i = 0; i < ARRAY_COUNT(lists); i++)
		strvec_release(lists[i]);
	free(settings->command);
}

static void cleanup_ab_(struct ab **ab)
{
	ab_free(*ab);
}

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

/* --- the command line, to be said again ------------------------------------------------ */

/* Without what only says how to show it. */
static char *command_text(int argc, char **argv)
{
	static const char *const left_out[] = { "--dry-run", "--gate", "--json" };
	struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "kerngate ab");
	for (int i = 1; i < argc; i++) {
		bool is_said = true;

		for (size_t j = 0; j < ARRAY_COUNT(left_out); j++)
			is_said &= strcmp(argv[i], left_out[j]) != 0;
		if (!is_said)
			continue;
		strbuf_addc(&text, ' ');
		strbuf_add_shell_word(&text, argv[i]);
	}
	return strbuf_detach(&text);
}

/* --- what came of it ---------------------------------------------------------------------- */

/* As `compare --json` has it, with what was asked under "ab". */
static int print_json(const struct ab *ab, const struct stored_run *run,
		      const struct comparison *c, struct error *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *dumped = NULL;
	json_t *object;

	render_comparison_json(run, c, &text);
	object = json_loads(text.data, 0, NULL);
	if (!object)
		return error_set(err, -EINVAL, "run %s: its figures are no JSON", run->id);
	json_object_set(object, "ab", ab->state);
	dumped = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	json_decref(object);
	puts(dumped);
	return 0;
}

static bool is_worse(const struct comparison_entry *entry)
{
	return entry->judged.verdict == VERDICT_REGRESSED && !entry->judged.metric->secondary;
}

/* What walk and bisect need to measure the same: the campaign, a cell of it, and by their
 * files what is in no folder of the project. Owned. */
static char *same_setting(const struct ab *ab, const struct stored_cell *cell)
{
	const char *base = json_string_value(json_object_get(ab->state, "base"));
	cleanup_free char *own = string_format("%s/suites/%s.yaml", ab->folder, cell->suite);
	bool has_base = base && strchr(base, '/');

	return string_format("--campaign %s/ab-%s.yaml%s%s --guest %s --suite %s", ab->folder,
			     ab->id, has_base ? " --base " : "", has_base ? base : "",
			     cell->guest, path_exists(own) ? own : cell->suite);
}

/* The first metric that got worse in the set's kernel can be bisected. */
static void tell_bisect(const struct ab *ab, const struct stored_run *run,
			const struct comparison *c, const json_t *set, const char *series)
{
	const char *name = json_string_value(json_object_get(set, "variant"));
	size_t count = json_array_size(json_object_get(set, "patches"));

	for (size_t i = 0; i < c->count; i++) {
		const struct comparison_entry *entry = &c->entries[i];
		const struct stored_cell *cell = &run->cells[entry->cell];
		cleanup_free char *setting = NULL;

		if (!is_worse(entry) || !name ||
		    strcmp(run->variants[entry->variant].name, name) != 0)
			continue;
		setting = same_setting(ab, cell);
		fprintf(stderr, "which of them made %s worse:\n  %s bisect --series %s "
			"--good 0 --bad %zu --metric %s.%s %s\n", entry->judged.metric->name,
			experiment_program(ab->options), series, count,
			cell->rows[entry->row].name, entry->judged.metric->name, setting);
		return;
	}
}

/* On stderr: stdout has the table alone. */
static void tell_more(const struct ab *ab, const struct stored_run *run,
		      const struct comparison *c)
{
	const json_t *sets = json_object_get(ab->state, "sets"), *set;
	cleanup_free char *setting = same_setting(ab, &run->cells[0]);
	const char *program = experiment_program(ab->options);
	size_t i;

	fprintf(stderr, "\nall of it as a page:\n  %s report %s\nthis table again:\n"
		"  %s ab --resume %s\n", program, run->id, program, ab->id);
	json_array_foreach(sets, i, set) {
		const char *series = json_string_value(json_object_get(set, "series"));

		if (!series || json_array_size(json_object_get(set, "patches")) < 2)
			continue;
		fprintf(stderr, "which patch did what:\n  %s walk %s %s\n", program, series, setting);
		tell_bisect(ab, run, c, set, series);
	}
}

static int print_outcome(const struct ab *ab, const struct settings *settings,
			 enum gate_exit *ret_gate, struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_with(comparison_release) struct comparison c = { .entries = NULL };
	cleanup_with(render_mail_more_release) struct render_mail_more more = { .again = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	int rc = run_store_open(ab->options->results_dir, &store, err);

	if (!rc)
		rc = run_store_load(store, ab->run_id, &run, err);
	if (!rc)
		rc = comparison_make(store, &run, NULL, &c, err);
	if (rc)
		return rc;
	*ret_gate = c.gate;
	if (settings->json)
		return print_json(ab, &run, &c, err);
	ab_mail_more(ab, &run, &more);
	render_comparison_mail_with(&run, &c, &more, &text);
	fputs(text.data, stdout);
	fflush(stdout);
	tell_more(ab, &run, &c);
	return 0;
}

static void print_patches(const struct ab *ab)
{
	const json_t *sets = json_object_get(ab->state, "sets"), *set, *patch;
	size_t i, j;

	json_array_foreach(sets, i, set) {
		const json_t *patches = json_object_get(set, "patches");

		printf("%s: %zu patch%s of %s\n", json_string_value(json_object_get(set, "variant")),
		       json_array_size(patches), json_array_size(patches) == 1 ? "" : "es",
		       json_string_value(json_object_get(set, "source")));
		json_array_foreach(patches, j, patch)
			printf("  %zu %s\n", j + 1, json_string_value(patch));
	}
	if (json_array_size(sets))
		putchar('\n');
}

static int perform(struct settings *settings, const char *id,
		   const struct experiment_options *options, struct error *err)
{
	cleanup_with(cleanup_ab_) struct ab *ab = NULL;
	enum gate_exit gate = GATE_FAILED;
	int rc;

	if (settings->resume)
		rc = ab_resume(id, options, &ab, err);
	else
		rc = ab_begin(&settings->request, options, settings->dry_run, &ab, err);
	if (!rc && settings->dry_run) {
		rc = ab_check_patches(ab, false, err);
		if (!rc)
			print_patches(ab);
		return rc ? rc : experiment_print_plan(&ab->campaign, options, err);
	}
	if (!rc)
		log_info("ab %s: %s", ab->id, ab->folder);
	if (!rc)
		rc = ab_go(ab, err);
	progress_clear();
	if (!rc)
		rc = print_outcome(ab, settings, &gate, err);
	return rc ? rc : settings->gate ? (int)gate : EXIT_OK;
}

/* --- options -------- */

static int check_resume(const struct settings *settings, struct error *err)
{
	const struct ab_request *request = &settings->request;

	if (request->base || request->other || settings->patches.count || request->campaign ||
	    request->mode || request->fragments || settings->suites.count ||
	    settings->guests.count || settings->workloads.count || settings->cmdline.count ||
	    settings->sysctls.count || settings->new_cmdline.count ||
	    settings->new_sysctls.count || settings->new_fragments.count || settings->blocks ||
	    settings->seeds || settings->looks || settings->budget_minutes || settings->margin ||
	    request->name || settings->note || request->seed || settings->dry_run)
		return command_usage_error(err, "--resume goes on with what was asked: only --jobs, "
					   "--gate and --json go with it");
	return 0;
}

static int check_asked(const struct settings *settings, struct error *err)
{
	const struct ab_request *request = &settings->request;
	bool has_new = settings->new_cmdline.count || settings->new_sysctls.count ||
		       settings->new_fragments.count;

	if (request->other && settings->patches.count)
		return command_usage_error(err, "--new is another kernel, --patches are on top of "
					   "--base; one of them");
	if (!request->other && !settings->patches.count && !has_new)
		return command_usage_error(err, "nothing to compare --base with: needs --patches, "
					   "--new, or --new-cmdline, --new-sysctl or "
					   "--new-fragments");
	if (!request->base && (!settings->patches.count ||
			       !strstr(settings->patches.items[0], "..")))
		return command_usage_error(err, "needs --base (only a range of commits has one of "
					   "its own)");
	if (settings->blocks && settings->seeds)
		return command_usage_error(err, "--blocks and --seeds are the same; one of them");
	return 0;
}

static int check_settings(struct settings *settings, int argc, char **argv, struct error *err)
{
	struct ab_request *request = &settings->request;
	enum run_mode mode = MODE_TIMED;
	int status = command_check_operands(argc, argv, settings->resume ? 1 : 0, err);

	if (!status)
		status = settings->resume ? check_resume(settings, err) :
					    check_asked(settings, err);
	if (!status && request->mode && run_mode_parse(request->mode, &mode))
		status = command_usage_error(err, "--mode %s: expected timed or exact",
					     request->mode);
	if (!status && settings->seeds && mode != MODE_EXACT && !request->campaign)
		status = command_usage_error(err, "--seeds is for --mode exact; in timed mode it is "
					     "--blocks");
	if (!status)
		status = verdict_parse_number("--margin", settings->margin, 0.01, 50,
					      &request->margin_percent, err);
	if (status)
		return status;
	if (!request->campaign)
		request->campaign = mode == MODE_EXACT ? CAMPAIGN_EXACT : CAMPAIGN_TIMED;
	request->blocks_count = (uint32_t)(settings->seeds ? settings->seeds : settings->blocks);
	request->looks_count = (uint32_t)settings->looks;
	request->budget_minutes = (uint32_t)settings->budget_minutes;
	request->command = settings->command;
	request->patches = &settings->patches;
	request->suites = &settings->suites;
	request->guests = &settings->guests;
	request->workloads = &settings->workloads;
	request->cmdline = &settings->cmdline;
	request->sysctls = &settings->sysctls;
	request->new_cmdline = &settings->new_cmdline;
	request->new_sysctls = &settings->new_sysctls;
	request->new_fragments = &settings->new_fragments;
	return 0;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	cleanup_with(settings_release) struct settings settings = {
		.command = command_text(argc, argv),
	};
	struct ab_request *request = &settings.request;
	const struct option_info infos[] = {
		{ "--base", OPTION_TEXT, &request->base, 0, 0 },
		{ "--new", OPTION_TEXT, &request->other, 0, 0 },
		{ "--patches", OPTION_TEXTS, &settings.patches, 0, 0 },
		{ "--campaign", OPTION_TEXT, &request->campaign, 0, 0 },
		{ "--mode", OPTION_TEXT, &request->mode, 0, 0 },
		{ "--fragments", OPTION_TEXT, &request->fragments, 0, 0 },
		{ "--suite", OPTION_TEXTS, &settings.suites, 0, 0 },
		{ "--guest", OPTION_TEXTS, &settings.guests, 0, 0 },
		{ "--workload", OPTION_TEXTS, &settings.workloads, 0, 0 },
		{ "--cmdline", OPTION_TEXTS, &settings.cmdline, 0, 0 },
		{ "--sysctl", OPTION_TEXTS, &settings.sysctls, 0, 0 },
		{ "--new-cmdline", OPTION_TEXTS, &settings.new_cmdline, 0, 0 },
		{ "--new-sysctl", OPTION_TEXTS, &settings.new_sysctls, 0, 0 },
		{ "--new-fragments", OPTION_TEXTS, &settings.new_fragments, 0, 0 },
		{ "--blocks", OPTION_NUMBER, &settings.blocks, 2, 10000 },
		{ "--seeds", OPTION_NUMBER, &settings.seeds, 1, 10000 },
		{ "--looks", OPTION_NUMBER, &settings.looks, 1, SEQUENTIAL_LOOKS_MAX },
		{ "--seed", OPTION_NUMBER, &request->seed, 1, INT64_MAX },
		{ "--margin", OPTION_TEXT, &settings.margin, 0, 0 },
		{ "--budget", OPTION_NUMBER, &settings.budget_minutes, 1, 100000 },
		{ "--jobs", OPTION_NUMBER, &settings.jobs, 1, 4096 },
		{ "--name", OPTION_TEXT, &request->name, 0, 0 },
		{ "--note", OPTION_TEXT, &settings.note, 0, 0 },
		{ "--dry-run", OPTION_FLAG, &settings.dry_run, 0, 0 },
		{ "--resume", OPTION_FLAG, &settings.resume, 0, 0 },
		{ "--gate", OPTION_FLAG, &settings.gate, 0, 0 },
		{ "--json", OPTION_FLAG, &settings.json, 0, 0 },
		{ .name = NULL },
	};
	struct experiment_options options;
	int status = command_parse_options(infos, &argc, argv, err);

	if (!status)
		status = check_settings(&settings, argc, argv, err);
	if (status)
		return status;
	options = command_experiment_options(globals, settings.jobs);
	options.note = settings.note;
	if (!settings.dry_run)
		command_catch_interrupts();
	status = perform(&settings, argc > 1 ? argv[1] : NULL, &options, err);
	if (status == -EINTR || status == -ECANCELED)
		return EXIT_INTERRUPTED;
	return status > 0 ? status : command_status(status);
}

const struct command command_ab = {
	.name = "ab",
	.summary = "patches against their base, or kernel against kernel, from one line",
	.usage = "ab --base KERNEL --patches DIR|MBOX|REPO:A..B [OPTIONS]\n"
		 "       kerngate ab --base KERNEL --new KERNEL [OPTIONS]\n"
		 "       kerngate ab --resume [ID] [--gate] [--json]",
	.help = "Builds KERNEL without and with the patches, boots both in random, interleaved\n"
		"order, judges, and prints the table for the patch mail (75 columns), on stdout\n"
		"alone. No config file is needed; docs/ab.md says more.\n"
		"\n"
		"  --base KERNEL     a name in kernel/bases or its version (7.3), a folder with a\n"
		"                    kernel's source, or REPO@REF; needed unless the patches are\n"
		"                    a range of commits: then what that begins after\n"
		"  --patches P       a folder (quilt `series`, or *.patch and *.diff by name); a\n"
		"                    mailbox (b4 am, lore's t.mbox.gz, git format-patch); or\n"
		"                    REPO:A..B, A..B here. Again: another version (v1 and v2)\n"
		"  --new KERNEL      compare with this kernel, nothing on top of it\n"
		"  --new-cmdline ARG, --new-sysctl X=Y, --new-fragments A,B\n"
		"                    of the patched (new) kernel only; without --patches this is\n"
		"                    all that differs\n"
		"  --cmdline ARG, --sysctl X=Y, --fragments A,B,C\n"
		"                    of all kernels; fragments instead of the campaign's\n"
		"  --suite S, --guest G  each with each; may be given again (default: quick, in\n"
		"                    smp2: two to five minutes once the kernels are built)\n"
		"  --workload NAME[,ARG=VALUE...]  a suite of this; may be given again\n"
		"  --mode MODE       timed, or exact: instructions counted, small differences\n"
		"  --blocks N, --seeds N, --looks N, --seed N, --margin PERCENT\n"
		"  --budget MINUTES  of boots\n"
		"  --campaign NAME   whose fragments, guests, suites, blocks and gate are taken\n"
		"                    (default: quick; with --mode exact quick-exact)\n"
		"  --name NAME       becomes part of the ID; --note TEXT is kept with the run\n"
		"  --dry-run         do the patches apply? the plan and its minutes; runs nothing\n"
		"  --resume [ID]     go on (default: with the newest), or show it again\n"
		"  --gate            exit as `kerngate gate` does\n"
		"  --jobs N          compiler jobs (default: CPUs)\n"
		"  --json            for programs, as `kerngate compare --json` has it\n"
		"\n"
		"exit status: 0 judged, whatever the verdict; 2 the harness could not do its job\n"
		"(a patch does not apply, a kernel does not build); 64 wrong usage; 130\n"
		"interrupted. With --gate 0 pass, 1 regressed, 3 inconclusive, 4 not comparable.\n"
		"\n"
		"examples:\n"
		"  kerngate ab --base 7.3 --patches ~/v3.mbox >table.txt\n"
		"  kerngate ab --patches ~/linux:v7.3..topic --suite fallocate --mode exact\n"
		"  kerngate ab --base 6.12 --new 7.3 --guest up --guest smp2\n"
		"  kerngate ab --base 7.3 --patches v1.mbox --patches v2.mbox --workload fio\n",
	.supervised = true,
	.run = run,
};
