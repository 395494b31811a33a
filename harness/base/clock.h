/* clock.h - time in memory is uint64_t nanoseconds. */
#ifndef KERNGATE_BASE_CLOCK_H
#define KERNGATE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_SECOND UINT64_C(1000000000)

uint64_t clock_monotonic_ns(void);
uint64_t clock_wall_ns(void); /* since 1970-01-01 UTC */

#define CLOCK_TEXT_MAX 32
/* "2026-11-21T21:30:00Z" */
const char *clock_format_utc(uint64_t wall_ns, char text[CLOCK_TEXT_MAX]);
/* "20261121-213000", for file names */
const char *clock_format_stamp(uint64_t wall_ns, char text[CLOCK_TEXT_MAX]);
/* "850 ms", "12.3 s", "4 min 05 s", "1 h 02 min": for people */
const char *duration_format(uint64_t ns, char text[CLOCK_TEXT_MAX]);

#endif
