/* history_draw.c - a series as gnuplot draws it in ASCII: points only, so that nothing
 * is bridged that was not measured.
 */
#include "history_render.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "gnuplot.h"
#include "memory.h"
#include "render.h"

#define DAY_S (24 * 3600.0)
#define AXIS_MARGIN 0.05 /* of the height, above and below the points */

/* What a point is drawn as. */
enum mark { MARK_RUN, MARK_SUSPECTED, MARK_CONFIRMED, MARK_UNLIKE, MARK_MISSING, MARKS };

static const struct {
	char letter;
	const char *meaning;
} marks[MARKS] = {
	[MARK_RUN] = { 'o', "a run" },
	[MARK_SUSPECTED] = { '?', "first after a suspected change" },
	[MARK_CONFIRMED] = { '!', "first after a confirmed change" },
	[MARK_UNLIKE] = { 'x', "first under other conditions" },
	[MARK_MISSING] = { 'm', "a run without a figure" },
};

static enum mark mark_of(const struct history_series *series, size_t index)
{
	const struct history_point *point = &series->points[index];

	if (isnan(point->center))
		return MARK_MISSING;
	for (size_t i = 0; i < series->changes_count; i++) {
		if (series->changes[i].index != index)
			continue;
		if (series->changes[i].state == CHANGE_CONFIRMED)
			return MARK_CONFIRMED;
		if (series->changes[i].state == CHANGE_SUSPECTED)
			return MARK_SUSPECTED;
	}
	return point->is_unlike ? MARK_UNLIKE : MARK_RUN;
}

/* The unit in which the largest center reads well, and what to divide by for it. */
static double readable_unit(double largest, const char *unit, char **ret_unit)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	double shown, power;
	char *end;

	render_quantity(largest, unit, &text);
	shown = strtod(text.data, &end);
	if (!(shown > 0) || !isfinite(largest)) {
		*ret_unit = string_copy(unit);
		return 1;
	}
	*ret_unit = string_copy(end + strspn(end, " "));
	power = log10(largest / shown);
	/* the text is rounded, the factor is not */
	if (fabs(power - round(power)) < 1e-3)
		return pow(10, round(power));
	return pow(1024, round(log2(largest / shown) / 10));
}

static const char *time_format(double span_s)
{
	if (span_s < 2 * DAY_S)
		return "%H:%M";
	return span_s < 300 * DAY_S ? "%m-%d" : "%Y-%m";
}

struct bounds {
	double low, high;            /* of centers; INFINITY, -INFINITY: there is none */
};

static struct bounds find_bounds(const struct history_series *series)
{
	struct bounds bounds = { INFINITY, -INFINITY };

	for (size_t i = 0; i < series->points_count; i++) {
		if (isnan(series->points[i].center))
			continue;
		bounds.low = fmin(bounds.low, series->points[i].center);
		bounds.high = fmax(bounds.high, series->points[i].center);
	}
	return bounds;
}

static void add_data(const struct history_series *series, enum mark mark, double factor,
		     double floor, struct strbuf *out)
{
	strbuf_addf(out, "$d%d << END\n", (int)mark);
	for (size_t i = 0; i < series->points_count; i++) {
		const struct history_point *point = &series->points[i];
		double y = isnan(point->center) ? floor : point->center / factor;

		if (mark_of(series, i) == mark)
			strbuf_addf(out, "%llu %.9g\n",
				    (unsigned long long)(point->wall_ns / NS_PER_SECOND), y);
	}
	strbuf_adds(out, "END\n");
}

static bool has_mark(const struct history_series *series, enum mark mark)
{
	for (size_t i = 0; i < series->points_count; i++)
		if (mark_of(series, i) == mark)
			return true;
	return false;
}

static void add_axes(const struct history_series *series, struct bounds bounds, double factor,
		     struct strbuf *out)
{
	double first = (double)(series->points[0].wall_ns / NS_PER_SECOND);
	double last = (double)(series->points[series->points_count - 1].wall_ns / NS_PER_SECOND);
	double room = (bounds.high - bounds.low) * AXIS_MARGIN;
	double side = fmax((last - first) * 0.02, 60);

	if (!(room > 0))
		room = fabs(bounds.high) * 0.01 + 1e-9;
	strbuf_addf(out, "set xrange [%.0f:%.0f]\nset yrange [%.9g:%.9g]\n", first - side,
		    last + side, (bounds.low - room) / factor, (bounds.high + room) / factor);
	strbuf_addf(out, "set xdata time\nset timefmt '%%s'\nset format x '%s'\n"
		    "set format y '%%.5g'\nset xtics nomirror\nset key off\n",
		    time_format(last - first));
}

void history_script(const struct history_series *series, struct strbuf *out)
{
	struct bounds bounds = find_bounds(series);
	cleanup_free char *unit = NULL, *title = NULL;
	double factor = readable_unit(bounds.high, series->info.unit, &unit);
	const char *separator = "plot ";

	title = string_format("%s.%s%s%s, %s is better", series->row, series->metric,
			      *unit ? " in " : "", unit,
			      metric_direction_name(series->info.better));
	strbuf_adds(out, "set terminal dumb noenhanced size 79,20\nset title ");
	gnuplot_quote(out, title);
	strbuf_addc(out, '\n');
	for (int mark = 0; mark < MARKS; mark++)
		add_data(series, (enum mark)mark, factor, bounds.low / factor, out);
	add_axes(series, bounds, factor, out);
	for (int mark = 0; mark < MARKS; mark++) {
		if (!has_mark(series, (enum mark)mark))
			continue;
		strbuf_addf(out, "%s$d%d using 1:2 with points pointtype '%c'", separator, mark,
			    marks[mark].letter);
		separator = ", ";
	}
	strbuf_addc(out, '\n');
}

/* Without the page feed, blanks at the ends of lines and empty lines around; then the
 * marks that are there. Owned. */
static char *tidy(const struct history_series *series, const char *text)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;
	const char *separator = "  ";

	text += strspn(text, "\f");
	while (*text) {
		size_t length = strcspn(text, "\n"), end = length;

		while (end && text[end - 1] == ' ')
			end--;
		if (end)
			strbuf_addf(&out, "%.*s\n", (int)end, text);
		text += length + (text[length] == '\n');
	}
	for (int mark = 0; mark < MARKS; mark++) {
		if (!has_mark(series, (enum mark)mark))
			continue;
		strbuf_addf(&out, "%s%c %s", separator, marks[mark].letter, marks[mark].meaning);
		separator = mark == MARK_CONFIRMED ? "\n  " : "   ";
	}
	strbuf_addc(&out, '\n');
	return strbuf_detach(&out);
}

int history_draw(const struct history_series *series, char **ret_drawing, struct error *err)
{
	cleanup_strbuf struct strbuf script = STRBUF_INIT;
	cleanup_free char *drawing = NULL;
	int rc;

	if (!isfinite(find_bounds(series).low))
		return error_set(err, -ENODATA, "no run has a figure to draw");
	history_script(series, &script);
	rc = gnuplot_draw(script.data, &drawing, err);
	if (!rc)
		*ret_drawing = tidy(series, drawing);
	return rc;
}
