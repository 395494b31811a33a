/* test_tool_output.c - rt-tests' own JSON, and JSON that no tool would write. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "test.h"
#include "tool_output.h"

#define THREAD(fields) "{\"thread\": {\"0\": {" fields "}}}"

static void cleanup_output(struct cyclictest_output *output)
{
	cyclictest_output_release(output);
}

#define cleanup_cyclictest cleanup_with(cleanup_output) struct cyclictest_output
#define cleanup_result cleanup_with(trial_result_release) struct trial_result

static char *fixture_read(const char *name)
{
	char *text = NULL;

	CU_ASSERT_EQUAL(file_read(test_fixture_path(name), 1 << 20, &text, NULL), 0);
	return text;
}

static int parse(const char *text, struct cyclictest_output *output,
		 struct error *err)
{
	return cyclictest_output_parse(text, strlen(text), output, err);
}

static void test_two_threads(void)
{
	cleanup_free char *text = fixture_read("guest/cyclictest-two-threads.json");
	cleanup_cyclictest output = { .threads = NULL };
	struct error err = ERROR_INIT;

	if (!text || !test_check(parse(text, &output, &err) == 0) ||
	    !test_check(output.threads_count == 2))
		return;
	CU_ASSERT_EQUAL(output.threads[0].thread, 0);
	CU_ASSERT_EQUAL(output.threads[1].cpu, 1);
	CU_ASSERT_EQUAL(output.threads[0].cycles, 50);
	CU_ASSERT_EQUAL(output.threads[0].min_ns, 13000);
	CU_ASSERT_EQUAL(output.threads[0].max_ns, 16000);
	CU_ASSERT_DOUBLE_EQUAL(output.threads[0].avg_ns, 13720, 1e-6);
	CU_ASSERT_EQUAL(output.threads[0].bins_count, 4);
	CU_ASSERT_EQUAL(output.threads[0].bins[1].value_ns, 14000);
	CU_ASSERT_EQUAL(output.threads[0].bins[1].count, 27);
	/* 48 x 13, 46 x 14, 3 x 15, 3 x 16 us */
	CU_ASSERT_EQUAL(cyclictest_output_quantile_ns(&output, 0.48), 13000);
	CU_ASSERT_EQUAL(cyclictest_output_quantile_ns(&output, 0.49), 14000);
	CU_ASSERT_EQUAL(cyclictest_output_quantile_ns(&output, 0.94), 14000);
	CU_ASSERT_EQUAL(cyclictest_output_quantile_ns(&output, 0.97), 15000);
	CU_ASSERT_EQUAL(cyclictest_output_quantile_ns(&output, 0.98), 16000);
	CU_ASSERT_EQUAL(cyclictest_output_quantile_ns(&output, 1), 16000);
	CU_ASSERT_EQUAL(cyclictest_output_quantile_ns(&output, 1e-9), 13000);
}

static double sample_of(const struct trial_result *result, const char *metric)
{
	for (size_t i = 0; i < result->samples_count; i++)
		if (!strcmp(result->samples[i].metric, metric))
			return result->samples[i].value;
	return NAN;
}

static void test_samples_of_a_guest(void)
{
	cleanup_free char *text = fixture_read("guest/cyclictest-guest.json");
	cleanup_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	if (!text)
		return;
	CU_ASSERT_EQUAL(tool_output_samples("cyclictest", "cyclictest.json", text,
					    strlen(text), 3, &result, &err), 0);
	if (!test_check(result.samples_count == 4))
		return;
	CU_ASSERT_EQUAL(result.samples[0].row, 3);
	CU_ASSERT_EQUAL(result.samples[0].iteration, 0);
	CU_ASSERT_EQUAL(sample_of(&result, "latency_p50_ns"), 63000);
	CU_ASSERT_EQUAL(sample_of(&result, "latency_p99_ns"), 314000);
	CU_ASSERT_EQUAL(sample_of(&result, "latency_max_ns"), 4921000);
	CU_ASSERT_DOUBLE_EQUAL(sample_of(&result, "latency_avg_ns"), 83648.332217,
			       1e-3);
}

static void test_other_artifacts(void)
{
	cleanup_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(tool_output_samples("cyclictest", "notes.txt", "x", 1, 0,
					    &result, &err), 0);
	CU_ASSERT_EQUAL(tool_output_samples("fill", "cyclictest.json", "x", 1, 0,
					    &result, &err), 0);
	CU_ASSERT_EQUAL(result.samples_count, 0);
}

/* What overflowed the histogram is slower than all that is in it. */
static void test_overflow(void)
{
	static const char text[] = THREAD(
		"\"histogram\": {\"20\": 1, \"3\": 8}, \"cycles\": 10, \"min\": 3, "
		"\"max\": 700, \"avg\": 74.4, \"cpu\": -1");
	cleanup_cyclictest output = { .threads = NULL };
	struct error err = ERROR_INIT;

	if (!test_check(parse(text, &output, &err) == 0))
		return;
	CU_ASSERT_EQUAL(output.threads[0].cpu, -1);
	CU_ASSERT_EQUAL(cyclictest_output_quantile_ns(&output, 0.8), 3000);
	CU_ASSERT_EQUAL(cyclictest_output_quantile_ns(&output, 0.9), 20000);
	CU_ASSERT_EQUAL(cyclictest_output_quantile_ns(&output, 0.99), 700000);
}

static void test_nanoseconds(void)
{
	static const char text[] =
		"{\"resolution_in_ns\": 1, \"thread\": {\"0\": {\"histogram\": "
		"{\"250\": 2}, \"cycles\": 2, \"min\": 250, \"max\": 250, "
		"\"avg\": 250, \"cpu\": 0}}}";
	cleanup_cyclictest output = { .threads = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(parse(text, &output, &err), 0);
	CU_ASSERT_EQUAL(cyclictest_output_quantile_ns(&output, 0.5), 250);
}

#define GOOD "\"cycles\": 2, \"min\": 1, \"max\": 2, \"avg\": 1.5, \"cpu\": 0"
static const struct {
	const char *text, *why;
} refused[] = {
	{ "", "line 1" },
	{ "cyclictest: cannot lock memory", "line 1" },
	{ "{\"thread\": {\"0\": {", "line 1" },
	{ "{\"thread\": {\"0\": {\"avg\": -nan,\n", "a thread never woke up" },
	{ "[]", "expected an object" },
	{ "{}", "thread: expected" },
	{ "{\"thread\": []}", "thread: expected" },
	{ "{\"thread\": {}}", "thread: expected" },
	{ "{\"thread\": {\"0\": 5}}", "thread: expected" },
	{ "{\"thread\": {\"x\": {}}}", "thread: expected" },
	{ "{\"thread\": {\"00\": {}}}", "thread: expected" },
	{ "{\"thread\": {\"0\": {" GOOD "}, \"0\": {" GOOD "}}}", "duplicate" },
	{ "{\"resolution_in_ns\": 2, \"thread\": {}}", "resolution_in_ns: 2" },
	{ "{\"resolution_in_ns\": \"1\", \"thread\": {}}", "resolution_in_ns" },
	{ "{\"return_code\": 1, \"thread\": {}}", "return_code: 1" },
	{ THREAD(""), "thread 0: cycles: expected" },
	{ THREAD("\"cycles\": 0, \"min\": 0, \"max\": 0, \"avg\": 0, "
		 "\"cpu\": 0"), "never woke up" },
	{ THREAD("\"cycles\": -1"), "cycles: -1" },
	{ THREAD("\"cycles\": 9223372036854775807"), "cycles: 92" },
	{ THREAD("\"cycles\": 2.5"), "cycles: expected" },
	{ THREAD("\"cycles\": 2, \"min\": -1"), "min: -1" },
	{ THREAD("\"cycles\": 2, \"min\": 3, \"max\": 2, \"avg\": 2, "
		 "\"cpu\": 0"), "min 3 is over max 2" },
	{ THREAD("\"cycles\": 2, \"min\": 1, \"max\": 9000000000000000000"),
	  "max: 9" },
	{ THREAD("\"cycles\": 2, \"min\": 1, \"max\": 2, \"avg\": -1, "
		 "\"cpu\": 0"), "avg: expected" },
	{ THREAD("\"cycles\": 2, \"min\": 1, \"max\": 2, \"avg\": NaN, "
		 "\"cpu\": 0"), "line 1" },
	{ THREAD("\"cycles\": 2, \"min\": 1, \"max\": 2, \"avg\": \"1\", "
		 "\"cpu\": 0"), "avg: expected" },
	{ THREAD("\"cycles\": 2, \"min\": 1, \"max\": 2, \"avg\": 1, "
		 "\"cpu\": -2"), "cpu: expected" },
	{ THREAD(GOOD ", \"histogram\": []"), "histogram: expected" },
	{ THREAD(GOOD ", \"histogram\": {\"-1\": 1}"), "histogram: expected" },
	{ THREAD(GOOD ", \"histogram\": {\"1.5\": 1}"), "histogram: expected" },
	{ THREAD(GOOD ", \"histogram\": {\"\": 1}"), "histogram: expected" },
	{ THREAD(GOOD ", \"histogram\": {\"01\": 1}"), "histogram: expected" },
	{ THREAD(GOOD ", \"histogram\": {\"1\": -1}"), "histogram: expected" },
	{ THREAD(GOOD ", \"histogram\": {\"1\": 1.0}"), "histogram: expected" },
	{ THREAD(GOOD ", \"histogram\": {\"999999999999999999\": 1}"),
	  "histogram: expected" },
	{ THREAD(GOOD ", \"histogram\": {\"0\": 1}"),
	  "0 is outside min and max" },
	{ THREAD(GOOD ", \"histogram\": {\"3\": 1}"),
	  "3 is outside min and max" },
	{ THREAD(GOOD ", \"histogram\": {\"1\": 2, \"2\": 1}"),
	  "3 latencies in 2 cycles" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
		cleanup_cyclictest output = { .threads = NULL };
		struct error err = ERROR_INIT;

		CU_ASSERT_EQUAL(parse(refused[i].text, &output, &err), -EINVAL);
		test_check_contains(err.message, refused[i].why);
		CU_ASSERT_PTR_NULL(output.threads);
	}
}

static void test_bad_samples(void)
{
	static const char *const texts[] = {
		THREAD(GOOD),
		THREAD(GOOD ", \"histogram\": {}"),
		THREAD(GOOD ", \"histogram\": {\"\\u001b[2J\": 1}"),
		"\x1b[2J",
	};

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		cleanup_result result = TRIAL_RESULT_INIT;
		struct error err = ERROR_INIT;

		CU_ASSERT_EQUAL(tool_output_samples("cyclictest", "cyclictest.json",
						    texts[i], strlen(texts[i]), 0,
						    &result, &err), -EINVAL);
		test_check_contains(err.message, "cyclictest.json: ");
		CU_ASSERT_PTR_NULL(strchr(err.message, '\x1b'));
		CU_ASSERT_EQUAL(result.samples_count, 0);
	}
}

TEST_SUITE("tool_output", { "cyclictest: two threads", test_two_threads },
	   { "cyclictest: samples of a guest", test_samples_of_a_guest },
	   { "artifacts that no parser knows", test_other_artifacts },
	   { "cyclictest: overflow", test_overflow },
	   { "cyclictest: nanoseconds", test_nanoseconds },
	   { "cyclictest: refused", test_refused },
	   { "cyclictest: no samples of bad output", test_bad_samples })
