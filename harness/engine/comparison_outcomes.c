/* comparison_outcomes.c - boots that do not pass: the rates of both sides, and what
 * they say. docs/measurement.md, "Boots that do not pass".
 */
#include <math.h>

#include "comparison.h"
#include "memory.h"

struct pass_count {
	uint32_t passed, count;
};

/* Boots that say something of the kernel: neither broken nor skipped. */
static void add_boots(struct pass_count *sum, const struct comparison_boots *boots)
{
	sum->passed += boots->passed;
	sum->count += boots->passed + boots->failed + boots->crashed + boots->timed_out;
}

/* Both copies of the baseline; in exact mode the second is the first once more, and
 * stands only where that was left out. */
static struct pass_count baseline_boots(const struct stored_run *run,
					const struct comparison_boots *cell)
{
	struct pass_count sum = { .count = 0 };

	add_boots(&sum, &cell[run->baseline]);
	if (run->control_variant >= 0 && (run->mode != MODE_EXACT || sum.count == 0))
		add_boots(&sum, &cell[run->control_variant]);
	return sum;
}

static bool is_candidate(const struct stored_run *run, uint32_t variant)
{
	return variant != run->baseline && (int64_t)variant != run->control_variant;
}

static bool all_pass(const struct comparison_outcome *outcome)
{
	return outcome->a_passed == outcome->a_count && outcome->b_passed == outcome->b_count;
}

static void compare_rates(struct comparison_outcome *outcome, double confidence)
{
	const struct interval unknown = { NAN, NAN };

	outcome->a_rate = outcome->b_rate = unknown;
	outcome->p = outcome->p_adjusted = NAN;
	if (outcome->a_count > 0)
		outcome->a_rate = statistics_share_interval(outcome->a_passed, outcome->a_count,
							    confidence);
	if (outcome->b_count > 0)
		outcome->b_rate = statistics_share_interval(outcome->b_passed, outcome->b_count,
							    confidence);
	if (outcome->a_count > 0 && outcome->b_count > 0)
		outcome->p = statistics_fisher_p(outcome->a_passed, outcome->a_count,
						 outcome->b_passed, outcome->b_count);
}

void comparison_gather_outcomes(struct comparison *c, const struct stored_run *run)
{
	c->outcomes = memory_alloc_array(run->cells_count * run->variants_count,
					 sizeof(*c->outcomes));
	for (uint32_t cell = 0; cell < run->cells_count; cell++) {
		const struct comparison_boots *boots = &c->boots[cell * run->variants_count];
		struct pass_count a = baseline_boots(run, boots);

		for (uint32_t variant = 0; variant < run->variants_count; variant++) {
			struct comparison_outcome *outcome = &c->outcomes[c->outcomes_count];
			struct pass_count b = { .count = 0 };

			if (!is_candidate(run, variant))
				continue;
			add_boots(&b, &boots[variant]);
			*outcome = (struct comparison_outcome){
				.cell = cell, .variant = variant,
				.a_passed = a.passed, .a_count = a.count,
				.b_passed = b.passed, .b_count = b.count,
			};
			compare_rates(outcome, c->policy.confidence);
			c->outcomes_count++;
		}
	}
}

/* --- verdicts ---------------------------------------------------------------------- */

double comparison_outcome_p(const struct comparison_outcome *outcome)
{
	return all_pass(outcome) ? NAN : outcome->p;
}

/* baseline_fails: anywhere in the run. A crash that the baseline never has is
 * evidence by itself, where Fisher's test would ask for several. */
static enum verdict judge_rate(const struct comparison_outcome *outcome, bool baseline_fails,
			       double alpha)
{
	double a, b;

	if (outcome->a_count == 0 || outcome->b_count == 0)
		return VERDICT_NOT_COMPARABLE;
	if (all_pass(outcome))
		return VERDICT_EQUIVALENT;
	if (!baseline_fails)
		return VERDICT_REGRESSED;
	if (isnan(outcome->p_adjusted))
		return VERDICT_NOT_COMPARABLE;
	if (outcome->p_adjusted >= alpha)
		return VERDICT_INCONCLUSIVE;
	a = (double)outcome->a_passed / outcome->a_count;
	b = (double)outcome->b_passed / outcome->b_count;
	return b < a ? VERDICT_REGRESSED : VERDICT_IMPROVED;
}

void comparison_judge_outcomes(struct comparison *c, const struct stored_run *run)
{
	bool baseline = false, candidate = false;

	for (size_t i = 0; i < c->boots_count; i++) {
		const struct comparison_boots *boots = &c->boots[i];

		if (boots->crashed + boots->failed + boots->timed_out == 0)
			continue;
		if (is_candidate(run, boots->variant))
			candidate = true;
		else
			baseline = true;
	}
	for (size_t i = 0; i < c->outcomes_count; i++) {
		struct comparison_outcome *outcome = &c->outcomes[i];

		outcome->verdict = judge_rate(outcome, baseline, c->policy.alpha);
		c->outcome_worse |= baseline && outcome->verdict == VERDICT_REGRESSED;
	}
	c->outcome_regressed = (candidate && !baseline) || c->outcome_worse;
	c->outcome_suspect = candidate && baseline && !c->outcome_worse;
}
