/* fuzz_plugin_counts.c - any bytes as a count file. Asserted: what is accepted
 * keeps the bounds of plugin_counts.h, its functions add up, and it compares equal
 * to itself.
 */
#include <stdlib.h>
#include <string.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plugin_counts counts = PLUGIN_COUNTS_INIT;

	if (plugin_counts_parse((const char *)data, size, &counts, NULL) < 0)
		return 0;
	require(counts.vcpus_count >= 1 && counts.vcpus_count <= PLUGIN_VCPUS_MAX);
	check_regions(&counts);
	check_profile(&counts);
	plugin_counts_release(&counts);
	return 0;
}
