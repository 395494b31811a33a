/* judge_cost.c - what judging costs: 100 metrics, 2 variants, 40 boots a side, 1,000
 * samples a boot, which is a campaign larger than any here. First the judge alone, on
 * samples that are in memory; then `compare`'s way from a store on disk. `make bench`
 * runs it; it fails (exit 1) where a limit does not hold.
 *
 * Of the metrics some of each kind are there, and half of them have changed: clear
 * changes cost the permutation test the most.
 */
#include <errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "clock.h"
#include "comparison.h"
#include "files.h"
#include "memory.h"
#include "scheduler.h"

#define METRICS 100
#define BOOTS 40
#define SAMPLES 1000
#define JUDGE_LIMIT_S 2.0
#define MEMORY_LIMIT_MIB 256.0

struct cost {
	double cpu_s, memory_mib;
	size_t regressed, equivalent;  /* so that it is seen to have judged */
	bool is_done;
};

static double cpu_s(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double peak_mib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss / 1024;
}

/* --- what is judged ---------------------------------------------------------------- */

static enum metric_kind kind_of(size_t metric)
{
	static const enum metric_kind kinds[] = {
		METRIC_TIME, METRIC_TIME, METRIC_TIME, METRIC_TIME,  METRIC_RATE,
		METRIC_TIME, METRIC_TAIL, METRIC_TIME, METRIC_COUNT, METRIC_RATE,
	};

	return kinds[metric % ARRAY_COUNT(kinds)];
}

static struct metric_info make_metric(size_t metric)
{
	return (struct metric_info){
		.name = string_format("metric%zu_ns", metric),
		.unit = string_copy("ns"),
		.meaning = string_copy("simulated"),
		.better = BETTER_LOWER,
		.kind = kind_of(metric),
	};
}

/* Boots differ by 1 %, samples inside them by 2 %; every other metric is 3 % more. */
static void draw_boot(gsl_rng *random, size_t metric, size_t side, double *ret_values)
{
	double level = log(1e6) + gsl_ran_gaussian_ziggurat(random, 0.01) +
		       (side == 1 && metric % 2 ? 0.03 : 0);

	for (size_t i = 0; i < SAMPLES; i++)
		ret_values[i] = exp(level + gsl_ran_gaussian_ziggurat(random, 0.02));
}

static const struct gate_policy policy = {
	.margin_percent = 2, .alpha = 0.02, .confidence = 0.95,
	.correction = CORRECTION_BENJAMINI_HOCHBERG,
};

/* --- in memory ----------------------------------------------------------------------- */

static void count_verdict(struct cost *cost, const struct metric_comparison *judged)
{
	cost->regressed += judged->verdict == VERDICT_REGRESSED;
	cost->equivalent += judged->verdict == VERDICT_EQUIVALENT;
}

static int measure_judge(const char *folder, struct cost *ret, struct error *err)
{
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	cleanup_free double *values =
		memory_alloc_array((size_t)METRICS * 2 * BOOTS * SAMPLES, sizeof(*values));
	static struct boot_samples boots[METRICS][2][BOOTS];
	static struct metric_comparison family[METRICS];
	static struct metric_info metrics[METRICS];
	double *next = values, before;

	(void)folder;
	(void)err;
	for (size_t m = 0; m < METRICS; m++) {
		for (size_t side = 0; side < 2; side++) {
			for (uint32_t boot = 0; boot < BOOTS; boot++, next += SAMPLES) {
				draw_boot(random, m, side, next);
				boots[m][side][boot] =
					(struct boot_samples){ boot, next, SAMPLES };
			}
		}
		metrics[m] = make_metric(m);
		family[m] = (struct metric_comparison){
			.metric = &metrics[m], .a = boots[m][0], .b = boots[m][1],
			.a_count = BOOTS, .b_count = BOOTS,
		};
	}
	gsl_rng_free(random);
	before = cpu_s();
	verdict_judge(family, METRICS, &policy, 1);
	ret->cpu_s = cpu_s() - before;
	for (size_t m = 0; m < METRICS; m++)
		count_verdict(ret, &family[m]);
	return 0;
}

/* --- from a store ----------------------------------------------------------------------- */

static struct stored_variant make_variant(const char *name)
{
	return (struct stored_variant){
		.label = string_copy(name), .name = string_copy(name),
		.kernel_key = string_copy(name), .cmdline = string_copy(""),
	};
}

static struct stored_run make_run(void)
{
	struct stored_run run = {
		.campaign = string_copy("bench"),
		.campaign_file = string_copy("bench.yaml"),
		.seed = 1,
		.control_variant = -1,
		.gate = policy,
		.accelerator = string_copy("tcg"),
		.variants = memory_alloc_array(2, sizeof(*run.variants)),
		.variants_count = 2,
		.cells = memory_alloc_array(1, sizeof(*run.cells)),
		.cells_count = 1,
	};
	struct stored_row *row = memory_alloc_array(1, sizeof(*row));

	run.variants[0] = make_variant("before");
	run.variants[1] = make_variant("after");
	run.cells[0] = (struct stored_cell){
		.guest = string_copy("up"), .suite = string_copy("bench"),
		.guest_record = string_copy("{}"), .rows = row, .rows_count = 1,
	};
	*row = (struct stored_row){
		.name = string_copy("bench"), .workload = string_copy("bench"),
		.arguments = string_copy(""),
		.metrics = memory_alloc_array(METRICS, sizeof(*row->metrics)),
		.metrics_count = METRICS,
	};
	for (size_t m = 0; m < METRICS; m++)
		row->metrics[m] = make_metric(m);
	scheduler_plan(&run, BOOTS);
	return run;
}

static int store_boot(struct run_store *store, const struct stored_run *run,
		      const struct stored_trial *trial, gsl_rng *random, struct error *err)
{
	cleanup_with(trial_result_release) struct trial_result result = TRIAL_RESULT_INIT;
	double values[SAMPLES];
	int rc;

	result.rows = memory_alloc_array(1, sizeof(*result.rows));
	result.rows_count = 1;
	for (size_t m = 0; m < METRICS; m++) {
		draw_boot(random, m, trial->variant, values);
		for (uint32_t i = 0; i < SAMPLES; i++)
			trial_result_add_sample(&result, 0, run->cells[0].rows[0].metrics[m].name,
						i, values[i]);
	}
	rc = run_store_trial_started(store, trial->id, err);
	return rc ? rc : run_store_trial_finished(store, trial->id, &result, "host=bench\n", err);
}

static int fill_store(const char *folder, struct cost *ret, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = make_run();
	gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
	struct run_store *store = NULL;
	double before = cpu_s();
	int rc = run_store_open(folder, &store, err);

	if (!rc)
		rc = run_store_begin(store, &run, err);
	for (size_t i = 0; !rc && i < run.trials_count; i++)
		rc = store_boot(store, &run, &run.trials[i], random, err);
	if (!rc)
		rc = run_store_set_state(store, run.id, "finished", err);
	run_store_close(store);
	gsl_rng_free(random);
	ret->cpu_s = cpu_s() - before;
	return rc;
}

static int measure_compare(const char *folder, struct cost *ret, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	struct comparison comparison = { .count = 0 };
	struct run_store *store = NULL;
	double before = cpu_s();
	int rc = run_store_open(folder, &store, err);

	if (!rc)
		rc = run_store_load(store, "latest", &run, err);
	if (!rc)
		rc = comparison_make(store, &run, NULL, &comparison, err);
	ret->cpu_s = cpu_s() - before;
	for (size_t i = 0; !rc && i < comparison.count; i++)
		count_verdict(ret, &comparison.entries[i].judged);
	if (!rc)
		comparison_release(&comparison);
	run_store_close(store);
	return rc;
}

/* --- one after the other, each in a process of its own --------------------------------- */

typedef int (*measure_fn)(const char *folder, struct cost *ret, struct error *err);

/* So that the peak of one is not taken for that of the next. */
static int measure_apart(measure_fn measure, const char *folder, struct cost *ret)
{
	struct error err = ERROR_INIT;
	int pipe_fds[2], status;
	pid_t child;
	ssize_t got;

	if (pipe(pipe_fds) < 0)
		return -errno;
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		struct cost cost = { .is_done = true };

		if (measure(folder, &cost, &err)) {
			fprintf(stderr, "judge-cost: %s\n", err.message);
			_exit(2);
		}
		cost.memory_mib = peak_mib();
		_exit(write(pipe_fds[1], &cost, sizeof(cost)) == sizeof(cost) ? 0 : 2);
	}
	close(pipe_fds[1]);
	got = read(pipe_fds[0], ret, sizeof(*ret));
	close(pipe_fds[0]);
	if (waitpid(child, &status, 0) != child || status || got != sizeof(*ret))
		return -ECHILD;
	return 0;
}

static bool print_limit(const char *text, double figure, double limit, const char *unit)
{
	bool holds = figure < limit;

	printf("%-44s %7.2f %-4s below %g: %s\n", text, figure, unit, limit,
	       holds ? "yes" : "NO");
	return holds;
}

static int bench(const char *folder, bool *ret_holds)
{
	struct cost judge, fill, compare;
	int rc = measure_apart(measure_judge, folder, &judge);

	if (!rc)
		rc = measure_apart(fill_store, folder, &fill);
	if (!rc)
		rc = measure_apart(measure_compare, folder, &compare);
	if (rc)
		return rc;
	printf("%d metrics, 2 variants, %d boots each, %d samples a boot; CPU time of one "
	       "core\n", METRICS, BOOTS, SAMPLES);
	printf("verdicts: %zu regressed, %zu equivalent; from the store %zu and %zu\n",
	       judge.regressed, judge.equivalent, compare.regressed, compare.equivalent);
	*ret_holds = print_limit("judging, samples in memory", judge.cpu_s, JUDGE_LIMIT_S, "s");
	*ret_holds &= print_limit("  peak of memory, samples included", judge.memory_mib,
				  MEMORY_LIMIT_MIB, "MiB");
	*ret_holds &= print_limit("reading a store and judging", compare.cpu_s, JUDGE_LIMIT_S, "s");
	*ret_holds &= print_limit("  peak of memory", compare.memory_mib, MEMORY_LIMIT_MIB,
				  "MiB");
	printf("%-44s %7.2f s\n", "making that store (no limit)", fill.cpu_s);
	return 0;
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/kerngate-judge-cost.XXXXXX";
	bool holds = false;
	int rc;

	if (argc > 1) {
		fprintf(stderr, "usage: %s\n", argv[0]);
		return 64;
	}
	if (!mkdtemp(folder)) {
		fprintf(stderr, "judge-cost: %s: %s\n", folder, strerror(errno));
		return 2;
	}
	rc = bench(folder, &holds);
	(void)!folder_remove(folder);
	if (rc) {
		fprintf(stderr, "judge-cost: %s\n", strerror(-rc));
		return 2;
	}
	return holds ? 0 : 1;
}
