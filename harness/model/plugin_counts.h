/* plugin_counts.h - the count file of the QEMU plugin (workloads/plugin/): the
 * instructions of each vCPU between markers, and a profile of the kernel's
 * functions. docs/exact-mode.md has the format. Pure; fuzzed: what is in the file
 * is decided by a guest.
 *
 *     plugin_counts_parse(text, length, &counts, err);
 *     work = plugin_region_work(&counts, &counts.regions[i]);
 *     plugin_counts_release(&counts);
 */
#ifndef KERNGATE_MODEL_PLUGIN_COUNTS_H
#define KERNGATE_MODEL_PLUGIN_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define PLUGIN_VCPUS_MAX 1024u
#define PLUGIN_REGIONS_MAX 4096u     /* region numbers are below */
#define PLUGIN_FUNCTION_MAX 255u     /* bytes of a name */
#define PLUGIN_ROWS_MAX 1000000u     /* rows of a profile's scope are below */
/* No count is larger: sums over vCPUs stay in 64 bits, and a double is exact. */
#define PLUGIN_COUNT_MAX ((UINT64_C(1) << 53) - 1)

/* Numbers that mean the same in workloads/runtime/marker.h. */
enum plugin_region_number {
	PLUGIN_REGION_ROW = 1,
	PLUGIN_REGION_WARMUP = 2,
	PLUGIN_REGION_ROUND = 3,
	PLUGIN_REGION_OWN = 16,      /* from here on: the workload's own */
};

struct plugin_vcpu_count {
	uint64_t kernel, user;       /* instructions */
};

struct plugin_region {               /* once from begin to end */
	uint32_t number;
	uint64_t visit;              /* of this number, from 0 */
	struct plugin_vcpu_count *vcpus; /* owned; vcpus_count */
};

struct plugin_function {
	char *name;                  /* "[user]", "[unknown]", "[other]" too; owned */
	uint64_t instructions;
};

struct plugin_counts {
	uint32_t api;                /* QEMU's plugin interface */
	uint32_t vcpus_count;
	bool by_instruction;         /* else by block: see docs/exact-mode.md */
	struct plugin_region *regions; /* in the order they ended; owned */
	size_t regions_count;
	uint64_t lost_count;         /* begins that a second begin overtook */
	uint64_t stray_count;        /* ends without a begin */
	uint64_t open_count;         /* regions open when QEMU ended */
	uint64_t cut_count;          /* regions open when their row ended: of a
					workload that ended inside a round */
	bool is_full;                /* later regions were dropped */
	struct plugin_vcpu_count *total; /* of the whole boot; owned */
	bool has_profile, profile_is_short; /* short: QEMU ran out of memory */
	uint32_t profile_region;
	bool profile_has_inside, profile_has_row; /* it covers the region only ... */
	uint32_t profile_inside;     /* while this other one is open */
	uint32_t profile_row;        /* in this row, from 0 */
	uint64_t profile_visits, profile_instructions;
	struct plugin_function *functions; /* most instructions first; owned */
	size_t functions_count;
};

#define PLUGIN_COUNTS_INIT ((struct plugin_counts){ .api = 0 })

/* -EBADMSG with the line and what was expected; -ENODATA where all lines are
 * sound but the end line is missing (QEMU was killed). */
int plugin_counts_parse(const char *text, size_t length,
			struct plugin_counts *ret_counts,
			struct error *err) must_check;
void plugin_counts_release(struct plugin_counts *counts);
/* Every marker made sense and nothing was dropped. Cut regions are no mistake of
 * the counting: a round that ends its program has no end. */
bool plugin_counts_are_whole(const struct plugin_counts *counts);

/* Instructions of all vCPUs; of the vCPU that ran most; the one through the
 * other (1 for a region without any). Kernel and user together. */
uint64_t plugin_region_work(const struct plugin_counts *counts,
			    const struct plugin_region *region);
uint64_t plugin_region_span(const struct plugin_counts *counts,
			    const struct plugin_region *region);
double plugin_region_parallelism(const struct plugin_counts *counts,
				 const struct plugin_region *region);

struct plugin_function_change {
	const char *name;            /* borrowed from the counts */
	double before, after;        /* instructions a visit */
};

/* What changed between two profiles, largest change (either way) first, then by
 * name. A function that one side lacks counts 0 there. Owned by the caller; the
 * entries borrow from both sides. -EINVAL where a side has no whole profile or no
 * visit, or they cover different regions, inside different ones. The rows may
 * differ: two suites may have the same row in different places. */
int plugin_profile_compare(const struct plugin_counts *before,
			   const struct plugin_counts *after,
			   struct plugin_function_change **ret_changes,
			   size_t *ret_count, struct error *err) must_check;

#endif
