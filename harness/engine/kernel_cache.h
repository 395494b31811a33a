/* kernel_cache.h - the cache folder behind kernel_builder.h: entries, locks,
 * size. For the builder only; other floors use kernel_builder.h.
 *
 * Locks, all flock(2), taken in this order:
 *     build.lock       exclusive while something is fetched or built
 *     locks/KIND-KEY   shared while an entry is in use
 *     lock             shared to look an entry up and take its lock; exclusive
 *                      to remove entries; never held for long
 * An entry appears by rename(2) and disappears into trash/ by rename(2): what
 * has an entry's name is whole.
 */
#ifndef KERNGATE_ENGINE_KERNEL_CACHE_H
#define KERNGATE_ENGINE_KERNEL_CACHE_H

#include "kernel_builder.h"
#include "strbuf.h"

struct kernel_cache {
	char *path;          /* absolute; owned */
	uint64_t max_bytes;
	struct strvec held_names;
	int *held_fds;       /* one a name: entries in use until close; owned */
};

enum entry_kind { ENTRY_TREE, ENTRY_KERNEL, ENTRY_SOURCE, ENTRY_KINDS };

/* "trees", ...; the folder. */
const char *entry_kind_folder(enum entry_kind kind);
/* path/FOLDER/KEY; owned. */
char *cache_entry_path(const struct kernel_cache *cache, enum entry_kind kind,
		       const char *key);

/* Finds an entry and marks it in use until kernel_cache_close (and as used
 * now). -ENOENT, with no message, if there is none. */
int cache_entry_hold(struct kernel_cache *cache, enum entry_kind kind,
		     const char *key, struct error *err) must_check;

/* Waits for other builders, saying so. -ECANCELED after process_cancel_all.
 * The lock outlives this process as long as programs that it started (and
 * that were left behind by its sudden death) are still writing. */
int cache_build_lock(struct kernel_cache *cache, const char *phase,
		     int *ret_fd, struct error *err) must_check;

/* Moves a file or folder of the cache out of the way and removes it. Only with
 * the build lock. 0 if there was nothing. */
int cache_discard(const struct kernel_cache *cache, const char *path,
		  struct error *err) must_check;
/* Makes folder from (below the cache, complete) the entry kind/key, replacing
 * an older one, durably. Only with the build lock. */
int cache_install(struct kernel_cache *cache, const char *from,
		  enum entry_kind kind, const char *key,
		  struct error *err) must_check;

/* Removes what is left over from builds that were cut off. Only with the build
 * lock. */
int cache_clean(struct kernel_cache *cache, struct error *err) must_check;
/* Prunes to max_bytes, sparing what is in use. */
int cache_make_room(struct kernel_cache *cache, struct error *err) must_check;

#endif
