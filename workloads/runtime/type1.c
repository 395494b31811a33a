/* type1.c - see type1.h. The device is the virtio-rng that kerngate puts behind a
 * guest's IOMMU (harness/model/guest_domain_xml.c): nothing else uses it.
 */
#include "type1.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "workload.h"

#define DEVICES "/sys/bus/pci/devices"
#define SHAPE "a guest shape with an iommu has one"
#define PATH_SIZE 400
/* Device and IOMMU are made up by the same emulator, and nobody else is in the guest:
 * whether interrupts are remapped does not matter. */
#define UNSAFE_INTERRUPTS "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"

static struct {
	char device[256];         /* "0000:00:03.0" */
	bool is_unsafe;           /* UNSAFE_INTERRUPTS was set by us */
	bool is_taken;            /* from a driver, or from none */
	int container_fd, group_fd;
} type1 = { .container_fd = -1, .group_fd = -1 };

static bool attribute_is(const char *device, const char *name, const char *value)
{
	char path[PATH_SIZE], text[64];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", device, name);
	return text_read(path, text, sizeof(text)) > 0 &&
	       !strncmp(text, value, strlen(value));
}

static bool is_rng(const char *device)
{
	return attribute_is(device, "vendor", "0x1af4") &&
	       (attribute_is(device, "device", "0x1005") ||  /* transitional */
		attribute_is(device, "device", "0x1044"));
}

static void device_find_or_skip(void)
{
	DIR *folder = opendir(DEVICES);
	struct dirent *entry;

	while (folder && !*type1.device && (entry = readdir(folder)) != NULL)
		if (is_rng(entry->d_name))
			snprintf(type1.device, sizeof(type1.device), "%s",
				 entry->d_name);
	if (folder)
		closedir(folder);
	if (!*type1.device)
		workload_skipped("no virtio-rng for VFIO to take: " SHAPE);
}

/* The last part of what a link in the device's folder points at; empty if there is
 * no such link. */
static void device_link(const char *name, char *target, size_t size)
{
	char path[PATH_SIZE], text[256];
	const char *last;
	ssize_t n;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", type1.device, name);
	n = readlink(path, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	last = strrchr(text, '/');
	snprintf(target, size, "%.*s", (int)size - 1, last ? last + 1 : "");
}

/* Whatever driver it has lets go of it, and the one that is wanted takes it (""
 * for any that fits). */
static int device_probe(const char *wanted)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), DEVICES "/%s/driver/unbind", type1.device);
	(void)text_write(path, type1.device);
	snprintf(path, sizeof(path), DEVICES "/%s/driver_override", type1.device);
	/* A line with nothing in it takes the override away. */
	if (text_write(path, *wanted ? wanted : "\n") < 0)
		return -EIO;
	return text_write("/sys/bus/pci/drivers_probe", type1.device);
}

static void device_take(void)
{
	char driver[64];

	device_link("driver", driver, sizeof(driver));
	if (!strcmp(driver, "vfio-pci"))
		return;
	type1.is_taken = true;
	(void)device_probe("vfio-pci");
	device_link("driver", driver, sizeof(driver));
	if (strcmp(driver, "vfio-pci"))
		workload_broken("vfio-pci did not take %s", type1.device);
}

static int open_or_broken(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		workload_broken("%s: %s", path, strerror(errno));
	return fd;
}

/* Without it the kernel refuses an IOMMU that does not remap interrupts. */
static void unsafe_interrupts_allow(void)
{
	char text[8];

	if (text_read(UNSAFE_INTERRUPTS, text, sizeof(text)) <= 0 || *text != 'N')
		return;
	text_write_or_broken(UNSAFE_INTERRUPTS, "Y");
	type1.is_unsafe = true;
}

void type1_open_or_skip(void)
{
	char group[32], path[64];

	device_find_or_skip();
	device_link("iommu_group", group, sizeof(group));
	if (!*group)
		workload_skipped("%s is behind no IOMMU: " SHAPE, type1.device);
	if (access("/dev/vfio/vfio", F_OK) < 0)
		workload_skipped("the kernel has no VFIO containers");
	unsafe_interrupts_allow();
	device_take();
	snprintf(path, sizeof(path), "/dev/vfio/%s", group);
	type1.container_fd = open_or_broken("/dev/vfio/vfio");
	type1.group_fd = open_or_broken(path);
	if (ioctl(type1.group_fd, VFIO_GROUP_SET_CONTAINER, &type1.container_fd) < 0)
		workload_broken("VFIO_GROUP_SET_CONTAINER: %s", strerror(errno));
	if (ioctl(type1.container_fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0)
		workload_broken("VFIO_SET_IOMMU: %s", strerror(errno));
}

void type1_close(void)
{
	if (type1.group_fd >= 0)
		close(type1.group_fd);
	if (type1.container_fd >= 0)
		close(type1.container_fd);
	type1.group_fd = type1.container_fd = -1;
	if (type1.is_taken)
		(void)device_probe("");
	type1.is_taken = false;
	if (type1.is_unsafe)
		(void)text_write(UNSAFE_INTERRUPTS, "N");
	type1.is_unsafe = false;
}

int type1_map(const void *memory, uint64_t iova, uint64_t size_bytes)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size_bytes,
	};

	return ioctl(type1.container_fd, VFIO_IOMMU_MAP_DMA, &map) < 0 ? errno : 0;
}

int type1_unmap(uint64_t iova, uint64_t size_bytes, uint64_t *ret_bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = size_bytes,
	};

	if (ioctl(type1.container_fd, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0)
		return errno;
	*ret_bytes = unmap.size;
	return 0;
}
