/* run_store.h - runs on disk: one SQLite database (results/store.sqlite,
 * STRICT tables, WAL, foreign keys) and one artifact folder a run
 * (results/RUN/). The only code that knows SQLite. docs/result-format.md has
 * the schema. A trial's result is one transaction: it is there whole or not
 * at all, whatever ends the harness.
 *
 * Calling sequence of a new run: run_store_open, run_store_begin (the whole
 * plan in one transaction), then for each trial run_store_trial_started and
 * run_store_trial_finished, at last run_store_finish. A resumed run:
 * run_store_resume puts started-but-unfinished trials back to "planned".
 */
#ifndef KERNGATE_HOST_RUN_STORE_H
#define KERNGATE_HOST_RUN_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "campaign.h"
#include "error.h"
#include "strbuf.h"
#include "trial.h"
#include "workload_info.h"

struct run_store;

/* results_dir is created. -EBUSY never: writers wait up to 30 s. A newer
 * schema than this program knows is -EPROTO and left alone. */
int run_store_open(const char *results_dir, struct run_store **ret_store,
		   struct error *err) must_check;
void run_store_close(struct run_store *store); /* NULL allowed */

/* One variant as it was measured. label differs from name only for the A/A
 * control's second copy ("stock" and "stock (control)"). */
struct stored_variant {
	char *label, *name;          /* owned */
	char *kernel_key;            /* SHA-256 of the spec; owned */
	char *image_sha256;          /* of vmlinux; owned; NULL until it is built */
	char *kernel_record;         /* JSON: spec, source used, toolchain; owned; NULL likewise */
	char *cmdline;               /* owned */
};

struct stored_row {
	char *name, *workload, *arguments; /* arguments: "a=1 b=2"; owned */
	struct metric_info *metrics; size_t metrics_count; /* owned */
};

struct stored_cell {
	char *guest, *suite;         /* names; owned */
	char *guest_record;          /* JSON of the shape; owned */
	struct stored_row *rows; size_t rows_count; /* owned */
};

enum trial_state { TRIAL_PLANNED, TRIAL_STARTED, TRIAL_FINISHED };

struct stored_trial {
	int64_t id;                  /* database key; 0 before it is stored */
	uint32_t block, cell, variant; /* indexes */
	uint32_t order;              /* position in the plan, from 0 */
	uint32_t attempt;            /* 0 first, 1.. repeats of a disturbed or broken one */
	bool superseded;             /* a later attempt took its place */
	enum trial_state state;
	enum outcome outcome;        /* when finished */
	char *reason;                /* owned; may be NULL */
	bool disturbed;
	uint64_t started_wall_ns;    /* of the latest start; 0: never */
	uint64_t duration_ns;        /* create to stopped */
	uint64_t seed;               /* exact mode: number of its seed; else 0 */
	char *digest;                /* exact mode, when finished (trial.h); owned; else NULL */
	char *fingerprint;           /* "key=value\n" lines; owned; NULL until finished */
};

/* Judged on the way (model/sequential.h). */
struct stored_look {
	uint32_t blocks;             /* after so many */
	uint64_t taken_wall_ns;      /* 0: not yet */
	double alpha;                /* its level; NAN until it is taken */
	uint32_t open_count;         /* metrics and pass rates that were not settled */
	bool stopped;                /* the run ended with it: no more trials are run */
};

struct stored_run {
	char *id;                    /* "20261121-213000-quick"; owned */
	char *campaign;              /* name; owned */
	char *campaign_file;         /* owned */
	char *state;                 /* "running", "interrupted", "finished"; owned */
	char *note;                  /* why fewer trials than planned; owned; may be NULL */
	uint64_t started_wall_ns, finished_wall_ns;
	uint64_t seed;
	enum run_mode mode;
	struct exact_policy exact;   /* counts in MODE_EXACT only */
	bool control;
	size_t baseline;             /* variant index */
	int64_t control_variant;     /* index of the A/A copy, or -1 */
	struct gate_policy gate;
	char *accelerator, *accelerator_reason; /* owned */
	struct stored_variant *variants; size_t variants_count; /* owned */
	struct stored_cell *cells; size_t cells_count;          /* owned */
	struct stored_trial *trials; size_t trials_count;       /* owned, plan order */
	struct stored_look *looks; size_t looks_count; /* owned, rising; none: a fixed number
					of blocks */
};

void stored_run_release(struct stored_run *run);
/* The variant of that label, borrowed; NULL: there is none. */
const struct stored_variant *stored_run_find_variant(const struct stored_run *run,
						     const char *label);

/* Stores everything of a new run and creates its folder. Fills in run->id
 * where it is NULL ("20261121-213000-quick", "-2" and so on behind it if that
 * is taken), run->started_wall_ns where 0, and the trials' ids. -EEXIST: an id
 * that was given is taken. -ERANGE: a seed beyond INT64_MAX. */
int run_store_begin(struct run_store *store, struct stored_run *run,
		    struct error *err) must_check;
/* run_id may be NULL or "latest", a full id, or a unique prefix. -ENOENT names
 * the nearest id. */
int run_store_load(struct run_store *store, const char *run_id,
		   struct stored_run *ret_run, struct error *err) must_check;
/* The newest run that is not finished; -ENOENT if none. */
int run_store_find_unfinished(struct run_store *store, char **ret_id,
			      struct error *err) must_check;
/* The newest run of a campaign by its name; *ret_id (owned) is NULL if there is none. */
int run_store_find_campaign(struct run_store *store, const char *campaign, char **ret_id,
			    struct error *err) must_check;
/* Unfinished trials become planned again; returns how many in *ret_planned. */
int run_store_resume(struct run_store *store, const char *run_id,
		     size_t *ret_planned, struct error *err) must_check;
/* Adds a repeat of a finished trial, with its seed, at the end of the plan and
 * marks what it replaces as superseded. *ret_repeat owns nothing yet. */
int run_store_add_repeat(struct run_store *store,
			 const struct stored_trial *replaced,
			 struct stored_trial *ret_repeat, struct error *err) must_check;

/* Leaves a finished trial out of comparisons; nothing takes its place. -EINVAL:
 * it is not finished. */
int run_store_supersede(struct run_store *store, const struct stored_trial *trial,
			struct error *err) must_check;

int run_store_trial_started(struct run_store *store, int64_t trial_id,
			    struct error *err) must_check;
/* fingerprint: sorted "key=value\n" lines. */
int run_store_trial_finished(struct run_store *store, int64_t trial_id,
			     const struct trial_result *result,
			     const char *fingerprint, struct error *err) must_check;
/* "finished" also records the time. */
int run_store_set_state(struct run_store *store, const char *run_id,
			const char *state, struct error *err) must_check;
int run_store_set_note(struct run_store *store, const char *run_id,
		       const char *note, struct error *err) must_check;
/* What the look of that index said. -ENOENT: none such is planned. */
int run_store_set_look(struct run_store *store, const char *run_id, size_t index,
		       const struct stored_look *look, struct error *err) must_check;
/* What the build of a variant's kernel gave. */
int run_store_set_kernel(struct run_store *store, const char *run_id,
			 uint32_t variant, const char *image_sha256,
			 const char *kernel_record, struct error *err) must_check;
/* Everything of one finished trial (an initialised result is filled; release
 * it). Samples come by row and metric, in the order they were taken. */
int run_store_load_result(struct run_store *store, int64_t trial_id,
			  struct trial_result *result, struct error *err) must_check;

/* Every raw sample of one metric from passed rows of trials that are finished,
 * not superseded and not broken; in plan order. */
struct stored_samples {          /* of one trial */
	int64_t trial_id;
	uint32_t block, variant;
	double *values; size_t count; /* owned */
};
int run_store_samples(struct run_store *store, const char *run_id,
		      uint32_t cell, uint32_t row, const char *metric,
		      struct stored_samples **ret_items, size_t *ret_count,
		      struct error *err) must_check;
void stored_samples_free(struct stored_samples *items, size_t count);

struct stored_finding {
	int64_t trial_id;
	struct finding finding; /* owned */
};
int run_store_findings(struct run_store *store, const char *run_id,
		       struct stored_finding **ret_items, size_t *ret_count,
		       struct error *err) must_check;
void stored_findings_free(struct stored_finding *items, size_t count);

/* Newest first, at most max. Only id, campaign, state, mode and times are filled. */
int run_store_list(struct run_store *store, size_t max,
		   struct stored_run **ret_runs, size_t *ret_count,
		   struct error *err) must_check;

/* What the newest finished trials took, for estimates. */
struct trial_history {
	size_t count;            /* of those that were not broken; 0: none is known */
	uint64_t median_ns;      /* of them */
	double repeats_ratio;    /* repeats for each trial that was planned */
};
/* Of this suite, over the newest runs of this mode that have it; guest, variant (name)
 * NULL: in any. */
void run_store_trial_history(struct run_store *store, const char *guest, const char *suite,
			     enum run_mode mode, const char *variant,
			     struct trial_history *ret_history);

/* The results folder, absolute; borrowed. */
const char *run_store_folder(const struct run_store *store);
/* results/RUN; owned. */
char *run_store_run_folder(const struct run_store *store, const char *run_id);
/* results/RUN/trials/NNNN, NNNN being the trial's number = order + 1; owned. */
char *run_store_trial_folder(const struct run_store *store, const char *run_id,
			     uint32_t order);

#endif
