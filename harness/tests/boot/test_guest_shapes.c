/* test_guest_shapes.c - the shapes of configs/guests as a guest sees them: what they say
 * is there, and no more. The kernel is the baseline of the quick campaign; what is told is
 * typed into the guest's shell, which has no pmem and no disk (those: suite fio).
 */
#include <string.h>

#include "files.h"
#include "memory.h"
#include "process.h"
#include "test.h"

#define TIMEOUT_NS (UINT64_C(150) * 1000000000)

/* Types the commands, and ends the shell's input only when an answer is there: what a
 * guest says last, the end of the program may cut off. */
static const char script[] =
	"{ printf '%s\\n' \"$0\"; until grep -aq '^@' \"$4/out\"; do sleep 0.1; done; } | "
	"\"$1\" boot stock --shell --accel tcg --guest \"$2\" --root \"$3\" --results \"$4\" "
	">\"$4/out\" 2>&1; cat \"$4/out\"";

/* What the guest of the shape says; owned, NULL and a failure of the test where it does not
 * boot. The answer begins with "@" at the start of a line, as no input does. */
static char *ask(const char *guest, const char *commands)
{
	const char *named = getenv("KERNGATE");
	cleanup_free char *standard = path_join(test_root(), "build/check/kerngate");
	cleanup_free char *results = path_join(test_temp_folder(), "results");
	const char *const argv[] = { "sh", "-c", script, commands,
				     named && *named ? named : standard, guest, test_root(),
				     results, NULL };
	const struct process_options options = { .capture = true, .timeout_ns = TIMEOUT_NS };
	struct error err = ERROR_INIT;
	char *output = NULL;

	CU_ASSERT_EQUAL(folder_make(results), 0);
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

/* Room for DIMMs is memory that the firmware's table calls hot-pluggable. */
static void test_hotplug(void)
{
	check_shape("hotplug", "echo @$(dmesg | grep -c 'SRAT.*hotplug')", "@1\r\n");
}

TEST_SUITE("guest_shapes", { "up", test_uniprocessor }, { "smp2", test_two_vcpus },
	   { "smp4-on-2", test_overcommitted }, { "numa2", test_two_nodes },
	   { "large", test_large }, { "iommu", test_iommu },
	   { "hotplug", test_hotplug })
