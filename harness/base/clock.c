/* clock.c - the two clocks, and times as people read them. */
#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static uint64_t clock_read(clockid_t id)
{
	struct timespec now = { 0 };

	(void)clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ns(void)
{
	return clock_read(CLOCK_REALTIME);
}

static const char *format_utc(uint64_t wall_ns, const char *format,
			      char text[CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)(wall_ns / NS_PER_SECOND);
	struct tm parts;

	text[0] = '\0';
	if (gmtime_r(&seconds, &parts))
		(void)strftime(text, CLOCK_TEXT_MAX, format, &parts);
	return text;
}

const char *clock_format_utc(uint64_t wall_ns, char text[CLOCK_TEXT_MAX])
{
	return format_utc(wall_ns, "%Y-%m-%dT%H:%M:%SZ", text);
}

const char *clock_format_stamp(uint64_t wall_ns, char text[CLOCK_TEXT_MAX])
{
	return format_utc(wall_ns, "%Y%m%d-%H%M%S", text);
}

const char *duration_format(uint64_t ns, char text[CLOCK_TEXT_MAX])
{
	/* Rounded before the unit is chosen: 59.96 s reads "1 min 00 s". */
	uint64_t ms = ns / NS_PER_MS + (ns % NS_PER_MS >= NS_PER_MS / 2);
	uint64_t tenths = ms / 100 + (ms % 100 >= 50);
	uint64_t seconds = tenths / 10 + (tenths % 10 >= 5);
	uint64_t minutes = seconds / 60 + (seconds % 60 >= 30);

	if (ms < 1000)
		snprintf(text, CLOCK_TEXT_MAX, "%" PRIu64 " ms", ms);
	else if (tenths < 600)
		snprintf(text, CLOCK_TEXT_MAX, "%" PRIu64 ".%" PRIu64 " s",
			 tenths / 10, tenths % 10);
	else if (seconds < 3600)
		snprintf(text, CLOCK_TEXT_MAX, "%" PRIu64 " min %02" PRIu64 " s",
			 seconds / 60, seconds % 60);
	else
		snprintf(text, CLOCK_TEXT_MAX, "%" PRIu64 " h %02" PRIu64 " min",
			 minutes / 60, minutes % 60);
	return text;
}
