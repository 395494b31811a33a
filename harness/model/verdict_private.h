/* verdict_private.h - what verdict.c and verdict_exact.c share. */
#ifndef KERNGATE_MODEL_VERDICT_PRIVATE_H
#define KERNGATE_MODEL_VERDICT_PRIVATE_H

#include "verdict.h"

#define VERDICT_POWER 0.8

/* One figure a boot, so that samples are gone through once. */
struct verdict_figures {
	struct boot_samples *a, *b;  /* of one value each; owned */
	size_t a_count, b_count;     /* boots that have samples */
	double *values;              /* owned */
	double sd;                   /* of the blocks' log differences; NAN: not known */
};
void verdict_figures_release(struct verdict_figures *figures);

void verdict_clear(struct metric_comparison *c); /* the "out" part */
void verdict_refuse(struct metric_comparison *c, const char *reason); /* static text */
/* Clears the "out" part, makes the figures, and refuses where a side has no boot or a
 * sample is none: false if it did. */
bool verdict_begin(struct metric_comparison *c, struct verdict_figures *ret_figures);
/* Adjusts the p-values of those that take part (others may be NULL); returns how
 * many. */
size_t verdict_adjust(struct metric_comparison *comparisons, size_t count,
		      enum correction correction, const struct verdict_others *others);
/* What a correction leaves of alpha in the worst case. */
double verdict_alpha(const struct metric_comparison *c, const struct gate_policy *policy,
		     size_t family);
/* Two constant times that differ by one step, where the step is the largest
 * power of ten that divides both: 3 ms and 4 ms of a log that prints
 * milliseconds, in whatever unit, tell nothing of 33 %. */
bool verdict_is_one_step(const struct metric_comparison *c, double a, double b);
bool verdict_inside_margin(struct interval interval, double margin_percent);
bool verdict_excludes_one(struct interval interval);
/* The interval inside the margin, and two one-sided tests say so too (where there
 * was something to test). */
bool verdict_is_equivalent(const struct metric_comparison *c,
			   const struct gate_policy *policy);
/* The two-sided level at which both of these would hold, for planning. */
double verdict_equivalence_alpha(const struct gate_policy *policy);
double verdict_margin_log(const struct gate_policy *policy);
/* By the metric's direction, of a ratio that is not 1. */
enum verdict verdict_of_change(const struct metric_comparison *c);

/* Metrics of kind outcome: Fisher's test over boots, with blocks counted already. */
void verdict_outcome_estimate(struct metric_comparison *c,
			      const struct verdict_figures *figures,
			      const struct gate_policy *policy);
void verdict_outcome_conclude(struct metric_comparison *c,
			      const struct verdict_figures *figures,
			      const struct gate_policy *policy, double alpha);

/* Fills c->tail. */
void verdict_tail_fill(struct metric_comparison *c, double confidence, uint64_t seed);

extern const char verdict_reason_not_positive[];
extern const char verdict_reason_one_step[];

#endif
