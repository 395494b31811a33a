/* show_json.h - `kerngate show --json`. Keys are the names of the C fields and
 * of the database's columns.
 */
#ifndef KERNGATE_COMMANDS_SHOW_JSON_H
#define KERNGATE_COMMANDS_SHOW_JSON_H

#include <stdio.h>

#include "run_store.h"

int show_run_json(struct run_store *store, const struct stored_run *run, FILE *file,
		  struct error *err) must_check;
/* result: released or empty where the trial is not finished; pruned_when: NULL if
 * its artifacts were not. */
void show_trial_json(const struct stored_run *run, const struct stored_trial *trial,
		     const struct trial_result *result, const char *folder,
		     const char *pruned_when, FILE *file);

#endif
