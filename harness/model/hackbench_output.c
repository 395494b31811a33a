/* hackbench_output.c - see hackbench_output.h. */
#include "hackbench_output.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define HACKBENCH_RUNS_MAX 1000u

/* Takes a decimal number without a sign and without leading zeros off the text. */
static bool number_take(const char **text, uint64_t *ret_number)
{
	size_t length = strspn(*text, "0123456789");

	if (length == 0 || length > 9 || (length > 1 && **text == '0'))
		return false;
	*ret_number = strtoull(*text, NULL, 10);
	*text += length;
	return true;
}

static bool words_take(const char **text, const char *words)
{
	size_t length = strlen(words);

	if (strncmp(*text, words, length) != 0)
		return false;
	*text += length;
	return true;
}

/* "SECONDS.MILLISECONDS", three digits behind the point. */
static bool seconds_take(const char **text, uint64_t *ret_ns)
{
	uint64_t seconds;
	const char *digits;

	if (!number_take(text, &seconds) || !words_take(text, "."))
		return false;
	digits = *text;
	if (strspn(digits, "0123456789") != 3)
		return false;
	*ret_ns = seconds * 1000000000u + strtoull(digits, NULL, 10) * 1000000u;
	*text += 3;
	return true;
}

/* The three lines of a run. */
static bool run_take(const char **text, struct hackbench_run *run)
{
	uint64_t tasks, loops, data_bytes, fds;

	if (!words_take(text, "Running in ") ||
	    !(words_take(text, "process") || words_take(text, "threaded")) ||
	    !words_take(text, " mode with ") || !number_take(text, &run->groups) ||
	    !words_take(text, " groups using ") || !number_take(text, &fds) ||
	    !words_take(text, " file descriptors each (== ") ||
	    !number_take(text, &tasks) || !words_take(text, " tasks)\n") ||
	    !words_take(text, "Each sender will pass ") || !number_take(text, &loops) ||
	    !words_take(text, " messages of ") || !number_take(text, &data_bytes) ||
	    !words_take(text, " bytes\nTime: ") || !seconds_take(text, &run->time_ns) ||
	    !words_take(text, "\n"))
		return false;
	run->senders = fds / 2;
	run->loops = loops;
	run->data_bytes = data_bytes;
	/* As many receivers as senders, in each group. */
	return run->groups > 0 && fds > 0 && fds % 2 == 0 && tasks == run->groups * fds &&
	       loops > 0 && data_bytes > 0;
}

static bool runs_are_alike(const struct hackbench_run *a, const struct hackbench_run *b)
{
	return a->groups == b->groups && a->senders == b->senders &&
	       a->loops == b->loops && a->data_bytes == b->data_bytes;
}

static void cleanup_hackbench(struct hackbench_output *output)
{
	hackbench_output_release(output);
}

int hackbench_output_parse(const char *text, size_t length,
			   struct hackbench_output *ret_output, struct error *err)
{
	cleanup_with(cleanup_hackbench) struct hackbench_output output = { 0 };
	cleanup_free char *copy = NULL;
	const char *at;

	if (memchr(text, '\0', length))
		return error_set(err, -EINVAL, "a NUL byte");
	copy = memory_alloc_array(length + 1, 1);
	memcpy(copy, text, length);
	output.runs = memory_alloc_array(HACKBENCH_RUNS_MAX, sizeof(*output.runs));
	for (at = copy; *at;) {
		struct hackbench_run *run = &output.runs[output.runs_count];
		const char *begin = at;

		if (output.runs_count == HACKBENCH_RUNS_MAX)
			return error_set(err, -EINVAL, "more than %u runs",
					 HACKBENCH_RUNS_MAX);
		if (!run_take(&at, run))
			return error_set(err, -EINVAL,
					 "run %zu: expected its three lines, with "
					 "\"Time: SECONDS\" as the last, found \"%.60s\"",
					 output.runs_count + 1, begin);
		if (run->time_ns == 0)
			return error_set(err, -EINVAL, "run %zu: it took less than a "
					 "millisecond: more loops are needed",
					 output.runs_count + 1);
		if (!runs_are_alike(run, &output.runs[0]))
			return error_set(err, -EINVAL,
					 "run %zu differs from the first one",
					 output.runs_count + 1);
		output.runs_count++;
	}
	if (output.runs_count == 0)
		return error_set(err, -EINVAL, "no run");
	*ret_output = output;
	output = (struct hackbench_output){ 0 };
	return 0;
}

void hackbench_output_release(struct hackbench_output *output)
{
	free(output->runs);
	*output = (struct hackbench_output){ 0 };
}
