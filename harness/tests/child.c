/* child.c - starts this program again in a role, and waits for processes by
 * pidfd: no sleeps, and no process of somebody else is ever touched.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROLE_VARIABLE "KERNGATE_TEST_ROLE"
#define NUMBER_TIMEOUT_MS 20000

void test_role_run(const char *name, int (*run)(void))
{
	const char *wanted = getenv(ROLE_VARIABLE);

	if (!wanted || strcmp(wanted, name) != 0)
		return;
	unsetenv(ROLE_VARIABLE);
	exit(run());
}

bool test_child_start(const char *role, struct test_child *ret_child)
{
	int ends[2];
	pid_t parent = getpid();
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		/* A test that is killed leaves none of its children behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
		dup2(ends[1], STDOUT_FILENO);
		setenv(ROLE_VARIABLE, role, 1);
		execl("/proc/self/exe", "test-child", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return false;
	}
	*ret_child = (struct test_child){ .pid = pid,
					  .output = fdopen(ends[0], "r") };
	return true;
}

long test_child_number(struct test_child *child)
{
	struct pollfd ready = { .fd = fileno(child->output), .events = POLLIN };
	char line[64] = "";

	/* Byte by byte, so that nothing hides in the stream's buffer. */
	setvbuf(child->output, NULL, _IONBF, 0);
	for (size_t i = 0; i + 1 < sizeof(line); i++) {
		if (poll(&ready, 1, NUMBER_TIMEOUT_MS) <= 0 ||
		    read(ready.fd, line + i, 1) != 1)
			return -1;
		if (line[i] == '\n')
			return strtol(line, NULL, 10);
	}
	return -1;
}

bool test_process_gone(pid_t pid, int timeout_ms)
{
	struct pollfd ended = { .events = POLLIN };
	bool gone;

	ended.fd = pidfd_open(pid, 0);
	if (ended.fd < 0)
		return errno == ESRCH;
	gone = poll(&ended, 1, timeout_ms) > 0;
	close(ended.fd);
	return gone;
}

int test_child_wait(struct test_child *child, int timeout_ms)
{
	int status;

	if (child->is_reaped || !test_process_gone(child->pid, timeout_ms) ||
	    waitpid(child->pid, &status, 0) != child->pid)
		return -1;
	child->is_reaped = true;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void test_child_end(struct test_child *child)
{
	if (!child->is_reaped) {
		(void)kill(child->pid, SIGKILL);
		(void)waitpid(child->pid, NULL, 0);
		child->is_reaped = true;
	}
	fclose(child->output);
}
