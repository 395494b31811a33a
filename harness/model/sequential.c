/* sequential.c - how much of alpha a look may spend, and what level that leaves it.
 *
 * The statistics of successive looks are taken as a Brownian motion seen at the
 * shares: S = Z sqrt(share) grows by independent normal steps of variance equal to
 * the share that was added. The density of S over runs that no earlier look stopped
 * is carried from look to look by numerical integration (Armitage, McPherson and
 * Rowe 1969, Journal of the Royal Statistical Society A 132(2)), here with
 * Gauss-Legendre nodes between the bounds.
 */
#include "sequential.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_randist.h>
#include <math.h>

#include "cleanup.h"
#include "memory.h"

/* Looks with less between them than this are taken as one, the later. */
#define SHARE_STEP_MIN 0.001
#define NODES_MIN 128.0
#define NODES_MAX 2000.0
/* No bound lies beyond this many standard deviations at share 1. */
#define BOUND_MAX 40.0
#define BISECTIONS 60

double sequential_spent(double alpha, double share)
{
	return 4 * gsl_cdf_ugaussian_Q(gsl_cdf_ugaussian_Qinv(alpha / 4) / sqrt(share));
}

/* The density of S as masses at nodes. */
struct density {
	double *nodes, *masses;  /* owned */
	size_t count;
};

static void density_release(struct density *density)
{
	free(density->nodes);
	free(density->masses);
}

/* Before the first look S is 0. */
static void density_init(struct density *density)
{
	density->count = 1;
	density->nodes = memory_alloc_array(1, sizeof(double));
	density->masses = memory_alloc_array(1, sizeof(double));
	density->masses[0] = 1;
}

/* Chance that S lies outside -bound..bound after a step. */
static double chance_outside(const struct density *density, double bound, double step_sd)
{
	double chance = 0;

	for (size_t i = 0; i < density->count; i++)
		chance += density->masses[i] *
			  (gsl_cdf_ugaussian_Q((bound - density->nodes[i]) / step_sd) +
			   gsl_cdf_ugaussian_Q((bound + density->nodes[i]) / step_sd));
	return chance;
}

static double find_bound(const struct density *density, double step_sd, double chance)
{
	double low = 0, high = BOUND_MAX;

	for (int i = 0; i < BISECTIONS; i++) {
		double middle = (low + high) / 2;

		if (chance_outside(density, middle, step_sd) > chance)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* The density after a step, inside the bound; next_sd is that of the step after it,
 * which the nodes must be dense enough for. */
static void advance(struct density *density, double bound, double step_sd, double next_sd)
{
	size_t count = (size_t)fmin(fmax(NODES_MIN, ceil(2 * M_PI * bound / next_sd)),
				    NODES_MAX);
	gsl_integration_glfixed_table *table = gsl_integration_glfixed_table_alloc(count);
	struct density next = {
		.nodes = memory_alloc_array(count, sizeof(double)),
		.masses = memory_alloc_array(count, sizeof(double)),
		.count = count,
	};

	for (size_t i = 0; i < count; i++) {
		double weight, height = 0;

		gsl_integration_glfixed_point(-bound, bound, i, &next.nodes[i], &weight,
					      table);
		for (size_t k = 0; k < density->count; k++)
			height += density->masses[k] *
				  gsl_ran_gaussian_pdf(next.nodes[i] - density->nodes[k],
						       step_sd);
		next.masses[i] = weight * height;
	}
	gsl_integration_glfixed_table_free(table);
	density_release(density);
	*density = next;
}

/* The looks that count: the last, and of others those well before the next. */
static size_t distinct_looks(const double *shares, size_t count,
			     double ret_shares[SEQUENTIAL_LOOKS_MAX])
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (i + 1 == count || shares[i + 1] - shares[i] >= SHARE_STEP_MIN)
			ret_shares[kept++] = shares[i];
	return kept;
}

double sequential_level(double alpha, const double *shares, size_t count)
{
	cleanup_with(density_release) struct density density;
	double looks[SEQUENTIAL_LOOKS_MAX], share = 0, spent = 0, bound = 0;
	size_t looks_count = distinct_looks(shares, count, looks);

	density_init(&density);
	for (size_t i = 0; i < looks_count; i++) {
		double step_sd = sqrt(looks[i] - share);
		double spent_now = sequential_spent(alpha, looks[i]);

		bound = find_bound(&density, step_sd, spent_now - spent);
		if (i + 1 < looks_count)
			advance(&density, bound, step_sd, sqrt(looks[i + 1] - looks[i]));
		share = looks[i];
		spent = spent_now;
	}
	return 2 * gsl_cdf_ugaussian_Q(bound / sqrt(share));
}

size_t sequential_plan(uint32_t blocks_max, uint32_t blocks_min, uint32_t looks_count,
		       uint32_t ret_blocks[SEQUENTIAL_LOOKS_MAX])
{
	size_t count = 0;
	uint32_t last = 0;

	for (uint32_t i = 1; i < looks_count; i++) {
		uint32_t blocks = (uint32_t)(((uint64_t)blocks_max * i + looks_count / 2) /
					     looks_count);

		if (blocks < blocks_min || blocks == last || blocks >= blocks_max)
			continue;
		ret_blocks[count++] = last = blocks;
	}
	ret_blocks[count++] = blocks_max;
	return count;
}
