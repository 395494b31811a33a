/* test_plugin_counts.c - the plugin's count file: real ones, every kind of line,
 * and what must be refused.
 */
#include <errno.h>
#include <string.h>

#include "../../../workloads/runtime/marker.h"
#include "files.h"
#include "memory.h"
#include "plugin_counts.h"
#include "test.h"

#define HEADER "kerngate-counts 1 api 1 vcpus 2 by block\n"
#define TOTAL "total 9 8 7 6\n"

static int parse(const char *text, struct plugin_counts *counts, struct error *err)
{
	*counts = PLUGIN_COUNTS_INIT;
	return plugin_counts_parse(text, strlen(text), counts, err);
}

static int parse_fixture(const char *name, struct plugin_counts *counts,
			 struct error *err)
{
	cleanup_free char *relative = string_format("counts/%s", name);
	cleanup_free char *text = NULL;

	*counts = PLUGIN_COUNTS_INIT;
	if (file_read(test_fixture_path(relative), 1 << 20, &text, NULL) < 0)
		return error_set(err, -ENOENT, "no fixture %s", name);
	return plugin_counts_parse(text, strlen(text), counts, err);
}

static void check_accepted(const char *text)
{
	struct error err = ERROR_INIT;
	struct plugin_counts counts;

	if (!test_check(parse(text, &counts, &err) == 0))
		fprintf(stderr, "%s\nrefused: %s\n", text, err.message);
	plugin_counts_release(&counts);
}

static void check_refused(const char *text, int code, const char *part)
{
	struct error err = ERROR_INIT;
	struct plugin_counts counts;
	int result = parse(text, &counts, &err);

	if (!test_check(result == code))
		fprintf(stderr, "%sgave %d, expected %d\n", text, result, code);
	test_check_contains(err.message, part);
	plugin_counts_release(&counts);
}

static void test_real(void)
{
	struct error err = ERROR_INIT;
	struct plugin_counts counts;
	const struct plugin_region *region;

	if (!test_check(parse_fixture("two-vcpus.txt", &counts, &err) == 0)) {
		fprintf(stderr, "%s\n", err.message);
		return;
	}
	CU_ASSERT_EQUAL(counts.api, 1);
	CU_ASSERT_EQUAL(counts.vcpus_count, 2);
	CU_ASSERT_FALSE(counts.by_instruction);
	CU_ASSERT_FALSE(counts.has_profile);
	CU_ASSERT_TRUE(plugin_counts_are_whole(&counts));
	if (test_check(counts.regions_count == 12)) {
		/* Nothing, a thousand no-ops, and a loop of a million turns. */
		region = &counts.regions[0];
		CU_ASSERT_EQUAL(region->number, PLUGIN_REGION_OWN);
		CU_ASSERT_EQUAL(plugin_region_work(&counts, region), 0);
		CU_ASSERT_EQUAL(plugin_region_parallelism(&counts, region), 1);
		CU_ASSERT_EQUAL(counts.regions[1].vcpus[0].user, 1000);
		CU_ASSERT_EQUAL(counts.regions[2].vcpus[0].user, 2000001);
		CU_ASSERT_EQUAL(counts.regions[3].number, PLUGIN_REGION_ROUND);
		CU_ASSERT_EQUAL(counts.regions[11].visit, 2);
	}
	CU_ASSERT_EQUAL(counts.total[1].user, 2113);
	plugin_counts_release(&counts);
}

static void test_real_profile(void)
{
	struct error err = ERROR_INIT;
	struct plugin_counts counts;
	uint64_t work = 0;
	size_t i;

	if (!test_check(parse_fixture("profile.txt", &counts, &err) == 0)) {
		fprintf(stderr, "%s\n", err.message);
		return;
	}
	for (i = 0; i < counts.regions_count; i++)
		if (counts.regions[i].number == counts.profile_region)
			work += plugin_region_work(&counts, &counts.regions[i]);
	CU_ASSERT_TRUE(counts.has_profile);
	CU_ASSERT_EQUAL(counts.profile_region, PLUGIN_REGION_ROUND);
	CU_ASSERT_EQUAL(counts.profile_visits, 3);
	/* The functions account for every instruction of the region. */
	CU_ASSERT_EQUAL(counts.profile_instructions, work);
	if (test_check(counts.functions_count > 2)) {
		test_check_string(counts.functions[0].name, "[user]");
		CU_ASSERT_EQUAL(counts.functions[0].instructions, 6003189);
	}
	plugin_counts_release(&counts);
}

/* A profile of the second row's rounds, of its own region in them. */
static void test_real_scope(void)
{
	struct error err = ERROR_INIT;
	struct plugin_counts counts;
	uint64_t work = 0;

	if (!test_check(parse_fixture("scoped.txt", &counts, &err) == 0)) {
		fprintf(stderr, "%s\n", err.message);
		return;
	}
	for (size_t i = 0; i < counts.regions_count; i++)
		if (counts.regions[i].number == PLUGIN_REGION_OWN &&
		    counts.regions[i].visit >= 2)
			work += plugin_region_work(&counts, &counts.regions[i]);
	CU_ASSERT_TRUE(counts.profile_has_inside && counts.profile_has_row);
	CU_ASSERT_EQUAL(counts.profile_inside, PLUGIN_REGION_ROUND);
	CU_ASSERT_EQUAL(counts.profile_row, 1);
	CU_ASSERT_EQUAL(counts.profile_visits, 3);
	CU_ASSERT_EQUAL(counts.profile_instructions, work);
	CU_ASSERT_EQUAL(counts.functions_count, 13);
	plugin_counts_release(&counts);
}

static void test_figures(void)
{
	struct error err = ERROR_INIT;
	struct plugin_counts counts;
	const struct plugin_region *region;

	if (!test_check(parse(HEADER "region 3 0 10 20 5 7\n" TOTAL "end 3\n", &counts,
			      &err) == 0))
		return;
	region = &counts.regions[0];
	CU_ASSERT_EQUAL(plugin_region_work(&counts, region), 42);
	CU_ASSERT_EQUAL(plugin_region_span(&counts, region), 30);
	CU_ASSERT_DOUBLE_EQUAL(plugin_region_parallelism(&counts, region), 1.4, 1e-12);
	plugin_counts_release(&counts);
}

static void test_oddities(void)
{
	struct error err = ERROR_INIT;
	struct plugin_counts counts;

	if (!test_check(parse(HEADER "lost 3\nstray 3\nstray 4\ncut 3\nopen 4095\nfull\n"
			      TOTAL "short\nend 9\n", &counts, &err) == 0))
		return;
	CU_ASSERT_EQUAL(counts.cut_count, 1);
	CU_ASSERT_EQUAL(counts.lost_count, 1);
	CU_ASSERT_EQUAL(counts.stray_count, 2);
	CU_ASSERT_EQUAL(counts.open_count, 1);
	CU_ASSERT_TRUE(counts.is_full && counts.profile_is_short);
	CU_ASSERT_FALSE(plugin_counts_are_whole(&counts));
	plugin_counts_release(&counts);
}

/* A round that ends its program is cut: that is no mistake of the counting. */
static void test_cut_region(void)
{
	struct error err = ERROR_INIT;
	struct plugin_counts counts;

	if (!test_check(parse(HEADER "cut 3\ncut 16\nregion 1 0 1 1 1 1\n" TOTAL
			      "end 5\n", &counts, &err) == 0))
		return;
	CU_ASSERT_EQUAL(counts.cut_count, 2);
	CU_ASSERT_EQUAL(counts.regions_count, 1);
	CU_ASSERT_TRUE(plugin_counts_are_whole(&counts));
	plugin_counts_release(&counts);
}

/* What a profile covers, where it is not the whole region. */
static void test_scope(void)
{
	static const struct {
		const char *words;
		bool has_inside, has_row;
		uint32_t inside, row;
	} cases[] = {
		{ "", false, false, 0, 0 },
		{ " inside 16", true, false, 16, 0 },
		{ " inside 0", true, false, 0, 0 },
		{ " row 999999", false, true, 0, 999999 },
		{ " inside 1 row 0", true, true, 1, 0 },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_free char *text = string_format(
			HEADER TOTAL "profile 3 1 7 1%s\nfunction 7 a\nend 4\n",
			cases[i].words);
		struct error err = ERROR_INIT;
		struct plugin_counts counts;

		if (!test_check(parse(text, &counts, &err) == 0))
			continue;
		CU_ASSERT_EQUAL(counts.profile_has_inside, cases[i].has_inside);
		CU_ASSERT_EQUAL(counts.profile_has_row, cases[i].has_row);
		CU_ASSERT_EQUAL(counts.profile_inside, cases[i].inside);
		CU_ASSERT_EQUAL(counts.profile_row, cases[i].row);
		plugin_counts_release(&counts);
	}
}

static void test_accepted(void)
{
	check_accepted(HEADER TOTAL "end 2\n");
	check_accepted("kerngate-counts 1 api 3 vcpus 1 by instruction\n"
		       "total 0 9007199254740991\nend 2\n");
	check_accepted(HEADER "region 3 0 1 1 1 1\nregion 4 0 1 1 1 1\n"
		       "region 3 1 1 1 1 1\n" TOTAL "end 5\n");
	check_accepted(HEADER TOTAL "profile 3 1 7 2\nfunction 4 a.b$c\n"
		       "function 3 [user]\nend 5\n");
	check_accepted(HEADER TOTAL "profile 3 0 0 0\nend 3\n");
}

static void test_cut(void)
{
	static const char whole[] = HEADER "region 3 0 1 1 1 1\n" TOTAL "end 3\n";
	size_t length;

	for (length = 0; length < strlen(whole); length++) {
		cleanup_free char *text = string_copy_n(whole, length);

		check_refused(text, -ENODATA, "no end line");
	}
	check_accepted(whole);
}

static void test_bad_words(void)
{
	check_refused("kerngate-counts 2 api 1 vcpus 2 by block\n", -EBADMSG, "line 1");
	check_refused("kerngate-counts 1 api 1 vcpus 0 by block\n", -EBADMSG, "line 1");
	check_refused("kerngate-counts 1 api 1 vcpus 1025 by block\n", -EBADMSG,
		      "line 1");
	check_refused("kerngate-counts 1 api 1 vcpus 2 by guess\n", -EBADMSG, "by block");
	check_refused("kerngate-counts 1 api 1 vcpus 2 by block \n", -EBADMSG, "by block");
	check_refused("kerngate-counts  1 api 1 vcpus 2 by block\n", -EBADMSG, "line 1");
	check_refused(HEADER "region 3 0 1 1 1\n", -EBADMSG, "two counts");
	check_refused(HEADER "region 3 0 1 1 1 1 1\n", -EBADMSG, "two counts");
	check_refused(HEADER "region 3 0 1 1 1 -1\n", -EBADMSG, "two counts");
	check_refused(HEADER "region 3 0 1 1 1 01\n", -EBADMSG, "two counts");
	check_refused(HEADER "region 3 0 1 1 1 9007199254740992\n", -EBADMSG,
		      "two counts");
	check_refused(HEADER "region 4096 0 1 1 1 1\n", -EBADMSG, "region NUMBER");
	check_refused(HEADER "lost\n", -EBADMSG, "number of a region");
	check_refused(HEADER "cut\n", -EBADMSG, "number of a region");
	check_refused(HEADER "cut 4096\n", -EBADMSG, "number of a region");
	check_refused(HEADER "cut 3 4\n", -EBADMSG, "number of a region");
	check_refused(HEADER "full 1\n", -EBADMSG, "one word");
	check_refused(HEADER "full\nfull\n", -EBADMSG, "one word");
	check_refused(HEADER "\n", -EBADMSG, "expected region");
	check_refused(HEADER TOTAL "end\n", -EBADMSG, "end LINES");
	check_refused(HEADER TOTAL "profile 3 1 7\n", -EBADMSG, "profile REGION");
}

static void test_bad_scope(void)
{
	static const char *const words[] = {
		" inside", " inside 3", " inside 4096", " inside -1", " row",
		" row 1000000", " row 01", " row 0 inside 16", " inside 16 inside 17",
		" row 0 row 1", " inside 16 row 0 0", " outside 16", " ", " 0",
	};

	for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
		cleanup_free char *text = string_format(
			HEADER TOTAL "profile 3 1 7 1%s\nfunction 7 a\nend 4\n",
			words[i]);

		check_refused(text, -EBADMSG, "behind the profile's numbers");
	}
}

static void test_bad_order(void)
{
	check_refused(HEADER "region 3 1 1 1 1 1\n", -EBADMSG, "missing or twice");
	check_refused(HEADER "region 3 0 1 1 1 1\nregion 3 0 1 1 1 1\n", -EBADMSG,
		      "missing or twice");
	check_refused(HEADER "end 1\n", -EBADMSG, "expected region");
	check_refused(HEADER TOTAL TOTAL, -EBADMSG, "in this order");
	check_refused(HEADER TOTAL "region 3 0 1 1 1 1\n", -EBADMSG, "in this order");
	check_refused(HEADER TOTAL "function 1 a\n", -EBADMSG, "in this order");
	check_refused(HEADER TOTAL "profile 3 1 0 0\nprofile 3 1 0 0\n", -EBADMSG,
		      "in this order");
	check_refused(HEADER TOTAL "short\nprofile 3 1 0 0\n", -EBADMSG,
		      "in this order");
	check_refused(HEADER TOTAL "end 3\n", -EBADMSG, "another number of lines");
	check_refused(HEADER TOTAL "end 2\nend 3\n", -EBADMSG, "nothing may follow");
	check_refused(HEADER TOTAL "end 2\nx", -EBADMSG, "half a line");
}

static void test_bad_profile(void)
{
	check_refused(HEADER TOTAL "profile 3 1 7 2\nfunction 7 a\nend 4\n", -EBADMSG,
		      "do not add up");
	check_refused(HEADER TOTAL "profile 3 1 7 1\nfunction 6 a\nend 4\n", -EBADMSG,
		      "do not add up");
	check_refused(HEADER TOTAL "profile 3 1 7 1\nfunction 8 a\n", -EBADMSG,
		      "more instructions");
	check_refused(HEADER TOTAL "profile 3 1 7 1\nfunction 3 a\nfunction 4 b\n",
		      -EBADMSG, "more functions");
	check_refused(HEADER TOTAL "profile 3 1 7 1\nfunction 7\n", -EBADMSG,
		      "printable name");
	check_refused(HEADER TOTAL "profile 3 1 7 1\nfunction 7 a b\n", -EBADMSG,
		      "printable name");
	check_refused(HEADER TOTAL "profile 3 1 7 1\nfunction 7 a\x7f\n", -EBADMSG,
		      "printable name");
}

static void test_compare(void)
{
	struct plugin_counts before, after;
	struct plugin_function_change *changes = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	/* Twice the visits: each visit counts half. */
	if (!test_check(parse(HEADER TOTAL "profile 3 2 200 3\nfunction 100 same\n"
			      "function 60 less\nfunction 40 gone\nend 6\n", &before,
			      &err) == 0) ||
	    !test_check(parse(HEADER TOTAL "profile 3 1 100 3\nfunction 50 same\n"
			      "function 29 less\nfunction 21 new\nend 6\n", &after,
			      &err) == 0))
		return;
	CU_ASSERT_EQUAL(plugin_profile_compare(&before, &after, &changes, &count, &err),
			0);
	if (test_check(count == 4)) {
		test_check_string(changes[0].name, "new");
		CU_ASSERT_EQUAL(changes[0].before, 0);
		CU_ASSERT_EQUAL(changes[0].after, 21);
		test_check_string(changes[1].name, "gone");
		CU_ASSERT_EQUAL(changes[1].before, 20);
		CU_ASSERT_EQUAL(changes[1].after, 0);
		test_check_string(changes[2].name, "less");
		test_check_string(changes[3].name, "same");
		CU_ASSERT_EQUAL(changes[3].after - changes[3].before, 0);
	}
	free(changes);
	before.profile_has_row = after.profile_has_row = true;
	after.profile_row = 4;
	if (test_check(plugin_profile_compare(&before, &after, &changes, &count,
					      &err) == 0))
		free(changes);
	after.profile_has_inside = true;
	CU_ASSERT_EQUAL(plugin_profile_compare(&before, &after, &changes, &count, &err),
			-EINVAL);
	test_check_contains(err.message, "only inside another region");
	before.profile_has_inside = true;
	before.profile_inside = 16;
	CU_ASSERT_EQUAL(plugin_profile_compare(&before, &after, &changes, &count, &err),
			-EINVAL);
	after.profile_region = 4;
	CU_ASSERT_EQUAL(plugin_profile_compare(&before, &after, &changes, &count, &err),
			-EINVAL);
	test_check_contains(err.message, "region 3 and of region 4");
	after.profile_visits = 0;
	CU_ASSERT_EQUAL(plugin_profile_compare(&before, &after, &changes, &count, &err),
			-EINVAL);
	test_check_contains(err.message, "after: region 4 was never left");
	before.has_profile = false;
	CU_ASSERT_EQUAL(plugin_profile_compare(&before, &after, &changes, &count, &err),
			-EINVAL);
	test_check_contains(err.message, "before: no profile");
	plugin_counts_release(&before);
	plugin_counts_release(&after);
}

/* What workloads say and what the harness reads are declared apart. */
static void test_same_numbers(void)
{
	CU_ASSERT_EQUAL(PLUGIN_REGIONS_MAX, MARKER_REGIONS_MAX);
	CU_ASSERT_EQUAL(PLUGIN_REGION_ROW, MARKER_REGION_ROW);
	CU_ASSERT_EQUAL(PLUGIN_REGION_WARMUP, MARKER_REGION_WARMUP);
	CU_ASSERT_EQUAL(PLUGIN_REGION_ROUND, MARKER_REGION_ROUND);
	CU_ASSERT_EQUAL(PLUGIN_REGION_OWN, MARKER_REGION_OWN);
	CU_ASSERT_EQUAL(MARKER_BEGIN(MARKER_REGIONS_MAX - 1) & MARKER_END_BIT, 0);
}

TEST_SUITE("plugin_counts",
	   {"a real file of two vCPUs", test_real},
	   {"a real profile adds up", test_real_profile},
	   {"a real profile of a part", test_real_scope},
	   {"work, span and parallelism", test_figures},
	   {"markers that made no sense are counted", test_oddities},
	   {"regions that their row cut", test_cut_region},
	   {"what a profile covers", test_scope},
	   {"accepts what is sound", test_accepted},
	   {"a file cut anywhere has no end", test_cut},
	   {"refuses bad words", test_bad_words},
	   {"refuses bad scopes of a profile", test_bad_scope},
	   {"refuses lines out of order", test_bad_order},
	   {"refuses profiles that do not add up", test_bad_profile},
	   {"compares profiles by visit", test_compare},
	   {"numbers are those of marker.h", test_same_numbers})
