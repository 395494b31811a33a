/* comparison_looks.c - runs that are judged on the way: at which level, and what is
 * not settled yet.
 */
#include <string.h>

#include "comparison.h"
#include "memory.h"
#include "sequential.h"

/* Blocks whose trials are all over, of those that looks are planned over. */
static uint32_t complete_blocks(const struct stored_run *run, uint32_t planned)
{
	cleanup_free bool *is_begun = memory_alloc_array(planned, sizeof(*is_begun));
	cleanup_free bool *is_open = memory_alloc_array(planned, sizeof(*is_open));
	uint32_t complete = 0;

	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (trial->superseded || trial->block >= planned)
			continue;
		is_begun[trial->block] = true;
		is_open[trial->block] |= trial->state != TRIAL_FINISHED;
	}
	for (uint32_t block = 0; block < planned; block++)
		complete += is_begun[block] && !is_open[block];
	return complete;
}

static size_t count_taken(const struct stored_run *run)
{
	size_t taken = 0;

	while (taken < run->looks_count && run->looks[taken].taken_wall_ns)
		taken++;
	return taken;
}

/* The looks that were taken, and this moment where it is none of them: a run that
 * was cut off between looks is judged there. One that is over, because its time was
 * up and not because of its figures, spends all that is left. Returns how many. */
static size_t gather_shares(const struct stored_run *run, const struct comparison_looks *looks,
			    double shares[SEQUENTIAL_LOOKS_MAX + 1])
{
	uint32_t last = looks->taken_count ? run->looks[looks->taken_count - 1].blocks : 0;
	size_t count = 0;

	for (size_t i = 0; i < looks->taken_count; i++)
		shares[count++] = (double)run->looks[i].blocks / looks->blocks_max;
	if (looks->blocks > last)
		shares[count++] = (double)looks->blocks / looks->blocks_max;
	else if (count == 0)
		shares[count++] = 1.0 / looks->blocks_max;
	if (strcmp(run->state, "finished") == 0 && !looks->stopped)
		shares[count - 1] = 1;
	return count;
}

void comparison_look_policy(const struct stored_run *run, const struct gate_policy *policy,
			    struct comparison_looks *ret_looks, struct gate_policy *ret_policy)
{
	struct comparison_looks looks = {
		.planned_count = run->looks_count,
		.taken_count = count_taken(run),
		.alpha = policy->alpha,
		.confidence = policy->confidence,
	};

	*ret_policy = *policy;
	if (looks.planned_count > 0) {
		double shares[SEQUENTIAL_LOOKS_MAX + 1];
		size_t count;

		looks.blocks_max = run->looks[run->looks_count - 1].blocks;
		looks.blocks = complete_blocks(run, looks.blocks_max);
		looks.stopped = looks.taken_count > 0 && run->looks[looks.taken_count - 1].stopped;
		count = gather_shares(run, &looks, shares);
		ret_policy->alpha = sequential_level(policy->alpha, shares, count);
		ret_policy->confidence =
			1 - sequential_level(1 - policy->confidence, shares, count);
	}
	*ret_looks = looks;
}

/* --- what is not settled ---------------------------------------------------------- */

/* A kernel that does not live through it will give no figures later either. */
static bool is_lost(const struct comparison *c, const struct comparison_entry *entry)
{
	if (entry->judged.verdict != VERDICT_NOT_COMPARABLE)
		return false;
	for (size_t i = 0; i < c->outcomes_count; i++)
		if (c->outcomes[i].cell == entry->cell &&
		    c->outcomes[i].variant == entry->variant)
			return c->outcomes[i].verdict == VERDICT_REGRESSED;
	return false;
}

static bool is_open_metric(const struct comparison *c, const struct comparison_entry *entry)
{
	switch (entry->judged.verdict) {
	case VERDICT_IMPROVED:
	case VERDICT_EQUIVALENT:
	case VERDICT_REGRESSED:
		return false;
	case VERDICT_INCONCLUSIVE:
	case VERDICT_NOT_COMPARABLE:
		break;
	}
	return !is_lost(c, entry);
}

uint32_t comparison_open_count(const struct comparison *c)
{
	uint32_t gated = 0, open = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->entries[i].judged.metric->secondary)
			continue;
		gated++;
		open += is_open_metric(c, &c->entries[i]);
	}
	for (size_t i = 0; i < c->outcomes_count; i++) {
		const struct comparison_outcome *outcome = &c->outcomes[i];

		/* what only the baseline fails is no question about the candidate */
		open += outcome->verdict == VERDICT_INCONCLUSIVE &&
			outcome->b_passed < outcome->b_count;
	}
	return gated ? open : 1;
}

bool comparison_may_stop(const struct comparison *c, const struct stored_run *run)
{
	return comparison_open_count(c) == 0 &&
	       (!run->control || c->control_fired || c->control_can_fire);
}
