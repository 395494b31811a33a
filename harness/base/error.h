/* error.h - why the harness could not do its job.
 *
 * An `int` result is 0 or a negative errno. From floor 1 (model) up, the last
 * parameter is `struct error *err`: on failure it holds the same code and a
 * message for people, on success it is untouched. A function that passes a
 * failure on may put its own context in front: "campaign: guest: cause".
 * Never log *and* return. A trial's outcome (a crashed kernel, a broken
 * guest) is data, not an error: see model/trial.h.
 */
#ifndef KERNGATE_BASE_ERROR_H
#define KERNGATE_BASE_ERROR_H

#include "cleanup.h"

#define ERROR_MESSAGE_MAX 4096

struct error {
	int code; /* negative errno; 0 as long as nothing was set */
	char message[ERROR_MESSAGE_MAX];
};

#define ERROR_INIT ((struct error){ .code = 0 })

/* Sets code (negative errno) and message; returns code. err may be NULL. A
 * message that does not fit is cut and ends in "...". */
int error_set(struct error *err, int code, const char *format, ...)
	printf_like(3, 4);

/* As error_set, with ": strerror(-code)" at the end. */
int error_set_errno(struct error *err, int code, const char *format, ...)
	printf_like(3, 4);

/* Puts "context: " before the message; returns err->code (or -EIO where err
 * is NULL or holds nothing). */
int error_prefix(struct error *err, const char *format, ...) printf_like(2, 3);

#endif
