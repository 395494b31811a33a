/* inversion_roles.c - see inversion_roles.h. */
#include "inversion_roles.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cgroup.h"
#include "inversion.h"

const char *const inversion_placements[] = { "same", "across", NULL };
const char *const inversion_classes[] = { "nice", "weight", "fifo", "fifo_high", NULL };

/* priority: of SCHED_FIFO, 0: SCHED_OTHER. weight: of a group, 0: no group. */
static const struct standing {
	int nice, priority;
	unsigned int weight;
} standings[][ROLES_COUNT] = {
	{ { .nice = 19 }, { .nice = 0 }, { .nice = -20 } },
	{ { .weight = 1 }, { .weight = 100 }, { .weight = 10000 } },
	{ { .priority = 10 }, { .priority = 20 }, { .priority = 30 } },
	{ { .nice = 19 }, { .nice = 0 }, { .priority = 30 } },
};

static const char *const group_names[ROLES_COUNT] = { "inversion-low", "inversion-medium",
						      "inversion-high" };

static struct {
	const struct standing *standings;  /* one a role; NULL: not started */
	struct cgroup groups[ROLES_COUNT];
	cpu_set_t cpus_before;
	bool are_cpus_chosen;
	int low_cpu, other_cpu, high_cpu;
} state = { .standings = NULL };

/* The first CPU for low and medium tasks; the next one is the other one. */
static void cpus_choose(void)
{
	int cpu;

	if (sched_getaffinity(0, sizeof(state.cpus_before), &state.cpus_before) < 0)
		workload_broken("sched_getaffinity: %s", strerror(errno));
	state.low_cpu = state.other_cpu = -1;
	for (cpu = 0; cpu < CPU_SETSIZE && state.other_cpu < 0; cpu++) {
		if (!CPU_ISSET((size_t)cpu, &state.cpus_before))
			continue;
		if (state.low_cpu < 0)
			state.low_cpu = cpu;
		else
			state.other_cpu = cpu;
	}
	state.are_cpus_chosen = true;
	state.high_cpu = state.low_cpu;
	if (strcmp(parameter_word("placement"), "across") == 0) {
		if (state.other_cpu < 0)
			workload_skipped("placement=across needs two CPUs");
		state.high_cpu = state.other_cpu;
	}
	if (state.other_cpu < 0)
		state.other_cpu = state.low_cpu;
}

int inversion_other_cpu(void)
{
	if (!state.are_cpus_chosen)
		cpus_choose();
	return state.other_cpu;
}

static void groups_create(void)
{
	int role;

	for (role = 0; role < ROLES_COUNT && state.standings[role].weight; role++) {
		cgroup_create_or_broken(&state.groups[role], group_names[role], "cpu");
		cgroup_make_threaded_or_broken(&state.groups[role]);
		cgroup_write_or_broken(&state.groups[role], "cpu.weight", "%u",
				       state.standings[role].weight);
	}
}

void roles_start(void)
{
	const char *class = parameter_word("class");
	size_t i = 0;

	while (strcmp(inversion_classes[i], class) != 0)
		i++;
	(void)inversion_other_cpu();
	state.standings = standings[i];
	groups_create();
}

void roles_stop(void)
{
	int role;

	if (!state.standings)
		return;
	(void)sched_setaffinity(0, sizeof(state.cpus_before), &state.cpus_before);
	(void)sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ 0 });
	(void)setpriority(PRIO_PROCESS, 0, 0);
	if (state.groups[0].path[0])
		(void)cgroup_leave(0);
	for (role = 0; role < ROLES_COUNT; role++)
		(void)cgroup_remove(&state.groups[role]);
	state.standings = NULL;
}

static void pin_or_broken(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		workload_broken("sched_setaffinity to CPU %d: %s", cpu, strerror(errno));
}

void fifo_set_or_broken(pid_t thread, int priority)
{
	const struct sched_param parameters = { .sched_priority = priority };

	if (sched_setscheduler(thread, priority ? SCHED_FIFO : SCHED_OTHER,
			       &parameters) < 0)
		workload_broken("scheduling class of a task: %s", strerror(errno));
}

void role_set_or_broken(pid_t thread, enum role role)
{
	const struct standing *standing = &state.standings[role];

	if (standing->priority)
		fifo_set_or_broken(thread, standing->priority);
	else if (setpriority(PRIO_PROCESS, (id_t)thread, standing->nice) < 0)
		workload_broken("setpriority: %s", strerror(errno));
}

void role_enter_or_broken(enum role role)
{
	/* Sleeps are to end when they end, whatever the class. */
	(void)prctl(PR_SET_TIMERSLACK, 1);
	pin_or_broken(role == ROLE_HIGH ? state.high_cpu : state.low_cpu);
	if (state.standings[role].weight)
		cgroup_move_thread_or_broken(&state.groups[role], 0);
	role_set_or_broken(0, role);
}

void inversion_serve_or_broken(int priority, int cpu)
{
	(void)prctl(PR_SET_TIMERSLACK, 1);
	if (cpu >= 0)
		pin_or_broken(cpu);
	fifo_set_or_broken(0, priority);
}

bool role_is_fair(enum role role)
{
	return !state.standings[role].priority;
}

bool roles_have_groups(void)
{
	return state.standings[ROLE_LOW].weight > 0;
}
