/* page_init_hotplug.c - how long the kernel takes to add memory while it runs, and to
 * put it online: struct pages, their initialisation, and freeing the pages to the
 * allocator (mm/memory_hotplug.c).
 *
 * The parameter `source` says where the memory comes from:
 *	pmem    a namespace in mode devdax whose driver is kmem, which gives it to the
 *		kernel as system memory: the way CXL memory takes, and one that can be
 *		gone again and again
 *	dimm    the host, which plugs in a DIMM of dimm_mib in each round (one for the
 *		warm-up, too); it stays until the guest ends
 * A round, by the parameter `unit`:
 *	device  adds and onlines all of it (timed), then offlines it (timed), and of pmem
 *		removes it; of a DIMM the time begins with its first memory block
 *	block   has all of it added, offline; onlines each memory block by its own file
 *		in sysfs (timed), then offlines it all
 * Each time MemTotal must have grown by exactly that, and be what it was afterwards.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "namespace.h"
#include "padata.h"
#include "page_init_hotplug/dimm.h"
#include "workload.h"

#define GIB (UINT64_C(1) << 30)
#define ALIGN_BYTES (UINT64_C(2) << 20)
#define BLOCKS "/sys/devices/system/memory/"
#define DRIVERS "/sys/bus/dax/drivers/"

static struct {
	char device[32];          /* "dax0.0", of the bus dax; source pmem */
	uint64_t block_bytes;
	uint64_t first_block, blocks_count;
	uint64_t memory_before_kib;
	bool is_known_to_kmem, is_bound_to_kmem;
} state;

static uint64_t memory_total_kib(void)
{
	return field_read_or_broken("/proc/meminfo", "MemTotal");
}

static void memory_check(uint64_t blocks_count)
{
	uint64_t expected_kib = state.memory_before_kib +
				blocks_count * (state.block_bytes / 1024);
	uint64_t total_kib = memory_total_kib();

	if (total_kib != expected_kib)
		workload_failed("MemTotal is %llu kB with %llu blocks of %llu MiB online, "
				"expected %llu kB", (unsigned long long)total_kib,
				(unsigned long long)blocks_count,
				(unsigned long long)(state.block_bytes >> 20),
				(unsigned long long)expected_kib);
}

/* --- the device ------------------------------------------------------------------- */

static uint64_t device_number(const char *name, int base)
{
	char path[128], text[32];
	int result;

	snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s/%s", state.device, name);
	result = text_read(path, text, sizeof(text));
	if (result < 0)
		workload_broken("%s: %s", path, strerror(-result));
	return strtoull(text, NULL, base);
}

static int device_state_write(const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s/state", state.device);
	return text_write(path, value);
}

static void device_unplug(void)
{
	int result = device_state_write("unplugged");

	if (result < 0)
		workload_failed("offlining and removing %s: %s", state.device,
				strerror(-result));
}

static void block_size_read(void)
{
	char text[32];
	int result = text_read(BLOCKS "block_size_bytes", text, sizeof(text));

	if (result < 0)
		workload_broken(BLOCKS "block_size_bytes: %s", strerror(-result));
	state.block_bytes = strtoull(text, NULL, 16);
}

/* Whole memory blocks of it, which is what kmem adds. */
static void blocks_find(void)
{
	uint64_t start = device_number("resource", 16), size = device_number("size", 10);

	state.first_block = (start + state.block_bytes - 1) / state.block_bytes;
	if ((start + size) / state.block_bytes <= state.first_block)
		workload_skipped("%s holds no whole memory block of %llu MiB", state.device,
				 (unsigned long long)(state.block_bytes >> 20));
	state.blocks_count = (start + size) / state.block_bytes - state.first_block;
}

static void kmem_write_or_broken(const char *driver, const char *action)
{
	char path[128];

	snprintf(path, sizeof(path), DRIVERS "%s/%s", driver, action);
	text_write_or_broken(path, "%s", state.device);
}

/* kmem adds what it is bound to at once, offline or not (memhp_default_state). */
static void device_take(void)
{
	int result;

	namespace_open_or_skip("devdax", true, ALIGN_BYTES);
	snprintf(state.device, sizeof(state.device), "dax%u.0", namespace_region());
	blocks_find();
	kmem_write_or_broken("device_dax", "unbind");
	kmem_write_or_broken("kmem", "new_id");
	state.is_known_to_kmem = true;
	if (access(DRIVERS "kmem", F_OK) < 0)
		workload_broken("the kernel has no driver kmem (CONFIG_DEV_DAX_KMEM)");
	result = device_state_write("unplugged");
	if (result == -ENOENT)
		workload_broken("kmem has not taken %s; the console says why (no memory "
				"behind the pmem: no node)", state.device);
	if (result < 0)
		workload_broken("unplugging %s: %s", state.device, strerror(-result));
	state.is_bound_to_kmem = true;
}

static bool is_movable(void)
{
	return !strcmp(parameter_word("zone"), "movable");
}

static bool is_dimm(void)
{
	return !strcmp(parameter_word("source"), "dimm");
}

static bool is_by_block(void)
{
	return !strcmp(parameter_word("unit"), "block");
}

static const char *online_word(void)
{
	return is_movable() ? "online_movable" : "online_kernel";
}

static void setup(void)
{
	state.memory_before_kib = memory_total_kib();
	block_size_read();
	padata_helpers_set(parameter_number("helpers"));
	if (is_dimm())
		dimms_open(is_by_block() ? "offline" : online_word());
	else
		device_take();
	memory_check(0);
}

/* --- a round ------------------------------------------------------------------------ */

static void online_add(uint64_t duration_ns)
{
	double gib = (double)(state.blocks_count * state.block_bytes) / (double)GIB;

	sample_add("online_ns", (double)duration_ns);
	sample_add("online_gib_per_s", gib * 1e9 / (double)duration_ns);
}

static void device_round(void)
{
	uint64_t start_ns, end_ns;
	int result;

	start_ns = clock_now_ns();
	workload_region_begin(MARKER_REGION_OWN);
	result = device_state_write(online_word());
	workload_region_end(MARKER_REGION_OWN);
	end_ns = clock_now_ns();
	if (result < 0)
		workload_failed("adding and onlining %s: %s", state.device,
				strerror(-result));
	memory_check(state.blocks_count);
	online_add(end_ns - start_ns);
	start_ns = clock_now_ns();
	device_unplug();
	sample_add("offline_ns", (double)(clock_now_ns() - start_ns));
	memory_check(0);
}

static int block_state_write(uint64_t block, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), BLOCKS "memory%llu/state", (unsigned long long)block);
	return text_write(path, value);
}

/* Onlines or offlines every block; the time of it. */
static uint64_t blocks_write_ns(const char *value)
{
	uint64_t start_ns = clock_now_ns(), i;
	int result;

	for (i = 0; i < state.blocks_count; i++) {
		result = block_state_write(state.first_block + i, value);
		if (result < 0)
			workload_failed("%s of memory block %llu: %s", value,
					(unsigned long long)(state.first_block + i),
					strerror(-result));
	}
	return clock_now_ns() - start_ns;
}

static void block_round(void)
{
	uint64_t duration_ns;

	workload_region_begin(MARKER_REGION_OWN);
	duration_ns = blocks_write_ns(online_word());
	workload_region_end(MARKER_REGION_OWN);
	memory_check(state.blocks_count);
	online_add(duration_ns);
	sample_add("offline_ns", (double)blocks_write_ns("offline"));
	memory_check(0);
}

static void dimm_round(void)
{
	struct dimm_plugged plugged;

	dimm_plug((uint64_t)parameter_number("dimm_mib"), !is_by_block(), &plugged);
	state.first_block = plugged.first_block;
	state.blocks_count = plugged.blocks_count;
	if (is_by_block()) {
		block_round();
		return;
	}
	memory_check(state.blocks_count);
	online_add(plugged.last_online_ns - plugged.first_added_ns);
	sample_add("plugged_ns", (double)(plugged.last_online_ns - plugged.asked_ns));
	sample_add("offline_ns", (double)blocks_write_ns("offline"));
	memory_check(0);
}

static void measure(uint32_t round)
{
	if (is_dimm()) {
		dimm_round();
		return;
	}
	if (!is_by_block()) {
		device_round();
		return;
	}
	/* Added, all blocks are online: the first time they go offline. */
	if (round == 0) {
		if (device_state_write("online_movable") < 0)
			workload_failed("adding %s", state.device);
		(void)blocks_write_ns("offline");
	}
	block_round();
}

static void cleanup(void)
{
	padata_helpers_restore();
	dimms_close();
	if (state.is_bound_to_kmem) {
		state.is_bound_to_kmem = false;
		device_unplug();
	}
	if (state.is_known_to_kmem) {
		state.is_known_to_kmem = false;
		kmem_write_or_broken("kmem", "remove_id");
	}
	namespace_close();
}

static const char *const units[] = { "device", "block", NULL };
static const char *const zones[] = { "movable", "kernel", NULL };
static const char *const sources[] = { "pmem", "dimm", NULL };
static const char *const devices[] = { "source=pmem:pmem", "source=dimm:hotplug", NULL };
static const char *const options[] = {
	"CONFIG_MEMORY_HOTPLUG", "CONFIG_MEMORY_HOTREMOVE", "CONFIG_DEV_DAX_PMEM",
	"CONFIG_DEV_DAX_KMEM", "CONFIG_ACPI_HOTPLUG_MEMORY", "CONFIG_NET", NULL
};

const struct workload workload = {
	.name = "page_init_hotplug",
	.purpose = "Time to add memory to a running kernel and to put it online",
	.metrics = (const struct metric[]){
		{ "online_ns", "ns", "lower", "time", false,
		  "All of the memory online (unit device: pmem added, too; a DIMM from its "
		  "first block on)" },
		{ "online_gib_per_s", "GiB/s", "higher", "rate", true,
		  "Size of the memory over that time" },
		{ "offline_ns", "ns", "lower", "time", true,
		  "All of it offline again (unit device: pmem removed, too)" },
		{ "plugged_ns", "ns", "lower", "time", true,
		  "A DIMM online, from asking the host for it on (unit device)" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "source", 0, 0, sources, "pmem", "Where the memory comes from" },
		{ "dimm_mib", 128, 1048576, NULL, "1024",
		  "Size of a DIMM, whole memory blocks; one a round, one for the warm-up" },
		{ "unit", 0, 0, units, "device",
		  "All of it at once, or each memory block by itself" },
		{ "zone", 0, 0, zones, "movable",
		  "Where it goes; in zone kernel it may not come off again" },
		{ "rounds", 1, 1000, NULL, "5", "Rounds that count" },
		PADATA_HELPERS_PARAMETER("-1"),
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_devices = devices,
	.needs_memory_mib = 256,
	.needs_vcpus = 1,
	.is_counted = true,
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
