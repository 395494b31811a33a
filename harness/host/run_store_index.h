/* run_store_index.h - all runs and all verdicts of the store in short, for the page that
 * shows them together. Part of the run store.
 */
#ifndef KERNGATE_HOST_RUN_STORE_INDEX_H
#define KERNGATE_HOST_RUN_STORE_INDEX_H

#include "run_store.h"

struct stored_run_line {
	int64_t run;                 /* key */
	char *id, *campaign, *state; /* owned */
	char *note;                  /* owned; NULL: none */
	char *baseline;              /* label; owned; NULL: none */
	enum run_mode mode;
	uint64_t started_wall_ns, finished_wall_ns;
	int gate;                    /* exit status of its gate; -1: not judged */
};

/* Newest first. */
int run_store_run_lines(struct run_store *store, struct stored_run_line **ret_lines,
			size_t *ret_count, struct error *err) must_check;
void stored_run_lines_free(struct stored_run_line *lines, size_t count);

/* A verdict in short (run_store_nights.h). */
struct stored_mark {
	int64_t series, run;         /* keys */
	double ratio;                /* NAN: none */
	int verdict;                 /* enum verdict; -1: withheld */
	bool is_history;
};

/* All, by series, then run; owned, for free(). -EUCLEAN: an unknown verdict. */
int run_store_marks(struct run_store *store, struct stored_mark **ret_marks,
		    size_t *ret_count, struct error *err) must_check;

#endif
