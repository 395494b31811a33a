/* test_campaign_exact.c - campaigns of exact mode: their keys, what these may be, and
 * a campaign that changes from one mode to the other.
 */
#include "campaign_project.h"
#include "memory.h"
#include "test.h"

static void check_same_variant(const struct variant *a, const struct variant *b)
{
	test_check_string(a->name, b->name);
	test_check_string(a->kernel.base.name, b->kernel.base.name);
	if (!test_check(a->kernel.fragments.count == b->kernel.fragments.count))
		return;
	for (size_t i = 0; i < a->kernel.fragments.count; i++)
		test_check_string(a->kernel.fragments.items[i], b->kernel.fragments.items[i]);
	CU_ASSERT_EQUAL(a->kernel.series.count, b->kernel.series.count);
	CU_ASSERT_EQUAL(a->cmdline.count, b->cmdline.count);
}

/* The same kernels and guests as quick, or it would show something else. */
static void test_shipped_exact(void)
{
	cleanup_campaign struct campaign quick = { .name = NULL }, exact = { .name = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(campaign_load(test_root(), "quick", &quick, &err), 0);
	CU_ASSERT_EQUAL(campaign_load(test_root(), "quick-exact", &exact, &err), 0);
	test_check_string(err.message, "");
	CU_ASSERT_EQUAL(exact.mode, MODE_EXACT);
	CU_ASSERT_EQUAL(exact.blocks_count, 5);
	if (!test_check(exact.variants_count == quick.variants_count &&
			exact.cells_count == quick.cells_count))
		return;
	for (size_t i = 0; i < quick.variants_count; i++)
		check_same_variant(&exact.variants[i], &quick.variants[i]);
	for (size_t i = 0; i < quick.cells_count; i++) {
		test_check_string(exact.cells[i].guest.name, quick.cells[i].guest.name);
		test_check_string(exact.cells[i].suite.name, quick.cells[i].suite.name);
	}
}

static void test_exact_defaults(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	const struct exact_policy usual = EXACT_POLICY_INIT;

	if (!campaign_load_good(EXACT, &campaign))
		return;
	CU_ASSERT_EQUAL(campaign.mode, MODE_EXACT);
	CU_ASSERT_EQUAL(campaign.blocks_count, 5);
	CU_ASSERT_FALSE(campaign.control);
	CU_ASSERT_EQUAL(campaign.gate.margin_percent, 0.25);
	CU_ASSERT_EQUAL(campaign.gate.alpha, 0.05);
	CU_ASSERT_EQUAL(campaign.seed, 0);
	CU_ASSERT_EQUAL(campaign.exact.shift, usual.shift);
	CU_ASSERT_TRUE(campaign.exact.counts);
	CU_ASSERT_FALSE(campaign.exact.by_instruction);
	CU_ASSERT_FALSE(campaign.exact.profile);
	CU_ASSERT_EQUAL(campaign.exact.jitter_us, 0);
}

static void test_exact_everything(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };

	/* the mode counts wherever it stands */
	if (!campaign_load_good("seeds_count: 1\ngate: {margin_percent: 0.01}\n"
		       "exact: {shift: 10, counts: false, by: instruction, profile: true, "
		       "jitter_us: 100000}\ncontrol: true\n" EXACT, &campaign))
		return;
	CU_ASSERT_EQUAL(campaign.blocks_count, 1);
	CU_ASSERT_EQUAL(campaign.gate.margin_percent, 0.01);
	CU_ASSERT_TRUE(campaign.control);
	CU_ASSERT_EQUAL(campaign.exact.shift, 10);
	CU_ASSERT_FALSE(campaign.exact.counts);
	CU_ASSERT_TRUE(campaign.exact.by_instruction);
	CU_ASSERT_TRUE(campaign.exact.profile);
	CU_ASSERT_EQUAL(campaign.exact.jitter_us, 100000);
}

static void test_bad_mode(void)
{
	campaign_refuse(MINIMAL "mode: exakt\n",
	       "7:7: mode: found 'exakt'; expected one of timed, exact (did you "
	       "mean 'exact'?)");
	campaign_refuse(MINIMAL "mode: [exact]\n", "7:7: mode: ");
	campaign_refuse(EXACT "blocks_count: 10\n",
	       "8:15: blocks_count: expected seeds_count in a campaign of mode "
	       "exact");
	campaign_refuse(EXACT "seeds_count: 5\nblocks_count: 10\n",
	       "9:15: blocks_count: expected seeds_count");
	campaign_refuse(MINIMAL "seeds_count: 5\n",
	       "7:14: seeds_count: expected blocks_count in a campaign of mode "
	       "timed");
	campaign_refuse(MINIMAL "mode: timed\nexact: {shift: 3}\n",
	       "8:8: exact: expected only in a campaign of mode exact");
	campaign_refuse(EXACT "looks_count: 1\n",
	       "8:14: looks_count: expected only in a campaign of mode timed; "
	       "seeds are few and all run");
	campaign_refuse(EXACT "seeds_count: 0\n",
	       "8:14: seeds_count: expected a whole number 1..10000, found '0'");
	campaign_refuse(EXACT "seeds_count: 10001\n", "8:14: seeds_count: expected");
	campaign_refuse(EXACT "gate: {margin_percent: 0.009}\n",
	       "8:24: margin_percent: expected a number 0.01..50, found '0.009'");
}

static void test_bad_exact(void)
{
	campaign_refuse(EXACT "exact: fine\n",
	       "8:8: exact: expected a mapping, found 'fine'");
	campaign_refuse(EXACT "exact: {shift: 11}\n",
	       "8:16: shift: expected a whole number 0..10, found '11'");
	campaign_refuse(EXACT "exact: {counts: 1}\n",
	       "8:17: counts: expected true or false, found '1'");
	campaign_refuse(EXACT "exact: {by: blocks}\n",
	       "8:13: by: found 'blocks'; expected one of block, instruction "
	       "(did you mean 'block'?)");
	campaign_refuse(EXACT "exact: {profile: maybe}\n",
	       "8:18: profile: expected true or false");
	campaign_refuse(EXACT "exact: {kaslr: true, profile: true}\n",
	       "8:16: exact: kaslr and profile do not go together");
	campaign_refuse(EXACT "exact: {jitter_us: 100001}\n",
	       "8:20: jitter_us: expected a whole number 0..100000, found "
	       "'100001'");
	campaign_refuse(EXACT "exact: {plugin: true}\n",
	       "8:9: unknown key 'plugin' in exact; expected one of shift, "
	       "counts, by, profile, jitter_us, kaslr");
}

static void test_set_mode(void)
{
	cleanup_campaign struct campaign timed = { .name = NULL }, exact = { .name = NULL };

	if (!campaign_load_good(MINIMAL "blocks_count: 3\nlooks_count: 2\ncontrol: true\n"
		       "repeats_max: 1\n"
		       "gate: {margin_percent: 7, alpha: 0.01}\n", &timed) ||
	    !campaign_load_good(EXACT "seeds_count: 9\nexact: {shift: 5, jitter_us: 20}\n"
		       "gate: {margin_percent: 0.5}\nseed: 4\n", &exact))
		return;
	/* what it is already changes nothing */
	campaign_set_mode(&timed, MODE_TIMED);
	CU_ASSERT_EQUAL(timed.blocks_count, 3);
	CU_ASSERT_EQUAL(timed.looks_count, 2);
	CU_ASSERT_EQUAL(timed.gate.margin_percent, 7);
	campaign_set_mode(&exact, MODE_EXACT);
	CU_ASSERT_EQUAL(exact.blocks_count, 9);
	CU_ASSERT_EQUAL(exact.exact.shift, 5);
	campaign_set_mode(&timed, MODE_EXACT);
	CU_ASSERT_EQUAL(timed.mode, MODE_EXACT);
	CU_ASSERT_EQUAL(timed.blocks_count, 5);
	CU_ASSERT_EQUAL(timed.looks_count, 1);
	CU_ASSERT_EQUAL(timed.gate.margin_percent, 0.25);
	CU_ASSERT_EQUAL(timed.gate.alpha, 0.01);
	CU_ASSERT_EQUAL(timed.repeats_max, 1);
	CU_ASSERT_FALSE(timed.control);
	CU_ASSERT_TRUE(timed.exact.counts);
	campaign_set_mode(&exact, MODE_TIMED);
	CU_ASSERT_EQUAL(exact.mode, MODE_TIMED);
	CU_ASSERT_EQUAL(exact.blocks_count, 42);
	CU_ASSERT_EQUAL(exact.looks_count, 3);
	CU_ASSERT_EQUAL(exact.gate.margin_percent, 2);
	CU_ASSERT_EQUAL(exact.gate.alpha, 0.02);
	CU_ASSERT_EQUAL(exact.seed, 4);
	CU_ASSERT_TRUE(exact.control);
	/* there and back: the file's own policy is gone, the default is there */
	campaign_set_mode(&exact, MODE_EXACT);
	CU_ASSERT_EQUAL(exact.exact.shift, 3);
	CU_ASSERT_EQUAL(exact.gate.alpha, 0.05);
	CU_ASSERT_EQUAL(exact.exact.jitter_us, 0);
}

TEST_SUITE("campaign_exact",
	   {"quick in exact mode", test_shipped_exact},
	   {"exact mode by default", test_exact_defaults},
	   {"every key of exact mode", test_exact_everything},
	   {"refuses a bad mode", test_bad_mode},
	   {"refuses a bad exact", test_bad_exact},
	   {"another mode", test_set_mode})
