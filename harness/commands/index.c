/* index.c - `kerngate index`: all nights and runs as one page. */
#include <stdio.h>

#include "command.h"
#include "files.h"
#include "results_index.h"
#include "run_store.h"

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	static const struct option_info options[] = { { .name = NULL } };
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_free char *path = NULL;
	int status = command_parse_options(options, &argc, argv, err), rc;

	if (!status)
		status = command_check_operands(argc, argv, 0, err);
	if (status)
		return status;
	rc = run_store_open(globals->results_dir, &store, err);
	if (!rc)
		rc = results_index_write(store, err);
	if (rc)
		return command_status(rc);
	path = path_join(run_store_folder(store), RESULTS_INDEX_FILE);
	printf("index: %s\n", path);
	return EXIT_OK;
}

const struct command command_index = {
	.name = "index",
	.summary = "all nights and runs as a page to read: results/index.html",
	.usage = "index",
	.help = "Writes results/index.html: what got worse, newest first; each metric's figures\n"
		"and verdicts over the nights; all nights and runs, with links to their reports\n"
		"(results/RUN/report.html, where `kerngate report` or `kerngate nightly` wrote\n"
		"it). One file that opens from disk and loads nothing; docs/report.md has what is\n"
		"in it. `kerngate run`, `report` and `nightly` keep it current. Runs that were\n"
		"never judged are judged first, once.\n"
		"\n"
		"exit status: 0 written; 2 it could not be; 64 wrong usage.\n"
		"\n"
		"examples:\n"
		"  kerngate index\n"
		"  kerngate index --results /srv/kerngate\n",
	.run = run,
};
