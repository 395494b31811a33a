/* history.h - a metric over the runs of the store: one point a run, and where the
 * series changed. docs/history.md has the rules.
 */
#ifndef KERNGATE_ENGINE_HISTORY_H
#define KERNGATE_ENGINE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "run_store.h"
#include "strbuf.h"

/* Which series: names, all borrowed. campaign, guest and suite may be NULL (any). */
struct history_key {
	const char *metric;          /* "row.metric" or "metric"; NULL: any */
	const char *variant;         /* label; NULL: the last variant of the newest run of
					each campaign; with metric NULL all */
	const char *campaign, *guest, *suite;
};

struct history_point {
	char *run_id;                /* owned */
	uint64_t wall_ns;            /* start of the run */
	double center;               /* geometric mean of the boots' figures; NAN: a run of
					the campaign without it (boots_count 0), or a
					figure that is not positive */
	double low, high;            /* 95 % of that mean; NAN for one boot */
	uint32_t boots_count;
	uint32_t skipped_count;      /* runs that are missing between the point before and
					this one, by the usual time between two */
	bool is_unlike;              /* conditions (fingerprint) differ from those of the
					last point with a center, or within the run */
	int64_t conditions;          /* for history_differences; 0: they differ within it */
};

enum change_state {
	CHANGE_SUSPECTED,            /* found in the series, not yet confirmed */
	CHANGE_CONFIRMED,            /* a run of both sides showed it again */
	CHANGE_REFUTED,              /* that run did not show it */
};

const char *change_state_name(enum change_state state); /* "suspected", ... */

struct history_change {
	size_t before, index;        /* last point before the change, first one after it */
	double ratio;                /* mean after / mean before */
	double p;
	enum change_state state;
	char *run_id;                /* that was to confirm it; owned; NULL: none yet */
	char *reason;                /* of its state, one line; owned; NULL: none */
};

struct history_series {
	int64_t id;                  /* key of the store */
	char *campaign;              /* owned */
	enum run_mode mode;
	char *guest, *suite, *row, *metric, *variant; /* owned */
	struct metric_info info;     /* owned */
	double minimum_effect;       /* ratio - 1 below which no change is listed */
	struct history_point *points; size_t points_count;   /* oldest first; owned */
	struct history_change *changes; size_t changes_count; /* by index; owned */
};

/* Campaigns of history_confirm are called that and a hash; only a key that names one
 * fits them. */
#define HISTORY_CONFIRM_PREFIX "confirm-"
/* Whether runs of the campaign are no nights: those that settle a change, look for where
 * one came from (bisect, walk) or try patches (ab). */
bool history_is_passing(const char *campaign);

/* All series that the key fits, sorted by names. runs_max 0: all runs; else the newest
 * of each campaign. Runs that have no figures yet get them first (history_fill). */
int history_load(struct run_store *store, const struct history_key *key, uint32_t runs_max,
		 struct history_series **ret_series, size_t *ret_count,
		 struct error *err) must_check;
void history_free(struct history_series *series, size_t count);

/* Figures for all finished runs that have none, or such of an older rule. */
int history_fill(struct run_store *store, struct error *err) must_check;
/* Figures for one run; what history_fill does for each. */
int history_fill_run(struct run_store *store, const char *run_id, struct error *err) must_check;

/* "regressed" or "improved", by the metric's direction; of a confirmed change only. */
bool history_change_is_worse(const struct history_series *series,
			     const struct history_change *change);

/* What differs between the conditions of two points, one line a key: "KEY: A -> B".
 * Nothing is added where either is 0. */
int history_differences(struct run_store *store, int64_t before, int64_t after,
			struct strvec *differences, struct error *err) must_check;

#endif
