/* profile.c - which trials a profile compares, and the guests that are run for it.
 * What is pure is in profile_compare.c, how it looks in profile_render.c.
 */
#include "profile.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "replay.h"

#define COUNTS_MAX_BYTES ((size_t)1 << 30)
#define SCRATCH "/tmp/kerngate-profile-XXXXXX"

struct choice {                    /* indexes into the run */
	uint32_t cell, row, variant;
	const struct stored_trial *before, *after;
};

/* --- what is asked for -------------------------------------------------------------- */

static int choose_variant(const struct stored_run *run, const char *name, uint32_t *ret_variant,
			  struct error *err)
{
	cleanup_strbuf struct strbuf there = STRBUF_INIT;
	size_t count = 0;

	for (uint32_t i = 0; i < run->variants_count; i++) {
		const char *label = run->variants[i].label;

		if (i == run->baseline || i == run->control_variant)
			continue;
		strbuf_addf(&there, "%s%s", there.length ? ", " : "", label);
		if (name && strcmp(name, label) != 0)
			continue;
		*ret_variant = i;
		count++;
	}
	if (count == 1)
		return 0;
	if (count)
		return error_set(err, -EINVAL, "run %s has several variants: choose one of %s",
				 run->id, there.data);
	if (!there.length)
		return error_set(err, -ENOENT, "run %s has nothing beside its baseline",
				 run->id);
	return error_set(err, -ENOENT, "run %s has no variant %s beside its baseline: expected "
			 "%s", run->id, name, there.data);
}

static int choose_cell(const struct stored_run *run, const char *name, uint32_t *ret_cell,
		       struct error *err)
{
	cleanup_strbuf struct strbuf there = STRBUF_INIT;

	if (!name && run->cells_count == 1) {
		*ret_cell = 0;
		return 0;
	}
	for (uint32_t i = 0; i < run->cells_count; i++) {
		cleanup_free char *cell = string_format("%s/%s", run->cells[i].guest,
							run->cells[i].suite);

		if (name && strcmp(cell, name) == 0) {
			*ret_cell = i;
			return 0;
		}
		strbuf_addf(&there, "%s%s", i ? ", " : "", cell);
	}
	if (name)
		return error_set(err, -ENOENT, "run %s has no cell %s: expected %s", run->id, name,
				 there.data);
	return error_set(err, -EINVAL, "run %s has several cells: choose one of %s", run->id,
			 there.data);
}

static int choose_row(const struct stored_run *run, uint32_t cell, const char *name,
		      uint32_t *ret_row, struct error *err)
{
	const struct stored_cell *stored = &run->cells[cell];
	cleanup_strbuf struct strbuf there = STRBUF_INIT;

	if (!name && stored->rows_count == 1) {
		*ret_row = 0;
		return 0;
	}
	for (uint32_t i = 0; i < stored->rows_count; i++) {
		if (name && strcmp(stored->rows[i].name, name) == 0) {
			*ret_row = i;
			return 0;
		}
		strbuf_addf(&there, "%s%s", i ? ", " : "", stored->rows[i].name);
	}
	if (name)
		return error_set(err, -ENOENT, "suite %s has no row %s: expected %s",
				 stored->suite, name, there.data);
	return error_set(err, -EINVAL, "suite %s has several rows: choose one of %s",
			 stored->suite, there.data);
}

/* The trial that counts; NULL without one that passed. */
static const struct stored_trial *find_trial(const struct stored_run *run, uint32_t cell,
					     uint32_t variant, uint64_t seed)
{
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (trial->cell == cell && trial->variant == variant && trial->seed == seed &&
		    trial->state == TRIAL_FINISHED && !trial->superseded &&
		    trial->outcome == OUTCOME_PASSED)
			return trial;
	}
	return NULL;
}

/* Seeds in the order of the plan, unless one is named. */
static int choose_trials(const struct stored_run *run, uint64_t seed, struct choice *choice,
			 struct error *err)
{
	uint32_t baseline = (uint32_t)run->baseline;

	for (size_t i = 0; i < run->trials_count; i++) {
		uint64_t candidate = run->trials[i].seed;

		if (seed && candidate != seed)
			continue;
		choice->before = find_trial(run, choice->cell, baseline, candidate);
		choice->after = find_trial(run, choice->cell, choice->variant, candidate);
		if (choice->before && choice->after)
			return 0;
	}
	if (seed)
		return error_set(err, -ENOENT, "run %s has no seed %" PRIu64 " with which both %s "
				 "and %s passed", run->id, seed, run->variants[baseline].label,
				 run->variants[choice->variant].label);
	return error_set(err, -ENOENT, "run %s has no seed with which both %s and %s passed",
			 run->id, run->variants[baseline].label,
			 run->variants[choice->variant].label);
}

static int choose(const struct stored_run *run, const struct profile_request *request,
		  struct choice *ret_choice, struct error *err)
{
	struct choice choice = { .before = NULL };
	int rc;

	if (run->mode != MODE_EXACT)
		return error_set(err, -EINVAL, "run %s was in timed mode: only what ran on the "
				 "instruction clock can be counted again", run->id);
	if (run->exact.kaslr)
		return error_set(err, -EINVAL, "run %s: its seeds moved the kernel (exact: kaslr), so "
				 "that addresses say nothing of functions", run->id);
	rc = choose_variant(run, request->variant, &choice.variant, err);
	if (!rc)
		rc = choose_cell(run, request->cell, &choice.cell, err);
	if (!rc)
		rc = choose_row(run, choice.cell, request->row, &choice.row, err);
	if (!rc)
		rc = choose_trials(run, request->seed, &choice, err);
	if (!rc)
		*ret_choice = choice;
	return rc;
}

/* --- guests ---------------------------------------------------------------------------- */

static int read_counts(const char *path, struct plugin_counts *ret_counts, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t length;
	int rc = file_read(path, COUNTS_MAX_BYTES, &text, &length);

	if (rc)
		return error_set_errno(err, rc, "%s: cannot be read", path);
	rc = plugin_counts_parse(text, length, ret_counts, err);
	return rc ? error_prefix(err, "%s", path) : 0;
}

/* What to count, from what the trial counted when it ran; whole rounds where it
 * counted nothing. */
static int find_region(const struct replay_world *world, uint32_t row, uint32_t *ret_region,
		       struct error *err)
{
	struct plugin_counts counts = PLUGIN_COUNTS_INIT;
	cleanup_free char *path = path_join(world->folder, "counts");
	int rc = path_exists(path) ? read_counts(path, &counts, err) : 0;

	if (rc)
		return rc;
	*ret_region = profile_region_of(&counts, row);
	plugin_counts_release(&counts);
	return 0;
}

static int run_world(const struct replay_world *world, const struct profile_request *request,
		     uint32_t row, const char *scratch, struct profile_side *side,
		     struct error *err)
{
	cleanup_with(replay_outcome_release) struct replay_outcome outcome = {
		.result = TRIAL_RESULT_INIT
	};
	struct replay_options options = {
		.experiment = request->options,
		.profile = true,
		.profile_row = row,
		.folder = scratch,
	};
	int rc = find_region(world, row, &options.profile_region, err);

	if (!rc)
		rc = replay_run(world, &options, &outcome, err);
	if (rc)
		return rc;
	if (outcome.result.outcome != OUTCOME_PASSED)
		return error_set(err, -EBADMSG, "it passed then, and with a profile it is %s: %s",
				 outcome_name(outcome.result.outcome), outcome.result.reason);
	if (!outcome.counts_path)
		return error_set(err, -EBADMSG, "it left no count file");
	return read_counts(outcome.counts_path, &side->counts, err);
}

static int take_side(struct run_store *store, const struct profile_request *request,
		     const struct stored_run *run, const struct choice *choice,
		     const struct stored_trial *trial, const char *scratch,
		     struct profile_side *side, struct error *err)
{
	cleanup_with(replay_world_release) struct replay_world world = { .name = NULL };
	cleanup_free char *name = string_format("%s/%u", run->id, trial->order + 1);
	cleanup_free char *folder = string_format("%s/%u", scratch, trial->order + 1);
	int rc = replay_load_trial(store, name, request->options, &world, err);

	if (rc)
		return rc;
	side->variant = string_copy(run->variants[trial->variant].label);
	side->trial = trial->order + 1;
	rc = run_world(&world, request, choice->row, folder, side, err);
	return rc ? error_prefix(err, "profile of trial %s", name) : 0;
}

static void remove_scratch(char **folder)
{
	if (*folder)
		(void)!folder_remove(*folder);
	free(*folder);
}

static int take_both(struct run_store *store, const struct profile_request *request,
		     const struct stored_run *run, const struct choice *choice,
		     struct profile *profile, struct error *err)
{
	cleanup_with(remove_scratch) char *scratch = string_copy(SCRATCH);
	int rc;

	if (!mkdtemp(scratch)) {
		rc = -errno;
		free(take_pointer(scratch));
		return error_set_errno(err, rc, "%s: cannot make a folder", SCRATCH);
	}
	rc = take_side(store, request, run, choice, choice->before, scratch, &profile->before,
		       err);
	if (!rc)
		rc = take_side(store, request, run, choice, choice->after, scratch,
			       &profile->after, err);
	return rc;
}

int profile_take(struct run_store *store, const struct profile_request *request,
		 struct profile *ret_profile, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_profile struct profile profile = { .run_id = NULL };
	struct choice choice = { .before = NULL };
	int rc = run_store_load(store, request->run_id, &run, err);

	if (!rc)
		rc = choose(&run, request, &choice, err);
	if (rc)
		return rc;
	profile.run_id = string_copy(run.id);
	profile.guest = string_copy(run.cells[choice.cell].guest);
	profile.suite = string_copy(run.cells[choice.cell].suite);
	profile.row = string_copy(run.cells[choice.cell].rows[choice.row].name);
	profile.seed = choice.before->seed;
	rc = take_both(store, request, &run, &choice, &profile, err);
	if (!rc)
		rc = profile_compare(&profile, err);
	if (rc)
		return rc;
	*ret_profile = profile;
	profile = (struct profile){ .run_id = NULL };
	return 0;
}

int profile_save(struct run_store *store, const struct profile *profile, char **ret_path,
		 struct error *err)
{
	cleanup_free char *run = run_store_run_folder(store, profile->run_id);
	cleanup_free char *folder = path_join(run, "profiles");
	cleanup_free char *path = string_format("%s/%s-%s-%s-%s-seed%" PRIu64 ".json", folder,
						profile->after.variant, profile->guest,
						profile->suite, profile->row, profile->seed);
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	int rc = folder_make(folder);

	profile_render_json(profile, &text);
	if (!rc)
		rc = file_write_atomic(path, text.data, text.length, 0644);
	if (rc)
		return error_set_errno(err, rc, "%s: cannot be written", path);
	*ret_path = take_pointer(path);
	return 0;
}
