/* fuzz_plugin_counts.c - any bytes as a count file. Asserted: what is accepted
 * keeps the bounds of plugin_counts.h, its functions add up, and it compares equal
 * to itself; the samples made of it are whole rounds of counted rows, in order.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"
#include "plugin_counts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_regions(const struct plugin_counts *counts)
{
	for (size_t i = 0; i < counts->regions_count; i++) {
		const struct plugin_region *region = &counts->regions[i];
		uint64_t work = plugin_region_work(counts, region);
		uint64_t span = plugin_region_span(counts, region);
		double parallelism = plugin_region_parallelism(counts, region);

		require(region->number < PLUGIN_REGIONS_MAX);
		require(span <= work && work <= span * counts->vcpus_count);
		require(parallelism >= 1 && parallelism <= counts->vcpus_count);
	}
}

static void check_profile(const struct plugin_counts *counts)
{
	struct plugin_function_change *changes;
	uint64_t sum = 0;
	size_t count;

	for (size_t i = 0; i < counts->functions_count; i++) {
		size_t length = strlen(counts->functions[i].name);

		require(length > 0 && length <= PLUGIN_FUNCTION_MAX);
		sum += counts->functions[i].instructions;
	}
	require(sum == counts->profile_instructions);
	if (plugin_profile_compare(counts, counts, &changes, &count, NULL) < 0) {
		require(!counts->has_profile || counts->profile_visits == 0);
		return;
	}
	require(count <= counts->functions_count);
	for (size_t i = 0; i < count; i++)
		require(changes[i].before == changes[i].after);
	free(changes);
}

/* One round's samples, at samples. */
static void check_round(const struct sample *samples, size_t metrics_count)
{
	const struct metric_info *metrics = exact_metrics(
		metrics_count > 3 ? 2 : 1, &metrics_count);

	for (size_t i = 0; i < metrics_count; i++) {
		require(!strcmp(samples[i].metric, metrics[i].name));
		require(samples[i].row == samples[0].row);
		require(samples[i].iteration == samples[0].iteration);
		require(isfinite(samples[i].value) && samples[i].value >= 0);
	}
	/* work is kernel and user */
	require(samples[0].value == samples[1].value + samples[2].value);
	require(metrics_count == 3 || (samples[3].value <= samples[0].value &&
				       samples[4].value >= 1));
}

static char name[] = "a";
static const struct workload_info counted = { .name = name, .is_counted = true };
static const struct workload_info uncounted = { .name = name };

static void check_samples(const struct plugin_counts *counts)
{
	const struct workload_info *const rows[] = { &counted, &uncounted, &counted };
	struct trial_result result = TRIAL_RESULT_INIT;
	size_t metrics_count, i;

	(void)exact_metrics(counts->vcpus_count, &metrics_count);
	if (exact_counts_samples(counts, rows, 3, &result, NULL) < 0)
		require(result.samples_count == 0);
	require(result.samples_count % metrics_count == 0);
	for (i = 0; i < result.samples_count; i += metrics_count) {
		const struct sample *round = &result.samples[i];

		check_round(round, metrics_count);
		require(round->row == 0 || round->row == 2);
		if (i > 0 && round->row == round[-1].row)
			require(round->iteration == round[-1].iteration + 1);
		else
			require(round->iteration == 0);
	}
	trial_result_release(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plugin_counts counts = PLUGIN_COUNTS_INIT;

	if (plugin_counts_parse((const char *)data, size, &counts, NULL) < 0)
		return 0;
	require(counts.vcpus_count >= 1 && counts.vcpus_count <= PLUGIN_VCPUS_MAX);
	check_regions(&counts);
	check_profile(&counts);
	check_samples(&counts);
	plugin_counts_release(&counts);
	return 0;
}
