/* churn.c - what happens to actors while they hold and wait: signals, other classes and
 * priorities, other CPUs, other groups, death.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

/* Of sched_setattr(2); the C library has none. */
struct class_attr {
	uint32_t size, sched_policy;
	uint64_t sched_flags;
	int32_t sched_nice;
	uint32_t sched_priority;
	uint64_t sched_runtime, sched_deadline, sched_period;
};
#define CLASS_DEADLINE 6
#define FLAG_RESET_ON_FORK 1

#define CHURN_PRIORITY 80
#define PAUSE_MAX_US 4000
/* Of all threads together less than a CPU can give, or no CPU could be taken away. */
#define DEADLINE_RUNTIME_NS 1000000
#define DEADLINE_PERIOD_NS 60000000

struct target {
	pid_t process, thread;
	uint32_t actor;
};

/* An actor's thread that lives; false if the draw fell on one that does not. */
static bool target_draw(uint64_t *random, struct target *ret_target)
{
	uint32_t actor = random_below(random, stress.actors_count);
	uint32_t slot = actor * WORKERS_COUNT + random_below(random, WORKERS_COUNT);

	ret_target->actor = actor;
	ret_target->process = atomic_load(&stress.arena->processes[actor]);
	ret_target->thread = atomic_load(&stress.arena->slots[slot].thread);
	return ret_target->process && ret_target->thread;
}

static long signal_send(const struct target *target, uint64_t *random)
{
	(void)random;
	return syscall(SYS_tgkill, target->process, target->thread, SIGUSR1);
}

static long class_change(const struct target *target, uint64_t *random)
{
	/* A deadline task may not fork otherwise. */
	struct class_attr attr = { .size = sizeof(attr),
				   .sched_flags = FLAG_RESET_ON_FORK };

	switch (random_below(random, stress.has_deadlines ? 5 : 4)) {
	case 0:
		attr.sched_policy = SCHED_FIFO;
		attr.sched_priority = 1 + random_below(random, 10);
		break;
	case 4:
		attr.sched_policy = CLASS_DEADLINE;
		attr.sched_runtime = DEADLINE_RUNTIME_NS;
		attr.sched_deadline = DEADLINE_PERIOD_NS / 2;
		attr.sched_period = DEADLINE_PERIOD_NS;
		break;
	case 1:
		attr.sched_policy = SCHED_BATCH;
		break;
	default:
		attr.sched_policy = SCHED_OTHER;
		attr.sched_nice = (int32_t)random_below(random, 40) - 20;
	}
	return syscall(SYS_sched_setattr, target->thread, &attr, 0);
}

/* All CPUs, or one: perhaps one that is not there just now. */
static long affinity_change(const struct target *target, uint64_t *random)
{
	bool is_one = random_below(random, 2);
	uint32_t one = random_below(random, stress.cpus_count), i;
	cpu_set_t set;

	CPU_ZERO(&set);
	for (i = 0; i < stress.cpus_count; i++)
		if (!is_one || i == one)
			CPU_SET(i, &set);
	return sched_setaffinity(target->thread, sizeof(set), &set);
}

/* By descriptors of its own: it is the actors that share theirs. */
static long group_change(const struct target *target, uint64_t *random)
{
	uint32_t group = random_below(random, GROUPS_COUNT);
	char path[CGROUP_PATH_MAX + 16], text[16];
	int result;

	snprintf(path, sizeof(path), "%s/cgroup.procs",
		 group ? stress.groups[group].path : CGROUP_ROOT);
	snprintf(text, sizeof(text), "%d", (int)target->process);
	result = text_write(path, text);
	errno = -result;
	return result;
}

static long actor_kill(const struct target *target, uint64_t *random)
{
	(void)random;
	atomic_store(&stress.arena->doomed[target->actor], (int32_t)target->process);
	return kill(target->process, SIGKILL);
}

static const struct {
	enum deed deed;
	uint32_t weight;
	long (*run)(const struct target *target, uint64_t *random);
} deeds[] = {
	{ DEED_SIGNAL, 100, signal_send },
	{ DEED_CLASS, 100, class_change },
	{ DEED_AFFINITY, 80, affinity_change },
	{ DEED_GROUP, 20, group_change },
	{ DEED_KILL, 4, actor_kill },
};

#define CHURN_DEEDS_COUNT (sizeof(deeds) / sizeof(deeds[0]))

static size_t deed_choose(uint64_t *random)
{
	uint32_t sum = 0, choice;
	size_t i;

	for (i = 0; i < CHURN_DEEDS_COUNT; i++)
		sum += deeds[i].weight;
	choice = random_below(random, sum);
	for (i = 0; choice >= deeds[i].weight; i++)
		choice -= deeds[i].weight;
	return i;
}

_Noreturn void churn_run(void)
{
	struct slot *slot = &stress.arena->slots[SLOT_CHURN];
	uint64_t random = random_seed(stress.seed, UINT64_C(1) << 62);
	struct target target;

	child_begin(slot, CHURN_PRIORITY);
	while (phase_wait_storm()) {
		size_t i = deed_choose(&random);

		if (target_draw(&random, &target)) {
			slot_begin(slot, deeds[i].deed);
			slot_end(slot, deeds[i].deed, deeds[i].run(&target, &random));
		}
		nap_us(random_below(&random, PAUSE_MAX_US));
	}
	_exit(0);
}
