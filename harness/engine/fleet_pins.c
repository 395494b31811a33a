/* fleet_pins.c - the map of host CPUs to guests. It pins nothing itself: the
 * domain XML carries what it says.
 */
#include "fleet_pins.h"

#include <string.h>

#include "memory.h"

void pin_map_init(struct pin_map *map, const struct host_cpu *cpus, uint32_t count)
{
	map->cpus = memory_alloc_array(count, sizeof(*map->cpus));
	map->taken = memory_alloc_array(count, sizeof(*map->taken));
	if (count)
		memcpy(map->cpus, cpus, count * sizeof(*cpus));
	map->count = map->free_count = count;
}

void pin_map_release(struct pin_map *map)
{
	free(map->cpus);
	free(map->taken);
	*map = (struct pin_map){ .cpus = NULL };
}

bool pin_map_fits(const struct pin_map *map, const struct guest_spec *guest)
{
	return map->count > 0 &&
	       (guest_spec_host_cpus(guest) <= map->count || guest->overcommit);
}

bool pin_map_has_room(const struct pin_map *map, const struct guest_spec *guest)
{
	if (!pin_map_fits(map, guest))
		return false;
	if (guest_spec_host_cpus(guest) > map->count)
		return map->free_count == map->count;
	return guest_spec_host_cpus(guest) <= map->free_count;
}

void pin_map_take(struct pin_map *map, const struct guest_spec *guest,
		  uint32_t *ret_pins)
{
	uint32_t indices[GUEST_VCPUS_MAX];
	uint32_t given = guest_placement_choose(map->cpus, map->taken, map->count, guest,
						guest_spec_host_cpus(guest), indices);

	for (uint32_t i = 0; i < given; i++) {
		map->taken[indices[i]] = true;
		map->free_count--;
		ret_pins[i] = map->cpus[indices[i]].cpu;
	}
	for (uint32_t i = given; given && i < guest->vcpus_count; i++)
		ret_pins[i] = ret_pins[i % given];
}

void pin_map_give(struct pin_map *map, const uint32_t *pins, uint32_t vcpus_count)
{
	for (uint32_t i = 0; i < map->count; i++)
		for (uint32_t j = 0; map->taken[i] && j < vcpus_count; j++)
			if (map->cpus[i].cpu == pins[j]) {
				map->taken[i] = false;
				map->free_count++;
			}
}
