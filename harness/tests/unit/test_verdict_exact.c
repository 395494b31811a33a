/* test_verdict_exact.c - the judge of exact mode, and how often it is wrong where
 * the truth is known (KERNGATE_LONG=1: longer, with tighter bounds). The spreads
 * that are simulated are those of docs/exact-mode.md, "Seeds".
 */
#include "verdict.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "test.h"

#define SEEDS_MAX 8

static const struct gate_policy policy = {
	.margin_percent = 0.25,
	.alpha = 0.05,
	.confidence = 0.95,
	.correction = CORRECTION_BENJAMINI_HOCHBERG,
};

static const struct metric_info work_metric = {
	.name = (char[]){ "work_instructions" }, .unit = (char[]){ "insn" },
	.better = BETTER_LOWER, .kind = METRIC_COUNT,
};
static const struct metric_info parallelism_metric = {
	.name = (char[]){ "parallelism" }, .unit = (char[]){ "ratio" },
	.better = BETTER_HIGHER, .kind = METRIC_COUNT,
};
static const struct metric_info time_metric = {
	.name = (char[]){ "latency_p99_ns" }, .unit = (char[]){ "ns" },
	.better = BETTER_LOWER, .kind = METRIC_TIME,
};
static const struct metric_info tail_metric = {
	.name = (char[]){ "latency_max_ns" }, .unit = (char[]){ "ns" },
	.better = BETTER_LOWER, .kind = METRIC_TAIL,
};

/* One figure a seed and side. */
struct sides {
	double a_values[SEEDS_MAX], b_values[SEEDS_MAX];
	struct boot_samples a[SEEDS_MAX], b[SEEDS_MAX];
};

static struct metric_comparison compare(struct sides *sides, const struct metric_info *metric,
					const double *a, const double *b, uint32_t seeds)
{
	memcpy(sides->a_values, a, seeds * sizeof(*a));
	memcpy(sides->b_values, b, seeds * sizeof(*b));
	for (uint32_t i = 0; i < seeds; i++) {
		sides->a[i] = (struct boot_samples){ i, &sides->a_values[i], 1 };
		sides->b[i] = (struct boot_samples){ i, &sides->b_values[i], 1 };
	}
	return (struct metric_comparison){ .metric = metric, .a = sides->a, .b = sides->b,
					   .a_count = seeds, .b_count = seeds };
}

static struct metric_comparison judge(const struct metric_info *metric, const double *a,
				      const double *b, uint32_t seeds)
{
	static struct sides sides;
	struct metric_comparison c = compare(&sides, metric, a, b, seeds);

	verdict_judge_exact(&c, 1, &policy);
	return c;
}

static const double base[] = { 46701891, 46703911, 46701888, 46705900, 46701890 };

static void scale(double factor, double *ret_values)
{
	/* Ticks fall elsewhere on the other side. */
	static const double noise[] = { 2020, -2020, 0, 4040, 0 };

	for (size_t i = 0; i < 5; i++)
		ret_values[i] = round(base[i] * factor) + noise[i];
}

static void test_five_verdicts(void)
{
	double b[5];
	struct metric_comparison c;

	scale(1.005, b);
	c = judge(&work_metric, base, b, 5);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_REGRESSED);
	CU_ASSERT_PTR_NULL(c.reason);
	CU_ASSERT_TRUE(fabs(c.ratio - 1.005) < 1e-4);
	CU_ASSERT_TRUE(c.interval.low < 1.005 && 1.005 < c.interval.high);
	CU_ASSERT_TRUE(c.p > 0 && c.p < 1e-6);
	CU_ASSERT_EQUAL(c.blocks, 5);
	CU_ASSERT_TRUE(fabs(c.b_center / c.a_center - c.ratio) < 1e-12);
	CU_ASSERT_EQUAL(judge(&parallelism_metric, base, b, 5).verdict, VERDICT_IMPROVED);
	scale(0.995, b);
	CU_ASSERT_EQUAL(judge(&work_metric, base, b, 5).verdict, VERDICT_IMPROVED);
	CU_ASSERT_EQUAL(judge(&parallelism_metric, base, b, 5).verdict, VERDICT_REGRESSED);
	/* Real, and inside the margin. */
	scale(1.001, b);
	c = judge(&work_metric, base, b, 5);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_TRUE(c.p < 0.001);
	b[3] *= 1.02;
	CU_ASSERT_EQUAL(judge(&work_metric, base, b, 5).verdict, VERDICT_INCONCLUSIVE);
}

/* A change that is sure but may be on either side of the margin. */
static void test_at_the_margin(void)
{
	static const double a[] = { 1e8, 1e8, 1e8, 1e8, 1e8 };
	static const double inside[] = { 100220000, 100250000, 100180000, 100290000, 100200000 };
	static const double outside[] = { 100320000, 100350000, 100280000, 100390000, 100300000 };
	struct metric_comparison c = judge(&work_metric, a, inside, 5);

	CU_ASSERT_TRUE(c.p < 0.001 && c.interval.high > 1.0025);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_TRUE(c.blocks_needed > 5 && c.blocks_needed < 1000);
	c = judge(&work_metric, a, outside, 5);
	CU_ASSERT_TRUE(c.interval.low > 1.0025 || c.interval.low > 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(c.blocks_needed, 0);
}

static void test_equal_in_every_seed(void)
{
	struct metric_comparison c = judge(&work_metric, base, base, 5);
	static const double zeros[5] = { 0 };

	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(c.p, 1);
	CU_ASSERT_EQUAL(c.ratio, 1);
	CU_ASSERT_EQUAL(c.interval.low, 1);
	CU_ASSERT_EQUAL(c.interval.high, 1);
	CU_ASSERT_EQUAL(c.detectable_effect, 0);
	test_check_string(c.reason, "equal in every one");
	c = judge(&work_metric, zeros, zeros, 5);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(c.a_center, 0);
	CU_ASSERT_EQUAL(c.b_center, 0);
}

/* Every seed changes alike, or nothing varies at all: no test, the margin. */
static void test_same_change(void)
{
	static const double a[] = { 1000000, 2000000, 3000000, 4000000 };
	static const double more[] = { 1005000, 2010000, 3015000, 4020000 };
	static const double hardly[] = { 1002000, 2004000, 3006000, 4008000 };
	static const double slow[] = { 523580000, 523580000, 523580000, 523580000 };
	static const double fast[] = { 2190000, 2190000, 2190000, 2190000 };
	static const double coarse[] = { 31000, 31000, 31000, 31000 };
	static const double step[] = { 32000, 32000, 32000, 32000 };
	struct metric_comparison c = judge(&work_metric, a, more, 4);

	CU_ASSERT_EQUAL(c.verdict, VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(c.p, 0);
	CU_ASSERT_EQUAL(c.detectable_effect, 0);
	test_check_contains(c.reason, "no test");
	c = judge(&work_metric, a, hardly, 4);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(c.p, 0);
	CU_ASSERT_EQUAL(judge(&time_metric, slow, fast, 4).verdict, VERDICT_IMPROVED);
	c = judge(&time_metric, coarse, step, 4);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(c.blocks_needed, 0);
	test_check_contains(c.reason, "resolution");
	CU_ASSERT_EQUAL(judge(&time_metric, coarse, step, 2).blocks_needed, 0);
}

/* Three seeds may agree by luck: a change is shown and not called. */
static void test_few_seeds(void)
{
	static const double a[] = { 1e8, 1e8, 1e8 }, b[] = { 2e8, 2e8, 2e8 };
	static const double near[] = { 100600000, 100600001, 100600002 };
	static const double hardly[] = { 100010000, 100010001, 100010002 };
	struct metric_comparison c = judge(&work_metric, a, b, 3);

	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(c.ratio, 2);
	CU_ASSERT_EQUAL(c.blocks_needed, 2);
	c = judge(&work_metric, a, near, 3);
	CU_ASSERT_TRUE(c.p < 1e-6);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_EQUAL(c.blocks_needed, 2);
	CU_ASSERT_TRUE(isinf(c.detectable_effect));
	CU_ASSERT_EQUAL(judge(&work_metric, a, near, 2).blocks_needed, 3);
	CU_ASSERT_EQUAL(judge(&work_metric, a, hardly, 3).verdict, VERDICT_EQUIVALENT);
}

static void test_one_seed(void)
{
	static const double a[] = { 1000000 }, b[] = { 1005000 };
	struct metric_comparison c = judge(&work_metric, a, b, 1);

	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_TRUE(fabs(c.ratio - 1.005) < 1e-12);
	CU_ASSERT_EQUAL(c.p, 1);
	CU_ASSERT_EQUAL(c.blocks_needed, 4);
	test_check_contains(c.reason, "one seed");
	c = judge(&work_metric, a, a, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(c.blocks_needed, 0);
}

static void test_seeds_needed(void)
{
	double b[5];
	struct metric_comparison c;
	size_t few;

	scale(1.005, b);
	b[1] *= 1.006;
	c = judge(&work_metric, base, b, 5);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_REGRESSED);
	b[1] *= 1.02;
	c = judge(&work_metric, base, b, 5);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_INCONCLUSIVE);
	few = c.blocks_needed;
	CU_ASSERT_TRUE(few >= 1 && few < 100);
	CU_ASSERT_TRUE(c.detectable_effect > 0.005);
	b[1] *= 1.2;
	c = judge(&work_metric, base, b, 5);
	CU_ASSERT_TRUE(c.blocks_needed > few || c.ratio > 1.04);
	/* What is found must be beyond the margin, however small the noise. */
	scale(1.001, b);
	c = judge(&work_metric, base, b, 5);
	CU_ASSERT_TRUE(c.detectable_effect > 0.0025 && c.detectable_effect < 0.003);
}

static void check_refused(struct metric_comparison *c, const char *reason)
{
	verdict_judge_exact(c, 1, &policy);
	CU_ASSERT_EQUAL(c->verdict, VERDICT_NOT_COMPARABLE);
	test_check_contains(c->reason, reason);
	CU_ASSERT_EQUAL(verdict_gate(c, 1, false), GATE_NOT_COMPARABLE);
}

static void test_not_comparable(void)
{
	struct sides sides;
	struct metric_comparison c = compare(&sides, &work_metric, base, base, 5);

	c.a_count = 0;
	check_refused(&c, "of the baseline");
	c = compare(&sides, &work_metric, base, base, 5);
	c.b_count = 0;
	check_refused(&c, "of the candidate");
	c = compare(&sides, &work_metric, base, base, 2);
	c.b_count = 1;
	sides.b[0].block = 7;
	check_refused(&c, "no seed");
	c = compare(&sides, &work_metric, base, base, 5);
	sides.b_values[4] = 0;
	check_refused(&c, "zero or negative");
	CU_ASSERT_TRUE(isnan(c.p) && isnan(c.ratio));
	CU_ASSERT_TRUE(isfinite(c.b_center));
	sides.b_values[4] = -1;
	check_refused(&c, "zero or negative");
}

/* Of a boot's samples a tail takes the largest, other metrics the median. */
static void test_tail(void)
{
	static const double samples[] = { 20, 21, 90 }, other[] = { 20, 21, 45 };
	struct boot_samples a[5], b[5];
	struct metric_comparison c = { .metric = &tail_metric, .a = a, .b = b,
				       .a_count = 5, .b_count = 5 };

	for (uint32_t i = 0; i < 5; i++) {
		a[i] = (struct boot_samples){ i, samples, 3 };
		b[i] = (struct boot_samples){ i, other, 3 };
	}
	verdict_judge_exact(&c, 1, &policy);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_IMPROVED);
	CU_ASSERT_EQUAL(c.ratio, 0.5);
	c.metric = &time_metric;
	verdict_judge_exact(&c, 1, &policy);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
}

/* The correction is across the family, as in timed mode. */
static void test_family(void)
{
	static const double a[] = { 1e8, 1e8, 1e8, 1e8 };
	static const double b[] = { 100500000, 100950000, 100350000, 100800000 };
	struct sides sides[4];
	struct metric_comparison family[4];

	for (size_t i = 0; i < 4; i++)
		family[i] = compare(&sides[i], &work_metric, a, i ? a : b, 4);
	verdict_judge_exact(family, 1, &policy);
	CU_ASSERT_EQUAL(family[0].verdict, VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(family[0].p_adjusted, family[0].p);
	verdict_judge_exact(family, 4, &policy);
	CU_ASSERT_TRUE(fabs(family[0].p_adjusted - 4 * family[0].p) < 1e-12);
	CU_ASSERT_EQUAL(family[0].verdict, VERDICT_INCONCLUSIVE);
	CU_ASSERT_TRUE(family[0].blocks_needed >= 1);
	CU_ASSERT_EQUAL(verdict_gate(family, 4, false), GATE_INCONCLUSIVE);
}

/* --- calibration ------------------------------------------------------- */

#define SIM_SEEDS 5
#define SIM_METRICS 10
#define OUTLIER 0.003
#define OUTLIER_SHARE 0.05

/* How the figures of two worlds differ. */
enum world {
	WORLD_SMOOTH, /* normal */
	WORLD_TICKS,  /* a tick falls into the round or not, on either side */
};

struct spread {
	double sd;           /* of a pair's log ratio, outliers apart */
	enum world world;
	bool has_outliers;   /* one seed in twenty is off by 0.3 % */
};

struct tally {
	size_t runs;
	size_t alarms;       /* runs with a change called in a metric that has none */
	size_t equivalent;   /* metrics without a change */
	size_t found;        /* the change of the first metric, in its direction */
	size_t covered;      /* intervals of all metrics that hold the truth */
};

static double draw(gsl_rng *random, const struct spread *spread)
{
	double tick = spread->sd * M_SQRT2;
	double log_ratio = spread->world == WORLD_SMOOTH ?
		gsl_ran_gaussian(random, spread->sd) :
		tick * ((double)gsl_rng_uniform_int(random, 2) -
			(double)gsl_rng_uniform_int(random, 2));

	if (spread->has_outliers && gsl_rng_uniform(random) < OUTLIER_SHARE)
		log_ratio += gsl_rng_uniform_int(random, 2) ? OUTLIER : -OUTLIER;
	return log_ratio;
}

/* One comparison of ten metrics; effect is what the first one has truly changed
 * by. Figures are whole numbers of instructions. */
static void simulate_run(gsl_rng *random, const struct spread *spreads, double effect,
			 struct tally *tally)
{
	struct sides sides[SIM_METRICS];
	struct metric_comparison family[SIM_METRICS];
	bool has_alarm = false;

	for (size_t m = 0; m < SIM_METRICS; m++) {
		double a[SIM_SEEDS], b[SIM_SEEDS], level = 46.7e6 * (1 + (double)m);
		double truth = m == 0 ? log1p(effect) : 0;

		for (size_t i = 0; i < SIM_SEEDS; i++) {
			a[i] = level;
			b[i] = round(level * exp(truth + draw(random, &spreads[m])));
		}
		family[m] = compare(&sides[m], &work_metric, a, b, SIM_SEEDS);
	}
	verdict_judge_exact(family, SIM_METRICS, &policy);
	for (size_t m = 0; m < SIM_METRICS; m++) {
		double truth = m == 0 ? 1 + effect : 1;
		enum verdict verdict = family[m].verdict;

		tally->covered += family[m].interval.low <= truth &&
				  truth <= family[m].interval.high;
		if (m == 0 && effect != 0) {
			tally->found += verdict == VERDICT_REGRESSED;
			continue;
		}
		tally->equivalent += verdict == VERDICT_EQUIVALENT;
		has_alarm |= verdict == VERDICT_REGRESSED || verdict == VERDICT_IMPROVED;
	}
	tally->alarms += has_alarm;
	tally->runs++;
}

static struct tally simulate(const struct spread *spreads, double effect, size_t runs)
{
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	struct tally tally = { 0 };

	gsl_rng_set(random, 20261121);
	while (tally.runs < runs)
		simulate_run(random, spreads, effect, &tally);
	gsl_rng_free(random);
	return tally;
}

static double share(size_t count, const struct tally *tally)
{
	return (double)count / (double)tally->runs;
}

/* Three standard errors of a share at a true one. */
static double slack(double truth, size_t runs)
{
	return 3 * sqrt(truth * (1 - truth) / (double)runs);
}

static bool is_long(void)
{
	return getenv("KERNGATE_LONG") != NULL;
}

/* What was measured: 0.01 to 0.15 %, both kinds, outliers in half of them. */
static const struct spread measured[SIM_METRICS] = {
	{ 0.0010, WORLD_SMOOTH, false }, { 0.0001, WORLD_SMOOTH, true },
	{ 0.0001, WORLD_TICKS, false },  { 0.0003, WORLD_TICKS, true },
	{ 0.0005, WORLD_SMOOTH, false }, { 0.0005, WORLD_TICKS, true },
	{ 0.0010, WORLD_TICKS, true },   { 0.0010, WORLD_SMOOTH, true },
	{ 0.0015, WORLD_TICKS, false },  { 0.0015, WORLD_SMOOTH, true },
};

/* 200 comparisons of a kernel with itself in other worlds: not one alarm. */
static void test_no_false_alarm(void)
{
	size_t runs = is_long() ? 20000 : 200;
	struct tally tally = simulate(measured, 0, runs);

	CU_ASSERT_TRUE(is_long() ? share(tally.alarms, &tally) <= 0.0005 : tally.alarms == 0);
	CU_ASSERT_TRUE(share(tally.equivalent, &tally) / SIM_METRICS >= 0.8);
}

/* +0.5 % in one of ten metrics, with five seeds. */
static void test_half_a_percent(void)
{
	size_t runs = is_long() ? 10000 : 200;
	struct spread spreads[SIM_METRICS];
	struct tally tally;

	memcpy(spreads, measured, sizeof(spreads));
	tally = simulate(spreads, 0.005, runs);
	CU_ASSERT_TRUE(share(tally.found, &tally) >= 0.95);
	spreads[0].world = WORLD_TICKS;
	tally = simulate(spreads, 0.005, runs);
	CU_ASSERT_TRUE(share(tally.found, &tally) >= 0.95);
	/* A spread of 0.1 % with outliers in it; then outliers on top of that. */
	spreads[0] = (struct spread){ 0.00075, WORLD_SMOOTH, true };
	tally = simulate(spreads, 0.005, runs);
	CU_ASSERT_TRUE(share(tally.found, &tally) >= 0.95);
	spreads[0] = measured[0];
	spreads[0].has_outliers = true;
	tally = simulate(spreads, 0.005, runs);
	CU_ASSERT_TRUE(share(tally.found, &tally) >= 0.9);
}

/* Noise that the margin does not hide: the correction alone bounds alarms, and
 * the intervals hold the truth. */
static void test_much_noise(void)
{
	size_t runs = is_long() ? 10000 : 200;
	struct spread spreads[SIM_METRICS];
	struct tally tally;

	for (size_t i = 0; i < SIM_METRICS; i++)
		spreads[i] = (struct spread){ 0.02, WORLD_SMOOTH, false };
	tally = simulate(spreads, 0, runs);
	CU_ASSERT_TRUE(share(tally.alarms, &tally) <= 0.05 + slack(0.05, runs));
	CU_ASSERT_TRUE(share(tally.covered, &tally) / SIM_METRICS >=
		       0.95 - slack(0.95, runs * SIM_METRICS));
	CU_ASSERT_TRUE(share(tally.covered, &tally) / SIM_METRICS <=
		       0.95 + slack(0.95, runs * SIM_METRICS));
	/* Figures of two values only, half of the worlds each: five may agree by luck. */
	for (size_t i = 0; i < SIM_METRICS; i++)
		spreads[i].world = WORLD_TICKS;
	tally = simulate(spreads, 0, runs);
	CU_ASSERT_TRUE(share(tally.alarms, &tally) <= 0.05 + slack(0.05, runs));
}

TEST_SUITE("verdict-exact", { "five verdicts", test_five_verdicts },
	   { "at the margin", test_at_the_margin },
	   { "equal in every seed", test_equal_in_every_seed },
	   { "the same change", test_same_change },
	   { "few seeds", test_few_seeds }, { "one seed", test_one_seed },
	   { "seeds needed", test_seeds_needed },
	   { "not comparable", test_not_comparable }, { "tails", test_tail },
	   { "family", test_family },
	   { "calibration: no false alarm", test_no_false_alarm },
	   { "calibration: half a percent", test_half_a_percent },
	   { "calibration: much noise", test_much_noise })
