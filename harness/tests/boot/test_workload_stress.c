/* test_workload_stress.c - the workload mutex_stress with a real guest, on the kernel of
 * the quick campaign: all come home from short storms; and who does not is told.
 */
#include <string.h>

#include "boot_place.h"
#include "memory.h"
#include "test.h"

#define GUEST "configs/guests/tiny.yaml"
#define SUITE "configs/suites/short.yaml"

static const char two_cpus[] = "vcpus_count: 2\nmemory_mib: 512\novercommit: true\n";

static const char storms[] =
	"rows:\n"
	"  - name: unplugged\n"
	"    workload: mutex_stress\n"
	"    arguments: {duration_s: 2, actors: 4, deadline: 0, patience_s: 60, seed: 7}\n"
	"    timeout_s: 100\n"
	"  - name: deadlines\n"
	"    workload: mutex_stress\n"
	"    arguments: {duration_s: 1, actors: 4, unplug: 0, patience_s: 60}\n"
	"    timeout_s: 100\n";

/* Owners that sleep for seconds are not home a second after a storm. */
static const char impatient[] =
	"rows:\n"
	"  - name: impatient\n"
	"    workload: mutex_stress\n"
	"    arguments: {duration_s: 5, nap_max_us: 1000000, patience_s: 1, unplug: 0}\n"
	"    timeout_s: 60\n";

static void test_all_come_home(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST, two_cpus);
	boot_place_write(&place, SUITE, storms);
	if (!boot_place_run_once(&place, OUTCOME_PASSED, &run))
		return;
	for (uint32_t row = 0; row < 2; row++) {
		boot_place_check_range(&place, &run, row, "deeds_count", 1, 20, 1e9);
		boot_place_check_range(&place, &run, row, "naps_count", 1, 5, 1e9);
		boot_place_check_range(&place, &run, row, "churns_count", 1, 5, 1e9);
		boot_place_check_range(&place, &run, row, "storms_count", 1, 1, 100);
		/* a kernel that does not count it is no reason to fail */
		boot_place_check_samples(&place, &run, row, "proxy_sleeps_count", 0);
	}
	boot_place_check_range(&place, &run, 0, "unplugs_count", 1, 1, 100);
	boot_place_check_range(&place, &run, 1, "unplugs_count", 1, 0, 0);
}

static void test_who_does_not_is_told(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST, two_cpus);
	boot_place_write(&place, SUITE, impatient);
	if (boot_place_run_once(&place, OUTCOME_FAILED, &run))
		test_check_contains(run.trials[0].reason, "1 s into a calm ");
}

TEST_SUITE("workload-stress",
	   { "all come home", test_all_come_home },
	   { "who does not is told", test_who_does_not_is_told })
