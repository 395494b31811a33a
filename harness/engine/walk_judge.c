/* walk_judge.c - every prefix against the one before it and against the first, all
 * metrics in one family: the correction is across all of it.
 */
#include <string.h>

#include "comparison.h"
#include "memory.h"
#include "walk.h"

/* One metric on its way into entries. */
struct place {
	uint32_t row, metric;
	const struct metric_info *info;
};

static bool is_copy(const struct stored_run *run, uint32_t variant)
{
	return (int64_t)variant == run->control_variant;
}

/* Boots of a variant; in timed mode the first one's copy counts with it. */
static size_t add_boots(const struct walk *walk, const struct stored_samples *samples,
			size_t count, uint32_t variant, struct boot_samples *boots)
{
	const struct stored_run *run = &walk->run;
	bool with_copy = variant == run->baseline && run->mode != MODE_EXACT;
	size_t added = 0;

	for (size_t i = 0; i < count; i++)
		if (samples[i].count && (samples[i].variant == variant ||
					 (with_copy && is_copy(run, samples[i].variant))))
			boots[added++] = (struct boot_samples){
				.block = samples[i].block, .values = samples[i].values,
				.count = samples[i].count,
			};
	return added;
}

static void add_entry(struct walk *walk, const struct place *place, uint32_t variant,
		      uint32_t against, bool is_step, const struct boot_samples *const *sides,
		      const size_t *counts)
{
	struct walk_entry *entry;

	walk->entries = memory_realloc_array(walk->entries, walk->count + 1,
					     sizeof(*walk->entries));
	entry = &walk->entries[walk->count++];
	*entry = (struct walk_entry){
		.row = place->row, .metric = place->metric, .variant = variant,
		.against = against, .is_step = is_step,
		.judged = { .metric = place->info, .a = sides[against],
			    .a_count = counts[against], .b = sides[variant],
			    .b_count = counts[variant] },
	};
}

/* Variants stand in the order of the series; the first is the baseline. */
static void add_metric(struct walk *walk, const struct place *place,
		       const struct stored_samples *samples, size_t count,
		       struct boot_samples *boots)
{
	uint32_t variants = (uint32_t)walk->run.variants_count;
	cleanup_free const struct boot_samples **sides =
		memory_alloc_array(variants, sizeof(*sides));
	cleanup_free size_t *counts = memory_alloc_array(variants, sizeof(*counts));
	uint32_t previous = 0;

	for (uint32_t i = 0; i < variants; i++) {
		sides[i] = boots;
		counts[i] = add_boots(walk, samples, count, i, boots);
		boots += counts[i];
	}
	for (uint32_t i = 1; i < variants; i++) {
		if (is_copy(&walk->run, i))
			continue;
		add_entry(walk, place, i, previous, true, sides, counts);
		if (previous != 0)
			add_entry(walk, place, i, 0, false, sides, counts);
		previous = i;
	}
}

static int gather_metric(struct walk *walk, const struct place *place, struct error *err)
{
	size_t set = walk->samples_sets, count = 0;
	struct stored_samples *samples = NULL;
	int code = run_store_samples(walk->store, walk->run.id, 0, place->row, place->info->name,
				     &samples, &count, err);

	if (code)
		return code;
	walk->samples = memory_realloc_array(walk->samples, set + 1, sizeof(*walk->samples));
	walk->samples_counts = memory_realloc_array(walk->samples_counts, set + 1,
						    sizeof(*walk->samples_counts));
	walk->boots = memory_realloc_array(walk->boots, set + 1, sizeof(*walk->boots));
	walk->samples[set] = samples;
	walk->samples_counts[set] = count;
	/* the baseline's copy is there once by itself and once with the baseline */
	walk->boots[set] = memory_alloc_array(2 * count + 1, sizeof(**walk->boots));
	walk->samples_sets = walk->boots_sets = set + 1;
	add_metric(walk, place, samples, count, walk->boots[set]);
	return 0;
}

static int gather(struct walk *walk, struct error *err)
{
	const struct stored_cell *cell = &walk->run.cells[0];
	struct place place;

	for (place.row = 0; place.row < cell->rows_count; place.row++) {
		const struct stored_row *row = &cell->rows[place.row];

		for (place.metric = 0; place.metric < row->metrics_count; place.metric++) {
			int code;

			place.info = &row->metrics[place.metric];
			code = gather_metric(walk, &place, err);
			if (code)
				return code;
		}
	}
	return 0;
}

static void judge_family(struct walk *walk)
{
	const struct stored_run *run = &walk->run;
	cleanup_free struct metric_comparison *family = memory_alloc_array(walk->count,
									   sizeof(*family));

	for (size_t i = 0; i < walk->count; i++)
		family[i] = walk->entries[i].judged;
	if (run->mode == MODE_EXACT)
		verdict_judge_exact(family, walk->count, &run->gate);
	else
		verdict_judge(family, walk->count, &run->gate, run->seed);
	for (size_t i = 0; i < walk->count; i++)
		walk->entries[i].judged = family[i];
}

/* The run's own comparison knows whether its A/A control or canary fired and whether
 * all of it was measured under the same conditions. */
static int look_at_controls(struct walk *walk, struct error *err)
{
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	int code = comparison_make(walk->store, &walk->run, NULL, &comparison, err);

	if (code)
		return code;
	strvec_copy(&walk->differences, &comparison.differences);
	if (comparison.control_fired)
		walk->withheld = "the A/A control was judged different";
	else if (comparison.canary_failed)
		walk->withheld = "not exact: its canary gave other bytes";
	else if (comparison.differences.count)
		walk->withheld = "measured under different conditions";
	return 0;
}

int walk_judge(struct walk *walk, struct error *err)
{
	int code = gather(walk, err);

	if (code)
		return code;
	judge_family(walk);
	return look_at_controls(walk, err);
}
