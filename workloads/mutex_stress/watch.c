/* watch.c - see watch.h. */
#include "watch.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

#define WATCH_PRIORITY 90        /* above all; it hardly ever runs */
#define POLL_US 4000
#define KILL_POLLS 500
#define REPORT_MAX 65536

static struct {
	pid_t churn, plug;
	uint32_t generation;     /* of actors: each has random numbers of its own */
	uint32_t deaths_count;
	char report[REPORT_MAX];
	size_t report_length;
} watch;

uint32_t watch_deaths_count(void)
{
	return watch.deaths_count;
}

static pid_t child_fork(void)
{
	pid_t pid = fork();

	if (pid < 0)
		workload_broken("fork: %s", strerror(errno));
	return pid;
}

static void actor_begin(uint32_t index)
{
	uint32_t generation = watch.generation++;
	pid_t pid = child_fork();

	if (pid == 0)
		actor_run(index, generation);
	atomic_store(&stress.arena->processes[index], (int32_t)pid);
}

void watch_start_or_broken(void)
{
	const struct sched_param parameters = { .sched_priority = WATCH_PRIORITY };
	uint32_t i;

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) < 0)
		workload_broken("real-time priority: %s", strerror(errno));
	for (i = 0; i < stress.actors_count; i++)
		actor_begin(i);
	watch.churn = child_fork();
	if (watch.churn == 0)
		churn_run();
	if (stress.is_unplugged) {
		watch.plug = child_fork();
		if (watch.plug == 0)
			plug_run();
	}
}

/* Ends that are part of the game: killed, by a signal that the image of an exec() does
 * not catch, or orderly. */
static bool end_is_expected(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0;
	return WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGUSR1 ||
	       WTERMSIG(status) == SIGALRM;
}

static void slot_empty(struct slot *slot)
{
	atomic_store(&slot->thread, 0);
	atomic_store(&slot->begun_ns, 0);
}

static void actor_ended(pid_t pid)
{
	uint32_t i, j;

	for (i = 0; i < stress.actors_count; i++)
		if (atomic_load(&stress.arena->processes[i]) == (int32_t)pid)
			break;
	if (i == stress.actors_count)
		return;
	for (j = 0; j < WORKERS_COUNT; j++)
		slot_empty(&stress.arena->slots[i * WORKERS_COUNT + j]);
	atomic_store(&stress.arena->processes[i], 0);
}

static void children_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == watch.churn)
			watch.churn = 0;
		if (pid == watch.plug)
			watch.plug = 0;
		actor_ended(pid);
		if (*stress.arena->complaint)
			workload_broken("%s", stress.arena->complaint);
		if (!end_is_expected(status))
			workload_failed("a process ended with status %#x", status);
	}
}

void watch_storm(uint32_t duration_ms)
{
	uint64_t end_ns = clock_now_ns() + duration_ms * UINT64_C(1000000);
	uint32_t i;

	for (i = 0; i < stress.actors_count; i++)
		if (!atomic_load(&stress.arena->processes[i])) {
			actor_begin(i);
			watch.deaths_count++;
		}
	atomic_store(&stress.arena->phase, PHASE_STORM);
	while (clock_now_ns() < end_ns) {
		nap_us(POLL_US);
		children_reap();
	}
	atomic_store(&stress.arena->phase, PHASE_CALM);
}

static bool actor_is_doomed(uint32_t index)
{
	int32_t process = atomic_load(&stress.arena->processes[index]);

	return process && atomic_load(&stress.arena->doomed[index]) == process;
}

static bool all_are_home(void)
{
	uint32_t i;

	for (i = 0; i < SLOTS_COUNT; i++)
		if (atomic_load(&stress.arena->slots[i].begun_ns))
			return false;
	for (i = 0; i < stress.actors_count; i++)
		if (actor_is_doomed(i))
			return false;
	return true;
}

static bool all_have_ended(void)
{
	uint32_t i;

	for (i = 0; i < stress.actors_count; i++)
		if (atomic_load(&stress.arena->processes[i]))
			return false;
	return !watch.churn && !watch.plug;
}

/* --- who does not come home -------------------------------------------------------- */

static __attribute__((format(printf, 1, 2))) void report(const char *format, ...)
{
	size_t room = sizeof(watch.report) - watch.report_length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(watch.report + watch.report_length, room, format, arguments);
	va_end(arguments);
	if (length > 0)
		watch.report_length += (size_t)length < room ? (size_t)length : room - 1;
}

static void report_file(int32_t thread, const char *name)
{
	char path[64], text[8192];
	int result;

	snprintf(path, sizeof(path), "/proc/%d/%s", thread, name);
	result = text_read(path, text, sizeof(text));
	report("%s:\n%s\n", path, result < 0 ? strerror(-result) : text);
}

/* The first of them; the others are in the report. */
static uint32_t report_slots(uint32_t *ret_count)
{
	uint64_t now_ns = clock_now_ns();
	uint32_t first = SLOTS_COUNT, i;

	*ret_count = 0;
	for (i = 0; i < SLOTS_COUNT; i++) {
		struct slot *slot = &stress.arena->slots[i];
		uint64_t begun_ns = atomic_load(&slot->begun_ns);
		int32_t thread = atomic_load(&slot->thread);

		if (!begun_ns)
			continue;
		first = first == SLOTS_COUNT ? i : first;
		(*ret_count)++;
		report("thread %d, since %llu ms at: %s\n", thread,
		       (unsigned long long)((now_ns - begun_ns) / 1000000),
		       deed_names[atomic_load(&slot->deed)]);
		report_file(thread, "status");
		report_file(thread, "stack");
		report_file(thread, "sched");
	}
	return first;
}

/* All tasks, the blocked ones, the locks they hold and what the CPUs do go to the
 * console: nobody can look later. */
static _Noreturn void report_stuck(uint32_t patience_s)
{
	uint32_t count, first = report_slots(&count), i;

	for (i = 0; i < stress.actors_count; i++)
		if (actor_is_doomed(i))
			report("process %d was killed, and is there still\n",
			       atomic_load(&stress.arena->processes[i]));
	fprintf(stderr, "mutex_stress: not home:\n%s\n", watch.report);
	artifact_add("stuck.txt", watch.report, watch.report_length);
	for (i = 0; i < 4; i++)
		(void)text_write("/proc/sysrq-trigger",
				 (const char *const[]){ "t", "w", "d", "l" }[i]);
	if (first == SLOTS_COUNT)
		workload_failed("%u s into a calm a process has not ended", patience_s);
	workload_failed("%u s into a calm %u threads have not come home, first %d: %s",
			patience_s, count,
			atomic_load(&stress.arena->slots[first].thread),
			deed_names[atomic_load(&stress.arena->slots[first].deed)]);
}

static void wait_until(bool (*is_over)(void), uint32_t patience_s)
{
	uint64_t end_ns = clock_now_ns() + patience_s * UINT64_C(1000000000);

	for (;;) {
		locks_feed(ACTORS_MAX * WORKERS_COUNT);
		children_reap();
		if (is_over())
			return;
		if (clock_now_ns() > end_ns)
			report_stuck(patience_s);
		nap_us(POLL_US);
	}
}

void watch_calm(uint32_t patience_s)
{
	wait_until(all_are_home, patience_s);
}

void watch_end(uint32_t patience_s)
{
	atomic_store(&stress.arena->phase, PHASE_END);
	wait_until(all_have_ended, patience_s);
}

void watch_kill(void)
{
	uint32_t i;

	if (!stress.arena)
		return;
	for (i = 0; i < stress.actors_count; i++)
		if (atomic_load(&stress.arena->processes[i]))
			(void)kill(atomic_load(&stress.arena->processes[i]), SIGKILL);
	if (watch.churn)
		(void)kill(watch.churn, SIGKILL);
	if (watch.plug)
		(void)kill(watch.plug, SIGKILL);
	for (i = 0; i < KILL_POLLS && waitpid(-1, NULL, WNOHANG) >= 0; i++)
		nap_us(POLL_US);
}
