/* type1.h - the device that the guest's IOMMU has for VFIO, in a type1 container, for
 * workloads that map memory for it (guest shapes with `iommu`). Knows no workload.
 *
 *	setup:    type1_open_or_skip();
 *	measure:  type1_map(...), type1_unmap(...)
 *	cleanup:  type1_close();
 *
 * All calls but type1_map() and type1_unmap() are for the thread that runs setup(),
 * measure() and cleanup(). Kernel side: drivers/vfio/vfio_iommu_type1.c.
 */
#ifndef KERNGATE_RUNTIME_TYPE1_H
#define KERNGATE_RUNTIME_TYPE1_H

#include <stdint.h>

/* An address that type1 maps on every shape: beyond the interrupts' and below what
 * the smallest IOMMU translates. On a border of 1 GiB. */
#define TYPE1_IOVA (UINT64_C(4) << 30)

/* Takes the device from its driver and opens it. Ends the workload as skipped where
 * there is no device behind an IOMMU, saying which shape has one, and as broken where
 * VFIO refuses it. */
void type1_open_or_skip(void);

/* Closes it, with all mappings, and gives the device back to the driver that it had.
 * May be called without the above, after half of it, and twice. */
void type1_close(void);

/* Maps memory at iova, for reading and writing. 0 or a positive errno. Blocks until
 * all of it is pinned. From any thread, and in children of the caller too: the memory
 * is that of whoever calls. */
int type1_map(const void *memory, uint64_t iova, uint64_t size_bytes);

/* Unmaps all mappings in the range; none may be cut. 0 and the bytes that were
 * mapped, or a positive errno. */
int type1_unmap(uint64_t iova, uint64_t size_bytes, uint64_t *ret_bytes);

#endif
