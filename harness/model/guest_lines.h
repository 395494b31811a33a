/* guest_lines.h - the result lines of a guest (serial port 1): framing,
 * checksum, sequence, JSON payload, and what a well-behaved guest may say.
 * docs/result-format.md has the format. Pure; fuzzed: a guest is not trusted.
 *
 *     struct guest_lines *lines = guest_lines_new(&expect);
 *     guest_lines_feed(lines, data, n);      // any split; fills the result
 *     guest_lines_finish(lines, &result);    // moves samples and outcomes out
 *     guest_lines_free(lines);
 *
 * Whatever is wrong (bad framing, checksum, sequence, JSON, metric not
 * declared, NaN or infinite, negative where the unit is a time, wrong trial
 * id, line or stream too long, no end line) makes the trial broken, with the
 * first reason kept; nothing after it is believed.
 */
#ifndef KERNGATE_MODEL_GUEST_LINES_H
#define KERNGATE_MODEL_GUEST_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trial.h"
#include "workload_info.h"

#define GUEST_LINE_MAX 4096               /* bytes with the newline */
#define GUEST_STREAM_MAX (UINT64_C(16) << 20) /* bytes in a trial */
#define GUEST_SAMPLES_MAX 1000000u
#define GUEST_ARTIFACT_MAX (UINT64_C(8) << 20)
#define GUEST_REQUESTS_MAX 256u
#define GUEST_DIMM_MIB_MAX 16777216

struct guest_expectation {            /* all borrowed, must outlive the parser */
	const char *trial_id;         /* the hello line must repeat it */
	size_t rows_count;
	const struct workload_info *const *workloads; /* of each row */
	const char *const *row_names; /* of each row */
};

struct guest_artifact {               /* a file the workload sent */
	uint32_t row;
	char *name;                   /* [a-z0-9._-]+; owned */
	char *data;                   /* owned, NUL-terminated */
	size_t length;
};

struct guest_evidence {               /* what a row cost inside the guest */
	uint64_t wall_ns, steal_ns;
	uint64_t context_switches_count, interrupts_count;
};

struct guest_request {                /* what a row asks of the host while it runs */
	uint32_t row;
	uint64_t dimm_mib;            /* memory to be plugged in */
};

struct guest_lines;

struct guest_lines *guest_lines_new(const struct guest_expectation *expectation);
void guest_lines_feed(struct guest_lines *lines, const void *data, size_t length);
bool guest_lines_has_hello(const struct guest_lines *lines);
bool guest_lines_has_end(const struct guest_lines *lines);
/* First reason why the guest cannot be believed; NULL while all is well.
 * Borrowed. A fleet ends the guest when it appears. */
const char *guest_lines_broken_reason(const struct guest_lines *lines);
/* The oldest request not taken yet; false if there is none, or if the guest cannot be
 * believed. */
bool guest_lines_take_request(struct guest_lines *lines, struct guest_request *ret_request);
/* The host will not do what it was asked: the guest is broken with that reason, unless
 * it is already. */
void guest_lines_refuse(struct guest_lines *lines, const char *reason);
/* Row being run now (for the progress line and timeouts), or -1. */
int guest_lines_current_row(const struct guest_lines *lines);
/* Fills rows, samples, kernel_release of an initialised result and worsens its
 * outcome. Call it once, after the caller has said what it knows itself: a
 * missing or cut end makes the trial broken only where the result is still
 * "passed" (a guest that was ended at a deadline or that crashed has no end
 * line for that reason; its running row gets the same outcome). Where the guest
 * cannot be believed every row is broken and no sample is kept. */
void guest_lines_finish(struct guest_lines *lines, struct trial_result *result);
/* Borrowed until free. */
void guest_lines_artifacts(const struct guest_lines *lines,
			   const struct guest_artifact **ret_items, size_t *ret_count);
/* False if the row sent none. */
bool guest_lines_evidence(const struct guest_lines *lines, uint32_t row,
			  struct guest_evidence *ret_evidence);
void guest_lines_free(struct guest_lines *lines);

#endif
