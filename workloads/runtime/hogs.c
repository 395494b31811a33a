/* hogs.c - see hogs.h. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hogs.h"
#include "workload.h"

#define TURNS_PER_UNIT 1024u

struct hog {
	uint64_t units;           /* done so far; the hog alone writes it */
	char padding[56];         /* a cache line each */
};

static struct {
	struct hog *hogs;         /* shared with them; NULL: none were started */
	uint32_t count;
	pid_t pids[HOGS_MAX];     /* 0: it has ended */
	clockid_t clocks[HOGS_MAX];
} state;

/* A process that does nothing but count what it does. */
static _Noreturn void hog_run(struct hog *hog, uint32_t cpu)
{
	uint64_t units = 0;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		_exit(errno);
	for (;;) {
		uint32_t i;

		for (i = 0; i < TURNS_PER_UNIT; i++)
			__asm__ volatile("" ::: "memory");
		__atomic_store_n(&hog->units, ++units, __ATOMIC_RELAXED);
	}
}

static void hog_start(uint32_t cpu)
{
	uint32_t i = state.count;
	pid_t pid;

	if (i == HOGS_MAX)
		workload_broken("more than %d hogs", HOGS_MAX);
	pid = fork();
	if (pid < 0)
		workload_broken("no hog %u: %s", i, strerror(errno));
	if (pid == 0)
		hog_run(&state.hogs[i], cpu);
	state.pids[i] = pid;
	state.count++;
	if (clock_getcpuclockid(pid, &state.clocks[i]))
		workload_broken("no clock of hog %u", i);
}

void hogs_start(uint32_t per_cpu)
{
	cpu_set_t cpus;
	uint32_t cpu, i;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		workload_broken("sched_getaffinity: %s", strerror(errno));
	state.hogs = mmap(NULL, HOGS_MAX * sizeof(*state.hogs), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state.hogs == MAP_FAILED)
		workload_broken("mmap: %s", strerror(errno));
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		for (i = 0; i < per_cpu && CPU_ISSET(cpu, &cpus); i++)
			hog_start(cpu);
}

uint32_t hogs_count(void)
{
	return state.count;
}

/* Sends a signal that stops or continues, and waits until it has. */
static void hogs_signal(int signal, int flag)
{
	siginfo_t info;
	uint32_t i;

	for (i = 0; i < state.count; i++)
		if (kill(state.pids[i], signal) < 0)
			workload_broken("signal %d to hog %u: %s", signal, i,
					strerror(errno));
	for (i = 0; i < state.count; i++) {
		if (waitid(P_PID, (id_t)state.pids[i], &info, flag | WEXITED) < 0)
			workload_broken("waiting for hog %u: %s", i, strerror(errno));
		if (info.si_code == CLD_STOPPED || info.si_code == CLD_CONTINUED)
			continue;
		state.pids[i] = 0;
		workload_broken("hog %u ended with status %d", i, info.si_status);
	}
}

void hogs_stop(void)
{
	hogs_signal(SIGSTOP, WSTOPPED);
}

void hogs_continue(void)
{
	hogs_signal(SIGCONT, WCONTINUED);
}

struct hogs_reading hogs_read(void)
{
	struct hogs_reading reading = { .units = 0 };
	uint32_t i;

	for (i = 0; i < state.count; i++) {
		struct timespec used;

		if (clock_gettime(state.clocks[i], &used) < 0)
			workload_broken("CPU time of hog %u: %s", i, strerror(errno));
		reading.cpu_ns += (uint64_t)used.tv_sec * 1000000000u +
				  (uint64_t)used.tv_nsec;
		reading.units += __atomic_load_n(&state.hogs[i].units, __ATOMIC_RELAXED);
	}
	return reading;
}

void hogs_end(void)
{
	uint32_t i;

	for (i = 0; i < state.count; i++)
		if (state.pids[i] > 0) {
			(void)kill(state.pids[i], SIGKILL);
			(void)waitpid(state.pids[i], NULL, 0);
			state.pids[i] = 0;
		}
	state.count = 0;
}
