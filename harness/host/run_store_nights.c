/* run_store_nights.c - nights, stored and read back. Verdicts are in
 * run_store_verdicts.c.
 */
#include "run_store_nights.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "run_store_private.h"

static const char *const state_names[] = {
	[NIGHT_EVENT_SUSPECTED] = "suspected",
	[NIGHT_EVENT_CONFIRMED] = "confirmed",
	[NIGHT_EVENT_REFUTED] = "refuted",
};

const char *night_event_state_name(enum night_event_state state)
{
	return state_names[state];
}

static void release_cell(struct stored_night_cell *cell)
{
	free(cell->guest);
	free(cell->suite);
	free(cell->reason);
}

void stored_night_event_release(struct stored_night_event *event)
{
	free(event->guest);
	free(event->suite);
	free(event->row);
	free(event->metric);
	free(event->variant);
	free(event->against);
	free(event->confirm_run);
	free(event->culprit);
	free(event->reason);
}

void stored_night_release(struct stored_night *night)
{
	for (size_t i = 0; i < night->cells_count; i++)
		release_cell(&night->cells[i]);
	for (size_t i = 0; i < night->events_count; i++)
		stored_night_event_release(&night->events[i]);
	free(night->cells);
	free(night->events);
	free(night->id);
	free(night->campaign);
	free(night->run_id);
	free(night->summary);
	*night = (struct stored_night){ .id = NULL };
}

void stored_nights_free(struct stored_night *nights, size_t count)
{
	for (size_t i = 0; i < count; i++)
		stored_night_release(&nights[i]);
	free(nights);
}

/* --- storing ------------------------------------------------------------------------ */

/* Binds the key of a run; nothing where id is NULL. */
static int bind_run(struct statement *st, int index, const char *id, struct error *err)
{
	int64_t key = 0;
	int rc = id ? store_run_key(st->store, id, &key, err) : 0;

	if (!rc && id)
		statement_bind_integer(st, index, key);
	return rc;
}

static int insert_night(struct run_store *store, const struct stored_night *night,
			int64_t *ret_key, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT INTO nights (id, campaign, run, started_wall_ns, finished_wall_ns,"
		" budget_minutes, status, summary) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
		" ON CONFLICT (id) DO UPDATE SET campaign = excluded.campaign,"
		"  run = excluded.run, started_wall_ns = excluded.started_wall_ns,"
		"  finished_wall_ns = excluded.finished_wall_ns,"
		"  budget_minutes = excluded.budget_minutes, status = excluded.status,"
		"  summary = excluded.summary RETURNING night", &st, err);

	if (!rc)
		rc = bind_run(&st, 3, night->run_id, err);
	if (rc)
		return rc;
	statement_bind_text(&st, 1, night->id);
	statement_bind_text(&st, 2, night->campaign);
	statement_bind_integer(&st, 4, store_optional_ns(night->started_wall_ns));
	statement_bind_integer(&st, 5, store_optional_ns(night->finished_wall_ns));
	statement_bind_integer(&st, 6, night->budget_minutes);
	if (night->status >= 0)
		statement_bind_integer(&st, 7, night->status);
	statement_bind_text(&st, 8, night->summary);
	rc = statement_step(&st, err);
	if (rc < 0)
		return rc;
	*ret_key = statement_integer(&st, 0);
	return statement_run(&st, err);
}

static int delete_parts(struct run_store *store, int64_t key, struct error *err)
{
	static const char *const texts[] = { "DELETE FROM night_cells WHERE night = ?1",
					     "DELETE FROM night_events WHERE night = ?1" };
	int rc = 0;

	for (size_t i = 0; !rc && i < ARRAY_COUNT(texts); i++) {
		cleanup_statement struct statement st = STATEMENT_INIT;

		rc = statement_prepare(store, texts[i], &st, err);
		if (rc)
			break;
		statement_bind_integer(&st, 1, key);
		rc = statement_run(&st, err);
	}
	return rc;
}

static int insert_cells(struct run_store *store, int64_t key, const struct stored_night *night,
			struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT INTO night_cells (night, cell, guest, suite, is_run, estimate_ns, reason)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", &st, err);

	for (size_t i = 0; !rc && i < night->cells_count; i++) {
		const struct stored_night_cell *cell = &night->cells[i];

		statement_bind_integer(&st, 1, key);
		statement_bind_integer(&st, 2, (int64_t)i);
		statement_bind_text(&st, 3, cell->guest);
		statement_bind_text(&st, 4, cell->suite);
		statement_bind_integer(&st, 5, cell->is_run);
		statement_bind_integer(&st, 6, store_optional_ns(cell->estimate_ns));
		statement_bind_text(&st, 7, cell->reason);
		rc = statement_run(&st, err);
	}
	return rc;
}

static int insert_event(struct statement *st, int64_t key, size_t index,
			const struct stored_night_event *event, struct error *err)
{
	int rc = bind_run(st, 13, event->confirm_run, err);

	if (rc)
		return rc;
	statement_bind_integer(st, 1, key);
	statement_bind_integer(st, 2, (int64_t)index);
	statement_bind_text(st, 3, event->guest);
	statement_bind_text(st, 4, event->suite);
	statement_bind_text(st, 5, event->row);
	statement_bind_text(st, 6, event->metric);
	statement_bind_text(st, 7, event->variant);
	statement_bind_integer(st, 8, event->is_worse);
	statement_bind_real(st, 9, event->ratio);
	statement_bind_real(st, 10, event->p);
	statement_bind_text(st, 11, night_event_state_name(event->state));
	statement_bind_text(st, 12, event->against);
	statement_bind_text(st, 14, event->culprit);
	statement_bind_text(st, 15, event->reason);
	return statement_run(st, err);
}

static int insert_events(struct run_store *store, int64_t key, const struct stored_night *night,
			 struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT INTO night_events (night, event, guest, suite, row, metric, variant,"
		" is_worse, ratio, p, state, against, confirm_run, culprit, reason)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
		&st, err);

	for (size_t i = 0; !rc && i < night->events_count; i++)
		rc = insert_event(&st, key, i, &night->events[i], err);
	return rc;
}

static int check_names(const struct stored_night *night, struct error *err)
{
	if (!night->id || !night->campaign)
		return error_set(err, -EINVAL, "it has no %s", night->id ? "campaign" : "id");
	for (size_t i = 0; i < night->cells_count; i++)
		if (!night->cells[i].guest || !night->cells[i].suite)
			return error_set(err, -EINVAL, "cell %zu has no guest or suite", i + 1);
	for (size_t i = 0; i < night->events_count; i++) {
		const struct stored_night_event *event = &night->events[i];

		if (!event->guest || !event->suite || !event->row || !event->metric ||
		    !event->variant)
			return error_set(err, -EINVAL, "event %zu lacks one of guest, suite, row, "
					 "metric and variant", i + 1);
	}
	return 0;
}

int run_store_set_night(struct run_store *store, const struct stored_night *night,
			struct error *err)
{
	cleanup_transaction struct transaction tx = TRANSACTION_INIT;
	int64_t key = 0;
	int rc = check_names(night, err);

	if (!rc)
		rc = transaction_begin(store, &tx, err);
	if (!rc)
		rc = insert_night(store, night, &key, err);
	if (!rc)
		rc = delete_parts(store, key, err);
	if (!rc)
		rc = insert_cells(store, key, night, err);
	if (!rc)
		rc = insert_events(store, key, night, err);
	if (!rc)
		rc = transaction_commit(&tx, err);
	return rc ? error_prefix(err, "storing the night %s", night->id ? night->id : "?") : 0;
}

/* --- reading ------------------------------------------------------------------------ */

struct nights_list {
	struct stored_night *items;  /* owned */
	int64_t *keys;               /* owned */
	size_t count, room;
};

static void nights_list_release(struct nights_list *list)
{
	stored_nights_free(list->items, list->count);
	free(list->keys);
}

static int load_nights(struct run_store *store, const char *campaign, size_t max,
		       struct nights_list *list, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"SELECT n.night, n.id, n.campaign, r.id, n.started_wall_ns, n.finished_wall_ns,"
		" n.budget_minutes, n.status, n.summary FROM nights n LEFT JOIN runs r USING (run)"
		" WHERE ?1 IS NULL OR n.campaign = ?1"
		" ORDER BY n.started_wall_ns DESC, n.night DESC LIMIT ?2", &st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, campaign);
	statement_bind_integer(&st, 2, max && max <= INT64_MAX ? (int64_t)max : -1);
	while ((rc = statement_step(&st, err)) > 0) {
		if (list->count == list->room) {
			list->room = list->room ? 2 * list->room : 64;
			list->items = memory_realloc_array(list->items, list->room,
							   sizeof(*list->items));
			list->keys = memory_realloc_array(list->keys, list->room,
							  sizeof(*list->keys));
		}
		list->keys[list->count] = statement_integer(&st, 0);
		list->items[list->count++] = (struct stored_night){
			.id = statement_text(&st, 1),
			.campaign = statement_text(&st, 2),
			.run_id = statement_text(&st, 3),
			.started_wall_ns = (uint64_t)statement_integer(&st, 4),
			.finished_wall_ns = (uint64_t)statement_integer(&st, 5),
			.budget_minutes = (uint32_t)statement_integer(&st, 6),
			.status = statement_is_null(&st, 7) ? -1 :
				  (int)statement_integer(&st, 7),
			.summary = statement_text(&st, 8),
		};
	}
	return rc;
}

static int load_cells(struct statement *st, int64_t key, struct stored_night *night,
		      struct error *err)
{
	int rc;

	statement_bind_integer(st, 1, key);
	while ((rc = statement_step(st, err)) > 0) {
		night->cells = memory_realloc_array(night->cells, night->cells_count + 1,
						    sizeof(*night->cells));
		night->cells[night->cells_count++] = (struct stored_night_cell){
			.guest = statement_text(st, 0),
			.suite = statement_text(st, 1),
			.is_run = statement_integer(st, 2),
			.estimate_ns = (uint64_t)statement_integer(st, 3),
			.reason = statement_text(st, 4),
		};
	}
	return rc ? rc : statement_run(st, err);
}

static int parse_state(const char *name, enum night_event_state *ret_state)
{
	for (size_t i = 0; i < ARRAY_COUNT(state_names); i++) {
		if (strcmp(name, state_names[i]) == 0) {
			*ret_state = (enum night_event_state)i;
			return 0;
		}
	}
	return -EUCLEAN;
}

static int read_event(struct statement *st, struct stored_night_event *ret, struct error *err)
{
	cleanup_free char *state = statement_text(st, 8);

	*ret = (struct stored_night_event){
		.guest = statement_text(st, 0),
		.suite = statement_text(st, 1),
		.row = statement_text(st, 2),
		.metric = statement_text(st, 3),
		.variant = statement_text(st, 4),
		.is_worse = statement_integer(st, 5),
		.ratio = statement_real(st, 6),
		.p = statement_real(st, 7),
		.against = statement_text(st, 9),
		.confirm_run = statement_text(st, 10),
		.culprit = statement_text(st, 11),
		.reason = statement_text(st, 12),
	};
	if (parse_state(state, &ret->state))
		return error_set(err, -EUCLEAN, "%s: an event of a night has the state '%s', which "
				 "this kerngate does not know", st->store->path, state);
	return 0;
}

static int load_events(struct statement *st, int64_t key, struct stored_night *night,
		       struct error *err)
{
	int rc;

	statement_bind_integer(st, 1, key);
	while ((rc = statement_step(st, err)) > 0) {
		night->events = memory_realloc_array(night->events, night->events_count + 1,
						     sizeof(*night->events));
		rc = read_event(st, &night->events[night->events_count++], err);
		if (rc)
			return rc;
	}
	return rc ? rc : statement_run(st, err);
}

static int load_parts(struct run_store *store, struct nights_list *list, struct error *err)
{
	cleanup_statement struct statement cells = STATEMENT_INIT, events = STATEMENT_INIT;
	int rc = statement_prepare(store, "SELECT guest, suite, is_run, estimate_ns, reason"
				   " FROM night_cells WHERE night = ?1 ORDER BY cell", &cells, err);

	if (!rc)
		rc = statement_prepare(store,
			"SELECT e.guest, e.suite, e.row, e.metric, e.variant, e.is_worse, e.ratio,"
			" e.p, e.state, e.against, r.id, e.culprit, e.reason FROM night_events e"
			" LEFT JOIN runs r ON r.run = e.confirm_run WHERE e.night = ?1"
			" ORDER BY e.event", &events, err);
	for (size_t i = 0; !rc && i < list->count; i++) {
		rc = load_cells(&cells, list->keys[i], &list->items[i], err);
		if (!rc)
			rc = load_events(&events, list->keys[i], &list->items[i], err);
	}
	return rc;
}

int run_store_nights(struct run_store *store, const char *campaign, size_t max,
		     struct stored_night **ret_nights, size_t *ret_count, struct error *err)
{
	cleanup_with(nights_list_release) struct nights_list list = { .items = NULL };
	int rc = load_nights(store, campaign, max, &list, err);

	if (!rc)
		rc = load_parts(store, &list, err);
	if (rc)
		return rc;
	*ret_count = list.count;
	list.count = 0;
	*ret_nights = take_pointer(list.items);
	return 0;
}
