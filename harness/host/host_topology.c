/* host_topology.c - see host_topology.h. */
#include "host_topology.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "memory.h"

#define MEMINFO_MAX (1u << 16)

/* A CPU's folder has a link to its node: "node1". */
static uint32_t node_of(const char *sys, uint32_t cpu)
{
	cleanup_free char *path = string_format("%s/devices/system/cpu/cpu%" PRIu32, sys, cpu);
	cleanup_strvec struct strvec names = STRVEC_INIT;
	uint32_t node = 0;

	if (folder_list(path, &names))
		return 0;
	for (size_t i = 0; i < names.count; i++)
		if (sscanf(names.items[i], "node%" SCNu32, &node) == 1)
			return node;
	return 0;
}

/* "0,4" or "0-1": the lowest comes first. */
static uint32_t core_of(const char *sys, uint32_t cpu)
{
	cleanup_free char *path = string_format("%s/devices/system/cpu/cpu%" PRIu32
						"/topology/thread_siblings_list", sys, cpu);
	cleanup_free char *line = NULL;
	uint32_t core;

	if (file_read_line(path, &line) < 0 || sscanf(line, "%" SCNu32, &core) != 1)
		return cpu;
	return core;
}

void host_topology_read(const char *sys, const uint32_t *cpus, uint32_t count,
			struct host_cpu *ret_cpus)
{
	for (uint32_t i = 0; i < count; i++)
		ret_cpus[i] = (struct host_cpu){ .cpu = cpus[i],
						 .node = node_of(sys, cpus[i]),
						 .core = core_of(sys, cpus[i]) };
}

bool host_hugepages_free_mib(const char *sys, uint32_t page_kib, uint64_t *ret_mib)
{
	cleanup_free char *path = string_format("%s/kernel/mm/hugepages/hugepages-%" PRIu32
						"kB/free_hugepages", sys, page_kib);
	cleanup_free char *line = NULL;
	uint64_t count;

	if (file_read_line(path, &line) < 0 || sscanf(line, "%" SCNu64, &count) != 1)
		return false;
	*ret_mib = count * page_kib / 1024;
	return true;
}

uint32_t host_hugepages_default_kib(void)
{
	cleanup_free char *text = NULL;
	const char *size;
	uint32_t kib = 0;

	if (file_read("/proc/meminfo", MEMINFO_MAX, &text, NULL))
		return 0;
	size = strstr(text, "Hugepagesize:");
	return size && sscanf(size, "Hugepagesize: %" SCNu32, &kib) == 1 ? kib : 0;
}
