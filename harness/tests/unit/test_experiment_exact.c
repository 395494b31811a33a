/* test_experiment_exact.c - an experiment in exact mode, as far as it goes without
 * booting anything: refusals, plan, fingerprint, canaries that are acted upon.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "experiment_private.h"
#include "files.h"
#include "memory.h"
#include "sample_project.h"
#include "sample_run.h"
#include "test.h"

#define cleanup_campaign cleanup_with(campaign_release)

static const char workload_script[] =
	"#!/bin/sh\n"
	"cat <<'END'\n"
	"{\"name\": \"spin\", \"purpose\": \"spins\", \"metrics\": [\n"
	"{\"name\": \"%s\", \"unit\": \"ns\", \"better\": \"lower\", \"kind\": \"time\",\n"
	" \"secondary\": false, \"meaning\": \"one turn\"}],\n"
	"\"parameters\": [], \"needs_options\": [], \"needs_devices\": [], \"needs_tools\": [],\n"
	"\"kernel_arguments\": [], \"needs_memory_mib\": 0, \"needs_vcpus\": 0,\n"
	"\"counted\": %s}\n"
	"END\n";

static void write_workload(const struct place *place, const char *metric, bool is_counted)
{
	cleanup_free char *text = string_format(workload_script, metric,
						is_counted ? "true" : "false");

	place_write(place->build, "workloads/spin", text, 0777);
}

/* The sample project with a counting plugin and a counted workload, its campaign in
 * exact mode with what `more` says. */
static struct place exact_place(const char *more)
{
	struct place place = place_make();
	cleanup_free char *text = string_format(
		"variants:\n"
		"  - name: stock\n"
		"    kernel: {base: demo, fragments: [base]}\n"
		"  - name: other\n"
		"    kernel: {base: demo, fragments: [base]}\n"
		"    cmdline: [nosmt]\n"
		"baseline: stock\n"
		"cells: [{guest: tiny, suite: turns}]\n"
		"mode: exact\n%s", more);

	place_write(place.root, "configs/campaigns/test.yaml", text, 0666);
	place_write(place.root, "configs/suites/turns.yaml",
		    "rows: [{workload: spin, timeout_s: 5}]\n", 0666);
	place_write(place.build, "plugin/count-api1.so", "x", 0666);
	write_workload(&place, "turn_ns", true);
	place.options.accelerator = CHOICE_AUTO;
	return place;
}

static void check_refused(const struct place *place, int code, const char *part)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!place_load(place, &campaign))
		return;
	CU_ASSERT_EQUAL(experiment_check(&campaign, &place->options, &err), code);
	test_check_contains(err.message, part);
}

static void test_refuses_kvm(void)
{
	cleanup_place struct place place = exact_place("");

	place.options.accelerator = CHOICE_KVM;
	check_refused(&place, -ENOTSUP, "--accel kvm: exact mode counts the guest's "
					"instructions, which only the emulator can");
}

static void test_refuses_without_plugin(void)
{
	cleanup_place struct place place = exact_place(""),
				   without = exact_place("exact: {counts: false}\n");
	cleanup_free char *plugin = path_join(place.build, "plugin/count-api1.so");
	cleanup_free char *folder = path_join(without.build, "plugin");
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(unlink(plugin), 0);
	check_refused(&place, -ENOENT, "holds no counting plugin");
	CU_ASSERT_EQUAL(folder_remove(folder), 0);
	if (place_load(&without, &campaign))
		CU_ASSERT_EQUAL(experiment_check(&campaign, &without.options, &err), 0);
	test_check_string(err.message, "");
}

static void test_refuses_a_disk(void)
{
	cleanup_place struct place place = exact_place("");

	place_write(place.root, "configs/guests/tiny.yaml",
		    "vcpus_count: 1\nmemory_mib: 128\ndisk_mib: 16\n", 0666);
	check_refused(&place, -ENOTSUP, "guest tiny: has a disk (disk_mib), ");
}

static void test_refuses_a_metric_of_that_name(void)
{
	cleanup_place struct place place = exact_place("");

	write_workload(&place, "work_instructions", true);
	check_refused(&place, -EEXIST, "workload spin: has a metric work_instructions of its "
				       "own, which exact mode adds");
}

/* Nothing that has its own time may come from the host. */
static void test_refuses_requests(void)
{
	cleanup_place struct place place = exact_place("");
	cleanup_free char *asks = string_format(
		"#!/bin/sh\ncat <<'END'\n{\"name\": \"spin\", \"purpose\": \"asks\", "
		"\"metrics\": [{\"name\": \"a_ns\", \"unit\": \"ns\", \"better\": "
		"\"lower\", \"kind\": \"time\", \"secondary\": false, \"meaning\": "
		"\"one\"}], \"parameters\": [{\"name\": \"from\", \"meaning\": "
		"\"whence\", \"is_number\": false, \"minimum\": 0, \"maximum\": 0, "
		"\"choices\": [\"here\", \"host\"], \"default_value\": \"here\"}], "
		"\"needs_options\": [], \"needs_devices\": [\"from=host:hotplug\"], "
		"\"needs_tools\": [], \"kernel_arguments\": [], \"needs_memory_mib\": 0, "
		"\"needs_vcpus\": 0}\nEND\n");
	cleanup_campaign struct campaign campaign = { .name = NULL };
	struct error err = ERROR_INIT;

	place_write(place.build, "workloads/spin", asks, 0777);
	place_write(place.root, "configs/guests/tiny.yaml", "vcpus_count: 1\nmemory_mib: 128\n"
		    "memory_max_mib: 256\nmemory_slots: 1\n", 0666);
	if (place_load(&place, &campaign))
		CU_ASSERT_EQUAL(experiment_check(&campaign, &place.options, &err), 0);
	test_check_string(err.message, "");
	place_write(place.root, "configs/suites/turns.yaml", "rows: [{workload: spin, arguments: "
		    "{from: host}, timeout_s: 5}]\n", 0666);
	check_refused(&place, -ENOTSUP, "asks the host for memory while it runs");
}

static void test_refuses_seeds_out_of_range(void)
{
	cleanup_place struct place place = exact_place("seeds_count: 8\n");
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	struct error err = ERROR_INIT;

	if (!place_load(&place, &campaign))
		return;
	place.options.seed = INT64_MAX - 7;
	if (!test_check(!experiment_prepare(&campaign, &place.options, &experiment, &err)))
		return;
	CU_ASSERT_EQUAL(experiment_make_plan(&experiment, &experiment.run, &err), -ERANGE);
	test_check_contains(err.message, "seed 9223372036854775800: expected at most "
					 "9223372036854775799, since 8 seeds");
	CU_ASSERT_EQUAL(experiment.run.trials_count, 0);
}

/* --- the plan ------------------------------------------------------------------------ */

static void check_metrics(const struct stored_row *row, const char *const *names, size_t count)
{
	if (!test_check(row->metrics_count == count))
		return;
	for (size_t i = 0; i < count; i++)
		test_check_string(row->metrics[i].name, names[i]);
}

static void test_plan(void)
{
	static const char *const names[] = { "turn_ns", "work_instructions",
					     "kernel_instructions", "user_instructions" };
	cleanup_place struct place place = exact_place("");
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	const struct stored_run *run = &experiment.run;

	if (!place_load(&place, &campaign) || !place_prepare(&place, &campaign, &experiment))
		return;
	CU_ASSERT_EQUAL(run->mode, MODE_EXACT);
	CU_ASSERT_EQUAL(run->exact.shift, 3);
	CU_ASSERT_EQUAL(run->seed, 1);
	CU_ASSERT_FALSE(run->control);
	CU_ASSERT_EQUAL(run->control_variant, 2);
	CU_ASSERT_EQUAL(run->trials_count, 5 * 2 + 1);
	CU_ASSERT_EQUAL(run->trials[run->trials_count - 1].seed, 5);
	CU_ASSERT_EQUAL(experiment.accelerator, ACCELERATOR_TCG);
	test_check_contains(run->accelerator_reason, "exact mode counts");
	check_metrics(&run->cells[0].rows[0], names, ARRAY_COUNT(names));
}

static void test_plan_options(void)
{
	cleanup_place struct place place = exact_place("seeds_count: 4\ncontrol: true\nseed: 9\n");
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 }, other = { .lock = -1 };

	if (!place_load(&place, &campaign) || !place_prepare(&place, &campaign, &experiment))
		return;
	CU_ASSERT_TRUE(experiment.run.control);
	CU_ASSERT_EQUAL(experiment.run.seed, 9);
	CU_ASSERT_EQUAL(experiment.run.trials_count, 4 * 3);
	place.options.blocks_count = 2;
	place.options.seed = 70;
	if (place_prepare(&place, &campaign, &other)) {
		CU_ASSERT_EQUAL(other.run.trials_count, 2 * 3);
		CU_ASSERT_EQUAL(other.run.trials[5].seed, 71);
	}
}

/* Metrics are added only where instructions are counted and mean something; span
 * only with several vCPUs. */
static void test_added_metrics(void)
{
	static const struct {
		const char *more;
		bool is_counted;
		const char *guest;
		size_t count;
	} cases[] = {
		{ "", true, "vcpus_count: 1\nmemory_mib: 128\n", 1 + 3 },
		{ "", true, "vcpus_count: 2\nmemory_mib: 128\n", 1 + 5 },
		{ "", false, "vcpus_count: 2\nmemory_mib: 128\n", 1 },
		{ "exact: {counts: false}\n", true, "vcpus_count: 1\nmemory_mib: 128\n", 1 },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_place struct place place = exact_place(cases[i].more);
		cleanup_campaign struct campaign campaign = { .name = NULL };
		cleanup_experiment struct experiment experiment = { .lock = -1 };

		place_write(place.root, "configs/guests/tiny.yaml", cases[i].guest, 0666);
		write_workload(&place, "turn_ns", cases[i].is_counted);
		if (place_load(&place, &campaign) &&
		    place_prepare(&place, &campaign, &experiment))
			CU_ASSERT_EQUAL(experiment.run.cells[0].rows[0].metrics_count,
					cases[i].count);
	}
}

/* A guest of many vCPUs takes one CPU, wherever CPUs are counted. */
static void test_room_and_budget(void)
{
	cleanup_place struct place place = exact_place("");
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };

	place_write(place.root, "configs/guests/tiny.yaml", "vcpus_count: 64\nmemory_mib: 128\n",
		    0666);
	if (!place_load(&place, &campaign) || !place_prepare(&place, &campaign, &experiment))
		return;
	experiment.cpus_count = 3;
	experiment.memory_mib = 100000;
	experiment_expect_durations(&experiment);
	CU_ASSERT_EQUAL(experiment_concurrency(&experiment, &campaign.cells[0].guest), 3);
	/* eleven trials, three at once */
	CU_ASSERT_EQUAL(experiment_remaining_ns(&experiment, UINT32_MAX),
			4 * EXPERIMENT_TRIAL_GUESS_NS);
	/* a seed of two trials, one after the other, is the last that fits */
	experiment.cpus_count = 1;
	campaign.budget_minutes = 1;
	CU_ASSERT_TRUE(experiment_block_fits(&experiment, 1, 4 * EXPERIMENT_TRIAL_GUESS_NS));
	CU_ASSERT_FALSE(experiment_block_fits(&experiment, 1,
					      4 * EXPERIMENT_TRIAL_GUESS_NS + 1));
}

/* --- the fingerprint -------------------------------------------------------------------- */

static void test_resumes_only_alike(void)
{
	cleanup_run struct stored_run run = sample_run(1, 1), planned = sample_run(1, 1);
	struct error err = ERROR_INIT;

	run.mode = planned.mode = MODE_EXACT;
	run.exact = planned.exact = EXACT_POLICY_INIT;
	CU_ASSERT_EQUAL(experiment_compare_config(&run, &planned, &err), 0);
	planned.exact.shift = 4;
	CU_ASSERT_EQUAL(experiment_compare_config(&run, &planned, &err), -ESTALE);
	test_check_contains(err.message, "run: exact was '{\"by\"");
	planned.mode = MODE_TIMED;
	CU_ASSERT_EQUAL(experiment_compare_config(&run, &planned, &err), -ESTALE);
	test_check_contains(err.message, "run: mode was 'exact' when the run began and is "
					 "'timed' now");
}

/* Begun with --mode exact: the campaign's own copy says timed. */
static void test_config_in_the_mode_of_the_run(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL }, copy = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	struct error err = ERROR_INIT;

	place_write(place.build, "plugin/count-api3.so", "x", 0666);
	if (!place_load(&place, &campaign))
		return;
	campaign_set_mode(&campaign, MODE_EXACT);
	if (!place_prepare(&place, &campaign, &experiment))
		return;
	CU_ASSERT_EQUAL(run_store_open(place.results, &experiment.store, &err), 0);
	CU_ASSERT_EQUAL(run_store_begin(experiment.store, &experiment.run, &err), 0);
	experiment.run_folder = run_store_run_folder(experiment.store, experiment.run.id);
	CU_ASSERT_EQUAL(experiment_save_config(&experiment, &err), 0);
	CU_ASSERT_EQUAL(experiment_load_config(experiment.store, &experiment.run, &place.options,
					       &copy, &err), 0);
	CU_ASSERT_EQUAL(copy.mode, MODE_EXACT);
	CU_ASSERT_EQUAL(copy.blocks_count, 5);
}

/* --- canaries ----------------------------------------------------------------------------- */

/* A stored exact run of the place, one seed with its canary, nothing booted. */
static bool begin(const struct place *place, const struct campaign *campaign,
		  struct experiment *experiment)
{
	struct error err = ERROR_INIT;

	if (!place_prepare(place, campaign, experiment) ||
	    !test_check(!run_store_open(place->results, &experiment->store, &err)) ||
	    !test_check(!run_store_begin(experiment->store, &experiment->run, &err)))
		return false;
	return test_check(experiment->run.trials_count == 3);
}

static size_t index_of(const struct stored_run *run, uint32_t variant)
{
	size_t found = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].variant == variant)
			found = i;
	return found;
}

/* What the loop over trials does when a guest is over. */
static void finish(struct experiment *experiment, size_t index, const char *digest)
{
	struct stored_trial *trial = &experiment->run.trials[index];
	struct trial_result result = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	result.digest = string_copy(digest);
	CU_ASSERT_EQUAL(run_store_trial_started(experiment->store, trial->id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(experiment->store, trial->id, &result, "", &err),
			0);
	trial->state = TRIAL_FINISHED;
	trial->outcome = OUTCOME_PASSED;
	trial->digest = string_copy(digest);
	trial_result_release(&result);
	CU_ASSERT_EQUAL(experiment_settle(experiment, index, &err), 0);
	test_check_string(err.message, "");
}

/* The store and the run in memory agree; superseded: so many trials. */
static void check_stored(const struct experiment *experiment, size_t trials_count,
			 size_t superseded, const char *note)
{
	cleanup_run struct stored_run stored = { .id = NULL };
	struct error err = ERROR_INIT;
	size_t count = 0;

	if (!test_check(!run_store_load(experiment->store, NULL, &stored, &err)))
		return;
	CU_ASSERT_EQUAL(stored.trials_count, trials_count);
	CU_ASSERT_EQUAL(experiment->run.trials_count, trials_count);
	for (size_t i = 0; i < stored.trials_count; i++) {
		count += stored.trials[i].superseded;
		CU_ASSERT_EQUAL(stored.trials[i].superseded,
				experiment->run.trials[i].superseded);
	}
	CU_ASSERT_EQUAL(count, superseded);
	if (note)
		test_check_contains(stored.note, note);
	else
		test_check_string(stored.note, NULL);
}

static void test_canary_passes(void)
{
	cleanup_place struct place place = exact_place("seeds_count: 1\n");
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };

	if (!place_load(&place, &campaign) || !begin(&place, &campaign, &experiment))
		return;
	finish(&experiment, index_of(&experiment.run, 0), "a");
	finish(&experiment, index_of(&experiment.run, 1), "b");
	finish(&experiment, index_of(&experiment.run, 2), "a");
	check_stored(&experiment, 3, 0, NULL);
}

/* The canary differs, is booted once more, and then: the second boot agrees with
 * the baseline, with the first, or with none. */
static void test_canary_fails(void)
{
	static const struct {
		const char *again, *note;
		bool baseline_is_odd;
		size_t superseded_count;
	} cases[] = {
		{ "a", "came out as another world than", false, 1 },
		{ "b", "came out as another world than", true, 2 },
		{ "c", "not exact: trials ", false, 1 },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_place struct place place = exact_place("seeds_count: 1\n");
		cleanup_campaign struct campaign campaign = { .name = NULL };
		cleanup_experiment struct experiment experiment = { .lock = -1 };
		const struct stored_run *run = &experiment.run;

		if (!place_load(&place, &campaign) || !begin(&place, &campaign, &experiment))
			return;
		finish(&experiment, index_of(run, 0), "a");
		finish(&experiment, index_of(run, 2), "b");
		if (!test_check(run->trials_count == 4))
			return;
		CU_ASSERT_EQUAL(run->trials[3].variant, 2);
		CU_ASSERT_EQUAL(run->trials[3].seed, 1);
		CU_ASSERT_EQUAL(experiment_next_trial(run), 3);
		finish(&experiment, 3, cases[i].again);
		CU_ASSERT_EQUAL(run->trials_count, 4);
		CU_ASSERT_EQUAL(run->trials[index_of(run, 0)].superseded,
				cases[i].baseline_is_odd);
		CU_ASSERT_FALSE(run->trials[3].superseded);
		test_check_contains(run->note, cases[i].note);
		check_stored(&experiment, 4, cases[i].superseded_count, cases[i].note);
	}
}

/* A process that ended between storing and settling: the next one does it. */
static void test_settles_after_resume(void)
{
	cleanup_place struct place place = exact_place("seeds_count: 1\n");
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	struct stored_run *run = &experiment.run;
	struct error err = ERROR_INIT;
	size_t canary;

	if (!place_load(&place, &campaign) || !begin(&place, &campaign, &experiment))
		return;
	canary = index_of(run, 2);
	campaign.mode = MODE_TIMED; /* nothing is settled */
	finish(&experiment, index_of(run, 0), "a");
	finish(&experiment, canary, "b");
	campaign.mode = MODE_EXACT;
	CU_ASSERT_EQUAL(run->trials_count, 3);
	CU_ASSERT_EQUAL(experiment_settle_all(&experiment, &err), 0);
	CU_ASSERT_TRUE(run->trials[canary].superseded);
	check_stored(&experiment, 4, 1, NULL);
	/* and only once */
	CU_ASSERT_EQUAL(experiment_settle_all(&experiment, &err), 0);
	CU_ASSERT_EQUAL(run->trials_count, 4);
}

static void test_note_of_options(void)
{
	cleanup_place struct place place = exact_place("seeds_count: 1\n");
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	struct error err = ERROR_INIT;

	place.options.note = "left out: big/turns";
	if (!place_load(&place, &campaign) || !begin(&place, &campaign, &experiment))
		return;
	check_stored(&experiment, 3, 0, "left out: big/turns");
	CU_ASSERT_EQUAL(experiment_write_note(&experiment, "the budget was spent", &err), 0);
	check_stored(&experiment, 3, 0, "left out: big/turns. 3 of 3 planned trials were "
					       "not run: the budget was spent");
}

TEST_SUITE("experiment_exact",
	   {"refuses KVM", test_refuses_kvm},
	   {"refuses a missing plugin", test_refuses_without_plugin},
	   {"refuses a disk", test_refuses_a_disk},
	   {"refuses a metric that it adds", test_refuses_a_metric_of_that_name},
	   {"refuses workloads that ask the host", test_refuses_requests},
	   {"refuses seeds out of range", test_refuses_seeds_out_of_range},
	   {"plan", test_plan},
	   {"options over the campaign", test_plan_options},
	   {"added metrics", test_added_metrics},
	   {"one CPU a guest, and the budget", test_room_and_budget},
	   {"resumes only what is alike", test_resumes_only_alike},
	   {"config in the mode of the run", test_config_in_the_mode_of_the_run},
	   {"a canary that passes", test_canary_passes},
	   {"a canary that fails", test_canary_fails},
	   {"settled after a resume", test_settles_after_resume},
	   {"a note from the options", test_note_of_options})
