/* report_figure_forest.c - all ratios of a run in one figure: a row an entry, its
 * interval as a bar, the margin as a band. The axis has the logs of the ratios, so that half
 * and twice are as far from no change; it is marked in percent, or in times where the run
 * has changes of more than twice.
 */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "render_layout.h"
#include "render_parts.h"
#include "report_figure.h"
#include "report_svg.h"

#define WIDE_WIDTH 860
#define ROW_HEIGHT 24
#define NARROW_ROW_HEIGHT 40
#define AXIS_HEIGHT 60
#define TEXT_WIDTH 79
#define NAME_WIDE 40
#define NAME_NARROW 36
#define NAME_TEXT 24
/* The axis reaches this far, in times of the change that three of four stay below, or of
 * the margin: a few metrics without a result must not hide the others. */
#define REACH 3.0
#define TEXT_STEPS 120
#define LOG_TIMES 0.9 /* about log(2.5): from here on the axis is marked in times */
#define TIMES_MIN 5.0  /* from here on a ratio reads better than a change in percent */

static size_t candidates_of(const struct stored_run *run)
{
	return run->variants_count - 1 - (run->control_variant >= 0);
}

char *report_entry_name(const struct stored_run *run, const struct comparison_entry *entry)
{
	const struct stored_cell *cell = &run->cells[entry->cell];
	const struct stored_row *row = &cell->rows[entry->row];
	cleanup_strbuf struct strbuf name = STRBUF_INIT;

	strbuf_addf(&name, "%s.%s", row->name, row->metrics[entry->metric].name);
	if (run->cells_count > 1)
		strbuf_addf(&name, " %s", cell->guest);
	if (candidates_of(run) > 1)
		strbuf_addf(&name, " %s", run->variants[entry->variant].label);
	return strbuf_detach(&name);
}

struct forest {
	const struct stored_run *run;
	const struct comparison *comparison;
	const struct comparison_entry *const *entries;
	size_t count;
	enum report_forest form;
	double low, high;      /* of the axis: logs of ratios */
};

static double margin_of(const struct comparison *comparison)
{
	return log1p(comparison->policy.margin_percent / 100);
}

static bool has_ratio(const struct comparison_entry *entry)
{
	return entry->judged.verdict != VERDICT_NOT_COMPARABLE && entry->judged.ratio > 0 &&
	       isfinite(entry->judged.ratio);
}

static int compare_sizes(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double find_reach(const struct forest *forest)
{
	cleanup_free double *sizes = memory_alloc_array(forest->count, sizeof(*sizes));
	double margin = margin_of(forest->comparison);
	size_t count = 0;

	for (size_t i = 0; i < forest->count; i++)
		if (has_ratio(forest->entries[i]))
			sizes[count++] = fabs(log(forest->entries[i]->judged.ratio));
	if (!count)
		return margin;
	qsort(sizes, count, sizeof(*sizes), compare_sizes);
	return REACH * fmax(margin, sizes[count * 3 / 4]);
}

static void find_axis(struct forest *forest)
{
	double margin = margin_of(forest->comparison), reach = find_reach(forest);

	forest->low = -1.3 * margin;
	forest->high = 1.3 * margin;
	for (size_t i = 0; i < forest->count; i++) {
		const struct metric_comparison *judged = &forest->entries[i]->judged;

		if (!has_ratio(forest->entries[i]))
			continue;
		forest->low = fmin(forest->low, fmax(-reach, log(judged->interval.low)));
		forest->low = fmin(forest->low, fmax(-reach, log(judged->ratio)));
		forest->high = fmax(forest->high, fmin(reach, log(judged->interval.high)));
		forest->high = fmax(forest->high, fmin(reach, log(judged->ratio)));
	}
	forest->low -= 0.04 * (forest->high - forest->low);
	forest->high += 0.04 * (forest->high - forest->low);
}

static double within(const struct forest *forest, double value)
{
	return fmin(forest->high, fmax(forest->low, value));
}

static void add_change(double ratio, bool is_exact, struct strbuf *out)
{
	if (ratio >= TIMES_MIN)
		strbuf_addf(out, "x%.*f", ratio < 100, ratio);
	else if (is_exact)
		render_change_fine(ratio - 1, out);
	else
		render_change(ratio - 1, out);
}

/* "+10.1 % [+9.2, +11.0]", or why there is none. */
static char *figures_of(const struct forest *forest, const struct comparison_entry *entry)
{
	const struct metric_comparison *judged = &entry->judged;
	bool is_exact = forest->run->mode == MODE_EXACT;
	cleanup_strbuf struct strbuf text = STRBUF_INIT, low = STRBUF_INIT, high = STRBUF_INIT;

	if (!has_ratio(entry))
		return string_copy("not comparable");
	add_change(judged->ratio, is_exact, &text);
	if (forest->form == FOREST_TEXT || !isfinite(judged->interval.high))
		return strbuf_detach(&text);
	add_change(judged->interval.low, is_exact, &low);
	add_change(judged->interval.high, is_exact, &high);
	strbuf_addf(&text, " [%.*s, %.*s]", (int)strcspn(low.data, " "), low.data,
		    (int)strcspn(high.data, " "), high.data);
	return strbuf_detach(&text);
}

static char *label_of(const struct forest *forest, const struct comparison_entry *entry)
{
	cleanup_free char *name = report_entry_name(forest->run, entry);
	bool is_plain = entry->judged.metric->secondary || forest->comparison->control_fired;

	return string_format("%c %s", is_plain ? ' ' : render_verdict_sign(entry->judged.verdict),
			     name);
}

/* Rows from the top. */
static double row_of(const struct forest *forest, size_t index)
{
	return (double)(forest->count - index);
}

/* Derived metrics and withheld verdicts have no colour. */
static unsigned int role_of(const struct forest *forest, const struct comparison_entry *entry)
{
	if (entry->judged.metric->secondary || forest->comparison->control_fired)
		return ROLE_INK;
	return ROLE_VERDICT + entry->judged.verdict;
}

/* Marks at whole doublings and halvings. */
static void add_times(struct strbuf *script, double low, double high, unsigned int count)
{
	double step = fmax(1, round(report_figure_step(low / M_LN2, high / M_LN2, count)));

	for (double k = step; k * M_LN2 <= fmax(high, -low); k += step) {
		if (k * M_LN2 <= high)
			strbuf_addf(script, ", 'x%.3g' %.6g", exp2(k), k * M_LN2);
		if (-k * M_LN2 >= low)
			strbuf_addf(script, ", 'x%.3g' %.6g", exp2(-k), -k * M_LN2);
	}
}

/* Marks at round changes, with their sign; the axis is one of logarithms. */
static void add_tics(struct strbuf *script, double low, double high, unsigned int count)
{
	double low_percent = 100 * expm1(low), high_percent = 100 * expm1(high);
	double step = report_figure_step(low_percent, high_percent, count);

	strbuf_adds(script, "set xtics ('0' 0");
	if (fmax(high, -low) >= LOG_TIMES) {
		add_times(script, low, high, count);
		strbuf_adds(script, ")\n");
		return;
	}
	for (double x = step; x <= fmax(high_percent, -low_percent); x += step) {
		if (x <= high_percent)
			strbuf_addf(script, ", '+%g %%%%' %.6g", x, log1p(x / 100));
		if (-x >= low_percent)
			strbuf_addf(script, ", '-%g %%%%' %.6g", x, log1p(-x / 100));
	}
	strbuf_adds(script, ")\n");
}

/* --- SVG ------------------------------------------------------------------------------------ */

static void add_words(const struct forest *forest, struct strbuf *script)
{
	bool is_narrow = forest->form == FOREST_NARROW;

	for (size_t i = 0; i < forest->count; i++) {
		const struct comparison_entry *entry = forest->entries[i];
		cleanup_free char *label = label_of(forest, entry);
		cleanup_free char *figures = figures_of(forest, entry);
		double y = row_of(forest, i) + (is_narrow ? 0.32 : 0);

		strbuf_addf(script, "set label %zu ", 2 * i + 1);
		report_figure_words(script, label, is_narrow ? NAME_NARROW : NAME_WIDE);
		strbuf_addf(script, is_narrow ? " at graph 0,first %g left font ',11'" :
						" at graph -0.01,first %g right", y);
		strbuf_addf(script, " textcolor rgb '#%06x'\nset label %zu ", role_of(forest, entry),
			    2 * i + 2);
		report_figure_words(script, figures, NAME_WIDE);
		strbuf_addf(script, is_narrow ? " at graph 1,first %g right font ',10'" :
						" at graph 1.01,first %g left", y);
		strbuf_addf(script, " textcolor rgb '#%06x'\n", ROLE_INK);
	}
}

static void add_bars(const struct forest *forest, enum verdict verdict, bool is_plain,
		     struct strbuf *data, struct strbuf *plots)
{
	static const int shapes[] = {
		[VERDICT_IMPROVED] = 9, [VERDICT_EQUIVALENT] = 7, [VERDICT_INCONCLUSIVE] = 6,
		[VERDICT_REGRESSED] = 13, [VERDICT_NOT_COMPARABLE] = 2,
	};
	unsigned int role = is_plain ? ROLE_INK : ROLE_VERDICT + verdict;
	double down = forest->form == FOREST_NARROW ? 0.12 : 0;
	size_t before = data->length, count = 0;

	strbuf_addf(data, "$b%d%d << END\n", (int)verdict, is_plain);
	for (size_t i = 0; i < forest->count; i++) {
		const struct comparison_entry *entry = forest->entries[i];
		const struct metric_comparison *judged = &entry->judged;

		if (!has_ratio(entry) || judged->verdict != verdict ||
		    (role_of(forest, entry) == ROLE_INK) != is_plain)
			continue;
		strbuf_addf(data, "%.6g %g %.6g %.6g\n", within(forest, log(judged->ratio)),
			    row_of(forest, i) - down, within(forest, log(judged->interval.low)),
			    within(forest, log(judged->interval.high)));
		count++;
	}
	strbuf_adds(data, "END\n");
	if (!count) {
		strbuf_cut(data, before);
		return;
	}
	strbuf_addf(plots, ", $b%d%d using 3:2:($4-$3):(0) with vectors nohead linewidth 2.4 "
		    "linecolor rgb '#%06x', $b%d%d using 1:2 with points pointtype %d pointsize "
		    "0.95 linecolor rgb '#%06x'", (int)verdict, is_plain, role, (int)verdict,
		    is_plain, shapes[verdict], role);
}

static char *draw_svg(const struct forest *forest)
{
	bool is_narrow = forest->form == FOREST_NARROW;
	unsigned int height = AXIS_HEIGHT + (unsigned int)forest->count *
					    (is_narrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT);
	double margin = margin_of(forest->comparison);
	cleanup_strbuf struct strbuf data = STRBUF_INIT, plots = STRBUF_INIT;
	struct strbuf script = STRBUF_INIT;

	report_figure_begin(&script, false, is_narrow ? FIGURE_WIDTH : WIDE_WIDTH, height);
	strbuf_addf(&script, "set grid noytics xtics linecolor rgb '#%06x' dashtype 1\nset border 1\n"
		    "unset ytics\nset xrange [%.6g:%.6g]\nset yrange [0.4:%g]\n"
		    "set lmargin at screen %g\nset rmargin at screen %g\nset tmargin 0.3\n"
		    		    "set object 1 rectangle from %.6g, graph 0 to %.6g, graph 1 behind fillcolor "
		    "rgb '#%06x' fillstyle solid noborder\n"
		    "set arrow 1 from 0, graph 0 to 0, graph 1 nohead back linewidth 1.4 linecolor "
		    "rgb '#%06x'\n", ROLE_GRID, forest->low, forest->high,
		    (double)forest->count + 0.6, is_narrow ? 0.01 : 0.34, is_narrow ? 0.99 : 0.74,
		    -margin, margin, ROLE_BAND,
		    ROLE_LINE);
	add_tics(&script, forest->low, forest->high, is_narrow ? 5 : 10);
	add_words(forest, &script);
	for (int verdict = 0; verdict <= VERDICT_NOT_COMPARABLE; verdict++) {
		add_bars(forest, (enum verdict)verdict, false, &data, &plots);
		add_bars(forest, (enum verdict)verdict, true, &data, &plots);
	}
	strbuf_addf(&script, "%splot NaN%s\n", data.data, plots.data);
	return strbuf_detach(&script);
}

/* --- text ----------------------------------------------------------------------------------- */

/* The bars as rows of characters. */
static void add_text_bars(const struct forest *forest, struct strbuf *data)
{
	double step = (forest->high - forest->low) / TEXT_STEPS;

	strbuf_adds(data, "$bars << END\n");
	for (size_t i = 0; i < forest->count; i++) {
		const struct metric_comparison *judged = &forest->entries[i]->judged;
		double high = within(forest, log(judged->interval.high));

		if (!has_ratio(forest->entries[i]))
			continue;
		for (double x = within(forest, log(judged->interval.low)); x <= high; x += step)
			strbuf_addf(data, "%.6g %g\n", x, row_of(forest, i));
	}
	strbuf_adds(data, "END\n$centers << END\n");
	for (size_t i = 0; i < forest->count; i++)
		if (has_ratio(forest->entries[i]))
			strbuf_addf(data, "%.6g %g\n",
				    within(forest, log(forest->entries[i]->judged.ratio)),
				    row_of(forest, i));
	strbuf_adds(data, "END\n$lines << END\n");
	for (size_t i = 0; i < forest->count; i++)
		strbuf_addf(data, "%g 0 %g %g\n", row_of(forest, i), -margin_of(forest->comparison),
			    margin_of(forest->comparison));
	strbuf_adds(data, "END\n");
}

/* gnuplot 5.4 dies of letters as points where all of them are NaN, or there are none. */
static bool has_any(const struct forest *forest)
{
	for (size_t i = 0; i < forest->count; i++)
		if (has_ratio(forest->entries[i]))
			return true;
	return false;
}

static char *draw_text(const struct forest *forest)
{
	cleanup_strbuf struct strbuf data = STRBUF_INIT;
	struct strbuf script = STRBUF_INIT;

	report_figure_begin(&script, true, TEXT_WIDTH, (unsigned int)forest->count + 5);
	strbuf_addf(&script, "set border 1\nset tmargin 0\nset xrange [%.6g:%.6g]\n"
		    "set yrange [0.5:%g]\n", forest->low, forest->high,
		    (double)forest->count + 0.5);
	add_tics(&script, forest->low, forest->high, 6);
	strbuf_adds(&script, "set ytics (");
	for (size_t i = 0; i < forest->count; i++) {
		cleanup_free char *label = label_of(forest, forest->entries[i]);

		strbuf_adds(&script, i ? ", " : "");
		report_figure_tic(&script, label, NAME_TEXT, row_of(forest, i));
	}
	strbuf_adds(&script, ") scale 0\nset y2range [0.5:");
	strbuf_addf(&script, "%g]\nset y2tics (", (double)forest->count + 0.5);
	for (size_t i = 0; i < forest->count; i++) {
		cleanup_free char *figures = figures_of(forest, forest->entries[i]);
		cleanup_free char *apart = string_format("  %s", figures);

		strbuf_adds(&script, i ? ", " : "");
		report_figure_tic(&script, apart, NAME_TEXT, row_of(forest, i));
	}
	add_text_bars(forest, &data);
	strbuf_addf(&script, ") scale 0\n%splot $lines using 3:1 with points pointtype ':', $lines using "
		    "4:1 with points pointtype ':', $lines using 2:1 with points pointtype '|'%s\n",
		    data.data, has_any(forest) ?
		    ", $bars using 1:2 with points pointtype '-', $centers using 1:2 with points "
		    "pointtype 'o'" : "");
	return strbuf_detach(&script);
}

char *report_figure_forest(const struct stored_run *run, const struct comparison *comparison,
			   const struct comparison_entry *const *entries, size_t count,
			   enum report_forest form)
{
	struct forest forest = { run, comparison, entries, count, form, 0, 0 };

	if (!count)
		return NULL;
	find_axis(&forest);
	return form == FOREST_TEXT ? draw_text(&forest) : draw_svg(&forest);
}
