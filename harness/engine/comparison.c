/* comparison.c - gathers the samples of a run into families of comparisons and
 * lets verdict.c judge them. The arithmetic is not here.
 */
#include "comparison.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "memory.h"

static const char reason_conditions[] = "measured under different conditions";
static const char reason_inexact[] = "not exact: its canary gave other bytes";

/* One metric of a run on its way into entries. */
struct metric_place {
	uint32_t cell, row, metric;
	const struct metric_info *info;
};

static bool is_baseline(const struct stored_run *run, uint32_t variant)
{
	return variant == run->baseline || (int64_t)variant == run->control_variant;
}

/* --- samples > boots --------------------------------------------------------- */

/* Appends the boots of one variant; returns how many. */
static size_t add_boots(struct boot_samples *boots, const struct stored_samples *samples,
			size_t count, uint32_t variant)
{
	size_t added = 0;

	for (size_t i = 0; i < count; i++) {
		if (samples[i].variant != variant || samples[i].count == 0)
			continue;
		boots[added++] = (struct boot_samples){
			.block = samples[i].block,
			.values = samples[i].values,
			.count = samples[i].count,
		};
	}
	return added;
}

/* Appends the boots of the control copy in blocks that `boots` lacks: there the
 * baseline's own was the odd one (canary.h). Returns how many. */
static size_t add_missing_boots(struct boot_samples *boots, size_t boots_count,
				const struct stored_samples *samples, size_t count,
				int64_t control_variant)
{
	struct boot_samples *next = boots + boots_count;
	size_t copies, added = 0;

	if (control_variant < 0)
		return 0;
	copies = add_boots(next, samples, count, (uint32_t)control_variant);
	for (size_t i = 0; i < copies; i++) {
		bool is_there = false;

		for (size_t k = 0; k < boots_count && !is_there; k++)
			is_there = boots[k].block == next[i].block;
		if (!is_there)
			next[added++] = next[i];
	}
	return added;
}

static struct comparison_entry *add_entry(struct comparison_entry **entries,
					  size_t *count, const struct metric_place *place)
{
	struct comparison_entry *entry;

	*entries = memory_realloc_array(*entries, *count + 1, sizeof(**entries));
	entry = &(*entries)[(*count)++];
	*entry = (struct comparison_entry){
		.cell = place->cell,
		.row = place->row,
		.metric = place->metric,
		.judged = { .metric = place->info },
		.is_tail = place->info->kind == METRIC_TAIL,
	};
	return entry;
}

/* Makes the entries of one metric from its samples. The baseline's two copies
 * stand side by side in `boots`, so that they can be taken as one or as two; in
 * exact mode they are the same bytes and count once. */
static void add_metric(struct comparison *c, const struct stored_run *run,
		       const struct metric_place *place,
		       const struct stored_samples *samples, size_t count,
		       struct boot_samples *boots)
{
	size_t first = add_boots(boots, samples, count, (uint32_t)run->baseline);
	size_t second = 0;
	struct boot_samples *next;

	if (run->mode == MODE_EXACT) {
		second = add_missing_boots(boots, first, samples, count, run->control_variant);
	} else if (run->control_variant >= 0) {
		struct comparison_entry *entry;

		second = add_boots(boots + first, samples, count,
				   (uint32_t)run->control_variant);
		entry = add_entry(&c->control, &c->control_count, place);
		entry->variant = (uint32_t)run->control_variant;
		entry->judged.a = boots;
		entry->judged.a_count = first;
		entry->judged.b = boots + first;
		entry->judged.b_count = second;
	}
	next = boots + first + second;
	for (uint32_t variant = 0; variant < run->variants_count; variant++) {
		struct comparison_entry *entry;

		if (is_baseline(run, variant))
			continue;
		entry = add_entry(&c->entries, &c->count, place);
		entry->variant = variant;
		entry->judged.a = boots;
		entry->judged.a_count = first + second;
		entry->judged.b = next;
		entry->judged.b_count = add_boots(next, samples, count, variant);
		next += entry->judged.b_count;
	}
}

static int gather_metric(struct comparison *c, const struct comparison_source *source,
			 const struct stored_run *run, const struct metric_place *place,
			 struct error *err)
{
	struct stored_samples *samples;
	size_t set = c->samples_sets_, count;
	int rc = source->samples(source->context, run->id, place->cell, place->row,
				 place->info->name, &samples, &count, err);

	if (rc)
		return rc;
	c->samples_ = memory_realloc_array(c->samples_, set + 1, sizeof(*c->samples_));
	c->samples_counts_ = memory_realloc_array(c->samples_counts_, set + 1,
						  sizeof(*c->samples_counts_));
	c->boots_ = memory_realloc_array(c->boots_, set + 1, sizeof(*c->boots_));
	c->samples_[set] = samples;
	c->samples_counts_[set] = count;
	c->boots_[set] = memory_alloc_array(count, sizeof(**c->boots_));
	c->samples_sets_ = c->boots_sets_ = set + 1;
	add_metric(c, run, place, samples, count, c->boots_[set]);
	return 0;
}

static int gather(struct comparison *c, const struct comparison_source *source,
		  const struct stored_run *run, struct error *err)
{
	struct metric_place place;

	for (place.cell = 0; place.cell < run->cells_count; place.cell++) {
		const struct stored_cell *cell = &run->cells[place.cell];

		for (place.row = 0; place.row < cell->rows_count; place.row++) {
			const struct stored_row *row = &cell->rows[place.row];

			for (place.metric = 0; place.metric < row->metrics_count;
			     place.metric++) {
				int rc;

				place.info = &row->metrics[place.metric];
				rc = gather_metric(c, source, run, &place, err);
				if (rc)
					return rc;
			}
		}
	}
	return 0;
}

/* --- what came of the boots ---------------------------------------------------- */

static void count_outcome(struct comparison_boots *boots, const struct stored_trial *trial)
{
	uint32_t *const counters[] = {
		[OUTCOME_PASSED] = &boots->passed,
		[OUTCOME_FAILED] = &boots->failed,
		[OUTCOME_SKIPPED] = &boots->skipped,
		[OUTCOME_BROKEN] = &boots->broken,
		[OUTCOME_CRASHED] = &boots->crashed,
		[OUTCOME_TIMED_OUT] = &boots->timed_out,
	};

	boots->planned++;
	if (trial->state != TRIAL_FINISHED)
		return;
	boots->finished++;
	boots->disturbed += trial->disturbed;
	if ((size_t)trial->outcome < ARRAY_COUNT(counters))
		(*counters[trial->outcome])++;
}

/* The run ended before it, since everything was settled. */
static bool is_left_out(const struct comparison *c, const struct stored_trial *trial)
{
	return c->looks.stopped && trial->state == TRIAL_PLANNED &&
	       trial->block >= c->looks.blocks;
}

static void count_boots(struct comparison *c, const struct stored_run *run)
{
	c->boots_count = run->cells_count * run->variants_count;
	c->boots = memory_alloc_array(c->boots_count, sizeof(*c->boots));
	for (size_t i = 0; i < c->boots_count; i++) {
		c->boots[i].cell = (uint32_t)(i / run->variants_count);
		c->boots[i].variant = (uint32_t)(i % run->variants_count);
	}
	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (!trial->superseded && !is_left_out(c, trial))
			count_outcome(&c->boots[trial->cell * run->variants_count +
						trial->variant], trial);
	}
}

/* --- findings ------------------------------------------------------------------- */

static const struct stored_trial *find_trial(const struct stored_run *run, int64_t id)
{
	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].id == id)
			return &run->trials[i];
	return NULL;
}

static struct comparison_finding *find_finding(struct comparison *c, uint32_t variant,
					       const struct finding *finding)
{
	for (size_t i = 0; i < c->findings_count; i++) {
		struct comparison_finding *known = &c->findings[i];

		if (known->variant == variant && known->kind == finding->kind &&
		    strcmp(known->title, finding->title) == 0)
			return known;
	}
	c->findings = memory_realloc_array(c->findings, c->findings_count + 1,
					   sizeof(*c->findings));
	c->findings[c->findings_count] = (struct comparison_finding){
		.variant = variant,
		.kind = finding->kind,
		.title = string_copy(finding->title),
	};
	return &c->findings[c->findings_count++];
}

static bool is_repeated(const struct stored_finding *items, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (items[i].trial_id == items[index].trial_id &&
		    items[i].finding.kind == items[index].finding.kind &&
		    strcmp(items[i].finding.title, items[index].finding.title) == 0)
			return true;
	return false;
}

static int gather_findings(struct comparison *c, const struct comparison_source *source,
			   const struct stored_run *run, struct error *err)
{
	struct stored_finding *items;
	size_t count;
	int rc = source->findings(source->context, run->id, &items, &count, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++) {
		const struct stored_trial *trial = find_trial(run, items[i].trial_id);
		uint32_t variant;

		if (!trial || trial->superseded || is_repeated(items, i))
			continue;
		variant = is_baseline(run, trial->variant) ? (uint32_t)run->baseline :
							     trial->variant;
		find_finding(c, variant, &items[i].finding)->boots++;
	}
	stored_findings_free(items, count);
	return 0;
}

/* --- judging ---------------------------------------------------------------------- */

/* A contiguous copy of what verdict.c works on. */
static struct metric_comparison *copy_judged(const struct comparison_entry *entries,
					     size_t count)
{
	struct metric_comparison *copies = memory_alloc_array(count, sizeof(*copies));

	for (size_t i = 0; i < count; i++)
		copies[i] = entries[i].judged;
	return copies;
}

/* The candidates: their metrics and their pass rates are one family. */
static void judge_candidates(struct comparison *c, const struct stored_run *run)
{
	cleanup_free struct metric_comparison *copies = copy_judged(c->entries, c->count);
	cleanup_free double *p = memory_alloc_array(c->outcomes_count, sizeof(*p));
	cleanup_free double *adjusted = memory_alloc_array(c->outcomes_count, sizeof(*p));
	const struct verdict_others rates = { p, adjusted, c->outcomes_count };

	for (size_t i = 0; i < c->outcomes_count; i++)
		p[i] = comparison_outcome_p(&c->outcomes[i]);
	if (run->mode == MODE_EXACT)
		verdict_judge_exact_with(copies, c->count, &c->policy, &rates);
	else
		verdict_judge_with(copies, c->count, &c->policy, run->seed, &rates);
	for (size_t i = 0; i < c->count; i++)
		c->entries[i].judged = copies[i];
	for (size_t i = 0; i < c->outcomes_count; i++)
		c->outcomes[i].p_adjusted = isnan(p[i]) ? c->outcomes[i].p : adjusted[i];
}

/* Sets the figures and rates of a cell aside. */
static void refuse_cell(struct comparison *c, uint32_t cell, const char *reason)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->entries[i].cell != cell)
			continue;
		c->entries[i].judged.verdict = VERDICT_NOT_COMPARABLE;
		c->entries[i].judged.reason = reason;
		c->entries[i].judged.blocks_needed = 0;
	}
	for (size_t i = 0; i < c->outcomes_count; i++)
		if (c->outcomes[i].cell == cell)
			c->outcomes[i].p = c->outcomes[i].p_adjusted = NAN;
}

/* Whether the control's smallest possible p-value is below alpha at all. */
static bool control_can_fire(const struct comparison *c, const struct gate_policy *policy)
{
	size_t family = 0;

	for (size_t i = 0; i < c->control_count; i++)
		family += !c->control[i].judged.metric->secondary;
	for (size_t i = 0; i < c->control_count; i++) {
		const struct metric_comparison *judged = &c->control[i].judged;

		if (judged->verdict != VERDICT_NOT_COMPARABLE &&
		    !judged->metric->secondary &&
		    statistics_permutation_blocks(judged->a, judged->a_count,
						  judged->b, judged->b_count,
						  policy->alpha / (double)family) <=
			    judged->blocks)
			return true;
	}
	return false;
}

static void judge_control(struct comparison *c, const struct stored_run *run)
{
	struct gate_policy policy = c->policy;
	cleanup_free struct metric_comparison *copies =
		copy_judged(c->control, c->control_count);

	/* Any false metric spoils the run: the chance of one is bounded. It is asked
	 * once, when the run ends, and what ends it is the candidates' figures, which
	 * say nothing of the difference between the copies: no look spends of it. */
	policy.alpha = c->looks.alpha;
	policy.confidence = c->looks.confidence;
	policy.correction = CORRECTION_HOLM;
	verdict_judge(copies, c->control_count, &policy, run->seed ^ UINT64_C(0xaa));
	for (size_t i = 0; i < c->control_count; i++)
		c->control[i].judged = copies[i];
	c->control_fired = verdict_control_fired(copies, c->control_count, &policy);
	c->control_can_fire = control_can_fire(c, &policy);
}

/* A crash that only a candidate has is evidence whatever the host does; a rate that
 * went up is as good as the host's control. */
static void decide_gate(struct comparison *c)
{
	cleanup_free struct metric_comparison *copies = copy_judged(c->entries, c->count);
	bool is_withheld = c->control_fired || c->canary_failed;

	c->gate = verdict_gate(copies, c->count, is_withheld);
	if (c->outcome_regressed && !(c->outcome_worse && is_withheld))
		c->gate = GATE_REGRESSED;
	else if (c->outcome_suspect && c->gate == GATE_PASS)
		c->gate = GATE_INCONCLUSIVE;
}

static void judge(struct comparison *c, const struct stored_run *run)
{
	judge_candidates(c, run);
	if (run->mode == MODE_EXACT)
		comparison_count_canaries(c, run);
	else
		judge_control(c, run);
	for (uint32_t cell = 0; cell < run->cells_count; cell++) {
		if (comparison_fingerprints_differ(run, cell, &c->differences))
			refuse_cell(c, cell, reason_conditions);
		else if (c->canaries && c->canaries[cell].failed)
			refuse_cell(c, cell, reason_inexact);
	}
	comparison_judge_outcomes(c, run);
	decide_gate(c);
}

int comparison_make_from(const struct comparison_source *source,
			 const struct stored_run *run,
			 const struct gate_policy *policy,
			 struct comparison *ret, struct error *err)
{
	struct comparison c = { .differences = STRVEC_INIT };
	int rc = gather(&c, source, run, err);

	if (!rc)
		rc = gather_findings(&c, source, run, err);
	if (rc) {
		comparison_release(&c);
		return rc;
	}
	comparison_look_policy(run, policy ? policy : &run->gate, &c.looks, &c.policy);
	count_boots(&c, run);
	comparison_gather_outcomes(&c, run);
	judge(&c, run);
	*ret = c;
	return 0;
}

static int store_samples(void *context, const char *run_id, uint32_t cell, uint32_t row,
			 const char *metric, struct stored_samples **ret_items,
			 size_t *ret_count, struct error *err)
{
	return run_store_samples(context, run_id, cell, row, metric, ret_items,
				 ret_count, err);
}

static int store_findings(void *context, const char *run_id,
			  struct stored_finding **ret_items, size_t *ret_count,
			  struct error *err)
{
	return run_store_findings(context, run_id, ret_items, ret_count, err);
}

struct comparison_source comparison_source_of(struct run_store *store)
{
	return (struct comparison_source){
		.samples = store_samples,
		.findings = store_findings,
		.context = store,
	};
}

int comparison_make(struct run_store *store, const struct stored_run *run,
		    const struct gate_policy *policy, struct comparison *ret,
		    struct error *err)
{
	const struct comparison_source source = comparison_source_of(store);

	return comparison_make_from(&source, run, policy, ret, err);
}

void comparison_release(struct comparison *comparison)
{
	if (!comparison)
		return;
	for (size_t i = 0; i < comparison->samples_sets_; i++) {
		stored_samples_free(comparison->samples_[i],
				    comparison->samples_counts_[i]);
		free(comparison->boots_[i]);
	}
	for (size_t i = 0; i < comparison->findings_count; i++)
		free(comparison->findings[i].title);
	free(comparison->samples_);
	free(comparison->samples_counts_);
	free(comparison->boots_);
	free(comparison->entries);
	free(comparison->control);
	free(comparison->canaries);
	free(comparison->boots);
	free(comparison->outcomes);
	free(comparison->findings);
	strvec_release(&comparison->differences);
	*comparison = (struct comparison){ .entries = NULL };
}
