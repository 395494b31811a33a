/* report_format_parts.h - what the writers of report_format*.c have in common: a
 * run's names as text that a format can hold, its figures boot by boot, and its
 * verdicts as cases of a test. Private to them.
 */
#ifndef KERNGATE_ENGINE_REPORT_FORMAT_PARTS_H
#define KERNGATE_ENGINE_REPORT_FORMAT_PARTS_H

#include "comparison.h"
#include "strbuf.h"

struct format_input {            /* all borrowed */
	const struct comparison_source *source;
	const struct stored_run *run;
	const struct comparison *comparison;
};

/* --- text -------------------------------------------------------------------- */

/* Valid UTF-8 without control characters, which become blanks; with keeps_lines
 * newlines and tabs stay. What is no UTF-8, and the characters that XML cannot hold,
 * become '?'. "" for NULL. Owned. */
char *format_text(const char *text, bool keeps_lines);
/* ASCII letters, digits and the bytes of `allowed`; every other byte becomes '_'.
 * "_" for NULL and "". Owned. */
char *format_word(const char *text, const char *allowed);
/* A number with as few digits as bring the same number back; never in the words
 * "nan" or "inf" (value is finite). */
void format_add_number(double value, struct strbuf *out);

/* --- figures ------------------------------------------------------------------ */

/* One metric with every boot that gave samples of it, in plan order. */
struct format_metric {
	uint32_t cell, row, metric;          /* indexes into the run */
	const struct metric_info *info;      /* borrowed */
	const struct stored_samples *boots;  /* borrowed */
	size_t boots_count;
};

/* Calls write with every metric of the run, cell by cell; the samples of one at a
 * time are in memory. */
int format_each_metric(const struct format_input *input,
		       void (*write)(const struct format_input *input,
				     const struct format_metric *metric, void *context),
		       void *context, struct error *err) must_check;
/* One boot's figure: the median of its samples, of a tail the largest. NAN where
 * there is none, or one that is not finite. */
double format_figure(const struct metric_info *metric, const struct stored_samples *boot);
/* The variant that a boot counts for: for the control's copy the baseline. */
uint32_t format_side(const struct stored_run *run, uint32_t variant);
/* Whether a variant has figures of its own; the control's copy has not. */
bool format_is_side(const struct stored_run *run, uint32_t variant);
/* Whether a boot gives this variant a figure: its own boots do, for the baseline
 * those of its control copy too, in exact mode only where its own gave none in that
 * block (canary.h). Figures that do not exist do not count. */
bool format_counts(const struct stored_run *run, const struct format_metric *metric,
		   size_t boot, uint32_t variant);
/* The figures that count for a variant, in plan order; ret_figures has room
 * for boots_count. Returns how many. */
size_t format_figures(const struct stored_run *run, const struct format_metric *metric,
		      uint32_t variant, double *ret_figures);

struct format_mean {
	double value;            /* geometric mean; arithmetic if a figure is not positive;
				    NAN without figures */
	struct interval interval; /* Student's t on the logs; NAN where there is none */
	size_t boots_count;
};

struct format_mean format_mean(const struct format_input *input,
			       const struct format_metric *metric, uint32_t variant);

/* NULL: none by that id. */
const struct stored_trial *format_trial(const struct stored_run *run, int64_t id);

/* --- verdicts as cases of a test ------------------------------------------------ */

enum format_status {
	CASE_PASS,             /* improved, equivalent, never gated */
	CASE_FAIL,             /* regressed */
	CASE_UNSETTLED,        /* inconclusive, withheld */
	CASE_ERROR,            /* not comparable */
};

struct format_case {
	char *place;             /* "up/quick/fill"; owned */
	char *name;              /* "patched: fallocate_ns"; owned */
	enum format_status status;
	bool timed_out;          /* it failed by deadlines alone */
	const char *type;        /* "regressed", ...; static; "" for CASE_PASS */
	char *message;           /* one sentence; owned */
	char *output;            /* lines; owned; may be NULL */
	uint64_t duration_ns;    /* of its boots; 0: no time of its own */
};

/* One a cell, and "run" at the end: its control and the gate's word. */
struct format_suite {
	char *name;              /* "up/quick"; owned */
	struct format_case *cases; size_t count; /* owned */
	uint64_t duration_ns;
};

int format_suites_make(const struct format_input *input, struct format_suite **ret_suites,
		       size_t *ret_count, struct error *err) must_check;
void format_suites_free(struct format_suite *suites, size_t count);
size_t format_suite_count(const struct format_suite *suite, enum format_status status);

enum format_status format_metric_status(const struct comparison *comparison,
					const struct comparison_entry *entry);
/* "fallocate_ns regressed by +10.0 % (95 %: ...), lower is better: ...". */
void format_add_sentence(const struct format_input *input,
			 const struct comparison_entry *entry, struct strbuf *out);

/* --- the writers ------------------------------------------------------------------ */

typedef int (*format_writer)(const struct format_input *input, struct strbuf *out,
			     struct error *err);

int format_write_junit(const struct format_input *input, struct strbuf *out,
		       struct error *err) must_check;
int format_write_ktap(const struct format_input *input, struct strbuf *out,
		      struct error *err) must_check;
int format_write_kcidb(const struct format_input *input, struct strbuf *out,
		       struct error *err) must_check;
int format_write_benchfmt(const struct format_input *input, struct strbuf *out,
			  struct error *err) must_check;
int format_write_lkp(const struct format_input *input, struct strbuf *out,
		     struct error *err) must_check;
int format_write_bmf(const struct format_input *input, struct strbuf *out,
		     struct error *err) must_check;
int format_write_csv(const struct format_input *input, struct strbuf *out,
		     struct error *err) must_check;

#endif
