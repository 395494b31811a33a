#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "files.h"
#include "host_cgroup.h"
#include "host_info.h"
#include "memory.h"
#include "test.h"

static void test_parses_stat(void)
{
	struct host_sample sample = { .cpu_total = 0 };

	CU_ASSERT_TRUE(host_info_parse_stat(
		"cpu  100 20 30 1000 5 6 7 8 50 0\ncpu0 1 2 3 4\n", &sample));
	CU_ASSERT_EQUAL(sample.cpu_steal, 8);
	/* Guest time is part of user time already. */
	CU_ASSERT_EQUAL(sample.cpu_busy, 100 + 20 + 30 + 6 + 7);
	CU_ASSERT_EQUAL(sample.cpu_total, 163 + 1000 + 5 + 8);
}

static void test_refuses_stat(void)
{
	static const char *const texts[] = { "", "cpu", "cpu 1 2 3 4 5 6 7\n",
					     "intr 1 2 3 4 5 6 7 8\n",
					     "cpu a b c d e f g h\n" };
	struct host_sample sample = { .cpu_total = 77 };

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
		CU_ASSERT_FALSE(host_info_parse_stat(texts[i], &sample));
	CU_ASSERT_EQUAL(sample.cpu_total, 77);
}

/* Ten seconds of a host with two CPUs, all idle. */
static void make_samples(struct host_sample *before, struct host_sample *after)
{
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);

	*before = (struct host_sample){ .at_ns = 5, .cpu_total = 1000,
					.cpu_busy = 500, .cpu_steal = 10,
					.own_ticks = 300,
					.pressure_memory_us = 1e6 };
	*after = *before;
	after->at_ns += 10 * NS_PER_SECOND;
	after->cpu_total += 20 * ticks;
}

static void test_undisturbed(void)
{
	struct host_sample before, after;
	struct host_evidence evidence;
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);

	make_samples(&before, &after);
	after.cpu_busy += 12 * ticks;
	after.own_ticks += 11 * ticks;
	after.pressure_memory_us += 1e4;
	host_info_evidence(&before, &after, &evidence);
	CU_ASSERT_DOUBLE_EQUAL(evidence.others_cpus, 0.1, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(evidence.steal_ratio, 0.0, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(evidence.pressure_memory_ratio, 0.001, 1e-9);
	CU_ASSERT_FALSE(evidence.disturbed);
	CU_ASSERT_PTR_NULL(evidence.reason);
}

static void check_disturbed(const struct host_sample *before,
			    const struct host_sample *after, const char *why)
{
	struct host_evidence evidence;

	host_info_evidence(before, after, &evidence);
	CU_ASSERT_TRUE(evidence.disturbed);
	test_check_contains(evidence.reason, why);
	free(evidence.reason);
}

static void test_disturbed(void)
{
	struct host_sample before, after;
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);

	make_samples(&before, &after);
	after.cpu_steal += 2 * ticks; /* a tenth of all */
	check_disturbed(&before, &after, "10.0 % of the CPU time was stolen");
	make_samples(&before, &after);
	after.cpu_busy += 6 * ticks;
	check_disturbed(&before, &after, "kept 0.60 CPUs busy");
	make_samples(&before, &after);
	after.pressure_memory_us += 2e5;
	check_disturbed(&before, &after, "waited for memory 2.0 %");
}

static void test_odd_samples(void)
{
	struct host_sample before, after;
	struct host_evidence evidence;

	make_samples(&before, &after);
	/* A host without pressure figures; ticks of ours rounded up. */
	before.pressure_memory_us = after.pressure_memory_us = NAN;
	after.own_ticks += 3;
	host_info_evidence(&before, &after, &evidence);
	CU_ASSERT_TRUE(isnan(evidence.pressure_memory_ratio));
	CU_ASSERT_DOUBLE_EQUAL(evidence.others_cpus, 0.0, 1e-9);
	CU_ASSERT_FALSE(evidence.disturbed);
	/* No time has passed. */
	host_info_evidence(&before, &before, &evidence);
	CU_ASSERT_DOUBLE_EQUAL(evidence.others_cpus, 0.0, 1e-9);
	CU_ASSERT_FALSE(evidence.disturbed);
}

static void test_this_host(void)
{
	cleanup_strvec struct strvec first = STRVEC_INIT;
	cleanup_strvec struct strvec second = STRVEC_INIT;
	struct host_sample before, after;
	uint32_t cpus[1024], one[1];
	uint32_t count = host_info_cpus(cpus, 1024);

	CU_ASSERT_TRUE(count >= 1);
	for (uint32_t i = 1; i < count; i++)
		CU_ASSERT_TRUE(cpus[i - 1] < cpus[i]);
	CU_ASSERT_EQUAL(host_info_cpus(one, 1), 1);
	CU_ASSERT_TRUE(host_info_memory_total_mib() > 100);
	CU_ASSERT_TRUE(host_info_memory_available_mib() <=
		       host_info_memory_total_mib());
	host_info_fingerprint(&first);
	host_info_fingerprint(&second);
	CU_ASSERT_EQUAL(first.count, 6);
	for (size_t i = 0; i < first.count; i++) {
		test_check_string(first.items[i], second.items[i]);
		CU_ASSERT_TRUE(i == 0 || strcmp(first.items[i - 1],
						first.items[i]) < 0);
	}
	host_info_sample(&before);
	host_info_sample(&after);
	CU_ASSERT_TRUE(after.cpu_total >= before.cpu_total);
	CU_ASSERT_TRUE(after.own_ticks >= before.own_ticks);
	CU_ASSERT_TRUE(before.cpu_total > before.own_ticks);
}

/* CPU time that this process burns is its own, not others'. */
static void test_own_time(void)
{
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
	struct host_sample before, after;
	uint64_t until_ns = clock_monotonic_ns() + 10 * NS_PER_SECOND;
	volatile uint64_t turns = 0;

	host_info_sample(&before);
	do {
		for (int i = 0; i < 1000000; i++)
			turns++;
		host_info_sample(&after);
	} while (after.own_ticks < before.own_ticks + ticks / 10 &&
		 clock_monotonic_ns() < until_ns);
	CU_ASSERT_TRUE(after.own_ticks >= before.own_ticks + ticks / 10);
}

static void put_file(const char *root, const char *name, const char *text)
{
	cleanup_free char *path = string_format("%s/%s", root, name);
	cleanup_free char *folder = path_folder(path);

	test_check(folder_make(folder) == 0);
	test_check(file_write_atomic(path, text, strlen(text), 0600) == 0);
}

static void test_cgroup_2(void)
{
	const char *root = test_temp_folder();

	put_file(root, "proc/self/cgroup", "0::/a/b\n");
	CU_ASSERT_EQUAL(host_cgroup_cpus(root), UINT32_MAX);
	put_file(root, "sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	CU_ASSERT_EQUAL(host_cgroup_cpus(root), UINT32_MAX);
	/* The tighter of a group and its parent. */
	put_file(root, "sys/fs/cgroup/a/b/cpu.max", "400000 100000\n");
	put_file(root, "sys/fs/cgroup/a/cpu.max", "250000 100000\n");
	CU_ASSERT_EQUAL(host_cgroup_cpus(root), 2);
	put_file(root, "sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
	CU_ASSERT_EQUAL(host_cgroup_cpus(root), 1);
	CU_ASSERT_EQUAL(host_cgroup_memory_free_bytes(root), UINT64_MAX);
	put_file(root, "sys/fs/cgroup/a/memory.max", "1000000\n");
	put_file(root, "sys/fs/cgroup/a/memory.current", "400000\n");
	CU_ASSERT_EQUAL(host_cgroup_memory_free_bytes(root), 600000);
	CU_ASSERT_EQUAL(host_cgroup_memory_limit_bytes(root), 1000000);
	put_file(root, "sys/fs/cgroup/a/memory.current", "1100000\n");
	CU_ASSERT_EQUAL(host_cgroup_memory_free_bytes(root), 0);
}

static void test_cgroup_1(void)
{
	const char *root = test_temp_folder();

	put_file(root, "proc/self/cgroup",
		 "4:memory:/x\n2:cpu,cpuacct:/x\n0::/\n");
	put_file(root, "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n");
	put_file(root, "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
	CU_ASSERT_EQUAL(host_cgroup_cpus(root), UINT32_MAX);
	put_file(root, "sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "300000\n");
	CU_ASSERT_EQUAL(host_cgroup_cpus(root), 3);
	/* "No limit" of version 1 is a large number. */
	put_file(root, "sys/fs/cgroup/memory/memory.limit_in_bytes",
		 "9223372036854771712\n");
	put_file(root, "sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n");
	CU_ASSERT_EQUAL(host_cgroup_memory_limit_bytes(root), UINT64_MAX);
	put_file(root, "sys/fs/cgroup/memory/x/memory.limit_in_bytes", "4096\n");
	put_file(root, "sys/fs/cgroup/memory/x/memory.usage_in_bytes", "96\n");
	CU_ASSERT_EQUAL(host_cgroup_memory_free_bytes(root), 4000);
}

static void test_cgroup_nonsense(void)
{
	const char *root = test_temp_folder();

	CU_ASSERT_EQUAL(host_cgroup_cpus(root), UINT32_MAX);
	put_file(root, "proc/self/cgroup", "nonsense\n\n::\n9:cpu\n");
	put_file(root, "sys/fs/cgroup/cpu.max", "many few\n");
	put_file(root, "sys/fs/cgroup/memory.max", "\n");
	CU_ASSERT_EQUAL(host_cgroup_cpus(root), UINT32_MAX);
	put_file(root, "sys/fs/cgroup/cpu.max", "100000 0\n");
	CU_ASSERT_EQUAL(host_cgroup_cpus(root), UINT32_MAX);
	CU_ASSERT_EQUAL(host_cgroup_memory_free_bytes(root), UINT64_MAX);
}

TEST_SUITE("host_info",
	   {"reads the CPU line", test_parses_stat},
	   {"refuses another text", test_refuses_stat},
	   {"an undisturbed trial", test_undisturbed},
	   {"disturbed trials say why", test_disturbed},
	   {"odd samples", test_odd_samples},
	   {"this host", test_this_host},
	   {"own CPU time is own", test_own_time},
	   {"cgroup 2 limits", test_cgroup_2},
	   {"cgroup 1 limits", test_cgroup_1},
	   {"cgroup nonsense is no limit", test_cgroup_nonsense})
