/* init_row.c - one row from start to its outcome line: its load, where it has one, is
 * running before its workload starts, and until that has ended.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define KILL_PATIENCE_NS 10000000000ull

enum ending {
	ENDED_BY_ITSELF,
	ENDED_LATE,
	ENDED_FLOODING,
	ENDED_WITHOUT_LOAD,        /* the load was over before the workload */
};

struct running {
	const struct plan_row *row;
	unsigned int index;
	struct port *port;
	uint64_t deadline_ns;
	struct process workload, load;
	int signal_fd;             /* SIGCHLD */
	uint64_t wall_ns;          /* of the workload */
	struct system_counters before, after; /* likewise */
};

static void outcome_set(struct row_outcome *outcome, const char *word, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void outcome_set(struct row_outcome *outcome, const char *word, const char *format, ...)
{
	va_list arguments;

	outcome->outcome = word;
	va_start(arguments, format);
	(void)vsnprintf(outcome->reason, sizeof(outcome->reason), format, arguments);
	va_end(arguments);
}

static int watch_children(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void process_mark_reaped(struct process *process, pid_t pid, int status)
{
	if (!process->is_started || process->is_reaped || pid != process->pid)
		return;
	process->is_reaped = true;
	process->status = status;
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
		process_mark_reaped(&running->workload, pid, status);
		process_mark_reaped(&running->load, pid, status);
	}
	return pid < 0 && errno == ECHILD;
}

/* Until something happens or the deadline is there; false: it is. */
static bool wait_for_anything(struct running *running)
{
	struct pollfd ready[3] = {
		{ .fd = running->signal_fd, .events = POLLIN },
		{ .fd = running->workload.records_fd, .events = POLLIN },
		{ .fd = running->load.records_fd, .events = POLLIN },
	};
	uint64_t now_ns = system_now_ns();
	uint64_t left_ms;

	if (now_ns >= running->deadline_ns)
		return false;
	left_ms = (running->deadline_ns - now_ns) / 1000000 + 1;
	(void)poll(ready, 3, left_ms < 60000 ? (int)left_ms : 60000);
	if (ready[1].revents)
		process_read(&running->workload);
	if (ready[2].revents)
		process_read(&running->load);
	(void)reap(running);
	return true;
}

/* Collects records until the workload is reaped. What it asks of the host cannot
 * wait until then. */
static enum ending row_follow(struct running *running)
{
	while (!running->workload.is_reaped) {
		if (running->workload.records.overflow)
			return ENDED_FLOODING;
		if (running->load.is_reaped)
			return ENDED_WITHOUT_LOAD;
		if (!wait_for_anything(running))
			return ENDED_LATE;
		records_pass_requests(&running->workload.records, running->port,
				      running->index);
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

/* --- the load ---------------------------------------------------------------------- */

/* Until it says that it runs. False where it never does: it has ended, with the reason
 * among its records, or the outcome says why. */
static bool load_begin(struct running *running, struct row_outcome *outcome)
{
	const struct plan_program *load = &running->row->load;
	int result;

	if (!load->workload)
		return true;
	result = process_start(load, true, &running->load);
	if (result < 0) {
		outcome_set(outcome, "broken", "load %s: cannot start: %s", load->workload,
			    strerror(-result));
		return false;
	}
	while (!records_take_running(&running->load.records)) {
		if (running->load.is_reaped)
			return false;
		if (wait_for_anything(running))
			continue;
		outcome_set(outcome, "broken", "load %s: was not running after %u s",
			    load->workload, running->row->timeout_s);
		return false;
	}
	return true;
}

/* Lets it end in order, so that it can say what it did. */
static void load_end(struct running *running, struct row_outcome *outcome)
{
	if (!running->load.is_started || running->load.is_reaped)
		return;
	(void)kill(running->load.pid, SIGTERM);
	while (!running->load.is_reaped)
		if (!wait_for_anything(running)) {
			outcome_set(outcome, "broken", "load %s: did not end within the "
				    "row's %u s", running->row->load.workload,
				    running->row->timeout_s);
			return;
		}
}

/* Sends what the load said. Without it the row is not what it was to be: what its
 * workload found wrong stands, what it measured does not. */
static void load_judge(struct running *running, struct row_outcome *outcome)
{
	struct row_outcome own;
	bool is_failed;

	if (!running->load.is_started)
		return;
	process_send(&running->load, running->port, running->index, &own);
	if (outcome->outcome &&
	    (strcmp(outcome->outcome, "passed") || !strcmp(own.outcome, "passed")))
		return;
	is_failed = !strcmp(own.outcome, "failed");
	outcome_set(outcome, is_failed ? "failed" : "broken", "load %s: %s",
		    running->row->load.workload, own.reason);
}

/* --- the row ----------------------------------------------------------------------- */

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

static void send_evidence(const struct running *running)
{
	const struct system_counters *before = &running->before, *after = &running->after;
	struct line line;

	line_begin(&line, running->port->sequence, "evidence");
	line_addf(&line, "{\"row\":%u,\"wall_ns\":%llu,\"steal_ns\":%llu,"
		  "\"context_switches_count\":%llu,\"interrupts_count\":%llu}",
		  running->index, (unsigned long long)running->wall_ns,
		  (unsigned long long)(after->steal_ns - before->steal_ns),
		  (unsigned long long)(after->context_switches_count -
				       before->context_switches_count),
		  (unsigned long long)(after->interrupts_count -
				       before->interrupts_count));
	port_send(running->port, &line);
}

/* The workload, from its start to its end. */
static enum ending workload_run(struct running *running, struct row_outcome *outcome)
{
	enum ending ending;
	uint64_t start_ns;
	int result;

	system_read_counters(&running->before);
	start_ns = system_now_ns();
	result = process_start(&running->row->program, false, &running->workload);
	if (result < 0) {
		outcome_set(outcome, "broken", "cannot start: %s", strerror(-result));
		return ENDED_LATE;
	}
	ending = row_follow(running);
	running->wall_ns = system_now_ns() - start_ns;
	system_read_counters(&running->after);
	return ending;
}

/* After all its processes are gone. */
static void workload_judge(struct running *running, enum ending ending,
			   struct row_outcome *outcome)
{
	struct row_outcome own;

	if (!running->workload.is_started)
		return;
	process_send(&running->workload, running->port, running->index, &own);
	if (outcome->outcome)
		return;
	if (ending == ENDED_LATE)
		outcome_set(&own, "timed-out", "still running after %u s",
			    running->row->timeout_s);
	/* Without its load it was killed: the load has the reason. */
	if (ending != ENDED_WITHOUT_LOAD)
		*outcome = own;
}

static bool row_run_programs(struct running *running, struct row_outcome *outcome)
{
	enum ending ending = ENDED_WITHOUT_LOAD;
	bool is_sound;

	if (load_begin(running, outcome))
		ending = workload_run(running, outcome);
	if (ending == ENDED_BY_ITSELF)
		load_end(running, outcome);
	is_sound = row_kill(running);
	process_read(&running->workload);
	process_read(&running->load);
	workload_judge(running, ending, outcome);
	load_judge(running, outcome);
	return is_sound;
}

bool row_run(const struct plan_row *row, unsigned int index,
	     const struct perturbation *perturbation, struct port *port)
{
	struct running running = {
		.row = row, .index = index, .port = port,
		.workload = { .records_fd = -1 }, .load = { .records_fd = -1 },
	};
	struct row_outcome outcome = { .outcome = NULL };
	bool is_sound = true;

	send_begin(port, index, row->name);
	port_drain(port);
	running.signal_fd = watch_children();
	if (running.signal_fd < 0) {
		port_send_outcome(port, index, "broken", "cannot watch its processes");
		return true;
	}
	(void)jitter_start(perturbation, index);
	running.deadline_ns = system_now_ns() + row->timeout_s * 1000000000ull;
	is_sound = row_run_programs(&running, &outcome);
	close(running.signal_fd);
	process_release(&running.workload);
	process_release(&running.load);
	if (running.wall_ns)
		send_evidence(&running);
	port_send_outcome(port, index, outcome.outcome, outcome.reason);
	return is_sound;
}
