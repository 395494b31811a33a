/* nightly_resume.c - a night that was cut off: told, and its run taken up where it is
 * what this night would run anyway.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "experiment_private.h"
#include "log.h"
#include "memory.h"
#include "nightly_private.h"

/* A run whose halves are further apart would mix two nights. */
#define RESUME_MAX_NS (20 * 3600 * NS_PER_SECOND)

#define STATUS_INTERRUPTED 130

/* A night that was killed could not say which run it had begun. */
static int find_its_run(struct night_work *work, struct stored_night *last, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_free char *id = NULL;
	int rc = run_store_find_campaign(work->store, last->campaign, &id, err);

	if (!rc && id)
		rc = run_store_load(work->store, id, &run, err);
	if (!rc && id && run.started_wall_ns >= last->started_wall_ns)
		last->run_id = take_pointer(id);
	return rc;
}

/* The record of a night that was killed never got its end. */
static int close_record(struct night_work *work, struct stored_night *last, struct error *err)
{
	int rc;

	if (last->status != -1)
		return 0;
	rc = last->run_id ? 0 : find_its_run(work, last, err);
	if (rc)
		return rc;
	last->status = STATUS_INTERRUPTED;
	last->finished_wall_ns = last->started_wall_ns;
	free(last->summary);
	last->summary = string_format("nightly %.13s: cut off, by a crash or a kill", last->id);
	return run_store_set_night(work->store, last, err);
}

static const struct stored_variant *find_stored(const struct stored_run *run, const char *name)
{
	for (size_t i = 0; i < run->variants_count; i++)
		if (!strcmp(run->variants[i].label, name))
			return &run->variants[i];
	return NULL;
}

/* The kernels that would be booted now are those of the run. */
static const char *compare_variants(const struct night_work *work, const struct stored_run *run)
{
	const struct campaign *campaign = &work->campaign;

	if (run->variants_count - (run->control_variant >= 0) != campaign->variants_count)
		return "its variants are others";
	for (size_t i = 0; i < campaign->variants_count; i++) {
		const struct stored_variant *stored = find_stored(run, campaign->variants[i].name);
		char key[SHA256_HEX_SIZE];

		if (!stored)
			return "its variants are others";
		if (kernel_spec_key(&campaign->variants[i].kernel, key, NULL) ||
		    strcmp(key, stored->kernel_key))
			return "its kernels are others by now";
	}
	return NULL;
}

static bool has_cell(const struct campaign *campaign, const struct stored_cell *cell)
{
	for (size_t i = 0; i < campaign->cells_count; i++) {
		cleanup_free char *record = NULL;

		if (strcmp(campaign->cells[i].guest.name, cell->guest) ||
		    strcmp(campaign->cells[i].suite.name, cell->suite))
			continue;
		record = experiment_guest_record(&campaign->cells[i].guest);
		return !strcmp(record, cell->guest_record);
	}
	return false;
}

/* What its unfinished trials take, one guest at a time. */
static uint64_t remaining_ns(struct night_work *work, const struct stored_run *run)
{
	uint64_t total_ns = 0;

	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_cell *cell = &run->cells[run->trials[i].cell];
		struct trial_history history = { .count = 0 };

		if (run->trials[i].state == TRIAL_FINISHED)
			continue;
		run_store_trial_history(work->store, cell->guest, cell->suite, run->mode, NULL,
					&history);
		total_ns += history.count ? history.median_ns : EXPERIMENT_TRIAL_GUESS_NS;
	}
	return total_ns;
}

/* NULL: the run can go on; else why not. Static. */
static const char *why_not(struct night_work *work, const struct stored_run *run)
{
	uint64_t now_ns = clock_wall_ns();
	const char *why = NULL;

	if (!strcmp(run->state, "finished"))
		return "its run is finished";
	if (run->mode != work->campaign.mode)
		return "it was in the other mode";
	if (run->started_wall_ns > now_ns || now_ns - run->started_wall_ns > RESUME_MAX_NS)
		return "it is too long ago";
	why = compare_variants(work, run);
	for (size_t i = 0; !why && i < run->cells_count; i++)
		if (!has_cell(&work->campaign, &run->cells[i]))
			why = "its cells are others";
	if (!why && remaining_ns(work, run) > night_left_ns(work->run_end_ns))
		why = "what is left of it does not fit";
	return why;
}

static int consider(struct night_work *work, const struct stored_night *last, char **ret_run_id,
		    struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	const char *why;
	int rc;

	if (!last->run_id) {
		night_note(work, "the last night, %s, was cut off before its run", last->id);
		return 0;
	}
	rc = run_store_load(work->store, last->run_id, &run, err);
	if (rc)
		return rc;
	why = why_not(work, &run);
	if (why) {
		night_note(work, "the last night, %s, was cut off; not resumed: %s", last->id, why);
		return 0;
	}
	night_note(work, "the last night, %s, was cut off: its run goes on", last->id);
	*ret_run_id = string_copy(run.id);
	return 0;
}

/* Its kernels took all of its time, say. */
static bool has_unfinished_run(struct night_work *work, const struct stored_night *night)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	struct error ignored = ERROR_INIT;

	return night->run_id && !run_store_load(work->store, night->run_id, &run, &ignored) &&
	       strcmp(run.state, "finished");
}

int night_look_back(struct night_work *work, char **ret_run_id, struct error *err)
{
	struct stored_night *nights = NULL;
	size_t count = 0;
	int rc = run_store_nights(work->store, work->campaign.name, 1, &nights, &count, err);

	if (rc)
		return rc;
	if (count && (nights[0].status == -1 || nights[0].status == STATUS_INTERRUPTED ||
		      has_unfinished_run(work, &nights[0]))) {
		rc = close_record(work, &nights[0], err);
		if (!rc)
			rc = consider(work, &nights[0], ret_run_id, err);
	}
	stored_nights_free(nights, count);
	return rc;
}
