/* prune.c - `kerngate prune`: makes room in results/. */
#include <stdio.h>

#include "command.h"
#include "results_prune.h"
#include "run_store.h"
#include "table.h"

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

static void print_pruned(const char *folder, const struct results_prune_policy *policy,
			 const struct results_pruned *pruned)
{
	char gone[BYTES_TEXT_MAX], left[BYTES_TEXT_MAX], kept[BYTES_TEXT_MAX];

	printf("artifacts of %zu trial%s, %s, %s; %s %s in %s\n", pruned->trials_count,
	       pruned->trials_count == 1 ? "" : "s", bytes_format(pruned->bytes, gone),
	       policy->dry_run ? "would be removed" : "removed",
	       bytes_format(pruned->left_bytes, left),
	       policy->dry_run ? "would be left" : "are left", folder);
	if (policy->max_bytes && pruned->left_bytes > policy->max_bytes)
		printf("that is more than --keep-size: %s are of runs that are kept (the "
		       "newest, and those not finished)\n",
		       bytes_format(pruned->kept_bytes, kept));
}

static int prune(const struct globals *globals, const struct results_prune_policy *policy,
		 struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	struct results_pruned pruned = { .bytes = 0 };
	int rc = run_store_open(globals->results_dir, &store, err);

	if (!rc)
		rc = results_prune(store, policy, &pruned, err);
	if (!rc)
		print_pruned(globals->results_dir, policy, &pruned);
	return command_status(rc);
}

static int run(const struct globals *globals, int argc, char **argv, struct error *err)
{
	struct results_prune_policy policy = { .dry_run = false };
	uint64_t keep_days = 0, keep_gib = 0;
	const struct option_info options[] = {
		{ "--keep-days", OPTION_NUMBER, &keep_days, 1, 36500 },
		{ "--keep-size", OPTION_NUMBER, &keep_gib, 1, 1 << 20 },
		{ "--dry-run", OPTION_FLAG, &policy.dry_run, 0, 0 },
		{ .name = NULL },
	};
	int status = command_parse_options(options, &argc, argv, err);

	if (!status)
		status = command_check_operands(argc, argv, 0, err);
	if (status)
		return status;
	if (!keep_days && !keep_gib)
		return command_usage_error(err, "expected --keep-days, --keep-size or both");
	policy.keep_days = (uint32_t)keep_days;
	policy.max_bytes = keep_gib << 30;
	return prune(globals, &policy, err);
}

const struct command command_prune = {
	.name = "prune",
	.summary = "remove old trials' consoles and tool outputs",
	.usage = "prune [--keep-days N] [--keep-size GIB] [--dry-run]",
	.help = "Removes what trials left under results/RUN/trials: consoles, tools' output,\n"
		"counts, the archives that replay needs. What was measured stays, as do\n"
		"configs and reports: no verdict, history or report changes.\n"
		"\n"
		"  --keep-days N    removes those of runs that began more than N days ago\n"
		"  --keep-size GIB  removes the oldest until at most GIB are left in all\n"
		"  --dry-run        only says what would go\n"
		"\n"
		"Each bound holds for itself. Of trials that did not pass or have findings\n"
		"nothing goes by age; by size they go last. The newest run, `latest`, runs that\n"
		"are not finished and kept cases are never touched, nor are links and files\n"
		"that kerngate did not write. `show` and `replay` say what was removed, and\n"
		"when. The kernel cache is another matter: `kerngate cache prune`.\n"
		"\n"
		"exit codes: 0; 2 if something could not be removed; 64 usage\n"
		"\n"
		"examples:\n"
		"  kerngate prune --keep-days 30 --dry-run\n"
		"  kerngate prune --keep-days 90 --keep-size 20\n",
	.run = run,
};
