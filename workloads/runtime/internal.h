/* internal.h - between the runtime's own files; workloads do not include it. */
#ifndef KERNGATE_RUNTIME_INTERNAL_H
#define KERNGATE_RUNTIME_INTERNAL_H

#include <stdbool.h>
#include <stdio.h>

#include "workload.h"

/* describe.c */
void workload_describe(const struct workload *declared, FILE *out);
void workload_print_help(const struct workload *declared, FILE *out);

/* parameters.c: reads "name=value" and fills in defaults. On a mistake returns
 * false and says in message which and what was expected. */
bool parameters_read(const struct workload *declared, int count, char **arguments,
		     char *message, size_t message_size);
bool parameters_has(const char *name);

/* workload.c: for a child that is to send nothing. What ends it goes to stderr. */
void run_detach(void);

/* load.c: the workload as a load, from its start until PID 1 sends SIGTERM. Returns
 * when all its processes are gone; ends the workload as broken where it cannot start,
 * ends by itself, or was not running yet. */
void load_run(int output_fd);

#endif
