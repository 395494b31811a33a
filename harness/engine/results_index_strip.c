/* results_index_strip.c - a metric over the nights as a drawing: its figures as a line,
 * below it a strip of marks for each kind of verdict. Marks differ in shape as well as in
 * colour. One path holds all marks of a kind: a thousand of them are to stay small.
 */
#include <math.h>
#include <string.h>

#include "html_text.h"
#include "memory.h"
#include "render.h"
#include "results_index_parts.h"

#define PITCH 6                  /* of columns, in the drawing's units */
#define LINE_TOP 3
#define LINE_HEIGHT 22
#define STRIP_TOP 29
#define STRIP_HEIGHT 12
#define STRIP_PITCH 15
#define FEW_COLUMNS 20           /* are drawn larger */
#define BASE_LOOK "s0 d\" stroke-width=\"1.2\" stroke-dasharray=\"1.5,2.5\""
#define LINE_LOOK "s1 d\" stroke-width=\"1.6\""
#define ALONE_LOOK "s0 d\" stroke-width=\"1.6\""

/* How a mark is drawn: the stroke of a path from (0, y) of its 5 x 12 units, and where that
 * ends. */
static const struct shape {
	const char *class_name, *path;
	double width, y, end_x, end_y;
} shapes[MARKS_COUNT] = {
	[VERDICT_IMPROVED] = { "v0", "h5", 6, 9, 5, 0 },
	[VERDICT_EQUIVALENT] = { "v1", "h5", 2, 6, 5, 0 },
	[VERDICT_INCONCLUSIVE] = { "v2", "m.6 0h3.8v4.8h-3.8z", 1.2, 3.6, 0.6, 0 },
	[VERDICT_REGRESSED] = { "v3", "h5", 12, 6, 5, 0 },
	[VERDICT_NOT_COMPARABLE] = { "v4", "m.5 0l4 5m0-5l-4 5", 1.4, 3.5, 0.5, 5 },
	[MARK_WITHHELD] = { "v4", "m.5 0l4 5m0-5l-4 5", 1.4, 3.5, 0.5, 5 },
	[MARK_FIGURE] = { "u", "m1.5 0h2", 2, 6, 3.5, 0 },
	[MARK_NONE] = { .class_name = NULL },
	[MARK_LEFT_OUT] = { "u", "h2m1 0h2", 2, 11, 5, 0 },
	[MARK_NO_RUN] = { "u", "m2.5 0v10", 1, 1, 2.5, 10 },
	[MARK_GAP] = { "u", "l4-10", 1, 11, 4, -10 },
};

/* --- the line ---------------------------------------------------------------------------- */

struct scale {
	double low, high;
};

static void widen(struct scale *scale, const double *values, size_t from, size_t to)
{
	for (size_t i = from; values && i < to; i++) {
		if (!isfinite(values[i]))
			continue;
		scale->low = fmin(scale->low, values[i]);
		scale->high = fmax(scale->high, values[i]);
	}
}

static struct scale scale_of(const struct index_campaign *campaign,
			     const struct index_line *line)
{
	struct scale scale = { INFINITY, -INFINITY };
	double room;

	widen(&scale, line->values, campaign->first, campaign->columns_count);
	widen(&scale, line->base_values, campaign->first, campaign->columns_count);
	widen(&scale, line->older_values, 0, campaign->months_count);
	widen(&scale, line->older_base, 0, campaign->months_count);
	/* Noise of a still series must not look like steps. */
	room = fmax(0, 0.04 * scale.high - (scale.high - scale.low)) / 2;
	scale.low -= room;
	scale.high += room;
	return scale;
}

static double y_of(const struct scale *scale, double value)
{
	double span = scale->high - scale->low;

	return LINE_TOP + (span > 0 ? (scale->high - value) / span : 0.5) * LINE_HEIGHT;
}

/* Broken where there is no figure; one by itself is a dot. */
static void add_line(const struct scale *scale, const double *values, size_t from, size_t to,
		     const char *look, struct strbuf *out)
{
	cleanup_strbuf struct strbuf path = STRBUF_INIT;
	long before = 0; /* tenths: sums of rounded steps would wander */

	for (size_t i = from; i < to; i++) {
		bool is_on = i > from && isfinite(values[i - 1]);
		bool is_lone = !is_on && (i + 1 == to || !isfinite(values[i + 1]));
		long y;

		if (!isfinite(values[i]))
			continue;
		y = lround(y_of(scale, values[i]) * 10);
		if (is_on)
			strbuf_addf(&path, "l%d %g", PITCH, (double)(y - before) / 10);
		else
			strbuf_addf(&path, "M%g %g", (double)(i - from) * PITCH + 2.5,
				    (double)y / 10);
		strbuf_adds(&path, is_lone ? "h0" : "");
		before = y;
	}
	if (path.length)
		strbuf_addf(out, "<path class=\"%s d=\"%s\"/>", look,
			    path.data);
}

/* --- the strips -------------------------------------------------------------------------- */

/* All marks of one kind, each from where the one before it ended. */
static void add_marks_of(const uint8_t *marks, size_t count, uint8_t mark, int top,
			 struct strbuf *out)
{
	const struct shape *shape = &shapes[mark];
	double x = 0, y = 0;
	bool is_begun = false;

	for (size_t i = 0; i < count && shape->class_name; i++) {
		double at = (double)(i * PITCH);

		if (marks[i] != mark)
			continue;
		if (is_begun)
			strbuf_addf(out, "m%g %g%s", at - x, top + shape->y - y, shape->path);
		else
			strbuf_addf(out, "<path class=\"%s l\" stroke-width=\"%g\" d=\"M%g %g%s",
				    shape->class_name, shape->width, at, top + shape->y,
				    shape->path);
		is_begun = true;
		x = at + shape->end_x;
		y = top + shape->y + shape->end_y;
	}
	strbuf_adds(out, is_begun ? "\"/>" : "");
}

static void add_marks(const uint8_t *marks, size_t count, int top, struct strbuf *out)
{
	strbuf_addf(out, "<path class=\"g l\" d=\"M0 %d.5h%zu\"/>", top + STRIP_HEIGHT,
		    count * PITCH - 1);
	for (uint8_t mark = 0; mark < MARKS_COUNT; mark++)
		add_marks_of(marks, count, mark, top, out);
}

/* "57 equivalent, 3 regressed" */
static void count_marks(const uint8_t *marks, size_t count, struct strbuf *text)
{
	size_t counts[MARKS_COUNT] = { 0 };
	bool is_first = true;

	for (size_t i = 0; i < count; i++)
		counts[marks[i]]++;
	for (size_t mark = 0; mark < MARKS_COUNT; mark++) {
		if (!counts[mark])
			continue;
		strbuf_addf(text, "%s%zu %s", is_first ? "" : ", ", counts[mark],
			    index_mark_name((enum index_mark)mark));
		is_first = false;
	}
}

/* --- words --------------------------------------------------------------------------------- */

static void describe_values(const struct index_line *line, const double *values, size_t from,
			    size_t to, struct strbuf *text)
{
	struct scale scale = { INFINITY, -INFINITY };

	widen(&scale, values, from, to);
	if (!(scale.low <= scale.high))
		return;
	render_quantity(scale.low, line->series->info.unit, text);
	strbuf_adds(text, " to ");
	render_quantity(scale.high, line->series->info.unit, text);
	strbuf_adds(text, ". ");
}

static void describe(const struct index_campaign *campaign, const struct index_line *line,
		     bool is_older, struct strbuf *text)
{
	size_t last = campaign->columns_count - 1;
	char from[INDEX_DAY_MAX], to[INDEX_DAY_MAX];

	if (is_older)
		strbuf_addf(text, "%zu months before: ", campaign->months_count);
	else
		strbuf_addf(text, "%s to %s: ", index_day(campaign->columns[campaign->first].wall_ns,
							  from),
			    index_day(campaign->columns[last].wall_ns, to));
	if (is_older)
		describe_values(line, line->older_values, 0, campaign->months_count, text);
	else
		describe_values(line, line->values, campaign->first, campaign->columns_count, text);
	for (int kind = 0; kind < INDEX_KINDS_COUNT; kind++) {
		if (!line->marks[kind])
			continue;
		strbuf_addf(text, "Against %s: ", kind == INDEX_BASELINE ?
			    (campaign->baseline ? campaign->baseline : "the baseline") :
			    "earlier runs");
		if (is_older)
			count_marks(line->older[kind], campaign->months_count, text);
		else
			count_marks(line->marks[kind] + campaign->first,
				    campaign->columns_count - campaign->first, text);
		strbuf_adds(text, ". ");
	}
}

/* --- both -------------------------------------------------------------------------------- */

static void add_part(const struct index_campaign *campaign, const struct index_line *line,
		     bool is_older, struct strbuf *out)
{
	size_t from = is_older ? 0 : campaign->first;
	size_t to = is_older ? campaign->months_count : campaign->columns_count;
	const double *values = is_older ? line->older_values : line->values;
	const double *base = is_older ? line->older_base : line->base_values;
	struct scale scale = scale_of(campaign, line);
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	size_t width = (to - from) * PITCH - 1;
	int strips = (line->marks[0] != NULL) + (line->marks[1] != NULL);
	int height = STRIP_TOP + strips * STRIP_PITCH, top = STRIP_TOP;
	double scaled = campaign->columns_count <= FEW_COLUMNS ? 1.5 : 1;

	describe(campaign, line, is_older, &text);
	strbuf_addf(out, "<svg class=\"strip\" role=\"img\" width=\"%g\" height=\"%g\" viewBox=\"0 0 "
		    "%zu %d\"><title>", (double)width * scaled, (double)height * scaled, width, height);
	html_text_part(out, text.data, 1000);
	strbuf_adds(out, "</title>");
	add_line(&scale, base, from, to, BASE_LOOK, out);
	add_line(&scale, values, from, to, line->baseline ? LINE_LOOK : ALONE_LOOK, out);
	for (int kind = 0; kind < INDEX_KINDS_COUNT; kind++) {
		if (!line->marks[kind])
			continue;
		add_marks(is_older ? line->older[kind] : line->marks[kind] + from, to - from, top,
			  out);
		top += STRIP_PITCH;
	}
	strbuf_adds(out, "</svg>");
}

void index_add_strip(const struct index_campaign *campaign, const struct index_line *line,
		     struct strbuf *out)
{
	strbuf_adds(out, "<div class=\"strips\">");
	if (campaign->months_count)
		add_part(campaign, line, true, out);
	if (campaign->columns_count > campaign->first)
		add_part(campaign, line, false, out);
	strbuf_adds(out, "</div>");
}

/* --- legend -------------------------------------------------------------------------------- */

void index_add_legend(struct strbuf *out)
{
	strbuf_adds(out, "<ul class=\"legend\">\n");
	for (uint8_t mark = 0; mark < MARKS_COUNT; mark++) {
		if (mark == MARK_WITHHELD)
			continue;
		strbuf_adds(out, "<li><svg class=\"mark\" viewBox=\"0 0 5 12.6\" aria-hidden=\"true\">");
		add_marks(&mark, 1, 0, out);
		strbuf_adds(out, "</svg> ");
		strbuf_adds(out, index_mark_name((enum index_mark)mark));
		strbuf_adds(out, mark == VERDICT_NOT_COMPARABLE ? ", or withheld</li>\n" : "</li>\n");
	}
	strbuf_adds(out, "</ul>\n");
}
