/* report_figure.c - what all figures of a report have alike, and drawing them. */
#include "report_figure.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "gnuplot.h"
#include "memory.h"
#include "report_svg.h"

/* Ends each drawing on gnuplot's stdout. No text can hold it: gnuplot_quote makes
 * control characters blanks. */
#define MARK "\001\n"
#define MARK_COMMAND "unset output\nprint \"\\001\"\n"
/* One gnuplot's share: its output stays small, and far from its time limit. */
#define SCRIPTS_AT_ONCE 48

/* --- drawing ---------------------------------------------------------------------------- */

size_t report_figures_add(struct report_figures *figures, char *script)
{
	cleanup_free char *owned = script;

	if (!owned)
		return REPORT_FIGURE_NONE;
	strvec_push(&figures->scripts, owned);
	return figures->scripts.count - 1;
}

static int split(struct report_figures *figures, const char *output, size_t expected,
		 struct error *err)
{
	for (size_t i = 0; i < expected; i++) {
		const char *end = strstr(output, MARK);
		cleanup_free char *drawing = NULL;

		if (!end)
			return error_set(err, -EBADMSG, "gnuplot drew %zu of %zu figures", i,
					 expected);
		drawing = string_copy_n(output, (size_t)(end - output));
		strvec_push(&figures->drawings, drawing);
		output = end + strlen(MARK);
	}
	return 0;
}

int report_figures_draw(struct report_figures *figures, struct error *err)
{
	int rc = 0;

	for (size_t at = 0; !rc && at < figures->scripts.count; at += SCRIPTS_AT_ONCE) {
		cleanup_strbuf struct strbuf script = STRBUF_INIT;
		cleanup_free char *output = NULL;
		size_t left = figures->scripts.count - at;
		size_t count = left < SCRIPTS_AT_ONCE ? left : SCRIPTS_AT_ONCE;

		strbuf_adds(&script, "set print '-'\n");
		for (size_t i = 0; i < count; i++) {
			strbuf_adds(&script, figures->scripts.items[at + i]);
			strbuf_adds(&script, MARK_COMMAND);
		}
		rc = gnuplot_draw(script.data, &output, err);
		if (!rc)
			rc = split(figures, output, count, err);
	}
	if (rc)
		strvec_release(&figures->drawings);
	return rc;
}

const char *report_figures_drawing(const struct report_figures *figures, size_t index)
{
	return index < figures->drawings.count ? figures->drawings.items[index] : NULL;
}

void report_figures_release(struct report_figures *figures)
{
	strvec_release(&figures->scripts);
	strvec_release(&figures->drawings);
}

/* --- parts of scripts ------------------------------------------------------------------- */

void report_figure_begin(struct strbuf *script, bool is_text, unsigned int width,
			 unsigned int height)
{
	strbuf_adds(script, "reset\n");
	if (is_text)
		strbuf_addf(script, "set terminal dumb noenhanced size %u,%u\nset tics nomirror\n"
			    "set border 3\n", width, height);
	else
		strbuf_addf(script, "set terminal svg size %u,%u dynamic noenhanced font "
			    "'sans-serif,12'\n"
			    "set border 3 linecolor rgb '#%06x'\n"
			    "set tics nomirror out scale 0.5 textcolor rgb '#%06x'\n"
			    "set grid ytics linecolor rgb '#%06x' linewidth 1 dashtype 1\n",
			    width, height, ROLE_INK, ROLE_INK, ROLE_GRID);
	strbuf_adds(script, "unset key\n");
}

void report_figure_range(struct strbuf *script, char axis, double low, double high,
			 bool is_log)
{
	double room = 0.05 * (high - low);

	if (!(high > low))
		room = low != 0 ? 0.01 * fabs(low) : 1;
	if (is_log)
		strbuf_addf(script, "set logscale %c\nset %crange [%.9g:%.9g]\n", axis, axis,
			    low / 1.15, high * 1.15);
	else
		strbuf_addf(script, "set %crange [%.9g:%.9g]\n", axis, low - room, high + room);
}

double report_figure_step(double low, double high, unsigned int count)
{
	double least = (high - low) / count, power = pow(10, floor(log10(least)));
	double step = least / power;

	if (!(high > low) || !isfinite(power) || !(power > 0))
		return 1;
	return power * (step <= 1 ? 1 : step <= 2 ? 2 : step <= 5 ? 5 : 10);
}

void report_figure_tics(struct strbuf *script, char axis, double low, double high,
			unsigned int count, bool is_log)
{
	if (!is_log && high > low)
		strbuf_addf(script, "set %ctics autofreq %.9g\n", axis,
			    report_figure_step(low, high, count));
}

static char *shorten(const char *text, size_t max)
{
	size_t length = strlen(text), end = max / 3;
	cleanup_free char *words = length <= max ?
		string_copy(text) :
		string_format("%.*s..%s", (int)(max - end - 2), text, text + length - end);

	for (char *c = words; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	return take_pointer(words);
}

void report_figure_words(struct strbuf *script, const char *text, size_t max)
{
	cleanup_free char *words = shorten(text, max);

	gnuplot_quote(script, words);
}

void report_figure_tic(struct strbuf *script, const char *text, size_t max, double at)
{
	cleanup_free char *words = shorten(text, max);
	cleanup_strbuf struct strbuf doubled = STRBUF_INIT;

	for (const char *c = words; *c; c++)
		strbuf_adds(&doubled, *c == '%' ? "%%" : (const char[]){ *c, '\0' });
	gnuplot_quote(script, doubled.data);
	strbuf_addf(script, " %.9g", at);
}

char report_figure_letter(const struct stored_run *run, uint32_t variant)
{
	return "abcdef"[report_series_of(run, variant)];
}

void report_figure_points(struct strbuf *script, const struct stored_run *run, uint32_t variant,
			  bool is_text, double size, bool is_faint)
{
	/* full circle, square, triangle, diamond, triangle upside down, open square */
	static const int shapes[REPORT_SERIES_MAX] = { 7, 5, 9, 13, 11, 4 };
	unsigned int series = report_series_of(run, variant);
	bool is_copy = (int64_t)variant == run->control_variant;

	if (is_text)
		strbuf_addf(script, "with points pointtype '%c'",
			    report_figure_letter(run, variant));
	else
		strbuf_addf(script, "with points pointtype %d pointsize %g linecolor rgb '#%06x'",
			    is_copy ? 6 : shapes[series], size,
			    (is_faint ? ROLE_FAINT : ROLE_SERIES) + series);
}
