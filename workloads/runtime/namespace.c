/* namespace.c - modes of a pmem namespace through sysfs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "namespace.h"
#include "workload.h"

#define DEVICES "/sys/bus/nd/devices/"
#define DRIVERS "/sys/bus/nd/drivers/"
#define RAW_DRIVER "nd_pmem"
#define MIB (UINT64_C(1) << 20)
#define STRUCT_PAGES_SHARE 64   /* of the memory: 64 bytes for 4 KiB */
#define SPARE_MIB 64u
/* The info block of a mode lies in the namespace's first 8 KiB (drivers/nvdimm/pfn.h). */
#define INFO_BYTES 8192
#define NAME_SIZE 64

static struct {
	char name[NAME_SIZE];     /* "namespace0.0" */
	char device[NAME_SIZE];   /* "pfn0.0", "dax0.0" */
	const char *driver;       /* of the device */
	unsigned int region;
	uint64_t size_bytes;
	bool is_taken;            /* from the driver of raw namespaces */
	bool has_mode;            /* of ours */
} state;

/* --- sysfs ---------------------------------------------------------------------- */

static bool device_is_bound(const char *device)
{
	char path[160];

	snprintf(path, sizeof(path), DEVICES "%s/driver", device);
	return access(path, F_OK) == 0;
}

static int driver_write(const char *driver, const char *action, const char *device)
{
	char path[160];

	snprintf(path, sizeof(path), DRIVERS "%s/%s", driver, action);
	return text_write(path, device);
}

static void attribute_write(const char *device, const char *name, const char *value)
{
	char path[160];

	snprintf(path, sizeof(path), DEVICES "%s/%s", device, name);
	text_write_or_broken(path, "%s", value);
}

static void attribute_read(const char *device, const char *name, char *value, size_t size)
{
	char path[160];
	int result;

	snprintf(path, sizeof(path), DEVICES "%s/%s", device, name);
	result = text_read(path, value, size);
	if (result < 0)
		workload_broken("%s: %s", path, strerror(-result));
	value[strcspn(value, "\n")] = '\0';
}

/* The first by name whose name begins so and that suits; "" if there is none. */
static void device_find(const char *prefix, bool (*suits)(const char *name),
			char ret_name[NAME_SIZE])
{
	struct dirent **names = NULL;
	int count = scandir(DEVICES, &names, NULL, alphasort), i;

	*ret_name = '\0';
	for (i = 0; i < count; i++) {
		if (!*ret_name && !strncmp(names[i]->d_name, prefix, strlen(prefix)) &&
		    strlen(names[i]->d_name) < NAME_SIZE && suits(names[i]->d_name))
			strcpy(ret_name, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

static bool namespace_suits(const char *name)
{
	char size[32];

	attribute_read(name, "size", size, sizeof(size));
	return strtoull(size, NULL, 10) > 0;
}

/* A seed: a device of that mode that has no namespace yet. */
static bool seed_suits(const char *name)
{
	char namespace[NAME_SIZE];

	attribute_read(name, "namespace", namespace, sizeof(namespace));
	return !*namespace && !device_is_bound(name);
}

/* --- taking it -------------------------------------------------------------------- */

static void namespace_find(void)
{
	char text[NAME_SIZE];

	device_find("namespace", namespace_suits, state.name);
	if (!*state.name)
		workload_skipped("no pmem namespace: the guest has neither an NVDIMM "
				 "(pmem_mib) nor memory set aside with memmap=nG!mG");
	if (sscanf(state.name, "namespace%u.", &state.region) != 1)
		workload_broken("%s: no region in this name", state.name);
	attribute_read(state.name, "size", text, sizeof(text));
	state.size_bytes = strtoull(text, NULL, 10);
	attribute_read(state.name, "holder", text, sizeof(text));
	if (*text)
		workload_broken("%s has a mode already: %s", state.name, text);
}

static void memory_check(void)
{
	uint64_t needed_mib = state.size_bytes / STRUCT_PAGES_SHARE / MIB + SPARE_MIB;
	uint64_t available_mib = field_read_or_broken("/proc/meminfo", "MemAvailable") / 1024;

	if (needed_mib > available_mib)
		workload_skipped("struct pages of %llu MiB need %llu MiB of memory, %llu MiB "
				 "are available", (unsigned long long)(state.size_bytes / MIB),
				 (unsigned long long)needed_mib,
				 (unsigned long long)available_mib);
}

static void raw_unbind(void)
{
	int result;

	if (device_is_bound(state.name)) {
		result = driver_write(RAW_DRIVER, "unbind", state.name);
		if (result < 0)
			workload_broken("unbinding %s: %s", state.name, strerror(-result));
	}
	state.is_taken = true;
}

/* The kernel takes a known info block as it is, and refuses one that says something
 * else under the same uuid: so each setting has a uuid of its own. */
static void mode_set(bool is_devdax, bool is_memmap_in_memory, uint64_t align_bytes)
{
	const char *kind = is_devdax ? "dax" : "pfn";
	char prefix[NAME_SIZE], text[NAME_SIZE];

	snprintf(prefix, sizeof(prefix), "%s%u.", kind, state.region);
	device_find(prefix, seed_suits, state.device);
	if (!*state.device)
		workload_skipped("the kernel has no %s for region %u", kind, state.region);
	attribute_write(state.device, "mode", is_memmap_in_memory ? "ram" : "pmem");
	snprintf(text, sizeof(text), "%llu", (unsigned long long)align_bytes);
	attribute_write(state.device, "align", text);
	snprintf(text, sizeof(text), "6b676174-0000-4000-8000-%u%u%010llu", is_devdax,
		 is_memmap_in_memory, (unsigned long long)align_bytes);
	attribute_write(state.device, "uuid", text);
	attribute_write(state.device, "namespace", state.name);
	state.has_mode = true;
}

void namespace_open_or_skip(const char *mode, bool is_memmap_in_memory,
			    uint64_t align_bytes)
{
	bool is_devdax = !strcmp(mode, "devdax");
	int result;

	namespace_find();
	if (is_memmap_in_memory)
		memory_check();
	raw_unbind();
	state.driver = is_devdax ? "dax_pmem" : "nd_pmem";
	mode_set(is_devdax, is_memmap_in_memory, align_bytes);
	result = namespace_bind();
	if (result < 0)
		workload_broken("binding %s to %s: %s", state.device, state.driver,
				strerror(-result));
}

/* --- having it ---------------------------------------------------------------------- */

int namespace_bind(void)
{
	return driver_write(state.driver, "bind", state.device);
}

int namespace_unbind(void)
{
	return driver_write(state.driver, "unbind", state.device);
}

uint64_t namespace_size_bytes(void)
{
	return state.size_bytes;
}

uint64_t namespace_data_bytes(void)
{
	char text[32];

	attribute_read(state.device, "size", text, sizeof(text));
	return strtoull(text, NULL, 10);
}

unsigned int namespace_region(void)
{
	return state.region;
}

const char *namespace_device(void)
{
	return state.device;
}

/* --- giving it back ------------------------------------------------------------------- */

/* Overwrites the info block through the namespace's raw disk. */
static void info_erase(void)
{
	static const uint8_t zeros[INFO_BYTES];
	char path[NAME_SIZE];
	int fd;

	attribute_write(state.name, "force_raw", "1");
	(void)driver_write(RAW_DRIVER, "bind", state.name);
	snprintf(path, sizeof(path), "/dev/pmem%u", state.region);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, zeros, sizeof(zeros), 0) != (ssize_t)sizeof(zeros) ||
	    fsync(fd) < 0)
		workload_broken("erasing the mode on %s: %s", path, strerror(errno));
	close(fd);
	(void)driver_write(RAW_DRIVER, "unbind", state.name);
	attribute_write(state.name, "force_raw", "0");
}

void namespace_close(void)
{
	bool had_mode = state.has_mode, was_taken = state.is_taken;

	state.has_mode = state.is_taken = false;
	if (had_mode) {
		if (device_is_bound(state.device))
			(void)namespace_unbind();
		/* An empty write would not reach the kernel. */
		attribute_write(state.device, "namespace", "\n");
		info_erase();
	}
	if (was_taken)
		(void)driver_write(RAW_DRIVER, "bind", state.name);
}
