/* change_points.c - see change_points.h. Sums of distances for all splits take one
 * pass: a Fenwick tree (Fenwick 1994, "A New Data Structure for Cumulative Frequency
 * Tables") over ranks has how many values of the left side lie below a value, and their
 * sum. Where the segment changes nothing, the test stops at the few permutations that
 * show it (Besag and Clifford 1991, "Sequential Monte Carlo p-values").
 */
#include "change_points.h"

#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort_double.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "cleanup.h"
#include "memory.h"

/* A permutation counts as at least as extreme where sums in another order of the same
 * numbers would. */
#define TIE_TOLERANCE 1e-9

/* Permutations times points of a segment: so long series are as cheap as they must be,
 * and short ones, where the newest nights are few, as sensitive as they can be. */
#define WORK 60000.0
#define PERMUTATIONS_LONG 199.0

struct sums {
	double count, sum;
};

/* A segment by ranks, and room for a pass over it. */
struct scan {
	size_t count;
	size_t segment_min;
	double *sorted;        /* values by rank; owned */
	double *distances;     /* by rank: sum of distances to all others; owned */
	double total;          /* of all pairs */
	uint32_t *order;       /* rank of each point, in their order; owned */
	struct sums *tree;     /* owned; from 1 */
};

static void scan_release(struct scan *scan)
{
	free(scan->sorted);
	free(scan->distances);
	free(scan->order);
	free(scan->tree);
}

static void sum_distances(struct scan *scan)
{
	double below = 0, all = 0;

	for (size_t i = 0; i < scan->count; i++)
		all += scan->sorted[i];
	for (size_t i = 0; i < scan->count; i++) {
		double value = scan->sorted[i], above = all - below - value;
		double left = value * (double)i - below;
		double right = above - value * (double)(scan->count - 1 - i);

		scan->distances[i] = left + right;
		scan->total += (left + right) / 2;
		below += value;
	}
}

static void scan_init(struct scan *scan, const double *values, size_t count,
		      size_t segment_min)
{
	cleanup_free size_t *places = memory_alloc_array(count, sizeof(*places));

	*scan = (struct scan){ .count = count, .segment_min = segment_min };
	scan->sorted = memory_alloc_array(count, sizeof(*scan->sorted));
	scan->distances = memory_alloc_array(count, sizeof(*scan->distances));
	scan->order = memory_alloc_array(count, sizeof(*scan->order));
	scan->tree = memory_alloc_array(count + 1, sizeof(*scan->tree));
	gsl_sort_index(places, values, 1, count);
	for (size_t i = 0; i < count; i++) {
		/* differences are what counts: near zero they keep their digits */
		scan->sorted[i] = values[places[i]] - values[places[0]];
		scan->order[places[i]] = (uint32_t)i;
	}
	sum_distances(scan);
}

/* How many values of the left side are below this rank, and their sum. */
static struct sums left_below(const struct scan *scan, size_t rank)
{
	struct sums result = { 0, 0 };

	for (size_t i = rank; i; i &= i - 1) {
		result.count += scan->tree[i].count;
		result.sum += scan->tree[i].sum;
	}
	return result;
}

static void add_left(struct scan *scan, size_t rank, double value)
{
	for (size_t i = rank + 1; i <= scan->count; i += i & -i) {
		scan->tree[i].count += 1;
		scan->tree[i].sum += value;
	}
}

static double statistic(double between, double left, double right, double n, double m)
{
	double within = 0;

	if (n > 1)
		within += 2 * left / (n * (n - 1));
	if (m > 1)
		within += 2 * right / (m * (m - 1));
	return n * m / (n + m) * (2 * between / (n * m) - within);
}

/* The largest statistic of the present order; *ret_index may be NULL. */
static double scan_pass(struct scan *scan, size_t *ret_index)
{
	double left = 0, between = 0, left_sum = 0, best = -INFINITY;

	memset(scan->tree, 0, (scan->count + 1) * sizeof(*scan->tree));
	for (size_t i = 1; i < scan->count; i++) {
		size_t rank = scan->order[i - 1];
		double value = scan->sorted[rank], to_left, found;
		struct sums below = left_below(scan, rank);

		to_left = value * (2 * below.count - (double)(i - 1)) - 2 * below.sum + left_sum;
		left += to_left;
		between += scan->distances[rank] - 2 * to_left;
		left_sum += value;
		add_left(scan, rank, value);
		if (i < scan->segment_min || scan->count - i < scan->segment_min)
			continue;
		found = statistic(between, left, scan->total - left - between, (double)i,
				  (double)(scan->count - i));
		if (found > best) {
			best = found;
			if (ret_index)
				*ret_index = i;
		}
	}
	return best;
}

double change_points_statistic(const double *values, size_t count, size_t segment_min,
			       size_t *ret_index)
{
	cleanup_with(scan_release) struct scan scan = { .count = 0 };

	if (count < 2 * segment_min || count < 2)
		return -INFINITY;
	scan_init(&scan, values, count, segment_min);
	return scan_pass(&scan, ret_index);
}

/* --- the test ---------------------------------------------------------------------- */

/* Fisher and Yates; a multiplication in place of a division (Lemire 2019) leaves a bias
 * of count / 2^32, which no test here could see. */
static void shuffle(uint32_t *order, size_t count, gsl_rng *random)
{
	for (size_t i = count; i > 1; i--) {
		size_t k = (size_t)(((uint64_t)gsl_rng_get(random) * i) >> 32);
		uint32_t swapped = order[i - 1];

		order[i - 1] = order[k];
		order[k] = swapped;
	}
}

/* p of a statistic this large among permutations of the segment. Stops as soon as it
 * cannot be alpha or less any more. */
static double permutation_p(struct scan *scan, double observed,
			    const struct change_policy *policy, gsl_rng *random)
{
	double limit = observed - TIE_TOLERANCE * fabs(observed);
	double most = fmin(policy->permutations, fmax(PERMUTATIONS_LONG,
						      floor(WORK / (double)scan->count)));
	uint32_t extreme = 0, drawn = 0;

	while (drawn < most) {
		shuffle(scan->order, scan->count, random);
		extreme += scan_pass(scan, NULL) >= limit;
		drawn++;
		if (extreme + 1 > policy->alpha * (most + 1))
			return (extreme + 1.0) / (drawn + 1.0);
	}
	return (extreme + 1.0) / (drawn + 1.0);
}

/* --- bisection ---------------------------------------------------------------------- */

struct search {
	const double *logs;
	const struct change_policy *policy;
	gsl_rng *random;
	struct change_point *points; /* owned; in no order */
	size_t count;
};

/* Whether the segment changes, and then where. */
static bool split(const struct search *search, size_t from, size_t to,
		  struct change_point *ret)
{
	const struct change_policy *policy = search->policy;
	cleanup_with(scan_release) struct scan scan = { .count = 0 };
	double observed;
	size_t index = 0;

	if (to - from < 2 * policy->segment_min || to - from < 2)
		return false;
	scan_init(&scan, search->logs + from, to - from, policy->segment_min);
	observed = scan_pass(&scan, &index);
	if (!(observed > 0))
		return false;
	ret->p = permutation_p(&scan, observed, policy, search->random);
	ret->index = from + index;
	return ret->p <= policy->alpha;
}

static void search_segment(struct search *search, size_t from, size_t to)
{
	struct change_point found;

	/* the right part is taken up by the loop, so that the stack stays flat */
	while (split(search, from, to, &found)) {
		search->points = memory_realloc_array(search->points, search->count + 1,
						      sizeof(*search->points));
		search->points[search->count++] = found;
		search_segment(search, from, found.index);
		from = found.index;
	}
}

static int compare_points(const void *a, const void *b)
{
	const struct change_point *first = a, *second = b;

	return (first->index > second->index) - (first->index < second->index);
}

static double mean(const double *values, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += values[i];
	return sum / (double)count;
}

/* Log of the ratio of the segments beside point i. */
static double log_ratio(const struct search *search, size_t i, size_t values_count)
{
	size_t from = i ? search->points[i - 1].index : 0;
	size_t at = search->points[i].index;
	size_t to = i + 1 < search->count ? search->points[i + 1].index : values_count;

	return mean(search->logs + at, to - at) - mean(search->logs + from, at - from);
}

/* Takes out the smallest change as long as it is below the minimum: what it separated
 * becomes one segment, whose neighbours may then differ more or less. */
static void drop_small(struct search *search, size_t values_count)
{
	double minimum = log1p(search->policy->minimum_effect);

	while (search->count) {
		double smallest = INFINITY;
		size_t which = 0;

		for (size_t i = 0; i < search->count; i++) {
			double change = fabs(log_ratio(search, i, values_count));

			if (change < smallest) {
				smallest = change;
				which = i;
			}
		}
		if (smallest >= minimum)
			return;
		search->count--;
		memmove(search->points + which, search->points + which + 1,
			(search->count - which) * sizeof(*search->points));
	}
}

void change_points_find(const double *values, size_t count,
			const struct change_policy *policy,
			struct change_point **ret_points, size_t *ret_count)
{
	cleanup_free double *logs = memory_alloc_array(count, sizeof(*logs));
	struct search search = { .logs = logs, .policy = policy,
				 .random = gsl_rng_alloc(gsl_rng_taus2) };

	gsl_rng_set(search.random, (policy->seed ^ (policy->seed >> 32)) & UINT32_MAX);
	for (size_t i = 0; i < count; i++)
		logs[i] = log(values[i]);
	search_segment(&search, 0, count);
	gsl_rng_free(search.random);
	if (search.count)
		qsort(search.points, search.count, sizeof(*search.points), compare_points);
	drop_small(&search, count);
	for (size_t i = 0; i < search.count; i++)
		search.points[i].ratio = exp(log_ratio(&search, i, count));
	*ret_points = search.points;
	*ret_count = search.count;
}
