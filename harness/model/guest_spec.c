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
