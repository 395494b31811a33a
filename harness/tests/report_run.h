/* report_run.h - made-up runs in a store of their own, for tests of reports: good ones
 * and bad ones.
 */
#ifndef KERNGATE_TESTS_REPORT_RUN_H
#define KERNGATE_TESTS_REPORT_RUN_H

#define REPORT_RUN "20261122-080000-report"

enum report_run_kind {
	REPORT_RUN_REGRESSED,    /* 10 % slower in every block, derived rates, findings */
	REPORT_RUN_HOSTILE,      /* the same; every name, reason and console is an attack */
	REPORT_RUN_EMPTY,        /* planned, nothing has run */
	REPORT_RUN_ONE_BOOT,     /* one block */
	REPORT_RUN_UNFINISHED,   /* half of the trials */
	REPORT_RUN_CONTROL,      /* the baseline differs from its copy */
	REPORT_RUN_NO_SAMPLES,   /* every boot crashed */
	REPORT_RUN_EQUAL,        /* one value everywhere */
	REPORT_RUN_ODD,          /* zeros, negative and huge values */
	REPORT_RUN_HISTORY,      /* as the first, and three runs of the campaign before it */
	REPORT_RUN_LOOKS,        /* ended early by its second look of three; a tail; on numa/memory
				    "patched" fails more often than the baseline */
	REPORT_RUN_KINDS_COUNT,
};

/* A results folder that holds the one run; kept to the end of the program. */
const char *report_run_folder(enum report_run_kind kind);

#endif
