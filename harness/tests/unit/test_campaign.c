/* test_campaign.c - campaigns from files, and every way they can be wrong. Each
 * test writes a small project of its own. Suites and kernel bases by
 * themselves: test_suite_config.c, test_kernel_config.c.
 */
#include "campaign.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "test.h"

static void cleanup_campaign_(struct campaign *campaign)
{
	campaign_release(campaign);
}

static void cleanup_suite_(struct suite *suite)
{
	suite_release(suite);
}

#define cleanup_campaign cleanup_with(cleanup_campaign_)
#define cleanup_suite cleanup_with(cleanup_suite_)

static bool write_file(const char *root, const char *name, const char *text)
{
	cleanup_free char *path = path_join(root, name);
	cleanup_free char *folder = path_folder(path);

	return test_check(folder_make(folder) == 0) &&
	       test_check(file_write_atomic(path, text, strlen(text), 0644) == 0);
}

#define BASE_TEXT                                                              \
	"version: \"7.3\"\nsources:\n  - {kind: dir, path: ../../tree}\n"

/* A project with one of everything. Borrowed, for the program's life. */
static const char *project(void)
{
	static const char *const files[][2] = {
		{ "kernel/bases/linux.yaml", BASE_TEXT },
		{ "kernel/bases/other.yaml", BASE_TEXT },
		{ "kernel/fragments/base.config", "CONFIG_64BIT=y\n" },
		{ "kernel/fragments/vm.config", "CONFIG_PVH=y\n" },
		{ "kernel/fragments/pe-on.config", "CONFIG_SCHED_PROXY_EXEC=y\n" },
		{ "kernel/fragments/bad.config", "CONFIG_A=y\nCONFIG_B\n" },
		{ "kernel/series/pe/series", "0001-a.patch\n" },
		{ "kernel/series/pe/0001-a.patch", "" },
		{ "kernel/series/mt/series", "# none yet\n" },
		{ "kernel/series/hole/series", "0001-gone.patch\n" },
		{ "kernel/series/odd/series", "a.patch -p2\n" },
		{ "kernel/series/no-series/README", "" },
		{ "configs/guests/up.yaml", "vcpus_count: 1\nmemory_mib: 512\n" },
		{ "configs/guests/smp.yaml", "vcpus_count: 2\nmemory_mib: 512\n" },
		{ "configs/guests/broken.yaml", "vcpus_count: 0\nmemory_mib: 512\n" },
		{ "configs/more/up.yaml", "vcpus_count: 2\nmemory_mib: 512\n" },
		{ "configs/suites/boot.yaml", "rows: [{workload: boot}]\n" },
		{ "configs/suites/long.yaml", "rows: [{workload: boot}]\n" },
		{ "configs/more/boot.yaml", "rows: [{workload: boot}]\n" },
	};
	const char *root = test_temp_folder();

	for (size_t i = 0; i < ARRAY_COUNT(files); i++)
		if (!write_file(root, files[i][0], files[i][1]))
			break;
	return root;
}

static int load(const char *text, struct campaign *campaign, struct error *err)
{
	const char *root = project();

	if (!write_file(root, "configs/campaigns/c.yaml", text))
		return -EIO;
	return campaign_load(root, "c", campaign, err);
}

static bool load_good(const char *text, struct campaign *campaign)
{
	struct error err = ERROR_INIT;

	if (test_check(load(text, campaign, &err) == 0))
		return true;
	test_check_string(err.message, "");
	return false;
}

static void refuse_as(int code, const char *file, const char *text,
		      const char *message)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_free char *whole = string_format("%s:%s", file, message);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(load(text, &campaign, &err), code);
	test_check_contains(err.message, whole);
	CU_ASSERT_PTR_NULL(campaign.name);
}

static void refuse(const char *text, const char *message)
{
	refuse_as(-EINVAL, "c.yaml", text, message);
}

#define KERNEL "kernel: {base: linux, fragments: [base]}"
#define VARIANTS "variants:\n  - {name: a, " KERNEL "}\n  - {name: b, " KERNEL "}\n"
#define CELLS "cells:\n  - {guest: up, suite: boot}\n"
#define MINIMAL VARIANTS "baseline: a\n" CELLS /* 6 lines */

static void test_minimal(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };

	if (!load_good(MINIMAL, &campaign))
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
	CU_ASSERT_EQUAL(campaign.blocks_count, 10);
	CU_ASSERT_EQUAL(campaign.seed, 0);
	CU_ASSERT_EQUAL(campaign.budget_minutes, 0);
	CU_ASSERT_EQUAL(campaign.repeats_max, 2);
	CU_ASSERT(campaign.control);
	CU_ASSERT_EQUAL(campaign.gate.margin_percent, 5);
	CU_ASSERT_EQUAL(campaign.gate.alpha, 0.05);
	CU_ASSERT_EQUAL(campaign.gate.confidence, 0.95);
	CU_ASSERT_EQUAL(campaign.gate.correction, CORRECTION_BENJAMINI_HOCHBERG);
	CU_ASSERT_EQUAL(campaign.mode, MODE_TIMED);
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

	if (!load_good(everything, &campaign))
		return;
	CU_ASSERT_EQUAL(campaign.variants_count, 3);
	check_variants(&campaign);
	CU_ASSERT_EQUAL(campaign.baseline, 1);
	CU_ASSERT_EQUAL(campaign.cells_count, 3);
	test_check_string(campaign.cells[2].guest.name, "smp");
	CU_ASSERT_EQUAL(campaign.blocks_count, 3);
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
	const char *root = project();
	cleanup_free char *path = path_join(root, "mine.yaml");

	if (!write_file(root, "mine.yaml", MINIMAL))
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

/* --- exact mode ---------------------------------------------------------------------- */

#define EXACT MINIMAL "mode: exact\n" /* 7 lines */

static void test_exact_defaults(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	const struct exact_policy usual = EXACT_POLICY_INIT;

	if (!load_good(EXACT, &campaign))
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
	if (!load_good("seeds_count: 1\ngate: {margin_percent: 0.01}\n"
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
	refuse(MINIMAL "mode: exakt\n",
	       "7:7: mode: found 'exakt'; expected one of timed, exact (did you "
	       "mean 'exact'?)");
	refuse(MINIMAL "mode: [exact]\n", "7:7: mode: ");
	refuse(EXACT "blocks_count: 10\n",
	       "8:15: blocks_count: expected seeds_count in a campaign of mode "
	       "exact");
	refuse(EXACT "seeds_count: 5\nblocks_count: 10\n",
	       "9:15: blocks_count: expected seeds_count");
	refuse(MINIMAL "seeds_count: 5\n",
	       "7:14: seeds_count: expected blocks_count in a campaign of mode "
	       "timed");
	refuse(MINIMAL "mode: timed\nexact: {shift: 3}\n",
	       "8:8: exact: expected only in a campaign of mode exact");
	refuse(EXACT "seeds_count: 0\n",
	       "8:14: seeds_count: expected a whole number 1..10000, found '0'");
	refuse(EXACT "seeds_count: 10001\n", "8:14: seeds_count: expected");
	refuse(EXACT "gate: {margin_percent: 0.009}\n",
	       "8:24: margin_percent: expected a number 0.01..50, found '0.009'");
}

static void test_bad_exact(void)
{
	refuse(EXACT "exact: fine\n",
	       "8:8: exact: expected a mapping, found 'fine'");
	refuse(EXACT "exact: {shift: 11}\n",
	       "8:16: shift: expected a whole number 0..10, found '11'");
	refuse(EXACT "exact: {counts: 1}\n",
	       "8:17: counts: expected true or false, found '1'");
	refuse(EXACT "exact: {by: blocks}\n",
	       "8:13: by: found 'blocks'; expected one of block, instruction "
	       "(did you mean 'block'?)");
	refuse(EXACT "exact: {profile: maybe}\n",
	       "8:18: profile: expected true or false");
	refuse(EXACT "exact: {kaslr: true, profile: true}\n",
	       "8:16: exact: kaslr and profile do not go together");
	refuse(EXACT "exact: {jitter_us: 100001}\n",
	       "8:20: jitter_us: expected a whole number 0..100000, found "
	       "'100001'");
	refuse(EXACT "exact: {plugin: true}\n",
	       "8:9: unknown key 'plugin' in exact; expected one of shift, "
	       "counts, by, profile, jitter_us, kaslr");
}

static void test_set_mode(void)
{
	cleanup_campaign struct campaign timed = { .name = NULL }, exact = { .name = NULL };

	if (!load_good(MINIMAL "blocks_count: 3\ncontrol: true\nrepeats_max: 1\n"
		       "gate: {margin_percent: 7, alpha: 0.01}\n", &timed) ||
	    !load_good(EXACT "seeds_count: 9\nexact: {shift: 5, jitter_us: 20}\n"
		       "gate: {margin_percent: 0.5}\nseed: 4\n", &exact))
		return;
	/* what it is already changes nothing */
	campaign_set_mode(&timed, MODE_TIMED);
	CU_ASSERT_EQUAL(timed.blocks_count, 3);
	CU_ASSERT_EQUAL(timed.gate.margin_percent, 7);
	campaign_set_mode(&exact, MODE_EXACT);
	CU_ASSERT_EQUAL(exact.blocks_count, 9);
	CU_ASSERT_EQUAL(exact.exact.shift, 5);
	campaign_set_mode(&timed, MODE_EXACT);
	CU_ASSERT_EQUAL(timed.mode, MODE_EXACT);
	CU_ASSERT_EQUAL(timed.blocks_count, 5);
	CU_ASSERT_EQUAL(timed.gate.margin_percent, 0.25);
	CU_ASSERT_EQUAL(timed.gate.alpha, 0.01);
	CU_ASSERT_EQUAL(timed.repeats_max, 1);
	CU_ASSERT_FALSE(timed.control);
	CU_ASSERT_TRUE(timed.exact.counts);
	campaign_set_mode(&exact, MODE_TIMED);
	CU_ASSERT_EQUAL(exact.mode, MODE_TIMED);
	CU_ASSERT_EQUAL(exact.blocks_count, 10);
	CU_ASSERT_EQUAL(exact.gate.margin_percent, 5);
	CU_ASSERT_EQUAL(exact.seed, 4);
	CU_ASSERT_TRUE(exact.control);
	/* there and back: the file's own policy is gone, the default is there */
	campaign_set_mode(&exact, MODE_EXACT);
	CU_ASSERT_EQUAL(exact.exact.shift, 3);
	CU_ASSERT_EQUAL(exact.exact.jitter_us, 0);
}

static void test_find_variant(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;
	size_t index = 9;

	if (!load_good(everything, &campaign))
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

static void test_bad_keys(void)
{
	refuse(MINIMAL "block_count: 3\n",
	       "7:1: unknown key 'block_count' in campaign; expected one of "
	       "purpose, defaults, variants, baseline, cells, mode, blocks_count, "
	       "seeds_count, seed, budget_minutes, repeats_max, control, exact, "
	       "gate (did you mean 'blocks_count'?)");
	refuse(VARIANTS CELLS, "1:1: campaign lacks the key 'baseline'");
	refuse("baseline: a\n" CELLS, "1:1: campaign lacks the key 'variants'");
	refuse(VARIANTS "baseline: a\n", "1:1: campaign lacks the key 'cells'");
	refuse(MINIMAL "blocks_count: 1\n", "7:15: blocks_count: expected a "
					    "whole number 2..10000, found '1'");
	refuse(MINIMAL "blocks_count: two\n", "7:15: blocks_count: expected a "
					      "whole number 2..10000, found 'two'");
	refuse(MINIMAL "seed: 9223372036854775808\n", "7:7: seed: expected");
	refuse(MINIMAL "repeats_max: 11\n", "7:14: repeats_max: expected");
	refuse(MINIMAL "control: on\n",
	       "7:10: control: expected true or false, found 'on'");
	refuse(MINIMAL "purpose: 5\n", "7:10: purpose: expected text");
	refuse(MINIMAL "baseline: b\n",
	       "7:1: the key 'baseline' is there twice; first at line 4");
	refuse("", "1:1: empty; expected a mapping");
	refuse("- a\n", "1:1: campaign: expected a mapping, found a list");
	refuse("variants: []\nbaseline: a\n" CELLS,
	       "1:11: variants: expected 1..16 elements, found 0");
}

static void test_bad_gate(void)
{
	refuse(MINIMAL "gate: strict\n",
	       "7:7: gate: expected a mapping, found 'strict'");
	refuse(MINIMAL "gate: {margin_percent: 0}\n",
	       "7:24: margin_percent: expected a number 0.1..50, found '0'");
	refuse(MINIMAL "gate: {alpha: 1}\n",
	       "7:15: alpha: expected a number 0.0001..0.5, found '1'");
	refuse(MINIMAL "gate: {confidence: 95}\n",
	       "7:20: confidence: expected a number 0.5..0.9999, found '95'");
	refuse(MINIMAL "gate: {correction: bonferroni}\n",
	       "7:20: correction: found 'bonferroni'; expected one of "
	       "benjamini-hochberg, holm, none");
	refuse(MINIMAL "gate: {margin: 1}\n",
	       "7:8: unknown key 'margin' in gate; expected one of "
	       "margin_percent, alpha, confidence, correction");
}

#define TAIL "baseline: a\n" CELLS

static void test_bad_variants(void)
{
	refuse("variants:\n  - {name: a, " KERNEL "}\n  - {name: b, " KERNEL "}\n"
	       "  - {name: a, " KERNEL "}\n" TAIL,
	       "4:12: the variant 'a' is there twice; first at line 2");
	refuse("variants:\n  - {" KERNEL "}\n" TAIL,
	       "2:5: variant lacks the key 'name'");
	refuse("variants:\n  - {name: A, " KERNEL "}\n" TAIL,
	       "2:12: name: expected a name of a-z, 0-9, '.', '_', '-', at most "
	       "64 long, that begins with a letter or digit, found 'A'");
	refuse("variants:\n  - {name: a, kernel: linux}\n" TAIL,
	       "2:23: kernel: expected a mapping, found 'linux'");
	refuse("variants:\n  - {name: a}\n" TAIL,
	       "2:5: kernel lacks the key 'base', here or in defaults");
	refuse("variants:\n  - {name: a, kernel: {base: linux}}\n" TAIL,
	       "2:23: kernel: expected at least one config fragment, here or in "
	       "defaults");
	refuse("variants:\n  - {name: a, cmdline: [a b], " KERNEL "}\n" TAIL,
	       "2:25: cmdline: expected one kernel argument without blanks and "
	       "quotes, found 'a b'");
	refuse("variants:\n  - {name: a, cmdline: [--], " KERNEL "}\n" TAIL,
	       "2:25: cmdline: expected one kernel argument");
	refuse("variants:\n  - {name: a, kernel: {base: linux, cc: 'gcc -O3'}}\n"
	       TAIL, "2:41: cc: expected a compiler command, one word, found the "
		     "quoted text 'gcc -O3'");
	refuse("variants:\n  - {name: a, kernel: {bass: linux}}\n" TAIL,
	       "2:24: unknown key 'bass' in kernel; expected one of base, cc, "
	       "series, fragments, add_series, add_fragments (did you mean "
	       "'base'?)");
	refuse(VARIANTS "baseline: c\n" CELLS,
	       "4:11: baseline: no variant 'c'; expected one of a, b (did you "
	       "mean 'a'?)");
}

static void test_bad_sysctls(void)
{
	static const char *const bad[] = { "kernel.a", "=1", "../a=1", "a/../b=1",
					   "/etc/x=1", "a=", "a b=1", "'a=1 2'" };

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		cleanup_free char *text = string_format(
			"variants:\n  - {name: a, sysctls: [%s], " KERNEL "}\n"
			TAIL, bad[i]);

		refuse(text, "2:25: sysctls: expected a sysctl such as "
			     "kernel.numa_balancing=0, found ");
	}
	refuse("variants:\n  - name: a\n    " KERNEL "\n    sysctls:\n"
	       "      - kernel.a=1\n      - kernel.a=2\n" TAIL,
	       "6:9: the sysctl 'kernel.a' is there twice; first at line 5");
}

static void test_bad_defaults(void)
{
	refuse("defaults: {kernel: {add_fragments: [vm]}}\n" MINIMAL,
	       "1:21: unknown key 'add_fragments' in kernel; expected one of "
	       "base, cc, series, fragments (did you mean 'fragments'?)");
	refuse("defaults: {name: x}\n" MINIMAL,
	       "1:12: unknown key 'name' in defaults; expected one of kernel, "
	       "cmdline, sysctls");
	refuse("defaults: {cmdline: quiet}\n" MINIMAL,
	       "1:21: cmdline: expected a list, found 'quiet'");
	refuse("defaults: {sysctls: [x]}\n" MINIMAL,
	       "1:22: sysctls: expected a sysctl");
	refuse("defaults: {kernel: {fragments: [vm]}}\n"
	       "variants:\n  - name: a\n    kernel:\n      base: linux\n"
	       "      fragments: [base]\n      add_fragments: [pe-on]\n" TAIL,
	       "7:22: expected fragments (which replaces the defaults) or "
	       "add_fragments (which adds to them), not both");
	refuse("defaults:\n  kernel: {base: linux, fragments: [base, vm]}\n"
	       "variants:\n  - {name: a, kernel: {add_fragments: [vm]}}\n" TAIL,
	       "4:40: the config fragment 'vm' is there twice; first at line 2");
}

static void test_bad_references(void)
{
	refuse_as(-ENOENT, "c.yaml",
		  "variants:\n  - {name: a, kernel: {base: linus, fragments: "
		  "[base]}}\n" TAIL,
		  "2:30: no kernel base 'linus'; expected one of linux, other "
		  "(did you mean 'linux'?)");
	refuse_as(-ENOENT, "c.yaml",
		  "variants:\n  - {name: a, kernel: {base: linux, fragments: "
		  "[base, mv]}}\n" TAIL,
		  "2:55: no config fragment 'mv'; expected one of bad, base, "
		  "pe-on, vm (did you mean 'vm'?)");
	refuse_as(-ENOENT, "c.yaml",
		  "variants:\n  - {name: a, kernel: {base: linux, fragments: "
		  "[base], series: [no-series]}}\n" TAIL,
		  "2:65: no patch series 'no-series'; expected one of hole, mt, "
		  "odd, pe");
	refuse_as(-ENOENT, "c.yaml",
		  VARIANTS "baseline: a\ncells: [{guest: upp, suite: boot}]\n",
		  "5:17: no guest 'upp'; expected one of broken, smp, up (did "
		  "you mean 'up'?)");
	refuse_as(-ENOENT, "c.yaml",
		  VARIANTS "baseline: a\ncells: [{guest: up, suite: boots}]\n",
		  "5:28: no suite 'boots'; expected one of boot, long (did you "
		  "mean 'boot'?)");
	refuse_as(-ENOENT, "c.yaml",
		  VARIANTS "baseline: a\ncells: [{guest: ./up, suite: boot}]\n",
		  "5:17: no guest './up'; expected the file ");
	refuse(VARIANTS "baseline: a\ncells: [{guest: UP, suite: boot}]\n",
	       "5:17: guest: expected a name of a-z");
}

static void test_bad_files_behind_references(void)
{
	refuse_as(-EINVAL, "guests/broken.yaml",
		  VARIANTS "baseline: a\ncells: [{guest: broken, suite: boot}]\n",
		  "1:14: vcpus_count: expected a whole number 1..64, found '0'");
	refuse_as(-EINVAL, "fragments/bad.config",
		  "variants:\n  - {name: a, kernel: {base: linux, fragments: "
		  "[bad]}}\n" TAIL,
		  "2: expected CONFIG_X=value or '# CONFIG_X is not set', found "
		  "'CONFIG_B'");
	refuse_as(-ENOENT, "hole/series",
		  "variants:\n  - {name: a, kernel: {base: linux, fragments: "
		  "[base], series: [hole]}}\n" TAIL,
		  " the patch '0001-gone.patch' is not there; expected the file ");
	refuse_as(-EINVAL, "odd/series",
		  "variants:\n  - {name: a, kernel: {base: linux, fragments: "
		  "[base], series: [odd]}}\n" TAIL,
		  "1: an option other than -p1: 'a.patch -p2'");
}

static void test_duplicates(void)
{
	refuse("variants:\n  - name: a\n    kernel:\n      base: linux\n"
	       "      fragments:\n        - base\n        - vm\n        - base\n"
	       TAIL, "8:11: fragments: 'base' is there twice; first at line 6");
	refuse("variants:\n  - name: a\n    kernel:\n      base: linux\n"
	       "      fragments:\n        - base\n"
	       "        - ../../configs/../kernel/fragments/base.config\n" TAIL,
	       "7:11: the config fragment ");
	refuse(MINIMAL "  - {guest: up, suite: boot}\n",
	       "7:5: the cell of guest 'up' and suite 'boot' is there twice; "
	       "first at line 6");
	refuse(MINIMAL "  - {guest: ../more/up.yaml, suite: long}\n",
	       "7:13: another guest 'up', of another file, is in the cell at "
	       "line 6");
	refuse(MINIMAL "  - {guest: smp, suite: ../more/boot.yaml}\n",
	       "7:25: another suite 'boot', of another file, is in the cell at "
	       "line 6");
}

static void test_missing_campaign(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	const char *root = test_root();
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(campaign_load(root, "quik", &campaign, &err), -ENOENT);
	test_check_contains(err.message, "no campaign 'quik'; expected ");
	test_check_contains(err.message, "(did you mean 'quick'?)");
	CU_ASSERT_EQUAL(campaign_load(root, "nowhere.yaml", &campaign, &err),
			-ENOENT);
	test_check_contains(err.message, "no campaign './nowhere.yaml'; expected "
					 "the file ");
	CU_ASSERT_EQUAL(campaign_load(root, "/no/such", &campaign, &err),
			-ENOENT);
	test_check_string(err.message, "no campaign '/no/such'; expected the "
				       "file /no/such");
	CU_ASSERT_EQUAL(campaign_load("/nonexistent", "quick", &campaign, &err),
			-ENOENT);
	test_check_string(err.message, "no campaign 'quick'");
	CU_ASSERT_PTR_NULL(campaign.name);
}

TEST_SUITE("campaign",
	   {"the least there is", test_minimal},
	   {"every key, and defaults", test_everything},
	   {"by path", test_by_path},
	   {"what comes with kerngate", test_shipped},
	   {"quick in exact mode", test_shipped_exact},
	   {"exact mode by default", test_exact_defaults},
	   {"every key of exact mode", test_exact_everything},
	   {"refuses a bad mode", test_bad_mode},
	   {"refuses a bad exact", test_bad_exact},
	   {"another mode", test_set_mode},
	   {"finds variants", test_find_variant},
	   {"names of corrections", test_corrections},
	   {"refuses bad keys", test_bad_keys},
	   {"refuses a bad gate", test_bad_gate},
	   {"refuses bad variants", test_bad_variants},
	   {"refuses bad sysctls", test_bad_sysctls},
	   {"refuses bad defaults", test_bad_defaults},
	   {"refuses what does not exist", test_bad_references},
	   {"refuses bad files behind names",
	    test_bad_files_behind_references},
	   {"refuses what is there twice", test_duplicates},
	   {"refuses missing campaigns", test_missing_campaign})
