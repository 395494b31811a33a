/* hogs.h - processes that do nothing but spin, so many on each CPU, for workloads that
 * measure something beside them. Knows no workload.
 *
 *	setup:    hogs_start(1);
 *	          hogs_stop();
 *	measure:  hogs_continue(), hogs_read(), hogs_stop()
 *	cleanup:  hogs_end();
 *
 * A hog has the nice, policy and control groups that the caller has when it starts it.
 * All calls are for the thread that runs setup(), measure() and cleanup(), and end the
 * workload as broken if the system does not let them.
 */
#ifndef KERNGATE_RUNTIME_HOGS_H
#define KERNGATE_RUNTIME_HOGS_H

#include <stdint.h>

#define HOGS_MAX 64

/* What all hogs have done, and how much CPU time they had for it. */
struct hogs_reading {
	uint64_t units;           /* turns of their loops, a few microseconds each */
	uint64_t cpu_ns;
};

/* So many on each CPU that the caller may use, HOGS_MAX in all. They run at once. */
void hogs_start(uint32_t per_cpu);
uint32_t hogs_count(void);
/* All hogs have stopped, or run again, when these return. */
void hogs_stop(void);
void hogs_continue(void);
struct hogs_reading hogs_read(void);
/* May be called without hogs, after half of the above, and twice. */
void hogs_end(void);

#endif
