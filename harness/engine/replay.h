/* replay.h - a world of exact mode made once more: all that one trial was made
 * of, found again or refused by name, and the trial run again from it. `kerngate
 * replay`, `kerngate profile` and the kept cases of `kerngate validate` stand on
 * it.
 *
 *     replay_load_trial(store, "20261121-213000-validate/12", &setup, &world, err);
 *     replay_run(&world, &options, &outcome, err);
 *     ... outcome.identical ...
 *
 * What an exact run keeps for it: in results/RUN/initrd/SHA256.cpio the common
 * archive of each cell, in each trial's folder plan.cpio, console.log, results.log
 * and counts; in the store seed, policy, fingerprint and digest; its campaign's
 * copy with the kernel's spec. A case (docs/result-format.md, "Cases") is a folder
 * that holds the same by itself.
 */
#ifndef KERNGATE_ENGINE_REPLAY_H
#define KERNGATE_ENGINE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "campaign.h"
#include "error.h"
#include "experiment.h"
#include "kernel_builder.h"
#include "run_store.h"
#include "trial.h"
#include "workload_info.h"

struct replay_world {
	char *name;                   /* "RUN/12", or the case's; owned */
	struct guest_spec guest;      /* owned */
	struct suite suite;           /* rows by name and workload; owned */
	struct workload_info *workloads; /* of each row; owned (metrics as stored) */
	struct kernel_spec kernel;    /* owned */
	char *kernel_key;             /* of the spec then; owned; NULL: not known */
	char *variant;                /* its name; owned */
	char *image_sha256;           /* of the kernel then; owned */
	char *cmdline;                /* of variant and workloads; owned */
	struct exact_policy policy;
	struct exact_seed seed;
	char *common_path, *plan_path; /* archives; owned */
	char *initrd_sha256;          /* of the common archive; owned */
	char *hypervisor;             /* "libvirt 9.0.0, QEMU 7.2.22"; owned */
	char *folder;                 /* console.log, results.log of then; owned */
	char *digest;                 /* owned */
	enum outcome outcome;         /* then */
	char *reason;                 /* owned; may be NULL */
	uint32_t bad_row;             /* number, from 1, of the first row that did not
					 pass; 0: none, or not known */
	struct finding *findings; size_t findings_count; /* owned */
};

void replay_world_release(struct replay_world *world);

/* trial: "RUN/NUMBER" (NUMBER as `kerngate show` numbers trials; RUN as
 * run_store_load takes it). -ENOENT: no such trial, or a file that it needs is
 * gone (named); -EINVAL: it ran in timed mode; -EAGAIN: not finished yet. */
int replay_load_trial(struct run_store *store, const char *trial,
		      const struct experiment_options *options,
		      struct replay_world *ret_world, struct error *err) must_check;

struct replay_options {
	const struct experiment_options *experiment; /* borrowed: folders, cache, uri */
	const struct kernel_spec *other_kernel; /* run it on this one (a mended kernel);
						   NULL: on the one it ran on, which must be
						   the same to the byte */
	bool profile;                /* count functions of profile_row (then no digest is
					compared: the plugin's other form is allowed to
					take other turns) */
	uint32_t profile_row;
	uint32_t profile_region;     /* of it, while a counted round is open: 3, or one of
					the workload's own */
	const char *folder;          /* for the new artifacts; created */
	/* The guest runs once more, with a debugger: called once with the stub's
	 * socket and the kernel's ELF file when the guest stands before its first
	 * instruction; it returns when the debugger is done with. Artifacts of that
	 * run: FOLDER/debugged. NULL: no debugger. */
	int (*debug)(void *context, const char *socket, const char *vmlinux,
		     struct error *err);
	void *context;
};

struct replay_outcome {
	struct trial_result result;  /* owned */
	struct built_kernel kernel;  /* owned */
	bool identical;              /* console and result lines, byte for byte */
	char *difference;            /* the first one: file, line, both texts; owned;
					NULL where identical or another kernel ran */
	char *debugged;              /* how the run with the debugger parted from the one
					before it; owned; NULL: not at all, or there was none */
	char *counts_path;           /* owned; NULL without the plugin */
};

void replay_outcome_release(struct replay_outcome *outcome);

/* Refuses (-ESTALE, naming both values) another image, initramfs, or hypervisor
 * than then. -EINTR: interrupted. */
int replay_run(const struct replay_world *world, const struct replay_options *options,
	       struct replay_outcome *ret_outcome, struct error *err) must_check;

/* The first difference between two trials' folders (console.log, results.log,
 * regions of counts): "console.log, line 212: \"...\" and \"...\""; NULL if there is
 * none; -errno of reading in *ret_code. Owned. */
char *replay_first_difference(const char *folder_a, const char *folder_b, int *ret_code);

#endif
