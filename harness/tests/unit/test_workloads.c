/* test_workloads.c - every workload of this build, on this host: what it says
 * of itself, and what it does with arguments that it should refuse.
 */
#include <ctype.h>
#include <string.h>

#include "files.h"
#include "guest_image.h"
#include "memory.h"
#include "process.h"
#include "test.h"

#define cleanup_catalog                                                        \
	cleanup_with(workload_catalog_release) struct workload_catalog
#define TIMEOUT_NS (UINT64_C(20) * 1000000000)

static void catalog_load(struct workload_catalog *ret_catalog)
{
	cleanup_free char *folder = path_join(test_root(), "build/workloads");
	struct error err = ERROR_INIT;

	if (!test_check(workload_catalog_load(folder, ret_catalog, &err) == 0))
		fprintf(stderr, "%s\n", err.message);
}

/* stdout of a workload; NULL if it failed. Owned. */
static char *workload_run(const char *name, const char *first, const char *second)
{
	cleanup_free char *folder = path_join(test_root(), "build/workloads");
	cleanup_free char *path = path_join(folder, name);
	const char *argv[] = { path, first, second, NULL };
	struct process_options options = { .capture = true,
					   .timeout_ns = TIMEOUT_NS };
	struct error err = ERROR_INIT;
	char *output = NULL;

	if (!test_check(process_run(argv, &options, &output, &err) == 0))
		fprintf(stderr, "%s\n", err.message);
	return output;
}

static bool unit_ends_name(const struct metric_info *metric)
{
	static const struct {
		const char *unit, *suffix;
	} known[] = {
		{ "ns", "_ns" }, { "GiB/s", "_gib_per_s" }, { "1/s", "_per_s" },
		{ "us", "_us" }, { "ms", "_ms" }, { "bytes", "_bytes" },
		{ "1", "_ratio" }, { "count", "_count" },
	};
	size_t length = strlen(metric->name);

	for (size_t i = 0; i < ARRAY_COUNT(known); i++) {
		size_t suffix = strlen(known[i].suffix);

		if (!strcmp(known[i].unit, metric->unit) && length > suffix &&
		    !strcmp(metric->name + length - suffix, known[i].suffix))
			return true;
	}
	return false;
}

static void test_declarations(void)
{
	cleanup_catalog catalog = { .folder = NULL };

	catalog_load(&catalog);
	CU_ASSERT_TRUE(catalog.count >= 4);
	for (size_t i = 0; i < catalog.count; i++) {
		const struct workload_info *info = &catalog.items[i];
		size_t primary = 0;

		for (size_t j = 0; j < info->metrics_count; j++) {
			if (!test_check(unit_ends_name(&info->metrics[j])))
				fprintf(stderr, "%s\n", info->metrics[j].name);
			primary += !info->metrics[j].secondary;
		}
		CU_ASSERT_TRUE(primary > 0);
	}
}

/* Whether the instructions of its rounds say anything of the kernel under test. */
static void test_counted(void)
{
	static const struct {
		const char *name;
		bool is_counted;
	} expected[] = {
		{ "cyclictest", true }, { "hugetlb_fallocate", true },
		{ "page_init_boot", false }, { "selftest", true },
	};
	cleanup_catalog catalog = { .folder = NULL };

	catalog_load(&catalog);
	for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
		bool is_found = false;

		for (size_t j = 0; j < catalog.count; j++) {
			if (strcmp(catalog.items[j].name, expected[i].name) != 0)
				continue;
			is_found = true;
			CU_ASSERT_EQUAL(catalog.items[j].is_counted,
					expected[i].is_counted);
		}
		CU_ASSERT_TRUE(is_found);
	}
}

static void test_help(void)
{
	cleanup_catalog catalog = { .folder = NULL };

	catalog_load(&catalog);
	for (size_t i = 0; i < catalog.count; i++) {
		const struct workload_info *info = &catalog.items[i];
		cleanup_free char *help = workload_run(info->name, "--help", NULL);

		test_check_contains(help, info->purpose);
		for (size_t j = 0; j < info->parameters_count; j++)
			test_check_contains(help, info->parameters[j].name);
	}
}

/* A workload checks its arguments itself, too: nothing is measured. */
static void test_arguments_refused(void)
{
	static const struct {
		const char *first, *second, *why;
	} cases[] = {
		{ "nonsense", NULL, "broken argument nonsense: expected NAME=VALUE" },
		{ "nonsense=1", NULL, "broken parameter nonsense: unknown" },
		{ "rounds=0", NULL, "broken parameter rounds: 0, expected 1..1000000" },
		{ "rounds=1000001", NULL, "broken parameter rounds: 1000001" },
		{ "rounds=", NULL, "broken parameter rounds: , expected" },
		{ "rounds= 1", NULL, "broken parameter rounds:  1, expected" },
		{ "rounds=1x", NULL, "broken parameter rounds: 1x, expected" },
		{ "rounds=99999999999999999999", NULL, "broken parameter rounds: 9" },
		{ "rounds=1", "rounds=2", "broken parameter rounds: given twice" },
		{ "act=dance", NULL, "broken parameter act: dance, expected one of" },
		{ "act=panic", NULL, "broken act panic is only for a guest" },
		{ "act=silent", "loops=1", "broken act silent is only for a guest" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_free char *output = workload_run("selftest", cases[i].first,
							 cases[i].second);

		test_check_contains(output, "outcome ");
		test_check_contains(output, cases[i].why);
		CU_ASSERT_PTR_NULL(output ? strstr(output, "sample") : NULL);
	}
}

/* Warm-up is dropped: as many samples as rounds were asked for. */
static void test_rounds(void)
{
	cleanup_free char *output = workload_run("selftest", "rounds=3", "loops=10");
	const char *at = output;
	size_t count = 0;

	while (at && (at = strstr(at, "sample spin_ns "))) {
		at += strlen("sample spin_ns ");
		CU_ASSERT_TRUE(isdigit((unsigned char)*at));
		count++;
	}
	CU_ASSERT_EQUAL(count, 3);
	test_check_contains(output, "\noutcome passed\n");
}

TEST_SUITE("workloads", { "declarations hold together", test_declarations },
	   { "counted or not", test_counted },
	   { "help names every parameter", test_help },
	   { "arguments refused", test_arguments_refused },
	   { "warm-up rounds are dropped", test_rounds })
