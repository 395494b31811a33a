/* hugetlb_fallocate.c - how long the kernel takes to give a file its huge pages,
 * which is the time it takes to clear them (mm/hugetlb.c, hugetlbfs_fallocate).
 *
 * A round: fallocate() of the whole file (timed), checks, truncation to nothing.
 * The pages come from a pool that is reserved before, so that no round pays for
 * finding them; the first round (first touch) is dropped. Every page is made
 * dirty after it was checked, so that the next round's zeros are the kernel's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workload.h"

#define MIB (UINT64_C(1) << 20)
#define SMALL_PAGE_BYTES 4096u
#define THREADS_MAX 256
#define SPARE_MIB 64u
#define MOUNT_POINT "/run/kerngate-hugetlbfs"

static struct {
	uint64_t page_bytes, size_bytes, pages_count;
	uint32_t threads_count;
	char pool[96];            /* folder of the pool in sysfs */
	uint64_t pool_before;     /* pages in the pool before us */
	int fd;
	bool is_mounted;
} state = { .fd = -1 };

struct slice {
	pthread_t thread;
	pthread_barrier_t *start;
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

/* Grows the pool by what it lacks; pages that were set aside at boot
 * (hugepages=N) are taken as they are. */
static void pool_fill(void)
{
	uint64_t unused = pool_read("free_hugepages"), available_mib, missing;

	if (unused >= state.pages_count)
		return;
	missing = state.pages_count - unused;
	available_mib = field_read_or_broken("/proc/meminfo", "MemAvailable") / 1024;
	/* The kernel would take all there is, and then kill somebody. */
	if (missing * (state.page_bytes / MIB) + SPARE_MIB > available_mib)
		workload_skipped("%llu huge pages of %llu MiB and %u MiB to spare "
				 "are more than the %llu MiB available",
				 (unsigned long long)missing,
				 (unsigned long long)(state.page_bytes / MIB),
				 SPARE_MIB, (unsigned long long)available_mib);
	pool_resize(state.pool_before + missing);
	unused = pool_read("free_hugepages");
	if (unused < state.pages_count)
		workload_skipped("only %llu of %llu huge pages of %llu MiB could "
				 "be had", (unsigned long long)unused,
				 (unsigned long long)state.pages_count,
				 (unsigned long long)(state.page_bytes / MIB));
}

static int file_open(void)
{
	char options[64];

	if (!strcmp(parameter_word("file"), "memfd"))
		return (int)memfd_create("kerngate", MFD_CLOEXEC | MFD_HUGETLB |
			(state.page_bytes == 2 * MIB ? MFD_HUGE_2MB : MFD_HUGE_1GB));
	if (mkdir(MOUNT_POINT, 0700) < 0 && errno != EEXIST)
		workload_broken("mkdir %s: %s", MOUNT_POINT, strerror(errno));
	snprintf(options, sizeof(options), "pagesize=%lluK",
		 (unsigned long long)state.page_bytes / 1024);
	if (mount("hugetlbfs", MOUNT_POINT, "hugetlbfs", 0, options) < 0)
		workload_broken("mount hugetlbfs %s: %s", options, strerror(errno));
	state.is_mounted = true;
	return open(MOUNT_POINT "/file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
}

static void setup(void)
{
	state.page_bytes = strtoull(parameter_word("page_kib"), NULL, 10) * 1024;
	state.size_bytes = (uint64_t)parameter_number("size_mib") * MIB;
	state.threads_count = (uint32_t)parameter_number("threads");
	state.pages_count = state.size_bytes / state.page_bytes;
	if (state.size_bytes % state.page_bytes)
		workload_broken("size_mib is no multiple of the page size");
	if (state.threads_count > state.pages_count)
		workload_broken("more threads than huge pages");
	snprintf(state.pool, sizeof(state.pool),
		 "/sys/kernel/mm/hugepages/hugepages-%llukB",
		 (unsigned long long)state.page_bytes / 1024);
	if (access(state.pool, F_OK) < 0)
		workload_skipped("no huge pages of %s KiB on this CPU and kernel",
				 parameter_word("page_kib"));
	state.pool_before = pool_read("nr_hugepages");
	pool_fill();
	state.fd = file_open();
	if (state.fd < 0)
		workload_broken("opening the file: %s", strerror(errno));
}

static void *slice_fill(void *argument)
{
	struct slice *slice = argument;

	if (slice->start)
		pthread_barrier_wait(slice->start);
	if (fallocate(state.fd, 0, (off_t)slice->offset, (off_t)slice->length) < 0)
		slice->error = errno;
	return NULL;
}

/* Splits the file at page borders, as evenly as they allow. */
static void slices_cut(struct slice *slices, pthread_barrier_t *start)
{
	uint64_t done = 0;
	uint32_t i;

	for (i = 0; i < state.threads_count; i++) {
		uint64_t end = state.pages_count * (i + 1) / state.threads_count;

		slices[i] = (struct slice){
			.start = start,
			.offset = done * state.page_bytes,
			.length = (end - done) * state.page_bytes,
		};
		done = end;
	}
}

/* Fills the file with the threads asked for; the time of it. */
static uint64_t file_fill_ns(void)
{
	static struct slice slices[THREADS_MAX];
	pthread_barrier_t start;
	uint64_t start_ns, end_ns;
	uint32_t i, n = state.threads_count;

	if (n == 1) {
		slices_cut(slices, NULL);
		start_ns = clock_now_ns();
		workload_region_begin(MARKER_REGION_OWN);
		slice_fill(&slices[0]);
		workload_region_end(MARKER_REGION_OWN);
		end_ns = clock_now_ns();
	} else {
		pthread_barrier_init(&start, NULL, n + 1);
		slices_cut(slices, &start);
		for (i = 0; i < n; i++)
			if (pthread_create(&slices[i].thread, NULL, slice_fill,
					   &slices[i]))
				workload_broken("no thread %u of %u", i, n);
		start_ns = clock_now_ns();
		workload_region_begin(MARKER_REGION_OWN);
		pthread_barrier_wait(&start);
		for (i = 0; i < n; i++)
			pthread_join(slices[i].thread, NULL);
		workload_region_end(MARKER_REGION_OWN);
		end_ns = clock_now_ns();
		pthread_barrier_destroy(&start);
	}
	for (i = 0; i < n; i++)
		if (slices[i].error)
			workload_failed("fallocate: %s", strerror(slices[i].error));
	return end_ns - start_ns;
}

static void accounts_check(uint64_t pages_expected)
{
	uint64_t total = pool_read("nr_hugepages");
	uint64_t unused = pool_read("free_hugepages");
	struct stat status;

	if (fstat(state.fd, &status) < 0)
		workload_broken("fstat: %s", strerror(errno));
	if ((uint64_t)status.st_blocks * 512 != pages_expected * state.page_bytes)
		workload_failed("the file holds %llu bytes, expected %llu",
				(unsigned long long)status.st_blocks * 512,
				(unsigned long long)(pages_expected * state.page_bytes));
	if (unused + pages_expected != total)
		workload_failed("%llu huge pages of %llu are free, expected %llu",
				(unsigned long long)unused,
				(unsigned long long)total,
				(unsigned long long)(total - pages_expected));
}

/* Looks at both ends of every small page, then leaves them dirty. */
static void zeros_check(void)
{
	uint64_t *words = mmap(NULL, state.size_bytes, PROT_READ | PROT_WRITE,
			       MAP_SHARED, state.fd, 0);
	size_t per_page = SMALL_PAGE_BYTES / sizeof(*words), i;

	if (words == MAP_FAILED)
		workload_failed("mmap of the file: %s", strerror(errno));
	for (i = 0; i < state.size_bytes / sizeof(*words); i += per_page) {
		uint64_t *first = &words[i], *last = &words[i + per_page - 1];

		if (*first || *last)
			workload_failed("byte %zu of the file was not cleared",
					i * sizeof(*words));
		*first = *last = ~UINT64_C(0);
	}
	munmap(words, state.size_bytes);
}

static void measure(uint32_t round)
{
	uint64_t duration_ns = file_fill_ns();
	double gib = (double)state.size_bytes / (1024.0 * (double)MIB);

	(void)round;
	sample_add("fallocate_ns", (double)duration_ns);
	sample_add("fallocate_gib_per_s", gib * 1e9 / (double)(duration_ns ? duration_ns : 1));
	accounts_check(state.pages_count);
	zeros_check();
	if (ftruncate(state.fd, 0) < 0)
		workload_failed("ftruncate: %s", strerror(errno));
	accounts_check(0);
}

static void cleanup(void)
{
	if (state.fd >= 0)
		close(state.fd);
	if (state.is_mounted) {
		(void)unlink(MOUNT_POINT "/file");
		(void)umount(MOUNT_POINT);
	}
	if (state.pages_count && *state.pool && !access(state.pool, F_OK))
		pool_resize(state.pool_before);
}

static const char *const page_sizes[] = { "2048", "1048576", NULL };
static const char *const files[] = { "memfd", "hugetlbfs", NULL };
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
		{ "size_mib", 2, 16777216, NULL, "256", "Size of the file" },
		{ "rounds", 1, 10000, NULL, "10", "Rounds that count" },
		{ "threads", 1, THREADS_MAX, NULL, "1",
		  "Threads that call fallocate(), each for its part of the file" },
		{ "file", 0, 0, files, "memfd", "What the pages belong to" },
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
