/* test_exact.c - exact mode through the fleet, with real guests: the same bytes
 * alone, beside load and side by side, whatever the shape; another seed is another
 * world; a debugger's socket changes nothing. Guests run below a supervisor, in the
 * roles "exact-proof" and "exact-fleet", which print a line for each finding.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "exact_probe.h"
#include "files.h"
#include "fleet.h"
#include "guest_image.h"
#include "host_info.h"
#include "kernel.h"
#include "memory.h"
#include "process.h"
#include "supervisor.h"
#include "test.h"

#define ROLE_LIMIT_S 600
#define ROLE_TIMEOUT_MS 60000 /* after its last line */
#define GDB_TIMEOUT_NS (60 * NS_PER_SECOND)
#define LINE_MAX_BYTES 1024

static void die(const struct error *err)
{
	fprintf(stderr, "exact test: %s\n", err->message);
	exit(3);
}

/* --- the role exact-proof: idle, load, side by side ------------------------------------- */

static const uint32_t vcpus_counts[] = { 1, 2, 4 };

/* Something for each CPU to do, and to wake up for at the same time as the others. */
static char hugetlb[] = "hugetlb_fallocate", latency[] = "cyclictest";

static void make_suite(struct suite_row *rows, struct suite *ret_suite)
{
	rows[0] = (struct suite_row){ .name = hugetlb, .workload = hugetlb, .timeout_s = 60 };
	strvec_push(&rows[0].arguments, "size_mib=32");
	strvec_push(&rows[0].arguments, "rounds=2");
	strvec_push(&rows[0].arguments, "threads=2");
	rows[1] = (struct suite_row){ .name = latency, .workload = latency, .timeout_s = 60 };
	strvec_push(&rows[1].arguments, "threads=0");
	strvec_push(&rows[1].arguments, "interval_us=200");
	strvec_push(&rows[1].arguments, "loops=1500");
	*ret_suite = (struct suite){ .rows = rows, .rows_count = 2 };
}

static void print_group(const struct probe_group *group)
{
	printf("%u %d %zu %d %s\n", group->guest->vcpus_count, group->is_exact,
	       group->trials_count, group->is_exact ? 0 : group->trials[group->odd].outcome,
	       group->is_exact ? "" : group->difference ? group->difference :
	       group->trials[group->odd].reason ? group->trials[group->odd].reason : "");
}

static int role_proof(void)
{
	static char names[ARRAY_COUNT(vcpus_counts)][16];
	struct guest_spec guests[ARRAY_COUNT(vcpus_counts)];
	cleanup_free char *build = test_build_dir(), *kernel = NULL;
	struct exact_probe probe = EXACT_PROBE_INIT;
	struct suite_row rows[2];
	struct suite suite;
	struct error err = ERROR_INIT;

	supervisor_start();
	kernel = test_kernel(&err);
	if (!kernel)
		die(&err);
	for (size_t i = 0; i < ARRAY_COUNT(guests); i++) {
		snprintf(names[i], sizeof(names[i]), "cpus%u", vcpus_counts[i]);
		guests[i] = (struct guest_spec){
			.name = names[i], .vcpus_count = vcpus_counts[i], .memory_mib = 384,
			.memory_reserve = true, .pinning = true,
			.first_byte_s = 60, .silence_s = 60, .total_s = 180 };
	}
	make_suite(rows, &suite);
	const struct exact_probe_options options = {
		.build_dir = build, .uri = "embed", .kernel_path = kernel, .guests = guests,
		.guests_count = ARRAY_COUNT(guests), .suite = &suite,
		.policy = EXACT_POLICY_INIT, .seed = 1,
		.counts = { [PROBE_ALONE] = 1, [PROBE_BESIDE_LOAD] = 1,
			    [PROBE_SIDE_BY_SIDE] = 1 } };

	if (exact_probe_run(&options, &probe, &err) < 0)
		die(&err);
	for (size_t i = 0; i < probe.groups_count; i++)
		print_group(&probe.groups[i]);
	exact_probe_release(&probe);
	strvec_release(&rows[0].arguments);
	strvec_release(&rows[1].arguments);
	return 0;
}
TEST_ROLE("exact-proof", role_proof)

/* More vCPUs than the host has CPUs, too: an exact guest takes one. */
static void test_same_bytes(void)
{
	uint32_t cpus[64], cpus_count = host_info_cpus(cpus, ARRAY_COUNT(cpus));
	char line[LINE_MAX_BYTES];
	struct test_child child;
	size_t seen = 0;

	if (!test_check(test_child_start("exact-proof", &child)))
		return;
	test_child_limit(&child, ROLE_LIMIT_S);
	while (test_child_line(&child, line, sizeof(line))) {
		unsigned int vcpus = 0, is_exact = 0, outcome = 99;
		size_t trials = 0;

		if (!test_check(sscanf(line, "%u %u %zu %u", &vcpus, &is_exact, &trials,
				       &outcome) == 4) ||
		    !test_check(seen < ARRAY_COUNT(vcpus_counts)))
			break;
		CU_ASSERT_EQUAL(vcpus, vcpus_counts[seen++]);
		if (!test_check(is_exact == 1))
			test_check_string(line, "");
		CU_ASSERT_TRUE(trials >= 3 && trials <= 2 + (size_t)cpus_count);
	}
	CU_ASSERT_EQUAL(test_child_wait(&child, ROLE_TIMEOUT_MS), 0);
	CU_ASSERT_EQUAL(seen, ARRAY_COUNT(vcpus_counts));
	test_child_end(&child);
}

/* --- the role exact-fleet: shapes, seeds, a debugger, refusals --------------------------- */

static const char *const shape_names[] = { "up", "smp2", "numa2", "iommu",
					   "pmem", "hotplug", "large" };
static const char *const row_names[] = { "t" };

struct bench {                       /* what the role's guests share */
	char *folder, *build, *plugins, *kernel, *initrd;
	struct workload_catalog catalog;
	const struct workload_info *workloads[1];
	struct guest_expectation expectation;
	struct fleet *fleet;
};

static struct fleet *open_fleet(const char *folder, enum accelerator accelerator)
{
	static uint32_t cpus[64];
	struct fleet_options options = { .uri = "embed", .state_dir = folder,
					 .accelerator = accelerator, .cpus = cpus };
	struct error err = ERROR_INIT;
	struct fleet *fleet;

	options.cpus_count = host_info_cpus(cpus, ARRAY_COUNT(cpus));
	if (fleet_open(&options, &fleet, &err) < 0)
		die(&err);
	return fleet;
}

static void bench_open(struct bench *bench)
{
	cleanup_free char *workloads = NULL;
	struct error err = ERROR_INIT;

	supervisor_start();
	bench->folder = string_copy(getenv("KERNGATE_TEST_FOLDER"));
	bench->build = test_build_dir();
	bench->plugins = path_join(bench->build, "plugin");
	bench->kernel = test_kernel(&err);
	workloads = path_join(bench->build, "workloads");
	if (!bench->kernel || workload_catalog_load(workloads, &bench->catalog, &err) < 0 ||
	    workload_catalog_find(&bench->catalog, "selftest", &bench->workloads[0], &err) < 0)
		die(&err);
	bench->initrd = test_initrd(bench->folder, "exact", "pass", 30, &err);
	if (!bench->initrd)
		die(&err);
	bench->expectation = (struct guest_expectation){
		.trial_id = "exact", .rows_count = 1, .workloads = bench->workloads,
		.row_names = row_names };
	bench->fleet = open_fleet(bench->folder, ACCELERATOR_TCG);
}

static void bench_close(struct bench *bench)
{
	fleet_close(bench->fleet);
	workload_catalog_release(&bench->catalog);
	free(bench->folder);
	free(bench->build);
	free(bench->plugins);
	free(bench->kernel);
	free(bench->initrd);
}

static struct guest_spec small_guest(uint32_t vcpus_count)
{
	return (struct guest_spec){ .vcpus_count = vcpus_count, .memory_mib = 256,
				    .memory_reserve = true, .first_byte_s = 60,
				    .silence_s = 60, .total_s = 180 };
}

/* Runs one guest; what is printed begins with `what`. meanwhile: called once it has
 * been started; may be NULL. */
static void run_one(struct bench *bench, const char *what, const struct guest_spec *guest,
		    struct fleet_exact exact,
		    void (*meanwhile)(struct bench *bench, const struct fleet_job *job))
{
	cleanup_free char *name = string_format("exact-test-%d-%s", (int)getpid(), what);
	cleanup_free char *folder = path_join(bench->folder, what);
	struct fleet_done done = { .result = TRIAL_RESULT_INIT };
	struct error err = ERROR_INIT;

	exact.policy = EXACT_POLICY_INIT;
	exact.plugin_folder = bench->plugins;
	const struct fleet_job job = {
		.name = name, .guest = guest, .kernel_path = bench->kernel,
		.initrd_path = bench->initrd, .folder = folder,
		.expectation = &bench->expectation, .exact = &exact };

	if (fleet_start(bench->fleet, &job, &err) < 0)
		die(&err);
	if (meanwhile)
		meanwhile(bench, &job);
	if (fleet_wait(bench->fleet, UINT64_MAX, &done, &err) < 0)
		die(&err);
	printf("%s %d %d %s %s\n", what, (int)done.result.outcome,
	       (int)done.result.host.disturbed, done.result.digest ? done.result.digest : "-",
	       done.result.reason ? done.result.reason : "");
	fflush(stdout);
	trial_result_release(&done.result);
}

static void run_shapes(struct bench *bench)
{
	for (size_t i = 0; i < ARRAY_COUNT(shape_names); i++) {
		struct guest_spec guest = { .name = NULL };
		struct error err = ERROR_INIT;

		if (guest_spec_load(test_root(), shape_names[i], &guest, &err) < 0)
			die(&err);
		run_one(bench, shape_names[i], &guest,
			(struct fleet_exact){ .seed = exact_seed_make(1) }, NULL);
		guest_spec_release(&guest);
	}
}

/* The guest stands at the reset vector and has said nothing; then it is let go. */
static void debug(struct bench *bench, const struct fleet_job *job)
{
	cleanup_free char *target = string_format("target remote %s", job->exact->gdb_socket);
	cleanup_free char *console = path_join(job->folder, "console.log"), *text = NULL;
	cleanup_free char *said = NULL;
	const char *const argv[] = { "gdb", "-batch", "-nx", "-ex", "set arch i386:x86-64",
				     "-ex", target, "-ex", "printf \"at %lx\\n\", (unsigned long)$pc & 0xffff",
				     "-ex", "detach", NULL };
	const struct process_options options = { .capture = true,
						 .timeout_ns = GDB_TIMEOUT_NS };
	struct fleet_done done;
	struct error err = ERROR_INIT;
	int code = fleet_wait(bench->fleet, 100 * NS_PER_MS, &done, &err);

	if (code < 0 || file_read(console, 1 << 20, &said, NULL) < 0 ||
	    process_run(argv, &options, &text, &err) < 0)
		die(&err);
	printf("waits %d %zu %s\n", code, strlen(said),
	       strstr(text, "at fff0\n") ? "at-the-start" : "elsewhere");
}

static void run_debugged(struct bench *bench)
{
	char folder[] = "/tmp/kerngate-gdb.XXXXXX";
	cleanup_free char *socket = NULL;
	cleanup_free char *gdb = process_find_program("gdb");
	const struct guest_spec one = small_guest(1), two = small_guest(2);
	struct fleet_exact exact = { .seed = exact_seed_make(1) };

	run_one(bench, "one", &one, exact, NULL);
	run_one(bench, "two", &two, exact, NULL);
	if (!gdb || !mkdtemp(folder))
		return;
	socket = path_join(folder, "gdb");
	exact.gdb_socket = socket;
	run_one(bench, "one-debugged", &one, exact, debug);
	run_one(bench, "two-debugged", &two, exact, debug);
	(void)!folder_remove(folder);
}

static void run_seeds(struct bench *bench)
{
	const struct guest_spec two = small_guest(2);

	run_one(bench, "seed-2", &two, (struct fleet_exact){ .seed = exact_seed_make(2) }, NULL);
	run_one(bench, "seed-3", &two, (struct fleet_exact){ .seed = exact_seed_make(3) }, NULL);
}

static void print_refusal(struct fleet *fleet, const char *what, const struct fleet_job *job)
{
	struct error err = ERROR_INIT;
	int code = fleet_start(fleet, job, &err);

	printf("%s %d - - %s\n", what, code, err.message);
}

static void run_refusals(struct bench *bench)
{
	cleanup_free char *folder = path_join(bench->folder, "refused");
	const struct guest_spec two = small_guest(2);
	struct fleet_exact exact = { .policy = EXACT_POLICY_INIT, .plugin_folder = folder };
	const struct fleet_job job = { .name = "refused", .guest = &two,
				       .kernel_path = bench->kernel,
				       .initrd_path = bench->initrd, .folder = folder,
				       .expectation = &bench->expectation, .exact = &exact };
	struct fleet *kvm;

	print_refusal(bench->fleet, "no-plugin", &job);
	fleet_close(bench->fleet);
	bench->fleet = NULL;
	kvm = open_fleet(bench->folder, ACCELERATOR_KVM);
	print_refusal(kvm, "kvm", &job);
	fleet_close(kvm);
}

static int role_fleet(void)
{
	struct bench bench = { .folder = NULL };

	bench_open(&bench);
	run_shapes(&bench);
	run_debugged(&bench);
	run_seeds(&bench);
	run_refusals(&bench);
	bench_close(&bench);
	return 0;
}
TEST_ROLE("exact-fleet", role_fleet)

/* --- what it printed ---------------------------------------------------------------------- */

struct finding_line {
	char what[32], first[16], second[16], digest[80], rest[LINE_MAX_BYTES];
};

static struct finding_line lines[32];
static size_t lines_count;
static int fleet_status = -1;

/* Once for all tests. */
static void run_fleet(void)
{
	char line[LINE_MAX_BYTES];
	struct test_child child;

	if (fleet_status >= 0)
		return;
	setenv("KERNGATE_TEST_FOLDER", test_temp_folder(), 1);
	if (!test_check(test_child_start("exact-fleet", &child)))
		return;
	test_child_limit(&child, ROLE_LIMIT_S);
	while (test_child_line(&child, line, sizeof(line)) && lines_count < ARRAY_COUNT(lines)) {
		struct finding_line *one = &lines[lines_count];

		one->rest[0] = '\0';
		if (sscanf(line, "%31s %15s %15s %79s %1023[^\n]", one->what, one->first,
			   one->second, one->digest, one->rest) >= 3)
			lines_count++;
	}
	fleet_status = test_child_wait(&child, ROLE_TIMEOUT_MS);
	test_child_end(&child);
}

static const struct finding_line *find_line(const char *what)
{
	static const struct finding_line none = { .what = "nothing" };

	run_fleet();
	for (size_t i = 0; i < lines_count; i++)
		if (strcmp(lines[i].what, what) == 0)
			return &lines[i];
	test_check_string("nothing was printed of it", what);
	return &none;
}

/* Passed, not called disturbed, with a digest. */
static void check_passed(const char *what)
{
	const struct finding_line *line = find_line(what);

	test_check_string(line->first, "0");
	test_check_string(line->second, "0");
	CU_ASSERT_EQUAL(strlen(line->digest), 64);
	test_check_string(line->rest, "");
}

static void test_role_ends(void)
{
	run_fleet();
	CU_ASSERT_EQUAL(fleet_status, 0);
}

static void test_shapes(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(shape_names); i++)
		check_passed(shape_names[i]);
}

static void test_seeds(void)
{
	check_passed("two");
	check_passed("seed-2");
	check_passed("seed-3");
	CU_ASSERT_TRUE(strcmp(find_line("two")->digest, find_line("seed-2")->digest) != 0);
	CU_ASSERT_TRUE(strcmp(find_line("seed-2")->digest, find_line("seed-3")->digest) != 0);
}

static void test_debugged(void)
{
	cleanup_free char *gdb = process_find_program("gdb");
	size_t waits = 0;

	if (!gdb) {
		test_skip("no gdb on this host");
		return;
	}
	check_passed("one-debugged");
	check_passed("two-debugged");
	test_check_string(find_line("one-debugged")->digest, find_line("one")->digest);
	test_check_string(find_line("two-debugged")->digest, find_line("two")->digest);
	for (size_t i = 0; i < lines_count; i++) {
		if (strcmp(lines[i].what, "waits") != 0)
			continue;
		waits++;
		test_check_string(lines[i].first, "0");  /* no guest was done */
		test_check_string(lines[i].second, "0"); /* bytes of the console */
		test_check_string(lines[i].digest, "at-the-start");
	}
	CU_ASSERT_EQUAL(waits, 2);
}

static void test_refusals(void)
{
	const struct finding_line *plugin = find_line("no-plugin");
	const struct finding_line *kvm = find_line("kvm");

	CU_ASSERT_EQUAL(strtol(plugin->first, NULL, 10), -ENOENT);
	test_check_contains(plugin->rest, "guest refused: ");
	test_check_contains(plugin->rest, ".so: the plugin is not there; `make build` makes it");
	CU_ASSERT_EQUAL(strtol(kvm->first, NULL, 10), -EINVAL);
	test_check_contains(kvm->rest, "accelerator tcg, not kvm");
}

TEST_SUITE("exact",
	   {"the same bytes alone, beside load, side by side", test_same_bytes},
	   {"the fleet ends in order", test_role_ends},
	   {"every shape", test_shapes},
	   {"another seed, another world", test_seeds},
	   {"a debugger's socket", test_debugged},
	   {"refused", test_refusals})
