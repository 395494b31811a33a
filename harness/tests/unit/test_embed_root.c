#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "embed_root.h"
#include "files.h"
#include "memory.h"
#include "test.h"

#define GONE_MS 2000

/* A process whose command line names the folder in KERNGATE_TEST_ARGUMENT. */
static int role_victim(void)
{
	printf("%d\n", (int)getpid());
	fflush(stdout);
	execl("/bin/sleep", getenv("KERNGATE_TEST_ARGUMENT"), "1000",
	      (char *)NULL);
	return 127;
}
TEST_ROLE("sweep-victim", role_victim)

static bool start_victim(const char *argument, struct test_child *ret_child)
{
	cleanup_free char *path = NULL;

	setenv("KERNGATE_TEST_ARGUMENT", argument, 1);
	if (!test_check(test_child_start("sweep-victim", ret_child)) ||
	    !test_check(test_child_number(ret_child) == ret_child->pid))
		return false;
	path = string_format("/proc/%d/comm", (int)ret_child->pid);
	for (int i = 0; i < 2000; i++) {
		cleanup_free char *name = NULL;

		if (file_read_line(path, &name) == 0 &&
		    strcmp(name, "sleep") == 0)
			return true;
		usleep(1000);
	}
	return test_check(false);
}

/* place/kerngate-vm-NAME with a pid file, as a dead harness leaves it; owned. */
static char *make_left_over(const char *place, const char *name,
			    const char *pid_file, pid_t pid)
{
	char *folder = string_format("%s/kerngate-vm-%s", place, name);
	cleanup_free char *etc = path_join(folder, "etc");
	cleanup_free char *config = path_join(etc, "qemu.conf");
	cleanup_free char *pid_path = path_join(folder, pid_file);
	cleanup_free char *pid_folder = path_folder(pid_path);
	cleanup_free char *text = string_format("%d\n", (int)pid);

	test_check(folder_make(etc) == 0 && folder_make(pid_folder) == 0);
	test_check(file_write_atomic(config, "", 0, 0600) == 0);
	test_check(file_write_atomic(pid_path, text, strlen(text), 0600) == 0);
	return folder;
}

static void check_sweeps(const char *pid_file)
{
	const char *place = test_temp_folder();
	cleanup_free char *argument =
		string_format("%s/kerngate-vm-abcdef/lib/x", place);
	cleanup_free char *folder = NULL;
	struct test_child victim;

	if (!start_victim(argument, &victim))
		return;
	folder = make_left_over(place, "abcdef", pid_file, victim.pid);
	embed_root_sweep(place);
	test_check(test_process_gone(victim.pid, GONE_MS));
	CU_ASSERT_FALSE(path_exists(folder));
	test_child_end(&victim);
}

static void test_sweeps(void)
{
	check_sweeps("run/qemu/guest.pid");
	check_sweeps("lib/qemu/qmp-AAAAAA/qmp.pid");
}

/* The process id was reused by a stranger. */
static void test_spares_strangers(void)
{
	const char *place = test_temp_folder();
	cleanup_free char *argument =
		string_format("%s/kerngate-vm-abcdefg/", place);
	cleanup_free char *folder = NULL;
	struct test_child victim;

	if (!start_victim(argument, &victim))
		return;
	folder = make_left_over(place, "abcdef", "run/qemu/guest.pid",
				victim.pid);
	embed_root_sweep(place);
	CU_ASSERT_FALSE(test_process_gone(victim.pid, 0));
	CU_ASSERT_FALSE(path_exists(folder));
	test_child_end(&victim);
}

static void test_spares_the_living(void)
{
	const char *place = test_temp_folder();
	cleanup_free char *argument =
		string_format("%s/kerngate-vm-abcdef/", place);
	cleanup_free char *folder = NULL;
	cleanup_close int lock = -1;
	struct test_child victim;

	if (!start_victim(argument, &victim))
		return;
	folder = make_left_over(place, "abcdef", "run/qemu/guest.pid",
				victim.pid);
	lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_check(flock(lock, LOCK_EX | LOCK_NB) == 0);
	embed_root_sweep(place);
	CU_ASSERT_FALSE(test_process_gone(victim.pid, 0));
	CU_ASSERT_TRUE(path_exists(folder));
	test_child_end(&victim);
}

static void test_spares_others_folders(void)
{
	const char *place = test_temp_folder();
	cleanup_free char *full = path_join(place, "kerngate-vm-mydata");
	cleanup_free char *file = path_join(full, "thesis.txt");
	cleanup_free char *empty = path_join(place, "kerngate-vm-aaaaaa");
	cleanup_free char *longer = path_join(place, "kerngate-vm-results");
	cleanup_free char *link = path_join(place, "kerngate-vm-linked");

	test_check(folder_make(full) == 0 && folder_make(longer) == 0 &&
		   folder_make(empty) == 0);
	test_check(file_write_atomic(file, "x", 1, 0600) == 0);
	test_check(symlink(full, link) == 0);
	embed_root_sweep(place);
	embed_root_sweep("/nonexistent");
	CU_ASSERT_TRUE(path_exists(file));
	CU_ASSERT_TRUE(path_exists(longer));
	CU_ASSERT_TRUE(path_exists(link));
	/* What died before its first file was written. */
	CU_ASSERT_FALSE(path_exists(empty));
}

/* Points XDG folders to a new place while a test runs. */
static char *enter_place(void)
{
	char *place = string_format("%s", test_temp_folder());

	setenv("XDG_RUNTIME_DIR", place, 1);
	setenv("XDG_CACHE_HOME", place, 1);
	return place;
}

static void leave_place(char *place)
{
	unsetenv("XDG_RUNTIME_DIR");
	unsetenv("XDG_CACHE_HOME");
	free(place);
}

static void test_makes_a_root(void)
{
	char *place = enter_place();
	struct embed_root *root = NULL;
	cleanup_free char *path = NULL;
	cleanup_free char *config = NULL;
	cleanup_free char *text = NULL;
	struct error err = ERROR_INIT;
	struct stat status;

	if (test_check(embed_root_create("9000000", "/bin/true", &root,
					 &err) == 0)) {
		path = string_copy(embed_root_path(root));
		config = path_join(path, "etc/qemu.conf");
		CU_ASSERT_TRUE(strlen(path) <= 50);
		CU_ASSERT_EQUAL(stat(path, &status), 0);
		CU_ASSERT_EQUAL(status.st_mode & 0777, 0700);
		CU_ASSERT_EQUAL(file_read(config, 65536, &text, NULL), 0);
		test_check_contains(text, "stdio_handler = \"file\"");
		embed_root_sweep(place); /* it lives: nothing happens */
		CU_ASSERT_TRUE(path_exists(config));
		embed_root_remove(root);
		CU_ASSERT_FALSE(path_exists(path));
	}
	embed_root_remove(NULL);
	leave_place(place);
}

static void write_abilities(const struct embed_root *root, const char *text)
{
	/* SHA-256 of "/bin/true". */
	cleanup_free char *path = string_format(
		"%s/cache/qemu/capabilities/%s.xml", embed_root_path(root),
		"b5e6f77be438be2102aff91bb048414f26e4ed0c05b6986e84f0c35806afc018");
	cleanup_free char *folder = path_folder(path);

	test_check(folder_make(folder) == 0);
	test_check(file_write_atomic(path, text, strlen(text), 0600) == 0);
}

static size_t count_abilities(const struct embed_root *root)
{
	cleanup_free char *folder = path_join(embed_root_path(root),
					      "cache/qemu/capabilities");
	cleanup_strvec struct strvec names = STRVEC_INIT;

	return folder_list(folder, &names) == 0 ? names.count : 0;
}

static void test_keeps_abilities(void)
{
	char *place = enter_place();
	struct embed_root *root = NULL;
	struct error err = ERROR_INIT;

	if (test_check(embed_root_create("1", "/bin/true", &root, &err) == 0)) {
		CU_ASSERT_EQUAL(count_abilities(root), 0);
		write_abilities(root, "<qemuCaps/>");
		embed_root_keep_abilities(root);
		embed_root_remove(root);
	}
	if (test_check(embed_root_create("1", "/bin/true", &root, &err) == 0)) {
		CU_ASSERT_EQUAL(count_abilities(root), 1);
		embed_root_remove(root);
	}
	/* Another version of libvirt has to look for itself. */
	if (test_check(embed_root_create("2", "/bin/true", &root, &err) == 0)) {
		CU_ASSERT_EQUAL(count_abilities(root), 0);
		embed_root_remove(root);
	}
	leave_place(place);
}

TEST_SUITE("embed_root",
	   {"makes a folder of its own", test_makes_a_root},
	   {"keeps what was probed", test_keeps_abilities},
	   {"sweeps after the dead", test_sweeps},
	   {"spares reused process ids", test_spares_strangers},
	   {"spares the living", test_spares_the_living},
	   {"spares other folders", test_spares_others_folders})
