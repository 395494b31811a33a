/* test_workload_inversion.c - the workloads inversion_fpos, inversion_sleeping_owner,
 * inversion_pipe and inversion_chain (workloads/runtime/inversion.h) in a real guest of
 * two CPUs, without proxy execution: the kernel is the baseline of the quick campaign.
 */
#include <stdio.h>
#include <string.h>

#include "boot_place.h"
#include "memory.h"
#include "test.h"

#define GUEST "configs/guests/tiny.yaml"
#define SUITE "configs/suites/short.yaml"
#define NS_PER_MS 1e6
#define FOREVER_NS 1e12

static const char two_cpus[] = "vcpus_count: 2\nmemory_mib: 512\novercommit: true\n";

/* Sections of some milliseconds: shorter ones are over, on a quiet host, before the spinners
 * have pushed the low task off its CPU, and then there is no wait. */
static const char rows[] =
	"rows:\n"
	"  - name: fpos\n"
	"    workload: inversion_fpos\n"
	"    arguments: {iterations: 3, size_mib: 16}\n"
	"    timeout_s: 60\n"
	"  - name: sleep\n"
	"    workload: inversion_sleeping_owner\n"
	"    arguments: {iterations: 3, size_mib: 16, sleep_us: 1000, class: weight}\n"
	"    timeout_s: 60\n"
	"  - name: pipe\n"
	"    workload: inversion_pipe\n"
	"    arguments: {iterations: 3, size_mib: 16, class: fifo_high}\n"
	"    timeout_s: 60\n"
	"  - name: chain\n"
	"    workload: inversion_chain\n"
	"    arguments: {iterations: 2, depth: 3, groups: 3000}\n"
	"    timeout_s: 60\n"
	/* Its groups have the names of those that an earlier row had. */
	"  - name: again\n"
	"    workload: inversion_fpos\n"
	"    arguments: {iterations: 2, size_mib: 16, class: weight}\n"
	"    timeout_s: 60\n"
	/* Real-time spinners leave a lower real-time task nothing: without proxy execution
	 * only the watchdog ends a wait, which is then kept as long as it was. */
	"  - name: limit\n"
	"    workload: inversion_fpos\n"
	"    arguments: {class: fifo, size_mib: 16, iterations: 3, wait_limit_ms: 100}\n"
	"    timeout_s: 60\n"
	"  - name: end\n"
	"    workload: inversion_sleeping_owner\n"
	"    arguments: {class: fifo, placement: across, iterations: 3, sleep_us: 5000,\n"
	"                wait_limit_ms: 100000, time_limit_s: 2}\n"
	"    timeout_s: 60\n";

#define MEASURED_ROWS_COUNT 5u
#define LIMIT_ROW 5u
#define END_ROW 6u

static void check_measured(const struct boot_place *place, const struct stored_run *run,
			   uint32_t row)
{
	boot_place_check_range(place, run, row, "held_count", 1, 1, 3);
	boot_place_check_range(place, run, row, "blocked_count", 1, 1, 3);
	boot_place_check_range(place, run, row, "wait_p99_ns", 1, 1, FOREVER_NS);
	boot_place_check_range(place, run, row, "wait_p999_ns", 1, 1, FOREVER_NS);
	boot_place_check_range(place, run, row, "wait_max_ns", 1, 1, FOREVER_NS);
	boot_place_check_range(place, run, row, "wait_max_ratio", 1, 1e-9, 1e9);
	boot_place_check_range(place, run, row, "section_ns", 15, 1000, FOREVER_NS);
	boot_place_check_range(place, run, row, "tick_ns", 1, NS_PER_MS, NS_PER_MS);
	/* a kernel that does not count it is no reason to fail */
	boot_place_check_samples(place, run, row, "high_donations_count", 0);
}

static void check_starved(const struct boot_place *place, const struct stored_run *run)
{
	boot_place_check_range(place, run, LIMIT_ROW, "wait_ns", 3, 100 * NS_PER_MS,
			       FOREVER_NS);
	boot_place_check_range(place, run, LIMIT_ROW, "censored_count", 1, 3, 3);
	boot_place_check_range(place, run, LIMIT_ROW, "late_count", 1, 3, 3);
	boot_place_check_range(place, run, END_ROW, "wait_ns", 1, 500 * NS_PER_MS,
			       FOREVER_NS);
	boot_place_check_range(place, run, END_ROW, "censored_count", 1, 1, 1);
	boot_place_check_range(place, run, END_ROW, "slept_ns", 1, 5 * NS_PER_MS,
			       FOREVER_NS);
}

/* On each way and in each class somebody waits; and a starvation ends by itself. */
static void test_measures(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST, two_cpus);
	boot_place_write(&place, SUITE, rows);
	if (!boot_place_run_once(&place, OUTCOME_PASSED, &run))
		return;
	for (uint32_t row = 0; row < MEASURED_ROWS_COUNT; row++)
		check_measured(&place, &run, row);
	check_starved(&place, &run);
}

static void check_ends(const char *guest, const char *row, enum outcome outcome,
		       const char *reason)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_strbuf struct strbuf suite = STRBUF_INIT;

	strbuf_addf(&suite, "rows:\n  - {%s, timeout_s: 30}\n", row);
	boot_place_write(&place, GUEST, guest);
	boot_place_write(&place, SUITE, suite.data);
	if (boot_place_run_once(&place, outcome, &run))
		test_check_contains(run.trials[0].reason, reason);
}

/* What is no result is not called one: the section is over long before anybody asks. */
static void test_rejects(void)
{
	check_ends(two_cpus,
		   "workload: inversion_fpos, arguments: {spinners: 0, settle_us: 100000, "
		   "time_limit_s: 1}", OUTCOME_BROKEN, "no inversion was met");
	check_ends("vcpus_count: 1\nmemory_mib: 512\n",
		   "workload: inversion_pipe, arguments: {placement: across}",
		   OUTCOME_SKIPPED, "placement=across needs two CPUs");
}

static void check_refused(const char *row, const char *complaint)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_strbuf struct strbuf suite = STRBUF_INIT;

	strbuf_addf(&suite, "rows:\n  - {%s}\n", row);
	boot_place_write(&place, SUITE, suite.data);
	boot_place_check_refused(&place, complaint);
}

/* Ranges and words, before anything boots. */
static void test_refuses(void)
{
	check_refused("workload: inversion_fpos, arguments: {size_mib: 65}", "size_mib");
	check_refused("workload: inversion_fpos, arguments: {class: idle}", "class");
	check_refused("workload: inversion_sleeping_owner, arguments: {sleep_us: 0}",
		      "sleep_us");
	check_refused("workload: inversion_pipe, arguments: {placement: beside}",
		      "placement");
	check_refused("workload: inversion_chain, arguments: {depth: 4}", "depth");
	check_refused("workload: inversion_chain, arguments: {iterations: 0}",
		      "iterations");
}

TEST_SUITE("workload-inversion", { "measures waits, which end", test_measures },
	   { "rejects what is no result", test_rejects },
	   { "refuses before the boot", test_refuses })
