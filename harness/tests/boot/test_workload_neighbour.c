/* test_workload_neighbour.c - the workload good_neighbour, and with it control groups
 * of the guest (workloads/runtime/cgroup.c), in a real guest of two CPUs; and what a
 * kernel without unit tests does to the workload kunit. The kernel is the baseline of
 * the quick campaign.
 */
#include "boot_place.h"
#include "memory.h"
#include "test.h"

#define GUEST "configs/guests/tiny.yaml"
#define SUITE "configs/suites/short.yaml"

static const char two_cpus[] = "vcpus_count: 2\nmemory_mib: 512\n";

static const char rows[] =
	"rows:\n"
	"  - name: free\n"
	"    workload: good_neighbour\n"
	"    arguments: {size_mib: 128, jobs: 4, alone_ms: 100, rounds: 2}\n"
	"    timeout_s: 60\n"
	"  - name: quota\n"
	"    workload: good_neighbour\n"
	"    arguments: {size_mib: 128, jobs: 3, alone_ms: 50, rounds: 1, quota_percent: 20}\n"
	"    timeout_s: 60\n"
	/* Whatever the row before changed is as it was: it can be done again. */
	"  - name: again\n"
	"    workload: good_neighbour\n"
	"    arguments: {size_mib: 128, jobs: 8, alone_ms: 100, rounds: 1, helpers: 1}\n"
	"    timeout_s: 60\n";

/* Bounds are wide, as the host's CPUs are shared: they tell nonsense from sense. */
static void test_measures(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST, two_cpus);
	boot_place_write(&place, SUITE, rows);
	if (!boot_place_run_once(&place, OUTCOME_PASSED, &run))
		return;
	boot_place_check_range(&place, &run, 0, "hog_work_per_s", 2, 1, 1e12);
	boot_place_check_range(&place, &run, 0, "hog_work_alone_per_s", 2, 1, 1e12);
	boot_place_check_range(&place, &run, 0, "hog_slowdown_ratio", 2, 0.5, 10);
	boot_place_check_range(&place, &run, 0, "job_ns", 8, 1, 1e12);
	boot_place_check_range(&place, &run, 0, "job_alone_ns", 8, 1, 1e12);
	boot_place_check_range(&place, &run, 0, "charged_ratio", 2, 0.5, 2);
	boot_place_check_range(&place, &run, 0, "quota_use_ratio", 0, 0, 0);
	/* Without its group a job that runs alone would use 5 times the quota. */
	boot_place_check_range(&place, &run, 1, "quota_use_ratio", 1, 0.1, 3);
	boot_place_check_range(&place, &run, 2, "hog_work_per_s", 1, 1, 1e12);
}

/* Ranges, words and needs, before anything boots. */
static void test_refuses(void)
{
	boot_place_check_row_refused("workload: good_neighbour, arguments: {quota_percent: -1}",
		      "quota_percent");
	boot_place_check_row_refused("workload: good_neighbour, arguments: {alone_ms: 0}", "alone_ms");
	boot_place_check_row_refused("workload: good_neighbour, arguments: {jobs: 0}", "jobs");
	boot_place_check_row_refused("workload: kunit, arguments: {suite: unheard_of}", "suite");
	boot_place_check_row_refused("workload: kunit", "CONFIG_KUNIT");
}

/* What the ranges cannot say. */
static void test_rejects(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST, two_cpus);
	boot_place_write(&place, SUITE,
			 "rows:\n  - {workload: good_neighbour, arguments: {size_mib: 3}, "
			 "timeout_s: 20}\n");
	if (boot_place_run_once(&place, OUTCOME_BROKEN, &run))
		test_check_contains(run.trials[0].reason,
				    "size_mib is no multiple of the page size");
}

TEST_SUITE("workload_neighbour", {"measures beside hogs and under a quota", test_measures},
	   {"refuses before the boot", test_refuses}, {"rejects at the start", test_rejects})
