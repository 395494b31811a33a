/* test_comparison_outcomes.c - boots that do not pass: rates of both sides, Fisher's
 * test, and what the gate makes of it.
 */
#include <math.h>
#include <string.h>

#include "fake_run.h"
#include "memory.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_run_release)

static void crash(struct fake_run *fake, uint32_t cell, uint32_t variant, uint32_t from,
		  uint32_t count)
{
	for (uint32_t block = from; block < from + count; block++)
		fake_run_trial(fake, cell, variant, block)->outcome = OUTCOME_CRASHED;
}

static void test_all_pass(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake.value = fake_value_equal;
	if (!fake_run_compare(&fake, &c) || !test_check(c.outcomes_count == FAKE_CELLS))
		return;
	for (uint32_t cell = 0; cell < FAKE_CELLS; cell++) {
		const struct comparison_outcome *outcome = &c.outcomes[cell];

		CU_ASSERT_EQUAL(outcome->cell, cell);
		CU_ASSERT_EQUAL(outcome->variant, FAKE_PATCHED);
		CU_ASSERT_EQUAL(outcome->a_passed, 2 * FAKE_BLOCKS);
		CU_ASSERT_EQUAL(outcome->a_count, 2 * FAKE_BLOCKS);
		CU_ASSERT_EQUAL(outcome->b_passed, FAKE_BLOCKS);
		CU_ASSERT_EQUAL(outcome->b_count, FAKE_BLOCKS);
		CU_ASSERT_EQUAL(outcome->p, 1);
		CU_ASSERT_EQUAL(outcome->p_adjusted, 1);
		CU_ASSERT_EQUAL(outcome->verdict, VERDICT_EQUIVALENT);
		/* Clopper and Pearson: 0.025^(1/12) and 0.025^(1/6) */
		CU_ASSERT_DOUBLE_EQUAL(outcome->a_rate.low, 0.7353515, 1e-6);
		CU_ASSERT_DOUBLE_EQUAL(outcome->b_rate.low, 0.5407419, 1e-6);
		CU_ASSERT_EQUAL(outcome->a_rate.high, 1);
	}
	CU_ASSERT_EQUAL(c.gate, GATE_PASS);
}

/* The rates of cells without a failure take nothing from what the metrics may spend;
 * one with a failure does. */
static void test_family(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison before = COMPARISON_INIT, after = COMPARISON_INIT;

	fake_run_init(&fake);
	fake.run.gate.correction = CORRECTION_HOLM;
	if (!fake_run_compare(&fake, &before))
		return;
	/* four metrics that are gated, the slowest of them first */
	CU_ASSERT_DOUBLE_EQUAL(before.entries[0].judged.p_adjusted,
			       4 * before.entries[0].judged.p, 1e-12);
	crash(&fake, 1, FAKE_STOCK, 0, 1);
	if (!fake_run_compare(&fake, &after))
		return;
	CU_ASSERT_DOUBLE_EQUAL(after.entries[0].judged.p_adjusted,
			       5 * after.entries[0].judged.p, 1e-12);
	CU_ASSERT_EQUAL(after.outcomes[0].p_adjusted, 1);
	CU_ASSERT_EQUAL(after.outcomes[1].p, 1);
}

/* 1 of 12 against 6 of 6: R's fisher.test gives 0.0003771; adjusted for it and the
 * metrics that are left in the family it stays below alpha. */
static void test_rate_went_up(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake.value = fake_value_equal;
	crash(&fake, 1, FAKE_STOCK, 2, 1);
	crash(&fake, 1, FAKE_PATCHED, 0, FAKE_BLOCKS);
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_DOUBLE_EQUAL(c.outcomes[1].p, 12.0 / 31824, 1e-9);
	CU_ASSERT_TRUE(c.outcomes[1].p_adjusted > c.outcomes[1].p);
	CU_ASSERT_EQUAL(c.outcomes[1].verdict, VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(c.outcomes[0].verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_TRUE(c.outcome_worse);
	CU_ASSERT_TRUE(c.outcome_regressed);
	CU_ASSERT_FALSE(c.outcome_suspect);
	CU_ASSERT_EQUAL(c.gate, GATE_REGRESSED);
}

/* Both fail about as often: nothing can be said, and nothing passes. */
static void test_rates_alike(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake.value = fake_value_equal;
	crash(&fake, 1, FAKE_STOCK, 0, 1);
	crash(&fake, 1, FAKE_PATCHED, 5, 1);
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.outcomes[1].a_passed, 2 * FAKE_BLOCKS - 1);
	CU_ASSERT_EQUAL(c.outcomes[1].b_passed, FAKE_BLOCKS - 1);
	CU_ASSERT_EQUAL(c.outcomes[1].verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_FALSE(c.outcome_regressed);
	CU_ASSERT_TRUE(c.outcome_suspect);
	CU_ASSERT_EQUAL(c.gate, GATE_INCONCLUSIVE);
}

/* One crash that the baseline never has is evidence by itself, whatever Fisher says. */
static void test_one_crash(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake.value = fake_value_equal;
	crash(&fake, 1, FAKE_PATCHED, 0, 1);
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_TRUE(c.outcomes[1].p > 0.05);
	CU_ASSERT_EQUAL(c.outcomes[1].verdict, VERDICT_REGRESSED);
	CU_ASSERT_FALSE(c.outcome_worse);
	CU_ASSERT_TRUE(c.outcome_regressed);
	CU_ASSERT_EQUAL(c.gate, GATE_REGRESSED);
}

static void test_rate_went_down(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT, few = COMPARISON_INIT;

	fake_run_init(&fake);
	fake.value = fake_value_equal;
	crash(&fake, 0, FAKE_STOCK, 0, 2);
	if (!fake_run_compare(&fake, &few))
		return;
	CU_ASSERT_EQUAL(few.outcomes[0].verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(few.gate, GATE_PASS); /* no fault of the candidate's */
	crash(&fake, 0, FAKE_STOCK, 0, 4);
	crash(&fake, 0, FAKE_CONTROL, 0, FAKE_BLOCKS);
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.outcomes[0].a_passed, 2);
	CU_ASSERT_EQUAL(c.outcomes[0].verdict, VERDICT_IMPROVED);
	CU_ASSERT_FALSE(c.outcome_regressed || c.outcome_suspect);
}

/* Broken and skipped boots say nothing of the kernel, those not run neither. */
static void test_what_counts(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake_run_trial(&fake, 0, FAKE_PATCHED, 0)->outcome = OUTCOME_BROKEN;
	fake_run_trial(&fake, 0, FAKE_PATCHED, 1)->outcome = OUTCOME_SKIPPED;
	fake_run_trial(&fake, 0, FAKE_PATCHED, 2)->state = TRIAL_PLANNED;
	fake_run_trial(&fake, 0, FAKE_PATCHED, 3)->outcome = OUTCOME_TIMED_OUT;
	fake_run_trial(&fake, 0, FAKE_PATCHED, 4)->outcome = OUTCOME_FAILED;
	for (uint32_t block = 0; block < FAKE_BLOCKS; block++)
		fake_run_trial(&fake, 1, FAKE_PATCHED, block)->state = TRIAL_PLANNED;
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.outcomes[0].b_count, 3);
	CU_ASSERT_EQUAL(c.outcomes[0].b_passed, 1);
	CU_ASSERT_EQUAL(c.outcomes[1].b_count, 0);
	CU_ASSERT_TRUE(isnan(c.outcomes[1].p));
	CU_ASSERT_TRUE(isnan(c.outcomes[1].b_rate.low));
	CU_ASSERT_EQUAL(c.outcomes[1].verdict, VERDICT_NOT_COMPARABLE);
}

/* Rates of other conditions are not compared; the control withholds what is only a
 * rate, but not a crash of the candidate alone. */
static void test_withheld(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake.value = fake_value_equal;
	crash(&fake, 1, FAKE_STOCK, 2, 1);
	crash(&fake, 1, FAKE_PATCHED, 0, FAKE_BLOCKS);
	fake_run_set_fingerprint(fake_run_trial(&fake, 1, FAKE_PATCHED, 3), "guest=other\n");
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.outcomes[1].verdict, VERDICT_NOT_COMPARABLE);
	CU_ASSERT_FALSE(c.outcome_worse);
	CU_ASSERT_TRUE(c.outcome_suspect);
	CU_ASSERT_EQUAL(c.gate, GATE_NOT_COMPARABLE);
}

/* A canary is the same boot once more, not another one. */
static void test_exact(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.outcomes[0].a_count, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(c.outcomes[0].b_count, FAKE_BLOCKS);
}

TEST_SUITE("comparison_outcomes", { "all pass", test_all_pass },
	   { "one family with the metrics", test_family },
	   { "the rate went up", test_rate_went_up },
	   { "rates alike", test_rates_alike }, { "one crash", test_one_crash },
	   { "the rate went down", test_rate_went_down },
	   { "what counts", test_what_counts }, { "withheld", test_withheld },
	   { "exact mode", test_exact })
