/* rt_tests_output.c - see rt_tests_output.h. */
#include "rt_tests_output.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "memory.h"

#define THREADS_MAX 4096u
#define COUNT_MAX (INT64_C(1) << 53)
#define NS_PER_US 1000

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

static json_t *document_load(const char *text, size_t length, struct error *err)
{
	json_error_t error;
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		error_set(err, -EINVAL, "line %d, column %d: %s", error.line, error.column,
			  error.text);
	return root;
}

static int count_read(const json_t *object, const char *key, uint64_t *ret_value,
		      struct error *err)
{
	const json_t *number = json_object_get(object, key);

	if (!json_is_integer(number) || json_integer_value(number) < 0 ||
	    json_integer_value(number) > COUNT_MAX)
		return error_set(err, -EINVAL, "%s: expected a whole number of 0 or more", key);
	*ret_value = (uint64_t)json_integer_value(number);
	return 0;
}

static int thread_read(const json_t *object, struct signaltest_thread *thread,
		       struct error *err)
{
	const json_t *average = json_object_get(object, "avg");
	int rc = count_read(object, "cycles", &thread->cycles, err);

	if (!rc)
		rc = count_read(object, "min", &thread->min_ns, err);
	if (!rc)
		rc = count_read(object, "max", &thread->max_ns, err);
	if (rc)
		return rc;
	if (!json_is_number(average) || !(json_number_value(average) >= 0) ||
	    !isfinite(json_number_value(average)))
		return error_set(err, -EINVAL, "avg: expected a number of 0 or more");
	if (thread->cycles == 0)
		return error_set(err, -EINVAL, "cycles: it never got a signal");
	if (thread->min_ns > thread->max_ns || thread->max_ns > COUNT_MAX / NS_PER_US)
		return error_set(err, -EINVAL, "min and max: %ju and %ju",
				 (uintmax_t)thread->min_ns, (uintmax_t)thread->max_ns);
	thread->min_ns *= NS_PER_US;
	thread->max_ns *= NS_PER_US;
	thread->avg_ns = json_number_value(average) * NS_PER_US;
	return 0;
}

int signaltest_output_parse(const char *text, size_t length,
			    struct signaltest_output *ret_output, struct error *err)
{
	cleanup_with(cleanup_json) json_t *root = document_load(text, length, err);
	cleanup_with(signaltest_output_release) struct signaltest_output output = { 0 };
	const json_t *threads = json_object_get(root, "thread");
	size_t count = json_object_size(threads);

	if (!root)
		return -EINVAL;
	if (count == 0 || count > THREADS_MAX)
		return error_set(err, -EINVAL, "thread: expected 1 to %u threads", THREADS_MAX);
	output.threads = memory_alloc_array(count, sizeof(*output.threads));
	for (; output.threads_count < count; output.threads_count++) {
		char key[16];
		const json_t *object;

		snprintf(key, sizeof(key), "%zu", output.threads_count);
		object = json_object_get(threads, key);
		if (!json_is_object(object))
			return error_set(err, -EINVAL, "thread.%s: expected an object", key);
		if (thread_read(object, &output.threads[output.threads_count], err))
			return error_prefix(err, "thread.%s", key);
	}
	*ret_output = output;
	output = (struct signaltest_output){ 0 };
	return 0;
}

void signaltest_output_release(struct signaltest_output *output)
{
	free(output->threads);
	*output = (struct signaltest_output){ 0 };
}

int pi_stress_output_parse(const char *text, size_t length, uint64_t *ret_inversions,
			   struct error *err)
{
	cleanup_with(cleanup_json) json_t *root = document_load(text, length, err);
	uint64_t code = 0, inversions = 0;
	int rc = root ? count_read(root, "return_code", &code, err) : -EINVAL;

	if (rc)
		return rc;
	if (code != 0)
		return error_set(err, -EINVAL, "return_code: %ju, expected 0", (uintmax_t)code);
	rc = count_read(root, "inversion", &inversions, err);
	if (rc)
		return rc;
	if (inversions == 0)
		return error_set(err, -EINVAL, "inversion: there was none");
	*ret_inversions = inversions;
	return 0;
}
