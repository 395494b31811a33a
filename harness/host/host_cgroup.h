/* host_cgroup.h - what control groups leave this process of the host: CPU quota
 * and memory limit, of version 1 and 2, in its own group and all above it.
 */
#ifndef KERNGATE_HOST_HOST_CGROUP_H
#define KERNGATE_HOST_HOST_CGROUP_H

#include <stdint.h>

/* root: "" for this host, or a folder that stands for its "/" (tests). */

/* Whole CPUs that the quota allows, at least 1; UINT32_MAX without a quota. */
uint32_t host_cgroup_cpus(const char *root);

/* Tightest limit less what is used under it, and the limit itself; UINT64_MAX
 * without one. */
uint64_t host_cgroup_memory_free_bytes(const char *root);
uint64_t host_cgroup_memory_limit_bytes(const char *root);

#endif
