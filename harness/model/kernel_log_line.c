/* kernel_log_line.c - printk's prefixes. It does not know what messages mean. */
#include "kernel_log_line.h"

#include <string.h>

#include "kernel_log.h"

#define SECONDS_DIGITS_MAX 10
#define FRACTION_DIGITS 6
#define SECONDS_WIDTH 5

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool is_symbol_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       is_digit(c) || c == '_' || c == '.';
}

bool text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool stamp_continues(const struct stamp_matcher *m, char c)
{
	if (m->in_fraction)
		return is_digit(c) && m->fraction < FRACTION_DIGITS;
	if (c == ' ')
		return m->seconds == 0 && m->spaces < SECONDS_WIDTH - 1;
	if (c == '.')
		return m->seconds > 0 && m->spaces + m->seconds >= SECONDS_WIDTH;
	return is_digit(c) && m->seconds < SECONDS_DIGITS_MAX;
}

bool stamp_matcher_next(struct stamp_matcher *m, char c, size_t *ret_length)
{
	if (m->length > 0 && c == ']' && m->fraction == FRACTION_DIGITS) {
		*ret_length = m->length + 1;
		*m = (struct stamp_matcher){ 0 };
		return true;
	}
	if (m->length == 0 || !stamp_continues(m, c)) {
		*m = (struct stamp_matcher){ .length = c == '[' };
		return false;
	}
	m->length++;
	if (m->in_fraction)
		m->fraction++;
	else if (c == '.')
		m->in_fraction = true;
	else if (c == ' ')
		m->spaces++;
	else
		m->seconds++;
	return false;
}

size_t console_level_length(const char *text)
{
	const char *at = text + 1;

	if (*text != '<' || !is_digit(*at))
		return 0;
	while (is_digit(*at) && at - text < 5)
		at++;
	return *at == '>' ? (size_t)(at + 1 - text) : 0;
}

/* Returns what follows the stamp, or text itself. */
static const char *skip_stamp(const char *text, struct console_line *line)
{
	struct stamp_matcher matcher = { 0 };
	size_t length;
	uint64_t number = 0;

	for (const char *at = text; *at; at++) {
		bool complete = stamp_matcher_next(&matcher, *at, &length);

		if (is_digit(*at))
			number = number * 10 + (uint64_t)(*at - '0');
		if (complete) {
			line->has_time = true;
			line->time_us = number;
			return at + 1;
		}
		if (matcher.length != (uint32_t)(at - text) + 1)
			break;
	}
	return text;
}

/* "[  T123]" or "[    C0]", six characters at least between the brackets. */
static const char *skip_caller(const char *text, struct console_line *line)
{
	const char *at = text + 1;
	const char *name;
	size_t length;

	if (*text != '[')
		return text;
	while (*at == ' ')
		at++;
	name = at;
	if (*at != 'T' && *at != 'C')
		return text;
	do
		at++;
	while (is_digit(*at));
	length = (size_t)(at - name);
	if (*at != ']' || length < 2 || length >= sizeof(line->caller) ||
	    at - text - 1 < 6)
		return text;
	memcpy(line->caller, name, length);
	return at + 1;
}

void console_line_parse(const char *text, struct console_line *ret_line)
{
	struct console_line line = { .message = text };
	const char *at = skip_stamp(text + console_level_length(text), &line);

	at = skip_caller(at, &line);
	if (line.has_time || line.caller[0]) {
		if (*at == ' ')
			at++;
		line.message = at;
	} else {
		line.message = text + console_level_length(text);
	}
	*ret_line = line;
}

/* A decimal number of at most max; NULL if there is none. */
static const char *parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t number = 0;

	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text); text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (number > (max - digit) / 10)
			return NULL;
		number = number * 10 + digit;
	}
	*ret = number;
	return text;
}

bool kernel_log_parse_page_init(const char *text, struct page_init_record *ret)
{
	static const char before[] = "node ";
	static const char between[] = " deferred pages initialised in ";
	struct console_line line;
	uint64_t node, duration_ms;
	const char *at;

	console_line_parse(text, &line);
	if (!text_starts(line.message, before))
		return false;
	at = parse_number(line.message + strlen(before), UINT32_MAX, &node);
	if (!at || !text_starts(at, between))
		return false;
	at = parse_number(at + strlen(between), UINT64_MAX, &duration_ms);
	if (!at || !text_starts(at, "ms"))
		return false;
	at += strlen("ms");
	if (at[strspn(at, "\r\n")] != '\0')
		return false;
	*ret = (struct page_init_record){
		.node = (uint32_t)node,
		.duration_ms = duration_ms,
	};
	return true;
}
