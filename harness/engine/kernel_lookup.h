/* kernel_lookup.h - kernels that the cache has, by key; for the builder. */
#ifndef KERNGATE_ENGINE_KERNEL_LOOKUP_H
#define KERNGATE_ENGINE_KERNEL_LOOKUP_H

#include "kernel_cache.h"

/* Whether a kernel of this .config can be moved by its loader (KASLR). */
bool kernel_config_moves(const char *config_text);

/* Verifies the kernel (its image's checksum too) and marks it in use. -ENOENT,
 * with the reason in err, if there is none or it is damaged. */
int kernel_lookup(struct kernel_cache *cache, const char *key,
		  struct built_kernel *ret_kernel, struct error *err) must_check;

#endif
