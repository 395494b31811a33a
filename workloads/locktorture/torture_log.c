/* torture_log.c - see torture_log.h. */
#include "torture_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FLAG "-torture:"
/* What a self test says that backs off (EDEADLK) when its time is up. */
#define END_OF_TIME "stress_inorder_work) failed with -35"

static bool text_begins(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

/* "Writes:  Total: 93746064  Max/Min: 0/0 ???  Fail: 0 " */
static int statistics_read(struct torture_log *log, const char *message)
{
	const char *failure = strstr(message, " Fail: ");
	uint64_t total, most, least;
	unsigned int failed;

	if (sscanf(message, "Writes: Total: %" SCNu64 " Max/Min: %" SCNu64 "/%" SCNu64,
		   &total, &most, &least) != 3 || !failure ||
	    sscanf(failure, " Fail: %u", &failed) != 1)
		return -EINVAL;
	if (log->reports_count > 0 && total < log->total_count)
		return -EINVAL;
	if (log->reports_count > 0 &&
	    (log->reports_count == 1 || total - log->total_count < log->slowest_count))
		log->slowest_count = total - log->total_count;
	log->previous_count = log->reports_count ? log->total_count : 0;
	log->total_count = total;
	log->reports_count++;
	if (failed)
		log->failures_count++;
	return 0;
}

/* The same of readers, of whom only that is looked at. */
static int readers_read(struct torture_log *log, const char *message)
{
	const char *failure = strstr(message, " Fail: ");
	unsigned int failed;

	if (!failure || sscanf(failure, " Fail: %u", &failed) != 1)
		return -EINVAL;
	if (failed)
		log->failures_count++;
	return 0;
}

static void phase_read(struct torture_log *log, const char *text, const char *type,
		       size_t type_length)
{
	static const struct {
		const char *text;
		enum torture_verdict verdict;
	} verdicts[] = {
		{ "End of test: SUCCESS", TORTURE_SUCCESS },
		{ "End of test: FAILURE", TORTURE_FAILURE },
		{ "End of test: LOCK_HOTPLUG", TORTURE_HOTPLUG },
	};
	size_t i;

	if (text_begins(text, "Start of test"))
		snprintf(log->type, sizeof(log->type), "%.*s", (int)type_length, type);
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (text_begins(text, verdicts[i].text))
			log->verdict = verdicts[i].verdict;
}

static void hotplug_read(struct torture_log *log, const char *text)
{
	if (strstr(text, " failed: errno "))
		log->hotplug_failures_count++;
	else if (text_begins(text, "offlined "))
		log->offlines_count++;
	else if (text_begins(text, "onlined "))
		log->onlines_count++;
}

int torture_log_read(struct torture_log *log, const char *record)
{
	static const char onoff[] = "torture_onoff task: ";
	const char *message = strchr(record, ';'), *flag;

	if (!message)
		return 0;
	message++;
	if (text_begins(message, "Writes:"))
		return statistics_read(log, message);
	if (text_begins(message, "Reads :"))
		return readers_read(log, message);
	if (text_begins(message, "lock-torture: "))
		snprintf(log->refusal, sizeof(log->refusal), "%s", message + 14);
	else if (text_begins(message, "Beginning ww (wound) mutex selftests"))
		log->selftests_begun_count++;
	else if (text_begins(message, "All ww mutex selftests passed"))
		log->selftests_passed_count++;
	else if (text_begins(message, "stress (") && !strstr(message, END_OF_TIME))
		log->selftests_failed_count++;
	flag = strstr(message, FLAG);
	if (!flag)
		return 0;
	if (text_begins(flag + strlen(FLAG), "--- "))
		phase_read(log, flag + strlen(FLAG) + 4, message,
			   (size_t)(flag - message));
	else if (text_begins(flag + strlen(FLAG), onoff))
		hotplug_read(log, flag + strlen(FLAG) + strlen(onoff));
	return 0;
}
