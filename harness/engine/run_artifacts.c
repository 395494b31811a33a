/* run_artifacts.c - see run_artifacts.h. Everything is reached from the descriptor of
 * the folder above it, so that a link put in its place leads nowhere.
 */
#include "run_artifacts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "clock.h"
#include "files.h"
#include "memory.h"

#define LOCK_FILE "lock"
#define NOTE_FILE "pruned"
#define TRIALS_FOLDER "trials"
#define COMMON_FOLDER "initrd"
#define NOTE_MAX_BYTES (UINT64_C(4) << 20)
#define SHA256_DIGITS 64

/* In a trial's folder, but for what tools wrote (ROW.NAME). The last three are left
 * only where kerngate was killed. */
static const char *const trial_files[] = {
	"console.log", "results.log", "fleet.log", "domain.xml", "qemu.txt", "counts",
	"plan.cpio", "initrd.cpio", "pmem", "disk",
};

static int open_folder(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	/* A link, or a file: not what kerngate made. */
	return errno == ELOOP || errno == ENOTDIR ? -ENOENT : -errno;
}

/* --- a run -------------------------------------------------------------------------- */

static int take_lock(int folder)
{
	int fd = openat(folder, LOCK_FILE, O_RDWR | O_NOFOLLOW | O_CLOEXEC), code;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	code = -errno;
	(void)close(fd);
	return code;
}

int run_artifacts_open(const struct run_store *store, const char *run_id, bool lock,
		       struct run_artifacts *ret, struct error *err)
{
	cleanup_artifacts struct run_artifacts artifacts = RUN_ARTIFACTS_INIT;
	cleanup_free char *path = run_store_run_folder(store, run_id);

	/* An id is a name; a store that others wrote may have anything. */
	if (strchr(run_id, '/') || *run_id == '.')
		return -ENOENT;
	artifacts.run_id = run_id;
	artifacts.folder = open_folder(AT_FDCWD, path);
	if (artifacts.folder == -ENOENT)
		return -ENOENT;
	if (artifacts.folder < 0)
		return error_set_errno(err, artifacts.folder, "%s", path);
	if (lock)
		artifacts.lock = take_lock(artifacts.folder);
	if (artifacts.lock == -EWOULDBLOCK)
		return -EWOULDBLOCK;
	if (lock && artifacts.lock < 0 && artifacts.lock != -ENOENT)
		return error_set_errno(err, artifacts.lock, "%s/" LOCK_FILE, path);
	*ret = artifacts;
	artifacts = RUN_ARTIFACTS_INIT;
	return 0;
}

void run_artifacts_close(struct run_artifacts *artifacts)
{
	if (artifacts->folder >= 0)
		(void)close(artifacts->folder);
	if (artifacts->lock >= 0)
		(void)close(artifacts->lock);
	*artifacts = RUN_ARTIFACTS_INIT;
}

static bool has_folder(int parent, const char *name)
{
	struct stat info;

	return fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

bool run_artifacts_are_there(const struct run_artifacts *artifacts)
{
	return has_folder(artifacts->folder, TRIALS_FOLDER) ||
	       has_folder(artifacts->folder, COMMON_FOLDER);
}

/* --- files of a folder ---------------------------------------------------------------- */

typedef bool (*is_ours_fn)(const char *name, const void *context);

struct sweep {
	is_ours_fn is_ours;
	const void *context;         /* borrowed */
	bool remove;
	uint64_t bytes;
};

/* One file; a negative errno where it cannot be removed. */
static int sweep_file(int folder, const char *name, struct sweep *sweep)
{
	struct stat info;

	if (!sweep->is_ours(name, sweep->context))
		return 0;
	if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISREG(info.st_mode))
		return 0;
	if (sweep->remove && unlinkat(folder, name, 0))
		return errno == ENOENT ? 0 : -errno;
	sweep->bytes += (uint64_t)info.st_blocks * 512;
	return 0;
}

static void cleanup_close_folder(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}

/* Takes over fd. */
static int sweep_folder(int fd, struct sweep *sweep)
{
	cleanup_with(cleanup_close_folder) DIR *folder = fdopendir(fd);
	const struct dirent *entry;
	int code = 0;

	if (!folder) {
		code = -errno;
		(void)close(fd);
		return code;
	}
	while (errno = 0, !code && (entry = readdir(folder)) != NULL)
		code = sweep_file(dirfd(folder), entry->d_name, sweep);
	return code ? code : -errno;
}

/* NAME in parent; the folder goes too where nothing else is in it. */
static int sweep_below(int parent, const char *name, struct sweep *sweep)
{
	struct stat info;
	int fd = open_folder(parent, name), code;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	code = fstat(fd, &info) ? -errno : 0;
	if (code) {
		(void)close(fd);
		return code;
	}
	code = sweep_folder(fd, sweep);
	if (code)
		return code;
	if (sweep->bytes)
		sweep->bytes += (uint64_t)info.st_blocks * 512;
	if (sweep->remove && unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOTEMPTY &&
	    errno != EEXIST && errno != ENOENT)
		return -errno;
	return 0;
}

/* --- a trial ---------------------------------------------------------------------------- */

static bool is_trial_file(const char *name, const void *context)
{
	const struct stored_cell *cell = context;

	for (size_t i = 0; i < ARRAY_COUNT(trial_files); i++)
		if (strcmp(name, trial_files[i]) == 0)
			return true;
	for (size_t i = 0; i < cell->rows_count; i++) {
		size_t length = strlen(cell->rows[i].name);

		if (strncmp(name, cell->rows[i].name, length) == 0 && name[length] == '.' &&
		    name[length + 1])
			return true;
	}
	return false;
}

int run_artifacts_trial(const struct run_artifacts *artifacts, const struct stored_cell *cell,
			uint32_t order, bool remove, uint64_t *ret_bytes, struct error *err)
{
	cleanup_free char *name = string_format("%04" PRIu32, order + 1);
	cleanup_close int trials = open_folder(artifacts->folder, TRIALS_FOLDER);
	struct sweep sweep = { .is_ours = is_trial_file, .context = cell, .remove = remove };
	int code = trials == -ENOENT ? 0 : trials;

	if (trials >= 0)
		code = sweep_below(trials, name, &sweep);
	if (code < 0)
		return error_set_errno(err, code, "run %s: artifacts of trial %" PRIu32,
				       artifacts->run_id, order + 1);
	if (remove) /* where it is empty now */
		(void)!unlinkat(artifacts->folder, TRIALS_FOLDER, AT_REMOVEDIR);
	*ret_bytes = sweep.bytes;
	return 0;
}

/* --- what trials share --------------------------------------------------------------------- */

static bool is_common_file(const char *name, const void *context)
{
	(void)context;
	return strspn(name, "0123456789abcdef") == SHA256_DIGITS &&
	       strcmp(name + SHA256_DIGITS, ".cpio") == 0;
}

int run_artifacts_common(const struct run_artifacts *artifacts, bool remove,
			 uint64_t *ret_bytes, struct error *err)
{
	struct sweep sweep = { .is_ours = is_common_file, .remove = remove };
	int code = sweep_below(artifacts->folder, COMMON_FOLDER, &sweep);

	if (code < 0)
		return error_set_errno(err, code, "run %s: " COMMON_FOLDER, artifacts->run_id);
	*ret_bytes = sweep.bytes;
	return 0;
}

/* --- the note -------------------------------------------------------------------------------- */

int run_artifacts_note(const struct run_artifacts *artifacts, uint32_t order,
		       struct error *err)
{
	char when[CLOCK_TEXT_MAX];
	cleanup_free char *line = string_format("%04" PRIu32 " %s\n", order + 1,
						clock_format_utc(clock_wall_ns(), when));
	cleanup_close int fd = openat(artifacts->folder, NOTE_FILE, O_WRONLY | O_CREAT |
				      O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0666);
	int code = fd < 0 ? -errno : fd_write_all(fd, line, strlen(line));

	return code < 0 ? error_set_errno(err, code, "run %s: the note of what is removed, "
					  NOTE_FILE, artifacts->run_id) : 0;
}

char *run_artifacts_pruned_when(const struct run_store *store, const char *run_id,
				uint32_t order)
{
	cleanup_free char *folder = run_store_run_folder(store, run_id);
	cleanup_free char *path = path_join(folder, NOTE_FILE), *text = NULL, *rest = NULL;
	cleanup_free char *wanted = string_format("%04" PRIu32 " ", order + 1);
	size_t length = strlen(wanted);
	char *next, *line;

	if (file_read(path, NOTE_MAX_BYTES, &text, NULL))
		return NULL;
	for (next = text; (line = strsep(&next, "\n")) != NULL;)
		if (strncmp(line, wanted, length) == 0 && line[length]) {
			free(rest);
			rest = string_copy(line + length);
		}
	return take_pointer(rest);
}
