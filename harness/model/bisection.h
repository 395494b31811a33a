/* bisection.h - which kernel of a row of them is the first that has moved a metric:
 * how sure that is after some boots, and what to boot next. Pure; docs/bisect.md has
 * the model and how well it keeps what it says.
 *
 * Positions count from 0 (good) to `last` (bad). One change is assumed: all positions
 * before it are like good, it and all behind it like bad. Boots of a block share the
 * block's luck; every block that tells something about a position holds good, bad and
 * that position.
 *
 * Calling sequence: bisection_init; then, until it says BISECTION_APART, boot good and
 * bad in as many blocks more as bisection_compare_ends says; then, until it is done,
 * boot what bisection_choose says, mark what does not build with bisection_skip and
 * what is the same image as another with bisection_set_twin.
 */
#ifndef KERNGATE_MODEL_BISECTION_H
#define KERNGATE_MODEL_BISECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "statistics.h"

struct bisection_boot {
	uint32_t block;
	size_t position;
	double log_figure;       /* natural logarithm of the boot's figure */
};

struct bisection {
	size_t last;             /* position of bad, 1.. */
	double confidence;       /* wanted of the answer */
	double effect;           /* ratio - 1 of a change that is worth it */
	double floor;            /* standard deviation of a log figure that is expected
				    before anything is booted; keeps figures without any
				    noise from claiming too much */
	uint32_t blocks_min, blocks_max; /* of the ends, and of each other position */
	bool *is_skipped;        /* last + 1; owned */
	size_t *twins;           /* last + 1: the first position known to be the same
				    kernel; itself if none; owned */
};

void bisection_init(struct bisection *bisection, size_t last);
void bisection_release(struct bisection *bisection);
/* It cannot be booted. The ends cannot be skipped. */
void bisection_skip(struct bisection *bisection, size_t position);
/* Both are the same kernel, so that no change lies between them. */
void bisection_set_twin(struct bisection *bisection, size_t one, size_t other);

/* --- good against bad ------------------------------------------------------------- */

enum bisection_ends_state {
	BISECTION_MORE,          /* not yet told apart: boot more blocks */
	BISECTION_APART,
	BISECTION_ALIKE,         /* not told apart, and a change as large as `effect`
				    would have shown; or it is smaller than that */
	BISECTION_TOO_NOISY,     /* not told apart after blocks_max */
};

struct bisection_ends {
	enum bisection_ends_state state;
	uint32_t blocks;         /* with good and bad */
	uint32_t blocks_more;    /* BISECTION_MORE: this many */
	double ratio;            /* bad / good */
	struct interval interval;/* of ratio, 95 % */
	double p;
	double sd;               /* of log(bad / good) between blocks; NAN below two */
	double detectable_effect;/* ratio - 1, power 0.8; INFINITY: none */
};

/* looks: how often this was asked before about these boots; each look has a part of
 * the rate of false alarms of all. */
struct bisection_ends bisection_compare_ends(const struct bisection *bisection,
					     const struct bisection_boot *boots, size_t count,
					     uint32_t looks);

/* --- the steps ---------------------------------------------------------------------- */

/* How probable each position is as the first bad one: ret_first has last + 1
 * elements, which add up to 1 ([0] is 0). */
void bisection_posterior(const struct bisection *bisection, const struct bisection_boot *boots,
			 size_t count, double *ret_first);

enum bisection_action {
	BISECTION_MEASURE,       /* boot `position` in `blocks` more blocks */
	BISECTION_FOUND,         /* `first` is it */
	BISECTION_NARROWED,      /* one of first..last: what lies between cannot be booted */
	BISECTION_UNDECIDED,     /* one of first..last: the boots did not tell */
};

struct bisection_next {
	enum bisection_action action;
	size_t position;
	uint32_t blocks;
	size_t first, last;      /* candidates that hold `probability` together; while
				    measuring, those that hold the wanted confidence */
	double probability;
};

struct bisection_next bisection_choose(const struct bisection *bisection,
				       const struct bisection_boot *boots, size_t count);

/* --- whether one change explains it --------------------------------------------------- */

struct bisection_level {
	size_t position;
	uint32_t blocks;
	double share;            /* of the change from good (0) to bad (1) */
	double error;            /* its standard error */
	bool is_odd;             /* neither like good nor like bad: the metric moves more
				    than once, or the kernel differs by more than its code */
};

/* Of every position between the ends that was booted, by position. ret_levels has
 * last + 1 elements; returns how many there are. */
size_t bisection_levels(const struct bisection *bisection, const struct bisection_boot *boots,
			size_t count, struct bisection_level *ret_levels);

#endif
