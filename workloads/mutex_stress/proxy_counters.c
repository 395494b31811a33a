/* proxy_counters.c - see proxy_counters.h. */
#include "proxy_counters.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 32
#define OTHER PROXY_COUNTERS_COUNT

const char *const proxy_counter_names[PROXY_COUNTERS_COUNT] = {
	[PROXY_DONATIONS] = "donations",   [PROXY_OWNER_RUNS] = "owner_runs",
	[PROXY_MIGRATIONS] = "migrations", [PROXY_RETURNS] = "returns",
	[PROXY_SLEEPS] = "sleeps",         [PROXY_ACTIVATIONS] = "activations",
};

struct reader {
	const char *at;
	size_t columns[COLUMNS_MAX];   /* an enum proxy_counter, or OTHER */
	size_t columns_count;
	char *message;
	size_t message_size;
};

static __attribute__((format(printf, 2, 3))) int refuse(struct reader *reader,
							const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reader->message, reader->message_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* The next word of this line, which begins after blanks; its length, 0 at the end. */
static size_t word_next(struct reader *reader)
{
	reader->at += strspn(reader->at, " ");
	return strcspn(reader->at, " \n");
}

static bool word_is(const char *word, size_t length, const char *name)
{
	return strlen(name) == length && !strncmp(word, name, length);
}

static int head_read(struct reader *reader, struct proxy_counters *counters)
{
	size_t length = word_next(reader), i;

	if (!word_is(reader->at, length, "cpu"))
		return refuse(reader, "expected a line that begins with 'cpu'");
	reader->at += length;
	while ((length = word_next(reader)) > 0) {
		if (reader->columns_count == COLUMNS_MAX)
			return refuse(reader, "more than %d columns", COLUMNS_MAX);
		for (i = 0; i < OTHER; i++)
			if (word_is(reader->at, length, proxy_counter_names[i]))
				break;
		if (i < OTHER && counters->has[i])
			return refuse(reader, "column %s is there twice",
				      proxy_counter_names[i]);
		if (i < OTHER)
			counters->has[i] = true;
		reader->columns[reader->columns_count++] = i;
		reader->at += length;
	}
	return 0;
}

/* "cpu0 1 2 3" */
static int row_read(struct reader *reader, struct proxy_counters *counters)
{
	size_t length = word_next(reader), i;
	char *end;

	if (length < 4 || strncmp(reader->at, "cpu", 3) ||
	    strspn(reader->at + 3, "0123456789") != length - 3)
		return refuse(reader, "expected 'cpu' with a number, found '%.*s'",
			      (int)length, reader->at);
	reader->at += length;
	for (i = 0; i < reader->columns_count; i++) {
		uint64_t value;

		length = word_next(reader);
		if (!length || strspn(reader->at, "0123456789") != length)
			return refuse(reader, "column %zu: expected a number, found "
				      "'%.*s'", i + 2, (int)length, reader->at);
		errno = 0;
		value = strtoull(reader->at, &end, 10);
		if (errno)
			return refuse(reader, "column %zu: too large a number", i + 2);
		if (reader->columns[i] != OTHER)
			counters->sum[reader->columns[i]] += value;
		reader->at = end;
	}
	return word_next(reader) ? refuse(reader, "a line has more columns than the "
					  "first") : 0;
}

int proxy_counters_parse(const char *text, struct proxy_counters *ret_counters,
			 char *message, size_t message_size)
{
	struct reader reader = { .at = text, .message = message,
				 .message_size = message_size };
	struct proxy_counters counters = { .has = { false } };
	uint32_t rows_count = 0;
	int result = head_read(&reader, &counters);

	while (result == 0 && *reader.at == '\n' && *++reader.at) {
		result = row_read(&reader, &counters);
		rows_count++;
	}
	if (result < 0)
		return result;
	if (!rows_count)
		return refuse(&reader, "no line of a CPU");
	*ret_counters = counters;
	return 0;
}

/* Measured, donations, sleeps and activations for 100 naps: two CPUs 1100, 97 and 96 (or
 * 1180, 115, 115); a debug kernel 121, 20 and 19; with one CPU 254, 32 and 32. */
enum proxy_counter proxy_counters_lacking(const struct proxy_counters *change,
					  uint64_t naps_count, uint64_t *ret_least)
{
	const struct {
		enum proxy_counter counter;
		uint64_t least;
	} needs[] = {
		{ PROXY_DONATIONS, naps_count / 4 },
		{ PROXY_SLEEPS, naps_count / 20 },
		/* the others were woken for another reason first */
		{ PROXY_ACTIVATIONS, change->sum[PROXY_SLEEPS] / 2 },
	};
	size_t i;

	for (i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		uint64_t least = needs[i].least ? needs[i].least : 1;

		if (!change->has[needs[i].counter] ||
		    change->sum[needs[i].counter] >= least)
			continue;
		*ret_least = least;
		return needs[i].counter;
	}
	return PROXY_COUNTERS_COUNT;
}
