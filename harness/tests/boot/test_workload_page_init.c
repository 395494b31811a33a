/* test_workload_page_init.c - the workloads page_init_pmem and page_init_hotplug in real
 * guests: persistent memory that is set aside with memmap=, DIMMs that the host plugs in
 * while the guest runs; and what they need of a guest. The kernel is the baseline of the quick campaign.
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

static const char dimm_guest[] =
	"vcpus_count: 2\nmemory_mib: 512\nmemory_prealloc: false\n"
	"memory_max_mib: 1536\nmemory_slots: 4\n";

/* Four DIMMs, two of them in warm-up rounds. That MemTotal has grown, and by how much,
 * the workload checks itself. */
static const char dimm_rows[] =
	"rows:\n"
	"  - {name: a, workload: page_init_hotplug, timeout_s: 60,\n"
	"     arguments: {source: dimm, dimm_mib: 256, rounds: 1}}\n"
	"  - {name: b, workload: page_init_hotplug, timeout_s: 60,\n"
	"     arguments: {source: dimm, dimm_mib: 256, rounds: 1, unit: block}}\n";

static void test_plugs_in(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST, dimm_guest);
	boot_place_write(&place, SUITE, dimm_rows);
	if (!boot_place_run_once(&place, OUTCOME_PASSED, &run))
		return;
	boot_place_check_samples(&place, &run, 0, "online_ns", 1);
	boot_place_check_samples(&place, &run, 0, "plugged_ns", 1);
	boot_place_check_samples(&place, &run, 0, "offline_ns", 1);
	boot_place_check_samples(&place, &run, 1, "online_ns", 1);
	boot_place_check_samples(&place, &run, 1, "plugged_ns", 0);
}

/* The guest has no say: it is ended, and the trial says why. */
static void check_not_plugged(const char *arguments, const char *reason)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_strbuf struct strbuf suite = STRBUF_INIT;
	cleanup_run struct stored_run run = { .id = NULL };

	strbuf_addf(&suite, "rows:\n  - {workload: page_init_hotplug, timeout_s: 60,\n"
		    "     arguments: {source: dimm, %s}}\n", arguments);
	boot_place_write(&place, GUEST, dimm_guest);
	boot_place_write(&place, SUITE, suite.data);
	if (boot_place_run_once(&place, OUTCOME_BROKEN, &run))
		test_check_contains(run.trials[0].reason, reason);
}

static void test_no_room(void)
{
	check_not_plugged("dimm_mib: 128, rounds: 4",
			  "a DIMM of 128 MiB, asked for by the guest: guest tiny: all of its 4 "
			  "slots for memory are taken");
	check_not_plugged("dimm_mib: 640, rounds: 1",
			  "guest tiny: 384 of the 1024 MiB for plugged memory are left");
	check_not_plugged("dimm_mib: 192, rounds: 1", "are not whole memory blocks of 128 MiB");
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
	check_refused(pmem_guest, "workload: page_init_hotplug, arguments: {source: dimm}",
		      "needs a guest with hotplug");
	check_refused(dimm_guest, "workload: page_init_hotplug", "needs a guest with pmem");
}

TEST_SUITE("workload_page_init",
	   {"measures", test_measures},
	   {"DIMMs from the host", test_plugs_in},
	   {"DIMMs that do not fit", test_no_room},
	   {"refuses", test_refuses})
