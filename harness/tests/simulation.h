/* simulation.h - runs whose truth is known, put before the judge as a campaign would:
 * the baseline twice and the candidate once in every block, in random order, with
 * looks on the way. How often the whole procedure is wrong is then counted.
 */
#ifndef KERNGATE_TESTS_SIMULATION_H
#define KERNGATE_TESTS_SIMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verdict.h"

/* How the host's speed goes over the run. */
enum drift {
	DRIFT_NONE,
	DRIFT_LINEAR,
	DRIFT_STEP,       /* in the middle */
	DRIFT_WAVE,       /* one period over the run */
	DRIFT_WAVES,      /* seven */
	DRIFT_FAST,       /* one in each block: noise more than drift */
	DRIFTS,
};

struct simulation {
	struct gate_policy policy;   /* of the whole run */
	uint32_t blocks, looks;
	size_t metrics;
	double boot_sd, sample_sd;   /* of logs: between boots, and inside them */
	size_t samples;              /* a boot */
	double drift_range;          /* from the lowest to the highest, 0.03: 3 % */
	enum drift drift;
	double effect;               /* true change of the first metric: 0.05 is +5 % */
	bool has_control;            /* judges the baseline's copies against each other */
};

struct simulation_tally {
	size_t runs;
	size_t nulls, nulls_regressed, nulls_improved, nulls_equivalent;
	size_t runs_with_alarm;      /* a null called regressed or improved */
	size_t verdicts[VERDICT_NOT_COMPARABLE + 1]; /* of the first metric */
	size_t covered;              /* its interval holds the truth */
	size_t control_fired;
	size_t blocks;               /* measured, of all runs */
};

/* So many runs from a seed. */
struct simulation_tally simulation_runs(const struct simulation *simulation, size_t runs,
					unsigned long seed);

#endif
