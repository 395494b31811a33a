/* child.c - starts this program again in a role, and waits for processes by
 * pidfd: no sleeps, and no process of somebody else is ever touched.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "memory.h"
#include "test.h"

#define ROLE_VARIABLE "KERNGATE_TEST_ROLE"
#define NUMBER_TIMEOUT_NS (20 * NS_PER_SECOND)
#define TERM_PATIENCE_MS 2000

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
	*ret_child = (struct test_child){
		.pid = pid, .output = ends[0], .role = role,
		.limit_s = TEST_ROLE_LIMIT_S, .start_ns = clock_monotonic_ns(),
	};
	return true;
}

void test_child_limit(struct test_child *child, uint32_t limit_s)
{
	child->limit_s = limit_s;
}

static uint64_t limit_ns(const struct test_child *child)
{
	return child->start_ns + child->limit_s * NS_PER_SECOND;
}

/* Rounded up, so that the time has come when poll returns; 0 when it has. */
static int left_ms(uint64_t until_ns)
{
	uint64_t now_ns = clock_monotonic_ns();

	return now_ns >= until_ns ? 0 :
				    (int)((until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* A supervisor that is asked to end sees to its descendants, as one that is killed
 * cannot. */
static void end_late(struct test_child *child)
{
	uint64_t spent_s = (clock_monotonic_ns() - child->start_ns) / NS_PER_SECOND;
	cleanup_free char *sentence = string_format(
		"the role %s was not done %u s after its start, and was ended", child->role,
		(unsigned int)spent_s);

	test_check_(false, sentence, __FILE__, __LINE__);
	if (child->is_reaped)
		return;
	(void)kill(child->pid, SIGTERM);
	if (!test_process_gone(child->pid, TERM_PATIENCE_MS))
		(void)kill(child->pid, SIGKILL);
	(void)waitpid(child->pid, NULL, 0);
	child->is_reaped = true;
}

/* 1: a line; 0: the end; -ETIME: none came until then. Byte by byte, so that nothing
 * hides in a buffer from whoever reads next. */
static int line_read(struct test_child *child, uint64_t until_ns, char *line, size_t size)
{
	struct pollfd ready = { .fd = child->output, .events = POLLIN };
	size_t length = 0;

	while (length + 1 < size) {
		if (poll(&ready, 1, left_ms(until_ns)) <= 0)
			return -ETIME;
		if (read(ready.fd, line + length, 1) != 1)
			break;
		if (line[length] == '\n') {
			line[length] = '\0';
			return 1;
		}
		length++;
	}
	line[length] = '\0';
	return length > 0;
}

bool test_child_line(struct test_child *child, char *line, size_t size)
{
	int found = line_read(child, limit_ns(child), line, size);

	if (found < 0)
		end_late(child);
	return found > 0;
}

long test_child_number(struct test_child *child)
{
	char line[64];

	return line_read(child, clock_monotonic_ns() + NUMBER_TIMEOUT_NS, line,
			 sizeof(line)) == 1 ? strtol(line, NULL, 10) : -1;
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

	if (child->is_reaped)
		return -1;
	if (!test_process_gone(child->pid, timeout_ms)) {
		end_late(child);
		return -1;
	}
	if (waitpid(child->pid, &status, 0) != child->pid)
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
	close(child->output);
}
