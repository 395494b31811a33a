/* statistics_paired.c - pairs that share a seed: exact mode's arithmetic. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#include "cleanup.h"
#include "memory.h"
#include "statistics.h"

static const struct boot_samples *find_block(const struct boot_samples *boots,
					     size_t count, uint32_t block)
{
	for (size_t i = 0; i < count; i++)
		if (boots[i].block == block)
			return &boots[i];
	return NULL;
}

size_t statistics_pairs(const struct boot_samples *a, size_t a_count,
			const struct boot_samples *b, size_t b_count,
			enum boot_summary summary, struct figure_pair *ret_pairs)
{
	size_t count = 0;

	for (size_t i = 0; i < a_count; i++) {
		const struct boot_samples *other = find_block(b, b_count, a[i].block);

		if (!other || find_block(a, i, a[i].block))
			continue;
		ret_pairs[count++] = (struct figure_pair){
			.a = statistics_boot_summary(&a[i], summary),
			.b = statistics_boot_summary(other, summary),
		};
	}
	return count;
}

bool statistics_pairs_constant(const struct figure_pair *pairs, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (pairs[i].b * pairs[0].a != pairs[0].b * pairs[i].a)
			return false;
	return true;
}

struct paired_figures statistics_paired(const struct figure_pair *pairs, size_t count,
					double confidence)
{
	cleanup_free double *logs = memory_alloc_array(count, sizeof(*logs));
	double ratio, mean, error, t, width;

	for (size_t i = 0; i < count; i++)
		logs[i] = log(pairs[i].b / pairs[i].a);
	ratio = pairs[0].b / pairs[0].a;
	if (count < 2)
		return (struct paired_figures){ ratio, NAN, { 0, INFINITY }, 1 };
	if (statistics_pairs_constant(pairs, count))
		return (struct paired_figures){ ratio, 0, { ratio, ratio }, ratio != 1 ? 0 : 1 };
	mean = gsl_stats_mean(logs, 1, count);
	error = gsl_stats_sd(logs, 1, count) / sqrt((double)count);
	t = fabs(mean) / error;
	width = error * gsl_cdf_tdist_Qinv((1 - confidence) / 2, (double)count - 1);
	return (struct paired_figures){
		.ratio = exp(mean),
		.sd = error * sqrt((double)count),
		.interval = { exp(mean - width), exp(mean + width) },
		.p = 2 * gsl_cdf_tdist_Q(t, (double)count - 1),
	};
}
