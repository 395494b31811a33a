/* verdict_table.h - a stored run, judged and printed: what `run`, `compare` and
 * `gate` have in common.
 */
#ifndef KERNGATE_COMMANDS_VERDICT_TABLE_H
#define KERNGATE_COMMANDS_VERDICT_TABLE_H

#include <stdbool.h>

#include "error.h"
#include "verdict.h"

struct verdict_options {
	bool json;             /* not with mail */
	bool mail;
	double margin_percent; /* 0: the run's own */
	double alpha;          /* 0: the run's own */
};

/* Judges the run (see run_store_load for run_id) and prints it to stdout. */
int verdict_print(const char *results_dir, const char *run_id,
		  const struct verdict_options *options,
		  enum gate_exit *ret_gate, struct error *err) must_check;
/* The table, by the run's own policy. */
int verdict_table_print(const char *results_dir, const char *run_id,
			struct error *err) must_check;
/* A decimal within the bounds; EXIT_USAGE naming the option. */
int verdict_parse_number(const char *option, const char *text, double minimum,
			 double maximum, double *ret_value, struct error *err) must_check;

#endif
