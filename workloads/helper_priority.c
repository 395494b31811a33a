/* helper_priority.c - how long a task of high priority waits behind a job whose helpers
 * have the lowest.
 *
 * The job: MAP_DMA of memory that was not touched, by a process of nice 0, under the
 * container's lock (drivers/vfio/vfio_iommu_type1.c, iommu->lock). Hogs of nice 0
 * keep every CPU busy. The task of high priority, a real-time one, asks for the same
 * lock: it waits for the job, the job waits for its last helper, and a helper of nice
 * 19 gets next to nothing beside a hog. Inheriting priority (proxy execution) does not
 * help: the owner of the lock sleeps, and nothing says for whom. padata has to raise
 * the helper, and does so one by one (padata.raise).
 *
 * A round: the job begins; after delay_ms the high task unmaps a range in which
 * nothing is mapped (timed: that is the wait for the lock and nothing else); the job
 * ends (timed) and unmaps its memory.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hogs.h"
#include "padata.h"
#include "type1.h"
#include "workload.h"

#define MIB (UINT64_C(1) << 20)
#define SPARE_MIB 64u
#define ROUNDS_MAX 1000
#define HIGH_PRIORITY 50          /* of SCHED_FIFO */
#define HIGH_IOVA (TYPE1_IOVA / 2) /* nothing is mapped here */
#define HIGH_BYTES (2 * MIB)

/* Orders to the job's process. It unmaps only when it is told to, or it might have the
 * lock again before the task that it woke up is there. */
#define JOB_MAP 'm'
#define JOB_UNMAP 'u'

/* What the job's process says of a job. */
struct report {
	uint64_t end_ns, duration_ns;
	int error;                /* errno of MAP_DMA, 0 if it worked */
};

static struct {
	uint64_t size_bytes, delay_ns;
	uint32_t rounds_count, waits_count;
	pid_t job_pid;            /* 0: not started */
	int orders[2], reports[2]; /* pipes to the job's process and from it */
	uint64_t waits_ns[ROUNDS_MAX];
} state = { .orders = { -1, -1 }, .reports = { -1, -1 } };

/* --- the job's process ---------------------------------------------------- */

/* What it is to do next; 0 at the end. */
static char order_read(void)
{
	char order = 0;

	return read(state.orders[0], &order, 1) == 1 ? order : 0;
}

static _Noreturn void job_run(void)
{
	struct report report;
	uint64_t start_ns, bytes;
	void *memory = mmap(NULL, state.size_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    madvise(memory, state.size_bytes, MADV_NOHUGEPAGE) < 0)
		_exit(1);
	while (order_read() == JOB_MAP) {
		start_ns = clock_now_ns();
		if (write(state.reports[1], &start_ns, sizeof(start_ns)) < 0)
			_exit(1);
		report.error = type1_map(memory, TYPE1_IOVA, state.size_bytes);
		report.end_ns = clock_now_ns();
		report.duration_ns = report.end_ns - start_ns;
		if (write(state.reports[1], &report, sizeof(report)) < 0 ||
		    order_read() != JOB_UNMAP)
			_exit(1);
		report.error = type1_unmap(TYPE1_IOVA, state.size_bytes, &bytes);
		if (madvise(memory, state.size_bytes, MADV_DONTNEED) < 0 ||
		    write(state.reports[1], &report, sizeof(report)) < 0)
			_exit(1);
	}
	_exit(0);
}

static void job_start(void)
{
	if (pipe(state.orders) < 0 || pipe(state.reports) < 0)
		workload_broken("pipe: %s", strerror(errno));
	state.job_pid = fork();
	if (state.job_pid < 0)
		workload_broken("no process for the job: %s", strerror(errno));
	if (state.job_pid == 0)
		job_run();
	close(state.orders[0]);
	close(state.reports[1]);
	state.orders[0] = state.reports[1] = -1;
}

static void order_write(char order)
{
	if (write(state.orders[1], &order, 1) != 1)
		workload_broken("the job's process: %s", strerror(errno));
}

static void report_read(void *data, size_t size)
{
	ssize_t n = read(state.reports[0], data, size);

	if (n != (ssize_t)size)
		workload_broken("the job's process ended: %s",
				n < 0 ? strerror(errno) : "no memory, or a signal");
}

/* --- the task of high priority ------------------------------------------------ */

static void setup(void)
{
	const struct sched_param high = { .sched_priority = HIGH_PRIORITY };
	uint64_t available_mib;

	state.size_bytes = (uint64_t)parameter_number("size_mib") * MIB;
	state.delay_ns = (uint64_t)parameter_number("delay_ms") * 1000000u;
	state.rounds_count = (uint32_t)parameter_number("rounds");
	available_mib = field_read_or_broken("/proc/meminfo", "MemAvailable") / 1024;
	if (state.size_bytes / MIB + SPARE_MIB > available_mib)
		workload_skipped("%llu MiB and %u MiB to spare are more than the %llu "
				 "MiB available",
				 (unsigned long long)(state.size_bytes / MIB), SPARE_MIB,
				 (unsigned long long)available_mib);
	type1_open_or_skip();
	padata_helpers_set(parameter_number("helpers"));
	padata_raise_set(parameter_number("raise"));
	job_start();
	hogs_start((uint32_t)parameter_number("hogs"));
	if (sched_setscheduler(0, SCHED_FIFO, &high) < 0)
		workload_broken("SCHED_FIFO: %s", strerror(errno));
}

/* Asks for the lock while the job has it; how long that took, and since when. */
static uint64_t wait_ns(uint64_t *ret_start_ns)
{
	uint64_t start_ns, end_ns, bytes = 0;
	int error;

	start_ns = clock_now_ns();
	error = type1_unmap(HIGH_IOVA, HIGH_BYTES, &bytes);
	end_ns = clock_now_ns();
	if (error || bytes)
		workload_failed("UNMAP_DMA where nothing is mapped: %s, %llu bytes",
				strerror(error), (unsigned long long)bytes);
	*ret_start_ns = start_ns;
	return end_ns - start_ns;
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The 99th percentile by nearest rank, once all rounds are over. */
static void tail_add(void)
{
	uint32_t n = state.waits_count, rank = (99 * n + 99) / 100;

	qsort(state.waits_ns, n, sizeof(*state.waits_ns), compare_ns);
	sample_add("wait_p99_ns", (double)state.waits_ns[rank - 1]);
}

static void measure(uint32_t round)
{
	uint64_t job_start_ns, start_ns, waited_ns;
	struct report report, unmapped;

	order_write(JOB_MAP);
	report_read(&job_start_ns, sizeof(job_start_ns));
	sleep_ns(state.delay_ns);
	waited_ns = wait_ns(&start_ns);
	report_read(&report, sizeof(report));
	if (report.error)
		workload_failed("MAP_DMA: %s", strerror(report.error));
	if (report.end_ns < start_ns)
		workload_broken("the job was over before anybody waited for it: a "
				"larger size_mib or a shorter delay_ms is needed");
	order_write(JOB_UNMAP);
	report_read(&unmapped, sizeof(unmapped));
	if (unmapped.error)
		workload_failed("UNMAP_DMA: %s", strerror(unmapped.error));
	sample_add("wait_ns", (double)waited_ns);
	sample_add("wait_max_ns", (double)waited_ns);
	sample_add("job_ns", (double)report.duration_ns);
	if (round < workload.warmup_rounds)
		return;
	state.waits_ns[state.waits_count++] = waited_ns;
	if (state.waits_count == state.rounds_count)
		tail_add();
}

static void cleanup(void)
{
	hogs_end();
	/* The job's process first ends its job, which the hogs no longer slow down. */
	if (state.job_pid > 0) {
		(void)kill(state.job_pid, SIGKILL);
		(void)waitpid(state.job_pid, NULL, 0);
	}
	type1_close();
	padata_helpers_restore();
}

static const char *const options[] = { "CONFIG_VFIO_PCI", "CONFIG_VFIO_IOMMU_TYPE1",
				       "CONFIG_VFIO_GROUP", NULL };
static const char *const devices[] = { "iommu", NULL };

const struct workload workload = {
	.name = "helper_priority",
	.purpose = "Wait of a real-time task for a lock whose owner waits for helpers "
		   "of the lowest priority",
	.metrics = (const struct metric[]){
		{ "wait_ns", "ns", "lower", "time", false,
		  "Wait of the real-time task for the lock" },
		{ "wait_p99_ns", "ns", "lower", "time", false,
		  "99th percentile of the waits of a boot, by nearest rank" },
		{ "wait_max_ns", "ns", "lower", "tail", false,
		  "The longest wait of a boot" },
		{ "job_ns", "ns", "lower", "time", false,
		  "MAP_DMA, which holds the lock, beside the hogs" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "size_mib", 2, 16777216, NULL, "512", "Size of the job's memory" },
		PADATA_HELPERS_PARAMETER("-1"),
		{ "raise", 0, 1, NULL, "1",
		  "1: a job that waits for helpers raises them, one by one" },
		{ "hogs", 0, HOGS_MAX, NULL, "1", "Spinning processes on each CPU" },
		{ "delay_ms", 0, 100000, NULL, "5",
		  "From the beginning of the job to the request for the lock" },
		{ "rounds", 1, ROUNDS_MAX, NULL, "5", "Rounds that count" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_devices = devices,
	.needs_memory_mib = 192, /* and size_mib */
	.needs_vcpus = 1,
	.is_counted = false,     /* the hogs fill whatever time there is */
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
