/* verdict_outcome.c - metrics whose samples are 0 or 1. A boot passed where all its
 * samples did; boots are counted, and Fisher's exact test compares the counts.
 */
#include <math.h>

#include "verdict_private.h"

static const char reason_all_passed[] = "every boot of both sides passed";
static const char reason_fail_alike[] = "as large a share of boots passed on both sides";

static uint64_t count_hits(const struct boot_samples *figures, size_t count)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < count; i++)
		hits += figures[i].values[0] == 1;
	return hits;
}

/* Of the ratio of two rates: the ends of each rate's interval against the other's far
 * end, both taken wider so that the two together hold (Bonferroni). */
static struct interval ratio_interval(uint64_t a_hits, uint64_t a_count, uint64_t b_hits,
				      uint64_t b_count, double confidence)
{
	struct interval a = statistics_share_interval(a_hits, a_count, (1 + confidence) / 2);
	struct interval b = statistics_share_interval(b_hits, b_count, (1 + confidence) / 2);

	return (struct interval){ b.low / a.high, a.low > 0 ? b.high / a.low : INFINITY };
}

void verdict_outcome_estimate(struct metric_comparison *c,
			      const struct verdict_figures *figures,
			      const struct gate_policy *policy)
{
	uint64_t a_hits = count_hits(figures->a, figures->a_count);
	uint64_t b_hits = count_hits(figures->b, figures->b_count);

	c->a_center = (double)a_hits / (double)figures->a_count;
	c->b_center = (double)b_hits / (double)figures->b_count;
	c->ratio = a_hits ? c->b_center / c->a_center : (double)NAN;
	c->interval = ratio_interval(a_hits, figures->a_count, b_hits, figures->b_count,
				     policy->confidence);
	c->p = c->p_adjusted = statistics_fisher_p(a_hits, figures->a_count, b_hits,
						   figures->b_count);
	if (c->a_center == 1 && c->b_center == 1)
		c->reason = reason_all_passed;
}

static enum verdict decide(const struct metric_comparison *c,
			   const struct gate_policy *policy)
{
	bool is_worse = (c->b_center > c->a_center) == (c->metric->better == BETTER_LOWER);

	if (c->a_center == 1 && c->b_center == 1)
		return VERDICT_EQUIVALENT;
	if (c->p_adjusted < policy->alpha)
		return is_worse ? VERDICT_REGRESSED : VERDICT_IMPROVED;
	return VERDICT_INCONCLUSIVE;
}

/* Whether the same shares of so many boots for each one there is would differ. */
static bool differs(const struct metric_comparison *c,
		    const struct verdict_figures *figures, double factor, double alpha)
{
	double a = round(factor * (double)figures->a_count);
	double b = round(factor * (double)figures->b_count);

	return statistics_fisher_p((uint64_t)round(a * c->a_center), (uint64_t)a,
				   (uint64_t)round(b * c->b_center), (uint64_t)b) < alpha;
}

static size_t more_blocks(const struct metric_comparison *c,
			  const struct verdict_figures *figures, double alpha)
{
	size_t low = c->blocks, high = c->blocks;

	do {
		low = high;
		high *= 2;
		if (high > STATISTICS_BLOCKS_MAX)
			return STATISTICS_BLOCKS_MAX;
	} while (!differs(c, figures, (double)high / (double)c->blocks, alpha));
	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (differs(c, figures, (double)middle / (double)c->blocks, alpha))
			high = middle;
		else
			low = middle;
	}
	return high - c->blocks;
}

void verdict_outcome_conclude(struct metric_comparison *c,
			      const struct verdict_figures *figures,
			      const struct gate_policy *policy, double alpha)
{
	double rate = statistics_detectable_share(count_hits(figures->a, figures->a_count),
						  figures->a_count, figures->b_count, alpha,
						  VERDICT_POWER);

	c->verdict = decide(c, policy);
	c->detectable_effect = isnan(rate) ? (double)INFINITY : 1 - rate / c->a_center;
	if (c->verdict != VERDICT_INCONCLUSIVE)
		return;
	if (c->a_center == c->b_center)
		c->reason = reason_fail_alike;
	else
		c->blocks_needed = more_blocks(c, figures, alpha);
}
