/* test_nightly.c - nights on the command line: what is refused, and what a night says
 * that could do nothing. Nothing is booted.
 */
#include <jansson.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "program.h"
#include "test.h"

static void check_usage(const struct program_run *run, const char *message)
{
	CU_ASSERT_EQUAL(run->status, 64);
	test_check_string(run->out, "");
	test_check_contains(run->err, message);
}

static void test_usage(void)
{
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "nightly");
	check_usage(&run, "needs a CAMPAIGN");
	program_run(&run, "nightly", "quick", "quick");
	check_usage(&run, "one argument too many");
	program_run(&run, "nightly", "quick", "--budget", "0");
	check_usage(&run, "--budget");
	program_run(&run, "nightly", "quick", "--mode", "fast");
	check_usage(&run, "expected timed or exact");
	program_run(&run, "nightly", "quick", "--blocks", "2", "--seeds", "2");
	check_usage(&run, "--blocks and --seeds are the same");
	program_run(&run, "nightly", "quick", "--seeds", "2");
	check_usage(&run, "--seeds is for exact mode");
	program_run(&run, "nightly", "quick", "--bugdet", "5");
	check_usage(&run, "did you mean --budget?");
	program_run(&run, "nightly", "quick", "--hook", "");
	CU_ASSERT_EQUAL(run.status, 64);
}

/* The text between the last two line ends. */
static const char *last_line(char *text)
{
	size_t length = strlen(text);
	char *start;

	if (length && text[length - 1] == '\n')
		text[length - 1] = '\0';
	start = strrchr(text, '\n');
	return start ? start + 1 : text;
}

static void test_unknown_campaign(void)
{
	cleanup_free char *results = path_join(test_temp_folder(), "results");
	cleanup_program struct program_run run = { .out = NULL };
	const char *line;

	program_run(&run, "nightly", "quikc", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "did you mean 'quick'");
	line = last_line(run.out);
	test_check_contains(line, "nightly 20");
	test_check_contains(line, ": FAILED: no campaign 'quikc'");
	CU_ASSERT_TRUE(strlen(line) <= 80);
}

static void test_json(void)
{
	cleanup_free char *results = path_join(test_temp_folder(), "results");
	cleanup_program struct program_run run = { .out = NULL };
	json_error_t problem;
	json_t *object;

	program_run(&run, "nightly", "quikc", "--results", results, "--json");
	CU_ASSERT_EQUAL(run.status, 2);
	object = json_loads(run.out, JSON_REJECT_DUPLICATES, &problem);
	if (!test_check(object != NULL))
		return;
	test_check_string(json_string_value(json_object_get(object, "verdict")), "failed");
	test_check_string(json_string_value(json_object_get(object, "results")), results);
	json_decref(object);
}

/* Ten blocks of this campaign take longer than a minute. */
static void test_plan(void)
{
	cleanup_free char *results = path_join(test_temp_folder(), "results");
	cleanup_program struct program_run run = { .out = NULL };

	program_run(&run, "nightly", "quick", "--dry-run", "--budget", "1", "--results", results,
		    "--accel", "tcg");
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "campaign quick: ");
	test_check_contains(run.out, " cells fit into 1 minutes\n");
	test_check_contains(run.out, "up/quick");
	CU_ASSERT_TRUE(longest_line(run.out) <= 80);
	/* it leaves nothing behind */
	CU_ASSERT_FALSE(path_exists(results));
}

TEST_SUITE("nightly",
	   {"usage", test_usage},
	   {"an unknown campaign", test_unknown_campaign},
	   {"as JSON", test_json},
	   {"a plan", test_plan})
