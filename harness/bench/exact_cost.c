/* exact_cost.c - what exact mode and its counting plugin cost: the trial of the
 * quick campaign (its baseline, each of its guests) in plain TCG, in exact mode with
 * several shifts, and with the plugin in its forms. `make bench` runs it.
 *
 * Conditions are run in random order within blocks, one guest at a time; then the two
 * that matter with as many guests at once as the host has CPUs. Ratios are geometric
 * means over blocks of what was paired in them. The program fails (exit 1) where exact
 * mode takes more than 2.5 times the wall time of plain TCG for all guests of the
 * campaign together, or the plugin by block more than 1.6 times that of none.
 */
#include <errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench_guests.h"
#include "files.h"
#include "log.h"
#include "memory.h"
#include "statistics.h"
#include "supervisor.h"

#define REPEATS_DEFAULT 5
#define REPEATS_MAX 100
#define CELLS_MAX 8
#define CONFIDENCE 0.95
#define EXACT_LIMIT 2.5
#define PLUGIN_LIMIT 1.6
#define PROFILE_ROW 1 /* of the suite quick: hugetlb_fallocate */

enum condition_id { PLAIN, EXACT, EXACT_2, EXACT_4, BLOCK, INSTRUCTION, PROFILE, CONDITIONS };

static const struct condition {
	const char *name;
	bool is_exact;
	struct exact_policy policy;
} conditions[CONDITIONS] = {
	[PLAIN] = { "plain TCG", false, { 0 } },
	[EXACT] = { "exact, shift 3", true, { .shift = 3 } },
	[EXACT_2] = { "exact, shift 2", true, { .shift = 2 } },
	[EXACT_4] = { "exact, shift 4", true, { .shift = 4 } },
	[BLOCK] = { "shift 3, by block", true, { .shift = 3, .counts = true } },
	[INSTRUCTION] = { "shift 3, by instruction", true,
			  { .shift = 3, .counts = true, .by_instruction = true } },
	[PROFILE] = { "shift 3, with profile", true,
		      { .shift = 3, .counts = true, .profile = true } },
};

/* Those that are run with as many guests as the host has CPUs, too. */
static const enum condition_id together[] = { PLAIN, EXACT, BLOCK };

struct bench {
	struct bench_guests *guests;   /* owned */
	uint32_t repeats, cells_count;
	/* [repeat] of each condition and cell, one guest at a time and together */
	struct bench_cost *alone[CONDITIONS][CELLS_MAX];
	struct bench_cost *full[CONDITIONS][CELLS_MAX];
};

static void bench_release(struct bench *bench)
{
	bench_guests_close(bench->guests);
	for (size_t i = 0; i < CONDITIONS; i++) {
		for (size_t cell = 0; cell < CELLS_MAX; cell++) {
			free(bench->alone[i][cell]);
			free(bench->full[i][cell]);
		}
	}
}

/* --- running ----------------------------------------------------------------------------- */

static bool is_together(size_t condition)
{
	for (size_t i = 0; i < ARRAY_COUNT(together); i++)
		if (together[i] == condition)
			return true;
	return false;
}

static int run_one(struct bench *bench, size_t condition, uint32_t cell, uint32_t repeat,
		   struct error *err)
{
	const struct bench_trial trial = {
		.cell = cell,
		.is_exact = conditions[condition].is_exact,
		.policy = conditions[condition].policy,
		.profile_row = PROFILE_ROW,
		.seed = repeat + 1,
	};
	int rc = bench_guests_run(bench->guests, &trial, 1,
				  &bench->alone[condition][cell][repeat], err);

	if (!rc && is_together(condition))
		rc = bench_guests_run(bench->guests, &trial, UINT32_MAX,
				      &bench->full[condition][cell][repeat], err);
	return rc ? error_prefix(err, "%s", conditions[condition].name) : 0;
}

static void free_generator(gsl_rng **generator)
{
	gsl_rng_free(*generator);
}

static int run_all(struct bench *bench, struct error *err)
{
	cleanup_with(free_generator) gsl_rng *generator = gsl_rng_alloc(gsl_rng_mt19937);
	size_t count = CONDITIONS * bench->cells_count;
	cleanup_free uint32_t *order = memory_alloc_array(count, sizeof(*order));
	int rc = 0;

	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t repeat = 0; repeat < bench->repeats; repeat++) {
		gsl_ran_shuffle(generator, order, count, sizeof(*order));
		for (size_t i = 0; !rc && i < count; i++) {
			progress_update("bench", "guest", repeat * count + i,
					bench->repeats * count, UINT64_MAX, "");
			rc = run_one(bench, order[i] % CONDITIONS,
				     order[i] / CONDITIONS, repeat, err);
		}
	}
	progress_clear();
	return rc;
}

/* --- figures ------------------------------------------------------------------------------ */

enum quantity { WALL, CPU };

/* Of one guest: where several ran at once, what each of them cost. */
static double cost_of(const struct bench_cost *cost, enum quantity quantity)
{
	return (quantity == WALL ? cost->wall_s : cost->cpu_s) / cost->guests_count;
}

struct bench_side {
	struct bench_cost *const *cells; /* of one condition */
	uint32_t from, to;               /* cells that are added up: from..to - 1 */
};

static double side_cost(const struct bench_side *side, uint32_t repeat, enum quantity quantity)
{
	double sum = 0;

	for (uint32_t cell = side->from; cell < side->to; cell++)
		sum += cost_of(&side->cells[cell][repeat], quantity);
	return sum;
}

static double mean_cost(const struct bench *bench, const struct bench_side *side,
			enum quantity quantity)
{
	double sum = 0;

	for (uint32_t i = 0; i < bench->repeats; i++)
		sum += side_cost(side, i, quantity);
	return sum / bench->repeats;
}

static struct paired_figures ratio(const struct bench *bench, const struct bench_side *before,
				   const struct bench_side *after, enum quantity quantity)
{
	struct figure_pair pairs[REPEATS_MAX];

	for (uint32_t i = 0; i < bench->repeats; i++)
		pairs[i] = (struct figure_pair){ side_cost(before, i, quantity),
						 side_cost(after, i, quantity) };
	return statistics_paired(pairs, bench->repeats, CONFIDENCE);
}

/* --- the table ----------------------------------------------------------------------------- */

#define RATIO_MAX 40

static const char *ratio_format(const struct paired_figures *figures, char text[RATIO_MAX])
{
	if (isfinite(figures->interval.high))
		snprintf(text, RATIO_MAX, "%.2f [%.2f, %.2f]", figures->ratio,
			 figures->interval.low, figures->interval.high);
	else
		snprintf(text, RATIO_MAX, "%.2f", figures->ratio);
	return text;
}

static void print_line(const struct bench *bench, const char *guest, size_t condition,
		       struct bench_cost *const (*costs)[CELLS_MAX], uint32_t from, uint32_t to)
{
	struct bench_side plain = { costs[PLAIN], from, to };
	struct bench_side side = { costs[condition], from, to };
	struct paired_figures wall = ratio(bench, &plain, &side, WALL);
	struct paired_figures cpu = ratio(bench, &plain, &side, CPU);
	char wall_text[RATIO_MAX], cpu_text[RATIO_MAX];

	printf("%-5s %-23s %6.2f %-18s %6.2f %s\n", guest, conditions[condition].name,
	       mean_cost(bench, &side, WALL), ratio_format(&wall, wall_text),
	       mean_cost(bench, &side, CPU), ratio_format(&cpu, cpu_text));
}

static void print_table(const struct bench *bench, const char *title,
			struct bench_cost *const (*costs)[CELLS_MAX], bool all)
{
	const struct campaign *campaign = bench_guests_campaign(bench->guests);

	printf("\n%s\n%-5s %-23s %6s %-18s %6s %s\n", title, "guest", "condition", "wall s",
	       "x plain", "CPU s", "x plain");
	for (uint32_t cell = 0; cell <= bench->cells_count; cell++) {
		bool is_mix = cell == bench->cells_count;

		for (size_t i = 0; i < CONDITIONS; i++)
			if (all || is_together(i))
				print_line(bench,
					   is_mix ? "all" : campaign->cells[cell].guest.name, i,
					   costs, is_mix ? 0 : cell, is_mix ? cell : cell + 1);
	}
}

/* True if the limit holds. */
static bool print_limit(const struct bench *bench, const char *text, size_t before,
			size_t after, double limit)
{
	struct bench_side a = { bench->alone[before], 0, bench->cells_count };
	struct bench_side b = { bench->alone[after], 0, bench->cells_count };
	struct paired_figures figures = ratio(bench, &a, &b, WALL);
	bool holds = figures.ratio <= limit;
	char ratio_text[RATIO_MAX];

	printf("%-42s %-18s at most %.1f: %s\n", text, ratio_format(&figures, ratio_text), limit,
	       holds ? "yes" : "NO");
	return holds;
}

static bool print_results(const struct bench *bench)
{
	bool holds;

	printf("quick, %s, %" PRIu32 " repeats, %s, %" PRIu32 " CPUs; means, ratios with %g %% "
	       "intervals\n",
	       bench_guests_campaign(bench->guests)
		       ->variants[bench_guests_campaign(bench->guests)->baseline].name,
	       bench->repeats, bench_guests_version(bench->guests),
	       bench_guests_cpus(bench->guests), 100 * CONFIDENCE);
	print_table(bench, "one guest at a time", bench->alone, true);
	print_table(bench, "as many guests at once as there is room for, per guest", bench->full,
		    false);
	printf("\nlimits, wall time of all guests, one at a time\n");
	holds = print_limit(bench, "exact (shift 3) over plain TCG", PLAIN, EXACT, EXACT_LIMIT);
	holds &= print_limit(bench, "exact with the plugin by block over plain", PLAIN, BLOCK,
			     EXACT_LIMIT);
	holds &= print_limit(bench, "plugin by block over none, both exact", EXACT, BLOCK,
			     PLUGIN_LIMIT);
	return holds;
}

/* --- main ----------------------------------------------------------------------------------- */

static void make_room(struct bench *bench)
{
	bench->cells_count = (uint32_t)bench_guests_campaign(bench->guests)->cells_count;
	for (size_t i = 0; i < CONDITIONS; i++) {
		for (size_t cell = 0; cell < bench->cells_count; cell++) {
			bench->alone[i][cell] = memory_alloc_array(bench->repeats,
								   sizeof(struct bench_cost));
			bench->full[i][cell] = memory_alloc_array(bench->repeats,
								  sizeof(struct bench_cost));
		}
	}
}

/* This program is where what it boots is; owned. */
static char *build_folder(void)
{
	char program[PATH_MAX] = "";

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) <= 0)
		return path_absolute("build");
	return path_folder(program);
}

static int bench_run(uint32_t repeats, bool *ret_holds, struct error *err)
{
	cleanup_with(bench_release) struct bench bench = { .repeats = repeats };
	cleanup_free char *root = path_absolute("."), *build = build_folder();
	const struct bench_options options = { .project_root = root, .build_dir = build };
	int rc = bench_guests_open(&options, &bench.guests, err);

	if (!rc && bench_guests_campaign(bench.guests)->cells_count > CELLS_MAX)
		rc = error_set(err, -E2BIG, "the campaign quick has more than %d cells", CELLS_MAX);
	if (rc)
		return rc;
	make_room(&bench);
	rc = run_all(&bench, err);
	if (!rc)
		*ret_holds = print_results(&bench);
	return rc;
}

int main(int argc, char **argv)
{
	unsigned long repeats = argc > 1 ? strtoul(argv[1], NULL, 10) : REPEATS_DEFAULT;
	struct error err = ERROR_INIT;
	bool holds = false;

	if (argc > 2 || repeats < 1 || repeats > REPEATS_MAX) {
		fprintf(stderr, "usage: %s [REPEATS, 1 to %d; default %d], in the project's root\n",
			argv[0], REPEATS_MAX, REPEATS_DEFAULT);
		return 64;
	}
	supervisor_start();
	if (bench_run((uint32_t)repeats, &holds, &err)) {
		fprintf(stderr, "exact-cost: %s\n", err.message);
		return 2;
	}
	return holds ? 0 : 1;
}
