/* guest_placement.h - which CPUs and NUMA nodes of the host a guest gets. Pure: the host
 * is given (host/host_topology.h reads it). The rules stand in docs/configs.md,
 * "Placement".
 */
#ifndef KERNGATE_MODEL_GUEST_PLACEMENT_H
#define KERNGATE_MODEL_GUEST_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_spec.h"

struct host_cpu {
	uint32_t cpu;        /* its number */
	uint32_t node;       /* NUMA node */
	uint32_t core;       /* the lowest number of the CPUs that share its core */
};

/* Chooses CPUs that are not taken for the guest's vCPUs, in the order of these:
 * ret_indices[] into cpus. `count` of them, or all that are not taken.
 *   - Guest nodes each in a host node of their own, where the host has several and as
 *     many of them have the room;
 *   - else all in the host node with the least room that has enough;
 *   - else from one node after the other.
 * Within a node: cores of which all CPUs are free first, one CPU of each; then the
 * others. Ties: the lower number. Returns how many. */
uint32_t guest_placement_choose(const struct host_cpu *cpus, const bool *taken,
				uint32_t cpus_count, const struct guest_spec *guest,
				uint32_t count, uint32_t *ret_indices);

#define GUEST_EMULATOR_CPUS_MAX 8

/* Takes the CPUs of one core out of cpus[*count], for all that is no vCPU: that of the
 * highest numbers. None (0) where fewer than four are there, or fewer than needed_count
 * would be left. Moves them into
 * ret_cpus[GUEST_EMULATOR_CPUS_MAX]; a core of more is left alone. */
uint32_t guest_placement_reserve(struct host_cpu *cpus, uint32_t *count,
				 uint32_t needed_count, uint32_t *ret_cpus);

/* The nodes of the CPUs that a guest's vCPUs are pinned to; of a cell without vCPUs those
 * of the guest. False where nothing is to be said: the host has one node, or one beyond
 * 63, or a pin is not among cpus. */
bool guest_placement_nodes(const struct host_cpu *cpus, uint32_t cpus_count,
			   const struct guest_spec *guest, const uint32_t *pins,
			   struct guest_host_nodes *ret_nodes);

#endif
