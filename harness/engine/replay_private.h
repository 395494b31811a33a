/* replay_private.h - what the replay*.c files share. replay.h is the interface.
 *
 *     replay_world.c       a trial of a run > struct replay_world
 *     replay.c             struct replay_world > the trial run again
 *     replay_difference.c  two trials' folders > their first difference
 *     replay_debug.c       stops and commands for a debugger (replay_debug.h)
 */
#ifndef KERNGATE_ENGINE_REPLAY_PRIVATE_H
#define KERNGATE_ENGINE_REPLAY_PRIVATE_H

#include "replay.h"

/* As replay_first_difference, of console.log and results.log only. */
char *replay_ports_difference(const char *folder_a, const char *folder_b, int *ret_code);
/* Of a trial and its record as QEMU played it: the played console may end early, since
 * QEMU plays a guest's power-off at once when the last event before it (a timer's or
 * a port's interrupt) has passed. */
char *replay_played_difference(const char *first, const char *played, int *ret_code);

/* The first difference between the descriptions of two trials' guests (domain.xml),
 * paths and names aside: kerngate itself has changed. Owned; NULL without one, or
 * where one was not kept. */
char *replay_shape_difference(const char *folder_a, const char *folder_b);

#endif
