/* test_verdict_outcome.c - metrics whose samples are 0 or 1. */
#include <math.h>

#include "test.h"
#include "verdict.h"

#define BOOTS_MAX 40

static const struct gate_policy policy = {
	.margin_percent = 3, .alpha = 0.05, .confidence = 0.95,
	.correction = CORRECTION_BENJAMINI_HOCHBERG,
};

static const struct metric_info metric = {
	.name = (char[]){ "survived" }, .unit = (char[]){ "boots" },
	.better = BETTER_HIGHER, .kind = METRIC_OUTCOME,
};

static const double failed = 0, passed = 1;

struct sides {
	struct boot_samples a[BOOTS_MAX], b[BOOTS_MAX];
};

/* The first boots of a side fail; one sample each. */
static struct metric_comparison make(struct sides *sides, uint32_t boots, uint32_t a_failed,
				     uint32_t b_failed)
{
	for (uint32_t i = 0; i < boots; i++) {
		sides->a[i] = (struct boot_samples){ i, i < a_failed ? &failed : &passed, 1 };
		sides->b[i] = (struct boot_samples){ i, i < b_failed ? &failed : &passed, 1 };
	}
	return (struct metric_comparison){
		.metric = &metric, .a = sides->a, .b = sides->b,
		.a_count = boots, .b_count = boots,
	};
}

static struct metric_comparison judge(uint32_t boots, uint32_t a_failed, uint32_t b_failed)
{
	static struct sides sides;
	struct metric_comparison c = make(&sides, boots, a_failed, b_failed);

	verdict_judge(&c, 1, &policy, 1);
	return c;
}

static void test_verdicts(void)
{
	struct metric_comparison c = judge(30, 0, 6);

	CU_ASSERT_EQUAL(c.verdict, VERDICT_REGRESSED);
	/* As in test_statistics.c, by enumeration. */
	CU_ASSERT_TRUE(fabs(c.p - 0.023720703916957263) < 1e-12);
	CU_ASSERT_EQUAL(c.a_center, 1);
	CU_ASSERT_EQUAL(c.b_center, 0.8);
	CU_ASSERT_EQUAL(c.ratio, 0.8);
	CU_ASSERT_TRUE(c.interval.low < 0.8 && 0.8 < c.interval.high);
	/* A drop to 74.9 % of boots is found with power 0.8. */
	CU_ASSERT_TRUE(fabs(c.detectable_effect - (1 - 0.7492524167729654)) < 1e-9);
	CU_ASSERT_TRUE(isnan(c.p_equivalence));
	CU_ASSERT_EQUAL(judge(30, 6, 0).verdict, VERDICT_IMPROVED);
	c = judge(30, 1, 4);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_TRUE(c.blocks_needed > 10 && c.blocks_needed < 200);
	CU_ASSERT_PTR_NULL(c.reason);
}

/* Equal because all passed: said so, and what is not excluded stands in the interval. */
static void test_all_passed(void)
{
	struct metric_comparison c = judge(30, 0, 0);

	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(c.p, 1);
	CU_ASSERT_EQUAL(c.ratio, 1);
	test_check_contains(c.reason, "every boot of both sides passed");
	CU_ASSERT_TRUE(c.interval.low < 0.9 && c.interval.high > 1.1);
}

/* Equal because as many failed is not shown to be equal. */
static void test_as_many_failed(void)
{
	struct metric_comparison c = judge(30, 3, 3);

	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(c.blocks_needed, 0);
	test_check_contains(c.reason, "as large a share");
	c = judge(30, 30, 30);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_TRUE(isnan(c.ratio) && isinf(c.interval.high) && isinf(c.detectable_effect));
	CU_ASSERT_EQUAL(judge(30, 30, 0).verdict, VERDICT_IMPROVED);
}

/* A boot of several samples passed where all did; samples do not count as boots. */
static void test_samples_of_a_boot(void)
{
	static const double mixed[] = { 1, 1, 0, 1 }, good[] = { 1, 1, 1, 1 };
	struct sides sides;
	struct metric_comparison c = make(&sides, 8, 0, 0);

	for (size_t i = 0; i < 8; i++) {
		sides.a[i].values = good;
		sides.b[i].values = i ? good : mixed;
		sides.a[i].count = sides.b[i].count = 4;
	}
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.b_center, 7.0 / 8);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(verdict_boot_summary(&metric), SUMMARY_MINIMUM);
}

static void test_refused(void)
{
	static const double half = 0.5;
	struct sides sides;
	struct metric_comparison c = make(&sides, 8, 0, 0);

	sides.b[3].values = &half;
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_NOT_COMPARABLE);
	test_check_contains(c.reason, "neither 0 nor 1");
	c = make(&sides, 8, 0, 0);
	c.b_count = 1;
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_NOT_COMPARABLE);
	test_check_contains(c.reason, "two complete blocks");
}

/* Exact mode: seeds in the place of boots, the same rules. */
static void test_exact(void)
{
	struct sides sides;
	struct metric_comparison c = make(&sides, 8, 0, 8);

	verdict_judge_exact(&c, 1, &policy);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(c.ratio, 0);
	c = make(&sides, 5, 0, 0);
	verdict_judge_exact(&c, 1, &policy);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
	c = make(&sides, 5, 2, 2);
	verdict_judge_exact(&c, 1, &policy);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
}

TEST_SUITE("verdict-outcome", { "verdicts", test_verdicts },
	   { "all passed", test_all_passed }, { "as many failed", test_as_many_failed },
	   { "samples of a boot", test_samples_of_a_boot }, { "refused", test_refused },
	   { "exact mode", test_exact })
