/* init_row.c - one workload from start to its outcome line. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define KILL_PATIENCE_NS 10000000000ull
#define OUTPUT_FD 3

enum ending { ENDED_BY_ITSELF, ENDED_LATE, ENDED_FLOODING };

struct running {
	pid_t pid;
	int records_fd;            /* read end, non-blocking; -1 when at its end */
	int signal_fd;             /* SIGCHLD */
	bool is_reaped;
	int status;
};

static void prefer_for_oom_kill(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)line_write(fd, "1000", 4);
	close(fd);
}

static _Noreturn void child_exec(const struct plan_row *row, int records_fd)
{
	static char output_option[] = "--output=3";
	char path[256], *argv[ROW_ARGUMENTS_MAX + 3];
	sigset_t none;
	size_t i, n = 0;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	prefer_for_oom_kill();
	if (records_fd != OUTPUT_FD)
		dup2(records_fd, OUTPUT_FD);
	else
		fcntl(OUTPUT_FD, F_SETFD, 0);
	snprintf(path, sizeof(path), WORKLOADS_FOLDER "/%s", row->workload);
	argv[n++] = path;
	for (i = 0; i < row->arguments_count; i++)
		argv[n++] = row->arguments[i];
	argv[n++] = output_option;
	argv[n] = NULL;
	execv(path, argv);
	dprintf(OUTPUT_FD, "outcome broken %s: %s\n", path, strerror(errno));
	_exit(0);
}

static int row_start(const struct plan_row *row, struct running *running)
{
	int ends[2], result = 0;
	sigset_t mask;

	memset(running, 0, sizeof(*running));
	running->records_fd = -1;
	running->signal_fd = -1;
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	running->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (running->signal_fd >= 0)
		running->pid = fork();
	if (running->signal_fd < 0 || running->pid < 0)
		result = -errno;
	else if (running->pid == 0)
		child_exec(row, ends[1]);
	close(ends[1]);
	running->records_fd = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return result;
}

static void row_close(struct running *running)
{
	if (running->records_fd >= 0)
		close(running->records_fd);
	if (running->signal_fd >= 0)
		close(running->signal_fd);
}

/* Reaps whoever has ended (orphans come to PID 1). True if nobody is left: all
 * user processes descend from PID 1. */
static bool reap(struct running *running)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(running->signal_fd, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != running->pid)
			continue;
		running->is_reaped = true;
		running->status = status;
	}
	return pid < 0 && errno == ECHILD;
}

/* Collects records until the workload is reaped. What it asks of the host cannot
 * wait until then. */
static enum ending row_follow(struct running *running, struct records *records,
			      struct port *port, unsigned int index,
			      uint64_t deadline_ns)
{
	while (!running->is_reaped) {
		struct pollfd ready[2] = {
			{ .fd = running->signal_fd, .events = POLLIN },
			{ .fd = running->records_fd, .events = POLLIN },
		};
		uint64_t now_ns = system_now_ns();
		uint64_t left_ms;

		if (records->overflow)
			return ENDED_FLOODING;
		if (now_ns >= deadline_ns)
			return ENDED_LATE;
		left_ms = (deadline_ns - now_ns) / 1000000 + 1;
		(void)poll(ready, 2, left_ms < 60000 ? (int)left_ms : 60000);
		if (ready[1].revents && !records_read(records, running->records_fd)) {
			close(running->records_fd);
			running->records_fd = -1;
		}
		records_pass_requests(records, port, index);
		(void)reap(running);
	}
	return ENDED_BY_ITSELF;
}

/* Ends the workload, all it left behind, and the row's jitter: PID 1 excepted,
 * everything that lives in this guest belongs to the row. */
static bool row_kill(struct running *running)
{
	uint64_t deadline_ns = system_now_ns() + KILL_PATIENCE_NS;

	while (!reap(running)) {
		struct pollfd ready = { .fd = running->signal_fd, .events = POLLIN };

		if (system_now_ns() >= deadline_ns)
			return false;
		(void)kill(-1, SIGKILL);
		(void)poll(&ready, 1, 20);
	}
	return true;
}

static void outcome_judge(const struct running *running, enum ending ending,
			  const struct plan_row *row, struct row_outcome *outcome)
{
	size_t size = sizeof(outcome->reason);
	const char *name;

	if (ending == ENDED_FLOODING)
		return;
	if (ending == ENDED_LATE) {
		outcome->outcome = "timed-out";
		snprintf(outcome->reason, size, "still running after %u s",
			 row->timeout_s);
	} else if (WIFSIGNALED(running->status)) {
		name = sigabbrev_np(WTERMSIG(running->status));
		outcome->outcome = "crashed";
		snprintf(outcome->reason, size, "killed by SIG%s",
			 name ? name : "?");
	} else if (WEXITSTATUS(running->status)) {
		outcome->outcome = "broken";
		snprintf(outcome->reason, size, "exit status %d",
			 WEXITSTATUS(running->status));
	}
}

static void send_begin(struct port *port, unsigned int index, const char *name)
{
	struct line line;

	line_begin(&line, port->sequence, "row");
	line_addf(&line, "{\"row\":%u,\"name\":", index);
	line_add_string(&line, name);
	line_addf(&line, "}");
	port_send(port, &line);
}

void row_refuse(const struct plan_row *row, unsigned int index,
		struct port *port, const char *reason)
{
	send_begin(port, index, row->name);
	port_send_outcome(port, index, "broken", reason);
}

static void send_evidence(struct port *port, unsigned int index,
			  const struct system_counters *before,
			  const struct system_counters *after, uint64_t wall_ns)
{
	struct line line;

	line_begin(&line, port->sequence, "evidence");
	line_addf(&line, "{\"row\":%u,\"wall_ns\":%llu,\"steal_ns\":%llu,"
		  "\"context_switches_count\":%llu,\"interrupts_count\":%llu}",
		  index, (unsigned long long)wall_ns,
		  (unsigned long long)(after->steal_ns - before->steal_ns),
		  (unsigned long long)(after->context_switches_count -
				       before->context_switches_count),
		  (unsigned long long)(after->interrupts_count -
				       before->interrupts_count));
	port_send(port, &line);
}

bool row_run(const struct plan_row *row, unsigned int index,
	     const struct perturbation *perturbation, struct port *port)
{
	struct system_counters before, after;
	struct records records = { .data = NULL };
	struct row_outcome outcome;
	struct running running;
	uint64_t start_ns, wall_ns;
	enum ending ending;
	bool is_sound;
	pid_t jitter;
	int result;

	send_begin(port, index, row->name);
	port_drain(port);
	jitter = jitter_start(perturbation, index);
	system_read_counters(&before);
	start_ns = system_now_ns();
	result = row_start(row, &running);
	if (result < 0) {
		jitter_stop(jitter);
		row_close(&running);
		snprintf(outcome.reason, sizeof(outcome.reason),
			 "cannot start: %s", strerror(-result));
		port_send_outcome(port, index, "broken", outcome.reason);
		return true;
	}
	ending = row_follow(&running, &records, port, index,
			    start_ns + row->timeout_s * 1000000000ull);
	wall_ns = system_now_ns() - start_ns;
	system_read_counters(&after);
	is_sound = row_kill(&running);
	if (running.records_fd >= 0)
		(void)records_read(&records, running.records_fd);
	row_close(&running);
	records_send(&records, port, index, &outcome);
	outcome_judge(&running, ending, row, &outcome);
	records_release(&records);
	send_evidence(port, index, &before, &after, wall_ns);
	port_send_outcome(port, index, outcome.outcome, outcome.reason);
	return is_sound;
}
