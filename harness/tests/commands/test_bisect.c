/* test_bisect.c - bisect and walk on the command line: what is refused, and how. */
#include <string.h>

#include "files.h"
#include "memory.h"
#include "program.h"
#include "test.h"

#define ENDS "--good", "0", "--bad", "3"
#define SERIES "--series", "test-bisect"
#define METRIC "--metric", "hugetlb_fallocate.fallocate_ns"

static void check(struct program_run *run, int status, const char *message)
{
	CU_ASSERT_EQUAL(run->status, status);
	test_check_contains(run->err, message);
	test_check_string(run->out, "");
	program_run_release(run);
	*run = (struct program_run){ .out = NULL };
}

static void test_bisect_usage(void)
{
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "bisect");
	check(&run, 64, "bisect: needs --good, --bad and --metric; see kerngate bisect --help");
	program_run(&run, "bisect", ENDS, METRIC);
	check(&run, 64, "needs --series NAME or --repo DIR, one of them");
	program_run(&run, "bisect", ENDS, METRIC, SERIES, "--repo", ".");
	check(&run, 64, "needs --series NAME or --repo DIR, one of them");
	program_run(&run, "bisect", ENDS, METRIC, "--repo", ".", "--base", "linux-7.3");
	check(&run, 64, "--base is for --series");
	program_run(&run, "bisect", ENDS, METRIC, SERIES, "--mode", "fast");
	check(&run, 64, "--mode fast: expected timed or exact");
	program_run(&run, "bisect", ENDS, METRIC, SERIES, "--effect", "0");
	check(&run, 64, "--effect 0: expected a number from 0.001 to 1000");
	program_run(&run, "bisect", ENDS, METRIC, SERIES, "--confidence", "1");
	check(&run, 64, "--confidence 1: expected a number from 0.5 to 0.9999");
	program_run(&run, "bisect", ENDS, METRIC, SERIES, "--budget", "0");
	check(&run, 64, "expected a number from 1 to 100000");
	program_run(&run, "bisect", "test-bisect", ENDS, METRIC, SERIES);
	check(&run, 64, "takes no argument, not \"test-bisect\"");
	program_run(&run, "bisect", "--resume", METRIC);
	check(&run, 64, "--resume goes on with what was asked");
	program_run(&run, "bisect", "--godo", "0");
	check(&run, 64, "did you mean --good?");
}

static void test_bisect_refuses(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	const char *folder = test_temp_folder();
	cleanup_free char *results = path_join(folder, "results");

	program_run(&run, "bisect", ENDS, METRIC, "--series", "test-bisct", "--results", results);
	check(&run, 2, "no patch series 'test-bisct'");
	program_run(&run, "bisect", "--good", "0", "--bad", "4", METRIC, SERIES, "--results",
		    results);
	check(&run, 2, "'4' is no place in series test-bisect: expected 0..3");
	program_run(&run, "bisect", ENDS, SERIES, "--metric", "fallocate_us", "--results",
		    results);
	check(&run, 2, "no metric 'fallocate_us' in suite quick, timed mode: expected one of ");
	/* what instructions are counted of is asked for by the mode */
	program_run(&run, "bisect", ENDS, SERIES, "--metric", "work_instructions", "--mode",
		    "exact", "--results", results);
	check(&run, 2, "metric 'work_instructions' is in several rows of suite quick: expected "
		       "ROW.METRIC");
	program_run(&run, "bisect", ENDS, METRIC, "--repo", folder, "--results", results);
	check(&run, 2, "has no commit '0'");
	program_run(&run, "bisect", "--resume", "--results", results);
	check(&run, 2, "nothing to resume in ");
	CU_ASSERT_FALSE(path_exists(results));
}

static void test_walk_usage(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	const char *folder = test_temp_folder();
	cleanup_free char *results = path_join(folder, "results");

	program_run(&run, "walk");
	check(&run, 64, "walk: needs a SERIES");
	program_run(&run, "walk", "a", "b");
	check(&run, 64, "\"b\" is one argument too many");
	program_run(&run, "walk", "test-bisect", "--seeds", "0");
	check(&run, 64, "expected a number from 1 to 10000");
	program_run(&run, "walk", "--resume", "--from", "1");
	check(&run, 64, "--resume goes on with what was asked");
	program_run(&run, "walk", "test-bisect", "--from", "2", "--to", "1", "--results", results);
	check(&run, 2, "from (p02) must come before to (p01)");
	program_run(&run, "walk", "--resume", "--results", results);
	check(&run, 2, "nothing to resume in ");
	CU_ASSERT_FALSE(path_exists(results));
}

TEST_SUITE("commands_bisect",
	   {"bisect: usage", test_bisect_usage},
	   {"bisect: refuses", test_bisect_refuses},
	   {"walk: usage and refusals", test_walk_usage})
