/* test_change_points.c - where a series changed. The statistic is compared with values
 * worked out by hand and with the definition itself, sum by sum; places with a series
 * whose change is known (the Nile); rates by simulation.
 */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "change_points.h"
#include "memory.h"
#include "test.h"

/* The definition in Matteson and James 2014, formulas (5) and (6), as it stands there. */
static double defined(const double *v, size_t count, size_t n)
{
	size_t m = count - n;
	double between = 0, left = 0, right = 0, within = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++) {
			double distance = fabs(v[i] - v[k]);

			if (k < n)
				left += distance;
			else if (i >= n)
				right += distance;
			else
				between += distance;
		}
	if (n > 1)
		within += left / ((double)n * (double)(n - 1) / 2);
	if (m > 1)
		within += right / ((double)m * (double)(m - 1) / 2);
	return (double)n * (double)m / (double)(n + m) *
	       (2 * between / ((double)n * (double)m) - within);
}

static double best_defined(const double *v, size_t count, size_t segment_min, size_t *ret_index)
{
	double best = -INFINITY;

	for (size_t n = segment_min; n + segment_min <= count; n++) {
		double found = defined(v, count, n);

		if (found > best + 1e-12) {
			best = found;
			*ret_index = n;
		}
	}
	return best;
}

/* By hand: 0 0 0 | 1 1 1: 3 x 3 / 6 x (2 x 1 - 0 - 0) = 3. And 1 2 | 4: 2 x 1 / 3 x
 * (2 x (3 + 2) / 2 - 1) = 8/3, 1 | 2 4: 2/3 x (2 x (1 + 3) / 2 - 2) = 4/3. */
static void test_by_hand(void)
{
	static const double step[] = { 0, 0, 0, 1, 1, 1 }, three[] = { 1, 2, 4 };
	size_t index = 0;

	CU_ASSERT_DOUBLE_EQUAL(change_points_statistic(step, 6, 1, &index), 3, 1e-12);
	CU_ASSERT_EQUAL(index, 3);
	CU_ASSERT_DOUBLE_EQUAL(change_points_statistic(three, 3, 1, &index), 8.0 / 3, 1e-12);
	CU_ASSERT_EQUAL(index, 2);
	CU_ASSERT_EQUAL(change_points_statistic(three, 3, 2, &index), -INFINITY);
	CU_ASSERT_EQUAL(change_points_statistic(three, 1, 1, &index), -INFINITY);
	CU_ASSERT_EQUAL(change_points_statistic(three, 0, 1, &index), -INFINITY);
}

/* One pass with a tree against all pairs, with ties and any order. */
static void test_definition(void)
{
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);

	for (int round = 0; round < 200; round++) {
		double values[40];
		size_t count = 2 + gsl_rng_uniform_int(random, 39), index = 0, expected = 0;
		size_t segment_min = 1 + gsl_rng_uniform_int(random, 3);
		double found, best;

		if (count < 2 * segment_min)
			continue;
		for (size_t i = 0; i < count; i++)
			values[i] = round % 2 ? gsl_ran_gaussian(random, 1) + 5 :
						(double)gsl_rng_uniform_int(random, 4);
		found = change_points_statistic(values, count, segment_min, &index);
		best = best_defined(values, count, segment_min, &expected);
		CU_ASSERT_DOUBLE_EQUAL(found, best, 1e-9);
		CU_ASSERT_DOUBLE_EQUAL(defined(values, count, index), best, 1e-9);
	}
	gsl_rng_free(random);
}

/* Annual flow of the Nile at Aswan, 1871 to 1970 (Cobb 1978, "The problem of the Nile",
 * Biometrika 65(2), table 1): it fell after 1898, and once. */
static void test_nile(void)
{
	static const double nile[] = {
		1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994,
		1020, 960, 1180, 799, 958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100,
		774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969, 831, 726, 456, 824,
		702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759,
		781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040,
		860, 874, 848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906,
		901, 1170, 912, 746, 919, 718, 714, 740,
	};
	const struct change_policy policy = CHANGE_POLICY_INIT;
	cleanup_free struct change_point *points = NULL;
	size_t count = 0;

	CU_ASSERT_EQUAL(ARRAY_COUNT(nile), 100);
	change_points_find(nile, ARRAY_COUNT(nile), &policy, &points, &count);
	if (!test_check(count == 1))
		return;
	CU_ASSERT_EQUAL(1871 + points[0].index, 1899);
	/* means of 1098 and 850: 0.774; of logarithms a little less apart */
	CU_ASSERT_DOUBLE_EQUAL(points[0].ratio, 0.775, 0.01);
	CU_ASSERT_DOUBLE_EQUAL(points[0].p, 1.0 / 601, 1e-12);
}

static size_t find(const double *values, size_t count, const struct change_policy *policy,
		   struct change_point *ret_first)
{
	cleanup_free struct change_point *points = NULL;
	size_t found = 0;

	change_points_find(values, count, policy, &points, &found);
	if (found && ret_first)
		*ret_first = points[0];
	return found;
}

/* Constant levels, as exact mode gives them; and the ends of what can be found. */
static void test_levels(void)
{
	struct change_policy policy = CHANGE_POLICY_INIT;
	struct change_point first = { 0 };
	double values[60];

	for (size_t i = 0; i < 60; i++)
		values[i] = 1000;
	CU_ASSERT_EQUAL(find(values, 0, &policy, NULL), 0);
	CU_ASSERT_EQUAL(find(values, 1, &policy, NULL), 0);
	CU_ASSERT_EQUAL(find(values, 5, &policy, NULL), 0);
	CU_ASSERT_EQUAL(find(values, 60, &policy, NULL), 0);
	for (size_t i = 57; i < 60; i++)
		values[i] = 1020;
	CU_ASSERT_EQUAL(find(values, 60, &policy, &first), 1);
	CU_ASSERT_EQUAL(first.index, 57);
	CU_ASSERT_DOUBLE_EQUAL(first.ratio, 1.02, 1e-9);
	/* below the minimum effect it is none */
	policy.minimum_effect = 0.03;
	CU_ASSERT_EQUAL(find(values, 60, &policy, NULL), 0);
	policy.minimum_effect = 0.01;
	/* two nights are fewer than a segment's minimum: an odd night is no change */
	values[57] = 1000;
	CU_ASSERT_EQUAL(find(values, 59, &policy, NULL), 0);
	/* up and, forty nights later, down again */
	for (size_t i = 0; i < 60; i++)
		values[i] = i >= 10 && i < 50 ? 1100 : 1000;
	CU_ASSERT_EQUAL(find(values, 60, &policy, &first), 2);
	CU_ASSERT_EQUAL(first.index, 10);
}

static void test_repeatable(void)
{
	struct change_policy policy = CHANGE_POLICY_INIT;
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	double values[100];
	struct change_point a = { 0 }, b = { 0 };

	for (size_t i = 0; i < 100; i++)
		values[i] = exp(gsl_ran_gaussian(random, 0.02) + (i >= 70 ? 0.03 : 0));
	gsl_rng_free(random);
	CU_ASSERT_EQUAL(find(values, 100, &policy, &a), find(values, 100, &policy, &b));
	CU_ASSERT_EQUAL(a.index, b.index);
	CU_ASSERT_EQUAL(a.p, b.p);
	CU_ASSERT_TRUE(a.index > 60 && a.index < 80);
}

/* --- rates ------------------------------------------------------------------------------ */

/* Share of series of CV 2 % in which a change is found: `before` points, then `after`
 * that are higher by `step`. */
static double rate(size_t before, size_t after, double step, int rounds)
{
	const struct change_policy policy = CHANGE_POLICY_INIT;
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	int found = 0;

	gsl_rng_set(random, 50);
	for (int round = 0; round < rounds; round++) {
		double values[128];
		struct change_point first = { 0 };

		for (size_t i = 0; i < before + after; i++)
			values[i] = exp(gsl_ran_gaussian(random, 0.02) +
					(i >= before ? log1p(step) : 0));
		found += find(values, before + after, &policy, &first) > 0;
	}
	gsl_rng_free(random);
	return (double)found / rounds;
}

/* docs/history.md has the figures of the long form. */
static void test_rates(void)
{
	bool is_long = getenv("KERNGATE_LONG") != NULL;
	int rounds = is_long ? 20000 : 1500;
	static const size_t after[] = { 1, 2, 3, 4, 5, 7, 10 };
	double still = rate(50, 0, 0, rounds);

	if (is_long)
		fprintf(stderr, "still: %.3f %%\n", 100 * still);
	/* alpha is 1 %; 3 standard errors on top */
	CU_ASSERT_TRUE(still <= 0.01 + 3 * sqrt(0.01 * 0.99 / rounds));
	CU_ASSERT_TRUE(rate(50, 2, 0.05, 300) < 0.15);
	CU_ASSERT_TRUE(rate(50, 3, 0.05, 300) > 0.5);
	CU_ASSERT_TRUE(rate(50, 5, 0.05, 300) > 0.85);
	for (size_t i = 0; is_long && i < ARRAY_COUNT(after); i++)
		fprintf(stderr, "after %zu: +5 %%: %.1f %%, +3 %%: %.1f %%\n", after[i],
			100 * rate(50, after[i], 0.05, 5000), 100 * rate(50, after[i], 0.03, 5000));
}

TEST_SUITE("change_points",
	   {"by hand", test_by_hand},
	   {"the definition", test_definition},
	   {"the Nile", test_nile},
	   {"levels", test_levels},
	   {"repeatable", test_repeatable},
	   {"rates", test_rates})
