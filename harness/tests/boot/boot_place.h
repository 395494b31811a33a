/* boot_place.h - a project with one small guest ("tiny") and one quick workload
 * (suite "short": selftest), for tests that run its campaign "small" with the
 * program. The kernel is the baseline of the quick campaign.
 *
 *     cleanup_boot_place struct boot_place place = boot_place_make(NULL);
 *     cleanup_program struct program program = PROGRAM_INIT;
 *
 *     boot_place_write_campaign(&place, "  - {name: one}\n", "control: false\n");
 *     program = start(&place, "run", "small");
 *     if (program_check(&program, 0)) ... boot_place_load_latest(&place, &run) ...
 */
#ifndef KERNGATE_TESTS_BOOT_BOOT_PLACE_H
#define KERNGATE_TESTS_BOOT_BOOT_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "cleanup.h"
#include "run_store.h"
#include "sample_run.h"
#include "strbuf.h"

struct boot_place {
	const char *folder;    /* borrowed */
	char *root, *results;  /* owned */
};

/* results: a folder instead of the place's own; NULL: that. */
struct boot_place boot_place_make(const char *results);
void boot_place_release(struct boot_place *place);
#define cleanup_boot_place cleanup_with(boot_place_release)
/* A file below the project's root. */
void boot_place_write(const struct boot_place *place, const char *name, const char *text);
/* variants: lines of YAML, the baseline is "one"; more: further keys. Seed 5. */
void boot_place_write_campaign(const struct boot_place *place, const char *variants,
			       const char *more);

/* Its guest and suite allocate huge pages instead: what the series test-bisect, whose
 * second patch makes that slower, is found by. */
void boot_place_use_fallocate(const struct boot_place *place);
/* Builds the kernels of its campaign, which a cold cache makes long: before the deadlines
 * of what follows. False, and a failure of the test, where one cannot be had. */
bool boot_place_build(const struct boot_place *place);

struct program {
	pid_t pid;
	int fd;               /* reads its stdout and stderr */
	struct strbuf text;   /* what it said so far */
};

#define PROGRAM_INIT ((struct program){ .pid = -1, .fd = -1, .text = STRBUF_INIT })

/* Starts the program in the place, under TCG. */
#define start(place, ...) boot_place_start(place, (const char *const[]){ __VA_ARGS__, NULL })
struct program boot_place_start(const struct boot_place *place, const char *const *arguments);
/* What the program tells to type, so called: itself, its options, the command; owned. */
char *boot_place_told(const struct boot_place *place, const char *command);
/* Reads on until the text holds `part` (NULL: to the end); false at the end of the
 * text or of the deadline, 150 s. */
bool program_read(struct program *program, const char *part);
/* Waits for its end; whether its status (or 128 + signal) is the expected one, and
 * a failure of the test otherwise. */
bool program_check(struct program *program, int expected);
void program_release(struct program *program);
#define cleanup_program cleanup_with(program_release)

/* NULL, or false, and a failure of the test, where that cannot be had. */
struct run_store *boot_place_store(const struct boot_place *place);
bool boot_place_load_latest(const struct boot_place *place, struct stored_run *ret_run);

/* One boot of the guest with the suite, whatever these say by now. */
struct program boot_place_start_once(const struct boot_place *place);
/* The latest run, whose first trial ended so; else false, a failure of the test, and
 * the trial's reason on stderr. */
bool boot_place_load_ended(const struct boot_place *place, enum outcome outcome,
			   struct stored_run *ret_run);
/* Both. */
bool boot_place_run_once(const struct boot_place *place, enum outcome outcome,
			 struct stored_run *ret_run);
/* That boot is refused before it happens, with these words. */
void boot_place_check_refused(const struct boot_place *place, const char *complaint);
/* The same in a place of its own, whose suite is this row ("workload: ..., ..."). */
void boot_place_check_row_refused(const char *row, const char *complaint);

/* The metric of a row has that many samples in the run's first trial (0: it is not
 * there), all of them from least to most, or above 0. */
void boot_place_check_range(const struct boot_place *place, const struct stored_run *run,
			    uint32_t row, const char *metric, size_t expected, double least,
			    double most);
void boot_place_check_samples(const struct boot_place *place, const struct stored_run *run,
			      uint32_t row, const char *metric, size_t expected);

#endif
