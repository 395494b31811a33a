/* report_html_parts.h - the parts of the page. Private to report_html*.c, and for its
 * small parts results_index*.c. */
#ifndef KERNGATE_ENGINE_REPORT_HTML_PARTS_H
#define KERNGATE_ENGINE_REPORT_HTML_PARTS_H

#include "comparison.h"
#include "report_figure.h"
#include "report_metric.h"

#define REPORT_FOREST_ROWS 40 /* of one figure */

/* One metric with all candidates. */
struct report_section {
	struct report_metric metric; /* its samples dropped once the scripts are made */
	size_t strip, ecdf, tail, order, history; /* figures, or REPORT_FIGURE_NONE */
};

struct report_page {
	struct run_store *store;             /* borrowed, as run and comparison */
	const struct stored_run *run;
	const struct comparison *comparison;
	const struct comparison_entry **entries; size_t count; /* worst first; owned */
	struct report_section *sections; size_t sections_count; /* in the run's order; owned */
	struct report_figures figures;       /* owned */
	size_t forests;                      /* pairs of wide and narrow ones, figures 0 on;
						of text one each */
	struct stored_finding *findings; size_t findings_count; /* owned */
	struct history_series *history; size_t history_count; /* of the campaign; owned */
	unsigned int figures_shown;          /* numbers of figures in ids */
	bool is_text;
};

/* --- report_page.c: entries in order, metrics, scripts; nothing drawn yet */
int report_page_make(struct run_store *store, const struct stored_run *run,
		     const struct comparison *comparison, bool is_text,
		     struct report_page *ret_page, struct error *err) must_check;
void report_page_release(struct report_page *page);
/* How bad: 0 regressed, then not comparable, inconclusive, improved, equivalent, derived. */
int report_rank(const struct comparison_entry *entry);

/* --- report_html_history.c */
int report_history_load(struct report_page *page, struct error *err) must_check;
/* The series of a metric by variant, NULL where there is none; the list is owned. */
const struct history_series **report_history_of(const struct report_page *page,
						const struct report_metric *metric);
int report_add_history(struct report_page *page, const struct report_section *section,
		       struct strbuf *out, struct error *err) must_check;

/* --- report_html_write.c: what the parts have in common */
void report_quantity(struct strbuf *out, double value, const char *unit);
void report_percent(const struct report_page *page, struct strbuf *out, double change);
/* The same without a sign. */
void report_size(const struct report_page *page, struct strbuf *out, double change);
/* "+9.2 % to +11.0 %" */
void report_interval(const struct report_page *page, struct strbuf *out,
		     struct interval interval);
void report_p(struct strbuf *out, double p);
/* The verdict as sign, colour and word; "derived" or "withheld" where there is none. */
void report_badge(const struct report_page *page, const struct comparison_entry *entry,
		  struct strbuf *out);
/* <figure> with the drawing, title and description its text alternative; nothing where
 * there is no drawing. caption: HTML. */
int report_add_figure(struct report_page *page, size_t index, const char *class_name,
		      const char *title, const char *description, const char *caption,
		      struct strbuf *out, struct error *err) must_check;
/* Swatches and names of the variants. */
void report_legend(const struct report_page *page, struct strbuf *out);
size_t report_gated_count(const struct report_page *page);
/* Whether the run has more than one candidate. */
bool report_has_candidates(const struct report_page *page);

/* --- the sections of the page */
void report_add_verdict(const struct report_page *page, struct strbuf *out);
void report_add_table(const struct report_page *page, struct strbuf *out);
int report_add_forest(struct report_page *page, struct strbuf *out, struct error *err) must_check;
int report_add_metrics(struct report_page *page, struct strbuf *out,
		       struct error *err) must_check;
void report_add_tail(const struct report_page *page, const struct comparison_entry *entry,
		     struct strbuf *out);
void report_add_findings(const struct report_page *page, struct strbuf *out);
void report_add_boots(const struct report_page *page, struct strbuf *out);
void report_add_conditions(const struct report_page *page, struct strbuf *out);
void report_add_reproduce(const struct report_page *page, struct strbuf *out);

#endif
