/* test_plugin.c - the counting plugin inside QEMU, on real guests: what must count
 * what, that two runs are one, that the guest does not notice, what a profile
 * covers, what a seed's kernel arguments do, and what the plugin refuses.
 * KERNGATE_TEST_QEMU names another qemu-system-x86_64 to try beside the host's.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exact.h"
#include "exact_guest.h"
#include "files.h"
#include "kernel.h"
#include "memory.h"
#include "test.h"

#define cleanup_run cleanup_with(exact_run_release) struct exact_run
#define NS_PER_INSTRUCTION (1u << EXACT_SHIFT)
#define LOOP_INSTRUCTIONS 2000001u   /* selftest, act_regions */
#define FILL_ROUNDS 3

/* Visits of region 16: regions' warm-up, fill's warm-up, fill's rounds. */
static const struct exact_row known_rows[] = {
	{ .name = "regions", .workload = "selftest",
	  .arguments = { "act=regions", "rounds=2", "loops=1000" } },
	{ .name = "fill", .workload = "hugetlb_fallocate",
	  .arguments = { "size_mib=64", "rounds=3" } },
	{ .name = NULL },
};

static const struct exact_row parallel_rows[] = {
	{ .name = "regions", .workload = "selftest",
	  .arguments = { "act=regions", "rounds=2", "loops=1000" } },
	{ .name = "fill", .workload = "hugetlb_fallocate",
	  .arguments = { "size_mib=64", "rounds=3", "threads=2" } },
	{ .name = NULL },
};

static bool run_ok(const struct exact_order *order, struct exact_run *run)
{
	struct error err = ERROR_INIT;

	if (test_check(exact_guest_run(order, run, &err) == 0))
		return true;
	fprintf(stderr, "%s\n", err.message);
	return false;
}

static void check_passed(const struct exact_run *run)
{
	if (!test_check(run->result.outcome == OUTCOME_PASSED))
		fprintf(stderr, "%s\n", run->result.reason);
}

/* The count file but for the line "total", which is not exact. Owned. */
static char *exact_counts_text(const struct exact_run *run)
{
	const char *total = strstr(run->counts_text, "\ntotal ");
	const char *rest = total ? strchr(total + 1, '\n') : NULL;

	if (!test_check(rest != NULL))
		return string_copy(run->counts_text);
	return string_format("%.*s%s", (int)(total - run->counts_text),
			     run->counts_text, rest);
}

static bool runs_equal(const struct exact_run *a, const struct exact_run *b)
{
	cleanup_free char *counts_a = exact_counts_text(a);
	cleanup_free char *counts_b = exact_counts_text(b);

	return !strcmp(a->console, b->console) && !strcmp(a->results, b->results) &&
	       !strcmp(counts_a, counts_b);
}

static const struct plugin_region *find_region(const struct exact_run *run,
					       uint32_t number, uint64_t visit)
{
	for (size_t i = 0; i < run->counts.regions_count; i++)
		if (run->counts.regions[i].number == number &&
		    run->counts.regions[i].visit == visit)
			return &run->counts.regions[i];
	return NULL;
}

static uint64_t user_instructions(const struct exact_run *run,
				  const struct plugin_region *region)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < run->counts.vcpus_count; i++)
		sum += region->vcpus[i].user;
	return sum;
}

/* Nothing, a thousand no-ops, a loop of a million turns; every row one visit. */
static void check_known_counts(const struct exact_run *run)
{
	static const uint64_t expected[] = { 0, 1000, LOOP_INSTRUCTIONS };

	for (uint32_t i = 0; i < ARRAY_COUNT(expected); i++) {
		const struct plugin_region *region =
			find_region(run, PLUGIN_REGION_OWN + i, 0);

		if (!test_check(region != NULL))
			continue;
		CU_ASSERT_EQUAL(user_instructions(run, region), expected[i]);
		if (i == 0)
			CU_ASSERT_EQUAL(plugin_region_work(&run->counts, region), 0);
	}
	CU_ASSERT_TRUE(plugin_counts_are_whole(&run->counts));
	CU_ASSERT_EQUAL(run->counts.cut_count, 0);
	CU_ASSERT_PTR_NOT_NULL(find_region(run, PLUGIN_REGION_ROW, 1));
	CU_ASSERT_PTR_NULL(find_region(run, PLUGIN_REGION_ROW, 2));
	CU_ASSERT_PTR_NOT_NULL(find_region(run, PLUGIN_REGION_WARMUP, 1));
	CU_ASSERT_PTR_NULL(find_region(run, PLUGIN_REGION_WARMUP, 2));
	CU_ASSERT_PTR_NOT_NULL(find_region(run, PLUGIN_REGION_ROUND, 4));
	CU_ASSERT_PTR_NULL(find_region(run, PLUGIN_REGION_ROUND, 5));
}

static void test_twice(void)
{
	const struct exact_order order = { .vcpus_count = 1, .rows = known_rows,
					   .plugin = "by=block" };
	cleanup_run first = EXACT_RUN_INIT, second = EXACT_RUN_INIT;

	if (!run_ok(&order, &first) || !run_ok(&order, &second))
		return;
	check_passed(&first);
	check_known_counts(&first);
	CU_ASSERT_TRUE(runs_equal(&first, &second));
}

static double sample_value(const struct trial_result *result, uint32_t row,
			   const char *metric, uint32_t iteration)
{
	for (size_t i = 0; i < result->samples_count; i++)
		if (result->samples[i].row == row &&
		    result->samples[i].iteration == iteration &&
		    !strcmp(result->samples[i].metric, metric))
			return result->samples[i].value;
	return -1;
}

/* By instruction the count is what the guest's own clock says it was. */
static void check_clock(const struct exact_run *run)
{
	for (uint32_t i = 0; i < FILL_ROUNDS; i++) {
		double counted = sample_value(&run->result, 1, "work_instructions", i);
		double clock = sample_value(&run->result, 1, "fallocate_ns", i) /
			       NS_PER_INSTRUCTION;

		CU_ASSERT_TRUE(counted > 1e6);
		/* The clock read itself is not counted. */
		CU_ASSERT_DOUBLE_EQUAL(counted, clock, 2000);
	}
}

/* Rounds become samples: two of row 0, the fill's own regions of row 1. */
static void check_samples(struct exact_run *run, size_t metrics_count)
{
	size_t before = run->result.samples_count;
	struct error err = ERROR_INIT;

	if (!test_check(exact_counts_samples(&run->counts, run->workloads,
					     run->rows_count, &run->result,
					     &err) == 0))
		fprintf(stderr, "%s\n", err.message);
	CU_ASSERT_EQUAL(run->result.samples_count - before,
			(2 + FILL_ROUNDS) * metrics_count);
	for (uint32_t i = 0; i < FILL_ROUNDS; i++) {
		const struct plugin_region *own =
			find_region(run, PLUGIN_REGION_OWN, 2 + i);

		if (test_check(own != NULL))
			CU_ASSERT_EQUAL(sample_value(&run->result, 1,
						     "work_instructions", i),
					(double)plugin_region_work(&run->counts, own));
	}
}

/* By instruction and without the plugin: the guest is none the wiser. */
static void test_unnoticed(void)
{
	const struct exact_order counted = { .vcpus_count = 1, .rows = known_rows,
					     .plugin = "by=instruction" };
	const struct exact_order alone = { .vcpus_count = 1, .rows = known_rows };
	cleanup_run first = EXACT_RUN_INIT, second = EXACT_RUN_INIT;

	if (!run_ok(&counted, &first) || !run_ok(&alone, &second))
		return;
	CU_ASSERT_TRUE(first.counts.by_instruction);
	check_passed(&first);
	check_known_counts(&first);
	test_check_string(second.console, first.console);
	test_check_string(second.results, first.results);
	check_samples(&first, 3);
	check_clock(&first);
}

/* --- several vCPUs ------------------------------------------------------------------ */

/* That the turns are the same in every run is the other plugin's work. */
static void check_two_vcpus(const struct exact_order *order)
{
	cleanup_run first = EXACT_RUN_INIT, second = EXACT_RUN_INIT;
	const struct plugin_region *row;

	if (!run_ok(order, &first) || !run_ok(order, &second))
		return;
	check_passed(&first);
	check_known_counts(&first);
	check_samples(&first, 5);
	row = find_region(&first, PLUGIN_REGION_ROW, 1);
	if (test_check(row != NULL))
		for (uint32_t i = 0; i < 2; i++)
			CU_ASSERT_TRUE(row->vcpus[i].kernel > 0);
	CU_ASSERT_TRUE(runs_equal(&first, &second));
}

static void test_two_vcpus(void)
{
	check_two_vcpus(&(struct exact_order){
		.vcpus_count = 2, .rows = parallel_rows, .plugin = "by=block" });
}

/* --- profiles ------------------------------------------------------------------------- */

/* System.map beside the kernel; owned; NULL: a kernel named from outside. */
static char *kernel_map(void)
{
	cleanup_free char *kernel = test_kernel(NULL);
	cleanup_free char *folder = kernel ? path_folder(kernel) : NULL;
	cleanup_free char *map = folder ? path_join(folder, "System.map") : NULL;

	return map && path_exists(map) ? take_pointer(map) : NULL;
}

static uint64_t own_work(const struct exact_run *run, uint64_t first, uint64_t last)
{
	uint64_t sum = 0;

	for (uint64_t visit = first; visit <= last; visit++) {
		const struct plugin_region *region =
			find_region(run, PLUGIN_REGION_OWN, visit);

		if (test_check(region != NULL))
			sum += plugin_region_work(&run->counts, region);
	}
	return sum;
}

static uint64_t functions_sum(const struct plugin_counts *counts)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < counts->functions_count; i++)
		sum += counts->functions[i].instructions;
	return sum;
}

/* Only the fill's rounds: not its warm-up, nor the region of the row before. */
static void test_profile(void)
{
	cleanup_free char *map = kernel_map();
	const struct exact_order order = {
		.vcpus_count = 1, .rows = known_rows, .map_path = map,
		.plugin = "profile=on,region=16,inside=3,row=1",
	};
	cleanup_run run = EXACT_RUN_INIT;
	const struct plugin_function *most;

	if (!map) {
		test_skip("the kernel has no System.map beside it");
		return;
	}
	if (!run_ok(&order, &run))
		return;
	check_passed(&run);
	CU_ASSERT_TRUE(run.counts.has_profile && run.counts.profile_has_inside &&
		       run.counts.profile_has_row);
	CU_ASSERT_EQUAL(run.counts.profile_visits, FILL_ROUNDS);
	CU_ASSERT_EQUAL(run.counts.profile_instructions, own_work(&run, 2, 4));
	CU_ASSERT_EQUAL(functions_sum(&run.counts), run.counts.profile_instructions);
	if (!test_check(run.counts.functions_count > 10))
		return;
	most = &run.counts.functions[0];
	/* What clears pages; a function of its own where the CPU leaves a choice. */
	if (!test_check(!strcmp(most->name, "folio_zero_user") ||
			!strncmp(most->name, "clear_page", strlen("clear_page"))))
		fprintf(stderr, "most instructions in %s\n", most->name);
	CU_ASSERT_TRUE(most->instructions > run.counts.profile_instructions / 10 * 8);
}

/* The whole of a region; a row that never came. */
static void test_profile_scopes(void)
{
	static const struct exact_row rows[] = {
		{ .name = "regions", .workload = "selftest",
		  .arguments = { "act=regions", "rounds=2", "loops=1000" } },
		{ .name = NULL },
	};
	cleanup_free char *map = kernel_map();
	struct exact_order order = { .vcpus_count = 1, .rows = rows, .map_path = map,
				     .plugin = "profile=on,region=18" };
	cleanup_run whole = EXACT_RUN_INIT, none = EXACT_RUN_INIT;

	if (!map) {
		test_skip("the kernel has no System.map beside it");
		return;
	}
	if (!run_ok(&order, &whole))
		return;
	order.plugin = "profile=on,region=18,row=1";
	if (!run_ok(&order, &none))
		return;
	CU_ASSERT_EQUAL(whole.counts.profile_visits, 1);
	if (test_check(whole.counts.functions_count > 0)) {
		test_check_string(whole.counts.functions[0].name, "[user]");
		CU_ASSERT_EQUAL(whole.counts.functions[0].instructions,
				LOOP_INSTRUCTIONS);
	}
	CU_ASSERT_EQUAL(none.counts.profile_visits, 0);
	CU_ASSERT_EQUAL(none.counts.profile_instructions, 0);
}

/* --- what a seed does in the guest ---------------------------------------------------- */

static const struct exact_row misbehaving_rows[] = {
	{ .name = "orphan", .workload = "selftest",
	  .arguments = { "act=orphan", "rounds=2", "loops=100000" } },
	{ .name = "crash", .workload = "selftest", .arguments = { "act=crash" } },
	{ .name = "late", .workload = "selftest", .arguments = { "act=hang" },
	  .timeout_s = 1 },
	{ .name = "good", .workload = "selftest",
	  .arguments = { "rounds=2", "loops=100000" } },
	{ .name = NULL },
};

static bool jitter_run(const char *cmdline, struct exact_run *run)
{
	static const enum outcome expected[] = { OUTCOME_PASSED, OUTCOME_CRASHED,
						 OUTCOME_TIMED_OUT, OUTCOME_PASSED };
	const struct exact_order order = { .vcpus_count = 1, .rows = misbehaving_rows,
					   .cmdline = cmdline, .plugin = "by=block" };

	if (!run_ok(&order, run) ||
	    !test_check(run->result.rows_count == ARRAY_COUNT(expected)))
		return false;
	for (size_t i = 0; i < ARRAY_COUNT(expected); i++)
		CU_ASSERT_EQUAL(run->result.rows[i].outcome, expected[i]);
	return true;
}

/* Interruptions change what happens when, the same way for the same seed, and
 * never what comes of a row; a round that its program did not end is cut. */
static void test_jitter(void)
{
	cleanup_run calm = EXACT_RUN_INIT, first = EXACT_RUN_INIT,
		    second = EXACT_RUN_INIT, other = EXACT_RUN_INIT;
	struct error err = ERROR_INIT;

	if (!jitter_run(NULL, &calm) || !jitter_run("kerngate.jitter=500,7", &first) ||
	    !jitter_run("kerngate.jitter=500,7", &second) ||
	    !jitter_run("kerngate.jitter=500,8", &other))
		return;
	CU_ASSERT_TRUE(runs_equal(&first, &second));
	CU_ASSERT_FALSE(runs_equal(&first, &calm));
	CU_ASSERT_FALSE(runs_equal(&first, &other));
	/* Both ended in their warm-up: the crash, and the one that was killed. */
	CU_ASSERT_EQUAL(first.counts.cut_count, 2);
	CU_ASSERT_TRUE(plugin_counts_are_whole(&first.counts));
	CU_ASSERT_EQUAL(exact_counts_samples(&first.counts, first.workloads,
					     first.rows_count, &first.result, &err), 0);
	CU_ASSERT_TRUE(sample_value(&first.result, 3, "work_instructions", 1) > 100000);
	CU_ASSERT_EQUAL(sample_value(&first.result, 1, "work_instructions", 0), -1);
}

static uint64_t total_user(const struct exact_run *run)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < run->counts.vcpus_count; i++)
		sum += run->counts.total[i].user;
	return sum;
}

/* Two instructions a turn, before the first row. */
static void test_phase(void)
{
	static const struct exact_row rows[] = {
		{ .name = "spin", .workload = "selftest",
		  .arguments = { "rounds=2", "loops=1000" } },
		{ .name = NULL },
	};
	struct exact_order order = { .vcpus_count = 1, .rows = rows,
				     .plugin = "by=instruction" };
	cleanup_run without = EXACT_RUN_INIT, with = EXACT_RUN_INIT;

	if (!run_ok(&order, &without))
		return;
	order.cmdline = "kerngate.phase=1000000";
	if (!run_ok(&order, &with))
		return;
	check_passed(&with);
	CU_ASSERT_DOUBLE_EQUAL((double)total_user(&with) - (double)total_user(&without),
			       2e6, 20000);
	CU_ASSERT_FALSE(runs_equal(&with, &without));
}

/* Said of every row; the row's region is there all the same. */
static void test_bad_kernel_argument(void)
{
	const struct exact_order order = { .vcpus_count = 1, .rows = known_rows,
					   .cmdline = "kerngate.phase=fast",
					   .plugin = "by=block" };
	cleanup_run run = EXACT_RUN_INIT;
	struct error err = ERROR_INIT;

	if (!run_ok(&order, &run) || !test_check(run.result.rows_count == 2))
		return;
	CU_ASSERT_EQUAL(run.result.outcome, OUTCOME_BROKEN);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(run.result.rows[i].outcome, OUTCOME_BROKEN);
		test_check_contains(run.result.rows[i].reason,
				    "kerngate.phase: expected 0..1000000000, found "
				    "'fast'");
	}
	CU_ASSERT_PTR_NOT_NULL(find_region(&run, PLUGIN_REGION_ROW, 1));
	CU_ASSERT_EQUAL(exact_counts_samples(&run.counts, run.workloads, run.rows_count,
					     &run.result, &err), 0);
	CU_ASSERT_EQUAL(run.result.samples_count, 0);
}

/* --- what it refuses ------------------------------------------------------------------ */

static void check_refused(unsigned int api, const char *arguments, const char *why)
{
	struct error err = ERROR_INIT;
	int rc = exact_plugin_try(api, arguments, &err);

	if (!test_check(rc < 0 && rc != -ETIMEDOUT))
		fprintf(stderr, "taken: %s\n", arguments);
	test_check_contains(err.message, why);
}

static void test_arguments_refused(void)
{
	cleanup_free char *emulator = exact_emulator();
	cleanup_free char *taken = string_format(",out=%s/counts", test_temp_folder());
	unsigned int api = emulator ? exact_emulator_api(emulator) : 0;
	static const struct {
		const char *arguments, *why;
	} cases[] = {
		{ "", "out=PATH is missing" },
		{ ",out=/does/not/exist/counts", "/does/not/exist/counts: No such" },
		{ ",by=guess", "no such argument or value: by=guess" },
		{ ",by", "no such argument or value: by=on" },
		{ ",speed=1", "no such argument or value: speed=1" },
		{ ",region=4096", "no such argument or value: region=4096" },
		{ ",inside=-1", "no such argument or value: inside=-1" },
		{ ",row=x", "no such argument or value: row=x" },
		{ ",row=1000000", "no such argument or value: row=1000000" },
		{ ",top=0", "no such argument or value: top=0" },
		{ ",profile=on", "profile=on and map=PATH go together" },
		{ ",map=/proc/kallsyms", "profile=on and map=PATH go together" },
		{ ",inside=3", "inside=REGION and row=N are for profile=on" },
		{ ",row=0", "inside=REGION and row=N are for profile=on" },
		{ ",profile=on,map=/x,inside=3", "inside= names the profile's own" },
		{ ",profile=on,map=/does/not/exist", "/does/not/exist: No such file" },
		{ ",profile=on,map=/etc/passwd", "is not \"address type name\"" },
	};

	if (!test_check(api != 0))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_free char *arguments = string_format(
			"%s%s", i ? taken : "", cases[i].arguments);

		check_refused(api, arguments, cases[i].why);
	}
}

/* QEMU says which interface it has, and which the object wants. */
static void test_wrong_interface(void)
{
	cleanup_free char *emulator = exact_emulator();
	unsigned int api = emulator ? exact_emulator_api(emulator) : 0;

	if (!test_check(api != 0))
		return;
	check_refused(api == 1 ? 3 : 1, ",out=/dev/null", "API version");
}

/* --- another QEMU ----------------------------------------------------------------------- */

static void test_other_emulator(void)
{
	const char *emulator = getenv("KERNGATE_TEST_QEMU");
	struct exact_order order = { .emulator = emulator, .vcpus_count = 1,
				     .rows = known_rows, .plugin = "by=instruction" };
	cleanup_run run = EXACT_RUN_INIT;

	if (!emulator || !*emulator) {
		test_skip("KERNGATE_TEST_QEMU names no other QEMU");
		return;
	}
	if (!run_ok(&order, &run))
		return;
	CU_ASSERT_EQUAL(run.counts.api, exact_emulator_api(emulator));
	check_passed(&run);
	check_known_counts(&run);
	check_samples(&run, 3);
	check_clock(&run);
	order = (struct exact_order){ .emulator = emulator, .vcpus_count = 2,
				      .rows = parallel_rows, .plugin = "by=block" };
	check_two_vcpus(&order);
}

TEST_SUITE("plugin", { "two runs are one, with known counts", test_twice },
	   { "the guest does not notice, and its clock agrees", test_unnoticed },
	   { "two vCPUs", test_two_vcpus },
	   { "a profile of one row's rounds", test_profile },
	   { "what a profile covers", test_profile_scopes },
	   { "jitter", test_jitter },
	   { "a spin before the first row", test_phase },
	   { "a bad kernel argument", test_bad_kernel_argument },
	   { "bad arguments are refused", test_arguments_refused },
	   { "an object of another interface is refused", test_wrong_interface },
	   { "another QEMU", test_other_emulator })
