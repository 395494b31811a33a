/* kernel_builder.c - kernel specs > built kernels. This file knows the order of
 * things; the parts are kernel_sources (fetching), kernel_patches, kernel_tree
 * (cloning), kernel_make (Kbuild) and kernel_cache (the folder).
 */
#include "kernel_builder.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "file_clone.h"
#include "files.h"
#include "kernel_cache.h"
#include "kernel_inputs.h"
#include "kernel_lookup.h"
#include "kernel_make.h"
#include "kernel_patches.h"
#include "kernel_records.h"
#include "kernel_sources.h"
#include "kernel_tree.h"
#include "log.h"
#include "memory.h"
#include "process.h"

/* --- building ------------------------------------------------------------------- */

struct building {
	struct kernel_cache *cache;
	const struct build_options *options;
	const struct kernel_inputs *inputs;
	struct source_info source;
	struct patched_files patched;
	struct tree_made made;
	char *phase;         /* owned */
	char *slot;          /* CACHE/build; owned */
	char *tree;          /* CACHE/build/tree; owned */
	char *log_path;      /* CACHE/logs/KEY.log; owned */
	char *description;   /* owned */
	char *config_text;   /* owned */
	uint64_t began_ns;
	double began_cpu_seconds;
	uint64_t count;      /* of objects compiled */
};

static void building_release(struct building *building)
{
	source_info_release(&building->source);
	patched_files_release(&building->patched);
	free(building->phase);
	free(building->slot);
	free(building->tree);
	free(building->log_path);
	free(building->description);
	free(building->config_text);
}

static struct tree_wish wish_of(const struct building *building)
{
	const struct kernel_inputs *inputs = building->inputs;

	return (struct tree_wish){
		.key = inputs->key,
		.source = &building->source,
		.base_name = inputs->spec->base.name,
		.description = building->description,
		.toolchain = inputs->toolchain,
		.requests = inputs->requests_text,
		.patched = &building->patched,
		.ignore_own = building->options->rebuild,
		.phase = building->phase,
	};
}

/* Objects that the last build from scratch of this base compiled; 0: none is
 * in the cache. */
static uint64_t cold_count(const struct building *building)
{
	cleanup_free char *folder =
		path_join(building->cache->path, entry_kind_folder(ENTRY_KERNEL));
	cleanup_strvec struct strvec keys = STRVEC_INIT;
	uint64_t count = 0;

	if (folder_list(folder, &keys) < 0)
		return 0;
	for (size_t i = 0; i < keys.count; i++) {
		cleanup_free char *entry = path_join(folder, keys.items[i]);
		cleanup_json json_t *record = NULL;

		if (record_load(entry, "kernel.json", &record, NULL) < 0 ||
		    *record_text(record, "cloned_from") ||
		    strcmp(record_text(record, "base"),
			   building->inputs->spec->base.name) != 0)
			continue;
		count = record_number(record, "objects_count");
	}
	return count;
}

/* For the progress line only. */
static uint64_t expected_count(const struct building *building)
{
	uint64_t count;

	if (*building->made.donor_key && !building->made.is_wide)
		return building->made.changed_count;
	count = cold_count(building);
	if (count)
		return count;
	if (building->made.donor_objects)
		return building->made.donor_objects;
	/* A small 7.3 configuration: 697 options, 1,191 objects. */
	for (const char *line = building->config_text;
	     (line = strstr(line, "=y\n")) != NULL; line++)
		count++;
	return count * 12 / 7;
}

static int prepare(struct building *building, struct error *err)
{
	cleanup_free char *scratch = path_join(building->slot, "patched");
	struct tree_wish wish;
	int code = folder_make(building->slot);

	if (code < 0)
		return error_set_errno(err, code, "%s", building->slot);
	progress_update(building->phase, "patching", 0, 0, UINT64_MAX, NULL);
	code = kernel_patches_apply(&building->inputs->patches,
				    building->source.tree, scratch,
				    &building->patched, err);
	if (code < 0)
		return code;
	wish = wish_of(building);
	return kernel_tree_make(building->cache, &wish,
				building->options->from_scratch, building->slot,
				&building->made, err);
}

static struct kernel_make make_of(const struct building *building)
{
	return (struct kernel_make){
		.tree = building->tree, .phase = building->phase,
		.log_path = building->log_path,
		.cc = building->inputs->cc,
		.jobs = building->options->jobs,
	};
}

static int configure(struct building *building, struct error *err)
{
	cleanup_free char *path = path_join(building->slot, "requests.config");
	const char *text = building->inputs->requests_text;
	const struct kernel_make make = make_of(building);
	int code = file_write_atomic(path, text, strlen(text), 0644);

	if (code < 0)
		return error_set_errno(err, code, "%s", path);
	return kernel_configure(&make, path, &building->inputs->requests,
				&building->config_text, err);
}

static int store_tree(struct building *building, enum tree_state state,
		      struct error *err)
{
	const struct tree_wish wish = wish_of(building);
	cleanup_free char *scratch = path_join(building->slot, "patched");
	cleanup_free char *fragment = path_join(building->slot, "requests.config");
	int code = folder_remove(scratch);

	if (code == 0)
		code = folder_remove(fragment);
	if (code < 0)
		return error_set_errno(err, code, "%s", building->slot);
	return kernel_tree_store(building->cache, &wish, state, building->slot,
				 err);
}

static int compile(struct building *building, struct error *err)
{
	struct kernel_make make = make_of(building);
	struct error ignored = ERROR_INIT;
	int code;

	make.expected_count = expected_count(building);
	make.with_bzimage = kernel_config_moves(building->config_text);
	code = kernel_compile(&make, &building->count, err);
	if (code == 0)
		return 0;
	/* What was compiled is good for the next attempt: on a full disk it is
	 * the space that is needed. */
	if (code != -ENOSPC &&
	    store_tree(building, code == -ECANCELED || code == -ETIME ?
		       TREE_INTERRUPTED : TREE_PARTIAL,
		       &ignored) < 0)
		log_debug("%s: the tree is not kept: %s", building->phase,
			  ignored.message);
	return code;
}

/* --- installing ------------------------------------------------------------------ */

/* Of this process and its children so far: what a build costs, whatever else
 * the machine was doing. */
static double cpu_seconds(void)
{
	static const int who[] = { RUSAGE_SELF, RUSAGE_CHILDREN };
	struct rusage usage;
	double seconds = 0;

	for (size_t i = 0; i < ARRAY_COUNT(who); i++)
		if (getrusage(who[i], &usage) == 0)
			seconds += (double)usage.ru_utime.tv_sec +
				   (double)usage.ru_stime.tv_sec +
				   (double)usage.ru_utime.tv_usec / 1e6 +
				   (double)usage.ru_stime.tv_usec / 1e6;
	return seconds;
}

/* What make calls this kernel, else the version of its source; owned. */
static char *release_of(const struct building *building)
{
	cleanup_free char *path =
		path_join(building->tree, "include/config/kernel.release");
	char *release = NULL;

	if (file_read_line(path, &release) == 0 && *release)
		return release;
	free(release);
	return string_copy(building->source.record.version);
}

static json_t *kernel_record(const struct building *building,
			     const struct built_kernel *kernel)
{
	const struct kernel_inputs *inputs = building->inputs;
	char config_sha256[SHA256_HEX_SIZE], now[CLOCK_TEXT_MAX];

	sha256_of(building->config_text, strlen(building->config_text),
		  config_sha256);
	clock_format_utc(clock_wall_ns(), now);
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:s, "
		"s:f, s:f, s:I, s:s, s:s}",
		"key", inputs->key, "description", building->description,
		"base", inputs->spec->base.name,
		"base_version", inputs->spec->base.version,
		"release", kernel->release,
		"label", building->options->label ? building->options->label : "",
		"source", source_info_json(&building->source),
		"patches", kernel_inputs_patches_json(inputs),
		"fragments", kernel_inputs_fragments_json(inputs),
		"toolchain", inputs->toolchain,
		"config_sha256", config_sha256,
		"image_sha256", kernel->image_sha256,
		"build_seconds", (double)kernel->build_ns / 1e9,
		"cpu_seconds", cpu_seconds() - building->began_cpu_seconds,
		"objects_count", (json_int_t)building->count,
		"cloned_from", building->made.donor_key,
		"built", now);
}

static int copy_into(const char *folder, const char *name, const char *from,
		     struct error *err)
{
	cleanup_free char *to = path_join(folder, name);
	int code = file_clone(from, to, NULL);

	return code < 0 ? error_set_errno(err, code, "%s", to) : 0;
}

static int add_bzimage(const struct building *building, const char *folder,
		       json_t *record, struct error *err)
{
	cleanup_free char *image = path_join(building->tree,
					     "arch/x86/boot/bzImage");
	char sha256[SHA256_HEX_SIZE];
	int code;

	if (!kernel_config_moves(building->config_text))
		return 0;
	code = sha256_of_file(image, sha256);
	if (code < 0)
		return error_set_errno(err, code, "%s", image);
	json_object_set_new(record, "bzimage_sha256", json_string(sha256));
	return copy_into(folder, "bzImage", image, err);
}

static int fill_entry(const struct building *building, const char *folder,
		      struct built_kernel *kernel, struct error *err)
{
	cleanup_free char *image = path_join(building->tree, "vmlinux");
	cleanup_free char *config = path_join(building->tree, ".config");
	cleanup_free char *symbols = path_join(building->tree, "System.map");
	cleanup_json json_t *record = NULL;
	int code;

	kernel->release = release_of(building);
	record = kernel_record(building, kernel);
	if (!record)
		return error_set(err, -EINVAL, "kernel.json: text that is not "
				 "UTF-8");
	code = add_bzimage(building, folder, record, err);
	if (code == 0)
		code = copy_into(folder, "vmlinux", image, err);
	if (code == 0)
		code = copy_into(folder, "config", config, err);
	if (code == 0 && path_exists(symbols))
		code = copy_into(folder, "System.map", symbols, err);
	if (code == 0)
		code = copy_into(folder, "build.log", building->log_path, err);
	if (code == 0)
		code = record_save(folder, "kernel.json", record, err);
	return code;
}

static int install(struct building *building, struct built_kernel *kernel,
		   struct error *err)
{
	const char *key = building->inputs->key;
	cleanup_free char *hidden = string_format(".new-%s", key);
	cleanup_free char *folder =
		cache_entry_path(building->cache, ENTRY_KERNEL, hidden);
	int code = folder_make(folder);

	if (code < 0)
		return error_set_errno(err, code, "%s", folder);
	code = fill_entry(building, folder, kernel, err);
	if (code == 0)
		code = cache_install(building->cache, folder, ENTRY_KERNEL, key,
				     err);
	if (code < 0 && cache_discard(building->cache, folder, NULL) < 0)
		log_debug("kernel cache: %s stays", folder);
	return code;
}

/* The same spec must give the same image. */
static int check_rebuilt(const struct building *building,
			 const struct built_kernel *before,
			 const struct built_kernel *kernel, struct error *err)
{
	cleanup_free char *image = path_join(building->tree, "vmlinux");
	cleanup_free char *kept = string_format("%s/logs/%s.vmlinux",
						building->cache->path,
						building->inputs->key);

	if (strcmp(before->image_sha256, kernel->image_sha256) == 0)
		return 0;
	(void)unlink(kept);
	if (file_clone(image, kept, NULL) < 0)
		log_debug("%s could not be kept", kept);
	return error_set(err, -EBADMSG,
			 "not reproducible: the image built now (%s, SHA-256 "
			 "%.16s...) differs from the one in the cache (%s, "
			 "%.16s...)", kept, kernel->image_sha256,
			 before->image_path, before->image_sha256);
}

/* A small 7.3 configuration: source 1.6 GiB, tree 0.2 GiB, twice that in the
 * cache while it is stored. */
static int check_space(const struct building *building, struct error *err)
{
	uint64_t needed_bytes = building->source.bytes / 3, free_bytes;
	const char *path = building->cache->path;
	int code = disk_free_bytes(path, &free_bytes);

	if (code < 0)
		return error_set_errno(err, code, "%s", path);
	if (free_bytes >= needed_bytes)
		return 0;
	return error_set(err, -ENOSPC,
			 "%s: %" PRIu64 " MiB free; building needs about %"
			 PRIu64 " MiB", path, free_bytes >> 20,
			 needed_bytes >> 20);
}

/* With the build lock. before: the kernel in the cache, or an empty one. */
static int build_in_slot(struct building *building,
			 const struct built_kernel *before,
			 struct built_kernel *kernel, struct error *err)
{
	cleanup_free char *image = path_join(building->tree, "vmlinux");
	struct error cause = ERROR_INIT;
	int code = check_space(building, err);

	if (code == 0)
		code = prepare(building, err);
	if (code == 0)
		code = configure(building, err);
	if (code == 0)
		code = compile(building, err);
	if (code < 0)
		return code;
	progress_update(building->phase, "installing", 0, 0, UINT64_MAX, NULL);
	code = sha256_of_file(image, kernel->image_sha256);
	if (code < 0)
		return error_set_errno(err, code, "%s", image);
	kernel->build_ns = clock_monotonic_ns() - building->began_ns;
	/* An intact kernel stays in place: somebody may be booting it. */
	if (before->folder)
		code = check_rebuilt(building, before, kernel, err);
	else
		code = install(building, kernel, err);
	if (code < 0)
		return code;
	(void)unlink(building->log_path);
	/* The kernel is there; without its tree the next one takes longer. */
	if (store_tree(building, TREE_COMPLETE, &cause) < 0)
		log_warning("%s: the tree is not kept: %s", building->phase,
			    cause.message);
	return 0;
}

/* One attempt; the slot is gone afterwards. */
static int build_once(struct building *building,
		      const struct built_kernel *before,
		      struct built_kernel *kernel, struct error *err)
{
	struct kernel_cache *cache = building->cache;
	int code;

	source_info_release(&building->source);
	patched_files_release(&building->patched);
	free(building->description);
	building->description = NULL;
	code = kernel_source_get(cache, &building->inputs->spec->base,
				 building->phase, &building->source, err);
	if (code < 0)
		return code;
	building->began_ns = clock_monotonic_ns();
	building->began_cpu_seconds = cpu_seconds();
	building->description = kernel_inputs_describe(
		building->inputs, building->source.record.version);
	code = build_in_slot(building, before, kernel, err);
	if (cache_discard(cache, building->slot, NULL) < 0)
		log_debug("kernel cache: %s stays", building->slot);
	return code;
}

/* Fetches the source once more if the pristine one turns out to be damaged. */
static int build_with_source(struct building *building,
			     const struct built_kernel *before,
			     struct built_kernel *kernel, struct error *err)
{
	struct error cause = ERROR_INIT;
	cleanup_free char *source = NULL;
	int code = build_once(building, before, kernel, &cause);

	if (code == 0)
		return 0;
	if (code != -EUCLEAN)
		return error_set(err, code, "%s", cause.message);
	log_warning("%s: %s; fetching it again", building->phase, cause.message);
	source = cache_entry_path(building->cache, ENTRY_SOURCE,
				  building->source.key);
	code = cache_discard(building->cache, source, err);
	if (code < 0)
		return code;
	return build_once(building, before, kernel, err);
}

static int build_locked(struct kernel_cache *cache,
			const struct kernel_inputs *inputs,
			const struct build_options *options, const char *phase,
			struct built_kernel *ret_kernel, struct error *err)
{
	cleanup_with(building_release) struct building building = {
		.cache = cache, .options = options, .inputs = inputs,
		.phase = string_copy(phase),
		.slot = path_join(cache->path, "build"),
		.log_path = string_format("%s/logs/%s.log", cache->path,
					  inputs->key),
	};
	cleanup_with(built_kernel_release) struct built_kernel before = {
		.folder = NULL,
	};
	struct built_kernel kernel = { .folder = NULL };
	cleanup_free char *folder =
		cache_entry_path(cache, ENTRY_KERNEL, inputs->key);
	struct error cause = ERROR_INIT;
	int code = kernel_lookup(cache, inputs->key, &before, &cause);

	if (code < 0 && path_is_folder(folder))
		log_warning("%s: building again what is in the cache: %s", phase,
			    cause.message);
	if (code == 0 && !options->rebuild) {
		*ret_kernel = before;
		before = (struct built_kernel){ .folder = NULL };
		return 0;
	}
	building.tree = path_join(building.slot, "tree");
	code = cache_clean(cache, err);
	if (code < 0)
		return code;
	(void)unlink(building.log_path);
	code = build_with_source(&building, &before, &kernel, err);
	if (code == 0)
		code = kernel_lookup(cache, inputs->key, ret_kernel, err);
	if (code == 0) {
		ret_kernel->was_cached = false;
		ret_kernel->build_ns = kernel.build_ns;
		code = cache_make_room(cache, err);
		if (code < 0)
			built_kernel_release(ret_kernel);
	}
	built_kernel_release(&kernel);
	return code;
}

int kernel_build(struct kernel_cache *cache, const struct kernel_spec *spec,
		 const struct build_options *options,
		 struct built_kernel *ret_kernel, struct error *err)
{
	static const struct build_options defaults = { .jobs = 0 };
	cleanup_with(kernel_inputs_release) struct kernel_inputs inputs = {
		.spec = NULL,
	};
	cleanup_close int lock = -1;
	cleanup_free char *phase = NULL;
	struct built_kernel kernel = { .folder = NULL };
	int code = kernel_inputs_load(spec, &inputs, err);

	if (code < 0)
		return code;
	options = options ? options : &defaults;
	if (!options->rebuild &&
	    kernel_lookup(cache, inputs.key, ret_kernel, NULL) == 0)
		return 0;
	phase = string_format("build %s",
			      options->label ? options->label : spec->base.name);
	code = cache_build_lock(cache, phase, &lock, err);
	if (code == 0)
		code = build_locked(cache, &inputs, options, phase, &kernel, err);
	progress_clear();
	if (code < 0)
		return error_prefix(err, "%s", phase);
	*ret_kernel = kernel;
	return 0;
}
