/* kernel_row_campaign.c - campaigns of kernels that follow one another: a file in the
 * form that docs/configs.md describes (JSON, which is YAML), so that their runs can be
 * resumed, compared and replayed as any.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "kernel_records.h"
#include "kernel_row.h"
#include "kernel_source.h"
#include "memory.h"
#include "process.h"

#define GIT_TIMEOUT_NS (60 * NS_PER_SECOND)

void kernel_row_setting_release(struct kernel_row_setting *setting)
{
	campaign_release(&setting->campaign);
	free(setting->base);
	free(setting->guest);
	free(setting->suite);
	strvec_release(&setting->fragments);
	strvec_release(&setting->series);
	*setting = (struct kernel_row_setting){ .base = NULL };
}

/* --- references ---------------------------------------------------------------------------- */

/* The name of FOLDER/NAME + suffix of the project, else the path; owned. */
static char *reference_to(const char *project_root, const char *folder, const char *suffix,
			  const char *path)
{
	cleanup_free char *prefix = string_format("%s/%s/", project_root, folder);
	size_t length = strlen(prefix), all = strlen(path), tail = strlen(suffix);

	if (strncmp(path, prefix, length) || strchr(path + length, '/') || all < length + tail ||
	    strcmp(path + all - tail, suffix))
		return string_copy(path);
	return string_copy_n(path + length, all - length - tail);
}

/* A word of the command line: a path counts from the working directory. */
static char *reference_said(const char *text)
{
	return strchr(text, '/') ? path_absolute(text) : string_copy(text);
}

static void split_fragments(const char *text, struct strvec *ret)
{
	cleanup_free char *copy = string_copy(text);
	char *rest = copy, *word;

	while ((word = strsep(&rest, ","))) {
		cleanup_free char *reference = reference_said(word);

		strvec_push(ret, reference);
	}
}

/* --- the setting ----------------------------------------------------------------------------- */

static int set_mode(struct campaign *campaign, const char *mode, struct error *err)
{
	enum run_mode wanted;

	if (!mode)
		return 0;
	if (run_mode_parse(mode, &wanted))
		return error_set(err, -EINVAL, "mode '%s': expected timed or exact", mode);
	campaign_set_mode(campaign, wanted);
	return 0;
}

static int set_cell(struct kernel_row_setting *setting, const struct kernel_row_options *options,
		    struct error *err)
{
	const struct campaign_cell *cell = &setting->campaign.cells[0];

	if (!options->guest && cell->is_scaled)
		return error_set(err, -EINVAL, "campaign %s boots guest %s with several numbers of "
				 "vCPUs: expected --guest", setting->campaign.name,
				 cell->guest.name);
	setting->guest = options->guest ? reference_said(options->guest) :
					  string_copy(cell->guest.name);
	setting->suite = options->suite ? reference_said(options->suite) :
					  string_copy(cell->suite.name);
	return 0;
}

/* Series of the variant that come before the row's own are below it. */
static void set_series(const char *project_root, const struct kernel_row *row,
		       const struct kernel_spec *spec, struct strvec *ret)
{
	for (size_t i = 0; i < spec->series.count; i++) {
		const char *path = spec->series.items[i];
		size_t patches_max;
		cleanup_free char *folder = series_split(path, &patches_max);
		cleanup_free char *reference = reference_to(project_root, "kernel/series", "", path);

		if (row->folder && !strcmp(folder, row->folder))
			return;
		strvec_push(ret, reference);
	}
}

static int set_kernel(const char *project_root, const struct kernel_row *row,
		      const struct kernel_row_options *options,
		      struct kernel_row_setting *setting, struct error *err)
{
	const struct campaign *campaign = &setting->campaign;
	const struct kernel_spec *spec;
	int code = 0;

	setting->variant = campaign->baseline;
	if (options->variant)
		code = campaign_find_variant(campaign, options->variant, &setting->variant, err);
	if (code)
		return code;
	spec = &campaign->variants[setting->variant].kernel;
	setting->base = options->base ? reference_said(options->base) :
					string_copy(spec->base.name);
	if (options->fragments)
		split_fragments(options->fragments, &setting->fragments);
	for (size_t i = 0; !options->fragments && i < spec->fragments.count; i++) {
		cleanup_free char *reference = reference_to(project_root, "kernel/fragments",
							    ".config", spec->fragments.items[i]);

		strvec_push(&setting->fragments, reference);
	}
	set_series(project_root, row, spec, &setting->series);
	return 0;
}

int kernel_row_setting_load(const char *project_root, const struct kernel_row *row,
			    const struct kernel_row_options *options,
			    struct kernel_row_setting *ret_setting, struct error *err)
{
	cleanup_with(kernel_row_setting_release) struct kernel_row_setting setting = {
		.base = NULL
	};
	int code = campaign_load(project_root, options->campaign, &setting.campaign, err);

	if (!code)
		code = set_mode(&setting.campaign, options->mode, err);
	if (!code)
		code = set_cell(&setting, options, err);
	if (!code)
		code = set_kernel(project_root, row, options, &setting, err);
	if (code)
		return code;
	*ret_setting = setting;
	setting = (struct kernel_row_setting){ .base = NULL };
	return 0;
}

/* --- bases of commits --------------------------------------------------------------------------- */

/* "7.3" of a commit, by its Makefile, which is put into the folder; owned. */
static int commit_version(const struct kernel_row *row, const struct kernel_row_item *item,
			  const char *folder, char **ret_version, struct error *err)
{
	cleanup_free char *name = string_format("%s:Makefile", item->id);
	cleanup_free char *path = path_join(folder, "Makefile");
	cleanup_free char *text = NULL, *version = NULL;
	const char *const argv[] = { "git", "-C", row->repository, "show", name, NULL };
	const struct process_options options = { .capture = true, .timeout_ns = GIT_TIMEOUT_NS };
	int code = process_run(argv, &options, &text, err);

	if (code)
		return error_prefix(err, "commit %s", item->name);
	code = file_write_atomic(path, text, strlen(text), 0644);
	if (code)
		return error_set_errno(err, code, "%s", path);
	code = kernel_source_version(folder, &version, err);
	if (code)
		return error_prefix(err, "commit %s", item->name);
	/* VERSION.PATCHLEVEL */
	*ret_version = string_copy_n(version, strcspn(version, ".") + 1 +
				     strcspn(version + strcspn(version, ".") + 1, ".-"));
	return 0;
}

/* Bases of all commits have one name, so that one's tree is the next one's start. */
static int write_base(const struct kernel_row *row, const struct kernel_row_item *item,
		      const struct kernel_row_setting *setting,
		      const struct kernel_row_plan *plan, char **ret_path, struct error *err)
{
	const char *name = setting->campaign.variants[setting->variant].kernel.base.name;
	cleanup_free char *folder = string_format("%s/bases/%s", plan->folder, item->name);
	cleanup_free char *file = string_format("%s.yaml", name), *version = NULL;
	cleanup_json json_t *base = NULL;
	int code = folder_make(folder);

	if (code)
		return error_set_errno(err, code, "%s", folder);
	code = commit_version(row, item, folder, &version, err);
	if (code)
		return code;
	base = json_pack("{s:s, s:[{s:s, s:s, s:s}]}", "version", version, "sources", "kind",
			 "git", "url", row->repository, "ref", item->id);
	code = record_save(folder, file, base, err);
	if (!code)
		*ret_path = path_join(folder, file);
	return code;
}

/* --- the campaign -------------------------------------------------------------------------------- */

static json_t *strings_json(const struct strvec *texts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(list, json_string(texts->items[i]));
	return list;
}

static json_t *defaults_json(const struct kernel_row_setting *setting)
{
	const struct variant *variant = &setting->campaign.variants[setting->variant];

	return json_pack("{s:{s:s, s:s, s:o}, s:o, s:o}", "kernel", "base", setting->base, "cc",
			 variant->kernel.cc, "fragments", strings_json(&setting->fragments),
			 "cmdline", strings_json(&variant->cmdline),
			 "sysctls", strings_json(&variant->sysctls));
}

static int variant_json(const struct kernel_row *row, const struct kernel_row_setting *setting,
			const struct kernel_row_plan *plan, size_t position, json_t *list,
			struct error *err)
{
	const struct kernel_row_item *item = &row->items[position];
	json_t *series = strings_json(&setting->series);
	cleanup_free char *base = NULL;
	int code = row->repository ? write_base(row, item, setting, plan, &base, err) : 0;

	if (!row->repository && position > 0) {
		cleanup_free char *prefix = string_format("%s@%zu", row->series, position);

		json_array_append_new(series, json_string(prefix));
	}
	json_array_append_new(list, json_pack("{s:s, s:{s:o, s:s*}}", "name", item->name, "kernel",
					      "series", series, "base", base));
	return code;
}

static json_t *gate_json(const struct gate_policy *gate)
{
	return json_pack("{s:f, s:f, s:f, s:s}", "margin_percent", gate->margin_percent, "alpha",
			 gate->alpha, "confidence", gate->confidence, "correction",
			 correction_name(gate->correction));
}

/* What the modes do not have in common. */
static void add_mode(const struct campaign *from, const struct kernel_row_plan *plan,
		     json_t *campaign)
{
	struct exact_policy policy = from->exact;
	cleanup_free char *text = NULL;

	json_object_set_new(campaign, "mode", json_string(run_mode_name(from->mode)));
	if (from->mode != MODE_EXACT) {
		uint32_t blocks = plan->blocks_count < 2 ? 2 : plan->blocks_count;

		json_object_set_new(campaign, "blocks_count", json_integer(blocks));
		return;
	}
	policy.profile = false;
	text = exact_policy_format(&policy);
	json_object_set_new(campaign, "exact", json_loads(text, 0, NULL));
	json_object_set_new(campaign, "seeds_count", json_integer(plan->blocks_count));
	json_object_set_new(campaign, "seed", json_integer((json_int_t)plan->first_seed));
}

static int campaign_json(const struct kernel_row *row, const struct kernel_row_setting *setting,
			 const struct kernel_row_plan *plan, json_t **ret, struct error *err)
{
	const struct campaign *from = &setting->campaign;
	json_t *campaign = json_object(), *variants = json_array();
	int code = 0;

	for (size_t i = 0; !code && i < plan->positions_count; i++)
		code = variant_json(row, setting, plan, plan->positions[i], variants, err);
	json_object_set_new(campaign, "purpose", json_string(plan->purpose));
	json_object_set_new(campaign, "defaults", defaults_json(setting));
	json_object_set_new(campaign, "variants", variants);
	json_object_set_new(campaign, "baseline",
			    json_string(row->items[plan->positions[0]].name));
	json_object_set_new(campaign, "cells", json_pack("[{s:s, s:s}]", "guest", setting->guest,
							 "suite", setting->suite));
	add_mode(from, plan, campaign);
	json_object_set_new(campaign, "budget_minutes", json_integer(plan->budget_minutes));
	json_object_set_new(campaign, "repeats_max", json_integer(from->repeats_max));
	json_object_set_new(campaign, "control", json_boolean(plan->control));
	json_object_set_new(campaign, "gate", gate_json(&from->gate));
	if (code) {
		json_decref(campaign);
		return code;
	}
	*ret = campaign;
	return 0;
}

int kernel_row_campaign(const char *project_root, const struct kernel_row *row,
			const struct kernel_row_setting *setting,
			const struct kernel_row_plan *plan, struct campaign *ret_campaign,
			struct error *err)
{
	cleanup_free char *file = string_format("%s.yaml", plan->name);
	cleanup_free char *path = path_join(plan->folder, file);
	cleanup_json json_t *campaign = NULL;
	int code = folder_make(plan->folder);

	if (code)
		return error_set_errno(err, code, "%s", plan->folder);
	code = campaign_json(row, setting, plan, &campaign, err);
	if (!code)
		code = record_save(plan->folder, file, campaign, err);
	if (!code)
		code = campaign_load(project_root, path, ret_campaign, err);
	return code;
}
