/* experiment_trial.c - what one trial's guest is given: folder, initramfs,
 * command line, expectations, as a job for the fleet; and the archives that all
 * trials of a cell share.
 */
#include <errno.h>
#include <stdio.h>

#include "experiment_private.h"
#include "files.h"
#include "guest_cmdline.h"
#include "memory.h"

#define PLAN_FILE "plan.cpio"

void experiment_boot_free(struct experiment_boot *boot)
{
	if (!boot)
		return;
	free(boot->trial_id);
	free(boot->name);
	free(boot->folder);
	free(boot->initrd);
	free(boot->cmdline);
	free(boot);
}

static void cleanup_boot(struct experiment_boot **boot)
{
	experiment_boot_free(*boot);
}

/* --- one trial --------------------------------------------------------------------- */

static int write_initrd(const struct experiment *experiment,
			const struct experiment_boot *boot, const struct stored_trial *trial,
			const struct variant *variant, struct error *err)
{
	cleanup_free char *plan = path_join(boot->folder, PLAN_FILE);
	const struct suite *suite = &experiment->campaign->cells[trial->cell].suite;
	bool is_exact = experiment_is_exact(experiment);
	int rc = guest_image_write_plan(suite, boot->trial_id, &variant->sysctls,
					is_exact ? boot->exact.seed.padding_bytes : 0, plan,
					err);

	if (!rc)
		rc = guest_image_join(experiment->cells[trial->cell].initrd_common, plan,
				      boot->initrd, err);
	if (!is_exact)
		(void)unlink(plan);
	return rc;
}

static int make_folder(const struct experiment_boot *boot, struct error *err)
{
	/* left over where the trial was begun and not finished */
	int rc = folder_remove(boot->folder);

	if (!rc)
		rc = folder_make(boot->folder);
	return rc ? error_set_errno(err, rc, "%s: cannot be made", boot->folder) : 0;
}

static void name_boot(const struct experiment *experiment, const struct stored_trial *trial,
		      const struct variant *variant, struct experiment_boot *boot)
{
	const struct stored_run *run = &experiment->run;

	if (experiment_is_exact(experiment))
		boot->trial_id = string_copy(EXPERIMENT_EXACT_TRIAL_ID);
	else
		boot->trial_id = string_format("%s/%u/%u", run->id, trial->order + 1,
					       trial->attempt);
	boot->name = string_format("%s-%04u", run->id, trial->order + 1);
	boot->folder = run_store_trial_folder(experiment->store, run->id, trial->order);
	boot->initrd = path_join(boot->folder, "initrd.cpio");
	boot->cmdline = guest_cmdline(&variant->cmdline,
				      experiment->cells[trial->cell].workloads,
				      experiment->campaign->cells[trial->cell].suite.rows_count);
}

static void fill_job(const struct experiment *experiment, const struct stored_trial *trial,
		     size_t variant_index, struct experiment_boot *boot)
{
	const struct campaign_cell *cell = &experiment->campaign->cells[trial->cell];
	const struct experiment_cell *prepared = &experiment->cells[trial->cell];

	boot->expectation = (struct guest_expectation){
		.trial_id = boot->trial_id,
		.rows_count = cell->suite.rows_count,
		.workloads = prepared->workloads,
		.row_names = prepared->row_names,
	};
	boot->exact = (struct fleet_exact){
		.policy = experiment->run.exact,
		.seed = exact_seed_make(trial->seed),
		.plugin_folder = experiment->plugin_folder,
	};
	boot->job = (struct fleet_job){
		.name = boot->name,
		.guest = &cell->guest,
		.kernel_path = built_kernel_boot_path(&experiment->kernels[variant_index],
						      experiment->run.exact.kaslr),
		.initrd_path = boot->initrd,
		.cmdline = boot->cmdline,
		.folder = boot->folder,
		.expectation = &boot->expectation,
		.quiet_s = guest_quiet_s(&cell->suite),
		.exact = experiment_is_exact(experiment) ? &boot->exact : NULL,
		.tag = boot,
	};
}

int experiment_boot_make(const struct experiment *experiment, size_t index,
			 struct experiment_boot **ret_boot, struct error *err)
{
	cleanup_with(cleanup_boot) struct experiment_boot *boot = memory_alloc(sizeof(*boot));
	const struct stored_trial *trial = &experiment->run.trials[index];
	size_t variant_index = experiment_variant_of(experiment, trial->variant);
	const struct variant *variant = &experiment->campaign->variants[variant_index];
	int rc;

	boot->index = index;
	name_boot(experiment, trial, variant, boot);
	fill_job(experiment, trial, variant_index, boot);
	rc = make_folder(boot, err);
	if (!rc)
		rc = write_initrd(experiment, boot, trial, variant, err);
	if (!rc)
		*ret_boot = take_pointer(boot);
	return rc;
}

void experiment_boot_drop_inputs(const struct experiment_boot *boot)
{
	cleanup_free char *pmem = path_join(boot->folder, "pmem");
	cleanup_free char *disk = path_join(boot->folder, "disk");

	(void)unlink(boot->initrd);
	(void)unlink(pmem);
	(void)unlink(disk);
}

/* --- what the trials of a cell share ------------------------------------------------- */

/* Cells of one suite share one archive under its hash. */
static int name_by_hash(const char *folder, struct experiment_cell *cell, struct error *err)
{
	cleanup_free char *path = string_format("%s/%s.cpio", folder, cell->initrd_sha256);

	if (rename(cell->initrd_common, path))
		return error_set_errno(err, -errno, "%s: cannot be renamed to %s",
				       cell->initrd_common, path);
	free(cell->initrd_common);
	cell->initrd_common = take_pointer(path);
	return 0;
}

static int write_common(const struct experiment *experiment, const char *init,
			const char *folder, size_t index, struct error *err)
{
	struct experiment_cell *cell = &experiment->cells[index];
	int rc;

	cell->initrd_common = string_format("%s/%zu.cpio", folder, index);
	rc = guest_image_write_common(&experiment->catalog, init,
				      &experiment->campaign->cells[index].suite, false,
				      cell->initrd_common, err);
	if (rc)
		return rc;
	rc = sha256_of_file(cell->initrd_common, cell->initrd_sha256);
	if (rc)
		return error_set_errno(err, rc, "%s", cell->initrd_common);
	return experiment_is_exact(experiment) ? name_by_hash(folder, cell, err) : 0;
}

int experiment_write_commons(struct experiment *experiment, struct error *err)
{
	cleanup_free char *init = path_join(experiment->options->build_dir, "guest_init");
	cleanup_free char *folder = path_join(experiment->run_folder, "initrd");
	int rc = folder_make(folder);

	if (rc)
		return error_set_errno(err, rc, "%s: cannot be made", folder);
	for (size_t i = 0; !rc && i < experiment->cells_count; i++)
		rc = write_common(experiment, init, folder, i, err);
	return rc;
}

void experiment_drop_commons(const struct experiment *experiment)
{
	cleanup_free char *folder = path_join(experiment->run_folder, "initrd");

	if (!experiment_is_exact(experiment))
		(void)!folder_remove(folder);
}
