/* run_store_looks.c - the looks of runs: planned with the run, then what each said. */
#include <errno.h>

#include "memory.h"
#include "run_store_private.h"
#include "sequential.h"

int store_looks_insert(struct run_store *store, int64_t key, const struct stored_run *run,
		       struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "INSERT INTO looks (run, look, blocks)"
				   " VALUES (?1, ?2, ?3)", &st, err);

	for (size_t i = 0; !rc && i < run->looks_count; i++) {
		statement_bind_integer(&st, 1, key);
		statement_bind_integer(&st, 2, (int64_t)i);
		statement_bind_integer(&st, 3, run->looks[i].blocks);
		rc = statement_run(&st, err);
	}
	return rc;
}

/* Looks rise in blocks and were taken in order: the levels are reckoned from that. */
static int check_look(struct run_store *store, const struct stored_run *run, int64_t blocks,
		      bool is_taken, struct error *err)
{
	const struct stored_look *before =
		run->looks_count ? &run->looks[run->looks_count - 1] : NULL;

	if (run->looks_count == SEQUENTIAL_LOOKS_MAX)
		return error_set(err, -EUCLEAN, "%s: run %s has more than %d looks", store->path,
				 run->id, SEQUENTIAL_LOOKS_MAX);
	if (blocks > (before ? before->blocks : 0) && blocks <= UINT32_MAX &&
	    (!before || before->taken_wall_ns || !is_taken))
		return 0;
	return error_set(err, -EUCLEAN, "%s: look %zu of run %s, after %lld blocks, does not "
			 "follow the one before it", store->path, run->looks_count + 1, run->id,
			 (long long)blocks);
}

int store_looks_load(struct run_store *store, int64_t key, struct stored_run *run,
		     struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store, "SELECT blocks, taken_wall_ns, alpha, open_count, stopped"
				   " FROM looks WHERE run = ?1 ORDER BY look", &st, err);

	if (rc)
		return rc;
	statement_bind_integer(&st, 1, key);
	while ((rc = statement_step(&st, err)) > 0) {
		int64_t blocks = statement_integer(&st, 0);
		const struct stored_look look = {
			.blocks = (uint32_t)blocks,
			.taken_wall_ns = (uint64_t)statement_integer(&st, 1),
			.alpha = statement_real(&st, 2),
			.open_count = (uint32_t)statement_integer(&st, 3),
			.stopped = statement_integer(&st, 4),
		};

		rc = check_look(store, run, blocks, look.taken_wall_ns > 0, err);
		if (rc)
			return rc;
		run->looks = memory_realloc_array(run->looks, run->looks_count + 1,
						  sizeof(*run->looks));
		run->looks[run->looks_count++] = look;
	}
	return rc;
}

int run_store_set_look(struct run_store *store, const char *run_id, size_t index,
		       const struct stored_look *look, struct error *err)
{
	cleanup_statement struct statement st = STATEMENT_INIT;
	int rc = statement_prepare(store,
		"UPDATE looks SET taken_wall_ns = ?3, alpha = ?4, open_count = ?5, stopped = ?6"
		" WHERE look = ?2 AND run = (SELECT run FROM runs WHERE id = ?1)", &st, err);

	if (rc)
		return rc;
	statement_bind_text(&st, 1, run_id);
	statement_bind_integer(&st, 2, (int64_t)index);
	statement_bind_integer(&st, 3, store_optional_ns(look->taken_wall_ns));
	statement_bind_real(&st, 4, look->alpha);
	statement_bind_integer(&st, 5, look->open_count);
	statement_bind_integer(&st, 6, look->stopped);
	rc = statement_run(&st, err);
	if (!rc && !sqlite3_changes(store->database))
		rc = error_set(err, -ENOENT, "%s: has no look %zu in run %s", store->path,
			       index + 1, run_id);
	return rc;
}
