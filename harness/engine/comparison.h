/* comparison.h - a stored run > judged comparisons: every variant against the
 * baseline, per cell, row and metric, and the A/A control. The rules are in
 * docs/measurement.md.
 */
#ifndef KERNGATE_ENGINE_COMPARISON_H
#define KERNGATE_ENGINE_COMPARISON_H

#include <stdbool.h>

#include "error.h"
#include "run_store.h"
#include "verdict.h"

struct comparison_entry {
	uint32_t cell, row, metric;  /* indexes into the run */
	uint32_t variant;            /* B; A is the baseline (both copies pooled;
					in exact mode one a seed), or
					for the control the baseline's first copy */
	struct metric_comparison judged;
	bool is_tail;
};

/* What came of the boots of one variant in one cell; superseded ones do not
 * count. */
struct comparison_boots {
	uint32_t cell, variant;      /* the control copy is a variant of its own */
	uint32_t planned, finished;  /* not what a look left out */
	uint32_t passed, failed, skipped, broken, crashed, timed_out;
	uint32_t disturbed;          /* of the finished ones */
};

/* Pass rates of a candidate and the baseline (both copies) in one cell: boots that
 * passed of those that finished and are not broken or skipped. */
struct comparison_outcome {
	uint32_t cell, variant;
	uint32_t a_passed, a_count, b_passed, b_count;
	struct interval a_rate, b_rate; /* Clopper and Pearson 1934 */
	double p, p_adjusted;        /* Fisher's exact test, two-sided; NAN without boots, or
					where the cell is not comparable */
	enum verdict verdict;        /* regressed: fewer pass; equivalent: all of both do */
};

/* One bug that the consoles of a variant's boots show. */
struct comparison_finding {
	uint32_t variant;            /* the control copy counts as the baseline */
	enum finding_kind kind;
	char *title;                 /* owned */
	uint32_t boots;              /* in how many boots */
};

/* Exact mode: of the repeats of the baseline with the same seed in one cell
 * (canary.h). A cell with a failed one is not comparable. */
struct comparison_canary {
	uint32_t cell;
	uint32_t passed;             /* the same bytes */
	uint32_t odd;                /* of these, after one trial of three was left out */
	uint32_t failed;             /* other bytes */
	uint32_t unchecked;          /* not finished, broken or cut off */
};

/* A run that is judged on the way (model/sequential.h). */
struct comparison_looks {
	size_t planned_count;        /* 0: a fixed number of blocks */
	size_t taken_count;
	uint32_t blocks;             /* complete ones: all their trials are over; this and
					blocks_max 0 without looks */
	uint32_t blocks_max;         /* planned */
	double alpha, confidence;    /* of the run as a whole: comparison.policy has what
					this look may spend of them */
	bool stopped;                /* the last look taken ended the run */
};

struct comparison {
	struct comparison_entry *entries; size_t count;   /* B variants; owned */
	struct comparison_entry *control; size_t control_count; /* A/A; owned; none in
					exact mode */
	bool control_fired;
	bool control_can_fire;       /* enough blocks for it to say anything */
	struct comparison_canary *canaries; /* one a cell in exact mode, else NULL; owned */
	bool canary_failed;          /* of any cell: the gate says 4 */
	struct strvec differences;   /* fingerprint keys that differ although they must not */
	struct comparison_boots *boots; size_t boots_count; /* cell by cell; owned */
	struct comparison_outcome *outcomes; size_t outcomes_count; /* owned */
	struct comparison_finding *findings; size_t findings_count; /* owned */
	bool outcome_regressed;      /* a candidate crashed, failed or hung where the
					baseline never did, or outcome_worse */
	bool outcome_worse;          /* both did, and the candidate more often (Fisher) */
	bool outcome_suspect;        /* both did, and no more can be said */
	struct comparison_looks looks;
	struct gate_policy policy;   /* what was judged by (at a look: its level) */
	enum gate_exit gate;
	/* storage behind `judged` */
	struct stored_samples **samples_; size_t *samples_counts_; size_t samples_sets_;
	struct boot_samples **boots_; size_t boots_sets_;
};

/* policy NULL: the run's own. The run must outlive the result. */
int comparison_make(struct run_store *store, const struct stored_run *run,
		    const struct gate_policy *policy,
		    struct comparison *ret, struct error *err) must_check;
void comparison_release(struct comparison *comparison);
/* The samples that were judged, one item a boot, in plan order; borrowed; NULL where
 * there are none. */
const struct stored_samples *comparison_samples(const struct comparison *comparison,
						const struct stored_run *run, uint32_t cell,
						uint32_t row, uint32_t metric, size_t *ret_count);

/* Where comparison_make gets its data; the store, or a test. Results as those
 * of run_store_samples and run_store_findings. */
struct comparison_source {
	int (*samples)(void *context, const char *run_id, uint32_t cell,
		       uint32_t row, const char *metric,
		       struct stored_samples **ret_items, size_t *ret_count,
		       struct error *err);
	int (*findings)(void *context, const char *run_id,
			struct stored_finding **ret_items, size_t *ret_count,
			struct error *err);
	void *context;
};
/* Of a store, which must outlive it. */
struct comparison_source comparison_source_of(struct run_store *store);
int comparison_make_from(const struct comparison_source *source,
			 const struct stored_run *run,
			 const struct gate_policy *policy,
			 struct comparison *ret, struct error *err) must_check;

/* --- comparison_looks.c */
/* Where the run stands among its looks, and what it is judged by there; a run
 * without looks by the policy as it is. */
void comparison_look_policy(const struct stored_run *run, const struct gate_policy *policy,
			    struct comparison_looks *ret_looks, struct gate_policy *ret_policy);
/* Gated metrics and pass rates that more blocks may settle; 1 where there are none
 * at all. */
uint32_t comparison_open_count(const struct comparison *comparison);
/* Nothing is open, and the A/A control, where there is one, had enough blocks to
 * speak. */
bool comparison_may_stop(const struct comparison *comparison, const struct stored_run *run);

/* --- comparison_outcomes.c */
/* Counts the boots that passed and compares the rates, one pair by itself. */
void comparison_gather_outcomes(struct comparison *comparison, const struct stored_run *run);
/* What takes part in the family: NAN where every boot passed, which no test can call
 * different (Tarone 1990, Biometrics 46(2)). */
double comparison_outcome_p(const struct comparison_outcome *outcome);
/* With p_adjusted filled in: verdicts, and what is said of the run as a whole. */
void comparison_judge_outcomes(struct comparison *comparison, const struct stored_run *run);

/* Fills canaries and canary_failed of an exact run. */
void comparison_count_canaries(struct comparison *comparison, const struct stored_run *run);

/* Compares the fingerprints of the finished, not superseded trials of a cell:
 * appends one text for each key that differs although it must not (in exact mode
 * what is said of the host may); true if there was any. */
bool comparison_fingerprints_differ(const struct stored_run *run, uint32_t cell,
				    struct strvec *differences);

#endif
