/* test_run_store_nights.c - nights and verdicts, stored and read back. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "history.h"
#include "history_run.h"
#include "memory.h"
#include "run_store_history.h"
#include "run_store_nights.h"
#include "run_store_private.h"
#include "sample_run.h"
#include "test.h"

/* --- nights --------------------------------------------------------------------------- */

#define cleanup_night cleanup_with(stored_night_release)

static struct stored_night_event make_event(const char *metric, enum night_event_state state)
{
	return (struct stored_night_event){
		.guest = string_copy("up"), .suite = string_copy("quick"),
		.row = string_copy("first"), .metric = string_copy(metric),
		.variant = string_copy("patched"), .state = state, .ratio = NAN, .p = NAN,
	};
}

static struct stored_night make_night(void)
{
	struct stored_night night = {
		.id = string_copy("20261122-013000-nightly"), .campaign = string_copy("nightly"),
		.started_wall_ns = 100, .budget_minutes = 45, .status = -1,
		.cells = memory_alloc_array(2, sizeof(*night.cells)), .cells_count = 2,
		.events = memory_alloc_array(2, sizeof(*night.events)), .events_count = 2,
	};
	struct stored_night_event *event = night.events;

	night.cells[0] = (struct stored_night_cell){
		.guest = string_copy("up"), .suite = string_copy("quick"), .is_run = true,
		.estimate_ns = 5, .reason = string_copy("never run") };
	night.cells[1] = (struct stored_night_cell){ .guest = string_copy("numa"),
						     .suite = string_copy("quick") };
	event[0] = make_event("fallocate_ns", NIGHT_EVENT_CONFIRMED);
	event->is_worse = true;
	event->ratio = 1.25;
	event->p = 0.001;
	event->against = string_copy("7 nights");
	event->culprit = string_copy("0002-x.patch");
	event->reason = string_copy("confirmed by a run of both");
	event[1] = make_event("rate_gib_s", NIGHT_EVENT_REFUTED);
	return night;
}

/* Puts a copy of the text in the place of the one there. */
static void set_text(char **text, const char *to)
{
	free(*text);
	*text = string_copy(to);
}

static bool set_night(struct run_store *store, const struct stored_night *night)
{
	struct error err = ERROR_INIT;
	int rc = run_store_set_night(store, night, &err);

	test_check_string(err.message, "");
	return !rc;
}

static size_t load_nights(struct run_store *store, const char *campaign, size_t max,
			  struct stored_night **ret_nights)
{
	struct error err = ERROR_INIT;
	size_t count = 0;

	*ret_nights = NULL;
	CU_ASSERT_EQUAL(run_store_nights(store, campaign, max, ret_nights, &count, &err), 0);
	test_check_string(err.message, "");
	return count;
}

static void check_cells(const struct stored_night *night)
{
	if (!test_check(night->cells_count == 2))
		return;
	test_check_string(night->cells[0].guest, "up");
	test_check_string(night->cells[0].suite, "quick");
	CU_ASSERT_TRUE(night->cells[0].is_run);
	CU_ASSERT_EQUAL(night->cells[0].estimate_ns, 5);
	test_check_string(night->cells[0].reason, "never run");
	CU_ASSERT_FALSE(night->cells[1].is_run);
	test_check_string(night->cells[1].reason, NULL);
}

static void check_events(const struct stored_night *night, const char *confirm_run)
{
	const struct stored_night_event *event = night->events;

	if (!test_check(night->events_count == 2))
		return;
	test_check_string(event->row, "first");
	test_check_string(event->metric, "fallocate_ns");
	test_check_string(event->variant, "patched");
	CU_ASSERT_TRUE(event->is_worse);
	CU_ASSERT_EQUAL(event->ratio, 1.25);
	CU_ASSERT_EQUAL(event->p, 0.001);
	CU_ASSERT_EQUAL(event->state, NIGHT_EVENT_CONFIRMED);
	test_check_string(event->against, "7 nights");
	test_check_string(event->confirm_run, confirm_run);
	test_check_string(event->culprit, "0002-x.patch");
	test_check_string(event->reason, "confirmed by a run of both");
	CU_ASSERT_FALSE(event[1].is_worse);
	CU_ASSERT_TRUE(isnan(event[1].ratio));
	CU_ASSERT_EQUAL(event[1].state, NIGHT_EVENT_REFUTED);
	test_check_string(event[1].confirm_run, NULL);
	test_check_string(event[1].culprit, NULL);
}

static void test_night_kept(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1);
	cleanup_night struct stored_night night = make_night();
	struct stored_night *loaded;
	size_t count;

	if (!store || !sample_store_begin(store, &run) || !set_night(store, &night))
		return;
	count = load_nights(store, NULL, 0, &loaded);
	if (test_check(count == 1)) {
		test_check_string(loaded->id, night.id);
		test_check_string(loaded->run_id, NULL);
		CU_ASSERT_EQUAL(loaded->status, -1);
		CU_ASSERT_EQUAL(loaded->finished_wall_ns, 0);
		test_check_string(loaded->summary, NULL);
		check_cells(loaded);
		check_events(loaded, NULL);
	}
	stored_nights_free(loaded, count);

	/* the same night, finished: nothing of before is left */
	set_text(&night.run_id, run.id);
	set_text(&night.events[0].confirm_run, run.id);
	night.finished_wall_ns = 900;
	night.status = 1;
	set_text(&night.summary, "1 regressed");
	if (!set_night(store, &night))
		return;
	count = load_nights(store, "nightly", 5, &loaded);
	if (test_check(count == 1)) {
		test_check_string(loaded->run_id, run.id);
		CU_ASSERT_EQUAL(loaded->status, 1);
		CU_ASSERT_EQUAL(loaded->started_wall_ns, 100);
		CU_ASSERT_EQUAL(loaded->finished_wall_ns, 900);
		CU_ASSERT_EQUAL(loaded->budget_minutes, 45);
		test_check_string(loaded->summary, "1 regressed");
		check_cells(loaded);
		check_events(loaded, run.id);
	}
	stored_nights_free(loaded, count);
}

static void test_nights_in_order(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	static char campaigns[][2] = { "a", "b", "a" }, ids[][2] = { "x", "y", "z" };
	static const uint64_t times[] = { 20, 30, 10 };
	struct stored_night *loaded;
	size_t count;

	for (size_t i = 0; store && i < 3; i++) {
		const struct stored_night night = { .id = ids[i], .campaign = campaigns[i],
						    .started_wall_ns = times[i] };

		if (!set_night(store, &night))
			return;
	}
	if (!store)
		return;
	count = load_nights(store, NULL, 0, &loaded);
	if (test_check(count == 3)) {
		test_check_string(loaded[0].id, "y");
		test_check_string(loaded[1].id, "x");
		test_check_string(loaded[2].id, "z");
		CU_ASSERT_EQUAL(loaded[1].status, 0);
	}
	stored_nights_free(loaded, count);
	count = load_nights(store, "a", 1, &loaded);
	if (test_check(count == 1))
		test_check_string(loaded->id, "x");
	stored_nights_free(loaded, count);
	CU_ASSERT_EQUAL(load_nights(store, "c", 0, &loaded), 0);
	stored_nights_free(loaded, 0);
}

static void check_refused(struct run_store *store, const struct stored_night *night, int code,
			  const char *part)
{
	struct stored_night *loaded;
	struct error err = ERROR_INIT;
	size_t count;

	CU_ASSERT_EQUAL(run_store_set_night(store, night, &err), code);
	test_check_contains(err.message, part);
	count = load_nights(store, NULL, 0, &loaded);
	CU_ASSERT_EQUAL(count, 0); /* all of it, or nothing */
	stored_nights_free(loaded, count);
}

static void test_nights_refused(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_night struct stored_night night = make_night();

	if (!store)
		return;
	set_text(&night.run_id, "20990101-000000-x");
	check_refused(store, &night, -ENOENT, "has no run 20990101-000000-x");
	set_text(&night.run_id, NULL);
	set_text(&night.events[1].confirm_run, "nobody");
	check_refused(store, &night, -ENOENT, "has no run nobody");
	set_text(&night.events[1].confirm_run, NULL);
	set_text(&night.events[1].variant, NULL);
	check_refused(store, &night, -EINVAL, "event 2 lacks one of guest, suite, row");
	set_text(&night.cells[0].suite, NULL);
	check_refused(store, &night, -EINVAL, "cell 1 has no guest or suite");
	set_text(&night.campaign, NULL);
	check_refused(store, &night, -EINVAL, "it has no campaign");
	set_text(&night.id, NULL);
	check_refused(store, &night, -EINVAL, "storing the night ?: it has no id");
}

/* A run that is taken out leaves the night, without it. */
static void test_run_removed(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1);
	cleanup_night struct stored_night night = make_night();
	struct stored_night *loaded;
	size_t count;

	if (!store || !sample_store_begin(store, &run))
		return;
	set_text(&night.run_id, run.id);
	set_text(&night.events[0].confirm_run, run.id);
	if (!set_night(store, &night))
		return;
	CU_ASSERT_EQUAL(sqlite3_exec(store->database, "DELETE FROM runs", NULL, NULL, NULL),
			SQLITE_OK);
	count = load_nights(store, NULL, 0, &loaded);
	if (test_check(count == 1)) {
		test_check_string(loaded->run_id, NULL);
		check_events(loaded, NULL);
	}
	stored_nights_free(loaded, count);
}

static void test_unknown_state(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_night struct stored_night night = make_night();
	struct stored_night *loaded = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	if (!store || !set_night(store, &night))
		return;
	CU_ASSERT_EQUAL(sqlite3_exec(store->database,
				     "PRAGMA ignore_check_constraints = 1;"
				     "UPDATE night_events SET state = 'odd'", NULL, NULL, NULL),
			SQLITE_OK);
	CU_ASSERT_EQUAL(run_store_nights(store, NULL, 0, &loaded, &count, &err), -EUCLEAN);
	test_check_contains(err.message, "state 'odd', which this kerngate does not know");
	CU_ASSERT_PTR_NULL(loaded);
}

/* --- verdicts ------------------------------------------------------------------------- */

static char regressed[] = "regressed", equivalent[] = "equivalent",
	    inconclusive[] = "inconclusive", odd[] = "odd";

/* The series of first.fallocate_ns of "patched" in the first cell, with figures. */
static int64_t made_series(struct run_store *store, const struct stored_run *run)
{
	struct error err = ERROR_INIT;
	int64_t series = -1;

	CU_ASSERT_EQUAL(history_fill_run(store, run->id, &err), 0);
	CU_ASSERT_EQUAL(run_store_find_series(store, run, 0, 0, 0, 1, &series, &err), 0);
	test_check_string(err.message, "");
	CU_ASSERT_TRUE(series > 0);
	return series;
}

static size_t load_verdicts(struct run_store *store, const char *run_id, bool is_history,
			    struct stored_verdict **ret_verdicts)
{
	struct error err = ERROR_INIT;
	size_t count = 0;

	*ret_verdicts = NULL;
	CU_ASSERT_EQUAL(run_store_run_verdicts(store, run_id, is_history, ret_verdicts, &count,
					       &err), 0);
	test_check_string(err.message, "");
	return count;
}

static void check_verdict(struct run_store *store, const char *run_id, bool is_history,
			  const char *expected)
{
	struct stored_verdict *loaded;
	size_t count = load_verdicts(store, run_id, is_history, &loaded);

	if (expected && test_check(count == 1)) {
		test_check_string(loaded->verdict, expected);
		CU_ASSERT_EQUAL(loaded->is_history, is_history);
	}
	if (!expected)
		CU_ASSERT_EQUAL(count, 0);
	stored_verdicts_free(loaded, count);
}

static void test_verdicts_kept(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	const struct history_night night = { .factor = 1.2 };
	cleanup_run struct stored_run run = history_night_make(&night);
	struct stored_verdict verdict = { .verdict = regressed, .ratio = 1.2, .low = 1.1,
					  .high = NAN, .p = 0.01 }, *loaded;
	struct error err = ERROR_INIT;
	size_t count;

	if (!store || !history_night_finish(store, &run, &night))
		return;
	verdict.series = made_series(store, &run);
	CU_ASSERT_EQUAL(run_store_set_judged(store, run.id, &verdict, 1, 3, 1, &err), 0);
	count = load_verdicts(store, run.id, false, &loaded);
	if (test_check(count == 1)) {
		CU_ASSERT_EQUAL(loaded->series, verdict.series);
		test_check_string(loaded->verdict, "regressed");
		CU_ASSERT_EQUAL(loaded->ratio, 1.2);
		CU_ASSERT_EQUAL(loaded->low, 1.1);
		CU_ASSERT_TRUE(isnan(loaded->high));
		CU_ASSERT_EQUAL(loaded->p, 0.01);
	}
	stored_verdicts_free(loaded, count);
	/* each kind is replaced by itself */
	verdict.is_history = true;
	verdict.verdict = equivalent;
	CU_ASSERT_EQUAL(run_store_set_verdicts(store, run.id, true, &verdict, 1, &err), 0);
	verdict.verdict = inconclusive;
	CU_ASSERT_EQUAL(run_store_set_verdicts(store, run.id, true, &verdict, 1, &err), 0);
	check_verdict(store, run.id, true, "inconclusive");
	check_verdict(store, run.id, false, "regressed");
	CU_ASSERT_EQUAL(run_store_set_judged(store, run.id, NULL, 0, 3, 4, &err), 0);
	check_verdict(store, run.id, true, "inconclusive");
	check_verdict(store, run.id, false, NULL);
	test_check_string(err.message, "");
}

static size_t count_not_judged(struct run_store *store, uint32_t rule)
{
	cleanup_strvec struct strvec ids = STRVEC_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_store_runs_not_judged(store, rule, &ids, &err), 0);
	return ids.count;
}

static void test_rule(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run unfinished = sample_run(2, 1);
	cleanup_free char *id = history_night_id(0);
	struct error err = ERROR_INIT;

	if (!store || !history_nights_store(store, 2, 2, 1) ||
	    !sample_store_begin(store, &unfinished))
		return;
	CU_ASSERT_EQUAL(count_not_judged(store, 1), 2);
	CU_ASSERT_EQUAL(run_store_set_judged(store, id, NULL, 0, 1, 0, &err), 0);
	CU_ASSERT_EQUAL(count_not_judged(store, 1), 1);
	CU_ASSERT_EQUAL(count_not_judged(store, 2), 2);
	/* verdicts against earlier runs say nothing of the rule */
	CU_ASSERT_EQUAL(run_store_set_verdicts(store, id, true, NULL, 0, &err), 0);
	CU_ASSERT_EQUAL(count_not_judged(store, 1), 1);
}

static void test_verdicts_refused(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	const struct history_night night = { .factor = 1 };
	cleanup_run struct stored_run run = history_night_make(&night), other = sample_run(2, 1);
	struct stored_verdict verdicts[2] = { { .verdict = equivalent }, { .verdict = odd } };
	struct error err = ERROR_INIT, unlike = ERROR_INIT, nobody = ERROR_INIT, none = ERROR_INIT;
	int64_t series = -1;

	if (!store || !history_night_finish(store, &run, &night))
		return;
	verdicts[0].series = verdicts[1].series = made_series(store, &run);
	CU_ASSERT_EQUAL(run_store_set_verdicts(store, run.id, false, verdicts, 2, &err), -EINVAL);
	test_check_contains(err.message, "'odd' is no verdict");
	CU_ASSERT_EQUAL(run_store_set_verdicts(store, run.id, true, verdicts, 1, &unlike), -EINVAL);
	test_check_contains(unlike.message, "verdict 1 is of the other kind");
	CU_ASSERT_EQUAL(run_store_set_verdicts(store, "x", false, verdicts, 1, &nobody), -ENOENT);
	test_check_contains(nobody.message, "has no run x");
	verdicts[0].series = 4711;
	CU_ASSERT_EQUAL(run_store_set_verdicts(store, run.id, false, verdicts, 1, &none), -EIO);
	test_check_contains(none.message, "FOREIGN KEY");
	check_verdict(store, run.id, false, NULL);
	/* a metric that never had a figure */
	free(other.cells[0].rows[0].metrics[0].unit);
	other.cells[0].rows[0].metrics[0].unit = string_copy("s");
	CU_ASSERT_EQUAL(run_store_find_series(store, &other, 0, 0, 0, 1, &series, &err), 0);
	CU_ASSERT_EQUAL(series, 0);
}

TEST_SUITE("run_store_nights",
	   {"a night is kept, and kept anew", test_night_kept},
	   {"nights in order", test_nights_in_order},
	   {"nights that are refused", test_nights_refused},
	   {"a night without its run", test_run_removed},
	   {"an event of an unknown state", test_unknown_state},
	   {"verdicts are kept", test_verdicts_kept},
	   {"the rule of verdicts", test_rule},
	   {"verdicts that are refused", test_verdicts_refused})
