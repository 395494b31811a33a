/* inversion_fpos.c - priority inversion over f_pos_lock, the mutex of an open file that
 * several threads share (fs/file.c, fdget_pos).
 *
 * The low task reads size_mib of a tmpfs file through the shared descriptor, which is
 * the critical section: one copy, no sleep. The high task asks where the file stands
 * (lseek). How the inversion is made and what is measured: runtime/inversion.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "inversion.h"

#define MIB (UINT64_C(1) << 20)
#define TMPFS "/dev/shm"

static struct {
	size_t size_bytes;
	uint64_t linger_ns;
	char *buffer;
	int fd;
} state = { .buffer = MAP_FAILED, .fd = -1 };

static uint64_t cpu_time_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void file_rewind(bool is_alone)
{
	(void)is_alone;
	if (lseek(state.fd, 0, SEEK_SET) < 0)
		workload_broken("lseek: %s", strerror(errno));
}

static void file_read(void)
{
	ssize_t n = read(state.fd, state.buffer, state.size_bytes);

	if (n != (ssize_t)state.size_bytes)
		workload_failed("read of %zu bytes: %zd, %s", state.size_bytes, n,
				n < 0 ? strerror(errno) : "no error");
}

/* Work of its own: no reason for the high task to wait any longer. */
static void linger(void)
{
	uint64_t end_ns = cpu_time_ns() + state.linger_ns;

	while (cpu_time_ns() < end_ns)
		;
}

static void file_ask(void)
{
	if (lseek(state.fd, 0, SEEK_CUR) < 0)
		workload_failed("lseek: %s", strerror(errno));
}

static const struct inversion_lock lock = {
	.prepare = file_rewind,
	.hold = file_read,
	.after = linger,
	.take = file_ask,
};

static void setup(void)
{
	state.size_bytes = (size_t)((uint64_t)parameter_number("size_mib") * MIB);
	state.linger_ns = (uint64_t)parameter_number("linger_us") * 1000;
	/* Not a memfd: a file that was not opened by name has no lock for its position. */
	state.fd = open(TMPFS, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (state.fd < 0)
		workload_broken("a file in " TMPFS ": %s", strerror(errno));
	state.buffer = mmap(NULL, state.size_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (state.buffer == MAP_FAILED)
		workload_broken("mmap of %zu bytes: %s", state.size_bytes,
				strerror(errno));
	memset(state.buffer, 1, state.size_bytes);
	if (pwrite(state.fd, state.buffer, state.size_bytes, 0) !=
	    (ssize_t)state.size_bytes)
		workload_broken("filling a file of %zu bytes: %s", state.size_bytes,
				strerror(errno));
	inversion_start(&lock);
}

static void measure(uint32_t round)
{
	(void)round;
	inversion_measure();
}

static void cleanup(void)
{
	if (!inversion_stop())
		return;
	if (state.buffer != MAP_FAILED)
		munmap(state.buffer, state.size_bytes);
	if (state.fd >= 0)
		close(state.fd);
}

static const char *const options[] = { INVERSION_OPTIONS, "CONFIG_TMPFS", NULL };

const struct workload workload = {
	.name = "inversion_fpos",
	.purpose = "Wait of a high task for f_pos_lock, held by a low one that spinners "
		   "keep from its CPU",
	.metrics = (const struct metric[]){ INVERSION_METRICS, { .name = NULL } },
	.parameters = (const struct parameter[]){
		{ "size_mib", 1, 64, NULL, "1", "What one section reads" },
		{ "linger_us", 0, 10000000, NULL, "0",
		  "CPU time that the low task uses after a section, without the lock" },
		INVERSION_PARAMETERS("500"),
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 256, /* and size_mib */
	.needs_vcpus = 1,
	.is_counted = false,     /* the spinners fill whatever time there is */
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
