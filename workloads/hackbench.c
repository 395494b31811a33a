/* hackbench.c - groups of tasks that send each other messages, by rt-tests' own
 * program: how fast tasks are woken and switched when there are many of them.
 *
 * A round is one run of the tool. What it prints is kept word by word in one artifact,
 * run after run, and the host turns that into the metrics declared here
 * (harness/model/tool_output.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "workload.h"

#define OUTPUT_PATH "/tmp/hackbench.txt"
#define OPTION_SIZE 32

static struct {
	int output_fd;            /* of the rounds that count */
	uint32_t rounds_count;
} state = { .output_fd = -1 };

static void setup(void)
{
	state.rounds_count = (uint32_t)parameter_number("rounds");
	state.output_fd = open(OUTPUT_PATH,
			       O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	if (state.output_fd < 0)
		workload_broken("%s: %s", OUTPUT_PATH, strerror(errno));
}

static void run_hackbench(int output_fd)
{
	static char groups[OPTION_SIZE], loops[OPTION_SIZE], fds[OPTION_SIZE];
	static char data[OPTION_SIZE];
	const char *argv[] = { "hackbench", groups, loops, fds, data, NULL, NULL, NULL };
	size_t count = 5;

	snprintf(groups, sizeof(groups), "-g%lld",
		 (long long)parameter_number("groups"));
	snprintf(loops, sizeof(loops), "-l%lld",
		 (long long)parameter_number("loops"));
	snprintf(fds, sizeof(fds), "-f%lld", (long long)parameter_number("fds"));
	snprintf(data, sizeof(data), "-s%lld",
		 (long long)parameter_number("data_bytes"));
	if (!strcmp(parameter_word("by"), "pipe"))
		argv[count++] = "-p";
	if (!strcmp(parameter_word("tasks"), "threads"))
		argv[count++] = "-T";
	tool_measure(argv, output_fd);
}

static void measure(uint32_t round)
{
	bool is_warmup = round < workload.warmup_rounds;

	run_hackbench(is_warmup ? -1 : state.output_fd);
	if (round + 1 == workload.warmup_rounds + state.rounds_count)
		artifact_add_file("hackbench.txt", OUTPUT_PATH);
}

static void cleanup(void)
{
	if (state.output_fd >= 0)
		close(state.output_fd);
	(void)unlink(OUTPUT_PATH);
}

static const char *const means[] = { "socket", "pipe", NULL };
static const char *const kinds[] = { "processes", "threads", NULL };
static const char *const tools[] = { "hackbench", NULL };
static const char *const options[] = { "CONFIG_UNIX", "CONFIG_HIGH_RES_TIMERS", NULL };

const struct workload workload = {
	.name = "hackbench",
	.purpose = "Messages between groups of tasks (rt-tests' hackbench)",
	.metrics = (const struct metric[]){
		{ "run_ns", "ns", "lower", "time", false,
		  "One run of the tool by its own clock, in steps of a millisecond" },
		{ "messages_per_s", "1/s", "higher", "rate", true,
		  "Messages of all senders over that time" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "groups", 1, 1000, NULL, "2", "Groups of senders and receivers" },
		{ "fds", 1, 500, NULL, "20",
		  "Senders of a group, and as many receivers" },
		{ "loops", 1, 1000000000, NULL, "50",
		  "Messages of each sender to each receiver" },
		{ "data_bytes", 1, 4096, NULL, "100",
		  "Size of a message; the tool has it on the stack of its threads" },
		{ "by", 0, 0, means, "socket", "What messages go through" },
		{ "tasks", 0, 0, kinds, "processes", "What senders and receivers are" },
		{ "rounds", 1, 1000, NULL, "5", "Runs that count" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_tools = tools,
	.needs_memory_mib = 256,
	.needs_vcpus = 1,
	.is_counted = true,
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
