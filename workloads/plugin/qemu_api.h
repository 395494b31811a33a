/* qemu_api.h - QEMU's plugin interface as far as the counting plugin uses it,
 * declared by ourselves: no distribution packages the header. What is declared
 * depends on PLUGIN_API, the version that a plugin says it was built for:
 *
 *   1   QEMU 6.0 to 8.2: inline operations add to one address, the bytes of an
 *       instruction are borrowed
 *   3   QEMU 9.1 to 10.x (which report 3, 4 and 5, and still take 3): inline
 *       operations add to a value per vCPU, the bytes are copied out
 *
 * Version 2 (QEMU 9.0 only) has neither form of both and is not built. Source:
 * QEMU's documentation, docs/devel/tcg-plugins.
 */
#ifndef KERNGATE_PLUGIN_QEMU_API_H
#define KERNGATE_PLUGIN_QEMU_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if PLUGIN_API == 1
#define PLUGIN_API_NEWEST 1
#elif PLUGIN_API == 3
#define PLUGIN_API_NEWEST 5
#else
#error "PLUGIN_API must be 1 or 3"
#endif

#define plugin_export __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;

struct qemu_info {
	const char *target_name;
	struct {
		int min, cur;          /* interface versions that QEMU takes */
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus, max_vcpus;
	} system;
};

struct qemu_plugin_tb;             /* a translated block */
struct qemu_plugin_insn;           /* an instruction in it */

/* C enums on QEMU's side: int here. */
#define QEMU_PLUGIN_CB_NO_REGS 0
#define QEMU_PLUGIN_INLINE_ADD_U64 0

typedef void (*qemu_plugin_translate_fn)(qemu_plugin_id_t id,
					 struct qemu_plugin_tb *block);
typedef void (*qemu_plugin_exec_fn)(unsigned int vcpu, void *argument);
typedef void (*qemu_plugin_exit_fn)(qemu_plugin_id_t id, void *argument);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   qemu_plugin_translate_fn callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block,
					  qemu_plugin_exec_fn callback,
					  int flags, void *argument);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    qemu_plugin_exec_fn callback,
					    int flags, void *argument);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
				    qemu_plugin_exit_fn callback, void *argument);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block,
						 size_t index);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *block);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

/* Weak, so that a QEMU that lacks them loads the object, sees its version and
 * refuses it in words. */
#define from_this_api __attribute__((weak))

#if PLUGIN_API == 1
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
from_this_api void qemu_plugin_register_vcpu_tb_exec_inline(
	struct qemu_plugin_tb *block, int operation, void *value,
	uint64_t addend);
from_this_api void qemu_plugin_register_vcpu_insn_exec_inline(
	struct qemu_plugin_insn *insn, int operation, void *value,
	uint64_t addend);
#else
struct qemu_plugin_scoreboard;     /* one element for every vCPU */

struct qemu_plugin_u64 {
	struct qemu_plugin_scoreboard *scoreboard;
	size_t offset;             /* of the value in an element */
};

from_this_api struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(
	size_t element_bytes);
from_this_api void *qemu_plugin_scoreboard_find(
	struct qemu_plugin_scoreboard *scoreboard, unsigned int vcpu);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *data,
			     size_t size);
from_this_api void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(
	struct qemu_plugin_tb *block, int operation,
	struct qemu_plugin_u64 value, uint64_t addend);
from_this_api void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
	struct qemu_plugin_insn *insn, int operation,
	struct qemu_plugin_u64 value, uint64_t addend);
#endif

/* What QEMU looks for. */
extern plugin_export int qemu_plugin_version;
plugin_export int qemu_plugin_install(qemu_plugin_id_t id,
				      const struct qemu_info *info, int argc,
				      char **argv);

#endif
