/* test_against.c - a made-up night against earlier ones. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "against.h"
#include "history_run.h"
#include "memory.h"
#include "sample_run.h"
#include "test.h"

#define cleanup_baseline cleanup_with(baseline_release)
#define cleanup_against cleanup_with(against_release)

static const struct gate_policy policy = { .margin_percent = 2.5, .alpha = 0.05,
					   .confidence = 0.95, .correction = CORRECTION_HOLM };

static struct baseline take(struct run_store *store, uint32_t number)
{
	cleanup_free char *id = history_night_id(number);
	cleanup_run struct stored_run run = { .id = NULL };
	struct baseline baseline = { .run_id = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_store_load(store, id, &run, &err), 0);
	CU_ASSERT_EQUAL(baseline_from_run(store, &run, NULL, &baseline, &err), 0);
	test_check_string(err.message, "");
	return baseline;
}

static const struct against_entry *find(const struct against *against, const char *guest,
					const char *metric)
{
	for (size_t i = 0; i < against->count; i++)
		if (!strcmp(against->entries[i].guest, guest) &&
		    !strcmp(against->entries[i].row, "first") &&
		    !strcmp(against->entries[i].judged.metric->name, metric))
			return &against->entries[i];
	return NULL;
}

/* Night `number` against those before it, newest first. */
struct sides {
	struct run_store *store;
	struct baseline now, before[20];
	size_t count;
};

static void sides_release(struct sides *sides)
{
	baseline_release(&sides->now);
	for (size_t i = 0; i < sides->count; i++)
		baseline_release(&sides->before[i]);
	sample_store_close(&sides->store);
}

#define cleanup_sides cleanup_with(sides_release)

static struct sides make_sides(uint32_t nights, double factor, enum run_mode mode)
{
	struct sides sides = { .store = sample_store_open(test_temp_folder()) };

	for (uint32_t i = 0; sides.store && i <= nights; i++) {
		const struct history_night night = { .number = i, .blocks_count = 4, .mode = mode,
						     .factor = i == nights ? factor : 1 };

		(void)history_night_store(sides.store, &night);
	}
	sides.now = take(sides.store, nights);
	for (uint32_t i = nights; i-- > 0;)
		sides.before[sides.count++] = take(sides.store, i);
	return sides;
}

static struct against judge(const struct sides *sides)
{
	struct against against;

	against_make(&sides->now, sides->before, sides->count, &policy, false, &against);
	return against;
}

static void test_verdicts(void)
{
	static const double factors[] = { 1, 1.05, 0.95 };
	static const enum verdict verdicts[] = { VERDICT_EQUIVALENT, VERDICT_REGRESSED,
						 VERDICT_IMPROVED };
	static const enum gate_exit gates[] = { GATE_PASS, GATE_REGRESSED, GATE_PASS };

	for (uint32_t nights = 1; nights <= 5; nights += 4) {
		for (size_t i = 0; i < ARRAY_COUNT(factors); i++) {
			cleanup_sides struct sides sides = make_sides(nights, factors[i],
								      MODE_TIMED);
			cleanup_against struct against against = judge(&sides);
			const struct against_entry *entry = find(&against, "up", "fallocate_ns");

			CU_ASSERT_EQUAL(against.gate, gates[i]);
			if (!test_check(entry != NULL))
				continue;
			CU_ASSERT_EQUAL(entry->judged.verdict, verdicts[i]);
			CU_ASSERT_DOUBLE_EQUAL(entry->judged.ratio, factors[i], 0.005);
			CU_ASSERT_EQUAL(entry->judged.blocks, nights);
			CU_ASSERT_EQUAL(against.notes.count + against.differences.count, 0);
		}
	}
}

/* The same seeds are the same worlds; others are not. */
static void test_exact(void)
{
	cleanup_sides struct sides same = make_sides(3, 1, MODE_EXACT);
	cleanup_sides struct sides worse = make_sides(3, 1.05, MODE_EXACT);
	cleanup_against struct against a = judge(&same), b = judge(&worse);
	const struct against_entry *entry = find(&a, "up", "fallocate_ns");

	CU_ASSERT_TRUE(a.is_by_seed);
	CU_ASSERT_EQUAL(a.gate, GATE_PASS);
	if (test_check(entry != NULL)) {
		CU_ASSERT_EQUAL(entry->judged.verdict, VERDICT_EQUIVALENT);
		CU_ASSERT_EQUAL(entry->judged.ratio, 1);
		CU_ASSERT_EQUAL(entry->judged.blocks, 4);
	}
	entry = find(&b, "up", "fallocate_ns");
	CU_ASSERT_EQUAL(b.gate, GATE_REGRESSED);
	if (test_check(entry != NULL))
		CU_ASSERT_DOUBLE_EQUAL(entry->judged.ratio, 1.05, 1e-3);
}

static void test_other_seeds(void)
{
	cleanup_sides struct sides sides = make_sides(1, 1, MODE_EXACT);
	cleanup_against struct against against = { .entries = NULL };
	struct baseline *now = &sides.now;

	for (size_t i = 0; i < now->count; i++)
		for (size_t k = 0; k < now->cells[i].count; k++)
			for (size_t m = 0; m < now->cells[i].rows[k].count; m++)
				for (size_t f = 0; f < now->cells[i].rows[k].metrics[m].count; f++)
					now->cells[i].rows[k].metrics[m].figures[f].boot += 100;
	against = judge(&sides);
	CU_ASSERT_EQUAL(against.gate, GATE_NOT_COMPARABLE);
	if (test_check(against.count > 0))
		test_check_contains(against.entries[0].problem, "no seed in common");
}

/* --- what cannot be compared --------------------------------------------------------------- */

static struct baseline_metric *metric_of(struct baseline *baseline, const char *name)
{
	struct baseline_row *row = &baseline->cells[1].rows[0]; /* up, first */

	for (size_t i = 0; i < row->count; i++)
		if (!strcmp(row->metrics[i].info.name, name))
			return &row->metrics[i];
	return NULL;
}

static void replace(char **text, const char *by)
{
	free(*text);
	*text = string_copy(by);
}

static void check_problem(const struct sides *sides, enum gate_exit gate, const char *problem,
			  const char *note)
{
	cleanup_against struct against against = judge(sides);
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	const struct against_entry *entry = find(&against, "up", "fallocate_ns");

	CU_ASSERT_EQUAL(against.gate, gate);
	if (problem && test_check(entry != NULL)) {
		CU_ASSERT_EQUAL(entry->judged.verdict, VERDICT_NOT_COMPARABLE);
		test_check_contains(entry->problem ? entry->problem : "", problem);
	}
	against_render_text(&sides->now, &against, "that", &text);
	if (problem)
		test_check_contains(text.data, problem);
	if (note)
		test_check_contains(text.data, note);
}

static void test_conditions(void)
{
	cleanup_sides struct sides sides = make_sides(1, 1, MODE_TIMED);

	replace(&sides.before[0].cells[1].conditions,
		"accelerator=kvm\nguest=up 0\nkerngate=1\nonly=b\n");
	check_problem(&sides, GATE_NOT_COMPARABLE, "measured under other conditions",
		      "  up/quick: accelerator: \"kvm\" -> \"tcg\"\n");
	check_problem(&sides, GATE_NOT_COMPARABLE, NULL,
		      "  up/quick: only: \"b\" -> nothing\n  up/quick: host.cpu: nothing -> \"A\"\n");
	free(take_pointer(sides.before[0].cells[1].conditions));
	check_problem(&sides, GATE_NOT_COMPARABLE, "measured under other conditions",
		      "the boots of the earlier run do not agree among themselves");
}

/* Of several nights those under other conditions are left out, and it is said. */
static void test_left_out(void)
{
	cleanup_sides struct sides sides = make_sides(4, 1, MODE_TIMED);
	cleanup_against struct against against = { .entries = NULL };
	const struct against_entry *entry;

	replace(&sides.before[3].cells[1].conditions, "accelerator=kvm\n");
	against = judge(&sides);
	entry = find(&against, "up", "fallocate_ns");
	CU_ASSERT_EQUAL(against.gate, GATE_PASS);
	if (test_check(entry != NULL))
		CU_ASSERT_EQUAL(entry->judged.blocks, 3);
	entry = find(&against, "numa", "fallocate_ns");
	if (test_check(entry != NULL))
		CU_ASSERT_EQUAL(entry->judged.blocks, 4);
	if (test_check(against.notes.count == 1))
		test_check_string(against.notes.items[0], "up/quick: 1 of 4 earlier runs are left "
				  "out: measured under other conditions");
}

static void test_unlike_metrics(void)
{
	cleanup_sides struct sides sides = make_sides(1, 1, MODE_TIMED);
	struct metric_info *info = &metric_of(&sides.now, "fallocate_ns")->info;

	replace(&info->unit, "us");
	check_problem(&sides, GATE_NOT_COMPARABLE, "the unit was 'ns' and is 'us' in the run", NULL);
	replace(&info->unit, "ns");
	info->better = BETTER_HIGHER;
	check_problem(&sides, GATE_NOT_COMPARABLE, "what is better was 'lower' and is 'higher'",
		      NULL);
	info->better = BETTER_LOWER;
	info->kind = METRIC_TAIL;
	check_problem(&sides, GATE_NOT_COMPARABLE, "the kind was 'time' and is 'tail'", NULL);
	info->kind = METRIC_TIME;
	check_problem(&sides, GATE_PASS, NULL, NULL);
	replace(&sides.now.cells[1].rows[0].arguments, "threads=8");
	check_problem(&sides, GATE_NOT_COMPARABLE, "and is 'threads=8' in the run", NULL);
	replace(&sides.now.cells[1].rows[0].workload, "other");
	check_problem(&sides, GATE_NOT_COMPARABLE, "the row's workload was", NULL);
}

static void test_missing(void)
{
	cleanup_sides struct sides sides = make_sides(1, 1, MODE_TIMED);

	replace(&metric_of(&sides.now, "fallocate_ns")->info.name, "fallocated_ns");
	check_problem(&sides, GATE_NOT_COMPARABLE,
		      "the run has no figure of it (renamed? it has fallocated_ns)",
		      "up/quick: first.fallocated_ns is new: nothing to compare it with");
	replace(&sides.now.cells[1].rows[0].name, "zeroth");
	check_problem(&sides, GATE_NOT_COMPARABLE, "the run has no such row", NULL);
	replace(&sides.now.cells[1].guest, "down");
	check_problem(&sides, GATE_NOT_COMPARABLE, "the run has no such guest and suite", NULL);
}

/* What is only new is told, and passes. */
static void test_new(void)
{
	cleanup_sides struct sides sides = make_sides(1, 1, MODE_TIMED);
	struct baseline_row *row = &sides.before[0].cells[1].rows[0];

	/* the earlier run lacks its last metric, rate_gib_s */
	row->count--;
	free(row->metrics[row->count].info.name);
	free(row->metrics[row->count].info.unit);
	free(row->metrics[row->count].info.meaning);
	free(row->metrics[row->count].figures);
	check_problem(&sides, GATE_PASS, NULL, "first.rate_gib_s is new");
}

static void test_boots(void)
{
	cleanup_sides struct sides sides = make_sides(1, 1, MODE_TIMED);

	sides.now.cells[1].bad = 2;
	check_problem(&sides, GATE_REGRESSED, NULL,
		      "up/quick: 2 of 4 boots crashed, failed or hung; before, 0 of 4 did");
	sides.before[0].cells[1].bad = 1;
	check_problem(&sides, GATE_INCONCLUSIVE, NULL, "before, 1 of 4 did");
}

static void test_void(void)
{
	cleanup_sides struct sides sides = make_sides(1, 1.05, MODE_TIMED);
	cleanup_against struct against against = { .entries = NULL };

	against_make(&sides.now, sides.before, 1, &policy, true, &against);
	CU_ASSERT_EQUAL(against.gate, GATE_NOT_COMPARABLE);
}

/* --- names ------------------------------------------------------------------------------------ */

static int look_up(struct run_store *store, uint32_t number, const char *text,
		   size_t *ret_count, char **ret_title, struct error *err)
{
	cleanup_free char *id = history_night_id(number);
	cleanup_run struct stored_run run = { .id = NULL };
	struct baseline *items = NULL;
	int rc = run_store_load(store, id, &run, err);

	free(take_pointer(*ret_title));
	*ret_count = 0;
	err->message[0] = '\0';
	if (!rc)
		rc = against_find(store, &run, "patched", text, &items, ret_count, ret_title, err);
	if (!rc)
		baselines_free(items, *ret_count);
	return rc;
}

static void test_find(void)
{
	cleanup_sides struct sides sides = make_sides(3, 1, MODE_EXACT);
	cleanup_free char *title = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	CU_ASSERT_EQUAL(look_up(sides.store, 3, "2-nights", &count, &title, &err), 0);
	CU_ASSERT_EQUAL(count, 2);
	CU_ASSERT_EQUAL(look_up(sides.store, 3, "7-nights", &count, &title, &err), 0);
	CU_ASSERT_EQUAL(count, 3);
	test_check_string(title, "the last 3 runs of the campaign (there are not 7)");
	CU_ASSERT_EQUAL(look_up(sides.store, 3, "last-good", &count, &title, &err), 0);
	test_check_string(title, "the last good run, 20260103-000000-quick");
	CU_ASSERT_EQUAL(look_up(sides.store, 2, "last-good", &count, &title, &err), 0);
	test_check_string(title, "the last good run, 20260102-000000-quick");
	CU_ASSERT_EQUAL(look_up(sides.store, 0, "last-good", &count, &title, &err), -ENOENT);
	test_check_contains(err.message, "none passed its gate");
	CU_ASSERT_EQUAL(look_up(sides.store, 0, "3-nights", &count, &title, &err), -ENOENT);
	test_check_contains(err.message, "no finished run before");
	CU_ASSERT_EQUAL(look_up(sides.store, 3, "20260101", &count, &title, &err), 0);
	CU_ASSERT_EQUAL(baseline_save(run_store_folder(sides.store), "v1", &sides.before[0], false,
				      &err), 0);
	CU_ASSERT_EQUAL(look_up(sides.store, 3, "v1", &count, &title, &err), 0);
	test_check_string(title, "baseline v1 (patched of run 20260103-000000-quick)");
	CU_ASSERT_EQUAL(look_up(sides.store, 3, "v2", &count, &title, &err), -ENOENT);
	test_check_contains(err.message, "neither last-good, N-nights nor a baseline; expected v1");
	CU_ASSERT_EQUAL(look_up(sides.store, 3, "0-nights", &count, &title, &err), -ENOENT);
	CU_ASSERT_EQUAL(look_up(sides.store, 3, "../v1", &count, &title, &err), -ENOENT);
}

TEST_SUITE("against",
	   {"verdicts", test_verdicts},
	   {"exact", test_exact},
	   {"other seeds", test_other_seeds},
	   {"conditions", test_conditions},
	   {"nights that are left out", test_left_out},
	   {"unlike metrics", test_unlike_metrics},
	   {"missing", test_missing},
	   {"new", test_new},
	   {"boots", test_boots},
	   {"void", test_void},
	   {"names", test_find})
