/* test_ab.c - patches against their base in real guests: the table alone on stdout, the
 * same kernel from a folder and from a mailbox, the gate, and a walk over what is kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "boot_place.h"
#include "clock.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "test.h"

/* A cold cache compiles what the patch changes. */
#define BUILD_TIMEOUT_NS (1200 * NS_PER_SECOND)
#define SERIES "kernel/series/test-extra-work"

static struct boot_place make_place(void)
{
	struct boot_place place = boot_place_make(NULL);

	boot_place_write(&place, "configs/guests/tiny.yaml", "vcpus_count: 1\nmemory_mib: 512\n");
	boot_place_write_campaign(&place, "  - name: one\n", "mode: exact\nseeds_count: 5\n");
	return place;
}

/* From the folder: all of stdout; owned; NULL, and a failure of the test. */
static char *run_folder(const struct boot_place *place)
{
	const char *named = getenv("KERNGATE");
	cleanup_free char *program = path_absolute(named && *named ? named :
						   "build/check/kerngate");
	cleanup_free char *series = path_join(test_root(), SERIES);
	const char *const argv[] = {
		program, "ab", "--root", place->root, "--results", place->results, "--accel", "tcg",
		"--base", "linux-7.3", "--patches", series, "--campaign", "small", "--guest", "tiny",
		"--workload", "hugetlb_fallocate,size_mib=32,rounds=3", NULL,
	};
	const struct process_options options = { .capture = true, .timeout_ns = BUILD_TIMEOUT_NS };
	struct error err = ERROR_INIT;
	char *output = NULL;

	if (test_check(process_run(argv, &options, &output, &err) == 0))
		return output;
	test_check_string(err.message, "");
	return NULL;
}

static char *kernel_key(const struct boot_place *place)
{
	cleanup_run struct stored_run run = { .id = NULL };

	if (!boot_place_load_latest(place, &run) || !test_check(run.variants_count >= 2))
		return string_copy("");
	return string_copy(run.variants[1].kernel_key);
}

/* results/ab/ID/NAME of the only ab; owned. */
static char *kept_series(const struct boot_place *place, const char *name)
{
	cleanup_free char *parent = path_join(place->results, "ab");
	cleanup_strvec struct strvec ids = STRVEC_INIT;

	if (!test_check(folder_list(parent, &ids) == 0 && ids.count == 1))
		return string_copy("/nowhere");
	return string_format("%s/%s/%s", parent, ids.items[0], name);
}

static void test_patches_from_anywhere(void)
{
	cleanup_boot_place struct boot_place place = make_place();
	cleanup_program struct program gate = PROGRAM_INIT, mail = PROGRAM_INIT,
				      walk = PROGRAM_INIT;
	cleanup_free char *table = run_folder(&place), *first = NULL, *second = NULL;
	cleanup_free char *kept = NULL;
	cleanup_free char *patch = path_join(test_root(),
					     SERIES "/0001-check-nodes-of-cleared-folios.patch");

	if (!table)
		return;
	CU_ASSERT_EQUAL(strncmp(table, "kerngate   ab-", 14), 0);
	test_check_contains(table, ": REGRESSED (gate: exit 1)");
	test_check_contains(table, "\npatches    1 patch of test-extra-work\n           1/1 mm: ");
	test_check_contains(table, "\nagain      kerngate ab ");
	first = kernel_key(&place);
	kept = kept_series(&place, "test-extra-work");
	gate = start(&place, "ab", "--resume", "--gate");
	CU_ASSERT_TRUE(program_check(&gate, 1));
	/* one mail is a mailbox, too: nothing is built again */
	mail = start(&place, "ab", "--base", "linux-7.3", "--patches", patch, "--campaign", "small",
		     "--guest", "tiny", "--workload", "hugetlb_fallocate,size_mib=32,rounds=3",
		     "--seeds", "1");
	if (!program_check(&mail, 0))
		return;
	CU_ASSERT_PTR_NULL(strstr(mail.text.data, "compiling"));
	second = kernel_key(&place);
	test_check_string(second, first);
	walk = start(&place, "walk", kept, "--campaign", "small", "--seeds", "1");
	if (program_check(&walk, 0))
		test_check_contains(walk.text.data, "p01");
}

static void test_refuses_a_patch_first(void)
{
	cleanup_boot_place struct boot_place place = make_place();
	cleanup_program struct program ab = PROGRAM_INIT;
	cleanup_free char *patch = path_join(place.root, "bad.patch");

	boot_place_write(&place, "bad.patch", "Subject: [PATCH] mm: x\n\n--- a/mm/memory.c\n"
			 "+++ b/mm/memory.c\n@@ -9,2 +9,2 @@\n no such\n-line\n+there\n");
	ab = start(&place, "ab", "--base", "linux-7.3", "--patches", patch, "--campaign",
		   "small", "--guest", "tiny", "--suite", "short");
	CU_ASSERT_TRUE(program_check(&ab, 2));
	test_check_contains(ab.text.data, "series bad: patch 0001-mm-x.patch: mm/memory.c: hunk 1 "
			    "(line 9) does not apply");
	CU_ASSERT_PTR_NULL(strstr(ab.text.data, "compiling"));
}

TEST_SUITE("ab",
	   {"patches from anywhere", test_patches_from_anywhere},
	   {"a patch that does not apply is told first", test_refuses_a_patch_first})
