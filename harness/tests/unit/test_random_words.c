/* Tests of model/random_words.c: the same numbers as GSL's generator. */
#include <gsl/gsl_randist.h>

#include "random_words.h"
#include "test.h"

/* 1 where both give the same next `count` words from that seed. */
static size_t equal_words(unsigned long int seed, size_t count)
{
	gsl_rng *ours = gsl_rng_alloc(random_words), *theirs = gsl_rng_alloc(gsl_rng_mt19937);
	size_t equal = 0;

	gsl_rng_set(ours, seed);
	gsl_rng_set(theirs, seed);
	for (size_t i = 0; i < count; i++)
		equal += random_word(ours) == gsl_rng_get(theirs);
	gsl_rng_free(ours);
	gsl_rng_free(theirs);
	return equal;
}

static void test_words(void)
{
	static const unsigned long int seeds[] = { 0, 1, 4357, 20261122, 0xffffffff,
						   0x100000000, 0x123456789a };

	for (size_t i = 0; i < ARRAY_COUNT(seeds); i++)
		CU_ASSERT_EQUAL(equal_words(seeds[i], 5000), 5000);
	CU_ASSERT_EQUAL(equal_words(7, 1000000), 1000000);
}

/* GSL's own functions draw from it as from theirs, among ours. */
static void test_functions(void)
{
	gsl_rng *ours = gsl_rng_alloc(random_words), *theirs = gsl_rng_alloc(gsl_rng_mt19937);
	int a[50], b[50];

	for (int i = 0; i < 50; i++)
		a[i] = b[i] = i;
	gsl_rng_set(ours, 3);
	gsl_rng_set(theirs, 3);
	for (size_t i = 0; i < 200; i++) {
		gsl_ran_shuffle(ours, a, ARRAY_COUNT(a), sizeof(*a));
		gsl_ran_shuffle(theirs, b, ARRAY_COUNT(b), sizeof(*b));
		CU_ASSERT_EQUAL(random_word(ours), gsl_rng_get(theirs));
		CU_ASSERT_EQUAL(gsl_rng_uniform(ours), gsl_rng_uniform(theirs));
		CU_ASSERT_EQUAL(a[i % 50], b[i % 50]);
	}
	CU_ASSERT_EQUAL(gsl_rng_max(ours), gsl_rng_max(theirs));
	CU_ASSERT_EQUAL(gsl_rng_min(ours), gsl_rng_min(theirs));
	gsl_rng_free(ours);
	gsl_rng_free(theirs);
}

TEST_SUITE("random_words",
	   {"the words of GSL's MT19937", test_words},
	   {"GSL's functions draw from it", test_functions})
