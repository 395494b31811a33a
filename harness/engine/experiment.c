/* experiment.c - a run as a whole, new or resumed: check > plan stored > kernels
 * built > trials booted > finished.
 */
#include "experiment.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "experiment_private.h"
#include "files.h"
#include "gate_selftest.h"
#include "history.h"
#include "host_info.h"
#include "log.h"
#include "memory.h"
#include "process.h"
#include "results_index.h"

/* Nobody else runs or resumes this run while the lock is held. */
static int lock_run(struct experiment *experiment, struct error *err)
{
	cleanup_free char *path = NULL;
	int rc;

	free(experiment->run_folder);
	experiment->run_folder = run_store_run_folder(experiment->store, experiment->run.id);
	path = path_join(experiment->run_folder, "lock");
	rc = lock_acquire(path, true, false, &experiment->lock);
	if (rc == -EWOULDBLOCK)
		return error_set(err, -EBUSY, "run %s: another kerngate is at work on it",
				 experiment->run.id);
	return rc ? error_set_errno(err, rc, "%s: cannot be locked", path) : 0;
}

static int point_latest(const struct experiment *experiment, struct error *err)
{
	cleanup_free char *link = path_join(run_store_folder(experiment->store), "latest");
	int rc = symlink_replace(experiment->run.id, link);

	return rc ? error_set_errno(err, rc, "%s: cannot be set", link) : 0;
}

static char *state_folder(const struct experiment *experiment)
{
	return path_join(experiment->run_folder, "state");
}

static int open_fleet(struct experiment *experiment, struct error *err)
{
	cleanup_free char *state = state_folder(experiment);
	const struct fleet_options options = {
		.uri = experiment->options->uri,
		.state_dir = state,
		.accelerator = experiment->accelerator,
		.cpus = experiment->cpus,
		.cpus_count = experiment->cpus_count,
		.emulator_cpus = experiment->emulator_cpus,
		.emulator_cpus_count = experiment->emulator_cpus_count,
	};

	return fleet_open(&options, &experiment->fleet, err);
}

static int run_phases(struct experiment *experiment, struct error *err)
{
	int rc;

	if (experiment->accelerator == ACCELERATOR_TCG)
		log_info("accelerator: tcg (%s)", experiment->probe.reason);
	/* Before the kernels: a host without a hypervisor is told at once. */
	rc = open_fleet(experiment, err);
	if (!rc)
		rc = experiment_build_kernels(experiment, err);
	if (!rc && fleet_is_interrupted())
		rc = error_set(err, -EINTR, "interrupted");
	if (rc)
		return rc;
	experiment_fingerprint_begin(experiment);
	return experiment_boot_trials(experiment, err);
}

static size_t count_finished(const struct stored_run *run)
{
	size_t count = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		count += run->trials[i].state == TRIAL_FINISHED;
	return count;
}

const char *experiment_program(const struct experiment_options *options)
{
	return options->program ? options->program : "kerngate";
}

/* What the user types to go on; a run of another command's has its budget from there. */
static void add_resume(const struct experiment *experiment, struct strbuf *text)
{
	const struct experiment_options *options = experiment->options;

	strbuf_addf(text, "%s %s --resume %s", experiment_program(options),
		    options->command ? options->command : "run", experiment->run.id);
	if (options->command && options->has_budget)
		strbuf_addf(text, " --budget %" PRIu32, options->budget_minutes);
}

/* The run stopped early: what is finished is kept. */
static int interrupted(struct experiment *experiment, int code, struct error *err)
{
	const struct stored_run *run = &experiment->run;
	cleanup_free char *cause = string_copy(err->message);
	cleanup_strbuf struct strbuf resume = STRBUF_INIT;
	struct error second = ERROR_INIT;

	if (code == -ECANCELED || fleet_is_interrupted() || process_is_cancelled())
		code = -EINTR;
	/* On a full disk this may fail too; "running" without a lock is read
	 * as interrupted all the same. */
	if (run_store_set_state(experiment->store, run->id, "interrupted", &second))
		log_debug("%s", second.message);
	add_resume(experiment, &resume);
	return error_set(err, code, "%s\nrun %s stopped: %zu of %zu trials are finished and kept; "
			 "go on with: %s", code == -EINTR ? "interrupted" : cause, run->id,
			 count_finished(run), run->trials_count, resume.data);
}

static int finish(struct experiment *experiment, struct error *err)
{
	cleanup_free char *state = state_folder(experiment);
	struct error second = ERROR_INIT;
	int rc;

	(void)!folder_remove(state);
	rc = run_store_set_state(experiment->store, experiment->run.id, "finished", err);
	/* Else whoever asks for the history, or writes the index, makes them. */
	if (!rc && (history_fill_run(experiment->store, experiment->run.id, &second) ||
		    results_index_fill_run(experiment->store, experiment->run.id, &second)))
		log_debug("%s", second.message);
	return rc;
}

static int go(struct experiment *experiment, struct error *err)
{
	struct error cause = ERROR_INIT;
	int rc = point_latest(experiment, &cause);

	experiment_expect_durations(experiment);
	if (!rc)
		rc = run_phases(experiment, &cause);
	if (!rc)
		rc = finish(experiment, &cause);
	progress_clear();
	if (!rc)
		return 0;
	rc = interrupted(experiment, rc, &cause);
	return error_set(err, rc, "%s", cause.message);
}

/* Before anything is built: whether to wait for it or to come back. */
static void tell_estimate(struct experiment *experiment)
{
	cleanup_with(experiment_estimate_release) struct experiment_estimate estimate = {
		.cells = NULL
	};
	cleanup_free char *text = NULL, *budget = NULL;

	experiment_expect_durations(experiment);
	experiment_fill_estimate(experiment, &estimate);
	text = experiment_estimate_text(&estimate);
	budget = experiment_budget_text(experiment, &estimate);
	log_info("estimated: %s", text);
	if (budget)
		log_info("budget: %s", budget);
}

int experiment_run(const struct campaign *campaign, const struct experiment_options *options,
		   char **ret_run_id, struct error *err)
{
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	int rc;

	progress_update("check", campaign->name, 0, 0, UINT64_MAX, "");
	rc = experiment_prepare(campaign, options, &experiment, err);
	if (!rc)
		rc = experiment_make_plan(&experiment, &experiment.run, err);
	if (!rc)
		rc = run_store_open(options->results_dir, &experiment.store, err);
	if (!rc)
		rc = run_store_begin(experiment.store, &experiment.run, err);
	if (rc)
		return rc;
	*ret_run_id = string_copy(experiment.run.id);
	rc = lock_run(&experiment, err);
	if (!rc)
		rc = experiment_save_config(&experiment, err);
	if (rc)
		return error_prefix(err, "run %s", experiment.run.id);
	log_info("run %s: %zu trials, %s mode, seed %llu", experiment.run.id,
		 experiment.run.trials_count, run_mode_name(experiment.run.mode),
		 (unsigned long long)experiment.run.seed);
	tell_estimate(&experiment);
	return go(&experiment, err);
}

/* --- resume ------------------------------------------------------------------------- */

/* Takes the stored run into the experiment; everything that was planned must be
 * as it was. */
static int adopt(struct experiment *experiment, struct stored_run *stored, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run planned = { .id = NULL };
	int rc = experiment_make_plan(experiment, &planned, err);

	if (!rc)
		rc = experiment_compare_config(stored, &planned, err);
	if (rc)
		return error_prefix(err, "run %s cannot be resumed", stored->id);
	experiment->run = *stored;
	*stored = (struct stored_run){ .id = NULL };
	return 0;
}

static int load_unfinished(struct run_store *store, const char *run_id,
			   struct stored_run *ret_run, struct error *err)
{
	cleanup_free char *newest = NULL;
	int rc = run_id ? 0 : run_store_find_unfinished(store, &newest, err);

	if (!rc)
		rc = run_store_load(store, run_id ? run_id : newest, ret_run, err);
	if (!rc && !strcmp(ret_run->state, "finished"))
		rc = error_set(err, -EALREADY, "run %s is finished: nothing to resume",
			       ret_run->id);
	return rc;
}

/* With the lock held, so that no other process is between the two. */
static int resume_stored(struct experiment *experiment, struct error *err)
{
	size_t planned = 0;
	cleanup_free char *id = string_copy(experiment->run.id);
	int rc = run_store_resume(experiment->store, id, &planned, err);

	if (rc)
		return rc;
	stored_run_release(&experiment->run);
	rc = run_store_load(experiment->store, id, &experiment->run, err);
	if (rc)
		return rc;
	log_info("run %s: resumed, %zu of %zu trials are finished", id,
		 count_finished(&experiment->run), experiment->run.trials_count);
	if (experiment->campaign->budget_minutes)
		log_info("budget: %" PRIu32 " minutes of boots, those before included",
			 experiment->campaign->budget_minutes);
	return 0;
}

static int resume_campaign(const struct campaign *campaign,
			   const struct experiment_options *options, struct run_store *store,
			   struct stored_run *stored, char **ret_run_id, struct error *err)
{
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	int rc;

	progress_update("check", stored->id, 0, 0, UINT64_MAX, "");
	rc = experiment_prepare(campaign, options, &experiment, err);
	experiment.store = store; /* owned from here on */
	if (!rc)
		rc = adopt(&experiment, stored, err);
	if (!rc)
		rc = lock_run(&experiment, err);
	if (!rc)
		rc = resume_stored(&experiment, err);
	if (rc)
		return rc;
	*ret_run_id = string_copy(experiment.run.id);
	return go(&experiment, err);
}

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

/* As it was for the run: without cells that this host has too few CPUs for, or that
 * nobody asked for. */
static int load_campaign(struct run_store *store, const struct stored_run *stored,
			 const struct experiment_options *options,
			 struct campaign *ret_campaign, char **ret_note, struct error *err)
{
	uint32_t cpus[EXPERIMENT_CPUS_MAX];
	int rc = experiment_load_config(store, stored, options, ret_campaign, err);

	if (!rc)
		rc = campaign_leave_out_cells(ret_campaign,
					      host_info_cpus(cpus, EXPERIMENT_CPUS_MAX),
					      ret_note, err);
	if (rc)
		return rc;
	experiment_keep_planned(stored, ret_campaign);
	return selftest_inject_again(stored, ret_campaign, err);
}

/* Of the run, whatever --blocks its campaign was run with. */
static uint32_t blocks_of(const struct stored_run *run)
{
	uint32_t count = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].block >= count)
			count = run->trials[i].block + 1;
	return count;
}

int experiment_resume(const char *run_id, const struct experiment_options *options,
		      char **ret_run_id, struct error *err)
{
	struct experiment_options noted = *options;
	cleanup_free char *note = NULL;
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run stored = { .id = NULL };
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	int rc = run_store_open(options->results_dir, &store, err);

	if (!rc)
		rc = load_unfinished(store, run_id, &stored, err);
	if (!rc)
		rc = load_campaign(store, &stored, options, &campaign, &note, err);
	if (rc)
		return rc;
	if (options->has_budget)
		campaign.budget_minutes = options->budget_minutes;
	noted.note = note;
	noted.blocks_count = blocks_of(&stored);
	return resume_campaign(&campaign, &noted, take_pointer(store), &stored, ret_run_id, err);
}
