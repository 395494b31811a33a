/* rendered.h - runs as people and programs read them, for the tests of render*.c.
 * The golden texts are in fixtures/render/; KERNGATE_GOLDEN=write rewrites them
 * after a wanted change (look at the difference).
 */
#ifndef KERNGATE_TESTS_RENDERED_H
#define KERNGATE_TESTS_RENDERED_H

#include <jansson.h>

#include "fake_run.h"

/* fixtures/render/NAME.txt holds exactly this. */
void rendered_check_golden(const char *name, const char *actual);
/* 80 columns of printable ASCII, and no line that ends a commit message. */
void rendered_check_layout(const char *text);
/* Judged and rendered as text, its layout checked; owned. */
char *rendered_comparison(struct fake_run *fake);
/* As JSON; owned; NULL, and a failure of the test, if it cannot be judged. */
json_t *rendered_json(struct fake_run *fake);

#endif
