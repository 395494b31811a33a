/* cases.h - failing worlds of exact mode that are kept: a case is one trial that
 * showed a defect, with all that it takes to make that trial happen again, so
 * that it outlives the run it comes from and can be tried on a mended kernel.
 * docs/result-format.md, "Cases", has the folder.
 *
 *     replay_load_trial(store, "RUN/12", &options, &world, err);
 *     case_keep(results_dir, &world, "RUN/12", &name, err);   // RESULTS/cases/NAME
 *     ...
 *     case_resolve(results_dir, "NAME", &folder, err);
 *     case_load(folder, &world, err);                         // for replay_run
 */
#ifndef KERNGATE_ENGINE_CASES_H
#define KERNGATE_ENGINE_CASES_H

#include <stdint.h>

#include "error.h"
#include "replay.h"
#include "strbuf.h"
#include "symptom.h"

/* Folders of cases, below the results folder. */
#define CASES_FOLDER "cases"

struct kept_case {
	char *name;               /* that of its folder; owned */
	char *origin;             /* "RUN/12": the trial it was; owned */
	uint64_t kept_wall_ns;
	struct symptoms expected; /* what the trial showed; at least one */
	struct replay_world world; /* paths lead into the case's folder */
};

void kept_case_release(struct kept_case *kept);
#define cleanup_kept_case cleanup_with(kept_case_release)

/* Keeps a world that failed under RESULTS/cases/NAME, a folder that is whole or
 * not there. NAME is made of the first symptom and the seed, with the kernel key's
 * first digits behind it where another kernel's case has that name. Nothing is
 * written where every symptom of the world has a case with the same kernel key.
 * *ret_name (owned): of the new case, or of the one that has the world's first
 * symptom. -EINVAL: the world shows nothing; -ENOENT: one of its files is gone. */
int case_keep(const char *results_dir, const struct replay_world *world, const char *origin,
	      char **ret_name, struct error *err) must_check;

/* A case by the folder's path. -ENOENT: no case.json there; -EBADMSG: it is not
 * one (file and what was expected); -EPROTO: of a newer kerngate. */
int case_open(const char *folder, struct kept_case *ret_case, struct error *err) must_check;
/* The same, its world only. */
int case_load(const char *folder, struct replay_world *ret_world,
	      struct error *err) must_check;

/* Names of all cases, sorted; none where the folder is not there. */
int cases_list(const char *results_dir, struct strvec *ret_names,
	       struct error *err) must_check;
/* The absolute folder (owned) of a case: its name, or a path. -ENOENT with the
 * nearest name. */
int case_resolve(const char *results_dir, const char *name, char **ret_folder,
		 struct error *err) must_check;
/* The first case, by name, of a symptom on a kernel. *ret_name is owned; NULL if
 * there is none. */
int cases_find(const char *results_dir, const struct symptom *symptom,
	       const char *kernel_key, char **ret_name, struct error *err) must_check;

#endif
