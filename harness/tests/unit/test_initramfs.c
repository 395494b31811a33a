/* test_initramfs.c - archives read back with libarchive, byte by byte the same
 * every time, and what cannot be packed.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "files.h"
#include "hash.h"
#include "initramfs.h"
#include "memory.h"
#include "process.h"
#include "test.h"

/* "TYPE MODE NAME[ > LINK][ MAJOR:MINOR][ SIZE]" of every entry. */
static void archive_list(const char *path, struct strvec *ret_lines)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;

	archive_read_support_format_cpio(archive);
	if (test_check(archive_read_open_filename(archive, path, 65536) ==
		       ARCHIVE_OK))
		while (archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
			mode_t mode = archive_entry_mode(entry);

			CU_ASSERT_EQUAL(archive_entry_mtime(entry), 0);
			CU_ASSERT_EQUAL(archive_entry_uid(entry), 0);
			if (S_ISLNK(mode))
				strvec_pushf(ret_lines, "%o %s > %s", mode,
					     archive_entry_pathname(entry),
					     archive_entry_symlink(entry));
			else if (S_ISCHR(mode))
				strvec_pushf(ret_lines, "%o %s %u:%u", mode,
					     archive_entry_pathname(entry),
					     (unsigned int)archive_entry_rdevmajor(entry),
					     (unsigned int)archive_entry_rdevminor(entry));
			else
				strvec_pushf(ret_lines, "%o %s %lld", mode,
					     archive_entry_pathname(entry),
					     (long long)archive_entry_size(entry));
		}
	archive_read_free(archive);
}

static int write_sample(const char *path, struct error *err)
{
	struct initramfs *archive = NULL;
	int r = initramfs_create(path, &archive, err);

	if (r == 0)
		r = initramfs_add_data(archive, "a/b/text", 0640, "hello", 5, err);
	if (r == 0)
		r = initramfs_add_folder(archive, "a/c", 0700, err);
	if (r == 0)
		r = initramfs_add_data(archive, "a/empty", 0600, "", 0, err);
	if (r == 0)
		r = initramfs_add_link(archive, "link", "a/b/text", err);
	if (r == 0)
		r = initramfs_add_device(archive, "dev/console", S_IFCHR | 0600,
					 makedev(5, 1), err);
	if (r == 0)
		r = initramfs_add_file(archive, "copy", 0755,
				       test_fixture_path("guest/bad-rows.results"),
				       err);
	if (r < 0) {
		initramfs_discard(archive);
		return r;
	}
	return initramfs_close(archive, err);
}

static void test_read_back(void)
{
	static const char *const expected[] = {
		"40755 a 0", "40755 a/b 0", "100640 a/b/text 5", "40700 a/c 0",
		"100600 a/empty 0", "120777 link > a/b/text", "40755 dev 0",
		"20600 dev/console 5:1",
	};
	cleanup_free char *path = path_join(test_temp_folder(), "one.cpio");
	cleanup_strvec struct strvec lines = STRVEC_INIT;
	struct error err = ERROR_INIT;

	if (!test_check(write_sample(path, &err) == 0))
		return;
	archive_list(path, &lines);
	if (!test_check(lines.count == ARRAY_COUNT(expected) + 1))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(expected); i++)
		test_check_string(lines.items[i], expected[i]);
	test_check_contains(lines.items[ARRAY_COUNT(expected)], "100755 copy ");
}

static void test_reproducible(void)
{
	cleanup_free char *one = path_join(test_temp_folder(), "one.cpio");
	cleanup_free char *two = path_join(test_temp_folder(), "two.cpio");
	char first[SHA256_HEX_SIZE] = "1", second[SHA256_HEX_SIZE] = "2";
	struct error err = ERROR_INIT;
	struct stat status = { .st_size = 1 };

	CU_ASSERT_EQUAL(write_sample(one, &err), 0);
	CU_ASSERT_EQUAL(write_sample(two, &err), 0);
	CU_ASSERT_EQUAL(sha256_of_file(one, first), 0);
	CU_ASSERT_EQUAL(sha256_of_file(two, second), 0);
	test_check_string(first, second);
	CU_ASSERT_EQUAL(stat(one, &status), 0);
	CU_ASSERT_EQUAL(status.st_size % 4, 0);
}

static void test_names_refused(void)
{
	static const struct {
		const char *name;
		int code;
	} cases[] = {
		{ "", -EINVAL },   { "/init", -EINVAL }, { "a//b", -EINVAL },
		{ "a/", -EINVAL }, { "init", -EEXIST },
	};
	cleanup_free char *path = path_join(test_temp_folder(), "names.cpio");
	struct initramfs *archive = NULL;
	struct error err = ERROR_INIT;

	if (!test_check(initramfs_create(path, &archive, &err) == 0))
		return;
	CU_ASSERT_EQUAL(initramfs_add_data(archive, "init", 0755, "x", 1, &err), 0);
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		CU_ASSERT_EQUAL(initramfs_add_data(archive, cases[i].name, 0755,
						   "x", 1, &err), cases[i].code);
		test_check_contains(err.message, path);
	}
	CU_ASSERT_EQUAL(initramfs_add_file(archive, "x", 0755, "/does/not/exist",
					   &err), -ENOENT);
	test_check_contains(err.message, "/does/not/exist");
	CU_ASSERT_EQUAL(initramfs_add_file(archive, "x", 0755, "/proc", &err),
			-EINVAL);
	initramfs_discard(archive);
	CU_ASSERT_FALSE(path_exists(path));
	initramfs_discard(NULL);
}

static void test_create_refused(void)
{
	struct initramfs *archive = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(initramfs_create("/does/not/exist.cpio", &archive, &err),
			-ENOENT);
	test_check_contains(err.message, "/does/not/exist.cpio");
	CU_ASSERT_PTR_NULL(archive);
}

/* A program of the host together with its loader and libraries, once. */
static void test_program(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "program.cpio");
	cleanup_free char *program = process_find_program("env");
	cleanup_strvec struct strvec lines = STRVEC_INIT;
	struct initramfs *archive = NULL;
	struct error err = ERROR_INIT;
	size_t libcs = 0, loaders = 0;

	if (!test_check(program != NULL) ||
	    !test_check(initramfs_create(path, &archive, &err) == 0))
		return;
	CU_ASSERT_EQUAL(initramfs_add_program(archive, program, &err), 0);
	CU_ASSERT_EQUAL(initramfs_add_program(archive, program, &err), 0);
	CU_ASSERT_EQUAL(initramfs_close(archive, &err), 0);
	archive_list(path, &lines);
	for (size_t i = 0; i < lines.count; i++) {
		libcs += strstr(lines.items[i], "/libc.so.6") != NULL;
		loaders += strstr(lines.items[i], "ld-linux-x86-64.so.2") != NULL;
	}
	CU_ASSERT_EQUAL(libcs, 1);
	CU_ASSERT_EQUAL(loaders, 1);
}

static void test_program_refused(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "refused.cpio");
	cleanup_free char *script = path_join(test_temp_folder(), "script");
	cleanup_free char *stub = path_join(test_temp_folder(), "stub");
	struct initramfs *archive = NULL;
	struct error err = ERROR_INIT;

	if (!test_check(initramfs_create(path, &archive, &err) == 0))
		return;
	CU_ASSERT_EQUAL(file_write_atomic(script, "#!/bin/sh\n", 10, 0755), 0);
	CU_ASSERT_EQUAL(file_write_atomic(stub, "\x7f" "ELF", 4, 0755), 0);
	CU_ASSERT_EQUAL(initramfs_add_program(archive, "env", &err), -EINVAL);
	CU_ASSERT_EQUAL(initramfs_add_program(archive, "/does/not/exist", &err),
			-ENOENT);
	CU_ASSERT_EQUAL(initramfs_add_program(archive, script, &err), -ENOEXEC);
	test_check_contains(err.message, "expected a 64-bit ELF program");
	CU_ASSERT_EQUAL(initramfs_add_program(archive, stub, &err), -ENOEXEC);
	initramfs_discard(archive);
}

/* The guest's own programs are static: nothing else comes with them. */
static void test_static_program(void)
{
	cleanup_free char *init = path_join(test_root(), "build/guest_init");
	cleanup_free char *path = path_join(test_temp_folder(), "static.cpio");
	cleanup_strvec struct strvec lines = STRVEC_INIT;
	struct initramfs *archive = NULL;
	struct error err = ERROR_INIT;

	if (!test_check(path_exists(init)) ||
	    !test_check(initramfs_create(path, &archive, &err) == 0))
		return;
	CU_ASSERT_EQUAL(initramfs_add_program(archive, init, &err), 0);
	CU_ASSERT_EQUAL(initramfs_close(archive, &err), 0);
	archive_list(path, &lines);
	for (size_t i = 0; i < lines.count; i++)
		CU_ASSERT_TRUE(!strncmp(lines.items[i], "40755", 5) ||
			       strstr(lines.items[i], "build/guest_init"));
	CU_ASSERT_TRUE(lines.count > 1);
}

TEST_SUITE("initramfs", { "what was added is read back", test_read_back },
	   { "the same every time", test_reproducible },
	   { "names and files refused", test_names_refused },
	   { "a folder that is not there", test_create_refused },
	   { "a program brings its libraries", test_program },
	   { "what is no program", test_program_refused },
	   { "a static program comes alone", test_static_program })
