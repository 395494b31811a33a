/* ab_campaign.c - the campaign of patches against their base: what another campaign has,
 * with what was asked for in its place.
 */
#include "ab.h"

#include <errno.h>
#include <string.h>

#include "campaign_file.h"
#include "files.h"
#include "kernel_records.h"
#include "memory.h"

#define USUAL_GUEST "smp2"

int ab_campaign_setting(const struct ab_request *request, const char *project_root,
			struct campaign *ret_setting, struct error *err)
{
	struct campaign setting = { .name = NULL };
	enum run_mode mode;
	int code = campaign_load(project_root, request->campaign, &setting, err);

	if (code)
		return code;
	if (request->mode && run_mode_parse(request->mode, &mode))
		code = error_set(err, -EINVAL, "mode '%s': expected timed or exact",
				 request->mode);
	else if (request->mode)
		campaign_set_mode(&setting, mode);
	if (!code && request->looks_count && setting.mode != MODE_TIMED)
		code = error_set(err, -EINVAL, "--looks is for timed mode; exact mode runs all its "
				 "seeds");
	if (code) {
		campaign_release(&setting);
		return code;
	}
	if (request->blocks_count)
		setting.blocks_count = request->blocks_count;
	if (request->looks_count)
		setting.looks_count = request->looks_count;
	/* the campaign's is for its own cells */
	setting.budget_minutes = request->budget_minutes;
	if (request->margin_percent > 0)
		setting.gate.margin_percent = request->margin_percent;
	if (request->seed)
		setting.seed = request->seed;
	*ret_setting = setting;
	return 0;
}

/* --- the suite of --workload ------------------------------------------------------------- */

/* "NAME,argument=value,..." > a row. */
static int add_row(const char *text, size_t number, json_t *rows, struct error *err)
{
	cleanup_free char *copy = string_copy(text);
	char *rest = copy, *word, *workload = strsep(&rest, ",");
	json_t *arguments = json_object(), *row;

	while ((word = strsep(&rest, ","))) {
		char *value = word, *name = strsep(&value, "=");

		if (!value || !*name || json_object_get(arguments, name)) {
			json_decref(arguments);
			return error_set(err, -EINVAL, "--workload %s: expected NAME, or "
					 "NAME,argument=value,..., each argument once", text);
		}
		json_object_set_new(arguments, name, json_string(value));
	}
	row = json_pack("{s:s, s:o}", "workload", workload, "arguments", arguments);
	if (number)
		json_object_set_new(row, "name", json_sprintf("%s-%zu", workload, number + 1));
	json_array_append_new(rows, row);
	return 0;
}

/* How many before the i-th are of its workload. */
static size_t count_alike(const struct strvec *workloads, size_t i)
{
	size_t length = strcspn(workloads->items[i], ","), count = 0;

	for (size_t j = 0; j < i; j++)
		count += strcspn(workloads->items[j], ",") == length &&
			 !strncmp(workloads->items[j], workloads->items[i], length);
	return count;
}

static int write_suite(const struct ab_request *request, const char *folder, char **ret_path,
		       struct error *err)
{
	const struct strvec *workloads = request->workloads;
	cleanup_free char *suites = path_join(folder, "suites"), *name = NULL, *file = NULL;
	cleanup_json json_t *suite = json_object();
	json_t *rows = json_array();
	int code = folder_make(suites);

	json_object_set_new(suite, "rows", rows);
	if (code)
		return error_set_errno(err, code, "%s", suites);
	for (size_t i = 0; !code && i < workloads->count; i++)
		code = add_row(workloads->items[i], count_alike(workloads, i), rows, err);
	if (code)
		return code;
	name = workloads->count > 1 ? string_copy("workloads") :
	       string_copy_n(workloads->items[0], strcspn(workloads->items[0], ","));
	/* what is no name is refused by whoever reads the suite; it must be no path */
	if (strchr(name, '/') || !*name)
		return error_set(err, -EINVAL, "--workload %s: expected the name of a workload",
				 workloads->items[0]);
	file = string_format("%s.yaml", name);
	code = record_save(suites, file, suite, err);
	if (!code)
		*ret_path = path_join(suites, file);
	return code;
}

/* --- cells --------------------------------------------------------------------------------- */

static void push_once(struct strvec *names, const char *name)
{
	if (!strvec_contains(names, name))
		strvec_push(names, name);
}

/* Without a wish the usual guest, if the campaign has it. */
static int choose_guests(const struct ab_request *request, const struct campaign *setting,
			 struct strvec *ret, struct error *err)
{
	for (size_t i = 0; i < request->guests->count; i++) {
		cleanup_free char *guest = campaign_file_said(request->guests->items[i]);

		push_once(ret, guest);
	}
	if (ret->count)
		return 0;
	for (size_t i = 0; i < setting->cells_count; i++) {
		const struct campaign_cell *cell = &setting->cells[i];

		if (cell->is_scaled)
			return error_set(err, -EINVAL, "campaign %s boots guest %s with several "
					 "numbers of vCPUs: expected --guest", setting->name,
					 cell->guest.name);
		push_once(ret, cell->guest.name);
	}
	if (strvec_contains(ret, USUAL_GUEST)) {
		strvec_release(ret);
		*ret = STRVEC_INIT;
		strvec_push(ret, USUAL_GUEST);
	}
	return 0;
}

static int choose_suites(const struct ab_request *request, const struct campaign *setting,
			 const char *folder, struct strvec *ret, struct error *err)
{
	cleanup_free char *own = NULL;
	int code = 0;

	for (size_t i = 0; i < request->suites->count; i++) {
		cleanup_free char *suite = campaign_file_said(request->suites->items[i]);

		push_once(ret, suite);
	}
	if (request->workloads->count)
		code = write_suite(request, folder, &own, err);
	if (own)
		strvec_push(ret, own);
	for (size_t i = 0; !code && !request->suites->count && !own && i < setting->cells_count;
	     i++)
		push_once(ret, setting->cells[i].suite.name);
	return code;
}

static int make_cells(const struct ab_request *request, const struct campaign *setting,
		      const char *folder, json_t *cells, struct error *err)
{
	cleanup_strvec struct strvec guests = STRVEC_INIT, suites = STRVEC_INIT;
	int code = choose_guests(request, setting, &guests, err);

	if (!code)
		code = choose_suites(request, setting, folder, &suites, err);
	for (size_t i = 0; !code && i < guests.count; i++)
		for (size_t j = 0; j < suites.count; j++)
			json_array_append_new(cells, json_pack("{s:s, s:s}", "guest",
							       guests.items[i], "suite",
							       suites.items[j]));
	return code;
}

/* --- kernels -------------------------------------------------------------------------------- */

static json_t *more_texts(const struct strvec *texts, const struct strvec *more)
{
	json_t *list = campaign_file_texts(texts);

	for (size_t i = 0; i < more->count; i++)
		json_array_append_new(list, json_string(more->items[i]));
	return list;
}

/* What all kernels have: the campaign's baseline, and what is added to it. */
static json_t *make_defaults(const struct ab_request *request, const struct campaign *setting,
			     const struct ab_plan *plan)
{
	const struct variant *variant = &setting->variants[setting->baseline];
	const struct kernel_spec *kernel = &variant->kernel;
	cleanup_strvec struct strvec fragments = STRVEC_INIT, series = STRVEC_INIT;

	if (request->fragments)
		campaign_file_said_list(request->fragments, &fragments);
	for (size_t i = 0; !request->fragments && i < kernel->fragments.count; i++) {
		cleanup_free char *reference = campaign_file_reference(
			plan->project_root, "kernel/fragments", ".config",
			kernel->fragments.items[i]);

		strvec_push(&fragments, reference);
	}
	for (size_t i = 0; i < kernel->series.count; i++) {
		cleanup_free char *reference = campaign_file_reference(
			plan->project_root, "kernel/series", "", kernel->series.items[i]);

		strvec_push(&series, reference);
	}
	return json_pack("{s:{s:s, s:s, s:o, s:o}, s:o, s:o}", "kernel", "base",
			 plan->base ? plan->base : kernel->base.name, "cc", kernel->cc,
			 "fragments", campaign_file_texts(&fragments), "series",
			 campaign_file_texts(&series), "cmdline",
			 more_texts(&variant->cmdline, request->cmdline), "sysctls",
			 more_texts(&variant->sysctls, request->sysctls));
}

static json_t *make_variant(const struct ab_request *request, const struct ab_kernel *kernel)
{
	cleanup_strvec struct strvec fragments = STRVEC_INIT;
	json_t *spec;

	for (size_t i = 0; i < request->new_fragments->count; i++)
		campaign_file_said_list(request->new_fragments->items[i], &fragments);
	spec = json_pack("{s:o, s:s*}", "add_fragments", campaign_file_texts(&fragments), "base",
			 kernel->base);
	if (kernel->series)
		json_object_set_new(spec, "add_series", json_pack("[s]", kernel->series));
	return json_pack("{s:s, s:o, s:o, s:o}", "name", kernel->name, "kernel", spec,
			 "add_cmdline", campaign_file_texts(request->new_cmdline), "add_sysctls",
			 campaign_file_texts(request->new_sysctls));
}

int ab_campaign_write(const struct ab_request *request, const struct campaign *setting,
		      const struct ab_plan *plan, struct campaign *ret_campaign,
		      struct error *err)
{
	cleanup_json json_t *campaign = json_object();
	json_t *variants = json_array(), *cells = json_array();
	int code;

	json_object_set_new(campaign, "purpose", json_string(request->command));
	json_object_set_new(campaign, "defaults", make_defaults(request, setting, plan));
	json_object_set_new(campaign, "variants", variants);
	json_array_append_new(variants, json_pack("{s:s}", "name", plan->base_name));
	for (size_t i = 0; i < plan->count; i++)
		json_array_append_new(variants, make_variant(request, &plan->kernels[i]));
	json_object_set_new(campaign, "baseline", json_string(plan->base_name));
	json_object_set_new(campaign, "cells", cells);
	code = make_cells(request, setting, plan->folder, cells, err);
	if (code)
		return code;
	campaign_file_add_mode(setting, setting->blocks_count, setting->seed ? setting->seed : 1,
			       campaign);
	if (setting->mode == MODE_TIMED) {
		json_object_set_new(campaign, "looks_count", json_integer(setting->looks_count));
		json_object_set_new(campaign, "seed", json_integer((json_int_t)setting->seed));
	}
	json_object_set_new(campaign, "budget_minutes", json_integer(setting->budget_minutes));
	json_object_set_new(campaign, "repeats_max", json_integer(setting->repeats_max));
	json_object_set_new(campaign, "control", json_boolean(setting->control));
	json_object_set_new(campaign, "gate", campaign_file_gate(&setting->gate));
	return campaign_file_save(plan->project_root, plan->folder, plan->name, campaign,
				  ret_campaign, err);
}
