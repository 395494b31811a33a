/* ab.c - see ab.h. */
#include "ab.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ab_patches.h"
#include "campaign_file.h"
#include "files.h"
#include "kernel_patch_check.h"
#include "kernel_records.h"
#include "kernel_row.h"
#include "log.h"
#include "memory.h"

#define STATE_FORMAT 1
#define BASE_NAME "base"
#define PATCHED_NAME "patched"
#define NEW_NAME "new"
#define SUBJECTS_MAX 30 /* that the table lists */

void ab_free(struct ab *ab)
{
	if (!ab)
		return;
	if (ab->scratch && folder_remove(ab->scratch))
		log_debug("%s stays", ab->scratch);
	free(ab->scratch);
	free(ab->id);
	free(ab->folder);
	free(ab->run_id);
	json_decref(ab->state);
	campaign_release(&ab->campaign);
	if (ab->lock >= 0)
		(void)close(ab->lock);
	free(ab);
}

static void cleanup_ab_(struct ab **ab)
{
	ab_free(*ab);
}

#define cleanup_ab cleanup_with(cleanup_ab_)

static struct ab *ab_new(const struct experiment_options *options)
{
	struct ab *ab = memory_alloc(sizeof(*ab));

	ab->lock = -1;
	ab->options = options;
	return ab;
}

static int make_scratch(struct ab *ab, struct error *err)
{
	const char *place = getenv("TMPDIR");
	cleanup_free char *path = string_format("%s/kerngate-ab-XXXXXX",
						place && *place == '/' ? place : "/tmp");

	if (!mkdtemp(path))
		return error_set_errno(err, -errno, "%s", path);
	ab->scratch = take_pointer(path);
	return 0;
}

/* --- what was asked ------------------------------------------------------------------------ */

struct sets {
	struct ab_set *items; size_t count;    /* owned */
	struct ab_kernel *kernels; size_t kernels_count; /* owned */
	char *base, *other;                    /* references; owned; NULL */
	char *base_name;                       /* of the variant; owned */
};

static void sets_release(struct sets *sets)
{
	for (size_t i = 0; i < sets->count; i++)
		ab_set_release(&sets->items[i]);
	for (size_t i = 0; i < sets->kernels_count; i++) {
		free(sets->kernels[i].name);
		free(sets->kernels[i].series);
		free(sets->kernels[i].base);
	}
	free(sets->items);
	free(sets->kernels);
	free(sets->base);
	free(sets->other);
	free(sets->base_name);
}

static int load_sets(const struct ab *ab, const struct strvec *sources, struct sets *sets,
		     struct error *err)
{
	int code = 0;

	sets->items = memory_alloc_array(sources->count, sizeof(*sets->items));
	for (size_t i = 0; !code && i < sources->count; i++) {
		cleanup_free char *scratch = string_format("%s/set-%zu", ab->scratch, i);

		code = folder_make(scratch);
		if (code)
			return error_set_errno(err, code, "%s", scratch);
		code = ab_set_load(sources->items[i], scratch, &sets->items[i], err);
		sets->count += !code;
		if (!code && sets->items[i].note)
			log_warning("%s: %s", sources->items[i], sets->items[i].note);
	}
	return code;
}

/* Names that differ: versions where all say one, else what each was called. */
static bool have_versions(const struct sets *sets)
{
	for (size_t i = 0; i < sets->count; i++)
		for (size_t j = 0; j < i; j++)
			if (sets->items[i].version == sets->items[j].version)
				return false;
	return sets->count > 1;
}

static bool is_taken(const struct sets *sets, const char *name)
{
	for (size_t i = 0; i < sets->kernels_count; i++)
		if (!strcmp(sets->kernels[i].name, name))
			return true;
	return !strcmp(sets->base_name, name);
}

static char *free_name(const struct sets *sets, const char *wanted)
{
	char *name = string_copy(wanted);

	for (unsigned int i = 2; is_taken(sets, name); i++) {
		free(name);
		name = string_format("%s-%u", wanted, i);
	}
	return name;
}

/* Folders of the series are named for people too: tables show their names. */
static int save_sets(const struct ab *ab, struct sets *sets, struct error *err)
{
	bool by_version = have_versions(sets);
	int code = 0;

	for (size_t i = 0; !code && i < sets->count; i++) {
		const struct ab_set *set = &sets->items[i];
		cleanup_free char *version = string_format("v%u", set->version);
		struct ab_kernel *kernel = &sets->kernels[sets->kernels_count];

		kernel->name = free_name(sets, by_version ? version :
					 sets->count > 1 ? set->name : PATCHED_NAME);
		kernel->series = path_join(ab->folder, sets->count > 1 ? kernel->name :
					   !strcmp(set->name, "bases") ||
					   !strcmp(set->name, "suites") ? PATCHED_NAME : set->name);
		sets->kernels_count++;
		code = ab_set_save(set, kernel->series, err);
	}
	return code;
}

/* "linux-7.3" of a base's name or file; owned. */
static char *short_name(const char *reference)
{
	cleanup_free char *file = string_copy(path_base_name(reference));
	size_t length = strlen(file);

	if (strchr(reference, '/') && length > 5 && !strcmp(file + length - 5, ".yaml"))
		file[length - 5] = '\0';
	return ab_name_of(file);
}

/* Without patches: another kernel, or the same one with another command line, sysctls or
 * options. */
static void add_other(struct sets *sets)
{
	struct ab_kernel *kernel = &sets->kernels[0];

	*kernel = (struct ab_kernel){ .base = string_copy(sets->other) };
	sets->kernels_count = 1;
	if (sets->other && sets->base) {
		cleanup_free char *base = short_name(sets->base);

		kernel->name = short_name(sets->other);
		if (strcmp(base, kernel->name) != 0) {
			free(sets->base_name);
			sets->base_name = take_pointer(base);
			return;
		}
		free(kernel->name);
	}
	kernel->name = string_copy(NEW_NAME);
}

/* What the kernels are made on top of; a range's beginning where nothing was said. */
static int resolve_bases(const struct ab *ab, const struct ab_request *request,
			 struct sets *sets, struct error *err)
{
	const char *root = ab->options->project_root;
	const struct ab_set *first = sets->count ? &sets->items[0] : NULL;
	cleanup_free char *base = path_join(ab->folder, "bases/base");
	cleanup_free char *other = path_join(ab->folder, "bases/new");
	int code = 0;

	if (request->base)
		code = ab_base_resolve(root, request->base, base, &sets->base, err);
	else if (first && first->repository)
		code = kernel_base_file_save(base, NULL, first->repository, first->first_commit,
					     &sets->base, err);
	if (!code && request->other)
		code = ab_base_resolve(root, request->other, other, &sets->other, err);
	return code;
}

/* --- state.json -------- */

static json_t *set_json(const struct ab_set *set, const struct ab_kernel *kernel)
{
	cleanup_free char *source = ab_line_of(set->source);
	json_t *patches = json_array();

	for (size_t i = 0; i < set->count; i++)
		json_array_append_new(patches, json_string(set->items[i].subject));
	return json_pack("{s:s, s:s, s:s, s:i, s:s*, s:s*, s:o}", "variant", kernel->name,
			 "series", kernel->series, "source", source, "version",
			 (int)set->version, "title", set->title, "note", set->note, "patches",
			 patches);
}

static int save_state(struct ab *ab, const struct ab_request *request, const struct sets *sets,
		      struct error *err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sets->count; i++)
		json_array_append_new(list, set_json(&sets->items[i], &sets->kernels[i]));
	ab->state = json_pack("{s:i, s:s, s:s, s:s, s:o}", "format", STATE_FORMAT, "id", ab->id,
			      "command", request->command, "base", sets->base ? sets->base : "",
			      "sets", list);
	if (!ab->state)
		return error_set(err, -EINVAL, "what was asked for is not UTF-8");
	return record_save(ab->folder, "state.json", ab->state, err);
}

/* --- beginning -------- */

static int lock_folder(struct ab *ab, struct error *err)
{
	cleanup_free char *path = path_join(ab->folder, "lock");
	int code = lock_acquire(path, true, false, &ab->lock);

	if (code == -EWOULDBLOCK)
		return error_set(err, -EBUSY, "ab %s: another kerngate is at work on it", ab->id);
	return code ? error_set_errno(err, code, "%s", path) : 0;
}

/* results/ab/STAMP, with the name that was asked for. */
static int make_folder(struct ab *ab, const struct ab_request *request, bool is_plan,
		       struct error *err)
{
	cleanup_free char *parent = path_join(is_plan ? ab->scratch : ab->options->results_dir,
					      "ab");
	cleanup_free char *name = request->name ? ab_name_of(request->name) : NULL, *id = NULL;
	cleanup_free char *path = NULL;
	int code = kernel_row_folder(parent, &ab->id, &ab->folder, err);

	if (code || !name)
		return code;
	id = string_format("%s-%s", ab->id, name);
	path = path_join(parent, id);
	if (rename(ab->folder, path))
		return error_set_errno(err, -errno, "%s", path);
	free(ab->id);
	free(ab->folder);
	ab->id = take_pointer(id);
	ab->folder = take_pointer(path);
	return 0;
}

static int write_all(struct ab *ab, const struct ab_request *request,
		     const struct campaign *setting, struct sets *sets, struct error *err)
{
	cleanup_free char *name = string_format("ab-%s", ab->id);
	struct ab_plan plan = { .project_root = ab->options->project_root, .folder = ab->folder,
				.name = name };
	int code = resolve_bases(ab, request, sets, err);

	sets->kernels = memory_alloc_array(sets->count + 1, sizeof(*sets->kernels));
	sets->base_name = string_copy(BASE_NAME);
	if (!code && sets->count)
		code = save_sets(ab, sets, err);
	else if (!code)
		add_other(sets);
	if (code)
		return code;
	plan.base_name = sets->base_name;
	plan.base = sets->base;
	plan.kernels = sets->kernels;
	plan.count = sets->kernels_count;
	code = ab_campaign_write(request, setting, &plan, &ab->campaign, err);
	return code ? code : save_state(ab, request, sets, err);
}

int ab_begin(const struct ab_request *request, const struct experiment_options *options,
	     bool is_plan, struct ab **ret_ab, struct error *err)
{
	cleanup_ab struct ab *ab = ab_new(options);
	cleanup_with(campaign_release) struct campaign setting = { .name = NULL };
	cleanup_with(sets_release) struct sets sets = { .items = NULL };
	int code = ab_campaign_setting(request, options->project_root, &setting, err);

	if (!code)
		code = make_scratch(ab, err);
	if (!code)
		code = load_sets(ab, request->patches, &sets, err);
	if (!code)
		code = make_folder(ab, request, is_plan, err);
	if (code)
		return code;
	code = lock_folder(ab, err);
	if (!code)
		code = write_all(ab, request, &setting, &sets, err);
	if (!code)
		code = experiment_check(&ab->campaign, options, err);
	if (code && folder_remove(ab->folder))
		log_debug("%s stays", ab->folder);
	if (!code)
		*ret_ab = take_pointer(ab);
	return code;
}

int ab_resume(const char *id, const struct experiment_options *options, struct ab **ret_ab,
	      struct error *err)
{
	cleanup_ab struct ab *ab = ab_new(options);
	cleanup_free char *parent = path_join(options->results_dir, "ab");
	int code = 0;

	if (id)
		ab->id = string_copy(id);
	else
		code = kernel_row_newest(parent, &ab->id, err);
	if (code)
		return code;
	ab->folder = path_join(parent, ab->id);
	if (strchr(ab->id, '/') || !path_is_folder(ab->folder))
		return error_set(err, -ENOENT, "no ab '%s' in %s", ab->id, parent);
	code = record_load(ab->folder, "state.json", &ab->state, err);
	if (!code && record_number(ab->state, "format") != STATE_FORMAT)
		code = error_set(err, -EPROTO, "%s/state.json: expected format %d", ab->folder,
				 STATE_FORMAT);
	if (!code)
		code = lock_folder(ab, err);
	if (!code)
		code = make_scratch(ab, err);
	if (!code)
		*ret_ab = take_pointer(ab);
	return code ? error_prefix(err, "ab %s", ab->id) : 0;
}

/* --- the run -------- */

static void close_cache(struct kernel_cache **cache)
{
	kernel_cache_close(*cache);
}

int ab_check_patches(const struct ab *ab, bool may_fetch, struct error *err)
{
	cleanup_with(close_cache) struct kernel_cache *cache = NULL;
	const struct campaign *campaign = &ab->campaign;
	int code = kernel_cache_open(ab->options->cache_path, ab->options->cache_max_bytes, &cache,
				     err);

	for (size_t i = 0; !code && i < campaign->variants_count; i++) {
		const struct variant *variant = &campaign->variants[i];
		cleanup_free char *scratch = string_format("%s/check-%zu", ab->scratch, i);

		code = folder_remove(scratch);
		if (code)
			return error_set_errno(err, code, "%s", scratch);
		code = kernel_patch_check(cache, &variant->kernel, variant->name, may_fetch,
					  scratch, err);
	}
	progress_clear();
	return code;
}

static void close_store(struct run_store **store)
{
	run_store_close(*store);
}

/* The run that an earlier call began, if any, and whether it is finished. */
static int find_run(struct ab *ab, bool *ret_finished, struct error *err)
{
	cleanup_with(close_store) struct run_store *store = NULL;
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_free char *name = string_format("ab-%s", ab->id);
	int code = run_store_open(ab->options->results_dir, &store, err);

	if (!code)
		code = run_store_find_campaign(store, name, &ab->run_id, err);
	if (!code && ab->run_id)
		code = run_store_load(store, ab->run_id, &run, err);
	if (!code && ab->run_id)
		*ret_finished = !strcmp(run.state, "finished");
	return code;
}

static int begin_run(struct ab *ab, struct error *err)
{
	cleanup_free char *path = string_format("%s/ab-%s.yaml", ab->folder, ab->id);
	int code = 0;

	if (!ab->campaign.name)
		code = campaign_load(ab->options->project_root, path, &ab->campaign, err);
	if (!code)
		code = ab_check_patches(ab, true, err);
	return code ? code : experiment_run(&ab->campaign, ab->options, &ab->run_id, err);
}

int ab_go(struct ab *ab, struct error *err)
{
	cleanup_free char *resumed = NULL;
	bool is_finished = false;
	int code = find_run(ab, &is_finished, err);

	if (!code && !ab->run_id)
		code = begin_run(ab, err);
	else if (!code && !is_finished)
		code = experiment_resume(ab->run_id, ab->options, &resumed, err);
	if (code == -EINTR || code == -ECANCELED || code == -ENOSPC)
		return error_prefix(err, "ab %s (go on with: %s ab --resume %s)", ab->id,
				    experiment_program(ab->options), ab->id);
	return code;
}

/* --- the table -------- */

static void add_set(const json_t *set, bool is_one, struct strvec *lines)
{
	const json_t *patches = json_object_get(set, "patches");
	const char *title = record_text(set, "title");
	size_t count = json_array_size(patches);
	uint64_t version = record_number(set, "version");
	cleanup_free char *said = version > 1 ? string_format(", v%" PRIu64, version) :
						string_copy("");

	strvec_pushf(lines, "patches\t%s%s%zu patch%s of %s%s%s%s",
		     is_one ? "" : record_text(set, "variant"), is_one ? "" : ": ", count,
		     count == 1 ? "" : "es", path_base_name(record_text(set, "source")), said,
		     *title ? ": " : "", title);
	for (size_t i = 0; i < count && i < SUBJECTS_MAX; i++)
		strvec_pushf(lines, "\t%zu/%zu %s", i + 1, count,
			     json_string_value(json_array_get(patches, i)));
	if (count > SUBJECTS_MAX)
		strvec_pushf(lines, "\tand %zu more", count - SUBJECTS_MAX);
}

/* Patches to code that is not built, or to comments. */
static void add_same(const struct stored_run *run, struct strvec *lines)
{
	const struct stored_variant *base = &run->variants[run->baseline];

	for (size_t i = 0; i < run->variants_count; i++) {
		const struct stored_variant *variant = &run->variants[i];

		if (i == run->baseline || (int64_t)i == run->control_variant ||
		    !variant->image_sha256 || !base->image_sha256 ||
		    strcmp(variant->image_sha256, base->image_sha256) != 0 ||
		    strcmp(variant->kernel_key, base->kernel_key) == 0)
			continue;
		strvec_pushf(lines, "NOTE\t%s is the same image as %s: nothing that is compiled "
			     "was changed", variant->name, base->name);
	}
}

void ab_mail_more(const struct ab *ab, const struct stored_run *run,
		  struct render_mail_more *ret_more)
{
	const json_t *sets = json_object_get(ab->state, "sets"), *set;
	const char *command = record_text(ab->state, "command");
	size_t i;

	json_array_foreach(sets, i, set)
		add_set(set, json_array_size(sets) == 1, &ret_more->lines);
	add_same(run, &ret_more->lines);
	ret_more->has_patches = json_array_size(sets) > 0;
	free(ret_more->again);
	ret_more->again = strstr(command, " --seed ") || strstr(command, " --seed=") ?
				  string_copy(command) :
				  string_format("%s --seed %" PRIu64, command, run->seed);
}
