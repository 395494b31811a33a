/* test_workload_inversion_rename.c - the workloads inversion_rename and inversion_padata
 * in real guests: that they measure, that waits are bounded, and that a job which
 * cannot run here is skipped. The kernel is the baseline of the quick campaign, without
 * proxy execution and padata's helpers.
 */
#include "boot_place.h"
#include "memory.h"
#include "test.h"

#define GUEST "configs/guests/tiny.yaml"
#define SUITE "configs/suites/short.yaml"

static const char with_iommu[] =
	"vcpus_count: 2\nmemory_mib: 768\niommu: intel\n"
	"cmdline: [intel_iommu=on, iommu=nopt]\n";

static const char rows[] =
	"rows:\n"
	"  - name: rename\n"
	"    workload: inversion_rename\n"
	"    arguments: {duration_ms: 1500, wait_limit_ms: 200}\n"
	"    timeout_s: 60\n"
	/* Nobody is in the way: nothing can be cut. */
	"  - name: free\n"
	"    workload: inversion_rename\n"
	"    arguments: {foreground: 2, background: 0, spinners_per_cpu: 0, "
	"duration_ms: 300, wait_limit_ms: 20000}\n"
	"    timeout_s: 60\n"
	"  - name: padata\n"
	"    workload: inversion_padata\n"
	"    arguments: {size_mib: 128, helpers: 1, delay_ms: 1, wait_limit_ms: 100, "
	"rounds: 3}\n"
	"    timeout_s: 60\n";

/* Bounds are wide, as the host's CPUs are shared: they tell nonsense from sense. */
static void test_measures(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST, with_iommu);
	boot_place_write(&place, SUITE, rows);
	if (!boot_place_run_once(&place, OUTCOME_PASSED, &run))
		return;
	boot_place_check_range(&place, &run, 0, "rename_p50_ns", 1, 100, 60e9);
	boot_place_check_range(&place, &run, 0, "rename_max_ns", 1, 100, 60e9);
	boot_place_check_range(&place, &run, 0, "renames_count", 1, 1, 1e5);
	boot_place_check_range(&place, &run, 0, "censored_count", 1, 0, 1);
	boot_place_check_range(&place, &run, 1, "foreground_renames_per_s", 1, 1, 1e6);
	boot_place_check_range(&place, &run, 1, "background_renames_per_s", 1, 0, 0);
	boot_place_check_range(&place, &run, 1, "censored_count", 1, 0, 0);
	boot_place_check_range(&place, &run, 2, "wait_p50_ns", 1, 1000, 60e9);
	boot_place_check_range(&place, &run, 2, "wait_max_ns", 1, 1000, 60e9);
	boot_place_check_range(&place, &run, 2, "censored_count", 1, 0, 3);
	boot_place_check_range(&place, &run, 2, "missed_count", 1, 0, 2);
}

static void check_ends(const char *row, enum outcome outcome, const char *reason)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_strbuf struct strbuf suite = STRBUF_INIT;

	strbuf_addf(&suite, "rows:\n  - {workload: inversion_padata, timeout_s: 20, "
		    "arguments: {%s}}\n", row);
	boot_place_write(&place, SUITE, suite.data);
	if (boot_place_run_once(&place, outcome, &run))
		test_check_contains(run.trials[0].reason, reason);
}

static void test_cannot(void)
{
	check_ends("job: vfio, size_mib: 16", OUTCOME_SKIPPED,
		   "no virtio-rng for VFIO to take");
	check_ends("job: hugetlb, size_mib: 16", OUTCOME_BROKEN,
		   "job=hugetlb is for size_mib=1024, one page");
}

static void check_refused(const char *row, const char *complaint)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_strbuf struct strbuf suite = STRBUF_INIT;

	strbuf_addf(&suite, "rows:\n  - {%s}\n", row);
	boot_place_write(&place, SUITE, suite.data);
	boot_place_check_refused(&place, complaint);
}

static void test_refuses(void)
{
	check_refused("workload: inversion_rename, arguments: {foreground: 0}",
		      "foreground");
	check_refused("workload: inversion_rename, arguments: {background_weight: 0}",
		      "background_weight");
	check_refused("workload: inversion_padata, arguments: {job: fallocate}", "job");
	check_refused("workload: inversion_padata, arguments: {helpers: -2}", "helpers");
}

TEST_SUITE("workload_inversion_rename", {"measures", test_measures},
	   {"cannot run", test_cannot}, {"refuses before the boot", test_refuses})
