/* mutex_stress.c - mutexes of the kernel, fought for in every way that user space has:
 * trees of waiters over owners that run, sleep, are moved, change class, and die, while
 * signals and timers end waits and CPUs come and go. What it looks for is a waiter that
 * the kernel forgets: after each storm all must come home.
 *
 * It needs no kernel of ours. Where the kernel counts what proxy execution does, a run
 * fails in which too few waiters were hung on sleeping owners and came back with them
 * (mutex_stress/proxy_counters.h): it would have shown nothing.
 * The processes are in mutex_stress/ (stress.h says which).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "mutex_stress/proxy_counters.h"
#include "mutex_stress/stress.h"
#include "mutex_stress/watch.h"

#define STORM_MIN_MS 60
#define STORM_MAX_MS 600
#define NAPS_MIN 20              /* fewer owners that slept prove nothing */

static struct {
	uint64_t random;
	uint32_t storms_count;
	struct proxy_counters before;
	bool has_counters;
} state;

/* Whether the kernel has them. */
static bool counters_read(struct proxy_counters *ret_counters)
{
	char text[8192], message[128];
	int result = text_read(PROXY_COUNTERS_PATH, text, sizeof(text));

	if (result == -ENOENT)
		return false;
	if (result < 0)
		workload_broken(PROXY_COUNTERS_PATH ": %s", strerror(-result));
	if (proxy_counters_parse(text, ret_counters, message, sizeof(message)) < 0)
		workload_broken(PROXY_COUNTERS_PATH ": %s", message);
	return true;
}

/* In exact mode the guest's random numbers follow from the trial's seed. */
static uint64_t seed_choose(void)
{
	uint64_t seed = (uint64_t)parameter_number("seed");

	if (seed == 0) {
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			workload_broken("getrandom: %s", strerror(errno));
		seed >>= 1;
	}
	fprintf(stderr, "mutex_stress: seed=%llu\n", (unsigned long long)seed);
	return seed;
}

static void setup(void)
{
	stress.arena = mmap(NULL, sizeof(*stress.arena), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stress.arena == MAP_FAILED) {
		stress.arena = NULL;
		workload_broken("mmap: %s", strerror(errno));
	}
	stress.actors_count = (uint32_t)parameter_number("actors");
	stress.nap_max_us = (uint32_t)parameter_number("nap_max_us");
	stress.cpus_count = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	stress.is_throttled = parameter_number("throttle");
	stress.has_deadlines = parameter_number("deadline");
	stress.is_unplugged = parameter_number("unplug") && stress.cpus_count > 1;
	stress.seed = seed_choose();
	state.random = random_seed(stress.seed, UINT64_C(3) << 60);
	locks_open_or_broken();
	state.has_counters = counters_read(&state.before);
	watch_start_or_broken();
}

static double sum_of(const _Atomic uint64_t *counts, enum deed first, enum deed last)
{
	uint64_t sum = 0;
	enum deed deed;

	for (deed = first; deed <= last; deed++)
		sum += atomic_load(&counts[deed]);
	return (double)sum;
}

static void samples_add(void)
{
	const struct arena *arena = stress.arena;
	uint64_t longest_ns = 0;
	uint32_t i;

	for (i = 0; i < SLOT_CHURN; i++)
		if (atomic_load(&arena->slots[i].longest_ns) > longest_ns)
			longest_ns = atomic_load(&arena->slots[i].longest_ns);
	sample_add("deeds_count", sum_of(arena->done, DEED_FILE_HOLD, DEED_EXEC));
	sample_add("interrupted_count",
		   sum_of(arena->interrupted, DEED_FILE_HOLD, DEED_EXEC));
	sample_add("naps_count", (double)atomic_load(&arena->naps_count));
	sample_add("churns_count", sum_of(arena->done, DEED_SIGNAL, DEED_KILL));
	sample_add("deaths_count", watch_deaths_count());
	sample_add("unplugs_count", sum_of(arena->done, DEED_OFFLINE, DEED_OFFLINE));
	sample_add("storms_count", state.storms_count);
	sample_add("longest_ns", (double)longest_ns);
}

/* What each was done how often: for people, in the console's log. */
static void deeds_print(void)
{
	const struct arena *arena = stress.arena;
	enum deed deed;

	for (deed = DEED_NONE + 1; deed < DEEDS_COUNT; deed++)
		fprintf(stderr, "mutex_stress: %s: %llu done, %llu interrupted, %llu "
			"refused\n", deed_names[deed],
			(unsigned long long)atomic_load(&arena->done[deed]),
			(unsigned long long)atomic_load(&arena->interrupted[deed]),
			(unsigned long long)atomic_load(&arena->refused[deed]));
}

/* Storms in which the thing that is to be proven hardly ever happened prove nothing. */
static void counters_check(uint64_t naps_count)
{
	enum proxy_counter lacking;
	struct proxy_counters after;
	uint64_t least = 0;
	char metric[64];
	uint32_t i;

	if (!state.has_counters || !counters_read(&after))
		return;
	for (i = 0; i < PROXY_COUNTERS_COUNT; i++) {
		uint64_t count = after.sum[i] - state.before.sum[i];

		if (!after.has[i])
			continue;
		snprintf(metric, sizeof(metric), "proxy_%s_count",
			 proxy_counter_names[i]);
		sample_add(metric, (double)count);
		after.sum[i] = count;
	}
	lacking = proxy_counters_lacking(&after, naps_count, &least);
	if (lacking < PROXY_COUNTERS_COUNT)
		workload_failed("proxy execution counted %llu %s in %u storms in which owners "
				"slept %llu times, expected %llu or more",
				(unsigned long long)after.sum[lacking],
				proxy_counter_names[lacking], state.storms_count,
				(unsigned long long)naps_count, (unsigned long long)least);
}

static void measure(uint32_t round)
{
	uint32_t patience_s = (uint32_t)parameter_number("patience_s");
	uint64_t naps_count, end_ns = clock_now_ns() +
			  (uint64_t)parameter_number("duration_s") * UINT64_C(1000000000);

	(void)round;
	do {
		watch_storm(STORM_MIN_MS +
			    random_below(&state.random, STORM_MAX_MS - STORM_MIN_MS));
		state.storms_count++;
		watch_calm(patience_s);
	} while (clock_now_ns() < end_ns);
	watch_end(patience_s);
	deeds_print();
	samples_add();
	naps_count = atomic_load(&stress.arena->naps_count);
	if (naps_count < NAPS_MIN)
		workload_broken("owners slept inside their mutexes %llu times, expected %d or "
				"more: the time was too short for this guest",
				(unsigned long long)naps_count, NAPS_MIN);
	counters_check(naps_count);
}

/* A CPU that is left away would be missed by the rows after this one. */
static void cpus_restore(void)
{
	char path[64];
	uint32_t cpu;

	for (cpu = 1; cpu < stress.cpus_count; cpu++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
		(void)text_write(path, "1");
	}
}

static void cleanup(void)
{
	watch_kill();
	cpus_restore();
	locks_close();
}

static const char *const options[] = {
	"CONFIG_USERFAULTFD", "CONFIG_UNIX98_PTYS", "CONFIG_CGROUP_SCHED",
	"CONFIG_CFS_BANDWIDTH", NULL
};

#define PROXY_METRIC(name, meaning) \
	{ "proxy_" name "_count", "count", "higher", "count", true, meaning }

const struct workload workload = {
	.name = "mutex_stress",
	.purpose = "Trees of waiters for mutexes of the kernel: none may be forgotten",
	.metrics = (const struct metric[]){
		{ "deeds_count", "count", "higher", "count", false,
		  "System calls of actors that took or awaited mutexes" },
		{ "interrupted_count", "count", "higher", "count", true,
		  "Those that a signal or timer ended" },
		{ "naps_count", "count", "higher", "count", true,
		  "Owners that slept inside a mutex" },
		{ "churns_count", "count", "higher", "count", true,
		  "Signals, changes of class, affinity and group, and deaths" },
		{ "deaths_count", "count", "higher", "count", true,
		  "Actors that were killed, or executed another program" },
		{ "unplugs_count", "count", "higher", "count", true,
		  "CPUs that were taken away" },
		{ "storms_count", "count", "higher", "count", true,
		  "Times that all had to come home" },
		{ "longest_ns", "ns", "lower", "tail", true,
		  "The longest deed of an actor" },
		PROXY_METRIC("donations", "Blocked tasks chosen while another ran for them"),
		PROXY_METRIC("owner_runs", "Tasks that ran for another"),
		PROXY_METRIC("migrations", "Blocked tasks that went to their owner's CPU"),
		PROXY_METRIC("returns", "Those that were taken back when they woke"),
		PROXY_METRIC("sleeps", "Blocked tasks hung on an owner that slept"),
		PROXY_METRIC("activations", "Those that were activated with it"),
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "duration_s", 1, 86400, NULL, "20", "How long, calms included" },
		{ "actors", 1, ACTORS_MAX, NULL, "8", "Processes, each of two threads" },
		{ "nap_max_us", 1, 1000000, NULL, "3000",
		  "Longest sleep of an owner inside, per page it touches" },
		{ "patience_s", 1, 3600, NULL, "20",
		  "How long a calm may last until all are home" },
		{ "throttle", 0, 1, NULL, "1", "1: actors come into a group with a quota of CPU time" },
		{ "deadline", 0, 1, NULL, "1", "1: actors become tasks of SCHED_DEADLINE, too" },
		{ "unplug", 0, 1, NULL, "1", "1: CPUs are taken away and brought back" },
		{ "seed", 0, INT64_MAX, NULL, "0", "0: the trial's own" },
		{ .name = NULL },
	},
	.needs_options = options,
	/* the kernel's own tests of locks, where they are built in, would disturb */
	.kernel_arguments = (const char *const[]){
		"initcall_blacklist=lock_torture_init,test_ww_mutex_init", NULL },
	.needs_memory_mib = 128,
	.needs_vcpus = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
