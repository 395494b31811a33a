/* test_experiment_estimate.c - how long a run is said to take: guessed, and by the trials
 * that a store holds.
 */
#include <string.h>

#include "clock.h"
#include "experiment_private.h"
#include "kernel_estimate.h"
#include "memory.h"
#include "sample_project.h"
#include "sample_run.h"
#include "test.h"

#define cleanup_campaign cleanup_with(campaign_release)
#define cleanup_estimate cleanup_with(experiment_estimate_release)

/* A place with its campaign, and the estimate for a host of that many CPUs. */
struct made {
	struct place place;
	struct campaign campaign;
	struct experiment experiment;
	struct experiment_estimate estimate;
	bool is_good;
};

static void made_release(struct made *made)
{
	experiment_estimate_release(&made->estimate);
	experiment_release(&made->experiment);
	campaign_release(&made->campaign);
	place_release(&made->place);
}

#define cleanup_made cleanup_with(made_release)

static void fill(struct made *made, uint32_t cpus_count)
{
	struct error err = ERROR_INIT;

	experiment_estimate_release(&made->estimate);
	experiment_release(&made->experiment);
	made->is_good = test_check(!experiment_prepare_unstored(&made->campaign,
								&made->place.options,
								&made->experiment, &err));
	test_check_string(err.message, "");
	if (!made->is_good)
		return;
	made->experiment.cpus_count = cpus_count;
	made->experiment.memory_mib = 100000;
	experiment_fill_estimate(&made->experiment, &made->estimate);
}

static bool make(struct made *made)
{
	made->place = place_make();
	made->is_good = place_load(&made->place, &made->campaign);
	return made->is_good;
}

/* A run of the campaign, whose trials took these seconds, in the store. */
static void add_run(struct made *made, uint64_t stock_seconds, uint64_t other_seconds)
{
	cleanup_store struct run_store *store = NULL;
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	struct error err = ERROR_INIT;

	if (!test_check(!run_store_open(made->place.results, &store, &err)) ||
	    !place_prepare(&made->place, &made->campaign, &experiment) ||
	    !sample_store_begin(store, &experiment.run))
		return;
	for (size_t i = 0; i < experiment.run.trials_count; i++) {
		const struct stored_trial *trial = &experiment.run.trials[i];
		const struct trial_result result = {
			.outcome = OUTCOME_PASSED,
			.times = { .create_ns = 1, .stopped_ns = 1 + NS_PER_SECOND *
				(trial->variant == 1 ? other_seconds : stock_seconds) },
		};

		CU_ASSERT_EQUAL(run_store_trial_started(store, trial->id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, trial->id, &result, "", &err), 0);
		test_check_string(err.message, "");
	}
}

static void check_text(const struct made *made, const char *expected)
{
	cleanup_free char *text = experiment_estimate_text(&made->estimate);

	test_check_string(text, expected);
}

static void test_guessed(void)
{
	cleanup_made struct made made = { .experiment = { .lock = -1 } };

	if (!make(&made))
		return;
	fill(&made, 1);
	if (!made.is_good)
		return;
	/* both variants are one kernel; three blocks of two variants and the control */
	CU_ASSERT_EQUAL(made.estimate.builds_count, 1);
	CU_ASSERT_EQUAL(made.estimate.build_ns, KERNEL_ESTIMATE_FULL_NS);
	CU_ASSERT_EQUAL(made.estimate.builds_seen_count, 0);
	CU_ASSERT_EQUAL(made.estimate.boots_count, 9);
	CU_ASSERT_EQUAL(made.estimate.boots_ns, 9 * EXPERIMENT_TRIAL_GUESS_NS);
	CU_ASSERT_EQUAL(made.estimate.cells_count, 1);
	CU_ASSERT_EQUAL(made.estimate.cells[0].boots_ns, 9 * EXPERIMENT_TRIAL_GUESS_NS);
	CU_ASSERT_EQUAL(made.estimate.cells[0].boots_count, 9);
	CU_ASSERT_EQUAL(made.estimate.cells[0].seen_count, 0);
	check_text(&made, "about 14 min: builds 1 (about 12 min, guessed), boots 9 (about 1.5 min; "
			  "guessed)");
	/* three at once */
	fill(&made, 3);
	if (!made.is_good)
		return;
	CU_ASSERT_EQUAL(made.estimate.cells[0].boots_ns, 3 * EXPERIMENT_TRIAL_GUESS_NS);
}

static void test_by_history(void)
{
	cleanup_made struct made made = { .experiment = { .lock = -1 } };

	if (!make(&made))
		return;
	add_run(&made, 20, 80);
	fill(&made, 1);
	if (!made.is_good)
		return;
	/* each variant by itself: 6 of 20 s, 3 of 80 s */
	CU_ASSERT_EQUAL(made.estimate.cells[0].boots_ns, 360 * NS_PER_SECOND);
	CU_ASSERT_EQUAL(made.estimate.boots_ns, 360 * NS_PER_SECOND);
	CU_ASSERT_EQUAL(made.estimate.cells[0].seen_count, 9);
	check_text(&made, "about 18 min: builds 1 (about 12 min, guessed), boots 9 (about 6.0 min; "
			  "from 9 earlier trials)");
	/* no trial of exact mode is known */
	campaign_set_mode(&made.campaign, MODE_EXACT);
	made.campaign.exact.counts = false;
	fill(&made, 1);
	if (!made.is_good)
		return;
	CU_ASSERT_EQUAL(made.estimate.cells[0].seen_count, 0);
	/* five seeds of two variants, and the canary of the first; one CPU each */
	CU_ASSERT_EQUAL(made.estimate.boots_count, 11);
	CU_ASSERT_EQUAL(made.estimate.boots_ns, 11 * EXPERIMENT_TRIAL_GUESS_NS);
}

/* An unknown guest is taken to be as slow as others with the same suite. */
static void test_by_other_guests(void)
{
	cleanup_made struct made made = { .experiment = { .lock = -1 } };

	if (!make(&made))
		return;
	add_run(&made, 20, 20);
	free(made.campaign.cells[0].guest.name);
	made.campaign.cells[0].guest.name = string_copy("another");
	fill(&made, 1);
	if (!made.is_good)
		return;
	CU_ASSERT_EQUAL(made.estimate.cells[0].boots_ns, 180 * NS_PER_SECOND);
	CU_ASSERT_EQUAL(made.estimate.cells[0].seen_count, 9);
}

static void check_budget(const struct made *made, const char *expected)
{
	cleanup_free char *text = experiment_budget_text(&made->experiment, &made->estimate);

	if (expected)
		test_check_string(text, expected);
	else
		CU_ASSERT_PTR_NULL(text);
}

static void test_budget(void)
{
	cleanup_made struct made made = { .experiment = { .lock = -1 } };

	if (!make(&made))
		return;
	add_run(&made, 60, 60);
	fill(&made, 1);
	if (!made.is_good)
		return;
	check_budget(&made, NULL);
	made.campaign.budget_minutes = 9;
	check_budget(&made, "9 minutes of boots; no block starts that would pass it");
	made.campaign.budget_minutes = 8;
	check_budget(&made, "8 minutes of boots, less than they take: about 2 of the 3 blocks will "
			    "run, the others are left out");
	made.campaign.budget_minutes = 1;
	check_budget(&made, "1 minutes of boots, less than they take: about 1 of the 3 blocks will "
			    "run, the others are left out");
}

static void test_refused(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_estimate struct experiment_estimate estimate = { .cells = NULL };
	struct error err = ERROR_INIT;

	if (!place_load(&place, &campaign))
		return;
	campaign.cells[0].guest.vcpus_count = 64;
	CU_ASSERT_TRUE(experiment_estimate(&campaign, &place.options, &estimate, &err) < 0);
	CU_ASSERT_PTR_NULL(estimate.cells);
	campaign.cells[0].guest.vcpus_count = 1;
	CU_ASSERT_EQUAL(experiment_estimate(&campaign, &place.options, &estimate, &err), 0);
	CU_ASSERT_EQUAL(estimate.cells_count, 1);
}

TEST_SUITE("experiment_estimate",
	   {"guessed", test_guessed},
	   {"by earlier trials", test_by_history},
	   {"by trials of other guests", test_by_other_guests},
	   {"budget", test_budget},
	   {"refused", test_refused})
