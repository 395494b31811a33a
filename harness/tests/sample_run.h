/* sample_run.h - a made-up run for tests of what stores, judges or shows runs:
 * two variants and the control copy of the first ("stock", "patched",
 * "stock (control)"), two cells, two rows each with two metrics.
 */
#ifndef KERNGATE_TESTS_SAMPLE_RUN_H
#define KERNGATE_TESTS_SAMPLE_RUN_H

#include "run_store.h"

#define cleanup_run cleanup_with(stored_run_release)
#define cleanup_result cleanup_with(trial_result_release)
#define cleanup_store cleanup_with(sample_store_close)

/* With a plan of blocks_count blocks; the caller releases it. */
struct stored_run sample_run(uint32_t blocks_count, uint64_t seed);

/* A passed result: per row and metric `count` samples of value, value + 1 ...,
 * one finding, all times. The caller releases it. */
struct trial_result sample_result(uint32_t count, double value);

/* A store in folder; NULL, and a failure of the test, if it cannot be opened. */
struct run_store *sample_store_open(const char *folder);
void sample_store_close(struct run_store **store);
/* Stores the run; false, and a failure of the test, if it cannot. */
bool sample_store_begin(struct run_store *store, struct stored_run *run);

#endif
