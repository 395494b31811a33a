/* run_store_schema.c - the tables, their versions and how an older database
 * becomes a newer one. docs/result-format.md explains the columns to readers.
 */
#include <errno.h>

#include "run_store_private.h"

/* Version 1. Text columns with few values are checked by SQLite too, so that
 * what other programs write stays readable here. */
static const char schema_1[] =
	"CREATE TABLE runs ("
	"  run INTEGER PRIMARY KEY,"
	"  id TEXT NOT NULL UNIQUE,"
	"  campaign TEXT NOT NULL,"
	"  campaign_file TEXT NOT NULL,"
	"  state TEXT NOT NULL CHECK (state IN ('running', 'interrupted', 'finished')),"
	"  note TEXT,"
	"  started_wall_ns INTEGER NOT NULL,"
	"  finished_wall_ns INTEGER NOT NULL DEFAULT 0,"
	"  seed INTEGER NOT NULL,"
	"  control INTEGER NOT NULL CHECK (control IN (0, 1)),"
	"  baseline INTEGER NOT NULL,"
	"  control_variant INTEGER,"
	"  margin_percent REAL NOT NULL,"
	"  alpha REAL NOT NULL,"
	"  confidence REAL NOT NULL,"
	"  correction TEXT NOT NULL,"
	"  accelerator TEXT NOT NULL,"
	"  accelerator_reason TEXT"
	") STRICT;"
	"CREATE TABLE variants ("
	"  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
	"  variant INTEGER NOT NULL,"
	"  label TEXT NOT NULL,"
	"  name TEXT NOT NULL,"
	"  kernel_key TEXT NOT NULL,"
	"  image_sha256 TEXT,"
	"  kernel_record TEXT,"
	"  cmdline TEXT NOT NULL,"
	"  PRIMARY KEY (run, variant),"
	"  UNIQUE (run, label)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE cells ("
	"  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
	"  cell INTEGER NOT NULL,"
	"  guest TEXT NOT NULL,"
	"  suite TEXT NOT NULL,"
	"  guest_record TEXT NOT NULL,"
	"  PRIMARY KEY (run, cell)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE suite_rows ("
	"  run INTEGER NOT NULL,"
	"  cell INTEGER NOT NULL,"
	"  row INTEGER NOT NULL,"
	"  name TEXT NOT NULL,"
	"  workload TEXT NOT NULL,"
	"  arguments TEXT NOT NULL,"
	"  PRIMARY KEY (run, cell, row),"
	"  FOREIGN KEY (run, cell) REFERENCES cells ON DELETE CASCADE"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE metrics ("
	"  run INTEGER NOT NULL,"
	"  cell INTEGER NOT NULL,"
	"  row INTEGER NOT NULL,"
	"  metric INTEGER NOT NULL,"
	"  name TEXT NOT NULL,"
	"  unit TEXT NOT NULL,"
	"  meaning TEXT NOT NULL,"
	"  better TEXT NOT NULL CHECK (better IN ('lower', 'higher')),"
	"  kind TEXT NOT NULL CHECK (kind IN ('time', 'rate', 'count', 'tail')),"
	"  secondary INTEGER NOT NULL CHECK (secondary IN (0, 1)),"
	"  PRIMARY KEY (run, cell, row, metric),"
	"  UNIQUE (run, cell, row, name),"
	"  FOREIGN KEY (run, cell, row) REFERENCES suite_rows ON DELETE CASCADE"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE fingerprints ("
	"  fingerprint INTEGER PRIMARY KEY,"
	"  text TEXT NOT NULL UNIQUE"
	") STRICT;"
	"CREATE TABLE trials ("
	"  id INTEGER PRIMARY KEY,"
	"  run INTEGER NOT NULL,"
	"  plan_order INTEGER NOT NULL,"
	"  block INTEGER NOT NULL,"
	"  cell INTEGER NOT NULL,"
	"  variant INTEGER NOT NULL,"
	"  attempt INTEGER NOT NULL,"
	"  superseded INTEGER NOT NULL DEFAULT 0 CHECK (superseded IN (0, 1)),"
	"  state TEXT NOT NULL CHECK (state IN ('planned', 'started', 'finished')),"
	"  started_wall_ns INTEGER,"
	"  outcome TEXT CHECK (outcome IN ('passed', 'failed', 'skipped', 'broken',"
	"    'crashed', 'timed-out')),"
	"  reason TEXT,"
	"  kernel_release TEXT,"
	"  fingerprint INTEGER REFERENCES fingerprints,"
	"  create_ns INTEGER, created_ns INTEGER, first_byte_ns INTEGER,"
	"  user_space_ns INTEGER, end_marker_ns INTEGER, stopped_ns INTEGER,"
	"  duration_ns INTEGER,"
	"  steal_ratio REAL, others_cpus REAL, pressure_memory_ratio REAL,"
	"  frequency_mhz REAL,"
	"  disturbed INTEGER NOT NULL DEFAULT 0 CHECK (disturbed IN (0, 1)),"
	"  disturbed_reason TEXT,"
	"  UNIQUE (run, plan_order),"
	"  CHECK ((state = 'finished') = (outcome IS NOT NULL)),"
	"  FOREIGN KEY (run, cell) REFERENCES cells ON DELETE CASCADE,"
	"  FOREIGN KEY (run, variant) REFERENCES variants ON DELETE CASCADE"
	") STRICT;"
	"CREATE TABLE row_results ("
	"  trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE,"
	"  row INTEGER NOT NULL,"
	"  outcome TEXT NOT NULL,"
	"  reason TEXT,"
	"  PRIMARY KEY (trial, row)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE samples ("
	"  trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE,"
	"  row INTEGER NOT NULL,"
	"  metric INTEGER NOT NULL,"
	"  sample INTEGER NOT NULL,"
	"  iteration INTEGER NOT NULL,"
	"  value REAL NOT NULL,"
	"  PRIMARY KEY (trial, row, metric, sample)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE findings ("
	"  trial INTEGER NOT NULL REFERENCES trials ON DELETE CASCADE,"
	"  finding INTEGER NOT NULL,"
	"  kind TEXT NOT NULL,"
	"  title TEXT NOT NULL,"
	"  excerpt TEXT NOT NULL,"
	"  line INTEGER NOT NULL,"
	"  PRIMARY KEY (trial, finding)"
	") STRICT, WITHOUT ROWID;"
	/* For people with sqlite3: every sample with its names. */
	"CREATE VIEW measurements AS"
	"  SELECT r.id AS run, t.id AS trial, t.plan_order, t.block, t.attempt,"
	"    t.superseded, t.disturbed, c.guest, c.suite, s.name AS row, v.label AS variant,"
	"    m.name AS metric, m.unit, x.iteration, x.value"
	"  FROM samples x"
	"  JOIN trials t ON t.id = x.trial"
	"  JOIN runs r ON r.run = t.run"
	"  JOIN variants v ON v.run = t.run AND v.variant = t.variant"
	"  JOIN cells c ON c.run = t.run AND c.cell = t.cell"
	"  JOIN suite_rows s ON s.run = t.run AND s.cell = t.cell AND s.row = x.row"
	"  JOIN metrics m ON m.run = t.run AND m.cell = t.cell AND m.row = x.row"
	"    AND m.metric = x.metric;";

/* Version 2: exact mode. What was measured before was timed. */
static const char schema_2[] =
	"ALTER TABLE runs ADD COLUMN mode TEXT NOT NULL DEFAULT 'timed'"
	"  CHECK (mode IN ('timed', 'exact'));"
	"ALTER TABLE runs ADD COLUMN exact TEXT;"
	"ALTER TABLE trials ADD COLUMN seed INTEGER;"
	"ALTER TABLE trials ADD COLUMN digest TEXT;"
	"DROP VIEW measurements;"
	"CREATE VIEW measurements AS"
	"  SELECT r.id AS run, r.mode, t.id AS trial, t.plan_order, t.block, t.seed,"
	"    t.attempt, t.superseded, t.disturbed, c.guest, c.suite, s.name AS row,"
	"    v.label AS variant, m.name AS metric, m.unit, x.iteration, x.value"
	"  FROM samples x"
	"  JOIN trials t ON t.id = x.trial"
	"  JOIN runs r ON r.run = t.run"
	"  JOIN variants v ON v.run = t.run AND v.variant = t.variant"
	"  JOIN cells c ON c.run = t.run AND c.cell = t.cell"
	"  JOIN suite_rows s ON s.run = t.run AND s.cell = t.cell AND s.row = x.row"
	"  JOIN metrics m ON m.run = t.run AND m.cell = t.cell AND m.row = x.row"
	"    AND m.metric = x.metric;";

/* Version 3: kind outcome (a CHECK cannot be changed, so the table is made anew), and
 * history: one figure a run and series, so that years of nights are read in one go;
 * what became of suspected changes. */
static const char schema_3[] =
	"DROP VIEW measurements;"
	"CREATE TABLE metrics_3 ("
	"  run INTEGER NOT NULL,"
	"  cell INTEGER NOT NULL,"
	"  row INTEGER NOT NULL,"
	"  metric INTEGER NOT NULL,"
	"  name TEXT NOT NULL,"
	"  unit TEXT NOT NULL,"
	"  meaning TEXT NOT NULL,"
	"  better TEXT NOT NULL CHECK (better IN ('lower', 'higher')),"
	"  kind TEXT NOT NULL CHECK (kind IN ('time', 'rate', 'count', 'tail', 'outcome')),"
	"  secondary INTEGER NOT NULL CHECK (secondary IN (0, 1)),"
	"  PRIMARY KEY (run, cell, row, metric),"
	"  UNIQUE (run, cell, row, name),"
	"  FOREIGN KEY (run, cell, row) REFERENCES suite_rows ON DELETE CASCADE"
	") STRICT, WITHOUT ROWID;"
	"INSERT INTO metrics_3 SELECT run, cell, row, metric, name, unit, meaning, better, kind,"
	"  secondary FROM metrics;"
	"DROP TABLE metrics;"
	"ALTER TABLE metrics_3 RENAME TO metrics;"
	"CREATE VIEW measurements AS"
	"  SELECT r.id AS run, r.mode, t.id AS trial, t.plan_order, t.block, t.seed,"
	"    t.attempt, t.superseded, t.disturbed, c.guest, c.suite, s.name AS row,"
	"    v.label AS variant, m.name AS metric, m.unit, x.iteration, x.value"
	"  FROM samples x"
	"  JOIN trials t ON t.id = x.trial"
	"  JOIN runs r ON r.run = t.run"
	"  JOIN variants v ON v.run = t.run AND v.variant = t.variant"
	"  JOIN cells c ON c.run = t.run AND c.cell = t.cell"
	"  JOIN suite_rows s ON s.run = t.run AND s.cell = t.cell AND s.row = x.row"
	"  JOIN metrics m ON m.run = t.run AND m.cell = t.cell AND m.row = x.row"
	"    AND m.metric = x.metric;"
	"ALTER TABLE runs ADD COLUMN figures_rule INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE conditions ("
	"  conditions INTEGER PRIMARY KEY,"
	"  text TEXT NOT NULL UNIQUE"
	") STRICT;"
	"CREATE TABLE series ("
	"  series INTEGER PRIMARY KEY,"
	"  campaign TEXT NOT NULL,"
	"  mode TEXT NOT NULL CHECK (mode IN ('timed', 'exact')),"
	"  guest TEXT NOT NULL,"
	"  suite TEXT NOT NULL,"
	"  row TEXT NOT NULL,"
	"  metric TEXT NOT NULL,"
	"  variant TEXT NOT NULL,"
	"  unit TEXT NOT NULL,"
	"  better TEXT NOT NULL,"
	"  kind TEXT NOT NULL,"
	"  secondary INTEGER NOT NULL CHECK (secondary IN (0, 1)),"
	"  meaning TEXT NOT NULL,"
	"  UNIQUE (campaign, mode, guest, suite, row, metric, variant, unit, better, kind)"
	") STRICT;"
	"CREATE TABLE figures ("
	"  series INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,"
	"  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
	"  boots INTEGER NOT NULL,"
	"  center REAL, low REAL, high REAL,"
	"  conditions INTEGER REFERENCES conditions,"
	"  PRIMARY KEY (series, run)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX figures_run ON figures (run);"
	"CREATE TABLE confirmations ("
	"  series INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,"
	"  run_before INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
	"  run_after INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
	"  state TEXT NOT NULL CHECK (state IN ('suspected', 'confirmed', 'refuted')),"
	"  ratio REAL,"
	"  p REAL,"
	"  run INTEGER REFERENCES runs ON DELETE SET NULL,"
	"  reason TEXT NOT NULL,"
	"  updated_wall_ns INTEGER NOT NULL,"
	"  PRIMARY KEY (series, run_before, run_after)"
	") STRICT, WITHOUT ROWID;";

/* Version 4: runs that are judged on the way. */
static const char schema_4[] =
	"CREATE TABLE looks ("
	"  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
	"  look INTEGER NOT NULL,"
	"  blocks INTEGER NOT NULL,"
	"  taken_wall_ns INTEGER,"
	"  alpha REAL,"
	"  open_count INTEGER,"
	"  stopped INTEGER NOT NULL DEFAULT 0 CHECK (stopped IN (0, 1)),"
	"  PRIMARY KEY (run, look)"
	") STRICT, WITHOUT ROWID;";

/* Version 5: what `kerngate nightly` did, and the verdicts of runs, kept so that many
 * nights are shown without judging them again. */
static const char schema_5[] =
	"ALTER TABLE runs ADD COLUMN verdicts_rule INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE runs ADD COLUMN gate INTEGER;"
	"CREATE TABLE verdicts ("
	"  series INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,"
	"  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
	"  is_history INTEGER NOT NULL CHECK (is_history IN (0, 1)),"
	"  verdict TEXT NOT NULL CHECK (verdict IN ('improved', 'equivalent', 'inconclusive',"
	"    'regressed', 'not comparable', 'withheld')),"
	"  ratio REAL, low REAL, high REAL, p REAL,"
	"  PRIMARY KEY (series, run, is_history)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX verdicts_run ON verdicts (run);"
	"CREATE TABLE nights ("
	"  night INTEGER PRIMARY KEY,"
	"  id TEXT NOT NULL UNIQUE,"
	"  campaign TEXT NOT NULL,"
	"  run INTEGER REFERENCES runs ON DELETE SET NULL,"
	"  started_wall_ns INTEGER NOT NULL,"
	"  finished_wall_ns INTEGER NOT NULL DEFAULT 0,"
	"  budget_minutes INTEGER NOT NULL,"
	"  status INTEGER,"
	"  summary TEXT"
	") STRICT;"
	"CREATE INDEX nights_started ON nights (started_wall_ns);"
	"CREATE TABLE night_cells ("
	"  night INTEGER NOT NULL REFERENCES nights ON DELETE CASCADE,"
	"  cell INTEGER NOT NULL,"
	"  guest TEXT NOT NULL,"
	"  suite TEXT NOT NULL,"
	"  is_run INTEGER NOT NULL CHECK (is_run IN (0, 1)),"
	"  estimate_ns INTEGER NOT NULL,"
	"  reason TEXT,"
	"  PRIMARY KEY (night, cell)"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE night_events ("
	"  night INTEGER NOT NULL REFERENCES nights ON DELETE CASCADE,"
	"  event INTEGER NOT NULL,"
	"  guest TEXT NOT NULL,"
	"  suite TEXT NOT NULL,"
	"  row TEXT NOT NULL,"
	"  metric TEXT NOT NULL,"
	"  variant TEXT NOT NULL,"
	"  is_worse INTEGER NOT NULL CHECK (is_worse IN (0, 1)),"
	"  ratio REAL, p REAL,"
	"  state TEXT NOT NULL CHECK (state IN ('suspected', 'confirmed', 'refuted')),"
	"  against TEXT,"
	"  confirm_run INTEGER REFERENCES runs ON DELETE SET NULL,"
	"  culprit TEXT,"
	"  reason TEXT,"
	"  PRIMARY KEY (night, event)"
	") STRICT, WITHOUT ROWID;";

/* steps[n] makes version n + 1 of version n. Never change one that was
 * released: add the next. */
static const char *const steps[] = { schema_1, schema_2, schema_3, schema_4, schema_5 };
#define SCHEMA_VERSION ((int64_t)ARRAY_COUNT(steps))

static int pragma_read(struct run_store *store, const char *sql, int64_t *ret_value,
		       struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, sql, &st, err);

	if (rc)
		return rc;
	rc = statement_step(&st, err);
	if (rc < 0)
		return rc;
	*ret_value = rc > 0 ? statement_integer(&st, 0) : 0;
	return 0;
}

/* ret_version: 0 for a database that is new or empty. */
static int read_version(struct run_store *store, int64_t *ret_version, struct error *err)
{
	int64_t application = 0, tables = 0, version = 0;
	int rc = pragma_read(store, "PRAGMA user_version", &version, err);

	if (!rc)
		rc = pragma_read(store, "PRAGMA application_id", &application, err);
	if (!rc)
		rc = pragma_read(store, "SELECT count(*) FROM sqlite_schema", &tables, err);
	if (rc)
		return rc;
	if (application != STORE_APPLICATION_ID && (application || tables || version))
		return error_set(err, -EPROTO,
				 "%s: is a database of another program (application id %lld); "
				 "choose another results folder", store->path,
				 (long long)application);
	if (version > SCHEMA_VERSION)
		return error_set(err, -EPROTO,
				 "%s: was written by a newer kerngate (schema %lld, this one "
				 "knows %lld); it was left alone", store->path,
				 (long long)version, (long long)SCHEMA_VERSION);
	*ret_version = version;
	return 0;
}

static int migrate_step(struct run_store *store, int64_t from, struct error *err)
{
	char pragma[80];
	int rc = store_execute(store, steps[from], err);

	if (rc)
		return rc;
	(void)snprintf(pragma, sizeof(pragma),
		       "PRAGMA application_id = %d; PRAGMA user_version = %lld",
		       STORE_APPLICATION_ID, (long long)from + 1);
	return store_execute(store, pragma, err);
}

int store_schema_prepare(struct run_store *store, struct error *err)
{
	cleanup_transaction struct transaction tx = TRANSACTION_INIT;
	int64_t version = 0;
	/* One moment for all that is read: another process may be making the tables. */
	int rc = store_execute(store, "BEGIN", err);

	if (rc)
		return rc;
	rc = read_version(store, &version, err);
	(void)sqlite3_exec(store->database, "COMMIT", NULL, NULL, NULL);
	if (rc || version == SCHEMA_VERSION)
		return rc;
	rc = transaction_begin(store, &tx, err);
	/* Again, now that no other process can be doing the same. */
	if (!rc)
		rc = read_version(store, &version, err);
	for (; !rc && version < SCHEMA_VERSION; version++)
		rc = migrate_step(store, version, err);
	return rc ? rc : transaction_commit(&tx, err);
}
