/* bench_guests.h - boots guests of the quick campaign for the benchmarks, without a
 * store and without verdicts: how long, and how much CPU time.
 *
 *     bench_guests_open(&options, &guests, err);  // below supervisor_start()
 *     bench_guests_run(guests, &trial, 2, &cost, err);
 *     bench_guests_close(guests);
 */
#ifndef KERNGATE_BENCH_GUESTS_H
#define KERNGATE_BENCH_GUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "campaign.h"
#include "error.h"
#include "exact.h"

struct bench_guests;

struct bench_options {
	const char *project_root;   /* absolute; borrowed */
	const char *build_dir;      /* workloads, guest_init, plugin; absolute; borrowed */
};

/* Loads the campaign quick, its baseline's kernel, which must be built (-ENOENT says
 * how), and opens a fleet under TCG in a temporary folder. */
int bench_guests_open(const struct bench_options *options, struct bench_guests **ret,
		      struct error *err) must_check;
void bench_guests_close(struct bench_guests *guests); /* NULL allowed */

const struct campaign *bench_guests_campaign(const struct bench_guests *guests);
const char *bench_guests_version(const struct bench_guests *guests); /* of hypervisor */
uint32_t bench_guests_cpus(const struct bench_guests *guests);

struct bench_trial {
	uint32_t cell;              /* of the campaign */
	bool is_exact;
	struct exact_policy policy; /* exact only; profile: of row profile_row */
	uint32_t profile_row;
	uint64_t seed;              /* number of the seed; exact only */
};

struct bench_cost {
	double wall_s;              /* from the first creation to the last stop */
	double cpu_s;               /* of all QEMU processes of the trial */
	uint32_t guests_count;
};

/* As many guests of that trial at once as `count`, but no more than the fleet has
 * room for. -EPROTO: one of them did not pass (its reason is said). */
int bench_guests_run(struct bench_guests *guests, const struct bench_trial *trial,
		     uint32_t count, struct bench_cost *ret_cost,
		     struct error *err) must_check;
/* How many the fleet has room for; at least 1. */
uint32_t bench_guests_room(struct bench_guests *guests, const struct bench_trial *trial);

#endif
