/* run_store_query.c - reading parts of runs: one trial's result, findings,
 * the list of runs, what a trial is expected to take.
 */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "run_store_private.h"

/* --- one trial ----------------------------------------------------------------- */

static int load_outcome(struct run_store *store, int64_t trial_id,
			struct trial_result *result, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	cleanup_free char *outcome = NULL;
	int rc = statement_prepare(store,
		"SELECT outcome, reason, kernel_release, create_ns, created_ns, first_byte_ns,"
		" user_space_ns, end_marker_ns, stopped_ns, steal_ratio, others_cpus,"
		" pressure_memory_ratio, frequency_mhz, disturbed, disturbed_reason, digest"
		" FROM trials WHERE id = ?1 AND state = 'finished'", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, trial_id);
	rc = statement_step(&st, err);
	if (rc <= 0)
		return rc ? rc : error_set(err, -ENOENT, "%s: trial %lld is not finished",
					   store->path, (long long)trial_id);
	outcome = statement_text(&st, 0);
	if (outcome_parse(outcome, &result->outcome))
		return error_set(err, -EUCLEAN, "%s: unknown outcome '%s'", store->path, outcome);
	result->reason = statement_text(&st, 1);
	result->kernel_release = statement_text(&st, 2);
	result->times = (struct trial_times){
		.create_ns = (uint64_t)statement_integer(&st, 3),
		.created_ns = (uint64_t)statement_integer(&st, 4),
		.first_byte_ns = (uint64_t)statement_integer(&st, 5),
		.user_space_ns = (uint64_t)statement_integer(&st, 6),
		.end_marker_ns = (uint64_t)statement_integer(&st, 7),
		.stopped_ns = (uint64_t)statement_integer(&st, 8),
	};
	result->host = (struct host_evidence){
		.steal_ratio = statement_real(&st, 9),
		.others_cpus = statement_real(&st, 10),
		.pressure_memory_ratio = statement_real(&st, 11),
		.frequency_mhz = statement_real(&st, 12),
		.disturbed = statement_integer(&st, 13),
		.reason = statement_text(&st, 14),
	};
	result->digest = statement_text(&st, 15);
	return 0;
}

static int load_row_results(struct run_store *store, int64_t trial_id,
			    struct trial_result *result, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "SELECT outcome, reason FROM row_results"
				   " WHERE trial = ?1 ORDER BY row", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, trial_id);
	while ((rc = statement_step(&st, err)) > 0) {
		cleanup_free char *outcome = statement_text(&st, 0);
		struct row_result *row;

		result->rows = memory_realloc_array(result->rows, result->rows_count + 1,
						    sizeof(*result->rows));
		row = &result->rows[result->rows_count++];
		*row = (struct row_result){ .reason = statement_text(&st, 1) };
		if (outcome_parse(outcome, &row->outcome))
			return error_set(err, -EUCLEAN, "%s: unknown outcome '%s'", store->path,
					 outcome);
	}
	return rc;
}

static int load_samples(struct run_store *store, int64_t trial_id,
			struct trial_result *result, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"SELECT x.row, m.name, x.iteration, x.value FROM samples x"
		" JOIN trials t ON t.id = x.trial JOIN metrics m ON m.run = t.run"
		"  AND m.cell = t.cell AND m.row = x.row AND m.metric = x.metric"
		" WHERE x.trial = ?1 ORDER BY x.row, x.metric, x.sample", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, trial_id);
	while ((rc = statement_step(&st, err)) > 0) {
		cleanup_free char *metric = statement_text(&st, 1);

		trial_result_add_sample(result, (uint32_t)statement_integer(&st, 0), metric,
					(uint32_t)statement_integer(&st, 2),
					statement_real(&st, 3));
	}
	return rc;
}

/* Columns kind, title, excerpt, line from `first` on. */
static int read_finding(struct run_store *store, struct statement *st, int first,
			struct finding *ret, struct error *err)
{
	cleanup_free char *kind = statement_text(st, first);

	*ret = (struct finding){ .kind = FINDING_TAINT };
	if (finding_kind_parse(kind, &ret->kind))
		return error_set(err, -EUCLEAN, "%s: unknown kind of finding '%s'", store->path,
				 kind);
	ret->title = statement_text(st, first + 1);
	ret->excerpt = statement_text(st, first + 2);
	ret->line = (uint64_t)statement_integer(st, first + 3);
	return 0;
}

static int load_findings(struct run_store *store, int64_t trial_id,
			 struct trial_result *result, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "SELECT kind, title, excerpt, line FROM findings"
				   " WHERE trial = ?1 ORDER BY finding", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, trial_id);
	while ((rc = statement_step(&st, err)) > 0) {
		result->findings = memory_realloc_array(result->findings,
							result->findings_count + 1,
							sizeof(*result->findings));
		rc = read_finding(store, &st, 0, &result->findings[result->findings_count], err);
		if (rc)
			return rc;
		result->findings_count++;
	}
	return rc;
}

int run_store_load_result(struct run_store *store, int64_t trial_id,
			  struct trial_result *result, struct error *err)
{
	int rc = load_outcome(store, trial_id, result, err);

	if (!rc)
		rc = load_row_results(store, trial_id, result, err);
	if (!rc)
		rc = load_samples(store, trial_id, result, err);
	if (!rc)
		rc = load_findings(store, trial_id, result, err);
	return rc;
}

/* --- findings of a run ------------------------------------------------------------ */

void stored_findings_free(struct stored_finding *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(items[i].finding.title);
		free(items[i].finding.excerpt);
	}
	free(items);
}

int run_store_findings(struct run_store *store, const char *run_id,
		       struct stored_finding **ret_items, size_t *ret_count,
		       struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	struct stored_finding *items = NULL;
	size_t count = 0;
	int rc = statement_prepare(store,
		"SELECT t.id, f.kind, f.title, f.excerpt, f.line FROM runs r"
		" JOIN trials t ON t.run = r.run JOIN findings f ON f.trial = t.id"
		" WHERE r.id = ?1 ORDER BY t.plan_order, f.finding", &st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, run_id);
	while ((rc = statement_step(&st, err)) > 0) {
		items = memory_realloc_array(items, count + 1, sizeof(*items));
		items[count].trial_id = statement_integer(&st, 0);
		rc = read_finding(store, &st, 1, &items[count].finding, err);
		if (rc)
			break;
		count++;
	}
	if (rc) {
		stored_findings_free(items, count);
		return rc;
	}
	*ret_items = items;
	*ret_count = count;
	return 0;
}

/* --- over all runs ------------------------------------------------------------------ */

int run_store_list(struct run_store *store, size_t max, struct stored_run **ret_runs,
		   size_t *ret_count, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	struct stored_run *runs = NULL;
	size_t count = 0;
	int rc = statement_prepare(store,
		"SELECT id, campaign, state, started_wall_ns, finished_wall_ns, mode = 'exact'"
		" FROM runs ORDER BY run DESC LIMIT ?1", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, max > INT64_MAX ? INT64_MAX : (int64_t)max);
	while ((rc = statement_step(&st, err)) > 0) {
		runs = memory_realloc_array(runs, count + 1, sizeof(*runs));
		runs[count++] = (struct stored_run){
			.id = statement_text(&st, 0),
			.campaign = statement_text(&st, 1),
			.state = statement_text(&st, 2),
			.started_wall_ns = (uint64_t)statement_integer(&st, 3),
			.finished_wall_ns = (uint64_t)statement_integer(&st, 4),
			.mode = statement_integer(&st, 5) ? MODE_EXACT : MODE_TIMED,
			.control_variant = -1,
		};
	}
	if (rc) {
		for (size_t i = 0; i < count; i++)
			stored_run_release(&runs[i]);
		free(runs);
		return rc;
	}
	*ret_runs = runs;
	*ret_count = count;
	return 0;
}

void run_store_trial_history(struct run_store *store, const char *guest, const char *suite,
			     enum run_mode mode, const char *variant,
			     struct trial_history *ret_history)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	/* The newest only: hosts, guests and suites change under their names. Through the
	 * runs, of which there are few: a store of years has a million trials. */
	int rc = statement_prepare(store,
		"WITH places AS (SELECT c.run, c.cell FROM cells c JOIN runs r USING (run)"
		"  WHERE c.suite = ?1 AND r.mode = ?2 AND (?3 IS NULL OR c.guest = ?3)"
		"  ORDER BY c.run DESC LIMIT 20),"
		" recent AS (SELECT t.duration_ns AS d, t.attempt > 0 AS again,"
		"  t.outcome = 'broken' AS broken FROM places p"
		"  JOIN trials t ON t.run = p.run AND t.cell = p.cell"
		"  JOIN variants v ON v.run = t.run AND v.variant = t.variant"
		"  WHERE (?4 IS NULL OR v.name = ?4) AND t.state = 'finished'"
		"  ORDER BY t.id DESC LIMIT 41),"
		" timed AS (SELECT d FROM recent WHERE NOT broken AND d > 0),"
		" sums AS (SELECT count(*) AS n FROM timed)"
		" SELECT (SELECT d FROM timed ORDER BY d LIMIT 1 OFFSET (SELECT n / 2 FROM sums)),"
		" (SELECT n FROM sums), sum(again), sum(NOT again) FROM recent", &st, NULL);

	*ret_history = (struct trial_history){ .count = 0 };
	if (rc)
		return;
	statement_bind_text(&st, 1, suite);
	statement_bind_text(&st, 2, run_mode_name(mode));
	statement_bind_text(&st, 3, guest);
	statement_bind_text(&st, 4, variant);
	if (statement_step(&st, NULL) <= 0 || !statement_integer(&st, 1))
		return;
	ret_history->median_ns = (uint64_t)statement_integer(&st, 0);
	ret_history->count = (size_t)statement_integer(&st, 1);
	if (statement_integer(&st, 3))
		ret_history->repeats_ratio = (double)statement_integer(&st, 2) /
					     (double)statement_integer(&st, 3);
}
