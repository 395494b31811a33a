/* page_init_pmem.c - how long the kernel takes to bind a pmem namespace again, most
 * of which is the initialisation of its struct pages (mm/mm_init.c,
 * memmap_init_zone_device).
 *
 * The namespace gets the mode asked for. A round unbinds it from its driver and binds
 * it again; both are timed. Its size is the guest's: an NVDIMM, or memory set aside
 * with memmap=16G!4G, which costs the host nothing as long as nobody touches it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "namespace.h"
#include "padata.h"
#include "workload.h"

#define GIB (UINT64_C(1) << 30)
#define PLACES_COUNT 16u        /* where the bound device is tried out */

static bool is_devdax(void)
{
	return !strcmp(parameter_word("mode"), "devdax");
}

static void setup(void)
{
	namespace_open_or_skip(parameter_word("mode"),
			       !strcmp(parameter_word("memmap"), "mem"),
			       strtoull(parameter_word("align_kib"), NULL, 10) * 1024);
	padata_helpers_set(parameter_number("helpers"));
}

/* The device of the dax bus must have got its driver: mapping it would take FS_DAX. */
static void devdax_try(void)
{
	char path[160];

	snprintf(path, sizeof(path), "/sys/bus/dax/drivers/device_dax/dax%u.0",
		 namespace_region());
	if (access(path, F_OK) < 0)
		workload_failed("%s: %s", path, strerror(errno));
}

static void fsdax_try(uint64_t length)
{
	static uint8_t block[4096];
	char path[32];
	uint64_t i;
	int fd;

	snprintf(path, sizeof(path), "/dev/pmem%u", namespace_region());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		workload_failed("%s: %s", path, strerror(errno));
	for (i = 0; i < PLACES_COUNT; i++) {
		off_t offset = (off_t)((length / sizeof(block) - 1) / (PLACES_COUNT - 1) *
				       i * sizeof(block));

		if (pread(fd, block, sizeof(block), offset) != (ssize_t)sizeof(block))
			workload_failed("reading %s at %lld: %s", path, (long long)offset,
					strerror(errno));
	}
	close(fd);
}

static void device_try(void)
{
	uint64_t length = namespace_data_bytes();

	if (length == 0 || length > namespace_size_bytes())
		workload_failed("%s has %llu bytes, its namespace %llu", namespace_device(),
				(unsigned long long)length,
				(unsigned long long)namespace_size_bytes());
	if (is_devdax())
		devdax_try();
	else
		fsdax_try(length);
}

static void measure(uint32_t round)
{
	double gib = (double)namespace_size_bytes() / (double)GIB;
	uint64_t start_ns, unbound_ns, end_ns;
	int unbind_result, bind_result;

	(void)round;
	start_ns = clock_now_ns();
	unbind_result = namespace_unbind();
	unbound_ns = clock_now_ns();
	workload_region_begin(MARKER_REGION_OWN);
	bind_result = namespace_bind();
	workload_region_end(MARKER_REGION_OWN);
	end_ns = clock_now_ns();
	if (unbind_result < 0 || bind_result < 0)
		workload_failed("%s of %s: %s", unbind_result < 0 ? "unbind" : "bind",
				namespace_device(), strerror(unbind_result < 0 ?
				-unbind_result : -bind_result));
	sample_add("rebind_ns", (double)(end_ns - unbound_ns));
	sample_add("unbind_ns", (double)(unbound_ns - start_ns));
	sample_add("rebind_gib_per_s", gib * 1e9 / (double)(end_ns - unbound_ns));
	device_try();
}

static void cleanup(void)
{
	padata_helpers_restore();
	namespace_close();
}

static const char *const modes[] = { "fsdax", "devdax", NULL };
static const char *const memmaps[] = { "mem", "dev", NULL };
static const char *const aligns[] = { "4", "2048", "1048576", NULL };
static const char *const devices[] = { "pmem", NULL };
static const char *const options[] = {
	"CONFIG_ZONE_DEVICE", "CONFIG_BLK_DEV_PMEM", "CONFIG_NVDIMM_PFN",
	"CONFIG_NVDIMM_DAX", "CONFIG_DEV_DAX_PMEM", NULL
};

const struct workload workload = {
	.name = "page_init_pmem",
	.purpose = "Time to bind a pmem namespace again: the initialisation of its struct pages",
	.metrics = (const struct metric[]){
		{ "rebind_ns", "ns", "lower", "time", false,
		  "Binding the namespace to its driver again, after it was unbound" },
		{ "unbind_ns", "ns", "lower", "time", true,
		  "Unbinding it before that" },
		{ "rebind_gib_per_s", "GiB/s", "higher", "rate", true,
		  "Size of the namespace over the time of binding" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "mode", 0, 0, modes, "fsdax", "Mode of the namespace" },
		{ "memmap", 0, 0, memmaps, "mem",
		  "Where its struct pages are: in memory, or on the device itself" },
		{ "align_kib", 0, 0, aligns, "2048",
		  "Alignment; devdax makes compound pages of this size" },
		{ "rounds", 1, 1000, NULL, "10", "Rounds that count" },
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
