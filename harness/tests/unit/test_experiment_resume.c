/* test_experiment_resume.c - the configs kept with a run, and what may be resumed. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "campaign_project.h"
#include "experiment_private.h"
#include "files.h"
#include "memory.h"
#include "sample_project.h"
#include "sample_run.h"
#include "test.h"

#define cleanup_run cleanup_with(stored_run_release)
#define cleanup_campaign cleanup_with(campaign_release)

static void replace(char **text, const char *with)
{
	free(*text);
	*text = string_copy(with);
}

static void test_same_configs(void)
{
	cleanup_run struct stored_run run = sample_run(2, 1), planned = sample_run(9, 5);
	struct error err = ERROR_INIT;

	/* built or not, another number of blocks and another seed: no matter */
	free(take_pointer(planned.variants[0].image_sha256));
	CU_ASSERT_EQUAL(experiment_compare_config(&run, &planned, &err), 0);
	test_check_string(err.message, "");
}

static void check_differs(struct stored_run *run, const struct stored_run *planned,
			  const char *part)
{
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(experiment_compare_config(run, planned, &err), -ESTALE);
	test_check_contains(err.message, part);
}

static void test_other_configs(void)
{
	static const struct {
		size_t offset; /* of a char * in struct stored_variant */
		const char *part;
	} variant_fields[] = {
		{ offsetof(struct stored_variant, label), "label was 'patched'" },
		{ offsetof(struct stored_variant, cmdline), "variant patched: cmdline was" },
		{ offsetof(struct stored_variant, kernel_key), "variant patched: kernel (" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(variant_fields); i++) {
		cleanup_run struct stored_run run = sample_run(1, 1), planned = sample_run(1, 1);

		replace((char **)((char *)&planned.variants[1] + variant_fields[i].offset), "x");
		check_differs(&run, &planned, variant_fields[i].part);
	}
}

static void test_other_cells(void)
{
	static const struct {
		size_t offset; /* of a char * in struct stored_row */
		const char *part;
	} row_fields[] = {
		{ offsetof(struct stored_row, name), "row was 'second'" },
		{ offsetof(struct stored_row, workload), "workload was 'hugetlb_fallocate'" },
		{ offsetof(struct stored_row, arguments), "arguments was 'size_mib=64 threads=1'" },
	};
	cleanup_run struct stored_run run = sample_run(1, 1), guest = sample_run(1, 1),
				      record = sample_run(1, 1), fewer = sample_run(1, 1),
				      accelerator = sample_run(1, 1);

	for (size_t i = 0; i < ARRAY_COUNT(row_fields); i++) {
		cleanup_run struct stored_run planned = sample_run(1, 1);

		replace((char **)((char *)&planned.cells[1].rows[1] + row_fields[i].offset), "x");
		check_differs(&run, &planned, row_fields[i].part);
	}
	replace(&guest.cells[1].guest, "x");
	check_differs(&run, &guest, "cell numa/memory: guest was 'numa'");
	replace(&record.cells[1].guest_record, "x");
	check_differs(&run, &record, "guest's shape");
	replace(&accelerator.accelerator, "kvm");
	check_differs(&run, &accelerator, "accelerator was 'tcg' when the run began and is 'kvm'");
	fewer.variants_count = 2;
	check_differs(&run, &fewer, "there were 3 variants when the run began, now there are 2");
	fewer.variants_count = 3;
	fewer.cells_count = 1;
	check_differs(&run, &fewer, "there were 2 cells");
	fewer.cells_count = 2;
}

/* Stores the plan and its configs as a run would. */
static bool store_run(const struct place *place, const struct campaign *campaign,
		      struct experiment *experiment)
{
	struct error err = ERROR_INIT;
	int rc = place_prepare(place, campaign, experiment) ? 0 : -EINVAL;

	if (!rc)
		rc = run_store_open(place->results, &experiment->store, &err);
	if (!rc)
		rc = run_store_begin(experiment->store, &experiment->run, &err);
	if (!rc) {
		experiment->run_folder = run_store_run_folder(experiment->store,
							      experiment->run.id);
		rc = experiment_save_config(experiment, &err);
	}
	test_check_string(err.message, "");
	return !rc;
}

static void test_config_copy(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL }, copy = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 }, again = { .lock = -1 };
	struct error err = ERROR_INIT;

	if (!place_load(&place, &campaign) || !store_run(&place, &campaign, &experiment))
		return;
	/* the project changes, or goes; the run keeps what it was made from */
	CU_ASSERT_EQUAL(folder_remove(place.root), 0);
	CU_ASSERT_EQUAL(experiment_load_config(experiment.store, &experiment.run, &place.options,
					       &copy, &err), 0);
	test_check_string(copy.name, "test");
	test_check_string(err.message, "");
	if (!place_prepare(&place, &copy, &again))
		return;
	CU_ASSERT_EQUAL(experiment_compare_config(&experiment.run, &again.run, &err), 0);
	test_check_string(err.message, "");
}

/* A run of a campaign that includes others needs none of their files. */
static void test_config_copy_of_includes(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL }, copy = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 }, again = { .lock = -1 };
	cleanup_free char *kept = NULL;
	struct error err = ERROR_INIT;

	place_write(place.root, "elsewhere/team.yaml",
		    "include: [test]\nblocks_count: 2\n", 0666);
	place_write(place.root, "elsewhere/deep/own.yaml",
		    "include: [../team.yaml]\nvariants: [{name: third, kernel: {base: demo, "
		    "fragments: [base]}}]\n", 0666);
	kept = path_join(place.root, "elsewhere/deep/own.yaml");
	CU_ASSERT_EQUAL(campaign_load(place.root, kept, &campaign, &err), 0);
	test_check_string(err.message, "");
	if (!store_run(&place, &campaign, &experiment))
		return;
	CU_ASSERT_EQUAL(campaign.variants_count, 3);
	CU_ASSERT_EQUAL(folder_remove(place.root), 0);
	CU_ASSERT_EQUAL(experiment_load_config(experiment.store, &experiment.run, &place.options,
					       &copy, &err), 0);
	test_check_string(err.message, "");
	if (!place_prepare(&place, &copy, &again))
		return;
	CU_ASSERT_EQUAL(experiment_compare_config(&experiment.run, &again.run, &err), 0);
	test_check_string(err.message, "");
	CU_ASSERT_EQUAL(again.run.trials_count, experiment.run.trials_count);
	free(kept);
	kept = path_join(experiment.run_folder, "config/included/02-test.yaml");
	CU_ASSERT_TRUE(path_exists(kept));
}

static void test_config_copy_is_broken(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL }, original = { .name = NULL },
					 none = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	cleanup_free char *copy = NULL;
	struct error err = ERROR_INIT;

	if (!place_load(&place, &campaign) || !store_run(&place, &campaign, &experiment))
		return;
	copy = path_join(experiment.run_folder, "config");
	CU_ASSERT_EQUAL(folder_remove(copy), 0);
	CU_ASSERT_EQUAL(experiment_load_config(experiment.store, &experiment.run, &place.options,
					       &original, &err), 0);
	test_check_string(original.name, "test");
	CU_ASSERT_EQUAL(folder_remove(place.root), 0);
	CU_ASSERT_TRUE(experiment_load_config(experiment.store, &experiment.run, &place.options,
					      &none, &err) < 0);
	test_check_contains(err.message, "test.yaml; and the run's own copy: ");
}

static void check_resume_refused(const struct place *place, const char *run_id, int code,
				 const char *part)
{
	cleanup_free char *id = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(experiment_resume(run_id, &place->options, &id, &err), code);
	test_check_contains(err.message, part);
	CU_ASSERT_PTR_NULL(id);
}

static void test_resume_refusals(void)
{
	cleanup_place struct place place = place_make();
	cleanup_campaign struct campaign campaign = { .name = NULL };
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	cleanup_free char *lock_path = NULL, *suite = NULL;
	cleanup_close int lock = -1;
	struct error err = ERROR_INIT;

	check_resume_refused(&place, NULL, -ENOENT, "nothing to resume");
	if (!place_load(&place, &campaign) || !store_run(&place, &campaign, &experiment))
		return;
	check_resume_refused(&place, "nope", -ENOENT, "has no run 'nope'");
	lock_path = path_join(experiment.run_folder, "lock");
	CU_ASSERT_EQUAL(lock_acquire(lock_path, true, false, &lock), 0);
	check_resume_refused(&place, NULL, -EBUSY, "another kerngate is at work on it");
	suite = path_join(experiment.run_folder, "config/configs/suites/turns.yaml");
	CU_ASSERT_EQUAL(file_write_atomic(suite, "rows: [{workload: spin, timeout_s: 5}]\n", 39,
					  0666), 0);
	check_resume_refused(&place, NULL, -ESTALE, "arguments was 'turns=3' when the run began");
	CU_ASSERT_EQUAL(run_store_set_state(experiment.store, experiment.run.id, "finished", &err),
			0);
	check_resume_refused(&place, experiment.run.id, -EALREADY, "is finished");
	check_resume_refused(&place, NULL, -ENOENT, "nothing to resume");
}

#define CHOICE                                                                   \
	"variants:\n  - {name: a, " KERNEL "}\n  - {name: b, " KERNEL "}\n"       \
	"  - {name: bb, " KERNEL "}\nbaseline: b\n"                               \
	"cells:\n  - {guest: up, suite: boot}\n  - {guest: up, suite: long}\n"    \
	"  - {guest: smp, suite: boot}\n"

/* What a run was begun without stays away when it goes on. */
static void test_keeps_planned(void)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	struct stored_cell cells[] = {
		{ .guest = (char *)"smp", .suite = (char *)"boot" },
		{ .guest = (char *)"up", .suite = (char *)"long" },
	};
	struct stored_variant variants[] = { { .name = (char *)"b" }, { .name = (char *)"bb" },
					     { .name = (char *)"b" } };
	struct stored_run run = { .cells = cells, .cells_count = 2, .variants = variants,
				  .variants_count = 3 };

	if (!campaign_load_good(CHOICE, &campaign))
		return;
	experiment_keep_planned(&run, &campaign);
	if (test_check(campaign.cells_count == 2)) {
		test_check_string(campaign.cells[0].guest.name, "smp");
		test_check_string(campaign.cells[1].suite.name, "long");
	}
	if (test_check(campaign.variants_count == 2)) {
		test_check_string(campaign.variants[0].name, "b");
		test_check_string(campaign.variants[1].name, "bb");
	}
	CU_ASSERT_EQUAL(campaign.baseline, 0);
	/* what the campaign no longer has is for experiment_compare_config to tell */
	cells[0].guest = (char *)"gone";
	experiment_keep_planned(&run, &campaign);
	CU_ASSERT_EQUAL(campaign.cells_count, 1);
}

TEST_SUITE("experiment_resume",
	   {"same configs", test_same_configs},
	   {"other variants", test_other_configs},
	   {"other cells", test_other_cells},
	   {"keeps what was planned", test_keeps_planned},
	   {"config kept with the run", test_config_copy},
	   {"config kept of includes", test_config_copy_of_includes},
	   {"config kept is broken", test_config_copy_is_broken},
	   {"what cannot be resumed", test_resume_refusals})
