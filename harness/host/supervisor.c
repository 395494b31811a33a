/* supervisor.c - forks the harness and stays above it, single-threaded and
 * doing nothing but wait. Not a service manager: it restarts nothing and knows
 * nothing of guests; whatever is still its descendant when the harness has
 * ended is killed and reaped.
 */
#include "supervisor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { EXIT_CANNOT_SUPERVISE = 2 };

static pid_t above; /* in the child: the supervisor */

/* Parent of a process by /proc/PID/stat (proc(5)); the name in it may hold
 * anything, so the fields are counted from the last parenthesis. -1 if gone. */
static pid_t parent_of(const char *pid_text)
{
	char path[64], text[512];
	const char *fields;
	ssize_t length;
	int fd, parent;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid_text);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return -1;
	text[length] = '\0';
	fields = strrchr(text, ')');
	if (!fields || sscanf(fields + 1, " %*c %d", &parent) != 1)
		return -1;
	return parent;
}

/* A child's id cannot be reused before it is reaped, and only this function's
 * caller reaps: no stranger is hit. */
static void kill_children(void)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    parent_of(entry->d_name) == getpid())
			(void)kill((pid_t)atoi(entry->d_name), SIGKILL);
	closedir(folder);
}

/* What a killed child leaves behind becomes our child at once: look again
 * after each, until there is none. */
static void end_descendants(void)
{
	for (;;) {
		kill_children();
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return;
	}
}

/* Reaps all that ended; true once the harness is among them. */
static bool reap(pid_t harness, int *ret_status)
{
	bool ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == harness) {
			*ret_status = status;
			ended = true;
		}
	return ended;
}

/* A harness that was killed with the terminal in raw mode (boot --shell) could
 * not restore it. */
static void restore_terminal(const struct termios *terminal)
{
	(void)signal(SIGTTOU, SIG_IGN);
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, terminal);
}

static void supervise(pid_t harness, const sigset_t *signals)
	__attribute__((noreturn));
static void supervise(pid_t harness, const sigset_t *signals)
{
	struct termios terminal;
	bool has_terminal = tcgetattr(STDIN_FILENO, &terminal) == 0;
	siginfo_t info;
	int status = 0;

	while (!reap(harness, &status)) {
		if (sigwaitinfo(signals, &info) < 0)
			continue;
		/* A terminal sends its signals to the whole group: the harness
		 * has had that one already. */
		if (info.si_signo != SIGCHLD && info.si_code != SI_KERNEL)
			(void)kill(harness, info.si_signo);
	}
	end_descendants();
	if (has_terminal && WIFSIGNALED(status))
		restore_terminal(&terminal);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

void supervisor_start(void)
{
	sigset_t signals, before;
	char name[16] = "";
	pid_t parent = getpid();
	pid_t harness;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	/* An ignored SIGCHLD, inherited, would reap behind our back. */
	(void)signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &signals, &before);
	fflush(NULL);
	/* Named before the fork: a guest that looks for it cannot be early. */
	prctl(PR_GET_NAME, name);
	prctl(PR_SET_NAME, SUPERVISOR_NAME);
	harness = prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? -1 : fork();
	if (harness < 0) {
		fprintf(stderr, "kerngate: cannot start the supervisor: %s\n",
			strerror(errno));
		_exit(EXIT_CANNOT_SUPERVISE);
	}
	if (harness > 0)
		supervise(harness, &signals);
	prctl(PR_SET_NAME, name);
	above = parent;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_CANNOT_SUPERVISE);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

pid_t supervisor_pid(void)
{
	return above;
}

bool supervisor_is_alive(void)
{
	return above > 0 && getppid() == above;
}
