/* report_figure_metric.c - scripts of one metric's figures. */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "report_figure.h"
#include "report_svg.h"

#define TEXT_WIDTH 79
#define TEXT_HEIGHT 18
#define STRIP_POINTS 900   /* of a figure, shared by its boots */
#define BOOT_POINTS_MIN 5
#define BOOT_POINTS_MAX 60
#define ECDF_BOOT_POINTS 20
#define ECDF_POINTS 120    /* of all samples of a variant */
#define NAME_MAX_SHOWN 16

/* Sample `index` of `points` that stand for a boot: all where they are few, else
 * evenly spread quantiles, the ends among them. */
static double thinned(const double *sorted, size_t count, size_t points, size_t index)
{
	if (points >= count)
		return sorted[index];
	return sorted[(size_t)llround((double)index * (double)(count - 1) /
				      (double)(points - 1))];
}

static size_t points_for(size_t count, size_t most)
{
	return count < most ? count : most;
}

/* The unit stands above the y axis: turned words are hard to read. */
static void add_unit(struct strbuf *script, const struct report_metric *metric, bool is_text)
{
	strbuf_adds(script, is_text ? "set title " : "set label 1 ");
	report_figure_words(script, metric->unit[0] ? metric->unit : "value", NAME_MAX_SHOWN);
	if (is_text)
		strbuf_addc(script, '\n');
	else
		strbuf_addf(script, " at graph 0, graph 1 offset 0,0.9 right textcolor rgb "
			    "'#%06x'\nset tmargin 1.6\n", ROLE_INK);
}

static void add_legend(struct strbuf *script, const struct stored_run *run)
{
	cleanup_strbuf struct strbuf words = STRBUF_INIT;

	for (uint32_t i = 0; i < run->variants_count; i++)
		if ((int64_t)i != run->control_variant)
			strbuf_addf(&words, "%s%c %s", words.length ? ", " : "",
				    report_figure_letter(run, i), run->variants[i].label);
	strbuf_adds(script, "set xlabel ");
	report_figure_words(script, words.data, TEXT_WIDTH - 6);
	strbuf_addc(script, '\n');
}

static size_t boots_of(const struct report_metric *metric, uint32_t variant)
{
	size_t count = 0;

	for (size_t i = 0; i < metric->count; i++)
		count += metric->boots[i].variant == variant;
	return count;
}

/* Variants in the order of columns: the baseline, its copy, the others. */
static uint32_t variant_at(const struct stored_run *run, uint32_t index)
{
	uint32_t at = 0;

	if (index == 0)
		return (uint32_t)run->baseline;
	if (run->control_variant >= 0 && index-- == 1)
		return (uint32_t)run->control_variant;
	for (uint32_t i = 0; i < run->variants_count; i++) {
		if (i == run->baseline || (int64_t)i == run->control_variant)
			continue;
		if (++at == index)
			return i;
	}
	return (uint32_t)run->baseline;
}

/* --- strip: each boot a column of its samples, a bar at what it counts as -------------- */

struct strip {
	const struct stored_run *run;
	const struct report_metric *metric;
	struct strbuf data, names, bars, plots;
	size_t column;
	bool is_text;
};

static void add_column(struct strip *strip, const struct report_boot *boot)
{
	size_t most = STRIP_POINTS / (strip->metric->count ? strip->metric->count : 1);
	size_t points;

	most = most < BOOT_POINTS_MIN ? BOOT_POINTS_MIN : most;
	points = points_for(boot->count, most > BOOT_POINTS_MAX ? BOOT_POINTS_MAX : most);
	for (size_t i = 0; i < points; i++)
		strbuf_addf(&strip->data, "%zu %.7g\n", strip->column,
			    thinned(boot->sorted, boot->count, points, i) / strip->metric->scale);
	strbuf_addf(&strip->bars, "%zu %.7g\n", strip->column, boot->figure / strip->metric->scale);
	strip->column++;
}

static void add_group(struct strip *strip, uint32_t variant, uint32_t index)
{
	size_t first = strip->column, boots = boots_of(strip->metric, variant);

	if (!boots)
		return;
	strbuf_addf(&strip->data, "$s%u << END\n", index);
	for (size_t i = 0; i < strip->metric->count; i++)
		if (strip->metric->boots[i].variant == variant)
			add_column(strip, &strip->metric->boots[i]);
	strbuf_adds(&strip->data, "END\n");
	strbuf_addf(&strip->plots, "%s$s%u using 1:2 ", strip->plots.length ? ", " : "", index);
	report_figure_points(&strip->plots, strip->run, variant, strip->is_text, 0.4, true);
	if (strip->names.length)
		strbuf_adds(&strip->names, ",");
	report_figure_tic(&strip->names, (int64_t)variant == strip->run->control_variant ?
			    "control" : strip->run->variants[variant].label,
			  NAME_MAX_SHOWN, (double)(first + strip->column - 1) / 2);
	strip->column++;
}

char *report_figure_strip(const struct stored_run *run, const struct report_metric *metric,
			  bool is_text)
{
	struct strip strip = { run, metric, STRBUF_INIT, STRBUF_INIT, STRBUF_INIT, STRBUF_INIT,
			       0, is_text };
	struct strbuf script = STRBUF_INIT;

	if (!metric->count)
		return NULL;
	for (uint32_t i = 0; i < run->variants_count; i++)
		add_group(&strip, variant_at(run, i), i);
	report_figure_begin(&script, is_text, is_text ? TEXT_WIDTH : FIGURE_WIDTH,
			    is_text ? TEXT_HEIGHT : FIGURE_HEIGHT);
	add_unit(&script, metric, is_text);
	report_figure_range(&script, 'y', metric->low / metric->scale,
			    metric->high / metric->scale, metric->is_log);
	report_figure_tics(&script, 'y', metric->low / metric->scale, metric->high / metric->scale, 5,
			   metric->is_log);
	strbuf_addf(&script, "set xrange [-1:%zu]\nset xtics (%s) scale 0\n", strip.column - 1,
		    strip.names.data);
	strbuf_addf(&script, "%s$bars << END\n%sEND\nplot %s", strip.data.data, strip.bars.data,
		    strip.plots.data);
	if (!is_text)
		strbuf_addf(&script, ", $bars using ($1-0.45):2:(0.9):(0) with vectors nohead "
			    "linewidth 1.6 linecolor rgb '#%06x'", ROLE_INK);
	strbuf_addc(&script, '\n');
	strbuf_release(&strip.data);
	strbuf_release(&strip.names);
	strbuf_release(&strip.bars);
	strbuf_release(&strip.plots);
	return strbuf_detach(&script);
}

/* --- shares: ECDF, and for tails what lies beyond ----------------------------------------- */

/* The control copy is the baseline once more. */
static bool is_of(const struct stored_run *run, const struct report_boot *boot, uint32_t variant)
{
	return boot->variant == variant ||
	       (variant == run->baseline && (int64_t)boot->variant == run->control_variant);
}

/* All samples of a variant; owned, NULL if none or if it is the control copy. */
static double *pool(const struct stored_run *run, const struct report_metric *metric,
		    uint32_t variant, size_t *ret_count)
{
	double *values, *next;
	size_t count = 0;

	for (size_t i = 0; i < metric->count; i++)
		count += is_of(run, &metric->boots[i], variant) ? metric->boots[i].count : 0;
	*ret_count = count;
	if (!count || (int64_t)variant == run->control_variant)
		return NULL;
	values = next = memory_alloc_array(count, sizeof(*values));
	for (size_t i = 0; i < metric->count; i++) {
		const struct report_boot *boot = &metric->boots[i];

		if (!is_of(run, boot, variant))
			continue;
		memcpy(next, boot->sorted, boot->count * sizeof(*next));
		next += boot->count;
	}
	return values;
}

static int compare_values(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The steps of an ECDF, from share 0 on. */
static void add_steps(struct strbuf *data, const double *sorted, size_t count, size_t most,
		      double scale)
{
	size_t points = points_for(count, most);

	strbuf_addf(data, "%.7g 0\n", sorted[0] / scale);
	for (size_t i = 0; i < points; i++)
		strbuf_addf(data, "%.7g %.4f\n", thinned(sorted, count, points, i) / scale,
			    (double)(i + 1) / (double)points);
}

static void add_line(struct strbuf *plots, const struct stored_run *run, uint32_t variant,
		     const char *name, uint32_t index, bool is_text, bool is_faint)
{
	unsigned int series = report_series_of(run, variant);

	strbuf_addf(plots, "%s$%s%u using 1:2 ", plots->length ? ", " : "", name, index);
	if (is_text)
		report_figure_points(plots, run, variant, true, 1, false);
	else if (is_faint)
		strbuf_addf(plots, "with steps linewidth 0.6 linecolor rgb '#%06x'",
			    ROLE_FAINT + series);
	else
		strbuf_addf(plots, "with steps linewidth 2.2 dashtype %s linecolor rgb '#%06x'",
			    series ? "(9,4)" : "1", ROLE_SERIES + series);
}

/* Single boots in the background, then all samples of each variant. */
static void add_shares(struct strbuf *data, struct strbuf *plots, const struct stored_run *run,
		       const struct report_metric *metric, bool is_text)
{
	for (uint32_t i = 0; !is_text && i < metric->count; i++) {
		const struct report_boot *boot = &metric->boots[i];

		strbuf_addf(data, "$e%u << END\n", i);
		add_steps(data, boot->sorted, boot->count, ECDF_BOOT_POINTS, metric->scale);
		strbuf_adds(data, "END\n");
		add_line(plots, run, boot->variant, "e", i, false, true);
	}
	for (uint32_t i = 0; i < run->variants_count; i++) {
		size_t count;
		cleanup_free double *values = pool(run, metric, i, &count);

		if (!values)
			continue;
		qsort(values, count, sizeof(*values), compare_values);
		strbuf_addf(data, "$p%u << END\n", i);
		add_steps(data, values, count, ECDF_POINTS, metric->scale);
		strbuf_adds(data, "END\n");
		add_line(plots, run, i, "p", i, is_text, false);
	}
}

static void add_share_axes(struct strbuf *script, const struct stored_run *run,
			   const struct report_metric *metric, const char *share, bool is_text)
{
	report_figure_begin(script, is_text, is_text ? TEXT_WIDTH : FIGURE_WIDTH,
			    is_text ? TEXT_HEIGHT : FIGURE_HEIGHT);
	report_figure_range(script, 'x', metric->low / metric->scale,
			    metric->high / metric->scale, metric->is_log);
	if (is_text) {
		add_legend(script, run);
		strbuf_adds(script, "set title ");
		strbuf_addf(script, "'%s over ", share);
		strbuf_adds(script, "'.");
		report_figure_words(script, metric->unit, NAME_MAX_SHOWN);
		strbuf_addc(script, '\n');
		return;
	}
	strbuf_adds(script, "set xlabel ");
	report_figure_words(script, metric->unit, NAME_MAX_SHOWN);
	strbuf_addf(script, " offset 0,0.4 textcolor rgb '#%06x'\n"
		    "set label 1 '%s' at graph 0, graph 1 offset -4,0.9 left textcolor rgb "
		    "'#%06x'\nset tmargin 1.6\n", ROLE_INK, share, ROLE_INK);
	report_figure_tics(script, 'x', metric->low / metric->scale, metric->high / metric->scale, 4,
			   metric->is_log);
}

char *report_figure_ecdf(const struct stored_run *run, const struct report_metric *metric,
			 bool is_text)
{
	cleanup_strbuf struct strbuf data = STRBUF_INIT, plots = STRBUF_INIT;
	struct strbuf script = STRBUF_INIT;

	if (!metric->count)
		return NULL;
	add_share_axes(&script, run, metric, "share of samples up to", is_text);
	strbuf_adds(&script, "set yrange [0:1]\nset ytics 0.25\n");
	add_shares(&data, &plots, run, metric, is_text);
	strbuf_addf(&script, "%splot %s\n", data.data, plots.data);
	return strbuf_detach(&script);
}

/* From the outermost sample to the median: every one at first, fewer then. */
static void add_beyond(struct strbuf *data, const double *sorted, size_t count, bool is_lower,
		       double scale)
{
	for (size_t k = 1; k == 1 || 2 * k <= count; k += k / 24 + 1)
		strbuf_addf(data, "%.7g %.7g\n", sorted[is_lower ? k - 1 : count - k] / scale,
			    (double)k / (double)count);
}

char *report_figure_tail(const struct stored_run *run, const struct report_metric *metric,
			 bool is_text)
{
	cleanup_strbuf struct strbuf data = STRBUF_INIT, plots = STRBUF_INIT;
	bool is_lower = metric->info->better == BETTER_HIGHER;
	struct strbuf script = STRBUF_INIT;
	size_t most = 0;

	if (!metric->count || metric->info->kind != METRIC_TAIL)
		return NULL;
	for (uint32_t i = 0; i < run->variants_count; i++) {
		size_t count;
		cleanup_free double *values = pool(run, metric, i, &count);

		if (!values)
			continue;
		most = count > most ? count : most;
		qsort(values, count, sizeof(*values), compare_values);
		strbuf_addf(&data, "$p%u << END\n", i);
		add_beyond(&data, values, count, is_lower, metric->scale);
		strbuf_adds(&data, "END\n");
		add_line(&plots, run, i, "p", i, is_text, false);
	}
	if (most < 2) {
		strbuf_release(&script);
		return NULL;
	}
	add_share_axes(&script, run, metric, "share of samples beyond", is_text);
	strbuf_addf(&script, "set logscale y\nset yrange [%.6g:1]\nset format y '%%g'\n"
		    "%splot %s\n", 0.8 / (double)most, data.data, plots.data);
	return strbuf_detach(&script);
}

/* --- the run's order ------------------------------------------------------------------------ */

static void add_run_line(struct strbuf *data, struct strbuf *plots, const struct stored_run *run,
			 const struct report_metric *metric, uint32_t variant, bool is_text)
{
	unsigned int series = report_series_of(run, variant);

	if (!boots_of(metric, variant))
		return;
	strbuf_addf(data, "$o%u << END\n", variant);
	for (size_t i = 0; i < metric->count; i++)
		if (metric->boots[i].variant == variant)
			strbuf_addf(data, "%u %.7g\n", metric->boots[i].number,
				    metric->boots[i].figure / metric->scale);
	strbuf_adds(data, "END\n");
	if (!is_text)
		strbuf_addf(plots, "%s$o%u using 1:2 with lines linewidth 1 linecolor rgb '#%06x'",
			    plots->length ? ", " : "", variant, ROLE_FAINT + series);
	strbuf_addf(plots, "%s$o%u using 1:2 ", plots->length ? ", " : "", variant);
	report_figure_points(plots, run, variant, is_text, 0.65, false);
}

/* Boots that the host disturbed have a ring. */
static void add_disturbed(struct strbuf *data, struct strbuf *plots,
			  const struct report_metric *metric, bool is_text)
{
	size_t count = 0;

	strbuf_adds(data, "$disturbed << END\n");
	for (size_t i = 0; i < metric->count; i++) {
		if (!metric->boots[i].disturbed)
			continue;
		strbuf_addf(data, "%u %.7g\n", metric->boots[i].number,
			    metric->boots[i].figure / metric->scale);
		count++;
	}
	strbuf_adds(data, "END\n");
	if (count && !is_text)
		strbuf_addf(plots, ", $disturbed using 1:2 with points pointtype 6 pointsize 1.3 "
			    "linecolor rgb '#%06x'", ROLE_INK);
}

char *report_figure_order(const struct stored_run *run, const struct report_metric *metric,
			  bool is_text)
{
	cleanup_strbuf struct strbuf data = STRBUF_INIT, plots = STRBUF_INIT;
	struct strbuf script = STRBUF_INIT;

	if (!metric->count)
		return NULL;
	report_figure_begin(&script, is_text, is_text ? TEXT_WIDTH : FIGURE_WIDTH,
			    is_text ? TEXT_HEIGHT : FIGURE_HEIGHT);
	add_unit(&script, metric, is_text);
	report_figure_range(&script, 'x', metric->boots[0].number,
			    metric->boots[metric->count - 1].number, false);
	report_figure_range(&script, 'y', metric->figure_low / metric->scale,
			    metric->figure_high / metric->scale, false);
	report_figure_tics(&script, 'y', metric->figure_low / metric->scale,
			   metric->figure_high / metric->scale, 5, false);
	for (uint32_t i = 0; i < run->variants_count; i++)
		add_run_line(&data, &plots, run, metric, i, is_text);
	add_disturbed(&data, &plots, metric, is_text);
	if (is_text)
		add_legend(&script, run);
	else
		strbuf_addf(&script, "set xlabel 'trial of the run' offset 0,0.4 textcolor rgb "
			    "'#%06x'\n", ROLE_INK);
	strbuf_addf(&script, "%splot %s\n", data.data, plots.data);
	return strbuf_detach(&script);
}
