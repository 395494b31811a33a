/* test_standard_tools.c - what stress-ng, fio, signaltest and pi_stress wrote in guests,
 * and what no tool would.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "files.h"
#include "fio_output.h"
#include "memory.h"
#include "rt_tests_output.h"
#include "stress_ng_output.h"
#include "test.h"
#include "tool_output.h"

#define cleanup_result cleanup_with(trial_result_release) struct trial_result

struct expected_sample {
	const char *metric;
	uint32_t iteration;
	double value;
};

static void check_sample(const struct trial_result *result, size_t index,
			 const struct expected_sample *expected)
{
	if (!test_check(index < result->samples_count))
		return;
	CU_ASSERT_EQUAL(result->samples[index].row, 2);
	CU_ASSERT_EQUAL(result->samples[index].iteration, expected->iteration);
	test_check_string(result->samples[index].metric, expected->metric);
	CU_ASSERT_DOUBLE_EQUAL(result->samples[index].value, expected->value,
			       1e-9 * expected->value);
}

static void check_guest(const char *workload, const char *artifact, const char *fixture,
			const struct expected_sample *expected, size_t count)
{
	cleanup_free char *text = NULL;
	cleanup_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	if (!test_check(file_read(test_fixture_path(fixture), 1 << 20, &text, NULL) == 0))
		return;
	CU_ASSERT_EQUAL(tool_output_samples(workload, artifact, text, strlen(text), 2,
					    &result, &err), 0);
	CU_ASSERT_EQUAL(result.samples_count, count);
	for (size_t i = 0; i < count; i++)
		check_sample(&result, i, &expected[i]);
}

static void test_stress_ng_guest(void)
{
	static const struct expected_sample expected[] = {
		{ "bogo_ops_per_s", 0, 336.168766 },
		{ "bogo_ops_count", 0, 1145 },
		{ "run_ns", 0, 3406027000 },
	};

	check_guest("stress_ng", "stress-ng.yaml", "guest/stress-ng-guest.yaml", expected,
		    ARRAY_COUNT(expected));
}

static void test_fio_guest(void)
{
	cleanup_free char *text = NULL;
	cleanup_with(fio_output_release) struct fio_output output = { 0 };
	struct error err = ERROR_INIT;

	if (!test_check(file_read(test_fixture_path("guest/fio-guest.json"), 1 << 20, &text,
				  NULL) == 0))
		return;
	CU_ASSERT_EQUAL(fio_output_parse(text, strlen(text), &output, &err), 0);
	if (!test_check(output.runs_count == 3))
		return;
	CU_ASSERT_DOUBLE_EQUAL(output.runs[0].bytes_per_s, 44296279, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(output.runs[0].requests_per_s, 10814.521452, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(output.runs[0].latency_mean_ns, 53173.633423, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(output.runs[0].latency_p50_ns, 4256, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(output.runs[0].latency_p99_ns, 13504, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(output.runs[0].latency_p999_ns, 16187392, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(output.runs[0].latency_max_ns, 38396110, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(output.runs[1].bytes_per_s, 356962042, 1e-6);
}

/* Runs are iterations; each has one of every metric. */
static void test_fio_samples(void)
{
	static const struct expected_sample expected[] = {
		{ "transfer_gib_per_s", 0, 44296279 / 1073741824.0 },
		{ "requests_per_s", 0, 10814.521452 },
		{ "latency_mean_ns", 0, 53173.633423 },
		{ "latency_p50_ns", 0, 4256 },
		{ "latency_p99_ns", 0, 13504 },
		{ "latency_p999_ns", 0, 16187392 },
		{ "latency_max_ns", 0, 38396110 },
		{ "transfer_gib_per_s", 1, 356962042 / 1073741824.0 },
	};
	cleanup_free char *text = NULL;
	cleanup_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	if (!test_check(file_read(test_fixture_path("guest/fio-guest.json"), 1 << 20, &text,
				  NULL) == 0))
		return;
	CU_ASSERT_EQUAL(tool_output_samples("fio", "fio.json", text, strlen(text), 2,
					    &result, &err), 0);
	CU_ASSERT_EQUAL(result.samples_count, 21);
	for (size_t i = 0; i < ARRAY_COUNT(expected); i++)
		check_sample(&result, i, &expected[i]);
	if (test_check(result.samples_count == 21))
		CU_ASSERT_EQUAL(result.samples[20].iteration, 2);
}

static void test_rt_tests_guest(void)
{
	static const struct expected_sample signals[] = {
		{ "latency_avg_ns", 0, 2741825 },
		{ "latency_max_ns", 0, 1338732000 },
	};
	static const struct expected_sample inversions[] = {
		{ "inversions_count", 0, 2001 },
	};

	check_guest("signaltest", "signaltest.json", "guest/signaltest-guest.json", signals,
		    ARRAY_COUNT(signals));
	check_guest("pi_stress", "pi_stress.json", "guest/pi_stress-guest.json", inversions,
		    ARRAY_COUNT(inversions));
}

#define STRESSOR(fields) "metrics:\n  - stressor: switch\n" fields
#define FIO_LATENCY(value) \
	"\"lat_ns\": {\"mean\": 2.5}, \"clat_ns\": {\"max\": 9, \"percentile\": " \
	"{\"50.000000\": 1, \"99.000000\": 2, \"99.900000\": " value "}}"
#define FIO_IDLE "\"write\": {\"total_ios\": 0}"
#define FIO_JOB(fields) "{\"jobs\": [{\"error\": 0, " fields "}]}"
#define FIO_GOOD \
	FIO_JOB("\"read\": {\"total_ios\": 1, \"bw_bytes\": 4, \"iops\": 5, " \
		FIO_LATENCY("3") "}, " FIO_IDLE)
#define SIGNALS(fields) "{\"thread\": {\"0\": {" fields "}}}"

static const struct {
	const char *workload, *artifact, *text, *why;
} refused[] = {
	{ "stress_ng", "stress-ng.yaml", "", "stress-ng.yaml:" },
	{ "stress_ng", "stress-ng.yaml", "a: 1\n", "expected a list 'metrics'" },
	{ "stress_ng", "stress-ng.yaml", "metrics: 1\n", "expected a list 'metrics'" },
	{ "stress_ng", "stress-ng.yaml", "metrics: []\n", "expected a list 'metrics'" },
	{ "stress_ng", "stress-ng.yaml", "metrics:\n  - cpu\n", "expected a stressor" },
	{ "stress_ng", "stress-ng.yaml", STRESSOR(""), "bogo-ops: expected a number" },
	{ "stress_ng", "stress-ng.yaml", STRESSOR("    bogo-ops: 0\n"),
	  "bogo-ops: expected a number above 0, found '0'" },
	{ "stress_ng", "stress-ng.yaml", STRESSOR("    bogo-ops: nan\n"), "found 'nan'" },
	{ "stress_ng", "stress-ng.yaml",
	  STRESSOR("    bogo-ops: 5\n    bogo-ops-per-second-real-time: inf\n"), "found 'inf'" },
	{ "stress_ng", "stress-ng.yaml",
	  STRESSOR("    bogo-ops: 5\n    bogo-ops-per-second-real-time: 5\n"),
	  "wall-clock-time: expected a number" },
	{ "stress_ng", "stress-ng.yaml",
	  STRESSOR("    bogo-ops: 5\n    bogo-ops-per-second-real-time: 5\n"
		   "    wall-clock-time: 1\n")
	  "  - stressor: cpu\n    bogo-ops: 5\n    bogo-ops-per-second-real-time: 5\n"
	  "    wall-clock-time: 1\n", "expected one stressor, found 2" },
	{ "fio", "fio.json", "", "no run" },
	{ "fio", "fio.json", "fio: no such file", "run 1, line 1" },
	{ "fio", "fio.json", "{", "run 1, line 1" },
	{ "fio", "fio.json", "{}", "run 1: expected one job" },
	{ "fio", "fio.json", "{\"jobs\": []}", "expected one job" },
	{ "fio", "fio.json", "{\"jobs\": [{}, {}]}", "expected one job" },
	{ "fio", "fio.json", "{\"jobs\": [{}]}", "error: expected a whole number" },
	{ "fio", "fio.json", "{\"jobs\": [{\"error\": 5}]}", "the job ended with error 5" },
	{ "fio", "fio.json", FIO_JOB(FIO_IDLE), "total_ios above 0 of either" },
	{ "fio", "fio.json",
	  FIO_JOB("\"read\": {\"total_ios\": 2}, \"write\": {\"total_ios\": 3}"),
	  "found 2 and 3" },
	{ "fio", "fio.json", FIO_JOB("\"read\": {\"total_ios\": 1}, " FIO_IDLE),
	  "bw_bytes: expected a number above 0" },
	{ "fio", "fio.json",
	  FIO_JOB("\"read\": {\"total_ios\": 1, \"bw_bytes\": 4, \"iops\": 5, "
		  FIO_LATENCY("-3") "}, " FIO_IDLE), "99.900000: expected" },
	{ "fio", "fio.json", FIO_GOOD FIO_GOOD "x", "run 3, line 1" },
	{ "signaltest", "signaltest.json", "", "line" },
	{ "signaltest", "signaltest.json", "[]", "thread: expected 1 to" },
	{ "signaltest", "signaltest.json", "{\"thread\": {}}", "thread: expected 1 to" },
	{ "signaltest", "signaltest.json", "{\"thread\": {\"1\": {}}}",
	  "thread.0: expected an object" },
	{ "signaltest", "signaltest.json", SIGNALS(""), "thread.0: cycles: expected" },
	{ "signaltest", "signaltest.json",
	  SIGNALS("\"cycles\": 0, \"min\": 1, \"max\": 2, \"avg\": 1.5"),
	  "it never got a signal" },
	{ "signaltest", "signaltest.json",
	  SIGNALS("\"cycles\": 1, \"min\": 3, \"max\": 2, \"avg\": 1.5"), "min and max" },
	{ "signaltest", "signaltest.json",
	  SIGNALS("\"cycles\": 1, \"min\": 1, \"max\": 2, \"avg\": \"x\""), "avg: expected" },
	{ "pi_stress", "pi_stress.json", "{}", "return_code: expected" },
	{ "pi_stress", "pi_stress.json", "{\"return_code\": 1, \"inversion\": 5}",
	  "return_code: 1, expected 0" },
	{ "pi_stress", "pi_stress.json", "{\"return_code\": 0}", "inversion: expected" },
	{ "pi_stress", "pi_stress.json", "{\"return_code\": 0, \"inversion\": 0}",
	  "there was none" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
		cleanup_result result = TRIAL_RESULT_INIT;
		struct error err = ERROR_INIT;

		CU_ASSERT_EQUAL(tool_output_samples(refused[i].workload, refused[i].artifact,
						    refused[i].text, strlen(refused[i].text), 0,
						    &result, &err), -EINVAL);
		CU_ASSERT_EQUAL(result.samples_count, 0);
		test_check_contains(err.message, refused[i].why);
		test_check_contains(err.message, refused[i].artifact);
	}
}

static void test_short_fio(void)
{
	cleanup_with(fio_output_release) struct fio_output output = { 0 };
	static const char text[] = "\n" FIO_GOOD "\n" FIO_GOOD "\n\n";
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(fio_output_parse(text, strlen(text), &output, &err), 0);
	CU_ASSERT_EQUAL(output.runs_count, 2);
}

TEST_SUITE("standard_tools", { "stress-ng: samples of a guest", test_stress_ng_guest },
	   { "fio: fields of a guest's runs", test_fio_guest },
	   { "fio: runs are iterations", test_fio_samples },
	   { "fio: documents in a row", test_short_fio },
	   { "signaltest, pi_stress: samples of a guest", test_rt_tests_guest },
	   { "refused, and no samples of it", test_refused })
