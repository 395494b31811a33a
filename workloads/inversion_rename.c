/* inversion_rename.c - the classic priority inversion of file systems: whoever renames
 * across directories holds a mutex of the whole file system meanwhile
 * (s_vfs_rename_mutex, fs/namei.c, lock_rename), and who is starved then holds up
 * everybody else who renames.
 *
 * Foreground and background threads each move a file of their own to and fro between
 * two directories of their own, so that this mutex is all that they share; the locks of
 * the directories (rwsems) nest inside and have no second taker. Background threads
 * are in a control group with cpu.weight 1, spinners keep all CPUs busy. Foreground
 * threads sleep between two renames and time each of them.
 *
 * Bounded in time: after duration_ms no rename begins. One that a foreground thread
 * is in then may go on for wait_limit_ms, and if that is not enough the spinners stop,
 * so that the owner runs: it is kept with the length that it has when it is over, which
 * is less than it would have been (censored_count). If it goes on for 10 s nevertheless,
 * a wake-up was lost: the workload has failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "tail.h"
#include "workload.h"

#define FOLDER "/tmp/kerngate-rename"  /* tmpfs */
#define NS_PER_MS UINT64_C(1000000)
#define STUCK_NS (UINT64_C(10000) * NS_PER_MS)
#define LOOK_NS UINT64_C(1000000)      /* between two looks at the others */
#define RENAMERS_MAX 64
#define SPINNERS_MAX 256
#define RENAMES_MAX 100000u            /* of one foreground thread, to be kept */
#define LEADER_PRIORITY 50             /* of SCHED_FIFO */
#define TURNS_PER_LOOK 1000u           /* of a spinner's loop */

struct renamer {
	pthread_t thread;
	uint32_t number;
	bool is_foreground, is_started;
	int folders[2];           /* descriptors; -1: none */
	struct tail renames;      /* of a foreground thread */
	uint64_t count;           /* renames done before the end */
	uint64_t begin_ns;        /* of the one that goes on, 0: none */
	bool is_censored;         /* its last one, by the leader */
	bool is_done;
	char padding[64];
};

static struct {
	struct renamer renamers[2 * RENAMERS_MAX];
	uint32_t renamers_count, foreground_count, spinners_count;
	pthread_t spinners[SPINNERS_MAX];
	uint64_t duration_ns, interval_ns, limit_ns;
	struct cgroup group;
	struct tail all;
	bool is_started, is_over, is_spinning_over, is_stuck;
	bool are_folders_made;
} state;

#define load(word) __atomic_load_n(&(word), __ATOMIC_SEQ_CST)
#define store(word, value) __atomic_store_n(&(word), value, __ATOMIC_SEQ_CST)

static void priority_set_or_broken(int priority)
{
	const struct sched_param parameters = { .sched_priority = priority };

	if (sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &parameters) < 0)
		workload_broken("scheduling class: %s", strerror(errno));
}

/* --- those who rename ---------------------------------------------------------- */

static void rename_once(struct renamer *renamer, uint32_t from)
{
	uint64_t begin_ns = clock_now_ns();

	store(renamer->begin_ns, begin_ns);
	if (renameat(renamer->folders[from], "file", renamer->folders[!from], "file") < 0)
		workload_failed("rename by thread %u: %s", renamer->number,
				strerror(errno));
	if (renamer->is_foreground)
		tail_add(&renamer->renames, clock_now_ns() - begin_ns);
	store(renamer->begin_ns, 0);
}

static void *renamer_run(void *argument)
{
	struct renamer *renamer = argument;
	uint32_t from = 0;

	if (!renamer->is_foreground)
		cgroup_move_thread_or_broken(&state.group, (pid_t)syscall(SYS_gettid));
	while (!load(state.is_started))
		sleep_ns(LOOK_NS);
	for (; !load(state.is_over); from = !from) {
		rename_once(renamer, from);
		renamer->count += !load(state.is_over);
		if (renamer->is_foreground)
			sleep_ns(state.interval_ns);
	}
	store(renamer->is_done, true);
	return NULL;
}

static void *spinner_run(void *argument)
{
	uint32_t i;

	(void)argument;
	while (!load(state.is_started))
		sleep_ns(LOOK_NS);
	while (!load(state.is_spinning_over))
		for (i = 0; i < TURNS_PER_LOOK; i++)
			__asm__ volatile("" ::: "memory");
	return NULL;
}

/* --- setup ------------------------------------------------------------------------ */

static void folder_make(struct renamer *renamer, uint32_t side)
{
	char path[128];

	snprintf(path, sizeof(path), FOLDER "/%u-%u", renamer->number, side);
	if (mkdir(path, 0700) < 0)
		workload_broken("mkdir %s: %s", path, strerror(errno));
	renamer->folders[side] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (renamer->folders[side] < 0)
		workload_broken("%s: %s", path, strerror(errno));
}

static void thread_start(pthread_t *thread, void *(*run)(void *), void *argument)
{
	int error = pthread_create(thread, NULL, run, argument);

	if (error)
		workload_broken("no thread: %s", strerror(error));
}

static void renamer_start(bool is_foreground)
{
	struct renamer *renamer = &state.renamers[state.renamers_count];
	int fd;

	*renamer = (struct renamer){ .number = state.renamers_count,
				     .is_foreground = is_foreground,
				     .folders = { -1, -1 } };
	state.renamers_count++;
	folder_make(renamer, 0);
	folder_make(renamer, 1);
	fd = openat(renamer->folders[0], "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		workload_broken("a file to rename: %s", strerror(errno));
	close(fd);
	if (is_foreground)
		tail_init_or_broken(&renamer->renames, RENAMES_MAX);
	thread_start(&renamer->thread, renamer_run, renamer);
	renamer->is_started = true;
}

static uint32_t spinners_wanted(void)
{
	uint64_t wanted = (uint64_t)parameter_number("spinners_per_cpu") *
			  (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted > SPINNERS_MAX)
		workload_broken("%llu spinners, expected at most %d",
				(unsigned long long)wanted, SPINNERS_MAX);
	return (uint32_t)wanted;
}

static void setup(void)
{
	uint32_t background = (uint32_t)parameter_number("background");
	uint32_t wanted = spinners_wanted(), i;

	state.foreground_count = (uint32_t)parameter_number("foreground");
	state.duration_ns = (uint64_t)parameter_number("duration_ms") * NS_PER_MS;
	state.interval_ns = (uint64_t)parameter_number("interval_us") * 1000;
	state.limit_ns = (uint64_t)parameter_number("wait_limit_ms") * NS_PER_MS;
	tail_init_or_broken(&state.all, (size_t)state.foreground_count * RENAMES_MAX);
	cgroup_create_or_broken(&state.group, "kerngate-background", "cpu");
	cgroup_make_threaded_or_broken(&state.group);
	cgroup_write_or_broken(&state.group, "cpu.weight", "%lld",
			       (long long)parameter_number("background_weight"));
	if (mkdir(FOLDER, 0700) < 0)
		workload_broken("mkdir " FOLDER ": %s", strerror(errno));
	state.are_folders_made = true;
	for (i = 0; i < state.foreground_count + background; i++)
		renamer_start(i < state.foreground_count);
	for (; state.spinners_count < wanted; state.spinners_count++)
		thread_start(&state.spinners[state.spinners_count], spinner_run, NULL);
}

/* --- the round --------------------------------------------------------------------- */

/* Whether a thread of the foreground still is in its last rename. */
static bool is_foreground_busy(void)
{
	uint32_t i;

	for (i = 0; i < state.foreground_count; i++)
		if (!load(state.renamers[i].is_done))
			return true;
	return false;
}

/* Whether they got through by themselves. */
static bool foreground_wait(uint64_t limit_ns)
{
	uint64_t end_ns = clock_now_ns() + limit_ns;

	while (is_foreground_busy()) {
		if (clock_now_ns() >= end_ns)
			return false;
		sleep_ns(LOOK_NS);
	}
	return true;
}

/* Lets the owner run; what is under way is longer than what it will be kept as. */
static void renames_cut(void)
{
	uint32_t i;

	for (i = 0; i < state.foreground_count; i++)
		state.renamers[i].is_censored = load(state.renamers[i].begin_ns) != 0;
	store(state.is_spinning_over, true);
	if (foreground_wait(STUCK_NS))
		return;
	state.is_stuck = true;
	workload_failed("a rename still waits %llu s after the spinners stopped: a lost "
			"wake-up, or an owner that never runs",
			(unsigned long long)(STUCK_NS / 1000000000u));
}

/* How long the threads really had. */
static uint64_t renamers_run_ns(void)
{
	uint64_t begin_ns, duration_ns;

	priority_set_or_broken(LEADER_PRIORITY);
	begin_ns = clock_now_ns();
	store(state.is_started, true);
	sleep_ns(state.duration_ns);
	store(state.is_over, true);
	duration_ns = clock_now_ns() - begin_ns;
	if (!foreground_wait(state.limit_ns))
		renames_cut();
	store(state.is_spinning_over, true);
	priority_set_or_broken(0);
	return duration_ns;
}

static void threads_join(void)
{
	uint32_t i;

	store(state.is_started, true);
	store(state.is_over, true);
	store(state.is_spinning_over, true);
	for (; state.spinners_count > 0; state.spinners_count--)
		pthread_join(state.spinners[state.spinners_count - 1], NULL);
	for (i = 0; i < state.renamers_count; i++)
		if (state.renamers[i].is_started) {
			pthread_join(state.renamers[i].thread, NULL);
			state.renamers[i].is_started = false;
		}
}

static void measure(uint32_t round)
{
	uint64_t duration_ns = renamers_run_ns(), counts[2] = { 0, 0 };
	uint32_t i, censored_count = 0;

	(void)round;
	threads_join();
	for (i = 0; i < state.renamers_count; i++) {
		struct renamer *renamer = &state.renamers[i];

		counts[renamer->is_foreground] += renamer->count;
		censored_count += renamer->is_censored;
		if (renamer->is_foreground)
			tail_join(&state.all, &renamer->renames);
	}
	sample_add("foreground_renames_per_s",
		   (double)counts[true] * 1e9 / (double)duration_ns);
	sample_add("background_renames_per_s",
		   (double)counts[false] * 1e9 / (double)duration_ns);
	sample_add("renames_count", (double)state.all.count);
	sample_add("censored_count", (double)censored_count);
	tail_report(&state.all, "rename");
}

/* --- end ----------------------------------------------------------------------------- */

static void renamer_remove(struct renamer *renamer)
{
	char path[128];
	uint32_t side;

	for (side = 0; side < 2; side++) {
		if (renamer->folders[side] < 0)
			continue;
		(void)unlinkat(renamer->folders[side], "file", 0);
		close(renamer->folders[side]);
		snprintf(path, sizeof(path), FOLDER "/%u-%u", renamer->number, side);
		(void)rmdir(path);
	}
	tail_release(&renamer->renames);
}

/* Threads that are stuck, or of which one brought us here, end with the process. */
static void cleanup(void)
{
	uint32_t i;

	if (state.is_stuck || syscall(SYS_gettid) != getpid())
		return;
	threads_join();
	(void)cgroup_remove(&state.group);
	for (i = 0; i < state.renamers_count; i++)
		renamer_remove(&state.renamers[i]);
	if (state.are_folders_made)
		(void)rmdir(FOLDER);
	tail_release(&state.all);
}

static const char *const options[] = { "CONFIG_TMPFS", "CONFIG_CGROUPS",
				       "CONFIG_FAIR_GROUP_SCHED",
				       "CONFIG_HIGH_RES_TIMERS", NULL };

const struct workload workload = {
	.name = "inversion_rename",
	.purpose = "Renames across directories beside starved ones on the same file system",
	.metrics = (const struct metric[]){
		{ "rename_p50_ns", "ns", "lower", "time", false,
		  "A rename of the foreground, which may wait for one of the background; "
		  "median of a boot" },
		{ "rename_p99_ns", "ns", "lower", "time", false,
		  "99th percentile of a boot, by nearest rank" },
		{ "rename_p999_ns", "ns", "lower", "time", false,
		  "99.9th percentile of a boot, by nearest rank" },
		{ "rename_max_ns", "ns", "lower", "tail", false, "The longest of a boot" },
		{ "foreground_renames_per_s", "1/s", "higher", "rate", false,
		  "Renames of all foreground threads in a second" },
		{ "background_renames_per_s", "1/s", "higher", "rate", true,
		  "Renames of all background threads in a second" },
		{ "renames_count", "count", "higher", "count", true,
		  "Renames of the foreground that the percentiles are of" },
		{ "censored_count", "count", "lower", "count", true,
		  "Renames cut by wait_limit_ms: they would have been longer" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "foreground", 1, RENAMERS_MAX, NULL, "1", "Foreground threads" },
		{ "background", 0, RENAMERS_MAX, NULL, "2",
		  "Background threads, in a control group of their own" },
		{ "background_weight", 1, 10000, NULL, "1", "cpu.weight of that group" },
		{ "spinners_per_cpu", 0, 64, NULL, "2",
		  "Spinning threads for each CPU, on whichever" },
		{ "interval_us", 0, 1000000, NULL, "1000",
		  "Pause of a foreground thread between two renames" },
		{ "duration_ms", 1, 600000, NULL, "10000",
		  "No rename begins later; the last one is waited for" },
		{ "wait_limit_ms", 1, 100000, NULL, "5000",
		  "So long it may go on then, before the spinners stop" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 192,
	.needs_vcpus = 1,
	.is_counted = false,     /* the spinners fill whatever time there is */
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
