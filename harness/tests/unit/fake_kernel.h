/* fake_kernel.h - for the tests of the kernel builder: a source tree of a few
 * lines whose Makefile imitates the targets of Kbuild that are used, a cache of
 * its own, and a kernel spec that can be given patches.
 *
 * The fake's "compiler" copies the source file. Comments in a .c file steer it:
 *     count: PATH    a line is appended to PATH whenever it is compiled
 *     wait: FIFO     FIFO.started is made, then FIFO is read to its end
 *     fail: TEXT     "FILE:1:1: error: TEXT" and failure
 */
#ifndef KERNGATE_TESTS_FAKE_KERNEL_H
#define KERNGATE_TESTS_FAKE_KERNEL_H

#include "kernel_builder.h"

struct fake {
	char *folder;               /* everything is below it; owned */
	char *source;               /* the source tree; owned */
	char *cache_path;           /* owned */
	struct kernel_cache *cache; /* owned */
	/* base "fake", SOURCE_DIR, one fragment: folder/wanted.config */
	struct kernel_spec spec;
};

/* Whether it worked; a failure is a failed assertion. */
bool fake_open(struct fake *fake);
void fake_close(struct fake *fake);
/* Closes and opens the cache: nothing is in use any more. */
void fake_reopen(struct fake *fake);

/* Writes folder/name and makes it an hour old. */
void fake_write(const char *folder, const char *name, const char *format, ...)
	printf_like(3, 4);
char *fake_read(const char *folder, const char *name); /* owned; "" if missing */
/* Appends a series of one patch (0001.patch) to the spec. */
void fake_add_patch(struct fake *fake, const char *series, const char *patch);
void fake_drop_series(struct fake *fake);
/* SHA-256 over names and contents of all files below; owned. */
char *fake_digest(const char *folder);

/* kernel_build with a fresh error. */
int fake_build(struct fake *fake, const struct build_options *options,
	       struct built_kernel *ret_kernel, struct error *err);
/* Number in a kernel's record; -1 if not there. */
long fake_record_number(const struct built_kernel *kernel, const char *name);
/* Text in a kernel's record; owned. */
char *fake_record_text(const struct built_kernel *kernel, const char *name);

/* Runs a program, output dropped; whether it succeeded. */
bool fake_run(const char *folder, const char *const *argv);

/* Waits until path exists (true) or 20 s are over. */
bool fake_wait_for(const char *path);

/* Patches against the fake's source. */
extern const char fake_patch_a[];      /* a.c: one -> two */
extern const char fake_patch_a_more[]; /* a.c: two -> three */
extern const char fake_patch_header[]; /* include/h.h */

#endif
