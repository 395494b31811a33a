/* page_init_boot.c - how long this boot took to initialise its struct pages,
 * from what the kernel itself logged (mm/mm_init.c, deferred_init_memmap):
 *
 *     node 0 deferred pages initialised in 62ms
 *
 * One boot is one measurement: nothing is run. The resolution is the kernel's
 * millisecond, so that a guest wants gibibytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workload.h"

#define NODES_MAX 64
#define ZONEINFO_BYTES_MAX (1u << 20)

static struct {
	bool is_logged[NODES_MAX];
	uint64_t duration_ns[NODES_MAX];
	uint64_t present_pages[NODES_MAX];
} nodes;

/* A record of /dev/kmsg: "6,339,5140900,-;message\n continuation" (kernel:
 * Documentation/ABI/testing/dev-kmsg). */
static void record_read(char *record)
{
	char *message = strchr(record, ';');
	unsigned int node, duration_ms;
	int end = 0;

	if (!message)
		return;
	if (sscanf(message + 1, "node %u deferred pages initialised in %ums%n",
		   &node, &duration_ms, &end) != 2 || end == 0)
		return;
	if (node >= NODES_MAX)
		workload_broken("node %u: more than %d nodes", node, NODES_MAX);
	if (nodes.is_logged[node])
		workload_broken("node %u was logged twice", node);
	nodes.is_logged[node] = true;
	nodes.duration_ns[node] = duration_ms * UINT64_C(1000000);
}

/* /proc/zoneinfo: "Node 0, zone   Normal", then "        present  786432". */
static void present_pages_read(void)
{
	char *text = malloc(ZONEINFO_BYTES_MAX), *line, *state = NULL;
	unsigned int node = NODES_MAX;
	unsigned long long pages;
	int result;

	if (!text)
		workload_broken("out of memory");
	result = text_read("/proc/zoneinfo", text, ZONEINFO_BYTES_MAX);
	if (result < 0)
		workload_broken("/proc/zoneinfo: %s", strerror(-result));
	for (line = strtok_r(text, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state)) {
		if (sscanf(line, "Node %u,", &node) == 1)
			continue;
		if (node < NODES_MAX && sscanf(line, " present %llu", &pages) == 1)
			nodes.present_pages[node] += pages;
	}
	free(text);
}

static void measure(uint32_t round)
{
	uint64_t slowest_ns = 0, total_ns = 0, pages = 0;
	unsigned int node;

	(void)round;
	kernel_log_read(record_read);
	present_pages_read();
	for (node = 0; node < NODES_MAX; node++) {
		if (!nodes.is_logged[node])
			continue;
		sample_add("page_init_node_ns", (double)nodes.duration_ns[node]);
		total_ns += nodes.duration_ns[node];
		pages += nodes.present_pages[node];
		if (nodes.duration_ns[node] > slowest_ns)
			slowest_ns = nodes.duration_ns[node];
	}
	if (slowest_ns == 0)
		workload_skipped("too little memory: the kernel logged %s",
				 pages ? "0 ms" : "no deferred initialisation");
	sample_add("page_init_ns", (double)slowest_ns);
	sample_add("page_init_total_ns", (double)total_ns);
	sample_add("page_init_pages_per_s",
		   (double)pages * 1e9 / (double)slowest_ns);
}

static const char *const options[] = { "CONFIG_DEFERRED_STRUCT_PAGE_INIT", NULL };

const struct workload workload = {
	.name = "page_init_boot",
	.purpose = "Deferred initialisation of struct pages at boot, from the kernel's log",
	.metrics = (const struct metric[]){
		{ "page_init_ns", "ns", "lower", "time", false,
		  "The slowest node: what the boot waits for" },
		{ "page_init_pages_per_s", "1/s", "higher", "rate", true,
		  "Present pages of all nodes over that time" },
		{ "page_init_node_ns", "ns", "lower", "time", true,
		  "Each node, in the order of their numbers" },
		{ "page_init_total_ns", "ns", "lower", "time", true,
		  "All nodes added up" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 1024,
	.needs_vcpus = 1,
	.measure = measure,
};
