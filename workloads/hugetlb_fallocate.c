/* hugetlb_fallocate.c - how long the kernel takes to give a file its huge pages,
 * which is the time it takes to clear them (mm/hugetlb.c, hugetlbfs_fallocate).
 *
 * A round: fallocate() of the whole file (timed), checks, truncation to nothing.
 * The pages come from a pool that is reserved before, so that no round pays for
 * finding them; the first round (first touch) is dropped. Every page is made
 * dirty after it was checked, so that the next round's zeros are the kernel's.
 *
 * Threads are user space's way to be quicker. A file is locked for the whole call,
 * so on one file they wait for each other; files=per_thread is what user space can
 * reach. `helpers` is the kernel's way: threads that it adds to the one caller.
 *
 * ends=no_space and ends=signal measure calls that are cut short, and check what
 * they leave: the pages that the file got stay, and the pool counts right.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "padata.h"
#include "workload.h"

#define MIB (UINT64_C(1) << 20)
#define SMALL_PAGE_BYTES 4096u
#define THREADS_MAX 256
#define SPARE_MIB 64u
#define SIGNAL_TRIES 20u
#define MOUNT_POINT "/run/kerngate-hugetlbfs"

enum ending { ENDS_WHOLE, ENDS_NO_SPACE, ENDS_SIGNAL };

struct pool_counts {
	uint64_t total, unused, reserved, surplus; /* huge pages */
};

static struct {
	uint64_t page_bytes, size_bytes, pages_count;
	uint32_t threads_count, files_count;
	enum ending ending;
	char pool[96];            /* folder of the pool in sysfs */
	uint64_t pool_before;     /* pages in the pool before us */
	bool is_pool_ours;        /* to be put back */
	struct pool_counts empty; /* the pool while no file has pages */
	int fds[THREADS_MAX];     /* files_count of them */
	bool is_mounted;
} state;

struct slice {
	pthread_t thread;
	pthread_barrier_t *start;
	int fd;
	uint64_t offset, length;
	int error;                /* errno of fallocate, 0 if it worked */
};

static uint64_t pool_read(const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", state.pool, name);
	return number_read_or_broken(path);
}

static void pool_resize(uint64_t pages_count)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/nr_hugepages", state.pool);
	text_write_or_broken(path, "%llu", (unsigned long long)pages_count);
}

static struct pool_counts pool_count(void)
{
	return (struct pool_counts){
		.total = pool_read("nr_hugepages"),
		.unused = pool_read("free_hugepages"),
		.reserved = pool_read("resv_hugepages"),
		.surplus = pool_read("surplus_hugepages"),
	};
}

static void memory_check(uint64_t missing)
{
	uint64_t available_mib =
		field_read_or_broken("/proc/meminfo", "MemAvailable") / 1024;

	/* The kernel would take all there is, and then kill somebody. */
	if (missing * (state.page_bytes / MIB) + SPARE_MIB > available_mib)
		workload_skipped("%llu huge pages of %llu MiB and %u MiB to spare "
				 "are more than the %llu MiB available",
				 (unsigned long long)missing,
				 (unsigned long long)(state.page_bytes / MIB),
				 SPARE_MIB, (unsigned long long)available_mib);
}

/* Grows the pool by what it lacks; pages that were set aside at boot
 * (hugepages=N) are taken as they are. A file that is to find no space gets three
 * quarters of its pages. */
static void pool_fill(void)
{
	uint64_t unused = pool_read("free_hugepages"), wanted = state.pages_count;

	if (state.ending == ENDS_NO_SPACE)
		wanted = wanted * 3 / 4;
	if (unused < wanted) {
		memory_check(wanted - unused);
		pool_resize(state.pool_before + wanted - unused);
	} else if (state.ending == ENDS_NO_SPACE) {
		pool_resize(state.pool_before - (unused - wanted));
	}
	unused = pool_read("free_hugepages");
	if (unused < wanted)
		workload_skipped("only %llu of %llu huge pages of %llu MiB could be had",
				 (unsigned long long)unused, (unsigned long long)wanted,
				 (unsigned long long)(state.page_bytes / MIB));
	state.empty = pool_count();
}

static void hugetlbfs_mount(void)
{
	char options[64];

	if (mkdir(MOUNT_POINT, 0700) < 0 && errno != EEXIST)
		workload_broken("mkdir %s: %s", MOUNT_POINT, strerror(errno));
	snprintf(options, sizeof(options), "pagesize=%lluK",
		 (unsigned long long)state.page_bytes / 1024);
	if (mount("hugetlbfs", MOUNT_POINT, "hugetlbfs", 0, options) < 0)
		workload_broken("mount hugetlbfs %s: %s", options, strerror(errno));
	state.is_mounted = true;
}

static int file_open(void)
{
	char path[] = MOUNT_POINT "/file-XXXXXX";
	int fd;

	if (!state.is_mounted)
		return (int)memfd_create("kerngate", MFD_CLOEXEC | MFD_HUGETLB |
			(state.page_bytes == 2 * MIB ? MFD_HUGE_2MB : MFD_HUGE_1GB));
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

static void files_open(void)
{
	uint32_t wanted = 1;

	if (!strcmp(parameter_word("files"), "per_thread"))
		wanted = state.threads_count;
	if (!strcmp(parameter_word("file"), "hugetlbfs"))
		hugetlbfs_mount();
	for (; state.files_count < wanted; state.files_count++) {
		state.fds[state.files_count] = file_open();
		if (state.fds[state.files_count] < 0)
			workload_broken("opening a file: %s", strerror(errno));
	}
}

static enum ending ending_read(void)
{
	const char *word = parameter_word("ends");

	if (!strcmp(word, "no_space"))
		return ENDS_NO_SPACE;
	return strcmp(word, "signal") ? ENDS_WHOLE : ENDS_SIGNAL;
}

static void parameters_check(void)
{
	if (state.size_bytes % state.page_bytes)
		workload_broken("size_mib is no multiple of the page size");
	if (state.threads_count > state.pages_count)
		workload_broken("more threads than huge pages");
	if (state.ending != ENDS_WHOLE && state.threads_count > 1)
		workload_broken("ends=%s is for one thread", parameter_word("ends"));
	if (state.ending != ENDS_WHOLE && state.pages_count < 4)
		workload_broken("ends=%s is for 4 huge pages or more",
				parameter_word("ends"));
}

/* Only so that the call is interrupted. */
static void signal_ignore(int number)
{
	(void)number;
}

static void setup(void)
{
	struct sigaction action = { .sa_handler = signal_ignore };

	state.page_bytes = strtoull(parameter_word("page_kib"), NULL, 10) * 1024;
	state.size_bytes = (uint64_t)parameter_number("size_mib") * MIB;
	state.threads_count = (uint32_t)parameter_number("threads");
	state.pages_count = state.size_bytes / state.page_bytes;
	state.ending = ending_read();
	parameters_check();
	snprintf(state.pool, sizeof(state.pool),
		 "/sys/kernel/mm/hugepages/hugepages-%llukB",
		 (unsigned long long)state.page_bytes / 1024);
	if (access(state.pool, F_OK) < 0)
		workload_skipped("no huge pages of %s KiB on this CPU and kernel",
				 parameter_word("page_kib"));
	sigaction(SIGINT, &action, NULL);
	padata_helpers_set(parameter_number("helpers"));
	state.pool_before = pool_read("nr_hugepages");
	state.is_pool_ours = true;
	pool_fill();
	files_open();
}

static void *slice_fill(void *argument)
{
	struct slice *slice = argument;

	if (slice->start)
		pthread_barrier_wait(slice->start);
	if (fallocate(slice->fd, 0, (off_t)slice->offset, (off_t)slice->length) < 0)
		slice->error = errno;
	return NULL;
}

/* Splits the pages as evenly as they allow: parts of the one file, or files. */
static void slices_cut(struct slice *slices, pthread_barrier_t *start)
{
	uint64_t done = 0;
	uint32_t i;

	for (i = 0; i < state.threads_count; i++) {
		uint64_t end = state.pages_count * (i + 1) / state.threads_count;

		slices[i] = (struct slice){
			.start = start,
			.fd = state.fds[i % state.files_count],
			.offset = state.files_count > 1 ? 0 : done * state.page_bytes,
			.length = (end - done) * state.page_bytes,
		};
		done = end;
	}
}

static uint64_t slices_fill_alone_ns(struct slice *slices)
{
	uint64_t start_ns, end_ns;

	slices_cut(slices, NULL);
	start_ns = clock_now_ns();
	workload_region_begin(MARKER_REGION_OWN);
	slice_fill(&slices[0]);
	workload_region_end(MARKER_REGION_OWN);
	end_ns = clock_now_ns();
	return end_ns - start_ns;
}

static uint64_t slices_fill_together_ns(struct slice *slices, uint32_t n)
{
	pthread_barrier_t start;
	uint64_t start_ns, end_ns;
	uint32_t i;

	pthread_barrier_init(&start, NULL, n + 1);
	slices_cut(slices, &start);
	for (i = 0; i < n; i++)
		if (pthread_create(&slices[i].thread, NULL, slice_fill, &slices[i]))
			workload_broken("no thread %u of %u", i, n);
	start_ns = clock_now_ns();
	workload_region_begin(MARKER_REGION_OWN);
	pthread_barrier_wait(&start);
	for (i = 0; i < n; i++)
		pthread_join(slices[i].thread, NULL);
	workload_region_end(MARKER_REGION_OWN);
	end_ns = clock_now_ns();
	pthread_barrier_destroy(&start);
	return end_ns - start_ns;
}

/* Fills the files with the threads asked for; the time of it, and the errno of a thread
 * that failed, or 0. */
static uint64_t files_fill_ns(int *ret_error)
{
	static struct slice slices[THREADS_MAX];
	uint32_t i, n = state.threads_count;
	uint64_t duration_ns = n == 1 ? slices_fill_alone_ns(slices) :
					slices_fill_together_ns(slices, n);

	*ret_error = 0;
	for (i = 0; i < n; i++)
		if (slices[i].error)
			*ret_error = slices[i].error;
	return duration_ns;
}

static void files_empty(void)
{
	uint32_t i;

	for (i = 0; i < state.files_count; i++)
		if (ftruncate(state.fds[i], 0) < 0)
			workload_failed("ftruncate: %s", strerror(errno));
}

/* Waits until the file has some of its pages, then interrupts who allocates. */
static void *signal_send(void *argument)
{
	pthread_t *target = argument;
	struct timespec pause = { .tv_nsec = 200000 };

	while (pool_read("free_hugepages") + state.pages_count / 8 >
	       state.empty.unused)
		nanosleep(&pause, NULL);
	pthread_kill(*target, SIGINT);
	return NULL;
}

static uint64_t files_fill_interrupted_ns(int *ret_error)
{
	pthread_t self = pthread_self(), sender;
	uint64_t duration_ns;

	if (pthread_create(&sender, NULL, signal_send, &self))
		workload_broken("no thread for the signal");
	duration_ns = files_fill_ns(ret_error);
	pthread_join(sender, NULL);
	return duration_ns;
}

/* Pages that the files have; they must be missing in the pool, and nothing else
 * may have changed there. */
static uint64_t accounts_check(void)
{
	struct pool_counts now = pool_count();
	uint64_t bytes = 0, pages;
	struct stat status;
	uint32_t i;

	for (i = 0; i < state.files_count; i++) {
		if (fstat(state.fds[i], &status) < 0)
			workload_broken("fstat: %s", strerror(errno));
		bytes += (uint64_t)status.st_blocks * 512;
	}
	pages = bytes / state.page_bytes;
	if (now.total != state.empty.total || now.unused + pages != state.empty.unused ||
	    now.reserved != state.empty.reserved || now.surplus != state.empty.surplus)
		workload_failed("the pool has %llu huge pages (%llu before), %llu free "
				"(%llu), %llu reserved (%llu), %llu surplus (%llu), "
				"and the files %llu",
				(unsigned long long)now.total,
				(unsigned long long)state.empty.total,
				(unsigned long long)now.unused,
				(unsigned long long)state.empty.unused,
				(unsigned long long)now.reserved,
				(unsigned long long)state.empty.reserved,
				(unsigned long long)now.surplus,
				(unsigned long long)state.empty.surplus,
				(unsigned long long)pages);
	return pages;
}

static uint64_t file_size(void)
{
	struct stat status;

	if (fstat(state.fds[0], &status) < 0)
		workload_broken("fstat: %s", strerror(errno));
	return (uint64_t)status.st_size;
}

static void pages_check(uint64_t minimum, uint64_t maximum)
{
	uint64_t pages = accounts_check();

	if (pages < minimum || pages > maximum)
		workload_failed("the files hold %llu huge pages, expected %llu to %llu",
				(unsigned long long)pages,
				(unsigned long long)minimum,
				(unsigned long long)maximum);
}

/* Whether a call that was cut short left what fallocate() leaves on 7.3: all the
 * pages that it got; the new size only after a signal. */
static void remains_check(void)
{
	bool is_signal = state.ending == ENDS_SIGNAL;
	uint64_t size_expected = is_signal ? state.size_bytes : 0, size = file_size();

	if (is_signal)
		pages_check(state.pages_count / 8, state.pages_count - 1);
	else
		pages_check(state.empty.unused, state.empty.unused);
	if (size != size_expected)
		workload_failed("the file's size is %llu, expected %llu",
				(unsigned long long)size, (unsigned long long)size_expected);
}

/* Looks at both ends of every small page, then leaves them dirty. */
static void zeros_check(int fd)
{
	struct stat status;
	uint64_t *words;
	size_t per_page = SMALL_PAGE_BYTES / sizeof(*words), i;

	if (fstat(fd, &status) < 0)
		workload_broken("fstat: %s", strerror(errno));
	words = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
	if (words == MAP_FAILED)
		workload_failed("mmap of the file: %s", strerror(errno));
	for (i = 0; i < (size_t)status.st_size / sizeof(*words); i += per_page) {
		uint64_t *first = &words[i], *last = &words[i + per_page - 1];

		if (*first || *last)
			workload_failed("byte %zu of the file was not cleared",
					i * sizeof(*words));
		*first = *last = ~UINT64_C(0);
	}
	munmap(words, (size_t)status.st_size);
}

/* After a signal, mapping the file and reading it all also shows that what is
 * missing can still be had. A file that found no space has no size to map. */
static void contents_check(void)
{
	uint32_t i;

	for (i = 0; i < state.files_count && file_size(); i++)
		zeros_check(state.fds[i]);
}

/* The time of a call that ended as it was to end. */
static uint64_t ending_measure_ns(void)
{
	static const int expected[] = {
		[ENDS_WHOLE] = 0, [ENDS_NO_SPACE] = ENOSPC, [ENDS_SIGNAL] = EINTR,
	};
	bool is_signalled = state.ending == ENDS_SIGNAL;
	unsigned int tries = 0;
	uint64_t duration_ns;
	int error;

	for (;;) {
		duration_ns = is_signalled ? files_fill_interrupted_ns(&error) :
					     files_fill_ns(&error);
		if (error || !is_signalled || ++tries == SIGNAL_TRIES)
			break;
		files_empty(); /* a signal that came too late: the host is busy */
	}
	if (error != expected[state.ending])
		workload_failed("fallocate: %s, expected %s", strerror(error),
				strerror(expected[state.ending]));
	return duration_ns;
}

static void measure(uint32_t round)
{
	uint64_t duration_ns = ending_measure_ns();
	uint64_t bytes = accounts_check() * state.page_bytes;
	double gib = (double)bytes / (1024.0 * (double)MIB);

	(void)round;
	sample_add("fallocate_ns", (double)duration_ns);
	sample_add("fallocate_gib_per_s", gib * 1e9 / (double)(duration_ns ? duration_ns : 1));
	if (state.ending == ENDS_WHOLE)
		pages_check(state.pages_count, state.pages_count);
	else
		remains_check();
	contents_check();
	files_empty();
	pages_check(0, 0);
}

static void cleanup(void)
{
	while (state.files_count > 0)
		close(state.fds[--state.files_count]);
	if (state.is_mounted)
		(void)umount(MOUNT_POINT);
	padata_helpers_restore();
	if (state.is_pool_ours)
		pool_resize(state.pool_before);
}

static const char *const page_sizes[] = { "2048", "1048576", NULL };
static const char *const file_kinds[] = { "memfd", "hugetlbfs", NULL };
static const char *const file_counts[] = { "one", "per_thread", NULL };
static const char *const endings[] = { "whole", "no_space", "signal", NULL };
static const char *const options[] = { "CONFIG_HUGETLBFS", NULL };

const struct workload workload = {
	.name = "hugetlb_fallocate",
	.purpose = "Time of one fallocate() that fills a file with cleared huge pages",
	.metrics = (const struct metric[]){
		{ "fallocate_ns", "ns", "lower", "time", false,
		  "One fallocate() of the whole file, all threads together" },
		{ "fallocate_gib_per_s", "GiB/s", "higher", "rate", true,
		  "Size of the file over that time" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "page_kib", 0, 0, page_sizes, "2048", "Size of a huge page" },
		{ "size_mib", 2, 16777216, NULL, "256", "Size of the file, or of all files" },
		{ "rounds", 1, 10000, NULL, "10", "Rounds that count" },
		{ "threads", 1, THREADS_MAX, NULL, "1",
		  "Threads that call fallocate(), each for its part" },
		{ "files", 0, 0, file_counts, "one",
		  "One file for all threads, or one for each" },
		PADATA_HELPERS_PARAMETER("-1"),
		{ "file", 0, 0, file_kinds, "memfd", "What the pages belong to" },
		{ "ends", 0, 0, endings, "whole",
		  "Whether the call is cut short: by an empty pool, or by a signal" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 192, /* and size_mib */
	.needs_vcpus = 1,
	.is_counted = true,
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
