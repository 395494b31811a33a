/* mutex_contended.c - threads that want one and the same kernel mutex all the time: how
 * often they get it in a second, whether each gets its share, and how long the longest
 * of them waits.
 *
 * The mutex is f_pos_lock of an open file (fs/file.c, fdget_pos). Under it a thread
 * asks where the file stands (section_kib=0: the shortest section there is), or reads
 * so much of a hole of the file, which clears the thread's buffer. Between two
 * sections it works outside for as many turns as `outside` says. Its calls are timed
 * one by one, each with its wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tail.h"
#include "workload.h"

#define FOLDER "/tmp"             /* tmpfs: reading a hole takes no memory */
#define THREADS_MAX 256
#define CALLS_MAX 2000000u        /* of all threads in a round */
#define FILE_BYTES (INT64_C(1) << 60)

struct contender {
	pthread_t thread;
	struct tail calls;        /* of one round, in order */
	char *buffer;             /* owned; of section_bytes, NULL for 0 */
	int error;                /* errno of a call, 0 if all worked */
	char padding[64];         /* a cache line apart from the next */
};

static struct {
	int fd, twin;             /* one open file under two descriptors */
	size_t section_bytes;
	uint32_t threads_count, outside_turns;
	uint64_t duration_ns;
	struct contender contenders[THREADS_MAX];
	struct tail all;          /* of one round */
	bool is_over;             /* set by the thread that measures */
	pthread_barrier_t start;
} state = { .fd = -1, .twin = -1 };

static void setup(void)
{
	uint32_t i, n = (uint32_t)parameter_number("threads");

	state.section_bytes = (size_t)parameter_number("section_kib") * 1024;
	state.outside_turns = (uint32_t)parameter_number("outside");
	state.duration_ns = (uint64_t)parameter_number("duration_ms") * 1000000u;
	state.fd = open(FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (state.fd < 0 || ftruncate(state.fd, FILE_BYTES) < 0)
		workload_broken("a file in %s: %s", FOLDER, strerror(errno));
	state.twin = fcntl(state.fd, F_DUPFD_CLOEXEC, 0);
	if (state.twin < 0)
		workload_broken("a second descriptor: %s", strerror(errno));
	tail_init_or_broken(&state.all, CALLS_MAX);
	for (i = 0; i < n; i++, state.threads_count++) {
		struct contender *contender = &state.contenders[i];

		tail_init_or_broken(&contender->calls, CALLS_MAX / n);
		if (!state.section_bytes)
			continue;
		contender->buffer = malloc(state.section_bytes);
		if (!contender->buffer)
			workload_broken("no memory for the buffer of thread %u", i);
		memset(contender->buffer, 1, state.section_bytes);
	}
	pthread_barrier_init(&state.start, NULL, n + 1);
}

/* Whether the section worked. */
static bool section_run(const struct contender *contender)
{
	if (!state.section_bytes)
		return lseek(state.fd, 0, SEEK_CUR) >= 0;
	return read(state.fd, contender->buffer, state.section_bytes) ==
	       (ssize_t)state.section_bytes;
}

static void *contender_run(void *argument)
{
	struct contender *contender = argument;
	uint64_t begin_ns;
	uint32_t i;

	pthread_barrier_wait(&state.start);
	while (!__atomic_load_n(&state.is_over, __ATOMIC_RELAXED)) {
		begin_ns = clock_now_ns();
		if (!section_run(contender)) {
			contender->error = errno ? errno : EIO;
			return NULL;
		}
		tail_add(&contender->calls, clock_now_ns() - begin_ns);
		for (i = 0; i < state.outside_turns; i++)
			__asm__ volatile("" ::: "memory");
	}
	return NULL;
}

/* All threads for the time of a round; how long that really was. */
static uint64_t contenders_run_ns(void)
{
	uint64_t begin_ns;
	uint32_t i;

	state.is_over = false;
	for (i = 0; i < state.threads_count; i++) {
		struct contender *contender = &state.contenders[i];

		contender->calls.count = contender->calls.lost_count = 0;
		if (pthread_create(&contender->thread, NULL, contender_run, contender))
			workload_broken("no thread %u of %u", i, state.threads_count);
	}
	begin_ns = clock_now_ns();
	pthread_barrier_wait(&state.start);
	sleep_ns(state.duration_ns);
	__atomic_store_n(&state.is_over, true, __ATOMIC_RELAXED);
	for (i = 0; i < state.threads_count; i++)
		pthread_join(state.contenders[i].thread, NULL);
	return clock_now_ns() - begin_ns;
}

/* Jain's index of the threads' calls: (sum x)^2 / (n * sum x^2). 1: each had as many;
 * 1/n: one had them all (Jain, Chiu, Hawe 1984, DEC-TR-301). */
static void fairness_add(void)
{
	double sum = 0, squares = 0, least = (double)CALLS_MAX, most = 0;
	uint32_t i;

	for (i = 0; i < state.threads_count; i++) {
		double count = (double)state.contenders[i].calls.count;

		sum += count;
		squares += count * count;
		least = count < least ? count : least;
		most = count > most ? count : most;
	}
	if (!(sum > 0))
		workload_broken("nobody got the lock: a longer duration_ms is needed");
	sample_add("jain_ratio", sum * sum / (state.threads_count * squares));
	sample_add("slowest_fastest_ratio", least / most);
}

static void measure(uint32_t round)
{
	uint64_t duration_ns = contenders_run_ns();
	uint32_t i;

	(void)round;
	state.all.count = state.all.lost_count = 0;
	for (i = 0; i < state.threads_count; i++) {
		struct contender *contender = &state.contenders[i];

		if (contender->error)
			workload_failed("a call of thread %u: %s", i,
					strerror(contender->error));
		tail_join(&state.all, &contender->calls);
	}
	sample_add("sections_per_s", (double)state.all.count * 1e9 / (double)duration_ns);
	fairness_add();
	tail_sample(&state.all, "call");
}

static void cleanup(void)
{
	uint32_t i;

	/* A thread that still runs (one of them could not be made) ends with us. */
	for (i = 0; i < state.threads_count; i++) {
		tail_release(&state.contenders[i].calls);
		free(state.contenders[i].buffer);
		state.contenders[i].buffer = NULL;
	}
	tail_release(&state.all);
	if (state.twin >= 0)
		close(state.twin);
	if (state.fd >= 0)
		close(state.fd);
}

static const char *const options[] = { "CONFIG_TMPFS", NULL };

const struct workload workload = {
	.name = "mutex_contended",
	.purpose = "Threads that want one kernel mutex: throughput, fairness, waits",
	.metrics = (const struct metric[]){
		{ "sections_per_s", "1/s", "higher", "rate", false,
		  "Critical sections of all threads together in a second" },
		{ "jain_ratio", "1", "higher", "rate", false,
		  "Jain's index of the threads' sections: 1 if each had as many" },
		{ "slowest_fastest_ratio", "1", "higher", "rate", true,
		  "Sections of the thread with the fewest over those of the one with "
		  "the most" },
		{ "call_p50_ns", "ns", "lower", "time", true,
		  "A call with its wait and its section, median of a round" },
		{ "call_p99_ns", "ns", "lower", "time", false,
		  "Its 99th percentile" },
		{ "call_p999_ns", "ns", "lower", "time", true,
		  "Its 99.9th percentile" },
		{ "call_max_ns", "ns", "lower", "tail", false, "The longest call" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "threads", 1, THREADS_MAX, NULL, "4", "Threads that want the mutex" },
		{ "section_kib", 0, 65536, NULL, "0",
		  "What is read under the mutex; 0: nothing, it is only taken" },
		{ "outside", 0, 1000000000, NULL, "100",
		  "Turns of a loop between two sections" },
		{ "duration_ms", 1, 100000, NULL, "200", "Length of a round" },
		{ "rounds", 1, 10000, NULL, "5", "Rounds that count" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 256,
	.needs_vcpus = 1,
	.is_counted = false,     /* the threads fill whatever time there is */
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
