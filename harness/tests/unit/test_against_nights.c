/* test_against_nights.c - nights that measured some of the cells only: each cell is
 * compared with the last ones that had it.
 */
#include <math.h>
#include <string.h>

#include "against.h"
#include "history_run.h"
#include "memory.h"
#include "sample_run.h"
#include "test.h"

#define cleanup_baseline cleanup_with(baseline_release)
#define cleanup_against cleanup_with(against_release)

static const struct gate_policy policy = { .margin_percent = 2.5, .alpha = 0.05,
					   .confidence = 0.95, .correction = CORRECTION_HOLM };

/* A night without the second cell, numa/memory. */
static bool store_half(struct run_store *store, const struct history_night *night)
{
	cleanup_run struct stored_run run = history_night_make(night);
	struct stored_cell *cell = &run.cells[--run.cells_count];
	struct stored_run dropped = { .cells = memory_alloc_array(1, sizeof(*dropped.cells)),
				      .cells_count = 1 };
	size_t kept = 0;

	dropped.cells[0] = *cell;
	stored_run_release(&dropped);
	for (size_t i = 0; i < run.trials_count; i++)
		if (run.trials[i].cell == 0) {
			run.trials[kept] = run.trials[i];
			run.trials[kept].order = (uint32_t)kept;
			kept++;
		}
	run.trials_count = kept;
	return history_night_finish(store, &run, night);
}

struct found {
	struct baseline now;
	struct baseline *items; size_t count; /* owned */
	char *title;                 /* owned */
};

static void found_release(struct found *found)
{
	baseline_release(&found->now);
	baselines_free(found->items, found->count);
	free(found->title);
}

#define cleanup_found cleanup_with(found_release)

static struct found find(struct run_store *store, uint32_t number, const char *text)
{
	cleanup_free char *id = history_night_id(number);
	cleanup_run struct stored_run run = { .id = NULL };
	struct found found = { .title = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_store_load(store, id, &run, &err), 0);
	CU_ASSERT_EQUAL(baseline_from_run(store, &run, "patched", &found.now, &err), 0);
	CU_ASSERT_EQUAL(against_find_nights(store, &run, &found.now, text, &found.items,
					    &found.count, &found.title, &err), 0);
	test_check_string(err.message, "");
	return found;
}

/* "NIGHT: GUEST GUEST; NIGHT: ..." of what was found; owned. */
static char *describe(const struct found *found)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < found->count; i++) {
		strbuf_addf(&text, "%s%.8s:", i ? "; " : "", found->items[i].run_id);
		for (size_t k = 0; k < found->items[i].count; k++)
			strbuf_addf(&text, " %s", found->items[i].cells[k].guest);
	}
	return strbuf_detach(&text);
}

/* Nights 0, 1 and 4 measured both cells, 2 and 3 only the first. */
static struct run_store *store_nights(double last_factor)
{
	struct run_store *store = sample_store_open(test_temp_folder());

	for (uint32_t i = 0; store && i < 5; i++) {
		const struct history_night night = { .number = i,
						     .factor = i == 4 ? last_factor : 1 };

		if (!(i == 2 || i == 3 ? store_half(store, &night) :
		      history_night_store(store, &night)))
			break;
	}
	return store;
}

static void check_found(uint32_t number, const char *text, const char *expected)
{
	cleanup_store struct run_store *store = store_nights(1);
	cleanup_found struct found found = find(store, number, text);
	cleanup_free char *description = describe(&found);

	test_check_string(description, expected);
}

static void test_each_cell_by_itself(void)
{
	check_found(4, "1-nights", "20260104: up; 20260102: numa");
	check_found(4, "2-nights", "20260104: up; 20260103: up; 20260102: numa; 20260101: numa");
	check_found(4, "7-nights", "20260104: up; 20260103: up; 20260102: numa up; "
		    "20260101: numa up");
	/* what this night did not measure is not missed */
	check_found(3, "2-nights", "20260103: up; 20260102: up");
	check_found(0, "7-nights", "");
}

static void test_named(void)
{
	check_found(4, "20260103", "20260103: up");
	check_found(2, "20260102", "20260102: up");
}

/* What the cell is compared with is what it was compared with if no night had left it
 * out; and nothing is said to be missing. */
static void test_judged(void)
{
	cleanup_store struct run_store *store = store_nights(1.1);
	cleanup_found struct found found = find(store, 4, "2-nights");
	cleanup_against struct against against = { .entries = NULL };
	size_t worse = 0;

	against_make(&found.now, found.items, found.count, &policy, false, &against);
	CU_ASSERT_EQUAL(against.gate, GATE_REGRESSED);
	CU_ASSERT_EQUAL(against.notes.count, 0);
	CU_ASSERT_EQUAL(against.differences.count, 0);
	for (size_t i = 0; i < against.count; i++) {
		CU_ASSERT_PTR_NULL(against.entries[i].problem);
		if (strcmp(against.entries[i].judged.metric->name, "fallocate_ns"))
			continue;
		worse++;
		CU_ASSERT_EQUAL(against.entries[i].judged.verdict, VERDICT_REGRESSED);
		CU_ASSERT_DOUBLE_EQUAL(against.entries[i].judged.ratio, 1.1, 0.01);
	}
	CU_ASSERT_EQUAL(worse, 4); /* two rows in each of two cells */
}

TEST_SUITE("against_nights",
	   {"each cell by itself", test_each_cell_by_itself},
	   {"a run that is named", test_named},
	   {"judged", test_judged})
