/* file_unpacked.c - libarchive's filters over a file that is no archive. */
#include "file_unpacked.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "strbuf.h"

#define BLOCK_BYTES (64 << 10)

static void close_reader(struct archive **reader)
{
	if (*reader)
		archive_read_free(*reader);
}

static int failed(struct archive *reader, const char *path, struct error *err)
{
	const char *text = archive_error_string(reader);
	int number = archive_errno(reader);

	if (number == ENOENT || number == EACCES || number == EISDIR || number == EIO)
		return error_set_errno(err, -number, "%s", path);
	return error_set(err, -EBADMSG, "%s: damaged: %s", path, text ? text : "unreadable");
}

static int read_data(struct archive *reader, const char *path, size_t max_bytes,
		     struct strbuf *data, struct error *err)
{
	char block[BLOCK_BYTES];
	la_ssize_t length;

	while ((length = archive_read_data(reader, block, sizeof(block))) > 0) {
		if (data->length + (size_t)length > max_bytes)
			return error_set(err, -EFBIG, "%s: larger than %zu MiB", path,
					 max_bytes >> 20);
		strbuf_add(data, block, (size_t)length);
	}
	return length < 0 ? failed(reader, path, err) : 0;
}

int file_read_unpacked(const char *path, size_t max_bytes, char **ret_data,
		       size_t *ret_length, struct error *err)
{
	cleanup_with(close_reader) struct archive *reader = archive_read_new();
	cleanup_strbuf struct strbuf data = STRBUF_INIT;
	struct archive_entry *entry;
	int status, code = 0;

	if (!reader)
		return error_set(err, -ENOMEM, "%s: no memory", path);
	archive_read_support_filter_all(reader);
	archive_read_support_format_raw(reader);
	archive_read_support_format_empty(reader);
	if (archive_read_open_filename(reader, path, BLOCK_BYTES) != ARCHIVE_OK)
		return failed(reader, path, err);
	status = archive_read_next_header(reader, &entry);
	if (status == ARCHIVE_OK)
		code = read_data(reader, path, max_bytes, &data, err);
	else if (status != ARCHIVE_EOF)
		code = failed(reader, path, err);
	if (code)
		return code;
	*ret_length = data.length;
	*ret_data = strbuf_detach(&data);
	return 0;
}
