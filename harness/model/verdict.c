/* verdict.c - figures of a comparison > one of five verdicts. The rules are in
 * docs/measurement.md; what belongs together in a family is the caller's.
 */
#include "verdict.h"

#include <math.h>

#include "cleanup.h"
#include "memory.h"
#include "verdict_private.h"

#define DRAWS 20000
#define RESAMPLES 10000

static const char reason_no_baseline[] = "no usable boot of the baseline";
static const char reason_no_candidate[] = "no usable boot of the candidate";
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

enum boot_summary verdict_summary(const struct metric_comparison *c)
{
	return c->metric->kind == METRIC_TAIL ? SUMMARY_MAXIMUM : SUMMARY_MEDIAN;
}

/* Independent generators from one seed (splitmix64: Steele, Lea and Flood 2014). */
static uint64_t derive_seed(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Whether every boot of a side has the same summary. */
static bool is_constant(const struct boot_samples *boots, size_t count,
			enum boot_summary summary)
{
	for (size_t i = 1; i < count; i++)
		if (statistics_boot_summary(&boots[i], summary) !=
		    statistics_boot_summary(&boots[0], summary))
			return false;
	return true;
}

static bool is_without_variance(const struct metric_comparison *c)
{
	return is_constant(c->a, c->a_count, verdict_summary(c)) &&
	       is_constant(c->b, c->b_count, verdict_summary(c));
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

static void judge_constant(struct metric_comparison *c)
{
	double a = statistics_boot_summary(&c->a[0], verdict_summary(c));
	double b = statistics_boot_summary(&c->b[0], verdict_summary(c));

	c->p = c->p_adjusted = c->ratio == 1 ? 1 : 0;
	c->interval = (struct interval){ c->ratio, c->ratio };
	c->detectable_effect = 0;
	c->reason = reason_constant;
	if (c->ratio != 1 && verdict_is_one_step(c, a, b)) {
		c->reason = verdict_reason_one_step;
		c->p = c->p_adjusted = 1;
	}
}

void verdict_refuse(struct metric_comparison *c, const char *reason)
{
	c->verdict = VERDICT_NOT_COMPARABLE;
	c->reason = reason;
}

static void clear(struct metric_comparison *c)
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

bool verdict_begin(struct metric_comparison *c)
{
	clear(c);
	if (c->a_count == 0)
		verdict_refuse(c, reason_no_baseline);
	else if (c->b_count == 0)
		verdict_refuse(c, reason_no_candidate);
	return !c->reason;
}

static void estimate(struct metric_comparison *c, const struct gate_policy *policy,
		     uint64_t seed)
{
	enum boot_summary summary = verdict_summary(c);

	if (!verdict_begin(c))
		return;
	statistics_centers(c->a, c->a_count, c->b, c->b_count, summary,
			   &c->a_center, &c->b_center, &c->blocks);
	if (c->blocks < 2) {
		verdict_refuse(c, reason_few_blocks);
		return;
	}
	c->ratio = statistics_ratio(c->a, c->a_count, c->b, c->b_count, summary);
	if (isnan(c->ratio)) {
		verdict_refuse(c, verdict_reason_not_positive);
		return;
	}
	if (is_without_variance(c)) {
		judge_constant(c);
		return;
	}
	c->interval = statistics_ratio_interval(
		c->a, c->a_count, c->b, c->b_count, summary, policy->confidence,
		RESAMPLES, derive_seed(seed, 0));
	c->p = c->p_adjusted = statistics_permutation_p(
		c->a, c->a_count, c->b, c->b_count, summary, DRAWS,
		derive_seed(seed, 1), NULL);
}

size_t verdict_adjust(struct metric_comparison *comparisons, size_t count,
		      enum correction correction)
{
	cleanup_free double *p = memory_alloc_array(count, sizeof(*p));
	cleanup_free double *adjusted = memory_alloc_array(count, sizeof(*p));
	size_t family = 0;

	for (size_t i = 0; i < count; i++) {
		p[i] = comparisons[i].metric->secondary ? (double)NAN : comparisons[i].p;
		family += !isnan(p[i]);
	}
	if (correction == CORRECTION_BENJAMINI_HOCHBERG)
		statistics_adjust_bh(p, count, adjusted);
	else if (correction == CORRECTION_HOLM)
		statistics_adjust_holm(p, count, adjusted);
	for (size_t i = 0; i < count; i++)
		if (correction != CORRECTION_NONE && !isnan(p[i]))
			comparisons[i].p_adjusted = adjusted[i];
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

/* More blocks after which the verdict would no longer be inconclusive: the
 * observed effect is detected, or it is shown to be inside the margin. */
static size_t more_blocks(const struct metric_comparison *c, double sd, double alpha,
			  const struct gate_policy *policy)
{
	double effect = fabs(log(c->ratio));
	double room = log1p(policy->margin_percent / 100) - effect;
	size_t detect = statistics_blocks_needed(sd, expm1(effect), alpha, VERDICT_POWER);
	size_t equivalent = statistics_blocks_needed(
		sd, expm1(room), 1 - policy->confidence, VERDICT_POWER);
	size_t resolution = statistics_permutation_blocks(
		c->a, c->a_count, c->b, c->b_count, alpha);
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
	if (verdict_inside_margin(c->interval, policy->margin_percent))
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

static void conclude(struct metric_comparison *c, const struct gate_policy *policy,
		     size_t family)
{
	double alpha = verdict_alpha(c, policy, family);
	double sd;

	c->verdict = decide(c, policy);
	if (c->reason)
		return;
	sd = statistics_block_sd(c->a, c->a_count, c->b, c->b_count,
				 verdict_summary(c), &c->blocks);
	c->detectable_effect =
		statistics_detectable_effect(sd, c->blocks, alpha, VERDICT_POWER);
	if (c->verdict == VERDICT_INCONCLUSIVE)
		c->blocks_needed = more_blocks(c, sd, alpha, policy);
}

void verdict_judge(struct metric_comparison *comparisons, size_t count,
		   const struct gate_policy *policy, uint64_t seed)
{
	size_t family;

	for (size_t i = 0; i < count; i++)
		estimate(&comparisons[i], policy, derive_seed(seed, i));
	family = verdict_adjust(comparisons, count, policy->correction);
	for (size_t i = 0; i < count; i++)
		if (comparisons[i].verdict != VERDICT_NOT_COMPARABLE)
			conclude(&comparisons[i], policy, family);
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
