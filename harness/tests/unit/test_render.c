/* test_render.c - what people and programs read of a run. test_render_exact.c
 * has exact mode.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "fake_run.h"
#include "memory.h"
#include "render.h"
#include "rendered.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_run_release)

static void test_pass(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake.value = fake_value_equal;
	text = rendered_comparison(&fake);
	rendered_check_golden("pass", text);
}

static void test_regressed(void)
{
	const struct stored_finding findings[] = {
		{ 1002, { FINDING_LOCKDEP, (char[]){ "possible deadlock in hugetlb_fault" },
			  NULL, 1 } },
	};
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake.findings = findings;
	fake.findings_count = 1;
	fake_run_trial(&fake, 0, FAKE_PATCHED, 2)->outcome = OUTCOME_CRASHED;
	fake_run_trial(&fake, 1, FAKE_STOCK, 2)->disturbed = true;
	text = rendered_comparison(&fake);
	rendered_check_golden("regressed", text);
}

static void test_inconclusive(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake.value = fake_value_equal;
	fake.run.gate.margin_percent = 0.2;
	free(fake.run.state);
	fake.run.state = string_copy("interrupted");
	fake_run_trial(&fake, 1, FAKE_PATCHED, 5)->state = TRIAL_PLANNED;
	text = rendered_comparison(&fake);
	rendered_check_golden("inconclusive", text);
}

static bool value_missing(uint32_t cell, const char *metric, uint32_t variant,
			  uint32_t block, uint32_t iteration, double *ret_value)
{
	if (strcmp(metric, "latency_p99_ns") == 0 && variant == FAKE_PATCHED)
		return false;
	(void)fake_value(cell, metric, variant, block, iteration, ret_value);
	if (strcmp(metric, "latency_max_ns") == 0)
		*ret_value = 0;
	return true;
}

static void test_not_comparable(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake.value = value_missing;
	for (uint32_t block = 3; block < FAKE_BLOCKS; block++)
		fake_run_set_fingerprint(fake_run_trial(&fake, 1, FAKE_PATCHED, block),
					 "accelerator=kvm\nguest=up 0123\n");
	text = rendered_comparison(&fake);
	rendered_check_golden("not-comparable", text);
}

static bool value_other_copy(uint32_t cell, const char *metric, uint32_t variant,
			     uint32_t block, uint32_t iteration, double *ret_value)
{
	(void)fake_value(cell, metric, variant, block, iteration, ret_value);
	if (variant == FAKE_CONTROL)
		*ret_value *= 1.2;
	return true;
}

static void test_control_fired(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake.value = value_other_copy;
	fake.run.gate.alpha = 0.2;
	text = rendered_comparison(&fake);
	rendered_check_golden("control-fired", text);
	CU_ASSERT_PTR_NULL(strstr(text, "equivalent\n"));
}

static bool value_constant(uint32_t cell, const char *metric, uint32_t variant,
			   uint32_t block, uint32_t iteration, double *ret_value)
{
	(void)cell;
	(void)metric;
	(void)block;
	(void)iteration;
	*ret_value = variant == FAKE_PATCHED ? 219123 : 52358123;
	return true;
}

static void test_without_variance(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake.value = value_constant;
	text = rendered_comparison(&fake);
	test_check_contains(text, "no test: every boot of a side gave the same figure");
	test_check_contains(text, "improved\n");
}

/* Names of any length and bytes that no terminal should see. */
static void test_hostile_names(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;
	char *name = memory_alloc(301);

	fake_run_init(&fake);
	memset(name, 'x', 300);
	free(fake.run.cells[0].rows[0].metrics[0].name);
	fake.run.cells[0].rows[0].metrics[0].name = name;
	free(fake.run.cells[0].rows[0].arguments);
	fake.run.cells[0].rows[0].arguments = string_copy("a=\033[31m\tb\nc=\xc3\xa4");
	free(fake.run.variants[FAKE_PATCHED].cmdline);
	fake.run.variants[FAKE_PATCHED].cmdline = string_copy("\x7f\x01 quiet\r");
	text = rendered_comparison(&fake);
	test_check_contains(text, "a=?[31m");
	test_check_contains(text, "? quiet");
}

static void test_run(void)
{
	const struct stored_finding findings[] = {
		{ 1002, { FINDING_WARNING, (char[]){ "WARNING in f" }, NULL, 1 } },
		{ 1002, { FINDING_WARNING, (char[]){ "WARNING in f" }, NULL, 7 } },
		{ 1008, { FINDING_WARNING, (char[]){ "WARNING in f" }, NULL, 7 } },
		{ 1014, { FINDING_PANIC, (char[]){ "Kernel panic: x" }, NULL, 1 } },
	};
	cleanup_fake struct fake_run fake;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct stored_trial *trial;

	fake_run_init(&fake);
	fake.run.note = string_copy("the budget of 3 minutes was used up");
	trial = fake_run_trial(&fake, 0, FAKE_PATCHED, 2);
	trial->outcome = OUTCOME_CRASHED;
	trial->reason = string_copy("Kernel panic: x");
	trial = fake_run_trial(&fake, 1, FAKE_STOCK, 1);
	trial->disturbed = trial->superseded = true;
	fake_run_trial(&fake, 1, FAKE_STOCK, 5)->state = TRIAL_PLANNED;
	fake_run_trial(&fake, 1, FAKE_CONTROL, 5)->state = TRIAL_STARTED;
	render_run(&fake.run, findings, ARRAY_COUNT(findings), &text);
	rendered_check_layout(text.data);
	rendered_check_golden("run", text.data);
}

/* --- JSON ---------------------------------------------------------------------- */

static void check_entry(const json_t *entry)
{
	static const char *const keys[] = {
		"guest", "suite", "row", "workload", "arguments", "metric", "unit",
		"better", "kind", "secondary", "is_tail", "variant", "a_center",
		"b_center", "ratio", "interval", "p", "p_adjusted", "alpha",
		"p_equivalence", "tail", "blocks", "detectable_effect", "blocks_needed", "verdict", "reason", "a", "b",
	};

	for (size_t i = 0; i < ARRAY_COUNT(keys); i++)
		CU_ASSERT_PTR_NOT_NULL(json_object_get(entry, keys[i]));
	CU_ASSERT_EQUAL(json_object_size(entry), ARRAY_COUNT(keys));
}

static void test_json(void)
{
	cleanup_fake struct fake_run fake;
	json_t *root, *entry, *boot;

	fake_run_init(&fake);
	root = rendered_json(&fake);
	if (!test_check(root != NULL))
		return;
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(root, "gate")), GATE_REGRESSED);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "entries")), 6);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "control")), 6);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "boots")), 6);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "canaries")), 0);
	CU_ASSERT_TRUE(json_is_null(json_object_get(json_object_get(root, "run"), "exact")));
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(
				json_object_get(root, "run"), "seed")), 42);
	entry = json_array_get(json_object_get(root, "entries"), 0);
	check_entry(entry);
	test_check_string(json_string_value(json_object_get(entry, "verdict")), "regressed");
	test_check_string(json_string_value(json_object_get(entry, "better")), "lower");
	CU_ASSERT_TRUE(fabs(json_real_value(json_object_get(entry, "ratio")) - 1.1) < 0.01);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(entry, "a")), 2 * FAKE_BLOCKS);
	boot = json_array_get(json_object_get(entry, "b"), 5);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(boot, "block")), 5);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(boot, "count")), 3);
	CU_ASSERT_TRUE(json_real_value(json_object_get(boot, "summary")) > 13e6);
	json_decref(root);
}

/* Figures that do not exist are null; text that is not UTF-8 does not spoil it. */
static void test_json_gaps(void)
{
	cleanup_fake struct fake_run fake;
	json_t *root, *entry;

	fake_run_init(&fake);
	fake.value = value_missing;
	free(fake.run.cells[0].rows[0].arguments);
	fake.run.cells[0].rows[0].arguments = string_copy("\xff\xfe");
	root = rendered_json(&fake);
	if (!test_check(root != NULL))
		return;
	entry = json_array_get(json_object_get(root, "entries"), 2);
	check_entry(entry);
	CU_ASSERT_TRUE(json_is_null(json_object_get(entry, "ratio")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(entry, "p")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(
		json_object_get(entry, "interval"), "low")));
	CU_ASSERT_TRUE(json_is_string(json_object_get(entry, "reason")));
	json_decref(root);
}

/* --- quantities ------------------------------------------------------------------ */

static void test_quantities(void)
{
	static const struct {
		double value;
		const char *unit, *text;
	} cases[] = {
		{ 12345678, "ns", "12.35 ms" },
		{ 999.96, "us", "1.000 ms" },
		{ 999.94, "us", "999.9 us" },
		{ 1.5e9, "ns", "1.500 s" },
		{ 90e9, "ns", "90.00 s" },
		{ 123456e9, "ns", "123456 s" },
		{ 0.25, "s", "250.0 ms" },
		{ 3, "ms", "3 ms" },
		{ 3000000, "ns", "3.000 ms" },
		{ 0, "ns", "0 ns" },
		{ 0.5, "ns", "0.5 ns" },
		{ -1500, "ns", "-1.500 us" },
		{ 1.2345, "GiB/s", "1.234 GiB/s" },
		{ 0.5, "GiB/s", "512.0 MiB/s" },
		{ 1536, "MiB", "1.500 GiB" },
		{ 12345678, "1/s", "12.35 M/s" },
		{ 42, "1/s", "42 /s" },
		{ 12345678, "pages/s", "12.35 Mpages/s" },
		{ 9999, "pages", "9999 pages" },
		{ 10000, "pages", "10.00 kpages" },
		{ 7, "", "7" },
		{ 123456, "", "123.5 k" },
		{ 12.345, "%", "12.35 %" },
		{ 46701891, "insn", "46.70 Minsn" },
		{ 1234, "insn", "1234 insn" },
		{ 1.8712, "ratio", "1.871 ratio" },
		{ NAN, "ns", "-" },
		{ INFINITY, "ns", "inf" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_strbuf struct strbuf text = STRBUF_INIT;

		render_quantity(cases[i].value, cases[i].unit, &text);
		test_check_string(text.data, cases[i].text);
	}
}

static void test_gate_meanings(void)
{
	test_check_contains(render_gate_meaning(GATE_PASS), "pass");
	test_check_contains(render_gate_meaning(GATE_INCONCLUSIVE), "more boots");
	test_check_string(render_gate_meaning((enum gate_exit)99), "unknown");
}

TEST_SUITE("render", { "pass", test_pass }, { "regressed", test_regressed },
	   { "inconclusive", test_inconclusive },
	   { "not comparable", test_not_comparable },
	   { "control fired", test_control_fired },
	   { "no variance", test_without_variance },
	   { "hostile names", test_hostile_names }, { "show run", test_run },
	   { "JSON", test_json }, { "JSON with gaps", test_json_gaps },
	   { "quantities", test_quantities }, { "gate meanings", test_gate_meanings })
