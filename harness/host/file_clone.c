/* file_clone.c - see file_clone.h. */
#include "file_clone.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#include "memory.h"

#define BLOCK_BYTES 65536

static int copy_by_hand(int from, int to)
{
	cleanup_free char *block = memory_alloc(BLOCK_BYTES);
	ssize_t got, put, done;

	while ((got = read(from, block, BLOCK_BYTES)) != 0) {
		if (got < 0 && errno != EINTR)
			return -errno;
		for (done = 0; done < got; done += put) {
			put = write(to, block + done, (size_t)(got - done));
			if (put < 0 && errno != EINTR)
				return -errno;
			if (put < 0)
				put = 0;
		}
	}
	return 0;
}

static int copy_content(int from, int to, off_t size)
{
	ssize_t copied;

	if (size == 0 || ioctl(to, FICLONE, from) == 0)
		return 0;
	while (size > 0) {
		copied = copy_file_range(from, NULL, to, NULL, (size_t)size, 0);
		if (copied < 0 && (errno == ENOSPC || errno == EDQUOT ||
				   errno == EIO))
			return -errno;
		/* Not every filesystem can; offsets stand where it stopped. */
		if (copied <= 0)
			break;
		size -= copied;
	}
	return size > 0 ? copy_by_hand(from, to) : 0;
}

static int clone_link(const char *from, const char *to,
		      const struct timespec times[2])
{
	char target[PATH_MAX];
	ssize_t length = readlink(from, target, sizeof(target) - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	if (symlink(target, to) < 0)
		return -errno;
	return utimensat(AT_FDCWD, to, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int file_clone(const char *from, const char *to, const struct timespec *mtime)
{
	cleanup_close int in = -1, out = -1;
	struct timespec times[2];
	struct stat info;
	int code;

	if (lstat(from, &info) < 0)
		return -errno;
	times[0] = times[1] = mtime ? *mtime : info.st_mtim;
	if (S_ISLNK(info.st_mode))
		return clone_link(from, to, times);
	if (!S_ISREG(info.st_mode))
		return -EINVAL;
	in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (in < 0)
		return -errno;
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0)
		return -errno;
	code = copy_content(in, out, info.st_size);
	if (code < 0)
		return code;
	if (fchmod(out, info.st_mode & 0777) < 0 || futimens(out, times) < 0)
		return -errno;
	return 0;
}

static int same_links(const char *a, const char *b, bool *ret_same)
{
	char targets[2][PATH_MAX];
	ssize_t lengths[2] = { readlink(a, targets[0], PATH_MAX),
			       readlink(b, targets[1], PATH_MAX) };

	if (lengths[0] < 0 || lengths[1] < 0)
		return -errno;
	*ret_same = lengths[0] == lengths[1] &&
		    memcmp(targets[0], targets[1], (size_t)lengths[0]) == 0;
	return 0;
}

static int same_content(const char *a, const char *b, bool *ret_same)
{
	cleanup_fclose FILE *first = fopen(a, "re");
	cleanup_fclose FILE *second = fopen(b, "re");
	cleanup_free char *blocks = memory_alloc(2 * (size_t)BLOCK_BYTES);
	size_t got[2];

	if (!first || !second)
		return -errno;
	do {
		got[0] = fread(blocks, 1, BLOCK_BYTES, first);
		got[1] = fread(blocks + BLOCK_BYTES, 1, BLOCK_BYTES, second);
		if (ferror(first) || ferror(second))
			return -EIO;
		if (got[0] != got[1] ||
		    memcmp(blocks, blocks + BLOCK_BYTES, got[0]) != 0) {
			*ret_same = false;
			return 0;
		}
	} while (got[0] == BLOCK_BYTES);
	*ret_same = true;
	return 0;
}

int file_same(const char *a, const char *b, bool *ret_same)
{
	struct stat info[2];
	const char *paths[2] = { a, b };

	for (int i = 0; i < 2; i++) {
		if (lstat(paths[i], &info[i]) == 0)
			continue;
		if (errno != ENOENT && errno != ENOTDIR)
			return -errno;
		*ret_same = false;
		return 0;
	}
	if ((info[0].st_mode & S_IFMT) != (info[1].st_mode & S_IFMT) ||
	    (info[0].st_mode & 0100) != (info[1].st_mode & 0100) ||
	    (S_ISREG(info[0].st_mode) && info[0].st_size != info[1].st_size)) {
		*ret_same = false;
		return 0;
	}
	if (S_ISLNK(info[0].st_mode))
		return same_links(a, b, ret_same);
	if (!S_ISREG(info[0].st_mode))
		return -EINVAL;
	return same_content(a, b, ret_same);
}
