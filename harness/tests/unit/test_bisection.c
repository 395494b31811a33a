/* test_bisection.c - bisections of made-up kernels: how often they are right, against
 * how often they say they are; and what they say where one change does not explain it.
 */
#include "bisection.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "test.h"

#define BOOTS_MAX 20000

/* A world in which `first` is the first bad kernel. */
struct world {
	gsl_rng *random;
	size_t first, last;
	double change;           /* log of bad / good */
	double noise;            /* standard deviation of a boot's log */
	double drift;            /* of a block's log, from one to the next */
	double between;          /* share of the change that a second one at `second` makes */
	size_t second;           /* 0: none */
	struct bisection bisection;
	struct bisection_boot *boots;
	size_t count;
	uint32_t blocks;
	double luck;
	size_t builds;
};

static void world_open(struct world *world, size_t last, unsigned long seed)
{
	*world = (struct world){ .random = gsl_rng_alloc(gsl_rng_mt19937), .last = last,
				 .boots = memory_alloc_array(BOOTS_MAX, sizeof(*world->boots)) };
	gsl_rng_set(world->random, seed);
	bisection_init(&world->bisection, last);
	world->first = 1 + gsl_rng_uniform_int(world->random, last);
	world->change = log(1.05);
}

static void world_close(struct world *world)
{
	gsl_rng_free(world->random);
	bisection_release(&world->bisection);
	free(world->boots);
}

#define cleanup_world cleanup_with(world_close)

static double level(const struct world *world, size_t position)
{
	double share = position >= world->first ? 1 - world->between : 0;

	return world->change * (share + (world->second && position >= world->second ?
					 world->between : 0));
}

static void boot(struct world *world, size_t position)
{
	world->boots[world->count++] = (struct bisection_boot){
		.block = world->blocks, .position = position,
		.log_figure = 10 + world->luck + level(world, position) +
			      gsl_ran_gaussian(world->random, world->noise),
	};
}

/* position 0: the ends only. */
static void boot_blocks(struct world *world, size_t position, uint32_t blocks)
{
	for (uint32_t i = 0; i < blocks && world->count + 3 < BOOTS_MAX; i++) {
		world->luck += world->drift + gsl_ran_gaussian(world->random, world->noise);
		boot(world, 0);
		boot(world, world->last);
		if (position)
			boot(world, position);
		world->blocks++;
	}
}

static struct bisection_ends tell_ends_apart(struct world *world)
{
	struct bisection_ends ends;
	uint32_t looks = 0;

	ends = bisection_compare_ends(&world->bisection, world->boots, world->count, looks);
	while (ends.state == BISECTION_MORE) {
		boot_blocks(world, 0, ends.blocks_more);
		ends = bisection_compare_ends(&world->bisection, world->boots, world->count,
					      looks++);
	}
	return ends;
}

static struct bisection_next bisect(struct world *world)
{
	struct bisection_next next = { .action = BISECTION_MEASURE };
	size_t last_position = 0;

	for (unsigned int turn = 0; turn < 500 && next.action == BISECTION_MEASURE; turn++) {
		next = bisection_choose(&world->bisection, world->boots, world->count);
		if (next.action != BISECTION_MEASURE)
			break;
		world->builds += next.position != last_position;
		last_position = next.position;
		boot_blocks(world, next.position, next.blocks);
	}
	return next;
}

/* --- calibration ------------------------------------------------------------------------ */

struct score {
	unsigned int worlds, found, right;
	double said, boots, builds; /* sums */
};

static struct score score_worlds(size_t last, double noise, double drift, unsigned int worlds)
{
	struct score score = { .worlds = worlds };

	for (unsigned int i = 0; i < worlds; i++) {
		cleanup_world struct world world;
		struct bisection_next next;

		world_open(&world, last, 1000 * last + (unsigned long)(1e5 * noise) + i);
		world.noise = noise;
		world.drift = drift;
		if (tell_ends_apart(&world).state != BISECTION_APART)
			continue;
		next = bisect(&world);
		score.boots += (double)world.count;
		score.builds += (double)world.builds;
		if (next.action != BISECTION_FOUND)
			continue;
		score.found++;
		score.right += next.first == world.first;
		score.said += next.probability;
	}
	return score;
}

/* Of answers that say at least 95 %, at least 95 % are right, and no fewer than they
 * say (but for the luck of so many worlds). Nearly all worlds get an answer. */
static void check_calibrated(size_t last, double noise, double drift, unsigned int few)
{
	const char *times = getenv("KERNGATE_WORLDS"); /* the long form: so many times more */
	unsigned int worlds = few * (times ? (unsigned int)atoi(times) : 1);
	struct score score = score_worlds(last, noise, drift, worlds);
	double right = (double)score.right / score.found, said = score.said / score.found;
	double luck = 3 * sqrt(said * (1 - said) / score.found);

	printf("  %zu positions, noise %.3f: found %u of %u, right %.3f, said %.3f, "
	       "%.1f boots, %.1f builds\n", last, noise, score.found, worlds, right, said,
	       score.boots / worlds, score.builds / worlds);
	CU_ASSERT_TRUE(score.found >= worlds * 95 / 100);
	CU_ASSERT_TRUE(right >= 0.95);
	CU_ASSERT_TRUE(right >= said - luck);
}

static void test_calibrated_12(void)
{
	check_calibrated(12, 0.01, 0, 300);
	check_calibrated(12, 0.02, 0.001, 300);
	check_calibrated(12, 0.03, 0, 300);
	check_calibrated(12, 0.05, 0, 300);
}

static void test_calibrated_1000(void)
{
	check_calibrated(1000, 0.01, 0.001, 100);
	check_calibrated(1000, 0.02, 0, 100);
	check_calibrated(1000, 0.05, 0, 60);
}

/* No noise at all: an exact guest whose kernels differ in nothing else. */
static void test_without_noise(void)
{
	for (unsigned long seed = 0; seed < 20; seed++) {
		cleanup_world struct world world;
		struct bisection_next next;

		world_open(&world, 12, seed);
		world.bisection.blocks_min = 2;
		CU_ASSERT_EQUAL(tell_ends_apart(&world).state, BISECTION_APART);
		next = bisect(&world);
		CU_ASSERT_EQUAL(next.action, BISECTION_FOUND);
		CU_ASSERT_EQUAL(next.first, world.first);
		CU_ASSERT_TRUE(next.probability >= 0.95);
		CU_ASSERT_TRUE(world.builds <= 4);
	}
}

/* --- the ends ------------------------------------------------------------------------------ */

static void test_ends_alike(void)
{
	unsigned int apart = 0;

	for (unsigned long seed = 0; seed < 300; seed++) {
		cleanup_world struct world world;
		struct bisection_ends ends;

		world_open(&world, 3, seed);
		world.noise = 0.02;
		world.change = 0;
		world.bisection.effect = 0.02;
		ends = tell_ends_apart(&world);
		apart += ends.state == BISECTION_APART;
		CU_ASSERT_TRUE(ends.state == BISECTION_APART || ends.blocks >= 8);
		CU_ASSERT_TRUE(ends.blocks <= 100);
	}
	/* 1 % of false alarms, over all looks; and those below the effect do not count */
	CU_ASSERT_TRUE(apart <= 9);
}

static void test_ends_say_what_would_have_shown(void)
{
	cleanup_world struct world world;
	struct bisection_ends ends;

	world_open(&world, 3, 7);
	world.noise = 0.05;
	world.change = 0;
	world.bisection.effect = 0.001;
	ends = tell_ends_apart(&world);
	CU_ASSERT_EQUAL(ends.state, BISECTION_TOO_NOISY);
	CU_ASSERT_EQUAL(ends.blocks, 100);
	CU_ASSERT_TRUE(ends.detectable_effect > 0.01 && ends.detectable_effect < 0.08);
	CU_ASSERT_TRUE(ends.interval.low < 1 && ends.interval.high > 1);
}

/* Apart as numbers go, but by less than is worth it. */
static void test_ends_differ_by_too_little(void)
{
	cleanup_world struct world world;
	struct bisection_ends ends;

	world_open(&world, 3, 7);
	world.noise = 0.0001;
	world.change = log(1.002);
	ends = tell_ends_apart(&world);
	CU_ASSERT_EQUAL(ends.state, BISECTION_ALIKE);
	CU_ASSERT_TRUE(ends.p < 0.001);
	CU_ASSERT_TRUE(fabs(ends.ratio - 1.002) < 0.0005);
}

static void test_ends_need_blocks(void)
{
	cleanup_world struct world world;
	struct bisection_ends ends;

	world_open(&world, 3, 7);
	ends = bisection_compare_ends(&world.bisection, NULL, 0, 0);
	CU_ASSERT_EQUAL(ends.state, BISECTION_MORE);
	CU_ASSERT_EQUAL(ends.blocks_more, 4);
	/* a block that lost a side is none */
	boot_blocks(&world, 0, 4);
	world.boots[0].position = 2;
	ends = bisection_compare_ends(&world.bisection, world.boots, world.count, 0);
	CU_ASSERT_EQUAL(ends.blocks, 3);
	CU_ASSERT_EQUAL(ends.blocks_more, 1);
}

/* --- what cannot be booted, and what need not --------------------------------------------- */

static void test_skips(void)
{
	cleanup_world struct world world;
	struct bisection_next next;

	world_open(&world, 8, 3);
	world.noise = 0.01;
	world.first = 5;
	bisection_skip(&world.bisection, 4);
	(void)tell_ends_apart(&world);
	next = bisect(&world);
	/* 4 was not asked, so 4 and 5 cannot be told apart */
	CU_ASSERT_EQUAL(next.action, BISECTION_NARROWED);
	CU_ASSERT_EQUAL(next.first, 4);
	CU_ASSERT_EQUAL(next.last, 5);
	CU_ASSERT_TRUE(next.probability >= 0.95);
	for (size_t i = 0; i < world.count; i++)
		CU_ASSERT_NOT_EQUAL(world.boots[i].position, 4);
}

static void test_skips_beside_the_change(void)
{
	cleanup_world struct world world;
	struct bisection_next next;

	world_open(&world, 8, 3);
	world.noise = 0.01;
	world.first = 7;
	bisection_skip(&world.bisection, 4);
	bisection_skip(&world.bisection, 0); /* an end stays */
	CU_ASSERT_FALSE(world.bisection.is_skipped[0]);
	(void)tell_ends_apart(&world);
	next = bisect(&world);
	CU_ASSERT_EQUAL(next.action, BISECTION_FOUND);
	CU_ASSERT_EQUAL(next.first, 7);
}

static void test_twins(void)
{
	cleanup_world struct world world;
	struct bisection_next next;
	double first[9];

	world_open(&world, 8, 3);
	world.noise = 0.01;
	world.first = 6;
	bisection_set_twin(&world.bisection, 5, 2);
	bisection_set_twin(&world.bisection, 8, 7);
	CU_ASSERT_EQUAL(world.bisection.twins[4], 2);
	boot_blocks(&world, 0, 4);
	bisection_posterior(&world.bisection, world.boots, world.count, first);
	CU_ASSERT_EQUAL(first[3] + first[4] + first[5] + first[8], 0);
	CU_ASSERT_DOUBLE_EQUAL(first[1] + first[2] + first[6] + first[7], 1, 1e-9);
	(void)tell_ends_apart(&world);
	next = bisect(&world);
	CU_ASSERT_EQUAL(next.action, BISECTION_FOUND);
	CU_ASSERT_EQUAL(next.first, 6);
	for (size_t i = 0; i < world.count; i++)
		CU_ASSERT_TRUE(world.boots[i].position < 3 || world.boots[i].position > 5);
}

static void test_gives_up(void)
{
	cleanup_world struct world world;
	struct bisection_next next;

	world_open(&world, 4, 3);
	world.noise = 0.3;
	world.bisection.blocks_max = 5;
	boot_blocks(&world, 0, 5);
	next = bisect(&world);
	CU_ASSERT_EQUAL(next.action, BISECTION_UNDECIDED);
	CU_ASSERT_TRUE(next.last > next.first);
	CU_ASSERT_TRUE(world.count <= 2 * 5 + 3 * 3 * 5);
}

static void test_one_candidate(void)
{
	cleanup_world struct world world;
	struct bisection_next next;

	world_open(&world, 1, 3);
	world.noise = 0.01;
	(void)tell_ends_apart(&world);
	next = bisect(&world);
	CU_ASSERT_EQUAL(next.action, BISECTION_FOUND);
	CU_ASSERT_EQUAL(next.first, 1);
	CU_ASSERT_EQUAL(next.probability, 1);
}

/* --- more than one change ------------------------------------------------------------------- */

static size_t count_odd(struct world *world)
{
	struct bisection_level levels[20];
	size_t count = bisection_levels(&world->bisection, world->boots, world->count, levels);
	size_t odd = 0;

	for (size_t i = 0; i < count; i++)
		odd += levels[i].is_odd;
	return odd;
}

static void test_tells_two_changes(void)
{
	cleanup_world struct world world;
	struct bisection_level levels[13];

	world_open(&world, 12, 3);
	world.noise = 0.005;
	world.first = 4;
	world.second = 9;
	world.between = 0.4;
	(void)tell_ends_apart(&world);
	boot_blocks(&world, 6, 8);
	CU_ASSERT_EQUAL(bisection_levels(&world.bisection, world.boots, world.count, levels), 1);
	CU_ASSERT_EQUAL(levels[0].position, 6);
	CU_ASSERT_EQUAL(levels[0].blocks, 8);
	CU_ASSERT_DOUBLE_EQUAL(levels[0].share, 0.6, 0.2);
	CU_ASSERT_TRUE(levels[0].is_odd);
}

static void test_one_change_is_not_odd(void)
{
	size_t odd = 0;

	for (unsigned long seed = 0; seed < 100; seed++) {
		cleanup_world struct world world;

		world_open(&world, 12, seed);
		world.noise = 0.02;
		(void)tell_ends_apart(&world);
		(void)bisect(&world);
		odd += count_odd(&world);
	}
	/* some 400 positions */
	CU_ASSERT_TRUE(odd <= 4);
}

TEST_SUITE("bisection",
	   {"as right as it says, 12 positions", test_calibrated_12},
	   {"as right as it says, 1000 positions", test_calibrated_1000},
	   {"without noise", test_without_noise},
	   {"ends that are alike", test_ends_alike},
	   {"ends say what would have shown", test_ends_say_what_would_have_shown},
	   {"ends that differ by too little", test_ends_differ_by_too_little},
	   {"ends need blocks", test_ends_need_blocks},
	   {"skips", test_skips},
	   {"skips beside the change", test_skips_beside_the_change},
	   {"twins", test_twins},
	   {"gives up", test_gives_up},
	   {"one candidate", test_one_candidate},
	   {"tells two changes", test_tells_two_changes},
	   {"one change is not odd", test_one_change_is_not_odd})
