/* scaling_run.h - made-up runs over vCPU counts, for tests of `kerngate scale` and
 * what is below it: cells "scale-Ncpu"/"scaling", variants "stock" and "patched", rows
 * "fill" (threads=N) and "boot". Counts and times are simple functions of the number
 * of vCPUs n, so that expectations can be worked out by hand:
 *
 *     work  1e9 x (1 + (n - 1) / 100)       stock; patched: half of both
 *     span  1e9 / n x (1 + (n - 1) / 100)   a speed-up of n / (1 + (n - 1) / 100)
 *     time  8e6 / sqrt(n) ns
 *
 * times 1 + block / 1000, the same in all cells.
 */
#ifndef KERNGATE_TESTS_SCALING_RUN_H
#define KERNGATE_TESTS_SCALING_RUN_H

#include "run_store.h"

/* Not stored yet; the caller releases it. counts ends with 0. */
struct stored_run scaling_run_make(const char *id, enum run_mode mode, const uint32_t *counts,
				   uint32_t blocks_count);
/* Stores it with all results; false, and a failure of the test, if it cannot. Exact
 * trials get the digest "same", those of the control copy control_digest. */
bool scaling_run_store(struct run_store *store, struct stored_run *run,
		       const char *control_digest);
/* Both: an exact run "20261121-213000-scaling" over 1, 2, 4, 8 and a timed run
 * "20261121-223000-scaling" over 1 and 2, three blocks each, in a new folder. */
const char *scaling_run_folder(void);

#define SCALING_RUN_EXACT "20261121-213000-scaling"
#define SCALING_RUN_TIMED "20261121-223000-scaling"

#endif
