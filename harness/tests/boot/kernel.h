/* kernel.h - the kernel and the initial file systems of the boot tests. */
#ifndef KERNGATE_TESTS_BOOT_KERNEL_H
#define KERNGATE_TESTS_BOOT_KERNEL_H

#include "error.h"

/* Image of the campaign quick's stock variant, from the cache (`make check`
 * builds it before), or what KERNGATE_TEST_KERNEL names. Owned; NULL with the
 * reason in err. */
char *test_kernel(struct error *err);

/* build/, which holds guest_init and workloads/; owned. */
char *test_build_dir(void);

/* An initramfs that runs the workload selftest once, as row "t"; a plan without
 * rows if act is NULL. Owned path; NULL with the reason in err. */
char *test_initrd(const char *folder, const char *trial_id, const char *act,
		  unsigned int timeout_s, struct error *err);

#endif
