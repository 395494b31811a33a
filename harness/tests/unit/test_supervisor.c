/* Real processes: the supervisor, a harness below it, and a stand-in for QEMU
 * that was made a daemon as libvirt does it, run through kerngate-guest-exec.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "files.h"
#include "memory.h"
#include "supervisor.h"
#include "test.h"

#define GONE_MS 2000

static _Noreturn void pause_for_ever(void)
{
	for (;;)
		pause();
}

/* build/kerngate-guest-exec, above build/check/; owned. */
static char *guest_exec(void)
{
	char program[4096] = "";
	cleanup_free char *folder = NULL;
	cleanup_free char *above = NULL;

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		return string_copy("");
	folder = path_folder(program);
	above = path_folder(folder);
	return path_join(above, "kerngate-guest-exec");
}

/* PATH with a qemu-system-x86_64 that only sleeps. */
static bool make_stand_in(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *link = path_join(folder, "qemu-system-x86_64");
	cleanup_free char *path = string_format("%s:/usr/bin:/bin", folder);

	return symlink("/bin/sleep", link) == 0 &&
	       setenv("KERNGATE_TEST_PATH", path, 1) == 0;
}

/* As libvirt starts an emulator: fork twice, so that its parent is the nearest
 * subreaper by the time of exec. */
static void start_stand_in(const char *program)
{
	pid_t middle = fork();

	if (middle == 0) {
		pid_t above = supervisor_pid();
		pid_t guest = fork();

		if (guest != 0)
			_exit(0);
		setsid();
		while (getppid() != above)
			usleep(100);
		printf("%d\n", (int)getpid());
		fflush(stdout);
		setenv("PATH", getenv("KERNGATE_TEST_PATH"), 1);
		execl(program, program, "1000", (char *)NULL);
		_exit(127);
	}
	waitpid(middle, NULL, 0);
}

static int role_harness(void)
{
	cleanup_free char *program = guest_exec();

	supervisor_start();
	printf("%d\n", (int)getpid());
	fflush(stdout);
	start_stand_in(program);
	pause_for_ever();
}
TEST_ROLE("supervised-harness", role_harness)

/* A guest that is no guest-exec, and has a child of its own. */
static int role_harness_with_family(void)
{
	supervisor_start();
	printf("%d\n", (int)getpid());
	fflush(stdout);
	if (fork() == 0) {
		setsid();
		printf("%d\n", (int)getpid());
		fflush(stdout);
		if (fork() == 0) {
			printf("%d\n", (int)getpid());
			fflush(stdout);
		}
		signal(SIGTERM, SIG_IGN);
		pause_for_ever();
	}
	pause_for_ever();
}
TEST_ROLE("supervised-family", role_harness_with_family)

static int role_exit_7(void)
{
	supervisor_start();
	return 7;
}
TEST_ROLE("supervised-exit-7", role_exit_7)

static int role_dies(void)
{
	supervisor_start();
	raise(SIGKILL);
	return 0;
}
TEST_ROLE("supervised-dies", role_dies)

static void on_term(int number)
{
	(void)number;
	_exit(42);
}

static int role_handles_term(void)
{
	supervisor_start();
	signal(SIGTERM, on_term);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	pause_for_ever();
}
TEST_ROLE("supervised-handles-term", role_handles_term)

static int role_knows(void)
{
	if (supervisor_pid() != 0 || supervisor_is_alive())
		return 1;
	supervisor_start();
	return supervisor_is_alive() && supervisor_pid() == getppid() ? 0 : 2;
}
TEST_ROLE("supervised-knows", role_knows)

struct trio {
	struct test_child supervisor;
	pid_t harness, guest;
};

static bool start_trio(struct trio *trio)
{
	if (!test_check(make_stand_in()) ||
	    !test_check(test_child_start("supervised-harness",
					 &trio->supervisor)))
		return false;
	trio->harness = (pid_t)test_child_number(&trio->supervisor);
	trio->guest = (pid_t)test_child_number(&trio->supervisor);
	return test_check(trio->harness > 0) && test_check(trio->guest > 0) &&
	       test_check(kill(trio->guest, 0) == 0);
}

/* Waits until the stand-in runs, so that what is killed is not a process that
 * was about to become one. */
static bool stand_in_runs(pid_t guest)
{
	cleanup_free char *path = string_format("/proc/%d/comm", (int)guest);

	for (int i = 0; i < 2000; i++) {
		cleanup_free char *name = NULL;

		if (file_read_line(path, &name) == 0 &&
		    (strncmp(name, "qemu-system", 11) == 0 ||
		     strcmp(name, "sleep") == 0))
			return true;
		usleep(1000);
	}
	return false;
}

static void test_harness_killed(void)
{
	struct trio trio;

	if (!start_trio(&trio))
		return;
	test_check(stand_in_runs(trio.guest));
	kill(trio.harness, SIGKILL);
	test_check(test_process_gone(trio.guest, GONE_MS));
	CU_ASSERT_EQUAL(test_child_wait(&trio.supervisor, GONE_MS),
			128 + SIGKILL);
	test_child_end(&trio.supervisor);
}

static void test_supervisor_killed(void)
{
	struct trio trio;

	if (!start_trio(&trio))
		return;
	test_check(stand_in_runs(trio.guest));
	kill(trio.supervisor.pid, SIGKILL);
	test_check(test_process_gone(trio.guest, GONE_MS));
	test_check(test_process_gone(trio.harness, GONE_MS));
	test_child_end(&trio.supervisor);
}

static void test_both_killed(void)
{
	struct trio trio;

	if (!start_trio(&trio))
		return;
	test_check(stand_in_runs(trio.guest));
	kill(trio.harness, SIGSTOP); /* neither can help the other */
	kill(trio.supervisor.pid, SIGSTOP);
	kill(trio.supervisor.pid, SIGKILL);
	kill(trio.harness, SIGKILL);
	test_check(test_process_gone(trio.guest, GONE_MS));
	test_check(test_process_gone(trio.harness, GONE_MS));
	test_child_end(&trio.supervisor);
}

static void test_terminated(void)
{
	struct trio trio;

	if (!start_trio(&trio))
		return;
	test_check(stand_in_runs(trio.guest));
	kill(trio.supervisor.pid, SIGTERM);
	test_check(test_process_gone(trio.guest, GONE_MS));
	CU_ASSERT_EQUAL(test_child_wait(&trio.supervisor, GONE_MS),
			128 + SIGTERM);
	test_child_end(&trio.supervisor);
}

static void test_family(void)
{
	struct test_child child;
	pid_t harness, first, second;

	if (!test_check(test_child_start("supervised-family", &child)))
		return;
	harness = (pid_t)test_child_number(&child);
	first = (pid_t)test_child_number(&child);
	second = (pid_t)test_child_number(&child);
	if (test_check(harness > 0 && first > 0 && second > 0)) {
		kill(harness, SIGKILL);
		test_check(test_process_gone(first, GONE_MS));
		test_check(test_process_gone(second, GONE_MS));
		CU_ASSERT_EQUAL(test_child_wait(&child, GONE_MS), 128 + SIGKILL);
	}
	test_child_end(&child);
}

static void check_status(const char *role, int expected)
{
	struct test_child child;

	if (!test_check(test_child_start(role, &child)))
		return;
	CU_ASSERT_EQUAL(test_child_wait(&child, 5 * GONE_MS), expected);
	test_child_end(&child);
}

static void test_statuses(void)
{
	check_status("supervised-exit-7", 7);
	check_status("supervised-dies", 128 + SIGKILL);
	check_status("supervised-knows", 0);
}

static void test_forwards_term(void)
{
	struct test_child child;

	if (!test_check(test_child_start("supervised-handles-term", &child)))
		return;
	test_check(test_child_number(&child) > 0);
	kill(child.pid, SIGTERM);
	CU_ASSERT_EQUAL(test_child_wait(&child, GONE_MS), 42);
	test_child_end(&child);
}

static int role_exec_alone(void)
{
	cleanup_free char *program = guest_exec();

	setenv("PATH", getenv("KERNGATE_TEST_PATH"), 1);
	execl(program, program, "1000", (char *)NULL);
	return 127;
}
TEST_ROLE("guest-exec-alone", role_exec_alone)

static void test_no_guest_without_supervisor(void)
{
	struct test_child child;

	if (!test_check(make_stand_in()) ||
	    !test_check(test_child_start("guest-exec-alone", &child)))
		return;
	CU_ASSERT_EQUAL(test_child_wait(&child, GONE_MS), EXIT_FAILURE);
	test_child_end(&child);
}

TEST_SUITE("supervisor",
	   {"exit status and signals pass through", test_statuses},
	   {"SIGTERM is passed on", test_forwards_term},
	   {"kill -9 of the harness leaves no guest", test_harness_killed},
	   {"kill -9 of the supervisor leaves no guest", test_supervisor_killed},
	   {"kill -9 of both leaves no guest", test_both_killed},
	   {"SIGTERM leaves no guest", test_terminated},
	   {"descendants of descendants are ended", test_family},
	   {"guest-exec starts nothing without a supervisor",
	    test_no_guest_without_supervisor})
