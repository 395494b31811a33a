/* test_clock.c - times as people read them. */
#include "clock.h"

#include "test.h"

static void test_monotonic(void)
{
	uint64_t first_ns = clock_monotonic_ns();
	uint64_t second_ns = clock_monotonic_ns();

	CU_ASSERT_TRUE(first_ns > 0);
	CU_ASSERT_TRUE(second_ns >= first_ns);
}

static void test_utc(void)
{
	char text[CLOCK_TEXT_MAX];

	test_check_string(clock_format_utc(0, text), "1970-01-01T00:00:00Z");
	test_check_string(clock_format_utc(UINT64_C(1795296600) * NS_PER_SECOND +
					   999999999, text),
			  "2026-11-21T21:30:00Z");
	test_check_string(clock_format_stamp(UINT64_C(951868799) * NS_PER_SECOND,
					     text),
			  "20000229-235959");
}

static void test_wall_is_now(void)
{
	/* 2020-01-01: before it, the clock read would be broken. */
	CU_ASSERT_TRUE(clock_wall_ns() > UINT64_C(1577836800) * NS_PER_SECOND);
}

static void test_duration(void)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0 ms" },
		{ 499999, "0 ms" },
		{ 500000, "1 ms" },
		{ 850 * NS_PER_MS, "850 ms" },
		{ 999499999, "999 ms" },
		{ 999500000, "1.0 s" },
		{ 12340 * NS_PER_MS, "12.3 s" },
		{ 59949 * NS_PER_MS, "59.9 s" },
		{ 59950 * NS_PER_MS, "1 min 00 s" },
		{ 245 * NS_PER_SECOND, "4 min 05 s" },
		{ 3599 * NS_PER_SECOND, "59 min 59 s" },
		{ 3600 * NS_PER_SECOND, "1 h 00 min" },
		{ 3720 * NS_PER_SECOND, "1 h 02 min" },
		{ 100 * 3600 * NS_PER_SECOND, "100 h 00 min" },
	};
	char text[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
		test_check_string(duration_format(cases[i].ns, text),
				  cases[i].text);
	CU_ASSERT_PTR_EQUAL(duration_format(UINT64_MAX, text), text);
}

TEST_SUITE("clock",
	   {"monotonic", test_monotonic},
	   {"UTC", test_utc},
	   {"wall clock is set", test_wall_is_now},
	   {"durations", test_duration})
