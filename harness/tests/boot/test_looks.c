/* test_looks.c - runs with real guests that are judged on the way: stopped early, by
 * themselves, interrupted before a look and resumed, and cut off by the budget.
 */
#include <signal.h>
#include <string.h>

#include "boot_place.h"
#include "comparison.h"
#include "memory.h"
#include "run_store_private.h"
#include "sequential.h"
#include "test.h"

#define cleanup_comparison cleanup_with(comparison_release)

/* A loop that is twenty times as long, and a policy by which four pairs tell that even
 * on a host that is busy with other things. */
static struct boot_place looking_place(const char *more)
{
	struct boot_place place = boot_place_make(NULL);
	cleanup_free char *rest = string_format("control: false\nrepeats_max: 0\n"
						"blocks_count: 8\nlooks_count: 2\n"
						"gate: {alpha: 0.5, confidence: 0.5}\n%s", more);

	boot_place_write_campaign(&place, "  - {name: one}\n"
				  "  - {name: slow, cmdline: "
				  "[kerngate.selftest_slowdown_percent=1900]}\n", rest);
	return place;
}

static void check_stopped(const struct boot_place *place)
{
	cleanup_run struct stored_run run = { .id = NULL };

	if (!boot_place_load_latest(place, &run) || !test_check(run.looks_count == 2) ||
	    !test_check(run.trials_count == 16))
		return;
	test_check_string(run.state, "finished");
	test_check_string(run.note, "stopped after 4 of 8 blocks: every metric is settled");
	CU_ASSERT_TRUE(run.looks[0].stopped);
	CU_ASSERT_EQUAL(run.looks[0].open_count, 0);
	CU_ASSERT_EQUAL(run.looks[1].taken_wall_ns, 0);
	for (size_t i = 0; i < run.trials_count; i++)
		CU_ASSERT_EQUAL(run.trials[i].state,
				run.trials[i].block < 4 ? TRIAL_FINISHED : TRIAL_PLANNED);
}

static void interrupt(struct program *program)
{
	if (test_check(program->pid > 1))
		CU_ASSERT_EQUAL(kill(program->pid, SIGINT), 0);
	program_check(program, 130);
}

static void test_stops_early(void)
{
	cleanup_boot_place struct boot_place place = looking_place("");
	cleanup_program struct program run = PROGRAM_INIT, gate = PROGRAM_INIT;

	run = start(&place, "run", "small");
	if (!program_check(&run, 0))
		return;
	test_check_contains(run.text.data, "look 1 of 2, after 4 of 8 blocks: 0 not settled, the "
					   "run ends here");
	test_check_contains(run.text.data, "1 of 2 looks, stopped early");
	check_stopped(&place);
	/* judged again by the same level */
	gate = start(&place, "gate");
	program_check(&gate, 1);
	test_check_contains(gate.text.data, "1 of 2 looks, stopped early");
}

static void test_resumed_across_a_look(void)
{
	cleanup_boot_place struct boot_place place = looking_place("");
	cleanup_program struct program first = PROGRAM_INIT, second = PROGRAM_INIT;

	first = start(&place, "run", "small");
	CU_ASSERT_TRUE(program_read(&first, "trial 3/16 "));
	interrupt(&first);
	CU_ASSERT_PTR_NULL(strstr(first.text.data, "look 1"));
	second = start(&place, "run", "--resume");
	if (!program_check(&second, 0))
		return;
	test_check_contains(second.text.data, "look 1 of 2, after 4 of 8 blocks");
	check_stopped(&place);
}

/* As if what was run had taken minutes: the resumed run starts no further block, and
 * is judged between its looks with all of alpha that is left. */
static void check_cut_off(const struct boot_place *place)
{
	cleanup_store struct run_store *store = boot_place_store(place);
	cleanup_run struct stored_run run = { .id = NULL };
	cleanup_comparison struct comparison c = { .entries = NULL };
	struct error err = ERROR_INIT;

	if (!store || !test_check(!run_store_load(store, NULL, &run, &err)))
		return;
	test_check_string(run.state, "finished");
	test_check_contains(run.note, "were not run: the budget of 1 minutes was spent");
	CU_ASSERT_EQUAL(run.looks[0].taken_wall_ns, 0);
	if (!test_check(!comparison_make(store, &run, NULL, &c, &err)))
		return;
	CU_ASSERT_EQUAL(c.looks.taken_count, 0);
	CU_ASSERT_TRUE(c.looks.blocks >= 1 && c.looks.blocks < 4);
	CU_ASSERT_DOUBLE_EQUAL(c.policy.alpha, 0.5, 1e-9);
}

static void test_budget_between_looks(void)
{
	cleanup_boot_place struct boot_place place = looking_place("budget_minutes: 1\n");
	cleanup_program struct program first = PROGRAM_INIT, second = PROGRAM_INIT;
	struct run_store *store;
	struct error err = ERROR_INIT;

	first = start(&place, "run", "small");
	CU_ASSERT_TRUE(program_read(&first, "trial 3/16 "));
	interrupt(&first);
	store = boot_place_store(&place);
	if (!store)
		return;
	CU_ASSERT_EQUAL(store_execute(store, "UPDATE trials SET duration_ns = 120000000000"
					     " WHERE state = 'finished'", &err), 0);
	run_store_close(store);
	second = start(&place, "run", "--resume");
	if (program_check(&second, 0))
		check_cut_off(&place);
}

TEST_SUITE("looks",
	   {"stops early", test_stops_early},
	   {"resumed across a look", test_resumed_across_a_look},
	   {"budget between looks", test_budget_between_looks})
