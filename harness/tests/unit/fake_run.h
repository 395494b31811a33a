/* fake_run.h - a small run in memory: two cells, a baseline "stock" with its
 * A/A copy and a candidate "patched", six blocks. Tests change what they are
 * about before they judge it.
 */
#ifndef KERNGATE_TESTS_FAKE_RUN_H
#define KERNGATE_TESTS_FAKE_RUN_H

#include "comparison.h"
#include "run_store.h"

#define cleanup_comparison cleanup_with(comparison_release)
#define COMPARISON_INIT ((struct comparison){ .entries = NULL })

#define FAKE_BLOCKS 6
#define FAKE_VARIANTS 3
#define FAKE_CELLS 2
#define FAKE_TRIALS (FAKE_BLOCKS * FAKE_VARIANTS * FAKE_CELLS)

enum fake_variant { FAKE_STOCK, FAKE_CONTROL, FAKE_PATCHED };

/* Where a sample comes from: fill in its value; false if there is none. */
typedef bool (*fake_value_fn)(uint32_t cell, const char *metric, uint32_t variant,
			      uint32_t block, uint32_t iteration, double *ret_value);

struct fake_run {
	struct stored_run run;       /* owned */
	struct comparison_source source;
	fake_value_fn value;
	const struct stored_finding *findings; /* borrowed */
	size_t findings_count;
	int fails_at;                /* the how-many-th request fails; 0: none */
	int requests;
};

void fake_run_init(struct fake_run *fake);
void fake_run_release(struct fake_run *fake);
/* +10 % fallocate_ns in the first cell, all else equal but for 0.5 % noise. */
bool fake_value(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
		uint32_t iteration, double *ret_value);
/* The same in every cell: all sides are equal but for that noise. */
bool fake_value_equal(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
		      uint32_t iteration, double *ret_value);
/* Judges it; false, and a failure of the test, where it cannot. */
bool fake_run_compare(struct fake_run *fake, struct comparison *ret);
/* Turns it into an exact run: seeds 1 to 6, equal digests of the baseline and its
 * canary, instructions counted in the first row of each cell; +0.5 % there in the
 * first cell, the tail 8 % better, p99 equal in every seed. */
void fake_run_make_exact(struct fake_run *fake);
bool fake_exact_value(uint32_t cell, const char *metric, uint32_t variant, uint32_t block,
		      uint32_t iteration, double *ret_value);
struct stored_trial *fake_run_trial(struct fake_run *fake, uint32_t cell,
				    uint32_t variant, uint32_t block);
/* Replaces a trial's fingerprint. */
void fake_run_set_fingerprint(struct stored_trial *trial, const char *text);

#endif
