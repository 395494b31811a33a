/* pi_stress.c - futexes with priority inheritance under inversions, by rt-tests' own
 * program: groups of three real-time threads each make the high one wait for the low
 * one while the middle one would keep it from the CPU. A group that stands still is
 * found by the tool's watchdog: then the kernel has failed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

#define JSON_PATH "/tmp/pi_stress.json"
#define OPTION_SIZE 48

static void measure(uint32_t round)
{
	static char inversions[OPTION_SIZE], groups[OPTION_SIZE], duration[OPTION_SIZE];
	const char *argv[] = { "pi_stress", "--quiet", inversions, groups, duration,
			       "--json=" JSON_PATH, NULL, NULL };
	char message[256];
	int status, wait_status;
	uint64_t begin_ns, end_ns;

	(void)round;
	snprintf(inversions, sizeof(inversions), "--inversions=%lld",
		 (long long)parameter_number("inversions"));
	snprintf(groups, sizeof(groups), "--groups=%lld",
		 (long long)parameter_number("groups"));
	snprintf(duration, sizeof(duration), "--duration=%lld",
		 (long long)parameter_number("time_limit_s"));
	if (!strcmp(parameter_word("placement"), "one_cpu"))
		argv[6] = "--uniprocessor";
	(void)unlink(JSON_PATH);
	begin_ns = clock_now_ns();
	workload_region_begin(MARKER_REGION_OWN);
	status = tool_run(argv, message, sizeof(message), &wait_status);
	workload_region_end(MARKER_REGION_OWN);
	end_ns = clock_now_ns();
	if (status < 0)
		workload_broken("pi_stress: killed by signal %d", WTERMSIG(wait_status));
	if (status > 0)
		workload_failed("pi_stress: exit status %d: %s", status, message);
	sample_add("run_ns", (double)(end_ns - begin_ns));
	artifact_add_file("pi_stress.json", JSON_PATH);
}

static const char *const placements[] = { "any", "one_cpu", NULL };
static const char *const tools[] = { "pi_stress", NULL };
static const char *const options[] = { "CONFIG_FUTEX", "CONFIG_FUTEX_PI", NULL };

const struct workload workload = {
	.name = "pi_stress",
	.purpose = "Priority inheritance of futexes under inversions (rt-tests' pi_stress)",
	.metrics = (const struct metric[]){
		{ "run_ns", "ns", "lower", "time", false,
		  "All inversions, with the start and the end of the tool" },
		{ "inversions_count", "count", "higher", "count", true,
		  "Inversions by the tool's count" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "inversions", 1, 1000000000, NULL, "2000", "Of each group" },
		{ "groups", 1, 100, NULL, "1", "Of three threads" },
		{ "placement", 0, 0, placements, "any", "Which CPUs threads may use" },
		{ "time_limit_s", 1, 86400, NULL, "60", "Ends the tool before all are made" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_tools = tools,
	.needs_vcpus = 1,
	.is_counted = true,
	.measure = measure,
};
