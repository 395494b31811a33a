/* unpack.h - unpacks an archive (tar in any usual compression; also one
 * inside another, as in a Debian package) into a folder. Not for writing: see
 * initramfs.h.
 */
#ifndef KERNGATE_HOST_UNPACK_H
#define KERNGATE_HOST_UNPACK_H

#include <stdint.h>

#include "error.h"

struct unpack_request {
	const char *path;
	/* Shell patterns of the members to open on the way in, outermost first,
	 * NULL-terminated: { "data.tar*", "*.tar.xz", NULL }. NULL: path itself
	 * is unpacked. */
	const char *const *inside;
	const char *folder;   /* made if missing */
	/* Called now and then; total_bytes is the size of path. May be NULL. */
	void (*on_progress)(void *context, uint64_t done_bytes,
			    uint64_t total_bytes);
	void *context;
};

/* Modes and times are kept (a time in the future becomes now), owners are not.
 * -EINVAL for a member that is absolute, has ".." in its name, goes through a
 * symbolic link or is a device; -ENOENT if a member of `inside` is missing;
 * -EBADMSG for a damaged archive; -ENOSPC; -ECANCELED after
 * process_cancel_all. What was unpacked before a failure stays. */
int unpack_archive(const struct unpack_request *request,
		   struct error *err) must_check;

#endif
