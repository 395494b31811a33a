/* fio.c - requests to a file on tmpfs, a virtual disk or an NVDIMM, by fio's own
 * program. A round is one run of the tool; what it writes is kept, run after run, in one
 * artifact, and the host turns that into metrics (harness/model/fio_output.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workload.h"

#define OUTPUT_PATH "/tmp/fio.json"
#define OPTION_SIZE 64

static struct {
	int output_fd;
	uint32_t rounds_count;
	const char *file;
	bool is_device;
} state = { .output_fd = -1 };

static void choose_file(void)
{
	const char *on = parameter_word("on");
	struct stat status;

	state.is_device = strcmp(on, "tmpfs") != 0;
	if (!state.is_device)
		state.file = "/tmp/fio.data";
	else
		state.file = !strcmp(on, "disk") ? "/dev/vda" : "/dev/pmem0";
	if (state.is_device && (stat(state.file, &status) < 0 || !S_ISBLK(status.st_mode)))
		workload_skipped("no %s: a guest shape with %s is needed", state.file,
				 !strcmp(on, "disk") ? "disk_mib" : "pmem_mib");
}

static void setup(void)
{
	state.rounds_count = (uint32_t)parameter_number("rounds");
	choose_file();
	state.output_fd = open(OUTPUT_PATH,
			       O_CREAT | O_TRUNC | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	if (state.output_fd < 0)
		workload_broken("%s: %s", OUTPUT_PATH, strerror(errno));
}

static void run_fio(int output_fd)
{
	static char file[OPTION_SIZE], rw[OPTION_SIZE], block[OPTION_SIZE], size[OPTION_SIZE];
	static char engine[OPTION_SIZE], depth[OPTION_SIZE], amount[OPTION_SIZE];
	const char *argv[] = { "fio", "--name=kerngate", file, rw, block, size, engine, depth,
			       amount, "--output-format=json", "--randrepeat=1",
			       "--percentile_list=50:99:99.9",
			       state.is_device ? "--direct=1" : "--direct=0", NULL };

	snprintf(file, sizeof(file), "--filename=%s", state.file);
	snprintf(rw, sizeof(rw), "--rw=%s", parameter_word("rw"));
	snprintf(block, sizeof(block), "--bs=%lldk", (long long)parameter_number("block_kib"));
	snprintf(size, sizeof(size), "--size=%lldm", (long long)parameter_number("size_mib"));
	snprintf(engine, sizeof(engine), "--ioengine=%s", parameter_word("engine"));
	snprintf(depth, sizeof(depth), "--iodepth=%lld", (long long)parameter_number("depth"));
	snprintf(amount, sizeof(amount), "--io_size=%lldm",
		 (long long)parameter_number("amount_mib"));
	tool_measure(argv, output_fd);
}

static void measure(uint32_t round)
{
	bool is_warmup = round < workload.warmup_rounds;

	run_fio(is_warmup ? -1 : state.output_fd);
	if (round + 1 == workload.warmup_rounds + state.rounds_count)
		artifact_add_file("fio.json", OUTPUT_PATH);
}

static void cleanup(void)
{
	if (state.output_fd >= 0)
		close(state.output_fd);
	(void)unlink(OUTPUT_PATH);
	if (state.file && !state.is_device)
		(void)unlink(state.file);
}

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
};
