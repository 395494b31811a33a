/* test_turns.c - the plugin that keeps the turns of several vCPUs: with the window
 * of QEMU's race held open, the guest is the same as without; and what happens
 * where nobody guards it.
 */
#include <errno.h>
#include <string.h>

#include "exact_guest.h"
#include "test.h"

/* CPUs that sleep and wake at the same times. */
static const struct exact_row rows[] = {
	{ .name = "wakes", .workload = "cyclictest",
	  .arguments = { "threads=0", "interval_us=250", "loops=1000", NULL } },
	{ .name = NULL },
};

static bool run_guest(const char *turns, struct exact_run *ret_run)
{
	const struct exact_order order = { .vcpus_count = 2, .rows = rows,
					   .plugin = "by=block", .turns = turns };
	struct error err = ERROR_INIT;

	if (!test_check(exact_guest_run(&order, ret_run, &err) == 0)) {
		test_check_string(err.message, "");
		return false;
	}
	CU_ASSERT_EQUAL(ret_run->result.outcome, OUTCOME_PASSED);
	return true;
}

static void test_guarded(void)
{
	struct exact_run plain, dawdling, unguarded;

	if (!run_guest("", &plain))
		return;
	if (run_guest(",dawdle=on", &dawdling)) {
		test_check_string(dawdling.console, plain.console);
		test_check_string(dawdling.results, plain.results);
		exact_run_release(&dawdling);
	}
	/* Else the above would prove nothing. */
	if (run_guest(",dawdle=on,wait=off", &unguarded)) {
		CU_ASSERT_TRUE(strcmp(unguarded.results, plain.results) != 0);
		exact_run_release(&unguarded);
	}
	exact_run_release(&plain);
}

static void refuse(const char *turns, const char *message)
{
	const struct exact_order order = { .vcpus_count = 2, .rows = rows,
					   .plugin = "by=block", .turns = turns };
	struct exact_run run;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(exact_guest_run(&order, &run, &err), -EREMOTEIO);
	test_check_contains(err.message, message);
}

static void test_refused(void)
{
	refuse(",dawdle=off", "kerngate turns: no such argument or value: dawdle=off");
	refuse(",out=/tmp/x", "kerngate turns: no such argument or value: out=/tmp/x");
}

TEST_SUITE("turns",
	   {"the same turns, whoever is slow", test_guarded},
	   {"refused", test_refused})
