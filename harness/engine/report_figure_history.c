/* report_figure_history.c - a metric over the runs of its campaign: a point a run with its
 * interval, lines where the series changed or its conditions did.
 */
#include <math.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "report_figure.h"
#include "report_svg.h"

#define TEXT_WIDTH 79
#define TEXT_HEIGHT 16
#define UNIT_SHOWN 16
#define DAY_LENGTH 10 /* of "2026-11-21T..." */

struct past {
	const struct stored_run *run;
	const struct history_series *const *series; /* by variant; NULL: none */
	double scale;
	double low, high;        /* of all points */
	bool is_text;
};

static bool is_shown(const struct history_point *point)
{
	return isfinite(point->center);
}

/* A run of two boots has an interval that hides all others: it is cut off where it leaves
 * the means by more than these differ, or by a twentieth. */
static void find_range(struct past *past)
{
	double low = INFINITY, high = -INFINITY, room;

	past->low = INFINITY;
	past->high = -INFINITY;
	for (uint32_t i = 0; i < past->run->variants_count; i++) {
		const struct history_series *series = past->series[i];

		for (size_t k = 0; series && k < series->points_count; k++) {
			const struct history_point *point = &series->points[k];

			if (!is_shown(point))
				continue;
			past->low = fmin(past->low, point->center);
			past->high = fmax(past->high, point->center);
			low = fmin(low, isfinite(point->low) ? point->low : point->center);
			high = fmax(high, isfinite(point->high) ? point->high : point->center);
		}
	}
	room = fmax(past->high - past->low, 0.05 * fabs(past->high));
	past->low = fmax(low, past->low - room);
	past->high = fmin(high, past->high + room);
}

static void add_series(const struct past *past, uint32_t variant, struct strbuf *data,
		       struct strbuf *plots)
{
	const struct history_series *series = past->series[variant];
	unsigned int role = ROLE_SERIES + report_series_of(past->run, variant);

	strbuf_addf(data, "$h%u << END\n", variant);
	for (size_t i = 0; i < series->points_count; i++) {
		const struct history_point *point = &series->points[i];
		bool has_interval = isfinite(point->low) && isfinite(point->high);

		if (is_shown(point))
			strbuf_addf(data, "%zu %.7g %.7g %.7g\n", i, point->center / past->scale,
				    (has_interval ? fmax(point->low, past->low) : point->center) /
					    past->scale,
				    (has_interval ? fmin(point->high, past->high) : point->center) /
					    past->scale);
	}
	strbuf_adds(data, "END\n");
	if (!past->is_text)
		strbuf_addf(plots, "%s$h%u using 1:3:(0):($4-$3) with vectors nohead linewidth 1 "
			    "linecolor rgb '#%06x', ", plots->length ? ", " : "", variant, role);
	else if (plots->length)
		strbuf_adds(plots, ", ");
	strbuf_addf(plots, "$h%u using 1:2 ", variant);
	report_figure_points(plots, past->run, variant, past->is_text, 0.6, false);
}

/* Solid where the series changed, dotted where its conditions did. */
static void add_lines(const struct history_series *series, unsigned int role,
		      struct strbuf *script, unsigned int *number)
{
	for (size_t i = 0; i < series->changes_count; i++)
		strbuf_addf(script, "set arrow %u from %.1f, graph 0 to %.1f, graph 1 nohead back "
			    "linewidth 1.6 linecolor rgb '#%06x'\n", ++*number,
			    (double)series->changes[i].index - 0.5,
			    (double)series->changes[i].index - 0.5, role);
	for (size_t i = 1; i < series->points_count; i++)
		if (series->points[i].is_unlike)
			strbuf_addf(script, "set arrow %u from %.1f, graph 0 to %.1f, graph 1 nohead "
				    "back linewidth 1 dashtype (2,3) linecolor rgb '#%06x'\n",
				    ++*number, (double)i - 0.5, (double)i - 0.5, ROLE_LINE);
}

static void add_axes(const struct past *past, const struct history_series *series,
		     const char *unit, struct strbuf *script)
{
	size_t last = series->points_count - 1;
	char first_day[CLOCK_TEXT_MAX], last_day[CLOCK_TEXT_MAX];

	clock_format_utc(series->points[0].wall_ns, first_day);
	clock_format_utc(series->points[last].wall_ns, last_day);
	first_day[DAY_LENGTH] = last_day[DAY_LENGTH] = '\0';
	strbuf_addf(script, "set xrange [-0.6:%.1f]\nset xtics (", (double)last + 0.6);
	report_figure_tic(script, first_day, CLOCK_TEXT_MAX, 0);
	strbuf_adds(script, ", ");
	report_figure_tic(script, last_day, CLOCK_TEXT_MAX, (double)last);
	strbuf_adds(script, ")\n");
	report_figure_range(script, 'y', past->low / past->scale, past->high / past->scale, false);
	report_figure_tics(script, 'y', past->low / past->scale, past->high / past->scale, 5, false);
	strbuf_adds(script, past->is_text ? "set title " : "set label 1 ");
	report_figure_words(script, unit[0] ? unit : "value", UNIT_SHOWN);
	if (past->is_text)
		strbuf_addc(script, '\n');
	else
		strbuf_addf(script, " at graph 0, graph 1 offset 0,0.9 right textcolor rgb "
			    "'#%06x'\nset tmargin 1.6\n", ROLE_INK);
}

char *report_figure_history(const struct stored_run *run,
			    const struct history_series *const *by_variant,
			    const struct report_metric *metric, bool is_text)
{
	struct past past = { run, by_variant, metric->scale, 0, 0, is_text };
	cleanup_strbuf struct strbuf data = STRBUF_INIT, plots = STRBUF_INIT;
	const struct history_series *longest = NULL;
	struct strbuf script = STRBUF_INIT;
	unsigned int number = 0;

	for (uint32_t i = 0; i < run->variants_count; i++)
		if (by_variant[i] && (!longest || by_variant[i]->points_count >
						  longest->points_count))
			longest = by_variant[i];
	find_range(&past);
	if (!longest || longest->points_count < 2 || !(past.low <= past.high))
		return NULL;
	report_figure_begin(&script, is_text, is_text ? TEXT_WIDTH : FIGURE_WIDTH,
			    is_text ? TEXT_HEIGHT : FIGURE_HEIGHT);
	add_axes(&past, longest, metric->unit, &script);
	for (uint32_t i = 0; i < run->variants_count; i++) {
		if (!by_variant[i])
			continue;
		add_series(&past, i, &data, &plots);
		if (!is_text)
			add_lines(by_variant[i], ROLE_SERIES + report_series_of(run, i), &script,
				  &number);
	}
	strbuf_addf(&script, "%splot %s\n", data.data, plots.data);
	return strbuf_detach(&script);
}
