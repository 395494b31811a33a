/* test_nightly.c - a night without boots: its lock, what it chooses by what earlier nights
 * left, its status and summary, its hook.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "nightly_private.h"
#include "sample_project.h"
#include "test.h"

#define cleanup_nightly cleanup_with(nightly_release)

/* --- the lock ----------------------------------------------------------------------------- */

static void test_lock(void)
{
	cleanup_free char *results = path_join(test_temp_folder(), "results");
	cleanup_free char *path = path_join(results, "nightly.lock");
	cleanup_free char *holder = string_format("process %d, since 20", (int)getpid());
	struct error err = ERROR_INIT;
	int first = -1, second = -1;

	CU_ASSERT_EQUAL(night_lock(results, &first, &err), 0);
	CU_ASSERT_EQUAL(night_lock(results, &second, &err), -EBUSY);
	test_check_contains(err.message, holder);
	CU_ASSERT_EQUAL(second, -1);
	(void)close(first);
	/* of one that was killed only words are left, and they hold nothing */
	CU_ASSERT_EQUAL(file_write_atomic(path, "process 1, since then\n", 22, 0644), 0);
	CU_ASSERT_EQUAL(night_lock(results, &second, &err), 0);
	CU_ASSERT_EQUAL(night_lock(results, &first, &err), -EBUSY);
	test_check_contains(err.message, holder);
	(void)close(second);
}

/* --- status --------------------------------------------------------------------------------- */

static struct stored_night_event event(bool is_worse, enum night_event_state state)
{
	return (struct stored_night_event){
		.guest = (char *)"up", .suite = (char *)"quick", .row = (char *)"hugetlb",
		.metric = (char *)"fallocate_ns", .variant = (char *)"patched",
		.is_worse = is_worse, .state = state, .ratio = is_worse ? 1.021 : 0.9, .p = 0.001,
	};
}

static void test_status(void)
{
	static const struct {
		int expected, code;
		bool is_judged;
		enum gate_exit gate, against;
		bool is_worse;
		enum night_event_state state;
		bool boots;
		size_t dropped;
	} cases[] = {
		{ 0, 0, true, GATE_PASS, GATE_PASS, false, NIGHT_EVENT_CONFIRMED, false, 0 },
		{ 0, 0, true, GATE_PASS, GATE_REGRESSED, true, NIGHT_EVENT_REFUTED, false, 0 },
		{ 0, 0, true, GATE_PASS, GATE_INCONCLUSIVE, false, NIGHT_EVENT_SUSPECTED, false, 0 },
		{ 1, 0, true, GATE_PASS, GATE_REGRESSED, true, NIGHT_EVENT_CONFIRMED, false, 0 },
		{ 1, 0, true, GATE_REGRESSED, GATE_PASS, false, NIGHT_EVENT_REFUTED, false, 0 },
		{ 1, 0, true, GATE_PASS, GATE_REGRESSED, false, NIGHT_EVENT_REFUTED, true, 0 },
		{ 1, -EIO, true, GATE_REGRESSED, GATE_PASS, false, NIGHT_EVENT_REFUTED, false, 0 },
		{ 1, 0, true, GATE_REGRESSED, GATE_PASS, false, NIGHT_EVENT_REFUTED, false, 1 },
		{ 2, -EIO, true, GATE_PASS, GATE_PASS, false, NIGHT_EVENT_REFUTED, false, 0 },
		{ 2, -EBUSY, false, GATE_PASS, GATE_PASS, false, NIGHT_EVENT_REFUTED, false, 0 },
		{ 2, 0, true, GATE_PASS, GATE_PASS, false, NIGHT_EVENT_REFUTED, false, 1 },
		{ 3, 0, true, GATE_PASS, GATE_REGRESSED, true, NIGHT_EVENT_SUSPECTED, false, 0 },
		{ 3, 0, true, GATE_INCONCLUSIVE, GATE_PASS, false, NIGHT_EVENT_REFUTED, false, 0 },
		{ 4, 0, true, GATE_NOT_COMPARABLE, GATE_REGRESSED, true, NIGHT_EVENT_CONFIRMED,
		  false, 0 },
		{ 4, 0, true, GATE_PASS, GATE_NOT_COMPARABLE, true, NIGHT_EVENT_SUSPECTED, false, 0 },
		{ 1, 0, true, GATE_PASS, GATE_NOT_COMPARABLE, true, NIGHT_EVENT_CONFIRMED, false,
		  0 },
		{ 130, -EINTR, false, GATE_PASS, GATE_PASS, false, NIGHT_EVENT_REFUTED, false, 0 },
		{ 130, -ECANCELED, true, GATE_REGRESSED, GATE_PASS, false, NIGHT_EVENT_REFUTED,
		  false, 0 },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct stored_night_event one = event(cases[i].is_worse, cases[i].state);
		struct nightly night = { .record = { .events = &one, .events_count = 1 } };
		const struct night_work work = {
			.night = &night, .gate = cases[i].gate, .against_gate = cases[i].against,
			.is_judged = cases[i].is_judged, .boots_regressed = cases[i].boots,
			.dropped_count = cases[i].dropped,
		};
		int status = night_status(&work, cases[i].code);

		if (!test_check(status == cases[i].expected))
			fprintf(stderr, "case %zu: %d\n", i, status);
	}
}

/* --- summary ----------------------------------------------------------------------------------- */

static struct nightly sample_night(struct stored_night_event *events, size_t count, int status)
{
	return (struct nightly){
		.record = { .id = (char *)"20261122-013005-nightly", .status = status,
			    .budget_minutes = 60, .events = events, .events_count = count },
		.trials_planned = 231, .trials_finished = 214,
		.spent_ns = UINT64_C(3470) * NS_PER_SECOND,
	};
}

static void check_summary(const struct nightly *night, const char *expected)
{
	cleanup_free char *summary = night_summary(night);

	test_check_string(summary, expected);
	CU_ASSERT_TRUE(strlen(summary) <= 80);
}

static void test_summary(void)
{
	struct stored_night_event events[] = {
		event(true, NIGHT_EVENT_REFUTED), event(true, NIGHT_EVENT_SUSPECTED),
		event(true, NIGHT_EVENT_CONFIRMED), event(false, NIGHT_EVENT_CONFIRMED),
	};
	struct nightly night = sample_night(NULL, 0, 0);
	struct stored_night_cell cells[] = { { .is_run = true }, { .is_run = false } };

	check_summary(&night, "nightly 20261122-0130: pass, 214 of 231 trials, 58 of 60 min");
	night.record.cells = cells;
	night.record.cells_count = 2;
	check_summary(&night, "nightly 20261122-0130: pass, 214 of 231 trials, 58 of 60 min, "
		      "1 cell waits");
	night = sample_night(events, 2, 3);
	check_summary(&night, "nightly 20261122-0130: inconclusive 1 suspected (fallocate_ns +2.1 %)");
	night = sample_night(events, 4, 1);
	night.trials_planned = 0;
	check_summary(&night, "nightly 20261122-0130: REGRESSED 1 confirmed, 1 suspected "
		      "(fallocate_ns +2.1 %)");
	/* the patch is worth more than all counts */
	events[2].culprit = (char *)"0002-mm-check.patch";
	night = sample_night(events, 4, 1);
	check_summary(&night, "nightly 20261122-0130: REGRESSED 1 confirmed (fallocate_ns +2.1 %, "
		      "0002-mm-c...)");
	events[2].metric = (char *)"work_instructions";
	check_summary(&night, "nightly 20261122-0130: REGRESSED 1 confirmed (work_instructions +2.1 %, "
		      "0002-mm)");
	events[2].metric = (char *)"a_metric_with_a_name_that_is_as_long_as_a_line_of_text_is_wide";
	check_summary(&night, "nightly 20261122-0130: REGRESSED 1 confirmed");
}

static void test_summary_of_failures(void)
{
	struct nightly night = sample_night(NULL, 0, 2);

	night.trials_planned = 0;
	night.failure = (char *)"variant patched: 0003-mm.patch does not apply\nto mm/hugetlb.c";
	check_summary(&night, "nightly 20261122-0130: FAILED: variant patched: 0003-mm.patch "
		      "does not apply");
	night.failure = (char *)"a cause that needs more words than a line of a terminal has room "
				"for, and then some";
	check_summary(&night, "nightly 20261122-0130: FAILED: a cause that needs more words than "
		      "a line of a te");
	night.record.status = 130;
	check_summary(&night, "nightly 20261122-0130: interrupted, 58 of 60 min");
	night.record.status = 4;
	check_summary(&night, "nightly 20261122-0130: not comparable, 58 of 60 min");
}

/* --- cells, by what earlier nights left -------------------------------------------------------- */

#define TWO_CELLS "cells:\n  - {guest: tiny, suite: turns}\n  - {guest: other, suite: turns}\n"


static struct place two_cells(void)
{
	struct place place = place_make();

	place_write(place.root, "configs/guests/other.yaml", "vcpus_count: 1\nmemory_mib: 128\n",
		    0666);
	place_write(place.root, "configs/campaigns/test.yaml",
		    "defaults:\n  kernel: {base: demo, fragments: [base]}\n"
		    "variants:\n  - name: stock\n  - {name: other, cmdline: [nosmt]}\n"
		    "baseline: stock\n" TWO_CELLS "blocks_count: 3\nseed: 77\n", 0666);
	return place;
}

static void store_night(const struct place *place, const char *id, bool left_out)
{
	struct stored_night_cell cells[] = {
		{ .guest = (char *)"tiny", .suite = (char *)"turns", .is_run = true },
		{ .guest = (char *)"other", .suite = (char *)"turns", .is_run = !left_out },
	};
	const struct stored_night night = {
		.id = (char *)id, .campaign = (char *)"test", .started_wall_ns = 1,
		.finished_wall_ns = 2, .status = 2, .summary = (char *)"x", .cells = cells,
		.cells_count = left_out ? 2 : 1,
	};
	struct run_store *store = NULL;
	struct error err = ERROR_INIT;

	if (test_check(!run_store_open(place->results, &store, &err)))
		CU_ASSERT_EQUAL(run_store_set_night(store, &night, &err), 0);
	test_check_string(err.message, "");
	run_store_close(store);
}

static void check_choice(const struct place *place, const char *budget_room,
			 const char *first, const char *second)
{
	const struct nightly_request request = { .campaign = "test" };
	struct nightly night = { .record = { .id = (char *)"20270101-000000-nightly" } };
	struct night_work work = { .request = &request, .options = place->options,
				   .night = &night, .lock = -1 };
	struct night_choice *choices = NULL;
	struct experiment_estimate estimate = { .cells = NULL };
	struct error err = ERROR_INIT;
	uint64_t room_ns = strtoull(budget_room, NULL, 10) * NS_PER_SECOND;
	size_t chosen = 0;
	bool made = place_load(place, &work.campaign) &&
		    !run_store_open(place->results, &work.store, &err) &&
		    !night_choose_cells(&work, room_ns, room_ns, &choices, &estimate, &chosen, &err);

	test_check_string(err.message, "");
	if (test_check(made)) {
		cleanup_free char *one = string_format("%s %s",
			work.campaign.cells[choices[0].candidate].guest.name, choices[0].reason);
		cleanup_free char *two = string_format("%s %s",
			work.campaign.cells[choices[1].candidate].guest.name, choices[1].reason);

		test_check_string(one, first);
		test_check_string(two, second);
		night_choices_free(choices, 2);
		experiment_estimate_release(&estimate);
	}
	campaign_release(&work.campaign);
	run_store_close(work.store);
}

static void test_left_out_is_first(void)
{
	cleanup_place struct place place = two_cells();

	check_choice(&place, "100000", "tiny never measured", "other never measured");
	store_night(&place, "20260101-000000-nightly", true);
	check_choice(&place, "100000", "tiny waited 1 night", "other waited 1 night");
	/* one that a night did not even list did not wait for that night */
	store_night(&place, "20260102-000000-nightly", false);
	check_choice(&place, "100000", "tiny waited 2 nights", "other waited 1 night");
}

/* --- a night that fails, and its hook ------------------------------------------------------------- */

static void run_night(const struct place *place, const struct nightly_request *request,
		      struct nightly *night)
{
	nightly_run(request, &place->options, night);
}

static json_t *read_json(const char *path)
{
	json_error_t problem;
	json_t *object = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);

	if (!test_check(object != NULL))
		fprintf(stderr, "%s: %s\n", path, problem.text);
	return object;
}

static void test_hook_of_a_failed_night(void)
{
	cleanup_place struct place place = place_make();
	cleanup_free char *told = path_join(test_temp_folder(), "told");
	cleanup_free char *hook = string_format("cat > '%s'", told), *kept = NULL;
	const struct nightly_request request = {
		.campaign = "tset", .against = NIGHTLY_AGAINST, .hook = hook, .is_quiet = true,
	};
	cleanup_nightly struct nightly night = { .report = NULL };
	json_t *object;

	run_night(&place, &request, &night);
	CU_ASSERT_EQUAL(night.record.status, 2);
	test_check_contains(night.failure, "did you mean");
	test_check_contains(night.record.summary, ": FAILED: ");
	object = read_json(told);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "status")), 2);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(object, "format")), 1);
	test_check_string(json_string_value(json_object_get(object, "verdict")), "failed");
	test_check_string(json_string_value(json_object_get(object, "campaign")), "tset");
	test_check_string(json_string_value(json_object_get(object, "night")), night.record.id);
	test_check_string(json_string_value(json_object_get(object, "summary")),
			  night.record.summary);
	test_check_string(json_string_value(json_object_get(object, "failure")), night.failure);
	CU_ASSERT_TRUE(json_is_null(json_object_get(object, "run")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(object, "report")));
	CU_ASSERT_EQUAL(json_array_size(json_object_get(object, "cells")), 0);
	json_decref(object);
	kept = string_format("%s/nights/%s.json", place.results, night.record.id);
	CU_ASSERT_TRUE(path_exists(kept));
}

static void test_bad_hooks(void)
{
	static const struct {
		const char *hook, *note;
	} cases[] = {
		{ "echo no mail >&2; exit 7", "the hook failed: sh: exit status 7: no mail" },
		{ "sleep 60", "the hook failed: sh: ended after 100 ms: too slow" },
		{ "exit 0", NULL },
		{ ": does not read what it is given", NULL },
	};
	cleanup_place struct place place = place_make();

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		const struct nightly_request request = {
			.campaign = "tset", .against = NIGHTLY_AGAINST, .hook = cases[i].hook,
			.is_quiet = true,
			.hook_timeout_ns = i == 1 ? 100 * NS_PER_MS : 30 * NS_PER_SECOND,
		};
		cleanup_nightly struct nightly night = { .report = NULL };

		run_night(&place, &request, &night);
		/* whatever becomes of it */
		CU_ASSERT_EQUAL(night.record.status, 2);
		CU_ASSERT_EQUAL(night.notes.count, cases[i].note ? 1 : 0);
		if (cases[i].note && night.notes.count)
			test_check_contains(night.notes.items[0], cases[i].note);
	}
}

static void test_two_nights(void)
{
	cleanup_place struct place place = place_make();
	const struct nightly_request request = {
		.campaign = "test", .against = NIGHTLY_AGAINST, .is_quiet = true,
	};
	cleanup_nightly struct nightly night = { .report = NULL };
	struct error err = ERROR_INIT;
	int other = -1;

	CU_ASSERT_EQUAL(night_lock(place.results, &other, &err), 0);
	run_night(&place, &request, &night);
	CU_ASSERT_EQUAL(night.record.status, 2);
	test_check_contains(night.failure, "another night is under way");
	(void)close(other);
}

/* The base's folder is not there: neither kernel can be built. */
static void test_no_kernel(void)
{
	cleanup_place struct place place = place_make();
	const struct nightly_request request = {
		.campaign = "test", .against = NIGHTLY_AGAINST, .budget_minutes = 5,
		.no_fetch = true, .is_quiet = true,
	};
	cleanup_nightly struct nightly night = { .report = NULL };
	struct stored_night *nights = NULL;
	struct run_store *store = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	run_night(&place, &request, &night);
	CU_ASSERT_EQUAL(night.record.status, 2);
	test_check_contains(night.failure, "variant stock: build stock: no source of demo");
	if (!test_check(!run_store_open(place.results, &store, &err)))
		return;
	CU_ASSERT_EQUAL(run_store_nights(store, "test", 0, &nights, &count, &err), 0);
	CU_ASSERT_EQUAL(count, 1);
	if (count == 1) {
		CU_ASSERT_EQUAL(nights[0].status, 2);
		CU_ASSERT_EQUAL(nights[0].budget_minutes, 5);
		test_check_string(nights[0].summary, night.record.summary);
		CU_ASSERT_PTR_NULL(nights[0].run_id);
	}
	stored_nights_free(nights, count);
	run_store_close(store);
}

/* Stores a run of the campaign as it is, unfinished; its id is owned, NULL: not stored. */
static char *store_run(const struct place *place)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	struct error err = ERROR_INIT;
	int rc = place_load(place, &campaign) &&
		 place_prepare(place, &campaign, &experiment) ? 0 : -EINVAL;

	if (!rc)
		rc = run_store_open(place->results, &experiment.store, &err);
	if (!rc)
		rc = run_store_begin(experiment.store, &experiment.run, &err);
	if (!rc) {
		experiment.run_folder = run_store_run_folder(experiment.store, experiment.run.id);
		rc = experiment_save_config(&experiment, &err);
	}
	test_check_string(err.message, "");
	return rc ? NULL : string_copy(experiment.run.id);
}

/* A killed night's record does not say which run it had begun. */
static void check_killed(bool run_is_its_own, const char *note)
{
	cleanup_place struct place place = place_make();
	const struct nightly_request request = {
		.campaign = "test", .against = NIGHTLY_AGAINST, .no_fetch = true, .is_quiet = true,
	};
	uint64_t before_ns = clock_wall_ns();
	cleanup_free char *run_id = store_run(&place);
	const struct stored_night killed = {
		.id = (char *)"20260101-013000-nightly", .campaign = (char *)"test",
		.started_wall_ns = run_is_its_own ? before_ns : clock_wall_ns(), .status = -1,
	};
	cleanup_nightly struct nightly night = { .report = NULL };
	struct run_store *store = NULL;
	struct error err = ERROR_INIT;

	if (!run_id || !test_check(!run_store_open(place.results, &store, &err)))
		return;
	CU_ASSERT_EQUAL(run_store_set_night(store, &killed, &err), 0);
	run_store_close(store);
	run_night(&place, &request, &night);
	if (test_check(night.notes.count > 0))
		test_check_contains(night.notes.items[0], note);
	/* neither can go on here, where no kernel can be built */
	CU_ASSERT_EQUAL(night.record.status, 2);
	test_check_string(night.record.run_id, run_is_its_own ? run_id : NULL);
}

static void test_killed_in_its_run(void)
{
	check_killed(true, "was cut off: its run goes on");
	check_killed(false, "was cut off before its run");
}

/* Before hours are spent on a run. */
static void test_refuses_what_is_not_there(void)
{
	static const struct {
		const char *against;
		const char *only;
		const char *failure;
	} cases[] = {
		{ "last-god", NULL, "--against last-god: neither last-good, N-nights nor a baseline" },
		{ "0-nights", NULL, "--against 0-nights: neither" },
		{ NIGHTLY_AGAINST, "big/*", "big" },
	};
	cleanup_place struct place place = place_make();

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct nightly_request request = {
			.campaign = "test", .against = cases[i].against, .no_fetch = true,
			.is_quiet = true, .only = STRVEC_INIT,
		};
		cleanup_nightly struct nightly night = { .report = NULL };

		if (cases[i].only)
			strvec_push(&request.only, cases[i].only);
		run_night(&place, &request, &night);
		CU_ASSERT_EQUAL(night.record.status, 2);
		test_check_contains(night.failure, cases[i].failure);
		CU_ASSERT_PTR_NULL(night.record.run_id);
		strvec_release(&request.only);
	}
}

/* A killed night's record never got its end: the next night says so and gives it one. */
static void test_killed_night(void)
{
	cleanup_place struct place place = place_make();
	const struct nightly_request request = {
		.campaign = "test", .against = NIGHTLY_AGAINST, .no_fetch = true, .is_quiet = true,
	};
	const struct stored_night killed = {
		.id = (char *)"20260101-013000-nightly", .campaign = (char *)"test",
		.started_wall_ns = 1, .status = -1,
	};
	cleanup_nightly struct nightly night = { .report = NULL };
	struct stored_night *nights = NULL;
	struct run_store *store = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	if (!test_check(!run_store_open(place.results, &store, &err)) ||
	    !test_check(!run_store_set_night(store, &killed, &err)))
		return;
	run_night(&place, &request, &night);
	CU_ASSERT_EQUAL(night.notes.count, 1);
	if (night.notes.count)
		test_check_string(night.notes.items[0], "the last night, 20260101-013000-nightly, "
				  "was cut off before its run");
	CU_ASSERT_EQUAL(run_store_nights(store, "test", 0, &nights, &count, &err), 0);
	CU_ASSERT_EQUAL(count, 2);
	if (count == 2) {
		CU_ASSERT_EQUAL(nights[1].status, 130);
		test_check_contains(nights[1].summary, "cut off");
	}
	stored_nights_free(nights, count);
	run_store_close(store);
}

TEST_SUITE("nightly",
	   {"one at a time", test_lock},
	   {"exit status", test_status},
	   {"summary", test_summary},
	   {"summary of failures", test_summary_of_failures},
	   {"what was left out is first", test_left_out_is_first},
	   {"the hook is told of a failure", test_hook_of_a_failed_night},
	   {"hooks that fail and hang", test_bad_hooks},
	   {"two nights at once", test_two_nights},
	   {"no kernel can be built", test_no_kernel},
	   {"a night killed in its run", test_killed_in_its_run},
	   {"refuses what is not there", test_refuses_what_is_not_there},
	   {"a killed night is told", test_killed_night})
