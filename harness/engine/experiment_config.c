/* experiment_config.c - the configs of a run, kept with it under RUN/config/
 * (laid out as a project, so that the campaign loads from there), and the
 * check that a resumed run goes on under the same ones.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "experiment_private.h"
#include "files.h"
#include "memory.h"

/* --- saving ----------------------------------------------------------------------- */

/* Copies ROOT/NAME if it is there. */
static int save_folder(const char *root, const char *config, const char *name,
		       struct error *err)
{
	cleanup_free char *from = path_join(root, name), *to = path_join(config, name);
	int rc = path_is_folder(from) ? folder_copy(from, to) : 0;

	return rc ? error_set_errno(err, rc, "%s: cannot be copied to %s", from, to) : 0;
}

static char *config_folder(const struct run_store *store, const char *run_id)
{
	return string_format("%s/%s/config", run_store_folder(store), run_id);
}

/* One file that says all: what is included may lie anywhere, where a copy would not be
 * found. The files as they were are kept beside it. */
static int save_merged(const struct campaign *campaign, const char *config, const char *file,
		       struct error *err)
{
	cleanup_free char *folder = path_join(config, "included");
	cleanup_free char *text = string_format("# %s and what it included, as one\n%s",
						campaign->file, campaign->merged);
	int rc = folder_make(folder);

	if (!rc)
		rc = file_write_atomic(file, text, strlen(text), 0644);
	for (size_t i = 0; !rc && i < campaign->included.count; i++) {
		const char *from = campaign->included.items[i];
		cleanup_free char *name = string_format("%02zu-%s", i + 1, path_base_name(from));
		cleanup_free char *to = path_join(folder, name);

		rc = file_copy(from, to, 0644);
	}
	return rc ? error_set_errno(err, rc, "%s: cannot be written with what it includes", file) :
		    0;
}

/* A base that names a commit, or a version, that its file does not. */
static int save_pinned(const char *config, const struct kernel_base *base, struct error *err)
{
	cleanup_free char *path = string_format("%s/kernel/bases/%s.yaml", config, base->name);
	cleanup_free char *text = NULL;
	json_t *sources = json_array();
	json_t *root = json_pack("{s:s, s:o}", "version", base->version, "sources", sources);
	int rc;

	for (size_t i = 0; i < base->sources_count; i++) {
		const struct source_spec *source = &base->sources[i];

		json_array_append_new(sources, json_pack(
			"{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}",
			"kind", source_kind_name(source->kind), "package", source->package,
			"suite", source->suite, "package_version", source->package_version,
			"url", source->url, "ref", source->ref, "location", source->location,
			"sha256", source->sha256, "path", source->path));
	}
	text = json_dumps(root, JSON_INDENT(2));
	json_decref(root);
	rc = text ? file_write_atomic(path, text, strlen(text), 0644) : -EILSEQ;
	return rc ? error_set_errno(err, rc, "%s: cannot be written", path) : 0;
}

static int save_all_pinned(const struct campaign *campaign, const char *config,
			   struct error *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < campaign->variants_count; i++)
		if (campaign->variants[i].kernel.base.is_pinned)
			rc = save_pinned(config, &campaign->variants[i].kernel.base, err);
	return rc;
}

int experiment_save_config(const struct experiment *experiment, struct error *err)
{
	static const char *const folders[] = { "configs/guests", "configs/suites",
					       "kernel/bases", "kernel/series",
					       "kernel/fragments" };
	const struct campaign *campaign = experiment->campaign;
	cleanup_free char *config = config_folder(experiment->store, experiment->run.id);
	cleanup_free char *campaigns = path_join(config, "configs/campaigns");
	cleanup_free char *file = string_format("%s/%s.yaml", campaigns, campaign->name);
	cleanup_free char *plain = path_join(experiment->run_folder, "campaign.yaml");
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_COUNT(folders); i++)
		rc = save_folder(experiment->options->project_root, config, folders[i], err);
	if (!rc)
		rc = save_all_pinned(campaign, config, err);
	if (rc)
		return rc;
	rc = folder_make(campaigns);
	if (!rc)
		rc = file_copy(campaign->file, file, 0644);
	if (!rc)
		rc = file_copy(campaign->file, plain, 0644);
	if (rc)
		return error_set_errno(err, rc, "%s: cannot be copied to %s", campaign->file, file);
	return campaign->merged ? save_merged(campaign, config, file, err) : 0;
}

/* --- comparing ---------------------------------------------------------------------- */

static int differs(struct error *err, const char *where, const char *what, const char *before,
		   const char *now)
{
	return error_set(err, -ESTALE, "%s: %s was '%s' when the run began and is '%s' now",
			 where, what, before, now);
}

static int compare_text(const char *where, const char *what, const char *before,
			const char *now, struct error *err)
{
	return strcmp(before, now) ? differs(err, where, what, before, now) : 0;
}

static int compare_count(const char *what, size_t before, size_t now, struct error *err)
{
	if (before == now)
		return 0;
	return error_set(err, -ESTALE, "there were %zu %s when the run began, now there are %zu",
			 before, what, now);
}

static int compare_variants(const struct stored_run *run, const struct stored_run *planned,
			    struct error *err)
{
	int rc = compare_count("variants", run->variants_count, planned->variants_count, err);

	for (size_t i = 0; !rc && i < run->variants_count; i++) {
		const struct stored_variant *a = &run->variants[i], *b = &planned->variants[i];
		cleanup_free char *where = string_format("variant %s", a->label);

		rc = compare_text(where, "label", a->label, b->label, err);
		if (!rc)
			rc = compare_text(where, "cmdline", a->cmdline, b->cmdline, err);
		if (!rc)
			rc = compare_text(where, "kernel (its sources, patches, fragments and "
					  "compiler)", a->kernel_key, b->kernel_key, err);
	}
	return rc;
}

static int compare_cell(const struct stored_cell *a, const struct stored_cell *b,
			struct error *err)
{
	cleanup_free char *where = string_format("cell %s/%s", a->guest, a->suite);
	int rc = compare_text(where, "guest", a->guest, b->guest, err);

	if (!rc)
		rc = compare_text(where, "suite", a->suite, b->suite, err);
	if (!rc)
		rc = compare_text(where, "guest's shape", a->guest_record, b->guest_record, err);
	if (!rc)
		rc = compare_count("rows in the suite", a->rows_count, b->rows_count, err);
	for (size_t i = 0; !rc && i < a->rows_count; i++) {
		rc = compare_text(where, "row", a->rows[i].name, b->rows[i].name, err);
		if (!rc)
			rc = compare_text(where, "workload", a->rows[i].workload,
					  b->rows[i].workload, err);
		if (!rc)
			rc = compare_text(where, "arguments", a->rows[i].arguments,
					  b->rows[i].arguments, err);
		if (!rc)
			rc = compare_count("metrics", a->rows[i].metrics_count,
					   b->rows[i].metrics_count, err);
	}
	return rc;
}

static int compare_mode(const struct stored_run *run, const struct stored_run *planned,
			struct error *err)
{
	cleanup_free char *before = exact_policy_format(&run->exact);
	cleanup_free char *now = exact_policy_format(&planned->exact);
	int rc = compare_text("run", "mode", run_mode_name(run->mode),
			      run_mode_name(planned->mode), err);

	if (!rc && run->mode == MODE_EXACT)
		rc = compare_text("run", "exact", before, now, err);
	return rc;
}

int experiment_compare_config(const struct stored_run *run, const struct stored_run *planned,
			      struct error *err)
{
	int rc = compare_text("run", "accelerator", run->accelerator, planned->accelerator, err);

	if (!rc)
		rc = compare_mode(run, planned, err);
	if (!rc)
		rc = compare_variants(run, planned, err);
	if (!rc)
		rc = compare_count("cells", run->cells_count, planned->cells_count, err);
	for (size_t i = 0; !rc && i < run->cells_count; i++)
		rc = compare_cell(&run->cells[i], &planned->cells[i], err);
	return rc;
}

/* --- loading ------------------------------------------------------------------------ */

int experiment_load_config(struct run_store *store, const struct stored_run *run,
			   const struct experiment_options *options,
			   struct campaign *ret_campaign, struct error *err)
{
	cleanup_free char *config = config_folder(store, run->id);
	struct error copy_error = ERROR_INIT;
	int rc = campaign_load(config, run->campaign, ret_campaign, &copy_error);

	/* The copy is not whole: the run ended while it was written, or the
	 * campaign names files by paths that lead elsewhere from there. */
	if (rc)
		rc = campaign_load(options->project_root, run->campaign_file, ret_campaign, err);
	if (rc)
		return error_prefix(err, "%s; and the run's own copy: %s", run->campaign_file,
				    copy_error.message);
	/* the run may have been begun in another mode than the campaign's */
	campaign_set_mode(ret_campaign, run->mode);
	return 0;
}

static bool has_variant(const struct stored_run *run, const char *name)
{
	for (size_t i = 0; i < run->variants_count; i++)
		if (!strcmp(run->variants[i].name, name))
			return true;
	return false;
}

void experiment_keep_planned(const struct stored_run *run, struct campaign *campaign)
{
	cleanup_free size_t *cells = memory_alloc_array(campaign->cells_count, sizeof(*cells));
	cleanup_free bool *variants = memory_alloc_array(campaign->variants_count,
							 sizeof(*variants));
	size_t count = 0;

	for (size_t i = 0; i < run->cells_count && i < campaign->cells_count; i++)
		for (size_t j = 0; j < campaign->cells_count && count <= i; j++)
			if (!strcmp(campaign->cells[j].guest.name, run->cells[i].guest) &&
			    !strcmp(campaign->cells[j].suite.name, run->cells[i].suite))
				cells[count++] = j;
	for (size_t i = 0; i < campaign->variants_count; i++)
		variants[i] = has_variant(run, campaign->variants[i].name);
	campaign_keep_cells(campaign, cells, count);
	campaign_keep_variants(campaign, variants);
}
