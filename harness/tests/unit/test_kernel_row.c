/* test_kernel_row.c - rows of kernels, and the campaigns that are made of them. */
#include "kernel_row.h"

#include <errno.h>
#include <string.h>

#include "fake_kernel.h"
#include "files.h"
#include "memory.h"
#include "sample_project.h"
#include "test.h"

#define cleanup_row cleanup_with(kernel_row_release)
#define cleanup_setting cleanup_with(kernel_row_setting_release)
#define cleanup_campaign cleanup_with(campaign_release)

static struct place make_place(void)
{
	struct place place = place_make();

	place_write(place.root, "kernel/series/below/series", "a.patch\n", 0666);
	place_write(place.root, "kernel/series/below/a.patch", "", 0666);
	place_write(place.root, "kernel/series/s/series", "1.patch\n2.patch\n", 0666);
	place_write(place.root, "kernel/series/s/1.patch",
		    "From: x\nSubject: [PATCH v2 1/2] mm: a subject\n  of two lines\nDate: y\n\n"
		    "Subject: not this\n", 0666);
	place_write(place.root, "kernel/series/s/2.patch", "no mail at all\n", 0666);
	return place;
}

static void test_series(void)
{
	cleanup_place struct place place = make_place();
	cleanup_row struct kernel_row row = { .series = NULL };
	struct error err = ERROR_INIT;

	if (!test_check(kernel_row_of_series(place.root, "s", &row, &err) == 0))
		return;
	CU_ASSERT_EQUAL(row.count, 3);
	test_check_string(row.items[0].name, "p00");
	test_check_string(row.items[0].subject, "(no patch)");
	test_check_string(row.items[1].name, "p01");
	test_check_string(row.items[1].label, "1.patch");
	test_check_string(row.items[1].subject, "mm: a subject of two lines");
	test_check_string(row.items[2].subject, "");
	CU_ASSERT_PTR_NULL(row.repository);
}

/* --- commits --------------------------------------------------------------------------------- */

static bool git(const char *folder, const char *const *words)
{
	const char *argv[16] = { "git", "-c", "user.name=t", "-c", "user.email=t@t" };
	size_t count = 5;

	while (*words)
		argv[count++] = *words++;
	return test_check(fake_run(folder, argv));
}

#define GIT(folder, ...) git(folder, (const char *const[]){ __VA_ARGS__, NULL })

/* main: one - two - three - merge; side, from one: aside, merged by the last. */
static bool make_repository(const char *folder)
{
	return GIT(folder, "init", "--quiet", "-b", "main", ".") &&
	       GIT(folder, "commit", "--quiet", "--allow-empty", "-mone") &&
	       GIT(folder, "tag", "one") &&
	       GIT(folder, "checkout", "--quiet", "-b", "side") &&
	       GIT(folder, "commit", "--quiet", "--allow-empty", "-maside") &&
	       GIT(folder, "checkout", "--quiet", "main") &&
	       GIT(folder, "commit", "--quiet", "--allow-empty", "-mtwo, with a\ttab") &&
	       GIT(folder, "commit", "--quiet", "--allow-empty", "-mthree") &&
	       GIT(folder, "merge", "--quiet", "--no-ff", "-mmerge", "side");
}

static void test_commits(void)
{
	const char *folder = test_temp_folder();
	cleanup_row struct kernel_row row = { .series = NULL };
	struct error err = ERROR_INIT;

	if (!make_repository(folder) ||
	    !test_check(kernel_row_of_commits(folder, "one", "main", &row, &err) == 0))
		return;
	CU_ASSERT_EQUAL(row.count, 4);
	test_check_string(row.items[0].subject, "one");
	test_check_string(row.items[1].subject, "two, with a\ttab");
	test_check_string(row.items[3].subject, "merge");
	CU_ASSERT_TRUE(row.items[3].is_merge);
	CU_ASSERT_FALSE(row.items[2].is_merge);
	CU_ASSERT_EQUAL(strlen(row.items[1].name), 12);
	CU_ASSERT_EQUAL(strlen(row.items[1].id), 40);
}

static void refuse_commits(const char *folder, const char *good, const char *bad, int code,
			   const char *message)
{
	cleanup_row struct kernel_row row = { .series = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(kernel_row_of_commits(folder, good, bad, &row, &err), code);
	test_check_contains(err.message, message);
}

static void test_refuses_commits(void)
{
	const char *folder = test_temp_folder();

	if (!make_repository(folder))
		return;
	refuse_commits(folder, "one", "tow", -ENOENT, "has no commit 'tow'");
	refuse_commits(folder, "--all", "main", -ENOENT, "has no commit '--all'");
	refuse_commits(folder, "main", "main", -EINVAL, "are the same commit");
	refuse_commits(folder, "main", "one", -EINVAL, "is not on the line of first parents");
	refuse_commits(folder, "side", "main", -EINVAL, "is not on the line of first parents");
	refuse_commits("/nowhere", "one", "main", -ENOENT, "/nowhere: no such folder");
}

/* --- campaigns ---------------------------------------------------------------------------------- */

static const char template[] =
	"variants:\n"
	"  - name: stock\n"
	"    kernel: {base: demo, fragments: [base]}\n"
	"  - name: other\n"
	"    kernel: {base: demo, fragments: [base], series: [below, s], cc: clang}\n"
	"    cmdline: [\"a=b:c\"]\n"
	"    sysctls: [kernel.panic=1]\n"
	"baseline: stock\n"
	"cells:\n"
	"  - {guest: tiny, suite: turns}\n"
	"repeats_max: 1\n"
	"gate: {margin_percent: 3, correction: holm}\n";

static bool make_campaign(const struct place *place, const struct kernel_row *row,
			  const struct kernel_row_options *options, struct campaign *ret)
{
	static const size_t positions[] = { 0, 2, 1 };
	cleanup_free char *folder = path_join(place->results, "x");
	cleanup_setting struct kernel_row_setting setting = { .base = NULL };
	const struct kernel_row_plan plan = {
		.name = "made", .purpose = "a test", .folder = folder, .positions = positions,
		.positions_count = 3, .blocks_count = 7, .first_seed = 4, .budget_minutes = 9,
	};
	struct error err = ERROR_INIT;
	int code = kernel_row_setting_load(place->root, row, options, &setting, &err);

	if (!code)
		code = kernel_row_campaign(place->root, row, &setting, &plan, ret, &err);
	test_check_string(err.message, "");
	return test_check(code == 0);
}

static void test_campaign(void)
{
	const struct kernel_row_options options = { .campaign = "from", .variant = "other" };
	cleanup_place struct place place = make_place();
	cleanup_row struct kernel_row row = { .series = NULL };
	cleanup_campaign struct campaign campaign = { .name = NULL };
	const struct variant *variant;

	place_write(place.root, "configs/campaigns/from.yaml", template, 0666);
	if (!test_check(kernel_row_of_series(place.root, "s", &row, NULL) == 0) ||
	    !make_campaign(&place, &row, &options, &campaign))
		return;
	test_check_string(campaign.name, "made");
	CU_ASSERT_EQUAL(campaign.variants_count, 3);
	CU_ASSERT_EQUAL(campaign.baseline, 0);
	CU_ASSERT_EQUAL(campaign.blocks_count, 7);
	CU_ASSERT_EQUAL(campaign.budget_minutes, 9);
	CU_ASSERT_EQUAL(campaign.gate.margin_percent, 3);
	CU_ASSERT_EQUAL(campaign.gate.correction, CORRECTION_HOLM);
	CU_ASSERT_FALSE(campaign.control);
	variant = &campaign.variants[0];
	test_check_string(variant->name, "p00");
	/* the series below stays, the row's own goes */
	CU_ASSERT_EQUAL(variant->kernel.series.count, 1);
	test_check_string(variant->kernel.cc, "clang");
	test_check_string(variant->cmdline.items[0], "a=b:c");
	test_check_string(variant->sysctls.items[0], "kernel.panic=1");
	variant = &campaign.variants[1];
	test_check_string(variant->name, "p02");
	CU_ASSERT_EQUAL(variant->kernel.series.count, 2);
	test_check_contains(variant->kernel.series.items[0], "/kernel/series/below");
	test_check_contains(variant->kernel.series.items[1], "/kernel/series/s@2");
}

static void test_exact_campaign(void)
{
	const struct kernel_row_options options = { .campaign = "from", .mode = "exact" };
	cleanup_place struct place place = make_place();
	cleanup_row struct kernel_row row = { .series = NULL };
	cleanup_campaign struct campaign campaign = { .name = NULL };

	place_write(place.root, "configs/campaigns/from.yaml", template, 0666);
	if (!test_check(kernel_row_of_series(place.root, "s", &row, NULL) == 0) ||
	    !make_campaign(&place, &row, &options, &campaign))
		return;
	CU_ASSERT_EQUAL(campaign.mode, MODE_EXACT);
	CU_ASSERT_EQUAL(campaign.blocks_count, 7);
	CU_ASSERT_EQUAL(campaign.seed, 4);
	CU_ASSERT_EQUAL(campaign.exact.shift, 3);
	CU_ASSERT_EQUAL(campaign.variants[0].kernel.series.count, 0);
}

static void test_scaled_cells_need_a_guest(void)
{
	const struct kernel_row_options options = { .campaign = "scaled" };
	cleanup_place struct place place = make_place();
	cleanup_row struct kernel_row row = { .series = NULL };
	cleanup_setting struct kernel_row_setting setting = { .base = NULL };
	struct error err = ERROR_INIT;

	place_write(place.root, "configs/campaigns/scaled.yaml",
		    "variants:\n  - {name: a, kernel: {base: demo, fragments: [base]}}\n"
		    "baseline: a\n"
		    "cells: [{guest: tiny, suite: turns, vcpus_counts: [1, 2]}]\n", 0666);
	if (!test_check(kernel_row_of_series(place.root, "s", &row, NULL) == 0))
		return;
	CU_ASSERT_EQUAL(kernel_row_setting_load(place.root, &row, &options, &setting, &err),
			-EINVAL);
	test_check_contains(err.message, "several numbers of vCPUs: expected --guest");
}

TEST_SUITE("kernel_row",
	   {"series", test_series},
	   {"commits", test_commits},
	   {"refuses commits", test_refuses_commits},
	   {"campaign", test_campaign},
	   {"exact campaign", test_exact_campaign},
	   {"scaled cells need a guest", test_scaled_cells_need_a_guest})
