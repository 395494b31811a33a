/* files.h - paths, whole files and folders. Floor 0: results are 0 or a
 * negative errno, without a struct error; the caller knows what it was doing.
 */
#ifndef KERNGATE_BASE_FILES_H
#define KERNGATE_BASE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"
#include "strbuf.h"

/* "a" + "b" = "a/b"; an absolute b wins. Owned by the caller. */
char *path_join(const char *folder, const char *name);
/* Absolute form against the working directory, without resolving links and
 * whether or not it exists. Owned by the caller. */
char *path_absolute(const char *path);
const char *path_base_name(const char *path); /* borrowed from path */
char *path_folder(const char *path);          /* "." if none; owned */

bool path_exists(const char *path);
bool path_is_folder(const char *path);

/* Reads a whole file of at most max_bytes (-EFBIG beyond). *ret_data is
 * NUL-terminated (the NUL not counted), owned. ret_length may be NULL. Files
 * in /proc and /sys (size 0) work. */
int file_read(const char *path, size_t max_bytes, char **ret_data,
	      size_t *ret_length) must_check;
/* First line of a file without its newline; for /proc and /sys. Owned. */
int file_read_line(const char *path, char **ret_line) must_check;
/* Writes to a temporary file beside path, fsyncs, renames over path. */
int file_write_atomic(const char *path, const void *data, size_t length,
		      mode_t mode) must_check;
int file_copy(const char *from, const char *to, mode_t mode) must_check;
/* Goes on after a signal and a short write; for blocking descriptors. */
int fd_write_all(int fd, const void *data, size_t length) must_check;
/* Makes link point to target, replacing an old link atomically. */
int symlink_replace(const char *target, const char *link) must_check;

int folder_make(const char *path) must_check;   /* mkdir -p, 0777 & ~umask */
/* rm -rf without following links; 0 if there was nothing. */
int folder_remove(const char *path) must_check;
/* Copies the files and folders in `from` into `to`, which is made, as ordinary files;
 * what a link points to is copied. -ELOOP deeper than 8 folders. */
int folder_copy(const char *from, const char *to) must_check;
/* Bytes that the tree occupies on disk (blocks; a hard-linked file counts
 * once, and files whose link count is over 1 only if count_shared). */
int folder_disk_bytes(const char *path, bool count_shared,
		      uint64_t *ret_bytes) must_check;
/* Sorted names in a folder, without "." and "..". */
int folder_list(const char *path, struct strvec *ret_names) must_check;
/* Bytes free to this user on the filesystem of path or its nearest existing
 * parent. */
int disk_free_bytes(const char *path, uint64_t *ret_bytes) must_check;

/* Advisory lock (flock) on path, created if missing. exclusive or shared; with
 * wait = false a held lock gives -EWOULDBLOCK. Closing the fd unlocks; the fd
 * is close-on-exec. */
int lock_acquire(const char *path, bool exclusive, bool wait,
		 int *ret_fd) must_check;

#endif
