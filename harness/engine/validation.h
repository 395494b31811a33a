/* validation.h - what a run of many seeds found, and whether kept cases still
 * fail: `kerngate validate`. A run here is an exact one whose figures do not
 * matter; every seed of every variant in every cell is a world in which a defect
 * may show.
 *
 *     validation_read(store, run_id, &validation, err);
 *     validation_keep(store, &options, &validation, err);   // RESULTS/cases/...
 *     ... print it ...
 *     validation_release(&validation);
 */
#ifndef KERNGATE_ENGINE_VALIDATION_H
#define KERNGATE_ENGINE_VALIDATION_H

#include <stdint.h>

#include "campaign.h"
#include "cases.h"
#include "experiment.h"
#include "run_store.h"
#include "symptom.h"

struct validation_finding {
	struct symptom symptom;   /* owned */
	uint32_t seeds_count;     /* in how many seeds it showed */
	uint64_t first_seed;      /* the lowest of them */
	size_t *trials;           /* indexes into the run's trials: those that showed it,
				     by seed; owned */
	size_t trials_count;
	/* set by validation_keep */
	char *case_name;          /* owned */
	size_t kept_trial;        /* the one of them that was kept, unless is_known */
	bool is_known;            /* a case of it was there before */
	bool is_replayed;         /* it came again, to the byte */
	char *difference;         /* why not; owned; NULL where it was not tried */
};

struct validation {
	struct stored_run run;    /* owned */
	uint64_t first_seed;
	uint32_t seeds_count;     /* planned */
	uint32_t walked_count;    /* of them, those with all their trials finished */
	uint32_t failed_count;    /* seeds in which anything showed, walked or not */
	struct validation_finding *findings; /* owned; by first seed, then as found */
	size_t findings_count;
};

void validation_release(struct validation *validation);
#define cleanup_validation cleanup_with(validation_release)

/* Reads a stored run (run_id as for run_store_load). A trial that another took the
 * place of does not count. -EINVAL: it ran in timed mode. */
int validation_read(struct run_store *store, const char *run_id,
		    struct validation *ret_validation, struct error *err) must_check;
/* Keeps a case of each finding, where no case of this kernel has it yet: of the first
 * trial that comes again to the byte, of up to three that are tried (with several
 * vCPUs a trial may have been an odd one, docs/exact-mode.md), else of the first. */
int validation_keep(struct run_store *store, const struct experiment_options *options,
		    struct validation *validation, struct error *err) must_check;

enum validation_end {
	VALIDATION_CLEAN,   /* every seed was walked, nothing showed */
	VALIDATION_FOUND,
	VALIDATION_PARTLY,  /* nothing showed in those that were walked */
};

/* Pure. */
enum validation_end validation_end(const struct validation *validation);

/* --- kept cases on today's kernels ------------------------------------------- */

enum case_state {
	CASE_GONE,     /* the trial passed and its console is clean */
	CASE_THERE,    /* one of its symptoms showed again */
	CASE_OTHER,    /* it failed in another way */
};

struct case_trial {
	char *case_name, *variant; /* owned */
	enum case_state state;
	struct symptoms symptoms;  /* what showed now */
};

struct case_trials {
	struct case_trial *items; /* owned */
	size_t count;
};

void case_trials_release(struct case_trials *trials);
#define cleanup_case_trials cleanup_with(case_trials_release)

/* What a trial that shows `symptoms` says of a case. Pure. */
enum case_state case_judge(const struct symptoms *expected, const struct symptoms *symptoms);
/* Runs every kept case with the kernel of the campaign's variant of the same name,
 * or, where it has none, with each variant's; the rest of the world is the
 * case's. New artifacts go to RESULTS/cases/NAME/on-VARIANT. -EINTR: interrupted,
 * *ret holds what was run. */
int validation_try_cases(const struct campaign *campaign,
			 const struct experiment_options *options,
			 struct case_trials *ret_trials, struct error *err) must_check;

#endif
