/* render_outcomes.c - what the verdict table says beside the metrics: boots that did
 * not pass, looks on the way, and boots that the host disturbed.
 */
#include <inttypes.h>
#include <math.h>

#include "memory.h"
#include "render_layout.h"
#include "render_parts.h"

/* --- pass rates ---------------------------------------------------------------- */

/* "patched 5 of 6 (36 % .. 100 %)" */
static void add_rate(struct strbuf *text, const char *label, uint32_t passed, uint32_t count,
		     struct interval rate)
{
	strbuf_addf(text, "%s %" PRIu32 " of %" PRIu32, label, passed, count);
	if (count > 0)
		strbuf_addf(text, " (%.3g %% .. %.3g %%)", 100 * rate.low, 100 * rate.high);
}

static void add_outcome(const struct stored_run *run, const struct comparison *c,
			const struct comparison_outcome *outcome, const char *label,
			struct strbuf *out)
{
	const struct stored_cell *cell = &run->cells[outcome->cell];
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%s/%s: ", cell->guest, cell->suite);
	add_rate(&text, run->variants[outcome->variant].label, outcome->b_passed,
		 outcome->b_count, outcome->b_rate);
	strbuf_adds(&text, ", ");
	add_rate(&text, run->variants[run->baseline].label, outcome->a_passed, outcome->a_count,
		 outcome->a_rate);
	if (!isnan(outcome->p_adjusted))
		render_p(&text, "p", outcome->p_adjusted);
	strbuf_addf(&text, ": %s", verdict_name(outcome->verdict));
	if (outcome->verdict == VERDICT_REGRESSED && !c->outcome_worse)
		strbuf_adds(&text, ", since the baseline never fails");
	render_field(out, label, "%s", text.data);
}

void render_outcomes(const struct stored_run *run, const struct comparison *c,
		     struct strbuf *out)
{
	bool is_first = true;

	for (size_t i = 0; i < c->outcomes_count; i++) {
		const struct comparison_outcome *outcome = &c->outcomes[i];

		if (outcome->a_passed == outcome->a_count &&
		    outcome->b_passed == outcome->b_count)
			continue;
		add_outcome(run, c, outcome, is_first ? "pass rates" : "", out);
		is_first = false;
	}
}

/* --- looks ----------------------------------------------------------------------- */

void render_looks(const struct comparison *c, struct strbuf *out)
{
	const struct comparison_looks *looks = &c->looks;

	if (looks->planned_count == 0)
		return;
	render_field(out, "looks", "%zu of %zu, after %" PRIu32 " of at most %" PRIu32 " blocks%s. "
		     "A look spends a part of alpha: p is judged at %.2g here, intervals are "
		     "wider to match.", looks->taken_count, looks->planned_count, looks->blocks,
		     looks->blocks_max, looks->stopped ? ": stopped early, all is settled" : "",
		     c->policy.alpha);
}

/* --- behind the verdict -------------------------------------------------------- */

void render_circumstances(const struct comparison *c, struct strbuf *text)
{
	const struct comparison_looks *looks = &c->looks;
	uint32_t disturbed = 0, finished = 0;

	for (size_t i = 0; i < c->boots_count; i++) {
		disturbed += c->boots[i].disturbed;
		finished += c->boots[i].finished;
	}
	if (looks->planned_count > 0)
		strbuf_addf(text, "; %zu of %zu looks%s", looks->taken_count, looks->planned_count,
			    looks->stopped ? ", stopped early" : "");
	if (disturbed > 0)
		strbuf_addf(text, "; the host was DISTURBED in %" PRIu32 " of %" PRIu32 " boots",
			    disturbed, finished);
}
