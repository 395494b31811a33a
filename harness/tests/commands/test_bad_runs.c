/* test_bad_runs.c - compare and gate on runs that hold too little to be judged: each
 * has its answer in docs/measurement.md.
 */
#include <string.h>

#include "memory.h"
#include "program.h"
#include "sample_run.h"
#include "test.h"

/* Whether the trial's boot is over, and what it gave; the sample run has two cells of
 * two rows with two metrics, of which the second is derived. */
typedef bool (*fill_fn)(const struct stored_trial *trial, struct trial_result *result);

static bool is_candidate(const struct stored_trial *trial)
{
	return trial->variant == 1;
}

static const char *store_with(uint32_t blocks_count, fill_fn fill)
{
	const char *folder = test_temp_folder();
	cleanup_store struct run_store *store = sample_store_open(folder);
	cleanup_run struct stored_run run = sample_run(blocks_count, 1);
	struct error err = ERROR_INIT;

	if (!store || !sample_store_begin(store, &run))
		return folder;
	for (size_t i = 0; i < run.trials_count; i++) {
		cleanup_result struct trial_result result =
			sample_result(3, 1e6 + (double)(i * 7919 % 1000));

		if (!fill(&run.trials[i], &result))
			continue;
		CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[i].id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[i].id, &result,
							 "a=1\n", &err), 0);
	}
	CU_ASSERT_EQUAL(run_store_set_state(store, run.id, "finished", &err), 0);
	test_check_string(err.message, "");
	return folder;
}

/* The gate's answer, and what the table says; compare says it too and exits 0. */
static void check_answer(const char *results, int gate, const char *verdict, const char *reason)
{
	cleanup_program struct program_run judged = { .out = NULL }, shown = { .out = NULL },
					   json = { .out = NULL };

	program_run(&judged, "gate", "--results", results);
	CU_ASSERT_EQUAL(judged.status, gate);
	test_check_contains(judged.out, verdict);
	test_check_contains(judged.out, reason);
	program_run(&shown, "compare", "--results", results);
	CU_ASSERT_EQUAL(shown.status, 0);
	test_check_string(shown.out, judged.out);
	program_run(&json, "compare", "--json", "--results", results);
	CU_ASSERT_EQUAL(json.status, 0);
	CU_ASSERT_PTR_NULL(strstr(json.out, "nan"));
}

static bool nothing(const struct stored_trial *trial, struct trial_result *result)
{
	(void)trial;
	(void)result;
	return false;
}

static bool everything(const struct stored_trial *trial, struct trial_result *result)
{
	(void)trial;
	(void)result;
	return true;
}

static void test_empty(void)
{
	check_answer(store_with(4, nothing), 4, "NOT COMPARABLE (gate: exit 4): 4 not comparable",
		     "no usable boot of the baseline");
	check_answer(store_with(0, nothing), 4, "NOT COMPARABLE (gate: exit 4): 4 not comparable",
		     "no usable boot of the baseline");
}

static void test_one_boot_a_side(void)
{
	check_answer(store_with(1, everything), 4, "4 not comparable",
		     "fewer than two complete blocks");
}

static bool only_baseline(const struct stored_trial *trial, struct trial_result *result)
{
	(void)result;
	return !is_candidate(trial);
}

static void test_one_side_only(void)
{
	check_answer(store_with(4, only_baseline), 4, "4 not comparable",
		     "no usable boot of the candidate");
}

/* Drops the samples of a metric, in the first row only. */
static void drop(struct trial_result *result, const char *metric)
{
	size_t kept = 0;

	for (size_t i = 0; i < result->samples_count; i++) {
		if (result->samples[i].row == 0 && !strcmp(result->samples[i].metric, metric)) {
			free(result->samples[i].metric);
			continue;
		}
		result->samples[kept++] = result->samples[i];
	}
	result->samples_count = kept;
}

static bool missing_in_candidate(const struct stored_trial *trial, struct trial_result *result)
{
	if (is_candidate(trial))
		drop(result, "fallocate_ns");
	return true;
}

/* Of four gated metrics two have no figure on one side; the others are judged. */
static void test_missing_metric(void)
{
	check_answer(store_with(8, missing_in_candidate), 4, "2 equivalent, 2 not comparable",
		     "no usable boot of the candidate");
}

static bool missing_secondary(const struct stored_trial *trial, struct trial_result *result)
{
	if (is_candidate(trial))
		drop(result, "rate_gib_s");
	return true;
}

/* What is derived from another metric decides nothing. */
static void test_missing_derived(void)
{
	check_answer(store_with(8, missing_secondary), 0, "4 equivalent", "derived");
}

static bool missing_once(const struct stored_trial *trial, struct trial_result *result)
{
	if (is_candidate(trial) && trial->block == 3)
		drop(result, "fallocate_ns");
	return true;
}

/* That block does not count for the metric; seven do. */
static void test_missing_once(void)
{
	check_answer(store_with(8, missing_once), 0, "4 equivalent", "n 16+7 of");
}

static bool zeros(const struct stored_trial *trial, struct trial_result *result)
{
	for (size_t i = 0; i < result->samples_count; i++)
		if (!is_candidate(trial) && result->samples[i].row == 0)
			result->samples[i].value = 0;
	return true;
}

static void test_zeros(void)
{
	check_answer(store_with(8, zeros), 4, "2 equivalent, 2 not comparable",
		     "a boot's figure is zero or negative");
}

static bool all_crash(const struct stored_trial *trial, struct trial_result *result)
{
	if (is_candidate(trial)) {
		result->outcome = OUTCOME_CRASHED;
		result->rows_count = 0;
	}
	return true;
}

/* A candidate without any figure, since it dies: that is its verdict. */
static void test_all_crash(void)
{
	check_answer(store_with(4, all_crash), 1, "a candidate CRASHED",
		     "pass rates up/quick: patched 0 of 4 (0 % .. 60.2 %), stock 8 of 8 (63.1 % ..");
}

TEST_SUITE("bad_runs",
	   {"an empty run", test_empty},
	   {"one boot a side", test_one_boot_a_side},
	   {"one side only", test_one_side_only},
	   {"a metric that one side lacks", test_missing_metric},
	   {"a derived metric that one side lacks", test_missing_derived},
	   {"a metric that one boot lacks", test_missing_once},
	   {"zeros", test_zeros},
	   {"every boot crashes", test_all_crash})
