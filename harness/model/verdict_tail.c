/* verdict_tail.c - a tail as a tail: quantiles of all samples of a side, how often the
 * candidate goes beyond what the baseline hardly ever did, and intervals of both from
 * boots drawn with replacement. None of it decides a verdict.
 */
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

#include "cleanup.h"
#include "memory.h"
#include "statistics_blocks.h"
#include "verdict_private.h"

#define RESAMPLES 1000
/* A quantile is told where so many samples are to be expected beyond it, and its
 * interval where there are so many boots to draw from. */
#define BEYOND_MIN 10.0
#define BOOTS_MIN 5
#define THRESHOLD_QUANTILE 0.99
/* Samples between the places where each boot's share of them is kept. */
#define BUCKET 256

static const double quantiles[TAIL_QUANTILES_COUNT] = { 0.5, 0.99, 0.999, 1 };

struct pooled_sample {
	double value;
	uint32_t boot;
};

/* All samples of one side by value. */
struct pool {
	struct pooled_sample *samples; size_t count;  /* owned */
	size_t boots_count;
	uint32_t *before;    /* [bucket][boot]: samples in the buckets before; owned */
	size_t buckets_count;
	double *maxima;      /* of the boots; owned */
	size_t *counts, *beyond; /* of the boots; owned */
};

static void pool_release(struct pool *pool)
{
	free(pool->samples);
	free(pool->before);
	free(pool->maxima);
	free(pool->counts);
	free(pool->beyond);
}

static int compare_samples(const void *left, const void *right)
{
	double a = ((const struct pooled_sample *)left)->value;
	double b = ((const struct pooled_sample *)right)->value;

	return (a > b) - (a < b);
}

static void pool_fill(struct pool *pool, const struct boot_samples *boots, size_t count)
{
	size_t next = 0;

	for (size_t i = 0; i < count; i++) {
		pool->counts[i] = boots[i].count;
		pool->maxima[i] = -INFINITY;
		for (size_t k = 0; k < boots[i].count; k++) {
			pool->samples[next++] = (struct pooled_sample){ boots[i].values[k],
									(uint32_t)i };
			pool->maxima[i] = fmax(pool->maxima[i], boots[i].values[k]);
		}
	}
	qsort(pool->samples, pool->count, sizeof(*pool->samples), compare_samples);
}

static void pool_init(struct pool *pool, const struct boot_samples *boots, size_t count)
{
	*pool = (struct pool){ .boots_count = count };
	for (size_t i = 0; i < count; i++)
		pool->count += boots[i].count;
	pool->buckets_count = pool->count / BUCKET + 1;
	pool->samples = memory_alloc_array(pool->count, sizeof(*pool->samples));
	pool->before = memory_alloc_array(pool->buckets_count * count, sizeof(*pool->before));
	pool->maxima = memory_alloc_array(count, sizeof(*pool->maxima));
	pool->counts = memory_alloc_array(count, sizeof(*pool->counts));
	pool->beyond = memory_alloc_array(count, sizeof(*pool->beyond));
	pool_fill(pool, boots, count);
	for (size_t bucket = 1; bucket < pool->buckets_count; bucket++) {
		uint32_t *before = &pool->before[bucket * count];

		for (size_t boot = 0; boot < count; boot++)
			before[boot] = before[boot - count];
		for (size_t i = (bucket - 1) * BUCKET; i < bucket * BUCKET; i++)
			before[pool->samples[i].boot]++;
	}
}

/* Type 7, as everywhere else. */
static double pool_quantile(const struct pool *pool, double q)
{
	return gsl_stats_quantile_from_sorted_data(&pool->samples[0].value,
						   sizeof(*pool->samples) / sizeof(double),
						   pool->count, q);
}

/* Samples in the buckets before, each boot counting as often as it was drawn. */
static size_t drawn_before(const struct pool *pool, const size_t *drawn, size_t bucket)
{
	const uint32_t *before = &pool->before[bucket * pool->boots_count];
	size_t sum = 0;

	for (size_t i = 0; i < pool->boots_count; i++)
		sum += drawn[i] * before[i];
	return sum;
}

/* The sample at a rank, from 0, of the drawn boots' samples. */
static double drawn_at(const struct pool *pool, const size_t *drawn, size_t rank)
{
	size_t low = 0, high = pool->buckets_count, i;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (drawn_before(pool, drawn, middle) <= rank)
			low = middle;
		else
			high = middle;
	}
	rank -= drawn_before(pool, drawn, low);
	for (i = low * BUCKET; i + 1 < pool->count; i++) {
		size_t times = drawn[pool->samples[i].boot];

		if (times > rank)
			break;
		rank -= times;
	}
	return pool->samples[i].value;
}

/* Their quantile, type 7; count: how many samples they have. */
static double drawn_quantile(const struct pool *pool, const size_t *drawn, size_t count,
			     double q)
{
	double place = q * (double)(count - 1), rank = floor(place);
	double low = drawn_at(pool, drawn, (size_t)rank);

	if (place == rank)
		return low;
	return low + (place - rank) * (drawn_at(pool, drawn, (size_t)rank + 1) - low);
}

/* What one drawing of boots gave. */
struct replicates {
	double at[TAIL_QUANTILES_COUNT][RESAMPLES];
	double share[RESAMPLES];
};

static void draw_once(const struct pool *pool, gsl_rng *random, size_t *drawn,
		      struct replicates *replicates, size_t number)
{
	size_t count = 0, beyond = 0;
	double largest = -INFINITY;

	for (size_t i = 0; i < pool->boots_count; i++)
		drawn[i] = 0;
	for (size_t i = 0; i < pool->boots_count; i++) {
		size_t boot = random_index(random, pool->boots_count);

		drawn[boot]++;
		count += pool->counts[boot];
		beyond += pool->beyond[boot];
		largest = fmax(largest, pool->maxima[boot]);
	}
	for (size_t i = 0; i + 1 < TAIL_QUANTILES_COUNT; i++)
		replicates->at[i][number] = drawn_quantile(pool, drawn, count, quantiles[i]);
	replicates->at[TAIL_QUANTILES_COUNT - 1][number] = largest;
	replicates->share[number] = (double)beyond / (double)count;
}

static struct interval percentiles(double *values, double confidence)
{
	double tail = (1 - confidence) / 2;

	gsl_sort(values, 1, RESAMPLES);
	return (struct interval){
		gsl_stats_quantile_from_sorted_data(values, 1, RESAMPLES, tail),
		gsl_stats_quantile_from_sorted_data(values, 1, RESAMPLES, 1 - tail),
	};
}

static bool has_quantile(const struct pool *pool, double q)
{
	return q == 1 || (double)pool->count * (1 - q) >= BEYOND_MIN * (1 - 1e-9);
}

/* Intervals of a side: NAN where there are too few boots or samples. */
static void pool_intervals(const struct pool *pool, double confidence, uint64_t seed,
			   struct interval ret_at[TAIL_QUANTILES_COUNT],
			   struct interval *ret_share)
{
	cleanup_free struct replicates *replicates = NULL;
	cleanup_free size_t *drawn = NULL;
	gsl_rng *random;

	*ret_share = (struct interval){ NAN, NAN };
	for (size_t i = 0; i < TAIL_QUANTILES_COUNT; i++)
		ret_at[i] = (struct interval){ NAN, NAN };
	if (pool->boots_count < BOOTS_MIN)
		return;
	random = gsl_rng_alloc(random_words);
	gsl_rng_set(random, (seed ^ (seed >> 32)) & UINT32_MAX);
	replicates = memory_alloc(sizeof(*replicates));
	drawn = memory_alloc_array(pool->boots_count, sizeof(*drawn));
	for (size_t i = 0; i < RESAMPLES; i++)
		draw_once(pool, random, drawn, replicates, i);
	gsl_rng_free(random);
	*ret_share = percentiles(replicates->share, confidence);
	for (size_t i = 0; i < TAIL_QUANTILES_COUNT; i++)
		if (has_quantile(pool, quantiles[i]))
			ret_at[i] = percentiles(replicates->at[i], confidence);
}

/* Counts what lies beyond the threshold, boot by boot; returns how many in all. */
static uint64_t pool_count_beyond(struct pool *pool, double threshold,
				  enum metric_direction better)
{
	uint64_t count = 0;

	for (size_t i = 0; i < pool->count; i++) {
		const struct pooled_sample *sample = &pool->samples[i];
		bool is_beyond = better == BETTER_HIGHER ? sample->value < threshold :
							   sample->value > threshold;

		pool->beyond[sample->boot] += is_beyond;
		count += is_beyond;
	}
	return count;
}

/* The boots that have samples. */
static size_t filled_boots(const struct boot_samples *boots, size_t count,
			   struct boot_samples *ret_boots)
{
	size_t filled = 0;

	for (size_t i = 0; i < count; i++)
		if (boots[i].count > 0)
			ret_boots[filled++] = boots[i];
	return filled;
}

static void measure(struct tail_figures *tail, struct pool *a, struct pool *b,
		    enum metric_direction better, double confidence, uint64_t seed)
{
	double q = better == BETTER_HIGHER ? 1 - THRESHOLD_QUANTILE : THRESHOLD_QUANTILE;
	struct interval a_at[TAIL_QUANTILES_COUNT], b_at[TAIL_QUANTILES_COUNT];

	tail->a_samples = a->count;
	tail->b_samples = b->count;
	if (has_quantile(a, THRESHOLD_QUANTILE)) {
		tail->threshold = pool_quantile(a, q);
		tail->a_beyond = pool_count_beyond(a, tail->threshold, better);
		tail->b_beyond = pool_count_beyond(b, tail->threshold, better);
	}
	pool_intervals(a, confidence, seed, a_at, &tail->a_share);
	pool_intervals(b, confidence, seed + 1, b_at, &tail->b_share);
	if (isnan(tail->threshold))
		tail->a_share = tail->b_share = (struct interval){ NAN, NAN };
	for (size_t i = 0; i < TAIL_QUANTILES_COUNT; i++)
		tail->quantiles[i] = (struct tail_quantile){
			.q = quantiles[i],
			.a = has_quantile(a, quantiles[i]) ? pool_quantile(a, quantiles[i]) :
							     (double)NAN,
			.b = has_quantile(b, quantiles[i]) ? pool_quantile(b, quantiles[i]) :
							     (double)NAN,
			.a_interval = a_at[i],
			.b_interval = b_at[i],
		};
}

void verdict_tail_fill(struct metric_comparison *c, double confidence, uint64_t seed)
{
	cleanup_free struct boot_samples *boots = NULL;
	cleanup_with(pool_release) struct pool a = { 0 };
	cleanup_with(pool_release) struct pool b = { 0 };
	size_t a_count;

	if (c->metric->kind != METRIC_TAIL)
		return;
	boots = memory_alloc_array(c->a_count + c->b_count, sizeof(*boots));
	a_count = filled_boots(c->a, c->a_count, boots);
	pool_init(&a, boots, a_count);
	pool_init(&b, boots + a_count, filled_boots(c->b, c->b_count, boots + a_count));
	measure(&c->tail, &a, &b, c->metric->better, confidence, seed);
}
