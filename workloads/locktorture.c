/* locktorture.c - the kernel's own torture of locks (kernel/locking/locktorture.c) and
 * its self tests of ww_mutex, watched: every interval must show more acquisitions than
 * the one before, and nobody may have had a lock at the same time as another.
 *
 * Guests have no modules. Built in, the torture begins at boot, with what the command
 * line says (locktorture.torture_type=..., in the guest's shape); it ends by itself only
 * by switching the machine off, so its verdict is made here of the same facts: locks
 * had by two, CPUs that did not go or come. The self tests run at boot too, and again
 * when they are told to.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "locktorture/torture_log.h"
#include "workload.h"

#define SELFTEST "ww_selftest"
#define SELFTEST_PATH "/sys/kernel/test_ww_mutex/run_tests"
#define POLL_MS 500
#define PRIORITY 95              /* above the writers, which may be real-time tasks */

static struct {
	int log_fd;
	struct torture_log log;
} state = { .log_fd = -1 };

/* All that came since it was called last. */
static void log_follow(void)
{
	static char record[8192];
	ssize_t n;

	for (;;) {
		n = read(state.log_fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			workload_broken("/dev/kmsg: %s", errno == EPIPE ?
					"the kernel's log has overwritten what was not "
					"yet read" : strerror(errno));
		record[n] = '\0';
		if (torture_log_read(&state.log, record) < 0)
			workload_broken("statistics that cannot be read: %s", record);
	}
}

static void setup(void)
{
	const struct sched_param parameters = { .sched_priority = PRIORITY };

	state.log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (state.log_fd < 0)
		workload_broken("/dev/kmsg: %s", strerror(errno));
	if (sched_setscheduler(0, SCHED_FIFO, &parameters) < 0)
		workload_broken("real-time priority: %s", strerror(errno));
	log_follow();
}

/* Who waits where goes to the console: nobody can look later. */
static void hang_print(void)
{
	(void)text_write("/proc/sysrq-trigger", "t");
	(void)text_write("/proc/sysrq-trigger", "w");
	(void)text_write("/proc/sysrq-trigger", "l");
}

static void verdict_check(const struct torture_log *log)
{
	if (log->failures_count || log->verdict == TORTURE_FAILURE)
		workload_failed("a lock was had by two at once");
	if (log->hotplug_failures_count || log->verdict == TORTURE_HOTPLUG)
		workload_failed("%u times a CPU did not go or come",
				log->hotplug_failures_count);
	if (log->reports_count > 1 && log->total_count == log->previous_count) {
		hang_print();
		workload_failed("no writer got the lock between two reports, after %llu "
				"times", (unsigned long long)log->total_count);
	}
}

static void torture_watch(const char *type)
{
	uint64_t now_ns = clock_now_ns(), progress_ns = now_ns;
	uint64_t end_ns = now_ns + (uint64_t)parameter_number("duration_s") * 1000000000u;
	uint64_t patience_ns = (uint64_t)parameter_number("patience_s") * 1000000000u;
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	uint32_t reports_count = state.log.reports_count;

	if (strcmp(state.log.type, type))
		workload_broken("the kernel tortures %s, not %s (guest shape torture-*): %s",
				*state.log.type ? state.log.type : "nothing", type,
				state.log.refusal);
	while (now_ns < end_ns) {
		nanosleep(&pause, NULL);
		log_follow();
		verdict_check(&state.log);
		now_ns = clock_now_ns();
		if (state.log.reports_count != reports_count)
			progress_ns = now_ns;
		reports_count = state.log.reports_count;
		if (now_ns - progress_ns > patience_ns) {
			hang_print();
			workload_failed("no statistics for %llu s",
					(unsigned long long)(patience_ns / 1000000000u));
		}
	}
	if (reports_count < 2)
		workload_broken("fewer than two reports (locktorture.stat_interval=)");
	sample_add("acquired_count", (double)state.log.total_count);
	sample_add("slowest_count", (double)state.log.slowest_count);
	sample_add("unplugs_count", state.log.offlines_count);
}

/* Returns when the tests are over. The kernel says only in its log how it went. */
static void selftest_run(void)
{
	uint64_t begin_ns;

	if (state.log.selftests_begun_count != 1)
		workload_broken("the self tests of ww_mutex did not run at boot");
	if (!state.log.selftests_passed_count || state.log.selftests_failed_count)
		workload_failed("the self tests of ww_mutex failed at boot");
	begin_ns = clock_now_ns();
	text_write_or_broken(SELFTEST_PATH, "1");
	sample_add("selftest_ns", (double)(clock_now_ns() - begin_ns));
	log_follow();
	if (state.log.selftests_begun_count != 2)
		workload_broken("the self tests of ww_mutex did not begin");
	if (state.log.selftests_passed_count != 2 || state.log.selftests_failed_count)
		workload_failed("the self tests of ww_mutex failed");
}

static void measure(uint32_t round)
{
	const char *type = parameter_word("type");

	(void)round;
	if (!strcmp(type, SELFTEST))
		selftest_run();
	else
		torture_watch(type);
}

static void cleanup(void)
{
	if (state.log_fd >= 0)
		close(state.log_fd);
}

static const char *const types[] = { "mutex_lock", "ww_mutex_lock", "rwsem_lock", SELFTEST, NULL };
static const char *const options[] = { "CONFIG_LOCK_TORTURE_TEST",
				       "CONFIG_WW_MUTEX_SELFTEST", NULL };

const struct workload workload = {
	.name = "locktorture",
	.purpose = "The kernel's own torture and self tests of sleeping locks, watched",
	.metrics = (const struct metric[]){
		{ "acquired_count", "count", "higher", "count", false,
		  "How often writers got the lock" },
		{ "slowest_count", "count", "higher", "count", true,
		  "Fewest of an interval of the statistics" },
		{ "unplugs_count", "count", "higher", "count", true,
		  "CPUs that the torture took away" },
		{ "selftest_ns", "ns", "lower", "time", true, "The self tests of ww_mutex" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "type", 0, 0, types, "mutex_lock",
		  "What is tortured, as the guest's command line says; or the self tests" },
		{ "duration_s", 10, 86400, NULL, "60", "How long the torture is watched" },
		{ "patience_s", 10, 3600, NULL, "60", "Longest time without statistics" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 128,
	.needs_vcpus = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
