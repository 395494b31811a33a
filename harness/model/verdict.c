/* verdict.c - figures of a comparison > one of five verdicts. The rules are in
 * docs/measurement.md; what belongs together in a family is the caller's.
 */
#include "verdict.h"

#include <math.h>

#include "cleanup.h"
#include "memory.h"
#include "verdict_private.h"

#define DRAWS 50000
#define RESAMPLES 10000

static const char reason_few_blocks[] = "fewer than two complete blocks";
const char verdict_reason_not_positive[] = "a boot's figure is zero or negative";
static const char reason_constant[] = "every boot of a side gave the same figure";
const char verdict_reason_one_step[] =
	"the difference is one step of the clock's resolution";

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_IMPROVED] = "improved",
		[VERDICT_EQUIVALENT] = "equivalent",
		[VERDICT_INCONCLUSIVE] = "inconclusive",
		[VERDICT_REGRESSED] = "regressed",
		[VERDICT_NOT_COMPARABLE] = "not comparable",
	};

	return (size_t)verdict < ARRAY_COUNT(names) ? names[verdict] : "unknown";
}

/* Independent generators from one seed (splitmix64: Steele, Lea and Flood 2014). */
static uint64_t derive_seed(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Whether every boot of a side has the same figure. */
static bool is_constant(const struct boot_samples *figures, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (figures[i].values[0] != figures[0].values[0])
			return false;
	return true;
}

bool verdict_is_one_step(const struct metric_comparison *c, double a, double b)
{
	double step = 1;

	if (c->metric->kind == METRIC_COUNT || c->metric->kind == METRIC_RATE)
		return false;
	if (fmod(a, 1) != 0 || fmod(b, 1) != 0)
		return false;
	while (step < 1e12 && fmod(a, 10 * step) == 0 && fmod(b, 10 * step) == 0)
		step *= 10;
	return fabs(a - b) == step;
}

static void judge_constant(struct metric_comparison *c, double a, double b)
{
	c->p = c->p_adjusted = c->ratio == 1 ? 1 : 0;
	c->interval = (struct interval){ c->ratio, c->ratio };
	c->detectable_effect = 0;
	c->reason = reason_constant;
	if (c->ratio != 1 && verdict_is_one_step(c, a, b)) {
		c->reason = verdict_reason_one_step;
		c->p = c->p_adjusted = 1;
	}
}

/* Of figures: the interval of the ratio and both tests. */
static void estimate_change(struct metric_comparison *c,
			    const struct verdict_figures *figures,
			    const struct gate_policy *policy, uint64_t seed)
{
	c->interval = statistics_ratio_interval(
		figures->a, figures->a_count, figures->b, figures->b_count,
		SUMMARY_MEDIAN, policy->confidence, RESAMPLES, derive_seed(seed, 0));
	c->p = c->p_adjusted = statistics_permutation_p(
		figures->a, figures->a_count, figures->b, figures->b_count,
		SUMMARY_MEDIAN, DRAWS, derive_seed(seed, 1), NULL);
	c->p_equivalence = statistics_equivalence_p(log(c->ratio), figures->sd, c->blocks,
						    verdict_margin_log(policy));
}

static void estimate(struct metric_comparison *c, struct verdict_figures *figures,
		     const struct gate_policy *policy, uint64_t seed)
{
	if (!verdict_begin(c, figures))
		return;
	statistics_centers(figures->a, figures->a_count, figures->b, figures->b_count,
			   SUMMARY_MEDIAN, &c->a_center, &c->b_center, &c->blocks);
	if (c->blocks < 2) {
		verdict_refuse(c, reason_few_blocks);
		return;
	}
	if (c->metric->kind == METRIC_OUTCOME) {
		verdict_outcome_estimate(c, figures, policy);
		return;
	}
	c->ratio = statistics_ratio(figures->a, figures->a_count, figures->b,
				    figures->b_count, SUMMARY_MEDIAN);
	if (isnan(c->ratio)) {
		verdict_refuse(c, verdict_reason_not_positive);
		return;
	}
	figures->sd = statistics_block_sd(figures->a, figures->a_count, figures->b,
					  figures->b_count, SUMMARY_MEDIAN, &c->blocks);
	if (is_constant(figures->a, figures->a_count) &&
	    is_constant(figures->b, figures->b_count))
		judge_constant(c, figures->a[0].values[0], figures->b[0].values[0]);
	else
		estimate_change(c, figures, policy, seed);
}

size_t verdict_adjust(struct metric_comparison *comparisons, size_t count,
		      enum correction correction, const struct verdict_others *others)
{
	size_t all = count + (others ? others->count : 0), family = 0;
	cleanup_free double *p = memory_alloc_array(all, sizeof(*p));
	cleanup_free double *adjusted = memory_alloc_array(all, sizeof(*p));

	for (size_t i = 0; i < all; i++) {
		if (i >= count)
			p[i] = others->p[i - count];
		else
			p[i] = comparisons[i].metric->secondary ? (double)NAN :
								  comparisons[i].p;
		adjusted[i] = p[i];
		family += !isnan(p[i]);
	}
	if (correction == CORRECTION_BENJAMINI_HOCHBERG)
		statistics_adjust_bh(p, all, adjusted);
	else if (correction == CORRECTION_HOLM)
		statistics_adjust_holm(p, all, adjusted);
	for (size_t i = 0; i < all; i++) {
		if (i >= count)
			others->adjusted[i - count] = adjusted[i];
		else if (!isnan(p[i]))
			comparisons[i].p_adjusted = adjusted[i];
	}
	return family;
}

bool verdict_inside_margin(struct interval interval, double margin_percent)
{
	double margin = margin_percent / 100;

	return interval.low >= 1 / (1 + margin) && interval.high <= 1 + margin;
}

bool verdict_excludes_one(struct interval interval)
{
	return interval.low > 1 || interval.high < 1;
}

double verdict_margin_log(const struct gate_policy *policy)
{
	return log1p(policy->margin_percent / 100);
}

bool verdict_is_equivalent(const struct metric_comparison *c,
			   const struct gate_policy *policy)
{
	return verdict_inside_margin(c->interval, policy->margin_percent) &&
	       (isnan(c->p_equivalence) || c->p_equivalence < policy->alpha);
}

double verdict_equivalence_alpha(const struct gate_policy *policy)
{
	return fmin(1 - policy->confidence, 2 * policy->alpha);
}

/* More blocks after which the verdict would no longer be inconclusive: the
 * observed effect is detected, or it is shown to be inside the margin. */
static size_t more_blocks(const struct metric_comparison *c,
			  const struct verdict_figures *figures, double alpha,
			  const struct gate_policy *policy)
{
	double effect = fabs(log(c->ratio)), sd = figures->sd;
	double room = verdict_margin_log(policy) - effect;
	size_t detect = statistics_blocks_needed(sd, expm1(effect), alpha, VERDICT_POWER);
	size_t equivalent = statistics_blocks_needed(
		sd, expm1(room), verdict_equivalence_alpha(policy), VERDICT_POWER);
	size_t resolution = statistics_permutation_blocks(
		figures->a, figures->a_count, figures->b, figures->b_count, alpha);
	size_t needed;

	if (detect < resolution)
		detect = resolution;
	needed = detect < equivalent ? detect : equivalent;
	return needed > c->blocks ? needed - c->blocks : 1;
}

enum verdict verdict_of_change(const struct metric_comparison *c)
{
	bool is_worse = (c->ratio > 1) == (c->metric->better == BETTER_LOWER);

	return is_worse ? VERDICT_REGRESSED : VERDICT_IMPROVED;
}

static enum verdict decide(const struct metric_comparison *c,
			   const struct gate_policy *policy)
{
	if (verdict_is_equivalent(c, policy))
		return VERDICT_EQUIVALENT;
	if (c->p_adjusted < policy->alpha && verdict_excludes_one(c->interval))
		return verdict_of_change(c);
	return VERDICT_INCONCLUSIVE;
}

double verdict_alpha(const struct metric_comparison *c, const struct gate_policy *policy,
		     size_t family)
{
	if (policy->correction == CORRECTION_NONE || c->metric->secondary)
		return policy->alpha;
	return policy->alpha / (double)family;
}

static void conclude(struct metric_comparison *c, const struct verdict_figures *figures,
		     const struct gate_policy *policy, size_t family)
{
	double alpha = verdict_alpha(c, policy, family);

	if (c->metric->kind == METRIC_OUTCOME) {
		verdict_outcome_conclude(c, figures, policy, alpha);
		return;
	}
	c->verdict = decide(c, policy);
	if (c->reason)
		return;
	c->detectable_effect = statistics_detectable_effect(figures->sd, c->blocks, alpha,
							    VERDICT_POWER);
	if (c->verdict == VERDICT_INCONCLUSIVE)
		c->blocks_needed = more_blocks(c, figures, alpha, policy);
}

void verdict_judge_with(struct metric_comparison *comparisons, size_t count,
			const struct gate_policy *policy, uint64_t seed,
			const struct verdict_others *others)
{
	cleanup_free struct verdict_figures *figures =
		memory_alloc_array(count, sizeof(*figures));
	size_t family;

	for (size_t i = 0; i < count; i++)
		estimate(&comparisons[i], &figures[i], policy, derive_seed(seed, i));
	family = verdict_adjust(comparisons, count, policy->correction, others);
	for (size_t i = 0; i < count; i++) {
		struct metric_comparison *c = &comparisons[i];

		c->alpha = policy->alpha;
		if (c->verdict != VERDICT_NOT_COMPARABLE) {
			conclude(c, &figures[i], policy, family);
			verdict_tail_fill(c, policy->confidence,
					  derive_seed(derive_seed(seed, i), 2));
		}
		verdict_figures_release(&figures[i]);
	}
}

void verdict_judge(struct metric_comparison *comparisons, size_t count,
		   const struct gate_policy *policy, uint64_t seed)
{
	verdict_judge_with(comparisons, count, policy, seed, NULL);
}

bool verdict_control_fired(const struct metric_comparison *comparisons,
			   size_t count, const struct gate_policy *policy)
{
	for (size_t i = 0; i < count; i++) {
		const struct metric_comparison *c = &comparisons[i];

		if (c->metric->secondary || c->verdict == VERDICT_NOT_COMPARABLE)
			continue;
		if (c->p_adjusted < policy->alpha &&
		    !verdict_inside_margin(c->interval, policy->margin_percent))
			return true;
	}
	return false;
}

enum gate_exit verdict_gate(const struct metric_comparison *comparisons,
			    size_t count, bool control_fired)
{
	size_t found[VERDICT_NOT_COMPARABLE + 1] = { 0 };
	size_t primary = 0;

	for (size_t i = 0; i < count; i++) {
		if (comparisons[i].metric->secondary)
			continue;
		found[comparisons[i].verdict]++;
		primary++;
	}
	if (control_fired || primary == 0)
		return GATE_NOT_COMPARABLE;
	if (found[VERDICT_REGRESSED])
		return GATE_REGRESSED;
	if (found[VERDICT_NOT_COMPARABLE])
		return GATE_NOT_COMPARABLE;
	return found[VERDICT_INCONCLUSIVE] ? GATE_INCONCLUSIVE : GATE_PASS;
}
