/* orc_frames.h - how to unwind the stacks of a kernel, said in a debugger's
 * language. Kernels here are built without debugging information and without
 * frame pointers, but with ORC tables (Documentation/arch/x86/orc-unwinder.rst),
 * which say of each instruction where its caller's frame is. gdb does not know
 * them; DWARF's call frame information says the same. Pure.
 */
#ifndef KERNGATE_MODEL_ORC_FRAMES_H
#define KERNGATE_MODEL_ORC_FRAMES_H

#include <stddef.h>

#include "error.h"
#include "strbuf.h"

/* Appends to ret_elf an ELF file that holds nothing but .debug_frame (DWARF 5,
 * section 6.4) for the addresses of this vmlinux: for gdb's add-symbol-file beside
 * the vmlinux itself. -ENODATA: it has no ORC tables, or they are of a format
 * that is not known here; -EBADMSG: it is no sound ELF file. */
int orc_frames_make(const void *vmlinux, size_t length, struct strbuf *ret_elf,
		    struct error *err) must_check;

#endif
