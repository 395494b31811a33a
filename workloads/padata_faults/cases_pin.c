/* cases_pin.c - MAP_DMA through VFIO type1 that does not come to its end in peace. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "cases.h"

#define SMALL_PAGE_BYTES UINT64_C(4096)

static void holdings_check(const struct holdings *is, const struct holdings *was,
			   uint64_t locked_kib, const char *when, const char *at)
{
	long long more = (long long)is->locked_kib - (long long)was->locked_kib;

	if (more != (long long)locked_kib)
		workload_failed("%s, %s: VmLck has grown by %+lld kB, expected %llu", when, at,
				more, (unsigned long long)locked_kib);
	if (is->pinned_kib != was->pinned_kib)
		workload_failed("%s, %s: VmPin is %llu kB, was %llu", when, at,
				(unsigned long long)is->pinned_kib,
				(unsigned long long)was->pinned_kib);
	if (is->maps_digest != was->maps_digest)
		workload_failed("%s, %s: the mappings of the caller have changed", when, at);
}

void pin_check(const struct actor *actor, const char *when)
{
	const struct stage *stage = actor->stage;
	const struct pin *pin = actor->argument;
	uint64_t expected = stage->error ? 0 : pin->size_bytes;

	holdings_check(&stage->during, &stage->before, expected / 1024, when, "mapped");
	if (stage->unmapped_bytes != expected)
		workload_failed("%s: %llu bytes were mapped, expected %llu", when,
				(unsigned long long)stage->unmapped_bytes,
				(unsigned long long)expected);
	holdings_check(&stage->after, &stage->before, 0, when, "unmapped");
}

void pin_nothing_check(const char *when)
{
	uint64_t bytes = 0;
	int error = type1_unmap(TYPE1_IOVA, faults.pin_bytes, &bytes);

	if (error || bytes)
		workload_failed("%s: %llu bytes are still mapped (%s)", when,
				(unsigned long long)bytes, strerror(error));
}

static struct actor pin_actor(struct pin *pin)
{
	return (struct actor){ .prepare = pin_prepare, .job = pin_job, .finish = pin_finish,
			       .argument = pin };
}

/* --- RLIMIT_MEMLOCK ------------------------------------------------------------------ */

/* One job under the limit; expected: its error. */
static void memlock_round(struct pin pin, uint64_t limit_bytes, int expected,
			  const char *when)
{
	struct actor actor = pin_actor(&pin);
	struct ledger before;

	pin.is_limited = true;
	pin.limit_bytes = limit_bytes;
	ledger_read(&before, NULL);
	actor_start(&actor);
	actor_join(&actor);
	if (actor.stage->error != expected)
		workload_failed("%s: MAP_DMA: %s, expected %s", when,
				strerror(actor.stage->error), strerror(expected));
	pin_check(&actor, when);
	ledger_check(&before, NULL, when);
	actor_release(&actor);
	faults_count();
}

void case_memlock(void)
{
	const uint64_t size = faults.pin_bytes;
	struct pin pin = { .size_bytes = size };
	int i;

	pool_make(0);
	for (i = 0; i < 3; i++) {
		pin.is_populated = i == 1;
		pin.is_huge = i != 2;
		memlock_round(pin, size, 0, "a limit of exactly the mapping");
		memlock_round(pin, size - SMALL_PAGE_BYTES, ENOMEM, "a limit of a page less");
	}
	pin.is_huge = true;
	memlock_round(pin, size / 2, ENOMEM, "a limit of half the mapping");
	memlock_round(pin, 0, ENOMEM, "a limit of nothing");
	pin.locked_pages = 3;
	memlock_round(pin, size + 3 * SMALL_PAGE_BYTES, 0,
		      "a limit of exactly the mapping and what was locked");
	memlock_round(pin, size + 2 * SMALL_PAGE_BYTES, ENOMEM,
		      "a page less than the mapping and what was locked");
}

/* --- signals, CPUs ------------------------------------------------------------------- */

bool pin_sigkill(uint32_t round)
{
	static const char when[] = "MAP_DMA after SIGKILL";
	struct pin pin = { .size_bytes = faults.pin_bytes };
	struct actor actor = pin_actor(&pin);
	struct ledger before;
	bool is_killed = false;
	int status;

	(void)round;
	ledger_read(&before, NULL);
	actor_start(&actor);
	if (actor_wait_halfway(&actor, actor_rss_kib, faults.pin_bytes / 1024 / 8))
		kill(actor.pid, SIGKILL);
	status = actor_wait(&actor);
	is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL &&
		    actor.stage->phase == PHASE_JOB;
	pin_nothing_check(when);
	ledger_check(&before, NULL, when);
	actor_release(&actor);
	return is_killed;
}

/* Does something to a job in its middle that it must survive. */
static bool pin_disturbed(void (*deed)(const struct actor *actor), const char *when)
{
	struct pin pin = { .size_bytes = faults.pin_bytes, .has_handler = true };
	struct actor actor = pin_actor(&pin);
	struct ledger before;
	bool is_halfway;

	ledger_read(&before, NULL);
	actor_start(&actor);
	is_halfway = actor_wait_halfway(&actor, actor_rss_kib, faults.pin_bytes / 1024 / 8);
	if (is_halfway)
		deed(&actor);
	actor_join(&actor);
	if (actor.stage->error)
		workload_failed("%s: %s", when, strerror(actor.stage->error));
	pin_check(&actor, when);
	ledger_check(&before, NULL, when);
	actor_release(&actor);
	return is_halfway;
}

static void deed_interrupt(const struct actor *actor)
{
	kill(actor->pid, SIGINT);
}

/* Only a fatal signal ends this kind of job. */
bool pin_sigint(uint32_t round)
{
	(void)round;
	return pin_disturbed(deed_interrupt, "MAP_DMA after SIGINT");
}

static void deed_switch(const struct actor *actor)
{
	const unsigned int cpu = cpus_count() - 1;

	(void)actor;
	cpu_switch(cpu, false);
	cpu_switch(cpu, true);
}

bool pin_cpu_offline(uint32_t round)
{
	(void)round;
	return pin_disturbed(deed_switch, "MAP_DMA that lost a CPU");
}
