/* strbuf.c - growing strings and lists of strings. */
#include "strbuf.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "memory.h"

char strbuf_empty_[1] = "";

static void strbuf_reserve(struct strbuf *buf, size_t extra)
{
	size_t wanted = buf->length + extra + 1;
	size_t capacity = buf->capacity ? buf->capacity : 64;

	if (wanted <= buf->capacity)
		return;
	while (capacity < wanted)
		capacity *= 2;
	buf->data = memory_realloc_array(buf->capacity ? buf->data : NULL,
					 capacity, 1);
	buf->capacity = capacity;
	buf->data[buf->length] = '\0';
}

void strbuf_add(struct strbuf *buf, const void *data, size_t length)
{
	if (length == 0)
		return;
	strbuf_reserve(buf, length);
	memcpy(buf->data + buf->length, data, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void strbuf_adds(struct strbuf *buf, const char *text)
{
	strbuf_add(buf, text, strlen(text));
}

void strbuf_addc(struct strbuf *buf, char c)
{
	strbuf_add(buf, &c, 1);
}

void strbuf_addf(struct strbuf *buf, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = string_vformat(format, arguments);
	va_end(arguments);
	strbuf_adds(buf, text);
}

void strbuf_reset(struct strbuf *buf)
{
	strbuf_cut(buf, 0);
}

void strbuf_cut(struct strbuf *buf, size_t length)
{
	if (length >= buf->length)
		return;
	buf->length = length;
	buf->data[length] = '\0';
}

char *strbuf_detach(struct strbuf *buf)
{
	char *data;

	strbuf_reserve(buf, 0);
	data = buf->data;
	*buf = STRBUF_INIT;
	return data;
}

void strbuf_release(struct strbuf *buf)
{
	if (buf->capacity)
		free(buf->data);
	*buf = STRBUF_INIT;
}

void strbuf_add_xml(struct strbuf *buf, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			strbuf_adds(buf, "&amp;");
			break;
		case '<':
			strbuf_adds(buf, "&lt;");
			break;
		case '>':
			strbuf_adds(buf, "&gt;");
			break;
		case '"':
			strbuf_adds(buf, "&quot;");
			break;
		case '\'':
			strbuf_adds(buf, "&apos;");
			break;
		default:
			strbuf_addc(buf, *text);
		}
	}
}

static void push_owned(struct strvec *vec, char *text)
{
	if (vec->count + 2 > vec->capacity) {
		vec->capacity = vec->capacity ? vec->capacity * 2 : 8;
		vec->items = memory_realloc_array(vec->items, vec->capacity,
						  sizeof(*vec->items));
	}
	vec->items[vec->count++] = text;
	vec->items[vec->count] = NULL;
}

void strvec_push(struct strvec *vec, const char *text)
{
	push_owned(vec, string_copy(text));
}

void strvec_pushf(struct strvec *vec, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	push_owned(vec, string_vformat(format, arguments));
	va_end(arguments);
}

void strvec_push_all(struct strvec *vec, const char *const *items)
{
	for (; *items; items++)
		strvec_push(vec, *items);
}

bool strvec_contains(const struct strvec *vec, const char *text)
{
	for (size_t i = 0; i < vec->count; i++)
		if (strcmp(vec->items[i], text) == 0)
			return true;
	return false;
}

void strvec_copy(struct strvec *to, const struct strvec *from)
{
	struct strvec copy = STRVEC_INIT;

	for (size_t i = 0; i < from->count; i++)
		strvec_push(&copy, from->items[i]);
	strvec_release(to);
	*to = copy;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strvec_sort(struct strvec *vec)
{
	if (vec->count > 1)
		qsort(vec->items, vec->count, sizeof(*vec->items), compare_strings);
}

void strvec_release(struct strvec *vec)
{
	for (size_t i = 0; i < vec->count; i++)
		free(vec->items[i]);
	free(vec->items);
	*vec = STRVEC_INIT;
}

void strbuf_add_shell_word(struct strbuf *buf, const char *text)
{
	static const char plain[] = "-_./:=@%+,";
	bool is_plain_word = *text;

	for (const char *c = text; *c && is_plain_word; c++)
		is_plain_word = isalnum((unsigned char)*c) || strchr(plain, *c);
	if (is_plain_word) {
		strbuf_adds(buf, text);
		return;
	}
	strbuf_addc(buf, '\'');
	for (const char *c = text; *c; c++)
		if (*c == '\'')
			strbuf_adds(buf, "'\\''");
		else
			strbuf_addc(buf, *c);
	strbuf_addc(buf, '\'');
}
