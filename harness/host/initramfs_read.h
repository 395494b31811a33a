/* initramfs_read.h - what is in an archive that initramfs.h wrote (one archive,
 * not several joined).
 */
#ifndef KERNGATE_HOST_INITRAMFS_READ_H
#define KERNGATE_HOST_INITRAMFS_READ_H

#include <stddef.h>

#include "error.h"

/* Files beyond it are passed over. */
#define INITRAMFS_READ_MAX ((size_t)64 << 20)

/* Calls on_file with each regular file, in the archive's order; what it returns,
 * if not 0, ends the reading and is passed on. Data: borrowed for the call.
 * -ENOENT: no such archive; -EBADMSG: a damaged one. */
int initramfs_read(const char *path,
		   int (*on_file)(void *context, const char *name, const void *data,
				  size_t length, struct error *err),
		   void *context, struct error *err) must_check;

#endif
