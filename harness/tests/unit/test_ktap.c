/* test_ktap.c - the guest's reader of kernel test results
 * (workloads/runtime/ktap.c): what KUnit writes, and what must not pass for it.
 */
#include <errno.h>
#include <string.h>

#include "test.h"

#include "../../../workloads/runtime/ktap.c"

#define HEAD "KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: suite\n"

static bool parses(const char *text, struct ktap_totals *ret_totals)
{
	char message[256] = "";

	memset(ret_totals, 0, sizeof(*ret_totals));
	if (test_check(ktap_parse(text, ret_totals, message, sizeof(message)) == 0))
		return true;
	fprintf(stderr, "%s\n", message);
	return false;
}

/* As lib/kunit/debugfs.c prints it: cases, a parametrised one, a skipped one. */
static void test_passes(void)
{
	struct ktap_totals totals;

	if (!parses(HEAD "    1..3\n"
		    "    ok 1 plain\n"
		    "        KTAP version 1\n"
		    "        # Subtest: cases\n"
		    "        1..3\n"
		    "        ok 1 even, 1..3\n"
		    "        ok 2 odd\n"
		    "        ok 3 not today # SKIP needs 3 CPUs\n"
		    "    # cases: pass:2 fail:0 skip:1 total:3\n"
		    "    ok 2 cases\n"
		    "    ok 3 other # SKIP no helpers\n"
		    "# suite: pass:2 fail:0 skip:1 total:3\n"
		    "# Totals: pass:3 fail:0 skip:2 total:5\n"
		    "ok 1 suite\n", &totals))
		return;
	CU_ASSERT_EQUAL(totals.passed, 3);
	CU_ASSERT_EQUAL(totals.skipped, 2);
	CU_ASSERT_EQUAL(totals.failed, 0);
	test_check_string(totals.failed_name, "");
	test_check_string(totals.failed_message, "");
}

static void test_fails(void)
{
	struct ktap_totals totals;

	if (!parses(HEAD "    1..3\n"
		    "    # fine: a remark\n"
		    "    ok 1 fine\n"
		    "        KTAP version 1\n"
		    "        # Subtest: cases\n"
		    "        1..2\n"
		    "    # cases: EXPECTATION FAILED at kernel/x.c:7\n"
		    "    Expected ret == 0, but\n"
		    "        ret == -5 (0xfffffffffffffffb)\n"
		    "        not ok 1 even\n"
		    "        ok 2 odd\n"
		    "    not ok 2 cases\n"
		    "    # late: EXPECTATION FAILED at kernel/x.c:9\n"
		    "    not ok 3 late\n"
		    "not ok 1 suite\n", &totals))
		return;
	CU_ASSERT_EQUAL(totals.passed, 2);
	CU_ASSERT_EQUAL(totals.failed, 2);
	test_check_string(totals.failed_name, "suite.cases.even");
	test_check_string(totals.failed_message,
			  "# cases: EXPECTATION FAILED at kernel/x.c:7 Expected ret == "
			  "0, but ret == -5 (0xfffffffffffffffb)");
}

/* A parent of good children that fails itself: its init or exit did. */
static void test_parent_fails_alone(void)
{
	struct ktap_totals totals;

	if (!parses(HEAD "    1..1\n    ok 1 fine\n# suite_exit failed\n"
		    "not ok 1 suite\n", &totals))
		return;
	CU_ASSERT_EQUAL(totals.passed, 1);
	CU_ASSERT_EQUAL(totals.failed, 1);
	test_check_string(totals.failed_name, "suite");
	test_check_string(totals.failed_message, "# suite_exit failed");
}

/* KUnit counts the cases of parameters where it does not plan them. */
static void test_without_plan(void)
{
	struct ktap_totals totals;

	if (parses(HEAD "    1..2\n        KTAP version 1\n        # Subtest: cases\n"
		   "        ok 1 even\n        ok 2 odd # SKIP no\n"
		   "    # cases: pass:1 fail:0 skip:1 total:2\n    ok 1 cases\n"
		   "        KTAP version 1\n        # Subtest: single\n"
		   "        ok 1 only\n    ok 2 single\nok 1 suite\n", &totals)) {
		CU_ASSERT_EQUAL(totals.passed, 2);
		CU_ASSERT_EQUAL(totals.skipped, 1);
	}
}

static void test_small_forms(void)
{
	struct ktap_totals totals;

	if (parses("KTAP version 1\n1..0\n", &totals))
		CU_ASSERT_EQUAL(totals.passed + totals.failed + totals.skipped, 0);
	if (parses("KTAP version 1\n1..2\nok 1 - a # skip why\r\nok 2 b", &totals)) {
		CU_ASSERT_EQUAL(totals.passed, 1);
		CU_ASSERT_EQUAL(totals.skipped, 1);
	}
	if (parses("KTAP version 1\n1..1\nok 1 suite # SKIP all of it\n", &totals))
		CU_ASSERT_EQUAL(totals.skipped, 1);
}

/* Names and messages of any length are cut, never overrun. */
static void test_long(void)
{
	char text[4096] = "KTAP version 1\n1..1\n# ";
	struct ktap_totals totals;
	size_t used = strlen(text);

	memset(text + used, 'x', 2500);
	strcpy(text + used + 2500, "\nnot ok 1 ");
	used = strlen(text);
	memset(text + used, 'x', 1000);
	if (!parses(text, &totals))
		return;
	CU_ASSERT_EQUAL(totals.failed, 1);
	CU_ASSERT_EQUAL(strspn(totals.failed_name, "x"), strlen(totals.failed_name));
	CU_ASSERT_TRUE(strlen(totals.failed_name) > 32);
	CU_ASSERT_EQUAL(strlen(totals.failed_message),
			sizeof(totals.failed_message) - 1);
}

static void test_refused(void)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "no KTAP at all" },
		{ "\n \n", "no KTAP at all" },
		{ "ok 1 a\n", "line 1: expected \"KTAP version 1\", found \"ok 1 a\"" },
		{ "KTAP version 2\n1..0\n", "line 1: expected version 1" },
		{ "    KTAP version 1\n1..0\n", "depth 1, expected 0" },
		{ "KTAP version 1\n", "the whole has no plan" },
		{ "KTAP version 1\nok 1 a\n", "the whole has no plan" },
		{ "KTAP version 1\nok 1 a\n1..1\n", "line 3: a plan where" },
		{ "KTAP version 1\n1..1\n1..1\nok 1 a\n", "line 3: a plan where" },
		{ "KTAP version 1\n1..\n", "expected the number of tests, found \"\"" },
		{ "KTAP version 1\n1..-1\n", "found \"-1\"" },
		{ "KTAP version 1\n1..2x\n", "found \"2x\"" },
		{ "KTAP version 1\n1..1000001\n", "found \"1000001\"" },
		/* Died in the middle. */
		{ "KTAP version 1\n1..2\nok 1 a\n", "1 of 2 results of the whole" },
		{ "KTAP version 1\n1..1\nok 1 a\nok 2 b\n", "2 of 1 results" },
		{ HEAD "    1..2\n    ok 1 a\n", "the end inside suite" },
		{ HEAD "    1..2\n    ok 1 a\nok 1 suite\n", "1 of 2 results of suite" },
		{ HEAD "    ok 1 a\n    ok 2 b\nok 1 suite\n", "suite has no plan" },
		{ HEAD "    ok 1 a\n    ok 2 b\n# suite: pass:3 fail:0 skip:0 total:3\n"
		       "ok 1 suite\n", "2 of 3 results of suite" },
		{ HEAD "    1..1\n    ok 1 a\n# suite: pass:2 fail:0 skip:0 total:2\n"
		       "ok 1 suite\n", "1 of 2 results of suite" },
		{ HEAD "    ok 1 a\n    ok 2 b\n# other: pass:2 fail:0 skip:0 total:2\n"
		       "ok 1 suite\n", "suite has no plan" },
		{ HEAD "    1..1\n        KTAP version 1\n        1..1\n"
		       "        ok 1 a\nok 1 suite\n", "line 9: a result at depth 0" },
		/* Out of order. */
		{ "KTAP version 1\n1..2\nok 2 a\nok 1 b\n", "result 2, expected 1" },
		{ "KTAP version 1\n1..2\nok 1 a\nok 1 a\n", "result 1, expected 2" },
		{ "KTAP version 1\n1..1\nok 99999999999999999999 a\n", "number" },
		{ "KTAP version 1\n1..1\nok a\n", "expected a result's number" },
		{ "KTAP version 1\n1..1\nok 1\n", "expected a result's number" },
		{ "KTAP version 1\n1..1\nok 1 \n", "without a name" },
		{ "KTAP version 1\n1..1\nok 1 # SKIP\n", "without a name" },
		/* At a depth that nobody opened. */
		{ "KTAP version 1\n1..1\n    ok 1 a\nok 1 b\n", "depth 1, expected 0" },
		{ "KTAP version 1\n1..1\n    1..1\n", "a plan at depth 1" },
		/* Says one thing and means another. */
		{ "KTAP version 1\n1..1\nnot ok 1 a # SKIP why\n", "and skipped" },
		{ HEAD "    1..1\n    not ok 1 a\nok 1 suite\n",
		  "suite is \"ok\", but 1 of its subtests failed" },
		{ HEAD "    1..0\n    KTAP version 1\n    1..0\nok 1 suite\n",
		  "depth 1, expected 2" },
		{ "KTAP version 1\n1..1\nBail out! no memory\n", "Bail out! no memory" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ktap_totals totals = { .passed = 77 };
		char message[256] = "";

		if (!test_check(ktap_parse(cases[i].text, &totals, message,
					   sizeof(message)) == -EINVAL))
			fprintf(stderr, "accepted: %s\n", cases[i].text);
		test_check_contains(message, cases[i].why);
		CU_ASSERT_EQUAL(totals.passed, 77);
	}
}

static void test_too_deep(void)
{
	char text[1024] = "", message[64];
	struct ktap_totals totals;
	size_t used = 0;

	for (int i = 0; i <= DEPTH_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%*sKTAP version 1\n", i * INDENT, "");
	CU_ASSERT_EQUAL(ktap_parse(text, &totals, message, sizeof(message)), -EINVAL);
	test_check_contains(message, "deeper than 8");
	/* A message that does not fit is cut. */
	CU_ASSERT_EQUAL(ktap_parse(text, &totals, message, 12), -EINVAL);
	test_check_string(message, "KTAP line 9");
}

TEST_SUITE("ktap", { "passes", test_passes }, { "fails", test_fails },
	   { "a parent fails alone", test_parent_fails_alone },
	   { "cases without a plan", test_without_plan },
	   { "small forms", test_small_forms }, { "long", test_long },
	   { "refused", test_refused }, { "too deep", test_too_deep })
