/* report_format_parts.h - what the writers of report_format*.c have in common: a
 * run's names as text that a format can hold, its figures boot by boot, and its
 * verdicts as cases of a test. Private to them.
 */
#ifndef KERNGATE_ENGINE_REPORT_FORMAT_PARTS_H
#define KERNGATE_ENGINE_REPORT_FORMAT_PARTS_H

#include "comparison.h"
#include "strbuf.h"

struct report_input {            /* all borrowed */
	const struct comparison_source *source;
	const struct stored_run *run;
	const struct comparison *comparison;
};

/* --- text -------------------------------------------------------------------- */

/* Valid UTF-8 without control characters, which become blanks; with keeps_lines
 * newlines and tabs stay. What is no UTF-8, and the characters that XML cannot hold,
 * become '?'. "" for NULL. Owned. */
char *report_text(const char *text, bool keeps_lines);
/* ASCII letters, digits and the bytes of `allowed`; every other byte becomes '_'.
 * "_" for NULL and "". Owned. */
char *report_word(const char *text, const char *allowed);
/* A number with as few digits as bring the same number back; never in the words
 * "nan" or "inf" (value is finite). */
void report_add_number(double value, struct strbuf *out);

/* --- figures ------------------------------------------------------------------ */

/* One metric with every boot that gave samples of it, in plan order. */
struct report_metric {
	uint32_t cell, row, metric;          /* indexes into the run */
	const struct metric_info *info;      /* borrowed */
	const struct stored_samples *boots;  /* borrowed */
	size_t boots_count;
};

/* Calls write with every metric of the run, cell by cell; the samples of one at a
 * time are in memory. */
int report_each_metric(const struct report_input *input,
		       void (*write)(const struct report_input *input,
				     const struct report_metric *metric, void *context),
		       void *context, struct error *err) must_check;
/* One boot's figure: the median of its samples, of a tail the largest. NAN where
 * there is none, or one that is not finite. */
double report_figure(const struct metric_info *metric, const struct stored_samples *boot);
/* The variant that a boot counts for: for the control's copy the baseline. */
uint32_t report_side(const struct stored_run *run, uint32_t variant);
/* Whether a variant has figures of its own; the control's copy has not. */
bool report_is_side(const struct stored_run *run, uint32_t variant);
/* Whether a boot gives this variant a figure: its own boots do, for the baseline
 * those of its control copy too, in exact mode only where its own gave none in that
 * block (canary.h). Figures that do not exist do not count. */
bool report_counts(const struct stored_run *run, const struct report_metric *metric,
		   size_t boot, uint32_t variant);
/* The figures that count for a variant, in plan order; ret_figures has room
 * for boots_count. Returns how many. */
size_t report_figures(const struct stored_run *run, const struct report_metric *metric,
		      uint32_t variant, double *ret_figures);

struct report_mean {
	double value;            /* geometric mean; arithmetic if a figure is not positive;
				    NAN without figures */
	struct interval interval; /* Student's t on the logs; NAN where there is none */
	size_t boots_count;
};

struct report_mean report_mean(const struct report_input *input,
			       const struct report_metric *metric, uint32_t variant);

/* NULL: none by that id. */
const struct stored_trial *report_trial(const struct stored_run *run, int64_t id);

/* --- verdicts as cases of a test ------------------------------------------------ */

enum report_status {
	REPORT_PASS,             /* improved, equivalent, never gated */
	REPORT_FAIL,             /* regressed */
	REPORT_UNSETTLED,        /* inconclusive, withheld */
	REPORT_ERROR,            /* not comparable */
};

struct report_case {
	char *place;             /* "up/quick/fill"; owned */
	char *name;              /* "patched: fallocate_ns"; owned */
	enum report_status status;
	bool timed_out;          /* it failed by deadlines alone */
	const char *type;        /* "regressed", ...; static; "" for REPORT_PASS */
	char *message;           /* one sentence; owned */
	char *output;            /* lines; owned; may be NULL */
	uint64_t duration_ns;    /* of its boots; 0: no time of its own */
};

/* One a cell, and "run" at the end: its control and the gate's word. */
struct report_suite {
	char *name;              /* "up/quick"; owned */
	struct report_case *cases; size_t count; /* owned */
	uint64_t duration_ns;
};

int report_suites_make(const struct report_input *input, struct report_suite **ret_suites,
		       size_t *ret_count, struct error *err) must_check;
void report_suites_free(struct report_suite *suites, size_t count);
size_t report_suite_count(const struct report_suite *suite, enum report_status status);

enum report_status report_metric_status(const struct comparison *comparison,
					const struct comparison_entry *entry);
/* "fallocate_ns regressed by +10.0 % (95 %: ...), lower is better: ...". */
void report_add_sentence(const struct report_input *input,
			 const struct comparison_entry *entry, struct strbuf *out);

/* --- the writers ------------------------------------------------------------------ */

typedef int (*report_writer)(const struct report_input *input, struct strbuf *out,
			     struct error *err);

int report_write_junit(const struct report_input *input, struct strbuf *out,
		       struct error *err) must_check;
int report_write_ktap(const struct report_input *input, struct strbuf *out,
		      struct error *err) must_check;
int report_write_kcidb(const struct report_input *input, struct strbuf *out,
		       struct error *err) must_check;
int report_write_benchfmt(const struct report_input *input, struct strbuf *out,
			  struct error *err) must_check;
int report_write_lkp(const struct report_input *input, struct strbuf *out,
		     struct error *err) must_check;
int report_write_bmf(const struct report_input *input, struct strbuf *out,
		     struct error *err) must_check;
int report_write_csv(const struct report_input *input, struct strbuf *out,
		     struct error *err) must_check;

#endif
