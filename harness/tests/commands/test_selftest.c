/* test_selftest.c - `kerngate selftest` as people call it; nothing is booted. */
#include <string.h>

#include "files.h"
#include "memory.h"
#include "program.h"
#include "test.h"

static void check_status(int status, const char *const *arguments, const char *message)
{
	cleanup_program struct program_run run = { .out = NULL };

	program_run_argv(&run, NULL, arguments);
	CU_ASSERT_EQUAL(run.status, status);
	test_check_string(run.out, "");
	test_check_contains(run.err, message);
}

#define usage(message, ...)                                                    \
	check_status(64, (const char *const[]){ "selftest", __VA_ARGS__, NULL }, message)
#define fails(message, ...)                                                    \
	check_status(2, (const char *const[]){ "selftest", __VA_ARGS__, NULL }, message)

static void test_wrong_usage(void)
{
	usage("one argument too many", "selftest", "extra");
	usage("--mode exakt: expected timed or exact", "--mode", "exakt");
	usage("--leg x: expected a number from 0.01 to 1000", "--leg", "x");
	usage("--leg 0: expected a number", "--leg", "0");
	usage("--leg -5: expected a number", "--leg=-5");
	usage("--slowdown none: expected a number", "--slowdown", "none");
	usage("--slowdown 1001: expected a number", "--slowdown", "5", "--slowdown", "1001");
	usage("--leg is one leg by itself", "--leg", "5", "--slowdown", "3");
	usage("--budget 0: expected a number", "--budget", "0");
	usage("--blocks 10001: expected a number", "--blocks", "10001");
	usage("did you mean --slowdown?", "--slowdwn", "5");
	usage("--looks is for timed mode", "--mode", "exact", "--looks", "2");
}

/* The harness cannot do its job: 2, and nothing is begun. */
static void test_failures(void)
{
	cleanup_free char *results = path_join(test_temp_folder(), "none");

	fails("no-such-campaign", "no-such-campaign", "--results", results);
	fails("expected a row of the workload selftest", "quick", "--results", results);
	fails("variant longer-loop has kerngate.selftest_slowdown_percent already",
	      "gate-proof", "--results", results);
	fails("--accel kvm: exact mode counts", "--mode", "exact", "--accel", "kvm", "--leg",
	      "5", "--results", results);
	CU_ASSERT_FALSE(path_exists(results));
}

TEST_SUITE("selftest",
	   {"wrong usage", test_wrong_usage},
	   {"what cannot be done", test_failures})
