/* doctor_checks.h - what `kerngate doctor` looks at; between doctor.c (shows),
 * doctor_tools.c and doctor_host.c (look) and doctor_exact.c (tries) only.
 */
#ifndef KERNGATE_COMMANDS_DOCTOR_CHECKS_H
#define KERNGATE_COMMANDS_DOCTOR_CHECKS_H

#include "command.h"

enum check_state {
	CHECK_OK,
	CHECK_NOTE,    /* good to know; runs work */
	CHECK_MISSING, /* no run until it is mended */
};

struct check {
	enum check_state state;
	char *name, *detail; /* owned */
	char *fix;           /* what to do; owned; NULL: nothing */
};

struct checks {
	struct check *items; /* owned */
	size_t count;
};

/* fix NULL: none. */
void checks_add(struct checks *checks, enum check_state state, const char *name,
		const char *fix, const char *format, ...) printf_like(5, 6);

/* Programs, libraries' headers and parts of our own build. */
void doctor_check_tools(const struct globals *globals, struct checks *checks);
/* Accelerator, libvirt, CPUs, memory, disk, hugepages, folders, leftovers. */
void doctor_check_host(const struct globals *globals, struct checks *checks);
/* The proof of exact mode, printed. The command's exit status. */
int doctor_exact(const struct globals *globals, bool as_json, struct error *err);

#endif
