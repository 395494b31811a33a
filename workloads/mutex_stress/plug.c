/* plug.c - CPUs that go and come back while mutexes are fought for. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "stress.h"

#define PLUG_PRIORITY 70
#define PAUSE_MIN_US 20000
#define PAUSE_MAX_US 150000

static void cpu_switch(struct slot *slot, uint32_t cpu, bool is_online)
{
	enum deed deed = is_online ? DEED_ONLINE : DEED_OFFLINE;
	char path[64];
	int result;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	slot_begin(slot, deed);
	result = text_write(path, is_online ? "1" : "0");
	errno = -result;
	slot_end(slot, deed, result);
}

/* A CPU that went comes back within the storm, or when the next begins: calms are
 * passed with and without it. */
_Noreturn void plug_run(void)
{
	struct slot *slot = &stress.arena->slots[SLOT_PLUG];
	uint64_t random = random_seed(stress.seed, UINT64_C(1) << 63);
	uint32_t cpu;

	child_begin(slot, PLUG_PRIORITY);
	while (phase_wait_storm()) {
		cpu = 1 + random_below(&random, stress.cpus_count - 1);
		cpu_switch(slot, cpu, false);
		nap_us(PAUSE_MIN_US + random_below(&random, PAUSE_MAX_US));
		(void)phase_wait_storm();
		cpu_switch(slot, cpu, true);
		nap_us(PAUSE_MIN_US + random_below(&random, PAUSE_MAX_US));
	}
	_exit(0);
}
