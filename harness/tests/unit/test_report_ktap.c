/* test_report_ktap.c - KTAP: by TAP::Parser level by level, by prove as a whole, and by
 * the letter of the rules.
 */
#include <ctype.h>
#include <string.h>

#include "memory.h"
#include "reported.h"
#include "test.h"

static char *ktap_of(const char *scene)
{
	cleanup_fake struct fake_run fake;

	reported_make(scene, &fake);
	return reported_text(&fake, REPORT_KTAP);
}

static void test_golden(void)
{
	cleanup_free char *regressed = ktap_of("regressed"), *crashed = ktap_of("crashed");

	reported_check_golden("regressed.ktap", regressed);
	reported_check_golden("crashed.ktap", crashed);
}

/* --- by TAP::Parser --------------------------------------------------------------- */

static void test_parser(void)
{
	cleanup_strvec struct strvec paths = STRVEC_INIT;
	cleanup_free char *output = NULL;
	const char *argv[] = { "perl", test_fixture_path("formats/read_ktap.pl"), NULL };
	int code;

	reported_write_all(REPORT_KTAP, &paths);
	output = reported_run(argv, &paths, &code);
	if (!output)
		return;
	if (!test_check(code == 0))
		fprintf(stderr, "%s\n", output);
	/* cells, then the run's own, then the three of these: tests, passed, skipped */
	test_check_contains(output, "regressed.ktap 7 6 0\nregressed.ktap 5 5 0\n"
				    "regressed.ktap 2 1 0\nregressed.ktap 3 1 0\n");
	test_check_contains(output, "passed.ktap 7 7 0\n");
	test_check_contains(output, "passed.ktap 3 3 0\n");
	test_check_contains(output, "control-fired.ktap 7 7 3\n");
	test_check_contains(output, "empty.ktap 7 4 0\n");
}

/* prove reads plan and results of the whole; version line and subtests are text to it. */
static void check_prove(const char *scene, bool passes, const char *said)
{
	cleanup_free char *text = ktap_of(scene);
	cleanup_free char *path = reported_write("report.ktap", text);
	cleanup_free char *output = NULL;
	int code;

	output = reported_run((const char *const[]){ "prove", "--exec", "cat", path, NULL }, NULL,
			      &code);
	if (!output)
		return;
	CU_ASSERT_EQUAL(code == 0, passes);
	test_check_contains(output, said);
	CU_ASSERT_PTR_NULL(strstr(output, "Parse errors"));
}

static void test_prove(void)
{
	check_prove("passed", true, "Files=1, Tests=3");
	check_prove("inconclusive", true, "Files=1, Tests=3");
	check_prove("regressed", false, "Failed tests:  1, 3");
	check_prove("nasty", false, "Tests: 3 Failed: 2");
}

/* --- by the letter ------------------------------------------------------------------ */

struct level {
	bool has_version;
	unsigned long planned, seen;
	bool any_failed;
};

/* "ok 3 text # SKIP why"; false where it is no such line at all. */
static bool check_result(const char *line, struct level *level, bool children_failed)
{
	bool is_ok = strncmp(line, "ok ", 3) == 0;
	const char *at = is_ok ? line + 3 : line + 7;
	const char *directive;
	char *end;

	if (!is_ok && strncmp(line, "not ok ", 7) != 0)
		return false;
	CU_ASSERT_EQUAL(strtoul(at, &end, 10), ++level->seen);
	CU_ASSERT_TRUE(end[0] == ' ' && end[1] != '\0' && end[1] != ' ');
	directive = strchr(end, '#');
	level->any_failed = level->any_failed || !is_ok;
	CU_ASSERT_FALSE(is_ok && children_failed);
	if (!directive)
		return true;
	CU_ASSERT_EQUAL(directive[-1], ' ');
	CU_ASSERT_PTR_NULL(strchr(directive + 1, '#'));
	if (strncmp(directive, "# SKIP", 6) == 0)
		test_check(is_ok);
	else
		test_check(!is_ok && (strncmp(directive, "# ERROR", 7) == 0 ||
					  strncmp(directive, "# TIMEOUT", 9) == 0));
	return true;
}

/* One line of a level, indent taken off. */
static void check_line(const char *line, struct level *level, bool children_failed)
{
	if (!level->has_version) {
		test_check_string(line, "KTAP version 1");
		level->has_version = true;
	} else if (strncmp(line, "1..", 3) == 0) {
		CU_ASSERT_EQUAL(level->planned, 0);
		CU_ASSERT_EQUAL(level->seen, 0);
		level->planned = strtoul(line + 3, NULL, 10);
	} else if (strncmp(line, "# ", 2) != 0) {
		if (!test_check(check_result(line, level, children_failed)))
			fprintf(stderr, "%s\n", line);
	}
}

static void check_rules(const char *text)
{
	struct level top = { .planned = 0 }, sub = { .planned = 0 };
	bool children_failed = false;

	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");
		cleanup_free char *copy = string_copy_n(line, length);

		if (strncmp(copy, "  ", 2) == 0) {
			check_line(copy + 2, &sub, false);
		} else {
			if (sub.has_version) {
				CU_ASSERT_TRUE(sub.planned > 0);
				CU_ASSERT_EQUAL(sub.seen, sub.planned);
				children_failed = sub.any_failed;
				sub = (struct level){ .planned = 0 };
			}
			check_line(copy, &top, children_failed);
			children_failed = false;
		}
		line += length + (line[length] == '\n');
	}
	CU_ASSERT_TRUE(top.planned > 0);
	CU_ASSERT_EQUAL(top.seen, top.planned);
}

static void test_rules(void)
{
	for (size_t i = 0; i < reported_scenes_count; i++) {
		cleanup_free char *text = ktap_of(reported_scenes[i].name);

		check_rules(text);
	}
}

static void test_directives(void)
{
	cleanup_free char *crashed = ktap_of("crashed"), *bad = ktap_of("one-side");
	cleanup_free char *unsettled = ktap_of("inconclusive"), *nasty = ktap_of("nasty");

	test_check_contains(crashed, "  not ok 3 patched: boots # TIMEOUT\n");
	test_check_contains(crashed, "  not ok 3 patched: boots\n");
	test_check_contains(crashed, "  # [    2.000000] Kernel panic - not syncing: x\n");
	test_check_contains(bad, "fill patched: fallocate_ns # ERROR not comparable\n");
	test_check_contains(unsettled, " # SKIP inconclusive\n");
	test_check_contains(nasty, "  ok 4 x  y, \"z\" k=v p & <q> _ 1..2: m=1 _ %-7\n");
	test_check_contains(nasty, "\n  # 1..7\n  # ok 1 fake\n");
}

TEST_SUITE("report-ktap", { "golden", test_golden }, { "by TAP::Parser", test_parser },
	   { "by prove", test_prove }, { "by the rules", test_rules },
	   { "directives", test_directives })
