/* experiment_estimate.c - how long a run will take: what earlier trials took, with as many
 * guests at once as there is room for; and the builds that are still to do.
 */
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "experiment_private.h"
#include "kernel_estimate.h"
#include "memory.h"

/* Of a trial that none is known of: a boot and one row, and each row more. */
#define ROW_GUESS_NS (3 * NS_PER_SECOND)

/* --- one trial ------------------------------------------------------------------------- */

/* The same guest if there are any, else the suite in other guests. */
static bool look_up_cell(const struct experiment *experiment, size_t cell,
			 struct trial_history *ret)
{
	const struct campaign_cell *at = &experiment->campaign->cells[cell];
	const char *const guests[] = { at->guest.name, NULL };

	for (size_t i = 0; experiment->store && i < ARRAY_COUNT(guests); i++) {
		run_store_trial_history(experiment->store, guests[i], at->suite.name,
					experiment->campaign->mode, NULL, ret);
		if (ret->count)
			return true;
	}
	return false;
}

static void expect_cell(struct experiment *experiment, size_t index)
{
	const struct campaign *campaign = experiment->campaign;
	const struct campaign_cell *at = &campaign->cells[index];
	struct experiment_cell *cell = &experiment->cells[index];
	struct trial_history seen = { .count = 0 };
	bool is_known = look_up_cell(experiment, index, &seen);

	cell->expected_ns = is_known ? seen.median_ns :
			    EXPERIMENT_TRIAL_GUESS_NS + (at->suite.rows_count - 1) * ROW_GUESS_NS;
	cell->repeats_ratio = seen.repeats_ratio;
	cell->seen_count = seen.count;
	free(cell->variants_ns);
	cell->variants_ns = memory_alloc_array(campaign->variants_count, sizeof(uint64_t));
	for (size_t i = 0; i < campaign->variants_count; i++) {
		struct trial_history own = { .count = 0 };

		/* A debug kernel takes many times what a measured one does. */
		if (is_known)
			run_store_trial_history(experiment->store, at->guest.name, at->suite.name,
						campaign->mode, campaign->variants[i].name, &own);
		cell->variants_ns[i] = own.count ? own.median_ns : cell->expected_ns;
	}
}

void experiment_expect_durations(struct experiment *experiment)
{
	for (size_t i = 0; i < experiment->cells_count; i++)
		expect_cell(experiment, i);
}

static uint64_t trial_expected_ns(const struct experiment *experiment,
				  const struct stored_trial *trial)
{
	const struct experiment_cell *cell = &experiment->cells[trial->cell];

	if (cell->measured_count)
		return cell->measured_ns / cell->measured_count;
	return cell->variants_ns ?
	       cell->variants_ns[experiment_variant_of(experiment, trial->variant)] :
	       cell->expected_ns;
}

/* --- many at once ------------------------------------------------------------------------ */

/* A guest that is thought to run. */
struct slot {
	uint64_t end_ns;
	uint64_t memory_mib;
	uint32_t cpus_count;
};

struct forecast {
	struct slot *slots;   /* owned */
	size_t count;
	uint64_t now_ns;
	uint64_t memory_mib;  /* in use */
	uint32_t cpus_count;  /* in use */
};

/* Time goes on until the guest that ends first has ended. */
static void forecast_end_one(struct forecast *forecast)
{
	size_t first = 0;

	for (size_t i = 1; i < forecast->count; i++)
		if (forecast->slots[i].end_ns < forecast->slots[first].end_ns)
			first = i;
	forecast->now_ns = forecast->slots[first].end_ns;
	forecast->memory_mib -= forecast->slots[first].memory_mib;
	forecast->cpus_count -= forecast->slots[first].cpus_count;
	forecast->slots[first] = forecast->slots[--forecast->count];
}

static void forecast_start(struct forecast *forecast, const struct experiment *experiment,
			   const struct stored_trial *trial)
{
	const struct guest_spec *guest =
		&experiment->campaign->cells[trial->cell].guest;
	uint32_t cpus_count = experiment_guest_cpus(experiment, guest);
	struct slot slot = {
		.memory_mib = experiment_guest_memory_mib(guest),
		.cpus_count = cpus_count < experiment->cpus_count ? cpus_count :
								    experiment->cpus_count,
	};

	while (forecast->count &&
	       (forecast->cpus_count + slot.cpus_count > experiment->cpus_count ||
		forecast->memory_mib + slot.memory_mib > experiment->memory_mib))
		forecast_end_one(forecast);
	slot.end_ns = forecast->now_ns + trial_expected_ns(experiment, trial);
	forecast->memory_mib += slot.memory_mib;
	forecast->cpus_count += slot.cpus_count;
	forecast->slots[forecast->count++] = slot;
}

static bool is_ahead(const struct stored_trial *trial, uint32_t block, uint32_t cell)
{
	return trial->state != TRIAL_FINISHED && (block == UINT32_MAX || trial->block == block) &&
	       (cell == UINT32_MAX || trial->cell == cell);
}

/* By playing it through: guests of different shapes, started strictly in order,
 * fill a host less than their number says. UINT32_MAX: of all. */
static uint64_t forecast_ns(const struct experiment *experiment, uint32_t block, uint32_t cell)
{
	const struct stored_run *run = &experiment->run;
	cleanup_free struct slot *slots = memory_alloc_array(experiment->cpus_count + 1,
							     sizeof(*slots));
	struct forecast forecast = { .slots = slots };

	for (size_t i = 0; i < run->trials_count; i++)
		if (is_ahead(&run->trials[i], block, cell))
			forecast_start(&forecast, experiment, &run->trials[i]);
	while (forecast.count)
		forecast_end_one(&forecast);
	return forecast.now_ns;
}

uint64_t experiment_remaining_ns(const struct experiment *experiment, uint32_t block)
{
	return forecast_ns(experiment, block, UINT32_MAX);
}

/* --- the whole ------------------------------------------------------------------------------ */

static bool same_key_before(const struct experiment *experiment, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!strcmp(experiment->kernel_keys[i], experiment->kernel_keys[index]))
			return true;
	return false;
}

static void estimate_builds(const struct experiment *experiment, struct experiment_estimate *ret)
{
	const struct campaign *campaign = experiment->campaign;
	struct kernel_estimate builds;
	bool all_seen = true;

	kernel_estimate_begin(experiment->cache, &builds);
	for (size_t i = 0; i < campaign->variants_count; i++) {
		size_t seen_count;

		if (experiment->kernel_cached[i] || same_key_before(experiment, i))
			continue;
		ret->builds_count++;
		ret->build_ns += kernel_estimate_add(&builds, &campaign->variants[i].kernel,
						     &seen_count);
		all_seen = all_seen && seen_count;
		ret->builds_seen_count += seen_count;
	}
	/* One that is guessed makes a guess of the sum. */
	if (!all_seen)
		ret->builds_seen_count = 0;
	kernel_estimate_end(&builds);
}

static size_t count_trials(const struct stored_run *run, uint32_t cell)
{
	size_t count = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		count += is_ahead(&run->trials[i], UINT32_MAX, cell);
	return count;
}

/* Repeats come on top, at the rate that they had. */
static uint64_t with_repeats(uint64_t ns, double ratio)
{
	return ns + (uint64_t)((double)ns * ratio);
}

void experiment_fill_estimate(const struct experiment *experiment,
			      struct experiment_estimate *ret)
{
	const size_t count = experiment->cells_count;
	uint64_t alone_ns = 0, sum_ns = 0;

	*ret = (struct experiment_estimate){
		.cells = memory_alloc_array(count, sizeof(*ret->cells)),
		.cells_count = count,
		.boots_count = count_trials(&experiment->run, UINT32_MAX),
	};
	estimate_builds(experiment, ret);
	for (uint32_t i = 0; i < count; i++) {
		const struct experiment_cell *cell = &experiment->cells[i];
		uint64_t ns = forecast_ns(experiment, UINT32_MAX, i);

		ret->cells[i].boots_ns = with_repeats(ns, cell->repeats_ratio);
		ret->cells[i].boots_count = count_trials(&experiment->run, i);
		ret->cells[i].seen_count = cell->seen_count;
		alone_ns += ns;
		sum_ns += ret->cells[i].boots_ns;
	}
	/* The cells are mixed: their guests fill the host better than each cell by itself. */
	ret->boots_ns = experiment_remaining_ns(experiment, UINT32_MAX);
	if (alone_ns)
		ret->boots_ns = with_repeats(ret->boots_ns,
					     (double)(sum_ns - alone_ns) / (double)alone_ns);
}

void experiment_estimate_release(struct experiment_estimate *estimate)
{
	free(estimate->cells);
	*estimate = (struct experiment_estimate){ .cells = NULL };
}

int experiment_estimate(const struct campaign *campaign, const struct experiment_options *options,
			struct experiment_estimate *ret, struct error *err)
{
	cleanup_experiment struct experiment experiment = { .lock = -1 };
	int rc = experiment_prepare_unstored(campaign, options, &experiment, err);

	if (rc)
		return rc;
	experiment_fill_estimate(&experiment, ret);
	return 0;
}

/* --- as text ---------------------------------------------------------------------------------- */

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void add_minutes(struct strbuf *text, uint64_t ns)
{
	double minutes = (double)ns / 60e9;

	if (minutes >= 10)
		strbuf_addf(text, "%.0f min", minutes);
	else
		strbuf_addf(text, "%.1f min", minutes);
}

/* "60 earlier trials", "60 earlier trials, 1 of 3 cells guessed", "guessed" */
static void add_grounds(struct strbuf *text, const struct experiment_estimate *estimate)
{
	size_t seen = 0, guessed = 0;

	for (size_t i = 0; i < estimate->cells_count; i++) {
		seen += estimate->cells[i].seen_count;
		guessed += !estimate->cells[i].seen_count;
	}
	if (!seen)
		strbuf_adds(text, "guessed");
	else
		strbuf_addf(text, "from %zu earlier trial%s", seen, plural(seen));
	if (seen && guessed)
		strbuf_addf(text, ", %zu of %zu cells guessed", guessed, estimate->cells_count);
}

static void add_builds(struct strbuf *text, const struct experiment_estimate *estimate)
{
	strbuf_addf(text, "builds %zu", estimate->builds_count);
	if (!estimate->builds_count)
		return;
	strbuf_adds(text, " (about ");
	add_minutes(text, estimate->build_ns);
	if (estimate->builds_seen_count)
		strbuf_addf(text, ", from %zu earlier one%s)", estimate->builds_seen_count,
			    plural(estimate->builds_seen_count));
	else
		strbuf_adds(text, ", guessed)");
}

char *experiment_estimate_text(const struct experiment_estimate *estimate)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "about ");
	add_minutes(&text, estimate->build_ns + estimate->boots_ns);
	strbuf_adds(&text, ": ");
	add_builds(&text, estimate);
	strbuf_addf(&text, ", boots %zu (about ", estimate->boots_count);
	add_minutes(&text, estimate->boots_ns);
	strbuf_adds(&text, "; ");
	add_grounds(&text, estimate);
	strbuf_addc(&text, ')');
	return strbuf_detach(&text);
}

char *experiment_budget_text(const struct experiment *experiment,
			     const struct experiment_estimate *estimate)
{
	const struct stored_run *run = &experiment->run;
	const uint32_t minutes = experiment->campaign->budget_minutes;
	const uint64_t budget_ns = minutes * 60 * NS_PER_SECOND;
	size_t blocks = run->trials_count ? run->trials[run->trials_count - 1].block + 1 : 0, fit;
	const char *noun = experiment_is_exact(experiment) ? "seed" : "block";

	if (!minutes)
		return NULL;
	if (!blocks || estimate->boots_ns <= budget_ns)
		return string_format("%" PRIu32 " minutes of boots; no %s starts that would pass it",
				     minutes, noun);
	fit = (size_t)((double)blocks * (double)budget_ns / (double)estimate->boots_ns);
	fit = fit ? fit : 1;
	return string_format("%" PRIu32 " minutes of boots, less than they take: about %zu of the "
			     "%zu %ss will run, the others are left out", minutes, fit, blocks, noun);
}

static void print_cell(const struct experiment *experiment,
		       const struct experiment_estimate *estimate, size_t index)
{
	const struct campaign_cell *cell = &experiment->campaign->cells[index];
	const struct experiment_cell *expected = &experiment->cells[index];
	cleanup_free char *name = string_format("%s/%s", cell->guest.name, cell->suite.name);
	cleanup_free char *mark = experiment_is_exact(experiment) ?
					  NULL : guest_spec_mark(&cell->guest);
	cleanup_strbuf struct strbuf took = STRBUF_INIT;
	char duration[CLOCK_TEXT_MAX];

	add_minutes(&took, estimate->cells[index].boots_ns);
	printf("  %-32s %4zu boots, %8s: %s each, %" PRIu32 " at once", name,
	       estimate->cells[index].boots_count, took.data,
	       duration_format(expected->expected_ns, duration),
	       experiment_concurrency(experiment, &cell->guest));
	if (expected->seen_count)
		printf(" (%zu seen)\n", expected->seen_count);
	else
		printf(" (guessed)\n");
	if (mark)
		printf("    %s\n", mark);
}

void experiment_print_estimate(const struct experiment *experiment)
{
	cleanup_with(experiment_estimate_release) struct experiment_estimate estimate = {
		.cells = NULL
	};
	cleanup_free char *text = NULL, *budget = NULL;

	experiment_fill_estimate(experiment, &estimate);
	text = experiment_estimate_text(&estimate);
	budget = experiment_budget_text(experiment, &estimate);
	printf("estimated: %s\n", text);
	for (size_t i = 0; i < experiment->cells_count; i++)
		print_cell(experiment, &estimate, i);
	if (budget)
		printf("budget: %s\n", budget);
}
