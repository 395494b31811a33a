/* run_json.h - a stored run as JSON: what `kerngate show --json` and `kerngate
 * compare --json` have in common. Keys are the names of the C fields and of the
 * database's columns. All results are the caller's (json_decref).
 */
#ifndef KERNGATE_ENGINE_RUN_JSON_H
#define KERNGATE_ENGINE_RUN_JSON_H

#include <jansson.h>

#include "campaign.h"
#include "run_store.h"

/* null for NULL. Text of a guest may hold any bytes, JSON holds UTF-8 only:
 * anything else becomes "(not UTF-8)". */
json_t *run_json_text(const char *value);
json_t *run_json_number(double value); /* null unless finite */
json_t *run_json_count(uint64_t value);
/* An object with id, campaign, state, times, seed, mode ("timed", "exact"),
 * exact (an object with policy and seeds; null in timed mode), looks (an array),
 * baseline, accelerator. */
json_t *run_json_head(const struct stored_run *run);
json_t *run_json_variants(const struct stored_run *run); /* an array */
json_t *run_json_policy(const struct gate_policy *policy); /* an object */

#endif
