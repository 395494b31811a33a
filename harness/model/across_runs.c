/* across_runs.c - see across_runs.h. */
#include "across_runs.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "cleanup.h"
#include "memory.h"
#include "verdict_private.h"

static const char reason_no_before[] = "no usable boot of the baseline";
static const char reason_no_after[] = "no usable boot of the run";
static const char reason_one_boot[] = "one boot a side: nothing says how much boots differ";
static const char reason_constant[] = "every figure of a side is the same";

/* Mean and variance of logs. */
struct moments {
	double mean, variance, n;    /* variance NAN for one value */
	bool is_positive;
};

static struct moments moments_of(const double *values, size_t count)
{
	struct moments m = { .n = (double)count, .variance = NAN, .is_positive = true };

	for (size_t i = 0; i < count; i++) {
		m.is_positive = m.is_positive && values[i] > 0;
		m.mean += m.is_positive ? log(values[i]) : 0;
	}
	m.mean /= m.n;
	if (!m.is_positive || count < 2)
		return m;
	m.variance = 0;
	for (size_t i = 0; i < count; i++)
		m.variance += pow(log(values[i]) - m.mean, 2);
	m.variance /= m.n - 1;
	return m;
}

/* A difference of logs, its standard error and degrees of freedom. */
struct contrast {
	double difference, error, freedom;
};

/* Several runs: what another one like them would give, against what came. */
static struct contrast of_several(const struct moments *runs, const struct moments *after)
{
	return (struct contrast){
		.difference = after->mean - runs->mean,
		.error = sqrt(runs->variance * (1 + 1 / runs->n)),
		.freedom = runs->n - 1,
	};
}

/* One run a side: the variance of a run's center is that of its boots' mean and once
 * more that of a boot (degrees of freedom by Welch 1947 and Satterthwaite 1946). */
static struct contrast of_one(struct moments before, struct moments after)
{
	double a, b;

	if (isnan(before.variance))
		before.variance = after.variance;
	if (isnan(after.variance))
		after.variance = before.variance;
	a = before.variance * (1 + 1 / before.n);
	b = after.variance * (1 + 1 / after.n);
	return (struct contrast){
		.difference = after.mean - before.mean,
		.error = sqrt(a + b),
		/* a side of one boot has the other's variance, and no freedom of its own */
		.freedom = pow(a + b, 2) / ((before.n > 1 ? a * a / (before.n - 1) : 0) +
					    (after.n > 1 ? b * b / (after.n - 1) : 0)),
	};
}

/* Two one-sided tests (Schuirmann 1987): the larger of both. */
static double equivalence_p(const struct contrast *contrast, double margin)
{
	return fmax(gsl_cdf_tdist_Q((contrast->difference + margin) / contrast->error,
				    contrast->freedom),
		    gsl_cdf_tdist_P((contrast->difference - margin) / contrast->error,
				    contrast->freedom));
}

static void fill(struct metric_comparison *c, const struct contrast *contrast,
		 const struct gate_policy *policy)
{
	double t, half, found;

	c->ratio = exp(contrast->difference);
	if (contrast->error == 0) {
		c->interval = (struct interval){ c->ratio, c->ratio };
		c->p = c->p_adjusted = contrast->difference == 0;
		c->detectable_effect = 0;
		c->reason = reason_constant;
		return;
	}
	t = fabs(contrast->difference) / contrast->error;
	half = gsl_cdf_tdist_Qinv((1 - policy->confidence) / 2, contrast->freedom) *
	       contrast->error;
	c->p = c->p_adjusted = 2 * gsl_cdf_tdist_Q(t, contrast->freedom);
	c->p_equivalence = equivalence_p(contrast, verdict_margin_log(policy));
	c->interval = (struct interval){ exp(contrast->difference - half),
					 exp(contrast->difference + half) };
	found = gsl_cdf_tdist_Qinv(policy->alpha / 2, contrast->freedom) +
		gsl_cdf_tdist_Pinv(VERDICT_POWER, contrast->freedom);
	c->detectable_effect = expm1(found * contrast->error);
}

static void estimate_several(struct across_item *item, const struct moments *after,
			     const struct gate_policy *policy)
{
	struct metric_comparison *c = &item->judged;
	cleanup_free double *centers = memory_alloc_array(item->before_count, sizeof(*centers));
	struct contrast contrast;
	struct moments runs;

	for (size_t i = 0; i < item->before_count; i++) {
		struct moments m = moments_of(item->before[i].figures, item->before[i].count);

		centers[i] = m.is_positive ? exp(m.mean) : 0;
	}
	runs = moments_of(centers, item->before_count);
	if (!runs.is_positive) {
		verdict_refuse(c, verdict_reason_not_positive);
		return;
	}
	c->a_center = exp(runs.mean);
	contrast = of_several(&runs, after);
	fill(c, &contrast, policy);
}

static void estimate_one(struct across_item *item, const struct moments *after,
			 const struct gate_policy *policy)
{
	struct metric_comparison *c = &item->judged;
	struct moments before = moments_of(item->before[0].figures, item->before[0].count);
	struct contrast contrast;

	if (!before.is_positive) {
		verdict_refuse(c, verdict_reason_not_positive);
		return;
	}
	c->a_center = exp(before.mean);
	if (item->before[0].count < 2 && item->after.count < 2) {
		verdict_refuse(c, reason_one_boot);
		return;
	}
	contrast = of_one(before, *after);
	fill(c, &contrast, policy);
}

static void estimate(struct across_item *item, const struct gate_policy *policy)
{
	struct metric_comparison *c = &item->judged;
	struct moments after;

	c->a_count = item->before_count;
	c->b_count = item->after.count;
	verdict_clear(c);
	if (!item->before_count || !item->after.count) {
		verdict_refuse(c, item->before_count ? reason_no_after : reason_no_before);
		return;
	}
	c->blocks = item->before_count;
	after = moments_of(item->after.figures, item->after.count);
	if (!after.is_positive) {
		verdict_refuse(c, verdict_reason_not_positive);
		return;
	}
	c->b_center = exp(after.mean);
	if (item->before_count > 1)
		estimate_several(item, &after, policy);
	else
		estimate_one(item, &after, policy);
}

static enum verdict decide(const struct metric_comparison *c, const struct gate_policy *policy)
{
	if (verdict_is_equivalent(c, policy))
		return VERDICT_EQUIVALENT;
	if (c->p_adjusted < policy->alpha && verdict_excludes_one(c->interval))
		return verdict_of_change(c);
	return VERDICT_INCONCLUSIVE;
}

void across_runs_judge(struct across_item *items, size_t count,
		       const struct gate_policy *policy)
{
	cleanup_free struct metric_comparison *family = memory_alloc_array(count,
									   sizeof(*family));

	for (size_t i = 0; i < count; i++) {
		estimate(&items[i], policy);
		family[i] = items[i].judged;
	}
	(void)verdict_adjust(family, count, policy->correction, NULL);
	for (size_t i = 0; i < count; i++) {
		struct metric_comparison *c = &items[i].judged;

		c->p_adjusted = family[i].p_adjusted;
		c->alpha = policy->alpha;
		if (c->verdict != VERDICT_NOT_COMPARABLE)
			c->verdict = decide(c, policy);
	}
}
