/* test_bisect.c - bisections whose runs are in the store already: reading them, the
 * answer, what is refused, resuming. Nothing is built or booted.
 */
#include "bisect.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "render_bisect.h"
#include "sample_project.h"
#include "sample_run.h"
#include "scheduler.h"
#include "test.h"

#define PATCH(subject)                                                                  \
	"From: t\nSubject: [PATCH] " subject "\n\ntext\n---\n"                           \
	"--- a/a.c\n+++ b/a.c\n@@ -1 +1 @@\n-a\n+b\n"

static void cleanup_bisect_(struct bisect **bisect)
{
	bisect_free(*bisect);
}

#define cleanup_bisect cleanup_with(cleanup_bisect_)

static struct place make_place(void)
{
	struct place place = place_make();

	place_write(place.root, "kernel/series/s/series", "0001-one.patch\n0002-two.patch\n"
		    "0003-three.patch\n", 0666);
	place_write(place.root, "kernel/series/s/0001-one.patch", PATCH("mm: the first"), 0666);
	place_write(place.root, "kernel/series/s/0002-two.patch",
		    PATCH("mm: the second,\n of two lines"), 0666);
	place_write(place.root, "kernel/series/s/0003-three.patch", PATCH("mm: the third"), 0666);
	return place;
}

static const struct bisect_request plain = {
	.good = "0", .bad = "3", .metric = "spin.turn_ns", .series = "s",
	.setting = { .campaign = "test" },
};

static bool begin(const struct place *place, const struct bisect_request *request,
		  struct bisect **ret)
{
	struct error err = ERROR_INIT;

	if (test_check(bisect_begin(request, &place->options, ret, &err) == 0))
		return true;
	test_check_string(err.message, "");
	return false;
}

/* --- made-up runs ----------------------------------------------------------------------- */

/* What a boot of each kernel takes; 0: it crashes. */
struct levels {
	double of[4]; /* p00 .. p03 */
};

/* with a second copy of the first position where `control` is true */
static struct stored_run make_run(const struct bisect *bisect, const char *campaign,
				  const size_t *positions, size_t count, uint32_t blocks,
				  bool control)
{
	struct stored_run run = {
		.campaign = string_copy(campaign), .campaign_file = string_copy("/x.yaml"),
		.seed = 1, .control = control, .control_variant = control ? (int64_t)count - 1 : -1,
		.gate = { 1, 0.05, 0.95, CORRECTION_NONE },
		.accelerator = string_copy("tcg"), .accelerator_reason = string_copy("a test"),
		.variants = memory_alloc_array(count, sizeof(*run.variants)),
		.variants_count = count,
		.cells = memory_alloc_array(1, sizeof(*run.cells)), .cells_count = 1,
	};
	struct stored_row *row = memory_alloc_array(1, sizeof(*row));

	for (size_t i = 0; i < count; i++)
		run.variants[i] = (struct stored_variant){
			.label = string_format("%s%s", bisect->row.items[positions[i]].name,
					       control && i + 1 == count ? " (control)" : ""),
			.name = string_copy(bisect->row.items[positions[i]].name),
			.kernel_key = string_copy("key"), .cmdline = string_copy(""),
		};
	row->name = string_copy("spin");
	row->workload = string_copy("spin");
	row->arguments = string_copy("");
	row->metrics = memory_alloc_array(1, sizeof(*row->metrics));
	row->metrics_count = 1;
	row->metrics[0] = (struct metric_info){ .name = string_copy("turn_ns"),
						.unit = string_copy("ns"),
						.meaning = string_copy("one turn") };
	run.cells[0] = (struct stored_cell){ .guest = string_copy("tiny"),
					     .suite = string_copy("turns"),
					     .guest_record = string_copy("{}"), .rows = row,
					     .rows_count = 1 };
	scheduler_plan(&run, blocks);
	return run;
}

static void finish_trial(struct bisect *bisect, const struct stored_trial *trial, double level)
{
	struct trial_result result = TRIAL_RESULT_INIT;
	/* a little noise, the same in every run of this test */
	double noise = 1 + 0.0003 * (double)((int)(trial->order * 7919 % 11) - 5);
	struct error err = ERROR_INIT;

	result.rows = memory_alloc_array(1, sizeof(*result.rows));
	result.rows_count = 1;
	if (level > 0) {
		trial_result_add_sample(&result, 0, "turn_ns", 0, level * noise);
	} else {
		result.outcome = OUTCOME_CRASHED;
		result.reason = string_copy("kernel panic: made up");
		result.rows[0].outcome = OUTCOME_CRASHED;
	}
	CU_ASSERT_EQUAL(run_store_trial_started(bisect->store, trial->id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(bisect->store, trial->id, &result, "a=1\n",
						 &err), 0);
	test_check_string(err.message, "");
	trial_result_release(&result);
}

/* copy: what a boot of the second copy of the last position, which is the first one
 * again, takes; 0: there is none. */
static void add_run_with(struct bisect *bisect, const char *kind, const size_t *positions,
			 size_t count, uint32_t blocks, const struct levels *levels, double copy)
{
	json_t *runs = json_object_get(bisect->state, "runs"), *names = json_array();
	cleanup_free char *campaign = NULL;
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	struct error err = ERROR_INIT;

	if (!runs) {
		runs = json_array();
		json_object_set_new(bisect->state, "runs", runs);
	}
	campaign = string_format("bisect-test-%zu", json_array_size(runs));
	run = make_run(bisect, campaign, positions, count, blocks, copy > 0);
	if (!test_check(run_store_begin(bisect->store, &run, &err) == 0))
		return;
	for (size_t i = 0; i < run.trials_count; i++)
		finish_trial(bisect, &run.trials[i],
			     (int64_t)run.trials[i].variant == run.control_variant ? copy :
			     levels->of[positions[run.trials[i].variant]]);
	CU_ASSERT_EQUAL(run_store_set_state(bisect->store, run.id, "finished", &err), 0);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(names,
				      json_string(bisect->row.items[positions[i]].name));
	json_array_append_new(runs, json_pack("{s:s, s:s, s:o, s:i, s:i, s:s}", "campaign",
					      campaign, "kind", kind, "positions", names, "blocks",
					      (int)blocks, "seed", 1, "run", run.id));
}

static void add_run(struct bisect *bisect, const char *kind, const size_t *positions,
		    size_t count, uint32_t blocks, const struct levels *levels)
{
	add_run_with(bisect, kind, positions, count, blocks, levels, 0);
}

static const size_t ends[] = { 0, 3 }, twice[] = { 0, 3, 0 }, first[] = { 0, 3, 1 }, second[] = { 0, 3, 2 },
	pair[] = { 1, 2 };

/* All that is needed to know that the second patch did it. */
static void add_whole(struct bisect *bisect, const struct levels *levels)
{
	add_run(bisect, "ends", ends, 2, 4, levels);
	add_run(bisect, "step", second, 3, 4, levels);
	add_run(bisect, "step", first, 3, 4, levels);
}

static void check_text(const struct bisect *bisect, const char *part)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	render_bisect_text(bisect, &text);
	test_check_contains(text.data, part);
	for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1)
		CU_ASSERT_TRUE(strcspn(line, "\n") <= 80);
}

static bool go(struct bisect *bisect)
{
	struct error err = ERROR_INIT;

	if (test_check(bisect_go(bisect, &err) == 0))
		return true;
	test_check_string(err.message, "");
	return false;
}

/* --- answers ------------------------------------------------------------------------------- */

static void test_finds(void)
{
	static const struct levels levels = { { 1000, 1000, 1050, 1050 } };
	cleanup_place struct place place = make_place();
	cleanup_bisect struct bisect *bisect = NULL;

	if (!begin(&place, &plain, &bisect))
		return;
	add_whole(bisect, &levels);
	add_run(bisect, "check", pair, 2, 4, &levels);
	if (!go(bisect))
		return;
	CU_ASSERT_EQUAL(bisect->answer, BISECT_FOUND);
	CU_ASSERT_EQUAL(bisect_exit(bisect), GATE_PASS);
	CU_ASSERT_EQUAL(bisect->next.first, 2);
	CU_ASSERT_TRUE(bisect->next.probability >= 0.95);
	CU_ASSERT_EQUAL(bisect->check.blocks, 4);
	CU_ASSERT_DOUBLE_EQUAL(bisect->check.figures.ratio, 1.05, 0.002);
	check_text(bisect, "first bad  p02 0002-two.patch: mm: the second, of two lines");
	check_text(bisect, " of the change\n");
}

static void test_check_can_fail(void)
{
	static const struct levels levels = { { 1000, 1000, 1050, 1050 } };
	static const struct levels alike = { { 1000, 1000, 1000, 1000 } };
	cleanup_place struct place place = make_place();
	cleanup_bisect struct bisect *bisect = NULL;

	if (!begin(&place, &plain, &bisect))
		return;
	add_whole(bisect, &levels);
	add_run(bisect, "check", pair, 2, 4, &alike);
	if (!go(bisect))
		return;
	CU_ASSERT_EQUAL(bisect->answer, BISECT_NOT_SEEN_AGAIN);
	CU_ASSERT_EQUAL(bisect_exit(bisect), GATE_INCONCLUSIVE);
	check_text(bisect, "the check did not show it again");
}

static void test_tells_of_a_second_change(void)
{
	static const struct levels levels = { { 1000, 1018, 1050, 1050 } };
	cleanup_place struct place place = make_place();
	cleanup_bisect struct bisect *bisect = NULL;

	if (!begin(&place, &plain, &bisect))
		return;
	add_whole(bisect, &levels);
	add_run(bisect, "check", pair, 2, 4, &levels);
	if (!go(bisect))
		return;
	CU_ASSERT_EQUAL(bisect->answer, BISECT_FOUND);
	check_text(bisect, "a kernel is neither like good nor like bad");
	check_text(bisect, "this is not the whole change");
}

static void test_ends_are_alike(void)
{
	static const struct levels levels = { { 1000, 1000, 1000, 1000 } };
	cleanup_place struct place place = make_place();
	cleanup_bisect struct bisect *bisect = NULL;

	if (!begin(&place, &plain, &bisect))
		return;
	add_run(bisect, "ends", ends, 2, 12, &levels);
	if (!go(bisect))
		return;
	CU_ASSERT_EQUAL(bisect->answer, BISECT_ALIKE);
	CU_ASSERT_EQUAL(bisect_exit(bisect), GATE_INCONCLUSIVE);
	check_text(bisect, "the smallest change that this");
}

static void test_control(void)
{
	static const struct levels levels = { { 1000, 1000, 1050, 1050 } };
	cleanup_place struct place place = make_place();
	cleanup_bisect struct bisect *good = NULL, *broken = NULL;

	if (!begin(&place, &plain, &broken) || !begin(&place, &plain, &good))
		return;
	add_run_with(broken, "ends", twice, 3, 6, &levels, 1030);
	if (!go(broken))
		return;
	CU_ASSERT_EQUAL(broken->answer, BISECT_CONTROL);
	CU_ASSERT_EQUAL(bisect_exit(broken), GATE_INCONCLUSIVE);
	check_text(broken, "withheld   the A/A control fired: good and its second copy differ by");
	/* a copy that is alike counts as one more boot of good */
	add_run_with(good, "ends", twice, 3, 4, &levels, 1000);
	add_run(good, "step", second, 3, 4, &levels);
	add_run(good, "step", first, 3, 4, &levels);
	add_run(good, "check", pair, 2, 4, &levels);
	if (!go(good))
		return;
	CU_ASSERT_EQUAL(good->answer, BISECT_FOUND);
	CU_ASSERT_EQUAL(good->control.blocks, 4);
	CU_ASSERT_EQUAL(good->tries[0], 16);
}

static void test_a_check_without_figures(void)
{
	static const struct levels levels = { { 1000, 1000, 950, 950 } };
	static const struct levels dead = { { 0, 0, 0, 0 } };
	cleanup_place struct place place = make_place();
	cleanup_bisect struct bisect *bisect = NULL;

	if (!begin(&place, &plain, &bisect))
		return;
	add_whole(bisect, &levels);
	add_run(bisect, "check", pair, 2, 4, &dead);
	if (!go(bisect))
		return;
	CU_ASSERT_EQUAL(bisect->answer, BISECT_NOT_SEEN_AGAIN);
	check_text(bisect, "its boots gave no figures");
}

static void test_skips_what_does_not_boot(void)
{
	static const struct levels levels = { { 1000, 1000, 0, 1050 } };
	cleanup_place struct place place = make_place();
	cleanup_bisect struct bisect *bisect = NULL;

	if (!begin(&place, &plain, &bisect))
		return;
	add_whole(bisect, &levels);
	if (!go(bisect))
		return;
	CU_ASSERT_EQUAL(bisect->answer, BISECT_NARROWED);
	CU_ASSERT_EQUAL(bisect->next.first, 2);
	CU_ASSERT_EQUAL(bisect->next.last, 3);
	check_text(bisect, "skipped    p02: crashed: kernel panic: made up");
	check_text(bisect, "between p02 and p03");
}

static void test_budget(void)
{
	static const struct levels levels = { { 1000, 1000, 1050, 1050 } };
	struct bisect_request request = plain;
	cleanup_place struct place place = make_place();
	cleanup_bisect struct bisect *bisect = NULL;

	request.budget_minutes = 1;
	if (!begin(&place, &request, &bisect))
		return;
	json_object_set_new(bisect->state, "spent_ms", json_integer(60000));
	add_run(bisect, "ends", ends, 2, 6, &levels);
	if (!go(bisect))
		return;
	CU_ASSERT_EQUAL(bisect->answer, BISECT_BUDGET);
	check_text(bisect, "the budget is spent");
}

/* --- resuming --------------------------------------------------------------------------------- */

static int resume(const struct place *place, const char *id, const char *message)
{
	cleanup_bisect struct bisect *bisect = NULL;
	struct error err = ERROR_INIT;
	int code = bisect_resume(id, 0, &place->options, &bisect, &err);

	test_check_contains(err.message, message);
	return code;
}

static void test_resumes(void)
{
	static const struct levels levels = { { 1000, 1000, 1050, 1050 } };
	cleanup_place struct place place = make_place();
	cleanup_bisect struct bisect *again = NULL;
	cleanup_free char *id = NULL;
	struct bisect *bisect = NULL;
	struct error err = ERROR_INIT;

	if (!begin(&place, &plain, &bisect))
		return;
	add_whole(bisect, &levels);
	add_run(bisect, "check", pair, 2, 4, &levels);
	id = string_copy(bisect->id);
	CU_ASSERT_EQUAL(resume(&place, id, "another kerngate is at work on it"), -EBUSY);
	CU_ASSERT_TRUE(go(bisect));
	bisect_free(bisect);
	CU_ASSERT_EQUAL(bisect_resume(NULL, 5, &place.options, &again, &err), 0);
	test_check_string(err.message, "");
	if (!again || !go(again))
		return;
	test_check_string(again->id, id);
	CU_ASSERT_EQUAL(again->answer, BISECT_FOUND);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(again->state, "runs")), 4);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(again->state, "budget_minutes")), 5);
}

static void test_refuses_to_resume(void)
{
	cleanup_place struct place place = make_place();
	cleanup_free char *id = NULL, *path = NULL;
	struct bisect *bisect = NULL;

	CU_ASSERT_EQUAL(resume(&place, NULL, "nothing to resume in "), -ENOENT);
	if (!begin(&place, &plain, &bisect))
		return;
	id = string_copy(bisect->id);
	path = string_format("bisect/%s/state.json", id);
	bisect_free(bisect);
	CU_ASSERT_EQUAL(resume(&place, "20000101-000000", "no bisection '20000101-000000'"),
			-ENOENT);
	CU_ASSERT_EQUAL(resume(&place, "../bisect", "no bisection '../bisect'"), -ENOENT);
	place_write(place.root, "kernel/series/s/0002-two.patch", PATCH("mm: another"), 0666);
	CU_ASSERT_EQUAL(resume(&place, id, "p02 (0002-two.patch) is not what it was"), -ESTALE);
	place_write(place.root, "kernel/series/s/series", "0001-one.patch\n0002-two.patch\n", 0666);
	CU_ASSERT_EQUAL(resume(&place, id, "'3' is no place in series s: expected 0..2"), -ENOENT);
	place_write(place.results, path, "{\"format\": 2}", 0666);
	CU_ASSERT_EQUAL(resume(&place, id, "of a newer kerngate (format 2"), -EPROTO);
	place_write(place.results, path, "{\"format\": 1, \"good\": \"0\"}", 0666);
	CU_ASSERT_EQUAL(resume(&place, id, "damaged"), -EBADMSG);
	place_write(place.results, path, "{", 0666);
	CU_ASSERT_TRUE(resume(&place, id, "state.json") < 0);
}

/* --- refusals ------------------------------------------------------------------------------------ */

static void refuse(const struct place *place, const struct bisect_request *request, int code,
		   const char *message)
{
	cleanup_bisect struct bisect *bisect = NULL;
	cleanup_free char *folder = path_join(place->results, "bisect");
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(bisect_begin(request, &place->options, &bisect, &err), code);
	test_check_contains(err.message, message);
	/* nothing is left behind */
	CU_ASSERT_FALSE(path_exists(folder));
}

#define REFUSE(member, value, code, message)                                            \
	do {                                                                            \
		struct bisect_request changed_ = plain;                                 \
		changed_.member = (value);                                              \
		refuse(&place, &changed_, code, message);                               \
	} while (0)

static void test_refuses(void)
{
	cleanup_place struct place place = make_place();

	REFUSE(series, "t", -ENOENT, "no patch series 't': expected the file ");
	REFUSE(bad, "4", -ENOENT, "'4' is no place in series s: expected 0..3");
	REFUSE(bad, "0002-tow.patch", -ENOENT, "(did you mean '0002-two.patch'?)");
	REFUSE(good, "3", -EINVAL, "good (p03) must come before bad (p03)");
	REFUSE(metric, "turn_ms", -ENOENT, "no metric 'turn_ms' in suite turns, timed mode: "
					   "expected one of spin.turn_ns");
	REFUSE(metric, "spun.turn_ns", -ENOENT, "no metric 'spun.turn_ns'");
	REFUSE(setting.campaign, "tset", -ENOENT, "did you mean 'test'?");
	REFUSE(setting.variant, "othre", -ENOENT, "did you mean 'other'?");
	REFUSE(setting.guest, "tinny", -ENOENT, "no guest 'tinny'");
	REFUSE(setting.suite, "turn", -ENOENT, "no suite 'turn'");
	REFUSE(setting.mode, "quick", -EINVAL, "mode 'quick': expected timed or exact");
}

static void test_takes_names(void)
{
	struct bisect_request request = plain;
	cleanup_place struct place place = make_place();
	cleanup_bisect struct bisect *bisect = NULL;

	request.good = "0001-one";
	request.bad = "p03";
	request.metric = "turn_ns";
	if (!begin(&place, &request, &bisect))
		return;
	CU_ASSERT_EQUAL(bisect->good, 1);
	CU_ASSERT_EQUAL(bisect->model.last, 2);
	test_check_string(bisect->suite_row, "spin");
	CU_ASSERT_EQUAL(bisect->model.effect, 0.01);
}

static void test_an_end_cannot_be_skipped(void)
{
	cleanup_place struct place place = make_place();
	cleanup_bisect struct bisect *bisect = NULL;
	struct error err = ERROR_INIT;

	if (!begin(&place, &plain, &bisect))
		return;
	add_run(bisect, "ends", ends, 2, 4, &(struct levels){ { 0, 0, 0, 1000 } });
	CU_ASSERT_EQUAL(bisect_go(bisect, &err), -ENODATA);
	test_check_contains(err.message, "p00 gave 0 figures of spin.turn_ns in 4 boots: crashed");
	test_check_contains(err.message, "go on with: kerngate bisect --resume ");
}

TEST_SUITE("bisect",
	   {"finds", test_finds},
	   {"the check can fail", test_check_can_fail},
	   {"tells of a second change", test_tells_of_a_second_change},
	   {"ends are alike", test_ends_are_alike},
	   {"control", test_control},
	   {"a check without figures", test_a_check_without_figures},
	   {"skips what does not boot", test_skips_what_does_not_boot},
	   {"budget", test_budget},
	   {"resumes", test_resumes},
	   {"refuses to resume", test_refuses_to_resume},
	   {"refuses", test_refuses},
	   {"takes names", test_takes_names},
	   {"an end cannot be skipped", test_an_end_cannot_be_skipped})
