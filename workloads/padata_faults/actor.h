/* actor.h - a process that does one job while its parent watches and interferes.
 *
 *     struct actor actor = { .prepare = ..., .job = ..., .finish = ... };
 *
 *     actor_start(&actor);
 *     if (actor_is_halfway(&actor, progress, least)) ... kill(actor.pid, ...)
 *     status = actor_wait(&actor);        // then actor.stage says how it went
 *     actor_release(&actor);
 *
 * It has one thread: what else shows up in /proc/PID/task are the kernel's helpers.
 * In the actor no runtime function may be called that ends the workload.
 */
#ifndef KERNGATE_PADATA_FAULTS_ACTOR_H
#define KERNGATE_PADATA_FAULTS_ACTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup.h"

/* What a process has of its own, and must have again when a job was undone. */
struct holdings {
	uint64_t locked_kib, pinned_kib; /* VmLck, VmPin */
	uint64_t maps_digest;            /* of /proc/self/maps */
};

enum phase { PHASE_PREPARING, PHASE_JOB, PHASE_OVER };

/* Shared with the actor. */
struct stage {
	_Atomic uint32_t phase;
	int error;                       /* errno of the job, 0 if it worked */
	uint64_t unmapped_bytes;         /* of a job of VFIO, when it was over */
	uint64_t charged_bytes;          /* to its group, where a case looks at that */
	bool is_fault_taken;             /* fail_nth: that allocation came, and failed */
	struct holdings before, during, after; /* the job; in it; finish() */
	char complaint[256];             /* of the actor, where it gave up */
};

struct actor {
	/* set by the caller; all three run in the actor */
	void (*prepare)(struct actor *actor);  /* may be NULL */
	int (*job)(struct actor *actor);       /* 0 or an errno */
	void (*finish)(struct actor *actor);   /* may be NULL */
	void *argument;
	const struct cgroup *group;            /* it joins this; NULL: none */
	bool is_failing;                       /* allocations fail for it (make-it-fail) */
	unsigned int fail_nth;                 /* the n-th allocation of its job fails */
	bool is_alone;                         /* its job gets no helpers, and that is right */
	/* set by actor_start */
	pid_t pid;
	struct stage *stage;
	uint32_t helpers_count;                /* most that were seen */
};

void actor_start(struct actor *actor);
/* Waits until the job has come so far, by what `progress` says of it. False: it was over
 * before it was seen there, as may happen where the host keeps this CPU from running.
 * Ends the workload as failed where the kernel has helpers for such a job, but none was
 * seen (actor_expects_helpers). */
bool actor_wait_halfway(struct actor *actor, uint64_t (*progress)(struct actor *actor),
			uint64_t least);
/* The status of waitpid(); broken if the actor complained, or takes over a minute. */
int actor_wait(struct actor *actor);
/* actor_wait() of one that must come to its end by itself. */
void actor_join(struct actor *actor);
void actor_release(struct actor *actor);
/* In the actor: ends it with a complaint. */
_Noreturn void actor_give_up(struct actor *actor, const char *format, ...)
	printf_like(2, 3);

/* Whether jobs get helpers here: padata splits them, may, and has other CPUs for them in
 * the caller's node. */
bool actor_expects_helpers(void);
/* The most that any actor had. */
uint32_t actor_helpers_max(void);

/* RssAnon of the actor, in KiB. */
uint64_t actor_rss_kib(struct actor *actor);

#endif
