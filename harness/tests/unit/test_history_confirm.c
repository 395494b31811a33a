/* test_history_confirm.c - what a confirmation is made of, what it refuses, and what
 * comes of its run. No guest is booted: the connection leads nowhere, and results are
 * written into the run that was begun.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "experiment_private.h"
#include "files.h"
#include "history_confirm.h"
#include "memory.h"
#include "run_store_history.h"
#include "sample_project.h"
#include "sample_run.h"
#include "test.h"

#define cleanup_campaign cleanup_with(campaign_release)

/* Two nights, between which a fragment changed, and the change between them. */
struct case_ {
	struct place place;
	struct run_store *store;     /* owned */
	struct stored_run before, after;
	struct history_point points[2];
	struct history_change change;
	struct history_series series;
};

static void case_release(struct case_ *c)
{
	place_release(&c->place);
	run_store_close(c->store);
	stored_run_release(&c->before);
	stored_run_release(&c->after);
}

#define cleanup_case cleanup_with(case_release)

/* Stores a run of the place's campaign as it is now, with its configs. */
static bool store_night(const struct place *place, const char *id, struct error *err)
{
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	int rc = place_load(place, &campaign) &&
		 place_prepare(place, &campaign, &experiment) ? 0 : -EINVAL;

	experiment.run.id = string_copy(id);
	if (!rc)
		rc = run_store_open(place->results, &experiment.store, err);
	if (!rc)
		rc = run_store_begin(experiment.store, &experiment.run, err);
	if (!rc) {
		experiment.run_folder = run_store_run_folder(experiment.store, id);
		rc = experiment_save_config(&experiment, err);
	}
	if (!rc)
		rc = run_store_set_state(experiment.store, id, "finished", err);
	return !rc;
}

static bool find_series(struct case_ *c, struct error *err)
{
	const struct run_figure figure = { .variant = 1, .boots_count = 3, .center = 1,
					   .low = NAN, .high = NAN };
	struct stored_series *items = NULL;
	size_t count = 0;
	int rc = run_store_put_figures(c->store, &c->after, &figure, 1, 99, err);

	if (!rc)
		rc = run_store_list_series(c->store, &items, &count, err);
	if (!rc)
		c->series.id = items[0].id;
	stored_series_free(items, count);
	return !rc;
}

static struct case_ make_case(bool changes)
{
	struct case_ c = { .place = place_make() };
	struct error err = ERROR_INIT;
	bool made = store_night(&c.place, "20260101-000000-test", &err);

	if (changes)
		place_write(c.place.root, "kernel/fragments/base.config",
			    "CONFIG_SMP=y\nCONFIG_PCI=y\n", 0666);
	made = made && store_night(&c.place, "20260102-000000-test", &err) &&
	       !run_store_open(c.place.results, &c.store, &err) &&
	       !run_store_load(c.store, "20260101", &c.before, &err) &&
	       !run_store_load(c.store, "20260102", &c.after, &err) && find_series(&c, &err);
	test_check_string(err.message, "");
	CU_ASSERT_TRUE(made);
	c.place.options.uri = "nowhere:///";
	return c;
}

/* The parts that point into the case; after it has its place. */
static void connect(struct case_ *c)
{
	c->points[0] = (struct history_point){ .run_id = c->before.id, .center = 1 };
	c->points[1] = (struct history_point){ .run_id = c->after.id, .center = 1.05 };
	c->change = (struct history_change){ .before = 0, .index = 1, .ratio = 1.05, .p = 0.005 };
	c->series.campaign = (char *)"test";
	c->series.guest = (char *)"tiny";
	c->series.suite = (char *)"turns";
	c->series.row = (char *)"spin";
	c->series.metric = c->series.info.name = (char *)"turn_ns";
	c->series.variant = (char *)"other";
	c->series.minimum_effect = 0.025;
	c->series.points = c->points;
	c->series.points_count = 2;
}

static void test_project(void)
{
	cleanup_case struct case_ c = make_case(true);
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_free char *root = NULL, *key = NULL;
	struct error err = ERROR_INIT;

	connect(&c);
	/* whatever becomes of the project: the runs have all they need */
	CU_ASSERT_EQUAL(folder_remove(c.place.root), 0);
	CU_ASSERT_EQUAL(history_confirm_project(c.store, &c.series, &c.before, &c.after,
						"confirm-1", &root, &campaign, &err), 0);
	test_check_string(err.message, "");
	if (!test_check(campaign.variants_count == 2))
		return;
	test_check_string(campaign.variants[0].name, "before");
	test_check_string(campaign.variants[1].name, "after");
	CU_ASSERT_EQUAL(campaign.baseline, 0);
	CU_ASSERT_TRUE(campaign.control);
	CU_ASSERT_EQUAL(campaign.blocks_count, 10);
	CU_ASSERT_DOUBLE_EQUAL(campaign.gate.margin_percent, 2.5, 1e-9);
	CU_ASSERT_EQUAL(campaign.gate.correction, CORRECTION_NONE);
	test_check_string(campaign.variants[1].cmdline.items[0], "nosmt");
	test_check_string(campaign.variants[1].sysctls.items[0], "kernel.panic=1");
	test_check_string(campaign.cells[0].guest.name, "tiny");
	test_check_string(campaign.cells[0].suite.name, "turns");
	/* files of one name, and not the same */
	CU_ASSERT_EQUAL(file_read(campaign.variants[0].kernel.fragments.items[0], 100, &key, NULL),
			0);
	test_check_string(key, "CONFIG_SMP=y\n");
}

static enum change_state settle(struct case_ *c, int code, const char *message,
				char **ret_reason)
{
	cleanup_with(history_confirmation_release) struct history_confirmation result = {
		.state = CHANGE_SUSPECTED,
	};
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(history_confirm(c->store, &c->series, &c->change, &c->place.options,
					&result, &err), code);
	test_check_contains(err.message, message);
	if (ret_reason) {
		free(*ret_reason);
		*ret_reason = take_pointer(result.reason);
	}
	return result.state;
}

static size_t count_confirmations(struct case_ *c)
{
	struct stored_confirmation *items = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	CU_ASSERT_EQUAL(run_store_confirmations(c->store, c->series.id, &items, &count, &err), 0);
	stored_confirmations_free(items, count);
	return count;
}

static size_t count_runs(struct case_ *c)
{
	struct stored_run *runs = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	CU_ASSERT_EQUAL(run_store_list(c->store, 100, &runs, &count, &err), 0);
	for (size_t i = 0; i < count; i++)
		stored_run_release(&runs[i]);
	free(runs);
	return count;
}

/* The earlier kernel's inputs are other ones now, or gone: said, and nothing stored. */
static void test_inputs_gone(void)
{
	cleanup_case struct case_ c = make_case(true);
	cleanup_free char *folder = run_store_run_folder(c.store, c.before.id);
	cleanup_free char *config = path_join(folder, "config");

	connect(&c);
	place_write(config, "kernel/fragments/base.config", "CONFIG_SMP=n\n", 0666);
	settle(&c, -ESTALE, "run 20260101-000000-test: its kernel other cannot be made again", NULL);
	settle(&c, -ESTALE, "the change stays suspected", NULL);
	CU_ASSERT_EQUAL(folder_remove(config), 0);
	CU_ASSERT_EQUAL(folder_remove(c.place.root), 0);
	settle(&c, -ENOENT, "the change stays suspected: run 20260101-000000-test: its configs", NULL);
	CU_ASSERT_EQUAL(count_confirmations(&c), 0);
	CU_ASSERT_EQUAL(count_runs(&c), 2);
}

static void test_same_kernel(void)
{
	cleanup_case struct case_ c = make_case(false);
	cleanup_free char *reason = NULL;

	connect(&c);
	CU_ASSERT_EQUAL(settle(&c, 0, "", &reason), CHANGE_REFUTED);
	test_check_contains(reason, "the same kernel with the same command line");
	CU_ASSERT_EQUAL(settle(&c, 0, "", &reason), CHANGE_REFUTED);
	CU_ASSERT_EQUAL(count_confirmations(&c), 1);
	CU_ASSERT_EQUAL(count_runs(&c), 2);
}

/* --- its run -------------------------------------------------------------------------- */

/* Writes results into all trials of the newest run: the later kernel's times are factor
 * times the earlier one's, and scatter by `noise`. */
static void finish_run(struct case_ *c, double factor, double noise)
{
	cleanup_run struct stored_run run = { .id = NULL };
	struct error err = ERROR_INIT;
	size_t planned = 0;

	CU_ASSERT_EQUAL(run_store_load(c->store, NULL, &run, &err), 0);
	CU_ASSERT_EQUAL(run_store_resume(c->store, run.id, &planned, &err), 0);
	for (size_t i = 0; i < run.trials_count; i++) {
		const struct stored_trial *trial = &run.trials[i];
		cleanup_result struct trial_result result = TRIAL_RESULT_INIT;
		double scatter = (double)(((trial->block * 3 + trial->variant) * 7919u + 13) % 101) / 50 - 1;

		result.rows = memory_alloc_array(1, sizeof(*result.rows));
		result.rows_count = 1;
		trial_result_add_sample(&result, 0, "turn_ns", 0, 1e6 * (1 + noise * scatter) *
					(trial->variant == 1 ? factor : 1));
		CU_ASSERT_EQUAL(run_store_trial_started(c->store, trial->id, &err), 0);
		CU_ASSERT_EQUAL(run_store_trial_finished(c->store, trial->id, &result, "a=1\n",
							 &err), 0);
	}
	CU_ASSERT_EQUAL(run_store_set_state(c->store, run.id, "finished", &err), 0);
	test_check_string(err.message, "");
}

/* What is said once the run that was begun has these results. */
static enum change_state outcome(double factor, double noise, char **ret_reason)
{
	cleanup_case struct case_ c = make_case(true);
	enum change_state state;

	connect(&c);
	settle(&c, -EIO, "stopped", NULL);
	CU_ASSERT_EQUAL(count_runs(&c), 3);
	/* it goes on with the same run, and stops again */
	settle(&c, -EIO, "stopped", NULL);
	CU_ASSERT_EQUAL(count_runs(&c), 3);
	CU_ASSERT_EQUAL(count_confirmations(&c), 0);
	finish_run(&c, factor, noise);
	if (noise < 0.05) {
		state = settle(&c, 0, "", ret_reason);
		/* settled: only told again */
		CU_ASSERT_EQUAL(settle(&c, 0, "", ret_reason), state);
		CU_ASSERT_EQUAL(count_runs(&c), 3);
		return state;
	}
	/* inconclusive: another run with twice the boots is begun */
	state = settle(&c, -EIO, "stopped", ret_reason);
	CU_ASSERT_EQUAL(count_runs(&c), 4);
	CU_ASSERT_EQUAL(count_confirmations(&c), 1);
	return state;
}

static void test_outcomes(void)
{
	cleanup_free char *reason = NULL;

	CU_ASSERT_EQUAL(outcome(1.05, 0.005, &reason), CHANGE_CONFIRMED);
	test_check_contains(reason, "both kernels again: regressed, x 1.0");
	CU_ASSERT_EQUAL(outcome(1, 0.005, &reason), CHANGE_REFUTED);
	test_check_contains(reason, "both kernels again: equivalent");
	CU_ASSERT_EQUAL(outcome(0.95, 0.005, &reason), CHANGE_REFUTED);
	test_check_contains(reason, "both kernels again: improved");
	CU_ASSERT_EQUAL(outcome(1.02, 0.3, &reason), CHANGE_SUSPECTED);
}

TEST_SUITE("history_confirm",
	   {"project", test_project},
	   {"inputs that are gone", test_inputs_gone},
	   {"the same kernel", test_same_kernel},
	   {"outcomes", test_outcomes})
