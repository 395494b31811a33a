/* init_system.c - what PID 1 needs of the kernel: mounts, sysctls, counters. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

static const struct {
	const char *type, *target, *options;
	bool is_optional;
} mounts[] = {
	{ "proc", "/proc", NULL, false },
	{ "sysfs", "/sys", NULL, false },
	{ "devtmpfs", "/dev", NULL, false },
	{ "devpts", "/dev/pts", "ptmxmode=0666", true },
	{ "tmpfs", "/dev/shm", NULL, true },
	{ "tmpfs", "/tmp", NULL, true },
	{ "tmpfs", "/run", NULL, true },
	{ "cgroup2", "/sys/fs/cgroup", NULL, true },
	{ "hugetlbfs", "/dev/hugepages", NULL, true },
	{ "debugfs", "/sys/kernel/debug", NULL, true },
};

void system_mount_all(void)
{
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		(void)mkdir(mounts[i].target, 0755);
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, 0,
			  mounts[i].options) < 0 && !mounts[i].is_optional)
			fprintf(stderr, "guest_init: mount %s: %s\n",
				mounts[i].target, strerror(errno));
	}
}

void system_open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int system_read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (length < size - 1) {
		n = read(fd, text + length, size - 1 - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	close(fd);
	text[length] = '\0';
	return (int)length;
}

int system_apply_sysctl(char *assignment, char *reason, size_t size)
{
	char path[256] = "/proc/sys/";
	char *value = strchr(assignment, '=');
	size_t prefix = strlen(path), i, length;
	int fd, result = 0;

	*value++ = '\0';
	length = strlen(assignment);
	if (prefix + length >= sizeof(path) || strstr(assignment, "..")) {
		snprintf(reason, size, "sysctl %.64s: not a name", assignment);
		return -EINVAL;
	}
	for (i = 0; i <= length; i++)
		path[prefix + i] = assignment[i] == '.' ? '/' : assignment[i];
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0) {
		result = -errno;
		snprintf(reason, size, "sysctl %s=%.64s: %s", assignment, value,
			 strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return result;
}

bool system_kernel_argument(const char *name, char *value, size_t size)
{
	char text[4096], *word, *state = NULL;
	size_t length = strlen(name);

	if (system_read_text("/proc/cmdline", text, sizeof(text)) < 0)
		return false;
	for (word = strtok_r(text, " \n", &state); word;
	     word = strtok_r(NULL, " \n", &state)) {
		if (strncmp(word, name, length))
			continue;
		if (word[length] && word[length] != '=')
			continue;
		snprintf(value, size, "%s",
			 word[length] ? word + length + 1 : "");
		return true;
	}
	return false;
}

uint64_t system_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* proc(5), /proc/stat: "cpu user nice system idle iowait irq softirq steal". */
void system_read_counters(struct system_counters *ret_counters)
{
	static char text[65536];
	unsigned long long steal = 0, switches = 0, interrupts = 0;
	const char *found;

	memset(ret_counters, 0, sizeof(*ret_counters));
	if (system_read_text("/proc/stat", text, sizeof(text)) < 0)
		return;
	(void)sscanf(text, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal);
	found = strstr(text, "\nintr ");
	if (found)
		interrupts = strtoull(found + 6, NULL, 10);
	found = strstr(text, "\nctxt ");
	if (found)
		switches = strtoull(found + 6, NULL, 10);
	ret_counters->steal_ns =
		steal * (1000000000ull / (unsigned long long)sysconf(_SC_CLK_TCK));
	ret_counters->context_switches_count = switches;
	ret_counters->interrupts_count = interrupts;
}

void system_power_off(void)
{
	sync();
	for (;;) {
		(void)reboot(RB_POWER_OFF);
		sleep(1);
	}
}
