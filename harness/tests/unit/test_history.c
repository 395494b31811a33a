/* test_history.c - series over made-up nights: figures, gaps, other conditions, runs
 * without a metric, changes and what was confirmed of them.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "history.h"
#include "history_render.h"
#include "history_run.h"
#include "memory.h"
#include "run_store_history.h"
#include "sample_run.h"
#include "test.h"

struct loaded {
	struct history_series *series;
	size_t count;
};

static void loaded_release(struct loaded *loaded)
{
	history_free(loaded->series, loaded->count);
}

#define cleanup_loaded cleanup_with(loaded_release)

static struct loaded load(struct run_store *store, const char *metric, uint32_t runs_max)
{
	const struct history_key key = { .metric = metric, .guest = "up" };
	struct loaded loaded = { .series = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(history_load(store, &key, runs_max, &loaded.series, &loaded.count, &err),
			0);
	test_check_string(err.message, "");
	return loaded;
}

/* By hand: medians of the boots are value + 0.5 (samples value, value + 1); of two
 * boots the geometric mean and exp(mean -+ t(0.975; 1) x sd / sqrt(2)). */
static void test_figures(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_loaded struct loaded loaded = { .series = NULL };
	const struct history_night night = { .number = 3, .factor = 2 };
	const struct history_point *point;
	struct stored_samples *samples = NULL;
	struct error err = ERROR_INIT;
	double logs[2] = { 0 }, half;
	size_t count = 0, of = 0;

	if (!store || !history_night_store(store, &night))
		return;
	loaded = load(store, "first.fallocate_ns", 0);
	if (!test_check(loaded.count == 1) || !test_check(loaded.series[0].points_count == 1))
		return;
	test_check_string(loaded.series[0].variant, "patched");
	test_check_string(loaded.series[0].campaign, "quick");
	CU_ASSERT_DOUBLE_EQUAL(loaded.series[0].minimum_effect, 0.0125, 1e-12);
	point = &loaded.series[0].points[0];
	CU_ASSERT_EQUAL(run_store_samples(store, point->run_id, 0, 0, "fallocate_ns", &samples,
					  &count, &err), 0);
	for (size_t i = 0; i < count; i++)
		if (samples[i].variant == 1 && of < 2)
			logs[of++] = log((samples[i].values[0] + samples[i].values[1]) / 2);
	stored_samples_free(samples, count);
	CU_ASSERT_EQUAL(of, 2);
	half = 12.706205 * fabs(logs[1] - logs[0]) / sqrt(2) / sqrt(2);
	CU_ASSERT_DOUBLE_EQUAL(log(point->center), (logs[0] + logs[1]) / 2, 1e-12);
	CU_ASSERT_DOUBLE_EQUAL(log(point->low), log(point->center) - half, 1e-6);
	CU_ASSERT_DOUBLE_EQUAL(log(point->high), log(point->center) + half, 1e-6);
	CU_ASSERT_EQUAL(point->boots_count, 2);
}

/* Both copies of the baseline are its boots; its control copy is no series. */
static void test_series(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	const struct history_key any = { .metric = NULL };
	const struct history_key stock = { .metric = "fallocate_ns", .variant = "stock" };
	struct history_series *series = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	if (!store || !history_nights_store(store, 2, 9, 1))
		return;
	CU_ASSERT_EQUAL(history_load(store, &any, 0, &series, &count, &err), 0);
	CU_ASSERT_EQUAL(count, 2 * 2 * 2 * 2);
	history_free(series, count);
	CU_ASSERT_EQUAL(history_load(store, &stock, 0, &series, &count, &err), 0);
	if (test_check(count == 4))
		CU_ASSERT_EQUAL(series[0].points[1].boots_count, 4);
	history_free(series, count);
}

static void test_change(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_loaded struct loaded loaded = { .series = NULL }, newest = { .series = NULL };
	cleanup_free char *before = history_night_id(13), *after = history_night_id(14);
	const struct history_series *series;

	if (!store || !history_nights_store(store, 20, 14, 1.05))
		return;
	loaded = load(store, "second.fallocate_ns", 0);
	if (!test_check(loaded.count == 1))
		return;
	series = &loaded.series[0];
	CU_ASSERT_EQUAL(series->points_count, 20);
	if (!test_check(series->changes_count == 1))
		return;
	test_check_string(series->points[series->changes[0].before].run_id, before);
	test_check_string(series->points[series->changes[0].index].run_id, after);
	CU_ASSERT_DOUBLE_EQUAL(series->changes[0].ratio, 1.05, 0.002);
	CU_ASSERT_EQUAL(series->changes[0].state, CHANGE_SUSPECTED);
	CU_ASSERT_TRUE(history_change_is_worse(series, &series->changes[0]));
	newest = load(store, "second.fallocate_ns", 6);
	if (test_check(newest.count == 1)) {
		CU_ASSERT_EQUAL(newest.series[0].points_count, 6);
		CU_ASSERT_EQUAL(newest.series[0].changes_count, 0);
	}
}

/* Nights 5 to 7 did not run; night 9 has no such row; from night 12 on another host. */
static bool store_marked(struct run_store *store)
{
	static const char other[] = "accelerator=tcg\nguest=up 0\nhost.cpu=B\nkerngate=1\n";

	for (uint32_t i = 0; i < 26; i++) {
		const struct history_night night = {
			.number = i, .factor = i < 12 ? 1 : 1.2,
			.fingerprint = i < 12 ? NULL : other,
		};
		cleanup_run struct stored_run run = history_night_make(&night);

		if (i >= 5 && i <= 7)
			continue;
		if (i == 9) {
			free(run.cells[0].rows[0].name);
			run.cells[0].rows[0].name = string_copy("renamed");
		}
		if (!history_night_finish(store, &run, &night))
			return false;
	}
	return true;
}

static void test_marks(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_loaded struct loaded loaded = { .series = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const struct history_series *series;
	struct error err = ERROR_INIT;

	if (!store || !store_marked(store))
		return;
	loaded = load(store, "first.fallocate_ns", 0);
	if (!test_check(loaded.count == 1) || !test_check(loaded.series[0].points_count == 23))
		return;
	series = &loaded.series[0];
	for (size_t i = 0; i < 23; i++) {
		CU_ASSERT_EQUAL(series->points[i].skipped_count, i == 5 ? 3 : 0);
		CU_ASSERT_EQUAL(isnan(series->points[i].center) != 0, i == 6);
		CU_ASSERT_EQUAL(series->points[i].is_unlike, i == 9);
	}
	/* 20 % lie on a change of conditions: no change of the kernel */
	CU_ASSERT_EQUAL(series->changes_count, 0);
	CU_ASSERT_EQUAL(history_render_text(store, series, NULL, &text, &err), 0);
	test_check_contains(text.data, "changes: none");
	test_check_contains(text.data, "gap: about 3 runs are missing before it");
	test_check_contains(text.data, "this run of the campaign did not measure it");
	test_check_contains(text.data, "other conditions than before: not compared across");
	test_check_contains(text.data, "    host.cpu: \"A\" -> \"B\"\n");
}

/* Boots of one run that do not agree belong to no stretch. */
static void test_mixed_conditions(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_loaded struct loaded loaded = { .series = NULL };
	const struct history_night night = { .number = 1, .factor = 1 };
	cleanup_run struct stored_run run = history_night_make(&night);
	struct error err = ERROR_INIT;

	if (!store || !sample_store_begin(store, &run))
		return;
	for (size_t i = 0; i < run.trials_count; i++) {
		cleanup_result struct trial_result result = sample_result(1, 5);

		CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[i].id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[i].id, &result,
							 run.trials[i].block ? "a=1\n" : "a=2\n",
							 &err), 0);
	}
	CU_ASSERT_EQUAL(run_store_set_state(store, run.id, "finished", &err), 0);
	loaded = load(store, "first.fallocate_ns", 0);
	if (test_check(loaded.count == 1)) {
		CU_ASSERT_TRUE(loaded.series[0].points[0].is_unlike);
		CU_ASSERT_EQUAL(loaded.series[0].points[0].conditions, 0);
	}
}

/* Every boot's time is 0: no geometric mean, and so a point without a figure. */
static bool store_zeros(struct run_store *store, const struct history_night *night)
{
	cleanup_run struct stored_run run = history_night_make(night);
	struct error err = ERROR_INIT;

	if (!sample_store_begin(store, &run))
		return false;
	for (size_t i = 0; i < run.trials_count; i++) {
		cleanup_result struct trial_result result = sample_result(1, 5);

		for (size_t k = 0; k < result.samples_count; k++)
			result.samples[k].value = 0;
		CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[i].id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[i].id, &result,
							 HISTORY_FINGERPRINT, &err), 0);
	}
	return !run_store_set_state(store, run.id, "finished", &err);
}

/* A unit or direction that changes begins another series; zeros have no figure;
 * unfinished runs none at all. */
static void test_odd(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_loaded struct loaded loaded = { .series = NULL };
	const struct history_night first = { .number = 0, .factor = 1 },
				   second = { .number = 1, .factor = 1 },
				   third = { .number = 2, .factor = 1 };
	cleanup_run struct stored_run run = history_night_make(&second);
	cleanup_run struct stored_run unfinished = sample_run(1, 1);

	free(run.cells[0].rows[0].metrics[0].unit);
	run.cells[0].rows[0].metrics[0].unit = string_copy("us");
	if (!store || !history_night_store(store, &first) ||
	    !history_night_finish(store, &run, &second) || !store_zeros(store, &third) ||
	    !sample_store_begin(store, &unfinished))
		return;
	loaded = load(store, "first.fallocate_ns", 0);
	if (!test_check(loaded.count == 2))
		return;
	test_check_string(loaded.series[0].info.unit, "ns");
	/* a night in another unit lies between the two */
	if (test_check(loaded.series[0].points_count == 3)) {
		CU_ASSERT_EQUAL(loaded.series[0].points[1].boots_count, 0);
		CU_ASSERT_EQUAL(loaded.series[0].points[2].boots_count, 2);
		CU_ASSERT_TRUE(isnan(loaded.series[0].points[2].center));
	}
	test_check_string(loaded.series[1].info.unit, "us");
	CU_ASSERT_EQUAL(loaded.series[1].points_count, 1);
}

static void check_passing(const char *campaign)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	const struct history_key any = { .metric = NULL }, named = { .campaign = campaign };
	const struct history_night night = { .number = 1, .factor = 1 };
	cleanup_run struct stored_run run = history_night_make(&night);
	struct history_series *series = NULL;
	struct error err = ERROR_INIT;
	size_t count = 1;

	free(run.campaign);
	run.campaign = string_copy(named.campaign);
	if (!store || !history_night_finish(store, &run, &night))
		return;
	CU_ASSERT_EQUAL(history_load(store, &any, 0, &series, &count, &err), 0);
	CU_ASSERT_EQUAL(count, 0);
	history_free(series, count);
	CU_ASSERT_EQUAL(history_load(store, &named, 0, &series, &count, &err), 0);
	CU_ASSERT_EQUAL(count, 16);
	history_free(series, count);
}

/* Runs that settle changes, look for where they came from or try patches are no nights. */
static void test_confirming_runs(void)
{
	check_passing("confirm-0123456789ab");
	check_passing("bisect-20261122-100000-1-ends");
	check_passing("walk-20261122-100000");
	check_passing("ab-20261122-100000");
	CU_ASSERT_FALSE(history_is_passing("abc"));
	CU_ASSERT_FALSE(history_is_passing("nightly"));
}

/* Half of the boots passed: a share, not a geometric mean. */
static void test_outcome(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_loaded struct loaded loaded = { .series = NULL };
	const struct history_night night = { .number = 1, .factor = 1 };
	cleanup_run struct stored_run run = history_night_make(&night);
	struct metric_info *metric = &run.cells[0].rows[0].metrics[0];
	struct error err = ERROR_INIT;

	metric->kind = METRIC_OUTCOME;
	metric->better = BETTER_HIGHER;
	if (!store || !sample_store_begin(store, &run))
		return;
	for (size_t i = 0; i < run.trials_count; i++) {
		cleanup_result struct trial_result result = sample_result(2, 1);

		/* one sample that is 0 is enough to fail */
		result.samples[0].value = run.trials[i].block;
		for (size_t k = 1; k < result.samples_count; k++)
			result.samples[k].value = 1;
		CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[i].id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[i].id, &result,
							 HISTORY_FINGERPRINT, &err), 0);
	}
	CU_ASSERT_EQUAL(run_store_set_state(store, run.id, "finished", &err), 0);
	loaded = load(store, "first.fallocate_ns", 0);
	if (!test_check(loaded.count == 1))
		return;
	CU_ASSERT_EQUAL(loaded.series[0].info.kind, METRIC_OUTCOME);
	CU_ASSERT_EQUAL(loaded.series[0].points[0].center, 0.5);
	/* Clopper and Pearson for 1 of 2: 1 - sqrt(0.975) and sqrt(0.975) */
	CU_ASSERT_DOUBLE_EQUAL(loaded.series[0].points[0].low, 1 - sqrt(0.975), 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(loaded.series[0].points[0].high, sqrt(0.975), 1e-9);
}

/* --- confirmations ------------------------------------------------------------------- */

static void put(struct run_store *store, const struct history_series *series, uint32_t before,
		uint32_t after, const char *state)
{
	cleanup_free char *a = history_night_id(before), *b = history_night_id(after);
	const struct stored_confirmation confirmation = {
		.run_before = a, .run_after = b, .state = (char *)state, .ratio = 1.05, .p = 0.001,
		.run = NULL, .reason = (char *)"because",
	};
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_store_put_confirmation(store, series->id, &confirmation, &err), 0);
	test_check_string(err.message, "");
}

static enum change_state state_after(struct run_store *store, size_t *ret_count)
{
	cleanup_loaded struct loaded loaded = load(store, "second.fallocate_ns", 0);

	*ret_count = loaded.count ? loaded.series[0].changes_count : 0;
	return *ret_count ? loaded.series[0].changes[0].state : CHANGE_SUSPECTED;
}

static void test_confirmations(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_loaded struct loaded loaded = { .series = NULL };
	size_t count = 0;

	if (!store || !history_nights_store(store, 20, 14, 1.05))
		return;
	loaded = load(store, "second.fallocate_ns", 0);
	if (!test_check(loaded.count == 1))
		return;
	/* of another pair of runs: not of this change */
	put(store, &loaded.series[0], 12, 13, "refuted");
	CU_ASSERT_EQUAL(state_after(store, &count), CHANGE_SUSPECTED);
	put(store, &loaded.series[0], 13, 14, "refuted");
	CU_ASSERT_EQUAL(state_after(store, &count), CHANGE_REFUTED);
	CU_ASSERT_EQUAL(count, 1);
	put(store, &loaded.series[0], 13, 14, "confirmed");
	CU_ASSERT_EQUAL(state_after(store, &count), CHANGE_CONFIRMED);
	CU_ASSERT_EQUAL(count, 1);
}

/* What was confirmed stays, though the search no longer finds it. */
static void test_confirmed_stays(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_loaded struct loaded loaded = { .series = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;
	size_t count = 0;

	if (!store || !history_nights_store(store, 6, 9, 1))
		return;
	loaded = load(store, "second.fallocate_ns", 0);
	if (!test_check(loaded.count == 1))
		return;
	put(store, &loaded.series[0], 2, 3, "suspected");
	CU_ASSERT_EQUAL(state_after(store, &count), CHANGE_SUSPECTED);
	CU_ASSERT_EQUAL(count, 0);
	put(store, &loaded.series[0], 2, 3, "confirmed");
	CU_ASSERT_EQUAL(state_after(store, &count), CHANGE_CONFIRMED);
	CU_ASSERT_EQUAL(count, 1);
	loaded_release(&loaded);
	loaded = load(store, "second.fallocate_ns", 0);
	if (!test_check(loaded.count == 1))
		return;
	CU_ASSERT_EQUAL(history_render_text(store, &loaded.series[0], NULL, &text, &err), 0);
	test_check_contains(text.data, "p 0.001, confirmed: regressed\n");
	test_check_contains(text.data, "    because\n");
}

/* Suspicion is never called by a verdict's name. */
static void test_words(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_loaded struct loaded loaded = { .series = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct error err = ERROR_INIT;

	if (!store || !history_nights_store(store, 20, 14, 1.05))
		return;
	loaded = load(store, "second.fallocate_ns", 0);
	if (!test_check(loaded.count == 1))
		return;
	CU_ASSERT_EQUAL(history_render_text(store, &loaded.series[0], NULL, &text, &err), 0);
	test_check_contains(text.data, "suspected: worse?\n");
	test_check_contains(text.data, "kerngate history second.fallocate_ns --confirm\n");
	CU_ASSERT_PTR_NULL(strstr(text.data, "regress"));
}

TEST_SUITE("history",
	   {"figures", test_figures},
	   {"series", test_series},
	   {"a change", test_change},
	   {"marks", test_marks},
	   {"mixed conditions", test_mixed_conditions},
	   {"odd runs", test_odd},
	   {"pass rates", test_outcome},
	   {"runs that settle changes", test_confirming_runs},
	   {"confirmations", test_confirmations},
	   {"what was confirmed stays", test_confirmed_stays},
	   {"words", test_words})
