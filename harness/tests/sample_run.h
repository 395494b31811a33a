/* sample_run.h - a made-up run for tests of what stores, judges or shows runs:
 * two variants and the control copy of the first ("stock", "patched",
 * "stock (control)"), two cells, two rows each with two metrics.
 */
#ifndef KERNGATE_TESTS_SAMPLE_RUN_H
#define KERNGATE_TESTS_SAMPLE_RUN_H

#include "run_store.h"

/* With a plan of blocks_count blocks; the caller releases it. */
struct stored_run sample_run(uint32_t blocks_count, uint64_t seed);

/* A passed result: per row and metric `count` samples of value, value + 1 ...,
 * one finding, all times. The caller releases it. */
struct trial_result sample_result(uint32_t count, double value);

#endif
