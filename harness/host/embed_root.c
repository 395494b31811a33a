/* embed_root.c - makes, locks, sweeps and removes the embedded driver's folder,
 * and carries libvirt's cache of the emulator's abilities from one process to
 * the next. It starts no guest and reads none of libvirt's other files.
 */
#include "embed_root.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

#include "files.h"
#include "hash.h"
#include "memory.h"
#include "process.h"
#include "strbuf.h"

#define NAME_PREFIX "kerngate-vm-"
#define NAME_TEMPLATE NAME_PREFIX "XXXXXX"
/* sun_path less our name and "/lib/qemu/domain-NNNN-<20 characters>/monitor.sock". */
#define PLACE_LENGTH_MAX 32
#define CACHE_KEY_LENGTH 16
#define END_TIMEOUT_MS 2000
#define FILE_BYTES_MAX (4u << 20)

struct embed_root {
	char *path;       /* owned */
	int lock_fd;
	char *abilities;  /* file below path; owned */
	char *kept;       /* its copy in the user's cache; owned; NULL: nowhere */
};

static bool is_in_memory(const char *path)
{
	struct statfs status;

	return statfs(path, &status) == 0 && status.f_type == TMPFS_MAGIC;
}

/* In memory where possible: libvirt fsyncs what it writes at each start, and on
 * a disk that others write to that has taken seconds. */
static const char *choose_place(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (runtime && runtime[0] == '/' &&
	    strlen(runtime) <= PLACE_LENGTH_MAX &&
	    access(runtime, W_OK | X_OK) == 0)
		return runtime;
	if (is_in_memory("/dev/shm") && access("/dev/shm", W_OK | X_OK) == 0)
		return "/dev/shm";
	return "/tmp";
}

/* --- sweeping ---------------------------------------------------------------- */

/* Whether the process's command line names the folder: a reused process id
 * belongs to somebody else. */
static bool process_names(pid_t pid, const char *folder)
{
	cleanup_free char *path = string_format("/proc/%d/cmdline", (int)pid);
	cleanup_free char *wanted = string_format("%s/", folder);
	cleanup_free char *text = NULL;
	size_t length;

	if (file_read(path, FILE_BYTES_MAX, &text, &length) < 0)
		return false;
	return memmem(text, length, wanted, strlen(wanted)) != NULL;
}

static void end_process(const char *pid_path, const char *folder)
{
	cleanup_free char *text = NULL;
	cleanup_close int fd = -1;
	struct pollfd ended = { .events = POLLIN };
	long pid;

	if (file_read_line(pid_path, &text) < 0)
		return;
	pid = strtol(text, NULL, 10);
	if (pid <= 1)
		return;
	/* Held before it is looked at, so that it cannot become another. */
	fd = pidfd_open((pid_t)pid, 0);
	if (fd < 0 || !process_names((pid_t)pid, folder))
		return;
	(void)pidfd_send_signal(fd, SIGKILL, NULL, 0);
	ended.fd = fd;
	(void)poll(&ended, 1, END_TIMEOUT_MS);
}

static bool ends_with(const char *name, const char *tail)
{
	size_t length = strlen(name), tail_length = strlen(tail);

	return length > tail_length &&
	       strcmp(name + length - tail_length, tail) == 0;
}

static void end_guests(const char *folder)
{
	cleanup_free char *run = path_join(folder, "run/qemu");
	cleanup_free char *lib = path_join(folder, "lib/qemu");
	cleanup_strvec struct strvec names = STRVEC_INIT;
	cleanup_strvec struct strvec probes = STRVEC_INIT;

	if (folder_list(run, &names) == 0)
		for (size_t i = 0; i < names.count; i++) {
			cleanup_free char *path =
				path_join(run, names.items[i]);

			if (ends_with(names.items[i], ".pid"))
				end_process(path, folder);
		}
	if (folder_list(lib, &probes) == 0)
		for (size_t i = 0; i < probes.count; i++) {
			cleanup_free char *path = string_format(
				"%s/%s/qmp.pid", lib, probes.items[i]);

			end_process(path, folder);
		}
}

static void sweep_folder(const char *path)
{
	cleanup_close int fd = -1;
	struct stat status;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0 || status.st_uid != geteuid())
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return; /* its process lives */
	if (faccessat(fd, "etc/qemu.conf", F_OK, 0) < 0) {
		(void)rmdir(path); /* not ours, unless it died that early */
		return;
	}
	end_guests(path);
	(void)!folder_remove(path);
}

void embed_root_sweep(const char *place)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;

	if (folder_list(place, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *path = path_join(place, names.items[i]);

		if (strncmp(names.items[i], NAME_PREFIX,
			    strlen(NAME_PREFIX)) == 0 &&
		    strlen(names.items[i]) == strlen(NAME_TEMPLATE))
			sweep_folder(path);
	}
}

/* --- making ------------------------------------------------------------------ */

/* Between mkdtemp and flock another process's sweep may have taken it for a
 * dead one's: then it is gone from under its name. */
static bool still_there(int fd, const char *path)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && lstat(path, &named) == 0 &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static int make_folder(const char *place, char **ret_path, int *ret_lock_fd,
		       struct error *err)
{
	for (int attempt = 0; attempt < 10; attempt++) {
		cleanup_free char *path =
			string_format("%s/" NAME_TEMPLATE, place);
		cleanup_close int fd = -1;

		if (!mkdtemp(path))
			return error_set_errno(err, -errno,
					       "%s: cannot make a folder for "
					       "libvirt in it", place);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ||
		    !still_there(fd, path))
			continue;
		*ret_path = take_pointer(path);
		*ret_lock_fd = take_fd(&fd);
		return 0;
	}
	return error_set(err, -EBUSY, "%s: folders made in it keep vanishing",
			 place);
}

/* The driver as this user, with nothing that needs a daemon or root. The stock
 * user and ownership handling cost a start 48 s. */
static int write_config(const char *root, struct error *err)
{
	cleanup_free char *folder = path_join(root, "etc");
	cleanup_free char *path = path_join(folder, "qemu.conf");
	cleanup_free char *text = string_format(
		"stdio_handler = \"file\"\n"
		"security_driver = \"none\"\n"
		"cgroup_controllers = []\n"
		"user = \"+%u\"\n"
		"group = \"+%u\"\n"
		"namespaces = []\n"
		"remember_owner = 0\n"
		"dynamic_ownership = 0\n",
		(unsigned int)geteuid(), (unsigned int)getegid());
	int code = folder_make(folder);

	if (code == 0)
		code = file_write_atomic(path, text, strlen(text), 0600);
	if (code < 0)
		return error_set_errno(err, code, "%s: cannot write it", path);
	return 0;
}

/* --- abilities ---------------------------------------------------------------- */

static void key_add_file(struct sha256 *hash, const char *key, const char *path)
{
	cleanup_free char *text = NULL;
	struct stat status;

	if (!path || stat(path, &status) < 0)
		return;
	text = string_format("%s %lld %lld.%09ld", path,
			     (long long)status.st_size,
			     (long long)status.st_mtim.tv_sec,
			     status.st_mtim.tv_nsec);
	sha256_add_field(hash, key, text);
}

/* libvirt looks at its own version, the emulator's time stamp and the kernel,
 * but not at the QEMU behind kerngate-guest-exec: that is in our key. */
static void abilities_key(const char *library_version, const char *emulator,
			  char ret_hex[SHA256_HEX_SIZE])
{
	cleanup_free char *qemu = process_find_program("qemu-system-x86_64");
	struct sha256 *hash = sha256_new();
	struct utsname host;

	sha256_add_field(hash, "library", library_version);
	if (uname(&host) == 0)
		sha256_add_field(hash, "kernel", host.release);
	key_add_file(hash, "emulator", emulator);
	key_add_file(hash, "qemu", qemu);
	sha256_finish(hash, ret_hex);
}

/* Owned; NULL without a home. */
static char *cache_folder(void)
{
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (cache && cache[0] == '/')
		return string_format("%s/kerngate/libvirt", cache);
	if (home && home[0] == '/')
		return string_format("%s/.cache/kerngate/libvirt", home);
	return NULL;
}

/* libvirt names the file by the SHA-256 of the emulator's path. */
static void restore_abilities(struct embed_root *root,
			      const char *library_version, const char *emulator)
{
	cleanup_free char *cache = cache_folder();
	cleanup_free char *folder = path_join(root->path,
					      "cache/qemu/capabilities");
	char name[SHA256_HEX_SIZE], key[SHA256_HEX_SIZE];

	sha256_of(emulator, strlen(emulator), name);
	abilities_key(library_version, emulator, key);
	root->abilities = string_format("%s/%s.xml", folder, name);
	if (!cache)
		return;
	root->kept = string_format("%s/%s-%.*s.xml", cache, name,
				   CACHE_KEY_LENGTH, key);
	if (path_exists(root->kept) && folder_make(folder) == 0)
		(void)!file_copy(root->kept, root->abilities, 0600);
}

/* Those of the same emulator under another key are of no use any more. */
static void drop_older(const char *folder, const char *kept)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	const char *name = path_base_name(kept);

	if (folder_list(folder, &names) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *path = path_join(folder, names.items[i]);

		if (strncmp(names.items[i], name, SHA256_HEX_SIZE - 1) == 0 &&
		    strcmp(names.items[i], name) != 0)
			(void)unlink(path);
	}
}

void embed_root_keep_abilities(const struct embed_root *root)
{
	cleanup_free char *folder = NULL;
	cleanup_free char *text = NULL;
	cleanup_free char *kept = NULL;
	size_t length, kept_length;

	if (!root->kept ||
	    file_read(root->abilities, FILE_BYTES_MAX, &text, &length) < 0)
		return;
	/* libvirt may have thrown away what it was given, and looked anew. */
	if (file_read(root->kept, FILE_BYTES_MAX, &kept, &kept_length) == 0 &&
	    kept_length == length && memcmp(kept, text, length) == 0)
		return;
	folder = path_folder(root->kept);
	if (folder_make(folder) < 0 ||
	    file_write_atomic(root->kept, text, length, 0600) < 0)
		return;
	drop_older(folder, root->kept);
}

/* --- the whole ---------------------------------------------------------------- */

int embed_root_create(const char *library_version, const char *emulator,
		      struct embed_root **ret_root, struct error *err)
{
	struct embed_root *root = memory_alloc(sizeof(*root));
	const char *place = choose_place();
	int code;

	root->lock_fd = -1;
	embed_root_sweep(place);
	code = make_folder(place, &root->path, &root->lock_fd, err);
	if (code == 0)
		code = write_config(root->path, err);
	if (code < 0) {
		embed_root_remove(root);
		return code;
	}
	restore_abilities(root, library_version, emulator);
	*ret_root = root;
	return 0;
}

const char *embed_root_path(const struct embed_root *root)
{
	return root->path;
}

void embed_root_remove(struct embed_root *root)
{
	if (!root)
		return;
	if (root->path)
		(void)!folder_remove(root->path);
	cleanup_close_fd_(&root->lock_fd);
	free(root->path);
	free(root->abilities);
	free(root->kept);
	free(root);
}
