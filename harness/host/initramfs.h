/* initramfs.h - writes uncompressed newc cpio archives (libarchive). Archives
 * are reproducible: fixed times and owners, inodes in order, names sorted as added. Several
 * archives concatenated are one initramfs to the kernel.
 */
#ifndef KERNGATE_HOST_INITRAMFS_H
#define KERNGATE_HOST_INITRAMFS_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

struct initramfs;

int initramfs_create(const char *path, struct initramfs **ret_archive,
		     struct error *err) must_check;
/* name without leading slash; parent folders are added as needed. */
int initramfs_add_folder(struct initramfs *archive, const char *name,
			 mode_t mode, struct error *err) must_check;
int initramfs_add_data(struct initramfs *archive, const char *name, mode_t mode,
		       const void *data, size_t length, struct error *err) must_check;
int initramfs_add_file(struct initramfs *archive, const char *name, mode_t mode,
		       const char *from_path, struct error *err) must_check;
int initramfs_add_link(struct initramfs *archive, const char *name,
		       const char *target, struct error *err) must_check;
int initramfs_add_device(struct initramfs *archive, const char *name,
			 mode_t mode, dev_t device, struct error *err) must_check;
/* A program of the host and all shared libraries it needs (read from its ELF
 * headers and the loader's answer), under the same paths; nothing twice. */
int initramfs_add_program(struct initramfs *archive, const char *host_path,
			  struct error *err) must_check;
/* Finishes and fsyncs. The archive object is freed in any case. */
int initramfs_close(struct initramfs *archive, struct error *err) must_check;
void initramfs_discard(struct initramfs *archive); /* removes the file; NULL allowed */

#endif
