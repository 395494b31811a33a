/* hugetlb_reserve.c - what it costs to set huge pages aside for a mapping and to
 * give them back untouched, from several processes at once (mm/hugetlb.c,
 * hugetlb_acct_memory): the accounts of the pool and the lock around them, with
 * no clearing of pages in between.
 *
 * A round: every process maps and unmaps a private file of its own, again and
 * again (timed); then nothing may be left reserved. Processes, not threads: those
 * of one process would wait for each other's mmap() and never meet in the pool.
 */
#include <errno.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

#define PROCESSES_MAX 64
#define PAGE_BYTES (UINT64_C(2) << 20)
#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static struct {
	uint32_t processes_count, cycles_count;
	uint64_t size_bytes;      /* of one mapping */
	uint64_t pool_before;     /* pages in the pool before us */
	uint64_t reserved_before; /* of them, promised to others */
	pthread_barrier_t *start; /* shared with the processes */
	int fds[PROCESSES_MAX];
	uint32_t fds_count;
	bool is_resized;
} state;

/* Every process finds its pages free, whatever the others hold. */
static void pool_fill(void)
{
	uint64_t wanted = state.processes_count * (state.size_bytes / PAGE_BYTES);
	uint64_t unused;

	state.pool_before = number_read_or_broken(POOL "nr_hugepages");
	state.reserved_before = number_read_or_broken(POOL "resv_hugepages");
	text_write_or_broken(POOL "nr_hugepages", "%llu",
			     (unsigned long long)(state.pool_before + wanted));
	state.is_resized = true;
	unused = number_read_or_broken(POOL "free_hugepages");
	if (unused < state.reserved_before + wanted)
		workload_skipped("only %llu of %llu huge pages could be had",
				 (unsigned long long)unused,
				 (unsigned long long)(state.reserved_before + wanted));
}

static void files_open(void)
{
	uint32_t i;

	for (i = 0; i < state.processes_count; i++) {
		state.fds[i] = (int)memfd_create("kerngate", MFD_CLOEXEC |
						 MFD_HUGETLB | MFD_HUGE_2MB);
		if (state.fds[i] < 0)
			workload_broken("opening file %u: %s", i, strerror(errno));
		state.fds_count++;
		if (ftruncate(state.fds[i], (off_t)state.size_bytes) < 0)
			workload_broken("ftruncate: %s", strerror(errno));
	}
}

static void setup(void)
{
	state.processes_count = (uint32_t)parameter_number("processes");
	state.cycles_count = (uint32_t)parameter_number("cycles");
	state.size_bytes = (uint64_t)parameter_number("pages") * PAGE_BYTES;
	if (access(POOL, F_OK) < 0)
		workload_skipped("no huge pages of 2048 KiB on this CPU and kernel");
	pool_fill();
	files_open();
	state.start = mmap(NULL, sizeof(*state.start), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state.start == MAP_FAILED)
		workload_broken("mmap: %s", strerror(errno));
}

/* In a process of its own; its exit status is what went wrong, as an errno. */
static _Noreturn void cycles_run(int fd)
{
	uint32_t i;

	pthread_barrier_wait(state.start);
	for (i = 0; i < state.cycles_count; i++) {
		void *pages = mmap(NULL, state.size_bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE, fd, 0);

		if (pages == MAP_FAILED || munmap(pages, state.size_bytes) < 0)
			_exit(errno);
	}
	_exit(0);
}

static void processes_start(pid_t *pids)
{
	pthread_barrierattr_t shared;
	uint32_t i;

	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(state.start, &shared, state.processes_count + 1);
	for (i = 0; i < state.processes_count; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			workload_broken("no process %u: %s", i, strerror(errno));
		if (pids[i] == 0)
			cycles_run(state.fds[i]);
	}
}

/* The errno of the first process that failed, 0 if none did. */
static int processes_wait(const pid_t *pids)
{
	int first = 0;
	uint32_t i;

	for (i = 0; i < state.processes_count; i++) {
		int status;

		if (waitpid(pids[i], &status, 0) < 0)
			workload_broken("waitpid: %s", strerror(errno));
		if (!WIFEXITED(status))
			workload_failed("process %u was killed by signal %d", i,
					WTERMSIG(status));
		if (!first)
			first = WEXITSTATUS(status);
	}
	return first;
}

static void accounts_check(void)
{
	uint64_t total = number_read_or_broken(POOL "nr_hugepages");
	uint64_t unused = number_read_or_broken(POOL "free_hugepages");
	uint64_t reserved = number_read_or_broken(POOL "resv_hugepages");

	/* Where the count went below nothing, the distance says more. */
	if (reserved != state.reserved_before)
		workload_failed("%+lld huge pages are reserved, expected %llu",
				(long long)reserved,
				(unsigned long long)state.reserved_before);
	if (unused > total)
		workload_failed("%llu huge pages of %llu are free",
				(unsigned long long)unused, (unsigned long long)total);
}

static void measure(uint32_t round)
{
	pid_t pids[PROCESSES_MAX];
	uint64_t start_ns, duration_ns;
	int error;

	(void)round;
	processes_start(pids);
	start_ns = clock_now_ns();
	pthread_barrier_wait(state.start);
	error = processes_wait(pids);
	duration_ns = clock_now_ns() - start_ns;
	pthread_barrier_destroy(state.start);
	if (error)
		workload_failed("mmap or munmap: %s", strerror(error));
	sample_add("reserve_ns", (double)duration_ns / state.cycles_count);
	accounts_check();
}

static void cleanup(void)
{
	uint32_t i;

	for (i = 0; i < state.fds_count; i++)
		close(state.fds[i]);
	if (state.is_resized)
		text_write_or_broken(POOL "nr_hugepages", "%llu",
				     (unsigned long long)state.pool_before);
}

static const char *const options[] = { "CONFIG_HUGETLBFS", NULL };

const struct workload workload = {
	.name = "hugetlb_reserve",
	.purpose = "Time to reserve huge pages for a mapping and to give them back",
	.metrics = (const struct metric[]){
		{ "reserve_ns", "ns", "lower", "time", false,
		  "One mmap() and munmap() of untouched huge pages in each process" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "processes", 1, PROCESSES_MAX, NULL, "2",
		  "Processes that do it at once, each with a file of its own" },
		{ "pages", 1, 1024, NULL, "1", "Huge pages of one mapping" },
		{ "cycles", 1, 100000000, NULL, "1000",
		  "Mappings one after the other, of each process in a round" },
		{ "rounds", 1, 10000, NULL, "10", "Rounds that count" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 192,
	.needs_vcpus = 1,
	.is_counted = true,
	.warmup_rounds = 1,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
