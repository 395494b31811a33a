/* test_suite_config.c - suites from files, and how they can be wrong. */
#include "campaign.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "test.h"

static void cleanup_suite_(struct suite *suite)
{
	suite_release(suite);
}

#define cleanup_suite cleanup_with(cleanup_suite_)

static int load_suite(const char *text, struct suite *suite, struct error *err)
{
	const char *root = test_temp_folder();
	cleanup_free char *folder = path_join(root, "configs/suites");
	cleanup_free char *path = path_join(folder, "s.yaml");

	if (!test_check(folder_make(folder) == 0) ||
	    !test_check(file_write_atomic(path, text, strlen(text), 0644) == 0))
		return -EIO;
	return suite_load(root, "s", suite, err);
}

static void refuse_suite(const char *text, const char *message)
{
	cleanup_suite struct suite suite = { .name = NULL };
	cleanup_free char *whole = string_format("s.yaml:%s", message);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(load_suite(text, &suite, &err), -EINVAL);
	test_check_contains(err.message, whole);
	CU_ASSERT_PTR_NULL(suite.name);
}

static void test_suite(void)
{
	cleanup_suite struct suite suite = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!test_check(load_suite("purpose: two rows\nrows:\n"
				   "  - workload: hugetlb\n"
				   "    name: small-pages\n"
				   "    arguments: {size_mib: 256, file: memfd, "
				   "b: '0x1'}\n"
				   "    timeout_s: 5\n"
				   "  - workload: hugetlb\n", &suite, &err) == 0))
		return;
	test_check_string(suite.name, "s");
	test_check_string(suite.purpose, "two rows");
	CU_ASSERT_EQUAL(suite.rows_count, 2);
	test_check_string(suite.rows[0].name, "small-pages");
	test_check_string(suite.rows[0].workload, "hugetlb");
	CU_ASSERT_EQUAL(suite.rows[0].arguments.count, 3);
	test_check_string(suite.rows[0].arguments.items[0], "size_mib=256");
	test_check_string(suite.rows[0].arguments.items[2], "b=0x1");
	CU_ASSERT_EQUAL(suite.rows[0].timeout_s, 5);
	test_check_contains(suite.rows[0].origin, "/s.yaml:3:5");
	test_check_string(suite.rows[1].name, "hugetlb");
	CU_ASSERT_EQUAL(suite.rows[1].timeout_s, 120);
	CU_ASSERT_EQUAL(suite.rows[1].arguments.count, 0);
}

/* "vcpus" waits for a guest; what only looks like it is left alone. */
static void test_vcpus(void)
{
	cleanup_suite struct suite suite = { .name = NULL };
	struct error err = ERROR_INIT;
	const struct strvec *arguments;

	if (!test_check(load_suite("rows:\n"
				   "  - workload: w\n"
				   "    arguments: {threads: vcpus, vcpus: 3, file: "
				   "vcpus2, x: a=vcpus}\n", &suite, &err) == 0))
		return;
	arguments = &suite.rows[0].arguments;
	test_check_string(arguments->items[0], "threads=vcpus");
	suite_set_vcpus(&suite, 12);
	CU_ASSERT_EQUAL(arguments->count, 4);
	test_check_string(arguments->items[0], "threads=12");
	test_check_string(arguments->items[1], "vcpus=3");
	test_check_string(arguments->items[2], "file=vcpus2");
	test_check_string(arguments->items[3], "x=a=vcpus");
	suite_set_vcpus(&suite, 5);
	test_check_string(arguments->items[0], "threads=12");
}

static void test_bad_suites(void)
{
	refuse_suite("purpose: x\n", "1:1: suite lacks the key 'rows'");
	refuse_suite("rows: []\n", "1:7: rows: expected 1..100 elements, found 0");
	refuse_suite("rows: [{name: a}]\n", "1:8: row lacks the key 'workload'");
	refuse_suite("rows: [a]\n", "1:8: row: expected a mapping, found 'a'");
	refuse_suite("rows:\n  - {workload: a}\n  - {workload: a}\n",
		     "3:5: the row 'a' is there twice; first at line 2");
	refuse_suite("rows:\n  - {workload: a, name: x}\n"
		     "  - {workload: b, name: x}\n",
		     "3:5: the row 'x' is there twice; first at line 2");
	refuse_suite("rows: [{workload: a-b}]\n",
		     "1:19: workload: expected the name of a workload");
	refuse_suite("rows: [{workload: ../a}]\n",
		     "1:19: workload: expected the name of a workload");
	refuse_suite("rows: [{workload: a, name: a.b}]\n", "1:28: name: expected");
	refuse_suite("rows: [{workload: a, timeout_s: 0}]\n",
		     "1:33: timeout_s: expected a whole number 1..86400");
	refuse_suite("rows: [{workload: a, timeout: 1}]\n",
		     "1:22: unknown key 'timeout' in row; expected one of "
		     "workload, name, arguments, load, timeout_s (did you mean "
		     "'timeout_s'?)");
}

static void test_bad_row_arguments(void)
{
	refuse_suite("rows: [{workload: a, arguments: [b=1]}]\n",
		     "1:33: arguments: expected a mapping, found a list");
	refuse_suite("rows: [{workload: a, arguments: {b: [1]}}]\n",
		     "1:37: b: expected one value, found a list");
	refuse_suite("rows: [{workload: a, arguments: {b: }}]\n",
		     "1:37: b: expected one value, found nothing");
	refuse_suite("rows: [{workload: a, arguments: {b: 'x y'}}]\n",
		     "1:37: b: expected a word of printable ASCII");
	refuse_suite("rows: [{workload: a, arguments: {b: 'x\"'}}]\n",
		     "1:37: b: expected a word of printable ASCII");
	refuse_suite("rows: [{workload: a, arguments: {B: 1}}]\n",
		     "1:34: arguments: expected the name of a parameter");
	refuse_suite("rows: [{workload: a, arguments: {b: 1, b: 2}}]\n",
		     "1:40: the key 'b' is there twice; first at line 1");
}

static void test_missing_suite(void)
{
	cleanup_suite struct suite suite = { .name = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(suite_load(test_root(), "quik", &suite, &err), -ENOENT);
	test_check_contains(err.message, "no suite 'quik'; expected one of ");
	test_check_contains(err.message, "(did you mean 'quick'?)");
}

TEST_SUITE("suite_config",
	   {"reads a suite", test_suite},
	   {"the guest's number of vCPUs", test_vcpus},
	   {"refuses bad suites", test_bad_suites},
	   {"refuses bad arguments", test_bad_row_arguments},
	   {"refuses missing suites", test_missing_suite})
