/* statistics_tests.c - the blocked permutation test, corrections for many
 * tests, and the power of a paired t test (the planning figure).
 */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sort_double.h>
#include <math.h>

#include "cleanup.h"
#include "memory.h"
#include "statistics_blocks.h"

#define ENUMERATION_MAX 100000.0
/* Of a block, to be held while arrangements are drawn. */
#define CHOICES_MAX 1000.0
#define HITS_ENOUGH 1000
#define QUADRATURE_POINTS 128

/* Arrangements of the labels of a block: a_count + b_count over b_count. */
static double block_arrangements(const struct block *block)
{
	return round(exp(gsl_sf_lnchoose(
		(unsigned int)(block->a_count + block->b_count),
		(unsigned int)block->b_count)));
}

static double set_arrangements(const struct block_set *set)
{
	double product = 1;

	for (size_t i = 0; i < set->count; i++)
		product *= block_arrangements(&set->blocks[i]);
	return product;
}

/* Contributions of every arrangement of one block to the statistic. */
struct choices {
	double *differences;  /* owned */
	size_t count;
};

static void choices_release(struct choices *choices)
{
	free(choices->differences);
}

/* Walks all ways to give b_left of the boots from index `at` on to B. */
static void choose(const struct block *block, size_t at, size_t b_left,
		   double b_sum, double total, struct choices *choices)
{
	size_t boots = block->a_count + block->b_count;

	if (b_left == 0) {
		choices->differences[choices->count++] =
			b_sum / (double)block->b_count -
			(total - b_sum) / (double)block->a_count;
		return;
	}
	if (boots - at < b_left)
		return;
	choose(block, at + 1, b_left - 1, b_sum + block->boots[at].log_summary,
	       total, choices);
	choose(block, at + 1, b_left, b_sum, total, choices);
}

static void choices_init(struct choices *choices, const struct block *block)
{
	double total = 0;

	choices->count = 0;
	choices->differences = memory_alloc_array(
		(size_t)block_arrangements(block), sizeof(double));
	for (size_t i = 0; i < block->a_count + block->b_count; i++)
		total += block->boots[i].log_summary;
	choose(block, 0, block->b_count, 0, total, choices);
}

/* Arrangements from block `at` on whose sum reaches the observed one. */
static uint64_t count_hits(const struct choices *choices, size_t count,
			   size_t at, double sum, double threshold)
{
	uint64_t hits = 0;

	if (at == count)
		return fabs(sum) >= threshold;
	for (size_t i = 0; i < choices[at].count; i++)
		hits += count_hits(choices, count, at + 1,
				   sum + choices[at].differences[i], threshold);
	return hits;
}

/* Of each block that has no more than `max`; none of the others. Owned. */
static struct choices *set_choices(const struct block_set *set, double max)
{
	struct choices *choices = memory_alloc_array(set->count, sizeof(*choices));

	for (size_t i = 0; i < set->count; i++)
		if (block_arrangements(&set->blocks[i]) <= max)
			choices_init(&choices[i], &set->blocks[i]);
	return choices;
}

static void set_choices_free(struct choices *choices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		choices_release(&choices[i]);
	free(choices);
}

static double exact_p(const struct block_set *set, double threshold)
{
	struct choices *choices = set_choices(set, ENUMERATION_MAX);
	uint64_t hits = count_hits(choices, set->count, 0, 0, threshold);

	set_choices_free(choices, set->count);
	return (double)hits / set_arrangements(set);
}

/* A block's difference under labels drawn at random; `choices` is empty where it has
 * too many arrangements to hold. */
static double draw_difference(gsl_rng *random, struct block *block,
			      const struct choices *choices)
{
	if (choices->count)
		return choices->differences[random_index(random, choices->count)];
	gsl_ran_shuffle(random, block->boots, block->a_count + block->b_count,
			sizeof(*block->boots));
	return block_difference(block);
}

static double drawn_p(const struct block_set *set, double threshold,
		      uint32_t draws, uint64_t seed)
{
	gsl_rng *random = gsl_rng_alloc(random_words);
	struct choices *choices = set_choices(set, CHOICES_MAX);
	uint32_t hits = 0, drawn = 0;

	gsl_rng_set(random, (seed ^ (seed >> 32)) & UINT32_MAX);
	while (drawn < draws && hits < HITS_ENOUGH) {
		double sum = 0;

		for (size_t k = 0; k < set->count; k++)
			sum += draw_difference(random, &set->blocks[k], &choices[k]);
		hits += fabs(sum) >= threshold;
		drawn++;
	}
	gsl_rng_free(random);
	set_choices_free(choices, set->count);
	return hits < HITS_ENOUGH ? (hits + 1.0) / (draws + 1.0) : (double)hits / drawn;
}

double statistics_permutation_p(const struct boot_samples *a, size_t a_count,
				const struct boot_samples *b, size_t b_count,
				enum boot_summary summary, uint32_t draws,
				uint64_t seed, bool *ret_exact)
{
	cleanup_with(block_set_release) struct block_set set;
	bool is_exact;
	double observed, threshold;

	block_set_init(&set, a, a_count, b, b_count, summary);
	is_exact = set_arrangements(&set) <= ENUMERATION_MAX;
	if (ret_exact)
		*ret_exact = is_exact;
	if (!set.is_positive)
		return NAN;
	if (set.count == 0)
		return 1;
	observed = fabs(block_set_difference(&set) * (double)set.count);
	/* Sums of the same terms in another order count as equal. */
	threshold = observed - 1e-9 * fmax(observed, 1e-9);
	return is_exact ? exact_p(&set, threshold) :
			  drawn_p(&set, threshold, draws, seed);
}

double statistics_equivalence_p(double mean, double sd, size_t n, double room)
{
	double error = sd / sqrt((double)n), distance = room - fabs(mean);

	if (n < 2 || isnan(mean) || isnan(sd))
		return NAN;
	if (error == 0)
		return distance > 0 ? 0 : 1;
	return gsl_cdf_tdist_Q(distance / error, (double)n - 1);
}

size_t statistics_permutation_blocks(const struct boot_samples *a, size_t a_count,
				     const struct boot_samples *b, size_t b_count,
				     double alpha)
{
	cleanup_with(block_set_release) struct block_set set;
	bool is_symmetric = true;
	double logs = 0, blocks;

	block_set_init(&set, a, a_count, b, b_count, SUMMARY_MEDIAN);
	for (size_t i = 0; i < set.count; i++) {
		is_symmetric &= set.blocks[i].a_count == set.blocks[i].b_count;
		logs += log(block_arrangements(&set.blocks[i]));
	}
	if (set.count == 0)
		return STATISTICS_BLOCKS_MAX;
	blocks = (log(is_symmetric ? 2 : 1) - log(alpha)) / (logs / (double)set.count);
	return (size_t)fmin(floor(blocks + 1e-9) + 1, STATISTICS_BLOCKS_MAX);
}

/* Indexes of p by value, NANs left out; returns how many. */
static size_t sort_p(const double *p, size_t count, size_t *ret_order)
{
	cleanup_free double *values = memory_alloc_array(count, sizeof(*values));
	cleanup_free size_t *places = memory_alloc_array(count, sizeof(*places));
	cleanup_free size_t *order = memory_alloc_array(count, sizeof(*order));
	size_t valid = 0;

	for (size_t i = 0; i < count; i++) {
		if (isnan(p[i]))
			continue;
		values[valid] = p[i];
		places[valid++] = i;
	}
	if (valid > 0)
		gsl_sort_index(order, values, 1, valid);
	for (size_t i = 0; i < valid; i++)
		ret_order[i] = places[order[i]];
	return valid;
}

void statistics_adjust_bh(const double *p, size_t count, double *ret_adjusted)
{
	cleanup_free size_t *order = memory_alloc_array(count, sizeof(*order));
	size_t valid = sort_p(p, count, order);
	double least = 1;

	for (size_t i = 0; i < count; i++)
		ret_adjusted[i] = NAN;
	for (size_t rank = valid; rank > 0; rank--) {
		size_t i = order[rank - 1];

		least = fmin(least, p[i] * (double)valid / (double)rank);
		ret_adjusted[i] = least;
	}
}

void statistics_adjust_holm(const double *p, size_t count, double *ret_adjusted)
{
	cleanup_free size_t *order = memory_alloc_array(count, sizeof(*order));
	size_t valid = sort_p(p, count, order);
	double largest = 0;

	for (size_t i = 0; i < count; i++)
		ret_adjusted[i] = NAN;
	for (size_t rank = 0; rank < valid; rank++) {
		size_t i = order[rank];

		largest = fmax(largest, fmin(1, p[i] * (double)(valid - rank)));
		ret_adjusted[i] = largest;
	}
}

/* Upper tail of the noncentral t distribution at the two-sided critical value:
 * P(Z + ncp > t u), u = sqrt(chi-squared / df), integrated over the density of
 * u (Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2,
 * chapter 31). The other tail is left out, as R's power.t.test does. */
static double t_power(double ncp, size_t n, double alpha)
{
	double df = (double)n - 1;
	double critical = gsl_cdf_tdist_Qinv(alpha / 2, df);
	double spread = 9 / sqrt(2 * df);
	double low = fmax(0, 1 - spread), high = 1 + spread;
	gsl_integration_glfixed_table *table =
		gsl_integration_glfixed_table_alloc(QUADRATURE_POINTS);
	double power = 0;

	for (size_t i = 0; i < QUADRATURE_POINTS; i++) {
		double u, weight;

		gsl_integration_glfixed_point(low, high, i, &u, &weight, table);
		power += weight * gsl_cdf_ugaussian_P(ncp - critical * u) *
			 2 * u * df * gsl_ran_chisq_pdf(df * u * u, df);
	}
	gsl_integration_glfixed_table_free(table);
	return power;
}

double statistics_detectable_effect(double sd, size_t n, double alpha, double power)
{
	double low = 0, high = 1;

	if (n < 2)
		return INFINITY;
	if (isnan(sd) || sd == 0)
		return sd;
	while (t_power(high, n, alpha) < power && high < 1e9)
		high *= 2;
	while (high - low > 1e-9 * high) {
		double middle = (low + high) / 2;

		if (t_power(middle, n, alpha) < power)
			low = middle;
		else
			high = middle;
	}
	return expm1(high * sd / sqrt((double)n));
}

size_t statistics_blocks_needed(double sd, double effect, double alpha, double power)
{
	double shift = log1p(effect) / sd;
	size_t low = 1, high = 2;

	if (sd == 0 && effect > 0)
		return 2;
	if (!(shift > 0))
		return STATISTICS_BLOCKS_MAX;
	while (t_power(shift * sqrt((double)high), high, alpha) < power) {
		if (high >= STATISTICS_BLOCKS_MAX)
			return STATISTICS_BLOCKS_MAX;
		low = high;
		high = high * 2 < STATISTICS_BLOCKS_MAX ? high * 2 : STATISTICS_BLOCKS_MAX;
	}
	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (t_power(shift * sqrt((double)middle), middle, alpha) < power)
			low = middle;
		else
			high = middle;
	}
	return high;
}
