/* verdict_exact.c - the judge of exact mode. What was tried before these rules
 * were chosen, and how often they are wrong, is in docs/measurement.md.
 */
#include <gsl/gsl_cdf.h>
#include <math.h>

#include "cleanup.h"
#include "memory.h"
#include "verdict_private.h"

/* Worlds may fall into two groups. Three seeds then agree by luck so often that
 * no change is called from fewer than four. */
#define SEEDS_MIN 4
/* What is asked for where fewer were measured. */
#define SEEDS_USUAL 5

static const char reason_no_pair[] = "no seed gave a figure on both sides";
static const char reason_equal[] = "equal in every one";
static const char reason_same_change[] = "the same change in every one, no test";
static const char reason_one_seed[] = "one seed says nothing of others";

static bool are_equal(const struct figure_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pairs[i].a != pairs[i].b)
			return false;
	return true;
}

static bool are_positive(const struct figure_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!(pairs[i].a > 0) || !(pairs[i].b > 0))
			return false;
	return true;
}

/* Geometric means; plain ones where a figure has no logarithm. */
static void set_centers(struct metric_comparison *c, const struct figure_pair *pairs)
{
	bool is_positive = are_positive(pairs, c->blocks);
	double a = 0, b = 0;

	for (size_t i = 0; i < c->blocks; i++) {
		a += is_positive ? log(pairs[i].a) : pairs[i].a;
		b += is_positive ? log(pairs[i].b) : pairs[i].b;
	}
	a /= (double)c->blocks;
	b /= (double)c->blocks;
	c->a_center = is_positive ? exp(a) : a;
	c->b_center = is_positive ? exp(b) : b;
}

static void set_equal(struct metric_comparison *c)
{
	c->ratio = 1;
	c->interval = (struct interval){ 1, 1 };
	c->p = c->p_adjusted = 1;
	c->detectable_effect = 0;
	c->reason = reason_equal;
}

static void set_same_change(struct metric_comparison *c, const struct figure_pair *pair)
{
	c->detectable_effect = 0;
	c->reason = reason_same_change;
	if (verdict_is_one_step(c, pair->a, pair->b)) {
		c->reason = verdict_reason_one_step;
		c->p = c->p_adjusted = 1;
	}
}

/* Pairs that are not all equal. Sets *ret_sd where there is a test. */
static void estimate_change(struct metric_comparison *c, const struct figure_pair *pairs,
			    const struct gate_policy *policy, double *ret_sd)
{
	struct paired_figures paired;

	if (!are_positive(pairs, c->blocks)) {
		verdict_refuse(c, verdict_reason_not_positive);
		return;
	}
	paired = statistics_paired(pairs, c->blocks, policy->confidence);
	c->ratio = paired.ratio;
	c->interval = paired.interval;
	c->p = c->p_adjusted = paired.p;
	if (c->blocks == 1) {
		c->reason = reason_one_seed;
	} else if (paired.sd == 0) {
		set_same_change(c, &pairs[0]);
	} else {
		c->p_equivalence = statistics_equivalence_p(
			log(c->ratio), paired.sd, c->blocks, verdict_margin_log(policy));
		*ret_sd = paired.sd;
	}
}

static void estimate(struct metric_comparison *c, struct verdict_figures *figures,
		     const struct gate_policy *policy)
{
	cleanup_free struct figure_pair *pairs = NULL;

	if (!verdict_begin(c, figures))
		return;
	figures->sd = 0;
	pairs = memory_alloc_array(figures->a_count, sizeof(*pairs));
	c->blocks = statistics_pairs(figures->a, figures->a_count, figures->b,
				     figures->b_count, SUMMARY_MEDIAN, pairs);
	if (c->blocks == 0) {
		verdict_refuse(c, reason_no_pair);
		return;
	}
	set_centers(c, pairs);
	if (c->metric->kind == METRIC_OUTCOME)
		verdict_outcome_estimate(c, figures, policy);
	else if (are_equal(pairs, c->blocks))
		set_equal(c);
	else
		estimate_change(c, pairs, policy, &figures->sd);
}

static enum verdict decide(const struct metric_comparison *c,
			   const struct gate_policy *policy)
{
	if (verdict_is_equivalent(c, policy))
		return VERDICT_EQUIVALENT;
	if (c->blocks >= SEEDS_MIN && c->p_adjusted < policy->alpha &&
	    verdict_excludes_one(c->interval) && fabs(log(c->ratio)) > verdict_margin_log(policy))
		return verdict_of_change(c);
	return VERDICT_INCONCLUSIVE;
}

/* Smallest change that is found significant and, as it will be seen, beyond the
 * margin with the power; none is with too few seeds. */
static double detectable_effect(size_t seeds, double sd, double alpha,
				const struct gate_policy *policy)
{
	double beyond = verdict_margin_log(policy) + gsl_cdf_ugaussian_Pinv(VERDICT_POWER) *
						     sd / sqrt((double)seeds);

	if (seeds < SEEDS_MIN)
		return INFINITY;
	return fmax(expm1(beyond),
		    statistics_detectable_effect(sd, seeds, alpha, VERDICT_POWER));
}

/* Seeds after which a mean `over` beyond the margin is also seen there. */
static size_t seeds_to_exceed(double sd, double over)
{
	double needed = ceil(pow(gsl_cdf_ugaussian_Pinv(VERDICT_POWER) * sd / over, 2));

	return needed < STATISTICS_BLOCKS_MAX ? (size_t)needed : STATISTICS_BLOCKS_MAX;
}

/* More seeds after which the verdict would no longer be inconclusive, if the
 * change is what it seems: shown beyond the margin or inside it. */
static size_t more_seeds(const struct metric_comparison *c, double sd, double alpha,
			 const struct gate_policy *policy)
{
	double effect = fabs(log(c->ratio));
	double over = effect - verdict_margin_log(policy);
	size_t needed, exceed;

	if (over > 0) {
		needed = statistics_blocks_needed(sd, expm1(effect), alpha, VERDICT_POWER);
		exceed = seeds_to_exceed(sd, over);
		needed = needed > exceed ? needed : exceed;
	} else {
		needed = statistics_blocks_needed(
			sd, expm1(-over), verdict_equivalence_alpha(policy), VERDICT_POWER);
	}
	return needed > c->blocks ? needed - c->blocks : 1;
}

static void conclude(struct metric_comparison *c, const struct verdict_figures *figures,
		     size_t family, const struct gate_policy *policy)
{
	double alpha = verdict_alpha(c, policy, family), sd = figures->sd;

	if (c->metric->kind == METRIC_OUTCOME) {
		verdict_outcome_conclude(c, figures, policy, alpha);
		return;
	}
	c->verdict = decide(c, policy);
	if (!c->reason)
		c->detectable_effect = detectable_effect(c->blocks, sd, alpha, policy);
	if (c->verdict != VERDICT_INCONCLUSIVE || c->reason == verdict_reason_one_step)
		return;
	if (!c->reason)
		c->blocks_needed = more_seeds(c, sd, alpha, policy);
	if (c->blocks < SEEDS_MIN && c->blocks_needed < SEEDS_USUAL - c->blocks)
		c->blocks_needed = SEEDS_USUAL - c->blocks;
}

void verdict_judge_exact_with(struct metric_comparison *comparisons, size_t count,
			      const struct gate_policy *policy,
			      const struct verdict_others *others)
{
	cleanup_free struct verdict_figures *figures =
		memory_alloc_array(count, sizeof(*figures));
	size_t family;

	for (size_t i = 0; i < count; i++)
		estimate(&comparisons[i], &figures[i], policy);
	family = verdict_adjust(comparisons, count, policy->correction, others);
	for (size_t i = 0; i < count; i++) {
		struct metric_comparison *c = &comparisons[i];

		c->alpha = policy->alpha;
		if (c->verdict != VERDICT_NOT_COMPARABLE) {
			conclude(c, &figures[i], family, policy);
			verdict_tail_fill(c, policy->confidence, i);
		}
		verdict_figures_release(&figures[i]);
	}
}

void verdict_judge_exact(struct metric_comparison *comparisons, size_t count,
			 const struct gate_policy *policy)
{
	verdict_judge_exact_with(comparisons, count, policy, NULL);
}
