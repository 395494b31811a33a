/* test_history.c - history, gate --against and baseline as people use them, on made-up
 * nights; nothing is booted.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "files.h"
#include "history_run.h"
#include "memory.h"
#include "process.h"
#include "program.h"
#include "sample_run.h"
#include "test.h"

/* 18 nights; "patched" is 5 % slower from night 13 on. */
static const char *store_nights(void)
{
	static char *folder;
	cleanup_store struct run_store *store = NULL;

	if (folder)
		return folder;
	folder = string_copy(test_temp_folder());
	store = sample_store_open(folder);
	if (store)
		(void)history_nights_store(store, 18, 13, 1.05);
	return folder;
}

static void test_usage(void)
{
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "history", "one", "two");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "one argument too many");
	program_run(&run, "history", "--confirm");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "--confirm needs a METRIC");
	program_run(&run, "history", "--runs", "0");
	CU_ASSERT_EQUAL(run.status, 64);
	program_run(&run, "history", "--gest", "up");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "did you mean --guest?");
	program_run(&run, "gate", "--variant", "stock");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "--variant goes with --against");
	program_run(&run, "gate", "--against");
	CU_ASSERT_EQUAL(run.status, 64);
	program_run(&run, "baseline", "exprot", "latest", "x");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "expected export RUN NAME, import FILE or list");
	program_run(&run, "baseline", "export", "latest");
	CU_ASSERT_EQUAL(run.status, 64);
}

static void test_empty(void)
{
	const char *results = test_temp_folder();
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "history", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_string(run.out, "no series yet: they come from finished runs\n");
	program_run(&run, "history", "a_ns", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "no finished run has a figure yet");
	program_run(&run, "gate", "--against", "last-good", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "holds no run yet");
	program_run(&run, "baseline", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "no baseline yet");
}

static void test_list(void)
{
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "history", "--results", store_nights());
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "\ncampaign quick, up/quick\nMETRIC               VARIANT  "
				     "RUNS  NEWEST       CHANGES\n"
				     "first.fallocate_ns   patched  18    ");
	CU_ASSERT_TRUE(longest_line(run.out) <= 80);
	test_check_contains(run.out, "1 suspected");
	program_run(&run, "history", "fallocat_ns", "--results", store_nights());
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "did you mean 'fallocate_ns'?");
	program_run(&run, "history", "fallocate_ns", "--guest", "none", "--results",
		    store_nights());
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "no series of it with that");
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x7f || ((unsigned char)*text < ' ' && *text != '\n'))
			return false;
	return true;
}

/* The whole of it, with the figure: it depends on nothing but the runs. */
static void test_series(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	cleanup_free char *gnuplot = process_find_program("gnuplot");

	if (!gnuplot) {
		test_skip("gnuplot is not installed");
		return;
	}
	program_run(&run, "history", "first.fallocate_ns", "--guest", "up", "--results",
		    store_nights());
	CU_ASSERT_EQUAL(run.status, 0);
	CU_ASSERT_TRUE(longest_line(run.out) <= 80);
	CU_ASSERT_TRUE(is_ascii(run.out));
	check_golden(run.out, "history.txt");
}

static void test_json(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	json_t *array, *series, *change;

	program_run(&run, "history", "first.fallocate_ns", "--guest", "up", "--variant", "patched",
		    "--json", "--results", store_nights());
	CU_ASSERT_EQUAL(run.status, 0);
	array = json_loads(run.out, 0, NULL);
	series = json_array_get(array, 0);
	change = json_array_get(json_object_get(series, "changes"), 0);
	CU_ASSERT_EQUAL(json_array_size(array), 1);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(series, "points")), 18);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(change, "index")), 13);
	test_check_string(json_string_value(json_object_get(change, "state")), "suspected");
	json_decref(array);
}

static void test_gate(void)
{
	const char *results = store_nights();
	cleanup_free char *good = history_night_id(12), *bad = history_night_id(13);
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "gate", bad, "--against", "5-nights", "--results", results);
	CU_ASSERT_EQUAL(run.status, 1);
	test_check_contains(run.out, "runs are the units");
	test_check_contains(run.out, "  regressed  first.fallocate_ns  (up/quick)\n");
	CU_ASSERT_TRUE(longest_line(run.out) <= 80);
	program_run(&run, "gate", good, "--against", "5-nights", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	program_run(&run, "gate", bad, "--against", good, "--variant", "stock", "--json",
		    "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "\"variant\": \"stock\"");
	program_run(&run, "gate", bad, "--against", good, "--variant", "patch", "--results",
		    results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "did you mean 'patched'?");
	program_run(&run, "gate", bad, "--against", "nothing", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "neither last-good, N-nights nor a baseline");
}

static void test_baseline(void)
{
	const char *results = store_nights(), *other = test_temp_folder();
	cleanup_free char *good = history_night_id(12), *bad = history_night_id(13);
	cleanup_free char *path = path_join(results, "baselines/before.json");
	cleanup_free char *wrong = path_join(other, "wrong.json");
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "baseline", "export", good, "before", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "baselines/before.json: patched of run ");
	program_run(&run, "baseline", "export", bad, "before", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "is there already");
	program_run(&run, "gate", bad, "--against", "before", "--results", results);
	CU_ASSERT_EQUAL(run.status, 1);
	test_check_contains(run.out, "against baseline before (patched of run ");
	test_check_contains(run.out, "one run a side, nothing interleaved");
	program_run(&run, "baseline", "import", path, "--results", other);
	CU_ASSERT_EQUAL(run.status, 0);
	program_run(&run, "baseline", "list", "--results", other);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "before  patched  2026-01-13  8        20260113-000000-quick");
	CU_ASSERT_EQUAL(file_write_atomic(wrong, "{\n \"format\": 1,\n", 17, 0644), 0);
	program_run(&run, "baseline", "import", wrong, "--results", other);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "wrong.json:");
}

/* The host is another one: exit code 4, and why. */
static void test_unlike(void)
{
	const char *results = test_temp_folder();
	cleanup_store struct run_store *store = sample_store_open(results);
	cleanup_program struct program_run run = { .out = NULL };
	const struct history_night first = { .number = 0, .factor = 1 };
	const struct history_night second = { .number = 1, .factor = 1,
					      .fingerprint = "accelerator=kvm\nguest=up 0\n" };

	if (!store || !history_night_store(store, &first) || !history_night_store(store, &second))
		return;
	program_run(&run, "gate", "--against", "1-nights", "--results", results);
	CU_ASSERT_EQUAL(run.status, 4);
	test_check_contains(run.out, "conditions that differ, before -> run:\n");
	test_check_contains(run.out, "  up/quick: accelerator: \"tcg\" -> \"kvm\"\n");
	test_check_contains(run.out, "  up/quick: host.cpu: \"A\" -> nothing\n");
	test_check_contains(run.out, "exit code 4 (");
}

/* Suspicions are settled only by a run: these runs have kept no configs. */
static void test_confirm_refused(void)
{
	const char *results = store_nights();
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "history", "first.fallocate_ns", "--guest", "up", "--confirm",
		    "--results", results);
	/* both sides have the same kernel and command line: nothing to boot */
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "refuted");
	test_check_contains(run.out, "both runs booted the same kernel");
	program_run(&run, "history", "first.fallocate_ns", "--guest", "up", "--confirm",
		    "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "refuted");
}

TEST_SUITE("history",
	   {"usage", test_usage},
	   {"empty", test_empty},
	   {"list", test_list},
	   {"a series", test_series},
	   {"JSON", test_json},
	   {"gate", test_gate},
	   {"baseline", test_baseline},
	   {"unlike conditions", test_unlike},
	   {"confirmation without a run", test_confirm_refused})
