/* simulation.c - simulated runs before the real judge. */
#include "simulation.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#include "memory.h"
#include "sequential.h"

#define SIDES 3 /* the baseline, its copy, the candidate */
#define BLOCKS_BEFORE_LOOKS 2

static const struct metric_info metric = {
	.name = (char[]){ "simulated_ns" }, .unit = (char[]){ "ns" },
	.better = BETTER_LOWER, .kind = METRIC_TIME,
};

/* Boots of one metric: the baseline's two copies block by block, and one by one. */
struct boots {
	struct boot_samples *both, *copies[2], *candidate; /* owned */
};

struct run {
	double *values;              /* of all boots; owned */
	struct boots *boots;         /* of each metric; owned */
	struct metric_comparison *family, *control; /* owned */
};

static void run_init(struct run *run, const struct simulation *s)
{
	size_t boots = (size_t)s->blocks * SIDES;

	run->values = memory_alloc_array(s->metrics * boots * s->samples, sizeof(double));
	run->boots = memory_alloc_array(s->metrics, sizeof(*run->boots));
	run->family = memory_alloc_array(s->metrics, sizeof(*run->family));
	run->control = memory_alloc_array(s->metrics, sizeof(*run->control));
	for (size_t m = 0; m < s->metrics; m++) {
		struct boots *own = &run->boots[m];

		own->both = memory_alloc_array(2 * s->blocks, sizeof(*own->both));
		own->candidate = memory_alloc_array(s->blocks, sizeof(*own->both));
		for (size_t i = 0; i < 2; i++)
			own->copies[i] = memory_alloc_array(s->blocks, sizeof(*own->both));
	}
}

static void run_release(struct run *run, const struct simulation *s)
{
	for (size_t m = 0; m < s->metrics; m++) {
		free(run->boots[m].both);
		free(run->boots[m].candidate);
		free(run->boots[m].copies[0]);
		free(run->boots[m].copies[1]);
	}
	free(run->values);
	free(run->boots);
	free(run->family);
	free(run->control);
}

/* The log of the host's speed at a time of the run, 0 to 1. */
static double drift_at(const struct simulation *s, double time)
{
	switch (s->drift) {
	case DRIFT_LINEAR:
		return s->drift_range * time;
	case DRIFT_STEP:
		return time < 0.5 ? 0 : s->drift_range;
	case DRIFT_WAVE:
		return s->drift_range / 2 * sin(2 * M_PI * time);
	case DRIFT_WAVES:
		return s->drift_range / 2 * sin(2 * M_PI * 7 * time);
	case DRIFT_FAST:
		return s->drift_range / 2 * sin(2 * M_PI * s->blocks * time);
	default:
		return 0;
	}
}

static void boot_once(struct run *run, const struct simulation *s, gsl_rng *random,
		      uint32_t block, uint32_t place, size_t side)
{
	size_t boot = (size_t)block * SIDES + place;
	double drift = drift_at(s, (double)boot / (SIDES * (double)s->blocks));

	for (size_t m = 0; m < s->metrics; m++) {
		double *values = &run->values[(m * s->blocks * SIDES + boot) * s->samples];
		double level = log(1e6) + drift + gsl_ran_gaussian_ziggurat(random, s->boot_sd);
		struct boot_samples samples = { block, values, s->samples };

		if (side == 2 && m == 0)
			level += log1p(s->effect);
		for (size_t i = 0; i < s->samples; i++)
			values[i] = exp(level + gsl_ran_gaussian_ziggurat(random, s->sample_sd));
		if (side == 2)
			run->boots[m].candidate[block] = samples;
		else
			run->boots[m].both[2 * block + side] =
				run->boots[m].copies[side][block] = samples;
	}
}

static void boot_all(struct run *run, const struct simulation *s, gsl_rng *random)
{
	size_t order[SIDES] = { 0, 1, 2 };

	for (uint32_t block = 0; block < s->blocks; block++) {
		gsl_ran_shuffle(random, order, SIDES, sizeof(order[0]));
		for (uint32_t place = 0; place < SIDES; place++)
			boot_once(run, s, random, block, place, order[place]);
	}
}

/* True if every metric is settled. */
static bool judge(struct run *run, const struct simulation *s, uint32_t blocks,
		  const struct gate_policy *policy, uint64_t seed)
{
	bool is_settled = true;

	for (size_t m = 0; m < s->metrics; m++)
		run->family[m] = (struct metric_comparison){
			.metric = &metric,
			.a = run->boots[m].both, .a_count = 2 * blocks,
			.b = run->boots[m].candidate, .b_count = blocks,
		};
	verdict_judge(run->family, s->metrics, policy, seed);
	for (size_t m = 0; m < s->metrics; m++)
		is_settled &= run->family[m].verdict != VERDICT_INCONCLUSIVE;
	return is_settled;
}

/* Asked once, when the run ends, at the whole alpha. */
static bool control_fires(struct run *run, const struct simulation *s, uint32_t blocks,
			  uint64_t seed)
{
	struct gate_policy policy = s->policy;

	policy.correction = CORRECTION_HOLM;
	for (size_t m = 0; m < s->metrics; m++)
		run->control[m] = (struct metric_comparison){
			.metric = &metric,
			.a = run->boots[m].copies[0], .a_count = blocks,
			.b = run->boots[m].copies[1], .b_count = blocks,
		};
	verdict_judge(run->control, s->metrics, &policy, seed ^ 0xaa);
	return verdict_control_fired(run->control, s->metrics, &policy);
}

static void count(const struct run *run, const struct simulation *s,
		  struct simulation_tally *tally)
{
	const struct metric_comparison *first = &run->family[0];
	bool has_alarm = false;

	tally->verdicts[first->verdict]++;
	tally->covered += first->interval.low <= 1 + s->effect &&
			  1 + s->effect <= first->interval.high;
	for (size_t m = s->effect != 0; m < s->metrics; m++) {
		enum verdict verdict = run->family[m].verdict;

		tally->nulls++;
		tally->nulls_regressed += verdict == VERDICT_REGRESSED;
		tally->nulls_improved += verdict == VERDICT_IMPROVED;
		tally->nulls_equivalent += verdict == VERDICT_EQUIVALENT;
		has_alarm |= verdict == VERDICT_REGRESSED || verdict == VERDICT_IMPROVED;
	}
	tally->runs_with_alarm += has_alarm;
}

/* The policies of the looks, as the engine makes them. */
static size_t plan_looks(const struct simulation *s, uint32_t blocks[SEQUENTIAL_LOOKS_MAX],
			 struct gate_policy policies[SEQUENTIAL_LOOKS_MAX])
{
	double shares[SEQUENTIAL_LOOKS_MAX];
	size_t looks = sequential_plan(s->blocks, BLOCKS_BEFORE_LOOKS, s->looks, blocks);

	for (size_t i = 0; i < looks; i++) {
		shares[i] = (double)blocks[i] / (double)s->blocks;
		policies[i] = s->policy;
		policies[i].alpha = sequential_level(s->policy.alpha, shares, i + 1);
		policies[i].confidence =
			1 - sequential_level(1 - s->policy.confidence, shares, i + 1);
	}
	return looks;
}

static void run_one(const struct simulation *s, gsl_rng *random, const uint32_t *blocks,
		    const struct gate_policy *policies, size_t looks,
		    struct simulation_tally *tally)
{
	struct run run;
	size_t last = 0;

	run_init(&run, s);
	boot_all(&run, s, random);
	while (!judge(&run, s, blocks[last], &policies[last], tally->runs) &&
	       last + 1 < looks)
		last++;
	count(&run, s, tally);
	tally->control_fired += s->has_control &&
				control_fires(&run, s, blocks[last], tally->runs);
	tally->blocks += blocks[last];
	tally->runs++;
	run_release(&run, s);
}

struct simulation_tally simulation_runs(const struct simulation *simulation, size_t runs,
					unsigned long seed)
{
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	struct simulation_tally tally = { 0 };
	struct gate_policy policies[SEQUENTIAL_LOOKS_MAX];
	uint32_t blocks[SEQUENTIAL_LOOKS_MAX];
	size_t looks = plan_looks(simulation, blocks, policies);

	gsl_rng_set(random, seed);
	while (tally.runs < runs)
		run_one(simulation, random, blocks, policies, looks, &tally);
	gsl_rng_free(random);
	return tally;
}
