/* test_validate.c - `kerngate validate` with real guests: a race that was planted
 * in the kernel (kernel/series/test-race) is found within a stated number of
 * seeds, kept, happens again to the byte, and is gone from the kernel without it.
 */
#include <string.h>

#include "boot_place.h"
#include "cases.h"
#include "memory.h"
#include "run_store.h"
#include "test.h"

/* More than half of the seeds showed it where it was measured (docs/exact-mode.md):
 * that 20 in a row do not has a chance of 1 in 20 million. */
#define SEEDS_ENOUGH "20"

/* Two CPUs that reserve huge pages; a campaign whose variant "one" is the quick
 * campaign's baseline with that series. */
static struct boot_place race_place(void)
{
	struct boot_place place = boot_place_make(NULL);

	boot_place_write(&place, "configs/guests/tiny.yaml",
		    "vcpus_count: 2\nmemory_mib: 256\novercommit: true\n");
	boot_place_write(&place, "configs/suites/short.yaml",
		    "rows:\n"
		    "  - {workload: hugetlb_reserve, arguments: {processes: 2, cycles: 40, "
		    "rounds: 3}, timeout_s: 30}\n");
	return place;
}

static void write_campaign(const struct boot_place *place, bool has_race)
{
	boot_place_write_campaign(place, has_race ? "  - {name: one, kernel: {add_series: "
					       "[test-race]}}\n" : "  - {name: one}\n",
			     "mode: exact\nexact: {counts: false, jitter_us: 50}\n"
			     "control: false\nrepeats_max: 0\n");
}

static bool check_run(const struct boot_place *place, int status, const char *part,
		      const char *const *arguments)
{
	cleanup_program struct program program = boot_place_start(place, arguments);

	return program_check(&program, status) && test_check_contains(program.text.data, part);
}

#define check(place, status, part, ...)                                        \
	check_run(place, status, part, (const char *const[]){ __VA_ARGS__, NULL })

static void list_cases(const struct boot_place *place, struct strvec *ret_names)
{
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(cases_list(place->results, ret_names, &err), 0);
	test_check_string(err.message, "");
}

/* What was planned after it was not started. */
static void check_stopped(const struct boot_place *place)
{
	cleanup_run struct stored_run run = { .id = NULL };
	size_t finished = 0;

	if (!boot_place_load_latest(place, &run))
		return;
	for (size_t i = 0; i < run.trials_count; i++)
		finished += run.trials[i].state == TRIAL_FINISHED;

	CU_ASSERT_TRUE(finished < run.trials_count);
	test_check_string(run.state, "finished");
}

static void test_a_planted_race(void)
{
	cleanup_boot_place struct boot_place place = race_place();
	cleanup_strvec struct strvec cases = STRVEC_INIT, again = STRVEC_INIT;
	cleanup_free char *replay = boot_place_told(&place, "replay ");
	cleanup_free char *told = string_format("kept, to be run again:\n  %s", replay);

	write_campaign(&place, true);
	if (!check(&place, 1, told, "validate", "small",
		   "--until-found", "--seeds", SEEDS_ENOUGH))
		return;
	check_stopped(&place);
	list_cases(&place, &cases);
	if (!test_check(cases.count > 0))
		return;
	for (int i = 0; i < 2; i++)
		check(&place, 0, "identical", "replay", cases.items[0]);
	check(&place, 1, "still there", "validate", "small", "--cases");
	/* The same finding is kept once. (Another walk need not stop at the same trial.) */
	check(&place, 1, "kept before", "validate", "--resume", "latest");
	list_cases(&place, &again);
	CU_ASSERT_EQUAL(again.count, cases.count);
	write_campaign(&place, false);
	check(&place, 0, "gone", "validate", "small", "--cases");
}

static void test_a_clean_kernel(void)
{
	cleanup_boot_place struct boot_place place = race_place();
	cleanup_strvec struct strvec cases = STRVEC_INIT;

	write_campaign(&place, false);
	check(&place, 0, "2 of 2 walked (9 to 10), 0 failed\n\nnothing found\n", "validate", "small",
	      "--seeds", "2", "--from", "9");
	list_cases(&place, &cases);
	CU_ASSERT_EQUAL(cases.count, 0);
}

TEST_SUITE("validate", { "a planted race", test_a_planted_race },
	   { "a clean kernel", test_a_clean_kernel })
