/* render.c - the verdict table as text. It computes nothing that decides: the
 * figures come from comparison.c.
 */
#include "render.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "render_layout.h"
#include "render_parts.h"

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
		return "not comparable, or the A/A control or a canary failed";
	case GATE_USAGE:
		return "wrong usage";
	}
	return "unknown";
}

/* Value of a key in a fingerprint; owned, NULL if it has none. */
static char *line_value(const char *line, const char *key)
{
	cleanup_free char *wanted = string_format("%s=", key);

	while (*line) {
		size_t length = strcspn(line, "\n");

		if (strncmp(line, wanted, strlen(wanted)) == 0)
			return string_copy_n(line + strlen(wanted), length - strlen(wanted));
		line += length + (line[length] == '\n');
	}
	return NULL;
}

char *render_fingerprint(const struct stored_run *run, int64_t variant, const char *key)
{
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];
		char *value = NULL;

		if (trial->fingerprint && (variant < 0 || trial->variant == variant))
			value = line_value(trial->fingerprint, key);
		if (value)
			return value;
	}
	return NULL;
}

void render_series(const struct stored_variant *variant, struct strbuf *out)
{
	json_t *record = variant->kernel_record ?
			 json_loads(variant->kernel_record, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const json_t *patches = json_object_get(record, "patches");
	const char *before = "";

	for (size_t i = 0; i < json_array_size(patches); i++) {
		const char *series = json_string_value(
			json_object_get(json_array_get(patches, i), "series"));

		if (!series || strcmp(series, before) == 0)
			continue;
		strbuf_addf(out, " + %s", series);
		before = series;
	}
	json_decref(record);
}

static const char *or_unknown(const char *text)
{
	return text && text[0] ? text : "unknown";
}

/* --- the bottom line, at the top and at the end ----------------------------------- */

/* "1 regressed, 3 equivalent"; derived metrics do not count. */
static void add_counts(const struct stored_run *run, const struct comparison *c,
		       struct strbuf *text)
{
	static const enum verdict order[] = {
		VERDICT_REGRESSED, VERDICT_IMPROVED, VERDICT_EQUIVALENT,
		VERDICT_INCONCLUSIVE, VERDICT_NOT_COMPARABLE,
	};
	size_t before = text->length;
	size_t copies = run->control_variant >= 0 ? 2 : 1;

	for (size_t k = 0; k < ARRAY_COUNT(order); k++) {
		size_t count = 0;

		for (size_t i = 0; i < c->count; i++)
			count += c->entries[i].judged.verdict == order[k] &&
				 !c->entries[i].judged.metric->secondary;
		if (count > 0)
			strbuf_addf(text, "%s%zu %s", text->length > before ? ", " : "",
				    count, verdict_name(order[k]));
	}
	if (text->length == before)
		strbuf_adds(text, run->variants_count > copies ? "no metric was measured" :
			    "one variant, nothing to compare it with");
}

/* What decided where it was not a metric. */
static const char *other_cause(const struct comparison *c)
{
	if (c->outcome_worse)
		return "; a candidate crashed, failed or hung MORE OFTEN than the baseline";
	if (c->outcome_regressed)
		return "; a candidate CRASHED, FAILED or HUNG where the baseline never did";
	if (c->outcome_suspect)
		return "; baseline and candidate crashed, failed or hung";
	if (c->canary_failed)
		return "; a canary FAILED: not every cell is exact";
	return "";
}

void render_verdict(const struct stored_run *run, const struct comparison *c,
		    struct strbuf *out)
{
	static const char *const words[] = {
		[GATE_PASS] = "pass",
		[GATE_REGRESSED] = "REGRESSED",
		[GATE_FAILED] = "FAILED",
		[GATE_INCONCLUSIVE] = "INCONCLUSIVE",
		[GATE_NOT_COMPARABLE] = "NOT COMPARABLE",
	};

	strbuf_addf(out, "%s (gate: exit %d): ", words[c->gate], (int)c->gate);
	if (c->control_fired)
		strbuf_adds(out, "verdicts withheld, the A/A control fired");
	else
		add_counts(run, c, out);
	strbuf_adds(out, other_cause(c));
	render_circumstances(c, out);
}

static void add_verdict(const struct stored_run *run, const struct comparison *c,
			struct strbuf *out)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	render_verdict(run, c, &text);
	render_field(out, "verdict", "%s", text.data);
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
		render_fingerprint(run, index, "variant.kernel_release");
	cleanup_strbuf struct strbuf key = STRBUF_INIT, series = STRBUF_INIT;

	render_short_key(variant->kernel_key, &key);
	render_series(variant, &series);
	render_field(out, index == run->baseline ? "baseline" : "candidate",
		     "%s: Linux %s%s, kernel %s%s%s", variant->label, or_unknown(release),
		     series.data, key.data, variant->cmdline && variant->cmdline[0] ? ", with " : "",
		     variant->cmdline ? variant->cmdline : "");
}

/* Whether a boot ran on another host than this; only exact runs may. */
static bool has_other_host(const struct stored_run *run, const char *model,
			   const char *kernel)
{
	for (size_t i = 0; i < run->trials_count; i++) {
		const char *text = run->trials[i].fingerprint;
		cleanup_free char *other_model = text ? line_value(text, "host.cpu_model") : NULL;
		cleanup_free char *other_kernel =
			text ? line_value(text, "host.kernel_release") : NULL;

		if ((other_model && model && strcmp(other_model, model) != 0) ||
		    (other_kernel && kernel && strcmp(other_kernel, kernel) != 0))
			return true;
	}
	return false;
}

static void add_host(const struct stored_run *run, struct strbuf *out)
{
	cleanup_free char *model = render_fingerprint(run, -1, "host.cpu_model");
	cleanup_free char *cpus = render_fingerprint(run, -1, "host.cpus");
	cleanup_free char *memory = render_fingerprint(run, -1, "host.memory_mib");
	cleanup_free char *kernel = render_fingerprint(run, -1, "host.kernel_release");
	cleanup_free char *hypervisor = render_fingerprint(run, -1, "hypervisor");
	cleanup_free char *toolchain = render_fingerprint(run, -1, "toolchain");
	const char *reason = run->accelerator_reason;
	bool is_tcg = run->accelerator && strcmp(run->accelerator, "tcg") == 0;

	render_field(out, "host", "%s, %s CPUs, %s MiB, Linux %s, %s%s", or_unknown(model),
		     or_unknown(cpus), or_unknown(memory), or_unknown(kernel),
		     or_unknown(hypervisor),
		     has_other_host(run, model, kernel) ? "; and another host" : "");
	if (toolchain && toolchain[0] && toolchain[0] != '{')
		render_field(out, "toolchain", "%s", toolchain);
	if (run->mode == MODE_EXACT)
		render_exact_guests(out);
	else if (is_tcg)
		render_field(out, "guests run", "on TCG, an emulated processor: changes in "
			     "the work done show, times are not those of hardware%s%s%s",
			     reason ? " (" : "", reason ? reason : "", reason ? ")" : "");
	else
		render_field(out, "guests run", "on %s", or_unknown(run->accelerator));
}

struct comparison_boots render_sum_boots(const struct comparison *c, uint32_t variant)
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

void render_boots(const struct stored_run *run, const struct comparison_boots *boots,
		  struct strbuf *out)
{
	strbuf_addf(out, "%s: %u of %u passed", run->variants[boots->variant].label,
		    boots->passed, boots->planned);
	add_count(out, boots->crashed, "CRASHED");
	add_count(out, boots->failed, "FAILED");
	add_count(out, boots->timed_out, "TIMED OUT");
	add_count(out, boots->broken, "broken");
	add_count(out, boots->skipped, "with rows skipped");
	add_count(out, boots->planned - boots->finished, "not run");
	add_count(out, boots->disturbed, "disturbed by the host");
}

static void add_boots(const struct stored_run *run, const struct comparison *c,
		      struct strbuf *out)
{
	for (uint32_t variant = 0; variant < run->variants_count; variant++) {
		struct comparison_boots sum = render_sum_boots(c, variant);
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		render_boots(run, &sum, &text);
		render_field(out, variant ? "" : "boots", "%s", text.data);
	}
	render_outcomes(run, c, out);
	if (run->mode != MODE_EXACT)
		render_field(out, "order", "balanced random blocks, seed %" PRIu64, run->seed);
	render_looks(c, out);
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

	if (run->mode == MODE_EXACT)
		render_exact_control(run, c, out);
	else if (!run->control)
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

/* --- foot ---------------------------------------------------------------------- */

/* Without a control in every block exact runs boot the baseline once, but for the
 * first block. */
static size_t boots_per_block(const struct stored_run *run)
{
	bool is_copied = run->control || run->control_variant < 0;

	return run->cells_count * (run->variants_count - (is_copied ? 0 : 1));
}

/* Blocks that settle every inconclusive metric, and what that costs. */
static void add_needs(const struct stored_run *run, const struct comparison *c,
		      struct strbuf *out)
{
	const char *what = run->mode == MODE_EXACT ? "seeds" : "blocks";
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
		render_field(out, "to settle", "about %zu more %s (of %zu boots each) for "
			     "the worst inconclusive metric: %zu %s in all%s", needed, what,
			     boots_per_block(run), needed + had, what,
			     c->looks.blocks < c->looks.blocks_max ?
			     " by the level of this look; the last asks for less" : "");
}

static void add_policy(const struct comparison *c, struct strbuf *out)
{
	const char *correction = correction_name(c->policy.correction);

	render_field(out, "policy", "margin %g %%, alpha %g, correction %s. p: permutation "
		     "within blocks, corrected for all metrics that are gated; p(=): two "
		     "one-sided t tests against the margin. MDE: the smallest change "
		     "found in 4 of 5 such runs. n: boots of baseline + candidate.", c->policy.margin_percent, c->looks.alpha, correction);
}

void render_comparison_text(const struct stored_run *run, const struct comparison *c,
			    struct strbuf *out)
{
	add_run(run, out);
	add_verdict(run, c, out);
	if (run->mode == MODE_EXACT)
		render_exact_mode(run, out);
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
				render_cell(run, c, cell, i, out);
	strbuf_addc(out, '\n');
	if (run->mode == MODE_EXACT)
		render_exact_policy(c, out);
	else
		add_policy(c, out);
	add_needs(run, c, out);
	render_exact_hints(run, c, out);
	add_verdict(run, c, out);
}
