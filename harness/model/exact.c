/* exact.c - names, seeds and added metrics of exact mode; the samples are made
 * in exact_counts.c.
 */
#include "exact.h"

#include <errno.h>
#include <string.h>

#define PHASE_TURNS 1000000u
#define PADDING_PAGES 64u
#define PAGE_BYTES 4096u

static const char *const mode_names[] = { [MODE_TIMED] = "timed", [MODE_EXACT] = "exact" };

const char *run_mode_name(enum run_mode mode)
{
	return mode_names[mode];
}

int run_mode_parse(const char *name, enum run_mode *ret)
{
	for (size_t i = 0; i < ARRAY_COUNT(mode_names); i++) {
		if (strcmp(name, mode_names[i]) == 0) {
			*ret = (enum run_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

struct exact_seed exact_seed_make(uint64_t number)
{
	uint64_t state = number;
	struct exact_seed seed = { .number = number };

	seed.random = splitmix64(&state) & INT64_MAX;
	seed.phase_turns = (uint32_t)(splitmix64(&state) % PHASE_TURNS);
	seed.padding_bytes = (uint32_t)(splitmix64(&state) % PADDING_PAGES) * PAGE_BYTES;
	seed.jitter = splitmix64(&state) & INT64_MAX;
	return seed;
}

static char unit_instructions[] = "insn";

/* Those that need more than one vCPU stand last. */
static const struct metric_info metrics[] = {
	{ (char[]){ "work_instructions" }, unit_instructions,
	  (char[]){ "Instructions of all vCPUs in what is measured" },
	  BETTER_LOWER, METRIC_COUNT, false },
	{ (char[]){ "kernel_instructions" }, unit_instructions,
	  (char[]){ "Those of them that the kernel ran" },
	  BETTER_LOWER, METRIC_COUNT, true },
	{ (char[]){ "user_instructions" }, unit_instructions,
	  (char[]){ "Those of them that user space ran" },
	  BETTER_LOWER, METRIC_COUNT, true },
	{ (char[]){ "span_instructions" }, unit_instructions,
	  (char[]){ "Instructions of the vCPU that ran most: the time on as many CPUs" },
	  BETTER_LOWER, METRIC_COUNT, false },
	{ (char[]){ "parallelism_ratio" }, (char[]){ "ratio" },
	  (char[]){ "Work over span: how many vCPUs were of use" },
	  BETTER_HIGHER, METRIC_COUNT, true },
};

#define METRICS_ONE_VCPU 3

const struct metric_info *exact_metrics(uint32_t vcpus_count, size_t *ret_count)
{
	*ret_count = vcpus_count > 1 ? ARRAY_COUNT(metrics) : METRICS_ONE_VCPU;
	return metrics;
}
