/* regions.c - see regions.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "marker.h"
#include "regions.h"

struct region {
	struct counts *start;      /* owned; of each vCPU at the begin */
	uint64_t visits;           /* ended */
	bool is_open;
};

static struct region regions[MARKER_REGIONS_MAX];
static FILE *file;                 /* borrowed */
static unsigned int vcpus;
static unsigned long lines_count;

void regions_open(FILE *out, unsigned int vcpus_count)
{
	file = out;
	vcpus = vcpus_count;
}

/* A line may be begun: there are not too many. */
static bool line_may_begin(void)
{
	if (lines_count == REGION_LINES_MAX) {
		fprintf(file, "full\n");
		lines_count++;
	}
	if (lines_count > REGION_LINES_MAX)
		return false;
	lines_count++;
	return true;
}

static void write_counts(struct counts counts)
{
	fprintf(file, " %" PRIu64 " %" PRIu64, counts.kernel, counts.user);
}

static struct counts counts_minus(struct counts a, struct counts b)
{
	return (struct counts){
		.kernel = a.kernel - b.kernel, .user = a.user - b.user,
	};
}

void region_begin(unsigned int number, unsigned int vcpu, struct counts uncounted)
{
	struct region *region = &regions[number];
	unsigned int i;

	if (!region->start)
		region->start = calloc(vcpus, sizeof(*region->start));
	if (!region->start)
		return;
	if (region->is_open && line_may_begin())
		fprintf(file, "lost %u\n", number);
	region->is_open = true;
	for (i = 0; i < vcpus; i++)
		region->start[i] = counters_get(i);
	region->start[vcpu] = counts_minus(region->start[vcpu], uncounted);
}

/* Those that a row leaves open will never end: its processes are gone. */
static void regions_cut(void)
{
	unsigned int i;

	for (i = 0; i < MARKER_REGIONS_MAX; i++) {
		if (!regions[i].is_open || i == MARKER_REGION_ROW)
			continue;
		regions[i].is_open = false;
		if (line_may_begin())
			fprintf(file, "cut %u\n", i);
	}
}

void region_end(unsigned int number, unsigned int vcpu, struct counts uncounted)
{
	struct region *region = &regions[number];
	struct counts counts;
	unsigned int i;

	if (!region->is_open) {
		if (line_may_begin())
			fprintf(file, "stray %u\n", number);
		return;
	}
	if (number == MARKER_REGION_ROW)
		regions_cut();
	region->is_open = false;
	if (!line_may_begin())
		return;
	fprintf(file, "region %u %" PRIu64, number, region->visits++);
	for (i = 0; i < vcpus; i++) {
		counts = counters_get(i);
		if (i == vcpu)
			counts = counts_minus(counts, uncounted);
		write_counts(counts_minus(counts, region->start[i]));
	}
	fputc('\n', file);
	/* Whoever ends QEMU by force still finds what was over. */
	fflush(file);
}

bool region_is_open(unsigned int number)
{
	return regions[number].is_open;
}

uint64_t region_visits(unsigned int number)
{
	return regions[number].visits;
}

unsigned long regions_finish(void)
{
	unsigned int i;

	for (i = 0; i < MARKER_REGIONS_MAX; i++)
		if (regions[i].is_open && line_may_begin())
			fprintf(file, "open %u\n", i);
	fprintf(file, "total");
	for (i = 0; i < vcpus; i++)
		write_counts(counters_get(i));
	fputc('\n', file);
	return lines_count + 1;
}
