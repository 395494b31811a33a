/* test_unpack.c - archives, also hostile ones. */
#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "fake_kernel.h"
#include "file_unpacked.h"
#include "files.h"
#include "memory.h"
#include "test.h"

struct member {
	const char *name, *content, *link;
	bool is_hard_link, is_fifo;
	time_t mtime;
};

static char *write_tar(const char *folder, const struct member *members,
		       size_t count)
{
	char *path = path_join(folder, "test.tar");
	struct archive *tar = archive_write_new();

	archive_write_set_format_pax_restricted(tar);
	test_check(archive_write_open_filename(tar, path) == ARCHIVE_OK);
	for (size_t i = 0; i < count; i++) {
		struct archive_entry *entry = archive_entry_new();
		const struct member *member = &members[i];

		archive_entry_set_pathname(entry, member->name);
		archive_entry_set_perm(entry, 0644);
		archive_entry_set_filetype(entry, member->is_fifo ? AE_IFIFO :
					   member->link && !member->is_hard_link ?
						   AE_IFLNK : AE_IFREG);
		archive_entry_set_mtime(entry, member->mtime, 0);
		if (member->link && member->is_hard_link)
			archive_entry_set_hardlink(entry, member->link);
		else if (member->link)
			archive_entry_set_symlink(entry, member->link);
		if (member->content)
			archive_entry_set_size(entry,
					       (la_int64_t)strlen(member->content));
		test_check(archive_write_header(tar, entry) >= ARCHIVE_WARN);
		if (member->content)
			test_check(archive_write_data(tar, member->content,
						      strlen(member->content)) >= 0);
		archive_entry_free(entry);
	}
	test_check(archive_write_close(tar) == ARCHIVE_OK);
	archive_write_free(tar);
	return path;
}

static int unpack(const char *path, const char *const *inside, const char *to,
		  struct error *err)
{
	const struct unpack_request request = {
		.path = path, .inside = inside, .folder = to,
	};

	*err = ERROR_INIT;
	return unpack_archive(&request, err);
}

static void test_unpacks(void)
{
	const struct member members[] = {
		{ .name = "top/a", .content = "text", .mtime = 1000000 },
		{ .name = "top/deep/b", .content = "" , .mtime = 1000000 },
		{ .name = "top/link", .link = "a", .mtime = 1000000 },
		{ .name = "top/hard", .link = "top/a", .is_hard_link = true },
		{ .name = "top/future", .content = "x", .mtime = time(NULL) + 99999 },
	};
	const char *folder = test_temp_folder();
	cleanup_free char *to = path_join(folder, "to");
	cleanup_free char *path = write_tar(folder, members, ARRAY_COUNT(members));
	cleanup_free char *a = path_join(to, "top/a"), *text = NULL;
	cleanup_free char *hard = fake_read(to, "top/hard"), *future = NULL;
	struct stat info;
	struct error err;

	if (!test_check(unpack(path, NULL, to, &err) == 0)) {
		fprintf(stderr, "%s\n", err.message);
		return;
	}
	test_check_string(hard, "");
	text = fake_read(to, "top/link");
	test_check_string(text, "text");
	CU_ASSERT_EQUAL(stat(a, &info), 0);
	CU_ASSERT_EQUAL(info.st_mtime, 1000000);
	future = path_join(to, "top/future");
	CU_ASSERT_EQUAL(stat(future, &info), 0);
	CU_ASSERT(info.st_mtime <= time(NULL));
}

static void test_refuses_to_leave_its_folder(void)
{
	const struct {
		struct member members[2];
		const char *part;
	} cases[] = {
		{ { { .name = "../evil", .content = "x" } }, "'..'" },
		{ { { .name = "a/../../evil", .content = "x" } }, "'..'" },
		{ { { .name = "/evil", .content = "x" } }, "absolute" },
		{ { { .name = "l", .link = ".." },
		    { .name = "l/evil", .content = "x" } }, "" },
		{ { { .name = "h", .link = "../evil", .is_hard_link = true } },
		  "'..'" },
		{ { { .name = "h", .link = "/etc/passwd", .is_hard_link = true } },
		  "absolute" },
		{ { { .name = "p", .is_fifo = true } }, "pipe" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		const char *folder = test_temp_folder();
		cleanup_free char *to = path_join(folder, "to");
		cleanup_free char *evil = path_join(folder, "evil");
		cleanup_free char *path = write_tar(
			folder, cases[i].members, cases[i].members[1].name ? 2 : 1);
		struct error err;

		CU_ASSERT_EQUAL(unpack(path, NULL, to, &err), -EINVAL);
		test_check_contains(err.message, cases[i].part);
		CU_ASSERT_FALSE(path_exists(evil));
	}
}

static void test_refuses_what_is_no_archive(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *to = path_join(folder, "to");
	cleanup_free char *path = path_join(folder, "file");
	cleanup_free char *missing = path_join(folder, "missing");
	struct error err;

	fake_write(folder, "file", "no archive, only a line of text\n");
	CU_ASSERT_EQUAL(unpack(path, NULL, to, &err), -EBADMSG);
	test_check_contains(err.message, path);
	CU_ASSERT_EQUAL(unpack(missing, NULL, to, &err), -ENOENT);
	test_check_contains(err.message, "missing");
}

static void test_refuses_a_truncated_archive(void)
{
	const struct member members[] = {
		{ .name = "a", .content = "some text that is cut off" },
	};
	const char *folder = test_temp_folder();
	cleanup_free char *to = path_join(folder, "to");
	cleanup_free char *path = write_tar(folder, members, 1);
	struct error err;

	CU_ASSERT_EQUAL(truncate(path, 520), 0);
	CU_ASSERT_EQUAL(unpack(path, NULL, to, &err), -EBADMSG);
}

static void test_archive_in_an_archive(void)
{
	static const char *const missing[] = { "nothing*", NULL };
	static const char *const inside[] = { "data.tar*", "inner*.tar.xz", NULL };
	const char *const pack[] = { "tar", "-cJf", "inner-1.tar.xz", "a.c", NULL };
	const char *const wrap[] = { "tar", "-cJf", "data.tar.xz",
				     "inner-1.tar.xz", NULL };
	const char *const outer[] = { "ar", "rcD", "x.deb", "debian-binary",
				      "data.tar.xz", NULL };
	const char *folder = test_temp_folder();
	cleanup_free char *to = path_join(folder, "to");
	cleanup_free char *path = path_join(folder, "x.deb"), *text = NULL;
	struct error err;

	fake_write(folder, "a.c", "packed\n");
	fake_write(folder, "debian-binary", "2.0\n");
	if (!test_check(fake_run(folder, pack)) ||
	    !test_check(fake_run(folder, wrap)) ||
	    !test_check(fake_run(folder, outer)))
		return;
	CU_ASSERT_EQUAL(unpack(path, missing, to, &err), -ENOENT);
	test_check_contains(err.message, "nothing*");
	CU_ASSERT_EQUAL(unpack(path, inside, to, &err), 0);
	text = fake_read(to, "a.c");
	test_check_string(text, "packed\n");
}

/* --- single files ------------------------------------------------------------ */

static void test_reads_files(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *plain = path_join(folder, "plain"), *packed = path_join(folder, "plain.gz");
	const char *const gzip[] = { "gzip", "--keep", plain, NULL };
	cleanup_free char *first = NULL, *second = NULL;
	struct error err = ERROR_INIT;
	size_t length = 0;

	CU_ASSERT_EQUAL(file_write_atomic(plain, "text\0more", 9, 0644), 0);
	if (!test_check(fake_run(folder, gzip)))
		return;
	CU_ASSERT_EQUAL(file_read_unpacked(plain, 9, &first, &length, &err), 0);
	CU_ASSERT_EQUAL(length, 9);
	CU_ASSERT_EQUAL(file_read_unpacked(packed, 9, &second, &length, &err), 0);
	if (test_check(length == 9 && first && second))
		CU_ASSERT_EQUAL(memcmp(first, second, 10), 0);
}

static void test_refuses_files(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *plain = path_join(folder, "plain"), *packed = path_join(folder, "plain.gz");
	cleanup_free char *data = NULL, *text = memory_alloc(100001);
	const char *const gzip[] = { "gzip", plain, NULL };
	struct error err = ERROR_INIT;
	size_t length = 0;

	CU_ASSERT_EQUAL(file_read_unpacked(plain, 9, &data, &length, &err), -ENOENT);
	test_check_contains(err.message, plain);
	memset(text, 'x', 100000);
	CU_ASSERT_EQUAL(file_write_atomic(plain, text, 100000, 0644), 0);
	if (!test_check(fake_run(folder, gzip)))
		return;
	/* small as it lies there, large once it is unpacked */
	CU_ASSERT_EQUAL(file_read_unpacked(packed, 99999, &data, &length, &err), -EFBIG);
	CU_ASSERT_EQUAL(truncate(packed, 50), 0);
	CU_ASSERT_EQUAL(file_read_unpacked(packed, 1 << 20, &data, &length, &err), -EBADMSG);
	test_check_contains(err.message, "plain.gz: damaged: ");
	CU_ASSERT_PTR_NULL(data);
}

TEST_SUITE("unpack",
	   {"reads a file that may be compressed", test_reads_files},
	   {"refuses a file that is too large, or damaged", test_refuses_files},
	   {"unpacks", test_unpacks},
	   {"refuses to leave its folder", test_refuses_to_leave_its_folder},
	   {"refuses what is no archive", test_refuses_what_is_no_archive},
	   {"refuses a truncated archive", test_refuses_a_truncated_archive},
	   {"archive in an archive", test_archive_in_an_archive})
