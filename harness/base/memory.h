/* memory.h - allocation that cannot fail: when memory runs out the program
 * says so on stderr and aborts (nothing in the run store can be half written:
 * it is transactional). Results are owned by the caller, for free().
 */
#ifndef KERNGATE_BASE_MEMORY_H
#define KERNGATE_BASE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

#include "cleanup.h"

void *memory_alloc(size_t bytes);                 /* zeroed; 0 bytes allowed */
void *memory_alloc_array(size_t count, size_t size); /* zeroed, overflow-safe */
/* Grows or shrinks; new elements are NOT zeroed. */
void *memory_realloc_array(void *pointer, size_t count, size_t size);
char *string_copy(const char *text);              /* NULL gives NULL */
char *string_copy_n(const char *text, size_t length);
char *string_format(const char *format, ...) printf_like(1, 2);
char *string_vformat(const char *format, va_list arguments);

#endif
