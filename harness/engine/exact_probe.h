/* exact_probe.h - the proof of exact mode on this host: one trial of each shape
 * again and again, alone, beside load, and with as many others as the host has
 * CPUs. All of a shape must have the same digest.
 *
 *     exact_probe_run(&options, &probe, err);
 *     for (i = 0; i < probe.groups_count; i++) ... probe.groups[i].is_exact ...
 *     exact_probe_release(&probe);
 */
#ifndef KERNGATE_ENGINE_EXACT_PROBE_H
#define KERNGATE_ENGINE_EXACT_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "campaign.h"
#include "error.h"
#include "exact.h"
#include "trial.h"

enum probe_condition {
	PROBE_ALONE,
	PROBE_BESIDE_LOAD,       /* a spinning process on every CPU */
	PROBE_SIDE_BY_SIDE,      /* as many guests at once as there are CPUs, or as
				    memory allows */
	PROBE_CONDITIONS_COUNT
};

const char *probe_condition_name(enum probe_condition condition); /* "alone", ... */

struct exact_probe_options {             /* all borrowed */
	const char *build_dir;           /* holds workloads/, plugin/, guest_init */
	const char *uri;                 /* "embed" or a libvirt URI */
	const char *kernel_path;         /* vmlinux */
	const struct guest_spec *guests; /* shapes */
	size_t guests_count;
	const struct suite *suite;
	struct exact_policy policy;
	uint64_t seed;
	uint32_t counts[PROBE_CONDITIONS_COUNT]; /* trials of each; SIDE_BY_SIDE: how often
						    all of them at once; 0: none;
						    two in all at least */
};

struct probe_trial {
	enum probe_condition condition;
	char *name;              /* of its domain; owned */
	enum outcome outcome;
	char *reason;            /* owned; NULL if passed */
	char *digest;            /* owned */
	char *folder;            /* its artifacts; owned */
	uint64_t wall_ns;        /* create to stopped */
};

struct probe_group {             /* the trials of one shape */
	const struct guest_spec *guest; /* borrowed from the options */
	struct probe_trial *trials;     /* owned */
	size_t trials_count;
	bool is_exact;           /* all passed, and one digest */
	size_t odd;              /* the first trial that did not pass or has another
				    digest than the first; meaningless if exact */
	char *difference;        /* the first between trial 0 and the odd one; owned;
				    NULL where there is none to show */
};

struct exact_probe {
	struct probe_group *groups;     /* owned */
	size_t groups_count;
	char *hypervisor;        /* "libvirt 9.0.0, QEMU 7.2.22"; owned */
	char *folder;            /* temporary; owned */
	bool keeps_folder;       /* set it, and release leaves the folder; set by the
				    probe where something differed */
	uint32_t cpus_count;
};

#define EXACT_PROBE_INIT ((struct exact_probe){ .groups = NULL })

/* Takes its time: some seconds a trial. Errors are of the harness (a guest that
 * cannot be created, an unknown QEMU, a full disk); -EINVAL: nothing to prove it
 * with; -EINTR, -ECANCELED: interrupted. */
int exact_probe_run(const struct exact_probe_options *options,
		    struct exact_probe *ret_probe, struct error *err) must_check;
bool exact_probe_is_exact(const struct exact_probe *probe);
void exact_probe_release(struct exact_probe *probe);

#endif
