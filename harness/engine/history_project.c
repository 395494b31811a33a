/* history_project.c - the project of a confirmation: the kernels of two runs, from the
 * copies of the configs that each run keeps, laid out so that a campaign can name both
 * although files of both have the same names:
 *
 *     configs/campaigns/NAME.yaml    in JSON, which is YAML too
 *     configs/guests, configs/suites of the later run
 *     kernel/bases/SIDE/, kernel/series/SIDE/, kernel/fragments/SIDE/
 *                                    SIDE being before or after
 */
#include "history_confirm.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "experiment_private.h"
#include "files.h"
#include "kernel_builder.h"
#include "memory.h"
#include "run_json.h"

#define SEEDS_COUNT 8   /* docs/measurement.md: enough for spreads up to 0.15 % */
#define BLOCKS_MIN 10
#define MARGIN_MIN_TIMED 0.1
#define MARGIN_MIN_EXACT 0.01

/* One of the two runs. */
struct side {
	const char *name;              /* "before", "after" */
	const struct stored_run *run;  /* borrowed */
	struct campaign campaign;      /* as that run was made from */
	const struct variant *variant; /* of it */
	const struct stored_variant *stored;
};

struct project {
	char *root;                    /* owned */
	struct side before, after;
	const struct campaign_cell *cell; /* of the later run */
};

static void project_release(struct project *project)
{
	campaign_release(&project->before.campaign);
	campaign_release(&project->after.campaign);
	free(project->root);
}

/* --- what the runs were made from ------------------------------------------------------ */

static int load_side(struct run_store *store, struct side *side, const char *label,
		     struct error *err)
{
	const struct experiment_options options = { .project_root = run_store_folder(store) };
	size_t index = 0;
	int rc = experiment_load_config(store, side->run, &options, &side->campaign, err);

	for (size_t i = 0; !rc && i < side->run->variants_count; i++)
		if (!strcmp(side->run->variants[i].label, label))
			side->stored = &side->run->variants[i];
	if (!rc && !side->stored)
		return error_set(err, -ENOENT, "run %s has no variant %s", side->run->id, label);
	if (!rc)
		rc = campaign_find_variant(&side->campaign, side->stored->name, &index, err);
	if (rc)
		return error_prefix(err, "run %s: its configs", side->run->id);
	side->variant = &side->campaign.variants[index];
	return 0;
}

static int find_cell(struct project *project, const struct history_series *series,
		     struct error *err)
{
	const struct campaign *campaign = &project->after.campaign;

	for (size_t i = 0; i < campaign->cells_count; i++)
		if (!strcmp(campaign->cells[i].guest.name, series->guest) &&
		    !strcmp(campaign->cells[i].suite.name, series->suite))
			project->cell = &campaign->cells[i];
	if (project->cell)
		return 0;
	return error_set(err, -ENOENT, "run %s: its configs have no cell %s/%s",
			 project->after.run->id, series->guest, series->suite);
}

/* --- files ------------------------------------------------------------------------------- */

static int copy_into(const char *from, const char *folder, const char *name,
		     struct error *err)
{
	cleanup_free char *to = path_join(folder, name);
	int rc = folder_make(folder);

	if (!rc)
		rc = path_is_folder(from) ? folder_copy(from, to) : file_copy(from, to, 0644);
	return rc ? error_set_errno(err, rc, "%s: cannot be copied to %s", from, to) : 0;
}

/* Copies RUN/config/FOLDER/NAME.yaml to ROOT/FOLDER or, of a side, ROOT/FOLDER/SIDE. */
static int copy_config(struct run_store *store, const struct project *project,
		       const struct side *side, const char *folder, const char *name,
		       bool apart, struct error *err)
{
	cleanup_free char *run = run_store_run_folder(store, side->run->id);
	cleanup_free char *file = string_format("%s.yaml", name);
	cleanup_free char *from = string_format("%s/config/%s/%s", run, folder, file);
	cleanup_free char *to = string_format("%s/%s%s%s", project->root, folder,
					      apart ? "/" : "", apart ? side->name : "");

	return copy_into(from, to, file, err);
}

/* Copies files or folders to ROOT/kernel/WHAT/SIDE; the references that the campaign
 * has to them are appended to the array. */
static int copy_parts(const struct project *project, const struct side *side,
		      const char *what, const struct strvec *paths, json_t *references,
		      struct error *err)
{
	cleanup_free char *folder = string_format("%s/kernel/%s/%s", project->root, what,
						  side->name);
	int rc = 0;

	for (size_t i = 0; !rc && i < paths->count; i++) {
		size_t patches_max = 0;
		/* "SERIES@N" is the folder SERIES */
		cleanup_free char *path = series_split(paths->items[i], &patches_max);
		cleanup_free char *reference = string_format("../../kernel/%s/%s/%s", what,
							     side->name,
							     path_base_name(paths->items[i]));

		rc = copy_into(path, folder, path_base_name(path), err);
		json_array_append_new(references, run_json_text(reference));
	}
	return rc;
}

/* --- the campaign ------------------------------------------------------------------------- */

static json_t *texts_json(const struct strvec *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(array, run_json_text(texts->items[i]));
	return array;
}

static int add_side(struct run_store *store, const struct project *project,
		    const struct side *side, json_t *variants, struct error *err)
{
	const struct kernel_spec *kernel = &side->variant->kernel;
	cleanup_free char *base = string_format("../../kernel/bases/%s/%s.yaml", side->name,
						kernel->base.name);
	json_t *series = json_array(), *fragments = json_array();
	json_t *spec = json_pack("{s:s, s:s, s:o, s:o}", "base", base, "cc",
				 kernel->cc ? kernel->cc : "gcc", "series", series, "fragments",
				 fragments);
	int rc;

	json_array_append_new(variants, json_pack("{s:s, s:o, s:o, s:o}", "name", side->name,
						  "kernel", spec, "cmdline",
						  texts_json(&side->variant->cmdline), "sysctls",
						  texts_json(&side->variant->sysctls)));
	rc = copy_config(store, project, side, "kernel/bases", kernel->base.name, true, err);
	if (!rc)
		rc = copy_parts(project, side, "series", &kernel->series, series, err);
	if (!rc)
		rc = copy_parts(project, side, "fragments", &kernel->fragments, fragments, err);
	return rc;
}

/* Name of the guest's file: a cell of vcpus_counts is called SHAPE-Ncpu. Owned. */
static char *shape_of(const struct campaign_cell *cell)
{
	cleanup_free char *tail = string_format("-%ucpu", cell->guest.vcpus_count);
	size_t length = strlen(cell->guest.name), tail_length = strlen(tail);

	if (cell->is_scaled && length > tail_length)
		length -= tail_length;
	return string_copy_n(cell->guest.name, length);
}

static int add_cell(struct run_store *store, const struct project *project, json_t *root,
		    struct error *err)
{
	const struct campaign_cell *cell = project->cell;
	cleanup_free char *shape = shape_of(cell);
	json_t *object = json_pack("{s:s, s:s}", "guest", shape, "suite", cell->suite.name);
	int rc = copy_config(store, project, &project->after, "configs/guests", shape, false, err);

	if (cell->is_scaled)
		json_object_set_new(object, "vcpus_counts",
				    json_pack("[i]", (int)cell->guest.vcpus_count));
	json_object_set_new(root, "cells", json_pack("[o]", object));
	if (!rc)
		rc = copy_config(store, project, &project->after, "configs/suites",
				 cell->suite.name, false, err);
	return rc;
}

/* Blocks that the run was planned with; in exact mode seeds. */
static uint32_t blocks_of(const struct stored_run *run)
{
	uint32_t count = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].block >= count)
			count = run->trials[i].block + 1;
	return count;
}

/* A change is settled by what it was found by: the same smallest effect. */
static void add_policy(const struct project *project, const struct history_series *series,
		       json_t *root)
{
	const struct stored_run *run = project->after.run;
	const struct campaign *campaign = &project->after.campaign;
	bool is_exact = run->mode == MODE_EXACT;
	double margin = 100 * series->minimum_effect;
	double least = is_exact ? MARGIN_MIN_EXACT : MARGIN_MIN_TIMED;

	json_object_set_new(root, "gate", json_pack(
		"{s:f, s:f, s:f, s:s}", "margin_percent", margin > least ? margin : least,
		"alpha", run->gate.alpha, "confidence", run->gate.confidence, "correction",
		correction_name(CORRECTION_NONE)));
	json_object_set_new(root, "mode", json_string(run_mode_name(run->mode)));
	json_object_set_new(root, "repeats_max", json_integer(campaign->repeats_max));
	json_object_set_new(root, "control", json_true());
	if (!is_exact) {
		json_object_set_new(root, "blocks_count",
				    json_integer(blocks_of(run) > BLOCKS_MIN ?
						 blocks_of(run) : BLOCKS_MIN));
		return;
	}
	json_object_set_new(root, "seeds_count", json_integer(SEEDS_COUNT));
	/* worlds that neither run has seen: those of the later run are what made the
	 * change show */
	json_object_set_new(root, "seed", json_integer((json_int_t)(run->seed +
								       blocks_of(run))));
	json_object_set_new(root, "exact", json_pack(
		"{s:i, s:b, s:s, s:i, s:b}", "shift", (int)run->exact.shift, "counts",
		run->exact.counts, "by", run->exact.by_instruction ? "instruction" : "block",
		"jitter_us", (int)run->exact.jitter_us, "kaslr", run->exact.kaslr));
}

static int write_campaign(const struct project *project, const char *name, const json_t *root,
			  struct error *err)
{
	cleanup_free char *folder = path_join(project->root, "configs/campaigns");
	cleanup_free char *path = string_format("%s/%s.yaml", folder, name);
	cleanup_free char *text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS |
					     JSON_REAL_PRECISION(15));
	int rc = folder_make(folder);

	if (!rc)
		rc = file_write_atomic(path, text, strlen(text), 0644);
	return rc ? error_set_errno(err, rc, "%s: cannot be written", path) : 0;
}

static int write_project(struct run_store *store, const struct project *project,
			 const struct history_series *series, const char *name,
			 struct error *err)
{
	json_t *root = json_object(), *variants = json_array();
	cleanup_free char *purpose = string_format("%s in %s/%s: %s against %s",
						   series->variant, series->guest, series->suite,
						   project->before.run->id,
						   project->after.run->id);
	int rc;

	json_object_set_new(root, "purpose", run_json_text(purpose));
	json_object_set_new(root, "variants", variants);
	json_object_set_new(root, "baseline", json_string(project->before.name));
	add_policy(project, series, root);
	rc = add_side(store, project, &project->before, variants, err);
	if (!rc)
		rc = add_side(store, project, &project->after, variants, err);
	if (!rc)
		rc = add_cell(store, project, root, err);
	if (!rc)
		rc = write_campaign(project, name, root, err);
	json_decref(root);
	return rc;
}

/* The kernel of the copy must be the one that the run booted. */
static int check_key(const struct side *side, const struct campaign *campaign, size_t index,
		     struct error *err)
{
	char key[SHA256_HEX_SIZE];
	int rc = kernel_spec_key(&campaign->variants[index].kernel, key, err);

	if (!rc && strcmp(key, side->stored->kernel_key))
		rc = error_set(err, -ESTALE, "its sources, patches, fragments or compiler are not "
			       "those of then (kernel %.12s, now %.12s)", side->stored->kernel_key,
			       key);
	return rc ? error_prefix(err, "run %s: its kernel %s cannot be made again",
				 side->run->id, side->stored->label) : 0;
}

int history_confirm_project(struct run_store *store, const struct history_series *series,
			    const struct stored_run *before, const struct stored_run *after,
			    const char *name, char **ret_root, struct campaign *ret_campaign,
			    struct error *err)
{
	cleanup_with(project_release) struct project project = {
		.root = string_format("%s/confirmations/%s", run_store_folder(store), name),
		.before = { .name = "before", .run = before },
		.after = { .name = "after", .run = after },
	};
	int rc = load_side(store, &project.before, series->variant, err);

	if (!rc)
		rc = load_side(store, &project.after, series->variant, err);
	if (!rc)
		rc = find_cell(&project, series, err);
	if (!rc)
		rc = write_project(store, &project, series, name, err);
	if (!rc)
		rc = campaign_load(project.root, name, ret_campaign, err);
	if (!rc)
		rc = check_key(&project.before, ret_campaign, 0, err);
	if (!rc)
		rc = check_key(&project.after, ret_campaign, 1, err);
	if (!rc)
		*ret_root = take_pointer(project.root);
	return rc;
}
