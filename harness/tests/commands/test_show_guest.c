/* test_show_guest.c - `kerngate show --guest`: values, place and XML of a shape. What hangs
 * on the host (accelerator, CPUs) is not looked at closer than that it is there.
 */
#include <string.h>

#include "program.h"
#include "test.h"

static void show(struct program_run *run, const char *guest, const char *xml)
{
	program_run(run, "--root", test_fixture_path("project"), "show", "--guest", guest, xml);
}

static void test_values(void)
{
	static const char *const parts[] = {
		"guest crowded: two nodes whose CPUs share one of the host, with all that a guest",
		"\novercommitted: 4 vCPUs on 1 host CPU\n",
		"\nvcpus_count        4\n", "\nmemory_max_mib     4096\n",
		"\ncells[1]           vcpus_count 2, memory_mib 512, distances 21, 10\n",
		"\niommu              virtio\n", "\ndisk_mib           64\n",
		"\nhost_cpus_count    1\n", "\ncmdline            quiet\n                   nosmt\n",
		"\nfirst_byte_s       30\n", "\nsilence_s          120\n", "\ntotal_s            600\n",
		"\non this host, with ", "\n  vCPU 3 on host CPU ", "\n  QEMU's other threads on ",
	};
	cleanup_program struct program_run run = { 0 };

	show(&run, "crowded", NULL);
	CU_ASSERT_EQUAL(run.status, 0);
	test_check_string(run.err, "");
	for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
		test_check_contains(run.out, parts[i]);
	CU_ASSERT_PTR_NULL(strstr(run.out, "<domain"));
}

static void test_xml(void)
{
	static const char *const parts[] = {
		"<name>crowded</name>", "<vcpu placement='static'>4</vcpu>",
		"<sibling id='1' value='21'/>", "<path>PMEM</path>", "<source file='DISK'/>",
		"<kernel>VMLINUX</kernel>", "<vcpupin vcpu='3' cpuset='",
	};
	cleanup_program struct program_run run = { 0 };

	show(&run, "crowded", "--xml");
	CU_ASSERT_EQUAL(run.status, 0);
	CU_ASSERT_PTR_EQUAL(strstr(run.out, "<domain type='"), run.out);
	for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
		test_check_contains(run.out, parts[i]);
	CU_ASSERT_PTR_NULL(strstr(run.out, "on this host"));
}

static void test_refused(void)
{
	cleanup_program struct program_run missing = { 0 }, alone = { 0 }, both = { 0 };

	show(&missing, "crowdet", NULL);
	CU_ASSERT_EQUAL(missing.status, 2);
	test_check_contains(missing.err, "no guest 'crowdet'; expected one of crowded, tiny (did "
					 "you mean 'crowded'?)");
	program_run(&alone, "show", "--xml");
	CU_ASSERT_EQUAL(alone.status, 64);
	test_check_contains(alone.err, "--xml goes with --guest");
	program_run(&both, "show", "2026", "--guest", "tiny");
	CU_ASSERT_EQUAL(both.status, 64);
	test_check_contains(both.err, "goes with --xml only");
}

TEST_SUITE("show_guest", { "values and place", test_values }, { "XML", test_xml },
	   { "refused", test_refused })
