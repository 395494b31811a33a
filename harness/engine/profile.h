/* profile.h - which functions changed: the same seed's trial of the baseline and
 * of a variant is run again with the counting plugin's profile on one row, and the
 * two are compared function by function. `kerngate profile`, and the end of a run
 * whose campaign says `exact: {profile: true}`.
 *
 *     profile_take(store, &request, &profile, err);
 *     profile_render_text(&profile, top, &text);
 *     profile_save(store, &profile, &path, err);      // RUN/profiles/NAME.json
 *     profile_release(&profile);
 */
#ifndef KERNGATE_ENGINE_PROFILE_H
#define KERNGATE_ENGINE_PROFILE_H

#include <stdint.h>

#include "error.h"
#include "experiment.h"
#include "plugin_counts.h"
#include "run_store.h"
#include "strbuf.h"

#define PROFILE_TOP_DEFAULT 10u

struct profile_request {             /* all borrowed */
	const struct experiment_options *options;
	const char *run_id;          /* as run_store_load takes it */
	const char *variant;         /* NULL: the only one beside the baseline */
	const char *cell;            /* "GUEST/SUITE"; NULL: the only one */
	const char *row;             /* name; NULL: the only one */
	uint64_t seed;               /* 0: the run's first that both have passed */
};

struct profile_side {
	char *variant;               /* owned */
	uint32_t trial;              /* number in the run, from 1 */
	struct plugin_counts counts; /* owned; functions by their source names */
	double instructions;         /* of all functions, a visit */
};

struct profile {
	char *run_id, *guest, *suite, *row; /* owned */
	uint64_t seed;
	uint32_t region;             /* 3: whole rounds; 16 on: the workload's own */
	struct profile_side before, after;
	struct plugin_function_change *changes; /* owned; names of both counts;
						   largest change first */
	size_t changes_count;
};

void profile_release(struct profile *profile);
#define cleanup_profile cleanup_with(profile_release)

/* Runs two guests, one after the other. -ENOENT: no such run, variant, cell, row or
 * seed, naming what there is; -EINVAL: the run was timed, or its choice is not
 * clear; -EBADMSG: a count file is not sound; -EINTR; others as replay_run. */
int profile_take(struct run_store *store, const struct profile_request *request,
		 struct profile *ret_profile, struct error *err) must_check;

/* 80 columns: at most `top` gainers and as many losers. */
void profile_render_text(const struct profile *profile, size_t top, struct strbuf *out);
/* Everything; docs/exact-mode.md, "Which functions changed". */
void profile_render_json(const struct profile *profile, struct strbuf *out);
/* Writes RUN/profiles/NAME.json, replacing an earlier one of the same choice;
 * *ret_path is owned. */
int profile_save(struct run_store *store, const struct profile *profile, char **ret_path,
		 struct error *err) must_check;

/* For the end of a run: where its campaign wants profiles (exact.profile), takes and
 * saves one for each row in which a metric of instructions regressed or improved,
 * and appends them as text. A profile that cannot be taken is said in the text.
 * Does nothing for other runs. -EINTR: interrupted; others of reading the run. */
int profile_run(const struct experiment_options *options, const char *run_id,
		struct strbuf *out, struct error *err) must_check;

/* --- parts, for tests ------------------------------------------------------------ */

/* Names functions as the source does, without what a compiler puts behind
 * (".isra.0", ".constprop.0", ".part.0", ".cold"), so that two builds agree; both
 * parts of a function then count as one (plugin_profile_compare adds them up). Pure. */
void profile_strip_suffixes(struct plugin_counts *counts);
/* The region of a row that a profile covers: the workload's own first one, where
 * the row has any, else 3. Row: from 0. Pure. */
uint32_t profile_region_of(const struct plugin_counts *counts, uint32_t row);
/* Compares two sides that are filled but for instructions. Errors as
 * plugin_profile_compare. Pure. */
int profile_compare(struct profile *profile, struct error *err) must_check;

#endif
