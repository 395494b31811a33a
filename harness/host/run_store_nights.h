/* run_store_nights.h - what `kerngate nightly` did, one record a night, and the verdicts
 * of runs, kept so that a thousand nights are read in one go. Part of the run store.
 */
#ifndef KERNGATE_HOST_RUN_STORE_NIGHTS_H
#define KERNGATE_HOST_RUN_STORE_NIGHTS_H

#include "run_store.h"
#include "strbuf.h"

/* A cell of the campaign in a night. */
struct stored_night_cell {
	char *guest, *suite;         /* names; owned */
	bool is_run;                 /* else left out: first the next night */
	uint64_t estimate_ns;        /* of all its boots; 0: unknown */
	char *reason;                /* why it was chosen or left out, one line; owned; NULL */
};

enum night_event_state {
	NIGHT_EVENT_SUSPECTED,       /* one night against those before it */
	NIGHT_EVENT_CONFIRMED,       /* a run of both kernels showed it again */
	NIGHT_EVENT_REFUTED,         /* that run did not show it */
};

const char *night_event_state_name(enum night_event_state state); /* "suspected", ... */

/* A metric that was called regressed or improved against earlier nights. */
struct stored_night_event {
	char *guest, *suite, *row, *metric, *variant; /* owned */
	bool is_worse;
	double ratio, p;             /* against the earlier nights; NAN: none */
	enum night_event_state state;
	char *against;               /* run, or runs, it was judged against; owned; NULL */
	char *confirm_run;           /* id of the run that settled it; owned; NULL: none */
	char *culprit;               /* patch, or commit, that moved it; owned; NULL: not
					looked for, or not found */
	char *reason;                /* of state and culprit, one line; owned; NULL */
};

struct stored_night {
	char *id;                    /* "20261122-013000-nightly", also where it has no run; owned */
	char *campaign;              /* name; owned */
	char *run_id;                /* owned; NULL: no run was begun */
	uint64_t started_wall_ns, finished_wall_ns; /* finished 0: under way, or cut off */
	uint32_t budget_minutes;     /* 0: none */
	int status;                  /* exit status of the night; -1: not finished */
	char *summary;               /* one line; owned; NULL until it is finished */
	struct stored_night_cell *cells; size_t cells_count;    /* owned */
	struct stored_night_event *events; size_t events_count; /* owned */
};

void stored_night_release(struct stored_night *night);
void stored_night_event_release(struct stored_night_event *event);

/* Stores a new night, or all of one that is there under the same id, in one transaction.
 * -ENOENT: a run that it names is not in the store; -EINVAL: a name is missing. */
int run_store_set_night(struct run_store *store, const struct stored_night *night,
			struct error *err) must_check;
/* Newest first, at most max (0: all), of that campaign (NULL: of all). */
int run_store_nights(struct run_store *store, const char *campaign, size_t max,
		     struct stored_night **ret_nights, size_t *ret_count,
		     struct error *err) must_check;
void stored_nights_free(struct stored_night *nights, size_t count);

/* A verdict that does not count, because the A/A control fired. */
#define RUN_STORE_WITHHELD "withheld"

/* A run's verdict on one series (table `series`, history.h). */
struct stored_verdict {
	int64_t series;
	bool is_history;             /* against earlier runs; else against the run's baseline */
	char *verdict;               /* "regressed", ... (verdict_name), or "withheld"; owned */
	double ratio, low, high, p;  /* NAN: none */
};

/* Key of the series that a metric of a variant belongs to; 0: there is none, it has no
 * figure in any run (run_store_put_figures makes series). */
int run_store_find_series(struct run_store *store, const struct stored_run *run,
			  uint32_t cell, uint32_t row, uint32_t metric, uint32_t variant,
			  int64_t *ret_series, struct error *err) must_check;
/* Puts them in the place of those that the run had of that kind. -EINVAL: an unknown
 * verdict, or one of the other kind. */
int run_store_set_verdicts(struct run_store *store, const char *run_id, bool is_history,
			   const struct stored_verdict *verdicts, size_t count,
			   struct error *err) must_check;
/* The same for those against the run's baseline, with the rule by which they were made
 * (> 0) and what the gate said (exit status). */
int run_store_set_judged(struct run_store *store, const char *run_id,
			 const struct stored_verdict *verdicts, size_t count, uint32_t rule,
			 int gate, struct error *err) must_check;
/* Ids of finished runs that were not judged by this rule, oldest first. */
int run_store_runs_not_judged(struct run_store *store, uint32_t rule,
			      struct strvec *ret_ids, struct error *err) must_check;

/* Of one run, by series. Owned by the caller. */
int run_store_run_verdicts(struct run_store *store, const char *run_id, bool is_history,
			   struct stored_verdict **ret_verdicts, size_t *ret_count,
			   struct error *err) must_check;
void stored_verdicts_free(struct stored_verdict *verdicts, size_t count);

#endif
