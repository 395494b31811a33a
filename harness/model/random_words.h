/* random_words.h - MT19937 as a type of GSL's generators, number for number the same as
 * gsl_rng_mt19937 (the test compares them). Judging draws 80 million numbers where a
 * campaign is large; through GSL's two calls a number that is a third of its time.
 *
 *     gsl_rng *random = gsl_rng_alloc(random_words);
 *     gsl_rng_set(random, seed);
 *     random_word(random);                // only of generators of that type
 */
#ifndef KERNGATE_MODEL_RANDOM_WORDS_H
#define KERNGATE_MODEL_RANDOM_WORDS_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

#define RANDOM_WORDS_COUNT 624

struct random_words {
	uint32_t words[RANDOM_WORDS_COUNT];
	size_t next;
};

extern const gsl_rng_type *const random_words;

/* All words anew. */
void random_words_turn(struct random_words *state);

/* Matsumoto and Nishimura: "Mersenne Twister", ACM TOMACS 8(1), 1998. */
static inline uint32_t random_words_next(struct random_words *state)
{
	uint32_t word;

	if (state->next == RANDOM_WORDS_COUNT)
		random_words_turn(state);
	word = state->words[state->next++];
	word ^= word >> 11;
	word ^= word << 7 & UINT32_C(0x9d2c5680);
	word ^= word << 15 & UINT32_C(0xefc60000);
	return word ^ word >> 18;
}

static inline uint32_t random_word(gsl_rng *random)
{
	return random_words_next((struct random_words *)random->state);
}

#endif
