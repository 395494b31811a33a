/* test_report_junit.c - JUnit XML: against its schema by xmllint, its counts against the
 * gate, and what a person finds in it.
 */
#include <string.h>

#include "memory.h"
#include "reported.h"
#include "test.h"

static char *junit_of(const char *scene)
{
	cleanup_fake struct fake_run fake;

	reported_make(scene, &fake);
	return reported_text(&fake, REPORT_JUNIT);
}

static void test_golden(void)
{
	cleanup_free char *regressed = junit_of("regressed"), *crashed = junit_of("crashed");

	reported_check_golden("regressed.junit.xml", regressed);
	reported_check_golden("crashed.junit.xml", crashed);
}

/* Every scene holds what the schema says, names of any bytes included. */
static void test_schema(void)
{
	cleanup_strvec struct strvec paths = STRVEC_INIT;
	cleanup_free char *output = NULL;
	const char *argv[] = { "xmllint", "--noout", "--schema",
			       test_fixture_path("formats/junit.xsd"), NULL };
	int code;

	reported_write_all(REPORT_JUNIT, &paths);
	CU_ASSERT_EQUAL(paths.count, reported_scenes_count);
	output = reported_run(argv, &paths, &code);
	if (output && !test_check(code == 0))
		fprintf(stderr, "%s\n", output);
}

/* The schema refuses what it should, or the test before says nothing. */
static void test_schema_refuses(void)
{
	static const char *const breaks[][2] = {
		{ " time=\"18.600\"", " time=\"18.6001\"" },
		{ "<testcase name=", "<testcase nome=" },
		{ " failures=\"1\"", "" },
		{ "<failure type=", "<faliure type=" },
		{ "<system-out>", "<properties/><system-out>" },
		{ "classname=\"quick.up.quick.fill\"", "classname=\"quick up\"" },
		{ "</testsuites>", "" },
	};
	cleanup_free char *text = junit_of("regressed");
	const char *schema = test_fixture_path("formats/junit.xsd");

	for (size_t i = 0; i < ARRAY_COUNT(breaks); i++) {
		const char *at = strstr(text, breaks[i][0]);
		cleanup_free char *broken = NULL, *path = NULL, *output = NULL;
		int code;

		if (!test_check(at != NULL))
			continue;
		broken = string_format("%.*s%s%s", (int)(at - text), text, breaks[i][1],
				       at + strlen(breaks[i][0]));
		path = reported_write("broken.xml", broken);
		output = reported_run((const char *const[]){ "xmllint", "--noout", "--schema",
							     schema, path, NULL }, NULL, &code);
		if (!output)
			return;
		CU_ASSERT_NOT_EQUAL(code, 0);
	}
}

/* Sum of an attribute over all suites. */
static unsigned long sum_of(const char *text, const char *attribute)
{
	cleanup_free char *wanted = string_format(" %s=\"", attribute);
	unsigned long sum = 0;

	for (const char *at = text; (at = strstr(at, wanted)) != NULL; at += strlen(wanted))
		sum += strtoul(at + strlen(wanted), NULL, 10);
	return sum;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
		count++;
	return count;
}

static enum gate_exit gate_by_counts(unsigned long failures, unsigned long errors,
				     unsigned long skipped)
{
	return failures ? GATE_REGRESSED : errors ? GATE_NOT_COMPARABLE :
	       skipped ? GATE_INCONCLUSIVE : GATE_PASS;
}

/* Who reads only the counts comes to the gate's exit code; and the counts are true. */
static void check_counts(const struct reported_scene *scene)
{
	cleanup_free char *text = junit_of(scene->name);
	cleanup_free char *property =
		string_format("<property name=\"gate\" value=\"%d\"/>", (int)scene->gate);
	unsigned long failures = sum_of(text, "failures"), errors = sum_of(text, "errors");
	unsigned long skipped = sum_of(text, "skipped");

	CU_ASSERT_EQUAL(sum_of(text, "tests"), count_of(text, "<testcase "));
	CU_ASSERT_EQUAL(failures, count_of(text, "<failure "));
	CU_ASSERT_EQUAL(errors, count_of(text, "<error "));
	CU_ASSERT_EQUAL(skipped, count_of(text, "<skipped "));
	test_check_contains(text, property);
	/* the one exception: other cells than the canary's keep their verdicts */
	if (strcmp(scene->name, "canary-failed") == 0)
		test_check(errors > 0);
	else if (!test_check(gate_by_counts(failures, errors, skipped) == scene->gate))
		fprintf(stderr, "%s: %lu failures, %lu errors, %lu skipped\n", scene->name,
			failures, errors, skipped);
}

static void test_counts(void)
{
	for (size_t i = 0; i < reported_scenes_count; i++)
		check_counts(&reported_scenes[i]);
}

static void test_control(void)
{
	cleanup_free char *few = junit_of("regressed"), *unrun = junit_of("canary-not-run");
	cleanup_free char *fired = junit_of("control-fired"), *failed = junit_of("canary-failed");

	test_check_contains(few, "stock was compared with itself; with so few blocks that says "
				 "nothing\n");
	test_check_contains(unrun, "stock was compared with itself; no repeat could be compared\n");
	test_check_contains(fired, "<error type=\"control fired\" message=\"the A/A control fired");
	test_check_contains(failed, "<error type=\"canary failed\" message=\"a canary failed");
}

/* The report where the pass rates of the first cell came to this verdict. */
static char *rated(enum verdict verdict, bool control_fired)
{
	cleanup_fake struct fake_run fake;
	cleanup_with(comparison_release) struct comparison c = { .entries = NULL };
	struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	reported_make("both-crashed", &fake);
	CU_ASSERT_EQUAL(comparison_make_from(&fake.source, &fake.run, NULL, &c, &err), 0);
	free(c.outcomes);
	c.outcomes = memory_alloc_array(1, sizeof(*c.outcomes));
	c.outcomes_count = 1;
	c.outcomes[0] = (struct comparison_outcome){
		.cell = 0, .variant = FAKE_PATCHED, .a_passed = 11, .a_count = 12,
		.b_passed = 5, .b_count = 6, .p_adjusted = 0.0123, .verdict = verdict,
	};
	c.control_fired = control_fired;
	CU_ASSERT_EQUAL(report_format_write_from(REPORT_JUNIT, &fake.source, &fake.run, &c, &text,
						 &err), 0);
	return strbuf_detach(&text);
}

#define RATES "patched: 5 of 6 passed, 1 CRASHED; of the baseline&apos;s 11 of 12: p 0.0123"

/* Where both sides have bad boots the rates tell, as far as the control lets them. */
static void test_rates(void)
{
	cleanup_free char *worse = rated(VERDICT_REGRESSED, false);
	cleanup_free char *better = rated(VERDICT_IMPROVED, false);
	cleanup_free char *unsettled = rated(VERDICT_INCONCLUSIVE, false);
	cleanup_free char *withheld = rated(VERDICT_REGRESSED, true);

	test_check_contains(worse, "<failure type=\"crashed\" message=\"" RATES "\"/>");
	test_check_contains(better, "<system-out>" RATES "\n");
	CU_ASSERT_PTR_NULL(strstr(better, "message=\"patched: 5 of 6"));
	test_check_contains(unsettled, "<skipped type=\"inconclusive\" message=\"" RATES "\"/>");
	test_check_contains(withheld, "<skipped type=\"inconclusive\" message=\"" RATES "\"/>");
}

static void test_excerpt(void)
{
	cleanup_free char *text = junit_of("crashed");

	test_check_contains(text, "trial 15: crashed: Kernel panic: x\n");
	test_check_contains(text, "panic: Kernel panic: x (trial 15)\n"
				  "[    2.000000] Kernel panic - not syncing: x\n");
	test_check_contains(text, "[  1.5] a &lt;b&gt; &amp; c\n");
	CU_ASSERT_EQUAL(count_of(text, "(trial 15)"), 1);
	test_check_contains(text, "<failure type=\"crashed\" message=\"patched: 5 of 6 passed, "
				  "1 CRASHED; the baseline never crashed, failed or hung so\"/>");
	test_check_contains(text, "<failure type=\"timed-out\"");
}

/* xmllint reads back what went in, but for what XML cannot hold. */
static void test_nasty(void)
{
	cleanup_free char *text = junit_of("nasty"), *path = reported_write("nasty.xml", text);
	cleanup_free char *output = NULL;
	int code;

	output = reported_run((const char *const[]){
		"xmllint", "--xpath", "string(//testsuite[1]/@name)", path, NULL }, NULL, &code);
	if (!output)
		return;
	CU_ASSERT_EQUAL(code, 0);
	test_check_string(output, "u p/#\"'<&>?" "?( /quick\n");
	test_check_contains(text, "BUG: ?  &lt;a&gt; &amp; &quot;b&quot; # c ]]&gt; (trial 1)");
}

TEST_SUITE("report-junit", { "golden", test_golden }, { "by the schema", test_schema },
	   { "what the schema refuses", test_schema_refuses },
	   { "counts and the gate", test_counts }, { "control", test_control }, { "pass rates", test_rates }, { "console excerpts", test_excerpt },
	   { "nasty names", test_nasty })
