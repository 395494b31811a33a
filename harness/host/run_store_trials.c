/* run_store_trials.c - writing what came of trials: one transaction each. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "run_store_private.h"

/* Where a trial belongs, for what is stored with it. */
struct trial_place {
	int64_t run;
	int64_t cell;
};

static int trial_place(struct run_store *store, int64_t trial_id, const char *state,
		       struct trial_place *ret, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	cleanup_free char *found = NULL;
	int rc = statement_prepare(store, "SELECT run, cell, state FROM trials WHERE id = ?1",
				   &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, trial_id);
	rc = statement_step(&st, err);
	if (rc < 0)
		return rc;
	if (!rc)
		return error_set(err, -ENOENT, "%s: has no trial %lld", store->path,
				 (long long)trial_id);
	found = statement_text(&st, 2);
	if (strcmp(found, state))
		return error_set(err, -EINVAL, "%s: trial %lld is %s, expected %s",
				 store->path, (long long)trial_id, found, state);
	ret->run = statement_integer(&st, 0);
	ret->cell = statement_integer(&st, 1);
	return 0;
}

int run_store_trial_started(struct run_store *store, int64_t trial_id, struct error *err)
{
	cleanup_transaction struct transaction tx = TRANSACTION_INIT;
	cleanup_statement struct statement st = STATEMENT_INIT;
	struct trial_place place;
	int rc = transaction_begin(store, &tx, err);

	if (!rc)
		rc = trial_place(store, trial_id, "planned", &place, err);
	if (!rc)
		rc = statement_prepare(store,
			"UPDATE trials SET state = 'started', started_wall_ns = ?2"
			" WHERE id = ?1", &st, err);
	if (rc)
		return rc;
	statement_bind_integer(&st, 1, trial_id);
	statement_bind_integer(&st, 2, store_optional_ns(clock_wall_ns()));
	rc = statement_run(&st, err);
	return rc ? rc : transaction_commit(&tx, err);
}

/* --- the parts of a result ------------------------------------------------- */

static void bind_time(struct statement *st, int index, uint64_t at_ns)
{
	if (at_ns)
		statement_bind_integer(st, index, store_optional_ns(at_ns));
}

static void bind_outcome(struct statement *st, const struct trial_result *result)
{
	const struct trial_times *times = &result->times;

	statement_bind_text(st, 2, outcome_name(result->outcome));
	statement_bind_text(st, 3, result->reason);
	statement_bind_text(st, 4, result->kernel_release);
	bind_time(st, 6, times->create_ns);
	bind_time(st, 7, times->created_ns);
	bind_time(st, 8, times->first_byte_ns);
	bind_time(st, 9, times->user_space_ns);
	bind_time(st, 10, times->end_marker_ns);
	bind_time(st, 11, times->stopped_ns);
	if (times->create_ns && times->stopped_ns >= times->create_ns)
		bind_time(st, 12, times->stopped_ns - times->create_ns);
}

static int store_outcome(struct run_store *store, int64_t trial_id,
			 const struct trial_result *result, int64_t fingerprint,
			 struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"UPDATE trials SET state = 'finished', outcome = ?2, reason = ?3,"
		" kernel_release = ?4, fingerprint = ?5, create_ns = ?6, created_ns = ?7,"
		" first_byte_ns = ?8, user_space_ns = ?9, end_marker_ns = ?10, stopped_ns = ?11,"
		" duration_ns = ?12, steal_ratio = ?13, others_cpus = ?14,"
		" pressure_memory_ratio = ?15, frequency_mhz = ?16, disturbed = ?17,"
		" disturbed_reason = ?18, digest = ?19 WHERE id = ?1", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, trial_id);
	bind_outcome(&st, result);
	if (fingerprint)
		statement_bind_integer(&st, 5, fingerprint);
	statement_bind_real(&st, 13, result->host.steal_ratio);
	statement_bind_real(&st, 14, result->host.others_cpus);
	statement_bind_real(&st, 15, result->host.pressure_memory_ratio);
	statement_bind_real(&st, 16, result->host.frequency_mhz);
	statement_bind_integer(&st, 17, result->host.disturbed);
	statement_bind_text(&st, 18, result->host.reason);
	statement_bind_text(&st, 19, result->digest);
	return statement_run(&st, err);
}

static int store_row_results(struct run_store *store, int64_t trial_id,
			     const struct trial_result *result, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "INSERT INTO row_results (trial, row, outcome, reason)"
				   " VALUES (?1, ?2, ?3, ?4)", &st, err);

	for (size_t i = 0; !rc && i < result->rows_count; i++) {
		statement_bind_integer(&st, 1, trial_id);
		statement_bind_integer(&st, 2, (int64_t)i);
		statement_bind_text(&st, 3, outcome_name(result->rows[i].outcome));
		statement_bind_text(&st, 4, result->rows[i].reason);
		rc = statement_run(&st, err);
	}
	return rc;
}

static int store_findings(struct run_store *store, int64_t trial_id,
			  const struct trial_result *result, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT INTO findings (trial, finding, kind, title, excerpt, line)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)", &st, err);

	for (size_t i = 0; !rc && i < result->findings_count; i++) {
		const struct finding *finding = &result->findings[i];

		statement_bind_integer(&st, 1, trial_id);
		statement_bind_integer(&st, 2, (int64_t)i);
		statement_bind_text(&st, 3, finding_kind_name(finding->kind));
		statement_bind_text(&st, 4, finding->title ? finding->title : "");
		statement_bind_text(&st, 5, finding->excerpt ? finding->excerpt : "");
		statement_bind_integer(&st, 6, store_optional_ns(finding->line));
		rc = statement_run(&st, err);
	}
	return rc;
}

/* --- samples ---------------------------------------------------------------- */

struct metric_place {
	int64_t row;
	int64_t metric;
	char *name; /* owned */
};

struct metric_places {
	struct metric_place *items; /* owned */
	size_t count;
	size_t last; /* found last: samples come in long runs of one metric */
};

static void metric_places_release(struct metric_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free(places->items[i].name);
	free(places->items);
}

static int load_metric_places(struct run_store *store, const struct trial_place *place,
			      struct metric_places *ret, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "SELECT row, metric, name FROM metrics"
				   " WHERE run = ?1 AND cell = ?2", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, place->run);
	statement_bind_integer(&st, 2, place->cell);
	while ((rc = statement_step(&st, err)) > 0) {
		ret->items = memory_realloc_array(ret->items, ret->count + 1,
						  sizeof(*ret->items));
		ret->items[ret->count++] = (struct metric_place){
			.row = statement_integer(&st, 0),
			.metric = statement_integer(&st, 1),
			.name = statement_text(&st, 2),
		};
	}
	return rc;
}

static const struct metric_place *metric_places_find(struct metric_places *places,
						     const struct sample *sample)
{
	for (size_t i = 0; i < places->count; i++) {
		size_t at = (places->last + i) % places->count;
		const struct metric_place *item = &places->items[at];

		if (item->row != sample->row || strcmp(item->name, sample->metric))
			continue;
		places->last = at;
		return item;
	}
	return NULL;
}

static int insert_sample(struct statement *st, int64_t trial_id, size_t index,
			 const struct sample *sample, const struct metric_place *place,
			 struct error *err)
{
	statement_bind_integer(st, 1, trial_id);
	statement_bind_integer(st, 2, place->row);
	statement_bind_integer(st, 3, place->metric);
	statement_bind_integer(st, 4, (int64_t)index);
	statement_bind_integer(st, 5, sample->iteration);
	statement_bind_real(st, 6, sample->value);
	return statement_run(st, err);
}

static int store_samples(struct run_store *store, int64_t trial_id,
			 const struct trial_place *trial, const struct trial_result *result,
			 struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	cleanup_with(metric_places_release) struct metric_places places = { .items = NULL };
	int rc = load_metric_places(store, trial, &places, err);

	if (!rc)
		rc = statement_prepare(store,
			"INSERT INTO samples (trial, row, metric, sample, iteration, value)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6)", &st, err);
	for (size_t i = 0; !rc && i < result->samples_count; i++) {
		const struct sample *sample = &result->samples[i];
		const struct metric_place *place = metric_places_find(&places, sample);

		if (!place || !isfinite(sample->value))
			return error_set(err, -EINVAL,
					 "trial %lld: row %u, metric %s: expected a finite "
					 "sample of a declared metric", (long long)trial_id, sample->row,
					 sample->metric);
		rc = insert_sample(&st, trial_id, i, sample, place, err);
	}
	return rc;
}

/* --- a finished trial -------------------------------------------------------- */

static int store_result(struct run_store *store, int64_t trial_id,
			const struct trial_result *result, const char *fingerprint,
			struct error *err)
{
	struct trial_place place = { .run = 0 };
	int64_t fingerprint_key = 0;
	int rc = trial_place(store, trial_id, "started", &place, err);

	if (!rc && fingerprint)
		rc = store_text_key(store, "fingerprints", "fingerprint", fingerprint,
				    &fingerprint_key, err);
	if (!rc)
		rc = store_outcome(store, trial_id, result, fingerprint_key, err);
	if (!rc)
		rc = store_row_results(store, trial_id, result, err);
	if (!rc)
		rc = store_samples(store, trial_id, &place, result, err);
	if (!rc)
		rc = store_findings(store, trial_id, result, err);
	return rc;
}

int run_store_trial_finished(struct run_store *store, int64_t trial_id,
			     const struct trial_result *result, const char *fingerprint,
			     struct error *err)
{
	cleanup_transaction struct transaction tx = TRANSACTION_INIT;
	int rc = transaction_begin(store, &tx, err);

	if (!rc)
		rc = store_result(store, trial_id, result, fingerprint, err);
	if (!rc)
		rc = transaction_commit(&tx, err);
	return rc ? error_prefix(err, "storing a trial") : 0;
}

/* --- repeats ----------------------------------------------------------------- */

int run_store_supersede(struct run_store *store, const struct stored_trial *trial,
			struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "UPDATE trials SET superseded = 1 WHERE id = ?1"
				   " AND state = 'finished'", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, trial->id);
	rc = statement_run(&st, err);
	if (!rc && !sqlite3_changes(store->database))
		rc = error_set(err, -EINVAL, "%s: trial %lld is not finished: nothing to leave out",
			       store->path, (long long)trial->id);
	return rc;
}

/* The repeat takes the next free place in the plan. */
static int insert_repeat(struct run_store *store, const struct stored_trial *replaced,
			 int64_t *ret_id, int64_t *ret_order, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"INSERT INTO trials (run, plan_order, block, cell, variant, seed, attempt, state)"
		" SELECT run, (SELECT max(plan_order) + 1 FROM trials u WHERE u.run = t.run),"
		"  block, cell, variant, seed, attempt + 1, 'planned' FROM trials t WHERE id = ?1"
		" RETURNING id, plan_order", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, replaced->id);
	rc = statement_step(&st, err);
	if (rc < 0)
		return rc;
	*ret_id = statement_integer(&st, 0);
	*ret_order = statement_integer(&st, 1);
	return statement_run(&st, err);
}

int run_store_add_repeat(struct run_store *store, const struct stored_trial *replaced,
			 struct stored_trial *ret_repeat, struct error *err)
{
	cleanup_transaction struct transaction tx = TRANSACTION_INIT;
	int64_t id = 0, order = 0;
	int rc = transaction_begin(store, &tx, err);

	if (!rc)
		rc = run_store_supersede(store, replaced, err);
	if (!rc)
		rc = insert_repeat(store, replaced, &id, &order, err);
	if (!rc)
		rc = transaction_commit(&tx, err);
	if (rc)
		return error_prefix(err, "adding a repeat");
	*ret_repeat = (struct stored_trial){
		.id = id,
		.block = replaced->block,
		.cell = replaced->cell,
		.variant = replaced->variant,
		.order = (uint32_t)order,
		.attempt = replaced->attempt + 1,
		.seed = replaced->seed,
		.state = TRIAL_PLANNED,
	};
	return 0;
}
