/* validation_keep.c - findings of a run > cases that come again. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "files.h"
#include "log.h"
#include "memory.h"
#include "replay.h"
#include "validation.h"

#define ATTEMPTS_MAX 3

struct keeping {
	struct run_store *store;                  /* borrowed */
	const struct experiment_options *options; /* borrowed */
	const struct validation *validation;      /* borrowed */
};

static char *trial_name(const struct keeping *keeping, size_t index)
{
	const struct stored_run *run = &keeping->validation->run;

	return string_format("%s/%" PRIu32, run->id, run->trials[index].order + 1);
}

/* Runs it again; *ret_difference (owned) says what was not the same, NULL where
 * nothing was. Only an interruption is an error here: whatever else stands in the way
 * is as good a reason to doubt the trial. */
static int try_again(const struct keeping *keeping, const struct replay_world *world,
		     char **ret_difference, struct error *err)
{
	cleanup_free char *folder = string_format("%s/%s/.replay-%d",
						  keeping->options->results_dir, CASES_FOLDER,
						  (int)getpid());
	const struct replay_options options = { .experiment = keeping->options,
						.folder = folder };
	cleanup_with(replay_outcome_release) struct replay_outcome outcome = {
		.result = TRIAL_RESULT_INIT
	};
	struct error why = ERROR_INIT;
	int rc = replay_run(world, &options, &outcome, &why);

	(void)!folder_remove(folder);
	progress_clear();
	if (rc == -EINTR || rc == -ECANCELED)
		return error_set(err, rc, "%s", why.message);
	*ret_difference = rc ? string_copy(why.message) : take_pointer(outcome.difference);
	return 0;
}

static int load(const struct keeping *keeping, size_t index, struct replay_world *ret_world,
		struct error *err)
{
	cleanup_free char *name = trial_name(keeping, index);

	return replay_load_trial(keeping->store, name, keeping->options, ret_world, err);
}

static bool is_same_kernel(const struct stored_run *run, size_t a, size_t b)
{
	return !strcmp(run->variants[run->trials[a].variant].kernel_key,
		       run->variants[run->trials[b].variant].kernel_key);
}

/* Which trial of the finding to keep: *ret_chosen, an index into its trials. */
static int choose(const struct keeping *keeping, struct validation_finding *finding,
		  size_t *ret_chosen, struct error *err)
{
	const struct stored_run *run = &keeping->validation->run;
	size_t tried = 0;

	*ret_chosen = 0;
	for (size_t i = 0; i < finding->trials_count && tried < ATTEMPTS_MAX; i++) {
		cleanup_with(replay_world_release) struct replay_world world = { .name = NULL };
		cleanup_free char *difference = NULL;
		int rc;

		if (!is_same_kernel(run, finding->trials[0], finding->trials[i]))
			continue;
		tried++;
		rc = load(keeping, finding->trials[i], &world, err);
		if (!rc)
			rc = try_again(keeping, &world, &difference, err);
		if (rc)
			return rc;
		if (!difference) {
			finding->is_replayed = true;
			*ret_chosen = i;
			return 0;
		}
		if (i == 0)
			finding->difference = take_pointer(difference);
	}
	return 0;
}

static int keep_finding(const struct keeping *keeping, struct validation_finding *finding,
			struct error *err)
{
	const struct stored_run *run = &keeping->validation->run;
	const struct stored_trial *first = &run->trials[finding->trials[0]];
	const char *results = keeping->options->results_dir;
	cleanup_with(replay_world_release) struct replay_world world = { .name = NULL };
	cleanup_free char *origin = NULL;
	size_t chosen;
	int rc = cases_find(results, &finding->symptom,
			    run->variants[first->variant].kernel_key, &finding->case_name, err);

	finding->is_known = finding->case_name != NULL;
	if (rc || finding->is_known)
		return rc;
	rc = choose(keeping, finding, &chosen, err);
	if (rc)
		return rc;
	finding->kept_trial = finding->trials[chosen];
	origin = trial_name(keeping, finding->kept_trial);
	rc = load(keeping, finding->kept_trial, &world, err);
	if (!rc)
		rc = case_keep(results, &world, origin, &finding->case_name, err);
	return rc;
}

int validation_keep(struct run_store *store, const struct experiment_options *options,
		    struct validation *validation, struct error *err)
{
	const struct keeping keeping = { .store = store, .options = options,
					 .validation = validation };

	for (size_t i = 0; i < validation->findings_count; i++) {
		int rc = keep_finding(&keeping, &validation->findings[i], err);

		if (rc)
			return error_prefix(err, "no case of seed %" PRIu64 " can be kept",
					    validation->findings[i].first_seed);
	}
	return 0;
}
