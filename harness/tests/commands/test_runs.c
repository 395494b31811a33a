/* test_runs.c - run, show, compare and gate as people use them, on made-up runs
 * in a store; nothing is booted. What the tables say in full is the renderers'
 * own test.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "program.h"
#include "run_store.h"
#include "sample_run.h"
#include "scheduler.h"
#include "test.h"

#define cleanup_run cleanup_with(stored_run_release)

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

static void cleanup_json_(json_t **json)
{
	json_decref(*json);
}

#define cleanup_json cleanup_with(cleanup_json_)

/* A run of 8 blocks; B's samples are factor times A's, with a little noise that
 * is the same in every run. unfinished: that many trials at the end are left. */
static const char *store_with_run(const char *id, double factor, size_t unfinished)
{
	const char *folder = test_temp_folder();
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_run struct stored_run run = sample_run(8, 1);
	struct error err = ERROR_INIT;

	run.id = string_copy(id);
	CU_ASSERT_EQUAL(run_store_open(folder, &store, &err), 0);
	if (!store || !test_check(!run_store_begin(store, &run, &err)))
		return folder;
	for (size_t i = 0; i + unfinished < run.trials_count; i++) {
		const struct stored_trial *trial = &run.trials[i];
		double value = (1e6 + (double)(i * 7919 % 1000)) *
			       (trial->variant == 1 ? factor : 1);
		cleanup_with(trial_result_release) struct trial_result result =
			sample_result(4, value);

		CU_ASSERT_EQUAL(run_store_trial_started(store, trial->id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, trial->id, &result, "a=1\n", &err),
				0);
	}
	if (!unfinished)
		CU_ASSERT_EQUAL(run_store_set_state(store, run.id, "finished", &err), 0);
	test_check_string(err.message, "");
	return folder;
}

#define ID "20261121-213000-quick"

/* --- run ---------------------------------------------------------------------------- */

static void test_run_usage(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	const char *folder = test_temp_folder();
	cleanup_free char *results = path_join(folder, "none");

	program_run(&run, "run", "quick", "extra");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "one argument too many");
	program_run(&run, "run", "--blocks", "0");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "expected a number from 1 to 10000");
	program_run(&run, "run", "--seed", "0");
	CU_ASSERT_EQUAL(run.status, 64);
	program_run(&run, "run", "--dry-rum");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "did you mean --dry-run?");
	program_run(&run, "run", "--resume", "--seed", "1");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "goes on with the plan as it is stored");
	program_run(&run, "run", "--resume", "--mode", "exact");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "goes on with the plan as it is stored");
	program_run(&run, "run", "--mode", "exakt");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "--mode exakt: expected timed or exact");
	program_run(&run, "run", "quick", "--dry-run", "--seeds", "3");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "--seeds is for exact mode; campaign quick is timed");
	program_run(&run, "run", "quick-exact", "--dry-run", "--mode", "timed", "--seeds", "3");
	CU_ASSERT_EQUAL(run.status, 64);
	program_run(&run, "run", "quick-exact", "--blocks", "2", "--seeds", "3");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "--blocks and --seeds are the same");
	program_run(&run, "run", "quick-exact", "--dry-run", "--looks", "2");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "--looks is for timed mode");
	program_run(&run, "run", "--looks", "21");
	CU_ASSERT_EQUAL(run.status, 64);
	program_run(&run, "run", "--resume", "--looks", "2");
	CU_ASSERT_EQUAL(run.status, 64);
	program_run(&run, "run", "--seeds", "0");
	CU_ASSERT_EQUAL(run.status, 64);
	program_run(&run, "run", "quik", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "did you mean 'quick'?");
	program_run(&run, "run", "--resume", "--results", folder);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "nothing to resume");
	CU_ASSERT_FALSE(path_exists(results));
}

static void test_dry_run(void)
{
	cleanup_program struct program_run run = { .out = NULL }, again = { .out = NULL };
	const char *folder = test_temp_folder();
	cleanup_free char *results = path_join(folder, "none");

	program_run(&run, "run", "quick", "--dry-run", "--blocks", "2", "--seed", "42", "--accel",
		    "tcg", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "2 blocks), seed 42, tcg\n");
	test_check_contains(run.out, "(baseline)");
	test_check_contains(run.out, "stock (control)");
	test_check_contains(run.out, "estimated: ");
	CU_ASSERT_FALSE(path_exists(results));
	program_run(&again, "run", "quick", "--dry-run", "--blocks", "2", "--seed", "42",
		    "--accel", "tcg", "--results", results);
	test_check_string(again.out, run.out);
}

static void test_dry_run_only(void)
{
	cleanup_program struct program_run only = { .out = NULL }, skip = { .out = NULL },
					   wrong = { .out = NULL }, resume = { .out = NULL };
	cleanup_free char *results = path_join(test_temp_folder(), "none");

	program_run(&only, "run", "quick", "--dry-run", "--blocks", "2", "--only", "u?", "--accel",
		    "tcg", "--results", results);
	CU_ASSERT_EQUAL(only.status, 0);
	test_check_contains(only.out, "campaign quick: 6 trials (2 variants and the A/A control, "
				      "1 cell, 2 blocks)");
	CU_ASSERT_PTR_NULL(strstr(only.out, "smp2/quick"));
	program_run(&skip, "run", "quick", "--dry-run", "--blocks", "2", "--skip", "up/*",
		    "--accel", "tcg", "--results", results);
	CU_ASSERT_EQUAL(skip.status, 0);
	CU_ASSERT_PTR_NULL(strstr(skip.out, "up/quick"));
	program_run(&wrong, "run", "quick", "--dry-run", "--only", "smp", "--results", results);
	CU_ASSERT_EQUAL(wrong.status, 2);
	test_check_contains(wrong.err, "only 'smp' fits no guest, suite or variant");
	test_check_contains(wrong.err, "(did you mean 'smp2'?)");
	program_run(&resume, "run", "--resume", "--only", "up", "--results", results);
	CU_ASSERT_EQUAL(resume.status, 64);
	program_run(&resume, "validate", "--resume", "--skip", "up", "--results", results);
	CU_ASSERT_EQUAL(resume.status, 64);
	program_run(&resume, "build", "quick:stock", "--only", "patched");
	CU_ASSERT_EQUAL(resume.status, 2);
	test_check_contains(resume.err, "quick:stock: no campaign; --only and --skip choose");
}

static void test_dry_run_looks(void)
{
	cleanup_program struct program_run run = { .out = NULL }, few = { .out = NULL };
	cleanup_free char *results = path_join(test_temp_folder(), "none");

	program_run(&run, "run", "quick", "--dry-run", "--blocks", "30", "--looks", "3", "--accel",
		    "tcg", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "\nlooks: after 10, 20 and 30 blocks; the run ends where "
				     "every metric is settled\n");
	program_run(&few, "run", "quick", "--dry-run", "--blocks", "4", "--looks", "3", "--accel",
		    "tcg", "--results", results);
	CU_ASSERT_EQUAL(few.status, 0);
	CU_ASSERT_PTR_NULL(strstr(few.out, "looks: "));
}

/* The dry run of a campaign with up to four more arguments (NULL: fewer). */
static void dry_run(struct program_run *run, const char *campaign, const char *a, const char *b,
		    const char *c, const char *d)
{
	cleanup_free char *results = path_join(test_temp_folder(), "none");

	program_run(run, "run", campaign, "--dry-run", "--results", results, a, b, c, d);
	CU_ASSERT_FALSE(path_exists(results));
}

static void test_dry_run_exact(void)
{
	cleanup_program struct program_run run = { .out = NULL }, timed = { .out = NULL },
					   exact = { .out = NULL }, kvm = { .out = NULL };

	dry_run(&run, "quick-exact", "--seeds", "2", "--seed", "41");
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "campaign quick-exact: 10 trials (2 variants and a canary "
				     "with the first seed, 2 cells, 2 seeds from 41), tcg\n"
				     "mode: exact, 2^3 ns an instruction, counted by block\n");
	test_check_contains(run.out, "   trial   seed  variant");
	test_check_contains(run.out, "       1     41  ");
	test_check_contains(run.out, "      10     42  ");
	test_check_contains(run.out, "stock (control)");
	/* each in the other mode, with that mode's defaults */
	dry_run(&exact, "quick", "--mode", "exact", NULL, NULL);
	CU_ASSERT_EQUAL(exact.status, 0);
	test_check_contains(exact.out, "campaign quick: 22 trials (2 variants and a canary with "
				       "the first seed, 2 cells, 5 seeds from 1), tcg\n");
	dry_run(&timed, "quick-exact", "--mode", "timed", "--accel", "tcg");
	CU_ASSERT_EQUAL(timed.status, 0);
	test_check_contains(timed.out, "campaign quick-exact: 252 trials (2 variants and the A/A "
				       "control, 2 cells, 42 blocks), seed ");
	dry_run(&kvm, "quick-exact", "--accel", "kvm", NULL, NULL);
	CU_ASSERT_EQUAL(kvm.status, 2);
	test_check_contains(kvm.err, "--accel kvm: exact mode counts");
}

/* --- show --------------------------------------------------------------------------- */

static void test_show(void)
{
	const char *results = store_with_run(ID, 1, 5);
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "show", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, ID);
	program_run(&run, "show", "20261121", "--trial", "3", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "run " ID ", trial 3: ");
	test_check_contains(run.out, "outcome: passed\nkernel: 7.3.4-kerngate\n");
	test_check_contains(run.out, "  user space          3.000 s\n");
	test_check_contains(run.out, "host: steal 1.00 %, others 0.25 CPUs, 2400 MHz\n");
	test_check_contains(run.out, "    fallocate_ns             4 samples: ");
	test_check_contains(run.out, "  hung-task, console line 123: hung task kworker\n"
				     "    | INFO: task kworker\n    | blocked\n");
	test_check_contains(run.out, "/" ID "/trials/0003: is gone\n");
	program_run(&run, "show", "--trial", "48", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "outcome: none, it is planned\n");
}

static json_t *parse(const char *text)
{
	json_error_t problem;
	json_t *json = json_loads(text, 0, &problem);

	if (!test_check(json != NULL))
		fprintf(stderr, "%s\n%s\n", problem.text, text);
	return json;
}

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

/* One seed, all trials with digest "d1", in exact mode. */
static const char *store_with_exact_run(void)
{
	const char *folder = test_temp_folder();
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_run struct stored_run run = sample_run(0, 41);
	struct error err = ERROR_INIT;

	run.id = string_copy(ID);
	run.mode = MODE_EXACT;
	run.exact = EXACT_POLICY_INIT;
	free(run.trials);
	scheduler_plan(&run, 1);
	CU_ASSERT_EQUAL(run_store_open(folder, &store, &err), 0);
	if (!store || !test_check(!run_store_begin(store, &run, &err)))
		return folder;
	for (size_t i = 0; i + 1 < run.trials_count; i++) {
		cleanup_with(trial_result_release) struct trial_result result = sample_result(2, 5);

		result.digest = string_copy("d1");
		CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[i].id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[i].id, &result, "a=1\n",
							 &err), 0);
	}
	return folder;
}

static void test_show_exact(void)
{
	const char *results = store_with_exact_run(), *timed = store_with_run(ID, 1, 1);
	cleanup_program struct program_run run = { .out = NULL };
	cleanup_json json_t *trial = NULL, *planned = NULL, *whole = NULL, *other = NULL;

	program_run(&run, "show", "--trial", "3", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "exact mode: seed 41, digest d1\n");
	program_run(&run, "show", "--trial", "6", "--results", results);
	test_check_contains(run.out, "exact mode: seed 41, digest none\n");
	program_run(&run, "show", "--trial", "3", "--json", "--results", results);
	trial = parse(run.out);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(trial, "seed")), 41);
	test_check_string(text_of(trial, "digest"), "d1");
	program_run(&run, "show", "--trial", "6", "--json", "--results", results);
	planned = parse(run.out);
	CU_ASSERT_TRUE(json_is_null(json_object_get(planned, "digest")));
	program_run(&run, "show", "--json", "--results", results);
	whole = parse(run.out);
	test_check_string(text_of(whole, "mode"), "exact");
	program_run(&run, "show", "--trial", "3", "--results", timed);
	CU_ASSERT_PTR_NULL(strstr(run.out, "exact"));
	program_run(&run, "show", "--trial", "3", "--json", "--results", timed);
	other = parse(run.out);
	CU_ASSERT_TRUE(json_is_null(json_object_get(other, "seed")));
}

static void test_list_modes(void)
{
	const char *results = store_with_exact_run(), *timed = store_with_run(ID, 1, 1);
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "list", "runs", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, ID "  quick     exact  ");
	program_run(&run, "list", "runs", "--results", timed);
	test_check_contains(run.out, ID "  quick     timed  ");
	program_run(&run, "list", "campaigns");
	test_check_contains(run.out, "\nquick-exact ");
	test_check_contains(run.out, " 5 seeds ");
}

static void test_show_refusals(void)
{
	const char *results = store_with_run(ID, 1, 0), *empty = test_temp_folder();
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "show", "20261121-213000-quack", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "did you mean '" ID "'?");
	program_run(&run, "show", "--trial", "49", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "has no trial 49: expected 1 to 48");
	program_run(&run, "show", "--trial", "0", "--results", results);
	CU_ASSERT_EQUAL(run.status, 64);
	program_run(&run, "show", "--results", empty);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "`kerngate run` makes one");
}

static void test_show_json(void)
{
	const char *results = store_with_run(ID, 1, 1);
	cleanup_program struct program_run run = { .out = NULL };
	cleanup_json json_t *whole = NULL, *trial = NULL;

	program_run(&run, "show", "--json", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	whole = parse(run.out);
	test_check_string(text_of(whole, "id"), ID);
	test_check_string(text_of(whole, "state"), "running");
	test_check_string(text_of(whole, "baseline"), "stock");
	test_check_string(text_of(json_object_get(whole, "gate"), "correction"), "holm");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(whole, "trials")), 48);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(whole, "findings")), 47);
	program_run(&run, "show", "--json", "--trial", "2", "--results", results);
	trial = parse(run.out);
	test_check_string(text_of(trial, "outcome"), "passed");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(trial, "samples")), 16);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_object_get(trial, "times"),
							   "stopped_ns")), 6000000000);
	CU_ASSERT_TRUE(json_is_null(json_object_get(json_object_get(trial, "host"),
						    "pressure_memory_ratio")));
}

/* --- compare and gate ---------------------------------------------------------------- */

static void test_compare(void)
{
	const char *results = store_with_run(ID, 1.5, 0);
	cleanup_program struct program_run run = { .out = NULL }, wide = { .out = NULL };
	cleanup_json json_t *json = NULL;

	program_run(&run, "compare", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "regressed");
	program_run(&run, "compare", ID, "--json", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	json = parse(run.out);
	program_run(&wide, "compare", "--json", "--margin", "45", "--alpha", "0.01", "--results",
		    results);
	CU_ASSERT_EQUAL(wide.status, 0);
	CU_ASSERT_STRING_NOT_EQUAL(wide.out, run.out);
	program_run(&run, "compare", "--mail", "--margin", "45", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, " within\n           45 %;");
	test_check_contains(run.out, "\nagain      kerngate run quick --seed 1 --blocks 8\n");
	program_run(&run, "compare", "--mail", "--json", "--results", results);
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "--json and --mail exclude each other");
	program_run(&run, "compare", "--margin", "51", "--results", results);
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "--margin 51: expected a number from 0.01 to 50");
	program_run(&run, "compare", "--alpha", "1x", "--results", results);
	CU_ASSERT_EQUAL(run.status, 64);
}

static void check_gate(double factor, size_t unfinished, int status)
{
	const char *results = store_with_run(ID, factor, unfinished);
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "gate", "--results", results);
	if (!test_check(run.status == status))
		fprintf(stderr, "gate at %g: status %d\n%s%s", factor, run.status, run.out,
			run.err);
}

static void test_gate(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	const char *empty = test_temp_folder();

	check_gate(1, 0, 0);
	check_gate(0.5, 0, 0);
	check_gate(1.5, 0, 1);
	check_gate(1.03, 36, 3); /* two blocks say little */
	check_gate(1, 47, 4);
	program_run(&run, "gate", "--results", empty);
	CU_ASSERT_EQUAL(run.status, 2);
	program_run(&run, "gate", "--margin", "3");
	CU_ASSERT_EQUAL(run.status, 64);
}

TEST_SUITE("runs",
	   {"usage of run", test_run_usage},
	   {"dry run", test_dry_run},
	   {"dry run of some", test_dry_run_only},
	   {"dry run with looks", test_dry_run_looks},
	   {"dry run in exact mode", test_dry_run_exact},
	   {"show", test_show},
	   {"what show refuses", test_show_refusals},
	   {"show --json", test_show_json},
	   {"show in exact mode", test_show_exact},
	   {"list says the mode", test_list_modes},
	   {"compare", test_compare},
	   {"gate", test_gate})
