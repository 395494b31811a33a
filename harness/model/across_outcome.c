/* across_outcome.c - pass rates of a run against those of earlier ones. */
#include <math.h>

#include "across_runs.h"
#include "verdict_private.h"

static const char reason_no_boot[] = "a side has no usable boot";
static const char reason_all_passed[] = "every boot of both sides passed";

struct share {
	uint64_t passed, count;
};

static void add_boots(struct share *share, const struct run_unit *unit)
{
	for (size_t i = 0; i < unit->count; i++)
		share->passed += unit->figures[i] == 1;
	share->count += unit->count;
}

static enum verdict decide(const struct metric_comparison *c, const struct share *before,
			   const struct share *after, double alpha)
{
	if (before->passed == before->count && after->passed == after->count)
		return VERDICT_EQUIVALENT;
	if (!(c->p < alpha))
		return VERDICT_INCONCLUSIVE;
	return c->b_center < c->a_center ? VERDICT_REGRESSED : VERDICT_IMPROVED;
}

void across_outcome_judge(struct across_item *item, const struct gate_policy *policy)
{
	const struct metric_info *metric = item->judged.metric;
	struct metric_comparison *c = &item->judged;
	struct share before = { 0, 0 }, after = { 0, 0 };

	for (size_t i = 0; i < item->before_count; i++)
		add_boots(&before, &item->before[i]);
	add_boots(&after, &item->after);
	*c = (struct metric_comparison){
		.metric = metric, .a_count = item->before_count, .b_count = item->after.count,
		.a_center = NAN, .b_center = NAN, .ratio = NAN, .interval = { NAN, NAN },
		.p = NAN, .p_adjusted = NAN, .alpha = policy->alpha, .p_equivalence = NAN,
		.tail = { .threshold = NAN }, .detectable_effect = NAN,
		.blocks = item->before_count,
	};
	if (!before.count || !after.count) {
		verdict_refuse(c, reason_no_boot);
		return;
	}
	c->a_center = (double)before.passed / (double)before.count;
	c->b_center = (double)after.passed / (double)after.count;
	c->p = c->p_adjusted = statistics_fisher_p(before.passed, before.count, after.passed,
						   after.count);
	c->verdict = decide(c, &before, &after, policy->alpha);
	if (c->verdict == VERDICT_EQUIVALENT)
		c->reason = reason_all_passed;
}
