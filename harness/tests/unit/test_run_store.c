/* test_run_store.c - what is stored comes back. Damage, full disks and killed
 * writers are in test_run_store_faults.c, names in test_run_store_find.c.
 */
#include "run_store.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"
#include "memory.h"
#include "sample_run.h"
#include "scheduler.h"
#include "test.h"

static bool finish(struct run_store *store, int64_t id, uint32_t count, double value)
{
	cleanup_result struct trial_result result = sample_result(count, value);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_store_trial_started(store, id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(store, id, &result, "a=1\nb=2\n", &err), 0);
	test_check_string(err.message, "");
	return !err.code;
}

static void check_same_metric(const struct metric_info *a, const struct metric_info *b)
{
	test_check_string(a->name, b->name);
	test_check_string(a->unit, b->unit);
	test_check_string(a->meaning, b->meaning);
	CU_ASSERT_EQUAL(a->better, b->better);
	CU_ASSERT_EQUAL(a->kind, b->kind);
	CU_ASSERT_EQUAL(a->secondary, b->secondary);
}

static void check_same_cell(const struct stored_cell *a, const struct stored_cell *b)
{
	test_check_string(a->guest, b->guest);
	test_check_string(a->suite, b->suite);
	test_check_string(a->guest_record, b->guest_record);
	if (!test_check(a->rows_count == b->rows_count))
		return;
	for (size_t i = 0; i < a->rows_count; i++) {
		test_check_string(a->rows[i].name, b->rows[i].name);
		test_check_string(a->rows[i].workload, b->rows[i].workload);
		test_check_string(a->rows[i].arguments, b->rows[i].arguments);
		if (!test_check(a->rows[i].metrics_count == b->rows[i].metrics_count))
			return;
		for (size_t j = 0; j < a->rows[i].metrics_count; j++)
			check_same_metric(&a->rows[i].metrics[j], &b->rows[i].metrics[j]);
	}
}

static void check_same_head(const struct stored_run *a, const struct stored_run *b)
{
	test_check_string(a->id, b->id);
	test_check_string(a->campaign, b->campaign);
	test_check_string(a->campaign_file, b->campaign_file);
	test_check_string(a->state, b->state);
	CU_ASSERT_EQUAL(a->started_wall_ns, b->started_wall_ns);
	CU_ASSERT_EQUAL(a->seed, b->seed);
	CU_ASSERT_EQUAL(a->control, b->control);
	CU_ASSERT_EQUAL(a->baseline, b->baseline);
	CU_ASSERT_EQUAL(a->control_variant, b->control_variant);
	CU_ASSERT_EQUAL(a->gate.margin_percent, b->gate.margin_percent);
	CU_ASSERT_EQUAL(a->gate.alpha, b->gate.alpha);
	CU_ASSERT_EQUAL(a->gate.confidence, b->gate.confidence);
	CU_ASSERT_EQUAL(a->gate.correction, b->gate.correction);
	test_check_string(a->accelerator, b->accelerator);
	test_check_string(a->accelerator_reason, b->accelerator_reason);
	CU_ASSERT_EQUAL(a->mode, b->mode);
	CU_ASSERT_EQUAL(a->exact.shift, b->exact.shift);
	CU_ASSERT_EQUAL(a->exact.counts, b->exact.counts);
	CU_ASSERT_EQUAL(a->exact.by_instruction, b->exact.by_instruction);
	CU_ASSERT_EQUAL(a->exact.profile, b->exact.profile);
	CU_ASSERT_EQUAL(a->exact.jitter_us, b->exact.jitter_us);
	CU_ASSERT_EQUAL(a->exact.kaslr, b->exact.kaslr);
}

static void check_same_variants(const struct stored_run *a, const struct stored_run *b)
{
	if (!test_check(a->variants_count == b->variants_count))
		return;
	for (size_t i = 0; i < a->variants_count; i++) {
		test_check_string(a->variants[i].label, b->variants[i].label);
		test_check_string(a->variants[i].name, b->variants[i].name);
		test_check_string(a->variants[i].kernel_key, b->variants[i].kernel_key);
		test_check_string(a->variants[i].image_sha256, b->variants[i].image_sha256);
		test_check_string(a->variants[i].kernel_record, b->variants[i].kernel_record);
		test_check_string(a->variants[i].cmdline, b->variants[i].cmdline);
	}
}

static void test_plan_round_trip(void)
{
	const char *folder = test_temp_folder();
	cleanup_store struct run_store *store = sample_store_open(folder), *again = NULL;
	cleanup_run struct stored_run run = sample_run(4, INT64_MAX), loaded = { .id = NULL };
	struct error err = ERROR_INIT;

	free(run.variants[1].image_sha256);
	run.variants[1].image_sha256 = NULL;
	if (!store || !sample_store_begin(store, &run))
		return;
	again = sample_store_open(folder);
	if (!test_check(!run_store_load(again, run.id, &loaded, &err)))
		return;
	check_same_head(&loaded, &run);
	check_same_variants(&loaded, &run);
	if (!test_check(loaded.cells_count == 2 && loaded.trials_count == run.trials_count))
		return;
	check_same_cell(&loaded.cells[0], &run.cells[0]);
	check_same_cell(&loaded.cells[1], &run.cells[1]);
	for (size_t i = 0; i < run.trials_count; i++) {
		CU_ASSERT_EQUAL(loaded.trials[i].id, run.trials[i].id);
		CU_ASSERT_EQUAL(loaded.trials[i].block, run.trials[i].block);
		CU_ASSERT_EQUAL(loaded.trials[i].cell, run.trials[i].cell);
		CU_ASSERT_EQUAL(loaded.trials[i].variant, run.trials[i].variant);
		CU_ASSERT_EQUAL(loaded.trials[i].order, i);
		CU_ASSERT_EQUAL(loaded.trials[i].state, TRIAL_PLANNED);
		CU_ASSERT_EQUAL(loaded.trials[i].started_wall_ns, 0);
		CU_ASSERT_EQUAL(loaded.trials[i].seed, 0);
		test_check_string(loaded.trials[i].digest, NULL);
	}
}

/* Mode, policy, seeds and digests of exact mode. */
static void test_exact_round_trip(void)
{
	const char *folder = test_temp_folder();
	cleanup_store struct run_store *store = sample_store_open(folder), *again = NULL;
	cleanup_run struct stored_run run = sample_run(0, 40), loaded = { .id = NULL };
	cleanup_result struct trial_result result = sample_result(1, 1), back = TRIAL_RESULT_INIT;
	struct stored_trial repeat = { .id = 0 };
	struct error err = ERROR_INIT;

	run.mode = MODE_EXACT;
	run.exact = (struct exact_policy){ .shift = 10, .counts = true, .by_instruction = true,
					   .profile = true, .jitter_us = 100000,
					   .kaslr = true };
	free(run.trials);
	scheduler_plan(&run, 3);
	if (!store || !sample_store_begin(store, &run))
		return;
	result.digest = string_copy("0123abcd");
	CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[7].id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[7].id, &result, "", &err), 0);
	CU_ASSERT_EQUAL(run_store_add_repeat(store, &run.trials[7], &repeat, &err), 0);
	CU_ASSERT_EQUAL(repeat.seed, 41);
	again = sample_store_open(folder);
	CU_ASSERT_EQUAL(run_store_load_result(again, run.trials[7].id, &back, &err), 0);
	test_check_string(back.digest, "0123abcd");
	if (!test_check(!run_store_load(again, run.id, &loaded, &err) &&
			loaded.trials_count == 19))
		return;
	check_same_head(&loaded, &run);
	for (size_t i = 0; i < 18; i++) {
		CU_ASSERT_EQUAL(loaded.trials[i].seed, 40 + loaded.trials[i].block);
		test_check_string(loaded.trials[i].digest, i == 7 ? "0123abcd" : NULL);
	}
	CU_ASSERT_EQUAL(loaded.trials[18].seed, 41);
}

static void test_supersede(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1), loaded = { .id = NULL };
	struct error err = ERROR_INIT;

	if (!store || !sample_store_begin(store, &run))
		return;
	CU_ASSERT_EQUAL(run_store_supersede(store, &run.trials[2], &err), -EINVAL);
	test_check_contains(err.message, "not finished");
	finish(store, run.trials[2].id, 1, 1);
	err = ERROR_INIT;
	CU_ASSERT_EQUAL(run_store_supersede(store, &run.trials[2], &err), 0);
	if (!test_check(!run_store_load(store, run.id, &loaded, &err)))
		return;
	CU_ASSERT_EQUAL(loaded.trials_count, run.trials_count);
	for (size_t i = 0; i < loaded.trials_count; i++)
		CU_ASSERT_EQUAL(loaded.trials[i].superseded, i == 2);
}

static void check_same_result(const struct trial_result *a, const struct trial_result *b)
{
	CU_ASSERT_EQUAL(a->outcome, b->outcome);
	test_check_string(a->reason, b->reason);
	test_check_string(a->kernel_release, b->kernel_release);
	CU_ASSERT_EQUAL(memcmp(&a->times, &b->times, sizeof(a->times)), 0);
	CU_ASSERT_EQUAL(a->host.steal_ratio, b->host.steal_ratio);
	CU_ASSERT_EQUAL(a->host.others_cpus, b->host.others_cpus);
	CU_ASSERT_TRUE(isnan(a->host.pressure_memory_ratio));
	CU_ASSERT_EQUAL(a->host.frequency_mhz, b->host.frequency_mhz);
	CU_ASSERT_EQUAL(a->host.disturbed, b->host.disturbed);
	test_check_string(a->host.reason, b->host.reason);
	if (!test_check(a->rows_count == b->rows_count && a->findings_count == b->findings_count &&
			a->samples_count == b->samples_count))
		return;
	for (size_t i = 0; i < a->rows_count; i++) {
		CU_ASSERT_EQUAL(a->rows[i].outcome, b->rows[i].outcome);
		test_check_string(a->rows[i].reason, b->rows[i].reason);
	}
	for (size_t i = 0; i < a->findings_count; i++) {
		CU_ASSERT_EQUAL(a->findings[i].kind, b->findings[i].kind);
		test_check_string(a->findings[i].title, b->findings[i].title);
		test_check_string(a->findings[i].excerpt, b->findings[i].excerpt);
		CU_ASSERT_EQUAL(a->findings[i].line, b->findings[i].line);
	}
}

static void test_result_round_trip(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1), loaded = { .id = NULL };
	cleanup_result struct trial_result result = sample_result(5, 100), back = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	if (!store || !sample_store_begin(store, &run))
		return;
	trial_result_worsen(&result, OUTCOME_FAILED, "row second: %s", "wrong");
	result.rows[1].outcome = OUTCOME_FAILED;
	result.rows[1].reason = string_copy("wrong");
	result.host.disturbed = true;
	result.host.reason = string_copy("others used 1.3 CPUs");
	CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[3].id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[3].id, &result, "k=v\n", &err),
			0);
	if (!test_check(!run_store_load_result(store, run.trials[3].id, &back, &err)))
		return;
	check_same_result(&back, &result);
	if (!test_check(!run_store_load(store, run.id, &loaded, &err)))
		return;
	CU_ASSERT_EQUAL(loaded.trials[3].state, TRIAL_FINISHED);
	CU_ASSERT_EQUAL(loaded.trials[3].outcome, OUTCOME_FAILED);
	CU_ASSERT_EQUAL(loaded.trials[3].duration_ns, 5 * NS_PER_SECOND);
	CU_ASSERT_TRUE(loaded.trials[3].disturbed);
	CU_ASSERT_TRUE(loaded.trials[3].started_wall_ns > run.started_wall_ns);
	test_check_string(loaded.trials[3].fingerprint, "k=v\n");
	test_check_string(loaded.trials[3].reason, "row second: wrong");
	test_check_string(loaded.trials[2].fingerprint, NULL);
}

/* A crashed guest leaves most of the result empty. */
static void test_empty_result(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1);
	cleanup_result struct trial_result result = TRIAL_RESULT_INIT, back = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;

	if (!store || !sample_store_begin(store, &run))
		return;
	trial_result_worsen(&result, OUTCOME_CRASHED, "no byte within 30 s");
	CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[0].id, &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[0].id, &result, NULL, &err), 0);
	CU_ASSERT_EQUAL(run_store_load_result(store, run.trials[0].id, &back, &err), 0);
	CU_ASSERT_EQUAL(back.outcome, OUTCOME_CRASHED);
	test_check_string(back.reason, "no byte within 30 s");
	CU_ASSERT_EQUAL(back.times.first_byte_ns, 0);
	CU_ASSERT_EQUAL(back.samples_count, 0);
}

static void test_samples_of_a_metric(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1);
	struct stored_samples *items = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0, expected = 0;

	if (!store || !sample_store_begin(store, &run))
		return;
	for (size_t i = 0; i < run.trials_count; i++)
		finish(store, run.trials[i].id, 7, 1000.0 * (double)(i + 1));
	CU_ASSERT_EQUAL(run_store_samples(store, run.id, 1, 0, "fallocate_ns", &items, &count,
					  &err), 0);
	CU_ASSERT_EQUAL(count, 6);
	for (size_t i = 0; i < run.trials_count; i++) {
		if (run.trials[i].cell != 1 || !test_check(expected < count))
			continue;
		CU_ASSERT_EQUAL(items[expected].trial_id, run.trials[i].id);
		CU_ASSERT_EQUAL(items[expected].block, run.trials[i].block);
		CU_ASSERT_EQUAL(items[expected].variant, run.trials[i].variant);
		if (test_check(items[expected].count == 7))
			CU_ASSERT_EQUAL(items[expected].values[6], 1000.0 * (double)(i + 1) + 6);
		expected++;
	}
	stored_samples_free(items, count);
}

/* What must not be compared: failed rows, broken trials, superseded ones,
 * unknown metrics, planned trials. */
static void test_samples_left_out(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1);
	cleanup_result struct trial_result broken = sample_result(2, 10),
					   failed = sample_result(2, 10);
	struct stored_trial repeat;
	struct stored_samples *items = NULL;
	struct error err = ERROR_INIT;
	size_t count = 9;

	if (!store || !sample_store_begin(store, &run))
		return;
	for (size_t i = 0; i < run.trials_count; i++)
		CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[i].id, &err), 0);
	trial_result_worsen(&broken, OUTCOME_BROKEN, "checksum");
	failed.rows[0].outcome = OUTCOME_FAILED;
	for (size_t i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[i].id,
							 run.trials[i].cell == run.trials[0].cell ?
								 &failed : &broken, "", &err), 0);
	CU_ASSERT_EQUAL(run_store_add_repeat(store, &run.trials[0], &repeat, &err), 0);
	for (uint32_t cell = 0; cell < 2; cell++) {
		CU_ASSERT_EQUAL(run_store_samples(store, run.id, cell, 0, "fallocate_ns", &items,
						  &count, &err), 0);
		CU_ASSERT_EQUAL(count, 0);
		stored_samples_free(items, count);
	}
	CU_ASSERT_EQUAL(run_store_samples(store, run.id, run.trials[0].cell, 1, "nothing", &items,
					  &count, &err), 0);
	CU_ASSERT_EQUAL(count, 0);
	stored_samples_free(items, count);
	/* the row that passed, in three trials of which one is superseded */
	CU_ASSERT_EQUAL(run_store_samples(store, run.id, run.trials[0].cell, 1, "fallocate_ns",
					  &items, &count, &err), 0);
	CU_ASSERT_EQUAL(count, 2);
	stored_samples_free(items, count);
}

static void test_findings_of_a_run(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1);
	struct stored_finding *items = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	if (!store || !sample_store_begin(store, &run))
		return;
	finish(store, run.trials[4].id, 1, 1);
	finish(store, run.trials[2].id, 1, 1);
	CU_ASSERT_EQUAL(run_store_findings(store, run.id, &items, &count, &err), 0);
	if (test_check(count == 2)) {
		CU_ASSERT_EQUAL(items[0].trial_id, run.trials[2].id);
		CU_ASSERT_EQUAL(items[1].trial_id, run.trials[4].id);
		CU_ASSERT_EQUAL(items[1].finding.kind, FINDING_HUNG_TASK);
		test_check_string(items[1].finding.excerpt, "INFO: task kworker\nblocked");
	}
	stored_findings_free(items, count);
}

static void test_repeats(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1), loaded = { .id = NULL };
	struct stored_trial repeat = { .id = 0 };
	struct error err = ERROR_INIT;
	size_t last = run.trials_count;

	if (!store || !sample_store_begin(store, &run))
		return;
	CU_ASSERT_EQUAL(run_store_add_repeat(store, &run.trials[5], &repeat, &err), -EINVAL);
	test_check_contains(err.message, "not finished");
	finish(store, run.trials[5].id, 1, 1);
	err = ERROR_INIT;
	CU_ASSERT_EQUAL(run_store_add_repeat(store, &run.trials[5], &repeat, &err), 0);
	CU_ASSERT_EQUAL(repeat.order, last);
	CU_ASSERT_EQUAL(repeat.attempt, 1);
	if (!test_check(!run_store_load(store, run.id, &loaded, &err) &&
			loaded.trials_count == last + 1))
		return;
	CU_ASSERT_TRUE(loaded.trials[5].superseded);
	CU_ASSERT_EQUAL(loaded.trials[5].state, TRIAL_FINISHED);
	CU_ASSERT_FALSE(loaded.trials[last].superseded);
	CU_ASSERT_EQUAL(loaded.trials[last].id, repeat.id);
	CU_ASSERT_EQUAL(loaded.trials[last].block, run.trials[5].block);
	CU_ASSERT_EQUAL(loaded.trials[last].variant, run.trials[5].variant);
	CU_ASSERT_EQUAL(loaded.trials[last].attempt, 1);
	CU_ASSERT_EQUAL(loaded.trials[last].state, TRIAL_PLANNED);
}

static void test_resume(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1), loaded = { .id = NULL };
	struct error err = ERROR_INIT;
	cleanup_free char *unfinished = NULL;
	size_t planned = 0;

	if (!store || !sample_store_begin(store, &run))
		return;
	finish(store, run.trials[0].id, 1, 1);
	CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[1].id, &err), 0);
	CU_ASSERT_EQUAL(run_store_set_state(store, run.id, "interrupted", &err), 0);
	CU_ASSERT_EQUAL(run_store_find_unfinished(store, &unfinished, &err), 0);
	test_check_string(unfinished, run.id);
	CU_ASSERT_EQUAL(run_store_resume(store, run.id, &planned, &err), 0);
	CU_ASSERT_EQUAL(planned, run.trials_count - 1);
	if (!test_check(!run_store_load(store, run.id, &loaded, &err)))
		return;
	test_check_string(loaded.state, "running");
	CU_ASSERT_EQUAL(loaded.trials[0].state, TRIAL_FINISHED);
	CU_ASSERT_EQUAL(loaded.trials[1].state, TRIAL_PLANNED);
}

static void test_states(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1), loaded = { .id = NULL };
	cleanup_free char *unfinished = NULL;
	struct error err = ERROR_INIT;

	if (!store || !sample_store_begin(store, &run))
		return;
	CU_ASSERT_EQUAL(run_store_set_kernel(store, run.id, 1, "abc", "{}", &err), 0);
	CU_ASSERT_EQUAL(run_store_set_note(store, run.id, "why", &err), 0);
	CU_ASSERT_EQUAL(run_store_set_state(store, run.id, "finished", &err), 0);
	if (!test_check(!run_store_load(store, run.id, &loaded, &err)))
		return;
	test_check_string(loaded.state, "finished");
	test_check_string(loaded.note, "why");
	test_check_string(loaded.variants[1].image_sha256, "abc");
	test_check_string(loaded.variants[1].kernel_record, "{}");
	CU_ASSERT_TRUE(loaded.finished_wall_ns >= loaded.started_wall_ns);
	CU_ASSERT_EQUAL(run_store_find_unfinished(store, &unfinished, &err), -ENOENT);
	CU_ASSERT_PTR_NULL(unfinished);
}

static void test_refuses_what_is_not_there(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1);
	cleanup_result struct trial_result result = sample_result(1, 1), back = TRIAL_RESULT_INIT;
	struct error err = ERROR_INIT;
	size_t planned = 0;

	if (!store || !sample_store_begin(store, &run))
		return;
	CU_ASSERT_EQUAL(run_store_set_state(store, "nope", "finished", &err), -ENOENT);
	CU_ASSERT_EQUAL(run_store_set_note(store, "nope", "x", &err), -ENOENT);
	CU_ASSERT_EQUAL(run_store_set_kernel(store, run.id, 3, "x", "y", &err), -ENOENT);
	CU_ASSERT_EQUAL(run_store_resume(store, "nope", &planned, &err), -ENOENT);
	CU_ASSERT_EQUAL(run_store_trial_started(store, 999, &err), -ENOENT);
	CU_ASSERT_EQUAL(run_store_load_result(store, run.trials[0].id, &back, &err), -ENOENT);
	/* an unknown state is a mistake of the caller; the store keeps its own */
	CU_ASSERT_EQUAL(run_store_set_state(store, run.id, "done", &err), -EIO);
	/* in the wrong order */
	CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[0].id, &result, "", &err),
			-EINVAL);
	test_check_contains(err.message, "is planned, expected started");
	finish(store, run.trials[0].id, 1, 1);
	CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[0].id, &err), -EINVAL);
	CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[0].id, &result, "", &err),
			-EINVAL);
	test_check_contains(err.message, "is finished, expected started");
}

static void test_refuses_bad_samples(void)
{
	cleanup_store struct run_store *store = sample_store_open(test_temp_folder());
	cleanup_run struct stored_run run = sample_run(2, 1), loaded = { .id = NULL };
	struct error err = ERROR_INIT;
	static const struct { uint32_t row; const char *metric; double value; } bad[] = {
		{ 0, "not_declared", 1 },
		{ 2, "fallocate_ns", 1 },
		{ 0, "fallocate_ns", NAN },
		{ 0, "fallocate_ns", INFINITY },
	};

	if (!store || !sample_store_begin(store, &run))
		return;
	CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[0].id, &err), 0);
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		cleanup_result struct trial_result result = sample_result(3, 1);

		trial_result_add_sample(&result, bad[i].row, bad[i].metric, 0, bad[i].value);
		CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[0].id, &result, "",
							 &err), -EINVAL);
		test_check_contains(err.message, bad[i].metric);
	}
	/* nothing of the refused ones stayed */
	CU_ASSERT_EQUAL(run_store_load(store, run.id, &loaded, &err), 0);
	CU_ASSERT_EQUAL(loaded.trials[0].state, TRIAL_STARTED);
	{
		cleanup_result struct trial_result result = sample_result(3, 1);

		CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[0].id, &result, "",
							 &err), 0);
	}
}

TEST_SUITE("run_store",
	   {"a plan comes back", test_plan_round_trip},
	   {"a plan of exact mode comes back", test_exact_round_trip},
	   {"a result comes back", test_result_round_trip},
	   {"an empty result comes back", test_empty_result},
	   {"samples of a metric", test_samples_of_a_metric},
	   {"samples left out", test_samples_left_out},
	   {"findings of a run", test_findings_of_a_run},
	   {"repeats", test_repeats},
	   {"leaves a trial out", test_supersede},
	   {"resume", test_resume},
	   {"states of a run", test_states},
	   {"refuses what is not there", test_refuses_what_is_not_there},
	   {"refuses bad samples", test_refuses_bad_samples})
