/* random_words.c - see random_words.h. */
#include "random_words.h"

#define MIDDLE 397
#define SEED_OF_ZERO 4357 /* as GSL has it */

static inline uint32_t twisted(uint32_t upper, uint32_t lower, uint32_t middle)
{
	uint32_t mixed = (upper & UINT32_C(0x80000000)) | (lower & UINT32_C(0x7fffffff));

	return middle ^ mixed >> 1 ^ (-(lower & 1) & UINT32_C(0x9908b0df));
}

void random_words_turn(struct random_words *state)
{
	uint32_t *words = state->words;
	size_t i = 0;

	for (; i < RANDOM_WORDS_COUNT - MIDDLE; i++)
		words[i] = twisted(words[i], words[i + 1], words[i + MIDDLE]);
	for (; i < RANDOM_WORDS_COUNT - 1; i++)
		words[i] = twisted(words[i], words[i + 1],
				   words[i + MIDDLE - RANDOM_WORDS_COUNT]);
	words[i] = twisted(words[i], words[0], words[MIDDLE - 1]);
	state->next = 0;
}

static void set_seed(void *place, unsigned long int seed)
{
	struct random_words *state = place;
	uint32_t word = seed ? (uint32_t)seed : SEED_OF_ZERO;

	for (uint32_t i = 0; i < RANDOM_WORDS_COUNT; i++) {
		state->words[i] = word;
		word = UINT32_C(1812433253) * (word ^ word >> 30) + i + 1;
	}
	state->next = RANDOM_WORDS_COUNT;
}

static unsigned long int get(void *place)
{
	return random_words_next(place);
}

static double get_double(void *place)
{
	return random_words_next(place) / 4294967296.0;
}

static const gsl_rng_type type = {
	.name = "random_words",
	.max = UINT32_MAX,
	.min = 0,
	.size = sizeof(struct random_words),
	.set = set_seed,
	.get = get,
	.get_double = get_double,
};

const gsl_rng_type *const random_words = &type;
