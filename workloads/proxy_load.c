/* proxy_load.c - what load the scheduler thinks a CPU has while tasks that wait for a
 * mutex are moved there and back by proxy execution.
 *
 * On the first CPU a spinner, which is always runnable, and a low task that holds
 * f_pos_lock for a while again and again; on the second a high task that asks for it.
 * The load of the first CPU's runqueue cannot be less than the spinner's own: the
 * ratio of the two, seen every 20 ms, is 1 or more (less a little: they are read one
 * after the other). Where a task that comes and goes takes more load away than it
 * brought, it is less.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workload.h"

#define FILE_BYTES (UINT64_C(1) << 20)
#define DEBUG_FILE "/sys/kernel/debug/sched/debug"
#define FIELD_LENGTH_MAX 256
#define NS_PER_MS UINT64_C(1000000)

static struct {
	int fd;
	char *buffer;
	atomic_bool is_over;
	atomic_int spinner_id; /* thread */
	atomic_uint waits_count;
	pthread_t threads[3];
	uint32_t threads_count;
} state = { .fd = -1 };

static void place(int cpu, int nice_value)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		workload_broken("sched_setaffinity, CPU %d: %s", cpu, strerror(errno));
	if (setpriority(PRIO_PROCESS, 0, nice_value) < 0)
		workload_broken("setpriority, %d: %s", nice_value, strerror(errno));
}

static void *low_run(void *unused)
{
	(void)unused;
	place(0, 10);
	while (!atomic_load(&state.is_over))
		if (lseek(state.fd, 0, SEEK_SET) != 0 ||
		    read(state.fd, state.buffer, FILE_BYTES) != (ssize_t)FILE_BYTES)
			workload_broken("reading the file: %s", strerror(errno));
	return NULL;
}

static void *spin_run(void *unused)
{
	(void)unused;
	place(0, 0);
	atomic_store(&state.spinner_id, (int)syscall(SYS_gettid));
	while (!atomic_load(&state.is_over))
		;
	return NULL;
}

static void *high_run(void *unused)
{
	(void)unused;
	place(1, -10);
	while (!atomic_load(&state.is_over)) {
		sleep_ns(2 * NS_PER_MS);
		if (lseek(state.fd, 0, SEEK_CUR) < 0)
			workload_broken("lseek: %s", strerror(errno));
		atomic_fetch_add(&state.waits_count, 1);
	}
	return NULL;
}

/* The number behind ": " of the next line with field, from there on; -1 if none. */
static double number_after(FILE *file, const char *field)
{
	char line[FIELD_LENGTH_MAX];

	while (fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');

		if (colon && strstr(line, field))
			return strtod(colon + 1, NULL);
	}
	return -1;
}

static FILE *file_open(const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file)
		workload_broken("%s: %s", path, strerror(errno));
	return file;
}

static double runqueue_load(void)
{
	char line[FIELD_LENGTH_MAX];
	FILE *file = file_open(DEBUG_FILE);
	double load = -1;

	while (load < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, "cfs_rq[0]:/\n", sizeof(line)) == 0)
			load = number_after(file, ".load_avg ");
	fclose(file);
	if (load < 0)
		workload_skipped(DEBUG_FILE " has no load_avg of cfs_rq[0]:/");
	return load;
}

static double spinner_load(void)
{
	char path[64];
	FILE *file;
	double load;

	snprintf(path, sizeof(path), "/proc/self/task/%d/sched",
		 atomic_load(&state.spinner_id));
	file = file_open(path);
	load = number_after(file, "se.avg.load_avg");
	fclose(file);
	if (load <= 0)
		workload_skipped("%s has no se.avg.load_avg", path);
	return load;
}

static void thread_start(void *(*run)(void *))
{
	int error = pthread_create(&state.threads[state.threads_count], NULL, run, NULL);

	if (error)
		workload_broken("pthread_create: %s", strerror(error));
	state.threads_count++;
}

static void setup(void)
{
	if (access(DEBUG_FILE, R_OK) < 0)
		workload_skipped(DEBUG_FILE ": %s", strerror(errno));
	/* Not memfd_create(): the files of open() only have a lock around f_pos. */
	state.fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (state.fd < 0)
		workload_broken("a file in /tmp: %s", strerror(errno));
	state.buffer = malloc(FILE_BYTES);
	if (!state.buffer)
		workload_broken("no memory");
	memset(state.buffer, 1, FILE_BYTES);
	if (pwrite(state.fd, state.buffer, FILE_BYTES, 0) != (ssize_t)FILE_BYTES)
		workload_broken("filling the file: %s", strerror(errno));
	place(1, -20);
	thread_start(spin_run);
	thread_start(low_run);
	thread_start(high_run);
	sleep_ns(1000 * NS_PER_MS); /* averages of load forget half in 32 ms */
}

static void measure(uint32_t round)
{
	uint32_t i, count = (uint32_t)parameter_number("readings");
	uint32_t waits_before = atomic_load(&state.waits_count);
	double lowest = 1e9;

	(void)round;
	for (i = 0; i < count; i++) {
		double ratio;

		sleep_ns(20 * NS_PER_MS);
		ratio = runqueue_load() / spinner_load();
		lowest = ratio < lowest ? ratio : lowest;
		sample_add("load_ratio", ratio);
	}
	sample_add("lowest_load_ratio", lowest);
	sample_add("waits_count", atomic_load(&state.waits_count) - waits_before);
}

static void cleanup(void)
{
	uint32_t i;

	atomic_store(&state.is_over, true);
	for (i = 0; i < state.threads_count; i++)
		pthread_join(state.threads[i], NULL);
	free(state.buffer);
	if (state.fd >= 0)
		close(state.fd);
}

static const char *const options[] = { "CONFIG_DEBUG_FS", "CONFIG_SHMEM", NULL };

const struct workload workload = {
	.name = "proxy_load",
	.purpose = "The load of a runqueue whose tasks lend their scheduling context",
	.metrics = (const struct metric[]){
		{ "load_ratio", "1", "higher", "rate", false,
		  "The runqueue's average load over that of its spinner" },
		{ "lowest_load_ratio", "1", "higher", "rate", false, "Its minimum" },
		{ "waits_count", "count", "higher", "count", true,
		  "Times that the high task took the lock meanwhile" },
		{ .name = NULL },
	},
	.parameters = (const struct parameter[]){
		{ "readings", 1, 100000, NULL, "200", "How often to look" },
		{ .name = NULL },
	},
	.needs_options = options,
	.needs_memory_mib = 64,
	.needs_vcpus = 2,
	.is_counted = false,
	.setup = setup,
	.measure = measure,
	.cleanup = cleanup,
};
