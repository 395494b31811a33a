/* guest_spec.c - a guest's shape as a value: copied, released, asked for room. The XML of
 * it is made in guest_domain_xml.c, the file of it read in guest_config.c.
 */
#include "guest_spec.h"

#include <errno.h>
#include <inttypes.h>

#include "memory.h"

const char *accelerator_name(enum accelerator accelerator)
{
	return accelerator == ACCELERATOR_KVM ? "kvm" : "tcg";
}

void guest_spec_release(struct guest_spec *spec)
{
	free(spec->name);
	free(spec->purpose);
	strvec_release(&spec->cmdline);
	*spec = (struct guest_spec){ .name = NULL };
}

void guest_spec_copy(struct guest_spec *to, const struct guest_spec *from)
{
	*to = *from;
	to->name = string_copy(from->name);
	to->purpose = string_copy(from->purpose);
	to->cmdline = STRVEC_INIT;
	strvec_copy(&to->cmdline, &from->cmdline);
}

uint32_t guest_spec_host_cpus(const struct guest_spec *spec)
{
	return spec->host_cpus_count ? spec->host_cpus_count : spec->vcpus_count;
}

const char *guest_iommu_name(enum guest_iommu iommu)
{
	switch (iommu) {
	case GUEST_IOMMU_INTEL:
		return "intel";
	case GUEST_IOMMU_VIRTIO:
		return "virtio";
	case GUEST_IOMMU_NONE:
		break;
	}
	return "none";
}

/* --- in words ------------------------------------------------------------------------ */

char *guest_spec_mark(const struct guest_spec *spec)
{
	if (spec->host_cpus_count)
		return string_format("overcommitted: %" PRIu32 " vCPUs on %" PRIu32
				     " host CPU%s", spec->vcpus_count, spec->host_cpus_count,
				     spec->host_cpus_count == 1 ? "" : "s");
	return spec->overcommit ?
		       string_copy("may be overcommitted: takes what CPUs the host has") : NULL;
}

/* Between traits. */
static const char *comma(const struct strbuf *text)
{
	return text->length ? ", " : "";
}

static void add_memory_traits(const struct guest_spec *spec, struct strbuf *text)
{
	if (spec->memory_slots)
		strbuf_addf(text, "%s%" PRIu32 " slots for memory up to %" PRIu64 " MiB",
			    comma(text), spec->memory_slots, spec->memory_max_mib);
	if (spec->memory_hugepages && spec->hugepage_kib)
		strbuf_addf(text, "%son huge pages of %" PRIu32 " KiB", comma(text),
			    spec->hugepage_kib);
	else if (spec->memory_hugepages)
		strbuf_addf(text, "%son huge pages", comma(text));
	if (!spec->memory_reserve)
		strbuf_addf(text, "%smemory not reserved", comma(text));
	else if (!spec->memory_prealloc)
		strbuf_addf(text, "%smemory not touched before", comma(text));
}

char *guest_spec_traits(const struct guest_spec *spec)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *mark = guest_spec_mark(spec);

	if (spec->cells_count > 1)
		strbuf_addf(&text, "%s%" PRIu32 " NUMA nodes%s", comma(&text), spec->cells_count,
			  spec->cells[0].distances_count ? " with distances" : "");
	if (spec->iommu != GUEST_IOMMU_NONE)
		strbuf_addf(&text, "%s%s IOMMU with a device for VFIO", comma(&text),
			    guest_iommu_name(spec->iommu));
	if (spec->pmem_mib)
		strbuf_addf(&text, "%spmem %" PRIu64 " MiB", comma(&text), spec->pmem_mib);
	if (spec->disk_mib)
		strbuf_addf(&text, "%sdisk %" PRIu64 " MiB", comma(&text), spec->disk_mib);
	add_memory_traits(spec, &text);
	if (!spec->pinning)
		strbuf_addf(&text, "%snot pinned", comma(&text));
	if (mark)
		strbuf_addf(&text, "%s%s", text.length ? "; " : "", mark);
	return strbuf_detach(&text);
}

int guest_spec_check_dimm(const struct guest_spec *spec, uint32_t count, uint64_t used_mib,
			  uint64_t size_mib, struct error *err)
{
	uint64_t room_mib = spec->memory_max_mib - spec->memory_mib;

	if (!spec->memory_slots)
		return error_set(err, -EINVAL, "guest %s has no slots for memory "
				 "(memory_slots, memory_max_mib)", spec->name);
	if (size_mib == 0 || size_mib % GUEST_DIMM_UNIT_MIB)
		return error_set(err, -EINVAL, "guest %s: expected a multiple of %u MiB, which "
				 "its kernel can add", spec->name, GUEST_DIMM_UNIT_MIB);
	if (count >= spec->memory_slots)
		return error_set(err, -ENOSPC, "guest %s: all of its %" PRIu32 " slots for memory "
				 "are taken (memory_slots)", spec->name, spec->memory_slots);
	if (size_mib > room_mib - used_mib)
		return error_set(err, -ENOSPC, "guest %s: %" PRIu64 " of the %" PRIu64 " MiB "
				 "for plugged memory are left (memory_max_mib)", spec->name,
				 room_mib - used_mib, room_mib);
	return 0;
}
