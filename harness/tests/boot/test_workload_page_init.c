/* test_workload_page_init.c - the workloads page_init_pmem and page_init_hotplug in a
 * real guest whose persistent memory is set aside with memmap=, and what they need of
 * a guest. The kernel is the baseline of the quick campaign.
 */
#include "boot_place.h"
#include "memory.h"
#include "test.h"

#define GUEST "configs/guests/tiny.yaml"
#define SUITE "configs/suites/short.yaml"

/* QEMU puts the first 2 GiB below 4 GiB. Behind the pmem there must be memory: kmem
 * takes no range that belongs to no node. */
static const char pmem_guest[] =
	"vcpus_count: 2\nmemory_mib: 4352\nmemory_prealloc: false\n"
	"memory_reserve: false\ncmdline: [\"memmap=2G!4G\"]\n";

/* Another mode each time: every row must leave the namespace as it was. */
static const char rows[] =
	"rows:\n"
	"  - {name: a, workload: page_init_pmem, arguments: {rounds: 2}, timeout_s: 60}\n"
	"  - {name: b, workload: page_init_pmem, timeout_s: 60,\n"
	"     arguments: {rounds: 2, mode: devdax, memmap: dev, helpers: 1}}\n"
	"  - {name: c, workload: page_init_hotplug, arguments: {rounds: 1}, timeout_s: 60}\n"
	"  - {name: d, workload: page_init_hotplug, timeout_s: 60,\n"
	"     arguments: {rounds: 1, unit: block, helpers: 0}}\n"
	"  - {name: e, workload: page_init_pmem, arguments: {rounds: 1}, timeout_s: 60}\n";

static void test_measures(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST, pmem_guest);
	boot_place_write(&place, SUITE, rows);
	if (!boot_place_run_once(&place, OUTCOME_PASSED, &run))
		return;
	boot_place_check_samples(&place, &run, 0, "rebind_ns", 2);
	boot_place_check_samples(&place, &run, 1, "rebind_ns", 2);
	boot_place_check_samples(&place, &run, 1, "unbind_ns", 2);
	boot_place_check_samples(&place, &run, 2, "online_ns", 1);
	boot_place_check_samples(&place, &run, 3, "online_ns", 1);
	boot_place_check_samples(&place, &run, 3, "offline_ns", 1);
	boot_place_check_samples(&place, &run, 4, "rebind_ns", 1);
}

static void check_refused(const char *guest, const char *row, const char *complaint)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_strbuf struct strbuf suite = STRBUF_INIT;

	strbuf_addf(&suite, "rows:\n  - {%s}\n", row);
	boot_place_write(&place, GUEST, guest);
	boot_place_write(&place, SUITE, suite.data);
	boot_place_check_refused(&place, complaint);
}

static void test_refuses(void)
{
	static const char plain[] = "vcpus_count: 1\nmemory_mib: 512\n";

	check_refused(plain, "workload: page_init_pmem", "needs a guest with pmem");
	check_refused(plain, "workload: page_init_hotplug", "needs a guest with pmem");
	check_refused(pmem_guest, "workload: page_init_pmem, arguments: {mode: raw}", "mode");
	check_refused(pmem_guest, "workload: page_init_pmem, arguments: {align_kib: 8}",
		      "align_kib");
	check_refused(pmem_guest, "workload: page_init_pmem, arguments: {helpers: -2}",
		      "helpers");
	check_refused(pmem_guest, "workload: page_init_hotplug, arguments: {unit: page}",
		      "unit");
}

TEST_SUITE("workload_page_init",
	   {"measures", test_measures},
	   {"refuses", test_refuses})
