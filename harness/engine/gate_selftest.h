/* gate_selftest.h - is the gate itself right? A slowdown of a known size is injected
 * into a workload of the candidate's side, in real guests, and must be called a
 * regression; without one the same kernels must pass. `kerngate selftest`.
 *
 *     campaign_load(...); selftest_inject(&campaign, leg.percent, err);
 *     experiment_run(&campaign, ...); comparison_make(...);
 *     selftest_leg_read(&run, &comparison, &leg);
 *     ... for each leg; then selftest_end(legs, count)
 */
#ifndef KERNGATE_ENGINE_GATE_SELFTEST_H
#define KERNGATE_ENGINE_GATE_SELFTEST_H

#include <stdint.h>

#include "campaign.h"
#include "comparison.h"
#include "error.h"
#include "strbuf.h"

#define SELFTEST_WORKLOAD "selftest"
#define SELFTEST_PERCENT_MIN 0.01
#define SELFTEST_PERCENT_MAX 1000

struct selftest_leg {
	double percent;            /* injected; 0: none */
	char *run_id;              /* owned; NULL before it was run */
	enum gate_exit gate;
	/* of the slowed metric; NAN, and empty, where it could not be judged */
	double change;             /* ratio - 1 */
	struct interval interval;  /* of the ratio */
	bool is_found;             /* a regression of the workload that was slowed */
	size_t others_called;      /* gated metrics of other workloads called changed */
	uint32_t blocks, blocks_max; /* judged; planned */
	uint64_t duration_ns;      /* of the run, kernels included */
};

void selftest_leg_release(struct selftest_leg *leg);

/* Slows the workload `selftest` of every variant but the baseline by so much, by a
 * kernel argument; 0 changes nothing. -EINVAL: no variant beside the baseline, no
 * row that can be slowed, or one that is slowed already. */
int selftest_inject(struct campaign *campaign, double percent, struct error *err) must_check;
/* Injects again what a stored leg was run with, so that it can be resumed; nothing where it
 * was none, or where the campaign's file itself slows a variant. */
int selftest_inject_again(const struct stored_run *run, struct campaign *campaign,
			  struct error *err) must_check;
/* Fills in what came of the leg's run. */
void selftest_leg_read(const struct stored_run *run, const struct comparison *comparison,
		       struct selftest_leg *leg);

enum selftest_state {
	SELFTEST_RIGHT,            /* the gate gave what it must */
	SELFTEST_WRONG,            /* it gave the opposite */
	SELFTEST_OPEN,             /* it could not say: inconclusive, not comparable */
};

enum gate_exit selftest_expected(const struct selftest_leg *leg);
enum selftest_state selftest_judge(const struct selftest_leg *leg);
/* Of all legs: wrong if any is, else open if any is. */
enum selftest_state selftest_end(const struct selftest_leg *legs, size_t count);
/* The table of the legs, and what it says of the gate. 80 columns. */
void selftest_render(const struct selftest_leg *legs, size_t count, struct strbuf *out);

#endif
