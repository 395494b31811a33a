/* How fleets end: killed with -9 at any place, interrupted, with kernels that are
 * none, and the same name again at once. Real guests.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "files.h"
#include "fleet.h"
#include "host_info.h"
#include "kernel.h"
#include "memory.h"
#include "supervisor.h"
#include "test.h"

#define GONE_MS 2000
#define END_MS 30000
#define EXIT_INTERRUPTED 130

static struct guest_spec small = {
	.vcpus_count = 1, .memory_mib = 256, .memory_reserve = true,
	.pinning = true, .first_byte_s = 60, .silence_s = 60, .total_s = 120,
};

/* A plan without rows: no workload is needed to parse what it says. */
static const struct guest_expectation nothing = { .trial_id = "end" };

static void die(const struct error *err)
{
	fprintf(stderr, "boot test: %s\n", err->message);
	exit(3);
}

static struct fleet *open_fleet(const char *folder)
{
	uint32_t cpus[2];
	struct fleet_options options = { .uri = "embed", .state_dir = folder,
					 .cpus = cpus };
	struct accelerator_probe probe;
	struct error err = ERROR_INIT;
	struct fleet *fleet = NULL;

	options.cpus_count = host_info_cpus(cpus, 2);
	if (accelerator_choose(CHOICE_AUTO, &options.accelerator, &probe,
			       &err) < 0 ||
	    fleet_open(&options, &fleet, &err) < 0)
		die(&err);
	return fleet;
}

/* The QEMU below the supervisor: its child that is not us. */
static pid_t find_guest(void)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;

	if (folder_list("/proc", &names) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		cleanup_free char *path =
			string_format("/proc/%s/stat", names.items[i]);
		cleanup_free char *text = NULL;
		const char *fields;
		int parent;

		if (!isdigit((unsigned char)names.items[i][0]) ||
		    atoi(names.items[i]) == getpid() ||
		    file_read_line(path, &text) < 0)
			continue;
		fields = strrchr(text, ')');
		if (fields && sscanf(fields + 1, " %*c %d", &parent) == 1 &&
		    parent == supervisor_pid())
			return (pid_t)atoi(names.items[i]);
	}
	return -1;
}

struct parts {
	char *folder, *kernel, *initrd;
	struct fleet *fleet;
	struct fleet_job job;
};

/* act: NULL for a guest that powers off at once. */
static void prepare(struct parts *parts, const char *act)
{
	struct error err = ERROR_INIT;

	supervisor_start();
	parts->folder = string_copy(getenv("KERNGATE_TEST_FOLDER"));
	/* What a kill -9 leaves lies in the test's own folder. */
	setenv("XDG_RUNTIME_DIR", parts->folder, 1);
	parts->kernel = test_kernel(&err);
	parts->initrd = test_initrd(parts->folder, "end", act, 100, &err);
	if (!parts->kernel || !parts->initrd)
		die(&err);
	parts->fleet = open_fleet(parts->folder);
	parts->job = (struct fleet_job){
		.name = "boot-test-end", .guest = &small,
		.kernel_path = parts->kernel, .initrd_path = parts->initrd,
		.folder = parts->folder, .expectation = &nothing,
		.tag = parts };
}

static void release(struct parts *parts)
{
	fleet_close(parts->fleet);
	free(parts->folder);
	free(parts->kernel);
	free(parts->initrd);
}

static void on_interrupt(int number)
{
	(void)number;
	fleet_interrupt();
}

/* A shell that nobody types into: the guest runs until it is ended. */
static void start_endless(struct parts *parts)
{
	struct error err = ERROR_INIT;

	prepare(parts, NULL);
	parts->job.cmdline = "init=/nonexistent rdinit=/nonexistent panic=0";
	if (fleet_start(parts->fleet, &parts->job, &err) < 0)
		die(&err);
	printf("%d\n%d\n", (int)getpid(), (int)find_guest());
	fflush(stdout);
}

static int role_victim(void)
{
	struct parts parts;
	struct fleet_done done;
	struct error err = ERROR_INIT;
	int code;

	signal(SIGTERM, on_interrupt);
	start_endless(&parts);
	code = fleet_wait(parts.fleet, UINT64_MAX, &done, &err);
	if (code != -EINTR || !fleet_is_interrupted() ||
	    fleet_running_count(parts.fleet) != 0 || find_guest() > 0)
		return 5;
	/* Nothing is started any more. */
	if (fleet_start(parts.fleet, &parts.job, &err) != -EINTR)
		return 6;
	release(&parts);
	return EXIT_INTERRUPTED;
}
TEST_ROLE("fleet-victim", role_victim)

struct trio {
	struct test_child supervisor;
	pid_t harness, guest;
};

static bool start_trio(struct trio *trio)
{
	setenv("KERNGATE_TEST_FOLDER", test_temp_folder(), 1);
	if (!test_check(test_child_start("fleet-victim", &trio->supervisor)))
		return false;
	trio->harness = (pid_t)test_child_number(&trio->supervisor);
	trio->guest = (pid_t)test_child_number(&trio->supervisor);
	if (test_check(trio->harness > 0) && test_check(trio->guest > 0))
		return true;
	test_child_end(&trio->supervisor);
	return false;
}

static void test_harness_killed(void)
{
	struct trio trio;

	if (!start_trio(&trio))
		return;
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
	kill(trio.supervisor.pid, SIGKILL);
	test_check(test_process_gone(trio.guest, GONE_MS));
	/* The harness ends in order, without anybody who reaps at once. */
	test_check(test_process_gone(trio.harness, END_MS));
	test_child_end(&trio.supervisor);
}

static void test_both_killed(void)
{
	struct trio trio;

	if (!start_trio(&trio))
		return;
	kill(trio.harness, SIGSTOP); /* neither can help the other */
	kill(trio.supervisor.pid, SIGSTOP);
	kill(trio.supervisor.pid, SIGKILL);
	kill(trio.harness, SIGKILL);
	test_check(test_process_gone(trio.guest, GONE_MS));
	test_check(test_process_gone(trio.harness, GONE_MS));
	test_child_end(&trio.supervisor);
}

static void test_interrupted(void)
{
	struct trio trio;

	if (!start_trio(&trio))
		return;
	kill(trio.supervisor.pid, SIGTERM);
	CU_ASSERT_EQUAL(test_child_wait(&trio.supervisor, END_MS),
			EXIT_INTERRUPTED);
	test_check(test_process_gone(trio.guest, 0));
	test_child_end(&trio.supervisor);
}

/* A kernel that is none is the harness's error; afterwards the fleet works, and
 * a job may run again under its name at once. */
static int role_again(void)
{
	struct error err = ERROR_INIT;
	struct parts parts;
	char *bad;

	prepare(&parts, NULL);
	bad = path_join(parts.folder, "no-kernel");
	if (file_write_atomic(bad, "text\n", 5, 0600) < 0)
		return 4;
	parts.job.kernel_path = bad;
	if (fleet_start(parts.fleet, &parts.job, &err) == 0)
		return 5;
	fprintf(stdout, "%s\n", strstr(err.message, "boot-test-end") ? "1" : "0");
	parts.job.kernel_path = "/nonexistent/vmlinux";
	if (fleet_start(parts.fleet, &parts.job, &err) == 0)
		return 6;
	parts.job.kernel_path = parts.kernel;
	for (int i = 0; i < 3; i++) {
		struct fleet_done done;

		if (fleet_start(parts.fleet, &parts.job, &err) < 0 ||
		    fleet_wait(parts.fleet, UINT64_MAX, &done, &err) != 1)
			die(&err);
		printf("%d\n", (int)done.result.outcome);
		trial_result_release(&done.result);
		if (!fleet_has_room(parts.fleet, &small, MODE_TIMED))
			return 7;
	}
	if (fleet_wait(parts.fleet, NS_PER_MS, &(struct fleet_done){ .tag = NULL },
		       &err) != 0)
		return 8;
	free(bad);
	release(&parts);
	return 0;
}
TEST_ROLE("fleet-again", role_again)

static void test_again(void)
{
	struct test_child child;

	setenv("KERNGATE_TEST_FOLDER", test_temp_folder(), 1);
	if (!test_check(test_child_start("fleet-again", &child)))
		return;
	CU_ASSERT_EQUAL(test_child_number(&child), 1);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(test_child_number(&child), OUTCOME_PASSED);
	CU_ASSERT_EQUAL(test_child_wait(&child, END_MS), 0);
	test_child_end(&child);
}

TEST_SUITE("fleet_end",
	   {"kill -9 of the harness leaves no guest", test_harness_killed},
	   {"kill -9 of the supervisor leaves no guest", test_supervisor_killed},
	   {"kill -9 of both leaves no guest", test_both_killed},
	   {"an interrupt ends guests in order", test_interrupted},
	   {"bad kernels, and a name again at once", test_again})
