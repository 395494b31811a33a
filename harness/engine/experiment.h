/* experiment.h - a campaign from plan to judged run: check, build, boot all
 * trials, store, repeat the disturbed, resume.
 */
#ifndef KERNGATE_ENGINE_EXPERIMENT_H
#define KERNGATE_ENGINE_EXPERIMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "accelerator.h"
#include "campaign.h"
#include "error.h"
#include "kernel_builder.h"
#include "run_store.h"

struct experiment_options {
	const char *project_root;    /* borrowed, absolute */
	const char *build_dir;       /* holds workloads/ and guest_init */
	const char *results_dir;
	const char *cache_path;      /* NULL: default */
	uint64_t cache_max_bytes;    /* 0: default */
	const char *uri;
	enum accelerator_choice accelerator;
	uint32_t jobs;               /* compiler jobs; 0: CPUs */
	uint64_t seed;               /* 0: campaign's or chosen */
	uint32_t blocks_count;       /* 0: the campaign's; in exact mode seeds */
	const char *note;            /* that the run's note begins with; borrowed; NULL: none */
	uint64_t deadline_ns;        /* clock_monotonic_ns(): no block starts that would pass
					it, a build that does is ended (-ETIME); 0: none */
	bool has_budget;             /* budget_minutes instead of the campaign's; 0: none */
	uint32_t budget_minutes;     /* of boots */
	const char *program;         /* borrowed: the program and its global options, for
					commands that the user is told; NULL: "kerngate" */
	const char *command;         /* borrowed: that goes on with --resume and --budget; NULL:
					"run", which has no --budget */
	bool until_found;            /* starts nothing more once a trial failed, or its
					console has a finding */
};

/* options->program, or its default; borrowed. */
const char *experiment_program(const struct experiment_options *options);
/* Everything that can be refused before building: names, arguments, tools,
 * devices, memory and disk for the plan. */
int experiment_check(const struct campaign *campaign,
		     const struct experiment_options *options,
		     struct error *err) must_check;
/* Writes the plan (trials, order, estimated minutes) to stdout. */
int experiment_print_plan(const struct campaign *campaign,
			  const struct experiment_options *options,
			  struct error *err) must_check;
/* What a campaign will take, from what earlier runs took (store of options->results_dir). */
struct experiment_estimate {
	uint64_t build_ns;           /* of all kernels that are not in the cache */
	size_t builds_count;
	size_t builds_seen_count;    /* earlier builds that it rests on; 0: guessed */
	uint64_t boots_ns;           /* of all cells, their guests mixed as the run does */
	size_t boots_count;          /* without repeats */
	struct experiment_estimate_cell {
		uint64_t boots_ns;   /* of all its blocks, by itself, with as many guests at
					once as will run, the control and repeats too */
		size_t boots_count;  /* without repeats */
		size_t seen_count;   /* earlier trials that it rests on; 0: guessed */
	} *cells;                    /* as the campaign's; owned */
	size_t cells_count;
};
int experiment_estimate(const struct campaign *campaign,
			const struct experiment_options *options,
			struct experiment_estimate *ret, struct error *err) must_check;
void experiment_estimate_release(struct experiment_estimate *estimate);
/* Runs it. *ret_run_id (owned) is set as soon as the run is stored, also when
 * the call fails later. -EINTR: interrupted, resumable. -ENOSPC: disk full,
 * resumable. */
int experiment_run(const struct campaign *campaign,
		   const struct experiment_options *options,
		   char **ret_run_id, struct error *err) must_check;
/* Goes on with run_id (NULL: the newest unfinished). */
int experiment_resume(const char *run_id,
		      const struct experiment_options *options,
		      char **ret_run_id, struct error *err) must_check;

#endif
