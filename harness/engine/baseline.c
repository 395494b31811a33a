/* baseline.c - a run as a baseline, and the folder of baselines. The file's format is
 * in baseline_file.c.
 */
#include "baseline.h"

#include <errno.h>
#include <string.h>

#include "config_node.h"
#include "files.h"
#include "memory.h"
#include "suggest.h"

#define FILE_BYTES_MAX CONFIG_FILE_MAX
#define SUFFIX ".json"

static void release_metric(struct baseline_metric *metric)
{
	free(metric->info.name);
	free(metric->info.unit);
	free(metric->info.meaning);
	free(metric->figures);
}

static void release_row(struct baseline_row *row)
{
	for (size_t i = 0; i < row->count; i++)
		release_metric(&row->metrics[i]);
	free(row->metrics);
	free(row->name);
	free(row->workload);
	free(row->arguments);
}

static void release_cell(struct baseline_cell *cell)
{
	for (size_t i = 0; i < cell->count; i++)
		release_row(&cell->rows[i]);
	free(cell->rows);
	free(cell->guest);
	free(cell->suite);
	free(cell->conditions);
}

void baseline_release(struct baseline *baseline)
{
	for (size_t i = 0; i < baseline->count; i++)
		release_cell(&baseline->cells[i]);
	free(baseline->cells);
	free(baseline->run_id);
	free(baseline->campaign);
	free(baseline->variant);
	*baseline = (struct baseline){ .run_id = NULL };
}

/* --- from a run ------------------------------------------------------------------------- */

struct taking {
	struct run_store *store;
	const struct stored_run *run;
	uint32_t variant;
};

static int compare_figures(const void *a, const void *b)
{
	const struct boot_figure *first = a, *second = b;

	if (first->boot != second->boot)
		return first->boot > second->boot ? 1 : -1;
	return (first->value > second->value) - (first->value < second->value);
}

static int take_metric(const struct taking *taking, uint32_t cell, uint32_t row,
		       uint32_t metric, struct baseline_metric *ret, struct error *err)
{
	const struct metric_info *info =
		&taking->run->cells[cell].rows[row].metrics[metric];
	int rc = run_figures_load(taking->store, taking->run, cell, row, metric,
				  taking->variant, &ret->figures, &ret->count, err);

	if (rc)
		return rc;
	if (ret->count)
		qsort(ret->figures, ret->count, sizeof(*ret->figures), compare_figures);
	ret->info = *info;
	ret->info.name = string_copy(info->name);
	ret->info.unit = string_copy(info->unit);
	ret->info.meaning = string_copy(info->meaning);
	return 0;
}

static int compare_metrics(const void *a, const void *b)
{
	const struct baseline_metric *first = a, *second = b;

	return strcmp(first->info.name, second->info.name);
}

/* Metrics that no boot gave are left out: there is nothing to compare with. */
static int take_row(const struct taking *taking, uint32_t cell, uint32_t index,
		    struct baseline_row *ret, struct error *err)
{
	const struct stored_row *row = &taking->run->cells[cell].rows[index];

	*ret = (struct baseline_row){
		.name = string_copy(row->name),
		.workload = string_copy(row->workload),
		.arguments = string_copy(row->arguments),
		.metrics = memory_alloc_array(row->metrics_count, sizeof(*ret->metrics)),
	};
	for (uint32_t i = 0; i < row->metrics_count; i++) {
		struct baseline_metric *metric = &ret->metrics[ret->count];
		int rc = take_metric(taking, cell, index, i, metric, err);

		if (rc)
			return rc;
		if (metric->count)
			ret->count++;
		else
			release_metric(metric);
	}
	if (ret->count)
		qsort(ret->metrics, ret->count, sizeof(*ret->metrics), compare_metrics);
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct baseline_row *first = a, *second = b;

	return strcmp(first->name, second->name);
}

static void count_boots(const struct taking *taking, uint32_t index, struct baseline_cell *cell)
{
	const struct stored_run *run = taking->run;

	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (trial->cell != index || trial->superseded || trial->state != TRIAL_FINISHED ||
		    (trial->variant != taking->variant &&
		     !(taking->variant == run->baseline &&
		       (int64_t)trial->variant == run->control_variant)))
			continue;
		cell->finished++;
		cell->bad += trial->outcome == OUTCOME_CRASHED ||
			     trial->outcome == OUTCOME_FAILED ||
			     trial->outcome == OUTCOME_TIMED_OUT;
	}
}

static int take_cell(const struct taking *taking, uint32_t index, struct baseline_cell *ret,
		     struct error *err)
{
	const struct stored_cell *cell = &taking->run->cells[index];
	int rc = 0;

	*ret = (struct baseline_cell){
		.guest = string_copy(cell->guest),
		.suite = string_copy(cell->suite),
		.conditions = run_figures_conditions(taking->run, index, taking->variant),
		.rows = memory_alloc_array(cell->rows_count, sizeof(*ret->rows)),
	};
	count_boots(taking, index, ret);
	for (uint32_t i = 0; !rc && i < cell->rows_count; i++)
		rc = take_row(taking, index, i, &ret->rows[ret->count++], err);
	if (ret->count)
		qsort(ret->rows, ret->count, sizeof(*ret->rows), compare_rows);
	return rc;
}

static int compare_cells(const void *a, const void *b)
{
	const struct baseline_cell *first = a, *second = b;
	int order = strcmp(first->guest, second->guest);

	return order ? order : strcmp(first->suite, second->suite);
}

static int find_variant(const struct stored_run *run, const char *label, uint32_t *ret_index,
			struct error *err)
{
	cleanup_strvec struct strvec labels = STRVEC_INIT;
	const char *nearest;

	for (uint32_t i = (uint32_t)run->variants_count; i-- > 0;) {
		if ((int64_t)i == run->control_variant)
			continue;
		if (!label || !strcmp(run->variants[i].label, label)) {
			*ret_index = i;
			return 0;
		}
		strvec_push(&labels, run->variants[i].label);
	}
	nearest = labels.count ? suggest_nearest(label, (const char *const *)labels.items,
						 labels.count) : NULL;
	return error_set(err, -ENOENT, "run %s has no variant %s%s%s%s", run->id, label ? label : "",
			 nearest ? " (did you mean '" : "", nearest ? nearest : "",
			 nearest ? "'?)" : "");
}

int baseline_from_run(struct run_store *store, const struct stored_run *run,
		      const char *label, struct baseline *ret, struct error *err)
{
	cleanup_with(baseline_release) struct baseline baseline = { .run_id = NULL };
	struct taking taking = { .store = store, .run = run };
	int rc = find_variant(run, label, &taking.variant, err);

	if (rc)
		return rc;
	baseline.run_id = string_copy(run->id);
	baseline.campaign = string_copy(run->campaign);
	baseline.variant = string_copy(run->variants[taking.variant].label);
	baseline.mode = run->mode;
	baseline.started_wall_ns = run->started_wall_ns;
	baseline.cells = memory_alloc_array(run->cells_count, sizeof(*baseline.cells));
	for (uint32_t i = 0; !rc && i < run->cells_count; i++)
		rc = take_cell(&taking, i, &baseline.cells[baseline.count++], err);
	if (rc)
		return rc;
	if (baseline.count)
		qsort(baseline.cells, baseline.count, sizeof(*baseline.cells), compare_cells);
	*ret = baseline;
	baseline = (struct baseline){ .run_id = NULL };
	return 0;
}

/* --- the folder --------------------------------------------------------------------------- */

char *baseline_path(const char *results_dir, const char *name)
{
	return string_format("%s/baselines/%s" SUFFIX, results_dir, name);
}

int baseline_load_file(const char *path, struct baseline *ret, struct error *err)
{
	cleanup_free char *text = NULL;
	size_t length = 0;
	int rc = file_read(path, FILE_BYTES_MAX, &text, &length);

	if (rc)
		return error_set_errno(err, rc, "%s", path);
	return baseline_parse(path, text, length, ret, err);
}

int baseline_load(const char *results_dir, const char *name, struct baseline *ret,
		  struct error *err)
{
	cleanup_free char *path = baseline_path(results_dir, name);

	return baseline_load_file(path, ret, err);
}

int baseline_save(const char *results_dir, const char *name, const struct baseline *baseline,
		  bool replace, struct error *err)
{
	cleanup_free char *path = baseline_path(results_dir, name);
	cleanup_free char *folder = path_folder(path);
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const char *expected = config_expect_name(name);
	int rc;

	if (expected)
		return error_set(err, -EINVAL, "the name '%s': expected %s", name, expected);
	if (!replace && path_exists(path))
		return error_set(err, -EEXIST, "%s is there already; --replace writes over it", path);
	baseline_format(baseline, &text);
	if (text.length > FILE_BYTES_MAX)
		return error_set(err, -EFBIG, "%s: would be %zu bytes, expected at most %u", path,
				 text.length, FILE_BYTES_MAX);
	rc = folder_make(folder);
	if (!rc)
		rc = file_write_atomic(path, text.data, text.length, 0644);
	return rc ? error_set_errno(err, rc, "%s: cannot be written", path) : 0;
}

int baseline_names(const char *results_dir, struct strvec *ret_names, struct error *err)
{
	cleanup_free char *folder = path_join(results_dir, "baselines");
	cleanup_strvec struct strvec files = STRVEC_INIT;
	int rc = path_is_folder(folder) ? folder_list(folder, &files) : 0;

	if (rc)
		return error_set_errno(err, rc, "%s: cannot be read", folder);
	for (size_t i = 0; i < files.count; i++) {
		size_t length = strlen(files.items[i]), tail = strlen(SUFFIX);

		if (length > tail && !strcmp(files.items[i] + length - tail, SUFFIX))
			strvec_pushf(ret_names, "%.*s", (int)(length - tail), files.items[i]);
	}
	return 0;
}
