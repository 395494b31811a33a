/* bisect.c - what a bisection is asked: read and checked before anything is built, and
 * kept for resuming it.
 */
#include "bisect.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "bisect_private.h"
#include "files.h"
#include "guest_image.h"
#include "kernel_records.h"
#include "memory.h"

#define STATE_FORMAT 1
#define CONFIDENCE_DEFAULT 0.95
#define EFFECT_DEFAULT_PERCENT 1
/* Standard deviations of a boot that are expected before anything is booted. */
#define FLOOR_TIMED 0.001
#define FLOOR_EXACT 0.0002

void bisect_free(struct bisect *bisect)
{
	if (!bisect)
		return;
	free(bisect->id);
	free(bisect->folder);
	json_decref(bisect->state);
	kernel_row_release(&bisect->row);
	kernel_row_setting_release(&bisect->setting);
	free(bisect->suite_row);
	free(bisect->metric);
	free(bisect->unit);
	bisection_release(&bisect->model);
	free(bisect->boots);
	free(bisect->copies);
	free(bisect->tries);
	run_store_close(bisect->store);
	kernel_cache_close(bisect->cache);
	if (bisect->lock >= 0)
		(void)close(bisect->lock);
	free(bisect);
}

static void cleanup_bisect_(struct bisect **bisect)
{
	bisect_free(*bisect);
}

#define cleanup_bisect cleanup_with(cleanup_bisect_)

static struct bisect *bisect_new(const struct experiment_options *options)
{
	struct bisect *bisect = memory_alloc(sizeof(*bisect));

	bisect->lock = -1;
	bisect->options = options;
	return bisect;
}

/* --- the metric --------------------------------------------------------------------------- */

struct metric_search {
	const char *row, *metric;  /* row NULL: any */
	const struct metric_info *found;
	const char *found_row;
	size_t count;
	struct strbuf known;       /* for the complaint */
};

static void try_metrics(struct metric_search *search, const char *row,
			const struct metric_info *metrics, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(metrics[i].name, search->metric) == 0 &&
		    (!search->row || !strcmp(search->row, row))) {
			search->found = &metrics[i];
			search->found_row = row;
			search->count++;
		}
		strbuf_addf(&search->known, "%s%s.%s", search->known.length ? ", " : "", row,
			    metrics[i].name);
	}
}

static int search_suite(struct bisect *bisect, const struct workload_catalog *catalog,
			const struct suite *suite, uint32_t vcpus_count,
			struct metric_search *search, struct error *err)
{
	const struct campaign *campaign = &bisect->setting.campaign;

	for (size_t i = 0; i < suite->rows_count; i++) {
		const struct workload_info *info = NULL;
		int code = workload_catalog_find(catalog, suite->rows[i].workload, &info, err);
		size_t count = 0;

		if (code)
			return error_prefix(err, "%s", suite->rows[i].origin);
		try_metrics(search, suite->rows[i].name, info->metrics, info->metrics_count);
		if (campaign->mode == MODE_EXACT && campaign->exact.counts && info->is_counted) {
			const struct metric_info *added = exact_metrics(vcpus_count, &count);

			try_metrics(search, suite->rows[i].name, added, count);
		}
	}
	return 0;
}

static int take_metric(struct bisect *bisect, const struct metric_search *search,
		       const char *text, struct error *err)
{
	if (search->count > 1)
		return error_set(err, -EINVAL, "metric '%s' is in several rows of suite %s: "
				 "expected ROW.METRIC, one of %s", text, bisect->setting.suite,
				 search->known.data);
	if (!search->count)
		return error_set(err, -ENOENT, "no metric '%s' in suite %s, %s mode: expected one of "
				 "%s", text, bisect->setting.suite,
				 run_mode_name(bisect->setting.campaign.mode), search->known.data);
	bisect->suite_row = string_copy(search->found_row);
	bisect->metric = string_copy(search->found->name);
	bisect->unit = string_copy(search->found->unit);
	bisect->summary = search->found->kind == METRIC_TAIL ? SUMMARY_MAXIMUM : SUMMARY_MEDIAN;
	return 0;
}

static int find_metric(struct bisect *bisect, const char *text, struct error *err)
{
	const struct experiment_options *options = bisect->options;
	cleanup_with(workload_catalog_release) struct workload_catalog catalog = { .folder = NULL };
	cleanup_with(guest_spec_release) struct guest_spec guest = { .name = NULL };
	cleanup_with(suite_release) struct suite suite = { .name = NULL };
	cleanup_free char *folder = path_join(options->build_dir, "workloads");
	const char *dot = strrchr(text, '.');
	cleanup_free char *row = dot ? string_copy_n(text, (size_t)(dot - text)) : NULL;
	struct metric_search search = { .row = row, .metric = dot ? dot + 1 : text,
					.known = STRBUF_INIT };
	int code = guest_spec_load(options->project_root, bisect->setting.guest, &guest, err);

	if (!code)
		code = suite_load(options->project_root, bisect->setting.suite, &suite, err);
	if (!code)
		code = workload_catalog_load(folder, &catalog, err);
	if (!code)
		code = search_suite(bisect, &catalog, &suite, guest.vcpus_count, &search, err);
	if (!code)
		code = take_metric(bisect, &search, text, err);
	strbuf_release(&search.known);
	return code;
}

/* --- from the state -------------------------------------------------------------------------- */

/* NULL where it was not said. */
static const char *said(const struct bisect *bisect, const char *name)
{
	const char *text = record_text(bisect->state, name);

	return *text ? text : NULL;
}

static int load_row(struct bisect *bisect, size_t *ret_bad, struct error *err)
{
	const char *good = record_text(bisect->state, "good");
	const char *bad = record_text(bisect->state, "bad");
	int code;

	if (said(bisect, "repository")) {
		code = kernel_row_of_commits(said(bisect, "repository"), good, bad, &bisect->row,
					     err);
		*ret_bad = bisect->row.count - 1;
		return code;
	}
	code = kernel_row_of_series(bisect->options->project_root,
				    record_text(bisect->state, "series"), &bisect->row, err);
	if (!code)
		code = kernel_row_find(&bisect->row, good, &bisect->good, err);
	if (!code)
		code = kernel_row_find(&bisect->row, bad, ret_bad, err);
	if (!code && bisect->good >= *ret_bad)
		code = error_set(err, -EINVAL, "good (%s) must come before bad (%s)",
				 bisect->row.items[bisect->good].name,
				 bisect->row.items[*ret_bad].name);
	return code;
}

static void set_model(struct bisect *bisect, size_t bad)
{
	const struct campaign *campaign = &bisect->setting.campaign;
	double effect = json_number_value(json_object_get(bisect->state, "effect_percent"));
	bool is_exact = campaign->mode == MODE_EXACT;

	bisection_init(&bisect->model, bad - bisect->good);
	bisect->tries = memory_alloc_array(bisect->model.last + 1, sizeof(*bisect->tries));
	if (!(effect > 0))
		effect = is_exact ? campaign->gate.margin_percent : EFFECT_DEFAULT_PERCENT;
	bisect->model.effect = effect / 100;
	bisect->model.confidence = json_number_value(json_object_get(bisect->state,
								     "confidence"));
	bisect->model.floor = is_exact ? FLOOR_EXACT : FLOOR_TIMED;
	bisect->model.blocks_min = is_exact ? 3 : 4;
	bisect->model.blocks_max = is_exact ? 20 : 100;
}

static int load_all(struct bisect *bisect, struct error *err)
{
	const struct kernel_row_options options = {
		.campaign = record_text(bisect->state, "campaign"),
		.variant = said(bisect, "variant"), .base = said(bisect, "base"),
		.fragments = said(bisect, "fragments"), .guest = said(bisect, "guest"),
		.suite = said(bisect, "suite"), .mode = said(bisect, "mode"),
	};
	size_t bad = 0;
	int code = load_row(bisect, &bad, err);

	if (!code)
		code = kernel_row_setting_load(bisect->options->project_root, &bisect->row,
					       &options, &bisect->setting, err);
	if (!code)
		code = find_metric(bisect, record_text(bisect->state, "metric"), err);
	if (!code)
		set_model(bisect, bad);
	return code;
}

static int open_stores(struct bisect *bisect, struct error *err)
{
	const struct experiment_options *options = bisect->options;
	cleanup_free char *path = path_join(bisect->folder, "lock");
	int code = lock_acquire(path, true, false, &bisect->lock);

	if (code == -EWOULDBLOCK)
		return error_set(err, -EBUSY, "bisection %s: another kerngate is at work on it",
				 bisect->id);
	if (code)
		return error_set_errno(err, code, "%s", path);
	code = run_store_open(options->results_dir, &bisect->store, err);
	if (!code)
		code = kernel_cache_open(options->cache_path, options->cache_max_bytes,
					 &bisect->cache, err);
	return code;
}

/* --- begin --------------------------------------------------------------------------------------- */

/* A reference with a slash is kept as an absolute path: it may be resumed elsewhere. */
static void keep(json_t *state, const char *name, const char *value, bool is_reference)
{
	cleanup_free char *path = value && is_reference && strchr(value, '/') ?
				  path_absolute(value) : NULL;

	if (value)
		json_object_set_new(state, name, json_string(path ? path : value));
}

static json_t *new_state(const struct bisect_request *request)
{
	const struct kernel_row_options *setting = &request->setting;
	json_t *state = json_object();

	json_object_set_new(state, "format", json_integer(STATE_FORMAT));
	keep(state, "good", request->good, false);
	keep(state, "bad", request->bad, false);
	keep(state, "metric", request->metric, false);
	keep(state, "series", request->series, true);
	if (request->repository) {
		cleanup_free char *path = path_absolute(request->repository);

		keep(state, "repository", path, false);
	}
	keep(state, "campaign", setting->campaign, true);
	keep(state, "variant", setting->variant, false);
	keep(state, "base", setting->base, true);
	keep(state, "fragments", setting->fragments, false);
	keep(state, "guest", setting->guest, true);
	keep(state, "suite", setting->suite, true);
	keep(state, "mode", setting->mode, false);
	json_object_set_new(state, "effect_percent", json_real(request->effect_percent));
	json_object_set_new(state, "confidence", json_real(request->confidence > 0 ?
			    request->confidence : CONFIDENCE_DEFAULT));
	json_object_set_new(state, "budget_minutes", json_integer(request->budget_minutes));
	return state;
}

int bisect_begin(const struct bisect_request *request, const struct experiment_options *options,
		 struct bisect **ret_bisect, struct error *err)
{
	cleanup_bisect struct bisect *bisect = bisect_new(options);
	cleanup_free char *parent = path_join(options->results_dir, "bisect");
	int code;

	bisect->state = new_state(request);
	code = load_all(bisect, err);
	if (!code)
		code = kernel_row_folder(parent, &bisect->id, &bisect->folder, err);
	if (!code)
		code = open_stores(bisect, err);
	if (code)
		return code;
	json_object_set_new(bisect->state, "id", json_string(bisect->id));
	if (bisect->row.repository) {
		/* a branch may move */
		keep(bisect->state, "good", bisect->row.items[0].id, false);
		keep(bisect->state, "bad", bisect->row.items[bisect->row.count - 1].id, false);
	}
	json_object_set_new(bisect->state, "kernels", kernel_row_json(&bisect->row));
	code = bisect_state_save(bisect, err);
	if (!code)
		*ret_bisect = take_pointer(bisect);
	return code;
}

/* --- resume ----------------------------------------------------------------------------------------- */

static int load_state(struct bisect *bisect, struct error *err)
{
	uint64_t format;
	int code = record_load(bisect->folder, "state.json", &bisect->state, err);

	if (code)
		return error_prefix(err, "bisection %s", bisect->id);
	format = record_number(bisect->state, "format");
	if (format > STATE_FORMAT)
		return error_set(err, -EPROTO, "bisection %s is of a newer kerngate (format %llu, "
				 "this one knows %d)", bisect->id, (unsigned long long)format,
				 STATE_FORMAT);
	if (!format || !said(bisect, "good") || !said(bisect, "bad") || !said(bisect, "metric") ||
	    !said(bisect, "campaign") || (!said(bisect, "series") && !said(bisect, "repository")))
		return error_set(err, -EBADMSG, "%s/state.json: damaged: expected format, good, bad, "
				 "metric, campaign and series or repository", bisect->folder);
	return 0;
}

int bisect_resume(const char *id, uint32_t budget_minutes,
		  const struct experiment_options *options, struct bisect **ret_bisect,
		  struct error *err)
{
	cleanup_bisect struct bisect *bisect = bisect_new(options);
	cleanup_free char *parent = path_join(options->results_dir, "bisect");
	int code = 0;

	if (id)
		bisect->id = string_copy(id);
	else
		code = kernel_row_newest(parent, &bisect->id, err);
	if (code)
		return code;
	bisect->folder = path_join(parent, bisect->id);
	if (!path_is_folder(bisect->folder) || strchr(bisect->id, '/'))
		return error_set(err, -ENOENT, "no bisection '%s' in %s", bisect->id, parent);
	code = load_state(bisect, err);
	if (!code)
		code = load_all(bisect, err);
	if (!code)
		code = kernel_row_check(&bisect->row, json_object_get(bisect->state, "kernels"),
					err);
	if (!code)
		code = open_stores(bisect, err);
	if (!code)
		code = bisect_state_apply(bisect, err);
	if (code)
		return code;
	if (budget_minutes)
		json_object_set_new(bisect->state, "budget_minutes", json_integer(budget_minutes));
	*ret_bisect = take_pointer(bisect);
	return 0;
}
