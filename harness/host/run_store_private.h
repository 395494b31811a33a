/* run_store_private.h - what the run_store*.c files share: the connection,
 * prepared statements and transactions. Not for anybody else (tests apart):
 * run_store.h is the interface.
 *
 *     cleanup_statement struct statement st = STATEMENT_INIT;
 *     statement_prepare(store, "SELECT ... WHERE run = ?1", &st, err);
 *     statement_bind_integer(&st, 1, run);       // a failure is kept ...
 *     while ((rc = statement_step(&st, err)) > 0)  // ... and reported here
 *             ... statement_integer(&st, 0) ...
 *
 *     cleanup_transaction struct transaction tx = TRANSACTION_INIT;
 *     transaction_begin(store, &tx, err);
 *     ...
 *     return transaction_commit(&tx, err);       // else rolled back
 */
#ifndef KERNGATE_HOST_RUN_STORE_PRIVATE_H
#define KERNGATE_HOST_RUN_STORE_PRIVATE_H

#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "run_store.h"

#define STORE_FILE "store.sqlite"
#define STORE_APPLICATION_ID 0x6b676174 /* "kgat" */
#define STORE_BUSY_TIMEOUT_MS 30000

/* What run_store_samples.c takes of one trial. */
struct store_taking {
	double *values;    /* owned by run_store_samples */
	size_t count;
	int64_t last;      /* number of the last sample */
};

struct run_store {
	sqlite3 *database; /* owned */
	char *folder;      /* results folder, absolute; owned */
	char *path;        /* of the database; owned */
	struct store_taking taking;
};

/* Turns SQLite's last failure into an errno and a message "PATH: doing:
 * cause": -ENOSPC disk full, -EUCLEAN damaged, -ETIMEDOUT locked by others for
 * 30 s, -EACCES not writable, -EIO else. */
int store_failure(struct run_store *store, int sqlite_code, const char *doing,
		  struct error *err);
/* Runs SQL text without parameters. */
int store_execute(struct run_store *store, const char *sql, struct error *err) must_check;
/* Brings a new or older database to the schema of this program. */
int store_schema_prepare(struct run_store *store, struct error *err) must_check;

struct statement {
	struct run_store *store; /* borrowed */
	sqlite3_stmt *handle;    /* owned */
	int failure;             /* first SQLite code of a failed bind */
};

#define STATEMENT_INIT ((struct statement){ .handle = NULL })

int statement_prepare(struct run_store *store, const char *sql,
		      struct statement *ret, struct error *err) must_check;
void statement_bind_integer(struct statement *st, int index, int64_t value);
void statement_bind_real(struct statement *st, int index, double value); /* NAN: NULL */
void statement_bind_text(struct statement *st, int index, const char *text); /* NULL: NULL */
/* 1: a row is there; 0: done; negative errno. */
int statement_step(struct statement *st, struct error *err) must_check;
/* Steps to the end and makes it ready for the next values. */
int statement_run(struct statement *st, struct error *err) must_check;
int64_t statement_integer(struct statement *st, int column);
double statement_real(struct statement *st, int column); /* NULL: NAN */
char *statement_text(struct statement *st, int column);  /* owned; NULL: NULL */
bool statement_is_null(struct statement *st, int column);
/* The texts of the query's only column, ?1 being the number; appended to ret_ids. */
int statement_run_ids(struct run_store *store, const char *sql, int64_t number,
		      struct strvec *ret_ids, struct error *err) must_check;
void statement_release(struct statement *st);
#define cleanup_statement cleanup_with(statement_release)

struct transaction {
	struct run_store *store; /* borrowed; NULL when not open */
};

#define TRANSACTION_INIT ((struct transaction){ .store = NULL })

/* A writer's transaction (BEGIN IMMEDIATE: waits for other writers here). */
int transaction_begin(struct run_store *store, struct transaction *ret,
		      struct error *err) must_check;
int transaction_commit(struct transaction *tx, struct error *err) must_check;
void transaction_release(struct transaction *tx); /* rolls back if open */
#define cleanup_transaction cleanup_with(transaction_release)

/* run_store_samples.c: SQL functions of a connection; once, when it is opened. */
int store_samples_register(struct run_store *store, struct error *err) must_check;

/* run_store_looks.c: with the rest of a run; the loaded run's id is set. -EUCLEAN. */
int store_looks_insert(struct run_store *store, int64_t key, const struct stored_run *run,
		       struct error *err) must_check;
int store_looks_load(struct run_store *store, int64_t key, struct stored_run *run,
		     struct error *err) must_check;

/* Key of a text that `table` keeps once, in its column `key`; stored where it is new. */
int store_text_key(struct run_store *store, const char *table, const char *key,
		   const char *text, int64_t *ret_key, struct error *err) must_check;
/* Integer key of a run by its full id; -ENOENT. */
int store_run_key(struct run_store *store, const char *run_id, int64_t *ret_key,
		  struct error *err) must_check;

static inline int64_t store_optional_ns(uint64_t value_ns)
{
	return value_ns > INT64_MAX ? INT64_MAX : (int64_t)value_ns;
}

#endif
