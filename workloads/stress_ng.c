/* stress_ng.c - one stressor of stress-ng, and how many of its operations it makes; or
 * that stressor as a load. The numbers are "bogo": they compare the same stressor of the
 * same version with itself.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

#define YAML_PATH "/tmp/stress-ng.yaml"
#define LOAD_YAML_PATH "/tmp/load.stress-ng.yaml"
#define OPTION_SIZE 64

/* What an operation of mmap and of vm works on. Their own 256 MiB take an emulated guest
 * longer than a row has: a run without a single operation. */
#define SIZES "--mmap-bytes", "4m", "--vm-bytes", "16m"
#define OPS_AT 16 /* place of the first NULL in measure()'s list */

/* Exit statuses of stress-ng(1). */
enum {
	STRESS_FAILED = 2,
	STRESS_NO_RESOURCE = 3,
	STRESS_NOT_IMPLEMENTED = 4,
	STRESS_NOT_TRUSTWORTHY = 7,
};

static _Noreturn void refuse(int status, const char *message)
{
	const char *stressor = parameter_word("stressor");

	switch (status) {
	case STRESS_FAILED:
		workload_failed("stress-ng: %s found something wrong: %s", stressor, message);
	case STRESS_NOT_IMPLEMENTED:
		workload_skipped("stress-ng: %s cannot run here: %s", stressor, message);
	case STRESS_NO_RESOURCE:
		workload_broken("stress-ng: %s lacked memory or other resources: %s",
				stressor, message);
	case STRESS_NOT_TRUSTWORTHY:
		workload_broken("stress-ng: its metrics are not to be trusted: %s", message);
	default:
		workload_broken("stress-ng: exit status %d: %s", status, message);
	}
}

static void measure(uint32_t round)
{
	static char stressor[OPTION_SIZE], workers[OPTION_SIZE], ops[OPTION_SIZE];
	static char ops_count[OPTION_SIZE], length[OPTION_SIZE];
	const char *argv[] = { "stress-ng", stressor, workers, "--timeout", length, "--metrics",
			       "--no-rand-seed", "--temp-path", "/tmp", "--log-brief",
			       "--yaml", YAML_PATH, SIZES, [OPS_AT] = NULL, NULL, NULL };
	char message[256];
	int status, wait_status;

	(void)round;
	snprintf(stressor, sizeof(stressor), "--%s", parameter_word("stressor"));
	snprintf(workers, sizeof(workers), "%lld", (long long)parameter_number("workers"));
	snprintf(length, sizeof(length), "%llds", (long long)parameter_number("duration_s"));
	if (parameter_number("ops")) {
		snprintf(ops, sizeof(ops), "--%s-ops", parameter_word("stressor"));
		snprintf(ops_count, sizeof(ops_count), "%lld",
			 (long long)parameter_number("ops"));
		argv[OPS_AT] = ops;
		argv[OPS_AT + 1] = ops_count;
	}
	(void)unlink(YAML_PATH);
	workload_region_begin(MARKER_REGION_OWN);
	status = tool_run(argv, message, sizeof(message), &wait_status);
	workload_region_end(MARKER_REGION_OWN);
	if (status < 0)
		workload_broken("stress-ng: killed by signal %d", WTERMSIG(wait_status));
	if (status > 0)
		refuse(status, message);
	artifact_add_file("stress-ng.yaml", YAML_PATH);
}

/* --- as a load ------------------------------------------------------------------- */

static void load(void)
{
	static char stressor[OPTION_SIZE], workers[OPTION_SIZE];
	const char *const argv[] = { "stress-ng", stressor, workers, "--timeout", "0", "--metrics",
				     "--no-rand-seed", "--temp-path", "/tmp", "--log-brief",
				     "--yaml", LOAD_YAML_PATH, SIZES, NULL };

	snprintf(stressor, sizeof(stressor), "--%s", parameter_word("stressor"));
	snprintf(workers, sizeof(workers), "%lld", (long long)parameter_number("workers"));
	(void)unlink(LOAD_YAML_PATH);
	load_exec(argv);
}

/* Itself and a process for each worker. */
static uint32_t load_tasks(void)
{
	return 1 + (uint32_t)parameter_number("workers");
}

static void load_ended(int status, const char *message)
{
	if (WIFEXITED(status) && WEXITSTATUS(status))
		refuse(WEXITSTATUS(status), message);
	if (WIFEXITED(status))
		artifact_add_file("load.stress-ng.yaml", LOAD_YAML_PATH);
}

static const char *const stressors[] = {
	"cpu", "context", "fork", "futex", "get", "mmap", "mutex", "pipe", "poll", "pthread",
	"sem", "sock", "switch", "vm", "yield", NULL
};
static const char *const tools[] = { "stress-ng", NULL };
static const char *const load_parameters[] = { "stressor", "workers", NULL };

const struct workload workload = {
	.name = "stress_ng",
	.purpose = "Operations that a stressor of stress-ng makes",
	.metrics = (const struct metric[]){
		{ "bogo_ops_per_s", "1/s", "higher", "rate", false,
		  "Operations of all workers by real time" },
		{ "bogo_ops_count", "count", "higher", "count", true, "Operations in all" },
		{ "run_ns", "ns", "lower", "time", true, "By the tool's clock" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "stressor", 0, 0, stressors, "switch", "What is done over and over" },
		{ "workers", 1, 1000, NULL, "1", "Processes that do it" },
		{ "duration_s", 1, 86400, NULL, "5", "At most" },
		{ "ops", 0, 1000000000, NULL, "0",
		  "Ends after so many operations; 0: after the duration" },
		{ .name = NULL },
	},
	.needs_tools = tools,
	.needs_memory_mib = 512,
	.needs_vcpus = 1,
	.is_counted = true,
	.measure = measure,
	.load_parameters = load_parameters,
	.load = load,
	.load_tasks = load_tasks,
	.load_ended = load_ended,
};
