/* validation.c - a stored run of many seeds > what it found. Cases are kept in
 * validation_keep.c and tried in validation_cases.c.
 */
#include "validation.h"

#include <errno.h>
#include <string.h>

#include "memory.h"

void validation_release(struct validation *validation)
{
	for (size_t i = 0; i < validation->findings_count; i++) {
		free(validation->findings[i].symptom.kind);
		free(validation->findings[i].symptom.title);
		free(validation->findings[i].trials);
		free(validation->findings[i].case_name);
		free(validation->findings[i].difference);
	}
	free(validation->findings);
	stored_run_release(&validation->run);
	*validation = (struct validation){ .findings = NULL };
}

/* --- what the seeds showed ----------------------------------------------------------- */

struct stored_findings {
	struct stored_finding *items; /* owned; a trial's stand together */
	size_t count;
};

static void stored_findings_release(struct stored_findings *findings)
{
	stored_findings_free(findings->items, findings->count);
}

static void read_symptoms(const struct stored_trial *trial,
			  const struct stored_findings *stored, struct symptoms *ret)
{
	cleanup_free struct finding *own = memory_alloc_array(stored->count, sizeof(*own));
	size_t count = 0;

	/* Shallow copies: nothing of them is released. */
	for (size_t i = 0; i < stored->count; i++)
		if (stored->items[i].trial_id == trial->id)
			own[count++] = stored->items[i].finding;
	symptoms_add_trial(ret, trial->outcome, trial->reason, own, count);
}

static struct validation_finding *find(struct validation *validation,
				       const struct symptom *symptom)
{
	for (size_t i = 0; i < validation->findings_count; i++) {
		const struct symptom *known = &validation->findings[i].symptom;

		if (!strcmp(known->kind, symptom->kind) && !strcmp(known->title, symptom->title))
			return &validation->findings[i];
	}
	return NULL;
}

static struct validation_finding *add_finding(struct validation *validation,
					      const struct symptom *symptom, uint64_t seed)
{
	struct validation_finding *added;

	validation->findings = memory_realloc_array(validation->findings,
						    validation->findings_count + 1,
						    sizeof(*validation->findings));
	added = &validation->findings[validation->findings_count++];
	*added = (struct validation_finding){
		.symptom = { string_copy(symptom->kind), string_copy(symptom->title) },
		.first_seed = seed,
	};
	return added;
}

static void add_trial(struct validation_finding *finding, size_t trial)
{
	finding->trials = memory_realloc_array(finding->trials, finding->trials_count + 1,
					       sizeof(*finding->trials));
	finding->trials[finding->trials_count++] = trial;
}

/* What the trial of that index shows; seen: what its seed has shown so far. */
static void take_trial(struct validation *validation, size_t index,
		       const struct stored_findings *stored, struct symptoms *seen)
{
	const struct stored_trial *trial = &validation->run.trials[index];
	cleanup_symptoms struct symptoms symptoms = SYMPTOMS_INIT;

	read_symptoms(trial, stored, &symptoms);
	for (size_t i = 0; i < symptoms.count; i++) {
		const struct symptom *symptom = &symptoms.items[i];
		struct validation_finding *finding = find(validation, symptom);

		if (!finding)
			finding = add_finding(validation, symptom, trial->seed);
		finding->seeds_count += !symptoms_contain(seen, symptom);
		add_trial(finding, index);
		symptoms_add(seen, symptom->kind, symptom->title);
	}
}

static void take_seed(struct validation *validation, uint32_t block,
		      const struct stored_findings *stored)
{
	const struct stored_run *run = &validation->run;
	cleanup_symptoms struct symptoms seen = SYMPTOMS_INIT;
	bool is_walked = true;

	for (size_t i = 0; i < run->trials_count; i++) {
		const struct stored_trial *trial = &run->trials[i];

		if (trial->block != block || trial->superseded)
			continue;
		if (trial->state == TRIAL_FINISHED)
			take_trial(validation, i, stored, &seen);
		else
			is_walked = false;
	}
	validation->walked_count += is_walked;
	validation->failed_count += seen.count > 0;
}

static void take_seeds(struct validation *validation, const struct stored_findings *stored)
{
	const struct stored_run *run = &validation->run;
	uint32_t blocks_count = 0;

	for (size_t i = 0; i < run->trials_count; i++)
		if (run->trials[i].block >= blocks_count)
			blocks_count = run->trials[i].block + 1;
	validation->first_seed = run->seed;
	validation->seeds_count = blocks_count;
	for (uint32_t block = 0; block < blocks_count; block++)
		take_seed(validation, block, stored);
}

int validation_read(struct run_store *store, const char *run_id,
		    struct validation *ret_validation, struct error *err)
{
	cleanup_validation struct validation validation = { .findings = NULL };
	cleanup_with(stored_findings_release) struct stored_findings stored = { .items = NULL };
	int rc = run_store_load(store, run_id, &validation.run, err);

	if (!rc && validation.run.mode != MODE_EXACT)
		rc = error_set(err, -EINVAL, "run %s is a timed one: it has no seeds to walk",
			       validation.run.id);
	if (!rc)
		rc = run_store_findings(store, validation.run.id, &stored.items, &stored.count,
					err);
	if (rc)
		return rc;
	take_seeds(&validation, &stored);
	*ret_validation = validation;
	validation = (struct validation){ .findings = NULL };
	return 0;
}

enum validation_end validation_end(const struct validation *validation)
{
	if (validation->findings_count)
		return VALIDATION_FOUND;
	return validation->walked_count < validation->seeds_count ? VALIDATION_PARTLY :
								     VALIDATION_CLEAN;
}
