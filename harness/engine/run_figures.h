/* run_figures.h - a stored run's boots as figures: what history and baselines are made
 * of. A variant's boots are those of its own label; the baseline's are both copies, of
 * which in exact mode (the same bytes) one counts a seed.
 */
#ifndef KERNGATE_ENGINE_RUN_FIGURES_H
#define KERNGATE_ENGINE_RUN_FIGURES_H

#include "error.h"
#include "run_store.h"
#include "strbuf.h"

struct boot_figure {
	uint64_t boot;               /* timed: the block; exact: the seed */
	double value;                /* the boot's median, of a tail the maximum, of an
					outcome 1 where it passed, else 0 */
};

/* Of one metric of one variant, in plan order; owned, for free(). */
int run_figures_load(struct run_store *store, const struct stored_run *run, uint32_t cell,
		     uint32_t row, uint32_t metric, uint32_t variant,
		     struct boot_figure **ret_figures, size_t *ret_count,
		     struct error *err) must_check;

/* Conditions of a variant's boots in a cell: what of their fingerprints must be equal
 * for runs to be compared, sorted "key=value\n" lines. Owned; NULL where the boots do
 * not agree, or none is finished. */
char *run_figures_conditions(const struct stored_run *run, uint32_t cell, uint32_t variant);

/* Keys that differ between two texts of such lines, one line each: "KEY: A -> B";
 * appended. */
void conditions_compare(const char *before, const char *after, struct strvec *differences);

#endif
