/* guest_domain_xml.c - a guest's shape and one boot > libvirt domain XML
 * (libvirt.org/formatdomain.html). Builds text only; knows no libvirt.
 *
 * The machine is a q35 without USB, balloon, video and input devices: what the
 * kernel does not find it need not probe. Serial port 0 is the console, serial
 * port 1 carries the results.
 */
#include "guest_spec.h"

#include <inttypes.h>

#include "memory.h"

/* With more memory than this the 40 physical address bits that QEMU gives an
 * emulated CPU do not reach (the hot-plug area is above the memory). */
#define WIDE_MEMORY_MIB (UINT64_C(512) << 10)

/* What every exact guest sees: 2026-01-01, and one uuid whatever its domain's. */
#define EXACT_EPOCH_S 1767225600
#define EXACT_SMBIOS "type=1,uuid=6b67c3ac-0000-4000-8000-000000000001"

static void add_element(struct strbuf *xml, const char *indent,
			const char *name, const char *text)
{
	strbuf_addf(xml, "%s<%s>", indent, name);
	strbuf_add_xml(xml, text);
	strbuf_addf(xml, "</%s>\n", name);
}

/* Memory that comes after the start: DIMMs and NVDIMM. */
static uint64_t memory_limit_mib(const struct guest_spec *spec)
{
	uint64_t limit_mib = spec->memory_mib;

	if (spec->memory_max_mib > limit_mib)
		limit_mib = spec->memory_max_mib;
	return limit_mib + spec->pmem_mib;
}

static bool has_memory_devices(const struct guest_spec *spec)
{
	return spec->memory_slots || spec->pmem_mib;
}

static void add_memory(struct strbuf *xml, const struct guest_spec *spec)
{
	if (has_memory_devices(spec))
		strbuf_addf(xml,
			    "  <maxMemory slots='%" PRIu32 "' unit='MiB'>%" PRIu64
			    "</maxMemory>\n",
			    spec->memory_slots + (spec->pmem_mib ? 1 : 0),
			    memory_limit_mib(spec));
	strbuf_addf(xml, "  <memory unit='MiB'>%" PRIu64 "</memory>\n",
		    spec->memory_mib);
	if (spec->memory_reserve && !spec->memory_hugepages &&
	    !spec->memory_prealloc)
		return;
	strbuf_adds(xml, "  <memoryBacking>\n");
	if (spec->memory_hugepages && spec->hugepage_kib)
		strbuf_addf(xml, "    <hugepages>\n      <page size='%" PRIu32
			    "' unit='KiB'/>\n    </hugepages>\n", spec->hugepage_kib);
	else if (spec->memory_hugepages)
		strbuf_adds(xml, "    <hugepages/>\n");
	/* A shared mapping of a memfd is charged page by page as it is touched;
	 * a private one as a whole when it is made, which a guest larger than
	 * the host does not survive. libvirt has no word for reserve=off. */
	if (spec->memory_hugepages || !spec->memory_reserve)
		strbuf_adds(xml, "    <source type='memfd'/>\n");
	if (!spec->memory_reserve)
		strbuf_adds(xml, "    <access mode='shared'/>\n");
	if (spec->memory_prealloc)
		strbuf_adds(xml, "    <allocation mode='immediate'/>\n");
	strbuf_adds(xml, "  </memoryBacking>\n");
}

/* QEMU records one CPU only, but takes others that are plugged in before it
 * starts (push_cpus): the kernel sees all of them when it boots. libvirt's own way
 * to plug them in wants a thread of each, and they share one. */
static void add_vcpus(struct strbuf *xml, const struct guest_spec *spec,
		      const struct guest_boot *boot)
{
	strbuf_addf(xml, "  <vcpu placement='static'%s>%" PRIu32 "</vcpu>\n",
		    boot->exact && spec->vcpus_count > 1 ? " current='1'" : "",
		    spec->vcpus_count);
}

/* QEMU's other threads have CPUs where no vCPU is, or stay on the guest's own, out of
 * the way of the guests beside it. */
static void add_emulatorpin(struct strbuf *xml, const struct guest_spec *spec,
			    const struct guest_boot *boot)
{
	bool has_own = boot->emulator_cpus && boot->emulator_cpus_count;
	const uint32_t *cpus = has_own ? boot->emulator_cpus : boot->pin_cpus;
	uint32_t count = has_own ? boot->emulator_cpus_count : guest_spec_host_cpus(spec);

	strbuf_adds(xml, "    <emulatorpin cpuset='");
	for (uint32_t i = 0; i < count; i++)
		strbuf_addf(xml, "%s%" PRIu32, i ? "," : "", cpus[i]);
	strbuf_adds(xml, "'/>\n");
}

static void add_cputune(struct strbuf *xml, const struct guest_spec *spec,
			const struct guest_boot *boot)
{
	/* All vCPUs of an exact guest share one thread. */
	if (!boot->pin_cpus || boot->exact)
		return;
	strbuf_adds(xml, "  <cputune>\n");
	for (uint32_t i = 0; i < spec->vcpus_count; i++)
		strbuf_addf(xml,
			    "    <vcpupin vcpu='%" PRIu32 "' cpuset='%" PRIu32
			    "'/>\n", i, boot->pin_cpus[i]);
	add_emulatorpin(xml, spec, boot);
	strbuf_adds(xml, "  </cputune>\n");
}

static void add_nodeset(struct strbuf *xml, uint64_t nodes)
{
	bool is_first = true;

	strbuf_adds(xml, " mode='strict' nodeset='");
	for (uint32_t node = 0; node < 64; node++) {
		if (!(nodes >> node & 1))
			continue;
		strbuf_addf(xml, "%s%" PRIu32, is_first ? "" : ",", node);
		is_first = false;
	}
	strbuf_adds(xml, "'/>\n");
}

/* Memory of the nodes that the vCPUs are on, and of no other. */
static void add_numatune(struct strbuf *xml, const struct guest_spec *spec,
			 const struct guest_boot *boot)
{
	if (!boot->nodes || !boot->pin_cpus || boot->exact)
		return;
	strbuf_adds(xml, "  <numatune>\n    <memory");
	add_nodeset(xml, boot->nodes->guest);
	for (uint32_t i = 0; i < spec->cells_count; i++) {
		strbuf_addf(xml, "    <memnode cellid='%" PRIu32 "'", i);
		add_nodeset(xml, boot->nodes->cells[i]);
	}
	strbuf_adds(xml, "  </numatune>\n");
}

static void add_os(struct strbuf *xml, const struct guest_boot *boot)
{
	strbuf_adds(xml, "  <os>\n"
			 "    <type arch='x86_64' machine='q35'>hvm</type>\n");
	add_element(xml, "    ", "kernel", boot->kernel_path);
	if (boot->initrd_path)
		add_element(xml, "    ", "initrd", boot->initrd_path);
	add_element(xml, "    ", "cmdline", boot->cmdline);
	strbuf_adds(xml, "  </os>\n");
}

static void add_features(struct strbuf *xml, const struct guest_spec *spec)
{
	strbuf_adds(xml, "  <features>\n    <acpi/>\n    <apic/>\n");
	/* interrupt remapping works with QEMU's own IOAPIC only */
	if (spec->iommu == GUEST_IOMMU_INTEL)
		strbuf_adds(xml, "    <ioapic driver='qemu'/>\n");
	strbuf_adds(xml, "  </features>\n");
}

static void add_cell(struct strbuf *xml, uint32_t id, uint32_t first_vcpu,
		     const struct guest_cell *cell)
{
	strbuf_addf(xml, "      <cell id='%" PRIu32 "'", id);
	if (cell->vcpus_count == 1)
		strbuf_addf(xml, " cpus='%" PRIu32 "'", first_vcpu);
	else if (cell->vcpus_count)
		strbuf_addf(xml, " cpus='%" PRIu32 "-%" PRIu32 "'", first_vcpu,
			    first_vcpu + cell->vcpus_count - 1);
	strbuf_addf(xml, " memory='%" PRIu64 "' unit='MiB'", cell->memory_mib);
	if (!cell->distances_count) {
		strbuf_adds(xml, "/>\n");
		return;
	}
	strbuf_adds(xml, ">\n        <distances>\n");
	for (uint32_t i = 0; i < cell->distances_count; i++)
		strbuf_addf(xml,
			    "          <sibling id='%" PRIu32 "' value='%" PRIu32
			    "'/>\n", i, cell->distances[i]);
	strbuf_adds(xml, "        </distances>\n      </cell>\n");
}

static void add_numa(struct strbuf *xml, const struct guest_spec *spec)
{
	const struct guest_cell whole = { .vcpus_count = spec->vcpus_count,
					  .memory_mib = spec->memory_mib };
	uint32_t first_vcpu = 0;

	/* memory devices need a node to belong to */
	if (!spec->cells_count && !has_memory_devices(spec))
		return;
	strbuf_adds(xml, "    <numa>\n");
	if (!spec->cells_count)
		add_cell(xml, 0, 0, &whole);
	for (uint32_t i = 0; i < spec->cells_count; i++) {
		add_cell(xml, i, first_vcpu, &spec->cells[i]);
		first_vcpu += spec->cells[i].vcpus_count;
	}
	strbuf_adds(xml, "    </numa>\n");
}

/* One socket a node where the nodes are alike (a package that spans nodes
 * makes the scheduler complain), else a socket for every CPU. */
static uint32_t sockets_count(const struct guest_spec *spec)
{
	uint32_t sockets = spec->cells_count ? spec->cells_count : 1;

	for (uint32_t i = 0; i < spec->cells_count; i++)
		if (spec->cells[i].vcpus_count * sockets != spec->vcpus_count)
			return spec->vcpus_count;
	return sockets;
}

static void add_topology(struct strbuf *xml, const struct guest_spec *spec)
{
	uint32_t sockets = sockets_count(spec);

	strbuf_addf(xml,
		    "    <topology sockets='%" PRIu32 "' dies='1' cores='%" PRIu32
		    "' threads='1'/>\n",
		    sockets, spec->vcpus_count / sockets);
}

static void add_cpu(struct strbuf *xml, const struct guest_spec *spec,
		    const struct guest_boot *boot)
{
	bool is_wide = memory_limit_mib(spec) > WIDE_MEMORY_MIB;

	if (boot->accelerator == ACCELERATOR_KVM)
		strbuf_adds(xml, "  <cpu mode='host-passthrough' check='none' "
				 "migratable='off'>\n");
	else
		strbuf_adds(xml, "  <cpu mode='maximum' check='none'>\n");
	add_topology(xml, spec);
	if (is_wide)
		strbuf_adds(xml, boot->accelerator == ACCELERATOR_KVM ?
				"    <maxphysaddr mode='passthrough'/>\n" :
				"    <maxphysaddr mode='emulate' bits='46'/>\n");
	/* with it clear_page() is `rep stosb`, which TCG runs byte by byte */
	if (boot->accelerator == ACCELERATOR_TCG)
		strbuf_adds(xml, "    <feature policy='disable' name='erms'/>\n");
	/* A kernel that knows of a hypervisor has spinlocks without a queue. Where
	 * CPUs take turns that end with a lock held, the other CPU would find it
	 * taken at each of its turns, for hundreds of milliseconds. */
	if (boot->exact)
		strbuf_adds(xml, "    <feature policy='disable' name='hypervisor'/>\n");
	add_numa(xml, spec);
	strbuf_adds(xml, "  </cpu>\n");
}

static void add_clock(struct strbuf *xml, const struct guest_boot *boot)
{
	if (boot->exact)
		strbuf_addf(xml,
			    "  <clock offset='absolute' start='%d'>\n"
			    "    <timer name='rtc' track='guest'/>\n"
			    "    <timer name='hpet' present='no'/>\n"
			    "  </clock>\n", EXACT_EPOCH_S);
	else if (boot->accelerator == ACCELERATOR_KVM)
		strbuf_adds(xml,
			    "  <clock offset='utc'>\n"
			    "    <timer name='kvmclock' present='yes'/>\n"
			    "    <timer name='pit' tickpolicy='delay'/>\n"
			    "    <timer name='rtc' tickpolicy='catchup'/>\n"
			    "    <timer name='hpet' present='no'/>\n"
			    "  </clock>\n");
	else
		strbuf_adds(xml, "  <clock offset='utc'/>\n");
	strbuf_adds(xml, "  <on_poweroff>destroy</on_poweroff>\n"
			 "  <on_reboot>destroy</on_reboot>\n"
			 "  <on_crash>destroy</on_crash>\n");
}

static void add_serial(struct strbuf *xml, unsigned int port, const char *path)
{
	if (path) {
		strbuf_adds(xml, "    <serial type='file'>\n      <source path='");
		strbuf_add_xml(xml, path);
		/* Else virtlogd, where a daemon uses it, puts a new file in
		 * the place of the one that is being followed. */
		strbuf_adds(xml, "' append='on'/>\n");
	} else {
		strbuf_adds(xml, "    <serial type='pty'>\n");
	}
	strbuf_addf(xml, "      <target type='isa-serial' port='%u'/>\n"
			 "    </serial>\n", port);
}

static void add_iommu(struct strbuf *xml, const struct guest_spec *spec)
{
	if (spec->iommu == GUEST_IOMMU_NONE)
		return;
	if (spec->iommu == GUEST_IOMMU_INTEL)
		strbuf_adds(xml, "    <iommu model='intel'>\n"
				 "      <driver intremap='on' caching_mode='on'/>\n"
				 "    </iommu>\n");
	else
		strbuf_adds(xml, "    <iommu model='virtio'/>\n");
	/* the device behind it, for VFIO to take */
	strbuf_adds(xml, "    <rng model='virtio'>\n"
			 "      <backend model='builtin'/>\n"
			 "      <driver iommu='on' ats='on'/>\n"
			 "    </rng>\n");
}

static void add_pmem(struct strbuf *xml, const struct guest_spec *spec,
		     const struct guest_boot *boot)
{
	if (!spec->pmem_mib || !boot->pmem_path)
		return;
	strbuf_adds(xml, "    <memory model='nvdimm' access='shared'>\n"
			 "      <source>\n");
	add_element(xml, "        ", "path", boot->pmem_path);
	strbuf_addf(xml,
		    "      </source>\n      <target>\n"
		    "        <size unit='MiB'>%" PRIu64 "</size>\n"
		    "        <node>0</node>\n      </target>\n    </memory>\n",
		    spec->pmem_mib);
}

/* The host's page cache takes what is written and is never flushed: what is measured is
 * the guest's side, not the host's disk. */
static void add_disk(struct strbuf *xml, const struct guest_spec *spec,
		     const struct guest_boot *boot)
{
	if (!spec->disk_mib || !boot->disk_path)
		return;
	strbuf_adds(xml, "    <disk type='file' device='disk'>\n"
			 "      <driver name='qemu' type='raw' cache='unsafe'/>\n"
			 "      <source file='");
	strbuf_add_xml(xml, boot->disk_path);
	strbuf_adds(xml, "'/>\n      <target dev='vda' bus='virtio'/>\n    </disk>\n");
}

char *guest_dimm_xml(uint64_t size_mib)
{
	return string_format("<memory model='dimm'><target>"
			     "<size unit='MiB'>%" PRIu64 "</size><node>0</node>"
			     "</target></memory>", size_mib);
}

static void add_devices(struct strbuf *xml, const struct guest_spec *spec,
			const struct guest_boot *boot)
{
	strbuf_adds(xml, "  <devices>\n");
	add_element(xml, "    ", "emulator", boot->emulator);
	strbuf_adds(xml, "    <controller type='usb' model='none'/>\n");
	add_serial(xml, 0, boot->console_path);
	if (boot->results_path)
		add_serial(xml, 1, boot->results_path);
	strbuf_adds(xml, "    <audio id='1' type='none'/>\n"
			 "    <memballoon model='none'/>\n"
			 "    <panic model='isa'/>\n");
	add_iommu(xml, spec);
	add_pmem(xml, spec, boot);
	add_disk(xml, spec, boot);
	strbuf_adds(xml, "  </devices>\n");
}

/* A value inside QEMU's comma-separated options. */
static void add_option_value(struct strbuf *text, const char *value)
{
	for (; *value; value++)
		strbuf_adds(text, *value == ',' ? ",," : (char[]){ *value, '\0' });
}

static void push_icount(struct strvec *arguments, const struct guest_exact *exact)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	/* An idle guest goes on at its next timer; recording, and be it for
	 * nobody, makes QEMU's threads wait for each other where the clock would
	 * otherwise race (docs/exact-mode.md). */
	strbuf_addf(&text, "shift=%" PRIu32 ",sleep=off,rr=%s,rrfile=", exact->shift,
		    exact->plays_recording ? "replay" : "record");
	add_option_value(&text, exact->recording ? exact->recording : "/dev/null");
	strvec_push(arguments, "-icount");
	strvec_push(arguments, text.data);
}

static void push_gdb(struct strvec *arguments, const char *socket)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "socket,id=kerngate-gdb,server=on,wait=off,path=");
	add_option_value(&text, socket);
	strvec_push(arguments, "-chardev");
	strvec_push(arguments, text.data);
	strvec_push(arguments, "-gdb");
	strvec_push(arguments, "chardev:kerngate-gdb");
}

static void push_cpus(struct strvec *arguments, const struct guest_spec *spec)
{
	uint32_t cores = spec->vcpus_count / sockets_count(spec);

	for (uint32_t i = 1; i < spec->vcpus_count; i++) {
		strvec_push(arguments, "-device");
		strvec_pushf(arguments, "max-x86_64-cpu,socket-id=%" PRIu32
			     ",die-id=0,core-id=%" PRIu32 ",thread-id=0",
			     i / cores, i % cores);
	}
}

static void push_exact(struct strvec *arguments, const struct guest_spec *spec,
		       const struct guest_exact *exact)
{
	push_icount(arguments, exact);
	push_cpus(arguments, spec);
	strvec_push(arguments, "-seed");
	strvec_pushf(arguments, "%" PRIu64, exact->random_seed);
	strvec_push(arguments, "-smbios");
	strvec_push(arguments, EXACT_SMBIOS);
	for (const char *const *plugin = exact->plugins; plugin && *plugin; plugin++) {
		strvec_push(arguments, "-plugin");
		strvec_push(arguments, *plugin);
	}
	if (exact->gdb_socket)
		push_gdb(arguments, exact->gdb_socket);
}

static void add_qemu_arguments(struct strbuf *xml, const struct guest_spec *spec,
			       const struct guest_boot *boot)
{
	cleanup_strvec struct strvec arguments = STRVEC_INIT;

	if (boot->exact)
		push_exact(&arguments, spec, boot->exact);
	if (boot->qemu_arguments)
		strvec_push_all(&arguments, boot->qemu_arguments);
	if (!arguments.count)
		return;
	strbuf_adds(xml, "  <qemu:commandline>\n");
	for (size_t i = 0; i < arguments.count; i++) {
		strbuf_adds(xml, "    <qemu:arg value='");
		strbuf_add_xml(xml, arguments.items[i]);
		strbuf_adds(xml, "'/>\n");
	}
	strbuf_adds(xml, "  </qemu:commandline>\n");
}

char *guest_domain_xml(const struct guest_spec *spec,
		       const struct guest_boot *boot)
{
	cleanup_strbuf struct strbuf xml = STRBUF_INIT;

	strbuf_addf(&xml,
		    "<domain type='%s' "
		    "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n",
		    boot->accelerator == ACCELERATOR_KVM ? "kvm" : "qemu");
	add_element(&xml, "  ", "name", boot->domain_name);
	add_element(&xml, "  ", "uuid", boot->uuid);
	add_memory(&xml, spec);
	add_vcpus(&xml, spec, boot);
	add_cputune(&xml, spec, boot);
	add_numatune(&xml, spec, boot);
	add_os(&xml, boot);
	add_features(&xml, spec);
	add_cpu(&xml, spec, boot);
	add_clock(&xml, boot);
	add_devices(&xml, spec, boot);
	add_qemu_arguments(&xml, spec, boot);
	strbuf_adds(&xml, "</domain>\n");
	return strbuf_detach(&xml);
}
