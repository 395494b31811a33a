/* signaltest.c - how long a signal takes round a ring of real-time threads, by rt-tests'
 * own program.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "workload.h"

#define JSON_PATH "/tmp/signaltest.json"
#define OPTION_SIZE 32

static void measure(uint32_t round)
{
	static char loops[OPTION_SIZE], threads[OPTION_SIZE], priority[OPTION_SIZE];
	const char *argv[] = { "signaltest", "--quiet", "--mlockall", loops, threads,
			       priority, "--json=" JSON_PATH, NULL };

	(void)round;
	snprintf(loops, sizeof(loops), "--loops=%lld",
		 (long long)parameter_number("loops"));
	snprintf(threads, sizeof(threads), "--threads=%lld",
		 (long long)parameter_number("threads"));
	snprintf(priority, sizeof(priority), "--prio=%lld",
		 (long long)parameter_number("priority"));
	(void)unlink(JSON_PATH);
	tool_measure(argv, -1);
	artifact_add_file("signaltest.json", JSON_PATH);
}

static const char *const tools[] = { "signaltest", NULL };
static const char *const options[] = { "CONFIG_HIGH_RES_TIMERS", NULL };

const struct workload workload = {
	.name = "signaltest",
	.purpose = "Signals round a ring of real-time threads (rt-tests' signaltest)",
	.metrics = (const struct metric[]){
		{ "latency_avg_ns", "ns", "lower", "time", false, "Mean over all threads" },
		{ "latency_max_ns", "ns", "lower", "tail", false, "The longest of all threads" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "loops", 1, 1000000000, NULL, "2000", "Signals to each thread" },
		{ "threads", 2, 256, NULL, "2", "In the ring" },
		{ "priority", 1, 99, NULL, "80", "SCHED_FIFO priority of the first" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_tools = tools,
	.needs_vcpus = 1,
	.is_counted = true,
	.measure = measure,
};
