/* test_process.c - other programs: results, output, deadlines, cancelling. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "test.h"

/* A shell is the handiest program with any behaviour wanted. */
#define SHELL(script) ((const char *const[]){ "sh", "-c", script, NULL })

static void test_success(void)
{
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("exit 0"), NULL, NULL, &err), 0);
	CU_ASSERT_EQUAL(err.code, 0);
}

static void test_exit_status(void)
{
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("echo first >&2; echo why >&2; exit 3"),
				    NULL, NULL, &err), -EREMOTEIO);
	test_check_string(err.message, "sh: exit status 3: first\nwhy");
}

static void test_signal(void)
{
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("kill -SEGV $$"), NULL, NULL, &err),
			-EREMOTEIO);
	test_check_contains(err.message, "sh: killed by signal 11");
}

static void test_not_found(void)
{
	const char *const argv[] = { "no-such-program-here", NULL };
	const char *const by_path[] = { "/proc/none/program", NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(argv, NULL, NULL, &err), -ENOENT);
	test_check_string(err.message,
			  "no-such-program-here: program not found in PATH");
	CU_ASSERT_EQUAL(process_run(by_path, NULL, NULL, &err), -ENOENT);
	test_check_contains(err.message, "cannot be started");
}

static void test_not_executable(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "program");
	const char *argv[] = { path, NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(file_write_atomic(path, "x", 1, 0644), 0);
	CU_ASSERT_EQUAL(process_run(argv, NULL, NULL, &err), -EACCES);
	test_check_contains(err.message, "program: cannot be started");
}

static void test_bad_folder(void)
{
	const struct process_options options = { .folder = "/proc/none" };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("true"), &options, NULL, &err),
			-ENOENT);
	test_check_contains(err.message, "/proc/none");
}

static void test_capture(void)
{
	const struct process_options options = { .capture = true };
	cleanup_free char *output = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("echo out; echo err >&2"), &options,
				    &output, &err), 0);
	test_check_string(output, "out\n");
	CU_ASSERT_EQUAL(process_run(SHELL("echo out; echo err >&2; exit 1"),
				    &options, &output, &err), -EREMOTEIO);
	test_check_string(err.message, "sh: exit status 1: err");
	test_check_string(output, "out\n");
	CU_ASSERT_EQUAL(process_run(SHELL("echo out"), &options, NULL, &err), 0);
}

static void test_capture_much(void)
{
	const struct process_options options = { .capture = true };
	cleanup_free char *output = NULL;
	struct error err = ERROR_INIT;

	/* More than a pipe holds, on both streams. */
	CU_ASSERT_EQUAL(process_run(SHELL("head -c 300000 /dev/zero | tr '\\0' e >&2;"
					  "head -c 300000 /dev/zero | tr '\\0' o"),
				    &options, &output, &err), 0);
	if (test_check(output != NULL))
		CU_ASSERT_EQUAL(strlen(output), 300000);
}

static void test_folder_and_environment(void)
{
	const char *folder = test_temp_folder();
	const char *const environment[] = { "KERNGATE_A=new", "HOME=/h", NULL };
	const struct process_options options = {
		.folder = folder, .environment = environment, .capture = true,
	};
	cleanup_free char *output = NULL;
	cleanup_free char *expected = string_format("%s new /h\n", folder);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("echo $(pwd -P) $KERNGATE_A $HOME"),
				    &options, &output, &err), 0);
	test_check_string(output, expected);
}

static void collect_line(void *context, const char *line)
{
	strvec_push(context, line);
}

static void test_lines(void)
{
	cleanup_strvec struct strvec lines = STRVEC_INIT;
	const struct process_options options = {
		.on_line = collect_line, .context = &lines,
	};
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("printf 'a\\n\\nb'; printf c >&2"),
				    &options, NULL, &err), 0);
	if (!test_check(lines.count == 3))
		return;
	test_check_string(lines.items[0], "a");
	test_check_string(lines.items[1], "");
	test_check_string(lines.items[2], "bc");
}

static void test_endless_line(void)
{
	cleanup_strvec struct strvec lines = STRVEC_INIT;
	const struct process_options options = {
		.on_line = collect_line, .context = &lines,
	};
	struct error err = ERROR_INIT;
	size_t length = 0;

	CU_ASSERT_EQUAL(process_run(SHELL("head -c 1000000 /dev/zero | tr '\\0' x"),
				    &options, NULL, &err), 0);
	for (size_t i = 0; i < lines.count; i++) {
		CU_ASSERT_TRUE(strlen(lines.items[i]) <= 2 * 65536);
		length += strlen(lines.items[i]);
	}
	CU_ASSERT_EQUAL(length, 1000000);
}

static void test_output_file(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "log");
	const struct process_options options = { .output_path = path };
	cleanup_free char *text = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("echo one"), &options, NULL, &err), 0);
	CU_ASSERT_EQUAL(process_run(SHELL("echo two >&2; exit 1"), &options,
				    NULL, &err), -EREMOTEIO);
	test_check_contains(err.message, ": two");
	CU_ASSERT_EQUAL(file_read(path, 1000, &text, NULL), 0);
	test_check_string(text, "one\ntwo\n");
}

static void test_output_file_refused(void)
{
	const struct process_options missing = { .output_path = "/proc/none/log" };
	const struct process_options full = { .output_path = "/dev/full" };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("true"), &missing, NULL, &err), -ENOENT);
	CU_ASSERT_EQUAL(process_run(SHELL("echo x; exec sleep 60"), &full, NULL,
				    &err), -ENOSPC);
	test_check_contains(err.message, "/dev/full");
}

static void test_timeout(void)
{
	const struct process_options options = { .timeout_ns = 50 * NS_PER_MS };
	uint64_t began_ns = clock_monotonic_ns();
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("echo hint; exec sleep 60"), &options,
				    NULL, &err), -ETIMEDOUT);
	test_check_contains(err.message, "50 ms");
	test_check_contains(err.message, "hint");
	CU_ASSERT_TRUE(clock_monotonic_ns() - began_ns < 30 * NS_PER_SECOND);
}

static void test_timeout_of_the_stubborn(void)
{
	const struct process_options options = { .timeout_ns = 300 * NS_PER_MS };
	uint64_t began_ns = clock_monotonic_ns();
	struct error err = ERROR_INIT;

	/* The group's other members hold the pipe; SIGKILL ends them as well. */
	CU_ASSERT_EQUAL(process_run(SHELL("trap '' TERM; sleep 60; sleep 60"),
				    &options, NULL, &err), -ETIMEDOUT);
	CU_ASSERT_TRUE(clock_monotonic_ns() - began_ns < 30 * NS_PER_SECOND);
}

/* One for all: what runs is ended, and nothing more starts. */
static void test_deadline(void)
{
	const struct process_options patient = { .timeout_ns = 60 * NS_PER_SECOND };
	const struct process_options hasty = { .timeout_ns = 50 * NS_PER_MS };
	uint64_t began_ns = clock_monotonic_ns();
	struct error err = ERROR_INIT;

	process_set_deadline(began_ns + 50 * NS_PER_MS);
	CU_ASSERT_EQUAL(process_run(SHELL("exec sleep 60"), &patient, NULL, &err), -ETIME);
	test_check_contains(err.message, "its time is up");
	CU_ASSERT_TRUE(process_deadline_passed());
	CU_ASSERT_EQUAL(process_run(SHELL("true"), NULL, NULL, &err), -ETIME);
	test_check_contains(err.message, "not started");
	/* a timeout of its own that comes first is what it was */
	process_set_deadline(clock_monotonic_ns() + 60 * NS_PER_SECOND);
	CU_ASSERT_FALSE(process_deadline_passed());
	CU_ASSERT_EQUAL(process_run(SHELL("exec sleep 60"), &hasty, NULL, &err), -ETIMEDOUT);
	process_set_deadline(0);
	CU_ASSERT_FALSE(process_deadline_passed());
	CU_ASSERT_EQUAL(process_run(SHELL("true"), NULL, NULL, &err), 0);
	CU_ASSERT_TRUE(clock_monotonic_ns() - began_ns < 30 * NS_PER_SECOND);
}

/* It was killed: it is gone, or dies now (a pidfd is readable from then on,
 * reaped or not by whoever is PID 1). */
static void check_ends(pid_t pid)
{
	cleanup_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = { .fd = fd, .events = POLLIN };

	if (fd < 0) {
		CU_ASSERT_EQUAL(errno, ESRCH);
		return;
	}
	CU_ASSERT_EQUAL(poll(&end, 1, 10000), 1);
}

static void test_leftovers_end(void)
{
	const struct process_options options = { .capture = true };
	cleanup_free char *output = NULL;
	struct error err = ERROR_INIT;
	uint64_t began_ns = clock_monotonic_ns();
	pid_t left;

	CU_ASSERT_EQUAL(process_run(SHELL("sleep 60 & echo $!"), &options,
				    &output, &err), 0);
	CU_ASSERT_TRUE(clock_monotonic_ns() - began_ns < 30 * NS_PER_SECOND);
	if (!test_check(output != NULL))
		return;
	left = atoi(output);
	CU_ASSERT_TRUE(left > 1);
	if (left > 1)
		check_ends(left);
}

static void test_no_input(void)
{
	const struct process_options options = { .capture = true };
	cleanup_free char *output = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("cat; echo end"), &options, &output,
				    &err), 0);
	test_check_string(output, "end\n");
}

static void test_input(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "in");
	struct process_options options = { .capture = true, .input_path = path };
	cleanup_free char *output = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(process_run(SHELL("cat"), &options, &output, &err), -ENOENT);
	test_check_contains(err.message, path);
	CU_ASSERT_EQUAL(file_write_atomic(path, "one\ntwo", 7, 0644), 0);
	CU_ASSERT_EQUAL(process_run(SHELL("cat; echo; echo end"), &options, &output, &err), 0);
	test_check_string(output, "one\ntwo\nend\n");
}

static void test_find_program(void)
{
	cleanup_free char *shell = process_find_program("sh");
	cleanup_free char *by_path = process_find_program("/bin/sh");

	if (test_check(shell != NULL))
		CU_ASSERT_EQUAL(shell[0], '/');
	test_check_string(by_path, "/bin/sh");
	CU_ASSERT_PTR_NULL(process_find_program("no-such-program-here"));
	CU_ASSERT_PTR_NULL(process_find_program(""));
	CU_ASSERT_PTR_NULL(process_find_program("/bin"));
}

/* Cancelling is for good, so a process of its own tries it. */
static void cancel_from_line(void *context, const char *line)
{
	(void)context;
	(void)line;
	process_cancel_all();
}

static int cancel_in_child(void)
{
	const struct process_options options = { .on_line = cancel_from_line };
	struct error err = ERROR_INIT;

	if (process_is_cancelled())
		return 1;
	if (process_run(SHELL("echo go; exec sleep 60"), &options, NULL, &err) !=
	    -ECANCELED)
		return 2;
	if (!process_is_cancelled())
		return 3;
	if (process_run(SHELL("true"), NULL, NULL, &err) != -ECANCELED)
		return 4;
	return 0;
}

static void *cancel_thread(void *folder)
{
	cleanup_free char *mark = path_join(folder, "started");
	uint64_t deadline_ns = clock_monotonic_ns() + 20 * NS_PER_SECOND;

	while (!path_exists(mark) && clock_monotonic_ns() < deadline_ns)
		(void)poll(NULL, 0, 1);
	process_cancel_all();
	return NULL;
}

static int cancel_from_thread(const char *folder)
{
	const struct process_options options = { .folder = folder };
	struct error err = ERROR_INIT;
	pthread_t thread;
	int code;

	if (pthread_create(&thread, NULL, cancel_thread,
			   (void *)(uintptr_t)folder) != 0)
		return 1;
	code = process_run(SHELL("touch started; exec sleep 60"), &options,
			   NULL, &err);
	pthread_join(thread, NULL);
	return code == -ECANCELED ? 0 : 2;
}

static void test_cancel(void)
{
	const char *folder = test_temp_folder();
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(cancel_in_child());
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	child = fork();
	if (child == 0)
		_exit(cancel_from_thread(folder));
	CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
	CU_ASSERT_EQUAL(status, 0);
	CU_ASSERT_FALSE(process_is_cancelled());
}

/* The grandchild holds a pipe's end: it closes when the grandchild is gone. */
static void test_dies_with_us(void)
{
	int ends[2];
	char byte = 0;
	struct pollfd fd;
	pid_t child;

	if (!test_check(pipe(ends) == 0))
		return;
	child = fork();
	if (child == 0) {
		cleanup_free char *script =
			string_format("echo x >&%d; exec sleep 60", ends[1]);
		const struct process_options options = { .folder = "/" };

		(void)close(ends[0]);
		_exit(process_run(SHELL(script), &options, NULL, NULL) != 0);
	}
	(void)close(ends[1]);
	CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 1);
	CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
	CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
	CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 1); /* the newline */
	fd = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	CU_ASSERT_EQUAL(poll(&fd, 1, 20000), 1);
	CU_ASSERT_EQUAL(read(ends[0], &byte, 1), 0);
	(void)close(ends[0]);
}

TEST_SUITE("process",
	   {"success", test_success},
	   {"exit status and stderr", test_exit_status},
	   {"signal", test_signal},
	   {"program not found", test_not_found},
	   {"not executable", test_not_executable},
	   {"bad folder", test_bad_folder},
	   {"capture", test_capture},
	   {"capture of much", test_capture_much},
	   {"folder and environment", test_folder_and_environment},
	   {"lines", test_lines},
	   {"a line without end comes in parts", test_endless_line},
	   {"output file is appended to", test_output_file},
	   {"output file refused or full", test_output_file_refused},
	   {"timeout", test_timeout},
	   {"timeout of one that ignores SIGTERM", test_timeout_of_the_stubborn},
	   {"a deadline for all", test_deadline},
	   {"what it leaves behind is ended", test_leftovers_end},
	   {"no input", test_no_input},
	   {"input from a file", test_input},
	   {"find a program", test_find_program},
	   {"cancel", test_cancel},
	   {"the child dies with us", test_dies_with_us})
