/* render_json.c - a judged run for programs. Keys are the fields of the C
 * structs; a figure that does not exist is null.
 */
#include <jansson.h>

#include "render.h"
#include "run_json.h"

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *interval_object(struct interval interval)
{
	json_t *object = json_object();

	set(object, "low", run_json_number(interval.low));
	set(object, "high", run_json_number(interval.high));
	return object;
}

static json_t *boots_array(const struct stored_run *run, const struct comparison *c)
{
	json_t *array = json_array();

	for (size_t i = 0; i < c->boots_count; i++) {
		const struct comparison_boots *boots = &c->boots[i];
		json_t *object = json_object();

		set(object, "guest", run_json_text(run->cells[boots->cell].guest));
		set(object, "suite", run_json_text(run->cells[boots->cell].suite));
		set(object, "variant", run_json_text(run->variants[boots->variant].label));
		set(object, "planned", json_integer(boots->planned));
		set(object, "finished", json_integer(boots->finished));
		set(object, "passed", json_integer(boots->passed));
		set(object, "failed", json_integer(boots->failed));
		set(object, "skipped", json_integer(boots->skipped));
		set(object, "broken", json_integer(boots->broken));
		set(object, "crashed", json_integer(boots->crashed));
		set(object, "timed_out", json_integer(boots->timed_out));
		set(object, "disturbed", json_integer(boots->disturbed));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *outcomes_array(const struct stored_run *run, const struct comparison *c)
{
	json_t *array = json_array();

	for (size_t i = 0; i < c->outcomes_count; i++) {
		const struct comparison_outcome *outcome = &c->outcomes[i];
		json_t *object = json_object();

		set(object, "guest", run_json_text(run->cells[outcome->cell].guest));
		set(object, "suite", run_json_text(run->cells[outcome->cell].suite));
		set(object, "variant", run_json_text(run->variants[outcome->variant].label));
		set(object, "a_passed", run_json_count(outcome->a_passed));
		set(object, "a_count", run_json_count(outcome->a_count));
		set(object, "b_passed", run_json_count(outcome->b_passed));
		set(object, "b_count", run_json_count(outcome->b_count));
		set(object, "a_rate", interval_object(outcome->a_rate));
		set(object, "b_rate", interval_object(outcome->b_rate));
		set(object, "p", run_json_number(outcome->p));
		set(object, "p_adjusted", run_json_number(outcome->p_adjusted));
		set(object, "verdict", run_json_text(verdict_name(outcome->verdict)));
		json_array_append_new(array, object);
	}
	return array;
}

/* null where the number of blocks is fixed. */
static json_t *looks_object(const struct comparison_looks *looks)
{
	json_t *object;

	if (looks->planned_count == 0)
		return json_null();
	object = json_object();
	set(object, "planned_count", run_json_count(looks->planned_count));
	set(object, "taken_count", run_json_count(looks->taken_count));
	set(object, "blocks", run_json_count(looks->blocks));
	set(object, "blocks_max", run_json_count(looks->blocks_max));
	set(object, "alpha", run_json_number(looks->alpha));
	set(object, "confidence", run_json_number(looks->confidence));
	set(object, "stopped", json_boolean(looks->stopped));
	return object;
}

static json_t *findings_array(const struct stored_run *run, const struct comparison *c)
{
	json_t *array = json_array();

	for (size_t i = 0; i < c->findings_count; i++) {
		const struct comparison_finding *finding = &c->findings[i];
		json_t *object = json_object();

		set(object, "variant", run_json_text(run->variants[finding->variant].label));
		set(object, "kind", run_json_text(finding_kind_name(finding->kind)));
		set(object, "title", run_json_text(finding->title));
		set(object, "boots", json_integer(finding->boots));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *samples_array(const struct boot_samples *boots, size_t count,
			     enum boot_summary summary)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();

		set(object, "block", json_integer(boots[i].block));
		set(object, "summary",
		    run_json_number(statistics_boot_summary(&boots[i], summary)));
		set(object, "count", json_integer((json_int_t)boots[i].count));
		json_array_append_new(array, object);
	}
	return array;
}

/* null where there are no figures: of no tail, or one that could not be judged. */
static json_t *tail_object(const struct tail_figures *tail)
{
	json_t *object, *quantiles;

	if (tail->a_samples == 0 || tail->b_samples == 0)
		return json_null();
	object = json_object();
	quantiles = json_array();
	for (size_t i = 0; i < TAIL_QUANTILES_COUNT; i++) {
		const struct tail_quantile *quantile = &tail->quantiles[i];
		json_t *item = json_object();

		set(item, "q", run_json_number(quantile->q));
		set(item, "a", run_json_number(quantile->a));
		set(item, "b", run_json_number(quantile->b));
		set(item, "a_interval", interval_object(quantile->a_interval));
		set(item, "b_interval", interval_object(quantile->b_interval));
		json_array_append_new(quantiles, item);
	}
	set(object, "quantiles", quantiles);
	set(object, "threshold", run_json_number(tail->threshold));
	set(object, "a_samples", run_json_count(tail->a_samples));
	set(object, "b_samples", run_json_count(tail->b_samples));
	set(object, "a_beyond", run_json_count(tail->a_beyond));
	set(object, "b_beyond", run_json_count(tail->b_beyond));
	set(object, "a_share", interval_object(tail->a_share));
	set(object, "b_share", interval_object(tail->b_share));
	return object;
}

static void set_figures(json_t *object, const struct metric_comparison *judged)
{
	set(object, "a_center", run_json_number(judged->a_center));
	set(object, "b_center", run_json_number(judged->b_center));
	set(object, "ratio", run_json_number(judged->ratio));
	set(object, "interval", interval_object(judged->interval));
	set(object, "p", run_json_number(judged->p));
	set(object, "p_adjusted", run_json_number(judged->p_adjusted));
	set(object, "alpha", run_json_number(judged->alpha));
	set(object, "p_equivalence", run_json_number(judged->p_equivalence));
	set(object, "tail", tail_object(&judged->tail));
	set(object, "blocks", json_integer((json_int_t)judged->blocks));
	set(object, "detectable_effect", run_json_number(judged->detectable_effect));
	set(object, "blocks_needed", json_integer((json_int_t)judged->blocks_needed));
	set(object, "verdict", run_json_text(verdict_name(judged->verdict)));
	set(object, "reason", run_json_text(judged->reason));
}

static json_t *entry_object(const struct stored_run *run,
			    const struct comparison_entry *entry)
{
	const struct stored_cell *cell = &run->cells[entry->cell];
	const struct stored_row *row = &cell->rows[entry->row];
	const struct metric_comparison *judged = &entry->judged;
	enum boot_summary summary = verdict_boot_summary(entry->judged.metric);
	json_t *object = json_object();

	set(object, "guest", run_json_text(cell->guest));
	set(object, "suite", run_json_text(cell->suite));
	set(object, "row", run_json_text(row->name));
	set(object, "workload", run_json_text(row->workload));
	set(object, "arguments", run_json_text(row->arguments));
	set(object, "metric", run_json_text(judged->metric->name));
	set(object, "unit", run_json_text(judged->metric->unit));
	set(object, "better", run_json_text(metric_direction_name(judged->metric->better)));
	set(object, "kind", run_json_text(metric_kind_name(judged->metric->kind)));
	set(object, "secondary", json_boolean(judged->metric->secondary));
	set(object, "is_tail", json_boolean(entry->is_tail));
	set(object, "variant", run_json_text(run->variants[entry->variant].label));
	set_figures(object, judged);
	set(object, "a", samples_array(judged->a, judged->a_count, summary));
	set(object, "b", samples_array(judged->b, judged->b_count, summary));
	return object;
}

static json_t *entries_array(const struct stored_run *run,
			     const struct comparison_entry *entries, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, entry_object(run, &entries[i]));
	return array;
}

/* One object a cell; none of a timed run. */
static json_t *canaries_array(const struct stored_run *run, const struct comparison *c)
{
	json_t *array = json_array();

	for (size_t i = 0; c->canaries && i < run->cells_count; i++) {
		const struct comparison_canary *canary = &c->canaries[i];
		json_t *object = json_object();

		set(object, "guest", run_json_text(run->cells[canary->cell].guest));
		set(object, "suite", run_json_text(run->cells[canary->cell].suite));
		set(object, "passed", json_integer(canary->passed));
		set(object, "odd", json_integer(canary->odd));
		set(object, "failed", json_integer(canary->failed));
		set(object, "unchecked", json_integer(canary->unchecked));
		json_array_append_new(array, object);
	}
	return array;
}

/* What each finished trial of an exact run amounted to, superseded ones included. */
static json_t *digests_array(const struct stored_run *run)
{
	json_t *array = json_array();

	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];
		json_t *object;

		if (!trial->digest)
			continue;
		object = json_object();
		set(object, "trial", run_json_count(trial->order + 1));
		set(object, "guest", run_json_text(run->cells[trial->cell].guest));
		set(object, "suite", run_json_text(run->cells[trial->cell].suite));
		set(object, "variant", run_json_text(run->variants[trial->variant].label));
		set(object, "seed", run_json_count(trial->seed));
		set(object, "superseded", json_boolean(trial->superseded));
		set(object, "digest", run_json_text(trial->digest));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *texts_array(const struct strvec *texts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(array, run_json_text(texts->items[i]));
	return array;
}

void render_comparison_json(const struct stored_run *run, const struct comparison *c,
			    struct strbuf *out)
{
	json_t *root = json_object();
	char *dumped;

	set(root, "run", run_json_head(run));
	set(root, "policy", run_json_policy(&c->policy));
	set(root, "looks", looks_object(&c->looks));
	set(root, "variants", run_json_variants(run));
	set(root, "boots", boots_array(run, c));
	set(root, "outcomes", outcomes_array(run, c));
	set(root, "findings", findings_array(run, c));
	set(root, "entries", entries_array(run, c->entries, c->count));
	set(root, "control", entries_array(run, c->control, c->control_count));
	set(root, "control_fired", json_boolean(c->control_fired));
	set(root, "control_can_fire", json_boolean(c->control_can_fire));
	set(root, "canaries", canaries_array(run, c));
	set(root, "canary_failed", json_boolean(c->canary_failed));
	set(root, "digests", digests_array(run));
	set(root, "outcome_regressed", json_boolean(c->outcome_regressed));
	set(root, "outcome_worse", json_boolean(c->outcome_worse));
	set(root, "outcome_suspect", json_boolean(c->outcome_suspect));
	set(root, "differences", texts_array(&c->differences));
	set(root, "gate", json_integer(c->gate));
	set(root, "gate_meaning", run_json_text(render_gate_meaning(c->gate)));
	dumped = json_dumps(root, JSON_INDENT(2));
	strbuf_adds(out, dumped ? dumped : "null");
	strbuf_addc(out, '\n');
	free(dumped);
	json_decref(root);
}
