/* cgroup.c - see cgroup.h. Kernel side: kernel/cgroup/cgroup.c,
 * Documentation/admin-guide/cgroup-v2.rst.
 */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CGROUP2_MAGIC 0x63677270 /* linux/magic.h, CGROUP2_SUPER_MAGIC */
#define FILE_MAX 65536
#define REMOVE_NS (UINT64_C(5) * 1000000000)
#define NS_PER_MS UINT64_C(1000000)

static const struct cgroup root = { CGROUP_ROOT };

static void file_path(const struct cgroup *group, const char *file, char *path,
		      size_t size)
{
	if (!*group->path)
		workload_broken("%s of a control group that is not there", file);
	if ((size_t)snprintf(path, size, "%s/%s", group->path, file) >= size)
		workload_broken("%s/%s: too long a name", group->path, file);
}

/* PID 1 mounts it where the kernel has it. */
static void mount_or_broken(void)
{
	struct statfs status;

	if (statfs(CGROUP_ROOT, &status) == 0 && status.f_type == CGROUP2_MAGIC)
		return;
	if (mount("cgroup2", CGROUP_ROOT, "cgroup2", 0, NULL) < 0)
		workload_broken("mounting cgroup2 on %s: %s", CGROUP_ROOT,
				strerror(errno));
}

/* Whether a list with blanks between its words has this one. */
static bool list_has(const char *list, const char *word, size_t length)
{
	const char *at = list;

	while ((at = strstr(at, word)) != NULL) {
		if ((at == list || at[-1] == ' ') &&
		    strchr(" \n", at[length]) != NULL)
			return true;
		at += length;
	}
	return false;
}

/* One at a time, so that a refusal names the controller. Already enabled ones are
 * left alone: enabling is a change to every group below the root. */
static void controllers_enable(const char *controllers)
{
	static const char file[] = CGROUP_ROOT "/cgroup.subtree_control";
	char words[256], enabled[512], *word, *state = NULL;
	int result = text_read(file, enabled, sizeof(enabled));

	if (result < 0)
		workload_broken("reading %s: %s", file, strerror(-result));
	snprintf(words, sizeof(words), "%s", controllers);
	for (word = strtok_r(words, " ", &state); word;
	     word = strtok_r(NULL, " ", &state))
		if (!list_has(enabled, word, strlen(word)))
			text_write_or_broken(file, "+%s", word);
}

void cgroup_create_or_broken(struct cgroup *ret_group, const char *name,
			     const char *controllers)
{
	struct cgroup group;

	if ((size_t)snprintf(group.path, sizeof(group.path), "%s/%s", CGROUP_ROOT,
			     name) >= sizeof(group.path))
		workload_broken("control group %s: too long a name", name);
	mount_or_broken();
	controllers_enable(controllers);
	if (mkdir(group.path, 0755) < 0)
		workload_broken("mkdir %s: %s", group.path, strerror(errno));
	*ret_group = group;
}

/* cgroup.events says "populated 0" when the last process is gone, and wakes who
 * polls it with every change. A process that was killed and waited for may still
 * be there for a moment: its threads end after it. */
static int empty_wait(const char *events_path)
{
	uint64_t end_ns = clock_now_ns() + REMOVE_NS, now_ns;
	struct pollfd event = { .events = POLLPRI };
	char text[256];
	ssize_t n;

	event.fd = open(events_path, O_RDONLY | O_CLOEXEC);
	if (event.fd < 0)
		return -errno;
	for (;;) {
		n = pread(event.fd, text, sizeof(text) - 1, 0);
		text[n < 0 ? 0 : n] = '\0';
		if (n < 0 || strstr(text, "populated 0\n"))
			break;
		now_ns = clock_now_ns();
		if (now_ns >= end_ns) {
			close(event.fd);
			return -ETIMEDOUT;
		}
		(void)poll(&event, 1, (int)((end_ns - now_ns) / NS_PER_MS + 1));
	}
	close(event.fd);
	return n < 0 ? -EIO : 0;
}

int cgroup_remove(struct cgroup *group)
{
	char path[CGROUP_PATH_MAX + 32];
	int result;

	if (!*group->path)
		return 0;
	snprintf(path, sizeof(path), "%s/cgroup.events", group->path);
	result = empty_wait(path);
	if (result < 0)
		return result;
	if (rmdir(group->path) < 0)
		return -errno;
	group->path[0] = '\0';
	return 0;
}

int cgroup_write(const struct cgroup *group, const char *file, const char *text)
{
	char path[CGROUP_PATH_MAX + 64];

	file_path(group, file, path, sizeof(path));
	return text_write(path, text);
}

void cgroup_write_or_broken(const struct cgroup *group, const char *file,
			    const char *format, ...)
{
	va_list arguments;
	char text[256];
	int result;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	result = cgroup_write(group, file, text);
	if (result < 0)
		workload_broken("writing %s to %s/%s: %s", text, group->path, file,
				strerror(-result));
}

void cgroup_move_or_broken(const struct cgroup *group, pid_t process)
{
	cgroup_write_or_broken(group, "cgroup.procs", "%d", (int)process);
}

void cgroup_move_thread_or_broken(const struct cgroup *group, pid_t thread)
{
	cgroup_write_or_broken(group, "cgroup.threads", "%d", (int)thread);
}

void cgroup_make_threaded_or_broken(const struct cgroup *group)
{
	cgroup_write_or_broken(group, "cgroup.type", "threaded");
}

int cgroup_leave(pid_t process)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)process);
	return cgroup_write(&root, "cgroup.procs", text);
}

void cgroup_leave_or_broken(pid_t process)
{
	cgroup_move_or_broken(&root, process);
}

void cgroup_leave_thread_or_broken(pid_t thread)
{
	cgroup_move_thread_or_broken(&root, thread);
}

/* The number at the start of text, up to a newline or the end. */
static uint64_t number_parse_or_broken(const char *text, const char *path)
{
	unsigned long long number;
	char *end;

	if (!strncmp(text, "max", 3) && strchr("\n", text[3]))
		return UINT64_MAX;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-' || !strchr("\n", *end))
		workload_broken("%s: expected a number, found \"%.20s\"", path, text);
	return number;
}

uint64_t cgroup_number_or_broken(const struct cgroup *group, const char *file)
{
	char path[CGROUP_PATH_MAX + 64], text[64];
	int result;

	file_path(group, file, path, sizeof(path));
	result = text_read(path, text, sizeof(text));
	if (result < 0)
		workload_broken("reading %s: %s", path, strerror(-result));
	return number_parse_or_broken(text, path);
}

uint64_t cgroup_field_or_broken(const struct cgroup *group, const char *file,
				const char *key)
{
	static char text[FILE_MAX];
	char path[CGROUP_PATH_MAX + 64], *line, *state = NULL;
	size_t length = strlen(key);
	int result;

	file_path(group, file, path, sizeof(path));
	result = text_read(path, text, sizeof(text));
	if (result < 0)
		workload_broken("reading %s: %s", path, strerror(-result));
	for (line = strtok_r(text, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state))
		if (!strncmp(line, key, length) && line[length] == ' ')
			return number_parse_or_broken(line + length + 1, path);
	workload_broken("%s has no line %s", path, key);
}
