/* bisection_choose.c - what to boot next, when to stop, and whether what was booted
 * fits one change.
 */
#include "bisection.h"

#include <math.h>

#include "memory.h"

#define BATCH_MAX 8u
/* A level counts as odd that is so many standard errors from both ends, ... */
#define ODD_ERRORS 3.3
/* ... and so much of the change: kernels differ a little without a reason. */
#define ODD_SHARE 0.25

/* What is known while choosing. */
struct choice {
	const struct bisection *bisection;
	double *first;           /* posterior; owned */
	double *bad;             /* of a position: that it is like bad; owned */
	uint32_t *blocks;        /* that each position was booted in; owned */
	double change, sd;       /* of the most probable hypothesis */
	double doubt;            /* that a step may leave */
};

static void choice_release(struct choice *choice)
{
	free(choice->first);
	free(choice->bad);
	free(choice->blocks);
}

/* Blocks that hold a position, ends included. */
static void count_blocks(const struct bisection_boot *boots, size_t count, uint32_t *blocks)
{
	for (size_t i = 0; i < count; i++) {
		bool is_again = false;

		for (size_t j = i; j > 0 && !is_again; j--)
			is_again = boots[j - 1].position == boots[i].position &&
				   boots[j - 1].block == boots[i].block;
		blocks[boots[i].position] += !is_again;
	}
}

struct noise {
	double change, sd;
};

/* Change and noise as blocks with both ends show them; the steps' boots, which may be
 * of either side, do not enter. */
static struct noise end_noise(const struct bisection *bisection,
			      const struct bisection_boot *boots, size_t count)
{
	cleanup_free struct bisection_boot *ends = memory_alloc_array(count, sizeof(*ends));
	struct noise noise = { .change = 0, .sd = bisection->floor };
	struct bisection_ends figures;
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		if (boots[i].position == 0 || boots[i].position == bisection->last)
			ends[found++] = boots[i];
	figures = bisection_compare_ends(bisection, ends, found, 0);
	if (figures.blocks < 2 || !(figures.ratio > 0))
		return noise;
	noise.change = log(figures.ratio);
	/* of the difference of two boots */
	if (figures.sd / sqrt(2) > noise.sd)
		noise.sd = figures.sd / sqrt(2);
	return noise;
}

static struct choice look(const struct bisection *bisection, const struct bisection_boot *boots,
			  size_t count)
{
	size_t positions = bisection->last + 1;
	struct noise noise = end_noise(bisection, boots, count);
	struct choice choice = {
		.bisection = bisection, .change = noise.change, .sd = noise.sd,
		.first = memory_alloc_array(positions, sizeof(double)),
		.bad = memory_alloc_array(positions, sizeof(double)),
		.blocks = memory_alloc_array(positions, sizeof(uint32_t)),
		.doubt = (1 - bisection->confidence) /
			 (1 + ceil(log2((double)bisection->last))),
	};
	double sum = 0;

	bisection_posterior(bisection, boots, count, choice.first);
	count_blocks(boots, count, choice.blocks);
	for (size_t i = 0; i < positions; i++) {
		sum += choice.first[i];
		choice.bad[i] = sum;
	}
	return choice;
}

static double off_half(const struct choice *choice, size_t position)
{
	return fabs(choice->bad[position] - 0.5);
}

static bool is_decided(const struct choice *choice, size_t position)
{
	return off_half(choice, position) >= 0.5 - choice->doubt;
}

enum kind { BOOTED, NEW };

/* The position of a kind whose side is least known, of those that blocks_max lets
 * boot and that are less certain than doubt; 0: none. */
static size_t least_known(const struct choice *choice, enum kind kind, double doubt)
{
	const struct bisection *bisection = choice->bisection;
	size_t best = 0;

	for (size_t i = 1; i < bisection->last; i++) {
		if (bisection->is_skipped[i] || bisection->twins[i] != i ||
		    (kind == NEW) != (choice->blocks[i] == 0) ||
		    choice->blocks[i] >= bisection->blocks_max ||
		    off_half(choice, i) >= 0.5 - doubt)
			continue;
		if (!best || off_half(choice, i) < off_half(choice, best))
			best = i;
	}
	return best;
}

/* Blocks until the position's side should be decided. One block of good, bad and it
 * adds about change^2 / (3 sd^2) to the log of the odds: its distance from the middle
 * of the ends has the variance 1.5 sd^2, and its means are `change` apart. */
static uint32_t blocks_for(const struct choice *choice, size_t position)
{
	const struct bisection *bisection = choice->bisection;
	double odds = log((0.5 + off_half(choice, position)) / (0.5 - off_half(choice, position)));
	double wanted = log((1 - choice->doubt) / choice->doubt) - odds;
	double each = choice->change * choice->change / (3 * choice->sd * choice->sd);
	uint32_t have = choice->blocks[position], blocks = BATCH_MAX;

	if (each > 0 && wanted / each < BATCH_MAX)
		blocks = wanted > 0 ? (uint32_t)ceil(wanted / each) : 1;
	if (have + blocks < bisection->blocks_min)
		blocks = bisection->blocks_min - have;
	return blocks < bisection->blocks_max - have ? blocks : bisection->blocks_max - have;
}

/* The least range of positions that holds the wanted confidence. */
static void find_range(const struct choice *choice, struct bisection_next *next)
{
	const double *first = choice->first;
	size_t low = 1, high = choice->bisection->last;
	double held = 1;

	while (low < high) {
		double less = first[low] < first[high] ? first[low] : first[high];

		if (held - less < choice->bisection->confidence)
			break;
		held -= less;
		if (first[low] < first[high])
			low++;
		else
			high--;
	}
	*next = (struct bisection_next){ .first = low, .last = high, .probability = held };
}

struct bisection_next bisection_choose(const struct bisection *bisection,
				       const struct bisection_boot *boots, size_t count)
{
	cleanup_with(choice_release) struct choice choice = look(bisection, boots, count);
	struct bisection_next next;
	size_t position;

	find_range(&choice, &next);
	position = least_known(&choice, BOOTED, choice.doubt);
	if (!position)
		position = least_known(&choice, NEW, choice.doubt);
	/* every step is decided, but all together not as surely as is wanted */
	if (!position && next.first == next.last && next.probability < bisection->confidence)
		position = least_known(&choice, BOOTED, 0);
	if (position) {
		next.action = BISECTION_MEASURE;
		next.position = position;
		next.blocks = blocks_for(&choice, position);
		return next;
	}
	next.action = next.first == next.last ? BISECTION_FOUND : BISECTION_NARROWED;
	/* the boots of a position that was booted as often as may be did not tell */
	for (size_t i = next.first; i < next.last; i++)
		if (choice.blocks[i] >= bisection->blocks_max && !is_decided(&choice, i))
			next.action = BISECTION_UNDECIDED;
	if (next.probability < bisection->confidence)
		next.action = BISECTION_UNDECIDED;
	return next;
}

/* --- levels ------------------------------------------------------------------------------ */

/* Figures of the blocks that hold good, bad and the position. */
struct level_sums {
	uint32_t blocks;
	double share, change; /* sums: off the middle of the ends, and bad - good */
};

static double mean_at(const struct bisection_boot *boots, size_t count, uint32_t block,
		      size_t position)
{
	double sum = 0, found = 0;

	for (size_t i = 0; i < count; i++) {
		if (boots[i].block != block || boots[i].position != position)
			continue;
		sum += boots[i].log_figure;
		found++;
	}
	return found > 0 ? sum / found : NAN;
}

static struct level_sums sum_level(const struct bisection *bisection,
				   const struct bisection_boot *boots, size_t count,
				   size_t position)
{
	struct level_sums sums = { .blocks = 0 };

	for (size_t i = 0; i < count; i++) {
		double good, bad, at;
		bool is_again = false;

		for (size_t j = 0; j < i && !is_again; j++)
			is_again = boots[j].position == position && boots[j].block == boots[i].block;
		if (boots[i].position != position || is_again)
			continue;
		good = mean_at(boots, count, boots[i].block, 0);
		bad = mean_at(boots, count, boots[i].block, bisection->last);
		at = mean_at(boots, count, boots[i].block, position);
		if (isnan(good) || isnan(bad))
			continue;
		sums.blocks++;
		sums.share += at - (good + bad) / 2;
		sums.change += bad - good;
	}
	return sums;
}

size_t bisection_levels(const struct bisection *bisection, const struct bisection_boot *boots,
			size_t count, struct bisection_level *ret_levels)
{
	struct noise noise = end_noise(bisection, boots, count);
	size_t found = 0;

	for (size_t i = 1; i < bisection->last; i++) {
		struct level_sums sums = sum_level(bisection, boots, count, i);
		struct bisection_level *level = &ret_levels[found];
		double from_good, from_bad;

		if (!sums.blocks || noise.change == 0)
			continue;
		*level = (struct bisection_level){
			.position = i, .blocks = sums.blocks,
			.share = 0.5 + sums.share / sums.blocks / noise.change,
			.error = sqrt(1.5 / sums.blocks) * noise.sd / fabs(noise.change),
		};
		from_good = fabs(level->share);
		from_bad = fabs(level->share - 1);
		level->is_odd = from_good > ODD_SHARE && from_bad > ODD_SHARE &&
				from_good > ODD_ERRORS * level->error &&
				from_bad > ODD_ERRORS * level->error;
		found++;
	}
	return found;
}
