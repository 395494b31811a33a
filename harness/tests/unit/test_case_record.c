/* test_case_record.c - records of cases that will not do. */
#include "case_record.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "fake_world.h"
#include "files.h"
#include "memory.h"
#include "test.h"

/* At a path of keys and indexes ("rows.0.name") the JSON text, or nothing for "". */
static void change(json_t *root, const char *path, const char *value)
{
	cleanup_free char *copy = string_copy(path);
	json_t *at = root;
	char *save = NULL, *key = strtok_r(copy, ".", &save), *next;

	for (; (next = strtok_r(NULL, ".", &save)); key = next)
		at = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10)) :
					 json_object_get(at, key);
	if (!*value) {
		CU_ASSERT_EQUAL(json_object_del(at, key), 0);
	}
	if (*value && json_is_array(at)) {
		json_t *item = json_loads(value, JSON_DECODE_ANY, NULL);

		CU_ASSERT_EQUAL(json_array_set_new(at, strtoul(key, NULL, 10), item), 0);
	} else if (*value) {
		json_t *member = json_loads(value, JSON_DECODE_ANY, NULL);

		CU_ASSERT_EQUAL(json_object_set_new(at, key, member), 0);
	}
}

static void check_changed(const char *good, const char *path, const char *value, int code,
			  const char *message)
{
	struct kept_case kept = { .name = NULL };
	struct error err = ERROR_INIT;
	json_t *root = json_loads(good, 0, NULL);
	cleanup_free char *text = NULL;

	change(root, path, value);
	text = json_dumps(root, 0);
	json_decref(root);
	if (!test_check(case_record_parse(text, strlen(text), "/x/name", &kept, &err) == code))
		kept_case_release(&kept);
	test_check_contains(err.message, message);
	CU_ASSERT_PTR_NULL(kept.name);
}

static const struct {
	const char *path, *value;
	int code;
	const char *message;
} changes[] = {
	{ "format", "2", -EPROTO, "newer kerngate (format 2, this one knows 1)" },
	{ "format", "0", -EBADMSG, "format: expected 1..1" },
	{ "format", "", -EBADMSG, "format: expected a whole number" },
	{ "origin", "", -EBADMSG, "origin: expected text" },
	{ "seed", "0", -EBADMSG, "seed: expected 1.." },
	{ "seed", "-1", -EBADMSG, "seed: expected 1.." },
	{ "seed", "\"7\"", -EBADMSG, "seed: expected a whole number" },
	{ "expected", "[]", -EBADMSG, "expected: expected at least one" },
	{ "expected", "[1]", -EBADMSG, "expected: expected an array of objects" },
	{ "expected.0.kind", "null", -EBADMSG, "kind: expected text" },
	{ "bad_row", "101", -EBADMSG, "bad_row: expected 0..100" },
	{ "kernel_key", "", -EBADMSG, "kernel_key: expected text" },
	{ "outcome", "\"fine\"", -EBADMSG, "outcome: expected passed" },
	{ "findings.0.kind", "\"bad\"", -EBADMSG, "kind: expected that of a finding" },
	{ "exact", "[]", -EBADMSG, "exact: expected an object" },
	{ "exact.shift", "11", -EBADMSG, "shift: expected 0..10" },
	{ "exact.counts", "1", -EBADMSG, "counts: expected a truth value" },
	{ "guest.vcpus_count", "65", -EBADMSG, "vcpus_count: expected 1..64" },
	{ "guest.memory_mib", "1.5", -EBADMSG, "memory_mib: expected a whole number" },
	{ "guest.iommu", "3", -EBADMSG, "iommu: expected 0..2" },
	{ "guest.cells.0.distances", "[1,2]", -EBADMSG, "distances: expected 10..254" },
	{ "guest.cells.0.distances", "[10,10,10,10,10,10,10,10,10]", -EBADMSG,
	  "distances: expected one for each cell" },
	{ "guest.cells", "[1,1,1,1,1,1,1,1,1]", -EBADMSG, "cells: expected an array" },
	{ "guest.cmdline", "[1]", -EBADMSG, "cmdline: expected an array of texts" },
	{ "rows.0.timeout_s", "0", -EBADMSG, "timeout_s: expected 1..86400" },
	{ "rows.0.metrics.0.better", "\"more\"", -EBADMSG, "better: expected lower or higher" },
	{ "rows.0.metrics.0.kind", "\"x\"", -EBADMSG, "kind: expected time, rate" },
	{ "kernel.series.0", "\"../x\"", -EBADMSG, "series: expected names without a slash" },
	{ "kernel.series.0", "\"..\"", -EBADMSG, "series: expected names without a slash" },
	{ "kernel.fragments.0", "\"\"", -EBADMSG, "fragments: expected names without" },
	{ "kernel.sources.0.kind", "\"cvs\"", -EBADMSG, "kind: expected debian, git" },
	{ "kernel.sources.0.url", "7", -EBADMSG, "url: expected text" },
};

static void test_refused_records(void)
{
	cleanup_origin struct origin origin = origin_make();
	cleanup_world struct replay_world world = world_make(&origin);
	cleanup_free char *name = world_keep(&origin, &world);
	cleanup_free char *record = string_format("%s/cases/%s/case.json", origin.results, name);
	cleanup_free char *good = NULL;

	if (!test_check(!file_read(record, 1 << 20, &good, NULL)))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(changes); i++)
		check_changed(good, changes[i].path, changes[i].value, changes[i].code,
			      changes[i].message);
}

static void check_file_refused(const char *text, int code, const char *message)
{
	const char *folder = test_temp_folder();
	struct kept_case kept = { .name = NULL };
	struct error err = ERROR_INIT;

	if (text)
		origin_write(folder, "case.json", text);
	CU_ASSERT_EQUAL(case_open(folder, &kept, &err), code);
	test_check_contains(err.message, "/case.json: ");
	test_check_contains(err.message, message);
}

static void test_refused_files(void)
{
	check_file_refused(NULL, -ENOENT, "No such file");
	check_file_refused("", -EBADMSG, "line 1: ");
	check_file_refused("{\n\"a\": }", -EBADMSG, "line 2: ");
	check_file_refused("{\"format\": 1, \"format\": 1}", -EBADMSG, "duplicate");
	check_file_refused("[]", -EBADMSG, "the file: expected an object");
	check_file_refused("{}", -EBADMSG, "format: expected a whole number");
}

TEST_SUITE("case_record", { "refused records", test_refused_records },
	   { "refused files", test_refused_files })
