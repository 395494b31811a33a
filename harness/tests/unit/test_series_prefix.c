/* test_series_prefix.c - "NAME@N": the first N patches of a series, from a
 * campaign's word to the built kernel.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "campaign_project.h"
#include "case_record.h"
#include "fake_kernel.h"
#include "files.h"
#include "kernel_patches.h"
#include "memory.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_close)
#define cleanup_kernel cleanup_with(built_kernel_release)

static void test_splits(void)
{
	static const struct {
		const char *text, *folder;
		size_t patches_max;
	} cases[] = {
		{ "pe@5", "pe", 5 }, { "pe@0", "pe", 0 }, { "/x/pe@12", "/x/pe", 12 },
		{ "/x@3/pe@2", "/x@3/pe", 2 }, { "pe", "pe", SIZE_MAX },
		{ "/x@3/pe", "/x@3/pe", SIZE_MAX }, { "pe@", "pe@", SIZE_MAX },
		{ "pe@x", "pe@x", SIZE_MAX }, { "pe@1x", "pe@1x", SIZE_MAX },
		{ "pe@-1", "pe@-1", SIZE_MAX }, { "pe@05", "pe@05", SIZE_MAX },
		{ "@5", "@5", SIZE_MAX }, { "/x/@5", "/x/@5", SIZE_MAX },
		{ "pe@1234567", "pe@1234567", SIZE_MAX }, { "", "", SIZE_MAX },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		size_t patches_max = 77;
		cleanup_free char *folder = series_split(cases[i].text, &patches_max);

		test_check_string(folder, cases[i].folder);
		CU_ASSERT_EQUAL(patches_max, cases[i].patches_max);
	}
}

#define TAIL "baseline: a\ncells: [{guest: up, suite: boot}]\n"
#define VARIANT(series)                                                                  \
	"variants:\n  - {name: a, kernel: {base: linux, fragments: [base], series: " series \
	"}}\n" TAIL

static void test_campaign_takes_prefixes(void)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };

	if (!campaign_load_good(VARIANT("[mt, pe@1]"), &campaign))
		return;
	CU_ASSERT_EQUAL(campaign.variants[0].kernel.series.count, 2);
	test_check_contains(campaign.variants[0].kernel.series.items[1], "/kernel/series/pe@1");
}

static void test_campaign_refuses_prefixes(void)
{
	campaign_refuse_as(-ERANGE, "c.yaml", VARIANT("[pe@2]"),
			   "2:65: the first 2 patches of series 'pe': expected at most 1, "
			   "which is what it has");
	campaign_refuse_as(-EINVAL, "c.yaml", VARIANT("[\"pe@x\"]"),
			   "2:65: series: expected a series, or SERIES@N for its first N patches");
	campaign_refuse_as(-EINVAL, "c.yaml", VARIANT("[pe, pe@1]"), "2:69: the patch series ");
	campaign_refuse_as(-ENOENT, "c.yaml", VARIANT("[ep@1]"), "2:65: no patch series 'ep'");
}

/* Two patches in the series that the first one made. */
static bool open_two(struct fake *fake)
{
	if (!fake_open(fake))
		return false;
	fake_add_patch(fake, "s", fake_patch_a);
	fake_write(fake->spec.series.items[0], "series", "0001.patch\n0002.patch\n");
	fake_write(fake->spec.series.items[0], "0002.patch", "%s", fake_patch_a_more);
	return true;
}

static void set_prefix(struct fake *fake, const char *suffix)
{
	char *text = string_format("%s/series/s%s", fake->folder, suffix);

	free(fake->spec.series.items[0]);
	fake->spec.series.items[0] = text;
}

static void check_built(struct fake *fake, const char *suffix, const char *expected)
{
	const struct build_options plain = { .label = "test" };
	cleanup_kernel struct built_kernel kernel = { .folder = NULL };
	cleanup_free char *text = NULL;
	struct error err = ERROR_INIT;

	set_prefix(fake, suffix);
	if (!test_check(fake_build(fake, &plain, &kernel, &err) == 0))
		return;
	text = fake_read(kernel.folder, "vmlinux");
	test_check_contains(text, expected);
}

static void test_builds_prefixes(void)
{
	cleanup_fake struct fake fake;

	if (!open_two(&fake))
		return;
	check_built(&fake, "@0", "first\none\nlast\n");
	check_built(&fake, "@1", "first\ntwo\nlast\n");
	check_built(&fake, "@2", "first\nthree\nlast\n");
}

static void test_a_whole_prefix_is_the_series(void)
{
	cleanup_fake struct fake fake;
	char all[SHA256_HEX_SIZE] = "", two[SHA256_HEX_SIZE] = "", one[SHA256_HEX_SIZE] = "";

	if (!open_two(&fake))
		return;
	CU_ASSERT_EQUAL(kernel_spec_key(&fake.spec, all, NULL), 0);
	set_prefix(&fake, "@2");
	CU_ASSERT_EQUAL(kernel_spec_key(&fake.spec, two, NULL), 0);
	set_prefix(&fake, "@1");
	CU_ASSERT_EQUAL(kernel_spec_key(&fake.spec, one, NULL), 0);
	test_check_string(two, all);
	CU_ASSERT_STRING_NOT_EQUAL(one, all);
}

static void test_refuses_too_many(void)
{
	cleanup_fake struct fake fake;
	cleanup_with(kernel_patches_release) struct kernel_patches patches = { .items = NULL };
	struct error err = ERROR_INIT;

	if (!open_two(&fake))
		return;
	set_prefix(&fake, "@3");
	CU_ASSERT_EQUAL(kernel_patches_load(&fake.spec.series, &patches, &err), -ERANGE);
	test_check_string(err.message, "series s: the first 3 patches were asked for, and it "
				       "has 2");
}

/* A case keeps the whole series, and the number in its own word for it. */
static void test_cases_keep_prefixes(void)
{
	cleanup_fake struct fake fake;
	const char *folder = test_temp_folder();
	cleanup_free char *patch = path_join(folder, "series/s/0002.patch");
	struct error err = ERROR_INIT;

	if (!open_two(&fake))
		return;
	set_prefix(&fake, "@1");
	CU_ASSERT_EQUAL(case_kernel_copy(&fake.spec, folder, &err), 0);
	test_check_string(err.message, "");
	CU_ASSERT_TRUE(path_exists(patch));
}

TEST_SUITE("series_prefix",
	   {"splits", test_splits},
	   {"a campaign takes prefixes", test_campaign_takes_prefixes},
	   {"a campaign refuses what is none", test_campaign_refuses_prefixes},
	   {"builds prefixes", test_builds_prefixes},
	   {"a whole prefix is the series", test_a_whole_prefix_is_the_series},
	   {"refuses more than there are", test_refuses_too_many},
	   {"cases keep prefixes", test_cases_keep_prefixes})
