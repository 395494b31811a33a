/* test_walk.c - walks whose run is in the store already: what is judged against what,
 * the table, what is refused. Nothing is built or booted.
 */
#include "walk.h"

#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "render_walk.h"
#include "sample_project.h"
#include "sample_run.h"
#include "scheduler.h"
#include "test.h"

#define PATCH(subject) "Subject: [PATCH] " subject "\n\ntext\n"

static void cleanup_walk_(struct walk **walk)
{
	walk_free(*walk);
}

#define cleanup_walk cleanup_with(cleanup_walk_)

static struct place make_place(void)
{
	struct place place = place_make();

	place_write(place.root, "kernel/series/s/series", "1.patch\n2.patch\n3.patch\n4.patch\n",
		    0666);
	place_write(place.root, "kernel/series/s/1.patch", PATCH("mm: one"), 0666);
	place_write(place.root, "kernel/series/s/2.patch",
		    PATCH("mm: two, with a subject that is much longer than what is left of a "
			  "line of eighty columns"), 0666);
	place_write(place.root, "kernel/series/s/3.patch", PATCH("mm: three"), 0666);
	place_write(place.root, "kernel/series/s/4.patch", PATCH("mm: four"), 0666);
	return place;
}

static const struct walk_request plain = {
	.series = "s", .setting = { .campaign = "test" }, .blocks_count = 8,
};

/* --- a made-up run: p00, p01, p02 and p04; p03 does not build -------------------------------- */

static const char *const names[] = { "p00", "p01", "p02", "p04", "p00 (control)" };
#define NAMES_COUNT 5

static struct stored_row make_row(void)
{
	static const char *const metrics[] = { "turn_ns", "other_ns" };
	struct stored_row row = {
		.name = string_copy("spin"), .workload = string_copy("spin"),
		.arguments = string_copy(""),
		.metrics = memory_alloc_array(2, sizeof(*row.metrics)), .metrics_count = 2,
	};

	for (size_t i = 0; i < 2; i++)
		row.metrics[i] = (struct metric_info){ .name = string_copy(metrics[i]),
						       .unit = string_copy("ns"),
						       .meaning = string_copy("a time") };
	return row;
}

static struct stored_run make_run(const char *campaign, uint32_t blocks)
{
	struct stored_run run = {
		.campaign = string_copy(campaign), .campaign_file = string_copy("/x.yaml"),
		.seed = 1, .control = true, .control_variant = NAMES_COUNT - 1,
		.gate = { 2, 0.05, 0.95, CORRECTION_BENJAMINI_HOCHBERG },
		.accelerator = string_copy("tcg"), .accelerator_reason = string_copy("a test"),
		.variants = memory_alloc_array(NAMES_COUNT, sizeof(*run.variants)),
		.variants_count = NAMES_COUNT,
		.cells = memory_alloc_array(1, sizeof(*run.cells)), .cells_count = 1,
	};

	for (size_t i = 0; i < NAMES_COUNT; i++)
		run.variants[i] = (struct stored_variant){
			.label = string_copy(names[i]),
			.name = string_copy_n(names[i], 3), .kernel_key = string_copy("key"),
			.cmdline = string_copy(""),
		};
	run.cells[0] = (struct stored_cell){
		.guest = string_copy("tiny"), .suite = string_copy("turns"),
		.guest_record = string_copy("{}"),
		.rows = memory_alloc_array(1, sizeof(struct stored_row)), .rows_count = 1,
	};
	run.cells[0].rows[0] = make_row();
	scheduler_plan(&run, blocks);
	return run;
}

/* A figure below zero: that boot crashed. */
static void finish_trial(struct walk *walk, const struct stored_trial *trial,
			 const double *levels)
{
	struct trial_result result = TRIAL_RESULT_INIT;
	double noise = 1 + 0.0005 * (double)((int)(trial->order * 7919 % 11) - 5);
	struct error err = ERROR_INIT;

	result.rows = memory_alloc_array(1, sizeof(*result.rows));
	result.rows_count = 1;
	if (levels[trial->variant] < 0) {
		trial_result_worsen(&result, OUTCOME_CRASHED, "NULL pointer dereference in turn");
	} else {
		trial_result_add_sample(&result, 0, "turn_ns", 0, levels[trial->variant] * noise);
		trial_result_add_sample(&result, 0, "other_ns", 0, 500 * noise);
	}
	CU_ASSERT_EQUAL(run_store_trial_started(walk->store, trial->id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(walk->store, trial->id, &result, "a=1\n", &err),
			0);
	test_check_string(err.message, "");
	trial_result_release(&result);
}

/* What walk_go would have stored of a walk over kernels with these figures. */
static void store_run(struct walk *walk, const double *levels)
{
	cleanup_free char *campaign = string_format("walk-%s", walk->id);
	cleanup_with(stored_run_release) struct stored_run run = make_run(campaign, 8);
	struct error err = ERROR_INIT;

	json_object_set_new(walk->state, "made", json_pack(
		"[{s:s, s:s, s:s}, {s:s, s:s, s:s}, {s:s, s:s, s:s}, {s:s, s:s, s:s}, "
		"{s:s, s:s, s:s}]", "name", "p00", "what", "booted", "detail", "",
		"name", "p01", "what", "booted", "detail", "",
		"name", "p02", "what", "booted", "detail", "",
		"name", "p03", "what", "does not build", "detail", "mm/a.c:1: error",
		"name", "p04", "what", "booted", "detail", ""));
	if (!test_check(run_store_begin(walk->store, &run, &err) == 0))
		return;
	for (size_t i = 0; i < run.trials_count; i++)
		finish_trial(walk, &run.trials[i], levels);
	CU_ASSERT_EQUAL(run_store_set_state(walk->store, run.id, "finished", &err), 0);
}

static bool begin_and_go(const struct place *place, const double *levels, struct walk **ret)
{
	struct error err = ERROR_INIT;

	if (!test_check(walk_begin(&plain, &place->options, ret, &err) == 0)) {
		test_check_string(err.message, "");
		return false;
	}
	store_run(*ret, levels);
	if (test_check(walk_go(*ret, &err) == 0))
		return true;
	test_check_string(err.message, "");
	return false;
}

static char *text_of(const struct walk *walk)
{
	struct strbuf text = STRBUF_INIT;

	render_walk_text(walk, &text);
	for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1)
		CU_ASSERT_TRUE(strcspn(line, "\n") <= 80);
	return strbuf_detach(&text);
}

/* p02 costs 10 %, p04 (with p03) gives half of it back. */
static const double moving[] = { 1000, 1000, 1100, 1050, 1000 };
/* p02 does not live to say what it costs. */
static const double crashing[] = { 1000, 1000, -1, 1000, 1000 };
static const double still[] = { 1000, 1000, 1000, 1000, 1000 };
/* The baseline's own copy differs. */
static const double broken[] = { 1000, 1000, 1100, 1050, 1100 };

static const struct walk_entry *find(const struct walk *walk, const char *variant, bool is_step)
{
	for (size_t i = 0; i < walk->count; i++)
		if (!strcmp(walk->run.variants[walk->entries[i].variant].label, variant) &&
		    walk->entries[i].is_step == is_step && walk->entries[i].metric == 0)
			return &walk->entries[i];
	return NULL;
}

static void check_entry(const struct walk *walk, const char *variant, bool is_step,
			const char *against, enum verdict verdict, double ratio)
{
	const struct walk_entry *entry = find(walk, variant, is_step);

	if (!test_check(entry != NULL))
		return;
	test_check_string(walk->run.variants[entry->against].label, against);
	CU_ASSERT_EQUAL(entry->judged.verdict, verdict);
	CU_ASSERT_DOUBLE_EQUAL(entry->judged.ratio, ratio, 0.003);
}

static void test_judges_neighbours(void)
{
	cleanup_place struct place place = make_place();
	cleanup_walk struct walk *walk = NULL;

	if (!begin_and_go(&place, moving, &walk))
		return;
	/* 3 steps and 2 more against the first, of 2 metrics */
	CU_ASSERT_EQUAL(walk->count, 10);
	check_entry(walk, "p01", true, "p00", VERDICT_EQUIVALENT, 1);
	check_entry(walk, "p02", true, "p01", VERDICT_REGRESSED, 1.1);
	check_entry(walk, "p02", false, "p00", VERDICT_REGRESSED, 1.1);
	check_entry(walk, "p04", true, "p02", VERDICT_IMPROVED, 1050.0 / 1100);
	check_entry(walk, "p04", false, "p00", VERDICT_REGRESSED, 1.05);
	CU_ASSERT_PTR_NULL(find(walk, "p00 (control)", true));
	/* the baseline's copy counts with it */
	CU_ASSERT_EQUAL(find(walk, "p01", true)->judged.a_count, 16);
}

static void test_table(void)
{
	cleanup_place struct place place = make_place();
	cleanup_walk struct walk *walk = NULL;
	cleanup_free char *text = NULL;

	if (!begin_and_go(&place, moving, &walk))
		return;
	text = text_of(walk);
	test_check_contains(text, "p00  . . (no patch)\n");
	test_check_contains(text, "p01  = = mm: one\n");
	test_check_contains(text, "p02  R = mm: two, with a subject that is much longer");
	test_check_contains(text, "p03  . . does not build: mm: three\n");
	test_check_contains(text, "p04  I = mm: four\n");
	test_check_contains(text, "a  spin.turn_ns\nb  spin.other_ns\n");
	test_check_contains(text, "p02        spin.turn_ns regressed: +9.");
	test_check_contains(text, "all of it  spin.turn_ns regressed: +4.");
}

static void test_still(void)
{
	cleanup_place struct place place = make_place();
	cleanup_walk struct walk *walk = NULL;
	cleanup_free char *text = NULL;

	if (!begin_and_go(&place, still, &walk))
		return;
	text = text_of(walk);
	test_check_contains(text, "no patch moved a metric");
	CU_ASSERT_PTR_NULL(strstr(text, "all of it"));
	CU_ASSERT_PTR_NULL(strstr(text, "crashed"));
}

static void test_names_crashes(void)
{
	cleanup_place struct place place = make_place();
	cleanup_walk struct walk *walk = NULL;
	cleanup_free char *text = NULL;
	cleanup_strbuf struct strbuf json = STRBUF_INIT;
	const json_t *bad;
	json_t *root;

	if (!begin_and_go(&place, crashing, &walk))
		return;
	text = text_of(walk);
	test_check_contains(text, "\np02        crashed: NULL pointer dereference in turn (trial ");
	CU_ASSERT_PTR_NULL(strstr(text, "p01        crashed"));
	render_walk_json(walk, &json);
	root = json_loads(json.data, 0, NULL);
	bad = json_object_get(root, "bad_trials");
	CU_ASSERT_EQUAL(json_array_size(bad), 8);
	test_check_string(json_string_value(json_object_get(json_array_get(bad, 0), "variant")),
			  "p02");
	test_check_string(json_string_value(json_object_get(json_array_get(bad, 0), "outcome")),
			  "crashed");
	json_decref(root);
}

static void test_withholds(void)
{
	cleanup_place struct place place = make_place();
	cleanup_walk struct walk *walk = NULL;
	cleanup_free char *text = NULL;

	if (!begin_and_go(&place, broken, &walk))
		return;
	test_check_string(walk->withheld, "the A/A control was judged different");
	text = text_of(walk);
	test_check_contains(text, "withheld   the A/A control was judged different: no verdict");
	test_check_contains(text, "p02  x x mm: two");
	CU_ASSERT_PTR_NULL(strstr(text, "regressed: "));
}

static void test_json(void)
{
	cleanup_place struct place place = make_place();
	cleanup_walk struct walk *walk = NULL;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	json_t *root;

	if (!begin_and_go(&place, moving, &walk))
		return;
	render_walk_json(walk, &text);
	root = json_loads(text.data, 0, NULL);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "entries")), 10);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "made")), 5);
	CU_ASSERT_TRUE(json_is_null(json_object_get(root, "withheld")));
	json_decref(root);
}

static void test_resumes(void)
{
	cleanup_place struct place place = make_place();
	cleanup_walk struct walk *again = NULL;
	struct walk *walk = NULL;
	struct error err = ERROR_INIT;
	cleanup_free char *one = NULL, *two = NULL, *path = NULL;

	if (!begin_and_go(&place, moving, &walk))
		return;
	one = text_of(walk);
	/* what was built is noted before anything is booted */
	path = path_join(walk->folder, "state.json");
	CU_ASSERT_EQUAL(json_dump_file(walk->state, path, 0), 0);
	walk_free(walk);
	CU_ASSERT_EQUAL(walk_resume(NULL, &place.options, &again, &err), 0);
	if (!again || !test_check(walk_go(again, &err) == 0))
		return;
	two = text_of(again);
	test_check_string(two, one);
}

static void test_refuses(void)
{
	cleanup_place struct place place = make_place();
	cleanup_walk struct walk *walk = NULL;
	struct walk_request request = plain;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(walk_resume(NULL, &place.options, &walk, &err), -ENOENT);
	test_check_contains(err.message, "nothing to resume in ");
	CU_ASSERT_EQUAL(walk_resume("x", &place.options, &walk, &err), -ENOENT);
	test_check_contains(err.message, "no walk 'x'");
	request.from = "3";
	request.to = "3.patch";
	CU_ASSERT_EQUAL(walk_begin(&request, &place.options, &walk, &err), -EINVAL);
	test_check_contains(err.message, "from (p03) must come before to (p03)");
	request.to = "5";
	CU_ASSERT_EQUAL(walk_begin(&request, &place.options, &walk, &err), -ENOENT);
	test_check_contains(err.message, "'5' is no place in series s: expected 0..4");
	request = plain;
	request.series = "none";
	CU_ASSERT_EQUAL(walk_begin(&request, &place.options, &walk, &err), -ENOENT);
	test_check_contains(err.message, "no patch series 'none'");
	place_write(place.root, "kernel/series/empty/series", "# none yet\n", 0666);
	request.series = "empty";
	CU_ASSERT_EQUAL(walk_begin(&request, &place.options, &walk, &err), -EINVAL);
	test_check_contains(err.message, "series empty has no patch");
	CU_ASSERT_PTR_NULL(walk);
}

TEST_SUITE("walk",
	   {"judges neighbours", test_judges_neighbours},
	   {"table", test_table},
	   {"nothing moves", test_still},
	   {"boots that did not live", test_names_crashes},
	   {"withholds verdicts", test_withholds},
	   {"JSON", test_json},
	   {"resumes", test_resumes},
	   {"refuses", test_refuses})
