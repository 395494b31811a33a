/* host_load.c - spinning children, started and ended here. */
#include "host_load.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"

struct host_load {
	pid_t *pids;           /* owned */
	uint32_t count;
};

/* In the child of a program with threads: system calls only. */
static void spin(uint32_t cpu, pid_t parent)
{
	volatile uint64_t turns = 0;
	cpu_set_t set;

	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	CPU_ZERO(&set);
	if (cpu < CPU_SETSIZE) {
		CPU_SET(cpu, &set);
		(void)sched_setaffinity(0, sizeof(set), &set);
	}
	for (;;)
		turns++;
}

int host_load_start(const uint32_t *cpus, uint32_t cpus_count,
		    struct host_load **ret_load, struct error *err)
{
	struct host_load *load = memory_alloc(sizeof(*load));
	pid_t parent = getpid();

	load->pids = memory_alloc_array(cpus_count, sizeof(*load->pids));
	while (load->count < cpus_count) {
		pid_t pid = fork();
		int code = -errno;

		if (pid < 0) {
			host_load_stop(load);
			return error_set_errno(err, code, "cannot start a process");
		}
		if (pid == 0)
			spin(cpus[load->count], parent);
		load->pids[load->count++] = pid;
	}
	*ret_load = load;
	return 0;
}

void host_load_stop(struct host_load *load)
{
	if (!load)
		return;
	for (uint32_t i = 0; i < load->count; i++)
		(void)kill(load->pids[i], SIGKILL);
	for (uint32_t i = 0; i < load->count; i++)
		while (waitpid(load->pids[i], NULL, 0) < 0 && errno == EINTR)
			;
	free(load->pids);
	free(load);
}
