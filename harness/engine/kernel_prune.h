/* kernel_prune.h - shared by kernel_cache.c and kernel_prune.c only. */
#ifndef KERNGATE_ENGINE_KERNEL_PRUNE_H
#define KERNGATE_ENGINE_KERNEL_PRUNE_H

#include "kernel_cache.h"

/* Waits. */
int cache_global_lock(const struct kernel_cache *cache, bool exclusive,
		      int *ret_fd, struct error *err) must_check;
char *cache_entry_lock_path(const struct kernel_cache *cache,
			    enum entry_kind kind, const char *key); /* owned */
/* Renames into the trash; *ret_trash (owned) is where it lies now, untouched
 * if there was nothing. */
int cache_throw_away(const struct kernel_cache *cache, const char *path,
		     char **ret_trash, struct error *err) must_check;
/* The build lock, without waiting: -EWOULDBLOCK. */
int cache_try_build_lock(const struct kernel_cache *cache, int *ret_fd) must_check;
/* What cannot be removed now is tried again by cache_clean. */
void cache_try_remove(const char *path);

#endif
