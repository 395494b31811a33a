/* run_store_load.c - reading whole runs back. Single trials, samples and
 * findings are in run_store_query.c.
 */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "run_store_private.h"
#include "suggest.h"

static void stored_row_release(struct stored_row *row)
{
	for (size_t i = 0; i < row->metrics_count; i++) {
		free(row->metrics[i].name);
		free(row->metrics[i].unit);
		free(row->metrics[i].meaning);
	}
	free(row->metrics);
	free(row->name);
	free(row->workload);
	free(row->arguments);
}

static void stored_cell_release(struct stored_cell *cell)
{
	for (size_t i = 0; i < cell->rows_count; i++)
		stored_row_release(&cell->rows[i]);
	free(cell->rows);
	free(cell->guest);
	free(cell->suite);
	free(cell->guest_record);
}

static void stored_variant_release(struct stored_variant *variant)
{
	free(variant->label);
	free(variant->name);
	free(variant->kernel_key);
	free(variant->image_sha256);
	free(variant->kernel_record);
	free(variant->cmdline);
}

void stored_run_release(struct stored_run *run)
{
	for (size_t i = 0; i < run->variants_count; i++)
		stored_variant_release(&run->variants[i]);
	for (size_t i = 0; i < run->cells_count; i++)
		stored_cell_release(&run->cells[i]);
	for (size_t i = 0; i < run->trials_count; i++) {
		free(run->trials[i].reason);
		free(run->trials[i].digest);
		free(run->trials[i].fingerprint);
	}
	free(run->variants);
	free(run->cells);
	free(run->trials);
	free(run->looks);
	free(run->id);
	free(run->campaign);
	free(run->campaign_file);
	free(run->state);
	free(run->note);
	free(run->accelerator);
	free(run->accelerator_reason);
	*run = (struct stored_run){ .id = NULL };
}

const struct stored_variant *stored_run_find_variant(const struct stored_run *run,
						     const char *label)
{
	for (size_t i = 0; i < run->variants_count; i++)
		if (!strcmp(run->variants[i].label, label))
			return &run->variants[i];
	return NULL;
}

/* What is stored but means nothing to this program. */
static int refuse_value(struct run_store *store, const char *column, const char *value,
			struct error *err)
{
	return error_set(err, -EUCLEAN, "%s: column %s holds '%s', which this kerngate does not "
			 "know", store->path, column, value ? value : "NULL");
}

/* An index that points outside would be followed into other memory. */
static int check_index(struct run_store *store, const char *column, int64_t index,
		       size_t count, struct error *err)
{
	if (index >= 0 && (uint64_t)index < count)
		return 0;
	return error_set(err, -EUCLEAN, "%s: column %s holds %lld, expected less than %zu",
			 store->path, column, (long long)index, count);
}

/* --- finding a run ----------------------------------------------------------- */

static int all_ids(struct run_store *store, struct strvec *ret_ids, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "SELECT id FROM runs ORDER BY run DESC", &st, err);

	if (rc)
		return rc;
	while ((rc = statement_step(&st, err)) > 0) {
		cleanup_free char *id = statement_text(&st, 0);

		strvec_push(ret_ids, id);
	}
	return rc;
}

static int refuse_unknown(struct run_store *store, const char *text, const struct strvec *ids,
			  struct error *err)
{
	const char *nearest = suggest_nearest(text, (const char *const *)ids->items,
					      ids->count);

	if (nearest)
		return error_set(err, -ENOENT, "%s: has no run '%s' (did you mean '%s'?)",
				 store->path, text, nearest);
	return error_set(err, -ENOENT, "%s: has no run '%s' (the newest is '%s')", store->path,
			 text, ids->items[0]);
}

/* "results/RUN/" of a shell's completion is taken as RUN, "results/latest" as
 * latest. */
static char *id_of_argument(const char *text)
{
	size_t length = strlen(text);
	const char *start;

	while (length > 1 && text[length - 1] == '/')
		length--;
	start = memrchr(text, '/', length);
	start = start && length > 1 ? start + 1 : text;
	return string_copy_n(start, length - (size_t)(start - text));
}

/* The run that results/latest points to (a resumed one may be older than the
 * newest), or "" for the newest. Owned. */
static char *id_of_latest(struct run_store *store)
{
	cleanup_free char *link = path_join(store->folder, "latest");
	char target[256] = ""; /* ids are shorter */
	ssize_t length = readlink(link, target, sizeof(target) - 1);

	return string_copy_n(target, length > 0 ? (size_t)length : 0);
}

static int find_run(struct run_store *store, const char *argument, char **ret_id,
		    struct error *err)
{
	cleanup_strvec struct strvec ids = STRVEC_INIT;
	cleanup_free char *name = id_of_argument(argument ? argument : "latest");
	bool latest = !strcmp(name, "latest");
	cleanup_free char *text = latest ? id_of_latest(store) : string_copy(name);
	const char *match = NULL;
	size_t matches = 0;
	int rc = all_ids(store, &ids, err);

	if (rc)
		return rc;
	if (!ids.count)
		return error_set(err, -ENOENT, "%s: holds no run yet; `kerngate run` makes one",
				 store->path);
	if (strvec_contains(&ids, text) || latest) {
		*ret_id = string_copy(strvec_contains(&ids, text) ? text : ids.items[0]);
		return 0;
	}
	for (size_t i = 0; i < ids.count; i++) {
		if (*text && !strncmp(ids.items[i], text, strlen(text))) {
			match = ids.items[i];
			matches++;
		}
	}
	if (matches > 1)
		return error_set(err, -ENOTUNIQ, "%s: %zu runs begin with '%s' (the oldest is "
				 "'%s'); give more of the name", store->path, matches, text, match);
	if (!matches)
		return refuse_unknown(store, text, &ids, err);
	*ret_id = string_copy(match);
	return 0;
}

int run_store_find_unfinished(struct run_store *store, char **ret_id, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "SELECT id FROM runs WHERE state <> 'finished'"
				   " ORDER BY run DESC LIMIT 1", &st, err);

	if (!rc)
		rc = statement_step(&st, err);
	if (rc < 0)
		return rc;
	if (!rc)
		return error_set(err, -ENOENT, "%s: no run is unfinished: nothing to resume",
				 store->path);
	*ret_id = statement_text(&st, 0);
	return 0;
}

int run_store_find_campaign(struct run_store *store, const char *campaign, char **ret_id,
			    struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "SELECT id FROM runs WHERE campaign = ?1"
				   " ORDER BY run DESC LIMIT 1", &st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, campaign);
	rc = statement_step(&st, err);
	if (rc < 0)
		return rc;
	*ret_id = rc ? statement_text(&st, 0) : NULL;
	return 0;
}

/* --- the parts of a run ------------------------------------------------------ */

static int parse_correction(const char *name, enum correction *ret)
{
	for (int i = 0; i <= CORRECTION_NONE; i++) {
		if (!strcmp(correction_name((enum correction)i), name)) {
			*ret = (enum correction)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* Columns mode and exact from `first` on. */
static int read_mode(struct run_store *store, struct statement *st, int first,
		     struct stored_run *run, struct error *err)
{
	cleanup_free char *mode = statement_text(st, first);
	cleanup_free char *exact = statement_text(st, first + 1);

	if (!mode || run_mode_parse(mode, &run->mode))
		return refuse_value(store, "mode", mode, err);
	if (run->mode == MODE_EXACT && (!exact || exact_policy_parse(exact, &run->exact)))
		return refuse_value(store, "exact", exact, err);
	return 0;
}

static void read_run_head(struct statement *st, struct stored_run *run)
{
	run->campaign = statement_text(st, 0);
	run->campaign_file = statement_text(st, 1);
	run->state = statement_text(st, 2);
	run->note = statement_text(st, 3);
	run->started_wall_ns = (uint64_t)statement_integer(st, 4);
	run->finished_wall_ns = (uint64_t)statement_integer(st, 5);
	run->seed = (uint64_t)statement_integer(st, 6);
	run->control = statement_integer(st, 7);
	run->baseline = (size_t)statement_integer(st, 8);
	run->control_variant = statement_is_null(st, 9) ? -1 : statement_integer(st, 9);
	run->gate.margin_percent = statement_real(st, 10);
	run->gate.alpha = statement_real(st, 11);
	run->gate.confidence = statement_real(st, 12);
	run->accelerator = statement_text(st, 14);
	run->accelerator_reason = statement_text(st, 15);
}

static int load_head(struct run_store *store, int64_t key, struct stored_run *run,
		     struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	cleanup_free char *correction = NULL;
	int rc = statement_prepare(store,
		"SELECT campaign, campaign_file, state, note, started_wall_ns, finished_wall_ns,"
		" seed, control, baseline, control_variant, margin_percent, alpha, confidence,"
		" correction, accelerator, accelerator_reason, mode, exact"
		" FROM runs WHERE run = ?1", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, key);
	rc = statement_step(&st, err);
	if (rc <= 0)
		return rc ? rc : error_set(err, -ENOENT, "%s: the run is gone", store->path);
	read_run_head(&st, run);
	correction = statement_text(&st, 13);
	if (parse_correction(correction, &run->gate.correction))
		return refuse_value(store, "correction", correction, err);
	return read_mode(store, &st, 16, run, err);
}

/* The number in column "count(*)" of a query over one run, for allocations. */
static int count_of(struct run_store *store, const char *sql, int64_t key, size_t *ret_count,
		    struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, sql, &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, key);
	rc = statement_step(&st, err);
	if (rc < 0)
		return rc;
	*ret_count = (size_t)statement_integer(&st, 0);
	return 0;
}

static int load_variants(struct run_store *store, int64_t key, struct stored_run *run,
			 struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	size_t count = 0;
	int rc = count_of(store, "SELECT count(*) FROM variants WHERE run = ?1", key, &count, err);

	if (!rc)
		rc = statement_prepare(store,
			"SELECT label, name, kernel_key, image_sha256, kernel_record, cmdline"
			" FROM variants WHERE run = ?1 ORDER BY variant", &st, err);
	if (rc)
		return rc;
	run->variants = memory_alloc_array(count, sizeof(*run->variants));
	statement_bind_integer(&st, 1, key);
	while (run->variants_count < count && (rc = statement_step(&st, err)) > 0)
		run->variants[run->variants_count++] = (struct stored_variant){
			.label = statement_text(&st, 0),
			.name = statement_text(&st, 1),
			.kernel_key = statement_text(&st, 2),
			.image_sha256 = statement_text(&st, 3),
			.kernel_record = statement_text(&st, 4),
			.cmdline = statement_text(&st, 5),
		};
	if (rc < 0)
		return rc;
	rc = check_index(store, "baseline", (int64_t)run->baseline, run->variants_count, err);
	if (!rc && run->control_variant >= 0)
		rc = check_index(store, "control_variant", run->control_variant,
				 run->variants_count, err);
	return rc;
}

static int add_metric(struct run_store *store, struct statement *st, struct stored_row *row,
		      struct error *err)
{
	struct metric_info *metric;
	cleanup_free char *better = statement_text(st, 5), *kind = statement_text(st, 6);

	row->metrics = memory_realloc_array(row->metrics, row->metrics_count + 1,
					    sizeof(*row->metrics));
	metric = &row->metrics[row->metrics_count++];
	*metric = (struct metric_info){
		.name = statement_text(st, 2),
		.unit = statement_text(st, 3),
		.meaning = statement_text(st, 4),
		.secondary = statement_integer(st, 7),
	};
	if (metric_direction_parse(better, &metric->better))
		return refuse_value(store, "better", better, err);
	if (metric_kind_parse(kind, &metric->kind))
		return refuse_value(store, "kind", kind, err);
	return 0;
}

static int load_metrics(struct run_store *store, int64_t key, struct stored_run *run,
			struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"SELECT cell, row, name, unit, meaning, better, kind, secondary FROM metrics"
		" WHERE run = ?1 ORDER BY cell, row, metric", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, key);
	while ((rc = statement_step(&st, err)) > 0) {
		int64_t cell = statement_integer(&st, 0), row = statement_integer(&st, 1);
		int failed = check_index(store, "cell", cell, run->cells_count, err);

		if (!failed)
			failed = check_index(store, "row", row, run->cells[cell].rows_count, err);
		if (!failed)
			failed = add_metric(store, &st, &run->cells[cell].rows[row], err);
		if (failed)
			return failed;
	}
	return rc;
}

static int load_rows(struct run_store *store, int64_t key, struct stored_run *run,
		     struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"SELECT cell, name, workload, arguments FROM suite_rows WHERE run = ?1"
		" ORDER BY cell, row", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, key);
	while ((rc = statement_step(&st, err)) > 0) {
		int64_t index = statement_integer(&st, 0);
		int failed = check_index(store, "cell", index, run->cells_count, err);
		struct stored_cell *cell;

		if (failed)
			return failed;
		cell = &run->cells[index];
		cell->rows = memory_realloc_array(cell->rows, cell->rows_count + 1,
						  sizeof(*cell->rows));
		cell->rows[cell->rows_count++] = (struct stored_row){
			.name = statement_text(&st, 1),
			.workload = statement_text(&st, 2),
			.arguments = statement_text(&st, 3),
		};
	}
	return rc ? rc : load_metrics(store, key, run, err);
}

static int load_cells(struct run_store *store, int64_t key, struct stored_run *run,
		      struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	size_t count = 0;
	int rc = count_of(store, "SELECT count(*) FROM cells WHERE run = ?1", key, &count, err);

	if (!rc)
		rc = statement_prepare(store, "SELECT guest, suite, guest_record FROM cells"
				       " WHERE run = ?1 ORDER BY cell", &st, err);
	if (rc)
		return rc;
	run->cells = memory_alloc_array(count, sizeof(*run->cells));
	statement_bind_integer(&st, 1, key);
	while (run->cells_count < count && (rc = statement_step(&st, err)) > 0)
		run->cells[run->cells_count++] = (struct stored_cell){
			.guest = statement_text(&st, 0),
			.suite = statement_text(&st, 1),
			.guest_record = statement_text(&st, 2),
		};
	return rc < 0 ? rc : load_rows(store, key, run, err);
}

/* --- trials ------------------------------------------------------------------- */

static const char *const state_names[] = {
	[TRIAL_PLANNED] = "planned",
	[TRIAL_STARTED] = "started",
	[TRIAL_FINISHED] = "finished",
};

static int read_state(struct run_store *store, struct statement *st, int column,
		      struct stored_trial *trial, struct error *err)
{
	cleanup_free char *name = statement_text(st, column);

	for (size_t i = 0; name && i < ARRAY_COUNT(state_names); i++) {
		if (!strcmp(state_names[i], name)) {
			trial->state = (enum trial_state)i;
			return 0;
		}
	}
	return refuse_value(store, "state", name, err);
}

static int read_trial(struct run_store *store, struct statement *st, struct stored_run *run,
		      struct stored_trial *trial, struct error *err)
{
	cleanup_free char *outcome = statement_text(st, 8);
	int64_t cell = statement_integer(st, 2), variant = statement_integer(st, 3);
	int rc;

	*trial = (struct stored_trial){
		.id = statement_integer(st, 0),
		.block = (uint32_t)statement_integer(st, 1),
		.cell = (uint32_t)cell,
		.variant = (uint32_t)variant,
		.order = (uint32_t)statement_integer(st, 4),
		.attempt = (uint32_t)statement_integer(st, 5),
		.superseded = statement_integer(st, 6),
		.reason = statement_text(st, 9),
		.disturbed = statement_integer(st, 10),
		.duration_ns = (uint64_t)statement_integer(st, 11),
		.fingerprint = statement_text(st, 12),
		.started_wall_ns = (uint64_t)statement_integer(st, 13),
		.seed = (uint64_t)statement_integer(st, 14),
		.digest = statement_text(st, 15),
	};
	rc = check_index(store, "cell", cell, run->cells_count, err);
	if (!rc)
		rc = check_index(store, "variant", variant, run->variants_count, err);
	if (!rc)
		rc = read_state(store, st, 7, trial, err);
	if (!rc && outcome && outcome_parse(outcome, &trial->outcome))
		rc = refuse_value(store, "outcome", outcome, err);
	return rc;
}

static int load_trials(struct run_store *store, int64_t key, struct stored_run *run,
		       struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	size_t count = 0;
	int rc = count_of(store, "SELECT count(*) FROM trials WHERE run = ?1", key, &count, err);

	if (!rc)
		rc = statement_prepare(store,
			"SELECT id, block, cell, variant, plan_order, attempt, superseded, state,"
			" outcome, reason, disturbed, duration_ns, text, started_wall_ns, seed,"
			" digest"
			" FROM trials LEFT JOIN fingerprints USING (fingerprint)"
			" WHERE run = ?1 ORDER BY plan_order", &st, err);
	if (rc)
		return rc;
	run->trials = memory_alloc_array(count, sizeof(*run->trials));
	statement_bind_integer(&st, 1, key);
	while (run->trials_count < count && (rc = statement_step(&st, err)) > 0) {
		rc = read_trial(store, &st, run, &run->trials[run->trials_count++], err);
		if (rc)
			return rc;
	}
	return rc < 0 ? rc : 0;
}

static int load_all(struct run_store *store, struct stored_run *run, struct error *err)
{
	int64_t key = 0;
	int rc = store_run_key(store, run->id, &key, err);

	if (!rc)
		rc = load_head(store, key, run, err);
	if (!rc)
		rc = load_variants(store, key, run, err);
	if (!rc)
		rc = load_cells(store, key, run, err);
	if (!rc)
		rc = load_trials(store, key, run, err);
	if (!rc)
		rc = store_looks_load(store, key, run, err);
	return rc;
}

int run_store_load(struct run_store *store, const char *run_id, struct stored_run *ret_run,
		   struct error *err)
{
	struct stored_run run = { .control_variant = -1 };
	int rc = find_run(store, run_id, &run.id, err);

	/* One moment for all tables, whatever another process stores meanwhile. */
	if (!rc)
		rc = store_execute(store, "BEGIN", err);
	if (!rc) {
		rc = load_all(store, &run, err);
		(void)sqlite3_exec(store->database, "COMMIT", NULL, NULL, NULL);
	}
	if (rc) {
		stored_run_release(&run);
		return rc;
	}
	*ret_run = run;
	return 0;
}
