/* report_html_write.c - small parts that the sections of the page share. */
#include <math.h>
#include <string.h>

#include "html_text.h"
#include "memory.h"
#include "render.h"
#include "render_layout.h"
#include "render_parts.h"
#include "report_html.h"
#include "report_html_parts.h"
#include "report_svg.h"

void report_quantity(struct strbuf *out, double value, const char *unit)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	render_quantity(value, unit, &text);
	html_text(out, text.data);
}

void report_html_change(enum run_mode mode, double change, struct strbuf *out)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (isinf(change))
		strbuf_adds(&text, "no bound");
	else if (mode == MODE_EXACT)
		render_change_fine(change, &text);
	else
		render_change(change, &text);
	/* The true sign, and no break before the percent sign. */
	for (const char *c = text.data; *c; c++) {
		if (*c == '-' && c[1])
			strbuf_adds(out, "\342\210\222");
		else if (*c == ' ' && c[1] == '%')
			strbuf_adds(out, "&nbsp;");
		else if (*c == '>')
			strbuf_adds(out, "&gt;");
		else
			strbuf_addc(out, *c);
	}
}

void report_percent(const struct report_page *page, struct strbuf *out, double change)
{
	report_html_change(page->run->mode, change, out);
}

void report_size(const struct report_page *page, struct strbuf *out, double change)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	report_percent(page, &text, change);
	strbuf_adds(out, text.data + (text.data[0] == '+'));
}

void report_interval(const struct report_page *page, struct strbuf *out,
		     struct interval interval)
{
	if (isnan(interval.low) || !isfinite(interval.high)) {
		strbuf_addc(out, '-');
		return;
	}
	report_percent(page, out, interval.low - 1);
	strbuf_adds(out, " to ");
	report_percent(page, out, interval.high - 1);
}

void report_p(struct strbuf *out, double p)
{
	if (isnan(p))
		strbuf_addc(out, '-');
	else if (p < 0.0001)
		strbuf_adds(out, "&lt;&nbsp;0.0001");
	else
		strbuf_addf(out, "%.*f", p < 0.1 ? 4 : 2, p);
}

void report_html_badge(enum verdict verdict, struct strbuf *out)
{
	strbuf_addf(out, "<span class=\"v v%d\"><b aria-hidden=\"true\">%c</b> %s</span>",
		    (int)verdict, render_verdict_sign(verdict), verdict_name(verdict));
}

void report_badge(const struct report_page *page, const struct comparison_entry *entry,
		  struct strbuf *out)
{
	if (entry->judged.metric->secondary)
		strbuf_adds(out, "<span class=\"v\">derived</span>");
	else if (page->comparison->control_fired)
		strbuf_adds(out, "<span class=\"v\">withheld</span>");
	else
		report_html_badge(entry->judged.verdict, out);
}

int report_add_figure(struct report_page *page, size_t index, const char *class_name,
		      const char *title, const char *description, const char *caption,
		      struct strbuf *out, struct error *err)
{
	const char *drawing = report_figures_drawing(&page->figures, index);
	int rc;

	if (!drawing)
		return 0;
	strbuf_addf(out, "<figure class=\"%s\">\n", class_name);
	rc = report_svg_add(drawing, title, description, ++page->figures_shown, "fig", out, err);
	strbuf_addf(out, "<figcaption>%s</figcaption>\n</figure>\n", caption);
	return rc;
}

/* As report_figure.c draws them. */
static void add_swatch(unsigned int series, bool is_copy, struct strbuf *out)
{
	static const char *const shapes[REPORT_SERIES_MAX] = {
		"<path class=\"s0 d\" stroke-width=\"9\" d=\"M17 6h0\"/>",
		"<path class=\"s1 q\" stroke-width=\"8\" d=\"M17 6h0\"/>",
		"<path class=\"s2 f\" d=\"M17 1l5 9h-10z\"/>",
		"<path class=\"s3 f\" d=\"M17 0l6 6-6 6-6-6z\"/>",
		"<path class=\"s4 f\" d=\"M17 11l5-9h-10z\"/>",
		"<path class=\"s5 o\" d=\"M13 2h8v8h-8z\"/>",
	};

	strbuf_adds(out, "<svg class=\"swatch\" viewBox=\"0 0 34 12\" aria-hidden=\"true\">");
	if (is_copy)
		strbuf_adds(out, "<path class=\"s0 o\" d=\"M13 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0z\"/>");
	else
		strbuf_addf(out, "<path class=\"s%u l\" stroke-width=\"2\"%s d=\"M0 6h34\"/>%s", series,
			    series ? " stroke-dasharray=\"9,4\"" : "", shapes[series]);
	strbuf_adds(out, "</svg>");
}

void report_legend(const struct report_page *page, struct strbuf *out)
{
	const struct stored_run *run = page->run;

	strbuf_adds(out, "<ul class=\"legend\">\n");
	for (uint32_t i = 0; i < run->variants_count; i++) {
		strbuf_adds(out, "<li>");
		add_swatch(report_series_of(run, i), (int64_t)i == run->control_variant, out);
		html_text_part(out, run->variants[i].label, 60);
		strbuf_adds(out, i == run->baseline ? " (baseline)</li>\n" : "</li>\n");
	}
	strbuf_adds(out, "</ul>\n");
}

size_t report_gated_count(const struct report_page *page)
{
	size_t count = 0;

	for (size_t i = 0; i < page->count; i++)
		count += !page->entries[i]->judged.metric->secondary;
	return count;
}

bool report_has_candidates(const struct report_page *page)
{
	return page->run->variants_count > (page->run->control_variant >= 0 ? 3U : 2U);
}
