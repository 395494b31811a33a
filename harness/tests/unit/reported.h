/* reported.h - judged runs in the formats of other programs, for the tests of
 * report_format*.c: scenes (runs good and bad), their reports as text and as files, and
 * the programs that read those.
 */
#ifndef KERNGATE_TESTS_REPORTED_H
#define KERNGATE_TESTS_REPORTED_H

#include "fake_run.h"
#include "report_format.h"

#define cleanup_fake cleanup_with(fake_run_release)

/* A run that is made up by fake_run_init and then changed. */
struct reported_scene {
	const char *name;
	void (*change)(struct fake_run *fake);
	enum gate_exit gate;     /* what it comes to */
};

extern const struct reported_scene reported_scenes[];
extern const size_t reported_scenes_count;

/* The scene by that name, made; release it. */
void reported_make(const char *scene, struct fake_run *ret_fake);
/* Judged and written; owned; "" and a failure of the test if it cannot be. */
char *reported_text(struct fake_run *fake, enum report_format format);
/* Every scene's report as a file SCENE.FORMAT in a new folder; paths by scene. */
void reported_write_all(enum report_format format, struct strvec *ret_paths);
/* A text as a file of that name in a new folder; its path, owned. */
char *reported_write(const char *name, const char *text);

/* fixtures/formats/NAME holds exactly this (rendered.h says how to rewrite it). */
void reported_check_golden(const char *name, const char *actual);
/* Runs a program with arguments (NULL-terminated) and those of more (may be NULL) behind
 * them; what it printed, owned. *ret_code: process_run's. A program that is not
 * installed skips the test and gives NULL. */
char *reported_run(const char *const *argv, const struct strvec *more, int *ret_code);

#endif
