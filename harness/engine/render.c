/* render.c - the verdict table as text. It computes nothing that decides: the
 * figures come from comparison.c.
 *
 * Each metric has two lines: what was found (baseline, candidate, change,
 * verdict) and how sure that is (interval, p, detectable effect, boots); one
 * that is derived from another has only the first, without a verdict. The
 * sign in front repeats the verdict for the eye: ! regressed, + improved, =
 * equivalent, ? inconclusive, x not comparable.
 */
#include "render.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "render_layout.h"

const char *render_gate_meaning(enum gate_exit gate)
{
	switch (gate) {
	case GATE_PASS:
		return "pass: every metric is improved or equivalent";
	case GATE_REGRESSED:
		return "regressed";
	case GATE_FAILED:
		return "the harness could not do its job";
	case GATE_INCONCLUSIVE:
		return "inconclusive: more boots are needed";
	case GATE_NOT_COMPARABLE:
		return "not comparable, or the A/A control fired";
	case GATE_USAGE:
		return "wrong usage";
	}
	return "unknown";
}

/* Value of a key in the first fingerprint of the run; owned, NULL if none. */
static char *fingerprint_value(const struct stored_run *run, int64_t variant,
			       const char *key)
{
	cleanup_free char *wanted = string_format("%s=", key);

	for (size_t i = 0; i < run->trials_count; i++) {
		const char *line = run->trials[i].fingerprint;

		if (!line || (variant >= 0 && run->trials[i].variant != variant))
			continue;
		while (*line) {
			size_t length = strcspn(line, "\n");

			if (strncmp(line, wanted, strlen(wanted)) == 0)
				return string_copy_n(line + strlen(wanted),
						     length - strlen(wanted));
			line += length + (line[length] == '\n');
		}
	}
	return NULL;
}

static const char *or_unknown(const char *text)
{
	return text && text[0] ? text : "unknown";
}

/* --- the bottom line, at the top and at the end ----------------------------------- */

/* "1 regressed, 3 equivalent"; derived metrics do not count. */
static void add_counts(const struct comparison *c, struct strbuf *text)
{
	static const enum verdict order[] = {
		VERDICT_REGRESSED, VERDICT_IMPROVED, VERDICT_EQUIVALENT,
		VERDICT_INCONCLUSIVE, VERDICT_NOT_COMPARABLE,
	};
	size_t before = text->length;

	for (size_t k = 0; k < ARRAY_COUNT(order); k++) {
		size_t count = 0;

		for (size_t i = 0; i < c->count; i++)
			count += c->entries[i].judged.verdict == order[k] &&
				 !c->entries[i].judged.metric->secondary;
		if (count > 0)
			strbuf_addf(text, "%s%zu %s", text->length > before ? ", " : "",
				    count, verdict_name(order[k]));
	}
	strbuf_adds(text, text->length > before ? "" : "no metric was measured");
}

/* What decided where it was not a metric. */
static const char *other_cause(const struct comparison *c)
{
	if (c->outcome_regressed)
		return "; a candidate CRASHED, FAILED or HUNG where the baseline never did";
	if (c->outcome_suspect)
		return "; baseline and candidate crashed, failed or hung";
	return "";
}

static void add_verdict(const struct comparison *c, struct strbuf *out)
{
	static const char *const words[] = {
		[GATE_PASS] = "pass",
		[GATE_REGRESSED] = "REGRESSED",
		[GATE_FAILED] = "FAILED",
		[GATE_INCONCLUSIVE] = "INCONCLUSIVE",
		[GATE_NOT_COMPARABLE] = "NOT COMPARABLE",
	};
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (c->control_fired)
		strbuf_adds(&text, "verdicts withheld, the A/A control fired");
	else
		add_counts(c, &text);
	render_field(out, "verdict", "%s (gate: exit %d): %s%s", words[c->gate],
		     (int)c->gate, text.data, other_cause(c));
}

/* --- head ---------------------------------------------------------------------- */

static void add_run(const struct stored_run *run, struct strbuf *out)
{
	char started[CLOCK_TEXT_MAX];

	render_field(out, "kerngate", "campaign %s, run %s, begun %s%s%s", run->campaign,
		     run->id, clock_format_utc(run->started_wall_ns, started),
		     strcmp(run->state, "finished") == 0 ? "" : ", NOT COMPLETE: ",
		     strcmp(run->state, "finished") == 0 ? "" : run->state);
	if (run->note)
		render_field(out, "", "%s", run->note);
}

static void add_variant(const struct stored_run *run, uint32_t index, struct strbuf *out)
{
	const struct stored_variant *variant = &run->variants[index];
	cleanup_free char *release =
		fingerprint_value(run, index, "variant.kernel_release");
	cleanup_strbuf struct strbuf key = STRBUF_INIT;

	render_short_key(variant->kernel_key, &key);
	render_field(out, index == run->baseline ? "baseline" : "candidate",
		     "%s: Linux %s, kernel %s%s%s", variant->label, or_unknown(release),
		     key.data, variant->cmdline && variant->cmdline[0] ? ", with " : "",
		     variant->cmdline ? variant->cmdline : "");
}

static void add_host(const struct stored_run *run, struct strbuf *out)
{
	cleanup_free char *model = fingerprint_value(run, -1, "host.cpu_model");
	cleanup_free char *cpus = fingerprint_value(run, -1, "host.cpus");
	cleanup_free char *memory = fingerprint_value(run, -1, "host.memory_mib");
	cleanup_free char *kernel = fingerprint_value(run, -1, "host.kernel_release");
	cleanup_free char *hypervisor = fingerprint_value(run, -1, "hypervisor");
	cleanup_free char *toolchain = fingerprint_value(run, -1, "toolchain");
	const char *reason = run->accelerator_reason;
	bool is_tcg = run->accelerator && strcmp(run->accelerator, "tcg") == 0;

	render_field(out, "host", "%s, %s CPUs, %s MiB, Linux %s, %s", or_unknown(model),
		     or_unknown(cpus), or_unknown(memory), or_unknown(kernel),
		     or_unknown(hypervisor));
	if (toolchain && toolchain[0] && toolchain[0] != '{')
		render_field(out, "toolchain", "%s", toolchain);
	if (is_tcg)
		render_field(out, "guests run", "on TCG, an emulated processor: changes in "
			     "the work done show, times are not those of hardware%s%s%s",
			     reason ? " (" : "", reason ? reason : "", reason ? ")" : "");
	else
		render_field(out, "guests run", "on %s", or_unknown(run->accelerator));
}

/* Boots of a variant over all cells. */
static struct comparison_boots sum_boots(const struct comparison *c, uint32_t variant)
{
	struct comparison_boots sum = { .variant = variant };

	for (size_t i = 0; i < c->boots_count; i++) {
		const struct comparison_boots *boots = &c->boots[i];

		if (boots->variant != variant)
			continue;
		sum.planned += boots->planned;
		sum.finished += boots->finished;
		sum.passed += boots->passed;
		sum.failed += boots->failed;
		sum.skipped += boots->skipped;
		sum.broken += boots->broken;
		sum.crashed += boots->crashed;
		sum.timed_out += boots->timed_out;
		sum.disturbed += boots->disturbed;
	}
	return sum;
}

static void add_count(struct strbuf *text, uint32_t count, const char *what)
{
	if (count > 0)
		strbuf_addf(text, ", %u %s", count, what);
}

static void add_boots(const struct stored_run *run, const struct comparison *c,
		      struct strbuf *out)
{
	for (uint32_t variant = 0; variant < run->variants_count; variant++) {
		struct comparison_boots sum = sum_boots(c, variant);
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		strbuf_addf(&text, "%s: %u of %u passed", run->variants[variant].label,
			    sum.passed, sum.planned);
		add_count(&text, sum.crashed, "CRASHED");
		add_count(&text, sum.failed, "FAILED");
		add_count(&text, sum.timed_out, "TIMED OUT");
		add_count(&text, sum.broken, "broken");
		add_count(&text, sum.skipped, "with rows skipped");
		add_count(&text, sum.planned - sum.finished, "not run");
		add_count(&text, sum.disturbed, "disturbed by the host");
		render_field(out, variant ? "" : "boots", "%s", text.data);
	}
	render_field(out, "order", "balanced random blocks, seed %" PRIu64, run->seed);
}

static double smallest_control_p(const struct comparison *c)
{
	double smallest = NAN;

	for (size_t i = 0; i < c->control_count; i++)
		if (!c->control[i].judged.metric->secondary)
			smallest = fmin(smallest, c->control[i].judged.p_adjusted);
	return smallest;
}

static void add_control(const struct stored_run *run, const struct comparison *c,
			struct strbuf *out)
{
	const char *label = run->variants[run->baseline].label;
	double p = smallest_control_p(c);

	if (!run->control)
		render_field(out, "control", "none: the campaign has no A/A control");
	else if (c->control_fired)
		render_field(out, "control", "A/A FAILED: %s differs from itself "
			     "(smallest p %.4f). Verdicts are withheld.", label, p);
	else if (!c->control_can_fire)
		render_field(out, "control", "A/A says nothing: with so few blocks it "
			     "cannot tell %s from itself", label);
	else
		render_field(out, "control", "A/A passed: %s against itself, smallest "
			     "adjusted p %.2f", label, p);
}

static void add_findings(const struct stored_run *run, const struct comparison *c,
			 struct strbuf *out)
{
	if (c->findings_count == 0)
		render_field(out, "findings", "none on any console");
	for (size_t i = 0; i < c->findings_count; i++) {
		const struct comparison_finding *finding = &c->findings[i];

		render_field(out, i ? "" : "findings", "%s: %s: %s (%u boot%s)",
			     run->variants[finding->variant].label,
			     finding_kind_name(finding->kind), finding->title,
			     finding->boots, finding->boots == 1 ? "" : "s");
	}
}

static void add_differences(const struct comparison *c, struct strbuf *out)
{
	if (c->differences.count == 0)
		return;
	strbuf_adds(out, "\nNOT COMPARABLE: boots were measured under different conditions\n");
	for (size_t i = 0; i < c->differences.count; i++)
		render_wrapped(out, "  ", 4, c->differences.items[i]);
}

/* --- metrics ------------------------------------------------------------------- */

static char verdict_sign(enum verdict verdict)
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

static void add_p(struct strbuf *text, const struct metric_comparison *judged)
{
	double p = judged->p_adjusted;

	strbuf_addf(text, p < 0.0001 ? ", p < 0.0001" : ", p %.*f", p < 0.1 ? 4 : 2, p);
}

static void add_mde(struct strbuf *text, double effect)
{
	cleanup_strbuf struct strbuf change = STRBUF_INIT;

	render_change(effect, &change);
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

static void add_certainty(const struct stored_run *run, const struct comparison *c,
			  const struct comparison_entry *entry, struct strbuf *out)
{
	const struct metric_comparison *judged = &entry->judged;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (judged->verdict == VERDICT_NOT_COMPARABLE) {
		strbuf_addf(&text, "%s", judged->reason);
	} else if (judged->reason) {
		strbuf_addf(&text, "no test: %s", judged->reason);
	} else {
		strbuf_addf(&text, "%g %%: ", 100 * c->policy.confidence);
		render_change(judged->interval.low - 1, &text);
		strbuf_adds(&text, " .. ");
		render_change(judged->interval.high - 1, &text);
		add_p(&text, judged);
		add_mde(&text, judged->detectable_effect);
	}
	add_boot_counts(&text, run, c, entry);
	if (entry->is_tail)
		strbuf_adds(&text, ", tail");
	if (judged->blocks_needed > 0)
		strbuf_addf(&text, ", %zu%s block%s short", judged->blocks_needed,
			    judged->blocks_needed + judged->blocks >=
				    STATISTICS_BLOCKS_MAX ? " or" : "",
			    judged->blocks_needed == 1 ? "" : "s");
	render_wrapped(out, "        ", 8, text.data);
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
	render_change(judged->verdict == VERDICT_NOT_COMPARABLE ? (double)NAN :
								  judged->ratio - 1,
		      &change);
	strbuf_addf(&line, "  %c %-22s %12s %12s %9s  ",
		    c->control_fired || judged->metric->secondary ?
			    ' ' : verdict_sign(judged->verdict),
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

static void add_cell(const struct stored_run *run, const struct comparison *c,
		     uint32_t cell, uint32_t variant, struct strbuf *out)
{
	const struct stored_cell *place = &run->cells[cell];
	cleanup_free char *title =
		string_format("guest %s, suite %s: %s against %s", place->guest, place->suite,
			      run->variants[variant].label, run->variants[run->baseline].label);

	strbuf_addc(out, '\n');
	render_wrapped(out, "", 2, title);
	strbuf_addf(out, "    %-22s %12.12s %12.12s %9s  %s\n", "metric",
		    run->variants[run->baseline].label, run->variants[variant].label,
		    "change", "verdict");
	for (uint32_t row = 0; row < place->rows_count; row++)
		add_row(run, c, cell, row, variant, out);
}

/* --- foot ---------------------------------------------------------------------- */

/* Blocks that settle every inconclusive metric, and what that costs. */
static void add_needs(const struct stored_run *run, const struct comparison *c,
		      struct strbuf *out)
{
	size_t needed = 0, had = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct metric_comparison *judged = &c->entries[i].judged;

		if (judged->metric->secondary || judged->blocks_needed <= needed)
			continue;
		needed = judged->blocks_needed;
		had = judged->blocks;
	}
	if (needed == 0)
		return;
	if (needed + had >= STATISTICS_BLOCKS_MAX)
		render_field(out, "to settle", "no number of boots that can be run settles "
			     "the worst inconclusive metric");
	else
		render_field(out, "to settle", "about %zu more blocks (of %zu boots each) for "
			     "the worst inconclusive metric: %zu blocks in all", needed,
			     run->cells_count * run->variants_count, needed + had);
}

static void add_policy(const struct comparison *c, struct strbuf *out)
{
	const char *correction = correction_name(c->policy.correction);

	render_field(out, "policy", "margin %g %%, alpha %g, correction %s. p: permutation "
		     "within blocks, corrected for all metrics that are gated. MDE: the "
		     "smallest change found in 4 of 5 such runs. n: boots of baseline + "
		     "candidate.", c->policy.margin_percent, c->policy.alpha, correction);
}

void render_comparison_text(const struct stored_run *run, const struct comparison *c,
			    struct strbuf *out)
{
	add_run(run, out);
	add_verdict(c, out);
	add_variant(run, (uint32_t)run->baseline, out);
	for (uint32_t i = 0; i < run->variants_count; i++)
		if (i != run->baseline && (int64_t)i != run->control_variant)
			add_variant(run, i, out);
	add_host(run, out);
	add_boots(run, c, out);
	add_control(run, c, out);
	add_findings(run, c, out);
	add_differences(c, out);
	for (uint32_t cell = 0; cell < run->cells_count; cell++)
		for (uint32_t i = 0; i < run->variants_count; i++)
			if (i != run->baseline && (int64_t)i != run->control_variant)
				add_cell(run, c, cell, i, out);
	strbuf_addc(out, '\n');
	add_policy(c, out);
	add_needs(run, c, out);
	add_verdict(c, out);
}
