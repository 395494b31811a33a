/* test_vfio.c - the workloads that pin memory for a device (vfio_pin,
 * helper_priority), in real guests: behind an IOMMU they pass their own checks, on the
 * kernel as it is; without one they are refused before the boot or skip in the guest.
 * The kernel is the baseline of the quick campaign.
 */
#include "boot_place.h"
#include "memory.h"
#include "test.h"

#define GUEST "configs/guests/tiny.yaml"
#define SUITE "configs/suites/short.yaml"
#define ROUNDS 2

static const char with_iommu[] =
	"vcpus_count: 1\nmemory_mib: 768\niommu: intel\n"
	"cmdline: [intel_iommu=on, iommu=nopt]\n";

static const char all_rows[] =
	"rows:\n"
	"  - name: small\n"
	"    workload: vfio_pin\n"
	"    arguments: {size_mib: 64, memory: small, rounds: 2}\n"
	"    timeout_s: 40\n"
	"  - name: thp\n"
	"    workload: vfio_pin\n"
	"    arguments: {size_mib: 64, memory: thp, faulted: 1, helpers: 0, rounds: 2}\n"
	"    timeout_s: 40\n"
	"  - name: hugetlb\n"
	"    workload: vfio_pin\n"
	"    arguments: {size_mib: 64, memory: hugetlb, threads: 3, rounds: 2}\n"
	"    timeout_s: 40\n"
	"  - name: priority\n"
	"    workload: helper_priority\n"
	"    arguments: {size_mib: 128, delay_ms: 1, raise: 0, rounds: 2}\n"
	"    timeout_s: 40\n";

static const char one_row[] =
	"rows:\n  - {workload: vfio_pin, arguments: {size_mib: 16, rounds: 1}, "
	"timeout_s: 20}\n";

static void test_behind_an_iommu(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_program struct program program = PROGRAM_INIT;

	boot_place_write(&place, GUEST, with_iommu);
	boot_place_write(&place, SUITE, all_rows);
	program = boot_place_start_once(&place);
	if (!program_check(&program, 0) ||
	    !boot_place_load_ended(&place, OUTCOME_PASSED, &run))
		return;
	for (uint32_t row = 0; row < 3; row++) {
		boot_place_check_samples(&place, &run, row, "map_ns", ROUNDS);
		boot_place_check_samples(&place, &run, row, "unmap_ns", ROUNDS);
	}
	boot_place_check_samples(&place, &run, 3, "wait_ns", ROUNDS);
	boot_place_check_samples(&place, &run, 3, "wait_p99_ns", 1);
	boot_place_check_samples(&place, &run, 3, "wait_max_ns", ROUNDS);
	boot_place_check_samples(&place, &run, 3, "job_ns", ROUNDS);
	test_check_contains(program.text.data, "none on any console");
}

/* The shape says so before anything boots. */
static void test_refused_without_iommu(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);

	boot_place_write(&place, SUITE, one_row);
	boot_place_check_refused(&place, "vfio_pin needs a guest with iommu");
}

/* A shape that has one, and a kernel that was told not to use it. */
static void test_skipped_without_iommu(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST,
			 "vcpus_count: 1\nmemory_mib: 512\niommu: intel\n"
			 "cmdline: [intel_iommu=off]\n");
	boot_place_write(&place, SUITE, one_row);
	if (boot_place_run_once(&place, OUTCOME_SKIPPED, &run))
		test_check_contains(run.trials[0].reason, "is behind no IOMMU");
}

/* What the ranges of the parameters cannot say. */
static void test_rejects(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST, with_iommu);
	boot_place_write(&place, SUITE,
			 "rows:\n  - {workload: vfio_pin, arguments: {size_mib: 3}, "
			 "timeout_s: 20}\n");
	if (boot_place_run_once(&place, OUTCOME_BROKEN, &run))
		test_check_contains(run.trials[0].reason, "no multiple of 2");
}

TEST_SUITE("vfio",
	   {"behind an IOMMU", test_behind_an_iommu},
	   {"refused without an IOMMU", test_refused_without_iommu},
	   {"skipped without an IOMMU", test_skipped_without_iommu},
	   {"rejects", test_rejects})
