/* results_index.h - results/index.html: all nights and runs on one page, newest first,
 * for people. It opens from disk, loads nothing but itself (docs/report.md).
 */
#ifndef KERNGATE_ENGINE_RESULTS_INDEX_H
#define KERNGATE_ENGINE_RESULTS_INDEX_H

#include "against.h"
#include "error.h"
#include "run_store.h"

#define RESULTS_INDEX_FILE "index.html" /* in the results folder */

/* Writes it anew, in one step (rename). */
int results_index_write(struct run_store *store, struct error *err) must_check;
/* The same after something new; a page that cannot be written is a warning, no more. */
void results_index_refresh(const char *results_dir);
/* Judges a finished run and keeps its verdicts (run_store_set_verdicts); done at the end of
 * a run, and by results_index_write for older ones. */
int results_index_fill_run(struct run_store *store, const char *run_id,
			   struct error *err) must_check;

/* Keeps what against_make said of a variant of a run, beside what was kept of others. */
int results_index_keep_against(struct run_store *store, const struct stored_run *run,
			       uint32_t variant, const struct against *against,
			       struct error *err) must_check;

#endif
