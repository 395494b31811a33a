/* against_nights.c - earlier runs for a night: cell by cell, since a night measures only
 * some of the cells. Each is compared with the last runs that had it.
 */
#include "against.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "memory.h"
#include "run_store_history.h"

/* Further back than that nobody looks for a cell. */
#define RUNS_MAX 400

struct searching {
	struct run_store *store;
	const struct baseline *now;
	size_t wanted;               /* earlier runs of each cell */
	bool only_good;              /* whose own gate passed */
	size_t *found;               /* of each cell of now; owned */
	struct baseline *items; size_t count; /* newest first; owned */
};

static void searching_release(struct searching *searching)
{
	free(searching->found);
	baselines_free(searching->items, searching->count);
}

static size_t find_cell(const struct baseline *now, const struct baseline_cell *cell)
{
	for (size_t i = 0; i < now->count; i++)
		if (!strcmp(now->cells[i].guest, cell->guest) &&
		    !strcmp(now->cells[i].suite, cell->suite))
			return i;
	return SIZE_MAX;
}

/* Whether any boot of it gave a figure. */
static bool has_figures(const struct baseline_cell *cell)
{
	for (size_t i = 0; i < cell->count; i++)
		for (size_t k = 0; k < cell->rows[i].count; k++)
			if (cell->rows[i].metrics[k].count)
				return true;
	return false;
}

static void drop_cell(struct baseline *item, size_t index)
{
	struct baseline dropped = { .cells = memory_alloc_array(1, sizeof(*dropped.cells)),
				    .count = 1 };

	dropped.cells[0] = item->cells[index];
	baseline_release(&dropped);
	memmove(&item->cells[index], &item->cells[index + 1],
		(item->count - index - 1) * sizeof(*item->cells));
	item->count--;
}

/* Leaves in it the cells that the night has and that are still wanted. */
static void trim(struct searching *searching, struct baseline *item)
{
	for (size_t i = item->count; i-- > 0;) {
		size_t at = find_cell(searching->now, &item->cells[i]);

		if (at == SIZE_MAX || !has_figures(&item->cells[i]) ||
		    (searching->found && searching->found[at] >= searching->wanted))
			drop_cell(item, i);
		else if (searching->found)
			searching->found[at]++;
	}
}

static bool is_done(const struct searching *searching)
{
	for (size_t i = 0; i < searching->now->count; i++)
		if (searching->found[i] < searching->wanted)
			return false;
	return true;
}

static int is_good(struct run_store *store, const struct stored_run *run, bool *ret_good,
		   struct error *err)
{
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	int rc = comparison_make(store, run, NULL, &comparison, err);

	if (!rc)
		*ret_good = comparison.gate == GATE_PASS;
	return rc;
}

static bool has_variant(const struct stored_run *run, const char *label)
{
	for (size_t i = 0; i < run->variants_count; i++)
		if (!strcmp(run->variants[i].label, label))
			return true;
	return false;
}

static int try_run(struct searching *searching, const char *run_id, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	struct baseline item = { .run_id = NULL };
	bool wanted = true;
	int rc = run_store_load(searching->store, run_id, &run, err);

	if (rc || !has_variant(&run, searching->now->variant))
		return rc;
	if (searching->only_good)
		rc = is_good(searching->store, &run, &wanted, err);
	if (rc || !wanted)
		return rc;
	rc = baseline_from_run(searching->store, &run, searching->now->variant, &item, err);
	if (rc)
		return rc;
	trim(searching, &item);
	if (!item.count) {
		baseline_release(&item);
		return 0;
	}
	searching->items = memory_realloc_array(searching->items, searching->count + 1,
						sizeof(*searching->items));
	searching->items[searching->count++] = item;
	return 0;
}

static int search(struct searching *searching, const struct stored_run *run, struct error *err)
{
	struct timeline_run *timeline = NULL;
	size_t count = 0, looked = 0;
	int rc = run_store_timeline(searching->store, run->campaign, run->mode, &timeline, &count,
				    err);

	if (rc)
		return rc;
	for (size_t i = count; !rc && i-- > 0 && looked < RUNS_MAX && !is_done(searching);) {
		if (timeline[i].started_wall_ns >= run->started_wall_ns ||
		    !strcmp(timeline[i].id, run->id))
			continue;
		looked++;
		rc = try_run(searching, timeline[i].id, err);
	}
	timeline_free(timeline, count);
	return rc;
}

/* A baseline or a run that was named. */
static int find_named(struct searching *searching, const struct stored_run *run,
		      const char *text, char **ret_title, struct error *err)
{
	int rc = against_find(searching->store, run, searching->now->variant, text,
			      &searching->items, &searching->count, ret_title, err);

	for (size_t i = 0; !rc && i < searching->count; i++)
		trim(searching, &searching->items[i]);
	return rc;
}

bool against_names_nights(const char *text)
{
	return !strcmp(text, "last-good") || against_parse_nights(text);
}

int against_find_nights(struct run_store *store, const struct stored_run *run,
			const struct baseline *now, const char *text,
			struct baseline **ret_items, size_t *ret_count, char **ret_title,
			struct error *err)
{
	bool is_last_good = !strcmp(text, "last-good");
	cleanup_with(searching_release) struct searching searching = {
		.store = store, .now = now, .only_good = is_last_good,
		.wanted = is_last_good ? 1 : against_parse_nights(text),
	};
	cleanup_free char *title = NULL;
	int rc;

	if (searching.wanted) {
		searching.found = memory_alloc_array(now->count, sizeof(*searching.found));
		rc = search(&searching, run, err);
		title = is_last_good ? string_copy("the last good night of each cell") :
			string_format("the last %zu nights of each cell", searching.wanted);
	} else {
		rc = find_named(&searching, run, text, &title, err);
	}
	if (rc)
		return rc;
	*ret_items = take_pointer(searching.items);
	*ret_count = searching.count;
	*ret_title = take_pointer(title);
	searching.count = 0;
	return 0;
}
