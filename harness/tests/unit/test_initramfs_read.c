/* test_initramfs_read.c - archives as initramfs.c writes them, read file by file. */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "initramfs.h"
#include "initramfs_read.h"
#include "memory.h"
#include "strbuf.h"
#include "test.h"

static char *write_archive(void)
{
	char *path = path_join(test_temp_folder(), "a.cpio");
	struct initramfs *archive = NULL;
	struct error err = ERROR_INIT;

	if (!test_check(initramfs_create(path, &archive, &err) == 0))
		return path;
	CU_ASSERT_EQUAL(initramfs_add_data(archive, "b/two", 0644, "2\0two", 5, &err), 0);
	CU_ASSERT_EQUAL(initramfs_add_folder(archive, "c", 0755, &err), 0);
	CU_ASSERT_EQUAL(initramfs_add_link(archive, "c/link", "/b/two", &err), 0);
	CU_ASSERT_EQUAL(initramfs_add_data(archive, "a", 0755, "", 0, &err), 0);
	CU_ASSERT_EQUAL(initramfs_close(archive, &err), 0);
	return path;
}

struct seen {
	struct strbuf text;
	int stop_at;         /* this many files on_file lets pass */
};

static int on_file(void *context, const char *name, const void *data, size_t length,
		   struct error *err)
{
	struct seen *seen = context;

	if (seen->stop_at-- == 0)
		return error_set(err, -ENOSPC, "enough");
	strbuf_addf(&seen->text, "%s %zu %d;", name, length,
		    length ? ((const char *)data)[length - 1] : -1);
	return 0;
}

static void test_reads_files_in_order(void)
{
	cleanup_free char *path = write_archive();
	struct seen seen = { .text = STRBUF_INIT, .stop_at = -1 };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(initramfs_read(path, on_file, &seen, &err), 0);
	test_check_string(err.message, "");
	test_check_string(seen.text.data, "b/two 5 111;a 0 -1;");
	strbuf_release(&seen.text);
}

static void test_ends_when_told(void)
{
	cleanup_free char *path = write_archive();
	struct seen seen = { .text = STRBUF_INIT, .stop_at = 1 };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(initramfs_read(path, on_file, &seen, &err), -ENOSPC);
	test_check_string(err.message, "enough");
	test_check_string(seen.text.data, "b/two 5 111;");
	strbuf_release(&seen.text);
}

static void check_refused(const char *path, int code)
{
	struct seen seen = { .text = STRBUF_INIT, .stop_at = -1 };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(initramfs_read(path, on_file, &seen, &err), code);
	test_check_contains(err.message, path);
	strbuf_release(&seen.text);
}

static void test_refuses(void)
{
	cleanup_free char *path = write_archive();
	cleanup_free char *none = path_join(test_temp_folder(), "none.cpio");
	cleanup_free char *data = NULL;
	size_t length;

	check_refused(none, -ENOENT);
	if (!test_check(file_read(path, 1 << 20, &data, &length) == 0))
		return;
	/* cut inside the first file; and no archive at all */
	CU_ASSERT_EQUAL(file_write_atomic(path, data, 130, 0644), 0);
	check_refused(path, -EBADMSG);
	CU_ASSERT_EQUAL(file_write_atomic(path, "something else", 14, 0644), 0);
	check_refused(path, -EBADMSG);
}

TEST_SUITE("initramfs_read",
	   {"reads files in order", test_reads_files_in_order},
	   {"ends when told", test_ends_when_told},
	   {"refuses", test_refuses})
