/* test_torture_log.c - the guest's reader of what the kernel's tests of locks print
 * (workloads/locktorture/torture_log.c). The lines are 7.3's.
 */
#include <errno.h>
#include <string.h>

#include "test.h"

#include "../../../workloads/locktorture/torture_log.c"

#define RECORD(text) "1,234,5678901,-,caller=T1;" text "\n"
#define START RECORD("mutex_lock-torture:--- Start of test [debug]: acq_writer_lim=0 " \
		     "bind_readers=0-63 nested_locks=8 writer_fifo=1")

static struct torture_log log_of(const char *const *records)
{
	struct torture_log log = { .verdict = TORTURE_RUNS };

	for (; *records; records++)
		CU_ASSERT_EQUAL(torture_log_read(&log, *records), 0);
	return log;
}

#define LOG(...) log_of((const char *const[]){ __VA_ARGS__, NULL })

static void test_progress(void)
{
	struct torture_log log = LOG(
		START, RECORD("Writes:  Total: 100  Max/Min: 60/40   Fail: 0 "),
		RECORD("Writes:  Total: 350  Max/Min: 160/90 ???  Fail: 0 "),
		RECORD("Writes:  Total: 400  Max/Min: 260/190   Fail: 0 "),
		RECORD("Writes:  Total: 700  Max/Min: 360/290   Fail: 0 "));

	test_check_string(log.type, "mutex_lock");
	CU_ASSERT_EQUAL(log.reports_count, 4);
	CU_ASSERT_EQUAL(log.total_count, 700);
	CU_ASSERT_EQUAL(log.previous_count, 400);
	CU_ASSERT_EQUAL(log.slowest_count, 50);
	CU_ASSERT_EQUAL(log.failures_count, 0);
	CU_ASSERT_EQUAL(log.verdict, TORTURE_RUNS);
}

/* That nobody had the lock shows; that no report but the first came, too. */
static void test_no_progress(void)
{
	struct torture_log log = LOG(
		START, RECORD("Writes:  Total: 100  Max/Min: 60/40   Fail: 0 "));

	CU_ASSERT_EQUAL(log.reports_count, 1);
	CU_ASSERT_EQUAL(log.previous_count, 0);
	CU_ASSERT_EQUAL(torture_log_read(&log, RECORD("Writes:  Total: 100  Max/Min: "
						      "60/40   Fail: 0 ")), 0);
	CU_ASSERT_EQUAL(log.previous_count, log.total_count);
	CU_ASSERT_EQUAL(log.slowest_count, 0);
}

static void test_failures(void)
{
	struct torture_log log = LOG(
		START, RECORD("Writes:  Total: 9  Max/Min: 6/3   Fail: 1 !!!"),
		RECORD("Reads :  Total: 9  Max/Min: 6/3   Fail: 1 !!!"),
		RECORD("Reads :  Total: 12  Max/Min: 8/4   Fail: 0 "));

	CU_ASSERT_EQUAL(log.failures_count, 2);
	CU_ASSERT_EQUAL(log.reports_count, 1);
}

static void test_verdicts(void)
{
	struct torture_log log = LOG(START, RECORD("mutex_lock-torture:--- End of test: "
						   "SUCCESS [debug]: nested_locks=8"));

	CU_ASSERT_EQUAL(log.verdict, TORTURE_SUCCESS);
	log = LOG(START, RECORD("mutex_lock-torture:--- End of test: FAILURE: x=1"));
	CU_ASSERT_EQUAL(log.verdict, TORTURE_FAILURE);
	log = LOG(RECORD("ww_mutex_lock-torture:--- Start of test: nested_locks=8"),
		  RECORD("ww_mutex_lock-torture:--- End of test: LOCK_HOTPLUG: x=1"));
	CU_ASSERT_EQUAL(log.verdict, TORTURE_HOTPLUG);
	test_check_string(log.type, "ww_mutex_lock");
}

static void test_hotplug(void)
{
	struct torture_log log = LOG(
		START, RECORD("mutex_lock-torture:torture_onoff task: offlining 1"),
		RECORD("mutex_lock-torture:torture_onoff task: offlined 1"),
		RECORD("mutex_lock-torture:torture_onoff task: onlining 1"),
		RECORD("mutex_lock-torture:torture_onoff task: onlined 1"),
		RECORD("mutex_lock-torture:torture_onoff task: offlined 1"),
		RECORD("mutex_lock-torture:torture_onoff task: online 1 failed: errno -5"),
		/* the kernel's own test does not count this one either */
		RECORD("mutex_lock-torture:torture_onoff task: offline 1 failed (-EBUSY "
		       "forgiven during boot): errno -16"));

	CU_ASSERT_EQUAL(log.offlines_count, 2);
	CU_ASSERT_EQUAL(log.onlines_count, 1);
	CU_ASSERT_EQUAL(log.hotplug_failures_count, 1);
}

static void test_selftests(void)
{
	struct torture_log log = LOG(
		RECORD("Beginning ww (wound) mutex selftests"),
		RECORD("Beginning ww (die) mutex selftests"),
		RECORD("All ww mutex selftests passed"),
		RECORD("Beginning ww (wound) mutex selftests"),
		RECORD("stress (stress_inorder_work) failed with -35"),
		RECORD("stress (stress_inorder_work) failed with -22"));

	CU_ASSERT_EQUAL(log.selftests_begun_count, 2);
	CU_ASSERT_EQUAL(log.selftests_passed_count, 1);
	CU_ASSERT_EQUAL(log.selftests_failed_count, 1);
}

static void test_refusal(void)
{
	struct torture_log log = LOG(RECORD("lock-torture: invalid torture type: \"mutx\""));

	test_check_string(log.type, "");
	test_check_contains(log.refusal, "invalid torture type: \"mutx\"");
}

/* What others print is not for us, whatever it says further on. */
static void test_others(void)
{
	static const struct torture_log none = { .verdict = TORTURE_RUNS };
	struct torture_log log = LOG(
		RECORD("smpboot: CPU 1 is now offline"), RECORD(""), "no record at all",
		RECORD("mutex_lock-torture: lock_torture_writer task started"),
		RECORD("mutex_stress: Writes:  Total: x"),
		RECORD("All ww mutex selftests pass"));

	CU_ASSERT_EQUAL(memcmp(&log, &none, sizeof(log)), 0);
}

static void refuse(const char *record)
{
	struct torture_log log = { .reports_count = 1, .total_count = 50 };
	const struct torture_log before = log;

	CU_ASSERT_EQUAL(torture_log_read(&log, record), -EINVAL);
	CU_ASSERT_EQUAL(memcmp(&log, &before, sizeof(log)), 0);
}

static void test_refused(void)
{
	refuse(RECORD("Writes:"));
	refuse(RECORD("Reads :  Total: 100  Max/Min: 60/40 "));
	refuse(RECORD("Reads :  Total: 100  Max/Min: 60/40   Fail: x "));
	refuse(RECORD("Writes:  Total: 100"));
	refuse(RECORD("Writes:  Total: x  Max/Min: 60/40   Fail: 0 "));
	refuse(RECORD("Writes:  Total: 100  Max/Min: 60   Fail: 0 "));
	refuse(RECORD("Writes:  Total: 100  Max/Min: 60/40 "));
	refuse(RECORD("Writes:  Total: 100  Max/Min: 60/40   Fail: x "));
	/* fewer than before */
	refuse(RECORD("Writes:  Total: 49  Max/Min: 60/40   Fail: 0 "));
}

TEST_SUITE("torture-log",
	   { "progress", test_progress },
	   { "no progress", test_no_progress },
	   { "a lock had by two", test_failures },
	   { "verdicts", test_verdicts },
	   { "CPUs", test_hotplug },
	   { "self tests", test_selftests },
	   { "refused to begin", test_refusal },
	   { "lines of others", test_others },
	   { "refused statistics", test_refused })
