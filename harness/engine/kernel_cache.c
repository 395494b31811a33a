/* kernel_cache.c - the cache folder: where it is, its locks, how entries come
 * and go. What to remove when is in kernel_prune.c.
 */
#include "kernel_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "files.h"
#include "kernel_prune.h"
#include "log.h"
#include "memory.h"
#include "process.h"

#define DEFAULT_MAX_BYTES (UINT64_C(20) << 30)
#define LOCK_POLL_NS (200 * NS_PER_MS)

const char *entry_kind_folder(enum entry_kind kind)
{
	static const char *const folders[] = {
		[ENTRY_TREE] = "trees", [ENTRY_KERNEL] = "kernels",
		[ENTRY_SOURCE] = "sources",
	};

	return folders[kind];
}

static int default_path(char **ret_path, struct error *err)
{
	const char *place = getenv("XDG_CACHE_HOME");
	const struct passwd *user;

	if (place && *place == '/') {
		*ret_path = path_join(place, "kerngate");
		return 0;
	}
	place = getenv("HOME");
	if (!place || *place != '/') {
		user = getpwuid(getuid());
		place = user ? user->pw_dir : NULL;
	}
	if (!place || *place != '/')
		return error_set(err, -ENOENT, "no home folder to keep the "
				 "cache in; say where with --cache");
	*ret_path = string_format("%s/.cache/kerngate", place);
	return 0;
}

static int make_folders(const struct kernel_cache *cache, struct error *err)
{
	static const char *const names[] = {
		"sources", "trees", "kernels", "locks", "logs", "trash",
	};

	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		cleanup_free char *path = path_join(cache->path, names[i]);
		int code = folder_make(path);

		if (code < 0)
			return error_set_errno(err, code, "kernel cache: %s", path);
	}
	return 0;
}

int kernel_cache_open(const char *path, uint64_t max_bytes,
		      struct kernel_cache **ret_cache, struct error *err)
{
	struct kernel_cache *cache;
	char *place = NULL;
	int code = 0;

	if (path)
		place = path_absolute(path);
	else
		code = default_path(&place, err);
	if (code < 0)
		return code;
	cache = memory_alloc(sizeof(*cache));
	cache->path = place;
	cache->max_bytes = max_bytes ? max_bytes : DEFAULT_MAX_BYTES;
	code = make_folders(cache, err);
	if (code < 0) {
		kernel_cache_close(cache);
		return code;
	}
	*ret_cache = cache;
	return 0;
}

void kernel_cache_close(struct kernel_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->held_names.count; i++)
		(void)close(cache->held_fds[i]);
	free(cache->held_fds);
	strvec_release(&cache->held_names);
	free(cache->path);
	free(cache);
}

const char *kernel_cache_path(const struct kernel_cache *cache)
{
	return cache->path;
}

char *cache_entry_path(const struct kernel_cache *cache, enum entry_kind kind,
		       const char *key)
{
	return string_format("%s/%s/%s", cache->path, entry_kind_folder(kind),
			     key);
}

int cache_global_lock(const struct kernel_cache *cache, bool exclusive,
		      int *ret_fd, struct error *err)
{
	cleanup_free char *path = path_join(cache->path, "lock");
	int code = lock_acquire(path, exclusive, true, ret_fd);

	return code < 0 ? error_set_errno(err, code, "%s", path) : 0;
}

char *cache_entry_lock_path(const struct kernel_cache *cache,
			    enum entry_kind kind, const char *key)
{
	return string_format("%s/locks/%s-%s", cache->path,
			     entry_kind_folder(kind), key);
}

static void hold(struct kernel_cache *cache, const char *name, int fd)
{
	size_t count = cache->held_names.count;

	/* Touching may fail (another user's file); the age is then older. */
	(void)futimens(fd, NULL);
	if (strvec_contains(&cache->held_names, name)) {
		(void)close(fd);
		return;
	}
	strvec_push(&cache->held_names, name);
	cache->held_fds = memory_realloc_array(cache->held_fds, count + 1,
					       sizeof(*cache->held_fds));
	cache->held_fds[count] = fd;
}

int cache_entry_hold(struct kernel_cache *cache, enum entry_kind kind,
		     const char *key, struct error *err)
{
	cleanup_free char *path = cache_entry_path(cache, kind, key);
	cleanup_free char *lock_path = cache_entry_lock_path(cache, kind, key);
	cleanup_close int global = -1;
	int code, fd;

	code = cache_global_lock(cache, false, &global, err);
	if (code < 0)
		return code;
	if (!path_is_folder(path))
		return -ENOENT;
	code = lock_acquire(lock_path, false, true, &fd);
	if (code < 0)
		return error_set_errno(err, code, "%s", lock_path);
	hold(cache, lock_path, fd);
	return 0;
}

/* --- building ----------------------------------------------------------------- */

static int wait_for_builder(const char *path, const char *phase, int *ret_fd,
			    struct error *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_POLL_NS };
	bool is_told = false;
	int code;

	while ((code = lock_acquire(path, true, false, ret_fd)) ==
	       -EWOULDBLOCK) {
		if (!is_told)
			log_info("%s: waiting for another process that builds "
				 "in this cache", phase);
		is_told = true;
		progress_update(phase, "waiting", 0, 0, UINT64_MAX,
				"for another builder");
		if (process_is_cancelled())
			return error_set(err, -ECANCELED, "interrupted while "
					 "waiting for another builder");
		if (process_deadline_passed())
			return error_set(err, -ETIME, "its time is up, and "
					 "another process is building");
		(void)nanosleep(&pause, NULL);
	}
	return code < 0 ? error_set_errno(err, code, "%s", path) : 0;
}

int cache_try_build_lock(const struct kernel_cache *cache, int *ret_fd)
{
	cleanup_free char *path = path_join(cache->path, "build.lock");

	return lock_acquire(path, true, false, ret_fd);
}

int cache_build_lock(struct kernel_cache *cache, const char *phase,
		     int *ret_fd, struct error *err)
{
	cleanup_free char *path = path_join(cache->path, "build.lock");
	int fd, code = wait_for_builder(path, phase, &fd, err);

	if (code < 0)
		return code;
	/* Inherited by make and its compilers: if we are killed, nobody starts
	 * in the same place before the last of them is done. */
	if (fcntl(fd, F_SETFD, 0) < 0) {
		code = error_set_errno(err, -errno, "%s", path);
		(void)close(fd);
		return code;
	}
	*ret_fd = fd;
	return 0;
}

void cache_try_remove(const char *path)
{
	int code = folder_remove(path);

	if (code < 0)
		log_debug("kernel cache: removing %s: %s", path, strerror(-code));
}

int cache_throw_away(const struct kernel_cache *cache, const char *path,
		     char **ret_trash, struct error *err)
{
	static unsigned int counter;
	cleanup_free char *trash = string_format("%s/trash/%d-%u", cache->path,
						 (int)getpid(), counter++);

	/* Left by a process of the same number. */
	cache_try_remove(trash);
	if (rename(path, trash) < 0) {
		if (errno == ENOENT)
			return 0;
		return error_set_errno(err, -errno, "removing %s", path);
	}
	*ret_trash = take_pointer(trash);
	return 0;
}

int cache_discard(const struct kernel_cache *cache, const char *path,
		  struct error *err)
{
	cleanup_free char *trash = NULL;
	int code = cache_throw_away(cache, path, &trash, err);

	if (code == 0 && trash)
		cache_try_remove(trash);
	return code;
}

static int sync_cache(const struct kernel_cache *cache, struct error *err)
{
	cleanup_close int fd = open(cache->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd) < 0)
		return error_set_errno(err, -errno, "%s", cache->path);
	return 0;
}

int cache_install(struct kernel_cache *cache, const char *from,
		  enum entry_kind kind, const char *key, struct error *err)
{
	cleanup_free char *path = cache_entry_path(cache, kind, key);
	int code = sync_cache(cache, err);

	if (code == 0)
		code = cache_discard(cache, path, err);
	if (code < 0)
		return code;
	if (rename(from, path) < 0)
		return error_set_errno(err, -errno, "renaming %s to %s", from,
				       path);
	return sync_cache(cache, err);
}

static void remove_all(const struct kernel_cache *cache, const char *folder,
		       bool only_hidden)
{
	cleanup_free char *path = path_join(cache->path, folder);
	cleanup_strvec struct strvec names = STRVEC_INIT;

	if (folder_list(path, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *entry = path_join(path, names.items[i]);

		if (!only_hidden || names.items[i][0] == '.')
			cache_try_remove(entry);
	}
}

int cache_clean(struct kernel_cache *cache, struct error *err)
{
	static const char *const slots[] = { "build", "fetch" };

	for (size_t i = 0; i < ARRAY_COUNT(slots); i++) {
		cleanup_free char *slot = path_join(cache->path, slots[i]);
		int code;

		if (!path_exists(slot))
			continue;
		log_info("kernel cache: removing what a process that was cut "
			 "off left in %s", slot);
		code = cache_discard(cache, slot, err);
		if (code < 0)
			return code;
	}
	for (int kind = 0; kind < ENTRY_KINDS; kind++)
		remove_all(cache, entry_kind_folder((enum entry_kind)kind), true);
	remove_all(cache, "trash", false);
	return 0;
}
