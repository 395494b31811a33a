/* guest_exec.c - the program kerngate-guest-exec: what libvirt starts in place
 * of QEMU, so that a guest dies with the supervisor above the harness. It asks
 * the kernel for SIGKILL at its parent's death (prctl(2), PR_SET_PDEATHSIG,
 * which survives execve) and becomes the real QEMU. It is not a supervisor: no
 * process of it stays.
 *
 * libvirt makes a guest's process a daemon before it runs the emulator, so the
 * parent at that moment is the nearest subreaper: the supervisor, known by its
 * name (supervisor.h). Another parent means that the supervisor died in
 * between; then nothing may be started. libvirt's probe of the emulator's
 * abilities (-daemonize) comes straight from the harness instead; QEMU forks
 * there once more by itself, which drops the request.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EMULATOR "qemu-system-x86_64"
#define SUPERVISOR_NAME "kerngate-super" /* as in supervisor.h */

static bool has_argument(char *const *argv, const char *wanted)
{
	for (; *argv; argv++)
		if (strcmp(*argv, wanted) == 0)
			return true;
	return false;
}

static bool parent_is_supervisor(void)
{
	char path[64], name[32];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)getppid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, name, sizeof(name) - 1);
	close(fd);
	if (length <= 0)
		return false;
	name[length] = '\0';
	name[strcspn(name, "\n")] = '\0';
	return strcmp(name, SUPERVISOR_NAME) == 0;
}

/* Runs the emulator from PATH, then from where distributions put it. Returns
 * only on failure. libvirt always gives PATH on. */
static void become_emulator(char **argv)
{
	static const char *const folders[] = { "/usr/bin", "/usr/local/bin" };
	char path[PATH_MAX];

	execvp(EMULATOR, argv);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], EMULATOR);
		execv(path, argv);
	}
	fprintf(stderr, "kerngate-guest-exec: cannot run %s: %s\n", EMULATOR,
		strerror(errno));
}

int main(int argc, char **argv)
{
	(void)argc;
	if (!has_argument(argv, "-daemonize")) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
			fprintf(stderr, "kerngate-guest-exec: prctl: %s\n",
				strerror(errno));
			return EXIT_FAILURE;
		}
		/* After the request: a parent that dies from here on is seen. */
		if (!parent_is_supervisor()) {
			fputs("kerngate-guest-exec: the supervisor is gone, "
			      "no guest is started\n", stderr);
			return EXIT_FAILURE;
		}
	}
	become_emulator(argv);
	return EXIT_FAILURE;
}
