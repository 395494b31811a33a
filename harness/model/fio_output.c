/* fio_output.c - see fio_output.h. */
#include "fio_output.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define RUNS_MAX 1000u

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

static int number_read(const json_t *object, const char *key, double *ret_value,
		       struct error *err)
{
	const json_t *number = json_object_get(object, key);
	double value = json_is_number(number) ? json_number_value(number) : (double)NAN;

	if (!isfinite(value) || value <= 0)
		return error_set(err, -EINVAL, "%s: expected a number above 0", key);
	*ret_value = value;
	return 0;
}

static int direction_read(const json_t *direction, struct fio_run *run, struct error *err)
{
	const json_t *completion = json_object_get(direction, "clat_ns");
	const json_t *percentiles = json_object_get(completion, "percentile");
	const struct {
		const json_t *object;
		const char *key;
		double *value;
	} fields[] = {
		{ direction, "bw_bytes", &run->bytes_per_s },
		{ direction, "iops", &run->requests_per_s },
		{ json_object_get(direction, "lat_ns"), "mean", &run->latency_mean_ns },
		{ percentiles, "50.000000", &run->latency_p50_ns },
		{ percentiles, "99.000000", &run->latency_p99_ns },
		{ percentiles, "99.900000", &run->latency_p999_ns },
		{ completion, "max", &run->latency_max_ns },
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_COUNT(fields); i++)
		rc = number_read(fields[i].object, fields[i].key, fields[i].value, err);
	return rc;
}

/* The one of both that did anything. */
static const json_t *find_direction(const json_t *job, struct error *err)
{
	const json_t *read = json_object_get(job, "read");
	const json_t *write = json_object_get(job, "write");
	json_int_t reads = json_integer_value(json_object_get(read, "total_ios"));
	json_int_t writes = json_integer_value(json_object_get(write, "total_ios"));

	if ((reads > 0) == (writes > 0)) {
		error_set(err, -EINVAL, "expected total_ios above 0 of either read or write, "
			  "found %" JSON_INTEGER_FORMAT " and %" JSON_INTEGER_FORMAT, reads,
			  writes);
		return NULL;
	}
	return reads > 0 ? read : write;
}

static int run_read(const json_t *document, struct fio_run *run, struct error *err)
{
	const json_t *jobs = json_object_get(document, "jobs");
	const json_t *job = json_array_get(jobs, 0), *direction, *error;

	if (json_array_size(jobs) != 1 || !json_is_object(job))
		return error_set(err, -EINVAL, "expected one job");
	error = json_object_get(job, "error");
	if (!json_is_integer(error))
		return error_set(err, -EINVAL, "error: expected a whole number");
	if (json_integer_value(error) != 0)
		return error_set(err, -EINVAL, "the job ended with error %" JSON_INTEGER_FORMAT,
				 json_integer_value(error));
	direction = find_direction(job, err);
	return direction ? direction_read(direction, run, err) : -EINVAL;
}

/* The document at the beginning of the text; *ret_used: its bytes. */
static int document_take(const char *text, size_t length, size_t number,
			 struct fio_run *run, size_t *ret_used, struct error *err)
{
	cleanup_with(cleanup_json) json_t *document = NULL;
	json_error_t error;

	document = json_loadb(text, length, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES,
			      &error);
	if (!document)
		return error_set(err, -EINVAL, "run %zu, line %d: %s", number, error.line,
				 error.text);
	*ret_used = (size_t)error.position;
	if (run_read(document, run, err))
		return error_prefix(err, "run %zu", number);
	return 0;
}

int fio_output_parse(const char *text, size_t length, struct fio_output *ret_output,
		     struct error *err)
{
	cleanup_with(fio_output_release) struct fio_output output = { 0 };
	size_t at = 0;

	while (at < length && strchr(" \n\r\t", text[at]) && text[at])
		at++;
	while (at < length) {
		size_t used = 0;
		int rc;

		if (output.runs_count == RUNS_MAX)
			return error_set(err, -EINVAL, "more than %u runs", RUNS_MAX);
		output.runs = memory_realloc_array(output.runs, output.runs_count + 1,
						   sizeof(*output.runs));
		rc = document_take(text + at, length - at, output.runs_count + 1,
				   &output.runs[output.runs_count], &used, err);
		if (rc)
			return rc;
		output.runs_count++;
		at += used;
		while (at < length && strchr(" \n\r\t", text[at]) && text[at])
			at++;
	}
	if (output.runs_count == 0)
		return error_set(err, -EINVAL, "no run");
	*ret_output = output;
	output = (struct fio_output){ 0 };
	return 0;
}

void fio_output_release(struct fio_output *output)
{
	free(output->runs);
	*output = (struct fio_output){ 0 };
}
