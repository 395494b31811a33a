/* scaling.c - speed-up over vCPUs, on paper and measured. */
#include "scaling.h"

#include <errno.h>
#include <gsl/gsl_fit.h>
#include <math.h>

#include "memory.h"

#define RESAMPLES 10000u

const char *const scaling_left_out[] = {
	"waiting: a vCPU that sleeps, or spins for a lock and gives up its turn, counts "
	"next to nothing, so work that a lock puts in a row looks parallel",
	"lock contention in real time: vCPUs run in turn, and meet at a lock far less often "
	"than at once",
	"caches: lines that move between CPUs, and misses",
	"memory bandwidth, which CPUs share",
	"the TLB: misses and shootdowns",
	"turbo frequencies and SMT: CPUs that get slower when more of them work",
	NULL
};

static int check_ascending(uint32_t before, uint32_t count, struct error *err)
{
	if (!before && count != 1)
		return error_set(err, -EINVAL, "speed-ups are told against one vCPU, but the "
				 "least number is %u", count);
	if (count <= before)
		return error_set(err, -EINVAL, "%u vCPUs after %u: expected ascending numbers",
				 count, before);
	return 0;
}

/* --- on paper ---------------------------------------------------------------------- */

/* Boots of one count, of one of its two metrics. */
struct boots {
	const struct boot_samples *items;
	size_t count;
};

static struct boots work_of(const struct scaling_counts *counts)
{
	return (struct boots){ counts->work, counts->work_count };
}

static struct boots span_of(const struct scaling_counts *counts)
{
	if (counts->vcpus_count == 1)
		return work_of(counts);
	return (struct boots){ counts->span, counts->span_count };
}

/* b / a over the seeds that both have; *ret_b: geometric mean of b over them. */
static size_t estimate(struct boots a, struct boots b, double confidence,
		       struct scaling_estimate *ret, double *ret_b)
{
	cleanup_free struct figure_pair *pairs = memory_alloc_array(a.count + 1,
								    sizeof(*pairs));
	size_t count = statistics_pairs(a.items, a.count, b.items, b.count, SUMMARY_MEDIAN,
					pairs);
	struct paired_figures figures;
	double logs = 0;

	if (!count)
		return 0;
	figures = statistics_paired(pairs, count, confidence);
	*ret = (struct scaling_estimate){ figures.ratio, figures.interval };
	for (size_t i = 0; i < count; i++)
		logs += log(pairs[i].b);
	*ret_b = exp(logs / (double)count);
	return count;
}

static int make_point(const struct scaling_counts *one, const struct scaling_counts *counts,
		      double confidence, struct scaling_point *ret, struct error *err)
{
	double ignored;
	struct scaling_point point = { .vcpus_count = counts->vcpus_count };
	struct boots one_span = span_of(one), span = span_of(counts);
	size_t others = estimate(work_of(one), work_of(counts), confidence, &point.overhead,
				 &point.work);

	point.pairs_count = estimate(span, one_span, confidence, &point.speedup, &ignored);
	if (!point.pairs_count || !others)
		return error_set(err, -ENODATA, "%u vCPUs: no seed that one vCPU has too gave "
				 "counts", counts->vcpus_count);
	(void)estimate(one_span, span, confidence, &(struct scaling_estimate){ 0 }, &point.span);
	(void)estimate(span, work_of(counts), confidence, &point.parallelism, &ignored);
	*ret = point;
	return 0;
}

double scaling_efficiency(const struct scaling_point *point)
{
	return point->speedup.value / point->vcpus_count;
}

int scaling_paper(const struct scaling_counts *counts, size_t count, double confidence,
		  struct scaling_point *ret_points, struct error *err)
{
	uint32_t before = 0;

	for (size_t i = 0; i < count; i++) {
		int rc = check_ascending(before, counts[i].vcpus_count, err);

		if (!rc)
			rc = make_point(&counts[0], &counts[i], confidence, &ret_points[i], err);
		if (rc)
			return rc;
		before = counts[i].vcpus_count;
	}
	return 0;
}

/* --- Amdahl ------------------------------------------------------------------------- */

double scaling_fit_at(const struct scaling_fit *fit, double vcpus_count)
{
	return 1 / (fit->serial_ratio + (1 - fit->serial_ratio) / vcpus_count);
}

static struct scaling_fit no_fit(const char *why)
{
	return (struct scaling_fit){ .why_not = why, .serial_ratio = NAN, .limit = NAN,
				     .error_ratio = NAN };
}

static double largest_error(const struct scaling_fit *fit, const struct scaling_point *points,
			    size_t count)
{
	double largest = 0;

	for (size_t i = 0; i < count; i++) {
		double fitted = scaling_fit_at(fit, points[i].vcpus_count);
		double error = fabs(fitted / points[i].speedup.value - 1);

		largest = error > largest ? error : largest;
	}
	return largest;
}

/* 1/S - 1/n = f (1 - 1/n): a line through the origin. */
struct scaling_fit scaling_fit_amdahl(const struct scaling_point *points, size_t count)
{
	cleanup_free double *x = memory_alloc_array(count, sizeof(*x));
	cleanup_free double *y = memory_alloc_array(count, sizeof(*y));
	struct scaling_fit fit = { .is_defined = true };
	double variance, squares;
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		double n = points[i].vcpus_count;

		if (n < 2)
			continue;
		x[used] = 1 - 1 / n;
		y[used++] = 1 / points[i].speedup.value - 1 / n;
	}
	if (used < 2)
		return no_fit("it takes two numbers of vCPUs above one");
	gsl_fit_mul(x, 1, y, 1, used, &fit.serial_ratio, &variance, &squares);
	if (fit.serial_ratio < 0)
		return no_fit("the speed-up is above the number of vCPUs");
	if (fit.serial_ratio > 1)
		return no_fit("more vCPUs make it slower");
	fit.limit = 1 / fit.serial_ratio;
	fit.error_ratio = largest_error(&fit, points, count);
	if (fit.error_ratio > SCALING_FIT_ERROR_MAX)
		return no_fit("no serial share describes these points within 10 %");
	return fit;
}

/* --- measured ----------------------------------------------------------------------- */

int scaling_measure(const struct scaling_times *times, size_t count, double confidence,
		    uint64_t seed, struct scaling_measured *ret_points, struct error *err)
{
	const struct scaling_times *one = &times[0];
	uint32_t before = 0;

	for (size_t i = 0; i < count; i++) {
		const struct scaling_times *at = &times[i];
		struct scaling_measured point = { .vcpus_count = at->vcpus_count };
		double one_time;
		int rc = check_ascending(before, at->vcpus_count, err);

		if (rc)
			return rc;
		statistics_centers(at->boots, at->count, one->boots, one->count, SUMMARY_MEDIAN,
				   &point.time, &one_time, &point.blocks_count);
		if (!point.blocks_count)
			return error_set(err, -ENODATA, "%u vCPUs: no block that one vCPU has "
					 "too gave times", at->vcpus_count);
		point.speedup.value = one_time / point.time;
		point.speedup.interval = statistics_ratio_interval(
			at->boots, at->count, one->boots, one->count, SUMMARY_MEDIAN,
			confidence, RESAMPLES, seed);
		ret_points[i] = point;
		before = at->vcpus_count;
	}
	return 0;
}

bool scaling_is_below_paper(const struct scaling_measured *measured,
			    const struct scaling_point *point)
{
	return measured->speedup.interval.high < point->speedup.value;
}
