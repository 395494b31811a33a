/* verdict_figures.c - samples > one figure a boot, and what cannot be judged at all. */
#include <math.h>

#include "cleanup.h"
#include "memory.h"
#include "verdict_private.h"

static const char reason_no_baseline[] = "no usable boot of the baseline";
static const char reason_no_candidate[] = "no usable boot of the candidate";
static const char reason_not_finite[] = "a sample is not a finite number";
static const char reason_not_outcome[] = "a sample of an outcome is neither 0 nor 1";

enum boot_summary verdict_boot_summary(const struct metric_info *metric)
{
	if (metric->kind == METRIC_TAIL)
		return SUMMARY_MAXIMUM;
	return metric->kind == METRIC_OUTCOME ? SUMMARY_MINIMUM : SUMMARY_MEDIAN;
}

void verdict_figures_release(struct verdict_figures *figures)
{
	free(figures->a);
	free(figures->b);
	free(figures->values);
	*figures = (struct verdict_figures){ .sd = NAN };
}

void verdict_refuse(struct metric_comparison *c, const char *reason)
{
	c->verdict = VERDICT_NOT_COMPARABLE;
	c->reason = reason;
}

void verdict_clear(struct metric_comparison *c)
{
	c->a_center = c->b_center = c->ratio = NAN;
	c->interval = (struct interval){ NAN, NAN };
	c->p = c->p_adjusted = c->detectable_effect = NAN;
	c->alpha = c->p_equivalence = NAN;
	c->tail = (struct tail_figures){ .threshold = NAN };
	c->blocks = c->blocks_needed = 0;
	c->verdict = VERDICT_INCONCLUSIVE;
	c->reason = NULL;
}

/* Why these samples cannot be judged, or NULL. */
static const char *refuse_samples(const struct metric_info *metric,
				  const struct boot_samples *boot)
{
	for (size_t i = 0; i < boot->count; i++) {
		double value = boot->values[i];

		if (!isfinite(value))
			return reason_not_finite;
		if (metric->kind == METRIC_OUTCOME && value != 0 && value != 1)
			return reason_not_outcome;
	}
	return NULL;
}

/* Figures of the boots that have samples, into ret and its values; returns how many,
 * with *reason set where a sample cannot be judged. */
static size_t make_figures(const struct metric_info *metric, const struct boot_samples *boots,
			   size_t count, double *values, struct boot_samples *ret,
			   const char **reason)
{
	size_t made = 0;

	for (size_t i = 0; i < count && !*reason; i++) {
		if (boots[i].count == 0)
			continue;
		*reason = refuse_samples(metric, &boots[i]);
		values[made] = statistics_boot_summary(&boots[i], verdict_boot_summary(metric));
		ret[made] = (struct boot_samples){ boots[i].block, &values[made], 1 };
		made++;
	}
	return made;
}

bool verdict_begin(struct metric_comparison *c, struct verdict_figures *ret_figures)
{
	struct verdict_figures figures = {
		.a = memory_alloc_array(c->a_count, sizeof(*figures.a)),
		.b = memory_alloc_array(c->b_count, sizeof(*figures.b)),
		.values = memory_alloc_array(c->a_count + c->b_count, sizeof(double)),
		.sd = NAN,
	};
	const char *reason = NULL;

	verdict_clear(c);
	figures.a_count = make_figures(c->metric, c->a, c->a_count, figures.values,
				       figures.a, &reason);
	figures.b_count = make_figures(c->metric, c->b, c->b_count,
				       figures.values + figures.a_count, figures.b, &reason);
	if (!reason && figures.a_count == 0)
		reason = reason_no_baseline;
	if (!reason && figures.b_count == 0)
		reason = reason_no_candidate;
	if (reason)
		verdict_refuse(c, reason);
	*ret_figures = figures;
	return !reason;
}
