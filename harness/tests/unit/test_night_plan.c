/* test_night_plan.c - which cells a night measures, over one night and over many. */
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "night_plan.h"
#include "test.h"

#define MINUTE_NS (60 * NS_PER_SECOND)
#define NIGHTS 200
#define CELLS 12

static void check_order(const struct night_candidate *candidates, size_t count,
			const size_t *expected)
{
	struct night_choice *choices = NULL;

	CU_ASSERT_EQUAL(night_plan_make(candidates, count, UINT64_MAX, UINT64_MAX, &choices),
			count);
	for (size_t i = 0; i < count; i++) {
		CU_ASSERT_EQUAL(choices[i].candidate, expected[i]);
		CU_ASSERT_EQUAL(choices[i].place, NIGHT_RUNS);
	}
	night_choices_free(choices, count);
}

/* Each is better than the next by one rule, and worse by all that come after it. */
static void test_order(void)
{
	const struct night_candidate candidates[] = {
		{ .priority = 5, .estimate_ns = 1, .measured_wall_ns = 9 },      /* cheapest */
		{ .priority = 5, .estimate_ns = 2, .measured_wall_ns = 9 },
		{ .priority = 5, .estimate_ns = 3, .measured_wall_ns = 8 },      /* older */
		{ .priority = 5, .estimate_ns = 4 },                             /* never */
		{ .priority = 6, .estimate_ns = 5, .measured_wall_ns = 10 },     /* priority */
		{ .priority = 1, .estimate_ns = 6, .measured_wall_ns = 11, .is_open = true },
		{ .priority = 1, .estimate_ns = 7, .measured_wall_ns = 12, .waited_nights = 1 },
		{ .priority = 1, .estimate_ns = 8, .measured_wall_ns = 13, .waited_nights = 2 },
	};
	static const size_t expected[] = { 7, 6, 5, 4, 3, 2, 0, 1 };

	check_order(candidates, ARRAY_COUNT(candidates), expected);
}

static void test_equal_cells_keep_the_order_of_the_campaign(void)
{
	const struct night_candidate candidates[4] = { { .priority = 5 }, { .priority = 5 },
						       { .priority = 5 }, { .priority = 5 } };
	static const size_t expected[] = { 0, 1, 2, 3 };

	check_order(candidates, 4, expected);
}

static void test_no_room(void)
{
	const struct night_candidate candidates[] = {
		{ .priority = 9, .estimate_ns = 7 * MINUTE_NS },
		{ .priority = 8, .estimate_ns = 6 * MINUTE_NS, .waited_nights = 0 },
		{ .priority = 7, .estimate_ns = 3 * MINUTE_NS, .measured_wall_ns = 1 },
		{ .priority = 6, .estimate_ns = 12 * MINUTE_NS },
		{ .priority = 1, .estimate_ns = 11 * MINUTE_NS },
	};
	struct night_choice *choices = NULL;

	CU_ASSERT_EQUAL(night_plan_make(candidates, 5, 10 * MINUTE_NS, 11 * MINUTE_NS, &choices),
			2);
	CU_ASSERT_EQUAL(choices[0].place, NIGHT_RUNS);
	CU_ASSERT_EQUAL(choices[1].place, NIGHT_WAITS);
	CU_ASSERT_EQUAL(choices[2].place, NIGHT_RUNS); /* what is left is enough for it */
	CU_ASSERT_EQUAL(choices[3].place, NIGHT_NEVER_FITS);
	CU_ASSERT_EQUAL(choices[4].place, NIGHT_WAITS); /* it would, without builds */
	test_check_string(choices[0].reason, "never measured");
	test_check_string(choices[1].reason, "3 min 00 s left");
	test_check_string(choices[2].reason, "last measured 1970-01-01");
	test_check_string(choices[3].reason, "a night has room for 11 min 00 s");
	night_choices_free(choices, 5);
}

static void test_nothing_fits(void)
{
	const struct night_candidate candidate = { .priority = 5, .estimate_ns = MINUTE_NS,
						   .waited_nights = 3 };
	struct night_choice *choices = NULL;

	CU_ASSERT_EQUAL(night_plan_make(&candidate, 1, MINUTE_NS - 1, MINUTE_NS, &choices), 0);
	CU_ASSERT_EQUAL(choices[0].place, NIGHT_WAITS);
	test_check_string(choices[0].reason, "1 min 00 s left; waited 3 nights already");
	night_choices_free(choices, 1);
	CU_ASSERT_EQUAL(night_plan_make(NULL, 0, 1, 1, &choices), 0);
	night_choices_free(choices, 0);
}

/* Many nights, with a room that changes as builds take more or less of it: what is chosen
 * never takes more than there is, and whatever fits alone is measured again and again. */
static void simulate(uint64_t seed, uint32_t *ret_longest_wait)
{
	struct night_candidate cells[CELLS] = { { .priority = 0 } };
	uint64_t random = seed * UINT64_C(2862933555777941757) + 3037000493u;

	for (size_t i = 0; i < CELLS; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		cells[i].priority = 1 + (uint32_t)(random >> 40) % 9;
		cells[i].estimate_ns = (1 + (random >> 50) % 20) * MINUTE_NS;
	}
	for (uint64_t night = 1; night <= NIGHTS; night++) {
		uint64_t room_ns = (20 + night % 7) * MINUTE_NS, spent_ns = 0;
		struct night_choice *choices = NULL;

		(void)night_plan_make(cells, CELLS, room_ns, 26 * MINUTE_NS, &choices);
		for (size_t i = 0; i < CELLS; i++) {
			struct night_candidate *cell = &cells[choices[i].candidate];

			CU_ASSERT_NOT_EQUAL(choices[i].place, NIGHT_NEVER_FITS);
			if (choices[i].place == NIGHT_RUNS) {
				spent_ns += cell->estimate_ns;
				cell->waited_nights = 0;
				cell->measured_wall_ns = night;
				cell->is_open = (night + choices[i].candidate) % 3 == 0;
			} else if (++cell->waited_nights > *ret_longest_wait) {
				*ret_longest_wait = cell->waited_nights;
			}
		}
		CU_ASSERT_TRUE(spent_ns <= room_ns);
		night_choices_free(choices, CELLS);
	}
}

static void test_nothing_starves(void)
{
	uint32_t longest_wait = 0;

	for (uint64_t seed = 1; seed <= 50; seed++)
		simulate(seed, &longest_wait);
	/* at worst all others go first, one a night */
	CU_ASSERT_TRUE(longest_wait < CELLS);
	/* or nothing ever waited, and this tested nothing */
	CU_ASSERT_TRUE(longest_wait > 1);
}

TEST_SUITE("night_plan",
	   {"order of value", test_order},
	   {"equal cells keep the campaign's order", test_equal_cells_keep_the_order_of_the_campaign},
	   {"what has no room waits", test_no_room},
	   {"nothing fits", test_nothing_fits},
	   {"nothing starves, no night is overbooked", test_nothing_starves})
