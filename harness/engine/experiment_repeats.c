/* experiment_repeats.c - trials that are run once more: those that the host
 * disturbed or that broke, and canaries of exact mode that differ; and what the
 * run then notes about itself.
 */
#include <inttypes.h>

#include "canary.h"
#include "experiment_private.h"
#include "log.h"
#include "memory.h"

bool experiment_wants_repeat(const struct stored_trial *trial, uint32_t repeats_max)
{
	return trial->state == TRIAL_FINISHED && !trial->superseded &&
	       trial->attempt < repeats_max &&
	       (trial->disturbed || trial->outcome == OUTCOME_BROKEN);
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

/* --- canaries ------------------------------------------------------------------------ */

static int repeat_canary(struct experiment *experiment, const struct canary *canary,
			 struct error *err)
{
	const struct stored_run *run = &experiment->run;
	size_t first = canary->trials[0], second = canary->trials[1];
	bool second_is_canary = (int64_t)run->trials[second].variant == run->control_variant;

	log_warning("trials %" PRIu32 " and %" PRIu32 " should be the same bytes and are not: "
		    "the canary is booted once more", run->trials[first].order + 1,
		    run->trials[second].order + 1);
	return add_repeat(experiment, second_is_canary ? second : first, err);
}

static int leave_out_odd(struct experiment *experiment, const struct canary *canary,
			 struct error *err)
{
	struct stored_trial *odd = &experiment->run.trials[canary->odd];
	int rc = odd->superseded ? 0 : run_store_supersede(experiment->store, odd, err);

	if (!rc)
		odd->superseded = true;
	return rc;
}

static int settle_canary(struct experiment *experiment, uint32_t cell, uint32_t block,
			 struct error *err)
{
	const struct canary canary = canary_look(&experiment->run, cell, block);
	int rc = 0;

	if (canary.state == CANARY_REPEAT)
		return repeat_canary(experiment, &canary, err);
	if (canary.state == CANARY_ODD)
		rc = leave_out_odd(experiment, &canary, err);
	if (!rc && (canary.state == CANARY_ODD || canary.state == CANARY_INEXACT))
		rc = experiment_write_note(experiment, NULL, err);
	if (!rc && canary.state == CANARY_INEXACT)
		log_warning("%s", experiment->run.note);
	return rc;
}

/* --- after a trial --------------------------------------------------------------------- */

int experiment_settle(struct experiment *experiment, size_t index, struct error *err)
{
	const struct stored_trial trial = experiment->run.trials[index];

	if (experiment_wants_repeat(&trial, experiment->campaign->repeats_max))
		return add_repeat(experiment, index, err);
	if (!experiment_is_exact(experiment) || trial.state != TRIAL_FINISHED)
		return 0;
	return settle_canary(experiment, trial.cell, trial.block, err);
}

int experiment_settle_all(struct experiment *experiment, struct error *err)
{
	size_t count = experiment->run.trials_count;
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++)
		rc = experiment_settle(experiment, i, err);
	return rc;
}

/* --- the note -------------------------------------------------------------------------- */

static void add_sentence(struct strbuf *note, const char *sentence)
{
	strbuf_addf(note, "%s%s", note->length ? ". " : "", sentence);
}

static void note_left_out(const struct experiment *experiment, const char *why,
			  struct strbuf *note)
{
	size_t left = 0;
	cleanup_free char *sentence = NULL;

	for (size_t i = 0; i < experiment->run.trials_count; i++)
		left += experiment->run.trials[i].state == TRIAL_PLANNED;
	sentence = string_format("%zu of %zu planned trials were not run: %s", left,
				 experiment->run.trials_count, why);
	log_warning("%s", sentence);
	add_sentence(note, sentence);
}

static void note_looks(const struct stored_run *run, struct strbuf *note)
{
	for (size_t i = 0; i < run->looks_count; i++) {
		cleanup_free char *sentence = NULL;

		if (!run->looks[i].stopped)
			continue;
		sentence = string_format("stopped after %" PRIu32 " of %" PRIu32 " blocks: every "
					 "metric is settled", run->looks[i].blocks,
					 run->looks[run->looks_count - 1].blocks);
		add_sentence(note, sentence);
	}
}

static void note_canaries(const struct experiment *experiment, struct strbuf *note)
{
	for (uint32_t i = 0; i < experiment->cells_count; i++) {
		cleanup_free char *sentence = canary_note(experiment->store, &experiment->run, i,
							  &experiment->campaign->cells[i]);

		if (sentence)
			add_sentence(note, sentence);
	}
}

int experiment_write_note(struct experiment *experiment, const char *why_left_out,
			  struct error *err)
{
	cleanup_strbuf struct strbuf note = STRBUF_INIT;
	struct stored_run *run = &experiment->run;
	int rc;

	if (experiment->options->note)
		add_sentence(&note, experiment->options->note);
	note_looks(run, &note);
	if (why_left_out)
		note_left_out(experiment, why_left_out, &note);
	if (experiment_is_exact(experiment))
		note_canaries(experiment, &note);
	if (!note.length)
		return 0;
	rc = run_store_set_note(experiment->store, run->id, note.data, err);
	if (rc)
		return rc;
	free(run->note);
	run->note = string_copy(note.data);
	return 0;
}
