/* replay.c - a world of exact mode run once more: everything that it was made of
 * is checked to be the same first, and named where it is not.
 *
 * With a debugger the guest runs twice: once alone, to be compared, then with the
 * debugger. With one vCPU QEMU keeps a record of the first run and plays it in the
 * second, where stopping costs the guest no time (docs/exact-mode.md, "Replay").
 * QEMU cannot play a record of several vCPUs, nor one of a guest that hung until it
 * was killed: these run live, and are another world after their first stop.
 */
#include "replay.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "experiment_private.h"
#include "files.h"
#include "fleet.h"
#include "guest_cmdline.h"
#include "guest_image.h"
#include "host_info.h"
#include "log.h"
#include "memory.h"
#include "replay_private.h"

#define WAIT_NS (500 * NS_PER_MS)
/* For what must have a short path (a socket), or one without a colon (libvirt's log). */
#define PLACE "/tmp/kerngate-replay-XXXXXX"
#define SECOND_FOLDER "debugged"

struct replaying {
	const struct replay_world *world;     /* borrowed */
	const struct replay_options *options; /* borrowed */
	struct fleet *fleet;                  /* owned */
	struct built_kernel kernel;
	char *place, *initrd, *recording;     /* owned */
	const struct workload_info **workloads; /* of each row; array owned */
	const char **row_names;               /* array owned */
	struct guest_expectation expectation; /* of these */
	char *plugin_folder, *map_path;       /* owned */
};

static void replaying_release(struct replaying *replaying)
{
	fleet_close(replaying->fleet);
	built_kernel_release(&replaying->kernel);
	if (replaying->initrd)
		(void)unlink(replaying->initrd);
	if (replaying->recording)
		(void)unlink(replaying->recording);
	if (replaying->place)
		(void)!folder_remove(replaying->place);
	free(replaying->place);
	free(replaying->initrd);
	free(replaying->recording);
	free(replaying->plugin_folder);
	free(replaying->map_path);
	free(replaying->workloads);
	free(replaying->row_names);
}

void replay_outcome_release(struct replay_outcome *outcome)
{
	trial_result_release(&outcome->result);
	built_kernel_release(&outcome->kernel);
	free(outcome->difference);
	free(outcome->debugged);
	free(outcome->counts_path);
	*outcome = (struct replay_outcome){ .difference = NULL };
}

/* --- what it is made of ------------------------------------------------------------ */

static int changed(struct error *err, const char *what, const char *then, const char *now)
{
	return error_set(err, -ESTALE, "%s was %s then and is %s now: it would be another world",
			 what, then, now);
}

static int open_fleet(struct replaying *replaying, struct error *err)
{
	cleanup_free char *state = path_join(replaying->place, "state");
	uint32_t cpus[EXPERIMENT_CPUS_MAX];
	const struct fleet_options options = {
		.uri = replaying->options->experiment->uri,
		.state_dir = state,
		.accelerator = ACCELERATOR_TCG,
		.cpus = cpus,
		.cpus_count = host_info_cpus(cpus, ARRAY_COUNT(cpus)),
	};
	const char *then = replaying->world->hypervisor, *now;
	int rc = fleet_open(&options, &replaying->fleet, err);

	if (rc)
		return rc;
	now = fleet_version(replaying->fleet);
	return strcmp(now, then) ? changed(err, "the hypervisor", then, now) : 0;
}

static void cleanup_cache(struct kernel_cache **cache)
{
	kernel_cache_close(*cache);
}

/* Before minutes are spent on building another kernel than then. */
static int check_key(const struct replay_world *world, struct error *err)
{
	char key[SHA256_HEX_SIZE];
	int rc = world->kernel_key ? kernel_spec_key(&world->kernel, key, err) : 0;

	if (rc || !world->kernel_key || strcmp(key, world->kernel_key) == 0)
		return rc;
	return changed(err, "the key of the kernel's sources, patches, fragments and compiler",
		       world->kernel_key, key);
}

static int get_kernel(struct replaying *replaying, struct error *err)
{
	cleanup_with(cleanup_cache) struct kernel_cache *cache = NULL;
	const struct replay_world *world = replaying->world;
	const struct experiment_options *experiment = replaying->options->experiment;
	const struct kernel_spec *other = replaying->options->other_kernel;
	const struct build_options options = { .jobs = experiment->jobs,
					       .label = world->variant };
	int rc = other ? 0 : check_key(world, err);

	if (!rc)
		rc = kernel_cache_open(experiment->cache_path, experiment->cache_max_bytes,
				       &cache, err);
	if (!rc)
		rc = kernel_build(cache, other ? other : &world->kernel, &options,
				  &replaying->kernel, err);
	progress_clear();
	if (!rc && world->policy.kaslr && !replaying->kernel.bzimage_path)
		return error_set(err, -EINVAL, "the seed is to move the kernel, which needs one "
				 "with CONFIG_RANDOMIZE_BASE");
	if (rc || other || strcmp(replaying->kernel.image_sha256, world->image_sha256) == 0)
		return rc;
	return changed(err, "the kernel's image", world->image_sha256,
		       replaying->kernel.image_sha256);
}

static int make_initrd(struct replaying *replaying, struct error *err)
{
	const struct replay_world *world = replaying->world;
	char sha256[SHA256_HEX_SIZE];
	int rc = sha256_of_file(world->common_path, sha256);

	if (rc)
		return error_set_errno(err, rc, "%s: cannot be read", world->common_path);
	if (strcmp(sha256, world->initrd_sha256) != 0)
		return changed(err, world->common_path, world->initrd_sha256, sha256);
	replaying->initrd = path_join(replaying->options->folder, "initrd.cpio");
	return guest_image_join(world->common_path, world->plan_path, replaying->initrd, err);
}

static int make_place(struct replaying *replaying, struct error *err)
{
	int rc;

	replaying->place = string_copy(PLACE);
	if (mkdtemp(replaying->place))
		return 0;
	rc = error_set_errno(err, -errno, "%s: cannot make a folder", PLACE);
	free(take_pointer(replaying->place));
	return rc;
}

static int prepare(struct replaying *replaying, struct error *err)
{
	const struct replay_world *world = replaying->world;
	const char *folder = replaying->options->folder;
	size_t rows = world->suite.rows_count;
	int rc = folder_make(folder);

	if (rc)
		return error_set_errno(err, rc, "%s: cannot be made", folder);
	rc = make_place(replaying, err);
	if (rc)
		return rc;
	replaying->workloads = memory_alloc_array(rows, sizeof(*replaying->workloads));
	replaying->row_names = memory_alloc_array(rows, sizeof(*replaying->row_names));
	for (size_t i = 0; i < rows; i++) {
		replaying->workloads[i] = &world->workloads[i];
		replaying->row_names[i] = world->suite.rows[i].name;
	}
	replaying->expectation = (struct guest_expectation){
		.trial_id = EXPERIMENT_EXACT_TRIAL_ID,
		.rows_count = rows,
		.workloads = replaying->workloads,
		.row_names = replaying->row_names,
	};
	rc = open_fleet(replaying, err);
	if (!rc)
		rc = get_kernel(replaying, err);
	if (rc)
		return rc;
	replaying->plugin_folder = path_join(replaying->options->experiment->build_dir, "plugin");
	replaying->map_path = path_join(replaying->kernel.folder, "System.map");
	return make_initrd(replaying, err);
}

/* --- one boot ------------------------------------------------------------------------ */

/* until_ns 0: the fleet's own deadlines. */
static int wait_for_end(struct replaying *replaying, uint64_t until_ns,
			struct trial_result *result, struct error *err)
{
	struct fleet_done done = { .result = TRIAL_RESULT_INIT };
	int rc = 0;

	while (!rc) {
		if (until_ns && clock_monotonic_ns() >= until_ns) {
			trial_result_worsen(result, OUTCOME_TIMED_OUT,
					    "still there long after the debugger had gone");
			return 0;
		}
		progress_update("replay", replaying->world->name, 0, 0, UINT64_MAX,
				replaying->world->guest.name);
		rc = fleet_wait(replaying->fleet, WAIT_NS, &done, err);
	}
	progress_clear();
	if (rc > 0)
		*result = done.result;
	return rc > 0 ? 0 : rc;
}

/* Starts the guest, lets a debugger have it if exact names a socket, and waits for
 * its end. */
static int boot(struct replaying *replaying, const char *folder, const struct fleet_exact *exact,
		struct trial_result *result, struct error *err)
{
	const struct replay_world *world = replaying->world;
	const struct replay_options *options = replaying->options;
	cleanup_free char *name = string_format("replay-%d", (int)getpid());
	const struct fleet_job job = {
		.name = name,
		.guest = &world->guest,
		.kernel_path = built_kernel_boot_path(&replaying->kernel, world->policy.kaslr),
		.initrd_path = replaying->initrd,
		.cmdline = world->cmdline,
		.folder = folder,
		.expectation = &replaying->expectation,
		.quiet_s = guest_quiet_s(&world->suite),
		.exact = exact,
	};
	uint64_t until_ns = 0;
	int rc = fleet_start(replaying->fleet, &job, err);

	if (!rc && exact->gdb_socket) {
		rc = options->debug(options->context, exact->gdb_socket,
				    replaying->kernel.image_path, err);
		until_ns = clock_monotonic_ns() +
			   world->guest.total_s * EXACT_PATIENCE * NS_PER_SECOND;
	}
	return rc ? rc : wait_for_end(replaying, until_ns, result, err);
}

static struct fleet_exact exact_of(const struct replaying *replaying)
{
	const struct replay_options *options = replaying->options;

	return (struct fleet_exact){
		.policy = replaying->world->policy,
		.seed = replaying->world->seed,
		.plugin_folder = replaying->plugin_folder,
		.profile_map = options->profile ? replaying->map_path : NULL,
		.profile_row = options->profile_row,
		.profile_region = options->profile_region,
	};
}

/* --- with a debugger -------------------------------------------------------------------- */

/* Nothing counts under a debugger: where it stops, blocks are cut in two, and
 * counts by block say so. */
static int boot_debugged(struct replaying *replaying, const char *folder,
			 struct trial_result *result, struct error *err)
{
	cleanup_free char *socket = path_join(replaying->place, "stub");
	struct fleet_exact exact = exact_of(replaying);

	exact.gdb_socket = socket;
	exact.policy.counts = false;
	exact.recording = replaying->recording;
	exact.plays_recording = replaying->recording != NULL;
	return boot(replaying, folder, &exact, result, err);
}

static int debug(struct replaying *replaying, struct replay_outcome *outcome, struct error *err)
{
	cleanup_with(trial_result_release) struct trial_result result = TRIAL_RESULT_INIT;
	const char *first = replaying->options->folder;
	cleanup_free char *second = path_join(first, SECOND_FOLDER);
	int rc;

	if (outcome->difference)
		log_warning("it is not the same as then: %s", outcome->difference);
	rc = boot_debugged(replaying, second, &result, err);
	if (rc)
		return rc;
	outcome->debugged = replaying->recording ?
			    replay_played_difference(first, second, &rc) :
			    replay_ports_difference(first, second, &rc);
	return rc ? error_set_errno(err, rc, "%s: cannot be compared with %s", second, first) : 0;
}

/* --- what came of it --------------------------------------------------------------------- */

/* Files that are equal and a digest that is not: the kept files were changed. */
static char *digest_difference(const char *then, const char *now)
{
	if (!then || !now || strcmp(then, now) == 0)
		return NULL;
	return string_format("the digest was %s then and is %s now, although the files that "
			     "were kept are equal", then, now);
}

/* Where guests are made otherwise now, that is the cause. */
static void explain(const struct replaying *replaying, struct replay_outcome *outcome)
{
	cleanup_free char *shape = replay_shape_difference(replaying->world->folder,
							   replaying->options->folder);
	char *explained;

	if (!outcome->difference || !shape)
		return;
	explained = string_format("%s; this kerngate describes the guest otherwise: %s",
				  outcome->difference, shape);
	free(outcome->difference);
	outcome->difference = explained;
}

static int compare(const struct replaying *replaying, struct replay_outcome *outcome,
		   struct error *err)
{
	const struct replay_world *world = replaying->world;
	const char *folder = replaying->options->folder;
	int code = 0;

	if (replaying->options->other_kernel || replaying->options->profile)
		return 0;
	outcome->difference = replay_first_difference(world->folder, folder, &code);
	if (code)
		return error_set_errno(err, code, "%s: cannot be compared with %s", folder,
				       world->folder);
	if (!outcome->difference)
		outcome->difference = digest_difference(world->digest, outcome->result.digest);
	explain(replaying, outcome);
	outcome->identical = !outcome->difference;
	return 0;
}

static int run_and_compare(struct replaying *replaying, struct replay_outcome *outcome,
			   struct error *err)
{
	const struct replay_options *options = replaying->options;
	struct fleet_exact exact = exact_of(replaying);
	int rc;

	if (options->debug && replaying->world->guest.vcpus_count == 1 &&
	    replaying->world->outcome != OUTCOME_TIMED_OUT)
		replaying->recording = path_join(options->folder, "recording");
	exact.recording = replaying->recording;
	rc = boot(replaying, options->folder, &exact, &outcome->result, err);
	if (!rc)
		rc = compare(replaying, outcome, err);
	return !rc && options->debug ? debug(replaying, outcome, err) : rc;
}

int replay_run(const struct replay_world *world, const struct replay_options *options,
	       struct replay_outcome *ret_outcome, struct error *err)
{
	cleanup_with(replaying_release) struct replaying replaying = { .world = world,
								       .options = options };
	cleanup_with(replay_outcome_release) struct replay_outcome outcome = {
		.result = TRIAL_RESULT_INIT
	};
	cleanup_free char *counts = path_join(options->folder, "counts");
	int rc = prepare(&replaying, err);

	if (!rc)
		rc = run_and_compare(&replaying, &outcome, err);
	if (rc)
		return error_prefix(err, "replay of %s", world->name);
	if (path_exists(counts))
		outcome.counts_path = take_pointer(counts);
	outcome.kernel = replaying.kernel;
	replaying.kernel = (struct built_kernel){ .folder = NULL };
	*ret_outcome = outcome;
	outcome = (struct replay_outcome){ .result = TRIAL_RESULT_INIT };
	return 0;
}
