/* bisect_step.c - one step: its kernels are built, its campaign is written, its run is
 * made. The run is noted before it begins, so that nothing of it is lost.
 */
#include <errno.h>
#include <string.h>

#include "bisect_private.h"
#include "clock.h"
#include "files.h"
#include "kernel_records.h"
#include "log.h"
#include "memory.h"

/* --- kernels -------------------------------------------------------------------------------- */

/* No word on the kernel, but on this machine. */
static bool is_of_host(int code)
{
	return code == -ECANCELED || code == -EINTR || code == -ENOSPC || code == -EDQUOT ||
	       code == -ENOMEM || code == -EACCES;
}

/* 1: it is skipped, or (unless those are booted too) another's twin. */
static int build_one(struct bisect *bisect, const struct variant *variant, size_t position,
		     bool with_twins, struct error *err)
{
	const struct build_options options = { .jobs = bisect->options->jobs,
					       .label = variant->name };
	cleanup_with(built_kernel_release) struct built_kernel kernel = { .folder = NULL };
	bool is_end = position == 0 || position == bisect->model.last;
	struct error cause = ERROR_INIT;
	int code = kernel_build(bisect->cache, &variant->kernel, &options, &kernel, &cause);

	progress_clear();
	if (code && (is_end || is_of_host(code)))
		return error_set(err, code, "%s: %s", variant->name, cause.message);
	if (code) {
		log_warning("%s does not build and is skipped: %s", variant->name, cause.message);
		code = bisect_state_skip(bisect, position, cause.message, err);
		return code ? code : 1;
	}
	if (!bisect_state_image(bisect, position, kernel.image_sha256))
		return 0;
	if (is_end && bisect->model.twins[position] == 0)
		return error_set(err, -EINVAL, "good and bad are the same kernel image: nothing "
				 "that was compiled differs between them");
	if (is_end || with_twins)
		return 0;
	log_info("%s is the same kernel as %s", variant->name,
		 bisect_item(bisect, bisect->model.twins[position])->name);
	return 1;
}

static int build_all(struct bisect *bisect, const struct campaign *campaign,
		     const size_t *positions, bool with_twins, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < campaign->variants_count; i++) {
		int code = build_one(bisect, &campaign->variants[i], positions[i], with_twins,
				     err);

		if (code < 0)
			return code;
		result |= code;
	}
	if (result) {
		int code = bisect_state_save(bisect, err);

		return code ? code : result;
	}
	return 0;
}

/* --- the run ---------------------------------------------------------------------------------- */

static json_t *positions_json(const struct bisect *bisect, const size_t *positions, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(bisect_item(bisect, positions[i])->name));
	return list;
}

/* experiment_run gives an id also where the run did not end well. */
static int keep_run_id(struct bisect *bisect, json_t *entry, const char *run_id, int code,
		       struct error *err)
{
	struct error second = ERROR_INIT;
	int saved;

	if (run_id)
		json_object_set_new(entry, "run", json_string(run_id));
	bisect_state_spend(bisect);
	saved = bisect_state_save(bisect, code ? &second : err);
	return code ? code : saved;
}

static int run_campaign(struct bisect *bisect, const struct campaign *campaign, json_t *entry,
			uint32_t blocks, struct error *err)
{
	struct experiment_options options = *bisect->options;
	cleanup_free char *run_id = NULL;
	int code;

	options.blocks_count = blocks;
	options.seed = 0;
	code = experiment_run(campaign, &options, &run_id, err);
	return keep_run_id(bisect, entry, run_id, code, err);
}

int bisect_step(struct bisect *bisect, const char *kind, const size_t *positions, size_t count,
		uint32_t blocks, uint64_t first_seed, struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_free char *name = string_format("bisect-%s-%zu-%s", bisect->id,
						json_array_size(bisect_state_runs(bisect)) + 1,
						kind);
	cleanup_free size_t *items = memory_alloc_array(count, sizeof(*items));
	uint32_t left = bisect_state_left_minutes(bisect);
	const struct kernel_row_plan plan = {
		.name = name, .purpose = "A step of a bisection", .folder = bisect->folder,
		.positions = items, .positions_count = count, .blocks_count = blocks,
		.first_seed = first_seed, .budget_minutes = left == UINT32_MAX ? 0 : left,
		/* in exact mode the canary of the first seed is enough */
		.control = !strcmp(kind, "ends") && !bisect_is_exact(bisect),
	};
	json_t *entry;
	int code;

	for (size_t i = 0; i < count; i++)
		items[i] = bisect->good + positions[i];
	code = kernel_row_campaign(bisect->options->project_root, &bisect->row, &bisect->setting,
				   &plan, &campaign, err);
	if (!code)
		code = build_all(bisect, &campaign, positions, !strcmp(kind, "check"), err);
	if (code)
		return code;
	entry = json_pack("{s:s, s:s, s:o, s:i, s:I}", "campaign", name, "kind", kind,
			  "positions", positions_json(bisect, positions, count), "blocks",
			  (int)blocks, "seed", (json_int_t)first_seed);
	json_array_append_new(bisect_state_runs(bisect), entry);
	bisect_state_spend(bisect);
	code = bisect_state_save(bisect, err);
	return code ? code : run_campaign(bisect, &campaign, entry, blocks, err);
}

static int resume_run(struct bisect *bisect, json_t *entry, const char *run_id,
		      struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_free char *resumed = NULL;
	int code = run_store_load(bisect->store, run_id, &run, err);

	if (code || !strcmp(run.state, "finished"))
		return code;
	code = experiment_resume(run_id, bisect->options, &resumed, err);
	return keep_run_id(bisect, entry, run_id, code, err);
}

int bisect_finish_run(struct bisect *bisect, struct error *err)
{
	json_t *runs = bisect_state_runs(bisect);
	size_t count = json_array_size(runs);
	json_t *entry = count ? json_array_get(runs, count - 1) : NULL;
	cleanup_free char *run_id = NULL;
	int code = 0;

	if (!entry)
		return 0;
	if (*record_text(entry, "run"))
		run_id = string_copy(record_text(entry, "run"));
	else
		/* one may have begun without being noted */
		code = run_store_find_campaign(bisect->store, record_text(entry, "campaign"),
					       &run_id, err);
	if (code)
		return code;
	if (!run_id) {
		json_array_remove(runs, count - 1);
		return bisect_state_save(bisect, err);
	}
	json_object_set_new(entry, "run", json_string(run_id));
	return resume_run(bisect, entry, run_id, err);
}
