/* initramfs_read.c - see initramfs_read.h. */
#include "initramfs_read.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sys/stat.h>

#include "memory.h"

#define BLOCK_BYTES 65536

static void cleanup_archive(struct archive **archive)
{
	if (*archive)
		archive_read_free(*archive);
}

static int failed(struct archive *archive, const char *path, struct error *err)
{
	int code = archive_errno(archive) == ENOENT ? -ENOENT : -EBADMSG;
	const char *why = archive_error_string(archive);

	return error_set(err, code, "%s: %s", path, why ? why : "unreadable archive");
}

static int read_file(struct archive *archive, struct archive_entry *entry, const char *path,
		     int (*on_file)(void *context, const char *name, const void *data,
				    size_t length, struct error *err),
		     void *context, struct error *err)
{
	la_int64_t size = archive_entry_size(entry);
	cleanup_free char *data = NULL;

	if (!S_ISREG(archive_entry_mode(entry)) || size < 0 ||
	    (uint64_t)size > INITRAMFS_READ_MAX)
		return 0;
	data = memory_alloc((size_t)size);
	if (archive_read_data(archive, data, (size_t)size) != size)
		return failed(archive, path, err);
	return on_file(context, archive_entry_pathname(entry), data, (size_t)size, err);
}

int initramfs_read(const char *path,
		   int (*on_file)(void *context, const char *name, const void *data,
				  size_t length, struct error *err),
		   void *context, struct error *err)
{
	cleanup_with(cleanup_archive) struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	int rc = 0, status;

	if (!archive)
		return error_set(err, -ENOMEM, "%s: libarchive failed", path);
	archive_read_support_format_cpio(archive);
	if (archive_read_open_filename(archive, path, BLOCK_BYTES) != ARCHIVE_OK)
		return failed(archive, path, err);
	while (!rc && (status = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
		rc = read_file(archive, entry, path, on_file, context, err);
	if (!rc && status != ARCHIVE_EOF)
		return failed(archive, path, err);
	return rc;
}
