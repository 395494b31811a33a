/* nightly_status.c - a night in one number and one line. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "nightly_private.h"

#define EXIT_STATUS_INTERRUPTED 130
#define WIDTH 80

/* --- status ----------------------------------------------------------------------------- */

static size_t count_worse(const struct stored_night *record, enum night_event_state state)
{
	size_t count = 0;

	for (size_t i = 0; i < record->events_count; i++)
		count += record->events[i].is_worse && record->events[i].state == state;
	return count;
}

/* Worst first: what wakes people goes before what only says that nothing was learned. */
static int status_of_verdicts(const struct night_work *work)
{
	const struct stored_night *record = &work->night->record;

	if (work->gate == GATE_NOT_COMPARABLE)
		return GATE_NOT_COMPARABLE;
	if (work->gate == GATE_REGRESSED || work->boots_regressed ||
	    count_worse(record, NIGHT_EVENT_CONFIRMED))
		return GATE_REGRESSED;
	if (work->dropped_count)
		return GATE_FAILED;
	if (work->against_gate == GATE_NOT_COMPARABLE)
		return GATE_NOT_COMPARABLE;
	if (work->gate == GATE_INCONCLUSIVE || count_worse(record, NIGHT_EVENT_SUSPECTED))
		return GATE_INCONCLUSIVE;
	return GATE_PASS;
}

int night_status(const struct night_work *work, int code)
{
	int status = work->is_judged ? status_of_verdicts(work) : GATE_FAILED;

	if (code == -EINTR || code == -ECANCELED)
		return EXIT_STATUS_INTERRUPTED;
	return code && status != GATE_REGRESSED ? GATE_FAILED : status;
}

const char *night_verdict(int status)
{
	switch (status) {
	case GATE_PASS:
		return "pass";
	case GATE_REGRESSED:
		return "regressed";
	case GATE_INCONCLUSIVE:
		return "inconclusive";
	case GATE_NOT_COMPARABLE:
		return "not comparable";
	case EXIT_STATUS_INTERRUPTED:
		return "interrupted";
	}
	return "failed";
}

/* --- summary ------------------------------------------------------------------------------ */

/* A part that goes where the line would be too long; the largest number goes first. */
struct part {
	char *text;                  /* owned; NULL: none */
	unsigned int goes;           /* 0: never */
	bool shrinks;                /* before what is numbered as it is goes */
};

#define PARTS_MAX 12
#define SHRUNK_MIN 6   /* ", 0002" */
#define DOTTED_MIN 12

struct parts {
	struct part items[PARTS_MAX];
	size_t count;
};

static void parts_release(struct parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		free(parts->items[i].text);
}

static void add_part(struct parts *parts, unsigned int goes, char *text)
{
	parts->items[parts->count++] = (struct part){ .text = text, .goes = goes };
}

static size_t parts_length(const struct parts *parts)
{
	size_t length = 0;

	for (size_t i = 0; i < parts->count; i++)
		length += parts->items[i].text ? strlen(parts->items[i].text) : 0;
	return length;
}

/* Cuts it to what the others leave; down to the number of a patch. */
static void shrink(struct parts *parts, struct part *part)
{
	size_t length = strlen(part->text), over = parts_length(parts) - WIDTH;
	char *shorter;

	if (length < SHRUNK_MIN + over)
		return;
	if (length - over < DOTTED_MIN)
		shorter = string_copy_n(part->text, length - over);
	else
		shorter = string_format("%.*s...", (int)(length - over - 3), part->text);
	free(part->text);
	part->text = shorter;
}

static char *parts_join(struct parts *parts)
{
	struct strbuf line = STRBUF_INIT;
	bool is_long;

	for (unsigned int goes = PARTS_MAX; goes > 0; goes--) {
		for (size_t i = 0; i < parts->count; i++)
			if (parts->items[i].goes == goes && parts->items[i].shrinks &&
			    parts->items[i].text && parts_length(parts) > WIDTH)
				shrink(parts, &parts->items[i]);
		is_long = parts_length(parts) > WIDTH;
		for (size_t i = 0; is_long && i < parts->count; i++)
			if (parts->items[i].goes == goes)
				free(take_pointer(parts->items[i].text));
	}
	for (size_t i = 0; i < parts->count; i++)
		strbuf_adds(&line, parts->items[i].text ? parts->items[i].text : "");
	return strbuf_detach(&line);
}

/* What is told first: worse before better, the surest and strongest. */
static const struct stored_night_event *find_worst(const struct stored_night *record)
{
	const struct stored_night_event *worst = NULL;

	for (size_t i = 0; i < record->events_count; i++) {
		const struct stored_night_event *event = &record->events[i];

		if (!event->is_worse || event->state == NIGHT_EVENT_REFUTED)
			continue;
		if (!worst || (event->state == NIGHT_EVENT_CONFIRMED &&
			       worst->state != NIGHT_EVENT_CONFIRMED) ||
		    (event->state == worst->state && !event->culprit <= !worst->culprit &&
		     fabs(log(event->ratio)) > fabs(log(worst->ratio))))
			worst = event;
	}
	return worst;
}

static void add_events(const struct stored_night *record, struct parts *parts)
{
	const struct stored_night_event *worst = find_worst(record);
	size_t confirmed = count_worse(record, NIGHT_EVENT_CONFIRMED);
	size_t suspected = count_worse(record, NIGHT_EVENT_SUSPECTED);

	if (!worst)
		return;
	if (confirmed)
		add_part(parts, 0, string_format(" %zu confirmed", confirmed));
	if (suspected)
		add_part(parts, 5, string_format("%s %zu suspected", confirmed ? "," : "",
						 suspected));
	add_part(parts, 4, string_format(" (%s %+.1f %%", worst->metric,
					 (worst->ratio - 1) * 100));
	if (worst->culprit) {
		add_part(parts, 4, string_format(", %s", worst->culprit));
		parts->items[parts->count - 1].shrinks = true;
	}
	add_part(parts, 4, string_copy(")"));
}

/* "nightly 20261122-0130: " */
static char *head_of(const struct stored_night *record)
{
	return string_format("nightly %.13s: ", record->id);
}

static char *verdict_of(const struct nightly *nightly)
{
	const char *verdict = night_verdict(nightly->record.status);

	if (nightly->record.status == GATE_REGRESSED)
		return string_copy("REGRESSED");
	if (nightly->record.status == GATE_FAILED)
		return string_copy("FAILED");
	return string_copy(verdict);
}

static void add_counts(const struct nightly *nightly, struct parts *parts)
{
	const struct stored_night *record = &nightly->record;
	uint64_t minutes = (nightly->spent_ns + 59 * NS_PER_SECOND) / (60 * NS_PER_SECOND);
	size_t waiting = 0;

	for (size_t i = 0; i < record->cells_count; i++)
		waiting += !record->cells[i].is_run;
	if (nightly->trials_planned)
		add_part(parts, 7, string_format(", %zu of %zu trials", nightly->trials_finished,
						 nightly->trials_planned));
	if (record->budget_minutes)
		add_part(parts, 8, string_format(", %" PRIu64 " of %" PRIu32 " min", minutes,
						 record->budget_minutes));
	if (waiting)
		add_part(parts, 6, string_format(", %zu cell%s", waiting,
						 waiting == 1 ? " waits" : "s wait"));
}

char *night_summary(const struct nightly *nightly)
{
	cleanup_with(parts_release) struct parts parts = { .count = 0 };

	add_part(&parts, 0, head_of(&nightly->record));
	add_part(&parts, 0, verdict_of(nightly));
	if (nightly->failure && nightly->record.status == GATE_FAILED) {
		size_t room = WIDTH - parts_length(&parts) - 2;

		add_part(&parts, 0, string_format(": %.*s",
						  (int)strcspn(nightly->failure, "\n") < (int)room ?
						  (int)strcspn(nightly->failure, "\n") : (int)room,
						  nightly->failure));
	} else {
		add_events(&nightly->record, &parts);
	}
	add_counts(nightly, &parts);
	return parts_join(&parts);
}
