/* canary.c - see canary.h. Nothing is changed here: experiment_repeats.c acts. */
#include "canary.h"

#include <inttypes.h>
#include <string.h>

#include "memory.h"
#include "replay.h"
#include "strbuf.h"

/* --- one block ------------------------------------------------------------------------ */

/* A trial that broke or that a deadline of the host's clock cut off says nothing of
 * the guest's world. */
static bool is_cut_off(const struct stored_trial *trial)
{
	return trial->outcome == OUTCOME_BROKEN || trial->outcome == OUTCOME_TIMED_OUT ||
	       !trial->digest;
}

static bool is_canary(const struct stored_run *run, const struct stored_trial *trial)
{
	return (int64_t)trial->variant == run->control_variant;
}

/* The trials that should be equal; whether the block has a canary, and whether one
 * of them is still to come. */
static void collect(const struct stored_run *run, uint32_t cell, uint32_t block,
		    struct canary *canary, bool *ret_is_there, bool *ret_is_waiting)
{
	*ret_is_there = *ret_is_waiting = false;
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (trial->cell != cell || trial->block != block ||
		    (trial->variant != run->baseline && !is_canary(run, trial)))
			continue;
		*ret_is_there |= is_canary(run, trial);
		*ret_is_waiting |= trial->state != TRIAL_FINISHED;
		if (trial->state == TRIAL_FINISHED && !is_cut_off(trial) &&
		    canary->trials_count < CANARY_TRIALS_MAX)
			canary->trials[canary->trials_count++] = i;
	}
}

static bool is_equal(const struct stored_run *run, const struct canary *canary, size_t a,
		     size_t b)
{
	return !strcmp(run->trials[canary->trials[a]].digest,
		       run->trials[canary->trials[b]].digest);
}

static enum canary_state judge_three(const struct stored_run *run, struct canary *canary)
{
	for (size_t i = 0; i < 3; i++) {
		if (is_equal(run, canary, (i + 1) % 3, (i + 2) % 3)) {
			canary->odd = canary->trials[i];
			return is_equal(run, canary, i, (i + 1) % 3) ? CANARY_EQUAL :
								       CANARY_ODD;
		}
	}
	return CANARY_INEXACT;
}

/* Of a pair that differs: once more, unless that was tried and came to nothing. */
static enum canary_state judge_pair(const struct stored_run *run, const struct canary *canary)
{
	if (is_equal(run, canary, 0, 1))
		return CANARY_EQUAL;
	return run->trials[canary->trials[0]].superseded ||
	       run->trials[canary->trials[1]].superseded ? CANARY_INEXACT : CANARY_REPEAT;
}

struct canary canary_look(const struct stored_run *run, uint32_t cell, uint32_t block)
{
	struct canary canary = { .state = CANARY_NONE };
	bool is_there, is_waiting;

	collect(run, cell, block, &canary, &is_there, &is_waiting);
	if (run->mode != MODE_EXACT || !is_there)
		return canary;
	if (is_waiting)
		canary.state = CANARY_WAITING;
	else if (canary.trials_count < 2)
		canary.state = CANARY_SILENT;
	else if (canary.trials_count == 2)
		canary.state = judge_pair(run, &canary);
	else
		canary.state = judge_three(run, &canary);
	return canary;
}

/* --- in words --------------------------------------------------------------------------- */

/* "1 and 7", "1, 2 and 7". */
static void add_numbers(struct strbuf *out, const struct stored_run *run,
			const struct canary *canary, size_t without)
{
	size_t left = 0;

	for (size_t i = 0; i < canary->trials_count; i++)
		left += canary->trials[i] != without;
	for (size_t i = 0; i < canary->trials_count; i++) {
		if (canary->trials[i] == without)
			continue;
		left--;
		strbuf_addf(out, "%" PRIu32 "%s", run->trials[canary->trials[i]].order + 1,
			    left > 1 ? ", " : left ? " and " : "");
	}
}

static void add_difference(struct strbuf *out, const struct run_store *store,
			   const struct stored_run *run, const struct canary *canary)
{
	cleanup_free char *a = run_store_trial_folder(store, run->id,
						      run->trials[canary->trials[0]].order);
	cleanup_free char *b = run_store_trial_folder(store, run->id,
						      run->trials[canary->trials[1]].order);
	int code = 0;
	cleanup_free char *difference = replay_first_difference(a, b, &code);

	if (difference)
		strbuf_addf(out, " (the first difference: %s)", difference);
	else if (code)
		strbuf_addf(out, " (where they part cannot be read: %s)", strerror(-code));
}

/* docs/exact-mode.md, "Where it ends". */
static void add_suspects(struct strbuf *out, const struct campaign_cell *planned)
{
	const struct guest_spec *guest = &planned->guest;

	strbuf_adds(out, "; look at ");
	if (guest->pmem_mib)
		strbuf_adds(out, "the NVDIMM (pmem_mib), ");
	if (guest->iommu != GUEST_IOMMU_NONE)
		strbuf_adds(out, "the virtio-rng device behind the IOMMU, ");
	if (guest->memory_slots)
		strbuf_adds(out, "memory that is plugged in while it runs, ");
	if (guest->vcpus_count > 1)
		strbuf_addf(out, "the turns of its %" PRIu32 " vCPUs (try one), ",
			    guest->vcpus_count);
	strbuf_adds(out, "wall-clock time and random ids read by ");
	for (size_t i = 0; i < planned->suite.rows_count; i++)
		strbuf_addf(out, "%s%s", i ? ", " : "", planned->suite.rows[i].name);
}

static void add_inexact(struct strbuf *out, const struct run_store *store,
			const struct stored_run *run, const struct canary *canary,
			const struct campaign_cell *planned)
{
	strbuf_adds(out, "not exact: trials ");
	add_numbers(out, run, canary, SIZE_MAX);
	strbuf_adds(out, " should be the same bytes and all differ");
	add_difference(out, store, run, canary);
	add_suspects(out, planned);
}

/* Which ones, and why they cannot be compared. */
static void add_silent(struct strbuf *out, const struct stored_run *run, uint32_t cell,
		       uint32_t block)
{
	const char *between = "";

	strbuf_adds(out, "not checked, since no two trials can be compared: ");
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (trial->cell != cell || trial->block != block || trial->superseded ||
		    (trial->variant != run->baseline && !is_canary(run, trial)))
			continue;
		strbuf_addf(out, "%strial %" PRIu32 " %s", between, trial->order + 1,
			    outcome_name(trial->outcome));
		between = ", ";
	}
}

static void add_odd(struct strbuf *out, const struct stored_run *run,
		    const struct canary *canary)
{
	strbuf_addf(out, "trial %" PRIu32 " came out as another world than ",
		    run->trials[canary->odd].order + 1);
	add_numbers(out, run, canary, canary->odd);
	strbuf_adds(out, ", which are equal, and was left out");
}

static void add_block(struct strbuf *out, const struct run_store *store,
		      const struct stored_run *run, uint32_t cell, uint32_t block,
		      const struct campaign_cell *planned)
{
	const struct canary canary = canary_look(run, cell, block);

	if (canary.state != CANARY_INEXACT && canary.state != CANARY_ODD &&
	    canary.state != CANARY_SILENT)
		return;
	strbuf_addf(out, "%s%s/%s, seed %" PRIu64 ": ", out->length ? ". " : "",
		    run->cells[cell].guest, run->cells[cell].suite, run->seed + block);
	if (canary.state == CANARY_INEXACT)
		add_inexact(out, store, run, &canary, planned);
	else if (canary.state == CANARY_ODD)
		add_odd(out, run, &canary);
	else
		add_silent(out, run, cell, block);
}

char *canary_note(const struct run_store *store, const struct stored_run *run, uint32_t cell,
		  const struct campaign_cell *planned)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	uint32_t blocks = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].block >= blocks)
			blocks = run->trials[i].block + 1;
	for (uint32_t block = 0; block < blocks; block++)
		add_block(&text, store, run, cell, block, planned);
	return text.length ? strbuf_detach(&text) : NULL;
}
