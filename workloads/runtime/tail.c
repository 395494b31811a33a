/* tail.c - see tail.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tail.h"
#include "workload.h"

#define LINE_MAX_BYTES 21      /* 2^64 and a newline */

void tail_init_or_broken(struct tail *ret_tail, size_t capacity)
{
	*ret_tail = (struct tail){ .capacity = capacity };
	ret_tail->values_ns = malloc(capacity * sizeof(*ret_tail->values_ns));
	if (!ret_tail->values_ns)
		workload_broken("no memory for %zu times", capacity);
	memset(ret_tail->values_ns, 1, capacity * sizeof(*ret_tail->values_ns));
}

void tail_release(struct tail *tail)
{
	free(tail->values_ns);
	*tail = (struct tail){ .values_ns = NULL };
}

void tail_add(struct tail *tail, uint64_t value_ns)
{
	if (tail->count < tail->capacity)
		tail->values_ns[tail->count++] = value_ns;
	else
		tail->lost_count++;
}

void tail_join(struct tail *tail, const struct tail *other)
{
	size_t i;

	for (i = 0; i < other->count; i++)
		tail_add(tail, other->values_ns[i]);
	tail->lost_count += other->lost_count;
}

uint64_t tail_rank_ns(const uint64_t *ordered_ns, size_t count, uint32_t permille)
{
	/* The smallest rank, from 1, that is at least the share. */
	size_t rank = (count * permille + 999) / 1000;

	return ordered_ns[rank ? rank - 1 : 0];
}

static void artifact_add_values(const struct tail *tail, const char *name)
{
	char *text = malloc(tail->count * LINE_MAX_BYTES + 1), file[64];
	size_t i, length = 0;

	if (!text)
		workload_broken("no memory to write %zu times", tail->count);
	for (i = 0; i < tail->count; i++)
		length += (size_t)sprintf(text + length, "%llu\n",
					  (unsigned long long)tail->values_ns[i]);
	snprintf(file, sizeof(file), "%s.txt", name);
	artifact_add(file, text, length);
	free(text);
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void tail_sample(struct tail *tail, const char *name)
{
	static const struct {
		const char *word;
		uint32_t permille;
	} ranks[] = { { "p50", 500 }, { "p99", 990 }, { "p999", 999 }, { "max", 1000 } };
	char metric[64];
	size_t i;

	if (!tail->count)
		workload_broken("%s: nothing was measured", name);
	if (tail->lost_count)
		workload_broken("%s: %zu times found no room behind %zu", name,
				tail->lost_count, tail->count);
	qsort(tail->values_ns, tail->count, sizeof(*tail->values_ns), compare_ns);
	for (i = 0; i < sizeof(ranks) / sizeof(*ranks); i++) {
		snprintf(metric, sizeof(metric), "%s_%s_ns", name, ranks[i].word);
		sample_add(metric, (double)tail_rank_ns(tail->values_ns, tail->count,
							ranks[i].permille));
	}
}

void tail_report(struct tail *tail, const char *name)
{
	if (tail->count)
		artifact_add_values(tail, name);
	tail_sample(tail, name);
}
