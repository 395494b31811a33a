/* report_metric.h - one metric of a judged run as its figures need it: boots in the
 * order in which they ran, samples sorted, in a unit that reads well.
 */
#ifndef KERNGATE_ENGINE_REPORT_METRIC_H
#define KERNGATE_ENGINE_REPORT_METRIC_H

#include <stdbool.h>

#include "comparison.h"

struct report_boot {
	uint32_t variant, block;
	uint32_t number;             /* of the trial, from 1: the order of the run */
	bool disturbed;
	double figure;               /* what the boot counts as */
	double low, median, high;    /* of its samples */
	double *sorted;              /* its samples; owned; NULL once dropped */
	size_t count;
};

struct report_metric {
	uint32_t cell, row, metric;  /* indexes into the run */
	const struct metric_info *info; /* borrowed */
	struct report_boot *boots;   /* in the order of the run; owned */
	size_t count;
	double low, high;            /* of all samples */
	double figure_low, figure_high; /* of the boots' figures */
	double scale;                /* samples / scale are in ... */
	char *unit;                  /* ... this; owned */
	bool is_log;                 /* samples span too much for even steps */
};

/* run and comparison are borrowed. Without samples count is 0. */
void report_metric_make(const struct stored_run *run, const struct comparison *comparison,
			uint32_t cell, uint32_t row, uint32_t metric,
			struct report_metric *ret_metric);
/* Frees the sorted samples; what was made of them stays. */
void report_metric_drop_samples(struct report_metric *metric);
void report_metric_release(struct report_metric *metric);

/* How far the boots' figures moved from the first to the last, whatever the variant:
 * the least-squares slope of their logs about each variant's mean, as ratio - 1. NAN
 * below three boots a variant, or where a figure is not positive. */
double report_metric_drift(const struct report_metric *metric);

/* How a variant is drawn: 0 the baseline (its control copy too), 1 and on. */
unsigned int report_series_of(const struct stored_run *run, uint32_t variant);

#endif
