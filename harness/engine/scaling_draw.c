/* scaling_draw.c - a speed-up over vCPUs as a curve: gnuplot's script, and an SVG
 * that can be read without seeing it.
 *
 * The SVG is opaque, dark on white; where a viewer says that it prefers dark, a
 * style sheet turns paper and ink around. The two curves have colours that stand
 * out on both (3:1 and more).
 */
#include "scaling_figure.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "gnuplot.h"
#include "memory.h"
#include "render_layout.h"

#define CAPTION_WIDTH 118 /* characters of a caption's line */
/* Pixels of the SVG: title and axes, the x axis's words, a line of the caption. */
#define PLOT_HEIGHT 420.0
#define AXIS_HEIGHT 82.0
#define CAPTION_STEP 17.0
#define MARGIN 1.12 /* of the axes, beyond the first and last point */

static const char style[] =
	"<style>\n"
	"@media (prefers-color-scheme: dark) {\n"
	"  #gnuplot_canvas > rect { fill: #16181d; }\n"
	"  g[fill=\"black\"] { fill: #e6e6e6; }\n"
	"  g[color=\"black\"] { color: #e6e6e6; }\n"
	"  g[stroke=\"black\"], path[stroke=\"black\"] { stroke: #e6e6e6; }\n"
	"  use[color=\"#FFFFFF\"] { color: #16181d; }\n"
	"}\n"
	"</style>\n";

/* --- script ---------------------------------------------------------------------------- */

/* Where there is no interval the bar has no length. */
static void add_datum(struct strbuf *out, uint32_t vcpus_count,
		      const struct scaling_estimate *estimate)
{
	bool has_interval = isfinite(estimate->interval.high);

	strbuf_addf(out, "%u %.9g %.9g %.9g\n", vcpus_count, estimate->value,
		    has_interval ? estimate->interval.low : estimate->value,
		    has_interval ? estimate->interval.high : estimate->value);
}

static void add_data(const struct scaling_figure *figure, struct strbuf *out)
{
	strbuf_adds(out, "$paper << END\n");
	for (size_t i = 0; i < figure->points_count; i++)
		add_datum(out, figure->points[i].vcpus_count, &figure->points[i].speedup);
	strbuf_adds(out, "END\n");
	if (!figure->measured_count)
		return;
	strbuf_adds(out, "$measured << END\n");
	for (size_t i = 0; i < figure->measured_count; i++)
		add_datum(out, figure->measured[i].vcpus_count, &figure->measured[i].speedup);
	strbuf_adds(out, "END\n");
}

/* Powers of two on both axes: as much room for 1 to 2 as for 8 to 16. */
static void add_axes(const struct scaling_figure *figure, struct strbuf *out)
{
	double last = figure->points[figure->points_count - 1].vcpus_count;
	double low = 1, high = last;

	for (size_t i = 0; i < figure->points_count; i++) {
		low = fmin(low, figure->points[i].speedup.value);
		high = fmax(high, figure->points[i].speedup.value);
	}
	for (size_t i = 0; i < figure->measured_count; i++) {
		low = fmin(low, figure->measured[i].speedup.value);
		high = fmax(high, figure->measured[i].speedup.value);
	}
	strbuf_addf(out, "set logscale xy 2\nset xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\n",
		    1 / MARGIN, last * MARGIN, low / MARGIN, high * MARGIN);
	strbuf_adds(out, "set xtics (");
	for (size_t i = 0; i < figure->points_count; i++)
		strbuf_addf(out, "%s%u", i ? "," : "", figure->points[i].vcpus_count);
	strbuf_adds(out, ")\nset xlabel 'vCPUs'\nset ylabel 'speed-up against one vCPU'\n"
			 "set key left top\n");
}

/* text in lines of at most CAPTION_WIDTH. */
static void wrap_caption(const char *text, struct strvec *ret_lines)
{
	while (*text) {
		size_t length = strlen(text);

		if (length > CAPTION_WIDTH) {
			length = CAPTION_WIDTH;
			while (length && text[length] != ' ')
				length--;
			length = length ? length : CAPTION_WIDTH;
		}
		strvec_pushf(ret_lines, "%.*s", (int)length, text);
		text += length;
		text += strspn(text, " ");
	}
}

/* What stands below the drawing: runs, doubts, and what the model leaves out. */
static char *caption(const struct scaling_figure *figure)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_strvec struct strvec warnings = STRVEC_INIT;

	strbuf_addf(&text, "On paper: span(1) / span(n), instructions of run %s. ", figure->run_id);
	if (figure->timed_id)
		strbuf_addf(&text, "Measured: %s on %s, run %s. ", figure->timed_metric,
			    figure->timed_accelerator, figure->timed_id);
	scaling_warnings(figure, &warnings);
	for (size_t i = 0; i < warnings.count; i++)
		strbuf_addf(&text, "%s ", warnings.items[i]);
	strbuf_addf(&text, "Bars: %g %% intervals. The curve on paper is an upper bound; it "
		    "leaves out ", 100 * figure->confidence);
	for (size_t i = 0; scaling_left_out[i]; i++)
		strbuf_addf(&text, "%s%s", i ? "; " : "", scaling_left_out[i]);
	strbuf_adds(&text, ".");
	return strbuf_detach(&text);
}

static double screen(double pixels, double height)
{
	return pixels / height;
}

/* The canvas grows with what stands below the axes. */
static void add_svg_terminal(const struct strvec *caption_lines, struct strbuf *out)
{
	double below = CAPTION_STEP * (double)caption_lines->count;
	double height = PLOT_HEIGHT + AXIS_HEIGHT + below;

	strbuf_addf(out, "set terminal svg size 800,%.0f dynamic noenhanced font 'sans-serif,14' "
		    "background rgb '#ffffff'\n", height);
	strbuf_addf(out, "set bmargin at screen %.4f\n", screen(below + AXIS_HEIGHT, height));
	for (size_t i = 0; i < caption_lines->count; i++) {
		double up = CAPTION_STEP * (double)(caption_lines->count - i);

		strbuf_addf(out, "set label %zu ", i + 1);
		gnuplot_quote(out, caption_lines->items[i]);
		strbuf_addf(out, " at screen 0.02,%.4f font ',11'\n", screen(up, height));
	}
}

static void add_plot(const struct scaling_figure *figure, struct strbuf *out)
{
	strbuf_adds(out, "set grid\nplot x title 'ideal' with lines dashtype 2 linecolor rgb '#808080', "
			 "$paper using 1:2:3:4 title 'on paper: at most' with yerrorlines pointtype 7 "
			 "linewidth 2 linecolor rgb '#2f86c9'");
	if (figure->measured_count)
		strbuf_adds(out, ", $measured using 1:2:3:4 title 'measured' with yerrorbars "
				 "pointtype 5 linewidth 2 linecolor rgb '#d2691e'");
	strbuf_addc(out, '\n');
}

static char *title(const struct scaling_figure *figure)
{
	return string_format("%s, kernel %s: speed-up over vCPUs", figure->row, figure->variant);
}

/* In ASCII the points are letters: bars would hide them. */
static void add_dumb_plot(const struct scaling_figure *figure, struct strbuf *out)
{
	strbuf_adds(out, "plot x title 'ideal .' with dots, $paper using 1:2 title 'at most o' "
			 "with points pointtype 'o'");
	if (figure->measured_count)
		strbuf_adds(out, ", $measured using 1:2 title 'measured x' with points pointtype "
				 "'x'");
	strbuf_addc(out, '\n');
}

void scaling_script(const struct scaling_figure *figure, enum scaling_terminal terminal,
		    struct strbuf *out)
{
	cleanup_free char *heading = title(figure), *below = caption(figure);
	cleanup_strvec struct strvec lines = STRVEC_INIT;

	wrap_caption(below, &lines);
	if (terminal == SCALING_SVG)
		add_svg_terminal(&lines, out);
	else
		strbuf_adds(out, "set terminal dumb noenhanced size 79,22\n");
	strbuf_adds(out, "set title ");
	gnuplot_quote(out, heading);
	strbuf_addc(out, '\n');
	add_data(figure, out);
	add_axes(figure, out);
	if (terminal == SCALING_SVG)
		add_plot(figure, out);
	else
		add_dumb_plot(figure, out);
}

/* --- SVG -------------------------------------------------------------------------------- */

/* The figure in words. */
static void add_description(const struct scaling_figure *figure, struct strbuf *out)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *end = caption(figure);

	strbuf_addf(&text, "Curves of the speed-up of %s (%s/%s) against one vCPU over the number "
		    "of vCPUs. On paper:", figure->row, figure->guest, figure->suite);
	for (size_t i = 0; i < figure->points_count; i++)
		strbuf_addf(&text, "%s %.3f with %u", i ? "," : "",
			    figure->points[i].speedup.value, figure->points[i].vcpus_count);
	for (size_t i = 0; i < figure->measured_count; i++)
		strbuf_addf(&text, "%s %.3f with %u", i ? "," : "; measured:",
			    figure->measured[i].speedup.value, figure->measured[i].vcpus_count);
	strbuf_addf(&text, ". %s", end);
	strbuf_add_xml(out, text.data);
}

/* gnuplot's own title and description give way to ours. */
static int make_accessible(const struct scaling_figure *figure, const char *svg,
			   struct strbuf *out, struct error *err)
{
	static const char tag[] = "<svg", close[] = "</desc>";
	cleanup_free char *name = title(figure);
	const char *start = strstr(svg, tag), *from = strstr(svg, "<title>");
	const char *to = strstr(svg, close);

	if (!start || !from || !to || from < start || to < from)
		return error_set(err, -EBADMSG, "gnuplot's SVG has no title and description where "
				 "they were expected");
	start += strlen(tag);
	strbuf_add(out, svg, (size_t)(start - svg));
	strbuf_adds(out, " role=\"img\" aria-labelledby=\"figure-title figure-desc\"");
	strbuf_add(out, start, (size_t)(from - start));
	strbuf_adds(out, "<title id=\"figure-title\">");
	strbuf_add_xml(out, name);
	strbuf_adds(out, "</title>\n<desc id=\"figure-desc\">");
	add_description(figure, out);
	strbuf_addf(out, "</desc>\n%s", style);
	strbuf_adds(out, to + strlen(close));
	return 0;
}

/* Without the page feed at the beginning, blanks at the ends of lines, and empty lines
 * before and after; owned. */
static char *trim(const char *text)
{
	cleanup_strbuf struct strbuf out = STRBUF_INIT;

	text += strspn(text, "\f");
	while (*text) {
		size_t length = strcspn(text, "\n"), end = length;

		while (end && text[end - 1] == ' ')
			end--;
		if (end || out.length)
			strbuf_addf(&out, "%.*s\n", (int)end, text);
		text += length + (text[length] == '\n');
	}
	while (out.length > 1 && out.data[out.length - 2] == '\n')
		strbuf_cut(&out, out.length - 1);
	return strbuf_detach(&out);
}

int scaling_draw(const struct scaling_figure *figure, enum scaling_terminal terminal,
		 char **ret_drawing, struct error *err)
{
	cleanup_strbuf struct strbuf script = STRBUF_INIT, svg = STRBUF_INIT;
	cleanup_free char *drawing = NULL;
	int rc;

	scaling_script(figure, terminal, &script);
	rc = gnuplot_draw(script.data, &drawing, err);
	if (!rc && terminal == SCALING_SVG) {
		rc = make_accessible(figure, drawing, &svg, err);
		if (!rc)
			*ret_drawing = strbuf_detach(&svg);
		return rc;
	}
	if (!rc)
		*ret_drawing = trim(drawing);
	return rc;
}
