/* run_store_sqlite.c - SQLite's calls with this program's errors: statements,
 * transactions, failures. It knows no table.
 */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "memory.h"
#include "run_store_private.h"

/* Fewer free bytes than this make "disk full" the likely cause of an error. */
#define FULL_BELOW_BYTES (UINT64_C(1) << 20)

static bool disk_is_full(struct run_store *store, int sqlite_code)
{
	int system_errno = store->database ? sqlite3_system_errno(store->database) : 0;
	uint64_t free_bytes = 0;

	if (sqlite_code == SQLITE_FULL)
		return true;
	if (sqlite_code != SQLITE_IOERR && sqlite_code != SQLITE_CANTOPEN)
		return false;
	if (system_errno == ENOSPC || system_errno == EDQUOT)
		return true;
	return !disk_free_bytes(store->folder, &free_bytes) && free_bytes < FULL_BELOW_BYTES;
}

int store_failure(struct run_store *store, int sqlite_code, const char *doing,
		  struct error *err)
{
	int primary = sqlite_code & 0xff;
	const char *cause = store->database ? sqlite3_errmsg(store->database) :
					      sqlite3_errstr(sqlite_code);

	if (disk_is_full(store, primary))
		return error_set(err, -ENOSPC,
				 "%s: %s: the disk is full (%s); what was stored before is sound",
				 store->path, doing, cause);
	switch (primary) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return error_set(err, -EUCLEAN,
				 "%s: %s: the database is damaged (%s); move it away or put a "
				 "copy in its place", store->path, doing, cause);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_set(err, -ETIMEDOUT,
				 "%s: %s: another process has been writing for over %d s",
				 store->path, doing, STORE_BUSY_TIMEOUT_MS / 1000);
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_CANTOPEN:
		return error_set(err, -EACCES, "%s: %s: cannot be written: %s",
				 store->path, doing, cause);
	case SQLITE_NOMEM:
		return error_set(err, -ENOMEM, "%s: %s: out of memory", store->path, doing);
	default:
		return error_set(err, -EIO, "%s: %s: %s (SQLite error %d)", store->path,
				 doing, cause, sqlite_code);
	}
}

int store_execute(struct run_store *store, const char *sql, struct error *err)
{
	int code = sqlite3_exec(store->database, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : store_failure(store, code, "writing", err);
}

int statement_prepare(struct run_store *store, const char *sql, struct statement *ret,
		      struct error *err)
{
	sqlite3_stmt *handle = NULL;
	int code = sqlite3_prepare_v2(store->database, sql, -1, &handle, NULL);

	if (code != SQLITE_OK)
		return store_failure(store, code, "preparing a statement", err);
	*ret = (struct statement){ .store = store, .handle = handle };
	return 0;
}

static void keep_failure(struct statement *st, int code)
{
	if (code != SQLITE_OK && !st->failure)
		st->failure = code;
}

void statement_bind_integer(struct statement *st, int index, int64_t value)
{
	keep_failure(st, sqlite3_bind_int64(st->handle, index, value));
}

void statement_bind_real(struct statement *st, int index, double value)
{
	keep_failure(st, isnan(value) ? sqlite3_bind_null(st->handle, index) :
					sqlite3_bind_double(st->handle, index, value));
}

void statement_bind_text(struct statement *st, int index, const char *text)
{
	keep_failure(st, text ? sqlite3_bind_text(st->handle, index, text, -1,
						  SQLITE_TRANSIENT) :
				sqlite3_bind_null(st->handle, index));
}

int statement_step(struct statement *st, struct error *err)
{
	int code;

	if (st->failure)
		return store_failure(st->store, st->failure, "binding a value", err);
	code = sqlite3_step(st->handle);
	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	return store_failure(st->store, code,
			     sqlite3_stmt_readonly(st->handle) ? "reading" : "writing", err);
}

int statement_run(struct statement *st, struct error *err)
{
	int rc;

	do {
		rc = statement_step(st, err);
	} while (rc > 0);
	(void)sqlite3_reset(st->handle); /* repeats the code of step */
	(void)sqlite3_clear_bindings(st->handle);
	return rc;
}

int64_t statement_integer(struct statement *st, int column)
{
	return sqlite3_column_int64(st->handle, column);
}

double statement_real(struct statement *st, int column)
{
	return statement_is_null(st, column) ? NAN : sqlite3_column_double(st->handle, column);
}

char *statement_text(struct statement *st, int column)
{
	return string_copy((const char *)sqlite3_column_text(st->handle, column));
}

bool statement_is_null(struct statement *st, int column)
{
	return sqlite3_column_type(st->handle, column) == SQLITE_NULL;
}

int statement_run_ids(struct run_store *store, const char *sql, int64_t number,
		      struct strvec *ret_ids, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, sql, &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, number);
	while ((rc = statement_step(&st, err)) > 0) {
		cleanup_free char *id = statement_text(&st, 0);

		strvec_push(ret_ids, id);
	}
	return rc;
}

void statement_release(struct statement *st)
{
	(void)sqlite3_finalize(st->handle);
	st->handle = NULL;
}

int store_text_key(struct run_store *store, const char *table, const char *key,
		   const char *text, int64_t *ret_key, struct error *err)
{
	cleanup_statement struct statement insert = STATEMENT_INIT, find = STATEMENT_INIT;
	cleanup_free char *insert_sql =
		string_format("INSERT OR IGNORE INTO %s (text) VALUES (?1)", table);
	cleanup_free char *find_sql = string_format("SELECT %s FROM %s WHERE text = ?1", key,
						    table);
	int rc = statement_prepare(store, insert_sql, &insert, err);

	if (rc)
		return rc;
	statement_bind_text(&insert, 1, text);
	rc = statement_run(&insert, err);
	if (!rc)
		rc = statement_prepare(store, find_sql, &find, err);
	if (rc)
		return rc;
	statement_bind_text(&find, 1, text);
	rc = statement_step(&find, err);
	if (rc < 0)
		return rc;
	*ret_key = statement_integer(&find, 0);
	return 0;
}

int transaction_begin(struct run_store *store, struct transaction *ret, struct error *err)
{
	int rc = store_execute(store, "BEGIN IMMEDIATE", err);

	if (rc)
		return rc;
	ret->store = store;
	return 0;
}

int transaction_commit(struct transaction *tx, struct error *err)
{
	int rc = store_execute(tx->store, "COMMIT", err);

	if (rc)
		return rc; /* still open: the release rolls it back */
	tx->store = NULL;
	return 0;
}

void transaction_release(struct transaction *tx)
{
	/* A full disk may have rolled it back already. */
	if (tx->store && !sqlite3_get_autocommit(tx->store->database))
		(void)sqlite3_exec(tx->store->database, "ROLLBACK", NULL, NULL, NULL);
	tx->store = NULL;
}
