/* render.h - a judged run for people (fixed-width text, 80 columns) and for
 * programs (JSON).
 */
#ifndef KERNGATE_ENGINE_RENDER_H
#define KERNGATE_ENGINE_RENDER_H

#include <stdbool.h>

#include "comparison.h"
#include "strbuf.h"

/* The verdict table: fits 80 columns, plain ASCII, pastes into a patch mail. */
void render_comparison_text(const struct stored_run *run,
			    const struct comparison *comparison,
			    struct strbuf *out);
/* The same for a patch mail: short, plain ASCII, no line longer than 75 columns;
 * derived metrics are left out. */
void render_comparison_mail(const struct stored_run *run,
			    const struct comparison *comparison,
			    struct strbuf *out);
/* What whoever made the run adds to that. */
struct render_mail_more {
	struct strvec lines;     /* of the head, "LABEL\tTEXT"; without a label: goes on */
	bool has_patches;        /* they say what the kernels have on top: the records of
				    kernels name the series that was built first */
	char *again;             /* the command that does it again; owned; NULL: the run's */
};

void render_mail_more_release(struct render_mail_more *more);
void render_comparison_mail_with(const struct stored_run *run,
				 const struct comparison *comparison,
				 const struct render_mail_more *more, struct strbuf *out);
/* Everything, with the names of the C structs as keys; docs/measurement.md. */
void render_comparison_json(const struct stored_run *run,
			    const struct comparison *comparison,
			    struct strbuf *out);
/* `kerngate show RUN`: plan, state, trials, outcomes, findings, times. */
int render_run_text(struct run_store *store, const struct stored_run *run,
		    struct strbuf *out, struct error *err) must_check;
/* The same from findings already loaded. */
void render_run(const struct stored_run *run, const struct stored_finding *findings,
		size_t findings_count, struct strbuf *out);

/* "12.35 ms", "1.234 GiB/s": four significant digits in a unit that reads well;
 * whole numbers below 1000 of the given unit stay as they are ("3 ms"). */
void render_quantity(double value, const char *unit, struct strbuf *out);
/* How an axis of values up to this one is written: appends the unit that render_quantity
 * would use and returns by what to divide. */
double render_scale(double value, const char *unit, struct strbuf *ret_unit);

/* What `kerngate run` finds the run's campaign by: its name, or its file. */
void render_campaign_word(const struct stored_run *run, struct strbuf *out);

/* What an exit code of the gate means; static. */
const char *render_gate_meaning(enum gate_exit gate);

#endif
