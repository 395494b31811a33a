/* inversion_chain.c - priority inversion through one, two or three mutexes, which come
 * together in a write to cgroup.procs: f_pos_lock of the open file (fs/file.c), the
 * open file's of->mutex (fs/kernfs/file.c), cgroup_mutex (kernel/cgroup/cgroup.c).
 *
 * The low task holds cgroup_mutex: it writes 1 to the cgroup.kill of a group with
 * `groups` empty groups below it, all of which are walked, and nobody is there to be
 * killed. It has a descriptor of its own. How each depth is made, with S a descriptor of
 * cgroup.procs that all threads share ("x" is no process: the lock is taken, and the
 * write is refused):
 *
 *  depth 1  high: write(own descriptor, "x")  waits for cgroup_mutex  (low)
 *
 *  depth 2  link 1: write(S, "x")             has f_pos_lock and of->mutex of S,
 *                                             waits for cgroup_mutex  (low)
 *           high: lseek(S)                    waits for f_pos_lock    (link 1)
 *
 *  depth 3  link 1: pwrite(S, "x")            has of->mutex of S alone,
 *                                             waits for cgroup_mutex  (low)
 *           link 2: write(S, "x")             has f_pos_lock of S,
 *                                             waits for of->mutex     (link 1)
 *           high: lseek(S)                    waits for f_pos_lock    (link 2)
 *
 * The links are of the low task's class and on its CPU: after the low one each of them
 * has to run before the high one can. How the inversion is made and what is measured:
 * runtime/inversion.h; section_ns is the low task's alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "inversion.h"

static struct {
	struct cgroup group;
	uint32_t groups_count;    /* made so far */
	int kill, shared, own;
} state = { .kill = -1, .shared = -1, .own = -1 };

static void groups_walk(void)
{
	if (write(state.kill, "1", 1) != 1)
		workload_failed("writing 1 to cgroup.kill: %s", strerror(errno));
}

static void refused_or_failed(ssize_t n, const char *call)
{
	if (n >= 0 || errno != EINVAL)
		workload_failed("%s of x to cgroup.procs: %zd, %s, expected %s", call, n,
				n < 0 ? strerror(errno) : "no error", strerror(EINVAL));
}

static void own_write(void)
{
	refused_or_failed(write(state.own, "x", 1), "write");
}

static void shared_write(void)
{
	refused_or_failed(write(state.shared, "x", 1), "write");
}

static void shared_pwrite(void)
{
	refused_or_failed(pwrite(state.shared, "x", 1, 0), "pwrite");
}

static void shared_ask(void)
{
	if (lseek(state.shared, 0, SEEK_CUR) < 0)
		workload_failed("lseek: %s", strerror(errno));
}

static const struct inversion_lock chains[] = {
	{ .hold = groups_walk, .take = own_write },
	{ .hold = groups_walk, .take = shared_ask, .links = { shared_write } },
	{ .hold = groups_walk, .take = shared_ask,
	  .links = { shared_pwrite, shared_write } },
};

static int file_open(const char *name)
{
	char path[CGROUP_PATH_MAX + 32];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", state.group.path, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		workload_broken("opening %s: %s", path, strerror(errno));
	return fd;
}

static void child_path(uint32_t number, char *path, size_t size)
{
	snprintf(path, size, "%s/%u", state.group.path, number);
}

static void setup(void)
{
	uint32_t wanted = (uint32_t)parameter_number("groups");
	char path[CGROUP_PATH_MAX + 32];

	cgroup_create_or_broken(&state.group, "inversion-chain", "");
	for (; state.groups_count < wanted; state.groups_count++) {
		child_path(state.groups_count, path, sizeof(path));
		if (mkdir(path, 0755) < 0)
			workload_broken("mkdir %s: %s", path, strerror(errno));
	}
	state.kill = file_open("cgroup.kill");
	state.shared = file_open("cgroup.procs");
	state.own = file_open("cgroup.procs");
	inversion_start(&chains[parameter_number("depth") - 1]);
}

static void cleanup(void)
{
	int *const fds[] = { &state.kill, &state.shared, &state.own };
	char path[CGROUP_PATH_MAX + 32];
	size_t i;

	if (!inversion_stop())
		return;
	for (i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	while (state.groups_count > 0) {
		child_path(--state.groups_count, path, sizeof(path));
		(void)rmdir(path);
	}
	(void)cgroup_remove(&state.group);
}

static const char *const options[] = { INVERSION_OPTIONS, NULL };

const struct workload workload = {
	.name = "inversion_chain",
	.purpose = "Wait of a high task at the end of a chain of one to three mutexes, "
		   "behind a low task that spinners keep from its CPU",
	.metrics = (const struct metric[]){ INVERSION_METRICS, { .name = NULL } },
	.parameters = (const struct parameter[]){
		{ "depth", 1, 3, NULL, "3", "Mutexes between the high and the low task" },
		{ "groups", 10, 20000, NULL, "1000",
		  "Control groups that the low task walks under cgroup_mutex" },
		INVERSION_PARAMETERS("500"),
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 256,
	.needs_vcpus = 1,
	.is_counted = false,     /* the spinners fill whatever time there is */
	.setup = setup,
	.measure = inversion_measure,
	.cleanup = cleanup,
};
