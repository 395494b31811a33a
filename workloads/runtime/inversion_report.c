/* inversion_report.c - see inversion_report.h. */
#include "inversion_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tail.h"
#include "workload.h"

#define SCHED_FILE_MAX 16384

/* The number of a line "NAME   :   123"; false if there is none. */
static bool line_number(const char *text, const char *name, uint64_t *ret_number)
{
	size_t length = strlen(name);
	const char *at = text, *colon;

	while ((at = strstr(at, name)) != NULL) {
		bool is_whole = (at == text || at[-1] == '\n') &&
				strchr(" :", at[length]) && at[length];

		colon = strchr(at, ':');
		if (is_whole && colon) {
			*ret_number = strtoull(colon + 1, NULL, 10);
			return true;
		}
		at += length;
	}
	return false;
}

struct proxy_counts proxy_counts_read(pid_t thread)
{
	struct proxy_counts counts = { .is_known = false };
	char path[64], text[SCHED_FILE_MAX];

	snprintf(path, sizeof(path), "/proc/self/task/%d/sched", (int)thread);
	if (text_read(path, text, sizeof(text)) < 0)
		return counts;
	counts.is_known =
		line_number(text, "proxy.donations", &counts.donations) &&
		line_number(text, "proxy.owner_runs", &counts.owner_runs) &&
		line_number(text, "proxy.migrations", &counts.migrations) &&
		line_number(text, "proxy.returns", &counts.returns) &&
		line_number(text, "proxy.sleeps", &counts.sleeps) &&
		line_number(text, "proxy.activations", &counts.activations);
	return counts;
}

struct proxy_counts proxy_counts_since(const struct proxy_counts *later,
				       const struct proxy_counts *earlier)
{
	return (struct proxy_counts){
		.is_known = later->is_known && earlier->is_known,
		.donations = later->donations - earlier->donations,
		.owner_runs = later->owner_runs - earlier->owner_runs,
		.migrations = later->migrations - earlier->migrations,
		.returns = later->returns - earlier->returns,
		.sleeps = later->sleeps - earlier->sleeps,
		.activations = later->activations - earlier->activations,
	};
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t median_ns(uint64_t *values_ns, size_t count)
{
	qsort(values_ns, count, sizeof(*values_ns), compare_ns);
	return tail_rank_ns(values_ns, count, 500);
}

static uint64_t tick_ns(void)
{
	struct timespec resolution;

	/* The coarse clock goes on with the tick. */
	if (clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) < 0)
		workload_broken("no coarse clock");
	return (uint64_t)resolution.tv_sec * 1000000000u + (uint64_t)resolution.tv_nsec;
}

static void *array_or_broken(size_t count, size_t size)
{
	void *array = calloc(count, size);

	if (!array)
		workload_broken("no memory for %zu waits", count);
	return array;
}

static void waits_report(const struct inversion_trial *trial, uint64_t section_ns)
{
	size_t n = trial->waits_count, i;
	uint64_t *sorted = array_or_broken(n, sizeof(*sorted));
	uint64_t p99;

	for (i = 0; i < n; i++) {
		sorted[i] = trial->waits[i].wait_ns;
		sample_add("wait_ns", (double)sorted[i]);
	}
	qsort(sorted, n, sizeof(*sorted), compare_ns);
	p99 = tail_rank_ns(sorted, n, 990);
	sample_add("wait_p99_ns", (double)p99);
	sample_add("wait_p999_ns", (double)tail_rank_ns(sorted, n, 999));
	sample_add("wait_max_ns", (double)sorted[n - 1]);
	sample_add("wait_p99_ratio", (double)p99 / (double)section_ns);
	sample_add("wait_max_ratio", (double)sorted[n - 1] / (double)section_ns);
	free(sorted);
}

static void excess_report(const struct inversion_trial *trial, uint64_t section_ns)
{
	size_t n = trial->waits_count, late = 0, i;
	uint64_t *sorted = array_or_broken(n, sizeof(*sorted));
	uint64_t tick = tick_ns();

	for (i = 0; i < n; i++) {
		const struct inversion_wait *wait = &trial->waits[i];
		uint64_t least_ns = section_ns + wait->slept_ns;

		sorted[i] = wait->wait_ns > least_ns ? wait->wait_ns - least_ns : 0;
		sample_add("excess_ns", (double)sorted[i]);
		if (trial->is_sleeping)
			sample_add("slept_ns", (double)wait->slept_ns);
		late += sorted[i] > 2 * tick;
	}
	qsort(sorted, n, sizeof(*sorted), compare_ns);
	sample_add("excess_p99_ns", (double)tail_rank_ns(sorted, n, 990));
	sample_add("excess_p999_ns", (double)tail_rank_ns(sorted, n, 999));
	sample_add("excess_max_ns", (double)sorted[n - 1]);
	sample_add("tick_ns", (double)tick);
	sample_add("late_count", (double)late);
	free(sorted);
}

static void proxy_report(const struct inversion_trial *trial)
{
	if (trial->high.is_known) {
		sample_add("high_donations_count", (double)trial->high.donations);
		sample_add("high_migrations_count", (double)trial->high.migrations);
		sample_add("high_returns_count", (double)trial->high.returns);
		sample_add("high_sleeps_count", (double)trial->high.sleeps);
		sample_add("high_activations_count", (double)trial->high.activations);
	}
	if (trial->low.is_known)
		sample_add("low_owner_runs_count", (double)trial->low.owner_runs);
}

void inversion_report(struct inversion_trial *trial)
{
	size_t blocked = 0, censored = 0, i;
	uint64_t section_ns;

	for (i = 0; i < trial->sections_count; i++)
		sample_add("section_ns", (double)trial->sections_ns[i]);
	section_ns = median_ns(trial->sections_ns, trial->sections_count);
	waits_report(trial, section_ns ? section_ns : 1);
	excess_report(trial, section_ns);
	for (i = 0; i < trial->waits_count; i++) {
		blocked += trial->waits[i].is_blocked;
		censored += trial->waits[i].is_censored;
	}
	sample_add("held_count", (double)trial->waits_count);
	sample_add("blocked_count", (double)blocked);
	sample_add("missed_count", (double)trial->missed_count);
	sample_add("censored_count", (double)censored);
	proxy_report(trial);
}
