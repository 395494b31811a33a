/* bisect_private.h - what the bisect*.c files share. bisect.h is the interface.
 *
 *     bisect.c        begin, resume; what was asked
 *     bisect_state.c  state.json: runs, skips, images
 *     bisect_data.c   runs > boots of the model
 *     bisect_step.c   one step: kernels, campaign, run
 *     bisect_go.c     step after step until there is an answer
 */
#ifndef KERNGATE_ENGINE_BISECT_PRIVATE_H
#define KERNGATE_ENGINE_BISECT_PRIVATE_H

#include "bisect.h"

static inline const struct kernel_row_item *bisect_item(const struct bisect *bisect,
							size_t position)
{
	return &bisect->row.items[bisect->good + position];
}

static inline bool bisect_is_exact(const struct bisect *bisect)
{
	return bisect->setting.campaign.mode == MODE_EXACT;
}

/* --- bisect_state.c ------------------------------------------------------------ */
int bisect_state_save(const struct bisect *bisect, struct error *err) must_check;
/* What was skipped and which kernels are alike > model. */
int bisect_state_apply(struct bisect *bisect, struct error *err) must_check;
int bisect_state_skip(struct bisect *bisect, size_t position, const char *why,
		      struct error *err) must_check;
/* Remembers a kernel's image, and that kernels of the same one are twins. Returns
 * whether the position is now known to be another's twin. */
bool bisect_state_image(struct bisect *bisect, size_t position, const char *image_sha256);
/* The runs: {"campaign", "kind", "positions", "blocks", "seed", "run"}; borrowed. */
json_t *bisect_state_runs(const struct bisect *bisect);
size_t bisect_state_count(const struct bisect *bisect, const char *kind);
/* Adds the time since this was last called to what is spent. */
void bisect_state_spend(struct bisect *bisect);
/* Minutes left of the budget; UINT32_MAX without one. */
uint32_t bisect_state_left_minutes(const struct bisect *bisect);

/* --- bisect_data.c --------------------------------------------------------------- */
/* Fills boots, tries and check from all runs that are finished. */
int bisect_gather(struct bisect *bisect, struct error *err) must_check;
/* Why the last boot of a position gave nothing; owned. */
char *bisect_failure(struct bisect *bisect, size_t position);

/* --- bisect_step.c ---------------------------------------------------------------- */
/* Goes on with the last run where that is not finished. */
int bisect_finish_run(struct bisect *bisect, struct error *err) must_check;
/* kind: "ends", "step", "check". Returns 1 if a position was skipped, or turned out to
 * be another's twin, so that nothing was booted. */
int bisect_step(struct bisect *bisect, const char *kind, const size_t *positions, size_t count,
		uint32_t blocks, uint64_t first_seed, struct error *err) must_check;

#endif
