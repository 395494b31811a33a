/* guest_placement.c - see guest_placement.h. */
#include "guest_placement.h"

#include <string.h>

#include "memory.h"

#define NODES_MAX 64u
#define RESERVE_FROM 4u

struct choice {
	const struct host_cpu *cpus; /* borrowed */
	uint32_t cpus_count;
	bool *taken;                 /* of each; owned */
	uint32_t *indices;           /* chosen so far; borrowed */
	uint32_t count;
};

static uint32_t node_room(const struct choice *choice, uint32_t node)
{
	uint32_t room = 0;

	for (uint32_t i = 0; i < choice->cpus_count; i++)
		room += choice->cpus[i].node == node && !choice->taken[i];
	return room;
}

static bool core_is_whole(const struct choice *choice, uint32_t core)
{
	for (uint32_t i = 0; i < choice->cpus_count; i++)
		if (choice->cpus[i].core == core && choice->taken[i])
			return false;
	return true;
}

static void take(struct choice *choice, uint32_t index)
{
	choice->taken[index] = true;
	choice->indices[choice->count++] = index;
}

/* So many of a node, as far as they go; how many are still missing. */
static uint32_t take_of(struct choice *choice, uint32_t node, uint32_t count)
{
	for (int wants_whole = 1; wants_whole >= 0; wants_whole--)
		for (uint32_t i = 0; count && i < choice->cpus_count; i++) {
			const struct host_cpu *cpu = &choice->cpus[i];

			if (choice->taken[i] || cpu->node != node ||
			    (wants_whole && !core_is_whole(choice, cpu->core)))
				continue;
			take(choice, i);
			count--;
		}
	return count;
}

static uint32_t node_limit(const struct choice *choice)
{
	uint32_t limit = 0;

	for (uint32_t i = 0; i < choice->cpus_count; i++)
		if (choice->cpus[i].node >= limit)
			limit = choice->cpus[i].node + 1;
	return limit;
}

/* The node with the least room that has enough, not among used; node_limit: none. */
static uint32_t best_node(const struct choice *choice, uint32_t count, const bool *used)
{
	uint32_t limit = node_limit(choice), best = limit, best_room = UINT32_MAX;

	for (uint32_t node = 0; node < limit; node++) {
		uint32_t room = node_room(choice, node);

		if ((used && used[node]) || room < count || room >= best_room)
			continue;
		best = node;
		best_room = room;
	}
	return best;
}

/* A node for each cell; false where there are not enough with the room. */
static bool choose_by_cell(struct choice *choice, const struct guest_spec *guest,
			   uint32_t *ret_nodes)
{
	uint32_t limit = node_limit(choice);
	cleanup_free bool *used = memory_alloc_array(limit + 1, sizeof(*used));

	for (uint32_t i = 0; i < guest->cells_count; i++) {
		ret_nodes[i] = best_node(choice, guest->cells[i].vcpus_count, used);
		if (ret_nodes[i] == limit)
			return false;
		used[ret_nodes[i]] = true;
	}
	return true;
}

uint32_t guest_placement_choose(const struct host_cpu *cpus, const bool *taken,
				uint32_t cpus_count, const struct guest_spec *guest,
				uint32_t count, uint32_t *ret_indices)
{
	cleanup_free bool *now_taken = memory_alloc_array(cpus_count + 1, sizeof(*now_taken));
	struct choice choice = { .cpus = cpus, .cpus_count = cpus_count, .taken = now_taken,
				 .indices = ret_indices };
	uint32_t nodes[GUEST_CELLS_MAX], node;

	memcpy(now_taken, taken, cpus_count * sizeof(*taken));
	if (guest->cells_count > 1 && count == guest->vcpus_count &&
	    choose_by_cell(&choice, guest, nodes)) {
		for (uint32_t i = 0; i < guest->cells_count; i++)
			(void)take_of(&choice, nodes[i], guest->cells[i].vcpus_count);
		return choice.count;
	}
	node = best_node(&choice, count, NULL);
	if (node < node_limit(&choice)) {
		(void)take_of(&choice, node, count);
		return choice.count;
	}
	for (node = 0; count && node < node_limit(&choice); node++)
		count = take_of(&choice, node, count);
	return choice.count;
}

uint32_t guest_placement_reserve(struct host_cpu *cpus, uint32_t *count,
				 uint32_t needed_count, uint32_t *ret_cpus)
{
	uint32_t core = 0, reserved = 0, kept = 0;

	for (uint32_t i = 0; i < *count; i++)
		if (cpus[i].core > core)
			core = cpus[i].core;
	for (uint32_t i = 0; i < *count; i++)
		reserved += cpus[i].core == core;
	if (*count < RESERVE_FROM || reserved > GUEST_EMULATOR_CPUS_MAX ||
	    *count - reserved < needed_count)
		return 0;
	reserved = 0;
	for (uint32_t i = 0; i < *count; i++)
		if (cpus[i].core == core)
			ret_cpus[reserved++] = cpus[i].cpu;
		else
			cpus[kept++] = cpus[i];
	*count = kept;
	return reserved;
}

/* --- nodes ------------------------------------------------------------------------- */

static bool is_numa(const struct host_cpu *cpus, uint32_t cpus_count)
{
	bool is_one = true;

	for (uint32_t i = 0; i < cpus_count; i++) {
		if (cpus[i].node >= NODES_MAX)
			return false;
		is_one = is_one && cpus[i].node == cpus[0].node;
	}
	return !is_one;
}

static bool node_of(const struct host_cpu *cpus, uint32_t cpus_count, uint32_t cpu,
		    uint64_t *ret_mask)
{
	for (uint32_t i = 0; i < cpus_count; i++)
		if (cpus[i].cpu == cpu) {
			*ret_mask |= UINT64_C(1) << cpus[i].node;
			return true;
		}
	return false;
}

bool guest_placement_nodes(const struct host_cpu *cpus, uint32_t cpus_count,
			   const struct guest_spec *guest, const uint32_t *pins,
			   struct guest_host_nodes *ret_nodes)
{
	struct guest_host_nodes nodes = { .guest = 0 };
	uint32_t vcpu = 0;

	if (!is_numa(cpus, cpus_count))
		return false;
	for (uint32_t i = 0; i < guest->vcpus_count; i++)
		if (!node_of(cpus, cpus_count, pins[i], &nodes.guest))
			return false;
	for (uint32_t i = 0; i < guest->cells_count; i++) {
		for (uint32_t j = 0; j < guest->cells[i].vcpus_count; j++)
			(void)node_of(cpus, cpus_count, pins[vcpu++], &nodes.cells[i]);
		if (!nodes.cells[i])
			nodes.cells[i] = nodes.guest;
	}
	*ret_nodes = nodes;
	return true;
}
