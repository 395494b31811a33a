/* exact_guest.h - one guest on the instruction clock, with the counting plugin,
 * run by QEMU directly (docs/exact-mode.md, "Recipe"): for tests of what is in the
 * guest and in QEMU. How a fleet makes such guests is tested with the fleet.
 */
#ifndef KERNGATE_TESTS_BOOT_EXACT_GUEST_H
#define KERNGATE_TESTS_BOOT_EXACT_GUEST_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "guest_image.h"
#include "plugin_counts.h"
#include "trial.h"

#define EXACT_ROWS_MAX 4
#define EXACT_SHIFT 3                /* 8 ns an instruction */

struct exact_row {
	const char *name, *workload;
	const char *arguments[4];    /* to NULL */
	uint32_t timeout_s;          /* 0: 60 */
};

struct exact_order {
	const char *emulator;        /* NULL: the host's */
	uint32_t vcpus_count;
	const struct exact_row *rows; /* to .name == NULL */
	const char *cmdline;         /* kernel arguments added; NULL: none */
	const char *plugin;          /* its arguments behind out=PATH, "by=block,...";
					NULL: no plugin */
	const char *map_path;        /* adds map=PATH; NULL: not */
	const char *turns;           /* more arguments of the plugin that keeps turns, which
					several vCPUs have beside the other; NULL: none */
};

struct exact_run {
	char *console, *results;     /* owned */
	char *counts_text;           /* owned; NULL without the plugin */
	struct plugin_counts counts;
	struct trial_result result;
	struct workload_catalog catalog;
	const struct workload_info *workloads[EXACT_ROWS_MAX]; /* of each row; borrowed
								  from the catalog */
	size_t rows_count;
};

#define EXACT_RUN_INIT                                                         \
	((struct exact_run){ .counts = PLUGIN_COUNTS_INIT, .result = TRIAL_RESULT_INIT })

/* Boots, waits for power-off, reads all that was written. Negative errno with the
 * reason if QEMU failed or a file is missing or unsound; what the rows made of it
 * is in result. */
int exact_guest_run(const struct exact_order *order, struct exact_run *ret_run,
		    struct error *err) must_check;
void exact_run_release(struct exact_run *run);

/* qemu-system-x86_64 of this host; owned; NULL if there is none. */
char *exact_emulator(void);
/* The plugin's object for an emulator: 1 or 3; 0 if its version cannot be had. */
unsigned int exact_emulator_api(const char *emulator);
/* build/plugin/count-apiN.so; owned. */
char *exact_plugin_path(unsigned int api);
/* Starts QEMU without a machine to see the plugin refuse. -ETIMEDOUT: it did not. */
int exact_plugin_try(unsigned int api, const char *arguments,
		     struct error *err) must_check;

#endif
