/* test_proxy_counters.c - the guest's reader of the kernel's counters of proxy execution
 * (workloads/mutex_stress/proxy_counters.c).
 */
#include <errno.h>
#include <string.h>

#include "test.h"

#include "../../../workloads/mutex_stress/proxy_counters.c"

#define HEAD "cpu donations owner_runs migrations returns sleeps activations\n"

static struct proxy_counters counters;
static char message[128];

static bool parses(const char *text)
{
	memset(&counters, 0xff, sizeof(counters));
	*message = '\0';
	if (test_check(proxy_counters_parse(text, &counters, message,
					    sizeof(message)) == 0))
		return true;
	fprintf(stderr, "%s\n", message);
	return false;
}

/* Refused, for that reason, and the counters untouched. */
static void check_refused(const char *text, const char *reason)
{
	struct proxy_counters before;

	memset(&counters, 0x5a, sizeof(counters));
	before = counters;
	*message = '\0';
	CU_ASSERT_EQUAL(proxy_counters_parse(text, &counters, message, sizeof(message)),
			-EINVAL);
	test_check_contains(message, reason);
	CU_ASSERT_EQUAL(memcmp(&before, &counters, sizeof(before)), 0);
}

static void test_sums(void)
{
	size_t i;

	if (!parses(HEAD "cpu0 1 2 3 4 5 6\ncpu12 10 20 30 40 50 60\n"))
		return;
	for (i = 0; i < PROXY_COUNTERS_COUNT; i++) {
		CU_ASSERT_TRUE(counters.has[i]);
		CU_ASSERT_EQUAL(counters.sum[i], 11 * (i + 1));
	}
}

/* Fewer, in another order, with one that is not known; a last line that does not end. */
static void test_columns(void)
{
	if (!parses("cpu  sleeps other donations\ncpu0 7  8 9"))
		return;
	CU_ASSERT_EQUAL(counters.sum[PROXY_SLEEPS], 7);
	CU_ASSERT_EQUAL(counters.sum[PROXY_DONATIONS], 9);
	CU_ASSERT_TRUE(counters.has[PROXY_SLEEPS] && counters.has[PROXY_DONATIONS]);
	CU_ASSERT_FALSE(counters.has[PROXY_ACTIVATIONS]);
	CU_ASSERT_EQUAL(counters.sum[PROXY_ACTIVATIONS], 0);
}

static void test_largest(void)
{
	if (parses("cpu returns\ncpu0 18446744073709551615\n"))
		CU_ASSERT_EQUAL(counters.sum[PROXY_RETURNS], UINT64_MAX);
	check_refused("cpu returns\ncpu0 18446744073709551616\n", "column 2: too large");
}

static void test_refused_heads(void)
{
	char wide[512] = "cpu";
	int i;

	check_refused("", "begins with 'cpu'");
	check_refused("\n", "begins with 'cpu'");
	check_refused("cpus donations\ncpu0 1\n", "begins with 'cpu'");
	check_refused("cpu0 1 2 3 4 5 6\n", "begins with 'cpu'");
	check_refused("cpu sleeps sleeps\ncpu0 1 2\n", "column sleeps is there twice");
	for (i = 0; i < COLUMNS_MAX + 1; i++)
		strcat(wide, " x");
	check_refused(wide, "more than 32 columns");
}

static void test_refused_rows(void)
{
	check_refused(HEAD, "no line of a CPU");
	check_refused("cpu sleeps", "no line of a CPU");
	check_refused("cpu sleeps\ncpu0\n", "column 2: expected a number");
	check_refused("cpu sleeps\ncpu0 1 2\n", "more columns than the first");
	check_refused("cpu sleeps\ncpu0 -1\n", "found '-1'");
	check_refused("cpu sleeps\ncpu0 1x\n", "found '1x'");
	check_refused("cpu sleeps\ncpu 1\n", "found 'cpu'");
	check_refused("cpu sleeps\ncpux 1\n", "found 'cpux'");
	check_refused("cpu sleeps\nsum 1\n", "found 'sum'");
	check_refused("cpu sleeps\ncpu0 1\n\ncpu1 1\n", "found ''");
}

/* What counts as enough, and which counter is the first that falls short. */
static const struct {
	uint64_t donations, sleeps, activations, naps, least;
	enum proxy_counter lacking;
} enough[] = {
	{ 47077, 4130, 4124, 4276, 0, PROXY_COUNTERS_COUNT },
	{ 175, 22, 22, 69, 0, PROXY_COUNTERS_COUNT },
	{ 25, 5, 2, 100, 0, PROXY_COUNTERS_COUNT },
	{ 1, 1, 1, 3, 0, PROXY_COUNTERS_COUNT },
	{ 0, 0, 0, 20, 5, PROXY_DONATIONS },
	{ 24, 5, 5, 100, 25, PROXY_DONATIONS },
	{ 25, 4, 4, 100, 5, PROXY_SLEEPS },
	{ 1000, 0, 0, 100, 5, PROXY_SLEEPS },
	{ 22241, 2961, 0, 4611, 1480, PROXY_ACTIVATIONS },
	{ 22241, 2961, 1479, 4611, 1480, PROXY_ACTIVATIONS },
	{ 5, 1, 0, 20, 1, PROXY_ACTIVATIONS },
	{ 0, 0, 0, 0, 1, PROXY_DONATIONS },
};

static void test_enough(void)
{
	struct proxy_counters change = { .has = { false } };
	uint64_t least = 7;

	CU_ASSERT_EQUAL(proxy_counters_lacking(&change, 1000, &least), PROXY_COUNTERS_COUNT);
	CU_ASSERT_EQUAL(least, 7);
	for (size_t i = 0; i < ARRAY_COUNT(enough); i++) {
		change = (struct proxy_counters){
			.has = { true, true, true, true, true, true },
			.sum = { [PROXY_DONATIONS] = enough[i].donations,
				 [PROXY_SLEEPS] = enough[i].sleeps,
				 [PROXY_ACTIVATIONS] = enough[i].activations },
		};
		least = 0;
		CU_ASSERT_EQUAL(proxy_counters_lacking(&change, enough[i].naps, &least),
				enough[i].lacking);
		CU_ASSERT_EQUAL(least, enough[i].least);
	}
	/* 7.3's own proxy execution, counted by the first patch alone: nobody hangs. */
	change.has[PROXY_SLEEPS] = change.has[PROXY_ACTIVATIONS] = false;
	change.sum[PROXY_DONATIONS] = 25;
	CU_ASSERT_EQUAL(proxy_counters_lacking(&change, 100, &least), PROXY_COUNTERS_COUNT);
}

TEST_SUITE("proxy-counters",
	   { "sums over CPUs", test_sums },
	   { "other columns", test_columns },
	   { "the largest number", test_largest },
	   { "enough of what is to be shown", test_enough },
	   { "refused heads", test_refused_heads },
	   { "refused rows", test_refused_rows })
