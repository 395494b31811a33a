/* inversion_sleeping_owner.c - priority inversion over f_pos_lock, whose owner sleeps in
 * the middle of its section.
 *
 * As in inversion_fpos the low task reads size_mib of a tmpfs file through a descriptor
 * that threads share. One page in the middle of its buffer is not there and belongs to
 * userfaultfd: the copy faults, and the low task sleeps until a real-time thread has
 * given it the page, sleep_us later. Then it still has half of the copy to do. The high
 * task's call (lseek) comes at any time from the begin of the section to the end of the
 * sleep: before the owner slept, or while it did. How the inversion is made and what is
 * measured: runtime/inversion.h; excess_ns is wait minus sleep minus copy.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "inversion.h"
#include "inversion_file.h"

#define PAGE_BYTES 4096u
#define HANDLER_PRIORITY 80

static struct {
	int faults, end;          /* of userfaultfd; an eventfd */
	bool is_handled;          /* the handler was started */
	pthread_t handler;
	int handler_cpu;
	struct timespec sleep;
	uint64_t slept_ns;
} state = { .faults = -1, .end = -1 };

static char *page_asleep(void)
{
	return inversion_file.buffer + inversion_file.size_bytes / 2;
}

/* --- who gives the page -------------------------------------------------------- */

static void page_give(uint64_t address)
{
	static char page[PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
	struct uffdio_copy copy = {
		.dst = address & ~(uint64_t)(PAGE_BYTES - 1),
		.src = (uint64_t)(uintptr_t)page,
		.len = PAGE_BYTES,
	};

	if (ioctl(state.faults, UFFDIO_COPY, &copy) < 0)
		workload_broken("UFFDIO_COPY: %s", strerror(errno));
}

/* false: none, or not one that is waited for. */
static bool fault_read(uint64_t *ret_address)
{
	struct uffd_msg message;
	ssize_t n = read(state.faults, &message, sizeof(message));

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n != (ssize_t)sizeof(message))
		workload_broken("userfaultfd: %s", n < 0 ? strerror(errno) : "cut off");
	*ret_address = message.arg.pagefault.address;
	return message.event == UFFD_EVENT_PAGEFAULT;
}

static void *handler_run(void *argument)
{
	struct pollfd sources[2] = { { .fd = state.faults, .events = POLLIN },
				     { .fd = state.end, .events = POLLIN } };
	uint64_t address, begin_ns;

	(void)argument;
	inversion_serve_or_broken(HANDLER_PRIORITY, state.handler_cpu);
	for (;;) {
		if (poll(sources, 2, -1) < 0)
			workload_broken("poll: %s", strerror(errno));
		if (sources[1].revents)
			return NULL;
		if (!fault_read(&address))
			continue;
		begin_ns = clock_now_ns();
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &state.sleep, NULL);
		__atomic_store_n(&state.slept_ns, clock_now_ns() - begin_ns,
				 __ATOMIC_SEQ_CST);
		page_give(address);
	}
}

static uint64_t slept_ns(void)
{
	return __atomic_load_n(&state.slept_ns, __ATOMIC_SEQ_CST);
}

/* --- the section ------------------------------------------------------------------ */

static void section_prepare(bool is_alone)
{
	if (is_alone)
		*(volatile char *)page_asleep() = 1;
	else if (madvise(page_asleep(), PAGE_BYTES, MADV_DONTNEED) < 0)
		workload_broken("madvise: %s", strerror(errno));
	inversion_file_rewind(is_alone);
}

static struct inversion_lock lock = {
	.prepare = section_prepare,
	.hold = inversion_file_read,
	.take = inversion_file_ask,
	.slept_ns = slept_ns,
};

/* --- begin and end ------------------------------------------------------------------ */

static void faults_open(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uint64_t)(uintptr_t)page_asleep(), PAGE_BYTES },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	state.faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (state.faults < 0)
		workload_broken("userfaultfd: %s", strerror(errno));
	if (ioctl(state.faults, UFFDIO_API, &api) < 0 ||
	    ioctl(state.faults, UFFDIO_REGISTER, &range) < 0)
		workload_broken("userfaultfd, a page to be missing: %s", strerror(errno));
	state.end = eventfd(0, EFD_CLOEXEC);
	if (state.end < 0)
		workload_broken("eventfd: %s", strerror(errno));
}

static void setup(void)
{
	uint64_t sleep_us = (uint64_t)parameter_number("sleep_us");
	int error;

	state.sleep.tv_nsec = (long)(sleep_us * 1000);
	lock.sleep_ns = sleep_us * 1000;
	/* Small pages: only one is to be missing. */
	inversion_buffer_open(parameter_number("size_mib"), true);
	inversion_file_open();
	faults_open();
	state.handler_cpu = inversion_other_cpu();
	error = pthread_create(&state.handler, NULL, handler_run, NULL);
	if (error)
		workload_broken("no thread: %s", strerror(error));
	state.is_handled = true;
	inversion_start(&lock);
}

static void cleanup(void)
{
	uint64_t one = 1;

	if (!inversion_stop())
		return;
	if (state.is_handled) {
		(void)!write(state.end, &one, sizeof(one));
		pthread_join(state.handler, NULL);
	}
	inversion_file_close();
	if (state.faults >= 0)
		close(state.faults);
	if (state.end >= 0)
		close(state.end);
}

static const char *const options[] = { INVERSION_OPTIONS, "CONFIG_TMPFS",
				       "CONFIG_USERFAULTFD", NULL };

const struct workload workload = {
	.name = "inversion_sleeping_owner",
	.purpose = "Wait of a high task for a mutex whose owner sleeps in its section, "
		   "and is kept from its CPU when it wakes",
	.metrics = (const struct metric[]){
		INVERSION_METRICS,
		{ "slept_ns", "ns", "lower", "time", true,
		  "How long the low task slept in the section that was waited for" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "size_mib", 1, 64, NULL, "1", "What one section reads" },
		{ "sleep_us", 1, 100000, NULL, "2000",
		  "How long the low task sleeps in the middle of it" },
		INVERSION_PARAMETERS("0"),
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
