/* test_guest_lines.c - streams of result lines: well-behaved, and wrong in every way that
 * a guest might be. Those of real guests are in test_guest_lines_recorded.c.
 */
#include <math.h>
#include <string.h>

#include "files.h"
#include "guest_lines.h"
#include "hash.h"
#include "memory.h"
#include "strbuf.h"
#include "test.h"

#define TRIAL "20261121-213000-quick-0001"
#define HELLO                                                                  \
	"hello {\"protocol\":1,\"trial\":\"" TRIAL "\",\"kernel_release\":"    \
	"\"7.3.4\",\"cpus_count\":2,\"memory_mib\":981,\"rows_count\":2}"
#define ROW0 "row {\"row\":0,\"name\":\"first\"}"
#define ROW1 "row {\"row\":1,\"name\":\"second\"}"
#define PASSED0 "outcome {\"row\":0,\"outcome\":\"passed\"}"
#define PASSED1 "outcome {\"row\":1,\"outcome\":\"passed\"}"
#define SAMPLE0 "sample {\"row\":0,\"metric\":\"fill_ns\",\"first\":0,\"values\":[5]}"

static struct metric_info metrics[] = {
	{ .name = (char *)"fill_ns", .unit = (char *)"ns", .kind = METRIC_TIME },
	{ .name = (char *)"delta", .unit = (char *)"1", .kind = METRIC_COUNT },
	{ .name = (char *)"wait_ms", .unit = (char *)"ms", .kind = METRIC_TAIL },
};

static const struct workload_info fill = {
	.name = (char *)"fill", .metrics = metrics, .metrics_count = 3,
};

static const struct workload_info *const workloads[] = { &fill, &fill };
static const char *const row_names[] = { "first", "second" };

static const struct guest_expectation expectation = {
	.trial_id = TRIAL, .rows_count = 2, .workloads = workloads,
	.row_names = row_names,
};

static void cleanup_lines(struct guest_lines **lines)
{
	guest_lines_free(*lines);
}

#define cleanup_guest cleanup_with(cleanup_lines) struct guest_lines *
#define cleanup_result cleanup_with(trial_result_release) struct trial_result

/* Appends "KIND JSON" as the line of that number. */
static void seal(struct strbuf *stream, uint64_t sequence, const char *text)
{
	cleanup_free char *line = string_format(
		"KG1 %llu %s", (unsigned long long)sequence, text);

	strbuf_addf(stream, "%s %08x\n", line, crc32_of(line, strlen(line)));
}

/* Feeds lines with the right frame, as from a guest. */
static struct guest_lines *fed(const char *const *texts, size_t count)
{
	struct guest_lines *lines = guest_lines_new(&expectation);
	cleanup_strbuf struct strbuf stream = STRBUF_INIT;

	for (size_t i = 0; i < count; i++)
		seal(&stream, i, texts[i]);
	guest_lines_feed(lines, stream.data, stream.length);
	return lines;
}

static void test_good_stream(void)
{
	static const char *const texts[] = {
		HELLO, ROW0,
		"sample {\"row\":0,\"metric\":\"fill_ns\",\"first\":0,\"values\":"
		"[9007199254740992,2.5]}",
		"sample {\"row\":0,\"metric\":\"fill_ns\",\"first\":2,\"values\":[0]}",
		"sample {\"row\":0,\"metric\":\"delta\",\"first\":0,\"values\":[-3]}",
		"artifact {\"row\":0,\"name\":\"a.json\",\"offset\":0,\"total\":5,"
		"\"data\":\"aGVs\"}",
		"artifact {\"row\":0,\"name\":\"a.json\",\"offset\":3,\"total\":5,"
		"\"data\":\"bG8=\"}",
		"evidence {\"row\":0,\"wall_ns\":10,\"steal_ns\":1,"
		"\"context_switches_count\":2,\"interrupts_count\":3}",
		PASSED0, ROW1,
		"artifact {\"row\":1,\"name\":\"empty\",\"offset\":0,\"total\":0,"
		"\"data\":\"\"}",
		PASSED1, "end {\"lines\":12}",
	};
	cleanup_guest lines = fed(texts, ARRAY_COUNT(texts));
	cleanup_result result = TRIAL_RESULT_INIT;
	const struct guest_artifact *artifacts;
	struct guest_evidence evidence;
	size_t count;

	CU_ASSERT_PTR_NULL(guest_lines_broken_reason(lines));
	CU_ASSERT_TRUE(guest_lines_has_hello(lines) && guest_lines_has_end(lines));
	CU_ASSERT_EQUAL(guest_lines_current_row(lines), -1);
	guest_lines_artifacts(lines, &artifacts, &count);
	if (test_check(count == 2)) {
		test_check_string(artifacts[0].name, "a.json");
		test_check_string(artifacts[0].data, "hello");
		CU_ASSERT_EQUAL(artifacts[0].length, 5);
		CU_ASSERT_EQUAL(artifacts[1].row, 1);
		test_check_string(artifacts[1].data, "");
	}
	CU_ASSERT_TRUE(guest_lines_evidence(lines, 0, &evidence));
	CU_ASSERT_EQUAL(evidence.context_switches_count, 2);
	CU_ASSERT_FALSE(guest_lines_evidence(lines, 1, &evidence));
	guest_lines_finish(lines, &result);
	CU_ASSERT_EQUAL(result.outcome, OUTCOME_PASSED);
	CU_ASSERT_PTR_NULL(result.reason);
	test_check_string(result.kernel_release, "7.3.4");
	if (!test_check(result.rows_count == 2 && result.samples_count == 4))
		return;
	CU_ASSERT_EQUAL(result.rows[0].outcome, OUTCOME_PASSED);
	CU_ASSERT_EQUAL(result.samples[0].value, 9007199254740992.0);
	CU_ASSERT_EQUAL(result.samples[1].value, 2.5);
	CU_ASSERT_EQUAL(result.samples[2].iteration, 2);
	test_check_string(result.samples[3].metric, "delta");
	CU_ASSERT_EQUAL(result.samples[3].value, -3);
}

#define REQUEST(rest) "request {\"row\":0,\"device\":" rest "}"

/* Taken one by one, in order; the samples of the row come all the same. */
static void test_requests(void)
{
	static const char *const texts[] = {
		HELLO, ROW0, REQUEST("\"dimm\",\"size_mib\":1024"), SAMPLE0,
		REQUEST("\"dimm\",\"size_mib\":1"), PASSED0, ROW1, PASSED1,
		"end {\"lines\":8}",
	};
	cleanup_guest lines = fed(texts, 3);
	cleanup_guest whole = fed(texts, ARRAY_COUNT(texts));
	cleanup_result result = TRIAL_RESULT_INIT;
	struct guest_request request = { .row = 7 };

	CU_ASSERT_TRUE(guest_lines_take_request(lines, &request));
	CU_ASSERT_EQUAL(request.row, 0);
	CU_ASSERT_EQUAL(request.dimm_mib, 1024);
	CU_ASSERT_FALSE(guest_lines_take_request(lines, &request));
	CU_ASSERT_TRUE(guest_lines_take_request(whole, &request));
	CU_ASSERT_TRUE(guest_lines_take_request(whole, &request));
	CU_ASSERT_EQUAL(request.dimm_mib, 1);
	CU_ASSERT_FALSE(guest_lines_take_request(whole, &request));
	guest_lines_finish(whole, &result);
	CU_ASSERT_EQUAL(result.outcome, OUTCOME_PASSED);
	CU_ASSERT_EQUAL(result.samples_count, 1);
}

/* The host's word is a reason like any other, and nothing is done after it. */
static void test_request_refused(void)
{
	static const char *const texts[] = {
		HELLO, ROW0, REQUEST("\"dimm\",\"size_mib\":128"),
		REQUEST("\"dimm\",\"size_mib\":256"),
	};
	cleanup_guest lines = fed(texts, ARRAY_COUNT(texts));
	cleanup_result result = TRIAL_RESULT_INIT;
	struct guest_request request;

	CU_ASSERT_TRUE(guest_lines_take_request(lines, &request));
	guest_lines_refuse(lines, "no slot is left\n");
	guest_lines_refuse(lines, "another reason");
	CU_ASSERT_FALSE(guest_lines_take_request(lines, &request));
	test_check_string(guest_lines_broken_reason(lines), "no slot is left?");
	guest_lines_finish(lines, &result);
	CU_ASSERT_EQUAL(result.outcome, OUTCOME_BROKEN);
	test_check_string(result.reason, "no slot is left?");
	test_check_string(result.rows[0].reason, "no slot is left?");
}

static void test_too_many_requests(void)
{
	cleanup_guest lines = guest_lines_new(&expectation);
	cleanup_strbuf struct strbuf stream = STRBUF_INIT;
	struct guest_request request;

	seal(&stream, 0, HELLO);
	seal(&stream, 1, ROW0);
	for (uint64_t i = 0; i < GUEST_REQUESTS_MAX; i++)
		seal(&stream, 2 + i, REQUEST("\"dimm\",\"size_mib\":128"));
	guest_lines_feed(lines, stream.data, stream.length);
	CU_ASSERT_PTR_NULL(guest_lines_broken_reason(lines));
	CU_ASSERT_TRUE(guest_lines_take_request(lines, &request));
	strbuf_reset(&stream);
	seal(&stream, 2 + GUEST_REQUESTS_MAX, REQUEST("\"dimm\",\"size_mib\":128"));
	guest_lines_feed(lines, stream.data, stream.length);
	test_check_string(guest_lines_broken_reason(lines), "more than 256 requests");
}

#define BAD(why, ...) { { __VA_ARGS__ }, why }
#define SAMPLE(rest) "sample {\"row\":0,\"metric\":" rest "}"
#define ARTIFACT(rest) "artifact {\"row\":0,\"name\":" rest "}"
static const struct {
	const char *texts[8];
	const char *why;
} wrong_contents[] = {
	BAD("row line before the hello", ROW0),
	BAD("says it is trial another",
	    "hello {\"protocol\":1,\"trial\":\"another\",\"kernel_release\":"
	    "\"x\",\"cpus_count\":2,\"memory_mib\":9,\"rows_count\":2}"),
	BAD("protocol 2", "hello {\"protocol\":2,\"trial\":\"" TRIAL "\","
	    "\"kernel_release\":\"x\",\"cpus_count\":2,\"memory_mib\":9,"
	    "\"rows_count\":2}"),
	BAD("3 rows, expected 2", "hello {\"protocol\":1,\"trial\":\""
	    TRIAL "\",\"kernel_release\":\"x\",\"cpus_count\":2,"
	    "\"memory_mib\":9,\"rows_count\":3}"),
	BAD("second hello", HELLO, HELLO),
	BAD("begins out of order", HELLO, ROW1),
	BAD("begins out of order", HELLO, ROW0, ROW0),
	BAD("begins out of order", HELLO, ROW0, PASSED0, ROW0),
	BAD("begins out of order", HELLO, ROW0, PASSED0, ROW1, PASSED1,
	    "row {\"row\":2,\"name\":\"first\"}"),
	BAD("says it is second, expected first", HELLO,
	    "row {\"row\":0,\"name\":\"second\"}"),
	BAD("not running", HELLO, SAMPLE0),
	BAD("not running", HELLO, ROW0, PASSED0, SAMPLE0),
	BAD("not running", HELLO, PASSED0),
	BAD("not running", HELLO, ROW0, PASSED1),
	BAD("not running", HELLO, ROW0,
	    "outcome {\"row\":-1,\"outcome\":\"passed\"}"),
	BAD("metric made_up is not declared", HELLO, ROW0,
	    SAMPLE("\"made_up\",\"first\":0,\"values\":[1]")),
	BAD("from sample 0 on", HELLO, ROW0,
	    SAMPLE("\"fill_ns\",\"first\":1,\"values\":[1]")),
	BAD("from sample 1 on", HELLO, ROW0, SAMPLE0, SAMPLE0),
	BAD("from sample 0 on", HELLO, ROW0,
	    SAMPLE("\"fill_ns\",\"first\":0,\"values\":[]")),
	BAD("from sample 0 on", HELLO, ROW0,
	    SAMPLE("\"fill_ns\",\"first\":0,\"values\":5")),
	BAD("no number", HELLO, ROW0,
	    SAMPLE("\"fill_ns\",\"first\":0,\"values\":[1,\"2\"]")),
	BAD("no number", HELLO, ROW0,
	    SAMPLE("\"fill_ns\",\"first\":0,\"values\":[null]")),
	BAD("not JSON", HELLO, ROW0,
	    SAMPLE("\"fill_ns\",\"first\":0,\"values\":[NaN]")),
	BAD("not JSON", HELLO, ROW0,
	    SAMPLE("\"fill_ns\",\"first\":0,\"values\":[1e999]")),
	BAD("not JSON", HELLO, ROW0,
	    SAMPLE("\"fill_ns\",\"first\":0,\"values\":[99999999999999999999]")),
	BAD("negative time -1", HELLO, ROW0,
	    SAMPLE("\"fill_ns\",\"first\":0,\"values\":[-1]")),
	BAD("negative time -0.5", HELLO, ROW0,
	    SAMPLE("\"wait_ms\",\"first\":0,\"values\":[-0.5]")),
	BAD("line 2: ", HELLO, ROW0, "sample {\"row\":0}"),
	BAD("line 2: ", HELLO, ROW0, "sample []"),
	BAD("line 2: ", HELLO, ROW0, "outcome {\"row\":0,\"outcome\":\"passed\""
	    ",\"more\":1}"),
	BAD("line 2: ", HELLO, ROW0, "outcome {\"row\":\"0\",\"outcome\":"
	    "\"passed\"}"),
	BAD("not JSON", HELLO, ROW0,
	    "outcome {\"row\":0,\"row\":0,\"outcome\":\"passed\"}"),
	BAD("not JSON", HELLO, ROW0, "outcome {\"row\":0"),
	BAD("not JSON", HELLO, ROW0, "outcome "),
	BAD("not JSON", HELLO, ROW0, PASSED0 "{}"),
	BAD("unknown outcome fine", HELLO, ROW0,
	    "outcome {\"row\":0,\"outcome\":\"fine\"}"),
	BAD("negative evidence", HELLO, ROW0,
	    "evidence {\"row\":0,\"wall_ns\":-1,\"steal_ns\":0,"
	    "\"context_switches_count\":0,\"interrupts_count\":0}"),
	BAD("not running", HELLO, REQUEST("\"dimm\",\"size_mib\":128")),
	BAD("not running", HELLO, ROW0, PASSED0, REQUEST("\"dimm\",\"size_mib\":128")),
	BAD("asks for the device disk, expected dimm", HELLO, ROW0,
	    REQUEST("\"disk\",\"size_mib\":128")),
	BAD("a DIMM of 0 MiB, expected 1..16777216", HELLO, ROW0,
	    REQUEST("\"dimm\",\"size_mib\":0")),
	BAD("a DIMM of -128 MiB", HELLO, ROW0, REQUEST("\"dimm\",\"size_mib\":-128")),
	BAD("a DIMM of 16777217 MiB", HELLO, ROW0,
	    REQUEST("\"dimm\",\"size_mib\":16777217")),
	BAD("line 2: ", HELLO, ROW0, REQUEST("\"dimm\",\"size_mib\":\"128\"")),
	BAD("line 2: ", HELLO, ROW0, REQUEST("\"dimm\"")),
	BAD("line 2: ", HELLO, ROW0, REQUEST("\"dimm\",\"size_mib\":128,\"node\":0")),
	BAD("bad name", HELLO, ROW0,
	    ARTIFACT("\"../x\",\"offset\":0,\"total\":0,\"data\":\"\"")),
	BAD("bad name", HELLO, ROW0,
	    ARTIFACT("\".x\",\"offset\":0,\"total\":0,\"data\":\"\"")),
	BAD("bad name", HELLO, ROW0,
	    ARTIFACT("\"\",\"offset\":0,\"total\":0,\"data\":\"\"")),
	BAD("over 8388608 bytes", HELLO, ROW0,
	    ARTIFACT("\"x\",\"offset\":0,\"total\":8388609,\"data\":\"\"")),
	BAD("not base64", HELLO, ROW0,
	    ARTIFACT("\"x\",\"offset\":0,\"total\":3,\"data\":\"aGV\"")),
	BAD("does not begin at byte 0", HELLO, ROW0,
	    ARTIFACT("\"x\",\"offset\":3,\"total\":6,\"data\":\"aGVs\"")),
	BAD("expected byte 3 of 6", HELLO, ROW0,
	    ARTIFACT("\"x\",\"offset\":0,\"total\":6,\"data\":\"aGVs\""),
	    ARTIFACT("\"x\",\"offset\":0,\"total\":6,\"data\":\"aGVs\"")),
	BAD("expected byte 3 of 6", HELLO, ROW0,
	    ARTIFACT("\"x\",\"offset\":0,\"total\":6,\"data\":\"aGVs\""),
	    ARTIFACT("\"x\",\"offset\":3,\"total\":7,\"data\":\"aGVs\"")),
	BAD("not the 2 bytes announced", HELLO, ROW0,
	    ARTIFACT("\"x\",\"offset\":0,\"total\":2,\"data\":\"aGVs\"")),
	BAD("not the 2 bytes announced", HELLO, ROW0,
	    ARTIFACT("\"x\",\"offset\":0,\"total\":2,\"data\":\"\"")),
	BAD("3 of 6 bytes came", HELLO, ROW0,
	    ARTIFACT("\"x\",\"offset\":0,\"total\":6,\"data\":\"aGVs\""),
	    PASSED0),
	BAD("before row 0 was over", HELLO, "end {\"lines\":1}"),
	BAD("before row 0 was over", HELLO, ROW0, "end {\"lines\":2}"),
	BAD("counts 4 lines, 5 came", HELLO, ROW0, PASSED0, ROW1, PASSED1,
	    "end {\"lines\":4}"),
	BAD("after the end line", HELLO, ROW0, PASSED0, ROW1, PASSED1,
	    "end {\"lines\":5}", "end {\"lines\":6}"),
};

static void test_wrong_content(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(wrong_contents); i++) {
		cleanup_result result = TRIAL_RESULT_INIT;
		size_t count = 0;

		while (count < 8 && wrong_contents[i].texts[count])
			count++;
		cleanup_guest lines = fed(wrong_contents[i].texts, count);

		test_check_contains(guest_lines_broken_reason(lines), wrong_contents[i].why);
		guest_lines_finish(lines, &result);
		CU_ASSERT_EQUAL(result.outcome, OUTCOME_BROKEN);
		test_check_contains(result.reason, wrong_contents[i].why);
		CU_ASSERT_EQUAL(result.samples_count, 0);
		CU_ASSERT_EQUAL(result.rows_count, 2);
		CU_ASSERT_EQUAL(result.rows[0].outcome, OUTCOME_BROKEN);
	}
}

/* Bytes that never were lines. */
static void test_wrong_bytes(void)
{
	cleanup_strbuf struct strbuf good = STRBUF_INIT;
	static const struct {
		const char *text;
		size_t length; /* 0: strlen */
		const char *why;
	} cases[] = {
		{ "this is no line\n", 0, "line 1 does not begin with KG1" },
		{ "\n", 0, "line 1 does not begin" },
		{ "\0\0\0\0\n", 5, "line 1 does not begin" },
		{ "KG1 1 row {\"row\":0,\"name\":\"first\"} 00000000\n", 0,
		  "line 1 has a wrong checksum" },
	};

	seal(&good, 0, HELLO);
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_guest lines = guest_lines_new(&expectation);
		size_t length = cases[i].length ? cases[i].length :
						  strlen(cases[i].text);

		guest_lines_feed(lines, good.data, good.length);
		guest_lines_feed(lines, cases[i].text, length);
		test_check_contains(guest_lines_broken_reason(lines), cases[i].why);
	}
}

static void test_wrong_sequence(void)
{
	static const uint64_t numbers[] = { 0, 2, 100000000000000000 };

	for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
		cleanup_guest lines = guest_lines_new(&expectation);
		cleanup_strbuf struct strbuf stream = STRBUF_INIT;

		seal(&stream, 0, HELLO);
		seal(&stream, numbers[i], ROW0);
		guest_lines_feed(lines, stream.data, stream.length);
		test_check_contains(guest_lines_broken_reason(lines),
				    "line 1 says it is line");
	}
}

static void test_bounds(void)
{
	static char bytes[65536];
	cleanup_guest endless = guest_lines_new(&expectation);
	cleanup_guest flood = guest_lines_new(&expectation);
	cleanup_strbuf struct strbuf stream = STRBUF_INIT;
	uint64_t sequence;

	memset(bytes, 'x', sizeof(bytes));
	guest_lines_feed(endless, bytes, GUEST_LINE_MAX - 1);
	CU_ASSERT_PTR_NULL(guest_lines_broken_reason(endless));
	guest_lines_feed(endless, bytes, 1);
	test_check_contains(guest_lines_broken_reason(endless),
			    "line 0 is longer than 4096 bytes");

	seal(&stream, 0, HELLO);
	seal(&stream, 1, ROW0);
	for (sequence = 2; stream.length <= GUEST_STREAM_MAX; sequence++)
		seal(&stream, sequence,
		     "evidence {\"row\":0,\"wall_ns\":1,\"steal_ns\":0,"
		     "\"context_switches_count\":0,\"interrupts_count\":0}");
	for (size_t at = 0; at < stream.length; at += sizeof(bytes)) {
		size_t left = stream.length - at;

		guest_lines_feed(flood, stream.data + at,
				 left < sizeof(bytes) ? left : sizeof(bytes));
	}
	test_check_contains(guest_lines_broken_reason(flood),
			    "more than 16777216 bytes");
}

static void test_too_many_samples(void)
{
	cleanup_guest lines = guest_lines_new(&expectation);
	cleanup_strbuf struct strbuf stream = STRBUF_INIT, values = STRBUF_INIT;
	cleanup_result result = TRIAL_RESULT_INIT;
	uint64_t sequence = 2, first;

	for (int i = 0; i < 2000; i++)
		strbuf_adds(&values, i ? ",7" : "7");
	seal(&stream, 0, HELLO);
	seal(&stream, 1, ROW0);
	for (first = 0; first <= GUEST_SAMPLES_MAX; first += 2000) {
		cleanup_free char *text = string_format(
			"sample {\"row\":0,\"metric\":\"fill_ns\",\"first\":%llu,"
			"\"values\":[%s]}", (unsigned long long)first, values.data);

		if (first == GUEST_SAMPLES_MAX) {
			guest_lines_feed(lines, stream.data, stream.length);
			CU_ASSERT_PTR_NULL(guest_lines_broken_reason(lines));
			strbuf_reset(&stream);
		}
		seal(&stream, sequence++, text);
	}
	guest_lines_feed(lines, stream.data, stream.length);
	test_check_contains(guest_lines_broken_reason(lines),
			    "more than 1000000 samples");
	guest_lines_finish(lines, &result);
	CU_ASSERT_EQUAL(result.samples_count, 0);
}

/* What a guest says is shown to people: no escape sequence gets through. */
static void test_reasons_are_harmless(void)
{
	static const char *const texts[] = {
		"hello {\"protocol\":1,\"trial\":\"\\u001b[2J\xc3\xa4\","
		"\"kernel_release\":\"x\",\"cpus_count\":2,\"memory_mib\":9,"
		"\"rows_count\":2}",
	};
	static const char *const outcome[] = {
		HELLO, ROW0,
		"outcome {\"row\":0,\"outcome\":\"failed\",\"reason\":"
		"\"a\\u001b[2J\\nb\"}",
		ROW1, PASSED1, "end {\"lines\":5}",
	};
	cleanup_guest liar = fed(texts, ARRAY_COUNT(texts));
	cleanup_guest lines = fed(outcome, ARRAY_COUNT(outcome));
	cleanup_result result = TRIAL_RESULT_INIT;

	test_check_contains(guest_lines_broken_reason(liar), "is trial ?[2J??,");
	guest_lines_finish(lines, &result);
	CU_ASSERT_EQUAL(result.outcome, OUTCOME_FAILED);
	test_check_string(result.reason, "first: a?[2J?b");
}

static void test_missing_end(void)
{
	static const char *const none[] = { NULL };
	static const char *const some[] = { HELLO, ROW0, SAMPLE0, PASSED0, ROW1 };
	cleanup_guest silent = fed(none, 0);
	cleanup_guest cut = fed(some, 5);
	cleanup_result first = TRIAL_RESULT_INIT, second = TRIAL_RESULT_INIT;

	guest_lines_finish(silent, &first);
	CU_ASSERT_EQUAL(first.outcome, OUTCOME_BROKEN);
	test_check_string(first.reason, "no hello line");
	CU_ASSERT_PTR_NULL(first.kernel_release);
	CU_ASSERT_EQUAL(guest_lines_current_row(cut), 1);
	guest_lines_feed(cut, "KG1 5 outc", 10);
	guest_lines_finish(cut, &second);
	CU_ASSERT_EQUAL(second.outcome, OUTCOME_BROKEN);
	test_check_string(second.reason, "line 5 is cut short at the end");
	CU_ASSERT_EQUAL(second.samples_count, 0);
}

/* A guest that was ended at a deadline keeps the rows that were over. */
static void test_ended_from_outside(void)
{
	static const char *const texts[] = { HELLO, ROW0, SAMPLE0, PASSED0, ROW1 };
	static const char *const early[] = { HELLO };
	cleanup_guest lines = fed(texts, 5);
	cleanup_guest before = fed(early, 1);
	cleanup_result result = TRIAL_RESULT_INIT, nothing = TRIAL_RESULT_INIT;

	trial_result_worsen(&result, OUTCOME_TIMED_OUT, "no output for 30 s");
	guest_lines_feed(lines, "KG1 5 outc", 10);
	guest_lines_finish(lines, &result);
	CU_ASSERT_EQUAL(result.outcome, OUTCOME_TIMED_OUT);
	test_check_string(result.reason, "no output for 30 s");
	CU_ASSERT_EQUAL(result.samples_count, 1);
	CU_ASSERT_EQUAL(result.rows[0].outcome, OUTCOME_PASSED);
	CU_ASSERT_EQUAL(result.rows[1].outcome, OUTCOME_TIMED_OUT);
	test_check_string(result.rows[1].reason, "no output for 30 s");

	trial_result_worsen(&nothing, OUTCOME_CRASHED, "panic");
	guest_lines_finish(before, &nothing);
	CU_ASSERT_EQUAL(nothing.outcome, OUTCOME_CRASHED);
	CU_ASSERT_EQUAL(nothing.rows[1].outcome, OUTCOME_BROKEN);
	test_check_string(nothing.rows[1].reason, "not reached");
}

TEST_SUITE("guest_lines", { "a good stream", test_good_stream },
	   { "requests", test_requests },
	   { "a request that the host refuses", test_request_refused },
	   { "requests are bounded", test_too_many_requests },
	   { "wrong content breaks the trial", test_wrong_content },
	   { "wrong bytes break the trial", test_wrong_bytes },
	   { "wrong sequence numbers", test_wrong_sequence },
	   { "lines and streams are bounded", test_bounds },
	   { "samples are bounded", test_too_many_samples },
	   { "reasons are harmless text", test_reasons_are_harmless },
	   { "a missing end", test_missing_end },
	   { "ended from outside", test_ended_from_outside })
