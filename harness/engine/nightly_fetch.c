/* nightly_fetch.c - sources that moved: a branch that has new commits, a suite that has a
 * newer package. The kernels' keys do not see that, since they are made of what the base's
 * file says. So where the source is not any more what the cached kernel was made of, the
 * night's campaign names the commit, or the version, itself.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "kernel_builder.h"
#include "kernel_records.h"
#include "kernel_source.h"
#include "log.h"
#include "memory.h"
#include "nightly_private.h"
#include "process.h"

/* Of each source; a network that is not there must not cost the night. */
#define RESOLVE_NS (120 * NS_PER_SECOND)

struct fetching {
	struct night_work *work;
	struct kernel_cache *cache;  /* owned */
	struct strvec asked;         /* sources, as kernel_source_describe says them */
	struct strvec answers;       /* what they are by now; "" where nobody knows */
};

static void fetching_release(struct fetching *fetching)
{
	kernel_cache_close(fetching->cache);
	strvec_release(&fetching->asked);
	strvec_release(&fetching->answers);
}

/* What a record of a source says of it: "commit:..." of git, the version of a package. */
static const char *identity_of(const struct source_spec *source, const char *kind,
			       const char *identity, const char *detail)
{
	if (strcmp(kind, source_kind_name(source->kind)))
		return NULL;
	return source->kind == SOURCE_GIT ? identity : detail;
}

/* What the kernel in the cache was made of, else the source there; owned, NULL: neither. */
static char *find_cached(struct kernel_cache *cache, const struct kernel_spec *spec)
{
	const struct source_spec *source = &spec->base.sources[0];
	cleanup_with(built_kernel_release) struct built_kernel kernel = { .folder = NULL };
	cleanup_with(source_info_release) struct source_info info = { .tree = NULL };
	cleanup_free char *folder = NULL;
	char key[SHA256_HEX_SIZE];

	if (!kernel_find(cache, spec, &kernel, NULL)) {
		cleanup_json json_t *record = json_loads(kernel.record, 0, NULL);
		const json_t *used = json_object_get(record, "source");

		return string_copy(identity_of(source, record_text(used, "kind"),
					       record_text(used, "identity"),
					       record_text(used, "detail")));
	}
	if (kernel_source_key(source, key, NULL))
		return NULL;
	folder = string_format("%s/sources/%s", kernel_cache_path(cache), key);
	if (source_info_load(folder, key, &info, NULL))
		return NULL;
	return string_copy(identity_of(source, source_kind_name(info.record.kind),
				       info.record.identity, info.record.detail));
}

/* What the last run of the campaign booted; owned, NULL: nothing of that kind. */
static char *find_last(struct night_work *work, const struct variant *variant)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_free char *id = NULL;
	struct error ignored = ERROR_INIT;

	if (run_store_find_campaign(work->store, work->campaign.name, &id, &ignored) || !id ||
	    run_store_load(work->store, id, &run, &ignored))
		return NULL;
	for (size_t i = 0; i < run.variants_count; i++) {
		cleanup_json json_t *record = NULL;
		const json_t *used;

		if (strcmp(run.variants[i].name, variant->name) || !run.variants[i].kernel_record)
			continue;
		record = json_loads(run.variants[i].kernel_record, 0, NULL);
		used = json_object_get(record, "source");
		return string_copy(identity_of(&variant->kernel.base.sources[0],
					       record_text(used, "kind"),
					       record_text(used, "identity"),
					       record_text(used, "detail")));
	}
	return NULL;
}

/* --- asking ------------------------------------------------------------------------------ */

static int ask(struct night_work *work, const struct source_spec *source, const char *name,
	       char **ret_answer)
{
	cleanup_free char *folder = path_join(work->options.results_dir, ".fetch");
	uint64_t end_ns = clock_monotonic_ns() + RESOLVE_NS;
	struct error err = ERROR_INIT;
	int rc = folder_remove(folder);

	if (!rc)
		rc = folder_make(folder);
	if (rc)
		return rc;
	if (work->options.deadline_ns && work->options.deadline_ns < end_ns)
		end_ns = work->options.deadline_ns;
	process_set_deadline(end_ns);
	rc = kernel_source_resolve(source, folder, ret_answer, &err);
	process_set_deadline(0);
	if (folder_remove(folder))
		log_debug("%s stays", folder);
	if (rc && rc != -ECANCELED)
		night_note(work, "source %s could not be asked, so what is there is used: %s", name,
			   err.message);
	return rc;
}

/* Each source once; borrowed; "" where it cannot be had. */
static int answer_of(struct fetching *fetching, const struct source_spec *source,
		     const char **ret_answer)
{
	cleanup_free char *name = kernel_source_describe(source), *answer = NULL;
	int rc;

	for (size_t i = 0; i < fetching->asked.count; i++) {
		if (strcmp(fetching->asked.items[i], name))
			continue;
		*ret_answer = fetching->answers.items[i];
		return 0;
	}
	rc = ask(fetching->work, source, name, &answer);
	if (rc == -ECANCELED)
		return rc;
	strvec_push(&fetching->asked, name);
	strvec_push(&fetching->answers, rc ? "" : answer);
	*ret_answer = fetching->answers.items[fetching->answers.count - 1];
	return 0;
}

/* --- pinning -------------------------------------------------------------------------------- */

static void pin(struct kernel_base *base, const char *identity)
{
	struct source_spec *source = &base->sources[0];
	char **field = source->kind == SOURCE_GIT ? &source->ref : &source->package_version;

	free(*field);
	*field = string_copy(source->kind == SOURCE_GIT ? identity + strlen("commit:") : identity);
	base->is_pinned = true;
}

static int fetch_variant(struct fetching *fetching, struct variant *variant)
{
	struct night_work *work = fetching->work;
	struct kernel_base *base = &variant->kernel.base;
	const struct source_spec *source = &base->sources[0];
	cleanup_free char *cached = NULL, *last = NULL, *name = NULL;
	const char *answer = NULL;
	int rc;

	if ((source->kind != SOURCE_GIT && source->kind != SOURCE_DEBIAN) ||
	    source->package_version)
		return 0;
	cached = find_cached(fetching->cache, &variant->kernel);
	rc = answer_of(fetching, source, &answer);
	/* nothing is there that could be old */
	if (rc || !cached)
		return rc;
	if (!*answer) {
		last = find_last(work, variant);
		answer = last ? last : "";
	}
	if (!*answer || !strcmp(answer, cached))
		return 0;
	name = kernel_source_describe(source);
	night_note(work, "%s: %s is %s now", base->name, name, answer);
	pin(base, answer);
	return 0;
}

int night_fetch(struct night_work *work, struct error *err)
{
	const struct experiment_options *options = &work->options;
	cleanup_with(fetching_release) struct fetching fetching = {
		.work = work, .asked = STRVEC_INIT, .answers = STRVEC_INIT,
	};
	int rc = kernel_cache_open(options->cache_path, options->cache_max_bytes, &fetching.cache,
				   err);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < work->campaign.variants_count; i++)
		rc = fetch_variant(&fetching, &work->campaign.variants[i]);
	return rc ? error_set(err, rc, "interrupted") : 0;
}
