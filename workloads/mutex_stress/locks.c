/* locks.c - the files whose mutexes are fought for. All are opened before the first
 * child, so that every process has the same open files: only then does the kernel take
 * f_pos_lock. Memory files (memfd) will not do, they have no such lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "stress.h"

#define FOLDER "/mutex_stress"
#define FILE_BYTES (256 * 1024)
#define SEQ_PATH "/proc/cmdline"

struct stress stress = { .seq = -1, .terminal = -1, .master = -1 };

static bool is_mounted, is_open;

static int open_or_broken(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		workload_broken("%s: %s", path, strerror(errno));
	return fd;
}

static void files_open(void)
{
	char path[64];
	int i;

	if (mkdir(FOLDER, 0700) < 0 && errno != EEXIST)
		workload_broken(FOLDER ": %s", strerror(errno));
	if (mount("tmpfs", FOLDER, "tmpfs", 0, NULL) < 0)
		workload_broken("mounting a tmpfs: %s", strerror(errno));
	is_mounted = true;
	for (i = 0; i < FILES_COUNT; i++) {
		snprintf(path, sizeof(path), FOLDER "/file%d", i);
		stress.files[i] = open_or_broken(path, O_RDWR | O_CREAT);
		if (ftruncate(stress.files[i], FILE_BYTES) < 0)
			workload_broken("%s: %s", path, strerror(errno));
	}
	stress.seq = open_or_broken(SEQ_PATH, O_RDONLY);
	for (i = 0; i < PIPES_COUNT; i++)
		if (pipe2(stress.pipes[i], O_NONBLOCK | O_CLOEXEC) < 0)
			workload_broken("pipe: %s", strerror(errno));
}

/* Raw: a reader has what comes at once, and a writer writes what it says. */
static void terminal_open(void)
{
	struct termios mode;
	char path[64];
	int number, unlock = 0;

	stress.master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (stress.master < 0 || ioctl(stress.master, TIOCSPTLCK, &unlock) < 0 ||
	    ioctl(stress.master, TIOCGPTN, &number) < 0)
		workload_broken("opening a terminal: %s", strerror(errno));
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	stress.terminal = open_or_broken(path, O_RDWR | O_NOCTTY);
	if (tcgetattr(stress.terminal, &mode) < 0)
		workload_broken("%s: %s", path, strerror(errno));
	cfmakeraw(&mode);
	if (tcsetattr(stress.terminal, TCSANOW, &mode) < 0)
		workload_broken("%s: %s", path, strerror(errno));
}

static void groups_open(void)
{
	static const char *const weights[GROUPS_COUNT] = { NULL, "20", "1000" };
	char path[CGROUP_PATH_MAX + 32], name[32];
	int i;

	for (i = 0; i < GROUPS_COUNT; i++) {
		snprintf(name, sizeof(name), "mutex_stress%d", i);
		if (i > 0) {
			cgroup_create_or_broken(&stress.groups[i], name, "cpu");
			cgroup_write_or_broken(&stress.groups[i], "cpu.weight", "%s",
					       weights[i]);
		}
		snprintf(path, sizeof(path), "%s/cgroup.procs",
			 i ? stress.groups[i].path : CGROUP_ROOT);
		stress.procs[i] = open_or_broken(path, O_RDWR);
	}
	/* Owners that may not run for most of a tenth of a second */
	if (stress.is_throttled)
		cgroup_write_or_broken(&stress.groups[1], "cpu.max", "30000 100000");
}

void locks_open_or_broken(void)
{
	int i;

	for (i = 0; i < FILES_COUNT; i++)
		stress.files[i] = -1;
	for (i = 0; i < PIPES_COUNT; i++)
		stress.pipes[i][0] = stress.pipes[i][1] = -1;
	for (i = 0; i < GROUPS_COUNT; i++)
		stress.procs[i] = -1;
	is_open = true;
	files_open();
	terminal_open();
	groups_open();
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void locks_close(void)
{
	int i;

	if (!is_open)
		return;
	for (i = 0; i < FILES_COUNT; i++)
		fd_close(&stress.files[i]);
	for (i = 0; i < PIPES_COUNT; i++) {
		fd_close(&stress.pipes[i][0]);
		fd_close(&stress.pipes[i][1]);
	}
	for (i = 0; i < GROUPS_COUNT; i++) {
		fd_close(&stress.procs[i]);
		(void)cgroup_remove(&stress.groups[i]);
	}
	fd_close(&stress.seq);
	fd_close(&stress.terminal);
	fd_close(&stress.master);
	if (is_mounted)
		(void)umount2(FOLDER, MNT_DETACH);
	(void)rmdir(FOLDER);
	is_mounted = is_open = false;
}

void locks_feed(uint32_t bytes_count)
{
	char text[4096];

	while (read(stress.master, text, sizeof(text)) > 0)
		;
	while (bytes_count-- > 0)
		(void)!write(stress.master, ".", 1);
}
