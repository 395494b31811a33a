/* kernel_log.h - console text > findings, as it arrives. Pure; fuzzed: any
 * bytes are accepted.
 *
 *     struct kernel_log *log = kernel_log_new();
 *     kernel_log_feed(log, data, n);         // any split of the stream
 *     kernel_log_finish(log);                // last, unfinished line
 *     kernel_log_findings(log, &items, &n);  // borrowed until free
 *     kernel_log_free(log);
 */
#ifndef KERNGATE_MODEL_KERNEL_LOG_H
#define KERNGATE_MODEL_KERNEL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trial.h"

#define KERNEL_LOG_FINDINGS_MAX 64   /* later ones are only counted */
#define KERNEL_LOG_LINE_MAX 1024     /* longer lines are cut */
#define KERNEL_LOG_EXCERPT_LINES 40

struct kernel_log;

struct kernel_log *kernel_log_new(void);
void kernel_log_feed(struct kernel_log *log, const void *data, size_t length);
void kernel_log_finish(struct kernel_log *log);
void kernel_log_findings(const struct kernel_log *log,
			 const struct finding **ret_items, size_t *ret_count);
/* Findings seen, those beyond the bound included. */
uint64_t kernel_log_findings_total(const struct kernel_log *log);
bool kernel_log_has_fatal(const struct kernel_log *log);
void kernel_log_free(struct kernel_log *log);

/* Deferred struct-page initialisation as the kernel logs it:
 * "node 0 deferred pages initialised in 12ms" (mm/mm_init.c). */
struct page_init_record {
	uint32_t node;
	uint64_t duration_ms;
};
/* Parses one console line; false if it is another line. */
bool kernel_log_parse_page_init(const char *line, struct page_init_record *ret);

#endif
