/* inversion_pipe.c - priority inversion over pipe->mutex (fs/pipe.c).
 *
 * The low task writes size_mib into an empty pipe that takes it all, which is the
 * critical section: pages are allocated and filled one by one under the mutex, and
 * nobody sleeps. It empties the pipe before the next section. The high task asks how
 * much is in the pipe (FIONREAD). How the inversion is made and what is measured:
 * runtime/inversion.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "inversion.h"
#include "inversion_file.h"

static int ends[2] = { -1, -1 };

static size_t pipe_ask(void)
{
	int bytes = -1;

	if (ioctl(ends[0], FIONREAD, &bytes) < 0 || bytes < 0)
		workload_failed("FIONREAD: %d bytes, %s", bytes, strerror(errno));
	return (size_t)bytes;
}

static void pipe_empty(bool is_alone)
{
	size_t left = pipe_ask();

	(void)is_alone;
	while (left > 0) {
		ssize_t n = read(ends[0], inversion_file.buffer, left);

		if (n <= 0)
			workload_broken("emptying the pipe: %zd, %s", n, strerror(errno));
		left -= (size_t)n;
	}
}

static void pipe_fill(void)
{
	size_t size_bytes = inversion_file.size_bytes;
	ssize_t n = write(ends[1], inversion_file.buffer, size_bytes);

	if (n != (ssize_t)size_bytes)
		workload_failed("write of %zu bytes into an empty pipe: %zd, %s",
				size_bytes, n,
				n < 0 ? strerror(errno) : "no error");
}

static void pipe_take(void)
{
	(void)pipe_ask();
}

static const struct inversion_lock lock = {
	.prepare = pipe_empty,
	.hold = pipe_fill,
	.take = pipe_take,
};

static void setup(void)
{
	int size_bytes = (int)parameter_number("size_mib") << 20, capacity;

	/* Not blocking: a pipe that could not take it all would be said, not waited for. */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		workload_broken("pipe: %s", strerror(errno));
	capacity = fcntl(ends[1], F_SETPIPE_SZ, size_bytes);
	if (capacity < size_bytes)
		workload_broken("a pipe of %d bytes: %d, %s", size_bytes, capacity,
				strerror(errno));
	inversion_buffer_open(parameter_number("size_mib"), false);
	inversion_start(&lock);
}

static void cleanup(void)
{
	if (!inversion_stop())
		return;
	inversion_file_close();
	if (ends[0] >= 0) {
		close(ends[0]);
		close(ends[1]);
	}
}

static const char *const options[] = { INVERSION_OPTIONS, NULL };

const struct workload workload = {
	.name = "inversion_pipe",
	.purpose = "Wait of a high task for a pipe's mutex, held by a low one that "
		   "spinners keep from its CPU",
	.metrics = (const struct metric[]){ INVERSION_METRICS, { .name = NULL } },
	.parameters = (const struct parameter[]){
		{ "size_mib", 1, 64, NULL, "1", "What one section writes" },
		INVERSION_PARAMETERS("500"),
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 256, /* and size_mib */
	.needs_vcpus = 1,
	.is_counted = false,     /* the spinners fill whatever time there is */
	.setup = setup,
	.measure = inversion_measure,
	.cleanup = cleanup,
};
