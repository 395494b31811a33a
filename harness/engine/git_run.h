/* git_run.h - git over repositories and mail. */
#ifndef KERNGATE_ENGINE_GIT_RUN_H
#define KERNGATE_ENGINE_GIT_RUN_H

#include <stdbool.h>

#include "error.h"

struct git_request {
	const char *folder;        /* that git runs in */
	const char *const *words;  /* after "git", NULL-terminated */
	const char *input_path;    /* its stdin; NULL: nothing */
	bool is_alone;             /* in no repository, whatever lies above the folder, and
				      without the user's configuration */
};

/* As process_run; ret_output (owned) may be NULL. */
int git_run(const struct git_request *request, char **ret_output, struct error *err) must_check;
/* "v7.3" > the commit's whole name; owned. -ENOENT names the repository. */
int git_find_commit(const char *repository, const char *ref, char **ret_commit,
		    struct error *err) must_check;

#endif
