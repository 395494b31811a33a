/* show_guest.c - see show_guest.h. The XML has stand-ins for what a trial brings: kernel,
 * initramfs, command line and files.
 */
#include "show_guest.h"

#include <inttypes.h>
#include <stdio.h>

#include "accelerator.h"
#include "campaign.h"
#include "fleet_pins.h"
#include "host_info.h"
#include "host_topology.h"
#include "memory.h"

#define CPUS_MAX 1024
#define EMULATOR "/usr/bin/qemu-system-x86_64"
#define UUID "00000000-0000-4000-8000-000000000000"

/* Where a guest of the shape would be, alone on this host. */
struct place {
	enum accelerator accelerator;
	struct host_cpu cpus[CPUS_MAX];
	uint32_t cpus_count;
	uint32_t emulator_cpus[GUEST_EMULATOR_CPUS_MAX];
	uint32_t emulator_cpus_count;
	bool fits;
	uint32_t pins[GUEST_VCPUS_MAX];
	bool has_nodes;
	struct guest_host_nodes nodes;
};

static void place_find(const struct guest_spec *guest, struct place *place)
{
	struct accelerator_probe probe;
	struct error missing = ERROR_INIT;
	struct pin_map map;
	uint32_t numbers[CPUS_MAX];

	place->cpus_count = host_info_cpus(numbers, CPUS_MAX);
	host_topology_read("/sys", numbers, place->cpus_count, place->cpus);
	if (accelerator_choose(CHOICE_AUTO, &place->accelerator, &probe, &missing))
		place->accelerator = ACCELERATOR_TCG;
	if (place->accelerator == ACCELERATOR_KVM)
		place->emulator_cpus_count =
			guest_placement_reserve(place->cpus, &place->cpus_count,
						guest_spec_host_cpus(guest),
						place->emulator_cpus);
	pin_map_init(&map, place->cpus, place->cpus_count);
	place->fits = pin_map_has_room(&map, guest);
	if (place->fits)
		pin_map_take(&map, guest, place->pins);
	pin_map_release(&map);
	place->has_nodes = place->fits && guest->pinning &&
			   guest_placement_nodes(place->cpus, place->cpus_count, guest,
						 place->pins, &place->nodes);
}

static void print_xml(const struct guest_spec *guest, const struct place *place)
{
	const struct guest_boot boot = {
		.domain_name = guest->name,
		.uuid = UUID,
		.emulator = EMULATOR,
		.accelerator = place->accelerator,
		.kernel_path = "VMLINUX",
		.initrd_path = "INITRAMFS",
		.cmdline = "CMDLINE",
		.console_path = "CONSOLE",
		.results_path = "RESULTS",
		.pmem_path = guest->pmem_mib ? "PMEM" : NULL,
		.disk_path = guest->disk_mib ? "DISK" : NULL,
		.pin_cpus = place->fits && guest->pinning ? place->pins : NULL,
		.emulator_cpus = place->emulator_cpus,
		.emulator_cpus_count = place->emulator_cpus_count,
		.nodes = place->has_nodes ? &place->nodes : NULL,
	};
	cleanup_free char *xml = guest_domain_xml(guest, &boot);

	fputs(xml, stdout);
}

static void print_flag(const char *key, bool value)
{
	printf("%-18s %s\n", key, value ? "true" : "false");
}

static void print_number(const char *key, uint64_t value)
{
	printf("%-18s %" PRIu64 "\n", key, value);
}

static void print_cells(const struct guest_spec *guest)
{
	for (uint32_t i = 0; i < guest->cells_count; i++) {
		const struct guest_cell *cell = &guest->cells[i];

		printf("cells[%" PRIu32 "]           vcpus_count %" PRIu32 ", memory_mib %" PRIu64,
		       i, cell->vcpus_count, cell->memory_mib);
		for (uint32_t j = 0; j < cell->distances_count; j++)
			printf("%s%" PRIu32, j ? ", " : ", distances ", cell->distances[j]);
		printf("\n");
	}
}

static void print_memory(const struct guest_spec *guest)
{
	print_number("memory_mib", guest->memory_mib);
	print_flag("memory_prealloc", guest->memory_prealloc);
	print_flag("memory_reserve", guest->memory_reserve);
	print_flag("memory_hugepages", guest->memory_hugepages);
	print_number("hugepage_kib", guest->hugepage_kib);
	print_number("memory_max_mib", guest->memory_max_mib);
	print_number("memory_slots", guest->memory_slots);
}

static void print_values(const struct guest_spec *guest)
{
	cleanup_free char *mark = guest_spec_mark(guest);

	printf("guest %s%s%s\n", guest->name, guest->purpose ? ": " : "",
	       guest->purpose ? guest->purpose : "");
	if (mark)
		printf("%s\n", mark);
	printf("\n");
	print_number("vcpus_count", guest->vcpus_count);
	print_memory(guest);
	print_cells(guest);
	printf("%-18s %s\n", "iommu", guest_iommu_name(guest->iommu));
	print_number("disk_mib", guest->disk_mib);
	print_number("pmem_mib", guest->pmem_mib);
	print_flag("pinning", guest->pinning);
	print_flag("overcommit", guest->overcommit);
	print_number("host_cpus_count", guest->host_cpus_count);
	for (size_t i = 0; i < guest->cmdline.count; i++)
		printf("%-18s %s\n", i ? "" : "cmdline", guest->cmdline.items[i]);
	print_number("first_byte_s", guest->first_byte_s);
	print_number("silence_s", guest->silence_s);
	print_number("total_s", guest->total_s);
}

static void print_nodes(const char *what, uint32_t number, uint64_t nodes)
{
	printf("%s %" PRIu32 " from host node", what, number);
	for (uint32_t node = 0; node < 64; node++)
		if (nodes >> node & 1)
			printf(" %" PRIu32, node);
	printf("\n");
}

static void print_place(const struct guest_spec *guest, const struct place *place)
{
	printf("\non this host, with %s and %" PRIu32 " CPUs for guests:\n",
	       accelerator_name(place->accelerator), place->cpus_count);
	if (!place->fits) {
		printf("  refused: it wants %" PRIu32 " (overcommit: true allows it)\n",
		       guest_spec_host_cpus(guest));
		return;
	}
	if (!guest->pinning) {
		printf("  not pinned\n");
		return;
	}
	for (uint32_t i = 0; i < guest->vcpus_count; i++)
		printf("  vCPU %" PRIu32 " on host CPU %" PRIu32 "\n", i, place->pins[i]);
	for (uint32_t i = 0; i < place->emulator_cpus_count; i++)
		printf("  QEMU's other threads on host CPU %" PRIu32 "\n",
		       place->emulator_cpus[i]);
	if (!place->emulator_cpus_count)
		printf("  QEMU's other threads on the same\n");
	for (uint32_t i = 0; place->has_nodes && i < guest->cells_count; i++)
		print_nodes("  node", i, place->nodes.cells[i]);
	if (place->has_nodes && !guest->cells_count)
		print_nodes("  node", 0, place->nodes.guest);
}

static void cleanup_guest(struct guest_spec *guest)
{
	guest_spec_release(guest);
}

int show_guest(const struct globals *globals, const char *name, bool xml, struct error *err)
{
	cleanup_with(cleanup_guest) struct guest_spec guest = { .name = NULL };
	cleanup_free struct place *place = memory_alloc(sizeof(*place));
	int rc = guest_spec_load(globals->project_root, name, &guest, err);

	if (rc)
		return rc;
	place_find(&guest, place);
	if (xml) {
		print_xml(&guest, place);
		return 0;
	}
	print_values(&guest);
	print_place(&guest, place);
	return 0;
}
