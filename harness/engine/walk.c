/* walk.c - a walk from what was asked to its judged run. */
#include "walk.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "kernel_records.h"
#include "log.h"
#include "memory.h"
#include "process.h"

#define STATE_FORMAT 1

static void free_samples(struct walk *walk)
{
	for (size_t i = 0; i < walk->samples_sets; i++)
		stored_samples_free(walk->samples[i], walk->samples_counts[i]);
	for (size_t i = 0; i < walk->boots_sets; i++)
		free(walk->boots[i]);
	free(walk->samples);
	free(walk->samples_counts);
	free(walk->boots);
}

void walk_free(struct walk *walk)
{
	if (!walk)
		return;
	free(walk->id);
	free(walk->folder);
	json_decref(walk->state);
	kernel_row_release(&walk->row);
	kernel_row_setting_release(&walk->setting);
	stored_run_release(&walk->run);
	free(walk->entries);
	strvec_release(&walk->differences);
	free_samples(walk);
	run_store_close(walk->store);
	if (walk->lock >= 0)
		(void)close(walk->lock);
	free(walk);
}

static void cleanup_walk_(struct walk **walk)
{
	walk_free(*walk);
}

#define cleanup_walk cleanup_with(cleanup_walk_)

static int save(const struct walk *walk, struct error *err)
{
	return record_save(walk->folder, "state.json", walk->state, err);
}

/* --- what was asked --------------------------------------------------------------------- */

static void keep(json_t *state, const char *name, const char *value)
{
	cleanup_free char *path = value && strchr(value, '/') ? path_absolute(value) : NULL;

	if (value)
		json_object_set_new(state, name, json_string(path ? path : value));
}

static json_t *new_state(const struct walk_request *request)
{
	const struct kernel_row_options *setting = &request->setting;
	json_t *state = json_pack("{s:i, s:i, s:i}", "format", STATE_FORMAT, "blocks_count",
				  (int)request->blocks_count, "budget_minutes",
				  (int)request->budget_minutes);

	keep(state, "series", request->series);
	keep(state, "from", request->from);
	keep(state, "to", request->to);
	keep(state, "campaign", setting->campaign);
	keep(state, "variant", setting->variant);
	keep(state, "base", setting->base);
	if (setting->fragments)
		json_object_set_new(state, "fragments", json_string(setting->fragments));
	keep(state, "guest", setting->guest);
	keep(state, "suite", setting->suite);
	keep(state, "mode", setting->mode);
	return state;
}

static const char *said(const struct walk *walk, const char *name)
{
	const char *text = record_text(walk->state, name);

	return *text ? text : NULL;
}

static int load_row(struct walk *walk, struct error *err)
{
	int code = kernel_row_of_series(walk->options->project_root,
					record_text(walk->state, "series"), &walk->row, err);

	if (code)
		return code;
	walk->to = walk->row.count - 1;
	if (said(walk, "from"))
		code = kernel_row_find(&walk->row, said(walk, "from"), &walk->from, err);
	if (!code && said(walk, "to"))
		code = kernel_row_find(&walk->row, said(walk, "to"), &walk->to, err);
	if (!code && walk->from >= walk->to)
		code = error_set(err, -EINVAL, "from (%s) must come before to (%s)",
				 walk->row.items[walk->from].name, walk->row.items[walk->to].name);
	return code;
}

static int load_all(struct walk *walk, struct error *err)
{
	const struct kernel_row_options options = {
		.campaign = record_text(walk->state, "campaign"),
		.variant = said(walk, "variant"), .base = said(walk, "base"),
		.fragments = said(walk, "fragments"), .guest = said(walk, "guest"),
		.suite = said(walk, "suite"), .mode = said(walk, "mode"),
	};
	int code = load_row(walk, err);

	return code ? code : kernel_row_setting_load(walk->options->project_root, &walk->row,
						     &options, &walk->setting, err);
}

static int open_store(struct walk *walk, struct error *err)
{
	cleanup_free char *path = path_join(walk->folder, "lock");
	int code = lock_acquire(path, true, false, &walk->lock);

	if (code == -EWOULDBLOCK)
		return error_set(err, -EBUSY, "walk %s: another kerngate is at work on it",
				 walk->id);
	if (code)
		return error_set_errno(err, code, "%s", path);
	return run_store_open(walk->options->results_dir, &walk->store, err);
}

static struct walk *walk_new(const struct experiment_options *options)
{
	struct walk *walk = memory_alloc(sizeof(*walk));

	walk->lock = -1;
	walk->options = options;
	return walk;
}

int walk_begin(const struct walk_request *request, const struct experiment_options *options,
	       struct walk **ret_walk, struct error *err)
{
	cleanup_walk struct walk *walk = walk_new(options);
	cleanup_free char *parent = path_join(options->results_dir, "walk");
	int code;

	walk->state = new_state(request);
	code = load_all(walk, err);
	if (!code)
		code = kernel_row_folder(parent, &walk->id, &walk->folder, err);
	if (!code)
		code = open_store(walk, err);
	if (code)
		return code;
	json_object_set_new(walk->state, "kernels", kernel_row_json(&walk->row));
	code = save(walk, err);
	if (!code)
		*ret_walk = take_pointer(walk);
	return code;
}

static int load_state(struct walk *walk, struct error *err)
{
	int code = record_load(walk->folder, "state.json", &walk->state, err);

	if (code)
		return error_prefix(err, "walk %s", walk->id);
	if (record_number(walk->state, "format") > STATE_FORMAT)
		return error_set(err, -EPROTO, "walk %s is of a newer kerngate", walk->id);
	if (!said(walk, "series") || !said(walk, "campaign") ||
	    !record_number(walk->state, "format"))
		return error_set(err, -EBADMSG, "%s/state.json: damaged: expected format, series "
				 "and campaign", walk->folder);
	return 0;
}

int walk_resume(const char *id, const struct experiment_options *options,
		struct walk **ret_walk, struct error *err)
{
	cleanup_walk struct walk *walk = walk_new(options);
	cleanup_free char *parent = path_join(options->results_dir, "walk");
	int code = 0;

	if (id)
		walk->id = string_copy(id);
	else
		code = kernel_row_newest(parent, &walk->id, err);
	if (code)
		return code;
	walk->folder = path_join(parent, walk->id);
	if (!path_is_folder(walk->folder) || strchr(walk->id, '/'))
		return error_set(err, -ENOENT, "no walk '%s' in %s", walk->id, parent);
	code = load_state(walk, err);
	if (!code)
		code = load_all(walk, err);
	if (!code)
		code = kernel_row_check(&walk->row, json_object_get(walk->state, "kernels"), err);
	if (!code)
		code = open_store(walk, err);
	if (!code)
		*ret_walk = take_pointer(walk);
	return code;
}

/* --- kernels ------------------------------------------------------------------------------ */

/* What was made of a prefix: {"name", "what": "booted" | "same as" | "does not build",
 * "detail"}. */
static void note_kernel(json_t *made, const char *name, const char *what, const char *detail)
{
	json_t *text = json_string(detail);

	json_array_append_new(made, json_pack("{s:s, s:s, s:o}", "name", name, "what", what,
					      "detail", text ? text : json_string("")));
}

struct building {
	struct walk *walk;
	struct kernel_cache *cache;
	json_t *made;                       /* borrowed */
	char last_name[64];                 /* of the last one that is to be booted */
	char last_image[SHA256_HEX_SIZE];
};

static int build_spec(const struct building *building, size_t position,
		      struct built_kernel *kernel, struct error *err)
{
	const struct walk *walk = building->walk;
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	const char *name = walk->row.items[position].name;
	const struct build_options options = { .jobs = walk->options->jobs, .label = name };
	const struct kernel_row_plan plan = {
		.name = name, .purpose = "One prefix", .folder = walk->folder,
		.positions = &position, .positions_count = 1, .blocks_count = 2, .first_seed = 1,
	};
	int code = kernel_row_campaign(walk->options->project_root, &walk->row, &walk->setting,
				       &plan, &campaign, err);

	if (!code)
		code = kernel_build(building->cache, &campaign.variants[0].kernel, &options,
				    kernel, err);
	progress_clear();
	return code;
}

static bool is_of_host(int code)
{
	return code == -ECANCELED || code == -EINTR || code == -ETIME || code == -ENOSPC ||
	       code == -EDQUOT || code == -ENOMEM || code == -EACCES;
}

static int build_one(struct building *building, size_t position, struct error *err)
{
	const struct walk *walk = building->walk;
	const char *name = walk->row.items[position].name;
	cleanup_with(built_kernel_release) struct built_kernel kernel = { .folder = NULL };
	struct error cause = ERROR_INIT;
	int code = build_spec(building, position, &kernel, &cause);

	if (code && (position == walk->from || is_of_host(code)))
		return error_set(err, code, "%s: %s", name, cause.message);
	if (code) {
		log_warning("%s does not build and is left out: %s", name, cause.message);
		note_kernel(building->made, name, "does not build", cause.message);
	} else if (!strcmp(kernel.image_sha256, building->last_image)) {
		note_kernel(building->made, name, "same as", building->last_name);
	} else {
		note_kernel(building->made, name, "booted", "");
		snprintf(building->last_name, sizeof(building->last_name), "%s", name);
		memcpy(building->last_image, kernel.image_sha256, SHA256_HEX_SIZE);
	}
	return 0;
}

static void close_cache(struct kernel_cache **cache)
{
	kernel_cache_close(*cache);
}

static int build_all(struct walk *walk, struct error *err)
{
	const struct experiment_options *options = walk->options;
	cleanup_with(close_cache) struct kernel_cache *cache = NULL;
	cleanup_json json_t *made = json_array();
	struct building building = { .walk = walk, .made = made };
	int code = kernel_cache_open(options->cache_path, options->cache_max_bytes, &cache, err);

	building.cache = cache;
	process_set_deadline(options->deadline_ns);
	for (size_t i = walk->from; !code && i <= walk->to; i++)
		code = build_one(&building, i, err);
	process_set_deadline(0);
	if (code)
		return code;
	json_object_set(walk->state, "made", made);
	return save(walk, err);
}

/* --- the run -------------------------------------------------------------------------------- */

static size_t booted_positions(const struct walk *walk, size_t *positions)
{
	const json_t *made = json_object_get(walk->state, "made"), *item;
	size_t index, count = 0;

	json_array_foreach(made, index, item)
		if (!strcmp(record_text(item, "what"), "booted"))
			positions[count++] = walk->from + index;
	return count;
}

static int begin_run(struct walk *walk, const char *name, char **ret_run_id, struct error *err)
{
	struct experiment_options options = *walk->options;
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_free size_t *positions = memory_alloc_array(walk->row.count, sizeof(*positions));
	uint32_t blocks = (uint32_t)record_number(walk->state, "blocks_count");
	const struct campaign *from = &walk->setting.campaign;
	struct kernel_row_plan plan = {
		.name = name, .purpose = "Every prefix of a series", .folder = walk->folder,
		.positions = positions, .blocks_count = blocks ? blocks : from->blocks_count,
		.first_seed = from->seed ? from->seed : 1,
		.budget_minutes = (uint32_t)record_number(walk->state, "budget_minutes"),
		.control = from->control,
	};
	int code;

	plan.positions_count = booted_positions(walk, positions);
	if (plan.positions_count < 2)
		return error_set(err, -EINVAL, "all kernels that build are the same image: no patch "
				 "from %s to %s changes what is compiled",
				 walk->row.items[walk->from].name, walk->row.items[walk->to].name);
	code = kernel_row_campaign(options.project_root, &walk->row, &walk->setting, &plan,
				   &campaign, err);
	options.blocks_count = plan.blocks_count;
	return code ? code : experiment_run(&campaign, &options, ret_run_id, err);
}

static int finish_run(struct walk *walk, const char *run_id, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_free char *resumed = NULL;
	int code = run_store_load(walk->store, run_id, &run, err);

	if (code || !strcmp(run.state, "finished"))
		return code;
	return experiment_resume(run_id, walk->options, &resumed, err);
}

int walk_go(struct walk *walk, struct error *err)
{
	cleanup_free char *name = string_format("walk-%s", walk->id), *run_id = NULL;
	int code = run_store_find_campaign(walk->store, name, &run_id, err);

	if (!code && run_id)
		code = finish_run(walk, run_id, err);
	if (!code && !run_id && !json_object_get(walk->state, "made"))
		code = build_all(walk, err);
	if (!code && !run_id)
		code = begin_run(walk, name, &run_id, err);
	if (code)
		return error_prefix(err, "walk %s (go on with: %s walk --resume %s)",
				    walk->id, experiment_program(walk->options), walk->id);
	code = run_store_load(walk->store, run_id, &walk->run, err);
	return code ? code : walk_judge(walk, err);
}
