/* test_baseline.c - a run as a file, and back; and every way in which a file can be
 * wrong, with the place where it is.
 */
#include <errno.h>
#include <string.h>

#include "baseline.h"
#include "files.h"
#include "history_run.h"
#include "memory.h"
#include "sample_run.h"
#include "test.h"

#define cleanup_baseline cleanup_with(baseline_release)

/* As baseline_format writes it. */
static const char good[] =
	"{\n"
	" \"campaign\": \"quick\",\n"
	" \"cells\": [\n"
	"  {\n"
	"   \"bad\": 0,\n"
	"   \"conditions\": [\n"
	"    \"accelerator=tcg\",\n"
	"    \"guest=up \\\"0\\\"\"\n"
	"   ],\n"
	"   \"finished\": 8,\n"
	"   \"guest\": \"up\",\n"
	"   \"rows\": [\n"
	"    {\n"
	"     \"arguments\": \"a=1\",\n"
	"     \"metrics\": [\n"
	"      {\n"
	"       \"better\": \"lower\",\n"
	"       \"figures\": [\n"
	"        \"0:1 1:1.5 2:0.10000000000000001 3:-2e+30 4:5 5:6\",\n"
	"        \"6:7 7:8\"\n"
	"       ],\n"
	"       \"kind\": \"tail\",\n"
	"       \"meaning\": \"a time\",\n"
	"       \"name\": \"t_ns\",\n"
	"       \"secondary\": false,\n"
	"       \"unit\": \"ns\"\n"
	"      }\n"
	"     ],\n"
	"     \"name\": \"row\",\n"
	"     \"workload\": \"w\"\n"
	"    }\n"
	"   ],\n"
	"   \"suite\": \"quick\"\n"
	"  }\n"
	" ],\n"
	" \"format\": 1,\n"
	" \"mode\": \"timed\",\n"
	" \"run_id\": \"20260101-000000-quick\",\n"
	" \"started_wall_ns\": 1767225600000000000,\n"
	" \"variant\": \"patched\"\n"
	"}\n";

static void test_parse(void)
{
	cleanup_baseline struct baseline b = { .run_id = NULL };
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(baseline_parse("b.json", good, strlen(good), &b, &err), 0);
	test_check_string(err.message, "");
	if (!test_check(b.count == 1) || !test_check(b.cells[0].count == 1))
		return;
	test_check_string(b.cells[0].conditions, "accelerator=tcg\nguest=up \"0\"\n");
	CU_ASSERT_EQUAL(b.cells[0].rows[0].metrics[0].count, 8);
	CU_ASSERT_EQUAL(b.cells[0].rows[0].metrics[0].figures[3].value, -2e30);
	CU_ASSERT_EQUAL(b.cells[0].rows[0].metrics[0].info.kind, METRIC_TAIL);
	CU_ASSERT_EQUAL(b.started_wall_ns, UINT64_C(1767225600000000000));
	/* 0.1 is written as short as it can be: canonical */
	baseline_format(&b, &out);
	test_check_contains(out.data, "\"0:1 1:1.5 2:0.1 3:-2e+30 4:5 5:6\"");
}

/* A run's baseline is read back as it was, to the last byte. */
static void test_round_trip(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	const struct history_night night = { .number = 1, .factor = 1.1, .blocks_count = 9 };
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_baseline struct baseline a = { .run_id = NULL }, b = { .run_id = NULL };
	cleanup_strbuf struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;
	struct error err = ERROR_INIT;

	if (!store || !history_night_store(store, &night) ||
	    !test_check(!run_store_load(store, NULL, &run, &err)))
		return;
	CU_ASSERT_EQUAL(baseline_from_run(store, &run, NULL, &a, &err), 0);
	test_check_string(a.variant, "patched");
	baseline_format(&a, &first);
	CU_ASSERT_EQUAL(baseline_parse("b.json", first.data, first.length, &b, &err), 0);
	test_check_string(err.message, "");
	baseline_format(&b, &second);
	test_check_string(second.data, first.data);
	CU_ASSERT_EQUAL(b.count, 2);
	/* sorted: numa before up */
	test_check_string(b.cells[0].guest, "numa");
	test_check_string(b.cells[1].conditions, "accelerator=tcg\nguest=up 0\nhost.cpu=A\n"
			  "kerngate=1\n");
	CU_ASSERT_EQUAL(b.cells[1].finished, 9);
	CU_ASSERT_EQUAL(b.cells[1].rows[0].metrics[0].count, 9);
	baseline_release(&a);
	CU_ASSERT_EQUAL(baseline_from_run(store, &run, "stock", &a, &err), 0);
	CU_ASSERT_EQUAL(a.cells[1].rows[0].metrics[0].count, 18);
	baseline_release(&a);
	CU_ASSERT_EQUAL(baseline_from_run(store, &run, "stok", &a, &err), -ENOENT);
	test_check_contains(err.message, "did you mean 'stock'?");
}

/* Replaces `from` in the good file by `to` and expects the refusal. */
static void refuse(const char *from, const char *to, int code, const char *message)
{
	cleanup_baseline struct baseline b = { .run_id = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const char *at = strstr(good, from);
	struct error err = ERROR_INIT;

	if (!test_check(at != NULL))
		return;
	strbuf_add(&text, good, (size_t)(at - good));
	strbuf_adds(&text, to);
	strbuf_adds(&text, at + strlen(from));
	CU_ASSERT_EQUAL(baseline_parse("b.json", text.data, text.length, &b, &err), code);
	test_check_contains(err.message, message);
	CU_ASSERT_PTR_NULL(b.run_id);
}

static void test_refused(void)
{
	refuse("\"format\": 1", "\"format\": 2", -EPROTO,
	       "b.json:36:12: it is of a newer kerngate (format 2, this one knows 1)");
	refuse("\"format\": 1", "\"format\": 0", -EINVAL, "b.json:36:12: format: expected");
	refuse(" \"format\": 1,\n", "", -EINVAL, "'format'");
	refuse("\"mode\": \"timed\"", "\"mode\": \"slow\"", -EINVAL, "b.json:37:10: ");
	refuse("\"better\": \"lower\"", "\"better\": \"lowest\"", -EINVAL, "b.json:17:18: ");
	refuse("\"kind\": \"tail\"", "\"kind\": \"tale\"", -EINVAL,
	       "b.json:22:16: kind: expected time, rate, count, tail or outcome");
	refuse("\"finished\": 8", "\"finished\": -1", -EINVAL, "b.json:10:16: finished: expected");
	refuse("\"bad\": 0", "\"bad\": 9", -EINVAL, "b.json:5:11: bad: expected at most");
	refuse("6:7 7:8", "6:7 7", -EINVAL, "b.json:20:9: figures: expected BOOT:FIGURE");
	refuse("6:7 7:8", "6:7  7:8", -EINVAL, "expected BOOT:FIGURE");
	refuse("6:7 7:8", "6:nan", -EINVAL, "expected BOOT:FIGURE");
	refuse("6:7 7:8", "6:1e999", -EINVAL, "expected BOOT:FIGURE");
	refuse("6:7 7:8", "-6:7", -EINVAL, "expected BOOT:FIGURE");
	refuse("6:7 7:8", "6:0x", -EINVAL, "expected BOOT:FIGURE");
	refuse("\"accelerator=tcg\"", "\"accelerator\"", -EINVAL, "expected KEY=VALUE");
	refuse("\"name\": \"t_ns\"", "\"name\": 5", -EINVAL, "b.json:24:16: name: expected text");
	refuse("\"name\": \"t_ns\",\n", "", -EINVAL, "'name'");
	refuse("\"unit\"", "\"units\"", -EINVAL, "units");
	refuse("\"rows\": [", "\"rows\": 5, \"x\": [", -EINVAL, "b.json:12");
	refuse("{\n", "[\n", -EINVAL, "b.json:");
	refuse(" \"cells\"", " cells\"", -EINVAL, "b.json:");
	refuse("\"started_wall_ns\": 1767225600000000000", "\"started_wall_ns\": 1e30", -EINVAL,
	       "b.json:39:21: ");
}

static void test_twice(void)
{
	static const char metric[] =
		"      {\"better\": \"lower\", \"figures\": [\"0:1\"], \"kind\": \"time\","
		" \"name\": \"t_ns\", \"secondary\": true},\n      {\n       \"better\"";

	refuse("      {\n       \"better\"", metric, -EINVAL, "the metric 't_ns' is there twice");
}

static void test_files(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *path = baseline_path(folder, "v1");
	cleanup_baseline struct baseline b = { .run_id = NULL }, again = { .run_id = NULL };
	cleanup_strvec struct strvec names = STRVEC_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(baseline_names(folder, &names, &err), 0);
	CU_ASSERT_EQUAL(names.count, 0);
	CU_ASSERT_EQUAL(baseline_load(folder, "v1", &b, &err), -ENOENT);
	CU_ASSERT_EQUAL(baseline_parse("b.json", good, strlen(good), &b, &err), 0);
	CU_ASSERT_EQUAL(baseline_save(folder, "../v1", &b, false, &err), -EINVAL);
	CU_ASSERT_EQUAL(baseline_save(folder, "v1", &b, false, &err), 0);
	CU_ASSERT_EQUAL(baseline_save(folder, "v1", &b, false, &err), -EEXIST);
	test_check_contains(err.message, "--replace writes over it");
	CU_ASSERT_EQUAL(baseline_save(folder, "v1", &b, true, &err), 0);
	CU_ASSERT_TRUE(path_exists(path));
	CU_ASSERT_EQUAL(baseline_load(folder, "v1", &again, &err), 0);
	CU_ASSERT_EQUAL(baseline_names(folder, &names, &err), 0);
	if (test_check(names.count == 1))
		test_check_string(names.items[0], "v1");
}

TEST_SUITE("baseline",
	   {"parse", test_parse},
	   {"round trip", test_round_trip},
	   {"refused", test_refused},
	   {"twice", test_twice},
	   {"files", test_files})
