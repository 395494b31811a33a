/* child.c - what all children of mutex_stress do alike. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#define CALM_POLL_US 1000

const char *const deed_names[DEEDS_COUNT] = {
	[DEED_NONE] = "nothing",
	[DEED_FILE_HOLD] = "read() of a file, asleep in it",
	[DEED_FILE_WAIT] = "lseek() of a file",
	[DEED_SEQ_HOLD] = "pread() of a seq file, asleep in it",
	[DEED_SEQ_MIDDLE] = "read() of a seq file",
	[DEED_SEQ_WAIT] = "lseek() of a seq file",
	[DEED_PIPE_WRITE] = "write() to a pipe, asleep in it",
	[DEED_PIPE_READ] = "read() of a pipe, asleep in it",
	[DEED_PIPE_DRAIN] = "read() of a pipe",
	[DEED_PIPE_WAIT] = "FIONREAD of a pipe",
	[DEED_PIPE_CHAIN] = "tee() from pipe to pipe",
	[DEED_TTY_READ] = "read() of a terminal",
	[DEED_TTY_WRITE] = "write() to a terminal, asleep in it",
	[DEED_TTY_FEED] = "feeding the terminal",
	[DEED_GROUP_CHAIN] = "write() to cgroup.procs",
	[DEED_FORK] = "fork() and wait",
	[DEED_EXEC] = "exec()",
	[DEED_SIGNAL] = "sending a signal",
	[DEED_CLASS] = "changing a scheduling class",
	[DEED_AFFINITY] = "changing an affinity",
	[DEED_GROUP] = "moving a process to another group",
	[DEED_KILL] = "killing an actor",
	[DEED_OFFLINE] = "taking a CPU away",
	[DEED_ONLINE] = "bringing a CPU back",
};

uint64_t random_seed(uint64_t seed, uint64_t of)
{
	uint64_t state = (seed ^ (of + 1) * UINT64_C(0x9e3779b97f4a7c15)) *
			 UINT64_C(0xbf58476d1ce4e5b9);

	state ^= state >> 31;
	return state ? state : 1;
}

uint32_t random_below(uint64_t *state, uint32_t bound)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)((*state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % bound;
}

void nap_us(uint32_t duration_us)
{
	const struct timespec time = { .tv_sec = duration_us / 1000000,
				       .tv_nsec = (long)(duration_us % 1000000) * 1000 };

	nanosleep(&time, NULL);
}

bool phase_wait_storm(void)
{
	uint32_t phase;

	while ((phase = atomic_load(&stress.arena->phase)) == PHASE_CALM)
		nap_us(CALM_POLL_US);
	return phase == PHASE_STORM;
}

void slot_begin(struct slot *slot, enum deed deed)
{
	atomic_store(&slot->deed, deed);
	atomic_store(&slot->begun_ns, clock_now_ns());
}

void slot_end(struct slot *slot, enum deed deed, long result)
{
	struct arena *arena = stress.arena;
	uint64_t took_ns = clock_now_ns() - atomic_load(&slot->begun_ns);
	int error = result < 0 ? errno : 0;

	if (took_ns > atomic_load(&slot->longest_ns))
		atomic_store(&slot->longest_ns, took_ns);
	if (error == 0)
		atomic_fetch_add(&arena->done[deed], 1);
	else if (error == EINTR)
		atomic_fetch_add(&arena->interrupted[deed], 1);
	else
		atomic_fetch_add(&arena->refused[deed], 1);
	atomic_store(&slot->begun_ns, 0);
}

void child_begin(struct slot *slot, int fifo_priority)
{
	const struct sched_param parameters = { .sched_priority = fifo_priority };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (slot)
		atomic_store(&slot->thread, (int32_t)syscall(SYS_gettid));
	if (fifo_priority && sched_setscheduler(0, SCHED_FIFO, &parameters) < 0)
		child_give_up("real-time priority: %s", strerror(errno));
}

_Noreturn void child_give_up(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(stress.arena->complaint, sizeof(stress.arena->complaint), format,
		  arguments);
	va_end(arguments);
	_exit(1);
}
