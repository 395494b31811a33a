/* test_guest_shapes.c - the shapes of configs/guests as a guest sees them: what they say
 * is there, and no more. The kernel is the baseline of the quick campaign; what is told is
 * typed into the guest's shell.
 */
#include <string.h>

#include "memory.h"
#include "files.h"
#include "process.h"
#include "test.h"

#define TIMEOUT_NS (UINT64_C(150) * 1000000000)

/* What these commands print in a guest of the shape; owned, NULL and a failure of the test
 * where it does not boot. Each line of output begins with "@", which no input has. */
static char *ask(const char *guest, const char *commands)
{
	cleanup_free char *named = string_copy(getenv("KERNGATE") ? getenv("KERNGATE") : "");
	cleanup_free char *standard = path_join(test_root(), "build/check/kerngate");
	cleanup_free char *results = path_join(test_temp_folder(), "results");
	cleanup_free char *script = string_format(
		"printf '%%s\\n' \"$0\" | \"$1\" boot stock --shell --accel tcg --guest %s "
		"--root %s --results %s 2>&1", guest, test_root(), results);
	const char *const argv[] = { "sh", "-c", script, commands,
				     *named ? named : standard, NULL };
	const struct process_options options = { .capture = true, .timeout_ns = TIMEOUT_NS };
	struct error err = ERROR_INIT;
	char *output = NULL;

	if (test_check(process_run(argv, &options, &output, &err) == 0))
		return output;
	fprintf(stderr, "%s: %s\n", guest, err.message);
	return NULL;
}

static void check_shape(const char *guest, const char *commands, const char *expected)
{
	cleanup_free char *output = ask(guest, commands);

	if (output)
		test_check_contains(output, expected);
}

static void test_uniprocessor(void)
{
	check_shape("up", "echo @$(nproc) $(ls -d /sys/devices/system/node/node* | wc -l)",
		    "@1 1\r\n");
}

static void test_two_vcpus(void)
{
	check_shape("smp2", "echo @$(nproc)", "@2\r\n");
}

static void test_overcommitted(void)
{
	check_shape("smp4-on-2", "echo @$(nproc) $(cat /sys/devices/system/cpu/online)",
		    "@4 0-3\r\n");
}

/* Distances as the shape has them, from each node to each. */
static void test_two_nodes(void)
{
	check_shape("numa2", "cd /sys/devices/system/node; echo @$(cat online), $(cat "
		    "node0/cpulist) and $(cat node1/cpulist), $(cat node0/distance), $(cat "
		    "node1/distance)", "@0-1, 0 and 1, 10 20, 20 10\r\n");
}

static void test_large(void)
{
	check_shape("large", "echo @$(awk '/MemTotal/ {print int($2 / 1048576 + 1)}' "
		    "/proc/meminfo)", "@6");
}

/* The device behind the IOMMU is in a group that VFIO could take. */
static void test_iommu(void)
{
	check_shape("iommu", "echo @$(ls /sys/class/iommu) $(ls /sys/kernel/iommu_groups | "
		    "wc -l | awk '{print ($1 > 0)}')", "@dmar0 1\r\n");
}

/* As the firmware tells it; what drives it is not in this kernel. */
static void test_pmem(void)
{
	check_shape("pmem", "echo @$(dmesg | grep -c 'SRAT.*non-volatile')", "@1\r\n");
}

/* Room for DIMMs is memory that the firmware's table calls hot-pluggable. */
static void test_hotplug(void)
{
	check_shape("hotplug", "echo @$(dmesg | grep -c 'SRAT.*hotplug')", "@1\r\n");
}

TEST_SUITE("guest_shapes", { "up", test_uniprocessor }, { "smp2", test_two_vcpus },
	   { "smp4-on-2", test_overcommitted }, { "numa2", test_two_nodes },
	   { "large", test_large }, { "iommu", test_iommu }, { "pmem", test_pmem },
	   { "hotplug", test_hotplug })
