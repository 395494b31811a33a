/* host_info.h - what this host is (fingerprint), has (capacity), and does to a
 * trial (evidence).
 */
#ifndef KERNGATE_HOST_HOST_INFO_H
#define KERNGATE_HOST_HOST_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "strbuf.h"
#include "trial.h"

/* Sorted "key=value" lines: cpu model, CPUs, memory MiB, kernel release,
 * distribution. Stable from run to run on one host. */
void host_info_fingerprint(struct strvec *ret_lines);

/* CPUs that we may run on (affinity; as many as a cgroup's quota allows), into
 * ret_cpus[max]; returns the count. */
uint32_t host_info_cpus(uint32_t *ret_cpus, uint32_t max);
uint64_t host_info_memory_total_mib(void);     /* or the cgroup's limit */
uint64_t host_info_memory_available_mib(void); /* MemAvailable, or what the cgroup leaves */

/* Counters of one moment, for the evidence of a trial. */
struct host_sample {
	uint64_t at_ns;
	uint64_t cpu_total, cpu_steal, cpu_busy; /* ticks over all CPUs */
	uint64_t own_ticks;             /* of our process tree and of our guests' QEMUs */
	double pressure_memory_us;      /* PSI some total; NAN if none */
};

void host_info_sample(struct host_sample *ret_sample);
/* Whether guests that are not below us (a daemon started them) count as our
 * own, by the name of their process: then those of others do, too. Default:
 * only without a supervisor. */
void host_info_count_all_guests(bool all);
/* Evidence between two samples. disturbed: steal over 5 %, others over half a
 * CPU, or memory pressure over 1 %. */
void host_info_evidence(const struct host_sample *before,
			const struct host_sample *after,
			struct host_evidence *ret_evidence);

/* Mean current frequency of these CPUs; NAN if the host does not say. */
double host_info_frequency_mhz(const uint32_t *cpus, uint32_t count);

/* The reading of /proc/stat's text alone (ticks; proc(5)), for the tests:
 * false if it has no "cpu" line. */
bool host_info_parse_stat(const char *text, struct host_sample *ret_sample);

#endif
