/* inversion.c - see inversion.h. Kernel side: kernel/locking/mutex.c, and
 * kernel/sched/core.c, find_proxy_task(), where it has proxy execution.
 */
#include "inversion.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "inversion_report.h"
#include "inversion_roles.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define SPINNERS_MAX 64
#define SECTIONS_DROPPED 3u       /* the first ones find cold caches */
#define SECTIONS_COUNT 15u
#define WATCH_NS (50 * NS_PER_MS)
#define STUCK_S 10u
/* Counted, as a guest whose host leaves it no CPU may find that seconds went by. */
#define STUCK_LOOKS (STUCK_S * 20u)
#define WATCHDOG_PRIORITY 90
#define ENTRY_PRIORITY 1
#define LEADER_PRIORITY 40
#define LOOK_NS UINT64_C(50000)   /* between two looks at another task */
#define LINK_LOOKS 100u
#define TURNS_PER_LOOK 1000u      /* of a spinner's loop */

/* A task that makes one call when it is told to. */
enum step { STEP_STARTING, STEP_IDLE, STEP_PREPARE, STEP_GO, STEP_INSIDE, STEP_STOP };

struct worker {
	pthread_t thread;
	int step;                 /* enum step; a futex */
	pid_t id;
	void (*prepare)(bool is_alone);
	void (*after)(void);
	void (*run)(void);
	uint64_t start_ns, end_ns; /* of its last call */
};

static struct {
	const struct inversion_lock *lock; /* borrowed; NULL: not started */
	pthread_t high, watchdog, spinners[SPINNERS_MAX];
	struct worker low, links[INVERSION_LINKS_MAX];
	uint32_t links_count, spinners_count;
	bool is_watched, is_alone, is_stuck;
	int is_spinning;          /* a futex: spinners sleep while 0 */
	int is_ending;
	uint64_t end_ns, limit_ns, section_ns, random;
	uint64_t wait_start_ns;   /* of the wait that goes on, 0: none */
	uint64_t cut_start_ns;    /* of the last one that was cut */
	struct inversion_trial trial;
} state = { .section_ns = 0 };

/* --- small things ----------------------------------------------------------- */

#define load(word) __atomic_load_n(&(word), __ATOMIC_SEQ_CST)
#define store(word, value) __atomic_store_n(&(word), value, __ATOMIC_SEQ_CST)

/* Sleeps while *word is value; wait_ns 0: for ever. */
static void word_wait(int *word, int value, uint64_t wait_ns)
{
	struct timespec timeout = { .tv_sec = (time_t)(wait_ns / NS_PER_S),
				    .tv_nsec = (long)(wait_ns % NS_PER_S) };

	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value,
		      wait_ns ? &timeout : NULL, NULL, 0);
}

static void word_set(int *word, int value)
{
	store(*word, value);
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/* Evenly from 0 to below bound: xorshift64* (Vigna 2016, ACM TOMS 42(4)). */
static uint64_t random_below(uint64_t bound)
{
	state.random ^= state.random >> 12;
	state.random ^= state.random << 25;
	state.random ^= state.random >> 27;
	return bound ? state.random * UINT64_C(2685821657736338717) % bound : 0;
}

static pid_t thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

/* --- low task and links ---------------------------------------------------------- */

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	int step;

	role_enter_or_broken(ROLE_LOW);
	worker->id = thread_id();
	word_set(&worker->step, STEP_IDLE);
	while ((step = load(worker->step)) != STEP_STOP) {
		if (step == STEP_IDLE) {
			word_wait(&worker->step, STEP_IDLE, 0);
			continue;
		}
		if (step == STEP_PREPARE) {
			if (worker->prepare)
				worker->prepare(state.is_alone);
		} else {
			worker->start_ns = clock_now_ns();
			store(worker->step, STEP_INSIDE);
			worker->run();
			worker->end_ns = clock_now_ns();
			if (worker->after && !state.is_alone)
				worker->after();
		}
		word_set(&worker->step, STEP_IDLE);
	}
	return NULL;
}

/* There is nobody left who could keep it from its CPU. */
static void worker_wait_idle(struct worker *worker, const char *name)
{
	uint32_t looks = 0;
	int step;

	while ((step = load(worker->step)) != STEP_IDLE) {
		if (looks++ == STUCK_LOOKS) {
			state.is_stuck = true;
			workload_failed("the %s task, which nobody hindered, did not "
					"get through in %u s", name,
					STUCK_S);
		}
		word_wait(&worker->step, step, WATCH_NS);
	}
}

static void low_prepare(void)
{
	word_set(&state.low.step, STEP_PREPARE);
	worker_wait_idle(&state.low, "low");
}

static void thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
	int error = pthread_create(thread, NULL, run, argument);

	if (error)
		workload_broken("no thread: %s", strerror(error));
}

static void worker_start(struct worker *worker, void (*run)(void),
			 void (*prepare)(bool is_alone))
{
	worker->run = run;
	worker->prepare = prepare;
	thread_start(&worker->thread, worker_run, worker);
	worker_wait_idle(worker, "starting");
}

static void worker_end(struct worker *worker)
{
	if (!worker->run)
		return;
	worker_wait_idle(worker, "ending");
	word_set(&worker->step, STEP_STOP);
	pthread_join(worker->thread, NULL);
	worker->run = NULL;
}

/* --- medium tasks ----------------------------------------------------------------- */

/* Sleeps until it is to spin. It comes back as a SCHED_FIFO task and then takes its own
 * class: a low task that has a part of its slice left would first use that, and a short
 * section would be over before anybody waits. */
static void spinner_wait(void)
{
	bool is_fair = role_is_fair(ROLE_MEDIUM);

	if (is_fair)
		fifo_set_or_broken(0, ENTRY_PRIORITY);
	while (!load(state.is_spinning))
		word_wait(&state.is_spinning, 0, 0);
	if (is_fair)
		fifo_set_or_broken(0, 0);
}

static void *spinner_run(void *argument)
{
	uint32_t i;

	(void)argument;
	role_enter_or_broken(ROLE_MEDIUM);
	while (!load(state.is_ending)) {
		if (!load(state.is_spinning))
			spinner_wait();
		for (i = 0; i < TURNS_PER_LOOK; i++)
			__asm__ volatile("" ::: "memory");
	}
	return NULL;
}

static void spinners_set(bool is_spinning)
{
	word_set(&state.is_spinning, is_spinning);
}

/* --- the watchdog ------------------------------------------------------------------ */

static void wait_watch(uint64_t start_ns, uint32_t *cut_looks)
{
	uint64_t now_ns = clock_now_ns();

	if (start_ns != state.cut_start_ns) {
		if (now_ns - start_ns < state.limit_ns && now_ns < state.end_ns)
			return;
		store(state.cut_start_ns, start_ns);
		*cut_looks = 0;
		spinners_set(false);
		return;
	}
	if (++*cut_looks < STUCK_LOOKS)
		return;
	state.is_stuck = true;
	workload_failed("the high task still waits %u s after the spinners stopped: a "
			"lost wake-up, or an owner that never runs",
			STUCK_S);
}

static void *watchdog_run(void *argument)
{
	uint32_t cut_looks = 0;
	uint64_t start_ns;

	(void)argument;
	inversion_serve_or_broken(WATCHDOG_PRIORITY, -1);
	while (!load(state.is_ending)) {
		sleep_ns(WATCH_NS);
		start_ns = load(state.wait_start_ns);
		if (start_ns)
			wait_watch(start_ns, &cut_looks);
	}
	return NULL;
}

/* --- start ---------------------------------------------------------------------------- */

static void *array_or_broken(size_t count, size_t size)
{
	void *array = malloc(count * size);

	if (!array)
		workload_broken("no memory for %zu samples", count);
	/* Touched now, so that no wait pays for a page fault of ours. */
	memset(array, 1, count * size);
	return array;
}

/* The low task has its CPU for itself. */
static void sections_measure(void)
{
	struct inversion_trial *trial = &state.trial;
	uint32_t i;

	trial->sections_ns = array_or_broken(SECTIONS_COUNT, sizeof(*trial->sections_ns));
	state.is_alone = true;
	for (i = 0; i < SECTIONS_DROPPED + SECTIONS_COUNT; i++) {
		low_prepare();
		word_set(&state.low.step, STEP_GO);
		worker_wait_idle(&state.low, "low");
		if (i < SECTIONS_DROPPED)
			continue;
		trial->sections_ns[trial->sections_count++] =
			state.low.end_ns - state.low.start_ns;
	}
	state.is_alone = false;
	state.section_ns = median_ns(trial->sections_ns, trial->sections_count);
}

void inversion_start(const struct inversion_lock *lock)
{
	uint32_t wanted = (uint32_t)parameter_number("spinners"), i;

	state.lock = lock;
	state.high = pthread_self();
	state.limit_ns = (uint64_t)parameter_number("wait_limit_ms") * NS_PER_MS;
	state.random = UINT64_C(0x9e3779b97f4a7c15);
	roles_start();
	if (roles_have_groups() && lock->links[0])
		workload_broken("class=weight is not for a chain: a task that waits for "
				"cgroup_mutex cannot be moved to another group");
	state.low.after = lock->after;
	worker_start(&state.low, lock->hold, lock->prepare);
	sections_measure();
	for (i = 0; i < INVERSION_LINKS_MAX && lock->links[i]; i++) {
		worker_start(&state.links[i], lock->links[i], NULL);
		state.links_count++;
	}
	for (; state.spinners_count < wanted; state.spinners_count++)
		thread_start(&state.spinners[state.spinners_count], spinner_run, NULL);
	thread_start(&state.watchdog, watchdog_run, NULL);
	state.is_watched = true;
	role_enter_or_broken(ROLE_HIGH);
}

/* --- an iteration ------------------------------------------------------------------------ */

/* Whether a thread of ours sleeps and no signal wakes it: the state D of proc(5). */
static bool is_blocked(pid_t thread)
{
	char path[64], text[512], *end;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
	if (text_read(path, text, sizeof(text)) < 0)
		return false;
	end = strrchr(text, ')');
	return end && !strncmp(end, ") D", 3);
}

/* Sends the links to where they are to wait; false if one did not come to wait. */
static bool links_place(void)
{
	uint32_t i, looks;

	for (i = 0; i < state.links_count; i++) {
		struct worker *link = &state.links[i];

		role_set_or_broken(link->id, ROLE_MEDIUM);
		word_set(&link->step, STEP_GO);
		for (looks = 0; !is_blocked(link->id); looks++) {
			if (looks == LINK_LOOKS)
				return false;
			sleep_ns(LOOK_NS);
		}
		role_set_or_broken(link->id, ROLE_LOW);
	}
	return true;
}

/* Sleeps until the low task is somewhere in its section. */
static void section_enter(void)
{
	uint64_t range_ns = state.section_ns / 4 * 3;

	if (state.links_count || state.lock->sleep_ns)
		range_ns = state.section_ns / 2 + state.lock->sleep_ns;
	low_prepare();
	word_set(&state.low.step, STEP_GO);
	do
		sleep_ns(LOOK_NS);
	while (load(state.low.step) == STEP_GO);
	sleep_ns(random_below(range_ns));
}

static long switches_count(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_THREAD, &usage) < 0)
		workload_broken("getrusage: %s", strerror(errno));
	return usage.ru_nvcsw;
}

static void wait_take(struct inversion_wait *ret_wait)
{
	long switches = switches_count();
	uint64_t start_ns = clock_now_ns(), end_ns;

	store(state.wait_start_ns, start_ns);
	state.lock->take();
	end_ns = clock_now_ns();
	store(state.wait_start_ns, 0);
	*ret_wait = (struct inversion_wait){
		.wait_ns = end_ns - start_ns,
		.is_blocked = switches_count() != switches,
		.is_censored = load(state.cut_start_ns) == start_ns,
	};
}

static void all_wait_idle(void)
{
	uint32_t i;

	worker_wait_idle(&state.low, "low");
	for (i = 0; i < state.links_count; i++)
		worker_wait_idle(&state.links[i], "linking");
}

/* The high task leads an iteration as a real-time task, so that it comes when it wants
 * to come, and asks for the lock in its own class. */
static void high_lead(bool is_leading)
{
	if (role_is_fair(ROLE_HIGH))
		fifo_set_or_broken(0, is_leading ? LEADER_PRIORITY : 0);
}

/* Whether there was a wait. */
static bool iteration_run(struct inversion_wait *ret_wait)
{
	bool is_met;

	high_lead(true);
	section_enter();
	is_met = links_place();
	spinners_set(true);
	sleep_ns((uint64_t)parameter_number("settle_us") * 1000);
	high_lead(false);
	is_met = is_met && load(state.low.step) == STEP_INSIDE;
	if (is_met)
		wait_take(ret_wait);
	spinners_set(false);
	all_wait_idle();
	if (is_met && state.lock->slept_ns)
		ret_wait->slept_ns = state.lock->slept_ns();
	return is_met;
}

/* A trial in which nobody waited is no result. */
static void met_or_broken(void)
{
	size_t i = 0;

	while (i < state.trial.waits_count && !state.trial.waits[i].is_blocked)
		i++;
	if (i == state.trial.waits_count)
		workload_broken("no inversion was met: of %llu iterations %zu found the low "
				"task in its section of %llu ns, and none waited",
				(unsigned long long)state.trial.missed_count + i, i,
				(unsigned long long)state.section_ns);
}

void inversion_measure(uint32_t round)
{
	size_t wanted = (size_t)parameter_number("iterations");
	uint64_t interval_ns = (uint64_t)parameter_number("interval_us") * 1000;
	struct inversion_trial *trial = &state.trial;
	struct proxy_counts high, low, now;

	(void)round;
	trial->waits = array_or_broken(wanted, sizeof(*trial->waits));
	high = proxy_counts_read(thread_id());
	low = proxy_counts_read(state.low.id);
	state.end_ns = clock_now_ns() +
		       (uint64_t)parameter_number("time_limit_s") * NS_PER_S;
	while (trial->waits_count < wanted && clock_now_ns() < state.end_ns) {
		if (iteration_run(&trial->waits[trial->waits_count]))
			trial->waits_count++;
		else
			trial->missed_count++;
		sleep_ns(random_below(2 * interval_ns));
	}
	now = proxy_counts_read(thread_id());
	trial->high = proxy_counts_since(&now, &high);
	now = proxy_counts_read(state.low.id);
	trial->low = proxy_counts_since(&now, &low);
	trial->is_sleeping = state.lock->slept_ns != NULL;
	met_or_broken();
	inversion_report(trial);
}

/* --- end ------------------------------------------------------------------------------------ */

bool inversion_stop(void)
{
	uint32_t i;

	if (!state.lock)
		return true;
	if (state.is_stuck || !pthread_equal(pthread_self(), state.high))
		return false;
	store(state.is_ending, 1);
	spinners_set(true);       /* so that those who sleep see the end */
	for (i = 0; i < state.spinners_count; i++)
		pthread_join(state.spinners[i], NULL);
	if (state.is_watched)
		pthread_join(state.watchdog, NULL);
	for (i = 0; i < state.links_count; i++)
		worker_end(&state.links[i]);
	worker_end(&state.low);
	roles_stop();
	free(state.trial.waits);
	free(state.trial.sections_ns);
	state.lock = NULL;
	return true;
}
