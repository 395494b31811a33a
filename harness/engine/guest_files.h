/* guest_files.h - the files that a guest's NVDIMM and disk are kept in: sparse, of zeroes,
 * in a folder, for as long as the guest is there.
 */
#ifndef KERNGATE_ENGINE_GUEST_FILES_H
#define KERNGATE_ENGINE_GUEST_FILES_H

#include "error.h"
#include "guest_spec.h"

struct guest_files {
	char *pmem_path, *disk_path; /* owned; NULL where the guest has none */
};

/* folder must be there. What is set in *ret is to be removed also after an error. */
int guest_files_make(const struct guest_spec *spec, const char *folder,
		     struct guest_files *ret, struct error *err) must_check;
void guest_files_remove(struct guest_files *files);

#endif
