/* cases.h - the cases of padata_faults, by what they use. Each ends the workload where
 * the kernel is wrong, and returns where it is right.
 */
#ifndef KERNGATE_PADATA_FAULTS_CASES_H
#define KERNGATE_PADATA_FAULTS_CASES_H

#include <stdbool.h>
#include <stdint.h>

#include "actor.h"
#include "fill.h"
#include "pin.h"

struct faults {
	uint64_t fill_pages;      /* huge pages of a file */
	uint64_t pin_bytes;       /* of memory that is mapped */
	uint32_t attempts;        /* of each deed that chance has a part in */
	bool has_vfio;
	struct cgroup group;      /* of the case that runs; "" if none */
};

extern struct faults faults;

/* Jobs that were interfered with, and looked at afterwards. */
void faults_count(void);
/* Calls `deed` until it says so often that it met its job halfway. Broken after a number
 * of jobs in a row that were too quick for it. */
void faults_repeat(bool (*deed)(uint32_t round));

/* Every thread of the actor has that line in /proc/PID/task/TID/FILE: helpers are in the
 * control group, and on the CPUs, of their caller. */
void tasks_check(const struct actor *actor, const char *file, const char *line);

/* cases_fill.c */
void case_pool_exhausted(void);
void case_sigkill(void);
void case_sigint(void);
void case_cpu_offline(void);
void case_two_jobs(void);
void case_one_cpu(void);
/* cases_pin.c */
void case_memlock(void);
bool pin_sigkill(uint32_t round);
bool pin_sigint(uint32_t round);
bool pin_cpu_offline(uint32_t round);
/* What an actor of pin_job() must leave, by how its job ended. */
void pin_check(const struct actor *actor, const char *when);
/* Nothing is mapped at TYPE1_IOVA. */
void pin_nothing_check(const char *when);
/* cases_cgroup.c */
void case_cgroup_memory(void);
void case_cgroup_hugetlb(void);
void case_cgroup_cpu(void);
void case_memcg(void);
/* cases_policy.c */
void case_policy(void);
/* cases_inject.c */
void case_failslab(void);

/* Takes a CPU away, or gives it back; in the middle of somebody's job. */
void cpu_switch(unsigned int cpu, bool is_online);
unsigned int cpus_count(void);
/* Whether failures can be injected. */
bool inject_is_present(void);
/* No failures any more, whatever was armed. */
void inject_end(void);

#endif
