/* files.c - paths, whole files, locks. Folders are in folders.c. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "memory.h"

#define READ_BLOCK_BYTES 65536

char *path_join(const char *folder, const char *name)
{
	size_t length = strlen(folder);

	if (name[0] == '/' || length == 0)
		return string_copy(name);
	if (folder[length - 1] == '/')
		return string_format("%s%s", folder, name);
	return string_format("%s/%s", folder, name);
}

/* Appends "/part" for each part of path; "." vanishes, ".." takes one back. */
static void add_parts(struct strbuf *absolute, const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 2 && strncmp(path, "..", 2) == 0) {
			const char *slash = strrchr(absolute->data, '/');

			if (slash)
				strbuf_cut(absolute,
					   (size_t)(slash - absolute->data));
		} else if (length && !(length == 1 && path[0] == '.')) {
			strbuf_addc(absolute, '/');
			strbuf_add(absolute, path, length);
		}
		path += length;
		path += strspn(path, "/");
	}
}

char *path_absolute(const char *path)
{
	struct strbuf absolute = STRBUF_INIT;
	cleanup_free char *here = NULL;

	if (path[0] != '/') {
		here = getcwd(NULL, 0);
		if (here)
			add_parts(&absolute, here);
	}
	add_parts(&absolute, path);
	if (absolute.length == 0)
		strbuf_addc(&absolute, '/');
	return strbuf_detach(&absolute);
}

const char *path_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return string_copy(".");
	while (slash > path && slash[-1] == '/')
		slash--;
	if (slash == path)
		return string_copy("/");
	return string_copy_n(path, (size_t)(slash - path));
}

bool path_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool path_is_folder(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Reads on until the end; -EFBIG once more than max_bytes came. */
static int read_all(int fd, size_t max_bytes, struct strbuf *data)
{
	cleanup_free char *block = memory_alloc(READ_BLOCK_BYTES);
	ssize_t got;

	while ((got = read(fd, block, READ_BLOCK_BYTES)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if ((size_t)got > max_bytes - data->length)
			return -EFBIG;
		strbuf_add(data, block, (size_t)got);
	}
	return 0;
}

int file_read(const char *path, size_t max_bytes, char **ret_data,
	      size_t *ret_length)
{
	cleanup_strbuf struct strbuf data = STRBUF_INIT;
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	int code;

	if (fd < 0)
		return -errno;
	code = read_all(fd, max_bytes, &data);
	if (code < 0)
		return code;
	if (ret_length)
		*ret_length = data.length;
	*ret_data = strbuf_detach(&data);
	return 0;
}

int file_read_line(const char *path, char **ret_line)
{
	cleanup_fclose FILE *file = fopen(path, "re");
	cleanup_free char *line = NULL;
	size_t capacity = 0;

	if (!file)
		return -errno;
	errno = 0;
	if (getline(&line, &capacity, file) < 0) {
		if (ferror(file))
			return errno ? -errno : -EIO;
		*ret_line = string_copy("");
		return 0;
	}
	line[strcspn(line, "\n")] = '\0';
	*ret_line = take_pointer(line);
	return 0;
}

int fd_write_all(int fd, const void *data, size_t length)
{
	const char *next = data;

	while (length) {
		ssize_t put = write(fd, next, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		next += put;
		length -= (size_t)put;
	}
	return 0;
}

/* A new file beside path; *ret_name (owned) is its name. */
static int open_beside(const char *path, char **ret_name, int *ret_fd)
{
	cleanup_free char *name = string_format("%s.XXXXXX", path);
	int fd = mkostemp(name, O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_name = take_pointer(name);
	*ret_fd = fd;
	return 0;
}

/* Makes a rename durable. A file system that cannot sync folders is no
 * failure: the data itself was synced. */
static void sync_folder_of(const char *path)
{
	cleanup_free char *folder = path_folder(path);
	cleanup_close int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fsync(fd);
}

int file_write_atomic(const char *path, const void *data, size_t length,
		      mode_t mode)
{
	cleanup_free char *name = NULL;
	cleanup_close int fd = -1;
	int code = open_beside(path, &name, &fd);

	if (code < 0)
		return code;
	code = fd_write_all(fd, data, length);
	if (code == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0 ||
			  rename(name, path) < 0))
		code = -errno;
	if (code < 0) {
		(void)unlink(name);
		return code;
	}
	sync_folder_of(path);
	return 0;
}

static int copy_data(int from, int to)
{
	cleanup_free char *block = memory_alloc(READ_BLOCK_BYTES);
	ssize_t got;
	int code;

	while ((got = read(from, block, READ_BLOCK_BYTES)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		code = fd_write_all(to, block, (size_t)got);
		if (code < 0)
			return code;
	}
	return 0;
}

int file_copy(const char *from, const char *to, mode_t mode)
{
	cleanup_close int in = open(from, O_RDONLY | O_CLOEXEC);
	cleanup_free char *name = NULL;
	cleanup_close int out = -1;
	int code;

	if (in < 0)
		return -errno;
	code = open_beside(to, &name, &out);
	if (code < 0)
		return code;
	code = copy_data(in, out);
	if (code == 0 && (fchmod(out, mode) < 0 || rename(name, to) < 0))
		code = -errno;
	if (code < 0)
		(void)unlink(name);
	return code;
}

int symlink_replace(const char *target, const char *link)
{
	for (unsigned int attempt = 0; attempt < 100; attempt++) {
		cleanup_free char *name = string_format("%s.%d-%u", link,
							(int)getpid(), attempt);

		if (symlink(target, name) < 0) {
			if (errno == EEXIST)
				continue;
			return -errno;
		}
		if (rename(name, link) < 0) {
			int code = -errno;

			(void)unlink(name);
			return code;
		}
		return 0;
	}
	return -EEXIST;
}

int lock_acquire(const char *path, bool exclusive, bool wait, int *ret_fd)
{
	int operation = (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB);
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return -errno;
	while (flock(fd, operation) < 0)
		if (errno != EINTR)
			return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}
