/* statistics.c - summaries of boots, their ratio over complete blocks and its
 * bootstrap interval. Tests and power are in statistics_tests.c.
 */
#include "statistics.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <string.h>

#include "cleanup.h"
#include "memory.h"
#include "statistics_blocks.h"

static double *copy_values(const double *values, size_t count)
{
	double *copy = memory_alloc_array(count, sizeof(*copy));

	memcpy(copy, values, count * sizeof(*copy));
	return copy;
}

double statistics_median(const double *values, size_t count)
{
	cleanup_free double *copy = NULL;

	if (count == 1)
		return values[0];
	copy = copy_values(values, count);
	return gsl_stats_median(copy, 1, count);
}

double statistics_quantile(const double *values, size_t count, double q)
{
	cleanup_free double *sorted = copy_values(values, count);

	gsl_sort(sorted, 1, count);
	return gsl_stats_quantile_from_sorted_data(sorted, 1, count, q);
}

double statistics_boot_summary(const struct boot_samples *boot,
			       enum boot_summary summary)
{
	if (summary == SUMMARY_MAXIMUM)
		return gsl_stats_max(boot->values, 1, boot->count);
	if (summary == SUMMARY_MINIMUM)
		return gsl_stats_min(boot->values, 1, boot->count);
	return statistics_median(boot->values, boot->count);
}

static bool has_block(const struct boot_samples *boots, size_t count, uint32_t block)
{
	for (size_t i = 0; i < count; i++)
		if (boots[i].block == block)
			return true;
	return false;
}

/* Appends a side's boots of one block; returns how many. */
static size_t take_boots(struct block_set *set, const struct boot_samples *boots,
			 size_t count, uint32_t block, enum boot_summary summary)
{
	size_t taken = 0;

	for (size_t i = 0; i < count; i++) {
		double value;

		if (boots[i].block != block)
			continue;
		value = statistics_boot_summary(&boots[i], summary);
		if (!(value > 0))
			set->is_positive = false;
		set->boots[set->boots_count++] = (struct block_boot){
			.boot = &boots[i],
			.log_summary = value > 0 ? log(value) : NAN,
		};
		taken++;
	}
	return taken;
}

void block_set_init(struct block_set *set, const struct boot_samples *a,
		    size_t a_count, const struct boot_samples *b,
		    size_t b_count, enum boot_summary summary)
{
	*set = (struct block_set){ .is_positive = true };
	set->blocks = memory_alloc_array(a_count, sizeof(*set->blocks));
	set->boots = memory_alloc_array(a_count + b_count, sizeof(*set->boots));
	for (size_t i = 0; i < a_count; i++) {
		uint32_t number = a[i].block;
		struct block *block = &set->blocks[set->count];

		if (has_block(a, i, number) || !has_block(b, b_count, number))
			continue;
		block->boots = set->boots + set->boots_count;
		block->a_count = take_boots(set, a, a_count, number, summary);
		block->b_count = take_boots(set, b, b_count, number, summary);
		set->count++;
	}
}

void block_set_release(struct block_set *set)
{
	free(set->blocks);
	free(set->boots);
	*set = (struct block_set){ .count = 0 };
}

static double mean_log(const struct block_boot *boots, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += boots[i].log_summary;
	return sum / (double)count;
}

double block_difference(const struct block *block)
{
	return mean_log(block->boots + block->a_count, block->b_count) -
	       mean_log(block->boots, block->a_count);
}

double block_set_difference(const struct block_set *set)
{
	double sum = 0;

	for (size_t i = 0; i < set->count; i++)
		sum += block_difference(&set->blocks[i]);
	return sum / (double)set->count;
}

void statistics_centers(const struct boot_samples *a, size_t a_count,
			const struct boot_samples *b, size_t b_count,
			enum boot_summary summary, double *ret_a, double *ret_b,
			size_t *ret_blocks)
{
	cleanup_with(block_set_release) struct block_set set;
	double a_sum = 0, b_sum = 0;

	block_set_init(&set, a, a_count, b, b_count, summary);
	for (size_t i = 0; i < set.count; i++) {
		const struct block *block = &set.blocks[i];

		a_sum += mean_log(block->boots, block->a_count);
		b_sum += mean_log(block->boots + block->a_count, block->b_count);
	}
	*ret_a = set.count ? exp(a_sum / (double)set.count) : (double)NAN;
	*ret_b = set.count ? exp(b_sum / (double)set.count) : (double)NAN;
	*ret_blocks = set.count;
}

double statistics_ratio(const struct boot_samples *a, size_t a_count,
			const struct boot_samples *b, size_t b_count,
			enum boot_summary summary)
{
	cleanup_with(block_set_release) struct block_set set;

	block_set_init(&set, a, a_count, b, b_count, summary);
	return set.count ? exp(block_set_difference(&set)) : (double)NAN;
}

/* Owned: the difference of each block. */
static double *block_differences(const struct block_set *set)
{
	double *differences = memory_alloc_array(set->count, sizeof(*differences));

	for (size_t i = 0; i < set->count; i++)
		differences[i] = block_difference(&set->blocks[i]);
	return differences;
}

/* Fills means with sorted bootstrap replicates of the mean of values. */
static void draw_means(const double *values, size_t count, uint64_t seed,
		       double *means, size_t means_count)
{
	gsl_rng *random = gsl_rng_alloc(random_words);

	gsl_rng_set(random, (seed ^ (seed >> 32)) & UINT32_MAX);
	for (size_t i = 0; i < means_count; i++) {
		double sum = 0;

		for (size_t k = 0; k < count; k++)
			sum += values[random_index(random, count)];
		means[i] = sum / (double)count;
	}
	gsl_rng_free(random);
	gsl_sort(means, 1, means_count);
}

struct interval statistics_ratio_interval(
	const struct boot_samples *a, size_t a_count,
	const struct boot_samples *b, size_t b_count, enum boot_summary summary,
	double confidence, uint32_t resamples, uint64_t seed)
{
	cleanup_with(block_set_release) struct block_set set;
	cleanup_free double *differences = NULL;
	cleanup_free double *logs = NULL;
	double tail = (1 - confidence) / 2;
	double estimate, widening, n;

	block_set_init(&set, a, a_count, b, b_count, summary);
	if (!set.is_positive)
		return (struct interval){ NAN, NAN };
	if (set.count < 2)
		return (struct interval){ 0, INFINITY };
	n = (double)set.count;
	widening = sqrt(n / (n - 1)) * gsl_cdf_tdist_Qinv(tail, n - 1) /
		   gsl_cdf_ugaussian_Qinv(tail);
	logs = memory_alloc_array(resamples, sizeof(*logs));
	differences = block_differences(&set);
	draw_means(differences, set.count, seed, logs, resamples);
	estimate = block_set_difference(&set);
	return (struct interval){
		exp(estimate + widening * (gsl_stats_quantile_from_sorted_data(
				logs, 1, resamples, tail) - estimate)),
		exp(estimate + widening * (gsl_stats_quantile_from_sorted_data(
				logs, 1, resamples, 1 - tail) - estimate)),
	};
}

double statistics_block_sd(const struct boot_samples *a, size_t a_count,
			   const struct boot_samples *b, size_t b_count,
			   enum boot_summary summary, size_t *ret_blocks)
{
	cleanup_with(block_set_release) struct block_set set;
	cleanup_free double *differences = NULL;

	block_set_init(&set, a, a_count, b, b_count, summary);
	*ret_blocks = set.count;
	if (set.count < 2)
		return NAN;
	differences = block_differences(&set);
	return gsl_stats_sd(differences, 1, set.count);
}
