/* test_guest_image.c - what is checked before a boot, and what is packed for it. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "guest_image.h"
#include "memory.h"
#include "test.h"

#define cleanup_catalog                                                        \
	cleanup_with(workload_catalog_release) struct workload_catalog

static void catalog_load(struct workload_catalog *ret_catalog)
{
	cleanup_free char *folder = path_join(test_root(), "build/workloads");
	struct error err = ERROR_INIT;

	if (!test_check(workload_catalog_load(folder, ret_catalog, &err) == 0))
		fprintf(stderr, "%s\n", err.message);
}

/* A cell with one row; release with cell_release. */
static struct campaign_cell cell_of(const char *workload, const char *argument)
{
	struct campaign_cell cell = {
		.guest = { .name = string_copy("small"), .vcpus_count = 1,
			   .memory_mib = 1024, .total_s = 60,
			   .cmdline = STRVEC_INIT },
		.suite = { .name = string_copy("test"), .rows_count = 1 },
	};

	cell.suite.rows = memory_alloc_array(1, sizeof(*cell.suite.rows));
	cell.suite.rows[0].name = string_copy("row");
	cell.suite.rows[0].workload = string_copy(workload);
	cell.suite.rows[0].origin = string_copy("suite.yaml:4:5");
	cell.suite.rows[0].timeout_s = 60;
	cell.suite.rows[0].arguments = STRVEC_INIT;
	if (argument)
		strvec_push(&cell.suite.rows[0].arguments, argument);
	return cell;
}

static void cell_release(struct campaign_cell *cell)
{
	guest_spec_release(&cell->guest);
	suite_release(&cell->suite);
}

#define cleanup_cell cleanup_with(cell_release) struct campaign_cell

static void test_catalog(void)
{
	cleanup_catalog catalog = { .folder = NULL };
	const struct workload_info *info = NULL;
	struct error err = ERROR_INIT;

	catalog_load(&catalog);
	CU_ASSERT_EQUAL(workload_catalog_find(&catalog, "cyclictest", &info, &err),
			0);
	if (test_check(info != NULL))
		test_check_string(info->name, "cyclictest");
	CU_ASSERT_EQUAL(workload_catalog_find(&catalog, "cyclictst", &info, &err),
			-ENOENT);
	test_check_contains(err.message, "did you mean 'cyclictest'?");
	CU_ASSERT_EQUAL(workload_catalog_find(&catalog, "zzzzzzzz", &info, &err),
			-ENOENT);
	CU_ASSERT_PTR_NULL(strstr(err.message, "did you mean"));
}

static void program_write(const char *folder, const char *name, const char *text)
{
	cleanup_free char *path = path_join(folder, name);

	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0755), 0);
}

static void test_catalog_refused(void)
{
	static const struct {
		const char *name, *text, *why;
	} cases[] = {
		{ "bad", "#!/bin/sh\necho nonsense\n", "bad --describe" },
		{ "broken", "#!/bin/sh\necho oops >&2\nexit 1\n", "oops" },
		{ "liar", "#!/bin/sh\necho '{\"name\":\"other\"}'\n", "liar --describe" },
	};
	struct workload_catalog catalog = { .folder = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(workload_catalog_load("/does/not/exist", &catalog, &err),
			-ENOENT);
	test_check_contains(err.message, "/does/not/exist");
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		const char *folder = test_temp_folder();

		program_write(folder, cases[i].name, cases[i].text);
		CU_ASSERT_TRUE(workload_catalog_load(folder, &catalog, &err) < 0);
		test_check_contains(err.message, cases[i].why);
		CU_ASSERT_PTR_NULL(catalog.folder);
	}
}

static void check_cell_fails(const struct workload_catalog *catalog,
			     const struct campaign_cell *cell, const char *why)
{
	struct error err = ERROR_INIT;

	CU_ASSERT_TRUE(guest_image_check_cell(catalog, cell, &err) < 0);
	test_check_contains(err.message, "suite.yaml:4:5: ");
	test_check_contains(err.message, why);
}

static void test_check_cell(void)
{
	cleanup_catalog catalog = { .folder = NULL };
	cleanup_cell good = cell_of("hugetlb_fallocate", "size_mib=512");
	cleanup_cell unknown = cell_of("hugetlb_falocate", NULL);
	cleanup_cell range = cell_of("hugetlb_fallocate", "size_mib=1");
	cleanup_cell large = cell_of("hugetlb_fallocate", "size_mib=1000");
	struct error err = ERROR_INIT;

	catalog_load(&catalog);
	CU_ASSERT_EQUAL(guest_image_check_cell(&catalog, &good, &err), 0);
	check_cell_fails(&catalog, &unknown, "did you mean 'hugetlb_fallocate'?");
	check_cell_fails(&catalog, &range, "size_mib");
	check_cell_fails(&catalog, &large, "needs 1192 MiB");
	good.guest.total_s = 59;
	check_cell_fails(&catalog, &good, "may take 60 s (timeout_s); guest 'small' is "
			 "ended after total_s, 59 s");
}

/* Needs that no workload of this build has are checked on made-up ones. */
static void test_check_needs(void)
{
	struct workload_info info = {
		.name = (char *)"made_up", .needs_devices = STRVEC_INIT,
		.needs_tools = STRVEC_INIT, .needs_vcpus = 2,
	};
	const struct workload_catalog catalog = { .items = &info, .count = 1 };
	cleanup_cell cell = cell_of("made_up", NULL);
	struct error err = ERROR_INIT;

	check_cell_fails(&catalog, &cell, "needs 2 vCPUs; guest 'small' has 1");
	info.needs_vcpus = 1;
	CU_ASSERT_EQUAL(guest_image_check_cell(&catalog, &cell, &err), 0);
	strvec_push(&info.needs_devices, "iommu");
	check_cell_fails(&catalog, &cell, "needs a guest with iommu");
	cell.guest.iommu = GUEST_IOMMU_INTEL;
	CU_ASSERT_EQUAL(guest_image_check_cell(&catalog, &cell, &err), 0);
	strvec_push(&info.needs_devices, "pmem");
	check_cell_fails(&catalog, &cell, "needs a guest with pmem");
	strvec_push(&cell.guest.cmdline, "memmap=16G$4G");
	check_cell_fails(&catalog, &cell, "needs a guest with pmem");
	strvec_push(&cell.guest.cmdline, "memmap=16G!4G");
	CU_ASSERT_EQUAL(guest_image_check_cell(&catalog, &cell, &err), 0);
	strvec_release(&cell.guest.cmdline);
	check_cell_fails(&catalog, &cell, "needs a guest with pmem");
	cell.guest.pmem_mib = 64;
	strvec_push(&info.needs_devices, "numa");
	check_cell_fails(&catalog, &cell, "needs a guest with numa");
	cell.guest.cells_count = 2;
	strvec_push(&info.needs_devices, "hotplug");
	check_cell_fails(&catalog, &cell, "needs a guest with hotplug");
	cell.guest.memory_slots = 1;
	CU_ASSERT_EQUAL(guest_image_check_cell(&catalog, &cell, &err), 0);
	strvec_push(&info.needs_tools, "no-such-tool");
	check_cell_fails(&catalog, &cell,
			 "no-such-tool on this host (Debian package no-such-tool)");
	strvec_release(&info.needs_devices);
	strvec_release(&info.needs_tools);
}

/* What only one of its sources needs. */
static void test_check_needs_of_arguments(void)
{
	cleanup_catalog catalog = { .folder = NULL };
	cleanup_cell pmem = cell_of("page_init_hotplug", NULL);
	cleanup_cell dimm = cell_of("page_init_hotplug", "source=dimm");
	struct error err = ERROR_INIT;

	catalog_load(&catalog);
	check_cell_fails(&catalog, &pmem, "needs a guest with pmem");
	check_cell_fails(&catalog, &dimm, "needs a guest with hotplug");
	pmem.guest.memory_slots = 1;
	dimm.guest.memory_slots = 1;
	check_cell_fails(&catalog, &pmem, "needs a guest with pmem");
	CU_ASSERT_EQUAL(guest_image_check_cell(&catalog, &dimm, &err), 0);
}

static void test_check_kernel(void)
{
	cleanup_catalog catalog = { .folder = NULL };
	cleanup_cell cell = cell_of("hugetlb_fallocate", NULL);
	struct error err = ERROR_INIT;

	catalog_load(&catalog);
	CU_ASSERT_EQUAL(guest_image_check_kernel(&catalog, &cell.suite, "stock",
						 "CONFIG_HUGETLBFS=y\n", &err), 0);
	CU_ASSERT_EQUAL(guest_image_check_kernel(&catalog, &cell.suite, "stock",
						 "# CONFIG_HUGETLBFS is not set\n",
						 &err), -EINVAL);
	test_check_contains(err.message, "kernel 'stock': CONFIG_HUGETLBFS=n");
	test_check_contains(err.message, "suite.yaml:4:5");
	CU_ASSERT_EQUAL(guest_image_check_kernel(&catalog, &cell.suite, "stock", "",
						 &err), -EINVAL);
	CU_ASSERT_EQUAL(guest_image_check_kernel(&catalog, &cell.suite, "stock",
						 "CONFIG_HUGETLBFS=m\n", &err),
			-EINVAL);
}

/* Data of the n-th newc member whose name is given; NULL if it is not there. */
static const char *member_find(const char *data, size_t length, const char *name)
{
	cleanup_free char *needle = string_format("%s%c", name, '\0');
	size_t needle_length = strlen(name) + 1;

	for (size_t at = 0; at + 110 + needle_length < length; at += 4)
		if (!memcmp(data + at, "070701", 6) &&
		    !memcmp(data + at + 110, needle, needle_length))
			return data + at + (110 + needle_length + 3) / 4 * 4;
	return NULL;
}

static void test_images(void)
{
	static const char plan[] = "plan 1\ntrial t-1\nsysctl kernel.x=1 2\n"
				   "row row hugetlb_fallocate 60 size_mib=512\nend\n";
	static const char *const members[] = {
		"init", "dev/console", "kerngate/workloads/hugetlb_fallocate",
		"bin/busybox", "bin/ls", "kerngate/plan",
	};
	const char *folder = test_temp_folder();
	cleanup_free char *init = path_join(test_root(), "build/guest_init");
	cleanup_free char *common = path_join(folder, "common.cpio");
	cleanup_free char *single = path_join(folder, "plan.cpio");
	cleanup_free char *joined = path_join(folder, "joined.cpio");
	cleanup_strvec struct strvec sysctls = STRVEC_INIT;
	cleanup_catalog catalog = { .folder = NULL };
	cleanup_cell cell = cell_of("hugetlb_fallocate", "size_mib=512");
	cleanup_free char *data = NULL;
	struct error err = ERROR_INIT;
	size_t length = 0;

	catalog_load(&catalog);
	strvec_push(&sysctls, "kernel.x=1 2");
	CU_ASSERT_EQUAL(guest_image_write_common(&catalog, init, &cell.suite, true,
						 common, &err), 0);
	CU_ASSERT_EQUAL(guest_image_write_plan(&cell.suite, "t-1", &sysctls, 0,
					       single, &err), 0);
	CU_ASSERT_EQUAL(guest_image_join(common, single, joined, &err), 0);
	if (!test_check(file_read(joined, 64 << 20, &data, &length) == 0))
		return;
	CU_ASSERT_EQUAL(length % 4, 0);
	for (size_t i = 0; i < ARRAY_COUNT(members); i++)
		CU_ASSERT_PTR_NOT_NULL(member_find(data, length, members[i]));
	CU_ASSERT_PTR_NULL(member_find(data, length, "kerngate/workloads/selftest"));
	const char *found = member_find(data, length, "kerngate/plan");
	CU_ASSERT_TRUE(found && !memcmp(found, plan, sizeof(plan) - 1));
}

/* The padding of a seed moves what is unpacked, and nothing else. */
static void test_padding(void)
{
	static const uint32_t sizes[] = { 0, 4096, 258048 };
	const char *folder = test_temp_folder();
	cleanup_cell cell = cell_of("hugetlb_fallocate", NULL);
	struct error err = ERROR_INIT;
	size_t empty_length = 0;

	for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
		cleanup_free char *path = path_join(folder, "plan.cpio"), *data = NULL;
		const char *padding;
		size_t length = 0;

		CU_ASSERT_EQUAL(guest_image_write_plan(&cell.suite, "exact", NULL, sizes[i],
						       path, &err), 0);
		if (!test_check(file_read(path, 1 << 20, &data, &length) == 0))
			return;
		CU_ASSERT_PTR_NOT_NULL(member_find(data, length, "kerngate/plan"));
		padding = member_find(data, length, "kerngate/padding");
		if (!sizes[i]) {
			CU_ASSERT_PTR_NULL(padding);
			empty_length = length;
		} else if (test_check(padding != NULL)) {
			/* header, name and content, and rounding of the archive's end */
			CU_ASSERT_TRUE(length >= empty_length + sizes[i]);
			CU_ASSERT_TRUE(length <= empty_length + sizes[i] + 640);
			CU_ASSERT_TRUE(padding[0] == 0 && !memcmp(padding, padding + 1,
								  sizes[i] - 1));
		}
	}
}

static void test_tools(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *init = path_join(test_root(), "build/guest_init");
	cleanup_free char *common = path_join(folder, "common.cpio");
	cleanup_catalog catalog = { .folder = NULL };
	cleanup_cell cell = cell_of("cyclictest", NULL);
	cleanup_free char *data = NULL;
	struct error err = ERROR_INIT;
	size_t length = 0;

	catalog_load(&catalog);
	CU_ASSERT_EQUAL(guest_image_write_common(&catalog, init, &cell.suite, false,
						 common, &err), 0);
	if (!test_check(file_read(common, 64 << 20, &data, &length) == 0))
		return;
	CU_ASSERT_PTR_NOT_NULL(member_find(data, length, "kerngate/tools/cyclictest"));
	CU_ASSERT_PTR_NOT_NULL(member_find(data, length, "usr/bin/cyclictest"));
	CU_ASSERT_PTR_NULL(member_find(data, length, "bin/busybox"));
}

static void test_images_refused(void)
{
	static const char *const words[] = { "", "a b", "a\nrow x", "a\tb" };
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, "x.cpio");
	cleanup_strvec struct strvec sysctls = STRVEC_INIT;
	cleanup_catalog catalog = { .folder = NULL };
	cleanup_cell cell = cell_of("hugetlb_fallocate", NULL);
	struct error err = ERROR_INIT;

	catalog_load(&catalog);
	for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
		cleanup_cell bad = cell_of("hugetlb_fallocate", words[i]);

		CU_ASSERT_EQUAL(guest_image_write_plan(&cell.suite, words[i], NULL,
						       0, path, &err), -EINVAL);
		CU_ASSERT_EQUAL(guest_image_write_plan(&bad.suite, "t-1", NULL,
						       0, path, &err), -EINVAL);
	}
	strvec_push(&sysctls, "kernel.x");
	CU_ASSERT_EQUAL(guest_image_write_plan(&cell.suite, "t-1", &sysctls, 0,
					       path, &err), -EINVAL);
	CU_ASSERT_EQUAL(guest_image_write_common(&catalog, "/does/not/exist",
						 &cell.suite, false, path, &err),
			-ENOENT);
	CU_ASSERT_EQUAL(guest_image_join("/does/not/exist", "/does/not/exist", path,
					 &err), -ENOENT);
	CU_ASSERT_FALSE(path_exists(path));
}

TEST_SUITE("guest_image", { "the catalogue of workloads", test_catalog },
	   { "programs that are no workloads", test_catalog_refused },
	   { "a cell is checked", test_check_cell },
	   { "needs are checked", test_check_needs },
	   { "needs of arguments", test_check_needs_of_arguments },
	   { "a kernel is checked", test_check_kernel },
	   { "images hold what they should", test_images },
	   { "padding of a seed", test_padding },
	   { "tools are packed", test_tools },
	   { "images refused", test_images_refused })
