/* bisection.c - good against bad, and the posterior of the first bad position.
 *
 * The model: a boot's log figure is its block's luck + the change if its position is
 * like bad + normal noise of one size. With flat priors on luck and change and the
 * usual one on the noise (1 / variance), what is left of the likelihood of "c is the
 * first bad one" is
 *
 *     Sxx^(-1/2) (Syy - Sxy^2 / Sxx)^(-(boots - blocks - 1) / 2)
 *
 * with x = 1 for positions from c on, all sums about the blocks' means (Gelman et al.
 * 2013, Bayesian Data Analysis, 14.2). The prior is the same for every candidate. What
 * is booted next is where the posterior is cut in half, as in Horstein 1963 (IEEE
 * Transactions on Information Theory 9(3)), but only once a position is decided: the
 * next one costs a build.
 */
#include "bisection.h"

#include <math.h>

#include "memory.h"

/* Over all looks at good and bad together. */
#define ENDS_ALPHA 0.01
#define ENDS_POWER 0.8
#define ENDS_CONFIDENCE 0.95
/* Weight of bisection.floor, in boots. */
#define FLOOR_BOOTS 1.0

void bisection_init(struct bisection *bisection, size_t last)
{
	*bisection = (struct bisection){
		.last = last, .confidence = 0.95, .effect = 0.01, .floor = 0.001,
		.blocks_min = 4, .blocks_max = 100,
		.is_skipped = memory_alloc_array(last + 1, sizeof(bool)),
		.twins = memory_alloc_array(last + 1, sizeof(size_t)),
	};
	for (size_t i = 0; i <= last; i++)
		bisection->twins[i] = i;
}

void bisection_release(struct bisection *bisection)
{
	free(bisection->is_skipped);
	free(bisection->twins);
	*bisection = (struct bisection){ .last = 0 };
}

void bisection_skip(struct bisection *bisection, size_t position)
{
	if (position > 0 && position < bisection->last)
		bisection->is_skipped[position] = true;
}

void bisection_set_twin(struct bisection *bisection, size_t one, size_t other)
{
	size_t low = one < other ? one : other, high = one < other ? other : one;

	for (size_t i = low + 1; i <= high; i++)
		if (bisection->twins[i] > bisection->twins[low])
			bisection->twins[i] = bisection->twins[low];
}

/* --- blocks --------------------------------------------------------------------------- */

/* Sums of one block, and of positions that a hypothesis puts on the bad side. */
struct block_sums {
	uint32_t block;
	double boots, y, yy;
	double good, good_y, bad, bad_y; /* of the ends */
	double at, at_y;                 /* of the position that is asked about */
	double beyond, beyond_y;         /* of all from the hypothesis on */
};

static struct block_sums *find_block(struct block_sums *sums, size_t *count, uint32_t block)
{
	for (size_t i = *count; i > 0; i--)
		if (sums[i - 1].block == block)
			return &sums[i - 1];
	sums[*count] = (struct block_sums){ .block = block };
	return &sums[(*count)++];
}

/* sums has room for count. hypothesis: the first bad position. */
static size_t sum_blocks(const struct bisection *bisection, const struct bisection_boot *boots,
			 size_t count, size_t at, size_t hypothesis, struct block_sums *sums)
{
	size_t blocks = 0;

	for (size_t i = 0; i < count; i++) {
		struct block_sums *block = find_block(sums, &blocks, boots[i].block);
		double y = boots[i].log_figure;

		block->boots++;
		block->y += y;
		block->yy += y * y;
		block->good += boots[i].position == 0;
		block->good_y += boots[i].position == 0 ? y : 0;
		block->bad += boots[i].position == bisection->last;
		block->bad_y += boots[i].position == bisection->last ? y : 0;
		block->at += boots[i].position == at;
		block->at_y += boots[i].position == at ? y : 0;
		block->beyond += boots[i].position >= hypothesis;
		block->beyond_y += boots[i].position >= hypothesis ? y : 0;
	}
	return blocks;
}

/* Least squares of the change, within blocks. */
struct fit {
	double sxx, change, residual; /* residual: sum of squares */
	double freedom;               /* boots - blocks - 1 */
};

static struct fit fit_change(const struct bisection *bisection,
			     const struct bisection_boot *boots, size_t count, size_t hypothesis,
			     struct block_sums *sums)
{
	size_t blocks = sum_blocks(bisection, boots, count, 0, hypothesis, sums);
	struct fit fit = { .freedom = (double)count - (double)blocks - 1 };
	double sxy = 0, syy = 0;

	for (size_t i = 0; i < blocks; i++) {
		const struct block_sums *block = &sums[i];
		double mean = block->y / block->boots;

		/* x is 0 or 1: its sum is that of its squares */
		fit.sxx += block->beyond - block->beyond * block->beyond / block->boots;
		sxy += block->beyond_y - block->beyond * mean;
		syy += block->yy - block->y * mean;
	}
	fit.change = fit.sxx > 0 ? sxy / fit.sxx : 0;
	fit.residual = syy - fit.change * sxy;
	if (fit.residual < 0)
		fit.residual = 0;
	return fit;
}

/* --- good against bad --------------------------------------------------------------- */

/* One pair for each block with both ends; pairs has room for count. */
static size_t end_pairs(const struct bisection *bisection, const struct bisection_boot *boots,
			size_t count, struct figure_pair *pairs)
{
	cleanup_free struct block_sums *sums = memory_alloc_array(count, sizeof(*sums));
	size_t blocks = sum_blocks(bisection, boots, count, 0, 0, sums), found = 0;

	for (size_t i = 0; i < blocks; i++) {
		const struct block_sums *block = &sums[i];

		if (block->good > 0 && block->bad > 0)
			pairs[found++] = (struct figure_pair){
				.a = exp(block->good_y / block->good),
				.b = exp(block->bad_y / block->bad),
			};
	}
	return found;
}

/* Parts of a level that add up to it, however often one looks: 1/2, 1/6, 1/12 ... */
static double look_alpha(uint32_t looks)
{
	return ENDS_ALPHA / ((looks + 1.0) * (looks + 2.0));
}

static uint32_t ends_more(const struct bisection *bisection, const struct bisection_ends *ends,
			  double sd, double alpha)
{
	double effect = fabs(ends->ratio - 1) > bisection->effect ? fabs(ends->ratio - 1) :
								    bisection->effect;
	size_t needed = statistics_blocks_needed(sd, effect, alpha, ENDS_POWER);
	uint32_t most = ends->blocks > 8 ? ends->blocks / 2 : 4; /* not far on a guess */
	uint32_t more = needed > ends->blocks ? (uint32_t)(needed - ends->blocks) : 1;

	if (more > most)
		more = most;
	if (more > bisection->blocks_max - ends->blocks)
		more = bisection->blocks_max - ends->blocks;
	return more;
}

struct bisection_ends bisection_compare_ends(const struct bisection *bisection,
					     const struct bisection_boot *boots, size_t count,
					     uint32_t looks)
{
	cleanup_free struct figure_pair *pairs = memory_alloc_array(count, sizeof(*pairs));
	size_t blocks = end_pairs(bisection, boots, count, pairs);
	struct bisection_ends ends = { .blocks = (uint32_t)blocks, .ratio = NAN, .p = 1,
				       .interval = { .low = 0, .high = INFINITY },
				       .sd = NAN, .detectable_effect = INFINITY };
	double alpha = look_alpha(looks);
	struct paired_figures figures;

	if (blocks < bisection->blocks_min) {
		ends.blocks_more = bisection->blocks_min - ends.blocks;
		return ends;
	}
	figures = statistics_paired(pairs, blocks, ENDS_CONFIDENCE);
	ends.ratio = figures.ratio;
	ends.interval = figures.interval;
	ends.p = figures.p;
	ends.sd = figures.sd;
	ends.detectable_effect = statistics_detectable_effect(figures.sd, blocks, alpha,
							      ENDS_POWER);
	if (figures.p < alpha)
		ends.state = fabs(figures.ratio - 1) >= bisection->effect ? BISECTION_APART :
									    BISECTION_ALIKE;
	else if (ends.detectable_effect <= bisection->effect)
		ends.state = BISECTION_ALIKE;
	else if (blocks >= bisection->blocks_max)
		ends.state = BISECTION_TOO_NOISY;
	else
		ends.blocks_more = ends_more(bisection, &ends, figures.sd, alpha);
	return ends;
}

/* --- the posterior ------------------------------------------------------------------- */

static bool *measured_positions(const struct bisection *bisection,
				const struct bisection_boot *boots, size_t count)
{
	bool *measured = memory_alloc_array(bisection->last + 1, sizeof(*measured));

	for (size_t i = 0; i < count; i++)
		measured[boots[i].position] = true;
	return measured;
}

static double log_likelihood(const struct bisection *bisection,
			     const struct bisection_boot *boots, size_t count, size_t hypothesis,
			     struct block_sums *sums)
{
	struct fit fit = fit_change(bisection, boots, count, hypothesis, sums);
	double residual = fit.residual + FLOOR_BOOTS * bisection->floor * bisection->floor;

	if (fit.freedom < 0 || fit.sxx <= 0)
		return 0;
	return -0.5 * log(fit.sxx) - 0.5 * (fit.freedom + FLOOR_BOOTS) * log(residual);
}

/* No change lies between a kernel and its twin before it. */
static bool is_possible(const struct bisection *bisection, size_t position)
{
	return position > 0 && bisection->twins[position] == position;
}

static void normalise(double *logs, const bool *possible, size_t count)
{
	double most = -INFINITY, sum = 0;

	for (size_t i = 0; i < count; i++)
		if (possible[i] && logs[i] > most)
			most = logs[i];
	for (size_t i = 0; i < count; i++) {
		logs[i] = possible[i] ? exp(logs[i] - most) : 0;
		sum += logs[i];
	}
	for (size_t i = 0; i < count; i++)
		logs[i] /= sum;
}

void bisection_posterior(const struct bisection *bisection, const struct bisection_boot *boots,
			 size_t count, double *ret_first)
{
	cleanup_free struct block_sums *sums = memory_alloc_array(count, sizeof(*sums));
	cleanup_free bool *measured = measured_positions(bisection, boots, count);
	cleanup_free bool *possible = memory_alloc_array(bisection->last + 1, sizeof(*possible));
	double likelihood = 0;

	/* Positions between two that were booted have the same likelihood. */
	for (size_t c = 1; c <= bisection->last; c++) {
		if (c == 1 || measured[c - 1])
			likelihood = log_likelihood(bisection, boots, count, c, sums);
		ret_first[c] = likelihood;
		possible[c] = is_possible(bisection, c);
	}
	ret_first[0] = 0;
	normalise(ret_first, possible, bisection->last + 1);
}
