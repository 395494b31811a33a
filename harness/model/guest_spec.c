/* guest_spec.c - a guest's shape as a value: copied and released. The XML of
 * it is made in guest_domain_xml.c, the file of it read in guest_config.c.
 */
#include "guest_spec.h"

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
