/* guest_spec.h - the shape of a guest, and its libvirt domain XML. Pure. */
#ifndef KERNGATE_MODEL_GUEST_SPEC_H
#define KERNGATE_MODEL_GUEST_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "strbuf.h"

#define GUEST_VCPUS_MAX 64
#define GUEST_CELLS_MAX 8
/* A block of memory in Linux on x86, which is added as a whole (arch/x86/mm/init_64.c:
 * less memory than 64 GiB). */
#define GUEST_DIMM_UNIT_MIB 128u

struct guest_cell {            /* one NUMA node of the guest */
	uint32_t vcpus_count;  /* vCPUs are dealt out in order */
	uint64_t memory_mib;
	uint32_t distances_count; /* 0, or the number of cells */
	uint32_t distances[GUEST_CELLS_MAX]; /* 10..254, 10 to itself */
};

enum guest_iommu { GUEST_IOMMU_NONE, GUEST_IOMMU_INTEL, GUEST_IOMMU_VIRTIO };

/* configs/guests/NAME.yaml */
struct guest_spec {
	char *name;                 /* owned */
	char *purpose;              /* owned; may be NULL */
	uint32_t vcpus_count;       /* 1..GUEST_VCPUS_MAX */
	uint64_t memory_mib;        /* 128..16777216 */
	bool memory_prealloc;       /* host memory is touched before boot */
	bool memory_reserve;        /* false: swap space is not reserved (very large guests) */
	bool memory_hugepages;      /* backed by the host's hugetlb pages */
	uint32_t hugepage_kib;      /* of that size: 2048 or 1048576; 0: the host's default */
	uint64_t memory_max_mib;    /* hot-plug room; 0: none */
	uint32_t memory_slots;      /* DIMM slots; 0: none */
	struct guest_cell cells[GUEST_CELLS_MAX];
	uint32_t cells_count;       /* 0: one node, no NUMA tables */
	enum guest_iommu iommu;     /* with a device behind it for VFIO */
	uint64_t pmem_mib;          /* NVDIMM backed by a file of its size; 0: none */
	uint64_t disk_mib;          /* virtio disk of zeroes, in a sparse file; 0: none */
	bool pinning;               /* vCPUs pinned to host CPUs of their own */
	bool overcommit;            /* may have more vCPUs than the host CPUs */
	uint32_t host_cpus_count;   /* its vCPUs share so many CPUs of the host, fewer than
				       they are; 0: each has one */
	struct strvec cmdline;      /* kernel arguments that the shape adds */
	/* deadlines */
	uint32_t first_byte_s;      /* 1..3600: console's first byte */
	uint32_t silence_s;         /* 1..3600: no output on either port */
	uint32_t total_s;           /* 1..86400: create to stopped */
};

void guest_spec_release(struct guest_spec *spec);
void guest_spec_copy(struct guest_spec *to, const struct guest_spec *from);
/* CPUs of the host that it is to have: host_cpus_count, or as many as vCPUs. */
uint32_t guest_spec_host_cpus(const struct guest_spec *spec);
/* "2 nodes, intel iommu, pmem 2048 MiB; overcommitted: 4 vCPUs on 2 host CPUs": devices
 * and marks, what is not there left out. Owned; "" for a plain shape. */
char *guest_spec_traits(const struct guest_spec *spec);
/* Of them what makes its figures those of no ordinary host: "overcommitted: ...", or NULL.
 * Owned. */
char *guest_spec_mark(const struct guest_spec *spec);
const char *guest_iommu_name(enum guest_iommu iommu); /* "none", "intel", "virtio" */

enum accelerator { ACCELERATOR_TCG, ACCELERATOR_KVM };
const char *accelerator_name(enum accelerator accelerator); /* "tcg", "kvm" */

/* A guest on the instruction clock (docs/exact-mode.md, "Recipe"). All borrowed. */
struct guest_exact {
	uint32_t shift;             /* an instruction takes 2^shift ns */
	uint64_t random_seed;       /* QEMU's -seed */
	const char *const *plugins; /* arguments of a -plugin each: "PATH,out=...";
				       NULL-terminated; NULL: none */
	const char *gdb_socket;     /* a debugger's stub listens there; the guest must
				       be created paused; NULL: none */
	const char *recording;      /* QEMU keeps there what came from outside; NULL: it
				       is thrown away. One vCPU */
	bool plays_recording;       /* what came from outside is read from there */
};

/* Nodes of the host; bit n: node n. */
struct guest_host_nodes {
	uint64_t guest;                  /* of all its memory */
	uint64_t cells[GUEST_CELLS_MAX]; /* of each of its nodes, if it has any */
};

/* What one boot adds to the shape. All borrowed. */
struct guest_boot {
	const char *domain_name;    /* [A-Za-z0-9._-]+ */
	const char *uuid;           /* 36 characters, fixed per domain */
	const char *emulator;       /* path of qemu-system-x86_64 */
	enum accelerator accelerator;
	const char *kernel_path;    /* vmlinux (PVH) */
	const char *initrd_path;
	const char *cmdline;        /* complete kernel command line */
	const char *console_path;   /* serial 0 to this file; NULL: a pty */
	const char *results_path;   /* serial 1 to this file; NULL: none */
	const char *pmem_path;      /* file for the NVDIMM; NULL without one */
	const char *disk_path;      /* file for the disk; NULL without one */
	const uint32_t *pin_cpus;   /* host CPU of each vCPU; NULL: no pinning */
	const uint32_t *emulator_cpus; /* of QEMU's other threads; NULL: those of the vCPUs */
	uint32_t emulator_cpus_count;
	const struct guest_host_nodes *nodes; /* where its memory comes from; NULL: anywhere */
	const struct guest_exact *exact; /* NULL: a guest on the host's clock */
	const char *const *qemu_arguments; /* extra, NULL-terminated; may be NULL */
};

/* The domain XML (libvirt's formatdomain). Owned by the caller. */
char *guest_domain_xml(const struct guest_spec *spec,
		       const struct guest_boot *boot);
/* A DIMM for such a domain that runs; the same. */
char *guest_dimm_xml(uint64_t size_mib);
/* Whether that DIMM fits into the hot-plug room, of which count DIMMs of used_mib in all
 * are taken: -EINVAL (the shape has none, or no such size), -ENOSPC. */
int guest_spec_check_dimm(const struct guest_spec *spec, uint32_t count, uint64_t used_mib,
			  uint64_t size_mib, struct error *err) must_check;

#endif
