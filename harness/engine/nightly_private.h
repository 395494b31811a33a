/* nightly_private.h - what the nightly*.c files share. nightly.h is the interface.
 *
 *     nightly.c           a night in order; its budget, its record
 *     nightly_lock.c      one night at a time
 *     nightly_fetch.c     sources that may have moved
 *     nightly_build.c     kernels; variants that do not build
 *     nightly_choose.c    which cells
 *     nightly_resume.c    what an interrupted night left
 *     nightly_judge.c     against earlier nights > events
 *     nightly_settle.c    events confirmed by runs of both kernels
 *     nightly_name.c      which patch it was
 *     nightly_status.c    exit status and summary
 *     nightly_render.c    text, JSON
 *     nightly_report.c    report, index, pruning
 *     nightly_hook.c      somebody is told
 */
#ifndef KERNGATE_ENGINE_NIGHTLY_PRIVATE_H
#define KERNGATE_ENGINE_NIGHTLY_PRIVATE_H

#include "comparison.h"
#include "nightly.h"
#include "night_plan.h"
#include "run_store_nights.h"

/* An event of the night, and what only the night needs to know about it. */
struct night_event {
	struct stored_night_event stored; /* owned; moves into the record at the end */
	char *before;                /* id of the run to confirm it against; owned; NULL: none */
	bool is_settled;             /* confirmed, refuted, or cannot be */
	bool is_walked;              /* its patch was looked for */
};

struct night_work {
	const struct nightly_request *request; /* borrowed */
	struct experiment_options options;     /* of this night; what they point to borrowed */
	struct nightly *night;       /* what comes of it; borrowed */
	struct campaign campaign;    /* less what is left out; owned */
	struct run_store *store;     /* owned */
	int lock;                    /* fd, or -1 */
	uint64_t began_ns;           /* all of these clock_monotonic_ns() */
	uint64_t end_ns;             /* of the budget; 0: none, and so the other two */
	uint64_t work_end_ns;        /* what is left behind it is for judging and reports */
	uint64_t run_end_ns;         /* what is left behind it is for confirming */
	struct stored_run run;       /* the night's, when it is finished; owned */
	enum gate_exit gate;         /* of that run against its own baseline */
	enum gate_exit against_gate; /* of its variants against earlier nights; the worst */
	bool is_judged;              /* the two are known */
	bool boots_regressed;        /* crashed or hung where earlier nights did not */
	struct night_event *events; size_t events_count; /* owned */
	size_t dropped_count;        /* variants that do not build */
};

void night_note(struct night_work *work, const char *format, ...) printf_like(2, 3);
/* UINT64_MAX without a budget. */
uint64_t night_left_ns(uint64_t end_ns);
/* Writes the record to the store as it is by now. */
int night_save(struct night_work *work, struct error *err) must_check;

/* --- nightly_lock.c: -EBUSY says who holds it */
int night_lock(const char *results_dir, int *ret_fd, struct error *err) must_check;

/* --- nightly_fetch.c: sources that moved are pinned in the campaign */
int night_fetch(struct night_work *work, struct error *err) must_check;

/* --- nightly_build.c: variants that cannot be built go out of the campaign. -EREMOTEIO
 * and others where the baseline, or all else, is among them; -ETIME */
int night_build(struct night_work *work, struct error *err) must_check;

/* --- nightly_choose.c: fills record.cells; leaves in the campaign what is to be run.
 * -ENOSPC: nothing fits. */
int night_choose(struct night_work *work, struct error *err) must_check;
/* The same for a plan that is only shown. */
int night_choose_cells(struct night_work *work, uint64_t room_ns, uint64_t whole_ns,
		       struct night_choice **ret_choices, struct experiment_estimate *ret_estimate,
		       size_t *ret_chosen, struct error *err) must_check;
void night_format_cell(const struct stored_night_cell *cell, enum night_place place,
		       struct strbuf *out);

/* --- nightly_resume.c: tells of a night that was cut off; *ret_run_id (owned): its run,
 * where that can go on, else NULL */
int night_look_back(struct night_work *work, char **ret_run_id, struct error *err) must_check;

/* --- nightly_judge.c */
int night_judge(struct night_work *work, struct error *err) must_check;
/* --- nightly_settle.c */
int night_settle(struct night_work *work, struct error *err) must_check;
/* --- nightly_name.c */
int night_name(struct night_work *work, struct error *err) must_check;

/* --- nightly_status.c: of what the record and the gates say. code: negative errno of what
 * ended the night, or 0. Pure. */
int night_status(const struct night_work *work, int code);
/* One line, at most 80 columns where it can; owned. Pure. */
char *night_summary(const struct nightly *nightly);
const char *night_verdict(int status); /* "pass", "regressed", "failed", ... */

/* --- nightly_report.c */
int night_report(struct night_work *work, struct error *err) must_check;

/* --- nightly_hook.c */
#define NIGHT_HOOK_SECONDS 60
void night_hook(const struct nightly_request *request, struct nightly *night,
		const char *results_dir);

#endif
