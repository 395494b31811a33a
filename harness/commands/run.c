/* run.c - `kerngate run`: a campaign from its plan to the verdict table. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "campaign.h"
#include "command.h"
#include "experiment.h"
#include "files.h"
#include "fleet.h"
#include "log.h"
#include "memory.h"
#include "process.h"
#include "verdict_table.h"

#define DEFAULT_CAMPAIGN "quick"

static int print_outcome(const struct globals *globals, const char *run_id, struct error *err)
{
	cleanup_free char *folder = path_join(globals->results_dir, run_id);
	int rc = verdict_table_print(globals->results_dir, run_id, err);

	if (!rc)
		printf("\nrun: %s\n", folder);
	return rc;
}

static int run_or_resume(const struct globals *globals,
			 const struct experiment_options *options, bool resume,
			 const char *name, struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_free char *run_id = NULL;
	int rc;

	command_catch_interrupts();
	if (resume) {
		rc = experiment_resume(name, options, &run_id, err);
	} else {
		rc = campaign_load(globals->project_root, name ? name : DEFAULT_CAMPAIGN,
				   &campaign, err);
		if (!rc)
			rc = experiment_run(&campaign, options, &run_id, err);
	}
	if (!rc)
		rc = print_outcome(globals, run_id, err);
	return rc == -EINTR || rc == -ECANCELED ? EXIT_INTERRUPTED : command_status(rc);
}

static int print_plan(const struct globals *globals, const struct experiment_options *options,
		      const char *name, struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	int rc = campaign_load(globals->project_root, name ? name : DEFAULT_CAMPAIGN, &campaign,
			       err);

	if (!rc)
		rc = experiment_print_plan(&campaign, options, err);
	return command_status(rc);
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	uint64_t blocks = 0, seed = 0, jobs = 0;
	bool dry_run = false, resume = false;
	const struct option_info infos[] = {
		{ "--dry-run", OPTION_FLAG, &dry_run, 0, 0 },
		{ "--resume", OPTION_FLAG, &resume, 0, 0 },
		{ "--blocks", OPTION_NUMBER, &blocks, 1, 10000 },
		{ "--seed", OPTION_NUMBER, &seed, 1, INT64_MAX },
		{ "--jobs", OPTION_NUMBER, &jobs, 1, 4096 },
		{ .name = NULL },
	};
	int status = command_parse_options(infos, &argc, argv, err);
	struct experiment_options options = {
		.project_root = globals->project_root,
		.build_dir = globals->build_dir,
		.results_dir = globals->results_dir,
		.cache_path = globals->cache_path,
		.cache_max_bytes = globals->cache_max_bytes,
		.uri = globals->uri,
		.accelerator = globals->accelerator,
	};

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (status)
		return status;
	if (resume && (dry_run || blocks || seed))
		return command_usage_error(err, "--resume goes on with the plan as it is stored: "
					   "no --dry-run, --blocks or --seed");
	options.jobs = (uint32_t)jobs;
	options.seed = seed;
	options.blocks_count = (uint32_t)blocks;
	if (dry_run)
		return print_plan(globals, &options, argc > 1 ? argv[1] : NULL, err);
	return run_or_resume(globals, &options, resume, argc > 1 ? argv[1] : NULL, err);
}

const struct command command_run = {
	.name = "run",
	.summary = "build, boot and compare the kernels of a campaign",
	.usage = "run [CAMPAIGN] [--dry-run] [--blocks N] [--seed N] [--jobs N]\n"
		 "       kerngate run --resume [RUN]",
	.help = "Builds the kernels of a campaign (default: quick; a name in configs/campaigns\n"
		"or a path), boots every variant once in each block and guest, in random order,\n"
		"and judges the variants against the baseline. All that was measured is under\n"
		"results/RUN and in results/store.sqlite; results/latest is the newest run.\n"
		"\n"
		"  --dry-run    print the plan (trials, order, estimated minutes), run nothing\n"
		"  --blocks N   instead of the campaign's blocks_count\n"
		"  --seed N     of the order, instead of the campaign's\n"
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
		"  kerngate run --resume\n",
	.supervised = true,
	.run = run,
};
