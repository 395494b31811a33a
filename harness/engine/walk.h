/* walk.h - a series patch by patch: every prefix of it is built, all are booted in one
 * run, and each is judged against the one before it and against the first.
 *
 * results/walk/ID/ holds state.json (what was asked, what was built) and the campaign;
 * the run is in the store as any.
 */
#ifndef KERNGATE_ENGINE_WALK_H
#define KERNGATE_ENGINE_WALK_H

#include <jansson.h>

#include "experiment.h"
#include "kernel_row.h"
#include "run_store.h"
#include "verdict.h"

/* All borrowed. */
struct walk_request {
	const char *series;
	const char *from, *to;   /* as kernel_row_find reads them; NULL: 0, all patches */
	struct kernel_row_options setting;
	uint32_t blocks_count;   /* 0: the campaign's */
	uint32_t budget_minutes; /* of boots; 0: none */
};

/* One metric of one prefix against another. */
struct walk_entry {
	uint32_t row, metric;    /* indexes into the run's only cell */
	uint32_t variant, against; /* indexes into the run's variants */
	bool is_step;            /* against the one before it, not the first */
	struct metric_comparison judged;
};

struct walk {
	char *id, *folder;       /* owned */
	json_t *state;           /* as in state.json; owned */
	struct kernel_row row;
	size_t from, to;         /* indexes into row.items */
	struct kernel_row_setting setting;
	struct stored_run run;   /* once it was booted */
	struct walk_entry *entries; size_t count; /* owned */
	struct strvec differences; /* of fingerprints that must not differ */
	const char *withheld;    /* why no verdict counts; static; else NULL */
	/* private */
	const struct experiment_options *options; /* borrowed */
	struct run_store *store; /* owned */
	int lock;
	struct stored_samples **samples; size_t *samples_counts; size_t samples_sets; /* owned */
	struct boot_samples **boots; size_t boots_sets; /* owned */
};

int walk_begin(const struct walk_request *request, const struct experiment_options *options,
	       struct walk **ret_walk, struct error *err) must_check;
/* id NULL: the newest. */
int walk_resume(const char *id, const struct experiment_options *options,
		struct walk **ret_walk, struct error *err) must_check;
void walk_free(struct walk *walk); /* NULL allowed */
/* Builds, boots and judges what is still to do of that. -EINTR: can be resumed. */
int walk_go(struct walk *walk, struct error *err) must_check;

/* Fills entries from the run; part of walk_go, for the tests. */
int walk_judge(struct walk *walk, struct error *err) must_check;

#endif
