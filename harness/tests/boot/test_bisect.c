/* test_bisect.c - a planted slowdown found in a series by real guests, with an
 * interruption in between, and seen by a walk over the same kernels.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "boot_place.h"
#include "clock.h"
#include "memory.h"
#include "test.h"

#define METRIC "hugetlb_fallocate.work_instructions"

static struct boot_place make_place(void)
{
	struct boot_place place = boot_place_make(NULL);

	boot_place_use_fallocate(&place);
	boot_place_write_campaign(&place, "  - name: one\n"
				  "  - {name: two, kernel: {series: [test-bisect@1]}}\n"
				  "  - {name: three, kernel: {series: [test-bisect@2]}}\n",
				  "mode: exact\nseeds_count: 5\n");
	return place;
}

static size_t count_boots(const struct boot_place *place)
{
	cleanup_store struct run_store *store = boot_place_store(place);
	struct stored_run *runs = NULL;
	size_t count = 0, boots = 0;
	struct error err = ERROR_INIT;

	if (!store || !test_check(!run_store_list(store, 100, &runs, &count, &err)))
		return 0;
	for (size_t i = 0; i < count; i++) {
		cleanup_run struct stored_run run = { .id = NULL };

		if (test_check(!run_store_load(store, runs[i].id, &run, &err)))
			for (size_t j = 0; j < run.trials_count; j++)
				boots += run.trials[j].state == TRIAL_FINISHED;
		stored_run_release(&runs[i]);
	}
	free(runs);
	return boots;
}

static void test_finds_the_planted_patch(void)
{
	cleanup_boot_place struct boot_place place = make_place();
	cleanup_program struct program begun = PROGRAM_INIT, resumed = PROGRAM_INIT,
				      again = PROGRAM_INIT;
	cleanup_free char *told = boot_place_told(&place, "bisect --resume ");

	if (!boot_place_build(&place))
		return;
	begun = start(&place, "bisect", "--series", "test-bisect", "--good", "0", "--bad", "2",
		      "--campaign", "small", "--metric", METRIC);
	if (!test_check(program_read(&begun, "trial 3/7 ")))
		return;
	CU_ASSERT_EQUAL(kill(begun.pid, SIGINT), 0);
	if (!program_check(&begun, 130))
		return;
	test_check_contains(begun.text.data, "go on with: ");
	test_check_contains(begun.text.data, told);
	resumed = start(&place, "bisect", "--resume");
	if (!program_check(&resumed, 0))
		return;
	test_check_contains(resumed.text.data,
			    "first bad  p02 0002-mm-check-nodes-of-cleared-folios.patch");
	test_check_contains(resumed.text.data, " % of the change\n");
	/* the ends (3 seeds and a canary), the one step, the check; none of them twice */
	CU_ASSERT_EQUAL(count_boots(&place), 7 + 4 + 7);
	again = start(&place, "bisect", "--resume");
	CU_ASSERT_TRUE(program_check(&again, 0));
	CU_ASSERT_EQUAL(count_boots(&place), 7 + 4 + 7);
}

static void test_walk_says_which(void)
{
	cleanup_boot_place struct boot_place place = make_place();
	cleanup_program struct program walk = PROGRAM_INIT;

	if (!boot_place_build(&place))
		return;
	walk = start(&place, "walk", "test-bisect", "--from", "1", "--to", "2", "--campaign",
		     "small");
	if (!program_check(&walk, 0))
		return;
	test_check_contains(walk.text.data, "p02        " METRIC " regressed: +1.");
	CU_ASSERT_EQUAL(count_boots(&place), 2 * 5 + 1);
}

TEST_SUITE("bisect",
	   {"finds the planted patch, interrupted", test_finds_the_planted_patch},
	   {"a walk says which patch", test_walk_says_which})
