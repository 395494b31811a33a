/* kernel_patch_check.h - do the patches of a kernel apply? Asked before anything is
 * built, which takes minutes.
 */
#ifndef KERNGATE_ENGINE_KERNEL_PATCH_CHECK_H
#define KERNGATE_ENGINE_KERNEL_PATCH_CHECK_H

#include <stdbool.h>

#include "error.h"
#include "kernel_builder.h"

/* Applies them to a copy of the files that they name; nothing is done for a kernel that
 * the cache has. may_fetch: a source that the cache has not is fetched (minutes),
 * waiting for other builders; else it is taken to apply. scratch: a new folder, the
 * caller's to remove. -EINVAL names series, patch, file and hunk. */
int kernel_patch_check(struct kernel_cache *cache, const struct kernel_spec *spec,
		       const char *label, bool may_fetch, const char *scratch,
		       struct error *err) must_check;

#endif
