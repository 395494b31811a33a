/* fill.c - see fill.h. */
#include "fill.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATTERN 0xa5
#define SPARE_MIB 96

static struct {
	bool is_ours;
	uint64_t before;          /* pages in the pool before us */
	uint64_t pages_count;     /* that pool_make() made */
} pool;

static uint64_t pool_free(void)
{
	return number_read_or_broken(POOL "free_hugepages");
}

static void pool_resize(uint64_t pages_count)
{
	text_write_or_broken(POOL "nr_hugepages", "%llu", (unsigned long long)pages_count);
}

static void pages_dirty(const struct fill *fill)
{
	size_t length = fill->pages_count * HUGE_PAGE_BYTES;
	void *pages = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fill->fd, 0);

	if (pages == MAP_FAILED)
		workload_broken("mmap of the pool: %s", strerror(errno));
	memset(pages, PATTERN, length);
	munmap(pages, length);
}

void pool_make(uint64_t pages_count)
{
	uint64_t available_mib;
	struct fill all;

	if (access(POOL, F_OK) < 0)
		workload_skipped("no huge pages of 2048 KiB on this CPU and kernel");
	if (!pool.is_ours)
		pool.before = number_read_or_broken(POOL "nr_hugepages");
	pool.is_ours = true;
	pool_resize(0);
	available_mib = field_read_or_broken("/proc/meminfo", "MemAvailable") / 1024;
	if (pages_count * 2 + SPARE_MIB > available_mib)
		workload_skipped("%llu huge pages and %u MiB to spare are more than the "
				 "%llu MiB available", (unsigned long long)pages_count,
				 SPARE_MIB, (unsigned long long)available_mib);
	pool_resize(pages_count);
	if (pool_free() != pages_count)
		workload_skipped("only %llu of %llu huge pages could be had",
				 (unsigned long long)pool_free(),
				 (unsigned long long)pages_count);
	pool.pages_count = pages_count;
	if (!pages_count)
		return;
	fill_open(&all, pages_count);
	if (fallocate(all.fd, 0, 0, (off_t)(pages_count * HUGE_PAGE_BYTES)) < 0)
		workload_broken("filling the pool: %s", strerror(errno));
	pages_dirty(&all);
	fill_close(&all);
}

void pool_restore(void)
{
	if (!pool.is_ours)
		return;
	pool.is_ours = false;
	pool_resize(pool.before);
}

void fill_open(struct fill *ret_fill, uint64_t pages_count)
{
	int fd = (int)memfd_create("padata-faults", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);

	if (fd < 0)
		workload_broken("memfd_create: %s", strerror(errno));
	*ret_fill = (struct fill){ .fd = fd, .pages_count = pages_count };
}

void fill_close(struct fill *fill)
{
	close(fill->fd);
	fill->fd = -1;
}

int fill_job(struct actor *actor)
{
	const struct fill *fill = actor->argument;
	off_t length = (off_t)(fill->pages_count * HUGE_PAGE_BYTES);

	return fallocate(fill->fd, 0, 0, length) < 0 ? errno : 0;
}

uint64_t fill_progress(struct actor *actor)
{
	(void)actor;
	return pool.pages_count - pool_free();
}

uint64_t fill_pages(const struct fill *fill)
{
	struct stat status;

	if (fstat(fill->fd, &status) < 0)
		workload_broken("fstat: %s", strerror(errno));
	if ((uint64_t)status.st_blocks * 512 % HUGE_PAGE_BYTES)
		workload_failed("the file holds %llu blocks, no whole number of huge pages",
				(unsigned long long)status.st_blocks);
	return (uint64_t)status.st_blocks * 512 / HUGE_PAGE_BYTES;
}

/* By read(), which allocates nothing where a page is missing. */
static void zeros_check(const struct fill *fill, const char *when)
{
	static unsigned char buffer[HUGE_PAGE_BYTES];
	uint64_t page;

	for (page = 0; page < fill->pages_count; page++) {
		ssize_t n = pread(fill->fd, buffer, sizeof(buffer),
				  (off_t)(page * HUGE_PAGE_BYTES));

		if (n != (ssize_t)sizeof(buffer))
			workload_broken("read of page %llu: %s", (unsigned long long)page,
					n < 0 ? strerror(errno) : "short");
		if (buffer[0] || memcmp(buffer, buffer + 1, sizeof(buffer) - 1))
			workload_failed("%s: page %llu of the file is not all zeroes", when,
					(unsigned long long)page);
	}
}

void fill_check(const struct fill *fill, uint64_t taken, const char *when)
{
	uint64_t missing = pool.pages_count - pool_free();

	if (missing != taken)
		workload_failed("%s: the pool lacks %llu pages, expected %llu (%+lld)", when,
				(unsigned long long)missing, (unsigned long long)taken,
				(long long)(missing - taken));
	/* A fallocate() that failed leaves the size as it was. */
	if (ftruncate(fill->fd, (off_t)(fill->pages_count * HUGE_PAGE_BYTES)) < 0)
		workload_broken("ftruncate: %s", strerror(errno));
	zeros_check(fill, when);
}

void fill_undo_check(const struct fill *fill, const struct ledger *before,
		     const struct cgroup *group, const char *when)
{
	char text[96];

	if (ftruncate(fill->fd, 0) < 0)
		workload_failed("ftruncate: %s", strerror(errno));
	snprintf(text, sizeof(text), "%s, and truncation", when);
	ledger_check(before, group, text);
}
