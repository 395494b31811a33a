/* test_render_exact.c - what people and programs read of an exact run. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "fake_run.h"
#include "memory.h"
#include "render.h"
#include "render_layout.h"
#include "rendered.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_run_release)

static void test_exact(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	/* It may run on any host. */
	fake_run_set_fingerprint(fake_run_trial(&fake, 0, FAKE_PATCHED, 3),
				 "accelerator=tcg\nguest=up 0123\n"
				 "host.cpu_model=Other CPU\nhost.cpus=64\n"
				 "hypervisor=libvirt 9.0.0, QEMU 7.2.22\n"
				 "toolchain=gcc (Debian 12.2.0-14) 12.2.0\n"
				 "variant.kernel_release=7.3.4\n");
	fake_run_trial(&fake, 1, FAKE_PATCHED, 4)->outcome = OUTCOME_BROKEN;
	text = rendered_comparison(&fake);
	rendered_check_golden("exact", text);
	test_check_contains(text, "  kerngate profile 20261121-213000-quick --variant patched "
				  "\\\n      --cell up/quick --row fill\n");
	CU_ASSERT_PTR_NULL(strstr(text, "smp2/quick"));
}

static void set_digest(struct stored_trial *trial, const char *digest)
{
	free(trial->digest);
	trial->digest = string_copy(digest);
}

static void test_exact_failed(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	fake.run.exact.by_instruction = true;
	fake.run.exact.jitter_us = 500;
	fake.run.note = string_copy("up/quick, seed 3: not exact: trials 13 and 14 should be the "
				    "same bytes and all differ");
	set_digest(fake_run_trial(&fake, 0, FAKE_CONTROL, 2), "another");
	text = rendered_comparison(&fake);
	rendered_check_golden("exact-failed", text);
	CU_ASSERT_PTR_NULL(strstr(text, "kerngate profile"));
}

/* Of one seed a difference is shown and not judged. */
static void test_exact_one_seed(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	fake.run.exact.counts = false;
	fake.run.trials_count = FAKE_TRIALS / FAKE_BLOCKS;
	for (size_t i = fake.run.trials_count; i < FAKE_TRIALS; i++) {
		free(fake.run.trials[i].fingerprint);
		free(fake.run.trials[i].digest);
	}
	text = rendered_comparison(&fake);
	test_check_contains(text, "shift 3, 1 seed (1), no counts\n");
	test_check_contains(text, "exact, 1 seed: one seed says nothing of others, 4 seeds "
				  "short\n");
	test_check_contains(text, "exact, 1 seed: equal in every one\n");
	test_check_contains(text, "about 4 more seeds (of 6 boots each)");
}

static bool value_scattered(uint32_t cell, const char *metric, uint32_t variant,
			    uint32_t block, uint32_t iteration, double *ret_value)
{
	(void)fake_exact_value(cell, metric, variant, block, iteration, ret_value);
	if (variant == FAKE_PATCHED)
		*ret_value *= 1 + 0.004 * (block % 3) - 0.002;
	return true;
}

/* As of a campaign without a control: only the first block has a canary. */
static void drop_canaries(struct stored_run *run)
{
	size_t kept = 0;

	for (size_t i = 0; i < run->trials_count; i++) {
		struct stored_trial *trial = &run->trials[i];

		if (trial->variant == FAKE_CONTROL && trial->block > 0) {
			free(trial->fingerprint);
			free(trial->digest);
		} else {
			run->trials[kept++] = *trial;
		}
	}
	run->trials_count = kept;
	run->control = false;
}

static void test_exact_undecided(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	fake.value = value_scattered;
	fake_run_trial(&fake, 1, FAKE_CONTROL, 0)->outcome = OUTCOME_BROKEN;
	drop_canaries(&fake.run);
	text = rendered_comparison(&fake);
	rendered_check_golden("exact-undecided", text);
	CU_ASSERT_PTR_NULL(strstr(text, "blocks"));
}

/* A name of any length in the command that is hinted at. */
static void test_hostile_names(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_free char *text = NULL;
	char *name = memory_alloc(301);

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	memset(name, 'x', 300);
	free(fake.run.cells[0].rows[0].name);
	fake.run.cells[0].rows[0].name = name;
	free(fake.run.variants[FAKE_PATCHED].name);
	fake.run.variants[FAKE_PATCHED].name = string_copy("\033[31m");
	text = rendered_comparison(&fake);
	test_check_contains(text, "--variant ?[31m");
	test_check_contains(text, "--row\n      xxxx");
}

static void test_run_exact(void)
{
	cleanup_fake struct fake_run fake;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	for (size_t i = 0; i < FAKE_TRIALS; i++)
		fake.run.trials[i].seed += 40;
	fake_run_trial(&fake, 1, FAKE_STOCK, 1)->superseded = true;
	render_run(&fake.run, NULL, 0, &text);
	rendered_check_layout(text.data);
	test_check_contains(text.data, "mode       exact: instruction clock, shift 3, 6 seeds "
				       "(41..46), counts by block\n");
	test_check_contains(text.data, "\ntrial  seed  variant");
	test_check_contains(text.data, "\n   10    42  stock                smp2/quick");
	test_check_contains(text.data, "left out of comparisons.\n");
}

static void test_json_exact(void)
{
	cleanup_fake struct fake_run fake;
	json_t *root, *exact, *canary, *digest;

	fake_run_init(&fake);
	fake_run_make_exact(&fake);
	set_digest(fake_run_trial(&fake, 0, FAKE_CONTROL, 2), "another");
	root = rendered_json(&fake);
	if (!test_check(root != NULL))
		return;
	test_check_string(json_string_value(json_object_get(
				  json_object_get(root, "run"), "mode")), "exact");
	exact = json_object_get(json_object_get(root, "run"), "exact");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(exact, "shift")), 3);
	test_check_string(json_string_value(json_object_get(exact, "by")), "block");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(exact, "seeds")), FAKE_BLOCKS);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "control")), 0);
	CU_ASSERT_TRUE(json_is_true(json_object_get(root, "canary_failed")));
	canary = json_array_get(json_object_get(root, "canaries"), 0);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(canary, "failed")), 1);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(canary, "passed")), FAKE_BLOCKS - 1);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "digests")), FAKE_TRIALS);
	digest = json_array_get(json_object_get(root, "digests"), FAKE_TRIALS - 1);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(digest, "seed")), FAKE_BLOCKS);
	test_check_string(json_string_value(json_object_get(digest, "digest")),
			  "digest-patched-1-5");
	json_decref(root);
}

static void test_small_changes(void)
{
	static const struct {
		double percent;
		const char *plain, *fine;
	} cases[] = {
		{ 0, "+0.00 %", "0 %" },
		{ 0.5124, "+0.51 %", "+0.512 %" },
		{ -0.0512, "-0.05 %", "-0.051 %" },
		{ 0.00995, "+0.01 %", "+0.010 %" },
		{ 0.0042, "+0.00 %", "+0.0042 %" },
		{ -0.0001, "-0.00 %", "-0.0001 %" },
		{ 0.0000021, "+0.00 %", "+2e-06 %" },
		{ 0.99949, "+1.00 %", "+0.999 %" },
		{ 0.9996, "+1.00 %", "+1.00 %" },
		{ -12.34, "-12.3 %", "-12.3 %" },
		{ 340, "+340 %", "+340 %" },
		{ 5000, ">+999 %", ">+999 %" },
		{ NAN, "-", "-" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_strbuf struct strbuf plain = STRBUF_INIT;
		cleanup_strbuf struct strbuf fine = STRBUF_INIT;

		render_change(cases[i].percent / 100, &plain);
		render_change_fine(cases[i].percent / 100, &fine);
		test_check_string(plain.data, cases[i].plain);
		test_check_string(fine.data, cases[i].fine);
		CU_ASSERT_TRUE(fine.length <= 9);
	}
}

TEST_SUITE("render-exact", { "an exact run", test_exact },
	   { "canary failed", test_exact_failed }, { "one seed", test_exact_one_seed },
	   { "undecided", test_exact_undecided },
	   { "hostile names", test_hostile_names }, { "show run", test_run_exact },
	   { "JSON", test_json_exact }, { "small changes", test_small_changes })
