/* report_html_run.c - what is true of the whole run: findings, boots, conditions, and
 * how to do it again.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "guest_title.h"
#include "html_text.h"
#include "memory.h"
#include "render.h"
#include "report_html_parts.h"

#define EXCERPT_BYTES_MAX 16384
#define FINDINGS_MAX 100
#define TRIALS_MAX 200

static const struct stored_trial *find_trial(const struct stored_run *run, int64_t id)
{
	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].id == id)
			return &run->trials[i];
	return NULL;
}

/* --- findings ----------------------------------------------------------------------------------- */

static bool is_same(const struct stored_finding *a, const struct stored_finding *b)
{
	return a->finding.kind == b->finding.kind && !strcmp(a->finding.title, b->finding.title);
}

static bool is_known(const struct report_page *page, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (is_same(&page->findings[i], &page->findings[index]))
			return true;
	return false;
}

/* "patched in 3 boots (trials 4, 9, 12)" */
static void add_showing(const struct report_page *page, size_t index, uint32_t variant,
			bool *is_first, struct strbuf *out)
{
	cleanup_strbuf struct strbuf trials = STRBUF_INIT;
	const struct stored_trial *last = NULL;
	size_t boots = 0;

	for (size_t i = index; i < page->findings_count; i++) {
		const struct stored_trial *trial = find_trial(page->run, page->findings[i].trial_id);

		if (!trial || trial == last || trial->variant != variant ||
		    !is_same(&page->findings[i], &page->findings[index]))
			continue;
		last = trial;
		if (boots++ < 12)
			strbuf_addf(&trials, "%s%u", boots > 1 ? ", " : "", trial->order + 1);
	}
	if (!boots)
		return;
	strbuf_adds(out, *is_first ? "" : "; ");
	*is_first = false;
	html_text_part(out, page->run->variants[variant].label, 200);
	strbuf_addf(out, " in %zu boot%s (trial%s %s%s)", boots, boots == 1 ? "" : "s",
		    boots == 1 ? "" : "s", trials.data, boots > 12 ? ", ..." : "");
}

static void add_finding(const struct report_page *page, size_t index, struct strbuf *out)
{
	const struct finding *finding = &page->findings[index].finding;
	const struct stored_trial *trial = find_trial(page->run, page->findings[index].trial_id);
	bool is_first = true;

	strbuf_addf(out, "<details class=\"finding\"%s><summary><h3>%s</h3> ",
		    index ? "" : " open", finding_kind_name(finding->kind));
	html_text_part(out, finding->title, 400);
	strbuf_adds(out, "</summary>\n<p>Shown by ");
	for (uint32_t i = 0; i < page->run->variants_count; i++)
		add_showing(page, index, i, &is_first, out);
	strbuf_addf(out, "%s.", is_first ? "no trial of the plan" : "");
	if (trial)
		strbuf_addf(out, " Below: trial %u, line %" PRIu64 " of its console.",
			    trial->order + 1, finding->line);
	strbuf_adds(out, "</p>\n");
	if (finding->excerpt && finding->excerpt[0]) {
		strbuf_adds(out, "<pre tabindex=\"0\" role=\"region\" aria-label=\"console\">");
		html_text_part(out, finding->excerpt, EXCERPT_BYTES_MAX);
		strbuf_adds(out, "</pre>\n");
	}
	strbuf_adds(out, "</details>\n");
}

void report_add_findings(const struct report_page *page, struct strbuf *out)
{
	size_t shown = 0;

	strbuf_adds(out, "<section id=\"findings\" aria-labelledby=\"h-findings\">\n"
		    "<h2 id=\"h-findings\">Findings on the consoles</h2>\n");
	if (!page->findings_count)
		strbuf_adds(out, "<p>None on any console: no panic, oops, warning, lockdep or "
			    "sanitizer report.</p>\n");
	for (size_t i = 0; i < page->findings_count && shown < FINDINGS_MAX; i++) {
		if (is_known(page, i))
			continue;
		add_finding(page, i, out);
		shown++;
	}
	if (shown == FINDINGS_MAX)
		strbuf_addf(out, "<p>Only the first %d are shown; <code>kerngate show</code> lists "
			    "all.</p>\n", FINDINGS_MAX);
	strbuf_adds(out, "</section>\n");
}

/* --- boots ---------------------------------------------------------------------------------------- */

static void add_count(struct strbuf *out, uint32_t count, bool is_bad)
{
	if (!count)
		strbuf_adds(out, "<td class=\"zero\">0</td>");
	else if (is_bad)
		strbuf_addf(out, "<td><strong class=\"badly\">%u</strong></td>", count);
	else
		strbuf_addf(out, "<td>%u</td>", count);
}

static void add_boots_of(const struct report_page *page, const struct comparison_boots *boots,
			 struct strbuf *out)
{
	const struct stored_cell *cell = &page->run->cells[boots->cell];
	cleanup_free char *guest = guest_title(page->run, cell);

	strbuf_adds(out, "<tr><th scope=\"row\">");
	html_text_part(out, page->run->variants[boots->variant].label, 200);
	strbuf_adds(out, "<small>");
	html_text_part(out, guest, 200);
	strbuf_adds(out, ", ");
	html_text_part(out, cell->suite, 200);
	strbuf_adds(out, "</small></th>");
	add_count(out, boots->planned, false);
	add_count(out, boots->passed, false);
	add_count(out, boots->failed, true);
	add_count(out, boots->crashed, true);
	add_count(out, boots->timed_out, true);
	add_count(out, boots->broken, true);
	add_count(out, boots->skipped, false);
	add_count(out, boots->planned - boots->finished, false);
	add_count(out, boots->disturbed, false);
	strbuf_adds(out, "</tr>\n");
}

static void add_rate(uint32_t passed, uint32_t count, struct interval rate, struct strbuf *out)
{
	strbuf_addf(out, "%u of %u", passed, count);
	if (rate.high > 0)
		strbuf_addf(out, " (%.0f to %.0f&nbsp;%%)", 100 * rate.low, 100 * rate.high);
}

/* Pass rates, where something did not pass. */
static void add_outcomes(const struct report_page *page, struct strbuf *out)
{
	const struct comparison *c = page->comparison;

	for (size_t i = 0; i < c->outcomes_count; i++) {
		const struct comparison_outcome *outcome = &c->outcomes[i];

		if (outcome->a_passed == outcome->a_count && outcome->b_passed == outcome->b_count)
			continue;
		strbuf_adds(out, "<p>Passed on ");
		html_text_part(out, page->run->cells[outcome->cell].guest, 200);
		strbuf_adds(out, ", ");
		html_text_part(out, page->run->cells[outcome->cell].suite, 200);
		strbuf_adds(out, ": baseline ");
		add_rate(outcome->a_passed, outcome->a_count, outcome->a_rate, out);
		strbuf_adds(out, ", ");
		html_text_part(out, page->run->variants[outcome->variant].label, 200);
		strbuf_addc(out, ' ');
		add_rate(outcome->b_passed, outcome->b_count, outcome->b_rate, out);
		strbuf_adds(out, "; Fisher's exact test: p ");
		report_p(out, outcome->p_adjusted);
		strbuf_addf(out, ", %s.</p>\n", verdict_name(outcome->verdict));
	}
}

static void add_trial(const struct report_page *page, const struct stored_trial *trial,
		      struct strbuf *out)
{
	char length[CLOCK_TEXT_MAX];

	strbuf_addf(out, "<tr><th scope=\"row\">%u</th><td>", trial->order + 1);
	html_text_part(out, page->run->variants[trial->variant].label, 200);
	strbuf_adds(out, "</td><td>");
	html_text_part(out, page->run->cells[trial->cell].guest, 200);
	strbuf_addf(out, "</td><td>%s</td><td>%s</td><td class=\"text\">",
		    trial->state == TRIAL_FINISHED ? outcome_name(trial->outcome) : "not run",
		    trial->duration_ns ? duration_format(trial->duration_ns, length) : "-");
	strbuf_adds(out, trial->superseded ? "Left out of comparisons. " : "");
	strbuf_adds(out, trial->disturbed ? "Disturbed by the host. " : "");
	html_text_part(out, trial->reason, 600);
	strbuf_adds(out, "</td></tr>\n");
}

static bool is_plain(const struct stored_trial *trial)
{
	return trial->state != TRIAL_FINISHED ||
	       (trial->outcome == OUTCOME_PASSED && !trial->disturbed && !trial->superseded);
}

static void add_trials(const struct report_page *page, struct strbuf *out)
{
	const struct stored_run *run = page->run;
	size_t count = 0, shown = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		count += !is_plain(&run->trials[i]);
	if (!count)
		return;
	strbuf_addf(out, "<details class=\"inner\" open><summary>Boots that did not pass undisturbed "
		    "(%zu)</summary>\n<div class=\"box\" role=\"region\" tabindex=\"0\" "
		    "aria-label=\"Boots that did not pass undisturbed\"><table><thead><tr>"
		    "<th scope=\"col\">trial</th><th scope=\"col\">variant</th><th scope=\"col\">guest"
		    "</th><th scope=\"col\">outcome</th><th scope=\"col\">time</th>"
		    "<th scope=\"col\" class=\"text\">why</th></tr></thead>\n<tbody>\n", count);
	for (size_t i = 0; i < run->trials_count && shown < TRIALS_MAX; i++) {
		if (is_plain(&run->trials[i]))
			continue;
		add_trial(page, &run->trials[i], out);
		shown++;
	}
	strbuf_adds(out, "</tbody></table></div>\n");
	if (count > shown)
		strbuf_addf(out, "<p>And %zu more.</p>\n", count - shown);
	strbuf_adds(out, "</details>\n");
}

static void add_look(const struct stored_look *look, size_t number, struct strbuf *out)
{
	char taken[CLOCK_TEXT_MAX];

	strbuf_addf(out, "<tr><th scope=\"row\">%zu</th><td>%u</td>", number, look->blocks);
	if (!look->taken_wall_ns) {
		strbuf_adds(out, "<td>not taken</td><td>-</td><td>-</td><td></td></tr>\n");
		return;
	}
	strbuf_addf(out, "<td>%s</td><td>", clock_format_utc(look->taken_wall_ns, taken));
	if (isfinite(look->alpha))
		strbuf_addf(out, "%.2g", look->alpha);
	else
		strbuf_addc(out, '-');
	strbuf_addf(out, "</td><td>%u</td><td class=\"text\">%s</td></tr>\n", look->open_count,
		    look->stopped ? "the run ended with it" : "");
}

/* Of a run that was judged on the way. */
static void add_looks(const struct report_page *page, struct strbuf *out)
{
	const struct stored_run *run = page->run;

	if (!run->looks_count)
		return;
	strbuf_adds(out, "<h3 id=\"h-looks\">Looks</h3>\n<p class=\"note\">The run was judged on the "
		    "way. Each look spends a part of alpha, so that all together are as often wrong "
		    "as one judgement at the end.</p>\n<div class=\"box\" role=\"region\" tabindex=\"0\" "
		    "aria-labelledby=\"h-looks\"><table><thead><tr><th scope=\"col\">look</th>"
		    "<th scope=\"col\">after blocks</th><th scope=\"col\">taken</th>"
		    "<th scope=\"col\">p judged at</th><th scope=\"col\">not settled</th>"
		    "<th scope=\"col\" class=\"text\">then</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < run->looks_count; i++)
		add_look(&run->looks[i], i + 1, out);
	strbuf_adds(out, "</tbody></table></div>\n");
}

void report_add_boots(const struct report_page *page, struct strbuf *out)
{
	const struct comparison *c = page->comparison;

	strbuf_adds(out, "<section id=\"boots\" aria-labelledby=\"h-boots\">\n"
		    "<h2 id=\"h-boots\">Boots</h2>\n<div class=\"box\" role=\"region\" tabindex=\"0\" "
		    "aria-labelledby=\"h-boots\"><table><thead><tr><th scope=\"col\">variant</th>");
	for (const char *const *name = (const char *const[]){ "planned", "passed", "failed",
	     "crashed", "timed out", "broken", "skipped", "not run", "disturbed", NULL };
	     *name; name++)
		strbuf_addf(out, "<th scope=\"col\">%s</th>", *name);
	strbuf_adds(out, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < c->boots_count; i++)
		if (c->boots[i].planned)
			add_boots_of(page, &c->boots[i], out);
	strbuf_adds(out, "</tbody></table></div>\n");
	add_looks(page, out);
	add_outcomes(page, out);
	add_trials(page, out);
	strbuf_adds(out, "</section>\n");
}

/* --- how to do it again ------------------------------------------------------------------------------ */

static uint32_t blocks_of(const struct stored_run *run)
{
	uint32_t blocks = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].block >= blocks)
			blocks = run->trials[i].block + 1;
	return blocks;
}

static void add_commands(const struct report_page *page, struct strbuf *out)
{
	const struct stored_run *run = page->run;
	cleanup_strbuf struct strbuf campaign = STRBUF_INIT;
	bool is_exact = run->mode == MODE_EXACT;

	render_campaign_word(run, &campaign);
	strbuf_addf(out, "kerngate build %s\n", campaign.data);
	strbuf_addf(out, "kerngate run %s%s", campaign.data, is_exact ? " --mode exact" : "");
	if (blocks_of(run))
		strbuf_addf(out, " --%s %u", is_exact ? "seeds" : "blocks", blocks_of(run));
	if (run->seed)
		strbuf_addf(out, " --seed %" PRIu64, run->seed);
	strbuf_addf(out, "\nkerngate compare %s\nkerngate gate %s; echo \"exit $?\"\n", run->id, run->id);
	if (is_exact && page->comparison->gate == GATE_REGRESSED)
		strbuf_addf(out, "kerngate profile %s\n", run->id);
	for (size_t i = 0; i < page->findings_count && i < 1; i++) {
		const struct stored_trial *trial = find_trial(run, page->findings[i].trial_id);

		if (trial && is_exact)
			strbuf_addf(out, "kerngate replay %s/%u\n", run->id, trial->order + 1);
	}
}

void report_add_reproduce(const struct report_page *page, struct strbuf *out)
{
	const struct stored_run *run = page->run;
	cleanup_strbuf struct strbuf commands = STRBUF_INIT;

	add_commands(page, &commands);
	strbuf_adds(out, "<section id=\"again\" aria-labelledby=\"h-again\">\n"
		    "<h2 id=\"h-again\">How to reproduce it</h2>\n<p>In the project's folder, with the "
		    "configs as they were: the same kernels, the same order of boots, the verdict "
		    "from the stored samples, the gate's exit status.</p>\n"
		    "<pre tabindex=\"0\" role=\"region\" aria-label=\"commands\">");
	html_text(out, commands.data);
	strbuf_adds(out, "</pre>\n<table class=\"plain\"><thead><tr><th scope=\"col\">variant</th>"
		    "<th scope=\"col\">kernel, its key and image</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < run->variants_count; i++) {
		const struct stored_variant *variant = &run->variants[i];

		strbuf_adds(out, "<tr><th scope=\"row\">");
		html_text_part(out, variant->label, 200);
		strbuf_adds(out, "</th><td><code>");
		html_text(out, variant->kernel_key);
		strbuf_adds(out, "</code><br><code>");
		html_text(out, variant->image_sha256 ? variant->image_sha256 : "not built");
		strbuf_adds(out, "</code>");
		if (variant->cmdline && variant->cmdline[0]) {
			strbuf_adds(out, "<br>with <code>");
			html_text(out, variant->cmdline);
			strbuf_adds(out, "</code>");
		}
		strbuf_adds(out, "</td></tr>\n");
	}
	strbuf_adds(out, "</tbody></table>\n</section>\n");
}
