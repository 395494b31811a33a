/* inversion_file.c - see inversion_file.h. */
#include "inversion_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workload.h"

#define TMPFS "/dev/shm"

struct inversion_file inversion_file = { .fd = -1 };

void inversion_buffer_open(int64_t size_mib, bool has_small_pages)
{
	size_t size_bytes = (size_t)size_mib << 20;
	char *buffer = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS |
				    (has_small_pages ? 0 : MAP_POPULATE), -1, 0);

	if (buffer == MAP_FAILED)
		workload_broken("mmap of %zu bytes: %s", size_bytes, strerror(errno));
	inversion_file.size_bytes = size_bytes;
	inversion_file.buffer = buffer;
	/* EINVAL: a kernel that has no huge ones. */
	if (has_small_pages && madvise(buffer, size_bytes, MADV_NOHUGEPAGE) < 0 &&
	    errno != EINVAL)
		workload_broken("madvise: %s", strerror(errno));
	memset(buffer, 1, size_bytes);
}

void inversion_file_open(void)
{
	size_t size_bytes = inversion_file.size_bytes;

	inversion_file.fd = open(TMPFS, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (inversion_file.fd < 0)
		workload_broken("a file in " TMPFS ": %s", strerror(errno));
	if (pwrite(inversion_file.fd, inversion_file.buffer, size_bytes, 0) !=
	    (ssize_t)size_bytes)
		workload_broken("filling a file of %zu bytes: %s", size_bytes,
				strerror(errno));
}

void inversion_file_close(void)
{
	if (inversion_file.buffer)
		munmap(inversion_file.buffer, inversion_file.size_bytes);
	if (inversion_file.fd >= 0)
		close(inversion_file.fd);
	inversion_file.buffer = NULL;
	inversion_file.fd = -1;
}

void inversion_file_rewind(bool is_alone)
{
	(void)is_alone;
	if (lseek(inversion_file.fd, 0, SEEK_SET) < 0)
		workload_broken("lseek: %s", strerror(errno));
}

void inversion_file_read(void)
{
	size_t size_bytes = inversion_file.size_bytes;
	ssize_t n = read(inversion_file.fd, inversion_file.buffer, size_bytes);

	if (n != (ssize_t)size_bytes)
		workload_failed("read of %zu bytes: %zd, %s", size_bytes, n,
				n < 0 ? strerror(errno) : "no error");
}

void inversion_file_ask(void)
{
	if (lseek(inversion_file.fd, 0, SEEK_CUR) < 0)
		workload_failed("lseek: %s", strerror(errno));
}
