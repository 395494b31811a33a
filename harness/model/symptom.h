/* symptom.h - what a trial showed of a defect, reduced to what is the same each
 * time the defect shows: the findings of its console, and why it did not pass.
 * Equal symptoms are taken for the same defect, whatever the seed. Pure.
 */
#ifndef KERNGATE_MODEL_SYMPTOM_H
#define KERNGATE_MODEL_SYMPTOM_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"
#include "trial.h"

struct symptom {
	char *kind;   /* of a finding ("warning", "kasan") or an outcome ("failed",
			 "timed-out", "crashed", "broken"); owned */
	char *title;  /* the finding's, or the trial's reason with N in place of its
			 numbers; one line; owned */
};

struct symptoms {
	struct symptom *items; /* owned */
	size_t count;
};

#define SYMPTOMS_INIT ((struct symptoms){ .items = NULL })

/* Adds each symptom of a trial once: its findings in their order, then its
 * outcome where that is neither passed nor skipped and no fatal finding stands
 * for it already (a kernel that died takes its rows with it). */
void symptoms_add_trial(struct symptoms *symptoms, enum outcome outcome,
			const char *reason, const struct finding *findings,
			size_t findings_count);
/* Adds a copy of one, unless it is there. */
void symptoms_add(struct symptoms *symptoms, const char *kind, const char *title);
bool symptoms_contain(const struct symptoms *symptoms, const struct symptom *symptom);
/* Whether they have any in common. */
bool symptoms_meet(const struct symptoms *a, const struct symptoms *b);
void symptoms_release(struct symptoms *symptoms);
#define cleanup_symptoms cleanup_with(symptoms_release)

#endif
