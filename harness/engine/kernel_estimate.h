/* kernel_estimate.h - about how long a build will take, by the builds whose kernels are in
 * the cache (build_seconds of their kernel.json).
 */
#ifndef KERNGATE_ENGINE_KERNEL_ESTIMATE_H
#define KERNGATE_ENGINE_KERNEL_ESTIMATE_H

#include "kernel_builder.h"

/* Of what none like it was built here. A cold build was seen to take 12 minutes on 2
 * cores, one that has a tree of the same base, series and fragments a tenth of that. */
#define KERNEL_ESTIMATE_FULL_NS (UINT64_C(12) * 60 * 1000000000)
#define KERNEL_ESTIMATE_NEAR_NS (UINT64_C(90) * 1000000000)

struct kernel_estimate {
	struct kernel_cache *cache;  /* borrowed */
	struct strvec trees;         /* what there are trees of, and will be */
	struct kernel_build_seen {
		char *base;          /* owned */
		char *fragments;     /* "(base vm)"; owned */
		uint64_t objects_count, build_ns;
	} *seen; size_t count;       /* owned */
};

/* Reads the records of the cache; what cannot be read counts for nothing. */
void kernel_estimate_begin(struct kernel_cache *cache, struct kernel_estimate *ret);
void kernel_estimate_end(struct kernel_estimate *estimate);
/* Of one kernel more that is not in the cache. A tree of the same base, series (whatever
 * their number of patches) and fragments, there or made for an earlier one of these calls,
 * leaves little to compile; else nearly all is compiled. *ret_seen_count: builds that it is
 * the median of; 0: it is one of the above. */
uint64_t kernel_estimate_add(struct kernel_estimate *estimate, const struct kernel_spec *spec,
			     size_t *ret_seen_count);

#endif
