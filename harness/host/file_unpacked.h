/* file_unpacked.h - reads a file that may be compressed (gzip, xz, zstd, bzip2 ...;
 * told by its first bytes), as archives of mail are served.
 */
#ifndef KERNGATE_HOST_FILE_UNPACKED_H
#define KERNGATE_HOST_FILE_UNPACKED_H

#include "error.h"

/* *ret_data is NUL-terminated (the NUL not counted), owned. -EFBIG beyond max_bytes,
 * unpacked; -EBADMSG if it is damaged; others of opening it. */
int file_read_unpacked(const char *path, size_t max_bytes, char **ret_data,
		       size_t *ret_length, struct error *err) must_check;

#endif
