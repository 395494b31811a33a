/* results_index_metrics.c - each campaign's metrics over its nights, worst first. */
#include <math.h>
#include <string.h>

#include "html_text.h"
#include "memory.h"
#include "report_html.h"
#include "report_html_parts.h"
#include "results_index_parts.h"

#define LINES_OPEN 40            /* of a campaign; the others in a closed section */
#define NAME_BYTES 200

static const char *const kind_names[INDEX_KINDS_COUNT] = {
	[INDEX_BASELINE] = "against the baseline",
	[INDEX_EARLIER] = "against earlier runs",
};

static void add_name(const struct index_line *line, struct strbuf *out)
{
	const struct history_series *series = line->series;
	cleanup_free char *name = string_format("%s.%s", series->row, series->metric);
	cleanup_free char *place = string_format("%s, %s/%s", series->variant, series->guest,
						 series->suite);

	strbuf_adds(out, "<th scope=\"row\">");
	html_text_part(out, name, NAME_BYTES);
	strbuf_adds(out, "<small>");
	html_text_part(out, place, NAME_BYTES);
	strbuf_adds(out, series->info.secondary ? "; derived</small></th>" : "</small></th>");
}

/* The newest figure, and of which day where that is not the newest run's. */
static void add_newest(const struct index_campaign *campaign, const struct index_line *line,
		       struct strbuf *out)
{
	size_t at = campaign->columns_count;
	char day[INDEX_DAY_MAX];

	while (at-- && !isfinite(line->values[at]))
		;
	strbuf_adds(out, "<td data-l=\"newest\">");
	if (at == SIZE_MAX) {
		strbuf_adds(out, "-</td>");
		return;
	}
	report_quantity(out, line->values[at], line->series->info.unit);
	if (at + 1 < campaign->columns_count)
		strbuf_addf(out, "<small>%s</small>",
			    index_day(campaign->columns[at].wall_ns, day));
	strbuf_adds(out, "</td>");
}

static void add_verdict(const struct index_campaign *campaign, const struct index_line *line,
			enum index_kind kind, struct strbuf *out)
{
	strbuf_addf(out, "<td data-l=\"%s\">", kind_names[kind]);
	if (line->newest[kind] == MARK_NONE) {
		strbuf_adds(out, "-</td>");
		return;
	}
	if (isfinite(line->ratio[kind]))
		report_html_change(campaign->mode, line->ratio[kind] - 1, out);
	strbuf_adds(out, "<small>");
	index_add_badge(line->series->info.secondary ? MARK_FIGURE : line->newest[kind], out);
	strbuf_adds(out, "</small></td>");
}

static bool has_kind(const struct index_campaign *campaign, enum index_kind kind)
{
	for (size_t i = 0; i < campaign->lines_count; i++)
		if (campaign->lines[i].newest[kind] != MARK_NONE)
			return true;
	return false;
}

static void add_lines(const struct index_campaign *campaign, size_t from, size_t to,
		      struct strbuf *out)
{
	strbuf_adds(out, "<table class=\"cards index\"><thead><tr><th scope=\"col\">metric</th>"
		    "<th scope=\"col\">figures, and verdicts below</th><th scope=\"col\">newest</th>");
	for (int kind = 0; kind < INDEX_KINDS_COUNT; kind++)
		if (has_kind(campaign, (enum index_kind)kind))
			strbuf_addf(out, "<th scope=\"col\">%s</th>", kind_names[kind]);
	strbuf_adds(out, "</tr></thead><tbody>\n");
	for (size_t i = from; i < to; i++) {
		const struct index_line *line = &campaign->lines[i];

		strbuf_adds(out, "<tr>");
		add_name(line, out);
		strbuf_adds(out, "<td>");
		index_add_strip(campaign, line, out);
		strbuf_adds(out, "</td>");
		add_newest(campaign, line, out);
		for (int kind = 0; kind < INDEX_KINDS_COUNT; kind++)
			if (has_kind(campaign, (enum index_kind)kind))
				add_verdict(campaign, line, (enum index_kind)kind, out);
		strbuf_adds(out, "</tr>\n");
	}
	strbuf_adds(out, "</tbody></table>\n");
}

static void add_span(const struct index_campaign *campaign, struct strbuf *out)
{
	size_t shown = campaign->columns_count - campaign->first;
	char from[INDEX_DAY_MAX], to[INDEX_DAY_MAX];

	strbuf_addf(out, "<p class=\"note\">One column a run, %zu of them, from %s to %s", shown,
		    index_day(campaign->columns[campaign->first].wall_ns, from),
		    index_day(campaign->columns[campaign->columns_count - 1].wall_ns, to));
	if (campaign->months_count)
		strbuf_addf(out, "; to the left of them %zu month%s, one column each: a month is "
			    "regressed or improved where one of its runs was, else what most were "
			    "(figures: of the newest %d runs)",
			    campaign->months_count, campaign->months_count == 1 ? "" : "s",
			    INDEX_RUNS_MAX);
	strbuf_adds(out, ". ");
	if (campaign->baseline) {
		strbuf_adds(out, "The dashed line is ");
		html_text_part(out, campaign->baseline, NAME_BYTES);
		strbuf_adds(out, ", the baseline. ");
	}
	strbuf_adds(out, "Where a metric has two strips, the upper one is against the baseline, the "
		    "lower one against earlier runs.</p>\n");
}

static size_t count_worse(const struct index_campaign *campaign, size_t from)
{
	size_t count = 0;

	for (size_t i = from; i < campaign->lines_count; i++)
		count += campaign->lines[i].newest[0] == (enum index_mark)VERDICT_REGRESSED ||
			 campaign->lines[i].newest[1] == (enum index_mark)VERDICT_REGRESSED;
	return count;
}

static void add_campaign(const struct index_campaign *campaign, struct strbuf *out)
{
	size_t open = campaign->lines_count < LINES_OPEN + 10 ? campaign->lines_count : LINES_OPEN;
	size_t left = campaign->lines_count - open;

	strbuf_adds(out, "<h3>");
	html_text_part(out, campaign->name, NAME_BYTES);
	strbuf_addf(out, "</h3> <small>%s mode, %zu metric%s</small>\n",
		    run_mode_name(campaign->mode), campaign->lines_count,
		    campaign->lines_count == 1 ? "" : "s");
	if (!campaign->lines_count || !campaign->columns_count) {
		strbuf_adds(out, "<p>No metric was measured in its newest runs, or there are more "
			    "than this page shows: <code>kerngate history</code>.</p>\n");
		return;
	}
	add_span(campaign, out);
	add_lines(campaign, 0, open, out);
	if (!left)
		return;
	strbuf_addf(out, "<details><summary>%zu more metrics (%zu of them regressed in their newest "
		    "run)</summary>\n", left, count_worse(campaign, open));
	add_lines(campaign, open, campaign->lines_count, out);
	strbuf_adds(out, "</details>\n");
}

void index_add_metrics(const struct results_index *index, struct strbuf *out)
{
	strbuf_adds(out, "<section id=\"metrics\" aria-labelledby=\"h-metrics\">\n"
		    "<h2 id=\"h-metrics\">Metrics over the nights</h2>\n");
	if (!index->campaigns_count)
		strbuf_adds(out, "<p>No run has finished yet.</p>\n");
	else
		index_add_legend(out);
	for (size_t i = 0; i < index->campaigns_count; i++) {
		strbuf_adds(out, "<div class=\"campaign\">\n");
		add_campaign(&index->campaigns[i], out);
		strbuf_adds(out, "</div>\n");
	}
	strbuf_adds(out, "</section>\n");
}
