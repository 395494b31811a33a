/* run.c - `kerngate run`: a campaign from its plan to the verdict table. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "campaign.h"
#include "command_experiment.h"
#include "experiment.h"
#include "files.h"
#include "host_info.h"
#include "log.h"
#include "memory.h"
#include "process.h"
#include "profile.h"
#include "results_index.h"
#include "sequential.h"
#include "verdict_table.h"

#define DEFAULT_CAMPAIGN "quick"
#define CPUS_MAX 1024

/* The verdict first: profiles take guests of their own. */
static int print_outcome(const struct experiment_options *options, const char *run_id,
			 struct error *err)
{
	cleanup_free char *folder = path_join(options->results_dir, run_id);
	cleanup_strbuf struct strbuf profiles = STRBUF_INIT;
	int rc = verdict_table_print(options->results_dir, run_id, err);

	if (!rc)
		fflush(stdout);
	if (!rc)
		rc = profile_run(options, run_id, &profiles, err);
	if (!rc) {
		results_index_refresh(options->results_dir);
		printf("%s\nrun: %s\n", profiles.data, folder);
	}
	return rc;
}

/* What the command line asks for. */
struct request {
	const struct globals *globals;
	struct experiment_options options;
	const char *name;     /* of the campaign or run; NULL: the default */
	struct strvec only, skip; /* globs; owned */
	const char *mode;     /* instead of the campaign's; NULL: that */
	uint64_t blocks, seeds, looks, seed, jobs;
	bool dry_run, resume;
};

static void request_release(struct request *request)
{
	strvec_release(&request->only);
	strvec_release(&request->skip);
}

/* *ret_note (owned): cells that this host has too few CPUs for; NULL if none.
 * EXIT_USAGE where the options do not fit the campaign. */
static int load_campaign(const struct request *request, struct campaign *ret_campaign,
			 char **ret_note, struct error *err)
{
	uint32_t cpus[CPUS_MAX];
	enum run_mode mode;
	int rc = campaign_load(request->globals->project_root,
			       request->name ? request->name : DEFAULT_CAMPAIGN, ret_campaign,
			       err);

	if (!rc)
		rc = campaign_select(ret_campaign, &request->only, &request->skip, false, err);
	if (rc)
		return rc;
	if (request->mode && !run_mode_parse(request->mode, &mode))
		campaign_set_mode(ret_campaign, mode);
	if (request->seeds && ret_campaign->mode != MODE_EXACT)
		return command_usage_error(err, "--seeds is for exact mode; campaign %s is timed: "
					   "--blocks, or --mode exact", ret_campaign->name);
	if (request->looks && ret_campaign->mode != MODE_TIMED)
		return command_usage_error(err, "--looks is for timed mode; exact mode runs all "
					   "its seeds");
	if (request->looks)
		ret_campaign->looks_count = (uint32_t)request->looks;
	return campaign_leave_out_cells(ret_campaign,
					host_info_cpus(cpus, ARRAY_COUNT(cpus)), ret_note, err);
}

static int run_campaign(struct request *request, char **ret_run_id, struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_free char *note = NULL;
	int rc = load_campaign(request, &campaign, &note, err);

	if (rc)
		return rc;
	if (note)
		log_warning("%s", note);
	request->options.note = note;
	if (request->dry_run)
		return experiment_print_plan(&campaign, &request->options, err);
	return experiment_run(&campaign, &request->options, ret_run_id, err);
}

static int perform(struct request *request, struct error *err)
{
	cleanup_free char *run_id = NULL;
	int rc;

	if (!request->dry_run)
		command_catch_interrupts();
	if (request->resume)
		rc = experiment_resume(request->name, &request->options, &run_id, err);
	else
		rc = run_campaign(request, &run_id, err);
	if (!rc && !request->dry_run)
		rc = print_outcome(&request->options, run_id, err);
	if (rc == -EINTR || rc == -ECANCELED)
		return EXIT_INTERRUPTED;
	return rc > 0 ? rc : command_status(rc);
}

static int check_request(const struct request *request, struct error *err)
{
	enum run_mode mode;

	if (request->resume && (request->dry_run || request->blocks || request->seeds ||
				request->looks || request->seed || request->mode ||
				request->only.count || request->skip.count))
		return command_usage_error(err, "--resume goes on with the plan as it is stored: "
					   "no --dry-run, --mode, --only, --skip, --blocks, --seeds, "
					   "--looks or --seed");
	if (request->blocks && request->seeds)
		return command_usage_error(err, "--blocks and --seeds are the same; one of them");
	if (request->mode && run_mode_parse(request->mode, &mode))
		return command_usage_error(err, "--mode %s: expected timed or exact",
					   request->mode);
	return 0;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	cleanup_with(request_release) struct request request = { .globals = globals };
	const struct option_info infos[] = {
		{ "--dry-run", OPTION_FLAG, &request.dry_run, 0, 0 },
		{ "--resume", OPTION_FLAG, &request.resume, 0, 0 },
		{ "--only", OPTION_TEXTS, &request.only, 0, 0 },
		{ "--skip", OPTION_TEXTS, &request.skip, 0, 0 },
		{ "--mode", OPTION_TEXT, &request.mode, 0, 0 },
		{ "--blocks", OPTION_NUMBER, &request.blocks, 1, 10000 },
		{ "--seeds", OPTION_NUMBER, &request.seeds, 1, 10000 },
		{ "--looks", OPTION_NUMBER, &request.looks, 1, SEQUENTIAL_LOOKS_MAX },
		{ "--seed", OPTION_NUMBER, &request.seed, 1, INT64_MAX },
		{ "--jobs", OPTION_NUMBER, &request.jobs, 1, 4096 },
		{ .name = NULL },
	};
	int status = command_parse_options(infos, &argc, argv, err);

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (!status)
		status = check_request(&request, err);
	if (status)
		return status;
	request.name = argc > 1 ? argv[1] : NULL;
	request.options = command_experiment_options(globals, request.jobs);
	request.options.seed = request.seed;
	request.options.blocks_count = (uint32_t)(request.seeds ? request.seeds : request.blocks);
	return perform(&request, err);
}

const struct command command_run = {
	.name = "run",
	.summary = "build, boot and compare the kernels of a campaign",
	.usage = "run [CAMPAIGN] [--dry-run] [--only GLOB] [--skip GLOB]\n"
		 "                    [--mode MODE] [--blocks N | --seeds N] [--looks N]\n"
		 "                    [--seed N] [--jobs N]\n"
		 "       kerngate run --resume [RUN]",
	.help = "Builds the kernels of a campaign (default: quick; a name in configs/campaigns\n"
		"or a path), boots every variant once in each block and guest, in random order,\n"
		"and judges the variants against the baseline. All that was measured is under\n"
		"results/RUN and in results/store.sqlite; results/latest is the newest run.\n"
		"\n"
		"  --dry-run    print the plan (trials, order, estimated minutes), run nothing\n"
		"  --only GLOB  the guests, suites and variants that fit, or with a slash the\n"
		"               GUEST/SUITEs; may be said several times. The baseline always runs\n"
		"  --skip GLOB  not these\n"
		"  --mode MODE  timed or exact, instead of the campaign's; in another mode than\n"
		"               that, its defaults count (42 blocks or 5 seeds, margin, control)\n"
		"  --blocks N   instead of the campaign's blocks_count\n"
		"  --seeds N    the same in exact mode, where a block is a seed\n"
		"  --looks N    instead of the campaign's looks_count: judged so often meanwhile,\n"
		"               the run ends where every metric is settled\n"
		"  --seed N     of the order, instead of the campaign's; in exact mode the first\n"
		"  --jobs N     compiler jobs (default: CPUs)\n"
		"  --resume     go on with a run that was interrupted (default: the newest);\n"
		"               no finished trial is repeated\n"
		"\n"
		"Ctrl-C ends the guests, keeps what is finished and says how to resume; a\n"
		"second one stops at once.\n"
		"\n"
		"exit status: 0 run and judged, whatever the verdict (`kerngate gate` has exit\n"
		"codes of a gate); 2 the harness could not do its job; 64 wrong usage; 130\n"
		"interrupted.\n"
		"\n"
		"examples:\n"
		"  kerngate run quick --blocks 4\n"
		"  kerngate run padata --only 'pmem*' --skip padata-hotplug\n"
		"  kerngate run quick --mode exact --seeds 3\n"
		"  kerngate run --resume\n",
	.supervised = true,
	.run = run,
};
