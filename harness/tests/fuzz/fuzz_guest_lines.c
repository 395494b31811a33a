/* fuzz_guest_lines.c - whatever a guest may send: no crash, no leak, and what
 * is believed holds. The first byte chooses how the rest is used: 'r' raw bytes,
 * 's' lines "KIND JSON" that get the right frame (a fuzzer finds no checksum by
 * itself), else the same after a hello and a row that has begun. The second
 * byte is the size of the pieces in which it is fed.
 */
#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guest_lines.h"
#include "hash.h"
#include "memory.h"
#include "strbuf.h"

#define HELLO                                                                  \
	"hello {\"protocol\":1,\"trial\":\"t\",\"kernel_release\":\"7\","      \
	"\"cpus_count\":1,\"memory_mib\":1,\"rows_count\":2}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct metric_info metrics[] = {
	{ .name = (char *)"a_ns", .unit = (char *)"ns", .kind = METRIC_TIME },
	{ .name = (char *)"b", .unit = (char *)"1", .kind = METRIC_COUNT },
};

static const struct workload_info workload = {
	.name = (char *)"w", .metrics = metrics, .metrics_count = 2,
};

static const struct workload_info *const workloads[] = { &workload, &workload };
static const char *const row_names[] = { "x", "y" };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void seal(struct strbuf *stream, uint64_t sequence, const char *text,
		 size_t length)
{
	size_t start = stream->length;

	strbuf_addf(stream, "KG1 %llu ", (unsigned long long)sequence);
	strbuf_add(stream, text, length);
	strbuf_addf(stream, " %08x\n",
		    crc32_of(stream->data + start, stream->length - start));
}

static void seal_lines(struct strbuf *stream, uint64_t sequence, const char *text,
		       size_t length)
{
	while (length > 0) {
		const char *newline = memchr(text, '\n', length);
		size_t part = newline ? (size_t)(newline - text) : length;

		seal(stream, sequence++, text, part);
		part += newline ? 1 : 0;
		text += part;
		length -= part;
	}
}

static void check_text(const char *text)
{
	require(text != NULL);
	for (; *text; text++)
		require(isprint((unsigned char)*text));
}

/* What a fleet would act upon is in range, and nothing once the guest is not believed. */
static void take_requests(struct guest_lines *lines)
{
	struct guest_request request;

	while (guest_lines_take_request(lines, &request))
		require(!guest_lines_broken_reason(lines) && request.row < 2 &&
			request.dimm_mib >= 1 && request.dimm_mib <= GUEST_DIMM_MIB_MAX);
}

static void check_result(const struct guest_lines *lines,
			 const struct trial_result *result)
{
	const struct guest_artifact *artifacts;
	size_t i, count;

	require(result->rows_count == 2);
	require((result->outcome == OUTCOME_PASSED) == !result->reason);
	if (result->reason)
		check_text(result->reason);
	if (guest_lines_broken_reason(lines))
		require(result->outcome >= OUTCOME_BROKEN && !result->samples_count);
	else
		require(guest_lines_has_end(lines) && guest_lines_has_hello(lines));
	for (i = 0; i < result->samples_count; i++) {
		const struct sample *sample = &result->samples[i];

		require(sample->row < 2 && isfinite(sample->value));
		require(sample->value >= 0 || !strcmp(sample->metric, "b"));
	}
	guest_lines_artifacts(lines, &artifacts, &count);
	for (i = 0; i < count; i++)
		require(artifacts[i].length <= GUEST_ARTIFACT_MAX &&
			!artifacts[i].data[artifacts[i].length]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct guest_expectation expectation = {
		.trial_id = "t", .rows_count = 2, .workloads = workloads,
		.row_names = row_names,
	};
	cleanup_strbuf struct strbuf stream = STRBUF_INIT;
	struct trial_result result = TRIAL_RESULT_INIT;
	struct guest_lines *lines;
	const char *text = (const char *)data + 2;
	size_t at, piece;

	if (size < 2)
		return 0;
	if (data[0] == 'r') {
		strbuf_add(&stream, text, size - 2);
	} else if (data[0] == 's') {
		seal_lines(&stream, 0, text, size - 2);
	} else {
		static const char row[] = "row {\"row\":0,\"name\":\"x\"}";

		seal(&stream, 0, HELLO, strlen(HELLO));
		seal(&stream, 1, row, strlen(row));
		seal_lines(&stream, 2, text, size - 2);
	}
	piece = data[1] ? data[1] : stream.length + 1;
	lines = guest_lines_new(&expectation);
	for (at = 0; at < stream.length; at += piece) {
		size_t left = stream.length - at;

		guest_lines_feed(lines, stream.data + at,
				 left < piece ? left : piece);
		require(guest_lines_current_row(lines) < 2);
		take_requests(lines);
	}
	guest_lines_finish(lines, &result);
	check_result(lines, &result);
	trial_result_release(&result);
	guest_lines_free(lines);
	return 0;
}
