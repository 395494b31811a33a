/* counters.h - instructions run by each vCPU, split into kernel and user. One
 * vCPU is counted by inline operations of QEMU, several by a call for each block
 * (which costs more).
 *
 * QEMU runs translated blocks; a block is counted when it begins. By instruction
 * instead, each one is counted when it begins: slower, and exact also where an
 * exception leaves a block in its middle.
 */
#ifndef KERNGATE_PLUGIN_COUNTERS_H
#define KERNGATE_PLUGIN_COUNTERS_H

#include "qemu_api.h"

struct counts {
	uint64_t kernel, user;
};

#define COUNTERS_VCPUS_MAX 1024u

/* Interface 3 and several vCPUs on one thread (as with an instruction clock):
 * QEMU 10 takes one thread for one vCPU, so a block that one vCPU had translated
 * names that vCPU whoever runs it, and an inline operation of a vCPU but the
 * first breaks a constant of the block: the guest itself goes wrong (seen in
 * 10.0; accel/tcg/plugin-gen.c, gen_cpu_index). Hence no inline operations there,
 * and vCPUs are told apart by the address of their state, which translated code
 * on x86-64 keeps in the frame register while it calls us. They are numbered in
 * the order in which they begin to run. */
#if PLUGIN_API == 1
#define vcpu_running(named) (named)
#else
#ifndef __x86_64__
#error "interface 3 is for x86-64 hosts"
#endif
#define vcpu_running(named) \
	((void)(named), vcpu_of_state(__builtin_frame_address(1)))
/* COUNTERS_VCPUS_MAX for one too many. */
unsigned int vcpu_of_state(const void *state);
#endif

/* An address of the kernel's half. */
static inline bool address_is_kernel(uint64_t address)
{
	return address >> 63;
}

/* False if there is no memory. */
bool counters_open(unsigned int vcpus_count);
/* Has a block counted; marker instructions are left to counters_add_one where
 * it goes by instruction. */
void counters_add_block(struct qemu_plugin_tb *block);
void counters_add_instruction(struct qemu_plugin_insn *insn, bool is_kernel);
void counters_add_one(unsigned int vcpu, bool is_kernel);
/* What a vCPU has run so far. vcpu: as of vcpu_running(), which only functions
 * that QEMU's translated code calls may use. */
struct counts counters_get(unsigned int vcpu);

#endif
