/* results_index_changes.c - what got worse, newest first: what nights called changed
 * (night_events), and the changes that the history has beyond that.
 */
#include <math.h>
#include <string.h>

#include "clock.h"
#include "html_text.h"
#include "memory.h"
#include "render.h"
#include "report_html.h"
#include "report_html_parts.h"
#include "results_index_parts.h"

#define CHANGES_SHOWN 10
#define CHANGES_MORE 75
#define OLD_NS (UINT64_C(60) * 24 * 3600 * NS_PER_SECOND)
#define CHANGES_MAX 200
#define NAME_BYTES 200
#define NEAR_NS (UINT64_C(14) * 24 * 3600 * NS_PER_SECOND)
#define REASON_BYTES 400

/* One of the two sources; all borrowed. */
struct change {
	uint64_t wall_ns;
	const char *campaign, *guest, *suite, *row, *metric, *variant;
	enum run_mode mode;
	bool is_worse;
	enum night_event_state state;
	double ratio, p;
	const char *run_id;          /* first that shows it; NULL */
	const char *against, *confirm_run, *culprit, *reason; /* NULL: none */
	size_t nights;               /* that called it so */
	bool is_old;                 /* long before the newest night */
};

struct changes {
	struct change *items;        /* owned */
	size_t count, room;
};

static void changes_release(struct changes *changes)
{
	free(changes->items);
}

/* Called so again soon after is the same change; months later it is another. */
static bool is_near(uint64_t a_ns, uint64_t b_ns)
{
	return (a_ns > b_ns ? a_ns - b_ns : b_ns - a_ns) <= NEAR_NS;
}

static bool is_same(const struct change *a, const struct change *b)
{
	return a->is_worse == b->is_worse && is_near(a->wall_ns, b->wall_ns) &&
	       !strcmp(a->campaign, b->campaign) &&
	       !strcmp(a->metric, b->metric) && !strcmp(a->row, b->row) &&
	       !strcmp(a->guest, b->guest) && !strcmp(a->suite, b->suite) &&
	       !strcmp(a->variant, b->variant);
}

/* Among the first so many. */
static struct change *find_change(struct changes *changes, size_t count,
				  const struct change *change)
{
	for (size_t i = 0; i < count; i++)
		if (is_same(&changes->items[i], change))
			return &changes->items[i];
	return NULL;
}

static void add_change(struct changes *changes, const struct change *change)
{
	if (changes->count == changes->room) {
		changes->room = changes->room ? 2 * changes->room : 64;
		changes->items = memory_realloc_array(changes->items, changes->room,
						      sizeof(*changes->items));
	}
	changes->items[changes->count++] = *change;
}

static enum run_mode mode_of(const struct results_index *index, const char *run_id)
{
	for (size_t i = 0; run_id && i < index->runs_count; i++)
		if (!strcmp(index->runs[i].id, run_id))
			return index->runs[i].mode;
	return MODE_TIMED;
}

/* Nights come newest first. What is called changed night after night is one change, from
 * the first of them, in the newest one's words. */
static void take_event(const struct stored_night *night, const struct stored_night_event *event,
		       enum run_mode mode, struct changes *changes)
{
	const struct change change = {
		.wall_ns = night->started_wall_ns, .campaign = night->campaign,
		.guest = event->guest, .suite = event->suite, .row = event->row,
		.metric = event->metric, .variant = event->variant, .mode = mode,
		.is_worse = event->is_worse, .state = event->state, .ratio = event->ratio,
		.p = event->p, .run_id = night->run_id, .against = event->against,
		.confirm_run = event->confirm_run, .culprit = event->culprit,
		.reason = event->reason, .nights = 1,
	};
	struct change *known = find_change(changes, changes->count, &change);

	if (!known) {
		add_change(changes, &change);
		return;
	}
	if (event->state == NIGHT_EVENT_REFUTED || known->state == NIGHT_EVENT_REFUTED)
		return;
	known->nights++;
	known->wall_ns = night->started_wall_ns;
	known->run_id = night->run_id;
	if (event->state == NIGHT_EVENT_CONFIRMED && known->state != NIGHT_EVENT_CONFIRMED) {
		known->state = event->state;
		known->confirm_run = event->confirm_run;
	}
	known->culprit = known->culprit ? known->culprit : event->culprit;
	known->reason = known->reason ? known->reason : event->reason;
}

static void take_nights(const struct results_index *index, struct changes *changes)
{
	for (size_t i = 0; i < index->nights_count && changes->count < CHANGES_MAX; i++) {
		const struct stored_night *night = &index->nights[i];
		enum run_mode mode = night->events_count ? mode_of(index, night->run_id) :
							   MODE_TIMED;

		for (size_t k = 0; k < night->events_count; k++)
			take_event(night, &night->events[k], mode, changes);
	}
}

/* What nights have said already is not repeated. */
static void take_series(const struct history_series *series, size_t nights_count,
			struct changes *changes)
{
	for (size_t i = 0; i < series->changes_count; i++) {
		const struct history_change *found = &series->changes[i];
		const struct history_point *point = &series->points[found->index];
		const struct change change = {
			.wall_ns = point->wall_ns, .campaign = series->campaign,
			.guest = series->guest, .suite = series->suite, .row = series->row,
			.metric = series->metric, .variant = series->variant,
			.mode = series->mode,
			.is_worse = history_change_is_worse(series, found),
			.state = (enum night_event_state)found->state, .ratio = found->ratio,
			.p = found->p, .run_id = point->run_id, .confirm_run = found->run_id,
			.reason = found->reason,
		};

		if (!find_change(changes, nights_count, &change))
			add_change(changes, &change);
	}
}

/* Those of the last weeks first; confirmed before suspected before refuted; newest first. */
static int compare_changes(const void *a, const void *b)
{
	static const int ranks[] = { [NIGHT_EVENT_CONFIRMED] = 0, [NIGHT_EVENT_SUSPECTED] = 1,
				     [NIGHT_EVENT_REFUTED] = 2 };
	const struct change *first = a, *second = b;

	if (first->is_old != second->is_old)
		return first->is_old - second->is_old;
	if (ranks[first->state] != ranks[second->state])
		return ranks[first->state] - ranks[second->state];
	if (first->wall_ns != second->wall_ns)
		return first->wall_ns < second->wall_ns ? 1 : -1;
	return strcmp(first->metric, second->metric);
}

static void sort_changes(const struct results_index *index, struct changes *changes)
{
	uint64_t newest_ns = index->nights_count ? index->nights[0].started_wall_ns : 0;

	for (size_t i = 0; i < index->runs_count; i++)
		if (index->runs[i].started_wall_ns > newest_ns)
			newest_ns = index->runs[i].started_wall_ns;
	for (size_t i = 0; i < changes->count; i++)
		changes->items[i].is_old = changes->items[i].wall_ns + OLD_NS < newest_ns;
	if (changes->count)
		qsort(changes->items, changes->count, sizeof(*changes->items), compare_changes);
}

/* --- words --------------------------------------------------------------------------------- */

static void add_state(const struct change *change, struct strbuf *out)
{
	enum verdict verdict = change->is_worse ? VERDICT_REGRESSED : VERDICT_IMPROVED;

	if (change->state == NIGHT_EVENT_CONFIRMED)
		report_html_badge(verdict, out);
	else
		strbuf_addf(out, "<span class=\"v v2\"><b aria-hidden=\"true\">?</b> %s</span>",
			    night_event_state_name(change->state));
}

static void add_subject(const struct change *change, struct strbuf *out)
{
	cleanup_free char *name = string_format("%s.%s", change->row, change->metric);
	cleanup_free char *place = string_format("%s on %s/%s, campaign %s", change->variant,
						 change->guest, change->suite, change->campaign);

	strbuf_adds(out, " <strong>");
	html_text_part(out, name, NAME_BYTES);
	strbuf_adds(out, "</strong> ");
	if (isfinite(change->ratio))
		report_html_change(change->mode, change->ratio - 1, out);
	strbuf_adds(out, change->is_worse ? " (worse)" : " (better)");
	if (!isnan(change->p)) {
		strbuf_adds(out, ", p ");
		report_p(out, change->p);
	}
	strbuf_adds(out, "<br><small>");
	html_text_part(out, place, 2 * NAME_BYTES);
}

static void add_since(const struct results_index *index, const struct change *change,
		      struct strbuf *out)
{
	char day[INDEX_DAY_MAX];

	strbuf_adds(out, "; since ");
	index_add_run_link(index, change->run_id, index_day(change->wall_ns, day), out);
	if (change->nights > 1)
		strbuf_addf(out, ", called so in %zu nights", change->nights);
	if (change->against) {
		strbuf_adds(out, "; against ");
		html_text_part(out, change->against, NAME_BYTES);
	}
	if (change->confirm_run) {
		strbuf_adds(out, change->state == NIGHT_EVENT_REFUTED ? "; refuted by " :
				 change->state == NIGHT_EVENT_CONFIRMED ? "; confirmed by " :
									  "; run again as ");
		index_add_run_link(index, change->confirm_run, "a run of both kernels", out);
	}
	strbuf_adds(out, "</small>");
}

static void add_item(const struct results_index *index, const struct change *change,
		     struct strbuf *out)
{
	strbuf_adds(out, "<li>");
	add_state(change, out);
	add_subject(change, out);
	add_since(index, change, out);
	if (change->culprit) {
		strbuf_adds(out, "<br>Moved by <code>");
		html_text_part(out, change->culprit, NAME_BYTES);
		strbuf_adds(out, "</code>");
	}
	if (change->reason) {
		strbuf_adds(out, "<br><small>");
		html_text_part(out, change->reason, REASON_BYTES);
		strbuf_adds(out, "</small>");
	}
	strbuf_adds(out, "</li>\n");
}

static bool is_listed(const struct change *change, bool is_worse, bool is_refuted)
{
	return (change->state == NIGHT_EVENT_REFUTED) == is_refuted &&
	       (is_refuted || change->is_worse == is_worse);
}

static void add_list(const struct results_index *index, const struct changes *changes,
		       bool is_worse, bool is_refuted, size_t from, size_t max, struct strbuf *out)
{
	size_t seen = 0, shown = 0;

	for (size_t i = 0; i < changes->count; i++) {
		if (!is_listed(&changes->items[i], is_worse, is_refuted) || seen++ < from)
			continue;
		if (shown == max)
			break;
		strbuf_adds(out, shown ? "" : "<ul class=\"changes\">\n");
		add_item(index, &changes->items[i], out);
		shown++;
	}
	strbuf_adds(out, shown ? "</ul>\n" : "");
}

static size_t count_list(const struct changes *changes, bool is_worse, bool is_refuted)
{
	size_t count = 0;

	for (size_t i = 0; i < changes->count; i++)
		count += is_listed(&changes->items[i], is_worse, is_refuted);
	return count;
}

static size_t count_new(const struct changes *changes)
{
	size_t count = 0;

	for (size_t i = 0; i < changes->count; i++)
		count += is_listed(&changes->items[i], true, false) && !changes->items[i].is_old;
	return count;
}

static void add_more(const struct results_index *index, const struct changes *changes,
		     const char *name, bool is_worse, bool is_refuted, size_t from,
		     struct strbuf *out)
{
	size_t count = count_list(changes, is_worse, is_refuted);

	if (count <= from)
		return;
	strbuf_addf(out, "<details><summary>%zu %s</summary>\n", count - from, name);
	add_list(index, changes, is_worse, is_refuted, from, CHANGES_MORE, out);
	if (count - from > CHANGES_MORE)
		strbuf_adds(out, "<p>The others: <code>kerngate history</code>.</p>\n");
	strbuf_adds(out, "</details>\n");
}

void index_add_changes(const struct results_index *index, struct strbuf *out)
{
	cleanup_with(changes_release) struct changes changes = { .items = NULL };
	size_t nights_count, shown;

	take_nights(index, &changes);
	nights_count = changes.count;
	for (size_t i = 0; i < index->series_count && changes.count < 10 * CHANGES_MAX; i++)
		if (!index->series[i].info.secondary)
			take_series(&index->series[i], nights_count, &changes);
	sort_changes(index, &changes);
	strbuf_adds(out, "<section id=\"changes\" aria-labelledby=\"h-changes\">\n"
		    "<h2 id=\"h-changes\">Newest regressions</h2>\n");
	shown = count_new(&changes);
	shown = shown < CHANGES_SHOWN ? shown : CHANGES_SHOWN;
	if (!shown)
		strbuf_adds(out, "<p>None in the last two months.</p>\n");
	add_list(index, &changes, true, false, 0, shown, out);
	add_more(index, &changes, "more, older or less sure", true, false, shown, out);
	add_more(index, &changes, "improvements", false, false, 0, out);
	add_more(index, &changes, "refuted: a run of both kernels did not show them", true, true, 0,
		 out);
	strbuf_adds(out, "</section>\n");
}
