/* test_verdict.c - five verdicts, the gate, and what cannot be judged. How often the
 * procedure is wrong where the truth is known is in test_calibration.c.
 */
#include "verdict.h"

#include <math.h>
#include <string.h>

#include "test.h"

static const struct gate_policy policy = {
	.margin_percent = 3,
	.alpha = 0.05,
	.confidence = 0.95,
	.correction = CORRECTION_BENJAMINI_HOCHBERG,
};

static const struct metric_info time_metric = {
	.name = (char[]){ "fallocate_ns" }, .unit = (char[]){ "ns" },
	.better = BETTER_LOWER, .kind = METRIC_TIME,
};
static const struct metric_info rate_metric = {
	.name = (char[]){ "rate" }, .unit = (char[]){ "GiB/s" },
	.better = BETTER_HIGHER, .kind = METRIC_RATE,
};
static const struct metric_info tail_metric = {
	.name = (char[]){ "latency_max_ns" }, .unit = (char[]){ "ns" },
	.better = BETTER_LOWER, .kind = METRIC_TAIL,
};
static const struct metric_info secondary_metric = {
	.name = (char[]){ "rate" }, .unit = (char[]){ "GiB/s" },
	.better = BETTER_HIGHER, .kind = METRIC_RATE, .secondary = true,
};

#define BLOCKS 8

/* Fixed noise of about 0.5 %, so that every test is the same each time. */
static const double noise[2 * BLOCKS] = {
	1.002, 0.996, 1.004, 0.999, 1.001, 0.995, 1.003, 1.000,
	0.998, 1.005, 0.997, 1.001, 0.999, 1.004, 0.996, 1.002,
};

struct sides {
	double a_values[BLOCKS], b_values[BLOCKS];
	struct boot_samples a[BLOCKS], b[BLOCKS];
};

static struct metric_comparison make(struct sides *sides,
				     const struct metric_info *metric,
				     double ratio, double spread)
{
	for (uint32_t i = 0; i < BLOCKS; i++) {
		sides->a_values[i] = 1e6 * pow(noise[i], spread);
		sides->b_values[i] = 1e6 * ratio * pow(noise[BLOCKS + i], spread);
		sides->a[i] = (struct boot_samples){ i, &sides->a_values[i], 1 };
		sides->b[i] = (struct boot_samples){ i, &sides->b_values[i], 1 };
	}
	return (struct metric_comparison){
		.metric = metric,
		.a = sides->a,
		.b = sides->b,
		.a_count = BLOCKS,
		.b_count = BLOCKS,
	};
}

static enum verdict judge_one(const struct metric_info *metric, double ratio,
			      double spread)
{
	struct sides sides;
	struct metric_comparison c = make(&sides, metric, ratio, spread);

	verdict_judge(&c, 1, &policy, 1);
	return c.verdict;
}

static void test_five_verdicts(void)
{
	CU_ASSERT_EQUAL(judge_one(&time_metric, 1.1, 1), VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(judge_one(&time_metric, 0.9, 1), VERDICT_IMPROVED);
	CU_ASSERT_EQUAL(judge_one(&rate_metric, 1.1, 1), VERDICT_IMPROVED);
	CU_ASSERT_EQUAL(judge_one(&rate_metric, 0.9, 1), VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(judge_one(&time_metric, 1.0, 1), VERDICT_EQUIVALENT);
	/* Significant, and too small to matter. */
	CU_ASSERT_EQUAL(judge_one(&time_metric, 1.015, 1), VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(judge_one(&time_metric, 1.0, 20), VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(judge_one(&time_metric, -1, 1), VERDICT_NOT_COMPARABLE);
	test_check_string(verdict_name(VERDICT_NOT_COMPARABLE), "not comparable");
	test_check_string(verdict_name((enum verdict)42), "unknown");
}

static void test_figures(void)
{
	struct sides sides;
	struct metric_comparison c = make(&sides, &time_metric, 1.1, 1);

	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_TRUE(fabs(c.ratio - 1.1) < 0.005);
	CU_ASSERT_TRUE(fabs(c.b_center / c.a_center - c.ratio) < 1e-12);
	CU_ASSERT_TRUE(c.interval.low < c.ratio && c.ratio < c.interval.high);
	CU_ASSERT_TRUE(fabs(c.p - 2.0 / 256) < 1e-12);
	CU_ASSERT_EQUAL(c.p, c.p_adjusted);
	CU_ASSERT_EQUAL(c.blocks, BLOCKS);
	CU_ASSERT_EQUAL(c.blocks_needed, 0);
	CU_ASSERT_TRUE(c.detectable_effect > 0.003 && c.detectable_effect < 0.02);
	CU_ASSERT_PTR_NULL(c.reason);
}

static void test_blocks_needed(void)
{
	struct sides sides;
	struct metric_comparison c = make(&sides, &time_metric, 1.0, 10);
	size_t near;

	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	near = c.blocks_needed;
	CU_ASSERT_TRUE(near > 10 && near < 200);
	/* More noise, more blocks. */
	c = make(&sides, &time_metric, 1.0, 20);
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_TRUE(c.blocks_needed > 2 * near);
	/* A clear effect in too few blocks for the permutation test: three are
	 * there, 2 / 2^6 is the first below 0.05. */
	c = make(&sides, &time_metric, 1.2, 1);
	c.a_count = c.b_count = 3;
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(c.blocks_needed, 3);
}

static void check_refused(struct metric_comparison *c, const char *reason)
{
	verdict_judge(c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c->verdict, VERDICT_NOT_COMPARABLE);
	if (test_check(c->reason != NULL))
		CU_ASSERT_PTR_NOT_NULL(strstr(c->reason, reason));
	CU_ASSERT_TRUE(isnan(c->p));
	CU_ASSERT_EQUAL(verdict_gate(c, 1, false), GATE_NOT_COMPARABLE);
}

static void test_not_comparable(void)
{
	struct sides sides;
	struct metric_comparison c = make(&sides, &time_metric, 1.0, 1);

	c.a_count = 0;
	check_refused(&c, "of the baseline");
	c = make(&sides, &time_metric, 1.0, 1);
	c.b_count = 0;
	check_refused(&c, "of the candidate");
	c = make(&sides, &time_metric, 1.0, 1);
	c.b_count = 1;
	check_refused(&c, "two complete blocks");
	c = make(&sides, &time_metric, 1.0, 1);
	sides.b_values[3] = 0;
	check_refused(&c, "zero or negative");
}

static enum verdict judge_constant(const struct metric_info *metric, double a,
				   double b, struct metric_comparison *ret)
{
	static struct sides sides;
	struct metric_comparison c = make(&sides, metric, 1, 0);

	for (size_t i = 0; i < BLOCKS; i++) {
		sides.a_values[i] = a;
		sides.b_values[i] = b;
	}
	verdict_judge(&c, 1, &policy, 1);
	*ret = c;
	return c.verdict;
}

/* No variance on either side: bit-identical runs, or a coarse clock. */
static void test_constant_sides(void)
{
	struct metric_comparison c;

	CU_ASSERT_EQUAL(judge_constant(&time_metric, 523, 523, &c), VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(c.p, 1);
	CU_ASSERT_PTR_NOT_NULL(c.reason);
	CU_ASSERT_EQUAL(judge_constant(&time_metric, 52358, 219, &c), VERDICT_IMPROVED);
	CU_ASSERT_EQUAL(c.p, 0);
	CU_ASSERT_EQUAL(judge_constant(&time_metric, 100001, 100037, &c),
			VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(judge_constant(&rate_metric, 1.25, 1.0, &c), VERDICT_REGRESSED);
	/* 3 ms and 4 ms of a log that prints milliseconds. */
	CU_ASSERT_EQUAL(judge_constant(&time_metric, 3, 4, &c), VERDICT_INCONCLUSIVE);
	CU_ASSERT_PTR_NOT_NULL(strstr(c.reason, "resolution"));
	CU_ASSERT_EQUAL(judge_constant(&time_metric, 3e6, 4e6, &c), VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(judge_constant(&time_metric, 3, 5, &c), VERDICT_REGRESSED);
}

/* Millisecond readings with many ties. */
static void test_ties(void)
{
	static const double a_values[] = { 3, 3, 4, 3, 3, 4, 3, 3 };
	static const double b_values[] = { 3, 4, 3, 3, 3, 3, 4, 3 };
	struct sides sides;
	struct metric_comparison c = make(&sides, &time_metric, 1, 0);

	memcpy(sides.a_values, a_values, sizeof(a_values));
	memcpy(sides.b_values, b_values, sizeof(b_values));
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(c.p, 1);
	CU_ASSERT_TRUE(c.blocks_needed >= 1);
	CU_ASSERT_TRUE(isfinite(c.detectable_effect));
	/* One side constant, the other not. */
	for (size_t i = 0; i < BLOCKS; i++)
		sides.a_values[i] = 3;
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_TRUE(c.p > 0 && c.p <= 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
}

/* A tail is judged by the largest sample of each boot. */
static void test_tail(void)
{
	struct sides sides;
	struct metric_comparison c = make(&sides, &tail_metric, 1, 1);
	double samples[BLOCKS][3];

	for (size_t i = 0; i < BLOCKS; i++) {
		samples[i][0] = samples[i][1] = sides.b_values[i];
		samples[i][2] = 2 * sides.b_values[i];
		sides.b[i].values = samples[i];
		sides.b[i].count = 3;
	}
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_REGRESSED);
	CU_ASSERT_TRUE(fabs(c.ratio - 2) < 0.02);
	c.metric = &time_metric;
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
}

/* A secondary metric takes no part in correction, control or gate. */
static void test_secondary(void)
{
	struct sides sides[3];
	struct metric_comparison family[3] = {
		make(&sides[0], &time_metric, 1.0, 1),
		make(&sides[1], &secondary_metric, 0.9, 1),
		make(&sides[2], &time_metric, 1.1, 1),
	};

	verdict_judge(family, 3, &policy, 1);
	CU_ASSERT_EQUAL(family[1].verdict, VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(family[1].p, family[1].p_adjusted);
	CU_ASSERT_TRUE(fabs(family[2].p_adjusted - 2 * family[2].p) < 1e-12);
	CU_ASSERT_EQUAL(verdict_gate(family, 2, false), GATE_PASS);
	CU_ASSERT_FALSE(verdict_control_fired(family, 2, &policy));
	CU_ASSERT_EQUAL(verdict_gate(family, 3, false), GATE_REGRESSED);
	CU_ASSERT_EQUAL(verdict_gate(&family[1], 1, false), GATE_NOT_COMPARABLE);
}

static void test_gate(void)
{
	struct metric_comparison c[4] = {
		{ .metric = &time_metric, .verdict = VERDICT_EQUIVALENT },
		{ .metric = &time_metric, .verdict = VERDICT_IMPROVED },
		{ .metric = &time_metric, .verdict = VERDICT_INCONCLUSIVE },
		{ .metric = &time_metric, .verdict = VERDICT_NOT_COMPARABLE },
	};

	CU_ASSERT_EQUAL(verdict_gate(c, 2, false), GATE_PASS);
	CU_ASSERT_EQUAL(verdict_gate(c, 2, true), GATE_NOT_COMPARABLE);
	CU_ASSERT_EQUAL(verdict_gate(c, 3, false), GATE_INCONCLUSIVE);
	CU_ASSERT_EQUAL(verdict_gate(c, 4, false), GATE_NOT_COMPARABLE);
	c[0].verdict = VERDICT_REGRESSED;
	CU_ASSERT_EQUAL(verdict_gate(c, 4, false), GATE_REGRESSED);
	CU_ASSERT_EQUAL(verdict_gate(c, 4, true), GATE_NOT_COMPARABLE);
	CU_ASSERT_EQUAL(verdict_gate(c, 0, false), GATE_NOT_COMPARABLE);
}

static void test_control(void)
{
	struct sides sides;
	struct metric_comparison c = make(&sides, &time_metric, 1.1, 1);

	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_TRUE(verdict_control_fired(&c, 1, &policy));
	c = make(&sides, &time_metric, 1.01, 1);
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_TRUE(c.p < 0.05);
	CU_ASSERT_FALSE(verdict_control_fired(&c, 1, &policy));
}

static void test_same_seed_same_result(void)
{
	struct sides sides;
	struct metric_comparison one = make(&sides, &time_metric, 1.02, 3);
	struct metric_comparison two = one;

	verdict_judge(&one, 1, &policy, 7);
	verdict_judge(&two, 1, &policy, 7);
	CU_ASSERT_EQUAL(one.interval.low, two.interval.low);
	CU_ASSERT_EQUAL(one.interval.high, two.interval.high);
	verdict_judge(&two, 1, &policy, 8);
	CU_ASSERT_NOT_EQUAL(one.interval.low, two.interval.low);
}

/* --- equivalence ------------------------------------------------------- */

/* Shown by the interval and by two one-sided tests at alpha, whichever is harder. */
static void test_equivalence(void)
{
	struct gate_policy strict = policy;
	struct sides sides;
	struct metric_comparison c = make(&sides, &time_metric, 1.0, 1);

	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_TRUE(c.p_equivalence > 0 && c.p_equivalence < 1e-4);
	CU_ASSERT_EQUAL(c.alpha, 0.05);
	/* A look that may hardly spend anything. */
	strict.alpha = c.p_equivalence / 2;
	verdict_judge(&c, 1, &strict, 1);
	CU_ASSERT_TRUE(c.interval.low > 1 / 1.03 && c.interval.high < 1.03);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(c.alpha, strict.alpha);
	/* Outside the margin p is large. */
	c = make(&sides, &time_metric, 1.1, 1);
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_TRUE(c.p_equivalence > 0.999);
	/* Nothing to test. */
	c = make(&sides, &time_metric, 1.0, 0);
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_TRUE(isnan(c.p_equivalence));
}

/* --- bad input --------------------------------------------------------- */

static void test_not_finite(void)
{
	static const double wrong[] = { NAN, INFINITY, -INFINITY };
	struct sides sides;
	struct metric_comparison c;

	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		c = make(&sides, &time_metric, 1.0, 1);
		sides.a_values[5] = wrong[i];
		check_refused(&c, "not a finite number");
		c = make(&sides, &tail_metric, 1.0, 1);
		sides.b_values[0] = wrong[i];
		check_refused(&c, "not a finite number");
		CU_ASSERT_TRUE(isnan(c.ratio) && isnan(c.p_equivalence) && isnan(c.tail.threshold));
		CU_ASSERT_EQUAL(c.tail.b_samples, 0);
	}
}

/* One bad metric takes no other with it, and no part in the correction. */
static void test_bad_among_good(void)
{
	struct sides sides[3];
	struct metric_comparison family[3] = {
		make(&sides[0], &time_metric, 1.1, 1),
		make(&sides[1], &time_metric, 1.0, 1),
		make(&sides[2], &time_metric, 1.0, 1),
	};

	sides[1].a_values[0] = NAN;
	family[2].b_count = 0;
	verdict_judge(family, 3, &policy, 1);
	CU_ASSERT_EQUAL(family[0].verdict, VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(family[0].p_adjusted, family[0].p);
	CU_ASSERT_EQUAL(family[1].verdict, VERDICT_NOT_COMPARABLE);
	CU_ASSERT_EQUAL(family[2].verdict, VERDICT_NOT_COMPARABLE);
	CU_ASSERT_EQUAL(verdict_gate(family, 3, false), GATE_REGRESSED);
	CU_ASSERT_EQUAL(verdict_gate(family + 1, 2, false), GATE_NOT_COMPARABLE);
}

static void test_empty(void)
{
	struct sides sides;
	struct metric_comparison c;

	/* A run without metrics: nothing was measured. */
	verdict_judge(NULL, 0, &policy, 1);
	CU_ASSERT_EQUAL(verdict_gate(NULL, 0, false), GATE_NOT_COMPARABLE);
	CU_ASSERT_FALSE(verdict_control_fired(NULL, 0, &policy));
	/* Boots that gave no sample do not count. */
	c = make(&sides, &time_metric, 1.0, 1);
	sides.b[2].count = 0;
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(c.blocks, BLOCKS - 1);
	for (size_t i = 0; i < BLOCKS; i++)
		sides.b[i].count = 0;
	check_refused(&c, "of the candidate");
}

/* One boot a side, however many samples: nothing is said. */
static void test_one_boot(void)
{
	double a_values[100], b_values[100];
	struct boot_samples a = { 0, a_values, 100 }, b = { 0, b_values, 100 };
	struct metric_comparison c = { .metric = &time_metric, .a = &a, .b = &b,
				       .a_count = 1, .b_count = 1 };

	for (size_t i = 0; i < 100; i++) {
		a_values[i] = 1e6 + (double)i;
		b_values[i] = 2e6 + (double)i;
	}
	check_refused(&c, "two complete blocks");
	CU_ASSERT_EQUAL(c.blocks, 1);
}

/* Zeros on both sides have no ratio; the ends of the range of numbers do. */
static void test_extremes(void)
{
	struct sides sides;
	struct metric_comparison c = make(&sides, &time_metric, 1.0, 1);

	for (size_t i = 0; i < BLOCKS; i++)
		sides.a_values[i] = sides.b_values[i] = 0;
	check_refused(&c, "zero or negative");
	for (size_t i = 0; i < BLOCKS; i++) {
		sides.a_values[i] = 1e-300 * noise[i];
		sides.b_values[i] = 1e300 * noise[BLOCKS + i];
	}
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_REGRESSED);
	CU_ASSERT_FALSE(isnan(c.ratio));
	CU_ASSERT_TRUE(c.interval.low > 1);
}

TEST_SUITE("verdict", { "five verdicts", test_five_verdicts },
	   { "figures", test_figures }, { "blocks needed", test_blocks_needed },
	   { "not comparable", test_not_comparable },
	   { "constant sides", test_constant_sides }, { "ties", test_ties },
	   { "tails", test_tail }, { "secondary metrics", test_secondary },
	   { "gate", test_gate }, { "A/A control", test_control },
	   { "same seed, same result", test_same_seed_same_result },
	   { "equivalence is shown", test_equivalence },
	   { "samples that are no numbers", test_not_finite },
	   { "bad among good", test_bad_among_good }, { "nothing there", test_empty },
	   { "one boot a side", test_one_boot }, { "extremes", test_extremes })
