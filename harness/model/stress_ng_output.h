/* stress_ng_output.h - what `stress-ng --metrics --yaml` writes > its stressors.
 * Pure; fuzzed.
 */
#ifndef KERNGATE_MODEL_STRESS_NG_OUTPUT_H
#define KERNGATE_MODEL_STRESS_NG_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct stress_ng_stressor {
	char *name;               /* "switch"; owned */
	double bogo_ops;          /* above 0 */
	double bogo_ops_per_s;    /* by real time; above 0 */
	double wall_s;            /* above 0 */
};

struct stress_ng_output {
	struct stress_ng_stressor *stressors; /* owned */
	size_t stressors_count;               /* at least 1 */
};

/* stress-ng 0.15: the list `metrics`; other keys are left alone. -EINVAL says where
 * and what was expected. */
int stress_ng_output_parse(const char *text, size_t length,
			   struct stress_ng_output *ret_output, struct error *err) must_check;
void stress_ng_output_release(struct stress_ng_output *output);

#endif
