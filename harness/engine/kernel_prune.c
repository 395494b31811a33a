/* kernel_prune.c - what the cache holds, and removing the least recently used
 * of it: trees first (a build makes them anew in seconds to minutes), then
 * kernels, then sources that no tree is linked to.
 */
#include "kernel_prune.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "file_clone.h"
#include "files.h"
#include "kernel_records.h"
#include "log.h"
#include "memory.h"

static const char *const record_names[] = {
	[ENTRY_TREE] = "tree.json", [ENTRY_KERNEL] = "kernel.json",
	[ENTRY_SOURCE] = "source.json",
};
static const char *const kind_names[] = {
	[ENTRY_TREE] = "tree", [ENTRY_KERNEL] = "kernel",
	[ENTRY_SOURCE] = "source",
};

struct listed {
	struct cache_entry entry; /* owned */
	enum entry_kind kind;
	char *source_key;         /* of a tree; owned */
};

struct listing {
	struct listed *items;     /* owned */
	size_t count;
};

void cache_entries_free(struct cache_entry *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(items[i].kind);
		free(items[i].key);
		free(items[i].description);
	}
	free(items);
}

static void listing_release(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		struct cache_entry *entry = &listing->items[i].entry;

		free(entry->kind);
		free(entry->key);
		free(entry->description);
		free(listing->items[i].source_key);
	}
	free(listing->items);
}

#define cleanup_listing cleanup_with(listing_release)

/* Last use: when its lock was last taken; else when it was made. */
static uint64_t last_use_ns(const char *lock_path, const char *path)
{
	struct stat info;

	if (stat(lock_path, &info) < 0 && stat(path, &info) < 0)
		return 0;
	return timespec_ns(&info.st_mtim);
}

static bool is_in_use(const char *lock_path)
{
	int fd;

	if (!path_exists(lock_path))
		return false;
	if (lock_acquire(lock_path, true, false, &fd) < 0)
		return true;
	(void)close(fd);
	return false;
}

static void list_one(const struct kernel_cache *cache, enum entry_kind kind,
		     const char *key, struct listed *ret_listed)
{
	cleanup_free char *path = cache_entry_path(cache, kind, key);
	cleanup_free char *lock_path = cache_entry_lock_path(cache, kind, key);
	cleanup_json json_t *record = NULL;
	const char *description = "";
	uint64_t bytes = 0;

	if (record_load(path, record_names[kind], &record, NULL) == 0) {
		description = record_text(record, "description");
		bytes = record_number(record, "bytes");
	}
	/* Kernels are a few files; the size of the others was noted when they
	 * were made, unless they are damaged. */
	if (!bytes && folder_disk_bytes(path, kind != ENTRY_TREE, &bytes) < 0)
		bytes = 0;
	*ret_listed = (struct listed){
		.entry = {
			.kind = string_copy(kind_names[kind]),
			.key = string_copy(key),
			.description = string_copy(record ? description :
							    "(damaged)"),
			.bytes = bytes,
			.used_wall_ns = last_use_ns(lock_path, path),
			.in_use = is_in_use(lock_path),
		},
		.kind = kind,
		.source_key = string_copy(record_text(record, "source_key")),
	};
}

static int list_kind(const struct kernel_cache *cache, enum entry_kind kind,
		     struct listing *listing, struct error *err)
{
	cleanup_free char *folder =
		path_join(cache->path, entry_kind_folder(kind));
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = folder_list(folder, &names);

	if (code < 0)
		return error_set_errno(err, code, "%s", folder);
	for (size_t i = 0; i < names.count; i++) {
		if (names.items[i][0] == '.')
			continue;
		listing->items = memory_realloc_array(listing->items,
						      listing->count + 1,
						      sizeof(*listing->items));
		list_one(cache, kind, names.items[i],
			 &listing->items[listing->count++]);
	}
	return 0;
}

/* By kind, then the least recently used first. */
static int compare_listed(const void *left, const void *right)
{
	const struct listed *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->entry.used_wall_ns != b->entry.used_wall_ns)
		return a->entry.used_wall_ns < b->entry.used_wall_ns ? -1 : 1;
	return strcmp(a->entry.key, b->entry.key);
}

static int list_all(const struct kernel_cache *cache, struct listing *listing,
		    struct error *err)
{
	int code = 0;

	for (int kind = 0; code == 0 && kind < ENTRY_KINDS; kind++)
		code = list_kind(cache, (enum entry_kind)kind, listing, err);
	if (listing->count)
		qsort(listing->items, listing->count, sizeof(*listing->items),
		      compare_listed);
	return code;
}

int kernel_cache_list(struct kernel_cache *cache, struct cache_entry **ret_items,
		      size_t *ret_count, struct error *err)
{
	cleanup_listing struct listing listing = { .items = NULL };
	cleanup_close int global = -1;
	struct cache_entry *items;
	int code = cache_global_lock(cache, false, &global, err);

	if (code == 0)
		code = list_all(cache, &listing, err);
	if (code < 0)
		return code;
	items = memory_alloc_array(listing.count, sizeof(*items));
	for (size_t i = 0; i < listing.count; i++) {
		items[i] = listing.items[i].entry;
		listing.items[i].entry = (struct cache_entry){ .kind = NULL };
	}
	*ret_items = items;
	*ret_count = listing.count;
	return 0;
}

/* --- removing ------------------------------------------------------------------ */

struct pruning {
	const struct kernel_cache *cache;
	struct listing *listing;
	struct strvec trash;   /* to be removed when nobody has to wait */
	uint64_t total_bytes, max_bytes, freed_bytes;
};

/* A source whose files a remaining tree links to frees nothing, and leaves the
 * tree of no use. */
static bool is_needed(const struct pruning *pruning, const struct listed *source)
{
	for (size_t i = 0; i < pruning->listing->count; i++) {
		const struct listed *other = &pruning->listing->items[i];

		if (other->kind == ENTRY_TREE && other->entry.key &&
		    strcmp(other->source_key, source->entry.key) == 0)
			return true;
	}
	return false;
}

static int remove_listed(struct pruning *pruning, struct listed *listed,
			 struct error *err)
{
	const struct kernel_cache *cache = pruning->cache;
	cleanup_free char *path =
		cache_entry_path(cache, listed->kind, listed->entry.key);
	cleanup_free char *lock_path =
		cache_entry_lock_path(cache, listed->kind, listed->entry.key);
	cleanup_free char *trash = NULL;
	int code = cache_throw_away(cache, path, &trash, err);

	if (code < 0)
		return code;
	/* Nobody waits for it: takers hold the cache's lock meanwhile. */
	(void)unlink(lock_path);
	if (trash)
		strvec_push(&pruning->trash, trash);
	log_debug("kernel cache: removed %s %s", listed->entry.kind,
		  listed->entry.description);
	pruning->freed_bytes += listed->entry.bytes;
	pruning->total_bytes -= listed->entry.bytes;
	free(listed->entry.key);
	listed->entry.key = NULL;
	return 0;
}

static int prune_locked(struct pruning *pruning, struct error *err)
{
	struct listing *listing = pruning->listing;
	int code = list_all(pruning->cache, listing, err);

	for (size_t i = 0; i < listing->count; i++)
		pruning->total_bytes += listing->items[i].entry.bytes;
	for (size_t i = 0; code == 0 && i < listing->count; i++) {
		struct listed *listed = &listing->items[i];

		if (pruning->total_bytes <= pruning->max_bytes)
			break;
		if (listed->entry.in_use ||
		    (listed->kind == ENTRY_SOURCE && is_needed(pruning, listed)))
			continue;
		code = remove_listed(pruning, listed, err);
	}
	return code;
}

/* What builds that were cut off or failed left behind, unless one is going on. */
static int remove_remains(struct kernel_cache *cache, bool with_logs,
			  struct error *err)
{
	cleanup_free char *logs = path_join(cache->path, "logs");
	cleanup_close int lock = -1;
	int code = cache_try_build_lock(cache, &lock);

	if (code == -EWOULDBLOCK)
		return 0;
	if (code < 0)
		return error_set_errno(err, code, "%s", cache->path);
	code = cache_clean(cache, err);
	if (code < 0 || !with_logs)
		return code;
	cache_try_remove(logs);
	code = folder_make(logs);
	return code < 0 ? error_set_errno(err, code, "%s", logs) : 0;
}

int kernel_cache_prune(struct kernel_cache *cache, uint64_t max_bytes,
		       uint64_t *ret_freed_bytes, struct error *err)
{
	cleanup_listing struct listing listing = { .items = NULL };
	struct pruning pruning = {
		.cache = cache, .listing = &listing, .max_bytes = max_bytes,
	};
	int fd, code = cache_global_lock(cache, true, &fd, err);

	if (code < 0)
		return code;
	code = prune_locked(&pruning, err);
	(void)close(fd);
	for (size_t i = 0; i < pruning.trash.count; i++)
		cache_try_remove(pruning.trash.items[i]);
	strvec_release(&pruning.trash);
	if (code == 0)
		code = remove_remains(cache, max_bytes == 0, err);
	if (code == 0)
		*ret_freed_bytes = pruning.freed_bytes;
	return code;
}

int cache_make_room(struct kernel_cache *cache, struct error *err)
{
	uint64_t freed_bytes = 0;
	int code = kernel_cache_prune(cache, cache->max_bytes, &freed_bytes, err);

	if (code == 0 && freed_bytes)
		log_info("kernel cache: freed %llu MiB to stay below %llu MiB",
			 (unsigned long long)(freed_bytes >> 20),
			 (unsigned long long)(cache->max_bytes >> 20));
	return code;
}
