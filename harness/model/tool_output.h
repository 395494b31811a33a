/* tool_output.h - what standard tools print > samples. Pure; fuzzed. */
#ifndef KERNGATE_MODEL_TOOL_OUTPUT_H
#define KERNGATE_MODEL_TOOL_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "trial.h"

struct histogram_bin {
	uint64_t value_ns;
	uint64_t count;
};

struct cyclictest_thread {
	uint32_t thread;
	int32_t cpu;           /* -1: not bound to one */
	uint64_t cycles;
	uint64_t min_ns, max_ns;
	double avg_ns;
	struct histogram_bin *bins; /* owned, ascending; overflow not in it */
	size_t bins_count;
	uint64_t overflow_count; /* wake-ups that took longer than the histogram goes */
};

struct cyclictest_output {
	struct cyclictest_thread *threads; /* owned */
	size_t threads_count;
	uint64_t histogram_end_ns; /* what overflows it took at least that, as the tool's
				      command line says; 0: it does not */
};

/* rt-tests' `cyclictest --json` (2.4 and later; stray colons in the top keys
 * are accepted). Times are microseconds unless resolution_in_ns is 1. */
int cyclictest_output_parse(const char *text, size_t length,
			    struct cyclictest_output *ret_output,
			    struct error *err) must_check;
void cyclictest_output_release(struct cyclictest_output *output);
/* Nearest-rank quantile (0 < q <= 1) over all threads' histograms. Where that rank is
 * among what overflowed them: histogram_end_ns, which it is at least, or where that is
 * not known the longest of all. */
uint64_t cyclictest_output_quantile_ns(const struct cyclictest_output *output,
				       double q);

/* Turns an artifact of a row into samples of the workload's declared metrics; one of
 * each a run of the tool:
 *
 *   cyclictest  cyclictest.json  latency_{p50,p99,max,avg}_ns, overflow_count
 *   hackbench   hackbench.txt    run_ns, messages_per_s
 *   signaltest  signaltest.json  latency_{avg,max}_ns
 *   pi_stress   pi_stress.json   inversions_count
 *   stress_ng   stress-ng.yaml   bogo_ops_per_s, bogo_ops_count, run_ns
 *   fio         fio.json         transfer_gib_per_s, requests_per_s,
 *                                latency_{mean,p50,p99,p999,max}_ns
 *
 * 0 with nothing added for artifacts that no parser knows. -EINVAL: the trial is
 * broken, message why. */
int tool_output_samples(const char *workload, const char *artifact_name,
			const char *data, size_t length, uint32_t row,
			struct trial_result *result, struct error *err) must_check;

#endif
