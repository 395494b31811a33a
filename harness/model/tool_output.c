/* tool_output.c - see tool_output.h. One section a tool; a new one adds its
 * parser and a row in the table at the end.
 */
#include "tool_output.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fio_output.h"
#include "hackbench_output.h"
#include "memory.h"
#include "rt_tests_output.h"
#include "stress_ng_output.h"

#define THREADS_MAX 4096u
#define BINS_MAX 4000000u
#define COUNT_MAX (INT64_C(1) << 53)
#define BYTES_PER_GIB ((double)(1 << 30))
#define TIME_MAX_NS (INT64_C(1) << 62)
#define NS_PER_US 1000u
#define HISTOGRAM_MAX 1000000u /* HIST_MAX of cyclictest.c */

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

/* --- cyclictest ------------------------------------------------------------------ */

/* Decimal digits only, as JSON keys: "0", "13". */
static bool key_parse(const char *key, uint64_t *ret_number)
{
	size_t length = strspn(key, "0123456789");
	char *end;

	if (length == 0 || length > 18 || key[length] ||
	    (length > 1 && *key == '0'))
		return false;
	*ret_number = strtoull(key, &end, 10);
	return true;
}

static int integer_read(const json_t *object, const char *key, int64_t maximum,
			int64_t *ret_value, struct error *err)
{
	const json_t *number = json_object_get(object, key);
	int64_t value;

	if (!json_is_integer(number))
		return error_set(err, -EINVAL, "%s: expected a whole number", key);
	value = json_integer_value(number);
	if (value < 0 || value > maximum)
		return error_set(err, -EINVAL, "%s: %lld, expected 0..%lld", key,
				 (long long)value, (long long)maximum);
	*ret_value = value;
	return 0;
}

static int bin_compare(const void *a, const void *b)
{
	const struct histogram_bin *left = a, *right = b;

	return left->value_ns < right->value_ns ? -1 :
	       left->value_ns > right->value_ns;
}

static int histogram_read(const json_t *thread, uint64_t unit_ns,
			  struct cyclictest_thread *result, struct error *err)
{
	json_t *histogram = json_object_get(thread, "histogram");
	size_t count = json_object_size(histogram);
	uint64_t total = 0;
	const char *key;
	json_t *item;

	if (!histogram)
		return 0; /* run without --histogram */
	if (!json_is_object(histogram) || count > BINS_MAX)
		return error_set(err, -EINVAL,
				 "histogram: expected an object of at most %u",
				 BINS_MAX);
	result->bins = memory_alloc_array(count, sizeof(*result->bins));
	json_object_foreach(histogram, key, item) {
		struct histogram_bin *bin = &result->bins[result->bins_count++];
		uint64_t value;

		if (!key_parse(key, &value) ||
		    value > (uint64_t)TIME_MAX_NS / unit_ns ||
		    !json_is_integer(item) || json_integer_value(item) < 0 ||
		    json_integer_value(item) > COUNT_MAX)
			return error_set(err, -EINVAL,
					 "histogram: expected \"LATENCY\": COUNT, "
					 "found \"%.32s\"", key);
		bin->value_ns = value * unit_ns;
		bin->count = (uint64_t)json_integer_value(item);
		total += bin->count;
		if (bin->value_ns < result->min_ns || bin->value_ns > result->max_ns)
			return error_set(err, -EINVAL,
					 "histogram: %s is outside min and max",
					 key);
	}
	if (total > result->cycles)
		return error_set(err, -EINVAL,
				 "histogram: %llu latencies in %llu cycles",
				 (unsigned long long)total,
				 (unsigned long long)result->cycles);
	result->overflow_count = result->cycles - total;
	qsort(result->bins, result->bins_count, sizeof(*result->bins),
	      bin_compare);
	return 0;
}

static int thread_read(const json_t *thread, uint64_t unit_ns,
		       struct cyclictest_thread *result, struct error *err)
{
	const json_t *avg = json_object_get(thread, "avg");
	const json_t *cpu = json_object_get(thread, "cpu");
	int64_t cycles = 0, minimum = 0, maximum = 0;
	int64_t time_max = TIME_MAX_NS / (int64_t)unit_ns;
	int r = integer_read(thread, "cycles", COUNT_MAX, &cycles, err);

	if (r == 0)
		r = integer_read(thread, "min", time_max, &minimum, err);
	if (r == 0)
		r = integer_read(thread, "max", time_max, &maximum, err);
	if (r < 0)
		return r;
	if (!json_is_number(avg) || !(json_number_value(avg) >= 0) ||
	    json_number_value(avg) > (double)time_max)
		return error_set(err, -EINVAL, "avg: expected a time");
	if (!json_is_integer(cpu) || json_integer_value(cpu) < -1 ||
	    json_integer_value(cpu) > INT32_MAX)
		return error_set(err, -EINVAL, "cpu: expected a CPU's number");
	if (cycles == 0)
		return error_set(err, -EINVAL, "cycles: it never woke up");
	if (minimum > maximum)
		return error_set(err, -EINVAL, "min %lld is over max %lld",
				 (long long)minimum, (long long)maximum);
	result->cpu = (int32_t)json_integer_value(cpu);
	result->cycles = (uint64_t)cycles;
	result->min_ns = (uint64_t)minimum * unit_ns;
	result->max_ns = (uint64_t)maximum * unit_ns;
	result->avg_ns = json_number_value(avg) * (double)unit_ns;
	return histogram_read(thread, unit_ns, result, err);
}

static int threads_read(const json_t *root, uint64_t unit_ns,
			struct cyclictest_output *output, struct error *err)
{
	json_t *threads = json_object_get(root, "thread");
	size_t count = json_object_size(threads);
	const char *key;
	json_t *item;

	if (!json_is_object(threads) || count == 0 || count > THREADS_MAX)
		return error_set(err, -EINVAL,
				 "thread: expected an object of 1..%u threads",
				 THREADS_MAX);
	output->threads = memory_alloc_array(count, sizeof(*output->threads));
	json_object_foreach(threads, key, item) {
		struct cyclictest_thread *thread =
			&output->threads[output->threads_count++];
		uint64_t number;

		if (!key_parse(key, &number) || number >= THREADS_MAX ||
		    !json_is_object(item))
			return error_set(err, -EINVAL,
					 "thread: expected \"NUMBER\": {...}, "
					 "found \"%.32s\"", key);
		thread->thread = (uint32_t)number;
		if (thread_read(item, unit_ns, thread, err) < 0)
			return error_prefix(err, "thread %s", key);
	}
	return 0;
}

/* "cyclictest ... --histogram=20000 ...". The long option only, which is what our
 * workload gives; rt-tests 2.4 has a stray colon in the key. */
static uint64_t histogram_end_read(const json_t *root, uint64_t unit_ns)
{
	static const char option[] = " --histogram=";
	const char *text = json_string_value(json_object_get(root, "cmdline:"));
	cleanup_free char *number = NULL;
	uint64_t end;

	if (!text)
		text = json_string_value(json_object_get(root, "cmdline"));
	text = text ? strstr(text, option) : NULL;
	if (!text)
		return 0;
	text += strlen(option);
	number = string_copy_n(text, strspn(text, "0123456789"));
	return key_parse(number, &end) && end <= HISTOGRAM_MAX ? end * unit_ns : 0;
}

/* All that is in a histogram is below its end, all that overflowed it is not. */
static int check_histogram_end(const struct cyclictest_output *output, struct error *err)
{
	uint64_t end_ns = output->histogram_end_ns;

	for (size_t i = 0; end_ns && i < output->threads_count; i++) {
		const struct cyclictest_thread *thread = &output->threads[i];

		if ((thread->bins_count && thread->bins[thread->bins_count - 1].value_ns >= end_ns) ||
		    (thread->overflow_count && thread->max_ns < end_ns))
			return error_set(err, -EINVAL, "thread %u: does not fit a histogram that "
					 "ends at %llu ns", thread->thread,
					 (unsigned long long)end_ns);
	}
	return 0;
}

static void cleanup_output(struct cyclictest_output *output)
{
	cyclictest_output_release(output);
}

int cyclictest_output_parse(const char *text, size_t length,
			    struct cyclictest_output *ret_output,
			    struct error *err)
{
	cleanup_with(cleanup_output) struct cyclictest_output output = { 0 };
	cleanup_with(cleanup_json) json_t *root = NULL;
	int64_t is_ns = 0, return_code = 0;
	json_error_t why;
	int r;

	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		return error_set(err, -EINVAL, "line %d: %s%s", why.line, why.text,
				 memmem(text, length, "nan,", 4) ||
				 memmem(text, length, "nan\n", 4) ?
				 " (an average of nothing: a thread never woke up)" : "");
	if (!json_is_object(root))
		return error_set(err, -EINVAL, "expected an object");
	if (json_object_get(root, "resolution_in_ns")) {
		r = integer_read(root, "resolution_in_ns", 1, &is_ns, err);
		if (r < 0)
			return r;
	}
	if (json_object_get(root, "return_code")) {
		r = integer_read(root, "return_code", 0, &return_code, err);
		if (r < 0)
			return r;
	}
	r = threads_read(root, is_ns ? 1 : NS_PER_US, &output, err);
	if (r < 0)
		return r;
	output.histogram_end_ns = histogram_end_read(root, is_ns ? 1 : NS_PER_US);
	r = check_histogram_end(&output, err);
	if (r < 0)
		return r;
	*ret_output = output;
	output = (struct cyclictest_output){ 0 };
	return 0;
}

void cyclictest_output_release(struct cyclictest_output *output)
{
	size_t i;

	for (i = 0; i < output->threads_count; i++)
		free(output->threads[i].bins);
	free(output->threads);
	*output = (struct cyclictest_output){ 0 };
}

/* All histograms merged, ascending, equal values apart. Owned. */
static struct histogram_bin *bins_merged(const struct cyclictest_output *output,
					 size_t *ret_count)
{
	struct histogram_bin *bins;
	size_t i, count = 0;

	for (i = 0; i < output->threads_count; i++)
		count += output->threads[i].bins_count;
	bins = memory_alloc_array(count, sizeof(*bins));
	count = 0;
	for (i = 0; i < output->threads_count; i++) {
		const struct cyclictest_thread *thread = &output->threads[i];

		if (thread->bins_count)
			memcpy(bins + count, thread->bins,
			       thread->bins_count * sizeof(*bins));
		count += thread->bins_count;
	}
	qsort(bins, count, sizeof(*bins), bin_compare);
	*ret_count = count;
	return bins;
}

static uint64_t max_ns(const struct cyclictest_output *output)
{
	uint64_t maximum = 0;
	size_t i;

	for (i = 0; i < output->threads_count; i++)
		if (output->threads[i].max_ns > maximum)
			maximum = output->threads[i].max_ns;
	return maximum;
}

uint64_t cyclictest_output_quantile_ns(const struct cyclictest_output *output,
				       double q)
{
	cleanup_free struct histogram_bin *bins = NULL;
	uint64_t total = 0, seen = 0, rank;
	size_t i, count;

	bins = bins_merged(output, &count);
	for (i = 0; i < output->threads_count; i++)
		total += output->threads[i].cycles;
	rank = (uint64_t)ceil(q * (double)total);
	if (rank < 1)
		rank = 1;
	for (i = 0; i < count; i++) {
		seen += bins[i].count;
		if (seen >= rank)
			return bins[i].value_ns;
	}
	/* The rank lies among the latencies that overflowed the histogram: not below its end,
	 * and, whatever a damaged output says of that, not above the longest. */
	return output->histogram_end_ns && output->histogram_end_ns < max_ns(output) ?
	       output->histogram_end_ns : max_ns(output);
}

static double avg_ns(const struct cyclictest_output *output)
{
	double sum = 0, cycles = 0;
	size_t i;

	for (i = 0; i < output->threads_count; i++) {
		const struct cyclictest_thread *thread = &output->threads[i];

		sum += thread->avg_ns * (double)thread->cycles;
		cycles += (double)thread->cycles;
	}
	return sum / cycles;
}

static int cyclictest_samples(const char *data, size_t length, uint32_t row,
			      struct trial_result *result, struct error *err)
{
	cleanup_with(cleanup_output) struct cyclictest_output output = { 0 };
	uint64_t overflow_count = 0;
	size_t i, bins_count = 0;
	int r = cyclictest_output_parse(data, length, &output, err);

	if (r < 0)
		return r;
	for (i = 0; i < output.threads_count; i++) {
		bins_count += output.threads[i].bins_count;
		overflow_count += output.threads[i].overflow_count;
	}
	/* All beyond its end says something; nothing anywhere does not. */
	if (bins_count == 0 && (!overflow_count || !output.histogram_end_ns))
		return error_set(err, -EINVAL, "the histogram is empty");
	trial_result_add_sample(result, row, "latency_p50_ns", 0,
		(double)cyclictest_output_quantile_ns(&output, 0.5));
	trial_result_add_sample(result, row, "latency_p99_ns", 0,
		(double)cyclictest_output_quantile_ns(&output, 0.99));
	trial_result_add_sample(result, row, "latency_max_ns", 0,
				(double)max_ns(&output));
	trial_result_add_sample(result, row, "latency_avg_ns", 0, avg_ns(&output));
	trial_result_add_sample(result, row, "overflow_count", 0, (double)overflow_count);
	return 0;
}

/* --- hackbench ------------------------------------------------------------------- */

static void cleanup_hackbench(struct hackbench_output *output)
{
	hackbench_output_release(output);
}

static int hackbench_samples(const char *data, size_t length, uint32_t row,
			     struct trial_result *result, struct error *err)
{
	cleanup_with(cleanup_hackbench) struct hackbench_output output = { 0 };
	int r = hackbench_output_parse(data, length, &output, err);
	size_t i;

	if (r < 0)
		return r;
	for (i = 0; i < output.runs_count; i++) {
		const struct hackbench_run *run = &output.runs[i];
		/* Each sender of a group sends its messages to each receiver. */
		double messages = (double)run->groups * (double)run->senders *
				  (double)run->senders * (double)run->loops;

		trial_result_add_sample(result, row, "run_ns", (uint32_t)i,
					(double)run->time_ns);
		trial_result_add_sample(result, row, "messages_per_s", (uint32_t)i,
					messages * 1e9 / (double)run->time_ns);
	}
	return 0;
}

/* --- signaltest, pi_stress ---------------------------------------------------------- */

static int signaltest_samples(const char *data, size_t length, uint32_t row,
			      struct trial_result *result, struct error *err)
{
	cleanup_with(signaltest_output_release) struct signaltest_output output = { 0 };
	double sum_ns = 0, cycles = 0, longest_ns = 0;
	int r = signaltest_output_parse(data, length, &output, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < output.threads_count; i++) {
		const struct signaltest_thread *thread = &output.threads[i];

		sum_ns += thread->avg_ns * (double)thread->cycles;
		cycles += (double)thread->cycles;
		longest_ns = fmax(longest_ns, (double)thread->max_ns);
	}
	trial_result_add_sample(result, row, "latency_avg_ns", 0, sum_ns / cycles);
	trial_result_add_sample(result, row, "latency_max_ns", 0, longest_ns);
	return 0;
}

static int pi_stress_samples(const char *data, size_t length, uint32_t row,
			     struct trial_result *result, struct error *err)
{
	uint64_t inversions;
	int r = pi_stress_output_parse(data, length, &inversions, err);

	if (r == 0)
		trial_result_add_sample(result, row, "inversions_count", 0,
					(double)inversions);
	return r;
}

/* --- stress-ng, fio ------------------------------------------------------------------ */

static int stress_ng_samples(const char *data, size_t length, uint32_t row,
			     struct trial_result *result, struct error *err)
{
	cleanup_with(stress_ng_output_release) struct stress_ng_output output = { 0 };
	int r = stress_ng_output_parse(data, length, &output, err);

	if (r < 0)
		return r;
	if (output.stressors_count != 1)
		return error_set(err, -EINVAL, "expected one stressor, found %zu",
				 output.stressors_count);
	trial_result_add_sample(result, row, "bogo_ops_per_s", 0,
				output.stressors[0].bogo_ops_per_s);
	trial_result_add_sample(result, row, "bogo_ops_count", 0, output.stressors[0].bogo_ops);
	trial_result_add_sample(result, row, "run_ns", 0, output.stressors[0].wall_s * 1e9);
	return 0;
}

static int fio_samples(const char *data, size_t length, uint32_t row,
		       struct trial_result *result, struct error *err)
{
	cleanup_with(fio_output_release) struct fio_output output = { 0 };
	int r = fio_output_parse(data, length, &output, err);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < output.runs_count; i++) {
		const struct fio_run *run = &output.runs[i];

		trial_result_add_sample(result, row, "transfer_gib_per_s", i,
					run->bytes_per_s / BYTES_PER_GIB);
		trial_result_add_sample(result, row, "requests_per_s", i, run->requests_per_s);
		trial_result_add_sample(result, row, "latency_mean_ns", i, run->latency_mean_ns);
		trial_result_add_sample(result, row, "latency_p50_ns", i, run->latency_p50_ns);
		trial_result_add_sample(result, row, "latency_p99_ns", i, run->latency_p99_ns);
		trial_result_add_sample(result, row, "latency_p999_ns", i, run->latency_p999_ns);
		trial_result_add_sample(result, row, "latency_max_ns", i, run->latency_max_ns);
	}
	return 0;
}

/* --- the tools ------------------------------------------------------------------- */

static const struct {
	const char *workload, *artifact;
	int (*add_samples)(const char *data, size_t length, uint32_t row,
			   struct trial_result *result, struct error *err);
} parsers[] = {
	{ "cyclictest", "cyclictest.json", cyclictest_samples },
	{ "hackbench", "hackbench.txt", hackbench_samples },
	{ "signaltest", "signaltest.json", signaltest_samples },
	{ "pi_stress", "pi_stress.json", pi_stress_samples },
	{ "stress_ng", "stress-ng.yaml", stress_ng_samples },
	{ "fio", "fio.json", fio_samples },
};

/* Messages quote what the guest sent, and people read them on terminals. */
static void message_sanitize(struct error *err)
{
	char *c;

	for (c = err ? err->message : NULL; c && *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
}

int tool_output_samples(const char *workload, const char *artifact_name,
			const char *data, size_t length, uint32_t row,
			struct trial_result *result, struct error *err)
{
	size_t i;

	for (i = 0; i < ARRAY_COUNT(parsers); i++) {
		if (strcmp(parsers[i].workload, workload) != 0 ||
		    strcmp(parsers[i].artifact, artifact_name) != 0)
			continue;
		if (parsers[i].add_samples(data, length, row, result, err) < 0) {
			message_sanitize(err);
			return error_prefix(err, "%s", artifact_name);
		}
		return 0;
	}
	return 0;
}
