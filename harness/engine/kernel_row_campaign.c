/* kernel_row_campaign.c - campaigns of kernels that follow one another: a file in the
 * form that docs/configs.md describes (JSON, which is YAML), so that their runs can be
 * resumed, compared and replayed as any.
 */
#include <errno.h>
#include <string.h>

#include "campaign_file.h"
#include "kernel_records.h"
#include "kernel_row.h"
#include "memory.h"

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
	setting->guest = options->guest ? campaign_file_said(options->guest) :
					  string_copy(cell->guest.name);
	setting->suite = options->suite ? campaign_file_said(options->suite) :
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
		cleanup_free char *reference = campaign_file_reference(project_root, "kernel/series", "", path);

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
	setting->base = options->base ? campaign_file_said(options->base) :
					string_copy(spec->base.name);
	if (options->fragments)
		campaign_file_said_list(options->fragments, &setting->fragments);
	for (size_t i = 0; !options->fragments && i < spec->fragments.count; i++) {
		cleanup_free char *reference = campaign_file_reference(project_root, "kernel/fragments",
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

/* Bases of all commits have one name, so that one's tree is the next one's start. */
static int write_base(const struct kernel_row *row, const struct kernel_row_item *item,
		      const struct kernel_row_setting *setting,
		      const struct kernel_row_plan *plan, char **ret_path, struct error *err)
{
	const char *name = setting->campaign.variants[setting->variant].kernel.base.name;
	cleanup_free char *folder = string_format("%s/bases/%s", plan->folder, item->name);
	int code = kernel_base_file_save(folder, name, row->repository, item->id, ret_path, err);

	return code ? error_prefix(err, "commit %s", item->name) : 0;
}

/* --- the campaign -------------------------------------------------------------------------------- */

static json_t *defaults_json(const struct kernel_row_setting *setting)
{
	const struct variant *variant = &setting->campaign.variants[setting->variant];

	return json_pack("{s:{s:s, s:s, s:o}, s:o, s:o}", "kernel", "base", setting->base, "cc",
			 variant->kernel.cc, "fragments", campaign_file_texts(&setting->fragments),
			 "cmdline", campaign_file_texts(&variant->cmdline),
			 "sysctls", campaign_file_texts(&variant->sysctls));
}

static int variant_json(const struct kernel_row *row, const struct kernel_row_setting *setting,
			const struct kernel_row_plan *plan, size_t position, json_t *list,
			struct error *err)
{
	const struct kernel_row_item *item = &row->items[position];
	json_t *series = campaign_file_texts(&setting->series);
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
	campaign_file_add_mode(from, plan->blocks_count, plan->first_seed, campaign);
	json_object_set_new(campaign, "budget_minutes", json_integer(plan->budget_minutes));
	json_object_set_new(campaign, "repeats_max", json_integer(from->repeats_max));
	json_object_set_new(campaign, "control", json_boolean(plan->control));
	json_object_set_new(campaign, "gate", campaign_file_gate(&from->gate));
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
	cleanup_json json_t *campaign = NULL;
	int code = campaign_json(row, setting, plan, &campaign, err);

	return code ? code : campaign_file_save(project_root, plan->folder, plan->name, campaign,
						ret_campaign, err);
}
