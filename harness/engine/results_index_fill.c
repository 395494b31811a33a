/* results_index_fill.c - verdicts of finished runs, made once and kept: judging a
 * thousand nights again for each page would take minutes.
 */
#include "results_index.h"

#include <string.h>

#include "comparison.h"
#include "history.h"
#include "log.h"
#include "memory.h"
#include "results_index_parts.h"
#include "run_store_nights.h"

/* Counts up when runs are judged in another way: the stored verdicts are made anew. */
#define VERDICTS_RULE 1

struct filling {
	struct stored_verdict *items; /* owned */
	size_t count;
};

static void filling_release(struct filling *filling)
{
	stored_verdicts_free(filling->items, filling->count);
}

static int add_entry(struct run_store *store, const struct stored_run *run,
		     const struct comparison *comparison,
		     const struct comparison_entry *entry, struct filling *filling,
		     struct error *err)
{
	const struct metric_comparison *judged = &entry->judged;
	int64_t series = 0;
	int rc = run_store_find_series(store, run, entry->cell, entry->row, entry->metric,
				       entry->variant, &series, err);

	if (rc || !series)
		return rc;
	filling->items = memory_realloc_array(filling->items, filling->count + 1,
					      sizeof(*filling->items));
	filling->items[filling->count++] = (struct stored_verdict){
		.series = series,
		.verdict = string_copy(comparison->control_fired ?
				       RUN_STORE_WITHHELD : verdict_name(judged->verdict)),
		.ratio = judged->ratio,
		.low = judged->interval.low,
		.high = judged->interval.high,
		.p = judged->p_adjusted,
	};
	return 0;
}

int results_index_fill_run(struct run_store *store, const char *run_id, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	cleanup_with(filling_release) struct filling filling = { .items = NULL };
	int rc = run_store_load(store, run_id, &run, err);

	if (!rc)
		rc = comparison_make(store, &run, NULL, &comparison, err);
	for (size_t i = 0; !rc && i < comparison.count; i++)
		rc = add_entry(store, &run, &comparison, &comparison.entries[i], &filling, err);
	if (!rc)
		rc = run_store_set_judged(store, run.id, filling.items, filling.count,
					  VERDICTS_RULE, comparison.gate, err);
	return rc ? error_prefix(err, "verdicts of run %s", run_id) : 0;
}

/* --- against earlier runs ---------------------------------------------------------------- */

/* The series of an entry, by its names; 0: none. */
static int find_series(struct run_store *store, const struct stored_run *run, uint32_t variant,
		       const struct against_entry *entry, int64_t *ret_series, struct error *err)
{
	*ret_series = 0;
	for (uint32_t cell = 0; cell < run->cells_count; cell++) {
		const struct stored_cell *of = &run->cells[cell];

		if (strcmp(of->guest, entry->guest) || strcmp(of->suite, entry->suite))
			continue;
		for (uint32_t row = 0; row < of->rows_count; row++)
			for (uint32_t i = 0; i < of->rows[row].metrics_count; i++)
				if (!strcmp(of->rows[row].name, entry->row) &&
				    !strcmp(of->rows[row].metrics[i].name,
					    entry->judged.metric->name))
					return run_store_find_series(store, run, cell, row, i, variant,
								     ret_series, err);
	}
	return 0;
}

/* In the place of the one of the same series. */
static void put_verdict(struct filling *filling, const struct stored_verdict *verdict)
{
	for (size_t i = 0; i < filling->count; i++) {
		if (filling->items[i].series != verdict->series)
			continue;
		free(filling->items[i].verdict);
		filling->items[i] = *verdict;
		return;
	}
	filling->items = memory_realloc_array(filling->items, filling->count + 1,
					      sizeof(*filling->items));
	filling->items[filling->count++] = *verdict;
}

int results_index_keep_against(struct run_store *store, const struct stored_run *run,
			       uint32_t variant, const struct against *against,
			       struct error *err)
{
	cleanup_with(filling_release) struct filling filling = { .items = NULL };
	int rc = run_store_run_verdicts(store, run->id, true, &filling.items, &filling.count, err);

	for (size_t i = 0; !rc && i < against->count; i++) {
		const struct metric_comparison *judged = &against->entries[i].judged;
		struct stored_verdict verdict = {
			.is_history = true, .ratio = judged->ratio, .low = judged->interval.low,
			.high = judged->interval.high, .p = judged->p_adjusted };

		rc = find_series(store, run, variant, &against->entries[i], &verdict.series, err);
		if (rc || !verdict.series)
			continue;
		verdict.verdict = string_copy(verdict_name(judged->verdict));
		put_verdict(&filling, &verdict);
	}
	if (!rc)
		rc = run_store_set_verdicts(store, run->id, true, filling.items, filling.count, err);
	return rc ? error_prefix(err, "verdicts of run %s against earlier ones", run->id) : 0;
}

/* --- runs without verdicts --------------------------------------------------------------- */

int results_index_fill(struct run_store *store, struct error *err)
{
	cleanup_strvec struct strvec ids = STRVEC_INIT;
	/* Figures make the series that verdicts belong to. */
	int rc = history_fill(store, err);

	if (!rc)
		rc = run_store_runs_not_judged(store, VERDICTS_RULE, &ids, err);
	for (size_t i = 0; !rc && i < ids.count; i++) {
		struct error bad = ERROR_INIT;

		if (ids.count > 1)
			progress_update("index", "verdicts", i, ids.count, UINT64_MAX, ids.items[i]);
		/* One run that cannot be read must not hide all others. */
		if (results_index_fill_run(store, ids.items[i], &bad))
			log_warning("%s", bad.message);
	}
	progress_clear();
	return rc;
}
