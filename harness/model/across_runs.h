/* across_runs.h - one run against earlier ones, of which nothing was interleaved with
 * it. Pure; docs/history.md has the rules.
 *
 * Against several runs a run is the unit: their centers say how much runs differ, and
 * the new one's is compared with what another run like them would give (a prediction
 * interval of Student's t). Against a single run that cannot be known; each run's own
 * luck is taken to be as large as that of a boot, which makes the interval wider than
 * that of boots alone and bounds it from below however many boots there are.
 */
#ifndef KERNGATE_MODEL_ACROSS_RUNS_H
#define KERNGATE_MODEL_ACROSS_RUNS_H

#include "verdict.h"

/* The boots' figures of a metric in one run. */
struct run_unit {
	const double *figures;       /* borrowed */
	size_t count;                /* > 0 */
};

struct across_item {
	const struct run_unit *before; size_t before_count; /* borrowed */
	struct run_unit after;
	struct metric_comparison judged; /* in: metric. Out: all but tail and blocks_needed;
					blocks is before_count */
};

/* Judges a family together, by the rules of verdict_judge but for what stands above. */
void across_runs_judge(struct across_item *items, size_t count,
		       const struct gate_policy *policy);

/* A metric of kind outcome: the boots that passed, of all earlier runs together and of
 * this one, by Fisher's exact test, two-sided and without a correction. Regressed where
 * fewer pass; equivalent where all of both do; a_center and b_center are shares. */
void across_outcome_judge(struct across_item *item, const struct gate_policy *policy);

#endif
