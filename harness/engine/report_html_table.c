/* report_html_table.c - all metrics of a run in one table, worst first, and in one
 * figure. On a narrow screen the style sheet makes a card of each row; the roles keep
 * it a table for those who cannot see it.
 */
#include <math.h>
#include <string.h>

#include "html_text.h"
#include "memory.h"
#include "report_html_parts.h"

#define DERIVED_OPEN_MAX 12 /* entries of a run whose derived ones stand open */

static void add_name_cell(const struct report_page *page, const struct comparison_entry *entry,
			  struct strbuf *out)
{
	const struct stored_cell *cell = &page->run->cells[entry->cell];
	const struct stored_row *row = &cell->rows[entry->row];

	strbuf_addf(out, "<th scope=\"row\" role=\"rowheader\"><a href=\"#m-%u-%u-%u\">", entry->cell,
		    entry->row, entry->metric);
	html_text_part(out, row->name, 200);
	strbuf_adds(out, ".<wbr>");
	html_text_part(out, row->metrics[entry->metric].name, 200);
	strbuf_adds(out, "</a><small>");
	html_text_part(out, cell->guest, 200);
	strbuf_adds(out, ", ");
	html_text_part(out, cell->suite, 200);
	if (report_has_candidates(page)) {
		strbuf_adds(out, ": ");
		html_text_part(out, page->run->variants[entry->variant].label, 200);
	}
	strbuf_adds(out, "</small></th>");
}

static void begin_cell(struct strbuf *out, const char *label)
{
	strbuf_addf(out, "<td role=\"cell\" data-l=\"%s\">", label);
}

/* Why there is no verdict, or what it lacks. */
static void add_remark(const struct report_page *page, const struct comparison_entry *entry,
		       struct strbuf *out)
{
	const struct metric_comparison *judged = &entry->judged;
	const char *what = page->run->mode == MODE_EXACT ? "seed" : "block";

	if (judged->reason) {
		strbuf_adds(out, "<small>");
		html_text(out, judged->reason);
		strbuf_adds(out, "</small>");
	} else if (judged->blocks_needed > 0 &&
		   judged->blocks_needed + judged->blocks < STATISTICS_BLOCKS_MAX) {
		strbuf_addf(out, "<small>%zu %s%s short</small>", judged->blocks_needed, what,
			    judged->blocks_needed == 1 ? "" : "s");
	}
}

static void add_row(const struct report_page *page, const struct comparison_entry *entry,
		    struct strbuf *out)
{
	const struct metric_comparison *judged = &entry->judged;
	bool is_known = judged->verdict != VERDICT_NOT_COMPARABLE;
	bool has_test = is_known && !judged->reason && !judged->metric->secondary;

	strbuf_adds(out, "<tr role=\"row\">");
	add_name_cell(page, entry, out);
	begin_cell(out, "verdict");
	report_badge(page, entry, out);
	add_remark(page, entry, out);
	strbuf_adds(out, "</td>");
	begin_cell(out, "baseline");
	report_quantity(out, judged->a_center, judged->metric->unit);
	strbuf_adds(out, "</td>");
	begin_cell(out, "candidate");
	report_quantity(out, judged->b_center, judged->metric->unit);
	strbuf_adds(out, "</td>");
	begin_cell(out, "change");
	report_percent(page, out, is_known ? judged->ratio - 1 : (double)NAN);
	strbuf_adds(out, "</td>");
	begin_cell(out, "interval");
	report_interval(page, out, is_known ? judged->interval :
					      (struct interval){ NAN, NAN });
	strbuf_adds(out, "</td>");
	begin_cell(out, "p");
	report_p(out, has_test ? judged->p_adjusted : (double)NAN);
	strbuf_adds(out, "</td>");
	begin_cell(out, "MDE");
	if (has_test && isfinite(judged->detectable_effect))
		report_size(page, out, judged->detectable_effect);
	else
		strbuf_addc(out, '-');
	strbuf_adds(out, "</td>");
	begin_cell(out, "boots");
	strbuf_addf(out, "%zu + %zu</td></tr>\n", judged->a_count, judged->b_count);
}

/* Entries from first up to end. */
static void add_rows(const struct report_page *page, size_t first, size_t end, const char *label,
		     struct strbuf *out)
{
	if (first == end)
		return;
	strbuf_addf(out, "<table class=\"cards\" role=\"table\" aria-labelledby=\"%s\">\n"
		    "<thead role=\"rowgroup\"><tr role=\"row\">", label);
	for (const char *const *name = (const char *const[]){ "metric", "verdict", "baseline",
	     "candidate", "change", "interval", "p", "MDE", "boots", NULL }; *name; name++)
		strbuf_addf(out, "<th scope=\"col\" role=\"columnheader\">%s</th>", *name);
	strbuf_adds(out, "</tr></thead>\n<tbody role=\"rowgroup\">\n");
	for (size_t i = first; i < end; i++)
		add_row(page, page->entries[i], out);
	strbuf_adds(out, "</tbody></table>\n");
}

void report_add_table(const struct report_page *page, struct strbuf *out)
{
	const struct gate_policy *policy = &page->comparison->policy;
	size_t gated = report_gated_count(page);

	strbuf_adds(out, "<section id=\"metrics\" aria-labelledby=\"h-metrics\">\n"
		    "<h2 id=\"h-metrics\">Metrics</h2>\n");
	if (!page->count) {
		strbuf_adds(out, "<p>No metric of this run can be compared: it has one variant, or "
			    "none of its rows declares a metric.</p>\n</section>\n");
		return;
	}
	strbuf_addf(out, "<p class=\"note\">Worst first. Change: candidate over baseline, from one "
		    "figure a boot. Interval: %.4g&nbsp;%% of the change. p: corrected (%s) for all "
		    "gated metrics; alpha %.2g. MDE: the smallest change that this run finds in 4 of "
		    "5 cases. Boots: baseline + candidate. A change within %g&nbsp;%% does not "
		    "matter.</p>\n", 100 * policy->confidence, correction_name(policy->correction),
		    policy->alpha, policy->margin_percent);
	add_rows(page, 0, gated, "h-metrics", out);
	if (page->count > gated) {
		strbuf_addf(out, "<details class=\"inner\"%s><summary id=\"h-derived\">Derived from "
			    "others, not gated (%zu)</summary>\n",
			    page->count <= DERIVED_OPEN_MAX || !gated ? " open" : "",
			    page->count - gated);
		add_rows(page, gated, page->count, "h-derived", out);
		strbuf_adds(out, "</details>\n");
	}
	strbuf_adds(out, "</section>\n");
}

/* --- forest ------------------------------------------------------------------------------------- */

/* The figure in words: every name, change and interval is in the table too. */
static char *describe(const struct report_page *page, size_t first, size_t count)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "A row for each metric, with its change in percent as a point and its "
		    "%.4g %% interval as a bar; a band of %g %% about no change. ",
		    100 * page->comparison->policy.confidence,
		    page->comparison->policy.margin_percent);
	for (size_t i = first; i < first + count; i++) {
		const struct comparison_entry *entry = page->entries[i];
		cleanup_free char *name = report_entry_name(page->run, entry);
		const struct metric_comparison *judged = &entry->judged;

		if (judged->verdict == VERDICT_NOT_COMPARABLE)
			strbuf_addf(&text, "%s: not comparable. ", name);
		else
			strbuf_addf(&text, "%s: %+.2f %% (%+.2f to %+.2f), %s. ", name,
				    100 * (judged->ratio - 1), 100 * (judged->interval.low - 1),
				    100 * (judged->interval.high - 1),
				    judged->metric->secondary ? "derived" :
							       verdict_name(judged->verdict));
	}
	return strbuf_detach(&text);
}

int report_add_forest(struct report_page *page, struct strbuf *out, struct error *err)
{
	int rc = 0;

	if (!page->count || !page->figures.drawings.count)
		return 0;
	strbuf_adds(out, "<section id=\"changes\" aria-labelledby=\"h-changes\">\n"
		    "<h2 id=\"h-changes\">All changes</h2>\n");
	for (size_t i = 0; !rc && i < page->forests; i++) {
		size_t first = i * REPORT_FOREST_ROWS, left = page->count - first;
		size_t count = left < REPORT_FOREST_ROWS ? left : REPORT_FOREST_ROWS;
		cleanup_free char *text = describe(page, first, count);
		cleanup_free char *title = page->forests > 1 ?
			string_format("Changes, part %zu of %zu", i + 1, page->forests) :
			string_copy("Changes of all metrics");
		const char *caption = "Point and bar: change and its interval. Band: the margin. "
				      "Line: no change. Right of it is more; whether that is "
				      "better or worse says the sign in front of the name. What "
				      "reaches further is cut off at the edge.";

		rc = report_add_figure(page, 2 * i, "forest wide", title, text, caption, out, err);
		if (!rc)
			rc = report_add_figure(page, 2 * i + 1, "forest narrow", title, text,
					       caption, out, err);
	}
	strbuf_adds(out, "</section>\n");
	return rc;
}
