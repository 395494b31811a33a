/* hugetlb_boot.c - how long this boot took to take over the 1 GiB pages that were
 * set aside on its command line (hugepagesz=1G hugepages=N): all their struct
 * pages are initialised (mm/hugetlb.c, hugetlb_bootmem_struct_page_init). The
 * pages themselves are not touched, so that a guest may have more than the host.
 *
 * The kernel logs no time of its own for it. It is what lies between two lines of
 * its log, the last one about deferred pages and the one about memory
 * (mm/mm_init.c, page_alloc_init_late):
 *
 *     node 0 deferred pages initialised in 62ms
 *     Memory: 23926892K/67108344K available (...)
 *
 * What else lies there is a fraction of a millisecond. One boot is one measurement:
 * nothing is run.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workload.h"

#define POOL "/sys/kernel/mm/hugepages/hugepages-1048576kB"

static struct {
	uint64_t before_us, after_us; /* 0: not logged */
} logged;

/* A record of /dev/kmsg: "6,339,5140900,-;message\n continuation" (kernel:
 * Documentation/ABI/testing/dev-kmsg); the third number are microseconds. */
static void record_read(char *record)
{
	const char *message = strchr(record, ';');
	unsigned long long time_us;
	unsigned int node, duration_ms;
	int end = 0;

	if (!message || sscanf(record, "%*u,%*u,%llu,", &time_us) != 1)
		return;
	message++;
	if (sscanf(message, "node %u deferred pages initialised in %ums%n", &node,
		   &duration_ms, &end) == 2 && end)
		logged.before_us = time_us;
	else if (logged.before_us && !logged.after_us &&
		 !strncmp(message, "Memory: ", 8) && strstr(message, " available ("))
		logged.after_us = time_us;
}

static void measure(uint32_t round)
{
	uint64_t pages, duration_ns;

	(void)round;
	if (access(POOL, F_OK) < 0)
		workload_skipped("no huge pages of 1 GiB on this CPU and kernel");
	pages = number_read_or_broken(POOL "/nr_hugepages");
	if (pages == 0)
		workload_skipped("no huge pages were set aside: the guest wants "
				 "hugepagesz=1G hugepages=N on its command line");
	kernel_log_read(record_read);
	if (!logged.before_us)
		workload_skipped("too little memory: the kernel logged no deferred "
				 "initialisation");
	if (logged.after_us <= logged.before_us)
		workload_broken("the kernel logged no memory line after the deferred "
				"initialisation");
	duration_ns = (logged.after_us - logged.before_us) * 1000;
	sample_add("hugetlb_boot_ns", (double)duration_ns);
	sample_add("hugetlb_boot_pages_per_s", (double)pages * 1e9 / (double)duration_ns);
}

static const char *const options[] = {
	"CONFIG_HUGETLBFS", "CONFIG_DEFERRED_STRUCT_PAGE_INIT", NULL
};

const struct workload workload = {
	.name = "hugetlb_boot",
	.purpose = "Struct pages of the 1 GiB pages set aside at boot, from the kernel's log",
	.metrics = (const struct metric[]){
		{ "hugetlb_boot_ns", "ns", "lower", "time", false,
		  "From the end of deferred initialisation to all such pages in the pool" },
		{ "hugetlb_boot_pages_per_s", "1/s", "higher", "rate", true,
		  "Pages of 1 GiB over that time" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 4096,
	.needs_vcpus = 1,
	.measure = measure,
};
