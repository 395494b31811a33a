/* render_parts.h - the parts of the verdict table. Private to render*.c and
 * report_format*.c.
 */
#ifndef KERNGATE_ENGINE_RENDER_PARTS_H
#define KERNGATE_ENGINE_RENDER_PARTS_H

#include "comparison.h"
#include "strbuf.h"

/* --- render.c */
/* Value of a key in the first fingerprint of the run, or of one variant's boots (-1:
 * any); owned, NULL if none. */
char *render_fingerprint(const struct stored_run *run, int64_t variant, const char *key);
/* " + padata-mt + proxy-exec": the series that its kernel has on top, by what the build
 * recorded; nothing where it has none or was not built. */
void render_series(const struct stored_variant *variant, struct strbuf *out);
/* "REGRESSED (gate: exit 1): 1 regressed, 3 equivalent" */
void render_verdict(const struct stored_run *run, const struct comparison *c,
		    struct strbuf *out);
/* Boots of a variant over all cells. */
struct comparison_boots render_sum_boots(const struct comparison *c, uint32_t variant);
/* "patched: 11 of 12 passed, 1 CRASHED" */
void render_boots(const struct stored_run *run, const struct comparison_boots *boots,
		  struct strbuf *out);

/* --- render_metrics.c: each metric of a cell on two lines, what was found
 * (baseline, candidate, change, verdict) and how sure that is (interval, p,
 * detectable effect, boots or seeds); one that is derived from another has only
 * the first, without a verdict. The sign in front repeats the verdict for the eye:
 * ! regressed, + improved, = equivalent, ? inconclusive, x not comparable. */
void render_cell(const struct stored_run *run, const struct comparison *c, uint32_t cell,
		 uint32_t variant, struct strbuf *out);
char render_verdict_sign(enum verdict verdict);

/* ", LABEL 0.0123" */
void render_p(struct strbuf *text, const char *label, double p);

/* --- render_outcomes.c: beside the metrics */
/* Rates of cells where a boot did not pass; nothing if there is none. */
void render_outcomes(const struct stored_run *run, const struct comparison *c,
		     struct strbuf *out);
/* Nothing in a run without looks. */
void render_looks(const struct comparison *c, struct strbuf *out);
/* What to know when reading a verdict: looks, and boots that the host disturbed. */
void render_circumstances(const struct comparison *c, struct strbuf *text);

/* --- render_exact.c: what only exact mode has to say */
void render_exact_mode(const struct stored_run *run, struct strbuf *out);
void render_exact_guests(struct strbuf *out);
void render_exact_control(const struct stored_run *run, const struct comparison *c,
			  struct strbuf *out);
/* Whether any repeat of the baseline with the same seed could be compared. */
bool render_exact_is_checked(const struct stored_run *run, const struct comparison *c);
void render_exact_policy(const struct comparison *c, struct strbuf *out);
/* Commands that tell which functions changed, where instructions did. */
void render_exact_hints(const struct stored_run *run, const struct comparison *c,
			struct strbuf *out);

#endif
