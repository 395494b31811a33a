/* good_neighbour.c - what a large job of the kernel, split among helpers, costs
 * its neighbours: a spinning process on each CPU, of the same nice as the job.
 *
 * The job: fallocate() of a file of 2 MiB huge pages (mm/hugetlb.c), which needs no
 * device. A round: the job with the hogs stopped, the hogs without the job, then
 * both together. Only the calls of fallocate() count as the job; the hogs' work and
 * CPU time are read directly before and after each. The job is in a control group of
 * its own, whose CPU time (cpu.stat) must hold what the helpers used: charged_ratio
 * compares it with what the hogs lost. With quota_percent the group has cpu.max.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "padata.h"
#include "workload.h"

#define MIB (UINT64_C(1) << 20)
#define PAGE_BYTES (2 * MIB)
#define SPARE_MIB 64u
#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define HOGS_MAX 64
#define TURNS_PER_UNIT 1024u      /* of a hog's loop: a few microseconds */
#define PERIOD_US UINT64_C(100000) /* of cpu.max */

struct hog {
	uint64_t units;           /* work done so far; the hog alone writes it */
	char padding[56];         /* a cache line each */
};

static struct {
	uint64_t size_bytes, pages_count;
	uint32_t jobs_count, quota_percent, hogs_count;
	uint64_t alone_ns;
	uint64_t pool_before;     /* pages in the pool before us */
	bool is_resized;
	int fd;
	struct cgroup group;
	struct hog *hogs;         /* shared with the hogs */
	pid_t pids[HOGS_MAX];     /* 0: not started */
	clockid_t clocks[HOGS_MAX];
} state = { .fd = -1 };

/* What is read at both ends of a window. */
struct reading {
	uint64_t now_ns;
	uint64_t units;           /* of all hogs */
	uint64_t hogs_cpu_ns;     /* CPU time of all hogs */
	uint64_t group_cpu_us;    /* CPU time of the job's group */
};

/* A phase: windows added up. */
struct phase {
	uint64_t duration_ns, units, hogs_cpu_ns, group_cpu_us;
};

static struct reading reading_take(void)
{
	struct reading reading = { .now_ns = 0 };
	uint32_t i;

	reading.group_cpu_us = cgroup_field_or_broken(&state.group, "cpu.stat",
						      "usage_usec");
	for (i = 0; i < state.hogs_count; i++) {
		struct timespec used;

		if (clock_gettime(state.clocks[i], &used) < 0)
			workload_broken("CPU time of hog %u: %s", i, strerror(errno));
		reading.hogs_cpu_ns += (uint64_t)used.tv_sec * 1000000000u +
				       (uint64_t)used.tv_nsec;
		reading.units += __atomic_load_n(&state.hogs[i].units,
						 __ATOMIC_RELAXED);
	}
	reading.now_ns = clock_now_ns();
	return reading;
}

static void phase_add(struct phase *phase, const struct reading *begin,
		      const struct reading *end)
{
	phase->duration_ns += end->now_ns - begin->now_ns;
	phase->units += end->units - begin->units;
	phase->hogs_cpu_ns += end->hogs_cpu_ns - begin->hogs_cpu_ns;
	phase->group_cpu_us += end->group_cpu_us - begin->group_cpu_us;
}

/* A process that does nothing but count what it does. */
static _Noreturn void hog_run(struct hog *hog, uint32_t cpu)
{
	uint64_t units = 0;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		_exit(errno);
	for (;;) {
		uint32_t i;

		for (i = 0; i < TURNS_PER_UNIT; i++)
			__asm__ volatile("" ::: "memory");
		__atomic_store_n(&hog->units, ++units, __ATOMIC_RELAXED);
	}
}

/* Sends a signal that stops or continues, and waits until it has. */
static void hogs_signal(int signal, int flag)
{
	siginfo_t info;
	uint32_t i;

	for (i = 0; i < state.hogs_count; i++)
		if (kill(state.pids[i], signal) < 0)
			workload_broken("signal %d to hog %u: %s", signal, i,
					strerror(errno));
	for (i = 0; i < state.hogs_count; i++) {
		if (waitid(P_PID, (id_t)state.pids[i], &info, flag | WEXITED) < 0)
			workload_broken("waiting for hog %u: %s", i,
					strerror(errno));
		if (info.si_code == CLD_STOPPED || info.si_code == CLD_CONTINUED)
			continue;
		state.pids[i] = 0;
		workload_broken("hog %u ended with status %d", i, info.si_status);
	}
}

static void hogs_start(void)
{
	cpu_set_t cpus;
	uint32_t cpu;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		workload_broken("sched_getaffinity: %s", strerror(errno));
	state.hogs = mmap(NULL, HOGS_MAX * sizeof(*state.hogs),
			  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state.hogs == MAP_FAILED)
		workload_broken("mmap: %s", strerror(errno));
	for (cpu = 0; cpu < CPU_SETSIZE && state.hogs_count < HOGS_MAX; cpu++) {
		uint32_t i = state.hogs_count;

		if (!CPU_ISSET(cpu, &cpus))
			continue;
		state.pids[i] = fork();
		if (state.pids[i] < 0)
			workload_broken("no hog %u: %s", i, strerror(errno));
		if (state.pids[i] == 0)
			hog_run(&state.hogs[i], cpu);
		state.hogs_count++;
		if (clock_getcpuclockid(state.pids[i], &state.clocks[i]))
			workload_broken("no clock of hog %u", i);
	}
	hogs_signal(SIGSTOP, WSTOPPED);
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
	hogs_start();
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
	struct timespec length = {
		.tv_sec = (time_t)(state.alone_ns / 1000000000u),
		.tv_nsec = (long)(state.alone_ns % 1000000000u),
	};
	struct phase phase = { .duration_ns = 0 };
	struct reading begin, end;

	begin = reading_take();
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
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
	uint64_t all_ns = phase->duration_ns * state.hogs_count;

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
	struct phase alone, hogs_alone, beside;

	(void)round;
	alone = jobs_run("job_alone_ns");
	hogs_signal(SIGCONT, WCONTINUED);
	hogs_alone = hogs_watch();
	beside = jobs_run("job_ns");
	hogs_signal(SIGSTOP, WSTOPPED);
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
	uint32_t i;

	for (i = 0; i < state.hogs_count; i++)
		if (state.pids[i] > 0) {
			(void)kill(state.pids[i], SIGKILL);
			(void)waitpid(state.pids[i], NULL, 0);
		}
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
		  "CPU time of the job's control group over its quota, without hogs" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "size_mib", 2, 16777216, NULL, "256", "Size of the job's file" },
		{ "jobs", 1, 1000, NULL, "2", "Jobs in a round, in each of its phases" },
		{ "alone_ms", 10, 100000, NULL, "200",
		  "How long the hogs are watched without the job" },
		{ "helpers", PADATA_HELPERS_KEEP, PADATA_HELPERS_MAX, NULL, "-1",
		  "padata's helpers beside the caller; -1: as it is" },
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
