/* exact_probe.c - see exact_probe.h. What the trials are made of is made once and
 * shared, so that all they can differ in is the host.
 */
#include "exact_probe.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "fleet.h"
#include "guest_cmdline.h"
#include "guest_image.h"
#include "host_info.h"
#include "host_load.h"
#include "log.h"
#include "memory.h"
#include "replay.h"

#define CPUS_MAX 1024
#define TRIAL_ID "exact" /* it is in the initramfs and in the results */
#define EMULATOR_MIB 256 /* of an emulator beside its guest's memory */

struct proving {
	const struct exact_probe_options *options;
	struct exact_probe *probe;
	struct workload_catalog catalog;
	const struct workload_info **workloads; /* of each row; array owned */
	const char **row_names;                 /* array owned */
	char *plugin_folder, *common, *plan, *initrd, *cmdline; /* owned */
	struct guest_expectation expectation;
	struct fleet_exact exact;
	struct fleet *fleet;                    /* owned */
	uint32_t cpus[CPUS_MAX];
	uint64_t done_count, all_count;
};

static const char *const condition_names[] = {
	[PROBE_ALONE] = "alone",
	[PROBE_BESIDE_LOAD] = "beside load",
	[PROBE_SIDE_BY_SIDE] = "side by side",
};

const char *probe_condition_name(enum probe_condition condition)
{
	return condition_names[condition];
}

static void proving_release(struct proving *proving)
{
	fleet_close(proving->fleet);
	workload_catalog_release(&proving->catalog);
	free(proving->workloads);
	free(proving->row_names);
	free(proving->plugin_folder);
	free(proving->common);
	free(proving->plan);
	free(proving->initrd);
	free(proving->cmdline);
}

static void group_release(struct probe_group *group)
{
	for (size_t i = 0; i < group->trials_count; i++) {
		free(group->trials[i].name);
		free(group->trials[i].reason);
		free(group->trials[i].digest);
		free(group->trials[i].folder);
	}
	free(group->trials);
	free(group->difference);
}

void exact_probe_release(struct exact_probe *probe)
{
	for (size_t i = 0; i < probe->groups_count; i++)
		group_release(&probe->groups[i]);
	if (probe->folder && !probe->keeps_folder)
		(void)!folder_remove(probe->folder);
	free(probe->groups);
	free(probe->hypervisor);
	free(probe->folder);
	*probe = EXACT_PROBE_INIT;
}

bool exact_probe_is_exact(const struct exact_probe *probe)
{
	for (size_t i = 0; i < probe->groups_count; i++)
		if (!probe->groups[i].is_exact)
			return false;
	return true;
}

/* --- what all trials share ------------------------------------------------------------- */

static int make_folder(struct proving *proving, struct error *err)
{
	struct exact_probe *probe = proving->probe;
	const char *place = getenv("TMPDIR");
	cleanup_free char *pattern = string_format("%s/kerngate-exact-XXXXXX",
						   place && *place == '/' ? place : "/tmp");

	if (!mkdtemp(pattern))
		return error_set_errno(err, -errno, "%s: cannot make a folder", pattern);
	probe->folder = take_pointer(pattern);
	return 0;
}

static int find_workloads(struct proving *proving, struct error *err)
{
	const struct suite *suite = proving->options->suite;
	cleanup_free char *folder = path_join(proving->options->build_dir, "workloads");
	int code = workload_catalog_load(folder, &proving->catalog, err);

	proving->workloads = memory_alloc_array(suite->rows_count, sizeof(*proving->workloads));
	proving->row_names = memory_alloc_array(suite->rows_count, sizeof(*proving->row_names));
	for (size_t i = 0; code == 0 && i < suite->rows_count; i++) {
		proving->row_names[i] = suite->rows[i].name;
		code = workload_catalog_find(&proving->catalog, suite->rows[i].workload,
					     &proving->workloads[i], err);
	}
	for (size_t i = 0; code == 0 && i < proving->options->guests_count; i++) {
		const struct campaign_cell cell = { .guest = proving->options->guests[i],
						    .suite = *suite };

		code = guest_image_check_cell(&proving->catalog, &cell, err);
	}
	return code;
}

static int write_image(struct proving *proving, struct error *err)
{
	const struct suite *suite = proving->options->suite;
	cleanup_free char *init = path_join(proving->options->build_dir, "guest_init");
	const struct strvec none = STRVEC_INIT;
	int code;

	proving->common = path_join(proving->probe->folder, "common.cpio");
	proving->plan = path_join(proving->probe->folder, "plan.cpio");
	proving->initrd = path_join(proving->probe->folder, "initrd.cpio");
	code = guest_image_write_common(&proving->catalog, init, suite, false, proving->common,
					err);
	if (code == 0)
		code = guest_image_write_plan(suite, TRIAL_ID, &none,
					      proving->exact.seed.padding_bytes, proving->plan,
					      err);
	if (code == 0)
		code = guest_image_join(proving->common, proving->plan, proving->initrd, err);
	proving->cmdline = guest_cmdline(&none, proving->workloads, suite->rows_count);
	return code;
}

static int open_fleet(struct proving *proving, struct error *err)
{
	struct exact_probe *probe = proving->probe;
	cleanup_free char *state = path_join(probe->folder, "state");
	struct fleet_options options = {
		.uri = proving->options->uri,
		.state_dir = state,
		.accelerator = ACCELERATOR_TCG,
		.cpus = proving->cpus,
	};
	int code;

	probe->cpus_count = host_info_cpus(proving->cpus, CPUS_MAX);
	options.cpus_count = probe->cpus_count;
	code = fleet_open(&options, &proving->fleet, err);
	if (code == 0)
		probe->hypervisor = string_copy(fleet_version(proving->fleet));
	return code;
}

static int prepare(struct proving *proving, struct error *err)
{
	const struct exact_probe_options *options = proving->options;
	int code = make_folder(proving, err);

	proving->plugin_folder = path_join(options->build_dir, "plugin");
	proving->exact = (struct fleet_exact){
		.policy = options->policy,
		.seed = exact_seed_make(options->seed),
		.plugin_folder = proving->plugin_folder,
	};
	if (code == 0)
		code = find_workloads(proving, err);
	if (code == 0)
		code = write_image(proving, err);
	proving->expectation = (struct guest_expectation){
		.trial_id = TRIAL_ID,
		.rows_count = options->suite->rows_count,
		.workloads = proving->workloads,
		.row_names = proving->row_names,
	};
	return code == 0 ? open_fleet(proving, err) : code;
}

/* --- trials ----------------------------------------------------------------------------- */

static uint32_t room_side_by_side(const struct proving *proving,
				  const struct guest_spec *guest)
{
	uint64_t fitting = host_info_memory_available_mib() / (guest->memory_mib + EMULATOR_MIB);
	uint32_t count = proving->probe->cpus_count;

	if (fitting < count)
		count = (uint32_t)fitting;
	return count ? count : 1;
}

static struct probe_trial *add_trial(struct proving *proving, struct probe_group *group,
				     enum probe_condition condition)
{
	struct probe_trial *trial;

	group->trials = memory_realloc_array(group->trials, group->trials_count + 1,
					     sizeof(*group->trials));
	trial = &group->trials[group->trials_count++];
	*trial = (struct probe_trial){
		.condition = condition,
		.outcome = OUTCOME_BROKEN,
		.name = string_format("exact-%d-%s-%zu", (int)getpid(), group->guest->name,
				      group->trials_count),
		.folder = string_format("%s/%s-%zu", proving->probe->folder,
					group->guest->name, group->trials_count),
	};
	return trial;
}

static int start_trial(struct proving *proving, const struct probe_group *group,
		       size_t index, struct error *err)
{
	const struct fleet_job job = {
		.name = group->trials[index].name,
		.guest = group->guest,
		.kernel_path = proving->options->kernel_path,
		.initrd_path = proving->initrd,
		.cmdline = proving->cmdline,
		.folder = group->trials[index].folder,
		.expectation = &proving->expectation,
		.quiet_s = guest_quiet_s(proving->options->suite),
		.exact = &proving->exact,
		.tag = &group->trials[index],
	};

	return fleet_start(proving->fleet, &job, err);
}

static void note_trial(struct probe_trial *trial, struct trial_result *result)
{
	trial->outcome = result->outcome;
	trial->reason = take_pointer(result->reason);
	trial->digest = take_pointer(result->digest);
	trial->wall_ns = result->times.stopped_ns - result->times.create_ns;
}

/* Starts `count` at once and waits for all. */
static int run_batch(struct proving *proving, struct probe_group *group,
		     enum probe_condition condition, uint32_t count, struct error *err)
{
	size_t first = group->trials_count;
	int code = 0;

	for (uint32_t i = 0; i < count; i++)
		(void)add_trial(proving, group, condition);
	for (uint32_t i = 0; code == 0 && i < count; i++)
		code = start_trial(proving, group, first + i, err);
	for (uint32_t i = 0; code == 0 && i < count; i++) {
		struct fleet_done done = { .result = TRIAL_RESULT_INIT };

		progress_update("exact", group->guest->name, proving->done_count,
				proving->all_count, UINT64_MAX,
				probe_condition_name(condition));
		code = fleet_wait(proving->fleet, UINT64_MAX, &done, err);
		if (code < 0)
			break;
		code = 0;
		note_trial(done.tag, &done.result);
		trial_result_release(&done.result);
		proving->done_count++;
	}
	return code;
}

static int run_condition(struct proving *proving, struct probe_group *group,
			 enum probe_condition condition, struct error *err)
{
	uint32_t at_once = condition == PROBE_SIDE_BY_SIDE ?
				   room_side_by_side(proving, group->guest) : 1;
	uint32_t count = proving->options->counts[condition];
	struct host_load *load = NULL;
	int code = 0;

	if (count == 0)
		return 0;
	if (condition == PROBE_BESIDE_LOAD)
		code = host_load_start(proving->cpus, proving->probe->cpus_count, &load, err);
	for (uint32_t i = 0; code == 0 && i < count; i++)
		code = run_batch(proving, group, condition, at_once, err);
	host_load_stop(load);
	return code;
}

/* --- what came of them -------------------------------------------------------------------- */

static bool is_odd(const struct probe_group *group, size_t index)
{
	const struct probe_trial *trial = &group->trials[index];

	return trial->outcome != OUTCOME_PASSED || !trial->digest ||
	       strcmp(trial->digest, group->trials[0].digest) != 0;
}

static int judge_group(struct exact_probe *probe, struct probe_group *group,
		       struct error *err)
{
	const char *first = group->trials[0].folder, *odd;
	int code = 0;

	while (group->odd < group->trials_count && !is_odd(group, group->odd))
		group->odd++;
	group->is_exact = group->odd == group->trials_count;
	if (group->is_exact)
		return 0;
	probe->keeps_folder = true;
	if (group->odd == 0)
		return 0;
	odd = group->trials[group->odd].folder;
	group->difference = replay_first_difference(first, odd, &code);
	return code < 0 ? error_set_errno(err, code, "%s and %s", first, odd) : 0;
}

static int run_group(struct proving *proving, struct probe_group *group, struct error *err)
{
	int code = 0;

	for (int i = 0; code == 0 && i < PROBE_CONDITIONS_COUNT; i++)
		code = run_condition(proving, group, (enum probe_condition)i, err);
	return code == 0 ? judge_group(proving->probe, group, err) : code;
}

static void count_trials(struct proving *proving)
{
	const struct exact_probe_options *options = proving->options;

	for (size_t i = 0; i < options->guests_count; i++)
		proving->all_count += options->counts[PROBE_ALONE] +
			options->counts[PROBE_BESIDE_LOAD] +
			(uint64_t)options->counts[PROBE_SIDE_BY_SIDE] *
				room_side_by_side(proving, &options->guests[i]);
}

/* Nothing run proves nothing. */
static int check_options(const struct exact_probe_options *options, struct error *err)
{
	uint64_t count = 0;

	for (int i = 0; i < PROBE_CONDITIONS_COUNT; i++)
		count += options->counts[i];
	if (count < 2 || options->guests_count == 0)
		return error_set(err, -EINVAL, "a proof takes two trials of a guest at least");
	return 0;
}

int exact_probe_run(const struct exact_probe_options *options,
		    struct exact_probe *ret_probe, struct error *err)
{
	cleanup_with(exact_probe_release) struct exact_probe probe = EXACT_PROBE_INIT;
	cleanup_with(proving_release) struct proving proving = { .options = options,
								 .probe = &probe };
	int code = check_options(options, err);

	if (code == 0)
		code = prepare(&proving, err);
	if (code == 0)
		count_trials(&proving);
	probe.groups = memory_alloc_array(options->guests_count, sizeof(*probe.groups));
	for (size_t i = 0; code == 0 && i < options->guests_count; i++) {
		probe.groups[i].guest = &options->guests[i];
		probe.groups_count++;
		code = run_group(&proving, &probe.groups[i], err);
	}
	progress_clear();
	if (code < 0)
		return code;
	*ret_probe = probe;
	probe = EXACT_PROBE_INIT;
	return 0;
}
