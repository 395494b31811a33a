/* sleeper.c - see sleeper.h. */
#include "sleeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

#define HANDLER_PRIORITY 50      /* above all actors: it ends naps in time */

static struct {
	int fd;
	unsigned char *memory;
	uint64_t random;
} sleeper;

/* Whoever waits for the page goes on: it is there now, or came there otherwise. */
static void page_give(uint64_t address)
{
	const uint64_t page = address & ~UINT64_C(4095);
	struct uffdio_zeropage zero;
	struct uffdio_range range = { .start = page, .len = 4096 };

	do
		zero = (struct uffdio_zeropage){ .range = range };
	while (ioctl(sleeper.fd, UFFDIO_ZEROPAGE, &zero) < 0 && errno == EAGAIN);
	(void)ioctl(sleeper.fd, UFFDIO_WAKE, &range);
}

static void *sleeper_thread(void *unused)
{
	struct pollfd poll_fd = { .fd = sleeper.fd, .events = POLLIN };
	struct uffd_msg message;

	(void)unused;
	child_begin(NULL, HANDLER_PRIORITY);
	for (;;) {
		if (read(sleeper.fd, &message, sizeof(message)) != sizeof(message)) {
			(void)poll(&poll_fd, 1, -1);
			continue;
		}
		if (message.event != UFFD_EVENT_PAGEFAULT)
			continue;
		nap_us(random_below(&sleeper.random, stress.nap_max_us + 1));
		atomic_fetch_add(&stress.arena->naps_count, 1);
		page_give(message.arg.pagefault.address);
	}
	return NULL;
}

static void memory_register(size_t length)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg;

	sleeper.fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (sleeper.fd < 0 || ioctl(sleeper.fd, UFFDIO_API, &api) < 0)
		child_give_up("userfaultfd: %s", strerror(errno));
	sleeper.memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (sleeper.memory == MAP_FAILED)
		child_give_up("mmap: %s", strerror(errno));
	reg = (struct uffdio_register){
		.range = { .start = (uintptr_t)sleeper.memory, .len = length },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	if (ioctl(sleeper.fd, UFFDIO_REGISTER, &reg) < 0)
		child_give_up("registering memory with userfaultfd: %s", strerror(errno));
}

void sleeper_start(uint32_t buffers_count, uint64_t seed)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	sleeper.random = seed;
	memory_register((size_t)buffers_count * SLEEPER_BYTES);
	/* Signals are for the workers. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, sleeper_thread, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		child_give_up("a thread: %s", strerror(error));
}

void *sleeper_buffer(uint32_t number)
{
	return sleeper.memory + (size_t)number * SLEEPER_BYTES;
}

void sleeper_refresh(uint32_t number)
{
	(void)madvise(sleeper_buffer(number), SLEEPER_BYTES, MADV_DONTNEED);
}
