/* test_experiment.c - what an experiment decides without booting anything:
 * refusals before the start, the plan, what comes next, what is repeated. What
 * may be resumed is in test_experiment_resume.c, runs with real guests in
 * tests/boot/.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "experiment_private.h"
#include "files.h"
#include "memory.h"
#include "sample_project.h"
#include "sample_run.h"
#include "test.h"

#define cleanup_run cleanup_with(stored_run_release)
#define cleanup_campaign cleanup_with(campaign_release)

/* --- refusals before the start ---------------------------------------------------- */

static void check_refused(const struct place *place, int code, const char *part)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!place_load(place, &campaign))
		return;
	CU_ASSERT_EQUAL(experiment_check(&campaign, &place->options, &err), code);
	CU_ASSERT_EQUAL(err.code, code);
	test_check_contains(err.message, part);
	/* nothing was begun */
	CU_ASSERT_FALSE(path_exists(place->results));
}

static void test_check_accepts(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!place_load(&place, &campaign))
		return;
	CU_ASSERT_EQUAL(experiment_check(&campaign, &place.options, &err), 0);
	test_check_string(err.message, "");
}

static void test_refuses_unknown_workload(void)
{
	cleanup_place struct place place = place_make();

	place_write(place.root, "configs/suites/turns.yaml",
		   "rows:\n  - {workload: spim, timeout_s: 5}\n", 0666);
	check_refused(&place, -ENOENT, "did you mean 'spin'?");
}

static void test_refuses_bad_argument(void)
{
	cleanup_place struct place place = place_make();

	place_write(place.root, "configs/suites/turns.yaml",
		   "rows:\n  - {workload: spin, arguments: {turns: 11}, timeout_s: 5}\n", 0666);
	check_refused(&place, -EINVAL, "turns.yaml:2:");
}

static void test_refuses_vcpus(void)
{
	cleanup_place struct place place = place_make();

	place_write(place.root, "configs/guests/tiny.yaml", "vcpus_count: 64\nmemory_mib: 128\n",
		   0666);
	check_refused(&place, -E2BIG, "64 vCPUs, but this host has ");
}

static void test_refuses_memory(void)
{
	cleanup_place struct place place = place_make();

	place_write(place.root, "configs/guests/tiny.yaml",
		   "vcpus_count: 1\nmemory_mib: 16777216\n", 0666);
	check_refused(&place, -ENOMEM, "needs 16777408 MiB of memory");
}

static void test_refuses_hugepages(void)
{
	cleanup_place struct place place = place_make();

	place_write(place.root, "configs/guests/tiny.yaml",
		   "vcpus_count: 1\nmemory_mib: 16777216\nmemory_hugepages: true\n", 0666);
	check_refused(&place, -ENOMEM, "hugepages-2048kB/nr_hugepages");
}

static void test_refuses_disk(void)
{
	cleanup_place struct place place = place_make();

	place_write(place.root, "configs/guests/tiny.yaml",
		   "vcpus_count: 1\nmemory_mib: 128\npmem_mib: 16777216\n", 0666);
	check_refused(&place, -ENOSPC, "the run needs about ");
}

static void test_refuses_compiler(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!place_load(&place, &campaign))
		return;
	free(campaign.variants[1].kernel.cc);
	campaign.variants[1].kernel.cc = string_copy("no-such-compiler");
	CU_ASSERT_TRUE(experiment_check(&campaign, &place.options, &err) < 0);
	test_check_contains(err.message, "variant other");
	test_check_contains(err.message, "no-such-compiler");
}

static void test_refuses_missing_build(void)
{
	cleanup_place struct place place = place_make();

	place.options.build_dir = "/nonexistent";
	check_refused(&place, -ENOENT, "/nonexistent/workloads");
}

/* --- the plan ------------------------------------------------------------------------ */

static void test_plan(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	const struct stored_run *run = &experiment.run;

	if (!place_load(&place, &campaign) || !place_prepare(&place, &campaign, &experiment))
		return;
	CU_ASSERT_EQUAL(run->seed, 77);
	CU_ASSERT_EQUAL(run->trials_count, 3 * 3);
	CU_ASSERT_EQUAL(run->control_variant, 2);
	if (!test_check(run->variants_count == 3 && run->cells_count == 1))
		return;
	test_check_string(run->variants[0].label, "stock");
	test_check_string(run->variants[0].cmdline, "");
	test_check_string(run->variants[1].cmdline, "nosmt sysctl:kernel.panic=1");
	test_check_string(run->variants[2].label, "stock (control)");
	test_check_string(run->variants[2].name, "stock");
	test_check_string(run->variants[2].kernel_key, run->variants[0].kernel_key);
	CU_ASSERT_EQUAL(strlen(run->variants[0].kernel_key), 64);
	test_check_string(run->cells[0].rows[0].arguments, "turns=3");
	test_check_string(run->cells[0].rows[0].metrics[0].name, "turn_ns");
	CU_ASSERT_EQUAL(experiment_variant_of(&experiment, 0), 0);
	CU_ASSERT_EQUAL(experiment_variant_of(&experiment, 1), 1);
	CU_ASSERT_EQUAL(experiment_variant_of(&experiment, 2), 0);
}

static void test_plan_options(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 }, random = { .lock = -1 };

	if (!place_load(&place, &campaign))
		return;
	place.options.seed = 99;
	place.options.blocks_count = 5;
	campaign.control = false;
	if (!place_prepare(&place, &campaign, &experiment))
		return;
	CU_ASSERT_EQUAL(experiment.run.seed, 99);
	CU_ASSERT_EQUAL(experiment.run.trials_count, 5 * 2);
	CU_ASSERT_EQUAL(experiment.run.control_variant, -1);
	place.options.seed = 0;
	campaign.seed = 0;
	if (place_prepare(&place, &campaign, &random))
		CU_ASSERT_NOT_EQUAL(random.run.seed, 0);
}

static void test_remaining(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	struct stored_run *run = &experiment.run;

	if (!place_load(&place, &campaign) || !place_prepare(&place, &campaign, &experiment))
		return;
	experiment.cpus_count = 3;
	experiment.memory_mib = 100000;
	experiment_expect_durations(&experiment);
	CU_ASSERT_EQUAL(experiment.cells[0].expected_ns, EXPERIMENT_TRIAL_GUESS_NS);
	CU_ASSERT_EQUAL(experiment_concurrency(&experiment, &campaign.cells[0].guest), 3);
	CU_ASSERT_EQUAL(experiment_remaining_ns(&experiment, 1), EXPERIMENT_TRIAL_GUESS_NS);
	/* nine of two CPUs each on three: one after the other */
	campaign.cells[0].guest.vcpus_count = 2;
	CU_ASSERT_EQUAL(experiment_remaining_ns(&experiment, UINT32_MAX),
			9 * EXPERIMENT_TRIAL_GUESS_NS);
	/* nine of one CPU each on two: five rounds */
	campaign.cells[0].guest.vcpus_count = 1;
	experiment.cpus_count = 2;
	CU_ASSERT_EQUAL(experiment_remaining_ns(&experiment, UINT32_MAX),
			5 * EXPERIMENT_TRIAL_GUESS_NS);
	/* little memory: one after the other */
	experiment.memory_mib = 2 * 320 - 1;
	CU_ASSERT_EQUAL(experiment_concurrency(&experiment, &campaign.cells[0].guest), 1);
	CU_ASSERT_EQUAL(experiment_remaining_ns(&experiment, UINT32_MAX),
			9 * EXPERIMENT_TRIAL_GUESS_NS);
	/* what was measured counts more than what was expected */
	run->trials[0].state = TRIAL_FINISHED;
	experiment.cells[0].measured_ns = 600;
	experiment.cells[0].measured_count = 3;
	CU_ASSERT_EQUAL(experiment_remaining_ns(&experiment, UINT32_MAX), 8 * 200);
	CU_ASSERT_EQUAL(experiment_remaining_ns(&experiment, 0), 2 * 200);
}

static void test_memory_of_large_guests(void)
{
	struct guest_spec guest = { .memory_mib = 65536, .memory_reserve = true };

	CU_ASSERT_TRUE(experiment_guest_memory_mib(&guest) > 65536);
	guest.memory_reserve = false;
	/* 64 GiB have 1 GiB of struct pages. */
	CU_ASSERT_EQUAL(experiment_guest_memory_mib(&guest), 1024 + 192);
	guest.memory_mib = 262144;
	CU_ASSERT_EQUAL(experiment_guest_memory_mib(&guest), 4096 + 192);
	guest.memory_reserve = true;
	guest.memory_hugepages = true;
	CU_ASSERT_TRUE(experiment_guest_memory_mib(&guest) < 1024);
}

/* stdout into a file while fn runs. */
static int print_plan_to(const struct place *place, const char *path, struct error *err)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	int saved, file, rc;

	if (!place_load(place, &campaign))
		return -EINVAL;
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	(void)dup2(file, STDOUT_FILENO);
	rc = experiment_print_plan(&campaign, &place->options, err);
	fflush(stdout);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	(void)close(file);
	return rc;
}

static void test_prints_plan(void)
{
	cleanup_place struct place place = place_make();
	cleanup_free char *path = path_join(test_temp_folder(), "plan"), *text = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(print_plan_to(&place, path, &err), 0);
	CU_ASSERT_EQUAL(file_read(path, 1 << 20, &text, NULL), 0);
	test_check_contains(text, "campaign test: 9 trials (2 variants and the A/A control, "
				  "1 cell, 3 blocks), seed 77, tcg");
	test_check_contains(text, "to be built; nosmt sysctl:kernel.panic=1\n");
	test_check_contains(text, "stock (control)");
	test_check_contains(text, "     9      3  ");
	test_check_contains(text, "estimated: ");
	CU_ASSERT_FALSE(path_exists(place.results));
}

/* --- shapes ---------------------------------------------------------------------------- */

static void test_guest_record(void)
{
	struct guest_spec guest = { .name = (char *)"up", .vcpus_count = 2, .memory_mib = 512,
				    .memory_reserve = true, .first_byte_s = 5 };
	cleanup_free char *record = experiment_guest_record(&guest), *deadlines = NULL,
			  *memory = NULL, *cells = NULL;

	test_check_contains(record, "\"memory_mib\":512");
	guest.first_byte_s = 50;
	guest.total_s = 70;
	deadlines = experiment_guest_record(&guest);
	test_check_string(deadlines, record);
	guest.cells_count = 2;
	guest.cells[1] = (struct guest_cell){ .vcpus_count = 1, .memory_mib = 7,
					      .distances_count = 2, .distances = { 20, 10 } };
	cells = experiment_guest_record(&guest);
	test_check_contains(cells, "\"distances\":[20,10],\"memory_mib\":7,\"vcpus_count\":1}");
	guest.memory_mib = 513;
	memory = experiment_guest_record(&guest);
	CU_ASSERT_STRING_NOT_EQUAL(memory, cells);
}

/* --- order and budget ------------------------------------------------------------------- */

static void test_next_trial(void)
{
	cleanup_run struct stored_run run = sample_run(1, 1);

	CU_ASSERT_EQUAL(experiment_next_trial(&run), 0);
	run.trials[0].state = TRIAL_STARTED;
	CU_ASSERT_EQUAL(experiment_next_trial(&run), 1);
	run.trials[5].attempt = 1; /* a repeat goes before what is only next */
	CU_ASSERT_EQUAL(experiment_next_trial(&run), 5);
	run.trials[5].state = TRIAL_FINISHED;
	CU_ASSERT_EQUAL(experiment_next_trial(&run), 1);
	for (size_t i = 0; i < run.trials_count; i++)
		run.trials[i].state = TRIAL_FINISHED;
	CU_ASSERT_EQUAL(experiment_next_trial(&run), SIZE_MAX);
}

static void test_budget(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	const uint64_t minute_ns = 60 * NS_PER_SECOND;

	if (!place_load(&place, &campaign) || !place_prepare(&place, &campaign, &experiment))
		return;
	experiment.cpus_count = 1;
	experiment_expect_durations(&experiment);
	/* no budget, no end */
	CU_ASSERT_TRUE(experiment_block_fits(&experiment, 2, UINT64_MAX / 2));
	/* a block takes 30 s */
	campaign.budget_minutes = 2;
	CU_ASSERT_TRUE(experiment_block_fits(&experiment, 1, 3 * minute_ns / 2));
	CU_ASSERT_FALSE(experiment_block_fits(&experiment, 1, 3 * minute_ns / 2 + 1));
	CU_ASSERT_TRUE(experiment_block_fits(&experiment, 0, 100 * minute_ns));
}

/* A block takes 30 s. */
static void test_deadline(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	const uint64_t end_ns = 600 * NS_PER_SECOND, block_ns = 30 * NS_PER_SECOND;
	struct experiment_options options = place.options;

	if (!place_load(&place, &campaign) || !place_prepare(&place, &campaign, &experiment))
		return;
	experiment.options = &options;
	experiment.cpus_count = 1;
	experiment_expect_durations(&experiment);
	CU_ASSERT_TRUE(experiment_meets_deadline(&experiment, 0, false, UINT64_MAX / 2));
	options.deadline_ns = end_ns;
	/* the first block too: what must end in time may have no boots at all */
	CU_ASSERT_TRUE(experiment_meets_deadline(&experiment, 0, false, end_ns - block_ns));
	CU_ASSERT_FALSE(experiment_meets_deadline(&experiment, 0, false, end_ns - block_ns + 1));
	/* a block that was begun goes on */
	CU_ASSERT_TRUE(experiment_meets_deadline(&experiment, 0, true, end_ns - 1));
	CU_ASSERT_FALSE(experiment_meets_deadline(&experiment, 0, true, end_ns));
}

/* --- repeats --------------------------------------------------------------------------- */

static void test_repeats(void)
{
	static const struct {
		struct stored_trial trial;
		uint32_t repeats_max;
		bool wanted;
	} cases[] = {
		{ { .state = TRIAL_FINISHED, .outcome = OUTCOME_PASSED }, 2, false },
		{ { .state = TRIAL_FINISHED, .outcome = OUTCOME_PASSED, .disturbed = true }, 2,
		  true },
		{ { .state = TRIAL_FINISHED, .outcome = OUTCOME_BROKEN }, 2, true },
		{ { .state = TRIAL_FINISHED, .outcome = OUTCOME_BROKEN }, 0, false },
		{ { .state = TRIAL_FINISHED, .outcome = OUTCOME_BROKEN, .attempt = 1 }, 2, true },
		{ { .state = TRIAL_FINISHED, .outcome = OUTCOME_BROKEN, .attempt = 2 }, 2, false },
		{ { .state = TRIAL_FINISHED, .outcome = OUTCOME_BROKEN, .superseded = true }, 2,
		  false },
		{ { .state = TRIAL_STARTED, .disturbed = true }, 2, false },
		{ { .state = TRIAL_PLANNED, .attempt = 1 }, 2, false },
		/* what a kernel does is data */
		{ { .state = TRIAL_FINISHED, .outcome = OUTCOME_CRASHED }, 2, false },
		{ { .state = TRIAL_FINISHED, .outcome = OUTCOME_FAILED }, 2, false },
		{ { .state = TRIAL_FINISHED, .outcome = OUTCOME_TIMED_OUT }, 2, false },
		{ { .state = TRIAL_FINISHED, .outcome = OUTCOME_SKIPPED }, 2, false },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
		CU_ASSERT_EQUAL(experiment_wants_repeat(&cases[i].trial, cases[i].repeats_max),
				cases[i].wanted);
}

TEST_SUITE("experiment",
	   {"accepts what can be run", test_check_accepts},
	   {"refuses an unknown workload", test_refuses_unknown_workload},
	   {"refuses a bad argument", test_refuses_bad_argument},
	   {"refuses too many vCPUs", test_refuses_vcpus},
	   {"refuses too much memory", test_refuses_memory},
	   {"refuses missing huge pages", test_refuses_hugepages},
	   {"refuses too little disk", test_refuses_disk},
	   {"refuses a missing compiler", test_refuses_compiler},
	   {"refuses a missing build folder", test_refuses_missing_build},
	   {"plan of a campaign", test_plan},
	   {"options over the campaign", test_plan_options},
	   {"remaining time", test_remaining},
	   {"memory of large guests", test_memory_of_large_guests},
	   {"prints the plan", test_prints_plan},
	   {"record of a shape", test_guest_record},
	   {"next trial", test_next_trial},
	   {"budget", test_budget},
	   {"deadline", test_deadline},
	   {"what is repeated", test_repeats})
