/* render_walk.c - which patch moved what: a line for each patch with a letter for each
 * metric, then what moved, in figures.
 */
#include "render_walk.h"

#include <math.h>
#include <string.h>

#include "kernel_records.h"
#include "memory.h"
#include "render_layout.h"
#include "run_json.h"

#define COLUMNS_MAX 16
#define NAME_WIDTH 5
#define OPEN_MAX 8u

/* The metrics that have a column: the gated ones, those that moved first. */
struct columns {
	struct { uint32_t row, metric; } items[COLUMNS_MAX];
	size_t count, left_out;
};

static const char *metric_name(const struct walk *walk, const struct walk_entry *entry)
{
	return walk->run.cells[0].rows[entry->row].metrics[entry->metric].name;
}

static const char *row_name(const struct walk *walk, const struct walk_entry *entry)
{
	return walk->run.cells[0].rows[entry->row].name;
}

static bool has_moved(const struct walk_entry *entry)
{
	return entry->judged.verdict == VERDICT_REGRESSED ||
	       entry->judged.verdict == VERDICT_IMPROVED;
}

static void add_columns(const struct walk *walk, bool that_moved, struct columns *columns)
{
	for (size_t i = 0; i < walk->count; i++) {
		const struct walk_entry *entry = &walk->entries[i];
		bool is_there = false;

		if (entry->judged.metric->secondary || (that_moved && !has_moved(entry)))
			continue;
		for (size_t j = 0; j < columns->count && !is_there; j++)
			is_there = columns->items[j].row == entry->row &&
				   columns->items[j].metric == entry->metric;
		if (is_there)
			continue;
		if (columns->count == COLUMNS_MAX) {
			columns->left_out = 1;
			return;
		}
		columns->items[columns->count].row = entry->row;
		columns->items[columns->count++].metric = entry->metric;
	}
}

/* --- text ------------------------------------------------------------------------------- */

static char verdict_letter(enum verdict verdict)
{
	static const char letters[] = {
		[VERDICT_IMPROVED] = 'I', [VERDICT_EQUIVALENT] = '=',
		[VERDICT_INCONCLUSIVE] = '?', [VERDICT_REGRESSED] = 'R',
		[VERDICT_NOT_COMPARABLE] = 'x',
	};

	return letters[verdict];
}

static const struct walk_entry *find_entry(const struct walk *walk, uint32_t variant,
					   bool is_step, uint32_t row, uint32_t metric)
{
	for (size_t i = 0; i < walk->count; i++) {
		const struct walk_entry *entry = &walk->entries[i];

		if (entry->variant == variant && entry->is_step == is_step && entry->row == row &&
		    entry->metric == metric)
			return entry;
	}
	return NULL;
}

static bool find_variant(const struct walk *walk, const char *name, uint32_t *ret)
{
	for (uint32_t i = 0; i < walk->run.variants_count; i++) {
		if (strcmp(walk->run.variants[i].label, name))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

/* "R = ? " against the kernel before; blanks where there is nothing to say. */
static void add_letters(const struct walk *walk, const struct columns *columns, const char *name,
			struct strbuf *out)
{
	uint32_t variant = 0;
	bool is_booted = find_variant(walk, name, &variant);

	for (size_t i = 0; i < columns->count; i++) {
		const struct walk_entry *entry = is_booted ?
			find_entry(walk, variant, true, columns->items[i].row,
				   columns->items[i].metric) : NULL;

		strbuf_addf(out, "%c ", !entry ? '.' : walk->withheld ? 'x' :
			    verdict_letter(entry->judged.verdict));
	}
}

/* At most width bytes of plain ASCII. */
static void add_cut(const char *text, size_t width, struct strbuf *out)
{
	for (size_t i = 0; text[i] && i < width; i++)
		strbuf_addc(out, text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?');
}

static void add_patches(const struct walk *walk, const struct columns *columns,
			struct strbuf *out)
{
	const json_t *made = json_object_get(walk->state, "made"), *item;
	size_t width = RENDER_WIDTH - NAME_WIDTH - 2 * columns->count, index;

	strbuf_addf(out, "\n%-*s", NAME_WIDTH, "");
	for (size_t i = 0; i < columns->count; i++)
		strbuf_addf(out, "%c ", (int)('a' + i));
	strbuf_adds(out, "patch\n");
	json_array_foreach(made, index, item) {
		const struct kernel_row_item *patch = &walk->row.items[walk->from + index];
		cleanup_free char *what = NULL;

		strbuf_addf(out, "%-*s", NAME_WIDTH, patch->name);
		add_letters(walk, columns, patch->name, out);
		if (!strcmp(record_text(item, "what"), "same as"))
			what = string_format("%s (same kernel as %s)", patch->subject,
					     record_text(item, "detail"));
		else if (!strcmp(record_text(item, "what"), "does not build"))
			what = string_format("does not build: %s", patch->subject);
		add_cut(what ? what : patch->subject, width, out);
		strbuf_addc(out, '\n');
	}
}

static void add_legend(const struct walk *walk, const struct columns *columns,
		       struct strbuf *out)
{
	for (size_t i = 0; i < columns->count; i++) {
		const struct stored_row *row = &walk->run.cells[0].rows[columns->items[i].row];

		strbuf_addf(out, "%c  %s.%s\n", (int)('a' + i), row->name,
			    row->metrics[columns->items[i].metric].name);
	}
	if (columns->left_out)
		strbuf_adds(out, "and more metrics, none of which moved; --json has all\n");
}

static void add_figures(const struct metric_comparison *judged, struct strbuf *out)
{
	render_change_fine(judged->ratio - 1, out);
	strbuf_adds(out, " [");
	render_change_fine(judged->interval.low - 1, out);
	strbuf_adds(out, ", ");
	render_change_fine(judged->interval.high - 1, out);
	strbuf_adds(out, "]");
}

static void add_moved(const struct walk *walk, struct strbuf *out)
{
	size_t count = 0;

	for (size_t i = 0; i < walk->count; i++) {
		const struct walk_entry *entry = &walk->entries[i], *whole;
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		if (!entry->is_step || !has_moved(entry) || walk->withheld)
			continue;
		whole = find_entry(walk, entry->variant, false, entry->row, entry->metric);
		strbuf_addf(&text, "%s.%s %s: ", row_name(walk, entry), metric_name(walk, entry),
			    verdict_name(entry->judged.verdict));
		add_figures(&entry->judged, &text);
		if (whole) {
			strbuf_addf(&text, "; against %s ", walk->run.variants[0].label);
			render_change_fine(whole->judged.ratio - 1, &text);
		}
		if (!count++)
			strbuf_addc(out, '\n');
		render_field(out, walk->run.variants[entry->variant].label, "%s", text.data);
	}
	if (!count && !walk->withheld)
		strbuf_adds(out, "\nno patch moved a metric (beyond the margin, and beyond doubt)\n");
}

/* Steps that more boots would settle, the first few of them. */
static void add_open(const struct walk *walk, struct strbuf *out)
{
	const char *unit = walk->run.mode == MODE_EXACT ? "seeds" : "blocks";
	size_t count = 0;

	for (size_t i = 0; i < walk->count && !walk->withheld; i++) {
		const struct walk_entry *entry = &walk->entries[i];
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		if (!entry->is_step || entry->judged.metric->secondary ||
		    entry->judged.verdict != VERDICT_INCONCLUSIVE || count++ >= OPEN_MAX)
			continue;
		strbuf_addf(&text, "%s.%s inconclusive: ", row_name(walk, entry),
			    metric_name(walk, entry));
		add_figures(&entry->judged, &text);
		if (entry->judged.blocks_needed)
			strbuf_addf(&text, "; %zu more %s", entry->judged.blocks_needed, unit);
		render_field(out, walk->run.variants[entry->variant].label, "%s", text.data);
	}
	if (count > OPEN_MAX)
		strbuf_addf(out, "and %zu more that are inconclusive\n", count - OPEN_MAX);
}

static bool is_bad(const struct stored_trial *trial)
{
	return trial->state == TRIAL_FINISHED && !trial->superseded &&
	       trial->outcome != OUTCOME_PASSED && trial->outcome != OUTCOME_SKIPPED;
}

/* A prefix that does not run is worse than one that is slow, and has no figures to show it. */
static void add_bad(const struct walk *walk, struct strbuf *out)
{
	const struct stored_run *run = &walk->run;
	size_t count = 0;

	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (!is_bad(trial))
			continue;
		if (!count++)
			strbuf_addc(out, '\n');
		render_field(out, run->variants[trial->variant].label, "%s%s%s (trial %u)",
			     outcome_name(trial->outcome), trial->reason ? ": " : "",
			     trial->reason ? trial->reason : "", trial->order + 1);
	}
}

/* The last prefix against the first, where that is more than the steps say. */
static void add_whole(const struct walk *walk, struct strbuf *out)
{
	uint32_t last = 0;
	size_t steps = 0;

	for (size_t i = 0; i < walk->count; i++)
		if (walk->entries[i].variant > last)
			last = walk->entries[i].variant;
	for (size_t i = 0; i < walk->count && !walk->withheld; i++) {
		const struct walk_entry *entry = &walk->entries[i];
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		if (entry->is_step || entry->variant != last || !has_moved(entry))
			continue;
		strbuf_addf(&text, "%s.%s %s: ", row_name(walk, entry), metric_name(walk, entry),
			    verdict_name(entry->judged.verdict));
		add_figures(&entry->judged, &text);
		render_field(out, steps++ ? "" : "all of it", "%s", text.data);
	}
}

void render_walk_text(const struct walk *walk, struct strbuf *out)
{
	const struct stored_run *run = &walk->run;
	struct columns columns = { .count = 0 };

	add_columns(walk, true, &columns);
	add_columns(walk, false, &columns);
	strbuf_addf(out, "walk %s: series %s in %s/%s, %s mode\nrun %s\n", walk->id,
		    walk->row.series, run->cells[0].guest, run->cells[0].suite,
		    run_mode_name(run->mode), run->id);
	if (walk->withheld)
		render_field(out, "withheld", "%s: no verdict counts", walk->withheld);
	for (size_t i = 0; i < walk->differences.count; i++)
		render_field(out, "", "%s", walk->differences.items[i]);
	if (run->note)
		render_field(out, "note", "%s", run->note);
	add_patches(walk, &columns, out);
	strbuf_adds(out, "R regressed, I improved, = equivalent, ? inconclusive against the patch "
			 "before,\nx not comparable, . not booted or nothing before it\n\n");
	add_legend(walk, &columns, out);
	add_bad(walk, out);
	add_moved(walk, out);
	add_open(walk, out);
	add_whole(walk, out);
}

/* --- JSON ---------------------------------------------------------------------------------- */

static json_t *entry_json(const struct walk *walk, const struct walk_entry *entry)
{
	const struct metric_comparison *judged = &entry->judged;

	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:o, s:[o, o], s:o, s:o, s:o, s:i}",
			 "row", row_name(walk, entry), "metric", metric_name(walk, entry),
			 "variant", walk->run.variants[entry->variant].label, "against",
			 walk->run.variants[entry->against].label, "is_step", entry->is_step,
			 "secondary", judged->metric->secondary, "verdict",
			 verdict_name(judged->verdict), "ratio", run_json_number(judged->ratio),
			 "interval", run_json_number(judged->interval.low),
			 run_json_number(judged->interval.high), "p", run_json_number(judged->p),
			 "p_adjusted", run_json_number(judged->p_adjusted), "detectable_effect",
			 run_json_number(judged->detectable_effect), "blocks", (int)judged->blocks);
}

static json_t *bad_json(const struct stored_run *run)
{
	json_t *list = json_array();

	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (is_bad(trial))
			json_array_append_new(list, json_pack("{s:s, s:i, s:s, s:o}", "variant",
				run->variants[trial->variant].label, "trial",
				(int)trial->order + 1, "outcome", outcome_name(trial->outcome),
				"reason", run_json_text(trial->reason)));
	}
	return list;
}

void render_walk_json(const struct walk *walk, struct strbuf *out)
{
	json_t *root = json_deep_copy(walk->state), *entries = json_array();
	char *text;

	for (size_t i = 0; i < walk->count; i++)
		json_array_append_new(entries, entry_json(walk, &walk->entries[i]));
	json_object_set_new(root, "id", json_string(walk->id));
	json_object_set_new(root, "run", run_json_head(&walk->run));
	json_object_set_new(root, "withheld", run_json_text(walk->withheld));
	json_object_set_new(root, "entries", entries);
	json_object_set_new(root, "bad_trials", bad_json(&walk->run));
	text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
	strbuf_addf(out, "%s\n", text ? text : "{}");
	free(text);
	json_decref(root);
}
