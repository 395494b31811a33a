/* cases_policy.c - pages come from the nodes that the caller's memory policy and cpuset
 * name, and its helpers stay on its CPUs.
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cases.h"

#define GROUP_NAME "padata-faults-set"

struct policy {
	struct fill fill;         /* first: fill_job() takes it for its argument */
	int mode;
	unsigned long nodes;      /* a bit each */
};

static void policy_prepare(struct actor *actor)
{
	const struct policy *policy = actor->argument;

	if (policy->mode == MPOL_DEFAULT)
		return;
	if (syscall(SYS_set_mempolicy, policy->mode, &policy->nodes,
		    sizeof(policy->nodes) * 8) < 0)
		actor_give_up(actor, "set_mempolicy: %s", strerror(errno));
}

/* Fills a file of so many pages under the policy; where they are missing then must be
 * in these nodes. */
static void policy_round(struct policy *policy, const struct cgroup *group, int error,
			 uint64_t taken0, uint64_t taken1, const char *when)
{
	struct actor actor = { .prepare = policy_prepare, .job = fill_job,
			       .argument = policy, .group = group };
	uint64_t free0 = node_free_pages(0), free1 = node_free_pages(1);
	struct ledger before;

	ledger_read(&before, NULL);
	fill_open(&policy->fill, policy->fill.pages_count);
	actor_start(&actor);
	actor_join(&actor);
	if (actor.stage->error != error)
		workload_failed("%s: fallocate: %s, expected %s", when,
				strerror(actor.stage->error), strerror(error));
	free0 -= node_free_pages(0);
	free1 -= node_free_pages(1);
	if (!error && (free0 != taken0 || free1 != taken1))
		workload_failed("%s: %llu and %llu pages were taken from the nodes, expected "
				"%llu and %llu", when, (unsigned long long)free0,
				(unsigned long long)free1, (unsigned long long)taken0,
				(unsigned long long)taken1);
	/* Some of what it got before the error, and none of the other node. */
	if (error && (free0 || !free1))
		workload_failed("%s: %llu and %llu pages were taken from the nodes", when,
				(unsigned long long)free0, (unsigned long long)free1);
	fill_check(&policy->fill, free0 + free1, when);
	fill_undo_check(&policy->fill, &before, NULL, when);
	fill_close(&policy->fill);
	actor_release(&actor);
	faults_count();
}

static void policies(uint64_t half)
{
	struct policy bind = { .fill.pages_count = half, .mode = MPOL_BIND, .nodes = 2 };
	struct policy both = { .fill.pages_count = half, .mode = MPOL_INTERLEAVE, .nodes = 3 };
	struct policy over = { .fill.pages_count = half + 8, .mode = MPOL_BIND, .nodes = 2 };

	policy_round(&bind, NULL, 0, 0, half, "bound to node 1");
	bind.nodes = 1;
	policy_round(&bind, NULL, 0, half, 0, "bound to node 0");
	policy_round(&both, NULL, 0, half / 2, half / 2, "interleaved");
	policy_round(&over, NULL, ENOSPC, 0, half, "more than node 1 has");
}

/* The whole job on the group's one CPU, its pages from the group's node. */
static void cpus_round(uint64_t pages)
{
	struct fill fill;
	struct actor actor = { .job = fill_job, .argument = &fill, .group = &faults.group,
			       .is_alone = true };
	struct ledger before;

	ledger_read(&before, NULL);
	fill_open(&fill, pages);
	actor_start(&actor);
	if (actor_wait_halfway(&actor, fill_progress, pages / 8)) {
		tasks_check(&actor, "status", "Cpus_allowed_list:\t0");
		tasks_check(&actor, "status", "Mems_allowed_list:\t1");
		tasks_check(&actor, "cgroup", "0::/" GROUP_NAME);
	}
	actor_join(&actor);
	fill_check(&fill, pages, "in a cpuset");
	fill_undo_check(&fill, &before, NULL, "in a cpuset");
	fill_close(&fill);
	actor_release(&actor);
}

static void cpusets(uint64_t half)
{
	struct policy any = { .fill.pages_count = half, .mode = MPOL_DEFAULT };
	struct policy over = { .fill.pages_count = half + 8, .mode = MPOL_DEFAULT };

	cgroup_create_or_broken(&faults.group, GROUP_NAME, "cpuset");
	cgroup_write_or_broken(&faults.group, "cpuset.mems", "1");
	policy_round(&any, &faults.group, 0, 0, half, "in a cpuset of node 1");
	policy_round(&over, &faults.group, ENOSPC, 0, half, "more than the cpuset has");
	cgroup_write_or_broken(&faults.group, "cpuset.cpus", "0");
	cpus_round(half);
	if (cgroup_remove(&faults.group) < 0)
		workload_failed("the control group cannot be removed");
}

void case_policy(void)
{
	const uint64_t half = faults.fill_pages / 2;
	uint32_t i;

	pool_make(faults.fill_pages);
	if (node_free_pages(0) != half || node_free_pages(1) != half)
		workload_broken("the pool is not split evenly: %llu and %llu",
				(unsigned long long)node_free_pages(0),
				(unsigned long long)node_free_pages(1));
	for (i = 0; i < faults.attempts; i++) {
		policies(half);
		cpusets(half);
	}
}
