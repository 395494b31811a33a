/* process.h - run other programs. No shell is ever involved. */
#ifndef KERNGATE_HOST_PROCESS_H
#define KERNGATE_HOST_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "strbuf.h"

struct process_options {
	const char *folder;            /* working directory; NULL: ours */
	const char *const *environment; /* "NAME=value" added or replaced, NULL-terminated; may be NULL */
	const char *input_path;        /* its stdin; must be readable; NULL: /dev/null */
	const char *output_path;       /* stdout+stderr appended to this file; NULL: see below */
	bool capture;                  /* stdout into *ret_output; stderr into the error */
	/* Called with each line of stdout+stderr (without newline) as it comes;
	 * also when output_path is set. NULL: not called. */
	void (*on_line)(void *context, const char *line);
	void *context;
	uint64_t timeout_ns;           /* 0: none; then SIGTERM, 2 s later SIGKILL to its group */
	bool in_foreground;            /* keeps our terminal and process group */
};

/* Runs argv[0] (searched in PATH) and waits. 0 if it exited 0. Otherwise err
 * holds the command's name, its exit status or signal, and the last lines of
 * its stderr: -ENOENT program not found, -ETIMEDOUT, -ETIME after
 * process_set_deadline, -ECANCELED after process_cancel_all, else -EREMOTEIO. The child dies with us (PDEATHSIG).
 * ret_output (owned) only with capture; may be NULL. */
int process_run(const char *const *argv, const struct process_options *options,
		char **ret_output, struct error *err) must_check;

/* Async-signal-safe: makes the process_run in progress (any thread) end its
 * child and return -ECANCELED, and later ones refuse to start. */
void process_cancel_all(void);
bool process_is_cancelled(void);

/* From now on a process_run that goes on at deadline_ns (clock_monotonic_ns(); 0: none)
 * ends its child as after a timeout and returns -ETIME, and later ones refuse to start:
 * whatever is built or fetched ends in time. */
void process_set_deadline(uint64_t deadline_ns);
bool process_deadline_passed(void);

/* Absolute path of a program in PATH (and /usr/sbin, /sbin); owned; NULL. */
char *process_find_program(const char *name);

#endif
