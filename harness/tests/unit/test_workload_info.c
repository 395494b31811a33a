/* test_workload_info.c - what a workload says of itself. */
#include "workload_info.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "test.h"

/* A good description, with single quotes for double ones. */
static const char description[] =
	"{\n"
	"  'name': 'hugetlb_fallocate',\n"
	"  'purpose': 'Time of one fallocate()',\n"
	"  'metrics': [\n"
	"    {'name': 'fallocate_ns', 'unit': 'ns', 'better': 'lower', 'kind':\n"
	"     'time', 'secondary': false, 'meaning': 'One fallocate()'},\n"
	"    {'name': 'rate', 'unit': 'GiB/s', 'better': 'higher', 'kind':\n"
	"     'rate', 'secondary': true, 'meaning': 'Size by time'}\n"
	"  ],\n"
	"  'parameters': [\n"
	"    {'name': 'size_mib', 'meaning': 'Size', 'is_number': true,\n"
	"     'minimum': 2, 'maximum': 1024, 'choices': [],\n"
	"     'default_value': '256'},\n"
	"    {'name': 'file', 'meaning': 'What holds it', 'is_number': false,\n"
	"     'minimum': 0, 'maximum': 0, 'choices': ['memfd', 'hugetlbfs'],\n"
	"     'default_value': 'memfd'}\n"
	"  ],\n"
	"  'needs_options': ['CONFIG_HUGETLBFS'],\n"
	"  'needs_devices': ['pmem'],\n"
	"  'needs_tools': ['cyclictest'],\n"
	"  'kernel_arguments': ['hugepages=1'],\n"
	"  'needs_memory_mib': 512,\n"
	"  'needs_vcpus': 1,\n"
	"  'counted': true\n"
	"}\n";

static void cleanup_info(struct workload_info *info)
{
	workload_info_release(info);
}

#define cleanup_workload_info cleanup_with(cleanup_info)

/* The description with `from` replaced by `to` and ' by ". Owned. */
static char *changed(const char *from, const char *to)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const char *at = strstr(description, from);

	if (!test_check(at != NULL))
		return string_copy("");
	strbuf_add(&text, description, (size_t)(at - description));
	strbuf_adds(&text, to);
	strbuf_adds(&text, at + strlen(from));
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] == '\'')
			text.data[i] = '"';
	return strbuf_detach(&text);
}

static int parse(const char *from, const char *to, struct workload_info *info,
		 struct error *err)
{
	cleanup_free char *text = changed(from, to);

	return workload_info_parse(text, strlen(text), info, err);
}

static void refuse(const char *from, const char *to, const char *part)
{
	cleanup_workload_info struct workload_info info = { .name = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(parse(from, to, &info, &err), -EINVAL);
	test_check_contains(err.message, part);
	test_check_contains(err.message, "description: ");
	CU_ASSERT_PTR_NULL(info.name);
}

static void test_good(void)
{
	cleanup_workload_info struct workload_info info = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!test_check(parse("", "", &info, &err) == 0)) {
		test_check_string(err.message, "");
		return;
	}
	test_check_string(info.name, "hugetlb_fallocate");
	test_check_string(info.purpose, "Time of one fallocate()");
	CU_ASSERT_EQUAL(info.metrics_count, 2);
	test_check_string(info.metrics[0].name, "fallocate_ns");
	test_check_string(info.metrics[0].unit, "ns");
	CU_ASSERT_EQUAL(info.metrics[0].better, BETTER_LOWER);
	CU_ASSERT_EQUAL(info.metrics[0].kind, METRIC_TIME);
	CU_ASSERT(!info.metrics[0].secondary);
	CU_ASSERT_EQUAL(info.metrics[1].better, BETTER_HIGHER);
	CU_ASSERT(info.metrics[1].secondary);
	CU_ASSERT_EQUAL(info.parameters_count, 2);
	CU_ASSERT(info.parameters[0].is_number);
	CU_ASSERT_EQUAL(info.parameters[0].maximum, 1024);
	test_check_string(info.parameters[1].choices.items[1], "hugetlbfs");
	test_check_string(info.needs_options.items[0], "CONFIG_HUGETLBFS");
	test_check_string(info.needs_devices.items[0], "pmem");
	test_check_string(info.needs_tools.items[0], "cyclictest");
	test_check_string(info.kernel_arguments.items[0], "hugepages=1");
	CU_ASSERT_EQUAL(info.needs_memory_mib, 512);
	CU_ASSERT_EQUAL(info.needs_vcpus, 1);
	CU_ASSERT_TRUE(info.is_counted);
	CU_ASSERT_PTR_EQUAL(workload_info_find_metric(&info, "rate"),
			    &info.metrics[1]);
	CU_ASSERT_PTR_NULL(workload_info_find_metric(&info, "rat"));
}

/* Only it may be left out. */
static void test_counted(void)
{
	static const char *const texts[] = { "'needs_vcpus': 1,\n  'counted': false",
					     "'needs_vcpus': 1" };

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		cleanup_workload_info struct workload_info info = {
			.is_counted = true
		};
		struct error err = ERROR_INIT;

		if (!test_check(parse("'needs_vcpus': 1,\n  'counted': true", texts[i],
				      &info, &err) == 0))
			fprintf(stderr, "%s\n", err.message);
		CU_ASSERT_FALSE(info.is_counted);
	}
	refuse("'counted': true", "'counted': 1", "Expected true or false");
	refuse("'counted': true", "'counted': 'yes'", "Expected true or false");
	refuse("'counted': true", "'counted': null", "Expected true or false");
	refuse("'counted': true", "'is_counted': true", "is_counted");
}

#define WITHOUT_ARGUMENTS "'kernel_arguments': ['hugepages=1'],\n"
#define COUNTED "'counted': true\n"

static void test_load(void)
{
	cleanup_workload_info struct workload_info info = { .name = NULL };
	cleanup_strvec struct strvec arguments = STRVEC_INIT;
	cleanup_free char *text = changed(WITHOUT_ARGUMENTS, "'kernel_arguments': [],\n");
	char *end = strstr(text, "\"counted\": true\n");
	cleanup_free char *whole = string_format(
		"%.*s\"counted\": true, \"load_parameters\": [\"file\"]}",
		end ? (int)(end - text) : 0, text);
	struct error err = ERROR_INIT;

	if (!test_check(workload_info_parse(whole, strlen(whole), &info, &err) == 0))
		return;
	CU_ASSERT_TRUE(info.can_load);
	strvec_push(&arguments, "file=memfd");
	CU_ASSERT_EQUAL(workload_info_check_load(&info, &arguments, &err), 0);
	strvec_push(&arguments, "size_mib=4");
	CU_ASSERT_EQUAL(workload_info_check_arguments(&info, &arguments, &err), 0);
	CU_ASSERT_EQUAL(workload_info_check_load(&info, &arguments, &err), -EINVAL);
	test_check_contains(err.message, "has no parameter 'size_mib' as a load");
	info.can_load = false;
	CU_ASSERT_EQUAL(workload_info_check_load(&info, &arguments, &err), -EINVAL);
	test_check_contains(err.message, "hugetlb_fallocate cannot be a load");
}

static void test_load_refused(void)
{
	refuse(COUNTED, "'counted': true, 'load_parameters': ['file']\n",
	       "a workload with kernel_arguments cannot be a load");
	refuse(COUNTED, "'counted': true, 'load_parameters': ['files']\n",
	       "load_parameters: it has no parameter 'files'");
	refuse(COUNTED, "'counted': true, 'load_parameters': 'file'\n", "load_parameters");
	refuse(COUNTED, "'counted': true, 'load_parameters': ['file', 'file']\n",
	       "'file' is there twice");
	refuse("'name': 'rate', 'unit': 'GiB/s'", "'name': 'load_cpu_ratio', 'unit': '1'",
	       "'load_cpu_ratio' is that of a row with a load");
}

static void test_names(void)
{
	enum metric_direction direction;
	enum metric_kind kind = METRIC_TAIL;

	CU_ASSERT_EQUAL(metric_direction_parse("higher", &direction), 0);
	CU_ASSERT_EQUAL(direction, BETTER_HIGHER);
	CU_ASSERT_EQUAL(metric_direction_parse("Higher", &direction), -EINVAL);
	CU_ASSERT_EQUAL(metric_kind_parse("times", &kind), -EINVAL);
	CU_ASSERT_EQUAL(kind, METRIC_TAIL);
	for (int i = METRIC_TIME; i <= METRIC_OUTCOME; i++) {
		const char *name = metric_kind_name((enum metric_kind)i);

		CU_ASSERT_EQUAL(metric_kind_parse(name, &kind), 0);
		CU_ASSERT_EQUAL((int)kind, i);
	}
	test_check_string(metric_direction_name(BETTER_LOWER), "lower");
}

static void test_not_json(void)
{
	refuse("{\n", "[\n", "description: line ");
	refuse("'counted': true\n}", "'counted': true\n} x", "line ");
	refuse("'counted': true\n", "'counted': true,\n", "line ");
	refuse("'purpose'", "'name'", "duplicate");
	refuse("Time of", "Time \\u0000", "NUL");
}

static void test_keys(void)
{
	refuse("'needs_vcpus': 1", "'needs_vcpus': 1, 'more': 2", "more");
	refuse("  'purpose': 'Time of one fallocate()',\n", "", "purpose");
	refuse("'needs_vcpus': 1", "'needs_vcpus': '1'", "Expected integer");
	refuse("'needs_vcpus': 1", "'needs_vcpus': 1.5", "Expected integer");
	refuse("'needs_vcpus': 1", "'needs_vcpus': null", "Expected integer");
	refuse("'secondary': false", "'secondary': 0", "metrics[0]: ");
	refuse("'secondary': true", "'secondary': true, 'x': 1", "metrics[1]: ");
	refuse("'minimum': 2, ", "", "parameters[0]: ");
}

static void test_bad_values(void)
{
	refuse("hugetlb_fallocate", "Hugetlb", "name: 'Hugetlb' will not do");
	refuse("hugetlb_fallocate", "../x", "name: '../x' will not do");
	refuse("hugetlb_fallocate", "", "name: '' will not do");
	refuse("Time of one fallocate()", "", "purpose: '' will not do");
	refuse("Time of one", "Time\\nof", "purpose: ");
	refuse("'lower'", "'less'", "metrics[0]: better: expected lower or "
				    "higher, found 'less'");
	refuse("'time', ", "'mean', ", "metrics[0]: kind: expected time, rate, "
				       "count, tail or outcome, found 'mean'");
	refuse("'time', ", "'outcome', ", "metrics[0]: better: expected higher for an "
					  "outcome (1: passed), found 'lower'");
	refuse("'rate', 'unit'", "'fallocate_ns', 'unit'",
	       "metrics[1]: 'fallocate_ns' is there twice");
	refuse("'GiB/s'", "'GiB per s'", "metrics[1]: unit: ");
	refuse("'needs_vcpus': 1", "'needs_vcpus': 65",
	       "needs_vcpus: expected 0..64, found 65");
	refuse("'needs_memory_mib': 512", "'needs_memory_mib': -1",
	       "needs_memory_mib: expected 0..16777216, found -1");
}

static void test_bad_lists(void)
{
	refuse("['CONFIG_HUGETLBFS']", "['HUGETLBFS']",
	       "needs_options: 'HUGETLBFS' will not do");
	refuse("['CONFIG_HUGETLBFS']", "'CONFIG_HUGETLBFS'",
	       "needs_options: expected a list");
	refuse("['CONFIG_HUGETLBFS']", "[1]", "needs_options: expected texts");
	refuse("['pmem']", "['gpu']", "needs_devices: 'gpu' will not do");
	refuse("['pmem']", "['pmem', 'pmem']", "'pmem' is there twice");
	refuse("['cyclictest']", "['/bin/sh']", "needs_tools: ");
	refuse("['cyclictest']", "['..']", "needs_tools: ");
	refuse("['hugepages=1']", "['a b']", "kernel_arguments: ");
	refuse("'metrics': [\n", "'metrics': [{},", "metrics[0]: ");
}

static bool needs(const struct workload_info *info, const char *argument, const char *device)
{
	cleanup_strvec struct strvec arguments = STRVEC_INIT;

	strvec_push(&arguments, "size_mib=8");
	if (argument)
		strvec_push(&arguments, argument);
	return workload_info_needs_device(info, &arguments, device);
}

/* A device that only some arguments need: by the default, too. */
static void test_conditions(void)
{
	cleanup_workload_info struct workload_info info = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!test_check(parse("['pmem']", "['numa', 'file=memfd:pmem', 'file=hugetlbfs:hotplug', "
			      "'size_mib=16:iommu']", &info, &err) == 0)) {
		test_check_string(err.message, "");
		return;
	}
	CU_ASSERT_TRUE(needs(&info, NULL, "numa"));
	CU_ASSERT_TRUE(needs(&info, NULL, "pmem"));
	CU_ASSERT_FALSE(needs(&info, NULL, "hotplug"));
	CU_ASSERT_TRUE(needs(&info, "file=memfd", "pmem"));
	CU_ASSERT_FALSE(needs(&info, "file=hugetlbfs", "pmem"));
	CU_ASSERT_TRUE(needs(&info, "file=hugetlbfs", "hotplug"));
	CU_ASSERT_FALSE(needs(&info, NULL, "iommu"));
	CU_ASSERT_FALSE(needs(&info, NULL, "file=memfd:pmem"));
	refuse("['pmem']", "['file=memfd:gpu']", "needs_devices: 'file=memfd:gpu' will not do");
	refuse("['pmem']", "['file=ramfs:pmem']", "file: expected one of memfd, hugetlbfs");
	refuse("['pmem']", "['source=x:pmem']", "needs_devices: 'source=x:pmem'");
	refuse("['pmem']", "['file:pmem']", "expected NAME=VALUE");
	refuse("['pmem']", "[':pmem']", "expected NAME=VALUE");
	refuse("['pmem']", "['file=memfd:']", "will not do");
}

static void test_no_metrics(void)
{
	static const char text[] =
		"{\"name\": \"a\", \"purpose\": \"A\", \"metrics\": [], "
		"\"parameters\": [], \"needs_options\": [], "
		"\"needs_devices\": [], \"needs_tools\": [], "
		"\"kernel_arguments\": [], \"needs_memory_mib\": 0, "
		"\"needs_vcpus\": 0}";
	struct workload_info info;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(workload_info_parse(text, strlen(text), &info, &err),
			-EINVAL);
	test_check_string(err.message,
			  "description: metrics: expected a list of 1..256");
}

static void test_bad_parameters(void)
{
	refuse("'256'", "'1'", "parameters[0]: default_value: size_mib: expected "
			       "a whole number 2..1024, found '1'");
	refuse("'256'", "'256 '", "parameters[0]: default_value: ");
	refuse("'256'", "256", "parameters[0]: ");
	refuse("'default_value': 'memfd'", "'default_value': 'ramfs'",
	       "parameters[1]: default_value: file: expected one of memfd, "
	       "hugetlbfs, found 'ramfs'");
	refuse("'maximum': 1024", "'maximum': 1", "minimum <= maximum");
	refuse("'choices': []", "'choices': ['a']", "no choices");
	refuse("['memfd', 'hugetlbfs']", "[]", "a word has choices");
	refuse("['memfd', 'hugetlbfs']", "['memfd', 'memfd']", "twice");
	refuse("'minimum': 0", "'minimum': 1", "a word has choices");
	refuse("'name': 'file'", "'name': 'size_mib'",
	       "parameters[1]: 'size_mib' is there twice");
}

static void check_arguments(const char *const *arguments, const char *message)
{
	cleanup_workload_info struct workload_info info = { .name = NULL };
	cleanup_strvec struct strvec list = STRVEC_INIT;
	struct error err = ERROR_INIT;
	int r;

	strvec_push_all(&list, arguments);
	if (!test_check(parse("", "", &info, &err) == 0))
		return;
	r = workload_info_check_arguments(&info, &list, &err);
	CU_ASSERT_EQUAL(r, message ? -EINVAL : 0);
	test_check_string(err.message, message ? message : "");
}

#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_good_arguments(void)
{
	check_arguments(ARGUMENTS("size_mib=2", "file=hugetlbfs"), NULL);
	check_arguments(ARGUMENTS("size_mib=1024"), NULL);
	check_arguments((const char *const[]){ NULL }, NULL);
}

static void test_bad_arguments(void)
{
	check_arguments(ARGUMENTS("size_mb=2"),
			"hugetlb_fallocate has no parameter 'size_mb'; expected "
			"one of size_mib, file (did you mean 'size_mib'?)");
	check_arguments(ARGUMENTS("size_mib"),
			"expected NAME=VALUE, found 'size_mib'");
	check_arguments(ARGUMENTS("size_mib=1"),
			"size_mib: expected a whole number 2..1024, found '1'");
	check_arguments(ARGUMENTS("size_mib=1025"),
			"size_mib: expected a whole number 2..1024, found '1025'");
	check_arguments(ARGUMENTS("size_mib=0x10"),
			"size_mib: expected a whole number 2..1024, found '0x10'");
	check_arguments(ARGUMENTS("size_mib="),
			"size_mib: expected a whole number 2..1024, found ''");
	check_arguments(ARGUMENTS("size_mib=99999999999999999999"),
			"size_mib: expected a whole number 2..1024, found "
			"'99999999999999999999'");
	check_arguments(ARGUMENTS("file=ext4"),
			"file: expected one of memfd, hugetlbfs, found 'ext4'");
	check_arguments(ARGUMENTS("size_mib=4", "size_mib=8"),
			"the argument 'size_mib' is there twice");
}

static void test_truncated(void)
{
	cleanup_free char *text = changed("", "");
	size_t length = strlen(text) - 2; /* the last "}\n" */

	for (size_t i = 0; i <= length; i += 7) {
		cleanup_workload_info struct workload_info info = { .name = NULL };
		struct error err = ERROR_INIT;

		CU_ASSERT_EQUAL(workload_info_parse(text, i, &info, &err),
				-EINVAL);
	}
}

TEST_SUITE("workload_info",
	   {"reads a description", test_good},
	   {"a workload that is not counted", test_counted},
	   {"a workload that can be a load", test_load},
	   {"loads that are refused", test_load_refused},
	   {"names of kinds", test_names},
	   {"takes good arguments", test_good_arguments},
	   {"refuses bad arguments", test_bad_arguments},
	   {"refuses what is not JSON", test_not_json},
	   {"refuses unknown, missing and wrong keys", test_keys},
	   {"refuses bad values", test_bad_values},
	   {"refuses bad lists", test_bad_lists},
	   { "devices of some arguments", test_conditions },
	   {"refuses a workload that measures nothing", test_no_metrics},
	   {"refuses bad parameters", test_bad_parameters},
	   {"refuses truncated text", test_truncated})
