/* init_exact.c - what the seed of an exact trial does inside the guest: a spin
 * before the first row moves timers and ticks, and random interruptions while
 * rows run make vCPUs change turns elsewhere (docs/exact-mode.md). Both follow
 * from kernel arguments alone, so that a seed gives the same in every run.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define PHASE_TURNS_MAX 1000000000u
#define JITTER_MAX_US 100000u

/* Digits up to the end or a comma, nothing else. */
static bool number_read(const char *text, uint64_t limit, uint64_t *ret_value,
			const char **ret_end)
{
	char *end;

	errno = 0;
	*ret_value = strtoull(text, &end, 10);
	*ret_end = end;
	return *text >= '0' && *text <= '9' && !errno && *ret_value <= limit;
}

static bool jitter_read(const char *text, struct perturbation *perturbation)
{
	uint64_t mean_us;
	const char *end;

	if (!number_read(text, JITTER_MAX_US, &mean_us, &end) || mean_us == 0 ||
	    *end != ',' ||
	    !number_read(end + 1, UINT64_MAX, &perturbation->jitter_seed, &end))
		return false;
	perturbation->jitter_us = (uint32_t)mean_us;
	return *end == '\0';
}

bool perturbation_read(struct perturbation *ret_perturbation, char *reason,
		       size_t size)
{
	struct perturbation perturbation = { .phase_turns = 0 };
	char text[64];
	const char *end;

	if (system_kernel_argument("kerngate.phase", text, sizeof(text)) &&
	    (!number_read(text, PHASE_TURNS_MAX, &perturbation.phase_turns, &end) ||
	     *end)) {
		snprintf(reason, size, "kernel argument kerngate.phase: expected "
			 "0..%u, found '%s'", PHASE_TURNS_MAX, text);
		return false;
	}
	if (system_kernel_argument("kerngate.jitter", text, sizeof(text)) &&
	    !jitter_read(text, &perturbation)) {
		snprintf(reason, size, "kernel argument kerngate.jitter: expected "
			 "US,SEED with US in 1..%u, found '%s'", JITTER_MAX_US,
			 text);
		return false;
	}
	*ret_perturbation = perturbation;
	return true;
}

/* In assembly: two instructions a turn, whatever compiles it. */
void perturbation_spin(const struct perturbation *perturbation)
{
	uint64_t turns = perturbation->phase_turns;

	if (turns)
		__asm__ volatile("1:\n\tsub $1, %0\n\tjnz 1b"
				 : "+r"(turns) : : "cc");
}

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* To one of the CPUs that there are, in their order; where that fails it stays
 * where it is. */
static void move_to_cpu(const cpu_set_t *cpus, int index)
{
	cpu_set_t one;
	int cpu;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, cpus) && index-- == 0)
			break;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
}

static _Noreturn void jitter_run(uint64_t mean_us, uint64_t state)
{
	const struct sched_param highest = {
		.sched_priority = sched_get_priority_max(SCHED_FIFO),
	};
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)line_write(fd, "-1000", 5);
		close(fd);
	}
	(void)prctl(PR_SET_NAME, "kerngate-jitter");
	if (sched_setscheduler(0, SCHED_FIFO, &highest) < 0)
		fprintf(stderr, "guest_init: jitter: %s\n", strerror(errno));
	for (;;) {
		uint64_t pause_ns;
		struct timespec pause;

		/* Evenly from 0 to twice the mean. */
		pause_ns = random_next(&state) % (2000 * mean_us + 1);
		pause.tv_sec = (time_t)(pause_ns / 1000000000u);
		pause.tv_nsec = (long)(pause_ns % 1000000000u);
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
}

/* One process on each CPU: vCPUs run in turn, and a turn lasts until the next
 * timer of any of them. With a single process that is often the next tick, since
 * the CPU on which it is to wake up waits for its turn. */
pid_t jitter_start(const struct perturbation *perturbation, unsigned int row)
{
	uint64_t state = perturbation->jitter_seed;
	pid_t group = 0;
	cpu_set_t cpus;
	int i;

	if (perturbation->jitter_us == 0 ||
	    sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 0;
	/* Each row has a sequence of its own: it does not depend on how long the
	 * rows before it took. */
	for (state = random_next(&state); row > 0; row--)
		(void)random_next(&state);
	state = random_next(&state);
	for (i = 0; i < CPU_COUNT(&cpus); i++) {
		uint64_t own = random_next(&state);
		pid_t pid = fork();

		if (pid == 0) {
			move_to_cpu(&cpus, i);
			jitter_run(perturbation->jitter_us, own);
		}
		if (pid < 0) {
			fprintf(stderr, "guest_init: jitter: %s\n", strerror(errno));
			break;
		}
		(void)setpgid(pid, group);
		if (group == 0)
			group = pid;
	}
	return group;
}
