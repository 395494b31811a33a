/* test_statistics.c - the arithmetic of comparison against values from other
 * sources: published examples, or a separate program (plain Python: complete
 * enumeration with itertools, Simpson's rule over the chi density for power, t
 * quantiles by bisection). Each golden value says where it is from.
 */
#include "statistics.h"

#include <math.h>

#include "test.h"

#define NEAR(actual, expected, tolerance)                                      \
	test_check(fabs((actual) - (expected)) <= (tolerance))

/* One value a boot, blocks 0, 1, ...; copies boots of a side in each block. */
static void make_boots(struct boot_samples *boots, const double *values,
		       size_t count, size_t copies)
{
	for (size_t i = 0; i < count; i++)
		boots[i] = (struct boot_samples){
			.block = (uint32_t)(i / copies),
			.values = &values[i],
			.count = 1,
		};
}

static void test_quantiles(void)
{
	static const double values[] = { 7, 1, 9, 3, 10, 2, 5, 4, 8, 6 };

	/* R: quantile(1:10, c(.25, .5, .9, 1), type = 7) */
	NEAR(statistics_quantile(values, 10, 0.25), 3.25, 1e-12);
	NEAR(statistics_quantile(values, 10, 0.9), 9.1, 1e-12);
	NEAR(statistics_quantile(values, 10, 1), 10, 0);
	NEAR(statistics_median(values, 10), 5.5, 0);
	NEAR(statistics_median(values, 9), 5, 0);
	NEAR(statistics_median(values, 1), 7, 0);
	CU_ASSERT_EQUAL(values[0], 7);
}

static void test_boot_summary(void)
{
	static const double values[] = { 5, 1, 100 };
	struct boot_samples boot = { .values = values, .count = 3 };

	NEAR(statistics_boot_summary(&boot, SUMMARY_MEDIAN), 5, 0);
	NEAR(statistics_boot_summary(&boot, SUMMARY_MAXIMUM), 100, 0);
	NEAR(statistics_boot_summary(&boot, SUMMARY_MINIMUM), 1, 0);
}

/* Darwin's maize plants, 15 pairs, eighths of an inch: Fisher, The Design of
 * Experiments (1935), section 21: 863 of 32,768 arrangements on each side. */
static void test_permutation_darwin(void)
{
	static const double differences[] = { 49, -67, 8,  16, 6,  23, 28, 41,
					      14, 29,  56, 24, 75, 60, -48 };
	struct boot_samples a[15], b[15];
	double a_values[15], b_values[15];
	bool is_exact = false;

	for (size_t i = 0; i < 15; i++) {
		a_values[i] = 1;
		b_values[i] = exp(differences[i] / 100);
	}
	make_boots(a, a_values, 15, 1);
	make_boots(b, b_values, 15, 1);
	NEAR(statistics_permutation_p(a, 15, b, 15, SUMMARY_MEDIAN, 1, 1, &is_exact),
	     1726.0 / 32768, 1e-12);
	CU_ASSERT_TRUE(is_exact);
}

static const double pooled_a[] = { 100, 103, 98, 99, 101, 104, 97, 102 };
static const double pooled_b[] = { 110, 105, 112, 101 };

/* Two copies of the baseline in each block: three arrangements a block. By
 * complete enumeration in Python: 2 of 81 reach the observed 6.4087 %. */
static void test_permutation_pooled(void)
{
	struct boot_samples a[8], b[4];
	bool is_exact = false;

	make_boots(a, pooled_a, 8, 2);
	make_boots(b, pooled_b, 4, 1);
	NEAR(statistics_permutation_p(a, 8, b, 4, SUMMARY_MEDIAN, 1, 1, &is_exact),
	     2.0 / 81, 1e-12);
	CU_ASSERT_TRUE(is_exact);
	NEAR(statistics_ratio(a, 8, b, 4, SUMMARY_MEDIAN), 1.0640871677835626, 1e-12);
}

/* Too many arrangements to walk: agrees with the exact figure of 15 pairs
 * repeated, and is the same again with the same seed. */
static void test_permutation_drawn(void)
{
	struct boot_samples a[40], b[40];
	double a_values[40], b_values[40];
	bool is_exact = true;
	double p, again, other;

	for (size_t i = 0; i < 40; i++) {
		a_values[i] = 100 + (double)(i * 7 % 11);
		b_values[i] = 100 + (double)(i * 5 % 13);
	}
	make_boots(a, a_values, 40, 1);
	make_boots(b, b_values, 40, 1);
	p = statistics_permutation_p(a, 40, b, 40, SUMMARY_MEDIAN, 5000, 1, &is_exact);
	CU_ASSERT_FALSE(is_exact);
	again = statistics_permutation_p(a, 40, b, 40, SUMMARY_MEDIAN, 5000, 1, NULL);
	other = statistics_permutation_p(a, 40, b, 40, SUMMARY_MEDIAN, 5000, 2, NULL);
	CU_ASSERT_EQUAL(p, again);
	NEAR(p, other, 0.04);
	CU_ASSERT_TRUE(p > 0.05 && p <= 1);
	/* All pairs shifted alike: no draw reaches it but by chance. */
	for (size_t i = 0; i < 40; i++)
		b_values[i] = a_values[i] * 1.1;
	p = statistics_permutation_p(a, 40, b, 40, SUMMARY_MEDIAN, 5000, 1, NULL);
	NEAR(p, 1.0 / 5001, 1e-12);
	/* Many boots in a block: more arrangements than are held. */
	make_boots(a, a_values, 40, 10);
	make_boots(b, b_values, 40, 10);
	p = statistics_permutation_p(a, 40, b, 40, SUMMARY_MEDIAN, 5000, 1, &is_exact);
	CU_ASSERT_FALSE(is_exact);
	NEAR(p, 1.0 / 5001, 1e-12);
}

/* Eighteen pairs are drawn, not walked, until 1,000 have hit. Of all 2^18, by a count
 * of sums in Python, 17,020 do: four standard errors of what is drawn. */
static void test_permutation_enough_hits(void)
{
	struct boot_samples a[18], b[18];
	double a_values[18], b_values[18], p;
	bool is_exact = true;

	for (size_t i = 0; i < 18; i++) {
		a_values[i] = 1;
		b_values[i] = exp(((double)(i * 7 % 11) - 3.5) / 100);
	}
	make_boots(a, a_values, 18, 1);
	make_boots(b, b_values, 18, 1);
	p = statistics_permutation_p(a, 18, b, 18, SUMMARY_MEDIAN, 1000000, 1, &is_exact);
	CU_ASSERT_FALSE(is_exact);
	NEAR(p / (17020.0 / 262144), 1, 4 / sqrt(1000));
}

static void test_permutation_limits(void)
{
	static const double a_values[] = { 1, 2, 3, 4, 5, 6 };
	static const double b_values[] = { 2, 4, 6, 8, 10, 12 };
	struct boot_samples a[6], b[6];

	make_boots(a, a_values, 6, 1);
	make_boots(b, b_values, 6, 1);
	/* Every pair doubled: the smallest p that n pairs give is 2 / 2^n. */
	NEAR(statistics_permutation_p(a, 6, b, 6, SUMMARY_MEDIAN, 1, 1, NULL),
	     2.0 / 64, 1e-12);
	NEAR(statistics_permutation_p(a, 3, b, 3, SUMMARY_MEDIAN, 1, 1, NULL),
	     0.25, 1e-12);
	/* Equal sides: everything is as extreme. */
	NEAR(statistics_permutation_p(a, 6, a, 6, SUMMARY_MEDIAN, 1, 1, NULL), 1, 0);
	/* 2 / 2^6 is the first below 0.05; 1 / 3^3 with two copies of A. */
	CU_ASSERT_EQUAL(statistics_permutation_blocks(a, 2, b, 2, 0.05), 6);
	CU_ASSERT_EQUAL(statistics_permutation_blocks(a, 6, b, 6, 2.0 / 64), 7);
	make_boots(a, a_values, 6, 2);
	CU_ASSERT_EQUAL(statistics_permutation_blocks(a, 6, b, 3, 0.05), 3);
	CU_ASSERT_EQUAL(statistics_permutation_blocks(a, 0, b, 3, 0.05),
			STATISTICS_BLOCKS_MAX);
}

/* Lost boots: blocks without one side do not count, whatever is in them. */
static void test_incomplete_blocks(void)
{
	static const double a_values[] = { 100, 100, 5000 };
	static const double b_values[] = { 110, 110, 1 };
	struct boot_samples a[3], b[3];
	double a_center, b_center;
	size_t blocks;

	make_boots(a, a_values, 3, 1);
	make_boots(b, b_values, 3, 1);
	b[2].block = 7;
	statistics_centers(a, 3, b, 3, SUMMARY_MEDIAN, &a_center, &b_center, &blocks);
	CU_ASSERT_EQUAL(blocks, 2);
	NEAR(a_center, 100, 1e-9);
	NEAR(b_center, 110, 1e-9);
	NEAR(statistics_ratio(a, 3, b, 3, SUMMARY_MEDIAN), 1.1, 1e-12);
	NEAR(statistics_block_sd(a, 3, b, 3, SUMMARY_MEDIAN, &blocks), 0, 1e-12);
	b[0].block = b[1].block = 9;
	statistics_centers(a, 3, b, 3, SUMMARY_MEDIAN, &a_center, &b_center, &blocks);
	CU_ASSERT_EQUAL(blocks, 0);
	CU_ASSERT_TRUE(isnan(a_center));
	CU_ASSERT_TRUE(isnan(statistics_ratio(a, 3, b, 3, SUMMARY_MEDIAN)));
	CU_ASSERT_TRUE(isnan(statistics_block_sd(a, 3, b, 3, SUMMARY_MEDIAN, &blocks)));
	NEAR(statistics_permutation_p(a, 3, b, 3, SUMMARY_MEDIAN, 1, 1, NULL), 1, 0);
	CU_ASSERT_TRUE(isinf(statistics_ratio_interval(a, 3, b, 3, SUMMARY_MEDIAN,
						       0.95, 100, 1).high));
}

static void test_not_positive(void)
{
	static const double a_values[] = { 1, 2, 3 };
	static const double b_values[] = { 1, 0, 3 };
	struct boot_samples a[3], b[3];

	make_boots(a, a_values, 3, 1);
	make_boots(b, b_values, 3, 1);
	CU_ASSERT_TRUE(isnan(statistics_ratio(a, 3, b, 3, SUMMARY_MEDIAN)));
	CU_ASSERT_TRUE(isnan(statistics_permutation_p(a, 3, b, 3, SUMMARY_MEDIAN,
						      1, 1, NULL)));
	CU_ASSERT_TRUE(isnan(statistics_ratio_interval(a, 3, b, 3, SUMMARY_MEDIAN,
						       0.95, 100, 1).low));
}

/* Near the t interval of the block differences (Python), which for normal
 * differences is the exact one: the bootstrap is random and percentile-based. */
static void test_interval(void)
{
	static const double logs[] = { .031, .012, .044, .027, -.006, .035,
				       .019, .052, .008, .024, .03,   .017 };
	struct boot_samples a[12], b[12];
	double a_values[12], b_values[12];
	struct interval wide, narrow, again;
	size_t blocks;

	for (size_t i = 0; i < 12; i++) {
		a_values[i] = 1000 + 10 * (double)i;
		b_values[i] = a_values[i] * exp(logs[i]);
	}
	make_boots(a, a_values, 12, 1);
	make_boots(b, b_values, 12, 1);
	wide = statistics_ratio_interval(a, 12, b, 12, SUMMARY_MEDIAN, 0.95, 20000, 1);
	NEAR(wide.low, 1.0144356587786567, 0.0009);
	NEAR(wide.high, 1.0351029358182304, 0.0009);
	narrow = statistics_ratio_interval(a, 12, b, 12, SUMMARY_MEDIAN, 0.9, 20000, 1);
	NEAR(narrow.low, 1.016320240520135, 0.0009);
	NEAR(narrow.high, 1.0331835249715122, 0.0009);
	again = statistics_ratio_interval(a, 12, b, 12, SUMMARY_MEDIAN, 0.95, 20000, 1);
	CU_ASSERT_EQUAL(wide.low, again.low);
	NEAR(statistics_block_sd(a, 12, b, 12, SUMMARY_MEDIAN, &blocks),
	     0.015871405582100005, 1e-12);
	CU_ASSERT_EQUAL(blocks, 12);
}

/* Benjamini and Hochberg 1995, section 4.1: of these 15 p-values, 4 are
 * rejected at 0.05 (Hochberg's and Holm's procedures reject 3). */
static const double published_p[] = { .0001, .0004, .0019, .0095, .0201,
				      .0278, .0298, .0344, .0459, .3240,
				      .4262, .5719, .6528, .7590, 1.000 };

static void test_adjust_bh(void)
{
	/* Order does not matter; a NAN is no test. */
	static const double p[] = { .04, NAN, .01, .03, .02, .05 };
	double adjusted[15];
	size_t rejected = 0;

	statistics_adjust_bh(published_p, 15, adjusted);
	for (size_t i = 0; i < 15; i++)
		rejected += adjusted[i] <= 0.05;
	CU_ASSERT_EQUAL(rejected, 4);
	NEAR(adjusted[3], .0095 * 15 / 4, 1e-12);
	NEAR(adjusted[14], 1, 0);
	statistics_adjust_bh(p, 6, adjusted);
	for (size_t i = 0; i < 6; i++)
		CU_ASSERT_TRUE(i == 1 ? isnan(adjusted[i]) :
					fabs(adjusted[i] - .05) < 1e-12);
	statistics_adjust_bh(p, 0, adjusted);
}

static void test_adjust_holm(void)
{
	/* R: p.adjust(c(.04, .01, .03, .02, .05), "holm") */
	static const double p[] = { .04, NAN, .01, .03, .02, .05 };
	static const double expected[] = { .09, NAN, .05, .09, .08, .09 };
	double adjusted[15];
	size_t rejected = 0;

	statistics_adjust_holm(p, 6, adjusted);
	for (size_t i = 0; i < 6; i++)
		CU_ASSERT_TRUE(i == 1 ? isnan(adjusted[i]) :
					fabs(adjusted[i] - expected[i]) < 1e-12);
	statistics_adjust_holm(published_p, 15, adjusted);
	for (size_t i = 0; i < 15; i++)
		rejected += adjusted[i] <= 0.05;
	CU_ASSERT_EQUAL(rejected, 3);
}

/* 199, 34 and 15 pairs for small, medium and large effects: the textbook sizes
 * of a paired t test at .05, power .8 (Cohen; G*Power); the rest from Python. */
static void test_power(void)
{
	CU_ASSERT_EQUAL(statistics_blocks_needed(1, expm1(0.2), 0.05, 0.8), 199);
	CU_ASSERT_EQUAL(statistics_blocks_needed(1, expm1(0.5), 0.05, 0.8), 34);
	CU_ASSERT_EQUAL(statistics_blocks_needed(1, expm1(0.8), 0.05, 0.8), 15);
	CU_ASSERT_EQUAL(statistics_blocks_needed(1, expm1(1.5), 0.05, 0.8), 6);
	NEAR(log1p(statistics_detectable_effect(0.01, 10, 0.05, 0.8)),
	     0.00996002254306, 1e-6);
	NEAR(log1p(statistics_detectable_effect(0.01, 5, 0.01, 0.8)),
	     0.02628973761608, 1e-5);
	NEAR(log1p(statistics_detectable_effect(0.01, 3, 0.05, 0.8)),
	     0.03264043549782, 1e-5);
}

static void test_power_limits(void)
{
	CU_ASSERT_TRUE(isinf(statistics_detectable_effect(0.1, 1, 0.05, 0.8)));
	CU_ASSERT_TRUE(isnan(statistics_detectable_effect(NAN, 5, 0.05, 0.8)));
	NEAR(statistics_detectable_effect(0, 5, 0.05, 0.8), 0, 0);
	CU_ASSERT_EQUAL(statistics_blocks_needed(0.01, 0, 0.05, 0.8),
			STATISTICS_BLOCKS_MAX);
	CU_ASSERT_EQUAL(statistics_blocks_needed(0.01, -0.1, 0.05, 0.8),
			STATISTICS_BLOCKS_MAX);
	CU_ASSERT_EQUAL(statistics_blocks_needed(NAN, 0.1, 0.05, 0.8),
			STATISTICS_BLOCKS_MAX);
	CU_ASSERT_EQUAL(statistics_blocks_needed(1, 1e-6, 0.05, 0.8),
			STATISTICS_BLOCKS_MAX);
	CU_ASSERT_EQUAL(statistics_blocks_needed(0, 0.1, 0.05, 0.8), 2);
}

/* Student's patients again (below): mean 1.58, sd 1.2299955 of 10. t and its tail by
 * Simpson's rule over the density (Python). */
static void test_equivalence(void)
{
	NEAR(statistics_equivalence_p(1.58, 1.2299955, 10, 2), 0.15415723876664678, 1e-9);
	NEAR(statistics_equivalence_p(-1.58, 1.2299955, 10, 2), 0.15415723876664678, 1e-9);
	NEAR(statistics_equivalence_p(0.003, 0.0255, 30, 0.0198026), 0.0005714995881619944,
	     1e-9);
	/* On the bound either test is a coin; beyond it p is large. */
	NEAR(statistics_equivalence_p(2, 1, 10, 2), 0.5, 1e-12);
	CU_ASSERT_TRUE(statistics_equivalence_p(5, 1, 10, 2) > 0.99);
	NEAR(statistics_equivalence_p(1, 0, 10, 2), 0, 0);
	NEAR(statistics_equivalence_p(3, 0, 10, 2), 1, 0);
	CU_ASSERT_TRUE(isnan(statistics_equivalence_p(0, 1, 1, 2)));
	CU_ASSERT_TRUE(isnan(statistics_equivalence_p(0, NAN, 5, 2)));
	CU_ASSERT_TRUE(isnan(statistics_equivalence_p(NAN, 1, 5, 2)));
}

/* --- pass rates ---------------------------------------------------------- */

static void test_fisher(void)
{
	/* R, help of fisher.test: Fisher's tea (Agresti 1990, p. 61), 34 of 70 tables,
	 * and convictions of twins of criminals (Fisher 1962). */
	NEAR(statistics_fisher_p(3, 4, 1, 4), 34.0 / 70, 1e-12);
	NEAR(statistics_fisher_p(2, 17, 10, 13), 0.0005367241191434358, 1e-15);
	NEAR(statistics_fisher_p(10, 13, 2, 17), 0.0005367241191434358, 1e-15);
	/* Complete enumeration with Python's fractions. */
	NEAR(statistics_fisher_p(30, 30, 24, 30), 0.023720703916957263, 1e-13);
	NEAR(statistics_fisher_p(29, 30, 22, 30), 0.02569073496311643, 1e-13);
	NEAR(statistics_fisher_p(0, 5, 5, 5), 2.0 / 252, 1e-14);
	/* Nothing to tell apart. */
	NEAR(statistics_fisher_p(5, 5, 9, 9), 1, 1e-12);
	NEAR(statistics_fisher_p(0, 5, 0, 9), 1, 1e-12);
	NEAR(statistics_fisher_p(0, 0, 3, 9), 1, 0);
	NEAR(statistics_fisher_p(3, 9, 0, 0), 1, 0);
	CU_ASSERT_TRUE(statistics_fisher_p(5000, 5000, 4950, 5000) < 1e-12);
}

static void test_share_interval(void)
{
	struct interval interval = statistics_share_interval(682, 925, 0.95);

	/* R, help of binom.test: Mendel's peas (Conover 1971, p. 97). */
	NEAR(interval.low, 0.7076683, 1e-7);
	NEAR(interval.high, 0.7654066, 1e-7);
	/* Closed forms at the ends: 1 - 0.025^(1/10) and its mirror image. */
	interval = statistics_share_interval(0, 10, 0.95);
	NEAR(interval.low, 0, 0);
	NEAR(interval.high, 1 - pow(0.025, 0.1), 1e-12);
	interval = statistics_share_interval(10, 10, 0.95);
	NEAR(interval.low, pow(0.025, 0.1), 1e-12);
	NEAR(interval.high, 1, 0);
	interval = statistics_share_interval(0, 0, 0.95);
	NEAR(interval.low, 0, 0);
	NEAR(interval.high, 1, 0);
}

/* Python: the critical number by enumeration of Fisher's test, the rate by bisection of
 * the binomial sum. */
static void test_detectable_share(void)
{
	NEAR(statistics_detectable_share(30, 30, 30, 0.05, 0.8), 0.7492524167729654, 1e-9);
	NEAR(statistics_detectable_share(40, 40, 40, 0.02, 0.8), 0.7818834626053305, 1e-9);
	/* Four boots a side: 0 of 4 against 4 of 4 has p 2/70. */
	NEAR(statistics_detectable_share(4, 4, 4, 0.05, 0.8), 1 - pow(0.8, 0.25), 1e-9);
	CU_ASSERT_TRUE(isnan(statistics_detectable_share(4, 4, 4, 0.02, 0.8)));
	CU_ASSERT_TRUE(isnan(statistics_detectable_share(0, 9, 9, 0.05, 0.8)));
	CU_ASSERT_TRUE(isnan(statistics_detectable_share(0, 0, 9, 0.05, 0.8)));
	CU_ASSERT_TRUE(isnan(statistics_detectable_share(9, 9, 0, 0.05, 0.8)));
}

/* --- pairs ------------------------------------------------------------- */

/* Student, The Probable Error of a Mean, Biometrika 6 (1908): ten patients' gain
 * of sleep by two drugs. R: t.test(extra ~ group, data = sleep, paired = TRUE). */
static void test_paired_student(void)
{
	static const double differences[] = { 1.2, 2.4, 1.3, 1.3, 0,
					      1.0, 1.8, 0.8, 4.6, 1.4 };
	struct figure_pair pairs[10];
	struct paired_figures figures;

	for (size_t i = 0; i < 10; i++)
		pairs[i] = (struct figure_pair){ 7, 7 * exp(differences[i]) };
	figures = statistics_paired(pairs, 10, 0.95);
	NEAR(figures.p, 0.00283289, 1e-8);
	NEAR(log(figures.ratio), 1.58, 1e-12);
	NEAR(log(figures.interval.low), 0.7001142, 1e-7);
	NEAR(log(figures.interval.high), 2.4598858, 1e-7);
	NEAR(figures.sd, 1.2299955, 1e-7);
	/* The other way round it is the mirror image. */
	for (size_t i = 0; i < 10; i++)
		pairs[i] = (struct figure_pair){ pairs[i].b, pairs[i].a };
	NEAR(statistics_paired(pairs, 10, 0.95).p, figures.p, 1e-12);
	NEAR(statistics_paired(pairs, 10, 0.95).ratio * figures.ratio, 1, 1e-12);
}

static void test_paired_without_variance(void)
{
	struct figure_pair pairs[] = { { 3, 6 }, { 5, 10 }, { 7e15, 14e15 } };
	struct paired_figures figures = statistics_paired(pairs, 3, 0.95);

	CU_ASSERT_TRUE(statistics_pairs_constant(pairs, 3));
	CU_ASSERT_EQUAL(figures.ratio, 2);
	CU_ASSERT_EQUAL(figures.sd, 0);
	CU_ASSERT_EQUAL(figures.p, 0);
	CU_ASSERT_EQUAL(figures.interval.low, 2);
	CU_ASSERT_EQUAL(figures.interval.high, 2);
	/* One instruction in 14e15 is a difference. */
	pairs[2].b += 2;
	CU_ASSERT_FALSE(statistics_pairs_constant(pairs, 3));
	CU_ASSERT_TRUE(statistics_paired(pairs, 3, 0.95).p < 1e-10);
	for (size_t i = 0; i < 3; i++)
		pairs[i].b = pairs[i].a;
	CU_ASSERT_EQUAL(statistics_paired(pairs, 3, 0.95).p, 1);
}

static void test_paired_alone(void)
{
	const struct figure_pair pair = { 4, 5 };
	struct paired_figures figures = statistics_paired(&pair, 1, 0.95);

	CU_ASSERT_EQUAL(figures.ratio, 1.25);
	CU_ASSERT_EQUAL(figures.p, 1);
	CU_ASSERT_TRUE(isnan(figures.sd));
	CU_ASSERT_EQUAL(figures.interval.low, 0);
	CU_ASSERT_TRUE(isinf(figures.interval.high));
}

/* Blocks of one side only, out of order, and a second boot of a side. */
static void test_pairs(void)
{
	static const double values[] = { 10, 20, 30, 40 };
	const struct boot_samples a[] = {
		{ 7, &values[0], 1 }, { 3, &values[1], 2 }, { 7, &values[3], 1 },
		{ 9, &values[2], 1 },
	};
	const struct boot_samples b[] = { { 3, &values[0], 3 }, { 8, &values[0], 1 },
					  { 7, &values[2], 1 }, { 7, &values[0], 1 } };
	struct figure_pair pairs[4];

	CU_ASSERT_EQUAL(statistics_pairs(a, 4, b, 4, SUMMARY_MEDIAN, pairs), 2);
	CU_ASSERT_EQUAL(pairs[0].a, 10);
	CU_ASSERT_EQUAL(pairs[0].b, 30);
	CU_ASSERT_EQUAL(pairs[1].a, 25);
	CU_ASSERT_EQUAL(pairs[1].b, 20);
	CU_ASSERT_EQUAL(statistics_pairs(a, 4, b, 4, SUMMARY_MAXIMUM, pairs), 2);
	CU_ASSERT_EQUAL(pairs[1].a, 30);
	CU_ASSERT_EQUAL(statistics_pairs(a, 4, b, 0, SUMMARY_MEDIAN, pairs), 0);
	CU_ASSERT_EQUAL(statistics_pairs(a, 0, b, 4, SUMMARY_MEDIAN, pairs), 0);
}

TEST_SUITE("statistics", { "quantiles", test_quantiles },
	   { "summary of a boot", test_boot_summary },
	   { "permutation: Darwin's maize", test_permutation_darwin },
	   { "permutation: pooled baseline", test_permutation_pooled },
	   { "permutation: drawn", test_permutation_drawn },
	   { "permutation: enough hits", test_permutation_enough_hits },
	   { "permutation: limits", test_permutation_limits },
	   { "incomplete blocks", test_incomplete_blocks },
	   { "figures that are not positive", test_not_positive },
	   { "interval", test_interval },
	   { "Benjamini-Hochberg", test_adjust_bh }, { "Holm", test_adjust_holm },
	   { "power", test_power }, { "power: limits", test_power_limits },
	   { "equivalence", test_equivalence }, { "Fisher's test", test_fisher },
	   { "Clopper-Pearson", test_share_interval },
	   { "detectable share", test_detectable_share },
	   { "pairs: Student's patients", test_paired_student },
	   { "pairs without variance", test_paired_without_variance },
	   { "a pair alone", test_paired_alone }, { "pairs of blocks", test_pairs })
