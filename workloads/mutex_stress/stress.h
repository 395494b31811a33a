/* stress.h - what the processes of mutex_stress share: a page of slots that says who
 * does what since when, the locks they fight for, and the files that own these.
 *
 * One process watches (the workload's own), one interferes (churn.c), one takes CPUs
 * away and brings them back (plug.c), the others are actors (actor.c): two threads
 * that take and await mutexes of the kernel, and a third that wakes those of them that
 * sleep inside one. A run is storms with a calm after each: in a calm nobody begins
 * anything, so whoever does not come home then has been forgotten by the kernel.
 *
 * In the children no runtime function may be called that ends the workload.
 */
#ifndef KERNGATE_MUTEX_STRESS_STRESS_H
#define KERNGATE_MUTEX_STRESS_STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cgroup.h"

#define ACTORS_MAX 32
#define WORKERS_COUNT 2                 /* threads of an actor that do deeds */
#define SLOT_CHURN (ACTORS_MAX * WORKERS_COUNT)
#define SLOT_PLUG (SLOT_CHURN + 1)
#define SLOTS_COUNT (SLOT_PLUG + 1)

#define FILES_COUNT 3                   /* each with its f_pos_lock */
#define PIPES_COUNT 4
#define GROUPS_COUNT 3                  /* the root is the first */

/* What a thread can be at; each has a line in deed_names. */
enum deed {
	DEED_NONE,
	/* actors: owners that sleep inside, and those who wait for them */
	DEED_FILE_HOLD, DEED_FILE_WAIT,
	DEED_SEQ_HOLD, DEED_SEQ_MIDDLE, DEED_SEQ_WAIT,
	DEED_PIPE_WRITE, DEED_PIPE_READ, DEED_PIPE_DRAIN, DEED_PIPE_WAIT, DEED_PIPE_CHAIN,
	DEED_TTY_READ, DEED_TTY_WRITE, DEED_TTY_FEED,
	DEED_GROUP_CHAIN, DEED_FORK, DEED_EXEC,
	/* the one that interferes */
	DEED_SIGNAL, DEED_CLASS, DEED_AFFINITY, DEED_GROUP, DEED_KILL,
	/* the one that unplugs */
	DEED_OFFLINE, DEED_ONLINE,
	DEEDS_COUNT
};

enum phase { PHASE_CALM, PHASE_STORM, PHASE_END };

/* Of a thread. Written by it alone; the watcher empties those of the dead. */
struct slot {
	_Atomic int32_t thread;         /* its id, 0 while there is none */
	_Atomic uint32_t deed;
	_Atomic uint64_t begun_ns;      /* 0: it is home */
	_Atomic uint64_t longest_ns;
};

/* Shared by all processes. */
struct arena {
	_Atomic uint32_t phase;
	_Atomic int32_t processes[ACTORS_MAX];       /* ids of the actors, 0: none */
	_Atomic int32_t doomed[ACTORS_MAX];          /* that was killed, and must end */
	_Atomic uint64_t done[DEEDS_COUNT];
	_Atomic uint64_t interrupted[DEEDS_COUNT];   /* ended by a signal: EINTR */
	_Atomic uint64_t refused[DEEDS_COUNT];       /* ended by another error */
	_Atomic uint64_t naps_count;                 /* owners that slept inside */
	struct slot slots[SLOTS_COUNT];
	char complaint[256];            /* of a child that cannot go on; "": none */
};

struct stress {
	struct arena *arena;
	uint64_t seed;
	uint32_t actors_count, nap_max_us, cpus_count;
	bool is_throttled;               /* a group has a quota */
	bool is_unplugged;               /* CPUs go and come */
	bool has_deadlines;              /* actors become SCHED_DEADLINE, too */
	int files[FILES_COUNT];         /* of a tmpfs, shared by all */
	int seq;                        /* of /proc, shared: f_pos_lock, then its own */
	int pipes[PIPES_COUNT][2];      /* none of them blocks */
	int terminal, master;
	int procs[GROUPS_COUNT];        /* cgroup.procs, shared: three mutexes deep */
	struct cgroup groups[GROUPS_COUNT]; /* the first is none of ours: "" */
};

extern struct stress stress;
extern const char *const deed_names[DEEDS_COUNT];

/* locks.c: opens all that is above, and closes it again (also half of it). */
void locks_open_or_broken(void);
void locks_close(void);
/* Gives readers of the terminal so much, and takes away what its writers wrote. */
void locks_feed(uint32_t bytes_count);

/* Each runs in a process of its own until the storm is over for good. */
_Noreturn void actor_run(uint32_t index, uint32_t generation);
_Noreturn void churn_run(void);
_Noreturn void plug_run(void);

/* --- of all children --------------------------------------------------------------- */

/* xorshift64*; never 0. */
uint64_t random_seed(uint64_t seed, uint64_t of);
uint32_t random_below(uint64_t *state, uint32_t bound);
void nap_us(uint32_t duration_us);
/* Waits while it is calm; false at the end. */
bool phase_wait_storm(void);

void slot_begin(struct slot *slot, enum deed deed);
/* result: of a system call, with errno. */
void slot_end(struct slot *slot, enum deed deed, long result);
void child_begin(struct slot *slot, int fifo_priority);
_Noreturn void child_give_up(const char *format, ...) printf_like(1, 2);

#endif
