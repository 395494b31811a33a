/* scaling.h - speed-up over the number of vCPUs: on paper, from instructions that
 * were counted in exact mode, and as measured in timed mode. Pure.
 *
 * On paper: work is what all vCPUs ran together, span what the busiest of them ran.
 * If every instruction takes equally long and no vCPU waits for another, n CPUs need
 * the time of span instructions. (Textbooks, such as Cormen et al., Introduction to
 * Algorithms, call span the longest chain of instructions that need each other. What
 * can be counted is a lower bound of that on n CPUs: a vCPU that sleeps, or spins for
 * a lock and gives up its turn, counts next to nothing, so what a lock makes one vCPU
 * do after the other looks parallel.) The speed-up on paper is an upper bound.
 * docs/exact-mode.md, "Scaling on paper".
 */
#ifndef KERNGATE_MODEL_SCALING_H
#define KERNGATE_MODEL_SCALING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "statistics.h"

/* What one number of vCPUs gave. Boots are told apart, and those of one seed paired,
 * by their block; a boot's figure is the median of its rounds. All borrowed. */
struct scaling_counts {
	uint32_t vcpus_count;
	const struct boot_samples *work, *span; /* instructions, positive; with one
						   vCPU there is no span: it is the work */
	size_t work_count, span_count;
};

struct scaling_estimate {
	double value;
	struct interval interval; /* infinite where there is only one pair */
};

struct scaling_point {
	uint32_t vcpus_count;
	size_t pairs_count;       /* seeds that this count and one vCPU have in common */
	double work, span;        /* instructions: geometric means over these seeds */
	struct scaling_estimate speedup;     /* span(1) / span(n) */
	struct scaling_estimate overhead;    /* work(n) / work(1) */
	struct scaling_estimate parallelism; /* work(n) / span(n) */
};

/* speed-up / vCPUs. */
double scaling_efficiency(const struct scaling_point *point);

/* ret_points has room for count. Intervals: Student's t over seeds on the logs of
 * the pairs. -EINVAL: counts do not begin with one vCPU or do not ascend; -ENODATA:
 * a count has no seed in common with one vCPU. Both are said in words. */
int scaling_paper(const struct scaling_counts *counts, size_t count, double confidence,
		  struct scaling_point *ret_points, struct error *err) must_check;

/* Amdahl 1967: speed-up(n) = 1 / (f + (1 - f) / n), f being the serial share.
 * Least squares on 1/speed-up, through 1 at n = 1. A fit, and only where it is one:
 * with two counts above one or more, f within 0..1, and no point further off than
 * SCALING_FIT_ERROR_MAX. */
#define SCALING_FIT_ERROR_MAX 0.1

struct scaling_fit {
	bool is_defined;
	const char *why_not;      /* static; NULL if defined */
	double serial_ratio;      /* f, 0..1 */
	double limit;             /* 1 / f: speed-up of any number of vCPUs; may be infinite */
	double error_ratio;       /* largest |fitted / observed - 1| of the points */
};

struct scaling_fit scaling_fit_amdahl(const struct scaling_point *points, size_t count);
/* 1 / (f + (1 - f) / n) */
double scaling_fit_at(const struct scaling_fit *fit, double vcpus_count);

/* --- measured ---------------------------------------------------------------------- */

struct scaling_times {
	uint32_t vcpus_count;
	const struct boot_samples *boots; /* times, positive; borrowed */
	size_t count;
};

struct scaling_measured {
	uint32_t vcpus_count;
	size_t blocks_count;      /* blocks with boots of both counts */
	double time;              /* geometric mean over blocks of the boots' medians */
	struct scaling_estimate speedup; /* time(1) / time(n), interval by bootstrap
					    over blocks (statistics_ratio_interval) */
};

/* ret_points has room for count. Errors as scaling_paper's. */
int scaling_measure(const struct scaling_times *times, size_t count, double confidence,
		    uint64_t seed, struct scaling_measured *ret_points,
		    struct error *err) must_check;

/* Whether what was measured lies wholly below what paper says: the interval's upper
 * end under the paper's value. Then vCPUs wait for each other, or for what paper
 * leaves out. */
bool scaling_is_below_paper(const struct scaling_measured *measured,
			    const struct scaling_point *point);

/* What the model leaves out, one sentence each, NULL-terminated; static. */
extern const char *const scaling_left_out[];

#endif
