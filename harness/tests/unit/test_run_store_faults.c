/* test_run_store_faults.c - killed writers, full disks, damaged and newer
 * databases, several writers.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "memory.h"
#include "run_store_private.h"
#include "sample_run.h"
#include "test.h"

/* A stored run whose first trial is started. */
static bool prepare(const char *folder, struct stored_run *run)
{
	cleanup_store struct run_store *store = sample_store_open(folder);
	struct error err = ERROR_INIT;

	return store && test_check(!run_store_begin(store, run, &err)) &&
	       test_check(!run_store_trial_started(store, run->trials[0].id, &err));
}

/* The one figure of a query. */
static int64_t ask(struct run_store *store, const char *sql)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	struct error err = ERROR_INIT;

	if (!test_check(!statement_prepare(store, sql, &st, &err)) ||
	    !test_check(statement_step(&st, &err) == 1))
		return -1;
	return statement_integer(&st, 0);
}

static void check_sound(struct run_store *store)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	cleanup_free char *answer = NULL;
	struct error err = ERROR_INIT;

	if (!test_check(!statement_prepare(store, "PRAGMA integrity_check", &st, &err)) ||
	    !test_check(statement_step(&st, &err) == 1))
		return;
	answer = statement_text(&st, 0);
	test_check_string(answer, "ok");
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

/* --- killed writers ---------------------------------------------------------- */

enum kill_at { KILL_BEFORE_COMMIT, KILL_AFTER };

static int kill_now(void *unused)
{
	(void)unused;
	return kill(getpid(), SIGKILL);
}

/* In a child: finishes the trial and dies on the way. */
static void finish_and_die(const char *folder, int64_t trial_id, enum kill_at at)
{
	struct trial_result result = sample_result(30000, 5);
	struct run_store *store = NULL;
	struct error err = ERROR_INIT;

	if (run_store_open(folder, &store, &err))
		_exit(1);
	/* a small cache spills into the log before the commit */
	if (store_execute(store, "PRAGMA cache_size = 10", &err))
		_exit(1);
	if (at == KILL_BEFORE_COMMIT)
		(void)sqlite3_commit_hook(store->database, kill_now, NULL);
	if (run_store_trial_finished(store, trial_id, &result, "k=v\n", &err))
		_exit(2);
	(void)kill(getpid(), SIGKILL);
}

static bool run_killed(const char *folder, int64_t trial_id, enum kill_at at)
{
	int status = 0;
	pid_t child = fork();

	if (!child) {
		finish_and_die(folder, trial_id, at);
		_exit(3);
	}
	return test_check(child > 0) && test_check(waitpid(child, &status, 0) == child) &&
	       test_check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void check_after_kill(enum kill_at at, bool stored)
{
	const char *folder = test_temp_folder();
	cleanup_run struct stored_run run = sample_run(2, 1), loaded = { .id = NULL };
	cleanup_store struct run_store *store = NULL;
	struct error err = ERROR_INIT;
	size_t planned = 0;

	if (!prepare(folder, &run) || !run_killed(folder, run.trials[0].id, at))
		return;
	store = sample_store_open(folder);
	if (!store)
		return;
	check_sound(store);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM samples"), stored ? 120000 : 0);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM row_results"), stored ? 2 : 0);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM findings"), stored ? 1 : 0);
	CU_ASSERT_EQUAL(run_store_resume(store, run.id, &planned, &err), 0);
	CU_ASSERT_EQUAL(planned, run.trials_count - stored);
	CU_ASSERT_EQUAL(run_store_load(store, run.id, &loaded, &err), 0);
	CU_ASSERT_EQUAL(loaded.trials[0].state, stored ? TRIAL_FINISHED : TRIAL_PLANNED);
}

static void test_killed_before_commit(void)
{
	check_after_kill(KILL_BEFORE_COMMIT, false);
}

static void test_killed_after(void)
{
	check_after_kill(KILL_AFTER, true);
}

/* Dies once part of the transaction is in the log file already. */
static void test_killed_in_the_middle(void)
{
	const char *folder = test_temp_folder();
	cleanup_run struct stored_run run = sample_run(2, 1);
	cleanup_store struct run_store *store = NULL;
	cleanup_free char *log = path_join(folder, STORE_FILE "-wal");
	struct stat before = { .st_size = 0 }, after = { .st_size = 0 };

	if (!prepare(folder, &run))
		return;
	(void)stat(log, &before);
	if (!run_killed(folder, run.trials[0].id, KILL_BEFORE_COMMIT))
		return;
	CU_ASSERT_EQUAL(stat(log, &after), 0);
	CU_ASSERT_TRUE(after.st_size > before.st_size + (1 << 20)); /* it was in the middle */
	store = sample_store_open(folder);
	if (!store)
		return;
	check_sound(store);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM samples"), 0);
}

/* --- full disk ------------------------------------------------------------------ */

static void test_full(void)
{
	const char *folder = test_temp_folder();
	cleanup_run struct stored_run run = sample_run(2, 1), loaded = { .id = NULL };
	cleanup_result struct trial_result small = sample_result(3, 1),
					   large = sample_result(20000, 1);
	cleanup_store struct run_store *store = NULL;
	struct error err = ERROR_INIT;

	if (!prepare(folder, &run))
		return;
	store = sample_store_open(folder);
	if (!store)
		return;
	CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[0].id, &small, "", &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_started(store, run.trials[1].id, &err), 0);
	CU_ASSERT_EQUAL(store_execute(store, "PRAGMA max_page_count = 60", &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[1].id, &large, "", &err),
			-ENOSPC);
	test_check_contains(err.message, "the disk is full");
	test_check_contains(err.message, folder);
	check_sound(store);
	CU_ASSERT_EQUAL(run_store_load(store, run.id, &loaded, &err), 0);
	CU_ASSERT_EQUAL(loaded.trials[0].state, TRIAL_FINISHED);
	CU_ASSERT_EQUAL(loaded.trials[1].state, TRIAL_STARTED);
	/* with space again the same connection goes on */
	CU_ASSERT_EQUAL(store_execute(store, "PRAGMA max_page_count = 1000000", &err), 0);
	CU_ASSERT_EQUAL(run_store_trial_finished(store, run.trials[1].id, &large, "", &err), 0);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM samples"), 12 + 80000);
}

/* --- other databases ------------------------------------------------------------ */

static void write_database(const char *folder, const char *sql)
{
	cleanup_free char *path = path_join(folder, STORE_FILE);
	sqlite3 *database = NULL;

	CU_ASSERT_EQUAL(sqlite3_open(path, &database), SQLITE_OK);
	CU_ASSERT_EQUAL(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(database);
}

static void check_refuses_to_open(const char *folder, int code, const char *part)
{
	struct run_store *store = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(run_store_open(folder, &store, &err), code);
	CU_ASSERT_PTR_NULL(store);
	CU_ASSERT_EQUAL(err.code, code);
	test_check_contains(err.message, part);
	test_check_contains(err.message, STORE_FILE);
}

static void test_newer_schema(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, STORE_FILE), *before = NULL, *after = NULL;
	size_t before_length = 0, after_length = 0;
	cleanup_run struct stored_run run = sample_run(1, 1);

	if (!prepare(folder, &run))
		return;
	write_database(folder, "PRAGMA user_version = 99");
	CU_ASSERT_EQUAL(file_read(path, 1 << 24, &before, &before_length), 0);
	check_refuses_to_open(folder, -EPROTO, "schema 99, this one knows");
	CU_ASSERT_EQUAL(file_read(path, 1 << 24, &after, &after_length), 0);
	CU_ASSERT_TRUE(before_length == after_length && !memcmp(before, after, after_length));
}

static void test_foreign_database(void)
{
	const char *folder = test_temp_folder();

	write_database(folder, "CREATE TABLE cookies (name)");
	check_refuses_to_open(folder, -EPROTO, "another program");
}

static void test_foreign_application(void)
{
	const char *folder = test_temp_folder();

	write_database(folder, "PRAGMA application_id = 7");
	check_refuses_to_open(folder, -EPROTO, "application id 7");
}

static void test_empty_file_is_new(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, STORE_FILE);
	cleanup_store struct run_store *store = NULL;

	CU_ASSERT_EQUAL(file_write_atomic(path, "", 0, 0666), 0);
	store = sample_store_open(folder);
	if (!store)
		return;
	CU_ASSERT_EQUAL(ask(store, "PRAGMA user_version"), 5);
	CU_ASSERT_EQUAL(ask(store, "PRAGMA application_id"), STORE_APPLICATION_ID);
	CU_ASSERT_EQUAL(ask(store, "PRAGMA foreign_keys"), 1);
	CU_ASSERT_EQUAL(ask(store, "PRAGMA synchronous"), 2);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
				   " AND sql NOT LIKE '%STRICT%'"), 0);
}

static void test_not_a_database(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, STORE_FILE);
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	for (int i = 0; i < 1000; i++)
		strbuf_adds(&text, "this is no database. ");
	CU_ASSERT_EQUAL(file_write_atomic(path, text.data, text.length, 0666), 0);
	check_refuses_to_open(folder, -EUCLEAN, "is damaged");
}

/* Pages behind the first are overwritten: it opens, and reading says so. */
static void test_damaged_pages(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, STORE_FILE), *data = NULL;
	cleanup_run struct stored_run run = sample_run(50, 1), loaded = { .id = NULL };
	cleanup_store struct run_store *store = NULL;
	struct error err = ERROR_INIT;
	size_t length = 0;

	if (!prepare(folder, &run))
		return;
	CU_ASSERT_EQUAL(file_read(path, 1 << 24, &data, &length), 0);
	if (!test_check(length > 10 * 4096))
		return;
	memset(data + 2 * 4096, 0xa5, length - 2 * 4096);
	CU_ASSERT_EQUAL(file_write_atomic(path, data, length, 0666), 0);
	if (run_store_open(folder, &store, &err)) {
		CU_ASSERT_EQUAL(err.code, -EUCLEAN);
		return;
	}
	CU_ASSERT_EQUAL(run_store_load(store, run.id, &loaded, &err), -EUCLEAN);
	test_check_contains(err.message, "is damaged");
	CU_ASSERT_PTR_NULL(loaded.id);
}

/* Indexes that point outside must not be followed. */
static void test_values_out_of_range(void)
{
	static const char *const changes[] = {
		"UPDATE runs SET baseline = 3",
		"UPDATE runs SET baseline = -1",
		"UPDATE runs SET control_variant = 77",
		"UPDATE runs SET correction = 'guess'",
		"UPDATE runs SET mode = 'exact'", /* and no policy */
		"UPDATE runs SET mode = 'exact', exact = '{}'",
		"UPDATE runs SET mode = 'exact', exact = '{\"by\":\"block\",\"counts\":true,"
		"\"jitter_us\":0,\"kaslr\":false,\"profile\":false,\"shift\":11}'",
		"PRAGMA ignore_check_constraints = ON; UPDATE runs SET mode = 'slow'",
		"PRAGMA foreign_keys = OFF; UPDATE trials SET cell = 1000 WHERE plan_order = 1",
		"PRAGMA foreign_keys = OFF; UPDATE trials SET variant = -4 WHERE plan_order = 1",
		"PRAGMA foreign_keys = OFF; UPDATE metrics SET cell = 1000 WHERE cell = 1",
		"PRAGMA foreign_keys = OFF; UPDATE metrics SET row = 1000 WHERE row = 1",
		"PRAGMA foreign_keys = OFF; UPDATE suite_rows SET cell = 5 WHERE cell = 1",
	};

	for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
		const char *folder = test_temp_folder();
		cleanup_run struct stored_run run = sample_run(1, 1), loaded = { .id = NULL };
		cleanup_store struct run_store *store = NULL;
		struct error err = ERROR_INIT;

		if (!prepare(folder, &run))
			return;
		write_database(folder, changes[i]);
		store = sample_store_open(folder);
		if (!store)
			return;
		CU_ASSERT_EQUAL(run_store_load(store, NULL, &loaded, &err), -EUCLEAN);
		test_check_contains(err.message, "column ");
	}
}

/* --- folders ----------------------------------------------------------------------- */

static void test_folder_in_the_way(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, "results");
	struct run_store *store = NULL;
	struct error err = ERROR_INIT;

	CU_ASSERT_EQUAL(file_write_atomic(path, "x", 1, 0666), 0);
	CU_ASSERT_TRUE(run_store_open(path, &store, &err) < 0);
	test_check_contains(err.message, "cannot make the results folder");
	CU_ASSERT_PTR_NULL(store);
}

static void test_database_is_a_folder(void)
{
	const char *folder = test_temp_folder();
	cleanup_free char *path = path_join(folder, STORE_FILE);

	CU_ASSERT_EQUAL(folder_make(path), 0);
	check_refuses_to_open(folder, -EACCES, "cannot be written");
}

/* --- several writers ------------------------------------------------------------------ */

/* In a child: finishes every second trial. */
static int write_half(const char *folder, const struct stored_run *run, size_t first)
{
	cleanup_result struct trial_result result = sample_result(50, 1);
	cleanup_store struct run_store *store = NULL;
	struct error err = ERROR_INIT;

	if (run_store_open(folder, &store, &err))
		return 1;
	for (size_t i = first; i < run->trials_count; i += 2) {
		if (run_store_trial_started(store, run->trials[i].id, &err) ||
		    run_store_trial_finished(store, run->trials[i].id, &result, "a=b\n", &err))
			return 2;
	}
	return 0;
}

static void test_two_writers(void)
{
	const char *folder = test_temp_folder();
	cleanup_run struct stored_run run = sample_run(5, 1);
	cleanup_store struct run_store *store = sample_store_open(folder);
	struct error err = ERROR_INIT;
	pid_t children[2];

	if (!store || !test_check(!run_store_begin(store, &run, &err)))
		return;
	for (size_t i = 0; i < 2; i++) {
		children[i] = fork();
		if (!children[i])
			_exit(write_half(folder, &run, i));
	}
	for (size_t i = 0; i < 2; i++) {
		int status = -1;

		CU_ASSERT_EQUAL(waitpid(children[i], &status, 0), children[i]);
		CU_ASSERT_EQUAL(status, 0);
	}
	check_sound(store);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM trials WHERE state = 'finished'"),
			(int64_t)run.trials_count);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM samples"),
			(int64_t)run.trials_count * 200);
	CU_ASSERT_EQUAL(ask(store, "SELECT count(*) FROM fingerprints"), 1);
}

#define OPENERS 4
#define OPENER_ROUNDS 300

/* In a child: makes the database of each round at the same time as the others. */
static int open_each(const char *folder, atomic_uint *arrived)
{
	for (unsigned int round = 0; round < OPENER_ROUNDS; round++) {
		cleanup_free char *results = string_format("%s/%u", folder, round);
		cleanup_store struct run_store *store = NULL;
		struct error err = ERROR_INIT;

		atomic_fetch_add(arrived, 1);
		while (atomic_load(arrived) < OPENERS * (round + 1))
			sched_yield();
		if (run_store_open(results, &store, &err)) {
			fprintf(stderr, "round %u: %s\n", round, err.message);
			atomic_fetch_add(arrived, OPENERS * OPENER_ROUNDS); /* let the others go */
			return 1;
		}
	}
	return 0;
}

/* Several processes that make the same new database at once. Many times, and in memory
 * (on a disk they wait for it and rarely meet): one round in some hundreds met what set_journal()
 * keeps off. */
static void test_several_openers(void)
{
	char place[] = "/dev/shm/kerngate-openers.XXXXXX";
	const bool is_in_memory = mkdtemp(place) != NULL;
	const char *folder = is_in_memory ? place : test_temp_folder();
	atomic_uint *arrived = mmap(NULL, sizeof(*arrived), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t children[OPENERS];

	if (!test_check(arrived != MAP_FAILED))
		return;
	for (size_t i = 0; i < OPENERS; i++) {
		children[i] = fork();
		if (!children[i])
			_exit(open_each(folder, arrived));
	}
	for (size_t i = 0; i < OPENERS; i++) {
		int status = -1;

		CU_ASSERT_EQUAL(waitpid(children[i], &status, 0), children[i]);
		CU_ASSERT_EQUAL(status, 0);
	}
	(void)munmap(arrived, sizeof(*arrived));
	if (is_in_memory)
		CU_ASSERT_EQUAL(folder_remove(place), 0);
}

TEST_SUITE("run_store_faults",
	   {"killed before the commit", test_killed_before_commit},
	   {"killed in the middle", test_killed_in_the_middle},
	   {"killed after the commit", test_killed_after},
	   {"full", test_full},
	   {"newer schema is left alone", test_newer_schema},
	   {"database of another program", test_foreign_database},
	   {"application id of another program", test_foreign_application},
	   {"an empty file is new", test_empty_file_is_new},
	   {"not a database", test_not_a_database},
	   {"damaged pages", test_damaged_pages},
	   {"values out of range", test_values_out_of_range},
	   {"a file where the folder should be", test_folder_in_the_way},
	   {"a folder where the database should be", test_database_is_a_folder},
	   {"two writers", test_two_writers},
	   {"several openers", test_several_openers})
