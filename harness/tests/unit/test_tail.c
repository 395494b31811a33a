/* test_tail.c - distributions of times in the guest (workloads/runtime/tail.c):
 * percentiles by hand, what is kept of them, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "memory.h"
#include "test.h"

/* The guest's own, which means the same; and names that other tests have, too. */
#undef printf_like
#define workload_broken tail_workload_broken
#define sample_add tail_sample_add
#define artifact_add tail_artifact_add
#include "../../../workloads/runtime/tail.c"

/* --- what the runtime gives a workload, as far as it is used ---------------------- */

static jmp_buf ending;
static char reason[256], names[256], artifact_name[64], artifact[256];
static double values[8];
static size_t samples_count;

void workload_broken(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	longjmp(ending, 1);
}

void sample_add(const char *metric, double value)
{
	size_t length = strlen(names);

	snprintf(names + length, sizeof(names) - length, "%s ", metric);
	values[samples_count++ % ARRAY_COUNT(values)] = value;
}

void artifact_add(const char *name, const void *data, size_t length)
{
	snprintf(artifact_name, sizeof(artifact_name), "%s", name);
	snprintf(artifact, sizeof(artifact), "%.*s", (int)length, (const char *)data);
}

static void fakes_clear(void)
{
	reason[0] = names[0] = artifact_name[0] = artifact[0] = '\0';
	samples_count = 0;
}

static bool is_broken(struct tail *tail)
{
	fakes_clear();
	if (setjmp(ending))
		return true;
	tail_report(tail, "wait");
	return false;
}

/* --- tests -------------------------------------------------------------------------- */

static void test_ranks(void)
{
	static const uint64_t one[] = { 7 };
	uint64_t many[1000];

	for (size_t i = 0; i < 1000; i++)
		many[i] = i + 1;
	CU_ASSERT_EQUAL(tail_rank_ns(one, 1, 1), 7);
	CU_ASSERT_EQUAL(tail_rank_ns(one, 1, 500), 7);
	CU_ASSERT_EQUAL(tail_rank_ns(one, 1, 1000), 7);
	CU_ASSERT_EQUAL(tail_rank_ns(many, 1000, 1), 1);
	CU_ASSERT_EQUAL(tail_rank_ns(many, 1000, 500), 500);
	CU_ASSERT_EQUAL(tail_rank_ns(many, 1000, 990), 990);
	CU_ASSERT_EQUAL(tail_rank_ns(many, 1000, 999), 999);
	CU_ASSERT_EQUAL(tail_rank_ns(many, 1000, 1000), 1000);
	/* The next rank above the share: 1 of 2 is half, 2 of 3 are more than half. */
	CU_ASSERT_EQUAL(tail_rank_ns(many, 2, 500), 1);
	CU_ASSERT_EQUAL(tail_rank_ns(many, 3, 500), 2);
	CU_ASSERT_EQUAL(tail_rank_ns(many, 101, 990), 100);
	CU_ASSERT_EQUAL(tail_rank_ns(many, 100, 999), 100);
}

static void test_report(void)
{
	struct tail tail, other;

	tail_init_or_broken(&tail, 4);
	tail_init_or_broken(&other, 2);
	tail_add(&tail, 30);
	tail_add(&tail, 10);
	tail_add(&other, UINT64_C(5000000000));
	tail_join(&tail, &other);
	if (test_check(!is_broken(&tail))) {
		CU_ASSERT_STRING_EQUAL(names, "wait_p50_ns wait_p99_ns wait_p999_ns "
				       "wait_max_ns ");
		CU_ASSERT_EQUAL(values[0], 30);
		CU_ASSERT_EQUAL(values[1], 5e9);
		CU_ASSERT_EQUAL(values[3], 5e9);
		/* As they came. */
		CU_ASSERT_STRING_EQUAL(artifact_name, "wait.txt");
		CU_ASSERT_STRING_EQUAL(artifact, "30\n10\n5000000000\n");
	}
	tail_release(&other);
	tail_release(&tail);
	tail_release(&tail);
	CU_ASSERT_EQUAL(tail.count, 0);
}

/* A percentile of a part would be a wrong one. */
static void test_refused(void)
{
	struct tail tail, other;

	tail_init_or_broken(&tail, 2);
	tail_init_or_broken(&other, 1);
	CU_ASSERT_TRUE(is_broken(&tail));
	test_check_contains(reason, "wait: nothing was measured");
	CU_ASSERT_EQUAL(samples_count, 0);
	tail_add(&tail, 1);
	tail_add(&tail, 2);
	tail_add(&tail, 3);
	CU_ASSERT_TRUE(is_broken(&tail));
	test_check_contains(reason, "wait: 1 times found no room behind 2");
	CU_ASSERT_EQUAL(samples_count, 0);
	/* What another one lost is lost here, too. */
	tail.count = tail.lost_count = 0;
	tail_add(&other, 1);
	tail_add(&other, 2);
	tail_join(&tail, &other);
	CU_ASSERT_TRUE(is_broken(&tail));
	test_check_contains(reason, "wait: 1 times found no room behind 1");
	tail_release(&other);
	tail_release(&tail);
}

TEST_SUITE("tail", { "ranks", test_ranks }, { "samples and artifact", test_report },
	   { "refused", test_refused })
