/* cases_fill.c - fallocate() of huge pages that does not come to its end in peace. */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "padata.h"
#include "cases.h"

#define OVERDRAFT_PAGES 16

void cpu_switch(unsigned int cpu, bool is_online)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	text_write_or_broken(path, "%d", is_online);
}

unsigned int cpus_count(void)
{
	return (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
}

static bool file_has_line(const char *path, const char *line)
{
	static char text[16384];
	size_t length = strlen(line);
	const char *at = text;

	/* A thread that is gone by now has nothing to say. */
	if (text_read(path, text, sizeof(text)) <= 0)
		return true;
	while ((at = strstr(at, line)) != NULL) {
		if ((at == text || at[-1] == '\n') && at[length] == '\n')
			return true;
		at += length;
	}
	return false;
}

void tasks_check(const struct actor *actor, const char *file, const char *line)
{
	char path[400];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)actor->pid);
	folder = opendir(path);
	if (!folder)
		workload_broken("%s: %s", path, strerror(errno));
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/%s", (int)actor->pid,
			 entry->d_name, file);
		if (!file_has_line(path, line))
			workload_failed("thread %s of the job's %d does not say \"%s\" in %s",
					entry->d_name, (int)actor->pid, line, file);
	}
	closedir(folder);
}

/* --- jobs that end of themselves ------------------------------------------------- */

/* The whole file, and nothing else. */
static void full_check(const struct actor *actor, const char *when)
{
	const struct fill *fill = actor->argument;

	if (actor->stage->error)
		workload_failed("%s: fallocate: %s", when, strerror(actor->stage->error));
	if (fill_pages(fill) != fill->pages_count)
		workload_failed("%s: the file holds %llu pages of %llu", when,
				(unsigned long long)fill_pages(fill),
				(unsigned long long)fill->pages_count);
	if (actor->stage->after.maps_digest != actor->stage->before.maps_digest)
		workload_failed("%s: the mappings of the caller have changed", when);
}

/* Pages that were given stay (that is how it always was), and are all zeroes; with one
 * thread they are as many as the pool had. */
void case_pool_exhausted(void)
{
	static const char when[] = "after ENOSPC";
	struct ledger before;
	struct fill fill;
	struct actor actor = { .job = fill_job, .argument = &fill };
	uint64_t held;

	pool_make(faults.fill_pages);
	ledger_read(&before, NULL);
	fill_open(&fill, faults.fill_pages + OVERDRAFT_PAGES);
	actor_start(&actor);
	actor_join(&actor);
	held = fill_pages(&fill);
	if (actor.stage->error != ENOSPC)
		workload_failed("a file larger than the pool: %s, expected %s",
				strerror(actor.stage->error), strerror(ENOSPC));
	if (!padata_is_present() && held != faults.fill_pages)
		workload_failed("%s: the file holds %llu pages of %llu", when,
				(unsigned long long)held,
				(unsigned long long)faults.fill_pages);
	fill_check(&fill, held, when);
	fill_undo_check(&fill, &before, NULL, when);
	fill_close(&fill);
	actor_release(&actor);
	faults_count();
}

void case_one_cpu(void)
{
	static const char when[] = "after a job on one CPU";
	struct ledger before;
	struct fill fill;
	struct actor actor = { .job = fill_job, .argument = &fill };
	cpu_set_t one, all;

	CPU_ZERO(&one);
	CPU_SET(cpus_count() - 1, &one);
	pool_make(faults.fill_pages);
	ledger_read(&before, NULL);
	fill_open(&fill, faults.fill_pages);
	if (sched_getaffinity(0, sizeof(all), &all) < 0 ||
	    sched_setaffinity(0, sizeof(one), &one) < 0)
		workload_broken("affinity: %s", strerror(errno));
	actor_start(&actor);
	actor_join(&actor);
	(void)sched_setaffinity(0, sizeof(all), &all);
	if (actor.helpers_count)
		workload_failed("a job that may use one CPU has %u helpers",
				actor.helpers_count);
	full_check(&actor, when);
	fill_check(&fill, faults.fill_pages, when);
	fill_undo_check(&fill, &before, NULL, when);
	fill_close(&fill);
	actor_release(&actor);
	faults_count();
}

/* --- jobs that are interfered with --------------------------------------------------- */

static void on_signal(int number)
{
	(void)number;
}

/* So that it interrupts a system call, and ends no process. */
static void handler_prepare(struct actor *actor)
{
	const struct sigaction action = { .sa_handler = on_signal };

	if (sigaction(SIGINT, &action, NULL) < 0)
		actor_give_up(actor, "sigaction: %s", strerror(errno));
}

/* Reserves all of the file's pages, as a mapping does: the job takes them out of what is
 * reserved then. */
static void *reserve(const struct fill *fill)
{
	size_t length = fill->pages_count * HUGE_PAGE_BYTES;
	void *pages;

	if (ftruncate(fill->fd, (off_t)length) < 0)
		workload_broken("ftruncate: %s", strerror(errno));
	pages = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fill->fd, 0);
	if (pages == MAP_FAILED)
		workload_broken("mmap: %s", strerror(errno));
	return pages;
}

static void reserved_check(const struct ledger *before, uint64_t expected, const char *when)
{
	uint64_t is = number_read_or_broken(POOL "resv_hugepages") - before->entries[2].value;

	if (is != expected)
		workload_failed("%s: %lld more pages are reserved, expected %llu", when,
				(long long)is, (unsigned long long)expected);
}

/* Sends a signal to a job halfway. What it has done by then stays, is zero, and nothing
 * else is missing in the pool. False: it was not met halfway. */
static bool fill_signalled(int number, bool is_reserved, const char *when, int *ret_error)
{
	struct ledger before;
	struct fill fill;
	struct actor actor = { .prepare = handler_prepare, .job = fill_job, .argument = &fill };
	void *pages = NULL;
	bool is_met;
	int status;
	uint64_t held;

	ledger_read(&before, NULL);
	fill_open(&fill, faults.fill_pages);
	if (is_reserved)
		pages = reserve(&fill);
	actor_start(&actor);
	if (actor_wait_halfway(&actor, fill_progress, faults.fill_pages / 8))
		kill(actor.pid, number);
	status = actor_wait(&actor);
	held = fill_pages(&fill);
	is_met = held < faults.fill_pages &&
		 (number != SIGKILL || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	if (is_met && held < faults.fill_pages / 8)
		workload_failed("%s: the file holds %llu pages of %llu", when,
				(unsigned long long)held,
				(unsigned long long)faults.fill_pages);
	fill_check(&fill, held, when);
	reserved_check(&before, is_reserved ? faults.fill_pages - held : 0, when);
	*ret_error = actor.stage->error;
	if (pages)
		munmap(pages, faults.fill_pages * HUGE_PAGE_BYTES);
	fill_undo_check(&fill, &before, NULL, when);
	fill_close(&fill);
	actor_release(&actor);
	return is_met;
}

static bool fill_sigkill(uint32_t round)
{
	int error;

	return fill_signalled(SIGKILL, round & 1, "after SIGKILL", &error);
}

static bool fill_sigint(uint32_t round)
{
	int error;
	bool is_met = fill_signalled(SIGINT, round & 1, "after SIGINT", &error);

	if (error != (is_met ? EINTR : 0))
		workload_failed("fallocate after SIGINT: %s, expected %s", strerror(error),
				strerror(is_met ? EINTR : 0));
	return is_met;
}

void case_sigkill(void)
{
	pool_make(faults.fill_pages);
	faults_repeat(fill_sigkill);
	pool_make(0);
	if (faults.has_vfio)
		faults_repeat(pin_sigkill);
}

void case_sigint(void)
{
	pool_make(faults.fill_pages);
	faults_repeat(fill_sigint);
	pool_make(0);
	if (faults.has_vfio)
		faults_repeat(pin_sigint);
}

static bool fill_cpu_offline(uint32_t round)
{
	static const char when[] = "after a job that lost a CPU";
	const unsigned int cpu = cpus_count() - 1;
	struct ledger before;
	struct fill fill;
	struct actor actor = { .job = fill_job, .argument = &fill };
	bool is_met;

	(void)round;
	ledger_read(&before, NULL);
	fill_open(&fill, faults.fill_pages);
	actor_start(&actor);
	is_met = actor_wait_halfway(&actor, fill_progress, faults.fill_pages / 8);
	if (is_met) {
		cpu_switch(cpu, false);
		cpu_switch(cpu, true);
	}
	actor_join(&actor);
	full_check(&actor, when);
	fill_check(&fill, faults.fill_pages, when);
	fill_undo_check(&fill, &before, NULL, when);
	fill_close(&fill);
	actor_release(&actor);
	return is_met;
}

void case_cpu_offline(void)
{
	pool_make(faults.fill_pages);
	faults_repeat(fill_cpu_offline);
	pool_make(0);
	if (faults.has_vfio)
		faults_repeat(pin_cpu_offline);
}

/* --- two at once --------------------------------------------------------------------- */

static void two_fills(void)
{
	static const char when[] = "after two jobs at once";
	struct ledger before;
	struct fill fills[2];
	struct actor actors[2] = {
		{ .job = fill_job, .argument = &fills[0] },
		{ .job = fill_job, .argument = &fills[1] },
	};
	int i;

	pool_make(faults.fill_pages * 2);
	ledger_read(&before, NULL);
	for (i = 0; i < 2; i++)
		fill_open(&fills[i], faults.fill_pages);
	actor_start(&actors[0]);
	actor_start(&actors[1]);
	for (i = 0; i < 2; i++)
		actor_join(&actors[i]);
	for (i = 0; i < 2; i++) {
		full_check(&actors[i], when);
		fill_check(&fills[i], faults.fill_pages * 2, when);
		actor_release(&actors[i]);
	}
	if (ftruncate(fills[0].fd, 0) < 0)
		workload_failed("ftruncate: %s", strerror(errno));
	fill_check(&fills[1], faults.fill_pages, when);
	fill_undo_check(&fills[1], &before, NULL, when);
	for (i = 0; i < 2; i++)
		fill_close(&fills[i]);
	faults_count();
}

static void fill_and_pin(void)
{
	static const char when[] = "after a job of each kind at once";
	struct ledger before;
	struct fill fill;
	struct pin pin = { .size_bytes = faults.pin_bytes };
	struct actor filler = { .job = fill_job, .argument = &fill };
	struct actor pinner = { .prepare = pin_prepare, .job = pin_job, .finish = pin_finish,
				.argument = &pin };

	pool_make(faults.fill_pages);
	ledger_read(&before, NULL);
	fill_open(&fill, faults.fill_pages);
	actor_start(&pinner);
	(void)actor_wait_halfway(&pinner, actor_rss_kib, faults.pin_bytes / 1024 / 8);
	actor_start(&filler);
	actor_join(&filler);
	actor_join(&pinner);
	full_check(&filler, when);
	if (pinner.stage->error)
		workload_failed("%s: MAP_DMA: %s", when, strerror(pinner.stage->error));
	pin_check(&pinner, when);
	fill_check(&fill, faults.fill_pages, when);
	fill_undo_check(&fill, &before, NULL, when);
	fill_close(&fill);
	actor_release(&filler);
	actor_release(&pinner);
	faults_count();
}

void case_two_jobs(void)
{
	uint32_t i;

	for (i = 0; i < faults.attempts; i++) {
		two_fills();
		if (faults.has_vfio)
			fill_and_pin();
	}
}
