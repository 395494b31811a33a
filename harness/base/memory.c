/* memory.c - allocation that says why and aborts instead of failing. */
#include "memory.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void *check_allocated(void *pointer, size_t bytes)
{
	if (pointer)
		return pointer;
	fprintf(stderr, "kerngate: out of memory (%zu bytes wanted)\n", bytes);
	abort();
}

static size_t product_or_abort(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
		check_allocated(NULL, SIZE_MAX);
	return bytes ? bytes : 1;
}

void *memory_alloc(size_t bytes)
{
	return memory_alloc_array(1, bytes);
}

void *memory_alloc_array(size_t count, size_t size)
{
	size_t bytes = product_or_abort(count, size);

	return check_allocated(calloc(1, bytes), bytes);
}

void *memory_realloc_array(void *pointer, size_t count, size_t size)
{
	size_t bytes = product_or_abort(count, size);

	return check_allocated(realloc(pointer, bytes), bytes);
}

char *string_copy(const char *text)
{
	return text ? string_copy_n(text, strlen(text)) : NULL;
}

char *string_copy_n(const char *text, size_t length)
{
	char *copy = memory_alloc(length + 1);

	memcpy(copy, text, length);
	return copy;
}

char *string_format(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = string_vformat(format, arguments);
	va_end(arguments);
	return text;
}

char *string_vformat(const char *format, va_list arguments)
{
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		check_allocated(NULL, 0);
	return text;
}
