/* guest_lines.c - see guest_lines.h. Two halves: bytes > whole lines in order
 * (guest_lines_feed, line_accept), and what each kind of line may say when
 * (accept_hello ... accept_end).
 */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "guest_artifacts.h"
#include "guest_frame.h"
#include "guest_lines.h"
#include "memory.h"

#define TEXT_MAX 512             /* of a reason or a kernel release */


struct row_state {
	bool has_begun, is_over;
	enum outcome outcome;
	char *reason;            /* owned */
	uint32_t *iterations;    /* next one of each declared metric; owned */
	bool has_evidence;
	struct guest_evidence evidence;
};

struct guest_lines {
	struct guest_expectation expect;
	char line[GUEST_LINE_MAX];
	size_t line_length;      /* of the unfinished line */
	uint64_t bytes;          /* fed so far */
	uint64_t sequence;       /* expected of the next line */
	char *broken;            /* owned; NULL while all is well */
	bool has_hello, has_end;
	char *kernel_release;    /* owned */
	struct row_state *rows;  /* owned; expect.rows_count */
	uint32_t row;            /* the row that runs or comes next */
	struct trial_result kept; /* its samples */
	struct guest_artifacts artifacts;
	struct guest_request requests[GUEST_REQUESTS_MAX];
	uint32_t requests_count, requests_taken;
};

/* Guests may say anything: what is kept for people is one line of ASCII. */
static char *text_sanitized(const char *text)
{
	char *copy = string_copy_n(text, strnlen(text, TEXT_MAX));
	char *c;

	for (c = copy; *c; c++)
		if (!isascii((unsigned char)*c) || !isprint((unsigned char)*c))
			*c = '?';
	return copy;
}

static void mark_broken(struct guest_lines *lines, const char *format, ...)
	printf_like(2, 3);

static void mark_broken(struct guest_lines *lines, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list arguments;

	if (lines->broken)
		return;
	va_start(arguments, format);
	text = string_vformat(format, arguments);
	va_end(arguments);
	lines->broken = text_sanitized(text);
}

struct guest_lines *guest_lines_new(const struct guest_expectation *expectation)
{
	struct guest_lines *lines = memory_alloc(sizeof(*lines));
	size_t i;

	lines->expect = *expectation;
	lines->kept = TRIAL_RESULT_INIT;
	lines->rows = memory_alloc_array(expectation->rows_count,
					 sizeof(*lines->rows));
	for (i = 0; i < expectation->rows_count; i++)
		lines->rows[i].iterations = memory_alloc_array(
			expectation->workloads[i]->metrics_count,
			sizeof(*lines->rows[i].iterations));
	return lines;
}

void guest_lines_free(struct guest_lines *lines)
{
	size_t i;

	if (!lines)
		return;
	for (i = 0; i < lines->expect.rows_count; i++) {
		free(lines->rows[i].reason);
		free(lines->rows[i].iterations);
	}
	trial_result_release(&lines->kept);
	guest_artifacts_release(&lines->artifacts);
	free(lines->rows);
	free(lines->kernel_release);
	free(lines->broken);
	free(lines);
}

bool guest_lines_has_hello(const struct guest_lines *lines)
{
	return lines->has_hello;
}

bool guest_lines_has_end(const struct guest_lines *lines)
{
	return lines->has_end;
}

const char *guest_lines_broken_reason(const struct guest_lines *lines)
{
	return lines->broken;
}

static bool row_is_running(const struct guest_lines *lines)
{
	return lines->row < lines->expect.rows_count &&
	       lines->rows[lines->row].has_begun;
}

int guest_lines_current_row(const struct guest_lines *lines)
{
	return row_is_running(lines) ? (int)lines->row : -1;
}

void guest_lines_artifacts(const struct guest_lines *lines,
			   const struct guest_artifact **ret_items, size_t *ret_count)
{
	*ret_items = lines->artifacts.items;
	*ret_count = lines->artifacts.count;
}

bool guest_lines_evidence(const struct guest_lines *lines, uint32_t row,
			  struct guest_evidence *ret_evidence)
{
	if (row >= lines->expect.rows_count || !lines->rows[row].has_evidence)
		return false;
	*ret_evidence = lines->rows[row].evidence;
	return true;
}

bool guest_lines_take_request(struct guest_lines *lines, struct guest_request *ret_request)
{
	if (lines->broken || lines->requests_taken == lines->requests_count)
		return false;
	*ret_request = lines->requests[lines->requests_taken++];
	return true;
}

void guest_lines_refuse(struct guest_lines *lines, const char *reason)
{
	mark_broken(lines, "%s", reason);
}

/* --- what each kind of line may say: NULL, or a reason ----------------------- */

/* Every kind but hello and end speaks of the row that runs. */
static bool row_is_current(struct guest_lines *lines, json_int_t row)
{
	if (row_is_running(lines) && row == (json_int_t)lines->row)
		return true;
	mark_broken(lines, "line %llu speaks of row %lld, which is not running",
		    (unsigned long long)lines->sequence, (long long)row);
	return false;
}

static bool unpack(struct guest_lines *lines, json_t *object, const char *format, ...)
{
	json_error_t why;
	va_list arguments;
	int result;

	va_start(arguments, format);
	result = json_vunpack_ex(object, &why, JSON_STRICT, format, arguments);
	va_end(arguments);
	if (result < 0)
		mark_broken(lines, "line %llu: %s",
			    (unsigned long long)lines->sequence, why.text);
	return result == 0;
}

static void accept_hello(struct guest_lines *lines, json_t *object)
{
	json_int_t protocol, cpus, memory, rows;
	const char *trial, *release;

	if (!unpack(lines, object, "{s:I, s:s, s:s, s:I, s:I, s:I}", "protocol",
		    &protocol, "trial", &trial, "kernel_release", &release,
		    "cpus_count", &cpus, "memory_mib", &memory, "rows_count", &rows))
		return;
	if (strcmp(trial, lines->expect.trial_id) != 0)
		mark_broken(lines, "the guest says it is trial %.64s, expected %s",
			    trial, lines->expect.trial_id);
	else if (lines->has_hello)
		mark_broken(lines, "a second hello line");
	else if (protocol != 1)
		mark_broken(lines, "the guest speaks protocol %lld, expected 1",
			    (long long)protocol);
	else if (rows != (json_int_t)lines->expect.rows_count)
		mark_broken(lines, "the guest has %lld rows, expected %zu",
			    (long long)rows, lines->expect.rows_count);
	if (lines->broken)
		return;
	lines->has_hello = true;
	lines->kernel_release = text_sanitized(release);
}

static void accept_row(struct guest_lines *lines, json_t *object)
{
	json_int_t row;
	const char *name;

	if (!unpack(lines, object, "{s:I, s:s}", "row", &row, "name", &name))
		return;
	if (row_is_running(lines) || row != (json_int_t)lines->row ||
	    lines->row >= lines->expect.rows_count) {
		mark_broken(lines, "row %lld begins out of order", (long long)row);
		return;
	}
	if (strcmp(name, lines->expect.row_names[row]) != 0) {
		mark_broken(lines, "row %lld says it is %.64s, expected %s",
			    (long long)row, name, lines->expect.row_names[row]);
		return;
	}
	lines->rows[row].has_begun = true;
}

static bool metric_is_time(const struct metric_info *metric)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	size_t i;

	if (metric->kind == METRIC_TIME)
		return true;
	for (i = 0; i < ARRAY_COUNT(units); i++)
		if (!strcmp(metric->unit, units[i]))
			return true;
	return false;
}

static bool value_is_acceptable(struct guest_lines *lines,
				const struct metric_info *metric,
				const json_t *number)
{
	double value;

	if (!json_is_number(number)) {
		mark_broken(lines, "metric %s: a value that is no number",
			    metric->name);
		return false;
	}
	value = json_number_value(number);
	if (!isfinite(value)) {
		mark_broken(lines, "metric %s: a value that is not finite",
			    metric->name);
		return false;
	}
	if (value < 0 && metric_is_time(metric)) {
		mark_broken(lines, "metric %s: negative time %g", metric->name,
			    value);
		return false;
	}
	return true;
}

static void accept_sample(struct guest_lines *lines, json_t *object)
{
	const struct workload_info *workload;
	const struct metric_info *metric;
	json_int_t row, first;
	json_t *values;
	const char *name;
	uint32_t *next;
	size_t i;

	if (!unpack(lines, object, "{s:I, s:s, s:I, s:o}", "row", &row, "metric",
		    &name, "first", &first, "values", &values) ||
	    !row_is_current(lines, row))
		return;
	workload = lines->expect.workloads[row];
	metric = workload_info_find_metric(workload, name);
	if (!metric) {
		mark_broken(lines, "metric %.64s is not declared by %s", name,
			    workload->name);
		return;
	}
	next = &lines->rows[row].iterations[metric - workload->metrics];
	if (first != (json_int_t)*next || !json_is_array(values) ||
	    json_array_size(values) == 0) {
		mark_broken(lines, "metric %s: expected values from sample %u on",
			    metric->name, *next);
		return;
	}
	for (i = 0; i < json_array_size(values); i++) {
		const json_t *number = json_array_get(values, i);

		if (!value_is_acceptable(lines, metric, number))
			return;
		if (lines->kept.samples_count == GUEST_SAMPLES_MAX) {
			mark_broken(lines, "more than %u samples",
				    GUEST_SAMPLES_MAX);
			return;
		}
		trial_result_add_sample(&lines->kept, (uint32_t)row, metric->name,
					(*next)++, json_number_value(number));
	}
}

static void accept_artifact(struct guest_lines *lines, json_t *object)
{
	struct guest_artifact_part part;
	cleanup_free char *mistake = NULL;
	json_int_t row;

	if (!unpack(lines, object, "{s:I, s:s, s:I, s:I, s:s%}", "row", &row,
		    "name", &part.name, "offset", &part.offset, "total",
		    &part.total, "data", &part.text, &part.text_length) ||
	    !row_is_current(lines, row))
		return;
	part.row = (uint32_t)row;
	mistake = guest_artifacts_add(&lines->artifacts, &part);
	if (mistake)
		mark_broken(lines, "%s", mistake);
}

static void accept_evidence(struct guest_lines *lines, json_t *object)
{
	json_int_t row, wall, steal, switches, interrupts;
	struct row_state *state;

	if (!unpack(lines, object, "{s:I, s:I, s:I, s:I, s:I}", "row", &row,
		    "wall_ns", &wall, "steal_ns", &steal,
		    "context_switches_count", &switches, "interrupts_count",
		    &interrupts) ||
	    !row_is_current(lines, row))
		return;
	if (wall < 0 || steal < 0 || switches < 0 || interrupts < 0) {
		mark_broken(lines, "row %lld: negative evidence", (long long)row);
		return;
	}
	state = &lines->rows[row];
	state->has_evidence = true;
	state->evidence = (struct guest_evidence){
		.wall_ns = (uint64_t)wall,
		.steal_ns = (uint64_t)steal,
		.context_switches_count = (uint64_t)switches,
		.interrupts_count = (uint64_t)interrupts,
	};
}

static void accept_request(struct guest_lines *lines, json_t *object)
{
	json_int_t row, size_mib;
	const char *device;

	if (!unpack(lines, object, "{s:I, s:s, s:I}", "row", &row, "device", &device,
		    "size_mib", &size_mib) ||
	    !row_is_current(lines, row))
		return;
	if (strcmp(device, "dimm") != 0) {
		mark_broken(lines, "row %lld asks for the device %.64s, expected dimm",
			    (long long)row, device);
		return;
	}
	if (size_mib < 1 || size_mib > GUEST_DIMM_MIB_MAX) {
		mark_broken(lines, "row %lld asks for a DIMM of %lld MiB, expected 1..%d",
			    (long long)row, (long long)size_mib, GUEST_DIMM_MIB_MAX);
		return;
	}
	if (lines->requests_count == GUEST_REQUESTS_MAX) {
		mark_broken(lines, "more than %u requests", GUEST_REQUESTS_MAX);
		return;
	}
	lines->requests[lines->requests_count++] = (struct guest_request){
		.row = (uint32_t)row, .dimm_mib = (uint64_t)size_mib,
	};
}

static void accept_outcome(struct guest_lines *lines, json_t *object)
{
	cleanup_free char *mistake = NULL;
	const char *word, *reason = NULL;
	struct row_state *state;
	enum outcome outcome;
	json_int_t row;

	if (!unpack(lines, object, "{s:I, s:s, s?s}", "row", &row, "outcome",
		    &word, "reason", &reason) ||
	    !row_is_current(lines, row))
		return;
	if (outcome_parse(word, &outcome) < 0) {
		mark_broken(lines, "row %lld: unknown outcome %.64s",
			    (long long)row, word);
		return;
	}
	mistake = guest_artifacts_check(&lines->artifacts, (uint32_t)row);
	if (mistake) {
		mark_broken(lines, "%s", mistake);
		return;
	}
	state = &lines->rows[row];
	state->outcome = outcome;
	if (outcome != OUTCOME_PASSED)
		state->reason = text_sanitized(reason ? reason : "no reason given");
	state->is_over = true;
	lines->row++;
}

static void accept_end(struct guest_lines *lines, json_t *object)
{
	json_int_t count;

	if (!unpack(lines, object, "{s:I}", "lines", &count))
		return;
	if (lines->row != lines->expect.rows_count)
		mark_broken(lines, "end line before row %u was over", lines->row);
	else if (count != (json_int_t)lines->sequence)
		mark_broken(lines, "the guest counts %lld lines, %llu came",
			    (long long)count, (unsigned long long)lines->sequence);
	else
		lines->has_end = true;
}

static void (*const acceptors[GUEST_LINE_KINDS_COUNT])(struct guest_lines *lines,
						       json_t *object) = {
	[GUEST_LINE_HELLO] = accept_hello,
	[GUEST_LINE_ROW] = accept_row,
	[GUEST_LINE_SAMPLE] = accept_sample,
	[GUEST_LINE_ARTIFACT] = accept_artifact,
	[GUEST_LINE_EVIDENCE] = accept_evidence,
	[GUEST_LINE_REQUEST] = accept_request,
	[GUEST_LINE_OUTCOME] = accept_outcome,
	[GUEST_LINE_END] = accept_end,
};

/* --- bytes > lines ------------------------------------------------------------ */

static void line_accept(struct guest_lines *lines)
{
	unsigned long long number = lines->sequence;
	struct guest_frame frame;
	json_error_t why;
	json_t *object;
	const char *what;

	if (lines->has_end) {
		mark_broken(lines, "line %llu after the end line", number);
		return;
	}
	if (guest_frame_parse(lines->line, lines->line_length, &frame, &what) < 0) {
		mark_broken(lines, "line %llu %s", number, what);
		return;
	}
	if (frame.sequence != lines->sequence) {
		mark_broken(lines, "line %llu says it is line %llu", number,
			    (unsigned long long)frame.sequence);
		return;
	}
	if (!lines->has_hello && frame.kind != GUEST_LINE_HELLO) {
		mark_broken(lines, "%s line before the hello line",
			    guest_line_kind_name(frame.kind));
		return;
	}
	object = json_loadb(frame.json, frame.json_length, JSON_REJECT_DUPLICATES,
			    &why);
	if (!object) {
		mark_broken(lines, "line %llu is not JSON: %s", number, why.text);
		return;
	}
	acceptors[frame.kind](lines, object);
	json_decref(object);
	lines->sequence++;
}

void guest_lines_feed(struct guest_lines *lines, const void *data, size_t length)
{
	const char *bytes = data;

	lines->bytes += length;
	if (lines->bytes > GUEST_STREAM_MAX)
		mark_broken(lines, "more than %llu bytes on the result port",
			    (unsigned long long)GUEST_STREAM_MAX);
	while (length > 0 && !lines->broken) {
		const char *newline = memchr(bytes, '\n', length);
		size_t part = newline ? (size_t)(newline - bytes) : length;

		if (lines->line_length + part >= GUEST_LINE_MAX) {
			mark_broken(lines, "line %llu is longer than %d bytes",
				    (unsigned long long)lines->sequence,
				    GUEST_LINE_MAX);
			return;
		}
		memcpy(lines->line + lines->line_length, bytes, part);
		lines->line_length += part;
		if (!newline)
			return;
		line_accept(lines);
		lines->line_length = 0;
		bytes += part + 1;
		length -= part + 1;
	}
}

/* --- the result ------------------------------------------------------------------ */

static void check_end(struct guest_lines *lines)
{
	if (lines->line_length > 0)
		mark_broken(lines, "line %llu is cut short at the end",
			    (unsigned long long)lines->sequence);
	else if (!lines->has_hello)
		mark_broken(lines, "no hello line");
	else if (!lines->has_end)
		mark_broken(lines, "no end line");
}

static struct row_result row_finish(struct guest_lines *lines, size_t i,
				    const struct trial_result *result)
{
	struct row_state *state = &lines->rows[i];
	struct row_result row = { .outcome = OUTCOME_BROKEN };

	if (lines->broken) {
		row.reason = string_copy(lines->broken);
	} else if (state->is_over) {
		row.outcome = state->outcome;
		row.reason = take_pointer(state->reason);
	} else if (state->has_begun) {
		row.outcome = result->outcome;
		row.reason = string_copy(result->reason);
	} else {
		row.reason = string_copy("not reached");
	}
	return row;
}

void guest_lines_finish(struct guest_lines *lines, struct trial_result *result)
{
	size_t i, count = lines->expect.rows_count;
	struct row_result *rows = memory_alloc_array(count, sizeof(*rows));

	if (result->outcome == OUTCOME_PASSED)
		check_end(lines);
	for (i = 0; i < count; i++)
		rows[i] = row_finish(lines, i, result);
	result->rows = rows;
	result->rows_count = count;
	result->kernel_release = take_pointer(lines->kernel_release);
	if (lines->broken) {
		trial_result_worsen(result, OUTCOME_BROKEN, "%s", lines->broken);
		return;
	}
	result->samples = take_pointer(lines->kept.samples);
	result->samples_count = lines->kept.samples_count;
	lines->kept.samples_count = 0;
	for (i = 0; i < count; i++)
		if (rows[i].outcome != OUTCOME_PASSED && lines->rows[i].is_over)
			trial_result_worsen(result, rows[i].outcome, "%s: %s",
					    lines->expect.row_names[i],
					    rows[i].reason);
}
