/* scheduler.c - balanced random blocks. */
#include "scheduler.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "memory.h"

static void free_generator(gsl_rng **generator)
{
	gsl_rng_free(*generator);
}

/* GSL's mt19937 takes 32 bits and reads 0 as its default seed: all 64 bits of
 * ours go in, mixed (the finaliser of MurmurHash3, public domain arithmetic). */
static unsigned long generator_seed(uint64_t seed)
{
	seed ^= seed >> 33;
	seed *= UINT64_C(0xff51afd7ed558ccd);
	seed ^= seed >> 33;
	seed *= UINT64_C(0xc4ceb9fe1a85ec53);
	seed ^= seed >> 33;
	seed &= UINT64_C(0xffffffff);
	return seed ? (unsigned long)seed : 1;
}

static void shuffled_indexes(const gsl_rng *generator, uint32_t *indexes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		indexes[i] = (uint32_t)i;
	gsl_ran_shuffle(generator, indexes, count, sizeof(*indexes));
}

/* The canary of exact mode may be there in the first block only. */
static bool is_left_out(const struct stored_run *run, uint32_t block, uint32_t variant)
{
	return run->mode == MODE_EXACT && !run->control && block > 0 &&
	       (int64_t)variant == run->control_variant;
}

/* One block: cells in random order, in each its variants in a random order of
 * their own, one after the other: what is compared is near in time, and small
 * guests of a cell fill the host together. */
static void plan_block(struct stored_run *run, const gsl_rng *generator, uint32_t block,
		       uint32_t *cells, uint32_t *variants)
{
	shuffled_indexes(generator, cells, run->cells_count);
	for (size_t i = 0; i < run->cells_count; i++) {
		shuffled_indexes(generator, variants, run->variants_count);
		for (size_t turn = 0; turn < run->variants_count; turn++) {
			struct stored_trial *trial = &run->trials[run->trials_count];

			if (is_left_out(run, block, variants[turn]))
				continue;
			trial->block = block;
			trial->seed = run->mode == MODE_EXACT ? run->seed + block : 0;
			trial->cell = cells[i];
			trial->variant = variants[turn];
			trial->order = (uint32_t)run->trials_count++;
			trial->state = TRIAL_PLANNED;
		}
	}
}

void scheduler_plan(struct stored_run *run, uint32_t blocks_count)
{
	cleanup_with(free_generator) gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
	size_t per_block = run->cells_count * run->variants_count;
	cleanup_free uint32_t *cells = memory_alloc_array(run->cells_count, sizeof(*cells));
	cleanup_free uint32_t *variants =
		memory_alloc_array(run->variants_count, sizeof(*variants));

	gsl_rng_set(generator, generator_seed(run->seed));
	run->trials = memory_alloc_array(blocks_count * per_block, sizeof(*run->trials));
	run->trials_count = 0;
	for (uint32_t block = 0; block < blocks_count; block++)
		plan_block(run, generator, block, cells, variants);
}
