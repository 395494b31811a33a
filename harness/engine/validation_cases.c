/* validation_cases.c - kept cases, tried on the kernels of today. */
#include <errno.h>
#include <string.h>

#include "files.h"
#include "log.h"
#include "memory.h"
#include "validation.h"

void case_trials_release(struct case_trials *trials)
{
	for (size_t i = 0; i < trials->count; i++) {
		free(trials->items[i].case_name);
		free(trials->items[i].variant);
		symptoms_release(&trials->items[i].symptoms);
	}
	free(trials->items);
	*trials = (struct case_trials){ .items = NULL };
}

enum case_state case_judge(const struct symptoms *expected, const struct symptoms *symptoms)
{
	if (symptoms_meet(expected, symptoms))
		return CASE_THERE;
	return symptoms->count ? CASE_OTHER : CASE_GONE;
}

struct attempt {
	const struct campaign *campaign;           /* borrowed */
	const struct experiment_options *options;  /* borrowed */
	struct case_trials *trials;
	size_t done, planned;                      /* for the progress line */
};

static void add_trial(struct attempt *attempt, const struct kept_case *kept,
		      const struct variant *variant, const struct trial_result *result)
{
	struct case_trials *trials = attempt->trials;
	struct case_trial trial = { .case_name = string_copy(kept->name),
				    .variant = string_copy(variant->name) };

	symptoms_add_trial(&trial.symptoms, result->outcome, result->reason, result->findings,
			   result->findings_count);
	trial.state = case_judge(&kept->expected, &trial.symptoms);
	trials->items = memory_realloc_array(trials->items, trials->count + 1,
					     sizeof(*trials->items));
	trials->items[trials->count++] = trial;
}

static int try_on(struct attempt *attempt, const struct kept_case *kept,
		  const struct variant *variant, struct error *err)
{
	cleanup_free char *folder = string_format("%s/on-%s", kept->world.folder,
						  variant->name);
	cleanup_with(replay_outcome_release) struct replay_outcome outcome = {
		.result = TRIAL_RESULT_INIT
	};
	const struct replay_options options = {
		.experiment = attempt->options,
		.other_kernel = &variant->kernel,
		.folder = folder,
	};
	int rc = folder_remove(folder);

	if (rc)
		return error_set_errno(err, rc, "%s", folder);
	rc = replay_run(&kept->world, &options, &outcome, err);
	if (rc)
		return error_prefix(err, "case %s on %s", kept->name, variant->name);
	add_trial(attempt, kept, variant, &outcome.result);
	return 0;
}

static int try_case(struct attempt *attempt, const char *name, struct error *err)
{
	const struct campaign *campaign = attempt->campaign;
	cleanup_kept_case struct kept_case kept = { .name = NULL };
	cleanup_free char *folder = NULL;
	size_t same;
	int rc = case_resolve(attempt->options->results_dir, name, &folder, err);

	progress_update("cases", "case", attempt->done++, attempt->planned, UINT64_MAX, name);
	if (!rc)
		rc = case_open(folder, &kept, err);
	if (rc)
		return rc;
	if (!campaign_find_variant(campaign, kept.world.variant, &same, NULL))
		return try_on(attempt, &kept, &campaign->variants[same], err);
	for (size_t i = 0; !rc && i < campaign->variants_count; i++)
		rc = try_on(attempt, &kept, &campaign->variants[i], err);
	return rc;
}

int validation_try_cases(const struct campaign *campaign,
			 const struct experiment_options *options,
			 struct case_trials *ret_trials, struct error *err)
{
	cleanup_strvec struct strvec names = STRVEC_INIT;
	struct attempt attempt = { .campaign = campaign, .options = options,
				   .trials = ret_trials };
	int rc = cases_list(options->results_dir, &names, err);

	attempt.planned = names.count;
	for (size_t i = 0; !rc && i < names.count; i++)
		rc = try_case(&attempt, names.items[i], err);
	progress_clear();
	return rc;
}
