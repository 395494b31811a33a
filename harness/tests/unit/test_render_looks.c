/* test_render_looks.c - what stands beside the metrics: looks, pass rates, tails. */
#include <math.h>
#include <string.h>

#include "fake_run.h"
#include "memory.h"
#include "render.h"
#include "rendered.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_run_release)

/* Stopped at the second of three looks, after four of six blocks. */
static void init_stopped(struct fake_run *fake)
{
	fake_run_init(fake);
	fake->value = fake_value_equal;
	fake->run.note = string_copy("stopped after 4 of 6 blocks: every metric is settled");
	fake->run.looks_count = 3;
	fake->run.looks = memory_alloc_array(3, sizeof(*fake->run.looks));
	for (uint32_t i = 0; i < 3; i++)
		fake->run.looks[i] = (struct stored_look){
			.blocks = 2 * (i + 1), .taken_wall_ns = i < 2 ? 5 : 0,
			.alpha = i < 2 ? 0.001 : (double)NAN, .open_count = i == 0 ? 3 : 0,
			.stopped = i == 1 };
	for (size_t i = 0; i < fake->run.trials_count; i++)
		if (fake->run.trials[i].block >= 4)
			fake->run.trials[i].state = TRIAL_PLANNED;
}

static void test_stopped(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;
	cleanup_strbuf struct strbuf shown = STRBUF_INIT;

	init_stopped(&fake);
	text = rendered_comparison(&fake);
	rendered_check_golden("looks", text);
	test_check_contains(text, "; 2 of 3 looks, stopped early");
	/* what was left out is not missing */
	CU_ASSERT_PTR_NULL(strstr(text, ", 2 not run"));
	render_run(&fake.run, NULL, 0, &shown);
	rendered_check_layout(shown.data);
	test_check_contains(shown.data, "looks      planned after 2, 4 and 6 blocks; 2 taken, 0 not "
					"settled at the last,\n           which ended the run\n");
}

static void test_json(void)
{
	cleanup_fake struct fake_run fake, plain;
	json_t *root, *other, *looks, *outcome;

	init_stopped(&fake);
	fake_run_init(&plain);
	root = rendered_json(&fake);
	other = rendered_json(&plain);
	if (!test_check(root && other))
		return;
	looks = json_object_get(root, "looks");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(looks, "taken_count")), 2);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(looks, "blocks")), 4);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(looks, "blocks_max")), 6);
	CU_ASSERT_EQUAL(json_real_value(json_object_get(looks, "alpha")), 0.05);
	CU_ASSERT_TRUE(json_is_true(json_object_get(looks, "stopped")));
	CU_ASSERT_TRUE(json_real_value(json_object_get(json_object_get(root, "policy"),
						       "alpha")) < 0.05);
	looks = json_object_get(json_object_get(root, "run"), "looks");
	CU_ASSERT_EQUAL(json_array_size(looks), 3);
	CU_ASSERT_TRUE(json_is_null(json_object_get(json_array_get(looks, 2), "open_count")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(other, "looks")));
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json_object_get(other, "run"),
							"looks")), 0);
	outcome = json_array_get(json_object_get(other, "outcomes"), 1);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(outcome, "a_count")),
			2 * FAKE_BLOCKS);
	test_check_string(json_string_value(json_object_get(outcome, "verdict")), "equivalent");
	json_decref(root);
	json_decref(other);
}

/* Interrupted long before the first look: nothing can be called yet. */
static void test_too_early(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	init_stopped(&fake);
	free(fake.run.state);
	fake.run.state = string_copy("interrupted");
	for (size_t i = 0; i < 3; i++)
		fake.run.looks[i] = (struct stored_look){ .blocks = 200 * ((uint32_t)i + 1) };
	text = rendered_comparison(&fake);
	test_check_contains(text, "\n        over 99.9999 %: ");
	test_check_contains(text, "; 0 of 3 looks\n");
	test_check_contains(text, "looks      0 of 3, after 4 of at most 600 blocks");
	CU_ASSERT_PTR_NULL(strstr(text, "stopped early"));
}

/* Both sides fail in one cell, the candidate more often. */
static void test_rates(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake.value = fake_value_equal;
	fake_run_trial(&fake, 1, FAKE_CONTROL, 2)->outcome = OUTCOME_TIMED_OUT;
	for (uint32_t block = 0; block < FAKE_BLOCKS; block++)
		fake_run_trial(&fake, 1, FAKE_PATCHED, block)->outcome = OUTCOME_CRASHED;
	text = rendered_comparison(&fake);
	test_check_contains(text, "crashed, failed or hung MORE OFTEN than the baseline");
	test_check_contains(text, "\npass rates smp2/quick: patched 0 of 6 (0 % .. 45.9 %), stock "
				  "11 of 12 (61.5 % ..\n           99.8 %), p 0.0015: regressed\n");
	CU_ASSERT_PTR_NULL(strstr(text, "up/quick: patched"));
}

/* Samples enough for two quantiles and for how often the tail is passed. */
static void test_tail(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_comparison struct comparison c = { .entries = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	fake_run_init(&fake);
	if (!test_check(!comparison_make_from(&fake.source, &fake.run, NULL, &c, &err)))
		return;
	for (size_t i = 0; i < c.count; i++) {
		if (!c.entries[i].is_tail)
			continue;
		c.entries[i].judged.tail = (struct tail_figures){
			.quantiles = { { .q = 0.5, .a = 12100, .b = 12300 },
				       { .q = 0.99, .a = 31000, .b = 33100 },
				       { .q = 0.999, .a = NAN, .b = NAN },
				       { .q = 1, .a = 52000, .b = 48000 } },
			.threshold = 31000, .a_samples = 2000, .b_samples = 1000,
			.a_beyond = 20, .b_beyond = 14 };
	}
	render_comparison_text(&fake.run, &c, &text);
	rendered_check_layout(text.data);
	test_check_contains(text.data, "\n        tail: 50 % 12.10 us / 12.30 us, 99 % 31.00 us / "
				       "33.10 us, largest 52.00\n        us / 48.00 us; beyond 31.00 "
				       "us: 1 % / 1.4 %\n");
}

TEST_SUITE("render_looks", { "stopped early", test_stopped }, { "JSON", test_json },
	   { "too early", test_too_early },
	   { "pass rates", test_rates }, { "tails", test_tail })
