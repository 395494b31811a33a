/* test_exact_policy.c - the policy of exact mode as text and back. */
#include <errno.h>

#include "exact.h"
#include "memory.h"
#include "test.h"

static void check_round_trip(const struct exact_policy *policy, const char *text)
{
	cleanup_free char *formatted = exact_policy_format(policy);
	struct exact_policy back = { .shift = 9 };

	test_check_string(formatted, text);
	CU_ASSERT_EQUAL(exact_policy_parse(formatted, &back), 0);
	CU_ASSERT_EQUAL(back.shift, policy->shift);
	CU_ASSERT_EQUAL(back.counts, policy->counts);
	CU_ASSERT_EQUAL(back.by_instruction, policy->by_instruction);
	CU_ASSERT_EQUAL(back.profile, policy->profile);
	CU_ASSERT_EQUAL(back.jitter_us, policy->jitter_us);
	CU_ASSERT_EQUAL(back.kaslr, policy->kaslr);
}

static void test_round_trip(void)
{
	const struct exact_policy usual = EXACT_POLICY_INIT;
	const struct exact_policy other = { .shift = 10, .by_instruction = true,
					    .profile = true, .jitter_us = 100000, .kaslr = true };

	check_round_trip(&usual, "{\"by\":\"block\",\"counts\":true,\"jitter_us\":0,\"kaslr\":false,"
			 "\"profile\":false,\"shift\":3}");
	check_round_trip(&other, "{\"by\":\"instruction\",\"counts\":false,"
			 "\"jitter_us\":100000,\"kaslr\":true,\"profile\":true,\"shift\":10}");
}

#define HEAD "{\"by\":\"block\",\"counts\":true,"
#define TAIL "\"profile\":false,\"shift\":3}"

static void test_refuses(void)
{
	static const char *const bad[] = {
		"", "3", "[]", "{}", "{", HEAD TAIL,
		HEAD "\"jitter_us\":100001," TAIL,
		HEAD "\"jitter_us\":-1," TAIL,
		HEAD "\"jitter_us\":\"0\"," TAIL,
		HEAD "\"jitter_us\":0,\"jitter_us\":0," TAIL,
		HEAD "\"jitter_us\":0,\"more\":0," TAIL,
		HEAD "\"jitter_us\":0,\"kaslr\":false,\"profile\":false,\"shift\":11}",
		HEAD "\"jitter_us\":0,\"kaslr\":false,\"profile\":false,\"shift\":-1}",
		HEAD "\"jitter_us\":0,\"kaslr\":false,\"profile\":0,\"shift\":3}",
		"{\"by\":\"word\",\"counts\":true,\"jitter_us\":0," TAIL,
		HEAD "\"jitter_us\":0," TAIL "}",
	};

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		struct exact_policy policy = { .shift = 9 };

		if (!test_check(exact_policy_parse(bad[i], &policy) == -EINVAL))
			fprintf(stderr, "taken: %s\n", bad[i]);
		CU_ASSERT_EQUAL(policy.shift, 9);
	}
}

TEST_SUITE("exact_policy",
	   {"as text and back", test_round_trip},
	   {"refuses", test_refuses})
