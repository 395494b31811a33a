/* kernel_row.h - kernels that follow one another, patch by patch or commit by commit,
 * and campaigns that have some of them as variants.
 *
 * Positions count from 0: of a series the kernel without any of its patches, of commits
 * the first one that was named.
 */
#ifndef KERNGATE_ENGINE_KERNEL_ROW_H
#define KERNGATE_ENGINE_KERNEL_ROW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "campaign.h"
#include "error.h"

struct kernel_row_item {
	char *name;              /* of its variant: "p03", "3f2a9c1b04de"; owned */
	char *label;             /* the patch's file, "" for none; the whole commit; owned */
	char *id;                /* SHA-256 of the patch, or the commit; owned */
	char *subject;           /* of patch or commit; owned */
	bool is_merge;
};

struct kernel_row {
	char *series;            /* as it was named: a name, or an absolute folder; owned;
				    NULL for commits */
	char *folder;            /* of the series; owned; NULL likewise */
	char *repository;        /* absolute; owned; NULL for a series */
	struct kernel_row_item *items; size_t count; /* owned */
};

void kernel_row_release(struct kernel_row *row);
/* All prefixes of kernel/series/NAME or, with a slash, of that folder. -ENOENT, and
 * -EINVAL for one without a patch. */
int kernel_row_of_series(const char *project_root, const char *series,
			 struct kernel_row *ret_row, struct error *err) must_check;
/* The commits of the repository from good to bad, along first parents: a merge is one
 * step. -EINVAL where good does not lie on that line. */
int kernel_row_of_commits(const char *repository, const char *good, const char *bad,
			  struct kernel_row *ret_row, struct error *err) must_check;
/* A number of patches, a patch's name (with or without ".patch") or a variant's name >
 * position. -ENOENT names the nearest. */
int kernel_row_find(const struct kernel_row *row, const char *text, size_t *ret_position,
		    struct error *err) must_check;

/* What all kernels of the row have in common, and what they are measured in: taken
 * from a campaign, with parts of it replaced. All borrowed; NULL: the campaign's. */
struct kernel_row_options {
	const char *campaign;    /* name or path */
	const char *variant;     /* of it; NULL: its baseline */
	const char *base;        /* of a series */
	const char *fragments;   /* "base,vm,measure" */
	const char *guest, *suite; /* NULL: of the campaign's first cell */
	const char *mode;        /* "timed", "exact" */
};

struct kernel_row_setting {
	struct campaign campaign;/* what it is taken from, in the wanted mode; owned */
	size_t variant;
	char *base;              /* reference; owned */
	char *guest, *suite;     /* references; owned */
	struct strvec fragments, series; /* references; series: those below the row's */
};

void kernel_row_setting_release(struct kernel_row_setting *setting);
/* -EINVAL, -ENOENT: what does not fit together. */
int kernel_row_setting_load(const char *project_root, const struct kernel_row *row,
			    const struct kernel_row_options *options,
			    struct kernel_row_setting *ret_setting, struct error *err) must_check;

/* One campaign over some of the row. */
struct kernel_row_plan {
	const char *name;        /* of the campaign, a name; borrowed */
	const char *purpose;     /* borrowed */
	const char *folder;      /* absolute: its file, and what it refers to, is put there */
	const size_t *positions; size_t positions_count; /* the first is the baseline */
	uint32_t blocks_count;
	uint64_t first_seed;     /* exact mode */
	uint32_t budget_minutes;
	bool control;
};

/* Writes folder/NAME.yaml and loads it. *ret_campaign is as campaign_load gives it. */
int kernel_row_campaign(const char *project_root, const struct kernel_row *row,
			const struct kernel_row_setting *setting,
			const struct kernel_row_plan *plan, struct campaign *ret_campaign,
			struct error *err) must_check;

/* A new folder parent/STAMP (or STAMP-2 ...) for what is done with a row; its name and
 * path are owned. */
int kernel_row_folder(const char *parent, char **ret_id, char **ret_path,
		      struct error *err) must_check;
/* The newest of them; -ENOENT if there is none. */
int kernel_row_newest(const char *parent, char **ret_id, struct error *err) must_check;

/* [{"name", "label", "id", "subject"}, ...]; a new reference. */
json_t *kernel_row_json(const struct kernel_row *row);
/* -ESTALE unless the row is the one that was described so. */
int kernel_row_check(const struct kernel_row *row, const json_t *description,
		     struct error *err) must_check;

#endif
