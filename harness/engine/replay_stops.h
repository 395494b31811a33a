/* replay_stops.h - where a debugger is to stop in a world, as far as the world alone
 * tells: which markers, in which programs of the guest, at which addresses. Between
 * replay_stops.c and replay_debug.c.
 */
#ifndef KERNGATE_ENGINE_REPLAY_STOPS_H
#define KERNGATE_ENGINE_REPLAY_STOPS_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "replay.h"

#define REPLAY_STEPS_MAX 2

struct replay_step {            /* one way to go, up to a marker */
	uint32_t mark;          /* 0: none */
	char *program;          /* of the initramfs that has it; owned; NULL: any */
	uint64_t skip;          /* so often it is passed first */
	uint64_t *addresses;    /* owned */
	size_t addresses_count;
};

struct replay_stops {
	struct replay_step steps[REPLAY_STEPS_MAX];
	size_t steps_count;
	struct replay_step first_row; /* where a kernel that the seed moved is looked
					 for; not there where it is not moved */
	bool at_finding;        /* then in the kernel's functions; no steps */
	char *what;             /* where it stops, for people; owned; NULL: at the start */
	char *program;          /* of the guest, whose symbols help there; owned; NULL: none */
	char *program_path;     /* its copy; owned; NULL without one */
};

/* until: words of debug_stop_parse(); NULL: where the trial went wrong. folder: gets
 * the program's copy. -ENOENT: no such row or marker; -EINVAL: other words. */
int replay_stops_find(const struct replay_world *world, const char *until, const char *folder,
		      struct replay_stops *ret_stops, struct error *err) must_check;
void replay_stops_release(struct replay_stops *stops);

/* How often the step's marker is still passed when gdb has been at the first row to
 * look for the kernel; -1: gdb stands there already. Pure. */
int64_t replay_step_skip(const struct replay_stops *stops, const struct replay_step *step);

#endif
