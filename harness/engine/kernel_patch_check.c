/* kernel_patch_check.c - see kernel_patch_check.h. */
#include "kernel_patch_check.h"

#include <errno.h>

#include "kernel_cache.h"
#include "kernel_inputs.h"
#include "kernel_sources.h"
#include "memory.h"

/* The first listed source that the cache has. */
static bool find_source(struct kernel_cache *cache, const struct kernel_base *base,
			struct source_info *ret_source)
{
	char key[SHA256_HEX_SIZE];

	for (size_t i = 0; i < base->sources_count; i++) {
		cleanup_free char *folder = NULL;

		if (kernel_source_key(&base->sources[i], key, NULL) ||
		    cache_entry_hold(cache, ENTRY_SOURCE, key, NULL))
			continue;
		folder = cache_entry_path(cache, ENTRY_SOURCE, key);
		if (!source_info_load(folder, key, ret_source, NULL))
			return true;
	}
	return false;
}

static int fetch_source(struct kernel_cache *cache, const struct kernel_base *base,
			const char *phase, struct source_info *ret_source, struct error *err)
{
	cleanup_close int lock = -1;
	int code = cache_build_lock(cache, phase, &lock, err);

	return code ? code : kernel_source_get(cache, base, phase, ret_source, err);
}

int kernel_patch_check(struct kernel_cache *cache, const struct kernel_spec *spec,
		       const char *label, bool may_fetch, const char *scratch,
		       struct error *err)
{
	cleanup_with(built_kernel_release) struct built_kernel kernel = { .folder = NULL };
	cleanup_with(source_info_release) struct source_info source = { .tree = NULL };
	cleanup_with(patched_files_release) struct patched_files files = { .items = NULL };
	cleanup_with(kernel_inputs_release) struct kernel_inputs inputs = { .spec = NULL };
	cleanup_free char *phase = string_format("check %s", label);
	int code = kernel_inputs_load(spec, &inputs, err);

	if (code || !inputs.patches.count || !kernel_find(cache, spec, &kernel, NULL))
		return code;
	if (!find_source(cache, &spec->base, &source)) {
		if (!may_fetch)
			return 0;
		code = fetch_source(cache, &spec->base, phase, &source, err);
	}
	return code ? code : kernel_patches_apply(&inputs.patches, source.tree, scratch, &files,
						  err);
}
