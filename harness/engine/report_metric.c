/* report_metric.c - stored samples > boots of one metric. */
#include "report_metric.h"

#include <math.h>
#include <string.h>

#include "memory.h"
#include "render.h"
#include "report_svg.h"

#define LOG_SPAN 30 /* largest over smallest sample, from which on steps are ratios */

static int compare_values(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int compare_boots(const void *a, const void *b)
{
	const struct report_boot *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static const struct stored_trial *find_trial(const struct stored_run *run, int64_t id)
{
	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].id == id)
			return &run->trials[i];
	return NULL;
}

static struct report_boot make_boot(const struct stored_run *run,
				    const struct stored_samples *samples, enum metric_kind kind)
{
	const struct stored_trial *trial = find_trial(run, samples->trial_id);
	struct report_boot boot = {
		.variant = samples->variant,
		.block = samples->block,
		.number = trial ? trial->order + 1 : 0,
		.disturbed = trial && trial->disturbed,
		.sorted = memory_alloc_array(samples->count, sizeof(double)),
		.count = samples->count,
	};

	memcpy(boot.sorted, samples->values, samples->count * sizeof(double));
	qsort(boot.sorted, boot.count, sizeof(double), compare_values);
	boot.low = boot.sorted[0];
	boot.high = boot.sorted[boot.count - 1];
	boot.median = statistics_median(boot.sorted, boot.count);
	boot.figure = kind == METRIC_TAIL ? boot.high : boot.median;
	return boot;
}

static void find_ranges(struct report_metric *metric)
{
	metric->low = metric->figure_low = INFINITY;
	metric->high = metric->figure_high = -INFINITY;
	for (size_t i = 0; i < metric->count; i++) {
		const struct report_boot *boot = &metric->boots[i];

		metric->low = fmin(metric->low, boot->low);
		metric->high = fmax(metric->high, boot->high);
		metric->figure_low = fmin(metric->figure_low, boot->figure);
		metric->figure_high = fmax(metric->figure_high, boot->figure);
	}
	metric->is_log = metric->low > 0 && metric->high / metric->low > LOG_SPAN;
}

void report_metric_make(const struct stored_run *run, const struct comparison *comparison,
			uint32_t cell, uint32_t row, uint32_t metric,
			struct report_metric *ret_metric)
{
	const struct metric_info *info = &run->cells[cell].rows[row].metrics[metric];
	struct report_metric made = { .cell = cell, .row = row, .metric = metric, .info = info };
	cleanup_strbuf struct strbuf unit = STRBUF_INIT;
	const struct stored_samples *samples;
	size_t count;

	samples = comparison_samples(comparison, run, cell, row, metric, &count);
	made.boots = memory_alloc_array(count, sizeof(*made.boots));
	for (size_t i = 0; i < count; i++)
		if (samples[i].count && samples[i].variant < run->variants_count)
			made.boots[made.count++] = make_boot(run, &samples[i], info->kind);
	qsort(made.boots, made.count, sizeof(*made.boots), compare_boots);
	find_ranges(&made);
	made.scale = render_scale(made.count ? fmax(fabs(made.low), fabs(made.high)) : 0,
				  info->unit, &unit);
	made.unit = strbuf_detach(&unit);
	*ret_metric = made;
}

void report_metric_drop_samples(struct report_metric *metric)
{
	for (size_t i = 0; i < metric->count; i++) {
		free(metric->boots[i].sorted);
		metric->boots[i].sorted = NULL;
	}
}

void report_metric_release(struct report_metric *metric)
{
	report_metric_drop_samples(metric);
	free(metric->boots);
	free(metric->unit);
	*metric = (struct report_metric){ .info = NULL };
}

/* --- drift ------------------------------------------------------------------------------ */

struct sums {
	size_t count;
	double x, y, xx, xy;
};

/* False where the variant cannot be used. */
static bool sum_variant(const struct report_metric *metric, uint32_t variant, struct sums *sums)
{
	*sums = (struct sums){ .count = 0 };
	for (size_t i = 0; i < metric->count; i++) {
		const struct report_boot *boot = &metric->boots[i];
		double x = boot->number, y = log(boot->figure);

		if (boot->variant != variant)
			continue;
		if (!(boot->figure > 0))
			return false;
		sums->count++;
		sums->x += x;
		sums->y += y;
		sums->xx += x * x;
		sums->xy += x * y;
	}
	return sums->count >= 3;
}

double report_metric_drift(const struct report_metric *metric)
{
	double xx = 0, xy = 0;
	bool is_known = false;

	for (size_t i = 0; i < metric->count; i++) {
		uint32_t variant = metric->boots[i].variant;
		struct sums sums;

		for (size_t k = 0; k < i; k++)
			if (metric->boots[k].variant == variant)
				variant = UINT32_MAX;
		if (variant == UINT32_MAX)
			continue;
		if (!sum_variant(metric, variant, &sums))
			return NAN;
		xx += sums.xx - sums.x * sums.x / (double)sums.count;
		xy += sums.xy - sums.x * sums.y / (double)sums.count;
		is_known = true;
	}
	if (!is_known || !(xx > 0))
		return NAN;
	return expm1(xy / xx * (metric->boots[metric->count - 1].number -
				(double)metric->boots[0].number));
}

unsigned int report_series_of(const struct stored_run *run, uint32_t variant)
{
	unsigned int series = 0;

	if (variant == run->baseline || (int64_t)variant == run->control_variant)
		return 0;
	for (uint32_t i = 0; i <= variant; i++)
		series += i != run->baseline && (int64_t)i != run->control_variant;
	return 1 + (series - 1) % (REPORT_SERIES_MAX - 1);
}
