/* init_shell.c - a shell with job control on the console, for people. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

/* The tty behind /dev/console (which cannot be a controlling terminal). */
static void console_tty(char *path, size_t size)
{
	char names[256];
	int length = system_read_text("/sys/class/tty/console/active", names,
				      sizeof(names));
	const char *last;

	if (length > 0 && names[length - 1] == '\n')
		names[length - 1] = '\0';
	last = length > 0 ? strrchr(names, ' ') : NULL;
	snprintf(path, size, "/dev/%s",
		 length <= 0 ? "console" : last ? last + 1 : names);
}

static _Noreturn void shell_exec(void)
{
	char path[300];
	int fd;

	setsid();
	console_tty(path, sizeof(path));
	fd = open(path, O_RDWR);
	if (fd >= 0) {
		(void)ioctl(fd, TIOCSCTTY, 1);
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
	}
	(void)chdir("/");
	execl("/bin/busybox", "sh", (char *)NULL);
	fprintf(stderr, "guest_init: /bin/busybox: %s\n", strerror(errno));
	_exit(127);
}

void shell_run(void)
{
	pid_t shell = fork(), pid;

	if (shell == 0)
		shell_exec();
	do {
		pid = waitpid(-1, NULL, 0);
	} while (shell > 0 && pid != shell && (pid > 0 || errno == EINTR));
}
