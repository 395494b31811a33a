/* nightly_build.c - the night's kernels, before its cells are chosen: what builds take is
 * known then. A candidate whose patches do not apply or compile does not cost the others
 * their night.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "kernel_builder.h"
#include "log.h"
#include "memory.h"
#include "nightly_private.h"
#include "process.h"

static void close_cache(struct kernel_cache **cache)
{
	kernel_cache_close(*cache);
}

/* Not the fault of what is built. */
static bool is_of_host(int code)
{
	return code == -ECANCELED || code == -EINTR || code == -ETIME || code == -ENOSPC ||
	       code == -EDQUOT || code == -ENOMEM || code == -EACCES;
}

static int build_one(struct night_work *work, struct kernel_cache *cache,
		     const struct variant *variant, struct error *err)
{
	const struct build_options options = {
		.jobs = work->options.jobs, .label = variant->name,
	};
	struct built_kernel kernel = { .folder = NULL };
	int rc = kernel_build(cache, &variant->kernel, &options, &kernel, err);

	if (rc)
		return error_prefix(err, "variant %s", variant->name);
	if (!kernel.was_cached)
		log_info("kernel of %s is built: %.12s", variant->name, kernel.key);
	built_kernel_release(&kernel);
	return 0;
}

static void drop_variant(struct campaign *campaign, size_t index)
{
	cleanup_free bool *kept = memory_alloc_array(campaign->variants_count, sizeof(*kept));

	for (size_t i = 0; i < campaign->variants_count; i++)
		kept[i] = i != index;
	campaign_keep_variants(campaign, kept);
}

static int build_all(struct night_work *work, struct kernel_cache *cache, struct error *err)
{
	struct campaign *campaign = &work->campaign;
	struct error cause = ERROR_INIT;
	size_t i = 0;

	while (i < campaign->variants_count) {
		int rc;

		cause = ERROR_INIT;
		rc = build_one(work, cache, &campaign->variants[i], &cause);
		if (rc && (i == campaign->baseline || is_of_host(rc) ||
			   campaign->variants_count <= 2))
			return error_set(err, rc, "%s", cause.message);
		if (!rc) {
			i++;
			continue;
		}
		log_warning("%s", cause.message);
		night_note(work, "left out, it does not build: %s", cause.message);
		drop_variant(campaign, i);
		work->dropped_count++;
	}
	return 0;
}

int night_build(struct night_work *work, struct error *err)
{
	const struct experiment_options *options = &work->options;
	cleanup_with(close_cache) struct kernel_cache *cache = NULL;
	int rc = kernel_cache_open(options->cache_path, options->cache_max_bytes, &cache, err);

	if (rc)
		return rc;
	process_set_deadline(options->deadline_ns);
	rc = build_all(work, cache, err);
	process_set_deadline(0);
	progress_clear();
	return rc;
}
