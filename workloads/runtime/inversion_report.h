/* inversion_report.h - from the waits of a trial to the samples of INVERSION_METRICS
 * (inversion.h). For inversion.c only.
 */
#ifndef KERNGATE_RUNTIME_INVERSION_REPORT_H
#define KERNGATE_RUNTIME_INVERSION_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What proxy execution counts for a task (/proc/PID/task/TID/sched). */
struct proxy_counts {
	bool is_known;             /* the kernel counts */
	uint64_t donations, owner_runs, migrations, returns, sleeps, activations;
};

struct inversion_wait {
	uint64_t wait_ns, slept_ns;
	bool is_blocked, is_censored;
};

struct inversion_trial {
	struct inversion_wait *waits;   /* owned by the caller */
	size_t waits_count;
	bool is_sleeping;          /* slept_ns is declared, and known */
	uint64_t missed_count;
	uint64_t *sections_ns;          /* owned by the caller; sorted here */
	size_t sections_count;
	struct proxy_counts high, low;  /* of this trial alone */
};

/* Of one thread of this process; unknown where the kernel does not count. */
struct proxy_counts proxy_counts_read(pid_t thread);
/* later - earlier, field by field. */
struct proxy_counts proxy_counts_since(const struct proxy_counts *later,
				       const struct proxy_counts *earlier);

/* The middle one, by nearest rank; sorts them. count > 0. */
uint64_t median_ns(uint64_t *values_ns, size_t count);

/* Adds all samples; waits_count > 0, sections_count > 0. */
void inversion_report(struct inversion_trial *trial);

#endif
