/* report_page.c - a judged run > what a report shows of it, and the scripts of its
 * figures.
 */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "report_html_parts.h"

int report_rank(const struct comparison_entry *entry)
{
	static const int ranks[] = {
		[VERDICT_REGRESSED] = 0, [VERDICT_NOT_COMPARABLE] = 1,
		[VERDICT_INCONCLUSIVE] = 2, [VERDICT_IMPROVED] = 3, [VERDICT_EQUIVALENT] = 4,
	};

	return entry->judged.metric->secondary ? 5 : ranks[entry->judged.verdict];
}

static double size_of_change(const struct comparison_entry *entry)
{
	double size = fabs(log(entry->judged.ratio));

	return isfinite(size) ? size : 0;
}

/* Worst first, then the larger change; else in the order of the run. */
static int compare_entries(const void *a, const void *b)
{
	const struct comparison_entry *x = *(const struct comparison_entry *const *)a;
	const struct comparison_entry *y = *(const struct comparison_entry *const *)b;
	double left = size_of_change(x), right = size_of_change(y);

	if (report_rank(x) != report_rank(y))
		return report_rank(x) - report_rank(y);
	if (left != right)
		return left < right ? 1 : -1;
	return (x > y) - (x < y);
}

static void sort_entries(struct report_page *page)
{
	const struct comparison *c = page->comparison;

	page->count = c->count;
	page->entries = memory_alloc_array(c->count, sizeof(*page->entries));
	for (size_t i = 0; i < c->count; i++)
		page->entries[i] = &c->entries[i];
	qsort(page->entries, page->count, sizeof(*page->entries), compare_entries);
}

static void add_forests(struct report_page *page)
{
	for (size_t at = 0; at < page->count; at += REPORT_FOREST_ROWS) {
		size_t left = page->count - at;
		size_t count = left < REPORT_FOREST_ROWS ? left : REPORT_FOREST_ROWS;
		enum report_forest first = page->is_text ? FOREST_TEXT : FOREST_WIDE;

		page->forests++;
		for (int form = (int)first; form <= (page->is_text ? FOREST_TEXT : FOREST_NARROW);
		     form++)
			(void)report_figures_add(&page->figures,
						 report_figure_forest(page->run, page->comparison,
								      page->entries + at, count,
								      (enum report_forest)form));
	}
}

static void add_section(struct report_page *page, uint32_t cell, uint32_t row, uint32_t metric)
{
	struct report_section section;
	struct report_metric *made = &section.metric;
	cleanup_free const struct history_series **series = NULL;

	report_metric_make(page->run, page->comparison, cell, row, metric, made);
	section.strip = report_figures_add(&page->figures,
					   report_figure_strip(page->run, made, page->is_text));
	section.ecdf = report_figures_add(&page->figures,
					  report_figure_ecdf(page->run, made, page->is_text));
	section.tail = report_figures_add(&page->figures,
					  report_figure_tail(page->run, made, page->is_text));
	section.order = report_figures_add(&page->figures,
					   report_figure_order(page->run, made, page->is_text));
	series = report_history_of(page, made);
	section.history = report_figures_add(&page->figures,
					     report_figure_history(page->run, series, made,
								   page->is_text));
	report_metric_drop_samples(made);
	page->sections = memory_realloc_array(page->sections, page->sections_count + 1,
					      sizeof(*page->sections));
	page->sections[page->sections_count++] = section;
}

static void add_sections(struct report_page *page)
{
	const struct stored_run *run = page->run;

	for (uint32_t cell = 0; cell < run->cells_count; cell++)
		for (uint32_t row = 0; row < run->cells[cell].rows_count; row++)
			for (uint32_t i = 0; i < run->cells[cell].rows[row].metrics_count; i++)
				add_section(page, cell, row, i);
}

int report_page_make(struct run_store *store, const struct stored_run *run,
		     const struct comparison *comparison, bool is_text,
		     struct report_page *ret_page, struct error *err)
{
	struct report_page page = { .store = store, .run = run, .comparison = comparison,
				    .figures = REPORT_FIGURES_INIT, .is_text = is_text };
	int rc = run_store_findings(store, run->id, &page.findings, &page.findings_count, err);

	if (!rc)
		rc = report_history_load(&page, err);
	if (rc) {
		report_page_release(&page);
		return rc;
	}
	sort_entries(&page);
	add_forests(&page);
	add_sections(&page);
	*ret_page = page;
	return 0;
}

void report_page_release(struct report_page *page)
{
	for (size_t i = 0; i < page->sections_count; i++)
		report_metric_release(&page->sections[i].metric);
	free(page->sections);
	free(page->entries);
	report_figures_release(&page->figures);
	history_free(page->history, page->history_count);
	stored_findings_free(page->findings, page->findings_count);
	*page = (struct report_page){ .run = NULL };
}
