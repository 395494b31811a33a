/* render_exact.c - what the verdict table says of an exact run beside a timed
 * one: its clock and seeds, its canaries, and how to see what changed.
 */
#include <inttypes.h>
#include <string.h>

#include "memory.h"
#include "render_layout.h"
#include "render_parts.h"

#define HINTS_MAX 4

/* --- head ---------------------------------------------------------------------- */

static bool is_first_of_block(const struct stored_run *run, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (run->trials[i].block == run->trials[index].block)
			return false;
	return true;
}

/* "5 seeds (1..5)" */
static void add_seeds(const struct stored_run *run, struct strbuf *text)
{
	uint64_t low = UINT64_MAX, high = 0;
	size_t count = 0;

	for (size_t i = 0; i < run->trials_count; i++) {
		uint64_t seed = run->trials[i].seed;

		if (!is_first_of_block(run, i))
			continue;
		count++;
		low = seed < low ? seed : low;
		high = seed > high ? seed : high;
	}
	strbuf_addf(text, ", %zu seed%s", count, count == 1 ? "" : "s");
	if (count == 1)
		strbuf_addf(text, " (%" PRIu64 ")", low);
	else if (count > 1)
		strbuf_addf(text, " (%" PRIu64 "..%" PRIu64 ")", low, high);
}

void render_exact_mode(const struct stored_run *run, struct strbuf *out)
{
	const struct exact_policy *exact = &run->exact;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "exact: instruction clock, shift %u", exact->shift);
	add_seeds(run, &text);
	if (exact->counts)
		strbuf_addf(&text, ", counts by %s",
			    exact->by_instruction ? "instruction" : "block");
	else
		strbuf_adds(&text, ", no counts");
	if (exact->jitter_us > 0)
		strbuf_addf(&text, ", interrupted every %u us", exact->jitter_us);
	if (exact->kaslr)
		strbuf_adds(&text, ", KASLR");
	render_field(out, "mode", "%s", text.data);
}

void render_exact_guests(struct strbuf *out)
{
	render_field(out, "guests run", "on TCG by instruction count: the work done shows to "
		     "the last instruction; caches, bandwidth, TLBs and pipelines are left "
		     "out, and CPUs take turns");
}

/* --- canaries ------------------------------------------------------------------ */

/* The label stands at the first line only. */
static const char *label_once(bool *is_first)
{
	const char *label = *is_first ? "control" : "";

	*is_first = false;
	return label;
}

static void add_canary_of_cell(const struct stored_run *run,
			       const struct comparison_canary *canary, bool *is_first,
			       struct strbuf *out)
{
	const struct stored_cell *cell = &run->cells[canary->cell];

	if (canary->failed > 0)
		render_field(out, label_once(is_first), "canary FAILED in %s/%s: %u of %u "
			     "repeats with the same seed gave other bytes. This cell is not "
			     "exact, its verdicts are withheld.", cell->guest, cell->suite,
			     canary->failed, canary->failed + canary->passed);
	else if (canary->passed == 0)
		render_field(out, label_once(is_first), "canary says nothing of %s/%s: no "
			     "repeat could be compared", cell->guest, cell->suite);
}

bool render_exact_is_checked(const struct stored_run *run, const struct comparison *c)
{
	for (size_t i = 0; i < run->cells_count; i++)
		if (c->canaries[i].passed + c->canaries[i].failed > 0)
			return true;
	return false;
}

void render_exact_control(const struct stored_run *run, const struct comparison *c,
			  struct strbuf *out)
{
	uint32_t passed = 0, odd = 0;
	bool is_first = true;

	for (size_t i = 0; i < run->cells_count; i++) {
		add_canary_of_cell(run, &c->canaries[i], &is_first, out);
		if (c->canaries[i].failed > 0)
			continue;
		passed += c->canaries[i].passed;
		odd += c->canaries[i].odd;
	}
	if (passed == 0)
		return;
	if (odd > 0)
		render_field(out, label_once(&is_first), "canary passed: %u of %u repeats gave "
			     "the same bytes, %u of them after an odd trial of three was "
			     "left out", passed, passed, odd);
	else
		render_field(out, label_once(&is_first), "canary passed: %u of %u repeats gave "
			     "the same bytes", passed, passed);
}

/* --- foot ---------------------------------------------------------------------- */

void render_exact_policy(const struct comparison *c, struct strbuf *out)
{
	render_field(out, "policy", "margin %g %%, alpha %g, correction %s. p: paired t test "
		     "over the seeds, corrected for all metrics that are gated; a change must "
		     "also lie beyond the margin; p(=): two one-sided t tests against it. MDE: the smallest change found in 4 of 5 "
		     "such runs.", c->policy.margin_percent, c->policy.alpha,
		     correction_name(c->policy.correction));
}

/* A row whose instructions changed, once for all its metrics. */
static bool is_changed_row(const struct comparison *c, size_t index)
{
	const struct comparison_entry *entry = &c->entries[index];
	const struct metric_comparison *judged = &entry->judged;

	return strcmp(judged->metric->unit, "insn") == 0 && !judged->metric->secondary &&
	       (judged->verdict == VERDICT_REGRESSED || judged->verdict == VERDICT_IMPROVED);
}

static bool is_told(const struct comparison *c, size_t index)
{
	const struct comparison_entry *entry = &c->entries[index];

	for (size_t i = 0; i < index; i++)
		if (is_changed_row(c, i) && c->entries[i].cell == entry->cell &&
		    c->entries[i].row == entry->row &&
		    c->entries[i].variant == entry->variant)
			return true;
	return false;
}

static void add_hint(const struct stored_run *run, const struct comparison_entry *entry,
		     struct strbuf *out)
{
	const struct stored_cell *cell = &run->cells[entry->cell];
	cleanup_free char *first = string_format("kerngate profile %s --variant %s \\", run->id,
						 run->variants[entry->variant].name);
	cleanup_free char *second = string_format("--cell %s/%s --row %s", cell->guest,
						  cell->suite, cell->rows[entry->row].name);

	render_wrapped(out, "  ", 6, first);
	render_wrapped(out, "      ", 6, second);
}

void render_exact_hints(const struct stored_run *run, const struct comparison *c,
			struct strbuf *out)
{
	size_t count = 0;

	for (size_t i = 0; run->mode == MODE_EXACT && i < c->count; i++) {
		if (!is_changed_row(c, i) || is_told(c, i))
			continue;
		if (count == 0)
			strbuf_adds(out, "which functions changed, these commands tell:\n");
		if (count++ < HINTS_MAX)
			add_hint(run, &c->entries[i], out);
	}
	if (count > HINTS_MAX)
		strbuf_addf(out, "  and likewise for %zu more rows\n", count - HINTS_MAX);
}
