/* experiment_private.h - what the experiment*.c files share. experiment.h is
 * the interface.
 *
 *     experiment_check.c        campaign and host > struct experiment, refusals
 *     experiment_plan.c         > struct stored_run; the printed plan
 *     experiment_estimate.c     how long it will take
 *     experiment_config.c       copy of the configs with the run, for resume
 *     experiment_kernels.c      kernels built, checked, recorded
 *     experiment_fingerprint.c  what makes trials comparable
 *     experiment_trial.c        one trial: its folder, initramfs and job
 *     experiment_boots.c        the loop over trials
 *     experiment_repeats.c      trials that are run once more; the run's note
 *     experiment_looks.c        judged on the way: whether to go on
 *     experiment.c              run and resume as a whole
 */
#ifndef KERNGATE_ENGINE_EXPERIMENT_PRIVATE_H
#define KERNGATE_ENGINE_EXPERIMENT_PRIVATE_H

#include "experiment.h"
#include "fleet.h"
#include "guest_image.h"
#include "guest_placement.h"
#include "hash.h"

/* A trial of a cell that no run of this store has measured yet. */
#define EXPERIMENT_TRIAL_GUESS_NS (UINT64_C(10) * 1000000000)

#define EXPERIMENT_CPUS_MAX 1024

struct experiment_cell {
	char *initrd_common;          /* path; owned; NULL until the boots */
	char initrd_sha256[SHA256_HEX_SIZE];
	char guest_sha256[SHA256_HEX_SIZE]; /* of the shape's record */
	const struct workload_info **workloads; /* of each row; array owned */
	struct workload_info *loaded; /* of rows with a load, what `workloads` has of
					 them: borrows from the catalog, but for the
					 array and its metrics, which are owned */
	size_t rows_count;
	const char **row_names;       /* borrowed from the campaign; array owned */
	uint64_t expected_ns;         /* of one trial */
	uint64_t *variants_ns;        /* the same of each variant; owned; NULL: expected_ns */
	double repeats_ratio;         /* repeats for each planned trial, as they were */
	size_t seen_count;            /* earlier trials that expected_ns is of; 0: guessed */
	uint64_t measured_ns;         /* sum over this process's trials */
	uint32_t measured_count;
};

struct experiment {
	const struct experiment_options *options; /* borrowed */
	const struct campaign *campaign;          /* borrowed */
	struct workload_catalog catalog;
	struct kernel_cache *cache;       /* owned */
	char (*kernel_keys)[SHA256_HEX_SIZE]; /* of each variant; owned */
	bool *kernel_cached;              /* owned */
	struct built_kernel *kernels;     /* of each variant, once built; owned */
	size_t kernels_count;
	struct experiment_cell *cells;    /* as campaign->cells; owned */
	size_t cells_count;
	uint32_t cpus[EXPERIMENT_CPUS_MAX];
	uint32_t cpus_count;
	uint32_t emulator_cpus[GUEST_EMULATOR_CPUS_MAX]; /* not among them */
	uint32_t emulator_cpus_count;
	enum accelerator accelerator;
	struct accelerator_probe probe;
	uint64_t memory_mib;              /* that guests may take together */
	char *plugin_folder;              /* of the counting plugin; owned */
	struct strvec plugin_lines;       /* of the fingerprint; none where nothing counts */
	struct run_store *store;          /* owned */
	struct stored_run run;
	char *run_folder;                 /* owned */
	int lock;                         /* fd of the run's lock, or -1 */
	struct fleet *fleet;              /* owned */
	struct strvec fingerprint;        /* lines that all trials share */
};

void experiment_release(struct experiment *experiment);
#define cleanup_experiment cleanup_with(experiment_release)

/* --- experiment_check.c: fills *ret; refuses what cannot work ------------- */
int experiment_prepare(const struct campaign *campaign,
		       const struct experiment_options *options,
		       struct experiment *ret, struct error *err) must_check;
bool experiment_is_exact(const struct experiment *experiment);
/* Host CPUs that a guest takes; in exact mode one, whatever its vCPUs. */
uint32_t experiment_guest_cpus(const struct experiment *experiment,
			       const struct guest_spec *guest);
/* Guests of this shape that may run at once here: at least 1. */
uint32_t experiment_concurrency(const struct experiment *experiment,
				const struct guest_spec *guest);
/* Memory one running guest takes from the host. */
uint64_t experiment_guest_memory_mib(const struct guest_spec *guest);
/* Whether the host has its huge pages free, now; true where it wants none. */
bool experiment_has_hugepages(const struct guest_spec *guest);
/* -ENOSPC when so little is left that writing must be expected to fail. */
int experiment_check_space(const struct experiment *experiment, struct error *err) must_check;

/* --- experiment_plan.c ------------------------------------------------------ */
/* JSON of a guest's shape, keys sorted; owned. */
char *experiment_guest_record(const struct guest_spec *guest);
/* Everything of a new run but its id. */
int experiment_make_plan(const struct experiment *experiment,
			 struct stored_run *ret_run, struct error *err) must_check;
/* Index into campaign->variants of a stored variant (the control's copy is the
 * baseline). */
size_t experiment_variant_of(const struct experiment *experiment, uint32_t stored_variant);
/* As experiment_prepare, with the plan, the store if there is one, and what trials are
 * expected to take. */
int experiment_prepare_unstored(const struct campaign *campaign,
				const struct experiment_options *options,
				struct experiment *ret, struct error *err) must_check;

/* --- experiment_estimate.c ---------------------------------------------------- */
/* Looks up expected_ns and its neighbours of all cells; store may be NULL. */
void experiment_expect_durations(struct experiment *experiment);
/* Time that the unfinished trials of one block (UINT32_MAX: of all) will take,
 * several at once where there is room. */
uint64_t experiment_remaining_ns(const struct experiment *experiment, uint32_t block);
/* Of all that is still to build and to boot, once durations are looked up. */
void experiment_fill_estimate(const struct experiment *experiment,
			      struct experiment_estimate *ret);
/* "about 12 min: builds 1 (about 7.0 min, from 9 earlier ones), boots 60 (about 4.5 min;
 * from 82 earlier trials)"; owned. */
char *experiment_estimate_text(const struct experiment_estimate *estimate);
/* What the budget does to it, in one line; owned; NULL: there is none. */
char *experiment_budget_text(const struct experiment *experiment,
			     const struct experiment_estimate *estimate);
/* Both, and each cell, to stdout. */
void experiment_print_estimate(const struct experiment *experiment);

/* --- experiment_config.c ---------------------------------------------------- */
int experiment_save_config(const struct experiment *experiment, struct error *err) must_check;
/* The campaign that a stored run was made from, from its own copy or else from
 * where it was: what matters must be as it was stored. */
int experiment_load_config(struct run_store *store, const struct stored_run *run,
			   const struct experiment_options *options,
			   struct campaign *ret_campaign, struct error *err) must_check;
/* Leaves out of its campaign what the run was begun without (--only, --skip). Pure. */
void experiment_keep_planned(const struct stored_run *run, struct campaign *campaign);
/* -ESTALE naming the first difference that would make trials unlike. Pure. */
int experiment_compare_config(const struct stored_run *run, const struct stored_run *planned,
			      struct error *err) must_check;

/* --- experiment_kernels.c --------------------------------------------------- */
int experiment_build_kernels(struct experiment *experiment, struct error *err) must_check;

/* --- experiment_fingerprint.c ----------------------------------------------- */
void experiment_fingerprint_begin(struct experiment *experiment);
/* Sorted "key=value\n" lines of one trial; owned. */
char *experiment_fingerprint(const struct experiment *experiment, uint32_t cell,
			     uint32_t stored_variant);

/* --- experiment_trial.c ------------------------------------------------------ */
/* Name of a trial to its guest in exact mode, where the same seed must give the
 * same bytes. */
#define EXPERIMENT_EXACT_TRIAL_ID "exact"

struct experiment_boot {          /* one running trial */
	size_t index;             /* into run.trials */
	struct fleet_job job;     /* points to what follows */
	struct fleet_exact exact;
	struct guest_expectation expectation;
	char *trial_id, *name, *folder, *initrd, *cmdline; /* owned */
};

/* Makes the trial's folder with what the guest needs. Owned. */
int experiment_boot_make(const struct experiment *experiment, size_t index,
			 struct experiment_boot **ret_boot, struct error *err) must_check;
/* Removes what was for the guest only and may be large. In exact mode plan.cpio
 * stays: the seed's own part of the initramfs (replay.h). */
void experiment_boot_drop_inputs(const struct experiment_boot *boot);
void experiment_boot_free(struct experiment_boot *boot); /* NULL allowed */
/* The common archive of each cell, in RUN/initrd; in exact mode under its hash. */
int experiment_write_commons(struct experiment *experiment, struct error *err) must_check;
/* Removes them, but in exact mode, where a replay needs them. */
void experiment_drop_commons(const struct experiment *experiment);

/* --- experiment_repeats.c ---------------------------------------------------- */
/* Whether a finished trial is to be repeated. Pure. */
bool experiment_wants_repeat(const struct stored_trial *trial, uint32_t repeats_max);
/* After a trial is stored: plans its repeat where it needs one, and in exact mode
 * settles the canary of its block as far as that can be (canary.h). */
int experiment_settle(struct experiment *experiment, size_t index,
		      struct error *err) must_check;
/* All of that for trials of an earlier process, which may have ended between
 * storing a trial and planning its repeat. */
int experiment_settle_all(struct experiment *experiment, struct error *err) must_check;
/* Writes what there is to note about the run: that a look ended it; trials that were
 * left out and why ("the budget of 5 minutes was spent"; NULL: for no other reason);
 * canaries that differ. Keeps a note of before where there is nothing. */
int experiment_write_note(struct experiment *experiment, const char *why_left_out,
			  struct error *err) must_check;

/* --- experiment_looks.c ------------------------------------------------------ */
/* Whether a look ended the run: nothing more is started. Pure. */
bool experiment_is_settled(const struct stored_run *run);
/* Whether a trial may only start after a look that was not taken yet. Pure. */
bool experiment_waits_for_look(const struct stored_run *run, const struct stored_trial *trial);
/* Takes the next look where all trials before it are over; else *ret_taken is
 * false. */
int experiment_look(struct experiment *experiment, bool *ret_taken,
		    struct error *err) must_check;

/* --- experiment_boots.c ----------------------------------------------------- */
int experiment_boot_trials(struct experiment *experiment, struct error *err) must_check;
/* Index of the next planned trial, in order; repeats, which stand at the end of
 * the plan, come first: near in time to the block they belong to. SIZE_MAX if
 * nothing is left. Pure. */
size_t experiment_next_trial(const struct stored_run *run);
/* Whether the budget allows a block to be begun after spent_ns. The first always
 * may: a run of nothing would tell nothing. Pure. */
bool experiment_block_fits(const struct experiment *experiment, uint32_t block,
			   uint64_t spent_ns);
/* Whether options->deadline_ns allows the block to be begun at now_ns or, if it has
 * begun, one more of its trials. Pure. */
bool experiment_meets_deadline(const struct experiment *experiment, uint32_t block,
			       bool has_begun, uint64_t now_ns);

#endif
