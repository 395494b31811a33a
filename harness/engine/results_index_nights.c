/* results_index_nights.c - the list of nights, and of runs that belong to none, newest
 * first: the newest open, older ones by month.
 */
#include <string.h>

#include "clock.h"
#include "html_text.h"
#include "memory.h"
#include "render.h"
#include "results_index_parts.h"

#define ENTRIES_OPEN 30
#define ENTRIES_MAX 2000         /* older ones are only counted */
#define NAME_BYTES 200
#define SUMMARY_BYTES 300
#define MONTH_LENGTH 7           /* of "2026-11-22" */

/* A night or a run; one of the two is set. Borrowed. */
struct entry {
	const struct stored_night *night;
	const struct stored_run_line *run; /* of the night too, where it has one */
	uint64_t wall_ns;
};

struct entries {
	struct entry *items;         /* owned */
	size_t count;
};

static void entries_release(struct entries *entries)
{
	free(entries->items);
}

static int compare_night_runs(const void *a, const void *b)
{
	return strcmp((*(const struct stored_night *const *)a)->run_id,
		      (*(const struct stored_night *const *)b)->run_id);
}

/* Nights that have a run, by its id; owned. */
static const struct stored_night **sort_nights(const struct results_index *index,
					       size_t *ret_count)
{
	const struct stored_night **nights = memory_alloc_array(index->nights_count,
								sizeof(*nights));
	size_t count = 0;

	for (size_t i = 0; i < index->nights_count; i++)
		if (index->nights[i].run_id)
			nights[count++] = &index->nights[i];
	if (count)
		qsort(nights, count, sizeof(*nights), compare_night_runs);
	*ret_count = count;
	return nights;
}

static const struct stored_night *night_of(const struct stored_night *const *nights, size_t count,
					   const char *run_id)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(nights[middle]->run_id, run_id);

		if (!order)
			return nights[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *first = a, *second = b;

	return (first->wall_ns < second->wall_ns) - (first->wall_ns > second->wall_ns);
}

static void collect(const struct results_index *index, bool passing, struct entries *entries)
{
	size_t nights_count, first;
	cleanup_free const struct stored_night **nights = sort_nights(index, &nights_count);

	entries->items = memory_alloc_array(index->nights_count + index->runs_count,
					    sizeof(*entries->items));
	for (size_t i = 0; !passing && i < index->nights_count; i++)
		entries->items[entries->count++] = (struct entry){
			.night = &index->nights[i], .wall_ns = index->nights[i].started_wall_ns };
	first = entries->count;
	for (size_t i = 0; i < index->runs_count; i++) {
		const struct stored_run_line *run = &index->runs[i];

		if (history_is_passing(run->campaign) == passing &&
		    (passing || !night_of(nights, nights_count, run->id)))
			entries->items[entries->count++] = (struct entry){
				.run = run, .wall_ns = run->started_wall_ns };
	}
	if (entries->count > first || first)
		qsort(entries->items, entries->count, sizeof(*entries->items), compare_entries);
}

/* --- cells of the table ------------------------------------------------------------------- */

static void add_exit(int status, const char *otherwise, struct strbuf *out)
{
	static const int verdicts[] = { [GATE_PASS] = VERDICT_EQUIVALENT,
					[GATE_REGRESSED] = VERDICT_REGRESSED,
					[GATE_FAILED] = VERDICT_NOT_COMPARABLE,
					[GATE_INCONCLUSIVE] = VERDICT_INCONCLUSIVE,
					[GATE_NOT_COMPARABLE] = VERDICT_NOT_COMPARABLE };
	static const char *const words[] = { "pass", "regressed", "failed", "inconclusive",
					     "not comparable" };
	static const char signs[] = "=!x?x";

	if (status < 0) {
		strbuf_addf(out, "<span class=\"v\">%s</span>", otherwise);
		return;
	}
	if (status > GATE_NOT_COMPARABLE) {
		strbuf_addf(out, "<span class=\"v v4\"><b aria-hidden=\"true\">x</b> exit %d</span>",
			    status);
		return;
	}
	strbuf_addf(out, "<span class=\"v v%d\"><b aria-hidden=\"true\">%c</b> %s</span>",
		    verdicts[status], signs[status], words[status]);
}

/* "31 min of 45" */
static void add_budget(const struct stored_night *night, struct strbuf *out)
{
	char text[CLOCK_TEXT_MAX];

	if (night->finished_wall_ns > night->started_wall_ns)
		strbuf_adds(out, duration_format(night->finished_wall_ns - night->started_wall_ns,
						 text));
	else
		strbuf_adds(out, "not finished");
	if (night->budget_minutes)
		strbuf_addf(out, "<small>of %u min</small>", night->budget_minutes);
}

static void add_left_out(const struct stored_night *night, struct strbuf *out)
{
	size_t count = 0;

	for (size_t i = 0; i < night->cells_count; i++)
		count += !night->cells[i].is_run;
	if (!count)
		return;
	strbuf_addf(out, "<small>%zu of %zu cells left out by the budget: ", count,
		    night->cells_count);
	for (size_t i = 0, shown = 0; i < night->cells_count && shown < 6; i++) {
		if (night->cells[i].is_run)
			continue;
		strbuf_adds(out, shown++ ? ", " : "");
		html_text_part(out, night->cells[i].guest, NAME_BYTES);
		strbuf_addc(out, '/');
		html_text_part(out, night->cells[i].suite, NAME_BYTES);
	}
	strbuf_adds(out, count > 6 ? " and others</small>" : "</small>");
}

static void add_when(const struct results_index *index, const struct entry *entry,
		     struct strbuf *out)
{
	const char *run_id = entry->night ? entry->night->run_id : entry->run->id;
	char text[CLOCK_TEXT_MAX];

	(void)clock_format_utc(entry->wall_ns, text);
	if (strlen(text) > 16) {
		text[10] = ' ';
		text[16] = '\0';
	}
	strbuf_adds(out, "<tr><th scope=\"row\">");
	index_add_run_link(index, run_id, text, out);
	strbuf_adds(out, "<small>");
	html_text_part(out, entry->night ? entry->night->campaign : entry->run->campaign, NAME_BYTES);
	strbuf_adds(out, entry->night ? "</small></th>" : ", by hand</small></th>");
}

static void add_night(const struct stored_night *night, struct strbuf *out)
{
	strbuf_adds(out, "<td data-l=\"status\">");
	add_exit(night->finished_wall_ns ? night->status : -1, "not finished", out);
	strbuf_adds(out, "</td><td class=\"text\" data-l=\"summary\">");
	html_text_part(out, night->summary ? night->summary : "-", SUMMARY_BYTES);
	add_left_out(night, out);
	strbuf_adds(out, "</td><td data-l=\"time\">");
	add_budget(night, out);
	strbuf_adds(out, "</td></tr>\n");
}

static void add_run(const struct stored_run_line *run, struct strbuf *out)
{
	bool is_finished = !strcmp(run->state, "finished");
	char text[CLOCK_TEXT_MAX];

	strbuf_adds(out, "<td data-l=\"status\">");
	add_exit(is_finished ? run->gate : -1, is_finished ? "not judged" : "not finished", out);
	strbuf_adds(out, "</td><td class=\"text\" data-l=\"summary\">run ");
	html_text_part(out, run->id, NAME_BYTES);
	if (run->note) {
		strbuf_adds(out, "<small>");
		html_text_part(out, run->note, SUMMARY_BYTES);
		strbuf_adds(out, "</small>");
	}
	strbuf_adds(out, "</td><td data-l=\"time\">");
	strbuf_adds(out, run->finished_wall_ns > run->started_wall_ns ?
			 duration_format(run->finished_wall_ns - run->started_wall_ns, text) : "-");
	strbuf_adds(out, "</td></tr>\n");
}

static void add_table(const struct results_index *index, const struct entries *entries,
		      size_t from, size_t to, struct strbuf *out)
{
	strbuf_adds(out, "<table class=\"cards nights\"><thead><tr><th scope=\"col\">began (UTC)</th>"
		    "<th scope=\"col\">status</th><th scope=\"col\" class=\"text\">summary</th>"
		    "<th scope=\"col\">time</th></tr></thead><tbody>\n");
	for (size_t i = from; i < to; i++) {
		add_when(index, &entries->items[i], out);
		if (entries->items[i].night)
			add_night(entries->items[i].night, out);
		else
			add_run(entries->items[i].run, out);
	}
	strbuf_adds(out, "</tbody></table>\n");
}

static int status_of(const struct entry *entry)
{
	return entry->night ? entry->night->status : entry->run->gate;
}

/* One closed section a month. */
static void add_months(const struct results_index *index, const struct entries *entries,
		       size_t from, size_t to, struct strbuf *out)
{
	while (from < to) {
		char month[INDEX_DAY_MAX], other[INDEX_DAY_MAX];
		size_t end = from, bad = 0;

		(void)index_day(entries->items[from].wall_ns, month);
		month[MONTH_LENGTH] = '\0';
		while (end < to && !strncmp(index_day(entries->items[end].wall_ns, other), month,
					    MONTH_LENGTH))
			bad += status_of(&entries->items[end++]) == GATE_REGRESSED;
		strbuf_addf(out, "<details><summary>%s: %zu, %zu of them regressed</summary>\n", month,
			    end - from, bad);
		add_table(index, entries, from, end, out);
		strbuf_adds(out, "</details>\n");
		from = end;
	}
}

void index_add_nights(const struct results_index *index, struct strbuf *out)
{
	cleanup_with(entries_release) struct entries entries = { .items = NULL };
	cleanup_with(entries_release) struct entries passing = { .items = NULL };
	size_t open, shown;

	collect(index, false, &entries);
	collect(index, true, &passing);
	open = entries.count < ENTRIES_OPEN + 5 ? entries.count : ENTRIES_OPEN;
	shown = entries.count < ENTRIES_MAX ? entries.count : ENTRIES_MAX;
	strbuf_adds(out, "<section id=\"nights\" aria-labelledby=\"h-nights\">\n"
		    "<h2 id=\"h-nights\">Nights and runs</h2>\n");
	if (!entries.count)
		strbuf_adds(out, "<p>There is none yet.</p>\n");
	else
		add_table(index, &entries, 0, open, out);
	add_months(index, &entries, open, shown, out);
	if (entries.count > shown)
		strbuf_addf(out, "<p>%zu older ones are not listed: <code>kerngate list runs</code>.</p>\n",
			    entries.count - shown);
	if (passing.count) {
		size_t listed = passing.count < 100 ? passing.count : 100;

		strbuf_addf(out, "<details><summary>%zu runs that settled a change or looked for its "
			    "cause%s</summary>\n", passing.count,
			    passing.count > listed ? "; the newest 100" : "");
		add_table(index, &passing, 0, listed, out);
		strbuf_adds(out, "</details>\n");
	}
	strbuf_adds(out, "</section>\n");
}
