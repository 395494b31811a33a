/* fio.c - requests to a file on tmpfs, a virtual disk or an NVDIMM, by fio's own
 * program. A round is one run of the tool; what it writes is kept, run after run, in one
 * artifact, and the host turns that into metrics (harness/model/fio_output.c).
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool_rounds.h"
#include "workload.h"

#define LOAD_OUTPUT_PATH "/tmp/load.fio.json"
#define LOAD_FILE "/tmp/load.fio.data"
#define OPTION_SIZE 64

static struct {
	const char *file;
	bool is_device;
} state;

static void choose_file(const char *on_tmpfs)
{
	const char *on = parameter_word("on");
	struct stat status;

	state.is_device = strcmp(on, "tmpfs") != 0;
	if (!state.is_device)
		state.file = on_tmpfs;
	else
		state.file = !strcmp(on, "disk") ? "/dev/vda" : "/dev/pmem0";
	if (state.is_device && (stat(state.file, &status) < 0 || !S_ISBLK(status.st_mode)))
		workload_skipped("no %s: a guest shape with %s is needed", state.file,
				 !strcmp(on, "disk") ? "disk_mib" : "pmem_mib");
}

static void setup(void)
{
	choose_file("/tmp/fio.data");
	tool_rounds_open("fio.json");
}

#define ARGV_MAX 20

/* argv[ARGV_MAX], whose words are static, and how many. */
static size_t make_argv(const char **argv)
{
	static char file[OPTION_SIZE], rw[OPTION_SIZE], block[OPTION_SIZE], size[OPTION_SIZE];
	static char engine[OPTION_SIZE], depth[OPTION_SIZE];
	const char *const words[] = { "fio", "--name=kerngate", file, rw, block, size, engine,
				      depth, "--output-format=json", "--randrepeat=1",
				      "--percentile_list=50:99:99.9",
				      state.is_device ? "--direct=1" : "--direct=0" };

	snprintf(file, sizeof(file), "--filename=%s", state.file);
	snprintf(rw, sizeof(rw), "--rw=%s", parameter_word("rw"));
	snprintf(block, sizeof(block), "--bs=%lldk", (long long)parameter_number("block_kib"));
	snprintf(size, sizeof(size), "--size=%lldm", (long long)parameter_number("size_mib"));
	snprintf(engine, sizeof(engine), "--ioengine=%s", parameter_word("engine"));
	snprintf(depth, sizeof(depth), "--iodepth=%lld", (long long)parameter_number("depth"));
	memset(argv, 0, ARGV_MAX * sizeof(*argv));
	memcpy(argv, words, sizeof(words));
	return sizeof(words) / sizeof(words[0]);
}

static void measure(uint32_t round)
{
	static char amount[OPTION_SIZE];
	const char *argv[ARGV_MAX];

	snprintf(amount, sizeof(amount), "--io_size=%lldm",
		 (long long)parameter_number("amount_mib"));
	argv[make_argv(argv)] = amount;
	tool_rounds_run(round, argv);
}

static void cleanup(void)
{
	tool_rounds_close();
	if (state.file && !state.is_device)
		(void)unlink(state.file);
}

/* --- as a load ------------------------------------------------------------------- */

/* A hundred years, over and over. */
static void load(void)
{
	const char *argv[ARGV_MAX];
	size_t count;

	choose_file(LOAD_FILE);
	count = make_argv(argv);
	argv[count++] = "--time_based";
	argv[count++] = "--runtime=3153600000";
	argv[count++] = "--output=" LOAD_OUTPUT_PATH;
	load_exec(argv);
}

/* Itself and the process that makes the requests. */
static uint32_t load_tasks(void)
{
	return 2;
}

/* fio_backend() returns 128 where a signal ended it, and errors of jobs else. */
#define FIO_STOPPED_BY_SIGNAL 128

static void load_ended(int status, const char *message)
{
	(void)unlink(LOAD_FILE);
	if (!WIFEXITED(status))
		return;
	if (WEXITSTATUS(status) && WEXITSTATUS(status) != FIO_STOPPED_BY_SIGNAL)
		workload_broken("fio: exit status %d: %s", WEXITSTATUS(status), message);
	artifact_add_file("load.fio.json", LOAD_OUTPUT_PATH);
}

static const char *const load_parameters[] = { "on", "rw", "engine", "depth", "block_kib",
					       "size_mib", NULL };
static const char *const places[] = { "tmpfs", "disk", "pmem", NULL };
static const char *const ways[] = { "read", "write", "randread", "randwrite", NULL };
static const char *const engines[] = { "psync", "io_uring", NULL };
static const char *const tools[] = { "fio", NULL };

const struct workload workload = {
	.name = "fio",
	.purpose = "Requests to a file or device (fio)",
	.metrics = (const struct metric[]){
		{ "transfer_gib_per_s", "GiB/s", "higher", "rate", false, "Of a run" },
		{ "latency_p50_ns", "ns", "lower", "time", false,
		  "Median of a run's requests, from fio's histogram" },
		{ "latency_p99_ns", "ns", "lower", "time", false, "99th percentile likewise" },
		{ "latency_p999_ns", "ns", "lower", "time", true, "99.9th percentile likewise" },
		{ "latency_max_ns", "ns", "lower", "tail", false, "The longest request" },
		{ "latency_mean_ns", "ns", "lower", "time", true, "With submission" },
		{ "requests_per_s", "1/s", "higher", "rate", true, "Of a run" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "on", 0, 0, places, "tmpfs", "What the requests go to" },
		{ "rw", 0, 0, ways, "randread", "Which requests" },
		{ "engine", 0, 0, engines, "psync", "How they are made" },
		{ "depth", 1, 1024, NULL, "1", "Requests under way, with io_uring" },
		{ "block_kib", 1, 16384, NULL, "4", "Size of a request" },
		{ "size_mib", 1, 65536, NULL, "64", "Of the file, or of the part of the device" },
		{ "amount_mib", 1, 1048576, NULL, "64", "Read or written in a run" },
		{ "rounds", 1, 1000, NULL, "3", "Runs that count" },
		{ .name = NULL },
	},
	.needs_tools = tools,
	.needs_memory_mib = 512,
	.needs_vcpus = 1,
	.is_counted = true,
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
	.load_parameters = load_parameters,
	.load = load,
	.load_tasks = load_tasks,
	.load_ended = load_ended,
};
