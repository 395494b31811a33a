/* test_experiment_looks.c - an experiment that is judged on the way, as far as it goes
 * without booting anything: what waits for a look, when one is taken, what it ends.
 * With real guests: tests/boot/test_looks.c.
 */
#include <math.h>
#include <string.h>

#include "comparison.h"
#include "experiment_private.h"
#include "memory.h"
#include "sample_project.h"
#include "sample_run.h"
#include "sequential.h"
#include "test.h"

#define cleanup_campaign cleanup_with(campaign_release)
#define cleanup_comparison cleanup_with(comparison_release)

/* Eight blocks of two boots, looks after four and eight. */
static bool begin(const struct place *place, uint32_t looks_count, struct campaign *campaign,
		  struct experiment *experiment)
{
	struct error err = ERROR_INIT;

	if (!place_load(place, campaign))
		return false;
	campaign->blocks_count = 8;
	campaign->looks_count = looks_count;
	campaign->control = false;
	if (!place_prepare(place, campaign, experiment) ||
	    !test_check(!run_store_open(place->results, &experiment->store, &err)) ||
	    !test_check(!run_store_begin(experiment->store, &experiment->run, &err)))
		return false;
	return test_check(experiment->run.trials_count == 16);
}

/* What the loop over trials does when a guest is over. */
static void finish(struct experiment *experiment, size_t index, double value)
{
	struct stored_trial *trial = &experiment->run.trials[index];
	cleanup_result struct trial_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	result.rows = memory_alloc_array(1, sizeof(*result.rows));
	result.rows_count = 1;
	trial_result_add_sample(&result, 0, "turn_ns", 0, value);
	CU_ASSERT_EQUAL(run_store_trial_started(experiment->store, trial->id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(experiment->store, trial->id, &result, "a=1\n",
						 &err), 0);
	trial->state = TRIAL_FINISHED;
	trial->outcome = OUTCOME_PASSED;
	trial->fingerprint = string_copy("a=1\n");
	test_check_string(err.message, "");
}

/* Blocks from..to - 1: the candidate's figure is factor times the baseline's, which
 * moves from block to block by `noise`, each side its own way. */
static void finish_blocks(struct experiment *experiment, uint32_t from, uint32_t to,
			  double factor, double noise)
{
	for (size_t i = 0; i < experiment->run.trials_count; i++) {
		const struct stored_trial *trial = &experiment->run.trials[i];
		double wave = (trial->block * 3 + trial->variant * 2) % 5;

		if (trial->block >= from && trial->block < to)
			finish(experiment, i, (trial->variant ? factor : 1) * 1e6 *
						      (1 + noise * wave));
	}
}

static bool look(struct experiment *experiment)
{
	struct error err = ERROR_INIT;
	bool taken = false;

	CU_ASSERT_EQUAL(experiment_look(experiment, &taken, &err), 0);
	test_check_string(err.message, "");
	return taken;
}

static bool load(const struct experiment *experiment, struct stored_run *ret_run)
{
	struct error err = ERROR_INIT;

	return test_check(!run_store_load(experiment->store, NULL, ret_run, &err));
}

static void test_plan(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL }, fixed = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 }, plain = { .lock = -1 };
	cleanup_run struct stored_run stored = { .id = NULL };

	if (!begin(&place, 2, &campaign, &experiment) || !load(&experiment, &stored) ||
	    !test_check(stored.looks_count == 2))
		return;
	CU_ASSERT_EQUAL(stored.looks[0].blocks, 4);
	CU_ASSERT_EQUAL(stored.looks[1].blocks, 8);
	CU_ASSERT_EQUAL(stored.looks[0].taken_wall_ns, 0);
	if (begin(&place, 1, &fixed, &plain))
		CU_ASSERT_EQUAL(plain.run.looks_count, 0);
}

static void test_waits(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	struct stored_run *run = &experiment.run;

	if (!begin(&place, 2, &campaign, &experiment))
		return;
	for (size_t i = 0; i < run->trials_count; i++)
		CU_ASSERT_EQUAL(experiment_waits_for_look(run, &run->trials[i]),
				run->trials[i].block >= 4);
	run->looks[0].taken_wall_ns = 1;
	for (size_t i = 0; i < run->trials_count; i++)
		CU_ASSERT_FALSE(experiment_waits_for_look(run, &run->trials[i]));
	run->looks_count = 0;
	CU_ASSERT_FALSE(experiment_waits_for_look(run, &run->trials[15]));
	CU_ASSERT_FALSE(experiment_is_settled(run));
	run->looks_count = 2;
	run->looks[0].stopped = true;
	CU_ASSERT_TRUE(experiment_is_settled(run));
}

/* Without any spread nothing is left to ask: +50 % is a regression. */
static void test_stops(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	cleanup_run struct stored_run stored = { .id = NULL };
	struct error err = ERROR_INIT;
	const double share = 0.5;

	if (!begin(&place, 2, &campaign, &experiment))
		return;
	finish_blocks(&experiment, 0, 3, 1.5, 0);
	CU_ASSERT_FALSE(look(&experiment));
	finish(&experiment, 6, 1e6);
	CU_ASSERT_FALSE(look(&experiment)); /* the block's other boot is missing */
	finish(&experiment, 7, 1e6);
	CU_ASSERT_TRUE(look(&experiment));
	CU_ASSERT_FALSE(look(&experiment)); /* once */
	CU_ASSERT_EQUAL(experiment_write_note(&experiment, NULL, &err), 0);
	if (!load(&experiment, &stored) || !test_check(stored.looks_count == 2))
		return;
	/* two equal figures in the fourth block spoil it */
	CU_ASSERT_EQUAL(stored.looks[0].alpha,
			sequential_level(experiment.run.gate.alpha, &share, 1));
	CU_ASSERT_TRUE(stored.looks[0].taken_wall_ns > 0);
	CU_ASSERT_EQUAL(stored.looks[0].open_count, 1);
	CU_ASSERT_FALSE(stored.looks[0].stopped);
	test_check_string(stored.note, NULL);
}

static void test_settled(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	cleanup_run struct stored_run stored = { .id = NULL };
	struct error err = ERROR_INIT;

	if (!begin(&place, 2, &campaign, &experiment))
		return;
	finish_blocks(&experiment, 0, 4, 1.5, 0);
	CU_ASSERT_TRUE(look(&experiment));
	CU_ASSERT_TRUE(experiment_is_settled(&experiment.run));
	CU_ASSERT_FALSE(look(&experiment));
	CU_ASSERT_EQUAL(experiment_write_note(&experiment, NULL, &err), 0);
	test_check_string(experiment.run.note,
			  "stopped after 4 of 8 blocks: every metric is settled");
	/* a process that ended here: the next one starts nothing either */
	if (!load(&experiment, &stored) || !test_check(stored.looks_count == 2))
		return;
	CU_ASSERT_TRUE(experiment_is_settled(&stored));
	CU_ASSERT_EQUAL(stored.looks[0].open_count, 0);
	test_check_string(stored.note, experiment.run.note);
}

/* Noise of 20 %: nothing is settled at any look, and the last one ends nothing. */
static void test_goes_on(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	const double shares[] = { 0.5, 1 };

	if (!begin(&place, 2, &campaign, &experiment))
		return;
	finish_blocks(&experiment, 0, 4, 1.1, 0.2);
	CU_ASSERT_TRUE(look(&experiment));
	CU_ASSERT_FALSE(experiment_is_settled(&experiment.run));
	finish_blocks(&experiment, 4, 7, 1.1, 0.2);
	CU_ASSERT_FALSE(look(&experiment)); /* cut off here, by the budget or Ctrl-C */
	finish_blocks(&experiment, 7, 8, 1.1, 0.2);
	CU_ASSERT_TRUE(look(&experiment));
	CU_ASSERT_FALSE(experiment_is_settled(&experiment.run));
	CU_ASSERT_EQUAL(experiment.run.looks[1].alpha,
			sequential_level(experiment.run.gate.alpha, shares, 2));
	CU_ASSERT_FALSE(look(&experiment));
}

/* A repeat that is still to come belongs to its block. */
static void test_waits_for_repeats(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	struct error err = ERROR_INIT;

	if (!begin(&place, 2, &campaign, &experiment))
		return;
	campaign.repeats_max = 1;
	finish_blocks(&experiment, 0, 4, 1, 0);
	experiment.run.trials[7].disturbed = true;
	CU_ASSERT_EQUAL(experiment_settle(&experiment, 7, &err), 0);
	if (!test_check(experiment.run.trials_count == 17))
		return;
	CU_ASSERT_FALSE(experiment_waits_for_look(&experiment.run, &experiment.run.trials[16]));
	CU_ASSERT_EQUAL(experiment_next_trial(&experiment.run), 16);
	CU_ASSERT_FALSE(look(&experiment));
	finish(&experiment, 16, 1e6);
	CU_ASSERT_TRUE(look(&experiment));
}

/* What cannot be judged is no look that was taken. */
static void test_store_fails(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	struct error err = ERROR_INIT;
	char *id;
	bool taken = true;

	if (!begin(&place, 2, &campaign, &experiment))
		return;
	finish_blocks(&experiment, 0, 4, 1, 0);
	id = experiment.run.id;
	experiment.run.id = string_copy("gone");
	CU_ASSERT_TRUE(experiment_look(&experiment, &taken, &err) < 0);
	CU_ASSERT_FALSE(taken);
	CU_ASSERT_EQUAL(experiment.run.looks[0].taken_wall_ns, 0);
	free(experiment.run.id);
	experiment.run.id = id;
	CU_ASSERT_TRUE(look(&experiment));
}

TEST_SUITE("experiment_looks",
	   {"plan", test_plan},
	   {"what waits", test_waits},
	   {"only what is over", test_stops},
	   {"stops where all is settled", test_settled},
	   {"goes on", test_goes_on},
	   {"waits for repeats", test_waits_for_repeats},
	   {"a store that fails", test_store_fails})
