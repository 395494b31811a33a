/* proxy_counters.h - what a kernel that counts it says of proxy execution: the file
 * sched/proxy_exec of debugfs, a line with the columns' names ("cpu donations ..."), then
 * a line a CPU ("cpu0 12 ..."). No state: the unit tests use it too.
 */
#ifndef KERNGATE_MUTEX_STRESS_PROXY_COUNTERS_H
#define KERNGATE_MUTEX_STRESS_PROXY_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_COUNTERS_PATH "/sys/kernel/debug/sched/proxy_exec"

enum proxy_counter {
	PROXY_DONATIONS,   /* a blocked task was chosen, and another ran for it */
	PROXY_OWNER_RUNS,  /* a task ran for another */
	PROXY_MIGRATIONS,  /* a blocked task went to its owner's CPU */
	PROXY_RETURNS,     /* and back when it woke */
	PROXY_SLEEPS,      /* a blocked task was hung on an owner that slept */
	PROXY_ACTIVATIONS, /* and activated with it */
	PROXY_COUNTERS_COUNT
};

struct proxy_counters {
	bool has[PROXY_COUNTERS_COUNT];        /* the kernel has that column */
	uint64_t sum[PROXY_COUNTERS_COUNT];    /* over all CPUs */
};

extern const char *const proxy_counter_names[PROXY_COUNTERS_COUNT];

/* 0 and *ret_counters; or -EINVAL, and what is wrong in message. Columns of other names
 * are left out. */
int proxy_counters_parse(const char *text, struct proxy_counters *ret_counters,
			 char *message, size_t message_size);

/* What a run must show before its silence means anything, by how often owners slept in
 * their mutexes: waiters that took part, were hung, and came back. The counter that falls
 * short, and in *ret_least what it had to be; PROXY_COUNTERS_COUNT: none does. Counters
 * that the kernel does not have say nothing. */
enum proxy_counter proxy_counters_lacking(const struct proxy_counters *change,
					  uint64_t naps_count, uint64_t *ret_least);

#endif
