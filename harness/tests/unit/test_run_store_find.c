/* test_run_store_find.c - names of runs, and what is asked over all of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "run_store.h"
#include "sample_run.h"
#include "test.h"

static void test_ids(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run a = sample_run(1, 1), b = sample_run(1, 2),
				      taken = sample_run(1, 3), late = sample_run(1, 4);
	cleanup_free char *folder = NULL;
	struct error err = ERROR_INIT;

	a.started_wall_ns = b.started_wall_ns = UINT64_C(1795296600) * NS_PER_SECOND;
	late.started_wall_ns = a.started_wall_ns + NS_PER_SECOND;
	if (!store || !sample_store_begin(store, &a) || !sample_store_begin(store, &b) || !sample_store_begin(store, &late))
		return;
	test_check_contains(a.id, "-quick");
	CU_ASSERT_EQUAL(strlen(a.id), strlen("20261121-213000-quick"));
	CU_ASSERT_NSTRING_EQUAL(b.id, a.id, strlen(a.id));
	test_check_string(b.id + strlen(a.id), "-2");
	folder = run_store_run_folder(store, b.id);
	CU_ASSERT_TRUE(path_is_folder(folder));
	taken.id = string_copy(a.id);
	CU_ASSERT_EQUAL(run_store_begin(store, &taken, &err), -EEXIST);
	taken.seed = (uint64_t)INT64_MAX + 1;
	CU_ASSERT_EQUAL(run_store_begin(store, &taken, &err), -ERANGE);
	test_check_contains(err.message, "seed 9223372036854775808");
}

static void check_finds(struct run_store *store, const char *text, const char *expected)
{
	cleanup_run struct stored_run run = { .id = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_store_load(store, text, &run, &err), 0);
	test_check_string(run.id, expected);
	test_check_string(err.message, "");
}

static void check_refuses(struct run_store *store, const char *text, int code, const char *part)
{
	cleanup_run struct stored_run run = { .id = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_store_load(store, text, &run, &err), code);
	test_check_contains(err.message, part);
	CU_ASSERT_PTR_NULL(run.id);
}

static void test_finds_runs(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *latest = path_join(folder, "latest");
	cleanup_store struct run_store *store = sample_store_open(folder);
	static const char *const ids[] = { "20261121-100000-quick", "20261121-110000-quick",
					   "20261122-100000-nightly" };

	if (!store)
		return;
	check_refuses(store, NULL, -ENOENT, "holds no run yet");
	for (size_t i = 0; i < ARRAY_COUNT(ids); i++) {
		cleanup_run struct stored_run run = sample_run(1, i);

		run.id = string_copy(ids[i]);
		sample_store_begin(store, &run);
	}
	check_finds(store, NULL, ids[2]);
	check_finds(store, "latest", ids[2]);
	check_finds(store, ids[0], ids[0]);
	check_finds(store, "20261121-11", ids[1]);
	check_finds(store, "20261122", ids[2]);
	check_finds(store, "results/20261121-100000-quick/", ids[0]);
	check_refuses(store, "20261121", -ENOTUNIQ, "2 runs begin with '20261121'");
	check_refuses(store, "20261121-100000-quack", -ENOENT,
		      "did you mean '20261121-100000-quick'?");
	check_refuses(store, "zzz", -ENOENT, "has no run 'zzz'");
	check_refuses(store, "", -ENOENT, "has no run ''");
	check_refuses(store, "20261121-100000-quic%", -ENOENT, "has no run");
	CU_ASSERT_EQUAL(symlink_replace(ids[1], latest), 0);
	check_finds(store, NULL, ids[1]);
	check_finds(store, "results/latest", ids[1]);
	CU_ASSERT_EQUAL(symlink_replace("gone", latest), 0);
	check_finds(store, "latest", ids[2]);
}

static void test_lists_runs(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	struct stored_run *runs = NULL;
	struct error err = ERROR_INIT;
	size_t count = 9;

	if (!store)
		return;
	CU_ASSERT_EQUAL(run_store_list(store, 10, &runs, &count, &err), 0);
	CU_ASSERT_EQUAL(count, 0);
	free(runs);
	for (uint64_t i = 0; i < 3; i++) {
		cleanup_run struct stored_run run = sample_run(1, i);

		run.id = string_format("run-%llu", (unsigned long long)i);
		run.mode = i == 2 ? MODE_EXACT : MODE_TIMED;
		sample_store_begin(store, &run);
	}
	CU_ASSERT_EQUAL(run_store_list(store, 2, &runs, &count, &err), 0);
	if (test_check(count == 2)) {
		test_check_string(runs[0].id, "run-2");
		test_check_string(runs[1].id, "run-1");
		test_check_string(runs[1].campaign, "quick");
		CU_ASSERT_EQUAL(runs[0].mode, MODE_EXACT);
		CU_ASSERT_EQUAL(runs[1].mode, MODE_TIMED);
		test_check_string(runs[1].state, "running");
	}
	for (size_t i = 0; i < count; i++)
		stored_run_release(&runs[i]);
	free(runs);
}

static void finish_in(struct run_store *store, int64_t id, uint64_t duration_ns)
{
	cleanup_result struct trial_result result = sample_result(1, 1);
	struct error err = ERROR_INIT;

	result.times.stopped_ns = result.times.create_ns + duration_ns;
	CU_ASSERT_EQUAL(run_store_trial_started(store, id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(store, id, &result, "", &err), 0);
}

/* Of the trials of cell up/quick that are finished: seconds from, from + 1 ... */
static void finish_five(struct run_store *store, const struct stored_run *run, uint64_t from)
{
	uint64_t count = 0;

	for (size_t i = 0; i < run->trials_count && count < 5; i++)
		if (run->trials[i].cell == 0)
			finish_in(store, run->trials[i].id, (from + count++) * NS_PER_SECOND);
}

static struct trial_history history_of(struct run_store *store, const char *guest,
				       const char *suite, enum run_mode mode, const char *variant)
{
	struct trial_history history = { .count = 99, .median_ns = 99 };

	run_store_trial_history(store, guest, suite, mode, variant, &history);
	return history;
}

static void check_history(struct run_store *store, const char *guest, const char *suite,
			  enum run_mode mode, size_t count, uint64_t seconds)
{
	struct trial_history history = history_of(store, guest, suite, mode, NULL);

	CU_ASSERT_EQUAL(history.count, count);
	CU_ASSERT_EQUAL(history.median_ns, seconds * NS_PER_SECOND);
	CU_ASSERT_EQUAL(history.repeats_ratio, 0);
}

static void test_trial_history(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(4, 1), exact = sample_run(4, 1);

	exact.mode = MODE_EXACT;
	exact.exact = EXACT_POLICY_INIT;
	if (!store || !sample_store_begin(store, &run) || !sample_store_begin(store, &exact))
		return;
	check_history(store, "up", "quick", MODE_TIMED, 0, 0);
	finish_five(store, &run, 1);
	check_history(store, "up", "quick", MODE_TIMED, 5, 3);
	check_history(store, "up", "memory", MODE_TIMED, 0, 0);
	check_history(store, "numa", "memory", MODE_TIMED, 0, 0);
	/* in any guest */
	check_history(store, NULL, "quick", MODE_TIMED, 5, 3);
	check_history(store, "other", "quick", MODE_TIMED, 0, 0);
	/* each mode for itself */
	check_history(store, "up", "quick", MODE_EXACT, 0, 0);
	finish_five(store, &exact, 11);
	check_history(store, "up", "quick", MODE_EXACT, 5, 13);
	check_history(store, "up", "quick", MODE_TIMED, 5, 3);
}

/* The control is the baseline's kernel under another label. */
static void test_trial_history_of_variants(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1);
	struct trial_history stock, patched;

	if (!store || !sample_store_begin(store, &run))
		return;
	for (size_t i = 0; i < run.trials_count; i++)
		if (run.trials[i].cell == 0)
			finish_in(store, run.trials[i].id,
				  (run.trials[i].variant == 1 ? 50 : 2) * NS_PER_SECOND);
	stock = history_of(store, "up", "quick", MODE_TIMED, "stock");
	patched = history_of(store, "up", "quick", MODE_TIMED, "patched");
	CU_ASSERT_EQUAL(stock.count, 4);
	CU_ASSERT_EQUAL(stock.median_ns, 2 * NS_PER_SECOND);
	CU_ASSERT_EQUAL(patched.count, 2);
	CU_ASSERT_EQUAL(patched.median_ns, 50 * NS_PER_SECOND);
	CU_ASSERT_EQUAL(history_of(store, "up", "quick", MODE_TIMED, "none").count, 0);
}

/* What broke took no typical time, but was run again. */
static void test_trial_history_of_repeats(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(4, 1);
	cleanup_result struct trial_result broken = sample_result(1, 1);
	struct stored_trial *first = NULL;
	struct trial_history history;
	struct error err = ERROR_INIT;
	struct stored_trial again = { .id = 0 };

	if (!store || !sample_store_begin(store, &run))
		return;
	for (size_t i = run.trials_count; i-- > 0;)
		if (run.trials[i].cell == 0)
			first = &run.trials[i];
	if (!test_check(first != NULL))
		return;
	broken.outcome = OUTCOME_BROKEN;
	broken.times.stopped_ns = broken.times.create_ns + 900 * NS_PER_SECOND;
	CU_ASSERT_EQUAL(run_store_trial_started(store, first->id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(store, first->id, &broken, "", &err), 0);
	CU_ASSERT_EQUAL(run_store_add_repeat(store, first, &again, &err), 0);
	finish_in(store, again.id, 4 * NS_PER_SECOND);
	history = history_of(store, "up", "quick", MODE_TIMED, NULL);
	CU_ASSERT_EQUAL(history.count, 1);
	CU_ASSERT_EQUAL(history.median_ns, 4 * NS_PER_SECOND);
	CU_ASSERT_DOUBLE_EQUAL(history.repeats_ratio, 1, 1e-9);
}

static void test_trial_folder(void)
{
	const char *folder = test_temp_folder();
	cleanup_store struct run_store *store = sample_store_open(folder);
	cleanup_free char *expected = path_join(folder, "run/trials/0007"), *found = NULL;

	if (!store)
		return;
	found = run_store_trial_folder(store, "run", 6);
	test_check_string(found, expected);
}

static void test_finds_campaigns(void)
{
	static const char *const campaigns[] = { "quick", "walk-1", "quick", "walk-2" };
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_free char *newest = NULL, *none = NULL;
	struct error err = ERROR_INIT;

	if (!store)
		return;
	for (size_t i = 0; i < ARRAY_COUNT(campaigns); i++) {
		cleanup_run struct stored_run run = sample_run(1, i);

		run.id = string_format("run-%zu", i);
		free(run.campaign);
		run.campaign = string_copy(campaigns[i]);
		sample_store_begin(store, &run);
	}
	CU_ASSERT_EQUAL(run_store_find_campaign(store, "quick", &newest, &err), 0);
	test_check_string(newest, "run-2");
	CU_ASSERT_EQUAL(run_store_find_campaign(store, "walk", &none, &err), 0);
	CU_ASSERT_PTR_NULL(none);
}

TEST_SUITE("run_store_find",
	   {"ids", test_ids},
	   {"finds runs", test_finds_runs},
	   {"finds runs of a campaign", test_finds_campaigns},
	   {"lists runs", test_lists_runs},
	   {"trial history", test_trial_history},
	   {"trial history of variants", test_trial_history_of_variants},
	   {"trial history of repeats", test_trial_history_of_repeats},
	   {"trial folder", test_trial_folder})
