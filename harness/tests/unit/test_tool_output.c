/* test_tool_output.c - what rt-tests' programs print, and what no tool would. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "files.h"
#include "hackbench_output.h"
#include "memory.h"
#include "test.h"
#include "tool_output.h"

#define THREAD(fields) "{\"thread\": {\"0\": {" fields "}}}"

static void cleanup_output(struct cyclictest_output *output)
{
	cyclictest_output_release(output);
}

static void cleanup_runs(struct hackbench_output *output)
{
	hackbench_output_release(output);
}

#define cleanup_cyclictest cleanup_with(cleanup_output) struct cyclictest_output
#define cleanup_hackbench cleanup_with(cleanup_runs) struct hackbench_output
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
	if (!test_check(result.samples_count == 5))
		return;
	CU_ASSERT_EQUAL(sample_of(&result, "overflow_count"), 0);
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
	CU_ASSERT_EQUAL(output.threads[0].overflow_count, 1);
}

/* Of a run whose wake-ups all but two overflowed: percentiles are at least the
 * histogram's end, and the longest is known. */
static void test_overflow_of_a_run(void)
{
	cleanup_free char *text = fixture_read("guest/cyclictest-overflow.json");
	cleanup_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	if (!text)
		return;
	CU_ASSERT_EQUAL(tool_output_samples("cyclictest", "cyclictest.json", text, strlen(text),
					    0, &result, &err), 0);
	CU_ASSERT_EQUAL(sample_of(&result, "overflow_count"), 425);
	CU_ASSERT_EQUAL(sample_of(&result, "latency_p50_ns"), 40000);
	CU_ASSERT_EQUAL(sample_of(&result, "latency_p99_ns"), 40000);
	CU_ASSERT_EQUAL(sample_of(&result, "latency_max_ns"), 18030000);
}

#define COMMAND "\"cmdline:\": \"cyclictest --histogram=100 -t 1\", "
#define ENDING(fields) "{" COMMAND "\"thread\": {\"0\": {" fields "}}}"

/* None is in the histogram: still data, where it is known where that ends. */
static void test_all_overflowed(void)
{
	static const char all[] = ENDING(
		"\"histogram\": {}, \"cycles\": 4, \"min\": 100, \"max\": 700, "
		"\"avg\": 300, \"cpu\": 0");
	static const char unknown[] = THREAD(
		"\"histogram\": {}, \"cycles\": 4, \"min\": 100, \"max\": 700, "
		"\"avg\": 300, \"cpu\": 0");
	cleanup_result result = TRIAL_RESULT_INIT, nothing = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(tool_output_samples("cyclictest", "cyclictest.json", all, strlen(all), 0,
					    &result, &err), 0);
	CU_ASSERT_EQUAL(sample_of(&result, "overflow_count"), 4);
	CU_ASSERT_EQUAL(sample_of(&result, "latency_p50_ns"), 100000);
	CU_ASSERT_EQUAL(tool_output_samples("cyclictest", "cyclictest.json", unknown,
					    strlen(unknown), 0, &nothing, &err), -EINVAL);
	test_check_contains(err.message, "the histogram is empty");
}

/* A latency beyond the end in the histogram, and one that overflowed below it. */
static void test_histogram_end_refused(void)
{
	static const char *const texts[] = {
		ENDING("\"histogram\": {\"100\": 1}, \"cycles\": 1, \"min\": 100, "
		       "\"max\": 100, \"avg\": 100, \"cpu\": 0"),
		ENDING("\"histogram\": {\"99\": 1}, \"cycles\": 2, \"min\": 99, "
		       "\"max\": 99, \"avg\": 99, \"cpu\": 0"),
	};

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		cleanup_cyclictest output = { .threads = NULL };
		struct error err = ERROR_INIT;

		CU_ASSERT_EQUAL(parse(texts[i], &output, &err), -EINVAL);
		test_check_contains(err.message, "does not fit a histogram that ends at 100000 ns");
	}
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

static void test_hackbench_guest(void)
{
	cleanup_free char *text = fixture_read("guest/hackbench-guest.txt");
	cleanup_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;
	static const double expected_ns[] = { 675e6, 981e6, 2297e6, 930e6, 1847e6 };

	if (!text)
		return;
	CU_ASSERT_EQUAL(tool_output_samples("hackbench", "hackbench.txt", text,
					    strlen(text), 2, &result, &err), 0);
	if (!test_check(result.samples_count == 10))
		return;
	for (size_t i = 0; i < 5; i++) {
		const struct sample *time = &result.samples[2 * i];
		const struct sample *rate = &result.samples[2 * i + 1];

		CU_ASSERT_STRING_EQUAL(time->metric, "run_ns");
		CU_ASSERT_STRING_EQUAL(rate->metric, "messages_per_s");
		CU_ASSERT_EQUAL(time->row, 2);
		CU_ASSERT_EQUAL(time->iteration, i);
		CU_ASSERT_EQUAL(time->value, expected_ns[i]);
		/* 2 groups, 20 senders to 20 receivers each, 50 times */
		CU_ASSERT_DOUBLE_EQUAL(rate->value, 40000e9 / expected_ns[i], 1e-6);
	}
}

#define RUN_OF(mode, groups, fds, tasks, loops, bytes, time)                          \
	"Running in " mode " mode with " groups " groups using " fds                     \
	" file descriptors each (== " tasks " tasks)\nEach sender will pass " loops     \
	" messages of " bytes " bytes\nTime: " time "\n"
#define RUN(time) RUN_OF("process", "2", "40", "80", "50", "100", time)

static void test_hackbench_fields(void)
{
	static const char text[] = RUN_OF("threaded", "3", "10", "30", "7", "64", "12.034");
	cleanup_hackbench output = { .runs = NULL };
	struct error err = ERROR_INIT;

	if (!test_check(hackbench_output_parse(text, strlen(text), &output, &err) == 0) ||
	    !test_check(output.runs_count == 1))
		return;
	CU_ASSERT_EQUAL(output.runs[0].groups, 3);
	CU_ASSERT_EQUAL(output.runs[0].senders, 5);
	CU_ASSERT_EQUAL(output.runs[0].loops, 7);
	CU_ASSERT_EQUAL(output.runs[0].data_bytes, 64);
	CU_ASSERT_EQUAL(output.runs[0].time_ns, UINT64_C(12034000000));
}

static const struct {
	const char *text, *why;
} hackbench_refused[] = {
	{ "", "no run" },
	{ "\n", "run 1: expected its three lines" },
	{ "hackbench: command not found\n", "run 1: expected its three lines" },
	{ "Time: 0.123\n", "run 1: expected" },
	/* cut off, wherever that may be */
	{ "Running in process mode with 2 groups using 40 fi", "run 1: expected" },
	{ "Running in process mode with 2 groups using 40 file descriptors each "
	  "(== 80 tasks)\nEach sender will pass 50 messages of 100 bytes\n",
	  "run 1: expected" },
	{ RUN("0.123") "Running", "run 2: expected" },
	{ RUN("0.123") "\n", "run 2: expected" },
	{ RUN("0.12"), "run 1: expected" },
	{ RUN("0.1234"), "run 1: expected" },
	{ RUN("1"), "run 1: expected" },
	{ RUN("-0.123"), "run 1: expected" },
	{ RUN(".123"), "run 1: expected" },
	{ RUN("00.123"), "run 1: expected" },
	{ RUN("0.12x"), "run 1: expected" },
	{ RUN("nan"), "run 1: expected" },
	{ RUN("1234567890.000"), "run 1: expected" },
	{ RUN("0.123 "), "run 1: expected" },
	{ RUN("0.000"), "run 1: it took less than a millisecond" },
	{ RUN("0.123") RUN("0.000"), "run 2: it took less" },
	{ RUN_OF("fiber", "2", "40", "80", "50", "100", "0.1"), "run 1: expected" },
	{ RUN_OF("process", "0", "40", "0", "50", "100", "0.123"), "run 1: expected" },
	{ RUN_OF("process", "2", "40", "81", "50", "100", "0.123"), "run 1: expected" },
	{ RUN_OF("process", "2", "41", "82", "50", "100", "0.123"), "run 1: expected" },
	{ RUN_OF("process", "2", "0", "0", "50", "100", "0.123"), "run 1: expected" },
	{ RUN_OF("process", "2", "40", "80", "0", "100", "0.123"), "run 1: expected" },
	{ RUN_OF("process", "2", "40", "80", "50", "0", "0.123"), "run 1: expected" },
	{ RUN_OF("process", "-2", "40", "-80", "50", "100", "0.123"), "run 1: expected" },
	/* what is compared is one and the same thing */
	{ RUN("0.123") RUN_OF("process", "2", "40", "80", "51", "100", "0.123"),
	  "run 2 differs from the first one" },
	{ RUN("0.123") RUN("0.123") RUN_OF("process", "2", "40", "80", "50", "99", "0.123"),
	  "run 3 differs from the first one" },
};

static void test_hackbench_refused(void)
{
	static const char with_nul[] = RUN("0.123") "\0" RUN("0.123");
	cleanup_hackbench output = { .runs = NULL };
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < ARRAY_COUNT(hackbench_refused); i++) {
		const char *text = hackbench_refused[i].text;

		err = ERROR_INIT;
		if (!test_check(hackbench_output_parse(text, strlen(text), &output,
						       &err) == -EINVAL))
			fprintf(stderr, "%s\n", text);
		test_check_contains(err.message, hackbench_refused[i].why);
		CU_ASSERT_PTR_NULL(output.runs);
	}
	err = ERROR_INIT;
	CU_ASSERT_EQUAL(hackbench_output_parse(with_nul, sizeof(with_nul) - 1, &output,
					       &err), -EINVAL);
	test_check_contains(err.message, "NUL");
}

/* Nothing of output that is bad in one place only. */
static void test_hackbench_no_samples(void)
{
	static const char text[] = RUN("0.123") "\x1b[2J";
	cleanup_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(tool_output_samples("hackbench", "hackbench.txt", text,
					    strlen(text), 0, &result, &err), -EINVAL);
	test_check_contains(err.message, "hackbench.txt: run 2: expected");
	CU_ASSERT_PTR_NULL(strchr(err.message, '\x1b'));
	CU_ASSERT_EQUAL(result.samples_count, 0);
}

TEST_SUITE("tool_output", { "cyclictest: two threads", test_two_threads },
	   { "cyclictest: samples of a guest", test_samples_of_a_guest },
	   { "artifacts that no parser knows", test_other_artifacts },
	   { "cyclictest: overflow", test_overflow },
	   { "cyclictest: overflow of a run", test_overflow_of_a_run },
	   { "cyclictest: all overflowed", test_all_overflowed },
	   { "cyclictest: the histogram's end", test_histogram_end_refused },
	   { "cyclictest: nanoseconds", test_nanoseconds },
	   { "cyclictest: refused", test_refused },
	   { "cyclictest: no samples of bad output", test_bad_samples },
	   { "hackbench: samples of a guest", test_hackbench_guest },
	   { "hackbench: fields", test_hackbench_fields },
	   { "hackbench: refused", test_hackbench_refused },
	   { "hackbench: no samples of bad output", test_hackbench_no_samples })
