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

#endif
