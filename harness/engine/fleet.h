/* fleet.h - boots guests and follows them to their end: several at once, each
 * with deadlines, none left behind.
 *
 *     fleet_open(&options, &fleet, err);
 *     fleet_start(fleet, &job, err);           // while fleet_has_room()
 *     fleet_wait(fleet, timeout, &done, err);  // one finished job, or none yet
 *     ...
 *     fleet_close(fleet);                      // ends what still runs
 */
#ifndef KERNGATE_ENGINE_FLEET_H
#define KERNGATE_ENGINE_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "accelerator.h"
#include "error.h"
#include "exact.h"
#include "guest_lines.h"
#include "guest_spec.h"
#include "libvirt_host.h"
#include "trial.h"

struct fleet;

struct fleet_options {
	const char *uri;             /* "embed" or a libvirt URI; borrowed */
	const char *state_dir;       /* absolute, this process's own; borrowed */
	enum accelerator accelerator;
	const uint32_t *cpus;        /* host CPUs to be used; borrowed */
	uint32_t cpus_count;         /* never more measuring vCPUs at a time */
	const uint32_t *emulator_cpus; /* others, for QEMU's other threads; borrowed */
	uint32_t emulator_cpus_count; /* 0: those stay on the CPUs of their guest */
	uint64_t console_max_bytes;  /* a guest that says more floods; 0: 4 MiB */
};

/* A trial in exact mode. All borrowed. The fleet adds the kernel's arguments
 * (docs/exact-mode.md), gives every guest the same uuid to see, takes one host
 * CPU for it whatever its vCPUs, is patient (EXACT_PATIENCE), calls no such trial
 * disturbed, reads FOLDER/counts into samples and sets the result's digest. */
struct fleet_exact {
	struct exact_policy policy;
	struct exact_seed seed;
	const char *plugin_folder;   /* holds count-api1.so, count-api3.so */
	const char *profile_map;     /* System.map: counts a profile too; NULL: none */
	uint32_t profile_row;        /* of the suite */
	uint32_t profile_region;     /* of it, while a counted round is open: 3, or one of
					the workload's own; 0: 3 */
	const char *gdb_socket;      /* a path of at most 100 bytes: the guest waits there
					for a debugger, without deadlines; NULL: none */
	const char *recording;       /* QEMU keeps its own record of the run in this file;
					NULL: none */
	bool plays_recording;        /* it plays that record instead; one vCPU only */
};

/* Deadlines of exact guests are so many times longer: they share CPUs and may
 * run beside any load. */
#define EXACT_PATIENCE 8u

struct fleet_job {               /* all borrowed until the job is done */
	const char *name;            /* unique among those running; the domain's name */
	const struct guest_spec *guest;
	const char *kernel_path;
	const char *initrd_path;
	const char *cmdline;         /* of variant and workloads; the fleet adds console, shape, trial id */
	const char *folder;          /* artifacts: console.log, results.log, domain.xml, qemu.txt, pmem */
	const struct guest_expectation *expectation;
	uint32_t quiet_s;            /* so long a healthy guest may say nothing: its longest
					row, measuring; the shape's silence_s if that is more */
	const struct fleet_exact *exact; /* NULL: timed */
	void *tag;                   /* comes back in fleet_done */
};

struct fleet_done {
	void *tag;
	struct trial_result result;  /* owned by the receiver */
};

int fleet_open(const struct fleet_options *options, struct fleet **ret_fleet,
	       struct error *err) must_check;
void fleet_close(struct fleet *fleet);
/* "libvirt 9.0.0, QEMU 7.2.22"; borrowed. */
const char *fleet_version(const struct fleet *fleet);
/* For a guest in that mode: an exact one needs one CPU, whatever its vCPUs. */
bool fleet_has_room(const struct fleet *fleet, const struct guest_spec *guest,
		    enum run_mode mode);
uint32_t fleet_running_count(const struct fleet *fleet);
/* -EAGAIN without room. A guest that cannot be created is an error of the
 * harness (the XML, the host), not of the trial. */
int fleet_start(struct fleet *fleet, const struct fleet_job *job,
		struct error *err) must_check;
/* Waits until a job is done (1), timeout (0), or failure (negative errno;
 * -EINTR after fleet_interrupt: what ran is ended and dropped). */
int fleet_wait(struct fleet *fleet, uint64_t timeout_ns,
	       struct fleet_done *ret_done, struct error *err) must_check;
/* Async-signal-safe. */
void fleet_interrupt(void);
bool fleet_is_interrupted(void);

#endif
