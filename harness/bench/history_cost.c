/* history_cost.c - what five years of history cost: a store of 1,826 nights with 200
 * metrics each, loaded as `kerngate history` does, with the search for changes. `make
 * bench` runs it. The program fails (exit 1) where one core takes more than 5 s.
 *
 * A series is level, log-normal noise of CV 2 %, and changes: 0 to 5 steps of 3 to 10 %
 * at random nights, each kept for the rest of the series; every tenth metric never
 * changes. One night in fifty is missing.
 */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "files.h"
#include "history.h"
#include "memory.h"
#include "run_store_history.h"

#define NIGHTS 1826
#define METRICS 200
#define STEPS_MAX 5
#define CV 0.02
#define LIMIT_S 5.0
#define DAY_NS (UINT64_C(24) * 3600 * 1000000000)
#define FIRST_NS (UINT64_C(1609459200) * 1000000000) /* 2021-01-01 */
#define CONDITIONS "accelerator=tcg\nguest=up 0\n"

struct world {
	gsl_rng *random;
	double logs[METRICS];         /* levels of tonight */
	uint32_t steps[METRICS][STEPS_MAX]; /* nights; NIGHTS: none */
	uint32_t steps_count;         /* in all */
};

static void make_world(struct world *world)
{
	world->random = gsl_rng_alloc(gsl_rng_mt19937);
	gsl_rng_set(world->random, 6);
	for (size_t i = 0; i < METRICS; i++) {
		size_t steps = i % 10 ? gsl_rng_uniform_int(world->random, STEPS_MAX + 1) : 0;

		world->logs[i] = log(1e6);
		for (size_t k = 0; k < STEPS_MAX; k++)
			world->steps[i][k] = k < steps ?
				(uint32_t)gsl_rng_uniform_int(world->random, NIGHTS) : NIGHTS;
		world->steps_count += (uint32_t)steps;
	}
}

static struct stored_run make_run(uint32_t night)
{
	struct stored_run run = {
		.id = string_format("night-%04u", night),
		.campaign = string_copy("nightly"), .campaign_file = string_copy("-"),
		.seed = 1, .control_variant = -1, .started_wall_ns = FIRST_NS + night * DAY_NS,
		.gate = { .margin_percent = 5, .alpha = 0.05, .confidence = 0.95 },
		.accelerator = string_copy("tcg"),
		.variants = memory_alloc_array(1, sizeof(*run.variants)), .variants_count = 1,
		.cells = memory_alloc_array(1, sizeof(*run.cells)), .cells_count = 1,
	};
	struct stored_row *row = memory_alloc_array(1, sizeof(*row));

	run.variants[0] = (struct stored_variant){
		.label = string_copy("new"), .name = string_copy("new"),
		.kernel_key = string_copy("k"), .cmdline = string_copy(""),
	};
	run.cells[0] = (struct stored_cell){
		.guest = string_copy("up"), .suite = string_copy("suite"),
		.guest_record = string_copy("{}"), .rows = row, .rows_count = 1,
	};
	*row = (struct stored_row){
		.name = string_copy("row"), .workload = string_copy("w"),
		.arguments = string_copy(""), .metrics_count = METRICS,
		.metrics = memory_alloc_array(METRICS, sizeof(*row->metrics)),
	};
	for (size_t i = 0; i < METRICS; i++)
		row->metrics[i] = (struct metric_info){
			.name = string_format("m%03zu_ns", i), .unit = string_copy("ns"),
			.meaning = string_copy("a time"), .kind = METRIC_TIME,
		};
	return run;
}

static void make_figures(struct world *world, uint32_t night, struct run_figure *figures)
{
	for (uint32_t i = 0; i < METRICS; i++) {
		double center;

		for (size_t k = 0; k < STEPS_MAX; k++)
			if (world->steps[i][k] == night)
				world->logs[i] += (gsl_rng_uniform(world->random) < 0.5 ? -1 : 1) *
						  log1p(gsl_ran_flat(world->random, 0.03, 0.1));
		center = exp(world->logs[i] + gsl_ran_gaussian(world->random, CV));
		figures[i] = (struct run_figure){ .metric = i, .boots_count = 10,
						  .center = center, .low = center * 0.99,
						  .high = center * 1.01,
						  .conditions = CONDITIONS };
	}
}

/* One run of the store, with all its figures. */
static int store_night(struct run_store *store, struct world *world, uint32_t night,
		       struct error *err)
{
	static struct run_figure figures[METRICS];
	cleanup_with(stored_run_release) struct stored_run run = make_run(night);
	int rc;

	make_figures(world, night, figures);
	if (night % 50 == 49)
		return 0;
	rc = run_store_begin(store, &run, err);
	if (!rc)
		rc = run_store_set_state(store, run.id, "finished", err);
	if (!rc)
		rc = run_store_put_figures(store, &run, figures, METRICS, 1, err);
	return rc;
}

static double cpu_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int measure(struct run_store *store, const struct world *world, struct error *err)
{
	const struct history_key key = { .metric = NULL };
	struct history_series *series;
	size_t count, points = 0, changes = 0;
	struct rusage usage;
	double start = cpu_s(), taken;
	int rc = history_load(store, &key, 0, &series, &count, err);

	if (rc)
		return rc;
	taken = cpu_s() - start;
	for (size_t i = 0; i < count; i++) {
		points += series[i].points_count;
		changes += series[i].changes_count;
	}
	history_free(series, count);
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("history of %d nights x %d metrics: %zu points, %u steps made, %zu changes found\n"
	       "loaded and searched in %.2f s of one core (limit %.0f s), at most %ld MiB\n",
	       NIGHTS, METRICS, points, world->steps_count, changes, taken, LIMIT_S,
	       usage.ru_maxrss / 1024);
	return taken <= LIMIT_S;
}

static int bench(const char *folder, struct error *err)
{
	struct run_store *store = NULL;
	struct world world = { .steps_count = 0 };
	int rc = run_store_open(folder, &store, err);

	make_world(&world);
	for (uint32_t night = 0; !rc && night < NIGHTS; night++)
		rc = store_night(store, &world, night, err);
	if (!rc)
		rc = measure(store, &world, err);
	gsl_rng_free(world.random);
	run_store_close(store);
	return rc;
}

int main(void)
{
	static struct error err;
	char folder[] = "/tmp/kerngate-bench.XXXXXX";
	int rc;

	if (!mkdtemp(folder))
		return 2;
	rc = bench(folder, &err);
	if (folder_remove(folder))
		fprintf(stderr, "history-cost: %s is left behind\n", folder);
	if (rc < 0) {
		fprintf(stderr, "history-cost: %s\n", err.message);
		return 2;
	}
	return rc ? 0 : 1;
}
