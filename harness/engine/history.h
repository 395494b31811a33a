/* history.h - a metric over the runs of the store: one point a run, and where the
 * series changed. docs/history.md has the rules.
 */
#ifndef KERNGATE_ENGINE_HISTORY_H
#define KERNGATE_ENGINE_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "run_store.h"

/* Which series: names, all borrowed. campaign, guest and suite may be NULL (any). */
struct history_key {
	const char *metric;          /* "row.metric" or "metric" */
	const char *variant;         /* label; NULL: the last variant of the run */
	const char *campaign, *guest, *suite;
};

struct history_point {
	char *run_id;                /* owned */
	uint64_t wall_ns;            /* start of the run */
	double center;               /* geometric mean of the boots' figures */
	double low, high;            /* 95 % of that mean; NAN for one boot */
	uint32_t boots_count;
	bool is_unlike;              /* conditions (fingerprint) differ from the point before */
};

enum change_state {
	CHANGE_SUSPECTED,            /* found in the series, not yet confirmed */
	CHANGE_CONFIRMED,            /* a run of both sides showed it again */
	CHANGE_REFUTED,              /* that run did not show it */
};

struct history_change {
	size_t index;                /* first point after the change */
	double ratio;                /* mean after / mean before */
	double p;
	enum change_state state;
};

struct history_series {
	char *guest, *suite, *row, *metric, *variant; /* owned */
	struct metric_info info;     /* owned */
	struct history_point *points; size_t points_count;   /* oldest first; owned */
	struct history_change *changes; size_t changes_count; /* by index; owned */
};

/* All series that the key fits, sorted by names. runs_max 0: all runs. */
int history_load(struct run_store *store, const struct history_key *key, uint32_t runs_max,
		 struct history_series **ret_series, size_t *ret_count,
		 struct error *err) must_check;
void history_free(struct history_series *series, size_t count);

#endif
