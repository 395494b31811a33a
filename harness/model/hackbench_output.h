/* hackbench_output.h - what rt-tests' hackbench prints > its runs. Pure; fuzzed. */
#ifndef KERNGATE_MODEL_HACKBENCH_OUTPUT_H
#define KERNGATE_MODEL_HACKBENCH_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct hackbench_run {
	uint64_t groups;
	uint64_t senders;      /* of a group, and as many receivers */
	uint64_t loops;        /* messages of a sender to each receiver */
	uint64_t data_bytes;   /* of a message */
	uint64_t time_ns;      /* by the tool's clock, in whole milliseconds; above 0 */
};

struct hackbench_output {
	struct hackbench_run *runs; /* owned */
	size_t runs_count;
};

/* What hackbench 2.40 prints to stdout: three lines a run, of runs with the same
 * options one after the other. -EINVAL for anything else, with the run and what was
 * expected. */
int hackbench_output_parse(const char *text, size_t length,
			   struct hackbench_output *ret_output, struct error *err) must_check;
void hackbench_output_release(struct hackbench_output *output);

#endif
