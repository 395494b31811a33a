/* scaling_series.c - a stored run's cells > rows over ascending vCPU counts. */
#include "scaling_series.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "memory.h"

#define WORK_METRIC "work_instructions"

/* vCPUs of a stored shape; 0 if its record does not say. */
static uint32_t vcpus_of(const struct stored_cell *cell)
{
	json_t *record = json_loads(cell->guest_record, 0, NULL);
	json_int_t count = json_integer_value(json_object_get(record, "vcpus_count"));

	json_decref(record);
	return count > 0 && count <= GUEST_VCPUS_MAX ? (uint32_t)count : 0;
}

/* "scale" of "scale-4cpu" with 4 vCPUs; NULL where the name says no count. Owned. */
static char *stem_of(const struct stored_cell *cell, uint32_t vcpus_count)
{
	cleanup_free char *tail = string_format("-%" PRIu32 "cpu", vcpus_count);
	size_t length = strlen(cell->guest), tail_length = strlen(tail);

	if (!vcpus_count || length <= tail_length ||
	    strcmp(cell->guest + length - tail_length, tail) != 0)
		return NULL;
	return string_copy_n(cell->guest, length - tail_length);
}

static void series_release(struct scaling_series *series)
{
	free(series->guest);
	free(series->suite);
	free(series->row);
	free(series->cells);
}

void scaling_series_release(struct scaling_series_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		series_release(&list->items[i]);
	free(list->items);
}

const struct scaling_series *scaling_series_find(const struct scaling_series_list *list,
						 const char *guest, const char *suite,
						 const char *row)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i].guest, guest) &&
		    !strcmp(list->items[i].suite, suite) && !strcmp(list->items[i].row, row))
			return &list->items[i];
	return NULL;
}

/* The one of that name, made where it is missing. */
static struct scaling_series *need_series(struct scaling_series_list *list, const char *guest,
					  const char *suite, const char *row)
{
	const struct scaling_series *found = scaling_series_find(list, guest, suite, row);

	if (found)
		return &list->items[found - list->items];
	list->items = memory_realloc_array(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count] = (struct scaling_series){
		.guest = string_copy(guest),
		.suite = string_copy(suite),
		.row = string_copy(row),
	};
	return &list->items[list->count++];
}

static void series_add(struct scaling_series *series, struct scaling_series_cell cell)
{
	size_t at = series->cells_count++;

	series->cells = memory_realloc_array(series->cells, series->cells_count,
					     sizeof(*series->cells));
	for (; at && series->cells[at - 1].vcpus_count > cell.vcpus_count; at--)
		series->cells[at] = series->cells[at - 1];
	series->cells[at] = cell;
}

static const struct metric_info *find_metric(const struct stored_row *row, const char *name)
{
	for (size_t i = 0; i < row->metrics_count; i++)
		if (!strcmp(row->metrics[i].name, name))
			return &row->metrics[i];
	return NULL;
}

void scaling_series_list(const struct stored_run *run, bool counted,
			 struct scaling_series_list *list)
{
	for (uint32_t i = 0; i < run->cells_count; i++) {
		const struct stored_cell *cell = &run->cells[i];
		uint32_t vcpus_count = vcpus_of(cell);
		cleanup_free char *stem = stem_of(cell, vcpus_count);

		for (uint32_t row = 0; stem && row < cell->rows_count; row++)
			if (!counted || find_metric(&cell->rows[row], WORK_METRIC))
				series_add(need_series(list, stem, cell->suite,
						       cell->rows[row].name),
					   (struct scaling_series_cell){ vcpus_count, i, row });
	}
}

/* --- which row ---------------------------------------------------------------------------- */

static bool is_wanted(const struct scaling_series *series, const struct scaling_request *request)
{
	cleanup_free char *cells = string_format("%s/%s", series->guest, series->suite);

	return (!request->row || !strcmp(series->row, request->row)) &&
	       (!request->cells || !strcmp(cells, request->cells));
}

/* "row a of up/quick, row b of up/quick"; owned. */
static char *series_names(const struct scaling_series_list *list)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < list->count; i++)
		strbuf_addf(&text, "%srow %s of %s/%s", i ? ", " : "", list->items[i].row,
			    list->items[i].guest, list->items[i].suite);
	return strbuf_detach(&text);
}

int scaling_series_choose(const struct stored_run *run, const struct scaling_series_list *list,
			  const struct scaling_request *request,
			  const struct scaling_series **ret_series, struct error *err)
{
	cleanup_free char *names = series_names(list);
	const struct scaling_series *found = NULL;

	if (!list->count)
		return error_set(err, -ENODATA, "run %s has no cells over vcpus_counts with "
				 "counted rows", run->id);
	for (size_t i = 0; i < list->count; i++) {
		if (!is_wanted(&list->items[i], request))
			continue;
		if (found)
			return error_set(err, -EINVAL, "run %s: --row or --cells must say which "
					 "of: %s", run->id, names);
		found = &list->items[i];
	}
	if (!found)
		return error_set(err, -ENOENT, "run %s has nothing such; it has %s", run->id,
				 names);
	*ret_series = found;
	return 0;
}
