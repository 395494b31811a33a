/* test_comparison_looks.c - runs that are judged on the way: the level of each look,
 * what is settled, and what a run that stopped early looks like.
 */
#include <math.h>
#include <string.h>

#include "fake_run.h"
#include "memory.h"
#include "sequential.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_run_release)

/* Six blocks with looks after 2, 4 and 6, of which `taken` were taken, and boots of
 * `blocks` are over. */
static void init(struct fake_run *fake, size_t taken, uint32_t blocks)
{
	fake_run_init(fake);
	fake->value = fake_value_equal;
	free(fake->run.state);
	fake->run.state = string_copy("running");
	fake->run.looks_count = 3;
	fake->run.looks = memory_alloc_array(3, sizeof(*fake->run.looks));
	for (uint32_t i = 0; i < 3; i++)
		fake->run.looks[i] = (struct stored_look){ .blocks = 2 * (i + 1),
							   .taken_wall_ns = i < taken };
	for (size_t i = 0; i < fake->run.trials_count; i++)
		if (fake->run.trials[i].block >= blocks)
			fake->run.trials[i].state = TRIAL_PLANNED;
}

static void check_level(size_t taken, uint32_t blocks, const char *state,
			const double *shares, size_t count)
{
	cleanup_fake struct fake_run fake;
	struct comparison_looks looks;
	struct gate_policy policy;

	init(&fake, taken, blocks);
	free(fake.run.state);
	fake.run.state = string_copy(state);
	comparison_look_policy(&fake.run, &fake.run.gate, &looks, &policy);
	CU_ASSERT_EQUAL(policy.alpha, sequential_level(0.05, shares, count));
	CU_ASSERT_DOUBLE_EQUAL(policy.confidence, 1 - sequential_level(0.05, shares, count),
			       1e-9);
	CU_ASSERT_EQUAL(policy.margin_percent, fake.run.gate.margin_percent);
	CU_ASSERT_EQUAL(looks.taken_count, taken);
	CU_ASSERT_EQUAL(looks.blocks, blocks);
	CU_ASSERT_EQUAL(looks.blocks_max, 6);
	CU_ASSERT_EQUAL(looks.alpha, 0.05);
	CU_ASSERT_EQUAL(looks.confidence, 0.95);
	CU_ASSERT_FALSE(looks.stopped);
}

static void test_levels(void)
{
	const double first[] = { 2 / 6.0 }, cut[] = { 2 / 6.0, 3 / 6.0 };
	const double last[] = { 2 / 6.0, 4 / 6.0, 1 }, over[] = { 2 / 6.0, 1 };
	const double none[] = { 1 / 6.0 };

	check_level(0, 0, "running", none, 1);
	check_level(0, 2, "running", first, 1);
	check_level(1, 2, "interrupted", first, 1);
	/* cut off between looks: a look of its own, that is not planned */
	check_level(1, 3, "interrupted", cut, 2);
	check_level(3, 6, "finished", last, 3);
	/* the budget ended it, not the figures: what is left is spent */
	check_level(1, 3, "finished", over, 2);
}

static void test_level_rises(void)
{
	cleanup_fake struct fake_run early, late;
	struct comparison_looks looks;
	struct gate_policy at_early, at_late;

	init(&early, 1, 2);
	init(&late, 3, 6);
	comparison_look_policy(&early.run, &early.run.gate, &looks, &at_early);
	comparison_look_policy(&late.run, &late.run.gate, &looks, &at_late);
	CU_ASSERT_TRUE(at_early.alpha < at_late.alpha / 10);
	CU_ASSERT_TRUE(at_late.alpha < 0.05);
	CU_ASSERT_TRUE(at_late.alpha > 0.04);
}

static void test_without_looks(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	fake_run_init(&fake);
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(c.policy.alpha, 0.05);
	CU_ASSERT_EQUAL(c.policy.confidence, 0.95);
	CU_ASSERT_EQUAL(c.looks.planned_count, 0);
	CU_ASSERT_EQUAL(c.looks.alpha, 0.05);
}

/* Metrics at the look's level, the control at the run's: it is asked once. */
static void test_levels_of_both(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	init(&fake, 2, 4);
	if (!fake_run_compare(&fake, &c))
		return;
	for (size_t i = 0; i < c.count; i++)
		CU_ASSERT_EQUAL(c.entries[i].judged.alpha, c.policy.alpha);
	for (size_t i = 0; i < c.control_count; i++)
		CU_ASSERT_EQUAL(c.control[i].judged.alpha, 0.05);
	CU_ASSERT_TRUE(c.policy.alpha < 0.05);
}

/* --- what is settled ----------------------------------------------------------------- */

static void test_settled(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	init(&fake, 3, 6);
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_EQUAL(comparison_open_count(&c), 0);
	/* six blocks are too few for the control to call four metrics different */
	CU_ASSERT_FALSE(c.control_can_fire);
	CU_ASSERT_FALSE(comparison_may_stop(&c, &fake.run));
	c.control_can_fire = true;
	CU_ASSERT_TRUE(comparison_may_stop(&c, &fake.run));
	c.control_can_fire = false;
	c.control_fired = true;
	CU_ASSERT_TRUE(comparison_may_stop(&c, &fake.run));
	c.control_fired = false;
	fake.run.control = false;
	CU_ASSERT_TRUE(comparison_may_stop(&c, &fake.run));
}

static void test_open_metrics(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;
	uint32_t gated = 0;

	init(&fake, 3, 6);
	if (!fake_run_compare(&fake, &c))
		return;
	for (size_t i = 0; i < c.count; i++) {
		c.entries[i].judged.verdict = i % 2 ? VERDICT_INCONCLUSIVE :
						      VERDICT_NOT_COMPARABLE;
		gated += !c.entries[i].judged.metric->secondary;
	}
	CU_ASSERT_EQUAL(comparison_open_count(&c), gated);
	for (size_t i = 0; i < c.count; i++)
		c.entries[i].judged.verdict = i % 2 ? VERDICT_REGRESSED : VERDICT_IMPROVED;
	CU_ASSERT_EQUAL(comparison_open_count(&c), 0);
	/* what is derived from another metric is never waited for */
	for (size_t i = 0; i < c.count; i++)
		if (c.entries[i].judged.metric->secondary)
			c.entries[i].judged.verdict = VERDICT_INCONCLUSIVE;
	CU_ASSERT_EQUAL(comparison_open_count(&c), 0);
	c.count = 0; /* nothing is gated: nothing is settled */
	CU_ASSERT_EQUAL(comparison_open_count(&c), 1);
	CU_ASSERT_FALSE(comparison_may_stop(&c, &fake.run));
}

static void test_open_outcomes(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT;

	init(&fake, 3, 6);
	if (!fake_run_compare(&fake, &c))
		return;
	c.outcomes[0].verdict = VERDICT_INCONCLUSIVE;
	CU_ASSERT_EQUAL(comparison_open_count(&c), 0); /* the candidate never failed */
	c.outcomes[0].b_passed--;
	CU_ASSERT_EQUAL(comparison_open_count(&c), 1);
	c.outcomes[0].verdict = VERDICT_REGRESSED;
	CU_ASSERT_EQUAL(comparison_open_count(&c), 0);
	/* a kernel that dies gives no figures, however often it is booted */
	for (size_t i = 0; i < c.count; i++)
		if (c.entries[i].cell == 0)
			c.entries[i].judged.verdict = VERDICT_NOT_COMPARABLE;
	CU_ASSERT_EQUAL(comparison_open_count(&c), 0);
	c.outcomes[0].verdict = VERDICT_EQUIVALENT;
	CU_ASSERT_TRUE(comparison_open_count(&c) > 0);
}

/* What a look left out was not planned after all. */
static void test_stopped(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = COMPARISON_INIT, cut = COMPARISON_INIT;

	init(&fake, 2, 4);
	if (!fake_run_compare(&fake, &cut))
		return;
	CU_ASSERT_EQUAL(cut.boots[FAKE_PATCHED].planned, 6);
	fake.run.looks[1].stopped = true;
	free(fake.run.state);
	fake.run.state = string_copy("finished");
	if (!fake_run_compare(&fake, &c))
		return;
	CU_ASSERT_TRUE(c.looks.stopped);
	CU_ASSERT_EQUAL(c.boots[FAKE_PATCHED].planned, 4);
	CU_ASSERT_EQUAL(c.boots[FAKE_PATCHED].finished, 4);
	/* its figures ended it: nothing more is spent than at that look */
	CU_ASSERT_EQUAL(c.policy.alpha, cut.policy.alpha);
}

TEST_SUITE("comparison_looks", { "levels", test_levels },
	   { "the level rises", test_level_rises },
	   { "without looks", test_without_looks },
	   { "metrics and control", test_levels_of_both },
	   { "all is settled", test_settled }, { "open metrics", test_open_metrics },
	   { "open outcomes", test_open_outcomes }, { "stopped early", test_stopped })
