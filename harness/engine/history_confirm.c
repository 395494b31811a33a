/* history_confirm.c - see history_confirm.h. The run of a confirmation is found by the
 * name of its campaign, which follows from what is to be confirmed: so that one that was
 * cut off, by whatever, is found and goes on.
 */
#include "history_confirm.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "comparison.h"
#include "files.h"
#include "hash.h"
#include "memory.h"
#include "run_store_history.h"

#define NAME_DIGITS 12

void history_confirmation_release(struct history_confirmation *confirmation)
{
	free(confirmation->run_id);
	free(confirmation->reason);
	*confirmation = (struct history_confirmation){ .run_id = NULL };
}

/* What is being settled. */
struct matter {
	struct run_store *store;
	const struct history_series *series;
	const struct history_change *change;
	const struct experiment_options *options;
	const char *before_id, *after_id;
	char *name;                  /* of the campaign; owned */
	struct stored_run before, after;
};

static void matter_release(struct matter *matter)
{
	free(matter->name);
	stored_run_release(&matter->before);
	stored_run_release(&matter->after);
}

/* "confirm-0123456789ab": one run settles all metrics of these kernels in this cell;
 * owned. */
static char *name_of(const struct matter *matter)
{
	const struct history_series *series = matter->series;
	struct sha256 *hash = sha256_new();
	char digest[SHA256_HEX_SIZE];

	sha256_add_field(hash, "campaign", series->campaign);
	sha256_add_field(hash, "mode", run_mode_name(series->mode));
	sha256_add_field(hash, "guest", series->guest);
	sha256_add_field(hash, "suite", series->suite);
	sha256_add_field(hash, "variant", series->variant);
	sha256_add_field(hash, "before", matter->before_id);
	sha256_add_field(hash, "after", matter->after_id);
	sha256_finish(hash, digest);
	return string_format(HISTORY_CONFIRM_PREFIX "%.*s", NAME_DIGITS, digest);
}

static void conclude(struct history_confirmation *ret, enum change_state state,
		     const char *run_id, const char *reason)
{
	history_confirmation_release(ret);
	*ret = (struct history_confirmation){
		.state = state, .run_id = string_copy(run_id), .reason = string_copy(reason),
		.ratio = NAN, .p = NAN,
	};
}

static int store_result(const struct matter *matter,
			const struct history_confirmation *result, struct error *err)
{
	const struct stored_confirmation stored = {
		.run_before = (char *)matter->before_id,
		.run_after = (char *)matter->after_id,
		.state = (char *)change_state_name(result->state),
		/* the direction tells a change that has moved by a point from another */
		.ratio = isnan(result->ratio) ? matter->change->ratio : result->ratio,
		.p = result->p,
		.run = result->run_id,
		.reason = result->reason,
	};

	return run_store_put_confirmation(matter->store, matter->series->id, &stored, err);
}

/* --- what is known already ---------------------------------------------------------------- */

/* Whether this change is settled in the store; then *ret is filled. */
static int find_settled(const struct matter *matter, bool *ret_settled,
			struct history_confirmation *ret, struct error *err)
{
	struct stored_confirmation *items;
	size_t count;
	int rc = run_store_confirmations(matter->store, matter->series->id, &items, &count, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++) {
		bool confirmed = !strcmp(items[i].state, change_state_name(CHANGE_CONFIRMED));

		if (strcmp(items[i].run_before, matter->before_id) ||
		    strcmp(items[i].run_after, matter->after_id) ||
		    !strcmp(items[i].state, change_state_name(CHANGE_SUSPECTED)))
			continue;
		conclude(ret, confirmed ? CHANGE_CONFIRMED : CHANGE_REFUTED, items[i].run,
			 items[i].reason);
		ret->ratio = items[i].ratio;
		ret->p = items[i].p;
		*ret_settled = true;
	}
	stored_confirmations_free(items, count);
	return 0;
}

/* Nothing to boot where both runs had one and the same kernel: the change is of
 * something else. */
static bool is_same_kernel(const struct matter *matter)
{
	const struct stored_variant *a = stored_run_find_variant(&matter->before, matter->series->variant);
	const struct stored_variant *b = stored_run_find_variant(&matter->after, matter->series->variant);

	return a && b && !strcmp(a->kernel_key, b->kernel_key) && !strcmp(a->cmdline, b->cmdline);
}

/* Runs of the campaign so far, and the newest of them. */
static int find_runs(const struct matter *matter, size_t *ret_count, char **ret_newest,
		     bool *ret_finished, struct error *err)
{
	struct stored_run *runs;
	size_t count;
	int rc = run_store_list(matter->store, SIZE_MAX, &runs, &count, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(runs[i].campaign, matter->name))
			continue;
		if (!*ret_newest) {
			*ret_newest = string_copy(runs[i].id);
			*ret_finished = !strcmp(runs[i].state, "finished");
		}
		++*ret_count;
	}
	for (size_t i = 0; i < count; i++)
		stored_run_release(&runs[i]);
	free(runs);
	return 0;
}

/* --- judging ------------------------------------------------------------------------------- */

static const struct metric_comparison *find_judged(const struct stored_run *run,
						   const struct comparison *comparison,
						   const struct history_series *series)
{
	for (size_t i = 0; i < comparison->count; i++) {
		const struct comparison_entry *entry = &comparison->entries[i];
		const struct stored_cell *cell = &run->cells[entry->cell];

		if (!strcmp(cell->rows[entry->row].name, series->row) &&
		    !strcmp(entry->judged.metric->name, series->metric))
			return &entry->judged;
	}
	return NULL;
}

static void judge_metric(const struct matter *matter, const char *run_id,
			 const struct metric_comparison *judged,
			 struct history_confirmation *ret)
{
	bool was_worse = history_change_is_worse(matter->series, matter->change);
	bool is_worse = judged->verdict == VERDICT_REGRESSED;
	cleanup_free char *figures = string_format("x %.4f (%.4f to %.4f), p %.2g",
						   judged->ratio, judged->interval.low,
						   judged->interval.high, judged->p);
	cleanup_free char *reason = NULL;

	if (judged->verdict == VERDICT_NOT_COMPARABLE)
		reason = string_format("both kernels again: not comparable: %s", judged->reason);
	else
		reason = string_format("both kernels again: %s, %s",
				       verdict_name(judged->verdict), figures);
	if (judged->verdict == VERDICT_INCONCLUSIVE || judged->verdict == VERDICT_NOT_COMPARABLE)
		conclude(ret, CHANGE_SUSPECTED, run_id, reason);
	else if (judged->verdict == VERDICT_EQUIVALENT || is_worse != was_worse)
		conclude(ret, CHANGE_REFUTED, run_id, reason);
	else
		conclude(ret, CHANGE_CONFIRMED, run_id, reason);
	ret->ratio = judged->ratio;
	ret->p = judged->p;
}

static int judge(const struct matter *matter, const char *run_id,
		 struct history_confirmation *ret, struct error *err)
{
	cleanup_with(stored_run_release) struct stored_run run = { .id = NULL };
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	const struct metric_comparison *judged;
	int rc = run_store_load(matter->store, run_id, &run, err);

	if (!rc)
		rc = comparison_make(matter->store, &run, NULL, &comparison, err);
	if (rc)
		return rc;
	judged = find_judged(&run, &comparison, matter->series);
	if (comparison.control_fired)
		conclude(ret, CHANGE_SUSPECTED, run_id, "both kernels again: the A/A control "
			 "was judged different, so nothing is said");
	else if (comparison.canary_failed)
		conclude(ret, CHANGE_SUSPECTED, run_id, "both kernels again: a canary gave other "
			 "bytes, so nothing is said");
	else if (!judged)
		conclude(ret, CHANGE_SUSPECTED, run_id, "both kernels again: the run has no such "
			 "metric");
	else
		judge_metric(matter, run_id, judged, ret);
	return store_result(matter, ret, err);
}

/* --- running ------------------------------------------------------------------------------- */

/* Twice the boots with each run that did not settle it. */
static int run_again(const struct matter *matter, size_t runs_before, char **ret_run_id,
		     struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	struct experiment_options options = *matter->options;
	cleanup_free char *root = NULL;
	int rc = history_confirm_project(matter->store, matter->series, &matter->before,
					 &matter->after, matter->name, &root, &campaign, err);

	if (rc)
		return error_prefix(err, "the change stays suspected");
	options.project_root = root;
	options.blocks_count = campaign.blocks_count << runs_before;
	return experiment_run(&campaign, &options, ret_run_id, err);
}

static int estimate_run(const struct matter *matter, uint64_t *ret_ns, struct error *err)
{
	cleanup_with(campaign_release) struct campaign campaign = { .name = NULL };
	cleanup_with(experiment_estimate_release) struct experiment_estimate estimate = {
		.cells = NULL
	};
	struct experiment_options options = *matter->options;
	cleanup_free char *root = NULL;
	int rc = history_confirm_project(matter->store, matter->series, &matter->before,
					 &matter->after, matter->name, &root, &campaign, err);

	options.project_root = root;
	if (!rc)
		rc = experiment_estimate(&campaign, &options, &estimate, err);
	if (rc)
		return rc;
	*ret_ns = estimate.build_ns;
	for (size_t i = 0; i < estimate.cells_count; i++)
		*ret_ns += estimate.cells[i].boots_ns;
	return 0;
}

static int resume(const struct matter *matter, const char *run_id, struct error *err)
{
	struct experiment_options options = *matter->options;
	cleanup_free char *root = string_format("%s/confirmations/%s",
						run_store_folder(matter->store), matter->name);
	cleanup_free char *resumed = NULL;

	options.project_root = root;
	return experiment_resume(run_id, &options, &resumed, err);
}

/* Known that a run does not have to be made: says so, or judges the newest. */
static int settle(const struct matter *matter, struct history_confirmation *ret,
		  struct error *err)
{
	cleanup_free char *run_id = NULL;
	bool is_finished = false;
	size_t count = 0;
	int rc = find_runs(matter, &count, &run_id, &is_finished, err);

	if (!rc && run_id && !is_finished)
		rc = resume(matter, run_id, err);
	if (!rc && run_id)
		rc = judge(matter, run_id, ret, err);
	if (rc || (run_id && (!is_finished || ret->state != CHANGE_SUSPECTED)))
		return rc;
	if (count >= HISTORY_CONFIRM_RUNS_MAX)
		return 0;
	free(take_pointer(run_id));
	rc = run_again(matter, count, &run_id, err);
	return rc ? rc : judge(matter, run_id, ret, err);
}

int history_confirm_estimate(struct run_store *store, const struct history_series *series,
			     const struct history_change *change,
			     const struct experiment_options *options, uint64_t *ret_ns,
			     struct error *err)
{
	cleanup_with(matter_release) struct matter matter = {
		.store = store, .series = series, .change = change, .options = options,
		.before_id = series->points[change->before].run_id,
		.after_id = series->points[change->index].run_id,
	};
	cleanup_with(history_confirmation_release) struct history_confirmation known = {
		.run_id = NULL
	};
	cleanup_free char *run_id = NULL;
	bool is_known = false, is_finished = false;
	size_t count = 0;
	int rc = find_settled(&matter, &is_known, &known, err);

	matter.name = name_of(&matter);
	if (!rc)
		rc = run_store_load(store, matter.before_id, &matter.before, err);
	if (!rc)
		rc = run_store_load(store, matter.after_id, &matter.after, err);
	if (!rc)
		rc = find_runs(&matter, &count, &run_id, &is_finished, err);
	if (rc)
		return rc;
	*ret_ns = 0;
	return is_known || run_id || is_same_kernel(&matter) ? 0 :
	       estimate_run(&matter, ret_ns, err);
}

int history_confirm(struct run_store *store, const struct history_series *series,
		    const struct history_change *change,
		    const struct experiment_options *options,
		    struct history_confirmation *ret, struct error *err)
{
	cleanup_with(matter_release) struct matter matter = {
		.store = store, .series = series, .change = change, .options = options,
		.before_id = series->points[change->before].run_id,
		.after_id = series->points[change->index].run_id,
	};
	cleanup_with(history_confirmation_release) struct history_confirmation result = {
		.state = CHANGE_SUSPECTED, .ratio = NAN, .p = NAN,
	};
	bool is_settled = false;
	int rc = find_settled(&matter, &is_settled, &result, err);

	matter.name = name_of(&matter);
	if (!rc && !is_settled)
		rc = run_store_load(store, matter.before_id, &matter.before, err);
	if (!rc && !is_settled)
		rc = run_store_load(store, matter.after_id, &matter.after, err);
	if (!rc && !is_settled && is_same_kernel(&matter)) {
		conclude(&result, CHANGE_REFUTED, NULL, "both runs booted the same kernel with "
			 "the same command line: what changed is something else");
		rc = store_result(&matter, &result, err);
	} else if (!rc && !is_settled) {
		rc = settle(&matter, &result, err);
	}
	if (rc)
		return error_prefix(err, "%s.%s, change at %s", series->row, series->metric,
				    matter.after_id);
	*ret = result;
	result = (struct history_confirmation){ .run_id = NULL };
	return 0;
}
