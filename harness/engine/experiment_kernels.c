/* experiment_kernels.c - the kernels of a run: built, checked against what the
 * workloads need, recorded with the run.
 */
#include <errno.h>
#include <string.h>

#include "experiment_private.h"
#include "files.h"
#include "log.h"
#include "memory.h"
#include "process.h"

static int check_moves(const struct experiment *experiment, const char *variant,
		       const struct built_kernel *kernel, struct error *err)
{
	if (!experiment->run.exact.kaslr || kernel->bzimage_path)
		return 0;
	return error_set(err, -EINVAL, "variant %s: `exact: {kaslr: true}` needs a kernel with "
			 "CONFIG_RANDOMIZE_BASE: add the fragment layout", variant);
}

static int check_needs(const struct experiment *experiment, const char *variant,
		       const struct built_kernel *kernel, struct error *err)
{
	const struct campaign *campaign = experiment->campaign;
	int rc = check_moves(experiment, variant, kernel, err);

	for (size_t i = 0; !rc && i < campaign->cells_count; i++)
		rc = guest_image_check_kernel(&experiment->catalog, &campaign->cells[i].suite,
					      variant, kernel->config_text, err);
	return rc;
}

/* What boots is what was built; in a resumed run, what was booted before. */
static int check_image(const struct stored_variant *stored, const struct built_kernel *kernel,
		       struct error *err)
{
	char found[SHA256_HEX_SIZE];
	int rc = sha256_of_file(kernel->image_path, found);

	if (rc)
		return error_set_errno(err, rc, "%s: cannot be read", kernel->image_path);
	if (strcmp(found, kernel->image_sha256))
		return error_set(err, -EBADMSG, "%s: has SHA-256 %.12s..., its record says "
				 "%.12s...: the cache is damaged (`kerngate cache prune`)",
				 kernel->image_path, found, kernel->image_sha256);
	if (stored->image_sha256 && strcmp(stored->image_sha256, found))
		return error_set(err, -ESTALE, "the image is %.12s... now and was %.12s... when "
				 "the run began: its trials would not be alike; begin a new run",
				 found, stored->image_sha256);
	return 0;
}

static int write_text(const char *folder, const char *name, const char *text,
		      struct error *err)
{
	cleanup_free char *path = path_join(folder, name);
	int rc = file_write_atomic(path, text, strlen(text), 0644);

	return rc ? error_set_errno(err, rc, "%s: cannot be written", path) : 0;
}

static int save_artifacts(const struct experiment *experiment, const char *variant,
			  const struct built_kernel *kernel, struct error *err)
{
	cleanup_free char *folder = string_format("%s/kernels/%s", experiment->run_folder,
						  variant);
	int rc = folder_make(folder);

	if (rc)
		return error_set_errno(err, rc, "%s: cannot be made", folder);
	rc = write_text(folder, "config", kernel->config_text, err);
	if (!rc)
		rc = write_text(folder, "kernel.json", kernel->record, err);
	return rc;
}

static int record(struct experiment *experiment, size_t index, struct error *err)
{
	struct stored_run *run = &experiment->run;
	const struct built_kernel *kernel = &experiment->kernels[index];

	for (uint32_t i = 0; i < run->variants_count; i++) {
		struct stored_variant *stored = &run->variants[i];
		int rc;

		if (experiment_variant_of(experiment, i) != index)
			continue;
		rc = check_image(stored, kernel, err);
		if (!rc)
			rc = run_store_set_kernel(experiment->store, run->id, i,
						  kernel->image_sha256, kernel->record, err);
		if (rc)
			return rc;
		free(stored->image_sha256);
		free(stored->kernel_record);
		stored->image_sha256 = string_copy(kernel->image_sha256);
		stored->kernel_record = string_copy(kernel->record);
	}
	return 0;
}

static int build_one(struct experiment *experiment, size_t index, struct error *err)
{
	const struct variant *variant = &experiment->campaign->variants[index];
	struct built_kernel *kernel = &experiment->kernels[index];
	const struct build_options options = {
		.jobs = experiment->options->jobs,
		.label = variant->name,
	};
	int rc;

	progress_update("kernels", variant->name, index, experiment->campaign->variants_count,
			UINT64_MAX, experiment->kernel_cached[index] ? "cached" : "");
	rc = kernel_build(experiment->cache, &variant->kernel, &options, kernel, err);
	if (rc)
		return rc;
	experiment->kernels_count = index + 1;
	rc = check_needs(experiment, variant->name, kernel, err);
	if (!rc)
		rc = record(experiment, index, err);
	if (!rc)
		rc = save_artifacts(experiment, variant->name, kernel, err);
	return rc;
}

int experiment_build_kernels(struct experiment *experiment, struct error *err)
{
	const struct campaign *campaign = experiment->campaign;
	int rc = 0;

	process_set_deadline(experiment->options->deadline_ns);
	for (size_t i = 0; !rc && i < campaign->variants_count; i++) {
		rc = build_one(experiment, i, err);
		if (rc)
			(void)error_prefix(err, "variant %s", campaign->variants[i].name);
	}
	process_set_deadline(0);
	return rc;
}
