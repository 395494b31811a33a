/* mutex_uncontended.c - what taking and releasing a kernel mutex costs when nobody else
 * wants it: the way of nearly every lock of a system, which must not pay for what
 * happens to the others.
 *
 * The mutex is f_pos_lock of an open file (fs/file.c, fdget_pos): lseek() takes it
 * where a file is open under two descriptors, and does not under one. A round does
 * the calls on a shared file (timed, and counted in exact mode), then as many on one
 * of its own: the difference is the mutex, taken and released.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "workload.h"

/* A file with a name: one of memfd_create() has no such mutex. */
#define FOLDER "/tmp"

static struct {
	int shared, twin;         /* one open file under two descriptors */
	int own;                  /* another one, under this descriptor only */
	uint64_t operations_count;
} state = { .shared = -1, .twin = -1, .own = -1 };

static void setup(void)
{
	state.operations_count = (uint64_t)parameter_number("operations");
	state.shared = open(FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	state.own = open(FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (state.shared < 0 || state.own < 0)
		workload_broken("a file in %s: %s", FOLDER, strerror(errno));
	state.twin = fcntl(state.shared, F_DUPFD_CLOEXEC, 0);
	if (state.twin < 0)
		workload_broken("a second descriptor: %s", strerror(errno));
}

/* Asks where the file stands: after the lock is had, next to nothing. Whether every
 * call worked, so that the loop has no branch to tell them apart. */
static off_t seeks_run(int fd, uint64_t count)
{
	off_t seen = 0;
	uint64_t i;

	for (i = 0; i < count; i++)
		seen |= lseek(fd, 0, SEEK_CUR);
	return seen;
}

static void measure(uint32_t round)
{
	uint64_t begin_ns, shared_ns, own_ns;
	double count = (double)state.operations_count;
	off_t seen;

	(void)round;
	begin_ns = clock_now_ns();
	workload_region_begin(MARKER_REGION_OWN);
	seen = seeks_run(state.shared, state.operations_count);
	workload_region_end(MARKER_REGION_OWN);
	shared_ns = clock_now_ns() - begin_ns;
	begin_ns = clock_now_ns();
	seen |= seeks_run(state.own, state.operations_count);
	own_ns = clock_now_ns() - begin_ns;
	if (seen)
		workload_failed("lseek: %s", seen < 0 ? strerror(errno) :
				"the position of an empty file is not 0");
	sample_add("locked_seek_ns", (double)shared_ns / count);
	sample_add("unlocked_seek_ns", (double)own_ns / count);
}

static void cleanup(void)
{
	int *const fds[] = { &state.shared, &state.twin, &state.own };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

static const char *const options[] = { "CONFIG_TMPFS", NULL };

const struct workload workload = {
	.name = "mutex_uncontended",
	.purpose = "Taking and releasing a kernel mutex that nobody else wants",
	.metrics = (const struct metric[]){
		{ "locked_seek_ns", "ns", "lower", "time", false,
		  "One lseek() that takes and releases a mutex, mean of a round" },
		{ "unlocked_seek_ns", "ns", "lower", "time", true,
		  "The same call without the mutex" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "operations", 1, 1000000000, NULL, "200000",
		  "Calls in a round, of each kind" },
		{ "rounds", 1, 10000, NULL, "10", "Rounds that count" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_vcpus = 1,
	.is_counted = true,
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
