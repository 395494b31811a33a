/* test_workload_cost.c - the workloads that say what locks and wake-ups cost
 * (mutex_uncontended, mutex_contended, sched_wakeup, hackbench), in a real guest of two
 * CPUs. The kernel is the baseline of the quick campaign.
 */
#include "boot_place.h"
#include "memory.h"
#include "test.h"

#define GUEST "configs/guests/tiny.yaml"
#define SUITE "configs/suites/short.yaml"

static const char two_cpus[] = "vcpus_count: 2\nmemory_mib: 512\n";

static const char rows[] =
	"rows:\n"
	"  - name: uncontended\n"
	"    workload: mutex_uncontended\n"
	"    arguments: {operations: 20000, rounds: 5}\n"
	"    timeout_s: 60\n"
	"  - name: short\n"
	"    workload: mutex_contended\n"
	"    arguments: {threads: 3, duration_ms: 50, rounds: 2}\n"
	"    timeout_s: 60\n"
	"  - name: long\n"
	"    workload: mutex_contended\n"
	"    arguments: {threads: 2, section_kib: 256, duration_ms: 50, rounds: 2}\n"
	"    timeout_s: 60\n"
	"  - name: alone\n"
	"    workload: mutex_contended\n"
	"    arguments: {threads: 1, duration_ms: 20, rounds: 1}\n"
	"    timeout_s: 60\n"
	"  - name: futex\n"
	"    workload: sched_wakeup\n"
	"    arguments: {workers: 3, messengers: 2, requests: 100, rounds: 2}\n"
	"    timeout_s: 60\n"
	"  - name: pipe\n"
	"    workload: sched_wakeup\n"
	"    arguments: {workers: 2, by: pipe, requests: 100, rounds: 3}\n"
	"    timeout_s: 60\n"
	"  - name: hackbench\n"
	"    workload: hackbench\n"
	"    arguments: {groups: 1, fds: 4, loops: 50, rounds: 3}\n"
	"    timeout_s: 60\n"
	"  - name: threads\n"
	"    workload: hackbench\n"
	"    arguments: {groups: 1, fds: 4, loops: 50, rounds: 2, by: pipe, tasks: threads}\n"
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
	boot_place_check_range(&place, &run, 0, "locked_seek_ns", 5, 10, 1e6);
	boot_place_check_range(&place, &run, 0, "unlocked_seek_ns", 5, 10, 1e6);
	boot_place_check_range(&place, &run, 1, "sections_per_s", 2, 100, 1e8);
	/* The index is 1/n for one thread that has it all. */
	boot_place_check_range(&place, &run, 1, "jain_ratio", 2, 0.33, 1);
	boot_place_check_range(&place, &run, 1, "slowest_fastest_ratio", 2, 0, 1);
	boot_place_check_range(&place, &run, 1, "call_max_ns", 2, 100, 1e10);
	boot_place_check_range(&place, &run, 2, "jain_ratio", 2, 0.5, 1);
	/* 256 KiB are cleared in each. */
	boot_place_check_range(&place, &run, 2, "call_p50_ns", 2, 2000, 1e10);
	boot_place_check_range(&place, &run, 3, "jain_ratio", 1, 1, 1);
	boot_place_check_range(&place, &run, 3, "slowest_fastest_ratio", 1, 1, 1);
	boot_place_check_range(&place, &run, 4, "requests_per_s", 2, 1, 1e7);
	boot_place_check_range(&place, &run, 4, "wakeup_p50_ns", 1, 100, 1e10);
	boot_place_check_range(&place, &run, 4, "wakeup_max_ns", 1, 100, 1e10);
	boot_place_check_range(&place, &run, 5, "requests_per_s", 3, 1, 1e7);
	boot_place_check_range(&place, &run, 5, "wakeup_p999_ns", 1, 100, 1e10);
	boot_place_check_range(&place, &run, 6, "run_ns", 3, 1e6, 60e9);
	/* 4 senders, 4 receivers, 50 times */
	boot_place_check_range(&place, &run, 6, "messages_per_s", 3, 800 / 60.0, 800e3);
	boot_place_check_range(&place, &run, 7, "run_ns", 2, 1e6, 60e9);
}

/* Ranges and words, before anything boots. */
static void test_refuses(void)
{
	boot_place_check_row_refused("workload: mutex_uncontended, arguments: {operations: 0}",
		      "operations");
	boot_place_check_row_refused("workload: mutex_contended, arguments: {threads: 257}", "threads");
	boot_place_check_row_refused("workload: sched_wakeup, arguments: {by: signal}", "by");
	boot_place_check_row_refused("workload: hackbench, arguments: {data_bytes: 4097}", "data_bytes");
}

/* What the ranges cannot say. */
static void test_rejects(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, SUITE,
			 "rows:\n  - {workload: sched_wakeup, arguments: "
			 "{requests: 1000000}, timeout_s: 20}\n");
	if (boot_place_run_once(&place, OUTCOME_BROKEN, &run))
		test_check_contains(run.trials[0].reason,
				    "10000000 requests in all, expected at most 400000");
}

TEST_SUITE("workload_cost", {"measures", test_measures},
	   {"refuses before the boot", test_refuses}, {"rejects at the start", test_rejects})
