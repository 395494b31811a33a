/* fuzz_kernel_log.c - any bytes on the console. Asserted: bounds hold, titles
 * are one line of printable ASCII, and every split of the same bytes gives the
 * same findings. The first byte chooses the split.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct kernel_log *scan(const uint8_t *data, size_t size, size_t step)
{
	struct kernel_log *log = kernel_log_new();
	bool was_fatal = false;

	for (size_t at = 0; at < size; at += step) {
		kernel_log_feed(log, data + at, size - at < step ? size - at : step);
		require(!was_fatal || kernel_log_has_fatal(log));
		was_fatal = kernel_log_has_fatal(log);
	}
	kernel_log_finish(log);
	return log;
}

static void check_bounds(const struct kernel_log *log, uint64_t lines)
{
	const struct finding *items;
	size_t count;

	kernel_log_findings(log, &items, &count);
	require(count <= KERNEL_LOG_FINDINGS_MAX);
	require(count <= kernel_log_findings_total(log));
	for (size_t i = 0; i < count; i++) {
		size_t excerpt_lines = 0;

		require(items[i].title[0] != '\0' && strlen(items[i].title) < 512);
		for (const char *c = items[i].title; *c; c++)
			require(*c == '\t' || (*c >= 0x20 && *c < 0x7f));
		for (const char *c = items[i].excerpt; *c; c++) {
			require(*c == '\t' || *c == '\n' || (*c >= 0x20 && *c < 0x7f));
			excerpt_lines += *c == '\n';
		}
		require(excerpt_lines >= 1 && excerpt_lines <= KERNEL_LOG_EXCERPT_LINES);
		require(strlen(items[i].excerpt) <=
			(KERNEL_LOG_LINE_MAX + 1) * KERNEL_LOG_EXCERPT_LINES);
		require(items[i].line >= 1 && items[i].line <= lines);
		require(!finding_kind_is_fatal(items[i].kind) ||
			kernel_log_has_fatal(log));
	}
}

static void check_same(const struct kernel_log *a, const struct kernel_log *b)
{
	const struct finding *a_items, *b_items;
	size_t a_count, b_count;

	kernel_log_findings(a, &a_items, &a_count);
	kernel_log_findings(b, &b_items, &b_count);
	require(a_count == b_count);
	require(kernel_log_findings_total(a) == kernel_log_findings_total(b));
	require(kernel_log_has_fatal(a) == kernel_log_has_fatal(b));
	for (size_t i = 0; i < a_count; i++) {
		require(a_items[i].kind == b_items[i].kind);
		require(a_items[i].line == b_items[i].line);
		require(strcmp(a_items[i].title, b_items[i].title) == 0);
		require(strcmp(a_items[i].excerpt, b_items[i].excerpt) == 0);
	}
}

static void check_page_init(const uint8_t *data, size_t size)
{
	struct page_init_record record;
	char line[256];
	size_t length = size < sizeof(line) - 1 ? size : sizeof(line) - 1;

	memcpy(line, data, length);
	line[length] = '\0';
	(void)kernel_log_parse_page_init(line, &record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step = size > 0 ? data[0] % 61 + 1 : 1;
	uint64_t lines = 1;
	struct kernel_log *whole, *pieces;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	whole = scan(data, size, size + 1);
	pieces = scan(data, size, step);
	check_bounds(whole, lines);
	check_same(whole, pieces);
	check_page_init(data, size);
	kernel_log_free(whole);
	kernel_log_free(pieces);
	return 0;
}
