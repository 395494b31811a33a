/* test_trial.c - outcomes, findings and results as data. */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "test.h"
#include "trial.h"

static void test_outcome_names(void)
{
	enum outcome outcome = OUTCOME_PASSED;

	for (int i = OUTCOME_PASSED; i <= OUTCOME_TIMED_OUT; i++) {
		CU_ASSERT_EQUAL(outcome_parse(outcome_name((enum outcome)i), &outcome), 0);
		CU_ASSERT_EQUAL(outcome, i);
	}
	test_check_string(outcome_name(OUTCOME_TIMED_OUT), "timed-out");
	test_check_string(outcome_name((enum outcome)99), "unknown");
}

static void test_outcome_refused(void)
{
	static const char *const names[] = { "", "Passed", "passed ", "pass", "unknown" };
	enum outcome outcome = OUTCOME_BROKEN;

	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		CU_ASSERT_EQUAL(outcome_parse(names[i], &outcome), -EINVAL);
	CU_ASSERT_EQUAL(outcome, OUTCOME_BROKEN);
}

static void test_finding_names(void)
{
	enum finding_kind kind = FINDING_PANIC;

	for (int i = 0; i < FINDING_KINDS_COUNT; i++) {
		const char *name = finding_kind_name((enum finding_kind)i);

		CU_ASSERT_EQUAL(finding_kind_parse(name, &kind), 0);
		CU_ASSERT_EQUAL(kind, i);
	}
	CU_ASSERT_EQUAL(finding_kind_parse("hung_task", &kind), -EINVAL);
	CU_ASSERT_EQUAL(finding_kind_parse("", &kind), -EINVAL);
	test_check_string(finding_kind_name(FINDING_KINDS_COUNT), "unknown");
}

static void test_fatal_kinds(void)
{
	CU_ASSERT_TRUE(finding_kind_is_fatal(FINDING_PANIC));
	CU_ASSERT_TRUE(finding_kind_is_fatal(FINDING_OOPS));
	CU_ASSERT_TRUE(finding_kind_is_fatal(FINDING_BUG));
	CU_ASSERT_TRUE(finding_kind_is_fatal(FINDING_SOFT_LOCKUP));
	CU_ASSERT_TRUE(finding_kind_is_fatal(FINDING_HARD_LOCKUP));
	CU_ASSERT_FALSE(finding_kind_is_fatal(FINDING_WARNING));
	CU_ASSERT_FALSE(finding_kind_is_fatal(FINDING_OUT_OF_MEMORY));
	CU_ASSERT_FALSE(finding_kind_is_fatal(FINDING_TAINT));
	CU_ASSERT_FALSE(finding_kind_is_fatal(FINDING_KINDS_COUNT));
}

static void test_samples(void)
{
	struct trial_result result = TRIAL_RESULT_INIT;

	for (uint32_t i = 0; i < 100; i++)
		trial_result_add_sample(&result, i % 3, "fallocate_ns", i, i * 0.5);
	CU_ASSERT_EQUAL(result.samples_count, 100);
	CU_ASSERT_EQUAL(result.samples[99].row, 0);
	CU_ASSERT_EQUAL(result.samples[99].iteration, 99);
	CU_ASSERT_EQUAL(result.samples[99].value, 49.5);
	test_check_string(result.samples[0].metric, "fallocate_ns");
	trial_result_release(&result);
	CU_ASSERT_EQUAL(result.samples_count, 0);
	CU_ASSERT_PTR_NULL(result.samples);
}

static void test_worsens_only(void)
{
	struct trial_result result = TRIAL_RESULT_INIT;

	trial_result_worsen(&result, OUTCOME_PASSED, "nothing");
	CU_ASSERT_PTR_NULL(result.reason);
	trial_result_worsen(&result, OUTCOME_SKIPPED, "no %s", "iommu");
	test_check_string(result.reason, "no iommu");
	trial_result_worsen(&result, OUTCOME_FAILED, "row %d", 2);
	trial_result_worsen(&result, OUTCOME_TIMED_OUT, "after %d s", 30);
	trial_result_worsen(&result, OUTCOME_FAILED, "late");
	CU_ASSERT_EQUAL(result.outcome, OUTCOME_TIMED_OUT);
	test_check_string(result.reason, "after 30 s");
	trial_result_worsen(&result, OUTCOME_BROKEN, "bad checksum");
	trial_result_worsen(&result, OUTCOME_CRASHED, "panic");
	trial_result_worsen(&result, OUTCOME_BROKEN, "later");
	CU_ASSERT_EQUAL(result.outcome, OUTCOME_CRASHED);
	test_check_string(result.reason, "panic");
	/* The first of two equals is kept: it is nearer to the cause. */
	trial_result_worsen(&result, OUTCOME_CRASHED, "second panic");
	test_check_string(result.reason, "panic");
	trial_result_release(&result);
	CU_ASSERT_PTR_NULL(result.reason);
}

static void test_release(void)
{
	struct trial_result result = TRIAL_RESULT_INIT;

	result.rows = memory_alloc_array(1, sizeof(*result.rows));
	result.rows_count = 1;
	result.rows[0].reason = string_copy("why");
	result.findings = memory_alloc_array(1, sizeof(*result.findings));
	result.findings_count = 1;
	result.findings[0].title = string_copy("WARNING in f");
	result.findings[0].excerpt = string_copy("...\n");
	result.host.reason = string_copy("steal");
	result.kernel_release = string_copy("7.3.4");
	trial_result_release(&result);
	trial_result_release(&result);
	trial_result_release(NULL);
	CU_ASSERT_PTR_NULL(result.rows);
	CU_ASSERT_PTR_NULL(result.findings);
	CU_ASSERT_PTR_NULL(result.kernel_release);
}

TEST_SUITE("trial", { "outcome names", test_outcome_names },
	   { "wrong outcomes are refused", test_outcome_refused },
	   { "finding names", test_finding_names },
	   { "fatal kinds", test_fatal_kinds }, { "samples grow", test_samples },
	   { "outcomes only worsen", test_worsens_only },
	   { "release frees all, twice", test_release })
