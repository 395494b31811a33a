/* test_canary.c - what canaries say, on made-up runs. */
#include "canary.h"

#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "sample_run.h"
#include "scheduler.h"
#include "test.h"

#define BASELINE 0
#define CANDIDATE 1
#define CANARY 2

/* Three seeds from 5 on, two cells, a canary in every block; nothing has run. */
static struct stored_run exact_run(bool control)
{
	struct stored_run run = sample_run(0, 5);

	run.mode = MODE_EXACT;
	run.exact = EXACT_POLICY_INIT;
	run.control = control;
	free(run.trials);
	scheduler_plan(&run, 3);
	return run;
}

static size_t index_of(const struct stored_run *run, uint32_t cell, uint32_t block,
		       uint32_t variant)
{
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (trial->cell == cell && trial->block == block && trial->variant == variant)
			return i;
	}
	test_check(!"there is such a trial");
	return 0;
}

static void finish(struct stored_trial *trial, const char *digest)
{
	trial->state = TRIAL_FINISHED;
	trial->outcome = OUTCOME_PASSED;
	free(trial->digest);
	trial->digest = string_copy(digest);
}

static void finish_pair(struct stored_run *run, uint32_t block, const char *baseline,
			const char *canary)
{
	finish(&run->trials[index_of(run, 0, block, BASELINE)], baseline);
	finish(&run->trials[index_of(run, 0, block, CANARY)], canary);
}

/* As run_store_add_repeat does. */
static size_t repeat(struct stored_run *run, size_t index, const char *digest)
{
	struct stored_trial next = {
		.block = run->trials[index].block, .cell = run->trials[index].cell,
		.variant = run->trials[index].variant, .seed = run->trials[index].seed,
		.attempt = run->trials[index].attempt + 1,
		.order = (uint32_t)run->trials_count,
	};

	run->trials[index].superseded = true;
	run->trials = memory_realloc_array(run->trials, run->trials_count + 1,
					   sizeof(*run->trials));
	run->trials[run->trials_count] = next;
	if (digest)
		finish(&run->trials[run->trials_count], digest);
	return run->trials_count++;
}

static enum canary_state state_of(const struct stored_run *run, uint32_t block)
{
	return canary_look(run, 0, block).state;
}

static void test_none(void)
{
	cleanup_run struct stored_run run = exact_run(false), timed = sample_run(2, 1);

	CU_ASSERT_EQUAL(state_of(&run, 0), CANARY_WAITING);
	CU_ASSERT_EQUAL(state_of(&run, 1), CANARY_NONE);
	finish(&run.trials[index_of(&run, 0, 1, BASELINE)], "a");
	CU_ASSERT_EQUAL(state_of(&run, 1), CANARY_NONE);
	for (size_t i = 0; i < timed.trials_count; i++)
		finish(&timed.trials[i], i % 2 ? "a" : "b");
	CU_ASSERT_EQUAL(state_of(&timed, 0), CANARY_NONE);
}

static void test_equal(void)
{
	cleanup_run struct stored_run run = exact_run(true);
	struct canary canary;

	finish(&run.trials[index_of(&run, 0, 0, BASELINE)], "a");
	CU_ASSERT_EQUAL(state_of(&run, 0), CANARY_WAITING);
	finish(&run.trials[index_of(&run, 0, 0, CANARY)], "a");
	canary = canary_look(&run, 0, 0);
	CU_ASSERT_EQUAL(canary.state, CANARY_EQUAL);
	CU_ASSERT_EQUAL(canary.trials_count, 2);
	/* another kernel may be another world; each cell and block is by itself */
	finish(&run.trials[index_of(&run, 0, 0, CANDIDATE)], "c");
	CU_ASSERT_EQUAL(state_of(&run, 0), CANARY_EQUAL);
	CU_ASSERT_EQUAL(state_of(&run, 1), CANARY_WAITING);
	CU_ASSERT_EQUAL(canary_look(&run, 1, 0).state, CANARY_WAITING);
	finish_pair(&run, 1, "x", "x");
	CU_ASSERT_EQUAL(state_of(&run, 1), CANARY_EQUAL);
}

/* One of three is odd: the canary's first boot, its second, or the baseline's. */
static void test_odd(void)
{
	static const struct {
		const char *baseline, *canary, *again;
		uint32_t odd_variant, odd_attempt;
	} cases[] = {
		{ "a", "b", "a", CANARY, 0 },
		{ "a", "b", "b", BASELINE, 0 },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_run struct stored_run run = exact_run(true);
		struct canary canary;
		size_t again;

		finish_pair(&run, 0, cases[i].baseline, cases[i].canary);
		CU_ASSERT_EQUAL(state_of(&run, 0), CANARY_REPEAT);
		again = repeat(&run, index_of(&run, 0, 0, CANARY), NULL);
		CU_ASSERT_EQUAL(state_of(&run, 0), CANARY_WAITING);
		finish(&run.trials[again], cases[i].again);
		canary = canary_look(&run, 0, 0);
		CU_ASSERT_EQUAL(canary.state, CANARY_ODD);
		CU_ASSERT_EQUAL(canary.trials_count, 3);
		CU_ASSERT_EQUAL(run.trials[canary.odd].variant, cases[i].odd_variant);
		CU_ASSERT_EQUAL(run.trials[canary.odd].attempt, cases[i].odd_attempt);
		/* it stays so when the odd one was left out */
		run.trials[canary.odd].superseded = true;
		CU_ASSERT_EQUAL(state_of(&run, 0), CANARY_ODD);
	}
}

static void test_inexact(void)
{
	cleanup_run struct stored_run run = exact_run(true);
	size_t again;

	finish_pair(&run, 0, "a", "b");
	again = repeat(&run, index_of(&run, 0, 0, CANARY), "c");
	CU_ASSERT_EQUAL(state_of(&run, 0), CANARY_INEXACT);
	/* a repeat that broke ends it too, instead of a repeat without end */
	run.trials[again].outcome = OUTCOME_BROKEN;
	CU_ASSERT_EQUAL(state_of(&run, 0), CANARY_INEXACT);
}

/* What the host's clock cut off, or what cannot be read, is no evidence. */
static void test_silent(void)
{
	static const enum outcome outcomes[] = { OUTCOME_BROKEN, OUTCOME_TIMED_OUT };

	for (size_t i = 0; i < ARRAY_COUNT(outcomes); i++) {
		cleanup_run struct stored_run run = exact_run(true);

		finish_pair(&run, 0, "a", "b");
		run.trials[index_of(&run, 0, 0, BASELINE)].outcome = outcomes[i];
		CU_ASSERT_EQUAL(state_of(&run, 0), CANARY_SILENT);
		run.trials[index_of(&run, 0, 0, CANARY)].outcome = outcomes[i];
		CU_ASSERT_EQUAL(state_of(&run, 0), CANARY_SILENT);
	}
}

/* A crash is something that a kernel does, and does again. */
static void test_crashes_compare(void)
{
	cleanup_run struct stored_run run = exact_run(true);

	finish_pair(&run, 0, "a", "a");
	finish_pair(&run, 1, "a", "b");
	for (uint32_t block = 0; block < 2; block++) {
		run.trials[index_of(&run, 0, block, BASELINE)].outcome = OUTCOME_CRASHED;
		run.trials[index_of(&run, 0, block, CANARY)].outcome = OUTCOME_CRASHED;
	}
	CU_ASSERT_EQUAL(state_of(&run, 0), CANARY_EQUAL);
	CU_ASSERT_EQUAL(state_of(&run, 1), CANARY_REPEAT);
}

/* --- in words ---------------------------------------------------------------------------- */

static void write_console(const struct run_store *store, const struct stored_run *run,
			  size_t index, const char *text)
{
	cleanup_free char *folder = run_store_trial_folder(store, run->id,
							   run->trials[index].order);
	cleanup_free char *console = path_join(folder, "console.log");
	cleanup_free char *results = path_join(folder, "results.log");

	CU_ASSERT_EQUAL(folder_make(folder), 0);
	CU_ASSERT_EQUAL(file_write_atomic(console, text, strlen(text), 0644), 0);
	CU_ASSERT_EQUAL(file_write_atomic(results, "", 0, 0644), 0);
}

/* "up/quick, seed 6: " and so on, as canary_note writes it of cell 0. */
static char *note_of(const struct stored_run *run, const struct run_store *store,
		     struct guest_spec guest)
{
	char first[] = "first", second[] = "second";
	struct suite_row rows[] = { { .name = first }, { .name = second } };
	const struct campaign_cell cell = {
		.guest = guest, .suite = { .rows = rows, .rows_count = 2 },
	};

	return canary_note(store, run, 0, &cell);
}

static void test_note_inexact(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = exact_run(true);
	const struct guest_spec plain = { .vcpus_count = 1 };
	const struct guest_spec rich = { .vcpus_count = 2, .pmem_mib = 128, .memory_slots = 1,
					 .iommu = GUEST_IOMMU_INTEL };
	cleanup_free char *none = NULL, *note = NULL, *more = NULL;

	if (!store)
		return;
	run.id = string_copy("run");
	finish_pair(&run, 0, "x", "x");
	none = note_of(&run, store, plain);
	test_check_string(none, NULL);
	finish_pair(&run, 1, "a", "b");
	write_console(store, &run, index_of(&run, 0, 1, BASELINE), "one\ntwo 17\n");
	write_console(store, &run, index_of(&run, 0, 1, CANARY), "one\ntwo 18\n");
	(void)repeat(&run, index_of(&run, 0, 1, CANARY), "c");
	note = note_of(&run, store, plain);
	test_check_contains(note, "up/quick, seed 6: not exact: trials ");
	test_check_contains(note, " and 19 should be the same bytes and all differ");
	test_check_contains(note, "(the first difference: console.log, line 2: \"two 1");
	test_check_contains(note, "; look at wall-clock time and random ids read by "
				  "first, second");
	more = note_of(&run, store, rich);
	test_check_contains(more, "; look at the NVDIMM (pmem_mib), the virtio-rng device "
				  "behind the IOMMU, memory that is plugged in while it runs, "
				  "the turns of its 2 vCPUs (try one), wall-clock time");
}

static void test_note_odd_and_silent(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = exact_run(true);
	cleanup_free char *note = NULL, *expected = NULL;
	size_t baseline, canary, again;

	if (!store)
		return;
	run.id = string_copy("run");
	finish_pair(&run, 0, "a", "b");
	baseline = index_of(&run, 0, 0, BASELINE);
	canary = index_of(&run, 0, 0, CANARY);
	again = repeat(&run, canary, "a");
	finish_pair(&run, 2, "a", "a");
	run.trials[index_of(&run, 0, 2, CANARY)].outcome = OUTCOME_BROKEN;
	note = note_of(&run, store, (struct guest_spec){ .vcpus_count = 1 });
	expected = string_format("up/quick, seed 5: trial %zu came out as another world than "
				 "%zu and %zu, which are equal, and was left out. up/quick, "
				 "seed 7: not checked, since no two trials can be compared: ",
				 canary + 1, baseline + 1, again + 1);
	test_check_contains(note, expected);
	test_check_contains(note, " broken");
	test_check_contains(note, " passed");
}

TEST_SUITE("canary",
	   {"none", test_none},
	   {"equal", test_equal},
	   {"one of three is odd", test_odd},
	   {"none of three is equal", test_inexact},
	   {"nothing to compare", test_silent},
	   {"crashes are compared", test_crashes_compare},
	   {"says what differs and where to look", test_note_inexact},
	   {"says what was left out or not checked", test_note_odd_and_silent})
