/* The pure parts of a fleet; real guests are in tests/boot. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "fleet_deadline.h"
#include "fleet_guest.h"
#include "fleet_pins.h"
#include "memory.h"
#include "test.h"

static const struct host_cpu four[] = { { 1, 0, 1 }, { 3, 0, 3 }, { 4, 0, 4 }, { 7, 0, 7 } };

static struct guest_spec guest_of(uint32_t vcpus_count, bool overcommit)
{
	return (struct guest_spec){ .vcpus_count = vcpus_count,
				    .overcommit = overcommit };
}

static void test_pins_are_disjoint(void)
{
	struct guest_spec one = guest_of(1, false), two = guest_of(2, false);
	uint32_t a[2], b[1], c[1];
	struct pin_map map;

	pin_map_init(&map, four, 4);
	pin_map_take(&map, &two, a);
	pin_map_take(&map, &one, b);
	CU_ASSERT_EQUAL(a[0], 1);
	CU_ASSERT_EQUAL(a[1], 3);
	CU_ASSERT_EQUAL(b[0], 4);
	CU_ASSERT_FALSE(pin_map_has_room(&map, &two));
	CU_ASSERT_TRUE(pin_map_has_room(&map, &one));
	pin_map_take(&map, &one, c);
	CU_ASSERT_EQUAL(c[0], 7);
	CU_ASSERT_FALSE(pin_map_has_room(&map, &one));
	pin_map_give(&map, a, 2);
	CU_ASSERT_TRUE(pin_map_has_room(&map, &two));
	pin_map_take(&map, &one, c);
	CU_ASSERT_EQUAL(c[0], 1);
	CU_ASSERT_EQUAL(map.free_count, 1);
	pin_map_release(&map);
}

static void test_pins_overcommitted(void)
{
	struct guest_spec one = guest_of(1, false), large = guest_of(6, true);
	uint32_t pins[6], b[1];
	struct pin_map map;

	pin_map_init(&map, four, 4);
	CU_ASSERT_TRUE(pin_map_fits(&map, &large));
	large.overcommit = false;
	CU_ASSERT_FALSE(pin_map_fits(&map, &large));
	CU_ASSERT_FALSE(pin_map_has_room(&map, &large));
	large.overcommit = true;
	/* It shares its CPUs with itself only. */
	pin_map_take(&map, &one, b);
	CU_ASSERT_FALSE(pin_map_has_room(&map, &large));
	pin_map_give(&map, b, 1);
	CU_ASSERT_TRUE(pin_map_has_room(&map, &large));
	pin_map_take(&map, &large, pins);
	CU_ASSERT_EQUAL(pins[3], 7);
	CU_ASSERT_EQUAL(pins[4], 1);
	CU_ASSERT_EQUAL(pins[5], 3);
	CU_ASSERT_FALSE(pin_map_has_room(&map, &one));
	pin_map_give(&map, pins, 6);
	CU_ASSERT_EQUAL(map.free_count, 4);
	pin_map_release(&map);
}

/* Four vCPUs on two CPUs, wherever there are more. */
static void test_pins_shared(void)
{
	struct guest_spec shared = guest_of(4, true), two = guest_of(2, false);
	uint32_t pins[4], others[2];
	struct pin_map map;

	shared.host_cpus_count = 2;
	pin_map_init(&map, four, 4);
	pin_map_take(&map, &shared, pins);
	CU_ASSERT_EQUAL(map.free_count, 2);
	CU_ASSERT(pins[0] == 1 && pins[1] == 3 && pins[2] == 1 && pins[3] == 3);
	CU_ASSERT_TRUE(pin_map_has_room(&map, &two));
	pin_map_take(&map, &two, others);
	CU_ASSERT(others[0] == 4 && others[1] == 7);
	CU_ASSERT_FALSE(pin_map_has_room(&map, &shared));
	pin_map_give(&map, pins, 4);
	CU_ASSERT_EQUAL(map.free_count, 2);
	pin_map_release(&map);
	pin_map_init(&map, four, 1);
	CU_ASSERT_TRUE(pin_map_fits(&map, &shared));
	pin_map_release(&map);
}

static void test_pins_of_nothing(void)
{
	struct guest_spec one = guest_of(1, true);
	struct pin_map map;

	pin_map_init(&map, four, 0);
	CU_ASSERT_FALSE(pin_map_fits(&map, &one));
	CU_ASSERT_FALSE(pin_map_has_room(&map, &one));
	pin_map_release(&map);
}

/* The vCPUs of an exact guest take turns on one host CPU. */
static void test_exact_guests_take_one_cpu(void)
{
	struct guest_spec guest = guest_of(8, false);
	struct fleet_exact exact = { .gdb_socket = NULL };
	struct fleet_job job = { .guest = &guest };

	CU_ASSERT_EQUAL(fleet_guest_cpus_count(&job), 8);
	job.exact = &exact;
	CU_ASSERT_EQUAL(fleet_guest_cpus_count(&job), 1);
}

static const struct guest_spec limits = { .first_byte_s = 10, .silence_s = 20,
					  .total_s = 100 };

static void check_deadline(struct guest_clock clock, uint64_t expected_s,
			   enum deadline_kind expected_kind)
{
	enum deadline_kind kind = DEADLINE_TOTAL;
	uint64_t at_ns = guest_clock_deadline(&clock, &limits, &kind);

	CU_ASSERT_EQUAL(at_ns, expected_s * NS_PER_SECOND);
	CU_ASSERT_EQUAL(kind, expected_kind);
}

#define AT(seconds) ((seconds) * NS_PER_SECOND)

static void test_deadlines(void)
{
	struct guest_clock clock = { .start_ns = AT(1000), .patience = 1 };

	check_deadline(clock, 1010, DEADLINE_FIRST_BYTE);
	clock.first_byte_ns = clock.last_byte_ns = AT(1003);
	check_deadline(clock, 1023, DEADLINE_SILENCE);
	clock.last_byte_ns = AT(1050);
	check_deadline(clock, 1070, DEADLINE_SILENCE);
	clock.quiet_s = 30; /* a row that measures */
	check_deadline(clock, 1080, DEADLINE_SILENCE);
	clock.quiet_s = 19; /* less than the shape allows anyway */
	check_deadline(clock, 1070, DEADLINE_SILENCE);
	clock.last_byte_ns = AT(1099);
	check_deadline(clock, 1100, DEADLINE_TOTAL);
	clock.end_line_ns = AT(1060);
	check_deadline(clock, 1065, DEADLINE_POWER_OFF);
	clock.panic_ns = AT(1055);
	check_deadline(clock, 1060, DEADLINE_PANIC);
	clock.exited_ns = AT(1058);
	check_deadline(clock, 1061, DEADLINE_STOP);
}

/* Results before the console's first byte do not count as that byte. */
static void test_first_byte_is_the_consoles(void)
{
	struct guest_clock clock = { .start_ns = AT(1000), .patience = 1,
				     .last_byte_ns = AT(1009) };

	check_deadline(clock, 1010, DEADLINE_FIRST_BYTE);
}

/* All but the time between the end of a process and libvirt's word on it, in which
 * the guest has no part. */
static void test_patience(void)
{
	struct guest_clock clock = { .start_ns = AT(1000), .patience = 8 };

	check_deadline(clock, 1080, DEADLINE_FIRST_BYTE);
	clock.first_byte_ns = clock.last_byte_ns = AT(1100);
	check_deadline(clock, 1260, DEADLINE_SILENCE);
	clock.quiet_s = 30;
	check_deadline(clock, 1340, DEADLINE_SILENCE);
	clock.last_byte_ns = AT(1799);
	check_deadline(clock, 1800, DEADLINE_TOTAL);
	clock.end_line_ns = AT(1700);
	check_deadline(clock, 1740, DEADLINE_POWER_OFF);
	clock.panic_ns = AT(1690);
	check_deadline(clock, 1730, DEADLINE_PANIC);
	clock.exited_ns = AT(1695);
	check_deadline(clock, 1698, DEADLINE_STOP);
}

/* A debugger may take for ever, until the guest's process ends. */
static void test_no_deadlines(void)
{
	struct guest_clock clock = { .start_ns = AT(1000), .patience = 0 };
	enum deadline_kind kind;

	CU_ASSERT_EQUAL(guest_clock_deadline(&clock, &limits, &kind), UINT64_MAX);
	clock.first_byte_ns = clock.last_byte_ns = AT(1001);
	clock.end_line_ns = clock.panic_ns = AT(1002);
	CU_ASSERT_EQUAL(guest_clock_deadline(&clock, &limits, &kind), UINT64_MAX);
	clock.exited_ns = AT(1003);
	check_deadline(clock, 1006, DEADLINE_STOP);
}

static void test_cmdline(void)
{
	struct guest_spec guest = { .cmdline = STRVEC_INIT };
	struct fleet_job job = { .guest = &guest, .cmdline = "a=1 b" };
	cleanup_free char *text = NULL;
	cleanup_free char *bare = NULL;

	strvec_push(&guest.cmdline, "c=2");
	text = fleet_kernel_cmdline(&job, ACCELERATOR_KVM);
	test_check_contains(text, "console=ttyS0 ");
	test_check_contains(text, "rdinit=/init a=1 b c=2");
	strvec_release(&guest.cmdline);
	guest.cmdline = STRVEC_INIT;
	job.cmdline = NULL;
	bare = fleet_kernel_cmdline(&job, ACCELERATOR_TCG);
	test_check_contains(bare, " tsc=unstable");
	CU_ASSERT_PTR_NULL(strstr(text, "tsc="));
	CU_ASSERT_PTR_NULL(strstr(bare, "  "));
	CU_ASSERT_TRUE(bare[strlen(bare) - 1] != ' ');
}

static void test_exact_cmdline(void)
{
	struct guest_spec guest = { .cmdline = STRVEC_INIT };
	struct fleet_exact exact = { .policy = EXACT_POLICY_INIT,
				     .seed = { .number = 2, .phase_turns = 77,
					       .jitter = 9223372036854775807 } };
	struct fleet_job job = { .guest = &guest, .cmdline = "a=1", .exact = &exact };
	cleanup_free char *plain = fleet_kernel_cmdline(&job, ACCELERATOR_TCG);
	cleanup_free char *jittered = NULL;

	test_check_contains(plain, "rdinit=/init tsc=reliable kerngate.phase=77 nokaslr a=1");
	CU_ASSERT_PTR_NULL(strstr(plain, "unstable"));
	CU_ASSERT_PTR_NULL(strstr(plain, "jitter"));
	exact.policy.jitter_us = 50;
	jittered = fleet_kernel_cmdline(&job, ACCELERATOR_TCG);
	test_check_contains(jittered,
			    " kerngate.jitter=50,9223372036854775807 a=1");
}

static void check_api(const char *version, uint32_t expected)
{
	struct error err = ERROR_INIT;
	uint32_t api = 99;

	CU_ASSERT_EQUAL(fleet_exact_plugin_api(version, &api, &err), 0);
	CU_ASSERT_EQUAL(api, expected);
	test_check_string(err.message, "");
}

static void refuse_api(const char *version, const char *message)
{
	struct error err = ERROR_INIT;
	uint32_t api = 99;

	CU_ASSERT_EQUAL(fleet_exact_plugin_api(version, &api, &err), -ENOTSUP);
	CU_ASSERT_EQUAL(api, 99);
	test_check_contains(err.message, message);
}

static void test_plugins_by_version(void)
{
	check_api("libvirt 9.0.0, QEMU 7.2.22", 1);
	check_api("libvirt 9.0.0, QEMU 6.0.0", 1);
	check_api("libvirt 9.0.0, QEMU 8.2.9", 1);
	check_api("libvirt 10.0.0, QEMU 9.1.0", 3);
	check_api("libvirt 11.3.0, QEMU 10.0.13", 3);
	check_api("libvirt 11.3.0, QEMU 10.2.0", 3);
	refuse_api("libvirt 9.0.0, QEMU 5.2.0", "6.0 to 8.2 and 9.1 to 10.2, not 5.2;");
	refuse_api("libvirt 9.0.0, QEMU 9.0.2", "not 9.0;");
	refuse_api("libvirt 9.0.0, QEMU 11.0.0", "not 11.0;");
	refuse_api("libvirt 9.0.0", "\"libvirt 9.0.0\" names no version of QEMU");
	refuse_api("QEMU seven", "names no version of QEMU");
}

/* --- code that the emulator ran after it had been replaced ------------------------- */

static struct trial_result crashed(const char *reason)
{
	return (struct trial_result){ .outcome = OUTCOME_CRASHED,
				      .reason = string_copy(reason) };
}

static void check_not_stale(const struct fleet_job *job, enum accelerator accelerator,
			    struct trial_result result)
{
	enum outcome outcome = result.outcome;
	cleanup_free char *reason = string_copy(result.reason);

	CU_ASSERT_FALSE(fleet_judge_stale_code(job, accelerator, &result));
	CU_ASSERT_EQUAL(result.outcome, outcome);
	test_check_string(result.reason, reason);
	trial_result_release(&result);
}

static void test_stale_code(void)
{
	struct guest_spec guest = guest_of(2, false);
	const struct fleet_job job = { .guest = &guest };
	struct trial_result result = crashed("int3 in text_poke_loc_init");

	CU_ASSERT_TRUE(fleet_judge_stale_code(&job, ACCELERATOR_TCG, &result));
	CU_ASSERT_EQUAL(result.outcome, OUTCOME_BROKEN);
	test_check_string(result.reason, "int3 in text_poke_loc_init: most likely the "
			  "emulator, which ran code the kernel had replaced");
	trial_result_release(&result);
}

static void test_not_stale_code(void)
{
	struct guest_spec two = guest_of(2, false), one = guest_of(1, false);
	const struct fleet_exact exact = { .gdb_socket = NULL };
	const struct fleet_job parallel = { .guest = &two };
	const struct fleet_job single = { .guest = &one };
	const struct fleet_job in_turns = { .guest = &two, .exact = &exact };
	struct trial_result timed_out = crashed("int3 in f");

	/* hardware runs what is there; one CPU, and CPUs in turn, see their own writes */
	check_not_stale(&parallel, ACCELERATOR_KVM, crashed("int3 in f"));
	check_not_stale(&single, ACCELERATOR_TCG, crashed("int3 in f"));
	check_not_stale(&in_turns, ACCELERATOR_TCG, crashed("int3 in f"));
	check_not_stale(&parallel, ACCELERATOR_TCG, crashed("BUG in f: int3 in g"));
	timed_out.outcome = OUTCOME_TIMED_OUT;
	check_not_stale(&parallel, ACCELERATOR_TCG, timed_out);
}

static void test_uuids(void)
{
	char first[37], again[37], other[37];

	fleet_uuid("run-0001", first);
	fleet_uuid("run-0001", again);
	fleet_uuid("run-0002", other);
	test_check_string(first, again);
	CU_ASSERT_TRUE(strcmp(first, other) != 0);
	CU_ASSERT_EQUAL(strlen(first), 36);
	CU_ASSERT_EQUAL(first[8], '-');
	CU_ASSERT_EQUAL(first[14], '8'); /* version */
	CU_ASSERT_EQUAL(first[19], 'a'); /* variant */
	CU_ASSERT_EQUAL(first[23], '-');
}

TEST_SUITE("fleet_parts",
	   {"pins are disjoint", test_pins_are_disjoint},
	   {"overcommitted guests take all CPUs", test_pins_overcommitted},
	   {"vCPUs that share CPUs", test_pins_shared},
	   {"no CPUs, no guests", test_pins_of_nothing},
	   {"exact guests take one CPU", test_exact_guests_take_one_cpu},
	   {"the nearest deadline counts", test_deadlines},
	   {"the first byte is the console's", test_first_byte_is_the_consoles},
	   {"exact guests are given time", test_patience},
	   {"no deadlines beside a debugger", test_no_deadlines},
	   {"kernel arguments", test_cmdline},
	   {"kernel arguments of exact guests", test_exact_cmdline},
	   {"plugins by QEMU's version", test_plugins_by_version},
	   {"an int3 that the emulator left behind", test_stale_code},
	   {"an int3 that it did not", test_not_stale_code},
	   {"uuids are fixed by the name", test_uuids})
