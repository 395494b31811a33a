/* test_campaign_select.c - which cells and variants globs leave. */
#include <errno.h>

#include "campaign_project.h"
#include "memory.h"
#include "test.h"

/* up/boot, up/long, smp/boot; a, b, bb; the baseline is b. */
#define CHOICE                                                                  \
	"variants:\n  - {name: a, " KERNEL "}\n  - {name: b, " KERNEL "}\n"      \
	"  - {name: bb, " KERNEL "}\nbaseline: b\n"                              \
	"cells:\n  - {guest: up, suite: boot, priority: 9}\n"                    \
	"  - {guest: up, suite: long}\n  - {guest: smp, suite: boot, priority: 1}\n"

/* Globs, with a blank between. */
static void add_globs(const char *text, struct strvec *ret_globs)
{
	cleanup_free char *copy = string_copy(text);
	char *rest = copy, *word;

	while (*text && (word = strsep(&rest, " ")))
		strvec_push(ret_globs, word);
}

static int choose(const char *only_text, const char *skip_text, struct campaign *campaign,
		  struct error *err)
{
	cleanup_strvec struct strvec only = STRVEC_INIT, skip = STRVEC_INIT;

	add_globs(only_text, &only);
	add_globs(skip_text, &skip);
	if (!campaign_load_good(CHOICE, campaign))
		return -EIO;
	return campaign_select(campaign, &only, &skip, false, err);
}

/* What is left, as "up/boot smp/boot: a b". */
static void check_left(const char *only, const char *skip, const char *expected)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_strbuf struct strbuf left = STRBUF_INIT;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(choose(only, skip, &campaign, &err), 0);
	test_check_string(err.message, "");
	for (size_t i = 0; i < campaign.cells_count; i++)
		strbuf_addf(&left, "%s%s/%s", i ? " " : "", campaign.cells[i].guest.name,
			    campaign.cells[i].suite.name);
	strbuf_adds(&left, ":");
	for (size_t i = 0; i < campaign.variants_count; i++)
		strbuf_addf(&left, " %s", campaign.variants[i].name);
	test_check_string(left.data, expected);
	if (test_check(campaign.baseline < campaign.variants_count))
		test_check_string(campaign.variants[campaign.baseline].name, "b");
}

static void test_keeps(void)
{
	check_left("", "", "up/boot up/long smp/boot: a b bb");
	check_left("up", "", "up/boot up/long: a b bb");
	check_left("u*", "", "up/boot up/long: a b bb");
	check_left("boot", "", "up/boot smp/boot: a b bb");
	check_left("long smp", "", "up/long smp/boot: a b bb");
	check_left("*/boot", "", "up/boot smp/boot: a b bb");
	check_left("up/[l]ong", "", "up/long: a b bb");
	/* a glob that fits variants only leaves the cells as they are */
	check_left("bb", "", "up/boot up/long smp/boot: b bb");
	check_left("bb up/boot", "", "up/boot: b bb");
	check_left("a bb", "", "up/boot up/long smp/boot: a b bb");
}

static void test_skips(void)
{
	check_left("", "up", "smp/boot: a b bb");
	check_left("", "up/long a", "up/boot smp/boot: b bb");
	check_left("up", "long", "up/boot: a b bb");
	/* the baseline stays where a glob fits it and others */
	check_left("", "b*t bb", "up/long: a b");
	check_left("", "?", "up/boot up/long smp/boot: b bb");
}

static void refuse(int code, const char *only, const char *skip, const char *message)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(choose(only, skip, &campaign, &err), code);
	CU_ASSERT_EQUAL(err.code, code);
	test_check_contains(err.message, message);
	CU_ASSERT_EQUAL(campaign.cells_count, 3);
	CU_ASSERT_EQUAL(campaign.variants_count, 3);
}

static void test_refused(void)
{
	refuse(-ENOENT, "lang", "",
	       "campaign c: only 'lang' fits no guest, suite or variant; expected one of up, boot, "
	       "long, smp, a, b, bb (did you mean 'long'?)");
	refuse(-ENOENT, "up", "lang", "campaign c: skip 'lang' fits no guest");
	refuse(-ENOENT, "up/lang", "",
	       "only 'up/lang' fits no guest and suite; expected one of up/boot, up/long, smp/boot "
	       "(did you mean 'up/long'?)");
	/* a star is one part of GUEST/SUITE */
	refuse(-ENOENT, "*/*/*", "", "only '*/*/*' fits no guest and suite");
	refuse(-ENOENT, "up boot x", "", "only 'x' fits no");
	refuse(-EINVAL, "", "b", "skip 'b': expected another variant than the baseline");
	refuse(-E2BIG, "smp", "boot", "leaves no pairing of guest and suite");
	refuse(-E2BIG, "", "*", "leaves no pairing of guest and suite");
	refuse(-E2BIG, "b", "", "leaves no variant beside the baseline 'b'");
	refuse(-E2BIG, "", "a bb", "leaves no variant beside the baseline 'b'");
}

static void test_single_variant(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_strvec struct strvec only = STRVEC_INIT, skip = STRVEC_INIT;
	struct error err = ERROR_INIT;

	if (!campaign_load_good("variants:\n  - {name: a, " KERNEL "}\nbaseline: a\n"
				"cells:\n  - {guest: up, suite: boot}\n"
				"  - {guest: smp, suite: boot}\n", &campaign))
		return;
	strvec_push(&only, "smp");
	CU_ASSERT_EQUAL(campaign_select(&campaign, &only, &skip, false, &err), 0);
	CU_ASSERT_EQUAL(campaign.cells_count, 1);
	CU_ASSERT_EQUAL(campaign.variants_count, 1);
}

/* What compares nothing, such as a walk of seeds, can do with the baseline. */
static void test_baseline_alone(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_strvec struct strvec only = STRVEC_INIT, skip = STRVEC_INIT;
	struct error err = ERROR_INIT;

	if (!campaign_load_good("variants:\n  - {name: a, " KERNEL "}\n  - {name: b, " KERNEL
				"}\nbaseline: a\ncells:\n  - {guest: up, suite: boot}\n",
				&campaign))
		return;
	strvec_push(&skip, "b");
	CU_ASSERT_EQUAL(campaign_select(&campaign, &only, &skip, true, &err), 0);
	CU_ASSERT_EQUAL(campaign.variants_count, 1);
	test_check_string(campaign.variants[0].name, "a");
}

static void test_keep_in_order(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	const size_t indexes[] = { 2, 0 };

	if (!campaign_load_good(CHOICE, &campaign))
		return;
	CU_ASSERT_EQUAL(campaign.cells[0].priority, 9);
	CU_ASSERT_EQUAL(campaign.cells[1].priority, 5);
	campaign_keep_cells(&campaign, indexes, 2);
	CU_ASSERT_EQUAL(campaign.cells_count, 2);
	test_check_string(campaign.cells[0].guest.name, "smp");
	CU_ASSERT_EQUAL(campaign.cells[0].priority, 1);
	test_check_string(campaign.cells[1].guest.name, "up");
}

static void test_priority_refused(void)
{
	campaign_refuse(VARIANTS "baseline: a\ncells:\n  - {guest: up, suite: boot, priority: 0}\n",
			"6:40: priority: expected a whole number 1..9, found '0'");
	campaign_refuse(VARIANTS "baseline: a\ncells:\n  - {guest: up, suite: boot, priority: 10}\n",
			"6:40: priority: expected a whole number 1..9, found '10'");
	campaign_refuse(VARIANTS "baseline: a\ncells:\n  - {guest: up, suite: boot, priority: high}\n",
			"6:40: priority: expected a whole number 1..9, found 'high'");
}

TEST_SUITE("campaign_select",
	   {"keeps", test_keeps},
	   {"skips", test_skips},
	   {"refused", test_refused},
	   {"a single variant", test_single_variant},
	   {"the baseline alone", test_baseline_alone},
	   {"kept in this order", test_keep_in_order},
	   {"priorities refused", test_priority_refused})
