/* test_nightly_build.c - the kernels of a night: one that does not build does not cost
 * the others their night.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "fake_kernel.h"
#include "files.h"
#include "memory.h"
#include "nightly_private.h"
#include "process.h"
#include "test.h"

#define cleanup_fake cleanup_with(fake_close)

static void add_variant(struct night_work *work, const char *name,
			const struct kernel_spec *spec, const char *series)
{
	struct campaign *campaign = &work->campaign;
	struct variant *variant;

	campaign->variants = memory_realloc_array(campaign->variants,
						  campaign->variants_count + 1,
						  sizeof(*campaign->variants));
	variant = &campaign->variants[campaign->variants_count++];
	*variant = (struct variant){ .name = string_copy(name) };
	kernel_spec_copy(&variant->kernel, spec);
	if (series)
		strvec_push(&variant->kernel.series, series);
}

/* A series whose patch edits a file that is not there; owned. */
static char *broken_series(const struct fake *fake)
{
	char *folder = path_join(fake->folder, "broken");

	CU_ASSERT_EQUAL(folder_make(folder), 0);
	fake_write(folder, "series", "0001-edit-nothing.patch\n");
	fake_write(folder, "0001-edit-nothing.patch",
		   "--- a/nothing.c\n+++ b/nothing.c\n@@ -1 +1 @@\n-one\n+two\n");
	return folder;
}

struct built {
	struct nightly night;
	struct night_work work;
	struct nightly_request request;
};

static void built_release(struct built *built)
{
	campaign_release(&built->work.campaign);
	nightly_release(&built->night);
}

#define cleanup_built cleanup_with(built_release)

static void begin(struct built *built, const struct fake *fake)
{
	*built = (struct built){ .night = { .notes = STRVEC_INIT } };
	built->work = (struct night_work){
		.request = &built->request, .night = &built->night, .lock = -1,
		.options = { .cache_path = fake->cache_path },
	};
	built->work.campaign.name = string_copy("test");
}

static void test_goes_on_with_the_others(void)
{
	cleanup_fake struct fake fake;
	cleanup_built struct built built = { .night = { .notes = STRVEC_INIT } };
	cleanup_free char *series = NULL;
	struct campaign *campaign = &built.work.campaign;
	struct error err = ERROR_INIT;

	if (!fake_open(&fake))
		return;
	series = broken_series(&fake);
	begin(&built, &fake);
	add_variant(&built.work, "broken", &fake.spec, series);
	add_variant(&built.work, "stock", &fake.spec, NULL);
	add_variant(&built.work, "other", &fake.spec, NULL);
	campaign->baseline = 1;
	CU_ASSERT_EQUAL(night_build(&built.work, &err), 0);
	test_check_string(err.message, "");
	CU_ASSERT_EQUAL(built.work.dropped_count, 1);
	if (!test_check(campaign->variants_count == 2))
		return;
	test_check_string(campaign->variants[0].name, "stock");
	test_check_string(campaign->variants[1].name, "other");
	CU_ASSERT_EQUAL(campaign->baseline, 0);
	CU_ASSERT_EQUAL(built.night.notes.count, 1);
	if (built.night.notes.count) {
		test_check_contains(built.night.notes.items[0], "variant broken: ");
		test_check_contains(built.night.notes.items[0], "0001-edit-nothing.patch");
	}
}

static void test_needs_a_candidate(void)
{
	cleanup_fake struct fake fake;
	cleanup_built struct built built = { .night = { .notes = STRVEC_INIT } };
	cleanup_free char *series = NULL;
	struct error err = ERROR_INIT;

	if (!fake_open(&fake))
		return;
	series = broken_series(&fake);
	begin(&built, &fake);
	add_variant(&built.work, "stock", &fake.spec, NULL);
	add_variant(&built.work, "broken", &fake.spec, series);
	CU_ASSERT_TRUE(night_build(&built.work, &err) < 0);
	test_check_contains(err.message, "variant broken: ");
	test_check_contains(err.message, "0001-edit-nothing.patch");
}

/* Nothing is built any more; and what comes after the night may again. */
static void test_ends_in_time(void)
{
	cleanup_fake struct fake fake;
	cleanup_built struct built built = { .night = { .notes = STRVEC_INIT } };
	struct error err = ERROR_INIT;

	if (!fake_open(&fake))
		return;
	begin(&built, &fake);
	add_variant(&built.work, "stock", &fake.spec, NULL);
	built.work.options.deadline_ns = clock_monotonic_ns();
	CU_ASSERT_EQUAL(night_build(&built.work, &err), -ETIME);
	CU_ASSERT_FALSE(process_deadline_passed());
}

TEST_SUITE("nightly_build",
	   {"goes on with the others", test_goes_on_with_the_others},
	   {"needs a candidate", test_needs_a_candidate},
	   {"ends in time", test_ends_in_time})
