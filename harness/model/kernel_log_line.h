/* kernel_log_line.h - one console line taken apart: printk's prefix (log
 * level, time stamp, caller) and the message. Private to kernel_log*.c.
 */
#ifndef KERNGATE_MODEL_KERNEL_LOG_LINE_H
#define KERNGATE_MODEL_KERNEL_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_LOG_CALLER_MAX 12

struct console_line {
	const char *message;  /* borrowed: what follows the prefix */
	bool has_time;
	uint64_t time_us;     /* since boot; 0 without a time stamp */
	char caller[KERNEL_LOG_CALLER_MAX]; /* "T123", "C0"; "" if not printed */
};

/* Formats of kernel/printk/printk.c: print_syslog "<%u>", print_time
 * "[%5lu.%06lu]", print_caller "[%6s]", then one space. */
void console_line_parse(const char *text, struct console_line *ret_line);
/* Length of the "<6>" that text begins with, or 0. */
size_t console_level_length(const char *text);

/* Recognises "[%5lu.%06lu]" one character at a time: true when c completes
 * one; *ret_length is then its length. State starts as zeroes. */
struct stamp_matcher {
	uint32_t length, spaces, seconds, fraction;
	bool in_fraction;
};
bool stamp_matcher_next(struct stamp_matcher *matcher, char c,
			size_t *ret_length);

/* Characters that printk itself never splits from a name: letters, digits,
 * '_' and '.'. */
bool is_symbol_char(char c);
bool text_starts(const char *text, const char *prefix);

#endif
