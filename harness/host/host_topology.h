/* host_topology.h - where this host's CPUs are, and its pools of huge pages, from /sys. */
#ifndef KERNGATE_HOST_HOST_TOPOLOGY_H
#define KERNGATE_HOST_HOST_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_placement.h"

/* Node and core of each CPU. What the host does not say is node 0, and a core of its own.
 * sys: "/sys", or what stands for it in a test. */
void host_topology_read(const char *sys, const uint32_t *cpus, uint32_t count,
			struct host_cpu *ret_cpus);

/* Free pages of a size in MiB; false where the host has none of that size. */
bool host_hugepages_free_mib(const char *sys, uint32_t page_kib, uint64_t *ret_mib);
/* Size of a page where nobody says one; 0: there are none. */
uint32_t host_hugepages_default_kib(void);

#endif
