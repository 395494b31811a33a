/* test_symptom.c - what of a trial is taken for the same defect again. */
#include "symptom.h"

#include "strbuf.h"
#include "test.h"

static struct finding finding(enum finding_kind kind, char *title)
{
	return (struct finding){ .kind = kind, .title = title };
}

/* "kind: title|kind: title" of one trial. */
static void check_trial(enum outcome outcome, const char *reason,
			const struct finding *findings, size_t count, const char *expected)
{
	cleanup_symptoms struct symptoms symptoms = SYMPTOMS_INIT;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	symptoms_add_trial(&symptoms, outcome, reason, findings, count);
	for (size_t i = 0; i < symptoms.count; i++)
		strbuf_addf(&text, "%s%s: %s", i ? "|" : "", symptoms.items[i].kind,
			    symptoms.items[i].title);
	test_check_string(text.data, expected);
}

static void test_a_clean_trial_has_none(void)
{
	check_trial(OUTCOME_PASSED, NULL, NULL, 0, "");
	check_trial(OUTCOME_SKIPPED, "fill: no huge pages of 2048 KiB", NULL, 0, "");
}

static void test_findings_come_once(void)
{
	const struct finding findings[] = {
		finding(FINDING_WARNING, (char[]){ "WARNING in f" }),
		finding(FINDING_LOCKDEP, (char[]){ "WARNING in f" }),
		finding(FINDING_WARNING, (char[]){ "WARNING in f" }),
	};

	check_trial(OUTCOME_PASSED, NULL, findings, 3,
		    "warning: WARNING in f|lockdep: WARNING in f");
	check_trial(OUTCOME_FAILED, "fill: wrong", findings, 1,
		    "warning: WARNING in f|failed: fill: wrong");
}

static void test_a_dead_kernel_takes_its_rows_with_it(void)
{
	const struct finding dead[] = {
		finding(FINDING_WARNING, (char[]){ "WARNING in f" }),
		finding(FINDING_PANIC, (char[]){ "Kernel panic: f" }),
	};

	check_trial(OUTCOME_CRASHED, "Kernel panic: f", dead, 2,
		    "warning: WARNING in f|panic: Kernel panic: f");
	/* A workload that was killed is no dead kernel. */
	check_trial(OUTCOME_CRASHED, "fill: killed by SIGSEGV", dead, 1,
		    "warning: WARNING in f|crashed: fill: killed by SIGSEGV");
}

static void test_numbers_of_a_reason_go(void)
{
	static const struct {
		const char *reason, *title;
	} cases[] = {
		{ "r: -2 huge pages are reserved, expected 0",
		  "r: -N huge pages are reserved, expected N" },
		{ "r: 12 of 0x1fA pages, 22s, 2048kB", "r: N of N pages, Ns, NkB" },
		{ "row2: thread_7x of 3", "row2: thread_7x of N" },
		{ "0xyz and 0x", "Nxyz and Nx" },
		{ "7", "N" },
		{ "", "" },
		{ "a\tb\n\377 1", "a b   N" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_strbuf struct strbuf expected = STRBUF_INIT;

		strbuf_addf(&expected, "failed: %s", cases[i].title);
		check_trial(OUTCOME_FAILED, cases[i].reason, NULL, 0, expected.data);
	}
	check_trial(OUTCOME_TIMED_OUT, NULL, NULL, 0, "timed-out: no reason was given");
}

static void test_meeting(void)
{
	cleanup_symptoms struct symptoms a = SYMPTOMS_INIT, b = SYMPTOMS_INIT;

	CU_ASSERT_FALSE(symptoms_meet(&a, &b));
	symptoms_add(&a, "warning", "WARNING in f");
	symptoms_add(&a, "failed", "r: wrong");
	CU_ASSERT_FALSE(symptoms_meet(&a, &b));
	symptoms_add(&b, "lockdep", "WARNING in f");
	symptoms_add(&b, "failed", "r: Wrong");
	CU_ASSERT_FALSE(symptoms_meet(&a, &b));
	CU_ASSERT_FALSE(symptoms_contain(&b, &a.items[1]));
	symptoms_add(&b, "failed", "r: wrong");
	CU_ASSERT_TRUE(symptoms_meet(&a, &b));
	CU_ASSERT_TRUE(symptoms_meet(&b, &a));
	CU_ASSERT_TRUE(symptoms_contain(&b, &a.items[1]));
	symptoms_add(&b, "failed", "r: wrong");
	CU_ASSERT_EQUAL(b.count, 3);
}

TEST_SUITE("symptom", { "a clean trial has none", test_a_clean_trial_has_none },
	   { "findings come once", test_findings_come_once },
	   { "a dead kernel takes its rows with it",
	     test_a_dead_kernel_takes_its_rows_with_it },
	   { "numbers of a reason go", test_numbers_of_a_reason_go },
	   { "meeting", test_meeting })
