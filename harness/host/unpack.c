/* unpack.c - unpacking through libarchive. Archives are not trusted: nothing
 * is ever written outside the folder.
 */
#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "process.h"

#define READ_BLOCK_BYTES (1 << 20)
#define DEPTH_MAX 4
#define PROGRESS_NS (200 * NS_PER_MS)

struct unpacking {
	const struct unpack_request *request;
	const char *place;                  /* the folder, links resolved */
	struct archive *readers[DEPTH_MAX]; /* owned; [0] reads the file */
	size_t depth;
	struct archive *writer;             /* owned */
	uint64_t total_bytes, told_ns, now_s;
};

static void unpacking_release(struct unpacking *unpacking)
{
	/* The inner ones read from the outer ones. */
	while (unpacking->depth)
		archive_read_free(unpacking->readers[--unpacking->depth]);
	if (unpacking->writer)
		archive_write_free(unpacking->writer);
}

static int archive_failure(struct archive *archive, int fallback,
			   const char *what, struct error *err)
{
	const char *text = archive_error_string(archive);
	int code = archive_errno(archive) > 0 ? -archive_errno(archive) : fallback;

	/* libarchive has numbers of its own for damaged input. */
	if (code != -ENOSPC && code != -EACCES && code != -ENOENT &&
	    code != -EIO && code != -EDQUOT)
		code = fallback;
	return error_set(err, code, "%s: %s", what,
			 text ? text : "unreadable archive");
}

static struct archive *reader_new(struct unpacking *unpacking)
{
	struct archive *reader = archive_read_new();

	if (!reader)
		return NULL;
	archive_read_support_filter_all(reader);
	archive_read_support_format_tar(reader);
	if (unpacking->request->inside)
		archive_read_support_format_ar(reader);
	unpacking->readers[unpacking->depth++] = reader;
	return reader;
}

static la_ssize_t read_member(struct archive *inner, void *context,
			      const void **ret_block)
{
	struct archive *outer = context;
	la_int64_t offset;
	size_t length = 0;
	int status = archive_read_data_block(outer, ret_block, &length, &offset);

	if (status == ARCHIVE_EOF)
		return 0;
	if (status < ARCHIVE_WARN) {
		archive_set_error(inner, archive_errno(outer), "%s",
				  archive_error_string(outer));
		return -1;
	}
	return (la_ssize_t)length;
}

/* Finds the member of the current reader that matches and opens it. */
static int open_member(struct unpacking *unpacking, const char *pattern,
		       struct error *err)
{
	struct archive *outer = unpacking->readers[unpacking->depth - 1], *inner;
	const char *path = unpacking->request->path, *name;
	struct archive_entry *entry;
	int status;

	while ((status = archive_read_next_header(outer, &entry)) == ARCHIVE_OK ||
	       status == ARCHIVE_WARN) {
		name = archive_entry_pathname(entry);
		/* (A package's own members may have no type.) */
		if (!name || archive_entry_filetype(entry) == AE_IFDIR ||
		    fnmatch(pattern, path_base_name(name), 0) != 0)
			continue;
		inner = reader_new(unpacking);
		if (!inner)
			return error_set(err, -ENOMEM, "%s: no memory", path);
		if (archive_read_open(inner, outer, NULL, read_member, NULL) ==
		    ARCHIVE_OK)
			return 0;
		return archive_failure(inner, -EBADMSG, path, err);
	}
	if (status != ARCHIVE_EOF)
		return archive_failure(outer, -EBADMSG, path, err);
	return error_set(err, -ENOENT, "%s: no member named %s in it", path,
			 pattern);
}

static const char *name_problem(const char *name)
{
	cleanup_free char *copy = string_copy(name);
	char *rest = copy, *part;

	if (!name || !*name)
		return "a member without a name";
	if (*name == '/')
		return "an absolute path";
	while ((part = strsep(&rest, "/")) != NULL)
		if (strcmp(part, "..") == 0)
			return "'..' in a path";
	return NULL;
}

static int copy_content(struct unpacking *unpacking, struct archive *reader,
			struct error *err)
{
	const char *path = unpacking->request->path;
	const void *block;
	la_int64_t offset;
	size_t length;
	int status;

	while ((status = archive_read_data_block(reader, &block, &length,
						 &offset)) == ARCHIVE_OK) {
		if (archive_write_data_block(unpacking->writer, block, length,
					     offset) < ARCHIVE_WARN)
			return archive_failure(unpacking->writer, -EIO,
					       unpacking->place, err);
	}
	if (status != ARCHIVE_EOF)
		return archive_failure(reader, -EBADMSG, path, err);
	return 0;
}

static int check_entry(const struct unpacking *unpacking,
		       struct archive_entry *entry, struct error *err)
{
	const char *name = archive_entry_pathname(entry);
	const char *target = archive_entry_hardlink(entry);
	mode_t type = archive_entry_filetype(entry);
	const char *problem = name_problem(name);

	if (!problem && target)
		problem = name_problem(target);
	if (!problem && !target && type != AE_IFREG && type != AE_IFDIR &&
	    type != AE_IFLNK)
		problem = "a device, pipe or socket";
	if (!problem)
		return 0;
	return error_set(err, -EINVAL,
			 "%s: refused: %s (%s); expected files, folders and "
			 "links below the archive's own folder",
			 unpacking->request->path, problem, name ? name : "");
}

static int unpack_entry(struct unpacking *unpacking, struct archive *reader,
			struct archive_entry *entry, struct error *err)
{
	int code = check_entry(unpacking, entry, err);
	cleanup_free char *place = NULL, *target = NULL;

	if (code < 0)
		return code;
	place = string_format("%s/%s", unpacking->place,
			      archive_entry_pathname(entry));
	if (archive_entry_hardlink(entry)) {
		target = string_format("%s/%s", unpacking->place,
				       archive_entry_hardlink(entry));
		archive_entry_set_hardlink(entry, target);
	}
	archive_entry_set_pathname(entry, place);
	/* Folders must stay writable to be unpacked into and removed. */
	archive_entry_set_perm(entry, (archive_entry_perm(entry) & 0777) |
				      (archive_entry_filetype(entry) == AE_IFDIR ?
					       0700 : 0600));
	if (archive_entry_mtime_is_set(entry) &&
	    archive_entry_mtime(entry) > (time_t)unpacking->now_s)
		archive_entry_set_mtime(entry, (time_t)unpacking->now_s, 0);
	if (archive_write_header(unpacking->writer, entry) < ARCHIVE_WARN)
		return archive_failure(unpacking->writer, -EINVAL, place, err);
	if (archive_entry_size(entry) > 0 && !target) {
		code = copy_content(unpacking, reader, err);
		if (code < 0)
			return code;
	}
	if (archive_write_finish_entry(unpacking->writer) < ARCHIVE_WARN)
		return archive_failure(unpacking->writer, -EIO, place, err);
	return 0;
}

static void tell_progress(struct unpacking *unpacking)
{
	const struct unpack_request *request = unpacking->request;
	uint64_t now_ns = clock_monotonic_ns();
	la_int64_t done;

	if (!request->on_progress || now_ns - unpacking->told_ns < PROGRESS_NS)
		return;
	unpacking->told_ns = now_ns;
	done = archive_filter_bytes(unpacking->readers[0], -1);
	request->on_progress(request->context, done > 0 ? (uint64_t)done : 0,
			     unpacking->total_bytes);
}

static int unpack_all(struct unpacking *unpacking, struct error *err)
{
	struct archive *reader = unpacking->readers[unpacking->depth - 1];
	const char *path = unpacking->request->path;
	struct archive_entry *entry;
	int status, code;

	while ((status = archive_read_next_header(reader, &entry)) == ARCHIVE_OK ||
	       status == ARCHIVE_WARN) {
		if (process_is_cancelled())
			return error_set(err, -ECANCELED, "%s: interrupted", path);
		code = unpack_entry(unpacking, reader, entry, err);
		if (code < 0)
			return code;
		tell_progress(unpacking);
	}
	if (status != ARCHIVE_EOF)
		return archive_failure(reader, -EBADMSG, path, err);
	if (archive_write_close(unpacking->writer) < ARCHIVE_WARN)
		return archive_failure(unpacking->writer, -EIO,
				       unpacking->place, err);
	return 0;
}

static int open_archive(struct unpacking *unpacking, struct error *err)
{
	const struct unpack_request *request = unpacking->request;
	struct archive *reader = reader_new(unpacking);
	int code;

	if (!reader)
		return error_set(err, -ENOMEM, "%s: no memory", request->path);
	if (archive_read_open_filename(reader, request->path,
				       READ_BLOCK_BYTES) != ARCHIVE_OK)
		return archive_failure(reader, -EBADMSG, request->path, err);
	for (size_t i = 0; request->inside && request->inside[i]; i++) {
		if (unpacking->depth == DEPTH_MAX)
			return error_set(err, -EINVAL, "%s: nested too deeply",
					 request->path);
		code = open_member(unpacking, request->inside[i], err);
		if (code < 0)
			return code;
	}
	unpacking->writer = archive_write_disk_new();
	if (!unpacking->writer)
		return error_set(err, -ENOMEM, "%s: no memory", request->path);
	archive_write_disk_set_options(unpacking->writer,
				       ARCHIVE_EXTRACT_TIME |
				       ARCHIVE_EXTRACT_PERM |
				       ARCHIVE_EXTRACT_SECURE_SYMLINKS |
				       ARCHIVE_EXTRACT_SECURE_NODOTDOT);
	return 0;
}

int unpack_archive(const struct unpack_request *request, struct error *err)
{
	cleanup_with(unpacking_release) struct unpacking unpacking = {
		.request = request,
		.now_s = clock_wall_ns() / NS_PER_SECOND,
	};
	cleanup_free char *place = NULL;
	struct stat info;
	int code = folder_make(request->folder);

	if (code < 0)
		return error_set_errno(err, code, "%s", request->folder);
	/* A link on the way to the folder is ours, not the archive's. */
	place = realpath(request->folder, NULL);
	if (!place)
		return error_set_errno(err, -errno, "%s", request->folder);
	if (stat(request->path, &info) < 0)
		return error_set_errno(err, -errno, "%s", request->path);
	unpacking.place = place;
	unpacking.total_bytes = (uint64_t)info.st_size;
	code = open_archive(&unpacking, err);
	if (code < 0)
		return code;
	return unpack_all(&unpacking, err);
}
