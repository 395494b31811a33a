/* bench_guests.c - guests of the quick campaign and what they cost. */
#include "bench_guests.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "files.h"
#include "fleet.h"
#include "guest_image.h"
#include "host_info.h"
#include "kernel_builder.h"
#include "memory.h"
#include "supervisor.h"

#define CAMPAIGN "quick"
#define TRIAL_ID "exact" /* the same for all: it is in the initramfs */
#define CPUS_MAX 1024
#define REAP_TIMEOUT_NS (5 * NS_PER_SECOND)
#define QUIET_S 130

struct cell {
	char *common;                           /* archive; owned */
	const struct workload_info **workloads; /* array owned */
	const char **row_names;                 /* array owned */
};

struct bench_guests {
	const struct bench_options *options;
	char *folder;                           /* temporary; owned */
	char *plugin_folder, *map_path;         /* owned */
	struct campaign campaign;
	struct workload_catalog catalog;
	struct kernel_cache *cache;             /* owned */
	struct built_kernel kernel;
	struct cell *cells;                     /* owned */
	struct fleet *fleet;                    /* owned */
	uint32_t cpus[CPUS_MAX];
	uint32_t cpus_count;
	uint64_t jobs_count;                    /* so far: names are new each time */
};

void bench_guests_close(struct bench_guests *guests)
{
	if (!guests)
		return;
	fleet_close(guests->fleet);
	for (size_t i = 0; guests->cells && i < guests->campaign.cells_count; i++) {
		free(guests->cells[i].common);
		free(guests->cells[i].workloads);
		free(guests->cells[i].row_names);
	}
	free(guests->cells);
	built_kernel_release(&guests->kernel);
	kernel_cache_close(guests->cache);
	workload_catalog_release(&guests->catalog);
	campaign_release(&guests->campaign);
	if (guests->folder)
		(void)!folder_remove(guests->folder);
	free(guests->folder);
	free(guests->plugin_folder);
	free(guests->map_path);
	free(guests);
}

static void close_guests(struct bench_guests **guests)
{
	bench_guests_close(*guests);
}

/* --- opening ---------------------------------------------------------------------------- */

static int find_kernel(struct bench_guests *guests, struct error *err)
{
	const struct campaign *campaign = &guests->campaign;
	int rc = kernel_cache_open(NULL, 0, &guests->cache, err);

	if (!rc)
		rc = kernel_find(guests->cache, &campaign->variants[campaign->baseline].kernel,
				 &guests->kernel, err);
	if (rc == -ENOENT)
		return error_set(err, rc, "the kernel is not built: kerngate build " CAMPAIGN);
	if (rc)
		return rc;
	guests->map_path = path_join(guests->kernel.folder, "System.map");
	return 0;
}

static int prepare_cell(struct bench_guests *guests, size_t index, struct error *err)
{
	const struct suite *suite = &guests->campaign.cells[index].suite;
	cleanup_free char *init = path_join(guests->options->build_dir, "guest_init");
	struct cell *cell = &guests->cells[index];
	int rc;

	cell->common = string_format("%s/%zu.cpio", guests->folder, index);
	cell->workloads = memory_alloc_array(suite->rows_count, sizeof(*cell->workloads));
	cell->row_names = memory_alloc_array(suite->rows_count, sizeof(*cell->row_names));
	rc = guest_image_check_cell(&guests->catalog, &guests->campaign.cells[index], err);
	for (size_t i = 0; !rc && i < suite->rows_count; i++) {
		cell->row_names[i] = suite->rows[i].name;
		rc = workload_catalog_find(&guests->catalog, suite->rows[i].workload,
					   &cell->workloads[i], err);
	}
	if (!rc)
		rc = guest_image_write_common(&guests->catalog, init, suite, false, cell->common,
					      err);
	return rc;
}

static int open_fleet(struct bench_guests *guests, struct error *err)
{
	cleanup_free char *state = path_join(guests->folder, "state");
	struct fleet_options options = {
		.uri = "embed",
		.state_dir = state,
		.accelerator = ACCELERATOR_TCG,
		.cpus = guests->cpus,
	};

	guests->cpus_count = host_info_cpus(guests->cpus, CPUS_MAX);
	options.cpus_count = guests->cpus_count;
	return fleet_open(&options, &guests->fleet, err);
}

static int make_folder(struct bench_guests *guests, struct error *err)
{
	char pattern[] = "/tmp/kerngate-bench.XXXXXX";

	if (!mkdtemp(pattern))
		return error_set_errno(err, -errno, "%s: cannot be made", pattern);
	guests->folder = string_copy(pattern);
	return 0;
}

int bench_guests_open(const struct bench_options *options, struct bench_guests **ret,
		      struct error *err)
{
	cleanup_with(close_guests) struct bench_guests *guests = memory_alloc(sizeof(*guests));
	cleanup_free char *workloads = path_join(options->build_dir, "workloads");
	int rc = make_folder(guests, err);

	guests->options = options;
	guests->plugin_folder = path_join(options->build_dir, "plugin");
	if (!rc)
		rc = campaign_load(options->project_root, CAMPAIGN, &guests->campaign, err);
	if (!rc)
		rc = workload_catalog_load(workloads, &guests->catalog, err);
	if (!rc)
		rc = find_kernel(guests, err);
	if (rc)
		return rc;
	guests->cells = memory_alloc_array(guests->campaign.cells_count, sizeof(*guests->cells));
	for (size_t i = 0; !rc && i < guests->campaign.cells_count; i++)
		rc = prepare_cell(guests, i, err);
	if (!rc)
		rc = open_fleet(guests, err);
	if (!rc)
		*ret = take_pointer(guests);
	return rc;
}

const struct campaign *bench_guests_campaign(const struct bench_guests *guests)
{
	return &guests->campaign;
}

const char *bench_guests_version(const struct bench_guests *guests)
{
	return fleet_version(guests->fleet);
}

uint32_t bench_guests_cpus(const struct bench_guests *guests)
{
	return guests->cpus_count;
}

uint32_t bench_guests_room(struct bench_guests *guests, const struct bench_trial *trial)
{
	uint32_t vcpus = guests->campaign.cells[trial->cell].guest.vcpus_count;
	uint32_t taken = trial->is_exact ? 1 : vcpus;

	return guests->cpus_count > taken ? guests->cpus_count / taken : 1;
}

/* --- CPU time ---------------------------------------------------------------------------- */

/* Of all processes that the supervisor has reaped: guests are its children once
 * they are daemons (proc(5), fields 16 and 17 of stat). */
static double reaped_cpu_s(void)
{
	cleanup_free char *path = string_format("/proc/%d/stat", (int)supervisor_pid());
	cleanup_free char *text = NULL;
	const char *fields = NULL;
	unsigned long user = 0, kernel = 0;

	if (!file_read(path, 4096, &text, NULL))
		fields = strrchr(text, ')');
	if (!fields || sscanf(fields + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u "
					  "%lu %lu", &user, &kernel) != 2)
		return 0;
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* A guest is stopped a moment before its process is reaped: waits until as many
 * children of the supervisor are left as before. */
static uint32_t children_count(void)
{
	cleanup_free char *path = string_format("/proc/%d/task/%d/children",
						(int)supervisor_pid(), (int)supervisor_pid());
	cleanup_free char *text = NULL;
	uint32_t count = 0;

	if (file_read(path, 1 << 16, &text, NULL))
		return 0;
	for (const char *at = text; *at; at++)
		count += *at == ' ';
	return count;
}

static void wait_for_reaping(uint32_t children_before)
{
	const struct timespec step = { .tv_nsec = 5 * NS_PER_MS };
	uint64_t until_ns = clock_monotonic_ns() + REAP_TIMEOUT_NS;

	while (children_count() > children_before && clock_monotonic_ns() < until_ns)
		(void)nanosleep(&step, NULL);
}

/* --- guests ------------------------------------------------------------------------------- */

struct job {
	char *name, *folder, *initrd, *cmdline; /* owned */
	struct guest_expectation expectation;
	struct fleet_exact exact;
	struct fleet_job fleet;                 /* points to the above */
};

static void job_free(struct job *job)
{
	if (!job)
		return;
	free(job->name);
	free(job->folder);
	free(job->initrd);
	free(job->cmdline);
	free(job);
}

static int write_initrd(const struct bench_guests *guests, const struct bench_trial *trial,
			const struct job *job, struct error *err)
{
	cleanup_free char *plan = path_join(job->folder, "plan.cpio");
	const struct strvec no_sysctls = STRVEC_INIT;
	int rc = folder_make(job->folder);

	if (rc)
		return error_set_errno(err, rc, "%s: cannot be made", job->folder);
	rc = guest_image_write_plan(&guests->campaign.cells[trial->cell].suite, TRIAL_ID,
				    &no_sysctls,
				    trial->is_exact ? job->exact.seed.padding_bytes : 0, plan,
				    err);
	if (!rc)
		rc = guest_image_join(guests->cells[trial->cell].common, plan, job->initrd, err);
	return rc;
}

/* Kernel arguments that the suite's workloads need. */
static char *needed_cmdline(const struct bench_guests *guests, uint32_t cell)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < guests->campaign.cells[cell].suite.rows_count; i++) {
		const struct strvec *words = &guests->cells[cell].workloads[i]->kernel_arguments;

		for (size_t j = 0; j < words->count; j++)
			strbuf_addf(&text, "%s%s", text.length ? " " : "", words->items[j]);
	}
	return strbuf_detach(&text);
}

static struct job *job_make(struct bench_guests *guests, const struct bench_trial *trial)
{
	const struct campaign_cell *cell = &guests->campaign.cells[trial->cell];
	struct job *job = memory_alloc(sizeof(*job));

	job->name = string_format("bench-%d-%" PRIu64, (int)getpid(), guests->jobs_count++);
	job->folder = path_join(guests->folder, job->name);
	job->initrd = path_join(job->folder, "initrd.cpio");
	job->cmdline = needed_cmdline(guests, trial->cell);
	job->expectation = (struct guest_expectation){
		.trial_id = TRIAL_ID,
		.rows_count = cell->suite.rows_count,
		.workloads = guests->cells[trial->cell].workloads,
		.row_names = guests->cells[trial->cell].row_names,
	};
	job->exact = (struct fleet_exact){
		.policy = trial->policy,
		.seed = exact_seed_make(trial->seed),
		.plugin_folder = guests->plugin_folder,
		.profile_map = trial->policy.profile ? guests->map_path : NULL,
		.profile_row = trial->profile_row,
	};
	job->fleet = (struct fleet_job){
		.name = job->name,
		.guest = &cell->guest,
		.kernel_path = guests->kernel.image_path,
		.initrd_path = job->initrd,
		.cmdline = job->cmdline,
		.folder = job->folder,
		.expectation = &job->expectation,
		.quiet_s = QUIET_S,
		.exact = trial->is_exact ? &job->exact : NULL,
		.tag = job,
	};
	return job;
}

static int start_one(struct bench_guests *guests, const struct bench_trial *trial,
		     struct error *err)
{
	struct job *job = job_make(guests, trial);
	int rc = write_initrd(guests, trial, job, err);

	if (!rc)
		rc = fleet_start(guests->fleet, &job->fleet, err);
	if (rc)
		job_free(job);
	return rc;
}

/* When the first was created and the last stopped. */
struct period {
	uint64_t from_ns, to_ns;
};

static int finish_one(struct bench_guests *guests, struct period *period, struct error *err)
{
	struct fleet_done done;
	struct job *job;
	int rc = fleet_wait(guests->fleet, UINT64_MAX, &done, err);

	if (rc <= 0)
		return rc ? rc : error_set(err, -ETIMEDOUT, "the fleet came back without a guest");
	job = done.tag;
	if (done.result.outcome != OUTCOME_PASSED)
		rc = error_set(err, -EPROTO, "guest %s: %s: %s", job->name,
			       outcome_name(done.result.outcome),
			       done.result.reason ? done.result.reason : "");
	else
		rc = 0;
	if (done.result.times.create_ns < period->from_ns)
		period->from_ns = done.result.times.create_ns;
	if (done.result.times.stopped_ns > period->to_ns)
		period->to_ns = done.result.times.stopped_ns;
	(void)!folder_remove(job->folder);
	job_free(job);
	trial_result_release(&done.result);
	return rc;
}

int bench_guests_run(struct bench_guests *guests, const struct bench_trial *trial,
		     uint32_t count, struct bench_cost *ret_cost, struct error *err)
{
	uint32_t room = bench_guests_room(guests, trial), children = children_count();
	struct period period = { .from_ns = UINT64_MAX };
	double cpu_s = reaped_cpu_s();
	int rc = 0;

	count = count < room ? count : room;
	for (uint32_t i = 0; !rc && i < count; i++)
		rc = start_one(guests, trial, err);
	for (uint32_t i = 0; !rc && i < count; i++)
		rc = finish_one(guests, &period, err);
	if (rc)
		return rc;
	wait_for_reaping(children);
	*ret_cost = (struct bench_cost){
		.wall_s = (double)(period.to_ns - period.from_ns) / (double)NS_PER_SECOND,
		.cpu_s = reaped_cpu_s() - cpu_s,
		.guests_count = count,
	};
	return 0;
}
