/* report_html.h - a judged run as one HTML file that people read: it opens from disk,
 * loads nothing, runs nothing (docs/report.md); and its figures for the terminal.
 */
#ifndef KERNGATE_ENGINE_REPORT_HTML_H
#define KERNGATE_ENGINE_REPORT_HTML_H

#include "comparison.h"
#include "error.h"
#include "strbuf.h"

/* The whole page, appended to out. store: where the run came from, for findings and
 * history. Where gnuplot is missing the page says so in place of figures, and
 * *ret_has_figures (may be NULL) is false. */
int report_html_write(struct run_store *store, const struct stored_run *run,
		      const struct comparison *comparison, struct strbuf *out,
		      bool *ret_has_figures, struct error *err) must_check;

/* The verdict table and the page's figures in 80 columns of ASCII. -ENOENT: gnuplot is
 * not installed. */
int report_text_write(struct run_store *store, const struct stored_run *run,
		      const struct comparison *comparison, struct strbuf *out,
		      struct error *err) must_check;

/* From <!DOCTYPE> to </head>: a page that may show itself and nothing else. more_style: a
 * style sheet beside the common one; NULL: none. */
void report_html_head(const char *title, const char *more_style, struct strbuf *out);
/* "+9.2 %" of ratio - 1, as the mode has it, for HTML. */
void report_html_change(enum run_mode mode, double change, struct strbuf *out);
/* A verdict as sign, colour and word. */
void report_html_badge(enum verdict verdict, struct strbuf *out);
/* The page's style sheet; static. */
const char *report_html_style(void);
/* What it takes for a content-security policy: base64 of the SHA-256 (CSP level 3,
 * "hash-source"); owned. */
char *report_html_hash(const char *text);

#endif
