/* report_format_figures.c - a run's samples, metric by metric, and what boots of a
 * variant amount to.
 */
#include <math.h>

#include "memory.h"
#include "report_format_parts.h"

int format_each_metric(const struct format_input *input,
		       void (*write)(const struct format_input *input,
				     const struct format_metric *metric, void *context),
		       void *context, struct error *err)
{
	const struct stored_run *run = input->run;

	for (uint32_t cell = 0; cell < run->cells_count; cell++) {
		const struct stored_cell *place = &run->cells[cell];

		for (uint32_t i = 0; i < place->rows_count; i++) {
			const struct stored_row *row = &place->rows[i];

			for (uint32_t k = 0; k < row->metrics_count; k++) {
				struct format_metric metric = { cell, i, k, &row->metrics[k],
								NULL, 0 };
				struct stored_samples *boots;
				int rc = input->source->samples(input->source->context, run->id,
								cell, i, metric.info->name, &boots,
								&metric.boots_count, err);

				if (rc)
					return rc;
				metric.boots = boots;
				write(input, &metric, context);
				stored_samples_free(boots, metric.boots_count);
			}
		}
	}
	return 0;
}

static bool is_usable(const struct stored_samples *boot)
{
	for (size_t i = 0; i < boot->count; i++)
		if (!isfinite(boot->values[i]))
			return false;
	return boot->count > 0;
}

double format_figure(const struct metric_info *metric, const struct stored_samples *boot)
{
	const struct boot_samples samples = { .block = boot->block, .values = boot->values,
					      .count = boot->count };

	if (!is_usable(boot))
		return NAN;
	return statistics_boot_summary(&samples, verdict_boot_summary(metric));
}

uint32_t format_side(const struct stored_run *run, uint32_t variant)
{
	return (int64_t)variant == run->control_variant ? (uint32_t)run->baseline : variant;
}

bool format_is_side(const struct stored_run *run, uint32_t variant)
{
	return (int64_t)variant != run->control_variant;
}

/* Exact mode: the copy is the same bytes once more; it counts where the baseline's
 * own boot gave nothing (canary.h). */
static bool is_copy(const struct stored_run *run, const struct format_metric *metric,
		    size_t index)
{
	const struct stored_samples *boot = &metric->boots[index];

	if (run->mode != MODE_EXACT || (int64_t)boot->variant != run->control_variant)
		return false;
	for (size_t i = 0; i < metric->boots_count; i++)
		if (metric->boots[i].block == boot->block &&
		    metric->boots[i].variant == run->baseline &&
		    is_usable(&metric->boots[i]))
			return true;
	return false;
}

bool format_counts(const struct stored_run *run, const struct format_metric *metric,
		   size_t boot, uint32_t variant)
{
	return format_side(run, metric->boots[boot].variant) == variant &&
	       is_usable(&metric->boots[boot]) &&
	       !is_copy(run, metric, boot);
}

size_t format_figures(const struct stored_run *run, const struct format_metric *metric,
		      uint32_t variant, double *ret_figures)
{
	size_t count = 0;

	for (size_t i = 0; i < metric->boots_count; i++)
		if (format_counts(run, metric, i, variant))
			ret_figures[count++] = format_figure(metric->info, &metric->boots[i]);
	return count;
}

static struct format_mean arithmetic_mean(const double *figures, size_t count)
{
	struct format_mean mean = { .value = 0, .interval = { NAN, NAN }, .boots_count = count };

	for (size_t i = 0; i < count; i++)
		mean.value += figures[i] / (double)count;
	return mean;
}

struct format_mean format_mean(const struct format_input *input,
			       const struct format_metric *metric, uint32_t variant)
{
	struct format_mean none = { NAN, { NAN, NAN }, 0 };
	cleanup_free double *figures = memory_alloc_array(metric->boots_count, sizeof(*figures));
	cleanup_free struct figure_pair *pairs = NULL;
	size_t count = format_figures(input->run, metric, variant, figures);
	struct paired_figures paired;

	if (count == 0)
		return none;
	pairs = memory_alloc_array(count, sizeof(*pairs));
	for (size_t i = 0; i < count; i++) {
		if (figures[i] <= 0)
			return arithmetic_mean(figures, count);
		pairs[i] = (struct figure_pair){ 1, figures[i] };
	}
	/* Against 1, the ratio of pairs is the figures' geometric mean. */
	paired = statistics_paired(pairs, count, input->comparison->policy.confidence);
	if (!isfinite(paired.interval.low) || !isfinite(paired.interval.high))
		paired.interval = none.interval;
	return (struct format_mean){ paired.ratio, paired.interval, count };
}

const struct stored_trial *format_trial(const struct stored_run *run, int64_t id)
{
	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].id == id)
			return &run->trials[i];
	return NULL;
}
