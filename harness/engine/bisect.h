/* bisect.h - the first kernel of a row that moved a metric: builds and boots what
 * model/bisection.h asks for, and keeps what it knows, so that an interrupted
 * bisection goes on with nothing repeated. docs/bisect.md has the rules.
 *
 * results/bisect/ID/ holds state.json (what was asked, every run, what was skipped,
 * the answer) and the campaigns of the runs; the runs are in the store as any.
 *
 * Calling sequence: bisect_begin or bisect_resume, bisect_go, then what it is for:
 * bisect_exit, render_bisect_text; at last bisect_free.
 */
#ifndef KERNGATE_ENGINE_BISECT_H
#define KERNGATE_ENGINE_BISECT_H

#include <jansson.h>

#include "bisection.h"
#include "experiment.h"
#include "kernel_row.h"
#include "verdict.h"

/* All borrowed. */
struct bisect_request {
	const char *good, *bad;
	const char *metric;      /* "ROW.METRIC", or "METRIC" where one row has it */
	const char *series;      /* one of these two, the other NULL */
	const char *repository;
	struct kernel_row_options setting;
	double effect_percent;   /* 0: 1, in exact mode the campaign's margin */
	double confidence;       /* 0: 0.95 */
	uint32_t budget_minutes; /* 0: none */
};

enum bisect_answer {
	BISECT_OPEN,             /* not done: interrupted */
	BISECT_FOUND,            /* and seen again in the check */
	BISECT_NOT_SEEN_AGAIN,   /* found, but the check did not show it */
	BISECT_NARROWED,         /* what lies between cannot be booted */
	BISECT_UNDECIDED,        /* the boots of some position did not tell */
	BISECT_ALIKE,            /* good and bad are not told apart */
	BISECT_TOO_NOISY,        /* the same, and a change that matters could be hidden */
	BISECT_CONTROL,          /* two copies of good are told apart: nothing counts */
	BISECT_BUDGET,           /* spent before it was decided */
};

/* Two kernels against each other: the culprit and the one before it, from boots of
 * their own; or good and its second copy (A/A). */
struct bisect_check {
	uint32_t blocks;         /* 0: not made */
	struct paired_figures figures; /* ratio: culprit / parent, copy / good */
};

struct bisect {
	char *id, *folder;       /* owned */
	json_t *state;           /* as in state.json; owned */
	struct kernel_row row;
	size_t good;             /* index into row.items; position p is item good + p */
	struct kernel_row_setting setting;
	char *suite_row, *metric, *unit; /* owned */
	enum boot_summary summary;
	struct bisection model;
	struct bisection_boot *boots; size_t count; /* owned */
	uint32_t *tries;         /* boots of each position, whatever came of them; owned */
	struct bisection_ends ends;
	struct bisection_next next;
	struct bisect_check check, control;
	struct figure_pair *copies; size_t copies_count; /* behind control; owned */
	enum bisect_answer answer;
	/* private */
	const struct experiment_options *options; /* borrowed */
	struct run_store *store;       /* owned */
	struct kernel_cache *cache;    /* owned */
	int lock;
	uint64_t began_ns;
};

/* Everything that can be refused before building, then a state.json. */
int bisect_begin(const struct bisect_request *request, const struct experiment_options *options,
		 struct bisect **ret_bisect, struct error *err) must_check;
/* id NULL: the newest. budget_minutes 0: as it was. -ENOENT, -EBADMSG (a damaged
 * state), -EBUSY (another kerngate is at work on it), -ESTALE (patches changed). */
int bisect_resume(const char *id, uint32_t budget_minutes,
		  const struct experiment_options *options, struct bisect **ret_bisect,
		  struct error *err) must_check;
void bisect_free(struct bisect *bisect); /* NULL allowed */
/* Until there is an answer. -EINTR and others: bisect_resume goes on. */
int bisect_go(struct bisect *bisect, struct error *err) must_check;

const char *bisect_answer_name(enum bisect_answer answer); /* "found", ... */
/* GATE_PASS: found; GATE_INCONCLUSIVE: not. */
enum gate_exit bisect_exit(const struct bisect *bisect);

#endif
