/* test_variant_patches.c - `each_patch`: a variant for every prefix of a series. */
#include <errno.h>
#include <string.h>

#include "campaign_project.h"
#include "files.h"
#include "memory.h"
#include "test.h"

#define TAIL "cells:\n  - {guest: up, suite: boot}\n"

/* A project whose series "long" has that many patches, and the campaign c. */
static const char *project(unsigned patches_count, const char *text)
{
	const char *root = campaign_project();
	cleanup_strbuf struct strbuf series = STRBUF_INIT;

	for (unsigned i = 1; i <= patches_count; i++) {
		cleanup_free char *name = string_format("kernel/series/long/%04u.patch", i);

		strbuf_addf(&series, "%04u.patch\n", i);
		if (!campaign_project_write(root, name, ""))
			return NULL;
	}
	if (!campaign_project_write(root, "kernel/series/long/series",
				    series.data ? series.data : "") ||
	    !campaign_project_write(root, "configs/campaigns/c.yaml", text))
		return NULL;
	return root;
}

static void check_variant(const struct campaign *campaign, size_t index, const char *name,
			  const char *series)
{
	const struct variant *variant = &campaign->variants[index];

	if (!test_check(index < campaign->variants_count))
		return;
	test_check_string(variant->name, name);
	if (test_check(variant->kernel.series.count == 2)) {
		test_check_contains(variant->kernel.series.items[0], "/kernel/series/pe");
		test_check_string(path_base_name(variant->kernel.series.items[1]), series);
	}
	test_check_string(variant->cmdline.items[0], "quiet");
	test_check_string(variant->kernel.base.name, "linux");
	CU_ASSERT_EQUAL(variant->kernel.fragments.count, 1);
}

static void test_each_patch(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	const char *root = project(3, "defaults: {kernel: {base: linux, fragments: [base], "
				      "series: [pe]}, cmdline: [quiet]}\n"
				      "variants:\n  - {name: first}\n"
				      "  - {name: s, each_patch: true, kernel: {add_series: [long]}}\n"
				      "  - {name: last, each_patch: false}\n"
				      "baseline: s-p00\n" TAIL);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(root ? campaign_load(root, "c", &campaign, &err) : -EIO, 0);
	test_check_string(err.message, "");
	if (!test_check(campaign.variants_count == 6))
		return;
	test_check_string(campaign.variants[0].name, "first");
	check_variant(&campaign, 1, "s-p00", "long@0");
	check_variant(&campaign, 2, "s-p01", "long@1");
	check_variant(&campaign, 4, "s-p03", "long@3");
	test_check_string(campaign.variants[5].name, "last");
	CU_ASSERT_EQUAL(campaign.baseline, 1);
}

/* Of a series that is a prefix itself, no more than it has. */
static void test_of_prefix(void)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	const char *root = project(9, "variants:\n  - name: s\n    each_patch: true\n"
				      "    kernel: {base: linux, fragments: [base], series: "
				      "['long@2']}\nbaseline: s-p02\n" TAIL);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(root ? campaign_load(root, "c", &campaign, &err) : -EIO, 0);
	test_check_string(err.message, "");
	CU_ASSERT_EQUAL(campaign.variants_count, 3);
	CU_ASSERT_EQUAL(campaign.baseline, 2);
}

#define EACH "variants:\n  - {name: s, each_patch: true, kernel: {base: linux, fragments: "  \
	     "[base], series: [long]}}\n"

static void refuse(unsigned patches_count, const char *text, const char *message)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	const char *root = project(patches_count, text);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(root ? campaign_load(root, "c", &campaign, &err) : -EIO, -EINVAL);
	test_check_contains(err.message, message);
	CU_ASSERT_PTR_NULL(campaign.name);
}

static void test_refused(void)
{
	cleanup_campaign struct campaign most = { .name = NULL };
	struct error err = ERROR_INIT;
	const char *root = project(63, EACH "baseline: s-p63\n" TAIL);

	CU_ASSERT_EQUAL(root ? campaign_load(root, "c", &most, &err) : -EIO, 0);
	CU_ASSERT_EQUAL(most.variants_count, 64);
	refuse(64, EACH "baseline: s-p00\n" TAIL,
	       "c.yaml:2:27: each_patch: series 'long' has 64 patches, which makes 65 variants; "
	       "expected at most 64, since a campaign has at most 64");
	/* room is kept for those that follow */
	refuse(63, EACH "  - {name: t, " KERNEL "}\nbaseline: t\n" TAIL,
	       "which makes 64 variants; expected at most 63");
	refuse(1, "variants:\n  - {name: s, each_patch: true, " KERNEL "}\nbaseline: s\n" TAIL,
	       "c.yaml:2:27: each_patch: expected a series in the variant 's'");
	refuse(1, "variants:\n  - {name: s, each_patch: yes, " KERNEL "}\nbaseline: s\n" TAIL,
	       "c.yaml:2:27: each_patch: expected true or false, found 'yes'");
	refuse(1, EACH "baseline: s\n" TAIL,
	       "c.yaml:3:11: baseline: no variant 's'; expected one of s-p00, s-p01");
	refuse(1, EACH "  - {name: s-p01, " KERNEL "}\nbaseline: s-p00\n" TAIL,
	       "c.yaml:3:12: the variant 's-p01' is there twice; first at line 2");
	refuse(1, "defaults: {each_patch: true}\n" EACH "baseline: s-p00\n" TAIL,
	       "c.yaml:1:12: unknown key 'each_patch' in defaults");
}

TEST_SUITE("variant_patches",
	   {"each patch", test_each_patch},
	   {"of a prefix", test_of_prefix},
	   {"refused", test_refused})
