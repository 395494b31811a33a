/* campaign.h - what a run is to do, read from YAML: variants x guests x suite
 * x budget x gate. Every mistake is refused with file, line, column and what
 * was expected, before anything is built or booted.
 */
#ifndef KERNGATE_MODEL_CAMPAIGN_H
#define KERNGATE_MODEL_CAMPAIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "exact.h"
#include "guest_spec.h"
#include "kernel_spec.h"
#include "strbuf.h"

/* What runs beside a row while it measures. */
struct suite_load {
	char *workload;          /* NULL: nothing does; owned */
	struct strvec arguments; /* as a row's */
};

/* configs/suites/NAME.yaml: rows run in order in one boot. */
struct suite_row {
	char *name;              /* unique in the suite, [a-z0-9_-]+; default the workload's; owned */
	char *workload;          /* owned */
	struct strvec arguments; /* "name=value", in file order; the value "vcpus"
				    stands for the guest's number of vCPUs, which is
				    put in its place in a campaign's cells */
	struct suite_load load;
	uint32_t timeout_s;      /* 1..86400 */
	char *origin;            /* "file:line:column", for later complaints; owned */
};

struct suite {
	char *name, *purpose;    /* owned */
	struct suite_row *rows;  /* owned */
	size_t rows_count;
};

/* A kernel image + command line + sysctls, under a name. */
struct variant {
	char *name;              /* [a-z0-9._-]+, unique; owned */
	struct kernel_spec kernel;
	struct strvec cmdline;   /* arguments it adds */
	struct strvec sysctls;   /* "kernel.x=1" */
};

/* One pairing of a guest shape with a suite; all variants run in it. */
struct campaign_cell {
	struct guest_spec guest; /* owned; of vcpus_counts: named
				    "SHAPE-Ncpu" */
	struct suite suite;      /* owned */
	uint32_t priority;       /* 1..9, default 5: which of the cells that a night's budget
				    has no room for waits; 9 waits last */
	bool is_scaled;          /* one of the cells that vcpus_counts made */
};

enum correction { CORRECTION_BENJAMINI_HOCHBERG, CORRECTION_HOLM, CORRECTION_NONE };
const char *correction_name(enum correction); /* "benjamini-hochberg", "holm", "none" */

struct gate_policy {
	double margin_percent;   /* 0.1..50 (exact mode: 0.01..50): differences inside
				    it do not matter */
	double alpha;            /* 0.0001..0.5 */
	double confidence;       /* 0.5..0.9999 of the intervals */
	enum correction correction;
};

struct campaign {
	char *name, *purpose;    /* owned */
	char *file;              /* it came from; owned */
	struct strvec included;  /* files that it includes, and they; absolute */
	char *merged;            /* all of these as one file's text, in which paths are
				    absolute; owned; NULL where nothing is included */
	struct variant *variants; size_t variants_count; /* owned */
	size_t baseline;         /* index into variants */
	struct campaign_cell *cells; size_t cells_count; /* owned */
	enum run_mode mode;
	struct exact_policy exact; /* counts in MODE_EXACT only */
	uint32_t blocks_count;   /* 2..10000: boots of each variant in each cell. Exact
				    mode: `seeds_count`, 1..10000; block b of a run
				    is seed number run.seed + b */
	uint32_t looks_count;    /* 1..20: how often the run is judged on the way, the end
				    included; it stops where everything is settled.
				    1: a fixed number of blocks, as in exact mode and
				    where the file says blocks_count alone */
	uint64_t seed;           /* of the order; 0: chosen at the start and recorded.
				    Exact mode: number of the first seed; 0: 1 */
	uint32_t budget_minutes; /* 0: no bound; else no block starts that would pass it */
	uint32_t repeats_max;    /* 0..10: how often a disturbed or broken trial is repeated */
	bool control;            /* A/A: the baseline is measured twice in every block.
				    Exact mode: a canary (the baseline again, with
				    the same seed: must give the same bytes) in
				    every block; else in each cell's first only */
	struct gate_policy gate;
};

/* project_root holds kernel/, configs/. name is a campaign's name (its file is
 * configs/campaigns/NAME.yaml) or a path. Errors: -ENOENT (with "did you
 * mean"), -EINVAL, other errnos of reading. */
int campaign_load(const char *project_root, const char *name,
		  struct campaign *ret_campaign, struct error *err) must_check;
void campaign_release(struct campaign *campaign);
/* As if the file had said `mode`. Where that is another mode than the campaign's,
 * what means something else there takes that mode's default: blocks_count (42
 * blocks, 5 seeds), looks_count, gate.margin_percent, control and exact; and gate.alpha
 * where it is the default of the mode that was. */
void campaign_set_mode(struct campaign *campaign, enum run_mode mode);
/* Timed runs: takes out the cells of vcpus_counts with more vCPUs than the
 * cpus_count host CPUs for guests (a shape with overcommit stays). *ret_note
 * (owned): which and why, in one line; NULL where none was. Does nothing in exact
 * mode, where a guest takes one CPU whatever its vCPUs. -E2BIG: none would be left. */
int campaign_leave_out_cells(struct campaign *campaign, uint32_t cpus_count,
			     char **ret_note, struct error *err) must_check;
/* Keeps the cells and variants that a glob (fnmatch) of `only` fits, if there is one, and
 * no glob of `skip` does. A glob with a slash is tried on "GUEST/SUITE", others on the names
 * of guests, suites and variants. Globs of `only` that fit cells choose cells, those that fit
 * variants choose variants; where none does, all of that kind stay, and the baseline always
 * does. -ENOENT: one fits nothing (with the nearest name); -EINVAL: `skip` names the
 * baseline; -E2BIG: no cell, or no variant beside the baseline, would be left
 * (the latter not with may_be_alone, for those that compare nothing). */
int campaign_select(struct campaign *campaign, const struct strvec *only,
		    const struct strvec *skip, bool may_be_alone, struct error *err) must_check;
/* Keeps the cells at these indexes, none twice, in this order. */
void campaign_keep_cells(struct campaign *campaign, const size_t *indexes, size_t count);
/* Keeps the baseline and the variants whose flag is set. */
void campaign_keep_variants(struct campaign *campaign, const bool *is_kept);
/* Index of a variant or -ENOENT with the nearest name. */
int campaign_find_variant(const struct campaign *campaign, const char *name,
			  size_t *ret_index, struct error *err) must_check;

/* One kind of config file by itself, for `kerngate list` and the tests. */
int guest_spec_load(const char *project_root, const char *name,
		    struct guest_spec *ret_spec, struct error *err) must_check;
int suite_load(const char *project_root, const char *name,
	       struct suite *ret_suite, struct error *err) must_check;
int kernel_base_load(const char *project_root, const char *name,
		     struct kernel_base *ret_base, struct error *err) must_check;
void suite_release(struct suite *suite);
/* Puts the number in place of the argument value "vcpus", in all rows. */
void suite_set_vcpus(struct suite *suite, uint32_t vcpus_count);
/* "size_mib=256 page_kib=4", and with a load "... load=stress_ng,stressor=cpu" behind:
 * what makes it another measurement. Owned by the caller. */
char *suite_row_arguments(const struct suite_row *row);

#endif
