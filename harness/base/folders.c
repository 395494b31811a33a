/* folders.c - making, removing, listing, measuring and copying folders. Links are
 * never followed, but what one points to is copied.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "files.h"
#include "memory.h"

#define COPY_DEPTH_MAX 8

static void cleanup_close_folder(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}

#define cleanup_closedir cleanup_with(cleanup_close_folder)

/* Takes over fd. */
static DIR *open_folder_fd(int fd)
{
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (!folder && fd >= 0)
		(void)close(fd);
	return folder;
}

static int open_subfolder(int parent, const char *name)
{
	return openat(parent, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The next entry but "." and ".."; NULL at the end, errno 0, or on failure. */
static const struct dirent *next_entry(DIR *folder)
{
	const struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(folder);
	} while (entry && (strcmp(entry->d_name, ".") == 0 ||
			   strcmp(entry->d_name, "..") == 0));
	return entry;
}

static int make_one(const char *path)
{
	if (mkdir(path, 0777) == 0)
		return 0;
	if (errno == EEXIST)
		return path_is_folder(path) ? 0 : -ENOTDIR;
	return -errno;
}

int folder_make(const char *path)
{
	cleanup_free char *partial = string_copy(path);
	int code;

	for (char *slash = partial + 1; *partial && *slash; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		code = make_one(partial);
		if (code < 0)
			return code;
		*slash = '/';
	}
	return make_one(path);
}

static int remove_contents(int fd);

static int remove_entry(int parent, const char *name)
{
	int fd, code;

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	/* Linux says EISDIR for a folder, POSIX EPERM. */
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = open_subfolder(parent, name);
	if (fd < 0)
		return -errno;
	code = remove_contents(fd);
	if (code < 0)
		return code;
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* Takes over fd. */
static int remove_contents(int fd)
{
	cleanup_closedir DIR *folder = open_folder_fd(fd);
	const struct dirent *entry;
	int code;

	if (!folder)
		return -errno;
	while ((entry = next_entry(folder)) != NULL) {
		code = remove_entry(dirfd(folder), entry->d_name);
		if (code < 0)
			return code;
	}
	return -errno;
}

int folder_remove(const char *path)
{
	return remove_entry(AT_FDCWD, path);
}

/* A set of inodes, open addressing. */
struct inode_set {
	struct inode_key {
		dev_t device;
		ino_t inode; /* 0: free */
	} *slots; /* owned */
	size_t capacity, count;
};

static bool inode_insert(struct inode_set *set, dev_t device, ino_t inode);

static void inode_set_grow(struct inode_set *set)
{
	struct inode_set old = *set;

	set->capacity = old.capacity ? old.capacity * 2 : 1024;
	set->count = 0;
	set->slots = memory_alloc_array(set->capacity, sizeof(*set->slots));
	for (size_t i = 0; i < old.capacity; i++)
		if (old.slots[i].inode)
			(void)inode_insert(set, old.slots[i].device,
					   old.slots[i].inode);
	free(old.slots);
}

/* Whether it was new. */
static bool inode_insert(struct inode_set *set, dev_t device, ino_t inode)
{
	size_t i;

	if (set->count * 2 >= set->capacity)
		inode_set_grow(set);
	i = (inode * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (set->capacity - 1);
	while (set->slots[i].inode) {
		if (set->slots[i].inode == inode &&
		    set->slots[i].device == device)
			return false;
		i = (i + 1) & (set->capacity - 1);
	}
	set->slots[i] = (struct inode_key){ .device = device, .inode = inode };
	set->count++;
	return true;
}

struct disk_sum {
	struct inode_set seen;
	bool count_shared;
	uint64_t bytes;
};

static int sum_folder(int fd, struct disk_sum *sum);

static int sum_entry(int parent, const char *name, struct disk_sum *sum)
{
	struct stat info;
	int fd;

	if (fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(info.st_mode)) {
		sum->bytes += (uint64_t)info.st_blocks * 512;
		fd = open_subfolder(parent, name);
		if (fd < 0)
			return errno == ENOENT ? 0 : -errno;
		return sum_folder(fd, sum);
	}
	if (info.st_nlink > 1 &&
	    (!sum->count_shared ||
	     !inode_insert(&sum->seen, info.st_dev, info.st_ino)))
		return 0;
	sum->bytes += (uint64_t)info.st_blocks * 512;
	return 0;
}

/* Takes over fd. */
static int sum_folder(int fd, struct disk_sum *sum)
{
	cleanup_closedir DIR *folder = open_folder_fd(fd);
	const struct dirent *entry;
	int code;

	if (!folder)
		return -errno;
	while ((entry = next_entry(folder)) != NULL) {
		code = sum_entry(dirfd(folder), entry->d_name, sum);
		if (code < 0)
			return code;
	}
	return -errno;
}

int folder_disk_bytes(const char *path, bool count_shared, uint64_t *ret_bytes)
{
	struct disk_sum sum = { .count_shared = count_shared };
	int code;

	if (!path_exists(path))
		return -ENOENT;
	code = sum_entry(AT_FDCWD, path, &sum);
	free(sum.seen.slots);
	if (code == 0)
		*ret_bytes = sum.bytes;
	return code;
}

int folder_list(const char *path, struct strvec *ret_names)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_closedir DIR *folder = opendir(path);
	const struct dirent *entry;

	if (!folder)
		return -errno;
	while ((entry = next_entry(folder)) != NULL)
		strvec_push(&names, entry->d_name);
	if (errno)
		return -errno;
	strvec_sort(&names);
	strvec_release(ret_names);
	*ret_names = names;
	names = STRVEC_INIT;
	return 0;
}

int disk_free_bytes(const char *path, uint64_t *ret_bytes)
{
	cleanup_free char *place = path_absolute(path);
	struct statvfs info;

	while (statvfs(place, &info) < 0) {
		char *parent;

		if (errno != ENOENT || strcmp(place, "/") == 0)
			return -errno;
		parent = path_folder(place);
		free(place);
		place = parent;
	}
	*ret_bytes = (uint64_t)info.f_bavail * info.f_frsize;
	return 0;
}

/* --- copying ---------------------------------------------------------------------- */

static int copy_tree(const char *from, const char *to, unsigned int depth)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	int rc = folder_list(from, &names);

	if (!rc)
		rc = depth > COPY_DEPTH_MAX ? -ELOOP : folder_make(to);
	for (size_t i = 0; !rc && i < names.count; i++) {
		cleanup_free char *source = path_join(from, names.items[i]);
		cleanup_free char *target = path_join(to, names.items[i]);

		if (path_is_folder(source))
			rc = copy_tree(source, target, depth + 1);
		else
			rc = file_copy(source, target, 0644);
	}
	return rc;
}

int folder_copy(const char *from, const char *to)
{
	return copy_tree(from, to, 0);
}
