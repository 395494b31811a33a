/* cases_cgroup.c - jobs of a control group: its limits hold, and its helpers' use is
 * its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "padata.h"
#include "cases.h"

#define GROUP_NAME "padata-faults"
#define GROUP_LINE "0::/" GROUP_NAME
#define PERIOD_US 50000
#define QUOTA_US 20000
#define CPU_RUN_NS (UINT64_C(2500) * 1000000)
#define CPU_RUN_FILLS 8          /* so many fills at least, as long as they take alone */

static void group_make(const char *controllers)
{
	cgroup_create_or_broken(&faults.group, GROUP_NAME, controllers);
}

static void group_end(void)
{
	int result = cgroup_remove(&faults.group);

	if (result < 0)
		workload_failed("the control group cannot be removed: %s", strerror(-result));
}

/* Huge pages as memory of the group, too (memory.current). */
static void hugetlb_accounting_set(bool is_on)
{
	if (mount(NULL, CGROUP_ROOT, NULL, MS_REMOUNT,
		  is_on ? "memory_hugetlb_accounting" : "") < 0)
		workload_broken("cgroup2 with memory_hugetlb_accounting: %s", strerror(errno));
}

/* --- limits --------------------------------------------------------------------------- */

/* A fill of a whole file that the group stops at half of it. stopped_at: how many pages
 * it can have; UINT64_MAX: that is the kernel's business. */
static void fill_limited(uint64_t stopped_at, int expected, const char *when)
{
	struct ledger before;
	struct fill fill;
	struct actor actor = { .job = fill_job, .argument = &fill, .group = &faults.group };
	uint64_t held;

	ledger_read(&before, &faults.group);
	fill_open(&fill, faults.fill_pages);
	actor_start(&actor);
	actor_join(&actor);
	held = fill_pages(&fill);
	if (actor.stage->error != expected)
		workload_failed("%s: fallocate: %s, expected %s", when,
				strerror(actor.stage->error), strerror(expected));
	if (stopped_at != UINT64_MAX && (padata_is_present() ? held > stopped_at || !held :
							      held != stopped_at))
		workload_failed("%s: the file holds %llu pages, the limit is %llu", when,
				(unsigned long long)held, (unsigned long long)stopped_at);
	fill_check(&fill, held, when);
	fill_undo_check(&fill, &before, &faults.group, when);
	fill_close(&fill);
	actor_release(&actor);
	faults_count();
}

static void hugetlb_limited(const char *file)
{
	const uint64_t pages = faults.fill_pages / 2;
	char when[64];

	snprintf(when, sizeof(when), "after %s", file);
	group_make("hugetlb");
	cgroup_write_or_broken(&faults.group, file, "%llu",
			       (unsigned long long)(pages * HUGE_PAGE_BYTES));
	fill_limited(pages, ENOSPC, when);
	group_end();
}

/* The counters of the group are in the ledger: what was charged is uncharged. */
void case_cgroup_hugetlb(void)
{
	uint32_t i;

	pool_make(faults.fill_pages);
	for (i = 0; i < faults.attempts; i++) {
		hugetlb_limited("hugetlb.2MB.max");
		hugetlb_limited("hugetlb.2MB.rsvd.max");
	}
}

/* The kernel kills the process whose memory it cannot charge, and says so. */
static void pin_limited(void)
{
	static const char when[] = "MAP_DMA after the group's memory was used up";
	struct pin pin = { .size_bytes = faults.pin_bytes };
	struct actor actor = { .prepare = pin_prepare, .job = pin_job, .finish = pin_finish,
			       .argument = &pin, .group = &faults.group };
	char complaint[256];
	struct ledger before;
	int status;

	group_make("memory");
	cgroup_write_or_broken(&faults.group, "memory.max", "%llu",
			       (unsigned long long)faults.pin_bytes / 2);
	ledger_read(&before, NULL);
	console_quiet_begin();
	actor_start(&actor);
	status = actor_wait(&actor);
	console_quiet_end(complaint, sizeof(complaint));
	if (*complaint)
		workload_failed("%s: %s", when, complaint);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		workload_failed("%s: status %#x (%s), expected to be killed", when, status,
				strerror(actor.stage->error));
	if (!cgroup_field_or_broken(&faults.group, "memory.events", "oom_kill"))
		workload_failed("%s: somebody else killed it", when);
	pin_nothing_check(when);
	ledger_check(&before, NULL, when);
	actor_release(&actor);
	group_end();
	faults_count();
}

void case_cgroup_memory(void)
{
	uint32_t i;

	hugetlb_accounting_set(true);
	for (i = 0; i < faults.attempts; i++) {
		pool_make(faults.fill_pages);
		group_make("memory hugetlb");
		cgroup_write_or_broken(&faults.group, "memory.max", "%llu",
			(unsigned long long)(faults.fill_pages * HUGE_PAGE_BYTES / 2));
		fill_limited(UINT64_MAX, ENOSPC, "after memory.max");
		group_end();
		pool_make(0);
		if (faults.has_vfio)
			pin_limited();
	}
	hugetlb_accounting_set(false);
}

/* --- charges ----------------------------------------------------------------------------- */

static void charge_check(const char *file, const char *key, uint64_t expected)
{
	uint64_t is = key ? cgroup_field_or_broken(&faults.group, file, key) :
			    cgroup_number_or_broken(&faults.group, file);

	if (is != expected)
		workload_failed("%s%s%s of the caller's group is %llu, expected %llu (%+lld)",
				file, key ? " " : "", key ? key : "", (unsigned long long)is,
				(unsigned long long)expected, (long long)(is - expected));
}

static void fill_charged(void)
{
	const uint64_t bytes = faults.fill_pages * HUGE_PAGE_BYTES;
	struct ledger before;
	struct fill fill;
	struct actor actor = { .job = fill_job, .argument = &fill, .group = &faults.group };

	pool_make(faults.fill_pages);
	group_make("memory hugetlb");
	ledger_read(&before, &faults.group);
	fill_open(&fill, faults.fill_pages);
	actor_start(&actor);
	if (actor_wait_halfway(&actor, fill_progress, faults.fill_pages / 8))
		tasks_check(&actor, "cgroup", GROUP_LINE);
	actor_join(&actor);
	if (actor.stage->error)
		workload_failed("fallocate in a group: %s", strerror(actor.stage->error));
	charge_check("hugetlb.2MB.current", NULL, bytes);
	charge_check("hugetlb.2MB.rsvd.current", NULL, bytes);
	charge_check("memory.stat", "hugetlb", bytes);
	fill_check(&fill, faults.fill_pages, "in a group");
	fill_undo_check(&fill, &before, &faults.group, "in a group");
	charge_check("memory.stat", "hugetlb", 0);
	fill_close(&fill);
	actor_release(&actor);
	group_end();
	faults_count();
}

/* The actor's own few pages beside those of the mapping: as many as it has without. */
static void anon_check(const struct pin *pin, uint64_t is)
{
	const uint64_t own_bytes_max = UINT64_C(2) << 20;

	if (is < pin->size_bytes || is > pin->size_bytes + own_bytes_max)
		workload_failed("memory.stat anon of the caller's group is %llu for a mapping "
				"of %llu", (unsigned long long)is,
				(unsigned long long)pin->size_bytes);
}

/* Reads what its own group was charged, while it is mapped. */
static void charged_finish(struct actor *actor)
{
	static char text[16384];
	char path[CGROUP_PATH_MAX + 32];
	const char *found;

	snprintf(path, sizeof(path), "%s/memory.stat", actor->group->path);
	if (text_read(path, text, sizeof(text)) < 0 || (found = strstr(text, "anon ")) != text)
		actor_give_up(actor, "%s does not begin with anon", path);
	actor->stage->charged_bytes = strtoull(text + strlen("anon "), NULL, 10);
	pin_finish(actor);
}

static void pin_charged(void)
{
	static const char when[] = "MAP_DMA in a group";
	struct pin pin = { .size_bytes = faults.pin_bytes };
	struct actor actor = { .prepare = pin_prepare, .job = pin_job,
			       .finish = charged_finish, .argument = &pin,
			       .group = &faults.group };
	struct ledger before;

	pool_make(0);
	group_make("memory hugetlb");
	ledger_read(&before, &faults.group);
	actor_start(&actor);
	if (actor_wait_halfway(&actor, actor_rss_kib, faults.pin_bytes / 1024 / 8))
		tasks_check(&actor, "cgroup", GROUP_LINE);
	actor_join(&actor);
	if (actor.stage->error)
		workload_failed("%s: %s", when, strerror(actor.stage->error));
	anon_check(&pin, actor.stage->charged_bytes);
	pin_check(&actor, when);
	ledger_check(&before, &faults.group, when);
	actor_release(&actor);
	group_end();
	faults_count();
}

void case_memcg(void)
{
	uint32_t i;

	hugetlb_accounting_set(true);
	for (i = 0; i < faults.attempts; i++) {
		fill_charged();
		if (faults.has_vfio)
			pin_charged();
	}
	hugetlb_accounting_set(false);
}

/* --- CPU time ------------------------------------------------------------------------------ */

static uint64_t cpu_run_ns;

/* Fills and empties the file until its time is over. */
static int fill_often_job(struct actor *actor)
{
	const struct fill *fill = actor->argument;
	uint64_t end_ns = clock_now_ns() + cpu_run_ns;
	int error = 0;

	while (!error && clock_now_ns() < end_ns) {
		error = fill_job(actor);
		if (!error && ftruncate(fill->fd, 0) < 0)
			error = errno;
	}
	return error;
}

static uint64_t usage_us(void)
{
	return cgroup_field_or_broken(&faults.group, "cpu.stat", "usage_usec");
}

/* What one fill takes of the CPUs, all threads together, without a limit. */
static uint64_t fill_cost_us(struct fill *fill)
{
	struct actor actor = { .job = fill_job, .argument = fill, .group = &faults.group };
	uint64_t before_us = usage_us();

	actor_start(&actor);
	actor_join(&actor);
	actor_release(&actor);
	if (ftruncate(fill->fd, 0) < 0)
		workload_failed("ftruncate: %s", strerror(errno));
	return usage_us() - before_us;
}

/* A group may overdraw by what it does in one system call, and pays that back; helpers
 * must not add to it. So: the quota of its periods, one more of them at either end, and
 * two fills. */
static void usage_check(uint64_t used_us, uint64_t elapsed_us, uint64_t fill_us)
{
	uint64_t most_us = (elapsed_us / PERIOD_US + 2) * QUOTA_US + 2 * fill_us;

	if (most_us >= elapsed_us)
		workload_broken("fills of %llu us say nothing of a quota within %llu us",
				(unsigned long long)fill_us, (unsigned long long)elapsed_us);
	if (!cgroup_field_or_broken(&faults.group, "cpu.stat", "nr_throttled"))
		workload_failed("the group was never throttled");
	if (used_us > most_us)
		workload_failed("the group used %llu us of CPU time in %llu us, at most %llu "
				"are its quota", (unsigned long long)used_us,
				(unsigned long long)elapsed_us, (unsigned long long)most_us);
}

void case_cgroup_cpu(void)
{
	struct ledger before;
	struct fill fill;
	struct actor actor = { .job = fill_often_job, .argument = &fill,
			       .group = &faults.group };
	uint64_t fill_us, before_us, start_ns;

	pool_make(faults.fill_pages);
	group_make("cpu");
	ledger_read(&before, NULL);
	fill_open(&fill, faults.fill_pages);
	fill_us = fill_cost_us(&fill);
	cpu_run_ns = CPU_RUN_FILLS * 1000 * fill_us;
	if (cpu_run_ns < CPU_RUN_NS)
		cpu_run_ns = CPU_RUN_NS;
	cgroup_write_or_broken(&faults.group, "cpu.max", "%u %u", QUOTA_US, PERIOD_US);
	before_us = usage_us();
	start_ns = clock_now_ns();
	actor_start(&actor);
	actor_join(&actor);
	usage_check(usage_us() - before_us, (clock_now_ns() - start_ns) / 1000, fill_us);
	if (actor.stage->error)
		workload_failed("fallocate under a quota: %s", strerror(actor.stage->error));
	fill_undo_check(&fill, &before, NULL, "under a quota");
	fill_close(&fill);
	actor_release(&actor);
	group_end();
	faults_count();
}
