/* load.c - a workload as a load beside another: what its `load` hook starts runs until
 * PID 1 sends SIGTERM. Says when it is really running, notices its end, and sends what
 * it cost (docs/result-format.md, "Loads").
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "line.h"

#define MESSAGE_PATH "/tmp/load.stderr"
#define PROCESSES_MAX 8192u
#define POLL_NS 1000000
/* What all its tasks together have to have run, once all of them are there. */
#define RUNNING_CPU_NS 10000000u

static struct {
	pid_t leader;
	bool is_over;             /* the leader was reaped */
	int status;               /* of it */
	uint64_t start_ns;
	uint64_t seen_cpu_ns;     /* when all tasks were there; 0: they were not yet */
	uint32_t tasks_count;     /* at the last look */
} load;

static _Noreturn void leader_run(void)
{
	int null_fd = open("/dev/null", O_RDWR);
	int error_fd = open(MESSAGE_PATH, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null_fd, STDIN_FILENO);
	dup2(null_fd, STDOUT_FILENO);
	dup2(error_fd, STDERR_FILENO);
	run_detach();
	workload.load();
	_exit(127);
}

void load_exec(const char *const *argv)
{
	execvp(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Whoever has ended: what the load's processes leave behind comes to this one. */
static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != load.leader)
			continue;
		load.is_over = true;
		load.status = status;
	}
}

static void message_read(char *message, size_t size)
{
	static char text[65536];
	char *line, *state = NULL;

	message[0] = '\0';
	if (text_read(MESSAGE_PATH, text, sizeof(text)) < 0)
		return;
	for (line = strtok_r(text, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		snprintf(message, size, "%s", line);
}

static _Noreturn void refuse_end(const char *when)
{
	char message[256];

	message_read(message, sizeof(message));
	workload.load_ended(load.status, message);
	if (WIFSIGNALED(load.status))
		workload_broken("it was killed by signal %d %s: %s", WTERMSIG(load.status),
				when, message);
	workload_broken("it ended with exit status %d %s: %s", WEXITSTATUS(load.status),
			when, message);
}

/* --- is it running? ------------------------------------------------------------------ */

struct process {
	pid_t pid, parent;
	uint32_t tasks_count;
	bool is_ours;
};

static struct process processes[PROCESSES_MAX];

static bool process_read(const char *name, struct process *ret)
{
	char path[64], text[1024], *fields;
	unsigned int tasks;
	int parent;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
	if (text_read(path, text, sizeof(text)) <= 0)
		return false;
	/* proc(5): the name in brackets may hold anything */
	fields = strrchr(text, ')');
	if (!fields ||
	    sscanf(fields + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
		   "%*d %*d %u", &parent, &tasks) != 2)
		return false;
	*ret = (struct process){ .pid = atoi(name), .parent = parent, .tasks_count = tasks };
	return true;
}

static size_t processes_read(void)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	size_t count = 0;

	while (folder && count < PROCESSES_MAX && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    process_read(entry->d_name, &processes[count]))
			count++;
	if (folder)
		closedir(folder);
	return count;
}

/* A child's number may be below its parent's: until nothing is added. */
static void mark_ours(size_t count)
{
	pid_t self = getpid();
	bool is_changed = true;

	for (size_t i = 0; i < count; i++)
		processes[i].is_ours = processes[i].parent == self;
	while (is_changed) {
		is_changed = false;
		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; !processes[i].is_ours && j < count; j++)
				if (processes[j].is_ours && processes[j].pid == processes[i].parent)
					processes[i].is_ours = is_changed = true;
	}
}

/* All that descends from this process: what loses its parent comes to it. */
static size_t ours_read(void)
{
	size_t all = processes_read(), count = 0;

	mark_ours(all);
	for (size_t i = 0; i < all; i++)
		if (processes[i].is_ours)
			processes[count++] = processes[i];
	return count;
}

static uint64_t cpu_read_ns(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* As many tasks as it is to have, and then CPU time of theirs. */
static bool is_running(void)
{
	size_t count = ours_read();
	uint64_t cpu_ns = 0;

	load.tasks_count = 0;
	for (size_t i = 0; i < count; i++) {
		load.tasks_count += processes[i].tasks_count;
		cpu_ns += cpu_read_ns(processes[i].pid);
	}
	if (load.tasks_count < workload.load_tasks())
		return false;
	if (!load.seen_cpu_ns)
		load.seen_cpu_ns = cpu_ns;
	return cpu_ns >= load.seen_cpu_ns + RUNNING_CPU_NS;
}

/* --- start, wait, stop ------------------------------------------------------------------ */

static void wait_until_running(const sigset_t *signals)
{
	const struct timespec interval = { .tv_nsec = POLL_NS };

	while (!is_running()) {
		int signal_number = sigtimedwait(signals, NULL, &interval);

		reap();
		if (load.is_over)
			refuse_end("before it was running");
		if (signal_number == SIGTERM)
			workload_broken("it was told to end before it was running: %u of %u "
					"tasks were there", load.tasks_count,
					workload.load_tasks());
	}
}

static void wait_until_told_to_end(const sigset_t *signals)
{
	while (sigwaitinfo(signals, NULL) != SIGTERM) {
		reap();
		if (load.is_over)
			refuse_end("before the row was over");
	}
	reap();
	if (load.is_over)
		refuse_end("before the row was over");
}

static void stop(const sigset_t *signals)
{
	/* The leader ends those it has started, in its own order. Children of stress-ng that
	 * a signal to the group ends are failures to it. */
	(void)kill(load.leader, SIGTERM);
	for (reap(); !load.is_over; reap())
		(void)sigwaitinfo(signals, NULL);
}

/* Only what was reaped has its CPU time counted. */
static void end_what_is_left(void)
{
	size_t count;

	while ((count = ours_read()) > 0) {
		for (size_t i = 0; i < count; i++)
			(void)kill(processes[i].pid, SIGKILL);
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			break;
	}
}

/* CPU time of all that was reaped, over the time since the start. */
static double cpu_ratio(uint64_t run_ns)
{
	struct rusage usage = { .ru_utime = { 0, 0 } };
	double used_s;

	(void)getrusage(RUSAGE_CHILDREN, &usage);
	used_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	return run_ns ? used_s * 1e9 / (double)run_ns : 0;
}

static void start(void)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	load.start_ns = clock_now_ns();
	load.leader = fork();
	if (load.leader < 0)
		workload_broken("fork: %s", strerror(errno));
	if (load.leader == 0)
		leader_run();
	(void)setpgid(load.leader, load.leader);
}

void load_run(int output_fd)
{
	static const char running[] = "running\n";
	char message[256], record[64];
	sigset_t signals;
	double ratio;
	int length;

	if (!workload.load)
		workload_broken("%s cannot be a load", workload.name);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	start();
	wait_until_running(&signals);
	if (line_write(output_fd, running, sizeof(running) - 1) < 0)
		workload_broken("cannot say that it is running");
	wait_until_told_to_end(&signals);
	stop(&signals);
	end_what_is_left();
	ratio = cpu_ratio(clock_now_ns() - load.start_ns);
	message_read(message, sizeof(message));
	workload.load_ended(load.status, message);
	length = snprintf(record, sizeof(record), "sample load_cpu_ratio %.17g\n", ratio);
	(void)line_write(output_fd, record, (size_t)length);
}
