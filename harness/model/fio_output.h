/* fio_output.h - what `fio --output-format=json` writes, run after run > its jobs.
 * Pure; fuzzed.
 */
#ifndef KERNGATE_MODEL_FIO_OUTPUT_H
#define KERNGATE_MODEL_FIO_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* One direction of one run, which had one job. */
struct fio_run {
	double bytes_per_s;
	double requests_per_s;
	double latency_mean_ns;      /* submission and completion */
	/* of completion, from fio's histogram (about 1.6 % wide bins) */
	double latency_p50_ns, latency_p99_ns, latency_p999_ns, latency_max_ns;
};

struct fio_output {
	struct fio_run *runs;        /* owned; at least one */
	size_t runs_count;
};

/* fio 3: one JSON document a run, each with one job, without an error, that only
 * reads or only writes. -EINVAL says in which run and what was expected. */
int fio_output_parse(const char *text, size_t length, struct fio_output *ret_output,
		     struct error *err) must_check;
void fio_output_release(struct fio_output *output);

#endif
