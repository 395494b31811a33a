/* test_doctor.c - `kerngate doctor` and `kerngate cache`: they depend on the
 * host, so it is their promises that are tested.
 */
#include <jansson.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "program.h"
#include "test.h"

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (word && strcmp(word, *words) == 0)
			return true;
	return false;
}

static void test_doctor_json(void)
{
	static const char *const states[] = { "ok", "note", "missing", NULL };
	cleanup_program struct program_run run = { 0 };
	json_t *root, *check;
	size_t i, missing = 0;
	int usable = -1;

	program_run(&run, "doctor", "--json");
	root = json_loads(run.out, 0, NULL);
	if (!test_check(root != NULL))
		return;
	CU_ASSERT_EQUAL(json_unpack(root, "{s:b}", "usable", &usable), 0);
	json_array_foreach(json_object_get(root, "checks"), i, check) {
		const char *name = NULL, *state = NULL, *detail = NULL;
		const json_t *fix = json_object_get(check, "fix");

		CU_ASSERT_EQUAL(json_unpack(check, "{s:s, s:s, s:s}",
					    "name", &name, "state", &state,
					    "detail", &detail), 0);
		CU_ASSERT_TRUE(json_is_string(fix) || json_is_null(fix));
		CU_ASSERT_TRUE(is_one_of(state, states));
		if (state && strcmp(state, "missing") == 0) {
			missing++;
			CU_ASSERT_TRUE(json_is_string(fix));
		}
	}
	CU_ASSERT_TRUE(json_array_size(json_object_get(root, "checks")) > 10);
	CU_ASSERT_EQUAL(usable, missing == 0);
	CU_ASSERT_EQUAL(run.status, missing ? 2 : 0);
	json_decref(root);
}

static void test_doctor_text(void)
{
	cleanup_program struct program_run run = { 0 };

	program_run(&run, "doctor");
	test_check_contains(run.out, "accelerator");
	test_check_contains(run.out, "memory");
	test_check_contains(run.out, run.status == 0 ? "ready" : "missing");
	test_check_string(run.err, "");
}

static void test_doctor_outside_a_project(void)
{
	cleanup_program struct program_run run = { 0 };
	cleanup_free char *results = path_join(test_temp_folder(), "r/deep");

	program_run(&run, "doctor", "--results", results);
	test_check_contains(run.out, "results");
	CU_ASSERT_FALSE(path_exists(results));
}

static void refuse(int status, const char *message, const char *const *arguments)
{
	cleanup_program struct program_run run = { 0 };

	program_run_argv(&run, NULL, arguments);
	CU_ASSERT_EQUAL(run.status, status);
	test_check_contains(run.err, message);
	test_check_string(run.out, "");
}

#define refuse_exact(status, message, ...)                                     \
	refuse(status, message, (const char *const[]){ "doctor", __VA_ARGS__, NULL })

/* Before any kernel is looked for; the guests themselves are in tests/boot. */
static void test_exact_refused(void)
{
	const char *empty = test_temp_folder();
	cleanup_free char *bases = path_join(empty, "kernel/bases");
	cleanup_free char *campaigns = path_join(empty, "configs/campaigns");

	if (!test_check(folder_make(bases) == 0) || !test_check(folder_make(campaigns) == 0))
		return;
	refuse_exact(64, "--exact needs the emulator's instruction clock: leave out "
			 "--accel kvm", "--exact", "--accel", "kvm");
	refuse_exact(64, "did you mean --exact?", "--exat");
	refuse_exact(64, "now", "--exact", "now");
	refuse_exact(2, "no campaign 'quick'", "--exact", "--root", empty);
	refuse_exact(2, "no campaign 'quick'", "--exact", "--json", "--root", empty);
}

static void test_exact_help(void)
{
	cleanup_program struct program_run run = { 0 };

	program_run(&run, "doctor", "--help");
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_contains(run.out, "doctor [--exact] [--json]");
	test_check_contains(run.out, "exit status: 0 ");
	for (const char *line = run.out; line && *line;) {
		size_t length = strcspn(line, "\n");

		CU_ASSERT_TRUE(length <= 80);
		line += length + (line[length] == '\n');
	}
}

static void test_cache(void)
{
	cleanup_program struct program_run path = { 0 }, list = { 0 };
	cleanup_program struct program_run prune = { 0 };
	cleanup_free char *folder = path_join(test_temp_folder(), "cache");
	cleanup_free char *line = string_format("%s\n", folder);
	cleanup_free char *empty = string_format("0 entries, 0 KiB in %s\n", folder);
	cleanup_free char *freed = string_format("0 KiB freed in %s\n", folder);

	program_run(&path, "cache", "path", "--cache", folder);
	CU_ASSERT_EQUAL(path.status, 0);
	test_check_string(path.out, line);
	program_run(&list, "cache", "--cache", folder);
	CU_ASSERT_EQUAL(list.status, 0);
	test_check_string(list.out, empty);
	program_run(&prune, "cache", "prune", "--to", "1", "--cache", folder);
	CU_ASSERT_EQUAL(prune.status, 0);
	test_check_string(prune.out, freed);
}

static void test_cache_refused(void)
{
	cleanup_program struct program_run run = { 0 };

	program_run(&run, "cache", "list", "--cache", "/proc/none");
	CU_ASSERT_EQUAL(run.status, 2);
	test_check_contains(run.err, "/proc/none");
	test_check_string(run.out, "");
}

TEST_SUITE("doctor",
	   {"JSON", test_doctor_json},
	   {"text", test_doctor_text},
	   {"makes no folder of results", test_doctor_outside_a_project},
	   {"--exact refused", test_exact_refused},
	   {"--exact in the help", test_exact_help},
	   {"cache of its own", test_cache},
	   {"cache that cannot be", test_cache_refused})
