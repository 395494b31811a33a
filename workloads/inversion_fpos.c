/* inversion_fpos.c - priority inversion over f_pos_lock, the mutex of an open file that
 * several threads share (fs/file.c, fdget_pos).
 *
 * The low task reads size_mib of a tmpfs file through the shared descriptor, which is
 * the critical section: one copy, no sleep. The high task asks where the file stands
 * (lseek). How the inversion is made and what is measured: runtime/inversion.h.
 */
#include <time.h>

#include "inversion.h"
#include "inversion_file.h"

static uint64_t linger_ns;

static uint64_t cpu_time_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Work of its own: no reason for the high task to wait any longer. */
static void linger(void)
{
	uint64_t end_ns = cpu_time_ns() + linger_ns;

	while (cpu_time_ns() < end_ns)
		;
}

static const struct inversion_lock lock = {
	.prepare = inversion_file_rewind,
	.hold = inversion_file_read,
	.after = linger,
	.take = inversion_file_ask,
};

static void setup(void)
{
	linger_ns = (uint64_t)parameter_number("linger_us") * 1000;
	inversion_buffer_open(parameter_number("size_mib"), false);
	inversion_file_open();
	inversion_start(&lock);
}

static void cleanup(void)
{
	if (inversion_stop())
		inversion_file_close();
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
	.measure = inversion_measure,
	.cleanup = cleanup,
};
