/* test_campaign_refused.c - every way a campaign of timed mode can be wrong: its keys,
 * what they name, and the files behind these names.
 */
#include <errno.h>

#include "campaign_project.h"
#include "memory.h"
#include "test.h"

static void test_bad_keys(void)
{
	campaign_refuse(MINIMAL "block_count: 3\n",
	       "7:1: unknown key 'block_count' in campaign; expected one of "
	       "purpose, defaults, variants, baseline, cells, mode, blocks_count, "
	       "seeds_count, looks_count, seed, budget_minutes, repeats_max, "
	       "control, exact, gate, include, remove_variants, remove_cells (did you "
	       "mean 'blocks_count'?)");
	campaign_refuse(VARIANTS CELLS, "1:1: campaign lacks the key 'baseline'");
	campaign_refuse("baseline: a\n" CELLS, "1:1: campaign lacks the key 'variants'");
	campaign_refuse(VARIANTS "baseline: a\n", "1:1: campaign lacks the key 'cells'");
	campaign_refuse(MINIMAL "blocks_count: 1\n", "7:15: blocks_count: expected a "
					    "whole number 2..10000, found '1'");
	campaign_refuse(MINIMAL "blocks_count: two\n", "7:15: blocks_count: expected a "
					      "whole number 2..10000, found 'two'");
	campaign_refuse(MINIMAL "looks_count: 0\n",
	       "7:14: looks_count: expected a whole number 1..20, found '0'");
	campaign_refuse(MINIMAL "looks_count: 21\n", "7:14: looks_count: expected");
	campaign_refuse(MINIMAL "seed: 9223372036854775808\n", "7:7: seed: expected");
	campaign_refuse(MINIMAL "repeats_max: 11\n", "7:14: repeats_max: expected");
	campaign_refuse(MINIMAL "control: on\n",
	       "7:10: control: expected true or false, found 'on'");
	campaign_refuse(MINIMAL "purpose: 5\n", "7:10: purpose: expected text");
	campaign_refuse(MINIMAL "baseline: b\n",
	       "7:1: the key 'baseline' is there twice; first at line 4");
	campaign_refuse("", "1:1: empty; expected a mapping");
	campaign_refuse("- a\n", "1:1: campaign: expected a mapping, found a list");
	campaign_refuse("variants: []\nbaseline: a\n" CELLS,
	       "1:11: variants: expected 1..64 elements, found 0");
}

static void test_bad_gate(void)
{
	campaign_refuse(MINIMAL "gate: strict\n",
	       "7:7: gate: expected a mapping, found 'strict'");
	campaign_refuse(MINIMAL "gate: {margin_percent: 0}\n",
	       "7:24: margin_percent: expected a number 0.1..50, found '0'");
	campaign_refuse(MINIMAL "gate: {alpha: 1}\n",
	       "7:15: alpha: expected a number 0.0001..0.5, found '1'");
	campaign_refuse(MINIMAL "gate: {confidence: 95}\n",
	       "7:20: confidence: expected a number 0.5..0.9999, found '95'");
	campaign_refuse(MINIMAL "gate: {correction: bonferroni}\n",
	       "7:20: correction: found 'bonferroni'; expected one of "
	       "benjamini-hochberg, holm, none");
	campaign_refuse(MINIMAL "gate: {margin: 1}\n",
	       "7:8: unknown key 'margin' in gate; expected one of "
	       "margin_percent, alpha, confidence, correction");
}

#define TAIL "baseline: a\n" CELLS

static void test_bad_variants(void)
{
	campaign_refuse("variants:\n  - {name: a, " KERNEL "}\n  - {name: b, " KERNEL "}\n"
	       "  - {name: a, " KERNEL "}\n" TAIL,
	       "4:12: the variant 'a' is there twice; first at line 2");
	campaign_refuse("variants:\n  - {" KERNEL "}\n" TAIL,
	       "2:5: variant lacks the key 'name'");
	campaign_refuse("variants:\n  - {name: A, " KERNEL "}\n" TAIL,
	       "2:12: name: expected a name of a-z, 0-9, '.', '_', '-', at most "
	       "64 long, that begins with a letter or digit, found 'A'");
	campaign_refuse("variants:\n  - {name: a, kernel: linux}\n" TAIL,
	       "2:23: kernel: expected a mapping, found 'linux'");
	campaign_refuse("variants:\n  - {name: a}\n" TAIL,
	       "2:5: kernel lacks the key 'base', here or in defaults");
	campaign_refuse("variants:\n  - {name: a, kernel: {base: linux}}\n" TAIL,
	       "2:23: kernel: expected at least one config fragment, here or in "
	       "defaults");
	campaign_refuse("variants:\n  - {name: a, cmdline: [a b], " KERNEL "}\n" TAIL,
	       "2:25: cmdline: expected one kernel argument without blanks and "
	       "quotes, found 'a b'");
	campaign_refuse("variants:\n  - {name: a, cmdline: [--], " KERNEL "}\n" TAIL,
	       "2:25: cmdline: expected one kernel argument");
	campaign_refuse("variants:\n  - {name: a, kernel: {base: linux, cc: 'gcc -O3'}}\n"
	       TAIL, "2:41: cc: expected a compiler command, one word, found the "
		     "quoted text 'gcc -O3'");
	campaign_refuse("variants:\n  - {name: a, kernel: {bass: linux}}\n" TAIL,
	       "2:24: unknown key 'bass' in kernel; expected one of base, cc, "
	       "series, fragments, add_series, add_fragments (did you mean "
	       "'base'?)");
	campaign_refuse(VARIANTS "baseline: c\n" CELLS,
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

		campaign_refuse(text, "2:25: sysctls: expected a sysctl such as "
			     "kernel.numa_balancing=0, found ");
	}
	campaign_refuse("variants:\n  - name: a\n    " KERNEL "\n    sysctls:\n"
	       "      - kernel.a=1\n      - kernel.a=2\n" TAIL,
	       "6:9: the sysctl 'kernel.a' is there twice; first at line 5");
}

static void test_bad_defaults(void)
{
	campaign_refuse("defaults: {kernel: {add_fragments: [vm]}}\n" MINIMAL,
	       "1:21: unknown key 'add_fragments' in kernel; expected one of "
	       "base, cc, series, fragments (did you mean 'fragments'?)");
	campaign_refuse("defaults: {name: x}\n" MINIMAL,
	       "1:12: unknown key 'name' in defaults; expected one of kernel, "
	       "cmdline, sysctls");
	campaign_refuse("defaults: {cmdline: quiet}\n" MINIMAL,
	       "1:21: cmdline: expected a list, found 'quiet'");
	campaign_refuse("defaults: {sysctls: [x]}\n" MINIMAL,
	       "1:22: sysctls: expected a sysctl");
	campaign_refuse("defaults: {kernel: {fragments: [vm]}}\n"
	       "variants:\n  - name: a\n    kernel:\n      base: linux\n"
	       "      fragments: [base]\n      add_fragments: [pe-on]\n" TAIL,
	       "7:22: expected fragments (which replaces the defaults) or "
	       "add_fragments (which adds to them), not both");
	campaign_refuse("defaults:\n  kernel: {base: linux, fragments: [base, vm]}\n"
	       "variants:\n  - {name: a, kernel: {add_fragments: [vm]}}\n" TAIL,
	       "4:40: the config fragment 'vm' is there twice; first at line 2");
}

static void test_bad_references(void)
{
	campaign_refuse_as(-ENOENT, "c.yaml",
		  "variants:\n  - {name: a, kernel: {base: linus, fragments: "
		  "[base]}}\n" TAIL,
		  "2:30: no kernel base 'linus'; expected one of linux, other "
		  "(did you mean 'linux'?)");
	campaign_refuse_as(-ENOENT, "c.yaml",
		  "variants:\n  - {name: a, kernel: {base: linux, fragments: "
		  "[base, mv]}}\n" TAIL,
		  "2:55: no config fragment 'mv'; expected one of bad, base, "
		  "pe-on, vm (did you mean 'vm'?)");
	campaign_refuse_as(-ENOENT, "c.yaml",
		  "variants:\n  - {name: a, kernel: {base: linux, fragments: "
		  "[base], series: [no-series]}}\n" TAIL,
		  "2:65: no patch series 'no-series'; expected one of hole, mt, "
		  "odd, pe");
	campaign_refuse_as(-ENOENT, "c.yaml",
		  VARIANTS "baseline: a\ncells: [{guest: upp, suite: boot}]\n",
		  "5:17: no guest 'upp'; expected one of broken, smp, up (did "
		  "you mean 'up'?)");
	campaign_refuse_as(-ENOENT, "c.yaml",
		  VARIANTS "baseline: a\ncells: [{guest: up, suite: boots}]\n",
		  "5:28: no suite 'boots'; expected one of boot, long (did you "
		  "mean 'boot'?)");
	campaign_refuse_as(-ENOENT, "c.yaml",
		  VARIANTS "baseline: a\ncells: [{guest: ./up, suite: boot}]\n",
		  "5:17: no guest './up'; expected the file ");
	campaign_refuse(VARIANTS "baseline: a\ncells: [{guest: UP, suite: boot}]\n",
	       "5:17: guest: expected a name of a-z");
}

static void test_bad_files_behind_references(void)
{
	campaign_refuse_as(-EINVAL, "guests/broken.yaml",
		  VARIANTS "baseline: a\ncells: [{guest: broken, suite: boot}]\n",
		  "1:14: vcpus_count: expected a whole number 1..64, found '0'");
	campaign_refuse_as(-EINVAL, "fragments/bad.config",
		  "variants:\n  - {name: a, kernel: {base: linux, fragments: "
		  "[bad]}}\n" TAIL,
		  "2: expected CONFIG_X=value or '# CONFIG_X is not set', found "
		  "'CONFIG_B'");
	campaign_refuse_as(-ENOENT, "hole/series",
		  "variants:\n  - {name: a, kernel: {base: linux, fragments: "
		  "[base], series: [hole]}}\n" TAIL,
		  " the patch '0001-gone.patch' is not there; expected the file ");
	campaign_refuse_as(-EINVAL, "odd/series",
		  "variants:\n  - {name: a, kernel: {base: linux, fragments: "
		  "[base], series: [odd]}}\n" TAIL,
		  "1: an option other than -p1: 'a.patch -p2'");
}

static void test_duplicates(void)
{
	campaign_refuse("variants:\n  - name: a\n    kernel:\n      base: linux\n"
	       "      fragments:\n        - base\n        - vm\n        - base\n"
	       TAIL, "8:11: fragments: 'base' is there twice; first at line 6");
	campaign_refuse("variants:\n  - name: a\n    kernel:\n      base: linux\n"
	       "      fragments:\n        - base\n"
	       "        - ../../configs/../kernel/fragments/base.config\n" TAIL,
	       "7:11: the config fragment ");
	campaign_refuse(MINIMAL "  - {guest: up, suite: boot}\n",
	       "7:5: the cell of guest 'up' and suite 'boot' is there twice; "
	       "first at line 6");
	campaign_refuse(MINIMAL "  - {guest: ../more/up.yaml, suite: long}\n",
	       "7:13: another guest 'up', of another file, is in the cell at "
	       "line 6");
	campaign_refuse(MINIMAL "  - {guest: smp, suite: ../more/boot.yaml}\n",
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

TEST_SUITE("campaign_refused",
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
