/* results_index_marks.c - the columns of a campaign's strips, and what stands in them.
 * A column is a finished run, a night that has none, or a gap; the newest are shown one
 * by one, those before them by month.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "memory.h"
#include "results_index_parts.h"

#define GAP_FACTOR 1.5           /* as in history.c */
#define GAP_LEAST_NS (UINT64_C(6) * 3600 * NS_PER_SECOND) /* runs by hand have no rhythm */

static const char *const mark_names[MARKS_COUNT] = {
	[MARK_WITHHELD] = "withheld",
	[MARK_FIGURE] = "measured, not compared",
	[MARK_NONE] = "not measured",
	[MARK_LEFT_OUT] = "left out by the budget",
	[MARK_NO_RUN] = "night without a finished run",
	[MARK_GAP] = "no run where one was due",
};

const char *index_mark_name(enum index_mark mark)
{
	return mark < MARK_WITHHELD ? verdict_name((enum verdict)mark) : mark_names[mark];
}

void index_line_release(struct index_line *line)
{
	for (int kind = 0; kind < INDEX_KINDS_COUNT; kind++) {
		free(line->marks[kind]);
		free(line->older[kind]);
	}
	free(line->values);
	free(line->older_values);
	free(line->base_values);
	free(line->older_base);
	*line = (struct index_line){ .series = NULL };
}

/* --- columns --------------------------------------------------------------------------- */

static void add_column(struct index_campaign *campaign, const struct index_column *column)
{
	campaign->columns = memory_realloc_array(campaign->columns, campaign->columns_count + 1,
						 sizeof(*campaign->columns));
	campaign->columns[campaign->columns_count++] = *column;
}

static int compare_columns(const void *a, const void *b)
{
	const struct index_column *first = a, *second = b;

	if (first->wall_ns != second->wall_ns)
		return first->wall_ns < second->wall_ns ? -1 : 1;
	return first->run && second->run ? (first->run->run > second->run->run) -
					   (first->run->run < second->run->run) : 0;
}

static struct index_column *find_run(struct index_campaign *campaign, const char *id)
{
	for (size_t i = campaign->columns_count; id && i--;)
		if (campaign->columns[i].run && !strcmp(campaign->columns[i].run->id, id))
			return &campaign->columns[i];
	return NULL;
}

/* Of a night without a run nobody knows the mode: that of the newest run counts. */
static bool is_newest_mode(const struct results_index *index,
			   const struct index_campaign *campaign)
{
	for (size_t i = 0; i < index->runs_count; i++)
		if (!strcmp(index->runs[i].campaign, campaign->name))
			return index->runs[i].mode == campaign->mode;
	return true;
}

static void add_nights(const struct results_index *index, struct index_campaign *campaign)
{
	bool takes_runless = is_newest_mode(index, campaign);

	for (size_t i = index->nights_count; i--;) {
		const struct stored_night *night = &index->nights[i];
		struct index_column *column;

		if (strcmp(night->campaign, campaign->name))
			continue;
		column = find_run(campaign, night->run_id);
		if (column)
			column->night = night;
		else if (takes_runless)
			add_column(campaign, &(struct index_column){
						     .wall_ns = night->started_wall_ns,
						     .night = night });
	}
}

static int compare_distances(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

static uint64_t usual_distance_ns(const struct index_campaign *campaign)
{
	size_t count = campaign->columns_count ? campaign->columns_count - 1 : 0;
	cleanup_free uint64_t *distances = memory_alloc_array(count, sizeof(*distances));

	if (!count)
		return 0;
	for (size_t i = 0; i < count; i++)
		distances[i] = campaign->columns[i + 1].wall_ns - campaign->columns[i].wall_ns;
	qsort(distances, count, sizeof(*distances), compare_distances);
	return distances[count / 2];
}

static void add_gaps(struct index_campaign *campaign)
{
	uint64_t usual = usual_distance_ns(campaign);
	size_t count = campaign->columns_count;

	if (usual < GAP_LEAST_NS)
		return;
	for (size_t i = 1; i < count; i++) {
		uint64_t before = campaign->columns[i - 1].wall_ns;
		uint64_t distance = campaign->columns[i].wall_ns - before;

		if ((double)distance > GAP_FACTOR * (double)usual)
			add_column(campaign, &(struct index_column){ .wall_ns = before + usual });
	}
	if (campaign->columns_count > count)
		qsort(campaign->columns, campaign->columns_count, sizeof(*campaign->columns),
		      compare_columns);
}

static uint64_t month_of(uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / NS_PER_SECOND);
	struct tm parts;

	if (!gmtime_r(&seconds, &parts))
		return 0;
	return (uint64_t)(parts.tm_year + 1900) * 12 + (uint64_t)parts.tm_mon;
}

static void make_months(struct index_campaign *campaign)
{
	size_t dropped;

	campaign->months = memory_alloc_array(campaign->first, sizeof(*campaign->months));
	for (size_t i = 0; i < campaign->first; i++) {
		uint64_t month = month_of(campaign->columns[i].wall_ns);

		if (!campaign->months_count ||
		    campaign->months[campaign->months_count - 1] != month)
			campaign->months[campaign->months_count++] = month;
		campaign->columns[i].month = campaign->months_count - 1;
	}
	if (campaign->months_count <= INDEX_MONTHS_MAX)
		return;
	dropped = campaign->months_count - INDEX_MONTHS_MAX;
	memmove(campaign->months, campaign->months + dropped,
		INDEX_MONTHS_MAX * sizeof(*campaign->months));
	campaign->months_count = INDEX_MONTHS_MAX;
	for (size_t i = 0; i < campaign->first; i++)
		campaign->columns[i].month = campaign->columns[i].month < dropped ?
			SIZE_MAX : campaign->columns[i].month - dropped;
}

void index_make_columns(const struct results_index *index, struct index_campaign *campaign)
{
	for (size_t i = index->runs_count; i--;) {
		const struct stored_run_line *run = &index->runs[i];

		if (run->mode == campaign->mode && !strcmp(run->campaign, campaign->name) &&
		    !strcmp(run->state, "finished"))
			add_column(campaign, &(struct index_column){
						     .wall_ns = run->started_wall_ns, .run = run });
	}
	add_nights(index, campaign);
	if (campaign->columns_count)
		qsort(campaign->columns, campaign->columns_count, sizeof(*campaign->columns),
		      compare_columns);
	add_gaps(campaign);
	if (campaign->columns_count > INDEX_COLUMNS_MAX)
		campaign->first = campaign->columns_count - INDEX_COLUMNS_MAX;
	make_months(campaign);
}

/* --- finding columns --------------------------------------------------------------------- */

struct lookup {
	const struct index_campaign *campaign; /* borrowed */
	const struct index_column **by_key, **by_id; /* columns with a run; owned */
	size_t count;
};

static void lookup_release(struct lookup *lookup)
{
	free(lookup->by_key);
	free(lookup->by_id);
}

static int compare_keys(const void *a, const void *b)
{
	int64_t first = (*(const struct index_column *const *)a)->run->run;
	int64_t second = (*(const struct index_column *const *)b)->run->run;

	return (first > second) - (first < second);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp((*(const struct index_column *const *)a)->run->id,
		      (*(const struct index_column *const *)b)->run->id);
}

static struct lookup lookup_make(const struct index_campaign *campaign)
{
	struct lookup lookup = {
		.campaign = campaign,
		.by_key = memory_alloc_array(campaign->columns_count, sizeof(*lookup.by_key)),
		.by_id = memory_alloc_array(campaign->columns_count, sizeof(*lookup.by_id)),
	};

	for (size_t i = 0; i < campaign->columns_count; i++) {
		if (!campaign->columns[i].run)
			continue;
		lookup.by_key[lookup.count] = &campaign->columns[i];
		lookup.by_id[lookup.count++] = &campaign->columns[i];
	}
	if (lookup.count) {
		qsort(lookup.by_key, lookup.count, sizeof(*lookup.by_key), compare_keys);
		qsort(lookup.by_id, lookup.count, sizeof(*lookup.by_id), compare_ids);
	}
	return lookup;
}

/* Both: SIZE_MAX where there is none. */
static size_t column_of_key(const struct lookup *lookup, int64_t run)
{
	size_t low = 0, high = lookup->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (lookup->by_key[middle]->run->run < run)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == lookup->count || lookup->by_key[low]->run->run != run)
		return SIZE_MAX;
	return (size_t)(lookup->by_key[low] - lookup->campaign->columns);
}

static size_t column_of_id(const struct lookup *lookup, const char *id)
{
	size_t low = 0, high = lookup->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(lookup->by_id[middle]->run->id, id);

		if (!order)
			return (size_t)(lookup->by_id[middle] - lookup->campaign->columns);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return SIZE_MAX;
}

/* --- values -------------------------------------------------------------------------------- */

static double *nothing(size_t count)
{
	double *values = memory_alloc_array(count, sizeof(*values));

	for (size_t i = 0; i < count; i++)
		values[i] = NAN;
	return values;
}

/* Centers by column, and their geometric means by month. */
static void take_values(const struct lookup *lookup, const struct history_series *series,
			double **ret_values, double **ret_older)
{
	const struct index_campaign *campaign = lookup->campaign;
	cleanup_free size_t *counts = memory_alloc_array(campaign->months_count, sizeof(*counts));

	*ret_values = nothing(campaign->columns_count);
	*ret_older = nothing(campaign->months_count);
	for (size_t i = 0; series && i < series->points_count; i++) {
		size_t column = column_of_id(lookup, series->points[i].run_id), month;
		double center = series->points[i].center;

		if (column == SIZE_MAX || !(center > 0) || !isfinite(center))
			continue;
		(*ret_values)[column] = center;
		month = column < campaign->first ? campaign->columns[column].month : SIZE_MAX;
		if (month == SIZE_MAX)
			continue;
		(*ret_older)[month] = (counts[month]++ ? (*ret_older)[month] : 0) + log(center);
	}
	for (size_t i = 0; i < campaign->months_count; i++)
		if (counts[i])
			(*ret_older)[i] = exp((*ret_older)[i] / (double)counts[i]);
}

/* --- marks --------------------------------------------------------------------------------- */

static bool is_left_out(const struct stored_night *night, const struct history_series *series)
{
	for (size_t i = 0; night && i < night->cells_count; i++)
		if (!night->cells[i].is_run && !strcmp(night->cells[i].guest, series->guest) &&
		    !strcmp(night->cells[i].suite, series->suite))
			return true;
	return false;
}

static uint8_t mark_without_verdict(const struct index_column *column,
				    const struct index_line *line, double value)
{
	if (!column->run && !column->night)
		return MARK_GAP;
	if (isfinite(value))
		return MARK_FIGURE;
	if (is_left_out(column->night, line->series))
		return MARK_LEFT_OUT;
	return column->run ? MARK_NONE : MARK_NO_RUN;
}

static void begin_marks(const struct index_campaign *campaign, struct index_line *line,
			enum index_kind kind)
{
	uint8_t *marks = memory_alloc_array(campaign->columns_count + 1, sizeof(*marks));

	for (size_t i = 0; i < campaign->columns_count; i++)
		marks[i] = mark_without_verdict(&campaign->columns[i], line, line->values[i]);
	line->marks[kind] = marks;
}

/* First of the marks of that series, or count. */
static size_t find_marks(const struct stored_mark *marks, size_t count, int64_t series)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (marks[middle].series < series)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void take_marks(const struct lookup *lookup, struct index_line *line,
		       const struct stored_mark *marks, size_t count)
{
	int64_t series = line->series->id;
	size_t newest[INDEX_KINDS_COUNT] = { 0 };

	for (size_t i = find_marks(marks, count, series); i < count && marks[i].series == series;
	     i++) {
		enum index_kind kind = marks[i].is_history ? INDEX_EARLIER : INDEX_BASELINE;
		size_t column = column_of_key(lookup, marks[i].run);
		uint8_t mark = marks[i].verdict < 0 ? MARK_WITHHELD : (uint8_t)marks[i].verdict;

		if (column == SIZE_MAX)
			continue;
		line->is_judged = true;
		if (!line->marks[kind])
			begin_marks(lookup->campaign, line, kind);
		line->marks[kind][column] = mark;
		if (column < lookup->campaign->first || column < newest[kind])
			continue;
		newest[kind] = column;
		line->newest[kind] = mark;
		line->ratio[kind] = marks[i].ratio;
	}
}

/* Regressed or improved where one of the month's runs was; else what most were. */
static uint8_t sum_month(const size_t counts[MARKS_COUNT])
{
	size_t most = MARK_GAP;

	if (counts[VERDICT_REGRESSED])
		return VERDICT_REGRESSED;
	if (counts[VERDICT_IMPROVED])
		return VERDICT_IMPROVED;
	for (size_t i = 0; i < MARKS_COUNT; i++)
		if (counts[i] > counts[most])
			most = i;
	return (uint8_t)most;
}

static void sum_months(const struct index_campaign *campaign, struct index_line *line,
		       enum index_kind kind)
{
	size_t (*counts)[MARKS_COUNT] = memory_alloc_array(campaign->months_count,
							   sizeof(*counts));

	for (size_t i = 0; i < campaign->first; i++)
		if (campaign->columns[i].month != SIZE_MAX)
			counts[campaign->columns[i].month][line->marks[kind][i]]++;
	line->older[kind] = memory_alloc_array(campaign->months_count + 1,
					       sizeof(*line->older[kind]));
	for (size_t i = 0; i < campaign->months_count; i++)
		line->older[kind][i] = sum_month(counts[i]);
	free(counts);
}

void index_fill_lines(const struct results_index *index, struct index_campaign *campaign,
		      const struct stored_mark *marks, size_t count)
{
	cleanup_with(lookup_release) struct lookup lookup = lookup_make(campaign);

	(void)index;
	for (size_t i = 0; i < campaign->lines_count; i++) {
		struct index_line *line = &campaign->lines[i];

		line->ratio[0] = line->ratio[1] = NAN;
		line->newest[0] = line->newest[1] = MARK_NONE;
		take_values(&lookup, line->series, &line->values, &line->older_values);
		take_values(&lookup, line->baseline, &line->base_values, &line->older_base);
		take_marks(&lookup, line, marks, count);
		/* Gaps and what was left out are to be seen though nothing was judged. */
		if (!line->marks[INDEX_BASELINE] && !line->marks[INDEX_EARLIER])
			begin_marks(campaign, line,
				    line->baseline ? INDEX_BASELINE : INDEX_EARLIER);
		for (int kind = 0; kind < INDEX_KINDS_COUNT; kind++)
			if (line->marks[kind])
				sum_months(campaign, line, (enum index_kind)kind);
	}
}
