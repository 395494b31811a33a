/* log.h - what people see while the harness works: log lines, and on a
 * terminal one live progress line below them. Everything goes to stderr;
 * stdout is for results. Safe to call from any thread.
 *
 * On a terminal the progress line is redrawn in place at most 10 times a
 * second; elsewhere progress_update prints a plain line when the phase or the
 * step changes, and at most every 30 s in between.
 */
#ifndef KERNGATE_BASE_LOG_H
#define KERNGATE_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "cleanup.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Lines above this level are dropped. Default LOG_INFO. */
void log_set_level(enum log_level level);
/* Overrides the terminal detection (tests; --no-progress). */
void log_set_live(bool live);
void log_line(enum log_level level, const char *format, ...) printf_like(2, 3);
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* total 0: unknown. remaining_ns UINT64_MAX: unknown. Example:
 * "[run] trial 7/60  elapsed 1 min 05 s  remaining 8 min 02 s  stock hugetlb".
 * Elapsed is counted from the first update of the phase. */
void progress_update(const char *phase, const char *step_name, uint64_t done,
		     uint64_t total, uint64_t remaining_ns, const char *detail);
/* Removes the live line (before printing results or leaving). */
void progress_clear(void);

#endif
