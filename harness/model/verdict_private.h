/* verdict_private.h - what verdict.c and verdict_exact.c share. */
#ifndef KERNGATE_MODEL_VERDICT_PRIVATE_H
#define KERNGATE_MODEL_VERDICT_PRIVATE_H

#include "verdict.h"

#define VERDICT_POWER 0.8

enum boot_summary verdict_summary(const struct metric_comparison *c);
void verdict_refuse(struct metric_comparison *c, const char *reason); /* static text */
/* Clears the "out" part, and refuses where a side has no boot: false if it did. */
bool verdict_begin(struct metric_comparison *c);
/* Adjusts the p-values of those that take part; returns how many. */
size_t verdict_adjust(struct metric_comparison *comparisons, size_t count,
		      enum correction correction);
/* What a correction leaves of alpha in the worst case. */
double verdict_alpha(const struct metric_comparison *c, const struct gate_policy *policy,
		     size_t family);
/* Two constant times that differ by one step, where the step is the largest
 * power of ten that divides both: 3 ms and 4 ms of a log that prints
 * milliseconds, in whatever unit, tell nothing of 33 %. */
bool verdict_is_one_step(const struct metric_comparison *c, double a, double b);
bool verdict_inside_margin(struct interval interval, double margin_percent);
bool verdict_excludes_one(struct interval interval);
/* By the metric's direction, of a ratio that is not 1. */
enum verdict verdict_of_change(const struct metric_comparison *c);

extern const char verdict_reason_not_positive[];
extern const char verdict_reason_one_step[];

#endif
