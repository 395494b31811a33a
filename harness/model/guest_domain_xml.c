/* guest_domain_xml.c - a guest's shape and one boot > libvirt domain XML
 * (libvirt.org/formatdomain.html). Builds text only; knows no libvirt.
 *
 * The machine is a q35 without USB, balloon, video and input devices: what the
 * kernel does not find it need not probe. Serial port 0 is the console, serial
 * port 1 carries the results.
 */
#include "guest_spec.h"

#include <inttypes.h>

/* With more memory than this the 40 physical address bits that QEMU gives an
 * emulated CPU do not reach (the hot-plug area is above the memory). */
#define WIDE_MEMORY_MIB (UINT64_C(512) << 10)

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
	if (spec->memory_hugepages)
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

static void add_cputune(struct strbuf *xml, const struct guest_spec *spec,
			const struct guest_boot *boot)
{
	if (!boot->pin_cpus)
		return;
	strbuf_adds(xml, "  <cputune>\n");
	for (uint32_t i = 0; i < spec->vcpus_count; i++)
		strbuf_addf(xml,
			    "    <vcpupin vcpu='%" PRIu32 "' cpuset='%" PRIu32
			    "'/>\n", i, boot->pin_cpus[i]);
	/* QEMU's other threads stay on the guest's own CPUs, out of the way of
	 * the guests beside it. */
	strbuf_adds(xml, "    <emulatorpin cpuset='");
	for (uint32_t i = 0; i < spec->vcpus_count; i++)
		strbuf_addf(xml, "%s%" PRIu32, i ? "," : "", boot->pin_cpus[i]);
	strbuf_adds(xml, "'/>\n  </cputune>\n");
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
static void add_topology(struct strbuf *xml, const struct guest_spec *spec)
{
	uint32_t sockets = spec->cells_count ? spec->cells_count : 1;

	for (uint32_t i = 0; i < spec->cells_count; i++)
		if (spec->cells[i].vcpus_count * sockets != spec->vcpus_count)
			sockets = spec->vcpus_count;
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
	add_numa(xml, spec);
	strbuf_adds(xml, "  </cpu>\n");
}

static void add_clock(struct strbuf *xml, const struct guest_boot *boot)
{
	if (boot->accelerator == ACCELERATOR_KVM)
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
	strbuf_adds(xml, "  </devices>\n");
}

static void add_qemu_arguments(struct strbuf *xml, const char *const *arguments)
{
	if (!arguments || !*arguments)
		return;
	strbuf_adds(xml, "  <qemu:commandline>\n");
	for (; *arguments; arguments++) {
		strbuf_adds(xml, "    <qemu:arg value='");
		strbuf_add_xml(xml, *arguments);
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
	strbuf_addf(&xml, "  <vcpu placement='static'>%" PRIu32 "</vcpu>\n",
		    spec->vcpus_count);
	add_cputune(&xml, spec, boot);
	add_os(&xml, boot);
	add_features(&xml, spec);
	add_cpu(&xml, spec, boot);
	add_clock(&xml, boot);
	add_devices(&xml, spec, boot);
	add_qemu_arguments(&xml, boot->qemu_arguments);
	strbuf_adds(&xml, "</domain>\n");
	return strbuf_detach(&xml);
}
