/* report_format_sentence.c - one metric's verdict as the sentence that a person reads
 * in a list of failed tests.
 */
#include <math.h>

#include "render.h"
#include "render_layout.h"
#include "report_format_parts.h"

static void add_change(const struct stored_run *run, double change, struct strbuf *out)
{
	if (run->mode == MODE_EXACT)
		render_change_fine(change, out);
	else
		render_change(change, out);
}

/* "+10.0 % (95 %: +9.61 % .. +10.4 %; lower is better)" */
static void add_effect(const struct format_input *input, const struct metric_comparison *judged,
		       struct strbuf *out)
{
	const struct stored_run *run = input->run;

	add_change(run, judged->ratio - 1, out);
	strbuf_adds(out, " (");
	if (isfinite(judged->interval.low) && isfinite(judged->interval.high)) {
		strbuf_addf(out, "%g %%: ", 100 * input->comparison->policy.confidence);
		add_change(run, judged->interval.low - 1, out);
		strbuf_adds(out, " .. ");
		add_change(run, judged->interval.high - 1, out);
		strbuf_adds(out, "; ");
	}
	strbuf_addf(out, "%s is better)", metric_direction_name(judged->metric->better));
}

static void add_sides(const struct stored_run *run, const struct comparison_entry *entry,
		      struct strbuf *out)
{
	const struct metric_comparison *judged = &entry->judged;

	strbuf_adds(out, ", ");
	render_quantity(judged->a_center, judged->metric->unit, out);
	strbuf_addf(out, " with %s, ", run->variants[run->baseline].label);
	render_quantity(judged->b_center, judged->metric->unit, out);
	strbuf_addf(out, " with %s", run->variants[entry->variant].label);
}

static void add_certainty(const struct stored_run *run, const struct metric_comparison *judged,
			  struct strbuf *out)
{
	const char *unit = run->mode == MODE_EXACT ? "seed" : "block";

	if (judged->reason)
		strbuf_addf(out, "; no test: %s", judged->reason);
	else if (isfinite(judged->p_adjusted))
		strbuf_addf(out, judged->p_adjusted < 0.0001 ? "; p < 0.0001" : "; p %.4f",
			    judged->p_adjusted);
	strbuf_addf(out, ", %zu %s%s", judged->blocks, unit, judged->blocks == 1 ? "" : "s");
	if (judged->verdict == VERDICT_INCONCLUSIVE && judged->blocks_needed > 0)
		strbuf_addf(out, "; about %zu more %ss would settle it", judged->blocks_needed,
			    unit);
}

static const char *verb(const struct comparison *comparison,
			const struct metric_comparison *judged)
{
	if (judged->metric->secondary)
		return "is derived from another metric and never gated";
	if (comparison->control_fired)
		return "is withheld, the A/A control fired";
	switch (judged->verdict) {
	case VERDICT_IMPROVED:
		return "improved";
	case VERDICT_REGRESSED:
		return "regressed";
	case VERDICT_EQUIVALENT:
		return "is equivalent";
	case VERDICT_INCONCLUSIVE:
		return "is inconclusive";
	case VERDICT_NOT_COMPARABLE:
		break;
	}
	return "is not comparable";
}

void format_add_sentence(const struct format_input *input,
			 const struct comparison_entry *entry, struct strbuf *out)
{
	const struct metric_comparison *judged = &entry->judged;

	strbuf_addf(out, "%s %s: ", judged->metric->name, verb(input->comparison, judged));
	if (judged->verdict == VERDICT_NOT_COMPARABLE) {
		strbuf_addf(out, "%s (boots with figures: %zu of %s, %zu of %s)",
			    judged->reason ? judged->reason : "no figures", judged->a_count,
			    input->run->variants[input->run->baseline].label, judged->b_count,
			    input->run->variants[entry->variant].label);
		return;
	}
	add_effect(input, judged, out);
	add_sides(input->run, entry, out);
	add_certainty(input->run, judged, out);
}
