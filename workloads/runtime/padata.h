/* padata.h - how many threads a kernel that splits its jobs (padata) may use, for
 * workloads that measure such jobs. Knows the module parameters of padata, and no
 * workload.
 *
 * A job's caller works too: n helpers are n + 1 threads, 0 helpers are the caller
 * alone. A kernel without the parameters (no padata, or one that splits nothing
 * after boot) is left as it is by every call here, so that one row of a suite
 * serves a patched kernel and a stock one.
 *
 *	setup:    padata_helpers_set(parameter_number("helpers"));
 *	cleanup:  padata_helpers_restore();
 *
 * All calls are for the thread that runs setup(), measure() and cleanup().
 */
#ifndef KERNGATE_RUNTIME_PADATA_H
#define KERNGATE_RUNTIME_PADATA_H

#include <stdbool.h>
#include <stdint.h>

#define PADATA_HELPERS_KEEP (-1)        /* leave the limits as they are */
#define PADATA_HELPERS_MAX 255

/* An element of a workload's parameters: what padata_helpers_set() is given. */
#define PADATA_HELPERS_PARAMETER(default_value)                                \
	{ "helpers", PADATA_HELPERS_KEEP, PADATA_HELPERS_MAX, NULL, default_value, \
	  "padata's helpers beside the caller, where the kernel has them; -1: as it is" }

/* Whether the kernel has the limits, and so splits jobs after boot. */
bool padata_is_present(void);

/* Sets how many helpers there may be, in the system and in each NUMA node, and
 * keeps what was there (of the first call) for padata_helpers_restore().
 * count: 0 to PADATA_HELPERS_MAX, or PADATA_HELPERS_KEEP, with which nothing
 * happens. Ends the workload as broken if the kernel has the limits and does not
 * take the number. What runs already keeps its helpers; the next job has no more
 * than this. */
void padata_helpers_set(int64_t count);

/* Sets whether a job that waits for its helpers raises them, one by one, to its
 * caller's priority. Keeps what was there, and ends the workload, as above. */
void padata_raise_set(bool is_raising);

/* Puts back what the calls above found. May be called without them, after half of
 * them, and twice. Ends the workload as broken if the kernel refuses. */
void padata_helpers_restore(void);

#endif
