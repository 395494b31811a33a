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
#define QUIET_MARGIN_S 10

/* One running trial. */
struct boot {
	size_t index;            /* into run.trials */
	struct fleet_job job;    /* points to what follows */
	struct guest_expectation expectation;
	char *trial_id, *name, *folder, *initrd, *cmdline; /* owned */
};

struct boots {
	struct experiment *experiment; /* borrowed */
	struct boot **running;         /* owned, as the fleet has them */
	size_t running_count;
	uint64_t memory_mib;           /* that running guests take */
	uint64_t began_ns;             /* less what an earlier process spent */
	uint32_t block;                /* the last one that was let start */
	bool over_budget;
};

bool experiment_wants_repeat(const struct stored_trial *trial, uint32_t repeats_max)
{
	return trial->state == TRIAL_FINISHED && !trial->superseded &&
	       trial->attempt < repeats_max &&
	       (trial->disturbed || trial->outcome == OUTCOME_BROKEN);
}

static void boot_free(struct boot *boot)
{
	if (!boot)
		return;
	free(boot->trial_id);
	free(boot->name);
	free(boot->folder);
	free(boot->initrd);
	free(boot->cmdline);
	free(boot);
}

static void cleanup_boot(struct boot **boot)
{
	boot_free(*boot);
}

/* The fleet borrows what boots own: it goes first. */
static void boots_release(struct boots *boots)
{
	fleet_close(boots->experiment->fleet);
	boots->experiment->fleet = NULL;
	for (size_t i = 0; i < boots->running_count; i++) {
		(void)unlink(boots->running[i]->initrd);
		boot_free(boots->running[i]);
	}
	free(boots->running);
}

/* --- starting ---------------------------------------------------------------------- */

/* Of the variant, and what the suite's workloads need. */
static char *trial_cmdline(const struct experiment *experiment, uint32_t cell,
			   const struct variant *variant)
{
	const struct suite *suite = &experiment->campaign->cells[cell].suite;
	cleanup_strvec struct strvec words = STRVEC_INIT;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strvec_copy(&words, &variant->cmdline);
	for (size_t i = 0; i < suite->rows_count; i++) {
		const struct strvec *needed =
			&experiment->cells[cell].workloads[i]->kernel_arguments;

		for (size_t j = 0; j < needed->count; j++)
			if (!strvec_contains(&words, needed->items[j]))
				strvec_push(&words, needed->items[j]);
	}
	for (size_t i = 0; i < words.count; i++)
		strbuf_addf(&text, "%s%s", i ? " " : "", words.items[i]);
	return strbuf_detach(&text);
}

static int write_initrd(const struct experiment *experiment, const struct boot *boot,
			const struct stored_trial *trial, const struct variant *variant,
			struct error *err)
{
	cleanup_free char *plan = path_join(boot->folder, "plan.cpio");
	const struct suite *suite = &experiment->campaign->cells[trial->cell].suite;
	int rc = guest_image_write_plan(suite, boot->trial_id, &variant->sysctls, plan, err);

	if (!rc)
		rc = guest_image_join(experiment->cells[trial->cell].initrd_common, plan,
				      boot->initrd, err);
	(void)unlink(plan);
	return rc;
}

static int make_folder(const struct boot *boot, struct error *err)
{
	/* left over where the trial was begun and not finished */
	int rc = folder_remove(boot->folder);

	if (!rc)
		rc = folder_make(boot->folder);
	return rc ? error_set_errno(err, rc, "%s: cannot be made", boot->folder) : 0;
}

/* The longest row may measure that long without a word; PID 1 then speaks. */
static uint32_t quiet_s(const struct suite *suite)
{
	uint32_t longest_s = 0;

	for (size_t i = 0; i < suite->rows_count; i++)
		if (suite->rows[i].timeout_s > longest_s)
			longest_s = suite->rows[i].timeout_s;
	return longest_s + QUIET_MARGIN_S;
}

static int boot_make(const struct experiment *experiment, size_t index, struct boot **ret_boot,
		     struct error *err)
{
	cleanup_with(cleanup_boot) struct boot *boot = memory_alloc(sizeof(*boot));
	const struct stored_trial *trial = &experiment->run.trials[index];
	const struct campaign_cell *cell = &experiment->campaign->cells[trial->cell];
	const struct experiment_cell *prepared = &experiment->cells[trial->cell];
	size_t variant_index = experiment_variant_of(experiment, trial->variant);
	const struct variant *variant = &experiment->campaign->variants[variant_index];
	int rc;

	boot->index = index;
	boot->trial_id = string_format("%s/%u/%u", experiment->run.id, trial->order + 1,
				       trial->attempt);
	boot->name = string_format("%s-%04u", experiment->run.id, trial->order + 1);
	boot->folder = run_store_trial_folder(experiment->store, experiment->run.id,
					      trial->order);
	boot->initrd = path_join(boot->folder, "initrd.cpio");
	boot->cmdline = trial_cmdline(experiment, trial->cell, variant);
	boot->expectation = (struct guest_expectation){
		.trial_id = boot->trial_id,
		.rows_count = cell->suite.rows_count,
		.workloads = prepared->workloads,
		.row_names = prepared->row_names,
	};
	boot->job = (struct fleet_job){
		.name = boot->name,
		.guest = &cell->guest,
		.kernel_path = experiment->kernels[variant_index].image_path,
		.initrd_path = boot->initrd,
		.cmdline = boot->cmdline,
		.folder = boot->folder,
		.expectation = &boot->expectation,
		.quiet_s = quiet_s(&cell->suite),
		.tag = boot,
	};
	rc = make_folder(boot, err);
	if (!rc)
		rc = write_initrd(experiment, boot, trial, variant, err);
	if (!rc)
		*ret_boot = take_pointer(boot);
	return rc;
}

static int start_trial(struct boots *boots, size_t index, struct error *err)
{
	struct experiment *experiment = boots->experiment;
	struct stored_trial *trial = &experiment->run.trials[index];
	cleanup_with(cleanup_boot) struct boot *boot = NULL;
	int rc = experiment_check_space(experiment, err);

	if (!rc)
		rc = boot_make(experiment, index, &boot, err);
	if (!rc)
		rc = run_store_trial_started(experiment->store, trial->id, err);
	if (!rc)
		rc = fleet_start(experiment->fleet, &boot->job, err);
	if (rc)
		return error_prefix(err, "trial %u", trial->order + 1);
	trial->state = TRIAL_STARTED;
	boots->memory_mib += experiment_guest_memory_mib(boot->job.guest);
	boots->running = memory_realloc_array(boots->running, boots->running_count + 1,
					      sizeof(struct boot *));
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

	if (!fleet_has_room(experiment->fleet, guest))
		return false;
	return !boots->running_count ||
	       boots->memory_mib + experiment_guest_memory_mib(guest) <= experiment->memory_mib;
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
static bool may_start(const struct boots *boots, uint32_t block)
{
	return block <= boots->block ||
	       experiment_block_fits(boots->experiment, block,
				     clock_monotonic_ns() - boots->began_ns);
}

static int start_trials(struct boots *boots, struct error *err)
{
	const struct experiment *experiment = boots->experiment;

	while (!fleet_is_interrupted()) {
		size_t next = experiment_next_trial(&experiment->run);
		const struct stored_trial *trial;
		int rc;

		if (next == SIZE_MAX || boots->over_budget)
			return 0;
		trial = &experiment->run.trials[next];
		if (!has_room(boots, &experiment->campaign->cells[trial->cell].guest))
			return 0;
		if (!may_start(boots, trial->block)) {
			boots->over_budget = true;
			return 0;
		}
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

static int add_repeat(struct experiment *experiment, size_t index, struct error *err)
{
	struct stored_run *run = &experiment->run;
	struct stored_trial repeat = { .id = 0 };
	int rc = run_store_add_repeat(experiment->store, &run->trials[index], &repeat, err);

	if (rc)
		return rc;
	run->trials[index].superseded = true;
	run->trials = memory_realloc_array(run->trials, run->trials_count + 1,
					   sizeof(*run->trials));
	run->trials[run->trials_count++] = repeat;
	return 0;
}

/* A file of the guest that is of no use any more and may be large. */
static void drop_inputs(const struct boot *boot)
{
	cleanup_free char *pmem = path_join(boot->folder, "pmem");

	(void)unlink(boot->initrd);
	(void)unlink(pmem);
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
	trial->fingerprint = fingerprint;
	if (result->outcome == OUTCOME_PASSED) {
		experiment->cells[trial->cell].measured_ns += trial->duration_ns;
		experiment->cells[trial->cell].measured_count++;
	}
}

static int store_finished(struct boots *boots, const struct boot *boot,
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
	log_finished(experiment, trial);
	if (experiment_wants_repeat(trial, experiment->campaign->repeats_max))
		rc = add_repeat(experiment, boot->index, err);
	return rc;
}

static int finish_trial(struct boots *boots, struct fleet_done *done, struct error *err)
{
	struct boot *boot = done->tag;
	int rc;

	drop_inputs(boot);
	boots->memory_mib -= experiment_guest_memory_mib(boot->job.guest);
	for (size_t i = 0; i < boots->running_count; i++) {
		if (boots->running[i] == boot) {
			boots->running[i] = boots->running[--boots->running_count];
			break;
		}
	}
	rc = store_finished(boots, boot, &done->result, err);
	boot_free(boot);
	trial_result_release(&done->result);
	return rc;
}

/* --- the loop ------------------------------------------------------------------------ */

static void show_progress(const struct boots *boots)
{
	const struct experiment *experiment = boots->experiment;
	const struct stored_run *run = &experiment->run;
	cleanup_strbuf struct strbuf detail = STRBUF_INIT;
	uint64_t finished = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		finished += run->trials[i].state == TRIAL_FINISHED;
	for (size_t i = 0; i < boots->running_count; i++) {
		const struct stored_trial *trial = &run->trials[boots->running[i]->index];

		strbuf_addf(&detail, "%s%s %s/%s", i ? ", " : "",
			    run->variants[trial->variant].label, run->cells[trial->cell].guest,
			    run->cells[trial->cell].suite);
	}
	progress_update("boots", "trial", finished, run->trials_count,
			experiment_remaining_ns(experiment, UINT32_MAX), detail.data);
}

static int write_commons(struct experiment *experiment, struct error *err)
{
	cleanup_free char *init = path_join(experiment->options->build_dir, "guest_init");
	cleanup_free char *folder = path_join(experiment->run_folder, "initrd");
	int rc = folder_make(folder);

	if (rc)
		return error_set_errno(err, rc, "%s: cannot be made", folder);
	for (size_t i = 0; i < experiment->cells_count; i++) {
		struct experiment_cell *cell = &experiment->cells[i];

		cell->initrd_common = string_format("%s/%zu.cpio", folder, i);
		rc = guest_image_write_common(&experiment->catalog, init,
					      &experiment->campaign->cells[i].suite, false,
					      cell->initrd_common, err);
		if (rc)
			return rc;
		rc = sha256_of_file(cell->initrd_common, cell->initrd_sha256);
		if (rc)
			return error_set_errno(err, rc, "%s", cell->initrd_common);
	}
	return 0;
}

static void drop_commons(const struct experiment *experiment)
{
	cleanup_free char *folder = path_join(experiment->run_folder, "initrd");

	(void)!folder_remove(folder);
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

/* A process may have ended between storing a trial and planning its repeat. */
static int add_missed_repeats(struct experiment *experiment, struct error *err)
{
	size_t count = experiment->run.trials_count;
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++)
		if (experiment_wants_repeat(&experiment->run.trials[i],
					    experiment->campaign->repeats_max))
			rc = add_repeat(experiment, i, err);
	return rc;
}

static int note_budget(const struct experiment *experiment, struct error *err)
{
	size_t left = 0;
	cleanup_free char *note = NULL;

	for (size_t i = 0; i < experiment->run.trials_count; i++)
		left += experiment->run.trials[i].state == TRIAL_PLANNED;
	note = string_format("%zu of %zu planned trials were not run: the budget of %" PRIu32
			     " minutes was spent", left, experiment->run.trials_count,
			     experiment->campaign->budget_minutes);
	log_warning("%s", note);
	return run_store_set_note(experiment->store, experiment->run.id, note, err);
}

static int boot_all(struct boots *boots, struct error *err)
{
	struct experiment *experiment = boots->experiment;
	int rc = add_missed_repeats(experiment, err);

	while (!rc) {
		struct fleet_done done;

		rc = start_trials(boots, err);
		if (rc)
			return rc;
		show_progress(boots);
		if (fleet_is_interrupted())
			return error_set(err, -EINTR, "interrupted");
		if (!boots->running_count)
			break;
		rc = fleet_wait(experiment->fleet, WAIT_NS, &done, err);
		if (rc > 0)
			rc = finish_trial(boots, &done, err);
	}
	if (!rc && boots->over_budget)
		rc = note_budget(experiment, err);
	return rc;
}

int experiment_boot_trials(struct experiment *experiment, struct error *err)
{
	cleanup_with(boots_release) struct boots boots = { .experiment = experiment };
	int rc = write_commons(experiment, err);

	boots.began_ns = clock_monotonic_ns() - spent_before_ns(experiment);
	if (!rc)
		rc = boot_all(&boots, err);
	drop_commons(experiment);
	return rc;
}
