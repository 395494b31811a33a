/* kernel_patches.h - applies quilt-style series to a pristine tree without
 * touching it: patched files appear in a scratch folder.
 */
#ifndef KERNGATE_ENGINE_KERNEL_PATCHES_H
#define KERNGATE_ENGINE_KERNEL_PATCHES_H

#include "error.h"
#include "hash.h"
#include "strbuf.h"

struct kernel_patch {
	char *series;   /* name of its folder; owned */
	char *name;     /* "0001-topic.patch"; owned */
	char *path;     /* absolute; owned */
	char *text;     /* NUL-terminated; owned */
	size_t length;
	char sha256[SHA256_HEX_SIZE];
};

struct kernel_patches {
	struct kernel_patch *items; /* in the order of application; owned */
	size_t count;
};

void kernel_patches_release(struct kernel_patches *patches);
/* Reads the series of all folders, in order; of "FOLDER@N" the first N patches.
 * -ENOENT names the series and the patch that is missing, -ERANGE one that has
 * fewer. */
int kernel_patches_load(const struct strvec *series_folders,
			struct kernel_patches *ret_patches,
			struct error *err) must_check;

struct patched_file {
	char *path;                   /* in the tree; owned */
	char *content;                /* file with its new content; NULL: gone; owned */
	char digest[SHA256_HEX_SIZE]; /* of content and kind; "" if gone */
};

struct patched_files {
	struct patched_file *items;   /* sorted by path; owned */
	size_t count;
};

void patched_files_release(struct patched_files *files);
/* Result: exactly the files that differ from pristine's. scratch is a new
 * folder that the result's contents lie in. -EINVAL names series, patch, file
 * and hunk. */
int kernel_patches_apply(const struct kernel_patches *patches,
			 const char *pristine, const char *scratch,
			 struct patched_files *ret_files,
			 struct error *err) must_check;


#endif
