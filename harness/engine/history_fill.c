/* history_fill.c - figures of finished runs, one a series, computed from the stored
 * samples once and kept: years of nights would take minutes to compute again.
 */
#include "history.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "log.h"
#include "memory.h"
#include "run_figures.h"
#include "run_store_history.h"
#include "statistics.h"

/* Counts up when figures are made in another way: the stored ones are made anew. */
#define FIGURES_RULE 1
#define CONFIDENCE 0.95

struct filling {
	struct run_store *store;       /* borrowed */
	const struct stored_run *run;  /* borrowed */
	struct run_figure *figures; size_t count; /* owned */
	struct strvec conditions;      /* that the figures point to */
};

static void filling_release(struct filling *filling)
{
	free(filling->figures);
	strvec_release(&filling->conditions);
}

/* The share of boots that passed, with the interval of Clopper and Pearson; a share of
 * 0 has no logarithm, and so is no figure. */
static void summarise_outcome(const struct boot_figure *boots, size_t count,
			      struct run_figure *ret)
{
	struct interval interval;
	uint64_t passed = 0;

	for (size_t i = 0; i < count; i++)
		passed += boots[i].value == 1;
	ret->boots_count = (uint32_t)count;
	ret->center = ret->low = ret->high = NAN;
	if (!passed)
		return;
	interval = statistics_share_interval(passed, count, CONFIDENCE);
	ret->center = (double)passed / (double)count;
	ret->low = interval.low;
	ret->high = interval.high;
}

/* Geometric mean and, of two boots and more, Student's interval of it. */
static void summarise(const struct boot_figure *boots, size_t count, struct run_figure *ret)
{
	double sum = 0, squares = 0, n = (double)count, mean, half;

	ret->boots_count = (uint32_t)count;
	ret->center = ret->low = ret->high = NAN;
	for (size_t i = 0; i < count; i++) {
		if (!(boots[i].value > 0))
			return;
		sum += log(boots[i].value);
	}
	mean = sum / n;
	ret->center = exp(mean);
	if (count < 2)
		return;
	for (size_t i = 0; i < count; i++)
		squares += pow(log(boots[i].value) - mean, 2);
	half = gsl_cdf_tdist_Qinv((1 - CONFIDENCE) / 2, n - 1) * sqrt(squares / (n - 1) / n);
	ret->low = exp(mean - half);
	ret->high = exp(mean + half);
}

static int compare_seeds(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

/* In exact mode the worlds that a mean is over are conditions: without one of them it is
 * another mean, though nothing has changed. */
static const char *seed_conditions(struct filling *filling, const char *conditions,
				   const struct boot_figure *boots, size_t count)
{
	cleanup_free uint64_t *seeds = memory_alloc_array(count, sizeof(*seeds));
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (!conditions || filling->run->mode != MODE_EXACT)
		return conditions;
	for (size_t i = 0; i < count; i++)
		seeds[i] = boots[i].boot;
	qsort(seeds, count, sizeof(*seeds), compare_seeds);
	strbuf_addf(&text, "%sexact.seeds=", conditions);
	for (size_t i = 0; i < count; i++) {
		size_t last = i;

		while (last + 1 < count && seeds[last + 1] == seeds[last] + 1)
			last++;
		strbuf_addf(&text, "%s%llu", i ? " " : "", (unsigned long long)seeds[i]);
		if (last > i)
			strbuf_addf(&text, "..%llu", (unsigned long long)seeds[last]);
		i = last;
	}
	strbuf_addc(&text, '\n');
	strvec_push(&filling->conditions, text.data);
	return filling->conditions.items[filling->conditions.count - 1];
}

static int fill_metric(struct filling *filling, uint32_t cell, uint32_t row, uint32_t metric,
		       uint32_t variant, const char *conditions, struct error *err)
{
	cleanup_free struct boot_figure *boots = NULL;
	size_t count = 0;
	struct run_figure *figure;
	int rc = run_figures_load(filling->store, filling->run, cell, row, metric, variant,
				  &boots, &count, err);

	if (rc || !count)
		return rc;
	filling->figures = memory_realloc_array(filling->figures, filling->count + 1,
						sizeof(*filling->figures));
	figure = &filling->figures[filling->count++];
	*figure = (struct run_figure){ .cell = cell, .row = row, .metric = metric,
				       .variant = variant,
				       .conditions = seed_conditions(filling, conditions, boots,
								     count) };
	if (filling->run->cells[cell].rows[row].metrics[metric].kind == METRIC_OUTCOME)
		summarise_outcome(boots, count, figure);
	else
		summarise(boots, count, figure);
	return 0;
}

/* A row's arguments are conditions too: with others it is another measurement. */
static const char *row_conditions(struct filling *filling, const char *common,
				  const struct stored_row *row)
{
	if (!common)
		return NULL;
	strvec_pushf(&filling->conditions, "%srow.arguments=%s\nrow.workload=%s\n", common,
		     row->arguments, row->workload);
	return filling->conditions.items[filling->conditions.count - 1];
}

static int fill_cell(struct filling *filling, uint32_t index, uint32_t variant,
		     struct error *err)
{
	const struct stored_cell *cell = &filling->run->cells[index];
	cleanup_free char *common = run_figures_conditions(filling->run, index, variant);

	for (uint32_t row = 0; row < cell->rows_count; row++) {
		const char *conditions = row_conditions(filling, common, &cell->rows[row]);

		for (uint32_t metric = 0; metric < cell->rows[row].metrics_count; metric++) {
			int rc = fill_metric(filling, index, row, metric, variant, conditions, err);

			if (rc)
				return rc;
		}
	}
	return 0;
}

int history_fill_run(struct run_store *store, const char *run_id, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_with(filling_release) struct filling filling = { .store = store, .run = &run };
	int rc = run_store_load(store, run_id, &run, err);

	for (uint32_t variant = 0; !rc && variant < run.variants_count; variant++) {
		if ((int64_t)variant == run.control_variant)
			continue;
		for (uint32_t cell = 0; !rc && cell < run.cells_count; cell++)
			rc = fill_cell(&filling, cell, variant, err);
	}
	if (!rc)
		rc = run_store_put_figures(store, &run, filling.figures, filling.count,
					   FIGURES_RULE, err);
	return rc;
}

int history_fill(struct run_store *store, struct error *err)
{
	cleanup_strvec struct strvec ids = STRVEC_INIT;
	int rc = run_store_runs_without_figures(store, FIGURES_RULE, &ids, err);

	for (size_t i = 0; !rc && i < ids.count; i++) {
		if (ids.count > 1)
			progress_update("history", "figures", i, ids.count, UINT64_MAX, ids.items[i]);
		rc = history_fill_run(store, ids.items[i], err);
	}
	progress_clear();
	return rc ? error_prefix(err, "figures for the history") : 0;
}
