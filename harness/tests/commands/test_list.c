/* test_list.c - `kerngate list`: expected output over the fixture project, and
 * the project's own configs, which must all be sound.
 */
#include <string.h>

#include "files.h"
#include "memory.h"
#include "program.h"
#include "test.h"

static void test_topics(void)
{
	static const char *const topics[] = {
		"campaigns", "variants", "guests", "suites",
	};
	const char *root = test_fixture_path("project");

	for (size_t i = 0; i < ARRAY_COUNT(topics); i++) {
		cleanup_program struct program_run run = { 0 };
		cleanup_free char *golden = string_format("list-%s.txt", topics[i]);

		program_run(&run, "--root", root, "list", topics[i]);
		CU_ASSERT_EQUAL(run.status, 0);
		check_golden(run.out, golden);
		test_check_string(run.err, "");
	}
}

static void test_own_configs(void)
{
	cleanup_program struct program_run run = { 0 };

	program_run(&run, "list");
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "quick");
	test_check_contains(run.out, "hugetlb_fallocate");
	test_check_string(run.err, "");
}

static void test_no_runs(void)
{
	cleanup_program struct program_run run = { 0 };
	const char *results = test_temp_folder();
	cleanup_strvec struct strvec names = STRVEC_INIT;

	program_run(&run, "list", "runs", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "no runs in ");
	CU_ASSERT_EQUAL(folder_list(results, &names), 0);
	CU_ASSERT_EQUAL(names.count, 0);
}

static void test_root_is_found_upwards(void)
{
	/* The program runs in the project's root, which --root replaces. */
	cleanup_program struct program_run run = { 0 };
	cleanup_free char *relative =
		path_join("harness/tests/fixtures/project", ".");

	program_run(&run, "list", "guests", "--root", relative);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "tiny");
	program_run(&run, "list", "guests");
	CU_ASSERT_EQUAL(run.status, 0);
	CU_ASSERT_PTR_NULL(strstr(run.out, "tiny"));
}

/* Writes a campaign where the program looks for one: a path. */
static void expect_refused(const char *yaml, const char *place,
			   const char *message)
{
	cleanup_program struct program_run run = { 0 };
	cleanup_free char *path = path_join(test_temp_folder(), "bad.yaml");
	cleanup_free char *start = string_format("kerngate: %s:%s: ", path, place);

	CU_ASSERT_EQUAL(file_write_atomic(path, yaml, strlen(yaml), 0644), 0);
	program_run(&run, "--root", test_fixture_path("project"), "build", path);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_string(run.out, "");
	if (!test_check(strncmp(run.err, start, strlen(start)) == 0))
		test_check_string(run.err, start);
	test_check_contains(run.err, message);
}

#define VARIANTS                                                               \
	"variants:\n"                                                          \
	"  - name: one\n"                                                      \
	"    kernel: {base: demo, fragments: [up]}\n"                          \
	"  - name: two\n"                                                      \
	"    kernel: {base: demo, fragments: [smp]}\n"                         \
	"baseline: one\n"

#define COUNT "blocks_count: 4\n"

static void test_bad_campaigns(void)
{
	expect_refused("purpos: x\n", "1:1", "did you mean 'purpose'");
	expect_refused("purpose: [a\n", "2:1", "not YAML");
	expect_refused("- a\n", "1:1", "expected");
	expect_refused(VARIANTS COUNT "cells: 3\n", "8:8", "cells");
	expect_refused(VARIANTS COUNT "cells: [{guest: tinny, suite: boot}]\n", "8:17",
		       "tiny");
	expect_refused(VARIANTS COUNT "cells: [{guest: tiny, suite: bot}]\n", "8:30",
		       "boot");
	expect_refused(VARIANTS COUNT "cells: [{guest: tiny, suite: boot}]\n"
		       COUNT, "9:1", "blocks_count");
	expect_refused(VARIANTS "blocks_count: many\n"
		       "cells: [{guest: tiny, suite: boot}]\n", "7:15", "expected");
}

static void test_missing_campaign(void)
{
	cleanup_program struct program_run run = { 0 };
	const char *root = test_fixture_path("project");

	program_run(&run, "--root", root, "build", "quikc");
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "no campaign or variant \"quikc\" "
				     "(did you mean \"quick\"?");
	program_run(&run, "--root", root, "build", "quick:on");
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "one, several");
	program_run(&run, "--root", root, "build", "./none.yaml");
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "none.yaml");
}

TEST_SUITE("list",
	   {"topics", test_topics},
	   {"the project's own configs", test_own_configs},
	   {"no runs", test_no_runs},
	   {"another root", test_root_is_found_upwards},
	   {"bad campaigns", test_bad_campaigns},
	   {"missing campaigns", test_missing_campaign})
