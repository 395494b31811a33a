/* test_ab.c - `kerngate ab` on the command line: what is refused, and its plan. */
#include <string.h>

#include "files.h"
#include "memory.h"
#include "program.h"
#include "test.h"

#define SERIES "--patches", "kernel/series/test-bisect"

static void check(struct program_run *run, int status, const char *message)
{
	CU_ASSERT_EQUAL(run->status, status);
	test_check_contains(run->err, message);
	test_check_string(run->out, "");
	program_run_release(run);
	*run = (struct program_run){ .out = NULL };
}

static void test_usage(void)
{
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "ab");
	check(&run, 64, "ab: nothing to compare --base with: needs --patches, --new, or "
		       "--new-cmdline");
	program_run(&run, "ab", SERIES);
	check(&run, 64, "needs --base (only a range of commits has one of its own)");
	program_run(&run, "ab", "--new", "7.3");
	check(&run, 64, "needs --base");
	program_run(&run, "ab", "--base", "7.3", "--new", "7.3", SERIES);
	check(&run, 64, "--new is another kernel, --patches are on top of --base; one of them");
	program_run(&run, "ab", "--base", "7.3", SERIES, "more");
	check(&run, 64, "takes no argument, not \"more\"");
	program_run(&run, "ab", "--base", "7.3", SERIES, "--mode", "fast");
	check(&run, 64, "--mode fast: expected timed or exact");
	program_run(&run, "ab", "--base", "7.3", SERIES, "--seeds", "3");
	check(&run, 64, "--seeds is for --mode exact");
	program_run(&run, "ab", "--base", "7.3", SERIES, "--blocks", "4", "--seeds", "3");
	check(&run, 64, "--blocks and --seeds are the same; one of them");
	program_run(&run, "ab", "--base", "7.3", SERIES, "--margin", "0");
	check(&run, 64, "--margin 0: expected a number from 0.01 to 50");
	program_run(&run, "ab", "--resume", "--base", "7.3");
	check(&run, 64, "--resume goes on with what was asked: only --jobs, --gate and --json go");
	program_run(&run, "ab", "--resume", "a", "b");
	check(&run, 64, "\"b\" is one argument too many");
	program_run(&run, "ab", "--patch", "x");
	check(&run, 64, "did you mean --patches?");
}

static void test_refuses(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	const char *folder = test_temp_folder();
	cleanup_free char *results = path_join(folder, "results");
	cleanup_free char *range = string_format("%s:a..b", folder);

	program_run(&run, "ab", "--base", "7.3", "--patches", "kernel/series/no", "--results",
		    results);
	check(&run, 2, "kernel/series/no: no such file or folder: expected a folder of patches, a "
		      "mailbox, or REPOSITORY:FROM..TO");
	program_run(&run, "ab", "--base", "7.3", "--patches",
		    "harness/tests/fixtures/mail/incomplete.mbox", "--results", results);
	check(&run, 2, "incomplete.mbox: v3 lacks patch 2/3");
	program_run(&run, "ab", "--patches", range, "--results", results);
	check(&run, 2, "has no commit 'a'");
	program_run(&run, "ab", "--base", "7.3", "--patches", "README.md", "--results", results);
	check(&run, 2, "README.md: neither a mailbox nor a patch");
	program_run(&run, "ab", "--base", "8.0", SERIES, "--dry-run", "--results", results);
	check(&run, 2, "no kernel base '8.0': expected one of ");
	program_run(&run, "ab", "--base", "7.3", SERIES, "--suite", "no", "--dry-run", "--results",
		    results);
	check(&run, 2, "no suite 'no'");
	program_run(&run, "ab", "--base", "7.3", SERIES, "--workload", "hackbenhc", "--dry-run",
		    "--results", results);
	check(&run, 2, "hackbenhc");
	program_run(&run, "ab", "--resume", "--results", results);
	check(&run, 2, "nothing to resume in ");
	CU_ASSERT_FALSE(path_exists(results));
}

/* What it says up to the plan, which names the time. */
static void test_dry_run(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	const char *folder = test_temp_folder();
	cleanup_free char *results = path_join(folder, "results");
	char *plan;

	program_run(&run, "ab", "--base", "7.3", "--patches",
		    "harness/tests/fixtures/mail/thread.mbox", "--patches",
		    "harness/tests/fixtures/mail/single.mbox", "--mode", "exact", "--seeds", "2",
		    "--guest", "up", "--workload", "hugetlb_fallocate,size_mib=32", "--dry-run",
		    "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	plan = strstr(run.out, "campaign ab-");
	if (!test_check(plan != NULL))
		return;
	test_check_contains(plan, "7 trials (3 variants and a canary with the first seed, 1 cell, 2 "
			    "seeds from 1)");
	test_check_contains(plan, "\n  base             linux-7.3, ");
	test_check_contains(plan, "\n  v3               linux-7.3, ");
	test_check_contains(plan, " up/hugetlb_fallocate\n");
	test_check_contains(run.err, "thread.mbox: v3 is taken; also there: v1, v2\n");
	*plan = '\0';
	check_golden(run.out, "ab-dry-run.txt");
	CU_ASSERT_FALSE(path_exists(results));
}

TEST_SUITE("commands_ab",
	   {"usage", test_usage},
	   {"refuses", test_refuses},
	   {"dry run", test_dry_run})
