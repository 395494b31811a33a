/* test_row_load.c - the load of a row: read, checked before a boot, packed, and part of
 * what the row is.
 */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "guest_image.h"
#include "memory.h"
#include "test.h"

#define cleanup_catalog cleanup_with(workload_catalog_release) struct workload_catalog
#define cleanup_suite cleanup_with(suite_release) struct suite

static int load_suite(const char *row, struct suite *ret_suite, struct error *err)
{
	const char *root = test_temp_folder();
	cleanup_free char *folder = path_join(root, "configs/suites");
	cleanup_free char *path = path_join(folder, "s.yaml");
	cleanup_free char *text = string_format("rows: [{%s}]\n", row);

	if (!test_check(folder_make(folder) == 0) ||
	    !test_check(file_write_atomic(path, text, strlen(text), 0644) == 0))
		return -EIO;
	return suite_load(root, "s", ret_suite, err);
}

static void check_arguments(const char *row, const char *expected)
{
	cleanup_suite suite = { .name = NULL };
	struct error err = ERROR_INIT;
	cleanup_free char *arguments = NULL;

	if (!test_check(load_suite(row, &suite, &err) == 0))
		return;
	suite_set_vcpus(&suite, 3);
	arguments = suite_row_arguments(&suite.rows[0]);
	test_check_string(arguments, expected);
}

static void test_is_read(void)
{
	cleanup_suite suite = { .name = NULL };
	struct error err = ERROR_INIT;

	if (test_check(load_suite("workload: a, load: {workload: b, arguments: {c: 1}}", &suite,
				  &err) == 0)) {
		test_check_string(suite.rows[0].load.workload, "b");
		CU_ASSERT_EQUAL(suite.rows[0].load.arguments.count, 1);
		CU_ASSERT_EQUAL(suite.rows[0].arguments.count, 0);
	}
	check_arguments("workload: a", "");
	check_arguments("workload: a, arguments: {x: 1, y: vcpus}", "x=1 y=3");
	check_arguments("workload: a, load: b", "load=b");
	check_arguments("workload: a, load: {workload: b}", "load=b");
	check_arguments("workload: a, arguments: {x: 1}, "
			"load: {workload: b, arguments: {c: vcpus, d: e}}", "x=1 load=b,c=3,d=e");
}

static void test_is_refused(void)
{
	static const struct {
		const char *row, *why;
	} rows[] = {
		{ "workload: a, load: [b]", "1:28: load: expected the name of a workload, or a "
		  "mapping with workload and arguments, found a list" },
		{ "workload: a, load: ", "load: expected" },
		{ "workload: a, load: 5", "load: expected" },
		{ "workload: a, load: b-c", "1:28: load: expected the name of a workload" },
		{ "workload: a, load: {}", "1:28: load lacks the key 'workload'" },
		{ "workload: a, load: {workload: b, timeout_s: 5}",
		  "1:42: unknown key 'timeout_s' in load; expected one of workload, arguments" },
		{ "workload: a, load: {workload: b, arguments: [c]}",
		  "1:53: arguments: expected a mapping" },
		{ "workload: a, load: {workload: b, arguments: {c: 'x y'}}",
		  "c: expected a word of printable ASCII" },
		{ "workload: a, load: b, load: c", "the key 'load' is there twice" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		cleanup_suite suite = { .name = NULL };
		struct error err = ERROR_INIT;

		CU_ASSERT_EQUAL(load_suite(rows[i].row, &suite, &err), -EINVAL);
		test_check_contains(err.message, rows[i].why);
		CU_ASSERT_PTR_NULL(suite.name);
	}
}

/* --- before a boot ------------------------------------------------------------------ */

static void catalog_load(struct workload_catalog *ret_catalog)
{
	cleanup_free char *folder = path_join(test_root(), "build/workloads");
	struct error err = ERROR_INIT;

	if (!test_check(workload_catalog_load(folder, ret_catalog, &err) == 0))
		fprintf(stderr, "%s\n", err.message);
}

static struct campaign_cell cell_of(const char *row)
{
	struct campaign_cell cell = {
		.guest = { .name = string_copy("small"), .vcpus_count = 1, .memory_mib = 1024,
			   .total_s = 600, .cmdline = STRVEC_INIT },
	};
	struct error err = ERROR_INIT;

	if (!test_check(load_suite(row, &cell.suite, &err) == 0))
		fprintf(stderr, "%s\n", err.message);
	return cell;
}

static void cell_release(struct campaign_cell *cell)
{
	guest_spec_release(&cell->guest);
	suite_release(&cell->suite);
}

#define cleanup_cell cleanup_with(cell_release) struct campaign_cell

static void check_cell(const struct workload_catalog *catalog, const char *row, const char *why)
{
	cleanup_cell cell = cell_of(row);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(guest_image_check_cell(catalog, &cell, &err) == 0, !why);
	if (!why)
		return;
	test_check_contains(err.message, "s.yaml:1:8: ");
	test_check_contains(err.message, why);
}

static void test_check_cell(void)
{
	cleanup_catalog catalog = { .folder = NULL };

	catalog_load(&catalog);
	check_cell(&catalog, "workload: selftest, load: hackbench", NULL);
	check_cell(&catalog, "workload: selftest, load: {workload: stress_ng, arguments: "
		   "{stressor: vm, workers: 4}}", NULL);
	check_cell(&catalog, "workload: selftest, load: stress_mg",
		   "load: no workload is called 'stress_mg'; did you mean 'stress_ng'?");
	check_cell(&catalog, "workload: selftest, load: cyclictest",
		   "load: cyclictest cannot be a load");
	check_cell(&catalog, "workload: selftest, load: {workload: stress_ng, arguments: "
		   "{ops: 4}}", "load: stress_ng has no parameter 'ops' as a load");
	check_cell(&catalog, "workload: selftest, load: {workload: stress_ng, arguments: "
		   "{opps: 4}}", "load: stress_ng has no parameter 'opps'");
	check_cell(&catalog, "workload: selftest, load: {workload: hackbench, arguments: "
		   "{fds: 0}}", "load: fds: expected a whole number 1..500");
	/* 512 and 64 MiB for fio, 192 and 512 for the row */
	check_cell(&catalog, "workload: hugetlb_fallocate, arguments: {size_mib: 512}, "
		   "load: fio", "needs 1280 MiB with these arguments and its load; guest "
		   "'small' has 1024");
}

/* What only the load needs is missed by its name. */
static void test_check_needs(void)
{
	struct workload_info infos[] = {
		{ .name = (char *)"first" },
		{ .name = (char *)"second", .can_load = true, .needs_vcpus = 1 },
	};
	const struct workload_catalog catalog = { .items = infos, .count = 2 };
	cleanup_cell cell = cell_of("workload: first, load: second");
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(guest_image_check_cell(&catalog, &cell, &err), 0);
	strvec_push(&infos[1].needs_tools, "no-such-tool");
	check_cell(&catalog, "workload: first, load: second", "load: second needs the program "
		   "no-such-tool on this host (Debian package no-such-tool)");
	strvec_release(&infos[1].needs_tools);
	strvec_push(&infos[1].needs_devices, "pmem");
	check_cell(&catalog, "workload: first, load: second", "load: second needs a guest with pmem");
	strvec_release(&infos[1].needs_devices);
	CU_ASSERT_EQUAL(guest_image_check_kernel(&catalog, &cell.suite, "k", "", &err), 0);
	strvec_push(&infos[1].needs_options, "CONFIG_NET");
	CU_ASSERT_EQUAL(guest_image_check_kernel(&catalog, &cell.suite, "k",
						 "CONFIG_NET=y\n", &err), 0);
	CU_ASSERT_EQUAL(guest_image_check_kernel(&catalog, &cell.suite, "k", "", &err), -EINVAL);
	test_check_contains(err.message, "CONFIG_NET=n, but second");
	strvec_release(&infos[1].needs_options);
}

/* --- packed -------------------------------------------------------------------------- */

static bool holds(const char *data, size_t length, const char *name)
{
	return memmem(data, length, name, strlen(name) + 1) != NULL;
}

/* Writes the archive of a suite with that row, and its plan; both owned. */
static void pack(const char *row, char **ret_common, size_t *ret_length, char **ret_plan,
		 size_t *ret_plan_length)
{
	const char *folder = test_temp_folder();
	cleanup_free char *init = path_join(test_root(), "build/guest_init");
	cleanup_free char *common = path_join(folder, "common.cpio");
	cleanup_free char *plan = path_join(folder, "plan.cpio");
	cleanup_catalog catalog = { .folder = NULL };
	cleanup_cell cell = cell_of(row);
	struct error err = ERROR_INIT;

	catalog_load(&catalog);
	CU_ASSERT_EQUAL(guest_image_write_common(&catalog, init, &cell.suite, false, common,
						 &err), 0);
	CU_ASSERT_EQUAL(guest_image_write_plan(&cell.suite, "t", NULL, 0, plan, &err), 0);
	test_check(file_read(common, 128 << 20, ret_common, ret_length) == 0);
	test_check(file_read(plan, 1 << 20, ret_plan, ret_plan_length) == 0);
}

/* A tool and its libraries are packed for those who use it. */
static void test_is_packed(void)
{
	cleanup_free char *without = NULL, *with = NULL, *plan = NULL, *loaded_plan = NULL;
	size_t without_length = 0, with_length = 0, plan_length = 0, loaded_length = 0;
	const char *text;

	pack("workload: selftest", &without, &without_length, &plan, &plan_length);
	pack("workload: selftest, timeout_s: 9, load: {workload: hackbench, arguments: {fds: 4}}",
	     &with, &with_length, &loaded_plan, &loaded_length);
	if (!without || !with || !plan || !loaded_plan)
		return;
	CU_ASSERT_FALSE(holds(without, without_length, "kerngate/tools/hackbench"));
	CU_ASSERT_FALSE(holds(without, without_length, "kerngate/workloads/hackbench"));
	CU_ASSERT_FALSE(holds(without, without_length, "x86_64-linux-gnu/libc.so.6"));
	CU_ASSERT_TRUE(holds(with, with_length, "kerngate/tools/hackbench"));
	CU_ASSERT_TRUE(holds(with, with_length, "kerngate/workloads/hackbench"));
	CU_ASSERT_TRUE(holds(with, with_length, "x86_64-linux-gnu/libc.so.6"));
	CU_ASSERT_FALSE(holds(with, with_length, "kerngate/tools/fio"));
	CU_ASSERT_TRUE(with_length > without_length + (1 << 20));
	text = "trial t\nrow selftest selftest 9\nload hackbench fds=4\nend\n";
	CU_ASSERT_PTR_NOT_NULL(memmem(loaded_plan, loaded_length, text, strlen(text)));
	text = "trial t\nrow selftest selftest 120\nend\n";
	CU_ASSERT_PTR_NOT_NULL(memmem(plan, plan_length, text, strlen(text)));
}

TEST_SUITE("row_load", { "is read", test_is_read }, { "is refused", test_is_refused },
	   { "is checked before a boot", test_check_cell },
	   { "what it needs is checked", test_check_needs }, { "is packed", test_is_packed })
