/* test_sequential.c - looks that spend alpha, against published bounds, an
 * integration by another program, and a simulation.
 */
#include "sequential.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>

#include "test.h"

#define NEAR(actual, expected, tolerance)                                      \
	test_check(fabs((actual) - (expected)) <= (tolerance))

/* The level of look `count` as the bound of Z that tables print. */
static double bound(double alpha, const double *shares, size_t count)
{
	return gsl_cdf_ugaussian_Qinv(sequential_level(alpha, shares, count) / 2);
}

/* Two-sided 0.05, equal steps, the spending function like O'Brien and Fleming's: the
 * bounds of Reboussin, DeMets, Kim and Lan 2000, Controlled Clinical Trials 21(3)
 * (their program LanDeM; R's ldbounds, ldBounds(), prints the same). Their grid is
 * coarser than ours: the fourth digit may be off by one (3.3569; ours is 3.35701). */
static void test_published_bounds(void)
{
	static const double expected[6][5] = {
		[2] = { 2.9626, 1.9686 },
		[3] = { 3.7103, 2.5114, 1.9930 },
		[4] = { 4.3326, 2.9631, 2.3590, 2.0141 },
		[5] = { 4.8769, 3.3569, 2.6803, 2.2898, 2.0310 },
	};

	for (size_t looks = 2; looks <= 5; looks++) {
		double shares[5];

		for (size_t i = 0; i < looks; i++) {
			shares[i] = (double)(i + 1) / (double)looks;
			NEAR(bound(0.05, shares, i + 1), expected[looks][i], 1.5e-4);
		}
	}
}

/* Another alpha, and looks at uneven steps: a plain Python program with math.erfc, the
 * trapezoid rule on 1,200 steps and bisection. */
static void test_integrated_bounds(void)
{
	static const double even[] = { 1.0 / 3, 2.0 / 3, 1 }, uneven[] = { 0.3, 0.45, 1 };
	static const double even_bounds[] = { 4.310615, 2.947171, 2.346066 };
	static const double uneven_bounds[] = { 3.928573, 3.148976, 1.964792 };

	for (size_t i = 0; i < 3; i++) {
		NEAR(bound(0.02, even, i + 1), even_bounds[i], 1e-5);
		NEAR(bound(0.05, uneven, i + 1), uneven_bounds[i], 1e-5);
	}
}

static void test_spent(void)
{
	/* 2 (2 - 2 Phi(z(0.0125) / sqrt(t))): Lan and DeMets 1983, for two sides; the
	 * figures by Python's math.erfc. */
	NEAR(sequential_spent(0.05, 1), 0.05, 1e-12);
	NEAR(sequential_spent(0.05, 0.5), 0.00305064552, 1e-11);
	NEAR(sequential_spent(0.05, 0.2), 1.07774254e-6, 1e-13);
	CU_ASSERT_TRUE(sequential_spent(0.05, 0.8) < 0.05);
	CU_ASSERT_TRUE(sequential_spent(0.0001, 0.01) < 1e-300);
}

static void test_one_look(void)
{
	static const double whole[] = { 1 }, half[] = { 0.5 };

	NEAR(sequential_level(0.05, whole, 1), 0.05, 1e-10);
	NEAR(sequential_level(0.02, whole, 1), 0.02, 1e-10);
	NEAR(sequential_level(0.05, half, 1), sequential_spent(0.05, 0.5), 1e-10);
}

/* As many looks as there may be, close ones and very early ones: levels rise, and
 * none is beyond alpha. */
static void test_many_looks(void)
{
	double shares[SEQUENTIAL_LOOKS_MAX], last = 0;

	for (size_t i = 0; i < SEQUENTIAL_LOOKS_MAX; i++) {
		double level;

		shares[i] = (double)(i + 1) / SEQUENTIAL_LOOKS_MAX;
		level = sequential_level(0.05, shares, i + 1);
		CU_ASSERT_TRUE(level > last && level < 0.05);
		last = level;
	}
	/* Looks so close that they are the same one. */
	shares[0] = 0.5;
	shares[1] = 0.5001;
	shares[2] = 1;
	NEAR(bound(0.05, shares, 3), 1.9686, 1e-3);
	shares[1] = 0.51;
	CU_ASSERT_TRUE(bound(0.05, shares, 3) > 1.9686);
	NEAR(bound(0.05, shares, 3), 1.9686, 0.01);
}

/* Runs of sums of normal steps: all looks together cross with probability alpha. */
static void test_simulated(void)
{
	static const double shares[] = { 0.25, 0.4, 0.7, 1 };
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	double bounds[4];
	size_t runs = 40000, crossed = 0;

	gsl_rng_set(random, 20261122);
	for (size_t i = 0; i < 4; i++)
		bounds[i] = bound(0.1, shares, i + 1);
	for (size_t run = 0; run < runs; run++) {
		double sum = 0, share = 0;
		bool has_crossed = false;

		for (size_t i = 0; i < 4; i++) {
			sum += gsl_ran_gaussian(random, sqrt(shares[i] - share));
			share = shares[i];
			has_crossed |= fabs(sum) / sqrt(share) > bounds[i];
		}
		crossed += has_crossed;
	}
	gsl_rng_free(random);
	NEAR((double)crossed / (double)runs, 0.1, 3 * sqrt(0.1 * 0.9 / (double)runs));
}

static void check_plan(uint32_t blocks_max, uint32_t blocks_min, uint32_t looks_count,
		       const uint32_t *expected, size_t count)
{
	uint32_t blocks[SEQUENTIAL_LOOKS_MAX];

	CU_ASSERT_EQUAL(sequential_plan(blocks_max, blocks_min, looks_count, blocks), count);
	for (size_t i = 0; i < count; i++)
		CU_ASSERT_EQUAL(blocks[i], expected[i]);
}

static void test_plan(void)
{
	check_plan(10, 2, 1, (const uint32_t[]){ 10 }, 1);
	check_plan(10, 2, 2, (const uint32_t[]){ 5, 10 }, 2);
	check_plan(32, 6, 4, (const uint32_t[]){ 8, 16, 24, 32 }, 4);
	check_plan(10, 6, 4, (const uint32_t[]){ 8, 10 }, 2);
	check_plan(3, 1, 20, (const uint32_t[]){ 1, 2, 3 }, 3);
	check_plan(2, 6, 5, (const uint32_t[]){ 2 }, 1);
	check_plan(1, 1, 20, (const uint32_t[]){ 1 }, 1);
	check_plan(4000000000, 1, 4, (const uint32_t[]){ 1000000000, 2000000000, 3000000000,
							 4000000000 }, 4);
}

TEST_SUITE("sequential", { "published bounds", test_published_bounds },
	   { "integrated bounds", test_integrated_bounds },
	   { "alpha spent", test_spent }, { "one look", test_one_look },
	   { "many looks", test_many_looks }, { "simulated", test_simulated },
	   { "plan", test_plan })
