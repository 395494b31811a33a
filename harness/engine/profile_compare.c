/* profile_compare.c - two profiles made comparable; the pure part of profile.h. */
#include <stdlib.h>
#include <string.h>

#include "profile.h"

void profile_release(struct profile *profile)
{
	free(profile->run_id);
	free(profile->guest);
	free(profile->suite);
	free(profile->row);
	free(profile->before.variant);
	free(profile->after.variant);
	free(profile->changes);
	plugin_counts_release(&profile->before.counts);
	plugin_counts_release(&profile->after.counts);
	*profile = (struct profile){ .run_id = NULL };
}

void profile_strip_suffixes(struct plugin_counts *counts)
{
	for (size_t i = 0; i < counts->functions_count; i++) {
		char *name = counts->functions[i].name;
		char *dot = *name ? strchr(name + 1, '.') : NULL;

		/* no C name has a dot; "[user]" and the like have none either */
		if (dot)
			*dot = '\0';
	}
}

uint32_t profile_region_of(const struct plugin_counts *counts, uint32_t row)
{
	uint32_t own = 0;

	/* in the order they ended: a row's own ones stand before it */
	for (size_t i = 0; i < counts->regions_count; i++) {
		const struct plugin_region *region = &counts->regions[i];

		if (region->number == PLUGIN_REGION_ROW && region->visit == row)
			return own ? own : PLUGIN_REGION_ROUND;
		if (region->number == PLUGIN_REGION_ROW)
			own = 0;
		else if (region->number >= PLUGIN_REGION_OWN && (!own || region->number < own))
			own = region->number;
	}
	return PLUGIN_REGION_ROUND;
}

static double instructions_of(const struct plugin_counts *counts)
{
	return (double)counts->profile_instructions / (double)counts->profile_visits;
}

int profile_compare(struct profile *profile, struct error *err)
{
	struct profile_side *before = &profile->before, *after = &profile->after;
	int rc;

	profile_strip_suffixes(&before->counts);
	profile_strip_suffixes(&after->counts);
	rc = plugin_profile_compare(&before->counts, &after->counts, &profile->changes,
				    &profile->changes_count, err);
	if (rc)
		return rc;
	profile->region = before->counts.profile_region;
	before->instructions = instructions_of(&before->counts);
	after->instructions = instructions_of(&after->counts);
	return 0;
}
