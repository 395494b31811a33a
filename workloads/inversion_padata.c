/* inversion_padata.c - priority inversion behind a long job of the kernel: a low task
 * runs one that padata can split (kernel/series/padata-mt), and holds a mutex until it
 * is over; spinners keep the low task from its CPU; a high task wants the mutex.
 *
 * job=vfio     MAP_DMA of memory that is there already, under the container's lock
 *              (drivers/vfio/vfio_iommu_type1.c, iommu->lock); the high task unmaps a
 *              range in which nothing is mapped. Split from 256 MiB on.
 * job=hugetlb  fallocate() of one page of 1 GiB, under the fault mutex of that page
 *              (mm/hugetlb.c, hugetlb_fault_mutex_table); the high task touches the
 *              page. All threads clear it together.
 *
 * With helpers=0 the low task works alone, and inheriting priority (proxy execution)
 * is all that is needed. With helpers the owner of the mutex sleeps at the end until
 * its last helper is through, whom nobody raises above the low task's own nice of 19:
 * priority that the low task has only from a waiter is not lent to helpers. A kernel
 * without the series works alone whatever helpers says.
 *
 * An iteration: the spinners are stopped; the job begins; after delay_ms the spinners
 * run; 2 ms later the high task asks for the mutex (timed); the spinners stop; the job
 * ends. A wait longer than wait_limit_ms is cut by stopping the spinners, and kept with
 * the length that it then has, which is less than it would have been (censored_count).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hogs.h"
#include "padata.h"
#include "tail.h"
#include "type1.h"
#include "workload.h"

#define MIB (UINT64_C(1) << 20)
#define NS_PER_MS UINT64_C(1000000)
#define GIGANTIC_BYTES (1024 * MIB)
#define POOL "/sys/kernel/mm/hugepages/hugepages-1048576kB/"
#define SPARE_MIB 64u
#define SETTLE_NS (2 * NS_PER_MS)
#define LOOK_NS (NS_PER_MS / 2)
#define STUCK_NS (30000 * NS_PER_MS)
#define ROUNDS_MAX 1000
#define LOW_NICE 19
#define HIGH_NICE (-10)
#define HIGH_PRIORITY 30          /* of SCHED_FIFO */
#define LEADER_PRIORITY 60
#define HIGH_IOVA (TYPE1_IOVA / 2) /* nothing is mapped here */
#define HIGH_BYTES (2 * MIB)

/* A task that makes one call when it is told to. */
struct role {
	pthread_t thread;
	sem_t order, done;
	void (*enter)(void);
	int (*call)(void);        /* 0 or a positive errno */
	bool is_made, is_inside, is_ending;
	uint64_t start_ns, end_ns;
	int error;
};

static struct {
	uint64_t size_bytes, delay_ns, limit_ns;
	uint32_t rounds_count, rounds_done;
	bool is_hugetlb, is_leading, is_stuck;
	struct role low, high;
	char *memory;             /* what the job is about */
	int fd;                   /* of the huge page's file */
	uint64_t pool_before;     /* huge pages before us */
	bool is_resized;
	struct tail waits, jobs;
	uint64_t censored_count, missed_count;
} state = { .fd = -1 };

#define load(word) __atomic_load_n(&(word), __ATOMIC_SEQ_CST)
#define store(word, value) __atomic_store_n(&(word), value, __ATOMIC_SEQ_CST)

/* --- the jobs ------------------------------------------------------------------- */

static int vfio_hold(void)
{
	return type1_map(state.memory, TYPE1_IOVA, state.size_bytes);
}

static int vfio_take(void)
{
	uint64_t bytes = 0;
	int error = type1_unmap(HIGH_IOVA, HIGH_BYTES, &bytes);

	return error ? error : bytes ? EEXIST : 0;
}

static void vfio_undo(void)
{
	uint64_t bytes = 0;
	int error = type1_unmap(TYPE1_IOVA, state.size_bytes, &bytes);

	if (error || bytes != state.size_bytes)
		workload_failed("UNMAP_DMA: %s, %llu of %llu bytes", strerror(error),
				(unsigned long long)bytes,
				(unsigned long long)state.size_bytes);
}

static int hugetlb_hold(void)
{
	return fallocate(state.fd, 0, 0, (off_t)state.size_bytes) < 0 ? errno : 0;
}

static int hugetlb_take(void)
{
	/* A page that was not cleared would show here. */
	return *(volatile char *)state.memory ? EILSEQ : 0;
}

/* The file keeps its length, so that the high task never touches beyond its end. */
static void hugetlb_undo(void)
{
	*(volatile char *)state.memory = 1;
	if (fallocate(state.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      (off_t)state.size_bytes) < 0)
		workload_failed("fallocate of a hole: %s", strerror(errno));
}

static void available_or_skip(uint64_t needed_mib)
{
	uint64_t available_mib =
		field_read_or_broken("/proc/meminfo", "MemAvailable") / 1024;

	if (needed_mib + SPARE_MIB > available_mib)
		workload_skipped("%llu MiB and %u MiB to spare are more than the %llu "
				 "MiB available", (unsigned long long)needed_mib,
				 SPARE_MIB, (unsigned long long)available_mib);
}

static void vfio_open(void)
{
	type1_open_or_skip();
	available_or_skip(state.size_bytes / MIB);
	state.memory = mmap(NULL, state.size_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (state.memory == MAP_FAILED ||
	    madvise(state.memory, state.size_bytes, MADV_NOHUGEPAGE) < 0)
		workload_broken("the job's memory: %s", strerror(errno));
	memset(state.memory, 1, state.size_bytes);
}

static void hugetlb_open(void)
{
	if (state.size_bytes != GIGANTIC_BYTES)
		workload_broken("job=hugetlb is for size_mib=1024, one page");
	if (access(POOL, F_OK) < 0)
		workload_skipped("no huge pages of 1 GiB on this CPU and kernel");
	state.pool_before = number_read_or_broken(POOL "nr_hugepages");
	if (!number_read_or_broken(POOL "free_hugepages")) {
		available_or_skip(state.size_bytes / MIB);
		state.is_resized = true;
		text_write_or_broken(POOL "nr_hugepages", "%llu",
				     (unsigned long long)(state.pool_before + 1));
	}
	if (!number_read_or_broken(POOL "free_hugepages"))
		workload_skipped("no huge page of 1 GiB could be had: a "
				 "shape of 6 GiB has room for one");
	state.fd = (int)memfd_create("kerngate", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_1GB);
	if (state.fd < 0 || ftruncate(state.fd, (off_t)state.size_bytes) < 0)
		workload_broken("a file of huge pages: %s", strerror(errno));
	state.memory = mmap(NULL, state.size_bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_NORESERVE, state.fd, 0);
	if (state.memory == MAP_FAILED)
		workload_broken("mmap of the huge page: %s", strerror(errno));
}

/* --- the tasks ---------------------------------------------------------------------- */

static void nice_or_broken(int nice)
{
	if (setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice) < 0)
		workload_broken("setpriority: %s", strerror(errno));
}

static void fifo_or_broken(int priority)
{
	const struct sched_param parameters = { .sched_priority = priority };

	if (sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &parameters) < 0)
		workload_broken("scheduling class: %s", strerror(errno));
}

static void low_enter(void)
{
	nice_or_broken(LOW_NICE);
}

static void high_enter(void)
{
	if (strcmp(parameter_word("high"), "fifo") == 0)
		fifo_or_broken(HIGH_PRIORITY);
	else
		nice_or_broken(HIGH_NICE);
}

static void *role_run(void *argument)
{
	struct role *role = argument;

	role->enter();
	for (;;) {
		while (sem_wait(&role->order) < 0 && errno == EINTR)
			;
		if (load(role->is_ending))
			return NULL;
		role->start_ns = clock_now_ns();
		store(role->is_inside, true);
		role->error = role->call();
		role->end_ns = clock_now_ns();
		sem_post(&role->done);
	}
}

static void role_start(struct role *role, void (*enter)(void), int (*call)(void))
{
	int error;

	role->enter = enter;
	role->call = call;
	sem_init(&role->order, 0, 0);
	sem_init(&role->done, 0, 0);
	error = pthread_create(&role->thread, NULL, role_run, role);
	if (error)
		workload_broken("no thread: %s", strerror(error));
	role->is_made = true;
}

static void role_order(struct role *role)
{
	store(role->is_inside, false);
	sem_post(&role->order);
}

/* It was told to, and nobody keeps it from its CPU. */
static void role_wait_inside(const struct role *role)
{
	while (!load(role->is_inside))
		sleep_ns(LOOK_NS);
}

/* Whether its call was over within the time. Without looking again and again: on a
 * slow guest that would take the CPU from who is waited for. */
static bool role_wait(struct role *role, uint64_t limit_ns)
{
	uint64_t end_ns = clock_now_ns() + limit_ns;
	struct timespec end = { .tv_sec = (time_t)(end_ns / 1000000000u),
				.tv_nsec = (long)(end_ns % 1000000000u) };

	while (sem_clockwait(&role->done, CLOCK_MONOTONIC, &end) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

/* With the spinners stopped. */
static void role_wait_or_failed(struct role *role, const char *what)
{
	if (role_wait(role, STUCK_NS))
		return;
	state.is_stuck = true;
	workload_failed("%s is not over after %llu s without spinners", what,
			(unsigned long long)(STUCK_NS / 1000000000u));
}

static void role_end(struct role *role)
{
	if (!role->is_made)
		return;
	store(role->is_ending, true);
	sem_post(&role->order);
	pthread_join(role->thread, NULL);
	role->is_made = false;
}

/* --- rounds ---------------------------------------------------------------------------- */

static void undo(void)
{
	if (state.is_hugetlb)
		hugetlb_undo();
	else
		vfio_undo();
}

static void error_check(const struct role *role, const char *what)
{
	if (role->error)
		workload_failed("%s: %s", what, strerror(role->error));
}

/* The job with nobody beside it. */
static void job_run_alone(void)
{
	role_order(&state.low);
	role_wait_or_failed(&state.low, "the job");
	error_check(&state.low, "the job");
	undo();
	sample_add("job_alone_ns", (double)(state.low.end_ns - state.low.start_ns));
}

static void setup(void)
{
	state.is_hugetlb = strcmp(parameter_word("job"), "hugetlb") == 0;
	state.size_bytes = (uint64_t)parameter_number("size_mib") * MIB;
	state.delay_ns = (uint64_t)parameter_number("delay_ms") * NS_PER_MS;
	state.limit_ns = (uint64_t)parameter_number("wait_limit_ms") * NS_PER_MS;
	state.rounds_count = (uint32_t)parameter_number("rounds");
	if (state.is_hugetlb)
		hugetlb_open();
	else
		vfio_open();
	padata_helpers_set(parameter_number("helpers"));
	tail_init_or_broken(&state.waits, state.rounds_count);
	tail_init_or_broken(&state.jobs, state.rounds_count);
	hogs_start((uint32_t)parameter_number("spinners_per_cpu"));
	hogs_stop();
	role_start(&state.low, low_enter, state.is_hugetlb ? hugetlb_hold : vfio_hold);
	role_start(&state.high, high_enter, state.is_hugetlb ? hugetlb_take : vfio_take);
	fifo_or_broken(LEADER_PRIORITY);
	state.is_leading = true;
}

/* Until the high task is through; whether it had to be helped. */
static bool wait_watch(void)
{
	bool is_through = role_wait(&state.high, state.limit_ns);

	hogs_stop();
	if (!is_through)
		role_wait_or_failed(&state.high, "the high task's call");
	return !is_through;
}

/* Adds what a round showed, unless nobody waited in it. */
static void round_keep(bool is_counted, bool is_censored)
{
	if (!is_counted)
		return;
	state.rounds_done++;
	if (state.high.start_ns >= state.low.end_ns) {
		state.missed_count++;
		return;
	}
	tail_add(&state.waits, state.high.end_ns - state.high.start_ns);
	tail_add(&state.jobs, state.low.end_ns - state.low.start_ns);
	state.censored_count += is_censored;
}

static void measure(uint32_t round)
{
	bool is_censored;

	job_run_alone();
	role_order(&state.low);
	role_wait_inside(&state.low);
	sleep_ns(state.delay_ns);
	hogs_continue();
	sleep_ns(SETTLE_NS);
	role_order(&state.high);
	is_censored = wait_watch();
	role_wait_or_failed(&state.low, "the job");
	error_check(&state.low, "the job");
	error_check(&state.high, "the high task's call");
	undo();
	round_keep(round >= workload.warmup_rounds, is_censored);
	if (state.rounds_done < state.rounds_count)
		return;
	if (!state.waits.count)
		workload_broken("every job was over before the high task came: a larger "
				"size_mib or a shorter delay_ms is needed");
	sample_add("censored_count", (double)state.censored_count);
	sample_add("missed_count", (double)state.missed_count);
	tail_sample(&state.jobs, "job");
	tail_report(&state.waits, "wait");
}

static void cleanup(void)
{
	char text[24];

	/* Stuck in the kernel, or one of the tasks brought us here. */
	if (state.is_stuck || syscall(SYS_gettid) != getpid())
		return;
	hogs_end();
	role_end(&state.low);
	role_end(&state.high);
	if (state.is_leading)
		fifo_or_broken(0);
	if (state.memory && state.memory != MAP_FAILED)
		munmap(state.memory, state.size_bytes);
	if (state.fd >= 0)
		close(state.fd);
	type1_close();
	tail_release(&state.waits);
	tail_release(&state.jobs);
	if (state.is_resized) {
		snprintf(text, sizeof(text), "%llu",
			 (unsigned long long)state.pool_before);
		(void)text_write(POOL "nr_hugepages", text);
	}
	padata_helpers_restore();
}

static const char *const jobs[] = { "vfio", "hugetlb", NULL };
static const char *const classes[] = { "nice", "fifo", NULL };
static const char *const options[] = { "CONFIG_VFIO_PCI", "CONFIG_VFIO_IOMMU_TYPE1",
				       "CONFIG_VFIO_GROUP", "CONFIG_HUGETLBFS",
				       "CONFIG_HIGH_RES_TIMERS", NULL };

const struct workload workload = {
	.name = "inversion_padata",
	.purpose = "Wait of a high task for a mutex that a low one holds for a long job of "
		   "the kernel",
	.metrics = (const struct metric[]){
		{ "wait_p50_ns", "ns", "lower", "time", false,
		  "Wait of the high task for the mutex, median of a boot" },
		{ "wait_p99_ns", "ns", "lower", "time", false,
		  "99th percentile of a boot, by nearest rank" },
		{ "wait_p999_ns", "ns", "lower", "time", true,
		  "99.9th percentile of a boot, by nearest rank" },
		{ "wait_max_ns", "ns", "lower", "tail", false, "The longest of a boot" },
		{ "job_alone_ns", "ns", "lower", "time", true,
		  "The job with nobody beside it" },
		{ "job_p50_ns", "ns", "lower", "time", true,
		  "The job from its beginning to its end, beside spinners; median" },
		{ "job_p99_ns", "ns", "lower", "time", true, "99th percentile of the same" },
		{ "job_p999_ns", "ns", "lower", "time", true,
		  "99.9th percentile of the same" },
		{ "job_max_ns", "ns", "lower", "tail", true, "The longest" },
		{ "censored_count", "count", "lower", "count", true,
		  "Waits cut by wait_limit_ms: they would have been longer" },
		{ "missed_count", "count", "lower", "count", true,
		  "Jobs that were over before the high task came" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "job", 0, 0, jobs, "vfio", "What the low task does, and so which mutex" },
		{ "size_mib", 2, 16777216, NULL, "512",
		  "Size of the job; 1024 for job=hugetlb" },
		PADATA_HELPERS_PARAMETER("0"),
		{ "high", 0, 0, classes, "fifo",
		  "The high task's class: nice -10, or SCHED_FIFO" },
		{ "spinners_per_cpu", 0, HOGS_MAX, NULL, "1",
		  "Medium tasks, of nice 0, on each CPU" },
		{ "delay_ms", 0, 100000, NULL, "10",
		  "From the beginning of the job to the start of the spinners" },
		{ "wait_limit_ms", 1, 100000, NULL, "3000",
		  "After so long a wait the spinners stop" },
		{ "rounds", 1, ROUNDS_MAX, NULL, "5", "Rounds that count" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 192, /* and size_mib */
	.needs_vcpus = 1,
	.is_counted = false,     /* the spinners fill whatever time there is */
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
