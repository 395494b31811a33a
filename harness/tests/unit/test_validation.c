/* test_validation.c - what a stored run of many seeds found. */
#include "validation.h"

#include <errno.h>
#include <string.h>

#include "memory.h"
#include "sample_run.h"
#include "scheduler.h"
#include "test.h"

#define FIRST_SEED 5
#define SEEDS 4

/* A store with an exact run of four seeds; two variants, two cells, the canary in
 * the first seed. Nothing has run. */
struct walk {
	struct run_store *store;
	struct stored_run run;
};

static void walk_release(struct walk *walk)
{
	stored_run_release(&walk->run);
	run_store_close(walk->store);
}

#define cleanup_walk cleanup_with(walk_release)

static struct walk walk_make(void)
{
	struct walk walk = { .store = sample_store_open(test_temp_folder()),
			     .run = sample_run(0, FIRST_SEED) };

	walk.run.mode = MODE_EXACT;
	walk.run.exact = EXACT_POLICY_INIT;
	walk.run.control = false;
	free(walk.run.trials);
	scheduler_plan(&walk.run, SEEDS);
	if (walk.store)
		CU_ASSERT_TRUE(sample_store_begin(walk.store, &walk.run));
	return walk;
}

static const struct stored_trial *trial_of(const struct walk *walk, uint32_t seed, uint32_t cell,
					   uint32_t variant)
{
	for (size_t i = 0; i < walk->run.trials_count; i++) {
		const struct stored_trial *trial = &walk->run.trials[i];

		if (trial->seed == seed && trial->cell == cell && trial->variant == variant)
			return trial;
	}
	test_check(!"there is such a trial");
	return &walk->run.trials[0];
}

/* reason NULL: passed. warning NULL: a clean console. */
static void finish(const struct walk *walk, const struct stored_trial *trial,
		   const char *reason, const char *warning)
{
	struct trial_result result = { .outcome = reason ? OUTCOME_FAILED : OUTCOME_PASSED };
	struct finding finding = { .kind = FINDING_WARNING, .title = (char *)warning,
				   .excerpt = (char *)"WARNING", .line = 3 };
	cleanup_free char *copy = string_copy(reason);
	struct error err = ERROR_INIT;

	result.reason = copy;
	if (warning) {
		result.findings = &finding;
		result.findings_count = 1;
	}
	CU_ASSERT_EQUAL(run_store_trial_started(walk->store, trial->id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(walk->store, trial->id, &result, "a=1\n", &err),
			0);
	test_check_string(err.message, "");
}

static void finish_rest_of(const struct walk *walk, uint32_t seed)
{
	for (size_t i = 0; i < walk->run.trials_count; i++) {
		struct stored_run now = { .id = NULL };
		struct error err = ERROR_INIT;

		if (walk->run.trials[i].seed != seed)
			continue;
		CU_ASSERT_EQUAL(run_store_load(walk->store, walk->run.id, &now, &err), 0);
		if (now.trials_count && now.trials[i].state == TRIAL_PLANNED)
			finish(walk, &walk->run.trials[i], NULL, NULL);
		stored_run_release(&now);
	}
}

static struct validation read_walk(const struct walk *walk)
{
	struct validation validation = { .findings = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(validation_read(walk->store, walk->run.id, &validation, &err), 0);
	test_check_string(err.message, "");
	return validation;
}

static void check_counts(const struct validation *validation, uint32_t walked, uint32_t failed,
			 size_t findings)
{
	CU_ASSERT_EQUAL(validation->first_seed, FIRST_SEED);
	CU_ASSERT_EQUAL(validation->seeds_count, SEEDS);
	CU_ASSERT_EQUAL(validation->walked_count, walked);
	CU_ASSERT_EQUAL(validation->failed_count, failed);
	CU_ASSERT_EQUAL(validation->findings_count, findings);
}

static void check_finding(const struct validation *validation, size_t index, const char *kind,
			  const char *title, uint32_t seeds, uint64_t first)
{
	const struct validation_finding *finding = &validation->findings[index];

	if (!test_check(index < validation->findings_count))
		return;
	test_check_string(finding->symptom.kind, kind);
	test_check_string(finding->symptom.title, title);
	CU_ASSERT_EQUAL(finding->seeds_count, seeds);
	CU_ASSERT_EQUAL(finding->first_seed, first);
	CU_ASSERT_EQUAL(validation->run.trials[finding->trials[0]].seed, first);
	CU_ASSERT_PTR_NULL(finding->case_name);
}

static void test_seeds_are_counted(void)
{
	cleanup_walk struct walk walk = walk_make();
	cleanup_validation struct validation none = read_walk(&walk), two, all;

	check_counts(&none, 0, 0, 0);
	finish_rest_of(&walk, FIRST_SEED);
	finish_rest_of(&walk, FIRST_SEED + 2);
	/* Only half of this one. */
	finish(&walk, trial_of(&walk, FIRST_SEED + 1, 0, 0), NULL, NULL);
	two = read_walk(&walk);
	check_counts(&two, 2, 0, 0);
	CU_ASSERT_EQUAL(validation_end(&two), VALIDATION_PARTLY);
	finish_rest_of(&walk, FIRST_SEED + 1);
	finish_rest_of(&walk, FIRST_SEED + 3);
	all = read_walk(&walk);
	check_counts(&all, SEEDS, 0, 0);
	CU_ASSERT_EQUAL(validation_end(&all), VALIDATION_CLEAN);
}

static void test_findings_by_seed(void)
{
	cleanup_walk struct walk walk = walk_make();
	cleanup_validation struct validation found = { .findings = NULL };

	/* Seed 6: in both variants, and another in the other cell. Seed 5 is read
	 * first although its trial failed last. */
	finish(&walk, trial_of(&walk, 6, 0, 0), NULL, "WARNING in f");
	finish(&walk, trial_of(&walk, 6, 0, 1), "first: 3 are gone", "WARNING in f");
	finish(&walk, trial_of(&walk, 6, 1, 0), NULL, "WARNING in g");
	finish_rest_of(&walk, 6);
	finish(&walk, trial_of(&walk, 8, 1, 1), "first: 4 are gone", NULL);
	finish(&walk, trial_of(&walk, 5, 1, 1), NULL, "WARNING in f");
	found = read_walk(&walk);
	check_counts(&found, 1, 3, 3);
	CU_ASSERT_EQUAL(validation_end(&found), VALIDATION_FOUND);
	check_finding(&found, 0, "warning", "WARNING in f", 2, 5);
	if (found.findings_count)
		CU_ASSERT_EQUAL(found.findings[0].trials_count, 3);
	/* Those of one seed come in the order of its trials, which is random. */
	for (size_t i = 1; i < 3 && i < found.findings_count; i++) {
		bool is_gone = !strcmp(found.findings[i].symptom.kind, "failed");

		check_finding(&found, i, is_gone ? "failed" : "warning",
			      is_gone ? "first: N are gone" : "WARNING in g", is_gone ? 2 : 1, 6);
	}
}

static void test_what_was_replaced_does_not_count(void)
{
	cleanup_walk struct walk walk = walk_make();
	const struct stored_trial *trial = trial_of(&walk, 5, 0, 0);
	cleanup_validation struct validation waiting = { .findings = NULL }, done = waiting;
	struct stored_trial repeat = { .id = 0 };
	struct error err = ERROR_INIT;

	finish(&walk, trial, NULL, "WARNING in f");
	finish_rest_of(&walk, 5);
	CU_ASSERT_EQUAL(run_store_add_repeat(walk.store, trial, &repeat, &err), 0);
	waiting = read_walk(&walk);
	check_counts(&waiting, 0, 0, 0);
	finish(&walk, &repeat, NULL, NULL);
	done = read_walk(&walk);
	check_counts(&done, 1, 0, 0);
}

static void test_timed_runs_are_refused(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1);
	struct validation validation = { .findings = NULL };
	struct error err = ERROR_INIT;

	if (!store || !test_check(sample_store_begin(store, &run)))
		return;
	CU_ASSERT_EQUAL(validation_read(store, run.id, &validation, &err), -EINVAL);
	test_check_contains(err.message, "is a timed one: it has no seeds to walk");
	CU_ASSERT_EQUAL(validation_read(store, "2030", &validation, &err), -ENOENT);
	CU_ASSERT_PTR_NULL(validation.run.id);
}

static void test_cases_are_judged(void)
{
	cleanup_symptoms struct symptoms expected = SYMPTOMS_INIT, now = SYMPTOMS_INIT;

	symptoms_add(&expected, "warning", "WARNING in f");
	symptoms_add(&expected, "failed", "first: N are gone");
	CU_ASSERT_EQUAL(case_judge(&expected, &now), CASE_GONE);
	symptoms_add(&now, "failed", "first: something else");
	CU_ASSERT_EQUAL(case_judge(&expected, &now), CASE_OTHER);
	symptoms_add(&now, "failed", "first: N are gone");
	CU_ASSERT_EQUAL(case_judge(&expected, &now), CASE_THERE);
}

TEST_SUITE("validation", { "seeds are counted", test_seeds_are_counted },
	   { "findings by seed", test_findings_by_seed },
	   { "what was replaced does not count", test_what_was_replaced_does_not_count },
	   { "timed runs are refused", test_timed_runs_are_refused },
	   { "cases are judged", test_cases_are_judged })
