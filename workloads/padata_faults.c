/* padata_faults.c - kernel jobs that are split among threads, under every fault we could
 * think of: afterwards all accounts and mappings must be exactly as before, what a job
 * gave must be zeroes, and the caller's policy and groups must have been honoured.
 *
 * The two kinds of jobs are fallocate() of huge pages and, where the guest has a device
 * for it, MAP_DMA of VFIO type1. All of it holds on a kernel that splits nothing, too:
 * there this workload is a test of itself. The cases are in padata_faults/.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "padata_faults/cases.h"
#include "padata.h"

#define MIB (UINT64_C(1) << 20)
#define MISSES_MAX 20

struct faults faults;

static uint32_t deeds_count;

void faults_count(void)
{
	deeds_count++;
}

void faults_repeat(bool (*deed)(uint32_t round))
{
	uint32_t done = 0, misses = 0;

	while (done < faults.attempts) {
		if (deed(done)) {
			faults_count();
			done++;
			misses = 0;
		} else if (++misses == MISSES_MAX) {
			workload_broken("%d jobs were over before they were seen halfway",
					MISSES_MAX);
		}
	}
}

/* --- what a case needs: NULL, or why it cannot be had --------------------------------- */

static const char *needs_vfio(void)
{
	return faults.has_vfio ? NULL : "no device behind an IOMMU (guest shape iommu)";
}

static const char *needs_two_cpus(void)
{
	return cpus_count() > 1 ? NULL : "the guest has one CPU";
}

static const char *needs_two_nodes(void)
{
	return nodes_count() == 2 ? NULL : "the guest has not two nodes (guest shape numa2)";
}

static const char *needs_injection(void)
{
	return inject_is_present() ? NULL : "the kernel cannot make allocations fail "
					    "(fragment faults)";
}

static const struct fault_case {
	const char *name;
	void (*run)(void);
	const char *(*unable)(void);  /* may be NULL */
} cases[] = {
	{ "memlock", case_memlock, needs_vfio },
	{ "pool_exhausted", case_pool_exhausted, NULL },
	{ "sigkill", case_sigkill, NULL },
	{ "sigint", case_sigint, NULL },
	{ "cpu_offline", case_cpu_offline, needs_two_cpus },
	{ "cgroup_memory", case_cgroup_memory, NULL },
	{ "cgroup_hugetlb", case_cgroup_hugetlb, NULL },
	{ "cgroup_cpu", case_cgroup_cpu, NULL },
	{ "memcg", case_memcg, NULL },
	{ "failslab", case_failslab, needs_injection },
	{ "two_jobs", case_two_jobs, NULL },
	{ "one_cpu", case_one_cpu, NULL },
	{ "policy", case_policy, needs_two_nodes },
};

#define CASES_COUNT (sizeof(cases) / sizeof(cases[0]))

static void setup(void)
{
	faults.fill_pages = (uint64_t)parameter_number("size_mib") * MIB / HUGE_PAGE_BYTES;
	faults.pin_bytes = (uint64_t)parameter_number("pin_mib") * MIB;
	faults.attempts = (uint32_t)parameter_number("attempts");
	faults.has_vfio = pin_is_possible();
	padata_helpers_set(parameter_number("helpers"));
	if (faults.has_vfio)
		type1_open_or_skip();
}

/* Which case a failure belongs to is in its reason's place: the row's name. Of "all", it
 * is the case that was begun last. */
static void measure(uint32_t round)
{
	const char *name = parameter_word("case");
	bool is_all = !strcmp(name, "all");
	size_t i;

	(void)round;
	for (i = 0; i < CASES_COUNT; i++) {
		const char *reason;

		if (!is_all && strcmp(name, cases[i].name))
			continue;
		reason = cases[i].unable ? cases[i].unable() : NULL;
		fprintf(stderr, "padata_faults: %s%s%s\n", cases[i].name,
			reason ? ": skipped, " : "", reason ? reason : "");
		if (!reason)
			cases[i].run();
		else if (!is_all)
			workload_skipped("%s", reason);
	}
	sample_add("deeds_count", deeds_count);
	sample_add("helpers_count", actor_helpers_max());
}

static void cleanup(void)
{
	if (inject_is_present())
		inject_end();
	(void)cgroup_remove(&faults.group);
	padata_helpers_restore();
	type1_close();
	pool_restore();
}

static const char *const case_names[] = {
	"all", "memlock", "pool_exhausted", "sigkill", "sigint", "cpu_offline",
	"cgroup_memory", "cgroup_hugetlb", "cgroup_cpu", "memcg", "failslab", "two_jobs",
	"one_cpu", "policy", NULL
};
static const char *const options[] = {
	"CONFIG_HUGETLBFS", "CONFIG_CGROUPS", "CONFIG_MEMCG", "CONFIG_CGROUP_HUGETLB",
	"CONFIG_CPUSETS", "CONFIG_CFS_BANDWIDTH", NULL
};

const struct workload workload = {
	.name = "padata_faults",
	.purpose = "Jobs split among threads: killed, starved, limited; all is as before",
	.metrics = (const struct metric[]){
		{ "deeds_count", "count", "higher", "count", false,
		  "Jobs that something was done to, and all accounts checked after it" },
		{ "helpers_count", "count", "higher", "count", true,
		  "Most threads of the kernel that one of them was seen with" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "case", 0, 0, case_names, "all", "What is done to the jobs" },
		{ "size_mib", 32, 65536, NULL, "256", "Size of a file of huge pages" },
		{ "pin_mib", 32, 65536, NULL, "320", "Size of a mapping of VFIO" },
		{ "attempts", 1, 1000, NULL, "2", "How often each thing is done" },
		PADATA_HELPERS_PARAMETER("-1"),
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 768, /* and size_mib */
	.needs_vcpus = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
