/* report_html.c - the page as a whole. Its content-security policy allows one thing:
 * the style sheet in it, by its hash. No script, no image, no font, no connection.
 */
#include "report_html.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "clock.h"
#include "hash.h"
#include "html_text.h"
#include "memory.h"
#include "render.h"
#include "report_html_parts.h"

static unsigned char hex_digit(char digit)
{
	return (unsigned char)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

char *report_html_hash(const char *text)
{
	char hex[SHA256_HEX_SIZE];
	unsigned char digest[32];
	char base64[45];

	sha256_of(text, strlen(text), hex);
	for (size_t i = 0; i < sizeof(digest); i++)
		digest[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	EVP_EncodeBlock((unsigned char *)base64, digest, sizeof(digest));
	return string_copy(base64);
}

void report_html_head(const char *title, const char *more_style, struct strbuf *out)
{
	cleanup_free char *hash = report_html_hash(report_html_style());
	cleanup_free char *more = more_style ? report_html_hash(more_style) : NULL;

	strbuf_addf(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		    "style-src 'sha256-%s'%s%s%s; base-uri 'none'; form-action 'none'\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		    "<meta name=\"referrer\" content=\"no-referrer\">\n"
		    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>", hash,
		    more ? " 'sha256-" : "", more ? more : "", more ? "'" : "");
	html_text(out, title);
	strbuf_adds(out, "</title>\n<style>");
	strbuf_adds(out, report_html_style());
	strbuf_adds(out, "</style>\n");
	if (more)
		strbuf_addf(out, "<style>%s</style>\n", more_style);
	strbuf_adds(out, "</head>\n");
}

static void add_top(const struct report_page *page, struct strbuf *out)
{
	static const struct {
		const char *target, *name;
	} links[] = {
		{ "metrics", "Metrics" }, { "changes", "All changes" }, { "details", "Details" },
		{ "findings", "Findings" }, { "boots", "Boots" }, { "conditions", "Conditions" },
		{ "again", "Reproduce" },
	};
	bool has_drawings = page->figures.drawings.count > 0;

	strbuf_adds(out, "<body>\n<a class=\"skip\" href=\"#main\">Skip to the verdict</a>\n<header>\n"
		    "<h1>kerngate report: ");
	html_text_part(out, page->run->id, 200);
	strbuf_adds(out, "</h1>\n<nav aria-label=\"Sections\"><ul>\n");
	for (size_t i = 0; i < ARRAY_COUNT(links); i++)
		if ((i != 1 || (page->count && has_drawings)) && (i != 2 || page->sections_count))
			strbuf_addf(out, "<li><a href=\"#%s\">%s</a></li>\n", links[i].target,
				    links[i].name);
	strbuf_adds(out, "</ul></nav>\n</header>\n<main id=\"main\" tabindex=\"-1\">\n");
}

static int add_page(struct report_page *page, struct strbuf *out, struct error *err)
{
	cleanup_free char *title = string_format("exit %d: %s (kerngate)",
						 (int)page->comparison->gate, page->run->id);
	char now[CLOCK_TEXT_MAX];
	int rc;

	report_html_head(title, NULL, out);
	add_top(page, out);
	report_add_verdict(page, out);
	report_add_table(page, out);
	rc = report_add_forest(page, out, err);
	if (!rc)
		rc = report_add_metrics(page, out, err);
	if (rc)
		return rc;
	report_add_findings(page, out);
	report_add_boots(page, out);
	report_add_conditions(page, out);
	report_add_reproduce(page, out);
	strbuf_addf(out, "</main>\n<footer><p>Made by kerngate at %s from the stored samples. This "
		    "file loads nothing and runs no script.</p></footer>\n</body>\n</html>\n",
		    clock_format_utc(clock_wall_ns(), now));
	return 0;
}

int report_html_write(struct run_store *store, const struct stored_run *run,
		      const struct comparison *comparison, struct strbuf *out,
		      bool *ret_has_figures, struct error *err)
{
	cleanup_with(report_page_release) struct report_page page = { .run = NULL };
	struct error missing = ERROR_INIT;
	int rc = report_page_make(store, run, comparison, false, &page, err);

	if (rc)
		return rc;
	rc = report_figures_draw(&page.figures, &missing);
	if (rc && rc != -ENOENT)
		return error_set(err, rc, "figures: %s", missing.message);
	if (ret_has_figures)
		*ret_has_figures = rc == 0;
	return add_page(&page, out, err);
}

/* --- text ----------------------------------------------------------------------------------------- */

/* Without gnuplot's page feeds, blanks at ends of lines, and empty lines at the ends. */
static void add_drawing(const char *text, struct strbuf *out)
{
	size_t start = out->length;

	text += strspn(text, "\f\n");
	while (*text) {
		size_t length = strcspn(text, "\n"), end = length;

		while (end && strchr(" \f", text[end - 1]))
			end--;
		if (end || out->length > start)
			strbuf_addf(out, "%.*s\n", (int)end, text);
		text += length + (text[length] == '\n');
	}
	while (out->length > start + 1 && out->data[out->length - 2] == '\n')
		strbuf_cut(out, out->length - 1);
}

static void add_named(const struct report_page *page, size_t index, const char *name,
		      struct strbuf *out)
{
	const char *drawing = report_figures_drawing(&page->figures, index);

	if (!drawing)
		return;
	strbuf_addf(out, "\n  %s\n", name);
	add_drawing(drawing, out);
}

static void add_text_section(const struct report_page *page,
			     const struct report_section *section, struct strbuf *out)
{
	const struct stored_cell *cell = &page->run->cells[section->metric.cell];
	cleanup_free char *title = string_format("%s.%s on guest %s, suite %s",
						 cell->rows[section->metric.row].name,
						 section->metric.info->name, cell->guest, cell->suite);
	cleanup_strbuf struct strbuf words = STRBUF_INIT;

	html_clean(&words, title, 200);
	strbuf_addf(out, "\n== %.74s\n", words.data);
	add_named(page, section->strip, "samples, a column each boot", out);
	add_named(page, section->ecdf, "distribution", out);
	add_named(page, section->tail, "tail", out);
	add_named(page, section->order, "order of the run", out);
	add_named(page, section->history, "history: the runs of the campaign", out);
}

int report_text_write(struct run_store *store, const struct stored_run *run,
		      const struct comparison *comparison, struct strbuf *out,
		      struct error *err)
{
	cleanup_with(report_page_release) struct report_page page = { .run = NULL };
	int rc = report_page_make(store, run, comparison, true, &page, err);

	if (!rc)
		rc = report_figures_draw(&page.figures, err);
	if (rc)
		return rc;
	render_comparison_text(run, comparison, out);
	if (page.count)
		strbuf_adds(out, "\n== all changes: o the change, --- its interval, "
			    ": the margin\n");
	for (size_t i = 0; i < page.forests; i++)
		add_drawing(report_figures_drawing(&page.figures, i), out);
	for (size_t i = 0; i < page.sections_count; i++)
		if (page.sections[i].metric.count)
			add_text_section(&page, &page.sections[i], out);
	return 0;
}
