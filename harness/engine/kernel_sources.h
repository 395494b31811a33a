/* kernel_sources.h - pristine sources in the cache. */
#ifndef KERNGATE_ENGINE_KERNEL_SOURCES_H
#define KERNGATE_ENGINE_KERNEL_SOURCES_H

#include "kernel_cache.h"
#include "kernel_records.h"

/* Gets the base's source: the first listed one that the cache has, else the
 * first that can be fetched. Marks it in use. Needs the build lock. The error
 * lists every source that was tried, and why it failed. */
int kernel_source_get(struct kernel_cache *cache, const struct kernel_base *base,
		      const char *phase, struct source_info *ret_source,
		      struct error *err) must_check;

#endif
