/* namespace.h - the guest's pmem namespace, given a mode as ndctl would give it, for
 * workloads that bind it (guest shapes with `pmem_mib`, or memmap=16G!4G in their
 * cmdline). Knows no workload.
 *
 *	setup:    namespace_open_or_skip("fsdax", true, 2 << 20);
 *	measure:  namespace_unbind(), namespace_bind()
 *	cleanup:  namespace_close();
 *
 * All calls are for the thread that runs setup(), measure() and cleanup(). Kernel
 * side: drivers/nvdimm/pfn_devs.c.
 */
#ifndef KERNGATE_RUNTIME_NAMESPACE_H
#define KERNGATE_RUNTIME_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

/* Takes the first namespace from its driver, gives it a mode ("fsdax" or "devdax",
 * its struct pages in memory or on the device itself) and binds it. align_bytes: a
 * page size. Ends the workload as skipped where there is no namespace, or too little
 * memory for the struct pages, and as broken where the namespace has a mode already
 * or the kernel refuses. */
void namespace_open_or_skip(const char *mode, bool is_memmap_in_memory,
			    uint64_t align_bytes);

/* Makes it raw again, as it was, and binds that. May be called without the above,
 * after half of it, and twice. */
void namespace_close(void);

/* The device of that mode, to and from its driver. 0 or a negative errno. Block until
 * it is done. */
int namespace_bind(void);
int namespace_unbind(void);

/* Of the whole namespace. */
uint64_t namespace_size_bytes(void);
/* What the bound device holds: less, by its info block and what is kept on it. */
uint64_t namespace_data_bytes(void);
/* N of /dev/pmemN and /dev/daxN.0. */
unsigned int namespace_region(void);
/* "pfn0.0", of the bus nd; borrowed. */
const char *namespace_device(void);

#endif
