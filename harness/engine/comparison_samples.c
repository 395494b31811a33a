/* comparison_samples.c - the samples that were judged, by their place in the run. */
#include "comparison.h"

const struct stored_samples *comparison_samples(const struct comparison *comparison,
						const struct stored_run *run, uint32_t cell,
						uint32_t row, uint32_t metric, size_t *ret_count)
{
	size_t set = metric;

	/* One set a metric, in the order of cells, rows and metrics. */
	for (uint32_t i = 0; i <= cell; i++)
		for (uint32_t k = 0; k < (i < cell ? run->cells[i].rows_count : row); k++)
			set += run->cells[i].rows[k].metrics_count;
	*ret_count = set < comparison->samples_sets_ ? comparison->samples_counts_[set] : 0;
	return *ret_count ? comparison->samples_[set] : NULL;
}
