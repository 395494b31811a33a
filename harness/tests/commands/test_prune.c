/* test_prune.c - `kerngate prune`, and what other commands say of a run whose
 * artifacts were pruned; nothing is booted.
 */
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "program.h"
#include "run_store.h"
#include "sample_run.h"
#include "test.h"

#define DAY_NS (UINT64_C(24) * 3600 * NS_PER_SECOND)
#define FINGERPRINT "guest_image=5a5a5a\nhypervisor=x\n"

static void write_artifact(struct run_store *store, const char *id, uint32_t order)
{
	cleanup_free char *folder = run_store_trial_folder(store, id, order);
	cleanup_free char *path = path_join(folder, "console.log");

	CU_ASSERT_EQUAL(folder_make(folder), 0);
	CU_ASSERT_EQUAL(file_write_atomic(path, "[ 0.0] Linux\n", 13, 0644), 0);
}

/* A finished exact run that began that many days ago, without findings. */
static void add_run(struct run_store *store, const char *id, uint64_t days)
{
	cleanup_run struct stored_run run = sample_run(2, 1);
	struct error err = ERROR_INIT;

	run.id = string_copy(id);
	run.mode = MODE_EXACT;
	run.exact = EXACT_POLICY_INIT;
	run.started_wall_ns = clock_wall_ns() - days * DAY_NS;
	for (size_t i = 0; i < run.trials_count; i++)
		run.trials[i].seed = run.trials[i].block + 1;
	if (!sample_store_begin(store, &run))
		return;
	for (size_t i = 0; i < run.trials_count; i++) {
		cleanup_result struct trial_result result = sample_result(2, 100);

		free(result.findings[0].title);
		free(result.findings[0].excerpt);
		result.findings_count = 0;
		CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[i].id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[i].id, &result,
							 FINGERPRINT, &err), 0);
		write_artifact(store, id, run.trials[i].order);
	}
	CU_ASSERT_EQUAL(run_store_set_state(store, id, "finished", &err), 0);
	test_check_string(err.message, "");
}

static const char *results_with_runs(void)
{
	const char *folder = test_temp_folder();
	cleanup_store struct run_store *store = sample_store_open(folder);

	if (store) {
		add_run(store, "old", 300);
		add_run(store, "new", 1);
	}
	return folder;
}

static void test_usage(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	static const char *const wrong[][3] = {
		{ "--dry-run", "expected --keep-days, --keep-size or both" },
		{ "--keep-days=0", "expected a number from 1 to 36500" },
		{ "--keep-size=0", "expected a number from 1 to" },
		{ "--keep-day=3", "did you mean --keep-days?" },
		{ "old", "takes no argument, not \"old\"" },
	};
	const char *folder = test_temp_folder();

	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		program_run(&run, "prune", wrong[i][0], "--results", folder);
		CU_ASSERT_EQUAL(run.status, 64);
		test_check_contains(run.err, wrong[i][1]);
	}
}

static void test_prune(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	const char *folder = results_with_runs();
	cleanup_free char *old = path_join(folder, "old/trials");
	cleanup_free char *new = path_join(folder, "new/trials/0001/console.log");

	program_run(&run, "prune", "--keep-days", "30", "--dry-run", "--results", folder);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.err, "old: artifacts of 12 of 12 trials");
	test_check_contains(run.out, "artifacts of 12 trials, 96 KiB, would be removed; 96 KiB "
				     "would be left");
	CU_ASSERT(path_exists(old));
	program_run(&run, "prune", "--keep-days", "30", "--keep-size", "1", "--results", folder);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "artifacts of 12 trials, 96 KiB, removed; 96 KiB are left");
	CU_ASSERT(!path_exists(old));
	CU_ASSERT(path_exists(new));
	program_run(&run, "prune", "--keep-days", "30", "--results", folder);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "artifacts of 0 trials, 0 KiB, removed");
}

/* The same words as before it was pruned, but where artifacts were asked for. */
static void test_said_before_and_after(void)
{
	static const char *const asked[][4] = {
		{ "show", "old" }, { "compare", "old" }, { "gate", "old" },
		{ "show", "old", "--json" }, { "report", "old", "--text" },
		{ "report", "old", "--format=junit" },
	};
	struct program_run before[ARRAY_COUNT(asked)] = { { .status = 0 } };
	cleanup_program struct program_run run = { .out = NULL };
	const char *folder = results_with_runs();

	for (size_t i = 0; i < ARRAY_COUNT(asked); i++)
		program_run(&before[i], "--results", folder, asked[i][0], asked[i][1],
			    asked[i][2]);
	program_run(&run, "--results", folder, "prune", "--keep-days=30");
	test_check_contains(run.out, "12 trials");
	for (size_t i = 0; i < ARRAY_COUNT(asked); i++) {
		program_run(&run, "--results", folder, asked[i][0], asked[i][1], asked[i][2]);
		CU_ASSERT_EQUAL(run.status, before[i].status);
		CU_ASSERT_NOT_EQUAL(run.status, 64);
		CU_ASSERT(strlen(run.out) > 20);
		test_check_string(run.out, before[i].out);
		program_run_release(&before[i]);
	}
}

static void test_said_of_artifacts(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	const char *folder = results_with_runs();
	cleanup_free char *trial = path_join(folder, "new/trials/0001");

	program_run(&run, "--results", folder, "prune", "--keep-days=30");
	program_run(&run, "--results", folder, "show", "old", "--trial", "3");
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "/old/trials/0003, pruned 20");
	test_check_contains(run.out, "fallocate_ns");
	program_run(&run, "--results", folder, "show", "old", "--trial", "3", "--json");
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "\"artifacts_pruned\": \"20");
	program_run(&run, "--results", folder, "replay", "old/3");
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "trial old/3: its artifacts were pruned 20");
	program_run(&run, "--results", folder, "profile", "old", "--cell", "up/quick",
		    "--row", "first");
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "its artifacts were pruned 20");
	/* Gone, but not by prune: nobody says that it was. */
	CU_ASSERT_EQUAL(folder_remove(trial), 0);
	program_run(&run, "--results", folder, "show", "new", "--trial", "1");
	test_check_contains(run.out, "/new/trials/0001: is gone");
	program_run(&run, "--results", folder, "show", "new", "--trial", "2", "--json");
	test_check_contains(run.out, "\"artifacts_pruned\": null");
	program_run(&run, "--results", folder, "replay", "new/1");
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "is gone");
}

TEST_SUITE("command prune",
	   {"what is refused", test_usage},
	   {"a dry run, and then in earnest", test_prune},
	   {"verdicts and reports do not change", test_said_before_and_after},
	   {"whoever asks for artifacts is told", test_said_of_artifacts})
