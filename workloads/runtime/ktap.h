/* ktap.h - reads what a suite of kernel tests printed: KTAP version 1, as KUnit
 * writes it (Documentation/dev-tools/ktap.rst). Exactly: a result too few, too
 * many or out of order, or a parent that is better than its children, is an error
 * and no result, since tests that died must not count as tests that passed.
 *
 * No library and no state: workloads use it, and the harness' unit tests.
 */
#ifndef KERNGATE_RUNTIME_KTAP_H
#define KERNGATE_RUNTIME_KTAP_H

#include <stddef.h>
#include <stdint.h>

struct ktap_totals {
	/* Of tests that have no subtests; a parent that failed though all of its
	 * subtests are good counts as one more that failed. */
	uint32_t passed, failed, skipped;
	char failed_name[192];         /* of the first, "suite.test.case"; or "" */
	char failed_message[320];      /* what was printed before it, on one line */
};

/* 0 and *ret_totals; or -EINVAL, and what is wrong in message. A failed test is no
 * error. */
int ktap_parse(const char *text, struct ktap_totals *ret_totals, char *message,
	       size_t message_size);

#endif
