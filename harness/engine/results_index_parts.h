/* results_index_parts.h - the parts of results/index.html. Private to results_index*.c.
 *
 *     results_index_fill.c     verdicts of runs that have none yet
 *     results_index_data.c     store > struct results_index
 *     results_index_marks.c    columns of a campaign's nights, and what stands in them
 *     results_index_strip.c    one metric as a drawing: figures, and verdicts below
 *     results_index_metrics.c  the tables of metrics
 *     results_index_changes.c  regressions, newest first
 *     results_index_nights.c   the list of nights and runs
 *     results_index_style.c    what the report's style sheet lacks
 *     results_index.c          the page as a whole
 */
#ifndef KERNGATE_ENGINE_RESULTS_INDEX_PARTS_H
#define KERNGATE_ENGINE_RESULTS_INDEX_PARTS_H

#include "history.h"
#include "results_index.h"
#include "run_store_index.h"
#include "run_store_nights.h"
#include "strbuf.h"
#include "verdict.h"

#define INDEX_COLUMNS_MAX 60   /* newest runs of a strip, one a column */
#define INDEX_MONTHS_MAX 36    /* before them, one a column */
#define INDEX_RUNS_MAX 365     /* newest of a campaign, searched for changes */
#define INDEX_LINES_MAX 1000   /* metrics that are drawn, of all campaigns */

/* What stands in a column: an enum verdict, or one of these. */
enum index_mark {
	MARK_WITHHELD = VERDICT_NOT_COMPARABLE + 1, /* the A/A control fired */
	MARK_FIGURE,                 /* measured; nothing to compare it with */
	MARK_NONE,                   /* the run has no figure of it */
	MARK_LEFT_OUT,               /* the cell was left out by the budget */
	MARK_NO_RUN,                 /* a night without a finished run */
	MARK_GAP,                    /* no run where the usual distance would have had one */
	MARKS_COUNT,
};

/* A night, a run of its own, or a gap. */
struct index_column {
	uint64_t wall_ns;
	const struct stored_run_line *run;  /* finished; borrowed; NULL */
	const struct stored_night *night;   /* borrowed; NULL */
	size_t month;                /* index of months, for older columns */
};

enum index_kind { INDEX_BASELINE, INDEX_EARLIER, INDEX_KINDS_COUNT };

/* One metric of one variant. */
struct index_line {
	const struct history_series *series;   /* borrowed */
	const struct history_series *baseline; /* the same metric of the baseline; borrowed;
					NULL: none, or it is that itself */
	uint8_t *marks[INDEX_KINDS_COUNT];     /* by column; owned; NULL: never judged so */
	uint8_t *older[INDEX_KINDS_COUNT];     /* by month; owned; NULL likewise */
	double ratio[INDEX_KINDS_COUNT];       /* of the newest verdict; NAN */
	enum index_mark newest[INDEX_KINDS_COUNT]; /* MARK_NONE: none in the columns shown */
	double *values, *older_values;         /* centers by column and month; owned; NAN */
	double *base_values, *older_base;      /* of the baseline; owned */
	bool is_judged;              /* a verdict of any column was kept */
	unsigned int rank;           /* of the order on the page; 0 first */
};

/* All finished runs of a campaign in a mode, and its nights. */
struct index_campaign {
	const char *name;            /* borrowed */
	enum run_mode mode;
	const char *baseline;        /* label in the newest run; borrowed; NULL */
	struct index_column *columns; size_t columns_count; /* oldest first; owned */
	size_t first;                /* of the columns that are shown one by one */
	uint64_t *months; size_t months_count; /* year * 12 + month; owned; oldest first */
	struct index_line *lines; size_t lines_count;       /* worst first; owned */
	size_t series_first, series_count;
};

struct results_index {
	struct run_store *store;                                    /* borrowed */
	struct stored_night *nights; size_t nights_count;           /* newest first; owned */
	struct stored_run_line *runs; size_t runs_count;            /* newest first; owned */
	struct history_series *series; size_t series_count;         /* owned */
	struct index_campaign *campaigns; size_t campaigns_count;   /* owned */
};

int results_index_load(struct run_store *store, struct results_index *ret,
		       struct error *err) must_check;
void results_index_release(struct results_index *index);
/* Judges what was not judged yet; a run that cannot be is told and passed over. */
int results_index_fill(struct run_store *store, struct error *err) must_check;

/* --- results_index_marks.c */
void index_make_columns(const struct results_index *index, struct index_campaign *campaign);
/* Marks and values of all lines; marks sorted by series, then run. */
void index_fill_lines(const struct results_index *index, struct index_campaign *campaign,
		      const struct stored_mark *marks, size_t count);
void index_line_release(struct index_line *line);
/* "regressed", "left out by the budget", ...; static. */
const char *index_mark_name(enum index_mark mark);

/* --- the sections of the page */
void index_add_changes(const struct results_index *index, struct strbuf *out);
void index_add_metrics(const struct results_index *index, struct strbuf *out);
void index_add_nights(const struct results_index *index, struct strbuf *out);
void index_add_legend(struct strbuf *out);
/* The drawing of a line in its two parts, the months and the newest columns. */
void index_add_strip(const struct index_campaign *campaign, const struct index_line *line,
		     struct strbuf *out);

/* --- results_index.c */
/* "2026-11-22" */
#define INDEX_DAY_MAX 11
const char *index_day(uint64_t wall_ns, char text[INDEX_DAY_MAX]);
/* The text as a link to the run's report where there is one. Text: HTML. */
void index_add_run_link(const struct results_index *index, const char *run_id,
			const char *html, struct strbuf *out);
/* Sign and word of a mark. */
void index_add_badge(enum index_mark mark, struct strbuf *out);

/* --- results_index_style.c */
const char *results_index_style(void); /* static */

#endif
