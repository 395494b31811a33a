/* report_html_history.c - where a metric stands among the runs of its campaign, and the
 * changes that were found on the way.
 */
#include <math.h>
#include <string.h>

#include "clock.h"
#include "html_text.h"
#include "memory.h"
#include "render.h"
#include "report_html_parts.h"

#define RUNS_MAX 120 /* of the campaign, the newest */

int report_history_load(struct report_page *page, struct error *err)
{
	const struct history_key key = { .campaign = page->run->campaign };

	return history_load(page->store, &key, RUNS_MAX, &page->history, &page->history_count, err);
}

static bool is_series_of(const struct report_page *page, const struct history_series *series,
			 const struct report_metric *metric, uint32_t variant)
{
	const struct stored_cell *cell = &page->run->cells[metric->cell];

	return series->mode == page->run->mode && !strcmp(series->guest, cell->guest) &&
	       !strcmp(series->suite, cell->suite) &&
	       !strcmp(series->row, cell->rows[metric->row].name) &&
	       !strcmp(series->metric, metric->info->name) &&
	       !strcmp(series->variant, page->run->variants[variant].label) &&
	       (int64_t)variant != page->run->control_variant;
}

const struct history_series **report_history_of(const struct report_page *page,
						const struct report_metric *metric)
{
	const struct history_series **found =
		memory_alloc_array(page->run->variants_count, sizeof(*found));

	for (uint32_t i = 0; i < page->run->variants_count; i++)
		for (size_t k = 0; k < page->history_count; k++)
			if (is_series_of(page, &page->history[k], metric, i))
				found[i] = &page->history[k];
	return found;
}

/* "stock: 12 runs from 2026-11-01T... to ...; means from 12.4 ms to 12.9 ms, last 12.6 ms. " */
static void describe(const struct history_series *series, const char *unit, struct strbuf *text)
{
	double low = INFINITY, high = -INFINITY, last = NAN;
	char first_day[CLOCK_TEXT_MAX], last_day[CLOCK_TEXT_MAX];
	size_t count = 0;

	for (size_t i = 0; i < series->points_count; i++) {
		double center = series->points[i].center;

		if (!isfinite(center))
			continue;
		low = fmin(low, center);
		high = fmax(high, center);
		last = center;
		count++;
	}
	if (!count)
		return;
	strbuf_addf(text, "%s: %zu runs from %s to %s; means from ", series->variant, count,
		    clock_format_utc(series->points[0].wall_ns, first_day),
		    clock_format_utc(series->points[series->points_count - 1].wall_ns, last_day));
	render_quantity(low, unit, text);
	strbuf_adds(text, " to ");
	render_quantity(high, unit, text);
	strbuf_adds(text, ", last ");
	render_quantity(last, unit, text);
	strbuf_adds(text, ". ");
}

static void add_changes(const struct report_page *page, const struct history_series *series,
			struct strbuf *out)
{
	for (size_t i = 0; i < series->changes_count; i++) {
		const struct history_change *change = &series->changes[i];

		strbuf_adds(out, " <strong>");
		html_text_part(out, series->variant, 200);
		strbuf_addc(out, ' ');
		report_percent(page, out, change->ratio - 1);
		strbuf_adds(out, "</strong> since ");
		html_text_part(out, series->points[change->index].run_id, 200);
		strbuf_addf(out, " (%s).", change_state_name(change->state));
	}
}

int report_add_history(struct report_page *page, const struct report_section *section,
		       struct strbuf *out, struct error *err)
{
	const struct report_metric *metric = &section->metric;
	const struct stored_row *row = &page->run->cells[metric->cell].rows[metric->row];
	cleanup_free char *title = string_format("%s.%s: history", row->name, metric->info->name);
	cleanup_free const struct history_series **series = report_history_of(page, metric);
	cleanup_strbuf struct strbuf text = STRBUF_INIT, caption = STRBUF_INIT;

	if (section->history == REPORT_FIGURE_NONE)
		return 0;
	strbuf_adds(&text, "The metric over the runs of the campaign. ");
	strbuf_adds(&caption, "<strong>History.</strong> Means of the runs of this campaign. A solid "
		    "line: the series changed; a dotted one: its conditions did.");
	for (uint32_t i = 0; i < page->run->variants_count; i++) {
		if (!series[i])
			continue;
		describe(series[i], metric->info->unit, &text);
		add_changes(page, series[i], &caption);
	}
	return report_add_figure(page, section->history, "small", title, text.data, caption.data, out,
				 err);
}
