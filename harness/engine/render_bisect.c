/* render_bisect.c - what a bisection found, what that rests on, and what it assumes. */
#include "render_bisect.h"

#include <math.h>
#include <string.h>

#include "bisect_private.h"
#include "kernel_records.h"
#include "memory.h"
#include "render_layout.h"
#include "run_json.h"

/* Off by this much, the culprit is not the whole of the change. */
#define WHOLE_SHARE 0.25

/* --- parts ------------------------------------------------------------------------------ */

static void add_change(double ratio, struct strbuf *out)
{
	render_change_fine(ratio - 1, out);
}

static void add_ratio(double ratio, const struct interval *interval, struct strbuf *out)
{
	add_change(ratio, out);
	if (!isfinite(interval->high))
		return;
	strbuf_adds(out, " [");
	add_change(interval->low, out);
	strbuf_adds(out, ", ");
	add_change(interval->high, out);
	strbuf_adds(out, "]");
}

static void add_kernel(const struct bisect *bisect, const char *label, size_t position,
		       struct strbuf *out)
{
	const struct kernel_row_item *item = bisect_item(bisect, position);

	render_field(out, label, "%s %s%s%s", item->name,
		     bisect->row.repository ? "" : item->label,
		     bisect->row.repository || !*item->label ? "" : ": ", item->subject);
}

static void add_head(const struct bisect *bisect, struct strbuf *out)
{
	const struct bisection_ends *ends = &bisect->ends;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strbuf_addf(out, "bisection %s: %s.%s in %s/%s, %s mode\n\n", bisect->id,
		    bisect->suite_row, bisect->metric, bisect->setting.guest,
		    bisect->setting.suite, run_mode_name(bisect->setting.campaign.mode));
	add_kernel(bisect, "good", 0, out);
	add_kernel(bisect, "bad", bisect->model.last, out);
	if (ends->blocks < 2)
		return;
	add_ratio(ends->ratio, &ends->interval, &text);
	strbuf_addf(&text, ", %u %s, p %.2g", ends->blocks,
		    bisect_is_exact(bisect) ? "seeds" : "blocks", ends->p);
	render_field(out, "change", "%s", text.data);
}

static uint32_t boots_at(const struct bisect *bisect, size_t position)
{
	uint32_t count = 0;

	for (size_t i = 0; i < bisect->count; i++)
		count += bisect->boots[i].position == position;
	return count;
}

static void add_steps(const struct bisect *bisect, struct strbuf *out)
{
	size_t positions = bisect->model.last + 1;
	cleanup_free struct bisection_level *levels = memory_alloc_array(positions,
									 sizeof(*levels));
	cleanup_free double *first = memory_alloc_array(positions, sizeof(*first));
	size_t count = bisection_levels(&bisect->model, bisect->boots, bisect->count, levels);
	double bad = 0;
	size_t at = 0;

	if (!count)
		return;
	bisection_posterior(&bisect->model, bisect->boots, bisect->count, first);
	strbuf_adds(out, "\nkernel         boots  share of change  like bad\n");
	for (size_t i = 0; i < positions && at < count; i++) {
		cleanup_free char *share = NULL;

		bad += first[i];
		if (levels[at].position != i)
			continue;
		share = string_format("%.0f %% +- %.0f %%", 100 * levels[at].share,
				      100 * levels[at].error);
		strbuf_addf(out, "%-14s %5u  %15s  %6.1f %%%s\n", bisect_item(bisect, i)->name,
			    boots_at(bisect, i), share, 100 * bad,
			    levels[at].is_odd ? "  neither" : "");
		at++;
	}
}

static void add_skipped(const struct bisect *bisect, struct strbuf *out)
{
	const json_t *skipped = json_object_get(bisect->state, "skipped"), *item;
	size_t index;

	json_array_foreach(skipped, index, item) {
		const char *why = record_text(item, "why");
		cleanup_free char *line = string_copy_n(why, strcspn(why, "\n"));

		render_field(out, index ? "" : "skipped", "%s: %s", record_text(item, "name"), line);
	}
}

/* --- the answer ---------------------------------------------------------------------------- */

static double whole_share(const struct bisect *bisect)
{
	return log(bisect->check.figures.ratio) / log(bisect->ends.ratio);
}

static void add_found(const struct bisect *bisect, struct strbuf *out)
{
	const struct bisection_next *next = &bisect->next;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	double shown = next->probability < 0.9999 ? next->probability : 0.9999;

	add_kernel(bisect, "first bad", next->first, out);
	render_field(out, "confidence", "%.2f %%, if the metric moves once between good and bad",
		     floor(10000 * shown) / 100);
	if (!bisect->check.blocks) {
		render_field(out, "check", "its boots gave no figures");
		return;
	}
	add_ratio(bisect->check.figures.ratio, &bisect->check.figures.interval, &text);
	strbuf_addf(&text, " against %s in %u %s of their own, p %.2g: %.0f %% of the change",
		    bisect_item(bisect, next->first - 1)->name, bisect->check.blocks,
		    bisect_is_exact(bisect) ? "seeds" : "blocks", bisect->check.figures.p,
		    100 * whole_share(bisect));
	render_field(out, "check", "%s", text.data);
	if (bisect->answer == BISECT_NOT_SEEN_AGAIN)
		render_field(out, "not sure", "the check did not show it again");
	if (bisect->row.repository && bisect_item(bisect, next->first)->is_merge)
		render_field(out, "a merge", "bisect its second parent: --good %.12s^1 --bad "
			     "%.12s^2", bisect_item(bisect, next->first)->id,
			     bisect_item(bisect, next->first)->id);
}

static void add_range(const struct bisect *bisect, const char *why, struct strbuf *out)
{
	const struct bisection_next *next = &bisect->next;

	render_field(out, "undecided", "between %s and %s (%.1f %%): %s",
		     bisect_item(bisect, next->first)->name, bisect_item(bisect, next->last)->name,
		     100 * next->probability, why);
}

static void add_alike(const struct bisect *bisect, struct strbuf *out)
{
	const struct bisection_ends *ends = &bisect->ends;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	if (ends->p < 0.01) {
		render_field(out, "too small", "good and bad differ by less than the %.3g %% that "
			     "count (--effect)", 100 * bisect->model.effect);
		return;
	}
	add_change(1 + ends->detectable_effect, &text);
	render_field(out, "alike", "good and bad are not told apart; the smallest change that this "
		     "would have shown is %s (--effect is %.3g %%)", text.data,
		     100 * bisect->model.effect);
}

static bool is_odd_anywhere(const struct bisect *bisect)
{
	cleanup_free struct bisection_level *levels =
		memory_alloc_array(bisect->model.last + 1, sizeof(*levels));
	size_t count = bisection_levels(&bisect->model, bisect->boots, bisect->count, levels);

	for (size_t i = 0; i < count; i++)
		if (levels[i].is_odd)
			return true;
	return false;
}

/* What tells that one change is not the whole story. */
static void add_doubts(const struct bisect *bisect, struct strbuf *out)
{
	bool is_found = bisect->answer == BISECT_FOUND;

	if (is_odd_anywhere(bisect))
		render_field(out, "warning", "a kernel is neither like good nor like bad: the metric "
			     "moves more than once, and the answer is where it passes the middle");
	if (is_found && fabs(whole_share(bisect) - 1) > WHOLE_SHARE)
		render_field(out, "warning", "this is not the whole change: another kernel between "
			     "good and bad moves the metric too");
}

static void add_control(const struct bisect *bisect, struct strbuf *out)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	add_ratio(bisect->control.figures.ratio, &bisect->control.figures.interval, &text);
	render_field(out, "withheld", "the A/A control fired: good and its second copy differ by "
		     "%s in %u blocks, p %.2g", text.data, bisect->control.blocks,
		     bisect->control.figures.p);
}

static void add_answer(const struct bisect *bisect, struct strbuf *out)
{
	switch (bisect->answer) {
	case BISECT_FOUND:
	case BISECT_NOT_SEEN_AGAIN:
		add_found(bisect, out);
		return;
	case BISECT_NARROWED:
		add_range(bisect, "what lies between cannot be booted", out);
		return;
	case BISECT_UNDECIDED:
		add_range(bisect, "the boots do not tell", out);
		return;
	case BISECT_ALIKE:
	case BISECT_TOO_NOISY:
		add_alike(bisect, out);
		return;
	case BISECT_CONTROL:
		add_control(bisect, out);
		return;
	case BISECT_BUDGET:
		if (bisect->next.last)
			add_range(bisect, "the budget is spent", out);
		else
			render_field(out, "undecided", "the budget was spent before good and bad "
				     "were told apart");
		return;
	case BISECT_OPEN:
		break;
	}
}

void render_bisect_text(const struct bisect *bisect, struct strbuf *out)
{
	add_head(bisect, out);
	add_steps(bisect, out);
	strbuf_addc(out, '\n');
	add_skipped(bisect, out);
	add_answer(bisect, out);
	add_doubts(bisect, out);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static json_t *interval_json(const struct interval *interval)
{
	return json_pack("[o, o]", run_json_number(interval->low), run_json_number(interval->high));
}

static json_t *ends_json(const struct bisect *bisect)
{
	const struct bisection_ends *ends = &bisect->ends;

	return json_pack("{s:i, s:o, s:o, s:o, s:o}", "blocks", (int)ends->blocks, "ratio",
			 run_json_number(ends->ratio), "interval", interval_json(&ends->interval),
			 "p", run_json_number(ends->p), "detectable_effect",
			 run_json_number(ends->detectable_effect));
}

static json_t *levels_json(const struct bisect *bisect)
{
	cleanup_free struct bisection_level *levels =
		memory_alloc_array(bisect->model.last + 1, sizeof(*levels));
	size_t count = bisection_levels(&bisect->model, bisect->boots, bisect->count, levels);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack(
			"{s:s, s:i, s:o, s:o, s:b}", "name",
			bisect_item(bisect, levels[i].position)->name, "blocks",
			(int)levels[i].blocks, "share", run_json_number(levels[i].share), "error",
			run_json_number(levels[i].error), "is_odd", levels[i].is_odd));
	return list;
}

static json_t *check_json(const struct bisect *bisect)
{
	const struct paired_figures *figures = &bisect->check.figures;

	if (!bisect->check.blocks)
		return json_null();
	return json_pack("{s:i, s:o, s:o, s:o, s:o}", "blocks", (int)bisect->check.blocks, "ratio",
			 run_json_number(figures->ratio), "interval",
			 interval_json(&figures->interval), "p", run_json_number(figures->p),
			 "share", run_json_number(whole_share(bisect)));
}

void render_bisect_json(const struct bisect *bisect, struct strbuf *out)
{
	json_t *root = json_deep_copy(bisect->state);
	const struct bisection_next *next = &bisect->next;
	char *text;

	json_object_set_new(root, "answer", json_string(bisect_answer_name(bisect->answer)));
	json_object_set_new(root, "row", json_string(bisect->suite_row));
	json_object_set_new(root, "ends", ends_json(bisect));
	json_object_set_new(root, "levels", levels_json(bisect));
	json_object_set_new(root, "check", check_json(bisect));
	json_object_set_new(root, "candidates", next->last ?
		json_pack("{s:s, s:s, s:o}", "first", bisect_item(bisect, next->first)->name, "last",
			  bisect_item(bisect, next->last)->name, "probability",
			  run_json_number(next->probability)) : json_null());
	text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
	strbuf_addf(out, "%s\n", text ? text : "{}");
	free(text);
	json_decref(root);
}
