/* ab.h - patches against their base, or one kernel against another, from one line: what
 * was asked > a campaign of its own > a run as any.
 *
 * results/ab/ID/ holds state.json (what was asked, the patches), ab-ID.yaml (the
 * campaign), a folder for each set of patches (a series: `kerngate walk` takes it), and
 * what else the campaign refers to: bases/, suites/.
 */
#ifndef KERNGATE_ENGINE_AB_H
#define KERNGATE_ENGINE_AB_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "experiment.h"
#include "render.h"

/* All borrowed; NULL or empty: as the campaign has it. */
struct ab_request {
	const char *base;              /* "linux-7.3", "7.3", a tree, REPOSITORY@REF, a file; NULL:
					  what a range of commits begins after */
	const char *other;             /* the other kernel, instead of patches; as base */
	const struct strvec *patches;  /* a set each, as ab_set_load reads them */
	const char *campaign;          /* that all else is taken from */
	const char *mode;
	const char *fragments;         /* "base,vm,measure" */
	const struct strvec *suites, *guests;
	const struct strvec *workloads; /* "NAME,argument=value,...": a suite of these */
	const struct strvec *cmdline, *sysctls; /* of all kernels, added */
	const struct strvec *new_cmdline, *new_sysctls, *new_fragments; /* not of the base */
	uint32_t blocks_count, looks_count, budget_minutes; /* 0: the campaign's */
	uint64_t seed;
	double margin_percent;         /* 0: the campaign's */
	const char *name;              /* becomes part of the ID */
	const char *command;           /* that asks for all of this, as it was typed */
};

struct ab {
	char *id, *folder;             /* owned */
	json_t *state;                 /* as in state.json; owned */
	struct campaign campaign;      /* empty where it was resumed */
	char *run_id;                  /* once it was begun; owned */
	/* private */
	const struct experiment_options *options; /* borrowed */
	char *scratch;                 /* removed at the end; owned; NULL: none */
	int lock;
};

/* Reads and checks all that was asked for, and writes the folder. is_plan: somewhere
 * else, gone with ab_free. Refused patches leave nothing behind. */
int ab_begin(const struct ab_request *request, const struct experiment_options *options,
	     bool is_plan, struct ab **ret_ab, struct error *err) must_check;
/* id NULL: the newest. */
int ab_resume(const char *id, const struct experiment_options *options, struct ab **ret_ab,
	      struct error *err) must_check;
void ab_free(struct ab *ab); /* NULL allowed */
/* Builds and boots what is still to do; nothing is built unless all patches apply.
 * -EINTR: can be resumed. */
int ab_go(struct ab *ab, struct error *err) must_check;
/* Whether the patches apply, as far as the cache can tell. */
int ab_check_patches(const struct ab *ab, bool may_fetch, struct error *err) must_check;

/* What the table says beyond the run: the patches, and how to do it again. */
void ab_mail_more(const struct ab *ab, const struct stored_run *run,
		  struct render_mail_more *ret_more);

/* --- between ab.c, ab_base.c and ab_campaign.c only --- */

/* A reference for a campaign: a base's name, or the file written into folder for a tree
 * or a commit; owned. */
int ab_base_resolve(const char *project_root, const char *text, const char *folder,
		    char **ret_reference, struct error *err) must_check;

struct ab_kernel {                     /* a variant beside the base */
	char *name;                    /* owned */
	char *series;                  /* folder; owned; NULL: none */
	char *base;                    /* reference; owned; NULL: the base's */
};

struct ab_plan {
	const char *project_root;      /* borrowed, as all of it */
	const char *folder, *name;     /* of the campaign */
	const char *base_name;         /* of the variant */
	const char *base;              /* reference; NULL: the campaign's */
	const struct ab_kernel *kernels; size_t count;
};

/* The campaign that cells, mode, gate and the base's kernel are taken from. */
int ab_campaign_setting(const struct ab_request *request, const char *project_root,
			struct campaign *ret_setting, struct error *err) must_check;
int ab_campaign_write(const struct ab_request *request, const struct campaign *setting,
		      const struct ab_plan *plan, struct campaign *ret_campaign,
		      struct error *err) must_check;

#endif
