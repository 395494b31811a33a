/* test_report_maps.c - matrix.json of LKP and the Bencher Metric Format: against their
 * schemas by JSON::Validator, and figure by figure.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "reported.h"
#include "test.h"

static void cleanup_json_(json_t **json)
{
	json_decref(*json);
}

#define cleanup_json cleanup_with(cleanup_json_)

static json_t *report_of(const char *scene, enum report_format format)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;
	json_t *root;

	reported_make(scene, &fake);
	text = reported_text(&fake, format);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	CU_ASSERT_PTR_NOT_NULL(root);
	return root;
}

/* --- schemas ---------------------------------------------------------------------- */

static void check_schema(enum report_format format)
{
	cleanup_strvec struct strvec paths = STRVEC_INIT;
	cleanup_free char *name = string_format("formats/%s.schema.json",
						report_format_name(format));
	cleanup_free char *output = NULL;
	const char *argv[] = { "perl", test_fixture_path("formats/check_schema.pl"),
			       test_fixture_path(name), NULL };
	int code;

	reported_write_all(format, &paths);
	output = reported_run(argv, &paths, &code);
	if (output && !test_check(code == 0))
		fprintf(stderr, "%s\n", output);
}

static void test_schemas(void)
{
	check_schema(REPORT_LKP);
	check_schema(REPORT_BMF);
	check_schema(REPORT_KCIDB);
}

/* Each of the texts is refused, all by one run of the program. */
static void check_refused(const char *schema, const char *const *texts, size_t count)
{
	cleanup_free char *name = string_format("formats/%s.schema.json", schema);
	cleanup_strvec struct strvec paths = STRVEC_INIT;
	const char *argv[] = { "perl", test_fixture_path("formats/check_schema.pl"),
			       test_fixture_path(name), NULL };
	cleanup_free char *output = NULL;
	int code;

	for (size_t i = 0; i < count; i++) {
		cleanup_free char *path = reported_write("bad.json", texts[i]);

		strvec_push(&paths, path);
	}
	output = reported_run(argv, &paths, &code);
	if (!output)
		return;
	CU_ASSERT_NOT_EQUAL(code, 0);
	for (size_t i = 0; i < paths.count; i++) {
		cleanup_free char *error = string_format("%s: /", paths.items[i]);

		test_check_contains(output, error);
	}
}

#define KCIDB(part)                                                                       \
	"{\"version\":{\"major\":5,\"minor\":3},\"checkouts\":[],\"builds\":[],\"tests\":["   \
	part "],\"issues\":[],\"incidents\":[]}"
#define TEST_OBJECT(part)                                                                 \
	"{\"id\":\"a:b\",\"origin\":\"a\",\"build_id\":\"a:c\",\"path\":\"x.y\"," part "}"

/* The schemas refuse what they should, or the tests before say nothing. */
static void test_schemas_refuse(void)
{
	static const char *const lkp[] = {
		"{\"a.b\": 1}", "{\"ab\": [1]}", "{\"a.b\": [null]}",
	};
	static const char *const bmf[] = {
		"{\"a\": {\"b\": {\"lower_value\": 1, \"upper_value\": 2}}}",
		"{\"a\": {\"b\": {\"value\": null}}}",
		"{\"a\": {\"b\": {\"value\": 1, \"unit\": 2}}}",
	};
	static const char *const kcidb[] = {
		KCIDB(TEST_OBJECT("\"status\":\"OK\"")),
		KCIDB(TEST_OBJECT("\"status\":null")),
		KCIDB(TEST_OBJECT("\"status\":\"PASS\",\"more\":1")),
		KCIDB(TEST_OBJECT("\"status\":\"PASS\",\"number\":{\"value\":1}")),
		KCIDB("{\"id\":\"a\",\"origin\":\"a\",\"build_id\":\"a:c\","
		      "\"path\":\"x\",\"status\":\"PASS\"}"),
		KCIDB("{\"id\":\"a:b\",\"origin\":\"A\",\"build_id\":\"a:c\","
		      "\"path\":\"x..y\",\"status\":\"PASS\"}"),
		"{\"version\":{\"major\":4,\"minor\":3}}",
	};

	check_refused("lkp", lkp, ARRAY_COUNT(lkp));
	check_refused("bmf", bmf, ARRAY_COUNT(bmf));
	check_refused("kcidb", kcidb, ARRAY_COUNT(kcidb));
}

/* --- LKP ------------------------------------------------------------------------------ */

static void test_lkp(void)
{
	cleanup_json json_t *root = report_of("regressed", REPORT_LKP);
	json_t *stock = json_object_get(root, "stock/up/quick/fill.fallocate_ns");
	json_t *patched = json_object_get(root, "patched/up/quick/fill.fallocate_ns");
	json_t *boots = json_object_get(root, "patched/smp2/quick/boot.passed");

	/* 6 metrics and 2 cells of boots for 2 variants */
	CU_ASSERT_EQUAL(json_object_size(root), 2 * (6 + 2));
	CU_ASSERT_EQUAL(json_array_size(stock), 12);
	CU_ASSERT_EQUAL(json_array_size(patched), 6);
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_array_get(stock, 0)), 12512500, 1e-6);
	CU_ASSERT_EQUAL(json_array_size(boots), 6);
	CU_ASSERT_EQUAL(json_integer_value(json_array_get(boots, 0)), 1);
}

static void test_lkp_gaps(void)
{
	cleanup_json json_t *empty = report_of("empty", REPORT_LKP);
	cleanup_json json_t *bad = report_of("not-finite", REPORT_LKP);
	cleanup_json json_t *crashed = report_of("crashed", REPORT_LKP);
	json_t *boots = json_object_get(crashed, "patched/up/quick/boot.passed");

	CU_ASSERT_EQUAL(json_object_size(empty), 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(bad, "patched/up/quick/fill."
							"fallocate_ns")), 4);
	CU_ASSERT_EQUAL(json_array_size(boots), 6);
	CU_ASSERT_EQUAL(json_integer_value(json_array_get(boots, 2)), 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(crashed, "patched/smp2/quick/"
							"boot.passed")), 5);
}

/* Two metrics whose names come to the same stay two. */
static void test_twins(void)
{
	cleanup_json json_t *lkp = report_of("nasty", REPORT_LKP);
	cleanup_json json_t *bmf = report_of("nasty", REPORT_BMF);
	static const char program[] = "stock/u_p___________/quick/x__y___z__k_v";
	json_t *benchmark = json_object_get(bmf, program);

	CU_ASSERT_EQUAL(json_object_size(benchmark), 2);
	CU_ASSERT_PTR_NOT_NULL(json_object_get(benchmark, "m_1____-7-2"));
	CU_ASSERT_PTR_NOT_NULL(json_object_get(lkp, "stock/u_p___________/quick/"
					       "x__y___z__k_v.m_1____-7-2"));
}

/* --- Bencher ----------------------------------------------------------------------------- */

static void test_bmf(void)
{
	cleanup_json json_t *root = report_of("regressed", REPORT_BMF);
	json_t *measure = json_object_get(json_object_get(root, "patched/up/quick/fill"),
					  "fallocate_ns");
	double value = json_number_value(json_object_get(measure, "value"));

	CU_ASSERT_EQUAL(json_object_size(root), 2 * 3);
	CU_ASSERT_TRUE(fabs(value - 13.75e6) < 0.05e6);
	CU_ASSERT_TRUE(json_number_value(json_object_get(measure, "lower_value")) < value);
	CU_ASSERT_TRUE(json_number_value(json_object_get(measure, "upper_value")) > value);
}

/* Without bounds where there are none. */
static void test_bmf_gaps(void)
{
	cleanup_json json_t *one = report_of("one-boot", REPORT_BMF);
	cleanup_json json_t *zero = report_of("not-positive", REPORT_BMF);
	cleanup_json json_t *none = report_of("no-samples", REPORT_BMF);
	json_t *measure = json_object_get(json_object_get(one, "patched/up/quick/fill"),
					  "fallocate_ns");
	json_t *mean = json_object_get(json_object_get(zero, "stock/up/quick/fill"),
				       "fallocate_ns");

	CU_ASSERT_EQUAL(json_object_size(measure), 1);
	CU_ASSERT_TRUE(json_number_value(json_object_get(measure, "value")) > 13e6);
	CU_ASSERT_EQUAL(json_object_size(mean), 1);
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(mean, "value")), 3.5, 1e-9);
	CU_ASSERT_EQUAL(json_object_size(none), 0);
}

/* Names as long as Bencher allows. */
static void test_bmf_long_names(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;
	cleanup_json json_t *root = NULL;
	json_t *benchmark;
	const char *key;

	fake_run_init(&fake);
	for (int i = 0; i < 2; i++) {
		free(fake.run.cells[0].rows[0].metrics[i].name);
		fake.run.cells[0].rows[0].metrics[i].name = memory_alloc(200);
		memset(fake.run.cells[0].rows[0].metrics[i].name, 'x', 199);
	}
	text = reported_text(&fake, REPORT_BMF);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	benchmark = json_object_get(root, "patched/up/quick/fill");
	CU_ASSERT_EQUAL(json_object_size(benchmark), 2);
	for (void *at = json_object_iter(benchmark); at;
	     at = json_object_iter_next(benchmark, at)) {
		key = json_object_iter_key(at);
		CU_ASSERT_TRUE(strlen(key) <= 64);
	}
}

TEST_SUITE("report-maps", { "by the schemas", test_schemas },
	   { "what the schemas refuse", test_schemas_refuse }, { "LKP", test_lkp },
	   { "LKP with gaps", test_lkp_gaps }, { "names that come to the same", test_twins },
	   { "BMF", test_bmf }, { "BMF with gaps", test_bmf_gaps },
	   { "BMF, long names", test_bmf_long_names })
