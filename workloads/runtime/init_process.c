/* init_process.c - a workload's program as a process: started, read, and what its end
 * means. A row has one, and one more for its load.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

#define OUTPUT_FD 3

static void prefer_for_oom_kill(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)line_write(fd, "1000", 4);
	close(fd);
}

static _Noreturn void child_exec(const struct plan_program *program, bool is_load,
				 int records_fd)
{
	static char output_option[] = "--output=3", load_option[] = "--load";
	char path[256], *argv[ROW_ARGUMENTS_MAX + 4];
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
	snprintf(path, sizeof(path), WORKLOADS_FOLDER "/%s", program->workload);
	argv[n++] = path;
	for (i = 0; i < program->arguments_count; i++)
		argv[n++] = program->arguments[i];
	if (is_load)
		argv[n++] = load_option;
	argv[n++] = output_option;
	argv[n] = NULL;
	execv(path, argv);
	dprintf(OUTPUT_FD, "outcome broken %s: %s\n", path, strerror(errno));
	_exit(0);
}

int process_start(const struct plan_program *program, bool is_load,
		  struct process *ret_process)
{
	int ends[2], result = 0;

	*ret_process = (struct process){ .records_fd = -1 };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	ret_process->pid = fork();
	if (ret_process->pid < 0)
		result = -errno;
	else if (ret_process->pid == 0)
		child_exec(program, is_load, ends[1]);
	close(ends[1]);
	ret_process->is_started = result == 0;
	ret_process->records_fd = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return result;
}

void process_read(struct process *process)
{
	if (process->records_fd < 0 ||
	    records_read(&process->records, process->records_fd))
		return;
	close(process->records_fd);
	process->records_fd = -1;
}

void process_release(struct process *process)
{
	if (process->records_fd >= 0)
		close(process->records_fd);
	records_release(&process->records);
	*process = (struct process){ .records_fd = -1 };
}

void process_send(const struct process *process, struct port *port, unsigned int row,
		  struct row_outcome *ret_outcome)
{
	size_t size = sizeof(ret_outcome->reason);
	const char *name;

	records_send(&process->records, port, row, ret_outcome);
	if (process->records.overflow || !process->is_reaped)
		return;
	if (WIFSIGNALED(process->status)) {
		name = sigabbrev_np(WTERMSIG(process->status));
		ret_outcome->outcome = "crashed";
		snprintf(ret_outcome->reason, size, "killed by SIG%s", name ? name : "?");
	} else if (WEXITSTATUS(process->status)) {
		ret_outcome->outcome = "broken";
		snprintf(ret_outcome->reason, size, "exit status %d",
			 WEXITSTATUS(process->status));
	}
}
