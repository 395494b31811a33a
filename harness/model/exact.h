/* exact.h - exact mode: guests whose clock is their own count of instructions,
 * so that a trial gives the same figures to the last digit wherever and whenever
 * it runs. What a campaign may say of it, what a seed moves, and which metrics
 * the counting plugin adds. Pure. docs/exact-mode.md has the recipe and what was
 * measured of it.
 */
#ifndef KERNGATE_MODEL_EXACT_H
#define KERNGATE_MODEL_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "plugin_counts.h"
#include "trial.h"
#include "workload_info.h"

enum run_mode {
	MODE_TIMED,  /* wall clock: boots differ, statistics tell how much */
	MODE_EXACT,  /* instruction clock: equal seeds give equal bytes */
};

const char *run_mode_name(enum run_mode mode); /* "timed", "exact" */
int run_mode_parse(const char *name, enum run_mode *ret) must_check; /* -EINVAL */

#define EXACT_SHIFT_MAX 10u
#define EXACT_JITTER_MAX_US 100000u

/* `exact:` of a campaign. */
struct exact_policy {
	uint32_t shift;       /* 0..EXACT_SHIFT_MAX: an instruction takes 2^shift ns */
	bool counts;          /* the counting plugin is loaded */
	bool by_instruction;  /* it counts each instruction, not each block */
	bool profile;         /* at the end of a run: which functions changed */
	uint32_t jitter_us;   /* 0..EXACT_JITTER_MAX_US: mean time between the
				 interruptions that a seed strews over the guest,
				 so that vCPUs change turns elsewhere; 0: none */
	bool kaslr;           /* the seed also moves the kernel: it boots by the loader
				 of its bzImage (CONFIG_RANDOMIZE_BASE, _MEMORY) */
};

/* shift 3, counts by block, no profile, no jitter. */
#define EXACT_POLICY_INIT ((struct exact_policy){ .shift = 3, .counts = true })

/* {"by":"block","counts":true,"jitter_us":0,"kaslr":false,
 * "profile":false,"shift":3}; owned. */
char *exact_policy_format(const struct exact_policy *policy);
/* -EINVAL: not that, or out of range; *ret is untouched. */
int exact_policy_parse(const char *text, struct exact_policy *ret) must_check;

/* What one seed stands for: another, equally valid world. All of it is derived
 * from the number (splitmix64: Steele, Lea and Flood 2014), so that a number
 * says everything. */
struct exact_seed {
	uint64_t number;         /* 1.. */
	uint64_t random;         /* QEMU's -seed: rdrand, and so the kernel's and
				    the C library's random numbers (ASLR, slabs) */
	uint32_t phase_turns;    /* 0..999,999: PID 1 spins so long before the first
				    row: where timers and ticks stand */
	uint32_t padding_bytes;  /* 0..258,048, whole pages: of a file in the
				    initramfs: where memory comes from */
	uint64_t jitter;         /* seed of the interruptions */
};

struct exact_seed exact_seed_make(uint64_t number);

/* Metrics that the harness adds to every row of a counted workload
 * (workload_info.is_counted). Static; *ret_count of them. With one vCPU span and
 * parallelism would repeat work and are not there. */
const struct metric_info *exact_metrics(uint32_t vcpus_count, size_t *ret_count);

/* Adds samples of these metrics to the result: for each counted round of each
 * counted row (workloads[row]->is_counted) one sample of each metric, iteration
 * = round. A round's figures are those of the workload's own regions
 * (PLUGIN_REGION_OWN and above, summed) inside it where it has any, else of the
 * round as a whole. -EBADMSG where rows, rounds and regions do not fit together
 * (a lost marker, more rows than planned, a row that passed without a round): the
 * message says what, and the result is untouched. Rows that never ran have no
 * region and get no sample; a row that did not pass gets those of the rounds that
 * it ended. workloads: rows_count, borrowed; result: with its rows. */
int exact_counts_samples(const struct plugin_counts *counts,
			 const struct workload_info *const *workloads, size_t rows_count,
			 struct trial_result *result, struct error *err) must_check;

#endif
