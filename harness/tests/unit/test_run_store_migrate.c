/* test_run_store_migrate.c - an older database becomes one of this program, with
 * all that it holds. fixtures/store has them as their own programs wrote them.
 */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "history.h"
#include "memory.h"
#include "run_store_nights.h"
#include "run_store_private.h"
#include "sample_run.h"
#include "test.h"

#define MEASURED "20261120-100000-quick"
#define PLANNED "20261120-110000-quick"

static int execute(sqlite3 *database, const char *sql)
{
	return sqlite3_exec(database, sql, NULL, NULL, NULL);
}

/* A results folder with the fixture as its database, then changed by sql. */
static const char *old_store_of(const char *fixture, const char *sql)
{
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, STORE_FILE), *text = NULL;
	sqlite3 *database = NULL;

	CU_ASSERT_EQUAL(file_read(test_fixture_path(fixture), 1 << 20, &text,
				  NULL), 0);
	CU_ASSERT_EQUAL(sqlite3_open(path, &database), SQLITE_OK);
	CU_ASSERT_EQUAL(execute(database, text ? text : "x"), SQLITE_OK);
	CU_ASSERT_EQUAL(execute(database, sql), SQLITE_OK);
	(void)sqlite3_close(database);
	return folder;
}

static const char *old_store(const char *sql)
{
	return old_store_of("store/version-1.sql", sql);
}

static int64_t ask(struct run_store *store, const char *sql)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	struct error err = ERROR_INIT;

	if (!test_check(!statement_prepare(store, sql, &st, &err)) ||
	    !test_check(statement_step(&st, &err) == 1))
		return -1;
	return statement_integer(&st, 0);
}

static void check_measured(const struct stored_run *run)
{
	test_check_string(run->state, "interrupted");
	test_check_string(run->note, "a note");
	CU_ASSERT_EQUAL(run->seed, 7);
	CU_ASSERT_EQUAL(run->mode, MODE_TIMED);
	CU_ASSERT_EQUAL(run->control_variant, 2);
	CU_ASSERT_EQUAL(run->gate.margin_percent, 2.5);
	CU_ASSERT_EQUAL(run->variants_count, 3);
	CU_ASSERT_EQUAL(run->cells_count, 2);
	if (!test_check(run->trials_count == 7))
		return;
	for (size_t i = 0; i < 7; i++) {
		const struct stored_trial *trial = &run->trials[i];

		CU_ASSERT_EQUAL(trial->state, i < 6 ? TRIAL_FINISHED : TRIAL_PLANNED);
		CU_ASSERT_EQUAL(trial->superseded, i == 2);
		CU_ASSERT_EQUAL(trial->seed, 0);
		test_check_string(trial->digest, NULL);
	}
	test_check_string(run->trials[5].fingerprint, "accelerator=tcg\nvariant.cmdline=x\n");
}

static void check_samples(struct run_store *store)
{
	struct stored_samples *items = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	CU_ASSERT_EQUAL(run_store_samples(store, MEASURED, 0, 1, "fallocate_ns", &items, &count,
					  &err), 0);
	/* three boots in this cell, less the superseded one where it is of it */
	CU_ASSERT_EQUAL(count, (size_t)ask(store, "SELECT count(*) FROM trials WHERE run = 1"
						  " AND cell = 0 AND outcome = 'passed'"
						  " AND NOT superseded"));
	CU_ASSERT_TRUE(count >= 2);
	for (size_t i = 0; i < count; i++)
		if (test_check(items[i].count == 2))
			CU_ASSERT_EQUAL(items[i].values[1], 1001);
	stored_samples_free(items, count);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM samples"), 6 * 2 * 2 * 2);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM measurements WHERE mode = 'timed'"
				   " AND seed IS NULL"), 6 * 2 * 2 * 2);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM findings"), 6);
}

static void test_version_1(void)
{
	const char *folder = old_store("");
	cleanup_store struct run_store *store = sample_store_open(folder), *again = NULL;
	cleanup_run struct stored_run measured = { .id = NULL }, planned = { .id = NULL };
	struct error err = ERROR_INIT;

	if (!store)
		return;
	CU_ASSERT_EQUAL(ask(store, "PRAGMA user_version"), 5);
	CU_ASSERT_EQUAL(ask(store, "PRAGMA application_id"), STORE_APPLICATION_ID);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
				   " AND sql NOT LIKE '%STRICT%'"), 0);
	if (test_check(!run_store_load(store, MEASURED, &measured, &err)))
		check_measured(&measured);
	check_samples(store);
	/* opened once more, nothing is left to do; what was planned can go on */
	again = sample_store_open(folder);
	if (again && test_check(!run_store_load(again, PLANNED, &planned, &err))) {
		CU_ASSERT_EQUAL(planned.trials_count, 6);
		CU_ASSERT_EQUAL(run_store_trial_started(again, planned.trials[0].id, &err), 0);
	}
	test_check_string(err.message, "");
}

/* An exact run beside those of before. */
static void test_new_runs_in_an_old_store(void)
{
	cleanup_store struct run_store *store = sample_store_open(old_store(""));
	cleanup_run struct stored_run run = sample_run(1, 3), loaded = { .id = NULL };
	struct error err = ERROR_INIT;

	run.mode = MODE_EXACT;
	run.exact = EXACT_POLICY_INIT;
	if (!store || !sample_store_begin(store, &run))
		return;
	CU_ASSERT_EQUAL(run_store_load(store, run.id, &loaded, &err), 0);
	CU_ASSERT_EQUAL(loaded.mode, MODE_EXACT);
	CU_ASSERT_EQUAL(loaded.exact.shift, 3);
}

/* A step that fails leaves the database as it was. */
static void test_step_fails(void)
{
	const char *folder = old_store("ALTER TABLE trials ADD COLUMN digest TEXT");
	cleanup_free char *path = path_join(folder, STORE_FILE);
	struct run_store *store = NULL;
	sqlite3 *database = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_store_open(folder, &store, &err), -EIO);
	test_check_contains(err.message, "duplicate column name: digest");
	CU_ASSERT_PTR_NULL(store);
	CU_ASSERT_EQUAL(sqlite3_open(path, &database), SQLITE_OK);
	CU_ASSERT_EQUAL(execute(database, "SELECT mode FROM runs"), SQLITE_ERROR);
	CU_ASSERT_EQUAL(execute(database, "SELECT value FROM measurements"), SQLITE_OK);
	(void)sqlite3_close(database);
}

/* Metrics of kind outcome are new in version 3; the old ones are still checked, and
 * still belong to their rows. */
static void test_kinds(void)
{
	cleanup_store struct run_store *store = sample_store_open(old_store(""));

	if (!store)
		return;
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM metrics"), 16);
	CU_ASSERT_EQUAL(execute(store->database, "UPDATE metrics SET kind = 'outcome'"
						 " WHERE name = 'fallocate_ns'"), SQLITE_OK);
	CU_ASSERT_EQUAL(execute(store->database, "UPDATE metrics SET kind = 'other'") & 0xff,
			SQLITE_CONSTRAINT);
	CU_ASSERT_EQUAL(execute(store->database, "DELETE FROM runs WHERE run = 1"), SQLITE_OK);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM metrics WHERE run = 1"), 0);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM metrics"), 8);
}

/* The figures of what was measured before there were figures. */
static void test_history(void)
{
	cleanup_store struct run_store *store = sample_store_open(
		old_store("UPDATE runs SET state = 'finished' WHERE run = 1"));
	const struct history_key key = { .metric = "second.fallocate_ns", .guest = "up" };
	struct history_series *series = NULL;
	struct error err = ERROR_INIT;
	size_t count = 0;

	if (!store)
		return;
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM figures"), 0);
	CU_ASSERT_EQUAL(history_load(store, &key, 0, &series, &count, &err), 0);
	test_check_string(err.message, "");
	if (test_check(count == 1) && test_check(series[0].points_count == 1)) {
		test_check_string(series[0].points[0].run_id, MEASURED);
		/* every boot gave 1000 and 1001 */
		CU_ASSERT_DOUBLE_EQUAL(series[0].points[0].center, 1000.5, 1e-9);
	}
	history_free(series, count);
	/* all series of both variants that have boots; not of the run that was planned */
	CU_ASSERT_TRUE(ask(store, "SELECT count(*) FROM figures") > 0);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(DISTINCT run) FROM figures"), 1);
	CU_ASSERT_EQUAL(ask(store, "SELECT figures_rule FROM runs WHERE run = 1"), 1);
	CU_ASSERT_EQUAL(execute(store->database, "DELETE FROM runs WHERE run = 1"), SQLITE_OK);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM figures"), 0);
}

/* A table of version 3 is there already: nothing is changed. */
static void test_last_step_fails(void)
{
	const char *folder = old_store("CREATE TABLE series (a)");
	cleanup_free char *path = path_join(folder, STORE_FILE);
	struct run_store *store = NULL;
	sqlite3 *database = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_store_open(folder, &store, &err), -EIO);
	test_check_contains(err.message, "table series already exists");
	CU_ASSERT_EQUAL(sqlite3_open(path, &database), SQLITE_OK);
	CU_ASSERT_EQUAL(execute(database, "SELECT mode FROM runs"), SQLITE_ERROR);
	CU_ASSERT_EQUAL(execute(database, "SELECT kind FROM metrics"), SQLITE_OK);
	(void)sqlite3_close(database);
}

/* Figures, confirmations and looks of version 4 are as they were; nothing was judged and
 * kept yet, and can be. */
static void test_version_4(void)
{
	cleanup_store struct run_store *store = sample_store_open(
		old_store_of("store/version-4.sql", ""));
	char equivalent[] = "equivalent";
	const struct stored_verdict verdict = { .series = 1, .verdict = equivalent };
	struct error err = ERROR_INIT;

	if (!store)
		return;
	CU_ASSERT_EQUAL(ask(store, "PRAGMA user_version"), 5);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM series"), 16);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM figures WHERE run = 1 AND center > 0"),
			16);
	CU_ASSERT_EQUAL(ask(store, "SELECT figures_rule FROM runs WHERE run = 1"), 1);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM confirmations"), 1);
	CU_ASSERT_EQUAL(ask(store, "SELECT blocks FROM looks WHERE run = 2"), 1);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM runs WHERE verdicts_rule = 0"
				   " AND gate IS NULL"), 2);
	CU_ASSERT_EQUAL(run_store_set_judged(store, MEASURED, &verdict, 1, 1, 3, &err), 0);
	CU_ASSERT_EQUAL(ask(store, "SELECT gate FROM runs WHERE verdicts_rule = 1"), 3);
	CU_ASSERT_EQUAL(execute(store->database, "UPDATE verdicts SET verdict = 'bad'") & 0xff,
			SQLITE_CONSTRAINT);
	CU_ASSERT_EQUAL(execute(store->database, "DELETE FROM runs WHERE run = 1"), SQLITE_OK);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM verdicts"), 0);
	test_check_string(err.message, "");
}

static void test_version_4_fails(void)
{
	const char *folder = old_store_of("store/version-4.sql", "CREATE TABLE nights (a)");
	cleanup_free char *path = path_join(folder, STORE_FILE);
	struct run_store *store = NULL;
	sqlite3 *database = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_store_open(folder, &store, &err), -EIO);
	test_check_contains(err.message, "table nights already exists");
	CU_ASSERT_EQUAL(sqlite3_open(path, &database), SQLITE_OK);
	CU_ASSERT_EQUAL(execute(database, "SELECT gate FROM runs"), SQLITE_ERROR);
	CU_ASSERT_EQUAL(execute(database, "SELECT figures_rule FROM runs"), SQLITE_OK);
	(void)sqlite3_close(database);
}

TEST_SUITE("run_store_migrate",
	   {"version 1", test_version_1},
	   {"new runs in an old store", test_new_runs_in_an_old_store},
	   {"a step that fails", test_step_fails},
	   {"kinds of metrics", test_kinds},
	   {"history of an old store", test_history},
	   {"the last step fails", test_last_step_fails},
	   {"version 4", test_version_4},
	   {"version 4, the step fails", test_version_4_fails})
