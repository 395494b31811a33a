/* test_report_kcidb.c - KCIDB: objects that refer to one another, statuses, numbers, and
 * sources. test_report_maps.c has it against its schema.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "hash.h"
#include "memory.h"
#include "reported.h"
#include "test.h"

static void cleanup_json_(json_t **json)
{
	json_decref(*json);
}

#define cleanup_json cleanup_with(cleanup_json_)

static json_t *report_of(struct fake_run *fake)
{
	cleanup_free char *text = reported_text(fake, REPORT_KCIDB);
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	CU_ASSERT_PTR_NOT_NULL(root);
	return root;
}

static json_t *scene_report(const char *scene)
{
	cleanup_fake struct fake_run fake;

	reported_make(scene, &fake);
	return report_of(&fake);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* The first object of an array whose member holds this text; borrowed; NULL. */
static json_t *find(const json_t *root, const char *array, const char *key, const char *value)
{
	json_t *object;
	size_t i;

	json_array_foreach(json_object_get(root, array), i, object)
		if (strcmp(text_of(object, key), value) == 0)
			return object;
	return NULL;
}

static size_t count(const json_t *root, const char *array, const char *key, const char *value)
{
	json_t *object;
	size_t i, found = 0;

	json_array_foreach(json_object_get(root, array), i, object)
		found += strcmp(text_of(object, key), value) == 0;
	return found;
}

/* --- references ---------------------------------------------------------------------- */

static void check_references(const json_t *root, const char *from, const char *key,
			     const char *to)
{
	json_t *object;
	size_t i;

	json_array_foreach(json_object_get(root, from), i, object)
		CU_ASSERT_EQUAL(count(root, to, "id", text_of(object, key)), 1);
}

/* Every id is one object's, and what is referred to is there. */
static void test_references(void)
{
	for (size_t i = 0; i < reported_scenes_count; i++) {
		cleanup_json json_t *root = scene_report(reported_scenes[i].name);

		check_references(root, "checkouts", "id", "checkouts");
		check_references(root, "builds", "id", "builds");
		check_references(root, "tests", "id", "tests");
		check_references(root, "issues", "id", "issues");
		check_references(root, "incidents", "id", "incidents");
		check_references(root, "builds", "checkout_id", "checkouts");
		check_references(root, "tests", "build_id", "builds");
		check_references(root, "incidents", "issue_id", "issues");
		check_references(root, "incidents", "test_id", "tests");
	}
}

/* --- tests ---------------------------------------------------------------------------- */

static void test_measurements(void)
{
	cleanup_json json_t *root = scene_report("regressed");
	static const char path[] = "kerngate.up.quick.fill.fallocate_ns";
	json_t *test = find(root, "tests", "path", path);
	json_t *number = json_object_get(test, "number");
	json_t *verdict = find(root, "tests", "path", "kerngate.up.quick.fill.fallocate_ns.verdict");

	/* 36 boots, 6 metrics of 2 variants, 4 gated metrics of one candidate, the control */
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "tests")), 36 + 12 + 4 + 1);
	CU_ASSERT_EQUAL(count(root, "tests", "path", path), 2);
	test_check_string(text_of(test, "status"), "DONE");
	test_check_string(text_of(number, "unit"), "ns");
	CU_ASSERT_TRUE(fabs(json_number_value(json_object_get(number, "value")) - 12.5e6) < 0.05e6);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_object_get(test, "misc"),
							   "boots_count")), 12);
	test_check_string(text_of(test, "build_id"), "kerngate:3f2a9c1b04de11aa22bb");
	test_check_string(text_of(verdict, "status"), "FAIL");
	test_check_string(text_of(verdict, "build_id"), "kerngate:77ab01c2d3e4ff0011ee");
	test_check_contains(text_of(verdict, "comment"), "fallocate_ns regressed: +10");
	test_check_string(text_of(find(root, "tests", "path", "kerngate.control"), "status"),
			  "PASS");
	CU_ASSERT_EQUAL(count(root, "tests", "path", "kerngate.up.quick.boot"), 18);
}

static void check_verdict(const char *scene, const char *status)
{
	cleanup_json json_t *root = scene_report(scene);

	test_check_string(text_of(find(root, "tests", "path",
				       "kerngate.up.quick.fill.fallocate_ns.verdict"), "status"),
			  status);
}

static void test_statuses(void)
{
	cleanup_json json_t *fired = scene_report("control-fired");

	check_verdict("passed", "PASS");
	check_verdict("inconclusive", "DONE");
	check_verdict("one-side", "ERROR");
	check_verdict("control-fired", "DONE");
	test_check_string(text_of(find(fired, "tests", "path", "kerngate.control"), "status"),
			  "ERROR");
}

static void test_boots(void)
{
	cleanup_json json_t *root = scene_report("crashed");
	json_t *crashed = find(root, "tests", "id", "kerngate:20261121-213000-quick.boot.15");
	json_t *slow = find(root, "tests", "id", "kerngate:20261121-213000-quick.boot.24");
	json_t *broken = find(root, "tests", "id", "kerngate:20261121-213000-quick.boot.30");
	json_t *misc = json_object_get(crashed, "misc");

	test_check_string(text_of(crashed, "status"), "FAIL");
	test_check_string(text_of(crashed, "comment"), "Kernel panic: x");
	test_check_string(text_of(misc, "outcome"), "crashed");
	test_check_contains(text_of(crashed, "log_excerpt"), "Kernel panic - not syncing");
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(crashed, "duration")), 3.1, 1e-6);
	test_check_string(text_of(slow, "status"), "FAIL");
	test_check_string(text_of(broken, "status"), "ERROR");
	/* what a repeat replaced is not told */
	CU_ASSERT_PTR_NULL(find(root, "tests", "id", "kerngate:20261121-213000-quick.boot.36"));
}

static void test_issues(void)
{
	cleanup_json json_t *root = scene_report("crashed");
	json_t *issue = find(root, "issues", "report_subject", "panic: Kernel panic: x");

	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "issues")), 2);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "incidents")), 2);
	CU_ASSERT_EQUAL(count(root, "incidents", "issue_id", text_of(issue, "id")), 1);
	CU_ASSERT_TRUE(json_is_true(json_object_get(json_object_get(issue, "culprit"), "code")));
}

/* --- sources ---------------------------------------------------------------------------- */

#define SUM_A "dbfeb1f7390ad5541680024eaac5f26a1c1a7de535c257635406ed89fdf26758"
#define SUM_B "70494cc2de40122c50a62c588ba6e82c997cdd9d3e59106f844c5fee3f2b0007"

static void set_records(struct fake_run *fake, const char *url)
{
	static const char format[] =
		"{\"description\":\"linux + x, 7.3.4\",\"base\":\"linux-git\",\"release\":\"7.3.4\","
		"\"source\":{\"kind\":\"git\",\"version\":\"7.3.4\",\"location\":\"%s\","
		"\"identity\":\"commit:0123456789abcdef0123456789abcdef01234567\","
		"\"detail\":\"v7.3.4\"},\"patches\":[%s],"
		"\"fragments\":[{\"name\":\"base\"},{\"name\":\"vm\"}],"
		"\"toolchain\":\"gcc 12.2.0\",\"config_sha256\":\"c\",\"build_seconds\":14.5}";

	for (size_t i = 0; i < fake->run.variants_count; i++) {
		struct stored_variant *variant = &fake->run.variants[i];

		variant->kernel_record = string_format(format, url, i == FAKE_PATCHED ?
						       "{\"sha256\":\"" SUM_A "\"},"
						       "{\"sha256\":\"" SUM_B "\"}" : "");
		variant->image_sha256 = string_copy("image");
	}
}

static void test_sources(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_json json_t *root = NULL;
	json_t *stock, *patched, *build;
	char hash[SHA256_HEX_SIZE];

	fake_run_init(&fake);
	set_records(&fake, "https://example.org/linux.git");
	root = report_of(&fake);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "checkouts")), 2);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "builds")), 2);
	stock = json_array_get(json_object_get(root, "checkouts"), 0);
	patched = json_array_get(json_object_get(root, "checkouts"), 1);
	sha256_of(SUM_A "\n" SUM_B "\n", 130, hash);
	test_check_string(text_of(stock, "patchset_hash"), "");
	CU_ASSERT_PTR_NOT_NULL(json_object_get(stock, "patchset_hash"));
	test_check_string(text_of(patched, "patchset_hash"), hash);
	test_check_string(text_of(patched, "git_commit_hash"),
			  "0123456789abcdef0123456789abcdef01234567");
	test_check_string(text_of(patched, "git_repository_url"), "https://example.org/linux.git");
	test_check_string(text_of(patched, "git_commit_name"), "v7.3.4");
	CU_ASSERT_TRUE(json_is_true(json_object_get(patched, "valid")));
	build = json_array_get(json_object_get(root, "builds"), 1);
	test_check_string(text_of(build, "checkout_id"), text_of(patched, "id"));
	test_check_string(text_of(build, "config_name"), "base+vm");
	test_check_string(text_of(build, "compiler"), "gcc 12.2.0");
	test_check_string(text_of(build, "status"), "PASS");
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(build, "duration")), 14.5, 1e-9);
}

/* Another place than https is no git_repository_url; no record, no claims. */
static void test_other_sources(void)
{
	cleanup_fake struct fake_run local, none;
	cleanup_json json_t *root = NULL, *bare = NULL;
	json_t *checkout;

	fake_run_init(&local);
	set_records(&local, "/srv/linux");
	root = report_of(&local);
	checkout = json_array_get(json_object_get(root, "checkouts"), 0);
	CU_ASSERT_PTR_NULL(json_object_get(checkout, "git_repository_url"));
	test_check_string(text_of(json_object_get(checkout, "misc"), "source_location"),
			  "/srv/linux");
	fake_run_init(&none);
	none.run.variants[FAKE_PATCHED].kernel_record = string_copy("{damaged");
	bare = report_of(&none);
	checkout = json_array_get(json_object_get(bare, "checkouts"), 1);
	CU_ASSERT_PTR_NULL(json_object_get(checkout, "valid"));
	CU_ASSERT_PTR_NULL(json_object_get(checkout, "patchset_hash"));
	CU_ASSERT_PTR_NULL(json_object_get(json_array_get(json_object_get(bare, "builds"), 1),
					   "status"));
}

/* Not one character too many, and none of them half. */
static void test_long_excerpt(void)
{
	cleanup_free char *excerpt = memory_alloc(40001);
	cleanup_fake struct fake_run fake;
	cleanup_json json_t *root = NULL;
	struct stored_finding finding = { 1000, { FINDING_BUG, (char[]){ "BUG" }, excerpt, 1 } };
	const char *kept;

	excerpt[0] = 'x';
	for (size_t i = 1; i + 1 < 40000; i += 2)
		memcpy(excerpt + i, "\xc3\xa4", 2);
	fake_run_init(&fake);
	fake.findings = &finding;
	fake.findings_count = 1;
	root = report_of(&fake);
	kept = text_of(find(root, "tests", "id", "kerngate:20261121-213000-quick.boot.1"),
		       "log_excerpt");
	CU_ASSERT_EQUAL(strlen(kept), 16384);
	CU_ASSERT_EQUAL(kept[16383], '?');
}

TEST_SUITE("report-kcidb", { "references", test_references },
	   { "measurements", test_measurements }, { "statuses of verdicts", test_statuses },
	   { "boots", test_boots }, { "issues", test_issues }, { "sources", test_sources },
	   { "other sources", test_other_sources }, { "a long excerpt", test_long_excerpt })
