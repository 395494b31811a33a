/* initramfs.c - see initramfs.h. The archive is written as it is described:
 * nothing but the names already in it is kept in memory.
 */
#include "initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "memory.h"
#include "process.h"
#include "strbuf.h"

#define COPY_BYTES 65536
#define LOADER_TIMEOUT_NS (UINT64_C(10) * 1000000000)
#define INTERPRETER_MAX 4096
#define PROGRAM_HEADERS_MAX 256

struct initramfs {
	char *path;              /* owned */
	struct archive *archive; /* owned */
	struct strvec names;     /* already in the archive */
	int64_t inodes_count;
};

static void initramfs_free(struct initramfs *archive)
{
	if (archive->archive)
		archive_write_free(archive->archive);
	strvec_release(&archive->names);
	free(archive->path);
	free(archive);
}

static int archive_failed(const struct initramfs *archive, struct error *err)
{
	int code = archive_errno(archive->archive);
	const char *why = archive_error_string(archive->archive);

	return error_set(err, code > 0 ? -code : -EIO, "%s: %s", archive->path,
			 why ? why : "libarchive failed");
}

int initramfs_create(const char *path, struct initramfs **ret_archive,
		     struct error *err)
{
	struct initramfs *archive = memory_alloc(sizeof(*archive));
	int r = 0;

	archive->path = string_copy(path);
	archive->names = STRVEC_INIT;
	archive->archive = archive_write_new();
	if (!archive->archive) {
		initramfs_free(archive);
		return error_set(err, -ENOMEM, "%s: libarchive failed", path);
	}
	if (archive_write_set_format_cpio_newc(archive->archive) != ARCHIVE_OK ||
	    archive_write_add_filter_none(archive->archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(archive->archive, COPY_BYTES) !=
		    ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(archive->archive, 4) !=
		    ARCHIVE_OK ||
	    archive_write_open_filename(archive->archive, path) != ARCHIVE_OK) {
		r = archive_failed(archive, err);
		initramfs_free(archive);
		return r;
	}
	*ret_archive = archive;
	return 0;
}

/* --- entries ---------------------------------------------------------------------- */

static int check_name(const struct initramfs *archive, const char *name,
		      struct error *err)
{
	if (!*name || *name == '/' || strstr(name, "//") ||
	    name[strlen(name) - 1] == '/')
		return error_set(err, -EINVAL,
				 "%s: \"%s\": expected a relative name without "
				 "empty parts", archive->path, name);
	if (strvec_contains(&archive->names, name))
		return error_set(err, -EEXIST, "%s: %s is there already",
				 archive->path, name);
	return 0;
}

/* Writes the header of an entry whose fields name, size and type are set. */
static int entry_write(struct initramfs *archive, struct archive_entry *entry,
		       struct error *err)
{
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_dev(entry, 0);
	archive_entry_set_ino64(entry, ++archive->inodes_count);
	archive_entry_set_nlink(entry, 1);
	if (archive_write_header(archive->archive, entry) != ARCHIVE_OK)
		return archive_failed(archive, err);
	strvec_push(&archive->names, archive_entry_pathname(entry));
	return 0;
}

static void cleanup_entry(struct archive_entry **entry)
{
	archive_entry_free(*entry);
}

static struct archive_entry *entry_new(const char *name, unsigned int type,
				       mode_t mode, int64_t size)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, mode & 07777);
	archive_entry_set_size(entry, size);
	return entry;
}

static int folder_write(struct initramfs *archive, const char *name, mode_t mode,
			struct error *err)
{
	cleanup_with(cleanup_entry) struct archive_entry *entry =
		entry_new(name, AE_IFDIR, mode, 0);

	return entry_write(archive, entry, err);
}

static int parents_add(struct initramfs *archive, const char *name,
		       struct error *err)
{
	const char *slash;

	for (slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		cleanup_free char *parent =
			string_copy_n(name, (size_t)(slash - name));
		int r;

		if (strvec_contains(&archive->names, parent))
			continue;
		r = folder_write(archive, parent, 0755, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int entry_prepare(struct initramfs *archive, const char *name,
			 struct error *err)
{
	int r = check_name(archive, name, err);

	return r < 0 ? r : parents_add(archive, name, err);
}

int initramfs_add_folder(struct initramfs *archive, const char *name,
			 mode_t mode, struct error *err)
{
	int r = entry_prepare(archive, name, err);

	return r < 0 ? r : folder_write(archive, name, mode, err);
}

static int data_write(struct initramfs *archive, const void *data, size_t length,
		      struct error *err)
{
	la_ssize_t n = archive_write_data(archive->archive, data, length);

	if (n < 0 || (size_t)n != length)
		return archive_failed(archive, err);
	return 0;
}

int initramfs_add_data(struct initramfs *archive, const char *name, mode_t mode,
		       const void *data, size_t length, struct error *err)
{
	cleanup_with(cleanup_entry) struct archive_entry *entry =
		entry_new(name, AE_IFREG, mode, (int64_t)length);
	int r = entry_prepare(archive, name, err);

	if (r == 0)
		r = entry_write(archive, entry, err);
	if (r == 0 && length > 0)
		r = data_write(archive, data, length, err);
	return r;
}

/* Copies exactly size bytes: the header has promised them. */
static int file_copy_in(struct initramfs *archive, int fd, const char *from_path,
			uint64_t size, struct error *err)
{
	cleanup_free char *block = memory_alloc(COPY_BYTES);

	while (size > 0) {
		ssize_t n = read(fd, block, size < COPY_BYTES ? size : COPY_BYTES);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, -errno, "%s", from_path);
		if (n == 0)
			return error_set(err, -EIO, "%s: shrank while it was read",
					 from_path);
		r = data_write(archive, block, (size_t)n, err);
		if (r < 0)
			return r;
		size -= (uint64_t)n;
	}
	return 0;
}

int initramfs_add_file(struct initramfs *archive, const char *name, mode_t mode,
		       const char *from_path, struct error *err)
{
	cleanup_with(cleanup_entry) struct archive_entry *entry = NULL;
	cleanup_close int fd = open(from_path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	int r;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_set_errno(err, -errno, "%s", from_path);
	if (!S_ISREG(status.st_mode))
		return error_set(err, -EINVAL, "%s: expected a file", from_path);
	r = entry_prepare(archive, name, err);
	if (r < 0)
		return r;
	entry = entry_new(name, AE_IFREG, mode, status.st_size);
	r = entry_write(archive, entry, err);
	if (r < 0)
		return r;
	return file_copy_in(archive, fd, from_path, (uint64_t)status.st_size, err);
}

int initramfs_add_link(struct initramfs *archive, const char *name,
		       const char *target, struct error *err)
{
	cleanup_with(cleanup_entry) struct archive_entry *entry =
		entry_new(name, AE_IFLNK, 0777, 0);
	int r = entry_prepare(archive, name, err);

	archive_entry_set_symlink(entry, target);
	return r < 0 ? r : entry_write(archive, entry, err);
}

int initramfs_add_device(struct initramfs *archive, const char *name,
			 mode_t mode, dev_t device, struct error *err)
{
	unsigned int type = S_ISBLK(mode) ? AE_IFBLK : AE_IFCHR;
	cleanup_with(cleanup_entry) struct archive_entry *entry =
		entry_new(name, type, mode, 0);
	int r = entry_prepare(archive, name, err);

	archive_entry_set_rdevmajor(entry, major(device));
	archive_entry_set_rdevminor(entry, minor(device));
	return r < 0 ? r : entry_write(archive, entry, err);
}

/* --- programs and their libraries -------------------------------------------------- */

/* Reads the interpreter (dynamic loader) that an ELF program names (elf(5)):
 * *ret_interpreter is NULL for a static one. */
static int elf_interpreter(const char *path, char **ret_interpreter,
			   struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_free char *interpreter = NULL;
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	unsigned int i;

	if (fd < 0)
		return error_set_errno(err, -errno, "%s", path);
	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_phentsize != sizeof(segment) ||
	    header.e_phnum > PROGRAM_HEADERS_MAX)
		return error_set(err, -ENOEXEC, "%s: expected a 64-bit ELF program",
				 path);
	for (i = 0; i < header.e_phnum; i++) {
		off_t at = (off_t)(header.e_phoff + i * sizeof(segment));

		if (pread(fd, &segment, sizeof(segment), at) !=
		    (ssize_t)sizeof(segment))
			return error_set(err, -ENOEXEC,
					 "%s: program headers are cut short", path);
		if (segment.p_type != PT_INTERP)
			continue;
		if (segment.p_filesz == 0 || segment.p_filesz > INTERPRETER_MAX)
			return error_set(err, -ENOEXEC, "%s: bad interpreter", path);
		interpreter = memory_alloc(segment.p_filesz + 1);
		if (pread(fd, interpreter, segment.p_filesz,
			  (off_t)segment.p_offset) != (ssize_t)segment.p_filesz)
			return error_set(err, -ENOEXEC, "%s: bad interpreter", path);
		break;
	}
	*ret_interpreter = take_pointer(interpreter);
	return 0;
}

static int host_file_add(struct initramfs *archive, const char *host_path,
			 struct error *err)
{
	const char *name = host_path + strspn(host_path, "/");

	if (strvec_contains(&archive->names, name))
		return 0;
	return initramfs_add_file(archive, name, 0755, host_path, err);
}

/* One line of `ld.so --list`: "\tlibc.so.6 => /lib/libc.so.6 (0x7f...)" or
 * "\t/lib64/ld-linux-x86-64.so.2 (0x7f...)" or "\tlinux-vdso.so.1 (0x7f...)". */
static int library_add(struct initramfs *archive, const char *program, char *line,
		       struct error *err)
{
	char *arrow = strstr(line, " => ");
	char *path = arrow ? arrow + 4 : line + strspn(line, " \t");
	char *end = strstr(path, " (0x");

	if (arrow && !strncmp(path, "not found", 9))
		return error_set(err, -ENOENT, "%s: library %.*s not found", program,
				 (int)(arrow - line), line);
	if (*path != '/' || !end)
		return 0; /* the kernel's own vdso */
	*end = '\0';
	return host_file_add(archive, path, err);
}

static int libraries_add(struct initramfs *archive, const char *program,
			 const char *interpreter, struct error *err)
{
	const char *argv[] = { interpreter, "--list", program, NULL };
	struct process_options options = {
		.capture = true, .timeout_ns = LOADER_TIMEOUT_NS,
	};
	cleanup_free char *output = NULL;
	char *line, *state = NULL;
	int r = process_run(argv, &options, &output, err);

	if (r < 0)
		return error_prefix(err, "libraries of %s", program);
	for (line = strtok_r(output, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state)) {
		r = library_add(archive, program, line, err);
		if (r < 0)
			return r;
	}
	return host_file_add(archive, interpreter, err);
}

int initramfs_add_program(struct initramfs *archive, const char *host_path,
			  struct error *err)
{
	cleanup_free char *interpreter = NULL;
	int r;

	if (*host_path != '/')
		return error_set(err, -EINVAL, "%s: expected an absolute path",
				 host_path);
	r = elf_interpreter(host_path, &interpreter, err);
	if (r == 0)
		r = host_file_add(archive, host_path, err);
	if (r == 0 && interpreter)
		r = libraries_add(archive, host_path, interpreter, err);
	return r;
}

/* --- the end ------------------------------------------------------------------------- */

static int file_sync(const char *path, struct error *err)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return error_set_errno(err, -errno, "%s", path);
	return 0;
}

int initramfs_close(struct initramfs *archive, struct error *err)
{
	int r = 0;

	if (archive_write_close(archive->archive) != ARCHIVE_OK)
		r = archive_failed(archive, err);
	if (r == 0)
		r = file_sync(archive->path, err);
	initramfs_free(archive);
	return r;
}

void initramfs_discard(struct initramfs *archive)
{
	if (!archive)
		return;
	(void)unlink(archive->path);
	initramfs_free(archive);
}
