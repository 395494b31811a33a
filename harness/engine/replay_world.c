/* replay_world.c - one trial of an exact run, found again: what the store and the
 * run's folder say it was made of. Whether all of that still is as it was is
 * replay.c's to check, before it runs.
 */
#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "experiment_private.h"
#include "files.h"
#include "guest_cmdline.h"
#include "memory.h"
#include "run_artifacts.h"

#define SYSCTL_PREFIX "sysctl:"     /* in a stored command line, behind the arguments */

void replay_world_release(struct replay_world *world)
{
	char *const owned[] = { world->name, world->variant, world->kernel_key,
				world->image_sha256, world->cmdline, world->common_path,
				world->plan_path, world->initrd_sha256, world->hypervisor,
				world->folder, world->digest, world->reason };

	for (size_t i = 0; i < ARRAY_COUNT(owned); i++)
		free(owned[i]);
	for (size_t i = 0; world->workloads && i < world->suite.rows_count; i++)
		workload_info_release(&world->workloads[i]);
	free(world->workloads);
	for (size_t i = 0; i < world->findings_count; i++) {
		free(world->findings[i].title);
		free(world->findings[i].excerpt);
	}
	free(world->findings);
	guest_spec_release(&world->guest);
	suite_release(&world->suite);
	kernel_spec_release(&world->kernel);
	*world = (struct replay_world){ .name = NULL };
}

/* --- the trial --------------------------------------------------------------------- */

struct source {                         /* where a trial is read from */
	struct run_store *store;        /* borrowed */
	const struct experiment_options *options; /* borrowed */
	struct stored_run run;
	const struct stored_trial *trial; /* of the run */
};

static void source_release(struct source *source)
{
	stored_run_release(&source->run);
}

/* "RUN/NUMBER": the number, and where it begins. */
static int split_name(const char *name, char **ret_run, uint64_t *ret_number,
		      struct error *err)
{
	const char *slash = strrchr(name, '/'), *digits = slash ? slash + 1 : "";
	char *end = NULL;
	uint64_t number = 0;

	if (*digits >= '1' && *digits <= '9' && strlen(digits) <= 9)
		number = strtoull(digits, &end, 10);
	if (!number || *end || slash == name)
		return error_set(err, -ENOENT, "trial \"%s\": expected RUN/NUMBER, as in latest/3",
				 name);
	*ret_run = string_copy_n(name, (size_t)(slash - name));
	*ret_number = number;
	return 0;
}

static int check_trial(const struct stored_run *run, const struct stored_trial *trial,
		       struct error *err)
{
	if (run->mode != MODE_EXACT)
		return error_set(err, -EINVAL, "run %s was in timed mode: only what ran on the "
				 "instruction clock can happen again", run->id);
	if (trial->state != TRIAL_FINISHED)
		return error_set(err, -EAGAIN, "run %s: trial %u is not finished", run->id,
				 trial->order + 1);
	return 0;
}

static int find_trial(struct source *source, const char *name, struct error *err)
{
	cleanup_free char *run_id = NULL;
	uint64_t number = 0;
	int rc = split_name(name, &run_id, &number, err);

	if (!rc)
		rc = run_store_load(source->store, run_id, &source->run, err);
	if (rc)
		return rc;
	if (number > source->run.trials_count)
		return error_set(err, -ENOENT, "run %s has no trial %" PRIu64 ": expected 1 to %zu",
				 source->run.id, number, source->run.trials_count);
	source->trial = &source->run.trials[number - 1];
	return check_trial(&source->run, source->trial, err);
}

/* --- its inputs --------------------------------------------------------------------- */

/* The value of a line "key=value" of a fingerprint; owned; NULL without one. */
static char *fingerprint_value(const char *fingerprint, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = fingerprint; line && *line;) {
		size_t line_length = strcspn(line, "\n");

		if (line_length > length && strncmp(line, key, length) == 0 && line[length] == '=')
			return string_copy_n(line + length + 1, line_length - length - 1);
		line += line_length + (line[line_length] == '\n');
	}
	return NULL;
}

static int check_file(const struct source *source, const char *path, const char *what,
		      struct error *err)
{
	cleanup_free char *pruned_when = NULL;

	if (path_exists(path))
		return 0;
	pruned_when = run_artifacts_pruned_when(source->store, source->run.id,
						source->trial->order);
	if (pruned_when)
		return error_set(err, -ENOENT, "its artifacts were pruned %s, so it cannot "
				 "happen again; what was measured is still in the store",
				 pruned_when);
	return error_set(err, -ENOENT, "%s: %s is gone", path, what);
}

static int find_files(const struct source *source, struct replay_world *world,
		      struct error *err)
{
	const char *fingerprint = source->trial->fingerprint;
	cleanup_free char *folder = run_store_run_folder(source->store, source->run.id);
	cleanup_free char *console = NULL, *results = NULL;
	int rc;

	world->initrd_sha256 = fingerprint_value(fingerprint, "guest_image");
	world->hypervisor = fingerprint_value(fingerprint, "hypervisor");
	if (!world->initrd_sha256 || !world->hypervisor)
		return error_set(err, -ENOENT, "its fingerprint does not name guest_image and "
				 "hypervisor");
	world->folder = run_store_trial_folder(source->store, source->run.id,
					       source->trial->order);
	world->common_path = string_format("%s/initrd/%s.cpio", folder, world->initrd_sha256);
	world->plan_path = path_join(world->folder, "plan.cpio");
	console = path_join(world->folder, "console.log");
	results = path_join(world->folder, "results.log");
	rc = check_file(source, world->common_path, "the cell's initramfs", err);
	if (!rc)
		rc = check_file(source, world->plan_path, "the trial's part of the initramfs", err);
	if (!rc)
		rc = check_file(source, console, "what the console said", err);
	return rc ? rc : check_file(source, results, "what the guest reported", err);
}

/* --- guest, suite, kernel: from the run's copy of its campaign ----------------------- */

static bool is_cell(const struct campaign_cell *cell, const struct stored_cell *stored)
{
	cleanup_free char *record = experiment_guest_record(&cell->guest);

	if (strcmp(cell->guest.name, stored->guest) || strcmp(cell->suite.name, stored->suite) ||
	    strcmp(record, stored->guest_record) || cell->suite.rows_count != stored->rows_count)
		return false;
	for (size_t i = 0; i < stored->rows_count; i++)
		if (strcmp(cell->suite.rows[i].name, stored->rows[i].name) ||
		    strcmp(cell->suite.rows[i].workload, stored->rows[i].workload))
			return false;
	return true;
}

static int take_cell(const struct stored_cell *stored, struct campaign *campaign,
		     struct replay_world *world, struct error *err)
{
	for (size_t i = 0; i < campaign->cells_count; i++) {
		struct campaign_cell *cell = &campaign->cells[i];

		if (!is_cell(cell, stored))
			continue;
		world->guest = cell->guest;
		world->suite = cell->suite;
		*cell = (struct campaign_cell){ .guest = { .name = NULL } };
		return 0;
	}
	return error_set(err, -ENOENT, "campaign %s does not have its cell %s/%s any more as it "
			 "was", campaign->file, stored->guest, stored->suite);
}

static int take_campaign(const struct source *source, struct replay_world *world,
			 struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	const struct stored_variant *variant = &source->run.variants[source->trial->variant];
	size_t index;
	int rc = experiment_load_config(source->store, &source->run, source->options, &campaign,
					err);

	if (!rc)
		rc = campaign_find_variant(&campaign, variant->name, &index, err);
	if (!rc)
		rc = take_cell(&source->run.cells[source->trial->cell], &campaign, world, err);
	if (rc)
		return rc;
	kernel_spec_copy(&world->kernel, &campaign.variants[index].kernel);
	world->variant = string_copy(variant->name);
	world->kernel_key = string_copy(variant->kernel_key);
	world->image_sha256 = string_copy(variant->image_sha256);
	return 0;
}

/* --- workloads ------------------------------------------------------------------------- */

static void copy_metric(struct metric_info *to, const struct metric_info *from)
{
	*to = *from;
	to->name = string_copy(from->name);
	to->unit = string_copy(from->unit);
	to->meaning = string_copy(from->meaning);
}

/* As the store has them: what the guest may say, and whether its rounds count. */
static struct workload_info stored_workload(const struct stored_row *row)
{
	struct workload_info info = { .name = string_copy(row->workload),
				      .metrics_count = row->metrics_count };
	const struct metric_info *counted;
	size_t count;

	info.metrics = memory_alloc_array(row->metrics_count, sizeof(*info.metrics));
	for (size_t i = 0; i < row->metrics_count; i++)
		copy_metric(&info.metrics[i], &row->metrics[i]);
	counted = exact_metrics(1, &count);
	info.is_counted = workload_info_find_metric(&info, counted[0].name) != NULL;
	return info;
}

static void take_workloads(const struct stored_cell *cell, struct replay_world *world)
{
	world->workloads = memory_alloc_array(cell->rows_count, sizeof(*world->workloads));
	for (size_t i = 0; i < cell->rows_count; i++)
		world->workloads[i] = stored_workload(&cell->rows[i]);
}

/* Ends the text before its sysctls, whose values may have blanks. */
static void cut_sysctls(char *cmdline)
{
	for (char *at = cmdline; (at = strstr(at, SYSCTL_PREFIX)) != NULL; at++) {
		if (at == cmdline || at[-1] == ' ') {
			*at = '\0';
			return;
		}
	}
}

/* Kernel arguments of the variant are stored; those of workloads are what this
 * build's say (if they have changed, the console's first lines show it). */
static int make_cmdline(const struct source *source, struct replay_world *world,
			struct error *err)
{
	cleanup_with(workload_catalog_release) struct workload_catalog catalog = { .count = 0 };
	cleanup_strvec struct strvec words = STRVEC_INIT;
	cleanup_free char *folder = path_join(source->options->build_dir, "workloads");
	cleanup_free char *stored =
		string_copy(source->run.variants[source->trial->variant].cmdline);
	cleanup_free const struct workload_info **infos =
		memory_alloc_array(world->suite.rows_count, sizeof(*infos));
	char *rest = stored, *word;
	int rc = workload_catalog_load(folder, &catalog, err);

	cut_sysctls(stored);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word)
			strvec_push(&words, word);
	for (size_t i = 0; !rc && i < world->suite.rows_count; i++)
		rc = workload_catalog_find(&catalog, world->suite.rows[i].workload, &infos[i],
					   err);
	if (!rc)
		world->cmdline = guest_cmdline(&words, infos, world->suite.rows_count);
	return rc;
}

/* --- what came of it ---------------------------------------------------------------------- */

static int take_result(const struct source *source, struct replay_world *world,
		       struct error *err)
{
	cleanup_with(trial_result_release) struct trial_result result = TRIAL_RESULT_INIT;
	int rc = run_store_load_result(source->store, source->trial->id, &result, err);

	if (rc)
		return rc;
	world->outcome = result.outcome;
	world->reason = take_pointer(result.reason);
	world->digest = string_copy(source->trial->digest);
	world->findings = take_pointer(result.findings);
	world->findings_count = result.findings_count;
	result.findings_count = 0;
	for (size_t i = result.rows_count; i > 0; i--)
		if (result.rows[i - 1].outcome != OUTCOME_PASSED)
			world->bad_row = (uint32_t)i;
	return 0;
}

static int load_world(const struct source *source, struct replay_world *world,
		      struct error *err)
{
	int rc = find_files(source, world, err);

	if (!rc)
		rc = take_campaign(source, world, err);
	if (rc)
		return rc;
	take_workloads(&source->run.cells[source->trial->cell], world);
	world->policy = source->run.exact;
	world->seed = exact_seed_make(source->trial->seed);
	rc = make_cmdline(source, world, err);
	return rc ? rc : take_result(source, world, err);
}

int replay_load_trial(struct run_store *store, const char *trial,
		      const struct experiment_options *options,
		      struct replay_world *ret_world, struct error *err)
{
	cleanup_with(source_release) struct source source = { .store = store,
							      .options = options };
	cleanup_with(replay_world_release) struct replay_world world = { .name = NULL };
	int rc = find_trial(&source, trial, err);

	if (rc)
		return rc;
	world.name = string_format("%s/%u", source.run.id, source.trial->order + 1);
	rc = load_world(&source, &world, err);
	if (rc)
		return error_prefix(err, "trial %s", world.name);
	*ret_world = world;
	world = (struct replay_world){ .name = NULL };
	return 0;
}
