/* against.h - a run against earlier ones: a baseline, the last good run, or the last N
 * of its campaign. docs/history.md has the rules.
 */
#ifndef KERNGATE_ENGINE_AGAINST_H
#define KERNGATE_ENGINE_AGAINST_H

#include <jansson.h>

#include "baseline.h"
#include "verdict.h"

struct against_entry {
	const char *guest, *suite, *row; /* borrowed from the baselines */
	struct metric_comparison judged; /* metric borrowed likewise */
	char *problem;               /* why not comparable; owned; NULL: judged.reason */
};

struct against {
	struct against_entry *entries; size_t count; /* owned */
	struct strvec differences;   /* of conditions: "GUEST/SUITE: KEY: A -> B" */
	struct strvec notes;         /* what else is to be told, one line each */
	size_t runs_count;           /* earlier runs that were asked for */
	bool is_by_seed;             /* exact: worlds compared one by one */
	enum gate_exit gate;
};

/* run and the earlier ones (newest first, at least one) must outlive the result. is_void:
 * the run's own A/A control or a canary failed, so nothing is said. */
void against_make(const struct baseline *run, const struct baseline *earlier,
		  size_t earlier_count, const struct gate_policy *policy, bool is_void,
		  struct against *ret);
void against_release(struct against *against);

/* The runs that TEXT names for `run`, newest first: "last-good", "N-nights", a name of
 * results/baselines, or a run. *ret_title: what it is, for people; owned. -ENOENT where
 * there is none. label: the variant of the run that is compared. */
int against_find(struct run_store *store, const struct stored_run *run, const char *label,
		 const char *text, struct baseline **ret_items, size_t *ret_count,
		 char **ret_title, struct error *err) must_check;
void baselines_free(struct baseline *items, size_t count);
/* N of "N-nights"; 0: it is something else. */
size_t against_parse_nights(const char *text);

/* What against_find found, in one piece. */
struct against_earlier {
	struct baseline *items; size_t count; /* owned */
	char *title;                 /* owned */
};
void against_earlier_release(struct against_earlier *earlier);
/* Whether the text is one of the first two of these. */
bool against_names_nights(const char *text);
/* The same for a night, which measured only some cells: each is looked for by itself, in
 * the newest earlier runs that have it, and items hold only what is to be compared; none
 * at all is no error. now: the variant of `run` that is compared. */
int against_find_nights(struct run_store *store, const struct stored_run *run,
			const struct baseline *now, const char *text,
			struct baseline **ret_items, size_t *ret_count, char **ret_title,
			struct error *err) must_check;

/* The table: 80 columns, plain ASCII. */
void against_render_text(const struct baseline *run, const struct against *against,
			 const char *title, struct strbuf *out);
/* New reference. */
json_t *against_render_json(const struct baseline *run, const struct against *against,
			    const char *title);

#endif
