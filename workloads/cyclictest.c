/* cyclictest.c - wake-up latency of real-time threads, by rt-tests' own program.
 *
 * The tool measures and writes JSON with a histogram for each thread; the host
 * turns that artifact into the metrics declared here (harness/model/
 * tool_output.c), so that the whole distribution is kept.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

#define JSON_PATH "/tmp/cyclictest.json"
#define OPTION_SIZE 64
#define RESOLUTION_MAX_NS 1000

/* With no clock source that it trusts the kernel stays at its periodic tick, and
 * every latency is the tick's. */
static void setup(void)
{
	struct timespec resolution;

	if (clock_getres(CLOCK_MONOTONIC, &resolution) < 0 ||
	    resolution.tv_sec || resolution.tv_nsec > RESOLUTION_MAX_NS)
		workload_broken("high-resolution timers are not active");
}

static void measure(uint32_t round)
{
	static char priority[OPTION_SIZE], interval[OPTION_SIZE], length[OPTION_SIZE];
	static char histogram[OPTION_SIZE], threads[OPTION_SIZE];
	const char *argv[] = { "cyclictest", "--mlockall", "--quiet", priority,
			       interval, length, histogram, threads,
			       "--json=" JSON_PATH, NULL, NULL };
	char message[256];
	int status, wait_status;

	(void)round;
	snprintf(priority, sizeof(priority), "--priority=%lld",
		 (long long)parameter_number("priority"));
	snprintf(interval, sizeof(interval), "--interval=%lld",
		 (long long)parameter_number("interval_us"));
	snprintf(histogram, sizeof(histogram), "--histogram=%lld",
		 (long long)parameter_number("histogram_us"));
	if (parameter_number("loops"))
		snprintf(length, sizeof(length), "--loops=%lld",
			 (long long)parameter_number("loops"));
	else
		snprintf(length, sizeof(length), "--duration=%lld",
			 (long long)parameter_number("duration_s"));
	if (parameter_number("threads")) {
		snprintf(threads, sizeof(threads), "--threads=%lld",
			 (long long)parameter_number("threads"));
		argv[9] = "--affinity";
	} else {
		snprintf(threads, sizeof(threads), "--smp");
	}
	(void)unlink(JSON_PATH);
	status = tool_run(argv, message, sizeof(message), &wait_status);
	if (status < 0)
		workload_broken("cyclictest: killed by signal %d",
				WTERMSIG(wait_status));
	if (status > 0)
		workload_broken("cyclictest: exit status %d: %s", status, message);
	artifact_add_file("cyclictest.json", JSON_PATH);
}

static const char *const tools[] = { "cyclictest", NULL };
static const char *const options[] = { "CONFIG_HIGH_RES_TIMERS", NULL };

const struct workload workload = {
	.name = "cyclictest",
	.purpose = "Wake-up latency of real-time threads (rt-tests' cyclictest)",
	.metrics = (const struct metric[]){
		{ "latency_p50_ns", "ns", "lower", "time", false,
		  "Median over all threads, from the histograms" },
		{ "latency_p99_ns", "ns", "lower", "time", false,
		  "99th percentile over all threads, from the histograms" },
		{ "latency_max_ns", "ns", "lower", "tail", false,
		  "The longest of all threads" },
		{ "latency_avg_ns", "ns", "lower", "time", true,
		  "Mean over all threads" },
		{ "overflow_count", "count", "lower", "count", true,
		  "Wake-ups beyond histogram_us; a percentile among them is given as that" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "priority", 1, 99, NULL, "80", "SCHED_FIFO priority" },
		{ "interval_us", 50, 1000000, NULL, "1000", "Time between wake-ups" },
		{ "duration_s", 1, 86400, NULL, "10", "Length, when loops is 0" },
		{ "loops", 0, 1000000000, NULL, "0", "Wake-ups of each thread" },
		{ "threads", 0, 256, NULL, "0",
		  "Threads, one a CPU in turn; 0: one on every CPU" },
		{ "histogram_us", 100, 1000000, NULL, "20000",
		  "Latencies beyond it are counted, and their longest kept" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_tools = tools,
	.needs_vcpus = 1,
	.is_counted = true,
	.setup = setup,
	.measure = measure,
};
