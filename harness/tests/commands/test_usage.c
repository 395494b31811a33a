/* test_usage.c - help, version, wrong names, exit codes: what a person meets
 * first.
 */
#include <string.h>

#include "memory.h"
#include "program.h"
#include "test.h"

static const char *const commands[] = {
	"ab", "baseline", "bisect", "boot", "build", "cache", "compare", "doctor", "gate",
	"history", "index", "list", "nightly", "profile", "prune", "replay", "report", "run",
	"scale", "selftest", "show", "validate", "walk",
};

/* Everything wrong with the arguments: status 64, one line that says what. */
static void expect_usage(const struct program_run *run, const char *message)
{
	CU_ASSERT_EQUAL(run->status, 64);
	test_check_string(run->out, "");
	test_check_string(run->err, message);
}

static void test_version(void)
{
	cleanup_program struct program_run run = { 0 };

	program_run(&run, "--version");
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "kerngate 0.");
	test_check_string(run.err, "");
}

static void test_overview(void)
{
	cleanup_program struct program_run asked = { 0 }, lost = { 0 };

	program_run(&asked, "--help");
	CU_ASSERT_EQUAL(asked.status, 0);
	check_golden(asked.out, "overview.txt");
	test_check_string(asked.err, "");
	program_run_argv(&lost, NULL, (const char *const[]){ NULL });
	CU_ASSERT_EQUAL(lost.status, 64);
	test_check_string(lost.err, asked.out);
	test_check_string(lost.out, "");
}

static void test_help_of_each(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
		cleanup_program struct program_run option = { 0 }, word = { 0 };
		cleanup_free char *usage =
			string_format("\nusage: kerngate %s", commands[i]);

		program_run(&option, commands[i], "--help");
		CU_ASSERT_EQUAL(option.status, 0);
		test_check_contains(option.out, usage);
		CU_ASSERT_TRUE(longest_line(option.out) <= 80);
		test_check_string(option.err, "");
		program_run(&word, "help", commands[i]);
		CU_ASSERT_EQUAL(word.status, 0);
		test_check_string(word.out, option.out);
	}
}

static void test_wrong_command(void)
{
	cleanup_program struct program_run near = { 0 }, far = { 0 };
	cleanup_program struct program_run help = { 0 };

	program_run(&near, "comapre", "--json");
	expect_usage(&near, "kerngate: no command \"comapre\" (did you mean \"compare\"?);"
			    " see kerngate --help\n");
	program_run(&far, "frobnicate");
	expect_usage(&far, "kerngate: no command \"frobnicate\"; see kerngate --help\n");
	program_run(&help, "help", "doktor");
	expect_usage(&help, "kerngate: no command \"doktor\" (did you mean \"doctor\"?);"
			    " see kerngate --help\n");
}

static void test_wrong_option(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
		cleanup_program struct program_run run = { 0 };
		cleanup_free char *expected = string_format(
			"kerngate %s: unknown option --resluts (did you mean "
			"--results?); see kerngate %s --help\n",
			commands[i], commands[i]);

		program_run(&run, commands[i], "--resluts=x");
		expect_usage(&run, expected);
	}
}

static void test_wrong_option_before(void)
{
	cleanup_program struct program_run near = { 0 }, far = { 0 };

	program_run(&near, "--rooot", "/", "list");
	expect_usage(&near, "kerngate: unknown option --rooot (did you mean --root?);"
			    " see kerngate --help\n");
	program_run(&far, "-Z");
	expect_usage(&far, "kerngate: unknown option -Z; see kerngate --help\n");
}

static void test_bad_values(void)
{
	static const struct {
		const char *arguments[5], *message;
	} cases[] = {
		{ { "--cache-size" }, "kerngate: --cache-size needs a number;" },
		{ { "--cache-size", "0", "list" },
		  "--cache-size 0: expected a number from 1 to 1048576;" },
		{ { "list", "--cache-size=-1" }, "--cache-size -1: expected" },
		{ { "list", "--cache-size", "1x" }, "--cache-size 1x: expected" },
		{ { "list", "--cache-size", "99999999999999999999" },
		  "99999999999999999999: expected" },
		{ { "list", "--results=" }, "kerngate: --results needs a value;" },
		{ { "list", "--root" }, "kerngate: --root needs a value;" },
		{ { "list", "--verbose=1" }, "kerngate: --verbose takes no value;" },
		{ { "list", "--accel", "xen" },
		  "--accel: accelerator 'xen' is not one of auto, kvm, tcg;" },
		{ { "list", "--root", "/proc" },
		  "kerngate list: --root /proc: expected a folder with "
		  "kernel/bases and configs/campaigns;" },
		{ { "build", "--jobs", "0" }, "--jobs 0: expected a number from 1" },
		{ { "build", "--jobs" }, "kerngate build: --jobs needs a number;" },
		{ { "build", "--rebuild=yes" }, "--rebuild takes no value;" },
		{ { "list", "runs", "guests" },
		  "kerngate list: \"guests\" is one argument too many;" },
		{ { "list", "gests" },
		  "cannot list \"gests\" (did you mean \"guests\"?);" },
		{ { "list", "everything" }, "cannot list \"everything\";" },
		{ { "doctor", "now" },
		  "kerngate doctor: takes no argument, not \"now\";" },
		{ { "cache", "prun" }, "(did you mean \"prune\"?);" },
		{ { "cache", "list", "--to", "3" }, "--to belongs to prune;" },
		{ { "cache", "prune", "--to", "all" }, "--to all: expected" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_program struct program_run run = { 0 };

		program_run_argv(&run, NULL, cases[i].arguments);
		CU_ASSERT_EQUAL(run.status, 64);
		test_check_contains(run.err, cases[i].message);
		test_check_contains(run.err, " --help\n");
		test_check_string(run.out, "");
	}
}

static void test_operands_after_dashes(void)
{
	cleanup_program struct program_run run = { 0 };

	program_run(&run, "list", "--", "--root");
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_contains(run.err, "cannot list \"--root\"");
}

static void test_output_cannot_be_written(void)
{
	cleanup_program struct program_run run = { 0 };

	program_run_argv(&run, "/dev/full",
			 (const char *const[]){ "--help", NULL });
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_string(run.err, "kerngate: writing the output: No space left on device\n");
}

TEST_SUITE("usage",
	   {"version", test_version},
	   {"overview", test_overview},
	   {"help of each command", test_help_of_each},
	   {"wrong command", test_wrong_command},
	   {"wrong option of each command", test_wrong_option},
	   {"wrong option before the command", test_wrong_option_before},
	   {"bad values", test_bad_values},
	   {"all after -- is an operand", test_operands_after_dashes},
	   {"output that cannot be written", test_output_cannot_be_written})
