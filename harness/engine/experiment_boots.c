/* experiment_boots.c - the loop over trials: as many guests at once as there is
 * room for, started strictly in the order of the plan (repeats at once), each
 * result stored when it is there.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "experiment_private.h"
#include "files.h"
#include "log.h"
#include "memory.h"

#define WAIT_NS (500 * NS_PER_MS)

struct boots {
	struct experiment *experiment; /* borrowed */
	struct experiment_boot **running; /* owned, as the fleet has them */
	size_t running_count;
	uint64_t memory_mib;           /* that running guests take */
	uint64_t began_ns;             /* less what an earlier process spent */
	uint32_t block;                /* the last one that was let start */
	bool over_budget;
	bool has_begun;                /* a block */
	bool is_late;                  /* the deadline is near, or passed */
	bool has_found;                /* what until_found waits for */
};

static void cleanup_boot(struct experiment_boot **boot)
{
	experiment_boot_free(*boot);
}

/* Ends what runs. The fleet borrows what boots own: it goes first. */
static void end_guests(struct boots *boots)
{
	fleet_close(boots->experiment->fleet);
	boots->experiment->fleet = NULL;
	for (size_t i = 0; i < boots->running_count; i++) {
		(void)unlink(boots->running[i]->initrd);
		experiment_boot_free(boots->running[i]);
	}
	boots->running_count = 0;
}

static void boots_release(struct boots *boots)
{
	end_guests(boots);
	free(boots->running);
}

/* --- starting ---------------------------------------------------------------------- */

static int start_trial(struct boots *boots, size_t index, struct error *err)
{
	struct experiment *experiment = boots->experiment;
	struct stored_trial *trial = &experiment->run.trials[index];
	cleanup_with(cleanup_boot) struct experiment_boot *boot = NULL;
	int rc = experiment_check_space(experiment, err);

	if (!rc)
		rc = experiment_boot_make(experiment, index, &boot, err);
	if (!rc)
		rc = run_store_trial_started(experiment->store, trial->id, err);
	if (!rc)
		rc = fleet_start(experiment->fleet, &boot->job, err);
	if (rc)
		return error_prefix(err, "trial %u", trial->order + 1);
	trial->state = TRIAL_STARTED;
	boots->memory_mib += experiment_guest_memory_mib(boot->job.guest);
	boots->running = memory_realloc_array(boots->running, boots->running_count + 1,
					      sizeof(struct experiment_boot *));
	boots->running[boots->running_count++] = take_pointer(boot);
	return 0;
}

size_t experiment_next_trial(const struct stored_run *run)
{
	size_t next = SIZE_MAX;

	for (size_t i = 0; i < run->trials_count; i++) {
		if (run->trials[i].state != TRIAL_PLANNED)
			continue;
		if (run->trials[i].attempt > 0)
			return i;
		if (next == SIZE_MAX)
			next = i;
	}
	return next;
}

static bool has_room(const struct boots *boots, const struct guest_spec *guest)
{
	const struct experiment *experiment = boots->experiment;

	if (!fleet_has_room(experiment->fleet, guest, experiment->campaign->mode))
		return false;
	return !boots->running_count ||
	       (boots->memory_mib + experiment_guest_memory_mib(guest) <=
			experiment->memory_mib && experiment_has_hugepages(guest));
}

bool experiment_meets_deadline(const struct experiment *experiment, uint32_t block,
			       bool has_begun, uint64_t now_ns)
{
	uint64_t deadline_ns = experiment->options->deadline_ns;

	if (!deadline_ns)
		return true;
	if (has_begun)
		return now_ns < deadline_ns;
	return now_ns + experiment_remaining_ns(experiment, block) <= deadline_ns;
}

bool experiment_block_fits(const struct experiment *experiment, uint32_t block,
			   uint64_t spent_ns)
{
	uint64_t budget_ns = experiment->campaign->budget_minutes * 60 * NS_PER_SECOND;

	if (!budget_ns || block == 0)
		return true;
	return spent_ns + experiment_remaining_ns(experiment, block) <= budget_ns;
}

/* A block that was begun is ended, so that the sides stay balanced. */
static bool may_start(struct boots *boots, uint32_t block)
{
	const struct experiment *experiment = boots->experiment;
	uint64_t now_ns = clock_monotonic_ns();

	if (!experiment_meets_deadline(experiment, block, boots->has_begun && block <= boots->block,
				       now_ns))
		boots->is_late = true;
	else if (block > boots->block)
		boots->over_budget = !experiment_block_fits(experiment, block,
							    now_ns - boots->began_ns);
	return !boots->is_late && !boots->over_budget;
}

static int start_trials(struct boots *boots, struct error *err)
{
	const struct experiment *experiment = boots->experiment;

	while (!fleet_is_interrupted()) {
		size_t next = experiment_next_trial(&experiment->run);
		const struct stored_trial *trial;
		int rc;

		if (next == SIZE_MAX || boots->over_budget || boots->is_late || boots->has_found ||
		    experiment_is_settled(&experiment->run))
			return 0;
		trial = &experiment->run.trials[next];
		if (experiment_waits_for_look(&experiment->run, trial) ||
		    !has_room(boots, &experiment->campaign->cells[trial->cell].guest))
			return 0;
		if (!may_start(boots, trial->block))
			return 0;
		boots->has_begun = true;
		if (trial->block > boots->block)
			boots->block = trial->block;
		rc = start_trial(boots, next, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* --- finishing --------------------------------------------------------------------- */

static void log_finished(const struct experiment *experiment, const struct stored_trial *trial)
{
	const struct stored_run *run = &experiment->run;
	const struct stored_cell *cell = &run->cells[trial->cell];
	char duration[CLOCK_TEXT_MAX];

	log_info("trial %u/%zu %s %s/%s %s %s%s%s%s", trial->order + 1, run->trials_count,
		 run->variants[trial->variant].label, cell->guest, cell->suite,
		 outcome_name(trial->outcome), duration_format(trial->duration_ns, duration),
		 trial->disturbed ? " (disturbed)" : "", trial->reason ? ": " : "",
		 trial->reason ? trial->reason : "");
}

static void take_result(struct experiment *experiment, struct stored_trial *trial,
			const struct trial_result *result, char *fingerprint)
{
	const struct trial_times *times = &result->times;

	trial->state = TRIAL_FINISHED;
	trial->outcome = result->outcome;
	trial->reason = string_copy(result->reason);
	trial->disturbed = result->host.disturbed;
	trial->duration_ns = times->stopped_ns > times->create_ns ?
			     times->stopped_ns - times->create_ns : 0;
	trial->digest = string_copy(result->digest);
	trial->fingerprint = fingerprint;
	if (result->outcome == OUTCOME_PASSED) {
		experiment->cells[trial->cell].measured_ns += trial->duration_ns;
		experiment->cells[trial->cell].measured_count++;
	}
}

/* What until_found is about. */
static bool is_found(const struct experiment_options *options, const struct trial_result *result)
{
	return options->until_found &&
	       (result->findings_count ||
		(result->outcome != OUTCOME_PASSED && result->outcome != OUTCOME_SKIPPED));
}

static int store_finished(struct boots *boots, const struct experiment_boot *boot,
			  const struct trial_result *result, struct error *err)
{
	struct experiment *experiment = boots->experiment;
	struct stored_trial *trial = &experiment->run.trials[boot->index];
	cleanup_free char *fingerprint = experiment_fingerprint(experiment, trial->cell,
								trial->variant);
	/* On a full disk the guest's words are lost: not the guest's fault. */
	int rc = result->outcome == OUTCOME_BROKEN ? experiment_check_space(experiment, err) : 0;

	if (!rc)
		rc = run_store_trial_finished(experiment->store, trial->id, result, fingerprint,
					      err);
	if (rc)
		return error_prefix(err, "trial %u", trial->order + 1);
	take_result(experiment, trial, result, take_pointer(fingerprint));
	boots->has_found = boots->has_found || is_found(experiment->options, result);
	log_finished(experiment, trial);
	return experiment_settle(experiment, boot->index, err);
}

static int finish_trial(struct boots *boots, struct fleet_done *done, struct error *err)
{
	struct experiment_boot *boot = done->tag;
	int rc;

	experiment_boot_drop_inputs(boot);
	boots->memory_mib -= experiment_guest_memory_mib(boot->job.guest);
	for (size_t i = 0; i < boots->running_count; i++) {
		if (boots->running[i] == boot) {
			boots->running[i] = boots->running[--boots->running_count];
			break;
		}
	}
	rc = store_finished(boots, boot, &done->result, err);
	experiment_boot_free(boot);
	trial_result_release(&done->result);
	return rc;
}

/* --- the loop ------------------------------------------------------------------------ */

static size_t count_trials(const struct stored_run *run, enum trial_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		count += run->trials[i].state == state;
	return count;
}

static void show_progress(const struct boots *boots)
{
	const struct experiment *experiment = boots->experiment;
	const struct stored_run *run = &experiment->run;
	cleanup_strbuf struct strbuf detail = STRBUF_INIT;

	for (size_t i = 0; i < boots->running_count; i++) {
		const struct stored_trial *trial = &run->trials[boots->running[i]->index];

		strbuf_addf(&detail, "%s%s %s/%s", i ? ", " : "",
			    run->variants[trial->variant].label, run->cells[trial->cell].guest,
			    run->cells[trial->cell].suite);
	}
	progress_update("boots", "trial", count_trials(run, TRIAL_FINISHED), run->trials_count,
			experiment_remaining_ns(experiment, UINT32_MAX), detail.data);
}

/* What an earlier process spent on trials of this run, as the budget counts. */
static uint64_t spent_before_ns(const struct experiment *experiment)
{
	uint64_t spent_ns = 0;

	for (size_t i = 0; i < experiment->run.trials_count; i++) {
		const struct stored_trial *trial = &experiment->run.trials[i];
		const struct guest_spec *guest =
			&experiment->campaign->cells[trial->cell].guest;

		if (trial->state == TRIAL_FINISHED)
			spent_ns += trial->duration_ns / experiment_concurrency(experiment, guest);
	}
	return spent_ns;
}

static int write_note(const struct boots *boots, struct error *err)
{
	struct experiment *experiment = boots->experiment;
	cleanup_free char *why = NULL;

	if (boots->over_budget)
		why = string_format("the budget of %" PRIu32 " minutes was spent",
				    experiment->campaign->budget_minutes);
	else if (boots->is_late)
		why = string_copy("the time for it was up");
	else if (boots->has_found && experiment_next_trial(&experiment->run) != SIZE_MAX)
		why = string_copy("a trial failed or had a finding, and no more were asked for");
	return experiment_write_note(experiment, why, err);
}

/* Guests that still run at the deadline are ended; their trials count as not started. */
static int cut_off(struct boots *boots, struct error *err)
{
	struct experiment *experiment = boots->experiment;
	struct stored_run *run = &experiment->run;
	size_t planned = 0;

	log_warning("the time is up: %zu guests are ended", boots->running_count);
	end_guests(boots);
	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].state == TRIAL_STARTED)
			run->trials[i].state = TRIAL_PLANNED;
	return run_store_resume(experiment->store, run->id, &planned, err);
}

static bool is_deadline_passed(const struct boots *boots)
{
	uint64_t deadline_ns = boots->experiment->options->deadline_ns;

	return deadline_ns && clock_monotonic_ns() >= deadline_ns;
}

/* A run of nothing would tell nothing: it is left to be resumed. */
static int check_late(const struct boots *boots, struct error *err)
{
	if (!boots->is_late || count_trials(&boots->experiment->run, TRIAL_FINISHED))
		return 0;
	return error_set(err, -ETIME, "the time was up before any boot could be made");
}

static int boot_all(struct boots *boots, struct error *err)
{
	struct experiment *experiment = boots->experiment;
	int rc = experiment_settle_all(experiment, err);
	bool goes_on = true;

	while (!rc && goes_on) {
		struct fleet_done done;

		rc = start_trials(boots, err);
		if (rc)
			return rc;
		show_progress(boots);
		if (fleet_is_interrupted())
			return error_set(err, -EINTR, "interrupted");
		if (boots->running_count && is_deadline_passed(boots)) {
			boots->is_late = true;
			rc = cut_off(boots, err);
			break;
		}
		if (!boots->running_count) {
			rc = experiment_look(experiment, &goes_on, err);
			continue;
		}
		rc = fleet_wait(experiment->fleet, WAIT_NS, &done, err);
		if (rc > 0)
			rc = finish_trial(boots, &done, err);
	}
	if (!rc)
		rc = check_late(boots, err);
	return rc ? rc : write_note(boots, err);
}

int experiment_boot_trials(struct experiment *experiment, struct error *err)
{
	cleanup_with(boots_release) struct boots boots = { .experiment = experiment };
	int rc = experiment_write_commons(experiment, err);

	boots.began_ns = clock_monotonic_ns() - spent_before_ns(experiment);
	if (!rc)
		rc = boot_all(&boots, err);
	experiment_drop_commons(experiment);
	return rc;
}
