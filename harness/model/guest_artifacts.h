/* guest_artifacts.h - files that a guest sends in parts, put together again. For
 * guest_lines.c; the limits are in guest_lines.h.
 */
#ifndef KERNGATE_MODEL_GUEST_ARTIFACTS_H
#define KERNGATE_MODEL_GUEST_ARTIFACTS_H

#include <jansson.h>

#include "guest_lines.h"

struct guest_artifacts {
	struct guest_artifact *items; /* owned */
	size_t *totals;               /* owned; bytes announced of each */
	size_t count;
};

struct guest_artifact_part {          /* as the line says it; all borrowed */
	uint32_t row;
	const char *name;
	json_int_t offset, total;     /* bytes */
	const char *text;             /* base64 */
	size_t text_length;
};

/* Adds a part. NULL, or what is wrong with it (owned by the caller). */
char *guest_artifacts_add(struct guest_artifacts *artifacts,
			  const struct guest_artifact_part *part) must_check;
/* NULL, or which artifact of the row is not whole (owned by the caller). */
char *guest_artifacts_check(const struct guest_artifacts *artifacts,
			    uint32_t row) must_check;
void guest_artifacts_release(struct guest_artifacts *artifacts);

#endif
