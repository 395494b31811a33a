/* exact_counts.c - the count file's regions > samples of the metrics that exact
 * mode adds (exact.h). Regions stand in the order in which they ended: a round's
 * own regions before the round, a row's rounds before the row.
 */
#include "exact.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "memory.h"

/* What was counted in one round; sums over its regions. */
struct figures {
	uint64_t work, kernel, user, span;
};

struct round {
	uint32_t row, iteration;
	struct figures figures;
};

struct gathering {
	const struct plugin_counts *counts;
	const struct workload_info *const *workloads;
	size_t rows_count;
	struct round *rounds;        /* owned */
	size_t rounds_count, rounds_capacity;
	size_t row_start;            /* the first round of the row that is read */
	uint32_t rows_ended;
	struct figures own;          /* of regions since the last round's end */
	bool has_own;
	struct error *err;
};

static int refuse_size(const struct gathering *gathering)
{
	return error_set(gathering->err, -EBADMSG, "counts: row %u, round %zu: more "
			 "than %" PRIu64 " instructions", gathering->rows_ended,
			 gathering->rounds_count - gathering->row_start,
			 PLUGIN_COUNT_MAX);
}

static struct figures region_figures(const struct plugin_counts *counts,
				     const struct plugin_region *region)
{
	struct figures figures = {
		.work = plugin_region_work(counts, region),
		.span = plugin_region_span(counts, region),
	};

	for (uint32_t i = 0; i < counts->vcpus_count; i++) {
		figures.kernel += region->vcpus[i].kernel;
		figures.user += region->vcpus[i].user;
	}
	return figures;
}

/* Regions of a round follow each other: their spans add up like their work. */
static int own_add(struct gathering *gathering, const struct plugin_region *region)
{
	struct figures figures = region_figures(gathering->counts, region);
	struct figures *own = &gathering->own;

	if (figures.work > PLUGIN_COUNT_MAX - own->work)
		return refuse_size(gathering);
	own->work += figures.work;
	own->kernel += figures.kernel;
	own->user += figures.user;
	own->span += figures.span;
	gathering->has_own = true;
	return 0;
}

static void own_drop(struct gathering *gathering)
{
	gathering->own = (struct figures){ .work = 0 };
	gathering->has_own = false;
}

static int round_add(struct gathering *gathering, const struct plugin_region *region)
{
	struct figures figures = region_figures(gathering->counts, region);

	if (figures.work > PLUGIN_COUNT_MAX)
		return refuse_size(gathering);
	if (gathering->rounds_count == gathering->rounds_capacity) {
		gathering->rounds_capacity = gathering->rounds_capacity * 2 + 64;
		gathering->rounds = memory_realloc_array(
			gathering->rounds, gathering->rounds_capacity,
			sizeof(*gathering->rounds));
	}
	gathering->rounds[gathering->rounds_count] = (struct round){
		.row = gathering->rows_ended,
		.iteration = (uint32_t)(gathering->rounds_count -
					gathering->row_start),
		.figures = gathering->has_own ? gathering->own : figures,
	};
	gathering->rounds_count++;
	own_drop(gathering);
	return 0;
}

static int row_end(struct gathering *gathering)
{
	if (gathering->rows_ended == gathering->rows_count)
		return error_set(gathering->err, -EBADMSG, "counts: more rows ran "
				 "than the %zu of the plan", gathering->rows_count);
	if (!gathering->workloads[gathering->rows_ended]->is_counted)
		gathering->rounds_count = gathering->row_start;
	gathering->row_start = gathering->rounds_count;
	gathering->rows_ended++;
	own_drop(gathering);
	return 0;
}

static int region_gather(struct gathering *gathering,
			 const struct plugin_region *region)
{
	if (region->number == PLUGIN_REGION_ROW)
		return row_end(gathering);
	if (region->number == PLUGIN_REGION_ROUND)
		return round_add(gathering, region);
	if (region->number == PLUGIN_REGION_WARMUP)
		own_drop(gathering);
	else if (region->number >= PLUGIN_REGION_OWN)
		return own_add(gathering, region);
	return 0;
}

/* --- does it hold together? ------------------------------------------------------ */

static int markers_check(const struct plugin_counts *counts, struct error *err)
{
	if (counts->is_full)
		return error_set(err, -EBADMSG, "counts: more regions than the plugin "
				 "writes; the later ones are missing");
	if (counts->lost_count)
		return error_set(err, -EBADMSG, "counts: %" PRIu64 " regions began "
				 "again before they had ended: end markers are missing",
				 counts->lost_count);
	if (counts->stray_count)
		return error_set(err, -EBADMSG, "counts: %" PRIu64 " regions ended "
				 "that had not begun: begin markers are missing",
				 counts->stray_count);
	return 0;
}

/* What a row did that never ended counts for nothing; but then it must be open. */
static int rest_check(const struct gathering *gathering)
{
	if (gathering->rounds_count == gathering->row_start || gathering->counts->open_count)
		return 0;
	return error_set(gathering->err, -EBADMSG, "counts: %zu rounds after the last "
			 "of %u rows: its markers are missing",
			 gathering->rounds_count - gathering->row_start,
			 gathering->rows_ended);
}

/* A row that passed was begun, ended, and has rounds. */
static int rows_check(const struct gathering *gathering,
		      const struct trial_result *result)
{
	size_t round = 0;

	for (uint32_t row = 0; row < result->rows_count && row < gathering->rows_count;
	     row++) {
		const struct workload_info *workload = gathering->workloads[row];
		size_t first = round;

		while (round < gathering->row_start &&
		       gathering->rounds[round].row == row)
			round++;
		if (result->rows[row].outcome != OUTCOME_PASSED)
			continue;
		if (row < gathering->rows_ended && workload->is_counted &&
		    round == first)
			return error_set(gathering->err, -EBADMSG, "counts: row %u (%s) "
					 "passed, but no round of it was seen", row,
					 workload->name);
		if (row >= gathering->rows_ended && !gathering->counts->open_count)
			return error_set(gathering->err, -EBADMSG, "counts: row %u (%s) "
					 "passed, but its markers are missing", row,
					 workload->name);
	}
	return 0;
}

/* --- samples ------------------------------------------------------------------------ */

static double metric_value(const char *metric, const struct figures *figures)
{
	if (!strcmp(metric, "work_instructions"))
		return (double)figures->work;
	if (!strcmp(metric, "kernel_instructions"))
		return (double)figures->kernel;
	if (!strcmp(metric, "user_instructions"))
		return (double)figures->user;
	if (!strcmp(metric, "span_instructions"))
		return (double)figures->span;
	/* parallelism_ratio; nothing ran: on one vCPU, if any. */
	return figures->span ? (double)figures->work / (double)figures->span : 1;
}

static void samples_add(const struct gathering *gathering,
			struct trial_result *result)
{
	size_t metrics_count;
	const struct metric_info *metrics =
		exact_metrics(gathering->counts->vcpus_count, &metrics_count);

	for (size_t i = 0; i < gathering->row_start; i++) {
		const struct round *round = &gathering->rounds[i];

		for (size_t j = 0; j < metrics_count; j++)
			trial_result_add_sample(result, round->row, metrics[j].name,
						round->iteration,
						metric_value(metrics[j].name,
							     &round->figures));
	}
}

int exact_counts_samples(const struct plugin_counts *counts,
			 const struct workload_info *const *workloads, size_t rows_count,
			 struct trial_result *result, struct error *err)
{
	struct gathering gathering = { .counts = counts, .workloads = workloads,
				       .rows_count = rows_count, .err = err };
	int rc = markers_check(counts, err);

	for (size_t i = 0; i < counts->regions_count && rc == 0; i++)
		rc = region_gather(&gathering, &counts->regions[i]);
	if (rc == 0)
		rc = rest_check(&gathering);
	if (rc == 0)
		rc = rows_check(&gathering, result);
	if (rc == 0)
		samples_add(&gathering, result);
	free(gathering.rounds);
	return rc;
}
