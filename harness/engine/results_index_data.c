/* results_index_data.c - the store > what the index shows of it. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "results_index_parts.h"

#define LATELY_COLUMNS 7 /* what counts as lately */

static void release_campaign(struct index_campaign *campaign)
{
	for (size_t i = 0; i < campaign->lines_count; i++)
		index_line_release(&campaign->lines[i]);
	free(campaign->lines);
	free(campaign->columns);
	free(campaign->months);
}

void results_index_release(struct results_index *index)
{
	for (size_t i = 0; i < index->campaigns_count; i++)
		release_campaign(&index->campaigns[i]);
	free(index->campaigns);
	history_free(index->series, index->series_count);
	stored_run_lines_free(index->runs, index->runs_count);
	stored_nights_free(index->nights, index->nights_count);
	*index = (struct results_index){ .store = NULL };
}

/* --- campaigns --------------------------------------------------------------------------- */

static const char *newest_baseline(const struct results_index *index,
				   const struct index_campaign *campaign)
{
	for (size_t i = 0; i < index->runs_count; i++)
		if (index->runs[i].mode == campaign->mode &&
		    !strcmp(index->runs[i].campaign, campaign->name))
			return index->runs[i].baseline;
	return NULL;
}

/* Series come sorted by campaign and mode. */
static void make_campaigns(struct results_index *index)
{
	for (size_t i = 0; i < index->series_count; i++) {
		const struct history_series *series = &index->series[i];
		struct index_campaign *last = index->campaigns_count ?
			&index->campaigns[index->campaigns_count - 1] : NULL;

		if (last && last->mode == series->mode && !strcmp(last->name, series->campaign)) {
			last->series_count++;
			continue;
		}
		index->campaigns = memory_realloc_array(index->campaigns,
							index->campaigns_count + 1,
							sizeof(*index->campaigns));
		last = &index->campaigns[index->campaigns_count++];
		*last = (struct index_campaign){ .name = series->campaign, .mode = series->mode,
						 .series_first = i, .series_count = 1 };
		last->baseline = newest_baseline(index, last);
	}
}

/* --- lines ------------------------------------------------------------------------------- */

static bool is_baseline(const struct index_campaign *campaign,
			const struct history_series *series)
{
	return campaign->baseline && !strcmp(campaign->baseline, series->variant);
}

static bool is_same_metric(const struct history_series *a, const struct history_series *b)
{
	return !strcmp(a->guest, b->guest) && !strcmp(a->suite, b->suite) &&
	       !strcmp(a->row, b->row) && !strcmp(a->metric, b->metric) &&
	       !strcmp(a->info.unit, b->info.unit) && a->info.better == b->info.better &&
	       a->info.kind == b->info.kind;
}

static const struct history_series *find_baseline(const struct results_index *index,
						  const struct index_campaign *campaign,
						  const struct history_series *series)
{
	if (is_baseline(campaign, series))
		return NULL;
	for (size_t i = 0; i < campaign->series_count; i++) {
		const struct history_series *other = &index->series[campaign->series_first + i];

		if (is_baseline(campaign, other) && is_same_metric(other, series))
			return other;
	}
	return NULL;
}

/* Whether it was measured in any of the columns that are shown one by one. */
static bool is_current(const struct index_campaign *campaign,
		       const struct history_series *series)
{
	uint64_t first_ns = campaign->first < campaign->columns_count ?
		campaign->columns[campaign->first].wall_ns : 0;

	for (size_t i = series->points_count; i--;)
		if (series->points[i].boots_count)
			return series->points[i].wall_ns >= first_ns;
	return false;
}

static void make_lines(struct results_index *index, struct index_campaign *campaign, size_t max)
{
	campaign->lines = memory_alloc_array(campaign->series_count, sizeof(*campaign->lines));
	for (size_t i = 0; i < campaign->series_count && campaign->lines_count < max; i++) {
		const struct history_series *series = &index->series[campaign->series_first + i];

		if (is_current(campaign, series))
			campaign->lines[campaign->lines_count++] = (struct index_line){
				.series = series,
				.baseline = find_baseline(index, campaign, series),
			};
	}
}

/* The baseline is drawn with the others; by itself only where there are no others, or
 * where it was judged against earlier runs. */
static void drop_baselines(struct index_campaign *campaign)
{
	size_t kept = 0, others = 0;

	for (size_t i = 0; i < campaign->lines_count; i++)
		others += !is_baseline(campaign, campaign->lines[i].series);
	for (size_t i = 0; i < campaign->lines_count; i++) {
		struct index_line *line = &campaign->lines[i];

		if (others && is_baseline(campaign, line->series) && !line->is_judged)
			index_line_release(line);
		else
			campaign->lines[kept++] = *line;
	}
	campaign->lines_count = kept;
}

static bool has_lately(const struct index_campaign *campaign, const struct index_line *line,
		       enum index_kind kind, enum verdict verdict)
{
	size_t first = campaign->columns_count > LATELY_COLUMNS ?
		campaign->columns_count - LATELY_COLUMNS : 0;

	for (size_t i = first; line->marks[kind] && i < campaign->columns_count; i++)
		if (line->marks[kind][i] == (uint8_t)verdict)
			return true;
	return false;
}

/* What changed against earlier runs comes before what has long differed from the baseline. */
static unsigned int rank_of(const struct index_campaign *campaign, const struct index_line *line)
{
	if (line->series->info.secondary)
		return 4;
	if (line->newest[INDEX_EARLIER] == (enum index_mark)VERDICT_REGRESSED)
		return 0;
	if (has_lately(campaign, line, INDEX_EARLIER, VERDICT_REGRESSED) ||
	    has_lately(campaign, line, INDEX_EARLIER, VERDICT_IMPROVED))
		return 1;
	return has_lately(campaign, line, INDEX_BASELINE, VERDICT_REGRESSED) ? 2 : 3;
}

static int compare_lines(const void *a, const void *b)
{
	const struct index_line *first = a, *second = b;

	if (first->rank != second->rank)
		return first->rank < second->rank ? -1 : 1;
	return (first->series > second->series) - (first->series < second->series);
}

static void sort_lines(struct index_campaign *campaign)
{
	for (size_t i = 0; i < campaign->lines_count; i++)
		campaign->lines[i].rank = rank_of(campaign, &campaign->lines[i]);
	if (campaign->lines_count)
		qsort(campaign->lines, campaign->lines_count, sizeof(*campaign->lines),
		      compare_lines);
}

/* Newest first. */
static int compare_campaigns(const void *a, const void *b)
{
	const struct index_campaign *first = a, *second = b;
	uint64_t x = first->columns_count ? first->columns[first->columns_count - 1].wall_ns : 0;
	uint64_t y = second->columns_count ? second->columns[second->columns_count - 1].wall_ns : 0;

	if (x != y)
		return x < y ? 1 : -1;
	return strcmp(first->name, second->name);
}

/* --- loading ----------------------------------------------------------------------------- */

static int fill_campaigns(struct results_index *index, struct error *err)
{
	cleanup_free struct stored_mark *marks = NULL;
	size_t count = 0, left = INDEX_LINES_MAX;
	int rc = run_store_marks(index->store, &marks, &count, err);

	if (rc)
		return rc;
	make_campaigns(index);
	for (size_t i = 0; i < index->campaigns_count; i++)
		index_make_columns(index, &index->campaigns[i]);
	if (index->campaigns_count)
		qsort(index->campaigns, index->campaigns_count, sizeof(*index->campaigns),
		      compare_campaigns);
	for (size_t i = 0; i < index->campaigns_count; i++) {
		struct index_campaign *campaign = &index->campaigns[i];

		make_lines(index, campaign, left);
		index_fill_lines(index, campaign, marks, count);
		drop_baselines(campaign);
		sort_lines(campaign);
		left -= campaign->lines_count;
	}
	return 0;
}

int results_index_load(struct run_store *store, struct results_index *ret, struct error *err)
{
	const struct history_key key = { .metric = NULL };
	struct results_index index = { .store = store };
	int rc = results_index_fill(store, err);

	if (!rc)
		rc = run_store_nights(store, NULL, 0, &index.nights, &index.nights_count, err);
	if (!rc)
		rc = run_store_run_lines(store, &index.runs, &index.runs_count, err);
	if (!rc)
		rc = history_load(store, &key, INDEX_RUNS_MAX, &index.series, &index.series_count,
				  err);
	if (!rc)
		rc = fill_campaigns(&index, err);
	if (rc) {
		results_index_release(&index);
		return rc;
	}
	*ret = index;
	return 0;
}
