/* report_figure.h - figures of a report: gnuplot's scripts, many drawn by one gnuplot.
 *
 *     struct report_figures figures = { .is_text = false };
 *     size_t at = report_figures_add(&figures, report_figure_order(run, &metric, false));
 *     report_figures_draw(&figures, &err);      // figures.drawings.items[at]
 *     report_figures_release(&figures);
 *
 * A script takes its data from samples and names only, through gnuplot_quote. For the
 * page it draws in the roles of report_svg.h; as text it draws 79 columns of ASCII.
 */
#ifndef KERNGATE_ENGINE_REPORT_FIGURE_H
#define KERNGATE_ENGINE_REPORT_FIGURE_H

#include "error.h"
#include "history.h"
#include "report_metric.h"
#include "strbuf.h"

#define REPORT_FIGURE_NONE SIZE_MAX

struct report_figures {
	struct strvec scripts;   /* owned */
	struct strvec drawings;  /* gnuplot's SVG or text, script by script; empty where
				    gnuplot is missing; owned */
};

#define REPORT_FIGURES_INIT \
	((struct report_figures){ .scripts = STRVEC_INIT, .drawings = STRVEC_INIT })

/* Takes the script (owned); its index, or REPORT_FIGURE_NONE for NULL. */
size_t report_figures_add(struct report_figures *figures, char *script);
/* Draws all of them. -ENOENT: gnuplot is not installed; else as gnuplot_draw. */
int report_figures_draw(struct report_figures *figures, struct error *err) must_check;
/* Borrowed; NULL where there is none. */
const char *report_figures_drawing(const struct report_figures *figures, size_t index);
void report_figures_release(struct report_figures *figures);

/* --- scripts: owned; NULL where there is nothing to draw --------------------------------- */

/* Ratios with intervals and margins, in this order. */
enum report_forest { FOREST_WIDE, FOREST_NARROW, FOREST_TEXT };
char *report_figure_forest(const struct stored_run *run, const struct comparison *comparison,
			   const struct comparison_entry *const *entries, size_t count,
			   enum report_forest form);
/* "fill.fallocate_ns", with the guest where the run has several cells, and the variant
 * where it has several candidates; owned. */
char *report_entry_name(const struct stored_run *run, const struct comparison_entry *entry);

/* These need the metric's sorted samples. */
char *report_figure_strip(const struct stored_run *run, const struct report_metric *metric,
			  bool is_text);
char *report_figure_ecdf(const struct stored_run *run, const struct report_metric *metric,
			 bool is_text);
/* Share of samples beyond a value, of metrics of kind tail. */
char *report_figure_tail(const struct stored_run *run, const struct report_metric *metric,
			 bool is_text);
char *report_figure_order(const struct stored_run *run, const struct report_metric *metric,
			  bool is_text);

/* A metric over the runs of its campaign; by_variant: its series, NULL where a variant has
 * none. */
char *report_figure_history(const struct stored_run *run,
			    const struct history_series *const *by_variant,
			    const struct report_metric *metric, bool is_text);

/* --- for report_figure*.c ----------------------------------------------------------------- */

#define FIGURE_WIDTH 360
#define FIGURE_HEIGHT 220

void report_figure_begin(struct strbuf *script, bool is_text, unsigned int width,
			 unsigned int height);
/* "set xrange" or "set yrange" with some room; logarithmic where is_log. */
void report_figure_range(struct strbuf *script, char axis, double low, double high,
			 bool is_log);
/* A round step that divides this range into `count` parts at most; 1 for no range. */
double report_figure_step(double low, double high, unsigned int count);
/* Marks at round numbers, at most about `count`; of ratios gnuplot sets them itself. */
void report_figure_tics(struct strbuf *script, char axis, double low, double high,
			unsigned int count, bool is_log);
/* Words of anybody's as gnuplot's string, in ASCII, at most max (over 8)
 * characters: longer ones lose their middle. */
void report_figure_words(struct strbuf *script, const char *text, size_t max);
/* A mark of an axis: such words and where they stand. gnuplot takes a mark's words for
 * a format, so that a "%s" in a name would end it. */
void report_figure_tic(struct strbuf *script, const char *text, size_t max, double at);
/* "with points ..." of a variant: shape and colour, or in text a letter. */
void report_figure_points(struct strbuf *script, const struct stored_run *run, uint32_t variant,
			  bool is_text, double size, bool is_faint);
/* The letter of a variant in text: a the baseline, b and on. */
char report_figure_letter(const struct stored_run *run, uint32_t variant);

#endif
