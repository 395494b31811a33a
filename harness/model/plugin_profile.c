/* plugin_profile.c - which functions changed between two profiles; the rest of
 * plugin_counts.h is in plugin_counts.c.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "plugin_counts.h"

static int compare_names(const void *left, const void *right)
{
	const struct plugin_function_change *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static int compare_changes(const void *left, const void *right)
{
	const struct plugin_function_change *a = left, *b = right;
	double a_size = fabs(a->after - a->before);
	double b_size = fabs(b->after - b->before);

	if (a_size != b_size)
		return a_size > b_size ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int profile_check(const struct plugin_counts *counts, const char *side,
			 struct error *err)
{
	if (!counts->has_profile)
		return error_set(err, -EINVAL, "%s: no profile was taken", side);
	if (counts->profile_visits == 0)
		return error_set(err, -EINVAL, "%s: region %u was never left", side,
				 counts->profile_region);
	return 0;
}

/* Adds a profile's functions behind those there; the sum of both sides stands in
 * one entry of each after changes_merge. */
static void changes_add(struct plugin_function_change *changes,
			const struct plugin_counts *counts, bool is_after)
{
	size_t i;

	for (i = 0; i < counts->functions_count; i++) {
		double each = (double)counts->functions[i].instructions /
			      (double)counts->profile_visits;

		changes[i] = (struct plugin_function_change){
			.name = counts->functions[i].name,
			.before = is_after ? 0 : each,
			.after = is_after ? each : 0,
		};
	}
}

static size_t changes_merge(struct plugin_function_change *changes, size_t count)
{
	size_t i, kept = 0;

	if (count == 0)
		return 0;
	qsort(changes, count, sizeof(*changes), compare_names);
	for (i = 1; i < count; i++) {
		if (strcmp(changes[kept].name, changes[i].name) != 0) {
			changes[++kept] = changes[i];
			continue;
		}
		changes[kept].before += changes[i].before;
		changes[kept].after += changes[i].after;
	}
	return kept + 1;
}

/* Both cover the same part of their rows. */
static int scopes_check(const struct plugin_counts *before,
			const struct plugin_counts *after, struct error *err)
{
	if (before->profile_region != after->profile_region)
		return error_set(err, -EINVAL, "profiles of region %u and of region %u "
				 "cannot be compared", before->profile_region,
				 after->profile_region);
	if (before->profile_has_inside != after->profile_has_inside ||
	    before->profile_inside != after->profile_inside)
		return error_set(err, -EINVAL, "one profile of region %u covers it only "
				 "inside another region, or inside another than the "
				 "other profile", before->profile_region);
	return 0;
}

int plugin_profile_compare(const struct plugin_counts *before,
			   const struct plugin_counts *after,
			   struct plugin_function_change **ret_changes,
			   size_t *ret_count, struct error *err)
{
	size_t count = before->functions_count + after->functions_count;
	struct plugin_function_change *changes;
	int result = profile_check(before, "before", err);

	if (result == 0)
		result = profile_check(after, "after", err);
	if (result == 0)
		result = scopes_check(before, after, err);
	if (result < 0)
		return result;
	changes = memory_alloc_array(count, sizeof(*changes));
	changes_add(changes, before, false);
	changes_add(changes + before->functions_count, after, true);
	count = changes_merge(changes, count);
	if (count > 0)
		qsort(changes, count, sizeof(*changes), compare_changes);
	*ret_changes = changes;
	*ret_count = count;
	return 0;
}
