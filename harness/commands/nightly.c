/* nightly.c - `kerngate nightly`: one night of a campaign. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command_experiment.h"
#include "exact.h"
#include "log.h"
#include "nightly.h"

#define MINUTES_MAX 100000
#define KEEP_GIB_MAX (1 << 20)

struct settings {
	struct nightly_request request;
	uint64_t budget, blocks, seeds, jobs, keep_days, keep_gib;
	bool dry_run, json;
};

static void settings_release(struct settings *settings)
{
	strvec_release(&settings->request.only);
	strvec_release(&settings->request.skip);
}

/* Which of --blocks and --seeds goes with the campaign; one that cannot be read is the
 * night's to tell. */
static int check_blocks(const struct globals *globals, const struct settings *settings,
			struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	struct error ignored = ERROR_INIT;
	enum run_mode mode;

	if (settings->blocks && settings->seeds)
		return command_usage_error(err, "--blocks and --seeds are the same; one of them");
	if (!settings->seeds ||
	    campaign_load(globals->project_root, settings->request.campaign, &campaign, &ignored))
		return 0;
	if (!settings->request.mode || run_mode_parse(settings->request.mode, &mode))
		mode = campaign.mode;
	return mode == MODE_EXACT ? 0 :
	       command_usage_error(err, "--seeds is for exact mode; campaign %s is timed: "
				   "--blocks, or --mode exact", campaign.name);
}

static int check_settings(const struct globals *globals, struct settings *settings, int argc,
			  char **argv, struct error *err)
{
	struct nightly_request *request = &settings->request;
	enum run_mode mode;
	int status = command_check_operands(argc, argv, 1, err);

	if (status)
		return status;
	if (argc < 2)
		return command_usage_error(err, "needs a CAMPAIGN");
	if (request->mode && run_mode_parse(request->mode, &mode))
		return command_usage_error(err, "--mode %s: expected timed or exact",
					   request->mode);
	request->campaign = argv[1];
	status = check_blocks(globals, settings, err);
	request->budget_minutes = (uint32_t)settings->budget;
	request->blocks_count = (uint32_t)(settings->seeds ? settings->seeds : settings->blocks);
	request->keep_days = (uint32_t)settings->keep_days;
	request->keep_bytes = settings->keep_gib << 30;
	request->is_quiet = settings->json;
	return status;
}

static void print(const struct nightly *nightly, const char *results_dir, bool json)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *dumped = NULL;
	json_t *object;

	if (!json) {
		nightly_render_text(nightly, &text);
		fputs(text.data, stdout);
		return;
	}
	object = nightly_render_json(nightly, results_dir);
	dumped = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	json_decref(object);
	puts(dumped);
}

static int perform(const struct settings *settings, const struct experiment_options *options,
		   struct error *err)
{
	cleanup_with(nightly_release) struct nightly nightly = { .report = NULL };

	if (settings->dry_run)
		return command_status(nightly_print_plan(&settings->request, options, err));
	command_catch_interrupts();
	nightly_run(&settings->request, options, &nightly);
	if (nightly.failure)
		(void)error_set(err, -EIO, "%s", nightly.failure);
	print(&nightly, options->results_dir, settings->json);
	return nightly.record.status;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	cleanup_with(settings_release) struct settings settings = {
		.request = { .against = NIGHTLY_AGAINST, .only = STRVEC_INIT, .skip = STRVEC_INIT },
		.keep_days = NIGHTLY_KEEP_DAYS, .keep_gib = NIGHTLY_KEEP_GIB,
	};
	struct nightly_request *request = &settings.request;
	const struct option_info infos[] = {
		{ "--budget", OPTION_NUMBER, &settings.budget, 1, MINUTES_MAX },
		{ "--mode", OPTION_TEXT, &request->mode, 0, 0 },
		{ "--only", OPTION_TEXTS, &request->only, 0, 0 },
		{ "--skip", OPTION_TEXTS, &request->skip, 0, 0 },
		{ "--blocks", OPTION_NUMBER, &settings.blocks, 1, 10000 },
		{ "--seeds", OPTION_NUMBER, &settings.seeds, 1, 10000 },
		{ "--jobs", OPTION_NUMBER, &settings.jobs, 1, 4096 },
		{ "--against", OPTION_TEXT, &request->against, 0, 0 },
		{ "--hook", OPTION_TEXT, &request->hook, 0, 0 },
		{ "--keep-days", OPTION_NUMBER, &settings.keep_days, 0, 36500 },
		{ "--keep-size", OPTION_NUMBER, &settings.keep_gib, 0, KEEP_GIB_MAX },
		{ "--no-fetch", OPTION_FLAG, &request->no_fetch, 0, 0 },
		{ "--no-confirm", OPTION_FLAG, &request->no_confirm, 0, 0 },
		{ "--no-walk", OPTION_FLAG, &request->no_walk, 0, 0 },
		{ "--dry-run", OPTION_FLAG, &settings.dry_run, 0, 0 },
		{ "--json", OPTION_FLAG, &settings.json, 0, 0 },
		{ .name = NULL },
	};
	struct experiment_options options;
	int status = command_parse_options(infos, &argc, argv, err);

	if (!status)
		status = check_settings(globals, &settings, argc, argv, err);
	if (status)
		return status;
	options = command_experiment_options(globals, settings.jobs);
	return perform(&settings, &options, err);
}

const struct command command_nightly = {
	.name = "nightly",
	.summary = "one night of a campaign within a budget, judged and told",
	.usage = "nightly CAMPAIGN [--budget MINUTES] [--mode MODE]\n"
		 "                        [--blocks N | --seeds N] [--only GLOB] [--skip GLOB]\n"
		 "                        [--against EARLIER] [--hook COMMAND] [OPTIONS]\n"
		 "       kerngate nightly CAMPAIGN --dry-run",
	.help = "Looks whether the kernels' sources moved, builds what changed, measures the\n"
		"cells of most value that fit into the budget (what did not fit is first the next\n"
		"night), judges against earlier nights, confirms what it found by a run of both\n"
		"kernels, finds the patch, writes report and index. The last line says it all.\n"
		"Two never run at once on the same results. docs/nightly.md has the rules.\n"
		"\n"
		"  --budget MINUTES   of all of that (default: the campaign's budget_minutes)\n"
		"  --mode MODE        timed or exact, instead of the campaign's\n"
		"  --blocks N, --seeds N  instead of the campaign's\n"
		"  --only GLOB, --skip GLOB  cells and variants, as of `kerngate run`; repeatable\n"
		"  --against EARLIER  as of `kerngate gate`, by default 7-nights: the last seven\n"
		"                     that measured the same cell\n"
		"  --hook COMMAND     sh gets it; the verdict as JSON is its standard input, also\n"
		"                     of a night that failed; ended after 60 s\n"
		"  --no-fetch         do not look for newer sources\n"
		"  --no-confirm       do not confirm what differs from earlier nights\n"
		"  --no-walk          do not look for the patch\n"
		"  --keep-days N, --keep-size GIB  of artifacts (default: 30 days, 20 GiB; 0: no\n"
		"                     bound); what was measured always stays\n"
		"  --jobs N           compiler jobs (default: CPUs)\n"
		"  --dry-run          print which cells would be measured, and do nothing\n"
		"  --json             the verdict as the hook gets it, instead of text\n"
		"\n"
		"exit status: 0 passed; 1 regressed: against the run's baseline, or against\n"
		"earlier nights and confirmed; 2 the night could not do its job, or another is\n"
		"under way; 3 inconclusive, or suspected and not confirmed; 4 not comparable, or\n"
		"the A/A control or a canary failed; 64 wrong usage; 130 interrupted.\n"
		"\n"
		"examples:\n"
		"  kerngate nightly nightly --budget 60\n"
		"  kerngate nightly quick --mode exact --budget 20 --hook 'mail -s kerngate team'\n",
	.supervised = true,
	.run = run,
};
