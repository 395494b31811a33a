/* run_store_samples.c - samples of one metric of a run. A large run has millions of
 * them, so that a call of sqlite3_step and of sqlite3_column_* for each costs more than
 * finding it: an aggregate function of our own takes them within SQLite's loop, once a
 * trial.
 */
#include <errno.h>

#include "memory.h"
#include "run_store_private.h"

#define TAKE "kerngate_take" /* (sample, value): counts the values it took */

void stored_samples_free(struct stored_samples *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(items[i].values);
	free(items);
}

struct samples_list {
	struct stored_samples *items; /* owned */
	size_t count;
};

static void samples_list_release(struct samples_list *list)
{
	stored_samples_free(list->items, list->count);
}

/* --- within SQLite ----------------------------------------------------------------- */

static void take_value(sqlite3_context *context, int count, sqlite3_value **arguments)
{
	struct store_taking *taking = sqlite3_user_data(context);
	int64_t sample = sqlite3_value_int64(arguments[0]);

	(void)count;
	/* It reads the primary key's order; a plan that does not is a mistake of ours. */
	if (taking->count && sample <= taking->last) {
		sqlite3_result_error(context, "samples are out of order", -1);
		return;
	}
	taking->last = sample;
	/* Capacity is the next power of two: grows when count is one. */
	if (!(taking->count & (taking->count - 1)))
		taking->values = memory_realloc_array(taking->values, taking->count ?
						      2 * taking->count : 1,
						      sizeof(*taking->values));
	taking->values[taking->count++] = sqlite3_value_double(arguments[1]);
}

static void take_end(sqlite3_context *context)
{
	const struct store_taking *taking = sqlite3_user_data(context);

	sqlite3_result_int64(context, (int64_t)taking->count);
}

int store_samples_register(struct run_store *store, struct error *err)
{
	int code = sqlite3_create_function_v2(store->database, TAKE, 2,
					      SQLITE_UTF8 | SQLITE_DIRECTONLY,
					      &store->taking, NULL, take_value, take_end, NULL);

	return code == SQLITE_OK ? 0 : store_failure(store, code, "registering a function", err);
}

/* --- trial by trial ---------------------------------------------------------------- */

/* Trials as columns id, block, variant, and the number of the metric. */
static int prepare_trials(struct run_store *store, const char *run_id, uint32_t cell,
			  uint32_t row, const char *metric, struct statement *trials,
			  struct error *err)
{
	int rc = statement_prepare(store,
		"SELECT t.id, t.block, t.variant, m.metric FROM runs r"
		" JOIN metrics m ON m.run = r.run AND m.cell = ?2 AND m.row = ?3 AND m.name = ?4"
		" JOIN trials t ON t.run = r.run AND t.cell = ?2 AND t.state = 'finished'"
		"  AND NOT t.superseded AND t.outcome <> 'broken'"
		" JOIN row_results o ON o.trial = t.id AND o.row = ?3 AND o.outcome = 'passed'"
		" WHERE r.id = ?1 ORDER BY t.plan_order", trials, err);

	if (rc)
		return rc;
	statement_bind_text(trials, 1, run_id);
	statement_bind_integer(trials, 2, cell);
	statement_bind_integer(trials, 3, row);
	statement_bind_text(trials, 4, metric);
	return 0;
}

static int read_trial(struct statement *trials, struct statement *values, uint32_t row,
		      struct samples_list *list, struct error *err)
{
	struct store_taking *taking = &trials->store->taking;
	int rc;

	*taking = (struct store_taking){ .values = NULL };
	statement_bind_integer(values, 1, statement_integer(trials, 0));
	statement_bind_integer(values, 2, row);
	statement_bind_integer(values, 3, statement_integer(trials, 3));
	rc = statement_run(values, err);
	if (rc || !taking->count) {
		free(taking->values);
		return rc;
	}
	list->items = memory_realloc_array(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = (struct stored_samples){
		.trial_id = statement_integer(trials, 0),
		.block = (uint32_t)statement_integer(trials, 1),
		.variant = (uint32_t)statement_integer(trials, 2),
		.values = taking->values,
		.count = taking->count,
	};
	return 0;
}

int run_store_samples(struct run_store *store, const char *run_id, uint32_t cell, uint32_t row,
		      const char *metric, struct stored_samples **ret_items, size_t *ret_count,
		      struct error *err)
{
	cleanup_with(samples_list_release) struct samples_list list = { .items = NULL };
	cleanup_statement struct statement trials = STATEMENT_INIT, values = STATEMENT_INIT;
	int rc = prepare_trials(store, run_id, cell, row, metric, &trials, err);

	if (!rc)
		rc = statement_prepare(store, "SELECT " TAKE "(sample, value) FROM samples"
				       " WHERE trial = ?1 AND row = ?2 AND metric = ?3", &values,
				       err);
	/* While this is not at its end, both see the store as it was at its begin. */
	while (!rc && (rc = statement_step(&trials, err)) > 0)
		rc = read_trial(&trials, &values, row, &list, err);
	if (rc)
		return rc;
	*ret_items = take_pointer(list.items);
	*ret_count = list.count;
	list.count = 0;
	return 0;
}
