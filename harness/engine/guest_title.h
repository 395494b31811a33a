/* guest_title.h - a guest of a stored run as reports name it. */
#ifndef KERNGATE_ENGINE_GUEST_TITLE_H
#define KERNGATE_ENGINE_GUEST_TITLE_H

#include "run_store.h"

/* "smp2", or with the shape's mark behind: "smp4-on-2 (overcommitted: 4 vCPUs on 2 host
 * CPUs)". In exact mode, where all vCPUs take turns on one CPU, without. Owned. */
char *guest_title(const struct stored_run *run, const struct stored_cell *cell);

#endif
