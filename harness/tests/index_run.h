/* index_run.h - made-up stores of many nights for tests of the index: figures and verdicts
 * without boots, nights with their events, gaps and cells that were left out.
 */
#ifndef KERNGATE_TESTS_INDEX_RUN_H
#define KERNGATE_TESTS_INDEX_RUN_H

enum index_run_kind {
	/* 100 nights of campaign "nightly", 20260101 on: night 30 is missing, 97 has no run,
	 * every fifth leaves out numa/memory. "patched" is 10 % slower than "stock" in
	 * first.fallocate_ns on up/quick from night 80 on. The newest has a report. */
	INDEX_RUN_NIGHTS,
	INDEX_RUN_HOSTILE,       /* the same; every name and text is an attack, figures too */
	INDEX_RUN_EMPTY,         /* a store, and nothing in it */
	INDEX_RUN_ONE,           /* one run that is not finished, no night */
	INDEX_RUN_KINDS_COUNT,
};

/* A results folder; kept to the end of the program. */
const char *index_run_folder(enum index_run_kind kind);

#define INDEX_RUN_NEWEST "20260410-000000-nightly"
#define INDEX_RUN_CULPRIT "0002-mm-clear-twice.patch"

#endif
