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

/* Two bounds from above, each for itself: what is older goes, and then as much as it
 * takes to come down to max_bytes. */
struct results_prune_policy {
	uint32_t keep_days;          /* artifacts of runs that began earlier go; 0: no bound
					by age */
	uint64_t max_bytes;          /* of all artifacts together; 0: no bound */
	bool dry_run;                /* only say what would go */
};

struct results_pruned {
	size_t trials_count;         /* whose artifacts went */
	uint64_t bytes;              /* on disk, that went */
	uint64_t left_bytes;         /* that are left */
	uint64_t kept_bytes;         /* of these: of runs that are never touched */
};

/* Never touches: the newest run and the one that `latest` names, runs that are not
 * finished or are under way (their lock is held), cases, links, and files that no trial
 * wrote. Trials that did not pass or have findings go last, and by size only. What
 * cannot be removed does not stop the rest; the first such failure is the result. */
int results_prune(struct run_store *store, const struct results_prune_policy *policy,
		  struct results_pruned *ret, struct error *err) must_check;

#endif
