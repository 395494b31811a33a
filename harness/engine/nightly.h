/* nightly.h - one night: what a campaign is worth measuring within a budget, measured,
 * judged against earlier nights, settled, named and reported. docs/nightly.md has the
 * rules.
 */
#ifndef KERNGATE_ENGINE_NIGHTLY_H
#define KERNGATE_ENGINE_NIGHTLY_H

#include <jansson.h>

#include "experiment.h"
#include "run_store_nights.h"
#include "strbuf.h"

#define NIGHTLY_AGAINST "7-nights"
#define NIGHTLY_KEEP_DAYS 30
#define NIGHTLY_KEEP_GIB 20

/* All borrowed. */
struct nightly_request {
	const char *campaign;        /* name or path */
	const char *mode;            /* "timed", "exact"; NULL: the campaign's */
	struct strvec only, skip;    /* as campaign_select reads them */
	uint32_t blocks_count;       /* 0: the campaign's; in exact mode seeds */
	uint32_t budget_minutes;     /* of all that the night does; 0: the campaign's */
	const char *against;         /* what earlier runs are compared with (against.h) */
	const char *hook;            /* shell command that gets the verdict; NULL: none */
	uint64_t hook_timeout_ns;    /* 0: the usual minute */
	uint32_t keep_days;          /* artifacts (results_prune.h); 0: no bound by age */
	uint64_t keep_bytes;         /* 0: no bound by size */
	bool no_fetch, no_confirm, no_walk;
	bool is_quiet;               /* the choice of cells is not written to stdout */
};

/* What came of it. */
struct nightly {
	struct stored_night record;  /* status and summary are set whatever happened */
	struct strvec notes;         /* what else is to be told, one line each */
	size_t trials_planned, trials_finished;
	uint64_t spent_ns;
	char *report;                /* report.html; owned; NULL: none */
	char *failure;               /* why the night could not do its job; owned; NULL */
};

/* Never fails as a call: ret->record.status is the exit status of `kerngate nightly`. */
void nightly_run(const struct nightly_request *request,
		 const struct experiment_options *options, struct nightly *ret);
void nightly_release(struct nightly *nightly);
/* The choice of cells, to stdout; nothing is fetched, built, booted or stored. */
int nightly_print_plan(const struct nightly_request *request,
		       const struct experiment_options *options, struct error *err) must_check;

/* For people, 80 columns; the last line is the summary. */
void nightly_render_text(const struct nightly *nightly, struct strbuf *out);
/* docs/nightly.md has the schema; a new reference. */
json_t *nightly_render_json(const struct nightly *nightly, const char *results_dir);

#endif
