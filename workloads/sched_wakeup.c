/* sched_wakeup.c - how long a worker that is woken up waits for a CPU, and how many
 * requests a second go through: the pattern of a server (and of schbench).
 *
 * Messengers hand out requests; each has workers of its own. A worker sleeps; its
 * messenger notes the time and wakes it; the worker notes the time again, first of
 * all: between the two is one sample. Then it computes for as many turns as a request
 * costs, and tells the messenger, which sleeps in the meantime, that it is idle again.
 *
 * They wake each other by futex (a word for each thread), or by pipe (a byte each
 * time), which also takes a mutex on both sides (pipe->mutex).
 *
 * A round is a number of requests, not a time, so that what is counted in exact mode
 * is the same work on every kernel. All threads are there before it begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tail.h"
#include "workload.h"

#define WORKERS_MAX 256           /* of one messenger; their bytes fit into its pipe */
#define MESSENGERS_MAX 64
#define TIMES_MAX 400000u         /* as text they are one artifact */

/* What a thread sleeps on, and others wake it by. */
struct bell {
	uint32_t word;            /* futex: 1 when it was rung, and nobody looked yet */
	int ends[2];              /* pipe: a byte for each time */
};

struct worker {
	pthread_t thread;
	struct bell bell;
	struct bell *messenger_bell; /* borrowed */
	uint64_t rung_ns;         /* by the messenger, before it rings */
	uint64_t latency_ns;      /* by the worker, before is_done */
	bool is_ending;           /* by the messenger, before it rings */
	bool is_done;             /* by the worker; taken back by the messenger */
	bool is_busy;             /* the messenger's own */
	char padding[64];
};

struct messenger {
	pthread_t thread;
	struct bell bell;
	struct worker *workers;   /* owned */
	struct tail latencies;    /* of its workers */
	char padding[64];
};

static struct {
	uint32_t messengers_count, workers_count, rounds_count;
	uint64_t requests_count;  /* of one messenger in a round */
	uint64_t work_turns;
	bool is_pipe, is_over, is_complete;
	struct messenger messengers[MESSENGERS_MAX];
	struct tail all;          /* of the rounds that count */
	pthread_barrier_t begin, end;
} state;

/* --- bells ---------------------------------------------------------------- */

/* From any thread: none of them can be joined any more. */
static _Noreturn void call_broken(const char *call)
{
	state.is_complete = false;
	workload_broken("%s: %s", call, strerror(errno));
}

static void bell_init_or_broken(struct bell *bell)
{
	if (state.is_pipe && pipe2(bell->ends, O_CLOEXEC) < 0)
		workload_broken("pipe: %s", strerror(errno));
}

static void bell_ring(struct bell *bell)
{
	if (state.is_pipe) {
		if (write(bell->ends[1], "", 1) != 1)
			call_broken("write to a pipe");
		return;
	}
	__atomic_store_n(&bell->word, 1, __ATOMIC_RELEASE);
	if (syscall(SYS_futex, &bell->word, FUTEX_WAKE_PRIVATE, 1) < 0)
		call_broken("FUTEX_WAKE");
}

/* Until it has been rung since the last call; several times count as one. */
static void bell_wait(struct bell *bell)
{
	char bytes[WORKERS_MAX];

	if (state.is_pipe) {
		if (read(bell->ends[0], bytes, sizeof(bytes)) <= 0)
			call_broken("read from a pipe");
		return;
	}
	while (!__atomic_exchange_n(&bell->word, 0, __ATOMIC_ACQUIRE))
		if (syscall(SYS_futex, &bell->word, FUTEX_WAIT_PRIVATE, 0, NULL) < 0 &&
		    errno != EAGAIN && errno != EINTR)
			call_broken("FUTEX_WAIT");
}

/* --- workers ---------------------------------------------------------------- */

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	uint64_t i;

	for (;;) {
		bell_wait(&worker->bell);
		if (worker->is_ending)
			return NULL;
		worker->latency_ns = clock_now_ns() - worker->rung_ns;
		for (i = 0; i < state.work_turns; i++)
			__asm__ volatile("" ::: "memory");
		__atomic_store_n(&worker->is_done, true, __ATOMIC_RELEASE);
		bell_ring(worker->messenger_bell);
	}
}

/* --- messengers --------------------------------------------------------------- */

/* Takes back the workers that are done; how many. */
static uint32_t workers_collect(struct messenger *messenger)
{
	uint32_t i, count = 0;

	for (i = 0; i < state.workers_count; i++) {
		struct worker *worker = &messenger->workers[i];

		if (!worker->is_busy ||
		    !__atomic_load_n(&worker->is_done, __ATOMIC_ACQUIRE))
			continue;
		worker->is_done = worker->is_busy = false;
		tail_add(&messenger->latencies, worker->latency_ns);
		count++;
	}
	return count;
}

static void requests_hand_out(struct messenger *messenger)
{
	uint64_t handed = 0, done = 0;
	uint32_t i;

	while (done < state.requests_count) {
		for (i = 0; i < state.workers_count &&
			    handed < state.requests_count; i++) {
			struct worker *worker = &messenger->workers[i];

			if (worker->is_busy)
				continue;
			worker->is_busy = true;
			handed++;
			worker->rung_ns = clock_now_ns();
			bell_ring(&worker->bell);
		}
		bell_wait(&messenger->bell);
		done += workers_collect(messenger);
	}
}

static void *messenger_run(void *argument)
{
	struct messenger *messenger = argument;

	for (;;) {
		pthread_barrier_wait(&state.begin);
		if (state.is_over)
			return NULL;
		requests_hand_out(messenger);
		pthread_barrier_wait(&state.end);
	}
}

static void messenger_start(struct messenger *messenger)
{
	uint32_t i;

	bell_init_or_broken(&messenger->bell);
	tail_init_or_broken(&messenger->latencies, state.requests_count);
	messenger->workers = calloc(state.workers_count, sizeof(*messenger->workers));
	if (!messenger->workers)
		workload_broken("no memory for %u workers", state.workers_count);
	for (i = 0; i < state.workers_count; i++) {
		struct worker *worker = &messenger->workers[i];

		worker->messenger_bell = &messenger->bell;
		bell_init_or_broken(&worker->bell);
		if (pthread_create(&worker->thread, NULL, worker_run, worker))
			workload_broken("no worker %u of %u", i, state.workers_count);
	}
	if (pthread_create(&messenger->thread, NULL, messenger_run, messenger))
		workload_broken("no thread for a messenger");
}

/* --- the round ------------------------------------------------------------------ */

static void setup(void)
{
	uint64_t times_count;
	uint32_t i;

	state.messengers_count = (uint32_t)parameter_number("messengers");
	state.workers_count = (uint32_t)parameter_number("workers");
	state.rounds_count = (uint32_t)parameter_number("rounds");
	state.requests_count = (uint64_t)parameter_number("requests");
	state.work_turns = (uint64_t)parameter_number("work");
	state.is_pipe = !strcmp(parameter_word("by"), "pipe");
	times_count = state.requests_count * state.messengers_count *
		      state.rounds_count;
	if (times_count > TIMES_MAX)
		workload_broken("%llu requests in all, expected at most %u",
				(unsigned long long)times_count, TIMES_MAX);
	tail_init_or_broken(&state.all, times_count);
	pthread_barrier_init(&state.begin, NULL, state.messengers_count + 1);
	pthread_barrier_init(&state.end, NULL, state.messengers_count + 1);
	for (i = 0; i < state.messengers_count; i++)
		messenger_start(&state.messengers[i]);
	state.is_complete = true;
}

static void latencies_take(bool is_counted)
{
	uint32_t i;

	for (i = 0; i < state.messengers_count; i++) {
		struct tail *latencies = &state.messengers[i].latencies;

		if (is_counted)
			tail_join(&state.all, latencies);
		latencies->count = latencies->lost_count = 0;
	}
}

static void measure(uint32_t round)
{
	double requests = (double)(state.requests_count * state.messengers_count);
	uint64_t begin_ns, duration_ns;
	uint32_t counted = round + 1 - workload.warmup_rounds;

	begin_ns = clock_now_ns();
	workload_region_begin(MARKER_REGION_OWN);
	pthread_barrier_wait(&state.begin);
	pthread_barrier_wait(&state.end);
	workload_region_end(MARKER_REGION_OWN);
	duration_ns = clock_now_ns() - begin_ns;
	sample_add("requests_per_s", requests * 1e9 / (double)duration_ns);
	latencies_take(round >= workload.warmup_rounds);
	if (round >= workload.warmup_rounds && counted == state.rounds_count)
		tail_report(&state.all, "wakeup");
}

static void messenger_stop(struct messenger *messenger)
{
	uint32_t i;

	pthread_join(messenger->thread, NULL);
	for (i = 0; i < state.workers_count; i++) {
		messenger->workers[i].is_ending = true;
		bell_ring(&messenger->workers[i].bell);
		pthread_join(messenger->workers[i].thread, NULL);
	}
	free(messenger->workers);
	tail_release(&messenger->latencies);
}

/* Threads of a setup that did not get to its end, or of a call that failed, end with
 * the process. */
static void cleanup(void)
{
	uint32_t i;

	if (!state.is_complete)
		return;
	state.is_complete = false;
	state.is_over = true;
	pthread_barrier_wait(&state.begin);
	for (i = 0; i < state.messengers_count; i++)
		messenger_stop(&state.messengers[i]);
	tail_release(&state.all);
}

static const char *const means[] = { "futex", "pipe", NULL };
static const char *const options[] = { "CONFIG_FUTEX", "CONFIG_HIGH_RES_TIMERS", NULL };

const struct workload workload = {
	.name = "sched_wakeup",
	.purpose = "Wake-up latency of workers that are handed requests, and requests a "
		   "second",
	.metrics = (const struct metric[]){
		{ "requests_per_s", "1/s", "higher", "rate", false,
		  "Requests of all messengers that were handed out and done in a second" },
		{ "wakeup_p50_ns", "ns", "lower", "time", false,
		  "From the call that wakes a worker to its first own instruction, median "
		  "of a boot" },
		{ "wakeup_p99_ns", "ns", "lower", "time", false,
		  "99th percentile of a boot, by nearest rank" },
		{ "wakeup_p999_ns", "ns", "lower", "time", false,
		  "99.9th percentile of a boot, by nearest rank" },
		{ "wakeup_max_ns", "ns", "lower", "tail", false, "The longest of a boot" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "messengers", 1, MESSENGERS_MAX, NULL, "1", "Threads that hand out" },
		{ "workers", 1, WORKERS_MAX, NULL, "4", "Workers of each messenger" },
		{ "by", 0, 0, means, "futex", "What they wake each other by" },
		{ "requests", 1, 1000000, NULL, "1000",
		  "Requests of each messenger in a round" },
		{ "work", 0, 1000000000, NULL, "10000",
		  "Turns of a loop that a request costs a worker" },
		{ "rounds", 1, 1000, NULL, "10", "Rounds that count" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 128,
	.needs_vcpus = 1,
	.is_counted = true,
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
