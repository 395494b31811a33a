/* sample_project.h - a made-up project for tests of experiments: one workload (a
 * script that describes itself and cannot run), one guest, one suite, and the
 * campaign "test" with two variants, "stock" and "other".
 */
#ifndef KERNGATE_TESTS_SAMPLE_PROJECT_H
#define KERNGATE_TESTS_SAMPLE_PROJECT_H

#include "campaign.h"
#include "experiment_private.h"

/* A project, a build folder and no results yet, in one temporary folder. */
struct place {
	char *root, *build, *results, *cache; /* owned */
	struct experiment_options options;    /* of these */
};

struct place place_make(void);
void place_release(struct place *place);
#define cleanup_place cleanup_with(place_release)

/* Writes FOLDER/NAME and the folders above it. */
void place_write(const char *folder, const char *name, const char *text, mode_t mode);
/* The campaign "test" of the place. */
bool place_load(const struct place *place, struct campaign *ret_campaign);
/* Checks it and plans it into ret->run. */
bool place_prepare(const struct place *place, const struct campaign *campaign,
		   struct experiment *ret);

#endif
