/* test_frame.c - the test frame itself: a runner with failing tests must say
 * so. The sample suite exists only in the runner that these tests start.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "test.h"

#define SAMPLE_VARIABLE "KERNGATE_FRAME_SAMPLE"

static void sample_passes(void)
{
	CU_PASS("");
}

static void sample_fails(void)
{
	test_check_string("is", "should <be>");
	CU_ASSERT(1 == 2);
}

static void sample_skips(void)
{
	test_skip("no \"such\" device");
}

static void sample_asserts_nothing(void)
{
}

/* Deaf to the first word, too. */
static int role_hangs(void)
{
	(void)signal(SIGTERM, SIG_IGN);
	while (pause() < 0)
		;
	return 0;
}
TEST_ROLE("frame-hangs", role_hangs)

static void sample_waits(void)
{
	struct test_child child;
	char line[64];

	if (!test_check(test_child_start("frame-hangs", &child)))
		return;
	test_child_limit(&child, 1);
	CU_ASSERT_FALSE(test_child_line(&child, line, sizeof(line)));
	CU_ASSERT_EQUAL(kill(child.pid, 0), -1);
	test_child_end(&child);
}

__attribute__((constructor)) static void register_sample(void)
{
	static const struct test_case bad[] = {
		{ "passes", sample_passes }, { "fails", sample_fails },
		{ "skips", sample_skips }, { "nothing", sample_asserts_nothing },
	};
	static const struct test_case good[] = { { "passes", sample_passes } };
	static const struct test_case late[] = { { "waits", sample_waits } };
	const char *kind = getenv(SAMPLE_VARIABLE);

	if (kind && strcmp(kind, "bad") == 0)
		test_suite_register("sample", bad, ARRAY_COUNT(bad));
	if (kind && strcmp(kind, "good") == 0)
		test_suite_register("sample", good, ARRAY_COUNT(good));
	if (kind && strcmp(kind, "late") == 0)
		test_suite_register("sample", late, ARRAY_COUNT(late));
	if (kind && strcmp(kind, "empty") == 0)
		test_suite_register("sample", good, 0);
}

/* Result of process_run; the runner's output in *ret_output, owned. */
static int run_sample(const char *kind, const char *folder, char **ret_output,
		      struct error *err)
{
	cleanup_free char *junit = path_join(folder, "junit.xml");
	cleanup_free char *log = path_join(folder, "log");
	cleanup_free char *variable = string_format(SAMPLE_VARIABLE "=%s", kind);
	cleanup_free char *counts =
		string_format("KERNGATE_COUNTS=%s/counts", folder);
	const char *environment[] = { variable, counts, NULL };
	const char *argv[] = { "/proc/self/exe", "--junit", junit, "sample", NULL };
	const struct process_options options = { .environment = environment,
						 .output_path = log };
	int code = process_run(argv, &options, NULL, err);

	if (file_read(log, 1 << 20, ret_output, NULL) < 0)
		*ret_output = NULL;
	return code;
}

static void test_bad(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *output = NULL, *xml = NULL, *counts = NULL;
	cleanup_free char *xml_path = path_join(folder, "junit.xml");
	cleanup_free char *counts_path = path_join(folder, "counts");
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_sample("bad", folder, &output, &err), -EREMOTEIO);
	test_check_contains(err.message, "exit status 1");
	test_check_contains(output, "FAILED sample: fails\n");
	test_check_contains(output, "test_frame.c:");
	test_check_contains(output, "is \"is\", expected \"should <be>\"\n");
	test_check_contains(output, "FAILED sample: nothing\n");
	test_check_contains(output, "skipped sample: skips: no \"such\" device\n");
	test_check_contains(output, ": 1 passed, 2 failed, 1 skipped\n");
	CU_ASSERT_EQUAL(file_read(counts_path, 100, &counts, NULL), 0);
	test_check_string(counts, "1 2 1\n");
	CU_ASSERT_EQUAL(file_read(xml_path, 1 << 20, &xml, NULL), 0);
	test_check_contains(xml, "<testsuite name=\"sample\" tests=\"4\" "
				 "failures=\"2\" skipped=\"1\">");
	test_check_contains(xml, "should &lt;be&gt;");
	test_check_contains(xml, "no &quot;such&quot; device");
}

static void test_good(void)
{
	cleanup_free char *output = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_sample("good", test_temp_folder(), &output, &err), 0);
	test_check_contains(output, ": 1 passed, 0 failed\n");
}

/* A role that hangs fails its test, with one sentence, and the others go on. */
static void test_late(void)
{
	cleanup_free char *output = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_sample("late", test_temp_folder(), &output, &err), -EREMOTEIO);
	test_check_contains(output, "FAILED sample: waits\n");
	test_check_contains(output, "the role frame-hangs was not done 1 s after its start, "
				    "and was ended\n");
	test_check_contains(output, ": 0 passed, 1 failed\n");
	CU_ASSERT_PTR_NULL(strstr(output, "kill("));
}

static void test_nothing_run(void)
{
	cleanup_free char *output = NULL, *unknown = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_sample("empty", test_temp_folder(), &output, &err),
			-EREMOTEIO);
	test_check_contains(err.message, "exit status 1");
	CU_ASSERT_EQUAL(run_sample("absent", test_temp_folder(), &unknown, &err),
			-EREMOTEIO);
	test_check_contains(err.message, "exit status 64");
	test_check_contains(unknown, "no suite \"sample\"");
}

static void test_temp_folders_differ(void)
{
	const char *one = test_temp_folder(), *two = test_temp_folder();

	CU_ASSERT_STRING_NOT_EQUAL(one, two);
	CU_ASSERT_TRUE(path_is_folder(one) && path_is_folder(two));
}

TEST_SUITE("frame",
	   {"failing tests fail the runner", test_bad},
	   {"passing tests pass", test_good},
	   {"a role that hangs fails its test", test_late},
	   {"nothing run is a failure", test_nothing_run},
	   {"temporary folders differ", test_temp_folders_differ})
