/* change_points.h - where a series changed: E-divisive means (Matteson and James 2014,
 * "A Nonparametric Approach for Multiple Change Point Analysis of Multivariate Data",
 * JASA 109(505)) with exponent 1, by bisection: the split of a segment with the largest
 * energy statistic is tested by permutations of the segment, and where it holds both
 * sides are searched again. Pure; the seed makes it repeatable.
 *
 * Unlike the paper, the right side of a split always reaches to the segment's end, and
 * a split is tested within its own segment only. docs/history.md has what that costs.
 */
#ifndef KERNGATE_MODEL_CHANGE_POINTS_H
#define KERNGATE_MODEL_CHANGE_POINTS_H

#include <stddef.h>
#include <stdint.h>

struct change_policy {
	double alpha;              /* of one split; (0, 1) */
	double minimum_effect;     /* ratio - 1 of neighbouring means below which a change
				      is none; 0: any */
	size_t segment_min;        /* points on each side of a change, at least 1 */
	uint32_t permutations;     /* at most; segments of more than 60 points get fewer, 199
				      at least. 1 / (their number + 1) is the smallest p */
	uint64_t seed;
};

#define CHANGE_POLICY_INIT ((struct change_policy){                            \
	.alpha = 0.01, .minimum_effect = 0.01, .segment_min = 3,               \
	.permutations = 999, .seed = 1 })

struct change_point {
	size_t index;              /* first point after it */
	double ratio;              /* geometric mean of the segment after it / of that
				      before it, each up to the next change */
	double p;                  /* of the permutation test */
};

/* The changes of a series of positive, finite values, by index; owned, for free().
 * Time: count log count for each of permutations x (changes + 1). */
void change_points_find(const double *values, size_t count,
			const struct change_policy *policy,
			struct change_point **ret_points, size_t *ret_count);

/* The largest statistic of a split of these values into two sides of at least
 * segment_min, and the index where it is; -INFINITY if there is no room for one:
 *
 *     nm/(n+m) (2 mean|x - y| - mean|x - x'| - mean|y - y'|)
 *
 * with n values x, m values y, and means over pairs of different values of a side (0
 * for one value). */
double change_points_statistic(const double *values, size_t count, size_t segment_min,
			       size_t *ret_index);

#endif
