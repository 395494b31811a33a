/* Tests of engine/profile*.c: what two profiles tell, and which trials they are
 * taken of. Profiles of real guests are in tests/boot/.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "profile.h"
#include "sample_run.h"
#include "test.h"

/* --- two sides -------------------------------------------------------------------------- */

static bool parse_counts(const char *text, struct plugin_counts *ret_counts)
{
	struct error err = ERROR_INIT;
	int rc = plugin_counts_parse(text, strlen(text), ret_counts, &err);

	test_check_string(err.message, "");
	return !rc;
}

/* A count file with a profile of region 16 over two visits; functions: lines. */
static bool parse_profile(const char *functions, unsigned int count, uint64_t instructions,
			  struct plugin_counts *ret_counts)
{
	cleanup_free char *text = string_format(
		"kerngate-counts 1 api 1 vcpus 1 by block\n"
		"region 16 0 0 0\nregion 16 1 0 0\ntotal 0 0\n"
		"profile 16 2 %lu %u\n%send %u\n", (unsigned long)instructions, count, functions,
		count + 5);

	return parse_counts(text, ret_counts);
}

static struct profile sample_profile(void)
{
	return (struct profile){
		.run_id = string_copy("20261121-213000-quick"),
		.guest = string_copy("up"),
		.suite = string_copy("fallocate"),
		.row = string_copy("fill"),
		.seed = 3,
		.before = { .variant = string_copy("stock"), .trial = 1 },
		.after = { .variant = string_copy("patched"), .trial = 2 },
	};
}

/* Before and after differ in the compiler's names, in two functions that both have
 * and in one that only one has. */
static bool make_profile(struct profile *ret_profile)
{
	struct error err = ERROR_INIT;

	*ret_profile = sample_profile();
	if (!parse_profile("function 2000000 clear_page\nfunction 4000 fill.isra.0\n"
			   "function 2001 [user]\nfunction 1000 old_way\n", 4, 2007001,
			   &ret_profile->before.counts) ||
	    !parse_profile("function 2020000 clear_page\nfunction 3000 fill.constprop.0\n"
			   "function 2001 [user]\nfunction 500 fill.cold\n", 4, 2025501,
			   &ret_profile->after.counts))
		return false;
	CU_ASSERT_EQUAL(profile_compare(ret_profile, &err), 0);
	return test_check_string(err.message, "");
}

static void test_compares_functions_by_source_name(void)
{
	cleanup_profile struct profile profile = { .run_id = NULL };
	static const struct plugin_function_change expected[] = {
		{ "clear_page", 1000000, 1010000 },
		{ "old_way", 500, 0 },
		{ "fill", 2000, 1750 },
		{ "[user]", 1000.5, 1000.5 },
	};

	if (!make_profile(&profile) || !test_check(profile.changes_count == 4))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
		test_check_string(profile.changes[i].name, expected[i].name);
		CU_ASSERT_EQUAL(profile.changes[i].before, expected[i].before);
		CU_ASSERT_EQUAL(profile.changes[i].after, expected[i].after);
	}
	CU_ASSERT_EQUAL(profile.region, 16);
	CU_ASSERT_EQUAL(profile.before.instructions, 1003500.5);
	CU_ASSERT_EQUAL(profile.after.instructions, 1012750.5);
}

static void test_strips_what_compilers_add(void)
{
	static const char *const names[][2] = {
		{ "a.isra.0", "a" }, { "b.constprop.3", "b" }, { "c.part.0.cold", "c" },
		{ "d.cold", "d" }, { "e", "e" }, { "[user]", "[user]" },
		{ ".odd", ".odd" }, { "_f.x", "_f" },
	};
	struct plugin_function functions[ARRAY_COUNT(names)];
	struct plugin_counts counts = { .functions = functions,
					.functions_count = ARRAY_COUNT(names) };

	for (size_t i = 0; i < ARRAY_COUNT(names); i++)
		functions[i].name = string_copy(names[i][0]);
	profile_strip_suffixes(&counts);
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		test_check_string(functions[i].name, names[i][1]);
		free(functions[i].name);
	}
}

static void test_refuses_unlike_profiles(void)
{
	cleanup_profile struct profile none = sample_profile(), other = sample_profile();
	struct error err = ERROR_INIT;

	if (!parse_profile("", 0, 0, &none.before.counts) ||
	    !parse_counts("kerngate-counts 1 api 1 vcpus 1 by block\ntotal 0 0\nend 2\n",
			  &none.after.counts))
		return;
	CU_ASSERT_EQUAL(profile_compare(&none, &err), -EINVAL);
	test_check_contains(err.message, "after: no profile was taken");
	if (!parse_profile("", 0, 0, &other.before.counts) ||
	    !parse_profile("", 0, 0, &other.after.counts))
		return;
	other.after.counts.profile_region = 3;
	CU_ASSERT_EQUAL(profile_compare(&other, &err), -EINVAL);
	test_check_contains(err.message, "region 16 and of region 3");
}

/* --- the region ----------------------------------------------------------------------------- */

static void test_finds_a_rows_region(void)
{
	struct plugin_counts counts = PLUGIN_COUNTS_INIT;

	if (!parse_counts("kerngate-counts 1 api 1 vcpus 1 by block\n"
			  "region 3 0 5 5\nregion 1 0 6 6\n"
			  "region 18 0 5 5\nregion 17 0 5 5\nregion 3 1 5 5\nregion 1 1 6 6\n"
			  "region 3 2 5 5\nregion 1 2 6 6\n"
			  "region 16 0 5 5\n"
			  "total 90 90\nend 11\n", &counts))
		return;
	CU_ASSERT_EQUAL(profile_region_of(&counts, 0), 3);
	CU_ASSERT_EQUAL(profile_region_of(&counts, 1), 17);
	CU_ASSERT_EQUAL(profile_region_of(&counts, 2), 3);
	/* a row that did not end */
	CU_ASSERT_EQUAL(profile_region_of(&counts, 3), 3);
	plugin_counts_release(&counts);
}

/* --- how it looks ------------------------------------------------------------------------------ */

static void test_renders_text(void)
{
	cleanup_profile struct profile profile = { .run_id = NULL };
	cleanup_strbuf struct strbuf all = STRBUF_INIT, one = STRBUF_INIT;

	if (!make_profile(&profile))
		return;
	profile_render_text(&profile, 10, &all);
	test_check_string(all.data,
"run        20261121-213000-quick, up/fallocate, row fill, seed 3\n"
"before     stock (trial 1)\n"
"after      patched (trial 2)\n"
"counted    the workload's own region 16, 2 visits before, 2 after; figures are\n"
"           instructions a visit\n"
"\n"
"                                    before         after       change   of total\n"
"total                            1,003,500     1,012,750       +9,250   +0.922 %\n"
"more\n"
"clear_page                       1,000,000     1,010,000      +10,000   +0.997 %\n"
"less\n"
"old_way                                500             0         -500   -0.050 %\n"
"fill                                 2,000         1,750         -250   -0.025 %\n"
"3 functions changed, 1 did not\n");
	profile_render_text(&profile, 1, &one);
	test_check_contains(one.data,
"less\n"
"old_way                                500             0         -500   -0.050 %\n"
"[1 other]                            2,000         1,750         -250   -0.025 %\n"
"3 functions");
}

static void test_keeps_to_the_width(void)
{
	cleanup_profile struct profile profile = sample_profile();
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	if (!parse_profile("function 9000000000000000 a_function_with_a_name_that_is_much_too_long"
			   "_for_its_column\n", 1, 9000000000000000, &profile.before.counts) ||
	    !parse_profile("", 0, 0, &profile.after.counts) ||
	    !test_check(profile_compare(&profile, &err) == 0))
		return;
	profile_render_text(&profile, 10, &text);
	for (const char *line = text.data; *line;) {
		size_t length = strcspn(line, "\n");

		if (!test_check(length <= 80))
			fprintf(stderr, "%.*s\n", (int)length, line);
		line += length + 1;
	}
	test_check_contains(text.data, "a_function_with_a_name_that~ ");
}

static void test_renders_json(void)
{
	cleanup_profile struct profile profile = { .run_id = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	json_t *root;

	if (!make_profile(&profile))
		return;
	profile_render_json(&profile, &text);
	root = json_loads(text.data, 0, NULL);
	if (!test_check(root != NULL))
		return;
	test_check_string(json_string_value(json_object_get(root, "row")), "fill");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(root, "seed")), 3);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(root, "region")), 16);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "functions")), 4);
	CU_ASSERT_EQUAL(json_number_value(json_object_get(json_object_get(root, "after"),
							  "instructions")), 1012750.5);
	test_check_string(json_string_value(json_object_get(json_array_get(
		json_object_get(root, "functions"), 1), "name")), "old_way");
	json_decref(root);
}

static void test_saves(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1);
	cleanup_profile struct profile profile = { .run_id = NULL };
	cleanup_free char *path = NULL, *text = NULL;
	cleanup_strbuf struct strbuf expected = STRBUF_INIT;
	struct error err = ERROR_INIT;

	run.id = string_copy("20261121-213000-quick");
	if (!store || !sample_store_begin(store, &run) || !make_profile(&profile) ||
	    !test_check(profile_save(store, &profile, &path, &err) == 0))
		return;
	test_check_contains(path,
			    "/20261121-213000-quick/profiles/patched-up-fallocate-fill-seed3.json");
	profile_render_json(&profile, &expected);
	CU_ASSERT_EQUAL(file_read(path, 1 << 20, &text, NULL), 0);
	test_check_string(text, expected.data);
}

/* --- which trials -------------------------------------------------------------------------------- */

static bool wants_profile; /* of the runs that are stored */

/* An exact run of seeds 1 and 2; the trials of seed 1 have this outcome, the others
 * passed. */
static struct run_store *store_exact_run(enum run_mode mode, enum outcome first)
{
	struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1);
	struct error err = ERROR_INIT;

	run.id = string_copy("20261121-213000-quick");
	run.mode = mode;
	run.exact = EXACT_POLICY_INIT;
	run.exact.profile = wants_profile;
	for (size_t i = 0; mode == MODE_EXACT && i < run.trials_count; i++)
		run.trials[i].seed = run.trials[i].block + 1;
	if (!store || !sample_store_begin(store, &run))
		return store;
	for (size_t i = 0; i < run.trials_count; i++) {
		cleanup_result struct trial_result result = sample_result(1, 1);
		int64_t id = run.trials[i].id;

		if (run.trials[i].block == 0 && first != OUTCOME_PASSED)
			trial_result_worsen(&result, first, "as the test wants it");
		CU_ASSERT_EQUAL(run_store_trial_started(store, id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, id, &result, "a=1\n", &err), 0);
	}
	test_check_string(err.message, "");
	return store;
}

/* Refused before any guest is run. */
static void check_refused(struct run_store *store, struct profile_request request, int code,
			  const char *part)
{
	const struct experiment_options options = { .uri = "embed" };
	cleanup_profile struct profile profile = { .run_id = NULL };
	struct error err = ERROR_INIT;

	request.options = &options;
	CU_ASSERT_EQUAL(profile_take(store, &request, &profile, &err), code);
	test_check_contains(err.message, part);
	CU_ASSERT_PTR_NULL(profile.run_id);
}

static void test_refuses_choices(void)
{
	cleanup_store struct run_store *store = store_exact_run(MODE_EXACT, OUTCOME_PASSED);
	struct profile_request request = { .run_id = "2026" };

	if (!store)
		return;
	check_refused(store, (struct profile_request){ .run_id = "2099" }, -ENOENT, "2099");
	check_refused(store, request, -EINVAL, "several cells: choose one of up/quick, numa/memory");
	request.variant = "stock";
	check_refused(store, request, -ENOENT, "no variant stock beside its baseline: expected "
		      "patched");
	request.variant = "patched";
	request.cell = "up/memory";
	check_refused(store, request, -ENOENT, "no cell up/memory: expected up/quick, numa/memory");
	request.cell = "up/quick";
	check_refused(store, request, -EINVAL, "several rows: choose one of first, second");
	request.row = "third";
	check_refused(store, request, -ENOENT, "no row third: expected first, second");
	request.row = "first";
	request.seed = 3;
	check_refused(store, request, -ENOENT, "no seed 3 with which both stock and patched passed");
	/* a choice that is right comes to the trial, whose fingerprint is made up */
	request.seed = 0;
	check_refused(store, request, -ENOENT, "its fingerprint does not name guest_image");
}

static void test_wants_trials_that_passed(void)
{
	cleanup_store struct run_store *store = store_exact_run(MODE_EXACT, OUTCOME_CRASHED);
	const struct profile_request request = { .run_id = "2026", .cell = "up/quick",
						 .row = "first", .seed = 1 };

	if (store)
		check_refused(store, request, -ENOENT,
			      "no seed 1 with which both stock and patched passed");
}

static void test_refuses_timed_runs(void)
{
	cleanup_store struct run_store *store = store_exact_run(MODE_TIMED, OUTCOME_PASSED);

	if (store)
		check_refused(store, (struct profile_request){ .run_id = "2026" }, -EINVAL,
			      "was in timed mode");
}

/* At the end of runs that did not ask for it, or in which nothing changed: nothing. */
static void test_is_silent_where_nothing_changed(void)
{
	static const struct { enum run_mode mode; bool profile; } runs[] = {
		{ MODE_TIMED, true }, { MODE_EXACT, false }, { MODE_EXACT, true },
	};

	for (size_t i = 0; i < ARRAY_COUNT(runs); i++) {
		cleanup_strbuf struct strbuf text = STRBUF_INIT;
		cleanup_free char *folder = NULL;
		struct experiment_options options = { .uri = "embed" };
		struct error err = ERROR_INIT;
		struct run_store *store;

		wants_profile = runs[i].profile;
		store = store_exact_run(runs[i].mode, OUTCOME_PASSED);
		wants_profile = false;
		if (!store)
			return;
		folder = string_copy(run_store_folder(store));
		run_store_close(store);
		options.results_dir = folder;
		CU_ASSERT_EQUAL(profile_run(&options, "2026", &text, &err), 0);
		test_check_string(err.message, "");
		test_check_string(text.data, "");
	}
}

static void test_end_of_an_unknown_run(void)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const struct experiment_options options = { .uri = "embed",
						    .results_dir = test_temp_folder() };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(profile_run(&options, "2026", &text, &err), -ENOENT);
}

TEST_SUITE("profile",
	   {"compares functions by source name", test_compares_functions_by_source_name},
	   {"strips what compilers add", test_strips_what_compilers_add},
	   {"refuses unlike profiles", test_refuses_unlike_profiles},
	   {"finds a row's region", test_finds_a_rows_region},
	   {"renders text", test_renders_text},
	   {"keeps to the width", test_keeps_to_the_width},
	   {"renders JSON", test_renders_json},
	   {"saves", test_saves},
	   {"refuses choices", test_refuses_choices},
	   {"wants trials that passed", test_wants_trials_that_passed},
	   {"refuses timed runs", test_refuses_timed_runs},
	   {"is silent where nothing changed", test_is_silent_where_nothing_changed},
	   {"the end of an unknown run", test_end_of_an_unknown_run})
