/* test_calibration.c - how often the judge of timed mode is wrong at the defaults of a
 * campaign, by simulation: boots that differ, samples inside them that differ, a host
 * that drifts, looks on the way. With KERNGATE_LONG=1 in the environment it simulates
 * 20,000 runs of the worst drift, with tighter bounds. docs/measurement.md has the figures.
 */
#include <math.h>
#include <stdlib.h>

#include "campaign_project.h"
#include "simulation.h"
#include "test.h"

#define NOISE 0.02
#define DRIFT 0.03
#define FAMILY 10

static bool is_long(void)
{
	return getenv("KERNGATE_LONG") != NULL;
}

/* The defaults of a campaign in a world with a CV of 2 % between boots and as much
 * between the samples of one, and 3 % of drift. */
static bool default_simulation(struct simulation *ret)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };

	if (!campaign_load_good(MINIMAL, &campaign))
		return false;
	*ret = (struct simulation){
		.policy = campaign.gate,
		.blocks = campaign.blocks_count,
		.looks = campaign.looks_count,
		.metrics = 1,
		.boot_sd = NOISE,
		.sample_sd = NOISE,
		.samples = 20,
		.drift_range = DRIFT,
		.drift = DRIFT_LINEAR,
	};
	return campaign.control;
}

static double share(size_t count, size_t of)
{
	return (double)count / (double)of;
}

/* Three standard errors of a share of `count` whose truth is this. */
static double slack(double truth, size_t count)
{
	return 3 * sqrt(truth * (1 - truth) / (double)count);
}

/* A = B: at most one metric in a hundred is called worse, at the setting that nobody
 * has to think about, however the host drifts. */
static void check_false_regressed(struct simulation simulation, size_t runs)
{
	struct simulation_tally tally = simulation_runs(&simulation, runs, 20260401);

	CU_ASSERT_TRUE(share(tally.nulls_regressed, tally.nulls) <=
		       0.01 + (is_long() ? 0 : slack(0.01, tally.nulls)));
	CU_ASSERT_TRUE(share(tally.nulls_improved, tally.nulls) <=
		       0.01 + (is_long() ? 0 : slack(0.01, tally.nulls)));
	/* All metrics of a run together: alpha, which the correction is for. */
	CU_ASSERT_TRUE(share(tally.runs_with_alarm, runs) <=
		       simulation.policy.alpha + slack(simulation.policy.alpha, runs));
	CU_ASSERT_TRUE(share(tally.control_fired, runs) <=
		       simulation.policy.alpha + slack(simulation.policy.alpha, runs));
	/* Nor does it only shrug. */
	CU_ASSERT_TRUE(share(tally.nulls_equivalent, tally.nulls) >= 0.5);
}

static void test_false_regressed(void)
{
	struct simulation simulation;

	if (!test_check(default_simulation(&simulation)))
		return;
	/* The last is the worst of them: the margin hides least there. */
	for (int drift = DRIFT_LINEAR; drift <= DRIFT_FAST; drift++) {
		simulation.drift = (enum drift)drift;
		check_false_regressed(simulation, !is_long() ? 20 :
						  drift == DRIFT_FAST ? 20000 :
									2000);
	}
}

static void test_false_regressed_family(void)
{
	struct simulation simulation;

	if (!test_check(default_simulation(&simulation)))
		return;
	simulation.metrics = FAMILY;
	simulation.drift = DRIFT_STEP;
	simulation.has_control = true;
	check_false_regressed(simulation, is_long() ? 1000 : 5);
}

/* Noise that no margin hides: alpha alone bounds the alarms. */
static void test_much_noise(void)
{
	struct simulation simulation;
	struct simulation_tally tally;
	size_t runs = is_long() ? 4000 : 60;

	if (!test_check(default_simulation(&simulation)))
		return;
	simulation.boot_sd = 0.1;
	simulation.samples = 1;
	tally = simulation_runs(&simulation, runs, 20260402);
	CU_ASSERT_TRUE(share(tally.nulls_regressed, runs) <= 0.01 + slack(0.01, runs));
	CU_ASSERT_TRUE(share(tally.nulls_improved, runs) <= 0.01 + slack(0.01, runs));
	CU_ASSERT_EQUAL(tally.nulls_equivalent, 0);
}

/* A change is found where the correction is hardest on it: alone among metrics that
 * have none. */
static void check_found(double effect, size_t metrics, double least)
{
	struct simulation simulation;
	struct simulation_tally tally;
	size_t runs = (is_long() ? 4000 : 40) / metrics + 10;

	if (!test_check(default_simulation(&simulation)))
		return;
	simulation.effect = effect;
	simulation.metrics = metrics;
	simulation.drift = DRIFT_STEP;
	tally = simulation_runs(&simulation, runs, 20260403);
	CU_ASSERT_TRUE(share(tally.verdicts[VERDICT_REGRESSED], runs) >=
		       least - (is_long() ? 0 : slack(least, runs)));
	CU_ASSERT_TRUE(share(tally.verdicts[VERDICT_EQUIVALENT], runs) <=
		       0.025 + slack(0.025, runs));
}

static void test_found(void)
{
	check_found(0.05, 1, 0.95);
	check_found(0.02, 1, 0.8);
}

static void test_found_family(void)
{
	check_found(0.05, FAMILY, 0.95);
	check_found(0.02, FAMILY, 0.8);
}

/* 95 % intervals hold the truth, with and without an effect, in few blocks too. */
static void test_intervals(void)
{
	static const uint32_t blocks[] = { 5, 10, 20 };
	struct simulation simulation;

	if (!test_check(default_simulation(&simulation)))
		return;
	simulation.looks = 1;
	for (size_t i = 0; i < ARRAY_COUNT(blocks); i++) {
		size_t runs = is_long() ? 4000 : 60;
		struct simulation_tally tally;

		simulation.blocks = blocks[i];
		simulation.effect = i == 1 ? 0.05 : 0;
		tally = simulation_runs(&simulation, runs, 20260404);
		CU_ASSERT_TRUE(share(tally.covered, runs) >= 0.93 - slack(0.95, runs));
		CU_ASSERT_TRUE(share(tally.covered, runs) <= 0.97 + slack(0.95, runs));
	}
}

TEST_SUITE("calibration", { "false regressed", test_false_regressed },
	   { "false regressed: a family", test_false_regressed_family },
	   { "much noise", test_much_noise }, { "found", test_found },
	   { "found: a family", test_found_family }, { "intervals", test_intervals })
