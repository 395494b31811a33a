/* program.h - runs the program under test, $KERNGATE or build/check/kerngate,
 * and keeps what it said. With a home and a cache folder of its own, in the
 * project's root, so that nothing of the caller's matters.
 */
#ifndef KERNGATE_TESTS_PROGRAM_H
#define KERNGATE_TESTS_PROGRAM_H

#include <stddef.h>

#include "cleanup.h"

struct program_run {
	int status;       /* exit status; 128 + n after signal n */
	char *out, *err;  /* owned */
};

void program_run_release(struct program_run *run);
#define cleanup_program cleanup_with(program_run_release)

/* Arguments as strings. Ended after 60 s. */
#define program_run(run, ...)                                                  \
	program_run_argv(run, NULL, (const char *const[]){ __VA_ARGS__, NULL })
/* out_path: stdout goes there, out stays ""; NULL: out gets it. */
void program_run_argv(struct program_run *run, const char *out_path,
		      const char *const *arguments);

/* text must be the fixture commands/NAME; both are shown where they are not
 * the same. With $KERNGATE_GOLDEN=write the fixture is written instead. */
void check_golden(const char *text, const char *name);

size_t longest_line(const char *text); /* bytes, without its end */

#endif
