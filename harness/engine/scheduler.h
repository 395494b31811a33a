/* scheduler.h - the order of trials: balanced random blocks from a seed. In
 * every block each cell boots every variant once (the A/A copy of the baseline
 * is a variant of its own); the order inside a block is a random permutation
 * (GSL mt19937), so that drift hits all sides alike.
 *
 * In exact mode block b is seed number run->seed + b, of all its trials. The order
 * means nothing there, but is kept and recorded. The A/A copy is the canary; with
 * run->control false it stands in the first block only. Pure.
 */
#ifndef KERNGATE_ENGINE_SCHEDULER_H
#define KERNGATE_ENGINE_SCHEDULER_H

#include <stdint.h>

#include "run_store.h"

/* Fills run->trials (owned) from cells, variants, control, mode and seed (exact
 * mode: at most INT64_MAX - blocks_count). In a
 * block the trials of a cell follow one another; the order of cells is random
 * too. */
void scheduler_plan(struct stored_run *run, uint32_t blocks_count);

#endif
