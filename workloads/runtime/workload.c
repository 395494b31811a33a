/* workload.c - main() of every workload: rounds, samples, artifacts, outcome.
 * Everything is kept in memory and sent as records (docs/result-format.md) when
 * the last round is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "line.h"

#define SAMPLES_READY 16384u     /* memory touched before the first round */
#define ARTIFACTS_MAX 16
#define REASON_MAX 512
#define EXIT_OF_CHILD 127

struct kept_sample {
	const struct metric *metric; /* borrowed from the declaration */
	double value;
};

struct kept_artifact {
	char name[64];
	char *data;                  /* owned */
	size_t length;
};

static struct {
	int output_fd;
	struct kept_sample *samples; /* owned */
	size_t samples_count, samples_capacity;
	struct kept_artifact artifacts[ARTIFACTS_MAX];
	size_t artifacts_count;
	bool is_load;
	bool is_warmup;
	bool is_set_up;
	bool is_ending;
} run;

static _Noreturn void out_of_memory(void)
{
	static const char record[] = "outcome broken out of memory\n";

	(void)line_write(run.output_fd, record, sizeof(record) - 1);
	_exit(0);
}

void sample_add(const char *metric_name, double value)
{
	const struct metric *metric = workload.metrics;

	while (metric->name && strcmp(metric->name, metric_name))
		metric++;
	if (!metric->name)
		workload_broken("metric %s is not declared", metric_name);
	if (run.is_warmup)
		return;
	if (run.samples_count == run.samples_capacity) {
		run.samples_capacity *= 2;
		run.samples = reallocarray(run.samples, run.samples_capacity,
					   sizeof(*run.samples));
		if (!run.samples)
			out_of_memory();
	}
	run.samples[run.samples_count].metric = metric;
	run.samples[run.samples_count].value = value;
	run.samples_count++;
}

void artifact_add(const char *name, const void *data, size_t length)
{
	struct kept_artifact *artifact = &run.artifacts[run.artifacts_count];

	if (run.artifacts_count == ARTIFACTS_MAX)
		workload_broken("more than %d artifacts", ARTIFACTS_MAX);
	artifact->data = malloc(length ? length : 1);
	if (!artifact->data)
		out_of_memory();
	memcpy(artifact->data, data, length);
	artifact->length = length;
	snprintf(artifact->name, sizeof(artifact->name), "%s", name);
	run.artifacts_count++;
}

void artifact_add_file(const char *name, const char *path)
{
	struct stat status;
	char *data;
	int length;

	if (stat(path, &status) < 0)
		workload_broken("%s: %s", path, strerror(errno));
	data = malloc((size_t)status.st_size + 1);
	if (!data)
		out_of_memory();
	length = text_read(path, data, (size_t)status.st_size + 1);
	if (length < 0)
		workload_broken("%s: %s", path, strerror(-length));
	artifact_add(name, data, (size_t)length);
	free(data);
}

void run_detach(void)
{
	run.output_fd = -1;
}

void host_request_dimm(uint64_t size_mib)
{
	char record[64];
	int length = snprintf(record, sizeof(record), "request dimm %llu\n",
			      (unsigned long long)size_mib);
	int result = line_write(run.output_fd, record, (size_t)length);

	if (result < 0)
		workload_broken("asking for a DIMM: %s", strerror(-result));
}

static void send_sample(FILE *out, const char *name, double value)
{
	if (value >= -9e15 && value <= 9e15 && value == (double)(int64_t)value)
		fprintf(out, "sample %s %lld\n", name, (long long)value);
	else
		fprintf(out, "sample %s %.17g\n", name, value);
}

/* Metric by metric: PID 1 packs samples that follow each other. */
static void send_samples(FILE *out)
{
	const struct metric *metric;
	size_t i;

	for (metric = workload.metrics; metric->name; metric++)
		for (i = 0; i < run.samples_count; i++)
			if (run.samples[i].metric == metric)
				send_sample(out, metric->name,
					    run.samples[i].value);
}

/* Sends all that was kept, then the outcome. */
static _Noreturn void run_end(const char *outcome, const char *reason)
{
	FILE *out;
	size_t i;

	if (run.output_fd < 0) {
		dprintf(STDERR_FILENO, "%s\n", reason);
		_exit(EXIT_OF_CHILD);
	}
	out = fdopen(run.output_fd, "w");
	if (!out)
		_exit(1);
	send_samples(out);
	for (i = 0; i < run.artifacts_count; i++) {
		fprintf(out, "artifact %s %zu\n", run.artifacts[i].name,
			run.artifacts[i].length);
		fwrite(run.artifacts[i].data, 1, run.artifacts[i].length, out);
	}
	fprintf(out, "outcome %s%s%s\n", outcome, *reason ? " " : "", reason);
	_exit(fflush(out) ? 1 : 0);
}

static _Noreturn void run_end_early(const char *outcome, const char *format,
				    va_list arguments)
{
	char reason[REASON_MAX];
	char *c;

	vsnprintf(reason, sizeof(reason), format, arguments);
	for (c = reason; *c; c++)
		if (*c == '\n')
			*c = ' ';
	/* A cleanup that fails in its turn must not run cleanup again. */
	if (run.is_set_up && !run.is_ending && workload.cleanup) {
		run.is_ending = true;
		workload.cleanup();
	}
	run_end(outcome, reason);
}

#define DEFINE_ENDING(function, outcome)                                       \
	void function(const char *format, ...)                                 \
	{                                                                      \
		va_list arguments;                                             \
									       \
		va_start(arguments, format);                                   \
		run_end_early(outcome, format, arguments);                     \
	}

DEFINE_ENDING(workload_failed, "failed")
DEFINE_ENDING(workload_skipped, "skipped")
DEFINE_ENDING(workload_broken, "broken")

/* A round that ends the program leaves its region open: it is no round. */
static void run_round(uint32_t round)
{
	if (run.is_warmup) {
		workload_region_begin(MARKER_REGION_WARMUP);
		workload.measure(round);
		workload_region_end(MARKER_REGION_WARMUP);
	} else {
		workload_region_begin(MARKER_REGION_ROUND);
		workload.measure(round);
		workload_region_end(MARKER_REGION_ROUND);
	}
}

static void run_rounds(void)
{
	uint32_t count = 1, round;

	if (parameters_has("rounds"))
		count = (uint32_t)parameter_number("rounds");
	run.is_set_up = true;
	if (workload.setup)
		workload.setup();
	for (round = 0; round < workload.warmup_rounds + count; round++) {
		run.is_warmup = round < workload.warmup_rounds;
		run_round(round);
	}
	run.is_ending = true;
	if (workload.cleanup)
		workload.cleanup();
}

/* Takes options out of argv; what is left are parameters. */
static int options_read(int argc, char **argv)
{
	int i, kept = 0;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--describe")) {
			workload_describe(&workload, stdout);
			exit(fflush(stdout) ? 1 : 0);
		}
		if (!strcmp(argv[i], "--help")) {
			workload_print_help(&workload, stdout);
			exit(0);
		}
		if (!strcmp(argv[i], "--load"))
			run.is_load = true;
		else if (!strncmp(argv[i], "--output=", 9))
			run.output_fd = atoi(argv[i] + 9);
		else
			argv[kept++] = argv[i];
	}
	return kept;
}

int main(int argc, char **argv)
{
	char message[REASON_MAX];
	int count;

	run.output_fd = STDOUT_FILENO;
	count = options_read(argc, argv);
	if (run.output_fd != STDOUT_FILENO)
		fcntl(run.output_fd, F_SETFD, FD_CLOEXEC);
	if (!parameters_read(&workload, count, argv, message, sizeof(message)))
		run_end("broken", message);
	run.samples_capacity = SAMPLES_READY;
	run.samples = malloc(SAMPLES_READY * sizeof(*run.samples));
	if (!run.samples)
		out_of_memory();
	/* Touched now, so that no round pays for a page fault of ours. */
	memset(run.samples, 1, SAMPLES_READY * sizeof(*run.samples));
	if (run.is_load)
		load_run(run.output_fd);
	else
		run_rounds();
	run_end("passed", "");
}
