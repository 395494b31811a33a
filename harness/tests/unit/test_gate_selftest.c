/* test_gate_selftest.c - what `kerngate selftest` injects, and what it makes of the
 * gate's answers. With real guests: tests/boot/test_selftest.c.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "config_files.h"
#include "fake_run.h"
#include "gate_selftest.h"
#include "memory.h"
#include "rendered.h"
#include "test.h"

#define ARGUMENT "kerngate.selftest_slowdown_percent"

#define cleanup_fake cleanup_with(fake_run_release)
#define cleanup_campaign cleanup_with(campaign_release)

static bool load(struct campaign *campaign)
{
	struct error err = ERROR_INIT;

	return test_check(!campaign_load(test_root(), "selftest", campaign, &err));
}

/* --- the injection ------------------------------------------------------------- */

static void test_inject(void)
{
	cleanup_campaign struct campaign none = { .name = NULL }, slowed = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!load(&none) || !load(&slowed))
		return;
	CU_ASSERT_EQUAL(selftest_inject(&none, 0, &err), 0);
	CU_ASSERT_EQUAL(none.variants[1].cmdline.count, 0);
	CU_ASSERT_EQUAL(selftest_inject(&slowed, 0.5, &err), 0);
	CU_ASSERT_EQUAL(slowed.variants[slowed.baseline].cmdline.count, 0);
	if (test_check(slowed.variants[1].cmdline.count == 1))
		test_check_string(slowed.variants[1].cmdline.items[0],
				  "kerngate.selftest_slowdown_percent=0.5");
	test_check_string(err.message, "");
	/* a leg that says none must be one */
	CU_ASSERT_EQUAL(selftest_inject(&slowed, 0, &err), -EINVAL);
	test_check_contains(err.message, "variant candidate has "
					 "kerngate.selftest_slowdown_percent already");
}

/* The words of variant 1 where a run with that command line is gone on with; owned. */
static char *injected_again(const char *cmdline, bool slow_first)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct stored_variant variants[2] = { { .cmdline = (char *)"quiet" },
					      { .cmdline = (char *)cmdline } };
	const struct stored_run run = { .variants = variants, .variants_count = 2 };
	struct strbuf words = STRBUF_INIT;
	struct error err = ERROR_INIT;

	if (!load(&campaign))
		return strbuf_detach(&words);
	if (slow_first)
		CU_ASSERT_EQUAL(selftest_inject(&campaign, 7, &err), 0);
	CU_ASSERT_EQUAL(selftest_inject_again(&run, &campaign, &err), 0);
	CU_ASSERT_EQUAL(campaign.variants[campaign.baseline].cmdline.count, 0);
	for (size_t i = 0; i < campaign.variants[1].cmdline.count; i++)
		strbuf_addf(&words, "%s;", campaign.variants[1].cmdline.items[i]);
	test_check_string(err.message, "");
	return strbuf_detach(&words);
}

static void test_inject_again(void)
{
	cleanup_free char *slowed = injected_again(ARGUMENT "=0.5", false);
	cleanup_free char *between = injected_again("a=b " ARGUMENT "=10 sysctl:x=y", false);
	cleanup_free char *none = injected_again("quiet x" ARGUMENT "=5", false);
	cleanup_free char *own = injected_again(ARGUMENT "=5", true);

	test_check_string(slowed, ARGUMENT "=0.5;");
	test_check_string(between, ARGUMENT "=10;");
	test_check_string(none, "");
	test_check_string(own, ARGUMENT "=7;");
}

static void test_inject_refusals(void)
{
	cleanup_campaign struct campaign alone = { .name = NULL }, other = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!load(&alone) || !load(&other))
		return;
	variant_release(&alone.variants[--alone.variants_count]);
	CU_ASSERT_EQUAL(selftest_inject(&alone, 5, &err), -EINVAL);
	test_check_contains(err.message, "expected a variant beside the baseline");
	free(other.cells[0].suite.rows[0].workload);
	other.cells[0].suite.rows[0].workload = string_copy("cyclictest");
	CU_ASSERT_EQUAL(selftest_inject(&other, 5, &err), -EINVAL);
	test_check_contains(err.message, "expected a row of the workload selftest");
	CU_ASSERT_EQUAL(other.variants[1].cmdline.count, 0);
}

/* --- what came of it ----------------------------------------------------------- */

static void set_workload(struct fake_run *fake, const char *workload)
{
	free(fake->run.cells[0].rows[0].workload);
	fake->run.cells[0].rows[0].workload = string_copy(workload);
}

/* The fake run has +10 % in the first row of its first cell, all else equal. */
static void test_read(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = { .entries = NULL };
	cleanup_with(selftest_leg_release) struct selftest_leg leg = { .percent = 10 },
							       missed = { .percent = 10 };
	struct error err = ERROR_INIT;

	fake_run_init(&fake);
	if (!test_check(!comparison_make_from(&fake.source, &fake.run, NULL, &c, &err)))
		return;
	selftest_leg_read(&fake.run, &c, &missed);
	CU_ASSERT_FALSE(missed.is_found); /* it is not the workload that was slowed */
	CU_ASSERT_TRUE(isnan(missed.change));
	CU_ASSERT_EQUAL(missed.others_called, 1);
	CU_ASSERT_EQUAL(selftest_judge(&missed), SELFTEST_WRONG);
	set_workload(&fake, "selftest");
	selftest_leg_read(&fake.run, &c, &leg);
	test_check_string(leg.run_id, fake.run.id);
	CU_ASSERT_EQUAL(leg.gate, GATE_REGRESSED);
	CU_ASSERT_TRUE(leg.is_found);
	CU_ASSERT_DOUBLE_EQUAL(leg.change, 0.1, 0.005);
	CU_ASSERT_TRUE(leg.interval.low < 1.1 && leg.interval.high > 1.095);
	CU_ASSERT_EQUAL(leg.others_called, 0);
	CU_ASSERT_EQUAL(leg.blocks, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(leg.blocks_max, FAKE_BLOCKS);
	CU_ASSERT_EQUAL(leg.duration_ns, UINT64_C(252000000000));
	CU_ASSERT_EQUAL(selftest_judge(&leg), SELFTEST_RIGHT);
}

static void test_judge(void)
{
	static const struct {
		double percent;
		enum gate_exit gate;
		bool is_found;
		enum selftest_state state;
	} cases[] = {
		{ 0, GATE_PASS, false, SELFTEST_RIGHT },
		{ 0, GATE_REGRESSED, true, SELFTEST_WRONG },
		{ 0, GATE_REGRESSED, false, SELFTEST_WRONG },
		{ 0, GATE_INCONCLUSIVE, false, SELFTEST_OPEN },
		{ 0, GATE_NOT_COMPARABLE, false, SELFTEST_OPEN },
		{ 5, GATE_REGRESSED, true, SELFTEST_RIGHT },
		{ 5, GATE_REGRESSED, false, SELFTEST_WRONG },
		{ 5, GATE_PASS, false, SELFTEST_WRONG },
		{ 5, GATE_INCONCLUSIVE, false, SELFTEST_OPEN },
		{ 5, GATE_NOT_COMPARABLE, true, SELFTEST_OPEN },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		const struct selftest_leg leg = { .percent = cases[i].percent,
						  .gate = cases[i].gate,
						  .is_found = cases[i].is_found };

		CU_ASSERT_EQUAL(selftest_judge(&leg), cases[i].state);
		CU_ASSERT_EQUAL(selftest_end(&leg, 1), cases[i].state);
	}
}

static void test_end(void)
{
	struct selftest_leg legs[] = {
		{ .gate = GATE_PASS }, { .percent = 5, .gate = GATE_REGRESSED, .is_found = true },
		{ .percent = 10, .gate = GATE_REGRESSED, .is_found = true },
	};

	CU_ASSERT_EQUAL(selftest_end(legs, 3), SELFTEST_RIGHT);
	legs[0].gate = GATE_INCONCLUSIVE;
	CU_ASSERT_EQUAL(selftest_end(legs, 3), SELFTEST_OPEN);
	legs[2].gate = GATE_PASS; /* a wrong one is not made good by an open one */
	CU_ASSERT_EQUAL(selftest_end(legs, 3), SELFTEST_WRONG);
}

static void test_render(void)
{
	char id[] = "20261122-100000-selftest", other[] = "20261122-100200-selftest";
	struct selftest_leg legs[] = {
		{ .run_id = id, .gate = GATE_PASS, .change = 0.0012, .interval = { 0.997, 1.004 },
		  .others_called = 1, .blocks = 12, .blocks_max = 24,
		  .duration_ns = UINT64_C(93000000000) },
		{ .percent = 5, .run_id = other, .gate = GATE_REGRESSED, .is_found = true,
		  .change = 0.0499, .interval = { 1.046, 1.054 }, .blocks = 18,
		  .blocks_max = 24, .duration_ns = UINT64_C(130000000000) },
		{ .percent = 1000, .run_id = other, .gate = GATE_INCONCLUSIVE, .change = NAN,
		  .interval = { NAN, NAN }, .blocks_max = 10000 },
	};
	cleanup_strbuf struct strbuf text = STRBUF_INIT, right = STRBUF_INIT;

	selftest_render(legs, 3, &text);
	rendered_check_layout(text.data);
	rendered_check_golden("selftest", text.data);
	selftest_render(legs, 2, &right);
	test_check_contains(right.data, "\nthe gate is right: every leg gave what it must\n");
	legs[1].gate = GATE_PASS;
	strbuf_reset(&right);
	selftest_render(legs, 2, &right);
	test_check_contains(right.data, "THE GATE IS WRONG");
}

TEST_SUITE("gate_selftest",
	   {"injects", test_inject},
	   {"a stored leg is slowed again as it was", test_inject_again},
	   {"what cannot be injected into", test_inject_refusals},
	   {"what a leg gave", test_read},
	   {"right, wrong or open", test_judge},
	   {"all legs", test_end},
	   {"the table", test_render})
