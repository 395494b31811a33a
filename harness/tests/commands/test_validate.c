/* test_validate.c - `kerngate validate` and `kerngate list cases` as people call
 * them; nothing is booted.
 */
#include <string.h>

#include "cases.h"
#include "files.h"
#include "memory.h"
#include "program.h"
#include "test.h"

static void check_usage(const char *const *arguments, const char *message)
{
	cleanup_program struct program_run run = { .out = NULL };

	program_run_argv(&run, NULL, arguments);
	CU_ASSERT_EQUAL(run.status, 64);
	test_check_string(run.out, "");
	test_check_contains(run.err, message);
}

#define usage(message, ...)                                                    \
	check_usage((const char *const[]){ "validate", __VA_ARGS__, NULL }, message)

static void test_wrong_usage(void)
{
	usage("--seeds 0: expected a number from 1 to 10000", "--seeds", "0");
	usage("--seeds 10001: expected a number from 1 to 10000", "--seeds", "10001");
	usage("--from 0: expected a number from 1", "--from", "0");
	usage("--from x: expected a number", "--from", "x");
	usage("--budget 100001: expected a number from 0 to 100000", "--budget", "100001");
	usage("one argument too many", "validate", "extra");
	usage("did you mean --until-found?", "--until-fund");
	usage("--cases runs what was kept", "--cases", "--seeds", "3");
	usage("--cases runs what was kept", "--cases", "--from", "3");
	usage("--cases runs what was kept", "--cases", "--until-found");
	usage("--cases runs what was kept", "--cases", "--budget", "0");
	usage("--cases runs what was kept", "--cases", "--resume");
	usage("--resume goes on with the seeds", "--resume", "--seeds", "3");
	usage("--resume goes on with the seeds", "--resume", "--from", "3");
}

static void test_what_is_not_there(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	const char *results = test_temp_folder();

	program_run(&run, "validate", "no-such-campaign", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "no-such-campaign");
	program_run(&run, "validate", "--resume", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "unfinished");
	program_run(&run, "validate", "--cases", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "no cases in ");
	program_run(&run, "list", "cases", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "no cases in ");
}

/* --- a kept case ------------------------------------------------------------------ */

static void write_at(const char *folder, const char *name, const char *text)
{
	cleanup_free char *path = path_join(folder, name);

	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0644), 0);
}

/* A world without rows, patches and fragments is enough to be listed. */
static char *keep(const char *folder)
{
	struct replay_world world = {
		.name = string_copy("20261122-010203-validate/12"),
		.guest = { .name = string_copy("smp2"), .vcpus_count = 2, .memory_mib = 512,
			   .first_byte_s = 1, .silence_s = 1, .total_s = 1 },
		.suite = { .name = string_copy("validate") },
		.kernel = { .base = { .name = string_copy("demo"),
				      .version = string_copy("7.3") } },
		.kernel_key = string_copy("0123456789abcdef"),
		.variant = string_copy("debug"), .image_sha256 = string_copy("ab"),
		.cmdline = string_copy(""), .seed = exact_seed_make(70123),
		.common_path = path_join(folder, "common"),
		.plan_path = path_join(folder, "plan"), .initrd_sha256 = string_copy("cd"),
		.hypervisor = string_copy("QEMU"), .folder = string_copy(folder),
		.outcome = OUTCOME_TIMED_OUT,
		.reason = string_copy("fill: still running after 60 s, long after all that it "
				      "had to do was done"),
	};
	struct error err = ERROR_INIT;
	char *name = NULL;

	write_at(folder, "common", "");
	write_at(folder, "plan", "");
	write_at(folder, "console.log", "");
	write_at(folder, "results.log", "");
	CU_ASSERT_EQUAL(case_keep(folder, &world, world.name, &name, &err), 0);
	test_check_string(err.message, "");
	replay_world_release(&world);
	return name ? name : string_copy("");
}

static void test_cases_are_listed(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	const char *results = test_temp_folder();
	cleanup_free char *name = keep(results);

	test_check_string(name, "fill-still-running-after-n-s-long-af-seed70123");
	program_run(&run, "list", "cases", "--results", results);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, name);
	test_check_contains(run.out, "70123  debug");
	test_check_contains(run.out, "smp2/validate");
	test_check_contains(run.out, "timed-out: fill: still running");
	test_check_contains(run.out, "kernel 0123456789ab, from");
	CU_ASSERT_TRUE(longest_line(run.out) <= 80);
}

static void test_spoilt_cases_are_named(void)
{
	cleanup_program struct program_run run = { .out = NULL };
	const char *results = test_temp_folder();
	cleanup_free char *name = keep(results);
	cleanup_free char *record = string_format("cases/%s/case.json", name);

	write_at(results, record, "{\"format\": 99}");
	program_run(&run, "list", "cases", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, record);
	test_check_contains(run.err, "it is of a newer kerngate");
	program_run(&run, "validate", "--cases", "--results", results);
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, record);
}

TEST_SUITE("validate", { "wrong usage", test_wrong_usage },
	   { "what is not there", test_what_is_not_there },
	   { "cases are listed", test_cases_are_listed },
	   { "spoilt cases are named", test_spoilt_cases_are_named })
