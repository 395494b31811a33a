/* test_guest_placement.c - which CPUs and nodes of made-up hosts a guest gets, how a host
 * is read from /sys, and what a shape says about it.
 */
#include "guest_placement.h"

#include <errno.h>
#include <string.h>

#include "campaign.h"
#include "files.h"
#include "host_topology.h"
#include "memory.h"
#include "test.h"

#define cleanup_guest_spec cleanup_with(guest_spec_release) struct guest_spec

/* One node, four cores. */
static const struct host_cpu plain[] = { { 0, 0, 0 }, { 1, 0, 1 }, { 2, 0, 2 }, { 3, 0, 3 } };
/* One node, four cores of two threads, as Linux numbers them. */
static const struct host_cpu smt[] = { { 0, 0, 0 }, { 1, 0, 1 }, { 2, 0, 2 }, { 3, 0, 3 },
				       { 4, 0, 0 }, { 5, 0, 1 }, { 6, 0, 2 }, { 7, 0, 3 } };
/* Two nodes of four cores. */
static const struct host_cpu two_nodes[] = { { 0, 0, 0 }, { 1, 0, 1 }, { 2, 0, 2 }, { 3, 0, 3 },
					     { 4, 1, 4 }, { 5, 1, 5 }, { 6, 1, 6 }, { 7, 1, 7 } };

#define HOST(array) array, ARRAY_COUNT(array)

/* taken: a digit for each CPU, "0" free; expected: CPU numbers, as digits. */
static void check_choice(const struct host_cpu *cpus, size_t cpus_count, const char *taken,
			 const struct guest_spec *guest, uint32_t count, const char *expected)
{
	uint32_t indices[GUEST_VCPUS_MAX];
	bool flags[16] = { false };
	char found[GUEST_VCPUS_MAX + 1] = "";
	uint32_t given;

	for (size_t i = 0; i < cpus_count && taken[i]; i++)
		flags[i] = taken[i] != '0';
	given = guest_placement_choose(cpus, flags, (uint32_t)cpus_count, guest, count, indices);
	for (uint32_t i = 0; i < given; i++)
		found[i] = (char)('0' + cpus[indices[i]].cpu);
	test_check_string(found, expected);
}

static void test_one_node(void)
{
	const struct guest_spec guest = { .vcpus_count = 4 };

	check_choice(HOST(plain), "0000", &guest, 1, "0");
	check_choice(HOST(plain), "0000", &guest, 4, "0123");
	check_choice(HOST(plain), "0110", &guest, 2, "03");
	/* fewer than it wants: those there are */
	check_choice(HOST(plain), "0111", &guest, 4, "0");
	check_choice(HOST(plain), "1111", &guest, 1, "");
	check_choice(plain, 0, "", &guest, 1, "");
}

/* A core each while there are whole ones, then the second threads. */
static void test_threads(void)
{
	const struct guest_spec guest = { .vcpus_count = 8 };

	check_choice(HOST(smt), "00000000", &guest, 2, "01");
	check_choice(HOST(smt), "00000000", &guest, 4, "0123");
	check_choice(HOST(smt), "00000000", &guest, 6, "012345");
	check_choice(HOST(smt), "10000000", &guest, 3, "123");
	/* another guest has the second thread of core 0: it is not whole */
	check_choice(HOST(smt), "00001000", &guest, 4, "1230");
	check_choice(HOST(smt), "11000000", &guest, 4, "2345");
}

static void test_two_nodes(void)
{
	const struct guest_spec guest = { .vcpus_count = 8 };

	check_choice(HOST(two_nodes), "00000000", &guest, 4, "0123");
	check_choice(HOST(two_nodes), "10000000", &guest, 4, "4567");
	/* the room that just suffices, so that the other node stays whole */
	check_choice(HOST(two_nodes), "00001100", &guest, 2, "67");
	check_choice(HOST(two_nodes), "00001110", &guest, 2, "01");
	/* none has the room alone */
	check_choice(HOST(two_nodes), "00000000", &guest, 6, "012345");
	check_choice(HOST(two_nodes), "11101110", &guest, 2, "37");
}

static void test_guest_nodes(void)
{
	const struct guest_spec guest = { .vcpus_count = 4, .cells_count = 2,
					  .cells = { { .vcpus_count = 2 }, { .vcpus_count = 2 } } };
	const struct guest_spec uneven = { .vcpus_count = 4, .cells_count = 2,
					   .cells = { { .vcpus_count = 1 }, { .vcpus_count = 3 } } };

	check_choice(HOST(two_nodes), "00000000", &guest, 4, "0145");
	check_choice(HOST(two_nodes), "11000000", &guest, 4, "2345");
	check_choice(HOST(two_nodes), "00011000", &uneven, 4, "0567");
	/* the second node has room for one only: all in the first */
	check_choice(HOST(two_nodes), "00001110", &guest, 4, "0123");
	check_choice(HOST(plain), "0000", &guest, 4, "0123");
	/* vCPUs that share CPUs are not dealt out by node */
	check_choice(HOST(two_nodes), "00000000", &guest, 2, "01");
}

static void test_reserve(void)
{
	struct host_cpu few[] = { { 0, 0, 0 }, { 1, 0, 1 }, { 2, 0, 2 } };
	struct host_cpu cpus[8];
	uint32_t count = 3, own[GUEST_EMULATOR_CPUS_MAX] = { 0 };

	CU_ASSERT_EQUAL(guest_placement_reserve(few, &count, 1, own), 0);
	CU_ASSERT_EQUAL(count, 3);
	memcpy(cpus, plain, sizeof(plain));
	count = 4;
	CU_ASSERT_EQUAL(guest_placement_reserve(cpus, &count, 4, own), 0);
	CU_ASSERT_EQUAL(count, 4);
	CU_ASSERT_EQUAL(guest_placement_reserve(cpus, &count, 3, own), 1);
	CU_ASSERT_EQUAL(count, 3);
	CU_ASSERT_EQUAL(own[0], 3);
	CU_ASSERT_EQUAL(cpus[2].cpu, 2);
	/* a core is left to guests as a whole, or not at all */
	memcpy(cpus, smt, sizeof(smt));
	count = 8;
	CU_ASSERT_EQUAL(guest_placement_reserve(cpus, &count, 7, own), 0);
	CU_ASSERT_EQUAL(guest_placement_reserve(cpus, &count, 6, own), 2);
	CU_ASSERT_EQUAL(count, 6);
	CU_ASSERT(own[0] == 3 && own[1] == 7);
	CU_ASSERT(cpus[3].cpu == 4 && cpus[5].cpu == 6);
}

static void test_nodes(void)
{
	static const uint32_t pins[] = { 1, 0, 5, 4 };
	struct guest_spec guest = { .vcpus_count = 4 };
	struct guest_host_nodes nodes;

	if (test_check(guest_placement_nodes(HOST(two_nodes), &guest, pins, &nodes)))
		CU_ASSERT_EQUAL(nodes.guest, 3);
	guest.vcpus_count = 2;
	if (test_check(guest_placement_nodes(HOST(two_nodes), &guest, pins, &nodes)))
		CU_ASSERT_EQUAL(nodes.guest, 1);
	guest = (struct guest_spec){ .vcpus_count = 4, .cells_count = 3,
				     .cells = { { .vcpus_count = 2 }, { .vcpus_count = 2 },
						{ .vcpus_count = 0 } } };
	if (test_check(guest_placement_nodes(HOST(two_nodes), &guest, pins, &nodes))) {
		CU_ASSERT_EQUAL(nodes.cells[0], 1);
		CU_ASSERT_EQUAL(nodes.cells[1], 2);
		CU_ASSERT_EQUAL(nodes.cells[2], 3);
	}
	CU_ASSERT_FALSE(guest_placement_nodes(HOST(plain), &guest, pins, &nodes));
	CU_ASSERT_FALSE(guest_placement_nodes(two_nodes, 5, &guest, pins, &nodes));
}

/* --- a host's /sys -------------------------------------------------------------------- */

static void sys_write(const char *root, const char *name, const char *text)
{
	cleanup_free char *path = path_join(root, name);
	cleanup_free char *folder = string_copy_n(path, (size_t)(strrchr(path, '/') - path));

	CU_ASSERT_EQUAL(folder_make(folder), 0);
	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0644), 0);
}

static void test_topology(void)
{
	static const uint32_t numbers[] = { 0, 3, 11, 12 };
	const char *root = test_temp_folder();
	struct host_cpu cpus[4];
	uint64_t free_mib = 7;

	sys_write(root, "devices/system/cpu/cpu0/topology/thread_siblings_list", "0,3\n");
	sys_write(root, "devices/system/cpu/cpu0/node0/cpulist", "0,3\n");
	sys_write(root, "devices/system/cpu/cpu3/topology/thread_siblings_list", "0,3\n");
	sys_write(root, "devices/system/cpu/cpu3/node0/cpulist", "0,3\n");
	sys_write(root, "devices/system/cpu/cpu11/topology/thread_siblings_list", "10-11\n");
	sys_write(root, "devices/system/cpu/cpu11/node2/cpulist", "10-11\n");
	host_topology_read(root, numbers, 4, cpus);
	CU_ASSERT(cpus[0].cpu == 0 && cpus[0].node == 0 && cpus[0].core == 0);
	CU_ASSERT(cpus[1].cpu == 3 && cpus[1].node == 0 && cpus[1].core == 0);
	CU_ASSERT(cpus[2].cpu == 11 && cpus[2].node == 2 && cpus[2].core == 10);
	CU_ASSERT(cpus[3].cpu == 12 && cpus[3].node == 0 && cpus[3].core == 12);
	CU_ASSERT_FALSE(host_hugepages_free_mib(root, 2048, &free_mib));
	CU_ASSERT_EQUAL(free_mib, 7);
	sys_write(root, "kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "300\n");
	CU_ASSERT_TRUE(host_hugepages_free_mib(root, 2048, &free_mib));
	CU_ASSERT_EQUAL(free_mib, 600);
	CU_ASSERT_FALSE(host_hugepages_free_mib(root, 1048576, &free_mib));
}

/* --- a shape --------------------------------------------------------------------------- */

static int load(const char *text, struct guest_spec *ret_spec, struct error *err)
{
	const char *root = test_temp_folder();

	sys_write(root, "configs/guests/g.yaml", text);
	return guest_spec_load(root, "g", ret_spec, err);
}

#define FOUR "vcpus_count: 4\nmemory_mib: 1024\n"

static void test_shapes_refused(void)
{
	static const struct {
		const char *text, *why;
	} shapes[] = {
		{ FOUR "overcommit: true\nhost_cpus_count: 4\n",
		  "g.yaml:4:18: host_cpus_count: expected fewer than vcpus_count (4), found 4" },
		{ FOUR "host_cpus_count: 2\n",
		  "g.yaml:3:18: host_cpus_count: vCPUs that share CPUs need overcommit: true" },
		{ FOUR "overcommit: true\nhost_cpus_count: -1\n", "host_cpus_count: expected" },
		{ FOUR "memory_hugepages: true\nhugepage_kib: 4096\n",
		  "g.yaml:4:15: hugepage_kib: expected 2048 or 1048576, found 4096" },
		{ FOUR "hugepage_kib: 2048\n",
		  "g.yaml:3:15: hugepage_kib: goes with memory_hugepages: true" },
		{ "vcpus_count: 1\nmemory_mib: 1500\nmemory_hugepages: true\n"
		  "hugepage_kib: 1048576\n",
		  "g.yaml:2:13: memory_mib: expected whole pages of 1024 MiB (hugepage_kib)" },
		{ "vcpus_count: 2\nmemory_mib: 1024\nmemory_hugepages: true\nhugepage_kib: 2048\n"
		  "cells: [{vcpus_count: 1, memory_mib: 511}, {vcpus_count: 1, memory_mib: 513}]\n",
		  "cells: expected whole pages of 2 MiB (hugepage_kib) in each, found 511" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(shapes); i++) {
		cleanup_guest_spec spec = { .name = NULL };
		struct error err = ERROR_INIT;

		CU_ASSERT_EQUAL(load(shapes[i].text, &spec, &err), -EINVAL);
		test_check_contains(err.message, shapes[i].why);
	}
}

static void check_words(const char *text, const char *traits, const char *mark)
{
	cleanup_guest_spec spec = { .name = NULL };
	cleanup_free char *found_traits = NULL, *found_mark = NULL;
	struct error err = ERROR_INIT;

	if (!test_check(load(text, &spec, &err) == 0))
		return;
	found_traits = guest_spec_traits(&spec);
	found_mark = guest_spec_mark(&spec);
	test_check_string(found_traits, traits);
	if (mark && found_mark)
		test_check_string(found_mark, mark);
	CU_ASSERT_EQUAL(!mark, !found_mark);
}

static void test_words(void)
{
	check_words(FOUR, "", NULL);
	check_words(FOUR "overcommit: true\nhost_cpus_count: 2\n",
		    "overcommitted: 4 vCPUs on 2 host CPUs",
		    "overcommitted: 4 vCPUs on 2 host CPUs");
	check_words(FOUR "overcommit: true\ndisk_mib: 64\npmem_mib: 128\niommu: virtio\n",
		    "virtio IOMMU with a device for VFIO, pmem 128 MiB, disk 64 MiB; may be "
		    "overcommitted: takes what CPUs the host has",
		    "may be overcommitted: takes what CPUs the host has");
	check_words(FOUR "memory_hugepages: true\nhugepage_kib: 2048\npinning: false\n"
		    "memory_slots: 2\nmemory_max_mib: 2048\n"
		    "cells: [{vcpus_count: 2, memory_mib: 512, distances: [10, 20]}, "
		    "{vcpus_count: 2, memory_mib: 512, distances: [20, 10]}]\n",
		    "2 NUMA nodes with distances, 2 slots for memory up to 2048 MiB, on huge "
		    "pages of 2048 KiB, not pinned", NULL);
}

TEST_SUITE("guest_placement", { "one node", test_one_node }, { "SMT", test_threads },
	   { "two nodes", test_two_nodes }, { "nodes of the guest", test_guest_nodes },
	   { "CPUs for QEMU's other threads", test_reserve },
	   { "nodes for the memory", test_nodes }, { "a host's /sys", test_topology },
	   { "shapes refused", test_shapes_refused }, { "shapes in words", test_words })
