/* report_html_verdict.c - the first thing that is read: what the gate says, why, and
 * where; then what must be known to believe it.
 */
#include <math.h>
#include <string.h>

#include "clock.h"
#include "html_text.h"
#include "memory.h"
#include "render.h"
#include "report_html_parts.h"

/* --- why ------------------------------------------------------------------------------------- */

/* " with patched, on guest up, suite quick" */
static void add_place(const struct report_page *page, uint32_t cell, uint32_t variant,
		      struct strbuf *out)
{
	const struct stored_cell *place = &page->run->cells[cell];

	strbuf_adds(out, " with ");
	html_text(out, page->run->variants[variant].label);
	strbuf_adds(out, " on guest ");
	html_text(out, place->guest);
	strbuf_adds(out, ", suite ");
	html_text(out, place->suite);
}

static void add_name(const struct report_page *page, const struct comparison_entry *entry,
		     struct strbuf *out)
{
	const struct stored_row *row = &page->run->cells[entry->cell].rows[entry->row];

	strbuf_addf(out, "<a href=\"#m-%u-%u-%u\">", entry->cell, entry->row, entry->metric);
	html_text(out, row->name);
	strbuf_addc(out, '.');
	html_text(out, row->metrics[entry->metric].name);
	strbuf_adds(out, "</a>");
}

static size_t count_verdict(const struct report_page *page, enum verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < page->count; i++)
		count += page->entries[i]->judged.verdict == verdict &&
			 !page->entries[i]->judged.metric->secondary;
	return count;
}

static void add_worst(const struct report_page *page, struct strbuf *out)
{
	const struct comparison_entry *worst = page->entries[0];
	const struct metric_info *info = worst->judged.metric;
	size_t regressed = count_verdict(page, VERDICT_REGRESSED);

	add_name(page, worst, out);
	strbuf_adds(out, " changed by <strong>");
	report_percent(page, out, worst->judged.ratio - 1);
	strbuf_adds(out, "</strong>");
	add_place(page, worst->cell, worst->variant, out);
	if (isfinite(worst->judged.interval.high)) {
		strbuf_addf(out, " (%.4g&nbsp;%% interval ", 100 * page->comparison->policy.confidence);
		report_interval(page, out, worst->judged.interval);
		strbuf_adds(out, "; ");
	} else {
		strbuf_adds(out, " (");
	}
	strbuf_addf(out, "%s is better, margin %g&nbsp;%%).", metric_direction_name(info->better),
		    page->comparison->policy.margin_percent);
	if (regressed > 1)
		strbuf_addf(out, " %zu of %zu gated metrics regressed; this is the largest change.",
			    regressed, report_gated_count(page));
	else
		strbuf_addf(out, " It is the only one of %zu gated metric%s that regressed.",
			    report_gated_count(page), report_gated_count(page) == 1 ? "" : "s");
}

static void add_bad_boots(const struct report_page *page, struct strbuf *out)
{
	const struct comparison *c = page->comparison;
	bool is_first = true;

	for (size_t i = 0; i < c->boots_count; i++) {
		const struct comparison_boots *boots = &c->boots[i];
		uint32_t bad = boots->crashed + boots->failed + boots->timed_out;

		if (!bad)
			continue;
		strbuf_addf(out, "%s%u of %u boots <strong>crashed, failed or hung</strong>",
			    is_first ? "" : "; ", bad, boots->finished);
		add_place(page, boots->cell, boots->variant, out);
		is_first = false;
	}
	strbuf_adds(out, c->outcome_worse ? "; more often than the baseline, which Fisher's exact test does "
					    "not take for chance. " :
			 c->outcome_regressed ? "; the baseline never did. " : ". ");
	strbuf_adds(out, "<a href=\"#findings\">What the consoles say</a>.");
}

static void add_not_comparable(const struct report_page *page, struct strbuf *out)
{
	const struct comparison *c = page->comparison;
	size_t count = count_verdict(page, VERDICT_NOT_COMPARABLE);

	if (c->control_fired) {
		strbuf_adds(out, "The A/A control fired: ");
		html_text(out, page->run->variants[page->run->baseline].label);
		strbuf_adds(out, " differs from itself, so host or harness make differences out of "
			    "nothing. All verdicts are withheld.");
		return;
	}
	if (c->canary_failed)
		strbuf_adds(out, "A canary failed: the same kernel with the same seed gave other "
			    "bytes, so not every cell is exact. ");
	if (c->outcome_suspect) {
		add_bad_boots(page, out);
		strbuf_addc(out, ' ');
	}
	if (!page->count) {
		strbuf_adds(out, "Nothing was measured that could be compared.");
		return;
	}
	strbuf_addf(out, "%zu of %zu gated metrics cannot be compared", count,
		    report_gated_count(page));
	if (count && page->entries[0]->judged.reason) {
		strbuf_adds(out, ": ");
		html_text(out, page->entries[0]->judged.reason);
	}
	strbuf_addc(out, '.');
	if (c->differences.count)
		strbuf_adds(out, " <a href=\"#differences\">What differs</a>.");
}

/* The most blocks that any inconclusive metric lacks. */
static size_t blocks_short(const struct report_page *page, size_t *ret_had)
{
	size_t needed = 0;

	*ret_had = 0;
	for (size_t i = 0; i < page->count; i++) {
		const struct metric_comparison *judged = &page->entries[i]->judged;

		if (judged->metric->secondary || judged->blocks_needed <= needed)
			continue;
		needed = judged->blocks_needed;
		*ret_had = judged->blocks;
	}
	return needed;
}

static void add_inconclusive(const struct report_page *page, struct strbuf *out)
{
	const char *what = page->run->mode == MODE_EXACT ? "seeds" : "blocks";
	size_t had, needed = blocks_short(page, &had);

	strbuf_addf(out, "%zu of %zu gated metrics are not settled; none regressed.",
		    count_verdict(page, VERDICT_INCONCLUSIVE), report_gated_count(page));
	if (needed + had >= STATISTICS_BLOCKS_MAX)
		strbuf_adds(out, " No number of boots that can be run would settle the worst.");
	else if (needed)
		strbuf_addf(out, " About %zu more %s would settle the worst (it has %zu).", needed,
			    what, had);
}

static void add_pass(const struct report_page *page, struct strbuf *out)
{
	size_t improved = count_verdict(page, VERDICT_IMPROVED);
	double largest = 0;

	for (size_t i = 0; i < page->count; i++)
		if (!page->entries[i]->judged.metric->secondary &&
		    isfinite(page->entries[i]->judged.detectable_effect))
			largest = fmax(largest, page->entries[i]->judged.detectable_effect);
	strbuf_addf(out, "%zu of %zu gated metrics stayed within %g&nbsp;%%, %zu improved.",
		    count_verdict(page, VERDICT_EQUIVALENT), report_gated_count(page),
		    page->comparison->policy.margin_percent, improved);
	if (largest > 0) {
		strbuf_adds(out, " This run finds a change of ");
		report_size(page, out, largest);
		strbuf_adds(out, " in its noisiest metric in 4 of 5 cases.");
	}
}

static void add_why(const struct report_page *page, struct strbuf *out)
{
	const struct comparison *c = page->comparison;

	if (c->outcome_regressed || (c->outcome_suspect && c->gate == GATE_INCONCLUSIVE))
		add_bad_boots(page, out);
	else if (c->gate == GATE_REGRESSED && page->count)
		add_worst(page, out);
	else if (c->gate == GATE_INCONCLUSIVE)
		add_inconclusive(page, out);
	else if (c->gate == GATE_PASS)
		add_pass(page, out);
	else
		add_not_comparable(page, out);
}

/* --- what must be known ------------------------------------------------------------------------ */

static uint32_t not_run(const struct report_page *page)
{
	uint32_t open = 0;

	for (size_t i = 0; i < page->comparison->boots_count; i++)
		open += page->comparison->boots[i].planned - page->comparison->boots[i].finished;
	return open;
}

static uint32_t disturbed(const struct report_page *page)
{
	uint32_t count = 0;

	for (size_t i = 0; i < page->comparison->boots_count; i++)
		count += page->comparison->boots[i].disturbed;
	return count;
}

static void add_control_notes(const struct report_page *page, struct strbuf *out)
{
	const struct comparison *c = page->comparison;

	if (page->run->mode == MODE_EXACT)
		return;
	if (!page->run->control)
		strbuf_adds(out, "<li>No A/A control: the campaign measures the baseline once. "
			    "Nothing would tell of a host that makes differences.</li>\n");
	else if (!c->control_fired && !c->control_can_fire)
		strbuf_adds(out, "<li>The A/A control says nothing: with so few blocks it cannot "
			    "tell the baseline from itself.</li>\n");
}

static void add_looks_note(const struct report_page *page, struct strbuf *out)
{
	const struct comparison_looks *looks = &page->comparison->looks;

	if (!looks->planned_count)
		return;
	strbuf_addf(out, "<li>Judged on the way: %zu of %zu <a href=\"#h-looks\">looks</a>, after %u of "
		    "at most %u blocks%s.%s</li>\n", looks->taken_count, looks->planned_count,
		    looks->blocks, looks->blocks_max,
		    looks->stopped ? "; the run ended early, since all is settled" : "",
		    looks->taken_count ? " p is judged at this look's part of alpha, intervals are "
					 "wider to match." : "");
}

static void add_notes(const struct report_page *page, struct strbuf *out)
{
	const struct stored_run *run = page->run;
	size_t start = out->length;

	strbuf_adds(out, "<ul class=\"notes\">\n");
	start = out->length;
	if (strcmp(run->state, "finished") != 0) {
		strbuf_adds(out, "<li><strong>This run is not complete</strong> (");
		html_text(out, run->state);
		strbuf_addf(out, "): %u of its boots have not run. Verdicts may change.</li>\n",
			    not_run(page));
	}
	if (run->note) {
		strbuf_adds(out, "<li>");
		html_text(out, run->note);
		strbuf_adds(out, "</li>\n");
	}
	add_looks_note(page, out);
	add_control_notes(page, out);
	if (disturbed(page))
		strbuf_addf(out, "<li>%u boot%s disturbed by the host (stolen time, busy "
			    "neighbours, memory pressure) count all the same.</li>\n",
			    disturbed(page), disturbed(page) == 1 ? " that was" : "s that were");
	if (run->mode == MODE_EXACT)
		strbuf_adds(out, "<li>Exact mode counts instructions: caches, bandwidth and TLBs "
			    "are left out, and CPUs take turns.</li>\n");
	else if (run->accelerator && !strcmp(run->accelerator, "tcg"))
		strbuf_adds(out, "<li>Guests ran on TCG, an emulated processor: changes in the work "
			    "done show, times are not those of hardware.</li>\n");
	if (out->length == start)
		strbuf_cut(out, start - strlen("<ul class=\"notes\">\n"));
	else
		strbuf_adds(out, "</ul>\n");
}

static void add_fact(struct strbuf *out, const char *name, const char *value)
{
	strbuf_addf(out, "<div><dt>%s</dt><dd>", name);
	html_text(out, value && *value ? value : "unknown");
	strbuf_adds(out, "</dd></div>\n");
}

static void add_facts(const struct report_page *page, struct strbuf *out)
{
	const struct stored_run *run = page->run;
	char begun[CLOCK_TEXT_MAX], length[CLOCK_TEXT_MAX] = "not finished";
	uint32_t finished = 0, planned = 0;
	cleanup_free char *boots = NULL;

	for (size_t i = 0; i < page->comparison->boots_count; i++) {
		finished += page->comparison->boots[i].finished;
		planned += page->comparison->boots[i].planned;
	}
	boots = string_format("%u of %u", finished, planned);
	if (run->finished_wall_ns > run->started_wall_ns)
		duration_format(run->finished_wall_ns - run->started_wall_ns, length);
	strbuf_adds(out, "<dl class=\"facts\">\n");
	add_fact(out, "campaign", run->campaign);
	add_fact(out, "run", run->id);
	add_fact(out, "begun", clock_format_utc(run->started_wall_ns, begun));
	add_fact(out, "took", length);
	add_fact(out, "boots", boots);
	add_fact(out, "mode", run->mode == MODE_EXACT ? "exact" : "timed");
	add_fact(out, "guests run on", run->accelerator);
	strbuf_adds(out, "</dl>\n");
}

void report_add_verdict(const struct report_page *page, struct strbuf *out)
{
	static const struct {
		const char *word, *look, *sign;
	} words[] = {
		[GATE_PASS] = { "Pass", "pass", "\342\234\223" },
		[GATE_REGRESSED] = { "Regressed", "bad", "!" },
		[GATE_FAILED] = { "Failed", "bad", "!" },
		[GATE_INCONCLUSIVE] = { "Inconclusive", "open", "?" },
		[GATE_NOT_COMPARABLE] = { "Not comparable", "void", "\303\227" },
	};
	enum gate_exit gate = page->comparison->gate;

	strbuf_addf(out, "<section id=\"verdict\" class=\"verdict %s\" aria-labelledby=\"h-verdict\">\n"
		    "<h2 id=\"h-verdict\"><span class=\"sign\" aria-hidden=\"true\">%s</span> %s "
		    "<span class=\"exit\">exit %d</span></h2>\n<p class=\"lead\">", words[gate].look,
		    words[gate].sign, words[gate].word, (int)gate);
	add_why(page, out);
	strbuf_adds(out, "</p>\n");
	add_notes(page, out);
	add_facts(page, out);
	strbuf_adds(out, "</section>\n");
}
