/* rt_tests_output.h - the JSON of rt-tests' signaltest and pi_stress (2.40). Pure;
 * fuzzed. cyclictest, which has histograms, is in tool_output.h.
 */
#ifndef KERNGATE_MODEL_RT_TESTS_OUTPUT_H
#define KERNGATE_MODEL_RT_TESTS_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct signaltest_thread {
	uint64_t cycles;           /* above 0 */
	uint64_t min_ns, max_ns;
	double avg_ns;
};

struct signaltest_output {
	struct signaltest_thread *threads; /* owned; at least one */
	size_t threads_count;
};

/* Threads are numbered from 0 without gaps; times there are whole microseconds. */
int signaltest_output_parse(const char *text, size_t length,
			    struct signaltest_output *ret_output,
			    struct error *err) must_check;
void signaltest_output_release(struct signaltest_output *output);

/* Inversions that pi_stress made; -EINVAL unless its return_code is 0. */
int pi_stress_output_parse(const char *text, size_t length, uint64_t *ret_inversions,
			   struct error *err) must_check;

#endif
