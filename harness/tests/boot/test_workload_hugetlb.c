/* test_workload_hugetlb.c - the workloads about huge pages (hugetlb_fallocate,
 * hugetlb_boot), in real guests: with pages of both sizes they pass their own checks,
 * on the kernel as it is, also where a call is cut short; what they cannot do they
 * refuse or skip. The kernel is the baseline of the quick campaign.
 */
#include "boot_place.h"
#include "memory.h"
#include "test.h"

#define GUEST "configs/guests/tiny.yaml"
#define SUITE "configs/suites/short.yaml"

/* Pages of 1 GiB are set aside at boot, and only one of them is touched. */
static const char with_gigantic[] =
	"vcpus_count: 2\nmemory_mib: 5120\nmemory_prealloc: false\nmemory_reserve: false\n"
	"cmdline: [hugepagesz=1G, hugepages=2]\n";

static const char without_gigantic[] =
	"vcpus_count: 1\nmemory_mib: 4096\nmemory_prealloc: false\nmemory_reserve: false\n";

static const char all_rows[] =
	"rows:\n"
	"  - name: whole\n"
	"    workload: hugetlb_fallocate\n"
	"    arguments: {size_mib: 64, helpers: 1, rounds: 2}\n"
	"    timeout_s: 40\n"
	"  - name: files\n"
	"    workload: hugetlb_fallocate\n"
	"    arguments: {size_mib: 66, threads: 2, files: per_thread, file: hugetlbfs, "
	"rounds: 2}\n"
	"    timeout_s: 40\n"
	"  - name: gigantic\n"
	"    workload: hugetlb_fallocate\n"
	"    arguments: {page_kib: 1048576, size_mib: 1024, helpers: 0, rounds: 2}\n"
	"    timeout_s: 60\n"
	"  - name: no-space\n"
	"    workload: hugetlb_fallocate\n"
	"    arguments: {size_mib: 64, ends: no_space, rounds: 2}\n"
	"    timeout_s: 40\n"
	"  - name: interrupted\n"
	"    workload: hugetlb_fallocate\n"
	"    arguments: {size_mib: 512, ends: signal, rounds: 2}\n"
	"    timeout_s: 40\n"
	"  - name: boot\n"
	"    workload: hugetlb_boot\n"
	"    timeout_s: 20\n";

static void test_fills_files(void)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };

	boot_place_write(&place, GUEST, with_gigantic);
	boot_place_write(&place, SUITE, all_rows);
	if (!boot_place_run_once(&place, OUTCOME_PASSED, &run))
		return;
	for (uint32_t row = 0; row < 5; row++) {
		boot_place_check_samples(&place, &run, row, "fallocate_ns", 2);
		boot_place_check_samples(&place, &run, row, "fallocate_gib_per_s", 2);
	}
	boot_place_check_samples(&place, &run, 5, "hugetlb_boot_ns", 1);
	boot_place_check_samples(&place, &run, 5, "hugetlb_boot_pages_per_s", 1);
}

static void check_one(const char *guest, const char *row, enum outcome outcome,
		      const char *reason)
{
	cleanup_boot_place struct boot_place place = boot_place_make(NULL);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_strbuf struct strbuf suite = STRBUF_INIT;

	strbuf_addf(&suite, "rows:\n  - {%s, timeout_s: 20}\n", row);
	boot_place_write(&place, GUEST, guest);
	boot_place_write(&place, SUITE, suite.data);
	if (boot_place_run_once(&place, outcome, &run))
		test_check_contains(run.trials[0].reason, reason);
}

static void test_skips_without_pages(void)
{
	check_one(without_gigantic, "workload: hugetlb_boot", OUTCOME_SKIPPED,
		  "no huge pages were set aside");
}

/* What the ranges of the parameters cannot say. */
static void test_rejects(void)
{
	check_one("vcpus_count: 1\nmemory_mib: 512\n",
		  "workload: hugetlb_fallocate, "
		  "arguments: {size_mib: 16, threads: 2, ends: signal}",
		  OUTCOME_BROKEN, "ends=signal is for one thread");
	check_one("vcpus_count: 1\nmemory_mib: 512\n",
		  "workload: hugetlb_fallocate, arguments: {size_mib: 6, ends: no_space}",
		  OUTCOME_BROKEN, "ends=no_space is for 4 huge pages or more");
}

/* Ranges and words, before anything boots. */
static void test_refuses(void)
{
	static const struct {
		const char *arguments, *complaint;
	} bad[] = {
		{ "helpers: 256", "helpers" },
		{ "helpers: -2", "helpers" },
		{ "files: two", "files" },
		{ "ends: soon", "ends" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		cleanup_boot_place struct boot_place place = boot_place_make(NULL);
		cleanup_strbuf struct strbuf suite = STRBUF_INIT;

		strbuf_addf(&suite, "rows:\n  - workload: hugetlb_fallocate\n"
			    "    arguments: {%s}\n", bad[i].arguments);
		boot_place_write(&place, SUITE, suite.data);
		boot_place_check_refused(&place, bad[i].complaint);
	}
}

TEST_SUITE("workload_hugetlb",
	   {"fills files, and takes pages over at boot", test_fills_files},
	   {"skips without pages", test_skips_without_pages},
	   {"rejects at the start", test_rejects},
	   {"refuses before the boot", test_refuses})
