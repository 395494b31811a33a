/* statistics_blocks.h - boots sorted into complete blocks. Private to
 * statistics*.c.
 */
#ifndef KERNGATE_MODEL_STATISTICS_BLOCKS_H
#define KERNGATE_MODEL_STATISTICS_BLOCKS_H

#include <gsl/gsl_rng.h>

#include "random_words.h"
#include "statistics.h"

struct block_boot {
	const struct boot_samples *boot; /* borrowed */
	double log_summary;              /* NAN if not positive */
};

/* Boots of one complete block: first those of A, then those of B. */
struct block {
	struct block_boot *boots;        /* borrowed from block_set */
	size_t a_count, b_count;
};

struct block_set {
	struct block *blocks;            /* owned */
	size_t count;
	struct block_boot *boots;        /* owned */
	size_t boots_count;              /* in complete blocks */
	bool is_positive;                /* every summary in it is */
};

void block_set_init(struct block_set *set, const struct boot_samples *a,
		    size_t a_count, const struct boot_samples *b,
		    size_t b_count, enum boot_summary summary);
void block_set_release(struct block_set *set);
/* Mean log summary of B's boots minus that of A's. */
double block_difference(const struct block *block);
/* Mean of that over all blocks. */
double block_set_difference(const struct block_set *set);

/* 0..count - 1 from one number of the Mersenne Twister's 32 bits, without a division
 * (Lemire 2019, ACM TOMACS 29(1), without his rejection: off by count / 2^32). */
static inline size_t random_index(gsl_rng *random, size_t count)
{
	return (size_t)((uint64_t)random_word(random) * count >> 32);
}

#endif
