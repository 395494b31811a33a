/* boot_shell.h - a guest's console at this terminal, for people. */
#ifndef KERNGATE_COMMANDS_BOOT_SHELL_H
#define KERNGATE_COMMANDS_BOOT_SHELL_H

#include "error.h"
#include "fleet.h"

/* Kernel arguments that tell a shell in the guest of this terminal: its size and
 * name, as environment variables; owned, perhaps "". */
char *boot_shell_arguments(void);

/* Starts the job's guest with its console at stdin and stdout, until it powers
 * off or Ctrl-] is typed. The terminal is raw meanwhile, and restored whatever
 * happens. Uses of the job: name, guest, kernel, initrd, cmdline, and the folder, where
 * the guest's NVDIMM and disk are meanwhile. */
int boot_shell(const struct fleet_options *options, const struct fleet_job *job,
	       struct error *err) must_check;

#endif
