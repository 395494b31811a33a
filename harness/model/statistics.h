/* statistics.h - pure arithmetic of comparison: GSL for distributions,
 * quantiles and random numbers; resampling and permutation are ours.
 * Every random procedure takes a seed and is repeatable.
 */
#ifndef KERNGATE_MODEL_STATISTICS_H
#define KERNGATE_MODEL_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATISTICS_BLOCKS_MAX 100000

/* Samples of one metric from one boot. */
struct boot_samples {
	uint32_t block;        /* block of the run that the boot belongs to */
	const double *values;  /* borrowed; count > 0, finite */
	size_t count;
};

enum boot_summary { SUMMARY_MEDIAN, SUMMARY_MAXIMUM, SUMMARY_MINIMUM };

double statistics_median(const double *values, size_t count); /* count > 0 */
double statistics_quantile(const double *values, size_t count, double q); /* type 7 */
double statistics_boot_summary(const struct boot_samples *boot, enum boot_summary);

struct interval {
	double low, high;
};

/* A block is complete if it holds boots of both sides. All that follows uses
 * complete blocks only, each counting once: the mean log summary of its boots
 * of a side is that side's figure in the block, so that neither a lost boot nor
 * drift over the run favours a side. */

/* Geometric means of the figures of both sides; NAN if a summary is not
 * positive or no block is complete. *ret_blocks: how many are complete. */
void statistics_centers(const struct boot_samples *a, size_t a_count,
			const struct boot_samples *b, size_t b_count,
			enum boot_summary summary, double *ret_a, double *ret_b,
			size_t *ret_blocks);
/* Ratio B/A of these means; NAN likewise. */
double statistics_ratio(const struct boot_samples *a, size_t a_count,
			const struct boot_samples *b, size_t b_count,
			enum boot_summary summary);

/* Interval of that ratio by bootstrap at the level of the experiment's units:
 * blocks are drawn with replacement and their boots kept whole, because the
 * differences between blocks already hold what varies inside a boot; drawing
 * samples again would count it twice (Davison and Hinkley 1997, Bootstrap
 * Methods and their Application, 3.8; simulated: 99.9 % coverage instead of
 * 95 %). The percentile interval of the logs is widened about the estimate for
 * small samples, by sqrt(n/(n-1)) and t(n-1)/z (the reasoning of the "expanded
 * percentile", Hesterberg 2015, The American Statistician 69(4)), n = complete
 * blocks. n < 2 gives an infinite interval; a summary that is not positive
 * gives NANs. */
struct interval statistics_ratio_interval(
	const struct boot_samples *a, size_t a_count,
	const struct boot_samples *b, size_t b_count, enum boot_summary summary,
	double confidence, uint32_t resamples, uint64_t seed);

/* Two-sided p-value of "the labels do not matter" with the log of that ratio as
 * statistic; labels are exchanged only within a block. Exact by enumeration up
 * to 100,000 arrangements, else Monte Carlo: `draws` of them with (hits + 1) /
 * (draws + 1) (Phipson and Smyth 2010), or fewer where 1,000 hits come before, with
 * hits / draws (Besag and Clifford 1991, Biometrika 78(2)): then p is known to 3 %
 * of itself. 1 without a complete block, NAN if a summary is not positive.
 * *ret_exact may be NULL. */
double statistics_permutation_p(const struct boot_samples *a, size_t a_count,
				const struct boot_samples *b, size_t b_count,
				enum boot_summary summary, uint32_t draws,
				uint64_t seed, bool *ret_exact);

/* Blocks like these at which that test can give p < alpha at all: its smallest
 * p-value is the share of one arrangement, or of two where exchanging all
 * labels gives another one. STATISTICS_BLOCKS_MAX at most. */
size_t statistics_permutation_blocks(const struct boot_samples *a, size_t a_count,
				     const struct boot_samples *b, size_t b_count,
				     double alpha);

/* Two one-sided t tests (Schuirmann 1987, Journal of Pharmacokinetics and
 * Biopharmaceutics 15(6)): p of "the true log ratio lies outside -room..room", given
 * the mean and standard deviation of n log differences; the larger of the two.
 * Without spread 0 inside and 1 outside; NAN for n < 2. room > 0. */
double statistics_equivalence_p(double mean, double sd, size_t n, double room);

/* Adjusted p-values, in place of order: Benjamini and Hochberg 1995 / Holm
 * 1979. A NAN stays one and does not count. */
void statistics_adjust_bh(const double *p, size_t count, double *ret_adjusted);
void statistics_adjust_holm(const double *p, size_t count, double *ret_adjusted);

/* Smallest ratio - 1 found with the given power (two-sided alpha) by a paired
 * t test on n blocks whose log differences have standard deviation sd. INFINITY
 * for n < 2, NAN for a NAN sd. */
double statistics_detectable_effect(double sd, size_t n, double alpha, double power);
/* Blocks needed to detect effect (ratio - 1 > 0) so; STATISTICS_BLOCKS_MAX at
 * most (also if the effect is not positive), 2 at least. */
size_t statistics_blocks_needed(double sd, double effect, double alpha, double power);
/* Standard deviation of the per-block difference of mean log summaries (NAN
 * below two complete blocks); *ret_blocks: how many are complete. */
double statistics_block_sd(const struct boot_samples *a, size_t a_count,
			   const struct boot_samples *b, size_t b_count,
			   enum boot_summary summary, size_t *ret_blocks);

/* --- pass rates ------------------------------------------------------------------ */

/* Fisher's exact test of "both sides pass equally often", two-sided: the chance of
 * all tables with these margins that are no likelier than this one (as R's
 * fisher.test). hits <= count; 1 where a side is empty. */
double statistics_fisher_p(uint64_t a_hits, uint64_t a_count, uint64_t b_hits,
			   uint64_t b_count);
/* Interval of the rate behind hits of count: Clopper and Pearson 1934, Biometrika
 * 26(4); holds the truth at least as often as confidence says. 0..1 for count 0. */
struct interval statistics_share_interval(uint64_t hits, uint64_t count,
					  double confidence);
/* The largest rate of B that shows in b_count boots, with this power, as fewer
 * passes than A's by Fisher's test at alpha; NAN if none does. */
double statistics_detectable_share(uint64_t a_hits, uint64_t a_count, uint64_t b_count,
				   double alpha, double power);

/* --- pairs: exact mode, where a block is a seed and has one boot a side ------- */

struct figure_pair {
	double a, b;           /* summaries of the two boots */
};

/* The pairs of blocks that both sides have, in the order of A; ret_pairs has
 * room for a_count. Of several boots of a side the first counts. Returns how
 * many. */
size_t statistics_pairs(const struct boot_samples *a, size_t a_count,
			const struct boot_samples *b, size_t b_count,
			enum boot_summary summary, struct figure_pair *ret_pairs);
/* Whether b/a is the same in all of them, exactly. */
bool statistics_pairs_constant(const struct figure_pair *pairs, size_t count);

struct paired_figures {
	double ratio;             /* geometric mean of b/a */
	double sd;                /* of log(b/a); NAN for one pair */
	struct interval interval; /* of ratio; infinite for one pair */
	double p;                 /* of "ratio is 1", two-sided; 1 for one pair */
};

/* Student's paired t on the logs of b/a, count - 1 degrees of freedom. count > 0;
 * all figures positive. Constant pairs have sd 0 and p 0, or 1 if equal. */
struct paired_figures statistics_paired(const struct figure_pair *pairs, size_t count,
					double confidence);

#endif
