/* host_cgroup.c - reads limits from /sys/fs/cgroup (Linux
 * Documentation/admin-guide/cgroup-v1, cgroup-v2.rst). Sets none.
 */
#include "host_cgroup.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "files.h"
#include "memory.h"

#define CGROUP_TEXT_MAX (64u << 10)
/* Version 1 writes "no limit" as the largest multiple of a page. */
#define NO_LIMIT_BYTES (UINT64_C(1) << 62)

struct cgroup_limits {
	uint32_t cpus;
	uint64_t memory_bytes, memory_free_bytes;
};

static bool read_number(const char *folder, const char *name, uint64_t *ret)
{
	cleanup_free char *path = path_join(folder, name);
	cleanup_free char *text = NULL;

	/* "max" is no number. */
	return file_read_line(path, &text) == 0 &&
	       sscanf(text, "%" SCNu64, ret) == 1;
}

static void limit_cpus(struct cgroup_limits *limits, uint64_t quota,
		       uint64_t period)
{
	uint64_t cpus = period ? quota / period : UINT32_MAX;

	if (cpus < 1)
		cpus = 1;
	if (cpus < limits->cpus)
		limits->cpus = (uint32_t)cpus;
}

static void limit_memory(struct cgroup_limits *limits, uint64_t limit,
			 uint64_t used)
{
	uint64_t free_bytes = limit > used ? limit - used : 0;

	if (limit >= NO_LIMIT_BYTES)
		return;
	if (limit < limits->memory_bytes)
		limits->memory_bytes = limit;
	if (free_bytes < limits->memory_free_bytes)
		limits->memory_free_bytes = free_bytes;
}

/* One group's folder; files of either version, those that are there. */
static void read_folder(const char *folder, struct cgroup_limits *limits)
{
	cleanup_free char *max_path = path_join(folder, "cpu.max");
	cleanup_free char *max = NULL;
	uint64_t a, b = 0;

	if (file_read_line(max_path, &max) == 0 &&
	    sscanf(max, "%" SCNu64 " %" SCNu64, &a, &b) == 2)
		limit_cpus(limits, a, b);
	/* -1 is no quota; it reads as a huge number. */
	if (read_number(folder, "cpu.cfs_quota_us", &a) &&
	    read_number(folder, "cpu.cfs_period_us", &b) && a < INT64_MAX)
		limit_cpus(limits, a, b);
	if (read_number(folder, "memory.max", &a) &&
	    read_number(folder, "memory.current", &b))
		limit_memory(limits, a, b);
	if (read_number(folder, "memory.limit_in_bytes", &a) &&
	    read_number(folder, "memory.usage_in_bytes", &b))
		limit_memory(limits, a, b);
}

/* The group and all above it, up to the mount. A group that the mount does not
 * show (a container's own view) leaves the mount's top. */
static void read_upwards(const char *mount, const char *group,
			 struct cgroup_limits *limits)
{
	cleanup_free char *path = string_copy(group);

	for (;;) {
		cleanup_free char *folder =
			string_format("%s%s", mount, path);
		char *slash;

		read_folder(folder, limits);
		slash = strrchr(path, '/');
		if (!slash)
			return;
		*slash = '\0';
	}
}

/* "5:cpu,cpuacct:/group" or "0::/group". */
static void read_line(const char *root, char *line, struct cgroup_limits *limits)
{
	static const char *const v2_mounts[] = { "sys/fs/cgroup",
						 "sys/fs/cgroup/unified" };
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!group)
		return;
	controllers++;
	*group++ = '\0';
	if (*controllers) {
		cleanup_free char *mount = string_format(
			"%s/sys/fs/cgroup/%s", root, controllers);

		read_upwards(mount, group, limits);
		return;
	}
	for (size_t i = 0; i < ARRAY_COUNT(v2_mounts); i++) {
		cleanup_free char *mount =
			string_format("%s/%s", root, v2_mounts[i]);

		read_upwards(mount, group, limits);
	}
}

static struct cgroup_limits read_limits(const char *root)
{
	struct cgroup_limits limits = { .cpus = UINT32_MAX,
					.memory_bytes = UINT64_MAX,
					.memory_free_bytes = UINT64_MAX };
	cleanup_free char *path = string_format("%s/proc/self/cgroup", root);
	cleanup_free char *text = NULL;
	char *rest, *line;

	if (file_read(path, CGROUP_TEXT_MAX, &text, NULL) < 0)
		return limits;
	rest = text;
	while ((line = strsep(&rest, "\n")))
		read_line(root, line, &limits);
	return limits;
}

uint32_t host_cgroup_cpus(const char *root)
{
	return read_limits(root).cpus;
}

uint64_t host_cgroup_memory_free_bytes(const char *root)
{
	return read_limits(root).memory_free_bytes;
}

uint64_t host_cgroup_memory_limit_bytes(const char *root)
{
	return read_limits(root).memory_bytes;
}
