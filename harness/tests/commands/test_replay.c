/* test_replay.c - what `kerngate replay` and `kerngate profile` refuse, on made-up
 * runs in a store; nothing is booted.
 */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "program.h"
#include "run_store.h"
#include "sample_run.h"
#include "test.h"

#define ID "20261121-213000-quick"

/* A run whose first two trials are over; their fingerprints name what is not there. */
static const char *store_with_run(enum run_mode mode)
{
	const char *folder = test_temp_folder();
	cleanup_store struct run_store *store = sample_store_open(folder);
	cleanup_run struct stored_run run = sample_run(2, 1);
	struct error err = ERROR_INIT;

	run.id = string_copy(ID);
	run.mode = mode;
	run.exact = EXACT_POLICY_INIT;
	for (size_t i = 0; mode == MODE_EXACT && i < run.trials_count; i++)
		run.trials[i].seed = run.trials[i].block + 1;
	if (!store || !sample_store_begin(store, &run))
		return folder;
	for (size_t i = 0; i < 2; i++) {
		cleanup_result struct trial_result result = sample_result(1, 1);

		CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[i].id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[i].id, &result,
							 "guest_image=abab\nhypervisor=none\n",
							 &err), 0);
	}
	test_check_string(err.message, "");
	return folder;
}

/* The program's arguments, its status and a part of what it says on stderr. */
#define CHECK(expected_status, part, ...)                                      \
	do {                                                                   \
		cleanup_program struct program_run run_ = { .out = NULL };     \
                                                                               \
		program_run(&run_, __VA_ARGS__);                               \
		CU_ASSERT_EQUAL(run_.status, expected_status);                 \
		test_check_contains(run_.err, part);                           \
	} while (0)

static void test_replay_usage(void)
{
	CHECK(64, "needs a trial: RUN/NUMBER", "replay");
	CHECK(64, "one argument too many", "replay", "latest/1", "latest/2");
	CHECK(64, "two other kernels", "replay", "latest/1", "--kernel", "one", "--series", "two");
	CHECK(64, "a kept case has no campaign", "replay", "a-case", "--kernel", "one");
	CHECK(64, "did you mean --until?", "replay", "latest/1", "--untli", "end");
	CHECK(64, "--gdb-command needs a value", "replay", "latest/1", "--gdb-command");
}

static void test_replay_unknown(void)
{
	const char *folder = store_with_run(MODE_EXACT);

	CHECK(2, "2099", "replay", "2099/1", "--results", folder);
	CHECK(2, "has no trial 99: expected 1 to ", "replay", ID "/99", "--results", folder);
	CHECK(2, "trial 3 is not finished", "replay", ID "/3", "--results", folder);
	CHECK(2, "case", "replay", "no-such-case", "--results", folder);
}

static void test_replay_timed(void)
{
	const char *folder = store_with_run(MODE_TIMED);

	CHECK(2, "was in timed mode: only what ran on the instruction clock can happen again",
	      "replay", ID "/1", "--results", folder);
}

static void test_replay_what_is_gone(void)
{
	const char *folder = store_with_run(MODE_EXACT);
	cleanup_free char *run = path_join(folder, ID);
	cleanup_free char *initrd = path_join(run, "initrd");
	cleanup_free char *archive = path_join(initrd, "abab.cpio");

	CHECK(2, "initrd/abab.cpio: the cell's initramfs is gone", "replay", ID "/1", "--results",
	      folder);
	CU_ASSERT_EQUAL(folder_make(initrd), 0);
	CU_ASSERT_EQUAL(file_write_atomic(archive, "x", 1, 0644), 0);
	CHECK(2, "trials/0001/plan.cpio: the trial's part of the initramfs is gone", "replay",
	      "latest/1", "--results", folder);
}

static void test_replay_help(void)
{
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "replay", "--help");
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "exit status: 0 identical (on another kernel: nothing went "
			    "wrong), 1 not, 2 the\nharness could not do its job, 64 wrong usage");
	test_check_contains(run.out, "round:ROW.M");
}

static void test_profile_usage(void)
{
	const char *timed = store_with_run(MODE_TIMED), *exact = store_with_run(MODE_EXACT);

	CHECK(64, "needs a run", "profile");
	CHECK(64, "expected a number from 1 to 10000", "profile", "latest", "--top", "0");
	CHECK(2, "was in timed mode", "profile", ID, "--results", timed);
	CHECK(2, "2099", "profile", "2099", "--results", exact);
	CHECK(2, "several cells: choose one of up/quick, numa/memory", "profile", ID, "--results",
	      exact);
	CHECK(2, "no row third: expected first, second", "profile", ID, "--results", exact,
	      "--cell", "up/quick", "--row", "third");
}

TEST_SUITE("replay",
	   {"replay: usage", test_replay_usage},
	   {"replay: unknown trials", test_replay_unknown},
	   {"replay: timed runs", test_replay_timed},
	   {"replay: what is gone", test_replay_what_is_gone},
	   {"replay: help", test_replay_help},
	   {"profile: usage", test_profile_usage})
