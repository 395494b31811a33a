/* host_load.h - processes that keep CPUs busy: the load beside which an exact
 * guest must give the same bytes as alone.
 *
 *     host_load_start(cpus, cpus_count, &load, err);
 *     ...
 *     host_load_stop(load);
 */
#ifndef KERNGATE_HOST_HOST_LOAD_H
#define KERNGATE_HOST_HOST_LOAD_H

#include <stdint.h>

#include "error.h"

struct host_load;

/* One process for each CPU, pinned to it where that is allowed, that spins until
 * it is ended. They die with the thread that called. -EAGAIN, -ENOMEM: no process
 * could be made; then none is left. */
int host_load_start(const uint32_t *cpus, uint32_t cpus_count,
		    struct host_load **ret_load, struct error *err) must_check;
/* Ends and reaps them. NULL allowed. */
void host_load_stop(struct host_load *load);

#endif
