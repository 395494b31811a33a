/* results_prune.h - takes files out of results/ that nobody will ask for again: what
 * trials left (consoles, tools' output, counts), by age and by size, oldest first. What
 * was measured is in the store and stays, as do configs and reports of runs.
 */
#ifndef KERNGATE_ENGINE_RESULTS_PRUNE_H
#define KERNGATE_ENGINE_RESULTS_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "run_store.h"

struct results_prune_policy {
	uint32_t keep_days;          /* artifacts of runs younger than that stay; 0: no bound
					by age */
	uint64_t max_bytes;          /* of all artifacts together; 0: no bound */
	bool dry_run;                /* only say what would go */
};

struct results_pruned {
	size_t trials_count;         /* whose artifacts went */
	uint64_t bytes;              /* on disk, that went */
	uint64_t left_bytes;         /* that are left */
};

/* Never touches: the newest run, runs that are not finished or are under way, trials
 * that did not pass or have findings (they go last, and by size only), cases. */
int results_prune(struct run_store *store, const struct results_prune_policy *policy,
		  struct results_pruned *ret, struct error *err) must_check;

#endif
