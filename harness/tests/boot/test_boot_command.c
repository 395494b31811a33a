/* `kerngate boot` with real guests. The kernel comes from the cache. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "files.h"
#include "memory.h"
#include "process.h"
#include "test.h"

#define BOOT_TIMEOUT_NS (120 * NS_PER_SECOND)
#define BOOT_TIMEOUT_MS 120000

/* Owned. */
static char *program_path(void)
{
	const char *named = getenv("KERNGATE");

	return named && *named ? path_absolute(named) :
				 path_join(test_root(), "build/check/kerngate");
}

static int run_boot(const char *option, const char *value, char **ret_output)
{
	cleanup_free char *program = program_path();
	const char *const argv[] = { program, "boot", "stock", option, value,
				     NULL };
	const struct process_options options = { .capture = true,
						 .timeout_ns = BOOT_TIMEOUT_NS };
	struct error err = ERROR_INIT;
	int code = process_run(argv, &options, ret_output, &err);

	if (code < 0)
		fprintf(stderr, "boot test: %s\n", err.message);
	return code;
}

static void test_shows_console(void)
{
	cleanup_free char *output = NULL;

	CU_ASSERT_EQUAL(run_boot("--append", "kerngate.test_word=7", &output), 0);
	test_check_contains(output, "Linux version 7.3");
	test_check_contains(output, "kerngate.test_word=7");
	test_check_contains(output, "1 of 1 boots passed");
	test_check_contains(output, "the harness's own cost");
}

static void test_counts(void)
{
	cleanup_free char *output = NULL;

	CU_ASSERT_EQUAL(run_boot("--count", "3", &output), 0);
	test_check_contains(output, "3 of 3 boots passed");
	test_check_contains(output, "create to user space");
	CU_ASSERT_PTR_NULL(strstr(output, "Linux version"));
}

/* A panic before user space: said, and the status tells. */
static void test_failed_boot(void)
{
	cleanup_free char *output = NULL;

	CU_ASSERT_EQUAL(run_boot("--append", "rdinit=/nonexistent", &output),
			-EREMOTEIO);
}

/* Input that is no terminal is typed into the shell; its end ends the guest. The guest
 * has its disk and its NVDIMM, of 1 GiB and 256 MiB. */
static int role_shell(void)
{
	cleanup_free char *program = program_path();
	int ends[2];

	static const char script[] = "echo $((6*7)) is the answer\n"
				     "cat /proc/partitions\n";

	if (pipe(ends) < 0 ||
	    write(ends[1], script, sizeof(script) - 1) < 0)
		return 1;
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	execl(program, program, "boot", "stock", "--shell", "--guest", "disk", "--accel",
	      "tcg", (char *)NULL);
	return 127;
}
TEST_ROLE("boot-shell-script", role_shell)

static void test_scripted_shell(void)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	struct test_child child;
	char line[1024];

	if (!test_check(test_child_start("boot-shell-script", &child)))
		return;
	while (test_child_line(&child, line, sizeof(line)))
		strbuf_addf(&text, "%s\n", line);
	CU_ASSERT_EQUAL(test_child_wait(&child, BOOT_TIMEOUT_MS), 0);
	test_check_contains(text.data, "42 is the answer");
	test_check_contains(text.data, "1048576 vda");
	test_check_contains(text.data, "262144 pmem0");
	test_check_contains(text.data, "Power down");
	test_child_end(&child);
}

/* --- at a terminal ------------------------------------------------------------- */

struct terminal {
	int master;
	char *path;          /* of the other end; owned */
	struct termios before;
};

static bool terminal_open(struct terminal *ret)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	*ret = (struct terminal){ .master = fd };
	return fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0 &&
	       (ret->path = string_copy(ptsname(fd))) != NULL &&
	       tcgetattr(fd, &ret->before) == 0;
}

static void terminal_close(struct terminal *terminal)
{
	close(terminal->master);
	free(terminal->path);
}

/* Has the terminal in KERNGATE_TEST_TERMINAL as its own. */
static int role_at_terminal(void)
{
	cleanup_free char *program = program_path();
	int fd;

	/* What a kill -9 leaves lies in the test's own folder. */
	setenv("TMPDIR", getenv("KERNGATE_TEST_FOLDER"), 1);
	setenv("XDG_RUNTIME_DIR", getenv("KERNGATE_TEST_FOLDER"), 1);
	setsid();
	fd = open(getenv("KERNGATE_TEST_TERMINAL"), O_RDWR);
	if (fd < 0)
		return 1;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	execl(program, program, "boot", "stock", "--shell", "--accel",
	      "tcg", (char *)NULL);
	return 127;
}
TEST_ROLE("boot-shell-terminal", role_at_terminal)

/* Reads until the text was there; what was read is dropped. */
static bool expect_text(int fd, const char *wanted)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	uint64_t until_ns = clock_monotonic_ns() + BOOT_TIMEOUT_NS;

	while (clock_monotonic_ns() < until_ns) {
		char block[1024];
		ssize_t got = read(fd, block, sizeof(block));

		if (got <= 0)
			return false;
		strbuf_add(&text, block, (size_t)got);
		if (strstr(text.data, wanted))
			return true;
	}
	return false;
}

static bool type_text(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static void check_restored(const struct terminal *terminal)
{
	struct termios after;

	test_check(tcgetattr(terminal->master, &after) == 0);
	CU_ASSERT_EQUAL(after.c_lflag, terminal->before.c_lflag);
	CU_ASSERT_EQUAL(after.c_iflag, terminal->before.c_iflag);
	CU_ASSERT_EQUAL(after.c_oflag, terminal->before.c_oflag);
}

/* Up to the shell's prompt; our own end of the other side keeps the terminal
 * alive for the look at its settings afterwards. */
static bool start_at_terminal(struct terminal *terminal, int *ret_other,
			      struct test_child *ret_child)
{
	struct termios raw;

	if (!test_check(terminal_open(terminal)))
		return false;
	*ret_other = open(terminal->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	setenv("KERNGATE_TEST_TERMINAL", terminal->path, 1);
	setenv("KERNGATE_TEST_FOLDER", test_temp_folder(), 1);
	if (!test_check(test_child_start("boot-shell-terminal", ret_child)))
		return false;
	if (!test_check(expect_text(terminal->master, "/ # ")) ||
	    !test_check(tcgetattr(terminal->master, &raw) == 0))
		return false;
	CU_ASSERT_EQUAL(raw.c_lflag & (ICANON | ECHO), 0);
	return true;
}

static void test_terminal_exit(void)
{
	struct terminal terminal;
	struct test_child child;
	int other;

	if (start_at_terminal(&terminal, &other, &child)) {
		test_check(type_text(terminal.master, "echo $((6*7))x\r"));
		test_check(expect_text(terminal.master, "42x"));
		test_check(type_text(terminal.master, "exit\r"));
		test_check(expect_text(terminal.master, "Power down"));
		CU_ASSERT_EQUAL(test_child_wait(&child, BOOT_TIMEOUT_MS), 0);
		check_restored(&terminal);
	}
	test_child_end(&child);
	close(other);
	terminal_close(&terminal);
}

static void test_terminal_leave(void)
{
	struct terminal terminal;
	struct test_child child;
	int other;

	if (start_at_terminal(&terminal, &other, &child)) {
		test_check(type_text(terminal.master, "\x1d"));
		CU_ASSERT_EQUAL(test_child_wait(&child, BOOT_TIMEOUT_MS), 0);
		check_restored(&terminal);
	}
	test_child_end(&child);
	close(other);
	terminal_close(&terminal);
}

/* The harness below the supervisor, which is our child. */
static pid_t harness_of(pid_t supervisor)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;

	(void)!folder_list("/proc", &names);
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *path =
			string_format("/proc/%s/stat", names.items[i]);
		cleanup_free char *text = NULL;
		const char *fields;
		int parent;

		if (strspn(names.items[i], "0123456789") !=
			    strlen(names.items[i]) ||
		    file_read_line(path, &text) < 0)
			continue;
		fields = strrchr(text, ')');
		if (fields && strstr(text, "(kerngate)") &&
		    sscanf(fields + 1, " %*c %d", &parent) == 1 &&
		    parent == supervisor)
			return (pid_t)atoi(names.items[i]);
	}
	return -1;
}

/* kill -9 leaves the terminal as it was, too: the supervisor sees to it. */
static void test_terminal_killed(void)
{
	struct terminal terminal;
	struct test_child child;
	int other;

	if (start_at_terminal(&terminal, &other, &child)) {
		pid_t harness = harness_of(child.pid);

		if (test_check(harness > 0))
			kill(harness, SIGKILL);
		CU_ASSERT_EQUAL(test_child_wait(&child, BOOT_TIMEOUT_MS),
				128 + SIGKILL);
		check_restored(&terminal);
	}
	test_child_end(&child);
	close(other);
	terminal_close(&terminal);
}

TEST_SUITE("boot_command",
	   {"shows the console", test_shows_console},
	   {"counts and times", test_counts},
	   {"a boot that fails", test_failed_boot},
	   {"a scripted shell", test_scripted_shell},
	   {"a shell at a terminal", test_terminal_exit},
	   {"leaving a shell by Ctrl-]", test_terminal_leave},
	   {"kill -9 restores the terminal", test_terminal_killed})
