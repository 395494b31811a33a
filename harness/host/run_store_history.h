/* run_store_history.h - the part of the store that is about many runs: one figure a
 * run and series, and what became of suspected changes. run_store.h has the runs
 * themselves; docs/result-format.md the tables.
 */
#ifndef KERNGATE_HOST_RUN_STORE_HISTORY_H
#define KERNGATE_HOST_RUN_STORE_HISTORY_H

#include <stdint.h>

#include "error.h"
#include "run_store.h"

/* What is told apart as a series: a metric whose unit, direction or kind changes
 * begins a new one. */
struct stored_series {
	int64_t id;
	char *campaign, *guest, *suite, *row, *variant; /* variant: label; owned */
	enum run_mode mode;
	struct metric_info info;     /* owned */
};

void stored_series_free(struct stored_series *items, size_t count);

/* One metric of one variant in a run. */
struct run_figure {
	uint32_t cell, row, metric, variant; /* indexes into the run */
	uint32_t boots_count;        /* > 0 */
	double center, low, high;    /* NAN: there is none */
	const char *conditions;      /* sorted "key=value\n" lines; borrowed; NULL: the
					boots do not agree in them */
};

/* Replaces the figures of a run, and notes the rule by which they were made (> 0), in
 * one transaction. */
int run_store_put_figures(struct run_store *store, const struct stored_run *run,
			  const struct run_figure *figures, size_t count, uint32_t rule,
			  struct error *err) must_check;
/* Ids of finished runs that have no figures by this rule, oldest first. */
int run_store_runs_without_figures(struct run_store *store, uint32_t rule,
				   struct strvec *ret_ids, struct error *err) must_check;

/* All series, sorted by campaign, mode, guest, suite, row, metric, variant. */
int run_store_list_series(struct run_store *store, struct stored_series **ret_items,
			  size_t *ret_count, struct error *err) must_check;

struct stored_figure {
	int64_t run;                 /* key; timeline_run has its id */
	uint32_t boots_count;
	double center, low, high;    /* NAN: there is none */
	int64_t conditions;          /* key; 0: the boots do not agree */
};

/* Of one series, oldest run first; owned, for free(). */
int run_store_series_figures(struct run_store *store, int64_t series,
			     struct stored_figure **ret_items, size_t *ret_count,
			     struct error *err) must_check;

struct timeline_run {
	int64_t run;                 /* key */
	char *id;                    /* owned */
	uint64_t started_wall_ns;
	double margin_percent;       /* of its gate */
};

/* The finished runs of a campaign in this mode, oldest first. */
int run_store_timeline(struct run_store *store, const char *campaign, enum run_mode mode,
		       struct timeline_run **ret_items, size_t *ret_count,
		       struct error *err) must_check;
void timeline_free(struct timeline_run *items, size_t count);

/* Label of the last variant (the A/A copy apart) of a run; owned. */
int run_store_last_variant(struct run_store *store, const char *run_id, char **ret_label,
			   struct error *err) must_check;
/* The lines of a key of stored_figure; owned. */
int run_store_conditions(struct run_store *store, int64_t conditions, char **ret_text,
			 struct error *err) must_check;

/* What became of a suspected change. */
struct stored_confirmation {
	char *run_before, *run_after; /* ids; owned */
	char *state;                 /* "suspected", "confirmed", "refuted"; owned */
	double ratio, p;             /* of the run that was to confirm it; NAN: none */
	char *run;                   /* that run's id; owned; NULL: none */
	char *reason;                /* one line; owned */
	uint64_t updated_wall_ns;
};

int run_store_confirmations(struct run_store *store, int64_t series,
			    struct stored_confirmation **ret_items, size_t *ret_count,
			    struct error *err) must_check;
void stored_confirmations_free(struct stored_confirmation *items, size_t count);
/* Adds it, or replaces the one of the same runs; updated_wall_ns is set to now. */
int run_store_put_confirmation(struct run_store *store, int64_t series,
			       const struct stored_confirmation *confirmation,
			       struct error *err) must_check;

#endif
