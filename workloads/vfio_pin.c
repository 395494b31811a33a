/* vfio_pin.c - how long MAP_DMA takes to pin memory for a device and to map it in the
 * IOMMU (drivers/vfio/vfio_iommu_type1.c, vfio_pin_map_dma). Memory that was not
 * touched before is also faulted in and cleared by it, which is most of the time then.
 *
 * A round: MAP_DMA of the whole memory (timed), checks, one UNMAP_DMA of it (timed),
 * checks. Between rounds memory that is not to be faulted in is given back. IOVA and
 * memory are aligned alike, so that the IOMMU may map huge pages as such.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "padata.h"
#include "type1.h"
#include "workload.h"

#define MIB (UINT64_C(1) << 20)
#define HUGE_BYTES (2 * MIB)
#define THREADS_MAX 256
#define SPARE_MIB 64u
#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"

enum memory { SMALL, THP, HUGETLB };

static struct {
	uint64_t size_bytes, pages_count;  /* huge pages, whatever the memory is */
	uint32_t threads_count;
	enum memory memory;
	bool is_faulted;
	char *start;              /* of the memory; on a border of HUGE_BYTES */
	void *mapped;             /* what was mapped for it, somewhat more */
	uint64_t mapped_bytes;
	uint64_t locked_before;   /* VmLck without a mapping for the device */
	uint64_t unused_before;   /* huge pages in the pool, all memory given back */
	uint64_t pool_before;     /* pages in the pool before us */
	bool is_resized;
} state;

struct slice {
	pthread_t thread;
	pthread_barrier_t *start;
	uint64_t offset, length;
	int error;                /* errno of MAP_DMA, 0 if it worked */
};

static void memory_check(uint64_t needed_mib)
{
	uint64_t available_mib =
		field_read_or_broken("/proc/meminfo", "MemAvailable") / 1024;

	if (needed_mib + SPARE_MIB > available_mib)
		workload_skipped("%llu MiB and %u MiB to spare are more than the "
				 "%llu MiB available", (unsigned long long)needed_mib,
				 SPARE_MIB, (unsigned long long)available_mib);
}

/* Grows the pool by what it lacks. */
static void pool_fill(void)
{
	uint64_t unused, missing;

	if (access(POOL, F_OK) < 0)
		workload_skipped("no huge pages of 2048 KiB on this CPU and kernel");
	state.pool_before = number_read_or_broken(POOL "nr_hugepages");
	unused = number_read_or_broken(POOL "free_hugepages");
	if (unused < state.pages_count) {
		missing = state.pages_count - unused;
		memory_check(missing * (HUGE_BYTES / MIB));
		text_write_or_broken(POOL "nr_hugepages", "%llu",
				     (unsigned long long)(state.pool_before + missing));
		state.is_resized = true;
		unused = number_read_or_broken(POOL "free_hugepages");
	}
	if (unused < state.pages_count)
		workload_skipped("only %llu of %llu huge pages of 2 MiB could be had",
				 (unsigned long long)unused,
				 (unsigned long long)state.pages_count);
	state.unused_before = unused;
}

static void memory_map(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	int advice = state.memory == THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;

	if (state.memory == HUGETLB)
		flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
			(21 << MAP_HUGE_SHIFT);
	state.mapped_bytes = state.size_bytes +
			     (state.memory == HUGETLB ? 0 : HUGE_BYTES);
	state.mapped = mmap(NULL, state.mapped_bytes, PROT_READ | PROT_WRITE, flags,
			    -1, 0);
	if (state.mapped == MAP_FAILED) {
		state.mapped = NULL;
		workload_broken("mmap of the memory: %s", strerror(errno));
	}
	state.start = (char *)(((uintptr_t)state.mapped + HUGE_BYTES - 1) &
			       ~(uintptr_t)(HUGE_BYTES - 1));
	if (state.memory != HUGETLB &&
	    madvise(state.start, state.size_bytes, advice) < 0) {
		if (state.memory == THP)
			workload_skipped("no transparent huge pages: %s",
					 strerror(errno));
		workload_broken("madvise: %s", strerror(errno));
	}
}

static void setup(void)
{
	const char *memory = parameter_word("memory");

	state.memory = !strcmp(memory, "small") ? SMALL :
		       !strcmp(memory, "thp") ? THP : HUGETLB;
	state.size_bytes = (uint64_t)parameter_number("size_mib") * MIB;
	state.pages_count = state.size_bytes / HUGE_BYTES;
	state.threads_count = (uint32_t)parameter_number("threads");
	state.is_faulted = parameter_number("faulted");
	if (state.size_bytes % HUGE_BYTES)
		workload_broken("size_mib is no multiple of 2");
	if (state.threads_count > state.pages_count)
		workload_broken("more threads than pieces of 2 MiB");
	type1_open_or_skip();
	if (state.memory == HUGETLB)
		pool_fill();
	else
		memory_check(state.size_bytes / MIB);
	memory_map();
	if (state.is_faulted)
		memset(state.start, 1, state.size_bytes);
	state.locked_before = field_read_or_broken("/proc/self/status", "VmLck");
	padata_helpers_set(parameter_number("helpers"));
}

static void *slice_map(void *argument)
{
	struct slice *slice = argument;

	if (slice->start)
		pthread_barrier_wait(slice->start);
	slice->error = type1_map(state.start + slice->offset,
				 TYPE1_IOVA + slice->offset, slice->length);
	return NULL;
}

/* Splits the memory at borders of huge pages, as evenly as they allow. */
static void slices_cut(struct slice *slices, pthread_barrier_t *start)
{
	uint64_t done = 0;
	uint32_t i;

	for (i = 0; i < state.threads_count; i++) {
		uint64_t end = state.pages_count * (i + 1) / state.threads_count;

		slices[i] = (struct slice){
			.start = start,
			.offset = done * HUGE_BYTES,
			.length = (end - done) * HUGE_BYTES,
		};
		done = end;
	}
}

/* Maps all of it with the threads asked for; the time of it. */
static uint64_t map_ns(void)
{
	static struct slice slices[THREADS_MAX];
	pthread_barrier_t start;
	uint64_t start_ns, end_ns;
	uint32_t i, n = state.threads_count;

	if (n == 1) {
		slices_cut(slices, NULL);
		start_ns = clock_now_ns();
		workload_region_begin(MARKER_REGION_OWN);
		slice_map(&slices[0]);
		workload_region_end(MARKER_REGION_OWN);
		end_ns = clock_now_ns();
	} else {
		pthread_barrier_init(&start, NULL, n + 1);
		slices_cut(slices, &start);
		for (i = 0; i < n; i++)
			if (pthread_create(&slices[i].thread, NULL, slice_map,
					   &slices[i]))
				workload_broken("no thread %u of %u", i, n);
		start_ns = clock_now_ns();
		workload_region_begin(MARKER_REGION_OWN);
		pthread_barrier_wait(&start);
		for (i = 0; i < n; i++)
			pthread_join(slices[i].thread, NULL);
		workload_region_end(MARKER_REGION_OWN);
		end_ns = clock_now_ns();
		pthread_barrier_destroy(&start);
	}
	for (i = 0; i < n; i++)
		if (slices[i].error)
			workload_failed("MAP_DMA: %s", strerror(slices[i].error));
	return end_ns - start_ns;
}

static uint64_t unmap_ns(void)
{
	uint64_t start_ns, end_ns, bytes = 0;
	int error;

	start_ns = clock_now_ns();
	error = type1_unmap(TYPE1_IOVA, state.size_bytes, &bytes);
	end_ns = clock_now_ns();
	if (error)
		workload_failed("UNMAP_DMA: %s", strerror(error));
	if (bytes != state.size_bytes)
		workload_failed("UNMAP_DMA unmapped %llu bytes of %llu",
				(unsigned long long)bytes,
				(unsigned long long)state.size_bytes);
	return end_ns - start_ns;
}

/* type1 accounts what it pins as locked memory, in kB here. */
static void locked_check(uint64_t pinned_bytes, const char *when)
{
	uint64_t locked = field_read_or_broken("/proc/self/status", "VmLck");
	uint64_t expected = state.locked_before + pinned_bytes / 1024;

	if (locked != expected)
		workload_failed("%s VmLck is %llu kB, expected %llu", when,
				(unsigned long long)locked,
				(unsigned long long)expected);
}

static void mapped_check(void)
{
	int error = type1_map(state.start, TYPE1_IOVA, state.size_bytes);

	if (error != EEXIST)
		workload_failed("MAP_DMA where something is mapped: %s, expected %s",
				error ? strerror(error) : "mapped", strerror(EEXIST));
	locked_check(state.size_bytes, "with the mapping");
	if (state.memory == THP) {
		uint64_t huge = field_read_or_broken("/proc/self/smaps_rollup",
						     "AnonHugePages");

		if (huge < state.size_bytes / 1024)
			workload_broken("only %llu of %llu kB are transparent huge pages",
					(unsigned long long)huge,
					(unsigned long long)state.size_bytes / 1024);
	}
}

/* The memory as it was before the first touch; the pool must have its pages back. */
static void memory_drop(void)
{
	uint64_t unused;

	if (madvise(state.start, state.size_bytes, MADV_DONTNEED) < 0)
		workload_broken("MADV_DONTNEED: %s", strerror(errno));
	if (state.memory != HUGETLB)
		return;
	unused = number_read_or_broken(POOL "free_hugepages");
	if (unused != state.unused_before)
		workload_failed("%llu huge pages are free after the round, expected %llu",
				(unsigned long long)unused,
				(unsigned long long)state.unused_before);
}

static void measure(uint32_t round)
{
	double gib = (double)state.size_bytes / (1024.0 * (double)MIB);
	uint64_t duration_ns = map_ns();

	(void)round;
	sample_add("map_ns", (double)duration_ns);
	sample_add("map_gib_per_s", gib * 1e9 / (double)(duration_ns ? duration_ns : 1));
	mapped_check();
	sample_add("unmap_ns", (double)unmap_ns());
	locked_check(0, "after the mapping");
	if (!state.is_faulted)
		memory_drop();
}

static void cleanup(void)
{
	char text[24];

	type1_close();
	if (state.mapped)
		munmap(state.mapped, state.mapped_bytes);
	if (state.is_resized) {
		snprintf(text, sizeof(text), "%llu",
			 (unsigned long long)state.pool_before);
		(void)text_write(POOL "nr_hugepages", text);
	}
	padata_helpers_restore();
}

static const char *const memories[] = { "small", "thp", "hugetlb", NULL };
static const char *const options[] = { "CONFIG_VFIO_PCI", "CONFIG_VFIO_IOMMU_TYPE1",
				       "CONFIG_VFIO_GROUP", NULL };
static const char *const devices[] = { "iommu", NULL };

const struct workload workload = {
	.name = "vfio_pin",
	.purpose = "Time of MAP_DMA, which pins memory for a device behind an IOMMU",
	.metrics = (const struct metric[]){
		{ "map_ns", "ns", "lower", "time", false,
		  "MAP_DMA of the whole memory, all threads together" },
		{ "unmap_ns", "ns", "lower", "time", false,
		  "One UNMAP_DMA of all of it" },
		{ "map_gib_per_s", "GiB/s", "higher", "rate", true,
		  "Size of the memory over the time of MAP_DMA" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "size_mib", 2, 16777216, NULL, "256", "Size of the memory" },
		{ "memory", 0, 0, memories, "small",
		  "Pages of 4 KiB, transparent huge pages, or hugetlb's of 2 MiB" },
		{ "faulted", 0, 1, NULL, "0", "1: it was touched before" },
		PADATA_HELPERS_PARAMETER("-1"),
		{ "threads", 1, THREADS_MAX, NULL, "1",
		  "Threads that call MAP_DMA, each for its part of the memory" },
		{ "rounds", 1, 10000, NULL, "10", "Rounds that count" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_devices = devices,
	.needs_memory_mib = 192, /* and size_mib */
	.needs_vcpus = 1,
	.is_counted = true,
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
