/* experiment_looks.c - a run that is judged on the way, and ends where everything is
 * settled. What a look may call is comparison_looks.c's.
 */
#include <inttypes.h>

#include "clock.h"
#include "comparison.h"
#include "experiment_private.h"
#include "log.h"

bool experiment_is_settled(const struct stored_run *run)
{
	for (size_t i = 0; i < run->looks_count; i++)
		if (run->looks[i].stopped)
			return true;
	return false;
}

/* Index of the next look; looks_count if none will be taken. */
static size_t next_look(const struct stored_run *run)
{
	size_t next = 0;

	if (experiment_is_settled(run))
		return run->looks_count;
	while (next < run->looks_count && run->looks[next].taken_wall_ns)
		next++;
	return next;
}

bool experiment_waits_for_look(const struct stored_run *run, const struct stored_trial *trial)
{
	size_t next = next_look(run);

	return next < run->looks_count && trial->block >= run->looks[next].blocks;
}

static bool is_due(const struct stored_run *run, const struct stored_look *look)
{
	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].block < look->blocks && run->trials[i].state != TRIAL_FINISHED)
			return false;
	return true;
}

static void log_look(const struct stored_run *run, size_t index)
{
	const struct stored_look *look = &run->looks[index];

	log_info("look %zu of %zu, after %" PRIu32 " of %" PRIu32 " blocks: %" PRIu32
		 " not settled%s", index + 1, run->looks_count, look->blocks,
		 run->looks[run->looks_count - 1].blocks, look->open_count,
		 look->stopped ? ", the run ends here" : "");
}

/* The look counts as taken before it is judged: its share of alpha is spent. */
static int judge(struct experiment *experiment, size_t index, struct stored_look *ret_look,
		 struct error *err)
{
	struct stored_run *run = &experiment->run;
	cleanup_with(comparison_release) struct comparison c = { .entries = NULL };
	int rc;

	run->looks[index].taken_wall_ns = clock_wall_ns();
	rc = comparison_make(experiment->store, run, NULL, &c, err);
	if (rc)
		return error_prefix(err, "look %zu", index + 1);
	ret_look->taken_wall_ns = run->looks[index].taken_wall_ns;
	ret_look->alpha = c.policy.alpha;
	ret_look->open_count = comparison_open_count(&c);
	ret_look->stopped = index + 1 < run->looks_count && comparison_may_stop(&c, run);
	return 0;
}

int experiment_look(struct experiment *experiment, bool *ret_taken, struct error *err)
{
	struct stored_run *run = &experiment->run;
	size_t index = next_look(run);
	struct stored_look look;
	int rc;

	*ret_taken = false;
	if (index == run->looks_count || !is_due(run, &run->looks[index]))
		return 0;
	look = run->looks[index];
	rc = judge(experiment, index, &look, err);
	if (!rc)
		rc = run_store_set_look(experiment->store, run->id, index, &look, err);
	if (rc) {
		run->looks[index].taken_wall_ns = 0;
		return rc;
	}
	run->looks[index] = look;
	log_look(run, index);
	*ret_taken = true;
	return 0;
}
