/* The pure parts of a fleet; real guests are in tests/boot. */
#include <string.h>

#include "clock.h"
#include "fleet_deadline.h"
#include "fleet_guest.h"
#include "fleet_pins.h"
#include "memory.h"
#include "test.h"

static const uint32_t four[] = { 1, 3, 4, 7 };

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

static void test_pins_of_nothing(void)
{
	struct guest_spec one = guest_of(1, true);
	struct pin_map map;

	pin_map_init(&map, four, 0);
	CU_ASSERT_FALSE(pin_map_fits(&map, &one));
	CU_ASSERT_FALSE(pin_map_has_room(&map, &one));
	pin_map_release(&map);
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
	struct guest_clock clock = { .start_ns = AT(1000) };

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
	struct guest_clock clock = { .start_ns = AT(1000),
				     .last_byte_ns = AT(1009) };

	check_deadline(clock, 1010, DEADLINE_FIRST_BYTE);
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
	   {"no CPUs, no guests", test_pins_of_nothing},
	   {"the nearest deadline counts", test_deadlines},
	   {"the first byte is the console's", test_first_byte_is_the_consoles},
	   {"kernel arguments", test_cmdline},
	   {"uuids are fixed by the name", test_uuids})
