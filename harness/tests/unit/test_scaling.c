/* test_scaling.c - speed-ups from counts and from times. Expected values were worked
 * out by hand; where a logarithm or a quantile is needed, its source is said.
 */
#include "scaling.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "strbuf.h"
#include "test.h"

#define near(a, b, within) test_check(fabs((a) - (b)) <= (within))

/* Three seeds (blocks 0 to 2). One vCPU: work is span. */
static const double one_0[] = { 1000, 1010, 990 }, one_1[] = { 1000 }, one_2[] = { 1000 };
static const struct boot_samples one[] = { { 0, one_0, 3 }, { 1, one_1, 1 }, { 2, one_2, 1 } };

/* Two vCPUs: spans 500, 510, 520; work 1100 throughout. */
static const double work_2[] = { 1100 };
static const double span_20[] = { 500 }, span_21[] = { 510 }, span_22[] = { 520 };
static const struct boot_samples two_work[] = { { 0, work_2, 1 }, { 1, work_2, 1 },
						{ 2, work_2, 1 } };
static const struct boot_samples two_span[] = { { 0, span_20, 1 }, { 1, span_21, 1 },
						{ 2, span_22, 1 } };

/* Four vCPUs: span 400, work 1200, in two of the seeds only. */
static const double work_4[] = { 1200 }, span_4[] = { 400 };
static const struct boot_samples four_work[] = { { 2, work_4, 1 }, { 0, work_4, 1 } };
static const struct boot_samples four_span[] = { { 2, span_4, 1 }, { 0, span_4, 1 } };

static const struct scaling_counts counts[] = {
	{ 1, one, NULL, 3, 0 },
	{ 2, two_work, two_span, 3, 3 },
	{ 4, four_work, four_span, 2, 2 },
};

/* --- on paper ---------------------------------------------------------------------- */

static void test_paper(void)
{
	struct scaling_point points[3];
	struct error err = ERROR_INIT;

	if (!test_check(!scaling_paper(counts, 3, 0.95, points, &err)))
		return;
	CU_ASSERT_EQUAL(points[0].vcpus_count, 1);
	CU_ASSERT_EQUAL(points[0].pairs_count, 3);
	CU_ASSERT_EQUAL(points[0].speedup.value, 1);
	CU_ASSERT_EQUAL(points[0].overhead.value, 1);
	CU_ASSERT_EQUAL(points[0].parallelism.value, 1);
	near(points[0].work, 1000, 1e-9);
	near(points[0].span, 1000, 1e-9);
	/* geometric mean of 1000/500, 1000/510, 1000/520: 1000 / cbrt(132,600,000) */
	near(points[1].speedup.value, 1.961036, 1e-6);
	near(points[1].span, 509.9346, 1e-4); /* cbrt(132,600,000) */
	near(points[1].overhead.value, 1.1, 1e-12);
	near(points[1].parallelism.value, 2.157139, 1e-6); /* 1.1 x the speed-up */
	near(scaling_efficiency(&points[1]), 0.980518, 1e-6);
	CU_ASSERT_EQUAL(points[1].pairs_count, 3);
	/* 1000/400 in both seeds that are there */
	CU_ASSERT_EQUAL(points[2].pairs_count, 2);
	near(points[2].speedup.value, 2.5, 1e-12);
	near(points[2].parallelism.value, 3, 1e-12);
	near(scaling_efficiency(&points[2]), 0.625, 1e-12);
}

/* Logs of 2, 1000/510 and 1000/520 are 0.693147, 0.673345 and 0.653926: mean
 * 0.673473, sd 0.0196107, standard error 0.0113222; times t(0.975, 2) = 4.302653
 * (tables of Student's t) 0.0487156; exp of 0.673473 -+ 0.0487156. */
static void test_paper_interval(void)
{
	struct scaling_point points[3];
	struct error err = ERROR_INIT;

	if (!test_check(!scaling_paper(counts, 3, 0.95, points, &err)))
		return;
	near(points[1].speedup.interval.low, 1.867792, 2e-6);
	near(points[1].speedup.interval.high, 2.058934, 2e-6);
	/* the same in all pairs: no doubt is left */
	CU_ASSERT_EQUAL(points[2].speedup.interval.low, 2.5);
	CU_ASSERT_EQUAL(points[2].speedup.interval.high, 2.5);
	CU_ASSERT_EQUAL(points[0].speedup.interval.low, 1);
}

static void test_paper_one_seed(void)
{
	const struct scaling_counts few[] = {
		{ 1, one, NULL, 1, 0 },
		{ 2, two_work, two_span, 3, 3 },
	};
	struct scaling_point points[2];
	struct error err = ERROR_INIT;

	if (!test_check(!scaling_paper(few, 2, 0.95, points, &err)))
		return;
	CU_ASSERT_EQUAL(points[1].pairs_count, 1);
	CU_ASSERT_EQUAL(points[1].speedup.value, 2);
	CU_ASSERT_TRUE(isinf(points[1].speedup.interval.high));
}

static void refuse_paper(const struct scaling_counts *items, size_t count, int code,
			 const char *message)
{
	struct scaling_point points[4];
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(scaling_paper(items, count, 0.95, points, &err), code);
	test_check_string(err.message, message);
}

static void test_paper_refusals(void)
{
	static const double work[] = { 1000 };
	static const struct boot_samples elsewhere[] = { { 7, work, 1 } };
	const struct scaling_counts no_one[] = { counts[1], counts[2] };
	const struct scaling_counts twice[] = { counts[0], counts[1], counts[1] };
	const struct scaling_counts falling[] = { counts[0], counts[2], counts[1] };
	const struct scaling_counts strange[] = { counts[0],
						  { 2, elsewhere, elsewhere, 1, 1 } };
	const struct scaling_counts no_span[] = { counts[0], { 2, two_work, NULL, 3, 0 } };

	refuse_paper(no_one, 2, -EINVAL,
		     "speed-ups are told against one vCPU, but the least number is 2");
	refuse_paper(twice, 3, -EINVAL, "2 vCPUs after 2: expected ascending numbers");
	refuse_paper(falling, 3, -EINVAL, "2 vCPUs after 4: expected ascending numbers");
	refuse_paper(strange, 2, -ENODATA,
		     "2 vCPUs: no seed that one vCPU has too gave counts");
	refuse_paper(no_span, 2, -ENODATA,
		     "2 vCPUs: no seed that one vCPU has too gave counts");
}

/* --- Amdahl ------------------------------------------------------------------------- */

static struct scaling_point point(uint32_t vcpus_count, double speedup)
{
	return (struct scaling_point){ .vcpus_count = vcpus_count,
				       .speedup = { .value = speedup } };
}

/* f = 0.1: 1 / (0.1 + 0.9 / n) is 20/11, 40/13, 80/17 at 2, 4, 8. */
static void test_fit(void)
{
	const struct scaling_point points[] = { point(1, 1), point(2, 20 / 11.0),
						point(4, 40 / 13.0), point(8, 80 / 17.0) };
	struct scaling_fit fit = scaling_fit_amdahl(points, 4);

	CU_ASSERT_TRUE(fit.is_defined);
	CU_ASSERT_PTR_NULL(fit.why_not);
	near(fit.serial_ratio, 0.1, 1e-12);
	near(fit.limit, 10, 1e-9);
	near(fit.error_ratio, 0, 1e-12);
	near(scaling_fit_at(&fit, 16), 6.4, 1e-9); /* 1 / (0.1 + 0.05625) */
}

/* Perfect: f = 0, no limit. */
static void test_fit_perfect(void)
{
	const struct scaling_point points[] = { point(1, 1), point(2, 2), point(4, 4) };
	struct scaling_fit fit = scaling_fit_amdahl(points, 3);

	CU_ASSERT_TRUE(fit.is_defined);
	CU_ASSERT_EQUAL(fit.serial_ratio, 0);
	CU_ASSERT_TRUE(isinf(fit.limit));
	CU_ASSERT_EQUAL(scaling_fit_at(&fit, 16), 16);
}

/* y = 0.02 and 0.10 at x = 1/2 and 3/4 (S = 1/0.52 and 1/0.35):
 * f = (0.01 + 0.075) / (0.25 + 0.5625) = 0.1046154; at 2 it says 1 / 0.5523077 =
 * 1.810585 for 1.923077 (5.85 % off), at 4 1 / 0.3284615 = 3.044496 for 2.857143
 * (6.56 % off). */
static void test_fit_residual(void)
{
	const struct scaling_point points[] = { point(1, 1), point(2, 1 / 0.52),
						point(4, 1 / 0.35) };
	struct scaling_fit fit = scaling_fit_amdahl(points, 3);

	CU_ASSERT_TRUE(fit.is_defined);
	near(fit.serial_ratio, 0.1046154, 1e-7);
	near(fit.error_ratio, 0.0655738, 1e-6);
}

static void refuse_fit(const struct scaling_point *points, size_t count, const char *why)
{
	struct scaling_fit fit = scaling_fit_amdahl(points, count);

	CU_ASSERT_FALSE(fit.is_defined);
	test_check_string(fit.why_not, why);
	CU_ASSERT_TRUE(isnan(fit.serial_ratio));
	CU_ASSERT_TRUE(isnan(fit.limit));
}

static void test_fit_refusals(void)
{
	const struct scaling_point few[] = { point(1, 1), point(2, 1.5) };
	const struct scaling_point above[] = { point(1, 1), point(2, 2.2), point(4, 4.4) };
	const struct scaling_point slower[] = { point(1, 1), point(2, 0.8), point(4, 0.5) };
	/* at 2 nearly perfect, at 8 hardly faster than at 2 */
	const struct scaling_point knee[] = { point(1, 1), point(2, 1.99), point(8, 2.1) };

	refuse_fit(few, 2, "it takes two numbers of vCPUs above one");
	refuse_fit(above, 3, "the speed-up is above the number of vCPUs");
	refuse_fit(slower, 3, "more vCPUs make it slower");
	refuse_fit(knee, 3, "no serial share describes these points within 10 %");
}

/* --- measured ----------------------------------------------------------------------- */

/* Medians of the blocks: 100 and 100 ns on one vCPU, 50 and 80 ns on two. */
static const double time_1[] = { 100, 90, 110 }, time_20[] = { 50 }, time_21[] = { 80 };
static const struct boot_samples times_1[] = { { 0, time_1, 3 }, { 1, time_1, 3 } };
static const struct boot_samples times_2[] = { { 0, time_20, 1 }, { 1, time_21, 1 } };
static const struct boot_samples times_9[] = { { 9, time_20, 1 } };

static void test_measured(void)
{
	const struct scaling_times times[] = { { 1, times_1, 2 }, { 2, times_2, 2 } };
	struct scaling_measured points[2];
	struct error err = ERROR_INIT;

	if (!test_check(!scaling_measure(times, 2, 0.95, 1, points, &err)))
		return;
	CU_ASSERT_EQUAL(points[0].speedup.value, 1);
	near(points[0].time, 100, 1e-9);
	CU_ASSERT_EQUAL(points[1].vcpus_count, 2);
	CU_ASSERT_EQUAL(points[1].blocks_count, 2);
	near(points[1].time, 63.24555, 1e-5);           /* sqrt(50 x 80) */
	near(points[1].speedup.value, 1.5811388, 1e-6); /* sqrt(2 x 1.25) */
	CU_ASSERT_TRUE(points[1].speedup.interval.low < 1.5811388);
	CU_ASSERT_TRUE(points[1].speedup.interval.high > 1.5811388);
}

static void test_measured_refusals(void)
{
	const struct scaling_times late[] = { { 2, times_2, 2 } };
	const struct scaling_times strange[] = { { 1, times_1, 2 }, { 2, times_9, 1 } };
	struct scaling_measured points[2];
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(scaling_measure(late, 1, 0.95, 1, points, &err), -EINVAL);
	test_check_string(err.message,
			  "speed-ups are told against one vCPU, but the least number is 2");
	CU_ASSERT_EQUAL(scaling_measure(strange, 2, 0.95, 1, points, &err), -ENODATA);
	test_check_string(err.message, "2 vCPUs: no block that one vCPU has too gave times");
}

static void test_below_paper(void)
{
	struct scaling_measured measured = { .vcpus_count = 2,
					     .speedup = { 1.5, { 1.4, 1.6 } } };
	const struct scaling_point paper = point(2, 1.61), met = point(2, 1.59);

	CU_ASSERT_TRUE(scaling_is_below_paper(&measured, &paper));
	CU_ASSERT_FALSE(scaling_is_below_paper(&measured, &met));
	measured.speedup.interval.high = INFINITY;
	CU_ASSERT_FALSE(scaling_is_below_paper(&measured, &paper));
}

/* Each of the omissions is named. */
static void test_left_out(void)
{
	static const char *const words[] = { "waiting", "contention", "caches", "bandwidth",
					     "TLB", "turbo", "SMT" };
	cleanup_strbuf struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; scaling_left_out[i]; i++)
		strbuf_addf(&all, "%s\n", scaling_left_out[i]);
	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		test_check_contains(all.data, words[i]);
}

TEST_SUITE("scaling",
	   {"on paper", test_paper},
	   {"intervals over seeds", test_paper_interval},
	   {"one seed has no interval", test_paper_one_seed},
	   {"refuses counts without a base", test_paper_refusals},
	   {"fits Amdahl's law", test_fit},
	   {"fits a perfect speed-up", test_fit_perfect},
	   {"says how far a fit is off", test_fit_residual},
	   {"gives no fit where there is none", test_fit_refusals},
	   {"measured times", test_measured},
	   {"refuses times without a base", test_measured_refusals},
	   {"tells measured from paper", test_below_paper},
	   {"names what is left out", test_left_out})
