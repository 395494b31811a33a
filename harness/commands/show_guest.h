/* show_guest.h - a guest's shape for people, and the domain XML it becomes. */
#ifndef KERNGATE_COMMANDS_SHOW_GUEST_H
#define KERNGATE_COMMANDS_SHOW_GUEST_H

#include <stdbool.h>

#include "command.h"
#include "error.h"

/* Prints configs/guests/NAME.yaml with all its values and, for this host and the
 * accelerator that would be chosen, its CPUs and nodes; with xml the domain XML alone. */
int show_guest(const struct globals *globals, const char *name, bool xml,
	       struct error *err) must_check;

#endif
