/* sequential.h - looks at a run while it goes on, without more false alarms: each
 * look spends a part of alpha (Lan and DeMets 1983, Biometrika 70(3), with their
 * function like O'Brien and Fleming's: nearly nothing early). Pure.
 */
#ifndef KERNGATE_MODEL_SEQUENTIAL_H
#define KERNGATE_MODEL_SEQUENTIAL_H

#include <stddef.h>
#include <stdint.h>

#define SEQUENTIAL_LOOKS_MAX 20

/* Alpha spent by the time that a share (0..1] of the blocks is there: two-sided. */
double sequential_spent(double alpha, double share);

/* The level (two-sided) at which the last of these looks may call a difference, so
 * that all looks together call one where there is none with probability alpha at
 * the end. shares: of the planned blocks, rising, each in (0, 1]; count 1 to
 * SEQUENTIAL_LOOKS_MAX. One look at share 1 gives alpha itself. A run that ends before
 * its plan, for a reason that is not in its figures (time is up), may give its last
 * look share 1: it then spends what is left, and the level is a little too strict.
 * Looks closer than a thousandth of the plan count as one. */
double sequential_level(double alpha, const double *shares, size_t count);

/* Blocks after which to look: `looks_count` of them, about evenly spread up to
 * blocks_max, the last at blocks_max, none of the others before blocks_min; returns
 * how many there are (fewer where they would coincide). looks_count 1 to
 * SEQUENTIAL_LOOKS_MAX. */
size_t sequential_plan(uint32_t blocks_max, uint32_t blocks_min, uint32_t looks_count,
		       uint32_t ret_blocks[SEQUENTIAL_LOOKS_MAX]);

#endif
