/* profile.c - `kerngate profile`: which functions of the kernel a variant changed
 * the instructions of.
 */
#include <errno.h>
#include <stdio.h>

#include "command_experiment.h"
#include "log.h"
#include "memory.h"
#include "profile.h"

#define SEEDS_MAX INT64_MAX
#define TOP_MAX 10000

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

static int take(const struct globals *globals, const struct profile_request *request,
		uint64_t top, bool json, struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_profile struct profile profile = { .run_id = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *path = NULL;
	int rc = run_store_open(globals->results_dir, &store, err);

	if (!rc)
		rc = profile_take(store, request, &profile, err);
	if (!rc)
		rc = profile_save(store, &profile, &path, err);
	if (rc)
		return rc;
	progress_clear();
	if (json)
		profile_render_json(&profile, &text);
	else
		profile_render_text(&profile, top, &text);
	fputs(text.data, stdout);
	if (!json)
		printf("\nall functions: %s\n", path);
	return 0;
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	const struct experiment_options options = command_experiment_options(globals, 0);
	struct profile_request request = { .options = &options };
	uint64_t top = PROFILE_TOP_DEFAULT;
	bool json = false;
	const struct option_info infos[] = {
		{ "--variant", OPTION_TEXT, &request.variant, 0, 0 },
		{ "--cell", OPTION_TEXT, &request.cell, 0, 0 },
		{ "--row", OPTION_TEXT, &request.row, 0, 0 },
		{ "--seed", OPTION_NUMBER, &request.seed, 1, SEEDS_MAX },
		{ "--top", OPTION_NUMBER, &top, 1, TOP_MAX },
		{ "--json", OPTION_FLAG, &json, 0, 0 },
		{ .name = NULL },
	};
	int status = command_parse_options(infos, &argc, argv, err), rc;

	if (!status)
		status = command_check_operands(argc, argv, 1, err);
	if (status)
		return status;
	if (argc < 2)
		return command_usage_error(err, "needs a run");
	request.run_id = argv[1];
	command_catch_interrupts();
	rc = take(globals, &request, top, json, err);
	if (rc == -EINTR || rc == -ECANCELED)
		return EXIT_INTERRUPTED;
	return command_status(rc);
}

const struct command command_profile = {
	.name = "profile",
	.summary = "which functions of the kernel a variant changed",
	.usage = "profile RUN [--variant V] [--cell GUEST/SUITE] [--row ROW]\n"
		 "                        [--seed N] [--top N] [--json]",
	.help = "Runs the baseline's and a variant's trial of one seed of an exact run again,\n"
		"each in a guest of its own, with the counting plugin's profile on one row, and\n"
		"prints what became more and what became less, function by function. Figures\n"
		"are instructions a visit of what is counted: the workload's own region in a\n"
		"counted round, or the whole round. `of total` is a function's change in percent\n"
		"of the total before: these add up to the total's. User space is `[user]`. All\n"
		"functions are kept in RUN/profiles/.\n"
		"\n"
		"  RUN                  as for `kerngate show`; must have been in exact mode\n"
		"  --variant V          against the baseline (default: the only one)\n"
		"  --cell GUEST/SUITE   (default: the only one)\n"
		"  --row ROW            of the suite (default: the only one)\n"
		"  --seed N             (default: the first with which both passed)\n"
		"  --top N              most changed functions, each way (default: 10)\n"
		"  --json               all functions, for programs\n"
		"\n"
		"exit status: 0 there is a profile, 2 the harness could not do its job, 64 wrong\n"
		"usage, 130 interrupted.\n"
		"\n"
		"example:\n"
		"  kerngate profile latest --variant extra-work --row fill\n",
	.supervised = true,
	.run = run,
};
