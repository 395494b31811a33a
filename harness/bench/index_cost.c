/* index_cost.c - what results/index.html costs: a store of 1,000 nights with 200 metrics of
 * two variants each, their verdicts of both kinds, and changes in between. `make bench`
 * runs it. The program fails (exit 1) where writing the page takes more than 2 s of one
 * core, or the page is larger than 1.5 MB.
 *
 * With an argument that folder gets the store and the page, and keeps them.
 */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "files.h"
#include "history.h"
#include "memory.h"
#include "results_index.h"
#include "run_store_history.h"
#include "run_store_nights.h"

#define NIGHTS 1000
#define METRICS 200
#define VARIANTS 2
#define CELLS 4
#define METRICS_OF_CELL (METRICS / CELLS)
#define CV 0.01
#define LIMIT_S 2.0
#define LIMIT_BYTES (1500 * 1000)
#define DAY_NS (UINT64_C(24) * 3600 * 1000000000)
#define FIRST_NS (UINT64_C(1704067200) * 1000000000) /* 2024-01-01 */
#define CONDITIONS "accelerator=tcg\nguest=up 0\n"

static const char *const guests[CELLS] = { "up", "two", "four-on-two", "numa" };

struct world {
	gsl_rng *random;
	double logs[METRICS];        /* levels of the candidate, by now */
	double bases[METRICS];
};

static struct stored_variant make_variant(const char *name)
{
	return (struct stored_variant){ .label = string_copy(name), .name = string_copy(name),
					.kernel_key = string_copy("k"), .cmdline = string_copy("") };
}

static struct stored_cell make_cell(uint32_t index)
{
	struct stored_row *row = memory_alloc_array(1, sizeof(*row));

	*row = (struct stored_row){
		.name = string_copy("fill"), .workload = string_copy("w"),
		.arguments = string_copy(""), .metrics_count = METRICS_OF_CELL,
		.metrics = memory_alloc_array(METRICS_OF_CELL, sizeof(*row->metrics)),
	};
	for (size_t i = 0; i < METRICS_OF_CELL; i++)
		row->metrics[i] = (struct metric_info){
			.name = string_format("latency_%02zu_ns", i), .unit = string_copy("ns"),
			.meaning = string_copy("a time"), .kind = METRIC_TIME };
	return (struct stored_cell){ .guest = string_copy(guests[index]),
				     .suite = string_copy("standard"),
				     .guest_record = string_copy("{}"), .rows = row,
				     .rows_count = 1 };
}

static struct stored_run make_run(uint32_t night)
{
	struct stored_run run = {
		.id = string_format("night-%04u", night),
		.campaign = string_copy("nightly"), .campaign_file = string_copy("-"),
		.seed = 1, .control_variant = -1, .started_wall_ns = FIRST_NS + night * DAY_NS,
		.gate = { .margin_percent = 5, .alpha = 0.05, .confidence = 0.95 },
		.accelerator = string_copy("tcg"),
		.variants = memory_alloc_array(VARIANTS, sizeof(*run.variants)),
		.variants_count = VARIANTS,
		.cells = memory_alloc_array(CELLS, sizeof(*run.cells)), .cells_count = CELLS,
	};

	run.variants[0] = make_variant("stock");
	run.variants[1] = make_variant("patched");
	for (uint32_t i = 0; i < CELLS; i++)
		run.cells[i] = make_cell(i);
	return run;
}

/* One step in some thousand nights and metrics; one of 3 % is just beyond the noise. */
static void step_levels(struct world *world)
{
	for (uint32_t i = 0; i < METRICS; i++)
		if (gsl_rng_uniform(world->random) < 0.001)
			world->logs[i] += gsl_ran_flat(world->random, -0.06, 0.06);
}

static struct run_figure make_figure(struct world *world, uint32_t metric, uint32_t variant)
{
	double level = variant ? world->logs[metric] : world->bases[metric];
	double center = exp(level + gsl_ran_gaussian(world->random, CV));

	return (struct run_figure){
		.cell = metric / METRICS_OF_CELL, .metric = metric % METRICS_OF_CELL,
		.variant = variant, .boots_count = 10, .center = center, .low = center * 0.99,
		.high = center * 1.01, .conditions = CONDITIONS };
}

static char *verdict_of(double ratio)
{
	return string_copy(ratio > 1.03 ? "regressed" : ratio < 0.97 ? "improved" :
			   fabs(ratio - 1) > 0.025 ? "inconclusive" : "equivalent");
}

/* What the night left out by its budget is not measured: one cell in ten. */
static bool is_run(uint32_t night, uint32_t cell)
{
	return (night * 7 + cell * 3) % 10 != 0;
}

static int store_verdicts(struct run_store *store, const struct stored_run *run,
			  const struct run_figure *figures, size_t count, struct world *world,
			  bool is_history, struct error *err)
{
	struct stored_verdict *verdicts = memory_alloc_array(count, sizeof(*verdicts));
	size_t made = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++) {
		double noise = exp(gsl_ran_gaussian(world->random, CV / 2));
		double ratio = is_history || !i ? noise :
			       figures[i].center / figures[i - 1].center * noise;

		if (!figures[i].variant)
			continue;
		verdicts[made] = (struct stored_verdict){
			.is_history = is_history, .verdict = verdict_of(ratio), .ratio = ratio,
			.low = ratio * 0.99, .high = ratio * 1.01, .p = 0.2 };
		rc = run_store_find_series(store, run, figures[i].cell, 0, figures[i].metric, 1,
					   &verdicts[made].series, err);
		made++;
	}
	if (!rc && is_history)
		rc = run_store_set_verdicts(store, run->id, true, verdicts, made, err);
	else if (!rc)
		rc = run_store_set_judged(store, run->id, verdicts, made, 1, made % 2, err);
	stored_verdicts_free(verdicts, made);
	return rc;
}

static void add_event(struct stored_night *night, uint32_t number)
{
	night->events = memory_alloc_array(1, sizeof(*night->events));
	night->events_count = 1;
	night->events[0] = (struct stored_night_event){
		.guest = string_copy(guests[number % CELLS]), .suite = string_copy("standard"),
		.row = string_copy("fill"),
		.metric = string_format("latency_%02u_ns", number % METRICS_OF_CELL),
		.variant = string_copy("patched"), .is_worse = number % 3 != 0,
		.ratio = number % 3 ? 1.062 : 0.94, .p = 0.0004,
		.state = (enum night_event_state)(number / 31 % 3),
		.against = string_copy("7 nights"),
		.culprit = number / 31 % 3 == 1 ? string_copy("0002-hugetlb-clear.patch") : NULL,
		.reason = string_copy("made up"),
	};
}

static int store_night(struct run_store *store, const struct stored_run *run, uint32_t number,
		       struct error *err)
{
	struct stored_night night = {
		.id = string_format("%s-nightly", run->id), .campaign = string_copy("nightly"),
		.run_id = string_copy(run->id), .started_wall_ns = run->started_wall_ns,
		.finished_wall_ns = run->started_wall_ns + 2600 * UINT64_C(1000000000),
		.budget_minutes = 45, .status = number % 17 == 0,
		.summary = string_format("nightly: %u boots, %u of 200 metrics regressed", 400U,
					 number % 17 ? 0U : 2U),
		.cells = memory_alloc_array(CELLS, sizeof(*night.cells)), .cells_count = CELLS,
	};
	int rc;

	for (uint32_t i = 0; i < CELLS; i++)
		night.cells[i] = (struct stored_night_cell){
			.guest = string_copy(guests[i]), .suite = string_copy("standard"),
			.is_run = is_run(number, i) };
	if (number % 31 == 30)
		add_event(&night, number);
	rc = run_store_set_night(store, &night, err);
	stored_night_release(&night);
	return rc;
}

/* One run with all its figures and verdicts, and its night; one in fifty is missing. */
static int store_run(struct run_store *store, struct world *world, uint32_t number,
		     struct error *err)
{
	static struct run_figure figures[METRICS * VARIANTS];
	cleanup_with(stored_run_release) struct stored_run run = make_run(number);
	size_t count = 0;
	int rc;

	step_levels(world);
	if (number % 50 == 49)
		return 0;
	for (uint32_t i = 0; i < METRICS; i++)
		for (uint32_t variant = 0; variant < VARIANTS; variant++)
			if (is_run(number, i / METRICS_OF_CELL))
				figures[count++] = make_figure(world, i, variant);
	rc = run_store_begin(store, &run, err);
	if (!rc)
		rc = run_store_set_state(store, run.id, "finished", err);
	if (!rc)
		rc = run_store_put_figures(store, &run, figures, count, 1, err);
	if (!rc)
		rc = store_verdicts(store, &run, figures, count, world, false, err);
	if (!rc)
		rc = store_verdicts(store, &run, figures, count, world, true, err);
	return rc ? rc : store_night(store, &run, number, err);
}

static double cpu_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int measure(struct run_store *store, struct error *err)
{
	cleanup_free char *path = path_join(run_store_folder(store), RESULTS_INDEX_FILE);
	double start = cpu_s(), taken;
	struct rusage usage;
	struct stat info;
	int rc = results_index_write(store, err);

	if (rc)
		return rc;
	taken = cpu_s() - start;
	(void)getrusage(RUSAGE_SELF, &usage);
	if (stat(path, &info))
		return error_set(err, -1, "%s: is not there", path);
	printf("index of %d nights x %d metrics x %d variants: written in %.2f s of one core "
	       "(limit %.0f s),\n%.2f MB (limit %.1f MB), at most %ld MiB\n", NIGHTS, METRICS,
	       VARIANTS, taken, LIMIT_S, (double)info.st_size / 1e6, LIMIT_BYTES / 1e6,
	       usage.ru_maxrss / 1024);
	return taken <= LIMIT_S && info.st_size <= LIMIT_BYTES;
}

static int bench(const char *folder, struct error *err)
{
	struct run_store *store = NULL;
	struct world world = { .random = gsl_rng_alloc(gsl_rng_mt19937) };
	int rc = run_store_open(folder, &store, err);

	gsl_rng_set(world.random, 7);
	for (size_t i = 0; i < METRICS; i++)
		world.logs[i] = world.bases[i] = log(1e4 * (double)(i + 1));
	for (uint32_t night = 0; !rc && night < NIGHTS; night++)
		rc = store_run(store, &world, night, err);
	if (!rc)
		rc = measure(store, err);
	gsl_rng_free(world.random);
	run_store_close(store);
	return rc;
}

int main(int argc, char **argv)
{
	static struct error err;
	char made[] = "/tmp/kerngate-bench.XXXXXX";
	const char *folder = argc > 1 ? argv[1] : mkdtemp(made);
	int rc = folder ? bench(folder, &err) : -1;

	if (folder && argc < 2 && folder_remove(folder))
		fprintf(stderr, "index-cost: %s is left behind\n", folder);
	if (rc < 0) {
		fprintf(stderr, "index-cost: %s\n", err.message);
		return 2;
	}
	return rc ? 0 : 1;
}
