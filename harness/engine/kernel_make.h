/* kernel_make.h - runs a tree's own build system: configuration and image. */
#ifndef KERNGATE_ENGINE_KERNEL_MAKE_H
#define KERNGATE_ENGINE_KERNEL_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "kernel_spec.h"

struct kernel_make {
	const char *tree;
	const char *phase;         /* for progress */
	const char *log_path;      /* appended to */
	const char *cc;
	uint32_t jobs;             /* 0: number of CPUs */
	uint64_t expected_count;   /* of objects to compile; 0: unknown */
	bool with_bzimage;         /* arch/x86/boot/bzImage too */
};

/* Fixed for all builds: user, host, time stamp, locale, an environment without
 * the caller's variables. First line of `CC --version` and of `ld --version`,
 * joined by " | "; owned. */
int kernel_toolchain(const char *cc, char **ret_toolchain,
		     struct error *err) must_check;

/* The requests as one fragment, sorted, each option once; owned. */
char *kernel_requests_text(const struct config_requests *requests);

/* allnoconfig with the requests; -EINVAL names each option that was dropped.
 * fragment_path holds kernel_requests_text(). */
int kernel_configure(const struct kernel_make *make, const char *fragment_path,
		     const struct config_requests *requests,
		     char **ret_config_text, struct error *err) must_check;

/* Builds vmlinux (and bzImage). -EREMOTEIO with the first compiler errors and the log's path,
 * -ENOSPC when the disk is full, -ECANCELED. *ret_count: objects compiled, also
 * set on failure. */
int kernel_compile(const struct kernel_make *make, uint64_t *ret_count,
		   struct error *err) must_check;

#endif
