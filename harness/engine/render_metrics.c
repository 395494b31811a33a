/* render_metrics.c - the metrics of the verdict table, cell by cell. */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "render.h"
#include "render_layout.h"
#include "render_parts.h"
#include "guest_title.h"

char render_verdict_sign(enum verdict verdict)
{
	static const char signs[] = {
		[VERDICT_IMPROVED] = '+',
		[VERDICT_EQUIVALENT] = '=',
		[VERDICT_INCONCLUSIVE] = '?',
		[VERDICT_REGRESSED] = '!',
		[VERDICT_NOT_COMPARABLE] = 'x',
	};

	return signs[verdict];
}

void render_p(struct strbuf *text, const char *label, double p)
{
	if (p < 0.0001)
		strbuf_addf(text, ", %s < 0.0001", label);
	else
		strbuf_addf(text, ", %s %.*f", label, p < 0.1 ? 4 : 2, p);
}

/* Of no difference; and where equality was shown, of a change beyond the margin. */
static void add_p(struct strbuf *text, const struct metric_comparison *judged)
{
	render_p(text, "p", judged->p_adjusted);
	if (judged->verdict == VERDICT_EQUIVALENT && !isnan(judged->p_equivalence))
		render_p(text, "p(=)", judged->p_equivalence);
}

/* Exact runs show changes that boots would drown. */
static void add_change(const struct stored_run *run, double change, struct strbuf *out)
{
	if (run->mode == MODE_EXACT)
		render_change_fine(change, out);
	else
		render_change(change, out);
}

static void add_mde(const struct stored_run *run, double effect, struct strbuf *text)
{
	cleanup_strbuf struct strbuf change = STRBUF_INIT;

	if (!isfinite(effect))
		return;
	add_change(run, effect, &change);
	strbuf_adds(text, ", MDE ");
	for (const char *c = change.data; *c; c++)
		if (*c != '+') /* it has no direction */
			strbuf_addc(text, *c);
}

/* "10+10": what each copy of the baseline and the candidate gave; "/12" where
 * more were planned. */
static void add_boot_counts(struct strbuf *text, const struct stored_run *run,
			    const struct comparison *c, const struct comparison_entry *entry)
{
	const struct comparison_boots *cell = &c->boots[entry->cell * run->variants_count];
	uint32_t a = cell[run->baseline].planned;
	uint32_t b = cell[entry->variant].planned;

	if (run->control_variant >= 0)
		a += cell[run->control_variant].planned;
	strbuf_addf(text, ", n %zu+%zu", entry->judged.a_count, entry->judged.b_count);
	if (a != entry->judged.a_count || b != entry->judged.b_count)
		strbuf_addf(text, " of %u+%u", a, b);
}

static void add_range(const struct stored_run *run, const struct metric_comparison *judged,
		      struct strbuf *text)
{
	add_change(run, judged->interval.low - 1, text);
	strbuf_adds(text, " .. ");
	add_change(run, judged->interval.high - 1, text);
}

/* "95 %: "; an early look asks for 99.9992 %, or for more than can be told. */
static void add_confidence(double confidence, struct strbuf *text)
{
	if (confidence > 0.999999)
		strbuf_adds(text, "over 99.9999 %: ");
	else
		strbuf_addf(text, "%.*g %%: ", confidence > 0.9995 ? 6 : 4, 100 * confidence);
}

static void add_boots(const struct stored_run *run, const struct comparison *c,
		      const struct comparison_entry *entry, struct strbuf *text)
{
	const struct metric_comparison *judged = &entry->judged;

	if (judged->verdict == VERDICT_NOT_COMPARABLE) {
		strbuf_adds(text, judged->reason);
	} else if (judged->reason) {
		strbuf_addf(text, "no test: %s", judged->reason);
	} else {
		add_confidence(c->policy.confidence, text);
		add_range(run, judged, text);
		add_p(text, judged);
		add_mde(run, judged->detectable_effect, text);
	}
	add_boot_counts(text, run, c, entry);
}

/* "exact, 5 seeds: "; "4 of 5" where not all could be paired. */
static void add_seeds(const struct stored_run *run, const struct comparison *c,
		      const struct comparison_entry *entry, struct strbuf *text)
{
	const struct metric_comparison *judged = &entry->judged;
	uint32_t planned = c->boots[entry->cell * run->variants_count + entry->variant].planned;

	if (judged->verdict == VERDICT_NOT_COMPARABLE) {
		strbuf_adds(text, judged->reason);
		return;
	}
	strbuf_addf(text, "exact, %zu ", judged->blocks);
	if (judged->blocks != planned)
		strbuf_addf(text, "of %u ", planned);
	strbuf_adds(text, planned == 1 ? "seed: " : "seeds: ");
	if (judged->reason) {
		strbuf_adds(text, judged->reason);
		return;
	}
	add_range(run, judged, text);
	strbuf_addf(text, " (%g %%)", 100 * c->policy.confidence);
	add_p(text, judged);
	add_mde(run, judged->detectable_effect, text);
}

/* "12.1 us / 12.3 us", baseline and candidate. */
static void add_pair(struct strbuf *text, double a, double b, const char *unit)
{
	render_quantity(a, unit, text);
	strbuf_adds(text, " / ");
	render_quantity(b, unit, text);
}

static void add_quantiles(const struct tail_figures *tail, const char *unit,
			  struct strbuf *text)
{
	for (size_t i = 0; i < TAIL_QUANTILES_COUNT; i++) {
		const struct tail_quantile *quantile = &tail->quantiles[i];

		if (!(quantile->q > 0) || isnan(quantile->a) || isnan(quantile->b))
			continue;
		strbuf_adds(text, text->length ? ", " : "");
		if (quantile->q < 1)
			strbuf_addf(text, "%g %% ", 100 * quantile->q);
		else
			strbuf_adds(text, "largest ");
		add_pair(text, quantile->a, quantile->b, unit);
	}
}

/* Of all samples of both sides; nothing where there are no figures of them. */
static void add_tail(const struct metric_comparison *judged, struct strbuf *text)
{
	const struct tail_figures *tail = &judged->tail;
	const char *unit = judged->metric->unit;

	add_quantiles(tail, unit, text);
	if (!isnan(tail->threshold) && tail->a_samples > 0 && tail->b_samples > 0) {
		strbuf_adds(text, text->length ? "; beyond " : "beyond ");
		render_quantity(tail->threshold, unit, text);
		strbuf_addf(text, ": %.3g %% / %.3g %%",
			    100 * (double)tail->a_beyond / (double)tail->a_samples,
			    100 * (double)tail->b_beyond / (double)tail->b_samples);
	}
}

static void add_certainty(const struct stored_run *run, const struct comparison *c,
			  const struct comparison_entry *entry, struct strbuf *out)
{
	const struct metric_comparison *judged = &entry->judged;
	bool is_exact = run->mode == MODE_EXACT;
	cleanup_strbuf struct strbuf text = STRBUF_INIT, tail = STRBUF_INIT;

	if (entry->is_tail)
		add_tail(judged, &tail);
	if (is_exact)
		add_seeds(run, c, entry, &text);
	else
		add_boots(run, c, entry, &text);
	if (entry->is_tail && tail.length == 0)
		strbuf_adds(&text, ", tail");
	if (judged->blocks_needed > 0)
		strbuf_addf(&text, ", %zu%s %s%s short", judged->blocks_needed,
			    judged->blocks_needed + judged->blocks >=
				    STATISTICS_BLOCKS_MAX ? " or" : "",
			    is_exact ? "seed" : "block",
			    judged->blocks_needed == 1 ? "" : "s");
	render_wrapped(out, "        ", 8, text.data);
	if (tail.length > 0)
		render_wrapped(out, "        tail: ", 8, tail.data);
}

static void add_entry(const struct stored_run *run, const struct comparison *c,
		      const struct comparison_entry *entry, struct strbuf *out)
{
	const struct metric_comparison *judged = &entry->judged;
	const char *name = judged->metric->name;
	cleanup_strbuf struct strbuf a = STRBUF_INIT;
	cleanup_strbuf struct strbuf b = STRBUF_INIT;
	cleanup_strbuf struct strbuf change = STRBUF_INIT;
	cleanup_strbuf struct strbuf line = STRBUF_INIT;

	render_quantity(judged->a_center, judged->metric->unit, &a);
	render_quantity(judged->b_center, judged->metric->unit, &b);
	add_change(run, judged->verdict == VERDICT_NOT_COMPARABLE ? (double)NAN :
								    judged->ratio - 1,
		   &change);
	strbuf_addf(&line, "  %c %-22s %12s %12s %9s  ",
		    c->control_fired || judged->metric->secondary ?
			    ' ' : render_verdict_sign(judged->verdict),
		    name, a.data, b.data, change.data);
	if (judged->metric->secondary)
		strbuf_adds(&line, "derived");
	else
		strbuf_adds(&line, c->control_fired ? "withheld" :
			    verdict_name(judged->verdict));
	/* Names and values have no bounds: a line that is too long is wrapped. */
	if (line.length <= RENDER_WIDTH)
		strbuf_addf(out, "%s\n", line.data);
	else
		render_wrapped(out, "  ", 8, line.data);
	if (!judged->metric->secondary)
		add_certainty(run, c, entry, out);
}

static void add_row_title(const struct stored_row *row, struct strbuf *out)
{
	bool is_named = strcmp(row->name, row->workload) != 0;
	cleanup_free char *text =
		string_format("%s%s%s %s", row->name, is_named ? ": " : "",
			      is_named ? row->workload : "",
			      row->arguments ? row->arguments : "");

	render_wrapped(out, "  ", 4, text);
}

static void add_row(const struct stored_run *run, const struct comparison *c,
		    uint32_t cell, uint32_t row, uint32_t variant, struct strbuf *out)
{
	bool has_title = false;

	for (size_t i = 0; i < c->count; i++) {
		const struct comparison_entry *entry = &c->entries[i];

		if (entry->cell != cell || entry->row != row || entry->variant != variant)
			continue;
		if (!has_title)
			add_row_title(&run->cells[cell].rows[row], out);
		has_title = true;
		add_entry(run, c, entry, out);
	}
}

void render_cell(const struct stored_run *run, const struct comparison *c, uint32_t cell,
		 uint32_t variant, struct strbuf *out)
{
	const struct stored_cell *place = &run->cells[cell];
	cleanup_free char *guest = guest_title(run, place);
	cleanup_free char *title =
		string_format("guest %s, suite %s: %s against %s", guest, place->suite,
			      run->variants[variant].label, run->variants[run->baseline].label);

	strbuf_addc(out, '\n');
	render_wrapped(out, "", 2, title);
	strbuf_addf(out, "    %-22s %12.12s %12.12s %9s  %s\n", "metric",
		    run->variants[run->baseline].label, run->variants[variant].label,
		    "change", "verdict");
	for (uint32_t row = 0; row < place->rows_count; row++)
		add_row(run, c, cell, row, variant, out);
}
