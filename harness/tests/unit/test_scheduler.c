/* test_scheduler.c - balance, repeatability and randomness of the plan. */
#include "scheduler.h"

#include <stdlib.h>
#include <string.h>

#include "sample_run.h"
#include "test.h"

#define cleanup_run cleanup_with(stored_run_release)

static bool same_order(const struct stored_run *a, const struct stored_run *b)
{
	for (size_t i = 0; i < a->trials_count; i++) {
		if (a->trials[i].cell != b->trials[i].cell ||
		    a->trials[i].variant != b->trials[i].variant)
			return false;
	}
	return a->trials_count == b->trials_count;
}

static void test_each_once_per_cell_and_block(void)
{
	cleanup_run struct stored_run run = sample_run(50, 7);
	unsigned int seen[50][2][3] = { 0 };

	CU_ASSERT_EQUAL(run.trials_count, 50 * 2 * 3);
	for (size_t i = 0; i < run.trials_count; i++) {
		const struct stored_trial *trial = &run.trials[i];

		if (!test_check(trial->block < 50 && trial->cell < 2 && trial->variant < 3))
			return;
		seen[trial->block][trial->cell][trial->variant]++;
		CU_ASSERT_EQUAL(trial->order, i);
		CU_ASSERT_EQUAL(trial->block, i / 6);
		CU_ASSERT_EQUAL(trial->attempt, 0);
		CU_ASSERT_EQUAL(trial->state, TRIAL_PLANNED);
	}
	for (size_t i = 0; i < 50 * 2 * 3; i++)
		CU_ASSERT_EQUAL(seen[i / 6][i / 3 % 2][i % 3], 1);
}

/* What is compared is near in time. */
static void test_cells_stay_together(void)
{
	cleanup_run struct stored_run run = sample_run(20, 3);

	for (size_t i = 0; i < run.trials_count; i++)
		CU_ASSERT_EQUAL(run.trials[i].cell, run.trials[i / 3 * 3].cell);
}

static void test_same_seed_same_order(void)
{
	cleanup_run struct stored_run a = sample_run(30, 42), b = sample_run(30, 42);

	CU_ASSERT_TRUE(same_order(&a, &b));
}

static void test_more_blocks_keep_the_first(void)
{
	cleanup_run struct stored_run a = sample_run(5, 42), b = sample_run(30, 42);

	b.trials_count = a.trials_count;
	CU_ASSERT_TRUE(same_order(&a, &b));
}

static void test_other_seeds_other_orders(void)
{
	/* Seeds that differ only in the high or the low half, 0 and GSL's
	 * default seed (4357) too. */
	static const uint64_t seeds[] = { 0, 1, 2, 4357, UINT64_C(1) << 32,
					  (UINT64_C(1) << 32) + 1, UINT64_C(1) << 62 };

	for (size_t i = 0; i < ARRAY_COUNT(seeds); i++) {
		cleanup_run struct stored_run a = sample_run(30, seeds[i]);

		for (size_t j = i + 1; j < ARRAY_COUNT(seeds); j++) {
			cleanup_run struct stored_run b = sample_run(30, seeds[j]);

			CU_ASSERT_FALSE(same_order(&a, &b));
		}
	}
}

/* How often each variant stands at each turn of its cell: chi-square with 4
 * degrees of freedom; 23.5 is its quantile at 0.9999, and the seed is fixed. */
static void test_positions_balance(void)
{
	enum { BLOCKS = 3000 };
	cleanup_run struct stored_run run = sample_run(BLOCKS, 11);
	unsigned int counts[2][3][3] = { 0 };

	for (size_t i = 0; i < run.trials_count; i++)
		counts[run.trials[i].cell][i % 3][run.trials[i].variant]++;
	for (size_t cell = 0; cell < 2; cell++) {
		double chi_square = 0, expected = BLOCKS / 3.0;

		for (size_t i = 0; i < 9; i++) {
			double off = counts[cell][i / 3][i % 3] - expected;

			chi_square += off * off / expected;
		}
		CU_ASSERT_TRUE(chi_square < 23.5);
		CU_ASSERT_TRUE(chi_square > 0);
	}
}

static void test_first_cell_is_random(void)
{
	cleanup_run struct stored_run run = sample_run(1000, 5);
	unsigned int first = 0;

	for (size_t block = 0; block < 1000; block++)
		first += run.trials[6 * block].cell == 0;
	CU_ASSERT_TRUE(first > 420 && first < 580); /* 5 standard deviations */
}

static void test_no_blocks_no_trials(void)
{
	cleanup_run struct stored_run run = sample_run(0, 5);

	CU_ASSERT_EQUAL(run.trials_count, 0);
}

/* --- exact mode ---------------------------------------------------------------------- */

static struct stored_run exact_run(uint32_t blocks_count, uint64_t seed, bool control)
{
	struct stored_run run = sample_run(0, seed);

	run.mode = MODE_EXACT;
	run.control = control;
	free(run.trials);
	scheduler_plan(&run, blocks_count);
	return run;
}

static void test_a_block_is_a_seed(void)
{
	cleanup_run struct stored_run run = exact_run(5, 40, true), timed = sample_run(5, 40);

	CU_ASSERT_EQUAL(run.trials_count, 5 * 2 * 3);
	for (size_t i = 0; i < run.trials_count; i++)
		CU_ASSERT_EQUAL(run.trials[i].seed, 40 + run.trials[i].block);
	CU_ASSERT_TRUE(same_order(&run, &timed));
	for (size_t i = 0; i < timed.trials_count; i++)
		CU_ASSERT_EQUAL(timed.trials[i].seed, 0);
}

/* One canary a cell, in its first block. */
static void test_canary_in_the_first_block(void)
{
	cleanup_run struct stored_run run = exact_run(5, 1, false);
	unsigned int seen[5][2][3] = { 0 };

	CU_ASSERT_EQUAL(run.trials_count, 5 * 2 * 2 + 2);
	for (size_t i = 0; i < run.trials_count; i++) {
		const struct stored_trial *trial = &run.trials[i];

		seen[trial->block][trial->cell][trial->variant]++;
		CU_ASSERT_EQUAL(trial->order, i);
	}
	for (size_t i = 0; i < 5 * 2 * 3; i++)
		CU_ASSERT_EQUAL(seen[i / 6][i / 3 % 2][i % 3],
				i % 3 != 2 || i / 6 == 0 ? 1 : 0);
}

TEST_SUITE("scheduler",
	   {"each variant once per cell and block", test_each_once_per_cell_and_block},
	   {"the trials of a cell stay together", test_cells_stay_together},
	   {"same seed, same order", test_same_seed_same_order},
	   {"more blocks keep the first", test_more_blocks_keep_the_first},
	   {"other seeds, other orders", test_other_seeds_other_orders},
	   {"positions balance over many blocks", test_positions_balance},
	   {"first cell is random", test_first_cell_is_random},
	   {"no blocks, no trials", test_no_blocks_no_trials},
	   {"a block is a seed", test_a_block_is_a_seed},
	   {"canary in the first block", test_canary_in_the_first_block})
