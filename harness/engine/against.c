/* against.c - pairs what a run and earlier ones measured, names what cannot be paired,
 * and lets across_runs.c (timed) or verdict_exact.c (exact) judge.
 */
#include "against.h"

#include <string.h>

#include "across_runs.h"
#include "memory.h"
#include "suggest.h"

/* A metric and where it stands in a baseline. */
struct place {
	const struct baseline_cell *cell;
	const struct baseline_row *row;
	const struct baseline_metric *metric;
};

/* An entry on its way: what the sides measured. */
struct pairing {
	struct place before, after;  /* after.metric NULL: not comparable */
	struct run_unit *units; size_t units_count; /* owned arrays of figures */
	double *after_figures;       /* owned */
	struct boot_samples *a, *b; size_t a_count, b_count; /* exact; owned */
};

static void pairing_release(struct pairing *pairing)
{
	for (size_t i = 0; i < pairing->units_count; i++)
		free((double *)pairing->units[i].figures);
	for (size_t i = 0; i < pairing->a_count; i++)
		free((double *)pairing->a[i].values);
	free(pairing->units);
	free(pairing->after_figures);
	free(pairing->a);
	free(pairing->b);
}

void against_release(struct against *against)
{
	for (size_t i = 0; i < against->count; i++)
		free(against->entries[i].problem);
	free(against->entries);
	strvec_release(&against->differences);
	strvec_release(&against->notes);
	*against = (struct against){ .entries = NULL };
}

/* --- finding ------------------------------------------------------------------------------ */

static const struct baseline_cell *find_cell(const struct baseline *baseline,
					     const struct baseline_cell *like)
{
	for (size_t i = 0; i < baseline->count; i++)
		if (!strcmp(baseline->cells[i].guest, like->guest) &&
		    !strcmp(baseline->cells[i].suite, like->suite))
			return &baseline->cells[i];
	return NULL;
}

static const struct baseline_row *find_row(const struct baseline_cell *cell, const char *name)
{
	for (size_t i = 0; cell && i < cell->count; i++)
		if (!strcmp(cell->rows[i].name, name))
			return &cell->rows[i];
	return NULL;
}

static const struct baseline_metric *find_metric(const struct baseline_row *row,
						 const char *name)
{
	for (size_t i = 0; row && i < row->count; i++)
		if (!strcmp(row->metrics[i].info.name, name))
			return &row->metrics[i];
	return NULL;
}

static struct place find_place(const struct baseline *baseline, const struct place *like)
{
	struct place place = { .cell = find_cell(baseline, like->cell) };

	place.row = find_row(place.cell, like->row->name);
	place.metric = find_metric(place.row, like->metric->info.name);
	return place;
}

/* --- what cannot be paired ------------------------------------------------------------------ */

/* The metric of the run that has most likely been this one; "" or a hint. Owned. */
static char *rename_hint(const struct place *before, const struct place *after)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	const char *nearest = NULL;

	for (size_t i = 0; after->row && i < after->row->count; i++)
		if (!find_metric(before->row, after->row->metrics[i].info.name))
			strvec_push(&names, after->row->metrics[i].info.name);
	if (names.count)
		nearest = suggest_nearest(before->metric->info.name,
					  (const char *const *)names.items, names.count);
	return nearest ? string_format(" (renamed? it has %s)", nearest) : string_copy("");
}

static char *differs(const char *what, const char *before, const char *after)
{
	return string_format("%s was '%s' and is '%s' in the run", what, before, after);
}

/* Why these two are not the same measurement; NULL if they are. Owned. */
static char *find_problem(const struct place *before, const struct place *after)
{
	const struct metric_info *a = &before->metric->info, *b;
	cleanup_free char *hint = NULL;

	if (!after->cell)
		return string_copy("the run has no such guest and suite");
	if (!after->row)
		return string_copy("the run has no such row, or no boot of it gave figures");
	if (!after->metric) {
		hint = rename_hint(before, after);
		return string_format("the run has no figure of it%s", hint);
	}
	b = &after->metric->info;
	if (strcmp(a->unit, b->unit))
		return differs("the unit", a->unit, b->unit);
	if (a->better != b->better)
		return differs("what is better", metric_direction_name(a->better),
			       metric_direction_name(b->better));
	if (a->kind != b->kind)
		return differs("the kind", metric_kind_name(a->kind), metric_kind_name(b->kind));
	if (strcmp(before->row->workload, after->row->workload))
		return differs("the row's workload", before->row->workload, after->row->workload);
	if (strcmp(before->row->arguments, after->row->arguments))
		return differs("the row's arguments", before->row->arguments,
			       after->row->arguments);
	return NULL;
}

static bool conditions_differ(const struct baseline_cell *before,
			      const struct baseline_cell *after, struct strvec *differences)
{
	if (!before->conditions || !after->conditions) {
		strvec_pushf(differences, "the boots of %s do not agree among themselves",
			     before->conditions ? "the run" : "the earlier run");
		return true;
	}
	if (!strcmp(before->conditions, after->conditions))
		return false;
	conditions_compare(before->conditions, after->conditions, differences);
	return true;
}

/* --- the sides of one metric ----------------------------------------------------------------- */

static double *copy_figures(const struct baseline_metric *metric)
{
	double *values = memory_alloc_array(metric->count, sizeof(*values));

	for (size_t i = 0; i < metric->count; i++)
		values[i] = metric->figures[i].value;
	return values;
}

static void add_unit(struct pairing *pairing, const struct baseline_metric *metric)
{
	pairing->units = memory_realloc_array(pairing->units, pairing->units_count + 1,
					      sizeof(*pairing->units));
	pairing->units[pairing->units_count++] = (struct run_unit){
		.figures = copy_figures(metric), .count = metric->count,
	};
}

/* The values that the earlier runs gave for a seed, as samples of one boot. */
static void add_seed_value(struct pairing *pairing, uint64_t *seeds, uint64_t seed,
			   double value)
{
	size_t at = 0;
	double *values;

	while (at < pairing->a_count && seeds[at] != seed)
		at++;
	if (at == pairing->a_count) {
		seeds[at] = seed;
		pairing->a[pairing->a_count++] = (struct boot_samples){ .block = (uint32_t)at };
	}
	values = memory_realloc_array((double *)pairing->a[at].values, pairing->a[at].count + 1,
				      sizeof(*values));
	values[pairing->a[at].count++] = value;
	pairing->a[at].values = values;
}

static void pair_seeds(struct pairing *pairing, const struct baseline_metric *const *metrics,
		       size_t count)
{
	const struct baseline_metric *after = pairing->after.metric;
	cleanup_free uint64_t *seeds = NULL;
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += metrics[i]->count;
	seeds = memory_alloc_array(total, sizeof(*seeds));
	pairing->a = memory_alloc_array(total, sizeof(*pairing->a));
	pairing->b = memory_alloc_array(after->count, sizeof(*pairing->b));
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < metrics[i]->count; k++)
			add_seed_value(pairing, seeds, metrics[i]->figures[k].boot,
				       metrics[i]->figures[k].value);
	for (size_t i = 0; i < after->count; i++)
		for (size_t k = 0; k < pairing->a_count; k++)
			if (seeds[k] == after->figures[i].boot)
				pairing->b[pairing->b_count++] = (struct boot_samples){
					.block = (uint32_t)k, .values = &after->figures[i].value,
					.count = 1,
				};
}

/* --- all metrics ------------------------------------------------------------------------------- */

struct making {
	const struct baseline *run, *earlier;
	size_t earlier_count;
	struct against *against;
	struct pairing *pairings;    /* as against->entries; owned */
};

static struct against_entry *add_entry(struct making *making, const struct place *before,
				       char *problem)
{
	struct against *against = making->against;
	struct against_entry *entry;

	against->entries = memory_realloc_array(against->entries, against->count + 1,
						sizeof(*against->entries));
	making->pairings = memory_realloc_array(making->pairings, against->count + 1,
						sizeof(*making->pairings));
	making->pairings[against->count] = (struct pairing){ .before = *before };
	entry = &against->entries[against->count++];
	*entry = (struct against_entry){
		.guest = before->cell->guest, .suite = before->cell->suite,
		.row = before->row->name, .judged = { .metric = &before->metric->info },
		.problem = problem,
	};
	return entry;
}

/* Earlier runs that measured it the same way under the same conditions become units. */
static void pair(struct making *making, const struct place *before, const struct place *after)
{
	cleanup_free const struct baseline_metric **metrics =
		memory_alloc_array(making->earlier_count, sizeof(*metrics));
	struct pairing *pairing;
	size_t count = 0;

	add_entry(making, before, NULL);
	pairing = &making->pairings[making->against->count - 1];
	pairing->after = *after;
	pairing->after_figures = copy_figures(after->metric);
	for (size_t i = 0; i < making->earlier_count; i++) {
		struct place place = find_place(&making->earlier[i], before);
		cleanup_free char *problem = place.metric ? find_problem(&place, after) : NULL;

		if (!place.metric || problem || !place.cell->conditions ||
		    strcmp(place.cell->conditions, after->cell->conditions))
			continue;
		metrics[count++] = place.metric;
		add_unit(pairing, place.metric);
	}
	if (making->against->is_by_seed)
		pair_seeds(pairing, metrics, count);
}

static void add_cell_entries(struct making *making, const struct baseline_cell *cell,
			     const char *problem)
{
	for (size_t i = 0; i < cell->count; i++) {
		for (size_t k = 0; k < cell->rows[i].count; k++) {
			const struct place before = { cell, &cell->rows[i],
						      &cell->rows[i].metrics[k] };
			struct place after = find_place(making->run, &before);
			char *found = problem ? string_copy(problem) :
						find_problem(&before, &after);

			if (found)
				add_entry(making, &before, found);
			else
				pair(making, &before, &after);
		}
	}
}

/* Tells of each earlier run whose conditions in this cell are others; whether any is
 * like the run. */
static bool check_conditions(struct making *making, const struct baseline_cell *after)
{
	cleanup_strvec struct strvec all = STRVEC_INIT;
	size_t like = 0, unlike = 0;

	for (size_t i = 0; i < making->earlier_count; i++) {
		cleanup_strvec struct strvec differences = STRVEC_INIT;
		const struct baseline_cell *before = find_cell(&making->earlier[i], after);

		if (!before)
			continue;
		if (!conditions_differ(before, after, &differences)) {
			like++;
			continue;
		}
		unlike++;
		for (size_t k = 0; k < differences.count; k++) {
			cleanup_free char *line = string_format("%s/%s: %s", after->guest,
								after->suite, differences.items[k]);

			if (!strvec_contains(&all, line))
				strvec_push(&all, line);
		}
	}
	for (size_t i = 0; i < all.count; i++)
		strvec_push(&making->against->differences, all.items[i]);
	if (like && unlike)
		strvec_pushf(&making->against->notes, "%s/%s: %zu of %zu earlier runs are left out: "
			     "measured under other conditions", after->guest, after->suite, unlike,
			     like + unlike);
	return like || !unlike;
}

/* Whether an earlier run, newer than this one, has the cell already. */
static bool is_seen(const struct making *making, size_t index, const struct place *place)
{
	for (size_t i = 0; i < index; i++)
		if (find_place(&making->earlier[i], place).metric)
			return true;
	return false;
}

static bool is_cell_seen(const struct making *making, size_t index,
			 const struct baseline_cell *cell)
{
	for (size_t i = 0; i < index; i++)
		if (find_cell(&making->earlier[i], cell))
			return true;
	return false;
}

/* Each cell once, as the newest run that has it measured it. */
static void add_entries(struct making *making)
{
	for (size_t i = 0; i < making->earlier_count; i++) {
		for (size_t k = 0; k < making->earlier[i].count; k++) {
			const struct baseline_cell *cell = &making->earlier[i].cells[k];
			const struct baseline_cell *after = find_cell(making->run, cell);

			if (is_cell_seen(making, i, cell))
				continue;
			if (after && !check_conditions(making, after))
				add_cell_entries(making, cell, "measured under other conditions");
			else
				add_cell_entries(making, cell, NULL);
		}
	}
}

/* New metrics are told, and judged by nobody yet. */
static void note_new(struct making *making)
{
	for (size_t i = 0; i < making->run->count; i++) {
		const struct baseline_cell *cell = &making->run->cells[i];

		for (size_t k = 0; k < cell->count; k++) {
			for (size_t m = 0; m < cell->rows[k].count; m++) {
				const struct place place = { cell, &cell->rows[k],
							     &cell->rows[k].metrics[m] };

				if (!is_seen(making, making->earlier_count, &place))
					strvec_pushf(&making->against->notes,
						     "%s/%s: %s.%s is new: nothing to compare it "
						     "with", cell->guest, cell->suite,
						     cell->rows[k].name,
						     cell->rows[k].metrics[m].info.name);
			}
		}
	}
}

/* --- judging --------------------------------------------------------------------------------- */

static bool is_outcome(const struct against_entry *entry)
{
	return entry->judged.metric->kind == METRIC_OUTCOME;
}

static void judge_timed(struct making *making, const struct gate_policy *policy)
{
	struct against *against = making->against;
	cleanup_free struct across_item *items = memory_alloc_array(against->count,
								    sizeof(*items));

	for (size_t i = 0; i < against->count; i++) {
		const struct pairing *pairing = &making->pairings[i];

		items[i] = (struct across_item){
			.before = pairing->units,
			/* pass rates are no part of this family: see below */
			.before_count = is_outcome(&against->entries[i]) ? 0 : pairing->units_count,
			.after = { pairing->after_figures,
				   pairing->after.metric ? pairing->after.metric->count : 0 },
			.judged = { .metric = against->entries[i].judged.metric },
		};
	}
	across_runs_judge(items, against->count, policy);
	for (size_t i = 0; i < against->count; i++) {
		if (is_outcome(&against->entries[i])) {
			items[i].before_count = making->pairings[i].units_count;
			across_outcome_judge(&items[i], policy);
		}
		against->entries[i].judged = items[i].judged;
	}
}

/* Several runs of a seed are one figure, their median: of a tail too. */
static void judge_exact(struct making *making, const struct gate_policy *policy)
{
	struct against *against = making->against;
	cleanup_free struct metric_comparison *family = memory_alloc_array(against->count,
									   sizeof(*family));
	cleanup_free struct metric_info *infos = memory_alloc_array(against->count,
								    sizeof(*infos));

	for (size_t i = 0; i < against->count; i++) {
		const struct pairing *pairing = &making->pairings[i];

		infos[i] = *against->entries[i].judged.metric;
		if (infos[i].kind == METRIC_TAIL)
			infos[i].kind = METRIC_TIME;
		family[i] = (struct metric_comparison){
			.metric = &infos[i], .a = pairing->a, .a_count = pairing->a_count,
			.b = pairing->b, .b_count = pairing->b_count,
		};
	}
	verdict_judge_exact(family, against->count, policy);
	for (size_t i = 0; i < against->count; i++) {
		family[i].metric = against->entries[i].judged.metric;
		against->entries[i].judged = family[i];
		against->entries[i].judged.a = against->entries[i].judged.b = NULL;
		if (!against->entries[i].problem && making->pairings[i].a_count &&
		    !making->pairings[i].b_count)
			against->entries[i].problem = string_copy("the runs have no seed in common");
	}
}

/* Boots that crashed, failed or hung: of the run, and of all earlier ones. */
static void judge_boots(struct making *making)
{
	struct against *against = making->against;

	for (size_t i = 0; i < making->run->count; i++) {
		const struct baseline_cell *cell = &making->run->cells[i];
		uint32_t bad = 0, finished = 0;

		for (size_t k = 0; k < making->earlier_count; k++) {
			const struct baseline_cell *before = find_cell(&making->earlier[k], cell);

			bad += before ? before->bad : 0;
			finished += before ? before->finished : 0;
		}
		if (!cell->bad || !finished)
			continue;
		strvec_pushf(&against->notes, "%s/%s: %u of %u boots crashed, failed or hung; "
			     "before, %u of %u did", cell->guest, cell->suite, cell->bad,
			     cell->finished, bad, finished);
		if (!bad)
			against->gate = GATE_REGRESSED;
		else if (against->gate == GATE_PASS)
			against->gate = GATE_INCONCLUSIVE;
	}
}

static void conclude(struct making *making, bool is_void)
{
	struct against *against = making->against;
	cleanup_free struct metric_comparison *family = memory_alloc_array(against->count,
									   sizeof(*family));

	for (size_t i = 0; i < against->count; i++) {
		if (against->entries[i].problem)
			against->entries[i].judged.verdict = VERDICT_NOT_COMPARABLE;
		family[i] = against->entries[i].judged;
	}
	against->gate = verdict_gate(family, against->count, is_void);
	if (!is_void)
		judge_boots(making);
}

void against_make(const struct baseline *run, const struct baseline *earlier,
		  size_t earlier_count, const struct gate_policy *policy, bool is_void,
		  struct against *ret)
{
	struct against against = {
		.differences = STRVEC_INIT, .notes = STRVEC_INIT, .runs_count = earlier_count,
		.is_by_seed = run->mode == MODE_EXACT,
	};
	struct making making = { .run = run, .earlier = earlier, .against = &against,
				 .earlier_count = earlier_count };

	add_entries(&making);
	note_new(&making);
	if (against.is_by_seed)
		judge_exact(&making, policy);
	else
		judge_timed(&making, policy);
	conclude(&making, is_void);
	for (size_t i = 0; i < against.count; i++)
		pairing_release(&making.pairings[i]);
	free(making.pairings);
	*ret = against;
}
