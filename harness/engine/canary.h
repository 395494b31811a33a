/* canary.h - does exact mode hold here? The canary is the baseline booted again
 * with the same seed: its console, results and counts must be the same bytes.
 * Where they are not, it is booted once more, and the world that came twice is
 * taken; where none did, the cell is not exact, and its figures prove nothing.
 *
 * The canary is the control copy of the baseline (stored_run.control_variant), in
 * every block or in the first. All of it is read from the stored run, so that a
 * resumed run and a later look come to the same answer.
 */
#ifndef KERNGATE_ENGINE_CANARY_H
#define KERNGATE_ENGINE_CANARY_H

#include <stddef.h>
#include <stdint.h>

#include "campaign.h"
#include "run_store.h"

#define CANARY_TRIALS_MAX 3

enum canary_state {
	CANARY_NONE,     /* the block has none */
	CANARY_WAITING,  /* a trial of it is not finished */
	CANARY_SILENT,   /* no two trials can be compared: broken, or cut off */
	CANARY_EQUAL,
	CANARY_REPEAT,   /* differs: to be booted once more */
	CANARY_ODD,      /* two of three are equal; the third is to be left out */
	CANARY_INEXACT,  /* no two are equal */
};

struct canary {
	enum canary_state state;
	size_t trials[CANARY_TRIALS_MAX]; /* indexes into the run's: those compared */
	size_t trials_count;
	size_t odd;      /* index into the run's trials; CANARY_ODD only */
};

/* Of a block in a cell of an exact run. Pure. */
struct canary canary_look(const struct stored_run *run, uint32_t cell, uint32_t block);

/* What is to be said of the canaries of one cell: those that were odd, silent or
 * not exact, with the first difference (read from the trials' folders) and where
 * to look for its cause. Owned; NULL where all is well. planned is the cell as the
 * campaign has it. */
char *canary_note(const struct run_store *store, const struct stored_run *run, uint32_t cell,
		  const struct campaign_cell *planned);

#endif
