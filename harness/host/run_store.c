/* run_store.c - opening the store, storing a new run's plan, and the state of
 * runs. Trials are in run_store_trials.c, reading back in run_store_load.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "run_store_private.h"

/* SQLite does not wait for others while the journal's mode changes (its busy handler
 * could wait for ever there), so it is asked again here. FULL: in WAL mode NORMAL may
 * lose the last commits when the power goes; a finished trial cost seconds and its commit
 * milliseconds. */
static int set_journal(struct run_store *store, struct error *err)
{
	const struct timespec pause = { .tv_nsec = 2 * NS_PER_MS };
	const uint64_t end_ns = clock_monotonic_ns() + STORE_BUSY_TIMEOUT_MS * NS_PER_MS;
	int code;

	for (;;) {
		code = sqlite3_exec(store->database, "PRAGMA journal_mode = WAL", NULL, NULL,
				    NULL);
		if ((code & 0xff) != SQLITE_BUSY || clock_monotonic_ns() >= end_ns)
			break;
		(void)nanosleep(&pause, NULL);
	}
	if (code != SQLITE_OK)
		return store_failure(store, code, "setting the journal's mode", err);
	return store_execute(store, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON", err);
}

static int open_database(struct run_store *store, struct error *err)
{
	int code = sqlite3_open_v2(store->path, &store->database,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	int rc;

	if (code != SQLITE_OK)
		return store_failure(store, code, "opening", err);
	(void)sqlite3_extended_result_codes(store->database, 1);
	(void)sqlite3_busy_timeout(store->database, STORE_BUSY_TIMEOUT_MS);
	rc = store_schema_prepare(store, err);
	if (!rc)
		rc = store_samples_register(store, err);
	return rc ? rc : set_journal(store, err);
}

int run_store_open(const char *results_dir, struct run_store **ret_store, struct error *err)
{
	struct run_store *store;
	int rc = folder_make(results_dir);

	if (rc)
		return error_set_errno(err, rc, "%s: cannot make the results folder",
				       results_dir);
	store = memory_alloc(sizeof(*store));
	store->folder = path_absolute(results_dir);
	store->path = path_join(store->folder, STORE_FILE);
	rc = open_database(store, err);
	if (rc) {
		run_store_close(store);
		return rc;
	}
	*ret_store = store;
	return 0;
}

void run_store_close(struct run_store *store)
{
	if (!store)
		return;
	(void)sqlite3_close(store->database);
	free(store->folder);
	free(store->path);
	free(store);
}

const char *run_store_folder(const struct run_store *store)
{
	return store->folder;
}

char *run_store_run_folder(const struct run_store *store, const char *run_id)
{
	return path_join(store->folder, run_id);
}

char *run_store_trial_folder(const struct run_store *store, const char *run_id,
			     uint32_t order)
{
	return string_format("%s/%s/trials/%04u", store->folder, run_id, order + 1);
}

int store_run_key(struct run_store *store, const char *run_id, int64_t *ret_key,
		  struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "SELECT run FROM runs WHERE id = ?1", &st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, run_id);
	rc = statement_step(&st, err);
	if (rc < 0)
		return rc;
	if (!rc)
		return error_set(err, -ENOENT, "%s: has no run %s", store->path, run_id);
	*ret_key = statement_integer(&st, 0);
	return 0;
}

/* --- a new run ------------------------------------------------------------- */

static int insert_run(struct run_store *store, const struct stored_run *run,
		      struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	cleanup_free char *exact = run->mode == MODE_EXACT ?
				   exact_policy_format(&run->exact) : NULL;
	int rc = statement_prepare(store,
		"INSERT INTO runs (id, campaign, campaign_file, state, note, started_wall_ns,"
		" seed, control, baseline, control_variant, margin_percent, alpha, confidence,"
		" correction, accelerator, accelerator_reason, mode, exact)"
		" VALUES (?1, ?2, ?3, 'running', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
		" ?14, ?15, ?16, ?17)", &st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, run->id);
	statement_bind_text(&st, 2, run->campaign);
	statement_bind_text(&st, 3, run->campaign_file);
	statement_bind_text(&st, 4, run->note);
	statement_bind_integer(&st, 5, store_optional_ns(run->started_wall_ns));
	statement_bind_integer(&st, 6, (int64_t)run->seed);
	statement_bind_integer(&st, 7, run->control);
	statement_bind_integer(&st, 8, (int64_t)run->baseline);
	if (run->control_variant >= 0)
		statement_bind_integer(&st, 9, run->control_variant);
	statement_bind_real(&st, 10, run->gate.margin_percent);
	statement_bind_real(&st, 11, run->gate.alpha);
	statement_bind_real(&st, 12, run->gate.confidence);
	statement_bind_text(&st, 13, correction_name(run->gate.correction));
	statement_bind_text(&st, 14, run->accelerator);
	statement_bind_text(&st, 15, run->accelerator_reason);
	statement_bind_text(&st, 16, run_mode_name(run->mode));
	statement_bind_text(&st, 17, exact);
	return statement_run(&st, err);
}

static int insert_variants(struct run_store *store, int64_t key,
			   const struct stored_run *run, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT INTO variants (run, variant, label, name, kernel_key, image_sha256,"
		" kernel_record, cmdline) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", &st, err);

	for (size_t i = 0; !rc && i < run->variants_count; i++) {
		const struct stored_variant *variant = &run->variants[i];

		statement_bind_integer(&st, 1, key);
		statement_bind_integer(&st, 2, (int64_t)i);
		statement_bind_text(&st, 3, variant->label);
		statement_bind_text(&st, 4, variant->name);
		statement_bind_text(&st, 5, variant->kernel_key);
		statement_bind_text(&st, 6, variant->image_sha256);
		statement_bind_text(&st, 7, variant->kernel_record);
		statement_bind_text(&st, 8, variant->cmdline);
		rc = statement_run(&st, err);
	}
	return rc;
}

static int insert_metrics(struct run_store *store, int64_t key, size_t cell, size_t row,
			  const struct stored_row *stored, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT INTO metrics (run, cell, row, metric, name, unit, meaning, better, kind,"
		" secondary) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", &st, err);

	for (size_t i = 0; !rc && i < stored->metrics_count; i++) {
		const struct metric_info *metric = &stored->metrics[i];

		statement_bind_integer(&st, 1, key);
		statement_bind_integer(&st, 2, (int64_t)cell);
		statement_bind_integer(&st, 3, (int64_t)row);
		statement_bind_integer(&st, 4, (int64_t)i);
		statement_bind_text(&st, 5, metric->name);
		statement_bind_text(&st, 6, metric->unit);
		statement_bind_text(&st, 7, metric->meaning);
		statement_bind_text(&st, 8, metric_direction_name(metric->better));
		statement_bind_text(&st, 9, metric_kind_name(metric->kind));
		statement_bind_integer(&st, 10, metric->secondary);
		rc = statement_run(&st, err);
	}
	return rc;
}

static int insert_rows(struct run_store *store, int64_t key, size_t cell,
		       const struct stored_cell *stored, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT INTO suite_rows (run, cell, row, name, workload, arguments)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)", &st, err);

	for (size_t i = 0; !rc && i < stored->rows_count; i++) {
		const struct stored_row *row = &stored->rows[i];

		statement_bind_integer(&st, 1, key);
		statement_bind_integer(&st, 2, (int64_t)cell);
		statement_bind_integer(&st, 3, (int64_t)i);
		statement_bind_text(&st, 4, row->name);
		statement_bind_text(&st, 5, row->workload);
		statement_bind_text(&st, 6, row->arguments);
		rc = statement_run(&st, err);
		if (!rc)
			rc = insert_metrics(store, key, cell, i, row, err);
	}
	return rc;
}

static int insert_cells(struct run_store *store, int64_t key, const struct stored_run *run,
			struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT INTO cells (run, cell, guest, suite, guest_record)"
		" VALUES (?1, ?2, ?3, ?4, ?5)", &st, err);

	for (size_t i = 0; !rc && i < run->cells_count; i++) {
		const struct stored_cell *cell = &run->cells[i];

		statement_bind_integer(&st, 1, key);
		statement_bind_integer(&st, 2, (int64_t)i);
		statement_bind_text(&st, 3, cell->guest);
		statement_bind_text(&st, 4, cell->suite);
		statement_bind_text(&st, 5, cell->guest_record);
		rc = statement_run(&st, err);
		if (!rc)
			rc = insert_rows(store, key, i, cell, err);
	}
	return rc;
}

/* Ids go into ret_ids: the caller's run changes only after the commit. */
static int insert_trials(struct run_store *store, int64_t key, const struct stored_run *run,
			 int64_t *ret_ids, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT INTO trials (run, plan_order, block, cell, variant, attempt, seed, state)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'planned')", &st, err);

	for (size_t i = 0; !rc && i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		statement_bind_integer(&st, 1, key);
		statement_bind_integer(&st, 2, trial->order);
		statement_bind_integer(&st, 3, trial->block);
		statement_bind_integer(&st, 4, trial->cell);
		statement_bind_integer(&st, 5, trial->variant);
		statement_bind_integer(&st, 6, trial->attempt);
		if (trial->seed)
			statement_bind_integer(&st, 7, (int64_t)trial->seed);
		rc = statement_run(&st, err);
		ret_ids[i] = sqlite3_last_insert_rowid(store->database);
	}
	return rc;
}

/* mkdir decides between two that begin in the same second. */
static int claim_folder(struct run_store *store, struct stored_run *run, bool *ret_chosen,
			struct error *err)
{
	char stamp[CLOCK_TEXT_MAX];
	bool chosen = !run->id;

	for (unsigned int n = 1; n < 1000; n++) {
		cleanup_free char *id = NULL, *folder = NULL;

		if (!chosen)
			id = string_copy(run->id);
		else if (n == 1)
			id = string_format("%s-%s", clock_format_stamp(run->started_wall_ns,
							stamp), run->campaign);
		else
			id = string_format("%s-%s-%u", clock_format_stamp(run->started_wall_ns,
							stamp), run->campaign, n);
		folder = run_store_run_folder(store, id);
		if (!mkdir(folder, 0777)) {
			free(run->id);
			run->id = take_pointer(id);
			*ret_chosen = chosen;
			return 0;
		}
		if (errno != EEXIST || !chosen)
			return error_set_errno(err, -errno, "%s: cannot make the run's folder",
					       folder);
	}
	return error_set(err, -EEXIST, "%s: too many runs of %s began in this second",
			 store->folder, run->campaign);
}

static int store_plan(struct run_store *store, const struct stored_run *run,
		      int64_t *ret_ids, struct error *err)
{
	cleanup_transaction struct transaction tx = TRANSACTION_INIT;
	int rc = transaction_begin(store, &tx, err);
	int64_t key;

	if (!rc)
		rc = insert_run(store, run, err);
	if (rc)
		return rc;
	key = sqlite3_last_insert_rowid(store->database);
	rc = insert_variants(store, key, run, err);
	if (!rc)
		rc = insert_cells(store, key, run, err);
	if (!rc)
		rc = insert_trials(store, key, run, ret_ids, err);
	if (!rc)
		rc = store_looks_insert(store, key, run, err);
	return rc ? rc : transaction_commit(&tx, err);
}

int run_store_begin(struct run_store *store, struct stored_run *run, struct error *err)
{
	cleanup_free int64_t *ids = memory_alloc_array(run->trials_count, sizeof(*ids));
	bool chosen = false;
	int rc;

	if (run->seed > INT64_MAX)
		return error_set(err, -ERANGE, "seed %llu: expected at most %lld",
				 (unsigned long long)run->seed, (long long)INT64_MAX);
	if (!run->started_wall_ns)
		run->started_wall_ns = clock_wall_ns();
	rc = claim_folder(store, run, &chosen, err);
	if (rc)
		return rc;
	rc = store_plan(store, run, ids, err);
	if (rc) {
		cleanup_free char *folder = run_store_run_folder(store, run->id);

		(void)rmdir(folder);
		if (chosen)
			free(take_pointer(run->id));
		return error_prefix(err, "storing the plan");
	}
	for (size_t i = 0; i < run->trials_count; i++)
		run->trials[i].id = ids[i];
	free(run->state);
	run->state = string_copy("running");
	return 0;
}

/* --- the state of a run ---------------------------------------------------- */

/* Runs one UPDATE that must hit a row; on_missing says what there is not. */
static int update_one(struct run_store *store, struct statement *st, const char *on_missing,
		      struct error *err)
{
	int rc = statement_run(st, err);

	if (rc)
		return rc;
	if (!sqlite3_changes(store->database))
		return error_set(err, -ENOENT, "%s: has no %s", store->path, on_missing);
	return 0;
}

int run_store_set_state(struct run_store *store, const char *run_id, const char *state,
			struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	cleanup_free char *what = string_format("run %s", run_id);
	int rc = statement_prepare(store,
		"UPDATE runs SET state = ?2, finished_wall_ns = ?3 WHERE id = ?1", &st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, run_id);
	statement_bind_text(&st, 2, state);
	statement_bind_integer(&st, 3, strcmp(state, "finished") ? 0 :
			       store_optional_ns(clock_wall_ns()));
	return update_one(store, &st, what, err);
}

int run_store_set_note(struct run_store *store, const char *run_id, const char *note,
		       struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	cleanup_free char *what = string_format("run %s", run_id);
	int rc = statement_prepare(store, "UPDATE runs SET note = ?2 WHERE id = ?1", &st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, run_id);
	statement_bind_text(&st, 2, note);
	return update_one(store, &st, what, err);
}

int run_store_set_kernel(struct run_store *store, const char *run_id, uint32_t variant,
			 const char *image_sha256, const char *kernel_record,
			 struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	cleanup_free char *what = string_format("variant %u in run %s", variant, run_id);
	int rc = statement_prepare(store,
		"UPDATE variants SET image_sha256 = ?3, kernel_record = ?4"
		" WHERE variant = ?2 AND run = (SELECT run FROM runs WHERE id = ?1)", &st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, run_id);
	statement_bind_integer(&st, 2, variant);
	statement_bind_text(&st, 3, image_sha256);
	statement_bind_text(&st, 4, kernel_record);
	return update_one(store, &st, what, err);
}

int run_store_resume(struct run_store *store, const char *run_id, size_t *ret_planned,
		     struct error *err)
{
	cleanup_transaction struct transaction tx = TRANSACTION_INIT;
	cleanup_statement struct statement trials = STATEMENT_INIT;
	int64_t key = 0;
	int planned = 0, rc = transaction_begin(store, &tx, err);

	if (!rc)
		rc = store_run_key(store, run_id, &key, err);
	if (!rc)
		rc = statement_prepare(store,
			"UPDATE trials SET state = 'planned', started_wall_ns = NULL"
			" WHERE run = ?1 AND state <> 'finished'", &trials, err);
	if (rc)
		return rc;
	statement_bind_integer(&trials, 1, key);
	rc = statement_run(&trials, err);
	if (rc)
		return rc;
	planned = sqlite3_changes(store->database);
	rc = run_store_set_state(store, run_id, "running", err);
	if (!rc)
		rc = transaction_commit(&tx, err);
	if (!rc)
		*ret_planned = (size_t)planned;
	return rc;
}
