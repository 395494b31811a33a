/* counters.c - see counters.h. */
#include <stdlib.h>

#include "counters.h"

/* One cache line each: vCPUs may run in threads of their own. */
struct slot {
	struct counts counts;
	char padding[64 - sizeof(struct counts)];
};

static unsigned int slots_count;
static struct slot *slots;         /* NULL: one vCPU, counted inline */

static void add_kernel(unsigned int vcpu, void *count)
{
	vcpu = vcpu_running(vcpu);
	if (vcpu < slots_count)
		slots[vcpu].counts.kernel += (uintptr_t)count;
}

static void add_user(unsigned int vcpu, void *count)
{
	vcpu = vcpu_running(vcpu);
	if (vcpu < slots_count)
		slots[vcpu].counts.user += (uintptr_t)count;
}

#if PLUGIN_API == 1

static struct counts single;

static bool single_open(void)
{
	return true;
}

static struct counts *single_get(void)
{
	return &single;
}

static void single_add_block(struct qemu_plugin_tb *block, bool is_kernel,
			     size_t count)
{
	qemu_plugin_register_vcpu_tb_exec_inline(
		block, QEMU_PLUGIN_INLINE_ADD_U64,
		is_kernel ? &single.kernel : &single.user, count);
}

static void single_add_instruction(struct qemu_plugin_insn *insn, bool is_kernel)
{
	qemu_plugin_register_vcpu_insn_exec_inline(
		insn, QEMU_PLUGIN_INLINE_ADD_U64,
		is_kernel ? &single.kernel : &single.user, 1);
}

#else

static struct qemu_plugin_scoreboard *scoreboard;

static bool single_open(void)
{
	scoreboard = qemu_plugin_scoreboard_new(sizeof(struct counts));
	return scoreboard;
}

static struct counts *single_get(void)
{
	return qemu_plugin_scoreboard_find(scoreboard, 0);
}

static struct qemu_plugin_u64 value_of(bool is_kernel)
{
	return (struct qemu_plugin_u64){
		.scoreboard = scoreboard,
		.offset = is_kernel ? offsetof(struct counts, kernel) :
				      offsetof(struct counts, user),
	};
}

static void single_add_block(struct qemu_plugin_tb *block, bool is_kernel,
			     size_t count)
{
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(
		block, QEMU_PLUGIN_INLINE_ADD_U64, value_of(is_kernel), count);
}

static void single_add_instruction(struct qemu_plugin_insn *insn, bool is_kernel)
{
	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
		insn, QEMU_PLUGIN_INLINE_ADD_U64, value_of(is_kernel), 1);
}

unsigned int vcpu_of_state(const void *state)
{
	static const void *states[COUNTERS_VCPUS_MAX];
	unsigned int i;

	for (i = 0; i < slots_count; i++) {
		const void *known = __atomic_load_n(&states[i], __ATOMIC_RELAXED);

		if (known == state)
			return i;
		/* Two vCPUs may claim one place: the later one goes on. */
		if (!known && __atomic_compare_exchange_n(
				      &states[i], &known, state, false,
				      __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return i;
		if (known == state)
			return i;
	}
	return slots_count ? COUNTERS_VCPUS_MAX : 0;
}

#endif

bool counters_open(unsigned int vcpus_count)
{
	if (vcpus_count == 1)
		return single_open();
	slots = aligned_alloc(sizeof(*slots), vcpus_count * sizeof(*slots));
	if (!slots)
		return false;
	for (slots_count = 0; slots_count < vcpus_count; slots_count++)
		slots[slots_count].counts = (struct counts){ .kernel = 0 };
	return true;
}

void counters_add_block(struct qemu_plugin_tb *block)
{
	bool is_kernel = address_is_kernel(qemu_plugin_tb_vaddr(block));
	size_t count = qemu_plugin_tb_n_insns(block);

	if (slots)
		qemu_plugin_register_vcpu_tb_exec_cb(
			block, is_kernel ? add_kernel : add_user,
			QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)count);
	else
		single_add_block(block, is_kernel, count);
}

void counters_add_instruction(struct qemu_plugin_insn *insn, bool is_kernel)
{
	if (slots)
		qemu_plugin_register_vcpu_insn_exec_cb(
			insn, is_kernel ? add_kernel : add_user,
			QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)1);
	else
		single_add_instruction(insn, is_kernel);
}

void counters_add_one(unsigned int vcpu, bool is_kernel)
{
	struct counts *counts = slots ? &slots[vcpu].counts : single_get();

	if (is_kernel)
		counts->kernel++;
	else
		counts->user++;
}

struct counts counters_get(unsigned int vcpu)
{
	return slots ? slots[vcpu].counts : *single_get();
}
