/* fuzz_tool_output.c - whatever a tool in a guest may print: no crash, no leak,
 * and what is accepted holds together.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "hackbench_output.h"
#include "tool_output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void fuzz_cyclictest(const char *text, size_t length)
{
	struct cyclictest_output output;
	struct error err = ERROR_INIT;
	uint64_t previous = 0, maximum = 0;
	double q;
	size_t i;

	if (cyclictest_output_parse(text, length, &output, &err) < 0) {
		require(err.code == -22 && err.message[0]);
		return;
	}
	require(output.threads_count > 0);
	for (i = 0; i < output.threads_count; i++) {
		const struct cyclictest_thread *thread = &output.threads[i];

		require(thread->cycles > 0 && thread->min_ns <= thread->max_ns);
		require(isfinite(thread->avg_ns) && thread->avg_ns >= 0);
		if (thread->max_ns > maximum)
			maximum = thread->max_ns;
	}
	for (q = 0.1; q <= 1.0; q += 0.1) {
		uint64_t value = cyclictest_output_quantile_ns(&output, q);

		require(value >= previous && value <= maximum);
		previous = value;
	}
	cyclictest_output_release(&output);
}

static void fuzz_hackbench(const char *text, size_t length)
{
	struct hackbench_output output;
	struct error err = ERROR_INIT;
	size_t i;

	if (hackbench_output_parse(text, length, &output, &err) < 0) {
		require(err.code == -22 && err.message[0]);
		return;
	}
	require(output.runs_count > 0);
	for (i = 0; i < output.runs_count; i++)
		require(output.runs[i].time_ns > 0 && output.runs[i].senders > 0);
	hackbench_output_release(&output);
}

static void fuzz_samples(const char *workload, const char *artifact, const char *text,
			 size_t length)
{
	struct trial_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	if (tool_output_samples(workload, artifact, text, length, 0, &result, &err) < 0)
		require(err.message[0] && result.samples_count == 0);
	else
		require(result.samples_count > 0);
	for (size_t i = 0; i < result.samples_count; i++)
		require(isfinite(result.samples[i].value) && result.samples[i].value >= 0);
	trial_result_release(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trial_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;
	size_t i;

	fuzz_cyclictest((const char *)data, size);
	fuzz_hackbench((const char *)data, size);
	fuzz_samples("stress_ng", "stress-ng.yaml", (const char *)data, size);
	fuzz_samples("fio", "fio.json", (const char *)data, size);
	fuzz_samples("signaltest", "signaltest.json", (const char *)data, size);
	fuzz_samples("pi_stress", "pi_stress.json", (const char *)data, size);
	if (tool_output_samples("cyclictest", "cyclictest.json",
				(const char *)data, size, 0, &result, &err) < 0)
		require(err.message[0] && result.samples_count == 0);
	else
		require(result.samples_count == 5); /* p50, p99, max, avg, overflow */
	for (i = 0; i < result.samples_count; i++)
		require(isfinite(result.samples[i].value) &&
			result.samples[i].value >= 0);
	trial_result_release(&result);
	return 0;
}
