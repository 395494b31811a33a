/* test_guest_spec.c - shapes of guests: read, copied, and as domain XML. The
 * XML is compared with fixtures/configs/xml/ (KERNGATE_WRITE_FIXTURES=1 in the
 * environment writes them anew: read the difference) and defined with
 * libvirt's test driver, which parses it as a real one would.
 */
#include "guest_spec.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "campaign.h"
#include "files.h"
#include "memory.h"
#include "test.h"

static void cleanup_spec(struct guest_spec *spec)
{
	guest_spec_release(spec);
}

#define cleanup_guest_spec cleanup_with(cleanup_spec)

/* Writes text as guest "g" of a new project and loads it. */
static int load(const char *text, struct guest_spec *ret_spec, struct error *err)
{
	const char *root = test_temp_folder();
	cleanup_free char *folder = path_join(root, "configs/guests");
	cleanup_free char *path = path_join(folder, "g.yaml");

	if (!test_check(folder_make(folder) == 0) ||
	    !test_check(file_write_atomic(path, text, strlen(text), 0644) == 0))
		return -EIO;
	return guest_spec_load(root, "g", ret_spec, err);
}

static bool load_good(const char *text, struct guest_spec *ret_spec)
{
	struct error err = ERROR_INIT;

	if (test_check(load(text, ret_spec, &err) == 0))
		return true;
	test_check_string(err.message, "");
	return false;
}

static void refuse(const char *text, const char *message)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	cleanup_free char *whole = string_format("g.yaml:%s", message);
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(load(text, &spec, &err), -EINVAL);
	test_check_contains(err.message, whole);
	CU_ASSERT_PTR_NULL(spec.name);
}

static void test_defaults(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };

	if (!load_good("vcpus_count: 1\nmemory_mib: 1024\n", &spec))
		return;
	test_check_string(spec.name, "g");
	CU_ASSERT_PTR_NULL(spec.purpose);
	CU_ASSERT_EQUAL(spec.vcpus_count, 1);
	CU_ASSERT_EQUAL(spec.memory_mib, 1024);
	CU_ASSERT(spec.memory_prealloc && spec.memory_reserve);
	CU_ASSERT(!spec.memory_hugepages && !spec.overcommit && spec.pinning);
	CU_ASSERT_EQUAL(spec.memory_max_mib, 0);
	CU_ASSERT_EQUAL(spec.memory_slots, 0);
	CU_ASSERT_EQUAL(spec.cells_count, 0);
	CU_ASSERT_EQUAL(spec.iommu, GUEST_IOMMU_NONE);
	CU_ASSERT_EQUAL(spec.pmem_mib, 0);
	CU_ASSERT_EQUAL(spec.first_byte_s, 30);
	CU_ASSERT_EQUAL(spec.silence_s, 120);
	CU_ASSERT_EQUAL(spec.total_s, 600);
}

static const char everything[] =
	"purpose: all of it\n"
	"vcpus_count: 4\n"
	"memory_mib: 2048\n"
	"memory_prealloc: true\n"
	"memory_reserve: true\n"
	"memory_hugepages: true\n"
	"memory_max_mib: 8192\n"
	"memory_slots: 4\n"
	"cells:\n"
	"  - {vcpus_count: 2, memory_mib: 1024, distances: [10, 21, 30]}\n"
	"  - {vcpus_count: 2, memory_mib: 512, distances: [21, 10, 40]}\n"
	"  - {vcpus_count: 0, memory_mib: 512, distances: [30, 40, 10]}\n"
	"iommu: virtio\n"
	"pmem_mib: 256\n"
	"pinning: false\n"
	"overcommit: true\n"
	"cmdline: [quiet, a=b]\n"
	"first_byte_s: 1\n"
	"silence_s: 3600\n"
	"total_s: 86400\n";

static void test_everything(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	cleanup_guest_spec struct guest_spec copy = { .name = NULL };

	if (!load_good(everything, &spec))
		return;
	guest_spec_copy(&copy, &spec);
	guest_spec_release(&spec);
	CU_ASSERT_PTR_NULL(spec.name);
	test_check_string(copy.purpose, "all of it");
	CU_ASSERT_EQUAL(copy.cells_count, 3);
	CU_ASSERT_EQUAL(copy.cells[1].distances[2], 40);
	CU_ASSERT_EQUAL(copy.cells[2].vcpus_count, 0);
	CU_ASSERT_EQUAL(copy.cells[2].distances_count, 3);
	CU_ASSERT_EQUAL(copy.iommu, GUEST_IOMMU_VIRTIO);
	CU_ASSERT_EQUAL(copy.pmem_mib, 256);
	CU_ASSERT(!copy.pinning && copy.overcommit && copy.memory_hugepages);
	CU_ASSERT_EQUAL(copy.cmdline.count, 2);
	CU_ASSERT_EQUAL(copy.total_s, 86400);
}

static void test_shipped(void)
{
	static const char *const names[] = { "up", "smp2", "numa2", "large",
					     "iommu", "pmem", "hotplug", "smp4-on-2" };

	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		cleanup_guest_spec struct guest_spec spec = { .name = NULL };
		struct error err = ERROR_INIT;

		CU_ASSERT_EQUAL(guest_spec_load(test_root(), names[i], &spec,
						&err), 0);
		test_check_string(err.message, "");
		test_check_string(spec.name, names[i]);
		CU_ASSERT_PTR_NOT_NULL(spec.purpose);
	}
}

#define BASE "vcpus_count: 2\nmemory_mib: 1024\n"

static void test_bad_keys(void)
{
	refuse("vcpus_count: 1\n", "1:1: guest lacks the key 'memory_mib'");
	refuse("memory_mib: 512\n", "1:1: guest lacks the key 'vcpus_count'");
	refuse(BASE "memory_mb: 1\n",
	       "3:1: unknown key 'memory_mb' in guest; expected one of purpose, "
	       "vcpus_count, memory_mib, memory_prealloc, memory_reserve, "
	       "memory_hugepages, hugepage_kib, memory_max_mib, memory_slots, cells, iommu, "
	       "pmem_mib, disk_mib, pinning, overcommit, host_cpus_count, cmdline, first_byte_s, "
	       "silence_s, total_s (did you mean 'memory_mib'?)");
	refuse("vcpus_count: 65\nmemory_mib: 512\n",
	       "1:14: vcpus_count: expected a whole number 1..64, found '65'");
	refuse("vcpus_count: 1\nmemory_mib: 127\n",
	       "2:13: memory_mib: expected a whole number 128..16777216, "
	       "found '127'");
	refuse(BASE "memory_prealloc: 1\n",
	       "3:18: memory_prealloc: expected true or false, found '1'");
	refuse(BASE "iommu: amd\n", "3:8: iommu: found 'amd'; expected one of "
				    "none, intel, virtio");
	refuse(BASE "cmdline: quiet\n",
	       "3:10: cmdline: expected a list of texts, found 'quiet'");
	refuse(BASE "total_s: 0\n",
	       "3:10: total_s: expected a whole number 1..86400, found '0'");
	refuse("", "1:1: empty; expected a mapping");
}

static void test_bad_memory(void)
{
	refuse(BASE "memory_reserve: false\n",
	       "3:17: memory_reserve: false needs memory_prealloc: false");
	refuse(BASE "memory_prealloc: false\nmemory_reserve: false\n"
	       "memory_hugepages: true\n",
	       "4:17: memory_reserve: false does not go with "
	       "memory_hugepages: true");
	refuse(BASE "memory_max_mib: 4096\n",
	       "3:17: expected both memory_max_mib and memory_slots above 0");
	refuse(BASE "memory_slots: 4\n",
	       "3:15: expected both memory_max_mib and memory_slots above 0");
	refuse(BASE "memory_max_mib: 1024\nmemory_slots: 1\n",
	       "3:17: memory_max_mib: expected more than memory_mib (1024), "
	       "found 1024");
	refuse(BASE "pmem_mib: 100\n",
	       "3:11: pmem_mib: expected a multiple of 128, found 100");
}

static void test_bad_deadlines(void)
{
	refuse(BASE "total_s: 20\n",
	       "1:1: first_byte_s: expected at most total_s (20), found 30");
	refuse(BASE "total_s: 60\nsilence_s: 61\n",
	       "4:12: silence_s: expected at most total_s (60), found 61");
}

static void test_bad_cells(void)
{
	refuse(BASE "cells: []\n", "3:8: cells: expected 1..8 elements, found 0");
	refuse(BASE "cells: [{vcpus_count: 2}]\n",
	       "3:9: cell lacks the key 'memory_mib'");
	refuse(BASE "cells: [{memory_mib: 1024}]\n",
	       "3:8: cells: expected 2 vCPUs in all, as vcpus_count says, found 0");
	refuse(BASE "cells:\n - {vcpus_count: 2, memory_mib: 512}\n",
	       "4:2: cells: expected 1024 MiB in all, as memory_mib says, "
	       "found 512");
	refuse(BASE "cells:\n - {vcpus_count: 2, memory_mib: 1024, node: 1}\n",
	       "4:39: unknown key 'node' in cell");
#define TWO(a, b)                                                              \
	BASE "cells:\n"                                                        \
	     " - {vcpus_count: 1, memory_mib: 512" a "}\n"                      \
	     " - {vcpus_count: 1, memory_mib: 512" b "}\n"
	refuse(TWO(", distances: [10, 20]", ""),
	       "5:4: cells: expected distances in all cells or in none");
	refuse(TWO(", distances: [10]", ", distances: [10, 20]"),
	       "4:49: distances: expected one to each of 2 cells, found 1");
	refuse(TWO(", distances: [11, 20]", ", distances: [20, 10]"),
	       "4:50: distances: expected a whole number 10..10, found '11'");
	refuse(TWO(", distances: [10, 10]", ", distances: [20, 10]"),
	       "4:54: distances: expected a whole number 11..254, found '10'");
	refuse(TWO(", distances: [10, 255]", ", distances: [20, 10]"),
	       "4:54: distances: expected a whole number 11..254, found '255'");
}

static void test_missing_guest(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(guest_spec_load(test_root(), "nuam2", &spec, &err),
			-ENOENT);
	test_check_contains(err.message, "no guest 'nuam2'; expected one of ");
	test_check_contains(err.message, "(did you mean 'numa2'?)");
	CU_ASSERT_EQUAL(guest_spec_load(test_root(), "./no/such.yaml", &spec,
					&err), -ENOENT);
	test_check_contains(err.message, "no guest './no/such.yaml'; expected "
					 "the file ");
}

/* --- domain XML ---------------------------------------------------------------- */

static const uint32_t pins[] = { 3, 1, 7, 0 };
static const char *const plugin[] = { "-plugin", "/p&q.so", NULL };

static struct guest_boot boot_of(enum accelerator accelerator)
{
	return (struct guest_boot){
		.domain_name = "kg-1",
		.uuid = "6b67c3ac-0000-4000-8000-000000000001",
		.emulator = "/usr/bin/qemu-system-x86_64",
		.accelerator = accelerator,
		.kernel_path = "/k/vmlinux",
		.initrd_path = "/r/initrd",
		.cmdline = "console=ttyS0 a=\"<b>\"",
		.console_path = "/r/it's.log",
		.results_path = "/r/results.log",
	};
}

/* Defines the XML with libvirt's test driver; *ret_live is what it made of it. */
static bool define(const char *xml, char **ret_live)
{
	virConnectPtr connection = virConnectOpen("test:///default");
	virDomainPtr domain = NULL;

	if (test_check(connection != NULL)) {
		domain = virDomainDefineXML(connection, xml);
		if (!domain)
			test_check_string(virGetLastErrorMessage(), "");
	}
	if (domain) {
		char *live = virDomainGetXMLDesc(domain, 0);

		*ret_live = string_copy(live ? live : "");
		free(live);
		(void)virDomainUndefine(domain);
		(void)virDomainFree(domain);
	}
	if (connection)
		(void)virConnectClose(connection);
	return domain != NULL;
}

static void check_xml(const char *fixture, const char *xml)
{
	cleanup_free char *name = string_format("configs/xml/%s.xml", fixture);
	const char *path = test_fixture_path(name);
	cleanup_free char *expected = NULL;
	cleanup_free char *live = NULL;

	if (getenv("KERNGATE_WRITE_FIXTURES"))
		test_check(file_write_atomic(path, xml, strlen(xml), 0644) == 0);
	if (!test_check(file_read(path, 1 << 20, &expected, NULL) == 0))
		return;
	test_check_string(xml, expected);
	if (!test_check(define(xml, &live)))
		return;
	test_check_contains(live, "<name>kg-1</name>");
	test_check_contains(live, "<kernel>/k/vmlinux</kernel>");
	test_check_contains(live, "<source path='/r/results.log' append='on'/>");
}

static void test_xml_plain(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	const struct guest_boot boot = boot_of(ACCELERATOR_TCG);
	cleanup_free char *xml = NULL;

	if (!load_good("vcpus_count: 1\nmemory_mib: 1024\n", &spec))
		return;
	xml = guest_domain_xml(&spec, &boot);
	check_xml("plain-tcg", xml);
}

static void test_xml_kvm_pinned(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct guest_boot boot = boot_of(ACCELERATOR_KVM);
	cleanup_free char *xml = NULL;

	if (!load_good(BASE, &spec))
		return;
	boot.pin_cpus = pins;
	boot.qemu_arguments = plugin;
	xml = guest_domain_xml(&spec, &boot);
	check_xml("smp2-kvm-pinned", xml);
}

static void test_xml_numa(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct guest_boot boot = boot_of(ACCELERATOR_TCG);
	cleanup_free char *xml = NULL;

	if (!load_good(TWO(", distances: [10, 20]", ", distances: [20, 10]")
		       "memory_hugepages: true\n", &spec))
		return;
	boot.pin_cpus = pins;
	xml = guest_domain_xml(&spec, &boot);
	check_xml("numa-hugepages", xml);
}

/* As a host of two nodes with CPUs to spare is used. */
static void test_xml_placed(void)
{
	static const uint32_t own[] = { 7, 15 };
	const struct guest_host_nodes nodes = { .guest = 3, .cells = { 1, 2 } };
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct guest_boot boot = boot_of(ACCELERATOR_KVM);
	cleanup_free char *xml = NULL;

	if (!load_good(TWO("", "") "memory_hugepages: true\nhugepage_kib: 2048\n", &spec))
		return;
	boot.pin_cpus = pins;
	boot.emulator_cpus = own;
	boot.emulator_cpus_count = 2;
	boot.nodes = &nodes;
	xml = guest_domain_xml(&spec, &boot);
	check_xml("numa-kvm-placed", xml);
}

static void test_xml_devices(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct guest_boot boot = boot_of(ACCELERATOR_TCG);
	cleanup_free char *xml = NULL;

	if (!load_good(BASE "iommu: intel\npmem_mib: 512\n"
		       "memory_max_mib: 4096\nmemory_slots: 2\n", &spec))
		return;
	boot.pmem_path = "/r/pmem";
	xml = guest_domain_xml(&spec, &boot);
	check_xml("iommu-pmem-hotplug", xml);
}

static void test_xml_disk(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct guest_boot boot = boot_of(ACCELERATOR_TCG);
	cleanup_free char *xml = NULL, *without = NULL;

	if (!load_good(BASE "disk_mib: 64\n", &spec))
		return;
	CU_ASSERT_EQUAL(spec.disk_mib, 64);
	without = guest_domain_xml(&spec, &boot);
	CU_ASSERT_PTR_NULL(strstr(without, "<disk"));
	boot.disk_path = "/r/<disk>";
	xml = guest_domain_xml(&spec, &boot);
	test_check_contains(xml, "<source file='/r/&lt;disk&gt;'/>");
	check_xml("disk", xml);
}

static void test_dimm(void)
{
	cleanup_free char *xml = guest_dimm_xml(2048);

	test_check_string(xml, "<memory model='dimm'><target><size unit='MiB'>2048</size>"
			       "<node>0</node></target></memory>");
}

/* How much is taken already, what is asked for, and the answer. */
static void test_dimm_room(void)
{
	static const struct {
		uint32_t count;
		uint64_t used_mib, size_mib;
		int code;
		const char *part;
	} cases[] = {
		{ 0, 0, 128, 0, "" },
		{ 0, 0, 3072, 0, "" },
		{ 1, 2944, 128, 0, "" },
		{ 0, 0, 3200, -ENOSPC, "3072 of the 3072 MiB for plugged memory are left" },
		{ 1, 2944, 256, -ENOSPC, "128 of the 3072 MiB" },
		{ 2, 256, 128, -ENOSPC, "all of its 2 slots for memory are taken" },
		{ 0, 0, 0, -EINVAL, "expected a multiple of 128 MiB" },
		{ 0, 0, 64, -EINVAL, "expected a multiple of 128 MiB" },
		{ 0, 0, 18446744073709551488u, -ENOSPC, "are left" },
	};
	cleanup_guest_spec struct guest_spec plain = { .name = NULL };
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct error err = ERROR_INIT;

	if (!load_good("vcpus_count: 1\nmemory_mib: 1024\nmemory_max_mib: 4096\n"
		       "memory_slots: 2\n", &spec) ||
	    !load_good("vcpus_count: 1\nmemory_mib: 1024\n", &plain))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct error why = ERROR_INIT;

		CU_ASSERT_EQUAL(guest_spec_check_dimm(&spec, cases[i].count, cases[i].used_mib,
						      cases[i].size_mib, &why), cases[i].code);
		test_check_contains(why.message, cases[i].part);
	}
	CU_ASSERT_EQUAL(guest_spec_check_dimm(&plain, 0, 0, 128, &err), -EINVAL);
	test_check_contains(err.message, "has no slots for memory");
}

static void test_xml_large(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct guest_boot boot = boot_of(ACCELERATOR_TCG);
	cleanup_free char *xml = NULL;

	if (!load_good("vcpus_count: 3\nmemory_mib: 1048576\n"
		       "memory_prealloc: false\nmemory_reserve: false\n"
		       "iommu: virtio\n"
		       "cells:\n"
		       " - {vcpus_count: 1, memory_mib: 524288}\n"
		       " - {vcpus_count: 2, memory_mib: 262144}\n"
		       " - {vcpus_count: 0, memory_mib: 262144}\n", &spec))
		return;
	xml = guest_domain_xml(&spec, &boot);
	check_xml("large-numa", xml);
}

static const char *const two_plugins[] = { "/p/turns.so", "/p/count.so,out=/a,,b&c", NULL };

static const struct guest_exact exact = { .shift = 3, .random_seed = 18446744073709551615u,
					  .plugins = two_plugins };

/* No pinning, whatever the shape and the boot say: one thread runs all vCPUs. */
static void test_xml_exact(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct guest_boot boot = boot_of(ACCELERATOR_TCG);
	cleanup_free char *xml = NULL;

	if (!load_good("vcpus_count: 3\nmemory_mib: 1024\n", &spec))
		return;
	boot.pin_cpus = pins;
	boot.exact = &exact;
	boot.qemu_arguments = plugin;
	xml = guest_domain_xml(&spec, &boot);
	check_xml("exact-smp3", xml);
	CU_ASSERT_PTR_NULL(strstr(xml, "vcpupin"));
}

/* CPUs plugged in lie in the sockets of their nodes. */
static void test_xml_exact_numa(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct guest_boot boot = boot_of(ACCELERATOR_TCG);
	cleanup_free char *xml = NULL;

	if (!load_good("vcpus_count: 4\nmemory_mib: 1024\n"
		       "cells:\n"
		       " - {vcpus_count: 2, memory_mib: 512}\n"
		       " - {vcpus_count: 2, memory_mib: 512}\n", &spec))
		return;
	boot.exact = &exact;
	xml = guest_domain_xml(&spec, &boot);
	check_xml("exact-numa", xml);
}

/* One CPU needs none plugged in; a debugger's socket and a record to be played,
 * with commas, which QEMU wants doubled. */
static void test_xml_exact_debugged(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct guest_boot boot = boot_of(ACCELERATOR_TCG);
	const struct guest_exact debugged = { .shift = 0, .random_seed = 7,
					      .gdb_socket = "/tmp/a,b/gdb",
					      .recording = "/tmp/c,d/record",
					      .plays_recording = true };
	cleanup_free char *xml = NULL;

	if (!load_good("vcpus_count: 1\nmemory_mib: 1024\n", &spec))
		return;
	boot.exact = &debugged;
	xml = guest_domain_xml(&spec, &boot);
	check_xml("exact-up-debugged", xml);
}

static void test_xml_shell(void)
{
	cleanup_guest_spec struct guest_spec spec = { .name = NULL };
	struct guest_boot boot = boot_of(ACCELERATOR_TCG);
	cleanup_free char *xml = NULL;
	cleanup_free char *live = NULL;

	if (!load_good("vcpus_count: 1\nmemory_mib: 1024\n", &spec))
		return;
	boot.console_path = NULL;
	boot.results_path = NULL;
	xml = guest_domain_xml(&spec, &boot);
	test_check_contains(xml, "<serial type='pty'>");
	CU_ASSERT_PTR_NULL(strstr(xml, "port='1'"));
	if (test_check(define(xml, &live)))
		test_check_contains(live, "<serial type='pty'>");
}

static void be_silent(void *data, virErrorPtr error)
{
	(void)data;
	(void)error;
}

/* Without this the definitions above might accept anything. */
static void test_definition_can_fail(void)
{
	virConnectPtr connection = virConnectOpen("test:///default");

	if (!test_check(connection != NULL))
		return;
	virSetErrorFunc(NULL, be_silent);
	CU_ASSERT_PTR_NULL(virDomainDefineXML(
		connection, "<domain type='qemu'><name>x</name>"
			    "<memory unit='furlong'>1</memory>"
			    "<os><type>hvm</type></os></domain>"));
	virSetErrorFunc(NULL, NULL);
	(void)virConnectClose(connection);
}

TEST_SUITE("guest_spec",
	   {"defaults", test_defaults},
	   {"every key, copied", test_everything},
	   {"the guests that come with kerngate", test_shipped},
	   {"refuses bad keys", test_bad_keys},
	   {"refuses bad memory", test_bad_memory},
	   {"refuses bad deadlines", test_bad_deadlines},
	   {"refuses bad cells", test_bad_cells},
	   {"refuses missing guests", test_missing_guest},
	   {"XML: plain, TCG", test_xml_plain},
	   {"XML: two CPUs, KVM, pinned", test_xml_kvm_pinned},
	   {"XML: NUMA, distances, huge pages", test_xml_numa},
	   {"XML: placed on nodes, own CPUs for QEMU", test_xml_placed},
	   {"XML: IOMMU, pmem, hot-plug", test_xml_devices},
	   {"XML: disk", test_xml_disk},
	   {"a DIMM", test_dimm},
	   {"room for DIMMs", test_dimm_room},
	   {"XML: large, not reserved, uneven nodes", test_xml_large},
	   {"XML: exact, three CPUs, plugins", test_xml_exact},
	   {"XML: exact, NUMA", test_xml_exact_numa},
	   {"XML: exact, a debugger and a record", test_xml_exact_debugged},
	   {"XML: console on a pty", test_xml_shell},
	   {"the test driver refuses bad XML", test_definition_can_fail})
