/* Tests of engine/replay_world.c: a trial found again in a made-up exact run, and
 * what is said where something of it is gone. Trials that really run again are in
 * tests/boot/.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "experiment_private.h"
#include "files.h"
#include "memory.h"
#include "replay.h"
#include "sample_project.h"
#include "sample_run.h"
#include "test.h"

#define ID "20261121-213000-test"
#define IMAGE "5a5a5a"

/* A finished exact run of the campaign "test"; its first trial's files are there. */
struct past {
	struct place place;
	struct run_store *store;  /* owned */
	struct stored_run run;
};

static void past_release(struct past *past)
{
	run_store_close(past->store);
	stored_run_release(&past->run);
	place_release(&past->place);
}

#define cleanup_past cleanup_with(past_release)
#define cleanup_world cleanup_with(replay_world_release)

static struct trial_result crashed(void)
{
	struct trial_result result = TRIAL_RESULT_INIT;

	result.rows = memory_alloc_array(1, sizeof(*result.rows));
	result.rows_count = 1;
	result.rows[0] = (struct row_result){ .outcome = OUTCOME_CRASHED,
					      .reason = string_copy("it panicked") };
	result.findings = memory_alloc_array(1, sizeof(*result.findings));
	result.findings_count = 1;
	result.findings[0] = (struct finding){ .kind = FINDING_PANIC,
					       .title = string_copy("panic: at once"),
					       .excerpt = string_copy("Kernel panic"),
					       .line = 7 };
	trial_result_worsen(&result, OUTCOME_CRASHED, "panic: at once");
	result.digest = string_copy("d1d1");
	return result;
}

static void finish_trial(struct past *past, size_t index, const char *fingerprint)
{
	cleanup_result struct trial_result result = crashed();
	struct error err = ERROR_INIT;
	int64_t id = past->run.trials[index].id;

	CU_ASSERT_EQUAL(run_store_trial_started(past->store, id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(past->store, id, &result, fingerprint, &err), 0);
	test_check_string(err.message, "");
}

static void write_files(const struct past *past)
{
	cleanup_free char *folder = run_store_run_folder(past->store, ID);

	place_write(folder, "initrd/abab.cpio", "common", 0666);
	place_write(folder, "trials/0001/plan.cpio", "plan", 0666);
	place_write(folder, "trials/0001/console.log", "console\n", 0666);
	place_write(folder, "trials/0001/results.log", "results\n", 0666);
}

/* Stores the run, with its own copy of the configs, as a real one does. */
static bool store_run(struct past *past, struct experiment *experiment, struct error *err)
{
	int rc = run_store_open(past->place.results, &experiment->store, err);

	experiment->run.id = string_copy(ID);
	if (!rc)
		rc = run_store_begin(experiment->store, &experiment->run, err);
	if (!rc)
		experiment->run_folder = run_store_run_folder(experiment->store, ID);
	if (!rc)
		rc = experiment_save_config(experiment, err);
	for (uint32_t i = 0; !rc && i < experiment->run.variants_count; i++)
		rc = run_store_set_kernel(experiment->store, ID, i, IMAGE, "{}", err);
	return test_check_string(err->message, "") && !rc;
}

static bool make_past(struct past *past, enum run_mode mode)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	struct error err = ERROR_INIT;

	past->place = place_make();
	if (!place_load(&past->place, &campaign))
		return false;
	campaign_set_mode(&campaign, mode);
	campaign.exact.counts = false; /* a made-up build has no plugin */
	if (!place_prepare(&past->place, &campaign, &experiment) ||
	    !store_run(past, &experiment, &err))
		return false;
	past->store = take_pointer(experiment.store);
	past->run = experiment.run;
	experiment.run = (struct stored_run){ .id = NULL };
	finish_trial(past, 0, "guest_image=abab\nhypervisor=libvirt 9.0.0, QEMU 7.2.22\n");
	write_files(past);
	return true;
}

/* --- found ---------------------------------------------------------------------------- */

static void check_inputs(const struct past *past, const struct replay_world *world)
{
	const struct stored_trial *trial = &past->run.trials[0];
	bool is_other = strcmp(past->run.variants[trial->variant].name, "other") == 0;
	cleanup_free char *folder = run_store_run_folder(past->store, ID);
	cleanup_free char *common = path_join(folder, "initrd/abab.cpio");
	cleanup_free char *plan = path_join(folder, "trials/0001/plan.cpio");

	test_check_string(world->common_path, common);
	test_check_string(world->plan_path, plan);
	test_check_string(world->initrd_sha256, "abab");
	test_check_string(world->hypervisor, "libvirt 9.0.0, QEMU 7.2.22");
	test_check_string(world->image_sha256, IMAGE);
	test_check_string(world->variant, past->run.variants[trial->variant].name);
	test_check_string(world->kernel_key, past->run.variants[trial->variant].kernel_key);
	test_check_string(world->kernel.base.name, "demo");
	/* arguments of the variant, not its sysctls */
	test_check_string(world->cmdline, is_other ? "nosmt" : "");
	CU_ASSERT_EQUAL(world->seed.number, trial->seed);
	CU_ASSERT_EQUAL(world->seed.random, exact_seed_make(trial->seed).random);
	CU_ASSERT_FALSE(world->policy.counts);
	CU_ASSERT_EQUAL(world->policy.shift, EXACT_POLICY_INIT.shift);
}

static void check_guest(const struct replay_world *world)
{
	test_check_string(world->guest.name, "tiny");
	CU_ASSERT_EQUAL(world->guest.memory_mib, 128);
	if (!test_check(world->suite.rows_count == 1))
		return;
	test_check_string(world->suite.rows[0].workload, "spin");
	CU_ASSERT_EQUAL(world->suite.rows[0].timeout_s, 5);
	test_check_string(world->workloads[0].name, "spin");
	CU_ASSERT_PTR_NOT_NULL(workload_info_find_metric(&world->workloads[0], "turn_ns"));
}

static void test_finds_a_trial(void)
{
	cleanup_past struct past past = { .store = NULL };
	cleanup_world struct replay_world world = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!make_past(&past, MODE_EXACT))
		return;
	CU_ASSERT_EQUAL(replay_load_trial(past.store, "20261121/1", &past.place.options, &world,
					  &err), 0);
	if (!test_check_string(err.message, ""))
		return;
	test_check_string(world.name, ID "/1");
	check_inputs(&past, &world);
	check_guest(&world);
	CU_ASSERT_EQUAL(world.outcome, OUTCOME_CRASHED);
	test_check_string(world.reason, "panic: at once");
	test_check_string(world.digest, "d1d1");
	CU_ASSERT_EQUAL(world.bad_row, 1);
	if (!test_check(world.findings_count == 1))
		return;
	CU_ASSERT_EQUAL(world.findings[0].kind, FINDING_PANIC);
	test_check_string(world.findings[0].title, "panic: at once");
}

/* --- refused ----------------------------------------------------------------------------- */

static void check_refused(const struct past *past, const char *trial, int code,
			  const char *part)
{
	cleanup_world struct replay_world world = { .name = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(replay_load_trial(past->store, trial, &past->place.options, &world, &err),
			code);
	test_check_contains(err.message, part);
	CU_ASSERT_PTR_NULL(world.name);
}

static void test_refuses_other_names(void)
{
	cleanup_past struct past past = { .store = NULL };

	if (!make_past(&past, MODE_EXACT))
		return;
	check_refused(&past, ID, -ENOENT, "expected RUN/NUMBER, as in latest/3");
	check_refused(&past, "1", -ENOENT, "expected RUN/NUMBER");
	check_refused(&past, "/1", -ENOENT, "expected RUN/NUMBER");
	check_refused(&past, ID "/", -ENOENT, "expected RUN/NUMBER");
	check_refused(&past, ID "/0", -ENOENT, "expected RUN/NUMBER");
	check_refused(&past, ID "/01", -ENOENT, "expected RUN/NUMBER");
	check_refused(&past, ID "/1x", -ENOENT, "expected RUN/NUMBER");
	check_refused(&past, ID "/99999999999", -ENOENT, "expected RUN/NUMBER");
	check_refused(&past, ID "/999", -ENOENT, "has no trial 999: expected 1 to ");
	check_refused(&past, "2099/1", -ENOENT, "2099");
	check_refused(&past, ID "/2", -EAGAIN, "trial 2 is not finished");
}

static void test_refuses_timed_runs(void)
{
	cleanup_past struct past past = { .store = NULL };

	if (make_past(&past, MODE_TIMED))
		check_refused(&past, ID "/1", -EINVAL, "was in timed mode");
}

/* Each file that a replay needs, and the campaign, is named where it is gone. */
static void test_names_what_is_gone(void)
{
	static const char *const files[] = { "initrd/abab.cpio", "trials/0001/plan.cpio",
					     "trials/0001/console.log",
					     "trials/0001/results.log" };
	cleanup_past struct past past = { .store = NULL };
	cleanup_free char *folder = NULL;

	if (!make_past(&past, MODE_EXACT))
		return;
	folder = run_store_run_folder(past.store, ID);
	for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
		cleanup_free char *path = path_join(folder, files[i]);

		CU_ASSERT_EQUAL(unlink(path), 0);
		check_refused(&past, ID "/1", -ENOENT, path);
		write_files(&past);
	}
	place_write(folder, "config/configs/guests/tiny.yaml",
		    "vcpus_count: 1\nmemory_mib: 129\n", 0666);
	check_refused(&past, ID "/1", -ENOENT, "does not have its cell tiny/turns any more");
}

static void test_refuses_a_trial_without_fingerprint(void)
{
	cleanup_past struct past past = { .store = NULL };

	if (!make_past(&past, MODE_EXACT))
		return;
	finish_trial(&past, 1, "guest_image2=abab\nhypervisor=x\n");
	check_refused(&past, ID "/2", -ENOENT, "does not name guest_image and hypervisor");
}

/* libvirt's mock driver is another hypervisor than the one of then. */
static void test_refuses_another_hypervisor(void)
{
	cleanup_past struct past past = { .store = NULL };
	cleanup_world struct replay_world world = { .name = NULL };
	cleanup_with(replay_outcome_release) struct replay_outcome outcome = {
		.difference = NULL
	};
	cleanup_free char *folder = path_join(test_temp_folder(), "new");
	struct replay_options options = { .folder = folder };
	struct error err = ERROR_INIT;

	if (!make_past(&past, MODE_EXACT))
		return;
	past.place.options.uri = "test:///default";
	options.experiment = &past.place.options;
	if (!test_check(replay_load_trial(past.store, ID "/1", &past.place.options, &world,
					  &err) == 0))
		return;
	CU_ASSERT_EQUAL(replay_run(&world, &options, &outcome, &err), -ESTALE);
	test_check_contains(err.message, "replay of " ID "/1: the hypervisor was libvirt 9.0.0, "
			    "QEMU 7.2.22 then and is ");
}

TEST_SUITE("replay_world",
	   {"finds a trial", test_finds_a_trial},
	   {"refuses other names", test_refuses_other_names},
	   {"refuses timed runs", test_refuses_timed_runs},
	   {"names what is gone", test_names_what_is_gone},
	   {"refuses a trial without fingerprint", test_refuses_a_trial_without_fingerprint},
	   {"refuses another hypervisor", test_refuses_another_hypervisor})
