/* run_store_verdicts.c - what was made of a run's metrics, kept: the part of
 * run_store_nights.h that is about verdicts.
 */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "run_store_nights.h"
#include "run_store_private.h"

/* With the words of verdict_name, and what stands where the A/A control fired. */
static bool is_verdict(const char *text)
{
	static const char *const known[] = { "improved", "equivalent", "inconclusive",
					     "regressed", "not comparable", RUN_STORE_WITHHELD };

	for (size_t i = 0; text && i < ARRAY_COUNT(known); i++)
		if (!strcmp(text, known[i]))
			return true;
	return false;
}

static int check(const struct stored_verdict *verdicts, size_t count, bool is_history,
		 struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_verdict(verdicts[i].verdict))
			return error_set(err, -EINVAL, "'%s' is no verdict",
					 verdicts[i].verdict ? verdicts[i].verdict : "");
		if (verdicts[i].is_history != is_history)
			return error_set(err, -EINVAL, "verdict %zu is of the other kind", i + 1);
	}
	return 0;
}

int run_store_find_series(struct run_store *store, const struct stored_run *run, uint32_t cell,
			  uint32_t row, uint32_t metric, uint32_t variant, int64_t *ret_series,
			  struct error *err)
{
	const struct stored_cell *of_cell = &run->cells[cell];
	const struct metric_info *info = &of_cell->rows[row].metrics[metric];
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"SELECT series FROM series WHERE campaign = ?1 AND mode = ?2 AND guest = ?3"
		" AND suite = ?4 AND row = ?5 AND metric = ?6 AND variant = ?7 AND unit = ?8"
		" AND better = ?9 AND kind = ?10", &st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, run->campaign);
	statement_bind_text(&st, 2, run_mode_name(run->mode));
	statement_bind_text(&st, 3, of_cell->guest);
	statement_bind_text(&st, 4, of_cell->suite);
	statement_bind_text(&st, 5, of_cell->rows[row].name);
	statement_bind_text(&st, 6, info->name);
	statement_bind_text(&st, 7, run->variants[variant].label);
	statement_bind_text(&st, 8, info->unit);
	statement_bind_text(&st, 9, metric_direction_name(info->better));
	statement_bind_text(&st, 10, metric_kind_name(info->kind));
	rc = statement_step(&st, err);
	if (rc < 0)
		return rc;
	*ret_series = rc ? statement_integer(&st, 0) : 0;
	return 0;
}

static int delete_kind(struct run_store *store, int64_t run, bool is_history, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "DELETE FROM verdicts WHERE run = ?1 AND is_history = ?2",
				   &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, run);
	statement_bind_integer(&st, 2, is_history);
	return statement_run(&st, err);
}

static int insert(struct run_store *store, int64_t run, const struct stored_verdict *verdicts,
		  size_t count, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT INTO verdicts (series, run, is_history, verdict, ratio, low, high, p)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", &st, err);

	for (size_t i = 0; !rc && i < count; i++) {
		statement_bind_integer(&st, 1, verdicts[i].series);
		statement_bind_integer(&st, 2, run);
		statement_bind_integer(&st, 3, verdicts[i].is_history);
		statement_bind_text(&st, 4, verdicts[i].verdict);
		statement_bind_real(&st, 5, verdicts[i].ratio);
		statement_bind_real(&st, 6, verdicts[i].low);
		statement_bind_real(&st, 7, verdicts[i].high);
		statement_bind_real(&st, 8, verdicts[i].p);
		rc = statement_run(&st, err);
	}
	return rc;
}

static int note_judged(struct run_store *store, int64_t run, uint32_t rule, int gate,
		       struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "UPDATE runs SET verdicts_rule = ?2, gate = ?3"
				   " WHERE run = ?1", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, run);
	statement_bind_integer(&st, 2, rule);
	statement_bind_integer(&st, 3, gate);
	return statement_run(&st, err);
}

/* rule 0: nothing is noted of the run itself. */
static int replace(struct run_store *store, const char *run_id, bool is_history,
		   const struct stored_verdict *verdicts, size_t count, uint32_t rule, int gate,
		   struct error *err)
{
	cleanup_transaction struct transaction tx = TRANSACTION_INIT;
	int64_t key = 0;
	int rc = check(verdicts, count, is_history, err);

	if (!rc)
		rc = transaction_begin(store, &tx, err);
	if (!rc)
		rc = store_run_key(store, run_id, &key, err);
	if (!rc)
		rc = delete_kind(store, key, is_history, err);
	if (!rc)
		rc = insert(store, key, verdicts, count, err);
	if (!rc && rule)
		rc = note_judged(store, key, rule, gate, err);
	if (!rc)
		rc = transaction_commit(&tx, err);
	return rc ? error_prefix(err, "storing the verdicts of run %s", run_id) : 0;
}

int run_store_set_verdicts(struct run_store *store, const char *run_id, bool is_history,
			   const struct stored_verdict *verdicts, size_t count,
			   struct error *err)
{
	return replace(store, run_id, is_history, verdicts, count, 0, 0, err);
}

int run_store_set_judged(struct run_store *store, const char *run_id,
			 const struct stored_verdict *verdicts, size_t count, uint32_t rule,
			 int gate, struct error *err)
{
	return replace(store, run_id, false, verdicts, count, rule, gate, err);
}

int run_store_runs_not_judged(struct run_store *store, uint32_t rule, struct strvec *ret_ids,
			      struct error *err)
{
	return statement_run_ids(store, "SELECT id FROM runs WHERE state = 'finished'"
				 " AND verdicts_rule <> ?1 ORDER BY run", rule, ret_ids, err);
}

/* --- reading ------------------------------------------------------------------------ */

void stored_verdicts_free(struct stored_verdict *verdicts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(verdicts[i].verdict);
	free(verdicts);
}

int run_store_run_verdicts(struct run_store *store, const char *run_id, bool is_history,
			   struct stored_verdict **ret_verdicts, size_t *ret_count,
			   struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	struct stored_verdict *items = NULL;
	size_t count = 0;
	int64_t key = 0;
	int rc = store_run_key(store, run_id, &key, err);

	if (!rc)
		rc = statement_prepare(store,
			"SELECT series, is_history, verdict, ratio, low, high, p FROM verdicts"
			" WHERE run = ?1 AND is_history = ?2 ORDER BY series", &st, err);
	if (rc)
		return rc;
	statement_bind_integer(&st, 1, key);
	statement_bind_integer(&st, 2, is_history);
	while ((rc = statement_step(&st, err)) > 0) {
		items = memory_realloc_array(items, count + 1, sizeof(*items));
		items[count++] = (struct stored_verdict){
			.series = statement_integer(&st, 0),
			.is_history = statement_integer(&st, 1),
			.verdict = statement_text(&st, 2),
			.ratio = statement_real(&st, 3),
			.low = statement_real(&st, 4),
			.high = statement_real(&st, 5),
			.p = statement_real(&st, 6),
		};
	}
	if (rc) {
		stored_verdicts_free(items, count);
		return rc;
	}
	*ret_verdicts = items;
	*ret_count = count;
	return 0;
}
