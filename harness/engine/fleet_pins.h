/* fleet_pins.h - which host CPUs belong to which guest: disjoint, so that no two
 * measuring vCPUs share one. Pure.
 */
#ifndef KERNGATE_ENGINE_FLEET_PINS_H
#define KERNGATE_ENGINE_FLEET_PINS_H

#include <stdbool.h>
#include <stdint.h>

#include "guest_placement.h"

struct pin_map {
	struct host_cpu *cpus; /* owned */
	bool *taken;           /* owned */
	uint32_t count, free_count;
};

void pin_map_init(struct pin_map *map, const struct host_cpu *cpus, uint32_t count);
void pin_map_release(struct pin_map *map);

/* Whether the guest could ever run: as many CPUs as it is to have, or overcommit. */
bool pin_map_fits(const struct pin_map *map, const struct guest_spec *guest);
/* Whether it can start now. One that wants more than there are needs all. */
bool pin_map_has_room(const struct pin_map *map, const struct guest_spec *guest);
/* Takes CPUs for its vCPUs into ret_pins[vcpus_count] (guest_placement_choose, dealt out
 * again from the first where there are fewer). Needs has_room. */
void pin_map_take(struct pin_map *map, const struct guest_spec *guest,
		  uint32_t *ret_pins);
/* Gives back what pin_map_take gave. */
void pin_map_give(struct pin_map *map, const uint32_t *pins, uint32_t vcpus_count);

#endif
