/* actor.c - see actor.h. */
#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ledger.h"
#include "padata.h"

#define WAIT_NS (UINT64_C(60) * 1000000000)
#define POLL_NS 200000           /* while the right moment is waited for */
#define POLL_END_NS 2000000
#define WATCHER_PRIORITY 10

static uint32_t helpers_max;

uint32_t actor_helpers_max(void)
{
	return helpers_max;
}

bool actor_expects_helpers(void)
{
	char text[32] = "0";
	cpu_set_t allowed;

	if (!padata_is_present() || sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return false;
	(void)text_read("/sys/module/padata/parameters/max_helpers", text, sizeof(text));
	return CPU_COUNT(&allowed) > 1 && nodes_count() == 1 && strtol(text, NULL, 10) != 0;
}

_Noreturn void actor_give_up(struct actor *actor, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(actor->stage->complaint, sizeof(actor->stage->complaint), format,
		  arguments);
	va_end(arguments);
	_exit(1);
}

/* FNV-1a over the text. The stack grows by itself: its line is left out. */
static uint64_t maps_digest(struct actor *actor)
{
	static char text[65536];
	uint64_t digest = UINT64_C(0xcbf29ce484222325);
	int result = text_read("/proc/self/maps", text, sizeof(text));
	char *line, *state = NULL;

	if (result < 0)
		actor_give_up(actor, "/proc/self/maps: %s", strerror(-result));
	for (line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		if (strstr(line, "[stack]"))
			continue;
		for (; *line; line++)
			digest = (digest ^ (unsigned char)*line) * UINT64_C(0x100000001b3);
	}
	return digest;
}

static uint64_t status_number(struct actor *actor, const char *text, const char *field)
{
	const char *found = strstr(text, field);

	if (!found)
		actor_give_up(actor, "/proc/self/status has no %s", field);
	return strtoull(found + strlen(field), NULL, 10);
}

static struct holdings holdings_read(struct actor *actor)
{
	char text[8192];
	int result = text_read("/proc/self/status", text, sizeof(text));

	if (result < 0)
		actor_give_up(actor, "/proc/self/status: %s", strerror(-result));
	return (struct holdings){
		.locked_kib = status_number(actor, text, "\nVmLck:"),
		.pinned_kib = status_number(actor, text, "\nVmPin:"),
		.maps_digest = maps_digest(actor),
	};
}

/* The files are opened before: afterwards, opening them could fail too. */
static int fault_open(struct actor *actor, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/thread-self/%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		actor_give_up(actor, "%s: %s", path, strerror(errno));
	return fd;
}

static void fault_set(struct actor *actor, int fd, unsigned int value)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", value);

	if (pwrite(fd, text, (size_t)length, 0) != length)
		actor_give_up(actor, "switching faults: %s", strerror(errno));
}

/* The job, with the failures that were asked for. */
static int job_run_failing(struct actor *actor)
{
	int fd = fault_open(actor, actor->fail_nth ? "fail-nth" : "make-it-fail");
	char left[16] = "";
	int error;

	fault_set(actor, fd, actor->fail_nth ? actor->fail_nth : 1);
	error = actor->job(actor);
	if (actor->fail_nth && pread(fd, left, sizeof(left) - 1, 0) <= 0)
		actor_give_up(actor, "reading fail-nth: %s", strerror(errno));
	fault_set(actor, fd, 0);
	close(fd);
	actor->stage->is_fault_taken = actor->fail_nth && left[0] == '0';
	return error;
}

static _Noreturn void actor_run(struct actor *actor)
{
	struct stage *stage = actor->stage;
	int result = actor->group ? cgroup_write(actor->group, "cgroup.procs", "0") : 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (result < 0)
		actor_give_up(actor, "joining %s: %s", actor->group->path, strerror(-result));
	if (actor->prepare)
		actor->prepare(actor);
	stage->before = holdings_read(actor);
	atomic_store(&stage->phase, PHASE_JOB);
	stage->error = actor->is_failing || actor->fail_nth ? job_run_failing(actor) :
							   actor->job(actor);
	atomic_store(&stage->phase, PHASE_OVER);
	stage->during = holdings_read(actor);
	if (actor->finish)
		actor->finish(actor);
	stage->after = holdings_read(actor);
	_exit(0);
}

/* Above the actor, so that it is seen on a single CPU too; its children are not. */
static void watcher_raise(void)
{
	const struct sched_param parameters = { .sched_priority = WATCHER_PRIORITY };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) < 0)
		workload_broken("real-time priority: %s", strerror(errno));
}

void actor_start(struct actor *actor)
{
	watcher_raise();
	actor->stage = mmap(NULL, sizeof(*actor->stage), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (actor->stage == MAP_FAILED)
		workload_broken("mmap: %s", strerror(errno));
	actor->pid = fork();
	if (actor->pid < 0)
		workload_broken("fork: %s", strerror(errno));
	if (actor->pid == 0)
		actor_run(actor);
}

static void nap(long duration_ns)
{
	const struct timespec time = { .tv_nsec = duration_ns };

	nanosleep(&time, NULL);
}

/* Its threads beside its own: "." and ".." are links too. */
static void helpers_count(struct actor *actor)
{
	struct stat status;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)actor->pid);
	if (stat(path, &status) < 0 || status.st_nlink < 3)
		return;
	if (status.st_nlink - 3 > actor->helpers_count)
		actor->helpers_count = (uint32_t)status.st_nlink - 3;
	if (actor->helpers_count > helpers_max)
		helpers_max = actor->helpers_count;
}

uint64_t actor_rss_kib(struct actor *actor)
{
	char path[64], text[8192];
	const char *found;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)actor->pid);
	if (text_read(path, text, sizeof(text)) < 0)
		return 0;
	found = strstr(text, "\nRssAnon:");
	return found ? strtoull(found + 9, NULL, 10) : 0;
}

bool actor_wait_halfway(struct actor *actor, uint64_t (*progress)(struct actor *actor),
			uint64_t least)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS, reached = 0;

	for (;;) {
		uint32_t phase = atomic_load(&actor->stage->phase);

		if (phase == PHASE_JOB) {
			helpers_count(actor);
			reached = progress(actor);
			/* Read again: the progress of a job that is over is its end's. */
			phase = atomic_load(&actor->stage->phase);
		}
		if (phase == PHASE_OVER)
			return false;
		if (phase == PHASE_JOB && reached >= least)
			break;
		if (*actor->stage->complaint || clock_now_ns() > end_ns)
			workload_broken("the job does not come to %llu: %s",
					(unsigned long long)least,
					*actor->stage->complaint ?
					actor->stage->complaint : "it takes too long");
		nap(POLL_NS);
	}
	if (actor_expects_helpers() && !actor->is_alone && !actor->helpers_count)
		workload_failed("padata is there, but a job that is halfway has no helper");
	return true;
}

/* Who waits where, and who runs, goes to the console: nobody can look later. */
static _Noreturn void hang_report(void)
{
	(void)text_write("/proc/sysrq-trigger", "w");
	(void)text_write("/proc/sysrq-trigger", "l");
	workload_failed("the job's process does not end");
}

int actor_wait(struct actor *actor)
{
	uint64_t end_ns = clock_now_ns() + WAIT_NS;
	int status;
	pid_t pid;

	while ((pid = waitpid(actor->pid, &status, WNOHANG)) == 0) {
		if (clock_now_ns() > end_ns)
			hang_report();
		helpers_count(actor);
		nap(POLL_END_NS);
	}
	if (pid < 0)
		workload_broken("waitpid: %s", strerror(errno));
	actor->pid = 0;
	if (*actor->stage->complaint)
		workload_broken("%s", actor->stage->complaint);
	return status;
}

void actor_join(struct actor *actor)
{
	int status = actor_wait(actor);

	if (!WIFEXITED(status) || WEXITSTATUS(status))
		workload_failed("the job's process ended with status %#x", status);
}

void actor_release(struct actor *actor)
{
	munmap(actor->stage, sizeof(*actor->stage));
	actor->stage = NULL;
}
