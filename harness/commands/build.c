/* build.c - `kerngate build`: the kernels of campaigns, without running any. */
#include <errno.h>
#include <string.h>

#include "campaign.h"
#include "clock.h"
#include "command.h"
#include "files.h"
#include "kernel_builder.h"
#include "log.h"
#include "memory.h"
#include "process.h"
#include "strbuf.h"
#include "suggest.h"
#include "table.h"

#define DEFAULT_CAMPAIGN "quick"

/* What is to be built, in order; no kernel twice. */
struct wanted {
	struct strvec only, skip; /* globs: variants of whole campaigns; owned */
	struct wanted_kernel {
		char *label;             /* "quick: stock"; owned */
		struct kernel_spec spec; /* owned */
		char key[SHA256_HEX_SIZE];
	} *items; /* owned */
	size_t count;
};

static void wanted_release(struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->count; i++) {
		free(wanted->items[i].label);
		kernel_spec_release(&wanted->items[i].spec);
	}
	free(wanted->items);
	strvec_release(&wanted->only);
	strvec_release(&wanted->skip);
}

static int wanted_add(struct wanted *wanted, const struct campaign *campaign,
		      const struct variant *variant, struct error *err)
{
	struct wanted_kernel item = { .label = NULL };
	int code = kernel_spec_key(&variant->kernel, item.key, err);

	if (code < 0)
		return error_prefix(err, "%s: %s", campaign->name, variant->name);
	for (size_t i = 0; i < wanted->count; i++)
		if (strcmp(wanted->items[i].key, item.key) == 0)
			return 0;
	item.label = string_format("%s: %s", campaign->name, variant->name);
	kernel_spec_copy(&item.spec, &variant->kernel);
	wanted->items = memory_realloc_array(wanted->items, wanted->count + 1,
					     sizeof(item));
	wanted->items[wanted->count++] = item;
	return 0;
}

static int add_campaign(const struct globals *globals, const char *name,
			struct wanted *wanted, struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	int code = campaign_load(globals->project_root, name, &campaign, err);

	if (code == 0)
		code = campaign_select(&campaign, &wanted->only, &wanted->skip, true, err);
	for (size_t i = 0; code == 0 && i < campaign.variants_count; i++)
		code = wanted_add(wanted, &campaign, &campaign.variants[i], err);
	return code;
}

/* Names of the campaigns, the default one first. */
static int list_campaigns(const char *project_root, struct strvec *ret_names,
			  struct error *err)
{
	cleanup_free char *folder = path_join(project_root, "configs/campaigns");
	cleanup_strvec struct strvec files = STRVEC_INIT;
	int code = folder_list(folder, &files);

	if (code < 0)
		return error_set_errno(err, code, "%s", folder);
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < files.count; i++) {
			const char *name = files.items[i];
			size_t length = strlen(name);
			bool is_default = strcmp(name, DEFAULT_CAMPAIGN ".yaml") == 0;

			if (length > 5 && is_default == (pass == 0) &&
			    strcmp(name + length - 5, ".yaml") == 0)
				strvec_pushf(ret_names, "%.*s",
					     (int)(length - 5), name);
		}
	return 0;
}

static int no_such_name(const char *name, const struct strvec *campaigns,
			const struct strvec *variants, struct error *err)
{
	const char *nearest = suggest_nearest(
		name, (const char *const *)campaigns->items, campaigns->count);

	if (!nearest)
		nearest = suggest_nearest(name,
					  (const char *const *)variants->items,
					  variants->count);
	if (nearest)
		return error_set(err, -ENOENT,
				 "no campaign or variant \"%s\" (did you mean \"%s\"?)",
				 name, nearest);
	return error_set(err, -ENOENT,
			 "no campaign or variant \"%s\"; kerngate list has them",
			 name);
}

/* The first campaign with a variant of that name. */
static int add_variant(const struct globals *globals, const char *name,
		       const struct strvec *campaigns, struct wanted *wanted,
		       struct error *err)
{
	cleanup_strvec struct strvec variants = STRVEC_INIT;

	for (size_t i = 0; i < campaigns->count; i++) {
		cleanup_with(campaign_release) struct campaign campaign = {
			.name = NULL
		};
		int code = campaign_load(globals->project_root,
					 campaigns->items[i], &campaign, err);

		if (code < 0)
			return code;
		for (size_t j = 0; j < campaign.variants_count; j++) {
			const struct variant *variant = &campaign.variants[j];

			if (strcmp(variant->name, name) == 0)
				return wanted_add(wanted, &campaign, variant, err);
			strvec_push(&variants, variant->name);
		}
	}
	return no_such_name(name, campaigns, &variants, err);
}

/* "CAMPAIGN:VARIANT", a campaign (name or path), or a variant of any. */
static int add_name(const struct globals *globals, const char *name,
		    const struct strvec *campaigns, struct wanted *wanted,
		    struct error *err)
{
	const char *colon = strchr(name, ':');
	cleanup_free char *campaign_name = NULL;
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	size_t index;
	int code;

	if (strvec_contains(campaigns, name) || (strchr(name, '/') && !colon))
		return add_campaign(globals, name, wanted, err);
	if (wanted->only.count || wanted->skip.count)
		return error_set(err, -EINVAL, "%s: no campaign; --only and --skip choose among the "
				 "variants of campaigns", name);
	if (!colon)
		return add_variant(globals, name, campaigns, wanted, err);
	campaign_name = string_copy_n(name, (size_t)(colon - name));
	code = campaign_load(globals->project_root, campaign_name, &campaign, err);
	if (code == 0)
		code = campaign_find_variant(&campaign, colon + 1, &index, err);
	if (code == 0)
		code = wanted_add(wanted, &campaign, &campaign.variants[index], err);
	return code;
}

static int collect(const struct globals *globals, int argc, char **argv,
		   struct wanted *wanted, struct error *err)
{
	cleanup_strvec struct strvec campaigns = STRVEC_INIT;
	int code = 0;

	if (argc == 1)
		return add_campaign(globals, DEFAULT_CAMPAIGN, wanted, err);
	code = list_campaigns(globals->project_root, &campaigns, err);
	for (int i = 1; code == 0 && i < argc; i++)
		code = add_name(globals, argv[i], &campaigns, wanted, err);
	return code;
}

static void print_built(const char *label, const struct built_kernel *kernel)
{
	char time[CLOCK_TEXT_MAX];

	printf("%-24s  %-8s  key %.12s  image %.12s  %s\n", label,
	       kernel->release, kernel->key, kernel->image_sha256,
	       kernel->was_cached ? "cached" :
				    duration_format(kernel->build_ns, time));
	fflush(stdout);
}

static void cleanup_cache(struct kernel_cache **cache)
{
	kernel_cache_close(*cache);
}

static int build_all(const struct globals *globals, const struct wanted *wanted,
		     struct build_options *options, struct error *err)
{
	cleanup_with(cleanup_cache) struct kernel_cache *cache = NULL;
	int code = kernel_cache_open(globals->cache_path,
				     globals->cache_max_bytes, &cache, err);

	for (size_t i = 0; code == 0 && i < wanted->count; i++) {
		cleanup_with(built_kernel_release) struct built_kernel kernel = {
			.folder = NULL
		};

		options->label = wanted->items[i].label;
		code = kernel_build(cache, &wanted->items[i].spec, options,
				    &kernel, err);
		progress_clear();
		if (code < 0)
			return error_prefix(err, "%s", wanted->items[i].label);
		print_built(wanted->items[i].label, &kernel);
	}
	return code;
}

static int run(const struct globals *globals, int argc, char **argv,
	       struct error *err)
{
	cleanup_with(wanted_release) struct wanted wanted = { .items = NULL };
	struct build_options build = { .jobs = 0 };
	uint64_t jobs = 0;
	const struct option_info options[] = {
		{ "--only", OPTION_TEXTS, &wanted.only, 0, 0 },
		{ "--skip", OPTION_TEXTS, &wanted.skip, 0, 0 },
		{ "--jobs", OPTION_NUMBER, &jobs, 1, 4096 },
		{ "--rebuild", OPTION_FLAG, &build.rebuild, 0, 0 },
		{ "--from-scratch", OPTION_FLAG, &build.from_scratch, 0, 0 },
		{ .name = NULL },
	};
	int status = command_parse_options(options, &argc, argv, err), code;

	if (status != 0)
		return status;
	command_catch_interrupts();
	build.jobs = (uint32_t)jobs;
	if (collect(globals, argc, argv, &wanted, err) < 0)
		return EXIT_HARNESS;
	code = build_all(globals, &wanted, &build, err);
	return code == -ECANCELED ? EXIT_INTERRUPTED : command_status(code);
}

const struct command command_build = {
	.name = "build",
	.summary = "build kernels into the cache, without running anything",
	.usage = "build [NAME...] [--only GLOB] [--skip GLOB] [--jobs N]\n"
		 "                      [--rebuild] [--from-scratch]",
	.help = "NAME is a campaign (default: quick), VARIANT or CAMPAIGN:VARIANT. Builds\n"
		"all kernels of a campaign, or single ones; prints release, key (SHA-256 of all\n"
		"that goes in), hash of the image, and the time it took or \"cached\".\n"
		"\n"
		"  --only GLOB     of campaigns only the variants that fit, and the baseline; may\n"
		"                  be said several times\n"
		"  --skip GLOB     not these\n"
		"  --jobs N        compiler jobs (default: CPUs)\n"
		"  --rebuild       even if cached; fails if the image differs from the cached\n"
		"                  one, because the build is then not reproducible\n"
		"  --from-scratch  do not start from another variant's objects\n"
		"\n"
		"examples:\n"
		"  kerngate build\n"
		"  kerngate build quick:stock --rebuild --from-scratch\n",
	.supervised = true,
	.run = run,
};
