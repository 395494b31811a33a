/* history_confirm.h - a suspected change is settled by a run of both kernels against
 * each other: the one of the run before it and the one of the run after it, in the same
 * guest and suite, with the baseline twice. docs/history.md has the rules.
 */
#ifndef KERNGATE_ENGINE_HISTORY_CONFIRM_H
#define KERNGATE_ENGINE_HISTORY_CONFIRM_H

#include "experiment.h"
#include "history.h"

struct history_confirmation {
	enum change_state state;
	char *run_id;                /* that settled it; owned; NULL: none was needed */
	char *reason;                /* one line; owned */
	double ratio, p;             /* of that run; NAN: none */
};

void history_confirmation_release(struct history_confirmation *confirmation);

/* Settles a change of the series and stores what came of it. One run serves all
 * metrics of a variant in a cell between the same two runs. What is settled already
 * is only told; a run that was begun for it goes on; a finished one is judged; else one
 * is made and run. Blocks as long as the run takes. The change stays suspected where
 * the run was inconclusive: the next call then runs it with twice the boots, up to
 * HISTORY_CONFIRM_RUNS_MAX runs.
 * -ESTALE: a kernel can not be made again as it was (its patches, fragments, sources or
 * compiler are other ones); -ENOENT: a run's configs are gone; also all of
 * experiment_run and experiment_resume. The change stays suspected then. */
int history_confirm(struct run_store *store, const struct history_series *series,
		    const struct history_change *change,
		    const struct experiment_options *options,
		    struct history_confirmation *ret, struct error *err) must_check;

#define HISTORY_CONFIRM_RUNS_MAX 3

/* What history_confirm would take, builds included; 0 where no run has to be begun. Errors
 * are those of history_confirm. */
int history_confirm_estimate(struct run_store *store, const struct history_series *series,
			     const struct history_change *change,
			     const struct experiment_options *options, uint64_t *ret_ns,
			     struct error *err) must_check;

/* results/confirmations/NAME: a project of the two kernels, made by
 * history_confirm. *ret_campaign: its campaign, loaded. Only for history_confirm and
 * its tests. */
int history_confirm_project(struct run_store *store, const struct history_series *series,
			    const struct stored_run *before, const struct stored_run *after,
			    const char *name, char **ret_root, struct campaign *ret_campaign,
			    struct error *err) must_check;

#endif
