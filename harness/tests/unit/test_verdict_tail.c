/* test_verdict_tail.c - what is told of a tail beside its verdict. */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>

#include "memory.h"
#include "test.h"
#include "verdict.h"

#define BOOTS 10
#define SAMPLES_MAX 2000

#define NEAR(actual, expected, tolerance)                                      \
	test_check(fabs((actual) - (expected)) <= (tolerance))

static const struct gate_policy policy = {
	.margin_percent = 3, .alpha = 0.05, .confidence = 0.95,
	.correction = CORRECTION_BENJAMINI_HOCHBERG,
};

static const struct metric_info tail_metric = {
	.name = (char[]){ "latency_ns" }, .unit = (char[]){ "ns" },
	.better = BETTER_LOWER, .kind = METRIC_TAIL,
};
static const struct metric_info rate_tail = {
	.name = (char[]){ "rate_gib_s" }, .unit = (char[]){ "GiB/s" },
	.better = BETTER_HIGHER, .kind = METRIC_TAIL,
};

struct sides {
	double values[2][BOOTS][SAMPLES_MAX];
	struct boot_samples boots[2][BOOTS];
};

static struct metric_comparison compare(struct sides *sides, const struct metric_info *metric,
					size_t boots, size_t samples)
{
	for (uint32_t i = 0; i < boots; i++)
		for (size_t side = 0; side < 2; side++)
			sides->boots[side][i] =
				(struct boot_samples){ i, sides->values[side][i], samples };
	return (struct metric_comparison){
		.metric = metric, .a = sides->boots[0], .b = sides->boots[1],
		.a_count = boots, .b_count = boots,
	};
}

/* 1 to 10,000 on the baseline's side, dealt out to ten boots; the candidate's tail is
 * stretched: what is beyond 9,800 is doubled. Quantiles of whole numbers are known. */
static struct metric_comparison count_up(struct sides *sides)
{
	for (size_t i = 0; i < 10000; i++) {
		double value = (double)(i + 1);

		sides->values[0][i % 10][i / 10] = value;
		sides->values[1][(i + i / 10) % 10][i / 10] = value > 9800 ? 2 * value : value;
	}
	return compare(sides, &tail_metric, BOOTS, 1000);
}

static void test_quantiles(void)
{
	cleanup_free struct sides *sides = memory_alloc(sizeof(*sides));
	struct metric_comparison c = count_up(sides);
	const struct tail_figures *tail = &c.tail;

	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_REGRESSED);
	CU_ASSERT_EQUAL(tail->a_samples, 10000);
	CU_ASSERT_EQUAL(tail->b_samples, 10000);
	/* R: quantile(1:10000, c(.5, .99, .999, 1), type = 7) */
	NEAR(tail->quantiles[0].a, 5000.5, 1e-9);
	NEAR(tail->quantiles[1].a, 9900.01, 1e-9);
	NEAR(tail->quantiles[2].a, 9990.001, 1e-9);
	NEAR(tail->quantiles[3].a, 10000, 0);
	NEAR(tail->quantiles[0].b, 5000.5, 1e-9);
	NEAR(tail->quantiles[1].b, 2 * 9900.01, 1e-9);
	NEAR(tail->quantiles[3].b, 20000, 0);
	CU_ASSERT_EQUAL(tail->quantiles[2].q, 0.999);
	/* Beyond the baseline's 9900.01: 100 of its own, 200 of the candidate's. */
	NEAR(tail->threshold, 9900.01, 1e-9);
	CU_ASSERT_EQUAL(tail->a_beyond, 100);
	CU_ASSERT_EQUAL(tail->b_beyond, 200);
	for (size_t i = 0; i < TAIL_QUANTILES_COUNT; i++) {
		const struct tail_quantile *at = &tail->quantiles[i];

		CU_ASSERT_TRUE(at->a_interval.low <= at->a && at->a <= at->a_interval.high);
		CU_ASSERT_TRUE(at->b_interval.low <= at->b && at->b <= at->b_interval.high);
	}
	/* Each boot has ten and twenty of them: drawing boots changes nothing. */
	NEAR(tail->a_share.low, 0.01, 1e-12);
	NEAR(tail->a_share.high, 0.01, 1e-12);
	NEAR(tail->b_share.low, 0.02, 1e-12);
	NEAR(tail->b_share.high, 0.02, 1e-12);
}

/* Higher is better: beyond is below. */
static void test_rate(void)
{
	cleanup_free struct sides *sides = memory_alloc(sizeof(*sides));
	struct metric_comparison c = count_up(sides);

	c.metric = &rate_tail;
	verdict_judge(&c, 1, &policy, 1);
	NEAR(c.tail.threshold, 100.99, 1e-9);
	CU_ASSERT_EQUAL(c.tail.a_beyond, 100);
	CU_ASSERT_EQUAL(c.tail.b_beyond, 100);
}

static void test_too_few(void)
{
	cleanup_free struct sides *sides = memory_alloc(sizeof(*sides));
	struct metric_comparison c;

	(void)count_up(sides);
	/* 990 samples: not ten beyond the quantile 0.99. */
	c = compare(sides, &tail_metric, BOOTS, 99);
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.tail.a_samples, 990);
	CU_ASSERT_FALSE(isnan(c.tail.quantiles[0].a));
	CU_ASSERT_TRUE(isnan(c.tail.quantiles[1].a) && isnan(c.tail.quantiles[2].b));
	CU_ASSERT_TRUE(isnan(c.tail.quantiles[1].a_interval.low));
	CU_ASSERT_FALSE(isnan(c.tail.quantiles[3].b));
	CU_ASSERT_TRUE(isnan(c.tail.threshold) && isnan(c.tail.a_share.low));
	CU_ASSERT_EQUAL(c.tail.a_beyond, 0);
	c = compare(sides, &tail_metric, BOOTS, 100);
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_FALSE(isnan(c.tail.threshold));
	CU_ASSERT_TRUE(isnan(c.tail.quantiles[2].a));
	/* Four boots: figures without intervals. */
	c = compare(sides, &tail_metric, 4, 1000);
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_FALSE(isnan(c.tail.quantiles[1].a));
	CU_ASSERT_TRUE(isnan(c.tail.quantiles[1].a_interval.low));
	CU_ASSERT_TRUE(isnan(c.tail.b_share.high));
}

/* One sample a boot, all alike, and a boot that has none. */
static void test_little(void)
{
	cleanup_free struct sides *sides = memory_alloc(sizeof(*sides));
	struct metric_comparison c;

	for (size_t side = 0; side < 2; side++)
		for (size_t i = 0; i < BOOTS; i++)
			sides->values[side][i][0] = 7;
	c = compare(sides, &tail_metric, BOOTS, 1);
	sides->boots[1][3].count = 0;
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_EQUIVALENT);
	CU_ASSERT_EQUAL(c.tail.b_samples, BOOTS - 1);
	CU_ASSERT_TRUE(isnan(c.tail.quantiles[0].b));
	CU_ASSERT_EQUAL(c.tail.quantiles[3].b, 7);
	CU_ASSERT_EQUAL(c.tail.quantiles[3].b_interval.high, 7);
	/* Not judged, not told. */
	c.b_count = 1;
	verdict_judge(&c, 1, &policy, 1);
	CU_ASSERT_EQUAL(c.verdict, VERDICT_NOT_COMPARABLE);
	CU_ASSERT_EQUAL(c.tail.a_samples, 0);
}

/* Boots differ by 20 %, so their samples are not independent. The interval of the
 * median must hold the truth about as often as it says, ten boots being few; one from
 * samples drawn alone would hold it in less than a third. */
static void test_coverage(void)
{
	cleanup_free struct sides *sides = memory_alloc(sizeof(*sides));
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	size_t runs = getenv("KERNGATE_LONG") ? 1000 : 60, covered = 0;

	gsl_rng_set(random, 20261122);
	for (size_t run = 0; run < runs; run++) {
		struct metric_comparison c = compare(sides, &tail_metric, BOOTS, 200);

		for (size_t side = 0; side < 2; side++) {
			for (size_t boot = 0; boot < BOOTS; boot++) {
				double level = gsl_ran_gaussian(random, 0.2);

				for (size_t i = 0; i < 200; i++)
					sides->values[side][boot][i] =
						exp(level + gsl_ran_gaussian(random, 0.2));
			}
		}
		verdict_judge(&c, 1, &policy, run);
		covered += c.tail.quantiles[0].a_interval.low <= 1 &&
			   1 <= c.tail.quantiles[0].a_interval.high;
	}
	gsl_rng_free(random);
	CU_ASSERT_TRUE((double)covered / (double)runs >= 0.8);
	CU_ASSERT_TRUE((double)covered / (double)runs <= 0.99);
}

TEST_SUITE("verdict-tail", { "quantiles", test_quantiles }, { "rates", test_rate },
	   { "too few", test_too_few }, { "little", test_little },
	   { "coverage", test_coverage })
