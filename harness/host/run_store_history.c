/* run_store_history.c - see run_store_history.h. */
#include "run_store_history.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "run_store_private.h"

/* --- figures of a run ------------------------------------------------------------- */

/* The series of a figure, made where there is none; what does not tell series apart
 * becomes as the newest run says it. */
static int series_key(struct statement *st, const struct stored_run *run,
		      const struct run_figure *figure, int64_t *ret_key, struct error *err)
{
	const struct stored_cell *cell = &run->cells[figure->cell];
	const struct stored_row *row = &cell->rows[figure->row];
	const struct metric_info *metric = &row->metrics[figure->metric];
	int rc;

	statement_bind_text(st, 1, run->campaign);
	statement_bind_text(st, 2, run_mode_name(run->mode));
	statement_bind_text(st, 3, cell->guest);
	statement_bind_text(st, 4, cell->suite);
	statement_bind_text(st, 5, row->name);
	statement_bind_text(st, 6, metric->name);
	statement_bind_text(st, 7, run->variants[figure->variant].label);
	statement_bind_text(st, 8, metric->unit);
	statement_bind_text(st, 9, metric_direction_name(metric->better));
	statement_bind_text(st, 10, metric_kind_name(metric->kind));
	statement_bind_integer(st, 11, metric->secondary);
	statement_bind_text(st, 12, metric->meaning);
	rc = statement_step(st, err);
	if (rc < 0)
		return rc;
	*ret_key = statement_integer(st, 0);
	return statement_run(st, err);
}

static int insert_figure(struct statement *st, int64_t series, int64_t run,
			 const struct run_figure *figure, int64_t conditions,
			 struct error *err)
{
	statement_bind_integer(st, 1, series);
	statement_bind_integer(st, 2, run);
	statement_bind_integer(st, 3, figure->boots_count);
	statement_bind_real(st, 4, figure->center);
	statement_bind_real(st, 5, figure->low);
	statement_bind_real(st, 6, figure->high);
	if (conditions)
		statement_bind_integer(st, 7, conditions);
	return statement_run(st, err);
}

static int insert_figures(struct run_store *store, int64_t key, const struct stored_run *run,
			  const struct run_figure *figures, size_t count, struct error *err)
{
	cleanup_statement struct statement series = STATEMENT_INIT, figure = STATEMENT_INIT;
	const char *text = NULL;
	int64_t series_id = 0, conditions = 0;
	int rc = statement_prepare(store,
		"INSERT INTO series (campaign, mode, guest, suite, row, metric, variant, unit,"
		" better, kind, secondary, meaning)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
		" ON CONFLICT DO UPDATE SET secondary = excluded.secondary,"
		"  meaning = excluded.meaning RETURNING series", &series, err);

	if (!rc)
		rc = statement_prepare(store,
			"INSERT INTO figures (series, run, boots, center, low, high, conditions)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", &figure, err);
	for (size_t i = 0; !rc && i < count; i++) {
		/* many figures in a row have the same ones */
		if (figures[i].conditions && figures[i].conditions != text) {
			text = figures[i].conditions;
			rc = store_text_key(store, "conditions", "conditions", text,
					    &conditions, err);
		}
		if (!rc)
			rc = series_key(&series, run, &figures[i], &series_id, err);
		if (!rc)
			rc = insert_figure(&figure, series_id, key, &figures[i],
					   figures[i].conditions ? conditions : 0, err);
	}
	return rc;
}

/* Runs one statement whose parameters are ?1 run and ?2 value. */
static int run_with(struct run_store *store, const char *sql, int64_t run, int64_t value,
		    struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, sql, &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, run);
	statement_bind_integer(&st, 2, value);
	return statement_run(&st, err);
}

int run_store_put_figures(struct run_store *store, const struct stored_run *run,
			  const struct run_figure *figures, size_t count, uint32_t rule,
			  struct error *err)
{
	cleanup_transaction struct transaction tx = TRANSACTION_INIT;
	int64_t key = 0;
	int rc = transaction_begin(store, &tx, err);

	if (!rc)
		rc = store_run_key(store, run->id, &key, err);
	if (!rc)
		rc = run_with(store, "DELETE FROM figures WHERE run = ?1 AND ?2 > 0", key, rule,
			      err);
	if (!rc)
		rc = insert_figures(store, key, run, figures, count, err);
	if (!rc)
		rc = run_with(store, "UPDATE runs SET figures_rule = ?2 WHERE run = ?1", key, rule,
			      err);
	if (!rc)
		rc = transaction_commit(&tx, err);
	return rc ? error_prefix(err, "storing the figures of run %s", run->id) : 0;
}

int run_store_runs_without_figures(struct run_store *store, uint32_t rule,
				   struct strvec *ret_ids, struct error *err)
{
	return statement_run_ids(store, "SELECT id FROM runs WHERE state = 'finished'"
				 " AND figures_rule <> ?1 ORDER BY run", rule, ret_ids, err);
}

/* --- series ------------------------------------------------------------------------ */

static void release_series(struct stored_series *series)
{
	free(series->campaign);
	free(series->guest);
	free(series->suite);
	free(series->row);
	free(series->variant);
	free(series->info.name);
	free(series->info.unit);
	free(series->info.meaning);
}

void stored_series_free(struct stored_series *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		release_series(&items[i]);
	free(items);
}

static int read_series(struct run_store *store, struct statement *st,
		       struct stored_series *ret, struct error *err)
{
	cleanup_free char *mode = statement_text(st, 2), *better = statement_text(st, 9);
	cleanup_free char *kind = statement_text(st, 10);

	*ret = (struct stored_series){
		.id = statement_integer(st, 0),
		.campaign = statement_text(st, 1),
		.guest = statement_text(st, 3),
		.suite = statement_text(st, 4),
		.row = statement_text(st, 5),
		.variant = statement_text(st, 7),
		.info = {
			.name = statement_text(st, 6),
			.unit = statement_text(st, 8),
			.meaning = statement_text(st, 12),
			.secondary = statement_integer(st, 11),
		},
	};
	if (!run_mode_parse(mode, &ret->mode) &&
	    !metric_direction_parse(better, &ret->info.better) &&
	    !metric_kind_parse(kind, &ret->info.kind))
		return 0;
	return error_set(err, -EUCLEAN, "%s: series %lld has mode '%s', better '%s', kind '%s', "
			 "one of which this kerngate does not know", store->path,
			 (long long)ret->id, mode, better, kind);
}

int run_store_list_series(struct run_store *store, struct stored_series **ret_items,
			  size_t *ret_count, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	struct stored_series *items = NULL;
	size_t count = 0;
	int rc = statement_prepare(store,
		"SELECT series, campaign, mode, guest, suite, row, metric, variant, unit, better,"
		" kind, secondary, meaning FROM series"
		" ORDER BY campaign, mode, guest, suite, row, metric, variant, series", &st, err);

	if (rc)
		return rc;
	while ((rc = statement_step(&st, err)) > 0) {
		items = memory_realloc_array(items, count + 1, sizeof(*items));
		rc = read_series(store, &st, &items[count++], err);
		if (rc)
			break;
	}
	if (rc) {
		stored_series_free(items, count);
		return rc;
	}
	*ret_items = items;
	*ret_count = count;
	return 0;
}

int run_store_series_figures(struct run_store *store, int64_t series,
			     struct stored_figure **ret_items, size_t *ret_count,
			     struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	cleanup_free struct stored_figure *items = NULL;
	size_t count = 0, room = 0;
	int rc = statement_prepare(store,
		"SELECT run, boots, center, low, high, conditions FROM figures"
		" WHERE series = ?1 ORDER BY run", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, series);
	while ((rc = statement_step(&st, err)) > 0) {
		if (count == room) {
			room = room ? 2 * room : 64;
			items = memory_realloc_array(items, room, sizeof(*items));
		}
		items[count++] = (struct stored_figure){
			.run = statement_integer(&st, 0),
			.boots_count = (uint32_t)statement_integer(&st, 1),
			.center = statement_real(&st, 2),
			.low = statement_real(&st, 3),
			.high = statement_real(&st, 4),
			.conditions = statement_integer(&st, 5),
		};
	}
	if (rc)
		return rc;
	*ret_items = take_pointer(items);
	*ret_count = count;
	return 0;
}

/* --- the runs that history is made of ------------------------------------------------ */

void timeline_free(struct timeline_run *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(items[i].id);
	free(items);
}

int run_store_timeline(struct run_store *store, const char *campaign, enum run_mode mode,
		       struct timeline_run **ret_items, size_t *ret_count, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	struct timeline_run *items = NULL;
	size_t count = 0, room = 0;
	int rc = statement_prepare(store,
		"SELECT run, id, started_wall_ns, margin_percent FROM runs"
		" WHERE campaign = ?1 AND mode = ?2 AND state = 'finished' ORDER BY run",
		&st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, campaign);
	statement_bind_text(&st, 2, run_mode_name(mode));
	while ((rc = statement_step(&st, err)) > 0) {
		if (count == room) {
			room = room ? 2 * room : 64;
			items = memory_realloc_array(items, room, sizeof(*items));
		}
		items[count++] = (struct timeline_run){
			.run = statement_integer(&st, 0),
			.id = statement_text(&st, 1),
			.started_wall_ns = (uint64_t)statement_integer(&st, 2),
			.margin_percent = statement_real(&st, 3),
		};
	}
	if (rc) {
		timeline_free(items, count);
		return rc;
	}
	*ret_items = items;
	*ret_count = count;
	return 0;
}

/* The text that a query with one parameter gives. */
static int text_of(struct run_store *store, struct statement *st, const char *missing,
		   char **ret_text, struct error *err)
{
	int rc = statement_step(st, err);

	if (rc < 0)
		return rc;
	if (!rc)
		return error_set(err, -ENOENT, "%s: has no %s", store->path, missing);
	*ret_text = statement_text(st, 0);
	return 0;
}

int run_store_last_variant(struct run_store *store, const char *run_id, char **ret_label,
			   struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"SELECT v.label FROM runs r JOIN variants v USING (run) WHERE r.id = ?1"
		" AND v.variant IS NOT r.control_variant ORDER BY v.variant DESC LIMIT 1",
		&st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, run_id);
	return text_of(store, &st, "variant of that run", ret_label, err);
}

int run_store_conditions(struct run_store *store, int64_t conditions, char **ret_text,
			 struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "SELECT text FROM conditions WHERE conditions = ?1",
				   &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, conditions);
	return text_of(store, &st, "conditions under that key", ret_text, err);
}

/* --- confirmations ----------------------------------------------------------------- */

void stored_confirmations_free(struct stored_confirmation *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(items[i].run_before);
		free(items[i].run_after);
		free(items[i].state);
		free(items[i].run);
		free(items[i].reason);
	}
	free(items);
}

int run_store_confirmations(struct run_store *store, int64_t series,
			    struct stored_confirmation **ret_items, size_t *ret_count,
			    struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	struct stored_confirmation *items = NULL;
	size_t count = 0;
	int rc = statement_prepare(store,
		"SELECT b.id, a.id, c.state, c.ratio, c.p, x.id, c.reason, c.updated_wall_ns"
		" FROM confirmations c JOIN runs b ON b.run = c.run_before"
		" JOIN runs a ON a.run = c.run_after LEFT JOIN runs x ON x.run = c.run"
		" WHERE c.series = ?1 ORDER BY c.run_after, c.run_before", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, series);
	while ((rc = statement_step(&st, err)) > 0) {
		items = memory_realloc_array(items, count + 1, sizeof(*items));
		items[count++] = (struct stored_confirmation){
			.run_before = statement_text(&st, 0),
			.run_after = statement_text(&st, 1),
			.state = statement_text(&st, 2),
			.ratio = statement_real(&st, 3),
			.p = statement_real(&st, 4),
			.run = statement_text(&st, 5),
			.reason = statement_text(&st, 6),
			.updated_wall_ns = (uint64_t)statement_integer(&st, 7),
		};
	}
	if (rc) {
		stored_confirmations_free(items, count);
		return rc;
	}
	*ret_items = items;
	*ret_count = count;
	return 0;
}

int run_store_put_confirmation(struct run_store *store, int64_t series,
			       const struct stored_confirmation *confirmation,
			       struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT OR REPLACE INTO confirmations (series, run_before, run_after, state,"
		" ratio, p, run, reason, updated_wall_ns)"
		" SELECT ?1, b.run, a.run, ?4, ?5, ?6,"
		"  (SELECT run FROM runs WHERE id = ?7), ?8, ?9"
		" FROM runs b, runs a WHERE b.id = ?2 AND a.id = ?3", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, series);
	statement_bind_text(&st, 2, confirmation->run_before);
	statement_bind_text(&st, 3, confirmation->run_after);
	statement_bind_text(&st, 4, confirmation->state);
	statement_bind_real(&st, 5, confirmation->ratio);
	statement_bind_real(&st, 6, confirmation->p);
	statement_bind_text(&st, 7, confirmation->run);
	statement_bind_text(&st, 8, confirmation->reason);
	statement_bind_integer(&st, 9, store_optional_ns(clock_wall_ns()));
	rc = statement_run(&st, err);
	if (!rc && !sqlite3_changes(store->database))
		rc = error_set(err, -ENOENT, "%s: has no runs %s and %s", store->path,
			       confirmation->run_before, confirmation->run_after);
	return rc;
}
