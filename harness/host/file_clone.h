/* file_clone.h - copies of single files as new inodes: by reference where the
 * filesystem can (FICLONE), else inside the kernel (copy_file_range). Never a
 * hard link, never through a symbolic link.
 */
#ifndef KERNGATE_HOST_FILE_CLONE_H
#define KERNGATE_HOST_FILE_CLONE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "cleanup.h"

/* Copies a regular file or a symbolic link with its mode; to must not exist,
 * its folder must. mtime NULL: the original's. 0 or a negative errno
 * (-EINVAL: neither file nor link). */
int file_clone(const char *from, const char *to,
	       const struct timespec *mtime) must_check;

/* Same type, executable bit and content (or link target)? *ret_same is false
 * where one of the two is missing. */
int file_same(const char *a, const char *b, bool *ret_same) must_check;

static inline uint64_t timespec_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * UINT64_C(1000000000) +
	       (uint64_t)time->tv_nsec;
}

static inline struct timespec timespec_from_ns(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / UINT64_C(1000000000)),
		.tv_nsec = (long)(ns % UINT64_C(1000000000)),
	};
}

#endif
