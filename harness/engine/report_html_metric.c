/* report_html_metric.c - one metric after the other: figures, what each candidate did,
 * every boot.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "html_text.h"
#include "memory.h"
#include "render.h"
#include "report_html_parts.h"

#define OPEN_MAX 8 /* sections that stand open at first */
#define UNSETTLED_OPEN_MAX 3

/* --- the boots of a variant --------------------------------------------------------------------- */

struct side {
	size_t boots, samples;
	double low, high;          /* of the boots' figures */
	double sum, squares;       /* of their logs */
	double sample_low, sample_high;
};

static struct side side_of(const struct report_metric *metric, uint32_t variant)
{
	struct side side = { .low = INFINITY, .high = -INFINITY, .sample_low = INFINITY,
			     .sample_high = -INFINITY };

	for (size_t i = 0; i < metric->count; i++) {
		const struct report_boot *boot = &metric->boots[i];

		if (boot->variant != variant)
			continue;
		side.boots++;
		side.samples += boot->count;
		side.low = fmin(side.low, boot->figure);
		side.high = fmax(side.high, boot->figure);
		side.sum += log(boot->figure);
		side.squares += log(boot->figure) * log(boot->figure);
		side.sample_low = fmin(side.sample_low, boot->low);
		side.sample_high = fmax(side.sample_high, boot->high);
	}
	return side;
}

static double center_of(const struct side *side)
{
	return exp(side->sum / (double)side->boots);
}

/* Standard deviation of the logs: the boots' spread as a share. */
static double spread_of(const struct side *side)
{
	double count = (double)side->boots;

	if (side->boots < 2)
		return NAN;
	return sqrt(fmax(0, side->squares - side->sum * side->sum / count) / (count - 1));
}

static void add_side(const struct report_page *page, const struct report_metric *metric,
		     uint32_t variant, struct strbuf *out)
{
	struct side side = side_of(metric, variant);
	const char *unit = metric->info->unit;

	if (!side.boots)
		return;
	strbuf_adds(out, "<tr><th scope=\"row\">");
	html_text_part(out, page->run->variants[variant].label, 200);
	strbuf_addf(out, "</th><td>%zu</td><td>%zu</td><td>", side.boots, side.samples);
	report_quantity(out, center_of(&side), unit);
	strbuf_adds(out, "</td><td>");
	report_quantity(out, side.low, unit);
	strbuf_adds(out, "</td><td>");
	report_quantity(out, side.high, unit);
	strbuf_adds(out, "</td><td>");
	if (isfinite(spread_of(&side)))
		strbuf_addf(out, "%.2f&nbsp;%%", 100 * spread_of(&side));
	else
		strbuf_addc(out, '-');
	strbuf_adds(out, "</td></tr>\n");
}

/* Wide tables scroll in a box of their own, which the keyboard reaches. */
static void begin_box(const char *name, struct strbuf *out)
{
	strbuf_addf(out, "<div class=\"box\" role=\"region\" tabindex=\"0\" aria-label=\"%s\">", name);
}

static void add_sides(const struct report_page *page, const struct report_metric *metric,
		      struct strbuf *out)
{
	begin_box("Boots of each variant", out);
	strbuf_adds(out, "<table><thead><tr><th scope=\"col\">variant</th><th scope=\"col\">boots</th>"
		    "<th scope=\"col\">samples</th><th scope=\"col\">mean of boots</th>"
		    "<th scope=\"col\">lowest boot</th><th scope=\"col\">highest boot</th>"
		    "<th scope=\"col\">spread of boots</th></tr></thead>\n<tbody>\n");
	for (uint32_t i = 0; i < page->run->variants_count; i++)
		add_side(page, metric, i, out);
	strbuf_adds(out, "</tbody></table></div>\n");
}

static void add_boot(const struct report_page *page, const struct report_metric *metric,
		     const struct report_boot *boot, struct strbuf *out)
{
	const char *unit = metric->info->unit;

	strbuf_addf(out, "<tr><td>%u<td>%u<td>", boot->number, boot->block + 1);
	html_text_part(out, page->run->variants[boot->variant].label, 60);
	strbuf_addf(out, "<td>%zu<td>", boot->count);
	report_quantity(out, boot->low, unit);
	strbuf_adds(out, "<td>");
	report_quantity(out, boot->median, unit);
	strbuf_adds(out, "<td>");
	report_quantity(out, boot->high, unit);
	strbuf_adds(out, boot->disturbed ? "<td>disturbed\n" : "<td>\n");
}

static void add_every_boot(const struct report_page *page, const struct report_metric *metric,
			   struct strbuf *out)
{
	strbuf_addf(out, "<details class=\"inner\"><summary>Every boot (%zu)</summary>\n",
		    metric->count);
	begin_box("Every boot", out);
	strbuf_adds(out, "<table><thead><tr><th scope=\"col\">trial<th scope=\"col\">block<th "
		    "scope=\"col\">variant<th scope=\"col\">samples<th scope=\"col\">smallest<th "
		    "scope=\"col\">median<th scope=\"col\">largest<th scope=\"col\">host"
		    "</thead><tbody>\n");
	for (size_t i = 0; i < metric->count; i++)
		add_boot(page, metric, &metric->boots[i], out);
	strbuf_adds(out, "</tbody></table></div></details>\n");
}

/* --- figures --------------------------------------------------------------------------------------- */

/* "stock: 12 boots from 12.4 ms to 12.6 ms, samples from ... to ...". */
static char *describe_sides(const struct report_page *page, const struct report_metric *metric)
{
	struct strbuf text = STRBUF_INIT;

	for (uint32_t i = 0; i < page->run->variants_count; i++) {
		struct side side = side_of(metric, i);

		if (!side.boots)
			continue;
		strbuf_addf(&text, "%s: %zu boots, mean ", page->run->variants[i].label, side.boots);
		render_quantity(center_of(&side), metric->info->unit, &text);
		strbuf_adds(&text, ", from ");
		render_quantity(side.low, metric->info->unit, &text);
		strbuf_adds(&text, " to ");
		render_quantity(side.high, metric->info->unit, &text);
		strbuf_adds(&text, "; samples from ");
		render_quantity(side.sample_low, metric->info->unit, &text);
		strbuf_adds(&text, " to ");
		render_quantity(side.sample_high, metric->info->unit, &text);
		strbuf_adds(&text, ". ");
	}
	return strbuf_detach(&text);
}

static void describe_drift(const struct report_page *page, const struct report_metric *metric,
			   struct strbuf *out)
{
	double drift = report_metric_drift(metric);

	if (isnan(drift)) {
		strbuf_adds(out, "Too few boots to tell a drift.");
		return;
	}
	strbuf_adds(out, "Over the run all variants together moved by ");
	report_percent(page, out, drift);
	strbuf_addc(out, '.');
}

static int add_drawing(struct report_page *page, size_t index, const char *name,
		       const struct report_metric *metric, const char *sides, const char *caption,
		       struct strbuf *out, struct error *err)
{
	const struct stored_row *row = &page->run->cells[metric->cell].rows[metric->row];
	cleanup_free char *title = string_format("%s.%s: %s", row->name, metric->info->name, name);
	cleanup_free char *text = string_format("%s. %s", name, sides);

	return report_add_figure(page, index, "small", title, text, caption, out, err);
}

static int add_figures(struct report_page *page, const struct report_section *section,
		       struct strbuf *out, struct error *err)
{
	const struct report_metric *metric = &section->metric;
	cleanup_free char *sides = describe_sides(page, metric);
	cleanup_strbuf struct strbuf order = STRBUF_INIT;
	const char *figure = metric->info->kind == METRIC_TAIL ? "maximum" : "median";
	cleanup_free char *strip = string_format("<strong>Samples.</strong> Each boot is a column; "
						 "the bar is its %s, which is what counts.", figure);
	int rc;

	strbuf_addf(&order, "<strong>Order of the run.</strong> The %ss of the boots as they ran. ",
		    figure);
	describe_drift(page, metric, &order);
	report_legend(page, out);
	strbuf_adds(out, "<div class=\"figures\">\n");
	rc = add_drawing(page, section->strip, "samples of each boot", metric, sides, strip, out, err);
	if (!rc)
		rc = add_drawing(page, section->ecdf, "distribution", metric, sides,
				 "<strong>Distribution.</strong> Share of samples up to a value: "
				 "thick all boots, thin each boot.", out, err);
	if (!rc)
		rc = add_drawing(page, section->tail, "tail", metric, sides,
				 "<strong>Tail.</strong> Share of samples beyond a value, each step "
				 "of the outermost ones.", out, err);
	if (!rc)
		rc = add_drawing(page, section->order, "order of the run", metric, sides, order.data,
				 out, err);
	if (!rc)
		rc = report_add_history(page, section, out, err);
	strbuf_adds(out, "</div>\n");
	return rc;
}

/* --- verdicts of a metric ----------------------------------------------------------------------------- */

static bool is_of(const struct comparison_entry *entry, const struct report_metric *metric)
{
	return entry->cell == metric->cell && entry->row == metric->row &&
	       entry->metric == metric->metric;
}

static void add_judgement(const struct report_page *page, const struct comparison_entry *entry,
			  struct strbuf *out)
{
	const struct metric_comparison *judged = &entry->judged;

	strbuf_adds(out, "<li>");
	report_badge(page, entry, out);
	strbuf_addc(out, ' ');
	html_text_part(out, page->run->variants[entry->variant].label, 200);
	strbuf_adds(out, ": ");
	if (judged->verdict == VERDICT_NOT_COMPARABLE) {
		html_text(out, judged->reason ? judged->reason : "not comparable");
		strbuf_adds(out, "</li>\n");
		return;
	}
	strbuf_adds(out, "<strong>");
	report_percent(page, out, judged->ratio - 1);
	strbuf_adds(out, "</strong>");
	if (judged->reason) {
		strbuf_adds(out, " (");
		html_text(out, judged->reason);
		strbuf_addc(out, ')');
	} else if (isfinite(judged->interval.high)) {
		strbuf_adds(out, ", interval ");
		report_interval(page, out, judged->interval);
		strbuf_adds(out, ", p ");
		report_p(out, judged->metric->secondary ? judged->p : judged->p_adjusted);
		if (judged->p_equivalence > 0) {
			strbuf_adds(out, ", p of equivalence ");
			report_p(out, judged->p_equivalence);
		}
		strbuf_addf(out, ", %zu complete %s%s", judged->blocks,
			    page->run->mode == MODE_EXACT ? "seed" : "block",
			    judged->blocks == 1 ? "" : "s");
	}
	strbuf_adds(out, "</li>\n");
}

static void add_summary(const struct report_page *page, const struct report_section *section,
			struct strbuf *out)
{
	const struct report_metric *metric = &section->metric;
	const struct stored_cell *cell = &page->run->cells[metric->cell];
	const struct stored_row *row = &cell->rows[metric->row];

	strbuf_adds(out, "<summary><h3>");
	html_text_part(out, row->name, 200);
	strbuf_adds(out, ".<wbr>");
	html_text_part(out, metric->info->name, 200);
	strbuf_adds(out, "</h3> <small>");
	html_text_part(out, cell->guest, 200);
	strbuf_adds(out, ", ");
	html_text_part(out, cell->suite, 200);
	strbuf_adds(out, "</small> ");
	for (size_t i = 0; i < page->comparison->count; i++) {
		const struct comparison_entry *entry = &page->comparison->entries[i];

		if (!is_of(entry, metric))
			continue;
		report_badge(page, entry, out);
		strbuf_adds(out, " <span class=\"num\">");
		report_percent(page, out, entry->judged.verdict == VERDICT_NOT_COMPARABLE ?
			       (double)NAN : entry->judged.ratio - 1);
		strbuf_adds(out, "</span> ");
	}
	strbuf_adds(out, "</summary>\n");
}

static void add_meaning(const struct report_page *page, const struct report_metric *metric,
			struct strbuf *out)
{
	const struct stored_row *row = &page->run->cells[metric->cell].rows[metric->row];

	strbuf_addf(out, "<p id=\"m-%u-%u-%u\" class=\"meaning\">", metric->cell, metric->row,
		    metric->metric);
	html_text(out, metric->info->meaning);
	strbuf_addf(out, "; %s is better. Workload <code>", metric_direction_name(metric->info->better));
	html_text(out, row->workload);
	if (row->arguments && row->arguments[0]) {
		strbuf_addc(out, ' ');
		html_text(out, row->arguments);
	}
	strbuf_adds(out, "</code></p>\n");
}

static int add_section(struct report_page *page, const struct report_section *section,
		       bool is_open, struct strbuf *out, struct error *err)
{
	const struct report_metric *metric = &section->metric;
	int rc = 0;

	strbuf_addf(out, "<details class=\"metric\"%s>\n", is_open ? " open" : "");
	add_summary(page, section, out);
	add_meaning(page, metric, out);
	strbuf_adds(out, "<ul class=\"judged\">\n");
	for (size_t i = 0; i < page->comparison->count; i++)
		if (is_of(&page->comparison->entries[i], metric))
			add_judgement(page, &page->comparison->entries[i], out);
	strbuf_adds(out, "</ul>\n");
	if (!metric->count) {
		strbuf_adds(out, "<p>No boot gave a sample.</p>\n</details>\n");
		return 0;
	}
	if (page->figures.drawings.count)
		rc = add_figures(page, section, out, err);
	add_sides(page, metric, out);
	for (size_t i = 0; i < page->comparison->count; i++)
		if (is_of(&page->comparison->entries[i], metric))
			report_add_tail(page, &page->comparison->entries[i], out);
	add_every_boot(page, metric, out);
	strbuf_adds(out, "</details>\n");
	return rc;
}

/* Where there are many, what went wrong stands open, and the first of what is not
 * settled. */
static bool stands_open(const struct report_page *page, const struct report_section *section)
{
	if (page->sections_count <= OPEN_MAX)
		return true;
	for (size_t i = 0; i < OPEN_MAX && i < page->count; i++) {
		int rank = report_rank(page->entries[i]);

		if (is_of(page->entries[i], &section->metric))
			return rank == 0 || (rank < 4 && i < UNSETTLED_OPEN_MAX);
	}
	return false;
}

int report_add_metrics(struct report_page *page, struct strbuf *out, struct error *err)
{
	int rc = 0;

	if (!page->sections_count)
		return 0;
	strbuf_adds(out, "<section id=\"details\" aria-labelledby=\"h-details\">\n"
		    "<h2 id=\"h-details\">Metric by metric</h2>\n");
	if (!page->figures.drawings.count)
		strbuf_adds(out, "<p class=\"note\">Figures are missing: gnuplot was not installed "
			    "where this report was made. The tables hold their numbers.</p>\n");
	for (size_t i = 0; !rc && i < page->sections_count; i++)
		rc = add_section(page, &page->sections[i], stands_open(page, &page->sections[i]), out,
				 err);
	strbuf_adds(out, "</section>\n");
	return rc;
}

/* --- tails ---------------------------------------------------------------------------------------------- */

static void add_quantity_interval(const struct report_page *page, const char *unit, double value,
				  struct interval interval, struct strbuf *out)
{
	(void)page;
	strbuf_adds(out, "<td>");
	report_quantity(out, value, unit);
	if (isfinite(value) && isfinite(interval.low) && isfinite(interval.high)) {
		strbuf_adds(out, "<small>");
		report_quantity(out, interval.low, unit);
		strbuf_adds(out, " to ");
		report_quantity(out, interval.high, unit);
		strbuf_adds(out, "</small>");
	}
	strbuf_adds(out, "</td>");
}

static void add_quantile(const struct report_page *page, const struct metric_comparison *judged,
			 const struct tail_quantile *quantile, struct strbuf *out)
{
	if (isnan(quantile->a) && isnan(quantile->b))
		return;
	if (quantile->q >= 1)
		strbuf_adds(out, "<tr><th scope=\"row\">largest</th>");
	else
		strbuf_addf(out, "<tr><th scope=\"row\">%g&nbsp;%%</th>", 100 * quantile->q);
	add_quantity_interval(page, judged->metric->unit, quantile->a, quantile->a_interval, out);
	add_quantity_interval(page, judged->metric->unit, quantile->b, quantile->b_interval, out);
	strbuf_adds(out, "<td>");
	report_percent(page, out, quantile->b / quantile->a - 1);
	strbuf_adds(out, "</td></tr>\n");
}

static void add_share(uint64_t beyond, uint64_t samples, struct interval share, struct strbuf *out)
{
	strbuf_addf(out, "<td>%" PRIu64 " of %" PRIu64, beyond, samples);
	if (isfinite(share.low) && isfinite(share.high))
		strbuf_addf(out, "<small>%.3g&nbsp;%% to %.3g&nbsp;%%</small>", 100 * share.low,
			    100 * share.high);
	strbuf_adds(out, "</td>");
}

void report_add_tail(const struct report_page *page, const struct comparison_entry *entry,
		     struct strbuf *out)
{
	const struct metric_comparison *judged = &entry->judged;
	const struct tail_figures *tail = &judged->tail;

	if (!entry->is_tail || judged->verdict == VERDICT_NOT_COMPARABLE || !tail->a_samples ||
	    !tail->b_samples)
		return;
	strbuf_adds(out, "<h4>Tail</h4>\n");
	begin_box("Quantiles of all samples", out);
	strbuf_adds(out, "<table><thead><tr><th scope=\"col\">of all samples</th><th scope=\"col\">");
	html_text_part(out, page->run->variants[page->run->baseline].label, 200);
	strbuf_adds(out, "</th><th scope=\"col\">");
	html_text_part(out, page->run->variants[entry->variant].label, 200);
	strbuf_adds(out, "</th><th scope=\"col\">change</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < TAIL_QUANTILES_COUNT; i++)
		add_quantile(page, judged, &tail->quantiles[i], out);
	if (isfinite(tail->threshold)) {
		strbuf_adds(out, "<tr><th scope=\"row\">beyond ");
		report_quantity(out, tail->threshold, judged->metric->unit);
		strbuf_adds(out, "</th>");
		add_share(tail->a_beyond, tail->a_samples, tail->a_share, out);
		add_share(tail->b_beyond, tail->b_samples, tail->b_share, out);
		strbuf_adds(out, "<td></td></tr>\n");
	}
	strbuf_adds(out, "</tbody></table></div>\n");
}
