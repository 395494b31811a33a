/* test_across_runs.c - one run against earlier ones. Figures by hand: quantiles of t
 * from its tables (t(0.975; 3) = 3.182446, t(0.975; 18) = 2.100922).
 */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <string.h>

#include "across_runs.h"
#include "test.h"

static const struct metric_info metric = { .name = (char *)"t_ns", .unit = (char *)"ns",
					   .better = BETTER_LOWER, .kind = METRIC_TIME };
static const struct gate_policy policy = { .margin_percent = 5, .alpha = 0.05,
					   .confidence = 0.95, .correction = CORRECTION_NONE };

static struct metric_comparison judge(const struct run_unit *before, size_t count,
				      const double *after, size_t after_count)
{
	struct across_item item = {
		.before = before, .before_count = count, .after = { after, after_count },
		.judged = { .metric = &metric },
	};

	across_runs_judge(&item, 1, &policy);
	return item.judged;
}

/* Logs of the nights: 0, 0.01, 0.02, 0.03: mean 0.015, variance 1/6000; the run's 0.1.
 * Its error: sqrt(1/6000 x 5/4) = 0.0144338. */
static void test_several(void)
{
	const double nights[4][1] = { { 1 }, { exp(0.01) }, { exp(0.02) }, { exp(0.03) } };
	const double after[] = { exp(0.09), exp(0.11) };
	struct run_unit units[4];
	struct metric_comparison c;

	for (size_t i = 0; i < 4; i++)
		units[i] = (struct run_unit){ nights[i], 1 };
	c = judge(units, 4, after, 2);
	CU_ASSERT_DOUBLE_EQUAL(c.ratio, exp(0.085), 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(c.a_center, exp(0.015), 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(c.b_center, exp(0.1), 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(log(c.interval.low), 0.085 - 3.182446 * 0.0144338, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(log(c.interval.high), 0.085 + 3.182446 * 0.0144338, 1e-6);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(c.blocks, 4);
	CU_ASSERT_TRUE(c.p < 0.05 && c.p > 0.005);
}

/* Ten boots a side with logs of +-0.01: variance 1/9000; the error is
 * sqrt(2 x 1/9000 x 11/10) = 0.0156347 with 18 degrees of freedom, however small that
 * of the boots' means alone would be (0.0047). */
static void test_one(void)
{
	double before[10], after[10];
	struct run_unit unit = { before, 10 };
	struct metric_comparison c;

	for (size_t i = 0; i < 10; i++) {
		before[i] = exp(i % 2 ? 0.01 : -0.01);
		after[i] = exp(0.04) * before[i];
	}
	c = judge(&unit, 1, after, 10);
	CU_ASSERT_DOUBLE_EQUAL(log(c.interval.low), 0.04 - 2.100922 * 0.0156347, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(log(c.interval.high), 0.04 + 2.100922 * 0.0156347, 1e-6);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_REGRESSED);
	for (size_t i = 0; i < 10; i++)
		after[i] = exp(0.03) * before[i];
	CU_ASSERT_EQUAL(judge(&unit, 1, after, 10).verdict, VERDICT_INCONCLUSIVE);
	for (size_t i = 0; i < 10; i++)
		after[i] = exp(0.01) * before[i];
	CU_ASSERT_EQUAL(judge(&unit, 1, after, 10).verdict, VERDICT_EQUIVALENT);
}

static void test_refused(void)
{
	const double one[] = { 1 }, zero[] = { 0, 1 }, two[] = { 1, 1.1 };
	struct run_unit unit = { one, 1 }, bad = { zero, 2 }, good = { two, 2 };
	struct metric_comparison c;

	c = judge(&unit, 1, one, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_NOT_COMPARABLE);
	test_check_contains(c.reason, "one boot a side");
	c = judge(&bad, 1, two, 2);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_NOT_COMPARABLE);
	test_check_contains(c.reason, "zero or negative");
	c = judge(&good, 1, zero, 2);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_NOT_COMPARABLE);
	c = judge(NULL, 0, two, 2);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_NOT_COMPARABLE);
	test_check_contains(c.reason, "no usable boot of the baseline");
	c = judge(&good, 1, NULL, 0);
	test_check_contains(c.reason, "no usable boot of the run");
	/* one boot on one side has the other's spread */
	c = judge(&good, 1, one, 1);
	CU_ASSERT_NOT_EQUAL(c.verdict, VERDICT_NOT_COMPARABLE);
	CU_ASSERT_TRUE(isfinite(c.interval.high));
}

static void test_constant(void)
{
	const double a[] = { 2, 2 }, b[] = { 2, 2 }, worse[] = { 3, 3 };
	struct run_unit unit = { a, 2 }, nights[] = { { a, 2 }, { b, 2 } };

	CU_ASSERT_EQUAL(judge(&unit, 1, b, 2).verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(judge(&unit, 1, worse, 2).verdict, VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(judge(nights, 2, b, 2).verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(judge(nights, 2, worse, 2).verdict, VERDICT_REGRESSED);
}

/* Nothing has changed, but each run has its own luck of CV 1 % and boots 1 %: called
 * different in at most 5 % of cases against several nights, and against one. */
static double false_rate(size_t nights, size_t boots, int rounds)
{
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	int found = 0;

	for (int round = 0; round < rounds; round++) {
		double figures[8][10], after[10];
		struct run_unit units[8];
		double luck = gsl_ran_gaussian(random, 0.01);

		for (size_t i = 0; i < nights; i++) {
			double own = gsl_ran_gaussian(random, 0.01);

			for (size_t k = 0; k < boots; k++)
				figures[i][k] = exp(own + gsl_ran_gaussian(random, 0.01));
			units[i] = (struct run_unit){ figures[i], boots };
		}
		for (size_t k = 0; k < boots; k++)
			after[k] = exp(luck + gsl_ran_gaussian(random, 0.01));
		found += judge(units, nights, after, boots).p < 0.05;
	}
	gsl_rng_free(random);
	return (double)found / rounds;
}

static void test_calibration(void)
{
	/* 3 standard errors of 2,000 rounds are 1.5 % */
	CU_ASSERT_TRUE(false_rate(7, 10, 2000) < 0.065);
	CU_ASSERT_TRUE(false_rate(7, 10, 2000) > 0.03);
	CU_ASSERT_TRUE(false_rate(1, 10, 2000) < 0.075);
}

/* By hand: one failure among 60 boots lies among the run's 10 by chance in 10 of 60
 * cases, and no table is likelier than that but those of the other 50. */
static void test_outcome(void)
{
	static const struct metric_info passed = { .name = (char *)"ok", .unit = (char *)"",
						   .better = BETTER_HIGHER,
						   .kind = METRIC_OUTCOME };
	double nights[50], after[10];
	struct run_unit units[5];
	struct across_item item = { .before = units, .before_count = 5, .after = { after, 10 },
				    .judged = { .metric = &passed } };

	for (size_t i = 0; i < 50; i++)
		nights[i] = 1;
	for (size_t i = 0; i < 5; i++)
		units[i] = (struct run_unit){ nights + 10 * i, 10 };
	for (size_t i = 0; i < 10; i++)
		after[i] = 1;
	across_outcome_judge(&item, &policy);
	CU_ASSERT_EQUAL(item.judged.verdict, VERDICT_EQUIVALENT);
	after[3] = 0;
	across_outcome_judge(&item, &policy);
	CU_ASSERT_EQUAL(item.judged.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_DOUBLE_EQUAL(item.judged.p, 1.0 / 6, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(item.judged.b_center, 0.9, 1e-12);
	after[4] = after[5] = after[6] = 0;
	across_outcome_judge(&item, &policy);
	CU_ASSERT_EQUAL(item.judged.verdict, VERDICT_REGRESSED);
	item.after.count = 0;
	across_outcome_judge(&item, &policy);
	CU_ASSERT_EQUAL(item.judged.verdict, VERDICT_NOT_COMPARABLE);
}

TEST_SUITE("across_runs",
	   {"several runs", test_several},
	   {"one run", test_one},
	   {"refused", test_refused},
	   {"constant", test_constant},
	   {"calibration", test_calibration},
	   {"pass rates", test_outcome})
