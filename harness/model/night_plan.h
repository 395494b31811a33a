/* night_plan.h - which cells of a campaign a night measures: those of most value first,
 * and as many as fit. Pure; docs/nightly.md has the rules.
 */
#ifndef KERNGATE_MODEL_NIGHT_PLAN_H
#define KERNGATE_MODEL_NIGHT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A cell, and what earlier nights say about it. */
struct night_candidate {
	uint32_t priority;           /* 1..9: of cells that are alike otherwise the higher
					goes first */
	uint64_t estimate_ns;        /* of all its boots */
	bool is_guessed;             /* nothing like it was measured yet */
	uint32_t waited_nights;      /* in a row, up to the last one, that left it out */
	bool is_open;                /* regressed, inconclusive or suspected the last time */
	uint64_t measured_wall_ns;   /* the last time; 0: never */
};

enum night_place {
	NIGHT_RUNS,
	NIGHT_WAITS,                 /* for the next night */
	NIGHT_NEVER_FITS,            /* not even alone, with nothing to build */
};

struct night_choice {
	size_t candidate;            /* index */
	enum night_place place;
	char *reason;                /* why, one line of at most 40 bytes; owned */
};

const char *night_place_name(enum night_place place); /* "run", "waits", "never fits" */

/* All candidates in order of value. room_ns: that is left for boots tonight; whole_ns:
 * that there would be without builds (UINT64_MAX for both: no bound). *ret_choices has
 * count items; owned, night_choices_free. Returns how many run. */
size_t night_plan_make(const struct night_candidate *candidates, size_t count,
		       uint64_t room_ns, uint64_t whole_ns,
		       struct night_choice **ret_choices);
void night_choices_free(struct night_choice *choices, size_t count);

#endif
