/* test_workload_load.c - rows with a load (docs/result-format.md, "Loads") in a real
 * guest: it runs while the row does, and a row whose load does not is broken. The kernel
 * is the baseline of the quick campaign.
 */
#include <string.h>

#include "boot_place.h"
#include "files.h"
#include "memory.h"
#include "test.h"

#define GUEST "configs/guests/tiny.yaml"
#define SUITE "configs/suites/short.yaml"

static const char two_cpus[] = "vcpus_count: 2\nmemory_mib: 1024\novercommit: true\n";

static const char loaded[] =
	"rows:\n"
	"  - name: latency\n"
	"    workload: cyclictest\n"
	"    arguments: {loops: 300, threads: 1}\n"
	"    load: {workload: stress_ng, arguments: {stressor: cpu, workers: vcpus}}\n"
	"    timeout_s: 90\n"
	"  - name: alone\n"
	"    workload: selftest\n"
	"    arguments: {rounds: 3}\n"
	"    timeout_s: 30\n"
	"  - name: beside-messages\n"
	"    workload: selftest\n"
	"    arguments: {rounds: 3}\n"
	"    load: {workload: hackbench, arguments: {groups: 1, fds: 4}}\n"
	"    timeout_s: 90\n"
	"  - name: beside-requests\n"
	"    workload: selftest\n"
	"    arguments: {rounds: 3}\n"
	"    load: fio\n"
	"    timeout_s: 90\n";

static char *artifact_read(const struct boot_place *place, const struct stored_run *run,
			   const char *name)
{
	cleanup_free char *path = string_format("%s/%s/trials/0001/%s", place->results, run->id,
						name);
	char *text = NULL;

	CU_ASSERT_EQUAL(file_read(path, 1 << 20, &text, NULL), 0);
	return text;
}

/* Its CPU time says that it ran, its own figures too. Bounds are wide, as the host's
 * CPUs are shared. */
static void test_runs_beside(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_free char *stress = NULL, *requests = NULL;

	boot_place_write(&place, GUEST, two_cpus);
	boot_place_write(&place, SUITE, loaded);
	if (!boot_place_run_once(&place, OUTCOME_PASSED, &run))
		return;
	boot_place_check_range(&place, &run, 0, "load_cpu_ratio", 1, 0.2, 2.5);
	boot_place_check_range(&place, &run, 1, "load_cpu_ratio", 0, 0, 0);
	boot_place_check_range(&place, &run, 2, "load_cpu_ratio", 1, 0.1, 2.5);
	boot_place_check_range(&place, &run, 3, "load_cpu_ratio", 1, 0.05, 2.5);
	boot_place_check_range(&place, &run, 0, "latency_max_ns", 1, 1, 1e12);
	test_check_string(run.cells[0].rows[0].arguments,
			  "loops=300 threads=1 load=stress_ng,stressor=cpu,workers=2");
	test_check_string(run.cells[0].rows[1].arguments, "rounds=3");
	test_check_string(run.cells[0].rows[3].arguments, "rounds=3 load=fio");
	stress = artifact_read(&place, &run, "latency.load.stress-ng.yaml");
	requests = artifact_read(&place, &run, "beside-requests.load.fio.json");
	if (stress)
		test_check_contains(stress, "bogo-ops-per-second-real-time:");
	if (requests)
		test_check_contains(requests, "\"total_ios\"");
}

static const struct {
	const char *act, *reason;
} bad_loads[] = {
	{ "end", "load selftest: it ended with exit status 7 before the row was over: as asked" },
	{ "idle", "load selftest: was not running after 8 s" },
	{ "stay", "load selftest: did not end within the row's 8 s" },
};

/* What the first row could not measure is no sample; the row that follows is not touched
 * by it. */
static void check_rows(const struct boot_place *place, const struct stored_run *run)
{
	cleanup_with(trial_result_release) struct trial_result result = TRIAL_RESULT_INIT;
	struct run_store *store = boot_place_store(place);
	struct error err = ERROR_INIT;

	if (!store)
		return;
	CU_ASSERT_EQUAL(run_store_load_result(store, run->trials[0].id, &result, &err), 0);
	if (test_check(result.rows_count == 2)) {
		CU_ASSERT_EQUAL(result.rows[0].outcome, OUTCOME_BROKEN);
		CU_ASSERT_EQUAL(result.rows[1].outcome, OUTCOME_PASSED);
	}
	run_store_close(store);
}

static void check_bad_load(const char *act, const char *reason)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_free char *rows = string_format(
		"rows:\n"
		"  - name: loaded\n"
		"    workload: selftest\n"
		"    arguments: {rounds: 1, act: %s}\n"
		"    load: {workload: selftest, arguments: {load_act: %s}}\n"
		"    timeout_s: 8\n"
		"  - {name: after, workload: selftest, arguments: {rounds: 2}}\n",
		strcmp(act, "end") ? "pass" : "hang", act);

	boot_place_write(&place, GUEST, two_cpus);
	boot_place_write(&place, SUITE, rows);
	if (!boot_place_run_once(&place, OUTCOME_BROKEN, &run))
		return;
	test_check_contains(run.trials[0].reason, reason);
	check_rows(&place, &run);
}

static void test_bad_loads(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(bad_loads); i++)
		check_bad_load(bad_loads[i].act, bad_loads[i].reason);
}

/* What the workload finds wrong is no less wrong for its load. */
static void test_failure_stands(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST, two_cpus);
	boot_place_write(&place, SUITE,
			 "rows:\n  - workload: selftest\n    arguments: {act: fail}\n"
			 "    load: selftest\n    timeout_s: 30\n");
	if (boot_place_run_once(&place, OUTCOME_FAILED, &run))
		test_check_contains(run.trials[0].reason, "as asked");
}

static void check_sample(const struct boot_place *place, int64_t trial, const char *metric,
			 double least, double most)
{
	cleanup_with(trial_result_release) struct trial_result result = TRIAL_RESULT_INIT;
	struct run_store *store = boot_place_store(place);
	struct error err = ERROR_INIT;
	size_t count = 0;

	if (!store)
		return;
	CU_ASSERT_EQUAL(run_store_load_result(store, trial, &result, &err), 0);
	for (size_t i = 0; i < result.samples_count; i++) {
		double value = result.samples[i].value;

		if (strcmp(result.samples[i].metric, metric))
			continue;
		count++;
		CU_ASSERT_TRUE(value >= least && value <= most);
	}
	CU_ASSERT_TRUE(count > 0);
	run_store_close(store);
}

/* In exact mode, too, and to the byte: the run's canary is the same trial again. */
static void test_exact(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_program struct program program = PROGRAM_INIT;

	boot_place_write(&place, GUEST, two_cpus);
	boot_place_write(&place, SUITE,
			 "rows:\n  - workload: selftest\n    arguments: {rounds: 3}\n"
			 "    load: {workload: stress_ng, arguments: {stressor: switch}}\n"
			 "    timeout_s: 60\n");
	boot_place_write_campaign(&place, "  - {name: one}\n  - {name: two}\n",
				  "mode: exact\nseeds_count: 1\n");
	program = start(&place, "run", "small");
	if (!program_check(&program, 0) || !boot_place_load_latest(&place, &run) ||
	    !test_check(run.trials_count == 3))
		return;
	for (size_t i = 0; i < run.trials_count; i++) {
		CU_ASSERT_EQUAL(run.trials[i].outcome, OUTCOME_PASSED);
		test_check_string(run.trials[i].digest, run.trials[0].digest);
	}
	check_sample(&place, run.trials[0].id, "load_cpu_ratio", 0.2, 2.5);
	check_sample(&place, run.trials[0].id, "work_instructions", 1e6, 1e10);
}

static void test_refuses(void)
{
	boot_place_check_row_refused("workload: selftest, load: nothing",
				     "load: no workload is called 'nothing'");
	boot_place_check_row_refused("workload: selftest, load: cyclictest",
				     "load: cyclictest cannot be a load");
	boot_place_check_row_refused("workload: selftest, load: {workload: stress_ng, "
				     "arguments: {duration_s: 3}}",
				     "stress_ng has no parameter 'duration_s' as a load");
	boot_place_check_row_refused("workload: selftest, load: {workload: stress_ng, "
				     "arguments: {stressor: idle}}", "stressor: expected one of");
}

TEST_SUITE("workload_load", { "runs beside a row", test_runs_beside },
	   { "a bad load makes the row broken", test_bad_loads },
	   { "a failure stands", test_failure_stands },
	   { "exact", test_exact },
	   { "refuses before the boot", test_refuses })
