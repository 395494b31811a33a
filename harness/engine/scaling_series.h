/* scaling_series.h - the cells that one entry of a campaign's vcpus_counts made,
 * found again in a stored run by their names ("SHAPE-Ncpu"), row by row. Private to
 * scaling_figure.c.
 */
#ifndef KERNGATE_ENGINE_SCALING_SERIES_H
#define KERNGATE_ENGINE_SCALING_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "run_store.h"
#include "scaling_figure.h"

struct scaling_series_cell {
	uint32_t vcpus_count, cell, row; /* cell, row: indexes into the run */
};

/* One row over counts. */
struct scaling_series {
	char *guest, *suite, *row;     /* owned; guest without "-Ncpu" */
	struct scaling_series_cell *cells; /* by ascending count; owned */
	size_t cells_count;
};

struct scaling_series_list {
	struct scaling_series *items;  /* owned */
	size_t count;
};

/* All of a run. counted: rows that have counts of instructions only. list is
 * empty before. */
void scaling_series_list(const struct stored_run *run, bool counted,
			 struct scaling_series_list *list);
void scaling_series_release(struct scaling_series_list *list);
/* Borrowed, or NULL. */
const struct scaling_series *scaling_series_find(const struct scaling_series_list *list,
						 const char *guest, const char *suite,
						 const char *row);
/* The one that the request means (its variant does not count), borrowed from the
 * list. -ENODATA: the list is empty; -ENOENT: none; -EINVAL: more than one. */
int scaling_series_choose(const struct stored_run *run, const struct scaling_series_list *list,
			  const struct scaling_request *request,
			  const struct scaling_series **ret_series,
			  struct error *err) must_check;

#endif
