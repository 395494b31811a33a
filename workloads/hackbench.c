/* hackbench.c - groups of tasks that send each other messages, by rt-tests' own
 * program: how fast tasks are woken and switched when there are many of them.
 *
 * A round is one run of the tool. What it prints is kept word by word in one artifact,
 * run after run, and the host turns that into the metrics declared here
 * (harness/model/tool_output.c).
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool_rounds.h"
#include "workload.h"

#define OPTION_SIZE 32

static void setup(void)
{
	tool_rounds_open("hackbench.txt");
}

#define ARGV_MAX 8

/* argv[ARGV_MAX], whose words are static. */
static void make_argv(int64_t loops_count, const char **argv)
{
	static char groups[OPTION_SIZE], loops[OPTION_SIZE], fds[OPTION_SIZE];
	static char data[OPTION_SIZE];
	const char *const words[] = { "hackbench", groups, loops, fds, data };
	size_t count = sizeof(words) / sizeof(words[0]);

	memset(argv, 0, ARGV_MAX * sizeof(*argv));
	memcpy(argv, words, sizeof(words));
	snprintf(groups, sizeof(groups), "-g%lld",
		 (long long)parameter_number("groups"));
	snprintf(loops, sizeof(loops), "-l%lld", (long long)loops_count);
	snprintf(fds, sizeof(fds), "-f%lld", (long long)parameter_number("fds"));
	snprintf(data, sizeof(data), "-s%lld",
		 (long long)parameter_number("data_bytes"));
	if (!strcmp(parameter_word("by"), "pipe"))
		argv[count++] = "-p";
	if (!strcmp(parameter_word("tasks"), "threads"))
		argv[count++] = "-T";
}

static void measure(uint32_t round)
{
	const char *argv[ARGV_MAX];

	make_argv(parameter_number("loops"), argv);
	tool_rounds_run(round, argv);
}

/* --- as a load ------------------------------------------------------------------- */

/* Years of messages. */
static void load(void)
{
	const char *argv[ARGV_MAX];

	make_argv(INT32_MAX, argv);
	load_exec(argv);
}

/* Itself, senders and receivers. */
static uint32_t load_tasks(void)
{
	return 1 + (uint32_t)(2 * parameter_number("groups") * parameter_number("fds"));
}

/* Told to end it does so by the signal or in order, and has nothing to say. */
static void load_ended(int status, const char *message)
{
	if (WIFEXITED(status) && WEXITSTATUS(status))
		workload_broken("hackbench: exit status %d: %s", WEXITSTATUS(status), message);
}

static const char *const load_parameters[] = { "groups", "fds", "data_bytes", "by", "tasks",
					       NULL };
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
	.cleanup = tool_rounds_close,
	.load_parameters = load_parameters,
	.load = load,
	.load_tasks = load_tasks,
	.load_ended = load_ended,
};
