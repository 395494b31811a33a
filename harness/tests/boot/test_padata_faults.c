/* test_padata_faults.c - the workload padata_faults with a real guest, on the kernel of
 * the quick campaign: there it tests itself, since what it demands of kernels that split
 * jobs holds for one that splits none.
 */
#include <string.h>

#include "boot_place.h"
#include "memory.h"
#include "test.h"

static struct boot_place faults_place(const char *rows)
{
	struct boot_place place = boot_place_make(NULL);
	cleanup_free char *suite = string_format("rows:\n%s", rows);

	boot_place_write(&place, "configs/guests/tiny.yaml",
			 "vcpus_count: 2\nmemory_mib: 1024\novercommit: true\n");
	boot_place_write(&place, "configs/suites/short.yaml", suite);
	boot_place_write_campaign(&place, "  - {name: one}\n",
				  "control: false\nblocks_count: 2\nrepeats_max: 0\n");
	return place;
}

/* Every trial of the latest run was skipped, for that reason: a row that had failed
 * would have come before it. */
static void check_skipped(const struct boot_place *place, const char *reason)
{
	cleanup_run struct stored_run run = { .id = NULL };

	if (!boot_place_load_latest(place, &run) || !test_check(run.trials_count == 2))
		return;
	for (size_t i = 0; i < run.trials_count; i++) {
		CU_ASSERT_EQUAL(run.trials[i].outcome, OUTCOME_SKIPPED);
		test_check_contains(run.trials[i].reason, reason);
	}
}

/* They pass; what a guest has not got is said, and is no failure. */
static void test_short_cases(void)
{
	cleanup_boot_place struct boot_place place = faults_place(
		"  - {workload: padata_faults, name: full, arguments: {case: pool_exhausted, "
		"size_mib: 128, attempts: 1}, timeout_s: 30}\n"
		"  - {workload: padata_faults, name: killed, arguments: {case: sigkill, "
		"attempts: 1}, timeout_s: 30}\n"
		"  - {workload: padata_faults, name: limited, arguments: {case: "
		"cgroup_hugetlb, size_mib: 128, attempts: 1}, timeout_s: 30}\n"
		"  - {workload: padata_faults, name: locked, arguments: {case: memlock}, "
		"timeout_s: 30}\n");
	cleanup_program struct program program = start(&place, "run", "small");

	if (program_check(&program, 0))
		check_skipped(&place, "locked: no device behind an IOMMU");
}

TEST_SUITE("padata-faults", { "short cases", test_short_cases })
