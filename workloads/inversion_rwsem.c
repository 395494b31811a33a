/* inversion_rwsem.c - priority inversion over an rw_semaphore that the low task holds
 * for writing (kernel/locking/rwsem.c).
 *
 *     lock    the low task, one section            the high task
 *     inode   writes size_mib of a tmpfs file      changes the file's mode: also a
 *             under its i_rwsem                    writer
 *     mmap    changes the protection of size_mib   asks which pages of another mapping
 *             of small pages under mmap_lock       are in memory: a reader
 *
 * Both sections are one run of the CPU, no sleep. 7.3's proxy execution, which knows
 * mutexes only, helps neither. How the inversion is made and what is measured:
 * runtime/inversion.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inversion.h"
#include "inversion_file.h"

static struct {
	long page_bytes;
	char *other_page;
	bool is_read_only;
} state = { .other_page = MAP_FAILED };

static void file_write(void)
{
	size_t size_bytes = inversion_file.size_bytes;
	ssize_t n = pwrite(inversion_file.fd, inversion_file.buffer, size_bytes, 0);

	if (n != (ssize_t)size_bytes)
		workload_failed("write of %zu bytes: %zd, %s", size_bytes, n,
				n < 0 ? strerror(errno) : "no error");
}

static void file_change_mode(void)
{
	if (fchmod(inversion_file.fd, S_IRUSR | S_IWUSR) < 0)
		workload_failed("fchmod: %s", strerror(errno));
}

/* There with one section, back with the next: no two are alike, but none finds nothing
 * to do. */
static void pages_protect(void)
{
	state.is_read_only = !state.is_read_only;
	if (mprotect(inversion_file.buffer, inversion_file.size_bytes,
		     state.is_read_only ? PROT_READ : PROT_READ | PROT_WRITE) < 0)
		workload_failed("mprotect of %zu bytes: %s", inversion_file.size_bytes,
				strerror(errno));
}

static void page_ask(void)
{
	unsigned char is_resident;

	if (mincore(state.other_page, (size_t)state.page_bytes, &is_resident) < 0)
		workload_failed("mincore: %s", strerror(errno));
}

static const struct inversion_lock inode_lock = {
	.hold = file_write,
	.take = file_change_mode,
};

static const struct inversion_lock mmap_lock = {
	.hold = pages_protect,
	.take = page_ask,
};

static void other_page_open(void)
{
	state.page_bytes = sysconf(_SC_PAGESIZE);
	state.other_page = mmap(NULL, (size_t)state.page_bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (state.other_page == MAP_FAILED)
		workload_broken("mmap of a page: %s", strerror(errno));
	memset(state.other_page, 1, (size_t)state.page_bytes);
}

static void setup(void)
{
	bool is_mmap = strcmp(parameter_word("lock"), "mmap") == 0;

	/* Small pages: with huge ones a section would be a few table entries. */
	inversion_buffer_open(parameter_number("size_mib"), true);
	other_page_open();
	if (!is_mmap)
		inversion_file_open();
	inversion_start(is_mmap ? &mmap_lock : &inode_lock);
}

static void cleanup(void)
{
	if (!inversion_stop())
		return;
	inversion_file_close();
	if (state.other_page != MAP_FAILED)
		munmap(state.other_page, (size_t)state.page_bytes);
}

static const char *const locks[] = { "inode", "mmap", NULL };
static const char *const options[] = { INVERSION_OPTIONS, "CONFIG_TMPFS", NULL };

const struct workload workload = {
	.name = "inversion_rwsem",
	.purpose = "Wait of a high task for an rw_semaphore, held for writing by a low "
		   "one that spinners keep from its CPU",
	.metrics = (const struct metric[]){ INVERSION_METRICS, { .name = NULL } },
	.parameters = (const struct parameter[]){
		{ "lock", 0, 0, locks, "inode", "Whose rw_semaphore" },
		{ "size_mib", 1, 64, NULL, "1", "What one section writes, or protects" },
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
