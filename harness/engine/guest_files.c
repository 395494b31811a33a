/* guest_files.c - see guest_files.h. */
#include "guest_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "files.h"
#include "memory.h"

/* *ret_path is set even where that fails. */
static int make_file(const char *folder, const char *name, uint64_t mib, char **ret_path,
		     struct error *err)
{
	cleanup_close int fd = -1;

	if (mib == 0)
		return 0;
	*ret_path = path_join(folder, name);
	fd = open(*ret_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)(mib << 20)) < 0)
		return error_set_errno(err, -errno, "%s: cannot make the guest's file of %" PRIu64
				       " MiB", *ret_path, mib);
	return 0;
}

/* The NVDIMM is sparse only until QEMU takes it: libvirt lets it allocate them. */
int guest_files_make(const struct guest_spec *spec, const char *folder,
		     struct guest_files *ret, struct error *err)
{
	int code = make_file(folder, "pmem", spec->pmem_mib, &ret->pmem_path, err);

	if (!code)
		code = make_file(folder, "disk", spec->disk_mib, &ret->disk_path, err);
	return code;
}

static void remove_file(char **path)
{
	if (*path)
		(void)unlink(*path);
	free(take_pointer(*path));
}

void guest_files_remove(struct guest_files *files)
{
	remove_file(&files->pmem_path);
	remove_file(&files->disk_path);
}
