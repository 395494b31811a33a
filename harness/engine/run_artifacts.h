/* run_artifacts.h - what a run's trials left on disk: how much it is, removing it, and
 * the note that says so to who looks for it. Links are never followed, and only files
 * under names that kerngate writes are counted or removed.
 *
 * Calling sequence: run_artifacts_open, then any of the others, run_artifacts_close.
 */
#ifndef KERNGATE_ENGINE_RUN_ARTIFACTS_H
#define KERNGATE_ENGINE_RUN_ARTIFACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "run_store.h"

struct run_artifacts {
	const char *run_id;          /* borrowed */
	int folder;                  /* RUN; -1: not open */
	int lock;                    /* of the run, held; -1: not taken, or there is none */
};

#define RUN_ARTIFACTS_INIT ((struct run_artifacts){ .folder = -1, .lock = -1 })

/* With lock the run's lock is taken, without waiting. -ENOENT: there is no such folder (a
 * link is none); -EWOULDBLOCK: somebody is at work on the run; err is untouched in both. */
int run_artifacts_open(const struct run_store *store, const char *run_id, bool lock,
		       struct run_artifacts *ret, struct error *err) must_check;
void run_artifacts_close(struct run_artifacts *artifacts);
#define cleanup_artifacts cleanup_with(run_artifacts_close)

/* Whether there may be any. */
bool run_artifacts_are_there(const struct run_artifacts *artifacts);
/* Bytes on disk of a trial's artifacts, and with remove they are removed. The cell says
 * how tools' output is named. 0 bytes where there are none. */
int run_artifacts_trial(const struct run_artifacts *artifacts, const struct stored_cell *cell,
			uint32_t order, bool remove, uint64_t *ret_bytes,
			struct error *err) must_check;
/* The same of the archives that exact trials of the run share (initrd/SHA256.cpio). */
int run_artifacts_common(const struct run_artifacts *artifacts, bool remove,
			 uint64_t *ret_bytes, struct error *err) must_check;
/* Notes that a trial's artifacts were removed now. */
int run_artifacts_note(const struct run_artifacts *artifacts, uint32_t order,
		       struct error *err) must_check;

/* When a trial's artifacts were removed: "2026-11-22T01:30:00Z", owned; NULL: they were
 * not, or nobody noted it. */
char *run_artifacts_pruned_when(const struct run_store *store, const char *run_id,
				uint32_t order);

#endif
