/* good_neighbour.c - what a large job of the kernel, split among helpers, costs
 * its neighbours: a spinning process on each CPU, of the same nice as the job.
 *
 * The job: fallocate() of a file of 2 MiB huge pages (mm/hugetlb.c), which needs no
 * device. A round: the job with the hogs stopped, the hogs without the job, then
 * both together. Only the calls of fallocate() count as the job; the hogs' work and
 * CPU time are read directly before and after each. The job is in a control group of
 * its own, whose CPU time (cpu.stat) must hold what the helpers used: charged_ratio
 * compares it with what the hogs lost. With quota_percent the group has cpu.max. A quota
 * holds for whole periods of cpu.max: two threads may use all of one in the first part
 * of it. So quota_use_ratio is about all jobs without hogs and what is between them,
 * which are to take many periods (`jobs`).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "hogs.h"
#include "padata.h"
#include "workload.h"

#define MIB (UINT64_C(1) << 20)
#define PAGE_BYTES (2 * MIB)
#define SPARE_MIB 64u
#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define PERIOD_US UINT64_C(100000) /* of cpu.max */

static struct {
	uint64_t size_bytes, pages_count;
	uint32_t jobs_count, quota_percent;
	uint64_t alone_ns;
	uint64_t pool_before;     /* pages in the pool before us */
	bool is_resized;
	int fd;
	struct cgroup group;
} state = { .fd = -1 };

/* What is read at both ends of a window. */
struct reading {
	uint64_t now_ns;
	struct hogs_reading hogs;
	uint64_t group_cpu_us;    /* CPU time of the job's group */
};

/* A phase: windows added up. */
struct phase {
	uint64_t duration_ns, units, hogs_cpu_ns, group_cpu_us;
};

static struct reading reading_take(void)
{
	struct reading reading;

	reading.group_cpu_us = cgroup_field_or_broken(&state.group, "cpu.stat",
						      "usage_usec");
	reading.hogs = hogs_read();
	reading.now_ns = clock_now_ns();
	return reading;
}

static void phase_add(struct phase *phase, const struct reading *begin,
		      const struct reading *end)
{
	phase->duration_ns += end->now_ns - begin->now_ns;
	phase->units += end->hogs.units - begin->hogs.units;
	phase->hogs_cpu_ns += end->hogs.cpu_ns - begin->hogs.cpu_ns;
	phase->group_cpu_us += end->group_cpu_us - begin->group_cpu_us;
}

static void pool_fill(void)
{
	uint64_t unused = number_read_or_broken(POOL "free_hugepages");
	uint64_t available_mib, missing;

	state.pool_before = number_read_or_broken(POOL "nr_hugepages");
	if (unused >= state.pages_count)
		return;
	missing = state.pages_count - unused;
	available_mib = field_read_or_broken("/proc/meminfo", "MemAvailable") / 1024;
	/* The kernel would take all there is, and then kill somebody. */
	if (missing * (PAGE_BYTES / MIB) + SPARE_MIB > available_mib)
		workload_skipped("%llu huge pages of 2 MiB and %u MiB to spare are more "
				 "than the %llu MiB available",
				 (unsigned long long)missing, SPARE_MIB,
				 (unsigned long long)available_mib);
	text_write_or_broken(POOL "nr_hugepages", "%llu",
			     (unsigned long long)(state.pool_before + missing));
	state.is_resized = true;
	unused = number_read_or_broken(POOL "free_hugepages");
	if (unused < state.pages_count)
		workload_skipped("only %llu of %llu huge pages of 2 MiB could be had",
				 (unsigned long long)unused,
				 (unsigned long long)state.pages_count);
}

static void setup(void)
{
	state.size_bytes = (uint64_t)parameter_number("size_mib") * MIB;
	state.pages_count = state.size_bytes / PAGE_BYTES;
	state.jobs_count = (uint32_t)parameter_number("jobs");
	state.quota_percent = (uint32_t)parameter_number("quota_percent");
	state.alone_ns = (uint64_t)parameter_number("alone_ms") * 1000000u;
	if (state.size_bytes % PAGE_BYTES)
		workload_broken("size_mib is no multiple of the page size");
	if (access(POOL, F_OK) < 0)
		workload_skipped("no huge pages of 2048 KiB on this CPU and kernel");
	pool_fill();
	state.fd = (int)memfd_create("kerngate", MFD_CLOEXEC | MFD_HUGETLB |
				     MFD_HUGE_2MB);
	if (state.fd < 0)
		workload_broken("opening the file: %s", strerror(errno));
	padata_helpers_set(parameter_number("helpers"));
	/* Before the job moves into its group: the hogs stay outside. */
	hogs_start(1);
	hogs_stop();
	cgroup_create_or_broken(&state.group, "kerngate-job", "cpu");
	if (state.quota_percent)
		cgroup_write_or_broken(&state.group, "cpu.max", "%llu %llu",
				       (unsigned long long)(state.quota_percent *
							    PERIOD_US / 100),
				       (unsigned long long)PERIOD_US);
	cgroup_move_or_broken(&state.group, 0);
}

/* One job, as a window of the phase. */
static void job_run(struct phase *phase, const char *metric)
{
	struct reading begin, end;
	struct stat status;
	int result;

	begin = reading_take();
	result = fallocate(state.fd, 0, 0, (off_t)state.size_bytes);
	end = reading_take();
	if (result < 0)
		workload_failed("fallocate: %s", strerror(errno));
	phase_add(phase, &begin, &end);
	sample_add(metric, (double)(end.now_ns - begin.now_ns));
	if (fstat(state.fd, &status) < 0)
		workload_broken("fstat: %s", strerror(errno));
	if ((uint64_t)status.st_blocks * 512 != state.size_bytes)
		workload_failed("the file holds %llu bytes, expected %llu",
				(unsigned long long)status.st_blocks * 512,
				(unsigned long long)state.size_bytes);
	if (ftruncate(state.fd, 0) < 0)
		workload_failed("ftruncate: %s", strerror(errno));
}

static struct phase jobs_run(const char *metric)
{
	struct phase phase = { .duration_ns = 0 };
	uint32_t i;

	for (i = 0; i < state.jobs_count; i++)
		job_run(&phase, metric);
	return phase;
}

/* The hogs with nobody beside them. */
static struct phase hogs_watch(void)
{
	struct phase phase = { .duration_ns = 0 };
	struct reading begin, end;

	begin = reading_take();
	sleep_ns(state.alone_ns);
	end = reading_take();
	phase_add(&phase, &begin, &end);
	return phase;
}

static double rate_per_s(const struct phase *phase)
{
	return (double)phase->units * 1e9 / (double)phase->duration_ns;
}

/* CPU time that the group was charged with, over what the hogs did not get. */
static double charged_ratio(const struct phase *phase)
{
	uint64_t all_ns = phase->duration_ns * hogs_count();

	if (phase->hogs_cpu_ns >= all_ns)
		workload_broken("the hogs lost no CPU time to the job: a longer job "
				"is needed");
	return (double)phase->group_cpu_us * 1e3 /
	       (double)(all_ns - phase->hogs_cpu_ns);
}

/* CPU time of the group over what its quota allowed in that time. */
static double quota_use_ratio(const struct phase *phase)
{
	return (double)phase->group_cpu_us * 1e3 * 100.0 /
	       ((double)phase->duration_ns * state.quota_percent);
}

static void measure(uint32_t round)
{
	struct phase hogs_alone, beside, alone = { .duration_ns = 0 };
	struct reading begin, end;

	(void)round;
	begin = reading_take();
	(void)jobs_run("job_alone_ns");
	end = reading_take();
	phase_add(&alone, &begin, &end);
	hogs_continue();
	hogs_alone = hogs_watch();
	beside = jobs_run("job_ns");
	hogs_stop();
	if (!hogs_alone.units || !beside.units)
		workload_broken("the hogs did nothing");
	sample_add("hog_work_per_s", rate_per_s(&beside));
	sample_add("hog_work_alone_per_s", rate_per_s(&hogs_alone));
	sample_add("hog_slowdown_ratio",
		   rate_per_s(&hogs_alone) / rate_per_s(&beside));
	sample_add("charged_ratio", charged_ratio(&beside));
	if (state.quota_percent)
		sample_add("quota_use_ratio", quota_use_ratio(&alone));
}

static void cleanup(void)
{
	hogs_end();
	if (state.fd >= 0)
		close(state.fd);
	if (*state.group.path) {
		(void)cgroup_leave(0);
		(void)cgroup_remove(&state.group);
	}
	if (state.is_resized) {
		char text[24];

		snprintf(text, sizeof(text), "%llu",
			 (unsigned long long)state.pool_before);
		(void)text_write(POOL "nr_hugepages", text);
	}
	padata_helpers_restore();
}

static const char *const options[] = { "CONFIG_HUGETLBFS", "CONFIG_CGROUPS",
				       "CONFIG_CFS_BANDWIDTH", NULL };

const struct workload workload = {
	.name = "good_neighbour",
	.purpose = "What a spinning process on each CPU loses to a large job of the "
		   "kernel",
	.metrics = (const struct metric[]){
		{ "hog_work_per_s", "1/s", "higher", "rate", false,
		  "Work of all hogs in a second beside the job" },
		{ "hog_work_alone_per_s", "1/s", "higher", "rate", true,
		  "Work of all hogs in a second without the job" },
		{ "hog_slowdown_ratio", "1", "lower", "rate", true,
		  "Work of the hogs in a second without the job over that beside it" },
		{ "job_ns", "ns", "lower", "time", true,
		  "One job, a fallocate() of the file, beside the hogs" },
		{ "job_alone_ns", "ns", "lower", "time", true,
		  "One job with the hogs stopped" },
		{ "charged_ratio", "1", "higher", "rate", true,
		  "CPU time charged to the job's control group over what the hogs "
		  "did not get of their CPUs" },
		{ "quota_use_ratio", "1", "lower", "rate", true,
		  "CPU time of the job's control group over its quota, from the first "
		  "job without hogs to the end of the last" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "size_mib", 2, 16777216, NULL, "256", "Size of the job's file" },
		{ "jobs", 1, 1000, NULL, "2", "Jobs in a round, in each of its phases" },
		{ "alone_ms", 10, 100000, NULL, "200",
		  "How long the hogs are watched without the job" },
		PADATA_HELPERS_PARAMETER("-1"),
		{ "quota_percent", 0, 6400, NULL, "0",
		  "cpu.max of the job's control group, in per cent of one CPU; 0: none" },
		{ "rounds", 1, 10000, NULL, "5", "Rounds that count" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 192, /* and size_mib */
	.needs_vcpus = 1,
	.is_counted = false,     /* the hogs fill whatever time there is */
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
