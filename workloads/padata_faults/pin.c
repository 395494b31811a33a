/* pin.c - see pin.h. */
#include "pin.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SMALL_PAGE_BYTES 4096u

bool pin_is_possible(void)
{
	DIR *groups = opendir("/sys/kernel/iommu_groups");
	struct dirent *entry;
	bool is_found = false;

	while (groups && !is_found && (entry = readdir(groups)) != NULL)
		is_found = entry->d_name[0] != '.';
	if (groups)
		closedir(groups);
	return is_found;
}

/* Without CAP_IPC_LOCK the limit is checked (mlock(2)). */
static void limit_set(struct actor *actor, uint64_t limit_bytes)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	const struct rlimit limit = { limit_bytes, limit_bytes };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		actor_give_up(actor, "RLIMIT_MEMLOCK: %s", strerror(errno));
	if (syscall(SYS_capget, &header, data) < 0)
		actor_give_up(actor, "capget: %s", strerror(errno));
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	if (syscall(SYS_capset, &header, data) < 0)
		actor_give_up(actor, "capset: %s", strerror(errno));
}

static void on_signal(int number)
{
	(void)number;
}

static void handler_set(struct actor *actor)
{
	const struct sigaction action = { .sa_handler = on_signal };

	if (sigaction(SIGINT, &action, NULL) < 0)
		actor_give_up(actor, "sigaction: %s", strerror(errno));
}

void pin_prepare(struct actor *actor)
{
	struct pin *pin = actor->argument;
	int advice = pin->is_huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
	void *locked;

	if (pin->locked_pages) {
		locked = mmap(NULL, pin->locked_pages * SMALL_PAGE_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (locked == MAP_FAILED || mlock(locked, pin->locked_pages * SMALL_PAGE_BYTES) < 0)
			actor_give_up(actor, "mlock: %s", strerror(errno));
	}
	pin->memory = mmap(NULL, pin->size_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pin->memory == MAP_FAILED || madvise(pin->memory, pin->size_bytes, advice) < 0)
		actor_give_up(actor, "memory: %s", strerror(errno));
	if (pin->is_populated)
		memset(pin->memory, 1, pin->size_bytes);
	if (pin->has_handler)
		handler_set(actor);
	if (pin->is_limited)
		limit_set(actor, pin->limit_bytes);
}

int pin_job(struct actor *actor)
{
	const struct pin *pin = actor->argument;

	return type1_map(pin->memory, TYPE1_IOVA, pin->size_bytes);
}

void pin_finish(struct actor *actor)
{
	struct pin *pin = actor->argument;
	uint64_t bytes = 0;
	int error = type1_unmap(TYPE1_IOVA, pin->size_bytes, &bytes);

	if (error)
		actor_give_up(actor, "UNMAP_DMA: %s", strerror(error));
	actor->stage->unmapped_bytes = bytes;
}
