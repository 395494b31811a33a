/* kernel_sources.c - see kernel_sources.h. How each kind is fetched is in
 * host/kernel_source*.c.
 */
#include "kernel_sources.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "file_clone.h"
#include "files.h"
#include "log.h"
#include "memory.h"
#include "process.h"

struct search {
	struct kernel_cache *cache;
	const struct kernel_base *base;
	const char *phase;
	char (*keys)[SHA256_HEX_SIZE];  /* one a source */
	bool *has_failed;               /* one a source */
	struct source_info *ret_source;
	struct strbuf failures;         /* "\n  debian ...: why" */
	int last_code;                  /* of the last failure */
};

static void note_failure(struct search *search, const struct source_spec *spec,
			 const struct error *cause)
{
	cleanup_free char *name = kernel_source_describe(spec);

	log_warning("%s: source %s: %s", search->phase, name, cause->message);
	strbuf_addf(&search->failures, "\n  %s: %s", name, cause->message);
	search->last_code = cause->code;
}

static bool version_fits(const char *found, const char *wanted)
{
	size_t length = strlen(wanted);

	return strncmp(found, wanted, length) == 0 &&
	       (found[length] == '\0' || found[length] == '.' ||
		found[length] == '-');
}

/* -ENOENT if the cache has not got it. */
static int find_cached(struct kernel_cache *cache,
		       const struct kernel_base *base, const char *key,
		       struct source_info *ret_source, struct error *err)
{
	cleanup_free char *folder = cache_entry_path(cache, ENTRY_SOURCE, key);
	struct source_info source = { .tree = NULL };
	struct error cause = ERROR_INIT;
	int code = cache_entry_hold(cache, ENTRY_SOURCE, key, err);

	if (code < 0)
		return code;
	if (source_info_load(folder, key, &source, &cause) < 0) {
		log_warning("kernel cache: %s; fetching it again", cause.message);
		code = cache_discard(cache, folder, err);
		return code < 0 ? code : -ENOENT;
	}
	if (!version_fits(source.record.version, base->version)) {
		code = error_set(err, -EINVAL,
				 "its Makefile says version %s; expected %s",
				 source.record.version, base->version);
		source_info_release(&source);
		return code;
	}
	*ret_source = source;
	return 0;
}

/* --- fetching ---------------------------------------------------------------------- */

/* How good an earlier source is as a start for this one; 0: not at all. Of a
 * commit git finds out what is the same: any will do, the same repository's best. */
static int previous_rank(const struct source_spec *spec, const struct source_record *earlier)
{
	if (spec->kind == SOURCE_DIR)
		return earlier->kind == SOURCE_DIR && !strcmp(earlier->location, spec->path);
	if (spec->kind != SOURCE_GIT)
		return 0;
	return earlier->kind == SOURCE_GIT && !strcmp(earlier->location, spec->url) ? 2 : 1;
}

/* An earlier source that this one may share files with; owned; NULL if none. */
static char *find_previous(const struct kernel_cache *cache,
			   const struct source_spec *spec)
{
	cleanup_free char *folder =
		path_join(cache->path, entry_kind_folder(ENTRY_SOURCE));
	cleanup_strvec struct strvec keys = STRVEC_INIT;
	char *previous = NULL;
	int best = 0;

	if (folder_list(folder, &keys) < 0)
		return NULL;
	for (size_t i = 0; i < keys.count; i++) {
		cleanup_free char *entry = path_join(folder, keys.items[i]);
		cleanup_with(source_info_release) struct source_info source = {
			.tree = NULL,
		};
		int rank;

		if (source_info_load(entry, keys.items[i], &source, NULL) < 0)
			continue;
		rank = previous_rank(spec, &source.record);
		if (!rank || rank < best)
			continue;
		best = rank;
		free(previous);
		previous = take_pointer(source.tree);
	}
	return previous;
}

/* Size and newest file of a tree; what it shares with an earlier one is counted
 * there. */
static void survey(const char *folder, struct source_info *source)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	struct stat info;

	if (folder_list(folder, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *path = path_join(folder, names.items[i]);

		if (lstat(path, &info) < 0)
			continue;
		if (S_ISDIR(info.st_mode) || info.st_nlink == 1)
			source->bytes += (uint64_t)info.st_blocks * 512;
		if (S_ISDIR(info.st_mode))
			survey(path, source);
		else if (timespec_ns(&info.st_mtim) > source->newest_ns)
			source->newest_ns = timespec_ns(&info.st_mtim);
	}
}

/* Keeps tree/ and drops what fetching left beside it. */
static int keep_tree_only(const char *slot, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int code = folder_list(slot, &names);

	for (size_t i = 0; code == 0 && i < names.count; i++) {
		cleanup_free char *path = path_join(slot, names.items[i]);

		if (strcmp(names.items[i], "tree") != 0)
			code = folder_remove(path);
	}
	return code < 0 ? error_set_errno(err, code, "%s", slot) : 0;
}

static int store_fetched(struct kernel_cache *cache,
			 const struct source_spec *spec, const char *slot,
			 struct source_info *source, struct error *err)
{
	cleanup_free char *name = kernel_source_describe(spec);
	cleanup_free char *description =
		string_format("%s, %s", name, source->record.version);
	int code = keep_tree_only(slot, err);

	if (code < 0)
		return code;
	source->instance = string_format("%" PRIu64 "-%d", clock_wall_ns(),
					 (int)getpid());
	survey(source->tree, source);
	code = source_info_save(slot, description, source, err);
	if (code == 0)
		code = cache_install(cache, slot, ENTRY_SOURCE, source->key, err);
	if (code < 0)
		return code;
	log_info("source: %s (%s%s%s)", description, source->record.identity,
		 *source->record.detail ? ", " : "", source->record.detail);
	return 0;
}

static int fetch(struct kernel_cache *cache, const struct kernel_base *base,
		 const struct source_spec *spec, const char *key,
		 const char *phase, const char *slot, struct error *err)
{
	cleanup_free char *previous = find_previous(cache, spec);
	cleanup_with(source_info_release) struct source_info source = {
		.tree = path_join(slot, "tree"),
	};
	int code = folder_make(slot);

	if (code < 0)
		return error_set_errno(err, code, "%s", slot);
	snprintf(source.key, sizeof(source.key), "%s", key);
	code = kernel_source_fetch(spec, base->version, phase, slot, previous,
				   &source.record, err);
	if (code < 0)
		return code;
	return store_fetched(cache, spec, slot, &source, err);
}

static int fetch_and_find(struct kernel_cache *cache,
			  const struct kernel_base *base,
			  const struct source_spec *spec, const char *key,
			  const char *phase, struct source_info *ret_source,
			  struct error *err)
{
	cleanup_free char *slot = path_join(cache->path, "fetch");
	struct error cause = ERROR_INIT;
	int code = fetch(cache, base, spec, key, phase, slot, &cause);

	if (code < 0) {
		/* Whatever else goes wrong, the first reason is the one. */
		if (cache_discard(cache, slot, NULL) < 0)
			log_debug("kernel cache: %s stays", slot);
		return error_set(err, code, "%s", cause.message);
	}
	code = find_cached(cache, base, key, ret_source, err);
	if (code == -ENOENT)
		code = error_set(err, -EIO, "vanished from the cache at once");
	return code;
}

/* No other source would help. */
static bool is_final(int code)
{
	return code == -ECANCELED || code == -ETIME || code == -ENOSPC ||
	       code == -EDQUOT;
}

/* Asks the cache (or fetches) one listed source. -ENOENT without a message: not
 * in the cache. A source that failed once is not asked again. */
static int try_source(struct search *search, size_t index, bool may_fetch,
		      struct error *err)
{
	const struct source_spec *spec = &search->base->sources[index];
	char *key = search->keys[index];
	int code;

	if (search->has_failed[index])
		return -ENOENT;
	if (may_fetch)
		return fetch_and_find(search->cache, search->base, spec, key,
				      search->phase, search->ret_source, err);
	code = kernel_source_key(spec, key, err);
	if (code == 0)
		code = find_cached(search->cache, search->base, key,
				   search->ret_source, err);
	return code;
}

static int search_pass(struct search *search, bool may_fetch, struct error *err)
{
	for (size_t i = 0; i < search->base->sources_count; i++) {
		struct error cause = ERROR_INIT;
		int code = try_source(search, i, may_fetch, &cause);

		if (code == 0)
			return 0;
		if (is_final(code))
			return error_set(err, code, "%s", cause.message);
		if (!cause.code)
			continue;
		search->has_failed[i] = true;
		note_failure(search, &search->base->sources[i], &cause);
	}
	return -ENOENT;
}

int kernel_source_get(struct kernel_cache *cache, const struct kernel_base *base,
		      const char *phase, struct source_info *ret_source,
		      struct error *err)
{
	size_t count = base->sources_count;
	cleanup_free char (*keys)[SHA256_HEX_SIZE] =
		memory_alloc_array(count, sizeof(*keys));
	cleanup_free bool *has_failed =
		memory_alloc_array(count, sizeof(*has_failed));
	struct search search = {
		.cache = cache, .base = base, .phase = phase, .keys = keys,
		.has_failed = has_failed, .ret_source = ret_source,
		.failures = STRBUF_INIT, .last_code = -ENOENT,
	};
	int code = search_pass(&search, false, err);

	if (code == -ENOENT)
		code = search_pass(&search, true, err);
	if (code == -ENOENT)
		code = error_set(err, search.last_code,
				 "no source of %s could be had:%s", base->name,
				 search.failures.data);
	strbuf_release(&search.failures);
	return code;
}
