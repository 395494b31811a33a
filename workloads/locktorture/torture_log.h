/* torture_log.h - what the kernel's tests of locks say in its log: kernel/torture.c,
 * kernel/locking/locktorture.c and kernel/locking/test-ww_mutex.c of Linux 7.3. No
 * state but what is passed in: the unit tests use it too.
 */
#ifndef KERNGATE_LOCKTORTURE_TORTURE_LOG_H
#define KERNGATE_LOCKTORTURE_TORTURE_LOG_H

#include <stdint.h>

enum torture_verdict {
	TORTURE_RUNS,            /* none yet; built in, it never ends by itself */
	TORTURE_SUCCESS,
	TORTURE_FAILURE,         /* a lock was had by two */
	TORTURE_HOTPLUG,         /* a CPU did not go or come */
};

struct torture_log {
	char type[32];           /* "mutex_lock"; "": it has not begun */
	char refusal[96];        /* why it did not begin; "": nothing said */
	enum torture_verdict verdict;
	uint32_t reports_count;  /* of statistics on writers */
	uint64_t total_count, previous_count;  /* acquired, by the last two of them */
	uint64_t slowest_count;  /* fewest that one of them added to the one before */
	uint32_t failures_count; /* reports on a lock that was had by two, of writers or readers */
	uint32_t offlines_count, onlines_count, hotplug_failures_count;
	/* of ww_mutex; failed: complaints of a test that passes for all that */
	uint32_t selftests_begun_count, selftests_passed_count, selftests_failed_count;
};

/* Takes in a record of /dev/kmsg. 0, also of what is not about locks; or -EINVAL of a
 * record that begins as statistics and does not go on so. */
int torture_log_read(struct torture_log *log, const char *record);

#endif
