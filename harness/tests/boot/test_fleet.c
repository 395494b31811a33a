/* Real guests of a real kernel, well-behaved and not, in a fleet below a
 * supervisor: a process of its own (the role "fleet") runs them all, two at a
 * time, and prints what came of each; the tests then look at that.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "files.h"
#include "fleet.h"
#include "guest_image.h"
#include "host_info.h"
#include "kernel.h"
#include "memory.h"
#include "supervisor.h"
#include "test.h"

#define FLEET_TIMEOUT_MS 240000
#define OUTCOME_TEXT_MAX 4096

/* What is to be run, and what must come of it. */
struct expectation {
	const char *act;             /* of the workload selftest */
	enum outcome outcome;
	const char *reason;          /* part of it; "" for none */
	uint32_t row_timeout_s;      /* 0: 30 */
	uint32_t silence_s, total_s, first_byte_s; /* 0: generous */
	const char *cmdline;         /* NULL: none */
	enum finding_kind finding;   /* at least one of it ... */
	bool has_finding;            /* ... if set */
};

/* The slow ones first, so that the fleet is never left with one alone. */
static const struct expectation expectations[] = {
	{ .act = "flood_console", .outcome = OUTCOME_BROKEN,
	  .reason = "flooded its serial port 0", .row_timeout_s = 120 },
	{ .act = "silent", .outcome = OUTCOME_TIMED_OUT,
	  .reason = "no output for 4 s", .silence_s = 4 },
	{ .act = "hang", .outcome = OUTCOME_TIMED_OUT,
	  .reason = "still running after 2 s", .row_timeout_s = 2 },
	{ .act = "hang", .outcome = OUTCOME_TIMED_OUT,
	  .reason = "not done within 6 s", .row_timeout_s = 120, .total_s = 6 },
	{ .act = "silent", .outcome = OUTCOME_TIMED_OUT,
	  .reason = "no byte on the console within 4 s", .first_byte_s = 4,
	  .cmdline = "quiet loglevel=0" },
	{ .act = "pass", .outcome = OUTCOME_PASSED, .reason = "" },
	{ .act = "pass", .outcome = OUTCOME_PASSED, .reason = "" },
	{ .act = "fail", .outcome = OUTCOME_FAILED, .reason = "as asked" },
	{ .act = "skip", .outcome = OUTCOME_SKIPPED, .reason = "as asked" },
	{ .act = "broken", .outcome = OUTCOME_BROKEN, .reason = "as asked" },
	{ .act = "crash", .outcome = OUTCOME_CRASHED, .reason = "SIGSEGV" },
	{ .act = "exit", .outcome = OUTCOME_BROKEN, .reason = "exit status 3" },
	{ .act = "orphan", .outcome = OUTCOME_PASSED, .reason = "" },
	{ .act = "flood_records", .outcome = OUTCOME_BROKEN, .reason = "more than" },
	{ .act = "flood", .outcome = OUTCOME_BROKEN, .reason = "longer than" },
	{ .act = "malformed", .outcome = OUTCOME_BROKEN, .reason = "KG1" },
	{ .act = "binary", .outcome = OUTCOME_BROKEN, .reason = "KG1" },
	{ .act = "bad_crc", .outcome = OUTCOME_BROKEN, .reason = "checksum" },
	{ .act = "truncated", .outcome = OUTCOME_BROKEN, .reason = "cut short" },
	{ .act = "oversized", .outcome = OUTCOME_BROKEN, .reason = "longer than" },
	{ .act = "nan", .outcome = OUTCOME_BROKEN, .reason = "NaN" },
	{ .act = "infinite", .outcome = OUTCOME_BROKEN, .reason = "1e999" },
	{ .act = "negative", .outcome = OUTCOME_BROKEN, .reason = "negative time" },
	{ .act = "undeclared", .outcome = OUTCOME_BROKEN, .reason = "not declared" },
	{ .act = "wrong_trial", .outcome = OUTCOME_BROKEN,
	  .reason = "says it is trial another" },
	{ .act = "wrong_row", .outcome = OUTCOME_BROKEN, .reason = "row 7" },
	{ .act = "early_end", .outcome = OUTCOME_BROKEN, .reason = "end line" },
	{ .act = "reboot", .outcome = OUTCOME_BROKEN, .reason = "no end line" },
	{ .act = "panic", .outcome = OUTCOME_CRASHED, .reason = "",
	  .has_finding = true, .finding = FINDING_PANIC },
	{ .act = "warn", .outcome = OUTCOME_PASSED, .reason = "",
	  .has_finding = true, .finding = FINDING_WARNING },
	{ .act = "oops", .outcome = OUTCOME_CRASHED, .reason = "",
	  .has_finding = true },
	{ .act = "oom", .outcome = OUTCOME_CRASHED, .reason = "SIGKILL",
	  .has_finding = true, .finding = FINDING_OUT_OF_MEMORY },
};

#define JOBS_COUNT ARRAY_COUNT(expectations)

/* What the role prints of each job. */
struct observed {
	bool is_there;
	uint32_t outcome, samples, finding_kinds; /* kinds as bits */
	uint32_t pin;
	struct trial_times times;
	char reason[512];
};

/* --- the role: runs the fleet ----------------------------------------------------- */

struct boot_job {
	uint32_t index;
	char *name, *folder, *initrd;
	struct guest_spec guest;
	struct guest_expectation expected;
	struct fleet_job job;
};

static const char *const row_names[] = { "t" };
static const struct workload_info *row_workloads[1];
static struct workload_catalog catalog;
static char *kernel, *work_folder;

static void die(const struct error *err)
{
	fprintf(stderr, "boot test: %s\n", err->message);
	exit(3);
}

static void fill_guest(struct guest_spec *guest,
		       const struct expectation *expected)
{
	*guest = (struct guest_spec){
		.vcpus_count = 1, .memory_mib = 256, .memory_reserve = true,
		.pinning = true,
		.first_byte_s = expected->first_byte_s ?
			expected->first_byte_s : 60,
		.silence_s = expected->silence_s ? expected->silence_s : 60,
		.total_s = expected->total_s ? expected->total_s : 180,
	};
}

static struct boot_job *make_job(uint32_t index)
{
	const struct expectation *expected = &expectations[index];
	struct boot_job *job = memory_alloc(sizeof(*job));
	struct error err = ERROR_INIT;

	job->index = index;
	job->name = string_format("boot-test-%d-%u", (int)getpid(), index);
	job->folder = path_join(work_folder, job->name);
	job->initrd = test_initrd(job->folder, job->name, expected->act,
				  expected->row_timeout_s ?
					  expected->row_timeout_s : 30, &err);
	if (!job->initrd)
		die(&err);
	fill_guest(&job->guest, expected);
	job->expected = (struct guest_expectation){
		.trial_id = job->name, .rows_count = 1,
		.workloads = row_workloads, .row_names = row_names };
	job->job = (struct fleet_job){
		.name = job->name, .guest = &job->guest,
		.kernel_path = kernel, .initrd_path = job->initrd,
		.cmdline = expected->cmdline, .folder = job->folder,
		.expectation = &job->expected, .tag = job };
	return job;
}

static void free_job(struct boot_job *job)
{
	free(job->name);
	free(job->folder);
	free(job->initrd);
	free(job);
}

/* The pin as the domain has it. */
static uint32_t read_pin(const struct boot_job *job)
{
	static const char mark[] = "<vcpupin vcpu='0' cpuset='";
	cleanup_free char *path = path_join(job->folder, "domain.xml");
	cleanup_free char *text = NULL;
	const char *pin;

	if (file_read(path, 65536, &text, NULL) < 0)
		return UINT32_MAX;
	pin = strstr(text, mark);
	return pin ? (uint32_t)strtoul(pin + strlen(mark), NULL, 10) :
		     UINT32_MAX;
}

static void print_result(const struct boot_job *job,
			 const struct trial_result *result)
{
	const struct trial_times *times = &result->times;
	uint32_t kinds = 0;

	for (size_t i = 0; i < result->findings_count; i++)
		kinds |= 1u << result->findings[i].kind;
	printf("%u %d %zu %u %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
	       " %" PRIu64 " %" PRIu64 " |%s\n", job->index, result->outcome,
	       result->samples_count, kinds, read_pin(job), times->create_ns,
	       times->created_ns, times->first_byte_ns, times->user_space_ns,
	       times->end_marker_ns, times->stopped_ns,
	       result->reason ? result->reason : "");
	fflush(stdout);
}

/* Threads of our guests' vCPUs and where they may run: never two in one place. */
static void check_affinity(uint32_t running)
{
	cleanup_free char *path = string_format(
		"/proc/%d/task/%d/children", (int)supervisor_pid(),
		(int)supervisor_pid());
	cleanup_free char *children = NULL;
	cleanup_strvec struct strvec places = STRVEC_INIT;
	char *state = NULL;

	if (file_read(path, 65536, &children, NULL) < 0)
		return; /* a kernel without that file */
	for (char *pid = strtok_r(children, " \n", &state); pid;
	     pid = strtok_r(NULL, " \n", &state)) {
		cleanup_free char *tasks = string_format("/proc/%s/task", pid);
		cleanup_strvec struct strvec names = STRVEC_INIT;

		if (folder_list(tasks, &names) < 0)
			continue;
		for (size_t i = 0; i < names.count; i++) {
			cleanup_free char *status_path = string_format(
				"%s/%s/status", tasks, names.items[i]);
			cleanup_free char *status = NULL;
			const char *list;

			if (file_read(status_path, 65536, &status, NULL) < 0 ||
			    strncmp(status, "Name:\tCPU ", 10) != 0)
				continue;
			list = strstr(status, "Cpus_allowed_list:");
			if (list)
				strvec_pushf(&places, "%.*s",
					     (int)strcspn(list, "\n"), list);
		}
	}
	strvec_sort(&places);
	for (size_t i = 1; i < places.count; i++)
		if (strcmp(places.items[i - 1], places.items[i]) == 0) {
			fprintf(stderr, "boot test: two vCPUs on %s of %u guests\n",
				places.items[i], running);
			exit(4);
		}
}

static struct fleet *open_fleet(void)
{
	static uint32_t cpus[64];
	static struct fleet_options options = { .uri = "embed",
						.console_max_bytes = 256 << 10 };
	struct accelerator_probe probe;
	struct error err = ERROR_INIT;
	struct fleet *fleet = NULL;

	options.cpus = cpus;
	options.cpus_count = host_info_cpus(cpus, 2);
	options.state_dir = work_folder;
	if (accelerator_choose(CHOICE_AUTO, &options.accelerator, &probe,
			       &err) < 0 ||
	    fleet_open(&options, &fleet, &err) < 0)
		die(&err);
	return fleet;
}

static void prepare_role(void)
{
	cleanup_free char *build = test_build_dir();
	cleanup_free char *workloads = path_join(build, "workloads");
	struct error err = ERROR_INIT;

	supervisor_start();
	work_folder = string_copy(getenv("KERNGATE_TEST_FOLDER"));
	kernel = test_kernel(&err);
	if (!kernel || workload_catalog_load(workloads, &catalog, &err) < 0 ||
	    workload_catalog_find(&catalog, "selftest", &row_workloads[0],
				  &err) < 0)
		die(&err);
}

static void finish_role(struct fleet *fleet)
{
	fleet_close(fleet);
	workload_catalog_release(&catalog);
	free(kernel);
	free(work_folder);
}

static int role_fleet(void)
{
	struct error err = ERROR_INIT;
	struct fleet *fleet;
	uint32_t started = 0, done = 0;

	prepare_role();
	fleet = open_fleet();
	while (done < JOBS_COUNT) {
		struct guest_spec one = { .vcpus_count = 1 };
		struct fleet_done finished;
		int code;

		while (started < JOBS_COUNT && fleet_has_room(fleet, &one, MODE_TIMED)) {
			struct boot_job *job = make_job(started++);

			if (fleet_start(fleet, &job->job, &err) < 0)
				die(&err);
			check_affinity(fleet_running_count(fleet));
		}
		code = fleet_wait(fleet, UINT64_MAX, &finished, &err);
		if (code < 0)
			die(&err);
		print_result(finished.tag, &finished.result);
		trial_result_release(&finished.result);
		free_job(finished.tag);
		done++;
	}
	finish_role(fleet);
	return 0;
}
TEST_ROLE("fleet", role_fleet)

/* --- the tests ---------------------------------------------------------------------- */

static struct observed observed[JOBS_COUNT];
static int fleet_status = -1;

static void parse_result(const char *line)
{
	struct observed one = { .is_there = true };
	struct trial_times *times = &one.times;
	const char *reason = strchr(line, '|');
	uint32_t index;

	if (!reason ||
	    sscanf(line, "%u %u %u %u %u %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64 " %" SCNu64, &index, &one.outcome,
		   &one.samples, &one.finding_kinds, &one.pin,
		   &times->create_ns, &times->created_ns,
		   &times->first_byte_ns, &times->user_space_ns,
		   &times->end_marker_ns, &times->stopped_ns) != 11 ||
	    index >= JOBS_COUNT)
		return;
	snprintf(one.reason, sizeof(one.reason), "%.*s",
		 (int)strcspn(reason + 1, "\n"), reason + 1);
	observed[index] = one;
}

/* Once for all tests. */
static void run_fleet(void)
{
	char line[OUTCOME_TEXT_MAX];
	struct test_child child;

	if (fleet_status >= 0)
		return;
	setenv("KERNGATE_TEST_FOLDER", test_temp_folder(), 1);
	if (!test_check(test_child_start("fleet", &child)))
		return;
	while (test_child_line(&child, line, sizeof(line)))
		parse_result(line);
	fleet_status = test_child_wait(&child, FLEET_TIMEOUT_MS);
	test_child_end(&child);
}

static void test_fleet_runs(void)
{
	run_fleet();
	CU_ASSERT_EQUAL(fleet_status, 0);
}

static void test_outcomes(void)
{
	run_fleet();
	for (size_t i = 0; i < JOBS_COUNT; i++) {
		const struct expectation *expected = &expectations[i];
		cleanup_free char *wanted = string_format(
			"%s: %s", expected->act, outcome_name(expected->outcome));
		cleanup_free char *found = string_format(
			"%s: %s", expected->act, observed[i].is_there ?
			outcome_name((enum outcome)observed[i].outcome) :
			"no result");

		test_check_string(found, wanted);
		test_check_contains(observed[i].reason, expected->reason);
		if (expected->outcome != OUTCOME_PASSED)
			CU_ASSERT_TRUE(observed[i].reason[0] != '\0');
	}
}

static void test_findings(void)
{
	run_fleet();
	for (size_t i = 0; i < JOBS_COUNT; i++) {
		const struct expectation *expected = &expectations[i];
		uint32_t kinds = observed[i].finding_kinds;

		if (!expected->has_finding)
			continue;
		test_check(kinds != 0);
		if (expected->finding != FINDING_PANIC ||
		    strcmp(expected->act, "panic") == 0)
			test_check(kinds & 1u << expected->finding);
	}
}

static void test_samples(void)
{
	run_fleet();
	for (size_t i = 0; i < JOBS_COUNT; i++) {
		if (expectations[i].outcome == OUTCOME_PASSED)
			CU_ASSERT_EQUAL(observed[i].samples, 10);
		if (expectations[i].outcome == OUTCOME_SKIPPED)
			CU_ASSERT_EQUAL(observed[i].samples, 0);
	}
}

static void test_times(void)
{
	run_fleet();
	for (size_t i = 0; i < JOBS_COUNT; i++) {
		const struct trial_times *times = &observed[i].times;

		CU_ASSERT_TRUE(times->create_ns > 0);
		CU_ASSERT_TRUE(times->created_ns > times->create_ns);
		CU_ASSERT_TRUE(times->stopped_ns > times->create_ns);
		if (expectations[i].outcome != OUTCOME_PASSED)
			continue;
		CU_ASSERT_TRUE(times->first_byte_ns > times->create_ns);
		/* On a starved host all of them may be read at once. */
		CU_ASSERT_TRUE(times->user_space_ns >= times->first_byte_ns);
		CU_ASSERT_TRUE(times->end_marker_ns >= times->user_space_ns);
		CU_ASSERT_TRUE(times->stopped_ns >= times->end_marker_ns);
	}
}

/* Guests that ran at the same time had CPUs of their own. */
static void test_pins(void)
{
	uint32_t cpus[64];
	uint32_t overlaps = 0;

	run_fleet();
	for (size_t i = 0; i < JOBS_COUNT; i++)
		for (size_t j = 0; j < i; j++) {
			const struct trial_times *a = &observed[i].times;
			const struct trial_times *b = &observed[j].times;

			if (a->create_ns >= b->stopped_ns ||
			    b->create_ns >= a->stopped_ns)
				continue;
			overlaps++;
			CU_ASSERT_TRUE(observed[i].pin != observed[j].pin);
		}
	if (host_info_cpus(cpus, 64) > 1)
		CU_ASSERT_TRUE(overlaps >= JOBS_COUNT / 2);
	CU_ASSERT_TRUE(observed[0].pin != UINT32_MAX);
}

TEST_SUITE("fleet",
	   {"the fleet ends in order", test_fleet_runs},
	   {"outcomes and reasons", test_outcomes},
	   {"findings of the console", test_findings},
	   {"samples", test_samples},
	   {"times", test_times},
	   {"two at once have CPUs of their own", test_pins})
