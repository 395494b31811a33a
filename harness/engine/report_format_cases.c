/* report_format_cases.c - a judged run as suites of test cases, for formats that know
 * only those: each metric's verdict, what came of each variant's boots, the control
 * and the gate. docs/formats.md has the mapping; it gives the gate's exit code back.
 */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "render.h"
#include "render_parts.h"
#include "report_format_parts.h"

static struct format_case *add_case(struct format_suite *suite, const char *place)
{
	suite->cases = memory_realloc_array(suite->cases, suite->count + 1,
					    sizeof(*suite->cases));
	suite->cases[suite->count] = (struct format_case){ .place = string_copy(place),
							   .type = "" };
	return &suite->cases[suite->count++];
}

/* --- boots -------------------------------------------------------------------- */

static uint32_t bad_count(const struct comparison_boots *boots)
{
	return boots->crashed + boots->failed + boots->timed_out;
}

static bool baseline_fails(const struct format_input *input)
{
	const struct comparison *c = input->comparison;

	for (size_t i = 0; i < c->boots_count; i++)
		if (format_side(input->run, c->boots[i].variant) == input->run->baseline &&
		    bad_count(&c->boots[i]) > 0)
			return true;
	return false;
}

/* NULL: pass rates were not compared. */
static const struct comparison_outcome *find_outcome(const struct comparison *c,
						     const struct comparison_boots *boots)
{
	for (size_t i = 0; i < c->outcomes_count; i++)
		if (c->outcomes[i].cell == boots->cell && c->outcomes[i].variant == boots->variant)
			return &c->outcomes[i];
	return NULL;
}

/* A crash that only a candidate has is a regression by itself, whatever the control
 * says; else it is the pass rates that tell, as far as the control lets them. */
static enum format_status boots_status(const struct format_input *input,
				       const struct comparison_boots *boots)
{
	const struct comparison *c = input->comparison;
	const struct comparison_outcome *outcome = find_outcome(c, boots);
	bool is_withheld = c->control_fired || c->canary_failed;

	/* The baseline's own misfortunes are told and never gated. */
	if (format_side(input->run, boots->variant) == input->run->baseline ||
	    bad_count(boots) == 0)
		return CASE_PASS;
	if (!baseline_fails(input))
		return CASE_FAIL;
	if (!outcome || is_withheld)
		return CASE_UNSETTLED;
	return outcome->verdict == VERDICT_REGRESSED ? CASE_FAIL :
	       outcome->verdict == VERDICT_IMPROVED ? CASE_PASS : CASE_UNSETTLED;
}

static void judge_boots(const struct format_input *input, const struct comparison_boots *boots,
			struct format_case *item)
{
	item->status = boots_status(input, boots);
	if (item->status == CASE_UNSETTLED)
		item->type = "inconclusive";
	if (item->status != CASE_FAIL)
		return;
	item->type = boots->crashed ? "crashed" : boots->failed ? "failed" : "timed-out";
	item->timed_out = boots->timed_out == bad_count(boots);
}

static char *boots_message(const struct format_input *input,
			   const struct comparison_boots *boots, enum format_status status)
{
	const struct comparison_outcome *outcome = find_outcome(input->comparison, boots);
	struct strbuf text = STRBUF_INIT;

	render_boots(input->run, boots, &text);
	if (status == CASE_FAIL && !baseline_fails(input))
		strbuf_adds(&text, "; the baseline never crashed, failed or hung so");
	else if (outcome && isfinite(outcome->p_adjusted) && bad_count(boots) > 0)
		strbuf_addf(&text, "; of the baseline's %u of %u: p %.4f", outcome->a_passed,
			    outcome->a_count, outcome->p_adjusted);
	else if (status == CASE_UNSETTLED)
		strbuf_adds(&text, "; boots of the baseline crashed, failed or hung too");
	return strbuf_detach(&text);
}

static bool is_of(const struct stored_trial *trial, const struct comparison_boots *boots)
{
	return trial && trial->cell == boots->cell && trial->variant == boots->variant &&
	       !trial->superseded;
}

static void add_trials(const struct stored_run *run, const struct comparison_boots *boots,
		       struct format_case *item, struct strbuf *output)
{
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (!is_of(trial, boots) || trial->state != TRIAL_FINISHED)
			continue;
		item->duration_ns += trial->duration_ns;
		if (trial->outcome == OUTCOME_PASSED)
			continue;
		strbuf_addf(output, "trial %u: %s%s%s\n", trial->order + 1,
			    outcome_name(trial->outcome), trial->reason ? ": " : "",
			    trial->reason ? trial->reason : "");
	}
}

/* Each bug once, with the excerpt of the first console that shows it. */
static void add_findings(const struct stored_run *run, const struct comparison_boots *boots,
			 const struct stored_finding *findings, size_t count,
			 struct strbuf *output)
{
	for (size_t i = 0; i < count; i++) {
		const struct finding *finding = &findings[i].finding;
		const struct stored_trial *trial = format_trial(run, findings[i].trial_id);
		bool is_known = false;

		if (!is_of(trial, boots))
			continue;
		for (size_t k = 0; k < i && !is_known; k++)
			is_known = findings[k].finding.kind == finding->kind &&
				   strcmp(findings[k].finding.title, finding->title) == 0 &&
				   is_of(format_trial(run, findings[k].trial_id), boots);
		if (is_known)
			continue;
		strbuf_addf(output, "%s: %s (trial %u)\n", finding_kind_name(finding->kind),
			    finding->title, trial->order + 1);
		if (finding->excerpt && finding->excerpt[0])
			strbuf_addf(output, "%s\n", finding->excerpt);
	}
}

static void add_boots(const struct format_input *input, const struct comparison_boots *boots,
		      const struct stored_finding *findings, size_t count,
		      struct format_suite *suite)
{
	struct format_case *item = add_case(suite, suite->name);
	cleanup_strbuf struct strbuf output = STRBUF_INIT;

	item->name = string_format("%s: boots", input->run->variants[boots->variant].label);
	judge_boots(input, boots, item);
	item->message = boots_message(input, boots, item->status);
	add_trials(input->run, boots, item, &output);
	add_findings(input->run, boots, findings, count, &output);
	if (output.length > 0)
		item->output = strbuf_detach(&output);
	suite->duration_ns += item->duration_ns;
}

/* --- metrics --------------------------------------------------------------------- */

enum format_status format_metric_status(const struct comparison *comparison,
					const struct comparison_entry *entry)
{
	if (entry->judged.metric->secondary)
		return CASE_PASS;
	if (comparison->control_fired)
		return CASE_UNSETTLED;
	switch (entry->judged.verdict) {
	case VERDICT_IMPROVED:
	case VERDICT_EQUIVALENT:
		return CASE_PASS;
	case VERDICT_REGRESSED:
		return CASE_FAIL;
	case VERDICT_INCONCLUSIVE:
		return CASE_UNSETTLED;
	case VERDICT_NOT_COMPARABLE:
		break;
	}
	return CASE_ERROR;
}

static void add_metric(const struct format_input *input, const struct comparison_entry *entry,
		       struct format_suite *suite)
{
	const struct stored_row *row = &input->run->cells[entry->cell].rows[entry->row];
	cleanup_free char *place = string_format("%s/%s", suite->name, row->name);
	struct format_case *item = add_case(suite, place);
	cleanup_strbuf struct strbuf message = STRBUF_INIT;

	item->name = string_format("%s: %s", input->run->variants[entry->variant].label,
				   entry->judged.metric->name);
	item->status = format_metric_status(input->comparison, entry);
	if (item->status != CASE_PASS)
		item->type = input->comparison->control_fired ?
				     "withheld" : verdict_name(entry->judged.verdict);
	format_add_sentence(input, entry, &message);
	item->message = strbuf_detach(&message);
}

static void make_cell(const struct format_input *input, uint32_t cell,
		      const struct stored_finding *findings, size_t count,
		      struct format_suite *suite)
{
	const struct comparison *c = input->comparison;
	const struct stored_cell *place = &input->run->cells[cell];

	suite->name = string_format("%s/%s", place->guest, place->suite);
	for (size_t i = 0; i < c->boots_count; i++)
		if (c->boots[i].cell == cell)
			add_boots(input, &c->boots[i], findings, count, suite);
	for (size_t i = 0; i < c->count; i++)
		if (c->entries[i].cell == cell)
			add_metric(input, &c->entries[i], suite);
}

/* --- the run as a whole ------------------------------------------------------------ */

static char *conditions(const struct comparison *c)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < c->differences.count; i++)
		strbuf_addf(&text, "%s\n", c->differences.items[i]);
	return text.length > 0 ? strbuf_detach(&text) : NULL;
}

/* Why a control that is quiet may say nothing; "" where it does say something. */
static const char *control_weakness(const struct stored_run *run, const struct comparison *c)
{
	if (run->mode == MODE_EXACT)
		return render_exact_is_checked(run, c) ? "" : "; no repeat could be compared";
	return c->control_can_fire ? "" : "; with so few blocks that says nothing";
}

static void add_control(const struct format_input *input, struct format_suite *suite)
{
	const struct stored_run *run = input->run;
	const struct comparison *c = input->comparison;
	const char *label = run->variants[run->baseline].label;
	struct format_case *item;

	if (run->mode != MODE_EXACT && !run->control)
		return;
	item = add_case(suite, suite->name);
	item->name = string_copy(run->mode == MODE_EXACT ? "canary" : "A/A control");
	if (c->control_fired)
		item->message = string_format("the A/A control fired: %s differs from itself, "
					      "so all verdicts are withheld", label);
	else if (c->canary_failed)
		item->message = string_format("a canary failed: %s with the same seed gave other "
					      "bytes", label);
	else
		item->message = string_format("%s was compared with itself%s", label,
					      control_weakness(run, c));
	if (c->control_fired || c->canary_failed) {
		item->status = CASE_ERROR;
		item->type = c->control_fired ? "control fired" : "canary failed";
	}
}

static enum format_status gate_status(enum gate_exit gate)
{
	switch (gate) {
	case GATE_PASS:
		return CASE_PASS;
	case GATE_REGRESSED:
		return CASE_FAIL;
	case GATE_INCONCLUSIVE:
		return CASE_UNSETTLED;
	default:
		return CASE_ERROR;
	}
}

static void make_run(const struct format_input *input, struct format_suite *suite)
{
	static const char *const types[] = {
		[CASE_PASS] = "",
		[CASE_FAIL] = "regressed",
		[CASE_UNSETTLED] = "inconclusive",
		[CASE_ERROR] = "not comparable",
	};
	const struct comparison *c = input->comparison;
	struct format_case *item;

	suite->name = string_copy("run");
	add_control(input, suite);
	item = add_case(suite, suite->name);
	item->name = string_copy("gate");
	item->status = gate_status(c->gate);
	item->type = types[item->status];
	item->message = string_format("gate: exit %d, %s%s%s", (int)c->gate,
				      render_gate_meaning(c->gate),
				      strcmp(input->run->state, "finished") ? "; the run is " : "",
				      strcmp(input->run->state, "finished") ? input->run->state :
									      "");
	item->output = conditions(c);
}

int format_suites_make(const struct format_input *input, struct format_suite **ret_suites,
		       size_t *ret_count, struct error *err)
{
	const struct stored_run *run = input->run;
	struct format_suite *suites;
	struct stored_finding *findings;
	size_t count;
	int rc = input->source->findings(input->source->context, run->id, &findings, &count, err);

	if (rc)
		return rc;
	suites = memory_alloc_array(run->cells_count + 1, sizeof(*suites));
	for (uint32_t cell = 0; cell < run->cells_count; cell++)
		make_cell(input, cell, findings, count, &suites[cell]);
	make_run(input, &suites[run->cells_count]);
	stored_findings_free(findings, count);
	*ret_suites = suites;
	*ret_count = run->cells_count + 1;
	return 0;
}

void format_suites_free(struct format_suite *suites, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < suites[i].count; k++) {
			free(suites[i].cases[k].place);
			free(suites[i].cases[k].name);
			free(suites[i].cases[k].message);
			free(suites[i].cases[k].output);
		}
		free(suites[i].cases);
		free(suites[i].name);
	}
	free(suites);
}

size_t format_suite_count(const struct format_suite *suite, enum format_status status)
{
	size_t count = 0;

	for (size_t i = 0; i < suite->count; i++)
		count += suite->cases[i].status == status;
	return count;
}
