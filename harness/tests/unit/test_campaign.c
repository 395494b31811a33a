/* test_campaign.c - campaigns from files. What exact mode adds: test_campaign_exact.c;
 * every way they can be wrong: test_campaign_refused.c. Suites and kernel bases by
 * themselves: test_suite_config.c, test_kernel_config.c.
 */
#include <errno.h>

#include "campaign_project.h"
#include "files.h"
#include "memory.h"
#include "test.h"

#define cleanup_suite cleanup_with(suite_release)

static void test_minimal(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };

	if (!campaign_load_good(MINIMAL, &campaign))
		return;
	test_check_string(campaign.name, "c");
	test_check_contains(campaign.file, "/configs/campaigns/c.yaml");
	CU_ASSERT_PTR_NULL(campaign.purpose);
	CU_ASSERT_EQUAL(campaign.variants_count, 2);
	test_check_string(campaign.variants[1].name, "b");
	test_check_string(campaign.variants[0].kernel.cc, "gcc");
	test_check_string(campaign.variants[0].kernel.base.name, "linux");
	test_check_string(campaign.variants[0].kernel.base.version, "7.3");
	CU_ASSERT_EQUAL(campaign.variants[0].kernel.series.count, 0);
	CU_ASSERT_EQUAL(campaign.variants[0].kernel.fragments.count, 1);
	CU_ASSERT_EQUAL(campaign.baseline, 0);
	CU_ASSERT_EQUAL(campaign.cells_count, 1);
	test_check_string(campaign.cells[0].guest.name, "up");
	test_check_string(campaign.cells[0].suite.name, "boot");
	CU_ASSERT_EQUAL(campaign.blocks_count, 42);
	CU_ASSERT_EQUAL(campaign.looks_count, 3);
	CU_ASSERT_EQUAL(campaign.seed, 0);
	CU_ASSERT_EQUAL(campaign.budget_minutes, 0);
	CU_ASSERT_EQUAL(campaign.repeats_max, 2);
	CU_ASSERT(campaign.control);
	CU_ASSERT_EQUAL(campaign.gate.margin_percent, 2);
	CU_ASSERT_EQUAL(campaign.gate.alpha, 0.02);
	CU_ASSERT_EQUAL(campaign.gate.confidence, 0.95);
	CU_ASSERT_EQUAL(campaign.gate.correction, CORRECTION_BENJAMINI_HOCHBERG);
	CU_ASSERT_EQUAL(campaign.mode, MODE_TIMED);
}

/* A number of blocks that somebody chose is taken as it stands, unless looks are
 * asked for. */
static void test_looks(void)
{
	cleanup_campaign struct campaign chosen = { .name = NULL }, both = { .name = NULL };
	cleanup_campaign struct campaign looks = { .name = NULL };

	if (!campaign_load_good(MINIMAL "blocks_count: 10\n", &chosen) ||
	    !campaign_load_good(MINIMAL "blocks_count: 10\nlooks_count: 2\n", &both) ||
	    !campaign_load_good(MINIMAL "looks_count: 5\n", &looks))
		return;
	CU_ASSERT_EQUAL(chosen.blocks_count, 10);
	CU_ASSERT_EQUAL(chosen.looks_count, 1);
	CU_ASSERT_EQUAL(both.looks_count, 2);
	CU_ASSERT_EQUAL(looks.blocks_count, 42);
	CU_ASSERT_EQUAL(looks.looks_count, 5);
}

static const char everything[] =
	"purpose: every key\n"
	"defaults:\n"
	"  kernel: {base: linux, series: [mt], fragments: [base, vm], cc: gcc-12}\n"
	"  cmdline: [quiet]\n"
	"  sysctls: [kernel.a=1]\n"
	"variants:\n"
	"  - name: stock\n"
	"  - name: added\n"
	"    kernel: {add_series: [pe], add_fragments: [pe-on]}\n"
	"    add_cmdline: [sched_proxy_exec=1]\n"
	"    add_sysctls: [kernel.b=2]\n"
	"  - name: replaced\n"
	"    kernel:\n"
	"      base: other\n"
	"      series: []\n"
	"      fragments: [../../kernel/fragments/vm.config]\n"
	"      cc: clang\n"
	"    cmdline: [debug]\n"
	"    sysctls: []\n"
	"baseline: added\n"
	"cells:\n"
	"  - {guest: up, suite: boot}\n"
	"  - {guest: up, suite: long}\n"
	"  - {guest: ../guests/smp.yaml, suite: boot}\n"
	"blocks_count: 3\n"
	"looks_count: 20\n"
	"seed: 9223372036854775807\n"
	"budget_minutes: 60\n"
	"repeats_max: 0\n"
	"control: false\n"
	"gate: {margin_percent: 0.5, alpha: 0.01, confidence: 0.99, correction: holm}\n";

static void check_variants(const struct campaign *campaign)
{
	const struct variant *stock = &campaign->variants[0];
	const struct variant *added = &campaign->variants[1];
	const struct variant *replaced = &campaign->variants[2];

	CU_ASSERT_EQUAL(stock->kernel.series.count, 1);
	CU_ASSERT_EQUAL(stock->kernel.fragments.count, 2);
	test_check_string(stock->kernel.cc, "gcc-12");
	test_check_string(stock->cmdline.items[0], "quiet");
	test_check_string(stock->sysctls.items[0], "kernel.a=1");
	CU_ASSERT_EQUAL(added->kernel.series.count, 2);
	test_check_contains(added->kernel.series.items[0], "/kernel/series/mt");
	test_check_contains(added->kernel.series.items[1], "/kernel/series/pe");
	CU_ASSERT_EQUAL(added->kernel.fragments.count, 3);
	test_check_contains(added->kernel.fragments.items[2],
			    "/kernel/fragments/pe-on.config");
	CU_ASSERT_EQUAL(added->cmdline.count, 2);
	test_check_string(added->cmdline.items[1], "sched_proxy_exec=1");
	CU_ASSERT_EQUAL(added->sysctls.count, 2);
	test_check_string(replaced->kernel.base.name, "other");
	CU_ASSERT_EQUAL(replaced->kernel.series.count, 0);
	CU_ASSERT_EQUAL(replaced->kernel.fragments.count, 1);
	test_check_string(replaced->kernel.cc, "clang");
	CU_ASSERT_EQUAL(replaced->cmdline.count, 1);
	test_check_string(replaced->cmdline.items[0], "debug");
	CU_ASSERT_EQUAL(replaced->sysctls.count, 0);
}

static void test_everything(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };

	if (!campaign_load_good(everything, &campaign))
		return;
	CU_ASSERT_EQUAL(campaign.variants_count, 3);
	check_variants(&campaign);
	CU_ASSERT_EQUAL(campaign.baseline, 1);
	CU_ASSERT_EQUAL(campaign.cells_count, 3);
	test_check_string(campaign.cells[2].guest.name, "smp");
	CU_ASSERT_EQUAL(campaign.blocks_count, 3);
	CU_ASSERT_EQUAL(campaign.looks_count, 20);
	CU_ASSERT_EQUAL(campaign.seed, INT64_MAX);
	CU_ASSERT_EQUAL(campaign.budget_minutes, 60);
	CU_ASSERT_EQUAL(campaign.repeats_max, 0);
	CU_ASSERT(!campaign.control);
	CU_ASSERT_EQUAL(campaign.gate.margin_percent, 0.5);
	CU_ASSERT_EQUAL(campaign.gate.correction, CORRECTION_HOLM);
}

static void test_by_path(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;
	const char *root = campaign_project();
	cleanup_free char *path = path_join(root, "mine.yaml");

	if (!campaign_project_write(root, "mine.yaml", MINIMAL))
		return;
	CU_ASSERT_EQUAL(campaign_load(root, path, &campaign, &err), 0);
	test_check_string(campaign.name, "mine");
	test_check_string(campaign.file, path);
}

static void test_shipped(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_suite struct suite suite = { .name = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(campaign_load(test_root(), "quick", &campaign, &err), 0);
	test_check_string(err.message, "");
	CU_ASSERT_EQUAL(campaign.variants_count, 2);
	CU_ASSERT_EQUAL(campaign.mode, MODE_TIMED);
	CU_ASSERT_EQUAL(suite_load(test_root(), "boot", &suite, &err), 0);
	CU_ASSERT_EQUAL(suite.rows_count, 1);
}

static void test_find_variant(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;
	size_t index = 9;

	if (!campaign_load_good(everything, &campaign))
		return;
	CU_ASSERT_EQUAL(campaign_find_variant(&campaign, "added", &index, &err),
			0);
	CU_ASSERT_EQUAL(index, 1);
	CU_ASSERT_EQUAL(campaign_find_variant(&campaign, "aded", &index, &err),
			-ENOENT);
	CU_ASSERT_EQUAL(index, 1);
	test_check_string(err.message,
			  "campaign c has no variant 'aded'; expected one of "
			  "stock, added, replaced (did you mean 'added'?)");
}

static void test_corrections(void)
{
	test_check_string(correction_name(CORRECTION_BENJAMINI_HOCHBERG),
			  "benjamini-hochberg");
	test_check_string(correction_name(CORRECTION_HOLM), "holm");
	test_check_string(correction_name(CORRECTION_NONE), "none");
}

TEST_SUITE("campaign",
	   {"the least there is", test_minimal},
	   {"looks and blocks", test_looks},
	   {"every key, and defaults", test_everything},
	   {"by path", test_by_path},
	   {"what comes with kerngate", test_shipped},
	   {"finds variants", test_find_variant},
	   {"names of corrections", test_corrections})
