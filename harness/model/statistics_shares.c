/* statistics_shares.c - pass rates: Fisher's exact test and what it can find, and
 * Clopper and Pearson's interval.
 */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

#include "statistics.h"

/* Tables whose chances differ by rounding alone are as likely (R's fisher.test has
 * the same tolerance). */
#define LIKENESS 1e-7

double statistics_fisher_p(uint64_t a_hits, uint64_t a_count, uint64_t b_hits,
			   uint64_t b_count)
{
	unsigned int a = (unsigned int)a_count, b = (unsigned int)b_count;
	unsigned int hits = (unsigned int)(a_hits + b_hits);
	unsigned int low = hits > b ? hits - b : 0, high = hits < a ? hits : a;
	double observed, p = 0;

	if (a == 0 || b == 0)
		return 1;
	observed = gsl_ran_hypergeometric_pdf((unsigned int)a_hits, a, b, hits);
	for (unsigned int k = low; k <= high; k++) {
		double chance = gsl_ran_hypergeometric_pdf(k, a, b, hits);

		if (chance <= observed * (1 + LIKENESS))
			p += chance;
	}
	return fmin(p, 1);
}

struct interval statistics_share_interval(uint64_t hits, uint64_t count,
					  double confidence)
{
	double tail = (1 - confidence) / 2, k = (double)hits, n = (double)count;

	return (struct interval){
		hits == 0 ? 0 : gsl_cdf_beta_Pinv(tail, k, n - k + 1),
		hits == count ? 1 : gsl_cdf_beta_Qinv(tail, k + 1, n - k),
	};
}

/* Most passes of B that are significantly fewer than A's; -1: not even none. */
static int64_t critical_hits(uint64_t a_hits, uint64_t a_count, uint64_t b_count,
			     double alpha)
{
	int64_t low = -1, high = (int64_t)(a_hits * b_count / a_count);

	while (low < high) {
		int64_t middle = low + (high - low + 1) / 2;

		if (statistics_fisher_p(a_hits, a_count, (uint64_t)middle, b_count) < alpha)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

double statistics_detectable_share(uint64_t a_hits, uint64_t a_count, uint64_t b_count,
				   double alpha, double power)
{
	int64_t critical;

	if (a_count == 0 || b_count == 0)
		return NAN;
	critical = critical_hits(a_hits, a_count, b_count, alpha);
	if (critical < 0)
		return NAN;
	if (critical >= (int64_t)b_count)
		return 1;
	/* P(passes <= k) = 1 - I(rate; k + 1, n - k), the binomial as a beta. */
	return gsl_cdf_beta_Pinv(1 - power, (double)critical + 1,
				 (double)b_count - (double)critical);
}
