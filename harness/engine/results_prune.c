/* results_prune.c - see results_prune.h: what there is, what of it goes, removing it. */
#include "results_prune.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "log.h"
#include "memory.h"
#include "run_artifacts.h"

#define NS_PER_DAY (24 * 60 * 60 * NS_PER_SECOND)

struct listed_trial {
	uint32_t order;
	uint64_t bytes;              /* of its artifacts; more than 0 */
	bool goes_last;              /* did not pass, or has findings */
	bool goes;
};

struct listed_run {
	struct stored_run run;
	struct listed_trial *trials; /* owned; those with artifacts */
	size_t count;
	uint64_t common_bytes;       /* of what its trials share; goes with the last of them */
	size_t left_count;           /* trials that do not go */
};

struct pruning {
	struct run_store *store;     /* borrowed */
	const struct results_prune_policy *policy;
	struct listed_run *runs;     /* owned; oldest first, that may be touched */
	size_t count;
	uint64_t kept_bytes;         /* of runs that may not */
	uint64_t total_bytes;        /* of all that does not go */
	struct error failure;        /* the first; code 0: none */
};

static void listed_run_release(struct listed_run *listed)
{
	stored_run_release(&listed->run);
	free(listed->trials);
}

static void pruning_release(struct pruning *pruning)
{
	for (size_t i = 0; i < pruning->count; i++)
		listed_run_release(&pruning->runs[i]);
	free(pruning->runs);
}

static void note_failure(struct pruning *pruning, const struct error *err)
{
	if (!pruning->failure.code)
		pruning->failure = *err;
}

/* --- what there is --------------------------------------------------------------------- */

static int mark_findings(struct run_store *store, struct listed_run *listed,
			 struct error *err)
{
	struct stored_finding *items = NULL;
	size_t items_count = 0;
	int rc = run_store_findings(store, listed->run.id, &items, &items_count, err);

	for (size_t i = 0; !rc && i < listed->count; i++) {
		int64_t id = listed->run.trials[listed->trials[i].order].id;

		for (size_t j = 0; j < items_count && !listed->trials[i].goes_last; j++)
			listed->trials[i].goes_last = items[j].trial_id == id;
	}
	if (!rc)
		stored_findings_free(items, items_count);
	return rc;
}

static int list_trials(const struct run_artifacts *artifacts, struct listed_run *listed,
		       struct error *err)
{
	const struct stored_run *run = &listed->run;
	int rc = run_artifacts_common(artifacts, false, &listed->common_bytes, err);

	listed->trials = memory_alloc_array(run->trials_count, sizeof(*listed->trials));
	for (size_t i = 0; !rc && i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];
		uint64_t bytes = 0;

		rc = run_artifacts_trial(artifacts, &run->cells[trial->cell], trial->order,
					 false, &bytes, err);
		if (rc || !bytes)
			continue;
		listed->trials[listed->count++] = (struct listed_trial){
			.order = trial->order,
			.bytes = bytes,
			.goes_last = trial->state != TRIAL_FINISHED ||
				     trial->outcome != OUTCOME_PASSED,
		};
	}
	listed->left_count = listed->count;
	return rc;
}

static uint64_t run_bytes(const struct listed_run *listed)
{
	uint64_t bytes = listed->common_bytes;

	for (size_t i = 0; i < listed->count; i++)
		bytes += listed->trials[i].bytes;
	return bytes;
}

/* -ENOENT: the run is gone from the store, or from disk. */
static int list_run(struct pruning *pruning, const char *run_id, bool is_kept,
		    struct error *err)
{
	cleanup_with(listed_run_release) struct listed_run listed = { .trials = NULL };
	cleanup_artifacts struct run_artifacts artifacts = RUN_ARTIFACTS_INIT;
	int rc = run_artifacts_open(pruning->store, run_id, !is_kept, &artifacts, err);

	if (rc == -EWOULDBLOCK)
		return list_run(pruning, run_id, true, err);
	if (rc || !run_artifacts_are_there(&artifacts))
		return rc;
	rc = run_store_load(pruning->store, run_id, &listed.run, err);
	if (!rc)
		rc = list_trials(&artifacts, &listed, err);
	if (!rc)
		rc = mark_findings(pruning->store, &listed, err);
	if (rc)
		return rc;
	pruning->total_bytes += run_bytes(&listed);
	if (is_kept) {
		pruning->kept_bytes += run_bytes(&listed);
		return 0;
	}
	pruning->runs = memory_realloc_array(pruning->runs, pruning->count + 1,
					     sizeof(*pruning->runs));
	pruning->runs[pruning->count++] = listed;
	listed = (struct listed_run){ .trials = NULL };
	return 0;
}

static bool is_latest(const struct run_store *store, const char *run_id)
{
	cleanup_free char *link = path_join(run_store_folder(store), "latest");
	char target[PATH_MAX];
	ssize_t length = readlink(link, target, sizeof(target) - 1);

	if (length < 0)
		return false;
	target[length] = '\0';
	return strcmp(path_base_name(target), run_id) == 0;
}

static int list_runs(struct pruning *pruning, struct error *err)
{
	struct stored_run *runs = NULL;
	size_t count = 0;
	int rc = run_store_list(pruning->store, SIZE_MAX, &runs, &count, err);

	if (rc)
		return rc;
	for (size_t i = count; i > 0; i--) {
		struct stored_run *run = &runs[i - 1];
		struct error why = ERROR_INIT;

		rc = list_run(pruning, run->id, i == 1 || is_latest(pruning->store, run->id) ||
			      strcmp(run->state, "finished") != 0, &why);
		if (rc && rc != -ENOENT)
			note_failure(pruning, &why);
		stored_run_release(run);
	}
	free(runs);
	return 0;
}

/* --- what of it goes --------------------------------------------------------------------- */

static void let_go(struct pruning *pruning, struct listed_run *listed,
		   struct listed_trial *trial)
{
	trial->goes = true;
	pruning->total_bytes -= trial->bytes;
	if (--listed->left_count == 0)
		pruning->total_bytes -= listed->common_bytes;
}

static void choose_by_age(struct pruning *pruning, uint64_t now_ns)
{
	uint64_t keep_ns = pruning->policy->keep_days * NS_PER_DAY;

	for (size_t i = 0; pruning->policy->keep_days && i < pruning->count; i++) {
		struct listed_run *listed = &pruning->runs[i];

		if (listed->run.started_wall_ns > now_ns ||
		    now_ns - listed->run.started_wall_ns <= keep_ns)
			continue;
		for (size_t j = 0; j < listed->count; j++)
			if (!listed->trials[j].goes_last)
				let_go(pruning, listed, &listed->trials[j]);
	}
}

static void choose_by_size(struct pruning *pruning, bool last)
{
	for (size_t i = 0; pruning->policy->max_bytes && i < pruning->count; i++) {
		struct listed_run *listed = &pruning->runs[i];

		for (size_t j = 0; j < listed->count; j++) {
			struct listed_trial *trial = &listed->trials[j];

			if (pruning->total_bytes <= pruning->policy->max_bytes)
				return;
			if (!trial->goes && trial->goes_last == last)
				let_go(pruning, listed, trial);
		}
	}
}

/* --- removing ---------------------------------------------------------------------------- */

static int remove_trials(const struct pruning *pruning, const struct listed_run *listed,
			 const struct run_artifacts *artifacts, struct results_pruned *removal,
			 struct error *err)
{
	bool remove = !pruning->policy->dry_run;
	uint64_t bytes = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < listed->count; i++) {
		const struct listed_trial *trial = &listed->trials[i];
		uint32_t cell = listed->run.trials[trial->order].cell;

		if (!trial->goes)
			continue;
		/* Noted first: killed in between, a note too many does no harm. */
		if (remove)
			rc = run_artifacts_note(artifacts, trial->order, err);
		if (!rc)
			rc = run_artifacts_trial(artifacts, &listed->run.cells[cell],
						 trial->order, remove, &bytes, err);
		if (rc)
			break;
		removal->trials_count += bytes > 0;
		removal->bytes += bytes;
	}
	if (rc || listed->left_count)
		return rc;
	bytes = 0;
	rc = run_artifacts_common(artifacts, remove, &bytes, err);
	removal->bytes += bytes;
	return rc;
}

static void prune_run(struct pruning *pruning, const struct listed_run *listed,
		      struct results_pruned *pruned)
{
	cleanup_artifacts struct run_artifacts artifacts = RUN_ARTIFACTS_INIT;
	struct results_pruned removal = { .bytes = 0 };
	struct error err = ERROR_INIT;
	int rc = run_artifacts_open(pruning->store, listed->run.id, true, &artifacts, &err);

	/* Gone, or taken up by somebody meanwhile. */
	if (rc == -ENOENT || rc == -EWOULDBLOCK)
		return;
	if (!rc)
		rc = remove_trials(pruning, listed, &artifacts, &removal, &err);
	if (rc)
		note_failure(pruning, &err);
	if (!removal.trials_count && !removal.bytes)
		return;
	log_info("%s: artifacts of %zu of %zu trials, %.1f MiB%s", listed->run.id,
		 removal.trials_count, listed->run.trials_count, (double)removal.bytes / (1 << 20),
		 pruning->policy->dry_run ? ", would be removed" : " removed");
	pruned->trials_count += removal.trials_count;
	pruned->bytes += removal.bytes;
}

int results_prune(struct run_store *store, const struct results_prune_policy *policy,
		  struct results_pruned *ret, struct error *err)
{
	cleanup_with(pruning_release) struct pruning pruning = { .store = store,
								 .policy = policy };
	struct results_pruned pruned = { .trials_count = 0 };
	uint64_t all_bytes;
	int rc = list_runs(&pruning, err);

	if (rc)
		return rc;
	all_bytes = pruning.total_bytes;
	choose_by_age(&pruning, clock_wall_ns());
	choose_by_size(&pruning, false);
	choose_by_size(&pruning, true);
	for (size_t i = 0; i < pruning.count; i++)
		prune_run(&pruning, &pruning.runs[i], &pruned);
	if (pruning.failure.code)
		return error_set(err, pruning.failure.code, "%s", pruning.failure.message);
	pruned.left_bytes = all_bytes - pruned.bytes;
	pruned.kept_bytes = pruning.kept_bytes;
	*ret = pruned;
	return 0;
}
