/* verdict.h - five verdicts, never two; and a gate's exit codes. Pure. */
#ifndef KERNGATE_MODEL_VERDICT_H
#define KERNGATE_MODEL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "campaign.h"
#include "statistics.h"
#include "workload_info.h"

enum verdict {
	VERDICT_IMPROVED,
	VERDICT_EQUIVALENT,     /* shown to lie inside the margin (outcome: all passed) */
	VERDICT_INCONCLUSIVE,
	VERDICT_REGRESSED,
	VERDICT_NOT_COMPARABLE,
};

const char *verdict_name(enum verdict verdict); /* "not comparable", ... */

/* How a boot's samples of a metric become its figure. */
enum boot_summary verdict_boot_summary(const struct metric_info *metric);

enum gate_exit {
	GATE_PASS = 0,           /* improved or equivalent */
	GATE_REGRESSED = 1,
	GATE_FAILED = 2,         /* the harness could not do its job */
	GATE_INCONCLUSIVE = 3,
	GATE_NOT_COMPARABLE = 4, /* or the A/A control fired */
	GATE_USAGE = 64,
};

#define TAIL_QUANTILES_COUNT 4

/* A tail as a tail: quantiles of all samples of a side, and how often the candidate
 * goes beyond what the baseline hardly ever did. Filled for metrics of kind tail that
 * could be judged (else the counts are 0 and the threshold NAN). A quantile, and the
 * threshold, is NAN where fewer than ten samples are to be expected beyond it; an
 * interval is NAN where a side has fewer than five boots. */
struct tail_quantile {
	double q;                    /* 0.5, 0.99, 0.999, 1 (the largest) */
	double a, b;
	struct interval a_interval, b_interval; /* boots drawn with replacement */
};

struct tail_figures {
	struct tail_quantile quantiles[TAIL_QUANTILES_COUNT];
	double threshold;            /* the baseline's quantile 0.99 ("beyond": more), or
					0.01 where higher is better ("beyond": less) */
	uint64_t a_samples, b_samples;
	uint64_t a_beyond, b_beyond; /* samples beyond the threshold */
	struct interval a_share, b_share; /* intervals of those shares; boots drawn
					with replacement */
};

/* One metric of one suite row in one guest shape: A against B. */
struct metric_comparison {
	/* in */
	const struct metric_info *metric;   /* borrowed */
	const struct boot_samples *a, *b;   /* borrowed */
	size_t a_count, b_count;
	/* out */
	double a_center, b_center;   /* geometric means of the boots' summaries */
	double ratio;                /* B/A */
	struct interval interval;    /* of the ratio */
	double p, p_adjusted;
	double alpha;                /* what p_adjusted had to be below: the policy's, or in
					a run with looks this look's part of it */
	double p_equivalence;        /* of two one-sided tests against the margin: small
					where the change was shown to lie inside; NAN
					without a test */
	struct tail_figures tail;    /* kind tail only */
	size_t blocks;               /* complete ones */
	double detectable_effect;    /* ratio - 1, power 0.8; INFINITY: none */
	size_t blocks_needed;        /* more blocks that would settle it; 0 if settled */
	enum verdict verdict;
	const char *reason;          /* why not comparable, or why there was no test;
					static; else NULL */
};

/* Fills the "out" part of all comparisons of a family together (the correction
 * is across those that are not secondary; a secondary one keeps its own p). At a look
 * of several the policy is that look's: alpha and 1 - confidence are its levels
 * (sequential.h). Boots without samples do not count; a sample that is not finite
 * makes its metric not comparable. */
void verdict_judge(struct metric_comparison *comparisons, size_t count,
		   const struct gate_policy *policy, uint64_t seed);

/* The same for exact mode: a block is a seed, with one boot of each side (of
 * several the first counts), and its pair is what is judged: equal in every one,
 * the same change in every one, or a paired t test on the logs of B/A. A change
 * must also lie beyond the margin. */
void verdict_judge_exact(struct metric_comparison *comparisons, size_t count,
			 const struct gate_policy *policy);

/* p-values of a family that are of no metric (pass rates): corrected together with
 * those of its metrics. */
struct verdict_others {
	const double *p;             /* borrowed; a NAN takes no part */
	double *adjusted;            /* out; borrowed */
	size_t count;
};

/* The same two with such others (NULL: none). */
void verdict_judge_with(struct metric_comparison *comparisons, size_t count,
			const struct gate_policy *policy, uint64_t seed,
			const struct verdict_others *others);
void verdict_judge_exact_with(struct metric_comparison *comparisons, size_t count,
			      const struct gate_policy *policy,
			      const struct verdict_others *others);

/* Whether an A/A family fired: any primary comparison with adjusted p below
 * alpha whose interval leaves the margin. */
bool verdict_control_fired(const struct metric_comparison *comparisons,
			   size_t count, const struct gate_policy *policy);

/* Worst of all primary comparisons; control_fired gives NOT_COMPARABLE. */
enum gate_exit verdict_gate(const struct metric_comparison *comparisons,
			    size_t count, bool control_fired);

#endif
