/* fake_world.h - a trial that failed, as replay_load_trial would find it: its
 * files, a kernel of one patch and one fragment, a guest with everything set.
 */
#ifndef KERNGATE_TESTS_FAKE_WORLD_H
#define KERNGATE_TESTS_FAKE_WORLD_H

#include "replay.h"

/* Where it was: a made-up run's folder and project. */
struct origin {
	const char *folder;  /* borrowed */
	char *results;       /* where cases go; not made yet; owned */
};

struct origin origin_make(void);
void origin_release(struct origin *origin);
#define cleanup_origin cleanup_with(origin_release)
/* FOLDER/NAME and the folders above it. */
void origin_write(const char *folder, const char *name, const char *text);

/* Seed 7: "WARNING in return_pages", and its only row failed. */
struct replay_world world_make(const struct origin *origin);
#define cleanup_world cleanup_with(replay_world_release)
/* Keeps it; the case's name (owned), "" and a failure of the test where that was
 * refused. */
char *world_keep(const struct origin *origin, const struct replay_world *world);
#define FAKE_CASE "warning-in-return_pages-seed7"

#endif
