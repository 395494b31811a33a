/* test_files.c - paths, whole files, folders, locks. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "memory.h"
#include "test.h"

static void expect_owned(char *actual, const char *expected)
{
	test_check_string(actual, expected);
	free(actual);
}

static void write_text(const char *path, const char *text)
{
	CU_ASSERT_EQUAL(file_write_atomic(path, text, strlen(text), 0644), 0);
}

static void test_paths(void)
{
	expect_owned(path_join("a", "b"), "a/b");
	expect_owned(path_join("a/", "b"), "a/b");
	expect_owned(path_join("", "b"), "b");
	expect_owned(path_join("a", "/b"), "/b");
	expect_owned(path_folder("a/b"), "a");
	expect_owned(path_folder("b"), ".");
	expect_owned(path_folder("/b"), "/");
	expect_owned(path_folder("/a//b"), "/a");
	test_check_string(path_base_name("/a/b"), "b");
	test_check_string(path_base_name("b"), "b");
	expect_owned(path_absolute("/a/./b//c/../d"), "/a/b/d");
	expect_owned(path_absolute("/../.."), "/");
	expect_owned(path_absolute("/"), "/");
}

static void test_absolute_from_here(void)
{
	cleanup_free char *here = getcwd(NULL, 0);
	cleanup_free char *expected = string_format("%s/x", here);

	expect_owned(path_absolute("./y/../x"), expected);
	expect_owned(path_absolute("."), here);
}

static void test_read_and_write(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "f");
	cleanup_free char *data = NULL;
	size_t length = 0;
	struct stat info;

	CU_ASSERT_EQUAL(file_write_atomic(path, "a\0b", 3, 0640), 0);
	CU_ASSERT_EQUAL(stat(path, &info), 0);
	CU_ASSERT_EQUAL(info.st_mode & 07777, 0640);
	CU_ASSERT_EQUAL(file_read(path, 3, &data, &length), 0);
	CU_ASSERT_EQUAL(length, 3);
	if (test_check(data != NULL))
		CU_ASSERT_EQUAL(memcmp(data, "a\0b", 4), 0);
}

static void test_read_refuses(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, "f");
	cleanup_free char *missing = path_join(folder, "missing");
	char *data = NULL;

	write_text(path, "four");
	CU_ASSERT_EQUAL(file_read(path, 3, &data, NULL), -EFBIG);
	CU_ASSERT_EQUAL(file_read(missing, 3, &data, NULL), -ENOENT);
	CU_ASSERT_EQUAL(file_read(folder, 3, &data, NULL), -EISDIR);
	CU_ASSERT_EQUAL(file_read_line(missing, &data), -ENOENT);
	CU_ASSERT_PTR_NULL(data);
}

static void test_write_leaves_nothing_behind(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *taken = path_join(folder, "taken");
	cleanup_free char *missing = path_join(folder, "missing/f");
	cleanup_strvec struct strvec names = STRVEC_INIT;

	CU_ASSERT_EQUAL(folder_make(taken), 0);
	CU_ASSERT_EQUAL(file_write_atomic(taken, "x", 1, 0644), -EISDIR);
	CU_ASSERT_EQUAL(file_write_atomic(missing, "x", 1, 0644), -ENOENT);
	CU_ASSERT_EQUAL(file_copy("/proc/self/stat", taken, 0644), -EISDIR);
	CU_ASSERT_EQUAL(file_copy(missing, taken, 0644), -ENOENT);
	CU_ASSERT_EQUAL(folder_list(folder, &names), 0);
	CU_ASSERT_EQUAL(names.count, 1);
}

static void test_first_line(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "f");

	static const struct {
		const char *text, *line;
	} cases[] = { { "one\ntwo\n", "one" }, { "one", "one" },
		      { "", "" }, { "\nx", "" } };

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_free char *line = NULL;

		write_text(path, cases[i].text);
		CU_ASSERT_EQUAL(file_read_line(path, &line), 0);
		test_check_string(line, cases[i].line);
	}
}

static void test_proc_file(void)
{
	cleanup_free char *data = NULL;
	size_t length = 0;

	CU_ASSERT_EQUAL(file_read("/proc/self/status", 1 << 20, &data, &length), 0);
	CU_ASSERT_TRUE(length > 0);
	test_check_contains(data, "Pid:");
}

static void test_copy(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *from = path_join(folder, "a");
	cleanup_free char *to = path_join(folder, "b");
	cleanup_free char *big = memory_alloc(200001);
	cleanup_free char *copy = NULL;
	size_t length = 0;

	memset(big, 'k', 200000);
	write_text(from, big);
	CU_ASSERT_EQUAL(file_copy(from, to, 0755), 0);
	CU_ASSERT_EQUAL(file_read(to, 1 << 20, &copy, &length), 0);
	test_check_string(copy, big);
	CU_ASSERT_EQUAL(access(to, X_OK), 0);
}

static void test_symlink(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *link = path_join(folder, "latest");
	char target[64] = "";
	cleanup_strvec struct strvec names = STRVEC_INIT;

	CU_ASSERT_EQUAL(symlink_replace("first", link), 0);
	CU_ASSERT_EQUAL(symlink_replace("second", link), 0);
	CU_ASSERT_EQUAL(readlink(link, target, sizeof(target) - 1), 6);
	test_check_string(target, "second");
	CU_ASSERT_EQUAL(folder_list(folder, &names), 0);
	CU_ASSERT_EQUAL(names.count, 1);
	CU_ASSERT_EQUAL(symlink_replace("x", "/proc/none/x"), -ENOENT);
}

static void test_make_folders(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *deep = path_join(folder, "a/b//c/");
	cleanup_free char *file = path_join(folder, "f");
	cleanup_free char *below = path_join(folder, "f/x");

	CU_ASSERT_EQUAL(folder_make(deep), 0);
	CU_ASSERT_EQUAL(folder_make(deep), 0);
	CU_ASSERT_TRUE(path_is_folder(deep));
	write_text(file, "x");
	CU_ASSERT_EQUAL(folder_make(file), -ENOTDIR);
	CU_ASSERT_EQUAL(folder_make(below), -ENOTDIR);
	CU_ASSERT_EQUAL(folder_make(""), -ENOENT);
}

static void test_remove(void)
{
	const char *folder = test_temp_folder(), *other = test_temp_folder();
	cleanup_free char *deep = path_join(folder, "t/a/b");
	cleanup_free char *file = path_join(deep, "f");
	cleanup_free char *link = path_join(deep, "link");
	cleanup_free char *kept = path_join(other, "kept");
	cleanup_free char *top = path_join(folder, "t");

	CU_ASSERT_EQUAL(folder_make(deep), 0);
	write_text(file, "x");
	write_text(kept, "x");
	CU_ASSERT_EQUAL(symlink(other, link), 0);
	CU_ASSERT_EQUAL(folder_remove(top), 0);
	CU_ASSERT_FALSE(path_exists(top));
	CU_ASSERT_TRUE(path_exists(kept));
	CU_ASSERT_EQUAL(folder_remove(top), 0);
	CU_ASSERT_EQUAL(folder_remove(kept), 0);
	CU_ASSERT_FALSE(path_exists(kept));
}

static void test_disk_bytes(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *one = path_join(folder, "one");
	cleanup_free char *two = path_join(folder, "two");
	cleanup_free char *big = memory_alloc(1 << 20);
	uint64_t empty = 0, alone = 0, unshared = 0, shared = 0;

	memset(big, 'x', 1 << 20);
	CU_ASSERT_EQUAL(folder_disk_bytes(folder, true, &empty), 0);
	CU_ASSERT_EQUAL(file_write_atomic(one, big, 1 << 20, 0644), 0);
	CU_ASSERT_EQUAL(folder_disk_bytes(folder, false, &alone), 0);
	CU_ASSERT_TRUE(alone >= empty + (1 << 20));
	CU_ASSERT_EQUAL(link(one, two), 0);
	CU_ASSERT_EQUAL(folder_disk_bytes(folder, false, &unshared), 0);
	CU_ASSERT_TRUE(unshared + (1 << 20) <= alone);
	CU_ASSERT_EQUAL(folder_disk_bytes(folder, true, &shared), 0);
	CU_ASSERT_EQUAL(shared, alone);
	CU_ASSERT_EQUAL(folder_disk_bytes("/proc/none", true, &shared), -ENOENT);
}

static void test_disk_bytes_of_many_links(void)
{
	const char *folder = test_temp_folder();
	uint64_t once = 0, twice = 0;

	/* More inodes than the set starts with. */
	for (int i = 0; i < 1500; i++) {
		cleanup_free char *a = string_format("%s/a%d", folder, i);
		cleanup_free char *b = string_format("%s/b%d", folder, i);
		int fd = open(a, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		if (!test_check(fd >= 0 && write(fd, "x", 1) == 1))
			return;
		(void)close(fd);
		if (!test_check(link(a, b) == 0))
			return;
	}
	CU_ASSERT_EQUAL(folder_disk_bytes(folder, true, &once), 0);
	for (int i = 0; i < 1500; i++) {
		cleanup_free char *b = string_format("%s/b%d", folder, i);

		CU_ASSERT_EQUAL(unlink(b), 0);
	}
	CU_ASSERT_EQUAL(folder_disk_bytes(folder, true, &twice), 0);
	/* The folder's own blocks may stay or shrink, the files' do not. */
	CU_ASSERT_TRUE(once >= twice && once - twice < (1 << 20));
}

static void test_list(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *b = path_join(folder, "b");
	cleanup_free char *a = path_join(folder, ".a");
	cleanup_strvec struct strvec names = STRVEC_INIT;

	strvec_push(&names, "old");
	CU_ASSERT_EQUAL(folder_list("/proc/none", &names), -ENOENT);
	CU_ASSERT_EQUAL(names.count, 1);
	write_text(b, "");
	write_text(a, "");
	CU_ASSERT_EQUAL(folder_list(folder, &names), 0);
	if (!test_check(names.count == 2))
		return;
	test_check_string(names.items[0], ".a");
	test_check_string(names.items[1], "b");
}

static void test_disk_free(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *missing = path_join(folder, "not/yet/there");
	uint64_t bytes = 0;

	CU_ASSERT_EQUAL(disk_free_bytes(missing, &bytes), 0);
	CU_ASSERT_TRUE(bytes > 0);
}

/* 0, or the negative errno that another process sees. */
static int lock_elsewhere(const char *path, bool exclusive)
{
	pid_t child = fork();
	int status = 0, fd;

	if (child == 0)
		_exit(-lock_acquire(path, exclusive, false, &fd));
	(void)waitpid(child, &status, 0);
	return -WEXITSTATUS(status);
}

static void test_lock(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "lock");
	int fd = -1;

	CU_ASSERT_EQUAL(lock_acquire("/proc/none/lock", true, false, &fd), -ENOENT);
	CU_ASSERT_EQUAL(fd, -1);
	CU_ASSERT_EQUAL(lock_acquire(path, false, true, &fd), 0);
	CU_ASSERT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CU_ASSERT_EQUAL(lock_elsewhere(path, false), 0);
	CU_ASSERT_EQUAL(lock_elsewhere(path, true), -EWOULDBLOCK);
	(void)close(fd);
	CU_ASSERT_EQUAL(lock_acquire(path, true, false, &fd), 0);
	CU_ASSERT_EQUAL(lock_elsewhere(path, false), -EWOULDBLOCK);
	(void)close(fd);
	CU_ASSERT_EQUAL(lock_elsewhere(path, true), 0);
}

TEST_SUITE("files",
	   {"paths", test_paths},
	   {"absolute from here", test_absolute_from_here},
	   {"read and write", test_read_and_write},
	   {"read refuses", test_read_refuses},
	   {"a failed write leaves nothing", test_write_leaves_nothing_behind},
	   {"first line", test_first_line},
	   {"files without a size", test_proc_file},
	   {"copy", test_copy},
	   {"symlink is replaced", test_symlink},
	   {"make folders", test_make_folders},
	   {"remove follows no link", test_remove},
	   {"disk bytes", test_disk_bytes},
	   {"disk bytes of many links", test_disk_bytes_of_many_links},
	   {"list", test_list},
	   {"disk free", test_disk_free},
	   {"locks", test_lock})
